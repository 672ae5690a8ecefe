/* import, inside: the keys of hyper-parameters as they are read (hyper.c), and what the files of hyper-parameters
 * share. */
#ifndef ROMA_SRC_IMPORT_HYPER_H
#define ROMA_SRC_IMPORT_HYPER_H

#include "gguf.h"

#define HEAD_DIM_MAX 512u

/* field, key behind "ARCH.", least, most, must be there, may be an array of equal numbers (one per layer) */
#define INTEGERS(X)                                                                                                    \
    X(layers, "block_count", 1, 1024, 1, 0)                                                                            \
    X(context, "context_length", 1, 1u << 24, 1, 0)                                                                    \
    X(hidden, "embedding_length", 1, 65536, 1, 0)                                                                      \
    X(ffn, "feed_forward_length", 1, 262144, 1, 1)                                                                     \
    X(heads, "attention.head_count", 1, 4096, 1, 1)                                                                    \
    X(kv_heads, "attention.head_count_kv", 1, 4096, 0, 1)                                                              \
    X(key_length, "attention.key_length", 2, HEAD_DIM_MAX, 0, 0)                                                       \
    X(value_length, "attention.value_length", 2, HEAD_DIM_MAX, 0, 0)                                                   \
    X(rope_dim, "rope.dimension_count", 2, HEAD_DIM_MAX, 0, 0)                                                         \
    X(original, "rope.scaling.original_context_length", 0, 1u << 24, 0, 0)                                             \
    X(vocab, "vocab_size", 1, ROMA_TOKENS_MAX, 0, 0)                                                                   \
    X(window, "attention.sliding_window", 0, UINT32_MAX, 0, 0)

/* The last column is the value of an absent key; one below the range: the key must be there. */
#define FLOATS(X)                                                                                                      \
    X(freq_base, "rope.freq_base", 1.0, 1e12, 10000.0)                                                                 \
    X(factor, "rope.scaling.factor", 0.0, 1e6, 0.0)                                                                    \
    X(old_factor, "rope.scale_linear", 0.0, 1e6, 0.0)                                                                  \
    X(attn_factor, "rope.scaling.attn_factor", 1e-3, 1e3, 1.0)                                                         \
    X(yarn_ext, "rope.scaling.yarn_ext_factor", 0.0, 1.0, 1.0)                                                         \
    X(yarn_attn, "rope.scaling.yarn_attn_factor", 1e-3, 1e3, 1.0)                                                      \
    X(yarn_fast, "rope.scaling.yarn_beta_fast", 1e-3, 1e6, 32.0)                                                       \
    X(yarn_slow, "rope.scaling.yarn_beta_slow", 1e-3, 1e6, 1.0)                                                        \
    X(eps, "attention.layer_norm_rms_epsilon", 1e-12, 0.1, -1.0)

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
} hyper_reading;

/* "ARCH.SUFFIX", the reading's until the next call. */
const char *roma_import_hyper_key(hyper_reading *rd, const char *suffix);
/* EUNSUPPORTED with that sentence about the file. */
int roma_import_hyper_bad(const hyper_reading *rd, const char *what);

/* rope.c: phase increments and attention factor of *h, whose rope_dim is set. */
int roma_import_rope(hyper_reading *rd, roma_hyper *h);
/* keys.c: EUNSUPPORTED with its name for a key behind "ARCH." that could change what the model computes and that no
 * reader of this room uses. */
int roma_import_check_keys(const gguf_file *g, const char *arch, roma_error *err);

#endif
