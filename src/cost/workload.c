/* The workloads that others are made from, and what every one must be. */
#include "roma/cost.h"

#include <math.h>

static int bad_count(roma_error *err, const char *field, uint32_t v, uint32_t least, uint32_t most) {
    return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE, "%s must be %u to %u, not %u", field, least, most, v);
}

int roma_cost_workload_check(const roma_workload *w, roma_error *err) {
    const struct {
        const char *field;
        uint32_t v, least, most;
    } counts[] = {
        {"prompt", w->prompt, 0, ROMA_COST_PROMPT_MAX},
        {"context", w->context, 0, ROMA_COST_CONTEXT_MAX},
        {"batch", w->batch, 1, ROMA_COST_BATCH_MAX},
        {"rank", w->rank, 0, ROMA_COST_RANK_MAX},
        {"adapters", w->adapters, w->rank ? 1 : 0, ROMA_COST_ADAPTERS_MAX},
        {"stacked", w->stacked, 0, ROMA_COST_SET_MAX},
    };
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        if (counts[i].v < counts[i].least || counts[i].v > counts[i].most)
            return bad_count(err, counts[i].field, counts[i].v, counts[i].least, counts[i].most);
    if (!(w->max_w >= 0) || isinf(w->max_w))
        return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE, "max_w must be a number of watts, or 0 for no cap");
    if (!(w->toggle > 0) || isinf(w->toggle))
        return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE, "toggle must be above 0; 1 where nothing was counted");
    return ROMA_OK;
}

roma_workload roma_cost_workload_bare(void) { return (roma_workload){.batch = 1, .toggle = 1}; }

roma_workload roma_cost_workload_usual(void) {
    roma_workload w = roma_cost_workload_bare();
    w.prompt = 256;
    w.rank = ROMA_RANK_USUAL;
    w.adapters = 1;
    return w;
}
