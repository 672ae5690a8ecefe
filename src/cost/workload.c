/* The workloads that others are made from. */
#include "roma/cost.h"

roma_workload roma_cost_workload_bare(void) { return (roma_workload){.batch = 1, .toggle = 1}; }

roma_workload roma_cost_workload_usual(void) {
    roma_workload w = roma_cost_workload_bare();
    w.prompt = 256;
    w.rank = ROMA_RANK_USUAL;
    w.adapters = 1;
    return w;
}
