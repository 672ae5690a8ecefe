/* The roof of 8-bit products with NEON: sdot. */
#include "roof/internal.h"

#ifdef __ARM_FEATURE_DOTPROD
#include <arm_neon.h>

#define DECLARE(i) int32x4_t s##i = vdupq_n_s32(0);
#define STEP(i) __asm__ volatile("sdot %0.4s, %1.16b, %2.16b" : "+w"(s##i) : "w"(u), "w"(w));
#define KEEP(i) __asm__ volatile("" ::"w"(s##i));

void roma_roof_mac_neon(uint64_t rounds) {
    const int8x16_t u = vdupq_n_s8(3), w = vdupq_n_s8(5);
    ROOF_LOOP(DECLARE, STEP, KEEP, rounds)
}
#endif
