/* Products with more than one row of activations on AVX-512 with VNNI: docs/numerics.md section 3, the rows of a tile
 * in 16 lanes. A part of product_avx512.c, whose exact sums it uses.
 *
 * A panel of two tiles by CHUNK stripes meets all rows of activations, ROWS of them at a time: their sums and the first
 * level of the tree stay in registers, and memory is written once in a panel. On Zen 4 a store of 64 bytes takes a
 * cycle from the multipliers when all else is busy (docs/performance-log.md), which is why sums do not go to memory
 * stripe by stripe. The first rows at a panel unpack a sub-group's codes where they multiply them, and leave them in
 * the first-level cache for those behind. */
#ifndef ROMA_KERN_MANY_AVX512_H
#define ROMA_KERN_MANY_AVX512_H

#include "panel_avx512.h"

/* Does something for each row r and tile t whose sums stay in registers. Written out, because compilers keep arrays in
 * memory whose loops they do not unroll; and loops over tiles have a constant bound beside the true one, because
 * without it they are unrolled later, and moves are left behind. */
#define EACH_ROW(DO)                                                                                                   \
    DO(0)                                                                                                              \
    if (a->rows > 1) {                                                                                                 \
        DO(1)                                                                                                          \
    }                                                                                                                  \
    if (a->rows > 2) {                                                                                                 \
        DO(2)                                                                                                          \
    }                                                                                                                  \
    if (a->rows > 3) {                                                                                                 \
        DO(3)                                                                                                          \
    }
#define EACH_OF(DO, r)                                                                                                 \
    DO(r, 0)                                                                                                           \
    DO(r, 1)                                                                                                           \
    if (a->f.tiles > PAIR) {                                                                                           \
        DO(r, 2) DO(r, 3)                                                                                              \
    }
#define EACH(DO)                                                                                                       \
    EACH_OF(DO, 0)                                                                                                     \
    if (a->rows > 1) {                                                                                                 \
        EACH_OF(DO, 1)                                                                                                 \
    }                                                                                                                  \
    if (a->rows > 2) {                                                                                                 \
        EACH_OF(DO, 2)                                                                                                 \
    }                                                                                                                  \
    if (a->rows > 3) {                                                                                                 \
        EACH_OF(DO, 3)                                                                                                 \
    }

/* What the compiler knows of a format. */
typedef struct {
    unsigned width, kind, extra, mode; /* width: where codes are packed still, else UNPACKED */
    bool keeps;                        /* what is unpacked is left in the panel for rows behind */
    unsigned tiles;                    /* PAIR, or WIDE */
} form;

/* Rows at a panel. */
typedef struct {
    const many_job *k;
    panel *p; /* WIDE tiles: the first of two */
    const many_line *l;
    const float *z;
    unsigned rows;
    form f;
    bool leads; /* the first rows of all, which ask for what the next pair needs */
} rows_at;

/* ---- sums -------------------------------------------------------------------------------------- */

/* A sub-group's integer of what its products and their start came to. */
ALWAYS_INLINE __m512i minus(__m512i d, __m512i base, unsigned mode) {
    return mode == MANY_EXACT ? _mm512_castps_si512(_mm512_sub_ps(_mm512_castsi512_ps(d), _mm512_castsi512_ps(base)))
                              : _mm512_sllv_epi32(d, base);
}

/* Codes of sub-group b of stripe s: [code][tile]. Who keeps them leaves them to rows behind. */
ALWAYS_INLINE void many_codes(const rows_at *a, uint64_t s, unsigned b, __m512i w[2][WIDE]) {
    for (unsigned t = 0; t < WIDE && t < a->f.tiles; t++) {
        __m512i codes[2], *at = a->p[t / PAIR].w + (8 * s + 2 * b) * PAIR + t % PAIR;
        if (a->f.width != UNPACKED) packed_codes(a->k, a->p, s, b, (int)t, a->f.width, codes);
        for (unsigned i = 0; i < 2; i++) {
            if (a->f.width == UNPACKED)
                codes[i] = at[i * PAIR];
            else if (a->f.extra == OWN_ZEROS)
                codes[i] = _mm512_add_epi32(codes[i], a->p->add[group_of(a->k, s, b)][t]);
            if (a->f.width != UNPACKED && a->f.keeps) at[i * PAIR] = codes[i];
            w[i][t] = codes[i];
        }
    }
}

/* Sub-group b of stripe s, added to acc, or where is_first put there. */
ALWAYS_INLINE void many_subgroup(const rows_at *a, uint64_t s, unsigned b, bool is_first, __m512i acc[ROWS][WIDE]) {
    const many_line *l = a->l + s * a->rows;
    const unsigned mode = a->f.mode;
    __m512i w[2][WIDE];
    many_codes(a, s, b, w);
#define TWO(r, t)                                                                                                      \
    {                                                                                                                  \
        __m512i d0 = _mm512_dpbusd_epi32(start, w[0][t], c0), d1 = _mm512_dpbusd_epi32(start, w[0][t + 1], c0);        \
        d0 = minus(_mm512_dpbusd_epi32(d0, w[1][t], c1), base, mode);                                                  \
        d1 = minus(_mm512_dpbusd_epi32(d1, w[1][t + 1], c1), base, mode);                                              \
        acc[r][t] = is_first ? d0 : plus(acc[r][t], d0, mode == MANY_EXACT);                                           \
        acc[r][t + 1] = is_first ? d1 : plus(acc[r][t + 1], d1, mode == MANY_EXACT);                                   \
        KEEP(acc[r][t]);                                                                                               \
        KEEP(acc[r][t + 1]);                                                                                           \
    }
#define ROW(r)                                                                                                         \
    {                                                                                                                  \
        const __m512i c0 = _mm512_set1_epi32(l[r].code[2 * b]), c1 = _mm512_set1_epi32(l[r].code[2 * b + 1]),          \
                      start = _mm512_set1_epi32(l[r].start[b]), base = _mm512_set1_epi32(l[r].base[b]);                \
        TWO(r, 0)                                                                                                      \
        if (a->f.tiles > PAIR) TWO(r, PAIR)                                                                            \
    }
    EACH_ROW(ROW)
#undef ROW
#undef TWO
}

/* The same of fine levels by their two parts. */
ALWAYS_INLINE void many_parts(const rows_at *a, uint64_t s, unsigned b, __m512i acc[ROWS][WIDE]) {
    const many_line *l = a->l + s * a->rows;
    const __m512i low = byte_table(a->k->j->fine[0]), high = byte_table(a->k->j->fine[1]),
                  none = _mm512_setzero_si512();
    __m512i w[2][WIDE], h[2][WIDE];
    many_codes(a, s, b, w);
    for (unsigned t = 0; t < WIDE && t < a->f.tiles; t++)
        for (int i = 0; i < 2; i++) {
            h[i][t] = _mm512_shuffle_epi8(high, w[i][t]);
            w[i][t] = _mm512_shuffle_epi8(low, w[i][t]);
        }
#define PART(r)                                                                                                        \
    {                                                                                                                  \
        const __m512i c0 = _mm512_set1_epi32(l[r].code[2 * b]), c1 = _mm512_set1_epi32(l[r].code[2 * b + 1]),          \
                      start = _mm512_set1_epi32(l[r].start[b]), base = _mm512_set1_epi32(l[r].base[b]);                \
        for (unsigned t = 0; t < WIDE && t < a->f.tiles; t++) {                                                        \
            const __m512i lo = _mm512_dpbusd_epi32(_mm512_dpbusd_epi32(start, w[0][t], c0), w[1][t], c1),              \
                          hi = _mm512_dpbusd_epi32(_mm512_dpbusd_epi32(none, h[0][t], c0), h[1][t], c1);               \
            acc[r][t] = _mm512_add_epi32(                                                                              \
                acc[r][t], minus(_mm512_add_epi32(lo, _mm512_slli_epi32(hi, FINE_SHIFT)), base, MANY_INTS));           \
            KEEP(acc[r][t]);                                                                                           \
        }                                                                                                              \
    }
    EACH_ROW(PART)
#undef PART
}

ALWAYS_INLINE void many_half(const rows_at *a, uint64_t s, unsigned h, bool is_first, __m512i acc[ROWS][WIDE]) {
    many_subgroup(a, s, 2 * h, is_first, acc);
    many_subgroup(a, s, 2 * h + 1, false, acc);
}
ALWAYS_INLINE void many_stripe(const rows_at *a, uint64_t s, bool is_first, __m512i acc[ROWS][WIDE]) {
    many_half(a, s, 0, is_first, acc);
    many_half(a, s, 1, false, acc);
}

/* Adds products of 16-bit levels: sub-groups [from, to) of stripe s. */
ALWAYS_INLINE void many_fine(const rows_at *a, uint64_t s, unsigned from, unsigned to, __m512i acc[ROWS][WIDE]) {
    const many_line *l = a->l + s * a->rows;
    for (unsigned v = 2 * from; v < 2 * to; v++) {
        __m512i even[WIDE], odd[WIDE];
        for (unsigned t = 0; t < WIDE && t < a->f.tiles; t++) {
            __m512i *at = a->p->w + (16 * s + v) * PAIR + t;
            if (a->f.width == UNPACKED) {
                even[t] = at[0];
                odd[t] = at[8 * PAIR];
                continue;
            }
            __m512i codes[2];
            packed_codes(a->k, a->p, s, v / 2, (int)t, FINE, codes);
            fine_levels(a->k->j, codes[v % 2], &even[t], &odd[t]);
            if (!a->f.keeps) continue;
            at[0] = even[t];
            at[8 * PAIR] = odd[t];
        }
#define ONE(r, t)                                                                                                      \
    acc[r][t] = _mm512_dpwssd_epi32(acc[r][t], even[t], _mm512_set1_epi32(l[r].code[v]));                              \
    acc[r][t] = _mm512_dpwssd_epi32(acc[r][t], odd[t], _mm512_set1_epi32(l[r].odd[v]));
        EACH(ONE)
#undef ONE
    }
}

/* ---- units of the tree ------------------------------------------------------------------------- */

ALWAYS_INLINE void many_zero(const rows_at *a, __m512i acc[ROWS][WIDE]) {
#define ZERO(r, t) acc[r][t] = _mm512_setzero_si512();
    EACH(ZERO)
#undef ZERO
}
ALWAYS_INLINE void many_none(const rows_at *a, __m512 v[ROWS][WIDE]) {
#define NONE(r, t) v[r][t] = _mm512_setzero_ps();
    EACH(NONE)
#undef NONE
}
ALWAYS_INLINE void many_add(const rows_at *a, __m512 v[ROWS][WIDE], const __m512 left[ROWS][WIDE]) {
#define ADD(r, t) v[r][t] = _mm512_add_ps(left[r][t], v[r][t]);
    EACH(ADD)
#undef ADD
}
ALWAYS_INLINE void many_copy(const rows_at *a, __m512 v[ROWS][WIDE], const __m512 from[ROWS][WIDE]) {
#define COPY(r, t) v[r][t] = from[r][t];
    EACH(COPY)
#undef COPY
}

/* Scales (part 0) of group i, or what is beside them (part 1), of each tile. */
ALWAYS_INLINE void many_scales(const rows_at *a, uint64_t i, int part, __m512 v[WIDE]) {
    for (unsigned t = 0; t < WIDE && t < a->f.tiles; t++) {
        panel *p = a->p + t / PAIR;
        __m512 *at = &(part ? p->m : p->s)[i][t % PAIR];
        if (a->f.width == UNPACKED) {
            v[t] = *at;
            continue;
        }
        v[t] = scale_of(a->k->j, p->pair->tile[t], groups_in(a->k, p->first) + i, (int)t, part);
        if (a->f.keeps) *at = v[t];
    }
}

/* Leaves of group i of a panel. Own zero points are here only where they did not become part of the codes. */
ALWAYS_INLINE void many_leaves(const rows_at *a, uint64_t i, __m512i acc[ROWS][WIDE], __m512 v[ROWS][WIDE]) {
    __m512 s[WIDE], m[WIDE];
    many_scales(a, i, 0, s);
    if (a->f.extra == WITH_MIN || (a->f.extra == OWN_ZEROS && a->f.width == UNPACKED)) many_scales(a, i, 1, m);
#define SUM(r) a->z[i * ROWS + r]
#define TAKE(r, t)                                                                                                     \
    acc[r][t] = _mm512_sub_epi32(acc[r][t],                                                                            \
                                 _mm512_mullo_epi32(_mm512_castps_si512(m[t]), _mm512_set1_epi32((int32_t)SUM(r))));
#define LEAF(r, t)                                                                                                     \
    v[r][t] =                                                                                                          \
        _mm512_mul_ps(a->f.mode == MANY_EXACT ? _mm512_castsi512_ps(acc[r][t]) : _mm512_cvtepi32_ps(acc[r][t]), s[t]); \
    if (a->f.extra == WITH_MIN) v[r][t] = _mm512_add_ps(v[r][t], _mm512_mul_ps(_mm512_set1_ps(SUM(r)), m[t]));
    if (a->f.extra == OWN_ZEROS && a->f.width == UNPACKED) {
        EACH(TAKE)
    }
    EACH(LEAF)
#undef LEAF
#undef TAKE
#undef SUM
}

/* The first rows ask for what the next pair has in the place of unit u. */
ALWAYS_INLINE void many_ask(const rows_at *a, uint64_t u, uint64_t span) {
    if (a->f.width == UNPACKED || !a->leads) return;
    for (uint64_t s = u * span; s < (u + 1) * span; s++)
        for (unsigned t = 0; t < WIDE && t < a->f.tiles; t++) ask_packed(a->k, a->p, s, (int)t, a->f.width);
}

/* Half h of stripe s and its leaves: a group of 16. */
ALWAYS_INLINE void many_16(const rows_at *a, uint64_t s, unsigned h, __m512 v[ROWS][WIDE]) {
    __m512i acc[ROWS][WIDE];
    many_half(a, s, h, true, acc);
    many_leaves(a, 2 * s + h, acc, v);
}

/* Integers of stripes [s, end). */
ALWAYS_INLINE void many_stripes(const rows_at *a, uint64_t s, uint64_t end, __m512i acc[ROWS][WIDE]) {
    many_zero(a, acc);
    for (; s < end; s++) many_stripe(a, s, false, acc);
}

/* Unit u of a panel: of two groups of 16; a group of 32; a larger one; one whose halves are exact; of fine levels. */
ALWAYS_INLINE void many_unit_16(const rows_at *a, uint64_t u, __m512 v[ROWS][WIDE]) {
    __m512 first[ROWS][WIDE];
    many_ask(a, u, 1);
    many_16(a, u, 0, first);
    if (a->f.tiles > PAIR) STORE(first);
    many_16(a, u, 1, v);
    many_add(a, v, first);
}
ALWAYS_INLINE void many_unit_32(const rows_at *a, uint64_t u, __m512 v[ROWS][WIDE]) {
    __m512i acc[ROWS][WIDE];
    many_ask(a, u, 1);
    many_stripe(a, u, true, acc);
    many_leaves(a, u, acc, v);
}
ALWAYS_INLINE void many_unit_more(const rows_at *a, uint64_t u, __m512 v[ROWS][WIDE]) {
    const uint64_t span = a->k->j->span;
    __m512i acc[ROWS][WIDE];
    many_ask(a, u, span);
    many_stripes(a, u * span, (u + 1) * span, acc);
    many_leaves(a, u, acc, v);
}
ALWAYS_INLINE void many_unit_halves(const rows_at *a, uint64_t u, __m512 v[ROWS][WIDE]) {
    const uint64_t span = a->k->j->span;
    __m512i half[ROWS][WIDE], acc[ROWS][WIDE];
    many_ask(a, u, span);
    many_stripes(a, u * span, u * span + span / 2, half);
    many_stripes(a, u * span + span / 2, (u + 1) * span, acc);
#define JOIN(r, t) acc[r][t] = plus(half[r][t], acc[r][t], true);
    EACH(JOIN)
#undef JOIN
    many_leaves(a, u, acc, v);
}
ALWAYS_INLINE void many_unit_fine(const rows_at *a, uint64_t u, __m512 v[ROWS][WIDE]) {
    const uint64_t span = a->f.kind == UNIT_MORE ? a->k->j->span : 1;
    const unsigned parts = a->f.kind == UNIT_16 ? 2 : 1;
    __m512 first[ROWS][WIDE];
    many_ask(a, u, span);
    for (unsigned i = 0; i < parts; i++) {
        __m512i acc[ROWS][WIDE];
        many_zero(a, acc);
        for (uint64_t s = u * span; s < (u + 1) * span; s++)
            if (a->f.mode == MANY_PARTS)
                for (unsigned b = 0; b < 4; b++) many_parts(a, s, b, acc);
            else
                many_fine(a, s, 4 / parts * i, 4 / parts * (i + 1), acc);
        many_leaves(a, parts * u + i, acc, i + 1 < parts ? first : v);
    }
    if (parts > 1) many_add(a, v, first);
}

/* Puts the sums of chunk c onto the stack, or after the last chunk gives the products. */
ALWAYS_INLINE void many_push(const rows_at *a, uint64_t c, size_t g, __m512 v[ROWS][WIDE]) {
    const many_job *k = a->k;
    const size_t level = k->groups * k->pairs;
    __m512(*at)[ROWS][PAIR] = k->stack + g * k->pairs + a->p->beside;
    const bool is_last = c + 1 == k->chunks;
#define MERGE(r, t) v[r][t] = _mm512_add_ps(at[t / PAIR][r][t % PAIR], v[r][t]);
    for (uint64_t n = c; n & 1 || (is_last && n); n >>= 1, at += level)
        if (n & 1) {
            EACH(MERGE)
        }
#undef MERGE
#define PUSH(r, t) at[t / PAIR][r][t % PAIR] = v[r][t];
    if (!is_last) {
        EACH(PUSH)
        return;
    }
#undef PUSH
#define GIVE(r, t)                                                                                                     \
    _mm512_storeu_ps(a->p[t / PAIR].pair->out[t % PAIR] + row_of(k, g, r) * k->j->stride,                              \
                     _mm512_mul_ps(_mm512_set1_ps(k->j->acts[row_of(k, g, r)].scale), v[r][t]));
    EACH(GIVE)
#undef GIVE
}

#define TREE(name) name##_16
#define UNIT many_unit_16
#include "many_tree_avx512.h"
#define TREE(name) name##_32
#define UNIT many_unit_32
#include "many_tree_avx512.h"
#define TREE(name) name##_fours /* of 32, where four units at a time were measured to pay */
#define UNIT many_unit_32
#define FOURS
#include "many_tree_avx512.h"
#define TREE(name) name##_more
#define UNIT many_unit_more
#include "many_tree_avx512.h"
#define TREE(name) name##_halves
#define UNIT many_unit_halves
#include "many_tree_avx512.h"
#define TREE(name) name##_fine
#define UNIT many_unit_fine
#include "many_tree_avx512.h"

#endif
