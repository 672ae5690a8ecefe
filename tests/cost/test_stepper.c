/* The scheduler against a clock that advances one cycle at a time, on random chips, models and steps: every instance,
 * exactly. */
#include "random_case.h"
#include "stepper.h"
#include "../test.h"

#define CASES 600
#define PREFILLS 60

static bool same(const roma_cost_instance *a, const stepper_instance *b) {
    return a->op == b->op && a->block == b->block && a->unit == b->unit && a->lora == b->lora && a->start == b->start &&
           a->busy == b->busy && a->end == b->end;
}

/* What made an instance wait is said right: its time is the start's, and it comes before. An adapter's part is named
 * only where the linear beside it ended earlier. */
static bool binding_holds(const roma_schedule *s, size_t i) {
    const roma_cost_instance *me = &s->instances[i];
    if (me->binding == UINT32_MAX) return me->start == 0;
    if (me->binding >= i) return false;
    const roma_cost_instance *other = &s->instances[me->binding];
    if (other->lora && other->end == me->start && other->busy != me->start && other[-1].end == me->start) return false;
    return other->end == me->start || other->busy == me->start;
}

/* Prints the first difference. */
static bool compare(const roma_schedule *s, const stepper *t, uint64_t seed) {
    const size_t n = s->n < t->n ? s->n : t->n;
    for (size_t i = 0; i < n; i++) {
        const roma_cost_instance *a = &s->instances[i];
        const stepper_instance *b = &t->all[i];
        if (!same(a, b)) {
            fprintf(stderr,
                    "seed %llu, instance %zu of %zu and %zu:\n  scheduler op %u (%s) block %u unit %d lora %d start "
                    "%llu busy %llu end %llu\n"
                    "  stepper   op %u (%s) block %u unit %d lora %d start %llu busy %llu end %llu\n",
                    (unsigned long long)seed, i, s->n, t->n, a->op, roma_op_name(t->p->ops[a->op].kind), a->block,
                    (int)a->unit, a->lora, (unsigned long long)a->start, (unsigned long long)a->busy,
                    (unsigned long long)a->end, b->op, roma_op_name(t->p->ops[b->op].kind), b->block, (int)b->unit,
                    b->lora, (unsigned long long)b->start, (unsigned long long)b->busy, (unsigned long long)b->end);
            return false;
        }
        if (!binding_holds(s, i)) {
            fprintf(stderr, "seed %llu, instance %zu: binding %u does not explain its start\n",
                    (unsigned long long)seed, i, a->binding);
            return false;
        }
    }
    if (s->n != t->n || s->cycles != t->cycles || memcmp(s->busy, t->busy, sizeof s->busy)) {
        fprintf(stderr,
                "seed %llu: %zu and %zu instances, cycles %llu and %llu, busy %llu %llu %llu and %llu %llu %llu\n",
                (unsigned long long)seed, s->n, t->n, (unsigned long long)s->cycles, (unsigned long long)t->cycles,
                (unsigned long long)s->busy[0], (unsigned long long)s->busy[1], (unsigned long long)s->busy[2],
                (unsigned long long)t->busy[0], (unsigned long long)t->busy[1], (unsigned long long)t->busy[2]);
        return false;
    }
    return true;
}

static random_case r;

static void test_steps(void) {
    roma_schedule s = {0};
    for (uint64_t seed = 1; seed <= test_effort(CASES) && test_failures < 5; seed++) {
        roma_error err = {0};
        CHECK(random_make(&r, seed));
        CHECK_EQ(roma_cost_step(&s, &r.place, r.spans, r.n_spans, &err), 0);
        stepper t = stepper_run(&r.place, r.spans, r.n_spans);
        CHECK(compare(&s, &t, seed));
        CHECK_EQ(roma_cost_legal(&s, &r.place, r.spans, r.n_spans, &err), 0);
        if (err.code) fprintf(stderr, "seed %llu: %s\n", (unsigned long long)seed, err.text);
        stepper_destroy(&t);
        random_done(&r);
    }
    roma_schedule_destroy(&s);
}

static void test_prefill(void) {
    roma_schedule s = {0};
    for (uint64_t seed = 5001; seed <= 5000 + test_effort(PREFILLS) && test_failures < 5; seed++) {
        roma_error err = {0};
        CHECK(random_make(&r, seed));
        const uint64_t position = random_chance(&r, 50) ? 0 : random_below(&r, 300);
        const uint32_t rows = (uint32_t)random_range(&r, 1, 60),
                       rank = random_chance(&r, 50) ? 0 : (uint32_t)random_range(&r, 1, 40);
        CHECK_EQ(roma_cost_prefill(&s, &r.place, position, rows, rank, &err), 0);
        const uint32_t chunk = (uint32_t)r.place.chip.chunk_rows;
        uint64_t cycles = 0, busy[STEPPER_UNITS] = {0};
        for (uint32_t at = 0; at < rows; at += chunk) {
            const uint32_t n = rows - at < chunk ? rows - at : chunk;
            const roma_cost_span span = {
                .position = position + at, .rows = n, .logits = at + n == rows, .adapter = rank > 0, .rank = rank};
            stepper t = stepper_run(&r.place, &span, 1);
            cycles += t.cycles;
            for (int u = 0; u < STEPPER_UNITS; u++) busy[u] += t.busy[u];
            if (span.logits) { /* the chunk that the schedule keeps */
                CHECK(s.n == t.n);
                bool all = s.n == t.n;
                for (size_t i = 0; all && i < t.n; i++) all = same(&s.instances[i], &t.all[i]);
                CHECK(all);
            }
            stepper_destroy(&t);
        }
        CHECK_EQ(s.cycles, cycles);
        for (int u = 0; u < STEPPER_UNITS; u++) CHECK_EQ(s.busy[u], busy[u]);
        if (test_failures)
            fprintf(stderr, "seed %llu: prefill of %u rows at %llu\n", (unsigned long long)seed, rows,
                    (unsigned long long)position);
        random_done(&r);
    }
    roma_schedule_destroy(&s);
}

/* ---- one step worked out with paper and pencil ---- */

static void small_chip(roma_chip *c) {
    roma_error err;
    CHECK_EQ(roma_chip_open(c, "roma-contract", &err), 0);
    static const struct {
        unsigned i;
        double v;
    } put[] = {{ROMA_CHIP_matrix_units, 2},    {ROMA_CHIP_lunits, 1},
               {ROMA_CHIP_lanes, 8},           {ROMA_CHIP_leaf_group, 32},
               {ROMA_CHIP_vector_units, 1},    {ROMA_CHIP_vector_lanes, 32},
               {ROMA_CHIP_grid_rows, 1},       {ROMA_CHIP_grid_columns, 3},
               {ROMA_CHIP_hop_cyc, 1},         {ROMA_CHIP_link_bytes, 32},
               {ROMA_CHIP_lunit_pipeline, 3},  {ROMA_CHIP_lat_add, 3},
               {ROMA_CHIP_lat_mul, 3},         {ROMA_CHIP_lat_convert, 2},
               {ROMA_CHIP_lat_exp, 8},         {ROMA_CHIP_lat_div, 12},
               {ROMA_CHIP_lat_sqrt, 12},       {ROMA_CHIP_lat_sincos, 8},
               {ROMA_CHIP_div_interval, 4},    {ROMA_CHIP_exp_interval, 1},
               {ROMA_CHIP_fill_cyc, 0},        {ROMA_CHIP_hunit_mac, 16},
               {ROMA_CHIP_hunit_bandwidth, 8}, {ROMA_CHIP_mac_efficiency, 0.5},
               {ROMA_CHIP_read_efficiency, 1}, {ROMA_CHIP_kv_bytes, 1},
               {ROMA_CHIP_kv_scale_bytes, 2},  {ROMA_CHIP_rom_style, ROMA_ROM_ROM},
               {ROMA_CHIP_overlap, 0},         {ROMA_CHIP_full_logits, 0}};
    for (size_t i = 0; i < sizeof put / sizeof *put; i++) roma_chip_put(c, put[i].i, put[i].v);
}

/* hidden 32, FFN 64, two heads of 16 and one KV head, one layer, 48 tokens; 4 bits in groups of 32; the first token of
 * a sequence. */
static void test_by_hand(void) {
    static const uint64_t want[][3] = {
        {0, 1, 12},      {0, 4, 16},      {16, 18, 47},     {47, 111, 124},
        {111, 143, 156}, {143, 175, 188},                                    /* angles embed norm q k v */
        {124, 125, 131}, {156, 157, 163}, {188, 192, 215},  {215, 223, 257}, /* rope q, rope k, cache, attend */
        {257, 259, 285}, {285, 349, 362}, {362, 363, 366},  {366, 368, 397}, /* quantise o residual norm */
        {397, 525, 538}, {525, 653, 666}, {666, 674, 703},  {703, 707, 733},
        {733, 861, 877},                                      /* gate up silu quantise down */
        {877, 878, 881}, {881, 883, 912}, {912, 1008, 1022}}; /* residual norm head */
    const size_t n = sizeof want / sizeof *want;
    roma_error err;
    memset(&r, 0, sizeof r);
    roma_chip c;
    small_chip(&c);
    r.d.hyper = (roma_hyper){.arch = ROMA_ARCH_LLAMA,
                             .layers = 1,
                             .hidden = 32,
                             .ffn = 64,
                             .heads = 2,
                             .kv_heads = 1,
                             .head_dim = 16,
                             .rope_dim = 16,
                             .vocab = 48,
                             .context = 64,
                             .rms_eps = 1e-5f};
    r.d.tensors = r.tensors;
    for (uint32_t role = 1; role < ROMA_W_END; role++) {
        roma_image_tensor t = {.role = role,
                               .tie = -1,
                               .is_vector = !roma_tensor_role_is_matrix(role),
                               .format = {.bits = 4, .scale = ROMA_SCALE_F16, .group = 32, .zero = 8}};
        if (roma_hyper_required(&r.d.hyper, role) && roma_hyper_shape(&r.d.hyper, role, &t.rows, &t.cols))
            r.tensors[r.d.n_tensors++] = t;
    }
    CHECK_EQ(roma_map_plan(&r.plan, &r.d, &err), 0);
    CHECK_EQ(roma_map_place(&r.place, &r.plan, &c, 1, &err), 0);
    const roma_cost_span span = {.rows = 1, .logits = 1};
    roma_schedule s = {0};
    CHECK_EQ(roma_cost_step(&s, &r.place, &span, 1, &err), 0);
    stepper t = stepper_run(&r.place, &span, 1);
    CHECK_EQ(t.n, n);
    CHECK_EQ(s.n, n);
    for (size_t i = 0; i < n && i < t.n && i < s.n; i++) {
        const stepper_instance *b = &t.all[i];
        const roma_cost_instance *a = &s.instances[i];
        const bool both = a->start == want[i][0] && a->busy == want[i][1] && a->end == want[i][2] &&
                          b->start == want[i][0] && b->busy == want[i][1] && b->end == want[i][2];
        CHECK(both);
        if (!both) fprintf(stderr, "  operation %zu\n", i);
    }
    CHECK_EQ(t.cycles, 1022);
    CHECK_EQ(s.cycles, 1022);
    stepper_destroy(&t);
    roma_schedule_destroy(&s);
    random_done(&r);
}

int main(void) {
    test_by_hand();
    test_steps();
    test_prefill();
    return TEST_DONE();
}
