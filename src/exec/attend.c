/* Attention over the pages of a sequence: docs/numerics.md section 4.
 *
 * Queries walk the pages in parties: query heads of one KV head, of a row or of rows of a sequence that follow one
 * another, so that a page is loaded and widened once for all of them. Rows are cut into blocks once a step; items of
 * work are the query heads of a block. */
#include "attend.h"

/* A level of the tree of section 3.2 is a vector of the party's queries x head_dim. A leaf is put on top of those that
 * are there, and two of the same height become one. */
static size_t level(const roma_exec *e, const party *p) { return (size_t)p->n * e->hyper->head_dim; }

static void tree_merge(const roma_exec *e, const party *p, uint32_t first, uint32_t n, uint32_t top) {
    const uint32_t dim = e->hyper->head_dim;
    float *at = p->tree + (size_t)first * dim + (top - 1) * level(e, p);
    e->kern->add(at, at, at + level(e, p), (uint64_t)n * dim);
}

/* Contract in attend.h. A level is a place of the stack of partial sums. */
void roma_exec_party_fold(const roma_exec *e, const party *p, uint32_t first, uint32_t n, uint32_t count) {
    uint32_t top = (uint32_t)__builtin_popcount(count);
    for (uint32_t c = count; c & 1; c >>= 1, top--) tree_merge(e, p, first, n, top);
}

void roma_exec_party_finish(const roma_exec *e, const party *p, uint32_t first, uint32_t n, uint32_t pages) {
    for (uint32_t top = (uint32_t)__builtin_popcount(pages); top > 1; top--) tree_merge(e, p, first, n, top - 1);
}

void roma_exec_party_queries(const roma_exec *e, const party *p, uint32_t first, const float *q, uint32_t heads) {
    const uint32_t dim = e->hyper->head_dim;
    for (uint32_t i = 0; i < heads; i++)
        p->scale[first + i] = roma_quantise_i16(q + i * dim, dim, p->query + (size_t)(first + i) * dim) * p->factor;
}

/* ---- pages in F16 and FP8, whose kernels know one page -------------------------------------------- */

enum { AHEAD = 4 }; /* pages that are asked for before one is multiplied */

/* Pages of a layer and head lie far from one another, so the processor cannot guess the next. Into L2 and not L1, whose
 * outstanding misses are too few. */
static void ask_for(const roma_exec *e, roma_kv_code form, const int8_t *codes, const float *scale) {
    const size_t bytes = roma_kv_code_bytes(form, e->hyper->head_dim);
    for (size_t i = 0; i < bytes; i += 64) __builtin_prefetch(codes + i, 0, 2);
    for (size_t i = 0; i < ROMA_PAGE; i += 16) __builtin_prefetch(scale + i, 0, 2);
}

static void half_scores(const roma_exec *e, const party *p, uint32_t first, uint32_t n, uint32_t from, uint32_t to) {
    const uint32_t dim = e->hyper->head_dim;
    for (uint32_t i = from; i < to; i++) {
        roma_kv_page page = roma_exec_page(e, p->sequence, min_u32(i + AHEAD, to - 1), p->layer, p->kv);
        ask_for(e, e->kv->k, page.k, page.k_scale);
        page = roma_exec_page(e, p->sequence, i, p->layer, p->kv);
        page.k = roma_kv_unpack(e->kv->k, page.k, dim, p->unpacked);
        e->kern->half_scores(&page, dim, p->query + (size_t)first * dim, p->scale + first, n,
                             p->score + first * p->stride + (size_t)i * ROMA_PAGE, p->stride);
    }
}

static void half_values(const roma_exec *e, party *p, uint32_t first, uint32_t n, uint32_t from, uint32_t to,
                        uint32_t positions) {
    const uint32_t dim = e->hyper->head_dim;
    for (uint32_t q = first; q < first + n && from < to; q++)
        p->sum[q] += e->kern->softmax_weights(p->score + q * p->stride + (size_t)from * ROMA_PAGE,
                                              min_u32(to * ROMA_PAGE, positions) - from * ROMA_PAGE, p->scale[q]);
    for (uint32_t i = from; i < to; i++) {
        const uint32_t count = i - p->base, seen = min_u32(positions - i * ROMA_PAGE, ROMA_PAGE);
        roma_kv_page page = roma_exec_page(e, p->sequence, min_u32(i + AHEAD, to - 1), p->layer, p->kv);
        ask_for(e, e->kv->v, page.v, page.v_scale);
        page = roma_exec_page(e, p->sequence, i, p->layer, p->kv);
        page.v = roma_kv_unpack(e->kv->v, page.v, dim, p->unpacked);
        e->kern->half_values(&page, dim, p->score + first * p->stride + (size_t)i * ROMA_PAGE, p->stride, n, seen,
                             p->tree + (size_t)first * dim + (uint32_t)__builtin_popcount(count) * level(e, p));
        roma_exec_party_fold(e, p, first, n, count);
    }
}

/* ---- pages of integers, in runs ------------------------------------------------------------------ */

enum { RUN = 32 }; /* pages that a kernel is given at once */

typedef struct {
    roma_kern_run run;
    roma_kv_page page[RUN + ROMA_KERN_AHEAD];
} walk_run;

/* Pages of [from, to) from page i on. Behind the last keys of a walk stand its first values, as keys. */
static const roma_kern_run *run_of(const roma_exec *e, const party *p, walk_run *w, uint32_t i, uint32_t from,
                                   uint32_t to, bool of_keys) {
    const uint32_t n = min_u32(to - i, RUN);
    for (uint32_t x = 0; x < n + ROMA_KERN_AHEAD; x++, i++) {
        const uint32_t behind = of_keys ? min_u32(from + i - to, to - 1) : to - 1;
        w->page[x] = roma_exec_page(e, p->sequence, i < to ? i : behind, p->layer, p->kv);
        if (i >= to && of_keys) w->page[x].k = w->page[x].v, w->page[x].k_scale = w->page[x].v_scale;
    }
    w->run = (roma_kern_run){w->page, n, n * ROMA_PAGE, e->hyper->head_dim, e->kv->v};
    return &w->run;
}

void roma_exec_party_scores(const roma_exec *e, const party *p, uint32_t first, uint32_t n, uint32_t from,
                            uint32_t to) {
    walk_run w;
    if (e->kv->is_float) {
        half_scores(e, p, first, n, from, to);
        return;
    }
    for (uint32_t i = from; i < to; i += RUN)
        e->kern->run_scores(run_of(e, p, &w, i, from, to, true), p->query + (size_t)first * e->hyper->head_dim,
                            p->scale + first, n, p->score + first * p->stride + (size_t)i * ROMA_PAGE, p->stride);
}

void roma_exec_party_values(const roma_exec *e, party *p, uint32_t first, uint32_t n, uint32_t from, uint32_t to,
                            uint32_t positions) {
    walk_run w;
    if (e->kv->is_float) {
        half_values(e, p, first, n, from, to, positions);
        return;
    }
    for (uint32_t i = from; i < to; i += RUN) {
        run_of(e, p, &w, i, from, to, false);
        w.run.positions = min_u32(w.run.positions, positions - i * ROMA_PAGE);
        e->kern->run_values(&w.run, p->score + first * p->stride + (size_t)i * ROMA_PAGE, p->stride, p->scale + first,
                            n, p->sum + first,
                            (roma_kern_tree){p->tree + (size_t)first * e->hyper->head_dim, level(e, p), i - p->base});
    }
}

/* ---- a block of rows ----------------------------------------------------------------------------- */

static void put(const roma_exec *e, const party *p, uint32_t i, float *out) {
    const uint32_t dim = e->hyper->head_dim;
    const float *sum = p->tree + (size_t)i * dim, inverse = 1.0f / ((float)p->sum[i] * roma_pow2(-30));
    for (uint32_t j = 0; j < dim; j++) out[j] = sum[j] * inverse;
}

/* Pages that all rows see whole are walked by all queries, the last one or two by each row's own. */
static void attend_block(roma_exec *e, const roma_op *op, const row_block *b, party *p, uint32_t head, uint32_t heads) {
    const value_store *q = &e->values[op->in[0]], *o = &e->values[op->out];
    const size_t at = (size_t)head * e->hyper->head_dim;
    const uint32_t position = e->rows[b->row].position, shared = (position + 1) / ROMA_PAGE;
    p->n = b->n * heads;
    p->sequence = e->rows[b->row].sequence;
    for (uint32_t r = 0; r < b->n; r++)
        roma_exec_party_queries(e, p, r * heads, q->f32 + (b->row + r) * q->stride + at, heads);
    roma_exec_party_scores(e, p, 0, p->n, 0, shared);
    for (uint32_t r = 0; r < b->n; r++)
        roma_exec_party_scores(e, p, r * heads, heads, shared, roma_pages(position + r + 1));
    for (uint32_t i = 0; i < p->n; i++) {
        p->scale[i] = e->kern->largest(p->score + i * p->stride, position + i / heads + 1);
        p->sum[i] = 0;
    }
    roma_exec_party_values(e, p, 0, p->n, 0, shared, position + 1);
    for (uint32_t r = 0; r < b->n; r++) {
        const uint32_t positions = position + r + 1;
        roma_exec_party_values(e, p, r * heads, heads, shared, roma_pages(positions), positions);
        roma_exec_party_finish(e, p, r * heads, heads, roma_pages(positions));
        for (uint32_t i = 0; i < heads; i++)
            put(e, p, r * heads + i, o->f32 + (b->row + r) * o->stride + at + (size_t)i * e->hyper->head_dim);
    }
}

void roma_exec_attend(roma_exec *e, const roma_op *op, int thread, int threads) {
    const roma_hyper *h = e->hyper;
    const uint32_t group = h->heads / h->kv_heads,
                   chunk = e->n_rows == 1 ? roma_exec_split_chunk(h, e->rows[0].position + 1, threads) : 0;
    thread_scratch *s = &e->scratch[thread];
    party p = {.layer = op->layer,
               .factor = op->param.scale,
               .query = s->query,
               .scale = s->query_scale,
               .score = s->score,
               .stride = e->cfg.context,
               .tree = s->tree,
               .unpacked = s->unpacked};
    if (chunk) {
        roma_exec_attend_split(e, op, &p, chunk, thread, threads);
        return;
    }
    for (p.kv = 0; p.kv < h->kv_heads; p.kv++)
        for (const row_block *b = e->blocks; b < e->blocks + e->n_row_blocks; b++) {
            uint32_t first, end;
            roma_exec_block_share(h, b, &e->blocks[e->n_row_blocks - 1], p.kv, thread, threads, &first, &end);
            for (; first < end; first += PARTY)
                attend_block(e, op, b, &p, p.kv * group + first, min_u32(end - first, PARTY));
        }
}
