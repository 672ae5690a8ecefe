/* Shared by the files of the serve_sim room. */
#ifndef SERVE_SIM_INTERNAL_H
#define SERVE_SIM_INTERNAL_H

#include "roma/serve_sim.h"

/* times.c: what the chip model says, kept for the next time that it is asked; seconds, and errors of roma_cost_step. */

/* Time to the first token of a prompt of n tokens; 0: none. */
int roma_serve_sim_prompt_s(roma_serve_sim *s, uint32_t n, double *out, roma_error *err);
/* A decode step of so many sequences with `adapters` distinct ones, their mean context being `context` tokens. */
int roma_serve_sim_step_s(roma_serve_sim *s, uint32_t batch, uint32_t adapters, double context, double *out,
                          roma_error *err);
void roma_serve_sim_times_free(roma_serve_sim *s);

/* requests.c: fills s->requests and s->n; those that do not fit are in it. */
int roma_serve_sim_requests(roma_serve_sim *s, const roma_serve_sim_config *c, roma_error *err);

/* Positions that a request has in the cache: its last token is not cached. */
static inline uint32_t serve_sim_positions(const roma_serve_sim_request *r) { return r->prompt + r->output - 1; }
static inline uint32_t serve_sim_pages(const roma_serve_sim_request *r) { return roma_pages(serve_sim_positions(r)); }

/* What happened to a request, seconds. */
typedef struct {
    double arrival, admitted, start, first, end; /* room in the SRAM; its prompt begins; first and last token */
} serve_sim_record;

/* What a run counts in its window. */
typedef struct {
    double begin, end;       /* the window */
    double busy_s;           /* time within it in which the chip works */
    double tokens, finished; /* within it */
    double steps, rows;      /* decode steps and their sequences, of the whole run */
    uint32_t running_max, loads;
} serve_sim_counts;

/* loop.c: the events; records: [s->n]. */
int roma_serve_sim_loop(roma_serve_sim *s, double load, serve_sim_record *records, serve_sim_counts *counts,
                        roma_error *err);

#endif
