/* Shapes out of Hugging Face's config.json (roma_shape_read): from what the keys say to a shape. */
#include "model/config.h"

static const struct {
    const char *type, *class;
    uint32_t arch, kv_heads;
} families[] = {
#define X(id, type, class, arch, kv) {type, class, arch, kv},
    FAMILIES(X)
#undef X
};

typedef struct {
    config *c;
    const char *path;
    roma_error *err;
} asked;

static int refuse(const asked *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static int refuse(const asked *r, const char *fmt, ...) {
    char text[320];
    ROMA_PRINT_ARGS(text, fmt);
    return roma_fail(r->err, ROMA_EUNSUPPORTED, r->path, ROMA_NOWHERE, "%s", text);
}

/* Which family it is, and that all that is needed is there. */
static int settle(const asked *r) {
    config *c = r->c;
    if (c->family < 0) c->family = c->class;
    if (c->family < 0) return refuse(r, "key 'model_type' is missing; is this a model's config.json?");
    if (c->class >= 0 && c->class != c->family)
        return refuse(r, "key 'architectures': %s is no %s model", families[c->class].class, families[c->family].type);
#define X(member, key, least, most, need)                                                                              \
    if ((need) && !c->member) return refuse(r, "key '%s' is missing", key);
    COUNTS(X)
#undef X
#define X(member, key, least, most, absent)                                                                            \
    if (!(c->member > 0)) c->member = absent;
    REALS(X)
#undef X
    const uint32_t usual = families[c->family].kv_heads;
    if (!c->has_kv_heads && usual && c->heads % usual == 0) c->kv_heads = usual;
    if (!c->kv_heads) c->kv_heads = c->heads;
    if (!c->head_dim && families[c->family].arch == ROMA_ARCH_QWEN3) c->head_dim = 128; /* as its own code has it */
    if (c->head_dim) return ROMA_OK;
    if (c->hidden % c->heads)
        return refuse(r, "hidden_size %u is no multiple of num_attention_heads %u, and head_dim is missing", c->hidden,
                      c->heads);
    c->head_dim = c->hidden / c->heads;
    return ROMA_OK;
}

/* Qwen2's models have biases of q, k and v whatever they say, and mistral's and qwen's own code has none where a llama
 * may have them: what says otherwise would be another model in transformers. */
static int check_biases(const asked *r) {
    const config *c = r->c;
    if (c->mlp_bias > 0 && c->family != FAMILY_LLAMA)
        return refuse(r, "key 'mlp_bias': %s models have no biases of gate, up and down", families[c->family].type);
    if (c->family == FAMILY_QWEN2 && c->attention_bias == 0)
        return refuse(r, "key 'attention_bias': qwen2 models have biases of q, k and v; without them is not supported");
    if (c->family == FAMILY_MISTRAL && c->attention_bias > 0)
        return refuse(r, "key 'attention_bias': mistral models have no biases of q, k, v and o");
    return ROMA_OK;
}

/* Within its first `window` positions a sliding window hides nothing, so the model is exact up to there, and its
 * context ends there, as GGUF's readers have it. A window that no layer uses changes nothing. */
static void end_at_window(config *c) {
    const uint32_t arch = families[c->family].arch;
    const bool qwen = arch == ROMA_ARCH_QWEN2 || arch == ROMA_ARCH_QWEN3;
    if (!c->has_window && c->family != FAMILY_LLAMA) c->window = 4096; /* where the key is missing; null is none */
    if (!c->window || c->window >= c->context) return;
    if (qwen && (c->use_window <= 0 || (c->layer_types ? !c->has_sliding : c->window_layers >= c->layers))) return;
    c->context = c->window;
}

/* Layers of one kind where the key names kinds: qwen2's and qwen3's own code looks at them. */
static int check_layer_types(const asked *r) {
    const config *c = r->c;
    const uint32_t arch = families[c->family].arch;
    if (c->layer_types && c->layer_types != c->layers)
        return refuse(r, "key 'layer_types': %u kinds of %u layers", c->layer_types, c->layers);
    if (!c->has_sliding) return ROMA_OK;
    if (arch != ROMA_ARCH_QWEN2 && arch != ROMA_ARCH_QWEN3)
        return refuse(r, "key 'layer_types': %s models have no layers of sliding_attention", families[c->family].type);
    if (c->use_window > 0 && (c->window || !c->has_window)) return ROMA_OK;
    return refuse(r, "key 'layer_types': sliding_attention without use_sliding_window and a sliding_window");
}

static int yarn_of(const asked *r, roma_model_rope *out) {
    const config *c = r->c;
    const double all = c->mscale > 0 && c->mscale_all > 0 ? c->mscale_all : 0;
    out->yarn = (roma_yarn){.base = out->base,
                            .factor = c->factor,
                            .original = out->original,
                            .fast = c->fast > 0 ? c->fast : 32,
                            .slow = c->slow > 0 ? c->slow : 1,
                            .share = 1,
                            .is_real = c->truncate == 0};
    const double own =
        all > 0 ? roma_yarn_gain(c->factor, c->mscale) / roma_yarn_gain(c->factor, all) : roma_yarn_gain(c->factor, 1);
    out->gain = (float)(c->attention_factor > 0 ? c->attention_factor : own);
    if (!(out->base > 1)) return refuse(r, "RoPE scaling yarn needs a rope_theta above 1");
    if (out->yarn.slow > out->yarn.fast) return refuse(r, "key 'beta_slow' of the RoPE scaling is above beta_fast");
    return ROMA_OK;
}

/* Keys that only YaRN knows; transformers passes over them elsewhere, with a warning. */
static int check_no_yarn(const asked *r) {
    const config *c = r->c;
    const struct {
        const char *key;
        bool said;
    } of_yarn[] = {{"attention_factor", c->attention_factor > 0},
                   {"beta_fast", c->fast > 0},
                   {"beta_slow", c->slow > 0},
                   {"mscale", c->mscale > 0},
                   {"mscale_all_dim", c->mscale_all > 0},
                   {"truncate", c->truncate >= 0}};
    for (size_t i = 0; i < sizeof of_yarn / sizeof *of_yarn; i++)
        if (of_yarn[i].said) return refuse(r, "key '%s' of the RoPE scaling is yarn's alone", of_yarn[i].key);
    return ROMA_OK;
}

static int rope_of(const asked *r, roma_model_rope *out) {
    config *c = r->c;
    const bool linear = strcmp(c->rope_type, "linear") == 0, llama3 = strcmp(c->rope_type, "llama3") == 0,
               yarn = strcmp(c->rope_type, "yarn") == 0;
    const double base = c->rope_theta > 0 ? c->rope_theta : c->theta;
    double original = c->original_beside ? c->original_beside : c->original; /* beside it, it comes first */
    if (c->rope_key[0]) return refuse(r, "key '%s' of the RoPE scaling is not supported", c->rope_key);
    if ((llama3 || yarn) && !(original > 0)) original = c->context;
    if (yarn && c->has_factor && !(c->factor > 0)) c->factor = c->context / original; /* null */
    if ((linear || llama3 || yarn) && !(c->factor > 0)) return refuse(r, "key 'factor' of the RoPE scaling is missing");
    if (llama3 && !(c->low > 0 && c->high > c->low))
        return refuse(r, "RoPE scaling llama3 needs a high_freq_factor above its low_freq_factor");
    if (!c->rope_type[0] && c->factor > 0) return refuse(r, "key 'rope_type' of the RoPE scaling is missing");
    *out = (roma_model_rope){.kind = llama3 ? ROMA_ROPE_LLAMA3
                                     : yarn ? ROMA_ROPE_YARN
                                            : ROMA_ROPE_EVEN,
                             .base = base,
                             .factor = linear || llama3 ? c->factor : 1,
                             .low = c->low,
                             .high = c->high,
                             .original = original,
                             .gain = 1};
    return yarn ? yarn_of(r, out) : check_no_yarn(r);
}

/* The folder's name where the file has the usual one, else the file's. */
static void call(roma_shape *s, const char *path) {
    char name[128];
    const char *end = path + strlen(path), *base = end;
    while (base > path && base[-1] != '/') base--;
    if (strcmp(base, "config.json") == 0 && base > path + 1) {
        end = base - 1;
        base = end;
        while (base > path && base[-1] != '/') base--;
    } else if (end - base > 5 && strcmp(end - 5, ".json") == 0) {
        end -= 5;
    }
    const bool none = end == base || (size_t)(end - base) == strspn(base, "."); /* "." and ".." are no names */
    roma_print(name, sizeof name, "%.*s", none ? 6 : (int)(end - base < 127 ? end - base : 127),
               none ? "config" : base);
    roma_model_call(s, name);
}

int roma_model_config_shape(roma_shape *s, config *c, const char *path, roma_error *err) {
    const asked made = {c, path, err}, *r = &made;
    roma_model_rope rope = {0};
    int rc = settle(r);
    if (!rc) rc = check_biases(r);
    if (!rc) rc = check_layer_types(r);
    if (!rc) rc = rope_of(r, &rope);
    if (rc) return rc;
    end_at_window(c);
    *s = (roma_shape){.tied = c->tied > 0,
                      .attention_bias = c->attention_bias > 0 && c->family != FAMILY_QWEN2,
                      .mlp_bias = c->mlp_bias > 0};
    s->hyper = (roma_hyper){.arch = families[c->family].arch,
                            .layers = c->layers,
                            .heads = c->heads,
                            .kv_heads = c->kv_heads,
                            .rope_dim = c->head_dim,
                            .vocab = c->vocab,
                            .context = c->context,
                            .rms_eps = (float)c->eps};
    roma_hyper_set_widths(&s->hyper, c->hidden, c->ffn, c->head_dim);
    rc = roma_hyper_check(&s->hyper, r->path, r->err);
    if (rc) return rc;
    roma_model_set_rope(&s->hyper, &rope);
    memcpy(s->passed, c->passed, sizeof s->passed);
    call(s, r->path);
    return ROMA_OK;
}
