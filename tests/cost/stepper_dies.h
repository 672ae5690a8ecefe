/* Whole steps and prefills on one die or several: docs/cost-model.md 1.3 (chunks) and 1.10, by the clock of stepper.h.
 */
#ifndef ROMA_TEST_STEPPER_DIES_H
#define ROMA_TEST_STEPPER_DIES_H
#include "stepper.h"

enum { STEPPER_DIES_MAX = 64 };

/* The die of a pipeline that an operation is on. What comes before the layers is on the first, what comes after on the
 * last. */
static inline uint64_t stepper_die_of(const stepper *s, size_t op) {
    const uint64_t layers = s->p->desc->hyper.layers, dies = s->law.dies;
    if (s->p->ops[op].layer == UINT32_MAX) {
        for (size_t o = 0; o < op; o++)
            if (s->p->ops[o].layer != UINT32_MAX) return dies - 1;
        return 0;
    }
    for (uint64_t k = 0; k < dies; k++)
        if (s->p->ops[op].layer < layers * (k + 1) / dies) return k;
    abort();
}

/* Cycles of each die: from the last end of those before it to its own. */
static inline void stepper_die_cycles(const stepper *s, uint64_t cycles[STEPPER_DIES_MAX]) {
    uint64_t end[STEPPER_DIES_MAX] = {0}, before = 0;
    for (size_t i = 0; i < s->n; i++) {
        const uint64_t die = stepper_die_of(s, s->all[i].op);
        end[die] = stepper_max(end[die], s->all[i].end);
    }
    for (uint64_t k = 0; k < s->law.dies; k++) {
        cycles[k] = end[k] > before ? end[k] - before : 0;
        before = stepper_max(before, end[k]);
    }
}

static inline uint64_t stepper_crossing(const roma_placement *p, uint64_t rows) {
    const roma_chip *c = &p->chip;
    return stepper_up((c->die_latency_s + (double)(rows * p->plan->desc->hyper.hidden * 4) / c->die_bandwidth) *
                      c->clock_hz);
}
static inline bool stepper_is_pipeline(const roma_placement *p) {
    return p->dies > 1 && (int)p->chip.die_split == ROMA_DIES_PIPELINE;
}

/* Cycles of a step on all dies: of the party with the longest way, or of the die with most to do, whichever are more.
 */
static inline uint64_t stepper_step(const roma_placement *p, const roma_cost_span *spans, size_t n_spans) {
    const uint64_t dies = p->dies, parties = stepper_is_pipeline(p) ? stepper_min(n_spans, dies) : 1;
    uint64_t busy[STEPPER_DIES_MAX] = {0}, most = 0;
    for (uint64_t i = 0, from = 0; i < parties; i++) {
        const uint64_t to = stepper_div_up(n_spans * (i + 1), parties);
        uint64_t each[STEPPER_DIES_MAX], way = 0, rows = 0;
        stepper s = stepper_run(p, spans + from, to - from);
        if (!stepper_is_pipeline(p)) {
            most = s.cycles;
        } else {
            for (; from < to; from++) rows += spans[from].rows;
            stepper_die_cycles(&s, each);
            for (uint64_t k = 0; k < dies; k++) {
                if (k < dies - 1) each[k] += stepper_crossing(p, rows);
                way += each[k];
                busy[k] += each[k];
                most = stepper_max(most, busy[k]);
            }
            most = stepper_max(most, way);
        }
        stepper_destroy(&s);
    }
    return most;
}

/* Cycles of the prefill of a prompt on all dies: the chunks enter the first one in order, and the time is that of the
 * longest way through the grid of chunks and dies, down (the same die takes the next chunk) and across. */
static inline uint64_t stepper_prefill(const roma_placement *p, uint64_t prompt, const roma_cost_adapter *adapters,
                                       uint32_t n_adapters) {
    const uint64_t chunk = (uint64_t)p->chip.chunk_rows;
    uint64_t way[STEPPER_DIES_MAX] = {0}, alone = 0;
    for (uint64_t at = 0; at < prompt; at += chunk) {
        const uint64_t n = stepper_min(chunk, prompt - at);
        uint64_t each[STEPPER_DIES_MAX];
        const roma_cost_span span = {.position = at,
                                     .rows = (uint32_t)n,
                                     .logits = at + n == prompt,
                                     .n_adapters = n_adapters,
                                     .adapters = adapters};
        stepper s = stepper_run(p, &span, 1);
        alone += s.cycles;
        if (stepper_is_pipeline(p)) {
            stepper_die_cycles(&s, each);
            way[0] += each[0] + stepper_crossing(p, n);
            for (uint64_t k = 1; k < p->dies; k++) {
                if (way[k] < way[k - 1]) way[k] = way[k - 1];
                way[k] += each[k];
                if (k != p->dies - 1) way[k] += stepper_crossing(p, n);
            }
        }
        stepper_destroy(&s);
    }
    return stepper_is_pipeline(p) ? way[p->dies - 1] : alone;
}
#endif
