/* Prices out of text: `key = value [low .. high]  # quality: source`, as a chip file's entries are. */
#include "price/internal.h"

#include <string.h>

typedef struct {
    const char *file;
    uint64_t line; /* 0: an option, whose errors are EUSAGE */
    roma_error *err;
} place;

typedef struct {
    const char *s;
    size_t n;
} span;

#define BAD(at, ...)                                                                                                   \
    ((at)->line ? roma_fail_line((at)->err, ROMA_EINPUT, (at)->file, (at)->line, __VA_ARGS__)                          \
                : roma_fail((at)->err, ROMA_EUSAGE, "", ROMA_NOWHERE, __VA_ARGS__))

enum { SHOWN = 64 };
static const char *shown(char buf[SHOWN], span t) { return roma_error_name(buf, SHOWN, t.s, t.n); }

static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

static span trim(const char *s, size_t n) {
    while (n && is_blank(*s)) s++, n--;
    while (n && is_blank(s[n - 1])) n--;
    return (span){s, n};
}

static bool is(span t, const char *text) { return strlen(text) == t.n && memcmp(t.s, text, t.n) == 0; }

static int find(unsigned *i, span key, const place *at) {
    const char *names[ROMA_PRICE_N];
    char buf[SHOWN], word[SHOWN];
    for (*i = 0; *i < ROMA_PRICE_N; ++*i) {
        names[*i] = roma_price_parameter_at(*i)->key;
        if (is(key, names[*i])) return ROMA_OK;
    }
    roma_print(word, sizeof word, "%.*s", key.n < sizeof word ? (int)key.n : 0, key.s);
    const char *near = roma_nearest(word, names, ROMA_PRICE_N);
    return near ? BAD(at, "no price '%s'; did you mean %s?", shown(buf, key), near)
                : BAD(at, "no price '%s'; `roma price --list` has all of them", shown(buf, key));
}

static int number(double *out, unsigned i, span t, const place *at) {
    const roma_price_parameter *p = roma_price_parameter_at(i);
    char buf[SHOWN];
    if (t.n >= SHOWN || !roma_real_read(t.s, t.n, out))
        return BAD(at, "%s: '%s' is not a decimal number such as 16 or 1.5e9", p->key, shown(buf, t));
    if (!(*out >= p->min && *out <= p->max))
        return BAD(at, "%s: %s is out of bounds, it must lie in %.10g to %.10g %s", p->key, shown(buf, t), p->min,
                   p->max, strcmp(p->unit, "1") == 0 ? "masks" : p->unit);
    return ROMA_OK;
}

/* What stands between the brackets. */
static int range(double *low, double *high, unsigned i, double value, span t, const place *at) {
    const char *key = roma_price_parameter_at(i)->key, *dots = memmem(t.s, t.n, "..", 2);
    *low = *high = value;
    if (is(t, "exact")) return ROMA_OK;
    if (!dots) return BAD(at, "%s: a range is [low .. high], or [exact] when the number has none", key);
    const size_t n = (size_t)(dots - t.s);
    int rc = number(low, i, trim(t.s, n), at);
    if (!rc) rc = number(high, i, trim(dots + 2, t.n - n - 2), at);
    if (!rc && !(*low <= value && value <= *high))
        rc = BAD(at, "%s: its value must lie in its range, low .. high", key);
    return rc;
}

/* `value` or `value [range]`; a file's must have one. */
static int value(double v[3], unsigned i, span t, const place *at) {
    const char *key = roma_price_parameter_at(i)->key, *open = t.n ? memchr(t.s, '[', t.n) : NULL;
    int rc = number(&v[1], i, trim(t.s, open ? (size_t)(open - t.s) : t.n), at);
    if (rc) return rc;
    v[0] = v[2] = v[1];
    if (!open)
        return at->line ? BAD(at, "%s has no range: write [low .. high] after the value, or [exact]", key) : ROMA_OK;
    const span r = trim(open + 1, t.n - (size_t)(open + 1 - t.s));
    if (!r.n || r.s[r.n - 1] != ']') return BAD(at, "%s: the range ends with ']' and nothing after it", key);
    return range(&v[0], &v[2], i, v[1], trim(r.s, r.n - 1), at);
}

static int quality(roma_chip_mark *m, span note, const place *at) {
    static const char *const names[] = {
#define X(name, text) text,
        ROMA_CHIP_QUALITIES(X)
#undef X
    };
    const char *colon = note.n ? memchr(note.s, ':', note.n) : NULL;
    const span word = trim(note.s, colon ? (size_t)(colon - note.s) : 0);
    const span source = colon ? trim(colon + 1, note.n - (size_t)(colon + 1 - note.s)) : (span){"", 0};
    for (unsigned q = 0; q < sizeof names / sizeof *names; q++) {
        if (!source.n || !is(word, names[q])) continue;
        m->quality = (roma_chip_quality)q;
        roma_error_name(m->source, sizeof m->source, source.s, source.n);
        return ROMA_OK;
    }
    return BAD(at, "a price needs its source: write `# assumed: why`, or stated, derived, calibrated, measured");
}

static int assign(roma_prices *p, span t, const place *at) {
    char buf[SHOWN];
    const char *eq = t.n ? memchr(t.s, '=', t.n) : NULL, *hash = at->line && t.n ? memchr(t.s, '#', t.n) : NULL;
    unsigned i;
    double v[3];
    if (!eq || (hash && hash < eq)) return BAD(at, "'%s' is no price: write key=value", shown(buf, t));
    const char *end = hash ? hash : t.s + t.n;
    int rc = find(&i, trim(t.s, (size_t)(eq - t.s)), at);
    if (!rc) rc = value(v, i, trim(eq + 1, (size_t)(end - eq - 1)), at);
    roma_chip_mark m = {.quality = ROMA_CHIP_STATED, .source = "set on the command line"};
    if (!rc && at->line) rc = quality(&m, hash ? trim(hash + 1, (size_t)(t.s + t.n - hash - 1)) : (span){"", 0}, at);
    if (rc) return rc;
    m.low = v[0];
    m.high = v[2];
    p->value[i] = v[1];
    p->mark[i] = m;
    return ROMA_OK;
}

int roma_prices_set(roma_prices *p, const char *assignment, roma_error *err) {
    const place at = {"", 0, err};
    return assign(p, trim(assignment, strlen(assignment)), &at);
}

int roma_prices_read(roma_prices *p, const char *text, size_t len, const char *file, roma_error *err) {
    place at = {file, 0, err};
    int rc = ROMA_OK;
    for (const char *s = len ? text : "", *end = s + len; s < end && !rc;) {
        const char *e = memchr(s, '\n', (size_t)(end - s));
        if (!e) e = end;
        at.line++;
        const span line = trim(s, (size_t)(e - s));
        if (line.n && *line.s != ';') rc = assign(p, line, &at);
        s = e < end ? e + 1 : end;
    }
    return rc;
}
