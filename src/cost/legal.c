/* Legality: a schedule held against the rules of docs/cost-model.md section 1, searching where the scheduler remembers.
 * Durations are the room's own formulas; the tests have a second set. */
#include "timing.h"

typedef struct {
    const roma_schedule *s;
    timing t;
    size_t next; /* instance that the issue order wants now */
    uint64_t cycles;
    roma_error *err;
} checker;

static int broken(const checker *k, const char *rule) {
    const roma_cost_instance *x = &k->s->instances[k->next];
    return roma_fail(k->err, ROMA_EINTERNAL, "", ROMA_NOWHERE,
                     "instance %zu (%s, operation %u, block %u, cycles %llu to %llu): %s", k->next,
                     x->lora ? "adapter" : roma_op_name(k->t.p->ops[x->op].kind), x->op, x->block,
                     (unsigned long long)x->start, (unsigned long long)x->end, rule);
}

/* Whether an earlier instance makes something that operation `op` on `block` reads. */
static bool is_read(const checker *k, const roma_cost_instance *y, uint32_t op, uint32_t block) {
    const roma_op *reader = &k->t.p->ops[op], *writer = &k->t.p->ops[y->op];
    if (roma_op_about(reader->kind)->in[1] == ROMA_DATA_PAGES && roma_op_about(writer->kind)->out == ROMA_DATA_PAGES &&
        writer->layer == reader->layer)
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

static int check_instance(checker *k, uint32_t op, uint32_t block, bool lora) {
    static const char *const unit_rule[] = {"unit L is still taken", "unit H is still taken", "unit V is still taken",
                                            "the adapter part is still taken"};
    if (k->next >= k->s->n)
        return roma_fail(k->err, ROMA_EINTERNAL, "", ROMA_NOWHERE, "the schedule ends before operation %u, block %u",
                         op, block);
    const roma_cost_instance *x = &k->s->instances[k->next];
    uint64_t occ, lat;
    unsigned units = roma_cost_timing_units(&k->t, op, lora);
    if (x->op != op || x->block != block || x->lora != lora) return broken(k, "is not what the issue order wants here");
    roma_cost_timing_duration(&k->t, op, block, lora, &occ, &lat);
    if (x->busy != x->start + occ || x->end != x->busy + lat) return broken(k, "has a wrong duration");
    for (size_t i = k->next; i-- > 0;) {
        const roma_cost_instance *y = &k->s->instances[i];
        const unsigned shared = units & roma_cost_timing_units(&k->t, y->op, y->lora);
        for (unsigned u = 0; u < ROMA_COST_UNITS; u++)
            if (shared >> u & 1 && y->busy > x->start) return broken(k, unit_rule[u]);
        units &= ~shared; /* the one before it on that unit is what counts */
        if (y->end > x->start && is_read(k, y, op, block)) return broken(k, "reads what is not there yet");
    }
    if (x->end > k->cycles) k->cycles = x->end;
    k->next++;
    return ROMA_OK;
}

static int check_block(void *ctx, uint32_t op, uint32_t block) {
    checker *k = ctx;
    if (!roma_cost_timing_rows(&k->t, op, block)) return ROMA_OK;
    const int rc = check_instance(k, op, block, false);
    return !rc && roma_cost_timing_has_lora(&k->t, op, block) ? check_instance(k, op, block, true) : rc;
}

int roma_cost_legal(const roma_schedule *s, const roma_placement *p, const roma_cost_span *spans, size_t n,
                    roma_error *err) {
    checker k = {.s = s, .err = err};
    void *memory = roma_alloc(roma_cost_timing_bytes(p, spans, n));
    int rc;
    if (!memory) return roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the check");
    roma_cost_timing_init(&k.t, memory, p, spans, n, 0);
    rc = roma_plan_issue(p->plan, k.t.n_streams, k.t.stream_block, check_block, &k);
    if (!rc && k.next != s->n)
        rc = roma_fail(err, ROMA_EINTERNAL, "", ROMA_NOWHERE, "the schedule has %zu instances too many", s->n - k.next);
    if (!rc && k.cycles != s->cycles)
        rc = roma_fail(err, ROMA_EINTERNAL, "", ROMA_NOWHERE, "the schedule's cycles are not its last end");
    roma_free(memory);
    return rc;
}
