/* From the options of a workload to the workload; contract in workload.h. */
#include "workload.h"
#include "options.h"
#include "roma/fit.h"

int workload_settle(const char *verb, const char *targets, roma_workload *w) {
    roma_error err;
    if (targets && roma_fit_roles(targets, &w->roles, &err)) return usage_error(verb, "--targets %s", err.text);
    if (w->stacked && !w->rank)
        return usage_error(verb, "--stacked %u asks for adapters, and --rank 0 for none", w->stacked);
    if (w->adapters < w->stacked) w->adapters = w->stacked;
    return OPTIONS_GO;
}
