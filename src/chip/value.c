/* One entry's value and range out of text. */
#include "chip/internal.h"

#include <string.h>

int roma_chip_bad(const roma_chip_place *at, const char *fmt, ...) {
    char text[sizeof(((roma_error *)0)->text)];
    ROMA_PRINT_ARGS(text, fmt);
    return roma_fail_line(at->err, at->code, at->file, at->line, "%s", text);
}

static bool blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

roma_chip_span roma_chip_trim(roma_chip_span t) {
    while (t.n && blank(*t.s)) t.s++, t.n--;
    while (t.n && blank(t.s[t.n - 1])) t.n--;
    return t;
}

bool roma_chip_is(roma_chip_span t, const char *text) { return strlen(text) == t.n && memcmp(t.s, text, t.n) == 0; }

/* As short as people write numbers: longer ones are slips. */
static bool number(roma_chip_span t, double *out) {
    double v;
    if (t.n >= 64 || !roma_real_read(t.s, t.n, &v)) return false;
    *out = v + 0.0; /* no negative zero */
    return true;
}

static int read_choice(unsigned i, roma_chip_span t, const roma_chip_place *at, double *value) {
    char key[ROMA_CHIP_KEY], hint[ROMA_CHIP_HINT], shown[40];
    roma_chip_span name;
    for (unsigned k = 0; (name = roma_chip_choice(i, k)).s; k++)
        if (name.n == t.n && memcmp(name.s, t.s, t.n) == 0) {
            *value = k;
            return ROMA_OK;
        }
    return roma_chip_bad(at, "%s has no choice '%s'%s", roma_chip_name_of(i, key),
                         roma_error_name(shown, sizeof shown, t.s, t.n), roma_chip_hint_choice(i, hint));
}

static int read_one(unsigned i, roma_chip_span t, const roma_chip_place *at, double *value) {
    const roma_chip_parameter *p = roma_chip_parameter_at(i);
    char key[ROMA_CHIP_KEY], shown[40], v[ROMA_CHIP_NUMBER], low[ROMA_CHIP_NUMBER], high[ROMA_CHIP_NUMBER];
    roma_chip_name_of(i, key);
    t = roma_chip_trim(t);
    if (!t.n)
        return roma_chip_bad(at, "%s has no value: write `%s = value [low .. high]  # quality: source`", key, p->key);
    if (roma_chip_is_choice(i)) return read_choice(i, t, at, value);
    double x = 0;
    if (!number(t, &x))
        return roma_chip_bad(at, "%s: '%s' is not a decimal number such as 16 or 1.5e9", key,
                             roma_error_name(shown, sizeof shown, t.s, t.n));
    if (x < p->min || x > p->max)
        return roma_chip_bad(at, "%s: %s is out of bounds, it must lie in %s to %s %s", key, roma_chip_number(x, v),
                             roma_chip_number(p->min, low), roma_chip_number(p->max, high),
                             roma_chip_is_power(i)  ? "and be a power of two"
                             : strcmp(p->unit, "1") ? p->unit
                                                    : "");
    if (roma_chip_is_whole(i) && x != (double)(int64_t)x)
        return roma_chip_bad(at, "%s: %s must be a whole number, it counts things", key, roma_chip_number(x, v));
    if (roma_chip_is_power(i) && !roma_chip_power(x))
        return roma_chip_bad(at, "%s: %s must be a power of two from %s to %s", key, roma_chip_number(x, v),
                             roma_chip_number(p->min, low), roma_chip_number(p->max, high));
    *value = x;
    return ROMA_OK;
}

/* An end of a range. That of a power of two may be any number of at least 1, since the range is clipped to powers. */
static int read_bound(unsigned i, roma_chip_span t, const roma_chip_place *at, double *value) {
    const roma_chip_span end = roma_chip_trim(t);
    return roma_chip_is_power(i) && number(end, value) && *value >= 1 ? ROMA_OK : read_one(i, t, at, value);
}

/* The text between the brackets. */
static int read_range(roma_chip_mark *m, unsigned i, double value, roma_chip_span t, const roma_chip_place *at) {
    char key[ROMA_CHIP_KEY], v[ROMA_CHIP_NUMBER], a[ROMA_CHIP_NUMBER];
    roma_chip_name_of(i, key);
    t = roma_chip_trim(t);
    if (roma_chip_is(t, "exact")) {
        m->low = m->high = value;
        return ROMA_OK;
    }
    if (roma_chip_is_choice(i)) return roma_chip_bad(at, "%s is a choice, which has no range: write [exact]", key);
    const char *dots = memmem(t.s, t.n, "..", 2);
    if (!dots) return roma_chip_bad(at, "%s: a range is [low .. high], or [exact] when the number has none", key);
    const size_t n = (size_t)(dots - t.s);
    int rc = read_bound(i, (roma_chip_span){t.s, n}, at, &m->low);
    if (!rc) rc = read_bound(i, (roma_chip_span){dots + 2, t.n - n - 2}, at, &m->high);
    if (rc) return rc;
    roma_chip_number(value, v);
    if (m->low > m->high)
        return roma_chip_bad(at, "%s: the range's low end %s is above its high end", key, roma_chip_number(m->low, a));
    if (m->low > value)
        return roma_chip_bad(at, "%s: the value %s is below its range, which begins at %s", key, v,
                             roma_chip_number(m->low, a));
    if (m->high < value)
        return roma_chip_bad(at, "%s: the value %s is above its range, which ends at %s", key, v,
                             roma_chip_number(m->high, a));
    roma_chip_clip(i, &m->low, &m->high); /* holds the value, which is one of those it leaves */
    return ROMA_OK;
}

int roma_chip_read_entry(roma_chip *c, unsigned i, roma_chip_span t, bool range_may_be_absent,
                         const roma_chip_place *at) {
    char key[ROMA_CHIP_KEY];
    roma_chip_mark m = c->mark[i];
    double value = 0;
    const char *open = memchr(t.s, '[', t.n);
    const roma_chip_span first = {t.s, open ? (size_t)(open - t.s) : t.n};
    int rc = read_one(i, first, at, &value);
    if (rc) return rc;
    if (open) {
        const roma_chip_span range = roma_chip_trim((roma_chip_span){open + 1, t.n - first.n - 1});
        const char *close = memchr(range.s, ']', range.n);
        if (!close)
            return roma_chip_bad(at, "%s: the range's bracket is not closed: write [low .. high] or [exact]",
                                 roma_chip_name_of(i, key));
        if (close + 1 != range.s + range.n)
            return roma_chip_bad(at, "%s: nothing but `# quality: source` may follow the range",
                                 roma_chip_name_of(i, key));
        rc = read_range(&m, i, value, (roma_chip_span){range.s, range.n - 1}, at);
        if (rc) return rc;
    } else if (range_may_be_absent) {
        m.low = m.high = value;
    } else {
        return roma_chip_bad(at, "%s has no range: write [low .. high] after the value, or [exact] when there is none",
                             roma_chip_name_of(i, key));
    }
    *roma_chip_field(c, i) = value;
    c->mark[i].low = m.low;
    c->mark[i].high = m.high;
    return ROMA_OK;
}

int roma_chip_parse(unsigned i, const char *text, double *value, roma_error *err) {
    const roma_chip_place at = {"", 0, ROMA_EUSAGE, err};
    if (i >= ROMA_CHIP_N) return roma_chip_bad(&at, "there is no parameter %u", i);
    return read_one(i, (roma_chip_span){text, strlen(text)}, &at, value);
}

int roma_chip_set(roma_chip *c, const char *assignment, roma_error *err) {
    const roma_chip_place at = {"", 0, ROMA_EUSAGE, err};
    char shown[80], hint[ROMA_CHIP_HINT], name[ROMA_CHIP_KEY];
    const char *eq = strchr(assignment, '=');
    if (!eq)
        return roma_chip_bad(&at, "'%s' is no assignment: write section.key=value",
                             roma_error_name(shown, sizeof shown, assignment, strlen(assignment)));
    const roma_chip_span full = roma_chip_trim((roma_chip_span){assignment, (size_t)(eq - assignment)});
    int i = -1;
    if (full.n < sizeof name) {
        memcpy(name, full.s, full.n);
        name[full.n] = 0;
        i = roma_chip_find(name);
    }
    if (i < 0) {
        const char *dot = memchr(full.s, '.', full.n);
        const size_t n = dot ? (size_t)(dot - full.s) : 0;
        const roma_chip_span key = dot ? (roma_chip_span){dot + 1, full.n - n - 1} : full;
        return roma_chip_bad(&at, "no parameter '%s'%s", roma_error_name(shown, sizeof shown, full.s, full.n),
                             roma_chip_hint_key((roma_chip_span){full.s, n}, key, hint));
    }
    const int rc = roma_chip_read_entry(c, (unsigned)i, (roma_chip_span){eq + 1, strlen(eq + 1)}, true, &at);
    if (rc) return rc;
    c->mark[i].quality = ROMA_CHIP_ASSUMED;
    memset(c->mark[i].source, 0, sizeof c->mark[i].source);
    roma_print(c->mark[i].source, sizeof c->mark[i].source, "set on the command line");
    return ROMA_OK;
}
