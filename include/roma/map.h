/* map - image description -> plan; plan + chip -> placement. */
#ifndef ROMA_MAP_H
#define ROMA_MAP_H

#include "roma/place.h"

#ifdef __cplusplus
extern "C" {
#endif

/* desc is of an image that is open, or roma_shape_describe's, and outlives the plan. The caller owns the plan and ends
 * it with roma_plan_destroy. EINTERNAL, ENOMEM; *p is then empty. */
int roma_map_plan(roma_plan *p, const roma_description *desc, roma_error *err);
/* Puts the plan on `dies` >= 1 dies of a chip that passes roma_chip_check and is copied. The plan outlives the
 * placement, which the caller owns and ends with roma_place_destroy. A model that does not fit the chip is a note of
 * the placement, not an error. EINPUT for no die, ENOMEM; *p is then empty. */
int roma_map_place(roma_placement *p, const roma_plan *plan, const roma_chip *chip, uint32_t dies, roma_error *err);
/* Bits that differ between the ROM words an L-Unit reads one after the other in a decode step, over the half of random
 * data; words of codes as they are placed, padding included. 1 without weights. */
double roma_map_toggles(const roma_placement *p);

#ifdef __cplusplus
}
#endif
#endif
