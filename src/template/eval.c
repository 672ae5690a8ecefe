/* Expressions: tree to values. */
#include <math.h>
#include "template/internal.h"

static tm_value nothing(void) { return roma_template_undefined(NULL); }

/* ---- names ---- */

static tm_value name(tm_machine *m, const tm_node *n) {
    for (const tm_scope *s = m->scope; s; s = s->up)
        for (const tm_variable *v = s->first; v; v = v->next) {
            m->steps++;
            if (v->name == n->name) return v->v;
        }
    const tm_value *v = roma_template_look(m, &m->globals, roma_template_text(m->t->name[n->name]));
    if (v) return *v;
    char *why = roma_template_get(m, 64);
    if (!why) return nothing();
    return roma_template_undefined(roma_error_name(why, 64, m->t->name[n->name]->p, m->t->name[n->name]->len));
}

static tm_value lacks(tm_machine *m, const tm_text *attribute) {
    char *why = roma_template_get(m, 64);
    if (!why) return nothing();
    return roma_template_undefined(roma_error_name(why, 64, attribute->p, attribute->len));
}

/* ---- attributes and items ---- */

static tm_value loop_attr(tm_machine *m, const tm_loop *l, const tm_text *a) {
    const int64_t at = (int64_t)l->at, n = (int64_t)l->items->n;
    if (roma_template_is(a, "index")) return roma_template_int(at + 1);
    if (roma_template_is(a, "index0")) return roma_template_int(at);
    if (roma_template_is(a, "revindex")) return roma_template_int(n - at);
    if (roma_template_is(a, "revindex0")) return roma_template_int(n - at - 1);
    if (roma_template_is(a, "first")) return roma_template_bool(at == 0);
    if (roma_template_is(a, "last")) return roma_template_bool(at + 1 == n);
    if (roma_template_is(a, "length")) return roma_template_int(n);
    if (roma_template_is(a, "depth")) return roma_template_int(1);
    if (roma_template_is(a, "depth0")) return roma_template_int(0);
    if (roma_template_is(a, "previtem")) return at ? l->items->v[at - 1] : roma_template_undefined("previtem");
    if (roma_template_is(a, "nextitem")) return at + 1 < n ? l->items->v[at + 1] : roma_template_undefined("nextitem");
    return lacks(m, a);
}

static tm_value refused(tm_machine *m, const tm_value *v) {
    if (v->u.why)
        roma_template_stop(m, ROMA_EINPUT, "'%s' is undefined", v->u.why);
    else
        roma_template_stop(m, ROMA_EINPUT, "a value here is undefined");
    return nothing();
}

static tm_value attr(tm_machine *m, const tm_value *of, const tm_text *a) {
    if (!roma_template_steps(m, 1)) return nothing();
    if (of->kind == TM_UNDEFINED) return refused(m, of);
    if (of->kind == TM_LOOP) {
        const tm_value method = roma_template_method(m, of, a);
        return method.kind == TM_METHOD ? method : loop_attr(m, of->u.loop, a);
    }
    if (of->kind == TM_SPACE) {
        const tm_value *v = roma_template_look(m, of->u.dict, roma_template_text(a));
        return v ? *v : lacks(m, a);
    }
    if (of->kind == TM_MACRO && roma_template_is(a, "name"))
        return of->u.macro->def->name == TM_NO_NAME ? roma_template_none()
                                                    : roma_template_text(m->t->name[of->u.macro->def->name]);
    const tm_value method = roma_template_method(m, of, a);
    if (method.kind != TM_UNDEFINED || method.u.why || m->rc) return method;
    if (of->kind == TM_DICT) {
        const tm_value *v = roma_template_look(m, of->u.dict, roma_template_text(a));
        if (v) return *v;
    }
    return lacks(m, a);
}

/* Place of an index that may count from the end; false: there is none. */
static bool place(int64_t i, size_t n, size_t *at) {
    if (i < 0) i += (int64_t)n;
    *at = (size_t)i;
    return i >= 0 && (uint64_t)i < n;
}

tm_value roma_template_item(tm_machine *m, const tm_value *of, const tm_value *key) {
    int64_t i;
    double r;
    size_t at;
    if (!roma_template_steps(m, 1)) return nothing();
    if (of->kind == TM_UNDEFINED) return refused(m, of);
    const bool whole = roma_template_number(key, &i, &r) == TM_WHOLE;
    if (of->kind == TM_DICT && roma_template_hashable(key)) {
        const tm_value *v = roma_template_look(m, of->u.dict, *key);
        if (v) return *v;
    } else if (of->kind == TM_LIST && whole && of->u.list->form != TM_VIEW && of->u.list->form != TM_LAZY) {
        if (place(i, of->u.list->n, &at)) return of->u.list->v[at];
    } else if (of->kind == TM_TEXT && whole) {
        const tm_text *t = of->u.text;
        m->steps += t->len / 64;
        if (place(i, roma_template_chars(t), &at)) {
            const size_t from = roma_template_char_at(t, at);
            unsigned n;
            roma_template_char(t->p + from, t->len - from, &n);
            return roma_template_part(m, t, from, n);
        }
    }
    if (key->kind != TM_TEXT) return roma_template_undefined("an item");
    if (of->kind == TM_DICT) {
        const tm_value method = roma_template_method(m, of, key->u.text);
        return method.kind != TM_UNDEFINED || method.u.why ? method : lacks(m, key->u.text);
    }
    return attr(m, of, key->u.text);
}

/* ---- slices ---- */

/* One bound, as Python's slice.indices has it. */
static int64_t bound(tm_machine *m, const tm_value *v, int64_t n, int64_t step, int64_t otherwise) {
    int64_t i = 0;
    double r;
    if (v->kind == TM_NONE || (v->kind == TM_UNDEFINED && !v->u.why)) return otherwise;
    if (roma_template_number(v, &i, &r) != TM_WHOLE) {
        roma_template_stop(m, ROMA_EINPUT, "a slice needs whole numbers, not %s", roma_template_what(v));
        return 0;
    }
    if (i < 0) i = i < -n ? (step < 0 ? -1 : 0) : i + n;
    return i >= n ? (step < 0 ? n - 1 : n) : i;
}

static tm_value slice_text(tm_machine *m, const tm_text *t, int64_t from, int64_t to, int64_t step) {
    tm_sink s = {0};
    if (!roma_template_steps(m, t->len / 16 + 1)) return nothing();
    if (step == 1) {
        if (from >= to) return roma_template_part(m, t, 0, 0);
        const size_t begin = roma_template_char_at(t, (size_t)from);
        const tm_text rest = {.p = t->p + begin, .len = t->len - begin};
        return roma_template_part(m, t, begin, roma_template_char_at(&rest, (size_t)(to - from)));
    }
    const tm_value whole = roma_template_text(t);
    const tm_list *all = roma_template_items(m, &whole);
    for (int64_t i = from; !m->rc && all && (step > 0 ? i < to : i > to); i += step)
        roma_template_write_text(m, &s, all->v[i].u.text);
    tm_value v = roma_template_done(m, &s);
    return t->markup && !m->rc ? roma_template_markup(m, v.u.text) : v;
}

tm_value roma_template_slice(tm_machine *m, const tm_value *of, const tm_value *from, const tm_value *to,
                             const tm_value *step) {
    int64_t n = 0, by = 1;
    double r;
    if (of->kind == TM_UNDEFINED) return refused(m, of);
    const bool sliceable = of->kind == TM_TEXT || (of->kind == TM_LIST && of->u.list->form <= TM_RANGE);
    if (!sliceable || !roma_template_length(of, &n)) {
        roma_template_stop(m, ROMA_EINPUT, "%s cannot be sliced", roma_template_what(of));
        return nothing();
    }
    if (roma_template_given(step) && step->kind != TM_NONE &&
        (roma_template_number(step, &by, &r) != TM_WHOLE || by == 0 || by > INT32_MAX || by < -INT32_MAX)) {
        roma_template_stop(m, ROMA_EINPUT, "a slice cannot go by %s", by ? roma_template_what(step) : "0");
        return nothing();
    }
    const int64_t begin = bound(m, from, n, by, by < 0 ? n - 1 : 0), end = bound(m, to, n, by, by < 0 ? -1 : n);
    if (m->rc) return nothing();
    if (of->kind == TM_TEXT) return slice_text(m, of->u.text, begin, end, by);
    if (of->u.list->form == TM_RANGE) {
        roma_template_stop(m, ROMA_EUNSUPPORTED, "slices of ranges are not supported");
        return nothing();
    }
    const tm_value out = roma_template_list(m, (tm_form)of->u.list->form, 0);
    for (int64_t i = begin; !m->rc && (by > 0 ? i < end : i > end); i += by)
        roma_template_append(m, out.u.list, of->u.list->v[i]);
    if (!m->rc) out.u.list->data = of->u.list->data;
    return out;
}

/* ---- arithmetic ---- */

static const char *op_name(unsigned op) {
    switch (op) {
    case TM_OP_FLOORDIV: return "//";
    case TM_OP_POW: return "**";
    case TM_OP_EQ: return "==";
    case TM_OP_NE: return "!=";
    case TM_OP_GE: return ">=";
    case TM_OP_LE: return "<=";
    case TM_OP_IN: return "in";
    case TM_OP_NOT_IN: return "not in";
    case '<': return "<";
    case '>': return ">";
    case '+': return "+";
    case '-': return "-";
    case '*': return "*";
    case '/': return "/";
    default: return "%";
    }
}

static tm_value beyond(tm_machine *m) {
    roma_template_stop(m, ROMA_EUNSUPPORTED, "whole numbers beyond 64 bits are not supported");
    return nothing();
}

static tm_value by_zero(tm_machine *m) {
    roma_template_stop(m, ROMA_EINPUT, "division by zero");
    return nothing();
}

static tm_value power(tm_machine *m, int64_t a, int64_t b) {
    int64_t r = 1;
    if (b < 0) return a ? roma_template_real(pow((double)a, (double)b)) : by_zero(m);
    for (; b; b >>= 1) {
        if (b & 1 && __builtin_mul_overflow(r, a, &r)) return beyond(m);
        if (b > 1 && __builtin_mul_overflow(a, a, &a)) return beyond(m);
    }
    return roma_template_int(r);
}

static tm_value whole(tm_machine *m, unsigned op, int64_t a, int64_t b) {
    int64_t r = 0;
    if ((op == '/' || op == '%' || op == TM_OP_FLOORDIV) && !b) return by_zero(m);
    if ((op == '%' || op == TM_OP_FLOORDIV) && b == -1) return op == '%' ? roma_template_int(0) : whole(m, '-', 0, a);
    if (op == '+'   ? __builtin_add_overflow(a, b, &r)
        : op == '-' ? __builtin_sub_overflow(a, b, &r)
                    : op == '*' && __builtin_mul_overflow(a, b, &r))
        return beyond(m);
    if (op == '/') return roma_template_real((double)a / (double)b);
    if (op == TM_OP_POW) return power(m, a, b);
    if (op == '%') r = a % b + (a % b && (a % b < 0) != (b < 0) ? b : 0);
    if (op == TM_OP_FLOORDIV) r = a / b - (a % b && (a < 0) != (b < 0));
    return roma_template_int(r);
}

static double modulo(double a, double b) {
    const double r = fmod(a, b);
    if (r == 0) return copysign(0.0, b);
    return (r < 0) != (b < 0) ? r + b : r;
}

/* As CPython has it: the quotient of what is left without the remainder, to the nearest whole number. */
static double floor_divided(double a, double b) {
    const double rest = fmod(a, b), quotient = (a - rest) / b - (rest < 0 || rest > 0 ? (rest < 0) != (b < 0) : 0);
    const double whole_part = floor(quotient);
    if (quotient == 0) return copysign(0.0, a / b);
    return quotient - whole_part > 0.5 ? whole_part + 1 : whole_part;
}

static tm_value broken(tm_machine *m, unsigned op, double a, double b) {
    if ((op == '/' || op == '%' || op == TM_OP_FLOORDIV) && b == 0) return by_zero(m);
    if (op == '+') return roma_template_real(a + b);
    if (op == '-') return roma_template_real(a - b);
    if (op == '*') return roma_template_real(a * b);
    if (op == '/') return roma_template_real(a / b);
    if (op == '%') return roma_template_real(modulo(a, b));
    if (op == TM_OP_FLOORDIV) return roma_template_real(floor_divided(a, b));
    if ((a == 0 && b < 0) || (a < 0 && b != floor(b))) return beyond(m);
    return roma_template_real(pow(a, b));
}

static tm_value repeat(tm_machine *m, const tm_value *of, int64_t n) {
    if (of->kind == TM_TEXT) {
        tm_sink s = {0};
        for (int64_t i = 0; i < n && of->u.text->len && roma_template_steps(m, 1); i++)
            roma_template_write_text(m, &s, of->u.text);
        tm_value v = roma_template_done(m, &s);
        return of->u.text->markup && !m->rc ? roma_template_markup(m, v.u.text) : v;
    }
    const tm_value out = roma_template_list(m, (tm_form)of->u.list->form, 0);
    for (int64_t i = 0; i < n && of->u.list->n && roma_template_steps(m, 1); i++)
        for (size_t k = 0; k < of->u.list->n && !m->rc; k++) roma_template_append(m, out.u.list, of->u.list->v[k]);
    return out;
}

static tm_value add_lists(tm_machine *m, const tm_list *a, const tm_list *b) {
    const tm_value out = roma_template_list(m, (tm_form)a->form, a->n + b->n);
    for (size_t i = 0; i < a->n && !m->rc; i++) roma_template_append(m, out.u.list, a->v[i]);
    for (size_t i = 0; i < b->n && !m->rc; i++) roma_template_append(m, out.u.list, b->v[i]);
    if (!m->rc) out.u.list->data = a->data && b->data;
    return out;
}

static bool repeatable(const tm_value *v) {
    return v->kind == TM_TEXT || (v->kind == TM_LIST && v->u.list->form <= TM_TUPLE);
}

tm_value roma_template_arith(tm_machine *m, unsigned op, const tm_value *a, const tm_value *b) {
    int64_t i = 0, j = 0;
    double r = 0, s = 0;
    if (!roma_template_steps(m, 1)) return nothing();
    if (a->kind == TM_UNDEFINED) return refused(m, a);
    if (b->kind == TM_UNDEFINED && !(op == '%' && a->kind == TM_TEXT)) return refused(m, b);
    const tm_number x = roma_template_number(a, &i, &r), y = roma_template_number(b, &j, &s);
    if (x && y) {
        tm_value v = x == TM_WHOLE && y == TM_WHOLE ? whole(m, op, i, j) : broken(m, op, r, s);
        v.data = a->data || b->data;
        return v;
    }
    if (op == '+' && a->kind == TM_TEXT && b->kind == TM_TEXT) return roma_template_concat(m, a->u.text, b->u.text);
    if (op == '+' && a->kind == TM_LIST && b->kind == TM_LIST && a->u.list->form == b->u.list->form && repeatable(a))
        return add_lists(m, a->u.list, b->u.list);
    if (op == '*' && y == TM_WHOLE && repeatable(a)) return repeat(m, a, j);
    if (op == '*' && x == TM_WHOLE && repeatable(b)) return repeat(m, b, i);
    if (op == '%' && a->kind == TM_TEXT) {
        const bool tuple = b->kind == TM_LIST && b->u.list->form == TM_TUPLE;
        return roma_template_format(m, a->u.text, tuple ? b->u.list->v : b, tuple ? b->u.list->n : 1);
    }
    roma_template_stop(m, ROMA_EINPUT, "'%s' has no meaning between %s and %s", op_name(op), roma_template_what(a),
                       roma_template_what(b));
    return nothing();
}

static tm_value sign(tm_machine *m, const tm_value *v, bool minus) {
    int64_t i;
    double r;
    const tm_number kind = roma_template_number(v, &i, &r);
    if (v->kind == TM_UNDEFINED) return refused(m, v);
    if (kind == TM_WHOLE) return minus ? whole(m, '-', 0, i) : roma_template_int(i);
    if (kind == TM_BROKEN) return roma_template_real(minus ? -r : r);
    roma_template_stop(m, ROMA_EINPUT, "%s has no sign", roma_template_what(v));
    return nothing();
}

static bool compare(tm_machine *m, unsigned op, const tm_value *a, const tm_value *b) {
    if (op == TM_OP_EQ) return roma_template_same(m, a, b);
    if (op == TM_OP_NE) return !roma_template_same(m, a, b);
    if (op == TM_OP_IN) return roma_template_in(m, a, b);
    if (op == TM_OP_NOT_IN) return !roma_template_in(m, a, b);
    if (a->kind == TM_UNDEFINED || b->kind == TM_UNDEFINED) {
        refused(m, a->kind == TM_UNDEFINED ? a : b);
        return false;
    }
    const int c = roma_template_order(m, a, b, op_name(op));
    if (c == 2) return false;
    return op == '<' ? c < 0 : op == '>' ? c > 0 : op == TM_OP_LE ? c <= 0 : c >= 0;
}

static tm_value comparison(tm_machine *m, const tm_node *n) {
    tm_value left = roma_template_eval(m, n->a);
    for (const tm_node *o = n->b; o && !m->rc; o = o->next) {
        const tm_value right = roma_template_eval(m, o->a);
        if (m->rc || !compare(m, o->op, &left, &right)) return roma_template_bool(false);
        left = right;
    }
    return roma_template_bool(true);
}

/* ---- calls, filters, tests ---- */

static bool arguments(tm_machine *m, const tm_node *list, tm_args *out) {
    out->n = out->n_named = 0;
    for (const tm_node *a = list; a && !m->rc; a = a->next) {
        const unsigned k = out->n + out->n_named;
        out->v[k] = roma_template_eval(m, a->a);
        out->name[k] = a->name;
        if (a->name == TM_NO_NAME)
            out->n++;
        else
            out->n_named++;
    }
    return !m->rc;
}

static tm_value filtered(tm_machine *m, const tm_node *n) {
    tm_args args;
    const tm_value subject = n->a ? roma_template_eval(m, n->a) : m->subject;
    if (m->rc || !arguments(m, n->b, &args)) return nothing();
    m->at = n;
    return roma_template_filter(m, n->op, &subject, &args);
}

static tm_value tested(tm_machine *m, const tm_node *n) {
    tm_args args;
    const tm_value subject = roma_template_eval(m, n->a);
    if (m->rc || !arguments(m, n->b, &args)) return nothing();
    m->at = n;
    return roma_template_bool(roma_template_test(m, n->op, &subject, &args));
}

static tm_value called(tm_machine *m, const tm_node *n) {
    tm_args args;
    const tm_value callee = roma_template_eval(m, n->a);
    if (m->rc || !arguments(m, n->b, &args)) return nothing();
    m->at = n;
    return roma_template_invoke(m, &callee, &args);
}

/* ---- collections ---- */

static tm_value list(tm_machine *m, const tm_node *n) {
    const tm_value out = roma_template_list(m, n->kind == TM_N_TUPLE ? TM_TUPLE : TM_PLAIN, 0);
    for (const tm_node *i = n->a; i && !m->rc; i = i->next)
        roma_template_append(m, out.u.list, roma_template_eval(m, i));
    return out;
}

static tm_value dict(tm_machine *m, const tm_node *n) {
    const tm_value out = roma_template_dict(m, TM_DICT);
    for (const tm_node *i = n->a; i && !m->rc; i = i->next) {
        const tm_value key = roma_template_eval(m, i->a), v = roma_template_eval(m, i->b);
        if (m->rc) break;
        if (!roma_template_hashable(&key))
            roma_template_stop(m, ROMA_EINPUT, "%s cannot be a key", roma_template_what(&key));
        roma_template_put(m, out.u.dict, key, v);
    }
    return out;
}

static tm_value joined(tm_machine *m, const tm_node *n) {
    tm_sink s = {0};
    bool markup = false;
    for (const tm_node *i = n->a; i && !m->rc; i = i->next) {
        const tm_value v = roma_template_eval(m, i);
        if (!m->rc) roma_template_write_value(m, &s, &v);
    }
    tm_value v = roma_template_done(m, &s);
    return markup && !m->rc ? roma_template_markup(m, v.u.text) : v;
}

static tm_value sliced(tm_machine *m, const tm_node *n) {
    const tm_value of = roma_template_eval(m, n->a), from = n->b ? roma_template_eval(m, n->b) : nothing(),
                   to = n->c ? roma_template_eval(m, n->c) : nothing(),
                   step = n->d ? roma_template_eval(m, n->d) : nothing();
    if (m->rc) return nothing();
    m->at = n;
    return roma_template_slice(m, &of, &from, &to, &step);
}

static tm_value choose(tm_machine *m, const tm_node *n) {
    const tm_value c = roma_template_eval(m, n->a);
    if (m->rc) return nothing();
    if (roma_template_true(&c)) return roma_template_eval(m, n->b);
    return n->c ? roma_template_eval(m, n->c) : roma_template_undefined("the other branch of a condition");
}

static tm_value two(tm_machine *m, const tm_node *n) {
    const tm_value a = roma_template_eval(m, n->a);
    if (m->rc) return nothing();
    if (n->kind == TM_N_AND || n->kind == TM_N_OR)
        return roma_template_true(&a) == (n->kind == TM_N_OR) ? a : roma_template_eval(m, n->b);
    const tm_value b = roma_template_eval(m, n->b);
    if (m->rc) return nothing();
    m->at = n;
    return n->kind == TM_N_ITEM ? roma_template_item(m, &a, &b) : roma_template_arith(m, n->op, &a, &b);
}

static tm_value one(tm_machine *m, const tm_node *n) {
    const tm_value a = roma_template_eval(m, n->a);
    if (m->rc) return nothing();
    m->at = n;
    if (n->kind == TM_N_ATTR) return attr(m, &a, n->value.u.text);
    if (n->kind == TM_N_NOT) return roma_template_bool(!roma_template_true(&a));
    return sign(m, &a, n->kind == TM_N_NEG);
}

static tm_value eval(tm_machine *m, const tm_node *n) {
    switch ((tm_node_kind)n->kind) {
    case TM_N_CONST: return n->value;
    case TM_N_NAME:
    case TM_N_NSREF: return name(m, n);
    case TM_N_ATTR:
    case TM_N_NEG:
    case TM_N_POS:
    case TM_N_NOT: return one(m, n);
    case TM_N_ITEM:
    case TM_N_AND:
    case TM_N_OR:
    case TM_N_ARITH: return two(m, n);
    case TM_N_SLICE: return sliced(m, n);
    case TM_N_CALL: return called(m, n);
    case TM_N_FILTER: return filtered(m, n);
    case TM_N_TEST: return tested(m, n);
    case TM_N_COMPARE: return comparison(m, n);
    case TM_N_JOIN: return joined(m, n);
    case TM_N_IFELSE: return choose(m, n);
    case TM_N_LIST:
    case TM_N_TUPLE: return list(m, n);
    case TM_N_DICT: return dict(m, n);
    case TM_N_ARG:
    case TM_N_OPERAND:
    case TM_N_PAIR:
    case TM_N_DATA:
    case TM_N_PRINT:
    case TM_N_IF:
    case TM_N_BRANCH:
    case TM_N_FOR:
    case TM_N_SET:
    case TM_N_SET_BLOCK:
    case TM_N_MACRO:
    case TM_N_PARAM:
    case TM_N_CALL_BLOCK:
    case TM_N_FILTER_BLOCK:
    case TM_N_WITH:
    case TM_N_BREAK:
    case TM_N_CONTINUE:
    case TM_N_SCOPE: break;
    }
    return nothing();
}

tm_value roma_template_eval(tm_machine *m, const tm_node *n) {
    m->at = n;
    if (++m->depth > m->limits.depth)
        roma_template_stop(m, ROMA_EUNSUPPORTED, "what the template does nests more than %u deep", m->limits.depth);
    const tm_value v = roma_template_steps(m, 1) ? eval(m, n) : nothing();
    m->depth--;
    return v;
}
