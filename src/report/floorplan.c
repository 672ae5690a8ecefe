/* Floorplan: every cell and every row of the grid to scale, the area outside as a hatched strip below. */
#include "report/svg.h"

#include <math.h>
#include <string.h>

enum { LEFT = 92, TOP = 64, SIDE = 620, KINDS = 6 };

typedef struct {
    const char *label; /* in a cell */
    size_t n;
    double area, power;
} kind;

typedef struct {
    const roma_floorplan *f;
    roma_floor_colour by;
    double low, high;    /* of the colour */
    int prefix;          /* SI exponent of the numbers in the cells */
    double area;         /* of the grid, mm2 */
    double width, scale; /* of the die: mm; pixels per mm */
    double other;        /* height of the strip, mm */
    kind kinds[KINDS];
    size_t n_kinds;
} plan;

static const char *const names[] = {"area of a cell", "power density", "utilisation"};
static const char *const units[] = {"mm2", "W/mm2", "%"};

static double value_of(const roma_floor_cell *c, roma_floor_colour by) {
    if (by == ROMA_FLOOR_AREA) return c->area_mm2;
    if (by == ROMA_FLOOR_UTILISATION) return c->utilisation * 100;
    return c->area_mm2 > 0 ? c->power_w / c->area_mm2 : 0;
}

static double positive(double v) { return isfinite(v) && v > 0 ? v : 0; }

static size_t kind_of(plan *p, const char *label) {
    size_t i = 0;
    while (i < p->n_kinds && strcmp(p->kinds[i].label, label) != 0) i++;
    if (i == p->n_kinds && i < KINDS) p->kinds[p->n_kinds++].label = label;
    return i < KINDS ? i : KINDS - 1;
}

static void survey(plan *p) {
    const roma_floorplan *f = p->f;
    p->low = INFINITY;
    p->high = -INFINITY;
    for (size_t i = 0; i < (size_t)f->rows * f->columns; i++) {
        const roma_floor_cell *c = &f->cells[i];
        kind *k = &p->kinds[kind_of(p, c->label)];
        double v = value_of(c, p->by);
        k->n++;
        k->area += positive(c->area_mm2);
        k->power += positive(c->power_w);
        p->area += positive(c->area_mm2);
        if (isfinite(v)) {
            p->low = fmin(p->low, v);
            p->high = fmax(p->high, v);
        }
    }
    if (p->low > p->high) p->low = p->high = 0;
    if (p->by != ROMA_FLOOR_AREA)
        p->low = fmin(p->low, 0); /* shares and densities from 0, or small differences look large */
    if (roma_report_takes_prefix(units[p->by])) p->prefix = roma_report_prefix(p->high, units[p->by]);
    double total = p->area > 0 ? p->area : f->rows * (double)f->columns;
    /* cells of about square shape; the rows then have the heights their areas ask for */
    p->width = sqrt(total * f->columns / f->rows);
    p->other = p->area > 0 ? positive(f->other_mm2) / p->width : 0;
    p->scale = fmin(SIDE / p->width, SIDE / (total / p->width + p->other));
}

static void draw_cell(const plan *p, roma_buf *out, uint32_t row, uint32_t column, double x, double y, double w,
                      double h) {
    const roma_floor_cell *c = &p->f->cells[(size_t)row * p->f->columns + column];
    char colour[8], tip[256], text[NUMBER_CAP], label[16];
    double v = value_of(c, p->by), share = p->high > p->low ? (v - p->low) / (p->high - p->low) : 0.5;
    roma_print(tip, sizeof tip, "%s, row %u column %u: %.4g mm2, %.4g W (%.3g W/mm2), %.1f%% busy",
               roma_report_ascii(label, sizeof label, c->label), row, column, c->area_mm2, c->power_w,
               value_of(c, ROMA_FLOOR_POWER), c->utilisation * 100);
    roma_buf_print(
        out,
        "<g class=\"cell\"><rect x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\" fill=\"%s\" stroke=\"" GROUND
        "\" "
        "stroke-width=\"%.2f\"/>",
        x, y, w, h, roma_report_shade(colour, share), fmin(fmin(w, h) * 0.06, 1.2));
    roma_report_svg_tip(out, tip);
    v = roma_report_unscale(v, p->prefix, units[p->by]);
    double most = roma_report_unscale(p->high, p->prefix, units[p->by]);
    roma_print(text, sizeof text, "%.*f", most < 9.95 ? 2 : most < 99.5 ? 1 : 0, v);
    double size = fmin(h * 0.42, 11);
    if (roma_report_svg_width(text, size) > w * 0.94) size = w * 0.94 / roma_report_svg_width(text, 1);
    if (size >= 5)
        roma_report_svg_text(out, x + w / 2, y + h / 2 + size * 0.36, size, AT_MIDDLE, roma_report_on(colour), text);
    roma_buf_print(out, "</g>\n");
}

/* Label of all cells of a row, or NULL. */
static const char *row_label(const roma_floorplan *f, uint32_t row) {
    const roma_floor_cell *c = &f->cells[(size_t)row * f->columns];
    for (uint32_t i = 1; i < f->columns; i++)
        if (strcmp(c[i].label, c[0].label) != 0) return NULL;
    return c[0].label;
}

/* Bracket left of rows of one kind, with its name. */
static void draw_bracket(roma_buf *out, double y0, double y1, const char *label) {
    double middle = (y0 + y1) / 2;
    roma_buf_print(out, "<path d=\"M%d %.1fh-6V%.1fh6\" fill=\"none\" stroke=\"" FAINT "\"/>\n", LEFT - 6, y0 + 1.5,
                   y1 - 1.5);
    if (y1 - y0 >= 90) {
        roma_buf_print(out, "<g transform=\"translate(%d %.1f) rotate(-90)\">", LEFT - 20, middle);
        roma_report_svg_text(out, 0, 0, 13, AT_MIDDLE, INK, label);
        roma_buf_print(out, "</g>\n");
    } else
        roma_report_svg_text(out, LEFT - 17, middle + 4, 12, AT_END, INK, label);
}

static double draw_grid(const plan *p, roma_buf *out) {
    const roma_floorplan *f = p->f;
    double y = TOP, run_y = TOP;
    for (uint32_t r = 0; r < f->rows; r++) {
        double area = 0, x = LEFT;
        for (uint32_t c = 0; c < f->columns; c++) area += positive(f->cells[(size_t)r * f->columns + c].area_mm2);
        double height = (p->area > 0 ? area : f->columns) / p->width * p->scale;
        for (uint32_t c = 0; c < f->columns; c++) {
            double mine = positive(f->cells[(size_t)r * f->columns + c].area_mm2);
            double w = (area > 0 ? mine / area : 1.0 / f->columns) * p->width * p->scale;
            draw_cell(p, out, r, c, x, y, w, height);
            x += w;
        }
        y += height;
        const char *label = row_label(f, r), *next = r + 1 < f->rows ? row_label(f, r + 1) : NULL;
        if (next && label && strcmp(label, next) == 0) continue;
        if (label) draw_bracket(out, run_y, y, label);
        run_y = y;
    }
    return y;
}

static double draw_other(const plan *p, roma_buf *out, double y) {
    double w = p->width * p->scale, h = p->other * p->scale;
    char text[96];
    if (h <= 0) return y;
    roma_buf_print(out,
                   "<pattern id=\"hatch\" width=\"7\" height=\"7\" patternUnits=\"userSpaceOnUse\" "
                   "patternTransform=\"rotate(45)\">"
                   "<rect width=\"7\" height=\"7\" fill=\"" HATCH "\"/><path d=\"M0 0V7\" stroke=\"" HATCH_LINE "\" "
                   "stroke-width=\"2\"/></pattern>\n"
                   "<g class=\"other\"><rect x=\"%d\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\" fill=\"url(#hatch)\" "
                   "stroke=\"" STROKE "\"/>",
                   LEFT, y, w, h);
    roma_print(text, sizeof text, "outside the grid: %.3g mm2", p->f->other_mm2);
    roma_report_svg_tip(out, text);
    roma_buf_print(out, "</g>\n");
    if (h >= 18) {
        double wide = roma_report_svg_width(text, 12) + 12;
        roma_buf_print(out, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"17\" rx=\"3\" fill=\"" GROUND "\"/>\n",
                       LEFT + w / 2 - wide / 2, y + h / 2 - 8.5, wide);
        roma_report_svg_text(out, LEFT + w / 2, y + h / 2 + 4, 12, AT_MIDDLE, INK, text);
    }
    return y + h;
}

/* Per kind: how many, how large, how hot. */
static void draw_kinds(const plan *p, roma_buf *out, double x, double y) {
    char text[128];
    for (size_t i = 0; i < p->n_kinds; i++) {
        const kind *k = &p->kinds[i];
        roma_buf_print(out, "<g font-weight=\"600\">");
        roma_print(text, sizeof text, "%s x %zu", k->label, k->n);
        roma_report_svg_text(out, x, y, 13, AT_START, INK, text);
        roma_print(text, sizeof text, "%.4g mm2, each %.3g", k->area, k->area / (double)k->n);
        roma_buf_print(out, "</g>");
        roma_report_svg_text(out, x, y + 17, 12, AT_START, FAINT, text);
        char watts[32], density[32];
        roma_print(text, sizeof text, "%s, %s", roma_report_si(watts, sizeof watts, k->power, "W"),
                   roma_report_si(density, sizeof density, k->area > 0 ? k->power / k->area : 0, "W/mm2"));
        roma_report_svg_text(out, x, y + 33, 12, AT_START, FAINT, text);
        y += 60;
    }
    if (p->other <= 0) return;
    roma_buf_print(out, "<g font-weight=\"600\">");
    roma_report_svg_text(out, x, y, 13, AT_START, INK, "outside the grid");
    roma_buf_print(out, "</g>");
    roma_print(text, sizeof text, "%.4g mm2", p->f->other_mm2);
    roma_report_svg_text(out, x, y + 17, 12, AT_START, FAINT, text);
}

/* A scale bar of a round length of about a sixth of the die. */
static void draw_scale(const plan *p, roma_buf *out, double bottom) {
    double want = p->width / 6, base = pow(10, floor(log10(want)));
    double mm = (want / base >= 5 ? 5 : want / base >= 2 ? 2 : 1) * base;
    char text[96];
    roma_buf_print(out, "<path d=\"M%d %.1fv6h%.2fv-6\" fill=\"none\" stroke=\"" INK "\"/>\n", LEFT, bottom + 8,
                   mm * p->scale);
    roma_print(text, sizeof text, "%.3g mm", mm);
    roma_report_svg_text(out, LEFT + mm * p->scale + 8, bottom + 17, 12, AT_START, INK, text);
    roma_print(text, sizeof text, "%.3g mm x %.3g mm = %.4g mm2", p->width, (bottom - TOP) / p->scale,
               p->area + positive(p->f->other_mm2));
    roma_report_svg_text(out, LEFT + p->width * p->scale, bottom + 17, 12, AT_END, FAINT, text);
}

void roma_report_floorplan_svg(const roma_floorplan *f, roma_floor_colour by, roma_buf *out) {
    plan p = {.f = f, .by = by};
    char title[160];
    survey(&p);
    double right = LEFT + p.width * p.scale + 28;
    double total = (p.area > 0 ? p.area : f->rows * (double)f->columns) / p.width + p.other;
    roma_print(title, sizeof title, "%s: %s, %s%s", f->title[0] ? f->title : "Floorplan", names[by],
               roma_report_prefix_text(p.prefix, units[by]), units[by]);
    roma_report_svg_open(out, right + 190, fmax(TOP + total * p.scale + 40, 400), title);
    double bottom = draw_other(&p, out, draw_grid(&p, out));
    if (p.area > 0) draw_scale(&p, out, bottom);
    roma_report_shade_bar(out, right, TOP + 10, 130, p.low, p.high, names[by], units[by]);
    draw_kinds(&p, out, right, TOP + 190);
    roma_report_svg_close(out);
}
