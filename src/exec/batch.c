/* A batch: memory, requests, the step. Invariants stand in roma/exec.h; who runs is decided in admit.c, rows and tokens
 * in verify.c. */
#include "batch.h"

#include <string.h>

enum { WAITING_MAX = 1 << 20 };

static uint32_t min_u32(uint32_t a, uint32_t b) { return a < b ? a : b; }
static uint32_t most_running(const roma_exec *e) { return min_u32(e->cfg.rows, e->cfg.logit_rows); }

static void settle(roma_batch *b, roma_exec *e, const roma_batch_config *c) {
    memset(b, 0, sizeof *b);
    b->e = e;
    b->cfg = *c;
    if (!b->cfg.running) b->cfg.running = min_u32(e->cfg.sequences, most_running(e));
    if (!b->cfg.waiting) b->cfg.waiting = b->cfg.running;
    if (b->cfg.proposals >= e->cfg.logit_rows) b->cfg.proposals = e->cfg.logit_rows - 1;
    b->n_places = b->cfg.running + b->cfg.waiting;
    b->n_samplers = min_u32(min_u32((uint32_t)e->threads, b->cfg.running), SAMPLERS_MAX);
}

static void lay(roma_batch *b, walk *w) {
    const roma_exec_config *c = &b->e->cfg;
    lane *lanes = take(w, c->sequences * sizeof *lanes);
    b->lanes = lanes;
    for (uint32_t i = 0; i < c->sequences; i++) {
        lane l = {0};
        l.ids = take(w, ((uint64_t)c->context + 1) * sizeof *l.ids);
        if (b->cfg.proposals) roma_draft_lay(&l.draft, w, c->context);
        if (lanes) lanes[i] = l;
    }
    b->requests = take(w, (uint64_t)b->n_places * sizeof *b->requests);
    b->active = take(w, (uint64_t)b->cfg.running * sizeof(request *));
    b->rows = take(w, (uint64_t)c->rows * sizeof *b->rows);
    b->proposal = take(w, (uint64_t)c->rows * sizeof *b->proposal);
    for (uint32_t i = 0; i < b->n_samplers; i++) b->scratch[i] = take(w, roma_sample_bytes(b->e->hyper->vocab));
    b->final = take(w, roma_true_hidden(b->e->hyper) * sizeof *b->final);
    roma_draft_cost_lay(&b->cost, w, c->rows);
}

uint64_t roma_batch_bytes(const roma_exec *e, const roma_batch_config *c) {
    roma_batch counted;
    walk w = {NULL, 0};
    settle(&counted, (roma_exec *)(uintptr_t)e, c); /* only read */
    lay(&counted, &w);
    return w.bytes;
}

static int check_config(const roma_exec *e, const roma_batch_config *c, roma_error *err) {
    if (c->running > e->cfg.sequences || c->running > most_running(e))
        return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE,
                         "running: %u requests at once need as many sequences, rows and logit_rows, and the engine has "
                         "%u, %u and %u",
                         c->running, e->cfg.sequences, e->cfg.rows, e->cfg.logit_rows);
    if (c->waiting > WAITING_MAX)
        return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE, "waiting must be at most %d, not %u", WAITING_MAX,
                         c->waiting);
    return ROMA_OK;
}

int roma_batch_create(roma_batch **out, roma_exec *e, const roma_batch_config *c, roma_error *err) {
    *out = NULL;
    roma_batch *b = roma_alloc(sizeof *b);
    if (!b) return roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the batch");
    settle(b, e, c);
    int rc = check_config(e, &b->cfg, err);
    if (!rc) rc = roma_arena_create(&b->arena, roma_batch_bytes(e, c), err);
    if (rc) {
        roma_free(b);
        return rc;
    }
    walk w = {&b->arena, 0};
    lay(b, &w);
    for (uint32_t s = 0; s < e->cfg.sequences; s++) roma_exec_truncate(e, s, 0);
    *out = b;
    return ROMA_OK;
}

void roma_batch_destroy(roma_batch *b) {
    if (!b) return;
    for (uint32_t s = 0; s < b->e->cfg.sequences; s++) roma_exec_truncate(b->e, s, 0);
    roma_arena_destroy(&b->arena);
    roma_free(b);
}

/* ---- requests ---- */

static int check_request(const roma_batch *b, const roma_request *r, roma_error *err) {
    const roma_exec *e = b->e;
    if (!r->n_prompt || !r->prompt || !r->limit || !r->token)
        return roma_fail(err, ROMA_EINPUT, "", ROMA_NOWHERE, "a request needs a prompt, a limit and a token function");
    if (r->n_answer >= r->n_prompt)
        return roma_fail(err, ROMA_EINPUT, "", ROMA_NOWHERE, "%u tokens of %u cannot be of the answer already",
                         r->n_answer, r->n_prompt);
    if (r->n_prompt > e->memory.context)
        return roma_fail(err, ROMA_ECONTEXT, "", ROMA_NOWHERE, "the prompt's %u tokens do not fit the context of %u",
                         r->n_prompt, e->memory.context);
    for (uint32_t i = 0; i < r->n_prompt; i++)
        if (r->prompt[i] < 0 || (uint32_t)r->prompt[i] >= e->hyper->vocab)
            return roma_fail(err, ROMA_EINPUT, "", ROMA_NOWHERE, "token %d is not in the vocabulary of %u",
                             r->prompt[i], e->hyper->vocab);
    if (r->adapters > e->cfg.adapter_sets || !e->lora.sets[r->adapters].is_defined)
        return roma_fail(err, ROMA_EINPUT, "", ROMA_NOWHERE, "adapter set %u is not defined", r->adapters);
    return roma_sampling_check(&r->sampling, err);
}

int roma_batch_submit(roma_batch *b, const roma_request *r, uint32_t *id, roma_error *err) {
    const uint32_t context = b->e->memory.context;
    int rc = check_request(b, r, err);
    if (rc) return rc;
    const uint32_t end = r->limit < context - r->n_prompt ? r->n_prompt + r->limit : context;
    if (roma_pages(end) > b->e->n_blocks)
        return roma_fail(err, ROMA_ECONTEXT, "", ROMA_NOWHERE, "%u tokens do not fit the cache's %u pages", end,
                         b->e->n_blocks);
    for (uint32_t i = 0; i < b->n_places; i++) {
        request *q = &b->requests[i];
        if (q->status.state != ROMA_REQUEST_NONE) continue;
        *q = (request){
            .r = *r, .status = {.state = ROMA_REQUEST_WAITING}, .order = ++b->clock, .lane = NO_LANE, .end = end};
        *id = i;
        return ROMA_OK;
    }
    return roma_fail(err, ROMA_EINPUT, "", ROMA_NOWHERE, "%u requests wait or run already", b->n_places);
}

bool roma_batch_is_idle(const roma_batch *b) {
    for (uint32_t i = 0; i < b->n_places; i++)
        if (b->requests[i].status.state != ROMA_REQUEST_NONE && b->requests[i].status.state != ROMA_REQUEST_OVER)
            return false;
    return true;
}

const roma_request_status *roma_batch_poll(const roma_batch *b, uint32_t id, const roma_error **err) {
    static const roma_request_status none = {.state = ROMA_REQUEST_NONE};
    static const roma_error no_error;
    const bool is = id < b->n_places;
    if (err) *err = is ? &b->requests[id].err : &no_error;
    return is ? &b->requests[id].status : &none;
}

void roma_batch_cancel(roma_batch *b, uint32_t id) {
    if (id >= b->n_places) return;
    request *q = &b->requests[id];
    if (q->status.state == ROMA_REQUEST_NONE || q->status.state == ROMA_REQUEST_OVER) return;
    roma_fail(&q->err, ROMA_ECANCEL, "", ROMA_NOWHERE, "interrupted");
    if (q->status.state != ROMA_REQUEST_WAITING) {
        roma_batch_retire(b, q, ROMA_ECANCEL);
        return;
    }
    q->status.state = ROMA_REQUEST_OVER;
    q->status.rc = ROMA_ECANCEL;
}

uint32_t roma_batch_rows(const roma_batch *b) { return b->n_rows; }

void roma_batch_finish(roma_batch *b, uint32_t id) {
    if (id < b->n_places && b->requests[id].status.state == ROMA_REQUEST_OVER)
        b->requests[id].status.state = ROMA_REQUEST_NONE;
}

void roma_batch_clear(roma_batch *b) {
    for (uint32_t s = 0; s < b->e->cfg.sequences; s++)
        if (!b->lanes[s].request) roma_exec_truncate(b->e, s, 0);
}

/* ---- a step ---- */

int roma_batch_step(roma_batch *b, roma_error *err) {
    bool only_decode;
    roma_batch_mark(b);
    roma_batch_admit(b);
    const uint32_t n = roma_batch_gather(b, &only_decode);
    b->n_rows = n;
    if (!n) return ROMA_OK;
    const double began = roma_now();
    const int rc = roma_exec_step(b->e, b->rows, n, err);
    if (rc) return rc;
    if (only_decode) roma_draft_cost_seen(&b->cost, n, roma_now() - began);
    roma_batch_sample(b);
    for (uint32_t i = 0; i < b->n_active;) {
        request *q = b->active[i];
        roma_batch_take(b, q);
        i += i < b->n_active && b->active[i] == q; /* one that is over has left the list */
    }
    return ROMA_OK;
}
