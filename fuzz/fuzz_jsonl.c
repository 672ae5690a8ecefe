/* libFuzzer target: any bytes as a file of --jsonl. Every request that comes out is whole: texts end in a 0 behind
 * their length, a number as id is one line of JSON, paths hold no 0. */
#include "roma/answer.h"
#include "roma/json.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok) {
    if (!ok) abort();
}

static void check_text(roma_answer_text p) {
    check(p.text && !p.text[p.len]);
    for (size_t i = 0; i < p.len; i++) i += roma_utf8(p.text + i, p.len - i) - 1; /* 0 would run away */
}

static void check_request(const roma_answer_line *q) {
    roma_json_reader r;
    if (q->id.text) check_text(q->id);
    if (q->rc) check(q->line >= 1 && q->error && q->error[0] && !strchr(q->error, '\n'));
    if (q->rc) return;
    check(!q->prompt.text != !q->messages.text);
    check_text(q->prompt.text ? q->prompt : q->messages);
    if (q->system.text) check_text(q->system);
    check(q->ask.sampling.n_bias <= ROMA_BIAS_MAX && (!q->ask.sampling.n_bias || q->ask.sampling.bias));
    for (size_t i = 0; i < q->ask.stops.n; i++) check_text(q->ask.stops.item[i]);
    for (size_t i = 0; i < q->adapters.n; i++) {
        check_text(q->adapters.item[i]);
        check(strlen(q->adapters.item[i].text) == q->adapters.item[i].len);
    }
    check(q->ask.limit >= 1 && q->line >= 1);
    if (!q->id_is_number) return;
    check(!roma_json_read_begin(&r, q->id.text, q->id.len, NULL, NULL));
    check(!roma_json_read_next(&r, NULL) && r.kind == ROMA_JSON_NUMBER && r.len == q->id.len);
    roma_json_read_end(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const roma_answer_text stop = {"END", 3};
    roma_answer_line usual = {0};
    roma_answer_lines all;
    roma_error err = {0};
    roma_answer_ask_default(&usual.ask);
    usual.ask.stops = (roma_answer_texts){&stop, 1};
    const int rc = roma_answer_lines_read(&all, "f.jsonl", data, size, &usual, &err);
    check(!rc || (err.code == rc && err.text[0] && !strchr(err.text, '\n')));
    for (size_t i = 0; i < all.n && !rc; i++) check_request(&all.line[i]);
    roma_answer_lines_free(&all);
    return 0;
}
