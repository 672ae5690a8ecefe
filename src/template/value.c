/* Values: made, compared, looked up, iterated over. */
#include <string.h>
#include "template/internal.h"

tm_value roma_template_literal(tm_machine *m, const char *s) {
    tm_text *t = roma_template_get(m, sizeof *t);
    if (!t) return roma_template_undefined(NULL);
    *t = (tm_text){.p = s, .len = strlen(s)};
    return roma_template_text(t);
}

tm_value roma_template_part(tm_machine *m, const tm_text *s, size_t at, size_t n) {
    tm_text *t = roma_template_get(m, sizeof *t);
    if (!t) return roma_template_undefined(NULL);
    *t = (tm_text){
        .p = s->p + at, .data = s->data ? s->data + at : NULL, .len = n, .origin = s->origin, .markup = s->markup};
    return roma_template_text(t);
}

tm_value roma_template_list(tm_machine *m, tm_form form, size_t cap) {
    tm_list *l = roma_template_get(m, sizeof *l);
    if (!l || cap > SIZE_MAX / sizeof *l->v) return roma_template_undefined(NULL);
    l->form = (uint8_t)form;
    if (cap && (l->v = roma_template_get(m, cap * sizeof *l->v)) == NULL) return roma_template_undefined(NULL);
    l->cap = cap;
    return roma_template_of_list(l);
}

bool roma_template_append(tm_machine *m, tm_list *l, tm_value v) {
    if (!roma_template_steps(m, 1)) return false;
    if (l->n == l->cap) {
        const size_t cap = l->cap ? 2 * l->cap : 8;
        tm_value *more = roma_template_get(m, cap * sizeof *more);
        if (!more) return false;
        if (l->n) memcpy(more, l->v, l->n * sizeof *more);
        l->v = more;
        l->cap = cap;
    }
    l->v[l->n++] = v;
    return true;
}

tm_value roma_template_dict(tm_machine *m, tm_kind kind) {
    tm_dict *d = roma_template_get(m, sizeof *d);
    if (!d) return roma_template_undefined(NULL);
    return (tm_value){.kind = (uint8_t)kind, .u = {.dict = d}};
}

void roma_template_append_pair(tm_machine *m, tm_dict *d, tm_value key, tm_value v) {
    if (m->rc) return;
    if (d->n == d->cap) {
        const size_t cap = d->cap ? 2 * d->cap : 4;
        tm_pair *more = roma_template_get(m, cap * sizeof *more);
        if (!more) return;
        if (d->n) memcpy(more, d->pair, d->n * sizeof *more);
        d->pair = more;
        d->cap = cap;
    }
    d->pair[d->n++] = (tm_pair){key, v};
}

bool roma_template_put(tm_machine *m, tm_dict *d, tm_value key, tm_value v) {
    tm_value *there = (tm_value *)(uintptr_t)roma_template_look(m, d, key);
    if (m->rc) return false;
    if (there) {
        *there = v;
        return true;
    }
    roma_template_append_pair(m, d, key, v);
    return !m->rc;
}

const tm_value *roma_template_look(tm_machine *m, const tm_dict *d, tm_value key) {
    if (!roma_template_steps(m, 1 + d->n / 8)) return NULL;
    for (size_t i = 0; i < d->n; i++)
        if (roma_template_same(m, &d->pair[i].key, &key)) return &d->pair[i].v;
    return NULL;
}

/* ---- what a value is ---- */

const char *roma_template_what(const tm_value *v) {
    switch ((tm_kind)v->kind) {
    case TM_UNDEFINED: return "an undefined value";
    case TM_NONE: return "none";
    case TM_BOOL: return "a truth value";
    case TM_INT: return "a whole number";
    case TM_REAL: return "a number";
    case TM_TEXT: return "a text";
    case TM_LIST:
        return v->u.list->form == TM_TUPLE ? "a tuple" : v->u.list->form == TM_PLAIN ? "a list" : "a sequence";
    case TM_DICT: return "a dictionary";
    case TM_SPACE: return "a namespace";
    case TM_MACRO: return "a macro";
    case TM_LOOP: return "a loop";
    case TM_FUNCTION:
    case TM_METHOD: return "a function";
    case TM_CYCLER:
    case TM_JOINER: break;
    }
    return "a helper";
}

bool roma_template_length(const tm_value *v, int64_t *n) {
    switch ((tm_kind)v->kind) {
    case TM_UNDEFINED: *n = 0; return true;
    case TM_TEXT: *n = (int64_t)roma_template_chars(v->u.text); return true;
    case TM_LIST: *n = (int64_t)v->u.list->n; return v->u.list->form != TM_LAZY;
    case TM_DICT: *n = (int64_t)v->u.dict->n; return true;
    case TM_LOOP: *n = (int64_t)v->u.loop->items->n; return true;
    case TM_NONE:
    case TM_BOOL:
    case TM_INT:
    case TM_REAL:
    case TM_SPACE:
    case TM_MACRO:
    case TM_FUNCTION:
    case TM_METHOD:
    case TM_CYCLER:
    case TM_JOINER: break;
    }
    return false;
}

bool roma_template_true(const tm_value *v) {
    switch ((tm_kind)v->kind) {
    case TM_UNDEFINED:
    case TM_NONE: return false;
    case TM_BOOL: return v->u.flag;
    case TM_INT: return v->u.i != 0;
    case TM_REAL: return v->u.r < 0 || v->u.r > 0 || v->u.r != v->u.r;
    case TM_TEXT: return v->u.text->len != 0;
    case TM_LIST: return v->u.list->n != 0 || v->u.list->form == TM_LAZY;
    case TM_DICT: return v->u.dict->n != 0;
    case TM_LOOP: return v->u.loop->items->n != 0;
    case TM_SPACE:
    case TM_MACRO:
    case TM_FUNCTION:
    case TM_METHOD:
    case TM_CYCLER:
    case TM_JOINER: break;
    }
    return true;
}

tm_number roma_template_number(const tm_value *v, int64_t *i, double *r) {
    if (v->kind == TM_INT || v->kind == TM_BOOL) {
        *i = v->kind == TM_INT ? v->u.i : v->u.flag;
        *r = (double)*i;
        return TM_WHOLE;
    }
    if (v->kind != TM_REAL) return TM_NO_NUMBER;
    *r = v->u.r;
    return TM_BROKEN;
}

bool roma_template_hashable(const tm_value *v) {
    if (v->kind == TM_DICT) return false;
    if (v->kind != TM_LIST) return true;
    if (v->u.list->form != TM_TUPLE) return v->u.list->form != TM_PLAIN;
    for (size_t i = 0; i < v->u.list->n; i++)
        if (!roma_template_hashable(&v->u.list->v[i])) return false;
    return true;
}

/* ---- equality and order ---- */

static int order_numbers(const tm_value *a, const tm_value *b) {
    int64_t i = 0, j = 0;
    double r = 0, s = 0;
    const bool whole = roma_template_number(a, &i, &r) == TM_WHOLE;
    if (roma_template_number(b, &j, &s) == TM_WHOLE && whole) return (i > j) - (i < j);
    /* the mantissa of a long double holds every whole number here */
    const long double x = whole ? (long double)i : (long double)r,
                      y = b->kind == TM_REAL ? (long double)s : (long double)j;
    return x < y ? -1 : x > y ? 1 : x == y ? 0 : 2; /* 2: not a number */
}

static int order_texts(const tm_text *a, const tm_text *b) {
    const size_t n = a->len < b->len ? a->len : b->len;
    const int c = n ? memcmp(a->p, b->p, n) : 0;
    return c ? (c > 0) - (c < 0) : (a->len > b->len) - (a->len < b->len);
}

static bool is_number(const tm_value *v) { return v->kind == TM_INT || v->kind == TM_BOOL || v->kind == TM_REAL; }

static bool same_dicts(tm_machine *m, const tm_dict *a, const tm_dict *b) {
    if (a->n != b->n) return false;
    for (size_t i = 0; i < a->n && !m->rc; i++) {
        const tm_value *v = roma_template_look(m, b, a->pair[i].key);
        if (!v || !roma_template_same(m, &a->pair[i].v, v)) return false;
    }
    return true;
}

static bool same_lists(tm_machine *m, const tm_list *a, const tm_list *b) {
    if (a->form != b->form || a->n != b->n || a->form == TM_LAZY || a->form == TM_VIEW) return a == b;
    for (size_t i = 0; i < a->n; i++)
        if (!roma_template_same(m, &a->v[i], &b->v[i])) return false;
    return true;
}

/* Values nest as deep as they were made: each level counts as one of the machine's. */
static bool enter(tm_machine *m) {
    if (++m->depth > m->limits.depth)
        roma_template_stop(m, ROMA_EUNSUPPORTED, "values nest more than %u deep", m->limits.depth);
    return roma_template_steps(m, 1);
}

static bool same_inside(tm_machine *m, const tm_value *a, const tm_value *b) {
    switch ((tm_kind)a->kind) {
    case TM_UNDEFINED:
    case TM_NONE: return true;
    case TM_TEXT:
        return a->u.text->len == b->u.text->len &&
               (!a->u.text->len || memcmp(a->u.text->p, b->u.text->p, a->u.text->len) == 0);
    case TM_LIST: return same_lists(m, a->u.list, b->u.list);
    case TM_DICT: return same_dicts(m, a->u.dict, b->u.dict);
    case TM_SPACE: return a->u.dict == b->u.dict;
    case TM_MACRO: return a->u.macro == b->u.macro;
    case TM_LOOP: return a->u.loop == b->u.loop;
    case TM_FUNCTION: return a->u.function == b->u.function;
    case TM_METHOD: return a->u.method == b->u.method;
    case TM_CYCLER:
    case TM_JOINER: return a->u.cycler == b->u.cycler;
    case TM_BOOL:
    case TM_INT:
    case TM_REAL: break;
    }
    return false;
}

bool roma_template_same(tm_machine *m, const tm_value *a, const tm_value *b) {
    if (is_number(a) && is_number(b)) return order_numbers(a, b) == 0;
    if (a->kind != b->kind) return false;
    if (a->kind == TM_TEXT) {
        m->steps += a->u.text->len / 64;
        return same_inside(m, a, b);
    }
    const bool same = enter(m) && same_inside(m, a, b);
    m->depth--;
    return same;
}

int roma_template_order(tm_machine *m, const tm_value *a, const tm_value *b, const char *op) {
    if (!roma_template_steps(m, 1)) return 0;
    if (is_number(a) && is_number(b)) return order_numbers(a, b);
    if (a->kind == TM_TEXT && b->kind == TM_TEXT) {
        m->steps += a->u.text->len / 64;
        return order_texts(a->u.text, b->u.text);
    }
    if (a->kind == TM_LIST && b->kind == TM_LIST && a->u.list->form == b->u.list->form && a->u.list->form <= TM_TUPLE) {
        const tm_list *x = a->u.list, *y = b->u.list;
        int c = 0;
        enter(m);
        for (size_t i = 0; !c && i < x->n && i < y->n && !m->rc; i++)
            if (!roma_template_same(m, &x->v[i], &y->v[i])) c = roma_template_order(m, &x->v[i], &y->v[i], op);
        m->depth--;
        return c ? c : (x->n > y->n) - (x->n < y->n);
    }
    roma_template_stop(m, ROMA_EINPUT, "'%s' has no meaning between %s and %s", op, roma_template_what(a),
                       roma_template_what(b));
    return 0;
}

/* ---- iterating ---- */

static tm_list *characters(tm_machine *m, const tm_text *s) {
    const tm_value v = roma_template_list(m, TM_PLAIN, 0);
    for (size_t at = 0; at < s->len && !m->rc;) {
        unsigned n;
        roma_template_char(s->p + at, s->len - at, &n);
        roma_template_append(m, v.u.list, roma_template_part(m, s, at, n));
        at += n;
    }
    return m->rc ? NULL : v.u.list;
}

tm_list *roma_template_items(tm_machine *m, const tm_value *v) {
    tm_value l;
    if (m->rc) return NULL;
    switch ((tm_kind)v->kind) {
    case TM_UNDEFINED: l = roma_template_list(m, TM_PLAIN, 0); return m->rc ? NULL : l.u.list;
    case TM_TEXT: return characters(m, v->u.text);
    case TM_LIST: {
        tm_list *from = v->u.list;
        if (from->form != TM_LAZY || !from->taken) {
            if (from->form != TM_LAZY) return from;
            from->taken = from->n;
            return from;
        }
        l = roma_template_list(m, TM_PLAIN, 0);
        if (m->rc) return NULL;
        *l.u.list = *from;
        l.u.list->v = from->v ? from->v + from->taken : NULL;
        l.u.list->n = l.u.list->cap = from->n - from->taken;
        from->taken = from->n;
        return l.u.list;
    }
    case TM_DICT:
        l = roma_template_list(m, TM_PLAIN, v->u.dict->n);
        for (size_t i = 0; i < v->u.dict->n && !m->rc; i++) roma_template_append(m, l.u.list, v->u.dict->pair[i].key);
        return m->rc ? NULL : l.u.list;
    case TM_NONE:
    case TM_BOOL:
    case TM_INT:
    case TM_REAL:
    case TM_SPACE:
    case TM_MACRO:
    case TM_LOOP:
    case TM_FUNCTION:
    case TM_METHOD:
    case TM_CYCLER:
    case TM_JOINER: break;
    }
    roma_template_stop(m, ROMA_EINPUT, "%s cannot be iterated over", roma_template_what(v));
    return NULL;
}

bool roma_template_in(tm_machine *m, const tm_value *item, const tm_value *where) {
    if (where->kind == TM_TEXT) {
        if (item->kind == TM_TEXT) {
            m->steps += where->u.text->len / 64;
            return roma_template_find(where->u.text, 0, item->u.text) != SIZE_MAX;
        }
        roma_template_stop(m, ROMA_EINPUT, "%s cannot be in a text", roma_template_what(item));
        return false;
    }
    if (where->kind == TM_DICT) {
        if (roma_template_hashable(item)) return roma_template_look(m, where->u.dict, *item) != NULL;
        roma_template_stop(m, ROMA_EINPUT, "%s cannot be a key", roma_template_what(item));
        return false;
    }
    const tm_list *l = roma_template_items(m, where);
    for (size_t i = 0; l && i < l->n && roma_template_steps(m, 1); i++)
        if (roma_template_same(m, &l->v[i], item)) return true;
    return false;
}
