/* Scores of a page become weights, and these the codes that its values are multiplied by: for attend_avx512.c, which
 * has the macros for floats.
 *
 * Values of a page are multiplied while the weights and codes of the next page are made, whose long chains would leave
 * the multipliers idle. What that takes is cut into chores of some ten operations, one or two beside each line:
 *
 *   0 to 15    chore 4 q + s is stage s of query q's 32 weights: its scores become exponentials, these and the values'
 *              scales what becomes codes, and the sum of the weights
 *   16         the queries' largest, and what their codes and sums are to be multiplied by
 *   17 to 20   chore 17 + q makes query q's codes, and adds its sum up
 */
#ifndef ROMA_KERN_WEIGHTS_AVX512_H
#define ROMA_KERN_WEIGHTS_AVX512_H

#include "exp_avx512.h"

#define BEYOND_87 (int32_t)0xc2ae0001 /* bits of what is next below -87 */
enum { WEIGHTS = 16, CHORES = WEIGHTS + 1 + QUERIES };

/* Codes of a page's positions for each query. Dword 4 (i % 4) + i / 4 has the low bytes of positions 4 i to 4 i + 3,
 * the second dword behind it the high ones. */
typedef struct {
    _Alignas(64) int32_t bytes[QUERIES][16];
    __m512 scale[QUERIES]; /* of a query's sums */
} value_codes;

typedef struct {
    const float *score, *max, *v_scale; /* of the page whose codes are made */
    size_t stride;
    unsigned n_q;
    int32_t counts; /* -1: the page's weights are added to sum; 0: they are not */
    value_codes *to;
    __m512 u[QUERIES][2]; /* weights times the values' scales */
    __m512i top[QUERIES]; /* the largest of them, as bits */
    __m512i two[QUERIES]; /* the weights' 30 bits, two added up */
    __m512i sum[QUERIES]; /* of the weights, of all pages */
} work;

/* What passes from chore to chore in registers. */
typedef struct {
    __m512 n[2], r[2], p[2]; /* the query at work: exp(r) 2^n, a polynomial of r */
    __m512i worst;           /* the largest distance from max, as bits below the sign's */
    __m512 up, down;         /* for query q lane 4 i + q, what u and what the sums are to be multiplied by */
} chain;

ALWAYS_INLINE chain no_chain(void) {
    const __m512 zero = _mm512_setzero_ps();
    return (chain){{zero, zero}, {zero, zero}, {zero, zero}, _mm512_set1_epi32(INT32_MIN), zero, zero};
}

ALWAYS_INLINE __m512i bits(__m512 v) { return _mm512_castps_si512(v); }

/* Bits that exp needs, docs/numerics.md 5.1, without what it does beyond -87 and with a NaN: `worst` tells. n times the
 * first constant is exact, so that a fused difference is the same. */
ALWAYS_INLINE void begin_exp(const work *w, chain *x, unsigned q) {
    for (unsigned v = 0; v < 2; v++) {
        const __m512 d = _mm512_sub_ps(load_floats(w->score + q * w->stride + 16 * v), all_floats(w->max[q]));
        x->worst = _mm512_max_epu32(x->worst, _mm512_or_si512(bits(d), _mm512_set1_epi32(INT32_MIN)));
        x->n[v] = here(_mm512_roundscale_ps(mul(d, all_floats(1.44269504f)), _MM_FROUND_TO_NEAREST_INT));
        x->r[v] = here(_mm512_sub_ps(_mm512_fnmadd_ps(x->n[v], all_floats(0.693359375f), d),
                                     mul(x->n[v], all_floats(-2.12194440e-4f))));
    }
}

ALWAYS_INLINE void three_terms(chain *x, float a, float b, float c) {
    for (unsigned v = 0; v < 2; v++) x->p[v] = add(mul(x->p[v], x->r[v]), all_floats(a));
    for (unsigned v = 0; v < 2; v++) x->p[v] = add(mul(x->p[v], x->r[v]), all_floats(b));
    for (unsigned v = 0; v < 2; v++) x->p[v] = here(add(mul(x->p[v], x->r[v]), all_floats(c)));
}

/* Weights e, of which 30 bits are added up: those of a NaN count as 0. */
ALWAYS_INLINE void put_weights(work *w, unsigned q, const __m512 e[2], const __m512i thirty[2]) {
    for (unsigned v = 0; v < 2; v++) w->u[q][v] = mul(e[v], load_floats(w->v_scale + 16 * v));
    w->top[q] = _mm512_max_epu32(bits(w->u[q][0]), bits(w->u[q][1]));
    w->two[q] = _mm512_add_epi32(thirty[0], thirty[1]);
}

/* A weight is no smaller than 2^-126 here, so that 30 more in its exponent are a product with 2^30. */
ALWAYS_INLINE void end_exp(work *w, const chain *x, unsigned q) {
    __m512 e[2];
    __m512i thirty[2];
    for (unsigned v = 0; v < 2; v++) {
        e[v] = _mm512_scalef_ps(x->p[v], x->n[v]);
        thirty[v] = _mm512_cvtps_epi32(_mm512_castsi512_ps(_mm512_add_epi32(bits(e[v]), _mm512_set1_epi32(30 << 23))));
    }
    put_weights(w, q, e, thirty);
}

/* Weights of the first n positions, whatever the scores are. */
NOINLINE static void weigh_slowly(work *w, unsigned n) {
    const __mmask16 seen[2] = {(__mmask16)(n < 16 ? (1u << n) - 1 : 0xffff),
                               (__mmask16)(n > 16 ? (1ull << (n - 16)) - 1 : 0)};
    for (unsigned q = 0; q < w->n_q; q++) {
        __m512 e[2];
        __m512i thirty[2];
        for (unsigned v = 0; v < 2; v++) {
            const float *at = w->score + q * w->stride + 16 * v;
            const __m512 d = _mm512_sub_ps(_mm512_maskz_loadu_ps(seen[v], at), all_floats(w->max[q]));
            e[v] = _mm512_maskz_mov_ps(seen[v], exp_ps(_mm512_min_ps(_mm512_setzero_ps(), d)));
            thirty[v] = fixed30(e[v]);
        }
        put_weights(w, q, e, thirty);
        for (unsigned v = 0; v < 2; v++) w->u[q][v] = _mm512_maskz_mov_ps(seen[v], w->u[q][v]);
        w->top[q] = _mm512_max_epu32(bits(w->u[q][0]), bits(w->u[q][1]));
    }
}

/* The weights of a page that counts. */
ALWAYS_INLINE void add_sum(work *w, unsigned q) {
    const __m512i two = _mm512_and_si512(w->two[q], _mm512_set1_epi32(w->counts)),
                  low = _mm512_and_si512(two, _mm512_set1_epi64(0xffffffff));
    w->sum[q] = _mm512_add_epi64(w->sum[q], _mm512_add_epi64(low, _mm512_srli_epi64(two, 32)));
}

/* Lane 4 i + q: the largest of query q's 16 lanes. */
ALWAYS_INLINE __m512i largest_of_four(__m512i a, __m512i b, __m512i c, __m512i d) {
    const __m512i ab = _mm512_max_epu32(_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b)),
                  cd = _mm512_max_epu32(_mm512_unpacklo_epi32(c, d), _mm512_unpackhi_epi32(c, d));
    __m512i m = _mm512_max_epu32(_mm512_unpacklo_epi64(ab, cd), _mm512_unpackhi_epi64(ab, cd));
    m = _mm512_max_epu32(m, _mm512_shuffle_i64x2(m, m, 0x4e));
    return _mm512_max_epu32(m, _mm512_shuffle_i64x2(m, m, 0xb1));
}

/* Exponents by arithmetic of their bits: 2^(14 - e) and 2^(e - 14), or 0 and NaN where there is nothing to sum. */
ALWAYS_INLINE void find_exponents(const work *w, chain *x, unsigned n_q) {
    const __m512i m = largest_of_four(w->top[0], w->top[n_q > 1], w->top[n_q > 2 ? 2 : 0], w->top[n_q > 3 ? 3 : 0]),
                  e = _mm512_and_si512(m, _mm512_set1_epi32(0x7f800000));
    const __mmask16 some = _mm512_cmpge_epu32_mask(m, _mm512_set1_epi32(27 << 23)),
                    huge = _mm512_cmpge_epu32_mask(m, _mm512_set1_epi32(227 << 23));
    x->up = _mm512_castsi512_ps(_mm512_maskz_sub_epi32(some, _mm512_set1_epi32(268 << 23), e));
    x->down = _mm512_castsi512_ps(_mm512_mask_mov_epi32(_mm512_maskz_sub_epi32(some, e, _mm512_set1_epi32(14 << 23)),
                                                        huge, _mm512_set1_epi32(0x7fc00000)));
}

#define LANE_OF_FOUR(v, q) _mm512_castsi512_ps(_mm512_shuffle_epi32(bits(v), (q)*0x55))

ALWAYS_INLINE void put_codes(work *w, unsigned q, __m512 up, __m512 down) {
    const __m512i order = _mm512_broadcast_i32x4(_mm_setr_epi8(0, 2, 4, 6, 8, 10, 12, 14, 1, 3, 5, 7, 9, 11, 13, 15));
    const __m512i c = _mm512_packs_epi32(_mm512_cvtps_epi32(mul(w->u[q][0], up)),
                                         _mm512_cvtps_epi32(mul(w->u[q][1], up))); /* saturates */
    add_sum(w, q);
    _mm512_store_si512(w->to->bytes[q], _mm512_shuffle_epi8(c, order));
    w->to->scale[q] = down;
}

ALWAYS_INLINE void chore(work *w, chain *x, unsigned n_q, unsigned i) {
    const unsigned q = i < WEIGHTS ? i / 4 : 0;
    if (q >= n_q) return;
    if (i < WEIGHTS) switch (i % 4) {
        case 0: begin_exp(w, x, q); break;
        case 1:
            x->p[0] = x->p[1] = all_floats(1.0f / 720.0f);
            three_terms(x, 1.0f / 120.0f, 1.0f / 24.0f, 1.0f / 6.0f);
            break;
        case 2: three_terms(x, 0.5f, 1.0f, 1.0f); break;
        case 3: end_exp(w, x, q); break;
        }
    if (i == WEIGHTS) {
        if (_mm512_cmpge_epu32_mask(x->worst, _mm512_set1_epi32(BEYOND_87))) weigh_slowly(w, ROMA_PAGE);
        find_exponents(w, x, n_q);
    }
    if (i == WEIGHTS + 1) put_codes(w, 0, LANE_OF_FOUR(x->up, 0), LANE_OF_FOUR(x->down, 0));
    if (i == WEIGHTS + 2 && n_q > 1) put_codes(w, 1, LANE_OF_FOUR(x->up, 1), LANE_OF_FOUR(x->down, 1));
    if (i == WEIGHTS + 3 && n_q > 2) put_codes(w, 2, LANE_OF_FOUR(x->up, 2), LANE_OF_FOUR(x->down, 2));
    if (i == WEIGHTS + 4 && n_q > 3) put_codes(w, 3, LANE_OF_FOUR(x->up, 3), LANE_OF_FOUR(x->down, 3));
}

/* The chores beside line `line` of 16, spread evenly. */
ALWAYS_INLINE void chores(work *w, chain *x, unsigned n_q, unsigned line) {
    const unsigned from = line * CHORES / 16, to = (line + 1) * CHORES / 16;
    chore(w, x, n_q, from);
    if (from + 1 < to) chore(w, x, n_q, from + 1);
}

#endif
