/* Expressions: tokens to tree, in the order of jinja2's own parser, whose quirks are kept: `~` binds more tightly than
 * `+`, `**` to the left, a test takes the next primary as its argument. */
#include <string.h>
#include "template/internal.h"

enum { DEPTH = 200 };

/* ---- what the parser looks at ---- */

void roma_template_refuse(tm_parser *p, const tm_token *at, int code, const char *fmt, ...) {
    char text[400];
    if (p->rc) return;
    ROMA_PRINT_ARGS(text, fmt);
    p->rc = roma_template_fail(p->t, code, at->at, p->err, "%s", text);
    p->tok = p->last; /* nothing more is read */
}

static void unexpected(tm_parser *p, const char *wanted) {
    char shown[64];
    const tm_token *t = p->tok;
    if (t->kind == TM_T_END)
        roma_template_refuse(p, t, ROMA_EUNSUPPORTED, "the template ends where %s is needed", wanted);
    else
        roma_template_refuse(p, t, ROMA_EUNSUPPORTED, "'%s' stands where %s is needed",
                             roma_error_name(shown, sizeof shown, p->t->source + t->at, t->len), wanted);
}

tm_node *roma_template_node(tm_parser *p, tm_node_kind kind, const tm_token *at) {
    static tm_node none;
    tm_node *n = p->rc ? NULL : roma_template_take(&p->t->pool, sizeof *n);
    if (!n) {
        if (!p->rc) roma_template_refuse(p, at, ROMA_ENOMEM, "no memory for the template");
        none = (tm_node){0};
        return &none; /* never linked into a tree that is used */
    }
    *n = (tm_node){.kind = (uint8_t)kind, .at = at->at, .name = TM_NO_NAME};
    return n;
}

bool roma_template_is_op(const tm_parser *p, unsigned op) { return p->tok->kind == TM_T_OP && p->tok->op == op; }
bool roma_template_is_name(const tm_parser *p, const char *name) {
    return p->tok->kind == TM_T_NAME && strlen(name) == p->tok->len &&
           memcmp(p->t->source + p->tok->at, name, p->tok->len) == 0;
}
static void advance(tm_parser *p) {
    if (p->tok < p->last) p->tok++;
}
bool roma_template_skip_op(tm_parser *p, unsigned op) {
    if (!roma_template_is_op(p, op)) return false;
    advance(p);
    return true;
}
bool roma_template_skip_name(tm_parser *p, const char *name) {
    if (!roma_template_is_name(p, name)) return false;
    advance(p);
    return true;
}
void roma_template_expect_op(tm_parser *p, unsigned op) {
    const char wanted[4] = {'\'', (char)op, '\'', 0};
    if (!roma_template_skip_op(p, op)) unexpected(p, wanted);
}
const tm_token *roma_template_expect_name(tm_parser *p) {
    const tm_token *t = p->tok;
    if (t->kind != TM_T_NAME) unexpected(p, "a name");
    advance(p);
    return t;
}

static const tm_text *text_of(tm_parser *p, const char *s, size_t len) {
    tm_text *t = roma_template_take(&p->t->pool, sizeof *t);
    if (!t) {
        roma_template_refuse(p, p->tok, ROMA_ENOMEM, "no memory for the template");
        return NULL;
    }
    *t = (tm_text){.p = s, .len = len};
    return t;
}

uint32_t roma_template_intern(tm_parser *p, const tm_token *name) {
    roma_template *t = p->t;
    if (p->rc) return TM_NO_NAME;
    for (uint32_t i = 0; i < t->n_names; i++)
        if (t->name[i]->len == name->len && memcmp(t->name[i]->p, t->source + name->at, name->len) == 0) return i;
    if (!ROMA_GROW(&t->name, t->n_names, &t->cap_names)) {
        roma_template_refuse(p, name, ROMA_ENOMEM, "no memory for the template");
        return TM_NO_NAME;
    }
    t->name[t->n_names] = text_of(p, t->source + name->at, name->len);
    return p->rc ? TM_NO_NAME : t->n_names++;
}

/* ---- literals ---- */

static unsigned hex(tm_parser *p, const char *s, const char *end, unsigned n, uint32_t *out) {
    if (roma_hex_read(s, end, n, out) == n) return n;
    roma_template_refuse(p, p->tok, ROMA_EUNSUPPORTED, "an escape of this string is cut short");
    return 0;
}

/* One escape behind its backslash; returns how many bytes of it there are. */
static unsigned escape(tm_parser *p, const char *s, const char *end, char *out, size_t *n) {
    static const char from[] = "\\'\"abfnrtv", to[] = "\\'\"\a\b\f\n\r\t\v";
    const char *at = memchr(from, *s, sizeof from - 1);
    uint32_t c = 0;
    unsigned used = 1;
    if (at) {
        out[(*n)++] = to[at - from];
        return 1;
    }
    if (*s == '\n') return 1;
    if (*s == 'x' || *s == 'u' || *s == 'U') {
        used += hex(p, s + 1, end, *s == 'x' ? 2 : *s == 'u' ? 4 : 8, &c);
    } else if (*s >= '0' && *s <= '7') {
        for (c = (uint32_t)(*s - '0'); used < 3 && s + used < end && s[used] >= '0' && s[used] <= '7'; used++)
            c = 8 * c + (uint32_t)(s[used] - '0');
    } else {
        if (*s == 'N') roma_template_refuse(p, p->tok, ROMA_EUNSUPPORTED, "characters by name, \\N, are not supported");
        out[(*n)++] = '\\'; /* what is no escape stays as it is */
        return 0;
    }
    if (c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
        roma_template_refuse(p, p->tok, ROMA_EUNSUPPORTED, "an escape of this string is no character");
    else
        *n += roma_template_char_put(c, out + *n);
    return used;
}

/* Strings that follow one another are one. */
static tm_node *string(tm_parser *p) {
    tm_node *n = roma_template_node(p, TM_N_CONST, p->tok);
    size_t most = 0, len = 0;
    for (const tm_token *t = p->tok; t->kind == TM_T_STRING; t++) most += t->len;
    char *out = roma_template_take(&p->t->pool, most + 1);
    if (!out) roma_template_refuse(p, p->tok, ROMA_ENOMEM, "no memory for the template");
    for (; !p->rc && p->tok->kind == TM_T_STRING; advance(p)) {
        const char *s = p->t->source + p->tok->at + 1, *end = s + p->tok->len - 2;
        while (s < end && !p->rc) {
            if (*s != '\\')
                out[len++] = *s++;
            else if (++s < end)
                s += escape(p, s, end, out, &len);
        }
    }
    const tm_text *text = p->rc ? NULL : text_of(p, out, len);
    if (text) n->value = roma_template_text(text);
    return n;
}

static tm_node *number(tm_parser *p) {
    tm_node *n = roma_template_node(p, TM_N_CONST, p->tok);
    char digits[64];
    size_t len = 0;
    for (uint32_t i = 0; i < p->tok->len && len < sizeof digits - 1; i++) {
        const char c = p->t->source[p->tok->at + i];
        if (c != '_') digits[len++] = c;
    }
    digits[len] = 0;
    double r = 0;
    uint64_t i = 0;
    bool good = len < sizeof digits - 1;
    if (p->tok->kind == TM_T_REAL) {
        good = good && roma_real_read(digits, len, &r);
        n->value = roma_template_real(r);
    } else {
        for (size_t k = 0; k < len && good; k++)
            good = roma_mul(i, 10, &i) && roma_add(i, (uint64_t)(digits[k] - '0'), &i) && i <= INT64_MAX;
        if (len > 1 && digits[0] == '0' && i) good = false;
        n->value = roma_template_int((int64_t)(good ? i : 0));
    }
    if (!good) roma_template_refuse(p, p->tok, ROMA_EUNSUPPORTED, "this number is beyond what is supported");
    advance(p);
    return n;
}

static tm_node *constant(tm_parser *p, tm_value v) {
    tm_node *n = roma_template_node(p, TM_N_CONST, p->tok);
    n->value = v;
    advance(p);
    return n;
}

static tm_node *name(tm_parser *p) {
    static const struct {
        const char *name;
        uint8_t flag;
    } uses[] = {{"varargs", TM_USES_VARARGS}, {"kwargs", TM_USES_KWARGS}, {"caller", TM_USES_CALLER}};
    if (roma_template_is_name(p, "true") || roma_template_is_name(p, "True"))
        return constant(p, roma_template_bool(true));
    if (roma_template_is_name(p, "false") || roma_template_is_name(p, "False"))
        return constant(p, roma_template_bool(false));
    if (roma_template_is_name(p, "none") || roma_template_is_name(p, "None")) return constant(p, roma_template_none());
    for (size_t i = 0; i < sizeof uses / sizeof *uses; i++)
        if (roma_template_is_name(p, uses[i].name)) p->uses |= uses[i].flag;
    tm_node *n = roma_template_node(p, TM_N_NAME, p->tok);
    n->name = roma_template_intern(p, p->tok);
    advance(p);
    return n;
}

/* ---- brackets ---- */

/* Items up to a bracket, which is passed. */
static tm_node *items(tm_parser *p, unsigned close) {
    tm_node *first = NULL, **end = &first;
    while (!p->rc && !roma_template_is_op(p, close)) {
        if (first) roma_template_expect_op(p, ',');
        if (roma_template_is_op(p, close)) break;
        *end = roma_template_expression(p, true);
        end = &(*end)->next;
    }
    roma_template_expect_op(p, close);
    return first;
}

static tm_node *dict(tm_parser *p) {
    tm_node *n = roma_template_node(p, TM_N_DICT, p->tok), **end = &n->a;
    roma_template_expect_op(p, '{');
    while (!p->rc && !roma_template_is_op(p, '}')) {
        if (n->a) roma_template_expect_op(p, ',');
        if (roma_template_is_op(p, '}')) break;
        tm_node *pair = roma_template_node(p, TM_N_PAIR, p->tok);
        pair->a = roma_template_expression(p, true);
        roma_template_expect_op(p, ':');
        pair->b = roma_template_expression(p, true);
        *end = pair;
        end = &pair->next;
    }
    roma_template_expect_op(p, '}');
    return n;
}

static tm_node *primary(tm_parser *p) {
    const tm_token *t = p->tok;
    if (t->kind == TM_T_NAME) return name(p);
    if (t->kind == TM_T_STRING) return string(p);
    if (t->kind == TM_T_INT || t->kind == TM_T_REAL) return number(p);
    if (roma_template_is_op(p, '(')) {
        advance(p);
        tm_node *n = roma_template_tuple(p, true, true);
        roma_template_expect_op(p, ')');
        return n;
    }
    if (roma_template_is_op(p, '[')) {
        tm_node *n = roma_template_node(p, TM_N_LIST, t);
        advance(p);
        n->a = items(p, ']');
        return n;
    }
    if (roma_template_is_op(p, '{')) return dict(p);
    unexpected(p, "an expression");
    return roma_template_node(p, TM_N_CONST, t);
}

/* ---- what follows a primary ---- */

static tm_node *subscript(tm_parser *p, tm_node *of, const tm_token *at) {
    tm_node *n = roma_template_node(p, TM_N_ITEM, at);
    n->a = of;
    if (roma_template_is_op(p, ']'))
        roma_template_refuse(p, p->tok, ROMA_EUNSUPPORTED, "an empty subscript is not supported");
    if (!roma_template_is_op(p, ':')) n->b = roma_template_expression(p, true);
    if (roma_template_skip_op(p, ':')) {
        n->kind = TM_N_SLICE;
        if (!roma_template_is_op(p, ']') && !roma_template_is_op(p, ':')) n->c = roma_template_expression(p, true);
        if (roma_template_skip_op(p, ':') && !roma_template_is_op(p, ']')) n->d = roma_template_expression(p, true);
    }
    if (roma_template_is_op(p, ','))
        roma_template_refuse(p, p->tok, ROMA_EUNSUPPORTED, "several subscripts at once are not supported");
    roma_template_expect_op(p, ']');
    return n;
}

static tm_node *attribute(tm_parser *p, tm_node *of, const tm_token *at) {
    const tm_token *t = p->tok;
    tm_node *n = roma_template_node(p, t->kind == TM_T_INT ? TM_N_ITEM : TM_N_ATTR, at);
    n->a = of;
    if (t->kind == TM_T_INT) {
        n->b = number(p);
        return n;
    }
    if (t->kind != TM_T_NAME) unexpected(p, "an attribute's name");
    const uint32_t id = roma_template_intern(p, t);
    if (id != TM_NO_NAME) n->value = roma_template_text(p->t->name[id]);
    advance(p);
    return n;
}

/* Arguments in brackets: positions, then keywords. */
static tm_node *arguments(tm_parser *p) {
    tm_node *first = NULL, **end = &first;
    unsigned n = 0;
    bool named = false;
    roma_template_expect_op(p, '(');
    while (!p->rc && !roma_template_is_op(p, ')')) {
        if (first) roma_template_expect_op(p, ',');
        if (roma_template_is_op(p, ')')) break;
        if (roma_template_is_op(p, '*') || roma_template_is_op(p, TM_OP_POW))
            roma_template_refuse(p, p->tok, ROMA_EUNSUPPORTED,
                                 "arguments out of a list or dictionary are not supported");
        tm_node *a = roma_template_node(p, TM_N_ARG, p->tok);
        if (p->tok->kind == TM_T_NAME && p->tok[1].kind == TM_T_OP && p->tok[1].op == '=') {
            a->name = roma_template_intern(p, p->tok);
            advance(p);
            advance(p);
            named = true;
        } else if (named) {
            roma_template_refuse(p, p->tok, ROMA_EUNSUPPORTED, "an argument by position follows one by name");
        }
        if (++n > TM_ARGS_MAX)
            roma_template_refuse(p, p->tok, ROMA_EUNSUPPORTED, "more than %d arguments are not supported", TM_ARGS_MAX);
        a->a = roma_template_expression(p, true);
        *end = a;
        end = &a->next;
    }
    roma_template_expect_op(p, ')');
    return first;
}

static tm_node *call_of(tm_parser *p, tm_node *callee) {
    tm_node *n = roma_template_node(p, TM_N_CALL, p->tok);
    n->a = callee;
    n->b = arguments(p);
    return n;
}

static tm_node *postfix(tm_parser *p, tm_node *n) {
    for (unsigned k = 0; !p->rc; k++) {
        const tm_token *at = p->tok;
        if (k > DEPTH) roma_template_refuse(p, at, ROMA_EUNSUPPORTED, "more than %d attributes in a row", DEPTH);
        if (roma_template_skip_op(p, '.'))
            n = attribute(p, n, at);
        else if (roma_template_skip_op(p, '['))
            n = subscript(p, n, at);
        else if (roma_template_is_op(p, '('))
            n = call_of(p, n);
        else
            break;
    }
    return n;
}

/* The number of a filter or test of that name; one that nobody knows is an error where it would be reached. */
static unsigned number_of(tm_parser *p, const tm_token *at, const char *what, int (*find)(const char *, size_t)) {
    char shown[64];
    const char *s = p->t->source + at->at;
    if (p->rc) return 0;
    const int id = find(s, at->len);
    if (id >= 0) return (unsigned)id;
    if (id == -1 && p->soft) return TM_UNKNOWN;
    roma_error_name(shown, sizeof shown, s, at->len);
    roma_template_refuse(p, at, ROMA_EUNSUPPORTED, id == -1 ? "there is no %s '%s'" : "the %s '%s' is not supported",
                         what, shown);
    return 0;
}

tm_node *roma_template_filters(tm_parser *p, tm_node *subject, bool first_is_there) {
    for (unsigned k = 0; !p->rc && (first_is_there || roma_template_skip_op(p, '|')); first_is_there = false, k++) {
        const tm_token *at = roma_template_expect_name(p);
        if (k > DEPTH) roma_template_refuse(p, at, ROMA_EUNSUPPORTED, "more than %d filters in a row", DEPTH);
        tm_node *n = roma_template_node(p, TM_N_FILTER, at);
        n->op = (uint8_t)number_of(p, at, "filter", roma_template_filter_find);
        n->a = subject;
        if (roma_template_is_op(p, '(')) n->b = arguments(p);
        subject = n;
    }
    return subject;
}

static bool begins_argument(const tm_parser *p) {
    switch ((tm_token_kind)p->tok->kind) {
    case TM_T_NAME:
        return !roma_template_is_name(p, "else") && !roma_template_is_name(p, "or") && !roma_template_is_name(p, "and");
    case TM_T_STRING:
    case TM_T_INT:
    case TM_T_REAL: return true;
    case TM_T_OP: return p->tok->op == '(' || p->tok->op == '[' || p->tok->op == '{';
    case TM_T_DATA:
    case TM_T_BLOCK_BEGIN:
    case TM_T_BLOCK_END:
    case TM_T_PRINT_BEGIN:
    case TM_T_PRINT_END:
    case TM_T_END: break;
    }
    return false;
}

static tm_node *test(tm_parser *p, tm_node *subject) {
    const tm_token *is = p->tok;
    advance(p);
    const bool negated = roma_template_skip_name(p, "not");
    const tm_token *at = roma_template_expect_name(p);
    tm_node *n = roma_template_node(p, TM_N_TEST, at);
    n->op = (uint8_t)number_of(p, at, "test", roma_template_test_find);
    n->a = subject;
    if (roma_template_is_op(p, '(')) {
        n->b = arguments(p);
    } else if (begins_argument(p)) {
        if (roma_template_is_name(p, "is"))
            roma_template_refuse(p, p->tok, ROMA_EUNSUPPORTED, "tests in a row need brackets");
        n->b = roma_template_node(p, TM_N_ARG, p->tok);
        n->b->a = postfix(p, primary(p));
    }
    if (!negated) return n;
    tm_node *not = roma_template_node(p, TM_N_NOT, is);
    not ->a = n;
    return not ;
}

static tm_node *filters_and_tests(tm_parser *p, tm_node *n) {
    for (unsigned k = 0; !p->rc; k++) {
        if (k > DEPTH) roma_template_refuse(p, p->tok, ROMA_EUNSUPPORTED, "more than %d tests in a row", DEPTH);
        if (roma_template_is_op(p, '|'))
            n = roma_template_filters(p, n, false);
        else if (roma_template_is_name(p, "is"))
            n = test(p, n);
        else if (roma_template_is_op(p, '('))
            n = call_of(p, n);
        else
            break;
    }
    return n;
}

/* ---- operators ---- */

tm_node *roma_template_unary(tm_parser *p, bool with_filter) {
    const tm_token *at = p->tok;
    tm_node *n;
    if (++p->depth > DEPTH) roma_template_refuse(p, at, ROMA_EUNSUPPORTED, "expressions nest more than %d deep", DEPTH);
    if (roma_template_skip_op(p, '-') || roma_template_skip_op(p, '+')) {
        n = roma_template_node(p, at->op == '-' ? TM_N_NEG : TM_N_POS, at);
        n->a = roma_template_unary(p, false);
    } else {
        n = primary(p);
    }
    n = postfix(p, n);
    if (with_filter) n = filters_and_tests(p, n);
    p->depth--;
    return n;
}

/* Operators of one level, to the left; a long row of them is refused, since it would nest as deep. */
static tm_node *binary(tm_parser *p, tm_node *(*next)(tm_parser *), const char *ops) {
    tm_node *n = next(p);
    for (unsigned k = 0; !p->rc && p->tok->kind == TM_T_OP && strchr(ops, p->tok->op); k++) {
        const tm_token *at = p->tok;
        if (k > DEPTH) roma_template_refuse(p, at, ROMA_EUNSUPPORTED, "more than %d operators in a row", DEPTH);
        tm_node *both = roma_template_node(p, TM_N_ARITH, at);
        both->op = at->op;
        both->a = n;
        advance(p);
        both->b = next(p);
        n = both;
    }
    return n;
}

static tm_node *unary(tm_parser *p) { return roma_template_unary(p, true); }
static tm_node *power(tm_parser *p) { return binary(p, unary, (const char[]){(char)TM_OP_POW, 0}); }
static tm_node *product(tm_parser *p) {
    return binary(p, power, (const char[]){'*', '/', '%', (char)TM_OP_FLOORDIV, 0});
}

static tm_node *joined(tm_parser *p) {
    const tm_token *at = p->tok;
    tm_node *n = product(p);
    if (!roma_template_is_op(p, '~')) return n;
    tm_node *all = roma_template_node(p, TM_N_JOIN, at);
    all->a = n;
    while (!p->rc && roma_template_skip_op(p, '~')) {
        n->next = product(p);
        n = n->next;
    }
    return all;
}

static tm_node *sum(tm_parser *p) { return binary(p, joined, "+-"); }

/* The comparison that begins here, or 0; passes it. */
static unsigned comparison(tm_parser *p) {
    const tm_token *t = p->tok;
    if (t->kind == TM_T_OP && (t->op == '<' || t->op == '>' || (t->op >= TM_OP_EQ && t->op <= TM_OP_LE))) {
        advance(p);
        return t->op;
    }
    if (roma_template_skip_name(p, "in")) return TM_OP_IN;
    if (roma_template_is_name(p, "not") && t + 1 < p->last && t[1].kind == TM_T_NAME && t[1].len == 2 &&
        memcmp(p->t->source + t[1].at, "in", 2) == 0) {
        advance(p);
        advance(p);
        return TM_OP_NOT_IN;
    }
    return 0;
}

static tm_node *compared(tm_parser *p) {
    const tm_token *at = p->tok;
    tm_node *n = sum(p), *first = NULL, **end = &first;
    for (unsigned op; !p->rc && (op = comparison(p)) != 0;) {
        tm_node *o = roma_template_node(p, TM_N_OPERAND, p->tok);
        o->op = (uint8_t)op;
        o->a = sum(p);
        *end = o;
        end = &o->next;
    }
    if (!first) return n;
    tm_node *all = roma_template_node(p, TM_N_COMPARE, at);
    all->a = n;
    all->b = first;
    return all;
}

static tm_node *negated(tm_parser *p) {
    const tm_token *at = p->tok;
    if (!roma_template_skip_name(p, "not")) return compared(p);
    tm_node *n = roma_template_node(p, TM_N_NOT, at);
    if (++p->depth > DEPTH) roma_template_refuse(p, at, ROMA_EUNSUPPORTED, "expressions nest more than %d deep", DEPTH);
    n->a = negated(p);
    p->depth--;
    return n;
}

static tm_node *logical(tm_parser *p, tm_node *(*next)(tm_parser *), const char *word, tm_node_kind kind) {
    tm_node *n = next(p);
    for (unsigned k = 0; !p->rc && roma_template_is_name(p, word); k++) {
        if (k > DEPTH) roma_template_refuse(p, p->tok, ROMA_EUNSUPPORTED, "more than %d conditions in a row", DEPTH);
        tm_node *both = roma_template_node(p, kind, p->tok);
        advance(p);
        both->a = n;
        both->b = next(p);
        n = both;
    }
    return n;
}

static tm_node *all_of(tm_parser *p) { return logical(p, negated, "and", TM_N_AND); }
static tm_node *any_of(tm_parser *p) { return logical(p, all_of, "or", TM_N_OR); }

tm_node *roma_template_expression(tm_parser *p, bool with_if) {
    const tm_token *begin = p->tok;
    if (!with_if) return any_of(p);
    if (++p->depth > DEPTH)
        roma_template_refuse(p, begin, ROMA_EUNSUPPORTED, "expressions nest more than %d deep", DEPTH);
    /* Whether a condition follows is not known yet: what it guards may name a filter that is never reached. */
    tm_node *n;
    const tm_token *start = p->tok;
    p->soft++;
    n = any_of(p);
    p->soft--;
    if (!roma_template_is_name(p, "if") && !p->rc && !p->soft) { /* no condition: names must be known */
        p->tok = start;
        n = any_of(p);
    }
    for (unsigned k = 0; !p->rc && roma_template_is_name(p, "if"); k++) {
        if (k > DEPTH) roma_template_refuse(p, p->tok, ROMA_EUNSUPPORTED, "more than %d conditions in a row", DEPTH);
        tm_node *choice = roma_template_node(p, TM_N_IFELSE, p->tok);
        advance(p);
        choice->b = n;
        choice->a = any_of(p);
        if (roma_template_skip_name(p, "else")) {
            p->soft++;
            choice->c = roma_template_expression(p, true);
            p->soft--;
        }
        n = choice;
    }
    p->depth--;
    return n;
}

/* What ends a tuple without brackets. */
static bool ends_tuple(const tm_parser *p) {
    return p->tok->kind == TM_T_PRINT_END || p->tok->kind == TM_T_BLOCK_END || p->tok->kind == TM_T_END ||
           roma_template_is_op(p, ')') || roma_template_is_name(p, "recursive");
}

tm_node *roma_template_tuple(tm_parser *p, bool with_if, bool brackets) {
    const tm_token *at = p->tok;
    tm_node *first = NULL, **end = &first;
    bool is_tuple = false;
    while (!p->rc) {
        if (first) roma_template_expect_op(p, ',');
        if (ends_tuple(p)) break;
        *end = roma_template_expression(p, with_if);
        end = &(*end)->next;
        if (!roma_template_is_op(p, ',')) break;
        is_tuple = true;
    }
    if (!is_tuple && first) return first;
    if (!first && !brackets) unexpected(p, "an expression");
    tm_node *n = roma_template_node(p, TM_N_TUPLE, at);
    n->a = first;
    return n;
}

tm_node *roma_template_target(tm_parser *p, bool with_space) {
    const tm_token *at = p->tok;
    if (with_space && at->kind == TM_T_NAME && at[1].kind == TM_T_OP && at[1].op == '.') {
        tm_node *n = roma_template_node(p, TM_N_NSREF, at);
        n->name = roma_template_intern(p, at);
        advance(p);
        advance(p);
        const tm_token *attr = roma_template_expect_name(p);
        const uint32_t id = roma_template_intern(p, attr);
        if (id != TM_NO_NAME) n->value = roma_template_text(p->t->name[id]);
        return n;
    }
    tm_node *first = NULL, **end = &first;
    bool is_tuple = false;
    while (!p->rc) {
        tm_node *n;
        if (++p->depth > DEPTH)
            roma_template_refuse(p, p->tok, ROMA_EUNSUPPORTED, "names nest more than %d deep", DEPTH);
        if (roma_template_skip_op(p, '(')) {
            n = roma_template_target(p, false);
            roma_template_expect_op(p, ')');
        } else {
            if (p->tok->kind != TM_T_NAME) unexpected(p, "a name");
            n = p->rc ? roma_template_node(p, TM_N_NAME, at) : name(p);
            if (!p->rc && n->kind != TM_N_NAME)
                roma_template_refuse(p, at, ROMA_EUNSUPPORTED, "a constant cannot be set");
        }
        p->depth--;
        *end = n;
        end = &n->next;
        if (!roma_template_skip_op(p, ',')) break;
        is_tuple = true;
        if (p->tok->kind != TM_T_NAME && !roma_template_is_op(p, '(')) break;
        if (roma_template_is_name(p, "in")) break;
    }
    if (!is_tuple && first) return first;
    tm_node *n = roma_template_node(p, TM_N_TUPLE, at);
    n->a = first;
    return n;
}
