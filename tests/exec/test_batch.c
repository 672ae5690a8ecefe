/* The scheduler on a random workload: several hundred requests of random lengths, limits, samplings and stops, many
 * with common beginnings, some cancelled, in a cache of few pages. Every request answers as it does alone; the
 * invariants of roma/exec.h are checked after each step. */
#include "exec/batch.h"
#include "loaded.h"

enum { CONTEXT = 160, PLACES = 9 };

typedef struct {
    int32_t prompt[CONTEXT], ids[CONTEXT + 1];
    uint32_t n, n_prompt, limit, stop_at; /* stop_at: the answer ends before a token that is 0 modulo this; 0: never */
    roma_sampling sampling;
    uint64_t hash;
    uint64_t mask[(VOCAB + 63) / 64];
    bool proposals, is_masked;
} work;

static int on_token(void *ctx, int32_t token, const float *logits, roma_error *err) {
    work *w = ctx;
    (void)err;
    const uint64_t h[2] = {w->hash, roma_hash64(logits, VOCAB * sizeof *logits)};
    w->hash = roma_hash64(h, sizeof h);
    if (w->stop_at && (uint32_t)token % w->stop_at == 0) return 1;
    w->ids[w->n++] = token;
    return 0;
}

/* Two tokens in three may follow, by the history alone. */
static int on_mask(void *ctx, const uint64_t **mask, roma_error *err) {
    work *w = ctx;
    (void)err;
    memset(w->mask, 0, sizeof w->mask);
    for (uint32_t i = 0; i < VOCAB; i++)
        if ((i + w->n + (uint32_t)w->ids[w->n - 1]) % 3) w->mask[i / 64] |= UINT64_C(1) << i % 64;
    *mask = w->mask;
    return 0;
}

static uint32_t dice(uint64_t *state, uint32_t n) { return (uint32_t)(roma_random(77, (*state)++) % n); }

static void make_work(work *w, uint64_t *dices, uint64_t i) {
    memset(w, 0, sizeof *w);
    w->n_prompt = 1 + dice(dices, dice(dices, 3) ? 100 : 30);
    const uint64_t family = dice(dices, 4);
    const uint32_t same = dice(dices, 110);
    for (uint32_t k = 0; k < w->n_prompt;
         k++) /* families of common beginnings; within them few different tokens, so that pairs recur */
        w->prompt[k] = (int32_t)(roma_random(k < same ? family : 1000 + i, k) % (family < 2 ? 8 : VOCAB));
    w->limit = 1 + dice(dices, 60);
    if (dice(dices, 8) == 0) w->limit = 1000; /* the context ends it */
    w->stop_at = dice(dices, 3) ? 0 : 3 + dice(dices, 20);
    roma_sampling_default(&w->sampling);
    w->sampling.seed = i;
    if (dice(dices, 3) == 0) w->sampling.temperature = 0.05f + 0.1f * (float)dice(dices, 10);
    if (dice(dices, 4) == 0) w->sampling.repeat_penalty = 1.1f;
    w->proposals = dice(dices, 4) != 0;
    w->is_masked = dice(dices, 3) == 0;
    memcpy(w->ids, w->prompt, sizeof w->prompt);
    w->n = w->n_prompt;
}

/* The same request in an engine of its own, a token at a time. */
static void alone(roma_exec *e, work *w, void *scratch) {
    roma_error err = {0};
    const uint32_t end = w->limit < CONTEXT - w->n_prompt ? w->n_prompt + w->limit : CONTEXT;
    int32_t token;
    roma_exec_truncate(e, 0, 0);
    CHECK_EQ(roma_exec_prefill(e, 0, 0, w->ids, w->n_prompt, NULL, NULL, &err), 0);
    for (;;) {
        const float *logits = roma_exec_logits(e, 0);
        roma_sampling s = w->sampling;
        if (w->is_masked) on_mask(w, &s.mask, &err);
        CHECK_EQ(roma_sample(&s, logits, VOCAB, w->ids, w->n, 0, w->n, scratch, &token, &err), 0);
        if (w->is_masked) CHECK(s.mask[token / 64] >> token % 64 & 1);
        if (on_token(w, token, logits, &err) || w->n >= end) return;
        const roma_exec_row row = {token, 0, w->n - 1, 0, true};
        CHECK_EQ(roma_exec_step(e, &row, 1, &err), 0);
    }
}

typedef struct {
    uint32_t id;
    work *w; /* NULL: free */
    uint32_t fed, generated;
    bool generates, cancelled;
} ticket;

/* Counts of the cache, and pages enough for all that run. */
static void check_pages(const roma_batch *b) {
    const roma_exec *e = b->e;
    uint32_t held = 0, counted = 0, free_pages = 0, promised = 0;
    for (uint32_t s = 0; s < e->cfg.sequences; s++) held += (e->sequences[s].length + ROMA_PAGE - 1) / ROMA_PAGE;
    for (uint32_t i = 0; i < e->n_blocks; i++) {
        counted += e->refs[i];
        free_pages += e->refs[i] == 0;
    }
    for (uint32_t i = 0; i < b->n_active; i++)
        promised += roma_exec_pages_for(e, b->active[i]->lane, b->active[i]->end);
    CHECK_EQ(held, counted);
    CHECK_EQ(free_pages, e->n_free);
    CHECK(promised <= e->n_free);
}

/* Who generated gained a token, the oldest prompt a row, and nobody overtook another on the way in. */
static void check_progress(const roma_batch *b, ticket *tickets) {
    uint64_t last = 0, waiting = UINT64_MAX;
    for (int i = 0; i < PLACES; i++) {
        ticket *t = &tickets[i];
        if (!t->w) continue;
        const roma_request_status *s = roma_batch_poll(b, t->id, NULL);
        if (t->generates) CHECK(s->generated > t->generated || s->state == ROMA_REQUEST_OVER);
        if (s->state != ROMA_REQUEST_WAITING && !t->cancelled && b->requests[t->id].order > last)
            last = b->requests[t->id].order;
        if (s->state == ROMA_REQUEST_WAITING && b->requests[t->id].order < waiting) waiting = b->requests[t->id].order;
        t->generates = s->state == ROMA_REQUEST_GENERATES;
        t->generated = s->generated;
    }
    CHECK(last < waiting);
}

static const request *oldest_prompt(const roma_batch *b) {
    for (uint32_t i = 0; i < b->n_active; i++)
        if (b->active[i]->status.state == ROMA_REQUEST_PROMPT) return b->active[i];
    return NULL;
}

typedef struct {
    uint32_t shared, proposed, accepted, cancelled;
} totals;

static void settle_ticket(roma_batch *b, ticket *t, roma_exec *reference, void *scratch, totals *sum) {
    const roma_error *err;
    const roma_request_status *s = roma_batch_poll(b, t->id, &err);
    if (s->state != ROMA_REQUEST_OVER) return;
    CHECK_EQ(s->rc, t->cancelled ? ROMA_ECANCEL : 0);
    CHECK_EQ(s->generated, t->w->n - t->w->n_prompt);
    CHECK(s->accepted <= s->drafted);
    work want = *t->w;
    want.n = want.n_prompt;
    want.hash = 0;
    alone(reference, &want, scratch);
    CHECK(memcmp(t->w->ids, want.ids, t->w->n * sizeof *want.ids) == 0);
    if (!t->cancelled) {
        CHECK_EQ(t->w->n, want.n);
        CHECK(t->w->hash == want.hash);
    }
    sum->shared += s->shared;
    sum->proposed += s->drafted;
    sum->accepted += s->accepted;
    sum->cancelled += t->cancelled;
    roma_batch_finish(b, t->id);
    free(t->w);
    t->w = NULL;
}

static void submit_some(roma_batch *b, ticket *tickets, uint64_t *dices, uint32_t *made, uint32_t requests) {
    roma_error err = {0};
    for (int i = 0; i < PLACES && *made < requests; i++) {
        if (tickets[i].w || dice(dices, 3) == 0) continue;
        work *w = malloc(sizeof *w);
        make_work(w, dices, (*made)++);
        tickets[i] = (ticket){.w = w};
        const roma_request r = {.prompt = w->prompt,
                                .n_prompt = w->n_prompt,
                                .limit = w->limit,
                                .proposals = w->proposals,
                                .sampling = w->sampling,
                                .token = on_token,
                                .ctx = w,
                                .mask = w->is_masked ? on_mask : NULL};
        CHECK_EQ(roma_batch_submit(b, &r, &tickets[i].id, &err), 0);
    }
}

static void test_workload(const loaded *m, totals *all, uint32_t requests, uint32_t sequences, uint32_t running,
                          uint32_t pages, uint32_t rows, uint32_t logit_rows) {
    roma_exec *e = engine(m, (roma_exec_config){.threads = 2,
                                                .context = CONTEXT,
                                                .sequences = sequences,
                                                .rows = rows,
                                                .logit_rows = logit_rows,
                                                .pages = pages});
    roma_exec *reference = engine(m, (roma_exec_config){.threads = 1, .context = CONTEXT});
    const roma_batch_config cfg = {.running = running, .waiting = PLACES - running, .proposals = 7};
    roma_batch *b;
    roma_error err = {0};
    ticket tickets[PLACES] = {0};
    totals sum = {0};
    uint32_t made = 0, steps = 0;
    uint64_t dices = pages;
    void *scratch = malloc(roma_sample_bytes(VOCAB));
    CHECK_EQ(roma_batch_create(&b, e, &cfg, &err), 0);
    while (made < requests || !roma_batch_is_idle(b)) {
        if (steps % 4 == 0) submit_some(b, tickets, &dices, &made, requests);
        ticket *t = &tickets[dice(&dices, PLACES)];
        if (t->w && dice(&dices, 60) == 0) {
            roma_batch_cancel(b, t->id);
            t->cancelled = true;
        }
        const request *oldest = oldest_prompt(b);
        const uint32_t fed = oldest ? oldest->status.fed : 0;
        const uint64_t heap = roma_alloc_count();
        CHECK_EQ(roma_batch_step(b, &err), 0);
        CHECK_EQ(roma_alloc_count() - heap, 0);
        if (oldest) CHECK(oldest->status.fed > fed);
        check_pages(b);
        check_progress(b, tickets);
        for (int i = 0; i < PLACES; i++)
            if (tickets[i].w) settle_ticket(b, &tickets[i], reference, scratch, &sum);
        if (++steps > 100000) break;
    }
    CHECK(sum.shared > 0);
    *all = (totals){all->shared + sum.shared, all->proposed + sum.proposed, all->accepted + sum.accepted,
                    all->cancelled + sum.cancelled};
    roma_batch_clear(b);
    CHECK_EQ(e->n_free, e->n_blocks);
    for (uint32_t i = 0; i < e->n_blocks; i++) CHECK_EQ(e->refs[i], 0);
    printf("  %u sequences, %u at once, %u pages, %u rows: %u steps, %u tokens shared, %u of %u proposals accepted\n",
           sequences, running, pages, rows, steps, sum.shared, sum.accepted, sum.proposed);
    roma_batch_destroy(b);
    roma_exec_destroy(e);
    roma_exec_destroy(reference);
    free(scratch);
}

/* Four requests of one prompt hold its whole pages once, and the later ones do not compute it. */
static void test_sharing(const loaded *m) {
    roma_exec *e = engine(m, (roma_exec_config){.threads = 1, .context = CONTEXT, .sequences = 5, .rows = 16});
    const roma_batch_config cfg = {.running = 5};
    static work w[5];
    roma_batch *b;
    roma_error err = {0};
    uint32_t id[5];
    uint64_t dices = 1;
    CHECK_EQ(roma_batch_create(&b, e, &cfg, &err), 0);
    for (int i = 0; i < 5; i++) {
        make_work(&w[i], &dices, 5);
        for (uint32_t k = 0; k < 100; k++) w[i].prompt[k] = (int32_t)(roma_random(9, k) % VOCAB);
        if (i == 4) w[i].prompt[0] ^= 1; /* one that shares nothing */
        w[i].stop_at = 0;
        w[i].n = w[i].n_prompt = 100;
        const roma_request r = {
            w[i].prompt, 100,   20,
            0,           false, {.top_p = 1, .repeat_penalty = 1, .temperature = 1, .seed = (uint64_t)(i % 2)},
            on_token,    &w[i], NULL,
            NULL,        0};
        CHECK_EQ(roma_batch_submit(b, &r, &id[i], &err), 0);
    }
    for (int s = 0; s < 100 && roma_batch_poll(b, id[4], NULL)->state != ROMA_REQUEST_GENERATES; s++)
        CHECK_EQ(roma_batch_step(b, &err), 0);
    CHECK_EQ(e->n_blocks - e->n_free, 3 + 4 + 4); /* 3 pages once, 4 tails, and the stranger's 4 */
    while (!roma_batch_is_idle(b)) CHECK_EQ(roma_batch_step(b, &err), 0);
    for (int i = 0; i < 5; i++) CHECK_EQ(roma_batch_poll(b, id[i], NULL)->shared, i == 0 || i == 4 ? 0 : 96);
    for (int i = 2; i < 4; i++)
        CHECK(w[i].hash == w[i - 2].hash && memcmp(w[i].ids + 100, w[i - 2].ids + 100, 20 * sizeof(int32_t)) == 0);
    CHECK(w[0].hash != w[1].hash);

    /* a request with another adapter set shares nothing */
    for (uint32_t s = 0; s < 5; s++) b->lanes[s].adapters.n = 1;
    const roma_request again = {w[0].prompt, 100, 5, 0, false, w[0].sampling, on_token, &w[0], NULL, NULL, 0};
    CHECK_EQ(roma_batch_submit(b, &again, &id[0], &err), 0);
    while (!roma_batch_is_idle(b)) CHECK_EQ(roma_batch_step(b, &err), 0);
    CHECK_EQ(roma_batch_poll(b, id[0], NULL)->shared, 0);
    roma_batch_destroy(b);
    roma_exec_destroy(e);
}

/* Tokens of a prompt of 40, whose family says what it begins with, that were there already. */
static uint32_t ask_family(roma_batch *b, uint64_t family, uint64_t own) {
    static work w;
    roma_error err = {0};
    uint32_t id;
    w = (work){.n = 40, .n_prompt = 40};
    for (uint32_t k = 0; k < 40; k++) w.prompt[k] = (int32_t)(roma_random(k < 39 ? family : own, k) % VOCAB);
    const roma_request r = {w.prompt, 40, 2, 0, false, {.top_p = 1, .repeat_penalty = 1}, on_token, &w, NULL, NULL, 0};
    CHECK_EQ(roma_batch_submit(b, &r, &id, &err), 0);
    while (!roma_batch_is_idle(b)) CHECK_EQ(roma_batch_step(b, &err), 0);
    const uint32_t shared = roma_batch_poll(b, id, NULL)->shared;
    roma_batch_finish(b, id);
    return shared;
}

/* What goes first is the prefix that was used least recently, to be shared as well as to run. */
static void test_eviction(const loaded *m) {
    roma_exec *e = engine(m, (roma_exec_config){.threads = 1, .context = CONTEXT, .sequences = 3, .rows = 16});
    roma_batch *b;
    roma_error err = {0};
    CHECK_EQ(roma_batch_create(&b, e, &(roma_batch_config){.running = 1}, &err), 0);
    CHECK_EQ(ask_family(b, 1, 1), 0);
    CHECK_EQ(ask_family(b, 2, 2), 0);
    CHECK_EQ(ask_family(b, 3, 3), 0);
    CHECK_EQ(ask_family(b, 1, 4), 39); /* 2 goes; 1 is used again */
    CHECK_EQ(ask_family(b, 5, 5), 0);  /* 3 goes */
    CHECK_EQ(ask_family(b, 1, 1), 39);
    CHECK_EQ(ask_family(b, 3, 3), 0);
    roma_batch_destroy(b);
    roma_exec_destroy(e);
}

/* As many conversations as there are sequences take turns, and each turn computes its new tokens and the last one drawn
 * alone. A turn whose answer was spelled in other tokens computes from the first of these on. */
static void test_turns(const loaded *m) {
    roma_exec *e = engine(m, (roma_exec_config){.threads = 1, .context = CONTEXT, .sequences = 3, .rows = 16});
    roma_batch *b;
    roma_error err = {0};
    static work w[3];
    uint32_t id;
    memset(w, 0, sizeof w);
    CHECK_EQ(roma_batch_create(&b, e, &(roma_batch_config){.running = 2}, &err), 0);
    for (uint32_t turn = 0; turn < 5; turn++)
        for (uint32_t i = 0; i < 3; i++) {
            const uint32_t before = w[i].n, other = turn == 4 ? 2 : 0;
            if (other) w[i].ids[before - other] ^= 1;
            memcpy(w[i].prompt, w[i].ids, before * sizeof(int32_t));
            for (uint32_t k = 0; k < 20; k++)
                w[i].prompt[before + k] = (int32_t)(roma_random(i, turn * 20 + k) % VOCAB);
            memcpy(w[i].ids, w[i].prompt, (before + 20) * sizeof(int32_t));
            w[i].n = w[i].n_prompt = before + 20;
            const roma_request r = {w[i].prompt, w[i].n, 6,    0,    false, {.top_p = 1, .repeat_penalty = 1},
                                    on_token,    &w[i],  NULL, NULL, 0};
            CHECK_EQ(roma_batch_submit(b, &r, &id, &err), 0);
            while (!roma_batch_is_idle(b)) CHECK_EQ(roma_batch_step(b, &err), 0);
            CHECK_EQ(roma_batch_poll(b, id, NULL)->shared, !turn ? 0 : other ? before - other : before - 1);
            check_pages(b);
            roma_batch_finish(b, id);
            if (turn == 4) break; /* a fork, which takes another conversation's place */
        }
    roma_batch_destroy(b);
    roma_exec_destroy(e);
}

/* Requests whose prompts have no whole page in common do not wait for one another; those that have, do. */
static void test_waiting(const loaded *m) {
    roma_exec *e = engine(m, (roma_exec_config){.threads = 1, .context = CONTEXT, .sequences = 3, .rows = 16});
    roma_batch *b;
    roma_error err = {0};
    static work w[3];
    uint32_t id[3];
    for (uint32_t same = 0; same <= 64; same += 16) { /* tokens in common of 70 */
        CHECK_EQ(roma_batch_create(&b, e, &(roma_batch_config){.running = 3}, &err), 0);
        for (uint32_t i = 0; i < 3; i++) {
            w[i] = (work){.n = 70, .n_prompt = 70};
            for (uint32_t k = 0; k < 70; k++) w[i].prompt[k] = k < same ? 7 : (int32_t)(50 * i + k) % VOCAB;
            const roma_request r = {w[i].prompt, 70,    2,    0,    false, {.top_p = 1, .repeat_penalty = 1},
                                    on_token,    &w[i], NULL, NULL, 0};
            CHECK_EQ(roma_batch_submit(b, &r, &id[i], &err), 0);
        }
        CHECK_EQ(roma_batch_step(b, &err), 0);
        CHECK_EQ(b->n_active, same < ROMA_PAGE ? 3 : 1);
        while (!roma_batch_is_idle(b)) CHECK_EQ(roma_batch_step(b, &err), 0);
        for (uint32_t i = 0; i < 3; i++)
            CHECK(roma_batch_poll(b, id[i], NULL)->shared >= (i && same >= ROMA_PAGE ? same / 32 * 32 : 0));
        roma_batch_destroy(b);
    }
    roma_exec_destroy(e);
}

static int on_failure(void *ctx, int32_t token, const float *logits, roma_error *err) {
    (void)ctx, (void)token, (void)logits;
    return roma_fail(err, ROMA_EIO, "", ROMA_NOWHERE, "the caller cannot go on");
}

static void test_refusals(const loaded *m) {
    roma_exec *e =
        engine(m, (roma_exec_config){.threads = 1, .context = CONTEXT, .sequences = 2, .rows = 16, .pages = 3});
    roma_batch *b;
    roma_error err = {0};
    uint32_t id;
    const roma_error *why;
    const int32_t prompt[CONTEXT + 1] = {1, 2, VOCAB, 0};
    roma_request r = {.prompt = prompt, .n_prompt = 2, .limit = 10, .proposals = true, .token = on_failure};
    roma_sampling_default(&r.sampling);
    CHECK_EQ(roma_batch_create(&b, e, &(roma_batch_config){.running = 3}, &err), ROMA_EUSAGE);
    CHECK_EQ(roma_batch_create(&b, e, &(roma_batch_config){.running = 1}, &err), 0);
    CHECK_EQ(roma_batch_submit(b, &r, &id, &err), 0);
    CHECK_EQ(roma_batch_step(b, &err), 0);
    CHECK_EQ(roma_batch_poll(b, id, &why)->rc, ROMA_EIO);
    CHECK_STR(why->text, "the caller cannot go on");
    roma_batch_finish(b, id);
    CHECK_EQ(roma_batch_poll(b, id, NULL)->state, ROMA_REQUEST_NONE);
    roma_request bad = r;
    bad.limit = 95;
    CHECK_EQ(roma_batch_submit(b, &bad, &id, &err), ROMA_ECONTEXT);
    CHECK_HAS(err.text, "97 tokens do not fit the cache's 3 pages");
    bad = r, bad.n_prompt = 3;
    CHECK_EQ(roma_batch_submit(b, &bad, &id, &err), ROMA_EINPUT);
    CHECK_HAS(err.text, "token 200 is not in the vocabulary of 200");
    bad = r, bad.n_prompt = CONTEXT + 1;
    CHECK_EQ(roma_batch_submit(b, &bad, &id, &err), ROMA_ECONTEXT);
    CHECK_HAS(err.text, "the prompt's 161 tokens do not fit the context of 160");
    for (bad = r, bad.adapters = 1; bad.adapters < 3; bad.adapters++) {
        CHECK_EQ(roma_batch_submit(b, &bad, &id, &err), ROMA_EINPUT);
        CHECK_HAS(err.text, bad.adapters == 1 ? "adapter set 1 is not defined" : "adapter set 2 is not defined");
    }
    for (int k = 0; k < 4; k++) { /* each that must be there is left out */
        bad = r;
        if (k == 0) bad.prompt = NULL;
        if (k == 1) bad.n_prompt = 0;
        if (k == 2) bad.limit = 0;
        if (k == 3) bad.token = NULL;
        CHECK_EQ(roma_batch_submit(b, &bad, &id, &err), ROMA_EINPUT);
        CHECK_HAS(err.text, "a request needs a prompt, a limit and a token function");
    }
    CHECK(roma_batch_is_idle(b)); /* nothing of all that was taken */
    r.limit = 94;
    CHECK_EQ(roma_batch_submit(b, &r, &id, &err), 0);
    CHECK_EQ(roma_batch_submit(b, &r, &id, &err), 0);
    CHECK_EQ(roma_batch_submit(b, &r, &id, &err), ROMA_EINPUT);
    CHECK_HAS(err.text, "2 requests wait or run already");
    CHECK(!roma_batch_is_idle(b));
    roma_batch_destroy(b);
    roma_exec_destroy(e);
}

/* Times are learned from steps that only generate, those of prompts say nothing about proposals. */
static void test_times(const loaded *m) {
    roma_exec *e = engine(m, (roma_exec_config){.threads = 1, .context = CONTEXT, .rows = 16, .logit_rows = 4});
    roma_batch *b;
    roma_error err = {0};
    uint32_t id;
    static work w;
    uint64_t dices = 3;
    make_work(&w, &dices, 3);
    const roma_request r = {w.prompt, 21, 6, 0, false, {.top_p = 1, .repeat_penalty = 1}, on_token, &w, NULL, NULL, 0};
    w.n = w.n_prompt = 21;
    w.stop_at = 0;
    CHECK_EQ(roma_batch_create(&b, e, &(roma_batch_config){.running = 1, .proposals = 3}, &err), 0);
    CHECK_EQ(roma_batch_submit(b, &r, &id, &err), 0);
    for (int steps = 0; steps < 2; steps++) CHECK_EQ(roma_batch_step(b, &err), 0); /* 16 and 5 rows */
    for (uint32_t i = 0; i <= 16; i++) CHECK_REAL(b->cost.time[i], 0);
    CHECK_EQ(roma_batch_step(b, &err), 0);
    for (uint32_t i = 0; i <= 16; i++) CHECK_EQ(b->cost.time[i] > 0, i == 1);
    while (!roma_batch_is_idle(b)) CHECK_EQ(roma_batch_step(b, &err), 0);
    CHECK_EQ(w.n, 27);
    roma_batch_destroy(b);
    roma_exec_destroy(e);
}

int main(void) {
    loaded m;
    totals all = {0};
    load_as(&m, ROMA_ARCH_LLAMA | LOAD_ORDERED,
            (roma_format){.bits = 4, .scale = ROMA_SCALE_F16, .min = ROMA_SCALE_F16, .group = 32}, 7);
    test_sharing(&m);
    test_refusals(&m);
    test_times(&m);
    test_eviction(&m);
    test_turns(&m);
    test_waiting(&m);
    test_workload(&m, &all, test_effort(300), 8, 5, 11, 16, 12);
    test_workload(&m, &all, test_effort(80), 2, 2, 5, 3, 2);
    test_workload(&m, &all, test_effort(120), 4, 4, 0, 64, 32);
    CHECK(all.cancelled > test_effort(5) && all.proposed > test_effort(100) && all.accepted > test_effort(50) &&
          all.shared > test_effort(1000));
    unload(&m);
    return TEST_DONE();
}
