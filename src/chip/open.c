/* Where chips come from: files, the embedded ones, and `like`. */
#include "chip/internal.h"

#include <string.h>
#include <sys/stat.h>

enum { PATH = 4096, NAME = 64 };

const char *roma_chip_builtin(unsigned i, const char **name) {
    unsigned n = 0;
    while (n < i && roma_chip_texts[n].name) n++;
    *name = roma_chip_texts[n].name;
    return roma_chip_texts[n].text;
}

static const roma_chip_text *find_builtin(roma_chip_span name) {
    for (const roma_chip_text *t = roma_chip_texts; t->name; t++)
        if (roma_chip_is(name, t->name)) return t;
    return NULL;
}

/* "chips/roma.chip" -> "roma" */
static void name_of_file(char out[NAME], const char *file) {
    const char *slash = strrchr(file, '/'), *base = slash ? slash + 1 : file;
    size_t n = strlen(base);
    if (n > 5 && strcmp(base + n - 5, ".chip") == 0) n -= 5;
    roma_print(out, NAME, "%.*s", (int)(n < NAME ? n : NAME - 1), base);
}

int roma_chip_read(roma_chip *c, const char *text, size_t len, const char *file, roma_error *err) {
    char name[NAME];
    name_of_file(name, file);
    const roma_chip_origin from = {.name = name, .file = file};
    return roma_chip_read_from(c, text, len, &from, err);
}

static int load(roma_chip *c, const char *path, const roma_chip_origin *asked_by, roma_error *err) {
    char name[NAME];
    roma_map m;
    int rc = roma_map_open(&m, path, err);
    if (rc) return rc;
    if (memchr(m.data, 0, (size_t)m.size)) { /* which no text has */
        rc = roma_fail(err, ROMA_EINPUT, path, ROMA_NOWHERE, "not a chip file, but %s",
                       roma_kind_of(m.data, (size_t)m.size));
        roma_map_close(&m);
        return rc;
    }
    name_of_file(name, path);
    const roma_chip_origin from = {.name = name, .file = path, .asked_by = asked_by};
    rc = roma_chip_read_from(c, (const char *)m.data, (size_t)m.size, &from, err);
    roma_map_close(&m);
    return rc;
}

static int read_builtin(roma_chip *c, const roma_chip_text *t, const roma_chip_origin *asked_by, roma_error *err) {
    char file[NAME + 8];
    roma_print(file, sizeof file, "%s.chip", t->name);
    const roma_chip_origin from = {.name = t->name, .file = file, .builtin = true, .asked_by = asked_by};
    return roma_chip_read_from(c, t->text, strlen(t->text), &from, err);
}

int roma_chip_open(roma_chip *c, const char *name_or_path, roma_error *err) {
    struct stat st;
    char hint[ROMA_CHIP_HINT];
    const char *what = name_or_path ? name_or_path : "roma";
    const roma_chip_span name = {what, strlen(what)};
    const bool exists = name_or_path && stat(what, &st) == 0;
    if (exists && S_ISREG(st.st_mode)) return load(c, what, NULL, err);
    const roma_chip_text *t = find_builtin(name);
    if (t) return read_builtin(c, t, NULL, err);
    if (exists) return load(c, what, NULL, err); /* which says what is wrong with it */
    if (strchr(what, '/') || (name.n > 5 && strcmp(what + name.n - 5, ".chip") == 0)) return load(c, what, NULL, err);
    return roma_fail(err, ROMA_EINPUT, roma_path_shown(what), ROMA_NOWHERE,
                     "there is no such file, nor a built-in chip of that name%s", roma_chip_hint_builtin(name, hint));
}

/* A name that cannot lead out of the folder. */
static bool plain_name(roma_chip_span t) {
    if (!t.n || t.n >= NAME || *t.s == '.') return false;
    for (size_t k = 0; k < t.n; k++) {
        const char b = t.s[k];
        if (!((b >= '0' && b <= '9') || (b >= 'A' && b <= 'Z') || (b >= 'a' && b <= 'z') || b == '-' || b == '_' ||
              b == '.'))
            return false;
    }
    return true;
}

/* Files of a chain are of one folder, so that a name is enough to know one again. */
static int check_chain(roma_chip_span name, bool builtin, const roma_chip_origin *from, const roma_chip_place *at) {
    char shown[NAME];
    int depth = 1;
    for (const roma_chip_origin *o = from; o; o = o->asked_by, depth++) {
        if (o->builtin == builtin && roma_chip_is(name, o->name))
            return roma_chip_bad(at, "like = %s goes round in a circle: that chip is like this one",
                                 roma_error_name(shown, sizeof shown, name.s, name.n));
        if (depth > ROMA_CHIP_LIKE_DEPTH)
            return roma_chip_bad(
                at, "this is the %dth like in a row, at most %d are allowed: write the parameters out here", depth,
                ROMA_CHIP_LIKE_DEPTH);
    }
    return ROMA_OK;
}

int roma_chip_read_like(roma_chip *c, roma_chip_span name, const roma_chip_origin *from, const roma_chip_place *at) {
    char path[PATH], shown[80], hint[ROMA_CHIP_HINT];
    struct stat st;
    roma_error_name(shown, sizeof shown, name.s, name.n);
    if (!plain_name(name))
        return roma_chip_bad(
            at, "like = '%s' is not a chip's name: write that of a built-in chip, or X for X.chip beside this file",
            shown);
    const roma_chip_text *t = find_builtin(name);
    int rc = check_chain(name, t != NULL, from, at);
    if (rc) return rc;
    if (t) return read_builtin(c, t, from, at->err);
    const char *slash = strrchr(from->file, '/');
    const size_t dir = slash ? (size_t)(slash + 1 - from->file) : 0;
    if (dir + name.n + 8 > sizeof path) return roma_chip_bad(at, "like = '%s': the folder's path is too long", shown);
    roma_print(path, sizeof path, "%.*s%.*s.chip", (int)dir, from->file, (int)name.n, name.s);
    if (from->builtin || stat(path, &st) != 0)
        return roma_chip_bad(at,
                             "like = %s: no built-in chip has that name, and there is no %s.chip beside this file%s",
                             shown, shown, roma_chip_hint_builtin(name, hint));
    return load(c, path, from, at->err);
}
