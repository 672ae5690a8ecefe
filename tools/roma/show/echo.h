/* What was asked, told back in JSON: the model's shape, the workload, every parameter of the chip. */
#ifndef TOOLS_ECHO_H
#define TOOLS_ECHO_H

#include "roma/design.h"
#include "roma/cost.h"
#include "roma/json.h"

/* Members shape, workload and chip_parameters of an object that is open in j; defects: path of the map, NULL for none.
 */
void echo_json(const roma_design *d, const roma_workload *w, const char *defects, roma_json *j);
/* The units of what they hold, as members "workload.prompt" and so on. A number without one has "". */
void echo_units(const roma_design *d, roma_json *j);
/* The workload alone: how it is asked for, and its units. */
void workload_json(const roma_workload *w, uint32_t dies, const char *defects, roma_json *j);
void workload_units(roma_json *j);
/* The linears of a set of roles (0: all) as "q k v"; returns out. */
enum { TARGETS_TEXT = 64 };
const char *targets_text(uint32_t roles, char out[TARGETS_TEXT]);

#endif
