/* Scores of queries against a page of keys: docs/numerics.md 4.2. */
#include "roma/num.h"

static float score_of(const roma_kv_page *p, unsigned head_dim, const int16_t *q, float q_scale, unsigned t) {
    const int8_t *k = p->k + t / 16 * 16 * head_dim + t % 16 * 4;
    int32_t dot = 0;
    for (unsigned d = 0; d < head_dim; d++) dot += q[d] * k[d / 4 * 64 + d % 4];
    return (float)dot * (q_scale * p->k_scale[t]);
}

void roma_page_scores_c(const roma_kv_page *p, unsigned head_dim, const int16_t *q, const float *q_scale, unsigned n_q,
                        float *score, size_t stride) {
    for (unsigned i = 0; i < n_q; i++)
        for (unsigned t = 0; t < ROMA_PAGE; t++)
            score[i * stride + t] = score_of(p, head_dim, q + i * head_dim, q_scale[i], t);
}
