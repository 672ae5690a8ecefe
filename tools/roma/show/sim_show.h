/* What roma sim draws, tabulates and prints. */
#ifndef TOOLS_SIM_SHOW_H
#define TOOLS_SIM_SHOW_H

#include "draws_show.h"
#include "dvfs_show.h"
#include "roma/sim.h"

/* A row for each request of "PROMPT:OUTPUT,..."; for programs with columns more, all in ms. */
int sim_mixes(roma_sim *s, const char *mixes, bool for_programs, roma_table *out, roma_error *err);
/* Decode rate, power, energy and time to first token over contexts 0 .. max, and whether they fit. */
int sim_curve(roma_sim *s, uint32_t max, roma_table *out, roma_error *err);
/* Cycles of the decode step along its critical path, a row for each kind of operation. */
int sim_path(roma_sim *s, roma_table *out, roma_error *err);
/* The decode step instance by instance in issue order, a row for each; of several dies in a pipeline the first party's.
 */
int sim_instances(roma_sim *s, roma_table *out, roma_error *err);
/* Where the energy of a token goes: one bar. */
void sim_energy(const roma_sim *s, const roma_cost *cost, roma_buf *out);
/* ROM and H-Unit roofs beside a GPU with HBM. */
void sim_roofline(const roma_sim *s, const roma_cost *cost, roma_buf *out);
/* What is printed: the figures, and the tables that have rows. */
enum { SIM_PATH, SIM_MIXES, SIM_CURVE, SIM_TABLES };
typedef struct {
    const roma_sim *s;
    const roma_cost *cost;
    const char *defects; /* path of the map; NULL: none */
    roma_result list;
    roma_table table[SIM_TABLES];
    draws_shown *mc;
    const roma_sim_dvfs *dvfs; /* NULL: not asked for */
} sim_shown;
/* What each name of a list of the chip model's outputs means, a line a name. */
void sim_names(const roma_result *list, roma_buf *out);
void sim_print_text(const sim_shown *v, roma_buf *out);
void sim_print_json(const sim_shown *v, roma_buf *out);

#endif
