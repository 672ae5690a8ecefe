/* Chip description: parser, checks and printer, all driven by ROMA_CHIP_PARAMETERS. */
#include "roma/chip.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    const char *key, *unit, *help;
    double min, max;
    size_t value, source; /* offsets in roma_chip */
} parameter;

static const parameter parameters[] = {
#define X(field, key, unit, min, max, help) \
    {key, unit, help, min, max, offsetof(roma_chip, field), offsetof(roma_chip, field##_source)},
    ROMA_CHIP_PARAMETERS(X)
#undef X
};
enum { N_PARAMETERS = sizeof parameters / sizeof *parameters };
static const char *const qualities[] = {"stated", "derived", "assumed"};

static double *value_of(roma_chip *c, const parameter *p) { return (double *)(void *)((char *)c + p->value); }
static roma_chip_source *source_of(roma_chip *c, const parameter *p) {
    return (roma_chip_source *)(void *)((char *)c + p->source);
}

/* Copies [s, e) without surrounding blanks; false when it does not fit. */
static bool trimmed(char *out, size_t cap, const char *s, const char *e) {
    while (s < e && (*s == ' ' || *s == '\t')) s++;
    while (e > s && (e[-1] == ' ' || e[-1] == '\t' || e[-1] == '\r')) e--;
    size_t n = (size_t)(e - s);
    if (n >= cap) return false;
    memcpy(out, s, n);
    out[n] = 0;
    return true;
}

static int read_source(roma_chip_source *src, const char *note, const char *file, uint64_t line, roma_error *err) {
    for (unsigned q = 0; q < 3; q++) {
        size_t n = strlen(qualities[q]);
        if (strncmp(note, qualities[q], n) == 0 && note[n] == ':' && note[n + 1] == ' ' && note[n + 2]) {
            src->quality = (roma_chip_quality)q;
            snprintf(src->text, sizeof src->text, "%.*s", (int)sizeof src->text - 1, note + n + 2);
            return ROMA_OK;
        }
    }
    return roma_fail_line(err, ROMA_EINPUT, file, line,
                          "a number needs its source: write `# stated: ...`, `# derived: ...` or `# assumed: ...`");
}

static int read_value(roma_chip *c, const parameter *p, const char *text, const char *file, uint64_t line, roma_error *err) {
    char *end;
    double v = strtod(text, &end);
    if (end == text || *end || !(v - v == 0)) /* the last: infinity or NaN */
        return roma_fail_line(err, ROMA_EINPUT, file, line, "%s is not a number", p->key);
    if (v < p->min || v > p->max)
        return roma_fail_line(err, ROMA_EINPUT, file, line, "%s must lie in %g to %g %s", p->key, p->min, p->max, p->unit);
    if (strcmp(p->unit, "1") == 0 && v != (double)(int64_t)v)
        return roma_fail_line(err, ROMA_EINPUT, file, line, "%s must be a whole number", p->key);
    *value_of(c, p) = v;
    return ROMA_OK;
}

static int read_line(roma_chip *c, bool seen[N_PARAMETERS], const char *s, const char *e, const char *file, uint64_t line,
                     roma_error *err) {
    char key[64], value[64], note[256];
    const char *eq = memchr(s, '=', (size_t)(e - s));
    if (!eq || !trimmed(key, sizeof key, s, eq))
        return roma_fail_line(err, ROMA_EINPUT, file, line, "expected `key = value  # quality: source`");
    const char *hash = memchr(eq, '#', (size_t)(e - eq));
    if (!trimmed(value, sizeof value, eq + 1, hash ? hash : e) || !trimmed(note, sizeof note, hash ? hash + 1 : e, e))
        return roma_fail_line(err, ROMA_EINPUT, file, line, "value or source is too long");
    for (size_t i = 0; i < N_PARAMETERS; i++) {
        if (strcmp(parameters[i].key, key) != 0) continue;
        if (seen[i]) return roma_fail_line(err, ROMA_EINPUT, file, line, "%s is given twice", parameters[i].key);
        seen[i] = true;
        int rc = read_value(c, &parameters[i], value, file, line, err);
        return rc ? rc : read_source(source_of(c, &parameters[i]), note, file, line, err);
    }
    char shown[80];
    return roma_fail_line(err, ROMA_EINPUT, file, line, "unknown parameter %s; `roma chip` lists them",
                          roma_error_name(shown, sizeof shown, key, strlen(key)));
}

int roma_chip_read(roma_chip *c, const char *text, size_t len, const char *file, roma_error *err) {
    bool seen[N_PARAMETERS] = {false};
    uint64_t line = 0;
    memset(c, 0, sizeof *c);
    for (const char *s = text, *end = text + len; s < end;) {
        const char *e = memchr(s, '\n', (size_t)(end - s));
        if (!e) e = end;
        line++;
        const char *first = s;
        while (first < e && (*first == ' ' || *first == '\t' || *first == '\r')) first++;
        if (first < e && *first != ';') {
            int rc = read_line(c, seen, s, e, file, line, err);
            if (rc) return rc;
        }
        s = e + 1;
    }
    for (size_t i = 0; i < N_PARAMETERS; i++)
        if (!seen[i])
            return roma_fail_line(err, ROMA_EINPUT, file, line, "%s is missing (%s, in %s)", parameters[i].key,
                                  parameters[i].help, parameters[i].unit);
    const char *base = strrchr(file, '/');
    snprintf(c->name, sizeof c->name, "%.63s", base ? base + 1 : file);
    char *dot = strrchr(c->name, '.');
    if (dot && dot != c->name) *dot = 0;
    return ROMA_OK;
}

int roma_chip_load(roma_chip *c, const char *path, roma_error *err) {
    roma_map m;
    int rc = roma_map_open(&m, path, err);
    if (rc) return rc;
    rc = roma_chip_read(c, (const char *)m.data, (size_t)m.size, path, err);
    roma_map_close(&m);
    return rc;
}

void roma_chip_print(const roma_chip *c, roma_buf *out, bool json) {
    roma_chip copy = *c; /* the accessors give writable pointers */
    roma_buf_print(out, json ? "{\"name\":\"%s\"" : "chip %s\n", c->name);
    for (size_t i = 0; i < N_PARAMETERS; i++) {
        const parameter *p = &parameters[i];
        const roma_chip_source *s = source_of(&copy, p);
        if (json)
            roma_buf_print(out, ",\"%s\":%.10g", p->key, *value_of(&copy, p));
        else
            roma_buf_print(out, "  %-22s %12.10g %-9s  %-8s %s; %s\n", p->key, *value_of(&copy, p),
                           strcmp(p->unit, "1") ? p->unit : "", qualities[s->quality], p->help, s->text);
    }
    roma_buf_print(out, json ? "}\n" : "");
}
