/* The scheduler: docs/cost-model.md sections 1.2 and 1.3. */
#include "cost_int.h"
#include "timing.h"

#include <assert.h>

#define NONE UINT32_MAX

/* When something is there, and which instance made it. */
typedef struct {
    uint64_t time;
    uint32_t instance;
} moment;

typedef struct {
    roma_schedule *s;
    timing t;
    moment *ready; /* [values][blocks]: the value of a block; one more row: the cache up to a block */
    moment free[ROMA_COST_UNITS];
} scheduler;

static moment *value_at(scheduler *k, uint32_t value, uint32_t block) {
    return &k->ready[(size_t)value * k->t.n_blocks + block];
}
static moment *cache_at(scheduler *k, uint32_t block) { return value_at(k, (uint32_t)k->t.p->n_values, block); }

static void wait_for(moment *start, moment m) {
    if (m.time > start->time || (m.time == start->time && start->instance == NONE)) *start = m;
}

/* Places one part of an operation: it starts when what it reads is there and its units are free. */
static moment place(scheduler *k, uint32_t op, uint32_t block, bool lora, moment start) {
    roma_schedule *s = k->s;
    const unsigned units = roma_cost_timing_units(&k->t, op, lora);
    uint64_t occ, lat;
    roma_cost_timing_duration(&k->t, op, block, lora, &occ, &lat);
    roma_cost_timing_events(&k->t, op, block, lora, &s->events);
    for (unsigned u = 0; u < ROMA_COST_UNITS; u++)
        if (units >> u & 1) wait_for(&start, k->free[u]);
    roma_cost_instance *x = &s->instances[s->n];
    unsigned shown = ROMA_UNIT_H; /* ATTEND without overlap takes L as well, and is shown on H */
    for (unsigned u = 0; !(units >> ROMA_UNIT_H & 1) && u < ROMA_COST_UNITS; u++)
        if (units >> u & 1) shown = u;
    *x = (roma_cost_instance){
        op, block, shown, lora, start.time, start.time + occ, start.time + occ + lat, start.instance};
    for (unsigned u = 0; u < ROMA_COST_UNITS; u++) {
        if (!(units >> u & 1)) continue;
        k->free[u] = (moment){x->busy, (uint32_t)s->n};
        s->busy[u] += occ;
    }
    if (x->end > s->cycles) s->cycles = x->end;
    return (moment){x->end, (uint32_t)s->n++};
}

static int issue(void *ctx, uint32_t index, uint32_t block) {
    scheduler *k = ctx;
    const roma_op *op = &k->t.p->ops[index];
    moment start = {0, NONE};
    const roma_op_info *info = roma_op_about(op->kind);
    if (!roma_cost_timing_rows(&k->t, index, block)) return ROMA_OK;
    for (unsigned i = 0; i < 2; i++)
        if (op->in[i] != ROMA_NO_VALUE) wait_for(&start, *value_at(k, op->in[i], block));
    if (info->in[1] == ROMA_DATA_PAGES) wait_for(&start, *cache_at(k, block));
    moment done = place(k, index, block, false, start);
    if (roma_cost_timing_has_lora(&k->t, index, block)) {
        const moment part = place(k, index, block, true, start);
        if (part.time > done.time) done = part;
    }
    if (op->out != ROMA_NO_VALUE) *value_at(k, op->out, block) = done;
    /* Earlier blocks' are there no later: H works in the order of issue, and a CACHE always has the same latency. */
    if (info->out == ROMA_DATA_PAGES) *cache_at(k, block) = done;
    return ROMA_OK;
}

static int reserve(roma_schedule *s, size_t instances, size_t scratch, roma_error *err) {
    if (instances > s->cap) {
        roma_cost_instance *grown = roma_resize(s->instances, instances * sizeof *grown);
        if (!grown) return roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the schedule");
        s->instances = grown;
        s->cap = instances;
    }
    if (scratch > s->scratch_cap) {
        uint64_t *grown = roma_resize(s->scratch, scratch);
        if (!grown) return roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the schedule");
        s->scratch = grown;
        s->scratch_cap = scratch;
    }
    return ROMA_OK;
}

/* Schedules one step into s: adds to s->events and s->busy, and replaces s->instances and s->cycles by the step's. */
static int step(roma_schedule *s, const roma_placement *place, const roma_cost_span *spans, size_t n, double repair,
                roma_error *err) {
    const roma_plan *p = place->plan;
    const roma_chip *c = &place->chip;
    uint64_t rows = 0;
    for (size_t i = 0; i < n; i++) {
        if (!spans[i].rows || spans[i].logits > spans[i].rows)
            return roma_fail(err, ROMA_EINPUT, "", ROMA_NOWHERE,
                             "span %zu of the step has no row, or wants more logits than rows", i);
        rows += spans[i].rows;
    }
    if (!rows || rows > UINT32_MAX / 4)
        return roma_fail(err, ROMA_EINPUT, "", ROMA_NOWHERE, "a step needs 1 to 2^30 rows");
    const size_t blocks = (size_t)(rows / (uint64_t)c->block_rows) + (size_t)c->streams + 1;
    const size_t moments = blocks * (p->n_values + 1) * sizeof(moment),
                 timing_size = roma_cost_timing_bytes(place, spans, n);
    int rc = reserve(s, 2 * p->n_ops * blocks, moments + timing_size, err);
    if (rc) return rc;
    scheduler k = {.s = s, .ready = (moment *)(void *)s->scratch, .free = {{0, NONE}, {0, NONE}, {0, NONE}, {0, NONE}}};
    roma_cost_timing_init(&k.t, (char *)s->scratch + moments, place, spans, n, repair);
    assert(k.t.n_blocks <= blocks);
    for (size_t i = 0; i < blocks * (p->n_values + 1); i++) k.ready[i] = (moment){0, NONE};
    s->n = 0;
    s->cycles = 0;
    return roma_plan_issue(p, k.t.n_streams, k.t.stream_block, issue, &k);
}

static void clear(roma_schedule *s) {
    s->cycles = 0;
    s->n = 0;
    memset(s->busy, 0, sizeof s->busy);
    s->events = (roma_events){0};
}

int roma_cost_step_repair(roma_schedule *s, const roma_placement *p, const roma_cost_span *spans, size_t n,
                          double repair_words, roma_error *err) {
    clear(s);
    return step(s, p, spans, n, repair_words, err);
}

int roma_cost_step(roma_schedule *s, const roma_placement *p, const roma_cost_span *spans, size_t n, roma_error *err) {
    return roma_cost_step_repair(s, p, spans, n, 0, err);
}

int roma_cost_prefill_repair(roma_schedule *s, const roma_placement *p, uint64_t position, uint32_t rows, uint32_t rank,
                             double repair_words, roma_error *err) {
    const uint32_t chunk = (uint32_t)p->chip.chunk_rows;
    uint64_t cycles = 0;
    clear(s);
    for (uint32_t done = 0, take; done < rows; done += take) {
        take = rows - done < chunk ? rows - done : chunk;
        const roma_cost_span span = {position + done, take, done + take == rows, rank ? 1 : 0, rank};
        int rc = step(s, p, &span, 1, repair_words, err);
        if (rc) return rc;
        cycles += s->cycles;
    }
    s->cycles = cycles;
    return ROMA_OK;
}

int roma_cost_prefill(roma_schedule *s, const roma_placement *p, uint64_t position, uint32_t rows, uint32_t rank,
                      roma_error *err) {
    return roma_cost_prefill_repair(s, p, position, rows, rank, 0, err);
}

void roma_schedule_destroy(roma_schedule *s) {
    roma_free(s->instances);
    roma_free(s->scratch);
    memset(s, 0, sizeof *s);
}
