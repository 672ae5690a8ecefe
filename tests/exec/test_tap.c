/* The tap: logits are the same bits with it and without, and what it hands out are the same bytes, whatever threads,
 * chunks and company a row has; each operation that runs is told once for each row, in order; parts add up to what the
 * next operation read; memory that is short leaves the engine as it was. That the values are right is
 * tests/cli/test_trace.py's affair. */
#include "adapters.h"
#include "loaded.h"

enum { POSITIONS = 20, SEQUENCES = 6, SETS = 5, KINDS = 5, ADAPTERS = 3, PARTS = 3 + 2 * ADAPTERS };

static const roma_format q4_1 = {.bits = 4, .scale = ROMA_SCALE_F16, .min = ROMA_SCALE_F16, .group = 32};

/* CRC of each row's bytes, by [sequence][position][op][part: result, keys, values, adapter 0..2, down 0..2]. */
typedef struct {
    const roma_plan *plan;
    size_t n_ops, last_op;
    uint32_t *crc, told;
    bool ascends;
} tapped;

static uint32_t *place(tapped *t, uint32_t sequence, uint32_t position, size_t op, uint32_t part) {
    return &t->crc[((sequence * POSITIONS + position) * t->n_ops + op) * PARTS + part];
}

static void tapped_init(tapped *t, const roma_plan *plan) {
    *t = (tapped){.plan = plan, .n_ops = plan->n_ops, .ascends = true};
    t->crc = calloc((size_t)SEQUENCES * POSITIONS * plan->n_ops * PARTS, sizeof *t->crc);
}

static void on_record(void *ctx, const roma_tap_record *r) {
    static const uint32_t part[KINDS] = {[ROMA_TAP_RESULT] = 0,
                                         [ROMA_TAP_KEYS] = 1,
                                         [ROMA_TAP_VALUES] = 2,
                                         [ROMA_TAP_ADAPTER] = 3,
                                         [ROMA_TAP_DOWN] = 3 + ADAPTERS};
    tapped *t = ctx;
    if (r->op < t->last_op && r->op) t->ascends = false;
    t->last_op = r->op;
    for (uint32_t i = 0; i < r->n; i++) {
        CHECK(r->rows[i].sequence == r->rows->sequence && r->rows[i].position == r->rows->position + i);
        CHECK_EQ(r->rows[i].adapters, r->rows->adapters);
        *place(t, r->rows->sequence, r->rows[i].position, r->op, part[r->part] + r->adapter) =
            roma_crc32c(0, r->bytes + i * r->row_bytes, r->row_bytes);
        t->told++;
    }
}

/* ---- the same bits ---- */

static roma_exec_config config(int threads) {
    return (roma_exec_config){.threads = threads,
                              .context = 64,
                              .sequences = SEQUENCES,
                              .rows = 64,
                              .logit_rows = 64,
                              .adapters = ADAPTERS,
                              .adapter_bytes = 2 << 20,
                              .adapter_rank = 21,
                              .adapter_stack = 3,
                              .adapter_sets = SETS - 1};
}

/* Set 0: none; 1: one; 2: one on some matrices; 3 and 4: stacked, either way round. */
static void make_sets(roma_exec *e, const roma_adapter *a) {
    uint32_t id[ADAPTERS];
    for (int i = 0; i < ADAPTERS; i++) id[i] = adapter_load(e, &a[i]);
    adapter_set(e, 1, 1, &id[0], NULL);
    adapter_set(e, 2, 1, &id[1], (float[]){0.3f});
    adapter_set(e, 3, 2, (uint32_t[]){id[0], id[1]}, (float[]){1, -2});
    adapter_set(e, 4, 3, (uint32_t[]){id[1], id[2], id[0]}, (float[]){0.5f, 1, 0.25f});
}

/* Sequence s under set s; the last one begins under the set of the one before, and changes its set within a step. */
static uint32_t set_of(uint32_t s, uint32_t position) { return s < SETS ? s : position / 4 % 2 ? 3 : 4; }

static roma_exec_row row_of(uint32_t s, uint32_t p) {
    return (roma_exec_row){(int32_t)(roma_random(70 + s, p) % VOCAB), s, p, set_of(s, p), true};
}

/* All sequences, in steps of up to `chunk` rows of each; logits of all rows into out. */
static void run_all(roma_exec *e, uint32_t chunk, float *out) {
    roma_error err = {0};
    for (uint32_t done = 0; done < POSITIONS; done += chunk) {
        roma_exec_row rows[64];
        size_t n = 0;
        for (uint32_t s = 0; s < SEQUENCES; s++)
            for (uint32_t p = done; p < done + chunk && p < POSITIONS; p++) rows[n++] = row_of(s, p);
        CHECK_EQ(roma_exec_step(e, rows, n, &err), 0);
        for (size_t i = 0; i < n; i++)
            memcpy(out + (rows[i].sequence * POSITIONS + rows[i].position) * VOCAB, roma_exec_logits(e, i),
                   VOCAB * sizeof *out);
    }
    for (uint32_t s = 0; s < SEQUENCES; s++) roma_exec_truncate(e, s, 0);
}

/* One sequence after the other, in one-row steps. */
static void run_alone(roma_exec *e, float *out) {
    roma_error err = {0};
    for (uint32_t s = 0; s < SEQUENCES; s++)
        for (uint32_t p = 0; p < POSITIONS; p++) {
            const roma_exec_row row = row_of(s, p);
            CHECK_EQ(roma_exec_step(e, &row, 1, &err), 0);
            memcpy(out + (s * POSITIONS + p) * VOCAB, roma_exec_logits(e, 0), VOCAB * sizeof *out);
        }
    for (uint32_t s = 0; s < SEQUENCES; s++) roma_exec_truncate(e, s, 0);
}

/* Every operation of every row was told; adapters' parts where the row's set has the matrix, and nowhere else. */
static void check_places(tapped *t, const roma_plan *p, const roma_adapter *a) {
    static const int sets[SETS][ADAPTERS + 1] = {{0}, {1, 0}, {1, 1}, {2, 0, 1}, {3, 1, 2, 0}};
    for (uint32_t s = 0; s < SEQUENCES; s++)
        for (size_t o = 0; o < p->n_ops; o++) {
            const int *set = sets[set_of(s, POSITIONS - 1)];
            const bool is_cache = p->ops[o].kind == ROMA_OP_CACHE;
            const roma_image_tensor *m = p->ops[o].kind == ROMA_OP_LINEAR ? &p->desc->tensors[p->ops[o].tensor] : NULL;
            for (uint32_t k = 0; k < PARTS; k++) {
                const int i = (int)(k - 3) % ADAPTERS;
                const bool adds = k >= 3 && m && i < set[0] && roma_adapter_find(&a[set[i + 1]], m->role, m->layer);
                CHECK_EQ(*place(t, s, POSITIONS - 1, o, k) != 0, k < 3 ? is_cache == (k > 0) : adds);
            }
        }
}

static void test_same_bits(uint32_t arch) {
    const size_t logits = (size_t)SEQUENCES * POSITIONS * VOCAB;
    loaded m;
    roma_adapter a[ADAPTERS];
    roma_error err = {0};
    float *want = malloc(logits * sizeof *want), *got = malloc(logits * sizeof *got);
    tapped first, again;
    load_as(&m, arch, q4_1, 3);
    adapter_random(&a[0], &m.img, ROMA_ADAPTER_INT8, 16, 0, 0, 1);
    adapter_random(&a[1], &m.img, ROMA_ADAPTER_FP8, 3, 1,
                   1u << ROMA_W_Q | 1u << ROMA_W_V | 1u << ROMA_W_DOWN | 1u << ROMA_W_UP, 2);
    adapter_random(&a[2], &m.img, ROMA_ADAPTER_F16, 21, 0, 1u << ROMA_W_K | 1u << ROMA_W_O | 1u << ROMA_W_GATE, 3);
    tapped_init(&first, &m.plan);
    for (int threads = 1; threads <= 8; threads = threads < 3 ? threads + 1 : threads + 5)
        for (uint32_t chunk = 0; chunk <= 6; chunk += chunk ? 5 : 1) { /* 0: one row a step; 1 and 6 of each sequence */
            roma_exec *e = engine(&m, config(threads));
            make_sets(e, a);
            run_alone(e, chunk || threads > 1 ? got : want);
            tapped_init(&again, &m.plan);
            CHECK_EQ(roma_exec_tap(e, on_record, &again, &err), 0);
            if (chunk)
                run_all(e, chunk, got);
            else
                run_alone(e, got);
            CHECK(memcmp(want, got, logits * sizeof *got) == 0);
            CHECK(again.ascends);
            if (first.told == 0) {
                memcpy(first.crc, again.crc, (size_t)SEQUENCES * POSITIONS * m.plan.n_ops * PARTS * sizeof *first.crc);
                first.told = again.told;
                check_places(&first, &m.plan, a);
            }
            CHECK_EQ(again.told, first.told);
            CHECK(memcmp(first.crc, again.crc,
                         (size_t)SEQUENCES * POSITIONS * m.plan.n_ops * PARTS * sizeof *first.crc) == 0);
            CHECK_EQ(roma_exec_tap(e, NULL, NULL, NULL), 0);
            run_all(e, 3, got);
            CHECK(memcmp(want, got, logits * sizeof *got) == 0);
            CHECK_EQ(again.told, first.told); /* no more */
            roma_exec_destroy(e);
            free(again.crc);
        }
    free(first.crc);
    free(want);
    free(got);
    for (int i = 0; i < ADAPTERS; i++) roma_adapter_close(&a[i]);
    unload(&m);
}

/* ---- parts ---- */

/* The row's x before RESIDUAL, the parts of the product before it, and what came out. */
typedef struct {
    const roma_plan *plan;
    float x[256], y[256];
    int parts, checked;
} summed;

static void on_sum(void *ctx, const roma_tap_record *r) {
    summed *s = ctx;
    const roma_op *op = &s->plan->ops[r->op];
    float got[256];
    if (r->width != 256 || r->is_codes || (op->kind != ROMA_OP_LINEAR && op->out != s->plan->ops[1].out)) return;
    for (uint32_t i = 0; i < 256; i++) got[i] = roma_f32_from_bits(roma_le32(r->bytes + (size_t)4 * i));
    if (op->kind == ROMA_OP_LINEAR) {
        s->parts = r->part == ROMA_TAP_ADAPTER ? s->parts + 1 : 1;
        for (uint32_t i = 0; i < 256; i++) s->y[i] = r->part == ROMA_TAP_ADAPTER ? s->y[i] + got[i] : got[i];
    } else {
        for (uint32_t i = 0; op->kind == ROMA_OP_RESIDUAL && i < 256; i++) s->x[i] += s->y[i];
        if (op->kind == ROMA_OP_RESIDUAL) {
            CHECK_EQ(s->parts, 3);
            CHECK(memcmp(s->x, got, sizeof got) == 0);
            s->checked++;
        }
        memcpy(s->x, got, sizeof got);
    }
}

static void test_parts(void) {
    loaded m;
    roma_adapter a[ADAPTERS];
    roma_error err = {0};
    load(&m, 5);
    for (int i = 0; i < ADAPTERS; i++) adapter_random(&a[i], &m.img, ROMA_ADAPTER_INT8, 4, 1, 0, (uint64_t)i);
    roma_exec *e = engine(&m, config(2));
    make_sets(e, a);
    summed s = {.plan = &m.plan};
    CHECK_EQ(roma_exec_tap(e, on_sum, &s, &err), 0);
    for (uint32_t p = 0; p < 3; p++) {
        const roma_exec_row row = {(int32_t)p, 0, p, 3, false};
        CHECK_EQ(roma_exec_step(e, &row, 1, &err), 0);
    }
    CHECK_EQ(s.checked, 3 * 2 * 2);
    roma_exec_destroy(e);
    for (int i = 0; i < ADAPTERS; i++) roma_adapter_close(&a[i]);
    unload(&m);
}

/* ---- downs give ups ---- */

/* The last down of a row, and how often what it becomes by the adapter's B was what the up told. */
typedef struct {
    const roma_plan *plan;
    const roma_adapter *set; /* by place */
    uint8_t down[2 * 32 + 4];
    uint32_t rank, place, checked;
} downs;

static void on_up(void *ctx, const roma_tap_record *r) {
    downs *d = ctx;
    if (r->part == ROMA_TAP_DOWN) {
        CHECK(r->n == 1 && r->is_codes && r->row_bytes == 2 * r->width + 4 && r->row_bytes <= sizeof d->down);
        memcpy(d->down, r->bytes, r->row_bytes);
        d->rank = r->width, d->place = r->adapter;
    }
    if (r->part != ROMA_TAP_ADAPTER) return;
    const roma_image_tensor *m = &d->plan->desc->tensors[d->plan->ops[r->op].tensor];
    const roma_adapter_target *target = roma_adapter_find(&d->set[r->adapter], m->role, m->layer);
    const float t = roma_f32_from_bits(roma_le32(d->down + 2 * d->rank));
    roma_adapter_layout at;
    roma_adapter_layout_get(ROMA_ADAPTER_INT8, target, &at);
    CHECK(d->place == r->adapter && d->rank == target->rank);
    for (uint32_t row = 0; row < r->width; row++) {
        const uint8_t *b = target->b + row / 16 * at.b_tile_bytes + 2 * (row % 16);
        int32_t sum = 0;
        for (uint32_t k = 0; k < d->rank; k++)
            sum += (int8_t)b[32 * (k / 2) + k % 2] * (int16_t)roma_le16(d->down + 2 * k);
        const float scaled = (float)sum * target->b_scale[row], y = scaled * t;
        CHECK_EQ(roma_f32_bits(y + -0.0f), roma_le32(r->bytes + 4 * row));
    }
    d->checked++;
}

static void test_downs(void) {
    loaded m;
    roma_adapter a[ADAPTERS];
    roma_error err = {0};
    load(&m, 6);
    for (int i = 0; i < ADAPTERS; i++) adapter_random(&a[i], &m.img, ROMA_ADAPTER_INT8, 3, 1, 0, (uint64_t)i);
    roma_exec *e = engine(&m, config(2));
    make_sets(e, a);
    downs d = {.plan = &m.plan, .set = a}; /* set 3: the first adapter and the second */
    CHECK_EQ(roma_exec_tap(e, on_up, &d, &err), 0);
    for (uint32_t p = 0; p < 2; p++) {
        const roma_exec_row row = {(int32_t)p, 0, p, 3, false};
        CHECK_EQ(roma_exec_step(e, &row, 1, &err), 0);
    }
    CHECK_EQ(d.checked, 2 * 2 * 7 * 2);
    roma_exec_destroy(e);
    for (int i = 0; i < ADAPTERS; i++) roma_adapter_close(&a[i]);
    unload(&m);
}

/* ---- memory ---- */

static int allowed;
static void *refuses(size_t n) { return allowed-- > 0 ? malloc(n) : NULL; }

static void test_no_memory(void) {
    const size_t logits = (size_t)SEQUENCES * POSITIONS * VOCAB;
    loaded m;
    tapped t;
    roma_error err = {0};
    float *want = malloc(logits * sizeof *want), *got = malloc(logits * sizeof *got);
    load(&m, 5);
    roma_exec_config c = config(2);
    roma_exec *e = engine(&m, c);
    /* 64 rows: the gated unit's 512 values, or the logits of 200 tokens; of an adapter's part the same 512. */
    const size_t record = 64 * 512 * 4, part = 64 * 512 * 4;
    char said[80];
    for (uint32_t s = 1; s < SETS; s++) adapter_set(e, s, 0, NULL, NULL);
    run_all(e, 4, want);
    tapped_init(&t, &m.plan);
    for (int n = 0; n < 2; n++) {
        const roma_allocator a = {refuses, realloc, free};
        allowed = n;
        roma_allocator_set(&a);
        CHECK_EQ(roma_exec_tap(e, on_record, &t, &err), ROMA_ENOMEM);
        roma_allocator_set(NULL);
        snprintf(said, sizeof said, "no memory for a tap of %zu bytes", record + part);
        CHECK_STR(err.text, said);
        run_all(e, 4, got);
        CHECK_EQ(t.told, 0);
        CHECK(memcmp(want, got, logits * sizeof *got) == 0);
    }
    roma_exec_destroy(e);
    free(t.crc);
    free(want);
    free(got);
    unload(&m);
}

/* Another function takes the first one's place, and its memory; none where there is none takes nothing. */
static void test_again(void) {
    loaded m;
    tapped one, two;
    roma_error err = {0};
    load(&m, 5);
    roma_exec *e = engine(&m, config(1));
    tapped_init(&one, &m.plan);
    tapped_init(&two, &m.plan);
    const uint64_t before = roma_alloc_count();
    CHECK_EQ(roma_exec_tap(e, NULL, NULL, &err), 0);
    CHECK_EQ(roma_alloc_count() - before, 0);
    CHECK_EQ(roma_exec_tap(e, on_record, &one, &err), 0);
    const uint64_t taken = roma_alloc_count();
    CHECK(taken > before);
    CHECK_EQ(roma_exec_tap(e, on_record, &two, &err), 0);
    CHECK_EQ(roma_alloc_count() - taken, 0);
    CHECK_EQ(roma_exec_step(e, &(roma_exec_row){1, 0, 0, 0, true}, 1, &err), 0);
    CHECK(one.told == 0 && two.told > 0);
    roma_exec_destroy(e);
    free(one.crc);
    free(two.crc);
    unload(&m);
}

int main(void) {
    test_again();
    test_same_bits(ROMA_ARCH_LLAMA);
    test_same_bits(ROMA_ARCH_QWEN2);
    test_same_bits(ROMA_ARCH_QWEN3 | LOAD_ORDERED);
    test_parts();
    test_downs();
    test_no_memory();
    return TEST_DONE();
}
