/* import, inside: what the readers of adapters share. Rules and decisions: docs/import.md, "Adapters". */
#ifndef ROMA_SRC_IMPORT_LORA_H
#define ROMA_SRC_IMPORT_LORA_H

#include "gguf.h"
#include "pattern.h"
#include "roma/json.h"

#define ST_HEADER_MAX 100000000u /* bytes of a safetensors header, as the format's own library */
#define ST_ENTRY_MIN 50u         /* bytes of an entry's text, at least: what bounds the table of tensors */
#define ST_NAME_MAX 512u
#define PEFT_CONFIG_MAX (1u << 20)
#define LORA_ROLES 7u /* of a layer: q k v o gate up down */
#define LORA_HEAD 7u  /* beside the layers */
#define LORA_EMBED 8u

#define JSON_DEPTH 32u

/* ---- safetensors.c ---- */

typedef struct {
    char *name;    /* printable ASCII */
    uint32_t type; /* as GGUF numbers it: 0 F32, 1 F16, 30 BF16; of integers ST_... */
    uint32_t n_dims;
    uint64_t dim[2];     /* dim[1] runs fastest; absent ones are 1 */
    uint64_t begin, end; /* of its data, from the start of the data */
    const uint8_t *data;
    bool used; /* it is a part of a matrix of a 4-bit checkpoint */
} st_tensor;
typedef struct {
    const char *path;
    st_tensor *tensor;
    uint32_t n_tensors;
} st_file;
enum { ST_U8 = 1000, ST_I32, ST_I64, ST_OTHER };
int roma_import_st_parse(st_file *f, const void *data, uint64_t size, const char *path, roma_error *err);
/* The same of a file that may hold integers and bytes beside floats. */
int roma_import_st_parse_packed(st_file *f, const void *data, uint64_t size, const char *path, roma_error *err);
/* Name of a tensor's type, static. */
const char *roma_import_st_type(uint32_t type);
void roma_import_st_free(st_file *f);

/* ---- peft_config.c ---- */

enum { PEFT_PATTERNS_MAX = 256 };
typedef struct {
    size_t name; /* in names; of rank_pattern and alpha_pattern: the pattern's number */
    double value;
} peft_entry;
typedef struct {
    const char *path;
    uint32_t rank;
    double alpha;
    bool rslora, dora;
    bool tied;                            /* of a tied model head and embedding have one adapter, saved as two */
    roma_buf names;                       /* texts, each ends in 0 */
    roma_buf rank_pattern, alpha_pattern; /* peft_entry */
    roma_buf patterns;                    /* of import_pattern */
    roma_buf targets, excluded;           /* peft_entry, its value unused: names */
    size_t target_pattern;                /* number of the pattern + 1 where target_modules is a text; 0: none */
    size_t excluded_pattern;              /* likewise exclude_modules */
    roma_buf layers;                      /* peft_entry, its name unused; empty: all */
    bool bare; /* names of modules lack "model.": the adapter is of the model without its head */
} peft_config;
int roma_import_peft_parse(peft_config *c, const void *data, uint64_t size, const char *path, roma_error *err);
void roma_import_peft_free(peft_config *c);
/* Of the module of that full name, "model.layers.0.self_attn.q_proj". */
uint32_t roma_import_peft_rank(const peft_config *c, const char *module);
double roma_import_peft_alpha(const peft_config *c, const char *module);
/* Whether target_modules and layers_to_transform select it. */
bool roma_import_peft_selects(const peft_config *c, const char *module, uint32_t layer);
/* Whether target_modules leaves no doubt: then each selected module must be there. */
bool roma_import_peft_is_exact(const peft_config *c);

/* ---- lora.c ---- */

/* A and B of a target, as views that roma_import_read_floats understands. */
typedef struct {
    roma_tensor a, b;
    bool has_a, has_b;
    bool turned_a, turned_b; /* lie column after column */
    st_tensor magnitude;     /* of DoRA: a value for each row of B, in the file's order; data NULL: none */
    float *factor;           /* of DoRA: for each row of the image's matrix */
} lora_pair;

typedef struct {
    roma_import_lora *out;
    const roma_description *base;
    const char *path;
    roma_error *err;
    bool rope_halves;      /* rows of B of q and k are paired by halves */
    bool turned;           /* A has dims cols, rank and B rank, rows, as MLX saves them */
    bool turned_embedding; /* only A of the embedding has, as GGUF does */
    bool dora;             /* every pair must have magnitudes, else none may */
    lora_pair *pair;       /* layers x roles, the head, the embedding */
} lora_build;

/* ---- lora_base.c: what only the base's weights tell ---- */

/* Whether a matrix of true shape is the head or the embedding that the image holds, up to the rounding of its weights:
 * less than half its length away. False where the description has no weights. */
bool roma_import_lora_is_base(const lora_build *b, unsigned slot, const st_tensor *t);
/* factor[r] = magnitude[r] / |row r of W + scale B A| of a pair that has magnitudes, in double, W being the image's
 * weights; rows in the image's order, those that are nothing have 1. EUSAGE where the description has no weights,
 * EINPUT where a factor is no number to compute with; ENOMEM. name: the matrix's, for messages. */
int roma_import_lora_factors(const lora_build *b, lora_pair *p, float scale, const char *name);

/* A and B of a slot; the head's and the embedding's have no layer. */
static inline lora_pair *roma_import_lora_pair(const lora_build *b, unsigned slot, uint32_t layer) {
    return &b->pair[slot < LORA_ROLES ? layer * LORA_ROLES + slot
                                      : b->base->hyper.layers * LORA_ROLES + slot - LORA_ROLES];
}
/* Name of a slot's module as PEFT has it; bare: of a model without its head. */
const char *roma_import_lora_module_name(char buf[96], unsigned slot, uint32_t layer, bool bare);

const char *roma_import_lora_module(unsigned slot); /* "self_attn.q_proj" */
/* Takes the magnitudes of DoRA, one for each row of B. */
int roma_import_lora_add_magnitude(lora_build *b, unsigned slot, uint32_t layer, const st_tensor *t, const char *what);
/* Row of A (is_b: of B) in the image's order of rows, without factors. */
void roma_import_lora_row(const lora_pair *p, bool is_b, uint64_t row, float *out);
/* Takes A (dims rank, cols) or B (dims rows, rank). slot 0..6 in the order q k v o gate up down. what: its name,
 * printable. */
int roma_import_lora_add(lora_build *b, unsigned slot, uint32_t layer, bool is_b, const st_tensor *t, const char *what);
typedef int (*lora_scale_fn)(void *ctx, unsigned slot, uint32_t layer, uint32_t rank, float *alpha, float *scale);
/* Pairs to targets; scale says alpha and scale of each, and may refuse. */
int roma_import_lora_finish(lora_build *b, lora_scale_fn scale, void *ctx);

int roma_import_lora_peft(lora_build *b, const void *config, uint64_t config_bytes, const char *config_path,
                          const void *data, uint64_t bytes, const char *data_path);
/* lora_mlx.c: a folder that MLX saved. */
int roma_import_lora_mlx(lora_build *b, const void *config, uint64_t config_bytes, const char *config_path,
                         const void *data, uint64_t bytes, const char *data_path);
int roma_import_lora_gguf(lora_build *b, const void *data, uint64_t bytes);

#endif
