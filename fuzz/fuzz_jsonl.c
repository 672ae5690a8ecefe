/* libFuzzer target: any bytes as a file of --jsonl. Every request that comes out is whole: texts end in a 0 behind
 * their length, a number as id is one line of JSON, paths hold no 0. */
#include "../tools/roma/requests.h"
#include "roma/json.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok) {
    if (!ok) abort();
}

static void check_piece(piece p) {
    check(p.text && !p.text[p.len]);
    for (size_t i = 0; i < p.len; i++) i += roma_utf8(p.text + i, p.len - i) - 1; /* 0 would run away */
}

static void check_request(const request *q) {
    roma_json_reader r;
    check_piece(q->prompt);
    if (q->system.text) check_piece(q->system);
    if (q->id.text) check_piece(q->id);
    for (size_t i = 0; i < q->ask.stops.n; i++) check_piece(q->ask.stops.item[i]);
    for (size_t i = 0; i < q->lora.n; i++) {
        check_piece(q->lora.item[i]);
        check(strlen(q->lora.item[i].text) == q->lora.item[i].len);
    }
    check(q->ask.limit >= 1 && q->line >= 1);
    if (!q->id_is_number) return;
    check(!roma_json_read_begin(&r, q->id.text, q->id.len, NULL, NULL));
    check(!roma_json_read_next(&r, NULL) && r.kind == ROMA_JSON_NUMBER && r.len == q->id.len);
    roma_json_read_end(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static ask_options o;
    request usual = {0};
    requests all;
    roma_error err = {0};
    ask_default(&o);
    o.stop.item[o.stop.n++] = "END";
    check(!ask_options_check(&o, NULL));
    usual.ask = o.ask;
    const int rc = requests_read(&all, "f.jsonl", data, size, &usual, &err);
    check(!rc || (err.code == rc && err.text[0] && !strchr(err.text, '\n')));
    for (size_t i = 0; i < all.n && !rc; i++) check_request(&all.request[i]);
    requests_free(&all);
    return 0;
}
