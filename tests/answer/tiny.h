/* The tiny model, opened for answers, and what a request answers alone: an engine of its own stepped a token at a time,
 * all text made anew after each one, stop texts found by looking through all of it. */
#ifndef TEST_ANSWER_TINY_H
#define TEST_ANSWER_TINY_H

#include <unistd.h>

#include "../test.h"
#include "roma/answer.h"
#include "roma/import.h"
#include "roma/pack.h"
#include "roma/synth.h"

enum { TEXT_MAX = 1 << 14, IDS_MAX = 600, STOPS_MAX = 4 };

static char tiny_path[64], tiny_lora[2][64];

static inline void tiny_make(void) {
    roma_import imp;
    roma_error err = {0};
    snprintf(tiny_path, sizeof tiny_path, "/tmp/roma-test-answer-%d.roma", (int)getpid());
    CHECK_EQ(roma_import_open(&imp, "models/tiny/tiny-q4.gguf", &err), 0);
    CHECK_EQ(roma_pack(&imp.model, &imp.vocab, "a test", tiny_path, NULL, NULL, NULL, &err), 0);
    roma_import_close(&imp);
}

/* Two adapters that change every answer. */
static inline void tiny_make_loras(const roma_image *base) {
    for (unsigned i = 0; i < 2; i++) {
        roma_adapter_written w;
        roma_error err = {0};
        snprintf(tiny_lora[i], sizeof tiny_lora[i], "/tmp/roma-test-answer-%d-%u.lora", (int)getpid(), i);
        CHECK_EQ(roma_synth_adapter(base, ROMA_ADAPTER_INT8, 4, 5 + i, tiny_lora[i], NULL, &w, &err), 0);
    }
}

static inline void tiny_remove(void) {
    unlink(tiny_path);
    for (unsigned i = 0; i < 2; i++)
        if (tiny_lora[i][0]) unlink(tiny_lora[i]);
}

static inline roma_answer *tiny_open(roma_answer_config c) {
    roma_answer *a = NULL;
    roma_error err = {0};
    c.image = tiny_path;
    CHECK_EQ(roma_answer_open(&a, &c, &err), 0);
    if (!a) fprintf(stderr, "%s\n", err.text);
    return a;
}

static inline roma_answer *tiny_start(roma_answer_config c) {
    roma_answer *a = tiny_open(c);
    roma_error err = {0};
    const int rc = roma_answer_start(a, &c, &err);
    if (rc) fprintf(stderr, "%s\n", err.text);
    CHECK_EQ(rc, 0);
    return a;
}

/* ---- a request, and what it gave ---- */

typedef struct {
    /* asked */
    int32_t *prompt;
    size_t n_prompt;
    bool is_raw;
    roma_answer_ask ask;
    roma_answer_text stops[STOPS_MAX];
    char stop_bytes[STOPS_MAX][64];
    roma_answer_adapter list[2];
    size_t n_list;
    /* given */
    char text[TEXT_MAX];
    size_t len, n_ids, drawn;
    int32_t ids[IDS_MAX];
    roma_answer_stop_kind stop;
    int rc, overs;
    size_t texts, refuse_at; /* the text callback refuses its so-manieth call; 0: none */
    roma_answer_result result;
} asked;

static inline void ask_text(const roma_answer *a, asked *q, const char *text, unsigned flags) {
    const roma_message m = {ROMA_ROLE_USER, text, strlen(text)};
    roma_error err = {0};
    memset(q, 0, sizeof *q);
    roma_answer_ask_default(&q->ask);
    q->ask.limit = 24;
    q->is_raw = roma_answer_is_raw(a, flags);
    CHECK_EQ(roma_answer_prompt(a, &m, 1, flags, &q->prompt, &q->n_prompt, &err), 0);
}

static inline void ask_stop(asked *q, const char *text, size_t len) {
    const size_t n = q->ask.stops.n;
    memcpy(q->stop_bytes[n], text, len);
    q->stops[n] = (roma_answer_text){q->stop_bytes[n], len};
    q->ask.stops = (roma_answer_texts){q->stops, n + 1};
}

static int on_text(void *ctx, const char *text, size_t len) {
    asked *q = ctx;
    if (q->len + len < TEXT_MAX) memcpy(q->text + q->len, text, len);
    q->len += len;
    return ++q->texts == q->refuse_at;
}
static void on_token(void *ctx, int32_t token, const float *logits) {
    asked *q = ctx;
    (void)token;
    q->drawn += logits != NULL;
}
static void on_over(void *ctx, const roma_answer_result *r) {
    asked *q = ctx;
    q->overs++;
    q->rc = r->rc;
    q->stop = r->stop;
    q->n_ids = r->n_ids;
    q->result = *r;
    memcpy(q->ids, r->ids, r->n_ids * sizeof *r->ids);
}

static inline roma_answer_request request_of(asked *q) {
    return (roma_answer_request){.prompt = q->prompt,
                                 .n_prompt = q->n_prompt,
                                 .continues = q->is_raw,
                                 .adapters = q->list,
                                 .n_adapters = q->n_list,
                                 .ask = q->ask,
                                 .ctx = q,
                                 .text = on_text,
                                 .token = on_token,
                                 .over = on_over};
}

static inline uint64_t submit(roma_answer *a, asked *q) {
    const roma_answer_request r = request_of(q);
    roma_error err = {0};
    uint64_t ticket = 0;
    const int rc = roma_answer_submit(a, &r, &ticket, &err);
    if (rc) fprintf(stderr, "%s\n", err.text);
    CHECK_EQ(rc, 0);
    CHECK(ticket != 0);
    return ticket;
}

static inline void run_out(roma_answer *a) {
    roma_error err = {0};
    for (int i = 0; i < 10000 && roma_answer_under_way(a); i++)
        if (roma_answer_step(a, &err)) TEST_FAILED("%s", err.text);
    CHECK_EQ(roma_answer_under_way(a), 0);
}

/* ---- alone ---- */

static inline size_t text_of(const roma_answer *a, const asked *q, bool flush, char *out) {
    static _Thread_local char piece[3 * (ROMA_TOKEN_BYTES_MAX + 4)];
    roma_detok d;
    size_t len = 0;
    roma_detok_init(&d, roma_answer_tokenizer(a), false);
    d.first = !q->is_raw;
    for (size_t i = 0; i < q->n_ids; i++) {
        const size_t n = roma_detok_push(&d, q->ids[i], piece);
        memcpy(out + len, piece, n);
        len += n;
    }
    if (flush) {
        const size_t n = roma_detok_flush(&d, piece);
        memcpy(out + len, piece, n);
        len += n;
    }
    return len;
}

/* Cuts the text before the first stop text in it. */
static inline bool cut(asked *q) {
    for (size_t at = 0; at < q->len; at++)
        for (size_t i = 0; i < q->ask.stops.n; i++)
            if (q->len - at >= q->stops[i].len && memcmp(q->text + at, q->stops[i].text, q->stops[i].len) == 0) {
                q->len = at;
                return true;
            }
    return false;
}

/* e: an engine over the same image and plan; set: what q's list is there. */
static inline void alone(const roma_answer *a, roma_exec *e, uint32_t set, asked *q) {
    const uint32_t vocab = roma_answer_image(a)->desc.hyper.vocab, context = roma_exec_memory_of(e)->context;
    int32_t all[IDS_MAX], token = 0;
    roma_error err = {0};
    void *scratch = malloc(roma_sample_bytes(vocab));
    memcpy(all, q->prompt, q->n_prompt * sizeof *all);
    q->n_ids = q->len = 0;
    q->stop = ROMA_ANSWER_NONE;
    roma_exec_truncate(e, 0, 0);
    CHECK_EQ(roma_exec_prefill(e, 0, set, q->prompt, q->n_prompt, NULL, NULL, &err), 0);
    while (q->stop == ROMA_ANSWER_NONE) {
        const size_t n = q->n_prompt + q->n_ids;
        CHECK_EQ(
            roma_sample(&q->ask.sampling, roma_exec_logits(e, 0), vocab, all, n, q->n_ids, n, scratch, &token, &err),
            0);
        q->drawn++;
        const bool is_end = roma_token_is_eog(roma_answer_tokenizer(a), token);
        if (!is_end) q->ids[q->n_ids++] = all[n] = token;
        if (is_end)
            q->stop = ROMA_ANSWER_EOS;
        else if (q->n_ids == q->ask.limit)
            q->stop = ROMA_ANSWER_LENGTH;
        else if (n + 1 >= context)
            q->stop = ROMA_ANSWER_CONTEXT;
        q->len = text_of(a, q, false, q->text);
        if (cut(q)) {
            q->stop = ROMA_ANSWER_STOP;
            break;
        }
        if (q->stop != ROMA_ANSWER_NONE) {
            q->len = text_of(a, q, true, q->text);
            if (cut(q)) q->stop = ROMA_ANSWER_STOP;
            break;
        }
        const roma_exec_row row = {token, 0, (uint32_t)n, set, true};
        CHECK_EQ(roma_exec_step(e, &row, 1, &err), 0);
    }
    free(scratch);
}

static inline bool is_same(const asked *a, const asked *b) {
    return a->len == b->len && memcmp(a->text, b->text, a->len) == 0 && a->n_ids == b->n_ids &&
           memcmp(a->ids, b->ids, a->n_ids * sizeof *a->ids) == 0 && a->stop == b->stop;
}

static inline roma_exec *tiny_engine(const roma_answer *a, roma_exec_config c) {
    roma_exec *e = NULL;
    roma_error err = {0};
    const int rc = roma_exec_create(&e, roma_answer_image(a), roma_answer_plan(a), &c, &err);
    if (rc) fprintf(stderr, "%s\n", err.text);
    CHECK_EQ(rc, 0);
    return e;
}

#endif
