/* Regular expressions of `pattern`: what ECMA 262 and Python's re have in common, without what looks ahead or back. A
 * character is spelt as JSON's writers spell it. Classes by letter are ASCII, where the two differ beyond it. */
#include "constrain/schema.h"

#include <string.h>

enum { PIECES_MAX = 128, DEPTH_MAX = 60 };

/* Ranges of characters. */
typedef struct {
    uint32_t lo[PIECES_MAX], hi[PIECES_MAX];
    unsigned n;
    bool is_ascii; /* a class by letter is in it: all others are ASCII too */
} set;

typedef struct {
    schema *s;
    uint32_t node;
    const char *p, *end;
    unsigned depth;
    bool has_piece, is_open; /* something that can be repeated stands before; this alternative began without ^ */
} reader;

static bool bad(reader *r, int code, const char *what) {
    const size_t at = (size_t)(r->p - schema_text(r->s, r->node));
    roma_constrain_schema_fail(r->s, r->node, code, "at byte %zu of the pattern: %s", at, what);
    return false;
}

static bool add(reader *r, set *c, uint32_t lo, uint32_t hi) {
    if (c->n == PIECES_MAX) return bad(r, ROMA_EUNSUPPORTED, "this class has too many parts");
    c->lo[c->n] = lo;
    c->hi[c->n++] = hi;
    return true;
}

/* ---- writing a set ---- */

static bool has(const set *c, uint32_t k) {
    for (unsigned i = 0; i < c->n; i++)
        if (c->lo[i] <= k && k <= c->hi[i]) return true;
    return false;
}

/* Characters that stand for themselves within JSON's quotes. */
static const uint32_t plain[][2] = {{0x20, 0x21}, {0x23, 0x5b}, {0x5d, 0x7e}, {0x80, 0xd7ff}, {0xe000, 0x10ffff}};
enum { PLAINS = sizeof plain / sizeof *plain };

static unsigned put_plain(schema *s, uint32_t lo, uint32_t hi, unsigned n) {
    for (unsigned k = 0; k < PLAINS; k++) {
        const uint32_t from = lo > plain[k][0] ? lo : plain[k][0], to = hi < plain[k][1] ? hi : plain[k][1];
        if (from > to) continue;
        roma_constrain_put(s, n++ ? "\\U%08X-\\U%08X" : "([\\U%08X-\\U%08X", (unsigned)from, (unsigned)to);
    }
    return n;
}

/* The others: the quote, the backslash, controls. */
static unsigned put_escaped(schema *s, const set *c, unsigned n) {
    static const char letters[] = "\"\\bfnrt", of[] = "\"\\\b\f\n\r\t";
    for (uint32_t k = 0; k < 0x60; k++) {
        if ((k >= 0x20 && k != '"' && k != '\\') || !has(c, k)) continue;
        const char *at = k ? strchr(of, (int)k) : NULL;
        roma_constrain_put(s, n++ ? " | " : "(");
        if (at)
            roma_constrain_put(s, "\"\\\\\\x%02X\"", (unsigned)letters[at - of]);
        else
            roma_constrain_put(s, "\"\\\\u%04x\"", (unsigned)k);
    }
    return n;
}

static bool put_set(reader *r, const set *c) {
    unsigned n = 0;
    for (unsigned i = 0; i < c->n; i++) n = put_plain(r->s, c->lo[i], c->hi[i], n);
    if (n) roma_constrain_put(r->s, "]");
    n = put_escaped(r->s, c, n);
    if (!n) return bad(r, ROMA_EUNSUPPORTED, "no character belongs to this");
    roma_constrain_put(r->s, ") ");
    return true;
}

/* All that the set has not, of ASCII's printable characters or of all plain ones. */
static bool negate(reader *r, set *c) {
    set out = {0};
    const uint32_t last = c->is_ascii ? 0x7e : 0x10ffff;
    for (uint32_t from = 0x20; from <= last;) {
        uint32_t next = last + 1; /* where the set goes on */
        for (unsigned i = 0; i < c->n; i++) {
            if (c->hi[i] < from) continue;
            const uint32_t begins = c->lo[i] > from ? c->lo[i] : from;
            if (begins < next) next = begins;
        }
        if (next > from && !add(r, &out, from, next - 1)) return false;
        from = next;
        for (unsigned i = 0; i < c->n && from <= last; i++)
            if (c->lo[i] <= from && from <= c->hi[i]) from = c->hi[i] + 1, i = UINT32_MAX;
    }
    *c = out;
    return true;
}

/* ---- reading characters ---- */

static bool hex(reader *r, unsigned digits, uint32_t *c) {
    const size_t n = roma_hex_read(r->p, r->end, digits, c);
    r->p += n;
    if (n < digits) return bad(r, ROMA_EINPUT, "a hexadecimal digit is missing");
    return *c < 0xd800 || *c > 0xdfff || bad(r, ROMA_EUNSUPPORTED, "halves of surrogates are not supported");
}

static bool raw(reader *r, uint32_t *c) {
    const size_t n = roma_utf8(r->p, (size_t)(r->end - r->p));
    const uint8_t *u = (const uint8_t *)r->p;
    if (!n) return bad(r, ROMA_EINPUT, "this is no UTF-8");
    *c = n == 1 ? u[0] : u[0] & (0x7fu >> n);
    for (size_t i = 1; i < n; i++) *c = *c << 6 | (u[i] & 0x3f);
    r->p += n;
    return true;
}

/* Classes by letter; both engines agree on these characters. */
static bool letter_class(reader *r, char k, set *c) {
    set own = {.is_ascii = true};
    if (k == 'd' || k == 'D' || k == 'w' || k == 'W') add(r, &own, '0', '9');
    if (k == 'w' || k == 'W') add(r, &own, 'A', 'Z'), add(r, &own, '_', '_'), add(r, &own, 'a', 'z');
    if (k == 's' || k == 'S') add(r, &own, '\t', '\r'), add(r, &own, ' ', ' ');
    if ((k == 'D' || k == 'W' || k == 'S') && !negate(r, &own)) return false;
    c->is_ascii = true;
    for (unsigned i = 0; i < own.n; i++)
        if (!add(r, c, own.lo[i], own.hi[i])) return false;
    return true;
}

/* What stands behind a backslash: one character in *c, or a class that is added to *all (*is_class). */
static bool escape(reader *r, bool in_class, uint32_t *c, set *all, bool *is_class) {
    static const char letters[] = "fnrtv", of[] = "\f\n\r\t\v", signs[] = "^$\\.*+?()[]{}|/-\"'@#%&,:;<>=!~` ";
    const char k = r->p < r->end ? *r->p++ : 0;
    const char *at = k ? strchr(letters, k) : NULL;
    *is_class = k && strchr("dDwWsS", k);
    if (*is_class) return letter_class(r, k, all);
    if (at) return *c = (uint8_t)of[at - letters], true;
    if (k == 'x' || k == 'u') return hex(r, k == 'x' ? 2 : 4, c);
    if (k == 'b' && in_class) return *c = '\b', true;
    if (k && strchr(signs, k)) return *c = (uint8_t)k, true;
    r->p -= k != 0;
    return bad(r, ROMA_EUNSUPPORTED,
               k >= '1' && k <= '9' ? "references to groups are not supported" : "this escape is not supported");
}

static bool class_piece(reader *r, set *c) {
    uint32_t lo, hi;
    bool is_class = false;
    if (*r->p == '\\' ? (r->p++, !escape(r, true, &lo, c, &is_class)) : !raw(r, &lo)) return false;
    if (is_class) return true;
    hi = lo;
    if (r->end - r->p > 1 && r->p[0] == '-' && r->p[1] != ']') {
        r->p++;
        if (*r->p == '\\' ? (r->p++, !escape(r, true, &hi, c, &is_class)) : !raw(r, &hi)) return false;
        if (is_class || hi < lo) return bad(r, ROMA_EINPUT, "this range has no end, or one before its beginning");
    }
    return add(r, c, lo, hi);
}

static bool class(reader *r) {
    set c = {0};
    r->p++;
    const bool is_negated = r->p < r->end && *r->p == '^';
    r->p += is_negated;
    while (r->p < r->end && *r->p != ']')
        if (!class_piece(r, &c)) return false;
    if (r->p == r->end) return bad(r, ROMA_EINPUT, "a class does not end");
    r->p++;
    return (!is_negated || negate(r, &c)) && put_set(r, &c);
}

/* Any character but ends of lines. */
static bool any(reader *r) {
    static const set dot = {.lo = {0x20, 0x80, 0x86, 0x202a}, .hi = {0x7e, 0x84, 0x2027, 0x10ffff}, .n = 4};
    r->p++;
    return put_set(r, &dot);
}

static bool one(reader *r) {
    set c = {0};
    uint32_t k = 0;
    bool is_class = false;
    if (*r->p == '\\' ? (r->p++, !escape(r, false, &k, &c, &is_class)) : !raw(r, &k)) return false;
    return (is_class || add(r, &c, k, k)) && put_set(r, &c);
}

/* ---- structure ---- */

static bool digits(reader *r, uint32_t *out) {
    if (r->p == r->end || *r->p < '0' || *r->p > '9')
        return bad(r, ROMA_EUNSUPPORTED, "braces that do not count are not supported");
    for (*out = 0; r->p < r->end && *r->p >= '0' && *r->p <= '9'; r->p++)
        if ((*out = *out * 10 + (uint32_t)(*r->p - '0')) > 8192)
            return bad(r, ROMA_EUNSUPPORTED, "this repeats too often");
    return true;
}

static bool quantifier(reader *r) {
    uint32_t least = 0, most = UINT32_MAX;
    const char k = *r->p;
    if (!r->has_piece) return bad(r, ROMA_EINPUT, "nothing stands before this");
    r->p++;
    if (k == '{') {
        if (!digits(r, &least)) return false;
        most = least;
        if (r->p < r->end && *r->p == ',') {
            r->p++;
            most = UINT32_MAX;
            if (r->p < r->end && *r->p != '}' && !digits(r, &most)) return false;
        }
        if (r->p == r->end || *r->p != '}') return bad(r, ROMA_EINPUT, "a } is missing");
        r->p++;
        if (most < least) return bad(r, ROMA_EINPUT, "this repeats less than its least number");
        roma_constrain_put(r->s, most == UINT32_MAX ? "{%u,} " : "{%u,%u} ", least, most);
    } else
        roma_constrain_put(r->s, "%c ", k);
    if (r->p < r->end && *r->p == '?') r->p++; /* which text it prefers says nothing of which it takes */
    if (r->p < r->end && *r->p == '+') return bad(r, ROMA_EUNSUPPORTED, "possessive repetition is not supported");
    r->has_piece = false;
    return true;
}

static bool open_group(reader *r) {
    r->p++;
    if (r->p < r->end && *r->p == '?') {
        if (r->end - r->p < 2 || r->p[1] != ':')
            return bad(r, ROMA_EUNSUPPORTED, "of groups only (...) and (?:...) are supported");
        r->p += 2;
    }
    if (++r->depth > DEPTH_MAX) return bad(r, ROMA_EUNSUPPORTED, "groups nest more than 60 deep");
    roma_constrain_put(r->s, "(");
    r->has_piece = false;
    return true;
}

/* The beginning and end of one of the pattern's alternatives: what is not held by ^ or $ may have any text there. */
static void begin_way(reader *r) {
    const bool is_held = r->p < r->end && *r->p == '^';
    r->p += is_held;
    if (!is_held) roma_constrain_put(r->s, "%s-char* ", r->s->name);
    r->has_piece = false;
    r->is_open = true;
}
static void end_way(reader *r) {
    if (r->is_open) roma_constrain_put(r->s, "%s-char* ", r->s->name);
}

static bool dollar(reader *r) {
    r->p++;
    if (r->depth || (r->p < r->end && *r->p != '|'))
        return bad(r, ROMA_EUNSUPPORTED, "$ is supported at the end of a pattern only");
    r->is_open = false;
    return true;
}

static bool piece(reader *r) {
    const char k = *r->p;
    if (strchr("*+?{", k)) return quantifier(r);
    if (k == '$') return dollar(r);
    if (k == '^') return bad(r, ROMA_EUNSUPPORTED, "^ is supported at the beginning of a pattern only");
    if (k == '(') return open_group(r);
    if (k == '|') {
        r->p++;
        r->has_piece = false;
        if (!r->depth) end_way(r);
        roma_constrain_put(r->s, "| ");
        if (!r->depth) begin_way(r);
        return true;
    }
    r->has_piece = true;
    if (k == ')') {
        if (!r->depth) return bad(r, ROMA_EINPUT, "no group is open here");
        r->depth--;
        r->p++;
        roma_constrain_put(r->s, ") ");
        return true;
    }
    if (k == '[') return class(r);
    if (k == '.') return any(r);
    return one(r);
}

void roma_constrain_put_pattern(schema *s, uint32_t node) {
    if (s->nodes[node].kind != ROMA_JSON_TEXT) {
        roma_constrain_schema_fail(s, node, ROMA_EINPUT, "a pattern is a text");
        return;
    }
    reader r = {.s = s, .node = node, .p = schema_text(s, node)};
    r.end = r.p + s->nodes[node].text_len;
    roma_constrain_put(s, "(");
    begin_way(&r);
    while (r.p < r.end && !s->rc && piece(&r)) {
    }
    end_way(&r);
    roma_constrain_put(s, ")");
    if (!s->rc && r.depth) bad(&r, ROMA_EINPUT, "a group does not end");
}
