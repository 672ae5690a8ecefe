/* Attention's insides: attend.c walks the pages, split.c splits the pages of one row among threads, share.c says who
 * does what. */
#ifndef ROMA_EXEC_ATTEND_H
#define ROMA_EXEC_ATTEND_H

#include "internal.h"

/* Queries of a sequence and KV head that walk its pages together, heads of a row beside one another. */
typedef struct {
    uint32_t sequence, layer, kv, n;
    float factor;       /* of scores */
    uint32_t base;      /* page that the tree begins with */
    int16_t *query;     /* n x head_dim */
    float *scale;       /* n: of a query's codes, then the largest of its scores */
    int64_t sum[PARTY]; /* n: of the weights */
    float *score;       /* n x stride */
    size_t stride;
    float *tree;    /* levels of n x head_dim */
    void *unpacked; /* 64 x head_dim: codes of a page */
} party;

/* Queries [first, first + n) of a party against pages [from, to). values looks at the first `positions` positions: it
 * makes weights of their scores by the largest in scale and adds them to sum, beside the sums of values. */
void roma_exec_party_queries(const roma_exec *e, const party *p, uint32_t first, const float *q, uint32_t heads);
void roma_exec_party_scores(const roma_exec *e, const party *p, uint32_t first, uint32_t n, uint32_t from, uint32_t to);
void roma_exec_party_values(const roma_exec *e, party *p, uint32_t first, uint32_t n, uint32_t from, uint32_t to,
                            uint32_t positions);
/* The tree of docs/numerics.md 3.2. fold: call after leaf number `count` (from 0) has been stored at level
 * popcount(count). finish: call once after the last leaf of `pages`; adds the levels from the top down. */
void roma_exec_party_fold(const roma_exec *e, const party *p, uint32_t first, uint32_t n, uint32_t count);
void roma_exec_party_finish(const roma_exec *e, const party *p, uint32_t first, uint32_t n, uint32_t pages);

static inline uint32_t min_u32(uint32_t a, uint32_t b) { return a < b ? a : b; }

/* split.c: a row whose pages are cut into `chunk` pages each. */
void roma_exec_attend_split(roma_exec *e, const roma_op *op, const party *own, uint32_t chunk, int thread, int threads);
void roma_exec_split_lay(roma_exec *e, walk *host);

/* share.c */

/* Cuts rows into blocks: rows of a sequence that follow one another, few enough for a party. Returns how many. */
uint32_t roma_exec_blocks(const roma_hyper *h, const roma_exec_row *rows, size_t n, int threads, row_block *out);
/* Query heads [first, end) of KV head kv that a thread takes of a block; last: of all blocks. */
void roma_exec_block_share(const roma_hyper *h, const row_block *b, const row_block *last, uint32_t kv, int thread,
                           int threads, uint32_t *first, uint32_t *end);
/* Pages of a part when the pages of one row are split among threads, a power of two, so that a part is a node of the
 * tree; 0: they are not. */
uint32_t roma_exec_split_chunk(const roma_hyper *h, uint32_t positions, int threads);
/* The most parts of all KV heads that this gives. */
uint32_t roma_exec_split_most(const roma_hyper *h, int threads);

#endif
