/* Patterns of PEFT: regular expressions as Python's re reads them, as far as they are an automaton's. A pattern becomes
 * a program of a few hundred states, and a name is read once, letter by letter, with the set of states it may be in:
 * the time is letters times states, whatever the pattern is. Jumps are relative, so that a repeated part is a copy. */
#include <string.h>
#include "pattern.h"

enum { OP_CHAR, OP_SPLIT, OP_JUMP, OP_BEGIN, OP_END, OP_MATCH };
enum { DEPTH_MAX = 32 };

typedef struct {
    import_pattern *p;
    const char *at, *end;
    const char *why; /* NULL: all is well */
    unsigned depth;
} parser;

static bool fail(parser *r, const char *why) {
    if (!r->why) r->why = why;
    return false;
}

/* ---- the program ---- */

static bool emit(parser *r, uint8_t op, uint8_t set, int jump) {
    import_pattern *p = r->p;
    if (p->n == PATTERN_CODE_MAX) return fail(r, "it needs more states than 256");
    p->code[p->n++] = (pattern_op){op, set, (int16_t)jump};
    return true;
}

/* Room for one operation before what stands from `at` on. */
static bool insert(parser *r, unsigned at, uint8_t op, int jump) {
    import_pattern *p = r->p;
    if (!emit(r, op, 0, jump)) return false;
    memmove(&p->code[at + 1], &p->code[at], (p->n - 1 - at) * sizeof *p->code);
    p->code[at] = (pattern_op){op, 0, (int16_t)jump};
    return true;
}

/* A state for letters; those that a program has already are one set. */
static bool emit_set(parser *r, const uint8_t set[16]) {
    import_pattern *p = r->p;
    unsigned i = 0;
    if (p->states++ == PATTERN_STATES_MAX) return fail(r, "it needs more states than 256");
    while (i < p->n_sets && memcmp(p->set[i], set, 16) != 0) i++;
    if (i == p->n_sets) memcpy(p->set[p->n_sets++], set, 16);
    return emit(r, OP_CHAR, (uint8_t)i, 0);
}

/* Another copy of code[from, to) at the end. */
static bool copy(parser *r, unsigned from, unsigned to) {
    for (unsigned i = from; i < to; i++) {
        const pattern_op o = r->p->code[i];
        if (o.op == OP_CHAR && r->p->states++ == PATTERN_STATES_MAX) return fail(r, "it needs more states than 256");
        if (!emit(r, o.op, o.set, o.jump)) return false;
    }
    return true;
}

/* ---- sets of letters ---- */

static void put(uint8_t set[16], unsigned c) { set[c / 8] |= (uint8_t)(1u << c % 8); }
static bool has(const uint8_t set[16], unsigned c) { return set[c / 8] >> c % 8 & 1; }

static void put_range(uint8_t set[16], unsigned from, unsigned to) {
    for (unsigned c = from; c <= to; c++) put(set, c);
}

static void invert(uint8_t set[16]) {
    for (unsigned i = 0; i < 16; i++) set[i] = (uint8_t)~set[i];
}

/* \d \w \s and their opposites. */
static bool put_class(uint8_t set[16], char c) {
    uint8_t own[16] = {0};
    switch (c | 32) {
    case 'd': put_range(own, '0', '9'); break;
    case 'w':
        put_range(own, '0', '9'), put_range(own, 'A', 'Z'), put_range(own, 'a', 'z');
        put(own, '_');
        break;
    case 's': put_range(own, 9, 13), put_range(own, 28, 32); break;
    default: return false;
    }
    if (!(c & 32)) invert(own);
    for (unsigned i = 0; i < 16; i++) set[i] |= own[i];
    return true;
}

static bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* What stands behind a backslash and is one letter: a mark, or one of a few controls. */
static bool escaped(parser *r, unsigned *c) {
    static const char names[] = "afnrtv", values[] = "\a\f\n\r\t\v";
    const char *known = strchr(names, *r->at);
    if (is_digit(*r->at)) return fail(r, "a back-reference or a number of a character, which is not supported");
    if (is_letter(*r->at) && !known) return fail(r, "an escape of a letter that is not supported");
    *c = (unsigned)(unsigned char)(known ? values[known - names] : *r->at);
    r->at++;
    return true;
}

/* One end of a range in brackets; *is_class: a class stands there, which was put into the set. */
static bool member(parser *r, uint8_t set[16], unsigned *c, bool *is_class) {
    *is_class = false;
    if (r->at == r->end) return fail(r, "a bracket is not closed");
    *c = (unsigned)(unsigned char)*r->at++;
    if (*c == '[' && r->at < r->end && *r->at == ':') return fail(r, "a class in brackets within brackets");
    if (*c != '\\') return true;
    if (r->at == r->end) return fail(r, "a backslash at its end");
    *is_class = put_class(set, *r->at);
    if (!*is_class) return escaped(r, c);
    r->at++;
    return true;
}

static bool brackets(parser *r) {
    uint8_t set[16] = {0};
    const bool inverted = r->at < r->end && *r->at == '^';
    r->at += inverted;
    for (bool first = true; r->at == r->end || *r->at != ']' || first; first = false) {
        unsigned from, to;
        bool is_class;
        if (!member(r, set, &from, &is_class)) return false;
        const bool is_range = r->end - r->at >= 2 && r->at[0] == '-' && r->at[1] != ']';
        if (is_range && is_class) return fail(r, "a class as the end of a range");
        if (is_class) continue;
        to = from;
        if (is_range) {
            r->at++;
            if (!member(r, set, &to, &is_class)) return false;
            if (is_class) return fail(r, "a class as the end of a range");
        }
        if (to < from) return fail(r, "a range that ends before it begins");
        put_range(set, from, to);
    }
    r->at++;
    if (inverted) invert(set);
    return emit_set(r, set);
}

/* ---- parts ---- */

static bool alternatives(parser *r);

/* Behind "(?": a group without a number, or with a name; anything else is no automaton's. */
static bool group_kind(parser *r) {
    if (r->at == r->end || *r->at != '?') return true;
    r->at++;
    const size_t left = (size_t)(r->end - r->at);
    if (left && *r->at == ':') return r->at++, true;
    if (left > 2 && memcmp(r->at, "P<", 2) == 0) {
        const char *close = memchr(r->at, '>', left), *name = r->at + 2;
        bool good = close && close > name && !is_digit(*name);
        for (const char *c = name; good && c < close; c++) good = is_letter(*c) || is_digit(*c) || *c == '_';
        if (!good) return fail(r, "a group's name that is none");
        r->at = close + 1;
        return true;
    }
    if (left > 1 && memcmp(r->at, "P=", 2) == 0) return fail(r, "a back-reference, which is not supported");
    if (left && strchr("=!", *r->at)) return fail(r, "look-ahead, which is not supported");
    if (left > 1 && *r->at == '<') return fail(r, "look-behind, which is not supported");
    return fail(r, "an extension '(?', which is not supported");
}

static bool group(parser *r) {
    if (++r->depth > DEPTH_MAX) return fail(r, "groups deeper than 32");
    if (!group_kind(r) || !alternatives(r)) return false;
    if (r->at == r->end) return fail(r, "a group is not closed");
    r->at++; /* ) */
    r->depth--;
    return true;
}

/* *anchor: what was read matches a place and may not be repeated. */
static bool atom(parser *r, bool *anchor) {
    uint8_t set[16] = {0};
    unsigned c = (unsigned)(unsigned char)*r->at++;
    *anchor = c == '^' || c == '$';
    switch (c) {
    case '(': return group(r);
    case '[': return brackets(r);
    case '^': return emit(r, OP_BEGIN, 0, 0);
    case '$': return emit(r, OP_END, 0, 0);
    case '.':
        put_range(set, 0, 127);
        set['\n' / 8] &= (uint8_t) ~(1u << '\n' % 8);
        return emit_set(r, set);
    case '*':
    case '+':
    case '?': return fail(r, "nothing stands before a repetition");
    case '\\':
        if (r->at == r->end) return fail(r, "a backslash at its end");
        *anchor = *r->at == 'A' || *r->at == 'Z';
        if (*anchor) return emit(r, *r->at++ == 'A' ? OP_BEGIN : OP_END, 0, 0);
        if (put_class(set, *r->at)) return r->at++, emit_set(r, set);
        if (!escaped(r, &c)) return false;
        break;
    default: break;
    }
    put(set, c);
    return emit_set(r, set);
}

static bool number(parser *r, unsigned *out) {
    const char *from = r->at;
    for (*out = 0; r->at < r->end && is_digit(*r->at); r->at++)
        if (*out <= PATTERN_STATES_MAX) *out = *out * 10 + (unsigned)(*r->at - '0');
    return r->at > from;
}

/* {m}, {m,}, {,n}, {m,n}; any other brace is a letter, as in Python. */
static bool braces(parser *r, unsigned *least, unsigned *most) {
    const char *from = r->at++;
    const bool has_least = number(r, least), comma = r->at < r->end && *r->at == ',';
    *most = *least;
    r->at += comma;
    if (comma && !number(r, most)) *most = UINT32_MAX;
    if ((has_least || comma) && r->at < r->end && *r->at == '}') return r->at++, true;
    r->at = from;
    return false;
}

/* Code from `at` on becomes itself least to most times. */
static bool repeat(parser *r, unsigned at, unsigned least, unsigned most) {
    import_pattern *p = r->p;
    const unsigned end = p->n, len = end - at;
    if (most < least) return fail(r, "a repetition whose most is less than its least");
    if (!len) return true;
    if (least > PATTERN_STATES_MAX || (most != UINT32_MAX && most > PATTERN_STATES_MAX))
        return fail(r, "it needs more states than 256");
    if (!most) { /* none at all: its states stay, and are passed over */
        return insert(r, at, OP_JUMP, (int)len + 1);
    }
    for (unsigned i = 1; i < least; i++)
        if (!copy(r, at, at + len)) return false;
    if (most == UINT32_MAX && least) return emit(r, OP_SPLIT, 0, -(int)len);
    unsigned from = least ? p->n : at; /* of the first part that may be missing */
    if (most == UINT32_MAX) return insert(r, at, OP_SPLIT, (int)len + 2) && emit(r, OP_JUMP, 0, -(int)len - 1);
    for (unsigned i = least ? least : 1; i < most; i++)
        if (!copy(r, at, at + len)) return false;
    const unsigned optional = most - least;
    for (unsigned i = 0; i < optional; i++) /* from the last to the first, so that none that follows moves */
        if (!insert(r, from + (optional - 1 - i) * len, OP_SPLIT, (int)((i + 1) * (len + 1)))) return false;
    return true;
}

static bool repetition(parser *r, unsigned at, bool anchor) {
    unsigned least = 0, most = UINT32_MAX;
    if (r->at == r->end || !*r->at || !strchr("*+?{", *r->at)) return true;
    switch (*r->at) {
    case '{':
        if (!braces(r, &least, &most)) return true;
        break;
    case '+': least = 1, r->at++; break;
    case '?': most = 1, r->at++; break;
    default: r->at++; break;
    }
    if (anchor) return fail(r, "an anchor is repeated");
    if (r->at < r->end && *r->at == '?')
        r->at++; /* the shortest first: the same names */
    else if (r->at < r->end && *r->at == '+')
        return fail(r, "a possessive repetition, which is not supported");
    if (!repeat(r, at, least, most)) return false;
    const char *next = r->at;
    if (next < r->end && *next && strchr("*+?", *next)) return fail(r, "a repetition is repeated");
    if (next < r->end && *next == '{' && braces(r, &least, &most)) return fail(r, "a repetition is repeated");
    return true;
}

static bool sequence(parser *r) {
    while (r->at < r->end && *r->at != '|' && *r->at != ')') {
        const unsigned at = r->p->n;
        bool anchor;
        if (!atom(r, &anchor) || !repetition(r, at, anchor)) return false;
    }
    return true;
}

static bool alternatives(parser *r) {
    unsigned at = r->p->n;
    if (!sequence(r)) return false;
    while (r->at < r->end && *r->at == '|') {
        r->at++;
        if (!insert(r, at, OP_SPLIT, (int)(r->p->n - at) + 2) || !emit(r, OP_JUMP, 0, 0)) return false;
        const unsigned jump = r->p->n - 1;
        if (!sequence(r)) return false;
        r->p->code[jump].jump = (int16_t)(r->p->n - jump);
    }
    return true;
}

const char *roma_import_pattern_read(import_pattern *p, const char *text, size_t len, bool ends) {
    static const char prefix[] = "(?:.*\\.)?";
    parser r = {.p = p};
    *p = (import_pattern){0};
    if (len > PATTERN_BYTES_MAX) return "longer than 1 KiB";
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)text[i] >= 128 || !text[i]) return "letters beyond ASCII";
    if (ends) {
        r.at = prefix, r.end = prefix + sizeof prefix - 1;
        (void)alternatives(&r);
    }
    r.at = text, r.end = text + len;
    if (alternatives(&r) && r.at < r.end) (void)fail(&r, "a group is closed that was not opened");
    if (!r.why && emit(&r, OP_END, 0, 0)) (void)emit(&r, OP_MATCH, 0, 0);
    return r.why;
}

/* ---- matching ---- */

typedef struct {
    uint16_t at[PATTERN_CODE_MAX];
    unsigned n;
    uint8_t seen[PATTERN_CODE_MAX];
} states;

/* State `from` and all that it reaches without a letter. */
static void reach(const import_pattern *p, states *s, unsigned from, bool begin, bool end) {
    uint16_t stack[PATTERN_CODE_MAX];
    unsigned n = 0;
    if (!s->seen[from]) stack[n++] = (uint16_t)from, s->seen[from] = 1;
    while (n) {
        const unsigned i = stack[--n];
        const pattern_op o = p->code[i];
        unsigned to[2], k = 0;
        if (o.op == OP_SPLIT) to[k++] = i + 1;
        if (o.op == OP_SPLIT || o.op == OP_JUMP) to[k++] = (unsigned)((int)i + o.jump);
        if ((o.op == OP_BEGIN && begin) || (o.op == OP_END && end)) to[k++] = i + 1;
        if (o.op == OP_CHAR || o.op == OP_MATCH) s->at[s->n++] = (uint16_t)i;
        for (; k; k--)
            if (!s->seen[to[k - 1]]) stack[n++] = (uint16_t)to[k - 1], s->seen[to[k - 1]] = 1;
    }
}

bool roma_import_pattern_matches(const import_pattern *p, const char *name) {
    states now = {.n = 0}, then;
    const size_t len = strlen(name);
    reach(p, &now, 0, true, !len);
    for (size_t i = 0; i < len && now.n; i++) {
        const unsigned c = (unsigned char)name[i];
        then.n = 0;
        memset(then.seen, 0, sizeof then.seen);
        for (unsigned k = 0; k < now.n; k++) {
            const pattern_op o = p->code[now.at[k]];
            if (o.op == OP_CHAR && c < 128 && has(p->set[o.set], c))
                reach(p, &then, now.at[k] + 1u, false, i + 1 == len);
        }
        now = then;
    }
    for (unsigned k = 0; k < now.n; k++)
        if (p->code[now.at[k]].op == OP_MATCH) return true;
    return false;
}
