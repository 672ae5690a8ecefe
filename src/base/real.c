/* Numbers as text, the same under every locale: a program that embeds the library may have set one whose decimal point
 * is a comma. The calling thread borrows the C locale for the length of a call; the process keeps its own. */
#include "base/internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* In glibc and musl this is a constant and allocates nothing. */
locale_t roma_c_locale(void) { return newlocale(LC_ALL_MASK, "C", (locale_t)0); }

int roma_vprint(char *buf, size_t cap, const char *fmt, va_list args) {
    const locale_t before = uselocale(roma_c_locale());
    const int n = vsnprintf(buf, cap, fmt, args);
    uselocale(before);
    return n;
}

int roma_print(char *buf, size_t cap, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    const int n = roma_vprint(buf, cap, fmt, args);
    va_end(args);
    return n;
}

const char *roma_real_print(char buf[ROMA_REAL_CAP], double v, int digits) {
    if (!isfinite(v)) {
        roma_print(buf, ROMA_REAL_CAP, "%s", isnan(v) ? "nan" : v < 0 ? "-inf" : "inf");
        return buf;
    }
    if (digits > 0) {
        roma_print(buf, ROMA_REAL_CAP, "%.*g", digits < 17 ? digits : 17, v);
        return buf;
    }
    for (int d = 15; d <= 17; d++) {
        double back;
        roma_print(buf, ROMA_REAL_CAP, "%.*g", d, v);
        if (roma_real_read(buf, strlen(buf), &back) && back == v) break;
    }
    return buf;
}

/* ---- reading ---- */

/* More digits than any double needs to be told from its neighbours (767); what follows counts as "not zero". */
enum { DIGITS_MAX = 780 };

typedef struct {
    char text[DIGITS_MAX + 40]; /* "-0.DDDe-NNN" */
    size_t n;
    long long point; /* the value is 0.DDD times ten to this power */
    bool any;
} decimal;

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

/* Digits before or behind the point: leading zeros only move it. */
static const char *take_digits(decimal *d, const char *p, const char *end, bool is_fraction, bool *more) {
    for (; p < end && is_digit(*p); p++) {
        const bool leads = !d->any && *p == '0';
        if (!is_fraction && !leads) d->point++;
        if (is_fraction && leads) d->point--;
        if (leads) continue;
        d->any = true;
        if (d->n < DIGITS_MAX)
            d->text[d->n++] = *p;
        else
            *more |= *p != '0';
    }
    return p;
}

/* Behind the 'e'; NULL when it is none. Beyond any double's the exponent stops growing. */
static const char *take_exponent(long long *exponent, const char *p, const char *end) {
    const bool is_negative = p < end && *p == '-';
    if (p < end && (*p == '-' || *p == '+')) p++;
    if (p == end || !is_digit(*p)) return NULL;
    for (*exponent = 0; p < end && is_digit(*p); p++)
        if (*exponent < 1000000000000000) *exponent = *exponent * 10 + (*p - '0');
    if (is_negative) *exponent = -*exponent;
    return p;
}

bool roma_real_read(const char *text, size_t n, double *out) {
    if (!n) return false;
    const char *p = text, *const end = text + n;
    decimal d = {.n = 0};
    long long exponent = 0;
    bool more = false;
    if (p < end && (*p == '-' || *p == '+')) d.text[d.n++] = *p++;
    memcpy(d.text + d.n, "0.", 2);
    d.n += 2;
    const char *begin = p;
    p = take_digits(&d, p, end, false, &more);
    size_t digits = (size_t)(p - begin);
    if (p < end && *p == '.') {
        begin = ++p;
        p = take_digits(&d, p, end, true, &more);
        digits += (size_t)(p - begin);
    }
    if (!digits) return false;
    if (p < end && (*p == 'e' || *p == 'E') && !(p = take_exponent(&exponent, p + 1, end))) return false;
    if (p != end) return false;
    exponent += d.any ? d.point : 0;
    if (exponent > 100000) exponent = 100000;
    if (exponent < -100000) exponent = -100000;
    snprintf(d.text + d.n, sizeof d.text - d.n, "%s%se%lld", d.any ? "" : "0", more ? "1" : "", d.any ? exponent : 0LL);
    const double v = strtod_l(d.text, NULL, roma_c_locale());
    if (!isfinite(v)) return false;
    *out = v;
    return true;
}
