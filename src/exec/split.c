/* Attention of one row over a long context with more threads than its heads can keep busy: pages are split too. A part
 * is a power of two of pages from a multiple of it on, so that what it sums up to is a node of the tree of section 3.2,
 * whoever computes it. */
#include "attend.h"

#include <string.h>

void roma_exec_split_lay(roma_exec *e, walk *host) {
    const roma_hyper *h = e->hyper;
    const uint64_t heads = (uint64_t)roma_exec_split_most(h, e->threads) * (h->heads / h->kv_heads);
    if (e->threads == 1) return;
    e->split.score = take(host, (uint64_t)h->heads * e->cfg.context * sizeof *e->split.score);
    e->split.max = take(host, heads * sizeof *e->split.max);
    e->split.sum = take(host, heads * sizeof *e->split.sum);
    e->split.node = take(host, heads * h->head_dim * sizeof *e->split.node);
}

typedef struct {
    uint32_t group, chunk, parts, positions; /* query heads of a KV head; pages of a part; parts of a KV head */
} cut;

/* Where a thread is: queries [head, head + p.n) of part i of all, which sees `positions` positions up to page `to`. */
typedef struct {
    const cut *c;
    party p;
    uint32_t head, to, positions;
    size_t at;   /* of the first query's results of this part */
    bool is_new; /* other queries than before */
} place;

static void set_place(const roma_exec *e, place *w, size_t i, bool is_first, uint32_t head) {
    const cut *c = w->c;
    const uint32_t kv = (uint32_t)i / c->parts;
    party *p = &w->p;
    w->is_new = is_first || c->group > PARTY || kv != p->kv;
    w->head = kv * c->group + head;
    w->at = i * c->group + head;
    p->kv = kv;
    p->n = min_u32(c->group - head, PARTY);
    p->base = (uint32_t)i % c->parts * c->chunk;
    p->score = e->split.score + (size_t)w->head * e->cfg.context;
    w->to = min_u32(p->base + c->chunk, roma_pages(c->positions));
    w->positions = min_u32(w->to * ROMA_PAGE, c->positions) - p->base * ROMA_PAGE;
}

static void scores(roma_exec *e, const roma_op *op, place *w) {
    const uint32_t dim = e->hyper->head_dim;
    const party *p = &w->p;
    if (w->is_new) roma_exec_party_queries(e, p, 0, e->values[op->in[0]].f32 + (size_t)w->head * dim, p->n);
    roma_exec_party_scores(e, p, 0, p->n, p->base, w->to);
    for (uint32_t q = 0; q < p->n; q++)
        e->split.max[w->at + q] =
            e->kern->largest(p->score + q * p->stride + (size_t)p->base * ROMA_PAGE, w->positions);
}

static float max_of(const roma_exec *e, const cut *c, uint32_t head) {
    const float *m = e->split.max + (size_t)(head / c->group) * c->parts * c->group + head % c->group;
    float max = *m;
    for (size_t i = 1; i < c->parts; i++) max = m[i * c->group] > max ? m[i * c->group] : max;
    return max;
}

static void node(roma_exec *e, const roma_op *op, place *w) {
    const size_t dim = e->hyper->head_dim;
    party *p = &w->p;
    (void)op;
    for (uint32_t q = 0; q < p->n; q++) {
        if (w->is_new) p->scale[q] = max_of(e, w->c, w->head + q); /* the scores have been taken */
        p->sum[q] = 0;
    }
    roma_exec_party_values(e, p, 0, p->n, p->base, w->to, w->c->positions);
    roma_exec_party_finish(e, p, 0, p->n, w->to - p->base);
    memcpy(e->split.sum + w->at, p->sum, p->n * sizeof *p->sum);
    memcpy(e->split.node + w->at * dim, p->tree, p->n * dim * sizeof *p->tree);
}

static void for_parts(roma_exec *e, const roma_op *op, place *w, int thread, int threads,
                      void (*fn)(roma_exec *, const roma_op *, place *)) {
    size_t begin, end;
    roma_share((size_t)w->c->parts * e->hyper->kv_heads, thread, threads, &begin, &end);
    for (size_t i = begin; i < end; i++)
        for (uint32_t head = 0; head < w->c->group; head += PARTY) {
            set_place(e, w, i, i == begin, head);
            fn(e, op, w);
        }
}

/* The nodes of a query head become its output. */
static void finish(roma_exec *e, const cut *c, const party *own, uint32_t head, float *out) {
    const uint32_t dim = e->hyper->head_dim;
    const size_t first = (size_t)(head / c->group) * c->parts * c->group + head % c->group;
    int64_t sum = 0;
    party p = *own;
    p.n = 1;
    for (uint32_t i = 0; i < c->parts; i++) {
        const size_t at = first + (size_t)i * c->group;
        memcpy(p.tree + (size_t)__builtin_popcount(i) * dim, e->split.node + at * dim, dim * sizeof *p.tree);
        roma_exec_party_fold(e, &p, 0, 1, i);
        sum += e->split.sum[at];
    }
    roma_exec_party_finish(e, &p, 0, 1, c->parts);
    const float inverse = 1.0f / ((float)sum * roma_pow2(-30));
    for (uint32_t j = 0; j < dim; j++) out[j] = p.tree[j] * inverse;
}

/* Everyone has all scores before anyone weighs them, and all nodes before anyone adds them up. */
void roma_exec_attend_split(roma_exec *e, const roma_op *op, const party *own, uint32_t chunk, int thread,
                            int threads) {
    const roma_hyper *h = e->hyper;
    const uint32_t positions = e->rows[0].position + 1;
    const cut c = {h->heads / h->kv_heads, chunk, (roma_pages(positions) + chunk - 1) / chunk, positions};
    place w = {.c = &c, .p = *own};
    size_t begin, end;
    w.p.sequence = e->rows[0].sequence;
    for_parts(e, op, &w, thread, threads, scores);
    roma_team_barrier(e->team);
    for_parts(e, op, &w, thread, threads, node);
    roma_team_barrier(e->team);
    roma_share(h->heads, thread, threads, &begin, &end);
    for (size_t i = begin; i < end; i++) finish(e, &c, own, (uint32_t)i, e->values[op->out].f32 + i * h->head_dim);
}
