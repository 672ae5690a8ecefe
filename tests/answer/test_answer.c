/* Answers of the tiny model: many at once give what each gives alone; stop texts, however they are cut into tokens;
 * cancels before, while and after; failures that touch no neighbour; adapters by name, more than there is room for. */
#include "../base/scarce.h"
#include "tiny.h"

static const char *const prompts[] = {"Tell me a story about a cat and a ball.",
                                      "Who are you?",
                                      "Tell me a story about a dog.",
                                      "What is your name?",
                                      "Tell me a story about a bird and a kite.",
                                      "\xc3\xa9t\xc3\xa9 \xe2\x82\xac 12 \xf0\x9f\x98\x80",
                                      "Hi!"};
enum { PROMPTS = sizeof prompts / sizeof *prompts };

static asked got[32], want[32];

/* The same questions to answer together and alone; what was asked of got[i] is then asked of want[i]. */
static void also_alone(const roma_answer *a, roma_exec *e, unsigned n) {
    for (unsigned i = 0; i < n; i++) {
        want[i] = got[i];
        for (size_t s = 0; s < got[i].ask.stops.n; s++) want[i].stops[s].text = want[i].stop_bytes[s];
        want[i].ask.stops.item = want[i].stops;
        alone(a, e, 0, &want[i]);
    }
}

static void check_same(unsigned n) {
    for (unsigned i = 0; i < n; i++) {
        CHECK_EQ(got[i].overs, 1);
        CHECK_EQ(got[i].rc, 0);
        const bool same = is_same(&got[i], &want[i]);
        CHECK(same);
        if (!same)
            fprintf(stderr, "%u: '%.*s' (%d) is not '%.*s' (%d)\n", i, (int)got[i].len, got[i].text, (int)got[i].stop,
                    (int)want[i].len, want[i].text, (int)want[i].stop);
    }
}

static void forget(unsigned n) {
    for (unsigned i = 0; i < n; i++) roma_free(got[i].prompt);
}

static void test_together(void) {
    roma_answer *a = tiny_start((roma_answer_config){.running = 4, .waiting = 28, .kept = 6, .context = 200});
    roma_exec *e = tiny_engine(a, (roma_exec_config){.context = 200});
    unsigned stops[5] = {0};
    for (unsigned i = 0; i < 32; i++) {
        ask_text(a, &got[i], prompts[i % PROMPTS], i % 3 == 0 ? ROMA_ANSWER_RAW : 0);
        got[i].ask.limit = i % 4 == 0 ? 1000 : 5 + i;
        got[i].ask.sampling.seed = i;
        if (i % 2) got[i].ask.sampling.temperature = 0.3f + 0.05f * (float)i;
        if (i % 5 == 1) ask_stop(&got[i], ".", 1);
        if (i % 7 == 2) ask_stop(&got[i], " the ", 5);
    }
    also_alone(a, e, 32);
    for (unsigned i = 0; i < 32; i++) submit(a, &got[i]);
    CHECK_EQ(roma_answer_under_way(a), 32);
    run_out(a);
    check_same(32);
    for (unsigned i = 0; i < 32; i++) {
        stops[got[i].stop]++;
        CHECK_EQ(got[i].drawn, want[i].drawn);
        CHECK_EQ(got[i].result.drawn, got[i].drawn);
        CHECK(got[i].result.first_s > 0 && got[i].result.seconds >= got[i].result.first_s);
    }
    CHECK(stops[ROMA_ANSWER_EOS] && stops[ROMA_ANSWER_STOP] && stops[ROMA_ANSWER_LENGTH]);
    forget(32);
    roma_exec_destroy(e);
    roma_answer_close(a);
}

typedef struct {
    size_t calls, last, n;
    bool ascends;
} reading;
static void on_prompt(void *ctx, size_t done, size_t n) {
    reading *r = ctx;
    r->ascends &= done > r->last && done < n;
    r->last = done;
    r->n = n;
    r->calls++;
}

/* A prompt of more rows than a step has is read in several, of which all but the last are told. */
static void test_prompt_read(void) {
    roma_answer *a = tiny_start((roma_answer_config){.running = 1, .rows = 4, .context = 64});
    roma_error err = {0};
    reading r = {.ascends = true};
    ask_text(a, &got[0], prompts[0], 0);
    roma_answer_request q = request_of(&got[0]);
    q.ctx = &r;
    q.text = NULL;
    q.token = NULL;
    q.over = NULL;
    q.prompt_read = on_prompt;
    CHECK_EQ(roma_answer_submit(a, &q, NULL, &err), 0);
    run_out(a);
    CHECK(r.ascends);
    CHECK_EQ(r.n, got[0].n_prompt);
    CHECK_EQ(r.calls, (got[0].n_prompt - 1) / 4);
    forget(1);
    roma_answer_close(a);
}

static void test_context(void) {
    roma_answer *a = tiny_start((roma_answer_config){.running = 1, .context = 20});
    roma_exec *e = tiny_engine(a, (roma_exec_config){.context = 20});
    roma_error err = {0};
    ask_text(a, &got[0], "Once upon a time", ROMA_ANSWER_RAW);
    got[0].ask.limit = 1000;
    also_alone(a, e, 1);
    CHECK_EQ(want[0].stop, ROMA_ANSWER_CONTEXT);
    submit(a, &got[0]);
    run_out(a);
    check_same(1);
    forget(1);
    ask_text(a, &got[0], "Tell me a story about a cat and a ball, a dog, a bird, a kite and a red house.", 0);
    const roma_answer_request r = request_of(&got[0]);
    CHECK_EQ(roma_answer_submit(a, &r, NULL, &err), ROMA_ECONTEXT);
    CHECK_EQ(roma_answer_under_way(a), 0);
    forget(1);
    roma_exec_destroy(e);
    roma_answer_close(a);
}

/* Stop texts out of what the model says: any piece of it must end the answer there; the same piece with another last
 * byte must not; texts never show the beginning of one that comes. */
static void test_stops(void) {
    roma_answer *a = tiny_start((roma_answer_config){.running = 8, .waiting = 24, .context = 256});
    roma_exec *e = tiny_engine(a, (roma_exec_config){.context = 256});
    ask_text(a, &want[0], prompts[0], 0);
    want[0].ask.limit = 40;
    alone(a, e, 0, &want[0]);
    const asked whole = want[0];
    CHECK(whole.len > 80);
    for (unsigned i = 0; i < 32; i++) {
        const size_t at = roma_random(3, i) % (whole.len - 30), len = 1 + roma_random(4, i) % 25;
        char miss[64];
        ask_text(a, &got[i], prompts[0], 0);
        got[i].ask.limit = 40;
        memcpy(miss, whole.text + at, len);
        miss[len - 1] = '~'; /* which this model does not say */
        ask_stop(&got[i], miss, len);
        if (i % 2) ask_stop(&got[i], whole.text + at, len);
        if (i % 4 == 3) ask_stop(&got[i], whole.text + at + 1, len);
    }
    also_alone(a, e, 32);
    for (unsigned i = 0; i < 32; i++) submit(a, &got[i]);
    run_out(a);
    check_same(32);
    for (unsigned i = 0; i < 32; i++) CHECK_EQ(got[i].stop, i % 2 ? ROMA_ANSWER_STOP : ROMA_ANSWER_LENGTH);
    forget(32);
    roma_free(whole.prompt);
    roma_exec_destroy(e);
    roma_answer_close(a);
}

/* ---- cancels ---- */

static void test_cancel(void) {
    roma_answer *a = tiny_start((roma_answer_config){.running = 2, .waiting = 2, .context = 256});
    roma_exec *e = tiny_engine(a, (roma_exec_config){.context = 256});
    roma_error err = {0};
    uint64_t ticket[4];
    for (unsigned i = 0; i < 4; i++) ask_text(a, &got[i], prompts[i], 0);
    got[2].refuse_at = 3;
    also_alone(a, e, 4);
    for (unsigned i = 0; i < 4; i++) ticket[i] = submit(a, &got[i]);
    const roma_answer_request one_more = request_of(&got[0]);
    CHECK_EQ(roma_answer_submit(a, &one_more, NULL, &err), ROMA_EBUSY);
    roma_answer_cancel(a, ticket[0]); /* before it has begun */
    CHECK_EQ(got[0].overs, 0);
    CHECK_EQ(roma_answer_step(a, &err), 0);
    CHECK_EQ(got[0].overs, 1);
    CHECK_EQ(got[0].rc, ROMA_ECANCEL);
    CHECK_EQ(got[0].len, 0);
    while (got[1].texts < 4) CHECK_EQ(roma_answer_step(a, &err), 0);
    roma_answer_cancel(a, ticket[1]); /* while it grows */
    roma_answer_cancel(a, ticket[1]);
    run_out(a);
    CHECK_EQ(got[1].overs, 1);
    CHECK_EQ(got[1].rc, ROMA_ECANCEL);
    CHECK_EQ(got[1].stop, ROMA_ANSWER_NONE);
    CHECK(got[1].len > 0 && got[1].len < want[1].len && memcmp(got[1].text, want[1].text, got[1].len) == 0);
    CHECK_EQ(got[2].rc, ROMA_ECANCEL); /* by its own callback */
    CHECK_EQ(got[2].texts, 3);
    CHECK_EQ(got[3].rc, 0);
    CHECK(is_same(&got[3], &want[3]));
    forget(4);
    ask_text(a, &got[0], prompts[0], 0); /* old tickets mean nothing to who has their places now */
    const uint64_t fresh = submit(a, &got[0]);
    for (unsigned i = 0; i < 4; i++) {
        CHECK(ticket[i] != fresh);
        roma_answer_cancel(a, ticket[i]);
    }
    roma_answer_cancel(a, 0);
    roma_answer_cancel(a, UINT64_MAX);
    run_out(a);
    CHECK_EQ(got[0].rc, 0);
    forget(1);
    roma_exec_destroy(e);
    roma_answer_close(a);
}

/* What a stop text held back comes out when the request is cancelled. */
static void test_held(void) {
    roma_answer *a = tiny_start((roma_answer_config){.running = 1, .context = 256});
    roma_exec *e = tiny_engine(a, (roma_exec_config){.context = 256});
    roma_error err = {0};
    ask_text(a, &got[0], prompts[0], 0);
    also_alone(a, e, 1);
    char stop[64];
    memcpy(stop, want[0].text, 40);
    stop[40] = '~';
    ask_stop(&got[0], stop, 41);
    const uint64_t ticket = submit(a, &got[0]);
    while (got[0].drawn < 4) CHECK_EQ(roma_answer_step(a, &err), 0);
    CHECK_EQ(got[0].len, 0);
    roma_answer_cancel(a, ticket);
    run_out(a);
    CHECK_EQ(got[0].rc, ROMA_ECANCEL);
    CHECK(got[0].len > 4 && memcmp(got[0].text, want[0].text, got[0].len) == 0);
    forget(1);
    roma_exec_destroy(e);
    roma_answer_close(a);
}

static void test_close(void) {
    roma_answer *a = tiny_start((roma_answer_config){.running = 2, .waiting = 4, .context = 256});
    roma_error err = {0};
    uint64_t last = 0;
    for (unsigned i = 0; i < 5; i++) {
        ask_text(a, &got[i], prompts[i], 0);
        last = submit(a, &got[i]);
    }
    for (unsigned i = 0; i < 3; i++) CHECK_EQ(roma_answer_step(a, &err), 0);
    roma_answer_stop(a);
    for (unsigned i = 0; i < 5; i++) {
        CHECK_EQ(got[i].overs, 1);
        CHECK_EQ(got[i].rc, ROMA_ECANCEL);
    }
    const roma_answer_request r = request_of(&got[0]);
    CHECK_EQ(roma_answer_submit(a, &r, NULL, &err), ROMA_EUSAGE);
    CHECK_EQ(roma_answer_step(a, &err), ROMA_EUSAGE);
    const roma_answer_config again = {.running = 1, .context = 256};
    CHECK_EQ(roma_answer_start(a, &again, &err), 0);
    CHECK_EQ(roma_answer_start(a, &again, &err), ROMA_EUSAGE);
    got[0].overs = 0;
    CHECK(submit(a, &got[0]) > last);
    run_out(a);
    CHECK_EQ(got[0].rc, 0);
    forget(5);
    roma_answer_close(a);
}

/* ---- failures ---- */

static void test_failing(void) {
    roma_answer *a = tiny_start((roma_answer_config){.running = 3, .waiting = 3, .context = 256});
    roma_exec *e = tiny_engine(a, (roma_exec_config){.context = 256});
    roma_error err = {0};
    for (unsigned i = 0; i < 3; i++) ask_text(a, &got[i], prompts[i], 0);
    also_alone(a, e, 3);
    got[1].prompt[3] = 1 << 20; /* only the engine knows its vocabulary */
    for (unsigned i = 0; i < 3; i++) submit(a, &got[i]);
    run_out(a);
    CHECK_EQ(got[1].rc, ROMA_EINPUT);
    CHECK_EQ(got[1].overs, 1);
    CHECK(is_same(&got[0], &want[0]) && is_same(&got[2], &want[2]));
    roma_answer_request r = request_of(&got[0]);
    r.n_prompt = 0;
    CHECK_EQ(roma_answer_submit(a, &r, NULL, &err), ROMA_EINPUT);
    r = request_of(&got[0]);
    r.ask.limit = 0;
    CHECK_EQ(roma_answer_submit(a, &r, NULL, &err), ROMA_EUSAGE);
    r = request_of(&got[0]);
    r.ask.sampling.top_p = 7;
    CHECK_EQ(roma_answer_submit(a, &r, NULL, &err), ROMA_EUSAGE);
    const roma_answer_text empty = {"", 0};
    r = request_of(&got[0]);
    r.ask.stops = (roma_answer_texts){&empty, 1};
    CHECK_EQ(roma_answer_submit(a, &r, NULL, &err), ROMA_EUSAGE);
    const roma_answer_adapter nobody = {"nobody", 1};
    r = request_of(&got[0]);
    r.adapters = &nobody;
    r.n_adapters = 1;
    CHECK_EQ(roma_answer_submit(a, &r, NULL, &err), ROMA_EINPUT);
    CHECK(strstr(err.text, "nobody") != NULL);
    scarce_begin(0);
    r = request_of(&got[0]);
    CHECK_EQ(roma_answer_submit(a, &r, NULL, &err), ROMA_ENOMEM);
    roma_allocator_set(NULL);
    CHECK_EQ(roma_answer_under_way(a), 0);
    forget(3);
    roma_exec_destroy(e);
    roma_answer_close(a);
}

/* An error of the engine itself, made by emptying a sequence behind its back: it ends what runs, each with that error,
 * leaves what waits, and later requests are answered. */
static void test_engine_error(void) {
    roma_answer *a = tiny_start((roma_answer_config){.running = 2, .waiting = 2, .context = 256});
    roma_exec *e = tiny_engine(a, (roma_exec_config){.context = 256});
    roma_error err = {0};
    for (unsigned i = 0; i < 3; i++) ask_text(a, &got[i], prompts[i], 0);
    also_alone(a, e, 3);
    for (unsigned i = 0; i < 3; i++) submit(a, &got[i]);
    while (got[0].texts < 2 || got[1].texts < 2) CHECK_EQ(roma_answer_step(a, &err), 0);
    for (uint32_t s = 0; s < 2; s++) roma_exec_truncate(roma_answer_engine(a), s, 0);
    CHECK_EQ(roma_answer_step(a, &err), ROMA_EINPUT);
    for (unsigned i = 0; i < 2; i++) {
        CHECK_EQ(got[i].rc, ROMA_EINPUT);
        CHECK_EQ(got[i].overs, 1);
        CHECK(got[i].len > 0 && memcmp(got[i].text, want[i].text, got[i].len) == 0);
    }
    submit(a, &got[0]);
    got[0].len = got[0].drawn = 0;
    got[0].overs = 0;
    run_out(a);
    for (unsigned i = 0; i < 3; i += 2) CHECK(got[i].rc == 0 && is_same(&got[i], &want[i]));
    forget(3);
    roma_exec_destroy(e);
    roma_answer_close(a);
}

/* A request takes its memory when it is submitted: no step allocates. */
static void test_memory(void) {
    roma_answer *a = tiny_start((roma_answer_config){.running = 3, .waiting = 3, .context = 256});
    roma_error err = {0};
    for (unsigned i = 0; i < 6; i++) {
        ask_text(a, &got[i], prompts[i % 3], 0);
        ask_stop(&got[i], "never said", 10);
        submit(a, &got[i]);
    }
    const uint64_t before = roma_alloc_count();
    run_out(a);
    CHECK_EQ(roma_alloc_count(), before);
    for (unsigned i = 0; i < 6; i++) CHECK_EQ(got[i].rc, 0);
    forget(6);
    roma_answer_close(a);
    for (int n = 0; n < 40; n++) { /* at every allocation in turn */
        const roma_answer_config c = {.image = tiny_path, .threads = 1, .running = 1, .context = 64};
        roma_answer *b = NULL;
        scarce_begin(n);
        int rc = roma_answer_open(&b, &c, &err);
        if (!rc) rc = roma_answer_start(b, &c, &err);
        roma_answer_close(b);
        roma_allocator_set(NULL);
        CHECK(rc == 0 || rc == ROMA_ENOMEM);
    }
}

static void test_refusals(void) {
    roma_answer *a = (roma_answer *)1;
    roma_error err = {0};
    roma_answer_config c = {.image = "/nonexistent.roma"};
    CHECK_EQ(roma_answer_open(&a, &c, &err), ROMA_EINPUT);
    CHECK(a == NULL);
    c.image = tiny_path;
    c.chat_template = "chatlm";
    CHECK_EQ(roma_answer_open(&a, &c, &err), ROMA_EUSAGE);
    CHECK(strstr(err.text, "chatml") != NULL);
    c.chat_template = "none";
    CHECK_EQ(roma_answer_open(&a, &c, &err), 0);
    const roma_message m[] = {{ROMA_ROLE_SYSTEM, "x", 1}, {ROMA_ROLE_USER, "y", 1}};
    int32_t *ids;
    size_t n;
    CHECK(roma_answer_is_raw(a, 0));
    CHECK_EQ(roma_answer_prompt(a, m, 2, 0, &ids, &n, &err), ROMA_EUSAGE);
    CHECK_EQ(roma_answer_prompt(a, m + 1, 0, 0, &ids, &n, &err), ROMA_EINPUT);
    CHECK(ids == NULL && n == 0);
    c.running = 1;
    c.context = 64;
    c.adapters = c.rank = 1;
    for (uint32_t bits = 20; bits < 32; bits++) {
        c.waiting = bits == 31 ? UINT32_MAX : (1u << bits) + 1;
        CHECK_EQ(roma_answer_start(a, &c, &err), ROMA_EUSAGE);
    }
    c.waiting = 0;
    c.adapters = c.rank = 0;
    c.context = 256;
    c.sram_bytes = 1000;
    CHECK_EQ(roma_answer_start(a, &c, &err), ROMA_EINPUT);
    CHECK(roma_answer_engine(a) == NULL);
    roma_answer_close(a);
    roma_answer_close(NULL);
}

/* ---- adapters ---- */

static void test_parse(void) {
    char name[ROMA_ANSWER_NAME_MAX + 1];
    float factor;
    roma_error err;
    CHECK_EQ(roma_answer_adapter_parse("a.roma", name, &factor, &err), 0);
    CHECK(strcmp(name, "a.roma") == 0 && factor == 1);
    CHECK_EQ(roma_answer_adapter_parse("C:a.roma:-0.5", name, &factor, &err), 0);
    CHECK(strcmp(name, "C:a.roma") == 0 && factor == -0.5f);
    CHECK_EQ(roma_answer_adapter_parse("a:b", name, &factor, &err), 0);
    CHECK(strcmp(name, "a:b") == 0 && factor == 1);
    CHECK_EQ(roma_answer_adapter_parse("a:0", name, &factor, &err), 0); /* switched off */
    CHECK(strcmp(name, "a") == 0 && factor == 0);
    CHECK_EQ(roma_answer_adapter_parse("a:1e9", name, &factor, &err), ROMA_EUSAGE);
    CHECK_EQ(roma_answer_adapter_parse("", name, &factor, &err), ROMA_EUSAGE);
}

/* Lists that the requests of test_adapters have: none, A, B, A at half, both. */
enum { LISTS = 5 };
static void give_list(asked *q, unsigned k) {
    static const roma_answer_adapter a = {"A", 1}, b = {"B", 1}, half = {"A", 0.5f};
    q->n_list = k == 0 ? 0 : k == 4 ? 2 : 1;
    q->list[0] = k == 2 ? b : k == 3 ? half : a;
    q->list[1] = b;
}

static void define_sets(roma_exec *e, roma_adapter ad[2]) {
    const float half = 0.5f;
    uint32_t id[2];
    roma_error err = {0};
    for (int i = 0; i < 2; i++) {
        CHECK_EQ(roma_adapter_open(&ad[i], tiny_lora[i], 0, &err), 0);
        CHECK_EQ(roma_exec_adapter_load(e, &ad[i], 0, "", &id[i], &err), 0);
    }
    CHECK_EQ(roma_exec_adapter_set(e, 1, id, NULL, 1, &err), 0);
    CHECK_EQ(roma_exec_adapter_set(e, 2, id + 1, NULL, 1, &err), 0);
    CHECK_EQ(roma_exec_adapter_set(e, 3, id, &half, 1, &err), 0);
    CHECK_EQ(roma_exec_adapter_set(e, 4, id, NULL, 2, &err), 0);
}

/* room: adapters that the engine has room for; with one, lists of one take turns. */
static void adapters_with_room(uint32_t room) {
    roma_answer_config c = {
        .running = 3, .waiting = 29, .kept = 2, .context = 128, .adapters = room, .rank = 4, .stack = 2};
    roma_answer *a = tiny_open(c);
    roma_adapter ad[2];
    roma_error err = {0};
    const unsigned lists = room == 1 ? LISTS - 1 : LISTS;
    CHECK_EQ(roma_answer_adapter_open(a, "A", tiny_lora[0], 0, &err), 0);
    CHECK_EQ(roma_answer_start(a, &c, &err), 0);
    CHECK_EQ(roma_answer_adapter_open(a, "B", tiny_lora[1], 0, &err), 0);
    CHECK_EQ(roma_answer_adapter_open(a, "B", "/nonexistent", 0, &err), 0); /* it is open */
    CHECK_EQ(roma_answer_adapter_open(a, "C", "/nonexistent", 0, &err), ROMA_EINPUT);
    CHECK(roma_answer_adapter_find(a, "A") && !roma_answer_adapter_find(a, "C"));
    CHECK(!roma_answer_adapter_is_loaded(a, "A") && !roma_answer_adapter_is_loaded(a, "C"));
    roma_exec *e = tiny_engine(a, (roma_exec_config){.context = 128,
                                                     .adapters = 2,
                                                     .adapter_rank = 4,
                                                     .adapter_stack = 2,
                                                     .adapter_sets = 4,
                                                     .adapter_bytes = 1 << 24});
    define_sets(e, ad);
    for (unsigned i = 0; i < 32; i++) {
        ask_text(a, &got[i], prompts[i % 4], 0);
        give_list(&got[i], (unsigned)(roma_random(9, i) % lists));
        got[i].ask.limit = 8;
        want[i] = got[i];
        const unsigned set = got[i].n_list == 2            ? 4
                             : got[i].n_list == 0          ? 0
                             : got[i].list[0].factor < 1   ? 3
                             : *got[i].list[0].name == 'B' ? 2
                                                           : 1;
        alone(a, e, set, &want[i]);
        submit(a, &got[i]);
    }
    CHECK_EQ(roma_answer_step(a, &err), 0);
    CHECK_EQ(roma_answer_adapter_close(a, "A", &err), ROMA_EBUSY);
    run_out(a);
    check_same(32);
    uint32_t set = 0;
    CHECK_EQ(roma_answer_adapters_load(a, got[0].list, 1, &set, &err), 0);
    CHECK(set > 0);
    const bool first_is_b = strcmp(got[0].list[0].name, "B") == 0;
    CHECK(roma_answer_adapter_is_loaded(a, first_is_b ? "B" : "A"));
    CHECK(roma_answer_adapter_is_loaded(a, first_is_b ? "A" : "B") == (room == 2));
    CHECK_EQ(roma_answer_adapters_load(a, NULL, 0, &set, &err), 0);
    CHECK_EQ(set, 0);
    give_list(&got[0], 4);
    CHECK_EQ(roma_answer_adapters_load(a, got[0].list, 2, &set, &err), room == 1 ? ROMA_EINPUT : 0);
    CHECK_EQ(roma_answer_adapter_close(a, "A", &err), 0);
    CHECK_EQ(roma_answer_adapter_close(a, "A", &err), ROMA_EINPUT);
    CHECK_EQ(roma_answer_adapters_load(a, got[0].list, 1, &set, &err), ROMA_EINPUT);
    CHECK_EQ(roma_answer_adapter_open(a, "A", tiny_lora[1], 0, &err), 0); /* the name is another's now */
    give_list(&got[1], 1);
    give_list(&want[1], 2);
    want[1].overs = got[1].overs = 0;
    want[1].len = got[1].len = 0;
    alone(a, e, 2, &want[1]);
    submit(a, &got[1]);
    run_out(a);
    CHECK(is_same(&got[1], &want[1]));
    forget(32);
    for (int i = 0; i < 2; i++) roma_adapter_close(&ad[i]);
    roma_exec_destroy(e);
    roma_answer_close(a);
}

static void test_adapters(void) {
    adapters_with_room(2);
    adapters_with_room(1);
}

/* More lists than sets: those behind get EBUSY, and the first may come again. */
static void test_sets(void) {
    roma_answer_config c = {.running = 2, .waiting = 2, .context = 64, .adapters = 2, .rank = 4, .sets = 1};
    roma_answer *a = tiny_start(c);
    roma_error err = {0};
    for (unsigned i = 0; i < 2; i++) CHECK_EQ(roma_answer_adapter_open(a, i ? "B" : "A", tiny_lora[i], 0, &err), 0);
    for (unsigned i = 0; i < 3; i++) {
        ask_text(a, &got[i], prompts[i], 0);
        give_list(&got[i], i == 1 ? 2 : 1);
    }
    submit(a, &got[0]);
    const roma_answer_request other = request_of(&got[1]);
    CHECK_EQ(roma_answer_submit(a, &other, NULL, &err), ROMA_EBUSY);
    submit(a, &got[2]);
    run_out(a);
    submit(a, &got[1]);
    run_out(a);
    for (unsigned i = 0; i < 3; i++) CHECK_EQ(got[i].rc, 0);
    forget(3);
    roma_answer_close(a);
}

/* A conversation saved under an adapter goes on in another program that opened the adapter under another name. */
static void test_saved(void) {
    roma_answer_config c = {.running = 1, .kept = 1, .context = 128, .adapters = 1, .rank = 4};
    const roma_answer_adapter a_list = {"A", 0.5f}, b_list = {"mine", 0.5f}, other = {"mine", 1};
    roma_answer *a = tiny_start(c), *b = tiny_start(c), *bare = tiny_open(c);
    roma_error err = {0};
    roma_saved saved;
    char path[64];
    uint32_t held = 0;
    snprintf(path, sizeof path, "/tmp/roma-test-saved-answer-%d", (int)getpid());
    CHECK_EQ(roma_answer_adapter_open(a, "A", tiny_lora[0], 0, &err), 0);
    CHECK_EQ(roma_answer_adapter_open(b, "mine", tiny_lora[0], 0, &err), 0);
    ask_text(a, &got[0], prompts[0], 0);
    got[0].n_list = 1;
    got[0].list[0] = a_list;
    submit(a, &got[0]);
    run_out(a);
    int32_t all[IDS_MAX];
    const size_t n = got[0].n_prompt + got[0].n_ids;
    memcpy(all, got[0].prompt, got[0].n_prompt * sizeof *all);
    memcpy(all + got[0].n_prompt, got[0].ids, got[0].n_ids * sizeof *all);
    CHECK_EQ(roma_answer_cache_save(a, path, all, n, &a_list, 1, (roma_answer_text){"a\0b", 3}, &held, &err), 0);
    CHECK_EQ(held, n - 1);
    CHECK_EQ(roma_answer_cache_save(a, path, all, n, &b_list, 1, (roma_answer_text){0}, &held, &err), ROMA_EINPUT);
    CHECK_EQ(roma_answer_cache_load(bare, path, NULL, 0, &saved, &err), ROMA_EUSAGE);
    CHECK_EQ(roma_answer_cache_save(bare, path, all, n, NULL, 0, (roma_answer_text){0}, &held, &err), ROMA_EUSAGE);
    CHECK_EQ(roma_answer_cache_load(b, path, NULL, 0, &saved, &err), ROMA_EINPUT);
    CHECK_EQ(roma_answer_cache_load(b, path, &other, 1, &saved, &err), ROMA_EINPUT);
    CHECK_EQ(roma_answer_cache_load(b, path, &b_list, 1, &saved, &err), 0);
    CHECK(saved.n_ids == held && memcmp(saved.ids, all, held * sizeof *all) == 0);
    CHECK(saved.n_text == 3 && memcmp(saved.text, "a\0b", 4) == 0);
    roma_saved_free(&saved);
    want[0] = got[0];
    want[0].prompt = all;
    want[0].n_prompt = n;
    want[0].len = want[0].n_ids = 0;
    got[1] = want[0];
    want[0].list[0] = b_list;
    submit(b, &want[0]);
    run_out(b);
    CHECK_EQ(want[0].result.batch.shared, held);
    submit(a, &got[1]);
    run_out(a);
    CHECK(is_same(&got[1], &want[0]));
    unlink(path);
    forget(1);
    roma_answer_close(a);
    roma_answer_close(b);
    roma_answer_close(bare);
}

/* ---- lines ---- */

static void test_lines(void) {
    static const char file[] =
        "{\"prompt\": \"a\", \"stop\": [\"x\", \"yz\"], \"lora\": \"f:2\", \"n\": 3, \"id\": 7}\n"
        "\n{\"prompt\": \"b\\u0000c\", \"raw\": true}\n";
    roma_answer_line usual = {.system = {"be kind", 7}};
    roma_answer_lines l;
    roma_error err = {0};
    roma_answer_ask_default(&usual.ask);
    CHECK_EQ(roma_answer_lines_read(&l, "f", file, sizeof file - 1, &usual, &err), 0);
    CHECK_EQ(l.n, 2);
    CHECK_EQ(l.line[0].ask.stops.n, 2);
    CHECK_EQ(l.line[0].ask.limit, 3);
    CHECK(l.line[0].has_adapters && !l.line[1].has_adapters && l.line[0].id_is_number);
    CHECK(l.line[1].raw && l.line[1].prompt.len == 3 && l.line[1].line == 3 && l.line[1].system.len == 7);
    roma_answer_lines_free(&l);
    CHECK_EQ(roma_answer_lines_read(&l, "f", " ", 1, &usual, &err), ROMA_EINPUT);
    CHECK(strstr(err.text, "no request") != NULL);
    roma_answer_lines_free(&l);
}

/* A bad line is an error of its own, with the id that it has somewhere; the others are read. */
static void test_bad_lines(void) {
    static const char file[] =
        "{\"promt\": 1, \"id\": 5}\n{\"prompt\": \"a\"}\n{\"prompt\": \"\\x\", \"id\": \"late\"}\n"
        "{\"body\": {\"prompt\": \"a\", \"n\": 2, \"id\": 9}, \"custom_id\": \"c\"}\n{\"id\": {\"id\": 1}}\n";
    static const char *const says[] = {"line 1: column 2: unknown key promt, did you mean prompt?", NULL,
                                       "a bad escape", "n must be 1", "id must be a text or a number"};
    roma_answer_line usual = {0};
    roma_answer_lines l;
    roma_answer_ask_default(&usual.ask);
    CHECK_EQ(roma_answer_lines_read(&l, "f", file, sizeof file - 1, &usual, NULL), 0);
    CHECK_EQ(l.n, 5);
    for (size_t i = 0; i < l.n; i++) {
        CHECK_EQ(l.line[i].rc, says[i] ? ROMA_EINPUT : 0);
        CHECK(says[i] ? l.line[i].error && strstr(l.line[i].error, says[i]) : !l.line[i].error);
        CHECK_EQ(l.line[i].line, i + 1);
    }
    CHECK(l.line[0].id_is_number && l.line[0].id.text && strcmp(l.line[0].id.text, "5") == 0);
    CHECK(!l.line[2].id_is_number && l.line[2].id.text && strcmp(l.line[2].id.text, "late") == 0);
    CHECK(l.line[3].is_batch && l.line[3].id.text && strcmp(l.line[3].id.text, "c") == 0);
    CHECK(!l.line[4].id.text);
    roma_answer_lines_free(&l);
}

/* OpenAI's form and its names; null is as if the key were not there. */
static void test_batch_lines(void) {
    static const char file[] =
        "{\"custom_id\": \"a\", \"method\": \"POST\", \"url\": \"/v1/chat/completions\", \"body\": {\"model\": \"m\", "
        "\"n\": 1,"
        " \"messages\": [], \"max_tokens\": 7, \"temperature\": 0.5, \"top_p\": null, \"stop\": null, \"seed\": -1,"
        " \"logit_bias\": {\"3\": -100, \"4\": 1.5}, \"presence_penalty\": 1, \"frequency_penalty\": -2, \"logprobs\": "
        "true,"
        " \"top_logprobs\": 4, \"stream\": false, \"response_format\": {\"type\": \"text\"}, \"user\": {\"x\": [1]}}}\n"
        "{\"body\": {\"prompt\": \"p\", \"seed\": 5}, \"custom_id\": null}\n"
        "{\"body\": {\"prompt\": \"p\", \"response_format\": {\"type\": \"regex\"}}}\n"
        "{\"body\": {\"prompt\": \"p\"}, \"n\": 2}\n{\"custom_id\": \"x\"}\n{\"body\": {\"prompt\": \"p\", \"stream\": "
        "true}}\n"
        "{\"body\": {\"prompt\": \"p\", \"logit_bias\": {\"-1\": 2}}}\n{\"prompt\": \"p\", \"logit_bias\": {\"1\": "
        "101}}\n"
        "{\"url\": \"/v1/embeddings\", \"body\": {\"prompt\": \"p\"}}\n{\"prompt\": \"p\", \"presence_penalty\": "
        "2.5}\n";
    roma_answer_line usual = {.seeded = true};
    roma_answer_lines l;
    roma_answer_ask_default(&usual.ask);
    usual.ask.sampling.top_p = 0.25f;
    CHECK_EQ(roma_answer_lines_read(&l, "f", file, sizeof file - 1, &usual, NULL), 0);
    CHECK_EQ(l.n, 10);
    const roma_answer_line *q = &l.line[0];
    const roma_sampling *s = &q->ask.sampling;
    CHECK(!q->rc && q->is_batch && !q->raw && q->messages.len == 2 && q->ask.limit == 7 && !q->seeded);
    CHECK(s->n_bias == 2 && s->bias[0].id == 3 && s->bias[0].bias < -99 && s->bias[1].id == 4 && s->bias[1].bias > 1);
    CHECK(s->presence_penalty > 0.9f && s->frequency_penalty < -1.9f && s->top_p < 0.3f && s->temperature > 0.4f);
    CHECK(q->logprobs && q->top == 4 && strcmp(q->model.text, "m") == 0 && strcmp(q->id.text, "a") == 0);
    CHECK(l.line[1].rc == ROMA_EINPUT && strstr(l.line[1].error, "custom_id must be a text"));
    static const char *const says[] = {"response_format: type must be",
                                       "its settings stand in there",
                                       "a body is missing",
                                       "stream must be false",
                                       "no token's id",
                                       "a bias must lie in -100 to 100",
                                       "url must be",
                                       "presence penalty must lie"};
    for (size_t i = 0; i < 8; i++) CHECK(l.line[2 + i].rc && strstr(l.line[2 + i].error, says[i]));
    roma_answer_lines_free(&l);
}

int main(void) {
    tiny_make();
    roma_answer *a = tiny_open((roma_answer_config){0});
    tiny_make_loras(roma_answer_image(a));
    roma_answer_close(a);
    test_together();
    test_prompt_read();
    test_context();
    test_stops();
    test_cancel();
    test_held();
    test_close();
    test_failing();
    test_engine_error();
    test_memory();
    test_refusals();
    test_parse();
    test_adapters();
    test_sets();
    test_saved();
    test_lines();
    test_bad_lines();
    test_batch_lines();
    tiny_remove();
    return TEST_DONE();
}
