/* The base that a PEFT folder names, looked for in local folders: as a path, by its last name, as ORG/NAME, and as the
 * hub's cache keeps models. */
#include <dirent.h>

#include "lora.h"

typedef struct {
    const char *name; /* as the adapter says */
    char *path;
    size_t cap;
} search;

static bool is_model(const char *folder) {
    char in[4096];
    return roma_print(in, sizeof in, "%s/config.json", folder) < (int)sizeof in && roma_file_head(in, in, 1) == 1;
}

static bool try_path(search *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static bool try_path(search *s, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    const int n = roma_vprint(s->path, s->cap, fmt, args);
    va_end(args);
    return n < (int)s->cap && is_model(s->path);
}

static const char *last_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash && slash[1] ? slash + 1 : path;
}

/* models--ORG--NAME/snapshots/REVISION: the one that refs/main names, else any. */
static bool try_hub(search *s, const char *root) {
    char at[3000], revision[65] = "", ref[3100];
    size_t n = (size_t)roma_print(at, sizeof at, "%s/models--", root);
    for (const char *p = s->name; *p && n + 3 < sizeof at; p++)
        n += (size_t)roma_print(at + n, sizeof at - n, *p == '/' ? "--" : "%c", *p);
    roma_print(ref, sizeof ref, "%s/refs/main", at);
    revision[roma_file_head(ref, revision, 64)] = 0;
    revision[strcspn(revision, "/\n")] = 0;
    if (revision[0] && revision[0] != '.' && try_path(s, "%s/snapshots/%s", at, revision)) return true;
    roma_print(ref, sizeof ref, "%s/snapshots", at);
    bool found = false;
    DIR *d = opendir(ref);
    for (const struct dirent *e; d && !found && (e = readdir(d));)
        found = e->d_name[0] != '.' && try_path(s, "%s/%s", ref, e->d_name);
    if (d) closedir(d);
    return found;
}

static bool try_root(search *s, const char *root) {
    if (strcmp(last_name(root), last_name(s->name)) == 0 && try_path(s, "%s", root)) return true;
    if (s->name[0] != '/' && try_path(s, "%s/%s", root, s->name)) return true;
    return try_path(s, "%s/%s", root, last_name(s->name)) || try_hub(s, root);
}

/* base_model_name_or_path of adapter_config.json. */
static int read_name(const char *adapter, char *name, size_t cap, roma_error *err) {
    char path[4096], shown[64];
    roma_map m;
    roma_json_reader j;
    if (roma_print(path, sizeof path, "%s/adapter_config.json", adapter) >= (int)sizeof path)
        return roma_fail(err, ROMA_EUSAGE, adapter, ROMA_NOWHERE, "the path is too long");
    int rc = roma_map_open(&m, path, err);
    if (rc) return rc;
    const roma_json_source from = {.file = path, .line = 1, .size = PEFT_CONFIG_MAX};
    *name = 0;
    rc = roma_json_read_begin(&j, m.data, (size_t)m.size, &from, err);
    if (!rc) rc = roma_json_read_next(&j, err);
    while (!rc && !(rc = roma_json_read_next(&j, err)) && j.kind == ROMA_JSON_KEY) {
        const bool mine = roma_json_is(&j, "base_model_name_or_path");
        rc = roma_json_read_next(&j, err);
        if (!rc && mine && j.kind == ROMA_JSON_TEXT) {
            if (!j.len || j.len >= cap || memchr(j.text, 0, j.len))
                rc = roma_json_read_fail(&j, ROMA_EUNSUPPORTED, err,
                                         "base_model_name_or_path '%s' is no name of a model",
                                         roma_error_name(shown, sizeof shown, j.text, j.len));
            else
                roma_print(name, cap, "%.*s", (int)j.len, j.text);
        } else if (!rc)
            rc = roma_json_read_skip(&j, err);
    }
    roma_json_read_end(&j);
    if (!rc && !*name)
        rc = roma_fail(err, ROMA_EINPUT, path, ROMA_NOWHERE,
                       "key 'base_model_name_or_path' is missing; name the base's folder");
    roma_map_close(&m);
    return rc;
}

int roma_import_base_of(const char *adapter, const char *const *roots, size_t n, char *path, size_t cap,
                        roma_error *err) {
    char name[1024], shown[160];
    search s = {name, path, cap};
    const int rc = read_name(adapter, name, sizeof name, err);
    if (rc) return rc;
    if (name[0] == '/' && try_path(&s, "%s", name)) return ROMA_OK;
    for (size_t i = 0; i < n; i++)
        if (roots[i] && *roots[i] && try_root(&s, roots[i])) return ROMA_OK;
    return roma_fail(err, ROMA_EINPUT, adapter, ROMA_NOWHERE,
                     "its base '%s' is in no folder that was looked at; give the folder that holds it",
                     roma_error_name(shown, sizeof shown, name, strlen(name)));
}
