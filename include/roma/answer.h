/* answer - a request as text: from an image file to an engine that answers many of them at once.
 *
 * A roma_answer owns an open image with its plan, tokenizer and chat template, the adapters that were opened by name,
 * and, once it is started, an engine and its batch. A request is a prompt in token ids, what is asked (sampling, stop
 * texts, a limit), adapters by name, and callbacks that get its text as it grows. What a request answers does not
 * depend on its neighbours, and one that fails or is cancelled ends alone.
 *
 * Threads: roma_answer_submit, _cancel, _end, _under_way, the functions on adapters and on prompts may be called from
 * any thread at any time between open and close, also from callbacks unless a comment says otherwise. One thread at a
 * time is the driver: the one inside roma_answer_step or _run, or the room's own after roma_answer_spawn. The driver
 * runs the engine and calls every callback; callbacks of one roma_answer never run at the same time. Open, size, fit,
 * start, stop and close belong to one thread, with no other call under way.
 *
 * Memory: submit takes what its request needs at most, in one block, and the end of the request gives it back; a token
 * allocates nothing. At most `running` + `waiting` requests are under way, so memory is bounded by what they ask.
 */
#ifndef ROMA_ANSWER_H
#define ROMA_ANSWER_H

#include "roma/exec.h"
#include "roma/place.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- opening ------------------------------------------------------------------------------------ */

/* All zero but `image` is a configuration. Its texts are needed only during the call that gets it. */
typedef struct {
    /* What open looks at. */
    const char *image;
    const char *chip;          /* a chip file or built-in name; NULL: the chip "roma" */
    const char *chat_template; /* a name of ROMA_TEMPLATES; NULL: the model's own */
    bool no_verify;            /* skip the image's checksums */
    uint32_t threads;          /* 1..64, of the checksums and of the engine; 0: all CPUs */
    /* What start looks at. */
    bool pin;            /* each thread to one CPU */
    const char *isa;     /* as roma_exec_config's */
    uint32_t context;    /* tokens of a request, prompt and answer; 0: as roma_exec_config's */
    uint32_t running;    /* requests at once; 0: no batch: the caller steps roma_answer_engine himself */
    uint32_t waiting;    /* further requests that submit takes; 0: as many as run */
    uint32_t kept;       /* further sequences, which keep beginnings for requests to come */
    uint32_t rows;       /* rows of a step; 0: ROMA_EXEC_ROWS_USUAL; at least `running` */
    bool no_proposals;   /* no speculation */
    uint32_t pages;      /* page groups of the cache; 0: full contexts for all sequences */
    uint64_t sram_bytes; /* limit of cache, adapters and activations; 0: any */
    bool chip_is_limit;  /* the chip's SRAM is a limit too, and its vector units hold activations */
    uint32_t adapters,
        rank;       /* room for so many adapters of that rank on all linears; both 0: for those that are open */
    uint32_t sets;  /* lists of adapters in use at once; 0: one for each request, at most 4096 */
    uint32_t stack; /* lists have room for so many adapters, and for as many as there is room for at all */
    uint32_t sequences, logit_rows; /* with running 0: as roma_exec_config's */
} roma_answer_config;

typedef struct roma_answer roma_answer;
/* Opens and checks image, chip and template. EUSAGE for an unknown template; else what the rooms below refuse. *a is
 * then NULL. */
int roma_answer_open(roma_answer **a, const roma_answer_config *c, roma_error *err);
/* Ends the room's own driver, cancels what is under way (its callbacks come on this thread), frees everything. NULL:
 * nothing. Not from a callback. */
void roma_answer_close(roma_answer *a);

/* What is open; the room's, until close. */
const roma_image *roma_answer_image(const roma_answer *a);
const roma_plan *roma_answer_plan(const roma_answer *a);
const roma_placement *roma_answer_placement(const roma_answer *a); /* of plan and chip */
const roma_tokenizer *roma_answer_tokenizer(const roma_answer *a); /* NULL: the image holds none */

/* The memory that start would take, without the batch's. */
int roma_answer_size(const roma_answer *a, const roma_answer_config *c, roma_exec_memory *out, roma_error *err);
/* Sets context, kept and pages of *c for requests of at most `longest` tokens each, prompt and limit together. The
 * pages are those of c->running such requests, or fewer where c->sram_bytes or the chip allows no more: the batch then
 * lets fewer requests run at once. */
int roma_answer_fit(const roma_answer *a, roma_answer_config *c, uint64_t longest, roma_error *err);
/* Makes the engine and, where c->running is not 0, its batch. A second start needs a stop before it. After a failure *a
 * is as open left it. */
int roma_answer_start(roma_answer *a, const roma_answer_config *c, roma_error *err);
void roma_answer_stop(roma_answer *a); /* as close, but for what open made */
/* NULL before start. While a driver is at work the engine is the driver's. */
roma_exec *roma_answer_engine(const roma_answer *a);
uint64_t roma_answer_bytes(const roma_answer *a); /* arenas, batch and tokenizer, once started */

/* ---- prompts ------------------------------------------------------------------------------------ */

enum {
    ROMA_ANSWER_RAW = 1,    /* no template: the texts one after another */
    ROMA_ANSWER_SPECIAL = 2 /* with RAW: control tokens written in the texts count as such */
};
/* Whether a prompt is continued as text, by wish (flags) or for want of a template. */
bool roma_answer_is_raw(const roma_answer *a, unsigned flags);
/* Ids of a conversation with the reply opened, in an array that the caller frees with roma_free. EUNSUPPORTED without a
 * tokenizer, EUSAGE for a system message without a template, EINPUT for an empty prompt or an order of roles that the
 * template cannot express. */
int roma_answer_prompt(const roma_answer *a, const roma_message *messages, size_t n, unsigned flags, int32_t **ids,
                       size_t *n_ids, roma_error *err);

/* ---- adapters ----------------------------------------------------------------------------------- */

#define ROMA_ANSWER_NAME_MAX 4095

/* An adapter of a request: a name that was opened, and a factor on its scale. */
typedef struct {
    const char *name;
    float factor;
} roma_answer_adapter;
/* Reads "NAME" or "NAME:FACTOR"; what stands behind the last colon is a factor when it is a number, else part of the
 * name. EUSAGE: neither. */
int roma_answer_adapter_parse(const char *text, char name[ROMA_ANSWER_NAME_MAX + 1], float *factor, roma_error *err);

/* Opens an adapter file, checks the adapter against the image and gives it a name; file NULL: the name is the path too.
 * A name that is open already keeps its adapter. flags: ROMA_ADAPTER_ANY_BASE. The engine gets a copy of the adapter
 * when a request first needs one; copies of adapters that no running request uses make room, the least recently used
 * going first. A request whose adapters find no room waits until running ones end, and those behind it wait too. */
int roma_answer_adapter_open(roma_answer *a, const char *name, const char *file, unsigned flags, roma_error *err);
/* Forgets a name and its adapter. EINPUT when no adapter has the name, EBUSY while a request under way has the adapter.
 * Waits for the end of the step that runs; not from a callback. */
int roma_answer_adapter_close(roma_answer *a, const char *name, roma_error *err);
/* The adapter of a name, the room's until roma_answer_adapter_close; NULL: no adapter has the name. */
const roma_adapter *roma_answer_adapter_find(roma_answer *a, const char *name);
/* Gives the engine the adapters of a list now. *set (set may be NULL) is the number of the list in rows of the engine,
 * 0 for an empty list; another list may take the number when as many lists as there are sets have come after. Errors
 * are the engine's; EINPUT for a name that is not open. Waits for the end of the step that runs; not from a callback.
 */
int roma_answer_adapters_load(roma_answer *a, const roma_answer_adapter *list, size_t n, uint32_t *set,
                              roma_error *err);

/* ---- requests ----------------------------------------------------------------------------------- */

/* Any bytes, 0 among them. text NULL: there is none. */
typedef struct {
    const char *text;
    size_t len;
} roma_answer_text;
typedef struct {
    const roma_answer_text *item;
    size_t n;
} roma_answer_texts;

/* What is asked of an answer. */
typedef struct {
    roma_sampling sampling;
    roma_answer_texts stops; /* the answer ends before the first of them */
    uint32_t limit;          /* new tokens, at least 1 */
} roma_answer_ask;
void roma_answer_ask_default(roma_answer_ask *k); /* greedy, 512 tokens, no stop texts */
int roma_answer_ask_check(const roma_answer_ask *k, roma_error *err);

/* Why an answer came to its end; id, text */
#define ROMA_ANSWER_STOPS(X)                                                                                           \
    X(NONE, "none")       /* it did not: it was cancelled or failed */                                                 \
    X(EOS, "eos")         /* the model ended it */                                                                     \
    X(STOP, "stop")       /* a stop text stood there */                                                                \
    X(LENGTH, "length")   /* the limit */                                                                              \
    X(CONTEXT, "context") /* the context is full */
typedef enum {
#define X(id, text) ROMA_ANSWER_##id,
    ROMA_ANSWER_STOPS(X)
#undef X
} roma_answer_stop_kind;
const char *roma_answer_stop_name(roma_answer_stop_kind k);

/* What became of a request; all that is pointed to lives until the callback returns. */
typedef struct {
    int rc;                     /* 0; ECANCEL; or why it failed */
    const roma_error *err;      /* of an rc that is not 0 */
    roma_answer_stop_kind stop; /* NONE unless rc is 0 */
    const int32_t *ids;         /* the answer's tokens: without an end-of-text one, with those of a stop text */
    size_t n_ids, n_prompt;     /* tokens */
    size_t drawn;               /* tokens drawn, an end-of-text one too */
    roma_request_status batch;  /* of the engine's batch: tokens shared, fed, drafted, accepted */
    double first_s, seconds;    /* from submit to the first token (0: none came), and to the end */
} roma_answer_result;

typedef struct {
    const int32_t *prompt;
    size_t n_prompt;
    bool continues; /* the answer goes on in the prompt's text, so that its first blank is text: roma_answer_is_raw */
    const roma_answer_adapter *adapters; /* in this order; they add up */
    size_t n_adapters;
    roma_answer_ask ask;
    /* Callbacks, on the driver's thread; each may be NULL. They may call submit and cancel. */
    void *ctx;
    /* After each step that left a part of the prompt for the next: `done` of the prompt's n tokens are in the cache. */
    void (*prompt_read)(void *ctx, size_t done, size_t n);
    /* After each draw, also of an end-of-text token: the token and the logits (vocab of them) that it was drawn from.
     */
    void (*token)(void *ctx, int32_t token, const float *logits);
    /* Text that no stop text can take back, in whole characters; len is not 0. Nonzero cancels the request. What was
     * held back as the beginning of a stop text comes at the end, also at that of a cancelled or failed request. */
    int (*text)(void *ctx, const char *text, size_t len);
    /* Once for every request that submit took, as its last callback. */
    void (*over)(void *ctx, const roma_answer_result *r);
} roma_answer_request;

/* Hands a request to the driver and returns at once. Everything that r points to is copied, but for ctx. *ticket
 * (ticket may be NULL) is written before the first callback; no two requests of a roma_answer have the same, and none
 * has 0. EBUSY when `running` + `waiting` requests are under way, or as many lists of adapters as there are sets;
 * ECONTEXT when the prompt does not fit the context; EINPUT for a name that is not open; EUSAGE before start. An error
 * that only the driver can see comes with `over`. */
int roma_answer_submit(roma_answer *a, const roma_answer_request *r, uint64_t *ticket, roma_error *err);
/* The request ends with ECANCEL, at the latest after the step that runs. Nothing when it is over. */
void roma_answer_cancel(roma_answer *a, uint64_t ticket);
/* Requests that submit took and whose `over` has not returned. */
uint32_t roma_answer_under_way(roma_answer *a);
/* Whether this thread is in a callback of a, where nothing may wait for another step. */
bool roma_answer_is_callback(roma_answer *a);

/* ---- driving ------------------------------------------------------------------------------------ */

/* One step of the engine for all requests under way; ROMA_OK also when there is none. An error of the engine itself
 * ends all requests that run, with this error, and is returned. EUSAGE while another thread is in a step, and from a
 * callback. */
int roma_answer_step(roma_answer *a, roma_error *err);
/* Steps, and sleeps while nothing is under way, until roma_answer_end: that may be called from any thread and ends the
 * run after the step that runs; what is under way stays so. */
int roma_answer_run(roma_answer *a, roma_error *err);
void roma_answer_end(roma_answer *a);
/* The same on a thread of the room's own, from start to stop: the last step's error, if any, is in every `over`. */
int roma_answer_spawn(roma_answer *a, roma_error *err);

/* ---- requests as lines of JSON ------------------------------------------------------------------- */

/* A request as an object on a line: prompt, and if wanted system, raw, n, temp, top_k, top_p, min_p, repeat_penalty,
 * seed, stop, lora and id. Texts have one 0 more behind them. */
typedef struct {
    roma_answer_ask ask;
    roma_answer_text prompt, system, id; /* a number as id is its characters */
    roma_answer_texts adapters;          /* "NAME:FACTOR", without a 0 in them */
    uint64_t line;                       /* of the file, from 1 */
    bool raw, id_is_number;
    bool has_adapters; /* the line says which; else adapters is the usual list */
} roma_answer_line;
typedef struct {
    roma_answer_line *line;
    size_t n;
    /* own */
    const roma_answer_text *usual_stops;
    char *texts;
    size_t used, cap;
} roma_answer_lines;
/* Reads all lines of `size` bytes. What a line does not say is as in usual, whose texts must outlive out. Blank lines
 * are skipped; any bad line refuses the whole, and the error names `file`, line and column. out is to be freed after a
 * failure too. */
int roma_answer_lines_read(roma_answer_lines *out, const char *file, const void *data, size_t size,
                           const roma_answer_line *usual, roma_error *err);
void roma_answer_lines_free(roma_answer_lines *l);

#ifdef __cplusplus
}
#endif
#endif
