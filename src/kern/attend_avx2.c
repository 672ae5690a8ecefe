/* Attention on AVX2: docs/numerics.md section 4. Scores and weighted values are the same product: 16-bit codes times
 * the bytes of a tile's 16 lanes, four a lane. What is loaded and widened serves up to four queries. */
#include "product.h"
#include "runs.h"
#include "vector.h"

#include <immintrin.h>

#define LANES 8
typedef __m256i ints;
typedef __m256 floats;
#define load(p) _mm256_loadu_si256((const __m256i *)(const void *)(p))
#define shift_left(v) _mm256_slli_epi16(v, 8)
#define shift_right(v) _mm256_srai_epi16(v, 8)
#define dot(sum, a, b) _mm256_add_epi32(sum, _mm256_madd_epi16(a, b))
#define all_ints(i) _mm256_set1_epi32(i)
#define all_floats(f) _mm256_set1_ps(f)
#define to_floats(v) _mm256_cvtepi32_ps(v)
#define mul(a, b) _mm256_mul_ps(a, b)
#define add(a, b) _mm256_add_ps(a, b)
#define load_floats(p) _mm256_loadu_ps(p)
#define store_floats(p, v) _mm256_storeu_ps(p, v)
#define load_halves(p) _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)(p)))
#include "halves.h"

#define NUM_TINY 0x1p-100f
#define NUM_HUGE 0x1p100f

enum { QUERIES = 4, VECTORS = 2, MOST_PAIRS = 512 / 2 };

/* Codes in pairs: of four, which meet the four bytes of a lane, the even ones and the odd ones, as a lane widens to
 * even and odd bytes. */
typedef struct {
    int32_t pair[QUERIES][MOST_PAIRS];
} codes;

ALWAYS_INLINE void put_pairs(int32_t *pair, __m256i c) {
    const __m256i order = _mm256_setr_epi8(0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15, 0, 1, 4, 5, 2, 3, 6, 7,
                                           8, 9, 12, 13, 10, 11, 14, 15);
    _mm256_storeu_si256((__m256i *)(void *)pair, _mm256_shuffle_epi8(c, order));
}

/* Integers of `vectors` registers of lanes, from number `first` on, of tiles of `quads` quads. Each line that is
 * multiplied asks for one: asked for in a burst, before the page, a third of them come late (docs/performance-log.md).
 */
ALWAYS_INLINE void dots(const codes *c, unsigned n_q, const int8_t *tiles, size_t tile_bytes, unsigned first,
                        unsigned vectors, unsigned quads, const int8_t *ahead, ints sum[QUERIES][VECTORS]) {
    const int8_t *at[VECTORS];
    for (unsigned v = 0; v < vectors; v++)
        at[v] = tiles + (first + v) * LANES / 16 * tile_bytes + (first + v) * LANES % 16 * 4;
    for (unsigned q = 0; q < n_q; q++)
        for (unsigned v = 0; v < vectors; v++) sum[q][v] = all_ints(0);
    for (unsigned i = 0; i < quads; i++)
        for (unsigned v = 0; v < vectors; v++) {
            if ((first + v) * LANES % 16 == 0) __builtin_prefetch(ahead + (at[v] - tiles) + 64 * (size_t)i, 0, 2);
            const ints bytes = load(at[v] + 64 * (size_t)i), even = shift_right(shift_left(bytes)),
                       odd = shift_right(bytes);
            for (unsigned q = 0; q < n_q; q++) {
                sum[q][v] = dot(sum[q][v], even, all_ints(c->pair[q][2 * i]));
                sum[q][v] = dot(sum[q][v], odd, all_ints(c->pair[q][2 * i + 1]));
            }
        }
}

/* ---- scores ------------------------------------------------------------------------------------ */

ALWAYS_INLINE void scores(const roma_kv_page *p, const int8_t *ahead, unsigned head_dim, const int16_t *query,
                          const float *q_scale, unsigned n_q, float *score, size_t stride) {
    codes c;
    ints sum[QUERIES][VECTORS];
    for (unsigned q = 0; q < n_q; q++)
        for (unsigned d = 0; d < head_dim; d += 16)
            put_pairs(c.pair[q] + d / 2, _mm256_loadu_si256((const __m256i *)(const void *)(query + q * head_dim + d)));
    for (unsigned t = 0; t < ROMA_PAGE / LANES; t += VECTORS) {
        dots(&c, n_q, p->k, 16 * (size_t)head_dim, t, VECTORS, head_dim / 4, ahead, sum);
        for (unsigned q = 0; q < n_q; q++)
            for (unsigned v = 0; v < VECTORS; v++)
                store_floats(
                    score + q * stride + (t + v) * LANES,
                    mul(to_floats(sum[q][v]), mul(all_floats(q_scale[q]), load_floats(p->k_scale + (t + v) * LANES))));
    }
}

/* ---- values ------------------------------------------------------------------------------------ */

/* Codes of one query's weighted scales, and what its sums are to be multiplied by: 0 and NaN where there is nothing to
 * sum. */
ALWAYS_INLINE float value_codes(int32_t *pair, const float *weight, const float *v_scale) {
    __m256 u[4];
    __m256i m = _mm256_setzero_si256();
    for (unsigned h = 0; h < 4; h++) {
        u[h] = _mm256_mul_ps(_mm256_loadu_ps(weight + 8 * h), _mm256_loadu_ps(v_scale + 8 * h));
        m = _mm256_max_epu32(m, _mm256_and_si256(_mm256_castps_si256(u[h]), _mm256_set1_epi32(0x7fffffff)));
    }
    __m128i half = _mm_max_epu32(_mm256_castsi256_si128(m), _mm256_extracti128_si256(m, 1));
    half = _mm_max_epu32(half, _mm_shuffle_epi32(half, 0x4e));
    half = _mm_max_epu32(half, _mm_shuffle_epi32(half, 0xb1));
    const float max = roma_f32_from_bits((uint32_t)_mm_cvtsi128_si32(half));
    if (!(max >= NUM_TINY && max < NUM_HUGE)) {
        memset(pair, 0, ROMA_PAGE / 2 * sizeof *pair);
        return max < NUM_TINY ? 0 : __builtin_nanf("");
    }
    const int e = roma_exponent(max);
    const __m256 up = _mm256_set1_ps(roma_pow2(14 - e));
    for (unsigned h = 0; h < 4; h += 2) {
        const __m256i a = _mm256_cvtps_epi32(_mm256_mul_ps(u[h], up)),
                      b = _mm256_cvtps_epi32(_mm256_mul_ps(u[h + 1], up));
        put_pairs(pair + 4 * h, _mm256_permute4x64_epi64(_mm256_packs_epi32(a, b), 0xd8)); /* saturates */
    }
    return roma_pow2(e - 14);
}

ALWAYS_INLINE void store_values(const codes *c, const float *scale, unsigned n_q, const roma_kv_page *p,
                                const int8_t *ahead, unsigned head_dim, unsigned first, unsigned vectors,
                                unsigned quads, const page_leaf *to) {
    ints sum[QUERIES][VECTORS];
    dots(c, n_q, p->v, 16 * ROMA_PAGE, first, vectors, quads, ahead, sum);
    for (unsigned q = 0; q < n_q; q++)
        for (unsigned v = 0; v < vectors; v++) {
            float *at = to->out + q * head_dim + (first + v) * LANES;
            floats leaf = mul(to_floats(sum[q][v]), all_floats(scale[q]));
            for (unsigned m = to->merges; m-- > 0;) leaf = add(load_floats(at + m * to->level), leaf);
            store_floats(at, leaf);
        }
}

ALWAYS_INLINE void values(const roma_kv_page *p, const int8_t *ahead, unsigned head_dim, const float *weight,
                          size_t stride, unsigned n_q, unsigned n, const page_leaf *to) {
    codes c;
    float scale[QUERIES], w[QUERIES][ROMA_PAGE], s[ROMA_PAGE];
    const float *v_scale = p->v_scale;
    if (n < ROMA_PAGE) { /* slots from n on may hold anything */
        memset(s, 0, sizeof s);
        memset(w, 0, sizeof w);
        memcpy(s, v_scale, n * sizeof *s);
        for (unsigned q = 0; q < n_q; q++) memcpy(w[q], weight + q * stride, n * sizeof **w);
        v_scale = s;
        weight = *w;
        stride = ROMA_PAGE;
    }
    for (unsigned q = 0; q < n_q; q++) scale[q] = value_codes(c.pair[q], weight + q * stride, v_scale);
    const unsigned all = head_dim / LANES, quads = (n + 3) / 4;
    unsigned first = 0;
    for (; first + VECTORS <= all; first += VECTORS)
        store_values(&c, scale, n_q, p, ahead, head_dim, first, VECTORS, quads, to);
    if (first < all) store_values(&c, scale, n_q, p, ahead, head_dim, first, 1, quads, to);
}

/* ---- any number of queries, four at a time ------------------------------------------------------- */

static void page_scores(const roma_kv_page *p, const int8_t *ahead, unsigned head_dim, const int16_t *q,
                        const float *q_scale, unsigned n_q, float *score, size_t stride) {
    for (; n_q >= QUERIES; n_q -= QUERIES, q += QUERIES * head_dim, q_scale += QUERIES, score += QUERIES * stride)
        scores(p, ahead, head_dim, q, q_scale, QUERIES, score, stride);
    switch (n_q) {
    case 1: scores(p, ahead, head_dim, q, q_scale, 1, score, stride); break;
    case 2: scores(p, ahead, head_dim, q, q_scale, 2, score, stride); break;
    case 3: scores(p, ahead, head_dim, q, q_scale, 3, score, stride); break;
    }
}

static void page_values(const roma_kv_page *p, const int8_t *ahead, unsigned head_dim, const float *weight,
                        size_t stride, unsigned n_q, unsigned n, page_leaf to) {
    for (; n_q >= QUERIES; n_q -= QUERIES, weight += QUERIES * stride, to.out += QUERIES * head_dim)
        values(p, ahead, head_dim, weight, stride, QUERIES, n, &to);
    switch (n_q) {
    case 1: values(p, ahead, head_dim, weight, stride, 1, n, &to); break;
    case 2: values(p, ahead, head_dim, weight, stride, 2, n, &to); break;
    case 3: values(p, ahead, head_dim, weight, stride, 3, n, &to); break;
    }
}

RUN_FUNCTIONS(avx2)
HALF_FUNCTIONS(avx2)

float roma_largest_avx2(const float *score, uint64_t n) {
    if (n < 8) return roma_largest_c(score, n);
    __m256 m = _mm256_loadu_ps(score), last = _mm256_loadu_ps(score + n - 8);
    for (uint64_t i = 8; i + 8 < n; i += 8) m = _mm256_max_ps(m, _mm256_loadu_ps(score + i));
    float lane[8];
    _mm256_storeu_ps(lane, _mm256_max_ps(m, last));
    return roma_largest_c(lane, 8);
}
