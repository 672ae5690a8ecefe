/* JSON objects in the text of a call: where one ends, and what it says about the call. */
#include "calls/internal.h"

#include <string.h>

calls_match roma_calls_walk(calls_walk *w, char c) {
    if (w->quoted) {
        if ((unsigned char)c < ' ') return CALLS_NO;
        if (w->escape)
            w->escape = false;
        else if (c == '\\')
            w->escape = true;
        else if (c == '"')
            w->quoted = false;
        return CALLS_MAYBE;
    }
    if (!c || !strchr(" \t\r\n{}[]:,\"0123456789+-.eEtrufalsn", c)) return CALLS_NO;
    w->quoted = c == '"';
    if (c == '{' || c == '[') return ++w->depth > CALLS_DEPTH ? CALLS_NO : CALLS_MAYBE;
    if (c != '}' && c != ']') return CALLS_MAYBE;
    return --w->depth ? CALLS_MAYBE : c == '}' ? CALLS_YES : CALLS_NO;
}

int roma_calls_value(const char *text, size_t n, roma_json_kind *kind) {
    const roma_json_source from = {.depth = CALLS_DEPTH};
    roma_json_reader r;
    int rc = roma_json_read_begin(&r, text, n, &from, NULL);
    if (!rc) rc = roma_json_read_next(&r, NULL);
    *kind = r.kind;
    if (!rc) rc = roma_json_read_skip(&r, NULL);
    if (!rc) rc = roma_json_read_next(&r, NULL);
    if (!rc && r.kind != ROMA_JSON_DONE) rc = ROMA_EINPUT;
    roma_json_read_end(&r);
    return rc;
}

/* Arguments that are an object, or a text that holds one; none are those of an empty object. */
static int take_arguments(calls_object *o, roma_json_reader *r) {
    const char *const at = r->begin + r->at;
    roma_json_kind kind;
    int rc = ROMA_OK;
    o->arguments = "{}";
    o->arguments_len = 2;
    if (r->kind == ROMA_JSON_NULL) return ROMA_OK;
    if (r->kind == ROMA_JSON_TEXT) {
        roma_buf_append(&o->unquoted, r->text, r->len);
        if (o->unquoted.failed) return ROMA_ENOMEM;
        o->arguments = o->unquoted.data ? (const char *)o->unquoted.data : "";
        o->arguments_len = o->unquoted.len;
        rc = roma_calls_value(o->arguments, o->arguments_len, &kind);
        return rc ? rc : kind == ROMA_JSON_OBJECT ? ROMA_OK : ROMA_EINPUT;
    }
    if (r->kind != ROMA_JSON_OBJECT) return ROMA_EINPUT;
    rc = roma_json_read_skip(r, NULL);
    o->arguments = at;
    o->arguments_len = (size_t)(r->p - at);
    return rc;
}

static bool is_key(const char *key, size_t len, const roma_calls_mark *m) {
    return m->len && m->len == len && memcmp(key, m->text, len) == 0;
}

static int take_member(calls_object *o, roma_json_reader *r, const roma_calls_form *f) {
    const char *const key = r->text; /* of keys without escapes, which those of calls are, a piece of the text */
    const size_t len = r->len;
    const bool is_plain = key >= r->begin && key < r->end;
    const bool is_name = is_plain && is_key(key, len, &f->name);
    const bool is_arguments =
        is_plain && (is_key(key, len, &f->arguments) || roma_calls_text_is(key, len, "arguments") ||
                     roma_calls_text_is(key, len, "parameters"));
    o->more |= !is_name && !is_arguments && !(is_plain && is_key(key, len, &f->id)) &&
               !(is_plain && roma_calls_text_is(key, len, "type")) && !(is_plain && roma_calls_text_is(key, len, "id"));
    int rc = roma_json_read_next(r, NULL);
    if (rc) return rc;
    if (is_arguments && !o->arguments) return take_arguments(o, r);
    if (is_name && r->kind == ROMA_JSON_TEXT && r->text >= r->begin && r->text < r->end) {
        o->name = r->text;
        o->name_len = r->len;
    }
    return roma_json_read_skip(r, NULL);
}

int roma_calls_object(calls_object *o, const char *text, size_t n, const roma_calls_form *f) {
    const roma_json_source from = {0};
    roma_json_reader r;
    *o = (calls_object){0};
    int rc = roma_json_read_begin(&r, text, n, &from, NULL);
    if (!rc) rc = roma_json_read_next(&r, NULL);
    if (!rc && r.kind != ROMA_JSON_OBJECT) rc = ROMA_EINPUT;
    while (!rc && !(rc = roma_json_read_next(&r, NULL)) && r.kind == ROMA_JSON_KEY) rc = take_member(o, &r, f);
    if (!rc) rc = roma_json_read_next(&r, NULL);
    if (!rc && r.kind != ROMA_JSON_DONE) rc = ROMA_EINPUT;
    roma_json_read_end(&r);
    return rc;
}
