/* Tables as aligned text, Markdown, JSON and CSV. */
#include "report/internal.h"

#include <math.h>
#include <string.h>

enum { CELL_CAP = 64, KEYS_MAX = 4, TEXT_MOST = 36 };

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
    if (roma_report_takes_prefix(c->unit) && most / least < 1e6) s.prefix = roma_report_prefix(most, c->unit);
    if (s.prefix) s.whole = false;
    if (!s.whole && most / least <= 100 && least >= 1e-9) {
        int exponent = (int)floor(log10(roma_report_unscale(least, s.prefix, c->unit)));
        s.decimals = c->digits - 1 - exponent;
        if (s.decimals < 0) s.decimals = 0;
        if (s.decimals > 12 || roma_report_unscale(most, s.prefix, c->unit) >= 1e12) s.decimals = -1;
    }
    return s;
}

static void cell_text(const roma_table *t, size_t row, size_t column, const style *s, char buf[CELL_CAP]) {
    const roma_cell *c = roma_table_cell(t, row, column);
    buf[0] = '\0';
    if (c->kind == ROMA_CELL_TEXT) roma_report_ascii(buf, CELL_CAP, c->text);
    if (c->kind == ROMA_CELL_BOOL) roma_print(buf, CELL_CAP, "%s", c->real != 0 ? "yes" : "no");
    if (c->kind != ROMA_CELL_REAL) return;
    double v = s->prefix ? roma_report_unscale(c->real, s->prefix, t->columns[column].unit) : c->real;
    if (s->decimals >= 0 && isfinite(v))
        roma_print(buf, CELL_CAP, "%.*f", s->decimals, v);
    else
        roma_report_number(buf, v, t->columns[column].digits, s->whole);
}

static void unit_text(const roma_column *c, const style *s, char buf[CELL_CAP]) {
    char unit[48];
    roma_print(buf, CELL_CAP, "%s%s", roma_report_prefix_text(s->prefix, c->unit),
               roma_report_ascii(unit, sizeof unit, c->unit));
}

/* Styles with widths; NULL when memory is short. Long texts give way where a terminal has no room for all columns. */
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
    for (size_t c = 0; c < t->n_columns && total > TEXT_COLUMNS; c++)
        if (!s[c].right && s[c].width > TEXT_MOST) s[c].width = TEXT_MOST;
    return s;
}

/* ---- as text ---- */

/* Columns that are shown together: the first `keys`, and those from `from` to before `to`. */
typedef struct {
    size_t keys, from, to;
} part;

static bool is_same_row(const roma_table *t, size_t a, size_t b, size_t columns) {
    for (size_t c = 0; c < columns; c++) {
        const roma_cell *x = roma_table_cell(t, a, c), *y = roma_table_cell(t, b, c);
        if (x->kind != y->kind) return false;
        if (x->kind == ROMA_CELL_TEXT ? strcmp(x->text, y->text) != 0 : x->real < y->real || x->real > y->real)
            return false;
    }
    return true;
}

/* How many of the first columns tell each row from the one before it: those name the rows. */
static size_t keys_of(const roma_table *t) {
    size_t keys = 1;
    for (size_t r = 1; r < t->n_rows; r++)
        while (keys < KEYS_MAX && keys + 1 < t->n_columns && is_same_row(t, r - 1, r, keys)) keys++;
    return keys < t->n_columns ? keys : t->n_columns;
}

/* The next columns that fit a terminal beside the keys, at least one. */
static part next_part(const roma_table *t, const style *s, size_t keys, size_t from) {
    size_t width = 0;
    part p = {from ? keys : 0, from, from};
    for (size_t c = 0; c < p.keys; c++) width += s[c].width + 2;
    while (p.to < t->n_columns && (p.to == p.from || width + s[p.to].width + 2 <= TEXT_COLUMNS))
        width += s[p.to++].width + 2;
    return p;
}

/* A line of a part: one field of each column, from a function of (table, style, column, row). The last one, if it is
 * left-aligned, is not padded. */
typedef void field(const roma_table *t, const style *s, size_t column, size_t row, char buf[CELL_CAP]);

static void name_field(const roma_table *t, const style *s, size_t column, size_t row, char buf[CELL_CAP]) {
    (void)s, (void)row;
    roma_report_ascii(buf, CELL_CAP, t->columns[column].name);
}
static void unit_field(const roma_table *t, const style *s, size_t column, size_t row, char buf[CELL_CAP]) {
    (void)row;
    unit_text(&t->columns[column], s, buf);
}
static void rule_field(const roma_table *t, const style *s, size_t column, size_t row, char buf[CELL_CAP]) {
    (void)t, (void)column, (void)row;
    roma_print(buf, CELL_CAP, "%.*s", (int)s->width, "---------------------------------------------------------------");
}
static void cell_field(const roma_table *t, const style *s, size_t column, size_t row, char buf[CELL_CAP]) {
    cell_text(t, row, column, s, buf);
}

static void put_line(const roma_table *t, const style *s, part p, field *f, size_t row, roma_buf *out) {
    const size_t line = out->len;
    for (size_t c = 0; c < p.to; c++) {
        char text[CELL_CAP];
        if (c < p.from && c >= p.keys) continue;
        f(t, &s[c], c, row, text);
        if (strlen(text) > s[c].width) memcpy(text + s[c].width - 3, "...", 4);
        const int width = c + 1 == p.to && !s[c].right ? 0 : (int)s[c].width;
        roma_buf_print(out, "  %*s", s[c].right ? width : -width, text);
    }
    roma_report_end_line(out, line);
}

static void put_part(const roma_table *t, const style *s, part p, roma_buf *out) {
    bool units = false;
    for (size_t c = 0; c < p.to; c++) units |= (c < p.keys || c >= p.from) && t->columns[c].unit[0] != '\0';
    put_line(t, s, p, name_field, 0, out);
    if (units) put_line(t, s, p, unit_field, 0, out);
    put_line(t, s, p, rule_field, 0, out);
    for (size_t r = 0; r < t->n_rows; r++) put_line(t, s, p, cell_field, r, out);
}

void roma_report_table_text(const roma_table *t, roma_buf *out) {
    char title[sizeof t->title + 1];
    style *s = measure(t);
    if (!s) {
        out->failed |= t->n_columns != 0;
        return;
    }
    if (t->title[0]) roma_buf_print(out, "%s\n\n", roma_report_ascii(title, sizeof title, t->title));
    const size_t keys = keys_of(t);
    for (size_t from = 0; from < t->n_columns;) {
        const part p = next_part(t, s, keys, from);
        if (from) roma_buf_append(out, "\n", 1);
        put_part(t, s, p, out);
        from = p.to;
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
