/* Rows of a step and tokens out of it. A request that generates has one row for its last token and one for each
 * proposal; their logits are sampled from in order for as long as the sample is what the next row holds. */
#include "batch.h"

#include <assert.h>

static void put_row(roma_batch *b, request *q, int32_t token, bool want_logits) {
    b->rows[q->first_row + q->n_rows] =
        (roma_exec_row){token, q->lane, q->status.fed + q->n_rows, q->r.adapters, want_logits};
    q->n_rows++;
}

static uint32_t count_state(const roma_batch *b, roma_request_state state) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < b->n_active; i++) n += b->active[i]->status.state == state;
    return n;
}

/* `spare` rows may hold proposals; how many of them are taken is added to *load. */
static void put_decode(roma_batch *b, request *q, draft_load *load, uint32_t spare) {
    lane *l = &b->lanes[q->lane];
    uint32_t n = 0, most = q->end - l->n - 1; /* the row itself gives one token */
    if (most > spare) most = spare;
    if (most > b->cfg.proposals) most = b->cfg.proposals;
    put_row(b, q, l->ids[l->n - 1], true);
    if (q->r.proposals && most) n = roma_draft_propose(&l->draft, &b->cost, load, l->ids, l->n, most, b->proposal);
    for (uint32_t i = 0; i < n; i++) put_row(b, q, b->proposal[i], true);
}

static void put_prompt(roma_batch *b, request *q, uint32_t room) {
    const lane *l = &b->lanes[q->lane];
    while (q->n_rows < room && q->status.fed + q->n_rows < l->n)
        put_row(b, q, l->ids[q->status.fed + q->n_rows], q->status.fed + q->n_rows + 1 == l->n);
}

uint32_t roma_batch_gather(roma_batch *b, bool *only_decode) {
    const roma_exec_config *c = &b->e->cfg;
    const uint32_t decode = count_state(b, ROMA_REQUEST_GENERATES),
                   most = c->rows < c->logit_rows ? c->rows : c->logit_rows;
    draft_load load = {decode, decode, decode};
    b->n_decode = decode;
    uint32_t n = 0;
    size_t logit = 0;
    *only_decode = decode && decode == b->n_active;
    for (uint32_t pass = 0; pass < 2; pass++)
        for (uint32_t i = 0; i < b->n_active; i++) {
            request *q = b->active[i];
            if ((q->status.state == ROMA_REQUEST_PROMPT) != (pass == 1)) continue;
            q->first_row = n;
            q->n_rows = 0;
            q->first_logit = logit;
            if (pass)
                put_prompt(b, q, c->rows - n);
            else
                put_decode(b, q, &load,
                           *only_decode ? most - load.rows : 0); /* beside prompts rows are better spent on these */
            n += q->n_rows;
            if (q->n_rows) logit += pass ? b->rows[n - 1].want_logits : q->n_rows;
        }
    assert(n || !b->n_active);
    return n;
}

static int sample(const roma_batch *b, request *q, uint32_t i, const uint64_t *mask, void *scratch, int32_t *token) {
    const lane *l = &b->lanes[q->lane];
    roma_sampling sampling = q->r.sampling;
    sampling.mask = mask;
    return roma_sample(&sampling, roma_exec_logits(b->e, q->first_logit + i), b->e->hyper->vocab, l->ids, l->n,
                       q->status.generated, l->n, scratch, token, &q->err);
}

/* Every n-th request whose first draw depends on no callback. */
static void sample_part(void *ctx, int thread, int threads) {
    const roma_batch *b = ctx;
    (void)threads;
    for (uint32_t i = (uint32_t)thread; i < b->n_active && (uint32_t)thread < b->n_samplers; i += b->n_samplers) {
        request *q = b->active[i];
        q->is_sampled = q->n_rows && b->rows[q->first_row + q->n_rows - 1].want_logits && !q->r.mask;
        if (q->is_sampled) q->sampled_rc = sample(b, q, 0, q->r.sampling.mask, b->scratch[thread], &q->sampled);
    }
}

void roma_batch_sample(roma_batch *b) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < b->n_active; i++) {
        const request *q = b->active[i];
        b->active[i]->is_sampled = false;
        n += q->n_rows && b->rows[q->first_row + q->n_rows - 1].want_logits;
    }
    if (n > 1 && b->n_samplers > 1) roma_team_run(b->e->team, sample_part, b);
}

/* Samples from the i-th logits of the request. 0: the token was appended and more may follow. */
static int take_token(roma_batch *b, request *q, uint32_t i, int32_t *token) {
    lane *l = &b->lanes[q->lane];
    const uint64_t *mask = q->r.sampling.mask;
    int rc = q->r.mask ? q->r.mask(q->r.ctx, &mask, &q->err) : ROMA_OK;
    *token = q->sampled;
    if (!rc) rc = i == 0 && q->is_sampled ? q->sampled_rc : sample(b, q, i, mask, b->scratch[0], token);
    if (!rc) rc = q->r.token(q->r.ctx, *token, roma_exec_logits(b->e, q->first_logit + i), &q->err);
    if (rc) return rc;
    l->ids[l->n++] = *token;
    q->status.generated++;
    return l->n >= q->end;
}

static void learn(roma_batch *b, request *q, uint32_t proposed, uint32_t accepted) {
    draft *d = &b->lanes[q->lane].draft;
    q->status.drafted += proposed;
    q->status.accepted += accepted;
    if (!b->cfg.proposals || !q->r.proposals) return;
    if (!proposed) {
        roma_draft_idle(d);
        return;
    }
    const double before = roma_draft_cost_of(&b->cost, b->n_decode);
    const double with = roma_draft_cost_of(&b->cost, b->n_decode + proposed);
    roma_draft_learn(d, proposed, accepted, (with - before) * b->n_decode / before);
}

/* Rows first.. hold the last token and the proposals after it. */
static void take_tokens(roma_batch *b, request *q, uint32_t first, uint32_t proposed) {
    uint32_t i = 0;
    int32_t token;
    int rc;
    while ((rc = take_token(b, q, i, &token)) == 0 && i < proposed && token == b->rows[first + 1 + i].token) i++;
    q->status.fed = b->rows[first].position + 1 + i;
    roma_exec_truncate(b->e, q->lane, q->status.fed);
    learn(b, q, proposed, i);
    if (rc) roma_batch_retire(b, q, rc < 0 ? rc : ROMA_OK);
}

/* Rows of its prompt for a request that wants them. */
static void tell_rows(roma_batch *b, const request *q) {
    for (uint32_t i = 0; i < q->n_rows; i++) {
        roma_exec_final(b->e, q->first_row + i, b->final);
        q->r.row(q->r.ctx, q->status.fed + i, b->final);
    }
}

void roma_batch_take(roma_batch *b, request *q) {
    if (!q->n_rows) return;
    const bool generates = q->status.state == ROMA_REQUEST_GENERATES;
    if (!generates && q->r.row) tell_rows(b, q);
    const uint32_t last = q->first_row + q->n_rows - 1, proposed = generates ? q->n_rows - 1 : 0;
    q->status.fed += q->n_rows;
    if (!b->rows[last].want_logits) return;
    q->status.state = ROMA_REQUEST_GENERATES;
    take_tokens(b, q, last - proposed, proposed);
}
