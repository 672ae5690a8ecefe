/* import, inside: matrices of 4-bit checkpoints, one view for all of their layouts (docs/import.md, "4-bit
 * checkpoints"). */
#ifndef ROMA_SRC_IMPORT_HF_PACKED_H
#define ROMA_SRC_IMPORT_HF_PACKED_H

#include "hf.h"

#define HF_BLOCK_MAX 4096u /* inputs under one scale of a file; an image repeats those of more than 256 */

/* A matrix as a checkpoint holds it; the folder's. Everything points into the files. */
struct hf_packed {
    const char *form;   /* for people, static */
    roma_format format; /* as the image has it; its group divides the block */
    uint64_t rows, cols, blocks;
    uint32_t block; /* inputs under one scale; blocks of them are a row */
    const uint8_t *codes, *scales, *zeros;
    uint64_t code_bytes; /* of all of them */
    const import_type *scale_type;
    /* Codes of a row; the scale of a block, in FP32, before anything rounds it; its zero point. */
    void (*read_codes)(const hf_packed *p, uint64_t row, uint8_t *out);
    float (*read_scale)(const hf_packed *p, uint64_t row, uint64_t block);
    uint64_t (*scale_at)(const hf_packed *p, uint64_t row, uint64_t block); /* its place among the scales */
    int (*read_zero)(const hf_packed *p, uint64_t row, uint64_t block);
    uint32_t *from; /* act-order: column j of the image is the file's input from[j]; NULL: as they lie */
    bool less_one;  /* GPTQ: words of zero points are stored less one each */
    /* bitsandbytes */
    float map[16]; /* a code's value, times the scale */
    float factor;  /* of the levels that stand for the map; 0: there is no map */
    const uint8_t *nested_map, *nested_absmax;
    uint32_t nested_block; /* 0: absmax is plain */
    float offset;
};

/* What the functions of one checkpoint share. */
typedef struct {
    hf_folder *f;
    gguf_set *set;
    const hf_quant *quant;
    roma_error *err;
} hf_packing;

/* The tensor `base` + `suffix` of any shard, which then is part of a matrix; NULL: none. */
const st_tensor *roma_import_hf_part(const hf_packing *c, const char *base, const char *suffix);
/* All matrices of the checkpoint, as tensors of the set's parts; what they are made of is marked as used. */
int roma_import_hf_pack(const hf_packing *c);
/* Orders of the model's matrices, and rows that follow down's (hf_order.c). */
int roma_import_hf_orders(hf_folder *f, roma_model *m, roma_error *err);
/* The order of p's columns out of the group of each input, tensor `base` + `suffix`, where there is one and the groups
 * do not rise as the inputs do: the inputs of a group stand together, each group's in their order. */
int roma_import_hf_read_order(const hf_packing *c, const char *base, const char *suffix, hf_packed *p);
/* An error about the matrix `base`. */
int roma_import_hf_packed_bad(const hf_packing *c, int code, const char *base, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* Fills *p from the tensors of the matrix `base`, whose anchor is `at`: hf_bnb.c, hf_words.c. */
int roma_import_hf_bnb(const hf_packing *c, const char *base, const st_tensor *at, hf_packed *p);
int roma_import_hf_gptq(const hf_packing *c, const char *base, const st_tensor *at, hf_packed *p);
int roma_import_hf_awq(const hf_packing *c, const char *base, const st_tensor *at, hf_packed *p);
int roma_import_hf_words(const hf_packing *c, const char *base, const st_tensor *at, hf_packed *p);

#endif
