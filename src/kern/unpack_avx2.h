/* Codes and scales of half a tile, eight rows, into 256-bit registers (docs/rom-format.md "Tiles"). */
#ifndef ROMA_KERN_UNPACK_AVX2_H
#define ROMA_KERN_UNPACK_AVX2_H

#include "lanes_avx2.h"

/* The half of a plane's block, kept in a register: compilers would rather read it once per field. */
ALWAYS_INLINE __m256i plane(const uint8_t *p) {
    __m256i v = _mm256_load_si256((const __m256i *)(const void *)p);
#ifndef ROMA_SIMDE
    __asm__("" : "+x"(v));
#endif
    return v;
}

/* Bits from `from` on of each byte, moved to bit position `to`; the other bits are garbage. */
ALWAYS_INLINE __m256i field_at(__m256i v, int from, int to) {
    return from > to ? shift_right_16(v, from - to) : from < to ? shift_left_16(v, to - from) : v;
}

/* w[v] = codes of inputs 4v..4v+3 of a stripe; of 8-bit codes and tables the signed levels, or with SIGNED_OFFSET 128 unsigned ones.
 * lo and hi point to this half of the stripe's first blocks. */
ALWAYS_INLINE void unpack(unsigned bits, const job *j, const uint8_t *lo, const uint8_t *hi, __m256i w[8]) {
    if (bits == 8) {
        for (int v = 0; v < 8; v++) {
            w[v] = _mm256_load_si256((const __m256i *)(const void *)(lo + 64 * v));
            if (SIGNED_OFFSET) w[v] = _mm256_xor_si256(w[v], _mm256_set1_epi8(-128));
        }
        return;
    }
    if (bits <= 3) {
        const __m256i mask = _mm256_set1_epi8(3), p[2] = {plane(lo), plane(lo + 64)};
        for (int v = 0; v < 8; v++) w[v] = _mm256_and_si256(field_at(p[v / 4], v % 4 * 2, 0), mask);
    } else {
        const __m256i mask = _mm256_set1_epi8(15);
        for (int b = 0; b < 4; b++) {
            const __m256i p = plane(lo + 64 * b);
            w[2 * b] = _mm256_and_si256(p, mask);
            w[2 * b + 1] = _mm256_and_si256(field_at(p, 4, 0), mask);
        }
    }
    if (bits == 3 || bits == 5) {
        const __m256i p = plane(hi), mask = _mm256_set1_epi8(bits == 3 ? 4 : 16);
        for (int v = 0; v < 8; v++) w[v] = _mm256_or_si256(w[v], _mm256_and_si256(field_at(p, v, bits == 3 ? 2 : 4), mask));
    } else if (bits == 6) {
        const __m256i p[2] = {plane(hi), plane(hi + 64)}, mask = _mm256_set1_epi8(48);
        for (int v = 0; v < 8; v++) w[v] = _mm256_or_si256(w[v], _mm256_and_si256(field_at(p[v / 4], v % 4 * 2, 4), mask));
    } else if (bits == TABLE) {
        const __m256i table = _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(SIGNED_OFFSET ? (const void *)j->table : (const void *)j->f->table)));
        for (int v = 0; v < 8; v++) w[v] = _mm256_shuffle_epi8(table, w[v]);
    }
}

ALWAYS_INLINE __m256 load_f16(const uint8_t *p) { return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)p)); }

/* The eight integers of half a group. */
ALWAYS_INLINE __m256i group_integers(unsigned form, const uint8_t *p, unsigned half) {
    if (form == ROMA_SCALE_S8) return _mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)(const void *)(p + 8 * half)));
    uint64_t v;
    memcpy(&v, p, sizeof v);
    v = v >> (4 * half) & 0x0f0f0f0f0f0f0f0fu;
    if (form != ROMA_SCALE_U4) {
        uint32_t h;
        memcpy(&h, p + 8, sizeof h);
        const uint32_t first = (half ? h : h << 4) & 0x30303030u, second = (half ? h >> 2 : h << 2) & 0x30303030u;
        v |= first | (uint64_t)second << 32;
    }
    const __m256i wide = _mm256_cvtepu8_epi32(_mm_cvtsi64_si128((long long)v));
    return form == ROMA_SCALE_S6 ? _mm256_sub_epi32(wide, _mm256_set1_epi32(32)) : wide;
}

/* FP32 scales (and minima) of super-group c of a tile, for integer scales. */
static NOINLINE void expand_chunk(job *j, const uint8_t *tile, uint64_t c) {
    const unsigned form = j->f->scale, groups = 256u / j->f->group;
    const size_t bytes = form == ROMA_SCALE_U4 ? 8 : form == ROMA_SCALE_S8 ? 16 : 12;
    for (int part = 0; part < (j->f->min ? 2 : 1); part++)
        for (unsigned half = 0; half < 2; half++) {
            const __m256 super = load_f16(tile + (part ? j->l.super_min : j->l.super_scale) + 32 * c + 16 * half);
            const uint8_t *p = tile + (part ? j->l.min : j->l.scale) + bytes * groups * c;
            for (unsigned g = 0; g < groups; g++, p += bytes)
                _mm256_store_ps(j->chunk[0][part][g] + 8 * half,
                                _mm256_mul_ps(_mm256_cvtepi32_ps(group_integers(form, p, half)), super));
        }
}

/* Scales (part 0) or minima (part 1) of group g. */
ALWAYS_INLINE __m256 scale_of(const job *j, const uint8_t *tile, uint64_t g, unsigned half, int part) {
    if (j->ints) return _mm256_load_ps(j->chunk[0][part][g & j->chunk_mask] + 8 * half);
    return load_f16(tile + (part ? j->l.min : j->l.scale) + 32 * g + 16 * half);
}

#endif
