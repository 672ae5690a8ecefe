/* Codes and scales of half a tile, eight rows, into pairs of 128-bit registers (docs/rom-format.md "Tiles"). */
#ifndef ROMA_KERN_UNPACK_NEON_H
#define ROMA_KERN_UNPACK_NEON_H

#include "lanes_neon.h"

/* Shifts of bytes by 0 to 7, known when inlined: the instruction wants a literal. */
#define SHIFT_CASES(X) X(1) X(2) X(3) X(4) X(5) X(6) X(7)
ALWAYS_INLINE uint8x16_t shift_right(uint8x16_t v, int n) {
#define SHIFT_CASE(n_)                                                                                                 \
    case n_: return vshrq_n_u8(v, n_);
    switch (n) { SHIFT_CASES(SHIFT_CASE) }
#undef SHIFT_CASE
    return v;
}
ALWAYS_INLINE uint8x16_t shift_left(uint8x16_t v, int n) {
#define SHIFT_CASE(n_)                                                                                                 \
    case n_: return vshlq_n_u8(v, n_);
    switch (n) { SHIFT_CASES(SHIFT_CASE) }
#undef SHIFT_CASE
    return v;
}

/* Bits from `from` on of each byte, moved to bit position `to`; those above are garbage when the move is to the left.
 */
ALWAYS_INLINE uint8x16_t field_at(uint8x16_t v, int from, int to) {
    return from > to ? shift_right(v, from - to) : shift_left(v, to - from);
}

ALWAYS_INLINE uint8x16_t masked(uint8x16_t v, int mask) { return vandq_u8(v, vdupq_n_u8((uint8_t)mask)); }

/* out[v] = codes of inputs 4v..4v+3 of a stripe for four rows; of 8-bit codes and tables the signed levels.
 * lo and hi point to these rows in the stripe's first blocks. */
ALWAYS_INLINE void unpack_four(unsigned bits, const job *j, const uint8_t *lo, const uint8_t *hi, uint8x16_t w[8]) {
    if (bits == 8) {
        for (int v = 0; v < 8; v++) w[v] = vld1q_u8(lo + 64 * v);
        return;
    }
    if (bits <= 3) {
        for (int b = 0; b < 2; b++) {
            const uint8x16_t p = vld1q_u8(lo + 64 * b);
            for (int k = 0; k < 4; k++) w[4 * b + k] = masked(field_at(p, 2 * k, 0), 3);
        }
    } else {
        for (int b = 0; b < 4; b++) {
            const uint8x16_t p = vld1q_u8(lo + 64 * b);
            w[2 * b] = masked(p, 15);
            w[2 * b + 1] = shift_right(p, 4);
        }
    }
    if (bits == 3 || bits == 5) {
        const uint8x16_t p = vld1q_u8(hi);
        for (int v = 0; v < 8; v++)
            w[v] = vorrq_u8(w[v], masked(field_at(p, v, bits == 3 ? 2 : 4), bits == 3 ? 4 : 16));
    } else if (bits == 6) {
        for (int b = 0; b < 2; b++) {
            const uint8x16_t p = vld1q_u8(hi + 64 * b);
            for (int k = 0; k < 4; k++) w[4 * b + k] = vorrq_u8(w[4 * b + k], masked(field_at(p, 2 * k, 4), 48));
        }
    } else if (bits == TABLE) {
        const uint8x16_t table = vld1q_u8(j->table);
        for (int v = 0; v < 8; v++) w[v] = vqtbl1q_u8(table, w[v]);
    }
}

ALWAYS_INLINE void unpack(unsigned bits, const job *j, const uint8_t *lo, const uint8_t *hi, ints w[8]) {
    uint8x16_t first[8], second[8];
    unpack_four(bits, j, lo, hi, first);
    unpack_four(bits, j, lo + 16, hi + 16, second);
    for (int v = 0; v < 8; v++) w[v] = (ints){vreinterpretq_s32_u8(first[v]), vreinterpretq_s32_u8(second[v])};
}

ALWAYS_INLINE floats load_f16(const uint8_t *p) {
    const uint16x8_t h = vreinterpretq_u16_u8(vld1q_u8(p));
    return (floats){vcvt_f32_f16(vreinterpret_f16_u16(vget_low_u16(h))),
                    vcvt_f32_f16(vreinterpret_f16_u16(vget_high_u16(h)))};
}

/* The eight integers of half a group. */
ALWAYS_INLINE ints group_integers(unsigned form, const uint8_t *p, unsigned half) {
    int8x8_t v;
    if (form == ROMA_SCALE_S8)
        v = vreinterpret_s8_u8(vld1_u8(p + 8 * half));
    else {
        const uint8x8_t low = vld1_u8(p);
        uint8x8_t u = vand_u8(half ? vshr_n_u8(low, 4) : low, vdup_n_u8(15));
        if (form != ROMA_SCALE_U4) {
            uint32_t h;
            memcpy(&h, p + 8, sizeof h);
            const uint32_t first = (half ? h : h << 4) & 0x30303030u, second = (half ? h >> 2 : h << 2) & 0x30303030u;
            u = vorr_u8(u, vcreate_u8(first | (uint64_t)second << 32));
        }
        v = vreinterpret_s8_u8(form == ROMA_SCALE_S6 ? vsub_u8(u, vdup_n_u8(32)) : u);
    }
    const int16x8_t wide = vmovl_s8(v);
    return (ints){vmovl_s16(vget_low_s16(wide)), vmovl_s16(vget_high_s16(wide))};
}

/* Own zero points of group g, as the bits of both halves. */
ALWAYS_INLINE void zeros_of(const job *j, const uint8_t *tile, uint64_t g, floats out[2]) {
    const bool nibbles = j->f->zeros == ROMA_ZEROS_U4;
    for (unsigned h = 0; h < 2; h++) {
        const ints v =
            group_integers(nibbles ? ROMA_SCALE_U4 : ROMA_SCALE_S8, tile + j->l.zeros + (nibbles ? 8 : 16) * g, h);
        out[h] = (floats){vreinterpretq_f32_s32(v.lo), vreinterpretq_f32_s32(v.hi)};
    }
}

/* One part of the fine levels of codes. */
ALWAYS_INLINE ints fine_part(const job *j, int part, ints codes) {
    const uint8x16_t table = vld1q_u8(j->fine[part]);
    return (ints){vreinterpretq_s32_u8(vqtbl1q_u8(table, vreinterpretq_u8_s32(codes.lo))),
                  vreinterpretq_s32_u8(vqtbl1q_u8(table, vreinterpretq_u8_s32(codes.hi)))};
}

/* FP32 scales (and minima) of super-group c of a tile, for integer scales. */
static NOINLINE void begin_chunk(job *j, const uint8_t *tile, uint64_t c, bool min) {
    const unsigned form = j->f->scale, groups = 256u / j->f->group;
    const size_t bytes = form == ROMA_SCALE_U4 ? 8 : form == ROMA_SCALE_S8 ? 16 : 12;
    for (int part = 0; part < (min ? 2 : 1); part++)
        for (unsigned half = 0; half < 2; half++) {
            const floats super = load_f16(tile + (part ? j->l.super_min : j->l.super_scale) + 32 * c + 16 * half);
            const uint8_t *p = tile + (part ? j->l.min : j->l.scale) + bytes * groups * c;
            for (unsigned g = 0; g < groups; g++, p += bytes)
                store_floats(j->chunk[0][part][g] + 8 * half, mul(to_floats(group_integers(form, p, half)), super));
        }
}

/* Scales (part 0) or minima (part 1) of group g, of both halves. */
ALWAYS_INLINE void scales_of(const job *j, const uint8_t *tile, uint64_t g, int part, unsigned form, floats out[2]) {
    for (size_t h = 0; h < 2; h++)
        out[h] = form == ROMA_SCALE_F32   ? load_floats(tile + j->l.scale + 64 * g + 32 * h)
                 : form != ROMA_SCALE_F16 ? load_floats(j->chunk[0][part][g & j->chunk_mask] + 8 * h)
                                          : load_f16(tile + (part ? j->l.min : j->l.scale) + 32 * g + 16 * h);
}

#endif
