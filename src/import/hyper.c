/* Hyper-parameters: a table of keys with types and ranges, read once; arithmetic comes only after it. */
#include <string.h>
#include "gguf.h"

#define HEAD_DIM_MAX 512u

/* field, key behind "ARCH.", least, most, must be there, may be an array of equal numbers (one per layer) */
#define INTEGERS(X)                                                                                                    \
    X(layers, "block_count", 1, 1024, 1, 0)                                                                            \
    X(context, "context_length", 1, 1u << 24, 1, 0)                                                                    \
    X(hidden, "embedding_length", 32, 65536, 1, 0)                                                                     \
    X(ffn, "feed_forward_length", 32, 262144, 1, 1)                                                                    \
    X(heads, "attention.head_count", 1, 4096, 1, 1)                                                                    \
    X(kv_heads, "attention.head_count_kv", 1, 4096, 0, 1)                                                              \
    X(key_length, "attention.key_length", 16, HEAD_DIM_MAX, 0, 0)                                                      \
    X(value_length, "attention.value_length", 16, HEAD_DIM_MAX, 0, 0)                                                  \
    X(rope_dim, "rope.dimension_count", 2, HEAD_DIM_MAX, 0, 0)                                                         \
    X(vocab, "vocab_size", 1, ROMA_TOKENS_MAX, 0, 0)                                                                   \
    X(window, "attention.sliding_window", 0, UINT32_MAX, 0, 0)                                                         \
    X(experts, "expert_count", 0, 0, 0, 0)                                                                             \
    X(pooling, "pooling_type", 0, 0, 0, 0)

/* The last column is the value of an absent key; one below the range: the key must be there. */
#define FLOATS(X)                                                                                                      \
    X(freq_base, "rope.freq_base", 1.0, 1e12, 10000.0)                                                                 \
    X(factor, "rope.scaling.factor", 0.0, 1e6, 0.0)                                                                    \
    X(old_factor, "rope.scale_linear", 0.0, 1e6, 0.0)                                                                  \
    X(eps, "attention.layer_norm_rms_epsilon", 1e-12, 0.1, -1.0)                                                       \
    X(logit_scale, "logit_scale", 1.0, 1.0, 1.0)                                                                       \
    X(residual_scale, "residual_scale", 1.0, 1.0, 1.0)                                                                 \
    X(embedding_scale, "embedding_scale", 1.0, 1.0, 1.0)                                                               \
    X(attention_scale, "attention.scale", 0.0, 0.0, 0.0)                                                               \
    X(clamp, "attention.clamp_kqv", 0.0, 0.0, 0.0)                                                                     \
    X(softcap, "attn_logit_softcapping", 0.0, 0.0, 0.0)                                                                \
    X(final_softcap, "final_logit_softcapping", 0.0, 0.0, 0.0)

typedef struct {
#define X(field, key, lo, hi, need, list) uint64_t field;
    INTEGERS(X)
#undef X
#define X(field, key, lo, hi, absent) double field;
    FLOATS(X)
#undef X
} raw_hyper;

typedef struct {
    const gguf_set *s;
    const gguf_file *g; /* the first part */
    const char *arch;
    char key[96];
    raw_hyper raw;
    roma_error *err;
} reading;

static const char *key_of(reading *rd, const char *suffix) {
    roma_print(rd->key, sizeof rd->key, "%s.%s", rd->arch, suffix);
    return rd->key;
}

static int missing(const reading *rd) {
    return roma_fail(rd->err, ROMA_EDAMAGED, rd->g->path, ROMA_NOWHERE, "key '%s' is missing; convert the model anew",
                     rd->key);
}

/* An array stands for a number when all its elements are equal. */
static int uniform(const reading *rd, const gguf_kv *kv, uint64_t lo, uint64_t hi, uint64_t *out) {
    if (!roma_import_type_is_integer(kv->elem) || kv->count == 0)
        return roma_import_kv_bad(rd->g, kv, ROMA_EDAMAGED, rd->err, "an array of %llu %s; integers are needed",
                                  (unsigned long long)kv->count, roma_import_value_type_name(kv->elem));
    uint64_t first, v;
    const bool positive = roma_import_kv_integer(kv, 0, &first);
    for (uint64_t i = 1; i < kv->count; i++) {
        (void)roma_import_kv_integer(kv, i, &v); /* equal to the first, and so of its sign */
        if (v != first)
            return roma_import_kv_bad(rd->g, kv, ROMA_EUNSUPPORTED, rd->err,
                                      "layers of different shapes; all layers must be equal");
    }
    if (!positive || first < lo || first > hi)
        return roma_import_kv_bad(rd->g, kv, ROMA_EUNSUPPORTED, rd->err,
                                  "%lld is out of range; %llu to %llu are allowed", (long long)first,
                                  (unsigned long long)lo, (unsigned long long)hi);
    *out = first;
    return ROMA_OK;
}

static int read_integer(reading *rd, const char *suffix, uint64_t lo, uint64_t hi, bool need, bool list,
                        uint64_t *out) {
    const char *key = key_of(rd, suffix);
    const gguf_kv *kv = roma_import_kv_find(rd->g, key);
    bool found;
    if (kv && list && kv->type == GGUF_ARRAY) {
        if (kv->count != rd->raw.layers)
            return roma_import_kv_bad(rd->g, kv, ROMA_EDAMAGED, rd->err, "%llu values for %llu layers",
                                      (unsigned long long)kv->count, (unsigned long long)rd->raw.layers);
        return uniform(rd, kv, lo, hi, out);
    }
    const int rc = roma_import_kv_u64(rd->g, key, lo, hi, out, &found, rd->err);
    return rc || found || !need ? rc : missing(rd);
}

static int read_float(reading *rd, const char *suffix, double lo, double hi, double absent, double *out) {
    bool found;
    const int rc = roma_import_kv_f64(rd->g, key_of(rd, suffix), lo, hi, out, &found, rd->err);
    if (rc || found) return rc;
    *out = absent;
    return absent < lo ? missing(rd) : ROMA_OK;
}

static int read_numbers(reading *rd) {
    int rc = ROMA_OK;
#define X(field, suffix, lo, hi, need, list)                                                                           \
    if (!rc) rc = read_integer(rd, suffix, lo, hi, need, list, &rd->raw.field);
    INTEGERS(X)
#undef X
#define X(field, suffix, lo, hi, absent)                                                                               \
    if (!rc) rc = read_float(rd, suffix, lo, hi, absent, &rd->raw.field);
    FLOATS(X)
#undef X
    bool causal = true, found;
    if (!rc) rc = roma_import_kv_bool(rd->g, key_of(rd, "attention.causal"), &causal, &found, rd->err);
    if (!rc && !causal)
        rc = roma_fail(rd->err, ROMA_EUNSUPPORTED, rd->g->path, ROMA_NOWHERE,
                       "attention is not causal (an encoder); only decoders are supported");
    return rc;
}

/* ---- shapes --------------------------------------------------------------------------------------------- */

static int inconsistent(const reading *rd, const char *what) {
    return roma_fail(rd->err, ROMA_EUNSUPPORTED, rd->g->path, ROMA_NOWHERE, "%s", what);
}

static int fill_shapes(reading *rd, roma_hyper *h) {
    raw_hyper *w = &rd->raw;
    if (!w->kv_heads) w->kv_heads = w->heads;
    if (w->heads % w->kv_heads)
        return inconsistent(rd, "attention.head_count is no multiple of attention.head_count_kv");
    if (!w->key_length) {
        if (w->hidden % w->heads)
            return inconsistent(
                rd, "embedding_length is no multiple of attention.head_count, and attention.key_length is missing");
        w->key_length = w->hidden / w->heads;
    }
    if (w->value_length && w->value_length != w->key_length)
        return inconsistent(rd, "attention.key_length and attention.value_length differ; they must be equal");
    if (w->key_length < 16 || w->key_length > HEAD_DIM_MAX) return inconsistent(rd, "heads must be 16 to 512 wide");
    if (!w->rope_dim) w->rope_dim = w->key_length;
    if (w->rope_dim > w->key_length || w->rope_dim % 2)
        return inconsistent(rd, "rope.dimension_count must be even and at most attention.key_length");
    h->layers = (uint32_t)w->layers;
    h->hidden = (uint32_t)w->hidden;
    h->ffn = (uint32_t)w->ffn;
    h->heads = (uint32_t)w->heads;
    h->kv_heads = (uint32_t)w->kv_heads;
    h->head_dim = (uint32_t)w->key_length;
    h->rope_dim = (uint32_t)w->rope_dim;
    h->rms_eps = (float)w->eps;
    /* A sliding window changes nothing within its first `window` positions: every earlier one is in sight.
     * So the model is exact up to there, and its context ends there. */
    h->context = (uint32_t)(w->window && w->window < w->context ? w->window : w->context);
    return ROMA_OK;
}

/* ---- rotary embedding -------------------------------------------------------------------------------------- */

/* Factor by which all angles are divided: linear scaling, or 1. */
static int rope_factor(reading *rd, double *factor) {
    const char *text = "linear";
    size_t len = 6;
    bool found;
    int rc = roma_import_kv_string(rd->g, key_of(rd, "rope.scaling.type"), &text, &len, &found, rd->err);
    if (rc) return rc;
    *factor = 1;
    if (len == 4 && memcmp(text, "none", 4) == 0) return ROMA_OK;
    if (len != 6 || memcmp(text, "linear", 6) != 0) {
        char name[64];
        return roma_import_kv_bad(rd->g, roma_import_kv_find(rd->g, rd->key), ROMA_EUNSUPPORTED, rd->err,
                                  "RoPE scaling '%s' is not supported; none and linear are",
                                  roma_error_name(name, sizeof name, text, len));
    }
    const double f = rd->raw.factor > 0 ? rd->raw.factor : rd->raw.old_factor; /* 0 means: not scaled */
    if (f > 0) *factor = f;
    if (*factor < 1e-3) return inconsistent(rd, "rope.scaling.factor is below 0.001");
    return ROMA_OK;
}

static const gguf_tensor *find_tensor(const gguf_set *s, const char *name, const gguf_file **part) {
    for (uint32_t p = 0; p < s->n_parts; p++) {
        const int64_t i = roma_import_index_find(&s->part[p].names, name, strlen(name));
        *part = &s->part[p];
        if (i >= 0) return &s->part[p].tensor[i];
    }
    return NULL;
}

/* Llama 3.1's per-pair divisors come as a tensor. */
static int pair_factors(reading *rd, const roma_hyper *h, float *factor) {
    const gguf_file *part;
    const gguf_tensor *t = find_tensor(rd->s, "rope_freqs.weight", &part);
    const uint32_t pairs = h->rope_dim / 2;
    for (uint32_t i = 0; i < pairs; i++) factor[i] = 1;
    if (!t) return ROMA_OK;
    const import_type *type = roma_import_type_get(t->type);
    if (!type->floats || t->dim[0] != pairs || t->dim[1] * t->dim[2] * t->dim[3] != 1)
        return roma_fail(rd->err, ROMA_EDAMAGED, part->path, t->at,
                         "tensor 'rope_freqs.weight': must be %u floats, one per pair", pairs);
    type->floats(t->data, pairs, factor);
    for (uint32_t i = 0; i < pairs; i++)
        if (!(factor[i] >= 1e-3f && factor[i] <= 1e6f))
            return roma_fail(rd->err, ROMA_EDAMAGED, part->path, t->at,
                             "tensor 'rope_freqs.weight': element %u is %g; 0.001 to 1e6 are allowed", i,
                             (double)factor[i]);
    return ROMA_OK;
}

static int fill_rope(reading *rd, roma_hyper *h) {
    double scale;
    float factor[HEAD_DIM_MAX / 2];
    int rc = rope_factor(rd, &scale);
    if (!rc) rc = pair_factors(rd, h, factor);
    for (uint32_t i = 0; i < h->rope_dim / 2 && !rc; i++)
        h->rope_phase[i] = roma_rope_phase(rd->raw.freq_base, i, h->rope_dim, scale * (double)factor[i]);
    return rc;
}

/* ---- the whole ------------------------------------------------------------------------------------------------ */

static int read_arch(const gguf_file *g, roma_hyper *h, roma_error *err) {
    const char *text = "", *kind = "model";
    size_t len = 0, kind_len = 5;
    bool found;
    int rc = roma_import_kv_string(g, "general.type", &kind, &kind_len, &found, err);
    if (rc) return rc;
    if (kind_len != 5 || memcmp(kind, "model", 5) != 0)
        return roma_import_kv_bad(g, roma_import_kv_find(g, "general.type"), ROMA_EUNSUPPORTED, err,
                                  "this is not a model but an adapter, a projector or another part of one");
    rc = roma_import_kv_string(g, "general.architecture", &text, &len, &found, err);
    if (rc) return rc;
    if (!found)
        return roma_fail(err, ROMA_EDAMAGED, g->path, ROMA_NOWHERE,
                         "key 'general.architecture' is missing; convert the model anew");
    static const struct {
        uint32_t arch;
        const char *name;
    } known[] = {
#define X(name, value, word) {value, word},
        ROMA_ARCHS(X)
#undef X
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strlen(known[i].name) == len && memcmp(known[i].name, text, len) == 0) {
            h->arch = known[i].arch;
            return ROMA_OK;
        }
    char name[64];
    return roma_import_kv_bad(g, roma_import_kv_find(g, "general.architecture"), ROMA_EUNSUPPORTED, err,
                              "architecture '%s' is not supported; llama, qwen2 and qwen3 are",
                              roma_error_name(name, sizeof name, text, len));
}

static int read_vocab_rows(reading *rd, roma_hyper *h) {
    const gguf_file *part;
    const gguf_tensor *t = find_tensor(rd->s, "token_embd.weight", &part);
    if (!t)
        return roma_fail(rd->err, ROMA_EDAMAGED, rd->g->path, ROMA_NOWHERE, "tensor 'token_embd.weight' is missing");
    if (t->dim[1] > ROMA_TOKENS_MAX)
        return roma_fail(rd->err, ROMA_EUNSUPPORTED, part->path, t->at,
                         "tensor 'token_embd.weight': %llu tokens; at most %u are supported",
                         (unsigned long long)t->dim[1], ROMA_TOKENS_MAX);
    h->vocab = (uint32_t)t->dim[1];
    /* With a tokenizer its tokens are counted instead: older converters left vocab_size as it was. */
    if (!roma_import_kv_find(rd->g, "tokenizer.ggml.model") && rd->raw.vocab && rd->raw.vocab != h->vocab)
        return roma_fail(rd->err, ROMA_EDAMAGED, rd->g->path, ROMA_NOWHERE,
                         "vocab_size is %llu, but token_embd.weight has %u rows", (unsigned long long)rd->raw.vocab,
                         h->vocab);
    return ROMA_OK;
}

int roma_import_hyper(const gguf_set *s, roma_hyper *h, roma_error *err) {
    reading rd = {.s = s, .g = &s->part[0], .err = err};
    int rc = read_arch(rd.g, h, err);
    if (rc) return rc;
    rd.arch = roma_arch_name(h->arch);
    rc = read_numbers(&rd);
    if (!rc) rc = fill_shapes(&rd, h);
    if (!rc) rc = read_vocab_rows(&rd, h);
    if (!rc) rc = fill_rope(&rd, h);
    return rc ? rc : roma_hyper_check(h, rd.g->path, err);
}
