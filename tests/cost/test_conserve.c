/* What must add up: events from the description, cycles along the critical path, work of the units, numbers of the 3B
 * model. */
#include "design.h"
#include "random_case.h"
#include "stepper.h"
#include "../test.h"

static random_case r;

/* ---- events: docs/cost-model.md 2, instance by instance ---- */

static bool near(double a, double b) { return fabs(a - b) <= 1e-9 * fmax(fabs(a), fabs(b)); }

/* True when no LINEAR before this one reads the value that it reads. */
static bool is_first_reader(const roma_plan *p, size_t op) {
    for (size_t i = op; i-- > 0 && p->ops[i].out != p->ops[op].in[0];)
        if (p->ops[i].kind == ROMA_OP_LINEAR && p->ops[i].in[0] == p->ops[op].in[0]) return false;
    return true;
}

static void count_linear(roma_events *e, const stepper *t, const stepper_instance *x, const roma_image_tensor *m) {
    const stepper_law *l = &t->law;
    const stepper_words w = stepper_words_of(l, m);
    const double n = (double)stepper_see(t, &t->p->ops[x->op], x->block).n, b = (double)w.code_bits,
                 addresses = (double)(w.unit_rows / l->rows * w.row_words), lunits = (double)(l->units * l->lunits),
                 merged = fmin((double)l->lunits, (double)w.group_words), inputs = (double)w.word_inputs;
    const double codes = (double)(m->rows * m->cols);
    e->rom_bits += (l->c->hold != 0 ? 1 : n) * (codes * 32 / inputs + (double)(m->rows * w.scale_row_bits));
    e->lane_macs += n * codes * b / 4;
    e->buffer_bits += n * addresses * lunits * inputs * 67 / 8;
    if (n > 1 || is_first_reader(t->p, x->op)) e->buffer_bits += n * (double)(l->units * 8 * stepper_codes(m->cols));
    e->merge_adds += n * addresses * lunits * (double)l->rows * (1 - 1 / merged);
    e->leaves += n * (double)(m->rows * w.groups);
    e->lunit_cycles += (double)x->time.work * lunits;
}

static void count_embed(roma_events *e, const stepper *t, const stepper_instance *x, const roma_image_tensor *m) {
    const stepper_words w = stepper_words_of(&t->law, m);
    const double n = (double)stepper_see(t, &t->p->ops[x->op], x->block).n;
    e->rom_bits += n * (double)t->law.rows * ((double)m->cols * 32 / (double)w.word_inputs + (double)w.scale_row_bits);
    e->leaves += n * (double)m->cols;
    e->lunit_cycles += (double)(x->time.occ * t->law.lunits);
}

static void count_adapter(roma_events *e, const stepper *t, const stepper_instance *x, const roma_image_tensor *m) {
    const roma_op *op = &t->p->ops[x->op];
    const stepper_view v = stepper_see(t, op, x->block);
    const double wide = (double)(x->part == ROMA_PART_DOWN ? m->cols : m->rows), bytes = t->c->lora_weight_bytes;
    for (size_t i = 0; i < v.n; i++) {
        const double rank = (double)stepper_rank(v.row[i], x->place, op);
        if (i == 0 || !stepper_same(v.row[i - 1], v.row[i], x->place)) e->sram_bits += 8 * bytes * rank * wide;
        *(t->c->lora_where != 0 ? &e->lane_macs : &e->hunit_macs) +=
            rank * wide * (t->c->lora_where != 0 ? bytes * 2 : 1);
    }
    if (t->c->lora_where != 0) e->lunit_cycles += (double)(x->time.occ * t->law.units * t->law.lunits);
}

static void count_attend(roma_events *e, const stepper *t, const stepper_instance *x) {
    const roma_hyper *h = &t->p->desc->hyper;
    const stepper_view v = stepper_see(t, &t->p->ops[x->op], x->block);
    for (size_t i = 0; i < v.n; i++) {
        const double seen = (double)(v.row[i]->position + 1), scores = h->heads * seen;
        e->hunit_macs += 2 * scores * h->head_dim;
        e->vector_ops += 3 * scores;
        e->sram_bits += 64 * scores;
        if (i + 1 == v.n || v.row[i + 1]->span != v.row[i]->span)
            e->sram_bits += 8 * stepper_both_bytes(&t->law) * seen * h->kv_heads;
    }
}

static void count_vector(roma_events *e, const stepper *t, const stepper_instance *x) {
    static const double each[ROMA_OP_COUNT] = {
        [ROMA_OP_NORM] = 4,      [ROMA_OP_QUANTISE] = 3, [ROMA_OP_BIAS] = 1, [ROMA_OP_RESIDUAL] = 1,
        [ROMA_OP_HEAD_NORM] = 4, [ROMA_OP_ROPE] = 3,     [ROMA_OP_SILU] = 5, [ROMA_OP_RELU2] = 3};
    const roma_op *op = &t->p->ops[x->op];
    const roma_value *values = t->p->values;
    const double n = (double)stepper_see(t, op, x->block).n;
    double elements = values[op->out].is_codes ? 0 : values[op->out].width;
    for (int k = 0; k < 2; k++)
        if (op->in[k] != ROMA_NO_VALUE) elements += values[op->in[k]].width;
    if (op->tensor != ROMA_NO_TENSOR) elements += (double)t->p->desc->tensors[op->tensor].cols; /* out of the ROM */
    e->sram_bits += n * 32 * elements;
    if (op->param.order) e->sram_bits += n * (64 + 16) * values[op->in[0]].width;
    e->vector_ops +=
        n * (op->kind == ROMA_OP_ANGLES ? 17.0 * values[op->out].width / 2 : each[op->kind] * values[op->in[0]].width);
    if (values[op->out].is_codes && t->law.is_tensor)
        e->die_bits += (double)((t->law.dies - 1) * 8 * stepper_codes(values[op->in[0]].width)) * n;
}

/* All of one die's schedule but wires, whose length is the area's. */
static roma_events count(const stepper *t) {
    roma_events e = {0};
    for (size_t i = 0; i < t->n; i++) {
        const stepper_instance *x = &t->all[i];
        const roma_op *op = &t->p->ops[x->op];
        const roma_image_tensor *m = op->tensor == ROMA_NO_TENSOR ? NULL : &t->p->desc->tensors[op->tensor];
        const double n = (double)stepper_see(t, op, x->block).n;
        if (x->part != ROMA_PART_BASE)
            count_adapter(&e, t, x, m);
        else if (op->kind == ROMA_OP_LINEAR)
            count_linear(&e, t, x, m);
        else if (op->kind == ROMA_OP_EMBED)
            count_embed(&e, t, x, m);
        else if (op->kind == ROMA_OP_ATTEND)
            count_attend(&e, t, x);
        else if (op->kind == ROMA_OP_CACHE)
            e.sram_bits += n * 8 * stepper_both_bytes(&t->law) * t->p->desc->hyper.kv_heads;
        else
            count_vector(&e, t, x);
        if ((int)t->c->rom_style == ROMA_ROM_DRAM && op->kind == ROMA_OP_LINEAR && x->part == ROMA_PART_BASE)
            if (stepper_is_first(t, x->op, x->block)) e.dram_bits += 8 * stepper_bytes(m);
    }
    return e;
}

static void check_events(const roma_schedule *s, const stepper *t) {
    roma_events want = count(t);
    want.wire_bit_mm = s->events.wire_bit_mm;
    CHECK(want.wire_bit_mm > 0);
#define X(field, text)                                                                                                 \
    CHECK(near(s->events.field, want.field));                                                                          \
    if (!near(s->events.field, want.field))                                                                            \
        fprintf(stderr, "  %s: %.17g, counted %.17g\n", text, s->events.field, want.field);
    ROMA_EVENTS(X)
#undef X
}

/* More positions in the cache of every sequence: nothing else is read, nothing is sent, and nothing gets faster. */
static void check_cache(roma_schedule *s) {
    roma_error err;
    const roma_events before = s->events;
    const uint64_t cycles = s->cycles, more = 1 + random_below(&r, 200);
    for (size_t i = 0; i < r.n_spans; i++) r.spans[i].position += more;
    CHECK_EQ(roma_cost_step(s, &r.place, r.spans, r.n_spans, &err), 0);
    CHECK(s->events.rom_bits == before.rom_bits && s->events.wire_bit_mm == before.wire_bit_mm);
    CHECK(s->events.sram_bits > before.sram_bits);
    CHECK(s->cycles >= cycles);
    for (size_t i = 0; i < r.n_spans; i++) r.spans[i].position -= more;
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
        work[x->unit] += x->busy - x->start; /* an L-Unit that an attention holds is not at work */
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
        const int failures = test_failures;
        CHECK(random_make(&r, seed));
        CHECK_EQ(roma_cost_step(&s, &r.place, r.spans, r.n_spans, &err), 0);
        stepper t = stepper_run(&r.place, r.spans, r.n_spans);
        check_path(&s);
        check_events(&s, &t);
        check_cache(&s);
        stepper_destroy(&t);
        if (test_failures > failures) {
            fprintf(stderr, "seed %llu:", (unsigned long long)seed);
            random_print_chip(&r, stderr);
        }
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

/* 28 layers of 100,663,296 weights, 4 bits, 262,144 a cycle: 10,752 cycles; the head, 394,002,432: 1,503, and 3 more
 * since every matrix unit has 251 row groups. */
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
        /* 3,072 leaves of the leaf units of one matrix unit */
        const uint64_t embed = c.fill_cyc > 0 ? 0 : 3072 / (64 * 16 / (uint64_t)c.leaf_group);
        CHECK_EQ(s.busy[ROMA_UNIT_L], 10752 + 1506 + embed);
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
    two[1].start = 3; /* its sum waits for the first's, not its start */
    two[1].sum = 0;
    roma_cost_critical_path(&s, &d.plan, path);
    CHECK(path[ROMA_OP_EMBED] == 3 && path[ROMA_OP_COUNT] == 4);
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
