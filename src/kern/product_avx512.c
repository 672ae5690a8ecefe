/* Products on AVX-512 with VNNI: docs/numerics.md section 3, 16 rows in 16 lanes.
 *
 * One row of activations is bound by memory: a tile is walked once, codes never leave registers, the lowest levels of
 * the tree neither. More rows: many_avx512.h.
 *
 * A group's integer I is summed in one of two ways with the same result. In int32: vpdpbusd twice, a shift, a sum. Or,
 * where |I| <= max|level - zero| * 127 * 2^7 * group <= 2^24, in FP32, which then is exact in any order: vpdpbusd
 * starts from the bits of 1.5 * 2^(23 + shift), so that its integer p lands in a mantissa (|p| < 2^22) and the lanes
 * read 2^shift * (1.5 * 2^23 + p); a subtraction takes the start off, and with it the zero point's share. Nothing is
 * shifted, converted or biased, products and sums use different ports, and codes need not be moved to bit 0: a factor
 * of 16 is four less in the exponent. */
#include "product.h"
#include "unpack_avx512.h"
#include "vector.h"

/* KEEP keeps the compiler from computing all sums of a row side by side, which takes more registers than there are.
 * STORE has it put an array into memory whole, now, instead of piece by piece, and more than once, where registers run
 * out. */
#ifdef ROMA_SIMDE
#define KEEP(v) (void)0
#define STORE(array) (void)0
#else
#define KEEP(v) __asm__("" : "+v"(v))
#define STORE(array) __asm__("" : "+m"(array))
#endif

#define EXACT_BOUND (((int32_t)1 << 24) / (127 << 7)) /* of max|level - zero| * group */

/* A stripe of one row of activations: a cache line, and what only leaves need, behind all of them. */
typedef struct {
    int32_t code[8];  /* four codes each */
    int32_t start[4]; /* of a sub-group: bits of 1.5 * 2^(23 + shift - place); int32: the shift */
    int32_t base[4];  /* the start with the zero point's share of this sub-group */
} line;
typedef struct {
    int32_t bias[2]; /* int32: of each half stripe when groups are of 16, else [0], in the group's last stripe, of the
                        group */
    float z[2];      /* sum of the group, in the same places */
} tail;
ALWAYS_INLINE tail *tails_of(const job *j) { return (tail *)((line *)j->records + j->stripes * j->n_acts); }

/* Bias and group sums of stripe s; sum runs over the stripes of a group. */
ALWAYS_INLINE void tail_sums(const job *j, const roma_act *a, uint64_t s, tail *q, int32_t *sum) {
    if (j->kind != GROUP_16) *sum = (s & (j->span - 1) ? *sum : 0) + a->sum32[s];
    for (unsigned h = 0; h < 2; h++) {
        const int32_t total = j->kind == GROUP_16 ? a->sum16[2 * s + h] : *sum;
        q->bias[h] = -j->offset * total;
        q->z[h] = (float)total;
    }
}

ALWAYS_INLINE void pack_line(const job *j, const roma_act *a, uint64_t s, bool exact, __m128i place, line *l) {
    const __m256i code = _mm256_loadu_si256((const __m256i *)(const void *)(a->code + 32 * s));
    const __m128i shift = _mm_loadu_si128((const __m128i *)(const void *)(a->shift + 4 * s));
    const __m256i eights = _mm256_sad_epu8(_mm256_xor_si256(code, _mm256_set1_epi8(-128)), _mm256_setzero_si256());
    const __m256i low = _mm256_permutevar8x32_epi32(eights, _mm256_setr_epi32(0, 2, 4, 6, 0, 2, 4, 6));
    const __m128i sum = _mm_sub_epi32(_mm256_castsi256_si128(low), _mm_set1_epi32(8 * 128));
    const __m128i start = _mm_add_epi32(_mm_slli_epi32(_mm_sub_epi32(shift, place), 23), _mm_set1_epi32(0x4b400000));
    const __m128i base = _mm_add_epi32(start, _mm_sllv_epi32(_mm_mullo_epi32(sum, _mm_set1_epi32(j->offset)), place));
    _mm256_storeu_si256((__m256i *)(void *)l->code, code);
    _mm_storeu_si128((__m128i *)(void *)l->start, exact ? start : shift);
    _mm_storeu_si128((__m128i *)(void *)l->base, base);
}

/* Lines of the one row, or two: [stripe][row]. */
static void pack(job *j, bool exact) {
    const unsigned bits = width_of(j->f);
    const __m128i place = _mm_setr_epi32(place_of(bits, 0), place_of(bits, 1), place_of(bits, 2), place_of(bits, 3));
    line *const lines = j->records;
    for (size_t i = 0; i < j->n_acts; i++) {
        int32_t sum = 0;
        for (uint64_t s = 0; s < j->stripes; s++) {
            pack_line(j, &j->acts[i], s, exact, place, &lines[s * j->n_acts + i]);
            tail_sums(j, &j->acts[i], s, &tails_of(j)[s * j->n_acts + i], &sum);
        }
    }
}

/* ---- integers: lanes of int32, or the bits of exact FP32 ------------------------------------------- */

ALWAYS_INLINE __m512i plus(__m512i a, __m512i b, bool exact) {
    return exact ? _mm512_castps_si512(_mm512_add_ps(_mm512_castsi512_ps(a), _mm512_castsi512_ps(b)))
                 : _mm512_add_epi32(a, b);
}

/* Integer of sub-group b: codes w times eight activations, shifted. */
ALWAYS_INLINE __m512i subgroup(__m512i w0, __m512i w1, const line *l, unsigned b, bool exact) {
    const __m512i start = _mm512_set1_epi32(l->start[b]);
    const __m512i p = _mm512_dpbusd_epi32(
        _mm512_dpbusd_epi32(exact ? start : _mm512_setzero_si512(), w0, _mm512_set1_epi32(l->code[2 * b])), w1,
        _mm512_set1_epi32(l->code[2 * b + 1]));
    if (!exact) return _mm512_sllv_epi32(p, start);
    return _mm512_castps_si512(
        _mm512_sub_ps(_mm512_castsi512_ps(p), _mm512_castsi512_ps(_mm512_set1_epi32(l->base[b]))));
}

enum { FINE_SHIFT = 4 }; /* bits of the lower of the two parts of fine levels */

/* Integer of sub-group b of fine levels: their low parts w[0] and w[1], the high ones eight registers on. */
ALWAYS_INLINE __m512i fine_subgroup(const __m512i *w, const line *l, unsigned b) {
    const __m512i a = _mm512_set1_epi32(l->code[2 * b]), c = _mm512_set1_epi32(l->code[2 * b + 1]),
                  none = _mm512_setzero_si512();
    const __m512i low = _mm512_dpbusd_epi32(_mm512_dpbusd_epi32(none, w[0], a), w[1], c),
                  high = _mm512_dpbusd_epi32(_mm512_dpbusd_epi32(none, w[8], a), w[9], c);
    return _mm512_sllv_epi32(_mm512_add_epi32(low, _mm512_slli_epi32(high, FINE_SHIFT)),
                             _mm512_set1_epi32(l->start[b]));
}

/* Both parts of the levels of a stripe's codes. */
ALWAYS_INLINE void fine_parts(const job *j, __m512i w[16]) {
    const __m512i low = byte_table(j->fine[0]), high = byte_table(j->fine[1]);
    for (int v = 0; v < 8; v++) {
        w[8 + v] = _mm512_shuffle_epi8(high, w[v]);
        w[v] = _mm512_shuffle_epi8(low, w[v]);
    }
}

ALWAYS_INLINE __m512i fine_stripe(const job *j, const __m512i codes[8], const line *l) {
    __m512i w[16];
    memcpy(w, codes, 8 * sizeof *w);
    fine_parts(j, w);
    __m512i sum = fine_subgroup(w, l, 0);
    for (unsigned b = 1; b < 4; b++) sum = _mm512_add_epi32(sum, fine_subgroup(w + 2 * b, l, b));
    return sum;
}

/* Integer of half a stripe. */
ALWAYS_INLINE __m512i half_stripe(const __m512i w[8], const line *l, unsigned h, bool exact) {
    return plus(subgroup(w[4 * h], w[4 * h + 1], l, 2 * h, exact),
                subgroup(w[4 * h + 2], w[4 * h + 3], l, 2 * h + 1, exact), exact);
}

ALWAYS_INLINE __m512i stripe(const __m512i w[8], const line *l, bool exact) {
    return plus(half_stripe(w, l, 0, exact), half_stripe(w, l, 1, exact), exact);
}

/* The leaf of integer `sum`; h is the half of a stripe for groups of 16, else 0. m: minima, or the bits of own zero
 * points. */
ALWAYS_INLINE __m512 leaf(__m512i sum, __m512 s, __m512 m, const tail *q, unsigned h, unsigned extra, bool exact) {
    if (!exact) sum = _mm512_add_epi32(sum, _mm512_set1_epi32(q->bias[h]));
    if (extra == OWN_ZEROS)
        sum = _mm512_sub_epi32(sum, _mm512_mullo_epi32(_mm512_castps_si512(m), _mm512_set1_epi32((int32_t)q->z[h])));
    const __m512 i = exact ? _mm512_castsi512_ps(sum) : _mm512_cvtepi32_ps(sum);
    const __m512 v = _mm512_mul_ps(i, s);
    return extra == WITH_MIN ? _mm512_add_ps(v, _mm512_mul_ps(_mm512_set1_ps(q->z[h]), m)) : v;
}

/* ---- prefetch -------------------------------------------------------------------------------------- */

/* Codes, scales and minima are runs of their own, each too short for the hardware to follow; a constant distance in
 * each of them covers all. What lies past the last tile is asked for in vain.
 *
 * Measured on Zen 4: a loop that eats faster than memory delivers has some of its prefetches dropped, and then waits
 * for those lines in full. So codes of 4 bits and more are asked for twice (24 to 30 GB/s a core).
 *
 * Into which cache one row's codes and scales are asked is what the variants of the table differ in. Into the first
 * level (NEAR) was measured on Zen 5: 2 bit rises from 0.50 to 0.80 of the read rate. On Zen 4, whose first level holds
 * few misses, the second level (FAR) is right. */
enum { AHEAD = 24 << 10, AGAIN = 8 << 10 };
enum { FAR, NEAR };

ALWAYS_INLINE void prefetch(const uint8_t *p, size_t bytes, int level) {
    for (size_t i = 0; i < bytes; i += 64)
        if (level == NEAR)
            _mm_prefetch((const char *)p + i, _MM_HINT_T0);
        else
            _mm_prefetch((const char *)p + i, _MM_HINT_T1);
}

ALWAYS_INLINE void prefetch_codes(const job *j, const uint8_t *tile, unsigned bits, uint64_t s, size_t ahead,
                                  int level) {
    const uint8_t *lo = tile + s * lo_bytes(bits), *hi = tile + j->l.plane_hi + s * hi_bytes(bits);
    prefetch(lo + ahead, lo_bytes(bits), level);
    prefetch(hi + ahead, hi_bytes(bits), level);
    if (bits < 4 || ahead != AHEAD) return;
    prefetch(lo + AGAIN, lo_bytes(bits), level);
    prefetch(hi + AGAIN, hi_bytes(bits), level);
}

/* Scales of super-group c, whatever their form. */
ALWAYS_INLINE void prefetch_scales(const job *j, const uint8_t *tile, uint64_t c, size_t ahead, int level) {
    const size_t bytes = group_bytes(j->f->scale) * 256 / j->f->group;
    prefetch(tile + j->l.scale + c * bytes + ahead, bytes, level);
    if (j->f->min) prefetch(tile + j->l.min + c * bytes + ahead, bytes, level);
    if (!j->ints) return;
    prefetch(tile + j->l.super_scale + 32 * c + ahead, 32, level);
    if (j->f->min) prefetch(tile + j->l.super_min + 32 * c + ahead, 32, level);
}

/* ---- one row, or two, one after the other over a tile -------------------------------------------- */

enum { FEW = 2 }; /* rows that walk a tile one after another: see `product` */

typedef struct {
    job *j;
    const uint8_t *tile;
    size_t row;
    unsigned bits, kind, extra;
    bool exact;
    int level; /* FAR or NEAR */
} walk;

ALWAYS_INLINE void codes_of(const walk *k, uint64_t s, __m512i w[8]) {
    unpack(k->bits, k->j, k->tile + s * lo_bytes(k->bits), k->tile + k->j->l.plane_hi + s * hi_bytes(k->bits), k->exact,
           w);
}

/* Unit u of the tree: a leaf, or the sum of a stripe's two leaves for groups of 16. */
ALWAYS_INLINE __m512 unit(const walk *k, uint64_t u) {
    job *j = k->j;
    const uint64_t s = u * (k->kind == GROUP_MORE ? j->span : 1);
    const line *l = (const line *)j->records + s * j->n_acts + k->row;
    const tail *q = tails_of(j) + s * j->n_acts + k->row;
    __m512i w[8];
    if (j->ints && s % CHUNK == 0) expand_chunk(j, k->tile, s / CHUNK, 0);
    if (s % CHUNK == 0) prefetch_scales(j, k->tile, s / CHUNK, AHEAD, k->level);
    prefetch_codes(j, k->tile, k->bits, s, AHEAD, k->level);
    codes_of(k, s, w);
    if (k->kind == GROUP_16) {
        __m512 v[2];
        for (unsigned h = 0; h < 2; h++)
            v[h] = leaf(half_stripe(w, l, h, k->exact), scale_of(j, k->tile, 2 * s + h, 0, 0),
                        extra_at(j, k->tile, 2 * s + h, 0, k->extra), q, h, k->extra, k->exact);
        return _mm512_add_ps(v[0], v[1]);
    }
    __m512i sum = k->bits == FINE ? fine_stripe(j, w, l) : stripe(w, l, k->exact);
    if (k->kind == GROUP_MORE)
        for (unsigned i = 1; i < j->span; i++) {
            prefetch_codes(j, k->tile, k->bits, s + i, AHEAD, k->level);
            codes_of(k, s + i, w);
            l += j->n_acts;
            sum = plus(sum, k->bits == FINE ? fine_stripe(j, w, l) : stripe(w, l, k->exact), k->exact);
        }
    if (k->kind == GROUP_MORE) q += (j->span - 1) * j->n_acts;
    return leaf(sum, scale_of(j, k->tile, u, 0, 0), extra_at(j, k->tile, u, 0, k->extra), q, 0, k->extra, k->exact);
}

ALWAYS_INLINE void one_row_tile(job *j, const uint8_t *tile, size_t row, float *out, unsigned bits, unsigned kind,
                                unsigned extra, bool exact, int level) {
    const walk k = {j, tile, row, bits, kind, extra, exact, level};
    const uint64_t units = kind == GROUP_MORE ? j->stripes >> j->log_span : j->stripes;
    __m512 part[32];
    int top = 0;
    uint64_t u = 0;
    for (; u + 4 <= units; u += 4) {
        const __m512 a = unit(&k, u), b = unit(&k, u + 1), c = unit(&k, u + 2),
                     d = unit(&k, u + 3); /* in the order of memory */
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
    _mm512_storeu_ps(out, _mm512_mul_ps(_mm512_set1_ps(j->acts[row].scale), v));
}

/* A function of its own for the formats that models come in: width (9: FINE), kind of group, what leaves have beside
 * scales, exact in FP32. */
/* clang-format off */
#define FORMATS(X)                                                                                                     \
    X(2, 0, 1, 1) X(2, 1, 1, 1) X(2, 2, 1, 1) X(3, 1, 1, 1) X(3, 2, 1, 1) X(4, 2, 1, 0) X(4, 2, 1, 1) X(9, 1, 0, 0)    \
    X(2, 2, 0, 1) X(3, 0, 0, 1) X(3, 2, 0, 1) X(4, 1, 0, 1) X(4, 1, 1, 1) X(4, 2, 0, 1) X(5, 1, 0, 1) X(5, 1, 1, 1)    \
    X(6, 0, 0, 1) X(6, 1, 0, 1) X(6, 2, 0, 0) X(7, 1, 0, 0) X(7, 2, 0, 0) X(8, 1, 0, 0) X(8, 2, 0, 0) X(4, 2, 0, 0)    \
    X(2, 2, 2, 0) X(3, 2, 2, 0) X(4, 2, 2, 0) X(8, 2, 2, 0) X(9, 2, 0, 0)
/* clang-format on */
#define ONE_ROW_OF(bits, kind, extra, exact, level)                                                                    \
    static void one_row_##bits##_##kind##_##extra##_##exact##_##level(job *j, const uint8_t *tiles, size_t n_tiles) {  \
        for (size_t t = 0; t < n_tiles; t++)                                                                           \
            for (size_t i = 0; i < j->n_acts; i++)                                                                     \
                one_row_tile(j, tiles + t * j->l.bytes, i, j->out + i * j->stride + t * ROMA_TILE_ROWS, bits, kind,    \
                             extra, exact, level);                                                                     \
    }
#define ONE_ROW_ENTRY_OF(bits, kind, extra, exact, level)                                                              \
    [bits][kind][extra][exact] = one_row_##bits##_##kind##_##extra##_##exact##_##level,
#define ONE_ROW(bits, kind, extra, exact) ONE_ROW_OF(bits, kind, extra, exact, FAR)
#define ONE_ROW_ENTRY(bits, kind, extra, exact) ONE_ROW_ENTRY_OF(bits, kind, extra, exact, FAR)
FORMATS(ONE_ROW)
typedef one_row_fn one_row_fns[10][3][3][2];
static const one_row_fns one_row_far = {FORMATS(ONE_ROW_ENTRY)};
#ifndef ROMA_ONE_SET
#define ONE_ROW_NEAR(bits, kind, extra, exact) ONE_ROW_OF(bits, kind, extra, exact, NEAR)
#define ONE_ROW_ENTRY_NEAR(bits, kind, extra, exact) ONE_ROW_ENTRY_OF(bits, kind, extra, exact, NEAR)
FORMATS(ONE_ROW_NEAR)
static const one_row_fns one_row_near = {FORMATS(ONE_ROW_ENTRY_NEAR)};
#endif

#include "forms_avx512.h"

/* How the tables' products differ; no bit depends on it. */
typedef struct {
    const one_row_fns *one_rows; /* into which cache they ask for one row's weights */
    bool is_halved;              /* the CPU has vector units of 256 bits: an operation of 512 takes one of them twice */
} variant;

static void multiply(const roma_format *f, uint64_t cols, const uint8_t *tiles, size_t n_tiles, const roma_act *acts,
                     size_t n_acts, float *out, size_t stride, void *scratch, variant v) {
#ifndef ROMA_SIMDE
    /* Measured on Zen 4: streams of 8-bit codes come in faster (90 % of the read bandwidth against 70 %) through
     * 256-bit registers; the bits are the same. Formats with more work per byte gain from width. */
    if (v.is_halved && n_acts == 1 && f->scale == ROMA_SCALE_F16 && f->bits == 8) {
        roma_kern_table_avx2.product(f, cols, tiles, n_tiles, acts, n_acts, out, stride, scratch);
        return;
    }
#endif
    job j;
    job_init(&j, f, cols, acts, n_acts, out, stride, scratch, 128);
    const bool exact = is_exact(f);
    const one_row_fn one_row = (*v.one_rows)[width_of(f)][j.kind][extra_of(f)][exact];
    many_job k = many_init(&j, v.is_halved);
    /* Two rows that have no function of their own walk a tile one after another. */
    if (!one_row || n_acts > 2 || (n_acts == 2 && few_fns(&k)[1])) {
        multiply_many(&k, tiles, n_tiles);
        return;
    }
    if (f->level == ROMA_LEVEL_FINE) fine_init(&j, FINE_SHIFT, 512);
    pack(&j, exact);
    one_row(&j, tiles, n_tiles);
}

#define PRODUCT(name, one_rows, is_halved)                                                                             \
    static void product_##name(const roma_format *f, uint64_t cols, const uint8_t *tiles, size_t n_tiles,              \
                               const roma_act *acts, size_t n_acts, float *out, size_t stride, void *scratch) {        \
        multiply(f, cols, tiles, n_tiles, acts, n_acts, out, stride, scratch, (variant){&one_rows, is_halved});        \
    }
PRODUCT(far, one_row_far, false)
PRODUCT(zen4, one_row_far, true)
#ifndef ROMA_ONE_SET
PRODUCT(near, one_row_near, false)
#endif
TABLES(avx512, far, near, avx512, avx512)
const roma_kern roma_kern_table_avx512_zen4 = TABLE_OF(avx512, "zen4", product_zen4, avx512, avx512);
