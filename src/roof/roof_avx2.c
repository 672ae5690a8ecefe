/* Roofs with 256-bit registers: wide loads; vpmaddubsw with 16-bit sums; vpdpbusd as AVX-VNNI has it. */
#include "roof/internal.h"

#ifdef __AVX2__
#include <immintrin.h>

uint64_t roma_roof_read_avx2(const uint8_t *p, size_t bytes) {
    __m256i s[4] = {_mm256_setzero_si256(), _mm256_setzero_si256(), _mm256_setzero_si256(), _mm256_setzero_si256()};
    for (const uint8_t *end = p + bytes; p < end; p += 128) {
        _mm_prefetch((const char *)p + 4096, _MM_HINT_T0);
        _mm_prefetch((const char *)p + 4096 + 64, _MM_HINT_T0);
        for (int k = 0; k < 4; k++)
            s[k] = _mm256_xor_si256(s[k], _mm256_load_si256((const __m256i *)(const void *)(p + 32 * k)));
    }
    const __m256i a = _mm256_xor_si256(_mm256_xor_si256(s[0], s[1]), _mm256_xor_si256(s[2], s[3]));
    return (uint64_t)_mm256_extract_epi64(a, 0) ^ (uint64_t)_mm256_extract_epi64(a, 2);
}

#define DECLARE(i) __m256i s##i = _mm256_setzero_si256();
#define KEEP(i) __asm__ volatile("" ::"x"(s##i));

void roma_roof_mac_avx2(uint64_t rounds) {
    const __m256i u = _mm256_set1_epi8(3), w = _mm256_set1_epi8(5);
    __m256i t;
#define STEP(i) __asm__ volatile("vpmaddubsw %3, %2, %1\n\tvpaddw %1, %0, %0" : "+x"(s##i), "=&x"(t) : "x"(u), "x"(w));
    ROOF_LOOP(DECLARE, STEP, KEEP, rounds)
#undef STEP
}

void roma_roof_mac_avxvnni(uint64_t rounds) {
    const __m256i u = _mm256_set1_epi8(3), w = _mm256_set1_epi8(5);
#define STEP(i) __asm__ volatile("%{vex%} vpdpbusd %2, %1, %0" : "+x"(s##i) : "x"(u), "x"(w));
    ROOF_LOOP(DECLARE, STEP, KEEP, rounds)
#undef STEP
}
#endif
