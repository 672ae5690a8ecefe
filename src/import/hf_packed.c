/* Matrices of 4-bit checkpoints: their parts among the folder's tensors, and their rows. */
#include "hf_packed.h"

/* ---- parts ---- */

const st_tensor *roma_import_hf_part(const hf_packing *c, const char *base, const char *suffix) {
    char name[ST_NAME_MAX + 64];
    const int len = roma_print(name, sizeof name, "%s%s", base, suffix);
    for (uint32_t i = 0; i < c->set->n_parts && len < (int)sizeof name; i++) {
        const int64_t at = roma_import_index_find(&c->set->part[i].names, name, (size_t)len);
        if (at < 0) continue;
        st_tensor *t = &c->f->shard[i].tensor[at];
        t->used = true;
        return t;
    }
    return NULL;
}

int roma_import_hf_packed_bad(const hf_packing *c, int code, const char *base, const char *fmt, ...) {
    char text[240], name[96];
    ROMA_PRINT_ARGS(text, fmt);
    return roma_fail(c->err, code, c->f->path, ROMA_NOWHERE, "matrix '%s': %s",
                     roma_error_name(name, sizeof name, base, strlen(base)), text);
}

/* ---- rows ---- */

/* The scale of a group of the image. */
static float image_scale(const hf_packed *p, uint64_t row, uint64_t group) {
    const float scale = p->read_scale(p, row, group * p->format.group / p->block);
    return p->factor > 0 ? scale / p->factor : scale;
}

static void no_row(const hf_packed *p, uint64_t groups, const roma_row *out) {
    memset(out->code, 0, p->cols);
    memset(out->scale, 0, groups * sizeof *out->scale);
    if (p->format.scale == ROMA_SCALE_F32) memset(out->scale32, 0, groups * sizeof *out->scale32);
    if (p->format.zeros) memset(out->zeros, 0, groups);
}

static void read_row(const roma_tensor *t, uint64_t r, const roma_row *out) {
    const hf_packed *p = t->packed;
    const uint64_t groups = p->cols / p->format.group;
    uint64_t row;
    if (!roma_tensor_source_row(t, r, &row)) {
        no_row(p, groups, out);
        return;
    }
    p->read_codes(p, row, out->code);
    for (uint64_t g = 0; g < groups; g++) {
        if (p->format.scale == ROMA_SCALE_F32)
            out->scale32[g] = image_scale(p, row, g);
        else
            out->scale[g] = roma_le16(p->scales + 2 * p->scale_at(p, row, g * p->format.group / p->block));
        if (p->format.zeros) /* bytes are signed, as their codes are */
            out->zeros[g] = (uint8_t)(p->read_zero(p, row, g * p->format.group / p->block) ^
                                      (p->format.zeros == ROMA_ZEROS_S8 ? 128 : 0));
    }
}

/* The row stands on the stack: at most 1 MiB of codes (roma_hyper_check bounds cols by 262144). */
static void read_floats(const roma_tensor *t, uint64_t r, float *out) {
    uint8_t code[t->cols], zeros[t->cols / 16];
    uint16_t scale[t->cols / 16];
    float scale32[t->cols / 16];
    const roma_row row = {.code = code, .scale = scale, .scale32 = scale32, .zeros = zeros};
    read_row(t, r, &row);
    roma_row_dequant(&t->format, t->cols, &row, out);
}

/* What the checkpoint says, in FP32: the map's value times the scale. */
static void read_source(const roma_tensor *t, uint64_t r, float *out) {
    const hf_packed *p = t->packed;
    uint8_t code[t->cols];
    uint64_t row;
    if (!roma_tensor_source_row(t, r, &row)) {
        memset(out, 0, t->cols * sizeof *out);
        return;
    }
    p->read_codes(p, row, code);
    for (uint64_t b = 0; b < p->blocks; b++) {
        const float scale = p->read_scale(p, row, b);
        for (uint64_t i = b * p->block; i < (b + 1) * p->block; i++) out[i] = p->map[code[i]] * scale;
    }
}

int roma_import_packed_fill(const gguf_file *g, const gguf_tensor *src, roma_tensor *t, roma_error *err) {
    const hf_packed *p = src->packed;
    roma_error why;
    if (!roma_tensor_role_is_matrix(t->role) || t->cols != p->cols)
        return roma_import_tensor_bad(g, src, ROMA_EUNSUPPORTED, err,
                                      "codes of a matrix whose rows are no multiple of 32");
    t->format = p->format;
    const int rc = roma_format_check(&t->format, t->cols, &why);
    if (rc) return roma_import_tensor_bad(g, src, rc, err, "%s", why.text);
    t->packed = p;
    t->form = p->form;
    t->read_row = read_row;
    t->read_floats = read_floats;
    t->read_source = p->factor > 0 ? read_source : NULL;
    return ROMA_OK;
}

bool roma_import_packed_good(const hf_packed *p) {
    for (uint64_t r = 0; r < p->rows; r++)
        for (uint64_t b = 0; b < p->blocks; b++) {
            const float s = p->read_scale(p, r, b);
            if (!(s > -3.0e38f && s < 3.0e38f)) return false;
        }
    return true;
}

bool roma_import_use_levels(roma_import *imp, int limit) {
    const import_owned *o = imp->owned;
    bool any = false;
    for (size_t i = 0; o->folder && i < o->folder->n_packed; i++) {
        hf_packed *p = &o->folder->packed[i];
        if (!(p->factor > 0)) continue;
        p->factor = roma_format_use_map(&p->format, p->map, limit);
        any = true;
    }
    for (size_t i = 0; i < imp->model.n_tensors; i++) {
        roma_tensor *t = &imp->model.tensors[i];
        if (t->packed) t->format = ((const hf_packed *)t->packed)->format;
    }
    return any;
}

/* ---- all matrices of a folder ---- */

/* How a method's matrices are found: by the end, or middle, of the name of a tensor that each has once. */
static const struct {
    const char *mark;
    int (*read)(const hf_packing *c, const char *base, const st_tensor *at, hf_packed *p);
} methods[] = {[HF_FLOATS] = {NULL, NULL},
               [HF_BNB] = {".quant_state.bitsandbytes__", roma_import_hf_bnb},
               [HF_GPTQ] = {".qweight", roma_import_hf_gptq},
               [HF_AWQ] = {".qweight", roma_import_hf_awq},
               [HF_WORDS] = {".weight_packed", roma_import_hf_words}};

/* Bytes of a matrix's name; 0: the tensor does not stand for one. */
static size_t base_of(hf_method method, const char *name) {
    const char *at = strstr(name, methods[method].mark);
    return at ? (size_t)(at - name) : 0;
}

/* The tensor that stands for a matrix becomes its weight by name: bitsandbytes' have that name before the mark, the
 * others' mark is longer than it. Nobody looks for the tensor after that. */
static void rename_anchor(hf_method method, st_tensor *at, size_t *len) {
    static const char weight[] = ".weight";
    if (method != HF_BNB) {
        memcpy(at->name + *len, weight, sizeof weight);
        *len += sizeof weight - 1;
    }
    at->name[*len] = 0;
}

static int add(const hf_packing *c, uint32_t shard, st_tensor *at, size_t len) {
    char base[ST_NAME_MAX + 1];
    hf_packed *p = &c->f->packed[c->f->n_packed];
    gguf_file *g = &c->set->part[shard];
    memcpy(base, at->name, len);
    base[len] = 0;
    at->used = true;
    const int rc = methods[c->quant->method].read(c, base, at, p);
    if (rc) return rc;
    c->f->n_packed++;
    rename_anchor(c->quant->method, at, &len);
    g->tensor[g->n_tensors++] = (gguf_tensor){.name = at->name,
                                              .name_len = (uint32_t)len,
                                              .n_dims = 2,
                                              .dim = {p->cols, p->rows, 1, 1},
                                              .at = ROMA_NOWHERE,
                                              .bytes = p->code_bytes,
                                              .row_bytes = p->code_bytes / p->rows,
                                              .data = p->codes,
                                              .packed = p};
    return ROMA_OK;
}

int roma_import_hf_pack(const hf_packing *c) {
    hf_folder *f = c->f;
    size_t n = 0;
    for (uint32_t i = 0; i < f->n_shards; i++)
        for (uint32_t k = 0; k < f->shard[i].n_tensors; k++)
            n += base_of(c->quant->method, f->shard[i].tensor[k].name) > 0;
    f->packed = roma_alloc_array(n + 1, sizeof *f->packed);
    if (!f->packed) return roma_fail(c->err, ROMA_ENOMEM, f->path, ROMA_NOWHERE, "no memory for a table of matrices");
    for (uint32_t i = 0; i < f->n_shards; i++)
        for (uint32_t k = 0; k < f->shard[i].n_tensors; k++) {
            st_tensor *t = &f->shard[i].tensor[k];
            const size_t len = base_of(c->quant->method, t->name);
            const int rc = len ? add(c, i, t, len) : ROMA_OK;
            if (rc) return rc;
        }
    return ROMA_OK;
}
