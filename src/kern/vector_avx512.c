/* What needs exp on AVX-512, and the largest score: docs/numerics.md sections 4 and 5. Tails go to the reference. */
#include "exp_avx512.h"
#include "vector.h"

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

/* Weights of 16 scores. */
ALWAYS_INLINE __m512i weigh(float *score, __m512 max) {
    const __m512 d = _mm512_sub_ps(_mm512_loadu_ps(score), max), w = exp_ps(_mm512_min_ps(_mm512_setzero_ps(), d));
    _mm512_storeu_ps(score, w);
    return fixed30(w);
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
