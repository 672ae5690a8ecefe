/* Source text to tokens, as jinja2's lexer has them with trim_blocks and lstrip_blocks: white space around a tag goes
 * by the tag's own signs, then a line end behind a block and blanks before one. */
#include <string.h>
#include "template/internal.h"

typedef struct {
    const roma_template *t;
    tm_tokens *out;
    roma_error *err;
    const char *s;
    size_t len, at;
    bool line_starts; /* what was read last ended a line */
    int rc;
} lexer;

/* ---- errors ---- */

int roma_template_fail(const roma_template *t, int code, size_t at, roma_error *err, const char *fmt, ...) {
    char text[400];
    uint64_t line, column;
    roma_position(t->source, at < t->len ? at : t->len, &line, &column);
    ROMA_PRINT_ARGS(text, fmt);
    return roma_fail_line(err, code, t->file, line, "column %llu: %s", (unsigned long long)column, text);
}

static void refuse(lexer *x, size_t at, const char *what) {
    if (!x->rc) x->rc = roma_template_fail(x->t, ROMA_EUNSUPPORTED, at, x->err, "%s", what);
}

static void emit(lexer *x, tm_token_kind kind, unsigned op, size_t at, size_t len) {
    tm_tokens *o = x->out;
    if (x->rc) return;
    if (!ROMA_GROW(&o->v, o->n, &o->cap)) {
        x->rc = roma_fail(x->err, ROMA_ENOMEM, x->t->file, ROMA_NOWHERE, "no memory for the template");
        return;
    }
    o->v[o->n++] = (tm_token){.kind = (uint8_t)kind, .op = (uint8_t)op, .at = (uint32_t)at, .len = (uint32_t)len};
}

/* ---- characters ---- */

static bool has(const lexer *x, size_t at, const char *what) {
    const size_t n = strlen(what);
    return x->len - at >= n && memcmp(x->s + at, what, n) == 0;
}

static size_t past_space(const lexer *x, size_t at) {
    unsigned n;
    while (at < x->len && roma_template_space(roma_template_char(x->s + at, x->len - at, &n))) at += n;
    return at;
}

/* End of [from, to) without white space at its end. */
static size_t before_space(const lexer *x, size_t from, size_t to) {
    size_t last = from;
    for (size_t i = from; i < to;) {
        unsigned n;
        const uint32_t c = roma_template_char(x->s + i, to - i, &n);
        i += n;
        if (!roma_template_space(c)) last = i;
    }
    return last;
}

/* ---- data and its end ---- */

/* Text before a tag whose sign is given; block: not a print. */
static void data(lexer *x, size_t from, size_t to, char sign, bool block) {
    if (sign == '-') {
        to = before_space(x, from, to);
    } else if (sign != '+' && block) {
        size_t line = to;
        while (line > from && x->s[line - 1] != '\n') line--;
        if ((line > from || x->line_starts) && before_space(x, line, to) == line) to = line;
    }
    if (to > from) emit(x, TM_T_DATA, 0, from, to - from);
}

/* Behind a tag's end at `at`, of which the sign and two characters were read. */
static size_t after_end(lexer *x, size_t at, char sign, bool trims) {
    if (sign == '-')
        at = past_space(x, at);
    else if (trims && sign != '+' && at < x->len && x->s[at] == '\n')
        at++;
    x->line_starts = x->s[at - 1] == '\n';
    return at;
}

static char sign_at(const lexer *x, size_t at) {
    return at < x->len && (x->s[at] == '-' || x->s[at] == '+') ? x->s[at] : 0;
}

/* `{%- name %}` at `at`: its end's place and signs. A raw tag keeps the line end behind it, as jinja2 has it. */
static bool word_tag(const lexer *x, size_t at, const char *name, char *sign, char *end_sign, size_t *end) {
    if (!has(x, at, "{%")) return false;
    *sign = sign_at(x, at + 2);
    size_t p = past_space(x, at + 2 + (*sign != 0));
    if (!has(x, p, name)) return false;
    p = past_space(x, p + strlen(name));
    *end_sign = sign_at(x, p);
    if (*end_sign) p++;
    if (!has(x, p, "%}")) return false;
    *end = p + 2;
    return true;
}

/* What stands between raw tags is data. */
static bool raw(lexer *x, size_t from) {
    char sign, end_sign;
    size_t end;
    if (!word_tag(x, x->at, "raw", &sign, &end_sign, &end) || end_sign == '+') return false;
    const size_t tag = x->at;
    data(x, from, tag, sign, true);
    x->at = after_end(x, end, end_sign, false);
    for (size_t p = x->at; p + 1 < x->len; p++)
        if (word_tag(x, p, "endraw", &sign, &end_sign, &end)) {
            data(x, x->at, p, sign, true);
            x->at = after_end(x, end, end_sign, true);
            return true;
        }
    refuse(x, tag, "this raw block has no end");
    return true;
}

static void comment(lexer *x, size_t from) {
    const size_t tag = x->at;
    const char sign = sign_at(x, tag + 2);
    data(x, from, tag, sign, true);
    const size_t begin = tag + 2 + (sign != 0);
    const char *p = begin < x->len ? memmem(x->s + begin, x->len - begin, "#}", 2) : NULL;
    if (!p) {
        refuse(x, tag, "this comment has no end");
        return;
    }
    const size_t end = (size_t)(p - x->s);
    x->at = after_end(x, end + 2, end > begin ? sign_at(x, end - 1) : 0, true);
}

/* ---- inside a tag ---- */

static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

/* Digits with single underscores between them. */
static size_t digits(const lexer *x, size_t at) {
    if (at >= x->len || !is_digit(x->s[at])) return at;
    while (at < x->len && (is_digit(x->s[at]) || (x->s[at] == '_' && at + 1 < x->len && is_digit(x->s[at + 1])))) at++;
    return at;
}

static size_t number(lexer *x, size_t at) {
    size_t end = digits(x, at), p = end;
    bool real = false;
    /* a digit after the point of an attribute is that attribute: x.0.1 */
    if (at && x->s[at - 1] == '.') {
        emit(x, TM_T_INT, 0, at, end - at);
        return end;
    }
    if (p < x->len && x->s[p] == '.' && digits(x, p + 1) > p + 1) {
        p = digits(x, p + 1);
        end = p;
        real = true;
    }
    if (p < x->len && (x->s[p] == 'e' || x->s[p] == 'E')) {
        size_t q = p + 1;
        if (sign_at(x, q)) q++;
        if (digits(x, q) > q) {
            end = digits(x, q);
            real = true;
        }
    }
    if (!real && x->s[at] == '0' && end < x->len && memchr("xXoObB", x->s[end], 6))
        refuse(x, at, "numbers other than decimal ones are not supported");
    emit(x, real ? TM_T_REAL : TM_T_INT, 0, at, end - at);
    return end;
}

static size_t string(lexer *x, size_t at) {
    size_t p = at + 1;
    while (p < x->len && x->s[p] != x->s[at]) p += x->s[p] == '\\' ? 2 : 1;
    if (p >= x->len) {
        refuse(x, at, "this string has no end");
        return x->len;
    }
    emit(x, TM_T_STRING, 0, at, p + 1 - at);
    return p + 1;
}

static size_t op(lexer *x, size_t at) {
    static const struct {
        char text[3];
        uint8_t op;
    } two[] = {{"==", TM_OP_EQ}, {"!=", TM_OP_NE},       {">=", TM_OP_GE},
               {"<=", TM_OP_LE}, {"//", TM_OP_FLOORDIV}, {"**", TM_OP_POW}};
    for (size_t i = 0; i < sizeof two / sizeof *two; i++)
        if (has(x, at, two[i].text)) {
            emit(x, TM_T_OP, two[i].op, at, 2);
            return at + 2;
        }
    if (!memchr("+-/*%~[](){}><=.:|,;", x->s[at], 20)) refuse(x, at, "this character has no place here");
    emit(x, TM_T_OP, (uint8_t)x->s[at], at, 1);
    return at + 1;
}

static size_t name(lexer *x, size_t at) {
    size_t p = at;
    while (p < x->len && (is_letter(x->s[p]) || is_digit(x->s[p]))) p++;
    emit(x, TM_T_NAME, 0, at, p - at);
    return p;
}

/* Brackets hide a tag's end: {{ {'a': {}} }}. */
typedef struct {
    char open[256];
    unsigned n;
} brackets;

static void balance(lexer *x, brackets *b, size_t at) {
    const char c = x->s[at];
    const char *pair = c ? strchr("([{", c) : NULL;
    if (pair) {
        if (b->n == sizeof b->open)
            refuse(x, at, "brackets nest more than 256 deep");
        else
            b->open[b->n++] = (char)(c == '(' ? ')' : c + 2);
    } else if (c == ')' || c == ']' || c == '}') {
        if (!b->n || b->open[--b->n] != c) refuse(x, at, "this bracket closes none that is open");
    }
}

/* From behind a tag's begin to behind its end. */
static void tag(lexer *x, const char *end, tm_token_kind kind) {
    brackets open = {.n = 0};
    const size_t begin = x->at;
    while (!x->rc && x->at < x->len) {
        const char c = x->s[x->at], sign = sign_at(x, x->at);
        const bool signs = sign == '-' || (sign == '+' && kind == TM_T_BLOCK_END);
        if (!open.n && has(x, x->at + signs, end)) {
            emit(x, kind, 0, x->at, 2u + signs);
            x->at = after_end(x, x->at + signs + 2, signs ? sign : 0, kind == TM_T_BLOCK_END);
            return;
        }
        const size_t space = past_space(x, x->at);
        if (space > x->at) {
            x->at = space;
        } else if (is_digit(c)) {
            x->at = number(x, x->at);
        } else if (is_letter(c)) {
            x->at = name(x, x->at);
        } else if (c == '\'' || c == '"') {
            x->at = string(x, x->at);
        } else {
            balance(x, &open, x->at);
            x->at = op(x, x->at);
        }
    }
    refuse(x, begin - 2, "this tag has no end");
}

/* ---- the whole ---- */

static void root(lexer *x) {
    const size_t from = x->at;
    while (x->at < x->len && !(x->s[x->at] == '{' && x->at + 1 < x->len && memchr("%{#", x->s[x->at + 1], 3))) x->at++;
    if (x->at == x->len) {
        if (x->len > from) emit(x, TM_T_DATA, 0, from, x->len - from);
        return;
    }
    const size_t at = x->at;
    const char kind = x->s[at + 1];
    if (kind == '#') {
        comment(x, from);
        return;
    }
    if (kind == '%' && raw(x, from)) return;
    const char sign = sign_at(x, at + 2);
    data(x, from, at, sign, kind == '%');
    x->at = at + 2 + (sign != 0);
    emit(x, kind == '%' ? TM_T_BLOCK_BEGIN : TM_T_PRINT_BEGIN, 0, at, x->at - at);
    tag(x, kind == '%' ? "%}" : "}}", kind == '%' ? TM_T_BLOCK_END : TM_T_PRINT_END);
}

int roma_template_lex(const roma_template *t, tm_tokens *out, roma_error *err) {
    lexer x = {.t = t, .out = out, .err = err, .s = t->source, .len = t->len, .line_starts = true};
    while (!x.rc && x.at < x.len) root(&x);
    emit(&x, TM_T_END, 0, x.len, 0);
    return x.rc;
}
