/* Legality: a schedule held against the rules of docs/cost-model.md section 1, searching where the scheduler remembers.
 * Durations are the room's own formulas; the tests have a second set. */
#include "timing.h"

typedef struct {
    const roma_schedule *s;
    timing t;
    size_t next;      /* instance that the issue order wants now */
    size_t *before;   /* [s->n] the one before it on the same block; SIZE_MAX none */
    size_t *of_block; /* [t.n_blocks] the last one of each block so far; SIZE_MAX none */
    uint64_t cycles;
    roma_error *err;
} checker;

static int broken(const checker *k, const char *rule) {
    static const char *const parts[] = {"", ", down", ", up"};
    const roma_cost_instance *x = &k->s->instances[k->next];
    return roma_fail(k->err, ROMA_EINTERNAL, "", ROMA_NOWHERE,
                     "instance %zu (%s%s, operation %u, block %u, cycles %llu to %llu): %s", k->next,
                     roma_op_name(k->t.p->ops[x->op].kind), parts[x->part], x->op, x->block,
                     (unsigned long long)x->start, (unsigned long long)x->end, rule);
}

/* Whether operation `reader` has the value of an earlier operation as its input: no other operation wrote the value
 * in between or, where the sum with adapters counts, no other product. */
static bool takes(const checker *k, uint32_t reader, uint32_t writer, bool sum) {
    const roma_op *ops = k->t.p->ops;
    if (writer >= reader || ops[writer].out == ROMA_NO_VALUE) return false;
    for (unsigned i = 0; i < 2; i++) {
        if (ops[reader].in[i] != ops[writer].out) continue;
        uint32_t last = reader;
        while (last-- > writer)
            if (ops[last].out == ops[writer].out && (!sum || ops[last].kind == ROMA_OP_LINEAR)) break;
        if (last == writer) return true;
    }
    return false;
}

/* Whether an earlier instance y of the same block makes something that x reads. */
static bool is_read(const checker *k, const roma_cost_instance *y, const timing_part *x) {
    if (y->part == ROMA_PART_DOWN || x->part == ROMA_PART_UP)
        return x->part == ROMA_PART_UP && y->part == ROMA_PART_DOWN && y->op == x->op && y->place == x->place;
    if (y->part == ROMA_PART_UP) return k->t.p->ops[x->op].kind != ROMA_OP_BIAS && takes(k, x->op, y->op, true);
    return takes(k, x->op, y->op, false);
}

/* Whether y, of any block so far, writes pages that the attention x reads. */
static bool is_page(const checker *k, const roma_cost_instance *y, const timing_part *x) {
    const roma_op *reader = &k->t.p->ops[x->op], *writer = &k->t.p->ops[y->op];
    return writer->layer == reader->layer && y->block <= x->block &&
           roma_op_about(writer->kind)->out == ROMA_DATA_PAGES;
}

/* Whether the end of y, of the same block, is in the sum that the up x adds to. */
static bool is_in_sum(const checker *k, const roma_cost_instance *y, const timing_part *x) {
    const roma_op *ops = k->t.p->ops;
    if (y->part == ROMA_PART_DOWN || y->op < x->op || ops[y->op].out != ops[x->op].out) return false;
    return y->op == x->op || (ops[y->op].kind == ROMA_OP_BIAS && takes(k, y->op, x->op, true));
}

/* Cycle before which x may not start because of y, which it reads: of NORM's codes the scale comes by itself. */
static uint64_t earliest(const checker *k, const roma_cost_instance *y, uint64_t first) {
    timing_duration made;
    roma_cost_timing_of(&k->t, (timing_part){y->op, y->block, y->part, y->place}, &made, NULL);
    const uint64_t scale = y->start + made.scale;
    return made.scale && scale > first && scale - first > y->end ? scale - first : y->end;
}

/* The instance before `next` on each unit kind that its part takes has left it. */
static int check_units(const checker *k, const timing_part *part) {
    static const char *const unit_rule[] = {"unit L is still taken", "unit H is still taken", "unit V is still taken",
                                            "the adapter part is still taken"};
    unsigned units = roma_cost_timing_units(&k->t, part->op, part->part);
    for (size_t i = k->next; units && i-- > 0;) {
        const roma_cost_instance *y = &k->s->instances[i];
        const unsigned shared = units & roma_cost_timing_units(&k->t, y->op, y->part);
        for (unsigned u = 0; u < ROMA_COST_UNITS; u++)
            if (shared >> u & 1 && y->busy > k->s->instances[k->next].start) return broken(k, unit_rule[u]);
        units &= ~shared;
    }
    return ROMA_OK;
}

/* Codes of a down's product have passed. */
static bool has_passed(const checker *k, const roma_cost_instance *y, const timing_part *part) {
    timing_duration base;
    if (part->part != ROMA_PART_DOWN || y->part != ROMA_PART_BASE || y->op != part->op) return true;
    roma_cost_timing_of(&k->t, (timing_part){y->op, y->block, y->part, 0}, &base, NULL);
    return y->start + base.pass <= k->s->instances[k->next].start;
}

/* A CACHE comes behind the ends of all ups that took the H-Units before it. */
static int check_ups(const checker *k, const timing_part *part) {
    const roma_cost_instance *x = &k->s->instances[k->next];
    if (roma_op_about(k->t.p->ops[part->op].kind)->out != ROMA_DATA_PAGES) return ROMA_OK;
    for (size_t i = k->next; i-- > 0;) {
        const roma_cost_instance *y = &k->s->instances[i];
        if (y->part == ROMA_PART_UP && roma_cost_timing_units(&k->t, y->op, y->part) >> ROMA_UNIT_H & 1 &&
            y->end > x->start)
            return broken(k, "begins before an up has ended");
    }
    return ROMA_OK;
}

/* Pages that an attention reads are there. */
static int check_pages(const checker *k, const timing_part *part, const timing_duration *d) {
    const roma_cost_instance *x = &k->s->instances[k->next];
    if (roma_op_about(k->t.p->ops[part->op].kind)->in[1] != ROMA_DATA_PAGES) return ROMA_OK;
    for (size_t i = k->next; i-- > 0;)
        if (is_page(k, &k->s->instances[i], part) && earliest(k, &k->s->instances[i], d->first) > x->start)
            return broken(k, "reads what is not there yet");
    return ROMA_OK;
}

/* Holds instance `next` to everything before it. */
static int check_before(checker *k, const timing_part *part, const timing_duration *d) {
    const roma_cost_instance *x = &k->s->instances[k->next];
    uint64_t end = x->busy + d->lat;
    int rc = check_units(k, part);
    if (!rc) rc = check_pages(k, part, d);
    if (!rc) rc = check_ups(k, part);
    for (size_t i = k->of_block[part->block]; i != SIZE_MAX && !rc; i = k->before[i]) {
        const roma_cost_instance *y = &k->s->instances[i];
        if (is_read(k, y, part) && earliest(k, y, d->first) > x->start) rc = broken(k, "reads what is not there yet");
        if (!rc && !has_passed(k, y, part)) rc = broken(k, "reads codes that have not passed yet");
        if (part->part != ROMA_PART_UP || !is_in_sum(k, y, part)) continue;
        const uint64_t queue = k->t.p->ops[y->op].kind == ROMA_OP_BIAS ? d->queue : 0;
        if (y->end + queue + k->t.k.add > end) end = y->end + queue + k->t.k.add;
    }
    return rc ? rc : x->end == end ? ROMA_OK : broken(k, "has a wrong duration");
}

static int check_instance(checker *k, timing_part part) {
    if (k->next >= k->s->n)
        return roma_fail(k->err, ROMA_EINTERNAL, "", ROMA_NOWHERE, "the schedule ends before operation %u, block %u",
                         part.op, part.block);
    const roma_cost_instance *x = &k->s->instances[k->next];
    timing_duration d;
    if (x->op != part.op || x->block != part.block || x->part != part.part || x->place != part.place)
        return broken(k, "is not what the issue order wants here");
    roma_cost_timing_of(&k->t, part, &d, NULL);
    if (x->busy != x->start + d.occ) return broken(k, "has a wrong duration");
    const int rc = check_before(k, &part, &d);
    if (x->end > k->cycles) k->cycles = x->end;
    k->before[k->next] = k->of_block[part.block];
    k->of_block[part.block] = k->next++;
    return rc;
}

static int check_parts(checker *k, uint32_t op, uint32_t block, roma_cost_part part) {
    int rc = ROMA_OK;
    for (uint32_t i = 0; i < k->t.places && !rc; i++)
        if (roma_cost_timing_has_part(&k->t, op, block, i)) rc = check_instance(k, (timing_part){op, block, part, i});
    return rc;
}

static int check_block(void *ctx, uint32_t op, uint32_t block) {
    checker *k = ctx;
    const timing_turn *o = &k->t.turns[op];
    if (!roma_cost_timing_rows(&k->t, op, block)) return ROMA_OK;
    int rc = check_instance(k, (timing_part){op, block, ROMA_PART_BASE, 0});
    if (!rc && k->t.p->ops[op].kind == ROMA_OP_LINEAR) rc = check_parts(k, op, block, ROMA_PART_DOWN);
    for (uint32_t i = o->group; o->ends_group && i <= op && !rc; i++)
        if (k->t.p->ops[i].kind == ROMA_OP_LINEAR) rc = check_parts(k, i, block, ROMA_PART_UP);
    return rc;
}

int roma_cost_legal(const roma_schedule *s, const roma_placement *p, const roma_cost_span *spans, size_t n,
                    roma_error *err) {
    checker k = {.s = s, .err = err};
    void *memory = roma_alloc(roma_cost_timing_bytes(p, spans, n));
    const size_t blocks = roma_cost_timing_blocks(p, spans, n);
    int rc = ROMA_OK;
    k.before = roma_alloc_array(s->n + blocks, sizeof *k.before);
    if (!memory || !k.before) rc = roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the check");
    if (!rc) {
        k.of_block = k.before + s->n;
        for (size_t i = 0; i < blocks; i++) k.of_block[i] = SIZE_MAX;
        roma_cost_timing_init(&k.t, memory, p, spans, n, 0);
        rc = roma_plan_issue(p->plan, k.t.n_streams, k.t.stream_block, check_block, &k);
    }
    if (!rc && k.next != s->n)
        rc = roma_fail(err, ROMA_EINTERNAL, "", ROMA_NOWHERE, "the schedule has %zu instances too many", s->n - k.next);
    if (!rc && k.cycles != s->cycles)
        rc = roma_fail(err, ROMA_EINTERNAL, "", ROMA_NOWHERE, "the schedule's cycles are not its last end");
    roma_free(memory);
    roma_free(k.before);
    return rc;
}
