/* Part of half.h: one row of activations against tiles, and how its weights are asked for ahead of their use. Codes
 * never leave the registers. */
#ifndef ROMA_KERN_HALF_ROW_H
#define ROMA_KERN_HALF_ROW_H

typedef struct {
    job *j;
    const uint8_t *tile;
    size_t row; /* of activations */
    unsigned bits, kind;
    unsigned extra;
    unsigned form; /* of scales and minima */
    int level;     /* FAR or NEAR: the cache that weights are prefetched to */
} walk;

ALWAYS_INLINE bool is_super(unsigned form) { return form >= ROMA_SCALE_U4 && form <= ROMA_SCALE_S8; }

typedef struct {
    floats half[2];
} rows16;

ALWAYS_INLINE rows16 add_rows(rows16 a, rows16 b) {
    return (rows16){{add(a.half[0], b.half[0]), add(a.half[1], b.half[1])}};
}

/* Codes, scales and minima are runs of their own, each too short for the hardware to follow: a constant distance in
 * each of them covers all. What lies past the last tile is asked for in vain. Codes of 8 bits, which are eaten fastest,
 * are asked for twice: a processor drops prefetches that come faster than memory delivers (Zen 4: 24 to 27 GB/s a core;
 * no gain at fewer bits). The level is what the variants of a table differ in: product_avx512.c has the reasons. */
enum { AHEAD = 24 << 10, AGAIN = 8 << 10 };
enum { FAR, NEAR };

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

ALWAYS_INLINE rows16 leaf(const walk *k, const ints sum[2], int32_t bias, float z, uint64_t group) {
    floats s[2], m[2] = {set_floats(0), set_floats(0)};
    rows16 out;
    scales_of(k->j, k->tile, group, 0, k->form, s);
    extras_of(k->j, k->tile, group, k->extra, k->form, m);
    for (int h = 0; h < 2; h++)
        out.half[h] = leaf_value(add_ints(row_integer(k->bits, sum[h]), set_ints(bias)), s[h], m[h], z, k->extra);
    return out;
}

/* Unit u of the tree: a leaf, or the sum of a stripe's two leaves for groups of 16. */
ALWAYS_INLINE rows16 unit(const walk *k, uint64_t u) {
    const unsigned span = k->kind == GROUP_MORE ? k->j->span : 1;
    const size_t n = k->j->n_acts;
    const record *r = (const record *)k->j->records + u * span * n + k->row;
    ints sum[2][2] = {{set_ints(0), set_ints(0)},
                      {set_ints(0), set_ints(0)}}; /* [part of the stripe][half of the tile] */
    for (unsigned i = 0; i < span; i++, r += n) {
        const uint64_t s = u * span + i;
        prefetch_stripe(k, s);
        if (k->bits == 8) prefetch_codes(k, s, AGAIN);
        if (is_super(k->form) && s % CHUNK == 0) begin_chunk(k->j, k->tile, s / CHUNK, k->extra == WITH_MIN);
        row_stripe(k->j, r, k->tile, k->bits, s, sum[0], sum[k->kind == GROUP_16]);
    }
    r -= n;
    if (k->kind != GROUP_16) return leaf(k, sum[0], r->bias[0], r->z[0], u);
    return add_rows(leaf(k, sum[0], r->bias[0], r->z[0], 2 * u), leaf(k, sum[1], r->bias[1], r->z[1], 2 * u + 1));
}

ALWAYS_INLINE void one_row_tile(job *j, const uint8_t *tile, size_t row, float *out, unsigned bits, unsigned kind,
                                unsigned extra, unsigned form, int level) {
    const walk k = {j, tile, row, bits, kind, extra, form, level};
    const uint64_t units = kind == GROUP_MORE ? j->stripes >> j->log_span : j->stripes;
    rows16 part[32], v;
    int top = 0;
    uint64_t u = 0;
    for (; u + 2 <= units; u += 2) {
        v = unit(&k, u);
        v = add_rows(v, unit(&k, u + 1));
        for (uint64_t n = u / 2; n & 1; n >>= 1) v = add_rows(part[--top], v);
        part[top++] = v;
    }
    v = u < units ? unit(&k, u) : part[--top];
    while (top) v = add_rows(part[--top], v);
    for (int h = 0; h < 2; h++) store_row(out + 8 * h, mul(set_floats(j->acts[row].scale), v.half[h]));
}

/* Width, kind of group, what leaves have beside scales, and the form of these: the integers of the K-quants are
 * unpacked in the same loop. 9 is FINE. */
/* clang-format off */
#define HALF_FORMATS(X, level)                                                                                          \
    X(level, 2, 0, 1, U4) X(level, 2, 2, 0, F16) X(level, 3, 0, 0, S6) X(level, 4, 1, 0, F16) X(level, 4, 1, 1, F16)     \
    X(level, 4, 1, 1, U6) X(level, 4, 2, 0, F16) X(level, 5, 1, 0, F16) X(level, 5, 1, 1, F16) X(level, 5, 1, 1, U6)     \
    X(level, 6, 0, 0, S8) X(level, 6, 2, 0, F16) X(level, 7, 1, 0, F16) X(level, 8, 1, 0, F16) X(level, 4, 2, 0, F32)    \
    X(level, 4, 2, 2, F16) X(level, 4, 2, 2, F32) X(level, 7, 2, 0, F32) X(level, 9, 1, 0, F32) X(level, 9, 2, 0, F32)   \
    X(level, 2, 1, 1, F16) X(level, 2, 2, 1, F16) X(level, 3, 1, 1, F16) X(level, 3, 2, 1, F16) X(level, 4, 2, 1, F16)   \
    X(level, 8, 2, 0, F16)
/* clang-format on */
#define ONE_ROW(level, bits, kind, extra, form)                                                                        \
    static void one_row_##level##_##bits##_##kind##_##extra##_##form(job *j, const uint8_t *tiles, size_t n_tiles) {   \
        for (size_t t = 0; t < n_tiles; t++)                                                                           \
            for (size_t i = 0; i < j->n_acts; i++)                                                                     \
                one_row_tile(j, tiles + t * j->l.bytes, i, j->out + i * j->stride + t * ROMA_TILE_ROWS, bits, kind,    \
                             extra, ROMA_SCALE_##form, level);                                                         \
    }
#define ONE_ROW_ENTRY(level, bits, kind, extra, form)                                                                  \
    [bits][kind][extra][ROMA_SCALE_##form] = one_row_##level##_##bits##_##kind##_##extra##_##form,
typedef one_row_fn one_row_fns[10][3][3][ROMA_SCALE_F32 + 1];
#define ONE_ROWS(level)                                                                                                \
    HALF_FORMATS(ONE_ROW, level)                                                                                       \
    static const one_row_fns one_row_##level = {HALF_FORMATS(ONE_ROW_ENTRY, level)};

#endif
