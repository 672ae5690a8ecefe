/* One stacked bar of shares, its slices listed below with value and percentage; those of nothing are left out. */
#include "report/svg.h"

#include <math.h>

enum { WIDTH = 960, LEFT = 24, TOP = 56, BAR = 46, COLUMNS = 3, CELL = 304 };

static double value_of(const roma_slice *s) { return isfinite(s->value) && s->value > 0 ? s->value : 0; }

/* The k-th slice that is drawn, from x on. */
static void draw_slice(roma_buf *out, size_t k, double x, double width, const char *name, const char *value,
                       const char *percent) {
    const char *ink = roma_report_on(roma_report_series(k));
    char tip[160];
    roma_buf_print(out,
                   "<g class=\"slice\"><rect x=\"%.2f\" y=\"%d\" width=\"%.2f\" height=\"%d\" fill=\"%s\" "
                   "stroke=\"" GROUND "\"/>",
                   x, TOP, width, BAR, roma_report_series(k));
    roma_print(tip, sizeof tip, "%s: %s, %s", name, value, percent);
    roma_report_svg_tip(out, tip);
    if (width > roma_report_svg_width(name, 12) + 8 && width > 44) {
        roma_report_svg_text(out, x + width / 2, TOP + 20, 12, AT_MIDDLE, ink, name);
        roma_report_svg_text(out, x + width / 2, TOP + 36, 11, AT_MIDDLE, ink, percent);
    } else if (width > 38)
        roma_report_svg_text(out, x + width / 2, TOP + 28, 11, AT_MIDDLE, ink, percent);
    roma_buf_print(out, "</g>\n");
}

static void draw_key(roma_buf *out, size_t k, const char *name, const char *value, const char *percent) {
    const double y = TOP + BAR + 30 + 24 * (double)(k / COLUMNS), x = LEFT + CELL * (double)(k % COLUMNS);
    roma_buf_print(out, "<rect x=\"%.1f\" y=\"%.1f\" width=\"12\" height=\"12\" rx=\"2\" fill=\"%s\"/>\n", x, y - 10.5,
                   roma_report_series(k));
    roma_report_svg_text(out, x + 20, y, 12, AT_START, INK, name);
    roma_report_svg_text(out, x + CELL - 82, y, 12, AT_END, FAINT, value);
    roma_report_svg_text(out, x + CELL - 32, y, 12, AT_END, FAINT, percent);
}

void roma_report_bar_svg(const char *title, const char *unit, const roma_slice *slices, size_t n, roma_buf *out) {
    double total = 0, x = LEFT;
    size_t drawn = 0;
    for (size_t i = 0; i < n; i++) {
        total += value_of(&slices[i]);
        drawn += value_of(&slices[i]) > 0;
    }
    char sum[64], head[200];
    roma_report_value(sum, sizeof sum, total, unit);
    roma_print(head, sizeof head, "%.100s (%s)", title, sum);
    roma_report_svg_open(out, WIDTH, TOP + BAR + 32 + 24 * (double)((drawn + COLUMNS - 1) / COLUMNS), head);
    for (size_t i = 0, k = 0; i < n; i++) {
        const double share = value_of(&slices[i]) / total;
        char value[64], percent[16];
        if (!(share > 0)) continue;
        roma_report_value(value, sizeof value, value_of(&slices[i]), unit);
        roma_print(percent, sizeof percent, "%.1f%%", 100 * share);
        draw_slice(out, k, x, share * (WIDTH - 2 * LEFT), slices[i].name, value, percent);
        draw_key(out, k++, slices[i].name, value, percent);
        x += share * (WIDTH - 2 * LEFT);
    }
    roma_report_svg_close(out);
}
