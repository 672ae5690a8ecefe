/* What AVX2 and AVX-VNNI share: how many rows walk a tile; levels and activations of 16 bits, for levels that leave no
 * room for sums in 16 bits, which are class LEVELS of half.h. The file that includes this one has add_products(sum, w,
 * a): two products a lane, added to sums of 32 bits. */
#ifndef ROMA_KERN_WIDE_AVX2_H
#define ROMA_KERN_WIDE_AVX2_H

#include "unpack_avx2.h"
#include "walk.h"

/* Measured on Zen 4: where codes or scales take more to unpack, blocks are quicker from the second group of rows on. */
enum { FEW = 4 };
ALWAYS_INLINE size_t few_rows(const job *j, unsigned bits) {
    const bool quick = bits == 2 || bits == 4 || is_signed(bits);
    return quick && j->kind != GROUP_16 ? 2 * FEW : FEW;
}

/* A stripe of a row: values code * 2^shift, inputs (0, 2), (1, 3) of each four. */
typedef struct {
    int32_t pair[16];
    int32_t pad[12];
    int32_t bias[2];
    float z[2];
} wide_record;
_Static_assert(sizeof(wide_record) == WIDE_RECORD, "wide_record");

static inline void pack_wide(void *rec, const roma_act *a, uint64_t s) {
    const __m256i order =
        _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15));
    for (uint64_t h = 0; h < 2; h++) {
        const __m256i code =
            _mm256_cvtepi8_epi16(_mm_load_si128((const __m128i *)(const void *)(a->code + 32 * s + 16 * h)));
        const __m128i first = _mm_set1_epi32((int)a->mult[4 * s + 2 * h]),
                      second = _mm_set1_epi32((int)a->mult[4 * s + 2 * h + 1]);
        const __m256i value =
            _mm256_mullo_epi16(code, _mm256_inserti128_si256(_mm256_castsi128_si256(first), second, 1));
        _mm256_store_si256((__m256i *)rec + h, _mm256_shuffle_epi8(value, order));
    }
}

ALWAYS_INLINE size_t record_bytes(int class) { return class == LEVELS ? sizeof(wide_record) : sizeof(record); }
ALWAYS_INLINE const int32_t *record_bias(const void *rec, size_t i, int class) {
    return class == LEVELS ? ((const wide_record *)rec)[i].bias : ((const record *)rec)[i].bias;
}
ALWAYS_INLINE const float *record_z(const void *rec, size_t i, int class) {
    return class == LEVELS ? ((const wide_record *)rec)[i].z : ((const record *)rec)[i].z;
}

/* 16-bit levels of four codes, or signed levels, a lane: of the even inputs, and of the odd ones. */
ALWAYS_INLINE void widen(const job *j, unsigned bits, __m256i v, __m256i w[2]) {
    if (bits == FINE) {
        const __m256i low = _mm256_set1_epi16(255), a = fine_part(j, 0, v), b = fine_part(j, 1, v);
        w[0] = _mm256_or_si256(_mm256_and_si256(a, low), _mm256_slli_epi16(b, 8));
        w[1] = _mm256_or_si256(_mm256_srli_epi16(a, 8), _mm256_andnot_si256(low, b));
        return;
    }
    w[0] = _mm256_srai_epi16(_mm256_slli_epi16(v, 8), 8);
    w[1] = _mm256_srai_epi16(v, 8);
}

/* sum[2 * r + h] += pair p of row r, whose levels are w0 and w1 in the two halves of the tile. */
ALWAYS_INLINE void add_wide(const void *rec, size_t row, int rows, int p, __m256i w0, __m256i w1, __m256i sum[SUMS]) {
    for (int r = 0; r < rows; r++) {
        const __m256i a = keep(broadcast(&((const wide_record *)rec + row + r)->pair[p]));
        sum[2 * r] = keep(add_products(sum[2 * r], w0, a));
        sum[2 * r + 1] = keep(add_products(sum[2 * r + 1], w1, a));
    }
}

/* A few rows: w[half of the tile] are the codes of sub-group b. */
ALWAYS_INLINE void wide_rows(const walk *k, const void *rec, int b, const __m256i w[2][2], __m256i sum[SUMS]) {
    for (int i = 0; i < 2; i++) {
        __m256i v[2][2];
        for (int h = 0; h < 2; h++) widen(k->j, k->bits, w[h][i], v[h]);
        for (int p = 0; p < 2; p++) add_wide(rec, 0, k->rows, 4 * b + 2 * i + p, v[0][p], v[1][p], sum);
    }
}

#endif
