/* The roof of 8-bit products with NEON: sdot. */
#include "roof/internal.h"

#ifdef __ARM_FEATURE_DOTPROD
#include <arm_neon.h>

#define SUMS(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11)
#define DECLARE(i) int32x4_t s##i = vdupq_n_s32(0);
#define STEP(i) __asm__ volatile("sdot %0.4s, %1.16b, %2.16b" : "+w"(s##i) : "w"(u), "w"(w));
#define KEEP(i) __asm__ volatile("" ::"w"(s##i));

void roma_roof_mac_neon(uint64_t rounds) {
    const int8x16_t u = vdupq_n_s8(3), w = vdupq_n_s8(5);
    SUMS(DECLARE)
    for (uint64_t n = 0; n < rounds; n++) {
        SUMS(STEP)
    }
    SUMS(KEEP)
}
#endif
