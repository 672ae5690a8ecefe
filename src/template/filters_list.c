/* Filters of lists, as jinja2 has them. What jinja2 makes lazily is made at once here, and can be gone through once. */
#include <string.h>
#include "template/filters.h"

static tm_value nothing(void) { return roma_template_undefined(NULL); }

/* ---- keys to sort and look by ---- */

/* item.a.b, or item.0: an attribute's path, which may be a number; without one the item itself. */
static tm_value along(tm_machine *m, tm_value v, const tm_value *path) {
    if (!roma_template_given(path) || path->kind == TM_NONE) return v;
    if (path->kind != TM_TEXT) return roma_template_item(m, &v, path);
    const tm_text *t = path->u.text;
    for (size_t at = 0; at <= t->len && !m->rc;) {
        const char *dot = at < t->len ? memchr(t->p + at, '.', t->len - at) : NULL;
        const size_t end = dot ? (size_t)(dot - t->p) : t->len;
        const tm_value part = roma_template_part(m, t, at, end - at);
        if (m->rc) break;
        int64_t i = 0;
        bool digits = end > at && end - at < 10;
        for (size_t k = at; k < end && digits; k++) {
            digits = t->p[k] >= '0' && t->p[k] <= '9';
            i = 10 * i + (t->p[k] - '0');
        }
        const tm_value key = digits ? roma_template_int(i) : part;
        v = roma_template_item(m, &v, &key);
        at = end + 1;
    }
    return v;
}

static tm_value key_of(tm_machine *m, tm_value item, const tm_value *path, bool sensitive) {
    const tm_value v = along(m, item, path);
    return !m->rc && !sensitive && v.kind == TM_TEXT ? roma_template_case(m, v.u.text, TM_LOWER) : v;
}

/* sort by several attributes, "a,b": a tuple of keys. */
static tm_value keys_of(tm_machine *m, tm_value item, const tm_value *path, bool sensitive) {
    const bool several = roma_template_given(path) && path->kind == TM_TEXT && path->u.text->len &&
                         memchr(path->u.text->p, ',', path->u.text->len);
    if (!several) return key_of(m, item, path, sensitive);
    const tm_text comma = {.p = ",", .len = 1};
    const tm_value parts = roma_template_split(m, path->u.text, &comma, -1, false),
                   out = roma_template_list(m, TM_PLAIN, 0);
    for (size_t i = 0; !m->rc && i < parts.u.list->n; i++)
        roma_template_append(m, out.u.list, key_of(m, item, &parts.u.list->v[i], sensitive));
    return out;
}

/* Merges two sorted halves; equal items keep their order, from the right when reversed. */
static void merge(tm_machine *m, tm_pair *v, tm_pair *spare, size_t n, bool reverse) {
    if (n < 2 || !roma_template_steps(m, n)) return;
    const size_t half = n / 2;
    merge(m, v, spare, half, reverse);
    merge(m, v + half, spare, n - half, reverse);
    size_t i = 0, j = half;
    for (size_t k = 0; k < n && !m->rc; k++) {
        bool right = i == half;
        if (!right && j < n)
            right = reverse ? roma_template_order(m, &v[i].key, &v[j].key, "<") < 0
                            : roma_template_order(m, &v[j].key, &v[i].key, "<") < 0;
        spare[k] = right ? v[j++] : v[i++];
    }
    if (!m->rc) memcpy(v, spare, n * sizeof *v);
}

static tm_value sorted(tm_machine *m, const tm_list *l, const tm_value *keys, bool reverse) {
    const tm_value out = roma_template_list(m, TM_PLAIN, l->n);
    tm_pair *v = roma_template_get(m, (l->n + 1) * sizeof *v), *spare = roma_template_get(m, (l->n + 1) * sizeof *v);
    if (m->rc) return nothing();
    for (size_t i = 0; i < l->n; i++) v[i] = (tm_pair){keys[i], l->v[i]};
    merge(m, v, spare, l->n, reverse);
    for (size_t i = 0; i < l->n && !m->rc; i++) roma_template_append(m, out.u.list, v[i].v);
    return out;
}

static tm_value sort(tm_machine *m, const tm_list *l, const tm_value *v) {
    tm_value *keys = roma_template_get(m, (l->n + 1) * sizeof *keys);
    for (size_t i = 0; i < l->n && !m->rc; i++) keys[i] = keys_of(m, l->v[i], &v[2], roma_template_flag(&v[1]));
    return m->rc ? nothing() : sorted(m, l, keys, roma_template_flag(&v[0]));
}

static tm_value items(tm_machine *m, const tm_value *subject, tm_form form) {
    if (subject->kind == TM_UNDEFINED) return roma_template_list(m, form, 0);
    if (subject->kind != TM_DICT) {
        roma_template_stop(m, ROMA_EINPUT, "items of %s", roma_template_what(subject));
        return nothing();
    }
    const tm_text name = {.p = "items", .len = 5};
    const tm_value method = roma_template_method(m, subject, &name);
    tm_args none = {.n = 0};
    const tm_value out = m->rc ? nothing() : roma_template_method_call(m, method.u.method, &none);
    if (!m->rc) out.u.list->form = (uint8_t)form;
    return out;
}

static tm_value dictsort(tm_machine *m, const tm_value *subject, const tm_value *v) {
    const bool by_value = roma_template_given(&v[1]) && v[1].kind == TM_TEXT && roma_template_is(v[1].u.text, "value");
    if (roma_template_given(&v[1]) && !by_value && !(v[1].kind == TM_TEXT && roma_template_is(v[1].u.text, "key")))
        roma_template_stop(m, ROMA_EINPUT, "dictsort goes by 'key' or 'value'");
    const tm_value none = nothing(), all = subject->kind == TM_DICT ? items(m, subject, TM_PLAIN) : none;
    if (subject->kind != TM_DICT) roma_template_stop(m, ROMA_EINPUT, "dictsort of %s", roma_template_what(subject));
    if (m->rc) return nothing();
    const tm_list *l = all.u.list;
    tm_value *keys = roma_template_get(m, (l->n + 1) * sizeof *keys);
    for (size_t i = 0; i < l->n && !m->rc; i++)
        keys[i] = key_of(m, l->v[i].u.list->v[by_value], &none, roma_template_flag(&v[0]));
    return m->rc ? nothing() : sorted(m, l, keys, roma_template_flag(&v[2]));
}

/* ---- one of all ---- */

static tm_value extreme(tm_machine *m, const tm_list *l, const tm_value *v, bool most) {
    if (!l->n) return roma_template_undefined("the least of nothing");
    const bool sensitive = roma_template_flag(&v[0]);
    tm_value best = l->v[0], key = key_of(m, best, &v[1], sensitive);
    for (size_t i = 1; i < l->n && !m->rc; i++) {
        const tm_value k = key_of(m, l->v[i], &v[1], sensitive);
        if (m->rc || (most ? roma_template_order(m, &key, &k, "<") >= 0 : roma_template_order(m, &k, &key, "<") >= 0))
            continue;
        best = l->v[i];
        key = k;
    }
    return best;
}

static tm_value sum(tm_machine *m, const tm_list *l, const tm_value *v) {
    tm_value total = roma_template_given(&v[1]) ? v[1] : roma_template_int(0);
    for (size_t i = 0; i < l->n && !m->rc; i++) {
        const tm_value x = along(m, l->v[i], &v[0]);
        if (!m->rc) total = roma_template_arith(m, '+', &total, &x);
    }
    return total;
}

static tm_value unique(tm_machine *m, const tm_list *l, const tm_value *v) {
    const tm_value out = roma_template_list(m, TM_LAZY, 0), seen = roma_template_list(m, TM_PLAIN, 0);
    for (size_t i = 0; i < l->n && !m->rc; i++) {
        const tm_value k = key_of(m, l->v[i], &v[1], roma_template_flag(&v[0]));
        if (!m->rc && !roma_template_hashable(&k))
            roma_template_stop(m, ROMA_EINPUT, "%s cannot be told apart", roma_template_what(&k));
        if (m->rc || roma_template_in(m, &k, &seen)) continue;
        roma_template_append(m, seen.u.list, k);
        roma_template_append(m, out.u.list, l->v[i]);
    }
    return out;
}

/* ---- shapes ---- */

static tm_value reversed(tm_machine *m, const tm_value *subject) {
    const tm_value none = nothing(), back = roma_template_int(-1);
    if (subject->kind == TM_TEXT) return roma_template_slice(m, subject, &none, &none, &back);
    const tm_form form = subject->kind == TM_LIST && subject->u.list->form == TM_LAZY ? TM_PLAIN : TM_LAZY;
    const tm_list *l = roma_template_items(m, subject);
    const tm_value out = roma_template_list(m, form, 0);
    for (size_t i = l ? l->n : 0; i-- > 0 && !m->rc;) roma_template_append(m, out.u.list, l->v[i]);
    return out;
}

static tm_value copied(tm_machine *m, const tm_list *l) {
    const tm_value out = roma_template_list(m, TM_PLAIN, l->n);
    for (size_t i = 0; i < l->n && !m->rc; i++) roma_template_append(m, out.u.list, l->v[i]);
    if (!m->rc) out.u.list->data = l->data;
    return out;
}

/* Rows of n items, the last one filled up where there is something to fill with. */
static tm_value batch(tm_machine *m, const tm_list *l, const tm_value *v) {
    const int64_t n = roma_template_whole(m, &v[0], 1);
    const tm_value out = roma_template_list(m, TM_LAZY, 0);
    if (n < 1) roma_template_stop(m, ROMA_EUNSUPPORTED, "batch needs at least one item a row");
    for (size_t i = 0; i < l->n && !m->rc;) {
        const tm_value row = roma_template_list(m, TM_PLAIN, 0);
        for (int64_t k = 0; k < n && i < l->n && !m->rc; k++) roma_template_append(m, row.u.list, l->v[i++]);
        while (!m->rc && roma_template_given(&v[1]) && v[1].kind != TM_NONE && (int64_t)row.u.list->n < n)
            roma_template_append(m, row.u.list, v[1]);
        roma_template_append(m, out.u.list, row);
    }
    return out;
}

/* n columns, the first ones longer. */
static tm_value columns(tm_machine *m, const tm_list *l, const tm_value *v) {
    const int64_t n = roma_template_whole(m, &v[0], 1);
    const tm_value out = roma_template_list(m, TM_LAZY, 0);
    if (n < 1) roma_template_stop(m, ROMA_EINPUT, "slice needs at least one column");
    size_t at = 0;
    for (int64_t c = 0; c < n && !m->rc; c++) {
        const tm_value column = roma_template_list(m, TM_PLAIN, 0);
        const size_t each = l->n / (size_t)n, more = l->n % (size_t)n, take = each + ((size_t)c < more);
        for (size_t k = 0; k < take && !m->rc; k++) roma_template_append(m, column.u.list, l->v[at++]);
        if (roma_template_given(&v[1]) && v[1].kind != TM_NONE && (size_t)c >= more)
            roma_template_append(m, column.u.list, v[1]);
        roma_template_append(m, out.u.list, column);
    }
    return out;
}

static tm_value joined(tm_machine *m, const tm_list *l, const tm_value *v) {
    static const tm_text nothing_between = {.p = ""};
    const tm_text *between = roma_template_given(&v[0]) ? roma_template_str(m, &v[0]) : &nothing_between;
    const tm_value parts = roma_template_list(m, TM_PLAIN, l->n);
    for (size_t i = 0; i < l->n && !m->rc; i++) roma_template_append(m, parts.u.list, along(m, l->v[i], &v[1]));
    return m->rc ? nothing() : roma_template_join(m, between, parts.u.list);
}

static tm_value end_of(tm_machine *m, const tm_value *subject, bool last) {
    if (last && subject->kind == TM_LIST && subject->u.list->form == TM_LAZY) {
        roma_template_stop(m, ROMA_EINPUT, "the last of a sequence that has no end yet");
        return nothing();
    }
    tm_list *l;
    if (!last && subject->kind == TM_LIST && subject->u.list->form == TM_LAZY) {
        l = subject->u.list; /* takes the first alone */
        if (l->taken < l->n) return l->v[l->taken++];
        return roma_template_undefined("the first of nothing");
    }
    l = roma_template_items(m, subject);
    if (!l || !l->n) return roma_template_undefined(last ? "the last of nothing" : "the first of nothing");
    return last ? l->v[l->n - 1] : l->v[0];
}

tm_value roma_template_list_filter(tm_machine *m, const char *name, const tm_value *subject, const tm_value *v) {
    const char c = name[0];
    if (strcmp(name, "first") == 0 || strcmp(name, "last") == 0) return end_of(m, subject, c == 'l');
    if (strcmp(name, "items") == 0) return items(m, subject, TM_LAZY);
    if (strcmp(name, "dictsort") == 0) return dictsort(m, subject, v);
    if (strcmp(name, "reverse") == 0) return reversed(m, subject);
    const tm_list *l = roma_template_items(m, subject);
    if (!l) return nothing();
    if (strcmp(name, "join") == 0) return joined(m, l, v);
    if (strcmp(name, "list") == 0) return copied(m, l);
    if (c == 'm') return extreme(m, l, v, name[1] == 'a');
    if (strcmp(name, "sort") == 0) return sort(m, l, v);
    if (strcmp(name, "sum") == 0) return sum(m, l, v);
    if (strcmp(name, "unique") == 0) return unique(m, l, v);
    return c == 'b' ? batch(m, l, v) : columns(m, l, v);
}

/* ---- map, select, reject ---- */

/* The rest of the arguments, for the filter or test that the first `skip` of them name. */
static void shift(tm_args *args, unsigned skip) {
    const unsigned all = args->n + args->n_named;
    for (unsigned i = skip; i < all; i++) {
        args->v[i - skip] = args->v[i];
        args->name[i - skip] = args->name[i];
    }
    args->n -= skip;
}

static int named(tm_machine *m, const tm_value *name, int (*find)(const char *, size_t), const char *what) {
    const int id = name->kind == TM_TEXT ? find(name->u.text->p, name->u.text->len) : -1;
    char shown[64] = "?";
    if (name->kind == TM_TEXT) roma_error_name(shown, sizeof shown, name->u.text->p, name->u.text->len);
    if (id < 0) roma_template_stop(m, ROMA_EUNSUPPORTED, "there is no %s '%s' here", what, shown);
    return id;
}

static tm_value mapped(tm_machine *m, const tm_list *l, tm_args *args) {
    static const char *const names[] = {"*attribute", "default", NULL};
    const tm_value out = roma_template_list(m, TM_LAZY, 0);
    tm_value v[2] = {{0}};
    int id = -1;
    const bool attribute = !args->n;
    if (attribute) {
        if (!roma_template_bind(m, args, "map", names, v)) return nothing();
    } else {
        id = named(m, &args->v[0], roma_template_filter_find, "filter");
        shift(args, 1);
    }
    for (size_t i = 0; i < l->n && !m->rc; i++) {
        tm_args copy = *args;
        tm_value x = attribute ? along(m, l->v[i], &v[0]) : roma_template_filter(m, (unsigned)id, &l->v[i], &copy);
        if (attribute && x.kind == TM_UNDEFINED && roma_template_given(&v[1]) && v[1].kind != TM_NONE) x = v[1];
        roma_template_append(m, out.u.list, x);
    }
    return out;
}

static tm_value picked(tm_machine *m, const tm_list *l, tm_args *args, bool attribute, bool wanted) {
    const tm_value out = roma_template_list(m, TM_LAZY, 0);
    tm_value path = nothing();
    if (attribute) {
        if (!args->n) {
            roma_template_stop(m, ROMA_EINPUT, "the name of an attribute is needed");
            return nothing();
        }
        path = args->v[0];
        shift(args, 1);
    }
    const int id = args->n ? named(m, &args->v[0], roma_template_test_find, "test") : -1;
    if (args->n) shift(args, 1);
    for (size_t i = 0; i < l->n && !m->rc; i++) {
        const tm_value x = along(m, l->v[i], &path);
        tm_args copy = *args;
        const bool holds = !m->rc && (id < 0 ? roma_template_true(&x) : roma_template_test(m, (unsigned)id, &x, &copy));
        if (holds == wanted) roma_template_append(m, out.u.list, l->v[i]);
    }
    return out;
}

tm_value roma_template_pick(tm_machine *m, const char *name, const tm_value *subject, tm_args *args) {
    if (!roma_template_true(subject)) return roma_template_list(m, TM_LAZY, 0);
    if (++m->depth > m->limits.depth)
        roma_template_stop(m, ROMA_EUNSUPPORTED, "filters nest more than %u deep", m->limits.depth);
    const tm_list *l = roma_template_items(m, subject);
    tm_value out = nothing();
    if (l && name[0] == 'm')
        out = mapped(m, l, args);
    else if (l)
        out = picked(m, l, args, strlen(name) > 6, name[0] == 's');
    m->depth--;
    return out;
}
