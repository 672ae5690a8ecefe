/* Axes: nice ends (1-2-5 steps, parts of decades), grid, ticks, titles. */
#include "report/svg.h"

#include <math.h>
#include <string.h>

enum { MAX_TICKS = 64 };

static double nice_step(double span) {
    double base = pow(10, floor(log10(span / 5))), f = span / 5 / base;
    return (f <= 1.0000001 ? 1 : f <= 2.0000001 ? 2 : f <= 5.0000001 ? 5 : 10) * base;
}

/* Largest of 1, 2, 5 x 10^n not above v, or smallest not below it. */
static double nice_log(double v, bool up) {
    double base = pow(10, floor(log10(v) + 1e-9)), f = v / base;
    if (up) return (f <= 1.000001 ? 1 : f <= 2.000001 ? 2 : f <= 5.000001 ? 5 : 10) * base;
    return (f >= 4.99999 ? 5 : f >= 1.99999 ? 2 : 1) * base;
}

roma_report_axis roma_report_axis_of(double low, double high, bool log, const char *unit) {
    roma_report_axis a = {.log = log,
                          .takes_prefix =
                              roma_report_takes_prefix(unit) && strcmp(unit, "B") != 0}; /* its steps are decimal */
    if (!(low <= high) || !isfinite(low) || !isfinite(high)) { /* nothing to draw: an empty frame */
        low = log ? 1 : 0;
        high = log ? 10 : 1;
    }
    if (log) {
        low = fmax(low, 1e-300);
        high = fmin(fmax(high, low), 1e300);
        a.low = nice_log(low, false);
        a.high = nice_log(high, true);
        if (a.high / a.low < 1.5) a.high = nice_log(a.high * 1.5, true);
        return a;
    }
    if (low > 0) low = 0;
    if (high < 0) high = 0;
    if (low == high) high = 1;
    double step = nice_step(high - low);
    a.low = floor(low / step + 1e-9) * step;
    a.high = ceil(high / step - 1e-9) * step;
    double most = fmax(fabs(a.low), fabs(a.high));
    if (a.takes_prefix) a.prefix = roma_report_prefix(most, "");
    if (!a.takes_prefix && most >= 1e4 && most < 1e20) a.suffix = roma_report_prefix(most, "");
    return a;
}

bool roma_report_axis_takes(const roma_report_axis *a, double v) { return isfinite(v) && (!a->log || v > 0); }

double roma_report_axis_at(const roma_report_axis *a, double v) {
    double share = a->log ? log10(v / a->low) / log10(a->high / a->low) : (v - a->low) / (a->high - a->low);
    return a->from +
           (a->to - a->from) * fmin(fmax(share, -10), 10); /* far outside: clipped anyway, and short to write */
}

/* Ticks of a logarithmic axis: decades, with 2 and 5 between where there is room. Many decades: every second or third
 * one. */
static size_t log_ticks(const roma_report_axis *a, double ticks[MAX_TICKS]) {
    int first = (int)floor(log10(a->low) + 1e-9), last = (int)ceil(log10(a->high) - 1e-9);
    int every = (last - first) / 12 + 1;
    bool fine = last - first <= 3;
    size_t n = 0;
    for (int d = first; d <= last; d += every)
        for (int k = 0; k < (fine ? 3 : 1); k++) {
            double v = pow(10, d) * (k == 0 ? 1 : k == 1 ? 2 : 5);
            if (v >= a->low * 0.99999 && v <= a->high * 1.00001 && n < MAX_TICKS) ticks[n++] = v;
        }
    return n;
}

static size_t linear_ticks(const roma_report_axis *a, double ticks[MAX_TICKS]) {
    double step = nice_step(a->high - a->low);
    size_t n = 0;
    for (double k = ceil(a->low / step - 1e-9); k * step <= a->high + step * 1e-6 && n < MAX_TICKS; k++)
        ticks[n++] = k * step;
    return n;
}

static void tick_text(const roma_report_axis *a, double v, char buf[NUMBER_CAP]) {
    double scaled = roma_report_unscale(v, a->prefix, "");
    int e = a->log ? roma_report_prefix(v, "") : a->suffix;
    if (a->log && ((e < 0 && !a->takes_prefix) || fabs(roma_report_unscale(v, e, "")) >= 999.5)) e = 0;
    if (v == 0)
        roma_print(buf, NUMBER_CAP, "0");
    else if (e)
        roma_print(buf, NUMBER_CAP, "%.4g %s", roma_report_unscale(scaled, e, ""), roma_report_prefix_text(e, ""));
    else
        roma_print(buf, NUMBER_CAP, "%.4g", scaled);
}

static void title_text(const roma_report_axis *a, const char *name, const char *unit, char buf[128]) {
    bool both = *name && (*unit || a->prefix);
    roma_print(buf, 128, both ? "%s (%s%s)" : "%s%s%s", name, roma_report_prefix_text(a->prefix, ""), unit);
}

void roma_report_axes_draw(roma_buf *out, const roma_report_axis *x, const roma_report_axis *y, const char *x_name,
                           const char *x_unit, const char *y_name, const char *y_unit) {
    double ticks[MAX_TICKS];
    char text[128], number[NUMBER_CAP];
    size_t n = x->log ? log_ticks(x, ticks) : linear_ticks(x, ticks);
    for (size_t i = 0; i < n; i++) {
        double at = roma_report_axis_at(x, ticks[i]);
        roma_buf_print(out, "<path d=\"M%.1f %.1fV%.1f\" stroke=\"" GRID "\"/>\n", at, y->from, y->to);
        tick_text(x, ticks[i], number);
        roma_report_svg_text(out, at, y->from + 18, 11, AT_MIDDLE, FAINT, number);
    }
    n = y->log ? log_ticks(y, ticks) : linear_ticks(y, ticks);
    for (size_t i = 0; i < n; i++) {
        double at = roma_report_axis_at(y, ticks[i]);
        roma_buf_print(out, "<path d=\"M%.1f %.1fH%.1f\" stroke=\"" GRID "\"/>\n", x->from, at, x->to);
        tick_text(y, ticks[i], number);
        roma_report_svg_text(out, x->from - 8, at + 4, 11, AT_END, FAINT, number);
    }
    roma_buf_print(out, "<path d=\"M%.1f %.1fV%.1fH%.1f\" fill=\"none\" stroke=\"" FAINT "\"/>\n", x->from, y->to,
                   y->from, x->to);
    title_text(x, x_name, x_unit, text);
    roma_report_svg_text(out, (x->from + x->to) / 2, y->from + 42, 13, AT_MIDDLE, INK, text);
    title_text(y, y_name, y_unit, text);
    roma_buf_print(out, "<g transform=\"translate(24 %.1f) rotate(-90)\">", (y->from + y->to) / 2);
    roma_report_svg_text(out, 0, 0, 13, AT_MIDDLE, INK, text);
    /* a little beyond the frame, for lines and marks that lie on it */
    roma_buf_print(
        out, "</g>\n<clipPath id=\"plot\"><rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/></clipPath>\n",
        x->from - 7, y->to - 7, x->to - x->from + 14, y->from - y->to + 14);
}

void roma_report_axes_begin(roma_buf *out) { roma_buf_print(out, "<g clip-path=\"url(#plot)\">\n"); }
void roma_report_axes_end(roma_buf *out) { roma_buf_print(out, "</g>\n"); }
