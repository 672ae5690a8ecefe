/* bitsandbytes' 4-bit matrices (NF4, FP4), with and without double quantisation. Codes, absmax, nested absmax, offset
 * and both maps are the file's. */
#include "hf_packed.h"

/* ---- quant_state: a JSON text in a tensor of bytes ---- */

typedef struct {
    roma_json_reader json;
    const char *path;
    uint64_t block, nested_block, shape[2];
    size_t n_dims;
    double offset;
    bool has_offset;
    roma_error *err;
} state;

static int next(state *s) { return roma_json_read_next(&s->json, s->err); }

#define BAD(s, ...) roma_json_read_fail(&(s)->json, ROMA_EDAMAGED, (s)->err, "quant_state: " __VA_ARGS__)

static int read_u64(state *s, uint64_t *out) {
    if (s->json.kind == ROMA_JSON_NUMBER && roma_json_to_u64(s->json.text, s->json.len, out)) return ROMA_OK;
    return BAD(s, "a block size is no whole number");
}

static int read_shape(state *s) {
    int rc;
    if (s->json.kind != ROMA_JSON_ARRAY) return BAD(s, "its shape is no list");
    while (!(rc = next(s)) && s->json.kind == ROMA_JSON_NUMBER) {
        if (s->n_dims == 2 || !roma_json_to_u64(s->json.text, s->json.len, &s->shape[s->n_dims++]))
            return BAD(s, "its shape is not rows and columns");
    }
    if (!rc && (s->json.kind != ROMA_JSON_ARRAY_END || s->n_dims != 2))
        return BAD(s, "its shape is not rows and columns");
    return rc;
}

static int read_member(state *s) {
    enum { BLOCK, NESTED, OFFSET, SHAPE, OTHER };
    static const char *const keys[] = {"blocksize", "nested_blocksize", "nested_offset", "shape"};
    int key = 0;
    while (key < OTHER && !roma_json_is(&s->json, keys[key])) key++;
    const int rc = next(s);
    if (rc) return rc;
    if (key == BLOCK) return read_u64(s, &s->block);
    if (key == NESTED) return read_u64(s, &s->nested_block);
    if (key == SHAPE) return read_shape(s);
    if (key == OTHER) return roma_json_read_skip(&s->json, s->err);
    s->has_offset = s->json.kind == ROMA_JSON_NUMBER && roma_json_to_real(s->json.text, s->json.len, &s->offset);
    return s->has_offset ? ROMA_OK : BAD(s, "nested_offset is no number");
}

static int read_state(state *s, const st_tensor *at) {
    const roma_json_source from = {.file = s->path, .depth = JSON_DEPTH};
    int rc = roma_json_read_begin(&s->json, at->data, (size_t)(at->end - at->begin), &from, s->err);
    if (!rc) rc = next(s);
    if (!rc && s->json.kind != ROMA_JSON_OBJECT) rc = BAD(s, "it is no object");
    while (!rc && !(rc = next(s)) && s->json.kind == ROMA_JSON_KEY) rc = read_member(s);
    if (!rc) rc = next(s); /* nothing may follow */
    roma_json_read_end(&s->json);
    return rc;
}

/* ---- rows ---- */

/* The first of two codes is in the high half of a byte. */
static void read_codes(const hf_packed *p, uint64_t row, uint8_t *out) {
    const uint8_t *at = p->codes + row * (p->cols / 2);
    for (uint64_t i = 0; i < p->cols / 2; i++) {
        out[2 * i] = at[i] >> 4;
        out[2 * i + 1] = at[i] & 15;
    }
}

static float float_at(const uint8_t *p, uint64_t i) { return roma_f32_from_bits(roma_le32(p + 4 * i)); }

static float plain_scale(const hf_packed *p, uint64_t row, uint64_t block) {
    return float_at(p->scales, row * p->blocks + block);
}

/* fl(fl(map[code] * nested absmax) + offset) */
static float nested_scale(const hf_packed *p, uint64_t row, uint64_t block) {
    const uint64_t i = row * p->blocks + block;
    const float inner = float_at(p->nested_map, p->scales[i]) * float_at(p->nested_absmax, i / p->nested_block);
    return inner + p->offset;
}

/* ---- a matrix ---- */

/* A tensor of n elements, of bytes or FP32. */
static int part_of(const hf_packing *c, const char *base, const char *suffix, bool bytes, uint64_t n,
                   const uint8_t **out) {
    const st_tensor *t = roma_import_hf_part(c, base, suffix);
    if (!t) return roma_import_hf_packed_bad(c, ROMA_EDAMAGED, base, "%s is missing", suffix + 1);
    if (t->type != (bytes ? ST_U8 : 0))
        return roma_import_hf_packed_bad(c, ROMA_EUNSUPPORTED, base, "%s must be %s", suffix + 1, bytes ? "U8" : "F32");
    if (t->end - t->begin != n * (bytes ? 1 : 4))
        return roma_import_hf_packed_bad(c, ROMA_EDAMAGED, base, "%s has %llu bytes, not %llu elements", suffix + 1,
                                         (unsigned long long)(t->end - t->begin), (unsigned long long)n);
    *out = t->data;
    return ROMA_OK;
}

static int check_state(const hf_packing *c, const char *base, const state *s) {
    if (s->n_dims != 2) return roma_import_hf_packed_bad(c, ROMA_EDAMAGED, base, "quant_state has no shape");
    if (!s->block || (s->block & (s->block - 1)) || s->block < 16 || s->block > HF_BLOCK_MAX)
        return roma_import_hf_packed_bad(c, ROMA_EUNSUPPORTED, base, "blocks of %llu; 16 to 4096 are read",
                                         (unsigned long long)s->block);
    if (!s->shape[0] || !s->shape[1] || s->shape[0] > UINT32_MAX || s->shape[1] > UINT32_MAX)
        return roma_import_hf_packed_bad(c, ROMA_EDAMAGED, base, "a shape of nothing, or beyond 32 bits");
    if (s->shape[1] % s->block)
        return roma_import_hf_packed_bad(c, ROMA_EUNSUPPORTED, base,
                                         "rows of %llu are no multiple of the block of %llu: blocks cross rows",
                                         (unsigned long long)s->shape[1], (unsigned long long)s->block);
    if (s->nested_block > UINT32_MAX || (s->nested_block && !s->has_offset))
        return roma_import_hf_packed_bad(c, ROMA_EDAMAGED, base, "quant_state has nested blocks but no offset");
    return ROMA_OK;
}

static int read_map(const hf_packing *c, const char *base, hf_packed *p) {
    const uint8_t *map;
    const int rc = part_of(c, base, ".quant_map", false, 16, &map);
    if (rc) return rc;
    for (int i = 0; i < 16; i++) {
        p->map[i] = float_at(map, (uint64_t)i);
        if (!(p->map[i] >= -1 && p->map[i] <= 1))
            return roma_import_hf_packed_bad(c, ROMA_EDAMAGED, base, "quant_map has a value out of -1 to 1");
    }
    return ROMA_OK;
}

int roma_import_hf_bnb(const hf_packing *c, const char *base, const st_tensor *at, hf_packed *p) {
    state s = {.path = c->f->path, .err = c->err};
    int rc = read_state(&s, at);
    if (!rc) rc = check_state(c, base, &s);
    if (rc) return rc;
    const st_tensor *codes = roma_import_hf_part(c, base, "");
    const uint64_t n = s.shape[0] * s.shape[1];
    if (!codes || codes->end - codes->begin != n / 2) /* of whatever type the bytes are said to be */
        return roma_import_hf_packed_bad(c, ROMA_EDAMAGED, base, "its codes are no %llu bytes",
                                         (unsigned long long)n / 2);
    *p = (hf_packed){.rows = s.shape[0],
                     .cols = s.shape[1],
                     .block = (uint32_t)s.block,
                     .blocks = s.shape[1] / s.block,
                     .codes = codes->data,
                     .code_bytes = n / 2,
                     .read_codes = read_codes,
                     .read_scale = s.nested_block ? nested_scale : plain_scale,
                     .nested_block = (uint32_t)s.nested_block,
                     .offset = (float)s.offset};
    p->form = s.nested_block ? "bitsandbytes, 4 bits by map, double quantisation" : "bitsandbytes, 4 bits by map";
    const uint64_t blocks = n / s.block;
    rc = read_map(c, base, p);
    if (!rc) rc = part_of(c, base, ".absmax", s.nested_block > 0, blocks, &p->scales);
    if (!rc && s.nested_block) rc = part_of(c, base, ".nested_quant_map", false, 256, &p->nested_map);
    if (!rc && s.nested_block)
        rc = part_of(c, base, ".nested_absmax", false, (blocks - 1) / s.nested_block + 1, &p->nested_absmax);
    if (rc) return rc;
    p->format = (roma_format){.bits = 4, .scale = ROMA_SCALE_F32, .group = (uint16_t)(s.block < 256 ? s.block : 256)};
    p->factor = roma_format_use_map(&p->format, p->map, ROMA_FINE_MAX);
    return ROMA_OK;
}
