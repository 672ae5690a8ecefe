/* libFuzzer target: any bytes through the JSON reader; what it accepts, written again, is read as the same tokens. */
#include "roma/json.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const roma_json_source from = {.line = 1};

static void check(bool ok) {
    if (!ok) abort();
}

/* Writes the value that r is about to read. */
static int copy(roma_json_reader *r, roma_json *j, roma_error *err) {
    char *key = NULL;
    int rc;
    while (!(rc = roma_json_read_next(r, err)) && r->kind != ROMA_JSON_DONE) {
        if (r->kind == ROMA_JSON_KEY) { /* a key may hold a 0, which the writer's keys do not: written as far as that */
            key = malloc(r->len + 1);
            check(key != NULL);
            memcpy(key, r->text, r->len);
            key[r->len] = 0;
            continue;
        }
        if (r->kind == ROMA_JSON_OBJECT || r->kind == ROMA_JSON_ARRAY)
            roma_json_open(j, key, r->kind == ROMA_JSON_OBJECT ? '{' : '[');
        else if (r->kind == ROMA_JSON_OBJECT_END || r->kind == ROMA_JSON_ARRAY_END)
            roma_json_close(j, r->kind == ROMA_JSON_OBJECT_END ? '}' : ']');
        else if (r->kind == ROMA_JSON_TEXT)
            roma_json_text(j, key, r->text, r->len);
        else
            roma_json_number(j, key, r->text, r->len);
        free(key);
        key = NULL;
    }
    free(key);
    return rc;
}

static bool same(roma_json_reader *a, roma_json_reader *b) {
    if (a->kind != b->kind || a->depth != b->depth) return false;
    if (a->kind == ROMA_JSON_KEY) return strnlen(a->text, a->len) == b->len && memcmp(a->text, b->text, b->len) == 0;
    return a->len == b->len && (!a->len || memcmp(a->text, b->text, a->len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    roma_json_reader r, back;
    roma_error err = {0};
    roma_buf out = {0};
    roma_json j = {.out = &out};
    int rc = roma_json_read_begin(&r, data, size, &from, &err);
    if (!rc) rc = copy(&r, &j, &err);
    roma_json_read_end(&r);
    check(!rc || (err.code == rc && err.text[0]));
    if (!rc) {
        check(!roma_json_read_begin(&r, data, size, &from, &err));
        check(!roma_json_read_begin(&back, out.data, out.len, &from, &err));
        do {
            check(!roma_json_read_next(&r, &err));
            rc = roma_json_read_next(&back, &err);
            if (rc) break; /* keys that were cut at a 0 may now be alike */
            check(same(&r, &back));
        } while (r.kind != ROMA_JSON_DONE);
        check(!rc || strstr(err.text, "duplicate"));
        roma_json_read_end(&r);
        roma_json_read_end(&back);
    }
    roma_buf_destroy(&out);
    return 0;
}
