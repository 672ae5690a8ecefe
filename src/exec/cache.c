/* The KV cache: page groups of 32 positions x all layers x all KV heads, handed out from one arena. */
#include "internal.h"

#include <assert.h>

static uint64_t page_bytes(const roma_hyper *h) { return roma_arena_piece(roma_kv_page_bytes(h->head_dim)); }

uint64_t roma_exec_block_bytes(const roma_hyper *h) { return page_bytes(h) * h->layers * h->kv_heads; }

void roma_exec_cache_lay(roma_exec *e) {
    const uint32_t per_sequence = e->cfg.context / ROMA_PAGE;
    for (uint32_t s = 0; s < e->cfg.sequences; s++) {
        e->sequences[s].length = 0;
        for (uint32_t i = 0; i < per_sequence; i++) e->sequences[s].blocks[i] = NO_BLOCK;
    }
    e->n_blocks = e->n_free = per_sequence * e->cfg.sequences;
    for (uint32_t i = 0; i < e->n_blocks; i++) e->free_blocks[i] = e->n_blocks - 1 - i; /* low blocks go first */
}

roma_kv_page roma_exec_page(const roma_exec *e, uint32_t seq, uint32_t page, uint32_t layer, uint32_t kv_head) {
    const roma_hyper *h = e->hyper;
    const uint32_t block = e->sequences[seq].blocks[page];
    assert(block < e->n_blocks);
    roma_kv_page p;
    roma_kv_page_init(&p, e->cache.base + ((uint64_t)block * h->layers * h->kv_heads + (uint64_t)layer * h->kv_heads + kv_head) *
                                              page_bytes(h), h->head_dim);
    return p;
}

bool roma_exec_reserve(roma_exec *e, uint32_t seq, uint32_t length) {
    sequence *s = &e->sequences[seq];
    const uint32_t have = (s->length + ROMA_PAGE - 1) / ROMA_PAGE, need = (length + ROMA_PAGE - 1) / ROMA_PAGE;
    if (length > e->cfg.context || (need > have && need - have > e->n_free)) return false;
    for (uint32_t i = have; i < need; i++) s->blocks[i] = e->free_blocks[--e->n_free];
    return true;
}

uint32_t roma_exec_length(const roma_exec *e, uint32_t seq) { return e->sequences[seq].length; }

void roma_exec_truncate(roma_exec *e, uint32_t seq, uint32_t length) {
    sequence *s = &e->sequences[seq];
    if (length >= s->length) return;
    const uint32_t have = (s->length + ROMA_PAGE - 1) / ROMA_PAGE, keep = (length + ROMA_PAGE - 1) / ROMA_PAGE;
    for (uint32_t i = have; i > keep; i--) {
        e->free_blocks[e->n_free++] = s->blocks[i - 1];
        s->blocks[i - 1] = NO_BLOCK;
    }
    s->length = length;
}
