/* Curves of a table. A cell that cannot be drawn (empty, text, not positive on a logarithmic axis) breaks its curve. */
#include "report/svg.h"

#include <math.h>
#include <string.h>

enum { WIDTH = 960, HEIGHT = 540, LEFT = 84, TOP = 64, BOTTOM = 480, MAX_KEYS = 16, MARKED_ROWS = 48 };

static roma_report_axis axis_over(const roma_table *t, const size_t *columns, size_t n, bool log, bool one_unit) {
    double low = INFINITY, high = -INFINITY;
    for (size_t i = 0; i < n; i++)
        for (size_t r = 0; r < t->n_rows; r++) {
            double v = roma_report_cell_real(t, r, columns[i]);
            if (!isfinite(v) || (log && v <= 0)) continue;
            low = fmin(low, v);
            high = fmax(high, v);
        }
    return roma_report_axis_of(low, high, log, n && one_unit ? t->columns[columns[0]].unit : "");
}

static void draw_line(const roma_table *t, size_t x, size_t y, const roma_report_axis *ax, const roma_report_axis *ay,
                      const char *colour, roma_buf *out) {
    bool down = false;
    roma_buf_print(out, "<path class=\"curve\" d=\"");
    for (size_t r = 0; r < t->n_rows; r++) {
        double vx = roma_report_cell_real(t, r, x), vy = roma_report_cell_real(t, r, y);
        bool good = roma_report_axis_takes(ax, vx) && roma_report_axis_takes(ay, vy);
        if (good)
            roma_buf_print(out, "%c%.1f %.1f", down ? 'L' : 'M', roma_report_axis_at(ax, vx),
                           roma_report_axis_at(ay, vy));
        down = good;
    }
    roma_buf_print(out, "\" fill=\"none\" stroke=\"%s\" stroke-width=\"2.2\" stroke-linejoin=\"round\"/>\n", colour);
}

static void draw_marks(const roma_table *t, size_t x, size_t y, const roma_report_axis *ax, const roma_report_axis *ay,
                       const char *colour, roma_buf *out) {
    for (size_t r = 0; r < t->n_rows; r++) {
        double vx = roma_report_cell_real(t, r, x), vy = roma_report_cell_real(t, r, y);
        char a[128], b[128], tip[264];
        if (!roma_report_axis_takes(ax, vx) || !roma_report_axis_takes(ay, vy)) continue;
        roma_buf_print(out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%s\" fill=\"%s\" stroke=\"" GROUND "\">",
                       roma_report_axis_at(ax, vx), roma_report_axis_at(ay, vy), t->n_rows > MARKED_ROWS ? "1.5" : "4",
                       colour);
        roma_print(tip, sizeof tip, "%s, %s", roma_report_cell_tip(a, sizeof a, t, r, x),
                   roma_report_cell_tip(b, sizeof b, t, r, y));
        roma_report_svg_tip(out, tip);
        roma_buf_print(out, "</circle>\n");
    }
}

/* Where the curve no longer holds, over all of the plot's height. */
static void draw_limit(const roma_mark *mark, const roma_report_axis *ax, const roma_report_axis *ay, roma_buf *out) {
    const double at = roma_report_axis_at(ax, mark->at);
    roma_buf_print(out,
                   "<g class=\"limit\"><rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"" GRID
                   "\" fill-opacity=\"0.6\"/><path d=\"M%.1f %.1fV%.1f\" stroke=\"" INK
                   "\" stroke-width=\"1.5\" stroke-dasharray=\"6 4\"/>",
                   at, ay->to, ax->to - at, ay->from - ay->to, at, ay->from, ay->to);
    roma_report_svg_tip(out, mark->name);
    const bool is_right = at > (ax->from + ax->to) / 2;
    roma_report_svg_text(out, at + (is_right ? -7 : 7), ay->to + 14, 12, is_right ? AT_END : AT_START, INK, mark->name);
    roma_buf_print(out, "</g>\n");
}

static bool same_units(const roma_table *t, const size_t *y, size_t n) {
    for (size_t i = 1; i < n; i++)
        if (strcmp(t->columns[y[i]].unit, t->columns[y[0]].unit) != 0) return false;
    return true;
}

void roma_report_curves_svg(const roma_table *t, size_t x, const size_t *y, size_t n_y, roma_axes axes, roma_buf *out) {
    roma_report_marked_curves_svg(t, x, y, n_y, axes, NULL, out);
}

void roma_report_marked_curves_svg(const roma_table *t, size_t x, const size_t *y, size_t n_y, roma_axes axes,
                                   const roma_mark *mark, roma_buf *out) {
    roma_report_key keys[MAX_KEYS] = {0};
    size_t n_keys = n_y < 2 ? 0 : n_y < MAX_KEYS ? n_y : MAX_KEYS; /* the axis names a single curve */
    bool one_unit = same_units(t, y, n_y);
    for (size_t i = 0; i < n_keys; i++) {
        const roma_column *c = &t->columns[y[i]];
        roma_print(keys[i].name, sizeof keys[i].name, one_unit || !c->unit[0] ? "%s" : "%s (%s)", c->name, c->unit);
        keys[i].note[0] = '\0';
        keys[i].fill = roma_report_series(i);
    }
    double legend = n_keys ? roma_report_legend_width(keys, n_keys) + 40 : 36;
    roma_report_axis ax = axis_over(t, &x, 1, axes.log_x, true), ay = axis_over(t, y, n_y, axes.log_y, one_unit);
    ax.from = LEFT;
    ax.to = WIDTH - legend;
    ay.from = BOTTOM;
    ay.to = TOP;
    roma_report_svg_open(out, WIDTH, HEIGHT, t->title);
    roma_report_axes_draw(out, &ax, &ay, t->columns[x].name, t->columns[x].unit,
                          n_y == 1   ? t->columns[y[0]].name
                          : one_unit ? ""
                                     : "value",
                          n_y && one_unit ? t->columns[y[0]].unit : "");
    roma_report_axes_begin(out);
    if (mark && mark->at >= ax.low && mark->at <= ax.high) draw_limit(mark, &ax, &ay, out);
    for (size_t i = 0; i < n_y; i++) draw_line(t, x, y[i], &ax, &ay, roma_report_series(i), out);
    for (size_t i = 0; i < n_y; i++) draw_marks(t, x, y[i], &ax, &ay, roma_report_series(i), out);
    roma_report_axes_end(out);
    roma_report_legend(out, WIDTH - legend + 22, TOP + 4, legend - 40, keys, n_keys);
    roma_report_svg_close(out);
}
