/* Steps of a workload: its spans and their adapters, the parties of a pipeline of dies, a prompt in chunks
 * (docs/cost-model.md 1.10). */
#include "timing.h"

#include <string.h>

/* Words over the patch table of the worst matrix unit: the slowest one sets the pace. */
static double repair_words(const roma_chip *c, const roma_defects *d) {
    double worst = 0;
    for (uint32_t i = 0; d && i < d->n; i++) worst = fmax(worst, d->words[i] - c->patch_words);
    return worst;
}

/* ---- spans of a decode step ---- */

typedef struct {
    roma_cost_span *spans;       /* [batch] */
    roma_cost_adapter *adapters; /* [batch][in each set] */
    uint32_t *ranks;             /* [adapter slots]: where the adapters have a part of the matrices only; else NULL */
} step_spans;

static uint32_t *ranks_of(const roma_plan *p, const roma_workload *w) {
    uint32_t *ranks = roma_alloc_array(p->n_adapter_slots + 1, sizeof *ranks);
    for (size_t i = 0; ranks && i < p->n_ops; i++) {
        const roma_op *op = &p->ops[i];
        if (op->adapter_slot == UINT32_MAX) continue;
        ranks[op->adapter_slot] = w->roles >> p->desc->tensors[op->tensor].role & 1 ? w->rank : 0;
    }
    return ranks;
}

uint32_t roma_cost_workload_set(const roma_workload *w) { return !w->rank ? 0 : w->stacked ? w->stacked : 1; }

static void free_spans(step_spans *s) {
    roma_free(s->spans);
    roma_free(s->adapters);
    roma_free(s->ranks);
    memset(s, 0, sizeof *s);
}

/* Every sequence's set is another part of the resident adapters, in turn. */
static int make_spans(step_spans *s, const roma_placement *p, const roma_workload *w, roma_error *err) {
    const uint32_t n = roma_cost_workload_set(w), resident = w->adapters > n ? w->adapters : n;
    memset(s, 0, sizeof *s);
    s->spans = roma_alloc_array(w->batch, sizeof *s->spans);
    s->adapters = roma_alloc_array((size_t)w->batch * n + 1, sizeof *s->adapters);
    if (w->roles) s->ranks = ranks_of(p->plan, w);
    if (!s->spans || !s->adapters || (w->roles && !s->ranks)) {
        free_spans(s);
        return roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for a batch of %u", w->batch);
    }
    for (uint32_t i = 0; i < w->batch; i++) {
        roma_cost_adapter *set = s->adapters + (size_t)i * n;
        for (uint32_t k = 0; k < n; k++)
            set[k] = (roma_cost_adapter){1 + (uint32_t)(((uint64_t)i * n + k) % resident), w->rank, s->ranks};
        s->spans[i] = (roma_cost_span){w->context, 1, 1, n, set};
    }
    return ROMA_OK;
}

/* ---- several dies: docs/cost-model.md 1.10 ---- */

static uint32_t pipeline_dies(const roma_placement *p) { return p->chip.die_split > 0 ? 1 : p->dies; }

/* The die of a pipeline that an operation runs on: what is outside the layers is on the first die before the first
 * layer, on the last one behind it. */
static uint32_t die_of(const roma_placement *p, uint32_t op) {
    const roma_plan *plan = p->plan;
    if (plan->ops[op].layer != UINT32_MAX) return roma_place_layer_die(p, plan->ops[op].layer);
    for (uint32_t i = op; i < plan->n_ops; i++)
        if (plan->ops[i].layer != UINT32_MAX) return 0;
    return p->dies - 1;
}

/* Cycles that each die works on the schedule: from the last end of the dies before it to its own. */
static void die_cycles(uint64_t *cycles, const roma_schedule *s, const roma_placement *p) {
    for (uint32_t k = 0; k < p->dies; k++) cycles[k] = 0;
    for (size_t i = 0; i < s->n; i++) {
        uint64_t *end = &cycles[die_of(p, s->instances[i].op)];
        if (s->instances[i].end > *end) *end = s->instances[i].end;
    }
    for (uint32_t k = 1; k < p->dies; k++)
        if (cycles[k] < cycles[k - 1]) cycles[k] = cycles[k - 1];
    for (uint32_t k = p->dies; k-- > 1;) cycles[k] -= cycles[k - 1];
}

static uint64_t crossing(const roma_placement *p, double rows) {
    const double bytes = rows * p->plan->desc->hyper.hidden * 4;
    return timing_up((p->chip.die_latency_s + bytes / p->chip.die_bandwidth) * p->chip.clock_hz);
}

static double crossing_bits(const roma_placement *p, double rows) {
    return (pipeline_dies(p) - 1.0) * rows * p->plan->desc->hyper.hidden * 32;
}

/* A step of parties that follow one another through the dies: `way` is the longest of one party alone, turns[k] all of
 * them on die k, a party staying until it has left. */
typedef struct {
    uint64_t way, *cycles, *turns; /* cycles, turns: [dies] */
} parties;

static void add_party(parties *x, const roma_schedule *s, const roma_placement *p, uint32_t spans) {
    const uint32_t dies = p->dies;
    const uint64_t cross = crossing(p, spans);
    uint64_t way = 0;
    die_cycles(x->cycles, s, p);
    for (uint32_t k = 0; k < dies; k++) {
        const uint64_t turn = x->cycles[k] + (k + 1 < dies ? cross : 0);
        x->turns[k] += turn;
        way += turn;
    }
    x->way = timing_larger(x->way, way);
}

static uint64_t slowest(const parties *x, uint32_t dies) {
    uint64_t most = x->way;
    for (uint32_t k = 0; k < dies; k++) most = timing_larger(most, x->turns[k]);
    return most;
}

static void add_schedule(roma_timing *t, const roma_schedule *s) {
    const double *from = (const double *)(const void *)&s->events;
    double *to = (double *)(void *)&t->events;
    for (int i = 0; i < ROMA_N_EVENTS; i++) to[i] += from[i];
    for (int u = 0; u < ROMA_COST_UNITS; u++) t->busy[u] += s->busy[u];
}

/* The span that a party of m begins with: the first has as many spans as any other. */
static uint32_t party_begins(uint32_t batch, uint32_t party, uint32_t m) {
    return (uint32_t)(((uint64_t)batch * party + m - 1) / m);
}

/* The parties' schedules, the first one's last: its schedule stays in s. */
static int time_decode(roma_timing *t, roma_schedule *s, const roma_placement *p, const roma_workload *w,
                       uint64_t *cycles, roma_error *err) {
    const uint32_t dies = pipeline_dies(p), m = w->batch < dies ? w->batch : dies;
    parties all = {.cycles = cycles, .turns = cycles + p->dies};
    step_spans x;
    int rc = make_spans(&x, p, w, err);
    if (rc) return rc;
    memset(all.turns, 0, p->dies * sizeof *all.turns);
    for (uint32_t i = m; i-- > 0 && !rc;) {
        const uint32_t first = party_begins(w->batch, i, m), n = party_begins(w->batch, i + 1, m) - first;
        rc = roma_cost_step_repair(s, p, x.spans + first, n, repair_words(&p->chip, w->defects), err);
        if (rc) break;
        add_schedule(t, s);
        if (dies > 1) add_party(&all, s, p, n);
    }
    free_spans(&x);
    if (rc) return rc;
    t->cycles = dies > 1 ? slowest(&all, dies) : s->cycles;
    t->events.die_bits += crossing_bits(p, w->batch);
    return ROMA_OK;
}

/* ---- the prompt ---- */

/* Chunks on their way through a pipeline of dies: a die has one at a time, and is free when that one has left it. */
typedef struct {
    const roma_placement *p;
    uint64_t *cycles, *free; /* [dies]: of a chunk on each die; since when it is free */
} relay;

static void pass_on(void *ctx, const roma_schedule *s, uint32_t rows) {
    const relay *r = ctx;
    const uint32_t dies = r->p->dies;
    const uint64_t cross = crossing(r->p, rows);
    uint64_t there = 0;
    die_cycles(r->cycles, s, r->p);
    for (uint32_t k = 0; k < dies; k++)
        r->free[k] = there = timing_larger(there, r->free[k]) + r->cycles[k] + (k + 1 < dies ? cross : 0);
}

static int time_prompt(roma_timing *t, roma_schedule *s, const roma_placement *p, const roma_workload *w,
                       uint64_t *cycles, roma_error *err) {
    const uint32_t dies = pipeline_dies(p);
    relay r = {p, cycles, cycles + p->dies};
    roma_workload one = *w;
    step_spans x;
    one.batch = 1;
    int rc = make_spans(&x, p, &one, err);
    if (!rc)
        rc = roma_cost_prefill_repair(s, p, 0, w->prompt, x.adapters, x.spans->n_adapters,
                                      repair_words(&p->chip, w->defects), dies > 1 ? pass_on : NULL, &r, err);
    if (!rc) {
        t->prefill_cycles = dies > 1 ? r.free[dies - 1] : s->cycles;
        t->prefill = s->events;
        t->prefill.die_bits += crossing_bits(p, w->prompt);
    }
    free_spans(&x);
    return rc;
}

int roma_cost_time(roma_timing *t, roma_schedule *s, const roma_placement *p, const roma_workload *w, bool prompt,
                   roma_error *err) {
    uint64_t *cycles = roma_alloc_array(p->dies, 2 * sizeof *cycles); /* and what a `relay` or `parties` keeps */
    int rc = cycles ? ROMA_OK : roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for %u dies", p->dies);
    memset(t, 0, sizeof *t);
    t->pitch_mm = roma_cost_pitch_mm(&p->chip);
    if (!rc && w->prompt && prompt) rc = time_prompt(t, s, p, w, cycles, err);
    if (!rc) rc = time_decode(t, s, p, w, cycles, err); /* last: its schedule stays in s */
    roma_free(cycles);
    return rc;
}

int roma_cost_decode(uint64_t *cycles, roma_schedule *s, const roma_placement *p, const roma_workload *w,
                     roma_error *err) {
    roma_timing t;
    const int rc = roma_cost_time(&t, s, p, w, false, err);
    *cycles = t.cycles;
    return rc;
}

int roma_cost_chunk(roma_schedule *s, const roma_placement *p, const roma_workload *w, uint32_t done, uint32_t rows,
                    roma_error *err) {
    roma_workload one = *w;
    step_spans x;
    one.batch = 1;
    int rc = make_spans(&x, p, &one, err);
    if (rc) return rc;
    x.spans->position = done;
    x.spans->rows = rows;
    x.spans->logits = done + rows == w->prompt;
    rc = roma_cost_step_repair(s, p, x.spans, 1, repair_words(&p->chip, w->defects), err);
    free_spans(&x);
    return rc;
}
