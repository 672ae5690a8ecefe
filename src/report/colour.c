/* Colours. The sequential scale is a path through OKLCh (Ottosson 2020) of even steps in lightness, yellow over green
 * to blue, turned to sRGB here: equal differences of a value look equal, and it still reads in grey. */
#include "report/svg.h"

#include <math.h>
#include <stdlib.h>

/* Okabe and Ito's set, its yellow darkened for white ground, and six more for long lists; each behind its counterpart
 * on a dark page, on which black is read. */
static const char *const series[SERIES][2] = {{"#0072b2", "#4aa8e0"}, {"#d55e00", "#f0883e"}, {"#009e73", "#2fbf95"},
                                              {"#cc79a7", "#e39cc4"}, {"#b8860b", "#d9a72b"}, {"#56b4e9", "#7cc8f2"},
                                              {"#6b4c9a", "#a78bda"}, {"#555555", "#a8adb3"}, {"#e7298a", "#ff6bb0"},
                                              {"#7fc97f", "#93d893"}, {"#004c6d", "#5b9bb8"}, {"#a0522d", "#cf8560"},
                                              {"#8a1538", "#e0688a"}};

const char *roma_report_series(size_t i) { return series[i % SERIES][0]; }

void roma_report_schemes(roma_buf *out) {
    static const char *const page[][2] = {{GROUND, "#0d1117"},    {INK, "#e6edf3"},    {FAINT, "#9198a1"},
                                          {GRID, "#30363d"},      {STROKE, "#8b949e"}, {HATCH, "#161b22"},
                                          {HATCH_LINE, "#484f58"}};
    roma_buf_print(out, "<style>@media (prefers-color-scheme: dark){.slice text{fill:black}");
    for (size_t i = 0; i < sizeof page / sizeof *page; i++)
        roma_buf_print(out, "[fill=\"%s\"]{fill:%s}[stroke=\"%s\"]{stroke:%s}", page[i][0], page[i][1], page[i][0],
                       page[i][1]);
    for (size_t i = 0; i < SERIES; i++)
        roma_buf_print(out, "[fill=\"%s\"]{fill:%s}[stroke=\"%s\"]{stroke:%s}", series[i][0], series[i][1],
                       series[i][0], series[i][1]);
    roma_buf_print(out, "}</style>\n");
}

static unsigned channel(double linear) {
    double c = linear <= 0.0031308 ? 12.92 * linear : 1.055 * pow(linear, 1 / 2.4) - 0.055;
    return (unsigned)(fmin(fmax(c, 0), 1) * 255 + 0.5);
}

static double lightness(double share) { return 0.96 - 0.60 * share; }

const char *roma_report_shade(char buf[8], double share) {
    share = isfinite(share) ? fmin(fmax(share, 0), 1) : 0;
    double light = lightness(share), chroma = 0.07 + 0.03 * sin(3.14159265358979 * share),
           hue = (105 + 160 * share) / 57.29577951308232;
    double a = chroma * cos(hue), b = chroma * sin(hue);
    double l = light + 0.3963377774 * a + 0.2158037573 * b, m = light - 0.1055613458 * a - 0.0638541728 * b,
           s = light - 0.0894841775 * a - 1.2914855480 * b;
    l = l * l * l;
    m = m * m * m;
    s = s * s * s;
    roma_print(buf, 8, "#%02x%02x%02x", channel(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
               channel(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
               channel(-0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s));
    return buf;
}

/* The relative luminance of WCAG, at which white and black have the same contrast: 0.179. */
const char *roma_report_on(const char *colour) {
    static const double weight[3] = {0.2126, 0.7152, 0.0722};
    double light = 0;
    for (int i = 0; i < 3; i++) {
        const char two[3] = {colour[1 + 2 * i], colour[2 + 2 * i], 0};
        const double c = (double)strtoul(two, NULL, 16) / 255;
        light += weight[i] * (c <= 0.04045 ? c / 12.92 : pow((c + 0.055) / 1.055, 2.4));
    }
    return light < 0.179 ? "white" : "black";
}

void roma_report_shade_bar(roma_buf *out, double x, double y, double height, double low, double high, const char *name,
                           const char *unit) {
    enum { STEPS = 64 };
    char colour[8], text[64], cut[64];
    roma_report_svg_text(out, x, y, 12, AT_START, INK, roma_report_svg_fit(cut, sizeof cut, name, 12, 150));
    y += 12;
    bool flat = !(high > low);
    double step = height / STEPS;
    for (int i = 0; i < STEPS; i++) /* the largest value on top; a touch of overlap hides the seams */
        roma_buf_print(out, "<rect x=\"%.1f\" y=\"%.2f\" width=\"16\" height=\"%.2f\" fill=\"%s\"/>\n", x, y + i * step,
                       i + 1 < STEPS ? step + 0.4 : step,
                       roma_report_shade(colour, flat ? 0.5 : 1 - (i + 0.5) / STEPS));
    roma_buf_print(out,
                   "<rect x=\"%.1f\" y=\"%.1f\" width=\"16\" height=\"%.1f\" fill=\"none\" stroke=\"" FAINT "\"/>\n", x,
                   y, height);
    for (int i = 0; i <= 2; i++) {
        if (flat && i != 1) continue;
        double v = flat ? high : high - (high - low) * i / 2;
        roma_report_svg_text(out, x + 23, y + height * i / 2 + 4, 11, AT_START, INK,
                             roma_report_value(text, sizeof text, v, unit));
    }
}
