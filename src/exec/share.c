/* Who does what: how the work of an operation is shared among the threads. */
#include "attend.h"

/* A block's cost is what its rows see, so that rows late in a long sequence count for more. */
uint32_t roma_exec_blocks(const roma_hyper *h, const roma_exec_row *rows, size_t n, row_block *out) {
    const uint32_t group = h->heads / h->kv_heads, most = group < PARTY ? PARTY / group : 1;
    uint32_t blocks = 0;
    uint64_t before = 0;
    for (size_t i = 0; i < n; i++) {
        row_block *b = &out[blocks];
        if (!blocks || b[-1].n == most || rows[i].sequence != rows[i - 1].sequence) {
            *b = (row_block){.row = (uint32_t)i, .before = before};
            blocks++;
        }
        out[blocks - 1].n++;
        out[blocks - 1].cost += rows[i].position + 1;
        before += rows[i].position + 1;
    }
    return blocks;
}

/* Items are query heads of blocks, KV head by KV head, block by block: an item is a thread's when its middle is in the thread's part. */
void roma_exec_block_share(const roma_hyper *h, const row_block *b, const row_block *last, uint32_t kv, int thread, int threads, uint32_t *first,
                           uint32_t *end) {
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

enum { PARTS = 32, WORTH = 32 }; /* parts a thread gets at least, if there are pages; pages of a query head that two barriers are worth */

uint32_t roma_exec_split_most(const roma_hyper *h, int threads) { return h->kv_heads + 2 * PARTS * (uint32_t)threads; }

/* Whole heads leave threads idle by what the fullest thread has beyond its part. */
uint32_t roma_exec_split_chunk(const roma_hyper *h, uint32_t positions, int threads) {
    const uint32_t t = (uint32_t)threads, pages = pages_of(positions), idle = (h->heads + t - 1) / t * t - h->heads;
    uint64_t chunk = 1;
    if ((uint64_t)idle * pages < (uint64_t)WORTH * t) return 0;
    while ((pages + 2 * chunk - 1) / (2 * chunk) * h->kv_heads >= (uint64_t)PARTS * t) chunk *= 2;
    return (uint32_t)chunk;
}
