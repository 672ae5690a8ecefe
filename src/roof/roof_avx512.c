/* The roof of 8-bit products with AVX-512: vpdpbusd. */
#include "roof/internal.h"

#ifdef __AVX512VNNI__
#include <immintrin.h>

#define SUMS(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11)
#define DECLARE(i) __m512i s##i = _mm512_setzero_si512();
#define STEP(i) __asm__ volatile("vpdpbusd %2, %1, %0" : "+v"(s##i) : "v"(u), "v"(w));
#define KEEP(i) __asm__ volatile("" ::"v"(s##i));

void roma_roof_mac_avx512(uint64_t rounds) {
    const __m512i u = _mm512_set1_epi8(3), w = _mm512_set1_epi8(5);
    SUMS(DECLARE)
    for (uint64_t n = 0; n < rounds; n++) {
        SUMS(STEP)
    }
    SUMS(KEEP)
}
#endif
