/* GGUF's tensor table: names, shapes, types, and where the data lie. Sizes are computed once, here, checked
 * against the file and kept with the tensor; nobody computes them again. */
#include "gguf.h"

int roma_import_tensor_bad(const gguf_file *g, const gguf_tensor *t, int code, roma_error *err, const char *fmt, ...) {
    char name[96], text[400];
    ROMA_PRINT_ARGS(text, fmt);
    return roma_fail(err, code, g->path, t->at, "tensor '%s': %s",
                     roma_error_name(name, sizeof name, t->name, t->name_len), text);
}

static int cut(const gguf_file *g, uint64_t at, roma_error *err) {
    return roma_fail(err, ROMA_EDAMAGED, g->path, at,
                     "the file ends inside its tensor table; it is truncated or damaged: fetch it again");
}

static int read_name(const gguf_file *g, roma_reader *r, gguf_tensor *t, roma_error *err) {
    const uint64_t len = roma_read_u64(r);
    if (r->failed) return cut(g, t->at, err);
    if (len == 0 || len > GGUF_NAME_BYTES_MAX)
        return roma_fail(err, ROMA_EDAMAGED, g->path, t->at, "a tensor name of %llu bytes; 1 to %u are allowed",
                         (unsigned long long)len, GGUF_NAME_BYTES_MAX);
    t->name = (const char *)roma_read_bytes(r, len);
    if (!t->name) return cut(g, t->at, err);
    t->name_len = (uint32_t)len;
    for (uint32_t i = 0; i < t->name_len; i++)
        if (t->name[i] <= ' ' || t->name[i] > '~')
            return roma_import_tensor_bad(g, t, ROMA_EDAMAGED, err, "a name must be printable ASCII without blanks");
    return ROMA_OK;
}

static int read_dims(const gguf_file *g, roma_reader *r, gguf_tensor *t, roma_error *err) {
    t->n_dims = roma_read_u32(r);
    if (r->failed) return cut(g, t->at, err);
    if (t->n_dims == 0 || t->n_dims > GGUF_DIMS_MAX)
        return roma_import_tensor_bad(g, t, ROMA_EDAMAGED, err, "%u dimensions; 1 to %u are allowed", t->n_dims,
                                      GGUF_DIMS_MAX);
    for (unsigned i = 0; i < GGUF_DIMS_MAX; i++) t->dim[i] = i < t->n_dims ? roma_read_u64(r) : 1;
    if (r->failed) return cut(g, t->at, err);
    for (unsigned i = 0; i < t->n_dims; i++)
        if (t->dim[i] == 0)
            return roma_import_tensor_bad(g, t, ROMA_EDAMAGED, err, "dimension %u is 0; the file is damaged", i);
    return ROMA_OK;
}

/* Bytes of the whole tensor from its dimensions and its type's block. */
static int measure(const gguf_file *g, gguf_tensor *t, roma_error *err) {
    const import_type *type = roma_import_type_get(t->type);
    if (!type)
        return roma_import_tensor_bad(
            g, t, ROMA_EUNSUPPORTED, err,
            "type %u is unknown; convert the model to Q8_0, Q4_K or another type named in docs/import.md", t->type);
    if (t->dim[0] % type->block)
        return roma_import_tensor_bad(g, t, ROMA_EDAMAGED, err,
                                      "rows of %llu are no multiple of the %u elements of a %s block",
                                      (unsigned long long)t->dim[0], type->block, type->name);
    uint64_t rows = 1, n;
    bool fits = roma_mul(t->dim[0] / type->block, type->bytes, &t->row_bytes);
    for (unsigned i = 1; i < GGUF_DIMS_MAX; i++) fits = fits && roma_mul(rows, t->dim[i], &rows);
    fits = fits && roma_mul(rows, t->dim[0], &n) && n <= INT64_MAX && roma_mul(rows, t->row_bytes, &t->bytes) &&
           t->bytes <= INT64_MAX;
    if (!fits)
        return roma_import_tensor_bad(g, t, ROMA_EDAMAGED, err, "its size overflows 63 bits; the file is damaged");
    return ROMA_OK;
}

static int read_tensor(const gguf_file *g, roma_reader *r, gguf_tensor *t, roma_error *err) {
    t->at = r->pos;
    int rc = read_name(g, r, t, err);
    if (!rc) rc = read_dims(g, r, t, err);
    if (rc) return rc;
    t->type = roma_read_u32(r);
    t->offset = roma_read_u64(r);
    if (r->failed) return cut(g, t->at, err);
    if (t->offset & (g->alignment - 1))
        return roma_import_tensor_bad(g, t, ROMA_EDAMAGED, err, "offset %llu is no multiple of the alignment %llu",
                                      (unsigned long long)t->offset, (unsigned long long)g->alignment);
    return measure(g, t, err);
}

static const char *tensor_text(const void *ctx, uint32_t i, uint32_t *len) {
    const gguf_file *g = ctx;
    *len = g->tensor[i].name_len;
    return g->tensor[i].name;
}

static int read_table(gguf_file *g, roma_reader *r, roma_error *err) {
    g->tensor = roma_alloc_array(g->n_tensors, sizeof *g->tensor);
    if (!g->tensor || !roma_import_index_create(&g->names, g->n_tensors, tensor_text, g))
        return roma_fail(err, ROMA_ENOMEM, g->path, ROMA_NOWHERE, "no memory for a table of %u tensors", g->n_tensors);
    for (uint32_t i = 0; i < g->n_tensors; i++) {
        const int rc = read_tensor(g, r, &g->tensor[i], err);
        if (rc) return rc;
        const int added = roma_import_index_add(&g->names, i);
        if (added)
            return roma_import_tensor_bad(g, &g->tensor[i], ROMA_EDAMAGED, err,
                                          added == IMPORT_INDEX_TWICE ? "the name is there twice"
                                                                      : "the names are made to collide");
    }
    return ROMA_OK;
}

/* ---- where the data lie -------------------------------------------------------------------------------- */

static int by_offset(const void *a, const void *b, void *tensors) {
    const gguf_tensor *t = tensors, *x = t + *(const uint32_t *)a, *y = t + *(const uint32_t *)b;
    return (x->offset > y->offset) - (x->offset < y->offset);
}

/* The tensors must fill the data without overlap and without holes larger than the padding: bytes that
 * belong to nobody, or to two, are how a file says one thing to one reader and another to the next. */
static int check_places(gguf_file *g, const uint32_t *order, roma_error *err) {
    const uint64_t left = g->size > g->data_at ? g->size - g->data_at : 0;
    uint64_t next = 0, end = 0;
    for (uint32_t i = 0; i < g->n_tensors; i++) {
        gguf_tensor *t = &g->tensor[order[i]];
        if (t->offset < end)
            return roma_import_tensor_bad(g, t, ROMA_EDAMAGED, err,
                                          "its data overlap another tensor's; the file is damaged");
        if (t->offset != next)
            return roma_import_tensor_bad(g, t, ROMA_EDAMAGED, err,
                                          "its data begin at %llu where %llu was expected: a hole; the file is damaged",
                                          (unsigned long long)t->offset, (unsigned long long)next);
        if (!roma_add(t->offset, t->bytes, &end) || end > left)
            return roma_import_tensor_bad(
                g, t, ROMA_EDAMAGED, err,
                "%llu bytes of data at %llu reach beyond the end of the file; it is truncated or damaged: fetch "
                "it again",
                (unsigned long long)t->bytes, (unsigned long long)t->offset);
        if (!roma_round_up(end, g->alignment, &next))
            return roma_import_tensor_bad(g, t, ROMA_EDAMAGED, err, "its padded size overflows");
        t->data = g->data + g->data_at + t->offset;
    }
    g->data_end = g->data_at + end;
    return ROMA_OK;
}

static int place(gguf_file *g, roma_error *err) {
    uint32_t *order = roma_alloc_array(g->n_tensors, sizeof *order);
    if (!order) return roma_fail(err, ROMA_ENOMEM, g->path, ROMA_NOWHERE, "no memory to sort %u tensors", g->n_tensors);
    bool sorted = true;
    for (uint32_t i = 0; i < g->n_tensors; i++) {
        order[i] = i;
        sorted = sorted && (!i || g->tensor[i].offset > g->tensor[i - 1].offset);
    }
    if (!sorted) roma_sort(order, g->n_tensors, sizeof *order, by_offset, g->tensor);
    const int rc = check_places(g, order, err);
    roma_free(order);
    return rc;
}

int roma_import_gguf_tensors(gguf_file *g, roma_reader *r, roma_error *err) {
    const uint32_t n = g->n_tensors;
    int rc = n ? read_table(g, r, err) : ROMA_OK;
    if (rc) return rc;
    if (!roma_round_up(r->pos, g->alignment, &g->data_at))
        return roma_fail(err, ROMA_EDAMAGED, g->path, r->pos, "the start of the data overflows");
    g->data_end = n ? 0 : r->pos;
    return n ? place(g, err) : ROMA_OK;
}
