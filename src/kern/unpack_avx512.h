/* Codes and scales of a tile into 512-bit registers (docs/rom-format.md "Tiles"). */
#ifndef ROMA_KERN_UNPACK_AVX512_H
#define ROMA_KERN_UNPACK_AVX512_H

#include "simd512.h"

/* a | (b & mask) */
ALWAYS_INLINE __m512i or_masked(__m512i a, __m512i b, __m512i mask) {
    return _mm512_ternarylogic_epi32(a, b, mask, 0xf8);
}

/* Field k of `bits` bits of each byte, moved to bit position `to`; the other bits are garbage. */
ALWAYS_INLINE __m512i field_at(__m512i v, int from, int to) {
    return from > to ? shift_right_16(v, from - to) : from < to ? shift_left_16(v, to - from) : v;
}

/* A block of a plane. The empty asm keeps it in a register: compilers would rather read it once per field. */
ALWAYS_INLINE __m512i plane(const uint8_t *p) {
    __m512i v = _mm512_load_si512(p);
#ifndef ROMA_SIMDE
    __asm__("" : "+v"(v));
#endif
    return v;
}

/* Bit at which unpack leaves the codes of sub-group b when they may lie anywhere. */
ALWAYS_INLINE int place_of(unsigned bits, unsigned b) { return bits <= 3 && b % 2 ? 4 : 0; }

ALWAYS_INLINE __m512i byte_table(const uint8_t *p) {
    return _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)(const void *)p));
}

/* Codes of sub-group b of a stripe for 16 rows: w[i] has those of inputs 8b + 4i to 8b + 4i + 3, times 2^place_of if
 * they may lie anywhere. */
ALWAYS_INLINE void unpack_pair(unsigned bits, const job *j, const uint8_t *lo, const uint8_t *hi, unsigned b,
                               bool anywhere, __m512i w[2]) {
    const int place = anywhere ? place_of(bits, b) : 0, field = (int)(b % 2) * 4; /* of 2 bits */
    if (bits == 8) {
        for (unsigned i = 0; i < 2; i++)
            w[i] = _mm512_xor_si512(_mm512_load_si512(lo + 128 * b + 64 * i), _mm512_set1_epi8(-128));
        return;
    }
    const __m512i p = plane(lo + 64 * (bits <= 3 ? b / 2 : b)),
                  mask = _mm512_set1_epi8((char)(bits <= 3 ? 3 << place : 15));
    for (int i = 0; i < 2; i++)
        w[i] = _mm512_and_si512(bits <= 3 ? field_at(p, field + 2 * i, place) : field_at(p, 4 * i, 0), mask);
    if (bits == 3 || bits == 5) {
        const __m512i h = plane(hi);
        const int to = bits == 5 ? 4 : 2 + place;
        for (int i = 0; i < 2; i++)
            w[i] = or_masked(w[i], field_at(h, 2 * (int)b + i, to), _mm512_set1_epi8((char)(1 << to)));
    } else if (bits == 6) {
        const __m512i h = plane(hi + 64 * (b / 2));
        for (int i = 0; i < 2; i++) w[i] = or_masked(w[i], field_at(h, field + 2 * i, 4), _mm512_set1_epi8(48));
    } else if (bits == TABLE) {
        const __m512i table = byte_table(j->table);
        for (int i = 0; i < 2; i++) w[i] = _mm512_shuffle_epi8(table, w[i]);
    }
}

/* Codes of a stripe, those of its four sub-groups. */
ALWAYS_INLINE void unpack(unsigned bits, const job *j, const uint8_t *lo, const uint8_t *hi, bool anywhere,
                          __m512i w[8]) {
    for (unsigned b = 0; b < 4; b++) unpack_pair(bits, j, lo, hi, b, anywhere, w + 2 * b);
}

ALWAYS_INLINE __m512 load_f16(const uint8_t *p) {
    return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(const void *)p));
}

/* The 16 integers of a group. */
ALWAYS_INLINE __m512i group_integers(unsigned form, const uint8_t *p) {
    if (form == ROMA_SCALE_S8) return _mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)(const void *)p));
    const __m128i low = _mm_loadl_epi64((const __m128i *)(const void *)p);
    __m128i v = _mm_and_si128(_mm_unpacklo_epi64(low, _mm_srli_epi16(low, 4)), _mm_set1_epi8(15));
    if (form != ROMA_SCALE_U4) {
        int32_t high;
        memcpy(&high, p + 8, sizeof high);
        const __m128i h = _mm_sllv_epi32(_mm_set1_epi32(high), _mm_setr_epi32(4, 2, 0, 0));
        const __m128i fields = _mm_blend_epi32(h, _mm_srli_epi32(_mm_set1_epi32(high), 2), 8);
        v = _mm_or_si128(v, _mm_and_si128(fields, _mm_set1_epi8(48)));
    }
    const __m512i wide = _mm512_cvtepu8_epi32(v);
    return form == ROMA_SCALE_S6 ? _mm512_sub_epi32(wide, _mm512_set1_epi32(32)) : wide;
}

/* FP32 scales (and minima) of super-group c of a tile, for integer scales. */
static NOINLINE void expand_chunk(job *j, const uint8_t *tile, uint64_t c, int slot) {
    const unsigned form = j->f->scale, groups = 256u / j->f->group;
    const size_t bytes = group_bytes(form);
    for (int part = 0; part < (j->f->min ? 2 : 1); part++) {
        const __m512 super = load_f16(tile + (part ? j->l.super_min : j->l.super_scale) + 32 * c);
        const uint8_t *p = tile + (part ? j->l.min : j->l.scale) + bytes * groups * c;
        for (unsigned g = 0; g < groups; g++, p += bytes)
            _mm512_store_ps(j->chunk[slot][part][g], _mm512_mul_ps(_mm512_cvtepi32_ps(group_integers(form, p)), super));
    }
}

/* Scales (part 0) or minima (part 1) of group g. */
ALWAYS_INLINE __m512 scale_of(const job *j, const uint8_t *tile, uint64_t g, int slot, int part) {
    if (j->ints) return _mm512_load_ps(j->chunk[slot][part][g & j->chunk_mask]);
    if (j->f->scale == ROMA_SCALE_F32) return _mm512_loadu_ps(tile + j->l.scale + 64 * g);
    return load_f16(tile + (part ? j->l.min : j->l.scale) + 32 * g);
}

/* What the leaves of group g have beside scales: minima, or the bits of own zero points. */
ALWAYS_INLINE __m512 extra_at(const job *j, const uint8_t *tile, uint64_t g, int slot, unsigned extra) {
    if (extra == WITH_MIN) return scale_of(j, tile, g, slot, 1);
    if (extra == ALONE) return _mm512_setzero_ps();
    const bool nibbles = j->f->zeros == ROMA_ZEROS_U4;
    return _mm512_castsi512_ps(
        group_integers(nibbles ? ROMA_SCALE_U4 : ROMA_SCALE_S8, tile + j->l.zeros + (nibbles ? 8 : 16) * g));
}

#endif
