/* safetensors: u64 length, a JSON header, data. Everything the header says is held against the file before it is used:
 * known types, sizes that are products without overflow, and data that fills the file from end to end, without overlap,
 * hole or remainder. */
#include <stdlib.h>

#include "lora.h"

static const struct {
    const char *name;
    uint32_t bytes, type; /* ST_...: refused by name where floats are asked for; ST_OTHER: always */
} dtypes[] = {
    {"F32", 4, 0},        {"F16", 2, 1},      {"BF16", 2, 30},       {"F64", 8, 28},           {"I64", 8, ST_I64},
    {"U64", 8, ST_OTHER}, {"I32", 4, ST_I32}, {"U32", 4, ST_OTHER},  {"I16", 2, ST_OTHER},     {"U16", 2, ST_OTHER},
    {"I8", 1, ST_OTHER},  {"U8", 1, ST_U8},   {"BOOL", 1, ST_OTHER}, {"F8_E4M3", 1, ST_OTHER}, {"F8_E5M2", 1, ST_OTHER},
};

typedef struct {
    st_file *f;
    roma_json_reader json;
    char name[128]; /* of the tensor being read, printable */
    uint64_t data_bytes;
    bool packed; /* integers may be there */
    roma_error *err;
} reading;

static int bad(const reading *r, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static int bad(const reading *r, int code, const char *fmt, ...) {
    char text[240];
    ROMA_PRINT_ARGS(text, fmt);
    return roma_json_read_fail(&r->json, code, r->err, "tensor '%s': %s", r->name, text);
}

static int next(reading *r) { return roma_json_read_next(&r->json, r->err); }

/* ---- one entry ---- */

enum { HAS_DTYPE = 1, HAS_SHAPE = 2, HAS_OFFSETS = 4 };

typedef struct {
    unsigned has;
    uint32_t bytes; /* of an element */
    size_t n_dims, n_offsets;
    uint64_t offset[2];
} entry;

static int read_dtype(const reading *r, st_tensor *t, uint32_t *bytes) {
    const roma_json_reader *j = &r->json;
    char shown[48];
    if (j->kind != ROMA_JSON_TEXT) return bad(r, ROMA_EDAMAGED, "its dtype is no text");
    for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; i++) {
        if (!roma_json_is(j, dtypes[i].name)) continue;
        if (dtypes[i].type >= (r->packed ? ST_OTHER : ST_U8))
            return bad(r, ROMA_EUNSUPPORTED, "dtype %s; F32, F16 and BF16 are supported", dtypes[i].name);
        t->type = dtypes[i].type;
        *bytes = dtypes[i].bytes;
        return ROMA_OK;
    }
    return bad(r, ROMA_EUNSUPPORTED, "dtype %s is unknown; F32, F16 and BF16 are supported",
               roma_error_name(shown, sizeof shown, j->text, j->len));
}

/* A list of whole numbers, of which two are kept; *n becomes their count. The token that is none of them ends it. */
static int read_list(reading *r, uint64_t out[2], size_t *n) {
    int rc;
    uint64_t v;
    for (*n = 0; !(rc = next(r)) && r->json.kind == ROMA_JSON_NUMBER; ++*n) {
        if (!roma_json_to_u64(r->json.text, r->json.len, &v)) break;
        if (*n < 2) out[*n] = v;
    }
    return rc;
}

static int read_shape(reading *r, st_tensor *t, size_t *n) {
    if (r->json.kind != ROMA_JSON_ARRAY) return bad(r, ROMA_EDAMAGED, "its shape is no list");
    t->dim[0] = t->dim[1] = 1;
    const int rc = read_list(r, t->dim, n);
    if (rc) return rc;
    if (r->json.kind != ROMA_JSON_ARRAY_END)
        return bad(r, ROMA_EDAMAGED, "dimension %zu is no whole number of 64 bits", *n);
    return ROMA_OK;
}

static int read_offsets(reading *r, entry *e) {
    const bool is_list = r->json.kind == ROMA_JSON_ARRAY;
    const int rc = is_list ? read_list(r, e->offset, &e->n_offsets) : ROMA_OK;
    if (rc) return rc;
    if (!is_list || r->json.kind != ROMA_JSON_ARRAY_END || e->n_offsets != 2)
        return bad(r, ROMA_EDAMAGED, "data_offsets must be two whole numbers");
    return ROMA_OK;
}

/* What the members say together. */
static int check_entry(const reading *r, const entry *e, st_tensor *t) {
    uint64_t bytes = e->bytes;
    static const char *const keys[] = {"dtype", "shape", "data_offsets"};
    for (unsigned i = 0; i < 3; i++)
        if (!(e->has >> i & 1)) return bad(r, ROMA_EDAMAGED, "%s is missing", keys[i]);
    if (e->n_dims < 1 || e->n_dims > 2) return bad(r, ROMA_EUNSUPPORTED, "%zu dimensions; 1 and 2 are read", e->n_dims);
    t->n_dims = (uint32_t)e->n_dims;
    for (size_t i = 0; i < e->n_dims; i++) {
        if (!t->dim[i]) return bad(r, ROMA_EDAMAGED, "dimension %zu is 0", i);
        if (!roma_mul(bytes, t->dim[i], &bytes)) return bad(r, ROMA_EDAMAGED, "its size overflows");
    }
    t->begin = e->offset[0];
    t->end = e->offset[1];
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

static int read_tensor(reading *r, st_tensor *t) {
    entry e = {0};
    int rc;
    if (r->json.kind != ROMA_JSON_OBJECT) return bad(r, ROMA_EDAMAGED, "its entry is no object");
    while (!(rc = next(r)) && r->json.kind == ROMA_JSON_KEY) {
        const unsigned member = roma_json_is(&r->json, "dtype")          ? HAS_DTYPE
                                : roma_json_is(&r->json, "shape")        ? HAS_SHAPE
                                : roma_json_is(&r->json, "data_offsets") ? HAS_OFFSETS
                                                                         : 0;
        if (!member) return bad(r, ROMA_EDAMAGED, "its entry has unknown members");
        e.has |= member;
        rc = next(r);
        if (!rc && member == HAS_DTYPE) rc = read_dtype(r, t, &e.bytes);
        if (!rc && member == HAS_SHAPE) rc = read_shape(r, t, &e.n_dims);
        if (!rc && member == HAS_OFFSETS) rc = read_offsets(r, &e);
        if (rc) return rc;
    }
    return rc ? rc : check_entry(r, &e, t);
}

/* ---- all entries ---- */

static int set_name(const reading *r, st_tensor *t) {
    const roma_json_reader *j = &r->json;
    if (j->len < 1 || j->len > ST_NAME_MAX)
        return bad(r, ROMA_EDAMAGED, "a name of %zu bytes; 1 to %u are allowed", j->len, ST_NAME_MAX);
    for (size_t i = 0; i < j->len; i++)
        if (j->text[i] <= ' ' || j->text[i] > '~')
            return bad(r, ROMA_EDAMAGED, "a name must be printable ASCII without blanks");
    t->name = roma_alloc(j->len + 1);
    if (!t->name) return roma_fail(r->err, ROMA_ENOMEM, r->f->path, ROMA_NOWHERE, "no memory for a name");
    memcpy(t->name, j->text, j->len);
    t->name[j->len] = 0;
    return ROMA_OK;
}

static int read_metadata(reading *r) {
    int rc;
    if (r->json.kind != ROMA_JSON_OBJECT) return bad(r, ROMA_EDAMAGED, "it is no object");
    while (!(rc = next(r)) && r->json.kind == ROMA_JSON_KEY) {
        rc = next(r);
        if (!rc && r->json.kind != ROMA_JSON_TEXT) return bad(r, ROMA_EDAMAGED, "a value is no text");
        if (rc) return rc;
    }
    return rc;
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

/* A pass over the header: whether it is JSON, and how many entries it has. So the table of tensors is as large as it
 * must be, and no larger than the header's own length allows. */
static int count(reading *r, uint32_t header, size_t *n) {
    int rc = next(r);
    for (*n = 0; !rc && r->json.kind != ROMA_JSON_DONE;) {
        if (r->json.kind == ROMA_JSON_KEY && r->json.depth == 1) ++*n;
        rc = next(r);
    }
    if (rc) return rc;
    const size_t most = header / ST_ENTRY_MIN + 1; /* one may be __metadata__ */
    if (*n > most)
        return roma_fail(r->err, ROMA_EDAMAGED, r->f->path, 8,
                         "%zu entries in a header of %u bytes; an entry of a tensor takes at least %u", *n, header,
                         ST_ENTRY_MIN);
    return ROMA_OK;
}

static int read_all(reading *r, const uint8_t *data) {
    st_file *f = r->f;
    int rc = next(r); /* '{' */
    while (!rc && !(rc = next(r)) && r->json.kind == ROMA_JSON_KEY) {
        roma_error_name(r->name, sizeof r->name, r->json.text, r->json.len);
        if (roma_json_is(&r->json, "__metadata__")) {
            rc = next(r);
            if (!rc) rc = read_metadata(r);
            continue;
        }
        st_tensor *t = &f->tensor[f->n_tensors++];
        rc = set_name(r, t);
        if (!rc) rc = next(r);
        if (!rc) rc = read_tensor(r, t);
        if (!rc) t->data = data + t->begin;
    }
    return rc ? rc : check_places(r);
}

/* Two passes of the reader over the header. */
static int read_header(st_file *f, const uint8_t *p, uint32_t n, uint64_t data_bytes, bool packed, roma_error *err) {
    const roma_json_source from = {.file = f->path, .at = 8, .depth = JSON_DEPTH};
    reading r = {.f = f, .data_bytes = data_bytes, .packed = packed, .err = err};
    size_t entries = 0;
    int rc = roma_json_read_begin(&r.json, p, n, &from, err);
    if (!rc) rc = count(&r, n, &entries);
    roma_json_read_end(&r.json);
    if (rc) return rc;
    f->tensor = roma_alloc_array(entries + 1, sizeof *f->tensor);
    if (!f->tensor) return roma_fail(err, ROMA_ENOMEM, f->path, ROMA_NOWHERE, "no memory for a table of tensors");
    rc = roma_json_read_begin(&r.json, p, n, &from, err);
    if (!rc) rc = read_all(&r, p + n);
    roma_json_read_end(&r.json);
    return rc;
}

static int parse(st_file *f, const uint8_t *p, uint64_t size, bool packed, roma_error *err) {
    if (size >= 4 && memcmp(p, "PK\3\4", 4) == 0)
        return roma_fail(err, ROMA_EUNSUPPORTED, f->path, 0,
                         "a zip archive, probably a PyTorch pickle; save the weights as safetensors");
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
    return read_header(f, p + 8, (uint32_t)n, size - 8 - n, packed, err);
}

static int parse_new(st_file *f, const void *data, uint64_t size, const char *path, bool packed, roma_error *err) {
    roma_error own;
    *f = (st_file){.path = path};
    const int rc = parse(f, data, size, packed, err ? err : &own);
    if (rc) roma_import_st_free(f);
    return rc;
}

int roma_import_st_parse(st_file *f, const void *data, uint64_t size, const char *path, roma_error *err) {
    return parse_new(f, data, size, path, false, err);
}

int roma_import_st_parse_packed(st_file *f, const void *data, uint64_t size, const char *path, roma_error *err) {
    return parse_new(f, data, size, path, true, err);
}

const char *roma_import_st_type(uint32_t type) {
    for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; i++)
        if (dtypes[i].type == type) return dtypes[i].name;
    return "?";
}

void roma_import_st_free(st_file *f) {
    for (uint32_t i = 0; i < f->n_tensors; i++) roma_free(f->tensor[i].name);
    roma_free(f->tensor);
    *f = (st_file){0};
}
