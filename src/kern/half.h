/* Products over half a tile, eight rows in eight lanes: docs/numerics.md section 3. The file that includes this one says how codes
 * meet activations on its instruction set:
 *
 *   ints, floats                        eight lanes and the operations on them: lanes_*.h
 *   unpack, expand_chunk, scale_of      a tile's codes and scales: unpack_*.h
 *   CLASSES, class_of                   classes of formats that are multiplied differently, at most three
 *   SIGNED_OFFSET                       what its unpack adds to signed levels
 *   pack                                makes the records of a class
 *   record_bytes, record_bias, record_z of those records
 *   row_sums                            one row: the integers of both halves of a stripe
 *   arrange, half_stripe                several rows: codes in the order of the records; the integer of half a stripe
 */
#ifndef ROMA_KERN_HALF_H
#define ROMA_KERN_HALF_H

ALWAYS_INLINE floats leaf_value(ints sum, floats s, floats m, float z, bool min) {
    const floats v = mul(to_floats(sum), s);
    return min ? add(v, mul(set_floats(z), m)) : v;
}

/* ---- one row ------------------------------------------------------------------------------------- */

typedef struct {
    job *j;
    const uint8_t *tile;
    unsigned bits, kind;
    bool min;
} walk;

typedef struct {
    floats half[2];
} rows16;

ALWAYS_INLINE rows16 add_rows(rows16 a, rows16 b) { return (rows16){{add(a.half[0], b.half[0]), add(a.half[1], b.half[1])}}; }

ALWAYS_INLINE void prefetch_stripe(const walk *k, uint64_t s) {
    const char *next = (const char *)k->tile + k->j->l.bytes;
    for (size_t i = 0; i < lo_bytes(k->bits); i += 64) prefetch(next + s * lo_bytes(k->bits) + i);
    for (size_t i = 0; i < hi_bytes(k->bits); i += 64) prefetch(next + k->j->l.plane_hi + s * hi_bytes(k->bits) + i);
    if (k->kind == GROUP_32) {
        prefetch(next + k->j->l.scale + 32 * s);
        if (k->min) prefetch(next + k->j->l.min + 32 * s);
    }
}

/* Unit u of the tree: a leaf, or the sum of a stripe's two leaves for groups of 16. */
ALWAYS_INLINE rows16 unit(const walk *k, uint64_t u) {
    job *j = k->j;
    uint64_t s = u * (k->kind == GROUP_MORE ? j->span : 1);
    if (j->ints && s % CHUNK == 0) expand_chunk(j, k->tile, s / CHUNK);
    prefetch_stripe(k, s);
    const floats none = set_floats(0);
    rows16 out;
    if (k->kind == GROUP_16) {
        const float *z = record_z(j->records, s, class_of(k->bits));
        for (unsigned h = 0; h < 2; h++) {
            ints sum[2];
            row_sums(j, k->tile, k->bits, s, h, sum);
            const floats a = leaf_value(sum[0], scale_of(j, k->tile, 2 * s, h, 0), k->min ? scale_of(j, k->tile, 2 * s, h, 1) : none, z[0], k->min);
            const floats b = leaf_value(sum[1], scale_of(j, k->tile, 2 * s + 1, h, 0),
                                        k->min ? scale_of(j, k->tile, 2 * s + 1, h, 1) : none, z[1], k->min);
            out.half[h] = add(a, b);
        }
        return out;
    }
    ints total[2] = {set_ints(0), set_ints(0)};
    for (unsigned i = 0; i < (k->kind == GROUP_MORE ? j->span : 1); i++, s++) {
        if (i) prefetch_stripe(k, s);
        for (unsigned h = 0; h < 2; h++) {
            ints sum[2];
            row_sums(j, k->tile, k->bits, s, h, sum);
            total[h] = add_ints(total[h], add_ints(sum[0], sum[1]));
        }
    }
    for (unsigned h = 0; h < 2; h++)
        out.half[h] = leaf_value(total[h], scale_of(j, k->tile, u, h, 0), k->min ? scale_of(j, k->tile, u, h, 1) : none,
                                 record_z(j->records, s - 1, class_of(k->bits))[0], k->min);
    return out;
}

ALWAYS_INLINE void one_row_tile(job *j, const uint8_t *tile, float *out, unsigned bits, unsigned kind, bool min) {
    const walk k = {j, tile, bits, kind, min};
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

#define ONE_ROW(bits, kind, min)                                                              \
    static void one_row_##bits##_##kind##_##min(job *j, const uint8_t *tiles, size_t n_tiles) { \
        for (size_t t = 0; t < n_tiles; t++)                                                  \
            one_row_tile(j, tiles + t * j->l.bytes, j->out + t * ROMA_TILE_ROWS, bits, kind, min); \
    }
ONE_ROW_FORMATS(ONE_ROW)
#define ONE_ROW_ENTRY(bits, kind, min) [bits][kind][min] = one_row_##bits##_##kind##_##min,
static const one_row_fn one_row_table[9][3][2] = {ONE_ROW_FORMATS(ONE_ROW_ENTRY)};

/* ---- rows in blocks ------------------------------------------------------------------------------ */

ALWAYS_INLINE void push(floats *stack, size_t n, size_t i, unsigned carry, floats v) {
    floats *at = stack + i;
    for (unsigned l = 0; l < carry; l++, at += n) v = add(load_floats(at), v);
    store_floats(at, v);
}

ALWAYS_INLINE void stripe_rows(const void *rec, size_t n, const ints w[16], const floats s[2], const floats m[2], unsigned kind,
                               bool min, int class, bool first, bool last, unsigned carry, ints *acc, floats *stack) {
    for (size_t i = 0; i < n; i++) {
        const int32_t *bias = record_bias(rec, i, class);
        const float *z = record_z(rec, i, class);
        if (kind == GROUP_16) {
            const ints a = half_stripe(rec, i, w, 0, class, set_ints(bias[0])), b = half_stripe(rec, i, w, 1, class, set_ints(bias[1]));
            push(stack, n, i, carry, add(leaf_value(a, s[0], m[0], z[0], min), leaf_value(b, s[1], m[1], z[1], min)));
            continue;
        }
        ints sum = set_ints(bias[0]);
        if (kind == GROUP_MORE && !first) sum = add_ints(sum, load_ints(acc + i));
        sum = half_stripe(rec, i, w, 1, class, half_stripe(rec, i, w, 0, class, sum));
        if (kind == GROUP_MORE && !last) store_ints(acc + i, sum);
        else push(stack, n, i, carry, leaf_value(sum, s[0], m[0], z[0], min));
    }
}

ALWAYS_INLINE void unpack_any(const job *j, const uint8_t *tile, uint64_t s, unsigned half, int class, ints w[16]) {
    const unsigned bits = width_of(j->f);
    const uint8_t *lo = tile + s * lo_bytes(bits) + 32 * half, *hi = tile + j->l.plane_hi + s * hi_bytes(bits) + 32 * half;
    ints v[8];
#define UNPACK_CASE(bits_)                                         \
    case bits_:                                                    \
        if (class_of(bits_) == class) unpack(bits_, j, lo, hi, v); \
        else __builtin_unreachable();                              \
        break;
    switch (width_of(j->f)) {
        UNPACK_CASE(2) UNPACK_CASE(3) UNPACK_CASE(4) UNPACK_CASE(5) UNPACK_CASE(6) UNPACK_CASE(TABLE) UNPACK_CASE(8)
    default: __builtin_unreachable();
    }
#undef UNPACK_CASE
    arrange(v, class, w);
}

/* Rows [begin, begin + n) of a block against half a tile. */
ALWAYS_INLINE void block_half(job *j, const uint8_t *tile, unsigned half, float *out, size_t begin, size_t n, unsigned kind, bool min,
                              int class) {
    const size_t size = record_bytes(class);
    const uint8_t *rec = (const uint8_t *)j->records + begin * j->stripes * size;
    ints *acc = j->stack;
    floats *stack = (floats *)j->stack + BLOCK_ACTS;
    uint64_t units = 0;
    for (uint64_t st = 0; st < j->stripes; st++) {
        ints w[16];
        floats s[2], m[2] = {set_floats(0), set_floats(0)};
        const bool first = kind != GROUP_MORE || (st & (j->span - 1)) == 0, last = kind != GROUP_MORE || ((st + 1) & (j->span - 1)) == 0;
        if (j->ints && st % CHUNK == 0) expand_chunk(j, tile, st / CHUNK);
        unpack_any(j, tile, st, half, class, w);
        for (unsigned i = 0; i < (kind == GROUP_16 ? 2 : 1); i++) {
            const uint64_t g = kind == GROUP_16 ? 2 * st + i : kind == GROUP_32 ? st : st >> j->log_span;
            s[i] = scale_of(j, tile, g, half, 0);
            if (min) m[i] = scale_of(j, tile, g, half, 1);
        }
        const unsigned carry = (unsigned)__builtin_ctzll(~units);
        if (last) stripe_rows(rec + st * n * size, n, w, s, m, kind, min, class, first, true, carry, acc, stack);
        else stripe_rows(rec + st * n * size, n, w, s, m, kind, min, class, first, false, carry, acc, stack);
        units += last;
    }
    for (size_t i = 0; i < n; i++) {
        const float *at = (const float *)(stack + i);
        uint64_t left = units;
        floats v = load_floats(at + 8 * n * (size_t)__builtin_ctzll(left));
        for (left &= left - 1; left; left &= left - 1) v = add(load_floats(at + 8 * n * (size_t)__builtin_ctzll(left)), v);
        store_row(out + (begin + i) * j->stride + 8 * half, mul(set_floats(j->acts[begin + i].scale), v));
    }
}

typedef void (*block_fn)(job *j, const uint8_t *tile, unsigned half, float *out, size_t begin, size_t n);
#define BLOCK(kind, min, class)                                                                                                     \
    static void block_##kind##_##min##_##class(job *j, const uint8_t *tile, unsigned half, float *out, size_t begin, size_t n) {    \
        block_half(j, tile, half, out, begin, n, kind, min, class);                                                                 \
    }
#define BLOCK_KINDS(class) \
    BLOCK(0, 0, class) BLOCK(0, 1, class) BLOCK(1, 0, class) BLOCK(1, 1, class) BLOCK(2, 0, class) BLOCK(2, 1, class)
#define BLOCK_LIST(c) \
    {{block_0_0_##c, block_0_1_##c}, {block_1_0_##c, block_1_1_##c}, {block_2_0_##c, block_2_1_##c}},
BLOCK_KINDS(0)
#if CLASSES > 1
BLOCK_KINDS(1)
BLOCK_KINDS(2)
static const block_fn block_table[CLASSES][3][2] = {BLOCK_LIST(0) BLOCK_LIST(1) BLOCK_LIST(2)};
#else
static const block_fn block_table[CLASSES][3][2] = {BLOCK_LIST(0)};
#endif

static void product(const roma_format *f, uint64_t cols, const uint8_t *tiles, size_t n_tiles, const roma_act *acts, size_t n_acts,
                    float *out, size_t stride, void *scratch) {
    job j;
    const unsigned bits = width_of(f);
    const int class = class_of(bits);
    job_init(&j, f, cols, acts, n_acts, out, stride, scratch, SIGNED_OFFSET);
    const one_row_fn one_row = n_acts == 1 ? one_row_table[bits][j.kind][f->min != ROMA_SCALE_NONE] : NULL;
    pack(&j, class, one_row != NULL);
    if (one_row) {
        one_row(&j, tiles, n_tiles);
        return;
    }
    for (size_t t = 0; t < n_tiles; t++)
        for (size_t i = 0; i < n_acts; i += BLOCK_ACTS)
            for (unsigned half = 0; half < 2; half++)
                block_table[class][j.kind][f->min != ROMA_SCALE_NONE](&j, tiles + t * j.l.bytes, half, out + t * ROMA_TILE_ROWS, i,
                                                                      n_acts - i < BLOCK_ACTS ? n_acts - i : BLOCK_ACTS);
}

#endif
