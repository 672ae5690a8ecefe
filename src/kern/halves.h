/* Attention over a page of keys and values in F16: docs/numerics.md 4.7. Lanes are positions of the page for scores and
 * dimensions for values, so that no sum crosses them. What is loaded and widened serves up to four queries. The file
 * that includes this one says how wide a register is:
 *
 *   LANES, floats      lanes of 32 bits, at most 16
 *   load_halves        LANES F16 as FP32
 *   all_floats, add, mul, load_floats, store_floats
 */
#ifndef ROMA_KERN_HALVES_H
#define ROMA_KERN_HALVES_H

#include "product.h"

enum { HALF_QUERIES = 4, HALF_VECTORS = 2, HALF_MOST = 512 };

/* Sums of the products of `vectors` registers of halves, one row of `step` halves after another, with n numbers of each
 * query. */
ALWAYS_INLINE void half_sums(const uint16_t *half, size_t step, unsigned n, const float *number, size_t stride,
                             unsigned n_q, unsigned vectors, floats sum[HALF_QUERIES][HALF_VECTORS]) {
    for (unsigned q = 0; q < n_q; q++)
        for (unsigned v = 0; v < vectors; v++) sum[q][v] = all_floats(0);
    for (unsigned i = 0; i < n; i++)
        for (unsigned v = 0; v < vectors; v++) {
            const floats x = load_halves(half + i * step + v * LANES);
            for (unsigned q = 0; q < n_q; q++) sum[q][v] = add(sum[q][v], mul(x, all_floats(number[q * stride + i])));
        }
}

ALWAYS_INLINE void half_scores_of(const roma_kv_page *p, unsigned head_dim, const int16_t *query, const float *q_scale,
                                  unsigned n_q, float *score, size_t stride) {
    const uint16_t *k = (const uint16_t *)(const void *)p->k;
    float number[HALF_QUERIES * HALF_MOST];
    floats sum[HALF_QUERIES][HALF_VECTORS];
    for (unsigned i = 0; i < n_q * head_dim; i++) number[i] = (float)query[i];
    for (unsigned t = 0; t < ROMA_PAGE; t += HALF_VECTORS * LANES) {
        half_sums(k + t, ROMA_PAGE, head_dim, number, head_dim, n_q, HALF_VECTORS, sum);
        for (unsigned q = 0; q < n_q; q++)
            for (unsigned v = 0; v < HALF_VECTORS; v++) {
                const unsigned at = t + v * LANES;
                store_floats(score + q * stride + at,
                             mul(sum[q][v], mul(all_floats(q_scale[q]), load_floats(p->k_scale + at))));
            }
    }
}

ALWAYS_INLINE void half_values_of(const roma_kv_page *p, unsigned head_dim, const float *weight, size_t stride,
                                  unsigned n_q, unsigned n, float *out) {
    const uint16_t *v = (const uint16_t *)(const void *)p->v;
    float u[HALF_QUERIES * ROMA_PAGE];
    floats sum[HALF_QUERIES][HALF_VECTORS];
    for (unsigned q = 0; q < n_q; q++)
        for (unsigned t = 0; t < n; t++) u[q * ROMA_PAGE + t] = weight[q * stride + t] * p->v_scale[t];
    unsigned d = 0;
    for (; d + HALF_VECTORS * LANES <= head_dim; d += HALF_VECTORS * LANES) {
        half_sums(v + d, head_dim, n, u, ROMA_PAGE, n_q, HALF_VECTORS, sum);
        for (unsigned q = 0; q < n_q; q++)
            for (unsigned i = 0; i < HALF_VECTORS; i++) store_floats(out + q * head_dim + d + i * LANES, sum[q][i]);
    }
    if (d == head_dim) return;
    half_sums(v + d, head_dim, n, u, ROMA_PAGE, n_q, 1, sum); /* half a pair of registers: heads are multiples of 16 */
    for (unsigned q = 0; q < n_q; q++) store_floats(out + q * head_dim + d, sum[q][0]);
}

static void half_scores(const roma_kv_page *p, unsigned head_dim, const int16_t *q, const float *q_scale, unsigned n_q,
                        float *score, size_t stride) {
    for (; n_q >= HALF_QUERIES;
         n_q -= HALF_QUERIES, q += HALF_QUERIES * head_dim, q_scale += HALF_QUERIES, score += HALF_QUERIES * stride)
        half_scores_of(p, head_dim, q, q_scale, HALF_QUERIES, score, stride);
    switch (n_q) {
    case 1: half_scores_of(p, head_dim, q, q_scale, 1, score, stride); break;
    case 2: half_scores_of(p, head_dim, q, q_scale, 2, score, stride); break;
    case 3: half_scores_of(p, head_dim, q, q_scale, 3, score, stride); break;
    }
}

static void half_values(const roma_kv_page *p, unsigned head_dim, const float *weight, size_t stride, unsigned n_q,
                        unsigned n, float *out) {
    for (; n_q >= HALF_QUERIES;
         n_q -= HALF_QUERIES, weight += HALF_QUERIES * stride, out += (size_t)HALF_QUERIES * head_dim)
        half_values_of(p, head_dim, weight, stride, HALF_QUERIES, n, out);
    switch (n_q) {
    case 1: half_values_of(p, head_dim, weight, stride, 1, n, out); break;
    case 2: half_values_of(p, head_dim, weight, stride, 2, n, out); break;
    case 3: half_values_of(p, head_dim, weight, stride, 3, n, out); break;
    }
}

/* The functions of an instruction set, as kern.h names them. */
#define HALF_FUNCTIONS(isa)                                                                                            \
    void roma_half_scores_##isa(const roma_kv_page *p, unsigned head_dim, const int16_t *q, const float *q_scale,      \
                                unsigned n_q, float *score, size_t stride) {                                           \
        half_scores(p, head_dim, q, q_scale, n_q, score, stride);                                                      \
    }                                                                                                                  \
    void roma_half_values_##isa(const roma_kv_page *p, unsigned head_dim, const float *weight, size_t stride,          \
                                unsigned n_q, unsigned n, float *out) {                                                \
        half_values(p, head_dim, weight, stride, n_q, n, out);                                                         \
    }

#endif
