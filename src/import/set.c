/* A model in one file or in parts named NAME-00001-of-0000N.gguf: the first part holds the metadata and says how
 * many there are (split.count, split.no from 0, split.tensors.count). */
#include <string.h>
#include "gguf.h"

#define TAIL (sizeof "-00001-of-00001.gguf" - 1)

static void tail_of(char *out, unsigned no, unsigned count) {
    roma_print(out, TAIL + 1, "-%05u-of-%05u.gguf", no % 100000, count % 100000);
}

/* split.count of a file, 1 when it has none. */
static int count_of(const gguf_file *g, uint64_t *count, roma_error *err) {
    bool found;
    *count = 1;
    return roma_import_kv_u64(g, "split.count", 1, GGUF_PARTS_MAX, count, &found, err);
}

static int check_part(const gguf_file *g, uint32_t no, uint64_t n_parts, roma_error *err) {
    uint64_t count, own = UINT64_MAX;
    bool found;
    int rc = count_of(g, &count, err);
    if (!rc) rc = roma_import_kv_u64(g, "split.no", 0, GGUF_PARTS_MAX - 1, &own, &found, err);
    if (rc) return rc;
    if (own != no && (n_parts > 1 || found))
        return roma_fail(err, ROMA_EINPUT, g->path, ROMA_NOWHERE,
                         "split.no says this is part %lld, not part %u of %llu; %s", found ? (long long)own + 1 : -1,
                         no + 1, (unsigned long long)n_parts,
                         no ? "the part files are mixed up" : "open the first part, -00001-of-N");
    if (count != n_parts)
        return roma_fail(err, ROMA_EINPUT, g->path, ROMA_NOWHERE,
                         "split.count is %llu where the first part says %llu; the part files are mixed up",
                         (unsigned long long)count, (unsigned long long)n_parts);
    return ROMA_OK;
}

static int check_total(const gguf_set *s, roma_error *err) {
    uint64_t total = 0, want;
    bool found;
    for (uint32_t i = 0; i < s->n_parts; i++) total += s->part[i].n_tensors;
    const int rc = roma_import_kv_u64(&s->part[0], "split.tensors.count", 0, UINT32_MAX, &want, &found, err);
    if (rc || !found || want == total) return rc;
    return roma_fail(err, ROMA_EDAMAGED, s->part[0].path, ROMA_NOWHERE,
                     "split.tensors.count is %llu, but the parts hold %llu tensors", (unsigned long long)want,
                     (unsigned long long)total);
}

static int open_part(gguf_set *s, uint32_t i, const char *path, roma_error *err) {
    const int rc = roma_map_open(&s->map[i], path, err);
    if (rc) return rc;
    const int parsed = roma_import_gguf_parse(&s->part[i], s->map[i].data, s->map[i].size, s->map[i].path, err);
    s->part[i].mapped = !parsed;
    return parsed;
}

static int open_others(gguf_set *s, const char *path, roma_error *err) {
    char want[TAIL + 1];
    const size_t len = strlen(path), stem = len < TAIL ? 0 : len - TAIL;
    tail_of(want, 1, s->n_parts);
    if (len < TAIL || memcmp(path + stem, want, TAIL) != 0)
        return roma_fail(err, ROMA_EINPUT, path, ROMA_NOWHERE,
                         "the first of %u parts must be named ...%s, so that the others are found beside it",
                         s->n_parts, want);
    char *name = roma_alloc(len + 1);
    if (!name) return roma_fail(err, ROMA_ENOMEM, path, ROMA_NOWHERE, "no memory for the names of the parts");
    int rc = ROMA_OK;
    memcpy(name, path, len + 1);
    for (uint32_t i = 1; i < s->n_parts && !rc; i++) {
        tail_of(name + stem, i + 1, s->n_parts);
        rc = open_part(s, i, name, err);
        if (!rc) rc = check_part(&s->part[i], i, s->n_parts, err);
    }
    roma_free(name);
    return rc;
}

/* Moves the first part into tables for all of them. */
static int grow(gguf_set *s, uint32_t n, roma_error *err) {
    gguf_file *part = roma_alloc_array(n, sizeof *part);
    roma_map *map = roma_alloc_array(n, sizeof *map);
    if (!part || !map) {
        roma_free(part);
        roma_free(map);
        return roma_fail(err, ROMA_ENOMEM, s->part[0].path, ROMA_NOWHERE, "no memory for a table of %u parts", n);
    }
    part[0] = s->part[0];
    part[0].keys.ctx = part[0].names.ctx = &part[0];
    map[0] = s->map[0];
    roma_free(s->part);
    roma_free(s->map);
    *s = (gguf_set){part, map, n};
    return ROMA_OK;
}

static int alloc_first(gguf_set *s, roma_error *err) {
    *s = (gguf_set){
        .part = roma_alloc_array(1, sizeof *s->part), .map = roma_alloc_array(1, sizeof *s->map), .n_parts = 1};
    return s->part && s->map ? ROMA_OK : roma_fail(err, ROMA_ENOMEM, NULL, ROMA_NOWHERE, "no memory to open a model");
}

static int open_all(gguf_set *s, const char *path, roma_error *err) {
    uint64_t count = 1;
    int rc = alloc_first(s, err);
    if (!rc) rc = open_part(s, 0, path, err);
    if (!rc) rc = count_of(&s->part[0], &count, err);
    if (!rc) rc = check_part(&s->part[0], 0, count, err);
    if (!rc && count > 1) rc = grow(s, (uint32_t)count, err);
    if (!rc && count > 1) rc = open_others(s, path, err);
    return rc ? rc : check_total(s, err);
}

int roma_import_set_open(gguf_set *s, const char *path, roma_error *err) {
    const int rc = open_all(s, path, err);
    if (rc) roma_import_set_close(s);
    return rc;
}

static int open_memory(gguf_set *s, const void *data, uint64_t size, roma_error *err) {
    uint64_t count = 1;
    int rc = alloc_first(s, err);
    if (!rc) rc = roma_import_gguf_parse(&s->part[0], data, size, NULL, err);
    if (!rc) rc = count_of(&s->part[0], &count, err);
    if (!rc && count > 1)
        rc = roma_fail(err, ROMA_EUNSUPPORTED, NULL, ROMA_NOWHERE,
                       "one of %llu parts; parts can be opened by path only", (unsigned long long)count);
    if (!rc) rc = check_part(&s->part[0], 0, 1, err);
    return rc ? rc : check_total(s, err);
}

int roma_import_set_open_memory(gguf_set *s, const void *data, uint64_t size, roma_error *err) {
    const int rc = open_memory(s, data, size, err);
    if (rc) roma_import_set_close(s);
    return rc;
}

void roma_import_set_close(gguf_set *s) {
    for (uint32_t i = 0; i < s->n_parts && s->part; i++) roma_import_gguf_free(&s->part[i]);
    for (uint32_t i = 0; i < s->n_parts && s->map; i++) roma_map_close(&s->map[i]);
    roma_free(s->part);
    roma_free(s->map);
    *s = (gguf_set){0};
}

const gguf_tensor *roma_import_find_tensor(const gguf_set *s, const char *name, const gguf_file **part) {
    for (uint32_t p = 0; p < s->n_parts; p++) {
        const int64_t i = roma_import_index_find(&s->part[p].names, name, strlen(name));
        *part = &s->part[p];
        if (i >= 0) return &s->part[p].tensor[i];
    }
    return NULL;
}
