/* serve_sim - a chip under load: requests arrive, wait for room in the SRAM and for their adapters, run as a batch, and
 * what they see of it: time to the first token, time a further token, the chip's utilisation. docs/serve-sim.md has
 * every rule.
 *
 * Times of steps and prompts are the chip model's (roma_cost_decode, roma_cost_evaluate); what is here is the queue.
 * The same configuration gives the same rows. Threads: one thread at a time uses a simulation, which has scratch. */
#ifndef ROMA_SERVE_SIM_H
#define ROMA_SERVE_SIM_H

#include "roma/cost.h"
#include "roma/design.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { ROMA_SERVE_SIM_REQUESTS_MAX = 1000000, ROMA_SERVE_SIM_BATCH_MAX = 1024 };

/* A question. Texts are the caller's, needed during roma_serve_sim_open alone. */
typedef struct {
    roma_design_config design;
    const char *arrivals;               /* path of a file of requests (docs/serve-sim.md); NULL: they are drawn */
    uint32_t requests;                  /* drawn ones, 1 or more */
    uint32_t prompt_least, prompt_most; /* tokens of their prompts, every number as likely; least >= 1 */
    uint32_t output_least, output_most; /* tokens of their answers, the same */
    uint64_t seed;                      /* of the draws */
    uint32_t batch;                     /* sequences that run at once, at most; 1 or more */
    uint32_t rank, adapters;            /* of the adapters, 0: none; distinct ones, each as likely */
    uint32_t resident;                  /* adapters that the SRAM holds at once; 0: see roma_serve_sim.resident */
} roma_serve_sim_config;

/* A request: seconds of its arrival, or where it was drawn their number at a rate of one a second. */
typedef struct {
    double arrival;
    uint32_t prompt, output, adapter; /* tokens of prompt and answer; number of its adapter */
} roma_serve_sim_request;

/* An open simulation, the caller's; it must not move while it is open. */
typedef struct {
    roma_design design;
    roma_workload work;               /* one sequence with the resident adapters */
    roma_serve_sim_request *requests; /* [n], owned, in order of arrival: those that the chip can take */
    uint32_t n, refused;              /* and those that alone do not fit it */
    bool is_drawn;
    uint32_t batch;
    uint32_t resident; /* adapters held: as asked, or as many as leave room for `batch` of the longest requests, at
                          least 1; 0: rank 0 */
    uint32_t pages;    /* of 32 positions that the SRAM holds beside them */
    double load_s;     /* of an adapter over the host link */
    double capacity;   /* requests a second that a full batch completes, by their mean */
    void *times;       /* scratch */
    roma_schedule schedule;
} roma_serve_sim;

/* Opens a simulation. EUSAGE: counts out of range, no request that fits, more resident adapters than the SRAM holds;
 * EINPUT with file and line for a file of requests; errors of roma_cost_workload_check, roma_design_open, roma_map_open
 * and roma_cost_step; ENOMEM. *s is then empty. roma_serve_sim_close ends it; one that is all zero, or was closed, may
 * be closed again. */
int roma_serve_sim_open(roma_serve_sim *s, const roma_serve_sim_config *c, roma_error *err);
void roma_serve_sim_close(roma_serve_sim *s);

/* What a load gave: name, unit, significant digits, sentence. */
#define ROMA_SERVE_SIM_COLUMNS(X)                                                                                      \
    X(load, "requests/s", 4, "requests that arrive")                                                                   \
    X(offered, "share", 4, "of what a full batch completes")                                                           \
    X(tok_s, "tokens/s", 4, "generated tokens")                                                                        \
    X(req_s, "requests/s", 4, "requests that end")                                                                     \
    X(ttft_p50_ms, "ms", 4, "arrival to first token, median")                                                          \
    X(ttft_p99_ms, "ms", 4, "the 99th percentile of it")                                                               \
    X(tpot_p50_ms, "ms", 4, "time of a further token, of each request its mean; median")                               \
    X(tpot_p99_ms, "ms", 4, "the 99th percentile of it")                                                               \
    X(wait_mean_ms, "ms", 4, "arrival to the beginning of its prompt, mean")                                           \
    X(utilisation, "share", 4, "of the time that the chip works")                                                      \
    X(batch_mean, "sequences", 4, "of a decode step, over decode steps")                                               \
    X(running_max, "sequences", 4, "that had room in the SRAM at once")                                                \
    X(adapter_loads, "adapters", 7, "loaded over the host link")                                                       \
    X(arrived, "requests", 7, "until the last arrival, that one included")                                             \
    X(finished, "requests", 7, "of them, those that had ended then")                                                   \
    X(running, "requests", 7, "those that had room in the SRAM")                                                       \
    X(waiting, "requests", 7, "those that had none")
typedef struct {
#define X(name, unit, digits, help) double name;
    ROMA_SERVE_SIM_COLUMNS(X)
#undef X
} roma_serve_sim_row;

/* Runs the requests, drawn ones at `load` requests a second, others as they are listed (load is then not looked at),
 * until the last of them has ended. The first tenth of them warms up: percentiles and means are those of the others,
 * rates and utilisation those of the time from the first of the others to the last arrival. EUSAGE: a load that is not
 * above 0. */
int roma_serve_sim_run(roma_serve_sim *s, double load, roma_serve_sim_row *out, roma_error *err);

#ifdef __cplusplus
}
#endif
#endif
