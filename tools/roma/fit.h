/* What fits into a chip's SRAM: the engine's count, to the byte, and the paper's beside it. */
#ifndef TOOLS_FIT_H
#define TOOLS_FIT_H

#include "design.h"

typedef struct {
    uint32_t adapters, rank, sequences;
    uint64_t lora_bytes;     /* as they lie in SRAM: codes, every scale, padding */
    roma_exec_memory engine; /* at the most pages; engine.context is the tokens of each sequence */
    double lora_paper;       /* 8-bit codes alone */
    uint64_t tokens_paper;   /* of each sequence */
} fit_point;

typedef struct {
    const design *d;
    roma_exec_config limit; /* sram_bytes and vector_bytes */
    number_list adapters, ranks, sequences;
    uint32_t roles, type; /* of the adapters: bits of roles, 0: all seven; roma_adapter_type */
    roma_cost rom;        /* its ROM outputs */
    uint32_t rows;        /* of a step; 0: the usual */
    fit_point at; /* the case shown in full: what was given first, else one adapter of rank 16 and one sequence */
} fit;

/* Counts one case. */
int fit_count(const fit *f, uint32_t adapters, uint32_t rank, uint32_t sequences, fit_point *out, roma_error *err);
/* Bytes of a token of cache: the engine's, and the paper's. */
double fit_token(const fit_point *p);
double fit_token_paper(const fit *f);
/* Whether the model's own context, not the SRAM, ends a sequence. */
bool fit_is_model(const fit *f, const fit_point *p);
/* Every case of the lists, a row each. */
int fit_table(const fit *f, roma_table *out, roma_error *err);
/* Tokens of each sequence over the rank, a column for each number of adapters, and the paper's for the first. */
int fit_curves(const fit *f, roma_table *out, roma_error *err);

#endif
