/* AVX-512 intrinsics: the compiler's, or their emulation when a test builds the kernels for a machine without them. */
#ifndef ROMA_KERN_SIMD512_H
#define ROMA_KERN_SIMD512_H

#include <string.h>

#ifdef ROMA_SIMDE
#define SIMDE_ENABLE_NATIVE_ALIASES
#include <simde/x86/avx512.h>
#include <simde/x86/f16c.h>

/* What the emulation lacks, from two halves. */
static inline __m256i half512(__m512i a, int half) {
    int32_t all[16];
    __m256i h;
    memcpy(all, &a, sizeof all);
    memcpy(&h, all + 8 * half, sizeof h);
    return h;
}
static inline __m512 join_ps(__m256 lo, __m256 hi) {
    __m512 v;
    float all[16];
    memcpy(all, &lo, sizeof lo);
    memcpy(all + 8, &hi, sizeof hi);
    memcpy(&v, all, sizeof v);
    return v;
}
static inline __m512i join(__m256i lo, __m256i hi) {
    return _mm512_castps_si512(join_ps(_mm256_castsi256_ps(lo), _mm256_castsi256_ps(hi)));
}
static inline __m512 emulated_cvtepi32_ps(__m512i a) {
    return join_ps(_mm256_cvtepi32_ps(half512(a, 0)), _mm256_cvtepi32_ps(half512(a, 1)));
}
static inline __m512 emulated_cvtph_ps(__m256i a) {
    return join_ps(_mm256_cvtph_ps(_mm256_castsi256_si128(a)), _mm256_cvtph_ps(_mm256_extracti128_si256(a, 1)));
}
static inline __m256i emulated_cvtepi32_epi16(__m512i a) {
    int32_t all[16];
    int16_t low[16];
    __m256i v;
    memcpy(all, &a, sizeof all);
    for (int i = 0; i < 16; i++) low[i] = (int16_t)all[i];
    memcpy(&v, low, sizeof v);
    return v;
}
#define _mm512_cvtepi32_epi16(a) emulated_cvtepi32_epi16(a)
static inline __m512i emulated_cvtps_epi32(__m512 a) {
    const __m512i bits = _mm512_castps_si512(a);
    return join(_mm256_cvtps_epi32(_mm256_castsi256_ps(half512(bits, 0))),
                _mm256_cvtps_epi32(_mm256_castsi256_ps(half512(bits, 1))));
}
static inline __m512i emulated_shuffle_epi32(__m512i a, int which) {
    int32_t from[16], to[16];
    memcpy(from, &a, sizeof from);
    for (int i = 0; i < 16; i++) to[i] = from[i / 4 * 4 + (which >> i % 4 * 2 & 3)];
    memcpy(&a, to, sizeof to);
    return a;
}
#define _mm512_shuffle_epi32(a, which) emulated_shuffle_epi32(a, which)
static inline __m512i emulated_shuffle_i64x2(__m512i a, __m512i b, int which) {
    int32_t from[32], to[16];
    memcpy(from, &a, sizeof a);
    memcpy(from + 16, &b, sizeof b);
    for (int i = 0; i < 16; i++) to[i] = from[i / 8 * 16 + (which >> i / 4 * 2 & 3) * 4 + i % 4];
    memcpy(&a, to, sizeof to);
    return a;
}
#define _mm512_shuffle_i64x2(a, b, which) emulated_shuffle_i64x2(a, b, which)
static inline __m512 emulated_maskz_loadu_ps(unsigned mask, const float *p) {
    float v[16] = {0};
    __m512 all;
    for (int i = 0; i < 16; i++)
        if (mask >> i & 1) v[i] = p[i];
    memcpy(&all, v, sizeof v);
    return all;
}
#define _mm512_maskz_loadu_ps(mask, p) emulated_maskz_loadu_ps(mask, p)
#define _mm512_cvtps_epi32(a) emulated_cvtps_epi32(a)
#define _mm512_cvtepi32_ps(a) emulated_cvtepi32_ps(a)
#define _mm512_cvtph_ps(a) emulated_cvtph_ps(a)
#define _mm512_cvtepu8_epi32(a) join(_mm256_cvtepu8_epi32(a), _mm256_cvtepu8_epi32(_mm_srli_si128(a, 8)))
#define _mm512_cvtepi8_epi32(a) join(_mm256_cvtepi8_epi32(a), _mm256_cvtepi8_epi32(_mm_srli_si128(a, 8)))
#define __mmask16 simde__mmask16
/* Its shifts by a constant want a literal. */
#define shift_right_16(v, n) _mm512_srl_epi16(v, _mm_cvtsi32_si128(n))
#define shift_left_16(v, n) _mm512_sll_epi16(v, _mm_cvtsi32_si128(n))
#else
#include <immintrin.h>
#ifdef __clang__ /* compilers differ in the type of a shift count */
#define shift_right_16(v, n) _mm512_srli_epi16(v, (unsigned)(n))
#define shift_left_16(v, n) _mm512_slli_epi16(v, (unsigned)(n))
#else
#define shift_right_16(v, n) _mm512_srli_epi16(v, n)
#define shift_left_16(v, n) _mm512_slli_epi16(v, n)
#endif
#endif

#endif
