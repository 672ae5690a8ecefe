/* Roofs with AVX2: wide loads, and vpmaddubsw + vpmaddwd, the fastest exact 8-bit product it has. */
#include "roof.h"

#ifdef __AVX2__
#include <immintrin.h>

uint64_t roof_read_avx2(const uint8_t *p, size_t bytes) {
    __m256i s[4] = {_mm256_setzero_si256(), _mm256_setzero_si256(), _mm256_setzero_si256(), _mm256_setzero_si256()};
    for (size_t i = 0; i + 128 <= bytes; i += 128)
        for (int k = 0; k < 4; k++) s[k] = _mm256_xor_si256(s[k], _mm256_load_si256((const __m256i *)(const void *)(p + i + 32 * k)));
    const __m256i a = _mm256_xor_si256(_mm256_xor_si256(s[0], s[1]), _mm256_xor_si256(s[2], s[3]));
    return (uint64_t)_mm256_extract_epi64(a, 0) ^ (uint64_t)_mm256_extract_epi64(a, 2);
}

int roof_mac_avx2(uint64_t rounds) {
    enum { CHAINS = 12 };
    const __m256i ones = _mm256_set1_epi16(1);
    __m256i acc[CHAINS], a = _mm256_set1_epi8(3), b = _mm256_set1_epi8(5);
    for (int k = 0; k < CHAINS; k++) acc[k] = _mm256_setzero_si256();
    for (uint64_t r = 0; r < rounds; r++) {
        for (int k = 0; k < CHAINS; k++) {
            __m256i x = a;
            __asm__("" : "+x"(x)); /* each product is computed anew */
            acc[k] = _mm256_add_epi32(acc[k], _mm256_madd_epi16(_mm256_maddubs_epi16(x, b), ones));
        }
    }
    for (int k = 1; k < CHAINS; k++) acc[0] = _mm256_add_epi32(acc[0], acc[k]);
    return _mm256_extract_epi32(acc[0], 0);
}
#endif
