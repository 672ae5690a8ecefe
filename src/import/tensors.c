/* Tensors of a file to those of a model. A name that we do not know is refused: a weight left out is a wrong model. */
#include <string.h>
#include "gguf.h"

static bool is_rotated(uint32_t role) {
    switch (role) {
    case ROMA_W_Q:
    case ROMA_W_K:
    case ROMA_W_Q_BIAS:
    case ROMA_W_K_BIAS:
    case ROMA_W_Q_NORM:
    case ROMA_W_K_NORM: return true;
    default: return false;
    }
}

/* ---- one tensor ------------------------------------------------------------------------------------------ */

/* Each kind of file has its own order of dimensions. */
static int other_shape(const gguf_file *g, const gguf_tensor *src, uint64_t cols, uint64_t rows, bool vector,
                       roma_error *err) {
    char have[96] = "", want[64];
    if (g->naming == IMPORT_GGUF)
        return roma_import_tensor_bad(
            g, src, ROMA_EDAMAGED, err, "shape %llu x %llu x %llu x %llu, but the hyper-parameters ask for %llu x %llu",
            (unsigned long long)src->dim[0], (unsigned long long)src->dim[1], (unsigned long long)src->dim[2],
            (unsigned long long)src->dim[3], (unsigned long long)cols, (unsigned long long)rows);
    if (src->n_dims == 2) roma_print(have, sizeof have, "%llu, ", (unsigned long long)src->dim[1]);
    if (vector)
        want[0] = 0;
    else
        roma_print(want, sizeof want, "%llu, ", (unsigned long long)rows);
    return roma_import_tensor_bad(g, src, ROMA_EDAMAGED, err, "shape [%s%llu], but config.json asks for [%s%llu]", have,
                                  (unsigned long long)src->dim[0], want, (unsigned long long)cols);
}

static bool is_in_heads(uint32_t role) { return is_rotated(role) || role == ROMA_W_V || role == ROMA_W_V_BIAS; }

/* The file has the model's own widths, the tensor ours. */
static int check_shape(const gguf_file *g, const gguf_tensor *src, const roma_hyper *h, roma_tensor *t,
                       roma_error *err) {
    uint64_t cols;
    if (!roma_hyper_shape(h, t->role, &t->rows, &t->cols) || !roma_hyper_true_shape(h, t->role, &t->true_rows, &cols))
        return roma_import_tensor_bad(g, src, ROMA_EUNSUPPORTED, err, "does not belong to architecture %s",
                                      roma_arch_name(h->arch));
    const uint64_t rows = t->true_rows;
    const bool flat = g->naming == IMPORT_HF && src->n_dims != (roma_tensor_role_is_matrix(t->role) ? 2 : 1);
    t->true_cols = cols;
    if (src->dim[0] != cols || src->dim[1] != rows || src->dim[2] != 1 || src->dim[3] != 1 || flat)
        return other_shape(g, src, cols, rows, !roma_tensor_role_is_matrix(t->role), err);
    return ROMA_OK;
}

static int check_vector(const gguf_file *g, const gguf_tensor *src, const import_type *type, roma_error *err) {
    if (!type->floats)
        return roma_import_tensor_bad(g, src, ROMA_EUNSUPPORTED, err, "type %s; a vector must be F32, F16 or BF16",
                                      type->name);
    const int64_t at = roma_import_find_bad_value(type, src->data, src->dim[0]);
    if (at < 0) return ROMA_OK;
    return roma_import_tensor_bad(g, src, ROMA_EDAMAGED, err,
                                  "element %llu is infinite or not a number; it would poison every token",
                                  (unsigned long long)at / type->bytes);
}

static int check_type(const gguf_file *g, const gguf_tensor *src, const import_type *type, roma_tensor *t,
                      roma_error *err) {
    if (!roma_tensor_role_is_matrix(t->role)) return check_vector(g, src, type, err);
    if (type->floats) return ROMA_OK;
    if (!type->row)
        return roma_import_tensor_bad(
            g, src, ROMA_EUNSUPPORTED, err,
            "type %s is not supported; quantise the model to Q8_0, Q4_K or another type named in docs/import.md",
            type->name);
    roma_error why;
    t->format = type->format;
    const int rc = roma_format_check(&t->format, t->cols, &why);
    return rc ? roma_import_tensor_bad(g, src, rc, err, "type %s: %s", type->name, why.text) : ROMA_OK;
}

static int fill(const gguf_file *g, const gguf_tensor *src, const roma_hyper *h, roma_tensor *t, roma_error *err) {
    const import_type *type = roma_import_type_get(src->type);
    int rc = check_shape(g, src, h, t, err);
    if (!rc && !src->packed) rc = check_type(g, src, type, t, err);
    if (rc) return rc;
    t->is_float = !src->packed && type->floats != NULL;
    t->source_type = src->type;
    t->data = src->data;
    t->mapped = g->mapped;
    t->row_bytes = src->row_bytes;
    t->rope_halves = (g->naming == IMPORT_HF || h->arch != ROMA_ARCH_LLAMA) && is_rotated(t->role);
    t->true_head = is_in_heads(t->role) ? (uint16_t)roma_true_head(h) : 0;
    t->head_dim = (uint16_t)h->head_dim;
    t->rope_dim = (uint16_t)h->rope_dim;
    t->read_row = t->is_float ? NULL : roma_import_read_row;
    t->read_floats = roma_import_read_floats;
    return src->packed ? roma_import_packed_fill(g, src, t, err) : ROMA_OK;
}

/* ---- all of them ------------------------------------------------------------------------------------------- */

static bool is_known_extra(const gguf_tensor *t) {
    static const char freqs[] = "rope_freqs.weight"; /* read with the hyper-parameters */
    return t->name_len == sizeof freqs - 1 && memcmp(t->name, freqs, sizeof freqs - 1) == 0;
}

static int add(const gguf_file *g, const gguf_tensor *src, roma_model *m, uint8_t *seen, roma_error *err) {
    roma_tensor *t = &m->tensors[m->n_tensors];
    if (!roma_import_role(g->naming, src->name, src->name_len, &t->role, &t->layer))
        return roma_import_tensor_bad(g, src, ROMA_EUNSUPPORTED, err,
                                      "no part of architecture %s that we know; leaving it out would change the model",
                                      roma_arch_name(m->hyper.arch));
    if (t->layer >= m->hyper.layers)
        return roma_import_tensor_bad(g, src, ROMA_EDAMAGED, err, "layer %u of a model of %u layers", t->layer,
                                      m->hyper.layers);
    uint8_t *mark = &seen[(size_t)t->layer * ROMA_W_END + t->role];
    if (*mark) return roma_import_tensor_bad(g, src, ROMA_EDAMAGED, err, "it is there twice");
    *mark = 1;
    const int rc = fill(g, src, &m->hyper, t, err);
    if (!rc) m->n_tensors++;
    return rc;
}

static int add_all(const gguf_set *s, roma_model *m, uint8_t *seen, roma_error *err) {
    for (uint32_t p = 0; p < s->n_parts; p++)
        for (uint32_t i = 0; i < s->part[p].n_tensors; i++) {
            const gguf_tensor *src = &s->part[p].tensor[i];
            const int rc = is_known_extra(src) ? ROMA_OK : add(&s->part[p], src, m, seen, err);
            if (rc) return rc;
        }
    return roma_model_check(m, s->part[0].path, err);
}

int roma_import_tensors(const gguf_set *s, roma_model *m, roma_error *err) {
    size_t n = 0;
    for (uint32_t p = 0; p < s->n_parts; p++) n += s->part[p].n_tensors;
    m->tensors = roma_alloc_array(n + 1, sizeof *m->tensors);
    uint8_t *seen = roma_alloc_array((size_t)m->hyper.layers * ROMA_W_END, 1);
    const int rc = m->tensors && seen ? add_all(s, m, seen, err)
                                      : roma_fail(err, ROMA_ENOMEM, s->part[0].path, ROMA_NOWHERE,
                                                  "no memory for a table of %zu tensors", n);
    roma_free(seen);
    return rc;
}
