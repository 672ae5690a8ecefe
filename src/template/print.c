/* Values as text: str(), repr(), JSON and the % operator, as Python has them. */
#include <string.h>
#include "template/internal.h"

static tm_origin origin_of(bool data) { return data ? TM_OF_DATA : TM_OF_TEMPLATE; }

static void literal(tm_machine *m, tm_sink *s, const char *text, bool data) {
    roma_template_write(m, s, text, strlen(text), origin_of(data));
}

static void whole(tm_machine *m, tm_sink *s, int64_t i, bool data) {
    char text[24];
    roma_print(text, sizeof text, "%lld", (long long)i);
    literal(m, s, text, data);
}

/* A real as Python's repr has it: the fewest digits that read back, with an exponent below 1e-4 and from 1e16 on. */
static size_t print_real(char buf[40], double r) {
    char e[ROMA_REAL_CAP];
    if (r != r || r - r != 0) return (size_t)roma_print(buf, 40, "%s", r != r ? "nan" : r > 0 ? "inf" : "-inf");
    int digits = 1;
    double back = 0;
    for (; digits <= 17; digits++) {
        roma_print(e, sizeof e, "%.*e", digits - 1, r);
        if (roma_real_read(e, strlen(e), &back) && back == r) break;
    }
    const char *exp_at = strchr(e, 'e');
    int exponent = 0;
    for (const char *p = exp_at + 2; *p; p++) exponent = 10 * exponent + (*p - '0');
    if (exp_at[1] == '-') exponent = -exponent;
    if (exponent >= -4 && exponent < 16) {
        const int after = digits - 1 - exponent;
        return (size_t)roma_print(buf, 40, "%.*f", after > 0 ? after : 1, r);
    }
    return (size_t)roma_print(buf, 40, "%s", e);
}

static void real(tm_machine *m, tm_sink *s, double r, bool data) {
    char text[40];
    roma_template_write(m, s, text, print_real(text, r), origin_of(data));
}

/* ---- escapes of repr and of JSON ---- */

static tm_origin origin_at(const tm_text *t, size_t at) {
    return t->origin == TM_OF_BOTH ? origin_of(t->data[at]) : (tm_origin)t->origin;
}

static void escaped(tm_machine *m, tm_sink *s, const char *fmt, uint32_t c, tm_origin origin) {
    char text[16];
    roma_print(text, sizeof text, fmt, c);
    roma_template_write(m, s, text, strlen(text), origin);
}

static bool short_escape(tm_machine *m, tm_sink *s, uint32_t c, const char *from, const char *to, tm_origin origin) {
    const char *at = c && c < 128 ? strchr(from, (int)c) : NULL;
    if (!at) return false;
    const char text[2] = {'\\', to[at - from]};
    roma_template_write(m, s, text, 2, origin);
    return true;
}

static void repr_char(tm_machine *m, tm_sink *s, uint32_t c, char quote, tm_origin origin) {
    const char from[] = {'\n', '\r', '\t', '\\', quote, 0}, to[] = {'n', 'r', 't', '\\', quote, 0};
    if (!short_escape(m, s, c, from, to, origin))
        escaped(m, s, c < 0x100 ? "\\x%02x" : c < 0x10000 ? "\\u%04x" : "\\U%08x", c, origin);
}

static void json_char(tm_machine *m, tm_sink *s, uint32_t c, tm_origin origin) {
    if (short_escape(m, s, c, "\"\\\b\f\n\r\t", "\"\\bfnrt", origin)) return;
    if (c >= 0x10000 && c < 0x110000) {
        escaped(m, s, "\\u%04x", 0xd800 + ((c - 0x10000) >> 10), origin);
        c = 0xdc00 + ((c - 0x10000) & 0x3ff);
    }
    escaped(m, s, "\\u%04x", c, origin);
}

/* A text in quotes: characters that need no escape go in runs. quote 0: JSON's. */
static void quoted(tm_machine *m, tm_sink *s, const tm_text *t, char quote, bool ascii) {
    size_t from = 0;
    const char mark = quote ? quote : '"';
    roma_template_write(m, s, &mark, 1, t->len ? origin_at(t, 0) : (tm_origin)t->origin);
    for (size_t at = 0; at < t->len && !m->rc;) {
        unsigned n;
        const uint32_t c = roma_template_char(t->p + at, t->len - at, &n);
        const bool plain = quote ? c != (uint32_t)quote && c != '\\' && roma_template_printable(c)
                                 : c >= 0x20 && c != '"' && c != '\\' && (!ascii || c < 0x7f || c >= 0x110000);
        if (!plain) {
            roma_template_write_part(m, s, t, from, at - from);
            if (quote)
                repr_char(m, s, c, quote, origin_at(t, at));
            else
                json_char(m, s, c, origin_at(t, at));
            from = at + n;
        }
        at += n;
    }
    roma_template_write_part(m, s, t, from, t->len - from);
    roma_template_write(m, s, &mark, 1, t->len ? origin_at(t, t->len - 1) : (tm_origin)t->origin);
}

/* ---- str and repr ---- */

static bool enter(tm_machine *m) {
    if (++m->depth > m->limits.depth)
        roma_template_stop(m, ROMA_EUNSUPPORTED, "values nest more than %u deep", m->limits.depth);
    return roma_template_steps(m, 1);
}

static void repr_text(tm_machine *m, tm_sink *s, const tm_text *t) {
    const bool single = t->len && memchr(t->p, '\'', t->len), twice = t->len && memchr(t->p, '"', t->len);
    if (t->markup) literal(m, s, "Markup(", t->origin == TM_OF_DATA);
    quoted(m, s, t, single && !twice ? '"' : '\'', false);
    if (t->markup) literal(m, s, ")", t->origin == TM_OF_DATA);
}

static void write_repr(tm_machine *m, tm_sink *s, const tm_value *v);

static void repr_items(tm_machine *m, tm_sink *s, const tm_list *l, const char *open, const char *close) {
    literal(m, s, open, l->data);
    for (size_t i = 0; i < l->n && !m->rc; i++) {
        if (i) literal(m, s, ", ", l->data);
        write_repr(m, s, &l->v[i]);
    }
    if (l->form == TM_TUPLE && l->n == 1) literal(m, s, ",", l->data);
    literal(m, s, close, l->data);
}

static void repr_dict(tm_machine *m, tm_sink *s, const tm_dict *d) {
    literal(m, s, "{", d->data);
    for (size_t i = 0; i < d->n && !m->rc; i++) {
        if (i) literal(m, s, ", ", d->data);
        write_repr(m, s, &d->pair[i].key);
        literal(m, s, ": ", d->data);
        write_repr(m, s, &d->pair[i].v);
    }
    literal(m, s, "}", d->data);
}

static void no_text(tm_machine *m, const tm_value *v) {
    roma_template_stop(m, ROMA_EUNSUPPORTED, "%s as a text is not supported", roma_template_what(v));
}

static void range(tm_machine *m, tm_sink *s, const tm_list *l) {
    /* its bounds are kept behind the items */
    const tm_value *bound = l->v + l->n;
    literal(m, s, "range(", false);
    whole(m, s, bound[0].u.i, false);
    literal(m, s, ", ", false);
    whole(m, s, bound[1].u.i, false);
    if (bound[2].u.i != 1) {
        literal(m, s, ", ", false);
        whole(m, s, bound[2].u.i, false);
    }
    literal(m, s, ")", false);
}

static void write_list(tm_machine *m, tm_sink *s, const tm_value *v) {
    switch ((tm_form)v->u.list->form) {
    case TM_PLAIN: repr_items(m, s, v->u.list, "[", "]"); return;
    case TM_TUPLE: repr_items(m, s, v->u.list, "(", ")"); return;
    case TM_RANGE: range(m, s, v->u.list); return;
    case TM_VIEW:
    case TM_LAZY: break;
    }
    no_text(m, v);
}

static void write_repr(tm_machine *m, tm_sink *s, const tm_value *v) {
    if (!enter(m)) {
        m->depth--;
        return;
    }
    switch ((tm_kind)v->kind) {
    case TM_UNDEFINED: literal(m, s, "Undefined", false); break;
    case TM_NONE: literal(m, s, "None", v->data); break;
    case TM_BOOL: literal(m, s, v->u.flag ? "True" : "False", v->data); break;
    case TM_INT: whole(m, s, v->u.i, v->data); break;
    case TM_REAL: real(m, s, v->u.r, v->data); break;
    case TM_TEXT: repr_text(m, s, v->u.text); break;
    case TM_LIST: write_list(m, s, v); break;
    case TM_DICT: repr_dict(m, s, v->u.dict); break;
    case TM_SPACE:
        literal(m, s, "<Namespace ", false);
        repr_dict(m, s, v->u.dict);
        literal(m, s, ">", false);
        break;
    case TM_MACRO:
    case TM_LOOP:
    case TM_FUNCTION:
    case TM_METHOD:
    case TM_CYCLER:
    case TM_JOINER: no_text(m, v); break;
    }
    m->depth--;
}

void roma_template_write_value(tm_machine *m, tm_sink *s, const tm_value *v) {
    if (v->kind == TM_TEXT)
        roma_template_write_text(m, s, v->u.text);
    else if (v->kind != TM_UNDEFINED)
        write_repr(m, s, v);
}

const tm_text *roma_template_str(tm_machine *m, const tm_value *v) {
    if (m->rc) return NULL;
    if (v->kind == TM_TEXT) return v->u.text;
    tm_sink s = {0};
    roma_template_write_value(m, &s, v);
    const tm_value done = roma_template_done(m, &s);
    return m->rc ? NULL : done.u.text;
}

/* ---- JSON ---- */

static void json_key(tm_machine *m, tm_sink *s, const tm_value *key, const tm_json *how) {
    tm_sink number = {0};
    switch ((tm_kind)key->kind) {
    case TM_TEXT: quoted(m, s, key->u.text, 0, how->ascii); return;
    case TM_NONE:
    case TM_BOOL:
    case TM_INT:
    case TM_REAL: {
        roma_template_write_json(m, &number, key, how);
        const tm_value v = roma_template_done(m, &number);
        if (!m->rc) quoted(m, s, v.u.text, 0, how->ascii);
        return;
    }
    case TM_UNDEFINED:
    case TM_LIST:
    case TM_DICT:
    case TM_SPACE:
    case TM_MACRO:
    case TM_LOOP:
    case TM_FUNCTION:
    case TM_METHOD:
    case TM_CYCLER:
    case TM_JOINER: break;
    }
    roma_template_stop(m, ROMA_EINPUT, "%s cannot be a key of JSON", roma_template_what(key));
}

static void new_line(tm_machine *m, tm_sink *s, const tm_json *how, uint32_t level, bool data) {
    if (!how->indent) return;
    literal(m, s, "\n", data);
    for (uint32_t i = 0; i < level && !m->rc; i++)
        roma_template_write(m, s, how->indent->p, how->indent->len, origin_of(data));
}

static void json_value(tm_machine *m, tm_sink *s, const tm_value *v, const tm_json *how, uint32_t level);

static void separator(tm_machine *m, tm_sink *s, const tm_text *t, bool data) {
    roma_template_write(m, s, t->p, t->len, origin_of(data));
}

static void json_list(tm_machine *m, tm_sink *s, const tm_list *l, const tm_json *how, uint32_t level) {
    literal(m, s, "[", l->data);
    for (size_t i = 0; i < l->n && !m->rc; i++) {
        if (i) separator(m, s, how->between, l->data);
        new_line(m, s, how, level + 1, l->data);
        json_value(m, s, &l->v[i], how, level + 1);
    }
    if (l->n) new_line(m, s, how, level, l->data);
    literal(m, s, "]", l->data);
}

/* Places of a dictionary's pairs in the order of their keys: insertion, for dictionaries are small. */
static const tm_pair **sorted(tm_machine *m, const tm_dict *d, bool sort) {
    const tm_pair **at = roma_template_get(m, (d->n + 1) * sizeof *at);
    for (size_t i = 0; at && i < d->n && !m->rc; i++) {
        size_t k = i;
        for (; sort && k && roma_template_order(m, &d->pair[i].key, &at[k - 1]->key, "<") < 0; k--) at[k] = at[k - 1];
        at[k] = &d->pair[i];
    }
    return m->rc ? NULL : at;
}

static void json_dict(tm_machine *m, tm_sink *s, const tm_dict *d, const tm_json *how, uint32_t level) {
    const tm_pair **at = sorted(m, d, how->sort);
    literal(m, s, "{", d->data);
    for (size_t i = 0; at && i < d->n && !m->rc; i++) {
        if (i) separator(m, s, how->between, d->data);
        new_line(m, s, how, level + 1, d->data);
        json_key(m, s, &at[i]->key, how);
        separator(m, s, how->after_key, d->data);
        json_value(m, s, &at[i]->v, how, level + 1);
    }
    if (d->n) new_line(m, s, how, level, d->data);
    literal(m, s, "}", d->data);
}

static void json_value(tm_machine *m, tm_sink *s, const tm_value *v, const tm_json *how, uint32_t level) {
    if (!enter(m)) {
        m->depth--;
        return;
    }
    bool known = true;
    switch ((tm_kind)v->kind) {
    case TM_NONE: literal(m, s, "null", v->data); break;
    case TM_BOOL: literal(m, s, v->u.flag ? "true" : "false", v->data); break;
    case TM_INT: whole(m, s, v->u.i, v->data); break;
    case TM_REAL:
        if (v->u.r - v->u.r == 0)
            real(m, s, v->u.r, v->data);
        else
            literal(m, s, v->u.r != v->u.r ? "NaN" : v->u.r > 0 ? "Infinity" : "-Infinity", v->data);
        break;
    case TM_TEXT: quoted(m, s, v->u.text, 0, how->ascii); break;
    case TM_LIST:
        known = v->u.list->form <= TM_TUPLE;
        if (known) json_list(m, s, v->u.list, how, level);
        break;
    case TM_DICT: json_dict(m, s, v->u.dict, how, level); break;
    case TM_UNDEFINED:
    case TM_SPACE:
    case TM_MACRO:
    case TM_LOOP:
    case TM_FUNCTION:
    case TM_METHOD:
    case TM_CYCLER:
    case TM_JOINER: known = false; break;
    }
    if (!known) roma_template_stop(m, ROMA_EINPUT, "%s cannot be written as JSON", roma_template_what(v));
    m->depth--;
}

void roma_template_write_json(tm_machine *m, tm_sink *s, const tm_value *v, const tm_json *how) {
    json_value(m, s, v, how, 0);
}

/* ---- % ---- */

static void format_one(tm_machine *m, tm_sink *s, const tm_value *v, char kind, int digits) {
    char text[400];
    int64_t i = 0;
    double r = 0;
    const tm_number number = roma_template_number(v, &i, &r);
    if (kind == 's') {
        const tm_value str = v->kind == TM_UNDEFINED ? roma_template_literal(m, "") : *v;
        roma_template_write_value(m, s, &str);
    } else if (kind == 'r') {
        write_repr(m, s, v);
    } else if (number == TM_NO_NUMBER) {
        roma_template_stop(m, ROMA_EINPUT, "'%%%c' needs a number, not %s", kind, roma_template_what(v));
    } else if (kind == 'd' || kind == 'i') {
        if (number == TM_BROKEN && !(r > -9e18 && r < 9e18))
            roma_template_stop(m, ROMA_EUNSUPPORTED, "this number is beyond what is supported");
        else
            whole(m, s, number == TM_WHOLE ? i : (int64_t)r, v->data);
    } else {
        roma_print(text, sizeof text, "%.*f", digits, r);
        literal(m, s, text, v->data);
    }
}

tm_value roma_template_format(tm_machine *m, const tm_text *t, const tm_value *args, size_t n) {
    tm_sink s = {0};
    size_t used = 0, from = 0;
    for (size_t at = 0; at < t->len && !m->rc; at++) {
        if (t->p[at] != '%') continue;
        roma_template_write_part(m, &s, t, from, at - from);
        int digits = 6;
        size_t p = at + 1;
        if (p + 1 < t->len && t->p[p] == '.' && t->p[p + 1] >= '0' && t->p[p + 1] <= '9') {
            digits = 0;
            for (p++; p < t->len && t->p[p] >= '0' && t->p[p] <= '9' && digits < 50; p++)
                digits = 10 * digits + (t->p[p] - '0');
        }
        const char kind = p < t->len ? t->p[p] : 0;
        if (kind == '%' && p == at + 1)
            roma_template_write_part(m, &s, t, p, 1);
        else if (!kind || !strchr("srdif", kind) || (p > at + 1 && kind != 'f') || digits > 50)
            roma_template_stop(m, ROMA_EUNSUPPORTED, "of formats only %%s, %%r, %%d, %%f and %%.Nf are supported");
        else if (used == n)
            roma_template_stop(m, ROMA_EINPUT, "a format has more places than values");
        else
            format_one(m, &s, &args[used++], kind, digits);
        at = p;
        from = p + 1;
    }
    if (from < t->len) roma_template_write_part(m, &s, t, from, t->len - from);
    /* what Python calls a mapping may stay unused: a list too */
    const bool mapping = n == 1 && (args->kind == TM_LIST || args->kind == TM_DICT || args->kind == TM_UNDEFINED);
    if (used < n && !mapping) roma_template_stop(m, ROMA_EINPUT, "a format has fewer places than values");
    return roma_template_done(m, &s);
}
