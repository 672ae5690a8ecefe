/* report - results as text, JSON, CSV, SVG and traces.
 *
 * Everything is appended to a roma_buf, which the caller owns and writes; JSON goes through the caller's roma_json.
 * Memory that ends sets out->failed; functions without a code cannot fail otherwise. Text is ASCII, aligned for a
 * terminal of 80 columns: a wider table goes on below, its rows named by the same first columns. JSON and CSV numbers
 * have 10 significant digits unless a column asks for all (digits 0); numbers that are not finite are null in JSON. SVG
 * needs nothing but a browser: no scripts, no fonts fetched, texts escaped. It is dark ink on white, and in a viewer
 * that prefers a dark scheme light ink on a dark ground. Threads: functions are re-entrant. */
#ifndef ROMA_REPORT_H
#define ROMA_REPORT_H

#include "roma/json.h"
#include "roma/result.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Writes v with an SI prefix, three significant digits ("12.3 k", "4.56 M", "789 u"), to buf (cap bytes); returns buf.
 * Bytes, unit "B", have Ki, Mi, Gi, ..., powers of 1024; "B/s" is a rate, with powers of ten. For units that take a
 * prefix, which the caller knows: not mm2, not %. */
const char *roma_report_si(char *buf, size_t cap, double v, const char *unit);

/* A list as text: "  name   value unit   [low .. high]  what is amiss; source", a blank line and heading for each
 * group. */
void roma_report_list_text(const roma_result *r, roma_buf *out);
/* A list as members of the object that is open, so that a verb can put its own keys before and behind them:
 * "group.name":{"value":..,"low":..,"high":..,"unit":".."} with "source":".." and "amiss":".." where there are any. */
void roma_report_list_json(const roma_result *r, roma_json *out);
/* A list as CSV: group,name,value,low,high,unit,source. */
void roma_report_list_csv(const roma_result *r, roma_buf *out);

/* A table as aligned text. */
void roma_report_table_text(const roma_table *t, roma_buf *out);
/* A table as the member `key` (NULL: an element): an array of objects, a line each, whose keys are the columns' names.
 */
void roma_report_table_json(const roma_table *t, roma_json *out, const char *key);
/* The units of a table's columns, "" where there is none, as members "KEY.NAME" of the object that is open, KEY being
 * the member that the table is. */
void roma_report_table_units(const roma_table *t, roma_json *out, const char *key);
/* A table as CSV (RFC 4180), header "name [unit]"; and as Markdown. */
void roma_report_table_csv(const roma_table *t, roma_buf *out);
void roma_report_table_markdown(const roma_table *t, roma_buf *out);

typedef enum { ROMA_FLOOR_AREA, ROMA_FLOOR_POWER, ROMA_FLOOR_UTILISATION } roma_floor_colour;
/* A floorplan to scale, each cell coloured by its area, power per area or utilisation and showing the number; a legend
 * with units, totals for each label. Rows of one label are named at their left. */
void roma_report_floorplan_svg(const roma_floorplan *f, roma_floor_colour by, roma_buf *out);

/* A roof of a roofline: MAC/s and bytes/s; a roof without one of its limits has 0 there. The legend has room for 12. */
typedef struct {
    char name[48];
    double mac_s, byte_s;
} roma_roof;
/* A point under the roofs: MAC per byte, and MAC/s. */
typedef struct {
    char name[48];
    double mac_per_byte, mac_s;
} roma_roof_point;
/* A roofline on logarithmic axes. */
void roma_report_roofline_svg(const char *title, const roma_roof *roofs, size_t n_roofs, const roma_roof_point *points,
                              size_t n_points, roma_buf *out);

/* Which axes are logarithmic; the others are linear, curves' from 0. */
typedef struct {
    bool log_x, log_y;
} roma_axes;
/* Curves of a table: column x against each of the columns y[0..n_y). A cell that cannot be drawn breaks its curve. */
void roma_report_curves_svg(const roma_table *t, size_t x, const size_t *y, size_t n_y, roma_axes axes, roma_buf *out);
/* A place on column x that curves are cut at: a dashed line with a name, and what is right of it in shade. */
typedef struct {
    char name[64];
    double at;
} roma_mark;
/* The same with a mark (NULL: none); one that is not within the axis is not drawn. */
void roma_report_marked_curves_svg(const roma_table *t, size_t x, const size_t *y, size_t n_y, roma_axes axes,
                                   const roma_mark *mark, roma_buf *out);
/* Scatter of column x against column y. Rows whose bool column `mark` is true (SIZE_MAX: none) are joined and
 * emphasised, as a Pareto front is. Colour is by column c (SIZE_MAX: none): a scale for numbers, a legend for texts. A
 * point's tip shows its row. */
void roma_report_scatter_svg(const roma_table *t, size_t x, size_t y, size_t c, size_t mark, roma_axes axes,
                             roma_buf *out);
/* A slice of a stacked bar. */
typedef struct {
    char name[32];
    double value;
} roma_slice;
/* One stacked horizontal bar of n shares; those that are not above 0 are left out. */
void roma_report_bar_svg(const char *title, const char *unit, const roma_slice *slices, size_t n, roma_buf *out);

/* A timeline as Chrome trace event JSON, gzipped (RFC 1952): one named track for each kind of unit, "X" events with ts
 * and dur in microseconds, metadata naming process and threads first. Above max_bytes of compressed output (0: no
 * limit) the shortest spans are dropped, and a metadata event "dropped" says how many. Equal timelines make equal
 * bytes. EUSAGE: no clock, a span on no track, max_bytes too small for the frame; ENOMEM; *out is then as before. */
int roma_report_trace(const roma_timeline *t, const char *process, size_t max_bytes, roma_buf *out, roma_error *err);
/* The same as plain JSON, which max_bytes then counts. */
int roma_report_trace_plain(const roma_timeline *t, const char *process, size_t max_bytes, roma_buf *out,
                            roma_error *err);

#ifdef __cplusplus
}
#endif
#endif
