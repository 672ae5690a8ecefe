/* Roofline (Williams, Waterman, Patterson 2009): what a machine can reach at an intensity, and where work lies under
 * it. */
#include "report/svg.h"

#include <math.h>

enum { WIDTH = 960, HEIGHT = 560, LEFT = 84, TOP = 64, BOTTOM = 500, MAX_KEYS = 12 };

static bool has_slope(const roma_roof *r) { return isfinite(r->byte_s) && r->byte_s > 0; }
static bool has_peak(const roma_roof *r) { return isfinite(r->mac_s) && r->mac_s > 0; }

static double roof_at(const roma_roof *r, double intensity) {
    double slope = has_slope(r) ? r->byte_s * intensity : (double)INFINITY;
    return has_peak(r) ? fmin(r->mac_s, slope) : slope;
}

static bool drawable(const roma_roof_point *p) {
    return isfinite(p->mac_per_byte) && p->mac_per_byte > 0 && isfinite(p->mac_s) && p->mac_s > 0;
}

static void stretch(double *low, double *high, double v) {
    if (!isfinite(v) || v <= 0) return;
    *low = fmin(*low, v);
    *high = fmax(*high, v);
}

/* Both axes hold every point and every ridge, with a decade or so around. */
static void find_axes(const roma_roof *roofs, size_t n_roofs, const roma_roof_point *points, size_t n_points,
                      double right, roma_report_axis *x, roma_report_axis *y) {
    double low = INFINITY, high = 0, bottom = INFINITY, top = 0;
    for (size_t i = 0; i < n_points; i++)
        if (drawable(&points[i])) {
            stretch(&low, &high, points[i].mac_per_byte);
            stretch(&bottom, &top, points[i].mac_s);
        }
    for (size_t i = 0; i < n_roofs; i++) {
        if (has_peak(&roofs[i]) && has_slope(&roofs[i])) stretch(&low, &high, roofs[i].mac_s / roofs[i].byte_s);
        if (has_peak(&roofs[i])) stretch(&bottom, &top, roofs[i].mac_s);
    }
    *x = roma_report_axis_of(low / 8, high * 8, true, "MAC/B");
    for (size_t i = 0; i < n_roofs;
         i++) { /* the slopes show where they begin, but not further down than three decades */
        double v = roof_at(&roofs[i], x->low);
        if (isfinite(v) && v > 0) bottom = fmin(bottom, fmax(v, top / 1e5));
    }
    *y = roma_report_axis_of(bottom / 1.5, top * 3, true, "MAC/s");
    x->from = LEFT;
    x->to = right;
    y->from = BOTTOM;
    y->to = TOP;
}

static void draw_roof(roma_buf *out, const roma_report_axis *x, const roma_report_axis *y, const roma_roof *r, size_t i,
                      roma_report_labels *labels) {
    double ridge = has_slope(r) && has_peak(r) ? r->mac_s / r->byte_s : has_peak(r) ? x->low : x->high;
    double corner = fmin(fmax(ridge, x->low), x->high);
    const double at[3] = {x->low, corner, x->high};
    char tip[160], mac[32], bytes[32];
    roma_buf_print(out, "<g class=\"roof\"><path d=\"");
    for (int k = 0; k < 3; k++)
        roma_buf_print(out, "%c%.1f %.1f", k ? 'L' : 'M', roma_report_axis_at(x, at[k]),
                       roma_report_axis_at(y, roof_at(r, at[k])));
    roma_buf_print(out, "\" fill=\"none\" stroke=\"%s\" stroke-width=\"2.5\" stroke-linejoin=\"round\"/>",
                   roma_report_series(i));
    roma_print(tip, sizeof tip, "%s: %s, %s", r->name, roma_report_si(mac, sizeof mac, r->mac_s, "MAC/s"),
               roma_report_si(bytes, sizeof bytes, r->byte_s, "B/s"));
    roma_report_svg_tip(out, tip);
    roma_buf_print(out, "</g>\n");
    /* labels keep off the lines */
    for (int k = 0; k < 2; k++)
        for (int s = 0; s <= 24; s++) {
            double v = at[k] * pow(at[k + 1] / at[k], s / 24.0);
            double px = roma_report_axis_at(x, v), py = roma_report_axis_at(y, roof_at(r, v));
            roma_report_labels_block(labels, (roma_report_box){px - 3, py - 2, px + 3, py + 2});
        }
}

static size_t make_keys(const roma_roof *roofs, size_t n_roofs, roma_report_key keys[MAX_KEYS]) {
    size_t n = n_roofs < MAX_KEYS ? n_roofs : MAX_KEYS;
    for (size_t i = 0; i < n; i++) {
        char mac[32] = "no peak", bytes[32] = "no memory limit";
        if (has_peak(&roofs[i])) roma_report_si(mac, sizeof mac, roofs[i].mac_s, "MAC/s");
        if (has_slope(&roofs[i])) roma_report_si(bytes, sizeof bytes, roofs[i].byte_s, "B/s");
        roma_print(keys[i].name, sizeof keys[i].name, "%s", roofs[i].name);
        roma_print(keys[i].note, sizeof keys[i].note, "%s, %s", mac, bytes);
        keys[i].fill = roma_report_series(i);
    }
    return n;
}

void roma_report_roofline_svg(const char *title, const roma_roof *roofs, size_t n_roofs, const roma_roof_point *points,
                              size_t n_points, roma_buf *out) {
    roma_report_key keys[MAX_KEYS] = {0};
    size_t n_keys = make_keys(roofs, n_roofs, keys);
    double legend = roma_report_legend_width(keys, n_keys), right = WIDTH - legend - 40;
    roma_report_axis x, y;
    find_axes(roofs, n_roofs, points, n_points, right, &x, &y);
    roma_report_labels labels = {.within = {LEFT, TOP, right, BOTTOM}};
    roma_report_svg_open(out, WIDTH, HEIGHT, title);
    roma_report_axes_draw(out, &x, &y, "arithmetic intensity", "MAC/B", "throughput", "MAC/s");
    roma_report_axes_begin(out);
    for (size_t i = 0; i < n_roofs; i++) draw_roof(out, &x, &y, &roofs[i], i, &labels);
    for (size_t i = 0; i < n_points; i++) {
        char tip[200], mac[32];
        if (!drawable(&points[i])) continue;
        double px = roma_report_axis_at(&x, points[i].mac_per_byte), py = roma_report_axis_at(&y, points[i].mac_s);
        roma_buf_print(out,
                       "<g class=\"point\"><circle cx=\"%.1f\" cy=\"%.1f\" r=\"5\" fill=\"" INK "\" stroke=\"" GROUND
                       "\" "
                       "stroke-width=\"1.5\"/>",
                       px, py);
        roma_print(tip, sizeof tip, "%s: %.4g MAC/B, %s", points[i].name, points[i].mac_per_byte,
                   roma_report_si(mac, sizeof mac, points[i].mac_s, "MAC/s"));
        roma_report_svg_tip(out, tip);
        roma_buf_print(out, "</g>\n");
        roma_report_labels_block(&labels, (roma_report_box){px - 6, py - 6, px + 6, py + 6});
    }
    for (size_t i = 0; i < n_points; i++)
        if (drawable(&points[i]))
            roma_report_labels_put(&labels, out, roma_report_axis_at(&x, points[i].mac_per_byte),
                                   roma_report_axis_at(&y, points[i].mac_s), 12, INK, points[i].name);
    roma_report_axes_end(out);
    roma_report_legend(out, right + 24, TOP + 4, legend, keys, n_keys);
    roma_report_svg_close(out);
}
