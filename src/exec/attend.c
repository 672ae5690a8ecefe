/* Attention of one query head over its sequence's pages: docs/numerics.md section 4. */
#include "internal.h"

#include <string.h>

static uint32_t min_u32(uint32_t a, uint32_t b) { return a < b ? a : b; }

/* The adjacent-pair tree of section 3.2 over vectors of n floats: roma_tree, a vector at a time. */
static void tree_push(const roma_kern *k, float *tree, uint32_t n, uint32_t count, const float *leaf) {
    uint32_t top = (uint32_t)__builtin_popcount(count);
    memcpy(tree + top * n, leaf, n * sizeof *leaf);
    for (uint32_t c = count; c & 1; c >>= 1, top--) k->add(tree + (top - 1) * n, tree + (top - 1) * n, tree + top * n, n);
}

static void tree_finish(const roma_kern *k, float *tree, uint32_t n, uint32_t count) {
    for (uint32_t top = (uint32_t)__builtin_popcount(count); top > 1; top--)
        k->add(tree + (top - 2) * n, tree + (top - 2) * n, tree + (top - 1) * n, n);
}

static void attend_head(roma_exec *e, const roma_exec_row *row, uint32_t layer, uint32_t head, const float *q, float *out,
                        thread_scratch *s) {
    const roma_hyper *h = e->hyper;
    const uint32_t n = row->position + 1, dim = h->head_dim, kv = head / (h->heads / h->kv_heads);
    const float q_scale = roma_quantise_i16(q, dim, s->query) * e->inv_sqrt_head;
    for (uint32_t t = 0; t < n; t += ROMA_PAGE) {
        const roma_kv_page p = roma_exec_page(e, row->sequence, t / ROMA_PAGE, layer, kv);
        e->kern->page_scores(&p, dim, s->query, q_scale, min_u32(n - t, ROMA_PAGE), s->score + t);
    }
    float max = s->score[0];
    for (uint32_t t = 1; t < n; t++) max = s->score[t] > max ? s->score[t] : max;
    const float sum = (float)e->kern->softmax_weights(s->score, n, max) * roma_pow2(-30);
    for (uint32_t t = 0, i = 0; t < n; t += ROMA_PAGE, i++) {
        const roma_kv_page p = roma_exec_page(e, row->sequence, i, layer, kv);
        e->kern->page_values(&p, dim, s->score + t, min_u32(n - t, ROMA_PAGE), s->leaf);
        tree_push(e->kern, s->tree, dim, i, s->leaf);
    }
    tree_finish(e->kern, s->tree, dim, (n + ROMA_PAGE - 1) / ROMA_PAGE);
    const float inverse = 1.0f / sum;
    for (uint32_t i = 0; i < dim; i++) out[i] = s->tree[i] * inverse;
}

/* Items are (head, row), head-major, so that a thread stays with few heads and rows of unequal length mix. */
void roma_exec_attend(roma_exec *e, const roma_op *op, int thread, int threads) {
    const uint32_t dim = e->hyper->head_dim;
    const value_store *q = &e->values[op->in[0]], *o = &e->values[op->out];
    size_t begin, end;
    roma_share(e->hyper->heads * e->n_rows, thread, threads, &begin, &end);
    for (size_t i = begin; i < end; i++) {
        const size_t row = i % e->n_rows;
        const uint32_t head = (uint32_t)(i / e->n_rows);
        attend_head(e, &e->rows[row], op->layer, head, q->f32 + row * q->stride + head * dim,
                    o->f32 + row * o->stride + head * dim, &e->scratch[thread]);
    }
}
