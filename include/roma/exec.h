/* exec - runs a plan bit for bit as a chip would: sequences, paged cache, adapters, sampling, batches.
 *
 * A step takes rows of (token, sequence, position, adapter set); rows of one sequence come in ascending positions.
 * What a row gives does not depend on how tokens are cut into steps, on what else is in a step, on the number of
 * threads, or on the instruction set. The formulas are those of docs/numerics.md. An engine knows its plan and no
 * chip.
 *
 * Memory: an engine owns arenas whose sizes roma_exec_bytes tells before anything is taken; after roma_exec_create
 * nothing is allocated. Threads: one thread at a time calls into an engine and into its batch; the engine runs a team
 * of its own inside a call. Size queries, checks and roma_sample are re-entrant.
 *
 * Preconditions: pointers are not NULL, except err, and others where a comment says so; objects are those that their
 * create or open gave and that are not destroyed. Numbers need no care: one that is out of range is refused, or said
 * to do nothing. */
#ifndef ROMA_EXEC_H
#define ROMA_EXEC_H

#include "roma/adapter.h"
#include "roma/kern.h"
#include "roma/kern.h"
#include "roma/plan.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Rows of a step at most, and where nobody says otherwise; adapters of one set at most. */
#define ROMA_EXEC_ROWS_MAX 512
#define ROMA_EXEC_ROWS_USUAL 128
#define ROMA_EXEC_STACK_MAX 8

/* Sizes and limits of an engine. All zero is a configuration; a default gives way to what other members say. */
typedef struct {
    int threads; /* 1 to 64; 0: one for each CPU that the process may use */
    bool pin;    /* each thread is bound to one CPU: roma_team_pin */
    /* name of a kernel table: "scalar", "avx2", "avxvnni", "avx512", "neon"; "auto" or NULL: the best. Of variants the
     * engine chooses (roma_exec_choice), unless the name is one's: "avx512-l1" */
    const char *isa;
    const char *kv; /* name of a format of keys and values in the cache: roma_kv_names; NULL: "int8" */
    uint32_t
        context; /* positions a sequence may hold; 0: the model's own limit, at most 4096 and what sram_bytes allows */
    uint32_t sequences;  /* 1..65536; 0: 1 */
    uint32_t rows;       /* rows of a step, the prefill chunk, at most ROMA_EXEC_ROWS_MAX; 0: ROMA_EXEC_ROWS_USUAL, or
                            as many as vector_bytes hold activations of where these are fewer, but at least 16 and
                            logit_rows */
    uint32_t logit_rows; /* rows of a step whose logits may be wanted, at most rows; 0: as many as sequences, or rows
                            where these are fewer */
    uint64_t sram_bytes; /* limit of what a chip keeps in SRAM (docs/memory.md); 0: none */
    uint64_t adapter_bytes; /* of sram_bytes, kept for adapters; at most 2^62; 0: no room for any */
    uint32_t adapters;      /* adapters loaded at once, at most 65536; 0: none */
    uint32_t adapter_rank;  /* the largest rank of these, at most ROMA_ADAPTER_RANK_MAX; 0: ROMA_RANK_USUAL */
    uint32_t adapter_stack; /* adapters of one set, at most ROMA_EXEC_STACK_MAX; 0: 1 */
    uint32_t adapter_sets;  /* sets that can be defined, numbered from 1, at most 65536; 0: as many as adapters */
    uint64_t vector_bytes;  /* further SRAM, the chip's vector units', that holds activations alone; activations beyond
                               vector_bytes count against sram_bytes */
    /* page groups of the cache, shared by all sequences; 0: what all sequences need at full context */
    uint32_t pages;
    bool is_placed;      /* pages are placed on units, of which the fullest holds pages_held page groups and no more */
    uint64_t pages_held; /* only where is_placed */
} roma_exec_config;      /* all zero is a configuration; a default gives way to what other fields say */

/* Bytes that an engine takes, and its sizes as decided. */
typedef struct {
    uint64_t cache;       /* arena of the page groups */
    uint64_t adapters;    /* arena of the adapters, as configured */
    uint64_t activations; /* arena of the plan's values for the rows of a step, logits excepted */
    uint64_t work;        /* arena of the host's own: logits, scratch of threads, tables */
    uint64_t sram;        /* what counts against sram_bytes: cache, adapters, activations beyond vector_bytes */
    uint32_t context, rows, logit_rows; /* positions of a sequence, rows and rows with logits of a step, as decided */
    uint64_t page_group;                /* bytes that 32 more positions of a sequence take in all layers */
    uint32_t pages;                     /* page groups of the cache */
} roma_exec_memory;

/* Sizes of an engine of this plan and configuration, without making one. EUSAGE names the member that is out of range
 * or contradicts another; EINPUT when more SRAM is needed than the limit allows; EINTERNAL when the plan fails
 * roma_plan_check. */
int roma_exec_bytes(const roma_plan *plan, const roma_exec_config *cfg, roma_exec_memory *out, roma_error *err);
/* The most that sram_bytes allows, the other way round from roma_exec_bytes: cfg's context and pages are not looked
 * at, out->pages is the most page groups (0: none), out->context the largest context that all sequences can have at
 * once, at most the model's own, and out->work 0, because that depends on the context taken. Errors as
 * roma_exec_bytes. */
int roma_exec_fit(const roma_plan *plan, const roma_exec_config *cfg, roma_exec_memory *out, roma_error *err);
/* The smaller of two limits in bytes, of which 0 is no limit. */
uint64_t roma_exec_limit(uint64_t a, uint64_t b);
/* Rows to configure for a step in which `running` sequences may each have one: at least one for each of them, else
 * `rows`, and 0 (the default) where the default is enough. */
uint32_t roma_exec_rows(uint32_t rows, uint32_t running);
/* Bytes of sram_bytes that m needs where the vector units hold vector_bytes of the activations. */
uint64_t roma_exec_sram(const roma_exec_memory *m, uint64_t vector_bytes);

typedef struct roma_exec roma_exec;
/* Makes an engine. *e is the caller's, ended by roma_exec_destroy; NULL after a failure. image and plan are borrowed
 * and must outlive the engine. Errors of roma_exec_bytes; EUSAGE for an instruction set that this CPU or build lacks;
 * EINPUT when the plan was made for another model than the image's (shapes and formats decide, not the weights);
 * ENOMEM, with the figures and the members that ask for them, when the host lacks the memory; EIO for threads that the
 * system refuses. */
int roma_exec_create(roma_exec **e, const roma_image *image, const roma_plan *plan, const roma_exec_config *cfg,
                     roma_error *err);
/* Frees an engine; batches over the engine are destroyed before. NULL does nothing. */
void roma_exec_destroy(roma_exec *e);
/* Facts of an engine, which owns them: its sizes, the name of its kernel table, its cache's format, its threads, its
 * team. The team may be used between two calls into the engine. */
const roma_exec_memory *roma_exec_memory_of(const roma_exec *e);
const char *roma_exec_isa(const roma_exec *e);
const roma_kv_format *roma_exec_kv(const roma_exec *e);
int roma_exec_threads(const roma_exec *e);

/* Why an engine has its kernels. The bits do not depend on them. */
typedef enum {
    ROMA_CHOICE_ONLY,     /* the instruction set has no variants here */
    ROMA_CHOICE_ASKED,    /* cfg.isa names the variant */
    ROMA_CHOICE_KNOWN,    /* the CPU's model is known for sure: roma_kern_known */
    ROMA_CHOICE_SMALL,    /* what it begins with: a cache holds the weights, so that memory is not asked */
    ROMA_CHOICE_MEASURED, /* a trial on this engine's weights: what it began with, unless another clearly gains 3 % */
} roma_exec_why;
typedef struct {
    const roma_kern *kern; /* the table */
    roma_exec_why why;
    const char *cpu;              /* the model's name, where something is known of it; else NULL */
    double gb_s[ROMA_KERN_TRIED]; /* MEASURED: of each variant, the best of its passes */
    double seconds;               /* MEASURED: that the trial took, some 0.02 */
} roma_exec_choice;
/* Those of an engine, which owns them. */
const roma_exec_choice *roma_exec_choice_of(const roma_exec *e);
/* GB/s at which the table k, of any instruction set that runs here, multiplies one row with the engine's weights, the
 * head's excepted: the best of passes over 2 MiB or more each, for `seconds` or one pass. *at is where in the plan the
 * passes go on, 0 at first: neighbouring calls read other weights, so that none of them finds its own in a cache. 0 for
 * a plan without such weights. Between two steps; of the last step logits and final rows are gone. */
double roma_exec_try(roma_exec *e, const roma_kern *k, size_t *at, double seconds);
roma_team *roma_exec_team(roma_exec *e);
/* The most bytes that were in use of each arena since create, which roma_exec_memory_of bounds: page groups that
 * sequences held at once; adapters, up to the end of the last one; what was laid out at create. */
typedef struct {
    uint64_t cache, adapters, activations, work;
} roma_exec_used;
void roma_exec_most(const roma_exec *e, roma_exec_used *out);

/* One row of a step. */
typedef struct {
    int32_t token;     /* id, 0 to vocab - 1 */
    uint32_t sequence; /* 0 to sequences - 1 */
    uint32_t position; /* the sequence's length, earlier rows of this step counted */
    uint32_t adapters; /* number of a defined adapter set; 0: the base alone */
    bool want_logits;  /* roma_exec_logits shall have this row's */
} roma_exec_row;

/* Runs one step of n rows, 1 to the configured rows. The sequences grow by their rows. ECONTEXT when a sequence is
 * full or too few pages are free; EINPUT for a number of rows or of wanted logits, a token, sequence, position or set
 * that cannot be. After an error nothing changed. */
int roma_exec_step(roma_exec *e, const roma_exec_row *rows, size_t n, roma_error *err);
/* Logits, vocab FP32 values, of the i-th row that wanted some in the last step. The engine's, valid until the next
 * step; NULL beyond the last. */
const float *roma_exec_logits(const roma_exec *e, size_t i);
/* Row i of the last step after the model's final norm, of which the head's codes are made: roma_true_hidden FP32 values
 * into out, the caller's. Valid until the next step, for every row, also one that wanted no logits. */
void roma_exec_final(roma_exec *e, size_t i, float *out);

/* Appends n >= 1 tokens to a sequence in steps of at most the configured rows, all under one adapter set; the last
 * token's logits are roma_exec_logits(e, 0) afterwards. *cancel (cancel may be NULL) and progress (may be NULL) are
 * asked between steps: nonzero ends with ECANCEL, and what the finished steps appended stays. Errors as
 * roma_exec_step. */
int roma_exec_prefill(roma_exec *e, uint32_t sequence, uint32_t adapters, const int32_t *tokens, size_t n,
                      const volatile int *cancel, const roma_progress *progress, roma_error *err);
/* Positions that a sequence holds; 0 of one that does not exist. */
uint32_t roma_exec_length(const roma_exec *e, uint32_t sequence);
/* Forgets the positions of a sequence from `length` on. Page groups that no other sequence holds are free again and
 * zero, as if the positions had never been. Nothing happens when the sequence is not longer, or does not exist. */
void roma_exec_truncate(roma_exec *e, uint32_t sequence, uint32_t length);
/* Gives the empty sequence `to` the first `length` positions of `from`. Whole page groups are shared, read-only and
 * counted; a partly filled one is copied. A sequence never writes into a page group that another sequence holds.
 * EINPUT for sequences or a length that are not so; ECONTEXT when the copy lacks a page group. */
int roma_exec_fork(roma_exec *e, uint32_t to, uint32_t from, uint32_t length, roma_error *err);
/* Page groups that no sequence holds, and those that more than one holds. */
uint32_t roma_exec_pages_free(const roma_exec *e);
uint32_t roma_exec_pages_shared(const roma_exec *e);

/* ---- adapters ------------------------------------------------------------------------------------
 *
 * Adapters are loaded into memory that was taken at create, and rows name sets of them. A set may be defined anew
 * between any two steps: a row then sees what its set holds in that step; positions that are in the cache stay as they
 * were computed. */

/* Copies an open adapter into the engine's memory; `a` may then be closed. *id is the adapter's number in
 * roma_exec_adapter_set. flags: 0 or ROMA_ADAPTER_ANY_BASE. file: the adapter's name in messages. EINPUT when the
 * adapter was made for another base or does not fit the base's matrices, when its rank is above adapter_rank, when too
 * few of adapter_bytes are free, or when `adapters` are loaded. */
int roma_exec_adapter_load(roma_exec *e, const roma_adapter *a, unsigned flags, const char *file, uint32_t *id,
                           roma_error *err);
/* Gives an adapter's memory back, zeroed. EUSAGE while a set names the adapter, or when it is not loaded. */
int roma_exec_adapter_unload(roma_exec *e, uint32_t id, roma_error *err);
/* Bytes of adapter_bytes that no adapter takes. */
uint64_t roma_exec_adapter_free(const roma_exec *e);
/* Defines set 1 to adapter_sets: n adapters, applied in this order, each with a factor on its own scale (factors NULL:
 * 1; 0: switched off, as if it were not named). n = 0 is the base alone. Writes a few words: nothing is copied or
 * allocated. EUSAGE for another set number; EINPUT for more adapters than adapter_stack, one that is not loaded, a
 * factor beyond ROMA_ADAPTER_ALPHA_MAX, or a DoRA adapter that is not the first or has another factor than 1. */
int roma_exec_adapter_set(roma_exec *e, uint32_t set, const uint32_t *ids, const float *factors, uint32_t n,
                          roma_error *err);

/* ---- a tap: what every operation gave ----------------------------------------------------------- */

typedef enum {
    ROMA_TAP_RESULT,  /* what the operation leaves in its value; a LINEAR's product alone, without bias and adapters */
    ROMA_TAP_ADAPTER, /* of a LINEAR: what one adapter adds, (v * scale_B) * t of docs/numerics.md 3.4 */
    ROMA_TAP_KEYS,    /* of a CACHE: codes of the keys of all KV heads, then a scale for each head */
    ROMA_TAP_VALUES,  /* the same of the values */
    ROMA_TAP_DOWN     /* of a LINEAR: what one adapter makes of A x, the codes of h and t of docs/numerics.md 3.4 */
} roma_tap_part;

/* One instance of an operation: the operation on a block of neighbouring rows of the step, which are of one sequence
 * and one adapter set. The record and all that it points to are the engine's and live until the callback returns. */
typedef struct {
    size_t op; /* index in the plan */
    roma_tap_part part;
    uint32_t adapter;          /* of ADAPTER and DOWN: its place in the rows' set, from 0 */
    const roma_exec_row *rows; /* rows[0..n) have consecutive positions */
    uint32_t n;                /* rows of the block */
    uint32_t width;            /* elements of a row */
    bool is_codes;
    /* The n rows one after the other, row_bytes each, all little-endian. FP32 elements take four bytes, every NaN as
     * 7FC00000. Codes are `width` signed bytes, then a byte for each shift (none in a CACHE), then the FP32 scales; of
     * a DOWN `width` (the adapter's rank there) signed codes of two bytes, then t in FP32. */
    const uint8_t *bytes;
    size_t row_bytes;
} roma_tap_record;
typedef void (*roma_tap_fn)(void *ctx, const roma_tap_record *record);

/* Sets who gets the results of operations, from the next step on. fn gets every instance of every operation that runs,
 * in the plan's order; of a LINEAR the RESULT, then a DOWN and an ADAPTER for each adapter of the block's set that has
 * the matrix. fn NULL ends this. The thread that steps calls fn inside the step, and fn may not call into the engine.
 * Results are the same bits with a tap and without. A step with a tap waits after every operation and is slower; one
 * without pays one branch. ENOMEM when the copy of the largest result, beside the engine's arenas, cannot be had; the
 * tap is then as before. */
int roma_exec_tap(roma_exec *e, roma_tap_fn fn, void *ctx, roma_error *err);

/* ---- shares: what each thread does between two barriers --------------------------------------- */

/* Work of one thread between two barriers. */
typedef struct {
    uint64_t bytes;  /* of weights, scales and cache that the thread reads, each counted once */
    uint64_t mac;    /* multiply-adds of matrices and attention */
    uint64_t pieces; /* tiles, and query heads of blocks of rows or parts of pages: what is not cut further */
} roma_exec_work;
/* Tells how a step is shared among `threads` threads, by the functions that the engine itself asks: a step of `rows`
 * rows, the last of `context` positions of one sequence, with logits of the last row. fn gets each interval between
 * two barriers: operations [first, first + n) of the plan, and work[threads]. A nonzero result of fn ends the walk and
 * is returned. EUSAGE for numbers out of range; EINTERNAL for a plan that fails its check; ENOMEM. */
int roma_exec_shares(const roma_plan *plan, int threads, uint32_t rows, uint32_t context,
                     int (*fn)(void *ctx, size_t first, size_t n, const roma_exec_work *work), void *ctx,
                     roma_error *err);

/* ---- sampling ---------------------------------------------------------------------------------- */

/* Added to a token's logit, -100 to 100; ids beyond the vocabulary change nothing. */
typedef struct {
    int32_t id;
    float bias;
} roma_logit_bias;
#define ROMA_BIAS_MAX 1024

/* How tokens are drawn (docs/numerics.md 5.10). */
typedef struct {
    float temperature;    /* 0: greedy, ties to the lowest id; up to 100 */
    uint32_t top_k;       /* draw among so many of the likeliest; 0: off */
    float top_p;          /* share of the odds that is kept, 0 (the best alone) to 1; 1: off */
    float min_p;          /* least share of the best one's odds, 0 to 1 (as likely as the best); 0: off */
    float repeat_penalty; /* of the last 64 tokens, 0.1 to 10; 1: off */
    uint64_t seed;        /* of the draw */
    /* Taken off the logits of tokens that the answer holds: once, and once for each time; -2 to 2, 0: off. */
    float presence_penalty, frequency_penalty;
    const roma_logit_bias *bias; /* n_bias of them; the caller's, there as long as the sampling is used */
    size_t n_bias;
    /* The tokens that may be drawn: bit id % 64 of word id / 64, for all of the vocabulary; NULL: any. The caller's. */
    const uint64_t *mask;
} roma_sampling;
/* Greedy, everything else off. */
void roma_sampling_default(roma_sampling *s);
/* EUSAGE for a member out of its range, named. */
int roma_sampling_check(const roma_sampling *s, roma_error *err);
/* Bytes of scratch that roma_sample needs for a vocabulary. */
size_t roma_sample_bytes(uint32_t vocab);
/* Chooses a token of 0 to vocab - 1, vocab >= 1, by docs/numerics.md 5.10; *s passed roma_sampling_check. logits:
 * vocab FP32 values. recent: the sequence, of which the last 64 tokens count for the repeat penalty, the last
 * n_answer for presence and frequency, and ids beyond vocab for neither.
 * The draw is keyed by (seed, position): the same request gives the same text alone or in a batch. scratch: the
 * caller's, roma_sample_bytes(vocab), aligned as malloc does.
 *
 *  - A logit of +infinity: the tokens with one are the only candidates, all equally likely; greedy takes the lowest id.
 *  - A logit of -infinity: its token is never chosen.
 *  - With a mask the logits of all other tokens are -infinity, whatever they were, before anything else is done.
 *  - EINPUT, and *token as before, when a logit is NaN or all are -infinity: there is nothing to choose from. */
int roma_sample(const roma_sampling *s, const float *logits, uint32_t vocab, const int32_t *recent, size_t n_recent,
                size_t n_answer, uint64_t position, void *scratch, int32_t *token, roma_error *err);

/* ---- batches: many requests over one engine ------------------------------------------------------
 *
 * A step of a batch gives every request that generates one row, or more when proposals are to be verified, and fills up
 * with rows of prompts. Invariants:
 *  - What a request answers, ids and logits, does not depend on other requests, on sharing, or on proposals.
 *  - Nothing is allocated after create.
 *  - Requests are admitted in the order they came, and only when the pages for prompt + limit are free or can be made
 * free, so that no running request ever lacks a page. Running requests are never evicted.
 *  - Rows of requests that generate go before rows of prompts, and one row is always left for a prompt: every step
 * advances each request that generates by a token, and the oldest prompt by a row.
 *  - What is over stays as a prefix until pages or sequences run short; the least recently used goes first. A request
 *    whose prompt begins with all of a prefix goes on in the prefix's own sequence, so that a conversation has one.
 *  - A request takes over the longest common beginning that a running or kept sequence with the same adapters holds
 * (fork). The same adapters are those with the same factors in the same order, whatever set names them. If a
 * running request is still reading a prompt with which a waiting one shares more whole pages than any finished sequence
 * offers, the waiting one stays until those pages exist.
 *  - Proposals come from the request's own text (lookup). Each row is sampled from in order while the proposals hold,
 * with the history that they make; the rest leave through truncate. How many are tried follows measured times and
 * changes nothing but the speed.
 *  - The engine's sequences belong to the batch from its create to its destroy. */

/* Sizes of a batch; all zero is a configuration. */
typedef struct {
    uint32_t running;   /* requests at once, at most sequences, rows and logit_rows; 0: that many. More sequences keep
                           prefixes */
    uint32_t waiting;   /* further requests that roma_batch_submit takes, at most 2^20; 0: as many as run */
    uint32_t proposals; /* proposed tokens of a request's step at most; 0: none. Rows of proposals need logit_rows */
} roma_batch_config;

/* A request of a batch. */
typedef struct {
    const int32_t *prompt; /* n_prompt >= 1 ids; the caller's, and there until the request is over */
    uint32_t n_prompt;
    uint32_t limit;    /* new tokens at most, 1 or more; the context may end the request before */
    uint32_t adapters; /* number of a defined adapter set; 0: the base alone */
    bool proposals;    /* speculate for this request */
    roma_sampling sampling;
    /* Gets each token with the logits (vocab FP32 values) that it was drawn from, inside roma_batch_step. 0: the token
     * becomes part of the sequence; positive: the request ends before the token; negative: the request fails with that
     * code. Must not call into the batch; not NULL. */
    int (*token)(void *ctx, int32_t token, const float *logits, roma_error *err);
    void *ctx;
    /* Gets each token of the prompt, in their order, as roma_exec_final has it, inside roma_batch_step. NULL: nobody
     * wants them; else no beginning of the prompt is taken over from another sequence. */
    void (*row)(void *ctx, uint32_t position, const float *values);
    /* Asked before each token is drawn, inside roma_batch_step: *mask, NULL until then, becomes the tokens that may
     * follow those that `token` got so far, as roma_sampling has it, and is read until the draw. A nonzero result fails
     * the request with that code. Must not call into the batch. NULL: any token may follow. */
    int (*mask)(void *ctx, const uint64_t **mask, roma_error *err);
    /* Tokens at the prompt's end that are the answer's already, fewer than n_prompt: they count for penalties. */
    uint32_t n_answer;
} roma_request;

typedef enum {
    ROMA_REQUEST_NONE,
    ROMA_REQUEST_WAITING,
    ROMA_REQUEST_PROMPT,
    ROMA_REQUEST_GENERATES,
    ROMA_REQUEST_OVER
} roma_request_state;

/* What is known of a request. */
typedef struct {
    roma_request_state state;
    int rc;                     /* of one that is over: 0, ECANCEL, or the code of what went wrong */
    uint32_t shared;            /* prompt tokens whose cache came from another sequence's pages */
    uint32_t fed, generated;    /* tokens in the cache; tokens of the answer, n_answer of the request among them */
    uint32_t drafted, accepted; /* proposals tried, and those that held */
} roma_request_status;

typedef struct roma_batch roma_batch;
/* Bytes of the arena that roma_batch_create takes for a configuration which it accepts. */
uint64_t roma_batch_bytes(const roma_exec *e, const roma_batch_config *c);
/* Makes a batch over an engine, which must outlive the batch; one at a time, and the engine's sequences belong to the
 * batch while there is one. *b is the caller's, ended by roma_batch_destroy; NULL after a failure. EUSAGE names the
 * member that is out of range; ENOMEM. */
int roma_batch_create(roma_batch **b, roma_exec *e, const roma_batch_config *c, roma_error *err);
/* Frees a batch and leaves the engine's sequences empty; requests under way get no further call. NULL does nothing. */
void roma_batch_destroy(roma_batch *b);
/* Takes a request in, to wait until roma_batch_step admits it. *r is copied, its prompt is not. *id names the request
 * until roma_batch_finish. ECONTEXT when prompt and limit can never fit the context or the pages; EUSAGE for a
 * sampling that fails its check; EINPUT for an empty prompt, a bad token, a set that is not defined, or when no place
 * is left to wait. */
int roma_batch_submit(roma_batch *b, const roma_request *r, uint32_t *id, roma_error *err);
/* Admits what fits and runs one step. ROMA_OK also when nothing is to be done. An error is the engine's, and the batch
 * is as before. */
int roma_batch_step(roma_batch *b, roma_error *err);
bool roma_batch_is_idle(const roma_batch *b); /* no request waits or runs */
/* The state of a request, and in *err (err may be NULL) the error of one that failed; both are the batch's, valid
 * until roma_batch_finish. Of an id that roma_batch_submit did not give the state is NONE. */
const roma_request_status *roma_batch_poll(const roma_batch *b, uint32_t id, const roma_error **err);
/* Ends a request at once, with ECANCEL; what was computed stays as a prefix. An id of no request does nothing. */
void roma_batch_cancel(roma_batch *b, uint32_t id);
/* Rows of the last roma_batch_step; 0: there was nothing to do. */
uint32_t roma_batch_rows(const roma_batch *b);
/* Frees the id of a request that is over; any other id does nothing. */
void roma_batch_finish(roma_batch *b, uint32_t id);
/* Forgets the kept prefixes, and so frees their page groups. */
void roma_batch_clear(roma_batch *b);

/* ---- the cache of a sequence in a file (docs/cache-format.md) ------------------------------------
 *
 * A file belongs to the base identity of its image and to the adapters that it was computed under, with their factors
 * and order. Both functions allocate, unlike a step. */

/* What a file gave; roma_saved_free frees all of it. */
typedef struct {
    int32_t *ids; /* n_ids tokens, whose keys and values the batch has now */
    size_t n_ids;
    char *text; /* n_text bytes of whoever saved, and a 0 behind them; NULL: none */
    size_t n_text;
} roma_saved;
void roma_saved_free(roma_saved *s);
/* The most bytes of text that a file takes along. */
#define ROMA_SAVED_TEXT_MAX (1u << 24)

/* Writes the keys and values of the longest beginning of these ids that a sequence of the batch holds under the set,
 * which is defined or 0. *held (held may be NULL) is how many ids that are; the last drawn token's are never held.
 * text: n_text bytes that the file takes along, not looked at. The file appears whole or not at all (roma_outfile).
 * EINPUT when no sequence begins so, or holds what is no number; EUSAGE for too much text; EIO, ENOMEM. */
int roma_batch_save(const roma_batch *b, const char *path, const int32_t *ids, size_t n, uint32_t set, const void *text,
                    size_t n_text, uint32_t *held, roma_error *err);
/* Reads such a file: its tokens are a kept prefix from then on, as if a request under the set had computed them, and
 * *out, the caller's, tells them. Kept prefixes make room, the least recently used first; after a failure nothing else
 * has changed, and *out is empty. EINPUT for what is no such file, contradicts itself, or was saved for another image
 * or other adapters; EUNSUPPORTED for a later version; EDAMAGED for a CRC that does not hold; ECONTEXT when more tokens
 * are in it than a sequence or the cache takes; EBUSY when running requests hold the pages; EIO, ENOMEM. */
int roma_batch_load(roma_batch *b, const char *path, uint32_t set, roma_saved *out, roma_error *err);

#ifdef __cplusplus
}
#endif
#endif
