/* Attention and what needs exp on AVX-512: docs/numerics.md sections 4 and 5. */
#include "simd512.h"
#include "vector.h"

#define LANES 16
typedef __m512i ints;
typedef __m512 floats;
#define load(p) _mm512_loadu_si512(p)
#define shift_left(v) _mm512_slli_epi16(v, 8)
#define shift_right(v) _mm512_srai_epi16(v, 8)
#define dot(sum, a, b) _mm512_dpwssd_epi32(sum, a, b)
#define all_ints(i) _mm512_set1_epi32(i)
#define all_floats(f) _mm512_set1_ps(f)
#define to_floats(v) _mm512_cvtepi32_ps(v)
#define mul(a, b) _mm512_mul_ps(a, b)
#define add(a, b) _mm512_add_ps(a, b)
#define load_floats(p) _mm512_loadu_ps(p)
#define store_floats(p, v) _mm512_storeu_ps(p, v)
#include "attend_x86.h"
#define load_halves(p) _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(const void *)(p)))
#include "halves.h"

PAGE_FUNCTIONS(avx512)
HALF_FUNCTIONS(avx512)

/* roma_exp for x that is not positive, or a NaN. 2^n times p is one rounding, so the scaling instruction gives it too.
 */
ALWAYS_INLINE __m512 exp_ps(__m512 x) {
    const __mmask16 in_range = _mm512_cmp_ps_mask(x, _mm512_set1_ps(-87.0f), _CMP_NLT_UQ);
    const __m512 n = _mm512_roundscale_ps(_mm512_mul_ps(x, _mm512_set1_ps(1.44269504f)), _MM_FROUND_TO_NEAREST_INT);
    const __m512 r = _mm512_sub_ps(_mm512_sub_ps(x, _mm512_mul_ps(n, _mm512_set1_ps(0.693359375f))),
                                   _mm512_mul_ps(n, _mm512_set1_ps(-2.12194440e-4f)));
    static const float c[] = {1.0f / 120.0f, 1.0f / 24.0f, 1.0f / 6.0f, 0.5f, 1.0f, 1.0f};
    __m512 p = _mm512_set1_ps(1.0f / 720.0f);
    for (int i = 0; i < 6; i++) p = _mm512_add_ps(_mm512_mul_ps(p, r), _mm512_set1_ps(c[i]));
    return _mm512_maskz_scalef_ps(in_range, p, n);
}

void roma_silu_mul_avx512(float *out, const float *gate, const float *up, uint64_t n) {
    const __m512 one = _mm512_set1_ps(1.0f);
    uint64_t i = 0;
    for (; i + 16 <= n; i += 16) {
        const __m512 g = _mm512_loadu_ps(gate + i), e = exp_ps(_mm512_or_ps(g, _mm512_set1_ps(-0.0f)));
        const __m512 top = _mm512_mask_mov_ps(e, _mm512_cmp_ps_mask(g, _mm512_setzero_ps(), _CMP_GE_OQ), one);
        const __m512 t = _mm512_div_ps(top, _mm512_add_ps(one, e));
        _mm512_storeu_ps(out + i, _mm512_mul_ps(_mm512_mul_ps(g, t), _mm512_loadu_ps(up + i)));
    }
    roma_silu_mul_c(out + i, gate + i, up + i, n - i);
}

/* Weights of 16 scores, and near(w * 2^30), which a NaN leaves at 0. */
ALWAYS_INLINE __m512i weigh(float *score, __m512 max) {
    const __m512 d = _mm512_sub_ps(_mm512_loadu_ps(score), max), w = exp_ps(_mm512_min_ps(_mm512_setzero_ps(), d));
    _mm512_storeu_ps(score, w);
    return _mm512_maskz_mov_epi32(_mm512_cmp_ps_mask(w, w, _CMP_ORD_Q),
                                  _mm512_cvtps_epi32(_mm512_mul_ps(w, _mm512_set1_ps(0x1p30f))));
}

/* Two weights of at most 2^30 add up in unsigned 32 bits; their sums go on as the even and the odd lanes of 64. */
int64_t roma_softmax_weights_avx512(float *score, uint64_t n, float max) {
    const __m512 m = _mm512_set1_ps(max);
    __m512i even = _mm512_setzero_si512(), odd = even;
    uint64_t i = 0;
    for (; i + 32 <= n; i += 32) {
        const __m512i two = _mm512_add_epi32(weigh(score + i, m), weigh(score + i + 16, m));
        even = _mm512_add_epi64(even, _mm512_and_si512(two, _mm512_set1_epi64(0xffffffff)));
        odd = _mm512_add_epi64(odd, _mm512_srli_epi64(two, 32));
    }
    int64_t lane[8], sum = 0;
    _mm512_storeu_si512(lane, _mm512_add_epi64(even, odd));
    for (int l = 0; l < 8; l++) sum += lane[l];
    return sum + roma_softmax_weights_c(score + i, n - i, max);
}

float roma_largest_avx512(const float *score, uint64_t n) {
    if (n < 16) return roma_largest_c(score, n);
    __m512 m = _mm512_max_ps(_mm512_loadu_ps(score), _mm512_loadu_ps(score + n - 16));
    for (uint64_t i = 16; i + 16 < n; i += 16) m = _mm512_max_ps(m, _mm512_loadu_ps(score + i));
    float lane[16];
    _mm512_storeu_ps(lane, m);
    return roma_largest_c(lane, 16);
}
