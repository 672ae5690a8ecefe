/* Attention over a page of keys and values in F16: docs/numerics.md 4.7. */
#include "roma/num.h"

static float value(const int8_t *codes, size_t i) { return roma_f16_to_f32(roma_le16((const uint8_t *)codes + 2 * i)); }

static float score_of(const roma_kv_page *p, unsigned head_dim, const int16_t *q, float q_scale, unsigned t) {
    float sum = 0;
    for (unsigned d = 0; d < head_dim; d++) sum = sum + value(p->k, (size_t)d * ROMA_PAGE + t) * (float)q[d];
    return sum * (q_scale * p->k_scale[t]);
}

void roma_half_scores_c(const roma_kv_page *p, unsigned head_dim, const int16_t *q, const float *q_scale, unsigned n_q,
                        float *score, size_t stride) {
    for (unsigned i = 0; i < n_q; i++)
        for (unsigned t = 0; t < ROMA_PAGE; t++)
            score[i * stride + t] = score_of(p, head_dim, q + i * head_dim, q_scale[i], t);
}

static void values_of(const roma_kv_page *p, unsigned head_dim, const float *weight, unsigned n, float *out) {
    for (unsigned j = 0; j < head_dim; j++) {
        float sum = 0;
        for (unsigned t = 0; t < n; t++)
            sum = sum + value(p->v, (size_t)t * head_dim + j) * (weight[t] * p->v_scale[t]);
        out[j] = sum;
    }
}

void roma_half_values_c(const roma_kv_page *p, unsigned head_dim, const float *weight, size_t stride, unsigned n_q,
                        unsigned n, float *out) {
    for (unsigned i = 0; i < n_q; i++) values_of(p, head_dim, weight + i * stride, n, out + i * head_dim);
}
