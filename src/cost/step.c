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

/* A value of a block: of NORM's codes the scale comes by itself. */
typedef struct {
    moment whole, scale;
} arrival;

typedef struct {
    roma_schedule *s;
    timing t;
    arrival *ready; /* [values][blocks]: the value of a block; one more row: the cache up to a block */
    moment *downs;  /* [adapter slots of the plan][places][blocks] */
    moment free[ROMA_COST_UNITS];
    moment added; /* last end of an up that took the H-Units */
} scheduler;

static const moment never = {0, NONE};

static arrival *value_at(scheduler *k, uint32_t value, uint32_t block) {
    return &k->ready[(size_t)value * k->t.n_blocks + block];
}
static moment *cache_at(scheduler *k, uint32_t block) { return &value_at(k, (uint32_t)k->t.p->n_values, block)->whole; }
static moment *down_at(scheduler *k, const timing_part *x) {
    const uint32_t slot = k->t.p->ops[x->op].adapter_slot;
    return &k->downs[((size_t)slot * k->t.places + x->place) * k->t.n_blocks + x->block];
}

static void wait_for(moment *start, moment m) {
    if (m.time > start->time || (m.time == start->time && start->instance == NONE)) *start = m;
}

/* The scale is needed `first` cycles after the start. */
static void wait_for_scale(moment *start, moment scale, uint64_t first) {
    scale.time = scale.time > first ? scale.time - first : 0;
    wait_for(start, scale);
}

static unsigned shown_unit(unsigned units) {
    if (units >> ROMA_UNIT_H & 1) return ROMA_UNIT_H; /* ATTEND without overlap takes L as well */
    for (unsigned u = 0; u < ROMA_COST_UNITS; u++)
        if (units >> u & 1) return u;
    return ROMA_UNIT_L;
}

/* Places one instance: it starts when what it reads is there and its units are free, and ends no earlier than `sum`,
 * when what it adds to is there. */
static moment place(scheduler *k, timing_part part, const timing_duration *d, moment start, moment sum) {
    roma_schedule *s = k->s;
    const unsigned units = roma_cost_timing_units(&k->t, part.op, part.part), shown = shown_unit(units);
    for (unsigned u = 0; u < ROMA_COST_UNITS; u++)
        if (units >> u & 1) wait_for(&start, k->free[u]);
    const uint64_t busy = start.time + d->occ, own = busy + d->lat, end = own < sum.time ? sum.time : own;
    s->instances[s->n] =
        (roma_cost_instance){part.op,    part.block, part.part, part.place,     shown,
                             start.time, busy,       end,       start.instance, own < sum.time ? sum.instance : NONE};
    for (unsigned u = 0; u < ROMA_COST_UNITS; u++)
        if (units >> u & 1) k->free[u] = (moment){busy, (uint32_t)s->n};
    s->busy[shown] += d->occ; /* a unit that waits for another is not at work */
    if (end > s->cycles) s->cycles = end;
    return (moment){end, (uint32_t)s->n++};
}

/* The adapters' first halves, which read what their LINEAR reads while it passes. */
static void issue_downs(scheduler *k, uint32_t op, uint32_t block, moment pass) {
    const arrival *in = value_at(k, k->t.p->ops[op].in[0], block);
    for (uint32_t i = 0; i < k->t.places; i++) {
        const timing_part part = {op, block, ROMA_PART_DOWN, i};
        timing_duration d;
        moment start = in->whole;
        if (!roma_cost_timing_has_part(&k->t, op, block, i)) continue;
        roma_cost_timing_of(&k->t, part, &d, &k->s->events);
        wait_for_scale(&start, in->scale, d.first);
        wait_for(&start, pass);
        *down_at(k, &part) = place(k, part, &d, start, never);
    }
}

/* The second halves of all LINEARs of a group, each added to what its value is so far. */
static void issue_ups(scheduler *k, uint32_t last, uint32_t block) {
    for (uint32_t op = k->t.turns[last].group; op <= last; op++) {
        if (k->t.p->ops[op].kind != ROMA_OP_LINEAR) continue;
        moment *sum = &value_at(k, k->t.p->ops[op].out, block)->whole;
        const moment base = *sum;
        const bool is_biased = op < last && k->t.p->ops[op + 1].kind == ROMA_OP_BIAS;
        for (uint32_t i = 0; i < k->t.places; i++) {
            const timing_part part = {op, block, ROMA_PART_UP, i};
            timing_duration d;
            if (!roma_cost_timing_has_part(&k->t, op, block, i)) continue;
            roma_cost_timing_of(&k->t, part, &d, &k->s->events);
            moment after = {sum->time + k->t.k.add, sum->instance};
            if (is_biased) wait_for(&after, (moment){base.time + d.queue + k->t.k.add, base.instance});
            *sum = place(k, part, &d, *down_at(k, &part), after);
            if (roma_cost_timing_units(&k->t, op, ROMA_PART_UP) >> ROMA_UNIT_H & 1 && sum->time > k->added.time)
                k->added = *sum;
        }
    }
}

static void issue_base(scheduler *k, uint32_t index, uint32_t block) {
    const roma_op *op = &k->t.p->ops[index];
    const roma_op_info *info = roma_op_about(op->kind);
    const timing_part part = {index, block, ROMA_PART_BASE, 0};
    timing_duration d;
    moment start = never;
    roma_cost_timing_of(&k->t, part, &d, &k->s->events);
    for (unsigned i = 0; i < 2; i++) {
        if (op->in[i] == ROMA_NO_VALUE) continue;
        wait_for(&start, value_at(k, op->in[i], block)->whole);
        wait_for_scale(&start, value_at(k, op->in[i], block)->scale, d.first);
    }
    if (info->out == ROMA_DATA_PAGES) wait_for(&start, k->added); /* vector units know of ups by their ends */
    if (info->in[1] == ROMA_DATA_PAGES) wait_for(&start, *cache_at(k, block));
    const moment done = place(k, part, &d, start, never);
    const uint64_t began = k->s->instances[done.instance].start;
    if (k->t.places && op->kind == ROMA_OP_LINEAR && k->t.turns[index].group != NONE)
        issue_downs(k, index, block, (moment){began + d.pass, done.instance});
    if (op->out != ROMA_NO_VALUE)
        *value_at(k, op->out, block) = (arrival){done, d.scale ? (moment){began + d.scale, done.instance} : never};
    /* Earlier blocks' are there no later: H works in the order of issue, and a CACHE always has the same latency. */
    if (info->out == ROMA_DATA_PAGES) *cache_at(k, block) = done;
}

static int issue(void *ctx, uint32_t index, uint32_t block) {
    scheduler *k = ctx;
    if (!roma_cost_timing_rows(&k->t, index, block)) return ROMA_OK;
    issue_base(k, index, block);
    if (k->t.turns[index].ends_group) issue_ups(k, index, block);
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
    uint64_t rows = 0;
    uint32_t adapters = 0;
    for (size_t i = 0; i < n; i++) {
        if (!spans[i].rows || spans[i].logits > spans[i].rows)
            return roma_fail(err, ROMA_EINPUT, "", ROMA_NOWHERE,
                             "span %zu of the step has no row, or wants more logits than rows", i);
        if (spans[i].n_adapters > ROMA_COST_SET_MAX)
            return roma_fail(err, ROMA_EINPUT, "", ROMA_NOWHERE, "span %zu of the step has %u adapters, above %d", i,
                             spans[i].n_adapters, ROMA_COST_SET_MAX);
        if (spans[i].n_adapters > adapters) adapters = spans[i].n_adapters;
        rows += spans[i].rows;
    }
    if (!roma_place_computes(place))
        return roma_fail(
            err, ROMA_EINPUT, "", ROMA_NOWHERE,
            "H-Units of chip %s add up integers and have no %s (--kv int8 or int4; fit --kv %s counts bytes)",
            place->chip.name, roma_kv_formats[place->kv].name, roma_kv_formats[place->kv].name);
    if (!rows || rows > UINT32_MAX / 4)
        return roma_fail(err, ROMA_EINPUT, "", ROMA_NOWHERE, "a step needs 1 to 2^30 rows");
    const size_t blocks = roma_cost_timing_blocks(place, spans, n), values = blocks * (p->n_values + 1),
                 downs = (size_t)adapters * p->n_adapter_slots * blocks;
    const size_t arrivals = values * sizeof(arrival), moments = downs * sizeof(moment),
                 timing_size = roma_cost_timing_bytes(place, spans, n), instances = p->n_ops * blocks + 2 * downs;
    if (instances > ROMA_COST_INSTANCES_MAX)
        return roma_fail(err, ROMA_EINPUT, "", ROMA_NOWHERE,
                         "a step of %llu rows is up to %zu instances, above %d: larger blocks make fewer "
                         "(schedule.block_rows; schedule.block_spans for a batch)",
                         (unsigned long long)rows, instances, ROMA_COST_INSTANCES_MAX);
    int rc = reserve(s, instances, arrivals + moments + timing_size, err);
    if (rc) return rc;
    scheduler k = {
        .s = s, .ready = (arrival *)(void *)s->scratch, .free = {never, never, never, never}, .added = never};
    k.downs = (moment *)(void *)(k.ready + values);
    roma_cost_timing_init(&k.t, (char *)s->scratch + arrivals + moments, place, spans, n, repair);
    assert(k.t.n_blocks <= blocks);
    for (size_t i = 0; i < values; i++) k.ready[i] = (arrival){never, never};
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

int roma_cost_prefill_repair(roma_schedule *s, const roma_placement *p, uint64_t position, uint32_t rows,
                             const roma_cost_adapter *adapters, uint32_t n_adapters, double repair_words,
                             roma_cost_chunk_seen *seen, void *ctx, roma_error *err) {
    const uint32_t chunk = (uint32_t)p->chip.chunk_rows;
    uint64_t cycles = 0;
    clear(s);
    for (uint32_t done = 0, take; done < rows; done += take) {
        take = rows - done < chunk ? rows - done : chunk;
        const roma_cost_span span = {position + done, take, done + take == rows, n_adapters, adapters};
        int rc = step(s, p, &span, 1, repair_words, err);
        if (rc) return rc;
        if (seen) seen(ctx, s, take);
        cycles += s->cycles;
    }
    s->cycles = cycles;
    return ROMA_OK;
}

int roma_cost_prefill(roma_schedule *s, const roma_placement *p, uint64_t position, uint32_t rows,
                      const roma_cost_adapter *adapters, uint32_t n_adapters, roma_error *err) {
    return roma_cost_prefill_repair(s, p, position, rows, adapters, n_adapters, 0, NULL, NULL, err);
}

void roma_schedule_destroy(roma_schedule *s) {
    roma_free(s->instances);
    roma_free(s->scratch);
    memset(s, 0, sizeof *s);
}
