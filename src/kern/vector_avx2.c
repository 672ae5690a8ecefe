/* The vector unit on AVX2: docs/numerics.md sections 2, 4 and 5. The AVX-512 table uses these too where nothing is
 * gained by width: they are bound by latency and memory. Tails that fill no register go to the reference. */
#include "vector.h"

#include <immintrin.h>

#define NUM_TINY 0x1p-100f
#define NUM_HUGE 0x1p100f

/* ---- shared pieces ---------------------------------------------------------------------------- */

static inline __m256i magnitude(__m256 v) {
    return _mm256_and_si256(_mm256_castps_si256(v), _mm256_set1_epi32(0x7fffffff));
}

static inline uint32_t max_lane(__m256i v) {
    __m128i m = _mm_max_epu32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    m = _mm_max_epu32(m, _mm_shuffle_epi32(m, 0x4e));
    m = _mm_max_epu32(m, _mm_shuffle_epi32(m, 0xb1));
    return (uint32_t)_mm_cvtsi128_si32(m);
}

static float max_magnitude(const float *x, uint64_t n) {
    __m256i m0 = _mm256_setzero_si256(), m1 = m0;
    uint64_t i = 0;
    for (; i + 16 <= n; i += 16) {
        m0 = _mm256_max_epu32(m0, magnitude(_mm256_loadu_ps(x + i)));
        m1 = _mm256_max_epu32(m1, magnitude(_mm256_loadu_ps(x + i + 8)));
    }
    uint32_t max = max_lane(_mm256_max_epu32(m0, m1));
    for (; i < n; i++) {
        const uint32_t bits = roma_f32_bits(x[i]) & 0x7fffffffu;
        max = bits > max ? bits : max;
    }
    return roma_f32_from_bits(max);
}

static inline int32_t sum_lanes(__m256i v) {
    __m128i s = _mm_add_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4e));
    return _mm_cvtsi128_si32(_mm_add_epi32(s, _mm_shuffle_epi32(s, 0xb1)));
}

/* roma_exp, operation by operation. */
static inline __m256 exp_ps(__m256 x) {
    const __m256 big = _mm256_set1_ps(12582912.0f);
    x = _mm256_blendv_ps(x, _mm256_setzero_ps(), _mm256_cmp_ps(x, _mm256_setzero_ps(), _CMP_GT_OQ));
    const __m256 under = _mm256_cmp_ps(x, _mm256_set1_ps(-87.0f), _CMP_LT_OQ);
    const __m256 n = _mm256_sub_ps(_mm256_add_ps(_mm256_mul_ps(x, _mm256_set1_ps(1.44269504f)), big), big);
    const __m256 r = _mm256_sub_ps(_mm256_sub_ps(x, _mm256_mul_ps(n, _mm256_set1_ps(0.693359375f))),
                                   _mm256_mul_ps(n, _mm256_set1_ps(-2.12194440e-4f)));
    static const float c[] = {1.0f / 120.0f, 1.0f / 24.0f, 1.0f / 6.0f, 0.5f, 1.0f, 1.0f};
    __m256 p = _mm256_set1_ps(1.0f / 720.0f);
    for (int i = 0; i < 6; i++) p = _mm256_add_ps(_mm256_mul_ps(p, r), _mm256_set1_ps(c[i]));
    const __m256i e = _mm256_slli_epi32(_mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127)), 23);
    return _mm256_andnot_ps(under, _mm256_mul_ps(p, _mm256_castsi256_ps(e)));
}

/* ---- activations ------------------------------------------------------------------------------ */

/* Codes of one sub-group as 32-bit integers; the shift is the number of thresholds that the largest magnitude reaches.
 */
static inline __m256i subgroup(const float *x, __m256 r, int *shift) {
    const __m256 thresholds =
        _mm256_setr_ps(127.5f, 255.0f, 510.0f, 1020.0f, 2040.0f, 4080.0f, 8160.0f, __builtin_inff());
    const __m256 v = _mm256_mul_ps(_mm256_loadu_ps(x), r);
    const __m256 a = _mm256_set1_ps(roma_f32_from_bits(max_lane(magnitude(v))));
    *shift = __builtin_popcount((unsigned)_mm256_movemask_ps(_mm256_cmp_ps(a, thresholds, _CMP_GE_OQ)));
    return _mm256_cvtps_epi32(_mm256_mul_ps(v, _mm256_set1_ps(roma_pow2(-*shift))));
}

void roma_quantise_avx2(const float *x, uint64_t cols, float factor, roma_act *a) {
    const float max = max_magnitude(x, cols);
    if (!(max >= NUM_TINY && max < NUM_HUGE)) {
        roma_quantise_c(x, cols, factor, a); /* zero or NaN: nothing to be fast about */
        return;
    }
    const __m256 r = _mm256_set1_ps(16256.0f / max);
    for (uint64_t g = 0; g < cols / 32; g++) {
        __m256i c[4];
        int32_t sum[4];
        for (uint64_t b = 0; b < 4; b++) {
            int k;
            c[b] = subgroup(x + 32 * g + 8 * b, r, &k);
            sum[b] = sum_lanes(c[b]) * (1 << k);
            a->shift[4 * g + b] = k;
            a->mult[4 * g + b] = 0x00010001u << k;
        }
        a->sum16[2 * g] = sum[0] + sum[1];
        a->sum16[2 * g + 1] = sum[2] + sum[3];
        a->sum32[g] = sum[0] + sum[1] + sum[2] + sum[3];
        const __m256i bytes = _mm256_packs_epi16(_mm256_packs_epi32(c[0], c[1]), _mm256_packs_epi32(c[2], c[3]));
        _mm256_storeu_si256((__m256i *)(void *)(a->code + 32 * g),
                            _mm256_permutevar8x32_epi32(bytes, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7)));
    }
    a->scale = max * (float)(1.0 / 16256.0) * factor;
}

/* ---- element-wise ----------------------------------------------------------------------------- */

float roma_rms_inverse_avx2(const float *x, uint64_t n, float eps) {
    const float max = max_magnitude(x, n);
    if (!(max >= NUM_TINY && max < NUM_HUGE)) return roma_rms_inverse(x, n, eps);
    const int e = roma_exponent(max);
    const float up = roma_pow2(13 - e), down = roma_pow2(e - 13);
    __m256i even = _mm256_setzero_si256(), odd = even;
    uint64_t i = 0;
    for (; i + 8 <= n; i += 8) {
        const __m256i c = _mm256_cvtps_epi32(_mm256_mul_ps(_mm256_loadu_ps(x + i), _mm256_set1_ps(up))),
                      h = _mm256_srli_epi64(c, 32);
        even = _mm256_add_epi64(even, _mm256_mul_epi32(c, c));
        odd = _mm256_add_epi64(odd, _mm256_mul_epi32(h, h));
    }
    int64_t lanes[4], sum = 0;
    _mm256_storeu_si256((__m256i *)(void *)lanes, _mm256_add_epi64(even, odd));
    for (int l = 0; l < 4; l++) sum += lanes[l];
    for (; i < n; i++) {
        const int64_t c = (int64_t)roma_rint(x[i] * up);
        sum += c * c;
    }
    const float ms = (float)sum * (1.0f / (float)n) * down * down;
    return 1.0f / __builtin_sqrtf(ms + eps);
}

void roma_mul_avx2(float *out, const float *a, const float *b, uint64_t n) {
    uint64_t i = 0;
    for (; i + 8 <= n; i += 8) _mm256_storeu_ps(out + i, _mm256_mul_ps(_mm256_loadu_ps(a + i), _mm256_loadu_ps(b + i)));
    for (; i < n; i++) out[i] = a[i] * b[i];
}

void roma_add_avx2(float *out, const float *a, const float *b, uint64_t n) {
    uint64_t i = 0;
    for (; i + 8 <= n; i += 8) _mm256_storeu_ps(out + i, _mm256_add_ps(_mm256_loadu_ps(a + i), _mm256_loadu_ps(b + i)));
    for (; i < n; i++) out[i] = a[i] + b[i];
}

void roma_silu_mul_avx2(float *out, const float *gate, const float *up, uint64_t n) {
    const __m256 one = _mm256_set1_ps(1.0f);
    uint64_t i = 0;
    for (; i + 8 <= n; i += 8) {
        const __m256 g = _mm256_loadu_ps(gate + i), e = exp_ps(_mm256_or_ps(g, _mm256_set1_ps(-0.0f)));
        const __m256 top = _mm256_blendv_ps(e, one, _mm256_cmp_ps(g, _mm256_setzero_ps(), _CMP_GE_OQ));
        const __m256 t = _mm256_div_ps(top, _mm256_add_ps(one, e));
        _mm256_storeu_ps(out + i, _mm256_mul_ps(_mm256_mul_ps(g, t), _mm256_loadu_ps(up + i)));
    }
    roma_silu_mul_c(out + i, gate + i, up + i, n - i);
}

void roma_relu2_mul_avx2(float *out, const float *gate, const float *up, uint64_t n) {
    uint64_t i = 0;
    for (; i + 8 <= n; i += 8) { /* max gives its second operand where either is NaN */
        const __m256 r = _mm256_max_ps(_mm256_setzero_ps(), _mm256_loadu_ps(gate + i));
        _mm256_storeu_ps(out + i, _mm256_mul_ps(_mm256_mul_ps(r, r), _mm256_loadu_ps(up + i)));
    }
    roma_relu2_mul_c(out + i, gate + i, up + i, n - i);
}

/* ---- softmax ---------------------------------------------------------------------------------- */

int64_t roma_softmax_weights_avx2(float *score, uint64_t n, float max) {
    __m256i sum = _mm256_setzero_si256();
    uint64_t i = 0;
    for (; i + 8 <= n; i += 8) {
        const __m256 w = exp_ps(_mm256_sub_ps(_mm256_loadu_ps(score + i), _mm256_set1_ps(max)));
        __m256i c = _mm256_cvtps_epi32(_mm256_mul_ps(w, _mm256_set1_ps(0x1p30f)));
        c = _mm256_and_si256(c, _mm256_castps_si256(_mm256_cmp_ps(w, w, _CMP_ORD_Q))); /* a NaN adds nothing */
        _mm256_storeu_ps(score + i, w);
        sum = _mm256_add_epi64(sum, _mm256_add_epi64(_mm256_cvtepi32_epi64(_mm256_castsi256_si128(c)),
                                                     _mm256_cvtepi32_epi64(_mm256_extracti128_si256(c, 1))));
    }
    int64_t lanes[4];
    _mm256_storeu_si256((__m256i *)(void *)lanes, sum);
    return lanes[0] + lanes[1] + lanes[2] + lanes[3] + roma_softmax_weights_c(score + i, n - i, max);
}
