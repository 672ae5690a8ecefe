/* Attention on AVX2. */
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
#include "attend_x86.h"
#define load_halves(p) _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)(p)))
#define add(a, b) _mm256_add_ps(a, b)
#include "halves.h"

void roma_page_scores_avx2(const roma_kv_page *p, const int8_t *ahead, unsigned head_dim, const int16_t *q,
                           const float *q_scale, unsigned n_q, float *score, size_t stride) {
    page_scores(p, ahead, head_dim, q, q_scale, n_q, score, stride);
}

void roma_page_values_avx2(const roma_kv_page *p, const int8_t *ahead, unsigned head_dim, const float *weight,
                           size_t stride, unsigned n_q, unsigned n, roma_kern_leaf to) {
    page_values(p, ahead, head_dim, weight, stride, n_q, n, to);
}

void roma_half_scores_avx2(const roma_kv_page *p, unsigned head_dim, const int16_t *q, const float *q_scale,
                           unsigned n_q, float *score, size_t stride) {
    half_scores(p, head_dim, q, q_scale, n_q, score, stride);
}

void roma_half_values_avx2(const roma_kv_page *p, unsigned head_dim, const float *weight, size_t stride, unsigned n_q,
                           unsigned n, float *out) {
    half_values(p, head_dim, weight, stride, n_q, n, out);
}

float roma_largest_avx2(const float *score, uint64_t n) {
    if (n < 8) return roma_largest_c(score, n);
    __m256 m = _mm256_loadu_ps(score), last = _mm256_loadu_ps(score + n - 8);
    for (uint64_t i = 8; i + 8 < n; i += 8) m = _mm256_max_ps(m, _mm256_loadu_ps(score + i));
    float lane[8];
    _mm256_storeu_ps(lane, _mm256_max_ps(m, last));
    return roma_largest_c(lane, 8);
}
