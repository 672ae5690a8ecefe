/* The options of a workload, which sim and explore have. */
#ifndef TOOLS_VERBS_WORKLOAD_H
#define TOOLS_VERBS_WORKLOAD_H

#include "roma/cost.h"
#include "tool.h"

/* Rows of an option table for a roma_workload and the text of its targets, which workload_settle reads. */
/* clang-format off */
#define WORKLOAD_OPTIONS(w, targets)                                                                                    \
    {"prompt", 'p', OPT_COUNT, &(w).prompt, "N", 0, ROMA_COST_PROMPT_MAX, "tokens of prefill (default: 256)"},              \
    {"context", 'c', OPT_COUNT, &(w).context, "N", 0, ROMA_COST_CONTEXT_MAX, "tokens cached before the decode step (default: 0)"}, \
    {"batch", 'b', OPT_COUNT, &(w).batch, "B", 1, ROMA_COST_BATCH_MAX, "sequences decoded together (default: 1)"},           \
    {"rank", 'r', OPT_COUNT, &(w).rank, "R", 0, ROMA_COST_RANK_MAX, "rank of the adapters (default: 16; 0: none)"}, \
    {"adapters", 0, OPT_COUNT, &(w).adapters, "N", 1, ROMA_COST_ADAPTERS_MAX, "distinct adapters (default: 1)"},                  \
    {"stacked", 0, OPT_COUNT, &(w).stacked, "N", 1, ROMA_COST_SET_MAX, "adapters in the set of each sequence (default: 1)"},   \
    {"targets", 0, OPT_TEXT, &(targets), "LIST", 0, 0, "linears with adapters: all (default), or such as q,v"}
/* clang-format on */

/* Rows of an option table for a roma_cost_drawing, whose count is the option mc's, with its help: 0 where that is not
 * given. */
/* clang-format off */
#define DRAWS_OPTIONS(d, n_threads, help)                                                                                        \
    {"mc", 0, OPT_COUNT, &(d).n, "N", 1, ROMA_COST_DRAWS_MAX, help}, \
    {"seed", 's', OPT_U64, &(d).seed, "S", 0, 0, "another seed draws other chips (default: 0)"},                            \
    {"threads", 't', OPT_COUNT, &(n_threads), "N", 1, 64, "threads that draw (default: all CPUs)"}
/* clang-format on */
/* Settles the threads (0: all CPUs) and whom draws tell. */
void workload_drawing(roma_cost_drawing *d, uint32_t n_threads);

/* Reads targets (NULL: all) and holds no fewer adapters than a set has. OPTIONS_GO, or the exit code of a usage error.
 */
int workload_settle(const char *verb, const char *targets, roma_workload *w);

/* The number of a limit's option, above 0, into *out; nothing without text. OPTIONS_GO, or the exit code of a usage
 * error. */
int workload_limit(const char *verb, const char *name, const char *text, double *out);

#endif
