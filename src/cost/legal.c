/* Legality: a schedule held against the rules of docs/cost-model.md section 1, searching where the scheduler remembers.
 * Durations are the room's own formulas; the tests have a second set. */
#include "timing.h"

typedef struct {
    const roma_schedule *s;
    timing t;
    size_t next; /* instance that the issue order wants now */
    uint64_t cycles;
} checker;

static int broken(const checker *k, const char *rule, roma_error *err) {
    const roma_cost_instance *x = &k->s->instances[k->next];
    return roma_fail(err, ROMA_EINTERNAL, "", ROMA_NOWHERE,
                     "instance %zu (%s, operation %u, block %u, cycles %llu to %llu): %s", k->next,
                     x->lora ? "adapter" : roma_op_name(k->t.p->ops[x->op].kind), x->op, x->block,
                     (unsigned long long)x->start, (unsigned long long)x->end, rule);
}

/* Whether an earlier instance makes something that operation `op` on `block` reads. */
static bool is_read(const checker *k, const roma_cost_instance *y, uint32_t op, uint32_t block) {
    const roma_op *reader = &k->t.p->ops[op], *writer = &k->t.p->ops[y->op];
    if (reader->kind == ROMA_OP_ATTEND && writer->kind == ROMA_OP_CACHE && writer->layer == reader->layer)
        return y->block <= block;
    if (y->block != block || y->op >= op || writer->out == ROMA_NO_VALUE) return false;
    for (unsigned i = 0; i < 2; i++) {
        if (reader->in[i] != writer->out) continue;
        uint32_t last = op; /* only the last writer before the reader counts */
        while (last-- > y->op)
            if (k->t.p->ops[last].out == writer->out) break;
        if (last == y->op) return true;
    }
    return false;
}

static int check_instance(checker *k, uint32_t op, uint32_t block, bool lora, roma_error *err) {
    static const char *const unit_rule[] = {"unit L is still taken", "unit H is still taken", "unit V is still taken",
                                            "the adapter part is still taken"};
    if (k->next >= k->s->n)
        return roma_fail(err, ROMA_EINTERNAL, "", ROMA_NOWHERE, "the schedule ends before operation %u, block %u", op,
                         block);
    const roma_cost_instance *x = &k->s->instances[k->next];
    uint64_t occ, lat;
    unsigned units = roma_cost_timing_units(&k->t, op, lora);
    if (x->op != op || x->block != block || x->lora != lora)
        return broken(k, "is not what the issue order wants here", err);
    roma_cost_timing_duration(&k->t, op, block, lora, &occ, &lat);
    if (x->busy != x->start + occ || x->end != x->busy + lat) return broken(k, "has a wrong duration", err);
    for (size_t i = k->next; i-- > 0;) {
        const roma_cost_instance *y = &k->s->instances[i];
        const unsigned shared = units & roma_cost_timing_units(&k->t, y->op, y->lora);
        for (unsigned u = 0; u < ROMA_COST_UNITS; u++)
            if (shared >> u & 1 && y->busy > x->start) return broken(k, unit_rule[u], err);
        units &= ~shared; /* the one before it on that unit is what counts */
        if (y->end > x->start && is_read(k, y, op, block)) return broken(k, "reads what is not there yet", err);
    }
    if (x->end > k->cycles) k->cycles = x->end;
    k->next++;
    return ROMA_OK;
}

static int check_segment(checker *k, uint32_t begin, uint32_t end, roma_error *err) {
    int rc = ROMA_OK;
    for (uint32_t stream = 0; stream < k->t.n_streams; stream++)
        for (uint32_t op = begin; op < end; op++)
            for (uint32_t b = k->t.stream_block[stream]; b < k->t.stream_block[stream + 1]; b++) {
                if (!roma_cost_timing_rows(&k->t, op, b)) continue;
                rc = check_instance(k, op, b, false, err);
                if (!rc && roma_cost_timing_has_lora(&k->t, op, b)) rc = check_instance(k, op, b, true, err);
                if (rc) return rc;
            }
    return rc;
}

int roma_cost_legal(const roma_schedule *s, const roma_plan *p, const roma_chip *c, const roma_cost_span *spans,
                    size_t n, roma_error *err) {
    checker k = {.s = s};
    void *memory = roma_alloc(roma_cost_timing_bytes(p, c, spans, n));
    int rc = ROMA_OK;
    if (!memory) return roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the check");
    roma_cost_timing_init(&k.t, memory, p, c, spans, n, 0);
    for (uint32_t begin = 0, end; !rc && begin < p->n_ops; begin = end) {
        for (end = begin + 1; end < p->n_ops && p->ops[end - 1].kind != ROMA_OP_ATTEND;) end++;
        rc = check_segment(&k, begin, end, err);
    }
    if (!rc && k.next != s->n)
        rc = roma_fail(err, ROMA_EINTERNAL, "", ROMA_NOWHERE, "the schedule has %zu instances too many", s->n - k.next);
    if (!rc && k.cycles != s->cycles)
        rc = roma_fail(err, ROMA_EINTERNAL, "", ROMA_NOWHERE, "the schedule's cycles are not its last end");
    roma_free(memory);
    return rc;
}
