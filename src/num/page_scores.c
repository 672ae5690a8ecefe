/* Scores of one query against a page of keys: docs/numerics.md 4.2. */
#include "roma/num.h"

void roma_page_scores_c(const roma_kv_page *p, unsigned head_dim, const int16_t *q, float q_scale, unsigned n, float *score) {
    for (unsigned t = 0; t < n; t++) {
        const int8_t *k = p->k + t / 16 * 16 * head_dim + t % 16 * 4;
        int32_t dot = 0;
        for (unsigned d = 0; d < head_dim; d++) dot += q[d] * k[d / 4 * 64 + d % 4];
        score[t] = (float)dot * (q_scale * p->k_scale[t]);
    }
}
