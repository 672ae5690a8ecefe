/* str.split and its kin, and str.format. */
#include <string.h>
#include "template/call.h"

static void piece(tm_machine *m, tm_list *out, const tm_text *s, size_t from, size_t to) {
    roma_template_append(m, out, roma_template_part(m, s, from, to - from));
}

static void by_text(tm_machine *m, tm_list *out, const tm_text *s, const tm_text *sep, int64_t count) {
    size_t at = 0, next;
    if (!sep->len) roma_template_stop(m, ROMA_EINPUT, "an empty separator");
    for (; !m->rc && count && (next = roma_template_find(s, at, sep)) != SIZE_MAX; count--) {
        piece(m, out, s, at, next);
        at = next + sep->len;
    }
    if (!m->rc) piece(m, out, s, at, s->len);
}

static bool space_at(const tm_text *s, size_t at, unsigned *n) {
    return roma_template_space(roma_template_char(s->p + at, s->len - at, n));
}

static void by_space(tm_machine *m, tm_list *out, const tm_text *s, int64_t count) {
    unsigned n;
    size_t at = 0;
    while (!m->rc) {
        while (at < s->len && space_at(s, at, &n)) at += n;
        if (at == s->len) return;
        if (!count--) {
            const tm_text rest = {.p = s->p + at, .len = s->len - at};
            (void)rest;
            const tm_value tail = roma_template_part(m, s, at, s->len - at);
            if (!m->rc) roma_template_append(m, out, tail);
            return;
        }
        const size_t from = at;
        while (at < s->len && !space_at(s, at, &n)) at += n;
        piece(m, out, s, from, at);
    }
}

/* The last place of sep before `to`, or SIZE_MAX. */
static size_t find_last(const tm_text *s, size_t to, const tm_text *sep) {
    for (size_t at = to + 1; at-- > 0;)
        if (sep->len <= to - at && memcmp(s->p + at, sep->p, sep->len) == 0) return at;
    return SIZE_MAX;
}

static void by_text_right(tm_machine *m, tm_list *out, const tm_text *s, const tm_text *sep, int64_t count) {
    size_t to = s->len, at;
    if (!sep->len) roma_template_stop(m, ROMA_EINPUT, "an empty separator");
    for (; !m->rc && count && (at = find_last(s, to, sep)) != SIZE_MAX; count--) {
        piece(m, out, s, at + sep->len, to);
        to = at;
    }
    if (m->rc) return;
    piece(m, out, s, 0, to);
    for (size_t i = 0, k = out->n; i + 1 < k; i++, k--) {
        const tm_value v = out->v[i];
        out->v[i] = out->v[k - 1];
        out->v[k - 1] = v;
    }
}

tm_value roma_template_split(tm_machine *m, const tm_text *s, const tm_text *sep, int64_t count, bool from_right) {
    const tm_value out = roma_template_list(m, TM_PLAIN, 0);
    if (!roma_template_steps(m, s->len / 64 + 1)) return out;
    if (!sep && from_right && count >= 0)
        roma_template_stop(m, ROMA_EUNSUPPORTED, "rsplit at white space with a limit is not supported");
    else if (!sep)
        by_space(m, out.u.list, s, count);
    else if (from_right)
        by_text_right(m, out.u.list, s, sep, count);
    else
        by_text(m, out.u.list, s, sep, count);
    return out;
}

static bool ends_line(uint32_t c) {
    return (c >= 10 && c <= 13) || (c >= 28 && c <= 30) || c == 0x85 || c == 0x2028 || c == 0x2029;
}

tm_value roma_template_lines(tm_machine *m, const tm_text *s, bool keep) {
    const tm_value out = roma_template_list(m, TM_PLAIN, 0);
    size_t from = 0;
    for (size_t at = 0; at < s->len && !m->rc;) {
        unsigned n;
        const uint32_t c = roma_template_char(s->p + at, s->len - at, &n);
        const size_t line = at;
        at += n;
        if (!ends_line(c)) continue;
        if (c == '\r' && at < s->len && s->p[at] == '\n') at++;
        piece(m, out.u.list, s, from, keep ? at : line);
        from = at;
    }
    if (from < s->len && !m->rc) piece(m, out.u.list, s, from, s->len);
    return out;
}

/* ---- format ---- */

static tm_value place(tm_machine *m, const tm_text *name, tm_args *args, unsigned *next) {
    unsigned k = 0;
    if (!name->len) {
        k = (*next)++;
    } else if (name->p[0] >= '0' && name->p[0] <= '9') {
        for (size_t i = 0; i < name->len; i++) {
            if (name->p[i] < '0' || name->p[i] > '9' || k > TM_ARGS_MAX) {
                roma_template_stop(m, ROMA_EUNSUPPORTED, "only {}, {0} and {name} are supported in a format");
                return roma_template_none();
            }
            k = 10 * k + (unsigned)(name->p[i] - '0');
        }
    } else {
        for (unsigned i = args->n; i < args->n + args->n_named; i++) {
            const tm_text *t = m->t->name[args->name[i]];
            if (t->len == name->len && memcmp(t->p, name->p, t->len) == 0) return args->v[i];
        }
        k = UINT32_MAX;
    }
    for (size_t i = 0; i < name->len; i++)
        if (strchr(".[:!{", name->p[i]))
            roma_template_stop(m, ROMA_EUNSUPPORTED, "only {}, {0} and {name} are supported in a format");
    if (k < args->n) return args->v[k];
    roma_template_stop(m, ROMA_EINPUT, "a format has a place for which no value is given");
    return roma_template_none();
}

tm_value roma_template_places(tm_machine *m, const tm_text *s, tm_args *args) {
    tm_sink out = {0};
    unsigned next = 0;
    for (size_t at = 0; at < s->len && !m->rc;) {
        const char c = s->p[at];
        const bool twice = at + 1 < s->len && s->p[at + 1] == c;
        if ((c != '{' && c != '}') || twice) {
            roma_template_write_part(m, &out, s, at, 1);
            at += (c == '{' || c == '}') ? 2 : 1;
            continue;
        }
        const char *end = c == '{' ? memchr(s->p + at, '}', s->len - at) : NULL;
        if (!end) {
            roma_template_stop(m, ROMA_EINPUT, "a bracket of a format stands alone");
            break;
        }
        const tm_text name = {.p = s->p + at + 1, .len = (size_t)(end - s->p) - at - 1};
        const tm_value v = place(m, &name, args, &next);
        if (!m->rc) roma_template_write_value(m, &out, &v);
        at = (size_t)(end - s->p) + 1;
    }
    return roma_template_done(m, &out);
}
