/* Tables for programs: JSON and CSV. A text that looks like a number or a bool is quoted in CSV, so that it reads back
 * as text. */
#include "report/internal.h"

void roma_report_table_json(const roma_table *t, roma_json *out, const char *key) {
    roma_json_open(out, key, '[');
    for (size_t r = 0; r < t->n_rows; r++) {
        roma_json_line(out);
        roma_json_open(out, NULL, '{');
        for (size_t c = 0; c < t->n_columns; c++) {
            const roma_cell *cell = roma_table_cell(t, r, c);
            const char *name = t->columns[c].name;
            switch (cell->kind) {
            case ROMA_CELL_EMPTY: roma_json_null(out, name); break;
            case ROMA_CELL_REAL: roma_json_digits(out, name, cell->real, t->columns[c].digits > 0 ? 10 : 0); break;
            case ROMA_CELL_TEXT: roma_json_string(out, name, cell->text); break;
            case ROMA_CELL_BOOL: roma_json_bool(out, name, cell->real != 0); break;
            }
        }
        roma_json_close(out, '}');
    }
    if (t->n_rows) roma_json_line(out);
    roma_json_close(out, ']');
}

void roma_report_table_units(const roma_table *t, roma_json *out, const char *key) {
    char name[sizeof t->columns->name + 64];
    for (size_t c = 0; c < t->n_columns; c++) {
        roma_print(name, sizeof name, "%s.%s", key, t->columns[c].name);
        roma_json_string(out, name, t->columns[c].unit);
    }
}

void roma_report_table_csv(const roma_table *t, roma_buf *out) {
    for (size_t c = 0; c < t->n_columns; c++) {
        char head[sizeof t->columns->name + sizeof t->columns->unit + 4];
        const roma_column *column = &t->columns[c];
        roma_print(head, sizeof head, column->unit[0] ? "%s [%s]" : "%s%s", column->name, column->unit);
        if (c) roma_buf_append(out, ",", 1);
        roma_report_csv_text(out, head, false);
    }
    roma_buf_append(out, "\r\n", 2);
    for (size_t r = 0; r < t->n_rows; r++) {
        for (size_t c = 0; c < t->n_columns; c++) {
            const roma_cell *cell = roma_table_cell(t, r, c);
            char number[NUMBER_CAP];
            if (c) roma_buf_append(out, ",", 1);
            switch (cell->kind) {
            case ROMA_CELL_EMPTY: break;
            case ROMA_CELL_REAL:
                roma_buf_print(out, "%s", roma_report_exact(number, cell->real, t->columns[c].digits));
                break;
            case ROMA_CELL_TEXT: roma_report_csv_text(out, cell->text, roma_report_csv_is_plain(cell->text)); break;
            case ROMA_CELL_BOOL: roma_buf_print(out, cell->real != 0 ? "true" : "false"); break;
            }
        }
        roma_buf_append(out, "\r\n", 2);
    }
}
