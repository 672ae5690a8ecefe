/* Random small chips, models and steps: what the tests of this folder run on. A case is its seed. */
#ifndef ROMA_TEST_RANDOM_CASE_H
#define ROMA_TEST_RANDOM_CASE_H
#include <stdlib.h>
#include <string.h>

#include "roma/cost.h"
#include "roma/map.h"

typedef struct {
    uint64_t seed, draws;
    roma_description d;
    roma_image_tensor tensors[64];
    roma_plan plan;
    roma_placement place;
    roma_cost_span spans[12];
    size_t n_spans;
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

static inline void random_put(random_case *r, unsigned i, double v) { roma_chip_put(&r->place.chip, i, v); }
#define RANDOM_PUT(r, field, v) random_put(r, ROMA_CHIP_##field, v)
#define RANDOM_CYCLES(r, field, high) RANDOM_PUT(r, field, quiet ? 0 : (double)random_range(r, 0, high))

/* 0.5 also tries links of a fraction of a byte; the document divides by the link as it is. */
#ifndef RANDOM_LINK
#define RANDOM_LINK 1.0
#endif

static inline void random_units(random_case *r) {
    double units, lunits, lanes;
    do {
        units = (double)random_range(r, 1, 24);
        lunits = RANDOM_OF(r, 1, 2, 4, 8);
        lanes = RANDOM_OF(r, 8, 16, 32, 64, 128);
    } while (units * lunits * lanes < 300);
    RANDOM_PUT(r, matrix_units, units);
    RANDOM_PUT(r, lunits, lunits);
    RANDOM_PUT(r, lanes, lanes);
    RANDOM_PUT(r, leaf_group, RANDOM_OF(r, 8, 16, 32, 48, 128, 1000));
    RANDOM_PUT(r, vector_units, (double)random_range(r, 1, 5));
    RANDOM_PUT(r, vector_lanes, (double)random_range(r, 1, 70));
    RANDOM_PUT(r, grid_rows, (double)random_range(r, 1, 9));
    RANDOM_PUT(r, grid_columns, (double)random_range(r, 1, 9));
    RANDOM_PUT(r, link_bytes,
               random_chance(r, 30) ? RANDOM_LINK + (double)random_below(r, 40) : (double)random_range(r, 1, 64));
}

static inline void random_latencies(random_case *r) {
    const bool quiet = random_chance(r, 10);
    RANDOM_CYCLES(r, lunit_pipeline, 9);
    RANDOM_CYCLES(r, lat_add, 9);
    RANDOM_CYCLES(r, lat_mul, 9);
    RANDOM_CYCLES(r, lat_convert, 9);
    RANDOM_CYCLES(r, lat_exp, 30);
    RANDOM_CYCLES(r, lat_div, 30);
    RANDOM_CYCLES(r, lat_sqrt, 30);
    RANDOM_CYCLES(r, lat_sincos, 30);
    RANDOM_CYCLES(r, hop_cyc, 4);
    RANDOM_PUT(r, div_interval, (double)random_range(r, 1, 12));
    RANDOM_PUT(r, exp_interval, (double)random_range(r, 1, 8));
    RANDOM_PUT(r, fill_cyc, random_chance(r, 25) ? (double)random_range(r, 1, 300) : 0);
}

static inline void random_memory(random_case *r) {
    RANDOM_PUT(r, clock_hz, 5e8);
    RANDOM_PUT(r, hunit_mac, (double)random_range(r, 1, 64));
    RANDOM_PUT(r, hunit_bandwidth,
               random_chance(r, 30) ? 1.5 + (double)random_below(r, 60) : (double)random_range(r, 1, 128));
    RANDOM_PUT(r, mac_efficiency, random_chance(r, 40) ? 1 : random_share(r));
    RANDOM_PUT(r, read_efficiency, random_chance(r, 40) ? 1 : random_share(r));
    RANDOM_PUT(r, kv_bytes, RANDOM_OF(r, 0.5, 1, 2, 4));
    RANDOM_PUT(r, kv_scale_bytes, RANDOM_OF(r, 0, 1, 2, 4));
    RANDOM_PUT(r, lora_weight_bytes, RANDOM_OF(r, 0.5, 0.7, 1, 2));
    RANDOM_PUT(r, rom_style, random_chance(r, 35) ? ROMA_ROM_DRAM : (double)random_below(r, ROMA_ROM_DRAM));
    RANDOM_PUT(r, dram_bandwidth, 5e8 * (double)random_range(r, 2, 400));
    RANDOM_PUT(r, dram_efficiency, random_share(r));
    RANDOM_PUT(r, dram_hidden, (double)random_below(r, 2));
}

static inline void random_schedule(random_case *r) {
    RANDOM_PUT(r, overlap, (double)random_below(r, 2));
    RANDOM_PUT(r, lora_share, RANDOM_OF(r, 0.125, 0.25, 0.4));
    RANDOM_PUT(r, streams, (double)random_range(r, 1, 4));
    RANDOM_PUT(r, block_rows, (double)random_range(r, 1, 8));
    RANDOM_PUT(r, chunk_rows, (double)random_range(r, 1, 16));
    RANDOM_PUT(r, full_logits, (double)random_below(r, 2));
    RANDOM_PUT(r, lora_where, (double)random_below(r, 2));
}

/* ---- model --------------------------------------------------------------------------------------- */

static inline roma_format random_format(random_case *r, uint64_t cols) {
    roma_format f = {.bits = (uint8_t)RANDOM_OF(r, 2, 3, 4, 4, 5, 6, 8), .scale = ROMA_SCALE_F16};
    do f.group = (uint16_t)(16u << random_below(r, 4));
    while (cols % f.group);
    if (cols % 256 == 0 && random_chance(r, 40)) {
        f.super = 256;
        f.scale = (uint8_t)random_range(r, ROMA_SCALE_U4, f.bits == 8 ? ROMA_SCALE_S6 : ROMA_SCALE_S8);
    }
    if (random_chance(r, 30)) f.min = f.scale;
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
        h->kv_heads = (uint32_t)random_range(r, 1, 4);
        h->heads = h->kv_heads * (uint32_t)random_range(r, 1, 4);
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

/* ---- step ---------------------------------------------------------------------------------------- */

/* kind 0: decode, one row a sequence; 1: a chunk of prefill; 2: both and whatever. */
static inline void random_step(random_case *r, unsigned kind) {
    static const uint32_t ranks[] = {0, 1, 4, 16, 33};
    r->n_spans = kind == 1 ? 1 : random_range(r, 1, 12);
    const unsigned adapters = random_chance(r, 60) ? 70 : 0;
    for (size_t i = 0; i < r->n_spans; i++) {
        roma_cost_span *s = &r->spans[i];
        *s = (roma_cost_span){.position = random_below(r, random_chance(r, 30) ? 900 : 60), .rows = 1, .logits = 1};
        if (kind == 1 || (kind == 2 && random_chance(r, 40))) {
            s->rows = (uint32_t)random_range(r, 1, kind == 1 ? 40 : 9);
            s->logits = random_chance(r, 50) ? 0 : (uint32_t)random_range(r, 1, s->rows);
        }
        if (random_chance(r, adapters)) {
            s->adapter = (uint32_t)random_range(r, 1, 4);
            s->rank = ranks[s->adapter];
        }
    }
}

/* False: no plan, which is a failure of the test. */
static inline bool random_make(random_case *r, uint64_t seed) {
    roma_error err;
    memset(r, 0, sizeof *r);
    r->seed = seed;
    if (roma_chip_open(&r->place.chip, "roma-contract", &err)) return false;
    random_units(r);
    random_latencies(r);
    random_memory(r);
    random_schedule(r);
    random_model(r);
    random_step(r, (unsigned)(seed % 3));
    const roma_chip chip = r->place.chip;
    if (roma_map_plan(&r->plan, &r->d, &err)) return false;
    if (roma_map_place(&r->place, &r->plan, &chip, 1, &err)) return false;
    for (size_t i = 0; i < r->plan.n_ops && seed % 5 == 4; i++) /* no architecture has a squared ReLU yet */
        if (r->plan.ops[i].kind == ROMA_OP_SILU) r->plan.ops[i].kind = ROMA_OP_RELU2;
    return roma_plan_check(&r->plan, &err) == 0;
}
static inline void random_done(random_case *r) {
    roma_place_destroy(&r->place);
    roma_plan_destroy(&r->plan);
}
#endif
