/* Tests by name, as jinja2 has them. */
#include <string.h>
#include "template/call.h"

typedef enum {
    T_BOOLEAN,
    T_CALLABLE,
    T_DEFINED,
    T_DIVISIBLEBY,
    T_EQ,
    T_ESCAPED,
    T_EVEN,
    T_FALSE,
    T_FILTER,
    T_FLOAT,
    T_GE,
    T_GT,
    T_IN,
    T_INTEGER,
    T_ITERABLE,
    T_LE,
    T_LOWER,
    T_LT,
    T_MAPPING,
    T_NE,
    T_NONE,
    T_NUMBER,
    T_ODD,
    T_SAMEAS,
    T_SEQUENCE,
    T_STRING,
    T_TEST,
    T_TRUE,
    T_UNDEFINED,
    T_UPPER
} test;

static const struct {
    const char *name;
    test id;
    bool takes;
} tests[] = {
    {"boolean", T_BOOLEAN, false},
    {"callable", T_CALLABLE, false},
    {"defined", T_DEFINED, false},
    {"divisibleby", T_DIVISIBLEBY, true},
    {"eq", T_EQ, true},
    {"equalto", T_EQ, true},
    {"escaped", T_ESCAPED, false},
    {"even", T_EVEN, false},
    {"false", T_FALSE, false},
    {"filter", T_FILTER, false},
    {"float", T_FLOAT, false},
    {"ge", T_GE, true},
    {"greaterthan", T_GT, true},
    {"gt", T_GT, true},
    {"in", T_IN, true},
    {"integer", T_INTEGER, false},
    {"iterable", T_ITERABLE, false},
    {"le", T_LE, true},
    {"lessthan", T_LT, true},
    {"lower", T_LOWER, false},
    {"lt", T_LT, true},
    {"mapping", T_MAPPING, false},
    {"ne", T_NE, true},
    {"none", T_NONE, false},
    {"number", T_NUMBER, false},
    {"odd", T_ODD, false},
    {"sameas", T_SAMEAS, true},
    {"sequence", T_SEQUENCE, false},
    {"string", T_STRING, false},
    {"test", T_TEST, false},
    {"true", T_TRUE, false},
    {"undefined", T_UNDEFINED, false},
    {"upper", T_UPPER, false},
};

int roma_template_test_find(const char *name, size_t len) {
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
        if (strlen(tests[i].name) == len && memcmp(tests[i].name, name, len) == 0) return (int)i;
    if (len == 2 && strchr("=!<>", name[0]) && name[1] == '=')
        return roma_template_test_find(name[0] == '=' ? "eq" : name[0] == '!' ? "ne" : name[0] == '<' ? "le" : "ge", 2);
    if (len == 1 && (name[0] == '<' || name[0] == '>')) return roma_template_test_find(name[0] == '<' ? "lt" : "gt", 2);
    return -1;
}

static bool divides(tm_machine *m, const tm_value *v, int64_t by, int64_t rest) {
    const tm_value n = roma_template_int(by), r = roma_template_arith(m, '%', v, &n), want = roma_template_int(rest);
    return !m->rc && roma_template_same(m, &r, &want);
}

static bool ordered(tm_machine *m, test id, const tm_value *a, const tm_value *b) {
    if (a->kind == TM_UNDEFINED || b->kind == TM_UNDEFINED) {
        roma_template_stop(m, ROMA_EINPUT, "an undefined value has no order");
        return false;
    }
    const int c = roma_template_order(m, a, b, id == T_LT || id == T_LE ? "<" : ">");
    return c != 2 && (id == T_LT ? c < 0 : id == T_GT ? c > 0 : id == T_LE ? c <= 0 : c >= 0);
}

/* Whether the text of a value has letters of one case only. */
static bool cased(tm_machine *m, const tm_value *v, tm_case other) {
    const tm_text *t = roma_template_str(m, v);
    bool any = false;
    for (size_t at = 0; t && at < t->len;) {
        unsigned n;
        uint32_t to[3];
        const uint32_t c = roma_template_char(t->p + at, t->len - at, &n);
        if (roma_template_map_case(c, other == TM_UPPER ? TM_UPPER : TM_LOWER, to)) {
            any = true;
        } else if (roma_template_map_case(c, other == TM_UPPER ? TM_LOWER : TM_UPPER, to)) {
            return false;
        }
        at += n;
    }
    return any;
}

static bool same_object(tm_machine *m, const tm_value *a, const tm_value *b) {
    if (a->kind != b->kind) return false;
    if (a->kind == TM_LIST) return a->u.list == b->u.list;
    if (a->kind == TM_DICT) return a->u.dict == b->u.dict;
    return roma_template_same(m, a, b);
}

static bool is_iterable(const tm_value *v) {
    return v->kind == TM_UNDEFINED || v->kind == TM_TEXT || v->kind == TM_LIST || v->kind == TM_DICT ||
           v->kind == TM_LOOP;
}

static bool is_sequence(const tm_value *v) {
    if (v->kind == TM_LIST) return v->u.list->form <= TM_RANGE;
    return v->kind == TM_TEXT || v->kind == TM_DICT || v->kind == TM_UNDEFINED;
}

static bool is_callable(const tm_value *v) {
    return v->kind == TM_MACRO || v->kind == TM_FUNCTION || v->kind == TM_METHOD || v->kind == TM_JOINER ||
           v->kind == TM_UNDEFINED || v->kind == TM_LOOP;
}

static bool divisible(tm_machine *m, const tm_value *s, const tm_value *v) {
    int64_t by = 0;
    double r;
    if (roma_template_number(v, &by, &r) != TM_WHOLE) {
        roma_template_stop(m, ROMA_EINPUT, "divisibleby needs a whole number");
        return false;
    }
    return divides(m, s, by, 0);
}

static bool known(const tm_value *s, int (*find)(const char *, size_t)) {
    return s->kind == TM_TEXT && find(s->u.text->p, s->u.text->len) != -1;
}

bool roma_template_test(tm_machine *m, unsigned id, const tm_value *s, tm_args *args) {
    static const char *const none[] = {NULL}, *const one[] = {"*other", NULL};
    tm_value v[2] = {{0}};
    if (id == TM_UNKNOWN) roma_template_stop(m, ROMA_EUNSUPPORTED, "there is no test of this name");
    if (!roma_template_steps(m, 1) || !roma_template_bind(m, args, tests[id].name, tests[id].takes ? one : none, v))
        return false;
    switch (tests[id].id) {
    case T_BOOLEAN: return s->kind == TM_BOOL;
    case T_CALLABLE: return is_callable(s);
    case T_DEFINED: return s->kind != TM_UNDEFINED;
    case T_DIVISIBLEBY: return divisible(m, s, &v[0]);
    case T_EQ: return roma_template_same(m, s, &v[0]);
    case T_ESCAPED: return s->kind == TM_TEXT && s->u.text->markup;
    case T_EVEN: return divides(m, s, 2, 0);
    case T_FALSE: return s->kind == TM_BOOL && !s->u.flag;
    case T_FILTER: return known(s, roma_template_filter_find);
    case T_FLOAT: return s->kind == TM_REAL;
    case T_GE:
    case T_GT:
    case T_LE:
    case T_LT: return ordered(m, tests[id].id, s, &v[0]);
    case T_IN: return roma_template_in(m, s, &v[0]);
    case T_INTEGER: return s->kind == TM_INT;
    case T_ITERABLE: return is_iterable(s);
    case T_LOWER: return cased(m, s, TM_UPPER);
    case T_MAPPING: return s->kind == TM_DICT;
    case T_NE: return !roma_template_same(m, s, &v[0]);
    case T_NONE: return s->kind == TM_NONE;
    case T_NUMBER: return s->kind == TM_INT || s->kind == TM_REAL || s->kind == TM_BOOL;
    case T_ODD: return divides(m, s, 2, 1);
    case T_SAMEAS: return same_object(m, s, &v[0]);
    case T_SEQUENCE: return is_sequence(s);
    case T_STRING: return s->kind == TM_TEXT;
    case T_TEST: return known(s, roma_template_test_find);
    case T_TRUE: return s->kind == TM_BOOL && s->u.flag;
    case T_UNDEFINED: return s->kind == TM_UNDEFINED;
    case T_UPPER: return cased(m, s, TM_LOWER);
    }
    return false;
}
