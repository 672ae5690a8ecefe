/* Who does what: how the work of an operation is shared among the threads.
 *
 * Work is shared in four ways. ROWS: rows are dealt out; in a one-row step every thread does the row itself, in its own
 * copy of the residual, the angles and the codes, which is cheaper than waiting. TILES: columns in tiles of 16, by a
 * table made once. HEADS: (head, row) pairs. ATTEND: query heads of blocks of rows, or parts of one row's pages.
 * Between two operations of the same sharing a thread reads only what it wrote, so no barrier is needed there.
 */
#include "attend.h"

#include <string.h>

/* ---- operations --------------------------------------------------------------------------------- */

static const roma_op_info *about(const roma_plan *p, size_t i) { return roma_op_about(p->ops[i].kind); }

/* Whether operation i works on the columns of products, to which adapters are added first. */
static bool sums_columns(const roma_plan *p, size_t i) {
    return about(p, i)->sharing == ROMA_SHARE_TILES && about(p, i)->in[0] == ROMA_DATA_SUM;
}

/* Bit 0: a barrier before operation i in a one-row step; bit 1: in a many-row step; bit 2: in one with adapters, whose
 * A x of gate and up is shared out otherwise than the columns that SiLU reads. */
uint8_t roma_exec_barrier(const roma_plan *p, size_t i) {
    if (i == 0) return 0;
    const roma_sharing a = about(p, i - 1)->sharing, b = about(p, i)->sharing;
    if (p->ops[i].last_rows_only && b == ROMA_SHARE_ROWS) return 2; /* deals out other rows than before */
    if (a == b && sums_columns(p, i)) return 4;
    if (a == b && a != ROMA_SHARE_ATTEND) return 0;
    if (a == ROMA_SHARE_ROWS && b == ROMA_SHARE_TILES) return 2; /* one row: codes are replicated */
    return 3;
}

/* ---- tiles --------------------------------------------------------------------------------------- */

/* The linear whose product operation i works on further. */
static size_t linear_before(const roma_plan *p, size_t i) {
    const uint32_t value = p->ops[i].in[0];
    while (!roma_op_matrix(p, &p->ops[i]) || p->ops[i].out != value) i--;
    return i;
}

/* Thread t of n begins with the tile nearest to its part of a list of `all` bytes, in which this linear begins at byte
 * `start`. */
static uint32_t first_tile(uint64_t tiles, uint64_t tile_bytes, uint64_t start, uint64_t all, uint64_t t, uint64_t n) {
    const uint64_t part = 2 * all * t + tile_bytes * n, before = 2 * start * n;
    const uint64_t tile = part < before ? 0 : (part - before) / (2 * tile_bytes * n);
    return (uint32_t)(tile < tiles ? tile : tiles);
}

/* Operations [begin, end), between two barriers, read the same codes: their tiles are one list, in the plan's order.
 * Where an operation on two products follows, each linear is a list, so that a thread has the same columns of both. */
static void cut_interval(const roma_plan *p, int threads, size_t begin, size_t end, uint32_t *cuts) {
    const size_t stride = (size_t)threads + 1;
    uint64_t all = 0, start = 0;
    bool is_list = true;
    for (size_t i = begin; i < end; i++) {
        const roma_image_tensor *matrix = roma_op_matrix(p, &p->ops[i]);
        is_list &= !sums_columns(p, i);
        if (matrix) all += roma_tiles(matrix->rows) * matrix->tile_bytes;
    }
    for (size_t i = begin; i < end; i++) {
        const roma_image_tensor *matrix = roma_op_matrix(p, &p->ops[i]);
        uint32_t *cut = cuts + i * stride;
        if (!matrix) {
            memcpy(cut, cuts + linear_before(p, i) * stride, stride * sizeof *cut);
            continue;
        }
        const uint64_t tiles = roma_tiles(matrix->rows), bytes = matrix->tile_bytes;
        for (int t = 0; t <= threads; t++)
            cut[t] = first_tile(tiles, bytes, is_list ? start : 0, is_list ? all : tiles * bytes, (uint64_t)t,
                                (uint64_t)threads);
        start += tiles * bytes;
    }
}

void roma_exec_cut(const roma_plan *p, int threads, uint32_t *cuts) {
    for (size_t i = 0, end; i < p->n_ops; i = end) {
        for (end = i; end < p->n_ops && about(p, end)->sharing == ROMA_SHARE_TILES; end++) {
        }
        if (end > i)
            cut_interval(p, threads, i, end, cuts);
        else
            end++;
    }
}

/* ---- attention ----------------------------------------------------------------------------------- */

/* A block's cost is what its rows see, so that rows late in a long sequence count for more. Blocks of fewer rows where
 * many threads want pieces: some 64 each keep them within 2 % of each other. */
uint32_t roma_exec_blocks(const roma_hyper *h, const roma_exec_row *rows, size_t n, int threads, row_block *out) {
    const uint32_t group = h->heads / h->kv_heads;
    const uint64_t few = n * h->heads / (64 * (uint64_t)threads), fit = group < PARTY ? PARTY / group : 1,
                   most = few < fit ? few : fit;
    uint32_t blocks = 0;
    uint64_t before = 0;
    for (size_t i = 0; i < n; i++) {
        row_block *b = &out[blocks];
        if (!blocks || b[-1].n >= most || rows[i].sequence != rows[i - 1].sequence) {
            *b = (row_block){.row = (uint32_t)i, .before = before};
            blocks++;
        }
        out[blocks - 1].n++;
        out[blocks - 1].cost += rows[i].position + 1;
        before += rows[i].position + 1;
    }
    return blocks;
}

/* [*first, *end): the query heads of block b and KV head kv that belong to a thread. The items are (KV head, block,
 * query head) in this order; their costs are laid end to end and cut into `threads` equal parts, and an item goes to
 * the thread whose part holds the item's midpoint. Every thread finds the same cut without communication. */
void roma_exec_block_share(const roma_hyper *h, const row_block *b, const row_block *last, uint32_t kv, int thread,
                           int threads, uint32_t *first, uint32_t *end) {
    const uint64_t group = h->heads / h->kv_heads, all = last->before + last->cost;
    *first = *end = 0;
    for (uint32_t g = 0; g < group; g++) {
        const uint64_t twice_middle = 2 * (kv * group * all + group * b->before + g * b->cost) + b->cost;
        const uint64_t owner = twice_middle * (uint64_t)threads / (2 * h->heads * all);
        *first += owner < (uint64_t)thread;
        *end += owner <= (uint64_t)thread;
    }
}

/* ---- the pages of one row ------------------------------------------------------------------------ */

enum {
    PARTS = 32, /* at least this many parts for each thread, where there are pages enough */
    WORTH = 16  /* splitting costs two barriers, which take as long as this many pages of one query head */
};

uint32_t roma_exec_split_most(const roma_hyper *h, int threads) { return h->kv_heads + 2 * PARTS * (uint32_t)threads; }

/* Pages of a part, a power of two, or 0: heads stay whole. Without splitting, ceil(heads / threads) heads go to the
 * busiest thread, and `idle` places of a head stay empty. Heads are split where that waste costs more than the two
 * barriers that a split needs. */
uint32_t roma_exec_split_chunk(const roma_hyper *h, uint32_t positions, int threads) {
    const uint32_t t = (uint32_t)threads, pages = roma_pages(positions), idle = (h->heads + t - 1) / t * t - h->heads;
    uint64_t chunk = 1;
    if ((uint64_t)idle * pages < (uint64_t)WORTH * t) return 0;
    while ((pages + 2 * chunk - 1) / (2 * chunk) * h->kv_heads >= (uint64_t)PARTS * t) chunk *= 2;
    return (uint32_t)chunk;
}
