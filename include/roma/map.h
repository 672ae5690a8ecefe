/* map - image description + chip -> plan. */
#ifndef ROMA_MAP_H
#define ROMA_MAP_H

#include "roma/plan.h"

#ifdef __cplusplus
extern "C" {
#endif

/* desc: of an image that is open, or roma_shape_describe's; chip: from roma_chip_open. desc must outlive the plan. On
 * failure *p is empty. A model that does not fit the chip gives a note in the plan, not an error. */
int roma_map_plan(roma_plan *p, const roma_description *desc, const roma_chip *chip, roma_error *err);
/* Bits that differ between the ROM words an L-Unit reads one after the other in a decode step, over the half of random
 * data. The words of a matrix lie in the image's order: a contiguous share a matrix unit, dealt over its L-Units. 1
 * without weights. */
double roma_map_toggles(const roma_plan *p);

#ifdef __cplusplus
}
#endif
#endif
