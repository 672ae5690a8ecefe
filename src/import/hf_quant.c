/* quantization_config of a folder's config.json: which 4-bit checkpoint the folder is. Keys that say how the codes lie
 * are read; those that say how they were found or shall be computed with are passed over. */
#include "hf.h"

typedef struct {
    roma_json_reader json;
    hf_quant *q;
    roma_error *err;
    char method[32], format[32], version[32], strategy[32], type[32];
    int64_t group;
    bool has_group, eight_bits, is_dynamic, has_inputs, is_turned;
    unsigned groups; /* of compressed-tensors */
} reading;

#define BAD(r, code, ...) roma_json_read_fail(&(r)->json, code, (r)->err, "quantization_config: " __VA_ARGS__)

static int next(reading *r) { return roma_json_read_next(&r->json, r->err); }
static bool is(const reading *r, roma_json_kind kind) { return r->json.kind == kind; }

/* ---- members ---- */

typedef struct {
    const char *key;
    int (*read)(reading *r);
} member;

static int text_to(reading *r, char out[32], const char *key) {
    if (is(r, ROMA_JSON_NULL)) return ROMA_OK;
    if (!is(r, ROMA_JSON_TEXT)) return BAD(r, ROMA_EDAMAGED, "%s must be a text", key);
    roma_error_name(out, 32, r->json.text, r->json.len);
    return ROMA_OK;
}
static int read_method(reading *r) { return text_to(r, r->method, "quant_method"); }
/* checkpoint_format and format are one; so are those of a group of compressed-tensors and of the whole. */
static int read_format(reading *r) {
    char text[32] = "";
    const int rc = text_to(r, text, "format");
    if (rc || !text[0]) return rc;
    if (r->format[0] && strcmp(r->format, text) != 0)
        return BAD(r, ROMA_EDAMAGED, "format is said twice, as '%s' and '%s'", r->format, text);
    memcpy(r->format, text, sizeof text);
    return ROMA_OK;
}
static int read_version(reading *r) { return text_to(r, r->version, "version"); }
static int read_strategy(reading *r) { return text_to(r, r->strategy, "strategy"); }
static int read_kind(reading *r) { return text_to(r, r->type, "type"); }

static int read_bits(reading *r) {
    if (is(r, ROMA_JSON_NUMBER) && roma_json_to_u64(r->json.text, r->json.len, &r->q->bits)) return ROMA_OK;
    return BAD(r, ROMA_EDAMAGED, "bits must be a whole number");
}

static int read_group(reading *r) {
    if (is(r, ROMA_JSON_NULL)) return ROMA_OK;
    r->has_group = true;
    if (is(r, ROMA_JSON_NUMBER) && roma_json_to_i64(r->json.text, r->json.len, &r->group)) return ROMA_OK;
    return BAD(r, ROMA_EDAMAGED, "group_size must be a whole number");
}

static int read_eight(reading *r) { return r->eight_bits = is(r, ROMA_JSON_TRUE), ROMA_OK; }
static int read_symmetric(reading *r) { return r->q->symmetric = is(r, ROMA_JSON_TRUE), ROMA_OK; }

/* Members that say nothing when they are null, false or empty. */
static int read_over(reading *r, bool *says) {
    const bool open = is(r, ROMA_JSON_OBJECT) || is(r, ROMA_JSON_ARRAY);
    const uint32_t depth = r->json.depth;
    int rc = ROMA_OK;
    if (!open) {
        *says = *says || !(is(r, ROMA_JSON_NULL) || is(r, ROMA_JSON_FALSE));
        return ROMA_OK;
    }
    while (!(rc = next(r)) && r->json.depth >= depth) *says = true;
    return rc;
}
static int read_dynamic(reading *r) { return read_over(r, &r->is_dynamic); }
static int read_inputs(reading *r) { return read_over(r, &r->has_inputs); }
static int read_turned(reading *r) { return read_over(r, &r->is_turned); }

/* An object's members through a table; those that are not in it are passed over. */
static int read_object(reading *r, const member *known, size_t n) {
    int rc;
    if (!is(r, ROMA_JSON_OBJECT)) return BAD(r, ROMA_EDAMAGED, "it must be an object");
    while (!(rc = next(r)) && is(r, ROMA_JSON_KEY)) {
        size_t i = 0;
        while (i < n && !roma_json_is(&r->json, known[i].key)) i++;
        rc = next(r);
        if (!rc) rc = i < n ? known[i].read(r) : roma_json_read_skip(&r->json, r->err);
        if (rc) return rc;
    }
    return rc;
}

static int read_weights(reading *r) {
    static const member known[] = {{"num_bits", read_bits},       {"group_size", read_group},
                                   {"symmetric", read_symmetric}, {"strategy", read_strategy},
                                   {"type", read_kind},           {"dynamic", read_dynamic}};
    return read_object(r, known, sizeof known / sizeof *known);
}

static int read_scheme(reading *r) {
    static const member known[] = {{"weights", read_weights},
                                   {"input_activations", read_inputs},
                                   {"output_activations", read_inputs},
                                   {"format", read_format}};
    return read_object(r, known, sizeof known / sizeof *known);
}

static int read_groups(reading *r) {
    int rc;
    if (!is(r, ROMA_JSON_OBJECT)) return BAD(r, ROMA_EDAMAGED, "config_groups must be an object");
    while (!(rc = next(r)) && is(r, ROMA_JSON_KEY)) {
        rc = next(r);
        if (!rc) rc = read_scheme(r);
        if (rc) return rc;
        r->groups++;
    }
    return rc;
}

static int read_config(reading *r) {
    static const member known[] = {{"quant_method", read_method},
                                   {"load_in_8bit", read_eight},
                                   {"bits", read_bits},
                                   {"w_bit", read_bits},
                                   {"group_size", read_group},
                                   {"q_group_size", read_group},
                                   {"checkpoint_format", read_format},
                                   {"format", read_format},
                                   {"version", read_version},
                                   {"dynamic", read_dynamic},
                                   {"kv_cache_scheme", read_inputs},
                                   {"rotation", read_turned},
                                   {"transform_config", read_turned},
                                   {"config_groups", read_groups}};
    return read_object(r, known, sizeof known / sizeof *known);
}

/* ---- what they say together ---- */

static bool means(const char *text, const char *what) { return strcmp(text, what) == 0; }

static int settle_group(reading *r, const char *path) {
    r->q->group = r->group < 0 ? 0 : (uint64_t)r->group;
    if (r->has_group && r->group >= -1 && r->group != 0 && r->group <= 1 << 20) return ROMA_OK;
    return roma_fail(r->err, ROMA_EUNSUPPORTED, path, ROMA_NOWHERE,
                     "quantization_config: group_size must be -1 or a number of inputs");
}

static int unsupported(const reading *r, const char *path, const char *what, const char *known) {
    return roma_fail(r->err, ROMA_EUNSUPPORTED, path, ROMA_NOWHERE, "quantization_config: %s; %s", what, known);
}

static int settle_gptq(reading *r, const char *path) {
    if (r->format[0] && !means(r->format, "gptq") && !means(r->format, "gptq_v2"))
        return unsupported(r, path, "another checkpoint_format of GPTQ", "gptq and gptq_v2 are read");
    if (r->is_dynamic) return unsupported(r, path, "dynamic, settings for each module", "one for all is read");
    r->q->method = HF_GPTQ;
    r->q->less_one = !means(r->format, "gptq_v2");
    return settle_group(r, path);
}

static int settle_awq(reading *r, const char *path) {
    const char *form = r->version[0] ? r->version : r->format;
    if (form[0] && !means(form, "gemm") && !means(form, "GEMM"))
        return unsupported(r, path, "another order of AWQ", "GEMM is read");
    r->q->method = HF_AWQ;
    return settle_group(r, path);
}

static int settle_words(reading *r, const char *path) {
    if (!means(r->format, "pack-quantized"))
        return unsupported(r, path, "another format of compressed-tensors", "pack-quantized is read");
    if (r->groups != 1) return unsupported(r, path, "several config_groups", "one is read");
    if (r->has_inputs || r->is_dynamic)
        return unsupported(r, path, "activations are quantised too", "weights alone are read");
    if (!means(r->type, "int") || (!means(r->strategy, "group") && !means(r->strategy, "channel")))
        return unsupported(r, path, "another type or strategy of weights", "int by group or channel is read");
    r->q->method = HF_WORDS;
    if (means(r->strategy, "channel")) return r->q->group = 0, ROMA_OK;
    return settle_group(r, path);
}

static int settle_bnb(reading *r, const char *path) {
    if (r->eight_bits)
        return unsupported(r, path, "load_in_8bit: outliers are multiplied apart", "4 bits of bitsandbytes are read");
    r->q->method = HF_BNB;
    r->q->bits = 4;
    return ROMA_OK;
}

static int settle(reading *r, const char *path) {
    static const struct {
        const char *name;
        int (*settle)(reading *r, const char *path);
    } methods[] = {
        {"bitsandbytes", settle_bnb}, {"gptq", settle_gptq}, {"awq", settle_awq}, {"compressed-tensors", settle_words}};
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        if (!means(r->method, methods[i].name)) continue;
        if (r->is_turned)
            return unsupported(r, path, "weights are rotated (rotation, transform_config)",
                               "activations would have to be turned with them, which is not supported");
        const int rc = methods[i].settle(r, path);
        const uint64_t bits = r->q->bits;
        const bool gptq = r->q->method == HF_GPTQ;
        if (rc || bits == 4 || (r->q->method != HF_AWQ && (bits == 2 || bits == 8)) || (gptq && bits == 3)) return rc;
        return unsupported(r, path, "another number of bits", "2, 4 and 8 are read, of GPTQ also 3, of AWQ 4");
    }
    return roma_fail(r->err, ROMA_EUNSUPPORTED, path, ROMA_NOWHERE,
                     "quantization_config: quant_method '%s' is not read%s; bitsandbytes, gptq, awq and "
                     "compressed-tensors are",
                     r->method, means(r->method, "hqq") ? ", as its zero points are no whole numbers" : "");
}

int roma_import_hf_quant(const hf_file *config, hf_quant *q, roma_error *err) {
    const roma_json_source from = {.file = config->path, .line = 1};
    reading r = {.q = q, .err = err};
    bool found = false;
    int rc = roma_json_read_begin(&r.json, config->data, (size_t)config->size, &from, err);
    *q = (hf_quant){0};
    if (!rc) rc = next(&r); /* an object: the shape's reader has seen it */
    while (!rc && !(rc = next(&r)) && is(&r, ROMA_JSON_KEY)) {
        const bool here = roma_json_is(&r.json, "quantization_config");
        rc = next(&r);
        if (rc || !here || is(&r, ROMA_JSON_NULL)) {
            if (!rc) rc = roma_json_read_skip(&r.json, err);
            continue;
        }
        found = true;
        rc = read_config(&r);
    }
    roma_json_read_end(&r.json);
    return rc || !found ? rc : settle(&r, config->path);
}
