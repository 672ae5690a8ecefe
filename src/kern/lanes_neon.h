/* Eight lanes on NEON, for half.h: two registers of four. */
#ifndef ROMA_KERN_LANES_NEON_H
#define ROMA_KERN_LANES_NEON_H

#include "product.h"

#include <arm_neon.h>

typedef struct {
    int32x4_t lo, hi;
} ints;
typedef struct {
    float32x4_t lo, hi;
} floats;

ALWAYS_INLINE void prefetch(const void *p) { __builtin_prefetch(p, 0, 2); }
ALWAYS_INLINE ints set_ints(int32_t i) { return (ints){vdupq_n_s32(i), vdupq_n_s32(i)}; }
ALWAYS_INLINE ints add_ints(ints a, ints b) { return (ints){vaddq_s32(a.lo, b.lo), vaddq_s32(a.hi, b.hi)}; }
ALWAYS_INLINE ints sub_ints(ints a, ints b) { return (ints){vsubq_s32(a.lo, b.lo), vsubq_s32(a.hi, b.hi)}; }
ALWAYS_INLINE ints mul_ints(ints a, ints b) { return (ints){vmulq_s32(a.lo, b.lo), vmulq_s32(a.hi, b.hi)}; }
ALWAYS_INLINE ints bits_of(floats v) { return (ints){vreinterpretq_s32_f32(v.lo), vreinterpretq_s32_f32(v.hi)}; }
ALWAYS_INLINE ints load_ints(const void *p) { return (ints){vld1q_s32(p), vld1q_s32((const int32_t *)p + 4)}; }
ALWAYS_INLINE void store_ints(void *p, ints v) {
    vst1q_s32(p, v.lo);
    vst1q_s32((int32_t *)p + 4, v.hi);
}
ALWAYS_INLINE floats to_floats(ints v) { return (floats){vcvtq_f32_s32(v.lo), vcvtq_f32_s32(v.hi)}; }
ALWAYS_INLINE floats set_floats(float f) { return (floats){vdupq_n_f32(f), vdupq_n_f32(f)}; }
ALWAYS_INLINE floats add(floats a, floats b) { return (floats){vaddq_f32(a.lo, b.lo), vaddq_f32(a.hi, b.hi)}; }
ALWAYS_INLINE floats mul(floats a, floats b) { return (floats){vmulq_f32(a.lo, b.lo), vmulq_f32(a.hi, b.hi)}; }
ALWAYS_INLINE floats load_floats(const void *p) { return (floats){vld1q_f32(p), vld1q_f32((const float *)p + 4)}; }
ALWAYS_INLINE void store_floats(void *p, floats v) {
    vst1q_f32(p, v.lo);
    vst1q_f32((float *)p + 4, v.hi);
}
ALWAYS_INLINE void store_row(float *p, floats v) { store_floats(p, v); }

#endif
