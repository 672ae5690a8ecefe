/* The JSON reader: which token may follow which; contract in roma/json.h. */
#include "json/internal.h"

#include <string.h>

/* ---- errors ---- */

static int fail_at(const roma_json_reader *r, int code, const char *at, roma_error *err, const char *what) {
    const uint64_t offset = r->from.at + (uint64_t)(at - r->begin);
    if (!r->from.line) return roma_fail(err, code, r->from.file, offset, "%s", what);
    uint64_t line, column;
    roma_position(r->begin, (size_t)(at - r->begin), &line, &column);
    roma_fail_line(err, code, r->from.file, r->from.line + line - 1, "column %llu: %s", (unsigned long long)column,
                   what);
    if (err) err->offset = offset;
    return code;
}

int roma_json_bad(const roma_json_reader *r, const char *at, roma_error *err, const char *what) {
    char text[160];
    roma_print(text, sizeof text, "not valid JSON: %s", what);
    return fail_at(r, ROMA_EINPUT, at, err, text);
}

int roma_json_read_fail(const roma_json_reader *r, int code, roma_error *err, const char *fmt, ...) {
    char text[400];
    ROMA_PRINT_ARGS(text, fmt);
    return fail_at(r, code, r->begin + r->at, err, text);
}

int roma_json_read_fail_key(const roma_json_reader *r, size_t at, int code, roma_error *err, const char *key,
                            const char *fmt, ...) {
    char text[320];
    roma_json_reader there = *r;
    ROMA_PRINT_ARGS(text, fmt);
    there.at = at;
    return roma_json_read_fail(&there, code, err, "key '%s': %s", key, text);
}

/* ---- beginning and end ---- */

int roma_json_read_begin(roma_json_reader *r, const void *text, size_t size, const roma_json_source *from,
                         roma_error *err) {
    const double now = roma_now();
    memset(r, 0, sizeof *r);
    if (from) r->from = *from;
    if (!r->from.depth || r->from.depth > ROMA_JSON_DEPTH_MAX) r->from.depth = ROMA_JSON_DEPTH_MAX;
    if (!r->from.size || r->from.size > ROMA_JSON_SIZE_MAX) r->from.size = ROMA_JSON_SIZE_MAX;
    memcpy(&r->secret, &now, sizeof r->secret);
    r->secret ^= (uintptr_t)r;
    r->begin = r->p = size ? text : "";
    r->end = r->begin + size;
    r->expects = EXPECT_VALUE;
    if (size > r->from.size)
        return roma_json_read_fail(r, ROMA_EUNSUPPORTED, err, "a JSON text of %zu bytes; at most %u are read", size,
                                   r->from.size);
    if (size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
        return roma_json_bad(r, r->begin, err, "it begins with a byte order mark; save it as UTF-8 without one");
    return ROMA_OK;
}

void roma_json_read_end(roma_json_reader *r) {
    roma_free(r->key);
    roma_free(r->slot);
    roma_buf_destroy(&r->unescaped);
    memset(r, 0, sizeof *r);
}

bool roma_json_is(const roma_json_reader *r, const char *text) {
    return (r->kind == ROMA_JSON_KEY || r->kind == ROMA_JSON_TEXT) && strlen(text) == r->len &&
           memcmp(text, r->text, r->len) == 0;
}

/* ---- tokens ---- */

static char blanks(roma_json_reader *r) {
    while (r->p < r->end && (*r->p == ' ' || *r->p == '\t' || *r->p == '\r' || *r->p == '\n')) r->p++;
    return r->p < r->end ? *r->p : 0;
}

static bool in_object(const roma_json_reader *r) { return r->depth && r->objects >> (r->depth - 1) & 1; }

static int open_bracket(roma_json_reader *r, bool is_object, roma_error *err) {
    if (r->depth == r->from.depth) {
        char what[64];
        roma_print(what, sizeof what, "nested more than %u deep", r->from.depth);
        return roma_json_bad(r, r->p, err, what);
    }
    const uint64_t bit = UINT64_C(1) << r->depth;
    r->objects = is_object ? r->objects | bit : r->objects & ~bit;
    r->keys_from[r->depth++] = r->n_keys;
    r->kind = is_object ? ROMA_JSON_OBJECT : ROMA_JSON_ARRAY;
    r->expects = is_object ? EXPECT_KEY_OR_END : EXPECT_VALUE_OR_END;
    r->p++;
    return ROMA_OK;
}

static int close_bracket(roma_json_reader *r) {
    r->kind = in_object(r) ? ROMA_JSON_OBJECT_END : ROMA_JSON_ARRAY_END;
    roma_json_keys_drop(r, r->keys_from[--r->depth]);
    r->expects = r->depth ? EXPECT_COMMA : EXPECT_NOTHING;
    r->p++;
    return ROMA_OK;
}

static int take_key(roma_json_reader *r, roma_error *err) {
    if (blanks(r) != '"') return roma_json_bad(r, r->p, err, "a key in quotes is missing");
    r->at = (size_t)(r->p - r->begin);
    r->kind = ROMA_JSON_KEY;
    int rc = roma_json_take_text(r, err);
    if (!rc) rc = roma_json_key_add(r, err);
    if (rc) return rc;
    if (blanks(r) != ':') return roma_json_bad(r, r->p, err, "a colon is missing");
    r->p++;
    r->expects = EXPECT_VALUE;
    return ROMA_OK;
}

static int take_word(roma_json_reader *r, const char *word, roma_json_kind kind, roma_error *err) {
    const size_t n = strlen(word);
    if ((size_t)(r->end - r->p) < n || memcmp(r->p, word, n) != 0)
        return roma_json_bad(r, r->p, err, "a value is missing");
    r->kind = kind;
    r->text = r->p;
    r->len = n;
    r->p += n;
    return ROMA_OK;
}

static int take_value(roma_json_reader *r, roma_error *err) {
    const char c = blanks(r);
    r->at = (size_t)(r->p - r->begin);
    if (c == '{' || c == '[') return open_bracket(r, c == '{', err);
    r->expects = r->depth ? EXPECT_COMMA : EXPECT_NOTHING;
    switch (c) {
    case '"': r->kind = ROMA_JSON_TEXT; return roma_json_take_text(r, err);
    case 't': return take_word(r, "true", ROMA_JSON_TRUE, err);
    case 'f': return take_word(r, "false", ROMA_JSON_FALSE, err);
    case 'n': return take_word(r, "null", ROMA_JSON_NULL, err);
    default: break;
    }
    if (c != '-' && (c < '0' || c > '9'))
        return roma_json_bad(r, r->p, err, r->p == r->end ? "it ends where a value is missing" : "a value is missing");
    r->kind = ROMA_JSON_NUMBER;
    return roma_json_take_number(r, err);
}

/* After a member: another one, or the end. */
static int after_member(roma_json_reader *r, roma_error *err) {
    const bool object = in_object(r);
    const char c = blanks(r);
    if (c == (object ? '}' : ']')) {
        r->at = (size_t)(r->p - r->begin);
        return close_bracket(r);
    }
    if (c != ',')
        return roma_json_bad(r, r->p, err,
                             r->p == r->end ? (object ? "an object does not end" : "an array does not end")
                             : object       ? "a comma or } is missing"
                                            : "a comma or ] is missing");
    r->p++;
    return object ? take_key(r, err) : take_value(r, err);
}

int roma_json_read_next(roma_json_reader *r, roma_error *err) {
    r->text = NULL;
    r->len = 0;
    if (r->expects == EXPECT_COMMA) return after_member(r, err);
    const char c = blanks(r);
    if ((r->expects == EXPECT_VALUE_OR_END && c == ']') || (r->expects == EXPECT_KEY_OR_END && c == '}'))
        return after_member(r, err);
    if (r->expects == EXPECT_KEY_OR_END) return take_key(r, err);
    if (r->expects != EXPECT_NOTHING) return take_value(r, err);
    r->at = (size_t)(r->p - r->begin);
    r->kind = ROMA_JSON_DONE;
    return r->p == r->end ? ROMA_OK : roma_json_bad(r, r->p, err, "more text behind the value");
}

int roma_json_read_skip(roma_json_reader *r, roma_error *err) {
    if (r->kind != ROMA_JSON_OBJECT && r->kind != ROMA_JSON_ARRAY) return ROMA_OK;
    const uint32_t depth = r->depth - 1;
    while (r->depth > depth) {
        const int rc = roma_json_read_next(r, err);
        if (rc) return rc;
    }
    return ROMA_OK;
}
