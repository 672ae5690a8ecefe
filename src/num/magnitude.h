/* The largest magnitude of a row, and what counts as zero or as too large: shared by every operation that scales by it.
 */
#ifndef ROMA_NUM_MAGNITUDE_H
#define ROMA_NUM_MAGNITUDE_H

#include "roma/num.h"

#define NUM_TINY 0x1p-100f /* a maximum below it counts as zero */
#define NUM_HUGE 0x1p100f  /* a maximum not below it makes the result NaN */

/* Magnitudes compare as integers, so that a NaN counts as the largest and the order of the walk does not matter. */
static inline float max_magnitude(const float *x, uint64_t n) {
    uint32_t max = 0;
    for (uint64_t i = 0; i < n; i++) {
        const uint32_t bits = roma_f32_bits(x[i]) & 0x7fffffffu;
        max = bits > max ? bits : max;
    }
    return roma_f32_from_bits(max);
}

static inline float quiet_nan(void) { return roma_f32_from_bits(0x7fc00000u); }

#endif
