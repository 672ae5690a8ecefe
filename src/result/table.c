/* Table: columns, then rows. After a failed allocation nothing is written any more, for the last row would be the wrong
 * one. */
#include "roma/result.h"

#include <assert.h>
#include <string.h>

void roma_table_column(roma_table *t, const char *name, const char *unit, int digits) {
    assert(t->n_rows == 0);
    t->failed |= !ROMA_GROW(&t->columns, t->n_columns, &t->cap_columns);
    if (t->failed) return;
    roma_column *c = &t->columns[t->n_columns++];
    roma_print(c->name, sizeof c->name, "%s", name);
    roma_print(c->unit, sizeof c->unit, "%s", unit);
    c->digits = digits;
}

void roma_table_row(roma_table *t) {
    assert(t->n_columns);
    if (!t->n_columns) return;
    t->failed |= !roma_grow(&t->cells, t->n_rows, &t->cap_rows, t->n_columns * sizeof *t->cells);
    if (t->failed) return;
    memset(t->cells + t->n_rows * t->n_columns, 0, t->n_columns * sizeof *t->cells);
    t->n_rows++;
}

/* Emptied cell of the last row, or NULL. */
static roma_cell *fresh(roma_table *t, size_t column) {
    if (t->failed) return NULL;
    assert(t->n_rows && column < t->n_columns);
    roma_cell *c = &t->cells[(t->n_rows - 1) * t->n_columns + column];
    roma_free(c->text);
    *c = (roma_cell){0};
    return c;
}

void roma_table_real(roma_table *t, size_t column, double v) {
    roma_cell *c = fresh(t, column);
    if (c) *c = (roma_cell){.kind = ROMA_CELL_REAL, .real = v};
}

void roma_table_bool(roma_table *t, size_t column, bool v) {
    roma_cell *c = fresh(t, column);
    if (c) *c = (roma_cell){.kind = ROMA_CELL_BOOL, .real = v};
}

void roma_table_text(roma_table *t, size_t column, const char *text) {
    roma_cell *c = fresh(t, column);
    if (!c) return;
    size_t bytes = strlen(text) + 1;
    char *copy = roma_alloc(bytes);
    if (!copy) {
        t->failed = true;
        return;
    }
    memcpy(copy, text, bytes);
    *c = (roma_cell){.kind = ROMA_CELL_TEXT, .text = copy};
}

const roma_cell *roma_table_cell(const roma_table *t, size_t row, size_t column) {
    assert(row < t->n_rows && column < t->n_columns);
    return &t->cells[row * t->n_columns + column];
}

void roma_table_destroy(roma_table *t) {
    for (size_t i = 0; i < t->n_rows * t->n_columns; i++) roma_free(t->cells[i].text);
    roma_free(t->cells);
    roma_free(t->columns);
    memset(t, 0, sizeof *t);
}
