/* Merging of symbols by rank, lowest first, leftmost first among equals: a heap of (rank, position) over a
 * linked list, O(n log n). Both kinds of tokenizer come down to this: BPE's ranks are the order of its merges,
 * SentencePiece's the order of its scores. */
#include "text.h"

int roma_text_word_reserve(roma_text_word *w, size_t n, roma_error *err) {
    w->n = 0;
    if (n <= w->cap) return ROMA_OK;
    size_t cap = n < 256 ? 256 : n;
    if (n < (SIZE_MAX >> 8)) cap += cap / 4;
    roma_text_word_free(w);
    w->symbol = roma_alloc_array(cap, sizeof *w->symbol);
    w->heap = roma_alloc_array(cap, 2 * sizeof *w->heap); /* a merge takes one entry and adds at most two */
    if (!w->symbol || !w->heap) {
        roma_text_word_free(w);
        return roma_fail(err, ROMA_ENOMEM, NULL, ROMA_NOWHERE, "no memory to merge a piece of %zu symbols", n);
    }
    w->cap = cap;
    return ROMA_OK;
}

void roma_text_word_free(roma_text_word *w) {
    roma_free(w->symbol);
    roma_free(w->heap);
    *w = (roma_text_word){0};
}

static void sift_down(uint64_t *h, size_t n, size_t i) {
    const uint64_t x = h[i];
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= n) break;
        if (child + 1 < n && h[child + 1] < h[child]) child++;
        if (h[child] >= x) break;
        h[i] = h[child];
        i = child;
    }
    h[i] = x;
}

static void push(roma_text_word *w, uint64_t x) {
    size_t i = w->n_heap++;
    while (i && w->heap[(i - 1) / 2] > x) {
        w->heap[i] = w->heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    w->heap[i] = x;
}

static uint64_t pop(roma_text_word *w) {
    const uint64_t x = w->heap[0];
    w->heap[0] = w->heap[--w->n_heap];
    if (w->n_heap) sift_down(w->heap, w->n_heap, 0);
    return x;
}

/* Looks up the pair that starts at i; true when it merges. */
static bool pair_at(const roma_tokenizer *t, roma_text_word *w, uint32_t i) {
    roma_text_symbol *s = &w->symbol[i];
    s->rank = TEXT_NONE;
    if (s->next == TEXT_NONE) return false;
    roma_text_merge m;
    if (!roma_text_merge_find(t, s->id, w->symbol[s->next].id, &m)) return false;
    s->rank = m.rank;
    s->joined = m.id;
    return true;
}

static uint64_t entry(const roma_text_word *w, uint32_t i) { return (uint64_t)w->symbol[i].rank << 32 | i; }

static void start(const roma_tokenizer *t, roma_text_word *w) {
    const uint32_t n = (uint32_t)w->n;
    for (uint32_t i = 0; i < n; i++) {
        w->symbol[i].prev = i ? i - 1 : TEXT_NONE;
        w->symbol[i].next = i + 1 < n ? i + 1 : TEXT_NONE;
    }
    w->n_heap = 0;
    for (uint32_t i = 0; i < n; i++)
        if (pair_at(t, w, i)) w->heap[w->n_heap++] = entry(w, i);
    for (size_t i = w->n_heap / 2; i-- > 0;) sift_down(w->heap, w->n_heap, i);
}

void roma_text_word_merge(const roma_tokenizer *t, roma_text_word *w) {
    start(t, w);
    while (w->n_heap) {
        const uint64_t top = pop(w);
        const uint32_t i = (uint32_t)top;
        roma_text_symbol *s = &w->symbol[i];
        /* Entries are not removed when their pair changes: an old one no longer has the pair's rank. */
        if (s->rank != (uint32_t)(top >> 32)) continue;
        roma_text_symbol *right = &w->symbol[s->next];
        s->id = s->joined;
        s->next = right->next;
        right->rank = TEXT_NONE;
        if (s->next != TEXT_NONE) w->symbol[s->next].prev = i;
        if (pair_at(t, w, i)) push(w, entry(w, i));
        if (s->prev != TEXT_NONE && pair_at(t, w, s->prev)) push(w, entry(w, s->prev));
    }
}
