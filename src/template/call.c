/* Calls: macros, methods, and the functions that a template is given; arguments by position and name. */
#include "template/call.h"

bool roma_template_bind(tm_machine *m, const tm_args *args, const char *what, const char *const *names, tm_value *out) {
    unsigned n = 0;
    for (; names[n]; n++) out[n] = n < args->n ? args->v[n] : roma_template_undefined(NULL);
    bool given[TM_ARGS_MAX] = {false};
    if (args->n > n) roma_template_stop(m, ROMA_EINPUT, "%s takes %u arguments, not %u", what, n, args->n);
    for (unsigned i = args->n; i < args->n + args->n_named && !m->rc; i++) {
        unsigned k = 0;
        while (k < n && !roma_template_is(m->t->name[args->name[i]], names[k] + (names[k][0] == '*'))) k++;
        if (k == n || k < args->n || given[k]) {
            char shown[64];
            const tm_text *t = m->t->name[args->name[i]];
            roma_template_stop(m, ROMA_EINPUT, "%s takes no argument '%s' here", what,
                               roma_error_name(shown, sizeof shown, t->p, t->len));
        } else {
            out[k] = args->v[i];
            given[k] = true;
        }
    }
    for (unsigned k = 0; k < n && !m->rc; k++) {
        if (k < args->n || given[k]) {
            if (out[k].kind == TM_UNDEFINED && !out[k].u.why) out[k].u.why = "an argument";
        } else if (names[k][0] == '*') {
            roma_template_stop(m, ROMA_EINPUT, "%s needs the argument '%s'", what, names[k] + 1);
        }
    }
    return !m->rc;
}

/* ---- functions ---- */

enum { F_RANGE, F_NAMESPACE, F_DICT, F_RAISE, F_STRFTIME, F_CYCLER, F_JOINER };
static const char *const functions[] = {"range",        "namespace", "dict",  "raise_exception",
                                        "strftime_now", "cycler",    "joiner"};

void roma_template_functions(tm_machine *m) {
    for (int i = 0; i < (int)(sizeof functions / sizeof *functions); i++)
        roma_template_put(m, &m->globals, roma_template_literal(m, functions[i]),
                          (tm_value){.kind = TM_FUNCTION, .u = {.function = i}});
}

static tm_value nothing(void) { return roma_template_undefined(NULL); }

/* The bounds of a range are kept behind its items, for str(). */
static tm_value range(tm_machine *m, tm_args *args) {
    static const char *const names[] = {"*start", "stop", "step", NULL};
    enum { MOST = 100000 }; /* the sandbox's own limit */
    int64_t b[3] = {0, 0, 1};
    tm_value v[3];
    double r;
    if (args->n_named) roma_template_stop(m, ROMA_EINPUT, "range takes its arguments by position");
    if (!roma_template_bind(m, args, "range", names, v)) return nothing();
    for (unsigned i = 0; i < 3; i++)
        if (roma_template_given(&v[i]) && roma_template_number(&v[i], &b[i], &r) != TM_WHOLE)
            roma_template_stop(m, ROMA_EINPUT, "range needs whole numbers, not %s", roma_template_what(&v[i]));
    if (args->n == 1) {
        b[1] = b[0];
        b[0] = 0;
    }
    if (!b[2]) roma_template_stop(m, ROMA_EINPUT, "a range cannot go by 0");
    const tm_value out = roma_template_list(m, TM_RANGE, 0);
    for (int64_t i = b[0]; !m->rc && (b[2] > 0 ? i < b[1] : i > b[1]);) {
        if (out.u.list->n == MOST) roma_template_stop(m, ROMA_EINPUT, "a range of more than %d numbers", MOST);
        roma_template_append(m, out.u.list, roma_template_int(i));
        if (__builtin_add_overflow(i, b[2], &i)) break;
    }
    for (unsigned i = 0; i < 3 && !m->rc; i++) roma_template_append(m, out.u.list, roma_template_int(b[i]));
    if (!m->rc) out.u.list->n -= 3;
    return out;
}

/* dict(...) and namespace(...): of a dictionary or of pairs, then keywords. */
static tm_value table(tm_machine *m, tm_args *args, tm_kind kind) {
    const tm_value out = roma_template_dict(m, kind);
    if (args->n > 1) roma_template_stop(m, ROMA_EINPUT, "at most one argument by position is taken here");
    if (args->n && args->v[0].kind == TM_DICT) {
        const tm_dict *d = args->v[0].u.dict;
        for (size_t i = 0; i < d->n && !m->rc; i++) roma_template_put(m, out.u.dict, d->pair[i].key, d->pair[i].v);
    } else if (args->n) {
        const tm_list *l = roma_template_items(m, &args->v[0]);
        for (size_t i = 0; l && i < l->n && !m->rc; i++) {
            const tm_list *pair = roma_template_items(m, &l->v[i]);
            if (pair && (pair->n != 2 || !roma_template_hashable(&pair->v[0])))
                roma_template_stop(m, ROMA_EINPUT, "a dictionary is made of pairs");
            if (!m->rc) roma_template_put(m, out.u.dict, pair->v[0], pair->v[1]);
        }
    }
    for (unsigned i = args->n; i < args->n + args->n_named && !m->rc; i++)
        roma_template_put(m, out.u.dict, roma_template_text(m->t->name[args->name[i]]), args->v[i]);
    for (size_t i = 0; kind == TM_SPACE && !m->rc && i < out.u.dict->n; i++) {
        const tm_value *key = &out.u.dict->pair[i].key;
        if (key->kind == TM_TEXT && key->u.text->len && key->u.text->p[0] == '_')
            roma_template_stop(m, ROMA_EINPUT, "a namespace takes no names that begin with '_'");
    }
    return out;
}

static tm_value raise(tm_machine *m, tm_args *args) {
    static const char *const names[] = {"*message", NULL};
    char shown[256];
    tm_value v[1];
    if (!roma_template_bind(m, args, "raise_exception", names, v)) return nothing();
    const tm_text *t = roma_template_str(m, &v[0]);
    if (t)
        roma_template_stop(m, ROMA_EINPUT, "the chat template refuses this: %s",
                           roma_error_name(shown, sizeof shown, t->p, t->len));
    return nothing();
}

static tm_value now(tm_machine *m, tm_args *args) {
    static const char *const names[] = {"*format", NULL};
    tm_value v[1];
    if (!roma_template_bind(m, args, "strftime_now", names, v)) return nothing();
    if (v[0].kind == TM_TEXT) return roma_template_strftime(m, v[0].u.text);
    roma_template_stop(m, ROMA_EINPUT, "strftime_now needs a text, not %s", roma_template_what(&v[0]));
    return nothing();
}

static tm_value cycler(tm_machine *m, tm_args *args, tm_kind kind) {
    static const char *const names[] = {"sep", NULL};
    tm_cycler *c = roma_template_get(m, sizeof *c);
    const tm_value items = roma_template_list(m, TM_PLAIN, 0);
    tm_value sep[1];
    if (kind == TM_JOINER) {
        if (!roma_template_bind(m, args, "joiner", names, sep)) return nothing();
        roma_template_append(m, items.u.list, roma_template_given(&sep[0]) ? sep[0] : roma_template_literal(m, ", "));
    } else {
        if (!args->n || args->n_named) roma_template_stop(m, ROMA_EINPUT, "a cycler needs items");
        for (unsigned i = 0; i < args->n && !m->rc; i++) roma_template_append(m, items.u.list, args->v[i]);
    }
    if (m->rc) return nothing();
    *c = (tm_cycler){items.u.list, 0};
    return (tm_value){.kind = (uint8_t)kind, .u = {.cycler = c}};
}

static tm_value function(tm_machine *m, int id, tm_args *args) {
    switch (id) {
    case F_RANGE: return range(m, args);
    case F_NAMESPACE: return table(m, args, TM_SPACE);
    case F_DICT: return table(m, args, TM_DICT);
    case F_RAISE: return raise(m, args);
    case F_STRFTIME: return now(m, args);
    case F_CYCLER: return cycler(m, args, TM_CYCLER);
    default: return cycler(m, args, TM_JOINER);
    }
}

static tm_value join_next(tm_machine *m, tm_cycler *c) {
    if (c->at++) return c->items->v[0];
    return roma_template_literal(m, "");
}

tm_value roma_template_invoke(tm_machine *m, const tm_value *callee, tm_args *args) {
    if (!roma_template_steps(m, 1)) return nothing();
    switch ((tm_kind)callee->kind) {
    case TM_MACRO: return roma_template_macro_call(m, callee->u.macro, args);
    case TM_FUNCTION: return function(m, callee->u.function, args);
    case TM_METHOD: return roma_template_method_call(m, callee->u.method, args);
    case TM_JOINER: return join_next(m, callee->u.cycler);
    case TM_UNDEFINED:
        if (callee->u.why)
            roma_template_stop(m, ROMA_EINPUT, "'%s' is undefined, so it cannot be called", callee->u.why);
        else
            roma_template_stop(m, ROMA_EINPUT, "what is called here is undefined");
        return nothing();
    case TM_NONE:
    case TM_BOOL:
    case TM_INT:
    case TM_REAL:
    case TM_TEXT:
    case TM_LIST:
    case TM_DICT:
    case TM_SPACE:
    case TM_LOOP:
    case TM_CYCLER: break;
    }
    roma_template_stop(m, ROMA_EINPUT, "%s cannot be called", roma_template_what(callee));
    return nothing();
}
