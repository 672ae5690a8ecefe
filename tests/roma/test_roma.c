/* The face, beside the rooms under it: answers, logits, adapters and records are those of the rooms. */
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>

#include "../answer/tiny.h"
#include "../base/scarce.h"
#include "roma/roma.h"

typedef struct {
    char text[4096];
    size_t len;
    int overs, code, tokens;
    char stop[16], message[256];
    size_t n_ids, prompt_tokens, shared_tokens;
} heard;

static int hear(void *ctx, const char *text, size_t len) {
    heard *h = ctx;
    memcpy(h->text + h->len, text, len);
    h->len += len;
    return 0;
}
static int refuse(void *ctx, const char *text, size_t len) { return hear(ctx, text, len) + 1; }
static void hear_token(void *ctx, int32_t token, const float *logits) {
    heard *h = ctx;
    h->tokens += token >= 0 && logits;
}
static void hear_over(void *ctx, const roma_answered *r) {
    heard *h = ctx;
    h->overs++;
    h->code = r->code;
    h->n_ids = r->n_ids;
    h->prompt_tokens = r->prompt_tokens;
    h->shared_tokens = r->shared_tokens;
    snprintf(h->stop, sizeof h->stop, "%s", r->stop);
    snprintf(h->message, sizeof h->message, "%s", r->message);
}

static roma_engine *open_tiny(roma_engine_config c) {
    roma_engine *e = NULL;
    c.size = sizeof c;
    const int rc = roma_engine_open(&e, tiny_path, &c);
    if (rc) fprintf(stderr, "%s\n", roma_last_error());
    CHECK_EQ(rc, 0);
    return e;
}

static void test_version(void) {
    char want[32];
    snprintf(want, sizeof want, "%d.%d.%d", ROMA_VERSION_MAJOR, ROMA_VERSION_MINOR, ROMA_VERSION_PATCH);
    CHECK(strcmp(roma_version(), want) == 0);
    CHECK_EQ(roma_version_number(), ROMA_VERSION_NUMBER);
}

static void test_answer(void) {
    roma_engine *e = NULL;
    heard h = {.len = 0}, again = {.len = 0}, cut = {.len = 0};
    CHECK_EQ(roma_engine_open(&e, tiny_path, NULL), 0);
    CHECK_EQ(roma_engine_vocab(e), 1024);
    CHECK_EQ(roma_engine_context(e), 512);
    CHECK(roma_engine_name(e)[0] != 0);
    CHECK_EQ(roma_engine_answer(e, "Who are you?", NULL, hear, &h), 0);
    CHECK(strncmp(h.text, "I am Roma.", 10) == 0);
    const char *const stops[] = {"Roma"};
    const roma_query how = {.size = sizeof how, .stops = stops, .n_stops = 1, .over = hear_over, .token = hear_token};
    CHECK_EQ(roma_engine_answer(e, "Who are you?", &how, hear, &again), 0);
    CHECK_EQ(again.len, 5);
    CHECK(memcmp(again.text, "I am ", 5) == 0);
    CHECK(again.overs == 1 && again.code == 0 && again.tokens >= 2 && strcmp(again.stop, "stop") == 0);
    CHECK(again.prompt_tokens > 5 && again.shared_tokens == again.prompt_tokens - 1);
    const roma_query with_over = {.size = sizeof with_over, .over = hear_over};
    CHECK_EQ(roma_engine_answer(e, "Who are you?", &with_over, refuse, &cut), ROMA_FAILED_CANCELLED);
    CHECK(cut.overs == 1 && cut.code == ROMA_FAILED_CANCELLED && cut.message[0] && !cut.stop[0]);
    const roma_turn before[] = {{"user", "Hi!", 0}, {"assistant", "Hello.", 0}};
    const roma_query in_turn = {.size = sizeof in_turn, .turns = before, .n_turns = 2, .over = hear_over};
    heard later = {.len = 0};
    CHECK_EQ(roma_engine_answer(e, "Who are you?", &in_turn, hear, &later), 0);
    CHECK(later.prompt_tokens > again.prompt_tokens && later.code == 0);
    const roma_query raw = {.size = sizeof raw, .is_raw = 1, .limit = 4};
    heard story = {.len = 0};
    CHECK_EQ(roma_engine_answer(e, "Once upon a", &raw, hear, &story), 0);
    CHECK(strncmp(story.text, " time", 5) == 0);
    roma_engine_close(e);
    roma_engine_close(NULL);
}

static void test_refusals(void) {
    roma_engine *e = (roma_engine *)1;
    CHECK_EQ(roma_engine_open(&e, "/nonexistent.roma", NULL), ROMA_FAILED_INPUT);
    CHECK(e == NULL && strstr(roma_last_error(), "/nonexistent.roma") != NULL);
    CHECK_EQ(roma_engine_open(&e, NULL, NULL), ROMA_FAILED_USAGE);
    CHECK_EQ(roma_engine_open(&e, "models/tiny/tiny-q4.gguf", NULL), ROMA_FAILED_INPUT);
    roma_engine_config c = {0};
    CHECK_EQ(roma_engine_open(&e, tiny_path, &c), ROMA_FAILED_USAGE); /* no size */
    struct {
        roma_engine_config known;
        uint64_t later;
    } newer = {.known = {.size = sizeof newer, .context = 64}};
    CHECK_EQ(roma_engine_open(&e, tiny_path, &newer.known), 0); /* what is not known is not asked */
    CHECK_EQ(roma_engine_context(e), 64);
    roma_engine_close(e);
    newer.later = 1;
    CHECK_EQ(roma_engine_open(&e, tiny_path, &newer.known), ROMA_FAILED_USAGE);
    c.size = offsetof(roma_engine_config, running); /* an older caller */
    c.context = 64;
    c.running = 100000;
    CHECK_EQ(roma_engine_open(&e, tiny_path, &c), 0);
    roma_query q = {.size = sizeof q};
    CHECK_EQ(roma_engine_submit(e, &q, NULL), ROMA_FAILED_USAGE);
    const roma_turn wrong = {"robot", "x", 0};
    q.turns = &wrong;
    q.n_turns = 1;
    CHECK_EQ(roma_engine_submit(e, &q, NULL), ROMA_FAILED_USAGE);
    CHECK(strstr(roma_last_error(), "robot") != NULL);
    q.turns = NULL;
    const int32_t far[] = {1, 5000};
    q.ids = far;
    q.n_ids = 2;
    float logits[1024];
    CHECK_EQ(roma_engine_logits(e, far, 2, NULL, 0, logits), ROMA_FAILED_INPUT);
    CHECK_EQ(roma_engine_answer(e, NULL, NULL, NULL, NULL), ROMA_FAILED_USAGE);
    q.top_p = 3;
    CHECK_EQ(roma_engine_submit(e, &q, NULL), ROMA_FAILED_USAGE);
    roma_engine_close(e);
}

/* ---- tokens and logits ---- */

static void test_logits(void) {
    roma_engine *e = open_tiny((roma_engine_config){.context = 128});
    roma_answer *a = tiny_open((roma_answer_config){0});
    roma_exec *x = tiny_engine(a, (roma_exec_config){.context = 128});
    const roma_turn turns[] = {{"user", "Tell me a story about a dog.", 0}};
    const roma_query q = {.size = sizeof q, .turns = turns, .n_turns = 1};
    int32_t ids[64];
    size_t n = 0;
    roma_error err = {0};
    float logits[1024];
    CHECK_EQ(roma_engine_tokens(e, &q, ids, 0, &n), 0);
    CHECK(n > 8 && n < 60);
    CHECK_EQ(roma_engine_tokens(e, &q, ids, 64, &n), 0);
    for (int step = 0; step < 8; step++) { /* greedy, by hand */
        CHECK_EQ(roma_engine_logits(e, ids, n, NULL, 0, logits), 0);
        roma_exec_truncate(x, 0, 0);
        CHECK_EQ(roma_exec_prefill(x, 0, 0, ids, n, NULL, NULL, &err), 0);
        CHECK(memcmp(logits, roma_exec_logits(x, 0), sizeof logits) == 0);
        int32_t best = 0;
        for (int32_t i = 1; i < 1024; i++)
            if (logits[i] > logits[best]) best = i;
        ids[n++] = best;
    }
    char text[64] = "";
    size_t len = 0;
    for (size_t i = n - 8; i < n; i++) len += roma_engine_token_text(e, ids[i], text + len, sizeof text - len);
    heard h = {.len = 0};
    CHECK_EQ(roma_engine_answer(e, turns[0].text, NULL, hear, &h), 0);
    CHECK(len > 10 && memcmp(h.text, text, len) == 0);
    CHECK_EQ(roma_engine_token_text(e, -1, text, sizeof text), 0);
    CHECK_EQ(roma_engine_token_text(e, 1024, text, sizeof text), 0);
    roma_exec_destroy(x);
    roma_answer_close(a);
    roma_engine_close(e);
}

/* ---- adapters ---- */

static void test_adapters(void) {
    roma_engine *e = open_tiny((roma_engine_config){.context = 128, .adapters = 1, .rank = 4});
    const roma_engine_adapter a = {"A", 1}, b = {"B", 1};
    heard plain = {.len = 0}, first = {.len = 0}, second = {.len = 0}, none = {.len = 0};
    roma_query how = {.size = sizeof how, .limit = 12, .adapters = &a, .n_adapters = 1};
    CHECK_EQ(roma_engine_answer(e, "Who are you?", &how, hear, &none), ROMA_FAILED_INPUT); /* no such name */
    CHECK_EQ(roma_engine_adapter_open(e, "A", tiny_lora[0], 0), 0);
    CHECK_EQ(roma_engine_adapter_open(e, "B", tiny_lora[1], 0), 0);
    CHECK_EQ(roma_engine_adapter_open(e, "C", "/nonexistent", 0), ROMA_FAILED_INPUT);
    CHECK_EQ(roma_engine_answer(e, "Who are you?", &how, hear, &first), 0);
    how.adapters = &b;
    CHECK_EQ(roma_engine_answer(e, "Who are you?", &how, hear, &second), 0);
    how.n_adapters = 0;
    CHECK_EQ(roma_engine_answer(e, "Who are you?", &how, hear, &plain), 0);
    CHECK(strcmp(plain.text, first.text) != 0 && strcmp(first.text, second.text) != 0);
    CHECK_EQ(roma_engine_adapter_close(e, "A"), 0);
    CHECK_EQ(roma_engine_adapter_close(e, "A"), ROMA_FAILED_INPUT);
    roma_engine_close(e);
}

/* ---- answers that are read ---- */

static size_t read_out(roma_stream *s, size_t cap, char *out, int *rc) {
    size_t len = 0, n;
    while (!(*rc = roma_stream_read(s, 10, out + len, cap, &n)) && n) len += n;
    return len;
}

static void test_streams(void) {
    roma_engine *e = open_tiny((roma_engine_config){.context = 200});
    roma_stream *s = NULL, *late = NULL;
    heard h = {.len = 0}, over = {.len = 0};
    char text[4096];
    int rc;
    size_t n;
    CHECK_EQ(roma_engine_answer(e, "\xc3\xa9t\xc3\xa9 \xe2\x82\xac", NULL, hear, &h), 0);
    const roma_turn turn = {"user", "\xc3\xa9t\xc3\xa9 \xe2\x82\xac", 0};
    roma_query q = {.size = sizeof q, .turns = &turn, .n_turns = 1, .ctx = &over, .over = hear_over};
    for (size_t cap = 4; cap < 4096; cap *= 8) {
        CHECK_EQ(roma_stream_open(&s, e, &q), 0);
        CHECK_EQ(read_out(s, cap, text, &rc), h.len);
        CHECK(rc == 0 && memcmp(text, h.text, h.len) == 0);
        const roma_answered *a = roma_stream_answered(s);
        CHECK(a && a->code == 0 && a->stop[0] && a->n_ids && a->ids && !a->message[0]);
        roma_stream_close(&s);
    }
    CHECK_EQ(over.overs, 4);
    q.messages = "[{\"role\": \"user\", \"content\": \"\xc3\xa9t\xc3\xa9 \xe2\x82\xac\"}]";
    CHECK_EQ(roma_stream_open(&s, e, &q), ROMA_FAILED_USAGE); /* turns and messages */
    CHECK(s == NULL && strstr(roma_last_error(), "one of them") != NULL);
    q.n_turns = 0;
    CHECK_EQ(roma_stream_open(&s, e, &q), 0);
    CHECK_EQ(read_out(s, 100, text, &rc), h.len);
    CHECK(memcmp(text, h.text, h.len) == 0);
    roma_stream_close(&s);
    q.messages = "[{";
    CHECK_EQ(roma_stream_open(&s, e, &q), ROMA_FAILED_INPUT);
    /* one that is closed at once is cancelled; one outlives its engine */
    q = (roma_query){.size = sizeof q, .turns = &turn, .n_turns = 1, .limit = 150, .is_raw = 1};
    CHECK_EQ(roma_stream_open(&s, e, &q), 0);
    CHECK(roma_stream_answered(s) == NULL);
    CHECK_EQ(roma_stream_read(s, 0, text, 3, &n), ROMA_FAILED_USAGE);
    roma_stream_close(&s);
    CHECK_EQ(roma_stream_open(&late, e, &q), 0);
    roma_engine_close(e);
    (void)read_out(late, 100, text, &rc);
    const roma_answered *a = roma_stream_answered(late);
    CHECK(a && a->code == rc && (rc == 0 || rc == ROMA_FAILED_CANCELLED));
    roma_stream_close(&late);
    roma_stream_close(&late);
    CHECK(late == NULL);
}

/* Memory ends while a stream is opened, or while its text grows: a refusal or an end that says so, and no hang. */
static void test_scarce_streams(void) {
    const roma_turn turn = {"user", "Who are you?", 0};
    const roma_query q = {.size = sizeof q, .turns = &turn, .n_turns = 1, .limit = 20};
    char text[4096];
    int opened = 0, refused = 0, failed = 0, rc = ROMA_FAILED_MEMORY;
    for (int n = 0; rc && n < 100; n++) {
        /* an engine each: its thread may still give back what an answer had when the stream is over, and no thread may
         * when the allocator changes */
        roma_engine *e = open_tiny((roma_engine_config){.context = 128});
        roma_stream *s = NULL;
        scarce_begin(n);
        rc = roma_stream_open(&s, e, &q);
        if (rc) {
            CHECK(rc == ROMA_FAILED_MEMORY && s == NULL);
            refused++;
        } else {
            (void)read_out(s, 100, text, &rc);
            CHECK(rc == 0 || rc == ROMA_FAILED_MEMORY || rc == ROMA_FAILED_CANCELLED);
            failed += rc != 0;
            opened++;
        }
        roma_stream_close(&s);
        roma_engine_close(e);
        roma_allocator_set(NULL);
    }
    CHECK(rc == 0 && refused > 2 && failed >= 1 && opened == failed + 1);
}

/* Rows after the final norm: the codes that the head reads are theirs, whatever was computed before, however the
 * prompt is cut into steps, and under adapters. */
typedef struct {
    size_t norm; /* the operation */
    double worst;
    const float *row;
    uint32_t n;
} norm_seen;
static void see_norm(void *ctx, const roma_tap_record *r) {
    norm_seen *s = ctx;
    if (r->op != s->norm || r->part != ROMA_TAP_RESULT) return;
    float scale;
    memcpy(&scale, r->bytes + r->row_bytes - 4, 4);
    s->n++;
    for (uint32_t i = 0; i < r->width; i++) {
        const double v = ldexp((double)(int8_t)r->bytes[i], r->bytes[r->width + i / 8]) * (double)scale;
        if (fabs(v - (double)s->row[i]) > s->worst) s->worst = fabs(v - (double)s->row[i]);
    }
}

static void test_rows(void) {
    roma_engine *e = open_tiny((roma_engine_config){.context = 200, .adapters = 1, .rank = 4});
    roma_answer *a = tiny_open((roma_answer_config){0});
    roma_exec *x = tiny_engine(a, (roma_exec_config){.context = 200});
    const uint32_t hidden = roma_engine_hidden(e);
    const roma_engine_adapter list = {"A", 1};
    int32_t ids[150];
    roma_error err = {0};
    float *rows = calloc(2 * 150 * (size_t)hidden, sizeof *rows), *again = rows + 150 * (size_t)hidden, logits[1024];
    CHECK_EQ(hidden, 128);
    for (int32_t i = 0; i < 150; i++) ids[i] = 300 + i;
    CHECK_EQ(roma_engine_logits(e, ids, 150, NULL, 0, logits), 0); /* is not taken over: all rows come */
    CHECK_EQ(roma_engine_rows(e, ids, 150, NULL, 0, rows), 0);
    norm_seen seen = {.norm = roma_answer_plan(a)->n_ops - 2};
    CHECK_EQ(roma_exec_tap(x, see_norm, &seen, &err), 0);
    for (uint32_t i = 0; i < 150; i++) {
        double most = 0;
        seen.worst = 0;
        seen.row = rows + (size_t)i * hidden;
        const roma_exec_row row = {ids[i], 0, i, 0, true};
        CHECK_EQ(roma_exec_step(x, &row, 1, &err), 0);
        for (uint32_t k = 0; k < hidden; k++) most = fmax(most, fabs((double)seen.row[k]));
        CHECK(most > 0 && seen.worst < most / 100);
    }
    CHECK_EQ(seen.n, 150);
    for (size_t n = 1; n < 150; n = n * 5 + 1) {
        CHECK_EQ(roma_engine_rows(e, ids, n, NULL, 0, again), 0);
        CHECK(memcmp(rows, again, n * hidden * sizeof *rows) == 0);
    }
    CHECK_EQ(roma_engine_adapter_open(e, "A", tiny_lora[0], 0), 0);
    CHECK_EQ(roma_engine_rows(e, ids, 150, &list, 1, again), 0);
    CHECK(memcmp(rows + 100 * hidden, again + 100 * hidden, hidden * sizeof *rows) != 0);
    roma_query q = {.size = sizeof q, .turns = &(const roma_turn){"user", "x", 0}, .n_turns = 1, .prompt_rows = rows};
    CHECK_EQ(roma_engine_submit(e, &q, NULL), ROMA_FAILED_USAGE);
    free(rows);
    roma_engine_close(e);
    roma_exec_destroy(x);
    roma_answer_close(a);
}

/* ---- images ---- */

static int stop_at_once(void *ctx, const char *what, uint64_t done, uint64_t total) {
    *(int *)ctx += what && done <= total;
    return 1;
}

static void test_build(void) {
    char path[64];
    int told = 0;
    roma_built b = {.size = sizeof b};
    snprintf(path, sizeof path, "/tmp/roma-test-face-%d.roma", (int)getpid());
    roma_build_spec s = {.size = sizeof s, .model = "models/tiny/tiny-q4.gguf", .image = path, .threads = 1};
    CHECK_EQ(roma_build(&s, &b), 0);
    CHECK(strlen(b.sha256) == 64 && strlen(b.base) == 64 && strlen(b.source_sha256) == 64);
    CHECK(strcmp(b.arch, "llama") == 0 && b.name[0] && b.params > 100000 && b.bytes > 100000 && b.source_bytes > 1000);
    CHECK(b.bits_per_weight > 4 && b.bits_per_weight < 9 && strstr(b.report, "source") && !b.warnings[0]);
    CHECK(isnan(b.kl) && isnan(b.kl_form)); /* nobody asked, and nothing took another form */
    s.sha256 = b.source_sha256;
    CHECK_EQ(roma_build(&s, NULL), 0);
    roma_built_free(&b);
    roma_built_free(&b);
    roma_built_free(NULL);
    s.sha256 = NULL;
    s.quant = "q7";
    CHECK_EQ(roma_build(&s, &b), ROMA_FAILED_USAGE);
    CHECK(strstr(roma_last_error(), "q8 or q4, not 'q7'") != NULL);
    s.quant = NULL;
    s.ctx = &told;
    s.progress = stop_at_once;
    CHECK_EQ(roma_build(&s, &b), ROMA_FAILED_CANCELLED);
    CHECK(told == 1);
    s.image = NULL;
    CHECK_EQ(roma_build(&s, &b), ROMA_FAILED_USAGE);
    s.image = path;
    s.threads = 65;
    CHECK_EQ(roma_build(&s, &b), ROMA_FAILED_USAGE);
    unlink(path);
}

/* ---- the cache in a file ---- */

static void hear_cache(void *ctx, const roma_cache *c) {
    heard *h = ctx;
    h->overs++;
    h->n_ids = c->n_ids;
    snprintf(h->text, sizeof h->text, "%.*s %d", (int)c->text_len, c->text, (int)c->ids[c->n_ids - 1]);
}

static void test_cache(void) {
    roma_engine *e = open_tiny((roma_engine_config){.context = 128}),
                *other = open_tiny((roma_engine_config){.context = 128});
    static const int32_t ids[] = {5, 6, 7, 8, 9, 10, 11};
    float logits[1024], again[1024];
    heard h = {.len = 0};
    char path[64];
    size_t held = 99;
    const roma_engine_adapter many[9] = {{"A", 1}};
    snprintf(path, sizeof path, "/tmp/roma-test-face-%d.cache", (int)getpid());
    CHECK_EQ(roma_engine_cache_save(e, path, ids, 7, NULL, 0, NULL, 0, &held), ROMA_FAILED_INPUT);
    CHECK_EQ(held, 0);
    CHECK_EQ(roma_engine_cache_load(e, path, NULL, 0, &h, hear_cache), ROMA_FAILED_INPUT);
    CHECK_EQ(roma_engine_logits(e, ids, 7, NULL, 0, logits), 0);
    CHECK_EQ(roma_engine_cache_save(e, path, ids, 7, NULL, 0, "mine", 4, &held), 0);
    CHECK_EQ(held, 7);
    CHECK_EQ(roma_engine_cache_save(e, path, ids, 7, many, 9, "mine", 4, &held), ROMA_FAILED_USAGE);
    CHECK_EQ(roma_engine_cache_load(e, path, many, 1, &h, hear_cache), ROMA_FAILED_INPUT);
    CHECK_EQ(h.overs, 0);
    CHECK_EQ(roma_engine_cache_load(other, path, NULL, 0, &h, hear_cache), 0);
    CHECK(h.overs == 1 && h.n_ids == 7 && strcmp(h.text, "mine 11") == 0);
    CHECK_EQ(roma_engine_cache_load(other, path, NULL, 0, NULL, NULL), 0);
    CHECK_EQ(roma_engine_logits(other, ids, 7, NULL, 0, again), 0);
    CHECK(memcmp(logits, again, sizeof logits) == 0);
    unlink(path);
    roma_engine_close(e);
    roma_engine_close(other);
}

/* ---- many threads ---- */

enum { THREADS = 4, EACH = 12 };
typedef struct {
    roma_engine *e;
    unsigned number, wrong;
    const heard *want;
} asker;

typedef struct {
    heard h;
    atomic_int is_over;
} slot;
static void slot_over(void *ctx, const roma_answered *r) {
    slot *s = ctx;
    hear_over(&s->h, r);
    atomic_store(&s->is_over, 1);
}
static int slot_text(void *ctx, const char *text, size_t len) {
    slot *s = ctx;
    return hear(&s->h, text, len);
}

static void *asks(void *ctx) {
    asker *k = ctx;
    for (unsigned i = 0; i < EACH; i++) {
        slot s = {.is_over = 0};
        const roma_turn turn = {"user", "Who are you?", 0};
        const roma_query q = {
            .size = sizeof q, .turns = &turn, .n_turns = 1, .ctx = &s, .text = slot_text, .over = slot_over};
        uint64_t ticket = 0;
        if (i % 3 == 2) {
            heard h = {.len = 0};
            k->wrong += roma_engine_answer(k->e, "Who are you?", NULL, hear, &h) || strcmp(h.text, k->want->text) != 0;
            continue;
        }
        k->wrong += roma_engine_submit(k->e, &q, &ticket) != 0;
        if (i % 3 == 1) roma_engine_cancel(k->e, ticket);
        while (!atomic_load(&s.is_over)) usleep(200);
        if (s.h.code != ROMA_FAILED_CANCELLED) k->wrong += s.h.code || strcmp(s.h.text, k->want->text) != 0;
        k->wrong += s.h.overs != 1;
    }
    return NULL;
}

static void test_threads(void) {
    roma_engine *e = open_tiny((roma_engine_config){.threads = 1, .context = 96, .running = 3});
    static heard want;
    asker k[THREADS];
    pthread_t thread[THREADS];
    CHECK_EQ(roma_engine_answer(e, "Who are you?", NULL, hear, &want), 0);
    for (unsigned i = 0; i < THREADS; i++) {
        k[i] = (asker){e, i, 0, &want};
        CHECK_EQ(pthread_create(&thread[i], NULL, asks, &k[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(thread[i], NULL);
        CHECK_EQ(k[i].wrong, 0);
    }
    roma_engine_close(e);
}

/* A callback may submit, and may not wait. */
typedef struct {
    roma_engine *e;
    int waited, submitted;
} inside;
static void from_inside(void *ctx, const roma_answered *r) {
    inside *i = ctx;
    const int32_t ids[] = {1, 2, 3};
    const roma_query q = {.size = sizeof q, .ids = ids, .n_ids = 3, .limit = 1};
    (void)r;
    i->waited = roma_engine_answer(i->e, "x", NULL, NULL, NULL);
    i->submitted = roma_engine_submit(i->e, &q, NULL);
}
static void test_inside(void) {
    inside i = {open_tiny((roma_engine_config){.context = 96}), 1, 1};
    const roma_query how = {.size = sizeof how, .over = from_inside, .limit = 2};
    CHECK_EQ(roma_engine_answer(i.e, "Who are you?", &how, NULL, &i), 0);
    CHECK_EQ(i.waited, ROMA_FAILED_USAGE);
    CHECK_EQ(i.submitted, 0);
    roma_engine_close(i.e);
}

/* ---- the chip model ---- */

static void test_sim(void) {
    roma_sim_spec s = {.size = sizeof s, .design = {.shape = "smollm2-135m"}, .prompt = 256, .rank = 16};
    roma_figures v = {.size = sizeof v}, low = v, high = v;
    CHECK_EQ(roma_simulate(&s, &v, NULL, NULL), 0);
    CHECK(v.tok_s > 1000 && v.ttft_s > 0 && v.area_mm2 > 1 && v.fits_rom == 1);
    const roma_figures before = v;
    CHECK_EQ(roma_simulate(&s, &v, &low, &high), 0);
    CHECK(memcmp(&v, &before, sizeof v) == 0);
    CHECK(low.mj_per_token < v.mj_per_token && v.mj_per_token < high.mj_per_token);
    s.design.image = tiny_path;
    CHECK_EQ(roma_simulate(&s, &v, NULL, NULL), ROMA_FAILED_USAGE);
    s.design.shape = NULL;
    CHECK_EQ(roma_simulate(&s, &v, NULL, NULL), 0);
    const char *const set[] = {"clock.frequency=100e6"};
    s.design.set = set;
    s.design.n_set = 1;
    roma_figures slow = {.size = sizeof slow};
    CHECK_EQ(roma_simulate(&s, &slow, NULL, NULL), 0);
    CHECK(slow.tok_s < v.tok_s);
    s.kv = "int4";
    CHECK_EQ(roma_simulate(&s, &v, NULL, NULL), 0);
    CHECK(v.kv_bytes_per_token < slow.kv_bytes_per_token && v.mj_sram < slow.mj_sram);
    s.kv = "f16";
    CHECK_EQ(roma_simulate(&s, &v, NULL, NULL), ROMA_FAILED_INPUT);
    CHECK_HAS(roma_last_error(), "no f16");
    s.kv = NULL;
    s.design.chip = "/nonexistent";
    CHECK(roma_simulate(&s, &slow, NULL, NULL) < 0);
}

static void test_fit(void) {
    roma_fit_spec s = {.size = sizeof s, .design = {.shape = "llama-3.2-3b"}, .adapters = 1};
    roma_fit_record one = {.size = sizeof one}, eight = one;
    CHECK_EQ(roma_fit_tokens(&s, &one), 0);
    s.adapters = 8;
    CHECK_EQ(roma_fit_tokens(&s, &eight), 0);
    CHECK(one.tokens > eight.tokens && eight.tokens > 0 && one.lora_bytes * 8 == eight.lora_bytes);
    CHECK(one.sram_bytes > 0 && one.tokens_paper > one.tokens && one.rom_words > 0);
    s.kv = "f16";
    CHECK_EQ(roma_fit_tokens(&s, &one), 0);
    CHECK_REAL(one.kv_bytes_per_token, 28 * 8 * (4 * 128 + 8));
    s.kv = "int5";
    CHECK_EQ(roma_fit_tokens(&s, &one), ROMA_FAILED_USAGE);
    s.kv = NULL;
    s.design.shape = "no-such-model";
    CHECK_EQ(roma_fit_tokens(&s, &one), ROMA_FAILED_INPUT);
}

typedef struct {
    unsigned n, pareto, stop_at;
    uint32_t last;
    double best, hottest, largest;
    bool has_style;
} seen;
static int see(void *ctx, const roma_explored_point *p) {
    seen *s = ctx;
    CHECK(p->size == sizeof *p && (!s->n || p->point > s->last));
    for (size_t i = 0; i < p->n_values; i++) s->has_style |= strcmp(p->keys[i], "rom.style") == 0 && p->words[i];
    s->last = p->point;
    s->pareto += p->pareto != 0;
    if (p->figures->tok_s > s->best) s->best = p->figures->tok_s;
    if (p->figures->junction_c > s->hottest) s->hottest = p->figures->junction_c;
    if (p->figures->area_mm2 > s->largest) s->largest = p->figures->area_mm2;
    return ++s->n == s->stop_at;
}
static void test_explore(void) {
    seen all = {0}, some = {.stop_at = 3};
    roma_explore_spec s = {.size = sizeof s,
                           .design = {.shape = "smollm2-135m"},
                           .points = 100,
                           .threads = 2,
                           .prompt = 256,
                           .ctx = &all,
                           .point = see};
    CHECK_EQ(roma_explore_points(&s), 0);
    CHECK(all.n > 20 && all.pareto > 0 && all.pareto < all.n && all.best > 1000 && all.has_style);
    s.ctx = &some;
    CHECK_EQ(roma_explore_points(&s), ROMA_FAILED_CANCELLED);
    CHECK_EQ(some.n, 3);
    s.kv = "fp8";
    CHECK_EQ(roma_explore_points(&s), ROMA_FAILED_INPUT);
    s.kv = NULL;
    s.design.bits = 4;
    CHECK_EQ(roma_explore_points(&s), ROMA_FAILED_USAGE);
}
/* Limits of die and junction hold unless lifted. */
static void test_limits(void) {
    seen usual = {0}, lifted = {0}, tight = {0}, old = {0};
    roma_explore_spec s = {
        .size = sizeof s, .design = {.shape = "llama-3-8b"}, .points = 100, .threads = 2, .ctx = &usual, .point = see};
    CHECK_EQ(roma_explore_points(&s), 0);
    CHECK(usual.n > 10 && usual.hottest <= 105 && usual.largest <= 858);
    s.ctx = &lifted;
    s.max_die_mm2 = s.max_junction_c = -1;
    CHECK_EQ(roma_explore_points(&s), 0);
    CHECK(lifted.n > usual.n && lifted.hottest > 105 && lifted.largest > 858);
    s.ctx = &tight;
    s.max_die_mm2 = 500;
    s.max_junction_c = 70;
    CHECK_EQ(roma_explore_points(&s), 0);
    CHECK(tight.n > 0 && tight.n < usual.n && tight.hottest <= 70 && tight.largest <= 500);
    s.ctx = &old; /* a caller that knows no limits of its own gets the usual ones */
    s.size = offsetof(roma_explore_spec, max_die_mm2);
    CHECK_EQ(roma_explore_points(&s), 0);
    CHECK(old.n == usual.n && old.last == usual.last);
}

int main(void) {
    tiny_make();
    roma_answer *a = tiny_open((roma_answer_config){0});
    tiny_make_loras(roma_answer_image(a));
    roma_answer_close(a);
    test_version();
    test_answer();
    test_refusals();
    test_logits();
    test_adapters();
    test_streams();
    test_scarce_streams();
    test_rows();
    test_build();
    test_cache();
    test_threads();
    test_inside();
    test_sim();
    test_fit();
    test_explore();
    test_limits();
    tiny_remove();
    return TEST_DONE();
}
