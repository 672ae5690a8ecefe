/* Products on AVX-512 with VNNI: docs/numerics.md section 3, 16 rows in 16 lanes.
 *
 * One row of activations is bound by memory: a tile is walked once, codes never leave registers, the lowest levels of the
 * tree neither. More rows: the codes of a stripe of two tiles are unpacked once and stay in 16 registers while the
 * rows pass; partial sums live in a stack per row. */
#include "product.h"
#include "unpack_avx512.h"
#include "vector.h"

/* Integer of sub-group b: codes w times eight activations, shifted. */
ALWAYS_INLINE __m512i subgroup(__m512i w0, __m512i w1, const record *r, int b) {
    const __m512i p = _mm512_dpbusd_epi32(_mm512_dpbusd_epi32(_mm512_setzero_si512(), w0, _mm512_set1_epi32(r->code[2 * b])), w1,
                                          _mm512_set1_epi32(r->code[2 * b + 1]));
    return _mm512_sllv_epi32(p, _mm512_set1_epi32((int)r->shift[b]));
}

ALWAYS_INLINE __m512 leaf_value(__m512i sum, __m512 s, __m512 m, float z, bool min) {
    const __m512 v = _mm512_mul_ps(_mm512_cvtepi32_ps(sum), s);
    return min ? _mm512_add_ps(v, _mm512_mul_ps(_mm512_set1_ps(z), m)) : v;
}

/* ---- one row ------------------------------------------------------------------------------------- */

typedef struct {
    const job *j;
    const uint8_t *tile;
    const record *rec;
    unsigned bits, kind;
    bool min;
} walk;

ALWAYS_INLINE __m512i stripe_sum(const walk *k, uint64_t s, __m512i sum, int from, int to) {
    const uint8_t *lo = k->tile + s * lo_bytes(k->bits), *hi = k->tile + k->j->l.plane_hi + s * hi_bytes(k->bits);
    __m512i w[8];
    unpack(k->bits, k->j, lo, hi, w);
    for (int b = from; b < to; b++) sum = _mm512_add_epi32(sum, subgroup(w[2 * b], w[2 * b + 1], k->rec + s, b));
    return sum;
}

/* Codes, scales and minima are three runs per tile, each too short for the hardware to follow: while a stripe is worked on,
 * its counterpart of the next tile is asked for. Past the last tile this touches nothing that counts. */
ALWAYS_INLINE void prefetch_stripe(const walk *k, uint64_t s) {
    const char *next = (const char *)k->tile + k->j->l.bytes;
    for (size_t i = 0; i < lo_bytes(k->bits); i += 64) _mm_prefetch(next + s * lo_bytes(k->bits) + i, _MM_HINT_T1);
    for (size_t i = 0; i < hi_bytes(k->bits); i += 64) _mm_prefetch(next + k->j->l.plane_hi + s * hi_bytes(k->bits) + i, _MM_HINT_T1);
    if (k->kind == GROUP_32) {
        _mm_prefetch(next + k->j->l.scale + 32 * s, _MM_HINT_T1);
        if (k->min) _mm_prefetch(next + k->j->l.min + 32 * s, _MM_HINT_T1);
    }
}

/* Unit u of the tree: a leaf, or the sum of a stripe's two leaves for groups of 16. */
ALWAYS_INLINE __m512 unit(const walk *k, uint64_t u) {
    job *j = (job *)k->j;
    const uint64_t s = u * (k->kind == GROUP_MORE ? j->span : 1);
    if (j->ints && s % CHUNK == 0) expand_chunk(j, k->tile, s / CHUNK, 0);
    const record *r = k->rec + s;
    prefetch_stripe(k, s);
    if (k->kind == GROUP_16) {
        const uint8_t *lo = k->tile + s * lo_bytes(k->bits), *hi = k->tile + j->l.plane_hi + s * hi_bytes(k->bits);
        __m512i w[8];
        unpack(k->bits, j, lo, hi, w);
        __m512 v[2];
        for (int h = 0; h < 2; h++) {
            const __m512i a = subgroup(w[4 * h], w[4 * h + 1], r, 2 * h), b = subgroup(w[4 * h + 2], w[4 * h + 3], r, 2 * h + 1);
            const __m512i sum = _mm512_add_epi32(_mm512_add_epi32(a, b), _mm512_set1_epi32(r->bias[h]));
            v[h] = leaf_value(sum, scale_of(j, k->tile, 2 * s + (unsigned)h, 0, 0),
                              k->min ? scale_of(j, k->tile, 2 * s + (unsigned)h, 0, 1) : _mm512_setzero_ps(), r->z[h], k->min);
        }
        return _mm512_add_ps(v[0], v[1]);
    }
    __m512i sum = stripe_sum(k, s, _mm512_set1_epi32(r->bias[0]), 0, 4);
    if (k->kind == GROUP_MORE)
        for (unsigned i = 1; i < j->span; i++) {
            prefetch_stripe(k, s + i);
            r++;
            sum = stripe_sum(k, s + i, _mm512_add_epi32(sum, _mm512_set1_epi32(r->bias[0])), 0, 4);
        }
    return leaf_value(sum, scale_of(j, k->tile, u, 0, 0), k->min ? scale_of(j, k->tile, u, 0, 1) : _mm512_setzero_ps(), r->z[0],
                      k->min);
}

ALWAYS_INLINE void one_row_tile(job *j, const uint8_t *tile, float *out, unsigned bits, unsigned kind, bool min) {
    const walk k = {j, tile, j->records, bits, kind, min};
    const uint64_t units = kind == GROUP_MORE ? j->stripes >> j->log_span : j->stripes;
    __m512 part[32];
    int top = 0;
    uint64_t u = 0;
    for (; u + 4 <= units; u += 4) {
        const __m512 a = unit(&k, u), b = unit(&k, u + 1), c = unit(&k, u + 2), d = unit(&k, u + 3); /* in the order of memory */
        __m512 v = _mm512_add_ps(_mm512_add_ps(a, b), _mm512_add_ps(c, d));
        for (uint64_t n = u / 4; n & 1; n >>= 1) v = _mm512_add_ps(part[--top], v);
        part[top++] = v;
    }
    for (uint64_t n0 = u; u < units; u++) {
        __m512 v = unit(&k, u);
        for (uint64_t n = u - n0; n & 1; n >>= 1) v = _mm512_add_ps(part[--top], v);
        part[top++] = v;
    }
    __m512 v = part[--top];
    while (top) v = _mm512_add_ps(part[--top], v);
    _mm512_storeu_ps(out, _mm512_mul_ps(_mm512_set1_ps(j->acts->scale), v));
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

/* Adds a unit to the stack of row i: `carry` sums of rising size wait to its left. */
ALWAYS_INLINE void push(__m512 *stack, size_t n, size_t i, int tile, int tiles, unsigned carry, __m512 v) {
    __m512 *at = stack + i * (size_t)tiles + (size_t)tile;
    for (unsigned l = 0; l < carry; l++, at += n * (size_t)tiles) v = _mm512_add_ps(_mm512_load_ps((const float *)at), v);
    _mm512_store_ps((float *)at, v);
}

/* One stripe of `tiles` tiles, codes w, against n rows. A group of more than one stripe keeps its integers in acc. */
ALWAYS_INLINE void stripe_rows(const record *rec, size_t n, const __m512i w[16], const __m512 s[4], const __m512 m[4], int tiles,
                               unsigned kind, bool min, bool first, bool last, unsigned carry, __m512i *acc, __m512 *stack) {
    for (size_t i = 0; i < n; i++) {
        const record *r = rec + i;
        if (kind == GROUP_16) {
            for (int t = 0; t < tiles; t++) {
                __m512 v[2];
                for (int h = 0; h < 2; h++) {
                    const __m512i *wt = w + 8 * t + 4 * h;
                    const __m512i sum = _mm512_add_epi32(_mm512_add_epi32(subgroup(wt[0], wt[1], r, 2 * h), _mm512_set1_epi32(r->bias[h])),
                                                         subgroup(wt[2], wt[3], r, 2 * h + 1));
                    v[h] = leaf_value(sum, s[2 * t + h], m[2 * t + h], r->z[h], min);
                }
                push(stack, n, i, t, tiles, carry, _mm512_add_ps(v[0], v[1]));
            }
            continue;
        }
        __m512i sum[2];
        for (int t = 0; t < tiles; t++) {
            sum[t] = _mm512_set1_epi32(r->bias[0]);
            if (kind == GROUP_MORE && !first) sum[t] = _mm512_add_epi32(sum[t], _mm512_load_si512(acc + i * (size_t)tiles + (size_t)t));
        }
        for (int b = 0; b < 4; b++)
            for (int t = 0; t < tiles; t++)
                sum[t] = _mm512_add_epi32(sum[t], subgroup(w[8 * t + 2 * b], w[8 * t + 2 * b + 1], r, b));
        for (int t = 0; t < tiles; t++) {
            if (kind == GROUP_MORE && !last) _mm512_store_si512(acc + i * (size_t)tiles + (size_t)t, sum[t]);
            else push(stack, n, i, t, tiles, carry, leaf_value(sum[t], s[2 * t], m[2 * t], r->z[0], min));
        }
    }
}

ALWAYS_INLINE void unpack_any(const job *j, const uint8_t *tile, uint64_t s, __m512i w[8]) {
    const unsigned bits = width_of(j->f);
    const uint8_t *lo = tile + s * lo_bytes(bits), *hi = tile + j->l.plane_hi + s * hi_bytes(bits);
    switch (bits) {
    case 2: unpack(2, j, lo, hi, w); break;
    case 3: unpack(3, j, lo, hi, w); break;
    case 4: unpack(4, j, lo, hi, w); break;
    case 5: unpack(5, j, lo, hi, w); break;
    case 6: unpack(6, j, lo, hi, w); break;
    case TABLE: unpack(TABLE, j, lo, hi, w); break;
    default: unpack(8, j, lo, hi, w); break;
    }
}

/* Rows [begin, begin + n) of a block against `tiles` adjacent tiles. */
ALWAYS_INLINE void block_tiles(job *j, const uint8_t *tile, float *out, size_t begin, size_t n, int tiles, unsigned kind, bool min) {
    const record *rec = (const record *)j->records + begin * j->stripes;
    __m512i *acc = j->stack;
    __m512 *stack = (__m512 *)j->stack + 2 * BLOCK_ACTS;
    uint64_t units = 0;
    for (uint64_t st = 0; st < j->stripes; st++) {
        __m512i w[16];
        __m512 s[4], m[4];
        const bool first = kind != GROUP_MORE || (st & (j->span - 1)) == 0, last = kind != GROUP_MORE || ((st + 1) & (j->span - 1)) == 0;
        for (int t = 0; t < tiles; t++) {
            const uint8_t *at = tile + (size_t)t * j->l.bytes;
            if (j->ints && st % CHUNK == 0) expand_chunk(j, at, st / CHUNK, t);
            unpack_any(j, at, st, w + 8 * t);
            for (unsigned h = 0; h < (kind == GROUP_16 ? 2 : 1); h++) {
                const uint64_t g = kind == GROUP_16 ? 2 * st + h : kind == GROUP_32 ? st : st >> j->log_span;
                s[2 * t + (int)h] = scale_of(j, at, g, t, 0);
                m[2 * t + (int)h] = min ? scale_of(j, at, g, t, 1) : _mm512_setzero_ps();
            }
        }
        const unsigned carry = (unsigned)__builtin_ctzll(~units);
        if (last) stripe_rows(rec + st * n, n, w, s, m, tiles, kind, min, first, true, carry, acc, stack);
        else stripe_rows(rec + st * n, n, w, s, m, tiles, kind, min, first, false, carry, acc, stack);
        units += last;
    }
    for (size_t i = 0; i < n; i++)
        for (int t = 0; t < tiles; t++) {
            const float *at = (const float *)(stack + i * (size_t)tiles + (size_t)t);
            const size_t level = n * (size_t)tiles * 16;
            uint64_t left = units;
            __m512 v = _mm512_load_ps(at + level * (size_t)__builtin_ctzll(left));
            for (left &= left - 1; left; left &= left - 1)
                v = _mm512_add_ps(_mm512_load_ps(at + level * (size_t)__builtin_ctzll(left)), v);
            _mm512_storeu_ps(out + (begin + i) * j->stride + (size_t)t * ROMA_TILE_ROWS,
                             _mm512_mul_ps(_mm512_set1_ps(j->acts[begin + i].scale), v));
        }
}

typedef void (*block_fn)(job *j, const uint8_t *tile, float *out, size_t begin, size_t n);
#define BLOCK(tiles, kind, min)                                                                                     \
    static void block_##tiles##_##kind##_##min(job *j, const uint8_t *tile, float *out, size_t begin, size_t n) {   \
        block_tiles(j, tile, out, begin, n, tiles, kind, min);                                                      \
    }
BLOCK(1, 0, 0) BLOCK(1, 0, 1) BLOCK(1, 1, 0) BLOCK(1, 1, 1) BLOCK(1, 2, 0) BLOCK(1, 2, 1)
BLOCK(2, 0, 0) BLOCK(2, 0, 1) BLOCK(2, 1, 0) BLOCK(2, 1, 1) BLOCK(2, 2, 0) BLOCK(2, 2, 1)
static const block_fn block_table[2][3][2] = {
    {{block_1_0_0, block_1_0_1}, {block_1_1_0, block_1_1_1}, {block_1_2_0, block_1_2_1}},
    {{block_2_0_0, block_2_0_1}, {block_2_1_0, block_2_1_1}, {block_2_2_0, block_2_2_1}}};

static void product(const roma_format *f, uint64_t cols, const uint8_t *tiles, size_t n_tiles, const roma_act *acts,
                    size_t n_acts, float *out, size_t stride, void *scratch) {
#ifndef ROMA_SIMDE
    /* Measured on Zen 4: streams of 4- and 8-bit codes come in faster (86 % of the read bandwidth against 68 %) through 256-bit
     * registers; the bits are the same. Formats with more work per byte gain from width. */
    if (n_acts == 1 && f->scale == ROMA_SCALE_F16 && (f->bits == 4 || f->bits == 8) && f->level == ROMA_LEVEL_IDENTITY) {
        roma_kern_table_avx2.product(f, cols, tiles, n_tiles, acts, n_acts, out, stride, scratch);
        return;
    }
#endif
    job j;
    job_init(&j, f, cols, acts, n_acts, out, stride, scratch, 128);
    pack_records(&j, PACK_SHIFT);
    const one_row_fn one_row = n_acts == 1 ? one_row_table[width_of(f)][j.kind][f->min != ROMA_SCALE_NONE] : NULL;
    if (one_row) {
        one_row(&j, tiles, n_tiles);
        return;
    }
    for (size_t t = 0; t < n_tiles; t += 2)
        for (size_t i = 0; i < n_acts; i += BLOCK_ACTS)
            block_table[n_tiles - t > 1][j.kind][f->min != ROMA_SCALE_NONE](
                &j, tiles + t * j.l.bytes, out + t * ROMA_TILE_ROWS, i, n_acts - i < BLOCK_ACTS ? n_acts - i : BLOCK_ACTS);
}

const roma_kern roma_kern_table_avx512 = {.name = "avx512", .product = product, LORA_ENTRIES(avx512), VECTOR_ENTRIES(avx2), ATTEND_ENTRIES(avx512)};
