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

/* Held at every so-manieth token, while others have its place; in one run its pages go to them meanwhile. */
static void stepwise(roma_answer *a, const asked *known, unsigned every) {
    static watched slow, fast[3];
    roma_error err = {0};
    unsigned holds = 0;
    const uint64_t ticket = begin(a, &slow, &known[0]);
    for (unsigned seen = 0; !atomic_load(&slow.overs);) {
        while (atomic_load(&slow.drawn) < seen + every && !atomic_load(&slow.overs))
            CHECK_EQ(roma_answer_step(a, &err), 0);
        if (atomic_load(&slow.overs)) break;
        seen = atomic_load(&slow.drawn);
        holds++;
        roma_answer_hold(a, ticket, true);
        for (unsigned i = 0; i < 3; i++) begin(a, &fast[i], &known[1 + i]);
        for (unsigned i = 0; i < 3; i++)
            while (!atomic_load(&fast[i].overs)) CHECK_EQ(roma_answer_step(a, &err), 0);
        CHECK_EQ(atomic_load(&slow.drawn), seen);
        for (unsigned i = 0; i < 3; i++) CHECK(is_same(&fast[i].q, &known[1 + i]));
        roma_answer_hold(a, ticket, false);
    }
    CHECK(is_same(&slow.q, &known[0]));
    CHECK_EQ(slow.q.result.drawn, known[0].drawn);
    CHECK(holds >= 2);
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
    CHECK(p.busy_s > 0 && later.busy_s - p.busy_s < 0.01);
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

/* Closing while a request is held ends it. */
static void closing(roma_answer *a, const asked *known) {
    static watched w;
    roma_error err = {0};
    const uint64_t ticket = begin(a, &w, &known[0]);
    roma_answer_hold(a, ticket, true);
    for (int i = 0; i < 5; i++) CHECK_EQ(roma_answer_step(a, &err), 0);
    CHECK_EQ(atomic_load(&w.overs), 0);
    roma_answer_close(a);
    CHECK_EQ(atomic_load(&w.overs), 1);
    CHECK_EQ(w.q.rc, ROMA_ECANCEL);
}

int main(void) {
    static asked known[4];
    /* One at a time, and pages for one: who is held loses place and pages to the others. */
    const roma_answer_config narrow = {.threads = 2, .running = 1, .waiting = 6, .kept = 1, .pages = 3, .context = 96},
                             wide = {.threads = 2, .running = 3, .waiting = 6, .kept = 3, .context = 96};
    tiny_make();
    roma_answer *a = tiny_start(narrow);
    roma_exec *e = tiny_engine(a, (roma_exec_config){.threads = 1, .context = 96});
    static const char *const questions[4] = {"Tell me a story about a dog.", "Who are you?", "Hi!", "Once upon a time"};
    for (unsigned i = 0; i < 4; i++) {
        ask_text(a, &known[i], questions[i], 0);
        known[i].ask.limit = 40;
        if (i != 1) known[i].ask.sampling.temperature = 0.9f;
        known[i].ask.sampling.seed = i;
        known[i].ask.sampling.presence_penalty = 0.75f;
        known[i].ask.sampling.frequency_penalty = 0.5f;
        if (i == 0) ask_stop(&known[i], " zoo", 4);
        alone(a, e, 0, &known[i]);
    }
    roma_exec_destroy(e);
    for (unsigned every = 1; every < 8; every += 3) stepwise(a, known, every);
    roma_answer_close(a);
    a = tiny_start(wide);
    for (unsigned every = 1; every < 8; every += 3) stepwise(a, known, every);
    asleep(a, known);
    roma_answer_close(a);
    closing(tiny_start(narrow), known);
    for (unsigned i = 0; i < 4; i++) roma_free(known[i].prompt);
    tiny_remove();
    return TEST_DONE();
}
