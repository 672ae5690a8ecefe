/* Attention and what needs exp on AVX-512: docs/numerics.md sections 4 and 5. */
#include "simd512.h"
#include "vector.h"

#define LANES 16
#define QUERIES 4 /* that meet what is loaded once; a further group loads it anew, from the first-level cache */
typedef __m512 floats;
#define all_floats(f) _mm512_set1_ps(f)
#define mul(a, b) _mm512_mul_ps(a, b)
#define add(a, b) _mm512_add_ps(a, b)
#define load_floats(p) _mm512_loadu_ps(p)
#define store_floats(p, v) _mm512_storeu_ps(p, v)
#define load_halves(p) _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(const void *)(p)))
#include "halves.h"

HALF_FUNCTIONS(avx512)

/* roma_exp for x that is not positive, or a NaN. 2^n times p is one rounding, so the scaling instruction gives it too.
 */
ALWAYS_INLINE __m512 exp_ps(__m512 x) {
    const __mmask16 in_range = _mm512_cmp_ps_mask(x, _mm512_set1_ps(-87.0f), _CMP_NLT_UQ);
    const __m512 n = _mm512_roundscale_ps(_mm512_mul_ps(x, _mm512_set1_ps(1.44269504f)), _MM_FROUND_TO_NEAREST_INT);
    const __m512 r = _mm512_sub_ps(_mm512_sub_ps(x, _mm512_mul_ps(n, _mm512_set1_ps(0.693359375f))),
                                   _mm512_mul_ps(n, _mm512_set1_ps(-2.12194440e-4f)));
    static const float c[] = {1.0f / 120.0f, 1.0f / 24.0f, 1.0f / 6.0f, 0.5f, 1.0f, 1.0f};
    __m512 p = _mm512_set1_ps(1.0f / 720.0f);
    for (int i = 0; i < 6; i++) p = _mm512_add_ps(_mm512_mul_ps(p, r), _mm512_set1_ps(c[i]));
    return _mm512_maskz_scalef_ps(in_range, p, n);
}

void roma_silu_mul_avx512(float *out, const float *gate, const float *up, uint64_t n) {
    const __m512 one = _mm512_set1_ps(1.0f);
    uint64_t i = 0;
    for (; i + 16 <= n; i += 16) {
        const __m512 g = _mm512_loadu_ps(gate + i), e = exp_ps(_mm512_or_ps(g, _mm512_set1_ps(-0.0f)));
        const __m512 top = _mm512_mask_mov_ps(e, _mm512_cmp_ps_mask(g, _mm512_setzero_ps(), _CMP_GE_OQ), one);
        const __m512 t = _mm512_div_ps(top, _mm512_add_ps(one, e));
        _mm512_storeu_ps(out + i, _mm512_mul_ps(_mm512_mul_ps(g, t), _mm512_loadu_ps(up + i)));
    }
    roma_silu_mul_c(out + i, gate + i, up + i, n - i);
}

/* near(w * 2^30), of a NaN 0. */
ALWAYS_INLINE __m512i fixed30(__m512 w) {
    return _mm512_maskz_mov_epi32(_mm512_cmp_ps_mask(w, w, _CMP_ORD_Q),
                                  _mm512_cvtps_epi32(_mm512_mul_ps(w, _mm512_set1_ps(0x1p30f))));
}

/* Weights of 16 scores. */
ALWAYS_INLINE __m512i weigh(float *score, __m512 max) {
    const __m512 d = _mm512_sub_ps(_mm512_loadu_ps(score), max), w = exp_ps(_mm512_min_ps(_mm512_setzero_ps(), d));
    _mm512_storeu_ps(score, w);
    return fixed30(w);
}

/* Two weights of at most 2^30 add up in unsigned 32 bits; their sums go on as the even and the odd lanes of 64. */
int64_t roma_softmax_weights_avx512(float *score, uint64_t n, float max) {
    const __m512 m = _mm512_set1_ps(max);
    __m512i even = _mm512_setzero_si512(), odd = even;
    uint64_t i = 0;
    for (; i + 32 <= n; i += 32) {
        const __m512i two = _mm512_add_epi32(weigh(score + i, m), weigh(score + i + 16, m));
        even = _mm512_add_epi64(even, _mm512_and_si512(two, _mm512_set1_epi64(0xffffffff)));
        odd = _mm512_add_epi64(odd, _mm512_srli_epi64(two, 32));
    }
    int64_t lane[8], sum = 0;
    _mm512_storeu_si512(lane, _mm512_add_epi64(even, odd));
    for (int l = 0; l < 8; l++) sum += lane[l];
    return sum + roma_softmax_weights_c(score + i, n - i, max);
}

float roma_largest_avx512(const float *score, uint64_t n) {
    if (n < 16) return roma_largest_c(score, n);
    __m512 m = _mm512_max_ps(_mm512_loadu_ps(score), _mm512_loadu_ps(score + n - 16));
    for (uint64_t i = 16; i + 16 < n; i += 16) m = _mm512_max_ps(m, _mm512_loadu_ps(score + i));
    float lane[16];
    _mm512_storeu_ps(lane, m);
    return roma_largest_c(lane, 16);
}

/* ---- scores ------------------------------------------------------------------------------------ */

/* A code of 16 bits is 256 high + low, high signed and low not, and vpdpbusd multiplies unsigned bytes by signed ones:
 * low meets a key as it is, high meets key + 128, for which the sum of high is taken away again. Bytes of four
 * dimensions are a lane's. */
typedef struct {
    int32_t high[QUERIES][512 / 4], low[QUERIES][512 / 4];
    int32_t bias[QUERIES];
} query_bytes;

static void split_queries(query_bytes *b, const int16_t *q, unsigned head_dim, unsigned n_q) {
    for (unsigned i = 0; i < n_q; i++, q += head_dim) {
        int8_t *high = (int8_t *)b->high[i];
        uint8_t *low = (uint8_t *)b->low[i];
        int32_t sum = 0;
        for (unsigned d = 0; d < head_dim; d++) {
            high[d] = (int8_t)(q[d] >> 8);
            low[d] = (uint8_t)q[d];
            sum += q[d] >> 8;
        }
        b->bias[i] = -128 * sum;
    }
}

ALWAYS_INLINE void ask(const void *p) { __builtin_prefetch(p, 0, 2); }

ALWAYS_INLINE void ask_scales(const float *scale) {
    ask(scale);
    ask(scale + 16);
}

/* dot: sum + unsigned bytes of a times signed ones of b. SPREAD: the four bytes at base + offset, a literal, in all
 * lanes. here: v is computed before what follows. Left to themselves compilers move sums about, keep addresses and
 * codes that come again, and put off what is used once, so that chains of it stand in a row. */
#ifdef ROMA_SIMDE
#define SPREAD(v, base, offset, all) const __m512i v = _mm512_set1_epi32((base)[(offset) / 4])
ALWAYS_INLINE __m512i dot(__m512i sum, __m512i a, __m512i b) { return _mm512_dpbusd_epi32(sum, a, b); }
ALWAYS_INLINE __m512 here(__m512 v) { return v; }
#else
#define SPREAD(v, base, offset, all)                                                                                   \
    __m512i v;                                                                                                         \
    __asm__ volatile("vpbroadcastd %c2(%1), %0" : "=v"(v) : "r"(base), "i"(offset), "m"(all))
ALWAYS_INLINE __m512i dot(__m512i sum, __m512i a, __m512i b) {
    __asm__ volatile("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(a), "v"(b));
    return sum;
}
ALWAYS_INLINE __m512 here(__m512 v) {
    __asm__ volatile("" : "+v"(v));
    return v;
}
#endif

/* Sums of each query with the low and the high bytes of its codes, two registers each. Loops over queries are written
 * out, or the sums would stand in memory. */
typedef struct {
    __m512i high[QUERIES][2], low[QUERIES][2];
} sums_of;

#define EACH_QUERY(n, X)                                                                                               \
    X(0)                                                                                                               \
    if (n > 1) {                                                                                                       \
        X(1)                                                                                                           \
    }                                                                                                                  \
    if (n > 2) {                                                                                                       \
        X(2)                                                                                                           \
    }                                                                                                                  \
    if (n > 3) {                                                                                                       \
        X(3)                                                                                                           \
    }

ALWAYS_INLINE sums_of no_sums(void) {
    const __m512i o = _mm512_setzero_si512();
    return (sums_of){{{o, o}, {o, o}, {o, o}, {o, o}}, {{o, o}, {o, o}, {o, o}, {o, o}}};
}

ALWAYS_INLINE __m512 total(__m512i high, __m512i low) {
    return _mm512_cvtepi32_ps(_mm512_add_epi32(_mm512_slli_epi32(high, 8), low));
}

ALWAYS_INLINE void put_scores(float *score, __m512 sum, float q_scale, const float *k_scale) {
    store_floats(score, mul(sum, mul(all_floats(q_scale), load_floats(k_scale))));
}

/* Scores of a page, of which 16 positions are a register. Each line that is multiplied asks for one of a page further
 * on: asked for in a burst, a third of them come late (docs/performance.md). */
ALWAYS_INLINE void scores(const roma_kv_page *p, const roma_kv_page *ahead, unsigned head_dim, const query_bytes *b,
                          const float *q_scale, unsigned n_q, float *score, size_t stride) {
    sums_of s = no_sums();
#define BEGIN(q) s.high[q][0] = s.high[q][1] = _mm512_set1_epi32(b->bias[q]);
    EACH_QUERY(n_q, BEGIN)
    ask_scales(ahead->k_scale);
    for (unsigned i = 0; i < head_dim / 4; i++) {
        const size_t at0 = 64 * (size_t)i, at1 = at0 + 16 * (size_t)head_dim;
        const __m512i k0 = _mm512_loadu_si512(p->k + at0), above0 = _mm512_xor_si512(k0, _mm512_set1_epi8(-128)),
                      k1 = _mm512_loadu_si512(p->k + at1), above1 = _mm512_xor_si512(k1, _mm512_set1_epi8(-128));
        ask(ahead->k + at0);
        ask(ahead->k + at1);
#define KEY_DOTS(q)                                                                                                    \
    SPREAD(low##q, b->low[0] + i, sizeof b->low[0] * q, *b);                                                           \
    SPREAD(high##q, b->high[0] + i, sizeof b->high[0] * q, *b);                                                        \
    s.low[q][0] = dot(s.low[q][0], low##q, k0);                                                                        \
    s.high[q][0] = dot(s.high[q][0], above0, high##q);                                                                 \
    s.low[q][1] = dot(s.low[q][1], low##q, k1);                                                                        \
    s.high[q][1] = dot(s.high[q][1], above1, high##q);
        EACH_QUERY(n_q, KEY_DOTS)
    }
#define PUT_SCORES(q)                                                                                                  \
    put_scores(score + q * stride, total(s.high[q][0], s.low[q][0]), q_scale[q], p->k_scale);                          \
    put_scores(score + q * stride + 16, total(s.high[q][1], s.low[q][1]), q_scale[q], p->k_scale + 16);
    EACH_QUERY(n_q, PUT_SCORES)
}

/* A function for each number of queries, not inlined: compilers would keep what surrounds the loop in registers and the
 * loop's own in memory. */
#define SCORES(n)                                                                                                      \
    static NOINLINE void scores_##n(const roma_kv_page *p, unsigned head_dim, const query_bytes *b,                    \
                                    const float *q_scale, float *score, size_t stride) {                               \
        scores(p, p + ROMA_KERN_AHEAD, head_dim, b, q_scale, n, score, stride);                                        \
    }
SCORES(1)
SCORES(2)
SCORES(3)
SCORES(4)

void roma_run_scores_avx512(const roma_kern_run *r, const int16_t *q, const float *q_scale, unsigned n_q, float *score,
                            size_t stride) {
    static void (*const of[])(const roma_kv_page *, unsigned, const query_bytes *, const float *, float *,
                              size_t) = {scores_1, scores_2, scores_3, scores_4};
    query_bytes b;
    for (unsigned done = 0, n; done < n_q; done += n) {
        n = n_q - done < QUERIES ? n_q - done : QUERIES;
        split_queries(&b, q + done * r->head_dim, r->head_dim, n);
        for (unsigned i = 0; i < r->n; i++)
            of[n - 1](r->page + i, r->head_dim, &b, q_scale + done, score + done * stride + (size_t)i * ROMA_PAGE,
                      stride);
    }
}

/* ---- values ------------------------------------------------------------------------------------ */

/* Values of a page are multiplied while the weights and codes of the next page are made, whose long chains would leave
 * the multipliers idle. What that takes is cut into chores of some ten operations, one or two beside each line:
 *
 *   0 to 15    chore 4 q + s is stage s of query q's 32 weights: its scores become exponentials, these and the values'
 *              scales what becomes codes, and the sum of the weights
 *   16         the queries' largest, and what their codes and sums are to be multiplied by
 *   17 to 20   chore 17 + q makes query q's codes, and adds its sum up
 */
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

/* Where leaves go of a page. */
typedef struct {
    float *out;
    unsigned merges;
    size_t level;
} place;

/* 64 codes of values. */
ALWAYS_INLINE __m512i load_line(const int8_t *p, roma_kv_code form) {
    if (form == ROMA_KV_CODE_INT8) return _mm512_loadu_si512(p);
    const __m256i half = _mm256_loadu_si256((const __m256i *)(const void *)p);
    const __m512i level = _mm512_broadcast_i32x4(_mm_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, -8, -7, -6, -5, -4, -3, -2, -1)),
                  both = _mm512_inserti64x4(_mm512_castsi256_si512(half), _mm256_srli_epi16(half, 4), 1);
    return _mm512_shuffle_epi8(level, _mm512_and_si512(both, _mm512_set1_epi8(15)));
}

/* The scale is a power of two, so that the product is exact and a fused sum the same. */
ALWAYS_INLINE void put_leaf(const place *to, size_t at, __m512i sum, __m512 scale) {
    float *out = to->out + at;
    const __m512 s = _mm512_cvtepi32_ps(sum);
    if (to->merges == 0) {
        store_floats(out, mul(s, scale));
        return;
    }
    __m512 leaf = _mm512_fmadd_ps(s, scale, load_floats(out + (to->merges - 1) * to->level));
    for (unsigned m = to->merges - 1; m-- > 0;) leaf = add(load_floats(out + m * to->level), leaf);
    store_floats(out, leaf);
}

/* `vectors` registers of a page's leaves from number `first` on, 1 or 4, and meanwhile, with_chores, the codes of the
 * page that w is at. First come the codes' high bytes, then, with the sums 256 times as large, the low ones. */
ALWAYS_INLINE void sums(const roma_kv_page *p, const roma_kv_page *ahead, unsigned head_dim, const value_codes *codes,
                        roma_kv_code form, unsigned n_q, unsigned first, unsigned vectors, const place *to, work *w,
                        bool with_chores) {
    const size_t line_bytes = form == ROMA_KV_CODE_INT4 ? 32 : 64, begin = first * 8 * line_bytes;
    const int8_t *at = p->v + begin, *next = ahead->v + begin;
    const __m512i o = _mm512_setzero_si512();
    __m512i s[QUERIES][4] = {{o, o, o, o}, {o, o, o, o}, {o, o, o, o}, {o, o, o, o}};
    chain x = no_chain();
#define LINE(i, part)                                                                                                  \
    do {                                                                                                               \
        const __m512i v0 = load_line(at + (i)*line_bytes, form),                                                       \
                      v1 = vectors > 1 ? load_line(at + ((i) + 8) * line_bytes, form) : v0,                            \
                      v2 = vectors > 1 ? load_line(at + ((i) + 16) * line_bytes, form) : v0,                           \
                      v3 = vectors > 1 ? load_line(at + ((i) + 24) * line_bytes, form) : v0;                           \
        ask(next + ((i) + 8 * (part)) * line_bytes);                                                                   \
        if (vectors > 1) ask(next + ((i) + 8 + 8 * (part)) * line_bytes);                                              \
        VALUE_DOTS(0, i, part)                                                                                         \
        if (n_q > 1) {                                                                                                 \
            VALUE_DOTS(1, i, part)                                                                                     \
        }                                                                                                              \
        if (n_q > 2) {                                                                                                 \
            VALUE_DOTS(2, i, part)                                                                                     \
        }                                                                                                              \
        if (n_q > 3) {                                                                                                 \
            VALUE_DOTS(3, i, part)                                                                                     \
        }                                                                                                              \
        if (with_chores) chores(w, &x, n_q, (i) + ((part) ? 0 : 8));                                                   \
    } while (0)
#define VALUE_DOTS(q, i, part)                                                                                         \
    SPREAD(c##q, codes->bytes[0], 64 * (q) + 16 * ((i) % 4) + (i) / 4 * 4 + 4 * (part), *codes);                       \
    s[q][0] = dot(s[q][0], c##q, v0);                                                                                  \
    if (vectors > 1) {                                                                                                 \
        s[q][1] = dot(s[q][1], c##q, v1);                                                                              \
        s[q][2] = dot(s[q][2], c##q, v2);                                                                              \
        s[q][3] = dot(s[q][3], c##q, v3);                                                                              \
    }
#define LINES(part)                                                                                                    \
    LINE(0, part);                                                                                                     \
    LINE(1, part);                                                                                                     \
    LINE(2, part);                                                                                                     \
    LINE(3, part);                                                                                                     \
    LINE(4, part);                                                                                                     \
    LINE(5, part);                                                                                                     \
    LINE(6, part);                                                                                                     \
    LINE(7, part);
    LINES(2)
#define TIMES_256(q)                                                                                                   \
    for (unsigned v = 0; v < vectors; v++) s[q][v] = _mm512_slli_epi32(s[q][v], 8);
    EACH_QUERY(n_q, TIMES_256)
    LINES(0)
#define PUT_LEAVES(q)                                                                                                  \
    put_leaf(to, q *head_dim + first * 16, s[q][0], codes->scale[q]);                                                  \
    if (vectors > 1) {                                                                                                 \
        put_leaf(to, q *head_dim + first * 16 + 16, s[q][1], codes->scale[q]);                                         \
        put_leaf(to, q *head_dim + first * 16 + 32, s[q][2], codes->scale[q]);                                         \
        put_leaf(to, q *head_dim + first * 16 + 48, s[q][3], codes->scale[q]);                                         \
    }
    EACH_QUERY(n_q, PUT_LEAVES)
}

/* Leaves of a page, and the codes of the page that w is at. */
ALWAYS_INLINE void values(const roma_kv_page *p, unsigned head_dim, const value_codes *codes, roma_kv_code form,
                          unsigned n_q, const place *to, work *w) {
    const roma_kv_page *ahead = p + ROMA_KERN_AHEAD;
    const unsigned all = head_dim / 16;
    unsigned first = 0;
    ask_scales(ahead->v_scale);
    if (all >= 4) {
        sums(p, ahead, head_dim, codes, form, n_q, 0, 4, to, w, true);
        for (first = 4; first + 4 <= all; first += 4)
            sums(p, ahead, head_dim, codes, form, n_q, first, 4, to, w, false);
    } else {
        chain x = no_chain();
        for (unsigned i = 0; i < CHORES; i++) chore(w, &x, n_q, i);
    }
    for (; first < all; first++) sums(p, ahead, head_dim, codes, form, n_q, first, 1, to, w, false);
}

#define VALUES(n, form)                                                                                                \
    static NOINLINE void values_##n##_##form(const roma_kv_page *p, unsigned head_dim, const value_codes *codes,       \
                                             const place *to, work *w) {                                               \
        values(p, head_dim, codes, ROMA_KV_CODE_##form, n, to, w);                                                     \
    }
VALUES(1, INT8)
VALUES(2, INT8)
VALUES(3, INT8)
VALUES(4, INT8)
VALUES(1, INT4)
VALUES(2, INT4)
VALUES(3, INT4)
VALUES(4, INT4)

/* The codes of a page at once, of which n positions are seen. */
static void prepare(work *w, unsigned n_q, unsigned n) {
    chain x = no_chain();
    w->counts = -1;
    weigh_slowly(w, n);
    for (unsigned i = WEIGHTS; i < CHORES; i++) chore(w, &x, n_q, i);
}

static void values_of(const roma_kern_run *r, const float *score, size_t stride, const float *max, unsigned n_q,
                      int64_t *sum, const roma_kern_tree *to) {
    static void (*const of[])(const roma_kv_page *, unsigned, const value_codes *, const place *,
                              work *) = {values_1_INT8, values_2_INT8, values_3_INT8, values_4_INT8,
                                         values_1_INT4, values_2_INT4, values_3_INT4, values_4_INT4};
    static const float nothing[ROMA_PAGE];
    value_codes codes[2];
    work w = {.score = score, .max = max, .v_scale = r->page->v_scale, .stride = stride, .n_q = n_q, .to = codes};
    prepare(&w, n_q, r->positions < ROMA_PAGE ? r->positions : ROMA_PAGE);
    for (unsigned i = 0; i < r->n; i++) {
        const uint32_t count = to->count + i, merges = (uint32_t)__builtin_ctz(~count);
        const place at = {to->out + ((uint32_t)__builtin_popcount(count) - merges) * to->level, merges, to->level};
        const unsigned next = i + 1 < r->n ? r->positions - (i + 1) * ROMA_PAGE : 0; /* positions from it on */
        const bool is_whole = next >= ROMA_PAGE; /* else codes of nothing are made */
        w.to = codes + (i + 1) % 2;
        w.score = is_whole ? score + (size_t)(i + 1) * ROMA_PAGE : nothing;
        w.stride = is_whole ? stride : 0;
        w.v_scale = r->page[i + is_whole].v_scale;
        w.counts = is_whole ? -1 : 0;
        of[n_q - 1 + (r->v == ROMA_KV_CODE_INT4 ? QUERIES : 0)](r->page + i, r->head_dim, codes + i % 2, &at, &w);
        if (next == 0 || is_whole) continue;
        w.score = score + (size_t)(i + 1) * ROMA_PAGE;
        w.stride = stride;
        w.v_scale = r->page[i + 1].v_scale;
        prepare(&w, n_q, next);
    }
    for (unsigned q = 0; q < n_q; q++) {
        int64_t lane[8];
        _mm512_storeu_si512(lane, w.sum[q]);
        for (int l = 0; l < 8; l++) sum[q] += lane[l];
    }
}

void roma_run_values_avx512(const roma_kern_run *r, float *score, size_t stride, const float *max, unsigned n_q,
                            int64_t *sum, roma_kern_tree to) {
    for (unsigned n; n_q > 0; n_q -= n, score += n * stride, max += n, sum += n, to.out += n * r->head_dim) {
        n = n_q < QUERIES ? n_q : QUERIES;
        values_of(r, score, stride, max, n, sum, &to);
    }
}
