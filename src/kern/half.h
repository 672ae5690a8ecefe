/* Products over a tile as two halves of eight rows in eight lanes: docs/numerics.md section 3. Both halves meet the
 * same activations, so that these are read once. The file that includes this one says how codes meet activations on its
 * instruction set:
 *
 *   ints, floats                        eight lanes and the operations on them: lanes_*.h
 *   unpack, begin_chunk, scales_of,
 *   zeros_of                            a tile's codes, scales, own zero points: unpack_*.h
 *   CLASSES, class_of                   classes of formats that are multiplied differently, at most three
 *   SIGNED_OFFSET                       what its unpack adds to signed levels
 *   init_fine                           fine_init for one row, or several
 *   pack                                makes the records of a class
 *   record_bytes, record_bias, record_z of those records; one row of activations has plain ones
 *   row_stripe, row_integer             one row: adds the integers of a stripe; what their sum has to become
 *   arrange, half_stripes               several rows: codes in the order of the records; adds the integers of half a
 * stripe
 */
#ifndef ROMA_KERN_HALF_H
#define ROMA_KERN_HALF_H

/* m: minima, or the bits of own zero points. The sum of a group is exact in FP32. */
ALWAYS_INLINE floats leaf_value(ints sum, floats s, floats m, float z, unsigned extra) {
    if (extra == OWN_ZEROS) sum = sub_ints(sum, mul_ints(bits_of(m), set_ints((int32_t)z)));
    const floats v = mul(to_floats(sum), s);
    return extra == WITH_MIN ? add(v, mul(set_floats(z), m)) : v;
}

/* What leaves of group g have beside their scales. */
ALWAYS_INLINE void extras_of(const job *j, const uint8_t *tile, uint64_t g, unsigned extra, unsigned form,
                             floats out[2]) {
    if (extra == WITH_MIN) scales_of(j, tile, g, 1, form, out);
    if (extra == OWN_ZEROS) zeros_of(j, tile, g, out);
}

/* ---- one row ------------------------------------------------------------------------------------- */

typedef struct {
    job *j;
    const uint8_t *tile;
    unsigned bits, kind;
    unsigned extra;
    unsigned form; /* of scales and minima */
} walk;

typedef struct {
    floats half[2];
} rows16;

ALWAYS_INLINE rows16 add_rows(rows16 a, rows16 b) {
    return (rows16){{add(a.half[0], b.half[0]), add(a.half[1], b.half[1])}};
}

ALWAYS_INLINE void begin_stripe(const walk *k, uint64_t s) {
    const char *next = (const char *)k->tile + k->j->l.bytes;
    for (size_t i = 0; i < lo_bytes(k->bits); i += 64) prefetch(next + s * lo_bytes(k->bits) + i);
    for (size_t i = 0; i < hi_bytes(k->bits); i += 64) prefetch(next + k->j->l.plane_hi + s * hi_bytes(k->bits) + i);
    if (k->form >= ROMA_SCALE_U4 && k->form <= ROMA_SCALE_S8) {
        if (s % CHUNK == 0) begin_chunk(k->j, k->tile, s / CHUNK, k->extra == WITH_MIN);
    } else if (k->kind == GROUP_32) {
        prefetch(next + k->j->l.scale + 32 * s);
        if (k->extra == WITH_MIN) prefetch(next + k->j->l.min + 32 * s);
    }
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
    const record *r = (const record *)k->j->records + u * span;
    ints sum[2][2] = {{set_ints(0), set_ints(0)},
                      {set_ints(0), set_ints(0)}}; /* [part of the stripe][half of the tile] */
    int32_t bias = 0;
    for (unsigned i = 0; i < span; i++, r++) {
        begin_stripe(k, u * span + i);
        row_stripe(k->j, r, k->tile, k->bits, u * span + i, sum[0], sum[k->kind == GROUP_16]);
        bias += r->bias[0];
    }
    r--;
    if (k->kind != GROUP_16) return leaf(k, sum[0], bias, r->z[0], u);
    return add_rows(leaf(k, sum[0], r->bias[0], r->z[0], 2 * u), leaf(k, sum[1], r->bias[1], r->z[1], 2 * u + 1));
}

ALWAYS_INLINE void one_row_tile(job *j, const uint8_t *tile, float *out, unsigned bits, unsigned kind, unsigned extra,
                                unsigned form) {
    const walk k = {j, tile, bits, kind, extra, form};
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
    for (int h = 0; h < 2; h++) store_row(out + 8 * h, mul(set_floats(j->acts->scale), v.half[h]));
}

/* Width, kind of group, what leaves have beside scales, and the form of these: the integers of the K-quants are
 * unpacked in the same loop. 9 is FINE. */
/* clang-format off */
#define HALF_FORMATS(X)                                                                                                 \
    X(2, 0, 1, U4) X(2, 2, 0, F16) X(3, 0, 0, S6) X(4, 1, 0, F16) X(4, 1, 1, F16) X(4, 1, 1, U6) X(4, 2, 0, F16)        \
    X(5, 1, 0, F16) X(5, 1, 1, F16) X(5, 1, 1, U6) X(6, 0, 0, S8) X(6, 2, 0, F16) X(7, 1, 0, F16) X(8, 1, 0, F16)        \
    X(4, 2, 0, F32) X(4, 2, 2, F16) X(4, 2, 2, F32) X(7, 2, 0, F32) X(9, 1, 0, F32) X(9, 2, 0, F32)                    \
    X(2, 1, 1, F16) X(2, 2, 1, F16) X(3, 1, 1, F16) X(3, 2, 1, F16) X(4, 2, 1, F16) X(8, 2, 0, F16)
/* clang-format on */
#define ONE_ROW(bits, kind, extra, form)                                                                               \
    static void one_row_##bits##_##kind##_##extra##_##form(job *j, const uint8_t *tiles, size_t n_tiles) {             \
        for (size_t t = 0; t < n_tiles; t++)                                                                           \
            one_row_tile(j, tiles + t * j->l.bytes, j->out + t * ROMA_TILE_ROWS, bits, kind, extra,                    \
                         ROMA_SCALE_##form);                                                                           \
    }
HALF_FORMATS(ONE_ROW)
#define ONE_ROW_ENTRY(bits, kind, extra, form)                                                                         \
    [bits][kind][extra][ROMA_SCALE_##form] = one_row_##bits##_##kind##_##extra##_##form,
static const one_row_fn one_row_table[10][3][3][ROMA_SCALE_F32 + 1] = {HALF_FORMATS(ONE_ROW_ENTRY)};

/* ---- rows in blocks ------------------------------------------------------------------------------ */

/* A part of a tile against the rows of a block: one stripe, or two of one group each. What does not change from row to
 * row. */
typedef struct {
    const uint8_t *records[2]; /* of each stripe */
    size_t n;                  /* rows of activations */
    ints w[2][2][16];          /* [stripe][half of the tile]: codes */
    floats s[2][2], m[2][2];   /* [leaf][half of the tile] */
    bool first;                /* stripe of its group */
    unsigned carry;            /* partial sums that become complete */
    ints *acc;                 /* [row][half of the tile]: integers of a group so far */
    floats *stack;             /* [level][row][half of the tile] */
} part;

ALWAYS_INLINE void push(const part *t, size_t i, int rows, floats v[4]) {
    floats *at = t->stack + 2 * i;
    for (unsigned l = 0; l < t->carry; l++, at += 2 * t->n)
        for (int x = 0; x < 2 * rows; x++) v[x] = add(load_floats(at + x), v[x]);
    for (int x = 0; x < 2 * rows; x++) store_floats(at + x, v[x]);
}

/* The integers of leaf g for rows i .. i + rows - 1: sum[2 * row + half of the tile]. */
ALWAYS_INLINE void leaf_sums(const part *t, size_t i, int rows, int g, unsigned kind, int class, ints sum[4]) {
    const int stripe = kind == GROUP_16 ? 0 : g, half = kind == GROUP_16 ? g : 0;
    for (int x = 0; x < 2 * rows; x++) {
        sum[x] = set_ints(record_bias(t->records[stripe], i + (size_t)x / 2, class)[half]);
        if (kind == GROUP_MORE && !t->first) sum[x] = add_ints(sum[x], load_ints(t->acc + 2 * i + x));
    }
    half_stripes(t->records[stripe], i, rows, t->w[stripe], half, class, sum);
    if (kind != GROUP_16) half_stripes(t->records[stripe], i, rows, t->w[stripe], 1, class, sum);
}

ALWAYS_INLINE void leaf_rows(const part *t, size_t i, int rows, int g, unsigned kind, unsigned extra, int class,
                             floats v[4]) {
    ints sum[4];
    leaf_sums(t, i, rows, g, kind, class, sum);
    for (int x = 0; x < 2 * rows; x++) {
        const float *z = record_z(t->records[kind == GROUP_16 ? 0 : g], i + (size_t)x / 2, class);
        v[x] = leaf_value(sum[x], t->s[g][x % 2], t->m[g][x % 2], z[kind == GROUP_16 ? g : 0], extra);
    }
}

/* At most two rows: two rows times two halves of the tile fill the registers. No leaf: the group goes on. */
ALWAYS_INLINE void part_rows(const part *t, size_t i, int rows, unsigned kind, unsigned extra, int class, int leaves) {
    if (!leaves) {
        ints sum[4];
        leaf_sums(t, i, rows, 0, kind, class, sum);
        for (int x = 0; x < 2 * rows; x++) store_ints(t->acc + 2 * i + x, sum[x]);
        return;
    }
    floats v[4], second[4];
    leaf_rows(t, i, rows, 0, kind, extra, class, v);
    if (leaves == 2) leaf_rows(t, i, rows, 1, kind, extra, class, second);
    for (int x = 0; leaves == 2 && x < 2 * rows; x++) v[x] = add(v[x], second[x]);
    push(t, i, rows, v);
}

ALWAYS_INLINE void part_block(const part *t, unsigned kind, unsigned extra, int class, int leaves) {
    size_t i = 0;
    for (; i + 2 <= t->n; i += 2) part_rows(t, i, 2, kind, extra, class, leaves);
    if (i < t->n) part_rows(t, i, 1, kind, extra, class, leaves);
}

ALWAYS_INLINE void unpack_any(const job *j, const uint8_t *tile, uint64_t s, unsigned half, int class, ints w[16]) {
    const unsigned bits = width_of(j->f);
    const uint8_t *lo = tile + s * lo_bytes(bits) + 32 * half,
                  *hi = tile + j->l.plane_hi + s * hi_bytes(bits) + 32 * half;
    ints v[8];
#define UNPACK_CASE(bits_)                                                                                             \
    case bits_:                                                                                                        \
        if (class_of(bits_) == class) {                                                                                \
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
ALWAYS_INLINE void begin_part(part *t, job *j, const uint8_t *tile, uint64_t st, unsigned count, unsigned leaves,
                              unsigned kind, unsigned extra, int class) {
    if (j->ints && st % CHUNK == 0) begin_chunk(j, tile, st / CHUNK, extra == WITH_MIN);
    for (unsigned i = 0; i < count; i++)
        for (unsigned h = 0; h < 2; h++) unpack_any(j, tile, st + i, h, class, t->w[i][h]);
    for (unsigned i = 0; i < leaves; i++) {
        const uint64_t g = (kind == GROUP_16 ? 2 * st : kind == GROUP_32 ? st : st >> j->log_span) + i;
        scales_of(j, tile, g, 0, j->f->scale, t->s[i]);
        extras_of(j, tile, g, extra, j->f->scale, t->m[i]);
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

/* Rows [begin, begin + n) of a block against a tile. */
ALWAYS_INLINE void block_tile(job *j, const uint8_t *tile, float *out, size_t begin, size_t n, unsigned kind,
                              unsigned extra, int class) {
    const size_t size = record_bytes(class);
    const uint8_t *rec = (const uint8_t *)j->records + begin * j->stripes * size;
    part t = {.n = n, .acc = j->stack, .stack = (floats *)j->stack + 2 * BLOCK_ACTS};
    uint64_t units = 0;
    for (uint64_t st = 0, count; st < j->stripes; st += count) {
        count = kind == GROUP_32 && st + 1 < j->stripes ? 2 : 1;
        const unsigned leaves =
            kind == GROUP_16 || count == 2 ? 2 : kind == GROUP_32 || ((st + 1) & (j->span - 1)) == 0;
        t.first = (st & (j->span - 1)) == 0;
        t.records[0] = rec + st * n * size;
        t.records[1] = t.records[0] + n * size;
        t.carry = (unsigned)__builtin_ctzll(~units);
        begin_part(&t, j, tile, st, (unsigned)count, leaves, kind, extra, class);
        if (kind != GROUP_MORE && leaves == 2)
            part_block(&t, kind, extra, class, 2);
        else if (kind != GROUP_16 && leaves)
            part_block(&t, kind, extra, class, 1);
        else if (kind == GROUP_MORE)
            part_block(&t, kind, extra, class, 0);
        units += leaves != 0;
    }
    finish_block(&t, j, out, begin, units);
}

typedef void (*block_fn)(job *j, const uint8_t *tile, float *out, size_t begin, size_t n);
#define BLOCK(kind, extra, class)                                                                                      \
    static void block_##kind##_##extra##_##class(job * j, const uint8_t *tile, float *out, size_t begin, size_t n) {   \
        block_tile(j, tile, out, begin, n, kind, extra, class);                                                        \
    }
#define BLOCK_KINDS(class)                                                                                             \
    BLOCK(0, 0, class)                                                                                                 \
    BLOCK(0, 1, class)                                                                                                 \
    BLOCK(0, 2, class)                                                                                                 \
    BLOCK(1, 0, class) BLOCK(1, 1, class) BLOCK(1, 2, class) BLOCK(2, 0, class) BLOCK(2, 1, class) BLOCK(2, 2, class)
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

static void product(const roma_format *f, uint64_t cols, const uint8_t *tiles, size_t n_tiles, const roma_act *acts,
                    size_t n_acts, float *out, size_t stride, void *scratch) {
    job j;
    const unsigned bits = width_of(f);
    const int class = class_of(bits);
    job_init(&j, f, cols, acts, n_acts, out, stride, scratch, SIGNED_OFFSET);
    const unsigned extra = extra_of(f);
    const one_row_fn one_row = n_acts == 1 ? one_row_table[bits][j.kind][extra][f->scale] : NULL;
    if (bits == FINE) init_fine(&j, one_row != NULL);
    pack(&j, class, one_row != NULL);
    if (one_row) {
        one_row(&j, tiles, n_tiles);
        return;
    }
    for (size_t t = 0; t < n_tiles; t++)
        for (size_t i = 0; i < n_acts; i += BLOCK_ACTS)
            block_table[class][j.kind][extra](&j, tiles + t * j.l.bytes, out + t * ROMA_TILE_ROWS, i,
                                              n_acts - i < BLOCK_ACTS ? n_acts - i : BLOCK_ACTS);
}

#endif
