/* What roma sim draws, tabulates and prints. */
#ifndef TOOLS_SIM_SHOW_H
#define TOOLS_SIM_SHOW_H

#include "roma/report.h"
#include "roma/sim.h"

/* A row for each request of "PROMPT:OUTPUT,...". */
int sim_mixes(roma_sim *s, const char *mixes, roma_table *out, roma_error *err);
/* Decode rate, power, energy and time to first token over contexts 0 .. max. */
int sim_curve(roma_sim *s, uint32_t max, roma_table *out, roma_error *err);
/* Cycles of the decode step along its critical path, a row for each kind of operation. */
int sim_path(roma_sim *s, roma_table *out, roma_error *err);
/* Where the energy of a token goes: one bar. */
void sim_energy(const roma_sim *s, const roma_cost *cost, roma_buf *out);
/* ROM and H-Unit roofs beside a GPU with HBM. */
void sim_roofline(const roma_sim *s, const roma_cost *cost, roma_buf *out);
/* The figures and tables that have rows. */
void sim_print_text(const roma_sim *s, const roma_cost *c, const roma_result *list, const roma_table *tables[2],
                    roma_buf *out);
void sim_print_json(const roma_sim *s, const roma_cost *c, const roma_result *list, const roma_table *tables[2],
                    roma_buf *out);

#endif
