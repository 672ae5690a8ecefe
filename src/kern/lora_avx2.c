/* LoRA on AVX2, half a tile of B in a register. */
#include "lanes_avx2.h"

typedef __m256i pairs;
enum { LANES = 8 };

ALWAYS_INLINE floats load_row(const float *p) { return _mm256_loadu_ps(p); }
typedef __m256i fours;
ALWAYS_INLINE fours load_fours(const uint8_t *p) { return _mm256_loadu_si256((const __m256i *)(const void *)p); }

/* Magnitudes of A times activations with its signs: two products fit 16 bits. The factor 2^shift widens them. */
ALWAYS_INLINE ints stripe_sum(ints sum, const fours w[8], const roma_act *a, uint64_t c) {
    for (uint64_t k = 0; k < 8; k++) {
        int32_t four;
        memcpy(&four, a->code + c + 4 * k, 4);
        const ints p = _mm256_maddubs_epi16(_mm256_abs_epi8(w[k]), _mm256_sign_epi8(set_ints(four), w[k]));
        sum = add_ints(sum, _mm256_madd_epi16(p, set_ints((int32_t)a->mult[c / 8 + k / 2])));
    }
    return sum;
}

ALWAYS_INLINE pairs load_pairs(const uint8_t *p) {
    return _mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)(const void *)p));
}
ALWAYS_INLINE ints dot_pairs(ints sum, pairs w, int32_t two) {
    return add_ints(sum, _mm256_madd_epi16(w, set_ints(two)));
}

/* FP8 becomes FP16 with an exponent 8 too small. */
ALWAYS_INLINE void load_values(unsigned type, const uint8_t *p, floats out[2]) {
    if (type == ROMA_B_F16) { /* 16 bits of every 32 packed: within 128 bits, so that halves have to change places */
        const __m256i v = _mm256_loadu_si256((const __m256i *)(const void *)p),
                      low = _mm256_and_si256(v, set_ints(0xffff));
        const __m256i both = _mm256_permute4x64_epi64(_mm256_packus_epi32(low, _mm256_srli_epi32(v, 16)), 0xd8);
        out[0] = _mm256_cvtph_ps(_mm256_castsi256_si128(both));
        out[1] = _mm256_cvtph_ps(_mm256_extracti128_si256(both, 1));
        return;
    }
    const __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p), sign = _mm_set1_epi16(-0x8000),
                  rest = _mm_set1_epi16(0x3f80);
    const __m128i even =
        _mm_or_si128(_mm_and_si128(_mm_slli_epi16(v, 8), sign), _mm_and_si128(_mm_slli_epi16(v, 7), rest));
    const __m128i odd = _mm_or_si128(_mm_and_si128(v, sign), _mm_and_si128(_mm_srli_epi16(v, 1), rest));
    out[0] = mul(_mm256_cvtph_ps(even), set_floats(256));
    out[1] = mul(_mm256_cvtph_ps(odd), set_floats(256));
}

#include "lora.h"

void roma_lora_product_avx2(uint64_t cols, unsigned group, const uint8_t *tiles, size_t n_tiles,
                            const roma_act *const *acts, size_t n, float *out, size_t stride) {
    lora_product(cols, group, tiles, n_tiles, acts, n, out, stride);
}

void roma_lora_add_avx2(const roma_lora_b *b, size_t n_tiles, const int16_t *codes, size_t stride, const float *t,
                        size_t n, float *const *y) {
    lora_add(b, n_tiles, codes, stride, t, n, y);
}
