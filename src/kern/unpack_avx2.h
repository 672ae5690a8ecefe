/* Codes and scales of half a tile, eight rows, into 256-bit registers (docs/rom-format.md "Tiles"). */
#ifndef ROMA_KERN_UNPACK_AVX2_H
#define ROMA_KERN_UNPACK_AVX2_H

#include "lanes_avx2.h"

ALWAYS_INLINE __m256i plane(const uint8_t *p) { return keep(_mm256_load_si256((const __m256i *)(const void *)p)); }

/* Bits from `from` on of each byte, moved to bit position `to`, under a mask. */
ALWAYS_INLINE __m256i field(__m256i v, int from, int to, int mask) {
    const __m256i moved = from > to ? shift_right_16(v, from - to) : from < to ? shift_left_16(v, to - from) : v;
    return _mm256_and_si256(moved, _mm256_set1_epi8((char)mask));
}

ALWAYS_INLINE __m256i byte_table(const uint8_t *p) {
    return _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)p));
}

/* Bytes of one part of the fine levels of codes. */
ALWAYS_INLINE __m256i fine_part(const job *j, int part, __m256i codes) {
    return _mm256_shuffle_epi8(byte_table(j->fine[part]), codes);
}

/* w[i] = codes of inputs 4i..4i+3 of sub-group b of a stripe; of 8-bit codes and tables the signed levels, or with
 * SIGNED_OFFSET 128 unsigned ones; of fine tables the codes. lo and hi point to this half of the stripe's first blocks.
 */
ALWAYS_INLINE void unpack_subgroup(unsigned bits, const job *j, const uint8_t *lo, const uint8_t *hi, int b,
                                   __m256i w[2]) {
    if (bits == 8) {
        for (int i = 0; i < 2; i++) {
            w[i] = plane(lo + 64 * (2 * b + i));
            if (SIGNED_OFFSET) w[i] = _mm256_xor_si256(w[i], _mm256_set1_epi8(-128));
        }
        return;
    }
    const __m256i p = plane(lo + 64 * (bits <= 3 ? b / 2 : b));
    const __m256i h = bits == 6 ? plane(hi + 64 * (b / 2)) : bits == 3 || bits == 5 ? plane(hi) : p;
    const __m256i table = bits == TABLE ? byte_table(j->table) : p;
    for (int i = 0; i < 2; i++) {
        const int two = 4 * (b % 2) + 2 * i; /* bit of a field of two in its byte */
        w[i] = bits <= 3 ? field(p, two, 0, 3) : field(p, 4 * i, 0, 15);
        if (bits == 3) w[i] = _mm256_or_si256(w[i], field(h, 2 * b + i, 2, 4));
        if (bits == 5) w[i] = _mm256_or_si256(w[i], field(h, 2 * b + i, 4, 16));
        if (bits == 6) w[i] = _mm256_or_si256(w[i], field(h, two, 4, 48));
        if (bits == TABLE) w[i] = _mm256_shuffle_epi8(table, w[i]);
    }
}

ALWAYS_INLINE void unpack(unsigned bits, const job *j, const uint8_t *lo, const uint8_t *hi, __m256i w[8]) {
    for (int b = 0; b < 4; b++) unpack_subgroup(bits, j, lo, hi, b, w + 2 * b);
}

ALWAYS_INLINE __m256 load_f16(const uint8_t *p) {
    return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)p));
}

/* FP32 scales of the super-groups of chunk c, for integer scales and minima. */
ALWAYS_INLINE void begin_chunk(job *j, const uint8_t *tile, uint64_t c, bool min) {
    for (size_t h = 0; h < 2; h++) {
        _mm256_store_ps(j->super[0] + 8 * h, load_f16(tile + j->l.super_scale + 32 * c + 16 * h));
        if (min) _mm256_store_ps(j->super[1] + 8 * h, load_f16(tile + j->l.super_min + 32 * c + 16 * h));
    }
}

/* Integers of a group: 4-bit ones, two rows to a byte, and the upper two bits of 6-bit ones, four rows to a byte. */
ALWAYS_INLINE void group_integers(unsigned form, const uint8_t *p, __m256i out[2]) {
    const __m256i low = keep(_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)p)));
    out[0] = _mm256_and_si256(low, _mm256_set1_epi32(15));
    out[1] = _mm256_srli_epi32(low, 4);
    if (form == ROMA_SCALE_U4) return;
    int32_t four;
    memcpy(&four, p + 8, sizeof four);
    const __m256i high = _mm256_cvtepu8_epi32(_mm_set1_epi32(four)), mask = _mm256_set1_epi32(48);
    out[0] = _mm256_or_si256(
        out[0], _mm256_and_si256(_mm256_sllv_epi32(high, _mm256_setr_epi32(4, 4, 4, 4, 2, 2, 2, 2)), mask));
    out[1] = _mm256_or_si256(
        out[1], _mm256_and_si256(_mm256_srlv_epi32(high, _mm256_setr_epi32(0, 0, 0, 0, 2, 2, 2, 2)), mask));
    for (int h = 0; form == ROMA_SCALE_S6 && h < 2; h++) out[h] = _mm256_sub_epi32(out[h], _mm256_set1_epi32(32));
}

/* Scales (part 0) or minima (part 1) of group g, of both halves. */
ALWAYS_INLINE void scales_of(const job *j, const uint8_t *tile, uint64_t g, int part, unsigned form, __m256 out[2]) {
    const uint8_t *p = tile + (part ? j->l.min : j->l.scale);
    __m256i v[2];
    switch (form) {
    case ROMA_SCALE_U4: group_integers(form, p + 8 * g, v); break;
    case ROMA_SCALE_U6:
    case ROMA_SCALE_S6: group_integers(form, p + 12 * g, v); break;
    case ROMA_SCALE_S8:
        for (size_t h = 0; h < 2; h++)
            v[h] = _mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)(p + 16 * g + 8 * h)));
        break;
    case ROMA_SCALE_F32:
        for (size_t h = 0; h < 2; h++) out[h] = _mm256_loadu_ps((const float *)(const void *)(p + 64 * g + 32 * h));
        return;
    default:
        for (size_t h = 0; h < 2; h++) out[h] = load_f16(p + 32 * g + 16 * h);
        return;
    }
    for (size_t h = 0; h < 2; h++)
        out[h] = _mm256_mul_ps(_mm256_cvtepi32_ps(v[h]), _mm256_load_ps(j->super[part] + 8 * h));
}

/* Own zero points of group g, as the bits of both halves. */
ALWAYS_INLINE void zeros_of(const job *j, const uint8_t *tile, uint64_t g, __m256 out[2]) {
    const uint8_t *p = tile + j->l.zeros;
    __m256i v[2];
    if (j->f->zeros == ROMA_ZEROS_U4)
        group_integers(ROMA_SCALE_U4, p + 8 * g, v);
    else
        for (size_t h = 0; h < 2; h++)
            v[h] = _mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)(p + 16 * g + 8 * h)));
    for (size_t h = 0; h < 2; h++) out[h] = _mm256_castsi256_ps(v[h]);
}

#endif
