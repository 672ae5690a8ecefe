/* What must add up: events from the description, cycles along the critical path, work of the units, numbers of the 3B
 * model. */
#include "design.h"
#include "random_case.h"
#include "stepper.h"
#include "../test.h"

static random_case r;
static const roma_image_tensor *tensor_of(const roma_plan *p, size_t op) {
    return &p->desc->tensors[p->ops[op].tensor];
}

/* ---- ROM: every code and scale of every matrix once a row, one row of the embedding ---- */

static double rom_bits(const roma_plan *p, double rows, double logits) {
    double bits = 0;
    for (size_t i = 0; i < p->n_ops; i++) {
        if (p->ops[i].kind == ROMA_OP_LINEAR)
            bits += (p->ops[i].last_rows_only ? logits : rows) * 8 * stepper_bytes(tensor_of(p, i));
        if (p->ops[i].kind == ROMA_OP_EMBED)
            bits += rows * 8 * stepper_bytes(tensor_of(p, i)) / (double)tensor_of(p, i)->rows;
    }
    return bits;
}

static double code_bits(const roma_plan *p, double rows, double logits) {
    double bits = 0;
    for (size_t i = 0; i < p->n_ops; i++) {
        if (p->ops[i].kind != ROMA_OP_LINEAR) continue;
        const roma_image_tensor *t = tensor_of(p, i);
        bits += (p->ops[i].last_rows_only ? logits : rows) * (double)(t->rows * t->cols * t->format.bits);
    }
    return bits;
}

static bool near(double a, double b) { return fabs(a - b) <= 1e-9 * fmax(fabs(a), fabs(b)); }

static double cache_bytes(void) { /* of one position in one layer */
    return r.d.hyper.kv_heads * (2 * r.d.hyper.head_dim * r.place.chip.kv_bytes + 2 * r.place.chip.kv_scale_bytes);
}

static void check_events(const roma_schedule *s) {
    double rows = 0, logits = 0, groups = 0, macs = 0, weights = 0, dram = 0;
    bool adapters = false;
    for (size_t i = 0; i < r.n_spans; i++) {
        rows += r.spans[i].rows;
        logits += r.spans[i].logits;
        adapters |= r.spans[i].n_adapters > 0;
        for (uint32_t k = 0; k < r.spans[i].rows; k++)
            macs += 2 * (double)(r.spans[i].position + k + 1) * r.d.hyper.heads * r.d.hyper.head_dim * r.d.hyper.layers;
    }
    for (size_t i = 0; i < r.plan.n_ops; i++) {
        if (r.plan.ops[i].kind != ROMA_OP_LINEAR) continue;
        const double n = r.plan.ops[i].last_rows_only ? logits : rows;
        groups += n * (double)(tensor_of(&r.plan, i)->rows * tensor_of(&r.plan, i)->cols /
                               tensor_of(&r.plan, i)->format.group);
        if (n > 0) dram += 8 * stepper_bytes(tensor_of(&r.plan, i));
        weights += n;
    }
    CHECK(weights > 0);
    CHECK(near(s->events.rom_bits, rom_bits(&r.plan, rows, logits)));
    CHECK(near(s->events.leaves, groups));
    CHECK(near(s->events.dram_bits, r.place.chip.rom_style == ROMA_ROM_DRAM ? dram : 0));
    if (!adapters || r.place.chip.lora_where != 0) CHECK(near(s->events.hunit_macs, macs));
    if (!adapters || r.place.chip.lora_where == 0)
        CHECK(near(s->events.lane_macs, code_bits(&r.plan, rows, logits) / 4));
}

/* A position more in the cache of every sequence: the H-Units read that much more, and nothing else is read. */
static void check_cache(roma_schedule *s) {
    roma_error err;
    const roma_events before = s->events;
    const uint64_t more = 1 + random_below(&r, 200);
    double rows = 0;
    bool single = true; /* one row a sequence: no block boundary inside one */
    for (size_t i = 0; i < r.n_spans; i++) {
        single &= r.spans[i].rows == 1;
        rows += r.spans[i].rows;
        r.spans[i].position += more;
    }
    CHECK_EQ(roma_cost_step(s, &r.place, r.spans, r.n_spans, &err), 0);
    const double want = 8 * cache_bytes() * (double)more * (double)r.n_spans * r.d.hyper.layers;
    if (single)
        CHECK(near(s->events.sram_bits - before.sram_bits, want));
    else
        CHECK(s->events.sram_bits - before.sram_bits >= want * (1 - 1e-9));
    CHECK(near(s->events.hunit_macs - before.hunit_macs,
               2 * rows * (double)more * r.d.hyper.heads * r.d.hyper.head_dim * r.d.hyper.layers));
    CHECK(s->events.rom_bits == before.rom_bits && s->events.wire_bit_mm == before.wire_bit_mm);
    for (size_t i = 0; i < r.n_spans; i++) r.spans[i].position -= more;
}

/* Of a row, attention's left out: the table of docs/cost-model.md 2. */
static double vector_ops(const roma_plan *p) {
    static const double each[ROMA_OP_COUNT] = {
        [ROMA_OP_NORM] = 4,      [ROMA_OP_QUANTISE] = 3, [ROMA_OP_BIAS] = 1, [ROMA_OP_RESIDUAL] = 1,
        [ROMA_OP_HEAD_NORM] = 4, [ROMA_OP_ROPE] = 3,     [ROMA_OP_SILU] = 5, [ROMA_OP_RELU2] = 3};
    double all = 17.0 * p->desc->hyper.rope_dim / 2; /* ANGLES */
    for (size_t i = 0; i < p->n_ops; i++)
        if (each[p->ops[i].kind] > 0) all += each[p->ops[i].kind] * p->values[p->ops[i].in[0]].width;
    return all;
}

/* Its whole cache, when the rest of the step's SRAM traffic is taken away: V operations and the new position. */
static void check_whole_cache(roma_schedule *s) {
    roma_error err;
    const uint64_t context = random_below(&r, 500);
    const roma_cost_span span = {.position = context, .rows = 1, .logits = 1};
    double other = 8 * cache_bytes() * r.d.hyper.layers; /* CACHE writes it */
    for (size_t i = 0; i < r.plan.n_ops; i++) {
        const roma_op *op = &r.plan.ops[i];
        if (op->unit != ROMA_UNIT_V) continue;
        for (int k = 0; k < 2; k++)
            if (op->in[k] != ROMA_NO_VALUE) other += 32.0 * r.plan.values[op->in[k]].width;
        if (!r.plan.values[op->out].is_codes) other += 32.0 * r.plan.values[op->out].width;
    }
    CHECK_EQ(roma_cost_step(s, &r.place, &span, 1, &err), 0);
    CHECK(near(s->events.vector_ops,
               vector_ops(&r.plan) + 3.0 * (double)((context + 1) * r.d.hyper.heads * r.d.hyper.layers)));
    CHECK(near(s->events.sram_bits - other, 8 * cache_bytes() * (double)(context + 1) * r.d.hyper.layers));
}

static void check_path(const roma_schedule *s) {
    uint64_t path[ROMA_OP_COUNT + 1], sum = 0, work[ROMA_COST_UNITS] = {0};
    roma_cost_critical_path(s, &r.plan, path);
    for (int k = 0; k <= ROMA_OP_COUNT; k++) sum += path[k];
    CHECK_EQ(sum, s->cycles);
    uint64_t last = 0, until[ROMA_COST_UNITS] = {0};
    bool apart = true; /* no unit kind is taken twice at a time */
    for (size_t i = 0; i < s->n; i++) {
        const roma_cost_instance *x = &s->instances[i];
        const bool both = r.plan.ops[x->op].kind == ROMA_OP_ATTEND && r.place.chip.overlap == 0;
        work[x->unit] += x->busy - x->start;
        if (both) work[ROMA_UNIT_L] += x->busy - x->start;
        for (int u = 0; u < ROMA_COST_UNITS; u++)
            if (u == (int)x->unit || (both && u == ROMA_UNIT_L)) {
                apart &= x->start >= until[u];
                until[u] = x->busy;
            }
        last = stepper_max(last, x->end);
    }
    CHECK(apart);
    CHECK_EQ(last, s->cycles);
    for (int u = 0; u < ROMA_COST_UNITS; u++) {
        CHECK_EQ(s->busy[u], work[u]);
        CHECK(s->busy[u] <= s->cycles);
    }
    bool adapters = false;
    for (size_t i = 0; i < r.n_spans; i++) adapters |= r.spans[i].n_adapters > 0;
    if (!adapters) CHECK_EQ(path[ROMA_OP_COUNT], 0);
}

static void test_random(void) {
    roma_schedule s = {0};
    for (uint64_t seed = 40001; seed <= 40400 && test_failures < 5; seed++) {
        roma_error err;
        CHECK(random_make(&r, seed));
        CHECK_EQ(roma_cost_step(&s, &r.place, r.spans, r.n_spans, &err), 0);
        check_path(&s);
        check_events(&s);
        check_cache(&s);
        check_whole_cache(&s);
        if (test_failures) fprintf(stderr, "seed %llu\n", (unsigned long long)seed);
        random_done(&r);
    }
    roma_schedule_destroy(&s);
}

/* A step without rows is refused and a schedule is fit for use after it; the same step twice is the same. */
static void test_again(void) {
    roma_schedule s = {0};
    roma_error err = {0};
    random_make(&r, 7);
    CHECK_EQ(roma_cost_step(&s, &r.place, r.spans, 0, &err), ROMA_EINPUT);
    CHECK_EQ(roma_cost_step(&s, &r.place, r.spans, r.n_spans, &err), 0);
    const uint64_t cycles = s.cycles;
    const roma_events events = s.events;
    roma_cost_span one = {.position = 3, .rows = 1, .logits = 1};
    CHECK_EQ(roma_cost_step(&s, &r.place, &one, 1, &err), 0);
    CHECK(s.cycles < cycles);
    CHECK_EQ(roma_cost_step(&s, &r.place, r.spans, r.n_spans, &err), 0);
    CHECK_EQ(s.cycles, cycles);
    CHECK(!memcmp(&events, &s.events, sizeof events));
    roma_schedule_destroy(&s);
    random_done(&r);
}

/* 28 layers of 100,663,296 weights, 4 bits, 262,144 a cycle: 10,752 cycles; the head, 394,002,432: 1,503. */
static void test_3b(void) {
    static roma_chip c;
    static const char *const chips[] = {"roma", "roma-contract"};
    const roma_shape_format four = {.bits = 4, .head_bits = 4};
    roma_description d;
    roma_error err = {0};
    CHECK_EQ(roma_shape_describe(&d, "llama-3.2-3b", &four, &err), 0);
    for (size_t k = 0; k < 2; k++) {
        roma_plan p;
        roma_placement place;
        roma_schedule s = {0};
        CHECK_EQ(roma_chip_open(&c, chips[k], &err), 0);
        CHECK_EQ(roma_map_plan(&p, &d, &err), 0);
        CHECK_EQ(roma_map_place(&place, &p, &c, 1, &err), 0);
        const roma_cost_span span = {.position = 0, .rows = 1, .logits = 1};
        CHECK_EQ(roma_cost_step(&s, &place, &span, 1, &err), 0);
        const uint64_t embed = c.fill_cyc > 0 ? 0 : 3; /* 3,072 x 4 bits over 64 words of 64 bits */
        uint64_t attend = 0;
        for (size_t i = 0; i < s.n; i++)
            if (p.ops[s.instances[i].op].kind == ROMA_OP_ATTEND) attend += s.instances[i].busy - s.instances[i].start;
        CHECK_EQ(s.busy[ROMA_UNIT_L] - (c.overlap == 0 ? attend : 0), 10752 + 1503 + embed);
        stepper t = stepper_run(&place, &span, 1);
        CHECK_EQ(s.cycles, t.cycles);
        CHECK_EQ(s.n, t.n);
        CHECK_EQ(s.n, p.n_ops);
        CHECK_EQ(roma_cost_legal(&s, &place, &span, 1, &err), 0);
        stepper_destroy(&t);
        roma_schedule_destroy(&s);
        roma_place_destroy(&place);
        roma_plan_destroy(&p);
    }
    roma_shape_destroy(&d);
}

/* A schedule by hand, whose second instance ends last: its waiting for the first makes the whole of the path. */
static void test_path(void) {
    design d;
    design_open(&d, "roma", "llama-3.2-3b", 4, 4);
    roma_cost_instance two[] = {{.op = 1, .start = 2, .busy = 4, .end = 5, .binding = UINT32_MAX},
                                {.op = 2, .start = 5, .busy = 9, .end = 9, .binding = 0}};
    const roma_schedule s = {.instances = two, .n = 2, .cycles = 9};
    uint64_t path[ROMA_OP_COUNT + 1];
    roma_cost_critical_path(&s, &d.plan, path);
    CHECK(path[ROMA_OP_EMBED] == 3 && path[ROMA_OP_NORM] == 4);
    two[1].part = ROMA_PART_UP;
    roma_cost_critical_path(&s, &d.plan, path);
    CHECK(path[ROMA_OP_EMBED] == 3 && path[ROMA_OP_NORM] == 0 && path[ROMA_OP_COUNT] == 4);
    two[0].end = 12; /* the first ends last */
    roma_cost_critical_path(&s, &d.plan, path);
    CHECK(path[ROMA_OP_EMBED] == 10 && path[ROMA_OP_COUNT] == 0);
    roma_cost_critical_path(&(roma_schedule){0}, &d.plan, path);
    for (int i = 0; i <= ROMA_OP_COUNT; i++) CHECK_EQ(path[i], 0);
    design_close(&d);
}

int main(void) {
    test_path();
    test_random();
    test_again();
    test_3b();
    return TEST_DONE();
}
