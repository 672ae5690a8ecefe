/* Attention on AVX-512: docs/numerics.md section 4. */
#include "exp_avx512.h"
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
 * on: asked for in a burst, a third of them come late (docs/performance-log.md). */
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

#include "weights_avx512.h"

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
