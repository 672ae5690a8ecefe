/* Logarithm, exponential and power in double precision from + - x / alone: the same bits on every machine. A power
 * keeps ln(base) and its product with the exponent as a sum of two doubles, and its relative error is below 1e-15 while
 * |exponent * ln(base)| < 100. */
#include "roma/num.h"

#define LN2_HI 6.93147180369123816490e-01 /* 32 bits of ln 2: a product with a small integer is exact */
#define LN2_LO 1.90821492927058770002e-10 /* the rest of it */

typedef struct {
    double hi, lo;
} pair;

/* Exact product of two doubles (Dekker). */
static pair multiply(double a, double b) {
    const double ca = 134217729.0 * a, cb = 134217729.0 * b;
    const double ah = ca - (ca - a), bh = cb - (cb - b), al = a - ah, bl = b - bh;
    const double p = a * b;
    return (pair){p, ((ah * bh - p) + ah * bl + al * bh) + al * bl};
}

static pair natural_log(double x) {
    uint64_t u;
    memcpy(&u, &x, sizeof u);
    int k = (int)(u >> 52) - 1023;
    u = (u & 0xfffffffffffffu) | 0x3ff0000000000000u;
    double m;
    memcpy(&m, &u, sizeof m);
    if (m > 1.4142135623730951) {
        m *= 0.5;
        k++;
    }
    /* ln m = 2 artanh(s) = 2 (s + s^3 / 3 + s^5 / 5 + ...), |s| < 0.172 */
    const double s = (m - 1) / (m + 1), t = s * s;
    double series = 0;
    for (int i = 27; i >= 3; i -= 2) series = series * t + 1.0 / i;
    const double a = k * LN2_HI, b = 2 * s + (2 * s * (t * series) + k * LN2_LO);
    const double hi = a + b;
    return (pair){hi, b - (hi - a)};
}

static double power_of_two(int n) {
    const uint64_t u = (uint64_t)(n + 1023) << 52;
    double d;
    memcpy(&d, &u, sizeof d);
    return d;
}

/* e^(x + rest), |x| < 709 and rest tiny beside it: n ln 2 taken off, then so many terms of the series, whose remainder
 * is below 1e-17 from 13 on. */
static double exponential(double x, double rest, int terms) {
    const int n = (int)(x * 1.4426950408889634 + (x < 0 ? -0.5 : 0.5));
    const double r = (x - n * LN2_HI) - n * LN2_LO + rest;
    double e = 1;
    for (int i = terms; i >= 1; i--) e = e * r / i + 1;
    return e * power_of_two(n);
}

double roma_pow_double(double base, double exponent) {
    const pair ln = natural_log(base), p = multiply(ln.hi, exponent);
    if (!(p.hi < 709 && p.hi > -708)) return p.hi > 0 ? 1.0 / 0.0 : 0;
    return exponential(p.hi, p.lo + ln.lo * exponent, 16);
}

double roma_exp_double(double x) {
    if (x != x) return x;
    if (!(x < 709 && x > -708)) return x > 0 ? 1.0 / 0.0 : 0;
    return exponential(x, 0, 13);
}

double roma_log_double(double x) { return natural_log(x).hi; }
