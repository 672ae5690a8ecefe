/* The vector unit and attention on AVX2, for the tables of AVX2 and AVX-512. */
#ifndef ROMA_KERN_VECTOR_H
#define ROMA_KERN_VECTOR_H

#include "kern.h"

void roma_quantise_avx2(const float *x, uint64_t cols, float factor, roma_act *a);
float roma_rms_inverse_avx2(const float *x, uint64_t n, float eps);
void roma_mul_avx2(float *out, const float *a, const float *b, uint64_t n);
void roma_add_avx2(float *out, const float *a, const float *b, uint64_t n);
void roma_silu_mul_avx2(float *out, const float *gate, const float *up, uint64_t n);
int64_t roma_softmax_weights_avx2(float *score, uint64_t n, float max);
void roma_page_scores_avx2(const roma_kv_page *p, unsigned head_dim, const int16_t *q, float q_scale, unsigned n, float *score);
void roma_page_values_avx2(const roma_kv_page *p, unsigned head_dim, const float *weight, unsigned n, float *out);

#endif
