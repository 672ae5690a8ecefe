/* Who runs: admission in order, pages set aside for all that a request may need, prefixes found, shared and evicted. */
#include "batch.h"

#include <assert.h>
#include <string.h>

static uint32_t min_u32(uint32_t a, uint32_t b) { return a < b ? a : b; }

/* Pages that running requests may still take. */
static uint32_t promised(const roma_batch *b) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < b->n_active; i++) n += roma_exec_pages_for(b->e, b->active[i]->lane, b->active[i]->end);
    return n;
}

/* Tokens that the first n of ids and the prompt begin with in common; one of the prompt is left to compute. */
static uint32_t common(const request *q, const int32_t *ids, uint32_t n) {
    const uint32_t most = min_u32(n, q->r.n_prompt - 1);
    uint32_t i = 0;
    while (i < most && ids[i] == q->r.prompt[i]) i++;
    return i;
}

static const lora_set *set_of(const roma_batch *b, const request *q) { return &b->e->lora.sets[q->r.adapters]; }

void roma_batch_mark(roma_batch *b) {
    for (uint32_t i = 0; i < b->n_active; i++) {
        lora_set *l = &b->lanes[b->active[i]->lane].adapters;
        if (!roma_exec_sets_equal(l, set_of(b, b->active[i]))) l->is_defined = false;
    }
}

/* Lane with the longest common beginning in its pages, a kept one rather than a running one. */
static uint32_t find_source(const roma_batch *b, const request *q, uint32_t *length) {
    uint32_t best = NO_LANE;
    *length = 0;
    for (uint32_t s = 0; s < b->e->cfg.sequences && !q->r.row; s++) {
        const lane *l = &b->lanes[s];
        const uint32_t n =
            roma_exec_sets_equal(&l->adapters, set_of(b, q)) ? common(q, l->ids, roma_exec_length(b->e, s)) : 0;
        if (n < *length || n == 0) continue;
        if (n == *length && (!b->lanes[best].request || l->request)) continue;
        *length = n;
        best = s;
    }
    return best;
}

/* A prompt that is being read will soon hold more whole pages of this one's beginning. */
static bool is_worth_waiting(const roma_batch *b, const request *q, uint32_t have) {
    for (uint32_t i = 0; i < b->n_active; i++) {
        const request *a = b->active[i];
        if (a->status.state == ROMA_REQUEST_PROMPT && roma_exec_sets_equal(&b->lanes[a->lane].adapters, set_of(b, q)) &&
            common(q, a->r.prompt, a->r.n_prompt) / ROMA_PAGE > have / ROMA_PAGE)
            return true;
    }
    return false;
}

static uint32_t empty_lane(const roma_batch *b) {
    for (uint32_t s = 0; s < b->e->cfg.sequences; s++)
        if (!b->lanes[s].request && !roma_exec_length(b->e, s)) return s;
    return NO_LANE;
}

/* Forgets the least recently used prefix other than `spared`; false when there is none. */
static bool evict(roma_batch *b, uint32_t spared) {
    uint32_t victim = NO_LANE;
    for (uint32_t s = 0; s < b->e->cfg.sequences; s++) {
        if (b->lanes[s].request || !roma_exec_length(b->e, s) || s == spared) continue;
        if (victim == NO_LANE || b->lanes[s].used < b->lanes[victim].used) victim = s;
    }
    if (victim == NO_LANE) return false;
    roma_exec_truncate(b->e, victim, 0);
    return true;
}

/* The request goes on in the kept sequence itself, cut to the common beginning. True when its pages then suffice; the
 * rest of the prefix is lost either way, which only happens when nothing else is left to evict. */
static bool adopt(roma_batch *b, const request *q, uint32_t source, uint32_t length) {
    roma_exec_truncate(b->e, source, length);
    return roma_exec_pages_for(b->e, source, q->end) + promised(b) <= b->e->n_free;
}

/* Sequence for the request with as much of its beginning as there is, or NO_LANE while its pages do not fit. A prompt
 * that begins with all that a kept sequence holds, as a conversation's next turn does, goes on in that sequence: a copy
 * would leave a second prefix that says less, and take another conversation's place. */
static uint32_t place(roma_batch *b, const request *q, uint32_t source, uint32_t length) {
    const bool is_kept = source != NO_LANE && !b->lanes[source].request;
    const bool goes_on = is_kept && length == roma_exec_length(b->e, source);
    for (;;) {
        const uint32_t to = goes_on ? NO_LANE : empty_lane(b);
        if (goes_on && roma_exec_pages_for(b->e, source, q->end) + promised(b) <= b->e->n_free) return source;
        if (to != NO_LANE && roma_pages(q->end) - length / ROMA_PAGE + promised(b) <= b->e->n_free) {
            if (length && roma_exec_fork(b->e, to, source, length, NULL)) assert(0 && "pages were counted");
            return to;
        }
        if (evict(b, is_kept ? source : NO_LANE)) continue;
        return is_kept && adopt(b, q, source, length) ? source : NO_LANE;
    }
}

static void start(roma_batch *b, request *q, uint32_t to, uint32_t length) {
    lane *l = &b->lanes[to];
    memcpy(l->ids, q->r.prompt, q->r.n_prompt * sizeof *l->ids);
    l->n = q->r.n_prompt;
    l->adapters = *set_of(b, q);
    l->request = q;
    if (b->cfg.proposals && q->r.proposals)
        roma_draft_begin(&l->draft, q->r.sampling.temperature > 0 || q->r.sampling.repeat_penalty > 1 ||
                                        q->r.sampling.presence_penalty > 0 || q->r.sampling.frequency_penalty > 0);
    q->lane = to;
    q->status.state = ROMA_REQUEST_PROMPT;
    q->status.shared = q->status.fed = length;
    q->status.generated = q->r.n_answer;
    b->active[b->n_active++] = q;
}

static request *first_waiting(const roma_batch *b) {
    request *first = NULL;
    for (uint32_t i = 0; i < b->n_places; i++) {
        request *q = &b->requests[i];
        if (q->status.state == ROMA_REQUEST_WAITING && (!first || q->order < first->order)) first = q;
    }
    return first;
}

void roma_batch_admit(roma_batch *b) {
    while (b->n_active < b->cfg.running) {
        uint32_t length;
        request *q = first_waiting(b);
        if (!q) return;
        const uint32_t source = find_source(b, q, &length);
        if (!q->r.row && is_worth_waiting(b, q, length)) return;
        if (source != NO_LANE) b->lanes[source].used = ++b->clock;
        const uint32_t to = place(b, q, source, length);
        if (to == NO_LANE) return;
        start(b, q, to, length);
    }
}

void roma_batch_retire(roma_batch *b, request *q, int rc) {
    lane *l = &b->lanes[q->lane];
    uint32_t i = 0;
    while (b->active[i] != q) i++;
    for (b->n_active--; i < b->n_active; i++) b->active[i] = b->active[i + 1];
    l->request = NULL;
    l->used = ++b->clock;
    q->status.fed = roma_exec_length(b->e, q->lane);
    q->status.state = ROMA_REQUEST_OVER;
    q->status.rc = rc;
}

uint32_t roma_batch_room(roma_batch *b, uint32_t length) {
    for (;;) {
        const uint32_t to = empty_lane(b);
        if (to != NO_LANE && roma_pages(length) + promised(b) <= b->e->n_free && roma_exec_reserve(b->e, to, length))
            return to;
        if (!evict(b, NO_LANE)) return NO_LANE;
    }
}

void roma_batch_keep(roma_batch *b, uint32_t to, const int32_t *ids, uint32_t n, const lora_set *set) {
    lane *l = &b->lanes[to];
    memcpy(l->ids, ids, n * sizeof *ids);
    l->n = n;
    l->adapters = *set;
    l->used = ++b->clock;
    b->e->sequences[to].length = n;
}
