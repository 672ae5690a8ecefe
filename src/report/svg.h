/* The drawing board of every chart: page, texts, axes, colours, legend, labels that keep clear of one another. */
#ifndef ROMA_REPORT_SVG_H
#define ROMA_REPORT_SVG_H

#include "report/internal.h"

/* Colours in hexadecimal are those of a light page, and a style in every picture gives each its counterpart for a dark
 * one (schemes, colour.c). White and black by name, and the shades of a scale, are the same on both. */
#define GROUND "#ffffff"
#define INK "#1f2328"
#define FAINT "#59636e"
#define GRID "#e2e5e9"
#define STROKE "#6e7781"
#define HATCH "#f4f5f7"
#define HATCH_LINE "#b6bdc6"
#define UNKNOWN "#999999"

enum { SERIES = 13 };

/* ---- page (svg.c) ---- */

typedef enum { AT_START, AT_MIDDLE, AT_END } roma_report_anchor;
void roma_report_svg_open(roma_buf *out, double width, double height,
                          const char *title); /* page, white ground, heading */
void roma_report_svg_close(roma_buf *out);
void roma_report_svg_text(roma_buf *out, double x, double y, double size, roma_report_anchor anchor, const char *fill,
                          const char *text);
double roma_report_svg_width(const char *text,
                             double size); /* a guess on the wide side: the viewer's font is unknown */
/* Copy of text that fits into width, cut with "...": of headings, which a page's width bounds. */
const char *roma_report_svg_fit(char *buf, size_t cap, const char *text, double size, double width);
void roma_report_svg_tip(roma_buf *out, const char *text); /* <title> */

typedef struct {
    char name[96], note[96]; /* note: second line, may be empty */
    const char *fill;
} roma_report_key;
double roma_report_legend_width(const roma_report_key *keys, size_t n);
/* Names and notes that are wider than the legend go on below; returns y below it. */
double roma_report_legend(roma_buf *out, double x, double y, double width, const roma_report_key *keys, size_t n);

/* ---- colours (colour.c) ---- */

const char *roma_report_series(size_t i); /* distinct, also to the colour-blind */
/* The style that a viewer with a dark page follows. */
void roma_report_schemes(roma_buf *out);
/* Sequential, light to dark, even in lightness; share 0..1. */
const char *roma_report_shade(char buf[8], double share);
/* "white" or "black", whichever reads better on a colour #rrggbb: one of them has a contrast of 4.5 or more. */
const char *roma_report_on(const char *colour);
/* Colour bar with its ends written beside it. */
void roma_report_shade_bar(roma_buf *out, double x, double y, double height, double low, double high, const char *name,
                           const char *unit);

/* ---- axes (axis.c) ---- */

typedef struct {
    double low, high; /* values at the ends, nice ones */
    bool log;
    double from, to; /* the ends on the page */
    bool takes_prefix;
    int prefix, suffix; /* linear: SI exponents that the axis title carries, and that every tick carries */
} roma_report_axis;
/* Makes [low, high] nice; linear axes begin at 0 unless something is below. */
roma_report_axis roma_report_axis_of(double low, double high, bool log, const char *unit);
double roma_report_axis_at(const roma_report_axis *a, double v);
/* Can v be drawn? Finite, and positive on a logarithmic axis. */
bool roma_report_axis_takes(const roma_report_axis *a, double v);
/* Frame, grid, ticks and titles; opens a group clipped to the plot, which roma_report_axes_end closes. */
void roma_report_axes_draw(roma_buf *out, const roma_report_axis *x, const roma_report_axis *y, const char *x_name,
                           const char *x_unit, const char *y_name, const char *y_unit);
void roma_report_axes_begin(roma_buf *out);
void roma_report_axes_end(roma_buf *out);

/* ---- labels (label.c) ---- */

typedef struct {
    double x0, y0, x1, y1;
} roma_report_box;
enum { MAX_BOXES = 256 };
typedef struct {
    roma_report_box taken[MAX_BOXES], within;
    size_t n;
} roma_report_labels;
void roma_report_labels_block(roma_report_labels *l, roma_report_box b);
/* Text near (x, y) where nothing else is; nothing when there is no room. */
void roma_report_labels_put(roma_report_labels *l, roma_buf *out, double x, double y, double size, const char *fill,
                            const char *text);

/* Cells of a table as numbers: NAN for what is none. */
double roma_report_cell_real(const roma_table *t, size_t row, size_t column);
/* "name: 12.3 kB" for tips. */
const char *roma_report_cell_tip(char *buf, size_t cap, const roma_table *t, size_t row, size_t column);

#endif
