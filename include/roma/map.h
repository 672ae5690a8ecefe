/* map - image description + chip -> plan. */
#ifndef ROMA_MAP_H
#define ROMA_MAP_H

#include "roma/plan.h"

#ifdef __cplusplus
extern "C" {
#endif

/* desc must outlive the plan. A model that does not fit the chip gives a note in the plan, not an error. */
int roma_map_plan(roma_plan *p, const roma_description *desc, const roma_chip *chip, roma_error *err);

#ifdef __cplusplus
}
#endif
#endif
