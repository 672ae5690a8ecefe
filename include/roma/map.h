/* map - image description to plan; plan and chip to placement.
 *
 * An architecture is a lowering of this room (docs/extending.md). Threads: functions are re-entrant. */
#ifndef ROMA_MAP_H
#define ROMA_MAP_H

#include "roma/place.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Lowers a description to a plan. *p is the caller's, ended by roma_plan_destroy; empty after an error. desc is of an
 * image that is open, or roma_shape_describe's, and outlives the plan. EINTERNAL when the plan fails roma_plan_check;
 * ENOMEM. */
int roma_map_plan(roma_plan *p, const roma_description *desc, roma_error *err);
/* Puts a plan on `dies` >= 1 dies of a chip, which passes roma_chip_check and is copied. *p is the caller's, ended by
 * roma_place_destroy; empty after an error. The plan outlives the placement. A model that does not fit the chip is a
 * note of the placement, not an error. EINPUT for no die; ENOMEM. */
int roma_map_place(roma_placement *p, const roma_plan *plan, const roma_chip *chip, uint32_t dies, roma_error *err);
/* Bits that differ between the ROM words which an L-Unit reads one after the other in a decode step, over the half of
 * the bits that random data give. Words hold codes as they are placed, padding included. 0 where no L-Unit reads two
 * words of a matrix, and without weights. */
double roma_map_toggles(const roma_placement *p);

#ifdef __cplusplus
}
#endif
#endif
