/* Products over a tile as two halves of eight rows in eight lanes: docs/numerics.md section 3. Both halves meet the
 * same activations, so that these are read once. The file that includes this one says how codes meet activations on its
 * instruction set:
 *
 *   ints, floats                        eight lanes and the operations on them: lanes_*.h
 *   unpack, begin_chunk, scales_of,
 *   zeros_of                            a tile's codes, scales, own zero points: unpack_*.h
 *   CLASSES, class_of                   classes of formats that are multiplied differently, at most three
 *   class_has                           whether codes of a width are multiplied as those of a class
 *   sum_value                           an integer of a class as FP32
 *   bias_first                          whether integers of a class begin with their bias, which each stripe has then
 *   SIGNED_OFFSET                       what its unpack adds to signed levels
 *   init_fine                           fine_init for one row, or several
 *   pack                                makes the records of a class, for so many rows that walk a tile at a time, or 0
 *   record_bytes, record_bias, record_z of those records
 *   FEW                                 rows, one or four, that walk a tile at a time: their sums stay in registers
 *   few_rows                            up to so many rows walk a tile instead of meeting it in blocks
 *   walk_class                          the class of rows that walk
 *   row_stripe, row_integer             they: adds the integers of a stripe; what their sum has to become
 *   rows_of                             rows of a block, two or four, whose sums fit the registers
 *   arrange, half_stripes               they: codes in the order of the records; adds the integers of half a stripe
 */
#ifndef ROMA_KERN_HALF_H
#define ROMA_KERN_HALF_H

/* m: minima, or the bits of own zero points. The sum of a group is exact in FP32. */
ALWAYS_INLINE floats leaf_value(ints sum, floats s, floats m, float z, unsigned extra, int class) {
    if (extra == OWN_ZEROS) sum = sub_ints(sum, mul_ints(bits_of(m), set_ints((int32_t)z)));
    const floats v = mul(sum_value(sum, class), s);
    return extra == WITH_MIN ? add(v, mul(set_floats(z), m)) : v;
}

/* What leaves of group g have beside their scales. */
ALWAYS_INLINE void extras_of(const job *j, const uint8_t *tile, uint64_t g, unsigned extra, unsigned form,
                             floats out[2]) {
    if (extra == WITH_MIN) scales_of(j, tile, g, 1, form, out);
    if (extra == OWN_ZEROS) zeros_of(j, tile, g, out);
}

#include "half_row.h"

/* ---- rows in blocks ------------------------------------------------------------------------------ */

/* Of a part of a tile, one stripe or two, of one group each or all of one: what every row meets. */
typedef struct {
    ints w[2][2][16];        /* [stripe][half of the tile]: codes */
    floats s[2][2], m[2][2]; /* [leaf][half of the tile] */
} weights;

/* A part against the rows of a block. */
typedef struct {
    const weights *weights;
    const uint8_t *records[2]; /* of each stripe */
    size_t n;                  /* rows of activations */
    unsigned carry;            /* partial sums that become complete */
    ints *acc;                 /* [row][half of the tile]: integers of a group so far */
    floats *stack;             /* [level][row][half of the tile] */
} part;

/* What a part is to its groups: leaves that it completes; whether its sums begin with it. */
typedef struct {
    unsigned kind, extra;
    int class, leaves;
    bool first;
} role;

ALWAYS_INLINE void push(const part *t, size_t i, int rows, floats v[SUMS]) {
    floats *at = t->stack + 2 * i;
    for (unsigned l = 0; l < t->carry; l++, at += 2 * t->n)
        for (int x = 0; x < 2 * rows; x++) v[x] = add(load_floats(at + x), v[x]);
    for (int x = 0; x < 2 * rows; x++) store_floats(at + x, v[x]);
}

/* The integers of leaf g for rows i .. i + rows - 1: sum[2 * row + half of the tile]. */
ALWAYS_INLINE void leaf_sums(const part *t, size_t i, int rows, int g, role o, ints sum[SUMS]) {
    const int half = o.kind == GROUP_16 ? g : 0, stripe = o.kind == GROUP_32 ? g : 0;
    const uint8_t *last = t->records[o.kind == GROUP_MORE ? 1 : stripe];
    for (int x = 0; x < 2 * rows; x++) {
        const bool early = bias_first(o.class), biased = early ? o.first : o.leaves != 0;
        const uint8_t *rec = early ? t->records[stripe] : last;
        sum[x] = biased ? set_ints(record_bias(rec, i + (size_t)x / 2, o.class)[half]) : set_ints(0);
        if (!o.first) sum[x] = early ? load_ints(t->acc + 2 * i + x) : add_ints(sum[x], load_ints(t->acc + 2 * i + x));
    }
    half_stripes(t->records[stripe], i, rows, t->weights->w[stripe], half, o.class, sum);
    if (o.kind != GROUP_16) half_stripes(t->records[stripe], i, rows, t->weights->w[stripe], 1, o.class, sum);
    for (int h = 0; o.kind == GROUP_MORE && h < 2; h++) half_stripes(last, i, rows, t->weights->w[1], h, o.class, sum);
}

ALWAYS_INLINE void leaf_rows(const part *t, size_t i, int rows, int g, role o, floats v[SUMS]) {
    ints sum[SUMS];
    const uint8_t *last = t->records[o.kind == GROUP_MORE ? 1 : o.kind == GROUP_32 ? g : 0];
    leaf_sums(t, i, rows, g, o, sum);
    for (int x = 0; x < 2 * rows; x++)
        v[x] = leaf_value(sum[x], t->weights->s[g][x % 2], t->weights->m[g][x % 2],
                          record_z(last, i + (size_t)x / 2, o.class)[o.kind == GROUP_16 ? g : 0], o.extra, o.class);
}

/* No leaf: the group goes on. */
ALWAYS_INLINE void part_rows(const part *t, size_t i, int rows, role o) {
    if (!o.leaves) {
        ints sum[SUMS];
        leaf_sums(t, i, rows, 0, o, sum);
        for (int x = 0; x < 2 * rows; x++) store_ints(t->acc + 2 * i + x, sum[x]);
        return;
    }
    floats v[SUMS], second[SUMS];
    leaf_rows(t, i, rows, 0, o, v);
    if (o.leaves == 2) leaf_rows(t, i, rows, 1, o, second);
    for (int x = 0; o.leaves == 2 && x < 2 * rows; x++) v[x] = add(v[x], second[x]);
    push(t, i, rows, v);
}

/* Inlined into block_tile, which knows where the part is, compilers load all codes before the first row and spill them.
 */
#define PART(kind, extra, class, leaves, first)                                                                        \
    static NOINLINE void part_##kind##_##extra##_##class##_##leaves##_##first(const part *given) {                     \
        const role o = {kind, extra, class, leaves, first};                                                            \
        const part t = *given; /* stores cannot change a copy */                                                       \
        size_t i = 0;                                                                                                  \
        for (; rows_of(class) == 4 && i + 4 <= t.n; i += 4) part_rows(&t, i, 4, o);                                    \
        for (; i + 2 <= t.n; i += 2) part_rows(&t, i, 2, o);                                                           \
        if (i < t.n) part_rows(&t, i, 1, o);                                                                           \
    }
typedef void (*part_fn)(const part *t);

ALWAYS_INLINE void unpack_any(const job *j, const uint8_t *tile, uint64_t s, unsigned half, int class, ints w[16]) {
    const unsigned bits = width_of(j->f);
    const uint8_t *lo = tile + s * lo_bytes(bits) + 32 * half,
                  *hi = tile + j->l.plane_hi + s * hi_bytes(bits) + 32 * half;
    ints v[8];
#define UNPACK_CASE(bits_)                                                                                             \
    case bits_:                                                                                                        \
        if (class_has(class, bits_)) {                                                                                 \
            unpack(bits_, j, lo, hi, v);                                                                               \
            arrange(j, bits_, v, w);                                                                                   \
        } else                                                                                                         \
            __builtin_unreachable();                                                                                   \
        break;
    /* clang-format off */
    switch (width_of(j->f)) {
        UNPACK_CASE(2) UNPACK_CASE(3) UNPACK_CASE(4) UNPACK_CASE(5) UNPACK_CASE(6) UNPACK_CASE(TABLE) UNPACK_CASE(8)
        UNPACK_CASE(FINE)
        default: __builtin_unreachable();
    }
    /* clang-format on */
#undef UNPACK_CASE
}

/* Codes and scales of `count` stripes from st on. */
ALWAYS_INLINE void begin_part(weights *c, job *j, const uint8_t *tile, uint64_t st, unsigned count, unsigned leaves,
                              unsigned kind, unsigned extra, int class) {
    if (j->ints && st % CHUNK == 0) begin_chunk(j, tile, st / CHUNK, extra == WITH_MIN);
    for (unsigned i = 0; i < count; i++)
        for (unsigned h = 0; h < 2; h++) unpack_any(j, tile, st + i, h, class, c->w[i][h]);
    for (unsigned i = 0; i < leaves; i++) {
        const uint64_t g = (kind == GROUP_16 ? 2 * st : kind == GROUP_32 ? st : st >> j->log_span) + i;
        scales_of(j, tile, g, 0, j->f->scale, c->s[i]);
        extras_of(j, tile, g, extra, j->f->scale, c->m[i]);
    }
}

/* Sums of the tree over the stack, whose occupied levels are the bits of units. */
ALWAYS_INLINE void finish_block(const part *t, const job *j, float *out, size_t begin, uint64_t units) {
    for (size_t i = 0; i < 2 * t->n; i++) {
        const floats *at = t->stack + i;
        uint64_t left = units;
        floats v = load_floats(at + 2 * t->n * (size_t)__builtin_ctzll(left));
        for (left &= left - 1; left; left &= left - 1)
            v = add(load_floats(at + 2 * t->n * (size_t)__builtin_ctzll(left)), v);
        store_row(out + (begin + i / 2) * j->stride + 8 * (i % 2), mul(set_floats(j->acts[begin + i / 2].scale), v));
    }
}

/* Rows [begin, begin + n) of a block against a tile; parts[leaves][first]. */
ALWAYS_INLINE void block_tile(job *j, const uint8_t *tile, float *out, size_t begin, size_t n, unsigned kind,
                              unsigned extra, int class, const part_fn parts[3][2]) {
    const size_t size = record_bytes(class);
    const uint8_t *rec = (const uint8_t *)j->records + begin * j->stripes * size;
    weights c;
    const walk ahead = {j, tile, 0, 0, width_of(j->f), kind, extra, j->f->scale, class, FAR};
    part t = {.weights = &c, .n = n, .acc = j->stack, .stack = (floats *)j->stack + 2 * BLOCK_ACTS};
    uint64_t units = 0;
    for (uint64_t st = 0, count; st < j->stripes; st += count) {
        count = kind != GROUP_16 && st + 1 < j->stripes ? 2 : 1;
        const bool is_last = kind != GROUP_MORE || ((st + 2) & (j->span - 1)) == 0;
        const unsigned leaves = kind == GROUP_16 || (kind == GROUP_32 && count == 2) ? 2 : is_last;
        t.records[0] = rec + st * n * size;
        t.records[1] = t.records[0] + n * size;
        t.carry = (unsigned)__builtin_ctzll(~units);
        for (unsigned i = 0; begin == 0 && i < count; i++) prefetch_stripe(&ahead, st + i); /* for all blocks */
        begin_part(&c, j, tile, st, (unsigned)count, leaves, kind, extra, class);
        parts[leaves][kind != GROUP_MORE || (st & (j->span - 1)) == 0](&t);
        units += leaves != 0;
    }
    finish_block(&t, j, out, begin, units);
}

typedef void (*block_fn)(job *j, const uint8_t *tile, float *out, size_t begin, size_t n);
#define BLOCK(kind, extra, class, ...)                                                                                 \
    static void block_##kind##_##extra##_##class(job * j, const uint8_t *tile, float *out, size_t begin, size_t n) {   \
        static const part_fn parts[3][2] = {__VA_ARGS__};                                                              \
        block_tile(j, tile, out, begin, n, kind, extra, class, parts);                                                 \
    }
#define BLOCKS_16(extra, class)                                                                                        \
    PART(0, extra, class, 2, 1)                                                                                        \
    BLOCK(0, extra, class, [2][1] = part_0_##extra##_##class##_2_1)
#define BLOCKS_32(extra, class)                                                                                        \
    PART(1, extra, class, 1, 1)                                                                                        \
    PART(1, extra, class, 2, 1)                                                                                        \
    BLOCK(1, extra, class, [1][1] = part_1_##extra##_##class##_1_1, [2][1] = part_1_##extra##_##class##_2_1)
#define BLOCKS_MORE(extra, class)                                                                                      \
    PART(2, extra, class, 0, 0)                                                                                        \
    PART(2, extra, class, 0, 1)                                                                                        \
    PART(2, extra, class, 1, 0)                                                                                        \
    PART(2, extra, class, 1, 1)                                                                                        \
    BLOCK(2, extra, class, [0][0] = part_2_##extra##_##class##_0_0, [0][1] = part_2_##extra##_##class##_0_1,           \
          [1][0] = part_2_##extra##_##class##_1_0, [1][1] = part_2_##extra##_##class##_1_1)
#define BLOCK_KINDS(class)                                                                                             \
    BLOCKS_16(0, class)                                                                                                \
    BLOCKS_16(1, class)                                                                                                \
    BLOCKS_16(2, class)                                                                                                \
    BLOCKS_32(0, class)                                                                                                \
    BLOCKS_32(1, class)                                                                                                \
    BLOCKS_32(2, class)                                                                                                \
    BLOCKS_MORE(0, class)                                                                                              \
    BLOCKS_MORE(1, class)                                                                                              \
    BLOCKS_MORE(2, class)
#define BLOCK_LIST(c)                                                                                                  \
    {{block_0_0_##c, block_0_1_##c, block_0_2_##c},                                                                    \
     {block_1_0_##c, block_1_1_##c, block_1_2_##c},                                                                    \
     {block_2_0_##c, block_2_1_##c, block_2_2_##c}},
BLOCK_KINDS(0)
BLOCK_KINDS(1)
#if CLASSES > 2
BLOCK_KINDS(2)
static const block_fn block_table[CLASSES][3][3] = {BLOCK_LIST(0) BLOCK_LIST(1) BLOCK_LIST(2)};
#else
static const block_fn block_table[CLASSES][3][3] = {BLOCK_LIST(0) BLOCK_LIST(1)};
#endif

/* So many rows at a time walk a tile, one group after another; none where blocks are quicker. Formats without functions
 * for a few rows have up to three walk one by one. */
ALWAYS_INLINE size_t rows_at_once(const job *j, const walk_fns *walks[FEW], int class) {
    const unsigned bits = width_of(j->f), extra = extra_of(j->f);
    const size_t n = j->n_acts, groups = (n + FEW - 1) / FEW;
    if (n > few_rows(j, bits) || !(*walks[0])[bits][j->kind][extra][j->f->scale]) return 0;
    if (n == 1 || FEW == 1) return 1;
    if ((*walks[FEW - 1])[bits][j->kind][extra][j->f->scale] && walk_class(FEW, bits, j->kind, extra) == class)
        return (n + groups - 1) / groups;
    return n < FEW && j->kind != GROUP_16;
}

static void multiply(const roma_format *f, uint64_t cols, const uint8_t *tiles, size_t n_tiles, const roma_act *acts,
                     size_t n_acts, float *out, size_t stride, void *scratch, const walk_fns *walks[FEW]) {
    job j;
    const unsigned bits = width_of(f), extra = extra_of(f);
    const int class = class_of(f);
    job_init(&j, f, cols, acts, n_acts, out, stride, scratch, SIGNED_OFFSET);
    const size_t rows = rows_at_once(&j, walks, class);
    if (bits == FINE) init_fine(&j, rows == 1);
    pack(&j, class, rows);
    for (size_t t = 0; t < n_tiles; t++) {
        const uint8_t *tile = tiles + t * j.l.bytes;
        float *to = out + t * ROMA_TILE_ROWS;
        for (size_t i = 0, n; rows && i < n_acts; i += n) {
            n = n_acts - i < rows ? n_acts - i : rows;
            (*walks[n - 1])[bits][j.kind][extra][f->scale](&j, tile, i, to + i * stride);
        }
        for (size_t i = 0; !rows && i < n_acts; i += BLOCK_ACTS)
            block_table[class][j.kind][extra](&j, tile, to, i, n_acts - i < BLOCK_ACTS ? n_acts - i : BLOCK_ACTS);
    }
}

#ifdef FEW_IS_ONE
#define MORE_WALKS
#else
WALKS(FEW_FORMATS, 2, FAR)
WALKS(FEW_FORMATS, 3, FAR)
WALKS(FEW_FORMATS, 4, FAR)
#define MORE_WALKS , &walks_2_FAR, &walks_3_FAR, &walks_4_FAR
#endif
#define PRODUCT(level)                                                                                                 \
    WALKS(ROW_FORMATS, 1, level)                                                                                       \
    static void product_##level(const roma_format *f, uint64_t cols, const uint8_t *tiles, size_t n_tiles,             \
                                const roma_act *acts, size_t n_acts, float *out, size_t stride, void *scratch) {       \
        const walk_fns *walks[FEW] = {&walks_1_##level MORE_WALKS};                                                    \
        multiply(f, cols, tiles, n_tiles, acts, n_acts, out, stride, scratch, walks);                                  \
    }

#endif
