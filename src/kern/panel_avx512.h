/* What many_avx512.h multiplies: activations in lines, weights in panels. A part of product_avx512.c, whose prefetches
 * it uses. */
#ifndef ROMA_KERN_PANEL_AVX512_H
#define ROMA_KERN_PANEL_AVX512_H

#include "unpack_avx512.h"

enum { ROWS = 4, PAIR = 2, WIDE = 4 }; /* WIDE: tiles of two panels side by side */

/* How a group's integers are summed: int32, exact FP32 (product_avx512.c); for fine levels int32 of 16-bit levels times
 * activations with their shift done, or of the two parts of levels, which are made with less but cost more to add. */
enum { MANY_INTS, MANY_EXACT, MANY_FINE, MANY_PARTS, MODES };
/* What a unit of the tree is: two groups of 16, a group of 32, a larger group; or one whose halves are exact in FP32
 * each, but not their sum, which is rounded once, as a conversion of the integer would be. */
enum { UNIT_16, UNIT_32, UNIT_MORE, UNIT_HALVES };
/* Instead of a width: codes have been unpacked into the panel. */
enum { UNPACKED = 0 };

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

typedef struct panel panel;
typedef struct many_job many_job;
/* Rows at a panel of chunk c: group g, or all from g on that have ROWS. */
typedef void (*panel_fn)(const many_job *k, panel *p, uint64_t c, size_t g);

struct many_job {
    job *j;
    unsigned kind, mode; /* UNIT_*, MANY_* */
    bool has_sums;       /* leaves want the sums of activations, for minima or zero points */
    bool has_adds;       /* own zero points, 0 to 15, leave codes of 15 - z more: their offset is the same for all */
    bool is_halved;      /* see `variant` */
    int32_t offset;      /* level = code - offset */
    size_t groups;       /* of ROWS rows */
    uint64_t chunks;     /* of CHUNK stripes; the last may be shorter */
    many_line *lines;    /* [chunk][group][stripe][row of the group] */
    float *z;            /* sums of groups of weights: [chunk][group][unit][ROWS], or nothing */
    size_t pairs;        /* of tiles that are walked side by side */
    size_t ahead;        /* bytes from a tile to the one that comes in its place */
    __m512 (*stack)[ROWS][PAIR];  /* partial sums: [level][group][pair][row][tile] */
    panel_fn first, others, rest; /* groups whose codes are packed still, then all of ROWS rows, then a short one */
    panel_fn wide;                /* instead of others, at both panels; or nothing */
    size_t last;                  /* rows of the last group */
};

/* Two tiles that lie beside one another, or one twice. */
typedef struct {
    const uint8_t *tile[PAIR];
    float *out[PAIR];
} tile_pair;

/* Stripes [first, first + n) of a pair. */
struct panel {
    const tile_pair *pair;
    size_t beside; /* of the pairs that are walked side by side: which */
    uint64_t first, n;
    __m512 s[2 * CHUNK][PAIR];    /* [group][tile]: scales */
    __m512 m[2 * CHUNK][PAIR];    /* minima, or own zero points */
    __m512i add[2 * CHUNK][PAIR]; /* what own zero points add to codes */
    __m512i w[CHUNK * 16 * PAIR]; /* [stripe][code pair of 8, or fine: 16][tile] */
};

/* Stripes of chunk c. */
ALWAYS_INLINE uint64_t stripes_of(const many_job *k, uint64_t c) {
    const uint64_t left = k->j->stripes - c * CHUNK;
    return left < CHUNK ? left : CHUNK;
}
ALWAYS_INLINE size_t rows_of(const many_job *k, size_t g) { return g + 1 == k->groups ? k->last : ROWS; }
/* Row r of group g. The last group takes rows of the one before it too where it has more than are left; and where there
 * are less than it has, the last row stands for those that are missing. */
ALWAYS_INLINE size_t row_of(const many_job *k, size_t g, size_t r) {
    const size_t n = k->j->n_acts, most = n < ROWS ? 0 : n - rows_of(k, g),
                 row = (g * ROWS < most ? g * ROWS : most) + r;
    return row < n ? row : n - 1;
}
/* Lines of all rows. */
ALWAYS_INLINE size_t all_rows(const many_job *k) { return (k->groups - 1) * ROWS + k->last; }
/* Lines of group g in chunk c. */
ALWAYS_INLINE many_line *lines_of(const many_job *k, uint64_t c, size_t g) {
    return k->lines + c * CHUNK * all_rows(k) + g * ROWS * stripes_of(k, c);
}
/* The group of sub-group b of stripe s. */
ALWAYS_INLINE uint64_t group_of(const many_job *k, uint64_t s, unsigned b) {
    return k->kind == UNIT_16 ? 2 * s + b / 2 : s >> k->j->log_span;
}
/* Groups of weights that a stripe has, or stripes that a group has. */
ALWAYS_INLINE uint64_t groups_in(const many_job *k, uint64_t stripes) {
    return k->kind == UNIT_16 ? 2 * stripes : stripes >> k->j->log_span;
}

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
        for (size_t r = 0, rows = rows_of(k, g); r < rows; r++) {
            const roma_act *a = &k->j->acts[row_of(k, g, r)];
            for (uint64_t c = 0; c < k->chunks; c++) {
                many_line *l = lines_of(k, c, g) + r;
                for (uint64_t s = 0; s < stripes_of(k, c); s++) pack_many_line(k, a, c * CHUNK + s, l + s * rows);
                if (k->has_sums) pack_sums(k, a, c, k->z + (c * k->groups + g) * 2 * CHUNK * ROWS + r);
            }
        }
}

/* ---- weights ----------------------------------------------------------------------------------- */

/* 16-bit levels of four codes a lane: of the even inputs, and of the odd ones, as pack_many_pairs has them. */
ALWAYS_INLINE void fine_levels(const job *j, __m512i codes, __m512i *even, __m512i *odd) {
    const __m512i mask = _mm512_set1_epi16(255), l = _mm512_shuffle_epi8(byte_table(j->fine[0]), codes),
                  h = _mm512_shuffle_epi8(byte_table(j->fine[1]), codes);
    *even = _mm512_or_si512(_mm512_and_si512(l, mask), shift_left_16(h, 8));
    *odd = _mm512_or_si512(shift_right_16(l, 8), _mm512_andnot_si512(mask, h));
}

/* What own zero points z of 4 bits add to the codes of group g of a tile: 15 - z to each byte, so that their offset is
 * the same for all groups. */
ALWAYS_INLINE __m512i add_of(const job *j, const uint8_t *tile, uint64_t g) {
    const __m512i z = group_integers(ROMA_SCALE_U4, tile + j->l.zeros + 8 * g);
    return _mm512_mullo_epi32(_mm512_sub_epi32(_mm512_set1_epi32(15), z), _mm512_set1_epi32(0x01010101));
}

/* Codes of sub-group b of stripe s of a panel's tile t, as they are multiplied; fine ones are not levels yet. */
ALWAYS_INLINE void packed_codes(const many_job *k, const panel *p, uint64_t s, unsigned b, int t, unsigned width,
                                __m512i w[2]) {
    const uint8_t *tile = p->pair->tile[t];
    unpack_pair(width, k->j, tile + (p->first + s) * lo_bytes(width),
                tile + k->j->l.plane_hi + (p->first + s) * hi_bytes(width), b, false, w);
}

/* Codes of a tile of a panel into p->w. */
ALWAYS_INLINE void unpack_codes(const many_job *k, panel *p, int t, unsigned width) {
    __m512i *w = p->w + t, codes[2];
    for (uint64_t s = 0; s < p->n; s++, w += (width == FINE ? 16 : 8) * PAIR)
        for (unsigned b = 0; b < 4; b++) {
            packed_codes(k, p, s, b, t, width, codes);
            for (unsigned i = 0; i < 2; i++) {
                __m512i *at = w + (2 * b + i) * PAIR;
                if (width == FINE)
                    fine_levels(k->j, codes[i], at, at + 8 * PAIR);
                else
                    *at = k->has_adds ? _mm512_add_epi32(codes[i], p->add[group_of(k, s, b)][t]) : codes[i];
            }
        }
}

/* Begins with chunk c of a pair: with what has to be made of its integers first. */
ALWAYS_INLINE void open_panel(const many_job *k, const tile_pair *pair, uint64_t c, panel *p) {
    p->pair = pair;
    p->first = c * CHUNK;
    p->n = stripes_of(k, c);
    for (int t = 0; t < PAIR; t++) {
        if (k->j->ints) expand_chunk(k->j, pair->tile[t], c, t);
        for (uint64_t g = 0; k->has_adds && g < groups_in(k, p->n); g++)
            p->add[g][t] = add_of(k->j, pair->tile[t], groups_in(k, p->first) + g);
    }
}

/* Unpacks codes, scales and what is beside them. */
static NOINLINE void fill_panel(const many_job *k, panel *p) {
    job *j = k->j;
    const uint64_t first = groups_in(k, p->first), groups = groups_in(k, p->n);
    for (int t = 0; t < PAIR; t++) {
        const uint8_t *tile = p->pair->tile[t];
        for (uint64_t g = 0; g < groups; g++) {
            p->s[g][t] = scale_of(j, tile, first + g, t, 0);
            if (k->has_sums) p->m[g][t] = extra_at(j, tile, first + g, t, extra_of(j->f));
        }
        switch (width_of(j->f)) {
        case 2: unpack_codes(k, p, t, 2); break;
        case 3: unpack_codes(k, p, t, 3); break;
        case 4: unpack_codes(k, p, t, 4); break;
        case 5: unpack_codes(k, p, t, 5); break;
        case 6: unpack_codes(k, p, t, 6); break;
        case TABLE: unpack_codes(k, p, t, TABLE); break;
        case FINE: unpack_codes(k, p, t, FINE); break;
        default: unpack_codes(k, p, t, 8); break;
        }
    }
}

/* ---- what the next tiles need ------------------------------------------------------------------ */

/* The first rows: stripe s of the panel asks for its place in the next pair, and the first one for scales. 8-bit codes
 * are eaten faster than memory delivers, so that what was dropped is asked for again (4 rows: 19 to 31 GB/s). */
ALWAYS_INLINE void ask_packed(const many_job *k, const panel *p, uint64_t s, int t, unsigned width) {
    const uint8_t *tile = p->pair->tile[t];
    const size_t ahead = k->ahead;
    if (s == 0) prefetch_scales(k->j, tile, p->first / CHUNK, ahead, FAR);
    prefetch_codes(k->j, tile, width, p->first + s, ahead, FAR);
    if (width == 8 && k->groups == 1) prefetch_codes(k->j, tile, width, p->first + s, AGAIN, FAR);
}

/* Where the first rows do not know the codes' width: group g's share of what the next pair has in the place of this
 * panel, so that requests do not come in bursts. */
static NOINLINE void ask_share(const many_job *k, const panel *p, size_t g) {
    const job *j = k->j;
    const size_t ahead = k->ahead;
    for (size_t i = g; i < PAIR * CHUNK; i += k->groups)
        if (i % CHUNK < p->n)
            prefetch_codes(j, p->pair->tile[i / CHUNK], width_of(j->f), p->first + i % CHUNK, ahead, FAR);
    for (size_t i = g; i < PAIR; i += k->groups) prefetch_scales(j, p->pair->tile[i], p->first / CHUNK, ahead, FAR);
}

#endif
