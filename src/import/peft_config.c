/* adapter_config.json of PEFT. Every key must be known: those that change the mathematics are obeyed or refused by
 * name, those that do not are listed; a key that is null says nothing. */
#include "lora.h"

typedef struct {
    peft_config *c;
    roma_error *err;
} reading;

static int bad(const reading *r, int code, const char *key, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
static int bad(const reading *r, int code, const char *key, const char *fmt, ...) {
    char text[320], name[96];
    va_list args;
    va_start(args, fmt);
    roma_vprint(text, sizeof text, fmt, args);
    va_end(args);
    return roma_fail(r->err, code, r->c->path, ROMA_NOWHERE, "key '%s': %s",
                     roma_error_name(name, sizeof name, key, strlen(key)), text);
}

static bool is_text(const json_t *v, const char *text) {
    return json_is_string(v) && strcmp(json_string_value(v), text) == 0;
}
static bool is_empty(const json_t *v) {
    return (json_is_array(v) && json_array_size(v) == 0) || (json_is_object(v) && json_object_size(v) == 0);
}

/* ---- values ---- */

static int read_rank(const reading *r, const char *key, const json_t *v) {
    if (!json_is_integer(v) || json_integer_value(v) < 1 || json_integer_value(v) > ROMA_ADAPTER_RANK_MAX)
        return bad(r, ROMA_EUNSUPPORTED, key, "a rank must be a whole number from 1 to %d", ROMA_ADAPTER_RANK_MAX);
    return ROMA_OK;
}

static int read_alpha(const reading *r, const char *key, const json_t *v) {
    const double a = json_number_value(v);
    if (!json_is_number(v) || a == 0 || !(a >= -1e6 && a <= 1e6))
        return bad(r, ROMA_EUNSUPPORTED, key, "alpha must be a number other than 0, up to 1000000");
    return ROMA_OK;
}

static int key_r(const reading *r, const char *key, json_t *v) {
    const int rc = read_rank(r, key, v);
    if (!rc) r->c->rank = (uint32_t)json_integer_value(v);
    return rc;
}
static int key_alpha(const reading *r, const char *key, json_t *v) {
    r->c->alpha = json_number_value(v);
    return read_alpha(r, key, v);
}
static int key_rslora(const reading *r, const char *key, json_t *v) {
    if (!json_is_boolean(v)) return bad(r, ROMA_EINPUT, key, "it must be true or false");
    r->c->rslora = json_is_true(v);
    return ROMA_OK;
}

/* Keys of a pattern are regular expressions in Python; names, which is what they are in practice, are understood. */
static int read_pattern(const reading *r, const char *key, json_t *v,
                        int (*each)(const reading *, const char *, const json_t *)) {
    const char *name;
    json_t *x;
    if (!json_is_object(v)) return bad(r, ROMA_EINPUT, key, "it must be an object");
    json_object_foreach(v, name, x) {
        const char *p = name + (*name == '^');
        if (!*p || p[strspn(p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.")])
            return bad(r, ROMA_EUNSUPPORTED, key, "a regular expression; names of modules are supported");
        const int rc = each(r, key, x);
        if (rc) return rc;
    }
    return ROMA_OK;
}
static int key_rank_pattern(const reading *r, const char *key, json_t *v) {
    r->c->rank_pattern = v;
    return read_pattern(r, key, v, read_rank);
}
static int key_alpha_pattern(const reading *r, const char *key, json_t *v) {
    r->c->alpha_pattern = v;
    return read_pattern(r, key, v, read_alpha);
}

static int key_targets(const reading *r, const char *key, json_t *v) {
    if (json_is_string(v)) return ROMA_OK; /* "all-linear" or a regular expression: the tensors say which */
    if (!json_is_array(v) || !json_array_size(v))
        return bad(r, ROMA_EINPUT, key, "it must be a list of names, or a text");
    for (size_t i = 0; i < json_array_size(v); i++)
        if (!json_is_string(json_array_get(v, i))) return bad(r, ROMA_EINPUT, key, "name %zu is no text", i);
    r->c->targets = v;
    return ROMA_OK;
}
static int key_layers(const reading *r, const char *key, json_t *v) {
    if (json_is_array(v) && !json_array_size(v)) return ROMA_OK;
    if (json_is_integer(v)) {
        json_t *list = json_pack("[O]", v);
        if (!list) return roma_fail(r->err, ROMA_ENOMEM, r->c->path, ROMA_NOWHERE, "no memory for the JSON");
        if (json_object_set_new(r->c->json, "layers_to_transform", list))
            return roma_fail(r->err, ROMA_ENOMEM, r->c->path, ROMA_NOWHERE, "no memory for the JSON");
        v = list;
    }
    for (size_t i = 0; i < json_array_size(v); i++)
        if (!json_is_integer(json_array_get(v, i)))
            return bad(r, ROMA_EINPUT, key, "it must be a layer or a list of layers");
    if (!json_is_array(v)) return bad(r, ROMA_EINPUT, key, "it must be a layer or a list of layers");
    r->c->layers = v;
    return ROMA_OK;
}
static int key_layers_pattern(const reading *r, const char *key, json_t *v) {
    if (is_empty(v) || is_text(v, "layers") || (json_array_size(v) == 1 && is_text(json_array_get(v, 0), "layers")))
        return ROMA_OK;
    return bad(r, ROMA_EUNSUPPORTED, key, "layers are called 'layers' in the models that we run");
}
static int key_type(const reading *r, const char *key, json_t *v) {
    return is_text(v, "LORA") ? ROMA_OK : bad(r, ROMA_EUNSUPPORTED, key, "only LORA adapters are supported");
}
static int key_bias(const reading *r, const char *key, json_t *v) {
    return is_text(v, "none")
               ? ROMA_OK
               : bad(r, ROMA_EUNSUPPORTED, key, "trained biases are not supported; train with bias=\"none\"");
}
/* These change the base's own weights before training, which the image does not. */
static int key_init(const reading *r, const char *key, json_t *v) {
    static const char *const good[] = {"gaussian", "eva", "orthogonal"};
    if (json_is_boolean(v)) return ROMA_OK;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (is_text(v, good[i])) return ROMA_OK;
    return bad(r, ROMA_EUNSUPPORTED, key,
               "this initialisation changes the base's own weights; convert the adapter to plain LoRA "
               "(save_pretrained with path_initial_model_for_weight_conversion)");
}
/* Off, or refused by name. */
static int key_off(const reading *r, const char *key, json_t *v) {
    if (json_is_false(v) || is_empty(v)) return ROMA_OK;
    return bad(r, ROMA_EUNSUPPORTED, key, "it changes what the adapter computes and is not supported");
}
static int key_dora(const reading *r, const char *key, json_t *v) {
    return json_is_false(v) ? ROMA_OK
                            : bad(r, ROMA_EUNSUPPORTED, key,
                                  "DoRA rescales the base's own weights, which are in ROM; train plain LoRA");
}
static int key_saved(const reading *r, const char *key, json_t *v) {
    return is_empty(v) ? ROMA_OK
                       : bad(r, ROMA_EUNSUPPORTED, key,
                             "whole retrained modules cannot replace those in ROM; train without modules_to_save");
}
static int key_fine(const reading *r, const char *key, json_t *v) {
    (void)r, (void)key, (void)v;
    return ROMA_OK;
}

/* clang-format off */
static const struct {
    const char *key;
    int (*read)(const reading *, const char *, json_t *);
} keys[] = {
    {"r", key_r}, {"lora_alpha", key_alpha}, {"use_rslora", key_rslora}, {"rank_pattern", key_rank_pattern},
    {"alpha_pattern", key_alpha_pattern}, {"target_modules", key_targets}, {"layers_to_transform", key_layers},
    {"layers_pattern", key_layers_pattern}, {"peft_type", key_type}, {"bias", key_bias}, {"init_lora_weights", key_init},
    {"use_dora", key_dora}, {"modules_to_save", key_saved}, {"fan_in_fan_out", key_off}, {"lora_bias", key_off},
    {"layer_replication", key_off}, {"trainable_token_indices", key_off}, {"target_parameters", key_off}, {"use_qalora", key_off},
    {"use_bdlora", key_off}, {"alora_invocation_tokens", key_off}, {"megatron_config", key_off}, {"arrow_config", key_off},
    /* where it came from, and how it was trained */
    {"base_model_name_or_path", key_fine}, {"revision", key_fine}, {"task_type", key_fine}, {"inference_mode", key_fine},
    {"auto_mapping", key_fine}, {"lora_dropout", key_fine}, {"loftq_config", key_fine}, {"eva_config", key_fine},
    {"corda_config", key_fine}, {"lora_ga_config", key_fine}, {"megatron_core", key_fine}, {"runtime_config", key_fine},
    {"peft_version", key_fine}, {"qalora_group_size", key_fine}, {"exclude_modules", key_fine}, {"ensure_weight_tying", key_fine},
};
/* clang-format on */

static int read_keys(const reading *r) {
    const char *key;
    json_t *v;
    void *next;
    json_object_foreach_safe(r->c->json, next, key, v) {
        size_t i = 0;
        if (json_is_null(v)) continue;
        while (i < sizeof keys / sizeof *keys && strcmp(keys[i].key, key) != 0) i++;
        if (i == sizeof keys / sizeof *keys)
            return bad(r, ROMA_EUNSUPPORTED, key,
                       "it is unknown and may change what the adapter computes; remove it if it does not");
        const int rc = keys[i].read(r, key, v);
        if (rc) return rc;
    }
    static const char *const needed[] = {"peft_type", "r", "lora_alpha"};
    for (size_t i = 0; i < 3; i++)
        if (!json_object_get(r->c->json, needed[i]) || json_is_null(json_object_get(r->c->json, needed[i])))
            return bad(r, ROMA_EINPUT, needed[i], "it is missing");
    return ROMA_OK;
}

int roma_import_peft_parse(peft_config *c, const void *data, uint64_t size, const char *path, roma_error *err) {
    roma_error own;
    if (!err) err = &own;
    *c = (peft_config){.path = path};
    if (size > PEFT_CONFIG_MAX)
        return roma_fail(err, ROMA_EUNSUPPORTED, path, ROMA_NOWHERE, "a configuration of more than 1 MiB");
    c->json = roma_import_json(path, data, (size_t)size, 0, err);
    if (!c->json) return err->code;
    const reading r = {c, err};
    const int rc = read_keys(&r);
    if (rc) roma_import_peft_free(c);
    return rc;
}

void roma_import_peft_free(peft_config *c) {
    json_decref(c->json);
    *c = (peft_config){0};
}

/* ---- what it says of a module ---- */

/* As PEFT: the whole name, or its end behind a dot; "^name" only the whole. */
static bool names(const char *pattern, const char *module) {
    if (*pattern == '^') return strcmp(pattern + 1, module) == 0;
    const size_t n = strlen(pattern), all = strlen(module);
    return n <= all && strcmp(module + all - n, pattern) == 0 && (n == all || module[all - n - 1] == '.');
}

static const json_t *lookup(json_t *patterns, const char *module) {
    const char *key;
    json_t *v;
    if (patterns) json_object_foreach(patterns, key, v) if (names(key, module)) return v;
    return NULL;
}

uint32_t roma_import_peft_rank(const peft_config *c, const char *module) {
    const json_t *v = lookup(c->rank_pattern, module);
    return v ? (uint32_t)json_integer_value(v) : c->rank;
}

double roma_import_peft_alpha(const peft_config *c, const char *module) {
    const json_t *v = lookup(c->alpha_pattern, module);
    return v ? json_number_value(v) : c->alpha;
}

bool roma_import_peft_selects(const peft_config *c, const char *module, uint32_t layer) {
    bool target = !c->targets, in_layer = !c->layers;
    for (size_t i = 0; i < json_array_size(c->targets) && !target; i++)
        target = names(json_string_value(json_array_get(c->targets, i)), module);
    for (size_t i = 0; i < json_array_size(c->layers) && !in_layer; i++)
        in_layer = json_integer_value(json_array_get(c->layers, i)) == layer;
    return target && in_layer;
}

bool roma_import_peft_is_exact(const peft_config *c) {
    const json_t *x = json_object_get(c->json, "exclude_modules");
    return c->targets && (!x || json_is_null(x) || is_empty(x));
}
