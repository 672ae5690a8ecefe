/* Eight lanes on AVX2, for half.h; emulated when a test builds the kernels for a machine without it. */
#ifndef ROMA_KERN_LANES_AVX2_H
#define ROMA_KERN_LANES_AVX2_H

#include "product.h"

#ifdef ROMA_SIMDE
#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/avx512.h>
#include <simde/x86/f16c.h>
/* Its shifts by a constant want a literal. */
#define shift_right_16(v, n) _mm256_srl_epi16(v, _mm_cvtsi32_si128(n))
#define shift_left_16(v, n) _mm256_sll_epi16(v, _mm_cvtsi32_si128(n))
#else
#include <immintrin.h>
#define shift_right_16(v, n) _mm256_srli_epi16(v, n)
#define shift_left_16(v, n) _mm256_slli_epi16(v, n)
#endif

typedef __m256i ints;
typedef __m256 floats;

/* v, in a register now: compilers would rather read memory once per use, and add a row of products up last, after all
 * are made and spilled. */
ALWAYS_INLINE ints keep(ints v) {
#ifndef ROMA_SIMDE
    __asm__("" : "+x"(v));
#endif
    return v;
}

ALWAYS_INLINE ints broadcast(const void *p) { return _mm256_set1_epi32(*(const int32_t *)p); }
ALWAYS_INLINE void prefetch(const void *p) { __builtin_prefetch(p, 0, 2); }
ALWAYS_INLINE ints set_ints(int32_t i) { return _mm256_set1_epi32(i); }
ALWAYS_INLINE ints add_ints(ints a, ints b) { return _mm256_add_epi32(a, b); }
ALWAYS_INLINE ints sub_ints(ints a, ints b) { return _mm256_sub_epi32(a, b); }
ALWAYS_INLINE ints mul_ints(ints a, ints b) { return _mm256_mullo_epi32(a, b); }
ALWAYS_INLINE ints bits_of(floats v) { return _mm256_castps_si256(v); }
ALWAYS_INLINE ints load_ints(const void *p) { return _mm256_load_si256(p); }
ALWAYS_INLINE void store_ints(void *p, ints v) { _mm256_store_si256(p, v); }
ALWAYS_INLINE floats to_floats(ints v) { return _mm256_cvtepi32_ps(v); }
ALWAYS_INLINE floats set_floats(float f) { return _mm256_set1_ps(f); }
ALWAYS_INLINE floats add(floats a, floats b) { return _mm256_add_ps(a, b); }
ALWAYS_INLINE floats mul(floats a, floats b) { return _mm256_mul_ps(a, b); }
ALWAYS_INLINE floats load_floats(const void *p) { return _mm256_load_ps(p); }
ALWAYS_INLINE void store_floats(void *p, floats v) { _mm256_store_ps(p, v); }
ALWAYS_INLINE void store_row(float *p, floats v) { _mm256_storeu_ps(p, v); } /* eight results, anywhere */

#endif
