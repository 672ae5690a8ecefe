/* What a schedule says: the critical path by operation, and the timeline. */
#include "roma/cost.h"

#include <string.h>

void roma_cost_critical_path(const roma_schedule *s, const roma_plan *p, uint64_t cycles[ROMA_OP_COUNT + 1]) {
    size_t at = 0;
    memset(cycles, 0, (ROMA_OP_COUNT + 1) * sizeof *cycles);
    if (!s->n) return;
    for (size_t i = 1; i < s->n; i++)
        if (s->instances[i].end > s->instances[at].end) at = i;
    /* from the last end back to 0: each instance owns the time from its start to where the next one began, or, when
     * another's sum made it end late, from that one's end */
    for (uint64_t until = s->instances[at].end;;) {
        const roma_cost_instance *x = &s->instances[at];
        const bool late = x->part == ROMA_PART_UP && x->sum != UINT32_MAX && s->instances[x->sum].end <= until;
        const uint64_t from = late ? s->instances[x->sum].end : x->start;
        cycles[x->part ? ROMA_OP_COUNT : p->ops[x->op].kind] += until - from;
        until = from;
        at = late ? x->sum : x->binding;
        if (at == UINT32_MAX) break;
    }
}

static void describe(const roma_cost_instance *x, const roma_plan *p, roma_span *out) {
    static const char *const parts[] = {"linear", "adapter down", "adapter up"};
    const roma_op *op = &p->ops[x->op];
    const char *role = op->tensor == ROMA_NO_TENSOR ? "" : roma_tensor_role_name(p->desc->tensors[op->tensor].role);
    if (roma_op_matrix(p, op))
        roma_print(out->name, sizeof out->name, "%s %.12s", parts[x->part], op->layer == UINT32_MAX ? "head" : role);
    else
        roma_print(out->name, sizeof out->name, "%s", roma_op_name(op->kind));
    if (op->layer == UINT32_MAX)
        roma_print(out->detail, sizeof out->detail, "block %u", x->block);
    else
        roma_print(out->detail, sizeof out->detail, "layer %u, block %u", op->layer, x->block);
}

void roma_cost_timeline(const roma_schedule *s, const roma_placement *p, uint64_t offset_cyc, roma_timeline *out) {
    static const char *const tracks[] = {"L-Units", "H-Units", "vector units", "H-Units, adapters"};
    memcpy(out->tracks, tracks, sizeof tracks);
    out->n_tracks = p->chip.overlap > 0 ? ROMA_COST_UNITS : 3;
    out->clock_hz = p->chip.clock_hz;
    for (size_t i = 0; i < s->n; i++) {
        const roma_cost_instance *x = &s->instances[i];
        roma_span span = {.track = x->unit,
                          .start_cyc = offset_cyc + x->start,
                          .busy_cyc = offset_cyc + x->busy,
                          .end_cyc = offset_cyc + x->end};
        describe(x, p->plan, &span);
        roma_timeline_add(out, &span);
    }
}
