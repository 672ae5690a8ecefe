/* The KV cache: page groups of 32 positions x all layers x all KV heads, handed out from one arena.
 *
 * Invariants: a page group is free or counted once for each sequence that holds it; a sequence writes only into page
 * groups that it alone holds; positions that no sequence holds are zero, so that forgetting leaves no trace. */
#include "attend.h"

#include <assert.h>
#include <string.h>

static uint64_t page_bytes(const roma_hyper *h, const roma_kv_format *f) {
    return roma_arena_piece(roma_kv_bytes(f, h->head_dim));
}

uint64_t roma_exec_block_bytes(const roma_hyper *h, const roma_kv_format *f) {
    return page_bytes(h, f) * h->layers * h->kv_heads;
}

void roma_exec_cache_lay(roma_exec *e) {
    for (uint32_t s = 0; s < e->cfg.sequences; s++) {
        e->sequences[s].length = 0;
        for (uint32_t i = 0; i < e->cfg.context / ROMA_PAGE; i++) e->sequences[s].blocks[i] = NO_BLOCK;
    }
    e->n_blocks = e->n_free = e->cfg.pages;
    for (uint32_t i = 0; i < e->n_blocks; i++) e->free_blocks[i] = e->n_blocks - 1 - i; /* low blocks go first */
}

static uint8_t *block_at(const roma_exec *e, uint32_t block) { return e->cache.base + block * e->memory.page_group; }

static roma_kv_page page_at(const roma_exec *e, uint32_t block, uint32_t layer, uint32_t kv_head) {
    const roma_hyper *h = e->hyper;
    roma_kv_page p;
    roma_kv_init(e->kv, &p, block_at(e, block) + ((uint64_t)layer * h->kv_heads + kv_head) * page_bytes(h, e->kv),
                 h->head_dim);
    return p;
}

roma_kv_page roma_exec_page(const roma_exec *e, uint32_t seq, uint32_t page, uint32_t layer, uint32_t kv_head) {
    const uint32_t block = e->sequences[seq].blocks[page];
    assert(block < e->n_blocks);
    return page_at(e, block, layer, kv_head);
}

static uint32_t take_block(roma_exec *e) {
    const uint32_t block = e->free_blocks[--e->n_free];
    assert(e->refs[block] == 0);
    if (e->n_blocks - e->n_free > e->n_most) e->n_most = e->n_blocks - e->n_free;
    e->refs[block] = 1;
    return block;
}

static void give_block(roma_exec *e, uint32_t block) {
    assert(e->refs[block] > 0);
    e->n_shared -= e->refs[block] == 2;
    if (--e->refs[block]) return;
    memset(block_at(e, block), 0, e->memory.page_group);
    e->free_blocks[e->n_free++] = block;
}

/* Zeroes positions from..to of a sequence, to the end of from's page group at most. */
static void clear(const roma_exec *e, uint32_t block, uint32_t from, uint32_t to) {
    static const float zero[512];
    const roma_hyper *h = e->hyper;
    const uint32_t first = from % ROMA_PAGE, n = to - from < ROMA_PAGE - first ? to - from : ROMA_PAGE - first;
    assert(h->head_dim <= sizeof zero / sizeof *zero);
    for (uint32_t l = 0; l < h->layers; l++)
        for (uint32_t k = 0; k < h->kv_heads; k++) {
            const roma_kv_page p = page_at(e, block, l, k);
            for (uint32_t slot = first; slot < first + n; slot++) roma_kv_put(e->kv, &p, h->head_dim, slot, zero, zero);
        }
}

static uint32_t copy_block(roma_exec *e, uint32_t from) {
    const uint32_t block = take_block(e);
    memcpy(block_at(e, block), block_at(e, from), e->memory.page_group);
    return block;
}

/* The last page is partly filled and someone else reads it too. */
static bool must_copy(const roma_exec *e, uint32_t seq) {
    const sequence *s = &e->sequences[seq];
    return s->length % ROMA_PAGE && e->refs[s->blocks[s->length / ROMA_PAGE]] > 1;
}

uint32_t roma_exec_pages_for(const roma_exec *e, uint32_t seq, uint32_t length) {
    const uint32_t have = roma_pages(e->sequences[seq].length), need = roma_pages(length);
    if (length <= e->sequences[seq].length) return 0;
    return (need > have ? need - have : 0) + must_copy(e, seq);
}

bool roma_exec_reserve(roma_exec *e, uint32_t seq, uint32_t length) {
    sequence *s = &e->sequences[seq];
    const uint32_t have = roma_pages(s->length), need = roma_pages(length);
    if (length > e->cfg.context || roma_exec_pages_for(e, seq, length) > e->n_free) return false;
    if (length > s->length && must_copy(e, seq)) {
        uint32_t *last = &s->blocks[s->length / ROMA_PAGE];
        const uint32_t shared = *last;
        *last = copy_block(e, shared);
        clear(e, *last, s->length, (have + 1) * ROMA_PAGE);
        give_block(e, shared);
    }
    for (uint32_t i = have; i < need; i++) s->blocks[i] = take_block(e);
    return true;
}

uint32_t roma_exec_length(const roma_exec *e, uint32_t seq) {
    return seq < e->cfg.sequences ? e->sequences[seq].length : 0;
}
uint32_t roma_exec_pages_free(const roma_exec *e) { return e->n_free; }
uint32_t roma_exec_pages_shared(const roma_exec *e) { return e->n_shared; }

void roma_exec_truncate(roma_exec *e, uint32_t seq, uint32_t length) {
    if (length >= roma_exec_length(e, seq)) return;
    sequence *s = &e->sequences[seq];
    const uint32_t had = s->length, have = roma_pages(had), keep = roma_pages(length);
    for (uint32_t i = have; i > keep; i--) {
        give_block(e, s->blocks[i - 1]);
        s->blocks[i - 1] = NO_BLOCK;
    }
    s->length = length;
    if (length % ROMA_PAGE && !must_copy(e, seq)) clear(e, s->blocks[keep - 1], length, had);
}

int roma_exec_fork(roma_exec *e, uint32_t to, uint32_t from, uint32_t length, roma_error *err) {
    if (to >= e->cfg.sequences || from >= e->cfg.sequences || to == from || e->sequences[to].length ||
        length > e->sequences[from].length)
        return roma_fail(err, ROMA_EINPUT, "", ROMA_NOWHERE,
                         "a fork goes from a sequence of that length to an empty one");
    if (length % ROMA_PAGE && !e->n_free)
        return roma_fail(err, ROMA_ECONTEXT, "", ROMA_NOWHERE, "no cache page is free");
    const uint32_t *from_blocks = e->sequences[from].blocks;
    uint32_t *blocks = e->sequences[to].blocks;
    for (uint32_t i = 0; i < length / ROMA_PAGE; i++) e->n_shared += ++e->refs[blocks[i] = from_blocks[i]] == 2;
    if (length % ROMA_PAGE) {
        blocks[length / ROMA_PAGE] = copy_block(e, from_blocks[length / ROMA_PAGE]);
        clear(e, blocks[length / ROMA_PAGE], length, e->sequences[from].length);
    }
    e->sequences[to].length = length;
    return ROMA_OK;
}
