/* result - named results with unit, range and provenance: what the chip model says and `report` shows.
 *
 * A list has named values; a table typed columns and rows of cells; a timeline spans on tracks; a floorplan cells of a
 * grid. Each is a structure of its caller's, empty when all zero, which owns its memory and is ended by its destroy.
 * Texts are copied, cut to the member's size. A failed allocation sets .failed and keeps the rest valid, as roma_buf
 * does. Threads: functions are re-entrant; an object belongs to one thread. */
#ifndef ROMA_RESULT_H
#define ROMA_RESULT_H

#include "roma/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A value and its range: low <= mid <= high; all equal: no range. */
typedef struct {
    double low, mid, high; /* low <= mid <= high; equal: no range */
} roma_range;
/* The range of one value. */
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
    char amiss[64];  /* in words, why the value, or an end of its range, cannot be; "" where nothing is amiss */
} roma_result_item;
typedef struct {
    roma_result_item *items;
    size_t n, cap;
    bool failed;
} roma_result;
/* Appends a value to the list, with nothing amiss. */
void roma_result_add(roma_result *r, const char *group, const char *name, const char *unit, roma_range v,
                     const char *source);
/* The item of that group and name, the list's, until the next add; NULL: none. */
const roma_result_item *roma_result_find(const roma_result *r, const char *group, const char *name);
void roma_result_destroy(roma_result *r);

/* ---- table: columns and rows ---- */

typedef enum { ROMA_CELL_EMPTY, ROMA_CELL_REAL, ROMA_CELL_TEXT, ROMA_CELL_BOOL } roma_cell_kind;
/* A cell: a number or truth in `real`, or a text, which the table owns. */
typedef struct {
    roma_cell_kind kind;
    double real; /* also the bool */
    char *text;  /* owned by the table */
} roma_cell;
/* A column: name, unit, and significant digits of its numbers in text output; digits 0: 17, exact. */
typedef struct {
    char name[32], unit[16];
    int digits; /* significant digits of text output; 0: 17, exact */
} roma_column;
/* A table: cells are n_rows x n_columns, row by row. */
typedef struct {
    char title[96];
    roma_column *columns;
    size_t n_columns, cap_columns;
    roma_cell *cells; /* n_rows x n_columns */
    size_t n_rows, cap_rows;
    bool failed;
} roma_table;
/* Appends a column; all columns come before the first row. */
void roma_table_column(roma_table *t, const char *name, const char *unit,
                       int digits); /* all columns before the first row */
/* Appends a row of empty cells. */
void roma_table_row(roma_table *t);
/* Sets a cell of the last row. */
void roma_table_real(roma_table *t, size_t column, double v);
void roma_table_text(roma_table *t, size_t column, const char *text);
void roma_table_bool(roma_table *t, size_t column, bool v);
/* A cell, row < n_rows and column < n_columns; the table's, until the next row. */
const roma_cell *roma_table_cell(const roma_table *t, size_t row, size_t column);
void roma_table_destroy(roma_table *t);

/* ---- timeline: what each unit kind did when ---- */

/* A span of a track: cycles of the clock. */
typedef struct {
    uint32_t track;                        /* index in tracks */
    char name[24], detail[40];             /* "linear q", "layer 3 rows 0-31" */
    uint64_t start_cyc, busy_cyc, end_cyc; /* the track is taken in [start, busy), the result is there at end */
} roma_span;
/* A timeline: what each kind of unit did when. */
typedef struct {
    const char *tracks[8]; /* static texts */
    uint32_t n_tracks;
    double clock_hz;
    roma_span *spans;
    size_t n, cap;
    bool failed;
} roma_timeline;
/* Appends a copy of a span. */
void roma_timeline_add(roma_timeline *t, const roma_span *span);
void roma_timeline_destroy(roma_timeline *t);

/* ---- floorplan: a grid of units ---- */

typedef struct {
    char label[12];                        /* "matrix", "vector", "other" */
    double area_mm2, power_w, utilisation; /* utilisation 0..1 */
} roma_floor_cell;
/* A floorplan: rows x columns cells, row by row. */
typedef struct {
    char title[96];
    uint32_t rows, columns;
    roma_floor_cell *cells; /* rows x columns, owned */
    double other_mm2;       /* area outside the grid */
} roma_floorplan;
/* Takes memory for a grid of zeroed cells. ENOMEM; *f is then empty. */
int roma_floorplan_create(roma_floorplan *f, uint32_t rows, uint32_t columns);
void roma_floorplan_destroy(roma_floorplan *f);

#ifdef __cplusplus
}
#endif
#endif
