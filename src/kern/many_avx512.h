/* Products with many rows of activations on AVX-512 with VNNI: docs/numerics.md section 3, the rows of a tile in 16
 * lanes. A part of product_avx512.c, whose exact sums and prefetches it uses.
 *
 * Codes of a panel, `tiles` tiles by CHUNK stripes, are unpacked once into the first-level cache. Then all rows of
 * activations pass, ROWS of them at a time: their sums and the first level of the tree stay in registers, and memory is
 * written once in a panel. On Zen 4 a store of 64 bytes takes a cycle from the multipliers when all else is busy
 * (docs/performance.md), which is why sums do not go to memory stripe by stripe. */
#ifndef ROMA_KERN_MANY_AVX512_H
#define ROMA_KERN_MANY_AVX512_H

#include "unpack_avx512.h"

enum { ROWS = 4 };

/* How a group's integers are summed: int32, exact FP32 (product_avx512.c), or int32 of 16-bit levels times activations
 * with their shift done. */
enum { MANY_INTS, MANY_EXACT, MANY_FINE };
/* What a unit of the tree is: two groups of 16, a group of 32, a larger group; or one whose halves are exact in FP32
 * each, but not their sum, which is rounded once, as a conversion of the integer would be. */
enum { UNIT_16, UNIT_32, UNIT_MORE, UNIT_HALVES };

/* A stripe of one row of activations. MANY_FINE: all 64 bytes are codes, two of 16 bits in an int32. */
typedef struct {
    int32_t code[8]; /* four codes each; fine: pairs of even inputs */
    union {
        struct {
            int32_t start[4]; /* of a sub-group, what its sum of products starts from: see pack_many_line */
            int32_t base[4];  /* what is subtracted from it, or by which it is shifted */
        };
        int32_t odd[8]; /* fine: pairs of odd inputs */
    };
} many_line;

typedef struct {
    job *j;
    unsigned kind, extra, mode; /* UNIT_*, what leaves have beside scales, MANY_* */
    int32_t offset;             /* level = code - offset */
    size_t groups;              /* of ROWS rows; the last group begins with row n_acts - ROWS */
    uint64_t chunks;            /* of CHUNK stripes; the last may be shorter */
    many_line *lines;           /* [chunk][group][stripe][row] */
    float *z;                   /* sums of groups: [chunk][group][unit][row], or nothing */
    __m512 (*stack)[ROWS][2];   /* partial sums: [level][group][row][tile] */
} many_job;

/* Codes, scales and minima of a panel. */
typedef struct {
    __m512i w[CHUNK * 16 * 2]; /* [stripe][code pair of 8, or fine: 16][tile] */
    __m512 s[2 * CHUNK][2];    /* [group][tile] */
    __m512 m[2 * CHUNK][2];
} panel;

/* ---- activations ------------------------------------------------------------------------------- */

/* Of four inputs the first and the third are a pair, the second and the fourth another. */
ALWAYS_INLINE void pack_many_pairs(__m256i code, const uint32_t mult[4], many_line *l) {
    const __m256i by =
        _mm256_permutevar8x32_epi32(_mm256_castsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)mult)),
                                    _mm256_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3));
    const __m256i even = _mm256_srai_epi16(_mm256_slli_epi16(code, 8), 8), odd = _mm256_srai_epi16(code, 8);
    _mm256_storeu_si256((__m256i *)(void *)l->code, _mm256_mullo_epi16(even, by));
    _mm256_storeu_si256((__m256i *)(void *)l->odd, _mm256_mullo_epi16(odd, by));
}

/* EXACT: the sum starts from the bits of 1.5 * 2^(23 + shift), and the same with the zero point's share is subtracted.
 * INTS: it starts from minus the zero point's share and is shifted. FINE: codes times 2^shift, in pairs. */
ALWAYS_INLINE void pack_many_line(const many_job *k, const roma_act *a, uint64_t s, many_line *l) {
    const __m256i code = _mm256_loadu_si256((const __m256i *)(const void *)(a->code + 32 * s));
    const __m128i shift = _mm_loadu_si128((const __m128i *)(const void *)(a->shift + 4 * s));
    if (k->mode == MANY_FINE) { /* times 2^shift */
        pack_many_pairs(code, a->mult + 4 * s, l);
        return;
    }
    const __m256i eights = _mm256_sad_epu8(_mm256_xor_si256(code, _mm256_set1_epi8(-128)), _mm256_setzero_si256());
    const __m256i low = _mm256_permutevar8x32_epi32(eights, _mm256_setr_epi32(0, 2, 4, 6, 0, 2, 4, 6));
    const __m128i sum = _mm_sub_epi32(_mm256_castsi256_si128(low), _mm_set1_epi32(8 * 128));
    const __m128i share = _mm_mullo_epi32(sum, _mm_set1_epi32(k->offset));
    const __m128i start = _mm_add_epi32(_mm_slli_epi32(shift, 23), _mm_set1_epi32(0x4b400000));
    _mm256_storeu_si256((__m256i *)(void *)l->code, code);
    if (k->mode == MANY_EXACT) {
        _mm_storeu_si128((__m128i *)(void *)l->start, start);
        _mm_storeu_si128((__m128i *)(void *)l->base, _mm_add_epi32(start, share));
    } else {
        _mm_storeu_si128((__m128i *)(void *)l->start, _mm_sub_epi32(_mm_setzero_si128(), share));
        _mm_storeu_si128((__m128i *)(void *)l->base, shift);
    }
}

/* Stripes, and groups of weights with their sums, of chunk c. */
ALWAYS_INLINE uint64_t stripes_of(const many_job *k, uint64_t c) {
    const uint64_t left = k->j->stripes - c * CHUNK;
    return left < CHUNK ? left : CHUNK;
}
ALWAYS_INLINE uint64_t first_row(const many_job *k, uint64_t g) {
    return g + 1 < k->groups ? g * ROWS : k->j->n_acts - ROWS;
}

/* Sums of the groups of weights in chunk c, of one row; z: those of a row are ROWS apart. */
static void pack_sums(const many_job *k, const roma_act *a, uint64_t c, float *z) {
    const uint64_t first = c * CHUNK, n = stripes_of(k, c);
    if (k->kind == UNIT_16)
        for (uint64_t i = 0; i < 2 * n; i++) z[i * ROWS] = (float)a->sum16[2 * first + i];
    else
        for (uint64_t i = 0; i < n; i += k->j->span) {
            int32_t sum = 0;
            for (unsigned s = 0; s < k->j->span; s++) sum += a->sum32[first + i + s];
            z[i / k->j->span * ROWS] = (float)sum;
        }
}

static void pack_many(const many_job *k) {
    for (size_t g = 0; g < k->groups; g++)
        for (size_t r = 0; r < ROWS; r++) {
            const roma_act *a = &k->j->acts[first_row(k, g) + r];
            for (uint64_t c = 0; c < k->chunks; c++) {
                many_line *l = k->lines + (c * k->groups * CHUNK + g * stripes_of(k, c)) * ROWS + r;
                for (uint64_t s = 0; s < stripes_of(k, c); s++) pack_many_line(k, a, c * CHUNK + s, l + s * ROWS);
                if (k->extra == WITH_MIN) pack_sums(k, a, c, k->z + (c * k->groups + g) * 2 * CHUNK * ROWS + r);
            }
        }
}

/* ---- weights ----------------------------------------------------------------------------------- */

/* 16-bit levels of a stripe: the pairs of pack_many_pairs, first those of the even inputs. */
ALWAYS_INLINE void fine_levels(const job *j, const __m512i codes[8], __m512i w[16]) {
    const __m512i low = byte_table(j->fine[0]), high = byte_table(j->fine[1]), mask = _mm512_set1_epi16(255);
    for (int v = 0; v < 8; v++) {
        const __m512i l = _mm512_shuffle_epi8(low, codes[v]), h = _mm512_shuffle_epi8(high, codes[v]);
        w[v] = _mm512_or_si512(_mm512_and_si512(l, mask), shift_left_16(h, 8));
        w[8 + v] = _mm512_or_si512(shift_right_16(l, 8), _mm512_andnot_si512(mask, h));
    }
}

/* Own zero points z, 0 to 15, leave codes of 15 - z more: their offset is the same for all groups. */
ALWAYS_INLINE void take_zeros(const job *j, const uint8_t *tile, uint64_t g, __m512i *w, unsigned n) {
    const __m512i zero = group_integers(ROMA_SCALE_U4, tile + j->l.zeros + 8 * g);
    const __m512i add =
        _mm512_mullo_epi32(_mm512_sub_epi32(_mm512_set1_epi32(15), zero), _mm512_set1_epi32(0x01010101));
    for (unsigned v = 0; v < n; v++) w[v] = _mm512_add_epi32(w[v], add);
}

/* Codes of n stripes of a tile from stripe `first` on, as they are multiplied; w: [stripe][8 or, fine, 16][tile]. */
ALWAYS_INLINE void unpack_codes(const many_job *k, const uint8_t *tile, uint64_t first, uint64_t n, size_t tiles,
                                unsigned bits, __m512i *w) {
    const job *j = k->j;
    const uint8_t *lo = tile + first * lo_bytes(bits), *hi = tile + j->l.plane_hi + first * hi_bytes(bits);
    for (uint64_t s = first; s < first + n; s++, lo += lo_bytes(bits), hi += hi_bytes(bits)) {
        __m512i codes[8], fine[16];
        unpack(bits, j, lo, hi, false, codes);
        if (bits == FINE) {
            fine_levels(j, codes, fine);
            for (int v = 0; v < 16; v++, w += tiles) *w = fine[v];
            continue;
        }
        if (bits <= 4 && j->f->zeros) {
            take_zeros(j, tile, k->kind == UNIT_16 ? 2 * s : s >> j->log_span, codes, 4);
            take_zeros(j, tile, k->kind == UNIT_16 ? 2 * s + 1 : s >> j->log_span, codes + 4, 4);
        }
        for (int v = 0; v < 8; v++, w += tiles) *w = codes[v];
    }
}

static NOINLINE void unpack_panel(const many_job *k, const uint8_t *tile, uint64_t c, size_t tiles, panel *p) {
    job *j = k->j;
    const uint64_t s = c * CHUNK, n = stripes_of(k, c), first = k->kind == UNIT_16 ? 2 * s : s >> j->log_span,
                   groups = k->kind == UNIT_16 ? 2 * n : n >> j->log_span;
    for (size_t t = 0; t < tiles; t++, tile += j->l.bytes) {
        if (j->ints) expand_chunk(j, tile, c, (int)t);
        for (uint64_t g = 0; g < groups; g++) {
            p->s[g][t] = scale_of(j, tile, first + g, (int)t, 0);
            if (k->extra == WITH_MIN) p->m[g][t] = scale_of(j, tile, first + g, (int)t, 1);
        }
        switch (width_of(j->f)) {
        case 2: unpack_codes(k, tile, s, n, tiles, 2, p->w + t); break;
        case 3: unpack_codes(k, tile, s, n, tiles, 3, p->w + t); break;
        case 4: unpack_codes(k, tile, s, n, tiles, 4, p->w + t); break;
        case 5: unpack_codes(k, tile, s, n, tiles, 5, p->w + t); break;
        case 6: unpack_codes(k, tile, s, n, tiles, 6, p->w + t); break;
        case TABLE: unpack_codes(k, tile, s, n, tiles, TABLE, p->w + t); break;
        case FINE: unpack_codes(k, tile, s, n, tiles, FINE, p->w + t); break;
        default: unpack_codes(k, tile, s, n, tiles, 8, p->w + t); break;
        }
    }
}

/* Does something for each row r and tile t whose sums stay in registers. Written out, because compilers keep arrays in
 * memory whose loops they do not unroll. */
#define EACH_ROW(DO) DO(0) DO(1) DO(2) DO(3)
#define EACH_TILE(r, DO)                                                                                               \
    DO(r, 0)                                                                                                           \
    if (tiles > 1) {                                                                                                   \
        DO(r, 1)                                                                                                       \
    }
#define EACH(DO) EACH_TILE(0, DO) EACH_TILE(1, DO) EACH_TILE(2, DO) EACH_TILE(3, DO)

/* ---- sums -------------------------------------------------------------------------------------- */

/* A sub-group's integer of what its products and their start came to. */
ALWAYS_INLINE __m512i minus(__m512i d, __m512i base, int mode) {
    return mode == MANY_EXACT ? _mm512_castps_si512(_mm512_sub_ps(_mm512_castsi512_ps(d), _mm512_castsi512_ps(base)))
                              : _mm512_sllv_epi32(d, base);
}

/* Sub-group b of a stripe of ROWS rows, added to acc, or where is_first put there. */
ALWAYS_INLINE void many_subgroup(const __m512i *w, const many_line *l, unsigned b, int tiles, int mode, bool is_first,
                                 __m512i acc[ROWS][2]) {
    w += 2 * b * (unsigned)tiles;
    const __m512i w00 = w[0], w01 = w[tiles - 1], w10 = w[tiles],
                  w11 = w[2 * tiles - 1]; /* w01 and w11: the second tile's */
#define ROW(r)                                                                                                         \
    {                                                                                                                  \
        const __m512i c0 = _mm512_set1_epi32(l[r].code[2 * b]), c1 = _mm512_set1_epi32(l[r].code[2 * b + 1]),          \
                      start = _mm512_set1_epi32(l[r].start[b]), base = _mm512_set1_epi32(l[r].base[b]);                \
        __m512i d0 = _mm512_dpbusd_epi32(start, w00, c0), d1 = _mm512_dpbusd_epi32(start, w01, c0);                    \
        d0 = minus(_mm512_dpbusd_epi32(d0, w10, c1), base, mode);                                                      \
        d1 = minus(_mm512_dpbusd_epi32(d1, w11, c1), base, mode);                                                      \
        acc[r][0] = is_first ? d0 : plus(acc[r][0], d0, mode == MANY_EXACT);                                           \
        if (tiles > 1) acc[r][1] = is_first ? d1 : plus(acc[r][1], d1, mode == MANY_EXACT);                            \
        KEEP(acc[r][0]);                                                                                               \
        if (tiles > 1) KEEP(acc[r][1]);                                                                                \
    }
    EACH_ROW(ROW)
#undef ROW
}

ALWAYS_INLINE void many_half(const __m512i *w, const many_line *l, unsigned h, int tiles, int mode, bool is_first,
                             __m512i acc[ROWS][2]) {
    many_subgroup(w, l, 2 * h, tiles, mode, is_first, acc);
    many_subgroup(w, l, 2 * h + 1, tiles, mode, false, acc);
}
ALWAYS_INLINE void many_stripe(const __m512i *w, const many_line *l, int tiles, int mode, bool is_first,
                               __m512i acc[ROWS][2]) {
    many_half(w, l, 0, tiles, mode, is_first, acc);
    many_half(w, l, 1, tiles, mode, false, acc);
}

ALWAYS_INLINE void many_add(__m512 v[ROWS][2], const __m512 left[ROWS][2], int tiles) {
#define ADD(r, t) v[r][t] = _mm512_add_ps(left[r][t], v[r][t]);
    EACH(ADD)
#undef ADD
}
ALWAYS_INLINE void many_copy(__m512 v[ROWS][2], const __m512 from[ROWS][2], int tiles) {
#define COPY(r, t) v[r][t] = from[r][t];
    EACH(COPY)
#undef COPY
}

/* Leaves of group i of a panel. */
ALWAYS_INLINE void many_leaves(const panel *p, const float *z, uint64_t i, int tiles, unsigned extra, int mode,
                               const __m512i acc[ROWS][2], __m512 v[ROWS][2]) {
#define LEAF(r, t)                                                                                                     \
    v[r][t] = _mm512_mul_ps(mode == MANY_EXACT ? _mm512_castsi512_ps(acc[r][t]) : _mm512_cvtepi32_ps(acc[r][t]),       \
                            p->s[i][t]);                                                                               \
    if (extra == WITH_MIN) v[r][t] = _mm512_add_ps(v[r][t], _mm512_mul_ps(_mm512_set1_ps(z[i * ROWS + r]), p->m[i][t]));
    EACH(LEAF)
#undef LEAF
}

/* Adds products of 16-bit levels: codes [from, to) of the 8 pairs of even inputs, and the same of the odd ones. */
ALWAYS_INLINE void many_fine(const __m512i *w, const many_line *l, unsigned from, unsigned to, int tiles,
                             __m512i acc[ROWS][2]) {
    for (unsigned v = from; v < to; v++) {
        const __m512i *even = w + v * (unsigned)tiles, *odd = even + 8 * tiles;
#define ONE(r, t)                                                                                                      \
    acc[r][t] = _mm512_dpwssd_epi32(acc[r][t], even[t], _mm512_set1_epi32(l[r].code[v]));                              \
    acc[r][t] = _mm512_dpwssd_epi32(acc[r][t], odd[t], _mm512_set1_epi32(l[r].odd[v]));
        EACH(ONE)
#undef ONE
    }
}

ALWAYS_INLINE void many_zero(__m512i acc[ROWS][2], int tiles) {
#define ZERO(r, t) acc[r][t] = _mm512_setzero_si512();
    EACH(ZERO)
#undef ZERO
}

/* Unit u of a panel of fine levels. */
ALWAYS_INLINE void many_fine_unit(const many_job *k, const panel *p, const many_line *l, uint64_t u, int tiles,
                                  unsigned kind, __m512 v[ROWS][2]) {
    const unsigned span = kind == UNIT_MORE ? k->j->span : 1, half = kind == UNIT_16 ? 4 : 8;
    __m512 left[ROWS][2];
    for (unsigned from = 0; from < 8; from += half) {
        __m512i acc[ROWS][2] = {{{0}}};
        for (uint64_t s = u * span; s < (u + 1) * span; s++)
            many_fine(p->w + s * 16 * (unsigned)tiles, l + s * ROWS, from, from + half, tiles, acc);
        many_leaves(p, NULL, kind == UNIT_16 ? 2 * u + from / 4 : u, tiles, ALONE, MANY_FINE, acc, from ? left : v);
    }
    if (kind == UNIT_16) many_add(v, left, tiles);
}

/* Unit u of a panel. */
ALWAYS_INLINE void many_unit(const many_job *k, const panel *p, const many_line *l, const float *z, uint64_t u,
                             int tiles, unsigned kind, unsigned extra, int mode, __m512 v[ROWS][2]) {
    __m512i acc[ROWS][2] = {{{0}}};
    const __m512i *w = p->w + u * 8 * (unsigned)tiles;
    if (mode == MANY_FINE)
        many_fine_unit(k, p, l, u, tiles, kind, v);
    else if (kind == UNIT_32) {
        many_stripe(w, l + u * ROWS, tiles, mode, true, acc);
        many_leaves(p, z, u, tiles, extra, mode, acc, v);
    } else if (kind == UNIT_16) {
        __m512 first[ROWS][2];
        many_half(w, l + u * ROWS, 0, tiles, mode, true, acc);
        many_leaves(p, z, 2 * u, tiles, extra, mode, acc, first);
        many_half(w, l + u * ROWS, 1, tiles, mode, true, acc);
        many_leaves(p, z, 2 * u + 1, tiles, extra, mode, acc, v);
        many_add(v, first, tiles);
    } else {
        const unsigned span = k->j->span, run = kind == UNIT_HALVES ? span / 2 : span;
        uint64_t s = u * span;
        for (uint64_t end = s + run; s < end; s++)
            many_stripe(p->w + s * 8 * (unsigned)tiles, l + s * ROWS, tiles, mode, false, acc);
        if (kind == UNIT_HALVES) {
            __m512i half[ROWS][2];
            memcpy(half, acc, sizeof half);
            many_zero(acc, tiles);
            for (uint64_t end = s + run; s < end; s++)
                many_stripe(p->w + s * 8 * (unsigned)tiles, l + s * ROWS, tiles, mode, false, acc);
#define JOIN(r, t) acc[r][t] = plus(half[r][t], acc[r][t], true);
            EACH(JOIN)
#undef JOIN
        }
        many_leaves(p, z, u, tiles, extra, mode, acc, v);
    }
}

/* The sum of units u and u + 1. */
ALWAYS_INLINE void many_pair(const many_job *k, const panel *p, const many_line *l, const float *z, uint64_t u,
                             int tiles, unsigned kind, unsigned extra, int mode, __m512 v[ROWS][2]) {
    __m512 left[ROWS][2];
    many_unit(k, p, l, z, u, tiles, kind, extra, mode, left);
    many_unit(k, p, l, z, u + 1, tiles, kind, extra, mode, v);
    many_add(v, left, tiles);
}

/* The tree of a panel's units, for ROWS rows. Four units at a time where it was measured to pay. */
ALWAYS_INLINE void many_panel(const many_job *k, const panel *p, const many_line *l, const float *z, uint64_t units,
                              int tiles, unsigned kind, unsigned extra, int mode, __m512 v[ROWS][2]) {
    __m512 part[3][ROWS][2];
    unsigned top = 0;
    uint64_t u = 0;
    if (kind == UNIT_32 && extra == ALONE && mode == MANY_INTS)
        for (; u + 4 <= units; u += 4) {
            __m512 left[ROWS][2];
            many_pair(k, p, l, z, u, tiles, kind, extra, mode, left);
            many_pair(k, p, l, z, u + 2, tiles, kind, extra, mode, v);
            many_add(v, left, tiles);
            if (u) many_add(v, part[--top], tiles);
            if (u + 4 == units) return;
            many_copy(part[top++], v, tiles);
        }
    for (;; u += 2) {
        if (u + 1 == units) {
            many_unit(k, p, l, z, u, tiles, kind, extra, mode, v);
            break;
        }
        many_pair(k, p, l, z, u, tiles, kind, extra, mode, v);
        for (uint64_t n = u / 2; n & 1; n >>= 1) many_add(v, part[--top], tiles);
        if (u + 2 == units) break;
        many_copy(part[top++], v, tiles);
    }
    while (top) many_add(v, part[--top], tiles);
}

/* Puts the sums of chunk c onto the stack, or after the last chunk gives the products. */
ALWAYS_INLINE void many_push(const many_job *k, uint64_t c, size_t g, int tiles, __m512 v[ROWS][2], float *out) {
    __m512(*at)[ROWS][2] = k->stack + g;
    const bool is_last = c + 1 == k->chunks;
    for (uint64_t n = c; n & 1 || (is_last && n); n >>= 1, at += k->groups)
        if (n & 1) many_add(v, *at, tiles);
    if (!is_last) {
        many_copy(*at, v, tiles);
        return;
    }
    const uint64_t first = first_row(k, g);
#define GIVE(r, t)                                                                                                     \
    _mm512_storeu_ps(out + (first + r) * k->j->stride + t * ROMA_TILE_ROWS,                                            \
                     _mm512_mul_ps(_mm512_set1_ps(k->j->acts[first + r].scale), v[r][t]));
    EACH(GIVE)
#undef GIVE
}

/* Asks for what the next tiles have in the place of chunk c, a group's share of it, so that requests do not come in
 * bursts. */
static NOINLINE void many_prefetch(const many_job *k, const uint8_t *tile, uint64_t c, size_t g, size_t tiles) {
    const job *j = k->j;
    const unsigned bits = width_of(j->f);
    const size_t ahead = tiles * j->l.bytes;
    for (size_t i = g; i < tiles * CHUNK; i += k->groups)
        if (i % CHUNK < stripes_of(k, c))
            prefetch_codes(j, tile + i / CHUNK * j->l.bytes, bits, c * CHUNK + i % CHUNK, ahead, FAR);
    for (size_t i = g; i < tiles; i += k->groups) prefetch_scales(j, tile + i * j->l.bytes, c, ahead, FAR);
}

ALWAYS_INLINE void many_tiles(const many_job *k, const uint8_t *tile, float *out, int tiles, unsigned kind,
                              unsigned extra, int mode) {
    panel p;
    for (uint64_t c = 0; c < k->chunks; c++) {
        const uint64_t n = stripes_of(k, c), units = kind == UNIT_16 || kind == UNIT_32 ? n : n >> k->j->log_span;
        unpack_panel(k, tile, c, (size_t)tiles, &p);
        for (size_t g = 0; g < k->groups; g++) {
            __m512 v[ROWS][2];
            if (g < (size_t)tiles * CHUNK) many_prefetch(k, tile, c, g, (size_t)tiles);
            many_panel(k, &p, k->lines + (c * k->groups * CHUNK + g * n) * ROWS,
                       k->z + (c * k->groups + g) * 2 * CHUNK * ROWS, units, tiles, kind, extra, mode, v);
            many_push(k, c, g, tiles, v, out);
        }
    }
}

typedef void (*many_fn)(const many_job *k, const uint8_t *tile, float *out);
#define MANY_FN(tiles, kind, extra, mode)                                                                              \
    static void many_##tiles##_##kind##_##extra##_##mode(const many_job *k, const uint8_t *tile, float *out) {         \
        many_tiles(k, tile, out, tiles, kind, extra, mode);                                                            \
    }
#define MANY_ENTRY(tiles, kind, extra, mode) [tiles - 1][kind][extra][mode] = many_##tiles##_##kind##_##extra##_##mode,
#define MANYS_OF(X, tiles)                                                                                             \
    X(tiles, 0, 0, 0)                                                                                                  \
    X(tiles, 0, 1, 0)                                                                                                  \
    X(tiles, 1, 0, 0)                                                                                                  \
    X(tiles, 1, 1, 0)                                                                                                  \
    X(tiles, 2, 0, 0)                                                                                                  \
    X(tiles, 2, 1, 0)                                                                                                  \
    X(tiles, 0, 0, 1)                                                                                                  \
    X(tiles, 0, 1, 1)                                                                                                  \
    X(tiles, 1, 0, 1)                                                                                                  \
    X(tiles, 1, 1, 1)                                                                                                  \
    X(tiles, 2, 0, 1)                                                                                                  \
    X(tiles, 2, 1, 1) X(tiles, 3, 0, 1) X(tiles, 3, 1, 1) X(tiles, 0, 0, 2) X(tiles, 1, 0, 2) X(tiles, 2, 0, 2)
MANYS_OF(MANY_FN, 1)
MANYS_OF(MANY_FN, 2)
static const many_fn many_table[2][4][2][3] = {MANYS_OF(MANY_ENTRY, 1) MANYS_OF(MANY_ENTRY, 2)};

#endif
