/* LoRA on NEON, half a tile of B at a time. */
#include "lanes_neon.h"

/* [0] of the even inputs, [1] of the odd. */
typedef struct {
    int16x8_t input[2];
} pairs;
enum { LANES = 8 };

ALWAYS_INLINE floats load_row(const float *p) { return load_floats(p); }

typedef struct {
    int8x16_t lo, hi;
} fours;
ALWAYS_INLINE fours load_fours(const uint8_t *p) {
    return (fours){vld1q_s8((const int8_t *)p), vld1q_s8((const int8_t *)p + 16)};
}

#define DOT_FOUR(k)                                                                                                    \
    low = vdotq_laneq_s32(low, w[4 * h + (k)].lo, codes, k);                                                           \
    high = vdotq_laneq_s32(high, w[4 * h + (k)].hi, codes, k);
#define SHIFT_ADD(b)                                                                                                   \
    shift = vdupq_n_s32(a->shift[c / 8 + 2 * h + (b)]);                                                                \
    sum.lo = vaddq_s32(sum.lo, vshlq_s32(low, shift));                                                                 \
    sum.hi = vaddq_s32(sum.hi, vshlq_s32(high, shift));                                                                \
    low = high = vdupq_n_s32(0);

ALWAYS_INLINE ints stripe_sum(ints sum, const fours w[8], const roma_act *a, uint64_t c) {
    int32x4_t low = vdupq_n_s32(0), high = low, shift;
    for (uint64_t h = 0; h < 2; h++) {
        const int8x16_t codes = vld1q_s8(a->code + c + 16 * h);
        DOT_FOUR(0)
        DOT_FOUR(1)
        SHIFT_ADD(0)
        DOT_FOUR(2)
        DOT_FOUR(3)
        SHIFT_ADD(1)
    }
    return sum;
}

ALWAYS_INLINE pairs load_pairs(const uint8_t *p) {
    const int8x8x2_t v = vld2_s8((const int8_t *)p);
    return (pairs){{vmovl_s8(v.val[0]), vmovl_s8(v.val[1])}};
}

ALWAYS_INLINE ints dot_pairs(ints sum, pairs w, int32_t two) {
    for (int k = 0; k < 2; k++) {
        const int16_t c = (int16_t)(k ? two >> 16 : two & 0xffff);
        sum.lo = vmlal_n_s16(sum.lo, vget_low_s16(w.input[k]), c);
        sum.hi = vmlal_n_s16(sum.hi, vget_high_s16(w.input[k]), c);
    }
    return sum;
}

ALWAYS_INLINE floats from_f16(uint16x8_t v) {
    const float16x8_t h = vreinterpretq_f16_u16(v);
    return (floats){vcvt_f32_f16(vget_low_f16(h)), vcvt_high_f32_f16(h)};
}

/* FP8 becomes FP16 with an exponent 8 too small. */
ALWAYS_INLINE floats from_f8(uint8x8_t v) {
    const uint16x8_t w = vmovl_u8(v);
    const uint16x8_t h =
        vorrq_u16(vandq_u16(vshlq_n_u16(w, 8), vdupq_n_u16(0x8000)), vandq_u16(vshlq_n_u16(w, 7), vdupq_n_u16(0x3f80)));
    return mul(from_f16(h), set_floats(256));
}

ALWAYS_INLINE void load_values(unsigned type, const uint8_t *p, floats out[2]) {
    if (type == ROMA_B_F16) {
        const uint16x8x2_t v = vld2q_u16((const uint16_t *)(const void *)p);
        out[0] = from_f16(v.val[0]);
        out[1] = from_f16(v.val[1]);
        return;
    }
    const uint8x8x2_t v = vld2_u8(p);
    out[0] = from_f8(v.val[0]);
    out[1] = from_f8(v.val[1]);
}

#include "lora.h"

void roma_lora_product_neon(uint64_t cols, unsigned group, const uint8_t *tiles, size_t n_tiles,
                            const roma_act *const *acts, size_t n, float *out, size_t stride) {
    lora_product(cols, group, tiles, n_tiles, acts, n, out, stride);
}

void roma_lora_add_neon(const roma_lora_b *b, size_t n_tiles, const int16_t *codes, size_t stride, const float *t,
                        size_t n, float *const *y) {
    lora_add(b, n_tiles, codes, stride, t, n, y);
}
