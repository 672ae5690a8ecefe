/* SHA-256 blocks with the SHA extensions: two rounds per instruction, four schedule words per register. */
#include "base/internal.h"

#ifdef __x86_64__
#include <immintrin.h>

static inline __m128i load(const void *p) { return _mm_loadu_si128(p); }

/* Rounds 4i..4i+3, and the words that round 4i+16 will need in place of those just used. */
#define QUAD(i, m0, m1, m2, m3)                                                                                        \
    do {                                                                                                               \
        __m128i wk = _mm_add_epi32(m0, load(roma_sha256_k + 4 * (i)));                                                 \
        cdgh = _mm_sha256rnds2_epu32(cdgh, abef, wk);                                                                  \
        abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(wk, 0x0e));                                         \
        if ((i) < 12)                                                                                                  \
            m0 = _mm_sha256msg2_epu32(_mm_add_epi32(_mm_sha256msg1_epu32(m0, m1), _mm_alignr_epi8(m3, m2, 4)), m3);    \
    } while (0)

#define SIXTEEN(i)                                                                                                     \
    do {                                                                                                               \
        QUAD(i, w0, w1, w2, w3);                                                                                       \
        QUAD(i + 1, w1, w2, w3, w0);                                                                                   \
        QUAD(i + 2, w2, w3, w0, w1);                                                                                   \
        QUAD(i + 3, w3, w0, w1, w2);                                                                                   \
    } while (0)

void roma_sha256_blocks_shani(uint32_t state[8], const uint8_t *p, size_t n) {
    const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
    /* The instructions want the state as ABEF and CDGH, highest lane first. */
    __m128i badc = _mm_shuffle_epi32(load(state), 0xb1), efgh = _mm_shuffle_epi32(load(state + 4), 0x1b);
    __m128i abef = _mm_alignr_epi8(badc, efgh, 8), cdgh = _mm_blend_epi16(efgh, badc, 0xf0);
    for (; n; n--, p += 64) {
        __m128i abef0 = abef, cdgh0 = cdgh;
        __m128i w0 = _mm_shuffle_epi8(load(p), swap), w1 = _mm_shuffle_epi8(load(p + 16), swap);
        __m128i w2 = _mm_shuffle_epi8(load(p + 32), swap), w3 = _mm_shuffle_epi8(load(p + 48), swap);
        SIXTEEN(0);
        SIXTEEN(4);
        SIXTEEN(8);
        SIXTEEN(12);
        abef = _mm_add_epi32(abef, abef0);
        cdgh = _mm_add_epi32(cdgh, cdgh0);
    }
    __m128i feba = _mm_shuffle_epi32(abef, 0x1b), dchg = _mm_shuffle_epi32(cdgh, 0xb1);
    _mm_storeu_si128((void *)state, _mm_blend_epi16(feba, dchg, 0xf0));
    _mm_storeu_si128((void *)(state + 4), _mm_alignr_epi8(dchg, feba, 8));
}
#endif
