/* The roof of 8-bit products with AVX-512: vpdpbusd. */
#include "roof/internal.h"

#ifdef __AVX512VNNI__
#include <immintrin.h>

#define DECLARE(i) __m512i s##i = _mm512_setzero_si512();
#define STEP(i) __asm__ volatile("vpdpbusd %2, %1, %0" : "+v"(s##i) : "v"(u), "v"(w));
#define KEEP(i) __asm__ volatile("" ::"v"(s##i));

void roma_roof_mac_avx512(uint64_t rounds) {
    const __m512i u = _mm512_set1_epi8(3), w = _mm512_set1_epi8(5);
    ROOF_LOOP(DECLARE, STEP, KEEP, rounds)
}
#endif
