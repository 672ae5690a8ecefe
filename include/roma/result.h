/* result - named results with unit, range and provenance: what the chip model says and `report` shows.
 *
 * A table has typed columns and rows of cells; a timeline has spans on tracks; a floorplan has cells of a grid. Texts
 * are copied. A failed allocation sets .failed and keeps the rest valid, as roma_buf does.
 */
#ifndef ROMA_RESULT_H
#define ROMA_RESULT_H

#include "roma/base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    double low, mid, high; /* low <= mid <= high; equal: no range */
} roma_range;
static inline roma_range roma_range_of(double v) {
    roma_range r = {v, v, v};
    return r;
}

/* ---- list: one named value a row, grouped by `group` ---- */

typedef struct {
    char group[32], name[48]; /* machine names: [a-z0-9_.] */
    char unit[16];            /* "" for a count */
    roma_range v;
    char source[96]; /* where it comes from, "" when evident */
} roma_result_item;
typedef struct {
    roma_result_item *items;
    size_t n, cap;
    bool failed;
} roma_result;
void roma_result_add(roma_result *r, const char *group, const char *name, const char *unit, roma_range v,
                     const char *source);
const roma_result_item *roma_result_find(const roma_result *r, const char *group, const char *name); /* NULL: none */
void roma_result_destroy(roma_result *r);

/* ---- table: columns and rows ---- */

typedef enum { ROMA_CELL_EMPTY, ROMA_CELL_REAL, ROMA_CELL_TEXT, ROMA_CELL_BOOL } roma_cell_kind;
typedef struct {
    roma_cell_kind kind;
    double real; /* also the bool */
    char *text;  /* owned by the table */
} roma_cell;
typedef struct {
    char name[32], unit[16];
    int digits; /* significant digits of text output; 0: 17, exact */
} roma_column;
typedef struct {
    char title[96];
    roma_column *columns;
    size_t n_columns, cap_columns;
    roma_cell *cells; /* n_rows x n_columns */
    size_t n_rows, cap_rows;
    bool failed;
} roma_table;
void roma_table_column(roma_table *t, const char *name, const char *unit,
                       int digits);                           /* all columns before the first row */
void roma_table_row(roma_table *t);                           /* appends a row of empty cells */
void roma_table_real(roma_table *t, size_t column, double v); /* cell of the last row */
void roma_table_text(roma_table *t, size_t column, const char *text);
void roma_table_bool(roma_table *t, size_t column, bool v);
const roma_cell *roma_table_cell(const roma_table *t, size_t row, size_t column);
void roma_table_destroy(roma_table *t);

/* ---- timeline: what each unit kind did when ---- */

typedef struct {
    uint32_t track;                        /* index in tracks */
    char name[24], detail[40];             /* "linear q", "layer 3 rows 0-31" */
    uint64_t start_cyc, busy_cyc, end_cyc; /* the track is taken in [start, busy), the result is there at end */
} roma_span;
typedef struct {
    const char *tracks[8]; /* static texts */
    uint32_t n_tracks;
    double clock_hz;
    roma_span *spans;
    size_t n, cap;
    bool failed;
} roma_timeline;
void roma_timeline_add(roma_timeline *t, const roma_span *span);
void roma_timeline_destroy(roma_timeline *t);

/* ---- floorplan: a grid of units ---- */

typedef struct {
    char label[12];                        /* "matrix", "vector", "other" */
    double area_mm2, power_w, utilisation; /* utilisation 0..1 */
} roma_floor_cell;
typedef struct {
    char title[96];
    uint32_t rows, columns;
    roma_floor_cell *cells; /* rows x columns, owned */
    double other_mm2;       /* area outside the grid */
} roma_floorplan;
int roma_floorplan_create(roma_floorplan *f, uint32_t rows, uint32_t columns); /* ENOMEM */
void roma_floorplan_destroy(roma_floorplan *f);

#ifdef __cplusplus
}
#endif
#endif
