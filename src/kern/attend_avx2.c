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
#include "halves.h"

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
