/* Tables as aligned text, Markdown, JSON and CSV. */
#include "report/internal.h"

#include <math.h>
#include <string.h>

enum { CELL_CAP = 64, MIN_TEXT = 12 };

/* How a column is shown: one prefix and, where its numbers are of one size, one count of decimals for the whole column.
 */
typedef struct {
    int prefix, decimals; /* decimals -1: each number its own */
    bool right, whole;
    size_t width;
} style;

static bool is_finite_real(const roma_cell *c) { return c->kind == ROMA_CELL_REAL && isfinite(c->real); }

static style style_of(const roma_table *t, size_t column) {
    style s = {.decimals = -1, .whole = true};
    const roma_column *c = &t->columns[column];
    double least = INFINITY, most = 0;
    for (size_t r = 0; r < t->n_rows; r++) {
        const roma_cell *cell = roma_table_cell(t, r, column);
        if (cell->kind == ROMA_CELL_REAL) s.right = true;
        if (!is_finite_real(cell)) continue;
        double v = fabs(cell->real);
        if (floor(v) != v) s.whole = false;
        if (v > most) most = v;
        if (v != 0 && v < least) least = v;
    }
    if (c->digits <= 0 || most == 0) return s;
    if (roma_report_takes_prefix(c->unit) && most / least < 1e6) s.prefix = roma_report_prefix(most);
    if (s.prefix) s.whole = false;
    if (!s.whole && most / least <= 100 && least >= 1e-9) {
        int exponent = (int)floor(log10(roma_report_unscale(least, s.prefix)));
        s.decimals = c->digits - 1 - exponent;
        if (s.decimals < 0) s.decimals = 0;
        if (s.decimals > 12 || roma_report_unscale(most, s.prefix) >= 1e12) s.decimals = -1;
    }
    return s;
}

static void cell_text(const roma_table *t, size_t row, size_t column, const style *s, char buf[CELL_CAP]) {
    const roma_cell *c = roma_table_cell(t, row, column);
    buf[0] = '\0';
    if (c->kind == ROMA_CELL_TEXT) roma_report_ascii(buf, CELL_CAP, c->text);
    if (c->kind == ROMA_CELL_BOOL) roma_print(buf, CELL_CAP, "%s", c->real != 0 ? "yes" : "no");
    if (c->kind != ROMA_CELL_REAL) return;
    double v = s->prefix ? roma_report_unscale(c->real, s->prefix) : c->real;
    if (s->decimals >= 0 && isfinite(v))
        roma_print(buf, CELL_CAP, "%.*f", s->decimals, v);
    else
        roma_report_number(buf, v, t->columns[column].digits, s->whole);
}

static void unit_text(const roma_column *c, const style *s, char buf[CELL_CAP]) {
    char unit[48];
    roma_print(buf, CELL_CAP, "%s%s", roma_report_prefix_text(s->prefix),
               roma_report_ascii(unit, sizeof unit, c->unit));
}

/* Styles with widths; NULL when memory is short. Too wide for a terminal: the widest texts give way. */
static style *measure(const roma_table *t) {
    style *s = roma_alloc_array(t->n_columns, sizeof *s);
    if (!s) return NULL;
    size_t total = 0;
    for (size_t c = 0; c < t->n_columns; c++) {
        char buf[CELL_CAP];
        s[c] = style_of(t, c);
        s[c].width = strlen(roma_report_ascii(buf, sizeof buf, t->columns[c].name));
        unit_text(&t->columns[c], &s[c], buf);
        if (strlen(buf) > s[c].width) s[c].width = strlen(buf);
        for (size_t r = 0; r < t->n_rows; r++) {
            cell_text(t, r, c, &s[c], buf);
            if (strlen(buf) > s[c].width) s[c].width = strlen(buf);
        }
        total += s[c].width + 2;
    }
    while (total > TEXT_COLUMNS) {
        size_t widest = t->n_columns;
        for (size_t c = 0; c < t->n_columns; c++)
            if (!s[c].right && s[c].width > MIN_TEXT && (widest == t->n_columns || s[c].width > s[widest].width))
                widest = c;
        if (widest == t->n_columns) break;
        s[widest].width--;
        total--;
    }
    return s;
}

/* One field of a line; the last left-aligned one is not padded. */
static void put(roma_buf *out, const char *text, const style *s, size_t column, size_t n_columns) {
    char cut[CELL_CAP];
    roma_print(cut, sizeof cut, "%s", text);
    if (strlen(cut) > s[column].width) memcpy(cut + s[column].width - 3, "...", 4);
    int width = column + 1 == n_columns && !s[column].right ? 0 : (int)s[column].width;
    roma_buf_print(out, "  %*s", s[column].right ? width : -width, cut);
}

void roma_report_table_text(const roma_table *t, roma_buf *out) {
    char buf[CELL_CAP], title[sizeof t->title + 1];
    style *s = measure(t);
    if (!s) {
        out->failed |= t->n_columns != 0;
        return;
    }
    bool units = false;
    for (size_t c = 0; c < t->n_columns; c++) units |= t->columns[c].unit[0] != '\0';
    if (t->title[0]) roma_buf_print(out, "%s\n\n", roma_report_ascii(title, sizeof title, t->title));
    size_t line = out->len;
    for (size_t c = 0; c < t->n_columns; c++)
        put(out, roma_report_ascii(buf, sizeof buf, t->columns[c].name), s, c, t->n_columns);
    roma_report_end_line(out, line);
    line = out->len;
    for (size_t c = 0; units && c < t->n_columns; c++) {
        unit_text(&t->columns[c], &s[c], buf);
        put(out, buf, s, c, t->n_columns);
    }
    if (units) roma_report_end_line(out, line);
    for (size_t c = 0; c < t->n_columns; c++)
        roma_buf_print(out, "  %.*s", (int)s[c].width,
                       "----------------------------------------------------------------");
    roma_buf_append(out, "\n", 1);
    for (size_t r = 0; r < t->n_rows; r++) {
        line = out->len;
        for (size_t c = 0; c < t->n_columns; c++) {
            cell_text(t, r, c, &s[c], buf);
            put(out, buf, s, c, t->n_columns);
        }
        roma_report_end_line(out, line);
    }
    roma_free(s);
}

/* A bar in a cell would end it; the others would begin something. */
static void put_markdown(roma_buf *out, const char *text) {
    roma_buf_append(out, " ", 1);
    for (; *text; text++) roma_buf_print(out, strchr("|<*`\\", *text) ? "\\%c" : "%c", *text);
    roma_buf_append(out, " |", 2);
}

void roma_report_table_markdown(const roma_table *t, roma_buf *out) {
    char buf[CELL_CAP], head[2 * CELL_CAP + 4];
    style *s = measure(t);
    if (!s) {
        out->failed |= t->n_columns != 0;
        return;
    }
    roma_buf_append(out, "|", 1);
    for (size_t c = 0; c < t->n_columns; c++) {
        char name[CELL_CAP];
        unit_text(&t->columns[c], &s[c], buf);
        roma_print(head, sizeof head, *buf ? "%s (%s)" : "%s%s",
                   roma_report_ascii(name, sizeof name, t->columns[c].name), buf);
        put_markdown(out, head);
    }
    roma_buf_print(out, "\n|");
    for (size_t c = 0; c < t->n_columns; c++) roma_buf_print(out, s[c].right ? "---:|" : "---|");
    roma_buf_append(out, "\n", 1);
    for (size_t r = 0; r < t->n_rows; r++) {
        roma_buf_append(out, "|", 1);
        for (size_t c = 0; c < t->n_columns; c++) {
            cell_text(t, r, c, &s[c], buf);
            put_markdown(out, buf);
        }
        roma_buf_append(out, "\n", 1);
    }
    roma_free(s);
}
