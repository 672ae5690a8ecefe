/* libFuzzer target: bodies of requests, the first byte choosing the protocol. What is taken has what its protocol
 * needs, and its messages are JSON; what is refused says so in printable ASCII. */
#include "serve/asked.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok) {
    if (!ok) abort();
}

static void check_json(const roma_buf *b) {
    roma_json_reader r;
    int rc = roma_json_read_begin(&r, b->data, b->len, NULL, NULL);
    while (!rc && !(rc = roma_json_read_next(&r, NULL)) && r.kind != ROMA_JSON_DONE) {
    }
    roma_json_read_end(&r);
    check(!rc);
}

static void check_taken(const asked *a) {
    check(a->n >= 1 && a->n <= ASKED_N_MAX && a->q->ask.limit >= 1);
    check(a->messages.len || asked_prompts(a));
    if (a->messages.len) check_json(&a->messages);
    for (size_t i = 0; i < asked_prompts(a); i++) {
        const asked_prompt *p = asked_prompt_at(a, i);
        check(p->is_ids ? (p->first_id + p->n_ids) * sizeof(int32_t) <= a->ids.len : p->text.text != NULL);
    }
    check(a->shape != ASKED_SCHEMA || a->schema.text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    roma_answer_line usual = {0};
    roma_error err;
    asked a;
    if (!size) return 0;
    roma_answer_ask_default(&usual.ask);
    const int rc = roma_serve_asked_read(&a, (asked_form)(data[0] % 7), (const char *)data + 1, size - 1, &usual, &err);
    if (!rc)
        check_taken(&a);
    else
        for (const char *p = err.text; *p; p++) check(*p >= 0x20 && *p < 0x7f);
    for (const char *p = a.param; *p; p++) check(*p >= 0x20 && *p < 0x7f);
    roma_serve_asked_free(&a);
    return 0;
}
