/* The reader of .chip text: statements, sections and entries, one line at a time. docs/chip-format.md is the grammar.
 */
#include "chip/internal.h"

#include <string.h>

typedef struct {
    roma_chip *c;
    const roma_chip_origin *from;
    roma_chip_place at;
    const char *section;         /* NULL before the first */
    uint64_t title, like;        /* lines of the statements, or 0 */
    uint64_t lines[ROMA_CHIP_N]; /* of the entries, or 0 */
} reader;

enum { SHOWN = 48 };
static const char *shown(char buf[SHOWN], roma_chip_span t) { return roma_error_name(buf, SHOWN, t.s, t.n); }

static int read_section(reader *r, roma_chip_span t) {
    char buf[SHOWN], hint[ROMA_CHIP_HINT];
    const roma_chip_parameter *p;
    if (t.s[t.n - 1] != ']') return roma_chip_bad(&r->at, "a section is a line [name] and nothing else");
    const roma_chip_span name = roma_chip_trim((roma_chip_span){t.s + 1, t.n - 2});
    for (unsigned i = 0; (p = roma_chip_parameter_at(i)) != NULL; i++)
        if (roma_chip_is(name, p->section)) {
            r->section = p->section;
            return ROMA_OK;
        }
    return roma_chip_bad(&r->at, "no section [%s]%s", shown(buf, name), roma_chip_hint_section(name, hint));
}

static int read_title(reader *r, roma_chip_span value) {
    if (r->title)
        return roma_chip_bad(&r->at, "title is given twice, first in line %llu", (unsigned long long)r->title);
    if (!value.n) return roma_chip_bad(&r->at, "the title is empty: write `title = TEXT`, or leave the line out");
    if (value.n >= sizeof r->c->title)
        return roma_chip_bad(&r->at, "the title has %zu characters, at most %zu fit", value.n, sizeof r->c->title - 1);
    r->title = r->at.line;
    memcpy(r->c->title, value.s, value.n); /* after it zeros: like is read into the rest */
    return ROMA_OK;
}

static int read_like(reader *r, roma_chip_span value) {
    char title[sizeof r->c->title];
    if (r->like) return roma_chip_bad(&r->at, "like is given twice, first in line %llu", (unsigned long long)r->like);
    r->like = r->at.line;
    memcpy(title, r->c->title, sizeof title);
    const int rc = roma_chip_read_like(r->c, value, r->from, &r->at);
    memcpy(r->c->title, title, sizeof title); /* the other chip's title says what this one is not */
    return rc;
}

/* Before the first section. */
static int read_statement(reader *r, roma_chip_span key, roma_chip_span value) {
    char buf[SHOWN], hint[ROMA_CHIP_HINT];
    if (roma_chip_is(key, "title")) return read_title(r, value);
    if (roma_chip_is(key, "like")) return read_like(r, value);
    return roma_chip_bad(&r->at, "%s stands before the first [section]%s", shown(buf, key),
                         roma_chip_hint_key((roma_chip_span){"", 0}, key, hint));
}

/* What follows the `#`. */
static int read_note(reader *r, unsigned i, roma_chip_span note) {
    char key[ROMA_CHIP_KEY], buf[SHOWN], hint[ROMA_CHIP_HINT];
    roma_chip_mark *m = &r->c->mark[i];
    roma_chip_name_of(i, key);
    const char *colon = note.n ? memchr(note.s, ':', note.n) : NULL;
    if (!colon)
        return roma_chip_bad(&r->at, "%s needs a quality and a source: write `# assumed: why this value` after it",
                             key);
    const roma_chip_span name = roma_chip_trim((roma_chip_span){note.s, (size_t)(colon - note.s)});
    unsigned q = 0;
    while (roma_chip_quality_name(q) && !roma_chip_is(name, roma_chip_quality_name(q))) q++;
    if (!roma_chip_quality_name(q))
        return roma_chip_bad(&r->at, "%s: no quality '%s'%s", key, shown(buf, name),
                             roma_chip_hint_quality(name, hint));
    const roma_chip_span source = roma_chip_trim((roma_chip_span){colon + 1, note.n - (size_t)(colon + 1 - note.s)});
    if (!source.n)
        return roma_chip_bad(&r->at, "%s has no source: say after `# %s:` where the number is from", key,
                             roma_chip_quality_name(q));
    if (source.n >= sizeof m->source)
        return roma_chip_bad(&r->at, "the source of %s has %zu characters, at most %zu fit", key, source.n,
                             sizeof m->source - 1);
    m->quality = (roma_chip_quality)q;
    memset(m->source, 0, sizeof m->source);
    memcpy(m->source, source.s, source.n);
    return ROMA_OK;
}

/* An entry of a section: its parameter, or an error that says where it belongs. */
static int find_entry(reader *r, roma_chip_span key, unsigned *out) {
    char buf[SHOWN], hint[ROMA_CHIP_HINT];
    const roma_chip_parameter *p;
    for (unsigned i = 0; (p = roma_chip_parameter_at(i)) != NULL; i++)
        if (strcmp(p->section, r->section) == 0 && roma_chip_is(key, p->key)) {
            *out = i;
            if (!r->lines[i]) return ROMA_OK;
            return roma_chip_bad(&r->at, "%s.%s is given twice, first in line %llu", p->section, p->key,
                                 (unsigned long long)r->lines[i]);
        }
    if (roma_chip_is(key, "title") || roma_chip_is(key, "like"))
        return roma_chip_bad(&r->at, "%s comes too late: it must stand before the first [section]", shown(buf, key));
    return roma_chip_bad(&r->at, "no key '%s' in [%s]%s", shown(buf, key), r->section,
                         roma_chip_hint_key((roma_chip_span){r->section, strlen(r->section)}, key, hint));
}

static int read_entry(reader *r, roma_chip_span key, roma_chip_span rest) {
    unsigned i = 0;
    int rc = find_entry(r, key, &i);
    if (rc) return rc;
    const char *hash = memchr(rest.s, '#', rest.n);
    const roma_chip_span value = {rest.s, hash ? (size_t)(hash - rest.s) : rest.n};
    roma_chip_span note = {rest.s + rest.n, 0};
    if (hash) note = (roma_chip_span){hash + 1, rest.n - value.n - 1};
    rc = roma_chip_read_entry(r->c, i, value, false, &r->at);
    if (!rc) rc = read_note(r, i, roma_chip_trim(note));
    r->lines[i] = r->at.line;
    return rc;
}

static int read_line(reader *r, roma_chip_span line) {
    if (line.n > ROMA_CHIP_LINE_BYTES)
        return roma_chip_bad(&r->at, "the line has %zu bytes, at most %d are allowed", line.n, ROMA_CHIP_LINE_BYTES);
    for (size_t k = 0; k < line.n; k++) {
        const unsigned char b = (unsigned char)line.s[k];
        if ((b < 0x20 && b != '\t' && b != '\r') || b >= 0x7f)
            return roma_chip_bad(&r->at, "byte 0x%02x at column %zu: a chip file is plain ASCII text", b, k + 1);
    }
    line = roma_chip_trim(line);
    if (!line.n || *line.s == ';') return ROMA_OK;
    if (*line.s == '[') return read_section(r, line);
    const char *eq = memchr(line.s, '=', line.n);
    if (!eq || eq == line.s)
        return roma_chip_bad(&r->at,
                             "expected [section], `key = value [low .. high]  # quality: source`, or a `;` comment");
    const roma_chip_span key = roma_chip_trim((roma_chip_span){line.s, (size_t)(eq - line.s)});
    const roma_chip_span rest = roma_chip_trim((roma_chip_span){eq + 1, line.n - (size_t)(eq + 1 - line.s)});
    return r->section ? read_entry(r, key, rest) : read_statement(r, key, rest);
}

static int all_given(reader *r) {
    unsigned first = 0, missing = 0;
    if (r->like) return ROMA_OK;
    for (unsigned i = ROMA_CHIP_N; i-- > 0;)
        if (!r->lines[i]) first = i, missing++;
    if (!missing) return ROMA_OK;
    const roma_chip_parameter *p = roma_chip_parameter_at(first);
    char others[48] = "";
    if (missing > 1) roma_print(others, sizeof others, " and so are %u others", missing - 1);
    return roma_chip_bad(&r->at,
                         "%s.%s is missing (%s, %s)%s; `like = roma` at the top takes what is not given from that chip",
                         p->section, p->key, p->help,
                         strcmp(p->unit, "2^n") == 0 ? "a power of two"
                         : strcmp(p->unit, "1") == 0 ? "a count"
                                                     : p->unit,
                         others);
}

int roma_chip_read_from(roma_chip *c, const char *text, size_t len, const roma_chip_origin *from, roma_error *err) {
    reader r = {.c = c, .from = from, .at = {.file = from->file, .code = ROMA_EINPUT, .err = err}};
    memset(c, 0, sizeof *c);
    for (size_t at = 0; at < len;) {
        const char *end = memchr(text + at, '\n', len - at);
        const size_t n = end ? (size_t)(end - text) - at : len - at;
        r.at.line++;
        const int rc = read_line(&r, (roma_chip_span){text + at, n});
        if (rc) return rc;
        at += n + 1;
    }
    if (!r.at.line) r.at.line = 1; /* an empty file */
    int rc = all_given(&r);
    if (!rc) rc = roma_chip_check_lines(c, r.lines, from->file, err);
    if (rc) return rc;
    memset(c->name, 0, sizeof c->name);
    roma_error_name(c->name, sizeof c->name, from->name, strlen(from->name));
    return ROMA_OK;
}
