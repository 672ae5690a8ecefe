/* Part of half.h: one row of activations against tiles, or a few, and how weights are asked for ahead of their use.
 * Codes never leave the registers: of a few rows, up to FEW at a time meet them there. */
#ifndef ROMA_KERN_HALF_ROW_H
#define ROMA_KERN_HALF_ROW_H

#include "walk.h"

ALWAYS_INLINE bool is_super(unsigned form) { return form >= ROMA_SCALE_U4 && form <= ROMA_SCALE_S8; }

/* v := left + v, of each row both halves of the tile. */
ALWAYS_INLINE void add_left(floats v[SUMS], const floats left[SUMS], int rows) {
    for (int x = 0; x < 2 * rows; x++) v[x] = add(left[x], v[x]);
}

/* Codes, scales and minima are runs of their own, each too short for the hardware to follow: a constant distance in
 * each of them covers all. What lies past the last tile is asked for in vain. Codes of 8 bits, which are eaten fastest,
 * are asked for twice: a processor drops prefetches that come faster than memory delivers (Zen 4: 24 to 27 GB/s a core;
 * no gain at fewer bits). The level is what the variants of a table differ in: product_avx512.c has the reasons. */
enum { AHEAD = 24 << 10, AGAIN = 8 << 10 };

ALWAYS_INLINE void prefetch_line(const uint8_t *p, int level) {
    if (level == NEAR)
        __builtin_prefetch(p, 0, 3);
    else
        __builtin_prefetch(p, 0, 2);
}

/* One address and what is added to it: compilers would keep one for each line, more than there are registers. */
ALWAYS_INLINE void prefetch_run(const uint8_t *p, size_t bytes, int level) {
    __asm__("" : "+r"(p));
    for (size_t i = 0; i < bytes; i += 64) prefetch_line(p + i, level);
}

ALWAYS_INLINE void prefetch_codes(const walk *k, uint64_t s, size_t ahead) {
    prefetch_run(k->tile + s * lo_bytes(k->bits) + ahead, lo_bytes(k->bits), k->level);
    prefetch_run(k->tile + k->j->l.plane_hi + s * hi_bytes(k->bits) + ahead, hi_bytes(k->bits), k->level);
}

/* Scales and minima of the 256 inputs that begin with chunk c. */
ALWAYS_INLINE void prefetch_scales(const walk *k, uint64_t c) {
    const job *j = k->j;
    const uint8_t *at = k->tile + AHEAD;
    const size_t bytes = group_bytes(k->form) * (k->kind == GROUP_16   ? 2 * CHUNK
                                                 : k->kind == GROUP_32 ? CHUNK
                                                                       : CHUNK >> j->log_span);
    prefetch_run(at + j->l.scale + c * bytes, bytes, k->level);
    if (k->extra == WITH_MIN) prefetch_run(at + j->l.min + c * bytes, bytes, k->level);
    if (!is_super(k->form)) return;
    prefetch_line(at + j->l.super_scale + 32 * c, k->level);
    if (k->extra == WITH_MIN) prefetch_line(at + j->l.super_min + 32 * c, k->level);
}

ALWAYS_INLINE void prefetch_stripe(const walk *k, uint64_t s) {
    prefetch_codes(k, s, AHEAD);
    if (s % CHUNK == 0) prefetch_scales(k, s / CHUNK);
}

/* Leaves of a group, whose sums stand in the records at `last` as those of part `part`. */
ALWAYS_INLINE void row_leaves(const walk *k, const ints sum[SUMS], const void *last, int part, uint64_t group,
                              floats v[SUMS]) {
    floats s[2], m[2] = {set_floats(0), set_floats(0)};
    scales_of(k->j, k->tile, group, 0, k->form, s);
    extras_of(k->j, k->tile, group, k->extra, k->form, m);
    for (int x = 0; x < 2 * k->rows; x++) {
        ints i = row_integer(k->bits, sum[x]);
        if (!bias_first(k->class)) i = add_ints(i, set_ints(record_bias(last, (size_t)x / 2, k->class)[part]));
        v[x] = leaf_value(i, s[x % 2], m[x % 2], record_z(last, (size_t)x / 2, k->class)[part], k->extra, k->class);
    }
}

/* Unit u of the tree: a leaf, or the sum of a stripe's two leaves for groups of 16. */
ALWAYS_INLINE void unit(const walk *k, uint64_t u, floats v[SUMS]) {
    const unsigned span = k->kind == GROUP_MORE ? k->j->span : 1;
    const size_t size = record_bytes(k->class), step = k->j->n_acts * size;
    const uint8_t *r = (const uint8_t *)k->j->records + u * span * step + k->row * size;
    ints sum[2][SUMS]; /* [part of the stripe][row][half of the tile] */
    for (int x = 0; x < 2 * k->rows; x++)
        for (int i = 0; i < 2; i++)
            sum[i][x] = set_ints(bias_first(k->class) ? record_bias(r, (size_t)x / 2, k->class)[i] : 0);
    for (unsigned i = 0; i < span; i++, r += step) {
        const uint64_t s = u * span + i;
        if (k->rows == 1 || k->row == 0) prefetch_stripe(k, s);
        if (k->bits == 8 && (k->rows == 1 || k->row == 0)) prefetch_codes(k, s, AGAIN);
        if (is_super(k->form) && s % CHUNK == 0) begin_chunk(k->j, k->tile, s / CHUNK, k->extra == WITH_MIN);
        row_stripe(k, r, s, sum[0], sum[k->kind == GROUP_16]);
    }
    r -= step;
    if (k->kind != GROUP_16) {
        row_leaves(k, sum[0], r, 0, u, v);
        return;
    }
    floats first[SUMS];
    row_leaves(k, sum[0], r, 0, 2 * u, first);
    row_leaves(k, sum[1], r, 1, 2 * u + 1, v);
    add_left(v, first, k->rows);
}

ALWAYS_INLINE void walk_tile(const walk *k, float *out) {
    job *j = k->j;
    const uint64_t units = k->kind == GROUP_MORE ? j->stripes >> j->log_span : j->stripes;
    floats part[32][2 * FEW], v[SUMS], first[SUMS];
    int top = 0;
    uint64_t u = 0;
    for (int x = 0; x < 2 * k->rows; x++) v[x] = set_floats(0); /* for compilers; there is a unit */
    for (; u + 2 <= units; u += 2) {
        unit(k, u, first);
        unit(k, u + 1, v);
        add_left(v, first, k->rows);
        for (uint64_t n = u / 2; n & 1; n >>= 1) add_left(v, part[--top], k->rows);
        for (int x = 0; x < 2 * k->rows; x++) part[top][x] = v[x];
        top++;
    }
    if (u < units)
        unit(k, u, v);
    else
        top--; /* v is the last of them */
    while (top) add_left(v, part[--top], k->rows);
    for (int x = 0; x < 2 * k->rows; x++) {
        const size_t row = (size_t)x / 2;
        store_row(out + row * j->stride + 8 * (x % 2), mul(set_floats(j->acts[k->row + row].scale), v[x]));
    }
}

/* Width, kind of group, what leaves have beside scales, and the form of these: the integers of the K-quants are
 * unpacked in the same loop. 9 is FINE. First those that have functions for a few rows too. */
/* clang-format off */
#define FEW_FORMATS(X, ...)                                                                                             \
    X(__VA_ARGS__, 2, 0, 1, U4) X(__VA_ARGS__, 2, 2, 0, F16) X(__VA_ARGS__, 3, 0, 0, S6) X(__VA_ARGS__, 4, 1, 0, F16)    \
    X(__VA_ARGS__, 4, 1, 1, F16) X(__VA_ARGS__, 4, 1, 1, U6) X(__VA_ARGS__, 4, 2, 0, F16) X(__VA_ARGS__, 4, 2, 2, F16)   \
    X(__VA_ARGS__, 5, 1, 1, U6) X(__VA_ARGS__, 6, 0, 0, S8) X(__VA_ARGS__, 6, 2, 0, F16) X(__VA_ARGS__, 7, 1, 0, F16)    \
    X(__VA_ARGS__, 8, 1, 0, F16) X(__VA_ARGS__, 9, 2, 0, F32)
#define ROW_FORMATS(X, ...)                                                                                             \
    FEW_FORMATS(X, __VA_ARGS__) X(__VA_ARGS__, 2, 1, 1, F16) X(__VA_ARGS__, 2, 2, 1, F16) X(__VA_ARGS__, 3, 1, 1, F16)   \
    X(__VA_ARGS__, 3, 2, 1, F16) X(__VA_ARGS__, 4, 2, 0, F32) X(__VA_ARGS__, 4, 2, 1, F16) X(__VA_ARGS__, 4, 2, 2, F32)  \
    X(__VA_ARGS__, 5, 1, 0, F16) X(__VA_ARGS__, 5, 1, 1, F16) X(__VA_ARGS__, 7, 2, 0, F32) X(__VA_ARGS__, 8, 2, 0, F16)  \
    X(__VA_ARGS__, 9, 1, 0, F32)
/* clang-format on */
/* rows of activations from `row` on against a tile */
typedef void (*walk_fn)(job *j, const uint8_t *tile, size_t row, float *out);
typedef walk_fn walk_fns[10][3][3][ROMA_SCALE_F32 + 1];
#define WALK(rows, level, bits, kind, extra, form)                                                                     \
    static void walk_##rows##_##level##_##bits##_##kind##_##extra##_##form(job *j, const uint8_t *tile, size_t row,    \
                                                                           float *out) {                               \
        const walk k = {                                                                                               \
            j, tile, row, rows, bits, kind, extra, ROMA_SCALE_##form, walk_class(rows, bits, kind, extra), level};     \
        walk_tile(&k, out);                                                                                            \
    }
#define WALK_ENTRY(rows, level, bits, kind, extra, form)                                                               \
    [bits][kind][extra][ROMA_SCALE_##form] = walk_##rows##_##level##_##bits##_##kind##_##extra##_##form,
#define WALKS(formats, rows, level)                                                                                    \
    formats(WALK, rows, level) static const walk_fns walks_##rows##_##level = {formats(WALK_ENTRY, rows, level)};

#endif
