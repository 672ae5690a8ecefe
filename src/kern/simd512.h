/* AVX-512 intrinsics: the compiler's, or their emulation when a test builds the kernels for a machine without them. */
#ifndef ROMA_KERN_SIMD512_H
#define ROMA_KERN_SIMD512_H

#ifdef ROMA_SIMDE
#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/avx512.h>
#include <simde/x86/f16c.h>
/* What the emulation lacks, from two halves. */
static inline __m512 from_halves_ps(__m256 lo, __m256 hi) { return _mm512_insertf32x8(_mm512_castps256_ps512(lo), hi, 1); }
static inline __m512i from_halves(__m256i lo, __m256i hi) { return _mm512_inserti32x8(_mm512_castsi256_si512(lo), hi, 1); }
#define _mm512_cvtepi32_ps(a) from_halves_ps(_mm256_cvtepi32_ps(_mm512_castsi512_si256(a)), _mm256_cvtepi32_ps(_mm512_extracti32x8_epi32(a, 1)))
#define _mm512_cvtps_epi32(a) from_halves(_mm256_cvtps_epi32(_mm512_castps512_ps256(a)), _mm256_cvtps_epi32(_mm512_extractf32x8_ps(a, 1)))
#define _mm512_cvtph_ps(a) from_halves_ps(_mm256_cvtph_ps(_mm256_castsi256_si128(a)), _mm256_cvtph_ps(_mm256_extracti128_si256(a, 1)))
#define _mm512_cvtepu8_epi32(a) from_halves(_mm256_cvtepu8_epi32(a), _mm256_cvtepu8_epi32(_mm_srli_si128(a, 8)))
#define _mm512_cvtepi8_epi32(a) from_halves(_mm256_cvtepi8_epi32(a), _mm256_cvtepi8_epi32(_mm_srli_si128(a, 8)))
#else
#include <immintrin.h>
#endif

#endif
