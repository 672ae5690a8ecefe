/* Methods of texts, dictionaries, lists and loops, as Python has them. Those that change what they belong to are not
 * there: the sandbox hides them. */
#include <string.h>
#include "template/call.h"

typedef enum {
    M_STRIP,
    M_LSTRIP,
    M_RSTRIP,
    M_SPLIT,
    M_RSPLIT,
    M_SPLITLINES,
    M_STARTSWITH,
    M_ENDSWITH,
    M_REPLACE,
    M_LOWER,
    M_UPPER,
    M_CAPITALIZE,
    M_TITLE,
    M_JOIN,
    M_FIND,
    M_RFIND,
    M_INDEX,
    M_COUNT,
    M_REMOVEPREFIX,
    M_REMOVESUFFIX,
    M_FORMAT,
    M_ISDIGIT,
    M_ISALPHA,
    M_ISALNUM,
    M_ISSPACE,
    M_ISUPPER,
    M_ISLOWER,
    M_PARTITION,
    M_RPARTITION,
    M_ZFILL,
    M_LJUST,
    M_RJUST,
    M_KEYS,
    M_VALUES,
    M_ITEMS,
    M_GET,
    M_COPY,
    M_LIST_INDEX,
    M_LIST_COUNT,
    M_LIST_COPY,
    M_CYCLE,
    M_CHANGED,
    M_NEXT,
    M_RESET,
    M_REFUSED, /* Python has one of that name, this room has not */
    M_HIDDEN   /* the sandbox hides it */
} method;

static const struct {
    uint8_t kind;
    const char *name;
    method id;
} methods[] = {
    {TM_TEXT, "strip", M_STRIP},
    {TM_TEXT, "lstrip", M_LSTRIP},
    {TM_TEXT, "rstrip", M_RSTRIP},
    {TM_TEXT, "split", M_SPLIT},
    {TM_TEXT, "rsplit", M_RSPLIT},
    {TM_TEXT, "splitlines", M_SPLITLINES},
    {TM_TEXT, "startswith", M_STARTSWITH},
    {TM_TEXT, "endswith", M_ENDSWITH},
    {TM_TEXT, "replace", M_REPLACE},
    {TM_TEXT, "lower", M_LOWER},
    {TM_TEXT, "upper", M_UPPER},
    {TM_TEXT, "capitalize", M_CAPITALIZE},
    {TM_TEXT, "title", M_TITLE},
    {TM_TEXT, "join", M_JOIN},
    {TM_TEXT, "find", M_FIND},
    {TM_TEXT, "rfind", M_RFIND},
    {TM_TEXT, "index", M_INDEX},
    {TM_TEXT, "count", M_COUNT},
    {TM_TEXT, "removeprefix", M_REMOVEPREFIX},
    {TM_TEXT, "removesuffix", M_REMOVESUFFIX},
    {TM_TEXT, "format", M_FORMAT},
    {TM_TEXT, "isdigit", M_ISDIGIT},
    {TM_TEXT, "isdecimal", M_ISDIGIT},
    {TM_TEXT, "isnumeric", M_ISDIGIT},
    {TM_TEXT, "isalpha", M_ISALPHA},
    {TM_TEXT, "isalnum", M_ISALNUM},
    {TM_TEXT, "isspace", M_ISSPACE},
    {TM_TEXT, "isupper", M_ISUPPER},
    {TM_TEXT, "islower", M_ISLOWER},
    {TM_TEXT, "partition", M_PARTITION},
    {TM_TEXT, "rpartition", M_RPARTITION},
    {TM_TEXT, "zfill", M_ZFILL},
    {TM_TEXT, "ljust", M_LJUST},
    {TM_TEXT, "rjust", M_RJUST},
    {TM_DICT, "keys", M_KEYS},
    {TM_DICT, "values", M_VALUES},
    {TM_DICT, "items", M_ITEMS},
    {TM_DICT, "get", M_GET},
    {TM_DICT, "copy", M_COPY},
    {TM_LIST, "index", M_LIST_INDEX},
    {TM_LIST, "count", M_LIST_COUNT},
    {TM_LIST, "copy", M_LIST_COPY},
    {TM_LOOP, "cycle", M_CYCLE},
    {TM_LOOP, "changed", M_CHANGED},
    {TM_CYCLER, "next", M_NEXT},
    {TM_CYCLER, "reset", M_RESET},
    {TM_DICT, "clear", M_HIDDEN},
    {TM_DICT, "pop", M_HIDDEN},
    {TM_DICT, "popitem", M_HIDDEN},
    {TM_DICT, "setdefault", M_HIDDEN},
    {TM_DICT, "update", M_HIDDEN},
    {TM_LIST, "append", M_HIDDEN},
    {TM_LIST, "clear", M_HIDDEN},
    {TM_LIST, "extend", M_HIDDEN},
    {TM_LIST, "insert", M_HIDDEN},
    {TM_LIST, "pop", M_HIDDEN},
    {TM_LIST, "remove", M_HIDDEN},
    {TM_LIST, "reverse", M_HIDDEN},
    {TM_LIST, "sort", M_HIDDEN},
    {TM_DICT, "fromkeys", M_REFUSED},
    {TM_TEXT, "casefold", M_REFUSED},
    {TM_TEXT, "center", M_REFUSED},
    {TM_TEXT, "encode", M_REFUSED},
    {TM_TEXT, "expandtabs", M_REFUSED},
    {TM_TEXT, "format_map", M_REFUSED},
    {TM_TEXT, "isascii", M_REFUSED},
    {TM_TEXT, "isidentifier", M_REFUSED},
    {TM_TEXT, "isprintable", M_REFUSED},
    {TM_TEXT, "istitle", M_REFUSED},
    {TM_TEXT, "maketrans", M_REFUSED},
    {TM_TEXT, "rindex", M_REFUSED},
    {TM_TEXT, "swapcase", M_REFUSED},
    {TM_TEXT, "translate", M_REFUSED},
};

/* Which methods a list has goes by its form. */
static bool has(const tm_value *of, method id) {
    if (of->kind != TM_LIST) return true;
    const tm_form form = (tm_form)of->u.list->form;
    if (form == TM_PLAIN) return true;
    return (form == TM_TUPLE || form == TM_RANGE) && (id == M_LIST_INDEX || id == M_LIST_COUNT);
}

tm_value roma_template_method(tm_machine *m, const tm_value *of, const tm_text *name) {
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        if (methods[i].kind != of->kind || !roma_template_is(name, methods[i].name) || !has(of, methods[i].id))
            continue;
        if (methods[i].id == M_HIDDEN) return roma_template_undefined(methods[i].name);
        tm_method *x = roma_template_get(m, sizeof *x);
        if (!x) return roma_template_undefined("");
        *x = (tm_method){*of, (int)i};
        return (tm_value){.kind = TM_METHOD, .u = {.method = x}};
    }
    return roma_template_undefined(NULL);
}

/* ---- arguments ---- */

static tm_value nothing(void) { return roma_template_undefined(NULL); }

static const tm_text *text_of(tm_machine *m, const tm_value *v) {
    if (v->kind == TM_TEXT) return v->u.text;
    roma_template_stop(m, ROMA_EINPUT, "a text is needed here, not %s", roma_template_what(v));
    return NULL;
}

/* Markup escapes what it takes in. */
static const tm_text *taken(tm_machine *m, const tm_text *self, const tm_value *v) {
    if (!text_of(m, v)) return NULL;
    return self->markup ? roma_template_escape(m, v) : v->u.text;
}

/* ---- of texts ---- */

static bool ends(const tm_text *s, const tm_text *with, bool right) {
    return s->len >= with->len &&
           (!with->len || memcmp(s->p + (right ? s->len - with->len : 0), with->p, with->len) == 0);
}

/* startswith, endswith: of a text, or of any of a tuple. */
static tm_value begins(tm_machine *m, const tm_text *s, const tm_value *v, bool right) {
    if (v->kind == TM_LIST && v->u.list->form == TM_TUPLE) {
        bool any = false;
        for (size_t i = 0; i < v->u.list->n && !m->rc; i++) {
            const tm_text *t = text_of(m, &v->u.list->v[i]);
            any |= t && ends(s, t, right);
        }
        return roma_template_bool(any);
    }
    const tm_text *t = text_of(m, v);
    return roma_template_bool(t && ends(s, t, right));
}

/* Characters before byte `at`. */
static int64_t chars_before(const tm_text *s, size_t at) {
    const tm_text part = {.p = s->p, .len = at};
    return at == SIZE_MAX ? -1 : (int64_t)roma_template_chars(&part);
}

static size_t last_of(const tm_text *s, const tm_text *what) {
    size_t last = SIZE_MAX;
    for (size_t at = s->len + 1; at-- > 0 && last == SIZE_MAX;)
        if (s->len - at >= what->len && (!what->len || memcmp(s->p + at, what->p, what->len) == 0)) last = at;
    return last;
}

static tm_value find(tm_machine *m, method id, const tm_text *s, const tm_value *v) {
    if (roma_template_given(&v[1])) roma_template_stop(m, ROMA_EUNSUPPORTED, "bounds are not supported here");
    const tm_text *what = text_of(m, &v[0]);
    if (m->rc || !roma_template_steps(m, s->len / 16)) return nothing();
    const size_t at = id == M_RFIND ? last_of(s, what) : roma_template_find(s, 0, what);
    if (id == M_INDEX && at == SIZE_MAX) roma_template_stop(m, ROMA_EINPUT, "there is no such text in it");
    if (id != M_COUNT) return roma_template_int(chars_before(s, at));
    int64_t n = 0;
    if (!what->len) return roma_template_int((int64_t)roma_template_chars(s) + 1);
    for (size_t p = 0; (p = roma_template_find(s, p, what)) != SIZE_MAX; p += what->len) n++;
    return roma_template_int(n);
}

/* Questions about every character; beyond ASCII they are refused, since they would need Unicode's whole table. */
static tm_value is_all(tm_machine *m, method id, const tm_text *s) {
    bool all = s->len > 0, cased = false;
    for (size_t at = 0; at < s->len;) {
        unsigned n;
        uint32_t to[3];
        const uint32_t c = roma_template_char(s->p + at, s->len - at, &n);
        const bool digit = c >= '0' && c <= '9', alpha = (c | 32) >= 'a' && (c | 32) <= 'z';
        if (c >= 0x80 && id != M_ISSPACE && id != M_ISUPPER && id != M_ISLOWER) {
            roma_template_stop(m, ROMA_EUNSUPPORTED, "this question about a text beyond ASCII is not supported");
            return nothing();
        }
        const bool low = roma_template_map_case(c, TM_UPPER, to), up = roma_template_map_case(c, TM_LOWER, to);
        cased |= low || up;
        if (id == M_ISDIGIT) all &= digit;
        if (id == M_ISALPHA) all &= alpha && c < 0x80;
        if (id == M_ISALNUM) all &= digit || (alpha && c < 0x80);
        if (id == M_ISSPACE) all &= roma_template_space(c);
        if (id == M_ISUPPER) all &= !low;
        if (id == M_ISLOWER) all &= !up;
        at += n;
    }
    return roma_template_bool(all && (cased || (id != M_ISUPPER && id != M_ISLOWER)));
}

static tm_value partition(tm_machine *m, const tm_text *s, const tm_value *v, bool right) {
    const tm_text *sep = text_of(m, v);
    const tm_value out = roma_template_list(m, TM_TUPLE, 3);
    if (m->rc) return out;
    if (!sep->len) roma_template_stop(m, ROMA_EINPUT, "an empty separator");
    const size_t at = right ? last_of(s, sep) : roma_template_find(s, 0, sep), none = right ? 0 : s->len;
    const size_t a = at == SIZE_MAX ? none : at, b = at == SIZE_MAX ? none : at + sep->len;
    roma_template_append(m, out.u.list, roma_template_part(m, s, 0, a));
    roma_template_append(m, out.u.list, roma_template_part(m, s, a, b - a));
    roma_template_append(m, out.u.list, roma_template_part(m, s, b, s->len - b));
    return out;
}

static tm_value fill(tm_machine *m, method id, const tm_text *s, const tm_value *v) {
    const int64_t width = roma_template_whole(m, &v[0], 0), n = (int64_t)roma_template_chars(s);
    const tm_text zero = {.p = "0", .len = 1}, blank = {.p = " ", .len = 1};
    const tm_text *with = id == M_ZFILL ? &zero : roma_template_given(&v[1]) ? text_of(m, &v[1]) : &blank;
    tm_sink out = {0};
    if (m->rc) return nothing();
    if (roma_template_chars(with) != 1) roma_template_stop(m, ROMA_EINPUT, "one character is needed to fill with");
    const bool sign = id == M_ZFILL && s->len && (s->p[0] == '-' || s->p[0] == '+');
    if (sign) roma_template_write_part(m, &out, s, 0, 1);
    if (id == M_LJUST) roma_template_write_text(m, &out, s);
    for (int64_t i = n; i < width && roma_template_steps(m, 1); i++) roma_template_write_text(m, &out, with);
    if (id != M_LJUST) roma_template_write_part(m, &out, s, sign, s->len - sign);
    return roma_template_done(m, &out);
}

static tm_value without(tm_machine *m, const tm_text *s, const tm_value *v, bool right) {
    const tm_text *t = text_of(m, v);
    if (!t) return nothing();
    if (!ends(s, t, right)) return roma_template_text(s);
    return roma_template_part(m, s, right ? 0 : t->len, s->len - t->len);
}

static tm_value joined(tm_machine *m, const tm_text *s, const tm_value *v) {
    tm_sink out = {0};
    const tm_list *l = roma_template_items(m, v);
    for (size_t i = 0; l && i < l->n && !m->rc; i++) {
        const tm_text *t = taken(m, s, &l->v[i]);
        if (i) roma_template_write_text(m, &out, s);
        if (t) roma_template_write_text(m, &out, t);
    }
    return roma_template_done(m, &out);
}

static tm_value pieces(tm_machine *m, method id, const tm_text *s, const tm_value *v) {
    const bool space = !roma_template_given(&v[0]) || v[0].kind == TM_NONE;
    const tm_text *sep = space ? NULL : text_of(m, &v[0]);
    const int64_t count = roma_template_whole(m, &v[1], -1);
    return m->rc ? nothing() : roma_template_split(m, s, sep, count, id == M_RSPLIT);
}

static tm_value stripped(tm_machine *m, const tm_text *s, const tm_value *v, unsigned sides) {
    const tm_text *set = !roma_template_given(v) || v->kind == TM_NONE ? NULL : text_of(m, v);
    return m->rc ? nothing() : roma_template_strip(m, s, set, sides);
}

static tm_value replaced(tm_machine *m, const tm_text *s, const tm_value *v) {
    const tm_text *old = text_of(m, &v[0]), *new = taken(m, s, &v[1]);
    const int64_t count = roma_template_whole(m, &v[2], -1);
    return m->rc ? nothing() : roma_template_replace(m, s, old, new, count);
}

static tm_value of_text(tm_machine *m, method id, const tm_text *s, const tm_value *v) {
    switch (id) {
    case M_STRIP: return stripped(m, s, v, TM_LEFT | TM_RIGHT);
    case M_LSTRIP: return stripped(m, s, v, TM_LEFT);
    case M_RSTRIP: return stripped(m, s, v, TM_RIGHT);
    case M_SPLIT:
    case M_RSPLIT: return pieces(m, id, s, v);
    case M_SPLITLINES: return roma_template_lines(m, s, roma_template_true(v));
    case M_STARTSWITH: return begins(m, s, v, false);
    case M_ENDSWITH: return begins(m, s, v, true);
    case M_REPLACE: return replaced(m, s, v);
    case M_LOWER: return roma_template_case(m, s, TM_LOWER);
    case M_UPPER: return roma_template_case(m, s, TM_UPPER);
    case M_CAPITALIZE: return roma_template_case(m, s, TM_CAPITALIZE);
    case M_TITLE: return roma_template_case(m, s, TM_WORDS);
    case M_JOIN: return joined(m, s, v);
    case M_FIND:
    case M_RFIND:
    case M_INDEX:
    case M_COUNT: return find(m, id, s, v);
    case M_REMOVEPREFIX: return without(m, s, v, false);
    case M_REMOVESUFFIX: return without(m, s, v, true);
    case M_PARTITION: return partition(m, s, v, false);
    case M_RPARTITION: return partition(m, s, v, true);
    case M_ZFILL:
    case M_LJUST:
    case M_RJUST: return fill(m, id, s, v);
    default: return is_all(m, id, s);
    }
}

/* ---- of dictionaries, lists, loops ---- */

static tm_value view(tm_machine *m, method id, const tm_dict *d) {
    const tm_value out = roma_template_list(m, TM_VIEW, d->n);
    for (size_t i = 0; i < d->n && !m->rc; i++) {
        tm_value v = id == M_KEYS ? d->pair[i].key : d->pair[i].v;
        if (id == M_ITEMS) {
            v = roma_template_list(m, TM_TUPLE, 2);
            if (m->rc) break;
            v.u.list->data = d->data;
            roma_template_append(m, v.u.list, d->pair[i].key);
            roma_template_append(m, v.u.list, d->pair[i].v);
        }
        roma_template_append(m, out.u.list, v);
    }
    return out;
}

static tm_value get(tm_machine *m, const tm_dict *d, const tm_value *v) {
    if (!roma_template_hashable(&v[0]))
        roma_template_stop(m, ROMA_EINPUT, "%s cannot be a key", roma_template_what(&v[0]));
    const tm_value *there = roma_template_look(m, d, v[0]);
    return there ? *there : roma_template_given(&v[1]) ? v[1] : roma_template_none();
}

static tm_value copy(tm_machine *m, const tm_value *of) {
    if (of->kind == TM_DICT) {
        const tm_value out = roma_template_dict(m, TM_DICT);
        for (size_t i = 0; i < of->u.dict->n && !m->rc; i++)
            roma_template_put(m, out.u.dict, of->u.dict->pair[i].key, of->u.dict->pair[i].v);
        if (!m->rc) out.u.dict->data = of->u.dict->data;
        return out;
    }
    const tm_value out = roma_template_list(m, TM_PLAIN, of->u.list->n);
    for (size_t i = 0; i < of->u.list->n && !m->rc; i++) roma_template_append(m, out.u.list, of->u.list->v[i]);
    if (!m->rc) out.u.list->data = of->u.list->data;
    return out;
}

static tm_value in_list(tm_machine *m, method id, const tm_list *l, const tm_value *v) {
    int64_t n = 0;
    for (size_t i = 0; i < l->n && !m->rc; i++) {
        if (!roma_template_same(m, &l->v[i], v)) continue;
        if (id == M_LIST_INDEX) return roma_template_int((int64_t)i);
        n++;
    }
    if (id == M_LIST_INDEX) roma_template_stop(m, ROMA_EINPUT, "there is no such item in it");
    return roma_template_int(n);
}

static tm_value changed(tm_machine *m, tm_loop *l, const tm_args *args) {
    bool same = l->changed && l->n_changed == args->n;
    for (unsigned i = 0; same && i < args->n; i++) same = roma_template_same(m, &l->changed[i], &args->v[i]);
    if (same) return roma_template_bool(false);
    l->changed = roma_template_get(m, (args->n + 1) * sizeof *l->changed);
    if (l->changed) memcpy(l->changed, args->v, args->n * sizeof *l->changed);
    l->n_changed = args->n;
    return roma_template_bool(true);
}

static tm_value cycle(tm_machine *m, const tm_loop *l, const tm_args *args) {
    if (args->n && !args->n_named) return args->v[l->at % args->n];
    roma_template_stop(m, ROMA_EINPUT, "a cycle needs items");
    return nothing();
}

/* The names of a method's arguments; NULL: it takes any. */
static const char *const *names_of(method id) {
    static const char *const none[] = {NULL}, *const chars[] = {"chars", NULL},
                             *const split[] = {"sep", "maxsplit", NULL}, *const keep[] = {"keepends", NULL},
                             *const one[] = {"*the first", NULL}, *const replace[] = {"*old", "*new", "count", NULL},
                             *const find[] = {"*sub", "start", NULL}, *const get[] = {"*key", "default", NULL},
                             *const wide[] = {"*width", "fillchar", NULL};
    switch (id) {
    case M_STRIP:
    case M_LSTRIP:
    case M_RSTRIP: return chars;
    case M_SPLIT:
    case M_RSPLIT: return split;
    case M_SPLITLINES: return keep;
    case M_REPLACE: return replace;
    case M_FIND:
    case M_RFIND:
    case M_INDEX:
    case M_COUNT: return find;
    case M_GET: return get;
    case M_LJUST:
    case M_RJUST: return wide;
    case M_STARTSWITH:
    case M_ENDSWITH:
    case M_JOIN:
    case M_REMOVEPREFIX:
    case M_REMOVESUFFIX:
    case M_PARTITION:
    case M_RPARTITION:
    case M_ZFILL:
    case M_LIST_INDEX:
    case M_LIST_COUNT: return one;
    case M_FORMAT:
    case M_CYCLE:
    case M_CHANGED: return NULL;
    case M_LOWER:
    case M_UPPER:
    case M_CAPITALIZE:
    case M_TITLE:
    case M_ISDIGIT:
    case M_ISALPHA:
    case M_ISALNUM:
    case M_ISSPACE:
    case M_ISUPPER:
    case M_ISLOWER:
    case M_KEYS:
    case M_VALUES:
    case M_ITEMS:
    case M_COPY:
    case M_LIST_COPY:
    case M_NEXT:
    case M_RESET:
    case M_REFUSED:
    case M_HIDDEN: break;
    }
    return none;
}

static tm_value next(tm_cycler *c) { return c->items->v[c->at++ % c->items->n]; }

tm_value roma_template_method_call(tm_machine *m, const tm_method *x, tm_args *args) {
    const method id = methods[x->id].id;
    const tm_value *self = &x->self;
    tm_value v[4];
    const char *const *names = names_of(id);
    if (id == M_REFUSED) {
        roma_template_stop(m, ROMA_EUNSUPPORTED, "the method '%s' is not supported", methods[x->id].name);
        return nothing();
    }
    if (names && !roma_template_bind(m, args, methods[x->id].name, names, v)) return nothing();
    if (id == M_FORMAT) return roma_template_places(m, self->u.text, args);
    if (id == M_CYCLE) return cycle(m, self->u.loop, args);
    if (id == M_CHANGED) return changed(m, self->u.loop, args);
    if (id == M_NEXT) return next(self->u.cycler);
    if (id == M_RESET) {
        self->u.cycler->at = 0;
        return roma_template_none();
    }
    if (self->kind == TM_TEXT) {
        const tm_value out = of_text(m, id, self->u.text, v);
        return self->u.text->markup && out.kind == TM_TEXT && !m->rc ? roma_template_markup(m, out.u.text) : out;
    }
    if (id == M_GET) return get(m, self->u.dict, v);
    if (id == M_COPY || id == M_LIST_COPY) return copy(m, self);
    if (self->kind == TM_LIST) return in_list(m, id, self->u.list, v);
    return view(m, id, self->u.dict);
}
