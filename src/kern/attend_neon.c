/* Attention on NEON: docs/numerics.md section 4. Scores and weighted values are the same product: 16-bit codes times
 * the bytes of a tile's 16 lanes, four a lane. */
#include "runs.h"
#include "vector.h"

#include <arm_neon.h>

#define LANES 4
typedef float32x4_t floats;
#define load_halves(p) vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p)))
#define all_floats(f) vdupq_n_f32(f)
#define add(a, b) vaddq_f32(a, b)
#define mul(a, b) vmulq_f32(a, b)
#define load_floats(p) vld1q_f32(p)
#define store_floats(p, v) vst1q_f32(p, v)
#include "halves.h"

#define NUM_TINY 0x1p-100f
#define NUM_HUGE 0x1p100f

/* sdot takes bytes, codes have 16 bits: c = 256 high + low + 128 with signed bytes high and low, so c.k = 256 high.k +
 * low.k + 128 (sum of k). Wrapping in between does no harm: the result fits. */
typedef struct {
    int32x4_t high[4], low[4], sum[4];
} lanes16;

#define QUAD(lane)                                                                                                     \
    for (unsigned v = 0; v < 4; v++) {                                                                                 \
        const int8x16_t k = vld1q_s8(tile + 64 * (lane) + 16 * v);                                                     \
        s.high[v] = vdotq_laneq_s32(s.high[v], k, high, lane);                                                         \
        s.low[v] = vdotq_laneq_s32(s.low[v], k, low, lane);                                                            \
        s.sum[v] = vdotq_s32(s.sum[v], k, vdupq_n_s8(1));                                                              \
    }

/* n is a multiple of 16. */
static inline void dots(const int16_t *code, unsigned n, const int8_t *tile, float32x4_t out[4]) {
    lanes16 s;
    for (unsigned v = 0; v < 4; v++) s.high[v] = s.low[v] = s.sum[v] = vdupq_n_s32(0);
    for (; n; n -= 16, code += 16, tile += 256) {
        const int16x8_t c0 = vld1q_s16(code), c1 = vld1q_s16(code + 8);
        const int8x16_t high = vcombine_s8(vshrn_n_s16(c0, 8), vshrn_n_s16(c1, 8));
        const int8x16_t low = veorq_s8(vcombine_s8(vmovn_s16(c0), vmovn_s16(c1)), vdupq_n_s8(-128));
        QUAD(0)
        QUAD(1)
        QUAD(2)
        QUAD(3)
    }
    for (unsigned v = 0; v < 4; v++)
        out[v] = vcvtq_f32_s32(vaddq_s32(vaddq_s32(vshlq_n_s32(s.high[v], 8), s.low[v]), vshlq_n_s32(s.sum[v], 7)));
}

/* As many lines are asked for as are read. */
static inline void ask_for(const int8_t *ahead, unsigned bytes) {
    for (unsigned i = 0; i < bytes; i += 64) __builtin_prefetch(ahead + i, 0, 2);
}

static void page_scores(const roma_kv_page *p, const int8_t *ahead, unsigned head_dim, const int16_t *q,
                        const float *q_scale, unsigned n_q, float *score, size_t stride) {
    ask_for(ahead, ROMA_PAGE * head_dim);
    for (unsigned i = 0; i < n_q; i++)
        for (unsigned t = 0; t < ROMA_PAGE; t += 16) {
            float32x4_t sum[4];
            dots(q + i * head_dim, head_dim, p->k + t * head_dim, sum);
            for (unsigned v = 0; v < 4; v++) {
                const float32x4_t scale = vmulq_f32(vdupq_n_f32(q_scale[i]), vld1q_f32(p->k_scale + t + 4 * v));
                vst1q_f32(score + i * stride + t + 4 * v, vmulq_f32(sum[v], scale));
            }
        }
}

/* Codes of one query's weighted scales, and what its sums are to be multiplied by: 0 and NaN where there is nothing to
 * sum. */
static inline float value_codes(int16_t *code, const float *weight, const float *v_scale, unsigned n) {
    float u[ROMA_PAGE] = {0};
    uint32x4_t m = vdupq_n_u32(0);
    for (unsigned t = 0; t < n; t++) u[t] = weight[t] * v_scale[t]; /* slots from n on may hold anything */
    for (unsigned t = 0; t < ROMA_PAGE; t += 4)
        m = vmaxq_u32(m, vandq_u32(vreinterpretq_u32_f32(vld1q_f32(u + t)), vdupq_n_u32(0x7fffffffu)));
    const float max = roma_f32_from_bits(vmaxvq_u32(m));
    if (!(max >= NUM_TINY && max < NUM_HUGE)) {
        memset(code, 0, ROMA_PAGE * sizeof *code);
        return max < NUM_TINY ? 0 : __builtin_nanf("");
    }
    const int e = roma_exponent(max);
    for (unsigned t = 0; t < ROMA_PAGE; t += 4)
        vst1_s16(code + t, vqmovn_s32(vcvtnq_s32_f32(
                               vmulq_f32(vld1q_f32(u + t), vdupq_n_f32(roma_pow2(14 - e)))))); /* saturates */
    return roma_pow2(e - 14);
}

static void page_values(const roma_kv_page *p, const int8_t *ahead, unsigned head_dim, const float *weight,
                        size_t stride, unsigned n_q, unsigned n, page_leaf to) {
    ask_for(ahead, ROMA_PAGE * head_dim);
    for (unsigned i = 0; i < n_q; i++) {
        int16_t code[ROMA_PAGE];
        const float scale = value_codes(code, weight + i * stride, p->v_scale, n);
        for (unsigned d = 0; d < head_dim; d += 16) {
            float32x4_t sum[4];
            dots(code, n > 16 ? 32 : 16, p->v + d * ROMA_PAGE, sum);
            for (unsigned v = 0; v < 4; v++) {
                float *at = to.out + i * head_dim + d + 4 * v;
                float32x4_t leaf = vmulq_n_f32(sum[v], scale);
                for (unsigned m = to.merges; m-- > 0;) leaf = vaddq_f32(vld1q_f32(at + m * to.level), leaf);
                vst1q_f32(at, leaf);
            }
        }
    }
}

RUN_FUNCTIONS(neon)
HALF_FUNCTIONS(neon)

float roma_largest_neon(const float *score, uint64_t n) {
    if (n < 4) return roma_largest_c(score, n);
    float32x4_t m = vmaxq_f32(vld1q_f32(score), vld1q_f32(score + n - 4));
    for (uint64_t i = 4; i + 4 < n; i += 4) m = vmaxq_f32(m, vld1q_f32(score + i));
    return vmaxvq_f32(m);
}
