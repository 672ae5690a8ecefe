/* Requests that are held: they generate nothing, keep the driver from nothing, and go on as if nothing had been. */
#include <stdatomic.h>

#include "tiny.h"

typedef struct {
    asked q;
    atomic_uint drawn;
    atomic_int overs;
} watched;

static void count_token(void *ctx, int32_t token, const float *logits) {
    watched *w = ctx;
    on_token(&w->q, token, logits);
    atomic_fetch_add(&w->drawn, 1);
}
static int keep_text(void *ctx, const char *text, size_t len) { return on_text(&((watched *)ctx)->q, text, len); }
static void note_over(void *ctx, const roma_answer_result *r) {
    watched *w = ctx;
    on_over(&w->q, r);
    atomic_fetch_add(&w->overs, 1);
}

static uint64_t begin(roma_answer *a, watched *w, const asked *like) {
    uint64_t ticket = 0;
    roma_error err = {0};
    memset(&w->q, 0, sizeof w->q);
    w->q.prompt = like->prompt;
    w->q.n_prompt = like->n_prompt;
    w->q.ask = like->ask;
    atomic_store(&w->drawn, 0);
    atomic_store(&w->overs, 0);
    roma_answer_request r = request_of(&w->q);
    r.ctx = w;
    r.token = count_token;
    r.text = keep_text;
    r.over = note_over;
    CHECK_EQ(roma_answer_submit(a, &r, &ticket, &err), 0);
    return ticket;
}

static void stepwise(roma_answer *a, const asked *known) {
    static watched slow, fast;
    roma_error err = {0};
    const uint64_t ticket = begin(a, &slow, &known[0]);
    while (!atomic_load(&slow.drawn)) CHECK_EQ(roma_answer_step(a, &err), 0);
    const unsigned before = atomic_load(&slow.drawn);
    roma_answer_hold(a, ticket, true);
    begin(a, &fast, &known[1]);
    while (!atomic_load(&fast.overs)) CHECK_EQ(roma_answer_step(a, &err), 0);
    CHECK_EQ(atomic_load(&slow.drawn), before);
    CHECK(is_same(&fast.q, &known[1]));
    roma_answer_hold(a, ticket, false);
    run_out(a);
    CHECK(is_same(&slow.q, &known[0]));
}

/* The driver sleeps while all that it has is held; a cancelled one ends from there, another goes on. */
static void asleep(roma_answer *a, const asked *known) {
    static watched w[2];
    roma_error err = {0};
    roma_answer_pulse p, later;
    uint64_t ticket[2];
    for (unsigned i = 0; i < 2; i++) {
        ticket[i] = begin(a, &w[i], &known[i]);
        roma_answer_hold(a, ticket[i], true);
    }
    CHECK_EQ(roma_answer_spawn(a, &err), 0);
    do {
        usleep(1000);
        roma_answer_pulse_get(a, &p);
    } while (!p.sleeps);
    CHECK(p.held <= 2);
    usleep(20000);
    roma_answer_pulse_get(a, &later);
    CHECK_EQ(later.steps, p.steps);
    CHECK(later.since_s >= 0.019);
    CHECK_EQ(atomic_load(&w[0].overs) + atomic_load(&w[1].overs), 0);
    roma_answer_cancel(a, ticket[0]);
    roma_answer_hold(a, ticket[1], false);
    while (!atomic_load(&w[0].overs) || !atomic_load(&w[1].overs)) usleep(500);
    CHECK_EQ(w[0].q.rc, ROMA_ECANCEL);
    CHECK_EQ(w[1].q.rc, 0);
    CHECK(is_same(&w[1].q, &known[1]));
    roma_answer_hold(a, ticket[1], true); /* over: nothing happens */
}

int main(void) {
    static asked known[2];
    const roma_answer_config c = {.threads = 2, .running = 3, .waiting = 3, .context = 96};
    tiny_make();
    roma_answer *a = tiny_start(c);
    roma_exec *e = tiny_engine(a, (roma_exec_config){.threads = 1, .context = 96});
    static const char *const questions[2] = {"Tell me a story about a dog.", "Who are you?"};
    for (unsigned i = 0; i < 2; i++) {
        ask_text(a, &known[i], questions[i], 0);
        alone(a, e, 0, &known[i]);
    }
    roma_exec_destroy(e);
    stepwise(a, known);
    asleep(a, known);
    roma_answer_close(a);
    for (unsigned i = 0; i < 2; i++) roma_free(known[i].prompt);
    tiny_remove();
    return TEST_DONE();
}
