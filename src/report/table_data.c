/* Tables for programs: JSON and CSV. A text that looks like a number or a bool is quoted in CSV, so that it reads back
 * as text. */
#include "report/internal.h"

void roma_report_table_json(const roma_table *t, roma_buf *out) {
    roma_buf_append(out, "[", 1);
    for (size_t r = 0; r < t->n_rows; r++) {
        roma_buf_print(out, "%s\n{", r ? "," : "");
        for (size_t c = 0; c < t->n_columns; c++) {
            const roma_cell *cell = roma_table_cell(t, r, c);
            if (c) roma_buf_append(out, ",", 1);
            roma_report_json_text(out, t->columns[c].name);
            roma_buf_append(out, ":", 1);
            switch (cell->kind) {
            case ROMA_CELL_EMPTY: roma_buf_print(out, "null"); break;
            case ROMA_CELL_REAL: roma_report_json_number(out, cell->real, t->columns[c].digits); break;
            case ROMA_CELL_TEXT: roma_report_json_text(out, cell->text); break;
            case ROMA_CELL_BOOL: roma_buf_print(out, cell->real != 0 ? "true" : "false"); break;
            }
        }
        roma_buf_append(out, "}", 1);
    }
    roma_buf_print(out, "%s]", t->n_rows ? "\n" : "");
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
