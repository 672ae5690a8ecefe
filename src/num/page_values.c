/* Weighted sums of a page of values: docs/numerics.md 4.5. */
#include "magnitude.h"

static void values_of(const roma_kv_page *p, unsigned head_dim, const float *weight, unsigned n, float *out) {
    float u[ROMA_PAGE];
    for (unsigned t = 0; t < n; t++) u[t] = weight[t] * p->v_scale[t];
    const float max = max_magnitude(u, n);
    if (!(max >= NUM_TINY && max < NUM_HUGE)) {
        for (unsigned j = 0; j < head_dim; j++) out[j] = max < NUM_TINY ? 0 : quiet_nan();
        return;
    }
    const int e = roma_exponent(max);
    int32_t c[ROMA_PAGE];
    for (unsigned t = 0; t < n; t++) {
        const float near = roma_rint(u[t] * roma_pow2(14 - e));
        c[t] = near < 32767.0f ? (int32_t)near : 32767;
    }
    for (unsigned j = 0; j < head_dim; j++) {
        const int8_t *v = p->v + j / 16 * 16 * ROMA_PAGE + j % 16 * 4;
        int32_t sum = 0;
        for (unsigned t = 0; t < n; t++) sum += c[t] * v[t / 4 * 64 + t % 4];
        out[j] = (float)sum * roma_pow2(e - 14);
    }
}

void roma_page_values_c(const roma_kv_page *p, unsigned head_dim, const float *weight, size_t stride, unsigned n_q,
                        unsigned n, float *out) {
    for (unsigned i = 0; i < n_q; i++) values_of(p, head_dim, weight + i * stride, n, out + i * head_dim);
}
