/* A form out of rendered calls: where name, keys and values stand is known, what stands between them is the form. A
 * form that does not give back the calls that it was learnt of is none. */
#include "calls/internal.h"

#include <string.h>

typedef struct {
    size_t from, to;
} span;

static size_t find(calls_text t, size_t from, const char *what) {
    return roma_calls_find(t.text, t.len, from, what, strlen(what));
}

static bool set(roma_calls_mark *m, calls_text t, size_t from, size_t to) {
    return from <= to && to <= t.len && roma_calls_mark_set(m, t.text + from, to - from);
}

/* What stands behind the second of two calls is the end where it goes on: a template may close only then. */
static bool longer_end(roma_calls_form *f, calls_text t, size_t from) {
    if (t.len - from <= f->end.len || memcmp(t.text + from, f->end.text, f->end.len) != 0) return true;
    return set(&f->end, t, from, t.len);
}

/* ---- JSON ---- */

/* Where the object ends that begins at byte `from`; 0: none does. */
static size_t object_end(calls_text t, size_t from) {
    calls_walk w = {0};
    calls_match is = CALLS_MAYBE;
    size_t i = from;
    while (i < t.len && (is = roma_calls_walk(&w, t.text[i++])) == CALLS_MAYBE) {
    }
    return is == CALLS_YES ? i : 0;
}

/* The keys of name, arguments and id of the object in s: false when it has no name and arguments of its own, and for
 * lack of memory, which goes to *memory. */
static bool read_keys(roma_calls_form *f, calls_text t, span s, const char *name, const char *id, int *memory) {
    const roma_json_source from = {0};
    roma_json_reader r;
    roma_calls_mark key = {0};
    int rc = roma_json_read_begin(&r, t.text + s.from, s.to - s.from, &from, NULL);
    f->name.len = f->arguments.len = f->id.len = 0;
    if (!rc) rc = roma_json_read_next(&r, NULL);
    while (!rc && !(rc = roma_json_read_next(&r, NULL)) && r.kind == ROMA_JSON_KEY) {
        const bool fits = roma_calls_mark_set(&key, r.text, r.len);
        rc = roma_json_read_next(&r, NULL);
        const size_t at = s.from + r.at;
        if (!rc && fits && roma_json_is(&r, name)) f->name = key;
        if (!rc && fits && roma_json_is(&r, id)) f->id = key;
        const bool is_object = !rc && r.kind == ROMA_JSON_OBJECT;
        if (!rc) rc = roma_json_read_skip(&r, NULL);
        const size_t first = find(t, at, "\"" CALLS_KEY_1 "\"");
        if (!rc && fits && is_object && first < s.from + (size_t)(r.p - r.begin)) f->arguments = key;
    }
    roma_json_read_end(&r);
    if (rc == ROMA_ENOMEM) *memory = rc;
    return !rc && f->name.len && f->arguments.len;
}

/* The object that says name and arguments of a call. */
static bool find_object(roma_calls_form *f, calls_text t, const char *name, const char *id, span *s, int *memory) {
    const size_t at = find(t, 0, name);
    for (size_t i = 0; at != SIZE_MAX && (i = find(t, i, "{")) < at; i++) {
        *s = (span){i, object_end(t, i)};
        if (s->to > at && read_keys(f, t, *s, name, id, memory)) return true;
    }
    return false;
}

static bool learn_object(roma_calls_form *f, const calls_answers *a, int *memory) {
    span one, first, second;
    roma_calls_form other;
    if (!find_object(f, a->two, CALLS_NAME_1, CALLS_ID_1, &one, memory)) return false;
    f->kind = ROMA_CALLS_OBJECT;
    if (!set(&f->begin, a->two, 0, one.from) || !set(&f->end, a->two, one.to, a->two.len)) return false;
    f->many = find_object(&other, a->both, CALLS_NAME_1, CALLS_ID_1, &first, memory) &&
              find_object(&other, a->both, CALLS_NAME_2, CALLS_ID_2, &second, memory);
    return !f->many || (set(&f->next, a->both, first.to, second.from) && longer_end(f, a->both, second.to));
}

/* ---- a name, and JSON behind it ---- */

/* The arguments behind a name that ends at byte `from`. */
static bool find_arguments(calls_text t, size_t from, span *s) {
    const size_t at = find(t, from, "\"" CALLS_KEY_1 "\"");
    *s = (span){find(t, from, "{"), 0};
    if (at == SIZE_MAX || s->from > at) return false;
    s->to = object_end(t, s->from);
    return s->to > at;
}

static bool learn_named(roma_calls_form *f, const calls_answers *a, int *memory) {
    (void)memory;
    const calls_text t = a->two;
    const size_t at = find(t, 0, CALLS_NAME_1), behind = at + strlen(CALLS_NAME_1);
    span s, other;
    if (at == SIZE_MAX || !find_arguments(t, behind, &s)) return false;
    f->kind = ROMA_CALLS_NAMED;
    const size_t id = find(t, behind, CALLS_ID_1);
    f->has_id = id < s.from;
    if (f->has_id ? !set(&f->after_name, t, behind, id) || !set(&f->after_id, t, id + strlen(CALLS_ID_1), s.from)
                  : !set(&f->after_name, t, behind, s.from))
        return false;
    if (!set(&f->begin, t, 0, at) || !set(&f->end, t, s.to, t.len)) return false;
    const size_t first = find(a->both, 0, CALLS_NAME_1), second = find(a->both, 0, CALLS_NAME_2);
    f->many = first != SIZE_MAX && second != SIZE_MAX && find_arguments(a->both, first, &other);
    if (!f->many) return true;
    const bool fits = set(&f->next, a->both, other.to, second);
    return fits && find_arguments(a->both, second, &other) && longer_end(f, a->both, other.to);
}

/* ---- a name, and each argument between marks ---- */

/* Bytes that both end with; a mark's end `>` is left to what stands before. */
static size_t common_end(calls_text t, span a, span b) {
    size_t n = 0;
    while (a.to - n > a.from && b.to - n > b.from && t.text[a.to - n - 1] == t.text[b.to - n - 1]) n++;
    while (n && t.text[a.to - n] == '>') n--;
    return n;
}

/* Where the arguments of a call end in what is left of it behind the last one: behind the first tag that closes. */
static size_t close_of(calls_text t, size_t from) {
    const size_t at = find(t, from, ">");
    return at == SIZE_MAX ? t.len : at + 1;
}

static bool starts(calls_text t, size_t from, const roma_calls_mark *m) {
    return from <= t.len && t.len - from >= m->len && memcmp(t.text + from, m->text, m->len) == 0;
}

static bool learn_tagged(roma_calls_form *f, const calls_answers *a, int *memory) {
    (void)memory;
    const calls_text t = a->two, u = a->none, v = a->list, w = a->both;
    const size_t name = find(t, 0, CALLS_NAME_1), behind = name + strlen(CALLS_NAME_1);
    if (name == SIZE_MAX || find(u, 0, CALLS_NAME_1) != name || find(v, 0, CALLS_NAME_1) != name) return false;
    const size_t k1 = find(t, behind, CALLS_KEY_1), v1 = find(t, behind, CALLS_VALUE_1);
    const size_t k2 = find(t, behind, CALLS_KEY_2), v2 = find(t, behind, CALLS_VALUE_2);
    if (k1 > v1 || v1 > k2 || k2 > v2 || v2 == SIZE_MAX) return false;
    const size_t k1_end = k1 + strlen(CALLS_KEY_1), v1_end = v1 + strlen(CALLS_VALUE_1);
    const size_t k2_end = k2 + strlen(CALLS_KEY_2), v2_end = v2 + strlen(CALLS_VALUE_2);
    const size_t n = common_end(t, (span){behind, k1}, (span){v1_end, k2});
    f->kind = ROMA_CALLS_TAGGED;
    if (!set(&f->begin, t, 0, name) || !set(&f->after_name, t, behind, k1 - n) || !set(&f->key, t, k1 - n, k1) ||
        !set(&f->value, t, k1_end, v1) || !set(&f->value_end, t, v1_end, k2 - n))
        return false;
    const size_t rest = v2_end + f->value_end.len, close = close_of(t, rest);
    if (!starts(t, k2_end, &f->value) || !starts(t, v2_end, &f->value_end) || !set(&f->close, t, rest, close) ||
        !set(&f->end, t, close, t.len))
        return false;
    f->value_lines =
        f->value.len && f->value_end.len && f->value.text[f->value.len - 1] == '\n' && f->value_end.text[0] == '\n';
    /* The same without arguments, and around what is no text. */
    const size_t list = find(v, behind, CALLS_LIST), key = find(v, behind, CALLS_KEY_1);
    if (!starts(u, behind, &f->after_name) ||
        !roma_calls_same(u.text + behind + f->after_name.len, u.len - behind - f->after_name.len, t.text + rest,
                         t.len - rest) ||
        list == SIZE_MAX || key != k1 || list != k1_end + f->value.len || !starts(v, k1_end, &f->value))
        return false;
    const size_t second = find(w, 0, CALLS_NAME_2), last = find(w, 0, CALLS_VALUE_2);
    f->many = second != SIZE_MAX && last < second;
    return !f->many || set(&f->next, w, last + strlen(CALLS_VALUE_2) + (close - v2_end), second);
}

/* ---- whether it was understood ---- */

typedef struct {
    uint32_t calls;
    bool wrong;
    const char *arguments;
} heard;

static int hear(void *ctx, const roma_calls_event *e) {
    heard *h = ctx;
    switch (e->kind) {
    case ROMA_CALLS_CONTENT:
    case ROMA_CALLS_REASONING: h->wrong = true; break;
    case ROMA_CALLS_CALL:
        h->wrong |= !roma_calls_text_is(e->text, e->len, e->index ? CALLS_NAME_2 : CALLS_NAME_1);
        break;
    case ROMA_CALLS_ARGUMENTS: h->wrong |= !roma_calls_same(e->text, e->len, h->arguments, strlen(h->arguments)); break;
    case ROMA_CALLS_END: h->calls++; break;
    }
    return 0;
}

/* Parses an answer back. */
static int holds(const roma_calls_form *f, calls_text t, const char *arguments, uint32_t calls, bool *good) {
    roma_calls_tool names[] = {
        {.name = CALLS_NAME_1, .name_len = sizeof CALLS_NAME_1 - 1, .parameters = "{}", .parameters_len = 2},
        {.name = CALLS_NAME_2, .name_len = sizeof CALLS_NAME_2 - 1, .parameters = "{}", .parameters_len = 2}};
    const roma_calls_tools tools = {.tool = names, .n = 2};
    heard h = {.arguments = arguments};
    roma_calls_parser *p = roma_alloc(sizeof *p + 4096);
    if (!p) return ROMA_ENOMEM;
    const roma_calls_config c = {.form = f, .tools = &tools, .ctx = &h, .event = hear};
    roma_calls_parser_init(p, &c, (char *)(p + 1), 4096);
    int rc = roma_calls_parser_push(p, t.text, t.len);
    if (!rc) rc = roma_calls_parser_finish(p);
    *good = *good && !h.wrong && h.calls == calls;
    roma_free(p);
    return rc;
}

static bool add_next(roma_calls_form *f) {
    if (!f->many) {
        const size_t n = f->end.len;
        roma_calls_mark next = f->end;
        if (n + f->begin.len > ROMA_CALLS_MARK_MAX) return false;
        memcpy(next.text + n, f->begin.text, f->begin.len);
        return roma_calls_mark_set(&f->next, next.text, n + f->begin.len);
    }
    char both[2 * ROMA_CALLS_MARK_MAX + 2];
    const size_t n = (size_t)roma_print(both, sizeof both, "%s%s", f->end.text, f->begin.text);
    f->is_section = !roma_calls_same(both, n, f->next.text, f->next.len);
    return true;
}

/* What varies is in no mark; a mark behind a name or id does not go on as a name does; a value comes to an end. */
static bool is_clear(const roma_calls_form *f) {
    const roma_calls_mark name = roma_calls_mark_core(&f->after_name), id = roma_calls_mark_core(&f->after_id);
    const roma_calls_mark key = roma_calls_mark_core(&f->key), end = roma_calls_mark_core(&f->value_end);
    const roma_calls_mark close = roma_calls_mark_core(&f->close), value = roma_calls_mark_core(&f->value);
    const roma_calls_mark begin = roma_calls_mark_core(&f->begin);
    if (roma_calls_form_marks(f, CALLS_ID_1, strlen(CALLS_ID_1)) ||
        roma_calls_form_marks(f, CALLS_NAME_1, strlen(CALLS_NAME_1)))
        return false;
    if (f->kind == ROMA_CALLS_OBJECT) return true;
    if (!begin.len || (name.len && roma_calls_is_letter(name.text[0]))) return false;
    if (f->has_id && (!name.len || !id.len || roma_calls_is_letter(id.text[0]))) return false;
    return f->kind == ROMA_CALLS_NAMED || (key.len && value.len && end.len && close.len);
}

int roma_calls_learn(roma_calls_form *f, const calls_answers *a) {
    static const char two[] =
        "{\"" CALLS_KEY_1 "\": \"" CALLS_VALUE_1 "\", \"" CALLS_KEY_2 "\": \"" CALLS_VALUE_2 "\"}";
    const roma_calls_mark think = f->think, think_end = f->think_end;
    bool (*const ways[])(roma_calls_form *, const calls_answers *, int *) = {learn_object, learn_named, learn_tagged};
    int rc = ROMA_OK;
    for (size_t i = 0; i < 3 && !rc; i++) {
        roma_calls_form one = {.think = think, .think_end = think_end};
        bool good = ways[i](&one, a, &rc) && !rc && add_next(&one) && is_clear(&one);
        if (good) rc = holds(&one, a->two, two, 1, &good);
        if (!rc && good && one.many) rc = holds(&one, a->both, two, 2, &good);
        if (!rc && good && a->list.len) rc = holds(&one, a->list, "{\"" CALLS_KEY_1 "\": " CALLS_LIST "}", 1, &good);
        if (!rc && good && a->none.len) rc = holds(&one, a->none, "{}", 1, &good);
        if (!rc && good) {
            *f = one;
            return rc;
        }
    }
    return rc;
}
