/* Hyper-parameters: a table of keys with types and ranges, read once; arithmetic comes only after it. */
#include <string.h>
#include "hyper.h"

const char *roma_import_hyper_key(hyper_reading *rd, const char *suffix) {
    roma_print(rd->key, sizeof rd->key, "%s.%s", rd->arch, suffix);
    return rd->key;
}

static int missing(const hyper_reading *rd) {
    return roma_fail(rd->err, ROMA_EDAMAGED, rd->g->path, ROMA_NOWHERE, "key '%s' is missing; convert the model anew",
                     rd->key);
}

/* An array stands for a number when all its elements are equal. */
static int uniform(const hyper_reading *rd, const gguf_kv *kv, uint64_t lo, uint64_t hi, uint64_t *out) {
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

static int read_integer(hyper_reading *rd, const char *suffix, uint64_t lo, uint64_t hi, bool need, bool list,
                        uint64_t *out) {
    const char *key = roma_import_hyper_key(rd, suffix);
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

static int read_float(hyper_reading *rd, const char *suffix, double lo, double hi, double absent, double *out) {
    bool found;
    const int rc = roma_import_kv_f64(rd->g, roma_import_hyper_key(rd, suffix), lo, hi, out, &found, rd->err);
    if (rc || found) return rc;
    *out = absent;
    return absent < lo ? missing(rd) : ROMA_OK;
}

static int read_numbers(hyper_reading *rd) {
    int rc = ROMA_OK;
#define X(field, suffix, lo, hi, need, list)                                                                           \
    if (!rc) rc = read_integer(rd, suffix, lo, hi, need, list, &rd->raw.field);
    INTEGERS(X)
#undef X
#define X(field, suffix, lo, hi, absent)                                                                               \
    if (!rc) rc = read_float(rd, suffix, lo, hi, absent, &rd->raw.field);
    FLOATS(X)
#undef X
    return rc;
}

/* ---- shapes --------------------------------------------------------------------------------------------- */

int roma_import_hyper_bad(const hyper_reading *rd, const char *what) {
    return roma_fail(rd->err, ROMA_EUNSUPPORTED, rd->g->path, ROMA_NOWHERE, "%s", what);
}

static int fill_shapes(hyper_reading *rd, roma_hyper *h) {
    raw_hyper *w = &rd->raw;
    if (!w->kv_heads) w->kv_heads = w->heads;
    if (w->heads % w->kv_heads)
        return roma_import_hyper_bad(rd, "attention.head_count is no multiple of attention.head_count_kv");
    if (!w->key_length) {
        if (w->hidden % w->heads)
            return roma_import_hyper_bad(
                rd, "embedding_length is no multiple of attention.head_count, and attention.key_length is missing");
        w->key_length = w->hidden / w->heads;
    }
    if (w->value_length && w->value_length != w->key_length)
        return roma_import_hyper_bad(rd, "attention.key_length and attention.value_length differ; they must be equal");
    if (w->key_length < 2 || w->key_length > HEAD_DIM_MAX)
        return roma_import_hyper_bad(rd, "heads must be 2 to 512 wide");
    if (!w->rope_dim) w->rope_dim = w->key_length;
    if (w->rope_dim > w->key_length || w->rope_dim % 2)
        return roma_import_hyper_bad(rd, "rope.dimension_count must be even and at most attention.key_length");
    h->layers = (uint32_t)w->layers;
    h->heads = (uint32_t)w->heads;
    h->kv_heads = (uint32_t)w->kv_heads;
    roma_hyper_set_widths(h, (uint32_t)w->hidden, (uint32_t)w->ffn, (uint32_t)w->key_length);
    h->rope_dim = (uint32_t)w->rope_dim;
    h->rms_eps = (float)w->eps;
    /* A sliding window changes nothing within its first `window` positions: every earlier one is in sight.
     * So the model is exact up to there, and its context ends there. */
    h->context = (uint32_t)(w->window && w->window < w->context ? w->window : w->context);
    return ROMA_OK;
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
    if (roma_arch_find(text, len, &h->arch)) return ROMA_OK;
    char name[64];
    const char *why = roma_import_arch_reason(text, len);
    return roma_import_kv_bad(g, roma_import_kv_find(g, "general.architecture"), ROMA_EUNSUPPORTED, err,
                              "architecture '%s' is not supported%s%s; llama, qwen2 and qwen3 are",
                              roma_error_name(name, sizeof name, text, len), why ? ": " : "", why ? why : "");
}

static int read_vocab_rows(hyper_reading *rd, roma_hyper *h) {
    const gguf_file *part;
    const gguf_tensor *t = roma_import_find_tensor(rd->s, "token_embd.weight", &part);
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
    hyper_reading rd = {.s = s, .g = &s->part[0], .err = err};
    int rc = read_arch(rd.g, h, err);
    if (rc) return rc;
    rd.arch = roma_arch_name(h->arch);
    rc = roma_import_check_keys(rd.g, rd.arch, err);
    if (!rc) rc = read_numbers(&rd);
    if (!rc) rc = fill_shapes(&rd, h);
    if (!rc) rc = read_vocab_rows(&rd, h);
    if (!rc) rc = roma_import_rope(&rd, h);
    return rc ? rc : roma_hyper_check(h, rd.g->path, err);
}
