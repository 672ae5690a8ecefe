/* Opening and closing of a model, its hash, and the check of its values. Contract in roma/import.h. */
#include <sys/stat.h>

#include "hf.h"

static void read_label(const gguf_file *g, const char *key, char *out, size_t cap) {
    const gguf_kv *kv = roma_import_kv_find(g, key);
    if (kv && kv->type == GGUF_STRING) roma_error_name(out, cap, (const char *)kv->value, (size_t)kv->count);
}

static int understand(roma_import *imp, import_owned *o, roma_error *err) {
    const gguf_set *s = &o->set;
    const gguf_file *first = &s->part[0];
    for (uint32_t i = 0; i < s->n_parts; i++) imp->source_bytes += s->part[i].size;
    read_label(first, "general.name", imp->model.name, sizeof imp->model.name);
    read_label(first, "general.license", imp->model.license, sizeof imp->model.license);
    int rc = roma_import_hyper(s, &imp->model.hyper, err);
    if (!rc) rc = roma_import_tensors(s, &imp->model, err);
    if (!rc) rc = roma_import_vocab(first, imp->model.hyper.vocab, o, &imp->vocab, &imp->has_vocab, err);
    if (!rc) rc = roma_import_notes(s, &imp->model.hyper, imp->has_vocab ? &imp->vocab : NULL, &o->notes, err);
    if (!rc) imp->notes = (const char *)o->notes.data;
    return rc;
}

/* The tokenizer alone, and what was odd about it. */
static int understand_vocab(roma_import *imp, import_owned *o, roma_error *err) {
    const gguf_file *g = &o->set.part[0];
    int rc = roma_import_vocab(g, 0, o, &imp->vocab, &imp->has_vocab, err);
    if (!rc && !imp->has_vocab)
        rc = roma_fail(err, ROMA_EUNSUPPORTED, g->path, ROMA_NOWHERE, "the file holds no tokenizer");
    roma_buf_append(&o->notes, "", 1);
    if (!rc && o->notes.failed) rc = roma_fail(err, ROMA_ENOMEM, g->path, ROMA_NOWHERE, "no memory for the notes");
    if (!rc) imp->notes = (const char *)o->notes.data;
    return rc;
}

static int begin(roma_import *imp, const char *path, roma_error *err) {
    memset(imp, 0, sizeof *imp);
    imp->notes = "";
    imp->owned = roma_alloc_array(1, sizeof(import_owned));
    return imp->owned ? ROMA_OK : roma_fail(err, ROMA_ENOMEM, path, ROMA_NOWHERE, "no memory to open a model");
}

static int end(roma_import *imp, int rc) {
    if (rc) roma_import_close(imp);
    return rc;
}

typedef int (*understand_fn)(roma_import *imp, import_owned *o, roma_error *err);

/* path NULL: data, of size bytes. */
static int open_gguf(roma_import *imp, const char *path, const char *pre, const void *data, uint64_t size,
                     understand_fn reads, roma_error *err) {
    int rc = begin(imp, path, err);
    import_owned *o = imp->owned;
    if (!rc) o->pre = pre;
    if (!rc)
        rc = path ? roma_import_set_open(&o->set, path, err) : roma_import_set_open_memory(&o->set, data, size, err);
    if (!rc) rc = reads(imp, o, err);
    return end(imp, rc);
}

static int open_folder(roma_import *imp, const char *path, const roma_import_file *files, size_t n, understand_fn reads,
                       roma_error *err) {
    int rc = begin(imp, path, err);
    import_owned *o = imp->owned;
    if (!rc) o->folder = roma_alloc_array(1, sizeof *o->folder);
    if (!rc && !o->folder) rc = roma_fail(err, ROMA_ENOMEM, path, ROMA_NOWHERE, "no memory to open a model");
    if (!rc) {
        imp->is_folder = true;
        *o->folder = (hf_folder){.path = path, .mem = files, .n_mem = n};
        rc = reads(imp, o, err);
        o->folder->path = NULL; /* the caller's, and not needed any more */
    }
    return end(imp, rc);
}

static bool is_folder(const char *path) {
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

bool roma_import_is_model(const char *path) { return roma_gguf_is(path) || is_folder(path); }

static int open_any(roma_import *imp, const char *path, const char *pre, understand_fn of_gguf, understand_fn of_folder,
                    roma_error *err) {
    if (!is_folder(path)) return open_gguf(imp, path, pre, NULL, 0, of_gguf, err);
    if (pre)
        return roma_fail(err, ROMA_EUSAGE, path, ROMA_NOWHERE, "a folder says itself how text is cut; leave --pre out");
    return open_folder(imp, path, NULL, 0, of_folder, err);
}

int roma_import_open(roma_import *imp, const char *path, roma_error *err) {
    return roma_import_open_pre(imp, path, NULL, err);
}

int roma_import_open_pre(roma_import *imp, const char *path, const char *pre, roma_error *err) {
    return open_any(imp, path, pre, understand, roma_import_hf, err);
}

int roma_import_open_memory(roma_import *imp, const void *data, uint64_t size, roma_error *err) {
    return open_gguf(imp, NULL, NULL, data, size, understand, err);
}

int roma_import_open_vocab(roma_import *imp, const char *path, const char *pre, roma_error *err) {
    return open_any(imp, path, pre, understand_vocab, roma_import_hf_vocabulary, err);
}

int roma_import_open_files(roma_import *imp, const roma_import_file *files, size_t n, roma_error *err) {
    return open_folder(imp, NULL, files, n, roma_import_hf, err);
}

void roma_import_close(roma_import *imp) {
    import_owned *o = imp->owned;
    if (o) {
        roma_import_set_close(&o->set);
        if (o->folder) roma_import_hf_close(o->folder);
        roma_free(o->text_off);
        roma_free(o->text);
        roma_free(o->type);
        roma_free(o->score);
        roma_free(o->merges);
        roma_buf_destroy(&o->notes);
        roma_free(o);
    }
    roma_free(imp->model.tensors);
    memset(imp, 0, sizeof *imp);
}

/* ---- long work ---------------------------------------------------------------------------------------------- */

int roma_import_hash(roma_import *imp, const roma_progress *progress, roma_error *err) {
    const import_owned *o = imp->owned;
    int rc;
    if (o->folder) {
        rc = roma_import_hf_hash(o->folder, imp->source_bytes, progress, imp->source_sha256);
    } else {
        const gguf_file *g = &o->set.part[0];
        roma_sha256 h;
        roma_sha256_init(&h);
        rc = roma_sha256_update_told(&h, g->data, g->size, progress, "hashing");
        roma_sha256_final(&h, imp->source_sha256);
    }
    return rc ? roma_fail(err, rc, "", ROMA_NOWHERE, "interrupted") : ROMA_OK;
}

static int check_tensor(const gguf_file *g, const gguf_tensor *t, roma_error *err) {
    const import_type *type = roma_import_type_get(t->type);
    if (t->packed)
        return roma_import_packed_good(t->packed)
                   ? ROMA_OK
                   : roma_import_tensor_bad(g, t, ROMA_EDAMAGED, err,
                                            "a scale is infinite or not a number; the file is damaged");
    for (uint64_t r = 0; r < t->bytes / t->row_bytes; r++) {
        const int64_t at = roma_import_find_bad_value(type, t->data + r * t->row_bytes, t->dim[0]);
        if (at < 0) continue;
        char name[96];
        return roma_fail(err, ROMA_EDAMAGED, g->path, (uint64_t)(t->data - g->data) + r * t->row_bytes + (uint64_t)at,
                         "tensor '%s', row %llu: a %s is infinite or not a number; the file is damaged",
                         roma_error_name(name, sizeof name, t->name, t->name_len), (unsigned long long)r,
                         type->floats ? "value" : "scale");
    }
    return ROMA_OK;
}

int roma_import_check_values(const roma_import *imp, const roma_progress *progress, roma_error *err) {
    const import_owned *o = imp->owned;
    uint64_t done = 0;
    for (uint32_t p = 0; p < o->set.n_parts; p++) {
        const gguf_file *g = &o->set.part[p];
        for (uint32_t i = 0; i < g->n_tensors; i++) {
            if (roma_progress_tell(progress, "checking", done, imp->source_bytes))
                return roma_fail(err, ROMA_ECANCEL, g->path, ROMA_NOWHERE, "interrupted");
            const int rc = check_tensor(g, &g->tensor[i], err);
            if (rc) return rc;
            if (g->mapped) roma_map_forget(g->tensor[i].data, g->tensor[i].bytes);
            done += g->tensor[i].bytes;
        }
    }
    return ROMA_OK;
}
