/* GBNF, the notation of llama.cpp (docs/constrain.md says what of it), read in one pass: a rule's code is written as
 * its text goes by, groups that are open are a stack. */
#include "constrain/internal.h"

#include <string.h>

enum { GROUPS_MAX = 64 };

typedef struct {
    uint32_t begin; /* of its code */
    uint32_t slot;  /* of the alternative that is open: becomes a split when another one follows */
    uint32_t jumps; /* instruction + 1 of the last jump to the end, which names the one before */
    const char *at; /* its bracket */
} group;

typedef struct {
    code_build *b;
    const char *p, *end;
    group open[GROUPS_MAX];
    uint32_t depth;
    uint32_t *ends; /* of a class that is read: ranges */
    size_t n_ends, cap_ends;
} reader;

/* ---- places ---- */

/* Tells the build where the reader is. */
static void here(reader *r) { r->b->at = (size_t)(r->p - r->b->text); }

static bool bad_at(reader *r, const char *at, int code, const char *what) {
    r->b->at = (size_t)(at - r->b->text);
    roma_constrain_fail(r->b, code, what);
    return false;
}
static bool bad(reader *r, int code, const char *what) { return bad_at(r, r->p, code, what); }
static bool wrong(reader *r, const char *what) { return bad(r, ROMA_EINPUT, what); }

static bool is(const reader *r, const char *text) {
    const size_t n = strlen(text);
    return (size_t)(r->end - r->p) >= n && memcmp(r->p, text, n) == 0;
}

/* Blanks and comments; with `lines` ends of lines too. */
static void blanks(reader *r, bool lines) {
    while (r->p < r->end &&
           (*r->p == ' ' || *r->p == '\t' || *r->p == '#' || (lines && (*r->p == '\n' || *r->p == '\r')))) {
        if (*r->p == '#') {
            while (r->p < r->end && *r->p != '\n' && *r->p != '\r') r->p++;
        } else
            r->p++;
    }
}

/* ---- characters ---- */

static bool hex(reader *r, unsigned digits, uint32_t *c) {
    const size_t n = roma_hex_read(r->p, r->end, digits, c);
    r->p += n;
    if (n < digits) return wrong(r, "a hexadecimal digit is missing");
    return (*c <= 0x10ffff && (*c < 0xd800 || *c > 0xdfff)) || wrong(r, "this is no character's number");
}

static bool escape(reader *r, uint32_t *c) {
    static const char from[] = "trn\\\"[]-^/", to[] = "\t\r\n\\\"[]-^/";
    const char k = r->p < r->end ? *r->p : 0;
    const char *at = k ? strchr(from, k) : NULL;
    r->p++;
    if (k == 'x' || k == 'u' || k == 'U') return hex(r, k == 'x' ? 2 : k == 'u' ? 4 : 8, c);
    if (at) return *c = (uint8_t)to[at - from], true;
    r->p--;
    return wrong(r, "this escape is not known");
}

/* A character of a literal or class, escapes among them. */
static bool character(reader *r, uint32_t *c) {
    if (*r->p == '\\') return r->p++, escape(r, c);
    const size_t n = roma_utf8(r->p, (size_t)(r->end - r->p));
    if (!n) return wrong(r, "this is no UTF-8");
    const uint8_t *s = (const uint8_t *)r->p;
    *c = n == 1 ? s[0] : s[0] & (0x7fu >> n);
    for (size_t i = 1; i < n; i++) *c = *c << 6 | (s[i] & 0x3f);
    r->p += n;
    return true;
}

static bool literal(reader *r) {
    const char *at = r->p;
    r->p++;
    while (r->p < r->end && *r->p != '"') {
        uint32_t c;
        if (!character(r, &c)) return false;
        roma_constrain_emit_char(r->b, c);
    }
    if (r->p == r->end) return bad_at(r, at, ROMA_EINPUT, "this text does not end");
    r->p++;
    return !r->b->rc;
}

/* ---- classes ---- */

static bool add_range(reader *r, uint32_t lo, uint32_t hi) {
    if (!roma_grow(&r->ends, r->n_ends, &r->cap_ends, 2 * sizeof *r->ends)) return bad(r, ROMA_ENOMEM, "");
    r->ends[2 * r->n_ends] = lo;
    r->ends[2 * r->n_ends++ + 1] = hi;
    return true;
}

static int by_begin(const void *a, const void *b, void *ctx) {
    (void)ctx;
    const uint32_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

/* Sorted, and those that touch joined. */
static void join(reader *r) {
    size_t n = 0;
    roma_sort(r->ends, r->n_ends, 2 * sizeof *r->ends, by_begin, NULL);
    for (size_t i = 0; i < r->n_ends; i++) {
        const uint32_t lo = r->ends[2 * i], hi = r->ends[2 * i + 1];
        if (n && lo <= r->ends[2 * n - 1] + 1) {
            if (hi > r->ends[2 * n - 1]) r->ends[2 * n - 1] = hi;
            continue;
        }
        r->ends[2 * n] = lo;
        r->ends[2 * n++ + 1] = hi;
    }
    r->n_ends = n;
}

/* All characters that are not in it. */
static bool negate(reader *r) {
    const size_t n = r->n_ends;
    uint32_t from = 0;
    for (size_t i = 0; i < n; i++) {
        const uint32_t lo = r->ends[2 * i], hi = r->ends[2 * i + 1];
        if (lo > from && !add_range(r, from, lo - 1)) return false;
        from = hi + 1;
    }
    if (from <= 0x10ffff && !add_range(r, from, 0x10ffff)) return false;
    r->n_ends -= n;
    memmove(r->ends, r->ends + 2 * n, 2 * r->n_ends * sizeof *r->ends);
    return true;
}

static bool class_ranges(reader *r) {
    while (r->p < r->end && *r->p != ']') {
        uint32_t lo, hi;
        if (!character(r, &lo)) return false;
        hi = lo;
        if (r->end - r->p > 1 && r->p[0] == '-' && r->p[1] != ']') {
            r->p++;
            if (!character(r, &hi)) return false;
            if (hi < lo) return wrong(r, "this range ends before it begins");
        }
        if (!add_range(r, lo, hi)) return false;
    }
    return true;
}

static bool class(reader *r) {
    const char *at = r->p;
    r->p++;
    const bool is_negated = r->p < r->end && *r->p == '^';
    r->p += is_negated;
    r->n_ends = 0;
    if (!class_ranges(r)) return false;
    if (r->p == r->end) return bad_at(r, at, ROMA_EINPUT, "this class does not end");
    join(r);
    if (is_negated && !negate(r)) return false;
    if (!r->n_ends) return wrong(r, "no character belongs to this class");
    r->p++;
    roma_constrain_emit_ranges(r->b, r->ends, r->n_ends);
    return !r->b->rc;
}

/* ---- groups and repetition ---- */

static void open_alternative(reader *r, group *g) {
    g->slot = r->b->code.n;
    roma_constrain_emit(r->b, CODE_JUMP, 0, 0, 1, 0);
}

static bool open_group(reader *r) {
    if (r->depth == GROUPS_MAX) return bad(r, ROMA_EUNSUPPORTED, "brackets nest more than 64 deep here");
    group *g = &r->open[r->depth++];
    *g = (group){.begin = r->b->code.n, .at = r->p};
    open_alternative(r, g);
    return !r->b->rc;
}

static bool next_alternative(reader *r) {
    group *g = &r->open[r->depth - 1];
    code_build *b = r->b;
    const uint32_t jump = b->code.n;
    roma_constrain_emit(b, CODE_JUMP, 0, 0, (int32_t)g->jumps, 0);
    if (b->rc) return false;
    g->jumps = jump + 1;
    b->code.at[g->slot] = (code_instr){CODE_SPLIT, 0, 0, 1, (int32_t)(b->code.n - g->slot)};
    open_alternative(r, g);
    return !b->rc;
}

static uint32_t close_group(reader *r) {
    const group *g = &r->open[--r->depth];
    for (uint32_t at = g->jumps; at;) {
        code_instr *j = &r->b->code.at[at - 1];
        const uint32_t before = (uint32_t)j->x;
        j->x = (int32_t)(r->b->code.n - (at - 1));
        at = before;
    }
    return g->begin;
}

static bool number(reader *r, uint32_t *out) {
    if (r->p == r->end || *r->p < '0' || *r->p > '9') return wrong(r, "a number is missing");
    for (*out = 0; r->p < r->end && *r->p >= '0' && *r->p <= '9'; r->p++) {
        *out = *out * 10 + (uint32_t)(*r->p - '0');
        if (*out > CONSTRAIN_CODE_MAX) return bad(r, ROMA_EUNSUPPORTED, "this repeats too often");
    }
    return true;
}

/* {m}, {m,} or {m,n}, whose bracket is read. */
static bool counts(reader *r, uint32_t *least, uint32_t *most) {
    blanks(r, false);
    if (!number(r, least)) return false;
    *most = *least;
    blanks(r, false);
    if (r->p < r->end && *r->p == ',') {
        r->p++;
        blanks(r, false);
        *most = UINT32_MAX;
        if (r->p < r->end && *r->p != '}' && !number(r, most)) return false;
        blanks(r, false);
    }
    if (r->p == r->end || *r->p != '}') return wrong(r, "a } is missing");
    if (*most < *least) return wrong(r, "this repeats less than its least number");
    r->p++;
    return true;
}

static bool repeat(reader *r, uint32_t item) {
    uint32_t least = 0, most = UINT32_MAX;
    const char c = *r->p;
    if (item == UINT32_MAX) return wrong(r, "nothing stands before this");
    here(r);
    r->p++;
    if (c == '+') least = 1;
    if (c == '?') most = 1;
    if (c == '{' && !counts(r, &least, &most)) return false;
    roma_constrain_repeat(r->b, item, least, most);
    return !r->b->rc;
}

/* ---- rules ---- */

static bool is_name(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

static bool name(reader *r, uint32_t *rule) {
    const char *from = r->p;
    here(r);
    while (r->p < r->end && is_name(*r->p)) r->p++;
    if (r->p == from) return wrong(r, "the name of a rule is missing");
    *rule = roma_constrain_rule(r->b, from, (size_t)(r->p - from));
    return !r->b->rc;
}

static bool call(reader *r) {
    uint32_t rule;
    if (!name(r, &rule)) return false;
    roma_constrain_emit(r->b, CODE_CALL, 0, 0, (int32_t)rule, 0);
    return !r->b->rc;
}

static bool any(reader *r) {
    static const uint32_t all[] = {0, 0x10ffff};
    r->p++;
    roma_constrain_emit_ranges(r->b, all, 1);
    return !r->b->rc;
}

/* One piece of a sequence; *item: where the code of the last one begins, UINT32_MAX: there is none. */
static bool piece(reader *r, uint32_t *item) {
    const uint32_t from = r->b->code.n;
    const char c = *r->p;
    here(r);
    if (c == '*' || c == '+' || c == '?' || c == '{') return repeat(r, *item);
    if (c == '|') {
        r->p++;
        blanks(r, true);
        *item = UINT32_MAX;
        return next_alternative(r);
    }
    *item = from;
    if (c == '(') {
        if (!open_group(r)) return false;
        r->p++;
        blanks(r, true);
        *item = UINT32_MAX;
        return true;
    }
    if (c == ')') {
        if (r->depth == 1) return wrong(r, "no bracket is open here");
        *item = close_group(r);
        r->p++;
        return true;
    }
    if (c == '"') return literal(r);
    if (c == '[') return class(r);
    if (c == '.') return any(r);
    if (is_name(c)) return call(r);
    if (c == '<' || c == '!') return bad(r, ROMA_EUNSUPPORTED, "tokens by name or number are not supported");
    return wrong(r, "this is no part of a rule");
}

static bool alternatives(reader *r) {
    uint32_t item = UINT32_MAX;
    if (!open_group(r)) return false;
    while (r->p < r->end && (r->depth > 1 || (*r->p != '\n' && *r->p != '\r'))) {
        if (!piece(r, &item)) return false;
        blanks(r, r->depth > 1);
    }
    if (r->depth > 1) return bad_at(r, r->open[r->depth - 1].at, ROMA_EINPUT, "this bracket is not closed");
    close_group(r);
    return true;
}

static bool rule(reader *r) {
    uint32_t id;
    const char *at = r->p;
    if (!name(r, &id)) return false;
    if (r->b->rules[id].is_defined) return bad_at(r, at, ROMA_EINPUT, "a rule of this name is there already");
    r->b->rules[id].at = r->b->at;
    blanks(r, false);
    if (!is(r, "::=")) return wrong(r, "::= is missing behind the name of a rule");
    r->p += 3;
    blanks(r, true);
    if (!alternatives(r)) return false;
    roma_constrain_rule_end(r->b, id);
    return !r->b->rc;
}

int roma_constrain_read_gbnf(code_build *b, const char *text, size_t len) {
    reader r = {.b = b, .p = text, .end = text + len};
    b->text = text;
    for (blanks(&r, true); r.p < r.end && rule(&r);) blanks(&r, true);
    roma_free(r.ends);
    return b->rc;
}
