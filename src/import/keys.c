/* The keys behind "ARCH." of a GGUF file: each is used, known to change nothing, or refused by name (docs/import.md).
 */
#include <string.h>
#include "hyper.h"

/* Keys that others read: this room's table, and what stands beside it. */
static const char *const used[] = {
#define X(field, key, lo, hi, need, list) key,
    INTEGERS(X)
#undef X
#define X(field, key, lo, hi, absent) key,
        FLOATS(X)
#undef X
            "rope.scaling.type",
};

/* Keys that say nothing about what these architectures compute: names, how a model was trained, and what only models
 * with experts or with another norm use. Windows of attention end the context (hyper.c), whatever their pattern is. */
static const char *const harmless[] = {
    "attention.group_norm_epsilon",
    "attention.layer_norm_epsilon",
    "attention.sliding_window_pattern",
    "expert_feed_forward_length",
    "expert_gating_func",
    "expert_group_count",
    "expert_group_used_count",
    "expert_shared_count",
    "expert_shared_feed_forward_length",
    "expert_used_count",
    "expert_weights_norm",
    "expert_weights_scale",
    "rope.scaling.finetuned",
    "tensor_data_layout",
};

/* Keys that change nothing at one value and are refused at any other. */
static const struct {
    const char *key;
    double value;
    const char *what; /* that the model would be */
} neutral[] = {
    {"attention.causal", 1, "is an encoder, not causal"},
    {"attention.clamp_kqv", 0, "clamps queries, keys and values"},
    {"attention.max_alibi_bias", 0, "has ALiBi biases"},
    {"attention.output_scale", 1, "scales the output of attention"},
    {"attention.scale", 0, "scales scores otherwise than by 1/sqrt of the head's width"},
    {"attention.shared_kv_layers", 0, "shares keys and values between layers"},
    {"attention.value_scale", 1, "scales values"},
    {"attn_logit_softcapping", 0, "caps scores"},
    {"embedding_scale", 1, "scales embeddings"},
    {"expert_count", 0, "has experts"},
    {"final_logit_softcapping", 0, "caps logits"},
    {"leading_dense_block_count", 0, "has experts"},
    {"logit_scale", 1, "scales logits"},
    {"nextn_predict_layers", 0, "has layers that predict further tokens"},
    {"pooling_type", 0, "gives embeddings, no logits"},
    {"residual_scale", 1, "scales what is added to the residual"},
    {"rope.scaling.alpha", 0, "scales RoPE by an alpha of its own"},
    {"rope.scaling.yarn_log_multiplier", 0, "scales YaRN's factor by depth"},
    {"router_logit_softcapping", 0, "caps logits of a router"},
    {"use_parallel_residual", 0, "adds attention and feed-forward side by side"},
};

static bool is(const gguf_kv *kv, size_t skip, const char *key) {
    return strlen(key) == kv->key_len - skip && memcmp(kv->key + skip, key, strlen(key)) == 0;
}

static bool is_one_of(const gguf_kv *kv, size_t skip, const char *const *list, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (is(kv, skip, list[i])) return true;
    return false;
}

/* A number or boolean as a real; false for texts and arrays. */
static bool value_of(const gguf_file *g, const gguf_kv *kv, double *out) {
    char key[96];
    uint64_t n;
    bool found;
    if (kv->type == GGUF_BOOL) {
        *out = *kv->value != 0;
        return true;
    }
    if (roma_import_type_is_integer(kv->type)) {
        *out = roma_import_kv_integer(kv, 0, &n) ? (double)n : -(double)(0 - n);
        return true;
    }
    roma_print(key, sizeof key, "%.*s", (int)kv->key_len, kv->key);
    return roma_import_kv_f64(g, key, -DBL_MAX, DBL_MAX, out, &found, NULL) == ROMA_OK;
}

static int refuse(const gguf_file *g, const gguf_kv *kv, const char *what, double value, roma_error *err) {
    return roma_import_kv_bad(g, kv, ROMA_EUNSUPPORTED, err,
                              "the model %s, which is not supported; only %g changes nothing", what, value);
}

static int check_key(const gguf_file *g, const gguf_kv *kv, size_t skip, roma_error *err) {
    double v;
    if (is_one_of(kv, skip, used, sizeof used / sizeof *used)) return ROMA_OK;
    if (is_one_of(kv, skip, harmless, sizeof harmless / sizeof *harmless)) return ROMA_OK;
    for (size_t i = 0; i < sizeof neutral / sizeof *neutral; i++) {
        if (!is(kv, skip, neutral[i].key)) continue;
        const bool same = value_of(g, kv, &v) && v >= neutral[i].value && v <= neutral[i].value;
        return same ? ROMA_OK : refuse(g, kv, neutral[i].what, neutral[i].value, err);
    }
    return roma_import_kv_bad(g, kv, ROMA_EUNSUPPORTED, err,
                              "it is not known, and could change what the model computes");
}

int roma_import_check_keys(const gguf_file *g, const char *arch, roma_error *err) {
    const size_t n = strlen(arch);
    for (uint32_t i = 0; i < g->n_kv; i++) {
        const gguf_kv *kv = &g->kv[i];
        if (kv->key_len <= n || memcmp(kv->key, arch, n) != 0 || kv->key[n] != '.') continue;
        const int rc = check_key(g, kv, n + 1, err);
        if (rc) return rc;
    }
    return ROMA_OK;
}
