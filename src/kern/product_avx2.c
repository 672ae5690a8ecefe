/* Products on AVX2: docs/numerics.md section 3, eight rows in eight lanes, a tile as two halves.
 *
 * vpmaddubsw sums two products of an unsigned code and an activation in 16 bits; codes of up to 6 bits leave room to add
 * two of those before vpmaddwd widens them, and its factor, 2^shift, applies the shift for nothing. Codes of up to 5 bits
 * leave room for four: then two sub-groups, interleaved by pairs of inputs, share one vpmaddwd with a factor each.
 * Signed levels (8 bits, tables) are widened and meet the shifted activations in 16 bits. */
#include "product.h"
#include "unpack_avx2.h"
#include "vector.h"

ALWAYS_INLINE __m256i broadcast(const void *p) { return _mm256_set1_epi32(*(const int32_t *)p); }

ALWAYS_INLINE __m256 leaf_value(__m256i sum, __m256 s, __m256 m, float z, bool min) {
    const __m256 v = _mm256_mul_ps(_mm256_cvtepi32_ps(sum), s);
    return min ? _mm256_add_ps(v, _mm256_mul_ps(_mm256_set1_ps(z), m)) : v;
}

/* Four inputs of signed levels. */
ALWAYS_INLINE __m256i signed_four(__m256i w, const int32_t pair[2]) {
    const __m256i even = _mm256_madd_epi16(_mm256_srai_epi16(_mm256_slli_epi16(w, 8), 8), _mm256_set1_epi32(pair[0]));
    return _mm256_add_epi32(even, _mm256_madd_epi16(_mm256_srai_epi16(w, 8), _mm256_set1_epi32(pair[1])));
}

/* ---- one row ------------------------------------------------------------------------------------- */

typedef struct {
    job *j;
    const uint8_t *tile;
    unsigned bits, kind;
    bool min;
} walk;

typedef struct {
    __m256 half[2];
} rows16;

ALWAYS_INLINE rows16 add_rows(rows16 a, rows16 b) {
    return (rows16){{_mm256_add_ps(a.half[0], b.half[0]), _mm256_add_ps(a.half[1], b.half[1])}};
}

/* Integers of the two half stripes of half h: sum[0] of inputs 0..15, sum[1] of 16..31. */
ALWAYS_INLINE void half_sums(const walk *k, uint64_t s, unsigned h, __m256i sum[2]) {
    __m256i w[8];
    unpack(k->bits, k->j, k->tile + s * lo_bytes(k->bits) + 32 * h,
           k->tile + k->j->l.plane_hi + s * hi_bytes(k->bits) + 32 * h, w);
    for (int i = 0; i < 2; i++) {
        if (is_signed(k->bits)) {
            const wide_record *r = (const wide_record *)k->j->records + s;
            sum[i] = _mm256_set1_epi32(r->bias[i]);
            for (int v = 4 * i; v < 4 * i + 4; v++) sum[i] = _mm256_add_epi32(sum[i], signed_four(w[v], r->pair + 2 * v));
        } else {
            const record *r = (const record *)k->j->records + s;
            sum[i] = _mm256_set1_epi32(r->bias[i]);
            for (int b = 2 * i; b < 2 * i + 2; b++) {
                const __m256i p = _mm256_add_epi16(_mm256_maddubs_epi16(w[2 * b], broadcast(&r->code[2 * b])),
                                                   _mm256_maddubs_epi16(w[2 * b + 1], broadcast(&r->code[2 * b + 1])));
                sum[i] = _mm256_add_epi32(sum[i], _mm256_madd_epi16(p, broadcast(&r->shift[b])));
            }
        }
    }
}

ALWAYS_INLINE void prefetch_stripe(const walk *k, uint64_t s) {
    const char *next = (const char *)k->tile + k->j->l.bytes;
    for (size_t i = 0; i < lo_bytes(k->bits); i += 64) _mm_prefetch(next + s * lo_bytes(k->bits) + i, _MM_HINT_T1);
    for (size_t i = 0; i < hi_bytes(k->bits); i += 64) _mm_prefetch(next + k->j->l.plane_hi + s * hi_bytes(k->bits) + i, _MM_HINT_T1);
    if (k->kind == GROUP_32) {
        _mm_prefetch(next + k->j->l.scale + 32 * s, _MM_HINT_T1);
        if (k->min) _mm_prefetch(next + k->j->l.min + 32 * s, _MM_HINT_T1);
    }
}

ALWAYS_INLINE const float *group_z(const walk *k, uint64_t s) {
    return is_signed(k->bits) ? ((const wide_record *)k->j->records)[s].z : ((const record *)k->j->records)[s].z;
}

/* Unit u of the tree: a leaf, or the sum of a stripe's two leaves for groups of 16. */
ALWAYS_INLINE rows16 unit(const walk *k, uint64_t u) {
    job *j = k->j;
    uint64_t s = u * (k->kind == GROUP_MORE ? j->span : 1);
    if (j->ints && s % CHUNK == 0) expand_chunk(j, k->tile, s / CHUNK);
    prefetch_stripe(k, s);
    const __m256 none = _mm256_setzero_ps();
    rows16 out;
    if (k->kind == GROUP_16) {
        const float *z = group_z(k, s);
        for (unsigned h = 0; h < 2; h++) {
            __m256i sum[2];
            half_sums(k, s, h, sum);
            const __m256 a = leaf_value(sum[0], scale_of(j, k->tile, 2 * s, h, 0), k->min ? scale_of(j, k->tile, 2 * s, h, 1) : none, z[0], k->min);
            const __m256 b = leaf_value(sum[1], scale_of(j, k->tile, 2 * s + 1, h, 0),
                                        k->min ? scale_of(j, k->tile, 2 * s + 1, h, 1) : none, z[1], k->min);
            out.half[h] = _mm256_add_ps(a, b);
        }
        return out;
    }
    __m256i total[2] = {_mm256_setzero_si256(), _mm256_setzero_si256()};
    for (unsigned i = 0; i < (k->kind == GROUP_MORE ? j->span : 1); i++, s++) {
        if (i) prefetch_stripe(k, s);
        for (unsigned h = 0; h < 2; h++) {
            __m256i sum[2];
            half_sums(k, s, h, sum);
            total[h] = _mm256_add_epi32(total[h], _mm256_add_epi32(sum[0], sum[1]));
        }
    }
    for (unsigned h = 0; h < 2; h++)
        out.half[h] = leaf_value(total[h], scale_of(j, k->tile, u, h, 0), k->min ? scale_of(j, k->tile, u, h, 1) : none,
                                 group_z(k, s - 1)[0], k->min);
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
    for (int h = 0; h < 2; h++) _mm256_storeu_ps(out + 8 * h, _mm256_mul_ps(_mm256_set1_ps(j->acts->scale), v.half[h]));
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

enum { CODES_5, CODES_6, LEVELS }; /* unsigned of up to 5 bits, of 6 bits, signed */

ALWAYS_INLINE void push(__m256 *stack, size_t n, size_t i, unsigned carry, __m256 v) {
    __m256 *at = stack + i;
    for (unsigned l = 0; l < carry; l++, at += n) v = _mm256_add_ps(_mm256_load_ps((const float *)at), v);
    _mm256_store_ps((float *)at, v);
}

/* Integer of half stripe i of a row: w holds its interleaved codes, or widened levels in memory. */
ALWAYS_INLINE __m256i half_stripe(const void *rec, size_t row, const __m256i *w, int i, int codes, __m256i sum) {
    if (codes == LEVELS) {
        const wide_record *r = (const wide_record *)rec + row;
        for (int p = 8 * i; p < 8 * i + 8; p++) sum = _mm256_add_epi32(sum, _mm256_madd_epi16(w[p], broadcast(&r->pair[p])));
        return sum;
    }
    const record *r = (const record *)rec + row;
    const __m256i a = _mm256_add_epi16(_mm256_maddubs_epi16(w[4 * i], broadcast(&r->code[4 * i])),
                                       _mm256_maddubs_epi16(w[4 * i + 1], broadcast(&r->code[4 * i + 1])));
    const __m256i b = _mm256_add_epi16(_mm256_maddubs_epi16(w[4 * i + 2], broadcast(&r->code[4 * i + 2])),
                                       _mm256_maddubs_epi16(w[4 * i + 3], broadcast(&r->code[4 * i + 3])));
    const __m256i f = broadcast(&r->shift[i]);
    if (codes == CODES_5) return _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_add_epi16(a, b), f));
    return _mm256_add_epi32(sum, _mm256_add_epi32(_mm256_madd_epi16(a, f), _mm256_madd_epi16(b, f)));
}

ALWAYS_INLINE void stripe_rows(const void *rec, size_t n, const __m256i w[16], const __m256 s[2], const __m256 m[2], unsigned kind,
                               bool min, int codes, bool first, bool last, unsigned carry, __m256i *acc, __m256 *stack) {
    for (size_t i = 0; i < n; i++) {
        const int32_t *bias = codes == LEVELS ? ((const wide_record *)rec)[i].bias : ((const record *)rec)[i].bias;
        const float *z = codes == LEVELS ? ((const wide_record *)rec)[i].z : ((const record *)rec)[i].z;
        if (kind == GROUP_16) {
            const __m256i a = half_stripe(rec, i, w, 0, codes, broadcast(&bias[0])), b = half_stripe(rec, i, w, 1, codes, broadcast(&bias[1]));
            push(stack, n, i, carry, _mm256_add_ps(leaf_value(a, s[0], m[0], z[0], min), leaf_value(b, s[1], m[1], z[1], min)));
            continue;
        }
        __m256i sum = broadcast(&bias[0]);
        if (kind == GROUP_MORE && !first) sum = _mm256_add_epi32(sum, _mm256_load_si256(acc + i));
        sum = half_stripe(rec, i, w, 1, codes, half_stripe(rec, i, w, 0, codes, sum));
        if (kind == GROUP_MORE && !last) _mm256_store_si256(acc + i, sum);
        else push(stack, n, i, carry, leaf_value(sum, s[0], m[0], z[0], min));
    }
}

/* Codes of a stripe in the order of the records: interleaved by pairs, or widened to (even, odd). */
ALWAYS_INLINE void arrange(const __m256i v[8], int codes, __m256i w[16]) {
    if (codes == LEVELS) {
        for (int i = 0; i < 8; i++) {
            w[2 * i] = _mm256_srai_epi16(_mm256_slli_epi16(v[i], 8), 8);
            w[2 * i + 1] = _mm256_srai_epi16(v[i], 8);
        }
        return;
    }
    for (int i = 0; i < 8; i += 4)
        for (int b = 0; b < 2; b++) {
            w[i + 2 * b] = _mm256_blend_epi16(v[i + b], _mm256_slli_epi32(v[i + b + 2], 16), 0xaa);
            w[i + 2 * b + 1] = _mm256_blend_epi16(_mm256_srli_epi32(v[i + b], 16), v[i + b + 2], 0xaa);
        }
}

ALWAYS_INLINE void unpack_any(const job *j, const uint8_t *tile, uint64_t s, unsigned half, int codes, __m256i w[16]) {
    const unsigned bits = width_of(j->f);
    const uint8_t *lo = tile + s * lo_bytes(bits) + 32 * half, *hi = tile + j->l.plane_hi + s * hi_bytes(bits) + 32 * half;
    __m256i v[8];
    if (codes == CODES_6) unpack(6, j, lo, hi, v);
    else if (codes == LEVELS) {
        if (bits == 8) unpack(8, j, lo, hi, v);
        else unpack(TABLE, j, lo, hi, v);
    } else {
        switch (bits) {
        case 2: unpack(2, j, lo, hi, v); break;
        case 3: unpack(3, j, lo, hi, v); break;
        case 4: unpack(4, j, lo, hi, v); break;
        default: unpack(5, j, lo, hi, v); break;
        }
    }
    arrange(v, codes, w);
}

/* Rows [begin, begin + n) of a block against half a tile. */
ALWAYS_INLINE void block_half(job *j, const uint8_t *tile, unsigned half, float *out, size_t begin, size_t n, unsigned kind, bool min,
                              int codes) {
    const size_t size = codes == LEVELS ? sizeof(wide_record) : sizeof(record);
    const uint8_t *rec = (const uint8_t *)j->records + begin * j->stripes * size;
    __m256i *acc = j->stack;
    __m256 *stack = (__m256 *)j->stack + BLOCK_ACTS;
    uint64_t units = 0;
    for (uint64_t st = 0; st < j->stripes; st++) {
        __m256i w[16];
        __m256 s[2], m[2] = {_mm256_setzero_ps(), _mm256_setzero_ps()};
        const bool first = kind != GROUP_MORE || (st & (j->span - 1)) == 0, last = kind != GROUP_MORE || ((st + 1) & (j->span - 1)) == 0;
        if (j->ints && st % CHUNK == 0) expand_chunk(j, tile, st / CHUNK);
        unpack_any(j, tile, st, half, codes, w);
        for (unsigned i = 0; i < (kind == GROUP_16 ? 2 : 1); i++) {
            const uint64_t g = kind == GROUP_16 ? 2 * st + i : kind == GROUP_32 ? st : st >> j->log_span;
            s[i] = scale_of(j, tile, g, half, 0);
            if (min) m[i] = scale_of(j, tile, g, half, 1);
        }
        const unsigned carry = (unsigned)__builtin_ctzll(~units);
        if (last) stripe_rows(rec + st * n * size, n, w, s, m, kind, min, codes, first, true, carry, acc, stack);
        else stripe_rows(rec + st * n * size, n, w, s, m, kind, min, codes, first, false, carry, acc, stack);
        units += last;
    }
    for (size_t i = 0; i < n; i++) {
        const float *at = (const float *)(stack + i);
        uint64_t left = units;
        __m256 v = _mm256_load_ps(at + 8 * n * (size_t)__builtin_ctzll(left));
        for (left &= left - 1; left; left &= left - 1) v = _mm256_add_ps(_mm256_load_ps(at + 8 * n * (size_t)__builtin_ctzll(left)), v);
        _mm256_storeu_ps(out + (begin + i) * j->stride + 8 * half, _mm256_mul_ps(_mm256_set1_ps(j->acts[begin + i].scale), v));
    }
}

typedef void (*block_fn)(job *j, const uint8_t *tile, unsigned half, float *out, size_t begin, size_t n);
#define BLOCK(kind, min, codes)                                                                                                     \
    static void block_##kind##_##min##_##codes(job *j, const uint8_t *tile, unsigned half, float *out, size_t begin, size_t n) {    \
        block_half(j, tile, half, out, begin, n, kind, min, codes);                                                                 \
    }
#define BLOCK_KINDS(codes) \
    BLOCK(0, 0, codes) BLOCK(0, 1, codes) BLOCK(1, 0, codes) BLOCK(1, 1, codes) BLOCK(2, 0, codes) BLOCK(2, 1, codes)
BLOCK_KINDS(0)
BLOCK_KINDS(1)
BLOCK_KINDS(2)
#define BLOCK_LIST(c) \
    {{block_0_0_##c, block_0_1_##c}, {block_1_0_##c, block_1_1_##c}, {block_2_0_##c, block_2_1_##c}}
static const block_fn block_table[3][3][2] = {BLOCK_LIST(0), BLOCK_LIST(1), BLOCK_LIST(2)};

static void product(const roma_format *f, uint64_t cols, const uint8_t *tiles, size_t n_tiles, const roma_act *acts, size_t n_acts,
                    float *out, size_t stride, void *scratch) {
    job j;
    const unsigned bits = width_of(f);
    const int codes = is_signed(bits) ? LEVELS : bits == 6 ? CODES_6 : CODES_5;
    job_init(&j, f, cols, acts, n_acts, out, stride, scratch, 0);
    const one_row_fn one_row = n_acts == 1 ? one_row_table[bits][j.kind][f->min != ROMA_SCALE_NONE] : NULL;
    if (codes == LEVELS) pack_wide_records(&j);
    else pack_records(&j, one_row ? PACK_MULT : PACK_PAIRS);
    if (one_row) {
        one_row(&j, tiles, n_tiles);
        return;
    }
    for (size_t t = 0; t < n_tiles; t++)
        for (size_t i = 0; i < n_acts; i += BLOCK_ACTS)
            for (unsigned half = 0; half < 2; half++)
                block_table[codes][j.kind][f->min != ROMA_SCALE_NONE](&j, tiles + t * j.l.bytes, half, out + t * ROMA_TILE_ROWS, i,
                                                                      n_acts - i < BLOCK_ACTS ? n_acts - i : BLOCK_ACTS);
}

const roma_kern roma_kern_table_avx2 = {
    .name = "avx2",
    .quantise = roma_quantise_avx2,
    .product = product,
    .rms_inverse = roma_rms_inverse_avx2,
    .mul = roma_mul_avx2,
    .add = roma_add_avx2,
    .silu_mul = roma_silu_mul_avx2,
    .page_scores = roma_page_scores_avx2,
    .softmax_weights = roma_softmax_weights_avx2,
    .page_values = roma_page_values_avx2,
};
