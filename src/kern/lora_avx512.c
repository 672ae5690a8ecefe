/* LoRA on AVX-512 with VNNI: a whole tile of B in a register. */
#include "simd512.h"

#include "product.h"

typedef __m512i ints;
typedef __m512 floats;
typedef __m512i pairs;
enum { LANES = 16 };

ALWAYS_INLINE void prefetch(const void *p) { __builtin_prefetch(p, 0, 2); }
ALWAYS_INLINE ints set_ints(int32_t i) { return _mm512_set1_epi32(i); }
ALWAYS_INLINE floats to_floats(ints v) { return _mm512_cvtepi32_ps(v); }
ALWAYS_INLINE floats set_floats(float f) { return _mm512_set1_ps(f); }
ALWAYS_INLINE floats add(floats a, floats b) { return _mm512_add_ps(a, b); }
ALWAYS_INLINE floats mul(floats a, floats b) { return _mm512_mul_ps(a, b); }
ALWAYS_INLINE floats load_row(const float *p) { return _mm512_loadu_ps(p); }
ALWAYS_INLINE void store_row(float *p, floats v) { _mm512_storeu_ps(p, v); }

/* Unsigned codes, 128 too large. */
typedef __m512i fours;
ALWAYS_INLINE fours load_fours(const uint8_t *p) {
    return _mm512_xor_si512(_mm512_loadu_si512(p), _mm512_set1_epi8(-128));
}

ALWAYS_INLINE ints four_codes(const roma_act *a, uint64_t c) {
    int32_t four;
    memcpy(&four, a->code + c, 4);
    return _mm512_set1_epi32(four);
}

ALWAYS_INLINE ints stripe_sum(ints sum, const fours w[8], const roma_act *a, uint64_t c) {
    sum = _mm512_add_epi32(sum, _mm512_set1_epi32(-128 * a->sum32[c / 32]));
    for (uint64_t b = 0; b < 4; b++) {
        const ints low = _mm512_dpbusd_epi32(_mm512_setzero_si512(), w[2 * b], four_codes(a, c + 8 * b));
        const ints p = _mm512_dpbusd_epi32(low, w[2 * b + 1], four_codes(a, c + 8 * b + 4));
        sum = _mm512_add_epi32(sum, _mm512_sllv_epi32(p, _mm512_set1_epi32(a->shift[c / 8 + b])));
    }
    return sum;
}

ALWAYS_INLINE pairs load_pairs(const uint8_t *p) {
    return _mm512_cvtepi8_epi16(_mm256_loadu_si256((const __m256i *)(const void *)p));
}
ALWAYS_INLINE ints dot_pairs(ints sum, pairs w, int32_t two) {
    return _mm512_dpwssd_epi32(sum, w, _mm512_set1_epi32(two));
}

/* FP8 becomes FP16 with an exponent 8 too small. */
ALWAYS_INLINE void load_values(unsigned type, const uint8_t *p, floats out[2]) {
    if (type == ROMA_B_F16) {
        const __m512i v = _mm512_loadu_si512(p);
        out[0] = _mm512_cvtph_ps(_mm512_cvtepi32_epi16(v));
        out[1] = _mm512_cvtph_ps(_mm512_cvtepi32_epi16(_mm512_srli_epi32(v, 16)));
        return;
    }
    const __m256i v = _mm256_loadu_si256((const __m256i *)(const void *)p), sign = _mm256_set1_epi16(-0x8000),
                  rest = _mm256_set1_epi16(0x3f80);
    const __m256i even = _mm256_or_si256(_mm256_and_si256(_mm256_slli_epi16(v, 8), sign),
                                         _mm256_and_si256(_mm256_slli_epi16(v, 7), rest));
    const __m256i odd = _mm256_or_si256(_mm256_and_si256(v, sign), _mm256_and_si256(_mm256_srli_epi16(v, 1), rest));
    out[0] = mul(_mm512_cvtph_ps(even), set_floats(256));
    out[1] = mul(_mm512_cvtph_ps(odd), set_floats(256));
}

#include "lora.h"

void roma_lora_product_avx512(uint64_t cols, unsigned group, const uint8_t *tiles, size_t n_tiles,
                              const roma_act *const *acts, size_t n, float *out, size_t stride) {
    lora_product(cols, group, tiles, n_tiles, acts, n, out, stride);
}

void roma_lora_add_avx512(const roma_lora_b *b, size_t n_tiles, const int16_t *codes, size_t stride, const float *t,
                          size_t n, float *const *y) {
    lora_add(b, n_tiles, codes, stride, t, n, y);
}
