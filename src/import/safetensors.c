/* safetensors: u64 length, a JSON header, data. Everything the header says is held against the file before it is used:
 * known types, sizes that are products without overflow, and data that fills the file from end to end, without overlap,
 * hole or remainder. */
#include <stdlib.h>
#include "lora.h"

static const struct {
    const char *name;
    uint32_t bytes, type; /* type UINT32_MAX: known, so that it can be refused by name */
} dtypes[] = {
    {"F32", 4, 0},
    {"F16", 2, 1},
    {"BF16", 2, 30},
    {"F64", 8, UINT32_MAX},
    {"I64", 8, UINT32_MAX},
    {"U64", 8, UINT32_MAX},
    {"I32", 4, UINT32_MAX},
    {"U32", 4, UINT32_MAX},
    {"I16", 2, UINT32_MAX},
    {"U16", 2, UINT32_MAX},
    {"I8", 1, UINT32_MAX},
    {"U8", 1, UINT32_MAX},
    {"BOOL", 1, UINT32_MAX},
    {"F8_E4M3", 1, UINT32_MAX},
    {"F8_E5M2", 1, UINT32_MAX},
};

typedef struct {
    st_file *f;
    const char *name; /* of the tensor being read, printable */
    uint64_t data_bytes;
    roma_error *err;
} reading;

static int bad(const reading *r, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static int bad(const reading *r, int code, const char *fmt, ...) {
    char text[320];
    va_list args;
    va_start(args, fmt);
    roma_vprint(text, sizeof text, fmt, args);
    va_end(args);
    return roma_fail(r->err, code, r->f->path, 8, "tensor '%s': %s", r->name, text);
}

/* ---- one entry ---- */

static int read_dtype(const reading *r, const json_t *v, st_tensor *t, uint64_t *bytes) {
    const char *text = json_string_value(v);
    char shown[48];
    if (!text) return bad(r, ROMA_EDAMAGED, "its dtype is no text");
    for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; i++) {
        if (strcmp(dtypes[i].name, text) != 0) continue;
        if (dtypes[i].type == UINT32_MAX)
            return bad(r, ROMA_EUNSUPPORTED, "dtype %s; F32, F16 and BF16 are supported", text);
        t->type = dtypes[i].type;
        *bytes = dtypes[i].bytes;
        return ROMA_OK;
    }
    return bad(r, ROMA_EUNSUPPORTED, "dtype %s is unknown; F32, F16 and BF16 are supported",
               roma_error_name(shown, sizeof shown, text, strlen(text)));
}

/* *bytes becomes those of the whole tensor. */
static int read_shape(const reading *r, const json_t *v, st_tensor *t, uint64_t *bytes) {
    if (!json_is_array(v)) return bad(r, ROMA_EDAMAGED, "its shape is no list");
    const size_t n = json_array_size(v);
    if (n < 1 || n > 2) return bad(r, ROMA_EUNSUPPORTED, "%zu dimensions; a matrix of an adapter has 2", n);
    t->n_dims = (uint32_t)n;
    t->dim[0] = t->dim[1] = 1;
    for (size_t i = 0; i < n; i++) {
        const json_t *d = json_array_get(v, i);
        if (!json_is_integer(d) || json_integer_value(d) < 0)
            return bad(r, ROMA_EDAMAGED, "dimension %zu is no whole number", i);
        t->dim[i] = (uint64_t)json_integer_value(d);
        if (!t->dim[i]) return bad(r, ROMA_EDAMAGED, "dimension %zu is 0", i);
        if (!roma_mul(*bytes, t->dim[i], bytes)) return bad(r, ROMA_EDAMAGED, "its size overflows");
    }
    return ROMA_OK;
}

static int read_offsets(const reading *r, const json_t *v, st_tensor *t, uint64_t bytes) {
    if (!json_is_array(v) || json_array_size(v) != 2 || !json_is_integer(json_array_get(v, 0)) ||
        !json_is_integer(json_array_get(v, 1)) || json_integer_value(json_array_get(v, 0)) < 0 ||
        json_integer_value(json_array_get(v, 1)) < 0)
        return bad(r, ROMA_EDAMAGED, "data_offsets must be two whole numbers");
    t->begin = (uint64_t)json_integer_value(json_array_get(v, 0));
    t->end = (uint64_t)json_integer_value(json_array_get(v, 1));
    if (t->begin > t->end || t->end > r->data_bytes)
        return bad(
            r, ROMA_EDAMAGED,
            "its data (%llu to %llu) lie outside the file's %llu bytes of data; the file is truncated or damaged",
            (unsigned long long)t->begin, (unsigned long long)t->end, (unsigned long long)r->data_bytes);
    if (t->end - t->begin != bytes)
        return bad(r, ROMA_EDAMAGED, "%llu bytes of data, but its shape needs %llu",
                   (unsigned long long)(t->end - t->begin), (unsigned long long)bytes);
    return ROMA_OK;
}

static int read_tensor(const reading *r, const json_t *v, st_tensor *t) {
    uint64_t bytes = 0;
    if (!json_is_object(v)) return bad(r, ROMA_EDAMAGED, "its entry is no object");
    static const char *const keys[] = {"dtype", "shape", "data_offsets"};
    for (size_t i = 0; i < 3; i++)
        if (!json_object_get(v, keys[i])) return bad(r, ROMA_EDAMAGED, "%s is missing", keys[i]);
    if (json_object_size(v) != 3) return bad(r, ROMA_EDAMAGED, "its entry has unknown members");
    int rc = read_dtype(r, json_object_get(v, "dtype"), t, &bytes);
    if (!rc) rc = read_shape(r, json_object_get(v, "shape"), t, &bytes);
    return rc ? rc : read_offsets(r, json_object_get(v, "data_offsets"), t, bytes);
}

/* ---- all entries ---- */

static int set_name(const reading *r, const char *key, st_tensor *t) {
    const size_t n = strlen(key);
    if (n < 1 || n > ST_NAME_MAX)
        return bad(r, ROMA_EDAMAGED, "a name of %zu bytes; 1 to %u are allowed", n, ST_NAME_MAX);
    for (size_t i = 0; i < n; i++)
        if (key[i] <= ' ' || key[i] > '~')
            return bad(r, ROMA_EDAMAGED, "a name must be printable ASCII without blanks");
    t->name = roma_alloc(n + 1);
    if (!t->name) return roma_fail(r->err, ROMA_ENOMEM, r->f->path, ROMA_NOWHERE, "no memory for a name");
    memcpy(t->name, key, n + 1);
    return ROMA_OK;
}

static int read_metadata(const reading *r, const json_t *v) {
    const char *key;
    json_t *text;
    if (!json_is_object(v)) return bad(r, ROMA_EDAMAGED, "it is no object");
    json_object_foreach((json_t *)(uintptr_t)v, key, text) if (!json_is_string(text)) return bad(r, ROMA_EDAMAGED,
                                                                                                 "a value is no text");
    return ROMA_OK;
}

static int by_begin(const void *a, const void *b) {
    const st_tensor *x = a, *y = b;
    return x->begin < y->begin ? -1 : x->begin > y->begin;
}

static int check_places(const reading *r) {
    uint64_t end = 0;
    st_file *f = r->f;
    if (f->n_tensors) qsort(f->tensor, f->n_tensors, sizeof *f->tensor, by_begin);
    for (uint32_t i = 0; i < f->n_tensors; i++) {
        const st_tensor *t = &f->tensor[i];
        if (t->begin != end)
            return roma_fail(r->err, ROMA_EDAMAGED, f->path, 8, "tensor '%s': its data %s", t->name,
                             t->begin < end ? "overlap those of another" : "are behind a hole");
        end = t->end;
    }
    if (end == r->data_bytes) return ROMA_OK;
    return roma_fail(r->err, ROMA_EDAMAGED, f->path, ROMA_NOWHERE,
                     "%llu bytes behind the last tensor; the file is damaged",
                     (unsigned long long)(r->data_bytes - end));
}

static int read_all(reading *r, json_t *j, const uint8_t *data) {
    st_file *f = r->f;
    const char *key;
    json_t *v;
    char shown[128];
    f->tensor = roma_alloc_array(json_object_size(j) + 1, sizeof *f->tensor);
    if (!f->tensor) return roma_fail(r->err, ROMA_ENOMEM, f->path, ROMA_NOWHERE, "no memory for a table of tensors");
    json_object_foreach(j, key, v) {
        r->name = roma_error_name(shown, sizeof shown, key, strlen(key));
        int rc;
        if (strcmp(key, "__metadata__") == 0) {
            rc = read_metadata(r, v);
        } else {
            st_tensor *t = &f->tensor[f->n_tensors++];
            rc = set_name(r, key, t);
            if (!rc) rc = read_tensor(r, v, t);
            if (!rc) t->data = data + t->begin;
        }
        if (rc) return rc;
    }
    return check_places(r);
}

static int parse(st_file *f, const uint8_t *p, uint64_t size, roma_error *err) {
    if (size >= 4 && memcmp(p, "PK\3\4", 4) == 0)
        return roma_fail(err, ROMA_EUNSUPPORTED, f->path, 0,
                         "a zip archive, probably a PyTorch pickle; save the adapter as safetensors");
    if (size < 8)
        return roma_fail(err, ROMA_EDAMAGED, f->path, size, "the file ends inside its header; fetch it again");
    const uint64_t n = roma_le64(p);
    if (n > size - 8)
        return roma_fail(err, ROMA_EDAMAGED, f->path, 0,
                         "a header of %llu bytes in a file of %llu; it is truncated, damaged or no safetensors file",
                         (unsigned long long)n, (unsigned long long)size);
    if (n > ST_HEADER_MAX)
        return roma_fail(err, ROMA_EUNSUPPORTED, f->path, 0, "a header of %llu bytes; at most %u are read",
                         (unsigned long long)n, ST_HEADER_MAX);
    if (n < 2 || p[8] != '{')
        return roma_fail(err, ROMA_EINPUT, f->path, 8, "no safetensors file: its header does not begin with '{'");
    json_t *j = roma_import_json(f->path, p + 8, (size_t)n, 8, err);
    if (!j) return err ? err->code : ROMA_EINPUT;
    reading r = {f, "", size - 8 - n, err};
    const int rc = read_all(&r, j, p + 8 + n);
    json_decref(j);
    return rc;
}

int roma_import_st_parse(st_file *f, const void *data, uint64_t size, const char *path, roma_error *err) {
    roma_error own;
    *f = (st_file){.path = path};
    const int rc = parse(f, data, size, err ? err : &own);
    if (rc) roma_import_st_free(f);
    return rc;
}

void roma_import_st_free(st_file *f) {
    for (uint32_t i = 0; i < f->n_tensors; i++) roma_free(f->tensor[i].name);
    roma_free(f->tensor);
    *f = (st_file){0};
}
