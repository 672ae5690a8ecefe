/* Four threads submit and cancel while the room's own thread, or the caller's, drives: every request has its `over`
 * once, those that were not cancelled answer as they do alone, and guests come in between the steps. Also run under
 * ThreadSanitizer (make tsan). */
#include <pthread.h>
#include <stdatomic.h>

#include "tiny.h"

enum { THREADS = 4, EACH = 24, QUESTIONS = 6 };

static const char *const questions[QUESTIONS] = {
    "Who are you?", "Tell me a story about a dog.", "Hi!", "What is your name?", "Once upon a time", "Tell me a joke."};
static asked known[QUESTIONS];

typedef struct {
    asked q;
    atomic_int overs; /* read by the thread that submitted it */
    atomic_bool is_held;
} live;

typedef struct {
    roma_answer *a;
    unsigned number;
    unsigned finished, cancelled, wrong; /* read when the thread has ended */
    bool has_lora;
} submitter;

static void live_over(void *ctx, const roma_answer_result *r) {
    live *l = ctx;
    on_over(&l->q, r);
    atomic_fetch_add(&l->overs, 1);
}

/* One that is held stays at its first token, and the driver with it, until it is cancelled. */
static void live_token(void *ctx, int32_t token, const float *logits) {
    live *l = ctx;
    on_token(&l->q, token, logits);
    while (atomic_load(&l->is_held)) usleep(100);
}

static void start_one(submitter *s, live *l, unsigned i, uint64_t *ticket) {
    const unsigned k = (unsigned)roma_random(s->number, i) % QUESTIONS;
    roma_error err = {0};
    memset(&l->q, 0, sizeof l->q);
    atomic_store(&l->overs, 0);
    atomic_store(&l->is_held, i == 2);
    l->q.prompt = known[k].prompt;
    l->q.n_prompt = known[k].n_prompt;
    l->q.ask = known[k].ask;
    roma_answer_request r = request_of(&l->q);
    r.ctx = l;
    r.over = live_over;
    r.token = live_token;
    for (;;) {
        const int rc = roma_answer_submit(s->a, &r, ticket, &err);
        if (rc != ROMA_EBUSY) {
            s->wrong += rc != 0;
            return;
        }
        usleep(500);
    }
}

static void end_one(submitter *s, live *l, unsigned i) {
    const unsigned k = (unsigned)roma_random(s->number, i) % QUESTIONS;
    while (!atomic_load(&l->overs)) usleep(200);
    if (l->q.rc == ROMA_ECANCEL)
        s->cancelled++;
    else if (l->q.rc == 0 && is_same(&l->q, &known[k]))
        s->finished++;
    else
        s->wrong++;
    s->wrong += atomic_load(&l->overs) != 1;
}

static bool reads_prompt(const roma_answer *a, unsigned k) {
    const roma_message m = {ROMA_ROLE_USER, questions[k], strlen(questions[k])};
    int32_t *ids;
    size_t n;
    roma_error err = {0};
    const bool is_same_prompt = !roma_answer_prompt(a, &m, 1, 0, &ids, &n, &err) && n == known[k].n_prompt &&
                                memcmp(ids, known[k].prompt, n * sizeof *ids) == 0;
    roma_free(ids);
    return is_same_prompt;
}

/* Three at a time, so that there is something to cancel; one in three is cancelled after a random while. Of the first
 * three it is the last one, which is held until then. */
static void *submits(void *ctx) {
    submitter *s = ctx;
    static live all[THREADS][3];
    live *mine = all[s->number];
    for (unsigned i = 0; i < EACH; i += 3) {
        uint64_t ticket[3];
        for (unsigned n = 0; n < 3; n++) start_one(s, &mine[n], i + n, &ticket[n]);
        if (s->has_lora && i % 6 == 0) {
            const roma_answer_adapter one = {"A", 1};
            roma_error err = {0};
            s->wrong += roma_answer_adapters_load(s->a, &one, 1, NULL, &err) != 0;
            s->wrong += roma_answer_adapter_open(s->a, "B", tiny_lora[1], 0, &err) != 0;
            s->wrong += !roma_answer_adapter_find(s->a, "B");
        }
        if (i % 6 == 3) s->wrong += !reads_prompt(s->a, i % QUESTIONS);
        usleep((unsigned)roma_random(40 + s->number, i) % 40000);
        roma_answer_cancel(s->a, ticket[i ? roma_random(50 + s->number, i) % 3 : 2]);
        atomic_store(&mine[2].is_held, false);
        for (unsigned n = 0; n < 3; n++) end_one(s, &mine[n], i + n);
    }
    return NULL;
}

static void *drives(void *ctx) {
    roma_error err = {0};
    return roma_answer_run(ctx, &err) ? ctx : NULL;
}

static void submit_from_threads(bool own_driver) {
    const roma_answer_config c = {
        .threads = 2, .running = 3, .waiting = 5, .kept = 3, .context = 96, .adapters = 1, .rank = 4};
    roma_answer *a = tiny_start(c);
    roma_exec *e = tiny_engine(a, (roma_exec_config){.threads = 2, .context = 96});
    pthread_t thread[THREADS], driver;
    submitter s[THREADS];
    roma_error err = {0};
    unsigned finished = 0, cancelled = 0, wrong = 0;
    CHECK_EQ(roma_answer_adapter_open(a, "A", tiny_lora[0], 0, &err), 0);
    for (unsigned i = 0; i < QUESTIONS; i++) {
        ask_text(a, &known[i], questions[i], 0);
        known[i].ask.limit = 4 + 2 * i;
        alone(a, e, 0, &known[i]);
    }
    roma_exec_destroy(e);
    if (own_driver)
        CHECK_EQ(roma_answer_spawn(a, &err), 0);
    else
        CHECK_EQ(pthread_create(&driver, NULL, drives, a), 0);
    for (unsigned i = 0; i < THREADS; i++) {
        s[i] = (submitter){.a = a, .number = i, .has_lora = i == 1};
        CHECK_EQ(pthread_create(&thread[i], NULL, submits, &s[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(thread[i], NULL);
        finished += s[i].finished;
        cancelled += s[i].cancelled;
        wrong += s[i].wrong;
    }
    CHECK_EQ(finished + cancelled, THREADS * EACH);
    CHECK_EQ(wrong, 0);
    CHECK(finished >= THREADS * EACH / 3 && cancelled >= THREADS);
    CHECK_EQ(roma_answer_under_way(a), 0);
    if (own_driver) {
        CHECK_EQ(roma_answer_spawn(a, &err), ROMA_EUSAGE); /* there is one */
    } else {
        roma_answer_end(a);
        void *failed;
        pthread_join(driver, &failed);
        CHECK(!failed);
    }
    printf("%u finished, %u cancelled\n", finished, cancelled);
    roma_answer_close(a);
    for (unsigned i = 0; i < QUESTIONS; i++) roma_free(known[i].prompt);
}

/* ---- callbacks that call ---- */

typedef struct {
    roma_answer *a;
    asked q;
    unsigned left, wrong;
    atomic_uint done;
} chain;

/* The end of one request submits the next; what may not be called from a callback says so. */
static void chain_over(void *ctx, const roma_answer_result *r) {
    chain *c = ctx;
    roma_error err = {0};
    uint32_t set;
    c->wrong += r->rc != 0;
    c->wrong += roma_answer_step(c->a, &err) != ROMA_EUSAGE;
    c->wrong += roma_answer_adapters_load(c->a, NULL, 0, &set, &err) != ROMA_EUSAGE;
    c->wrong += roma_answer_adapter_close(c->a, "A", &err) != ROMA_EUSAGE;
    if (--c->left) {
        roma_answer_request q = request_of(&c->q);
        q.ctx = c;
        q.text = NULL;
        q.token = NULL;
        q.over = chain_over;
        c->wrong += roma_answer_submit(c->a, &q, NULL, &err) != 0;
    }
    atomic_fetch_add(&c->done, 1);
}

static void test_chain(void) {
    static chain c;
    c.a = tiny_start((roma_answer_config){.threads = 1, .running = 1, .waiting = 1, .context = 64});
    c.left = 5;
    roma_error err = {0};
    ask_text(c.a, &c.q, questions[0], 0);
    c.q.ask.limit = 3;
    roma_answer_request q = request_of(&c.q);
    q.ctx = &c;
    q.text = NULL;
    q.token = NULL;
    q.over = chain_over;
    CHECK_EQ(roma_answer_spawn(c.a, &err), 0);
    CHECK_EQ(roma_answer_submit(c.a, &q, NULL, &err), 0);
    while (atomic_load(&c.done) < 5) usleep(500);
    roma_answer_close(c.a);
    CHECK_EQ(c.wrong, 0);
    roma_free(c.q.prompt);
}

/* Closing while the room's thread runs: every request has its end by then. */
static void test_close_while_running(void) {
    roma_answer *a = tiny_start((roma_answer_config){.threads = 2, .running = 2, .waiting = 4, .context = 256});
    static live l[6];
    roma_error err = {0};
    CHECK_EQ(roma_answer_spawn(a, &err), 0);
    for (unsigned i = 0; i < 6; i++) {
        ask_text(a, &l[i].q, questions[i], 0);
        l[i].q.ask.limit = 200;
        roma_answer_request r = request_of(&l[i].q);
        r.ctx = &l[i];
        r.over = live_over;
        r.token = live_token;
        CHECK_EQ(roma_answer_submit(a, &r, NULL, &err), 0);
    }
    usleep(3000);
    roma_answer_close(a);
    for (unsigned i = 0; i < 6; i++) {
        CHECK_EQ(atomic_load(&l[i].overs), 1);
        CHECK(l[i].q.rc == ROMA_ECANCEL || l[i].q.rc == 0);
        roma_free(l[i].q.prompt);
    }
}

int main(void) {
    tiny_make();
    roma_answer *a = tiny_open((roma_answer_config){0});
    tiny_make_loras(roma_answer_image(a));
    roma_answer_close(a);
    submit_from_threads(true);
    submit_from_threads(false);
    test_chain();
    test_close_while_running();
    tiny_remove();
    return TEST_DONE();
}
