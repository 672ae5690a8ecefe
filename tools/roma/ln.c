/* Contract in ln.h. Both reduce by powers of two and sum a series that has converged within the remaining range. */
#include "ln.h"

#include <stdint.h>
#include <string.h>

static const double ln2_high = 0x1.62e42fee00000p-1, ln2_low = 0x1.a39ef35793c76p-33;

static double pow2(int e) {
    const uint64_t bits = (uint64_t)(e + 1023) << 52;
    double d;
    memcpy(&d, &bits, sizeof d);
    return d;
}

/* x = k ln 2 + r, |r| <= ln 2 / 2: Taylor to r^13 / 13!, whose remainder is below 1e-17. */
double e_to(double x) {
    if (x != x) return x;
    if (x < -700) return 0;
    if (x > 700) return __builtin_inf();
    const int k = (int)(x / (ln2_high + ln2_low) + (x < 0 ? -0.5 : 0.5));
    const double r = x - k * ln2_high - k * ln2_low;
    double sum = 1;
    for (int i = 13; i > 0; i--) sum = 1 + sum * r / i;
    return sum * pow2(k);
}

/* x = m 2^e with m from sqrt(1/2) to sqrt(2); ln m = 2 artanh s with s = (m - 1) / (m + 1), |s| < 0.172, to s^23. */
double ln(double x) {
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    int e = (int)(bits >> 52 & 2047) - 1023;
    bits = (bits & ((UINT64_C(1) << 52) - 1)) | UINT64_C(1023) << 52;
    double m;
    memcpy(&m, &bits, sizeof m);
    if (m > 1.4142135623730951) {
        m /= 2;
        e++;
    }
    const double s = (m - 1) / (m + 1), q = s * s;
    double sum = 0;
    for (int i = 23; i > 0; i -= 2) sum = sum * q + 1.0 / i;
    return e * ln2_high + (2 * s * sum + e * ln2_low);
}
