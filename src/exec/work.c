/* What the shares of share.c amount to: bytes, multiply-adds and pieces of each thread between two barriers. */
#include "attend.h"

#include <string.h>

typedef struct {
    const roma_plan *p;
    int threads;
    uint32_t rows, context, *cuts, n_blocks;
    row_block *blocks;
    roma_exec_work work[64];
} load;

static void add(roma_exec_work *w, uint64_t bytes, uint64_t mac, uint64_t pieces) {
    w->bytes += bytes;
    w->mac += mac;
    w->pieces += pieces;
}

static void add_linear(load *l, size_t i, const roma_image_tensor *t) {
    const uint64_t rows = l->p->ops[i].last_rows_only ? 1 : l->rows;
    for (int k = 0; k < l->threads; k++) {
        const uint32_t *cut = l->cuts + i * ((size_t)l->threads + 1) + k;
        const uint64_t tiles = cut[1] - cut[0], end = cut[1] * (uint64_t)ROMA_TILE_ROWS,
                       most = end < t->rows ? end : t->rows;
        if (tiles)
            add(&l->work[k], tiles * t->tile_bytes, (most - cut[0] * (uint64_t)ROMA_TILE_ROWS) * t->cols * rows, tiles);
    }
}

static uint64_t page_bytes(const roma_hyper *h) { return roma_kv_page_bytes(h->head_dim); }

static void add_heads(load *l, int k) {
    const roma_hyper *h = &l->p->desc->hyper;
    for (uint32_t kv = 0; kv < h->kv_heads; kv++)
        for (const row_block *b = l->blocks; b < l->blocks + l->n_blocks; b++) {
            uint32_t first, end;
            roma_exec_block_share(h, b, &l->blocks[l->n_blocks - 1], kv, k, l->threads, &first, &end);
            if (first == end) continue;
            const uint32_t seen = l->context - l->rows + b->row + b->n;
            add(&l->work[k], roma_pages(seen) * page_bytes(h), 2 * (end - first) * b->cost * h->head_dim, end - first);
        }
}

static void add_parts(load *l, int k, uint32_t chunk) {
    const roma_hyper *h = &l->p->desc->hyper;
    const uint32_t parts = (roma_pages(l->context) + chunk - 1) / chunk, group = h->heads / h->kv_heads;
    size_t begin, end;
    roma_share((size_t)parts * h->kv_heads, k, l->threads, &begin, &end);
    for (size_t i = begin; i < end; i++) {
        const uint32_t from = (uint32_t)(i % parts) * chunk * ROMA_PAGE,
                       n = min_u32(l->context - from, chunk * ROMA_PAGE);
        add(&l->work[k], roma_pages(n) * page_bytes(h), (uint64_t)2 * n * group * h->head_dim, 1);
    }
}

static void add_attend(load *l) {
    const uint32_t chunk = l->rows == 1 ? roma_exec_split_chunk(&l->p->desc->hyper, l->context, l->threads) : 0;
    for (int k = 0; k < l->threads; k++) {
        if (chunk)
            add_parts(l, k, chunk);
        else
            add_heads(l, k);
    }
}

static int walk_plan(load *l, int (*fn)(void *ctx, size_t first, size_t n, const roma_exec_work *work), void *ctx) {
    const uint8_t mask = l->rows == 1 ? 1 : 2;
    for (size_t i = 0, first = 0; i < l->p->n_ops; i++) {
        const roma_image_tensor *matrix = roma_op_matrix(l->p, &l->p->ops[i]);
        if (matrix) add_linear(l, i, matrix);
        if (roma_op_about(l->p->ops[i].kind)->sharing == ROMA_SHARE_ATTEND) add_attend(l);
        if (i + 1 < l->p->n_ops && !(roma_exec_barrier(l->p, i + 1) & mask)) continue;
        const int rc = fn(ctx, first, i + 1 - first, l->work);
        if (rc) return rc;
        memset(l->work, 0, sizeof l->work);
        first = i + 1;
    }
    return ROMA_OK;
}

int roma_exec_shares(const roma_plan *plan, int threads, uint32_t rows, uint32_t context,
                     int (*fn)(void *ctx, size_t first, size_t n, const roma_exec_work *work), void *ctx,
                     roma_error *err) {
    roma_exec_row row[ROMA_EXEC_ROWS_MAX];
    if (threads < 1 || threads > 64 || rows < 1 || rows > ROMA_EXEC_ROWS_MAX || context < rows || context > 1u << 30)
        return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE,
                         "shares are of 1 to 64 threads and 1 to %d rows within the context", ROMA_EXEC_ROWS_MAX);
    int rc = roma_plan_check(plan, err);
    if (rc) return rc;
    load l = {.p = plan, .threads = threads, .rows = rows, .context = context};
    l.cuts = roma_alloc_array(plan->n_ops * ((size_t)threads + 1), sizeof *l.cuts);
    l.blocks = roma_alloc_array(rows, sizeof *l.blocks);
    rc = l.cuts && l.blocks ? ROMA_OK : roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the shares");
    for (uint32_t r = 0; r < rows; r++) row[r] = (roma_exec_row){.position = context - rows + r};
    if (!rc) {
        roma_exec_cut(plan, threads, l.cuts);
        l.n_blocks = roma_exec_blocks(&plan->desc->hyper, row, rows, threads, l.blocks);
        rc = walk_plan(&l, fn, ctx);
    }
    roma_free(l.cuts);
    roma_free(l.blocks);
    return rc;
}
