/* Roofs with AVX-512: wide loads, and vpdpbusd. */
#include "roof.h"

#ifdef __AVX512VNNI__
#include <immintrin.h>

uint64_t roof_read_avx512(const uint8_t *p, size_t bytes) {
    __m512i s[4] = {_mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512()};
    for (size_t i = 0; i + 256 <= bytes; i += 256)
        for (int k = 0; k < 4; k++) s[k] = _mm512_xor_si512(s[k], _mm512_load_si512(p + i + 64 * k));
    return (uint64_t)_mm512_reduce_or_epi64(_mm512_xor_si512(_mm512_xor_si512(s[0], s[1]), _mm512_xor_si512(s[2], s[3])));
}

int roof_mac_avx512(uint64_t rounds) {
    enum { CHAINS = 16 };
    const __m512i a = _mm512_set1_epi8(3), b = _mm512_set1_epi8(5);
    __m512i acc[CHAINS];
    for (int k = 0; k < CHAINS; k++) acc[k] = _mm512_setzero_si512();
    for (uint64_t r = 0; r < rounds; r++)
        for (int k = 0; k < CHAINS; k++) acc[k] = _mm512_dpbusd_epi32(acc[k], a, b);
    for (int k = 1; k < CHAINS; k++) acc[0] = _mm512_add_epi32(acc[0], acc[k]);
    return _mm512_reduce_add_epi32(acc[0]);
}
#endif
