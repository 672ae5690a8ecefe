/* The vector unit on NEON: docs/numerics.md sections 2, 4 and 5. Tails that fill no register go to the reference. */
#include "vector.h"

#include <arm_neon.h>

#define NUM_TINY 0x1p-100f
#define NUM_HUGE 0x1p100f

/* ---- shared pieces ---------------------------------------------------------------------------- */

static inline uint32x4_t magnitude(float32x4_t v) {
    return vandq_u32(vreinterpretq_u32_f32(v), vdupq_n_u32(0x7fffffffu));
}

__attribute__((noinline)) static float max_magnitude(const float *x, uint64_t n) {
    uint32x4_t m0 = vdupq_n_u32(0), m1 = m0;
    for (const float *end = x + n / 8 * 8; x < end; x += 8) {
        m0 = vmaxq_u32(m0, magnitude(vld1q_f32(x)));
        m1 = vmaxq_u32(m1, magnitude(vld1q_f32(x + 4)));
    }
    uint32_t max = vmaxvq_u32(vmaxq_u32(m0, m1));
    for (unsigned i = 0; i < n % 8; i++) {
        const uint32_t bits = roma_f32_bits(x[i]) & 0x7fffffffu;
        max = bits > max ? bits : max;
    }
    return roma_f32_from_bits(max);
}

/* roma_exp, operation by operation. */
static inline float32x4_t exp_ps(float32x4_t x) {
    const float32x4_t big = vdupq_n_f32(12582912.0f), zero = vdupq_n_f32(0);
    x = vbslq_f32(vcgtq_f32(x, zero), zero, x);
    const uint32x4_t under = vcltq_f32(x, vdupq_n_f32(-87.0f));
    const float32x4_t n = vsubq_f32(vaddq_f32(vmulq_f32(x, vdupq_n_f32(1.44269504f)), big), big);
    const float32x4_t r =
        vsubq_f32(vsubq_f32(x, vmulq_f32(n, vdupq_n_f32(0.693359375f))), vmulq_f32(n, vdupq_n_f32(-2.12194440e-4f)));
    static const float c[] = {1.0f / 120.0f, 1.0f / 24.0f, 1.0f / 6.0f, 0.5f, 1.0f, 1.0f};
    float32x4_t p = vdupq_n_f32(1.0f / 720.0f);
    for (int i = 0; i < 6; i++) p = vaddq_f32(vmulq_f32(p, r), vdupq_n_f32(c[i]));
    const int32x4_t e = vshlq_n_s32(vaddq_s32(vcvtnq_s32_f32(n), vdupq_n_s32(127)), 23);
    return vbslq_f32(under, zero, vmulq_f32(p, vreinterpretq_f32_s32(e)));
}

/* ---- activations ------------------------------------------------------------------------------ */

/* One sub-group; returns the sum of its values. The shift is the number of thresholds that the largest magnitude
 * reaches. */
static inline int32_t subgroup(const float *x, float32x4_t r, int8_t *code, int32_t *shift) {
    static const float thresholds[8] = {127.5f, 255.0f, 510.0f, 1020.0f, 2040.0f, 4080.0f, 8160.0f, __builtin_inff()};
    const float32x4_t v0 = vmulq_f32(vld1q_f32(x), r), v1 = vmulq_f32(vld1q_f32(x + 4), r);
    const float32x4_t a = vreinterpretq_f32_u32(vdupq_n_u32(vmaxvq_u32(vmaxq_u32(magnitude(v0), magnitude(v1)))));
    const uint32x4_t reached = vaddq_u32(vshrq_n_u32(vcgeq_f32(a, vld1q_f32(thresholds)), 31),
                                         vshrq_n_u32(vcgeq_f32(a, vld1q_f32(thresholds + 4)), 31));
    *shift = (int32_t)vaddvq_u32(reached);
    const float32x4_t down = vdupq_n_f32(roma_pow2(-*shift));
    const int32x4_t c0 = vcvtnq_s32_f32(vmulq_f32(v0, down)), c1 = vcvtnq_s32_f32(vmulq_f32(v1, down));
    vst1_s8(code, vqmovn_s16(vcombine_s16(vqmovn_s32(c0), vqmovn_s32(c1))));
    return vaddvq_s32(vaddq_s32(c0, c1)) * (1 << *shift);
}

void roma_quantise_neon(const float *x, uint64_t cols, float factor, roma_act *a) {
    const float max = max_magnitude(x, cols);
    if (!(max >= NUM_TINY && max < NUM_HUGE)) {
        roma_quantise_c(x, cols, factor, a); /* zero or NaN: nothing to be fast about */
        return;
    }
    const float32x4_t r = vdupq_n_f32(16256.0f / max);
    for (uint64_t h = 0; h < cols / 16; h++) {
        a->sum16[h] = subgroup(x + 16 * h, r, a->code + 16 * h, &a->shift[2 * h]) +
                      subgroup(x + 16 * h + 8, r, a->code + 16 * h + 8, &a->shift[2 * h + 1]);
        a->mult[2 * h] = 0x00010001u << a->shift[2 * h];
        a->mult[2 * h + 1] = 0x00010001u << a->shift[2 * h + 1];
    }
    for (uint64_t g = 0; g < cols / 32; g++) a->sum32[g] = a->sum16[2 * g] + a->sum16[2 * g + 1];
    a->scale = max * (float)(1.0 / 16256.0) * factor;
}

/* ---- element-wise ----------------------------------------------------------------------------- */

float roma_rms_inverse_neon(const float *x, uint64_t n, float eps) {
    const float max = max_magnitude(x, n);
    if (!(max >= NUM_TINY && max < NUM_HUGE)) return roma_rms_inverse(x, n, eps);
    const int e = roma_exponent(max);
    const float up = roma_pow2(13 - e), down = roma_pow2(e - 13);
    int64x2_t s0 = vdupq_n_s64(0), s1 = s0;
    uint64_t i = 0;
    for (; i + 4 <= n; i += 4) {
        const int32x4_t c = vcvtnq_s32_f32(vmulq_f32(vld1q_f32(x + i), vdupq_n_f32(up)));
        s0 = vmlal_s32(s0, vget_low_s32(c), vget_low_s32(c));
        s1 = vmlal_high_s32(s1, c, c);
    }
    int64_t sum = vaddvq_s64(vaddq_s64(s0, s1));
    for (; i < n; i++) {
        const int64_t c = (int64_t)roma_rint(x[i] * up);
        sum += c * c;
    }
    const float ms = (float)sum * (1.0f / (float)n) * down * down;
    return 1.0f / __builtin_sqrtf(ms + eps);
}

void roma_mul_neon(float *out, const float *a, const float *b, uint64_t n) {
    uint64_t i = 0;
    for (; i + 4 <= n; i += 4) vst1q_f32(out + i, vmulq_f32(vld1q_f32(a + i), vld1q_f32(b + i)));
    for (; i < n; i++) out[i] = a[i] * b[i];
}

void roma_add_neon(float *out, const float *a, const float *b, uint64_t n) {
    uint64_t i = 0;
    for (; i + 4 <= n; i += 4) vst1q_f32(out + i, vaddq_f32(vld1q_f32(a + i), vld1q_f32(b + i)));
    for (; i < n; i++) out[i] = a[i] + b[i];
}

void roma_silu_mul_neon(float *out, const float *gate, const float *up, uint64_t n) {
    const float32x4_t one = vdupq_n_f32(1.0f);
    uint64_t i = 0;
    for (; i + 4 <= n; i += 4) {
        const float32x4_t g = vld1q_f32(gate + i);
        const float32x4_t e =
            exp_ps(vreinterpretq_f32_u32(vorrq_u32(vreinterpretq_u32_f32(g), vdupq_n_u32(0x80000000u))));
        const float32x4_t t = vdivq_f32(vbslq_f32(vcgeq_f32(g, vdupq_n_f32(0)), one, e), vaddq_f32(one, e));
        vst1q_f32(out + i, vmulq_f32(vmulq_f32(g, t), vld1q_f32(up + i)));
    }
    roma_silu_mul_c(out + i, gate + i, up + i, n - i);
}

void roma_relu2_mul_neon(float *out, const float *gate, const float *up, uint64_t n) {
    uint64_t i = 0;
    for (; i + 4 <= n; i += 4) {
        const float32x4_t r = vmaxq_f32(vld1q_f32(gate + i), vdupq_n_f32(0)); /* NaN where the gate is */
        vst1q_f32(out + i, vmulq_f32(vmulq_f32(r, r), vld1q_f32(up + i)));
    }
    roma_relu2_mul_c(out + i, gate + i, up + i, n - i);
}

/* ---- softmax ---------------------------------------------------------------------------------- */

int64_t roma_softmax_weights_neon(float *score, uint64_t n, float max) {
    int64x2_t sum = vdupq_n_s64(0);
    uint64_t i = 0;
    for (; i + 4 <= n; i += 4) {
        const float32x4_t w = exp_ps(vsubq_f32(vld1q_f32(score + i), vdupq_n_f32(max)));
        vst1q_f32(score + i, w);
        sum = vpadalq_s32(sum, vcvtnq_s32_f32(vmulq_f32(w, vdupq_n_f32(0x1p30f)))); /* a NaN becomes 0 */
    }
    return vaddvq_s64(sum) + roma_softmax_weights_c(score + i, n - i, max);
}
