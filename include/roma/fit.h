/* fit - how many tokens, adapters and sequences a chip's SRAM holds, and whether its ROM holds the model.
 *
 * Two counts stand side by side: the engine's, to the byte (roma_exec_fit, roma_adapter_bytes), in pages that the
 * chip's fullest H-Unit holds (roma_place_pages); and the paper's, 8-bit codes alone (roma_cost_tokens). Threads:
 * functions are re-entrant; a roma_fit is only read. */
#ifndef ROMA_FIT_H
#define ROMA_FIT_H

#include "roma/cost.h"
#include "roma/design.h"
#include "roma/exec.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What is asked of a design. */
typedef struct {
    const roma_design *design; /* borrowed, and outlives the question */
    bool is_chip;              /* the SRAM is the chip's: pages lie where the placement has them */
    uint64_t sram_bytes;       /* bytes of all dies, for adapters and cache, and for activations beyond vector_bytes */
    uint64_t vector_bytes;     /* bytes of the die that works, for activations alone */
    uint32_t rows;             /* of a step; 0: ROMA_EXEC_ROWS_USUAL */
    uint32_t roles;            /* linears with adapters: bit r for role r; 0: all seven */
    uint32_t type;             /* of the adapters, a roma_adapter_type */
} roma_fit;
/* The usual question: the chip's SRAM, adapters of int8 on all linears. */
roma_fit roma_fit_usual(const roma_design *d);

/* One answer: what was asked, the engine's count, the paper's count. */
typedef struct {
    uint32_t adapters, rank, sequences; /* as asked */
    /* The engine's count. */
    uint64_t lora_bytes;     /* of the adapters as they lie in SRAM: codes, every scale, padding */
    roma_exec_memory engine; /* at the most pages; engine.context is the tokens of each sequence */
    double token_bytes;      /* bytes of cache of a token of one sequence */
    bool is_model;           /* the model's own context ends a sequence, not the SRAM */
    bool fits;               /* engine.context is above 0: adapters, and a page of cache for each sequence */
    bool is_spilt;           /* activations that the vector units do not hold lie beside the cache */
    /* The paper's count. */
    double lora_paper, token_bytes_paper; /* bytes of the adapters; bytes of cache of a token */
    uint64_t tokens_paper;                /* tokens of each sequence */
} roma_fit_point;

/* Counts one case. EUSAGE: more than ROMA_COST_ADAPTERS_MAX adapters, a rank above ROMA_ADAPTER_RANK_MAX, no sequence;
 * else errors of roma_exec_fit. */
int roma_fit_count(const roma_fit *f, uint32_t adapters, uint32_t rank, uint32_t sequences, roma_fit_point *out,
                   roma_error *err);
/* The outputs of group "fit" for one sequence without adapters: rom_bytes, rom_capacity, rom_words, fits_rom and
 * others. */
void roma_fit_rom(const roma_fit *f, roma_cost *out);
/* Sets the question's SRAM: with `chip` the chip's, or limit_bytes (0: none) where that is less; without, limit_bytes.
 */
void roma_fit_limit(roma_fit *f, uint64_t limit_bytes, bool chip);
/* Reads "q,v", names of linears with commas between, or "all", as bits of roles (0: all). EUSAGE for another word. */
int roma_fit_roles(const char *text, uint32_t *roles, roma_error *err);

#ifdef __cplusplus
}
#endif
#endif
