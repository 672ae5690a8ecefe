/* The vector unit and attention: on AVX2 for every table of x86, exp and attention on AVX-512 too, all on NEON for that
 * of aarch64. */
#ifndef ROMA_KERN_VECTOR_H
#define ROMA_KERN_VECTOR_H

#include "kern.h"

#define VECTOR_DECLARE(isa)                                                                                            \
    void roma_quantise_##isa(const float *x, uint64_t cols, float factor, roma_act *a);                                \
    float roma_rms_inverse_##isa(const float *x, uint64_t n, float eps);                                               \
    void roma_mul_##isa(float *out, const float *a, const float *b, uint64_t n);                                       \
    void roma_add_##isa(float *out, const float *a, const float *b, uint64_t n);                                       \
    void roma_relu2_mul_##isa(float *out, const float *gate, const float *up, uint64_t n);
VECTOR_DECLARE(avx2)
VECTOR_DECLARE(neon)

#define ATTEND_DECLARE(isa)                                                                                            \
    void roma_silu_mul_##isa(float *out, const float *gate, const float *up, uint64_t n);                              \
    void roma_run_scores_##isa(const roma_kern_run *r, const int16_t *q, const float *q_scale, unsigned n_q,           \
                               float *score, size_t stride);                                                           \
    float roma_largest_##isa(const float *score, uint64_t n);                                                          \
    int64_t roma_softmax_weights_##isa(float *score, uint64_t n, float max);                                           \
    void roma_run_values_##isa(const roma_kern_run *r, float *score, size_t stride, const float *max, unsigned n_q,    \
                               int64_t *sum, roma_kern_tree to);                                                       \
    void roma_half_scores_##isa(const roma_kv_page *p, unsigned head_dim, const int16_t *q, const float *q_scale,      \
                                unsigned n_q, float *score, size_t stride);                                            \
    void roma_half_values_##isa(const roma_kv_page *p, unsigned head_dim, const float *weight, size_t stride,          \
                                unsigned n_q, unsigned n, float *out);
ATTEND_DECLARE(avx2)
ATTEND_DECLARE(avx512)
ATTEND_DECLARE(neon)

#define VECTOR_ENTRIES(isa)                                                                                            \
    .quantise = roma_quantise_##isa, .rms_inverse = roma_rms_inverse_##isa, .mul = roma_mul_##isa,                     \
    .add = roma_add_##isa, .relu2_mul = roma_relu2_mul_##isa
#define ATTEND_ENTRIES(isa)                                                                                            \
    .silu_mul = roma_silu_mul_##isa, .run_scores = roma_run_scores_##isa, .largest = roma_largest_##isa,               \
    .softmax_weights = roma_softmax_weights_##isa, .run_values = roma_run_values_##isa,                                \
    .half_scores = roma_half_scores_##isa, .half_values = roma_half_values_##isa

#endif
