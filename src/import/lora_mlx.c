/* Adapters that MLX saves: adapters.safetensors, where A and B lie the other way round, and adapter_config.json, which
 * has the training's settings too. What is added is scale * (x A) B; the scale is the file's own, not alpha over rank.
 */
#include "lora.h"

typedef struct {
    roma_json_reader json;
    size_t at; /* of the value being read */
    bool has_parameters, has_scale, dora;
    double rank, scale, alpha; /* alpha 0: none */
    const lora_build *b;
    roma_error *err;
} reading;

#define BAD(r, code, key, ...) roma_json_read_fail_key(&(r)->json, (r)->at, code, (r)->err, key, __VA_ARGS__)

static int next(reading *r) { return roma_json_read_next(&r->json, r->err); }
static bool is(const reading *r, roma_json_kind kind) { return r->json.kind == kind; }

/* ---- the configuration ---- */

static int read_real(reading *r, const char *key, double least, double most, double *out) {
    if (is(r, ROMA_JSON_NUMBER) && roma_json_to_real(r->json.text, r->json.len, out) && *out >= least && *out <= most &&
        *out != 0)
        return ROMA_OK;
    return BAD(r, ROMA_EUNSUPPORTED, key, "it must be a number other than 0, from %g to %g", least, most);
}

static int read_parameter(reading *r, const char *key) {
    if (strcmp(key, "rank") == 0) return read_real(r, key, 1, ROMA_ADAPTER_RANK_MAX, &r->rank);
    if (strcmp(key, "alpha") == 0) return read_real(r, key, -1e6, 1e6, &r->alpha);
    if (strcmp(key, "scale") != 0) return roma_json_read_skip(&r->json, r->err); /* dropout, and which modules */
    r->has_scale = true;
    return read_real(r, key, -1e6, 1e6, &r->scale);
}

/* Members of the object that was opened, each to `read`. */
static int read_members(reading *r, int (*read)(reading *, const char *)) {
    char key[48];
    int rc;
    while (!(rc = next(r)) && is(r, ROMA_JSON_KEY)) {
        roma_error_name(key, sizeof key, r->json.text, r->json.len);
        rc = next(r);
        r->at = r->json.at;
        if (!rc) rc = read(r, key);
        if (rc) return rc;
    }
    return rc;
}

static int read_kind(reading *r) {
    r->dora = is(r, ROMA_JSON_TEXT) && roma_json_is(&r->json, "dora");
    if (r->dora || (is(r, ROMA_JSON_TEXT) && roma_json_is(&r->json, "lora"))) return ROMA_OK;
    if (is(r, ROMA_JSON_TEXT) && roma_json_is(&r->json, "full"))
        return BAD(r, ROMA_EUNSUPPORTED, "fine_tune_type",
                   "whole retrained matrices, which cannot replace those in ROM");
    return BAD(r, ROMA_EUNSUPPORTED, "fine_tune_type", "only lora and dora are supported");
}

static int read_key(reading *r, const char *key) {
    if (strcmp(key, "fine_tune_type") == 0) return read_kind(r);
    if (strcmp(key, "lora_parameters") != 0) return roma_json_read_skip(&r->json, r->err);
    if (!is(r, ROMA_JSON_OBJECT)) return BAD(r, ROMA_EINPUT, key, "it must be an object");
    r->has_parameters = true;
    return read_members(r, read_parameter);
}

static int read_config(reading *r, const void *data, uint64_t size, const char *path) {
    const roma_json_source from = {.file = path, .line = 1, .depth = JSON_DEPTH};
    if (size > PEFT_CONFIG_MAX)
        return roma_fail(r->err, ROMA_EUNSUPPORTED, path, ROMA_NOWHERE, "a configuration of more than 1 MiB");
    int rc = roma_json_read_begin(&r->json, data, (size_t)size, &from, r->err);
    if (!rc) rc = next(r);
    if (!rc && !is(r, ROMA_JSON_OBJECT))
        rc = roma_json_read_fail(&r->json, ROMA_EINPUT, r->err, "the JSON is no object");
    if (!rc) rc = read_members(r, read_key);
    if (!rc) rc = next(r); /* nothing behind it */
    roma_json_read_end(&r->json);
    if (!rc && !(r->has_parameters && r->has_scale && r->rank >= 1))
        rc = roma_fail(r->err, ROMA_EINPUT, path, ROMA_NOWHERE,
                       "key 'lora_parameters' with rank and scale is missing: not an adapter that MLX saved");
    return rc;
}

/* ---- tensors ---- */

/* What stands behind a module's name: 'a', 'b', of DoRA 'm'; 0: something else. */
static char part_of(const char *end) {
    if (strcmp(end, ".m") == 0) return 'm';
    return strncmp(end, ".lora_", 6) == 0 && (end[6] == 'a' || end[6] == 'b') && !end[7] ? end[6] : 0;
}

/* "model.layers.N.self_attn.q_proj.lora_a"; gives its part. */
static char parse_name(const char *name, unsigned *slot, uint32_t *layer) {
    static const char prefix[] = "model.layers.", *const whole[] = {"lm_head", "model.embed_tokens"};
    for (unsigned k = 0; k < 2; k++) {
        const size_t n = strlen(whole[k]);
        if (strncmp(name, whole[k], n) != 0) continue;
        *slot = k ? LORA_EMBED : LORA_HEAD;
        *layer = 0;
        return part_of(name + n);
    }
    if (strncmp(name, prefix, sizeof prefix - 1) != 0) return 0;
    const char *p = name + sizeof prefix - 1;
    const size_t n = roma_import_layer(p, strlen(p), layer);
    if (!n) return 0;
    p += n;
    for (*slot = 0; *slot < LORA_ROLES; ++*slot) {
        const char *module = roma_import_lora_module(*slot);
        const size_t len = strlen(module);
        if (strncmp(p, module, len) == 0) return part_of(p + len);
    }
    return 0;
}

static int add_all(lora_build *b, const st_file *f) {
    for (uint32_t i = 0; i < f->n_tensors; i++) {
        const st_tensor *t = &f->tensor[i];
        unsigned slot;
        uint32_t layer;
        char shown[160];
        roma_error_name(shown, sizeof shown, t->name, strlen(t->name));
        const char part = parse_name(t->name, &slot, &layer);
        if (!part)
            return roma_fail(b->err, ROMA_EUNSUPPORTED, b->path, ROMA_NOWHERE,
                             "tensor '%s': no part of an adapter that we know (lora_a, lora_b and m of the seven "
                             "matrices of a layer, of lm_head and embed_tokens); leaving it out would change it",
                             shown);
        if (part == 'm' && slot == LORA_EMBED)
            return roma_fail(b->err, ROMA_EUNSUPPORTED, b->path, ROMA_NOWHERE,
                             "tensor '%s': MLX's DoRA of the embedding has a magnitude a token, PEFT's one a column, "
                             "which is what runs",
                             shown);
        const int rc = part == 'm' ? roma_import_lora_add_magnitude(b, slot, layer, t, shown)
                                   : roma_import_lora_add(b, slot, layer, part == 'b', t, shown);
        if (rc) return rc;
    }
    return ROMA_OK;
}

static int scale_of(void *ctx, unsigned slot, uint32_t layer, uint32_t rank, float *alpha, float *scale) {
    const reading *r = ctx;
    if (r->rank < rank || r->rank > rank)
        return roma_fail(r->err, ROMA_EINPUT, r->b->path, ROMA_NOWHERE,
                         "layer %u, %s has rank %u, adapter_config.json says %g", layer, roma_import_lora_module(slot),
                         rank, r->rank);
    const double s = r->alpha != 0 ? r->scale * r->alpha / rank : r->scale; /* MLX's first versions had both */
    *scale = (float)s;
    *alpha = (float)(s * rank);
    return ROMA_OK;
}

int roma_import_lora_mlx(lora_build *b, const void *config, uint64_t config_bytes, const char *config_path,
                         const void *data, uint64_t bytes, const char *data_path) {
    reading r = {.b = b, .err = b->err};
    st_file f = {0};
    int rc = read_config(&r, config, config_bytes, config_path);
    if (rc) return rc;
    b->rope_halves = b->turned = true;
    b->dora = r.dora;
    rc = roma_import_st_parse(&f, data, bytes, data_path, b->err);
    if (!rc) rc = add_all(b, &f);
    if (!rc) rc = roma_import_lora_finish(b, scale_of, &r);
    roma_import_st_free(&f);
    return rc;
}
