/* What config.json says, on its way from the keys (config.c) to a shape (config_shape.c). */
#ifndef ROMA_MODEL_CONFIG_H
#define ROMA_MODEL_CONFIG_H

#include "model/internal.h"

/* Families: model_type, class, what the engine runs the family as, num_key_value_heads where the key is missing and
 * heads are a multiple of it, as the family's own code has it (0 and else: the number of heads). */
#define FAMILIES(X)                                                                                                    \
    X(LLAMA, "llama", "LlamaForCausalLM", ROMA_ARCH_LLAMA, 0)                                                          \
    X(MISTRAL, "mistral", "MistralForCausalLM", ROMA_ARCH_LLAMA, 8)                                                    \
    X(QWEN2, "qwen2", "Qwen2ForCausalLM", ROMA_ARCH_QWEN2, 32)                                                         \
    X(QWEN3, "qwen3", "Qwen3ForCausalLM", ROMA_ARCH_QWEN3, 32)
enum {
#define X(id, type, class, arch, kv) FAMILY_##id,
    FAMILIES(X)
#undef X
        N_FAMILIES
};

/* Whole numbers: member, key, least, most, whether it must be there. */
#define COUNTS(X)                                                                                                      \
    X(layers, "num_hidden_layers", 1, 1024, true)                                                                      \
    X(hidden, "hidden_size", 1, 65536, true)                                                                           \
    X(ffn, "intermediate_size", 1, 262144, true)                                                                       \
    X(heads, "num_attention_heads", 1, 65536, true)                                                                    \
    X(kv_heads, "num_key_value_heads", 1, 65536, false)                                                                \
    X(head_dim, "head_dim", 2, 512, false)                                                                             \
    X(vocab, "vocab_size", 1, 4194304, true)                                                                           \
    X(context, "max_position_embeddings", 1, 16777216, true)                                                           \
    X(original_beside, "original_max_position_embeddings", 1, 16777216, false)                                         \
    X(window, "sliding_window", 0, UINT32_MAX, false)                                                                  \
    X(window_layers, "max_window_layers", 0, UINT32_MAX, false)

/* Reals: member, key, least, most, value where there is none. */
#define REALS(X)                                                                                                       \
    X(eps, "rms_norm_eps", 1e-12, 0.1, 1e-6)                                                                           \
    X(theta, "rope_theta", 1.0, 1e12, 10000.0)

/* Members of rope_scaling, or of rope_parameters as newer files call it. */
#define ROPE_REALS(X)                                                                                                  \
    X(factor, "factor", 1e-3, 1e6)                                                                                     \
    X(low, "low_freq_factor", 1e-3, 1e6)                                                                               \
    X(high, "high_freq_factor", 1e-3, 1e6)                                                                             \
    X(original, "original_max_position_embeddings", 1, 16777216)                                                       \
    X(attention_factor, "attention_factor", 1e-3, 1e3)                                                                 \
    X(fast, "beta_fast", 1e-3, 1e6)                                                                                    \
    X(slow, "beta_slow", 1e-3, 1e6)                                                                                    \
    X(mscale, "mscale", 0, 1e3)                                                                                        \
    X(mscale_all, "mscale_all_dim", 0, 1e3)                                                                            \
    X(rope_theta, "rope_theta", 1.0, 1e12)

/* true or false: member, key. */
#define FLAGS(X)                                                                                                       \
    X(tied, "tie_word_embeddings")                                                                                     \
    X(attention_bias, "attention_bias")                                                                                \
    X(mlp_bias, "mlp_bias")                                                                                            \
    X(use_window, "use_sliding_window")

typedef struct {
#define X(member, key, least, most, need) uint32_t member;
    COUNTS(X)
#undef X
#define X(member, key, least, most, absent) double member;
    REALS(X)
#undef X
#define X(member, key, least, most) double member;
    ROPE_REALS(X)
#undef X
#define X(member, key) int member; /* -1: not said */
    FLAGS(X)
#undef X
    int family, class; /* FAMILY_*, as model_type and architectures say; -1: not said */
    bool has_rope, has_window, has_kv_heads, has_factor; /* keys that are there, be it with null */
    bool has_sliding;                                    /* of layer_types: one attends to a window */
    uint32_t layer_types;                                /* how many it has; 0: not said */
    int truncate;                                        /* of YaRN; -1: not said */
    char rope_type[16], rope_key[48]; /* "": not said; a key of the rotary embedding that is not known */
    char passed[256];                 /* as roma_shape has it */
} config;

/* What a key that gives no width must say. */
typedef enum { CONFIG_OFF, CONFIG_ONE, CONFIG_FINE, CONFIG_UNKNOWN } config_key;
config_key roma_model_config_key(const char *key);

/* Makes the shape, checked as a whole. EUNSUPPORTED names the key, with path as the file. */
int roma_model_config_shape(roma_shape *s, config *c, const char *path, roma_error *err);

#endif
