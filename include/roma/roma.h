/* roma - the library's simple face: answers of a model, and what a chip would do with a model.
 *
 * This header is the stable one. It includes libc's headers alone and names no type of another header; what it
 * declares is kept from version to version, as docs/library.md says. The other headers beside this one are the rooms
 * that it stands on; a room may change with every version.
 *
 * Errors: a function that can fail returns 0 or one of the ROMA_FAILED codes; roma_last_error() then says in one line
 * what is wrong and what to do. What a failed call would have written is unspecified, unless its comment says
 * otherwise.
 *
 * Structures: the caller sets `size` to the structure's sizeof, in results too, and every member that stays at its
 * default to 0. A library that knows more members than the caller takes these as 0; one that knows fewer refuses the
 * call if one of the others is not 0 (ROMA_FAILED_USAGE). A structure without a size never changes.
 *
 * Ownership: texts and arrays that a call gets are the caller's and needed during the call alone, unless a comment
 * says otherwise. What a function returns or hands to a callback is the library's.
 *
 * Threads: every function may be called from any thread at any time, except roma_engine_close, which no other call on
 * the same engine may accompany. Callbacks come from a thread that belongs to the engine, one at a time; those of
 * requests that roma_engine_close ends come from the thread that closes. A callback
 * may call roma_engine_submit and roma_engine_cancel, and no function whose comment says that the function waits.
 *
 * Fork: an engine and its streams stay with the process that opened the engine. In a forked child requests, adapters,
 * caches and reads are ROMA_FAILED_USAGE; roma_engine_close and roma_stream_close return at once and free nothing. */
#ifndef ROMA_ROMA_H
#define ROMA_ROMA_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- version ------------------------------------------------------------------------------------ */

#define ROMA_VERSION_MAJOR 0
#define ROMA_VERSION_MINOR 1
#define ROMA_VERSION_PATCH 0
#define ROMA_VERSION_NUMBER (ROMA_VERSION_MAJOR * 10000 + ROMA_VERSION_MINOR * 100 + ROMA_VERSION_PATCH)
/* Version of the library that runs: the ROMA_VERSION_NUMBER and the text ("0.1.0", static) that it was built with. */
unsigned roma_version_number(void);
const char *roma_version(void);

/* ---- errors ------------------------------------------------------------------------------------- */

/* Codes of failures: what every int function here returns beside 0. */
enum {
    ROMA_FAILED_INPUT = -1,       /* a file, a prompt or a number is not what it must be */
    ROMA_FAILED_USAGE = -2,       /* the call contradicts itself or what was called before */
    ROMA_FAILED_UNSUPPORTED = -3, /* a good file, of a kind that this library does not know */
    ROMA_FAILED_DAMAGED = -4,     /* a file whose checksums do not hold */
    ROMA_FAILED_MEMORY = -5,      /* the host lacks the memory */
    ROMA_FAILED_SYSTEM = -6,      /* the system refused: a file could not be read or written, a thread not be made */
    ROMA_FAILED_CONTEXT = -7,     /* prompt and answer are longer than the context, in tokens */
    ROMA_FAILED_CANCELLED = -8,   /* ended by roma_engine_cancel, by a callback's nonzero, or by roma_engine_close */
    ROMA_FAILED_INTERNAL = -9,    /* a fault of this library */
    ROMA_FAILED_BUSY = -10        /* no room now; the same call may succeed later */
};
/* The message of the last call of this thread that failed, one line, "" before any. It belongs to the thread and holds
 * until the thread's next failure. */
const char *roma_last_error(void);

/* ---- an engine: an image, open, that answers ------------------------------------------------------ */

typedef struct roma_engine roma_engine;

/* How an engine is opened: sizes and limits, all at their defaults when 0. */
typedef struct {
    size_t size;
    uint32_t threads;    /* threads that compute, 1 to 64; 0: one for each CPU that the process may use */
    uint32_t context;    /* tokens of a request, prompt and answer together; 0: the model's own limit, at most 4096 */
    uint32_t running;    /* requests that are computed together, each with room for a context; 0: 1 */
    uint32_t waiting;    /* further requests that roma_engine_submit takes; 0: 64 */
    uint32_t adapters;   /* adapters that the engine has room for at a time; 0: 1 where rank is given, else none */
    uint32_t rank;       /* the largest rank of an adapter; 0: 16 */
    uint64_t sram_bytes; /* limit of cache, adapters and activations together, bytes; 0: no limit */
    const char *chip;    /* a chip file or a built-in chip's name, whose SRAM is a limit too; NULL: none */
    /* a template instead of the model's own: "chatml", "llama3", ..., "none"; NULL: the model's */
    const char *chat_template;
    const char *isa;    /* instruction set: "scalar", "avx2", "avxvnni", "avx512", "neon"; NULL: the best of this CPU */
    int no_verify;      /* 1: the image's checksums are not looked at */
    int no_speculation; /* 1: tokens are not proposed; answers are the same, slower */
    const char *kv;     /* keys and values in the cache: "int8", "f16", "fp8", "int4"; NULL: "int8" */
} roma_engine_config;

/* Opens an image (`roma build` makes one) and starts its engine. c may be NULL for the defaults. *e is the caller's,
 * ended by roma_engine_close; NULL after a failure. A file that is no image or damaged, a size that contradicts
 * another, and too little memory or SRAM are refused. */
int roma_engine_open(roma_engine **e, const char *image, const roma_engine_config *c);
/* Ends an engine: requests under way are cancelled, their `over` callbacks come before this returns, everything is
 * freed. NULL does nothing. Not from a callback, and with no other call on the engine. */
void roma_engine_close(roma_engine *e);

/* Facts of the open model: its name (the engine's, until close), the number of tokens of its vocabulary, the width of
 * its hidden rows, the tokens of a request's context as decided, and whether it has a tokenizer. They cannot fail. */
const char *roma_engine_name(const roma_engine *e);
uint32_t roma_engine_vocab(const roma_engine *e);
uint32_t roma_engine_hidden(const roma_engine *e); /* width of a row of prompt_rows */
uint32_t roma_engine_context(const roma_engine *e);
int roma_engine_speaks(const roma_engine *e); /* 1: the image holds a tokenizer; 0: prompts and answers are ids alone */

/* ---- adapters ----------------------------------------------------------------------------------- */

/* Opens an adapter file (`roma adapter build` makes one) under a name, by which requests call the adapter. When the
 * name is open already, nothing happens. any_base 1 also takes an adapter that was made for other weights of the same
 * shapes. An adapter of another model, and one for which roma_engine_config.adapters or .rank leave no room, is
 * refused, the latter at the first request that needs it. */
int roma_engine_adapter_open(roma_engine *e, const char *name, const char *file, int any_base);
/* Forgets a name and its adapter. BUSY while a request under way uses the adapter; INPUT for a name that is not open.
 * Waits for the step that runs. */
int roma_engine_adapter_close(roma_engine *e, const char *name);

/* An adapter of a request: the name that it was opened under, and a factor on its own scale; 1 takes it as it was
 * made. */
typedef struct {
    const char *name;
    float factor;
} roma_engine_adapter;

/* ---- requests ----------------------------------------------------------------------------------- */

/* One message of a conversation. role is "system", "user" or "assistant"; text has len bytes of UTF-8, or with len 0
 * ends at its 0. */
typedef struct {
    const char *role, *text;
    size_t len;
} roma_turn;

/* What became of a request. The record and all that it points to are the library's and live until `over` returns. */
typedef struct {
    size_t size;
    int code;            /* 0, or the ROMA_FAILED code of what ended the request */
    const char *message; /* one line for a code that is not 0 */
    const char *stop;    /* why the answer ended: "eos", "stop", "length" or "context"; "" when the code is not 0 */
    const int32_t *ids;  /* tokens of the answer, n_ids of them */
    size_t n_ids;
    size_t prompt_tokens;     /* tokens of the prompt */
    size_t shared_tokens;     /* of these the ones whose cache another request had computed before */
    size_t drafted, accepted; /* tokens that speculation proposed, and those that held */
    double first_s, seconds;  /* seconds from submit to the first token (0: none came), and to the end */
} roma_answered;

/* A request: a prompt, what is asked of its answer, adapters and callbacks. The prompt is either a conversation
 * (turns, or messages as JSON), which the chat template turns into tokens, or tokens (ids). */
typedef struct {
    size_t size;
    const roma_turn *turns;
    size_t n_turns;
    int is_raw;         /* 1: no template; the turns' texts one after another, which the answer continues */
    const int32_t *ids; /* the prompt's tokens instead of turns; with is_raw the answer's first blank is text */
    size_t n_ids;
    uint32_t limit;       /* tokens of the answer at most; 0: 512 */
    float temperature;    /* 0: always the likeliest token; larger: flatter odds, up to 100 */
    uint32_t top_k;       /* draw among so many of the likeliest tokens; 0: all */
    float top_p;          /* draw among the likeliest tokens that have this share of the odds together; 0 or 1: all */
    float min_p;          /* draw among tokens with at least this share of the likeliest one's odds; 0: all */
    float repeat_penalty; /* divides the logits of the last 64 tokens, above 1 against repeating; 0 or 1: none */
    uint64_t seed;        /* of the draw: the same seed, prompt and settings give the same answer */
    const char *const *stops; /* n_stops texts; the answer ends before the first of them that it would contain */
    size_t n_stops;
    const roma_engine_adapter *adapters; /* n_adapters adapters, at most 8, whose changes add up in this order */
    size_t n_adapters;
    void *ctx; /* handed to the callbacks */
    /* Text as it grows: whole UTF-8 characters, len bytes, no 0 behind them. A nonzero result cancels the request. May
     * be NULL. */
    int (*text)(void *ctx, const char *text, size_t len);
    /* A token, and the logits (roma_engine_vocab of them, FP32) that it was drawn from. May be NULL. */
    void (*token)(void *ctx, int32_t token, const float *logits);
    /* The request's last callback, exactly once for each request that roma_engine_submit took. May be NULL. */
    void (*over)(void *ctx, const roma_answered *r);
    /* Instead of turns: an array of messages as JSON, whatever the model's chat template reads in them. tools and
     * documents: JSON for the template; template_args: n_template_args texts NAME=VALUE. Each may be NULL. */
    const char *messages, *tools, *documents;
    const char *const *template_args;
    size_t n_template_args;
    int has_special; /* with is_raw: control tokens that are written in the turns' texts count as such */
    /* Arrays of the caller that the request fills before `over` comes, and that must live until then; each may be
     * NULL. prompt_logits: roma_engine_vocab FP32 values, the logits after the prompt. prompt_rows, of a prompt in
     * ids alone: n_ids rows of roma_engine_hidden FP32 values, each token after the model's final norm; such a prompt
     * is computed from its beginning. */
    float *prompt_logits, *prompt_rows;
} roma_query;

/* Answers one prompt of a user and returns when the answer is over. `how` gives settings, adapters and callbacks, or
 * is NULL; its turns come before the prompt, its ids, text and ctx are not looked at. `text` and all callbacks of
 * `how` get this ctx. Returns what `over` says in its code. Waits. */
int roma_engine_answer(roma_engine *e, const char *prompt, const roma_query *how,
                       int (*text)(void *ctx, const char *text, size_t len), void *ctx);
/* Hands a request over and returns at once; all that r points to is copied, except ctx. *ticket (ticket may be NULL)
 * names the request for roma_engine_cancel and is written before the first callback. BUSY when `running` + `waiting`
 * requests are under way; INPUT and CONTEXT for a prompt that cannot be; after a failure no callback comes. */
int roma_engine_submit(roma_engine *e, const roma_query *r, uint64_t *ticket);
/* Ends a request soon, with CANCELLED in its `over`. A ticket whose request is over does nothing. */
void roma_engine_cancel(roma_engine *e, uint64_t ticket);

/* ---- answers that are read -------------------------------------------------------------------------
 *
 * For callers who would rather read an answer than be called back: a stream keeps the text until it is read, and the
 * engine never waits for the reader. A stream belongs to one thread at a time. */

typedef struct roma_stream roma_stream;
/* Hands a request over, as roma_engine_submit; r's callbacks may be there too, and get r's ctx. Without a tokenizer
 * there is no text, and the ids come with roma_stream_answered. *s is the caller's, ended by roma_stream_close; NULL
 * after a failure. */
int roma_stream_open(roma_stream **s, roma_engine *e, const roma_query *r);
/* Waits until there is text, the answer is over, or so many seconds have passed. Writes at most cap bytes, whole UTF-8
 * characters, cap >= 4, without a 0; *n is how many. *n 0 is no text in this time, or the end. Fails as the request
 * did, once all its text was read. Waits. */
int roma_stream_read(roma_stream *s, double seconds, char *text, size_t cap, size_t *n);
/* What became of the answer, the stream's until its close; NULL as long as the answer is not over or text is left. */
const roma_answered *roma_stream_answered(roma_stream *s);
/* Ends a stream and sets *s to NULL: an answer that is not over is cancelled, which may take until the end of a step. A
 * *s that is NULL does nothing. The engine may be closed before. Waits. */
void roma_stream_close(roma_stream **s);

/* ---- tokens ------------------------------------------------------------------------------------- */

/* Token ids of a prompt, as r's turns or messages and what stands beside them say. Writes at most cap ids, which is
 * the caller's array; *n is how many there are, also when that is more. */
int roma_engine_tokens(const roma_engine *e, const roma_query *r, int32_t *ids, size_t cap, size_t *n);
/* The bytes of one token. Writes at most cap bytes, without a 0, and returns how many the token has; 0 for a control
 * token. */
size_t roma_engine_token_text(const roma_engine *e, int32_t id, char *text, size_t cap);
/* The same, but a control token has its name, "<|im_end|>": the texts of a prompt's tokens are what the model reads. */
size_t roma_engine_token_name(const roma_engine *e, int32_t id, char *text, size_t cap);
/* Logits after these n >= 1 tokens: roma_engine_vocab FP32 values into the caller's array. A beginning that was
 * computed before under the same adapters is not computed again, so that a call with one token more costs one step.
 * Waits. */
int roma_engine_logits(roma_engine *e, const int32_t *ids, size_t n, const roma_engine_adapter *adapters,
                       size_t n_adapters, float *logits);
/* Rows of these n >= 1 tokens after the model's final norm: n x roma_engine_hidden FP32 values into the caller's array,
 * one row after another. Waits. */
int roma_engine_rows(roma_engine *e, const int32_t *ids, size_t n, const roma_engine_adapter *adapters,
                     size_t n_adapters, float *rows);

/* ---- the cache of a conversation in a file (docs/cache-format.md) ------------------------------------ */

/* What a file of a cache gave. The record and all that it points to are the library's and live until the callback
 * returns. */
typedef struct {
    size_t size;
    const int32_t *ids; /* n_ids tokens, whose cache the engine has now */
    size_t n_ids;
    const char *text; /* text_len bytes that the file took along, and a 0 behind them */
    size_t text_len;
} roma_cache;
/* Writes the cache of the longest beginning of these ids that the engine holds under these adapters: after an answer
 * under them, its prompt's and its own tokens but the last. The file belongs to the image and to the adapters,
 * their factors and order. text (may be NULL): text_len bytes, at most 16 MiB, that the file takes along for the
 * caller. *held (held may be NULL) is the number of ids that were saved. The file appears whole or not at all.
 * Refused: ids of which the engine holds nothing. Waits for the step that runs. */
int roma_engine_cache_save(roma_engine *e, const char *file, const int32_t *ids, size_t n,
                           const roma_engine_adapter *adapters, size_t n_adapters, const char *text, size_t text_len,
                           size_t *held);
/* Reads such a file, after which a prompt under these adapters that begins with its tokens is not computed again as
 * far as they go. loaded (may be NULL) is called once, on this thread, before the function returns 0. Refused: what is
 * no such file, or another image's or other adapters'; more tokens than the context. BUSY when requests under way need
 * the room. Waits for the step that runs. */
int roma_engine_cache_load(roma_engine *e, const char *file, const roma_engine_adapter *adapters, size_t n_adapters,
                           void *ctx, void (*loaded)(void *ctx, const roma_cache *c));

/* ---- images ------------------------------------------------------------------------------------- */

/* How an image is made of a model file, as `roma build` does; all but model and image may be 0. */
typedef struct {
    size_t size;
    const char *model;  /* a GGUF file, of one in parts the first, or a Hugging Face folder */
    const char *image;  /* the output, replaced when the new image is complete and not before */
    const char *quant;  /* how float matrices are rounded: "q8", "q4"; NULL: not at all, of a folder "q8"; beside a
                         * method:  embedding and head, NULL: "q8" */
    const char *pre;    /* pre-tokenizer of a file that names none; NULL: it must */
    const char *sha256; /* 64 hexadecimal digits that the model's first file must have; NULL: any */
    uint32_t threads;   /* 1 to 64; 0: one for each CPU that the process may use */
    int int8_levels;    /* 1: levels of NF4 and FP4 have 8 bits, not ten */
    int resume;         /* 1: what a killed run of the same build left is taken up */
    void *ctx;          /* handed to progress */
    /* What is being done and how much of `total` is, on the caller's thread; nonzero ends with CANCELLED. May be NULL.
     */
    int (*progress)(void *ctx, const char *what, uint64_t done, uint64_t total);
    const char *method;   /* how the layers' are: "rtn" or "nf4"; NULL: as quant says */
    uint32_t bits, group; /* of the method: 2, 3, 4 or 8; 32, 64 or 128. 0: 4, and 32 (rtn) or 64 (nf4) */
    int kl;               /* 1: how far the image's predictions are from the file's is measured: some minutes of a
                           * large model */
} roma_build_spec;
/* What was built; the members' names are the keys of `roma build --json`. Texts are the record's and end with it. */
typedef struct {
    size_t size;
    char sha256[65], base[65], source_sha256[65]; /* the image's; its base identity; the model's first file's */
    char arch[32], name[128];
    uint64_t params, bytes, source_bytes; /* parameters; bytes of the image and of the model's files */
    double bits_per_weight;
    const char *warnings; /* what was odd in the model, a line each; often "" */
    const char *report;   /* source, method, rounding errors, as the image keeps them */
    void *own;
    /* mean KL(file || image) in nats over 64 tokens of a built-in text, both sides in FP32: what the form of a 4-bit
     * checkpoint's matrices changes, which is measured unasked up to 2e9 weights; and with all roundings, where kl was
     * asked for. NAN: not measured */
    double kl_form, kl;
} roma_built;
/* Makes an image. out (may be NULL) is the caller's, ended by roma_built_free; its size is set before. Refused: what is
 * no model, holds values that are no numbers, or has float matrices and no quant. There is no new image after a
 * failure.
 */
int roma_build(const roma_build_spec *s, roma_built *out);
/* Frees the texts of a record that roma_build filled; one that is all 0 but its size, and NULL, do nothing. */
void roma_built_free(roma_built *b);

/* ---- the chip model ------------------------------------------------------------------------------- */

/* A model on a chip: what the functions below start from. Exactly one of shape and image is given. */
typedef struct {
    /* the name of a known model ("llama-3.2-3b"), a shape spelt out ("layers=28,hidden=3072,..."), or the path of a
     * Hugging Face config.json; or NULL */
    const char *shape;
    const char *image; /* the path of an image, or NULL */
    /* bits of a shape's codes, weights under one scale, bits of the head; 0: the shape's own */
    uint32_t bits, group, head_bits;
    const char *chip;       /* a chip file or a built-in chip's name; NULL: "roma" */
    const char *const *set; /* n_set texts "section.key=value" that override parameters of the chip */
    size_t n_set;
    uint32_t dies; /* dies that share the layers as a pipeline; 0: 1 */
} roma_chip_design;

/* Figures of a design, one number each; the unit is in the name or in docs/cost-model.md, which has every formula. The
 * members' names are the keys of `roma sim --json`. */
typedef struct {
    size_t size;
    double decode_cyc;                       /* cycles of a decode step of all sequences */
    double tok_s, ttft_s, prefill_tok_s;     /* tokens/s of decode, seconds to the first token, tokens/s of prefill */
    double use_lunit, use_hunit, use_vector; /* shares of a decode step, 0 to 1, that these units are at work */
    /* one adapter over the host link: seconds, and decode steps in that time */
    double adapter_load_s, adapter_load_tokens;
    double mj_per_token; /* energy of a token, mJ, and in the next line its parts */
    double mj_rom, mj_mac, mj_feed, mj_merge, mj_leaf, mj_clock, mj_sram, mj_hmac, mj_vector, mj_wire, mj_dram, mj_die;
    double mj_static;
    double mj_at_5, mj_at_20, mj_at_100; /* energy of a token, mJ, at 5, 20 and 100 tokens/s */
    double prefill_mj;                   /* energy of the prompt, mJ */
    /* W; tokens/s under the cap of power; W/mm2; degrees C */
    double power_w, static_w, tok_s_capped, w_mm2, junction_c;
    /* mm2, lunit_um2 in um2 */
    double area_mm2, area_lunits, area_storage, area_hunits, area_vector, area_other, area_sram, lunit_um2;
    /* bytes; words of the fullest L-Unit; fits_rom, fits_sram: 1 or 0 */
    double rom_bytes, rom_capacity, rom_words, fits_rom;
    double sram_bytes, lora_bytes, kv_bytes_per_token, tokens, tokens_held, tokens_paper, fits_sram;
    /* shares of good dies; dies of a wafer; US dollars of one chip */
    double yield, yield_repaired, gross_dies, usd, usd_unrepaired;
} roma_figures;

/* A question to roma_simulate: a design and its workload. */
typedef struct {
    size_t size;
    roma_chip_design design;
    /* tokens of the prefill; tokens in the cache at the decode step; sequences of that step (0: 1) */
    uint32_t prompt, context, batch;
    uint32_t rank, adapters; /* rank of the adapters, and how many different ones are in the step; both 0: none */
    double max_w;            /* cap of power, W; 0: none */
    const char *kv;          /* the cache's format: "int8" or "int4"; NULL: "int8". Chips compute with no other */
} roma_sim_spec;
/* Figures at the chip's own values. low and high (each may be NULL): the least and the largest that each figure takes
 * over the ranges of the chip's parameters. Refused: what is no design, as
 * roma_chip_design says, or a file that is none. */
int roma_simulate(const roma_sim_spec *s, roma_figures *value, roma_figures *low, roma_figures *high);

/* A question to roma_fit_tokens: how many tokens of cache fit beside adapters. */
typedef struct {
    size_t size;
    roma_chip_design design;
    /* adapters held at once; their rank (0: 16); sequences that share the cache (0: 1) */
    uint32_t adapters, rank, sequences;
    /* rows of a step, whose activations take SRAM; 0: as `roma run` takes on that chip, at most 128 */
    uint32_t rows;
    uint64_t sram_bytes; /* SRAM in bytes; 0: the chip's; without a chip given, this alone */
    const char *kv;      /* the cache's format: "int8", "f16", "fp8", "int4"; NULL: "int8" */
} roma_fit_spec;
/* The answer of roma_fit_tokens; the members' names are the keys of `roma fit --json`. */
typedef struct {
    size_t size;
    uint64_t tokens, tokens_paper; /* tokens of each sequence, as the engine allows and as the paper counts */
    /* bytes: of 32 tokens in all layers; of the adapters; of activations; of SRAM; of the vector units' SRAM */
    uint64_t page_bytes, lora_bytes, activation_bytes, sram_bytes, vector_bytes;
    /* bytes, the last two as the paper counts */
    double kv_bytes_per_token, kv_bytes_per_token_paper, lora_bytes_paper;
    double rom_bytes, rom_capacity, rom_words; /* bytes of the model and of ROM; words of the fullest L-Unit */
    int fits_rom, fits_sram;                   /* 1: the ROM holds the model; tokens are above 0 */
    int is_model_limit;                        /* 1: the model's own context ends a sequence, not the SRAM */
} roma_fit_record;
/* Counts tokens, adapters and sequences that fit. A model that does not fit is an answer (0), not a failure. */
int roma_fit_tokens(const roma_fit_spec *s, roma_fit_record *out);

/* A feasible chip of an exploration. The record and all that it points to are the library's and live until the
 * callback returns. */
typedef struct {
    size_t size;
    uint32_t point; /* number of the point: the same chip whoever draws it with this seed */
    int pareto;     /* 1: no other point is at least as fast, small, frugal and cheap, and better in one of these */
    const roma_figures *figures;
    const char *const *keys;  /* n_values names: "section.key" of the chip file, "model.bits", ... */
    const double *values;     /* their values; of a choice its index */
    const char *const *words; /* of a choice its name; NULL where the value is a number */
    size_t n_values;
} roma_explored_point;
/* A question to roma_explore_points: a design whose `set` gives knobs, a workload, and constraints. */
typedef struct {
    size_t size;
    roma_chip_design design; /* set: knobs "key=LO..HI", "key=A,B,C" or "key=V"; chip NULL: "roma-contract" */
    uint32_t points;         /* points that are drawn; 0: 1000 */
    uint32_t threads;        /* 1 to 64; 0: one for each CPU that the process may use */
    uint64_t seed;           /* another one draws other points */
    int only_set;            /* 1: vary nothing but what set names; 0: the knobs of docs/explore.md too */
    uint32_t prompt, context, batch, rank, adapters; /* the workload, as in roma_sim_spec */
    uint32_t min_context; /* constraints, 0 for none: tokens of each sequence; mm2, W, tokens/s */
    double max_mm2, max_w, min_tok_s;
    void *ctx; /* handed to point */
    /* a feasible point, ascending, on the caller's thread; nonzero ends with CANCELLED */
    int (*point)(void *ctx, const roma_explored_point *p);
    /* limits of one die, mm2, and of the junction, degrees C; 0: 858, what a scanner prints at once, and 105; below 0:
     * no limit */
    double max_die_mm2, max_junction_c;
    const char *kv; /* the cache's format, as in roma_sim_spec */
} roma_explore_spec;
/* Draws and judges the points, then calls s->point for each feasible one. Returns when all have been told. */
int roma_explore_points(const roma_explore_spec *s);

#ifdef __cplusplus
}
#endif
#endif
