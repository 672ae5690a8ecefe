/* roma - the library's simple face: answers of a model, and what a chip would do with it.
 *
 * This header is the stable one: it includes nothing but libc's, names no type of another header, and what it declares
 * is kept from version to version (docs/library.md says how). The headers beside it are the rooms that it stands on;
 * they may change with every version.
 *
 * Errors: a call that can fail returns 0 or one of the ROMA_FAILED codes; roma_last_error() then says in one line what
 * is wrong and what to do.
 * Structures: the caller sets `size` to the structure's sizeof and every member that it does not want to 0, which is
 * the default. A library that knows more members takes them as 0; one that knows fewer refuses those that are not 0. A
 * structure without a size never changes.
 * Threads: every function may be called from any thread at any time, but roma_engine_close, which no other call on the
 * same engine may accompany. Callbacks come from a thread of the engine's own, one at a time; they may call submit and
 * cancel, and none of the functions that say that they wait.
 */
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
unsigned roma_version_number(void); /* of the library that runs, as ROMA_VERSION_NUMBER was when it was built */
const char *roma_version(void);     /* "0.1.0" */

/* ---- errors ------------------------------------------------------------------------------------- */

enum {
    ROMA_FAILED_INPUT = -1,       /* a file, a prompt or a number is not what it must be */
    ROMA_FAILED_USAGE = -2,       /* the call contradicts itself or what was called before */
    ROMA_FAILED_UNSUPPORTED = -3, /* a good file, of a kind that this library does not know */
    ROMA_FAILED_DAMAGED = -4,     /* a file whose checksums do not hold */
    ROMA_FAILED_MEMORY = -5,
    ROMA_FAILED_SYSTEM = -6,    /* the system refused: a file, a thread */
    ROMA_FAILED_CONTEXT = -7,   /* longer than the context */
    ROMA_FAILED_CANCELLED = -8, /* by roma_engine_cancel, by a callback's nonzero, or by closing */
    ROMA_FAILED_INTERNAL = -9,  /* a fault of this library */
    ROMA_FAILED_BUSY = -10      /* no room now; later there may be */
};
/* Of the last call of this thread that failed; the thread's, until its next one that fails. */
const char *roma_last_error(void);

/* ---- an engine: an image, open, that answers ------------------------------------------------------ */

typedef struct roma_engine roma_engine;

typedef struct {
    size_t size;
    uint32_t threads;          /* 1..64; 0: all CPUs */
    uint32_t context;          /* tokens of a request, prompt and answer; 0: the model's own, at most 4096 */
    uint32_t running;          /* requests that are computed together; each takes a context of memory; 0: 1 */
    uint32_t waiting;          /* further requests that submit takes; 0: 64 */
    uint32_t adapters;         /* adapters in the engine at a time; 0: 1 where there is a rank, else none */
    uint32_t rank;             /* their largest rank; 0: 16 */
    uint64_t sram_bytes;       /* limit of cache, adapters and activations; 0: any */
    const char *chip;          /* a chip file or a built-in chip, whose SRAM is a limit too; NULL: none */
    const char *chat_template; /* instead of the model's own: "chatml", "llama3", ..., "none" */
    const char *isa;           /* "scalar", "avx2", "avxvnni", "avx512", "neon"; NULL: the best here */
    int no_verify;             /* skip the image's checksums */
    int no_speculation;        /* answers are the same with it and without */
} roma_engine_config;

/* Opens an image (`roma build` makes one) and starts its engine. c: NULL for the defaults. *e is NULL after an error.
 */
int roma_engine_open(roma_engine **e, const char *image, const roma_engine_config *c);
/* Cancels what is under way, whose `over` comes before this returns. NULL: nothing. Not from a callback. */
void roma_engine_close(roma_engine *e);

const char *roma_engine_name(const roma_engine *e); /* of the model; the engine's */
uint32_t roma_engine_vocab(const roma_engine *e);   /* tokens */
uint32_t roma_engine_context(const roma_engine *e); /* tokens */

/* ---- adapters ----------------------------------------------------------------------------------- */

/* Opens an adapter file (`roma adapter build` makes one) under a name; nothing when the name is open. any_base: also
 * one that was made for other weights of the same shapes. The engine must have room: roma_engine_config.adapters,
 * .rank. */
int roma_engine_adapter_open(roma_engine *e, const char *name, const char *file, int any_base);
/* BUSY while a request under way has it. Waits for the step that runs. */
int roma_engine_adapter_close(roma_engine *e, const char *name);

/* An adapter of a request, by name. factor: on its scale; 1 takes it as it was made. */
typedef struct {
    const char *name;
    float factor;
} roma_engine_adapter;

/* ---- requests ----------------------------------------------------------------------------------- */

/* A part of a conversation. role: "system", "user" or "assistant". len 0: text ends with its 0. */
typedef struct {
    const char *role, *text;
    size_t len;
} roma_turn;

/* What became of a request; it and what it points to live until `over` returns. */
typedef struct {
    size_t size;
    int code;            /* 0, or why there is no more: ROMA_FAILED_... */
    const char *message; /* of a code that is not 0 */
    const char *stop;    /* "eos", "stop", "length" or "context"; "" when the code is not 0 */
    const int32_t *ids;  /* of the answer's tokens */
    size_t n_ids;
    size_t prompt_tokens; /* of them shared_tokens had been computed before */
    size_t shared_tokens;
    size_t drafted, accepted; /* tokens that speculation tried, and those that held */
    double first_s, seconds;  /* from submit to the first token, and to the end */
} roma_answered;

/* A request. The prompt is a conversation, which the chat template turns into tokens, or tokens. */
typedef struct {
    size_t size;
    const roma_turn *turns;
    size_t n_turns;
    int is_raw;         /* no template: the turns' texts one after another, and the answer goes on in them */
    const int32_t *ids; /* instead of turns; with is_raw the answer's first blank is text */
    size_t n_ids;
    uint32_t limit;           /* new tokens; 0: 512 */
    float temperature;        /* 0: always the likeliest token */
    uint32_t top_k;           /* draw among the likeliest so many; 0: all */
    float top_p;              /* draw among the likeliest that make up so much; 0 or 1: all */
    float min_p;              /* not below so much times the likeliest; 0: any */
    float repeat_penalty;     /* on the last 64 tokens; 0 or 1: none */
    uint64_t seed;            /* the same seed, prompt and settings give the same answer */
    const char *const *stops; /* the answer ends before the first of these texts; n_stops of them */
    size_t n_stops;
    const roma_engine_adapter *adapters; /* in this order; n_adapters of them, at most 8, add up */
    size_t n_adapters;
    void *ctx;
    /* Text that grows: whole characters, len of them in bytes, no 0 behind them. Nonzero cancels. May be NULL. */
    int (*text)(void *ctx, const char *text, size_t len);
    /* A token was drawn from these logits, vocab of them. May be NULL. */
    void (*token)(void *ctx, int32_t token, const float *logits);
    /* The last callback of a request, once for each that submit took. May be NULL. */
    void (*over)(void *ctx, const roma_answered *r);
} roma_query;

/* Answers one prompt of a user, and returns when the answer is over. how: settings, adapters and callbacks, or NULL;
 * its turns come before the prompt, its ids, text and ctx are not looked at: all callbacks get this ctx. Waits. */
int roma_engine_answer(roma_engine *e, const char *prompt, const roma_query *how,
                       int (*text)(void *ctx, const char *text, size_t len), void *ctx);
/* Hands a request over and returns at once; all that r points to is copied. *ticket, which may be NULL, is written
 * before the first callback. BUSY: running and waiting places are taken. */
int roma_engine_submit(roma_engine *e, const roma_query *r, uint64_t *ticket);
/* The request ends soon, with CANCELLED; nothing when it is over. */
void roma_engine_cancel(roma_engine *e, uint64_t ticket);

/* ---- tokens ------------------------------------------------------------------------------------- */

/* Token ids of a conversation as r's turns and is_raw say. Writes at most cap; *n is how many there are. */
int roma_engine_tokens(const roma_engine *e, const roma_query *r, int32_t *ids, size_t cap, size_t *n);
/* The bytes of one token; writes at most cap and returns how many there are. 0 for a control token. */
size_t roma_engine_token_text(const roma_engine *e, int32_t id, char *text, size_t cap);
/* Logits after these tokens, roma_engine_vocab of them. A beginning that was computed before, under the same adapters,
 * is not computed again, so that a call with one token more costs a step. Waits. */
int roma_engine_logits(roma_engine *e, const int32_t *ids, size_t n, const roma_engine_adapter *adapters,
                       size_t n_adapters, float *logits);

/* ---- the chip model ------------------------------------------------------------------------------- */

/* A model on a chip. */
typedef struct {
    const char *shape;               /* the name of a known model ("llama-3.2-3b"), or NULL */
    const char *image;               /* an image's path, or NULL: one of the two is given */
    uint32_t bits, group, head_bits; /* of a shape's codes; 0: the shape's own */
    const char *chip;                /* a chip file or built-in name; NULL: roma */
    const char *const *set;          /* n_set overrides "section.key=value" of the chip */
    size_t n_set;
    uint32_t dies; /* of a pipeline of layers; 0: 1 */
} roma_chip_design;

/* Figures of a design: the names are the keys of `roma sim --json`, docs/cost-model.md says how each is computed. */
typedef struct {
    size_t size;
    double decode_cyc;                          /* cycles of a decode step */
    double tok_s, ttft_s, prefill_tok_s;        /* rates of decode and prefill; time to the first token */
    double use_lunit, use_hunit, use_vector;    /* shares of the step that units are at work */
    double adapter_load_s, adapter_load_tokens; /* one adapter over the host link; decode steps in that time */
    double mj_per_token;                        /* energy of a token, and its parts */
    double mj_rom, mj_mac, mj_leaf, mj_clock, mj_sram, mj_hmac, mj_vector, mj_wire, mj_dram, mj_static;
    double mj_at_5, mj_at_20, mj_at_100; /* energy of a token at so many tokens/s */
    double prefill_mj;
    double power_w, static_w, tok_s_capped, w_mm2, junction_c;
    double area_mm2, area_lunits, area_storage, area_hunits, area_vector, area_other, area_sram, lunit_um2;
    double rom_bytes, rom_capacity, rom_words, fits_rom; /* fits_: 1 or 0 */
    double sram_bytes, lora_bytes, kv_bytes_per_token, tokens, tokens_held, tokens_paper, fits_sram;
    double yield, yield_repaired, gross_dies, usd, usd_unrepaired;
} roma_figures;

typedef struct {
    size_t size;
    roma_chip_design design;
    uint32_t prompt, context, batch; /* tokens of the prefill; tokens in the cache; sequences (0: 1) */
    uint32_t rank, adapters;         /* adapters of that rank in the step; both 0: none */
    double max_w;                    /* power cap, W; 0: none */
} roma_sim_spec;
/* low and high, which may be NULL: the same over the ranges of the chip's parameters. */
int roma_simulate(const roma_sim_spec *s, roma_figures *value, roma_figures *low, roma_figures *high);

typedef struct {
    size_t size;
    roma_chip_design design;
    uint32_t adapters, rank, sequences; /* adapters held at once, of that rank (0: 16); sequences (0: 1) */
    uint32_t rows;       /* of a step, whose activations count; 0: as `roma run` takes on that chip, at most 128 */
    uint64_t sram_bytes; /* 0: the chip's */
} roma_fit_spec;
/* The names are the keys of `roma fit --json`. */
typedef struct {
    size_t size;
    uint64_t tokens, tokens_paper; /* of each sequence: as the engine allows, and as the paper counts */
    uint64_t page_bytes, lora_bytes, activation_bytes, sram_bytes, vector_bytes;
    double kv_bytes_per_token, kv_bytes_per_token_paper, lora_bytes_paper;
    double rom_bytes, rom_capacity, rom_words;
    int fits_rom, fits_sram; /* the model; the adapters */
    int is_model_limit;      /* the model's context ends a sequence, not the SRAM */
} roma_fit_record;
int roma_fit_tokens(const roma_fit_spec *s, roma_fit_record *out);

/* A feasible chip of an exploration; it and what it points to live until the callback returns. */
typedef struct {
    size_t size;
    uint32_t point; /* its number: the same point whoever draws it */
    int pareto;     /* no other is at least as fast, small, frugal and cheap */
    const roma_figures *figures;
    const char *const *keys;  /* n_values of them: "section.key" of the chip file, "model.bits", ... */
    const double *values;     /* a choice's value is its index, */
    const char *const *words; /* and here its name; NULL where values are numbers */
    size_t n_values;
} roma_explored_point;
typedef struct {
    size_t size;
    roma_chip_design design; /* set: knobs "key=LO..HI", "key=A,B,C" or "key=V"; chip NULL: roma-contract */
    uint32_t points;         /* drawn; 0: 1000 */
    uint32_t threads;        /* 1..64; 0: all CPUs */
    uint64_t seed;
    int only_set; /* vary nothing but what set names */
    uint32_t prompt, context, batch, rank, adapters;
    uint32_t min_context; /* constraints; 0: none */
    double max_mm2, max_w, min_tok_s;
    void *ctx;
    int (*point)(void *ctx, const roma_explored_point *p); /* on the caller's thread, ascending; nonzero: CANCELLED */
} roma_explore_spec;
int roma_explore_points(const roma_explore_spec *s);

#ifdef __cplusplus
}
#endif
#endif
