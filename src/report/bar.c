/* One stacked bar of shares, its slices listed below with value and percentage. */
#include "report/svg.h"

#include <math.h>

enum { WIDTH = 960, LEFT = 24, TOP = 56, BAR = 46, COLUMNS = 3, CELL = 304 };

static double value_of(const roma_slice *s) { return isfinite(s->value) && s->value > 0 ? s->value : 0; }

void roma_report_bar_svg(const char *title, const char *unit, const roma_slice *slices, size_t n, roma_buf *out) {
    /* black or white on a slice, whichever reads better on that series' colour */
    static const bool dark[SERIES] = {true, true, true, false, true, false, true, true, true, false, true, true};
    double total = 0, x = LEFT, span = WIDTH - 2 * LEFT;
    size_t lines = (n + COLUMNS - 1) / COLUMNS;
    for (size_t i = 0; i < n; i++) total += value_of(&slices[i]);
    char sum[64], head[200];
    roma_report_value(sum, sizeof sum, total, unit);
    roma_print(head, sizeof head, "%.100s (%s)", title, sum);
    roma_report_svg_open(out, WIDTH, TOP + BAR + 32 + 24 * (double)lines, head);
    for (size_t i = 0; i < n; i++) {
        double v = value_of(&slices[i]), width = total > 0 ? v / total * span : 0,
               share = total > 0 ? v / total * 100 : 0;
        char value[64], tip[160], percent[16];
        double row = TOP + BAR + 30 + 24 * (double)(i / COLUMNS), column = LEFT + CELL * (double)(i % COLUMNS);
        roma_report_value(value, sizeof value, v, unit);
        roma_print(percent, sizeof percent, "%.1f%%", share);
        roma_print(tip, sizeof tip, "%s: %s, %s", slices[i].name, value, percent);
        roma_buf_print(out,
                       "<g class=\"slice\"><rect x=\"%.2f\" y=\"%d\" width=\"%.2f\" height=\"%d\" fill=\"%s\" "
                       "stroke=\"#ffffff\"/>",
                       x, TOP, width, BAR, roma_report_series(i));
        roma_report_svg_tip(out, tip);
        const char *ink = dark[i % SERIES] ? "#ffffff" : INK;
        if (width > roma_report_svg_width(slices[i].name, 12) + 8 && width > 44) {
            roma_report_svg_text(out, x + width / 2, TOP + 20, 12, AT_MIDDLE, ink, slices[i].name);
            roma_report_svg_text(out, x + width / 2, TOP + 36, 11, AT_MIDDLE, ink, percent);
        } else if (width > 38)
            roma_report_svg_text(out, x + width / 2, TOP + 28, 11, AT_MIDDLE, ink, percent);
        roma_buf_print(out, "</g>\n<rect x=\"%.1f\" y=\"%.1f\" width=\"12\" height=\"12\" rx=\"2\" fill=\"%s\"/>\n",
                       column, row - 10.5, roma_report_series(i));
        roma_report_svg_text(out, column + 20, row, 12, AT_START, INK, slices[i].name);
        roma_report_svg_text(out, column + CELL - 82, row, 12, AT_END, FAINT, value);
        roma_report_svg_text(out, column + CELL - 32, row, 12, AT_END, FAINT, percent);
        x += width;
    }
    roma_report_svg_close(out);
}
