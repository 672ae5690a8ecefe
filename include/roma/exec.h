/* exec - runs a plan bit for bit as a chip would: sequences, paged cache, sampling. It knows plans and no chip.
 *
 * A step takes rows of (sequence, position, adapter set); rows of one sequence come in ascending positions. Results
 * do not depend on how tokens are cut into steps, on what else is in a step, on threads, or on the instruction set.
 * Memory: arenas whose sizes roma_exec_bytes tells before anything is taken; after create nothing is allocated.
 * Thread rule: one thread at a time calls into an engine; it runs its own team.
 *
 * Preconditions: pointers are not NULL but for err, and where a comment says so; objects are those that their create or
 * open gave and that are not destroyed. Numbers need no care: what is out of range is refused, or said to do nothing.
 */
#ifndef ROMA_EXEC_H
#define ROMA_EXEC_H

#include "roma/adapter.h"
#include "roma/kern.h"
#include "roma/plan.h"

#ifdef __cplusplus
extern "C" {
#endif

#define ROMA_EXEC_ROWS_MAX 512
#define ROMA_EXEC_ROWS_USUAL 128
#define ROMA_EXEC_STACK_MAX 8

typedef struct {
    int threads;     /* 1..64; 0: all CPUs */
    bool pin;        /* each to one CPU: roma_team_pin */
    const char *isa; /* "auto", "scalar", "avx2", "avxvnni", "avx512", "neon" */
    uint32_t
        context; /* positions a sequence may hold; 0: the model's own limit, at most 4096 and what sram_bytes allows */
    uint32_t sequences;  /* 1..65536; 0: 1 */
    uint32_t rows;       /* rows of a step, the prefill chunk, at most ROMA_EXEC_ROWS_MAX; 0: ROMA_EXEC_ROWS_USUAL, or
                            as many as vector_bytes hold activations of where these are fewer, but at least 16 and
                            logit_rows */
    uint32_t logit_rows; /* rows of a step whose logits may be wanted, at most rows; 0: as many as sequences, or rows
                            where these are fewer */
    uint64_t sram_bytes; /* limit of what a chip keeps in SRAM (docs/memory.md); 0: none */
    uint64_t adapter_bytes; /* of it kept for adapters, at most 2^62; 0: no room for any */
    uint32_t adapters;      /* adapters loaded at once, at most; up to 65536 */
    uint32_t adapter_rank;  /* their largest rank, at most ROMA_ADAPTER_RANK_MAX; 0: ROMA_RANK_USUAL */
    uint32_t adapter_stack; /* adapters of one set, at most; 0: 1; at most ROMA_EXEC_STACK_MAX */
    uint32_t adapter_sets;  /* sets besides 0, up to 65536; 0: as many as adapters */
    uint64_t vector_bytes;  /* further SRAM, the chip's vector units', that holds activations alone; activations beyond
                               vector_bytes count against sram_bytes */
    uint32_t pages;         /* page groups of the cache, shared by all sequences; 0: what all need at full context */
    bool is_placed;      /* pages are placed on units, of which the fullest holds pages_held page groups and no more */
    uint64_t pages_held; /* only where is_placed */
} roma_exec_config;      /* all zero is a configuration; a default gives way to what other fields say */

typedef struct {
    uint64_t cache;       /* KV pages */
    uint64_t adapters;    /* as configured */
    uint64_t activations; /* the plan's values for the rows of a step, logits excepted */
    uint64_t work;        /* the host's own: logits, scratch of threads, tables */
    uint64_t sram;        /* what counts against sram_bytes: cache, adapters, activations beyond vector_bytes */
    uint32_t context, rows, logit_rows; /* as decided */
    uint64_t page_group;                /* bytes that 32 more positions of a sequence take in all layers */
    uint32_t pages;                     /* page groups */
} roma_exec_memory;

/* Size query. EUSAGE names the field that is out of range or contradicts another; EINPUT when more SRAM is needed than
 * the limit; EINTERNAL when the plan fails roma_plan_check. */
int roma_exec_bytes(const roma_plan *plan, const roma_exec_config *cfg, roma_exec_memory *out, roma_error *err);
/* The same turned round: the most that sram_bytes allows. cfg's context and pages are not looked at; out->pages is the
 * most page groups (0: none), out->context the largest context that all sequences can have at once, at most the model's
 * own. */
int roma_exec_fit(const roma_plan *plan, const roma_exec_config *cfg, roma_exec_memory *out, roma_error *err);
/* The smaller of two limits in bytes; 0: none. */
uint64_t roma_exec_limit(uint64_t a, uint64_t b);
/* Rows of a step in which `running` sequences may each have one: the given number and at least one for each of them; 0
 * where the usual number, which roma_exec_config says, is enough. */
uint32_t roma_exec_rows(uint32_t rows, uint32_t running);
/* What m needs of sram_bytes where vector_bytes more are there for activations. */
uint64_t roma_exec_sram(const roma_exec_memory *m, uint64_t vector_bytes);

typedef struct roma_exec roma_exec;
/* image and plan must outlive the engine. roma_exec_bytes's refusals; EINPUT when the plan was made for another model
 * than the image's (its shapes and formats decide, not the weights); ENOMEM, with both figures and the fields that ask
 * for it, when the host lacks the memory. *e is then NULL. */
int roma_exec_create(roma_exec **e, const roma_image *image, const roma_plan *plan, const roma_exec_config *cfg,
                     roma_error *err);
void roma_exec_destroy(roma_exec *e); /* NULL: nothing. Batches over it are destroyed before */
const roma_exec_memory *roma_exec_memory_of(const roma_exec *e);
const char *roma_exec_isa(const roma_exec *e);
int roma_exec_threads(const roma_exec *e);
roma_team *roma_exec_team(roma_exec *e);

typedef struct {
    int32_t token;
    uint32_t sequence;
    uint32_t position; /* must be the sequence's length, counting earlier rows of this step */
    uint32_t adapters; /* adapter set; 0: the base alone */
    bool want_logits;
} roma_exec_row;

/* Runs one step. ECONTEXT when a sequence is full or too few pages are free; EINPUT for a bad token, position or
 * sequence: then nothing changed. */
int roma_exec_step(roma_exec *e, const roma_exec_row *rows, size_t n, roma_error *err);
/* Logits (vocab FP32) of the i-th row that wanted them in the last step, until the next step; NULL beyond them. */
const float *roma_exec_logits(const roma_exec *e, size_t i);

/* Appends tokens to a sequence in chunks, under one adapter set; logits of the last one are row 0 afterwards. cancel
 * (may be NULL) is asked between chunks: nonzero ends with ECANCEL, the finished chunks kept. */
int roma_exec_prefill(roma_exec *e, uint32_t sequence, uint32_t adapters, const int32_t *tokens, size_t n,
                      const volatile int *cancel, const roma_progress *progress, roma_error *err);
uint32_t roma_exec_length(const roma_exec *e, uint32_t sequence); /* 0 of one that does not exist */
/* Forgets positions from `length` on and gives their pages back: zero again, as if they had never been.
 * Nothing when it is not as long, or does not exist. */
void roma_exec_truncate(roma_exec *e, uint32_t sequence, uint32_t length);
/* Gives the empty sequence `to` the first `length` positions of `from`: whole pages are shared, read-only and counted,
 * the partly filled one is copied. A sequence never writes into a page that another holds. ECONTEXT when the copy lacks
 * a page. */
int roma_exec_fork(roma_exec *e, uint32_t to, uint32_t from, uint32_t length, roma_error *err);
uint32_t roma_exec_pages_free(const roma_exec *e);

/* ---- adapters ------------------------------------------------------------------------------------
 *
 * Adapters are loaded into memory that was taken at create, and rows name sets of them. A set may be defined anew
 * between any two steps: a row then sees what its set holds in that step; positions that are in the cache stay as they
 * were computed. */

/* Copies the adapter (one that roma_adapter_open gave), which may then be closed. flags: ROMA_ADAPTER_ANY_BASE. file:
 * its name in messages. EINPUT when it was made for another base or does not fit the base's matrices, its rank is above
 * adapter_rank, or too little of adapter_bytes is free. */
int roma_exec_adapter_load(roma_exec *e, const roma_adapter *a, unsigned flags, const char *file, uint32_t *id,
                           roma_error *err);
int roma_exec_adapter_unload(roma_exec *e, uint32_t id, roma_error *err); /* EUSAGE while a set holds it */
uint64_t roma_exec_adapter_free(const roma_exec *e);                      /* bytes of adapter_bytes */
/* Defines set 1..adapter_sets: n adapters, applied in this order, each with a factor on its scale (NULL: 1). n = 0: the
 * base alone. Writes a few words: nothing is copied or allocated. */
int roma_exec_adapter_set(roma_exec *e, uint32_t set, const uint32_t *ids, const float *factors, uint32_t n,
                          roma_error *err);

/* ---- a tap: what every operation gave ----------------------------------------------------------- */

typedef enum {
    ROMA_TAP_RESULT,  /* what the operation leaves in its value; a LINEAR's product alone, without bias and adapters */
    ROMA_TAP_ADAPTER, /* of a LINEAR: what one adapter adds, (v * scale_B) * t of docs/numerics.md 3.4 */
    ROMA_TAP_KEYS,    /* of a CACHE: codes of the keys of all KV heads, then a scale for each head */
    ROMA_TAP_VALUES   /* the same of the values */
} roma_tap_part;

/* One instance of an operation: the operation, and a block of neighbouring rows of the step that are of one sequence
 * and one adapter set. All that it points to lives until the callback returns. */
typedef struct {
    size_t op; /* index in the plan */
    roma_tap_part part;
    uint32_t adapter;          /* of ADAPTER: place in the rows' set, from 0 */
    const roma_exec_row *rows; /* rows[0..n) have consecutive positions */
    uint32_t n;
    uint32_t width; /* elements of a row */
    bool is_codes;
    /* The n rows one after the other, row_bytes each, all little-endian. FP32 elements: four bytes each, every NaN as
     * 7FC00000. Codes: `width` signed bytes, then a byte for each shift (none in a CACHE), then the FP32 scales. */
    const uint8_t *bytes;
    size_t row_bytes;
} roma_tap_record;
typedef void (*roma_tap_fn)(void *ctx, const roma_tap_record *record);

/* From the next step on fn gets every instance of every operation that runs, in the plan's order; of a LINEAR the
 * RESULT, then an ADAPTER for each adapter of the block's set that has the matrix. fn NULL: no more. The thread that
 * steps calls fn, inside the step: fn may not call into the engine. Results are the same bits with and without a tap;
 * a step with one waits after every operation and is slower. Without one a step pays one branch. ENOMEM: the copy of
 * the largest result, beside the engine's arenas, cannot be had; then the tap is as before. */
int roma_exec_tap(roma_exec *e, roma_tap_fn fn, void *ctx, roma_error *err);

/* ---- shares: what each thread does between two barriers --------------------------------------- */

typedef struct {
    uint64_t bytes;  /* of weights, scales and cache that the thread reads, once each */
    uint64_t mac;    /* multiply-adds of matrices and attention */
    uint64_t pieces; /* tiles, and query heads of blocks of rows or parts of pages: what is not cut further */
} roma_exec_work;
/* A step of `rows` rows, the last of `context` positions of one sequence, logits of the last one wanted, told interval
 * by interval: operations [first, first + n) of the plan and the work of each thread. The engine asks the same
 * functions. fn's nonzero ends the walk. */
int roma_exec_shares(const roma_plan *plan, int threads, uint32_t rows, uint32_t context,
                     int (*fn)(void *ctx, size_t first, size_t n, const roma_exec_work *work), void *ctx,
                     roma_error *err);

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
/* Chooses a token of 0..vocab-1 by docs/numerics.md 5.10. s: passed roma_sampling_check; vocab: 1 or more. recent: the
 * last tokens of the sequence (its last 64 count, ids beyond vocab do not). The draw is keyed by (seed, position): the
 * same request gives the same text alone or in a batch. scratch: roma_sample_bytes(vocab), aligned as malloc does.
 *  - A logit of +infinity: its tokens are the only candidates, all equally likely; greedy takes the lowest id.
 *  - A logit of -infinity: its token is never chosen.
 *  - EINPUT, and *token as before, when a logit is NaN or all are -infinity: there is nothing to choose from. */
size_t roma_sample_bytes(uint32_t vocab);
int roma_sample(const roma_sampling *s, const float *logits, uint32_t vocab, const int32_t *recent, size_t n_recent,
                uint64_t position, void *scratch, int32_t *token, roma_error *err);

/* ---- batches: many requests over one engine ------------------------------------------------------
 *
 * A step of a batch gives every request that generates one row, or more when proposals are to be verified, and fills up
 * with rows of prompts. Invariants:
 *  - What a request answers, ids and logits, does not depend on other requests, on sharing, or on proposals.
 *  - Nothing is allocated after create.
 *  - Requests are admitted in the order they came, and only when the pages for prompt + limit are free or can be made
 * free, so that no running request ever lacks a page. Running ones are never evicted.
 *  - Rows of requests that generate go before rows of prompts, and one row is always left for a prompt: every step
 * advances each request that generates by a token, and the oldest prompt by a row.
 *  - What is over stays as a prefix until pages or sequences run short; the least recently used goes first.
 *  - A request takes over the longest common beginning that a running or kept sequence with the same adapters holds
 * (fork): the same ones with the same factors, whatever set names them, from its first position on. If a
 * running request is still reading a prompt with which a waiting one shares more whole pages than any finished sequence
 * offers, the waiting one stays until those pages exist.
 *  - Proposals come from the request's own text (lookup). Each row is sampled from in order while the proposals hold,
 * with the history they make; the rest leave through truncate. How many are tried follows measured times and changes
 * nothing but the speed. The engine's sequences belong to the batch while it exists. */

typedef struct {
    uint32_t running;   /* requests at once, at most sequences, rows and logit_rows; 0: that many. More sequences keep
                           prefixes */
    uint32_t waiting;   /* further requests that submit takes, at most 2^20; 0: as many as run */
    uint32_t proposals; /* proposed tokens of a request's step at most; 0: none. Needs logit_rows for them to be used */
} roma_batch_config;

typedef struct {
    const int32_t *prompt; /* the caller's, not NULL, until the request is over */
    uint32_t n_prompt;     /* 1.. */
    uint32_t limit;        /* 1.., new tokens at most; the context may end it before */
    uint32_t adapters;     /* set */
    bool proposals;
    roma_sampling sampling;
    /* Gets each token with the logits it was drawn from. 0: it is part of the sequence; positive: the request ends
     * before it; negative: the request fails with that code. Must not call into the batch; not NULL. */
    int (*token)(void *ctx, int32_t token, const float *logits, roma_error *err);
    void *ctx;
} roma_request;

typedef enum {
    ROMA_REQUEST_NONE,
    ROMA_REQUEST_WAITING,
    ROMA_REQUEST_PROMPT,
    ROMA_REQUEST_GENERATES,
    ROMA_REQUEST_OVER
} roma_request_state;

typedef struct {
    roma_request_state state;
    int rc;                     /* of one that is over: 0, ECANCEL, or what went wrong */
    uint32_t shared;            /* prompt tokens that came from another sequence's pages */
    uint32_t fed, generated;    /* tokens in the cache; tokens that followed the prompt */
    uint32_t drafted, accepted; /* proposals tried, and those that held */
} roma_request_status;

typedef struct roma_batch roma_batch;
/* Size query, of a configuration that create takes. */
uint64_t roma_batch_bytes(const roma_exec *e, const roma_batch_config *c);
/* EUSAGE names the field that is out of range. One batch at a time over an engine. */
int roma_batch_create(roma_batch **b, roma_exec *e, const roma_batch_config *c, roma_error *err);
void roma_batch_destroy(roma_batch *b); /* leaves the engine's sequences empty */
/* ECONTEXT when prompt and limit can never fit the context or the pages; EUSAGE for a sampling that fails its check;
 * EINPUT for a bad token, a set that is not defined, or when no place is left to wait. */
int roma_batch_submit(roma_batch *b, const roma_request *r, uint32_t *id, roma_error *err);
/* Admits what fits and runs one step. ROMA_OK also when nothing is to be done. An error is the engine's, and the batch
 * is as before. */
int roma_batch_step(roma_batch *b, roma_error *err);
bool roma_batch_is_idle(const roma_batch *b); /* nothing waits or runs */
/* Of an id that submit did not give: NONE; the next two do nothing with it. err may be NULL. */
const roma_request_status *roma_batch_poll(const roma_batch *b, uint32_t id, const roma_error **err);
void roma_batch_cancel(roma_batch *b, uint32_t id); /* at once; what was computed stays as a prefix */
void roma_batch_finish(roma_batch *b, uint32_t id); /* frees the id of a request that is over */
void roma_batch_clear(roma_batch *b);               /* forgets the kept prefixes */

#ifdef __cplusplus
}
#endif
#endif
