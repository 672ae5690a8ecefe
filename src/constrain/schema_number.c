/* Numbers between bounds, by their digits: without exponents, and with no more digits than a double tells apart, so
 * that no validator rounds one onto a bound or beyond. */
#include "constrain/schema_bound.h"

enum { FRACTION = 6, VALUES_MAX = 1024, MULTIPLE_MAX = 64 };

typedef struct {
    schema *s;
    bool is_integer;
    unsigned fraction; /* digits behind the point at most */
    const char *bar;   /* before the next alternative */
} range;

static bool refuse(schema *s, uint32_t node, const char *what) {
    roma_constrain_schema_fail(s, node, ROMA_EUNSUPPORTED, "%s", what);
    return false;
}

/* ---- digits ---- */

static const char *bar(range *r) {
    const char *b = r->bar;
    r->bar = " | ";
    return b;
}

static void put_class(schema *s, char lo, char hi) {
    if (lo == hi)
        roma_constrain_put(s, "\"%c\" ", lo);
    else
        roma_constrain_put(s, "[%c-%c] ", lo, hi);
}

static void put_start(schema *s, const char *digits, size_t n) {
    if (n) roma_constrain_put(s, "\"%.*s\" ", (int)n, digits);
}

/* Alternatives for the n digits that lie in lo..hi, of as many digits, first ones the same up to `same`. */
typedef void (*put_rest)(range *r);

static void put_free(range *r, size_t n, put_rest rest) {
    if (n) roma_constrain_put(r->s, "[0-9]{%zu} ", n);
    rest(r);
}

static void put_same_length(range *r, const char *lo, const char *hi, put_rest rest) {
    schema *s = r->s;
    const size_t n = strlen(lo);
    size_t same = 0;
    while (same < n && lo[same] == hi[same]) same++;
    roma_constrain_put(s, "%s", bar(r));
    put_start(s, lo, n);
    rest(r);
    if (same == n) return;
    roma_constrain_put(s, "%s", bar(r));
    put_start(s, hi, n);
    rest(r);
    if (lo[same] + 1 < hi[same]) {
        roma_constrain_put(s, "%s", bar(r));
        put_start(s, lo, same);
        put_class(s, (char)(lo[same] + 1), (char)(hi[same] - 1));
        put_free(r, n - same - 1, rest);
    }
    for (size_t i = same + 1; i < n; i++) {
        if (lo[i] < '9') {
            roma_constrain_put(s, "%s", bar(r));
            put_start(s, lo, i);
            put_class(s, (char)(lo[i] + 1), '9');
            put_free(r, n - i - 1, rest);
        }
        if (hi[i] > '0') {
            roma_constrain_put(s, "%s", bar(r));
            put_start(s, hi, i);
            put_class(s, '0', (char)(hi[i] - 1));
            put_free(r, n - i - 1, rest);
        }
    }
}

static void fill(char *out, char first, char c, size_t n) {
    memset(out, c, n);
    if (n) out[0] = first;
    out[n] = 0;
}

/* Whole numbers lo..hi, each followed by the rest; nothing when lo is above hi. */
static void put_whole(range *r, const char *lo, const char *hi, put_rest rest) {
    const size_t n_lo = strlen(lo), n_hi = strlen(hi);
    char least[DIGITS + 2], most[DIGITS + 2];
    if (n_lo > n_hi || (n_lo == n_hi && strcmp(lo, hi) > 0)) return;
    for (size_t n = n_lo; n <= n_hi; n++) {
        fill(least, n == 1 ? '0' : '1', '0', n);
        fill(most, '9', '9', n);
        put_same_length(r, n == n_lo ? lo : least, n == n_hi ? hi : most, rest);
    }
}

/* +1 or -1, in place; false: it leaves what is held here. */
static bool add_one(char *digits) {
    size_t n = strlen(digits), i = n;
    while (i && digits[i - 1] == '9') digits[--i] = '0';
    if (i) return digits[i - 1]++, true;
    if (n == DIGITS) return false;
    memmove(digits + 1, digits, n + 1);
    digits[0] = '1';
    return true;
}
static bool take_one(char *digits) {
    size_t n = strlen(digits), i = n;
    if (strcmp(digits, "0") == 0) return false;
    while (digits[i - 1] == '0') digits[--i] = '9';
    digits[i - 1]--;
    if (digits[0] == '0' && n > 1) memmove(digits, digits + 1, n);
    return true;
}

/* ---- what follows the whole part ---- */

static void rest_none(range *r) { (void)r; }
static void rest_any(range *r) {
    if (r->fraction) roma_constrain_put(r->s, "(\".\" [0-9]{1,%u})? ", r->fraction);
}

/* Behind the whole part of the lower bound: at least its fraction. */
static void put_above(range *r, const bound *lo) {
    schema *s = r->s;
    const size_t n = strlen(lo->part);
    if (!n && !lo->is_exclusive) {
        roma_constrain_put(s, "%s\"%s\" ", bar(r), lo->whole);
        rest_any(r);
        return;
    }
    if (!r->fraction) return;
    for (size_t i = 0; i < n; i++) {
        if (lo->part[i] == '9') continue;
        roma_constrain_put(s, "%s\"%s.%.*s\" ", bar(r), lo->whole, (int)i, lo->part);
        put_class(s, (char)(lo->part[i] + 1), '9');
        roma_constrain_put(s, "[0-9]{0,%zu} ", r->fraction - i - 1);
    }
    if (!lo->is_exclusive)
        roma_constrain_put(s, "%s\"%s.%s\" [0-9]{0,%zu} ", bar(r), lo->whole, lo->part, r->fraction - n);
    else if (r->fraction > n)
        roma_constrain_put(s, "%s\"%s.%s\" [0-9]{0,%zu} [1-9] ", bar(r), lo->whole, lo->part, r->fraction - n - 1);
}

/* Behind the whole part of the upper bound: at most its fraction. */
static void put_below(range *r, const bound *hi) {
    schema *s = r->s;
    const size_t n = strlen(hi->part);
    if (!n && hi->is_exclusive) return;
    roma_constrain_put(s, "%s\"%s\" ", bar(r), hi->whole);
    for (size_t i = 0; i < n; i++) {
        if (i) roma_constrain_put(s, "%s\"%s.%.*s\" ", bar(r), hi->whole, (int)i, hi->part);
        if (hi->part[i] == '0') continue;
        roma_constrain_put(s, "%s\"%s.%.*s\" ", bar(r), hi->whole, (int)i, hi->part);
        put_class(s, '0', (char)(hi->part[i] - 1));
        roma_constrain_put(s, "[0-9]{0,%zu} ", r->fraction - i - 1);
    }
    if (!hi->is_exclusive)
        roma_constrain_put(s, "%s\"%s%s%s\" \"0\"{0,%zu} ", bar(r), hi->whole, n ? "." : "", hi->part,
                           n ? r->fraction - n : 0);
}

/* Both bounds have the same whole part: the digits behind it, all of them written. */
static void put_between(range *r, const bound *lo, const bound *hi) {
    char a[DIGITS + 2], b[DIGITS + 2], whole[DIGITS + 4];
    const size_t n = r->fraction;
    memset(a, '0', n);
    memset(b, '0', n);
    a[n] = b[n] = 0;
    memcpy(a, lo->part, strlen(lo->part));
    memcpy(b, hi->part, strlen(hi->part));
    if (!hi->part[0] && !lo->part[0]) {
        if (!lo->is_exclusive && !hi->is_exclusive) roma_constrain_put(r->s, "%s\"%s\" ", bar(r), lo->whole);
        return;
    }
    if (!lo->part[0] && !lo->is_exclusive) roma_constrain_put(r->s, "%s\"%s\" ", bar(r), lo->whole);
    if ((lo->is_exclusive && !add_one(a)) || (hi->is_exclusive && !take_one(b)) || strlen(a) > n) return;
    while (strlen(b) < n) memmove(b + 1, b, strlen(b) + 1), b[0] = '0'; /* take_one drops a leading zero */
    if (strcmp(a, b) > 0) return;
    roma_print(whole, sizeof whole, "%s.", lo->whole);
    roma_constrain_put(r->s, "%s\"%s\" (", bar(r), whole);
    r->bar = "";
    put_same_length(r, a, b, rest_none);
    roma_constrain_put(r->s, ") ");
    r->bar = " | ";
}

/* Numbers from lo to hi, both without sign; hi may not be there. */
static void put_range(range *r, bound lo, bound hi) {
    char from[DIGITS + 2], to[DIGITS + 2];
    if (hi.is_there && roma_constrain_bound_compare(&lo, &hi) > 0) return;
    if (!hi.is_there) {
        fill(hi.whole, '9', '9', DIGITS - r->fraction);
        if (roma_constrain_bound_compare(&lo, &hi) > 0) return;
    }
    memcpy(from, lo.whole, sizeof from);
    memcpy(to, hi.whole, sizeof to);
    if (r->is_integer || !r->fraction) {
        if ((lo.part[0] || lo.is_exclusive) && !add_one(from)) return;
        if (!hi.part[0] && hi.is_exclusive && !take_one(to)) return;
        put_whole(r, from, to, rest_none);
        return;
    }
    if (strcmp(lo.whole, hi.whole) == 0) {
        put_between(r, &lo, &hi);
        return;
    }
    put_above(r, &lo);
    if (add_one(from) && take_one(to)) put_whole(r, from, to, rest_any);
    put_below(r, &hi);
}

/* ---- multiples ---- */

static int64_t to_whole(const bound *b, int64_t usual, bool up) {
    int64_t v = 0;
    if (!b->is_there) return usual;
    for (const char *p = b->whole; *p; p++) v = 10 * v + (*p - '0');
    if (b->is_negative) v = -v;
    if (b->part[0]) return b->is_negative ? v - !up : v + up;
    return b->is_exclusive ? v + (up ? 1 : -1) : v;
}

static void put_listed(range *r, uint32_t node, int64_t lo, int64_t hi, int64_t k) {
    const int64_t first = lo >= 0 ? (lo + k - 1) / k * k : -(-lo / k * k);
    if (first > hi)
        roma_constrain_schema_fail(r->s, node, ROMA_EINPUT,
                                   "no number lies between these bounds, so that no text validates");
    for (int64_t v = first; v <= hi && !r->s->rc; v += k) roma_constrain_put(r->s, "%s\"%lld\" ", bar(r), (long long)v);
}

/* Rule NAME-<node>d<i>: the digits that bring the remainder from i to 0. */
static void put_remainders(range *r, uint32_t node, unsigned k, bool may_be_negative) {
    schema *s = r->s;
    roma_constrain_put(s, "%s(\"0\" | ", may_be_negative ? "\"-\"? " : "");
    for (unsigned d = 1; d < 10; d++)
        roma_constrain_put(s, "%s\"%u\" %s-%ud%u ", d > 1 ? "| " : "", d, s->name, node, d % k);
    roma_constrain_put(s, ")");
    roma_buf *before = s->out;
    s->out = &s->behind;
    for (unsigned i = 0; i < k; i++) {
        roma_constrain_put(s, "%s-%ud%u ::= %s", s->name, node, i, i ? "" : "\"\" | ");
        for (unsigned d = 0; d < 10; d++)
            roma_constrain_put(s, "%s\"%u\" %s-%ud%u ", d ? "| " : "", d, s->name, node, (10 * i + d) % k);
        roma_constrain_put(s, "\n");
    }
    s->out = before;
}

static void put_multiples(range *r, const schema_words *w, const bound *lo, const bound *hi) {
    const uint32_t i = w->value[KEY_MULTIPLE];
    int64_t k = 0;
    double v;
    if (r->s->nodes[i].kind == ROMA_JSON_NUMBER &&
        roma_json_to_real(schema_text(r->s, i), r->s->nodes[i].text_len, &v) && v >= 1 && v <= 1e9)
        k = (double)(int64_t)v < v ? 0 : (int64_t)v;
    if (!k) {
        refuse(r->s, i, "multipleOf is supported for whole numbers from 1 to 1000000000");
        return;
    }
    const int64_t from = to_whole(lo, INT64_MIN / 2, true), to = to_whole(hi, INT64_MAX / 2, false);
    const bool from_zero = lo->is_there && from == 0, is_open = !hi->is_there && (!lo->is_there || from_zero);
    if (lo->is_there && hi->is_there && (to - from) / k <= VALUES_MAX)
        put_listed(r, i, from, to, k);
    else if (is_open && k <= MULTIPLE_MAX)
        put_remainders(r, i, (unsigned)k, !lo->is_there);
    else
        refuse(r->s, i,
               "multipleOf is supported up to 64 without bounds or with minimum 0, else where minimum and maximum "
               "leave up to 1024 values");
}

/* ---- all ---- */

static unsigned fraction_of(const bound *lo, const bound *hi) {
    const size_t a = strlen(lo->part), b = strlen(hi->part), n = a > b ? a : b, wa = strlen(lo->whole),
                 wb = strlen(hi->whole), whole = wa > wb ? wa : wb;
    /* one digit more than a bound has, so that there is room beside it */
    const size_t want = n >= FRACTION ? n + 1 : FRACTION;
    return whole + want > DIGITS ? (whole + n < DIGITS ? (unsigned)(DIGITS - whole) : 0) : (unsigned)want;
}

static void put_signed(range *r, bound lo, bound hi) {
    const bound zero = {.is_there = true, .whole = "0"};
    if (!lo.is_there || lo.is_negative) {
        const size_t before = r->s->out->len;
        roma_constrain_put(r->s, "\"-\" (");
        put_range(r, hi.is_there && (hi.is_negative || bound_is_zero(&hi)) ? hi : zero, lo);
        roma_constrain_put(r->s, ")");
        if (!r->bar[0]) r->s->out->len = before; /* there is none */
    }
    if (!hi.is_there || !hi.is_negative) put_range(r, lo.is_there && !lo.is_negative ? lo : zero, hi);
}

void roma_constrain_put_number_rule(schema *s, const schema_words *w, bool is_integer) {
    bound lo, hi;
    if (!roma_constrain_bound_read(s, w, KEY_MORE_THAN, KEY_MINIMUM, 1, &lo) ||
        !roma_constrain_bound_read(s, w, KEY_LESS_THAN, KEY_MAXIMUM, -1, &hi))
        return;
    range r = {.s = s, .is_integer = is_integer, .bar = ""};
    if (!w->value[KEY_MULTIPLE] && !lo.is_there && !hi.is_there) {
        roma_constrain_put(s, "%s-%s", s->name, is_integer ? "integer" : "number");
        return;
    }
    r.fraction = is_integer ? 0 : fraction_of(&lo, &hi);
    roma_constrain_put(s, "(");
    if (w->value[KEY_MULTIPLE])
        put_multiples(&r, w, &lo, &hi);
    else
        put_signed(&r, lo, hi);
    roma_constrain_put(s, ")");
    if (!r.bar[0] && !w->value[KEY_MULTIPLE])
        roma_constrain_schema_fail(s, w->node, ROMA_EINPUT,
                                   "no number lies between these bounds, so that no text validates");
}
