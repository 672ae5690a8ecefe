/* Filters by name, as jinja2 has them; tojson is transformers'. Those of lists are in filters_list.c. */
#include <math.h>
#include <string.h>
#include "template/filters.h"

static tm_value nothing(void) { return roma_template_undefined(NULL); }

/* ---- arguments ---- */

bool roma_template_flag(const tm_value *v) { return roma_template_given(v) && roma_template_true(v); }

int64_t roma_template_whole(tm_machine *m, const tm_value *v, int64_t otherwise) {
    int64_t i = 0;
    double r;
    if (!roma_template_given(v)) return otherwise;
    if (roma_template_number(v, &i, &r) != TM_WHOLE)
        roma_template_stop(m, ROMA_EINPUT, "a whole number is needed here, not %s", roma_template_what(v));
    return i;
}

/* ---- numbers ---- */

static tm_value absolute(tm_machine *m, const tm_value *v) {
    int64_t i;
    double r;
    const tm_number kind = roma_template_number(v, &i, &r);
    if (kind == TM_BROKEN) return roma_template_real(fabs(r));
    if (kind == TM_NO_NUMBER || i == INT64_MIN)
        roma_template_stop(m, ROMA_EINPUT, "%s has no absolute value here", roma_template_what(v));
    return roma_template_int(i < 0 ? -i : i);
}

/* The number that a text spells, as Python's int() and float() read it, but for words and underscores. */
static tm_number spelt(tm_machine *m, const tm_text *t, int64_t *i, double *r) {
    const tm_value v = roma_template_strip(m, t, NULL, TM_LEFT | TM_RIGHT);
    if (m->rc) return TM_NO_NUMBER;
    const char *p = v.u.text->p;
    size_t n = v.u.text->len;
    const bool minus = n && *p == '-';
    if (n && (*p == '-' || *p == '+')) {
        p++;
        n--;
    }
    uint64_t u = 0;
    size_t k = 0;
    while (k < n && p[k] >= '0' && p[k] <= '9' && roma_mul(u, 10, &u) && roma_add(u, (uint64_t)(p[k] - '0'), &u)) k++;
    if (n && k == n && u <= INT64_MAX) {
        *i = minus ? -(int64_t)u : (int64_t)u;
        *r = (double)*i;
        return TM_WHOLE;
    }
    if (!n || !roma_real_read(p, n, r)) return TM_NO_NUMBER;
    if (minus) *r = -*r;
    return TM_BROKEN;
}

static tm_number read_number(tm_machine *m, const tm_value *v, int64_t *i, double *r) {
    if (v->kind == TM_UNDEFINED) roma_template_stop(m, ROMA_EINPUT, "an undefined value is no number");
    return v->kind == TM_TEXT ? spelt(m, v->u.text, i, r) : roma_template_number(v, i, r);
}

static tm_value to_int(tm_machine *m, const tm_value *subject, const tm_value *v) {
    int64_t i = 0;
    double r = 0;
    if (roma_template_given(&v[1])) roma_template_stop(m, ROMA_EUNSUPPORTED, "int with a base is not supported");
    const tm_number kind = read_number(m, subject, &i, &r);
    if (kind == TM_WHOLE) return roma_template_int(i);
    if (kind == TM_BROKEN && r > -9e18 && r < 9e18) return roma_template_int((int64_t)r);
    if (kind == TM_BROKEN && r - r == 0)
        roma_template_stop(m, ROMA_EUNSUPPORTED, "this number is beyond what is supported");
    return roma_template_given(&v[0]) ? v[0] : roma_template_int(0);
}

static tm_value to_real(tm_machine *m, const tm_value *subject, const tm_value *v) {
    int64_t i;
    double r;
    if (read_number(m, subject, &i, &r) != TM_NO_NUMBER) return roma_template_real(r);
    return roma_template_given(&v[0]) ? v[0] : roma_template_real(0);
}

static tm_value rounded(tm_machine *m, const tm_value *subject, const tm_value *v) {
    const int64_t digits = roma_template_whole(m, &v[0], 0);
    int64_t i = 0;
    double r = 0;
    char text[400];
    const tm_number kind = roma_template_number(subject, &i, &r);
    if (kind == TM_NO_NUMBER) roma_template_stop(m, ROMA_EINPUT, "%s cannot be rounded", roma_template_what(subject));
    if (digits < 0 || digits > 30) roma_template_stop(m, ROMA_EUNSUPPORTED, "round takes 0 to 30 digits");
    if (m->rc) return nothing();
    const bool common =
        !roma_template_given(&v[1]) || (v[1].kind == TM_TEXT && roma_template_is(v[1].u.text, "common"));
    if (common) {
        if (kind == TM_WHOLE) return *subject;
        roma_print(text, sizeof text, "%.*f", (int)digits, r);
        if (!roma_real_read(text, strlen(text), &r)) roma_template_stop(m, ROMA_EINPUT, "this cannot be rounded");
        return roma_template_real(r);
    }
    const bool up = v[1].kind == TM_TEXT && roma_template_is(v[1].u.text, "ceil");
    if (!up && !(v[1].kind == TM_TEXT && roma_template_is(v[1].u.text, "floor")))
        roma_template_stop(m, ROMA_EINPUT, "round takes 'common', 'ceil' or 'floor'");
    const double scale = pow(10, (double)digits);
    return roma_template_real((up ? ceil(r * scale) : floor(r * scale)) / scale);
}

/* ---- texts ---- */

static tm_value of_str(tm_machine *m, const tm_value *subject) {
    const tm_text *t = roma_template_str(m, subject);
    return t ? roma_template_text(t) : nothing();
}

static bool begins_word(uint32_t c) {
    return c == '-' || c == '(' || c == '{' || c == '[' || c == '<' || roma_template_space(c);
}

/* jinja2's title: what follows a blank, a hyphen or a bracket is large, all else small. */
static tm_value title(tm_machine *m, const tm_text *s) {
    tm_sink out = {0};
    bool first = true;
    for (size_t at = 0; at < s->len && !m->rc;) {
        size_t end = at;
        unsigned n;
        const uint32_t c = roma_template_char(s->p + at, s->len - at, &n);
        const bool mark = begins_word(c);
        end += n;
        while (!first && end < s->len) { /* the rest of a word goes as one, for the final sigma */
            if (begins_word(roma_template_char(s->p + end, s->len - end, &n)) != mark) break;
            end += n;
        }
        const tm_value part = roma_template_part(m, s, at, end - at);
        const tm_value v = m->rc ? part : roma_template_case(m, part.u.text, first && !mark ? TM_UPPER : TM_LOWER);
        if (!m->rc) roma_template_write_text(m, &out, v.u.text);
        first = mark;
        at = end;
    }
    return roma_template_done(m, &out);
}

static tm_value indented(tm_machine *m, const tm_value *subject, const tm_value *v) {
    static const tm_text line = {.p = "\n", .len = 1}, space = {.p = " ", .len = 1};
    const tm_text *s = subject->u.text;
    if (subject->kind != TM_TEXT) {
        roma_template_stop(m, ROMA_EINPUT, "indent of %s", roma_template_what(subject));
        return nothing();
    }
    const tm_value blank = roma_template_text(&space), width = roma_template_given(&v[0]) ? v[0] : roma_template_int(4);
    const tm_value pad = width.kind == TM_TEXT ? width : roma_template_arith(m, '*', &blank, &width);
    const bool first = roma_template_flag(&v[1]), blanks = roma_template_flag(&v[2]);
    tm_sink out = {0};
    if (m->rc) return nothing();
    /* jinja2 adds a line end, so that a last one counts */
    const tm_value ended = roma_template_concat(m, s, &line);
    const tm_value lines = m->rc ? ended : roma_template_lines(m, ended.u.text, false);
    for (size_t i = 0; !m->rc && i < lines.u.list->n; i++) {
        const tm_text *t = lines.u.list->v[i].u.text;
        if (i) roma_template_write_text(m, &out, &line);
        if (i ? (blanks || t->len) : first) roma_template_write_text(m, &out, pad.u.text);
        roma_template_write_text(m, &out, t);
    }
    return roma_template_done(m, &out);
}

static tm_value trimmed(tm_machine *m, const tm_value *subject, const tm_value *v) {
    const tm_text *s = roma_template_str(m, subject), *set = NULL;
    if (roma_template_given(&v[0]) && v[0].kind != TM_NONE) {
        if (v[0].kind == TM_TEXT)
            set = v[0].u.text;
        else
            roma_template_stop(m, ROMA_EINPUT, "trim needs a text, not %s", roma_template_what(&v[0]));
    }
    return m->rc ? nothing() : roma_template_strip(m, s, set, TM_LEFT | TM_RIGHT);
}

static tm_value replaced(tm_machine *m, const tm_value *subject, const tm_value *v) {
    const tm_text *s = roma_template_str(m, subject), *old = roma_template_str(m, &v[0]),
                  *new = roma_template_str(m, &v[1]);
    const int64_t count = roma_template_given(&v[2]) && v[2].kind != TM_NONE ? roma_template_whole(m, &v[2], -1) : -1;
    return m->rc ? nothing() : roma_template_replace(m, s, old, new, count);
}

static tm_value json(tm_machine *m, const tm_value *subject, const tm_value *v) {
    static const tm_text colon = {.p = ": ", .len = 2}, comma = {.p = ", ", .len = 2}, close = {.p = ",", .len = 1};
    const tm_value indent = v[1], pair = v[2];
    tm_json how = {
        .ascii = roma_template_flag(&v[0]), .sort = roma_template_flag(&v[3]), .between = &comma, .after_key = &colon};
    tm_sink s = {0};
    if (roma_template_given(&indent) && indent.kind != TM_NONE) {
        static const tm_text space = {.p = " ", .len = 1};
        const tm_value blank = roma_template_text(&space);
        const tm_value pad = indent.kind == TM_TEXT ? indent : roma_template_arith(m, '*', &blank, &indent);
        if (m->rc) return nothing();
        how.indent = pad.u.text;
        how.between = &close;
    }
    if (roma_template_given(&pair) && pair.kind != TM_NONE) {
        const tm_list *l = roma_template_items(m, &pair);
        if (l && (l->n != 2 || l->v[0].kind != TM_TEXT || l->v[1].kind != TM_TEXT))
            roma_template_stop(m, ROMA_EINPUT, "separators are two texts");
        if (m->rc) return nothing();
        how.between = l->v[0].u.text;
        how.after_key = l->v[1].u.text;
    }
    roma_template_write_json(m, &s, subject, &how);
    return roma_template_done(m, &s);
}

static tm_value format(tm_machine *m, const tm_value *subject, const tm_args *args) {
    const tm_text *s = roma_template_str(m, subject);
    if (args->n_named) roma_template_stop(m, ROMA_EUNSUPPORTED, "format by names is not supported");
    return m->rc ? nothing() : roma_template_format(m, s, args->v, args->n);
}

static tm_value words(tm_machine *m, const tm_text *s) {
    int64_t n = 0;
    bool inside = false;
    for (size_t at = 0; at < s->len;) {
        unsigned k;
        const uint32_t c = roma_template_char(s->p + at, s->len - at, &k);
        const bool word = c == '_' || (c >= '0' && c <= '9') || roma_template_is_cased(c);
        if (c >= 0x80) roma_template_stop(m, ROMA_EUNSUPPORTED, "wordcount of a text beyond ASCII is not supported");
        n += word && !inside;
        inside = word;
        at += k;
    }
    return roma_template_int(n);
}

/* ---- by name ---- */

#define X(name, id, args) F_##id,
enum { TM_FILTERS(X) F_COUNT };
#undef X

static const struct {
    const char *name, *args[6];
} filters[] = {
#define NAMES(...)                                                                                                     \
    { __VA_ARGS__ }
#define X(name, id, args) {name, args},
    TM_FILTERS(X)
#undef X
#undef NAMES
};

int roma_template_filter_find(const char *name, size_t len) {
    static const char *const refused[] = {"attr",   "center",   "filesizeformat", "forceescape", "groupby",
                                          "pprint", "random",   "striptags",      "truncate",    "urlencode",
                                          "urlize", "wordwrap", "xmlattr"};
    for (int i = 0; i < F_COUNT; i++)
        if (strlen(filters[i].name) == len && memcmp(filters[i].name, name, len) == 0) return i;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        if (strlen(refused[i]) == len && memcmp(refused[i], name, len) == 0) return -2;
    return -1;
}

static tm_value of_text(tm_machine *m, unsigned id, const tm_value *subject, const tm_value *v) {
    const tm_value s = of_str(m, subject);
    if (m->rc) return nothing();
    const tm_text *t = s.u.text;
    switch (id) {
    case F_LOWER: return roma_template_case(m, t, TM_LOWER);
    case F_UPPER: return roma_template_case(m, t, TM_UPPER);
    case F_CAPITALIZE: return roma_template_case(m, t, TM_CAPITALIZE);
    case F_TITLE: return title(m, t);
    case F_STRING: return s;
    case F_SAFE: return roma_template_markup(m, t);
    case F_ESCAPE:
    case F_E: t = roma_template_escape(m, subject); return t ? roma_template_text(t) : nothing();
    case F_TRIM: return trimmed(m, subject, v);
    case F_REPLACE: return replaced(m, subject, v);
    case F_INDENT: return indented(m, subject, v);
    default: return words(m, t);
    }
}

static tm_value of_any(tm_machine *m, unsigned id, const tm_value *subject, const tm_value *v) {
    int64_t n = 0;
    switch (id) {
    case F_ABS: return absolute(m, subject);
    case F_INT: return to_int(m, subject, v);
    case F_FLOAT: return to_real(m, subject, v);
    case F_ROUND: return rounded(m, subject, v);
    case F_TOJSON: return json(m, subject, v);
    case F_D:
    case F_DEFAULT:
        if (subject->kind != TM_UNDEFINED && (!roma_template_flag(&v[1]) || roma_template_true(subject)))
            return *subject;
        return roma_template_given(&v[0]) ? v[0] : roma_template_literal(m, "");
    case F_LENGTH:
    case F_COUNT_ITEMS:
        if (!roma_template_length(subject, &n))
            roma_template_stop(m, ROMA_EINPUT, "%s has no length", roma_template_what(subject));
        return roma_template_int(n);
    default: return of_text(m, id, subject, v);
    }
}

tm_value roma_template_filter(tm_machine *m, unsigned id, const tm_value *subject, tm_args *args) {
    tm_value v[8] = {{0}};
    if (id == TM_UNKNOWN) roma_template_stop(m, ROMA_EUNSUPPORTED, "there is no filter of this name");
    if (!roma_template_steps(m, 1)) return nothing();
    if (id == F_FORMAT) return format(m, subject, args);
    if (id >= F_FIRST_OF_ANY) return roma_template_pick(m, filters[id].name, subject, args);
    if (!roma_template_bind(m, args, filters[id].name, filters[id].args, v)) return nothing();
    if (id >= F_FIRST_OF_LISTS) return roma_template_list_filter(m, filters[id].name, subject, v);
    return of_any(m, id, subject, v);
}
