/* Shapes out of Hugging Face's config.json (roma_shape_read): its keys. Keys of the widths are read; those that change
 * what a model computes are obeyed or refused by name; those that are not known are passed over, as transformers does,
 * and named. A key that is null says nothing. */
#include "model/config.h"

#include "roma/json.h"

#include <sys/stat.h>

enum { CONFIG_MAX = 1 << 20 }; /* bytes; real ones have a few thousand */

static const struct {
    const char *type, *class;
} families[] = {
#define X(id, type, class, arch, kv) {type, class},
    FAMILIES(X)
#undef X
};

typedef struct {
    config c;
    roma_json_reader json;
    size_t at; /* of the value being read */
    roma_error *err;
} reading;

#define BAD(r, code, key, ...) roma_json_read_fail_key(&(r)->json, (r)->at, code, (r)->err, key, __VA_ARGS__)

static int next(reading *r) { return roma_json_read_next(&r->json, r->err); }
static bool is(const reading *r, roma_json_kind kind) { return r->json.kind == kind; }

/* ---- values ---- */

static int read_count(reading *r, const char *key, uint64_t least, uint64_t most, uint32_t *out) {
    uint64_t v;
    if (!is(r, ROMA_JSON_NUMBER) || !roma_json_to_u64(r->json.text, r->json.len, &v) || v < least || v > most)
        return BAD(r, ROMA_EUNSUPPORTED, key, "must be a whole number from %llu to %llu", (unsigned long long)least,
                   (unsigned long long)most);
    *out = (uint32_t)v;
    return ROMA_OK;
}

static int read_real(reading *r, const char *key, double least, double most, double *out) {
    double v;
    if (!is(r, ROMA_JSON_NUMBER) || !roma_json_to_real(r->json.text, r->json.len, &v) || !(v >= least && v <= most))
        return BAD(r, ROMA_EUNSUPPORTED, key, "must be a number from %g to %g", least, most);
    *out = v;
    return ROMA_OK;
}

/* Factors that must be 1. */
static int read_one(reading *r, const char *key) {
    double v;
    const bool one = is(r, ROMA_JSON_NUMBER) && roma_json_to_real(r->json.text, r->json.len, &v) && v >= 1 && v <= 1;
    return one ? ROMA_OK
               : BAD(r, ROMA_EUNSUPPORTED, key,
                     "must be 1: another changes what the model computes and is not supported");
}

static int read_flag(reading *r, const char *key, int *out) {
    *out = is(r, ROMA_JSON_TRUE);
    return *out || is(r, ROMA_JSON_FALSE) ? ROMA_OK : BAD(r, ROMA_EINPUT, key, "must be true or false");
}

static const char *shown(const reading *r, char out[48]) {
    return is(r, ROMA_JSON_TEXT) ? roma_error_name(out, 48, r->json.text, r->json.len) : "no text";
}

static int read_type(reading *r) {
    char name[48];
    for (int i = 0; i < N_FAMILIES; i++)
        if (is(r, ROMA_JSON_TEXT) && roma_json_is(&r->json, families[i].type)) r->c.family = i;
    return r->c.family >= 0 ? ROMA_OK
                            : BAD(r, ROMA_EUNSUPPORTED, "model_type",
                                  "%s is not supported; llama, mistral, qwen2 and qwen3 are", shown(r, name));
}

static int read_classes(reading *r) {
    char name[48];
    int rc = ROMA_OK;
    if (!is(r, ROMA_JSON_ARRAY)) return BAD(r, ROMA_EINPUT, "architectures", "must be a list of names");
    while (!(rc = next(r)) && !is(r, ROMA_JSON_ARRAY_END)) {
        int found = -1;
        for (int i = 0; i < N_FAMILIES; i++)
            if (is(r, ROMA_JSON_TEXT) && roma_json_is(&r->json, families[i].class)) found = i;
        if (found < 0 || (r->c.class >= 0 && r->c.class != found))
            return BAD(
                r, ROMA_EUNSUPPORTED, "architectures",
                "%s is not supported; LlamaForCausalLM, MistralForCausalLM, Qwen2ForCausalLM and Qwen3ForCausalLM "
                "are, one of them",
                shown(r, name));
        r->c.class = found;
    }
    return rc;
}

static int read_activation(reading *r) {
    char name[48];
    const bool silu = is(r, ROMA_JSON_TEXT) && (roma_json_is(&r->json, "silu") || roma_json_is(&r->json, "swish"));
    if (silu) return ROMA_OK; /* two names of one function */
    return BAD(r, ROMA_EUNSUPPORTED, "hidden_act", "%s is not supported; silu is", shown(r, name));
}

static int read_layer_types(reading *r) {
    char name[48];
    int rc = ROMA_OK;
    if (!is(r, ROMA_JSON_ARRAY)) return BAD(r, ROMA_EINPUT, "layer_types", "must be a list of names");
    while (!(rc = next(r)) && !is(r, ROMA_JSON_ARRAY_END)) {
        r->c.layer_types++; /* a file has no 2^32 */
        const bool text = is(r, ROMA_JSON_TEXT), sliding = text && roma_json_is(&r->json, "sliding_attention");
        r->c.has_sliding |= sliding;
        if (!sliding && !(text && roma_json_is(&r->json, "full_attention")))
            return BAD(r, ROMA_EUNSUPPORTED, "layer_types",
                       "%s is not supported; full_attention is, and of qwen2 and qwen3 sliding_attention",
                       shown(r, name));
    }
    return rc;
}

/* ---- rotary embedding ---- */

static int read_rope_type(reading *r, const char *key) {
    static const char *const types[] = {"default", "linear", "llama3", "yarn"};
    char name[48];
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (!is(r, ROMA_JSON_TEXT) || !roma_json_is(&r->json, types[i])) continue;
        if (r->c.rope_type[0] && strcmp(r->c.rope_type, types[i]) != 0)
            return BAD(r, ROMA_EINPUT, key, "rope_type and type differ");
        roma_print(r->c.rope_type, sizeof r->c.rope_type, "%s", types[i]);
        return ROMA_OK;
    }
    return BAD(r, ROMA_EUNSUPPORTED, key, "RoPE scaling '%s' is not supported; default, linear, llama3 and yarn are",
               shown(r, name));
}

static int read_rope_member(reading *r, const char *key) {
    if (strcmp(key, "factor") == 0) r->c.has_factor = true;
    if (is(r, ROMA_JSON_NULL)) return ROMA_OK;
    if (strcmp(key, "rope_type") == 0 || strcmp(key, "type") == 0) return read_rope_type(r, key);
#define X(member, name, least, most)                                                                                   \
    if (strcmp(key, name) == 0) return read_real(r, name, least, most, &r->c.member);
    ROPE_REALS(X)
#undef X
    if (strcmp(key, "partial_rotary_factor") == 0) return read_one(r, key);
    if (strcmp(key, "truncate") == 0) return read_flag(r, key, &r->c.truncate);
    /* A type that is not known is the better reason. */
    if (!r->c.rope_key[0]) roma_print(r->c.rope_key, sizeof r->c.rope_key, "%s", key);
    return roma_json_read_skip(&r->json, r->err);
}

static int read_rope(reading *r, const char *in) {
    char key[48];
    int rc = ROMA_OK;
    if (!is(r, ROMA_JSON_OBJECT)) return BAD(r, ROMA_EINPUT, in, "must be an object");
    if (r->c.has_rope) return BAD(r, ROMA_EINPUT, in, "rope_scaling and rope_parameters are both there");
    r->c.has_rope = true;
    while (!(rc = next(r)) && is(r, ROMA_JSON_KEY)) {
        roma_error_name(key, sizeof key, r->json.text, r->json.len);
        rc = next(r);
        r->at = r->json.at;
        if (!rc) rc = read_rope_member(r, key);
        if (rc) return rc;
    }
    return rc;
}

/* ---- keys ---- */

static int read_off(reading *r, const char *key) {
    double v = 1;
    bool is_off = is(r, ROMA_JSON_FALSE);
    if (is(r, ROMA_JSON_NUMBER)) is_off = roma_json_to_real(r->json.text, r->json.len, &v) && v == 0;
    if (is(r, ROMA_JSON_OBJECT) || is(r, ROMA_JSON_ARRAY)) {
        const uint32_t depth = r->json.depth;
        const int rc = next(r);
        if (rc) return rc;
        is_off = r->json.depth < depth;
    }
    return is_off ? ROMA_OK : BAD(r, ROMA_EUNSUPPORTED, key, "changes what the model computes and is not supported");
}

/* The names of keys that are not known, as far as they fit. */
static int pass_over(reading *r, const char *key) {
    const size_t used = strlen(r->c.passed), n = strlen(key);
    if (used + n + 8 < sizeof r->c.passed)
        roma_print(r->c.passed + used, sizeof r->c.passed - used, "%s%s", used ? ", " : "", key);
    else if (used < 4 || strcmp(r->c.passed + used - 4, " ...") != 0)
        roma_print(r->c.passed + used, sizeof r->c.passed - used, ", ...");
    return roma_json_read_skip(&r->json, r->err);
}

/* Attention that looks ahead is another model. */
static int read_causal(reading *r) {
    if (is(r, ROMA_JSON_TRUE)) return ROMA_OK;
    return BAD(r, ROMA_EUNSUPPORTED, "is_causal", "must be true: a token that sees those behind it is not supported");
}

static int read_member(reading *r, const char *key) {
    if (strcmp(key, "sliding_window") == 0) r->c.has_window = true;
    if (strcmp(key, "num_key_value_heads") == 0) r->c.has_kv_heads = true;
    if (is(r, ROMA_JSON_NULL)) return ROMA_OK;
#define X(member, name, least, most, need)                                                                             \
    if (strcmp(key, name) == 0) return read_count(r, name, least, most, &r->c.member);
    COUNTS(X)
#undef X
#define X(member, name, least, most, absent)                                                                           \
    if (strcmp(key, name) == 0) return read_real(r, name, least, most, &r->c.member);
    REALS(X)
#undef X
#define X(member, name)                                                                                                \
    if (strcmp(key, name) == 0) return read_flag(r, name, &r->c.member);
    FLAGS(X)
#undef X
    if (strcmp(key, "model_type") == 0) return read_type(r);
    if (strcmp(key, "architectures") == 0) return read_classes(r);
    if (strcmp(key, "hidden_act") == 0) return read_activation(r);
    if (strcmp(key, "layer_types") == 0) return read_layer_types(r);
    if (strcmp(key, "is_causal") == 0) return read_causal(r);
    if (strcmp(key, "rope_scaling") == 0 || strcmp(key, "rope_parameters") == 0) return read_rope(r, key);
    switch (roma_model_config_key(key)) {
    case CONFIG_OFF: return read_off(r, key);
    case CONFIG_ONE: return read_one(r, key);
    case CONFIG_FINE: return roma_json_read_skip(&r->json, r->err);
    case CONFIG_UNKNOWN: break;
    }
    return pass_over(r, key);
}

static int read_members(reading *r) {
    char key[48];
    int rc = next(r);
    r->at = r->json.at;
    if (!rc && !is(r, ROMA_JSON_OBJECT))
        return roma_json_read_fail(&r->json, ROMA_EINPUT, r->err, "a configuration is an object");
    while (!rc && !(rc = next(r)) && is(r, ROMA_JSON_KEY)) {
        roma_error_name(key, sizeof key, r->json.text, r->json.len);
        rc = next(r);
        r->at = r->json.at;
        if (!rc) rc = read_member(r, key);
    }
    return rc ? rc : next(r); /* nothing may follow */
}

/* ---- the file ---- */

int roma_shape_read_config(roma_shape *s, const void *text, size_t size, const char *path, roma_error *err) {
    reading r = {.err = err, .c = {.family = -1, .class = -1}};
    r.c.tied = r.c.attention_bias = r.c.mlp_bias = r.c.use_window = r.c.truncate = -1;
    r.c.window_layers = 28; /* as Qwen's own code has it */
    const roma_json_source from = {.file = path, .line = 1, .size = CONFIG_MAX};
    int rc = roma_json_read_begin(&r.json, text, size, &from, err);
    if (!rc) rc = read_members(&r);
    roma_json_read_end(&r.json);
    return rc ? rc : roma_model_config_shape(s, &r.c, path, err);
}

static int read_file(roma_shape *s, const char *path, roma_error *err) {
    roma_map m;
    int rc = roma_map_open(&m, path, err);
    if (rc) return rc;
    rc = roma_shape_read_config(s, m.data, (size_t)m.size, path, err);
    roma_map_close(&m);
    return rc;
}

int roma_model_config(roma_shape *s, const char *path, roma_error *err) {
    struct stat st;
    char in[4096];
    if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode)) return read_file(s, path, err);
    if (roma_print(in, sizeof in, "%s/config.json", path) >= (int)sizeof in)
        return roma_fail(err, ROMA_EINPUT, "", ROMA_NOWHERE, "the path of the folder is too long");
    return read_file(s, in, err);
}
