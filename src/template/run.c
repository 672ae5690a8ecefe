/* Statements: what is written, and which names are set where. A loop's turn, a macro, a block have a scope of their
 * own; a condition has none. */
#include "template/internal.h"

tm_scope *roma_template_scope(tm_machine *m, tm_scope *up) {
    tm_scope *s = roma_template_get(m, sizeof *s);
    if (s) s->up = up;
    return s;
}

static void bind(tm_machine *m, uint32_t name, tm_value v) {
    if (m->rc) return;
    for (tm_variable *x = m->scope->first; x; x = x->next)
        if (x->name == name) {
            x->v = v;
            return;
        }
    tm_variable *x = roma_template_get(m, sizeof *x);
    if (!x) return;
    *x = (tm_variable){name, v, m->scope->first};
    m->scope->first = x;
}

static void assign(tm_machine *m, const tm_node *target, tm_value v);

static void unpack(tm_machine *m, const tm_node *target, const tm_value *v) {
    const tm_list *l = roma_template_items(m, v);
    size_t n = 0;
    for (const tm_node *t = target->a; t; t = t->next) n++;
    if (l && l->n != n) roma_template_stop(m, ROMA_EINPUT, "%zu values for %zu names", l->n, n);
    n = 0;
    for (const tm_node *t = target->a; t && !m->rc; t = t->next) assign(m, t, l->v[n++]);
}

static void set_attribute(tm_machine *m, const tm_node *target, tm_value v) {
    const tm_value space = roma_template_eval(m, target);
    const tm_text *name = target->value.u.text;
    if (m->rc) return;
    if (space.kind != TM_SPACE)
        roma_template_stop(m, ROMA_EINPUT, "only a namespace takes attributes, not %s", roma_template_what(&space));
    else if (name->len && name->p[0] == '_')
        roma_template_stop(m, ROMA_EINPUT, "a namespace takes no names that begin with '_'");
    else
        roma_template_put(m, space.u.dict, roma_template_text(name), v);
}

static void assign(tm_machine *m, const tm_node *target, tm_value v) {
    if (m->rc) return;
    if (target->kind == TM_N_NSREF)
        set_attribute(m, target, v);
    else if (target->kind == TM_N_TUPLE)
        unpack(m, target, &v);
    else
        bind(m, target->name, v);
}

/* ---- loops ---- */

/* Items for which the condition holds. */
static tm_list *chosen(tm_machine *m, const tm_node *n, tm_list *all) {
    const tm_value out = roma_template_list(m, TM_PLAIN, 0);
    tm_scope *outer = m->scope;
    for (size_t i = 0; i < all->n && !m->rc; i++) {
        m->scope = roma_template_scope(m, outer);
        assign(m, n->a, all->v[i]);
        const tm_value c = m->rc ? roma_template_none() : roma_template_eval(m, n->c);
        if (!m->rc && roma_template_true(&c)) roma_template_append(m, out.u.list, all->v[i]);
    }
    m->scope = outer;
    return m->rc ? NULL : out.u.list;
}

static uint32_t loop_name(const tm_machine *m) {
    for (uint32_t i = 0; i < m->t->n_names; i++)
        if (roma_template_is(m->t->name[i], "loop")) return i;
    return TM_NO_NAME;
}

/* Whether any turn came to its end: one that was left does not count, as in jinja2. */
static bool turns(tm_machine *m, const tm_node *n, tm_list *items, tm_sink *out) {
    tm_loop *loop = roma_template_get(m, sizeof *loop);
    tm_scope *outer = m->scope;
    const uint32_t id = loop_name(m);
    bool whole = false;
    if (!loop) return false;
    loop->items = items;
    for (size_t i = 0; i < items->n && !m->rc; i++) {
        loop->at = i;
        m->scope = roma_template_scope(m, outer);
        assign(m, n->a, items->v[i]);
        if (id != TM_NO_NAME) bind(m, id, (tm_value){.kind = TM_LOOP, .u = {.loop = loop}});
        const tm_flow flow = m->rc ? TM_BROKE : roma_template_run(m, n->d, out);
        whole |= flow == TM_GO;
        if (flow == TM_BROKE) break;
    }
    m->scope = outer;
    return whole;
}

static void run_for(tm_machine *m, const tm_node *n, tm_sink *out) {
    const tm_value over = roma_template_eval(m, n->b);
    tm_list *items = m->rc ? NULL : roma_template_items(m, &over);
    if (items && n->c) items = chosen(m, n, items);
    if (items && !turns(m, n, items, out) && !m->rc) roma_template_run(m, n->e, out);
}

/* ---- blocks with a text of their own ---- */

static tm_value text_of(tm_machine *m, const tm_node *body) {
    tm_sink s = {0};
    tm_scope *outer = m->scope;
    m->scope = roma_template_scope(m, outer);
    if (!m->rc) roma_template_run(m, body, &s);
    m->scope = outer;
    return roma_template_done(m, &s);
}

static tm_value through(tm_machine *m, const tm_node *filters, tm_value text) {
    const tm_value outer = m->subject;
    m->subject = text;
    const tm_value v = filters && !m->rc ? roma_template_eval(m, filters) : text;
    m->subject = outer;
    return v;
}

tm_value roma_template_macro_call(tm_machine *m, const tm_macro *macro, tm_args *args) {
    const tm_node *def = macro->def;
    tm_scope *caller = m->scope;
    bool used[TM_ARGS_MAX] = {false};
    unsigned k = 0;
    if (!(m->scope = roma_template_scope(m, macro->closure))) {
        m->scope = caller;
        return roma_template_none();
    }
    for (const tm_node *p = def->a; p && !m->rc; p = p->next, k++) {
        bool given = k < args->n;
        tm_value v = given ? args->v[k] : roma_template_undefined("a parameter that was not given");
        for (unsigned i = args->n; i < args->n + args->n_named; i++) {
            if (args->name[i] != p->name) continue;
            if (given) roma_template_stop(m, ROMA_EINPUT, "a parameter is given twice");
            v = args->v[i];
            used[i] = given = true;
        }
        if (!given && p->a) v = roma_template_eval(m, p->a);
        bind(m, p->name, v);
    }
    const tm_value rest = roma_template_list(m, TM_TUPLE, 0), named = roma_template_dict(m, TM_DICT);
    for (unsigned i = k; i < args->n && !m->rc; i++) roma_template_append(m, rest.u.list, args->v[i]);
    tm_value call = roma_template_undefined("caller");
    for (unsigned i = args->n; i < args->n + args->n_named && !m->rc; i++) {
        if (used[i]) continue;
        if (def->op & TM_USES_CALLER && roma_template_is(m->t->name[args->name[i]], "caller"))
            call = args->v[i];
        else
            roma_template_put(m, named.u.dict, roma_template_text(m->t->name[args->name[i]]), args->v[i]);
    }
    if (!m->rc &&
        ((rest.u.list->n && !(def->op & TM_USES_VARARGS)) || (named.u.dict->n && !(def->op & TM_USES_KWARGS))))
        roma_template_stop(m, ROMA_EINPUT, "a macro is called with more than it takes");
    for (uint32_t i = 0; i < m->t->n_names && def->op && !m->rc; i++) {
        const tm_text *name = m->t->name[i];
        if (def->op & TM_USES_VARARGS && roma_template_is(name, "varargs")) bind(m, i, rest);
        if (def->op & TM_USES_KWARGS && roma_template_is(name, "kwargs")) bind(m, i, named);
        if (def->op & TM_USES_CALLER && roma_template_is(name, "caller")) bind(m, i, call);
    }
    tm_sink s = {0};
    if (!m->rc) roma_template_run(m, def->b, &s);
    m->scope = caller;
    return roma_template_done(m, &s);
}

static tm_value macro(tm_machine *m, const tm_node *def) {
    tm_macro *x = roma_template_get(m, sizeof *x);
    if (!x) return roma_template_none();
    *x = (tm_macro){def, m->scope};
    return (tm_value){.kind = TM_MACRO, .u = {.macro = x}};
}

static void run_call(tm_machine *m, const tm_node *n, tm_sink *out) {
    static const tm_text caller = {.p = "caller", .len = 6};
    tm_args args = {.n = 0};
    const tm_value callee = roma_template_eval(m, n->a->a);
    for (const tm_node *a = n->a->b; a && !m->rc; a = a->next) {
        const unsigned k = args.n + args.n_named;
        args.v[k] = roma_template_eval(m, a->a);
        args.name[k] = a->name;
        if (a->name == TM_NO_NAME)
            args.n++;
        else
            args.n_named++;
    }
    if (m->rc) return;
    const unsigned k = args.n + args.n_named;
    uint32_t id = 0;
    while (id < m->t->n_names && !roma_template_is(m->t->name[id], caller.p)) id++;
    if (callee.kind != TM_MACRO || k == TM_ARGS_MAX || id == m->t->n_names) {
        roma_template_stop(m, ROMA_EINPUT, "a call block needs a macro that has a caller, and fewer than %d arguments",
                           TM_ARGS_MAX);
        return;
    }
    args.v[k] = macro(m, n->b);
    args.name[k] = id;
    args.n_named++;
    m->at = n;
    const tm_value v = roma_template_invoke(m, &callee, &args);
    if (!m->rc) roma_template_write_value(m, out, &v);
}

static void run_with(tm_machine *m, const tm_node *n, tm_sink *out) {
    tm_scope *outer = m->scope, *inner = roma_template_scope(m, outer);
    for (const tm_node *p = n->a; p && !m->rc; p = p->next) {
        const tm_value v = roma_template_eval(m, p->b);
        m->scope = inner;
        assign(m, p->a, v);
        m->scope = outer;
    }
    m->scope = inner;
    if (!m->rc) roma_template_run(m, n->b, out);
    m->scope = outer;
}

/* ---- statements ---- */

static tm_flow run_if(tm_machine *m, const tm_node *n, tm_sink *out) {
    for (const tm_node *b = n->a; b && !m->rc; b = b->next) {
        const tm_value c = b->a ? roma_template_eval(m, b->a) : roma_template_bool(true);
        if (!m->rc && roma_template_true(&c)) return roma_template_run(m, b->b, out);
    }
    return TM_GO;
}

static tm_flow statement(tm_machine *m, const tm_node *n, tm_sink *out) {
    tm_value v;
    switch ((tm_node_kind)n->kind) {
    case TM_N_DATA: roma_template_write_text(m, out, n->value.u.text); break;
    case TM_N_PRINT:
        v = roma_template_eval(m, n->a);
        m->at = n;
        if (!m->rc) roma_template_write_value(m, out, &v);
        break;
    case TM_N_IF: return run_if(m, n, out);
    case TM_N_FOR: run_for(m, n, out); break;
    case TM_N_SET:
        v = roma_template_eval(m, n->b);
        assign(m, n->a, v);
        break;
    case TM_N_SET_BLOCK:
        v = through(m, n->c, text_of(m, n->b));
        assign(m, n->a, v);
        break;
    case TM_N_MACRO: bind(m, n->name, macro(m, n)); break;
    case TM_N_CALL_BLOCK: run_call(m, n, out); break;
    case TM_N_FILTER_BLOCK:
        v = through(m, n->a, text_of(m, n->b));
        if (!m->rc) roma_template_write_value(m, out, &v);
        break;
    case TM_N_WITH: run_with(m, n, out); break;
    case TM_N_SCOPE:
        v = text_of(m, n->b);
        if (!m->rc) roma_template_write_value(m, out, &v);
        break;
    case TM_N_BREAK: return TM_BROKE;
    case TM_N_CONTINUE: return TM_CONTINUED;
    case TM_N_CONST:
    case TM_N_NAME:
    case TM_N_ATTR:
    case TM_N_ITEM:
    case TM_N_SLICE:
    case TM_N_CALL:
    case TM_N_ARG:
    case TM_N_FILTER:
    case TM_N_TEST:
    case TM_N_NEG:
    case TM_N_POS:
    case TM_N_NOT:
    case TM_N_AND:
    case TM_N_OR:
    case TM_N_ARITH:
    case TM_N_COMPARE:
    case TM_N_OPERAND:
    case TM_N_JOIN:
    case TM_N_IFELSE:
    case TM_N_LIST:
    case TM_N_TUPLE:
    case TM_N_DICT:
    case TM_N_PAIR:
    case TM_N_NSREF:
    case TM_N_BRANCH:
    case TM_N_PARAM: break;
    }
    return TM_GO;
}

tm_flow roma_template_run(tm_machine *m, const tm_node *body, tm_sink *out) {
    tm_flow flow = TM_GO;
    if (++m->depth > m->limits.depth)
        roma_template_stop(m, ROMA_EUNSUPPORTED, "what the template does nests more than %u deep", m->limits.depth);
    for (const tm_node *n = body; n && flow == TM_GO && roma_template_steps(m, 1); n = n->next) {
        m->at = n;
        flow = statement(m, n, out);
    }
    m->depth--;
    return flow;
}
