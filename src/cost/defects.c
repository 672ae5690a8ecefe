/* Reader of a defect map: lines `row column words` of the grid, `;` begins a comment. */
#include "cost_int.h"

#include <string.h>

enum { FIELDS = 3, ROW = 0, COLUMN, WORDS };

typedef struct {
    const char *file;
    uint64_t line;
    roma_error *err;
} place;

#define BAD(at, ...) roma_fail_line((at)->err, ROMA_EINPUT, (at)->file, (at)->line, __VA_ARGS__)

static bool is_blank(char ch) { return ch == ' ' || ch == '\t' || ch == '\r'; }

/* A whole number below 2^32, digits only; *s moves past it. */
static int read_number(uint64_t *value, const char **s, const char *e, const place *at) {
    const char *begin = *s;
    char shown[48];
    *value = 0;
    for (; *s < e && !is_blank(**s); ++*s) {
        const unsigned digit = (unsigned)(**s - '0');
        if (digit > 9 || (*value = *value * 10 + digit) > UINT32_MAX) {
            while (*s < e && !is_blank(**s)) ++*s;
            return BAD(at, "%s is not a whole number below 2^32; a line is `row column words`",
                       roma_error_name(shown, sizeof shown, begin, (size_t)(*s - begin)));
        }
    }
    return ROMA_OK;
}

/* *n fields of the line without its comment; more than three are an error. */
static int read_fields(uint64_t value[FIELDS], int *n, const char *s, const char *e, const place *at) {
    const char *comment = memchr(s, ';', (size_t)(e - s));
    if (comment) e = comment;
    for (*n = 0;; ++*n) {
        while (s < e && is_blank(*s)) s++;
        if (s == e) return ROMA_OK;
        if (*n == FIELDS) return BAD(at, "more than three numbers; a line is `row column words`");
        int rc = read_number(&value[*n], &s, e, at);
        if (rc) return rc;
    }
}

static int set(roma_defects *d, const roma_chip *c, const uint64_t value[FIELDS], const place *at) {
    const unsigned long long row = value[ROW], column = value[COLUMN], words = value[WORDS];
    if ((double)row >= c->grid_rows)
        return BAD(at, "row %llu is outside the grid; rows are 0 to %.0f", row, c->grid_rows - 1);
    if ((double)column >= c->grid_columns)
        return BAD(at, "column %llu is outside the grid; columns are 0 to %.0f", column, c->grid_columns - 1);
    const int unit = roma_cost_tile_unit(c, (unsigned)row, (unsigned)column);
    if (unit < 0)
        return BAD(at, "row %llu column %llu is %s: only matrix units have ROM", row, column,
                   unit == ROMA_TILE_VECTOR ? "a vector unit" : "an empty tile");
    if (words == 0) return BAD(at, "a matrix unit without wrong words needs no line");
    if ((double)words > c->lunits * c->lunit_words)
        return BAD(at, "%llu words are more than a matrix unit has, which is %.0f", words, c->lunits * c->lunit_words);
    if (roma_cost_patch_bytes(c, (double)words) > c->hunit_sram_bytes)
        return BAD(at, "%llu wrong words take %.0f bytes of SRAM, and the H-Unit beside them has %.0f", words,
                   roma_cost_patch_bytes(c, (double)words), c->hunit_sram_bytes);
    if (d->words[unit])
        return BAD(at, "row %llu column %llu is given twice; add its words up in one line", row, column);
    d->words[unit] = (uint32_t)words;
    return ROMA_OK;
}

static int read_line(roma_defects *d, const roma_chip *c, const char *s, const char *e, const place *at) {
    uint64_t value[FIELDS];
    int n, rc = read_fields(value, &n, s, e, at);
    if (rc || n == 0) return rc;
    if (n < FIELDS) return BAD(at, "%d of three numbers; a line is `row column words`", n);
    return set(d, c, value, at);
}

int roma_defects_read(roma_defects *d, const roma_chip *c, const char *text, size_t len, const char *file,
                      roma_error *err) {
    place at = {file, 0, err};
    int rc = ROMA_OK;
    d->n = (uint32_t)c->matrix_units;
    d->words = roma_alloc_array(d->n, sizeof *d->words);
    if (!d->words) return roma_fail(err, ROMA_ENOMEM, file, ROMA_NOWHERE, "no memory for the defect map");
    for (const char *s = len ? text : "", *end = s + len; s < end && !rc;) {
        const char *e = memchr(s, '\n', (size_t)(end - s));
        if (!e) e = end;
        at.line++;
        rc = read_line(d, c, s, e, &at);
        s = e < end ? e + 1 : end;
    }
    if (rc) roma_defects_destroy(d);
    return rc;
}

void roma_defects_destroy(roma_defects *d) {
    roma_free(d->words);
    *d = (roma_defects){0};
}
