/* What `roma sim` can draw and tabulate beside its list of figures. */
#ifndef TOOLS_SIM_H
#define TOOLS_SIM_H

#include "design.h"
#include "roma/report.h"

typedef struct {
    design *d;
    roma_workload w;
    roma_schedule schedule; /* scratch */
} simulation;

/* Latency of requests "PROMPT:OUTPUT,...": time to first token, p50 and p99 of the time per token, rate end to end. */
int sim_mixes(simulation *s, const char *mixes, roma_table *out, roma_error *err);
/* Decode rate, power and energy per token over contexts 0 .. max, and time to first token of as many. */
int sim_curve(simulation *s, uint32_t max, roma_table *out, roma_error *err);
/* A prefill of the prompt and a decode step after it. */
int sim_timeline(simulation *s, roma_timeline *out, roma_error *err);
/* Cycles along the critical path of the decode step, by operation. */
int sim_path(simulation *s, roma_table *out, roma_error *err);
/* Where the energy of a token goes: one bar. */
void sim_energy(const simulation *s, const roma_cost *cost, roma_buf *out);
/* ROM and H-Unit roofs beside a GPU with HBM. */
void sim_roofline(const simulation *s, const roma_cost *cost, roma_buf *out);
/* The decode step of s->w with every sequence at its context; on the plan and chip of s->d. */
int sim_decode(simulation *s, uint64_t context, roma_error *err);

#endif
