/* Scatter of two columns; colour from a third (a scale for numbers, a legend for texts), a front of marked rows. */
#include "report/svg.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { WIDTH = 960, HEIGHT = 580, LEFT = 84, TOP = 64, BOTTOM = 520, RIGHT = 760 };

typedef struct {
    const roma_table *t;
    size_t x, y, c, mark;
    roma_report_axis ax, ay;
    bool named; /* column c holds texts */
    double low, high;
    roma_report_key keys[SERIES];
    size_t n_keys;
    bool has_front;
} scatter;

static bool place(const scatter *s, size_t row, double *px, double *py) {
    double vx = roma_report_cell_real(s->t, row, s->x), vy = roma_report_cell_real(s->t, row, s->y);
    if (!roma_report_axis_takes(&s->ax, vx) || !roma_report_axis_takes(&s->ay, vy)) return false;
    *px = roma_report_axis_at(&s->ax, vx);
    *py = roma_report_axis_at(&s->ay, vy);
    return true;
}

static bool marked(const scatter *s, size_t row) {
    const roma_cell *c = s->mark == SIZE_MAX ? NULL : roma_table_cell(s->t, row, s->mark);
    return c && c->kind == ROMA_CELL_BOOL && c->real != 0;
}

/* Index of a text among the legend's; the last stands for all that do not fit. */
static size_t key_of(scatter *s, const char *text) {
    char name[96];
    roma_report_ascii(name, sizeof name, text);
    size_t i = 0;
    while (i < s->n_keys && strcmp(s->keys[i].name, name) != 0) i++;
    if (i < s->n_keys) return i;
    if (i == SERIES) {
        roma_print(s->keys[SERIES - 1].name, sizeof s->keys->name, "others");
        return SERIES - 1;
    }
    memcpy(s->keys[i].name, name, sizeof name);
    s->keys[i].note[0] = '\0';
    s->keys[i].fill = roma_report_series(i);
    s->n_keys++;
    return i;
}

static roma_report_axis axis_over(const roma_table *t, size_t column, bool log) {
    double low = INFINITY, high = -INFINITY;
    for (size_t r = 0; r < t->n_rows; r++) {
        double v = roma_report_cell_real(t, r, column);
        if (!isfinite(v) || (log && v <= 0)) continue;
        low = fmin(low, v);
        high = fmax(high, v);
    }
    return roma_report_axis_of(low, high, log, t->columns[column].unit);
}

static void survey(scatter *s, roma_axes axes) {
    s->ax = axis_over(s->t, s->x, axes.log_x);
    s->ay = axis_over(s->t, s->y, axes.log_y);
    s->ax.from = LEFT;
    s->ay.from = BOTTOM;
    s->ay.to = TOP;
    s->low = INFINITY;
    s->high = -INFINITY;
    for (size_t r = 0; r < s->t->n_rows; r++) {
        s->has_front |= marked(s, r);
        if (s->c == SIZE_MAX) continue;
        const roma_cell *c = roma_table_cell(s->t, r, s->c);
        if (c->kind == ROMA_CELL_TEXT) {
            s->named = true;
            key_of(s, c->text);
        }
        double v = roma_report_cell_real(s->t, r, s->c);
        if (!isfinite(v)) continue;
        s->low = fmin(s->low, v);
        s->high = fmax(s->high, v);
    }
    s->ax.to = s->has_front || s->c != SIZE_MAX ? RIGHT : WIDTH - 36; /* no legend, no room for one */
}

static const char *colour_of(scatter *s, size_t row, char buf[8]) {
    if (s->c == SIZE_MAX) return roma_report_series(0);
    const roma_cell *c = roma_table_cell(s->t, row, s->c);
    if (s->named) return c->kind == ROMA_CELL_TEXT ? s->keys[key_of(s, c->text)].fill : UNKNOWN;
    double v = roma_report_cell_real(s->t, row, s->c);
    if (!isfinite(v)) return UNKNOWN;
    return roma_report_shade(buf, s->high > s->low ? 0.08 + 0.92 * (v - s->low) / (s->high - s->low) : 0.5);
}

static void draw_point(scatter *s, size_t row, roma_buf *out) {
    double px, py;
    char colour[8], tip[128];
    if (!place(s, row, &px, &py)) return;
    bool front = marked(s, row);
    roma_buf_print(
        out,
        "<circle class=\"%s\" cx=\"%.1f\" cy=\"%.1f\" r=\"%s\" fill=\"%s\" stroke=\"%s\" stroke-width=\"%s\"%s><title>",
        front ? "front" : "row", px, py, front ? "6" : "4", colour_of(s, row, colour), front ? INK : STROKE,
        front ? "1.8" : "0.4", front ? "" : " fill-opacity=\"0.75\"");
    for (size_t c = 0; c < s->t->n_columns && c < 16; c++) {
        if (c) roma_buf_append(out, "\n", 1);
        roma_report_xml_text(out, roma_report_cell_tip(tip, sizeof tip, s->t, row, c));
    }
    roma_buf_print(out, "</title></circle>\n");
}

typedef struct {
    double x, y;
} spot;

static int by_x(const void *a, const void *b) {
    const spot *p = a, *q = b;
    if (p->x != q->x) return p->x < q->x ? -1 : 1;
    return p->y < q->y ? -1 : p->y > q->y;
}

static void draw_front(const scatter *s, roma_buf *out) {
    spot *spots = roma_alloc_array(s->t->n_rows, sizeof *spots);
    size_t n = 0;
    if (!spots) {
        out->failed = true;
        return;
    }
    for (size_t r = 0; r < s->t->n_rows; r++)
        if (marked(s, r) && place(s, r, &spots[n].x, &spots[n].y)) n++;
    qsort(spots, n, sizeof *spots, by_x);
    roma_buf_print(out, "<path class=\"front-line\" d=\"");
    for (size_t i = 0; i < n; i++) roma_buf_print(out, "%c%.1f %.1f", i ? 'L' : 'M', spots[i].x, spots[i].y);
    roma_buf_print(out, "\" fill=\"none\" stroke=\"" INK "\" stroke-width=\"1.6\" stroke-dasharray=\"6 3\"/>\n");
    roma_free(spots);
}

static void draw_legend(scatter *s, roma_buf *out) {
    const double x = RIGHT + 28;
    double y = TOP + 12;
    if (s->has_front) {
        roma_buf_print(out,
                       "<path d=\"M%.1f %.1fh32\" stroke=\"" INK "\" stroke-width=\"1.6\" stroke-dasharray=\"6 3\"/>"
                       "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"5\" fill=\"" GROUND "\" stroke=\"" INK
                       "\" stroke-width=\"1.8\"/>\n",
                       x, y, x + 16, y);
        char cut[64];
        roma_report_svg_text(out, x + 42, y + 4, 12, AT_START, INK,
                             roma_report_svg_fit(cut, sizeof cut, s->t->columns[s->mark].name, 12, WIDTH - x - 50));
        y += 34;
    }
    if (s->c == SIZE_MAX) return;
    const roma_column *c = &s->t->columns[s->c];
    if (s->named) {
        roma_report_svg_text(out, x, y, 12, AT_START, FAINT, c->name);
        roma_report_legend(out, x, y + 10, WIDTH - x - 10, s->keys, s->n_keys);
    } else if (s->low <= s->high)
        roma_report_shade_bar(out, x, y, 160, s->low, s->high, c->name, c->unit);
}

void roma_report_scatter_svg(const roma_table *t, size_t x, size_t y, size_t c, size_t mark, roma_axes axes,
                             roma_buf *out) {
    scatter s = {.t = t, .x = x, .y = y, .c = c, .mark = mark};
    survey(&s, axes);
    roma_report_svg_open(out, WIDTH, HEIGHT, t->title);
    roma_report_axes_draw(out, &s.ax, &s.ay, t->columns[x].name, t->columns[x].unit, t->columns[y].name,
                          t->columns[y].unit);
    roma_report_axes_begin(out);
    for (size_t r = 0; r < t->n_rows; r++)
        if (!marked(&s, r)) draw_point(&s, r, out);
    if (s.has_front) draw_front(&s, out);
    for (size_t r = 0; r < t->n_rows && s.has_front; r++)
        if (marked(&s, r)) draw_point(&s, r, out);
    roma_report_axes_end(out);
    draw_legend(&s, out);
    roma_report_svg_close(out);
}
