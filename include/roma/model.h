/* model - a language model as a graph of roles: hyper-parameters and views of tensors.
 *
 * The architecture is the LLaMA family's: RMSNorm, grouped-query attention with RoPE, gated SiLU feed-forward,
 * residuals. Importers make a roma_model and the packer reads one; the mapped source file is borrowed. Threads: a model
 * is read-only once it was made, and any number of threads may read it. */
#ifndef ROMA_MODEL_H
#define ROMA_MODEL_H

#include "roma/num.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ROMA_ARCHS(X) X(LLAMA, 1, "llama") X(QWEN2, 2, "qwen2") X(QWEN3, 3, "qwen3")
typedef enum {
#define X(name, value, text) ROMA_ARCH_##name = (value),
    ROMA_ARCHS(X)
#undef X
} roma_arch;
/* GGUF's word for an architecture, static; NULL when the number is unknown. */
const char *roma_arch_name(uint32_t arch);
/* The architecture of that word, of n bytes; false: none has it. */
bool roma_arch_find(const char *word, size_t n, uint32_t *arch);

/* Every role of a tensor: name, number in files, text, 1 for a matrix, 1 for one in each layer. */
#define ROMA_ROLES(X)                                                                                                  \
    X(EMBED, 1, "embed", 1, 0)                                                                                         \
    X(HEAD, 2, "head", 1, 0)                                                                                           \
    X(FINAL_NORM, 3, "final_norm", 0, 0)                                                                               \
    X(ATTN_NORM, 4, "attn_norm", 0, 1)                                                                                 \
    X(Q, 5, "q", 1, 1)                                                                                                 \
    X(K, 6, "k", 1, 1)                                                                                                 \
    X(V, 7, "v", 1, 1)                                                                                                 \
    X(O, 8, "o", 1, 1)                                                                                                 \
    X(Q_BIAS, 9, "q_bias", 0, 1)                                                                                       \
    X(K_BIAS, 10, "k_bias", 0, 1)                                                                                      \
    X(V_BIAS, 11, "v_bias", 0, 1)                                                                                      \
    X(Q_NORM, 12, "q_norm", 0, 1)                                                                                      \
    X(K_NORM, 13, "k_norm", 0, 1)                                                                                      \
    X(FFN_NORM, 14, "ffn_norm", 0, 1)                                                                                  \
    X(GATE, 15, "gate", 1, 1)                                                                                          \
    X(UP, 16, "up", 1, 1)                                                                                              \
    X(DOWN, 17, "down", 1, 1)                                                                                          \
    X(O_BIAS, 18, "o_bias", 0, 1)                                                                                      \
    X(GATE_BIAS, 19, "gate_bias", 0, 1)                                                                                \
    X(UP_BIAS, 20, "up_bias", 0, 1)                                                                                    \
    X(DOWN_BIAS, 21, "down_bias", 0, 1)
enum {
#define X(name, value, text, matrix, layer) ROMA_W_##name = (value),
    ROMA_ROLES(X)
#undef X
        ROMA_W_END
};
/* Text of a role, static; NULL when the number is unknown. */
const char *roma_tensor_role_name(uint32_t role);
/* Writes LAYER.ROLE, or ROLE where there are no layers, to buf (32 bytes hold any); returns buf. */
const char *roma_tensor_name(uint32_t role, uint32_t layer, char *buf, size_t cap);
/* Whether a role is a matrix, and whether each layer has one. */
bool roma_tensor_role_is_matrix(uint32_t role);
bool roma_tensor_role_is_layered(uint32_t role);

#define ROMA_ROPE_PAIRS_MAX 256

/* Hyper-parameters of a model; widths in elements. hidden, ffn and head_dim are as tensors and values have them; where
 * a model's own width is smaller, true_... is that, and the elements behind it are zero: weights, biases and so values.
 */
typedef struct {
    uint32_t arch;                             /* roma_arch */
    uint32_t layers;                           /* 1 to 1024 */
    uint32_t hidden;                           /* multiple of 32, <= 65536 */
    uint32_t ffn;                              /* multiple of 32, <= 262144 */
    uint32_t heads, kv_heads;                  /* heads a multiple of kv_heads */
    uint32_t head_dim;                         /* multiple of 16, <= 512 */
    uint32_t rope_dim;                         /* even, <= the model's own head width */
    uint32_t vocab;                            /* tokens, up to 2^22 */
    uint32_t context;                          /* the model's own limit, tokens */
    float rms_eps;                             /* > 0 */
    uint64_t rope_phase[ROMA_ROPE_PAIRS_MAX];  /* rope_dim / 2 increments for one position: turns x 2^64 */
    uint32_t true_hidden, true_ffn, true_head; /* 0: the same as hidden, ffn, head_dim */
    float rope_gain;                           /* factor of cos and sin, 0.000001 to 1e6; 0: none */
} roma_hyper;
/* The model's own widths. */
static inline uint32_t roma_true_hidden(const roma_hyper *h) { return h->true_hidden ? h->true_hidden : h->hidden; }
static inline uint32_t roma_true_ffn(const roma_hyper *h) { return h->true_ffn ? h->true_ffn : h->ffn; }
static inline uint32_t roma_true_head(const roma_hyper *h) { return h->true_head ? h->true_head : h->head_dim; }
/* Sets hidden, ffn, head_dim and their true ones from a model's own: the next multiples of 32, 32 and 16. */
void roma_hyper_set_widths(roma_hyper *h, uint32_t hidden, uint32_t ffn, uint32_t head);
/* Columns of o: heads x the model's own head width, up to a multiple of 32. */
uint32_t roma_hyper_attended(const roma_hyper *h);
/* Elements of each head that go from attention to o, one head behind the other; 0: the heads lie so already. */
uint32_t roma_hyper_packed(const roma_hyper *h);
/* YaRN (arXiv 2309.00071, 3.2 and 3.4): pairs that turn more often than `fast` over the original context keep their
 * angles, those that turn less often than `slow` are divided by the factor, between them it goes evenly. base > 1,
 * 0 < slow <= fast. */
typedef struct {
    double base, factor, original; /* original: the context, in positions, that the model was trained for first */
    double fast, slow;
    double share; /* of what is kept, 0 to 1: llama.cpp's extrapolation factor */
    bool is_real; /* the ends are not moved out to whole pairs */
} roma_yarn;
/* By what the angle of pair i, of dim / 2, is divided. */
double roma_yarn_divisor(const roma_yarn *y, uint32_t dim, uint32_t i);
/* YaRN's factor of cos and sin: 1 + 0.1 scale ln(factor), or 1 where angles are not divided. */
double roma_yarn_gain(double factor, double scale);
/* Checks every member against its bounds: EUNSUPPORTED, with file as the model's name, says which and what is
 * supported. */
int roma_hyper_check(const roma_hyper *h, const char *file, roma_error *err);
/* Shape of a role under h: rows and cols (a vector has 1 row). False when h.arch has no such role. Biases are optional,
 * but those of q, k and v in qwen2; Q_NORM and K_NORM exist for qwen3; HEAD is optional (tied). */
bool roma_hyper_shape(const roma_hyper *h, uint32_t role, uint64_t *rows, uint64_t *cols);
/* The same in the model's own widths, as its files have them. */
bool roma_hyper_true_shape(const roma_hyper *h, uint32_t role, uint64_t *rows, uint64_t *cols);
/* Whether a model of h.arch must have the role. */
bool roma_hyper_required(const roma_hyper *h, uint32_t role);

/* The order of a matrix's columns, where it is another than its source's (act-order): column j is the source's input
 * from[j]. The product's activations are gathered so before they become codes, unless the order is folded. */
typedef struct {
    uint32_t cols;
    bool folded;          /* of down: rows of gate and up, and their biases, stand in this order; nothing is gathered */
    const uint32_t *from; /* each of 0 to cols - 1 once; NULL in a description without weights */
} roma_order;
/* Whether from[0 .. cols) has each of 0 to cols - 1 once; cols is at most 262144. */
bool roma_order_is_whole(const uint32_t *from, uint32_t cols);
/* Row values in the model's order to the source's, or a copy where order is NULL or folded; out is not in. */
void roma_order_undo(const roma_order *order, const float *in, uint64_t cols, float *out);

typedef struct roma_tensor roma_tensor;
/* A view of one tensor of a source file: its place in the model, and functions that read it a row at a time. */
struct roma_tensor {
    uint32_t role, layer; /* ROMA_W_*; layer 0 for roles without one */
    uint64_t rows, cols;
    bool is_float;        /* a matrix without low-bit code (F32 F16 BF16), or a vector */
    roma_format format;   /* when not is_float */
    uint32_t source_type; /* the importer's own type number */
    const uint8_t *data;  /* borrowed from the source file; the importer checked its size */
    bool mapped;          /* data is a mapping of the file, which may be forgotten (roma_map_forget) */
    uint64_t row_bytes;
    const void *packed;            /* the importer's view of a matrix of a 4-bit checkpoint; else NULL */
    const char *form;              /* how that checkpoint holds it, static */
    uint64_t true_rows, true_cols; /* that the source has; the model's others are zero. 0: all */
    bool rope_halves;              /* rows of each head are paired (i, i + rope_dim/2) in the source: row r of the model
                                    * is source row roma_rope_source_row(...); vectors: elements */
    const roma_order *order;       /* of the columns, which every reader below follows; NULL: the source's */
    const uint32_t *row_from;      /* of gate, up and their biases: row or element r is the source's row_from[r], the
                                    * folded order of down; NULL: r */
    uint16_t head_dim, rope_dim;   /* of a tensor whose rows, or elements of a vector, are those of heads */
    uint16_t true_head;            /* the same in the source; 0: no heads */
    /* Codes and scales of model row r, of a tensor that is not is_float, into the caller's arrays. Set by the
     * importer. */
    void (*read_row)(const roma_tensor *t, uint64_t r, const roma_row *out);
    /* FP32 values of model row r, of any tensor: dequantised where there are codes. */
    void (*read_floats)(const roma_tensor *t, uint64_t r, float *out);
    /* read_floats as it was before quant took the tensor; of a 4-bit checkpoint's matrix whose values the image has in
     * another form (levels of a map), what the checkpoint says; else NULL. */
    void (*read_source)(const roma_tensor *t, uint64_t r, float *out);
    /* What codes need to know of the whole matrix: quant's. `begin` finds it, on the team's threads (NULL: the
     * caller's), before the first read_row or read_floats; `end` forgets it, at any time, also twice. NULL: rows are
     * enough. */
    int (*begin)(roma_tensor *t, roma_team *team, roma_error *err);
    void (*end)(roma_tensor *t);
    void *whole;
};

/* A model: hyper-parameters and tensors, owned by whoever made it. */
typedef struct {
    roma_hyper hyper;
    char name[128]; /* printable ASCII */
    char license[64];
    roma_tensor *tensors;
    size_t n_tensors;
} roma_model;
/* The tensor of a role and layer, the model's; NULL: there is none. */
const roma_tensor *roma_model_find(const roma_model *m, uint32_t role, uint32_t layer);
/* Checks hyper-parameters, and that every required tensor is there once with its shape. EINPUT or EUNSUPPORTED, with
 * file as the model's name. */
int roma_model_check(const roma_model *m, const char *file, roma_error *err);
/* Row of the source that is row r of the model, r counted over all heads. The image fixes pairs (2i, 2i+1); a source
 * with halves has pair i at (i, i + rope_dim/2) in each head. */
uint64_t roma_rope_source_row(uint64_t r, uint32_t head_dim, uint32_t rope_dim);
/* Row r of a tensor (element r of a vector of heads) in its source; false: the source has none, the row is zero. */
bool roma_tensor_source_row(const roma_tensor *t, uint64_t r, uint64_t *out);

/* ---- shapes: models without weights --------------------------------------------------------------- */

/* What a model is apart from its weights, and the low-bit form that its matrices usually have. */
typedef struct {
    char name[128]; /* printable ASCII */
    roma_hyper hyper;
    bool tied;            /* the embedding is the head too */
    bool attention_bias;  /* q, k, v and o have biases (those of q, k and v in qwen2 need not be said) */
    bool mlp_bias;        /* gate, up and down have biases */
    uint32_t bits, group; /* of a code; weights under one scale */
    bool ternary;         /* codes of 2 bits are -1, 0 and 1 */
    char passed[256];     /* of a config.json: names of keys that are not known and say something, with ", " between */
} roma_shape;
/* Whether a model of that shape has the role. */
bool roma_shape_has(const roma_shape *s, uint32_t role);
/* Name of the i-th known shape, in order, static; NULL past the last. */
const char *roma_shape_name(unsigned i);
/* Reads what a user calls a shape into *s:
 * - the name of a known one;
 * - its numbers spelt out, layers=N,hidden=N,heads=N,ffn=N,vocab=N and, in any order, kv=N (else heads), head=N (else
 *   hidden / heads), tied=0|1, arch=llama|qwen2|qwen3, context=N. The last three are those of the known shape that has
 *   all the other numbers, where there is one (the shape then is that one), else 0, llama and 131072;
 * - the path of a Hugging Face config.json, or of its folder: of llama, mistral, qwen2 or qwen3. Keys that would change
 *   what the model computes, and that the engine does not know, are refused by name.
 * A text with '=' before any slash that is no file's name is spelt out; one that roma_shape_is_config, or has a slash,
 * is a path. EINPUT and EUNSUPPORTED name the key and what it may be; for a path also the errors of roma_map_open. */
int roma_shape_read(roma_shape *s, const char *text, roma_error *err);
/* The same of a config.json in memory; path is the file's, of which the shape may get its name. */
int roma_shape_read_config(roma_shape *s, const void *text, size_t size, const char *path, roma_error *err);
/* Whether a path is taken for a config.json's: it ends in .json, the file begins as a JSON object,
 * or it is a folder with one of that name. */
bool roma_shape_is_config(const char *path);

#ifdef __cplusplus
}
#endif
#endif
