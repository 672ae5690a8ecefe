/* import, inside: what the readers of adapters share. Rules and decisions: docs/import.md, "Adapters". */
#ifndef ROMA_SRC_IMPORT_LORA_H
#define ROMA_SRC_IMPORT_LORA_H

#include "gguf.h"
#ifndef ROMA_NO_JANSSON /* make JANSSON=no, for cross builds */
#include <jansson.h>
#endif

#define ST_HEADER_MAX (8u << 20) /* bytes of a safetensors header; jansson takes about twenty times as much */
#define ST_NAME_MAX 512u
#define PEFT_CONFIG_MAX (1u << 20)
#define LORA_ROLES 7u

/* ---- json.c ---- */

#ifndef ROMA_NO_JANSSON
/* Strict JSON whose outermost value is an object; NULL and an error otherwise. at: file offset of data. */
json_t *roma_import_json(const char *path, const void *data, size_t size, uint64_t at, roma_error *err);
#endif

/* ---- safetensors.c ---- */

typedef struct {
    char *name;    /* printable ASCII */
    uint32_t type; /* as GGUF numbers it: 0 F32, 1 F16, 30 BF16 */
    uint32_t n_dims;
    uint64_t dim[2];     /* dim[1] runs fastest; absent ones are 1 */
    uint64_t begin, end; /* of its data, from the start of the data */
    const uint8_t *data;
} st_tensor;
typedef struct {
    const char *path;
    st_tensor *tensor;
    uint32_t n_tensors;
} st_file;
int roma_import_st_parse(st_file *f, const void *data, uint64_t size, const char *path, roma_error *err);
void roma_import_st_free(st_file *f);

/* ---- peft_config.c ---- */

#ifndef ROMA_NO_JANSSON
typedef struct {
    const char *path;
    json_t *json; /* owns everything below */
    uint32_t rank;
    double alpha;
    bool rslora;
    json_t *rank_pattern, *alpha_pattern; /* objects or NULL */
    json_t *targets;                      /* array of names; NULL: the tensors say which */
    json_t *layers;                       /* array of integers; NULL: all */
} peft_config;
int roma_import_peft_parse(peft_config *c, const void *data, uint64_t size, const char *path, roma_error *err);
void roma_import_peft_free(peft_config *c);
/* Of the module of that full name, "model.layers.0.self_attn.q_proj". */
uint32_t roma_import_peft_rank(const peft_config *c, const char *module);
double roma_import_peft_alpha(const peft_config *c, const char *module);
/* Whether target_modules and layers_to_transform select it. */
bool roma_import_peft_selects(const peft_config *c, const char *module, uint32_t layer);
/* Whether they leave no doubt: then each selected module must be there. */
bool roma_import_peft_is_exact(const peft_config *c);
#endif

/* ---- lora.c ---- */

/* A and B of a target, as views that roma_import_read_floats understands. */
typedef struct {
    roma_tensor a, b;
    bool has_a, has_b;
} lora_pair;

typedef struct {
    roma_import_lora *out;
    const roma_description *base;
    const char *path;
    roma_error *err;
    bool rope_halves; /* rows of B of q and k are paired by halves */
    lora_pair *pair;  /* layers x roles */
} lora_build;

const char *roma_import_lora_module(unsigned slot); /* "self_attn.q_proj" */
/* Takes A (dims rank, cols) or B (dims rows, rank). slot 0..6 in the order q k v o gate up down. what: its name,
 * printable. */
int roma_import_lora_add(lora_build *b, unsigned slot, uint32_t layer, bool is_b, const st_tensor *t, const char *what);
typedef int (*lora_scale_fn)(void *ctx, unsigned slot, uint32_t layer, uint32_t rank, float *alpha, float *scale);
/* Pairs to targets; scale says alpha and scale of each, and may refuse. */
int roma_import_lora_finish(lora_build *b, lora_scale_fn scale, void *ctx);

int roma_import_lora_peft(lora_build *b, const void *config, uint64_t config_bytes, const char *config_path,
                          const void *data, uint64_t bytes, const char *data_path);
int roma_import_lora_gguf(lora_build *b, const void *data, uint64_t bytes);

#endif
