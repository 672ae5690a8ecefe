/* Products on AVX2: docs/numerics.md section 3, eight rows in eight lanes, a tile as two halves.
 *
 * vpmaddubsw sums two products of an unsigned code and an activation in 16 bits; codes of up to 6 bits leave room to add
 * two of those before vpmaddwd widens them, and its factor, 2^shift, applies the shift for nothing. Codes of up to 5 bits
 * leave room for four: then two sub-groups, interleaved by pairs of inputs, share one vpmaddwd with a factor each.
 * Signed levels (8 bits, tables) are widened and meet the shifted activations in 16 bits. */
#define SIGNED_OFFSET 0
#include "unpack_avx2.h"
#include "vector.h"

enum { CODES_5, CODES_6, LEVELS }; /* unsigned of up to 5 bits, of 6 bits, signed */
#define CLASSES 3
ALWAYS_INLINE int class_of(unsigned bits) { return is_signed(bits) ? LEVELS : bits == 6 ? CODES_6 : CODES_5; }

/* ---- records: interleaved by pairs, in order for one row, or shifted and wide ---------------------- */

static void pack(job *j, int class, bool one_row) {
    if (class == LEVELS) pack_wide_records(j);
    else pack_records(j, one_row ? PACK_MULT : PACK_PAIRS);
}
ALWAYS_INLINE size_t record_bytes(int class) { return class == LEVELS ? sizeof(wide_record) : sizeof(record); }
ALWAYS_INLINE const int32_t *record_bias(const void *rec, size_t i, int class) {
    return class == LEVELS ? ((const wide_record *)rec)[i].bias : ((const record *)rec)[i].bias;
}
ALWAYS_INLINE const float *record_z(const void *rec, size_t i, int class) {
    return class == LEVELS ? ((const wide_record *)rec)[i].z : ((const record *)rec)[i].z;
}

/* ---- integers -------------------------------------------------------------------------------------- */

ALWAYS_INLINE __m256i broadcast(const void *p) { return _mm256_set1_epi32(*(const int32_t *)p); }

/* Four inputs of signed levels. */
ALWAYS_INLINE __m256i signed_four(__m256i w, const int32_t pair[2]) {
    const __m256i even = _mm256_madd_epi16(_mm256_srai_epi16(_mm256_slli_epi16(w, 8), 8), _mm256_set1_epi32(pair[0]));
    return _mm256_add_epi32(even, _mm256_madd_epi16(_mm256_srai_epi16(w, 8), _mm256_set1_epi32(pair[1])));
}

/* Integers of the two half stripes of half h: sum[0] of inputs 0..15, sum[1] of 16..31. */
ALWAYS_INLINE void row_sums(const job *j, const uint8_t *tile, unsigned bits, uint64_t s, unsigned h, __m256i sum[2]) {
    __m256i w[8];
    unpack(bits, j, tile + s * lo_bytes(bits) + 32 * h,
           tile + j->l.plane_hi + s * hi_bytes(bits) + 32 * h, w);
    for (int i = 0; i < 2; i++) {
        if (is_signed(bits)) {
            const wide_record *r = (const wide_record *)j->records + s;
            sum[i] = _mm256_set1_epi32(r->bias[i]);
            for (int v = 4 * i; v < 4 * i + 4; v++) sum[i] = _mm256_add_epi32(sum[i], signed_four(w[v], r->pair + 2 * v));
        } else {
            const record *r = (const record *)j->records + s;
            sum[i] = _mm256_set1_epi32(r->bias[i]);
            for (int b = 2 * i; b < 2 * i + 2; b++) {
                const __m256i p = _mm256_add_epi16(_mm256_maddubs_epi16(w[2 * b], broadcast(&r->code[2 * b])),
                                                   _mm256_maddubs_epi16(w[2 * b + 1], broadcast(&r->code[2 * b + 1])));
                sum[i] = _mm256_add_epi32(sum[i], _mm256_madd_epi16(p, broadcast(&r->shift[b])));
            }
        }
    }
}

/* Integer of half stripe i of a row: w holds its interleaved codes, or widened levels in memory. */
ALWAYS_INLINE __m256i half_stripe(const void *rec, size_t row, const __m256i *w, int i, int class, __m256i sum) {
    if (class == LEVELS) {
        const wide_record *r = (const wide_record *)rec + row;
        for (int p = 8 * i; p < 8 * i + 8; p++) sum = _mm256_add_epi32(sum, _mm256_madd_epi16(w[p], broadcast(&r->pair[p])));
        return sum;
    }
    const record *r = (const record *)rec + row;
    const __m256i a = _mm256_add_epi16(_mm256_maddubs_epi16(w[4 * i], broadcast(&r->code[4 * i])),
                                       _mm256_maddubs_epi16(w[4 * i + 1], broadcast(&r->code[4 * i + 1])));
    const __m256i b = _mm256_add_epi16(_mm256_maddubs_epi16(w[4 * i + 2], broadcast(&r->code[4 * i + 2])),
                                       _mm256_maddubs_epi16(w[4 * i + 3], broadcast(&r->code[4 * i + 3])));
    const __m256i f = broadcast(&r->shift[i]);
    if (class == CODES_5) return _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_add_epi16(a, b), f));
    return _mm256_add_epi32(sum, _mm256_add_epi32(_mm256_madd_epi16(a, f), _mm256_madd_epi16(b, f)));
}

/* Codes of a stripe in the order of the records: interleaved by pairs, or widened to (even, odd). */
ALWAYS_INLINE void arrange(const __m256i v[8], int class, __m256i w[16]) {
    if (class == LEVELS) {
        for (int i = 0; i < 8; i++) {
            w[2 * i] = _mm256_srai_epi16(_mm256_slli_epi16(v[i], 8), 8);
            w[2 * i + 1] = _mm256_srai_epi16(v[i], 8);
        }
        return;
    }
    for (int i = 0; i < 8; i += 4)
        for (int b = 0; b < 2; b++) {
            w[i + 2 * b] = _mm256_blend_epi16(v[i + b], _mm256_slli_epi32(v[i + b + 2], 16), 0xaa);
            w[i + 2 * b + 1] = _mm256_blend_epi16(_mm256_srli_epi32(v[i + b], 16), v[i + b + 2], 0xaa);
        }
}

#include "half.h"

const roma_kern roma_kern_table_avx2 = {.name = "avx2", .product = product, .lora_add = roma_lora_add_avx2, VECTOR_ENTRIES(avx2), ATTEND_ENTRIES(avx2)};
