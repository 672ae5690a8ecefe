/* The files of a Hugging Face folder, on disk or in memory, and their hash. */
#include <unistd.h>

#include "hf_packed.h"

static const hf_file *known(const hf_folder *f, const char *name) {
    for (size_t i = 0; i < f->n_files; i++)
        if (strcmp(f->file[i].name, name) == 0) return &f->file[i];
    return NULL;
}

static const roma_import_file *in_memory(const hf_folder *f, const char *name) {
    for (size_t i = 0; i < f->n_mem; i++)
        if (strcmp(f->mem[i].name, name) == 0) return &f->mem[i];
    return NULL;
}

static char *copy_of(const char *text) {
    const size_t size = strlen(text) + 1;
    char *copy = roma_alloc(size);
    if (copy) memcpy(copy, text, size);
    return copy;
}

static int open_file(const hf_folder *f, hf_file *file, const char *name, roma_error *err) {
    char path[4096];
    if (f->path) {
        if (roma_print(path, sizeof path, "%s/%s", f->path, name) >= (int)sizeof path)
            return roma_fail(err, ROMA_EUSAGE, f->path, ROMA_NOWHERE, "the path is too long");
        if (access(path, F_OK)) return ROMA_OK;
        const int rc = roma_map_open(&file->map, path, err);
        if (rc) return rc;
        file->data = file->map.data;
        file->size = file->map.size;
    } else {
        const roma_import_file *m = in_memory(f, name);
        if (!m) return ROMA_OK;
        file->data = m->data;
        file->size = m->size;
    }
    file->name = copy_of(name);
    if (file->name) return ROMA_OK;
    roma_map_close(&file->map);
    return roma_fail(err, ROMA_ENOMEM, name, ROMA_NOWHERE, "no memory to keep a name");
}

int roma_import_hf_file(hf_folder *f, const char *name, const hf_file **out, roma_error *err) {
    *out = known(f, name);
    if (*out) return ROMA_OK;
    if (!f->file) f->file = roma_alloc_array(HF_FILES_MAX, sizeof *f->file);
    if (!f->file) return roma_fail(err, ROMA_ENOMEM, name, ROMA_NOWHERE, "no memory to open a folder");
    hf_file file = {0};
    const int rc = open_file(f, &file, name, err);
    if (rc || !file.name) return rc;
    file.path = file.map.path ? file.map.path : file.name;
    f->file[f->n_files] = file;
    *out = &f->file[f->n_files++];
    return ROMA_OK;
}

void roma_import_hf_close(hf_folder *f) {
    for (uint32_t i = 0; i < f->n_shards; i++) roma_import_st_free(&f->shard[i]);
    for (size_t i = 0; i < f->n_packed; i++) roma_free(f->packed[i].from);
    roma_free(f->packed);
    roma_free(f->orders);
    for (size_t i = 0; i < f->n_files; i++) {
        roma_map_close(&f->file[i].map);
        roma_free(f->file[i].name);
    }
    roma_free(f->shard);
    roma_free(f->file);
    roma_free(f->template_text);
    roma_free(f);
}

/* ---- the hash ---- */

/* The file that follows `last` in the order of names. */
static const hf_file *after(const hf_folder *f, const hf_file *last) {
    const hf_file *next = NULL;
    for (size_t i = 0; i < f->n_files; i++) {
        const hf_file *at = &f->file[i];
        if ((!last || strcmp(at->name, last->name) > 0) && (!next || strcmp(at->name, next->name) < 0)) next = at;
    }
    return next;
}

/* In pieces, which are forgotten when they are done: a folder may be larger than the memory. */
static int hash_file(const hf_file *file, uint64_t before, uint64_t total, const roma_progress *progress,
                     uint8_t out[32]) {
    enum { PIECE = 8 << 20 };
    roma_sha256 h;
    roma_sha256_init(&h);
    for (uint64_t at = 0; at < file->size; at += PIECE) {
        const uint64_t n = file->size - at < PIECE ? file->size - at : PIECE;
        roma_sha256_update(&h, file->data + at, (size_t)n);
        if (file->map.data) roma_map_forget(file->data + at, n);
        const int rc = roma_progress_tell(progress, "hashing", before + at + n, total);
        if (rc) return rc;
    }
    roma_sha256_final(&h, out);
    return ROMA_OK;
}

int roma_import_hf_hash(const hf_folder *f, uint64_t total, const roma_progress *progress, uint8_t out[32]) {
    roma_sha256 all;
    uint64_t before = 0;
    roma_sha256_init(&all);
    for (const hf_file *at = after(f, NULL); at; at = after(f, at)) {
        uint8_t sum[32];
        char hex[65];
        const int rc = hash_file(at, before, total, progress, sum);
        if (rc) return rc;
        roma_hex(hex, sum, 32);
        roma_sha256_update(&all, hex, 64);
        roma_sha256_update(&all, "  ", 2);
        roma_sha256_update(&all, at->name, strlen(at->name));
        roma_sha256_update(&all, "\n", 1);
        before += at->size;
    }
    roma_sha256_final(&all, out);
    return ROMA_OK;
}
