/* exec - runs a plan bit for bit as the chip would: sequences, paged cache, sampling.
 *
 * A step takes rows of (sequence, position, adapter set); rows of one sequence come in ascending positions. Results
 * do not depend on how tokens are cut into steps, on what else is in a step, on threads, or on the instruction set.
 * Memory: two arenas whose sizes roma_exec_bytes tells before anything is taken; after create nothing is allocated.
 * Thread rule: one thread at a time calls into an engine; it runs its own team.
 */
#ifndef ROMA_EXEC_H
#define ROMA_EXEC_H

#include "roma/kern.h"
#include "roma/plan.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ROMA_EXEC_ROWS_MAX 512

typedef struct {
    int threads;           /* 1..64; 0: all CPUs */
    const char *isa;       /* "auto", "scalar", "avx2", "avx512" */
    uint32_t context;      /* positions a sequence may hold; 0: the model's own limit, at most 4096 */
    uint32_t sequences;    /* 1.. */
    uint32_t rows;         /* rows of a step, the prefill chunk; 0: 128; at most ROMA_EXEC_ROWS_MAX */
    uint32_t logit_rows;   /* rows of a step whose logits may be wanted; 0: as many as sequences */
    uint64_t cache_bytes;  /* limit of the cache arena (the chip's SRAM); 0: none */
} roma_exec_config;

typedef struct {
    uint64_t cache;  /* KV pages */
    uint64_t work;   /* activations, logits, scratch */
    uint32_t context, rows, logit_rows; /* as decided */
    uint64_t page_group; /* bytes that 32 more positions of a sequence take in all layers */
} roma_exec_memory;

/* Size query. EINPUT when the configuration contradicts itself or the cache limit. */
int roma_exec_bytes(const roma_plan *plan, const roma_exec_config *cfg, roma_exec_memory *out, roma_error *err);

typedef struct roma_exec roma_exec;
/* image and plan must outlive the engine. ENOMEM, with both figures, when the host lacks the memory. */
int roma_exec_create(roma_exec **e, const roma_image *image, const roma_plan *plan, const roma_exec_config *cfg, roma_error *err);
void roma_exec_destroy(roma_exec *e);
const roma_exec_memory *roma_exec_memory_of(const roma_exec *e);
const char *roma_exec_isa(const roma_exec *e);
int roma_exec_threads(const roma_exec *e);
roma_team *roma_exec_team(roma_exec *e);

typedef struct {
    int32_t token;
    uint32_t sequence;
    uint32_t position;  /* must be the sequence's length, counting earlier rows of this step */
    uint32_t adapters;  /* adapter set; 0: the base alone */
    bool want_logits;
} roma_exec_row;

/* Runs one step. ECONTEXT when a sequence is full; EINPUT for a bad token, position or sequence: then nothing changed. */
int roma_exec_step(roma_exec *e, const roma_exec_row *rows, size_t n, roma_error *err);
/* Logits (vocab FP32) of the i-th row that wanted them in the last step. */
const float *roma_exec_logits(const roma_exec *e, size_t i);

/* Appends tokens to a sequence in chunks; logits of the last one are row 0 afterwards. cancel (may be NULL) is asked
 * between chunks: nonzero ends with ECANCEL, the finished chunks kept. */
int roma_exec_prefill(roma_exec *e, uint32_t sequence, const int32_t *tokens, size_t n, const volatile int *cancel,
                      const roma_progress *progress, roma_error *err);
uint32_t roma_exec_length(const roma_exec *e, uint32_t sequence);
/* Forgets positions from `length` on and gives their pages back. */
void roma_exec_truncate(roma_exec *e, uint32_t sequence, uint32_t length);

/* ---- sampling ---------------------------------------------------------------------------------- */

typedef struct {
    float temperature;    /* 0: greedy, ties to the lowest id */
    uint32_t top_k;       /* 0: off */
    float top_p;          /* 1: off */
    float min_p;          /* 0: off */
    float repeat_penalty; /* 1: off; over the last 64 tokens */
    uint64_t seed;
} roma_sampling;
void roma_sampling_default(roma_sampling *s); /* greedy */
int roma_sampling_check(const roma_sampling *s, roma_error *err);
/* recent: the last tokens of the sequence (its last 64 count). The draw is keyed by (seed, position): the same request gives
 * the same text alone or in a batch. scratch: roma_sample_bytes(vocab). EINTERNAL when a logit is NaN. */
size_t roma_sample_bytes(uint32_t vocab);
int roma_sample(const roma_sampling *s, const float *logits, uint32_t vocab, const int32_t *recent, size_t n_recent,
                uint64_t position, void *scratch, int32_t *token, roma_error *err);

#ifdef __cplusplus
}
#endif
#endif
