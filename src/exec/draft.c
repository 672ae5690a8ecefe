/* Lookup proposals; contract in draft.h.
 *
 * What may be lost is bounded: a request has a bank, in tokens' worth of time. It begins with BANK_START, grows by a
 * hundredth of each token generated and by what accepted proposals save, and pays for the rows of the proposals. A
 * proposal that the bank could not pay if all of it were rejected is not made. So where lookup does not pay, it costs a
 * hundredth of the time and what the bank began with; and that is only staked on a long agreement, for what a step of
 * many rows costs is guessed high until it is seen. */
#include "draft.h"

#include <string.h>

enum { MATCH_MAX = 24, TRIES = 32 };
#define BANK_START 3.0f
#define BANK_GROWTH 0.01f
#define BANK_MAX 16.0f
#define WORTH 1.03 /* what a step with proposals must promise over one without */

static const float prior_hit[DRAFT_CLASSES] = {0.6f, 1.0f, 1.6f, 1.88f};
#define PRIOR_TRIED 2.0f

void roma_draft_lay(draft *d, walk *w, uint32_t context) {
    uint32_t size = 64;
    while (size < context) size *= 2;
    d->mask = size - 1;
    d->head = take(w, size * sizeof *d->head);
    d->before = take(w, ((uint64_t)context + 1) * sizeof *d->before);
}

void roma_draft_begin(draft *d, bool doubtful) {
    memset(d->head, 0, ((uint64_t)d->mask + 1) * sizeof *d->head);
    d->indexed = 1; /* a pair ends at the second token at the earliest */
    d->bank = BANK_START;
    d->doubtful = doubtful;
    for (int i = 0; i < DRAFT_CLASSES; i++) {
        d->hit[i] = prior_hit[i];
        d->tried[i] = PRIOR_TRIED;
    }
}

/* ---- lookup ---- */

static uint32_t *chain_of(const draft *d, const int32_t *end) {
    const uint64_t pair = (uint64_t)(uint32_t)end[-1] << 32 | (uint32_t)end[0];
    return &d->head[(pair * 0x9e3779b97f4a7c15u >> 40) & d->mask];
}

static void extend_index(draft *d, const int32_t *ids, uint32_t n) {
    for (; d->indexed < n; d->indexed++) {
        uint32_t *chain = chain_of(d, ids + d->indexed);
        d->before[d->indexed] = *chain;
        *chain = d->indexed + 1;
    }
}

/* Tokens that agree, backwards from places a < b. */
static uint32_t agreement(const int32_t *ids, uint32_t a, uint32_t b) {
    uint32_t n = 0;
    while (n < MATCH_MAX && n <= a && ids[a - n] == ids[b - n]) n++;
    return n;
}

/* The place whose past agrees longest with the end, the latest among equals; *length 0 when there is none. */
static uint32_t best_place(draft *d, const int32_t *ids, uint32_t n, uint32_t *length) {
    uint32_t best = 0;
    *length = 0;
    if (n < 3) return 0;
    extend_index(d, ids, n - 1); /* the end itself comes later */
    uint32_t at = *chain_of(d, ids + n - 1);
    for (int tries = 0; at && tries < TRIES && *length < MATCH_MAX; tries++, at = d->before[at - 1]) {
        const uint32_t l = agreement(ids, at - 1, n - 1);
        if (l < 2 || l <= *length) continue;
        *length = l;
        best = at - 1;
    }
    return best;
}

/* ---- how many ---- */

/* The number of proposals that makes the step's tokens per time largest, each accepted with p if those before it were.
 */
static uint32_t best_count(const draft *d, const draft_cost *c, draft_load *load, double p, uint32_t max) {
    const double token = roma_draft_cost_of(c, load->decode) / load->decode, now = roma_draft_cost_of(c, load->rows);
    double best = load->tokens / now * WORTH, gain = 0, chance = 1, gained = 0;
    uint32_t count = 0;
    for (uint32_t k = 1; k <= max && load->rows + k <= c->max; k++) {
        const double then = roma_draft_cost_of(c, load->rows + k);
        gain += chance *= p;
        if (then - now > (double)d->bank * token) continue; /* times need not rise evenly */
        if ((load->tokens + gain) / then <= best) continue;
        best = (load->tokens + gain) / then;
        count = k;
        gained = gain;
    }
    load->tokens += gained;
    load->rows += count;
    return count;
}

static unsigned class_of(uint32_t length) { return length < 3 ? 0 : length < 5 ? 1 : length < 10 ? 2 : 3; }

uint32_t roma_draft_propose(draft *d, const draft_cost *c, draft_load *load, const int32_t *ids, uint32_t n,
                            uint32_t max, int32_t *out) {
    uint32_t length;
    const uint32_t place = best_place(d, ids, n, &length);
    if (!length || !max) return 0;
    d->class = class_of(d->doubtful ? length / 2 : length);
    const uint32_t count = best_count(d, c, load, (double)(d->hit[d->class] / d->tried[d->class]), max);
    for (uint32_t i = 0; i < count; i++) { /* may run on into what it proposes: a repetition goes on */
        const uint32_t from = place + 1 + i;
        out[i] = from < n ? ids[from] : out[from - n];
    }
    return count;
}

/* ---- learning ---- */

void roma_draft_learn(draft *d, uint32_t proposed, uint32_t accepted, double lost) {
    const float hits = (float)accepted, tries = (float)(accepted + (accepted < proposed));
    d->hit[d->class] = d->hit[d->class] * 0.9f + hits;
    d->tried[d->class] = d->tried[d->class] * 0.9f + tries;
    d->bank += hits - (float)lost + BANK_GROWTH * (hits + 1);
    if (d->bank > BANK_MAX) d->bank = BANK_MAX;
}

/* What was learned fades, so that a text that begins to quote is noticed. */
void roma_draft_idle(draft *d) {
    for (int i = 0; i < DRAFT_CLASSES; i++) {
        d->hit[i] += (prior_hit[i] - d->hit[i]) * 0.01f;
        d->tried[i] += (PRIOR_TRIED - d->tried[i]) * 0.01f;
    }
    d->bank = d->bank + BANK_GROWTH < BANK_MAX ? d->bank + BANK_GROWTH : BANK_MAX;
}

/* ---- cost ---- */

void roma_draft_cost_lay(draft_cost *c, walk *w, uint32_t rows) {
    c->time = take(w, ((uint64_t)rows + 1) * sizeof *c->time);
    c->max = rows;
    c->scale = 1;
}

/* What further rows cost beside the first before it is known: another way through the weights, then a quarter each. */
static double guess(uint32_t rows) { return rows > 1 ? 2 + 0.25 * (rows - 1) : 0; }

/* Quick to believe a smaller figure, slow to believe a larger one: a busy machine only ever adds. */
void roma_draft_cost_seen(draft_cost *c, uint32_t rows, double seconds) {
    double *t = &c->time[rows];
    if (*t <= 0)
        *t = seconds;
    else if (seconds < *t)
        *t += 0.5 * (seconds - *t);
    else
        *t += 0.1 * ((seconds < 2 * *t ? seconds : 2 * *t) - *t);
    if (rows == 1 || c->time[1] <= 0) return;
    const double scale = (*t / c->time[1] - 1) / guess(rows);
    c->scale += (c->seen ? 0.2 : 1) * ((scale < 0.02 ? 0.02 : scale > 2 ? 2 : scale) - c->scale);
    c->seen = true;
}

double roma_draft_cost_of(const draft_cost *c, uint32_t rows) {
    if (c->time[1] > 0 && c->time[rows] > 0) return c->time[rows] > c->time[1] ? c->time[rows] / c->time[1] : 1;
    return 1 + c->scale * guess(rows);
}
