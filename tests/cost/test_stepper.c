/* The scheduler against a clock that advances one cycle at a time, on random chips, models and steps: every instance,
 * exactly. */
#include "random_case.h"
#include "stepper_dies.h"
#include "../test.h"

#define CASES 660
#define PREFILLS 66
#define PARTIES 200

static bool same(const roma_cost_instance *a, const stepper_instance *b) {
    return a->op == b->op && a->block == b->block && a->part == b->part && a->place == b->place && a->unit == b->unit &&
           a->start == b->start && a->busy == b->busy && a->end == b->end;
}

/* What made an instance wait is said right: it comes before, and is one of those that held this one back. */
static bool binding_holds(const stepper *t, size_t i, uint32_t binding) {
    if (binding == UINT32_MAX) return t->all[i].start == 0;
    return binding < i && (stepper_reads_hold(t, i, binding) || stepper_unit_holds(t, i, binding));
}

static void print_instance(const char *who, const roma_plan *p, const stepper_instance *x) {
    static const char *const part[] = {"", " down", " up"};
    fprintf(stderr, "  %-9s op %u (%s%s, place %u) block %u unit %u start %llu busy %llu end %llu\n", who, x->op,
            roma_op_name(p->ops[x->op].kind), part[x->part], x->place, x->block, x->unit, (unsigned long long)x->start,
            (unsigned long long)x->busy, (unsigned long long)x->end);
}

static random_case r;

/* The case and its first difference. */
static bool differs(const char *what, size_t i, const roma_cost_instance *a, const stepper_instance *b) {
    fprintf(stderr, "seed %llu, %s:", (unsigned long long)r.seed, what);
    random_print_chip(&r, stderr);
    if (!a) return true;
    fprintf(stderr, " instance %zu, binding %u\n", i, a->binding);
    print_instance("scheduler", &r.plan,
                   &(stepper_instance){.op = a->op,
                                       .block = a->block,
                                       .part = a->part,
                                       .place = a->place,
                                       .unit = a->unit,
                                       .start = a->start,
                                       .busy = a->busy,
                                       .end = a->end});
    print_instance("stepper", &r.plan, b);
    return true;
}

static bool compare(const roma_schedule *s, const stepper *t) {
    const size_t n = s->n < t->n ? s->n : t->n;
    for (size_t i = 0; i < n; i++) {
        if (!same(&s->instances[i], &t->all[i])) return !differs("instances", i, &s->instances[i], &t->all[i]);
        if (!binding_holds(t, i, s->instances[i].binding))
            return !differs("a binding that does not explain the start", i, &s->instances[i], &t->all[i]);
    }
    return s->n == t->n || !differs("another number of instances", 0, NULL, NULL);
}

static bool compare_sums(uint64_t cycles, const uint64_t busy[ROMA_COST_UNITS], uint64_t want,
                         const uint64_t want_busy[STEPPER_UNITS]) {
    bool same_busy = true;
    for (int u = 0; u < STEPPER_UNITS; u++) same_busy &= busy[u] == want_busy[u];
    return (cycles == want && same_busy) || !differs("cycles, or cycles that units are taken", 0, NULL, NULL);
}

static void test_steps(void) {
    roma_schedule s = {0};
    for (uint64_t seed = 1; seed <= test_effort(CASES) && test_failures < 5; seed++) {
        roma_error err = {0};
        CHECK(random_make(&r, seed));
        CHECK_EQ(roma_cost_step(&s, &r.place, r.spans, r.n_spans, &err), 0);
        stepper_every_cycle = seed % 10 == 0; /* so that what the clock passes over is tried too */
        stepper t = stepper_run(&r.place, r.spans, r.n_spans);
        stepper_every_cycle = false;
        CHECK(compare(&s, &t));
        CHECK(compare_sums(s.cycles, s.busy, t.cycles, t.busy));
        CHECK_EQ(roma_cost_legal(&s, &r.place, r.spans, r.n_spans, &err), 0);
        if (err.code) fprintf(stderr, "seed %llu: %s\n", (unsigned long long)seed, err.text);
        stepper_destroy(&t);
        random_done(&r);
    }
    roma_schedule_destroy(&s);
}

/* Chunks one after the other, each a step of its own; the instances kept are the last one's. */
static void test_prefill(void) {
    roma_schedule s = {0};
    for (uint64_t seed = 5001; seed <= 5000 + test_effort(PREFILLS) && test_failures < 5; seed++) {
        roma_error err = {0};
        CHECK(random_make(&r, seed));
        const uint64_t position = random_chance(&r, 50) ? 0 : random_below(&r, 300);
        const uint32_t rows = (uint32_t)random_range(&r, 1, 60), chunk = (uint32_t)r.place.chip.chunk_rows;
        const roma_cost_span set = r.spans[0];
        CHECK_EQ(roma_cost_prefill(&s, &r.place, position, rows, set.adapters, set.n_adapters, &err), 0);
        uint64_t cycles = 0, busy[STEPPER_UNITS] = {0};
        for (uint32_t at = 0; at < rows; at += chunk) {
            const uint32_t n = rows - at < chunk ? rows - at : chunk;
            const roma_cost_span span = {.position = position + at,
                                         .rows = n,
                                         .logits = at + n == rows,
                                         .n_adapters = set.n_adapters,
                                         .adapters = set.adapters};
            stepper t = stepper_run(&r.place, &span, 1);
            cycles += t.cycles;
            for (int u = 0; u < STEPPER_UNITS; u++) busy[u] += t.busy[u];
            if (span.logits) CHECK(compare(&s, &t));
            stepper_destroy(&t);
        }
        CHECK(compare_sums(s.cycles, s.busy, cycles, busy));
        random_done(&r);
    }
    roma_schedule_destroy(&s);
}

/* ---- what the outputs say of decode and prefill, on one die and several ---- */

/* Adapters of the sequences are either one for all places of all or each its own: how fewer are dealt out is no part of
 * the law. */
static roma_workload random_work(void) {
    roma_workload w = {.prompt = (uint32_t)random_range(&r, 1, 60),
                       .context = (uint32_t)random_below(&r, 300),
                       .batch = (uint32_t)random_range(&r, 1, RANDOM_SPANS),
                       .rank = random_chance(&r, 40) ? 0 : (uint32_t)random_range(&r, 1, 40),
                       .stacked = (uint32_t)random_range(&r, 0, RANDOM_SET),
                       .toggle = 1};
    w.adapters = random_chance(&r, 50) ? 1 : w.batch * (w.stacked ? w.stacked : 1);
    if (random_chance(&r, 30)) w.roles = 1u << ROMA_W_Q | 1u << ROMA_W_V;
    return w;
}

/* The spans of a workload's decode step, and its adapters. */
typedef struct {
    roma_cost_span spans[RANDOM_SPANS];
    roma_cost_adapter sets[RANDOM_SPANS][RANDOM_SET];
    uint32_t ranks[RANDOM_SLOTS];
} batch;
static void make_batch(batch *b, const roma_workload *w) {
    const uint32_t set = w->rank ? w->stacked ? w->stacked : 1 : 0;
    for (size_t i = 0; i < r.plan.n_ops; i++) {
        const roma_op *op = &r.plan.ops[i];
        if (op->kind == ROMA_OP_LINEAR && op->adapter_slot != UINT32_MAX)
            b->ranks[op->adapter_slot] = w->roles >> r.d.tensors[op->tensor].role & 1 ? w->rank : 0;
    }
    for (uint32_t i = 0; i < w->batch; i++) {
        for (uint32_t k = 0; k < set; k++)
            b->sets[i][k] = (roma_cost_adapter){
                .id = (i * set + k) % w->adapters, .rank = w->rank, .ranks = w->roles ? b->ranks : NULL};
        b->spans[i] =
            (roma_cost_span){.position = w->context, .rows = 1, .logits = 1, .n_adapters = set, .adapters = b->sets[i]};
    }
}

static void test_dies(void) {
    static bool met[2][9];
    roma_schedule s = {0};
    for (uint64_t seed = 11001; seed <= 11000 + test_effort(PARTIES) && test_failures < 5; seed++) {
        roma_error err = {0};
        roma_cost cost;
        batch b;
        CHECK(random_make(&r, seed));
        const roma_workload w = random_work();
        make_batch(&b, &w);
        CHECK_EQ(roma_cost_evaluate(&cost, &s, &r.place, &w, &err), 0);
        const uint64_t decode = stepper_step(&r.place, b.spans, w.batch),
                       prefill = stepper_prefill(&r.place, w.prompt, b.spans[0].adapters, b.spans[0].n_adapters);
        const bool right =
            cost.decode_cyc == (double)decode && (uint64_t)llround(cost.ttft_s * r.place.chip.clock_hz) == prefill;
        CHECK(right);
        if (!right) {
            differs("outputs", 0, NULL, NULL);
            fprintf(stderr,
                    "  decode of %u behind %u: %.17g, stepper %llu; prefill of %u: %.17g, stepper %llu; %u adapters of "
                    "rank %u, %u a set, roles %x\n",
                    w.batch, w.context, cost.decode_cyc, (unsigned long long)decode, w.prompt,
                    cost.ttft_s * r.place.chip.clock_hz, (unsigned long long)prefill, w.adapters, w.rank, w.stacked,
                    w.roles);
        }
        /* The residual of every row goes over every crossing of a pipeline. */
        const double bits = (double)((r.place.dies - 1) * r.d.hyper.hidden * 32),
                     crossed = r.place.chip.e_factor * bits * r.place.chip.e_die_pj * 1e-9;
        CHECK(!stepper_is_pipeline(&r.place) || harness_near(cost.mj_die, crossed, 1e-12));
        met[(int)r.place.chip.die_split][r.place.dies] = true;
        random_done(&r);
    }
    for (uint32_t k = 1; k <= 8; k++) /* 7 never divide KV heads */
        CHECK(test_failures || test_effort(PARTIES) < PARTIES ||
              (met[ROMA_DIES_PIPELINE][k] && (met[ROMA_DIES_TENSOR][k] || k == 7)));
    roma_schedule_destroy(&s);
}

/* ---- the chips that are compiled in ---- */

/* A prompt's chunk and two sequences, one with an adapter, of published shapes. */
static void test_builtin(void) {
    static const char *const shapes[] = {"smollm2-135m", "llama-3.2-1b"};
    const roma_cost_adapter usual = {.rank = ROMA_RANK_USUAL};
    const roma_cost_span spans[] = {{.position = 37, .rows = 20},
                                    {.position = 700, .rows = 1, .logits = 1, .n_adapters = 1, .adapters = &usual},
                                    {.position = 5, .rows = 1, .logits = 1}};
    roma_schedule s = {0};
    const char *name;
    for (unsigned k = 0; roma_chip_builtin(k, &name); k++)
        for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
            roma_error err = {0};
            roma_description d;
            memset(&r, 0, sizeof r);
            CHECK_EQ(roma_chip_open(&r.place.chip, name, &err), 0);
            const roma_chip c = r.place.chip;
            CHECK_EQ(roma_shape_describe(&d, shapes[i], &(roma_shape_format){0}, &err), 0);
            CHECK_EQ(roma_map_plan(&r.plan, &d, &err), 0);
            CHECK_EQ(roma_map_place(&r.place, &r.plan, &c, 1, &err), 0);
            CHECK_EQ(roma_cost_step(&s, &r.place, spans, sizeof spans / sizeof *spans, &err), 0);
            stepper t = stepper_run(&r.place, spans, sizeof spans / sizeof *spans);
            CHECK(compare(&s, &t));
            CHECK(compare_sums(s.cycles, s.busy, t.cycles, t.busy));
            stepper_destroy(&t);
            random_done(&r);
            roma_shape_destroy(&d);
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
    } put[] = {{ROMA_CHIP_matrix_units, 2},
               {ROMA_CHIP_lunits, 1},
               {ROMA_CHIP_lanes, 8},
               {ROMA_CHIP_leaf_group, 32},
               {ROMA_CHIP_lunit_style, 0},
               {ROMA_CHIP_hold, 0},
               {ROMA_CHIP_scale_port, ROMA_SCALES_SHARED},
               {ROMA_CHIP_vector_units, 1},
               {ROMA_CHIP_vector_lanes, 32},
               {ROMA_CHIP_grid_rows, 1},
               {ROMA_CHIP_grid_columns, 3},
               {ROMA_CHIP_hop_cyc, 1},
               {ROMA_CHIP_link_bytes, 32},
               {ROMA_CHIP_lunit_pipeline, 3},
               {ROMA_CHIP_lat_add, 3},
               {ROMA_CHIP_lat_mul, 3},
               {ROMA_CHIP_lat_convert, 2},
               {ROMA_CHIP_lat_div, 12},
               {ROMA_CHIP_lat_sqrt, 12},
               {ROMA_CHIP_div_interval, 4},
               {ROMA_CHIP_exp_interval, 1},
               {ROMA_CHIP_fill_cyc, 0},
               {ROMA_CHIP_hunit_mac, 16},
               {ROMA_CHIP_hunit_exp, 1},
               {ROMA_CHIP_hunit_pages, ROMA_PAGES_WHOLE},
               {ROMA_CHIP_page_run, 0},
               {ROMA_CHIP_hunit_bandwidth, 8},
               {ROMA_CHIP_mac_efficiency, 0.5},
               {ROMA_CHIP_read_efficiency, 1},
               {ROMA_CHIP_kv_bytes, 1},
               {ROMA_CHIP_kv_scale_bytes, 2},
               {ROMA_CHIP_rom_style, ROMA_ROM_ROM},
               {ROMA_CHIP_overlap, 0},
               {ROMA_CHIP_full_logits, 0}};
    for (size_t i = 0; i < sizeof put / sizeof *put; i++) roma_chip_put(c, put[i].i, put[i].v);
}

/* hidden 32, FFN 64, two heads of 16 and one KV head, one layer, 48 tokens; 4 bits in groups of 32; the first token of
 * a sequence. */
static void test_by_hand(void) {
    static const uint64_t want[][3] = {
        {0, 1, 36},         {0, 32, 42},        {42, 65, 75},      {75, 147, 161},
        {147, 183, 197},    {183, 219, 233},                                        /* angles embed norm q k v */
        {161, 162, 168},    {197, 198, 204},    {233, 238, 266},   {266, 380, 400}, /* rope q, rope k, cache, attend */
        {400, 420, 430},    {430, 502, 516},    {516, 517, 520},   {520, 543, 553}, /* quantise o residual norm */
        {553, 697, 711},    {697, 841, 855},    {855, 863, 936},   {936, 959, 969},
        {969, 1113, 1130},                                           /* gate up silu quantise down */
        {1130, 1131, 1134}, {1134, 1157, 1167}, {1167, 1275, 1290}}; /* residual norm head */
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
    CHECK_EQ(t.cycles, 1290);
    CHECK_EQ(s.cycles, 1290);
    stepper_destroy(&t);
    roma_schedule_destroy(&s);
    random_done(&r);
}

int main(void) {
    test_by_hand();
    test_builtin();
    test_steps();
    test_prefill();
    test_dies();
    return TEST_DONE();
}
