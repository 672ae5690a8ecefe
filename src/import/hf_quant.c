/* quantization_config of a folder's config.json, or compression_config as it was once called: which 4-bit checkpoint
 * the folder is. Every key must be known: one that says how the codes lie is read, one that changes what they mean must
 * be off, and one that says how they were found or shall be computed with is listed. */
#include "hf.h"

typedef struct {
    roma_json_reader json;
    hf_quant *q;
    roma_error *err;
    char method[32], format[32], version[32], strategy[32], type[32];
    int64_t group;
    bool has_group, four_bits, eight_bits, is_dynamic, has_inputs, is_turned;
    size_t at;       /* of the value being read */
    char key[48];    /* whose value it is */
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
/* quant_method, and method as gptqmodel calls it beside. */
static int read_method(reading *r) {
    char text[32] = "";
    const int rc = text_to(r, text, r->key);
    if (rc || !text[0]) return rc;
    if (r->method[0] && strcmp(r->method, text) != 0)
        return BAD(r, ROMA_EDAMAGED, "the method is said twice, as '%s' and '%s'", r->method, text);
    memcpy(r->method, text, sizeof text);
    return ROMA_OK;
}
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

static int read_eight(reading *r) { return r->eight_bits |= is(r, ROMA_JSON_TRUE), ROMA_OK; }
static int read_four(reading *r) { return r->four_bits |= is(r, ROMA_JSON_TRUE), ROMA_OK; }
static int read_symmetric(reading *r) { return r->q->symmetric = !is(r, ROMA_JSON_FALSE), ROMA_OK; }

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

/* gptqmodel's settings for modules, by pattern: "-:..." leaves a module as it was, which its tensors say too. */
static int read_modules(reading *r) {
    int rc;
    if (!is(r, ROMA_JSON_OBJECT)) return read_dynamic(r);
    while (!(rc = next(r)) && is(r, ROMA_JSON_KEY)) {
        r->is_dynamic |= r->json.len < 2 || memcmp(r->json.text, "-:", 2) != 0;
        rc = next(r);
        if (!rc) rc = roma_json_read_skip(&r->json, r->err);
        if (rc) return rc;
    }
    return rc;
}

/* Refuses a value that says something. */
static int must_be_off(reading *r, const char *why) {
    bool says = false;
    const int rc = read_over(r, &says);
    if (rc || !says) return rc;
    return roma_json_read_fail_key(&r->json, r->at, ROMA_EUNSUPPORTED, r->err, r->key,
                                   "it is part of quantization_config and %s", why);
}
static int read_off(reading *r) { return must_be_off(r, "changes what the weights are; only its absence is read"); }
static int read_unknown(reading *r) { return must_be_off(r, "is unknown; remove it if it changes no weight"); }
static int read_fine(reading *r) { return roma_json_read_skip(&r->json, r->err); }

/* One text alone leaves codes as they are read here. */
static int read_only(reading *r, const char *good) {
    if (is(r, ROMA_JSON_NULL) || (is(r, ROMA_JSON_TEXT) && roma_json_is(&r->json, good))) return ROMA_OK;
    return roma_json_read_fail_key(&r->json, r->at, ROMA_EUNSUPPORTED, r->err, r->key,
                                   "it is part of quantization_config; %s is read", good);
}
static int read_int32(reading *r) { return read_only(r, "int32"); }
static int read_int(reading *r) { return read_only(r, "int"); }

/* llm-awq, of AWQ's backends, packs otherwise. */
static int read_backend(reading *r) {
    return is(r, ROMA_JSON_TEXT) && roma_json_is(&r->json, "llm-awq") ? read_off(r) : read_fine(r);
}

/* AutoRound's bits of activations: 16 and more are no rounding. */
static int read_input_bits(reading *r) {
    uint64_t bits;
    if (is(r, ROMA_JSON_NUMBER) && roma_json_to_u64(r->json.text, r->json.len, &bits)) r->has_inputs |= bits < 16;
    return read_fine(r);
}

/* A sparse form stores fewer values than there are. */
static int read_sparse(reading *r) {
    int rc = ROMA_OK;
    bool dense = true;
    if (!is(r, ROMA_JSON_OBJECT)) return read_off(r);
    while (!(rc = next(r)) && is(r, ROMA_JSON_KEY)) {
        const bool format = roma_json_is(&r->json, "format");
        rc = next(r);
        if (!rc && format) dense = is(r, ROMA_JSON_TEXT) && roma_json_is(&r->json, "dense");
        if (!rc) rc = roma_json_read_skip(&r->json, r->err);
        if (rc) return rc;
    }
    return rc || dense ? rc : BAD(r, ROMA_EUNSUPPORTED, "sparsity_config: dense is read");
}

/* ---- the keys ---- */

/* An object's members through a table that ends with a key of NULL. */
static int read_object(reading *r, const member *known) {
    int rc;
    if (!is(r, ROMA_JSON_OBJECT)) return BAD(r, ROMA_EDAMAGED, "it must be an object");
    while (!(rc = next(r)) && is(r, ROMA_JSON_KEY)) {
        const member *m = known;
        while (m->key && !roma_json_is(&r->json, m->key)) m++;
        roma_error_name(r->key, sizeof r->key, r->json.text, r->json.len);
        rc = next(r);
        r->at = r->json.at;
        if (!rc) rc = m->key ? m->read(r) : read_unknown(r);
        if (rc) return rc;
    }
    return rc;
}

/* clang-format off */
static int read_weights(reading *r) {
    static const member known[] = {
        {"num_bits", read_bits}, {"group_size", read_group}, {"symmetric", read_symmetric}, {"strategy", read_strategy},
        {"type", read_kind}, {"dynamic", read_dynamic}, {"block_structure", read_off},
        {"actorder", read_fine}, /* weight_g_idx says it */
        {"scale_dtype", read_fine}, {"zp_dtype", read_fine}, /* the tensors' own types count */
        {"observer", read_fine}, {"observer_kwargs", read_fine}, {0}};
    return read_object(r, known);
}

static int read_scheme(reading *r) {
    static const member known[] = {
        {"weights", read_weights}, {"input_activations", read_inputs}, {"output_activations", read_inputs},
        {"format", read_format}, {"targets", read_fine}, {0}};
    return read_object(r, known);
}
/* clang-format on */

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

/* clang-format off */
static int read_config(reading *r) {
    static const member known[] = {
        {"quant_method", read_method}, {"method", read_method}, {"load_in_8bit", read_eight}, {"load_in_4bit", read_four},
        {"bits", read_bits}, {"w_bit", read_bits}, {"group_size", read_group}, {"q_group_size", read_group},
        {"checkpoint_format", read_format}, {"format", read_format}, {"version", read_version}, {"dynamic", read_modules},
        {"kv_cache_scheme", read_inputs}, {"act_bits", read_input_bits}, {"rotation", read_turned},
        {"transform_config", read_turned}, {"rotation_config", read_turned}, {"config_groups", read_groups},
        {"pack_dtype", read_int32}, {"data_type", read_int}, {"backend", read_backend}, {"sparsity_config", read_sparse},
        /* parts beside the codes, or settings of single modules */
        {"activation", read_off}, {"adapter", read_off}, {"extra_config", read_off}, {"is_marlin_format", read_off},
        {"lora", read_off}, {"moe_sparsity_config", read_off}, {"super_bits", read_off}, {"super_group_size", read_off},
        /* which modules: their tensors say it */
        {"block_name_to_quantize", read_fine}, {"ignore", read_fine}, {"llm_int8_skip_modules", read_fine},
        {"lm_head", read_fine}, {"modules_in_block_to_quantize", read_fine}, {"modules_to_not_convert", read_fine},
        {"module_name_preceding_first_block", read_fine}, {"quant_block_list", read_fine}, {"quant_lm_head", read_fine},
        {"to_quant_block_names", read_fine},
        /* zero points, order, levels and nesting: the tensors are read for them */
        {"block_size", read_fine}, {"bnb_4bit_quant_storage", read_fine}, {"bnb_4bit_quant_type", read_fine},
        {"bnb_4bit_use_double_quant", read_fine}, {"compress_statistics", read_fine}, {"desc_act", read_fine},
        {"scale_dtype", read_fine}, {"static_groups", read_fine}, {"sym", read_fine}, {"zero_point", read_fine},
        /* how the codes were found */
        {"act_data_type", read_fine}, {"act_dynamic", read_fine}, {"act_group_aware", read_fine},
        {"act_group_size", read_fine}, {"act_sym", read_fine}, {"amp", read_fine}, {"autoround_version", read_fine},
        {"batch_size", read_fine}, {"cache_block_outputs", read_fine}, {"calibration", read_fine},
        {"damp_auto_increment", read_fine}, {"damp_percent", read_fine}, {"dataset", read_fine},
        {"enable_minmax_tuning", read_fine}, {"enable_norm_bias_tuning", read_fine}, {"enable_quanted_input", read_fine},
        {"failsafe", read_fine}, {"fallback", read_fine}, {"foem", read_fine}, {"gptaq", read_fine},
        {"global_compression_ratio", read_fine}, {"gradient_accumulate_steps", read_fine}, {"hessian", read_fine},
        {"iters", read_fine}, {"low_gpu_mem_usage", read_fine}, {"lr", read_fine}, {"max_input_length", read_fine},
        {"meta", read_fine}, {"minmax_lr", read_fine}, {"model_file_base_name", read_fine},
        {"model_name_or_path", read_fine}, {"model_seqlen", read_fine}, {"mse", read_fine}, {"nsamples", read_fine},
        {"pad_token_id", read_fine}, {"provider", read_fine}, {"quantization_status", read_fine},
        {"quantizer", read_fine}, {"seqlen", read_fine}, {"tokenizer", read_fine}, {"train_bs", read_fine},
        {"true_sequential", read_fine}, {"uri", read_fine}, {"v2", read_fine}, {"v2_alpha", read_fine},
        /* what the checkpoint shall be computed with */
        {"_load_in_4bit", read_fine}, {"_load_in_8bit", read_fine}, {"bnb_4bit_compute_dtype", read_fine},
        {"dequantize", read_fine}, {"disable_exllama", read_fine}, {"do_fuse", read_fine}, {"exllama_config", read_fine},
        {"fuse_max_seq_len", read_fine}, {"llm_int8_enable_fp32_cpu_offload", read_fine},
        {"llm_int8_has_fp16_weight", read_fine}, {"llm_int8_threshold", read_fine}, {"max_batch_size", read_fine},
        {"modules_to_fuse", read_fine}, {"run_compressed", read_fine}, {"use_cuda_fp16", read_fine},
        {"use_exllama", read_fine}, {"use_optimized_inference", read_fine}, {0}};
    return read_object(r, known);
}
/* clang-format on */

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
    if (!means(r->type, "int") || (!means(r->strategy, "group") && !means(r->strategy, "channel")))
        return unsupported(r, path, "another type or strategy of weights", "int by group or channel is read");
    r->q->method = HF_WORDS;
    if (means(r->strategy, "channel")) return r->q->group = 0, ROMA_OK;
    return settle_group(r, path);
}

static int settle_bnb(reading *r, const char *path) {
    if (r->eight_bits)
        return unsupported(r, path, "load_in_8bit: outliers are multiplied apart", "4 bits of bitsandbytes are read");
    if (r->q->bits && r->q->bits != 4) return unsupported(r, path, "another number of bits", "4 are read");
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
    if (!r->method[0] && (r->four_bits || r->eight_bits)) /* as older files have it */
        memcpy(r->method, "bitsandbytes", sizeof "bitsandbytes");
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        if (!means(r->method, methods[i].name)) continue;
        if (r->is_turned)
            return unsupported(r, path, "weights are rotated (rotation, transform_config)",
                               "activations would have to be turned with them, which is not supported");
        if (r->has_inputs || (r->is_dynamic && means(r->method, "compressed-tensors")))
            return unsupported(r, path, "activations are quantised too", "weights alone are read");
        if (r->is_dynamic) return unsupported(r, path, "dynamic, settings for each module", "one for all is read");
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
    unsigned found = 0;
    int rc = roma_json_read_begin(&r.json, config->data, (size_t)config->size, &from, err);
    *q = (hf_quant){.symmetric = true};
    if (!rc) rc = next(&r); /* an object: the shape's reader has seen it */
    while (!rc && !(rc = next(&r)) && is(&r, ROMA_JSON_KEY)) {
        const bool here = roma_json_is(&r.json, "quantization_config") || roma_json_is(&r.json, "compression_config");
        rc = next(&r);
        if (rc || !here || is(&r, ROMA_JSON_NULL)) {
            if (!rc) rc = roma_json_read_skip(&r.json, err);
            continue;
        }
        rc = found++ ? BAD(&r, ROMA_EINPUT, "compression_config is there too") : read_config(&r);
    }
    roma_json_read_end(&r.json);
    return rc || !found ? rc : settle(&r, config->path);
}
