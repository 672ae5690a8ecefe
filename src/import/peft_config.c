/* adapter_config.json of PEFT. Every key must be known: those that change the mathematics are obeyed or refused by
 * name, those that do not are listed; a key that is null says nothing. */
#include "lora.h"

typedef struct {
    peft_config *c;
    roma_json_reader json;
    size_t at; /* of the value being read */
    roma_error *err;
} reading;

#define BAD(r, code, key, ...) roma_json_read_fail_key(&(r)->json, (r)->at, code, (r)->err, key, __VA_ARGS__)

static int no_memory(const reading *r) {
    return roma_fail(r->err, ROMA_ENOMEM, r->c->path, ROMA_NOWHERE, "no memory for the configuration");
}

static int next(reading *r) { return roma_json_read_next(&r->json, r->err); }
static bool is(const reading *r, roma_json_kind kind) { return r->json.kind == kind; }
static bool is_text(const reading *r, const char *text) {
    return is(r, ROMA_JSON_TEXT) && roma_json_is(&r->json, text);
}

/* Reads over the value; *empty: it is a list or an object without members. */
static int read_over(reading *r, bool *empty) {
    *empty = false;
    if (!is(r, ROMA_JSON_OBJECT) && !is(r, ROMA_JSON_ARRAY)) return ROMA_OK;
    const uint32_t depth = r->json.depth;
    int rc = next(r);
    *empty = !rc && r->json.depth < depth;
    while (!rc && r->json.depth >= depth) rc = next(r);
    return rc;
}

/* Appends an entry, with the token's text as its name unless text is NULL. */
static int add(reading *r, roma_buf *list, const char *text, size_t len, double value) {
    roma_buf *names = &r->c->names;
    const peft_entry e = {names->len, value};
    if (text) {
        roma_buf_append(names, text, len);
        roma_buf_append(names, "", 1);
    }
    roma_buf_append(list, &e, sizeof e);
    return names->failed || list->failed ? no_memory(r) : ROMA_OK;
}

/* ---- values ---- */

static int read_rank(const reading *r, const char *key, double *out) {
    uint64_t v;
    if (!is(r, ROMA_JSON_NUMBER) || !roma_json_to_u64(r->json.text, r->json.len, &v) || v < 1 ||
        v > ROMA_ADAPTER_RANK_MAX)
        return BAD(r, ROMA_EUNSUPPORTED, key, "a rank must be a whole number from 1 to %d", ROMA_ADAPTER_RANK_MAX);
    *out = (double)v;
    return ROMA_OK;
}

static int read_alpha(const reading *r, const char *key, double *out) {
    if (!is(r, ROMA_JSON_NUMBER) || !roma_json_to_real(r->json.text, r->json.len, out) ||
        !(*out >= -1e6 && *out <= 1e6))
        return BAD(r, ROMA_EUNSUPPORTED, key, "alpha must be a number other than 0, up to 1000000");
    if (!(*out < 0 || *out > 0))
        return BAD(
            r, ROMA_EUNSUPPORTED, key,
            "alpha is 0, with which PEFT adds nothing to the base: run the base alone, or leave these modules out");
    return ROMA_OK;
}

static int key_r(reading *r, const char *key) {
    double v = 0;
    const int rc = read_rank(r, key, &v);
    if (!rc) r->c->rank = (uint32_t)v;
    return rc;
}
static int key_alpha(reading *r, const char *key) { return read_alpha(r, key, &r->c->alpha); }
static int read_switch(reading *r, const char *key, bool *out) {
    *out = is(r, ROMA_JSON_TRUE);
    return *out || is(r, ROMA_JSON_FALSE) ? ROMA_OK : BAD(r, ROMA_EINPUT, key, "it must be true or false");
}
static int key_rslora(reading *r, const char *key) { return read_switch(r, key, &r->c->rslora); }

/* The token's text as a pattern more: *number is its number. */
static int add_pattern(reading *r, const char *key, bool ends, size_t *number) {
    import_pattern p;
    char shown[64];
    const char *why = roma_import_pattern_read(&p, r->json.text, r->json.len, ends);
    *number = r->c->patterns.len / sizeof p;
    if (!why && *number >= PEFT_PATTERNS_MAX) why = "one of more than 256 patterns";
    if (why)
        return BAD(r, ROMA_EUNSUPPORTED, key, "the pattern '%s': %s",
                   roma_error_name(shown, sizeof shown, r->json.text, r->json.len), why);
    roma_buf_append(&r->c->patterns, &p, sizeof p);
    return r->c->patterns.failed ? no_memory(r) : ROMA_OK;
}

static int read_pattern(reading *r, const char *key, roma_buf *list,
                        int (*read)(const reading *, const char *, double *)) {
    int rc;
    if (!is(r, ROMA_JSON_OBJECT)) return BAD(r, ROMA_EINPUT, key, "it must be an object");
    while (!(rc = next(r)) && is(r, ROMA_JSON_KEY)) {
        peft_entry e = {0};
        rc = add_pattern(r, key, true, &e.name);
        if (!rc) rc = next(r);
        if (!rc) rc = read(r, key, &e.value);
        if (rc) return rc;
        roma_buf_append(list, &e, sizeof e);
        if (list->failed) return no_memory(r);
    }
    return rc;
}
static int key_rank_pattern(reading *r, const char *key) {
    return read_pattern(r, key, &r->c->rank_pattern, read_rank);
}
static int key_alpha_pattern(reading *r, const char *key) {
    return read_pattern(r, key, &r->c->alpha_pattern, read_alpha);
}

/* A list of names, or a pattern of whole names. */
static int read_modules(reading *r, const char *key, roma_buf *list, size_t *number) {
    int rc = ROMA_OK;
    if (is(r, ROMA_JSON_TEXT)) {
        rc = add_pattern(r, key, false, number);
        ++*number;
        return rc;
    }
    if (!is(r, ROMA_JSON_ARRAY)) return BAD(r, ROMA_EINPUT, key, "it must be a list of names, or a text");
    for (size_t n = 0; !(rc = next(r)) && !is(r, ROMA_JSON_ARRAY_END); n++) {
        if (!is(r, ROMA_JSON_TEXT)) return BAD(r, ROMA_EINPUT, key, "name %zu is no text", n);
        if (memchr(r->json.text, 0, r->json.len)) return BAD(r, ROMA_EINPUT, key, "name %zu holds a 0", n);
        rc = add(r, list, r->json.text, r->json.len, 0);
        if (rc) return rc;
    }
    return rc;
}
static int key_targets(reading *r, const char *key) {
    if (is_text(r, "all-linear")) return ROMA_OK; /* the tensors say which */
    const int rc = read_modules(r, key, &r->c->targets, &r->c->target_pattern);
    return rc || r->c->target_pattern || r->c->targets.len
               ? rc
               : BAD(r, ROMA_EINPUT, key, "it must be a list of names, or a text");
}
static int add_layer(reading *r, const char *key) {
    int64_t v;
    if (!is(r, ROMA_JSON_NUMBER) || !roma_json_to_i64(r->json.text, r->json.len, &v))
        return BAD(r, ROMA_EINPUT, key, "it must be a layer or a list of layers");
    return add(r, &r->c->layers, NULL, 0, (double)v);
}
static int key_layers(reading *r, const char *key) {
    int rc;
    if (!is(r, ROMA_JSON_ARRAY)) return add_layer(r, key);
    while (!(rc = next(r)) && !is(r, ROMA_JSON_ARRAY_END))
        if ((rc = add_layer(r, key)) != 0) return rc;
    return rc;
}
static int key_layers_pattern(reading *r, const char *key) {
    bool empty, good = is_text(r, "layers");
    const bool is_list = is(r, ROMA_JSON_ARRAY);
    if (is_list) {
        size_t n = 0;
        int rc;
        for (good = true; !(rc = next(r)) && !is(r, ROMA_JSON_ARRAY_END); n++) good &= !n && is_text(r, "layers");
        if (rc) return rc;
    } else {
        const int rc = read_over(r, &empty);
        if (rc) return rc;
        good |= empty;
    }
    return good ? ROMA_OK : BAD(r, ROMA_EUNSUPPORTED, key, "layers are called 'layers' in the models that we run");
}
static int key_type(reading *r, const char *key) {
    return is_text(r, "LORA") ? ROMA_OK : BAD(r, ROMA_EUNSUPPORTED, key, "only LORA adapters are supported");
}
static int key_bias(reading *r, const char *key) {
    return is_text(r, "none")
               ? ROMA_OK
               : BAD(r, ROMA_EUNSUPPORTED, key, "trained biases are not supported; train with bias=\"none\"");
}
/* These change the base's own weights before training, which the image does not. */
static int key_init(reading *r, const char *key) {
    static const char *const good[] = {"gaussian", "eva", "orthogonal"};
    if (is(r, ROMA_JSON_TRUE) || is(r, ROMA_JSON_FALSE)) return ROMA_OK;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (is_text(r, good[i])) return ROMA_OK;
    return BAD(r, ROMA_EUNSUPPORTED, key,
               "this initialisation changes the base's own weights; convert the adapter to plain LoRA "
               "(save_pretrained with path_initial_model_for_weight_conversion)");
}
/* Off, or refused by name. */
static int key_off(reading *r, const char *key) {
    bool empty;
    const bool off = is(r, ROMA_JSON_FALSE);
    const int rc = read_over(r, &empty);
    if (rc || off || empty) return rc;
    return BAD(r, ROMA_EUNSUPPORTED, key, "it changes what the adapter computes and is not supported");
}
static int key_dora(reading *r, const char *key) { return read_switch(r, key, &r->c->dora); }
static int key_tying(reading *r, const char *key) { return read_switch(r, key, &r->c->tied); }
static int key_saved(reading *r, const char *key) {
    bool empty;
    const int rc = read_over(r, &empty);
    if (rc || empty) return rc;
    return BAD(r, ROMA_EUNSUPPORTED, key,
               "whole retrained modules cannot replace those in ROM; train without modules_to_save");
}
static int key_excluded(reading *r, const char *key) {
    if (is_text(r, "")) return ROMA_OK;
    return read_modules(r, key, &r->c->excluded, &r->c->excluded_pattern);
}
static int key_fine(reading *r, const char *key) {
    (void)key;
    return roma_json_read_skip(&r->json, r->err);
}

/* clang-format off */
static const struct {
    const char *key;
    int (*read)(reading *, const char *);
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
    {"peft_version", key_fine}, {"qalora_group_size", key_fine}, {"exclude_modules", key_excluded}, {"ensure_weight_tying", key_tying},
    /* of PEFT 0.2 */
    {"merge_weights", key_off}, {"enable_lora", key_off},
};
/* clang-format on */

enum { N_KEYS = sizeof keys / sizeof *keys };

static int read_member(reading *r, bool seen[N_KEYS]) {
    char shown[96];
    size_t i = 0;
    while (i < N_KEYS && !roma_json_is(&r->json, keys[i].key)) i++;
    roma_error_name(shown, sizeof shown, r->json.text, r->json.len);
    const int rc = next(r);
    r->at = r->json.at;
    if (!rc && is(r, ROMA_JSON_NULL) && i < N_KEYS && (keys[i].read == key_r || keys[i].read == key_alpha))
        return BAD(r, ROMA_EINPUT, keys[i].key, "it is null, which PEFT does not run; without the key it is 8");
    if (rc || is(r, ROMA_JSON_NULL)) return rc;
    if (i == N_KEYS)
        return BAD(r, ROMA_EUNSUPPORTED, shown,
                   "it is unknown and may change what the adapter computes; remove it if it does not");
    seen[i] = true;
    return keys[i].read(r, keys[i].key);
}

static bool was_seen(const bool seen[N_KEYS], const char *key) {
    size_t i = 0;
    while (strcmp(keys[i].key, key) != 0) i++; /* it is one of them */
    return seen[i];
}

/* Without target_modules PEFT has these two of every architecture that is run here. */
static int usual_targets(reading *r, const bool seen[N_KEYS]) {
    static const char *const usual[] = {"q_proj", "v_proj"};
    int rc = ROMA_OK;
    if (was_seen(seen, "target_modules")) return ROMA_OK;
    for (size_t i = 0; i < 2 && !rc; i++) rc = add(r, &r->c->targets, usual[i], strlen(usual[i]), 0);
    return rc;
}

static int read_keys(reading *r) {
    bool seen[N_KEYS] = {false};
    int rc = next(r);
    if (rc) return rc;
    if (!is(r, ROMA_JSON_OBJECT)) return roma_json_read_fail(&r->json, ROMA_EINPUT, r->err, "the JSON is no object");
    while (!(rc = next(r)) && is(r, ROMA_JSON_KEY))
        if ((rc = read_member(r, seen)) != 0) return rc;
    if (!rc) rc = next(r); /* nothing behind it */
    if (!rc) rc = usual_targets(r, seen);
    if (!rc && r->c->target_pattern && r->c->layers.len)
        return roma_fail(r->err, ROMA_EINPUT, r->c->path, ROMA_NOWHERE,
                         "key 'layers_to_transform': PEFT has none beside a text of target_modules");
    if (!rc && !was_seen(seen, "peft_type"))
        rc = roma_fail(r->err, ROMA_EINPUT, r->c->path, ROMA_NOWHERE, "key 'peft_type': it is missing");
    return rc;
}

int roma_import_peft_parse(peft_config *c, const void *data, uint64_t size, const char *path, roma_error *err) {
    reading r = {.c = c, .err = err};
    *c = (peft_config){.path = path, .rank = 8, .alpha = 8}; /* PEFT's own where the file has none */
    if (size > PEFT_CONFIG_MAX)
        return roma_fail(err, ROMA_EUNSUPPORTED, path, ROMA_NOWHERE, "a configuration of more than 1 MiB");
    const roma_json_source from = {.file = path, .line = 1, .depth = JSON_DEPTH};
    int rc = roma_json_read_begin(&r.json, data, (size_t)size, &from, err);
    if (!rc) rc = read_keys(&r);
    roma_json_read_end(&r.json);
    if (rc) roma_import_peft_free(c);
    return rc;
}

void roma_import_peft_free(peft_config *c) {
    roma_buf *const all[] = {&c->names,  &c->rank_pattern, &c->alpha_pattern, &c->targets,
                             &c->layers, &c->patterns,     &c->excluded};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) roma_buf_destroy(all[i]);
    *c = (peft_config){0};
}

/* ---- what it says of a module ---- */

static const peft_entry *entries(const roma_buf *list, size_t *n) {
    *n = list->len / sizeof(peft_entry);
    return (const peft_entry *)(const void *)list->data;
}

static bool matches(const peft_config *c, size_t number, const char *module) {
    return roma_import_pattern_matches((const import_pattern *)(const void *)c->patterns.data + number, module);
}

static double lookup(const peft_config *c, const roma_buf *patterns, const char *module, double otherwise) {
    size_t n;
    const peft_entry *e = entries(patterns, &n);
    for (size_t i = 0; i < n; i++)
        if (matches(c, e[i].name, module)) return e[i].value;
    return otherwise;
}

uint32_t roma_import_peft_rank(const peft_config *c, const char *module) {
    return (uint32_t)lookup(c, &c->rank_pattern, module, c->rank);
}

double roma_import_peft_alpha(const peft_config *c, const char *module) {
    return lookup(c, &c->alpha_pattern, module, c->alpha);
}

/* As PEFT: a name of the list is the module's, *whole, or its end behind a dot. */
static bool is_listed(const peft_config *c, const roma_buf *list, const char *module, bool *whole) {
    size_t count;
    const peft_entry *e = entries(list, &count);
    const size_t all = strlen(module);
    bool found = *whole = false;
    for (size_t i = 0; i < count; i++) {
        const char *name = (const char *)c->names.data + e[i].name;
        const size_t n = strlen(name);
        const bool ends = n <= all && strcmp(module + all - n, name) == 0;
        *whole |= ends && n == all;
        found |= ends && (n == all || module[all - n - 1] == '.');
    }
    return found;
}

static bool in_layers(const peft_config *c, uint32_t layer) {
    size_t n;
    const peft_entry *l = entries(&c->layers, &n);
    bool found = !n;
    for (size_t i = 0; i < n && !found; i++) found = l[i].value >= layer && l[i].value <= layer;
    return found;
}

bool roma_import_peft_selects(const peft_config *c, const char *module, uint32_t layer) {
    bool whole;
    if (c->excluded_pattern ? matches(c, c->excluded_pattern - 1, module) : is_listed(c, &c->excluded, module, &whole))
        return false;
    if (c->target_pattern) return matches(c, c->target_pattern - 1, module);
    if (!c->targets.len) return in_layers(c, layer);
    return is_listed(c, &c->targets, module, &whole) && (whole || in_layers(c, layer));
}

bool roma_import_peft_is_exact(const peft_config *c) { return c->targets.len || c->target_pattern; }
