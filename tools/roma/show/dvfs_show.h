/* What is told of operating points over the supply (docs/cost-model.md section 7). */
#ifndef TOOLS_DVFS_SHOW_H
#define TOOLS_DVFS_SHOW_H

#include "roma/report.h"
#include "roma/sim.h"

/* The member dvfs of an object that is open; the units of its members; the same as a table with its sentences. */
void dvfs_json(const roma_sim_dvfs *d, roma_json *j);
void dvfs_units(roma_json *j);
void dvfs_text(const roma_sim *s, const roma_sim_dvfs *d, roma_buf *out);

#endif
