/* From the options of a workload to the workload; contract in workload.h. */
#include "workload.h"
#include "options.h"
#include "roma/fit.h"

#include <string.h>

int workload_settle(const char *verb, const char *targets, roma_workload *w) {
    roma_error err;
    if (targets && roma_fit_roles(targets, &w->roles, &err)) return usage_error(verb, "--targets %s", err.text);
    static const char *const of_adapters[] = {"adapters", "stacked", "targets", NULL};
    const int rc = w->rank ? OPTIONS_GO : options_refuse(verb, of_adapters, "asks for adapters, and --rank 0 for none");
    if (rc != OPTIONS_GO) return rc;
    if (w->adapters >= w->stacked) return OPTIONS_GO;
    w->adapters = w->stacked;
    return options_refuse(verb, (const char *const[]){"adapters", NULL}, "is fewer than a set has by --stacked");
}

void workload_drawing(roma_cost_drawing *d, uint32_t n_threads) {
    const int cpus = roma_cpu_count() < 64 ? (int)roma_cpu_count() : 64;
    d->threads = n_threads ? (int)n_threads : cpus;
    d->progress = &progress;
}

int workload_limit(const char *verb, const char *name, const char *text, double *out) {
    char shown[64];
    if (!text) return OPTIONS_GO;
    if (roma_real_read(text, strlen(text), out) && *out > 0 && *out <= 1e15) return OPTIONS_GO;
    return usage_error(verb, "--%s takes a number above 0, not '%s'", name,
                       roma_error_name(shown, sizeof shown, text, strlen(text)));
}
