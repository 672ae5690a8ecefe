/* Labels of points: the first of a few places around the point where nothing is yet. */
#include "report/svg.h"

static bool overlaps(roma_report_box a, roma_report_box b) {
    return a.x0 < b.x1 && b.x0 < a.x1 && a.y0 < b.y1 && b.y0 < a.y1;
}

static bool is_free(const roma_report_labels *l, roma_report_box b) {
    if (b.x0 < l->within.x0 || b.x1 > l->within.x1 || b.y0 < l->within.y0 || b.y1 > l->within.y1) return false;
    for (size_t i = 0; i < l->n; i++)
        if (overlaps(b, l->taken[i])) return false;
    return true;
}

void roma_report_labels_block(roma_report_labels *l, roma_report_box b) {
    if (l->n < MAX_BOXES) l->taken[l->n++] = b;
}

void roma_report_labels_put(roma_report_labels *l, roma_buf *out, double x, double y, double size, const char *fill,
                            const char *text) {
    static const struct {
        signed char side; /* -1: text ends left of the point, 0: above or below, 1: begins right of it */
        signed char line; /* lines down */
    } places[] = {{1, 0},   {0, -1}, {0, 1},  {-1, 0}, {1, -1}, {1, 1}, {-1, -1}, {-1, 1}, {1, -2}, {1, 2},
                  {-1, -2}, {-1, 2}, {0, -2}, {0, 2},  {1, -3}, {1, 3}, {-1, -3}, {-1, 3}, {0, -3}, {0, 3}};
    double width = roma_report_svg_width(text, size), height = size + 3;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        double gap = places[i].side == 0 ? 4 : 0, middle = y + places[i].line * (height + gap);
        double left = places[i].side > 0 ? x + 9 : places[i].side < 0 ? x - 9 - width : x - width / 2;
        roma_report_box b = {left, middle - height / 2, left + width, middle + height / 2};
        if (!is_free(l, b)) continue;
        if (places[i].line < -1 || places[i].line > 1) /* far: a line leads there */
            roma_buf_print(out, "<path d=\"M%.1f %.1fL%.1f %.1f\" stroke=\"" FAINT "\" stroke-width=\"0.6\"/>\n", x, y,
                           places[i].side > 0   ? left
                           : places[i].side < 0 ? left + width
                                                : x,
                           middle);
        static const roma_report_anchor anchors[] = {AT_END, AT_MIDDLE, AT_START};
        roma_report_svg_text(out,
                             places[i].side > 0   ? left
                             : places[i].side < 0 ? left + width
                                                  : x,
                             middle + size * 0.36, size, anchors[places[i].side + 1], fill, text);
        roma_report_labels_block(l, b);
        return;
    }
}
