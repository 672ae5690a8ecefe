/* Numbers for people (prefixes, significant digits) and for programs (shortest exact). */
#include "report/internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const prefixes[] = {"a", "f", "p", "n", "u", "m", "", "k", "M", "G", "T", "P", "E"};

bool roma_report_takes_prefix(const char *unit) {
    static const char *const units[] = {"B",     "B/s",     "bit",     "bit/s",   "Hz",    "W",       "J",
                                        "s",     "V",       "A",       "F",       "m",     "MAC",     "MAC/s",
                                        "OP/s",  "op/s",    "FLOP/s",  "J/token", "J/tok", "J/MAC",   "J/op",
                                        "J/bit", "B/token", "s/token", "W/mm2",   "MAC/J", "MAC/s/W", "bit/s/W"};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strcmp(unit, units[i]) == 0) return true;
    return false;
}

/* Sizes of memory go by 1024; rates and densities, with a unit behind the bytes, by 1000 as everywhere. */
static bool is_binary(const char *unit) { return strcmp(unit, "B") == 0; }

int roma_report_prefix(double v, const char *unit) {
    v = fabs(v);
    if (!isfinite(v) || v == 0) return 0;
    int e = is_binary(unit) ? 0 : -18;
    while (e < 18 && roma_report_unscale(v, e, unit) >= 999.5) e += 3;
    return e;
}

const char *roma_report_prefix_text(int exponent, const char *unit) {
    static const char *const binary[] = {"", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"};
    return is_binary(unit) ? binary[exponent / 3] : prefixes[(exponent + 18) / 3];
}

double roma_report_unscale(double v, int exponent, const char *unit) {
    double scale = 1;
    for (int i = 0; i < abs(exponent); i += 3) scale *= is_binary(unit) ? 1024 : 1000;
    return exponent < 0 ? v * scale : v / scale;
}

const char *roma_report_si(char *buf, size_t cap, double v, const char *unit) {
    char number[NUMBER_CAP];
    int e = roma_report_prefix(v, unit);
    double scaled = roma_report_unscale(v, e, unit);
    /* 5 B, 17 units: a count that needs no prefix has no decimals */
    roma_report_number(number, scaled, 3, e == 0);
    const char *prefix = roma_report_prefix_text(e, unit);
    roma_print(buf, cap, "%s%s%s%s", number, *prefix || *unit ? " " : "", prefix, unit);
    return buf;
}

/* Decimals that show `digits` significant digits of |v|, after rounding: 9.996 has one decimal fewer at three digits.
 */
static int decimals_of(double v, int digits) {
    char text[NUMBER_CAP];
    roma_print(text, sizeof text, "%.*e", digits - 1, v);
    int exponent = atoi(strchr(text, 'e') + 1), d = digits - 1 - exponent;
    return d < 0 ? 0 : d;
}

const char *roma_report_number(char *buf, double v, int digits, bool whole) {
    double size = fabs(v);
    if (!isfinite(v))
        roma_print(buf, NUMBER_CAP, "-");
    else if (digits <= 0)
        roma_report_exact(buf, v, 0);
    else if (v == 0 || (whole && size < 1e15 && floor(v) == v))
        roma_print(buf, NUMBER_CAP, "%.0f", v == 0 ? 0.0 : v);
    else if (size < 1e-5 || size >= 1e15)
        roma_print(buf, NUMBER_CAP, "%.*e", digits - 1, v);
    else
        roma_print(buf, NUMBER_CAP, "%.*f", decimals_of(v, digits), v);
    return buf;
}

const char *roma_report_value(char *buf, size_t cap, double v, const char *unit) {
    char number[NUMBER_CAP];
    if (roma_report_takes_prefix(unit)) return roma_report_si(buf, cap, v, unit);
    roma_print(buf, cap, "%s%s%s", roma_report_number(number, v, 3, true), *unit ? " " : "", unit);
    return buf;
}

const char *roma_report_exact(char *buf, double v, int digits) { return roma_real_print(buf, v, digits > 0 ? 10 : 0); }
