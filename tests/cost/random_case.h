/* Random small chips, models and steps: what the tests of this folder run on. A case is its seed. */
#ifndef ROMA_TEST_RANDOM_CASE_H
#define ROMA_TEST_RANDOM_CASE_H
#include <stdio.h>
#include <string.h>

#include "roma/cost.h"
#include "roma/map.h"

enum { RANDOM_SPANS = 12, RANDOM_SET = 3, RANDOM_ADAPTERS = 5, RANDOM_SLOTS = 64 };
typedef struct {
    uint64_t seed, draws;
    roma_description d;
    roma_image_tensor tensors[96];
    roma_order orders[32];
    roma_plan plan;
    roma_placement place;
    roma_cost_span spans[RANDOM_SPANS];
    size_t n_spans;
    /* The adapters of the case, what the sets of its spans are made of, and their ranks where these are not uniform. */
    roma_cost_adapter adapters[RANDOM_ADAPTERS], sets[RANDOM_SPANS][RANDOM_SET];
    uint32_t ranks[RANDOM_ADAPTERS][RANDOM_SLOTS];
} random_case;

static inline uint64_t random_below(random_case *r, uint64_t n) { return roma_random(r->seed, r->draws++) % n; }
static inline uint64_t random_range(random_case *r, uint64_t low, uint64_t high) {
    return low + random_below(r, high - low + 1);
}
static inline bool random_chance(random_case *r, unsigned percent) { return random_below(r, 100) < percent; }
static inline double random_share(random_case *r) { return (double)random_range(r, 100, 1000) / 1000; }
#define RANDOM_OF(r, ...)                                                                                              \
    ((const double[]){__VA_ARGS__}[random_below(r, sizeof(const double[]){__VA_ARGS__} / sizeof(double))])

/* ---- chip ---------------------------------------------------------------------------------------- */

/* The chip that cases begin with, read once; NULL: it cannot be. */
static inline const roma_chip *random_like(void) {
    static roma_chip like;
    static bool is_open;
    roma_error err;
    if (!is_open) is_open = !roma_chip_open(&like, "roma-contract", &err);
    return is_open ? &like : NULL;
}

static inline void random_put(random_case *r, unsigned i, double v) { roma_chip_put(&r->place.chip, i, v); }
#define RANDOM_PUT(r, field, v) random_put(r, ROMA_CHIP_##field, v)
/* A latency; sometimes one that is no whole number of cycles. */
#define RANDOM_CYCLES(r, field, high)                                                                                  \
    RANDOM_PUT(r, field, quiet ? 0 : (double)random_range(r, 0, high) + (broken ? RANDOM_OF(r, 0, 0.25, 0.75) : 0))

/* 0.5 also tries links of a fraction of a byte; the next whole number counts. */
#ifndef RANDOM_LINK
#define RANDOM_LINK 1.0
#endif

/* A grid that is full: vector units in one row or several, in all of these or not. */
static inline void random_grid(random_case *r) {
    uint64_t rows, columns, vectors;
    double lunits, lanes;
    do {
        rows = random_range(r, 1, 8);
        columns = random_range(r, 1, 8);
        vectors = random_range(r, 1, random_chance(r, 25) ? 12 : 5);
        lunits = RANDOM_OF(r, 1, 2, 4, 8, 16);
        lanes = RANDOM_OF(r, 8, 16, 32, 64, 128);
    } while (rows * columns <= vectors || (double)(rows * columns - vectors) * lunits * lanes < 400);
    RANDOM_PUT(r, grid_rows, (double)rows);
    RANDOM_PUT(r, grid_columns, (double)columns);
    RANDOM_PUT(r, vector_units, (double)vectors);
    RANDOM_PUT(r, matrix_units, (double)(rows * columns - vectors));
    RANDOM_PUT(r, lunits, lunits);
    RANDOM_PUT(r, lanes, lanes);
}

static inline void random_units(random_case *r) {
    random_grid(r);
    RANDOM_PUT(r, vector_lanes, (double)random_range(r, 1, 70));
    RANDOM_PUT(r, leaf_group, RANDOM_OF(r, 8, 16, 32, 48, 128, 1000));
    RANDOM_PUT(r, link_bytes,
               random_chance(r, 30) ? RANDOM_LINK + (double)random_below(r, 40) : (double)random_range(r, 1, 256));
    RANDOM_PUT(r, lunit_style, random_chance(r, 30));
    RANDOM_PUT(r, word_cycles, (double)random_range(r, 1, 8));
    RANDOM_PUT(r, hold, (double)random_below(r, 2));
    RANDOM_PUT(r, trits, (double)(r->seed / 3 % 2));
    RANDOM_PUT(r, scale_port, (double)random_below(r, 3));
}

static inline void random_latencies(random_case *r) {
    const bool quiet = random_chance(r, 8), broken = random_chance(r, 15);
    RANDOM_CYCLES(r, lunit_pipeline, 9);
    RANDOM_CYCLES(r, lat_add, 9);
    RANDOM_CYCLES(r, lat_mul, 9);
    RANDOM_CYCLES(r, lat_convert, 9);
    RANDOM_CYCLES(r, lat_div, 30);
    RANDOM_CYCLES(r, lat_sqrt, 30);
    RANDOM_CYCLES(r, hop_cyc, 4);
    RANDOM_PUT(r, div_interval, (double)random_range(r, 1, 12));
    RANDOM_PUT(r, exp_interval, (double)random_range(r, 1, 8));
    RANDOM_PUT(r, fill_cyc, random_chance(r, 20) ? (double)random_range(r, 1, 300) : 0);
}

static inline void random_memory(random_case *r) {
    RANDOM_PUT(r, clock_hz, 5e8);
    RANDOM_PUT(r, hunit_mac, (double)random_range(r, 1, random_chance(r, 40) ? 512 : 64));
    RANDOM_PUT(r, hunit_exp, RANDOM_OF(r, 1, 1, 2, 3, 16));
    RANDOM_PUT(r, hunit_pages, (double)random_below(r, 2));
    RANDOM_PUT(r, page_run, (double)random_below(r, 4));
    RANDOM_PUT(r, hunit_bandwidth,
               random_chance(r, 30) ? 1.5 + (double)random_below(r, 60) : (double)random_range(r, 1, 128));
    RANDOM_PUT(r, mac_efficiency, random_chance(r, 40) ? 1 : random_share(r));
    RANDOM_PUT(r, read_efficiency, random_chance(r, 40) ? 1 : random_share(r));
    RANDOM_PUT(r, kv_bytes, RANDOM_OF(r, 0.5, 1, 2, 4));
    RANDOM_PUT(r, kv_scale_bytes, RANDOM_OF(r, 0, 1, 2, 4));
    RANDOM_PUT(r, lora_weight_bytes, RANDOM_OF(r, 0.5, 0.7, 1, 2));
    RANDOM_PUT(r, rom_style, random_chance(r, 30) ? ROMA_ROM_DRAM : (double)random_below(r, ROMA_ROM_DRAM));
    RANDOM_PUT(r, dram_bandwidth, 5e8 * (double)random_range(r, 2, 400));
    RANDOM_PUT(r, dram_efficiency, random_share(r));
    RANDOM_PUT(r, dram_hidden, (double)random_below(r, 2));
    RANDOM_PUT(r, host_bandwidth, 1e8 * (double)random_range(r, 10, 400));
    RANDOM_PUT(r, die_bandwidth, 1e8 * (double)random_range(r, 5, 400));
    RANDOM_PUT(r, die_latency_s, (double)random_below(r, 400) * 1e-9);
}

static inline void random_schedule(random_case *r) {
    const uint64_t block = random_range(r, 1, 8);
    RANDOM_PUT(r, overlap, (double)random_below(r, 2));
    RANDOM_PUT(r, lora_share, RANDOM_OF(r, 0.125, 0.25, 0.4));
    RANDOM_PUT(r, streams, (double)random_range(r, 1, 4));
    RANDOM_PUT(r, block_rows, (double)block);
    RANDOM_PUT(r, block_spans, (double)random_range(r, 1, 3));
    RANDOM_PUT(r, chunk_rows, (double)random_range(r, block, 16));
    RANDOM_PUT(r, full_logits, (double)random_below(r, 2));
    RANDOM_PUT(r, lora_where, random_chance(r, 35));
    RANDOM_PUT(r, die_split, (double)random_below(r, 2));
}

/* What differs from roma-contract, as arguments of --set. */
static inline void random_print_chip(const random_case *r, FILE *out) {
    const roma_chip *like = random_like();
    for (unsigned i = 0; like && roma_chip_parameter_at(i); i++)
        if (roma_chip_get(&r->place.chip, i) != roma_chip_get(like, i))
            fprintf(out, " %s.%s=%.17g", roma_chip_parameter_at(i)->section, roma_chip_parameter_at(i)->key,
                    roma_chip_get(&r->place.chip, i));
    fprintf(out, " on %u dies\n", r->place.dies);
}

/* ---- model --------------------------------------------------------------------------------------- */

static inline roma_format random_format(random_case *r, uint64_t cols) {
    roma_format f = {.bits = (uint8_t)RANDOM_OF(r, 1, 2, 3, 4, 4, 5, 6, 8), .scale = ROMA_SCALE_F16};
    do f.group = (uint16_t)(16u << random_below(r, 5));
    while (cols % f.group || (f.bits == 1 && f.group < 32));
    if (cols % 256 == 0 && random_chance(r, 40)) {
        f.super = 256;
        f.scale = (uint8_t)random_range(r, ROMA_SCALE_U4, f.bits == 8 ? ROMA_SCALE_S6 : ROMA_SCALE_S8);
    }
    if (random_chance(r, 30)) f.min = f.scale;
    if (!f.super && !f.min && r->seed % 7 == 3) f.scale = ROMA_SCALE_F32;
    if (!f.super && !f.min && r->seed % 5 == 2 && (f.bits == 8 || (f.bits >= 2 && f.bits <= 4)))
        f.zeros = f.bits == 8 ? ROMA_ZEROS_S8 : ROMA_ZEROS_U4;
    f.zero = (int16_t)(f.bits == 2 && r->seed % 3 ? 1 : 0); /* ternary where there is no minimum */
    return f;
}

static inline void random_model(random_case *r) {
    roma_hyper *h = &r->d.hyper;
    *h = (roma_hyper){.arch = (uint32_t)random_range(r, ROMA_ARCH_LLAMA, ROMA_ARCH_QWEN3),
                      .layers = (uint32_t)random_range(r, 2, 4),
                      .context = 4096,
                      .rms_eps = 1e-5f};
    h->hidden = 32 * (uint32_t)random_range(r, 1, 8);
    h->ffn = 32 * (uint32_t)random_range(r, 2, 12);
    h->head_dim = 16 * (uint32_t)random_range(r, 1, 4);
    h->rope_dim = r->seed % 4 == 1 ? h->head_dim - 6 : h->head_dim;
    do {
        h->kv_heads = (uint32_t)(random_chance(r, 10) ? 8 : random_range(r, 1, 6));
        h->heads = h->kv_heads * (uint32_t)random_range(r, 1, h->kv_heads > 4 ? 2 : 4);
    } while (h->heads * h->head_dim % 32);
    h->vocab = (uint32_t)random_range(r, 50, 700);
    r->d.tensors = r->tensors;
    const bool tied = random_chance(r, 50), biased = random_chance(r, 30);
    for (uint32_t role = 1; role < ROMA_W_END; role++)
        for (uint32_t l = 0; l < (roma_tensor_role_is_layered(role) ? h->layers : 1); l++) {
            roma_image_tensor t = {.role = role, .layer = l, .tie = -1, .is_vector = !roma_tensor_role_is_matrix(role)};
            if (!roma_hyper_shape(h, role, &t.rows, &t.cols)) continue;
            if (!roma_hyper_required(h, role) && (role == ROMA_W_HEAD ? tied : !biased)) continue;
            if (!t.is_vector) t.format = random_format(r, t.cols);
            r->tensors[r->d.n_tensors++] = t;
        }
}

/* In every fourth case columns of some matrices in other orders, which q, k and v, and gate and up, may share. Draws of
 * its own, so that all else of a case stays. */
static inline void random_orders(random_case *r) {
    r->d.orders = r->orders;
    for (size_t i = 0; i < r->d.n_tensors && r->seed % 4 == 3; i++) {
        roma_image_tensor *t = &r->tensors[i];
        const uint64_t draw = roma_random(r->seed ^ 0x0fde2, i) % 4;
        if (t->is_vector || !roma_tensor_role_is_layered(t->role) || !draw) continue;
        const roma_order *before = r->d.n_orders ? &r->orders[r->d.n_orders - 1] : NULL;
        if (draw == 1 && before && before->cols == t->cols && !before->folded) t->order = before;
        if (t->order || r->d.n_orders == sizeof r->orders / sizeof *r->orders) continue;
        r->orders[r->d.n_orders] = (roma_order){(uint32_t)t->cols, t->role == ROMA_W_DOWN && draw == 2, NULL};
        t->order = &r->orders[r->d.n_orders++];
    }
}

/* ---- step ---------------------------------------------------------------------------------------- */

/* Adapters of one rank everywhere, none on some matrices, or of another one on each. */
static inline void random_adapters(random_case *r) {
    static const uint32_t ranks[] = {0, 1, 4, 16, 33};
    for (uint32_t i = 0; i < RANDOM_ADAPTERS; i++) {
        roma_cost_adapter *a = &r->adapters[i];
        *a = (roma_cost_adapter){.id = i, .rank = random_chance(r, 15) ? 0 : ranks[i]};
        if (random_chance(r, 40)) a->ranks = r->ranks[i];
        const unsigned absent = (unsigned)random_below(r, 3) * 50;
        for (uint32_t k = 0; k < RANDOM_SLOTS; k++)
            r->ranks[i][k] = random_chance(r, absent) ? 0 : (uint32_t)random_range(r, 0, 40);
    }
}

static inline void random_set(random_case *r, size_t span) {
    roma_cost_span *s = &r->spans[span];
    s->n_adapters = (uint32_t)random_range(r, 0, RANDOM_SET);
    s->adapters = r->sets[span];
    for (uint32_t k = 0; k < s->n_adapters; k++) r->sets[span][k] = r->adapters[random_below(r, RANDOM_ADAPTERS)];
    if (span > 0 && random_chance(r, 40)) { /* neighbours that share reads */
        s->n_adapters = r->spans[span - 1].n_adapters;
        memcpy(r->sets[span], r->sets[span - 1], sizeof r->sets[span]);
    }
}

/* kind 0: decode, one row a sequence; 1: a chunk of prefill; 2: both and whatever. */
static inline void random_step(random_case *r, unsigned kind) {
    r->n_spans = kind == 1 ? 1 : random_range(r, 1, RANDOM_SPANS);
    random_adapters(r);
    const bool adapted = random_chance(r, 65);
    for (size_t i = 0; i < r->n_spans; i++) {
        roma_cost_span *s = &r->spans[i];
        *s = (roma_cost_span){.position = random_below(r, random_chance(r, 30) ? 900 : 60), .rows = 1, .logits = 1};
        if (kind == 1 || (kind == 2 && random_chance(r, 40))) {
            s->rows = (uint32_t)random_range(r, 1, kind == 1 ? 40 : 9);
            s->logits = random_chance(r, 50) ? 0 : (uint32_t)random_range(r, 1, s->rows);
        }
        if (adapted) random_set(r, i);
    }
}

/* One die, or up to 8 that share layers or matrices; these need as many KV heads each. */
static inline uint32_t random_dies(random_case *r) {
    uint32_t dies = random_chance(r, 60) ? 1 : (uint32_t)random_range(r, 2, 8);
    while ((int)r->place.chip.die_split == ROMA_DIES_TENSOR && r->d.hyper.kv_heads % dies) dies--;
    return dies;
}

/* False: no plan, which is a failure of the test. */
static inline bool random_make(random_case *r, uint64_t seed) {
    roma_error err;
    memset(r, 0, sizeof *r);
    r->seed = seed;
    if (!random_like()) return false;
    r->place.chip = *random_like();
    random_units(r);
    random_latencies(r);
    random_memory(r);
    random_schedule(r);
    random_model(r);
    random_orders(r);
    random_step(r, (unsigned)(seed % 3));
    const roma_chip chip = r->place.chip;
    if (roma_map_plan(&r->plan, &r->d, &err)) return false;
    if (r->plan.n_adapter_slots > RANDOM_SLOTS) return false;
    if (roma_map_place(&r->place, &r->plan, &chip, random_dies(r), &err)) return false;
    if (seed / 5 % 2) r->place.kv = ROMA_KV_INT4;
    for (size_t i = 0; i < r->plan.n_ops && seed % 5 == 4; i++) /* no architecture has a squared ReLU yet */
        if (r->plan.ops[i].kind == ROMA_OP_SILU) r->plan.ops[i].kind = ROMA_OP_RELU2;
    return roma_plan_check(&r->plan, &err) == 0;
}
static inline void random_done(random_case *r) {
    roma_place_destroy(&r->place);
    roma_plan_destroy(&r->plan);
}
#endif
