/* usage: dump_json <TEXTS   Each text is a line with its length in bytes, then the bytes and a newline. For each, a
 * line: the text as our writer writes what our reader read, or "!" and the error. check_json.py compares with Python.
 */
#include "roma/json.h"

#include <stdlib.h>

/* Python must see keys and their order, so an object is ["{}", key, value, ...] and an array ["[]", value, ...]. */
static void write_token(roma_json *j, const roma_json_reader *r) {
    switch (r->kind) {
    case ROMA_JSON_OBJECT:
    case ROMA_JSON_ARRAY:
        roma_json_open(j, NULL, '[');
        roma_json_string(j, NULL, r->kind == ROMA_JSON_OBJECT ? "{}" : "[]");
        break;
    case ROMA_JSON_OBJECT_END:
    case ROMA_JSON_ARRAY_END: roma_json_close(j, ']'); break;
    case ROMA_JSON_KEY:
    case ROMA_JSON_TEXT: roma_json_text(j, NULL, r->text, r->len); break;
    case ROMA_JSON_NUMBER: roma_json_number(j, NULL, r->text, r->len); break;
    case ROMA_JSON_TRUE: roma_json_bool(j, NULL, true); break;
    case ROMA_JSON_FALSE: roma_json_bool(j, NULL, false); break;
    case ROMA_JSON_NULL: roma_json_null(j, NULL); break;
    case ROMA_JSON_DONE: break;
    }
}

static void dump(const char *text, size_t n) {
    roma_json_reader r;
    roma_error err;
    roma_buf out = {0};
    roma_json j = {.out = &out};
    char line[1024];
    int rc = roma_json_read_begin(&r, text, n, &(roma_json_source){.line = 1}, &err);
    while (!rc && !(rc = roma_json_read_next(&r, &err)) && r.kind != ROMA_JSON_DONE) write_token(&j, &r);
    if (rc)
        printf("!%d %s\n", rc, roma_error_format(&err, line, sizeof line));
    else
        printf("%.*s\n", (int)out.len, (const char *)out.data);
    roma_json_read_end(&r);
    roma_buf_destroy(&out);
}

int main(void) {
    size_t n;
    while (scanf("%zu", &n) == 1 && getchar() == '\n') {
        char *text = malloc(n ? n : 1); /* exact, so that a sanitizer sees a byte read beyond */
        if (!text || fread(text, 1, n, stdin) != n) return 1;
        dump(text, n);
        free(text);
    }
    return 0;
}
