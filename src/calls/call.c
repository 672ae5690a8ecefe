/* One call, from the mark before it to its end, in the three ways in which calls are written. */
#include "calls/parse.h"

#include <string.h>

/* Where a call is; what stands from byte `at` on is looked at next. */
enum { NAME, BEHIND_NAME, ID, BEHIND_ID, BRACE, OBJECT, KEY_OR_CLOSE, KEY, VALUE_MARK, VALUE, WHOLE };
enum { KEY_MAX = 256 };

void roma_calls_call_begin(roma_calls_parser *p, size_t used) {
    p->stage = p->c.form->kind == ROMA_CALLS_OBJECT ? BRACE : NAME;
    p->at = used;
    p->from = p->name = p->name_len = p->n_parts = p->depth = p->seen = 0;
    p->quoted = p->escape = false;
}

/* ---- stages: CALLS_YES leads to another, from `at` on ---- */

static calls_match go(roma_calls_parser *p, int stage, size_t bytes) {
    p->stage = stage;
    p->at += bytes;
    p->seen = p->at;
    return CALLS_YES;
}

/* Letters, as names and ids are made of, to the byte that is none. */
static calls_match letters(roma_calls_parser *p, const char *s, size_t n, int next, size_t *from, size_t *len) {
    size_t i = 0, j;
    while (i < n && roma_calls_is_blank(s[i])) i++;
    for (j = i; j < n && roma_calls_is_letter(s[j]);) j++;
    if (i > CALLS_BLANKS || j - i > ROMA_CALLS_NAME_MAX) return CALLS_NO;
    if (j == n) return CALLS_MAYBE;
    *from = p->at + i;
    *len = j - i;
    return j == i ? CALLS_NO : go(p, next, j);
}

/* One of two marks, which lead to different stages; a NULL is none. */
static calls_match one_of(roma_calls_parser *p, const char *s, size_t n, const roma_calls_mark *a, int a_next,
                          const roma_calls_mark *b, int b_next) {
    size_t used;
    const calls_match is = roma_calls_match(a, s, n, &used);
    if (is == CALLS_YES) return go(p, a_next, used);
    const calls_match other = b ? roma_calls_match(b, s, n, &used) : CALLS_NO;
    if (other == CALLS_YES) return go(p, b_next, used);
    return is == CALLS_MAYBE ? is : other;
}

/* A model may leave out the id. */
static calls_match behind_name(roma_calls_parser *p, const char *s, size_t n) {
    const roma_calls_form *f = p->c.form;
    if (f->kind == ROMA_CALLS_TAGGED) return one_of(p, s, n, &f->after_name, KEY_OR_CLOSE, NULL, 0);
    if (!f->has_id) return one_of(p, s, n, &f->after_name, BRACE, NULL, 0);
    return one_of(p, s, n, &f->after_name, ID, &f->after_id, BRACE);
}

static calls_match brace(roma_calls_parser *p, const char *s, size_t n) {
    size_t i = 0;
    while (i < n && roma_calls_is_blank(s[i])) i++;
    if (i > CALLS_BLANKS) return CALLS_NO;
    if (i == n) return CALLS_MAYBE;
    p->from = p->at + i;
    return s[i] == '{' ? go(p, OBJECT, i) : CALLS_NO;
}

static calls_match object(roma_calls_parser *p, const char *s, size_t n) {
    calls_walk w = {p->depth, p->quoted, p->escape};
    calls_match is = CALLS_MAYBE;
    size_t i = 0;
    while (i < n && is == CALLS_MAYBE) is = roma_calls_walk(&w, s[i++]);
    p->depth = w.depth;
    p->quoted = w.quoted;
    p->escape = w.escape;
    p->at += i;
    if (is == CALLS_YES) p->stage = WHOLE;
    return is;
}

/* A key, to the first byte of the mark behind it. */
static calls_match key(roma_calls_parser *p, const char *s, size_t n) {
    const roma_calls_mark mark = roma_calls_mark_core(&p->c.form->value);
    const char *const end = memchr(s, mark.text[0], n);
    size_t from = 0, to = end ? (size_t)(end - s) : n;
    if (to > KEY_MAX) return CALLS_NO;
    if (!end) return CALLS_MAYBE;
    while (from < to && roma_calls_is_blank(s[from])) from++;
    while (to > from && roma_calls_is_blank(s[to - 1])) to--;
    if (to == from || p->n_parts == ROMA_CALLS_PARTS) return CALLS_NO;
    p->part[p->n_parts].key = p->at + from;
    p->part[p->n_parts].key_len = to - from;
    return go(p, VALUE_MARK, (size_t)(end - s));
}

/* A value, to the mark behind it: any text but that mark. A line end on either side may be the form's. */
static calls_match value(roma_calls_parser *p) {
    const roma_calls_form *f = p->c.form;
    const roma_calls_mark mark = roma_calls_mark_core(&f->value_end);
    const size_t back = p->seen - p->at < mark.len - 1u ? p->seen - p->at : mark.len - 1u;
    const size_t end = roma_calls_find(p->held, p->n, p->seen - back, mark.text, mark.len);
    size_t from = p->at, to = end;
    p->seen = p->n;
    if (end == SIZE_MAX) return CALLS_MAYBE;
    if (f->value_lines && from < to && p->held[from] == '\n') from++;
    if (f->value_lines && from < to && p->held[to - 1] == '\n') to--;
    p->part[p->n_parts].value = from;
    p->part[p->n_parts++].value_len = to - from;
    return go(p, KEY_OR_CLOSE, end + mark.len - p->at);
}

static calls_match take(roma_calls_parser *p) {
    const roma_calls_form *f = p->c.form;
    const char *const s = p->held + p->at;
    const size_t n = p->n - p->at;
    size_t id, id_len;
    switch (p->stage) {
    case NAME: return letters(p, s, n, BEHIND_NAME, &p->name, &p->name_len);
    case BEHIND_NAME: return behind_name(p, s, n);
    case ID: return letters(p, s, n, BEHIND_ID, &id, &id_len);
    case BEHIND_ID: return one_of(p, s, n, &f->after_id, BRACE, NULL, 0);
    case BRACE: return brace(p, s, n);
    case OBJECT: return object(p, s, n);
    case KEY_OR_CLOSE: return one_of(p, s, n, &f->key, KEY, &f->close, WHOLE);
    case KEY: return key(p, s, n);
    case VALUE_MARK: return one_of(p, s, n, &f->value, VALUE, NULL, 0);
    default: return value(p);
    }
}

calls_match roma_calls_call_take(roma_calls_parser *p) {
    calls_match is = CALLS_YES;
    while (is == CALLS_YES && p->stage != WHOLE) is = take(p);
    return is;
}

/* ---- what a whole call says ---- */

static bool tell(roma_calls_parser *p, const char *name, size_t name_len, const char *arguments, size_t len) {
    if (!roma_calls_tools_find(p->c.tools, name, name_len)) return false;
    roma_calls_tell(p, ROMA_CALLS_CALL, name, name_len);
    roma_calls_tell(p, ROMA_CALLS_ARGUMENTS, arguments, len);
    roma_calls_tell(p, ROMA_CALLS_END, NULL, 0);
    return true;
}

/* An object that no mark announced must be nothing but a call. */
static int tell_object(roma_calls_parser *p, bool *good) {
    const roma_calls_form *f = p->c.form;
    calls_object o;
    int rc = roma_calls_object(&o, p->held + p->from, p->at - p->from, f);
    const bool announced = roma_calls_mark_core(&f->begin).len > 0;
    if (!rc && o.name && (announced || (o.arguments && !o.more)))
        *good = tell(p, o.name, o.name_len, o.arguments ? o.arguments : "{}", o.arguments ? o.arguments_len : 2);
    roma_buf_destroy(&o.unquoted);
    return rc == ROMA_ENOMEM ? rc : ROMA_OK;
}

static int tell_named(roma_calls_parser *p, bool *good) {
    const char *const arguments = p->held + p->from;
    roma_json_kind kind;
    const int rc = roma_calls_value(arguments, p->at - p->from, &kind);
    if (!rc) *good = tell(p, p->held + p->name, p->name_len, arguments, p->at - p->from);
    return rc == ROMA_ENOMEM ? rc : ROMA_OK;
}

/* JSON of a value as a model spells it: what the schema says is a text is one; what else is JSON is that; and where the
 * schema says something else, Python's words for the three of JSON, which some templates write. */
static int put_value(roma_json *j, const char *key, const char *s, size_t n, calls_type type) {
    static const char *const words[][2] = {{"True", "true"}, {"False", "false"}, {"None", "null"}};
    roma_json_kind kind;
    for (size_t i = 0; type == CALLS_OTHER && i < 3; i++)
        if (roma_calls_text_is(s, n, words[i][0])) s = words[i][1]; /* as long */
    const int rc = type == CALLS_TEXT ? ROMA_EINPUT : roma_calls_value(s, n, &kind);
    if (rc == ROMA_EINPUT)
        roma_json_text(j, key, s, n);
    else if (!rc)
        roma_json_number(j, key, s, n);
    return rc == ROMA_ENOMEM ? rc : ROMA_OK;
}

static bool is_new(const roma_calls_parser *p, size_t i) {
    for (size_t k = 0; k < i; k++)
        if (p->part[k].key_len == p->part[i].key_len &&
            memcmp(p->held + p->part[k].key, p->held + p->part[i].key, p->part[i].key_len) == 0)
            return false;
    return true;
}

static int tell_tagged(roma_calls_parser *p, bool *good) {
    const roma_calls_tool *tool = roma_calls_tools_find(p->c.tools, p->held + p->name, p->name_len);
    roma_buf b = {0};
    roma_json j = {.out = &b};
    int rc = ROMA_OK;
    *good = tool != NULL;
    roma_json_open(&j, NULL, '{');
    for (size_t i = 0; i < p->n_parts && *good && !rc; i++) {
        const char *const name = p->held + p->part[i].key;
        const size_t len = p->part[i].key_len;
        char text[KEY_MAX + 1];
        memcpy(text, name, len);
        text[len] = 0;
        calls_type type;
        *good = is_new(p, i) && !memchr(name, 0, len);
        if (*good) rc = roma_calls_argument(tool, name, len, &type);
        if (*good && !rc) rc = put_value(&j, text, p->held + p->part[i].value, p->part[i].value_len, type);
    }
    roma_json_close(&j, '}');
    if (!rc && b.failed) rc = ROMA_ENOMEM;
    if (!rc && *good) tell(p, p->held + p->name, p->name_len, (const char *)b.data, b.len);
    roma_buf_destroy(&b);
    return rc;
}

int roma_calls_call_tell(roma_calls_parser *p, bool *good) {
    *good = false;
    switch (p->c.form->kind) {
    case ROMA_CALLS_OBJECT: return tell_object(p, good);
    case ROMA_CALLS_NAMED: return tell_named(p, good);
    case ROMA_CALLS_TAGGED: return tell_tagged(p, good);
    case ROMA_CALLS_NONE: break;
    }
    return ROMA_EINTERNAL;
}
