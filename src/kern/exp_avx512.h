/* exp on AVX-512, docs/numerics.md 5.1, and weights as integers. */
#ifndef ROMA_KERN_EXP_AVX512_H
#define ROMA_KERN_EXP_AVX512_H

#include "product.h"
#include "simd512.h"

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

/* near(w * 2^30), of a NaN 0. */
ALWAYS_INLINE __m512i fixed30(__m512 w) {
    return _mm512_maskz_mov_epi32(_mm512_cmp_ps_mask(w, w, _CMP_ORD_Q),
                                  _mm512_cvtps_epi32(_mm512_mul_ps(w, _mm512_set1_ps(0x1p30f))));
}

#endif
