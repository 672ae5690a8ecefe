/* Attention over a run of pages (roma_kern_run), a page after another: for instruction sets whose kernels know one
 * page. The file that includes this one has page_scores and page_values as declared here; ahead are the keys, or
 * values, of a page that will be wanted soon. */
#ifndef ROMA_KERN_RUNS_H
#define ROMA_KERN_RUNS_H

#include "kern.h"

enum { WEIGH = 4 }; /* pages whose scores become weights at once, while what was asked for comes */

/* Where a page's leaf goes, n_q x head_dim floats: first it is added to what stands at out + (merges - 1) * level, the
 * sum to what stands at out + (merges - 2) * level, and so on down to out, which takes the last sum; without merges out
 * takes the leaf. */
typedef struct {
    float *out;
    unsigned merges;
    size_t level;
} page_leaf;

static void page_scores(const roma_kv_page *p, const int8_t *ahead, unsigned head_dim, const int16_t *q,
                        const float *q_scale, unsigned n_q, float *score, size_t stride);
static void page_values(const roma_kv_page *p, const int8_t *ahead, unsigned head_dim, const float *weight,
                        size_t stride, unsigned n_q, unsigned n, page_leaf to);

static inline void ask_for_scales(const float *scale) {
    for (unsigned i = 0; i < ROMA_PAGE; i += 16) __builtin_prefetch(scale + i, 0, 2);
}

static inline void run_scores(const roma_kern_run *r, const int16_t *q, const float *q_scale, unsigned n_q,
                              float *score, size_t stride) {
    for (unsigned i = 0; i < r->n; i++) {
        const roma_kv_page *ahead = r->page + i + ROMA_KERN_AHEAD;
        ask_for_scales(ahead->k_scale);
        page_scores(r->page + i, ahead->k, r->head_dim, q, q_scale, n_q, score + (size_t)i * ROMA_PAGE, stride);
    }
}

static inline void run_values(const roma_kern_run *r, float *score, size_t stride, const float *max, unsigned n_q,
                              int64_t *sum, const roma_kern_tree *to,
                              int64_t (*softmax_weights)(float *score, uint64_t n, float max)) {
    int8_t unpacked[ROMA_PAGE * 512];
    for (unsigned i = 0; i < r->n; i++) {
        const roma_kv_page *ahead = r->page + i + ROMA_KERN_AHEAD;
        const unsigned seen = r->positions - i * ROMA_PAGE;
        roma_kv_page page = r->page[i];
        const uint32_t count = to->count + i, merges = (uint32_t)__builtin_ctz(~count);
        float *weight = score + (size_t)i * ROMA_PAGE;
        for (unsigned k = 0; i % WEIGH == 0 && k < n_q; k++)
            sum[k] += softmax_weights(weight + k * stride, seen < WEIGH * ROMA_PAGE ? seen : WEIGH * ROMA_PAGE, max[k]);
        ask_for_scales(ahead->v_scale);
        page.v = roma_kv_unpack(r->v, page.v, r->head_dim, unpacked);
        page_values(
            &page, ahead->v, r->head_dim, weight, stride, n_q, seen < ROMA_PAGE ? seen : ROMA_PAGE,
            (page_leaf){to->out + ((uint32_t)__builtin_popcount(count) - merges) * to->level, merges, to->level});
    }
}

/* The functions of an instruction set, as kern.h names them. */
#define RUN_FUNCTIONS(isa)                                                                                             \
    void roma_run_scores_##isa(const roma_kern_run *r, const int16_t *q, const float *q_scale, unsigned n_q,           \
                               float *score, size_t stride) {                                                          \
        run_scores(r, q, q_scale, n_q, score, stride);                                                                 \
    }                                                                                                                  \
    void roma_run_values_##isa(const roma_kern_run *r, float *score, size_t stride, const float *max, unsigned n_q,    \
                               int64_t *sum, roma_kern_tree to) {                                                      \
        run_values(r, score, stride, max, n_q, sum, &to, roma_softmax_weights_##isa);                                  \
    }

#endif
