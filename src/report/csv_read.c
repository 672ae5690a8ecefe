/* Reads CSV (RFC 4180, and lines that end in LF alone) into a table. Input is hostile: everything has a limit and a line. */
#include "report/internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_COLUMNS = 256, MAX_ROWS = 1000000, MAX_FIELD = 65536, MAX_FILE = 64 << 20 };

typedef struct {
    const char *text;
    size_t len, at;
    uint64_t line;     /* of the field being read */
    uint64_t next_line; /* of text[at] */
    const char *file;
    roma_error *err;
    roma_buf field; /* ends in NUL, which field.len counts */
    bool quoted, last; /* of the field just read: it had quotes; it ends its line */
} reader;

static int bad(reader *r, const char *what) { return roma_fail_line(r->err, ROMA_EINPUT, r->file, r->line, "%s", what); }

static int take(reader *r, char c) {
    if (c == '\0') return bad(r, "a zero byte in a CSV file");
    if (r->field.len >= MAX_FIELD) return bad(r, "a field has more than 65536 bytes");
    roma_buf_append(&r->field, &c, 1);
    return ROMA_OK;
}

static int read_quoted(reader *r) {
    for (r->at++; r->at < r->len; r->at++) {
        char c = r->text[r->at];
        if (c == '"') {
            if (r->at + 1 >= r->len || r->text[r->at + 1] != '"') {
                r->at++;
                return ROMA_OK;
            }
            r->at++;
        }
        if (c == '\n') r->next_line++;
        int rc = take(r, c);
        if (rc) return rc;
    }
    return bad(r, "a quoted field does not end; its closing quote is missing");
}

static int read_bare(reader *r) {
    for (; r->at < r->len; r->at++) {
        char c = r->text[r->at];
        if (c == ',' || c == '\n' || c == '\r') break;
        if (c == '"') return bad(r, "a quote inside a field that is not quoted; quote the field and double the quote");
        int rc = take(r, c);
        if (rc) return rc;
    }
    return ROMA_OK;
}

/* A field and the comma or line end behind it. */
static int read_field(reader *r) {
    r->field.len = 0;
    r->line = r->next_line;
    r->quoted = r->at < r->len && r->text[r->at] == '"';
    int rc = r->quoted ? read_quoted(r) : read_bare(r);
    if (rc) return rc;
    roma_buf_append(&r->field, "", 1);
    if (r->field.failed) return roma_fail(r->err, ROMA_ENOMEM, r->file, ROMA_NOWHERE, "not enough memory for a field");
    r->last = true;
    if (r->at == r->len) return ROMA_OK;
    char c = r->text[r->at++];
    if (c == ',') {
        r->last = false;
        return ROMA_OK;
    }
    if (c == '\r' && r->at < r->len && r->text[r->at] == '\n') {
        r->at++;
        c = '\n';
    }
    if (c == '\n') {
        r->next_line++;
        return ROMA_OK;
    }
    return bad(r, c == '\r' ? "a carriage return without a line feed" : "text behind the closing quote of a field");
}

/* "name [unit]" or "name" */
static int add_column(reader *r, roma_table *t) {
    char *name = (char *)r->field.data, *unit = (char *)"";
    size_t n = strlen(name);
    char *open = n && name[n - 1] == ']' ? strrchr(name, '[') : NULL;
    if (open && open - name >= 2 && open[-1] == ' ') {
        name[n - 1] = '\0';
        open[-1] = '\0';
        unit = open + 1;
    }
    if (!*name) return bad(r, "a column of the header has no name");
    if (strlen(name) >= sizeof t->columns->name) return bad(r, "a column name has more than 31 bytes");
    if (strlen(unit) >= sizeof t->columns->unit) return bad(r, "a unit has more than 15 bytes");
    for (size_t i = 0; i < t->n_columns; i++)
        if (strcmp(t->columns[i].name, name) == 0) return bad(r, "two columns have the same name");
    if (t->n_columns == MAX_COLUMNS) return bad(r, "more than 256 columns");
    roma_table_column(t, name, unit, 0);
    return ROMA_OK;
}

static int set_cell(reader *r, roma_table *t, size_t column) {
    const char *s = (const char *)r->field.data;
    if (r->quoted || !roma_report_csv_is_plain(s)) {
        roma_table_text(t, column, s);
    } else if (roma_report_is_number(s)) {
        double v = strtod(s, NULL);
        if (isinf(v) && !strchr(s, 'n')) return bad(r, "a number is too large");
        roma_table_real(t, column, v);
    } else if (*s) {
        roma_table_bool(t, column, *s == 't');
    }
    return ROMA_OK;
}

static int read_row(reader *r, roma_table *t) {
    if (t->n_rows == MAX_ROWS) {
        r->line = r->next_line;
        return bad(r, "more than 1000000 rows");
    }
    uint64_t first = r->next_line;
    size_t column = 0;
    roma_table_row(t);
    do {
        int rc = read_field(r);
        if (!rc && column == t->n_columns)
            return roma_fail_line(r->err, ROMA_EINPUT, r->file, first, "more fields than the header's %zu", t->n_columns);
        if (!rc) rc = set_cell(r, t, column++);
        if (rc) return rc;
    } while (!r->last);
    if (column < t->n_columns)
        return roma_fail_line(r->err, ROMA_EINPUT, r->file, first, "%zu fields, but the header has %zu", column, t->n_columns);
    return ROMA_OK;
}

static int read_all(reader *r, roma_table *t) {
    if (r->len > MAX_FILE) return bad(r, "a CSV file of more than 64 MiB");
    if (r->len >= 3 && memcmp(r->text, "\xef\xbb\xbf", 3) == 0) r->at = 3; /* spreadsheets put a byte order mark there */
    if (r->at == r->len) return bad(r, "no header line");
    int rc = ROMA_OK;
    do {
        rc = read_field(r);
        if (!rc) rc = add_column(r, t);
    } while (!rc && !r->last);
    while (!rc && r->at < r->len && !t->failed) rc = read_row(r, t);
    if (!rc && t->failed) rc = roma_fail(r->err, ROMA_ENOMEM, r->file, ROMA_NOWHERE, "not enough memory for the table");
    return rc;
}

int roma_report_table_read_csv(roma_table *t, const char *text, size_t len, const char *file, roma_error *err) {
    reader r = {.text = text, .len = len, .line = 1, .next_line = 1, .file = file, .err = err};
    memset(t, 0, sizeof *t);
    int rc = read_all(&r, t);
    roma_buf_destroy(&r.field);
    if (rc) roma_table_destroy(t);
    return rc;
}
