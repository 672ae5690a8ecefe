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
 * Memory: submit takes what its request needs at most, in one block, another one for a form
 * (roma_constrain_state_bytes), and the end of the request gives them back; a token allocates nothing. The first
 * request with a form takes roma_constrain_words_bytes for the vocabulary, until close, and so does the first that has
 * marks too. At most `running` + `waiting`
 * requests are under way, so memory is bounded by what they ask.
 */
#ifndef ROMA_ANSWER_H
#define ROMA_ANSWER_H

#include "roma/calls.h"
#include "roma/constrain.h"
#include "roma/exec.h"
#include "roma/json.h"
#include "roma/place.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- opening ------------------------------------------------------------------------------------ */

/* A configuration, the caller's; all zero but `image` is one. Its texts are needed during the call that gets it, and no
 * longer. */
typedef struct {
    /* What open looks at. */
    const char *image;         /* path of the image */
    const char *chip;          /* a chip file or built-in name; NULL: the chip "roma" */
    const char *chat_template; /* a name of ROMA_TEMPLATES, or a file of Jinja; NULL: the model's own */
    const char *date;          /* the day that chat templates take for today, "YYYY-MM-DD"; NULL: the clock's */
    bool no_verify;            /* the image's checksums are not looked at */
    uint32_t threads;          /* 1 to 64, for the checksums and for the engine; 0: all CPUs that the process may use */
    /* What start looks at. */
    bool pin;            /* each thread of the engine is bound to one CPU (roma_team_pin) */
    const char *isa;     /* name of a kernel table, as roma_exec_config has it; NULL: the best of this CPU */
    const char *kv;      /* name of the cache's format, as roma_exec_config has it; NULL: "int8" */
    uint32_t context;    /* tokens of a request, prompt and answer together; 0: as in roma_exec_config */
    uint32_t running;    /* requests that are computed at once; 0: no batch, and the caller steps roma_answer_engine */
    uint32_t waiting;    /* further requests that roma_answer_submit takes; 0: as many as run */
    uint32_t kept;       /* further sequences of the engine, which keep beginnings for requests to come */
    uint32_t rows;       /* rows of a step; 0: ROMA_EXEC_ROWS_USUAL; at least `running` */
    bool no_proposals;   /* no speculation: the batch proposes no tokens */
    uint32_t pages;      /* page groups of the cache; 0: full contexts for all sequences */
    uint64_t sram_bytes; /* limit of cache, adapters and activations together, bytes; 0: none */
    bool chip_is_limit;  /* the chip's SRAM is a limit too, and its vector units hold activations */
    /* room for so many adapters of that rank on all linears; both 0: for those that are open at start */
    uint32_t adapters, rank;
    uint32_t sets;  /* lists of adapters in use at once; 0: one for each request, at most 4096 */
    uint32_t stack; /* adapters that a list may hold at least; `adapters` of them, up to 8, in any case */
    uint32_t sequences, logit_rows; /* with running 0: sequences and rows with logits, as in roma_exec_config */
} roma_answer_config;

typedef struct roma_answer roma_answer;
/* Opens and checks image, chip and template, and lowers the plan. *a is the caller's, ended by roma_answer_close; NULL
 * after a failure. EUSAGE for an unknown template, EUNSUPPORTED for a file of one that is not supported; errors of
 * roma_image_open, roma_chip_open, roma_map_plan, roma_map_place and roma_tokenizer_create; EIO for a lock that the
 * system refuses. */
int roma_answer_open(roma_answer **a, const roma_answer_config *c, roma_error *err);
/* Ends a roma_answer: its own driver stops, requests under way are cancelled (their callbacks come on this thread),
 * everything is freed. NULL does nothing. Not from a callback. */
void roma_answer_close(roma_answer *a);

/* What is open: the room's, until roma_answer_close. The plan is the image's, the placement that of plan and chip, the
 * tokenizer NULL when the image holds none. Any thread may read these. */
const roma_image *roma_answer_image(const roma_answer *a);
const roma_plan *roma_answer_plan(const roma_answer *a);
const roma_placement *roma_answer_placement(const roma_answer *a);
const roma_tokenizer *roma_answer_tokenizer(const roma_answer *a);

/* Memory in bytes that roma_answer_start would take with this configuration, without the batch's. Takes nothing.
 * Errors of roma_exec_bytes. */
int roma_answer_size(const roma_answer *a, const roma_answer_config *c, roma_exec_memory *out, roma_error *err);
/* Sets context, kept and pages of *c for requests of at most `longest` tokens each, prompt and limit together. The
 * pages are those of c->running such requests, or fewer where c->sram_bytes or the chip allows no more: the batch then
 * lets fewer requests run at once. Errors of roma_exec_bytes and roma_exec_fit. */
int roma_answer_fit(const roma_answer *a, roma_answer_config *c, uint64_t longest, roma_error *err);
/* Makes the engine and, where c->running is not 0, its batch. EUSAGE when one is started already: roma_answer_stop
 * comes first. Errors of roma_exec_create and roma_batch_create; after a failure *a is as roma_answer_open left *a. */
int roma_answer_start(roma_answer *a, const roma_answer_config *c, roma_error *err);
/* Ends what roma_answer_start made, as roma_answer_close does; what roma_answer_open made, and the adapters by name,
 * stay. */
void roma_answer_stop(roma_answer *a);
/* The engine, which is the room's; NULL before start. While a driver is at work no other thread may use the engine. */
roma_exec *roma_answer_engine(const roma_answer *a);
/* Bytes of the engine's arenas, the batch and the tokenizer; 0 before start. */
uint64_t roma_answer_bytes(const roma_answer *a);

/* ---- prompts ------------------------------------------------------------------------------------ */

enum {
    ROMA_ANSWER_RAW = 1,    /* no template: the texts one after another */
    ROMA_ANSWER_SPECIAL = 2 /* with RAW: control tokens written in the texts count as such */
};
/* Whether the answer goes on in the prompt's own text: because flags ask for it, or because the model has no template.
 */
bool roma_answer_is_raw(const roma_answer *a, unsigned flags);
/* Token ids of a conversation of n messages, with the assistant's turn opened behind them. *ids is an array of *n_ids
 * ids from roma_alloc, which the caller frees with roma_free; NULL after a failure. EUNSUPPORTED when the image holds
 * no tokenizer; EUSAGE for a system message without a template; EINPUT for an empty prompt or an order of roles that
 * the template cannot express; ENOMEM. */
int roma_answer_prompt(const roma_answer *a, const roma_message *messages, size_t n, unsigned flags, int32_t **ids,
                       size_t *n_ids, roma_error *err);

/* Why the model's own chat template is not used, so that the model completes plain text: it has none, or one that is
 * not supported, then with line and column. NULL: it is used, or another was named. The room's, until
 * roma_answer_close. */
const char *roma_answer_template_note(const roma_answer *a);
/* Whether the chat template in use is interpreted and never names the variable: what it is given there is for nothing.
 */
bool roma_answer_template_ignores(const roma_answer *a, const char *variable, size_t len);

/* The form in which the chat template in use writes tool calls and reasoning; the room's, until roma_answer_close.
 * Where the template knows no tools, as templates by name, calls have the built-in form (`built_in`). The form NONE is
 * that of a model without a template, and of a template that shows tools and writes no calls that are understood. */
const roma_calls_form *roma_answer_calls(const roma_answer *a);

/* Counts the tokens of an answer that are reasoning, its marks among them, as they are drawn; the caller's memory. */
typedef struct {
    const roma_answer *a;
    roma_calls_parser parser;
    char held[ROMA_CALLS_HELD_MIN];
    uint32_t taken, n; /* tokens that were taken, and those of reasoning */
} roma_answer_thoughts;
/* thinks: the answer begins within reasoning (roma_calls_form_thinks). */
void roma_answer_thoughts_begin(roma_answer_thoughts *t, const roma_answer *a, bool thinks);
/* Takes the next token. t->n grows by 1 where the token is reasoning, by all tokens so far where its text completes the
 * mark that begins reasoning, else by 0. A token that ends reasoning counts as reasoning, whatever else its text holds.
 */
void roma_answer_thoughts_take(roma_answer_thoughts *t, int32_t token);

/* A text of len bytes, any bytes, 0 among them; it belongs to whoever made it. text NULL: there is none. */
typedef struct {
    const char *text;
    size_t len;
} roma_answer_text;
/* A list of n texts. */
typedef struct {
    const roma_answer_text *item;
    size_t n;
} roma_answer_texts;

/* A conversation with all that a chat template can be given: n messages, or JSON in their place; tools and documents as
 * JSON; arguments, each NAME=VALUE, where a value that is JSON is that and any other a text. Tools, calls and their
 * results are told in text (roma_calls_messages_plain) where roma_answer_calls is built in. */
typedef struct {
    const roma_message *messages;
    size_t n;
    roma_answer_text json, tools, documents;
    roma_answer_texts args;
    unsigned flags; /* ROMA_ANSWER_RAW, ROMA_ANSWER_SPECIAL */
} roma_answer_dialog;
/* As roma_answer_prompt. text (may be NULL) gets the rendered text of a template that is interpreted. Errors too of
 * roma_template_render; EUSAGE for what only such a template takes. */
int roma_answer_dialog_prompt(const roma_answer *a, const roma_answer_dialog *d, int32_t **ids, size_t *n_ids,
                              roma_buf *text, roma_error *err);

/* For a conversation that goes on: *ids, of a prompt as above, begin with `known` ids, those of the turn before and of
 * its answer, as far as both spell the same text and have a token's end there, whatever way the tokens cut the text.
 * What the cache holds of the answer is then not computed again. *ids is replaced; ENOMEM leaves *ids as they are. */
int roma_answer_carry(const roma_answer *a, const int32_t *known, size_t n_known, int32_t **ids, size_t *n_ids,
                      roma_error *err);

/* ---- adapters ----------------------------------------------------------------------------------- */

#define ROMA_ANSWER_NAME_MAX 4095

/* An adapter of a request: a name that was opened, and a factor on its scale. */
typedef struct {
    const char *name;
    float factor;
} roma_answer_adapter;
/* Splits "NAME" or "NAME:FACTOR" into a name, written to the caller's array, and a factor, 1 when there is none. What
 * stands behind the last colon is the factor when it reads as a number, else part of the name. EUSAGE for an empty or
 * too long name and for a factor beyond ROMA_ADAPTER_ALPHA_MAX. */
int roma_answer_adapter_parse(const char *text, char name[ROMA_ANSWER_NAME_MAX + 1], float *factor, roma_error *err);

/* Opens an adapter file, checks the adapter against the image and gives it a name; file NULL: the name is the path
 * too. A name that is open already keeps its adapter. flags: 0 or ROMA_ADAPTER_ANY_BASE. Errors of roma_adapter_open
 * and roma_adapter_check; ENOMEM.
 *
 * The engine gets a copy of the adapter when a request first needs one. Copies of adapters that no running request
 * uses make room, the least recently used going first. A request whose adapters find no room waits until running
 * requests end, and the requests behind this one wait too. */
int roma_answer_adapter_open(roma_answer *a, const char *name, const char *file, unsigned flags, roma_error *err);
/* Forgets a name and closes its adapter. EINPUT when no adapter has the name, EBUSY while a request under way has the
 * adapter. Waits for the end of the step that runs; not from a callback. */
int roma_answer_adapter_close(roma_answer *a, const char *name, roma_error *err);
/* The adapter of a name, which stays the room's and is valid until roma_answer_adapter_close; NULL: no adapter has the
 * name. */
const roma_adapter *roma_answer_adapter_find(roma_answer *a, const char *name);
/* Whether the engine has a copy of the adapter of a name at the moment. */
bool roma_answer_adapter_is_loaded(roma_answer *a, const char *name);
/* Gives the engine the adapters of a list of n now. *set (set may be NULL) is the list's number in rows of the engine,
 * 0 for an empty list. Another list may take the number once as many further lists as there are sets have been used.
 * EINPUT for a name that is not open, or adapters that do not fit the engine; EBUSY when requests with other lists
 * hold all sets. Waits for the end of the step that runs; not from a callback. */
int roma_answer_adapters_load(roma_answer *a, const roma_answer_adapter *list, size_t n, uint32_t *set,
                              roma_error *err);

/* ---- the cache in a file (docs/cache-format.md) --------------------------------------------------- */

/* roma_batch_save and roma_batch_load under a list of adapters by name, which the engine gets first: what `/save` and
 * `/load` of a conversation are. The text is the caller's to choose, such as the conversation's messages, or has len 0.
 * What load gave is the caller's, ended by roma_saved_free: the next prompt that begins with its ids is not computed
 * again as far as they go. Errors of these, of roma_answer_adapters_load, and EUSAGE where there is no batch. Both wait
 * for the end of the step that runs; not from a callback. */
int roma_answer_cache_save(roma_answer *a, const char *file, const int32_t *ids, size_t n,
                           const roma_answer_adapter *list, size_t n_list, roma_answer_text text, uint32_t *held,
                           roma_error *err);
int roma_answer_cache_load(roma_answer *a, const char *file, const roma_answer_adapter *list, size_t n_list,
                           roma_saved *out, roma_error *err);

/* ---- requests ----------------------------------------------------------------------------------- */

/* What is asked of an answer: how tokens are drawn, n texts that end the answer, and the number of new tokens. */
typedef struct {
    roma_sampling sampling;
    roma_answer_texts stops; /* the answer ends before the first of these that its text would contain */
    uint32_t limit;          /* new tokens at most, 1 or more */
    /* The answer keeps to this form, the caller's, there until the request is over; NULL: it is free. An answer that is
     * whole, and to which nothing can be added, ends with EOS at once, without an end-of-text token; one that its
     * limit, a stop text or the context ends may be the beginning of a text of the form only. */
    const roma_constrain *form;
} roma_answer_ask;
/* The usual wish: greedy, 512 tokens, no stop texts. */
void roma_answer_ask_default(roma_answer_ask *k);
/* Checks a wish: EUSAGE for an empty stop text, a limit of 0, a mask of tokens (which is the form's to say), and what
 * roma_sampling_check refuses. */
int roma_answer_ask_check(const roma_answer_ask *k, roma_error *err);

/* Why an answer came to its end; id, text */
#define ROMA_ANSWER_STOPS(X)                                                                                           \
    X(NONE, "none")       /* none: the request was cancelled or failed */                                              \
    X(EOS, "eos")         /* the model drew an end-of-text token, or the form is whole */                              \
    X(STOP, "stop")       /* a stop text came */                                                                       \
    X(LENGTH, "length")   /* the limit was reached */                                                                  \
    X(CONTEXT, "context") /* the context is full */
typedef enum {
#define X(id, text) ROMA_ANSWER_##id,
    ROMA_ANSWER_STOPS(X)
#undef X
} roma_answer_stop_kind;
/* The text of an end: "eos", "stop", ...; static. */
const char *roma_answer_stop_name(roma_answer_stop_kind k);

/* What became of a request. The record and all that it points to are the room's and live until the callback returns. */
typedef struct {
    int rc;                     /* 0, ECANCEL, or the code of what made the request fail */
    const roma_error *err;      /* of an rc that is not 0, else NULL */
    roma_answer_stop_kind stop; /* why the answer ended; NONE when rc is not 0 */
    const int32_t *ids;         /* the answer's tokens: without an end-of-text one, with those of a stop text */
    size_t n_ids, n_prompt;     /* tokens of the answer and of the prompt */
    size_t drawn;               /* tokens drawn, an end-of-text one among them */
    roma_request_status batch;  /* of the engine's batch: tokens shared, fed, drafted, accepted */
    double first_s, seconds;    /* seconds from submit to the first token (0: none came), and to the end */
} roma_answer_result;

/* A request: a prompt of n_prompt token ids, what is asked, a list of adapters by name, and callbacks. */
typedef struct {
    const int32_t *prompt;
    size_t n_prompt;
    bool marks; /* control tokens that are part of a mark of roma_answer_calls have their text, and a form has them */
    bool continues; /* the answer goes on in the prompt's text, so that its first blank is text: roma_answer_is_raw */
    const roma_answer_adapter *adapters; /* n_adapters adapters, whose changes add up in this order */
    size_t n_adapters;
    roma_answer_ask ask;
    /* Callbacks, on the driver's thread; each may be NULL. They may call submit and cancel. */
    void *ctx;
    /* The prompt is read: `done` of its n tokens are in the cache. After each step that left a part for the next step.
     */
    void (*prompt_read)(void *ctx, size_t done, size_t n);
    /* A token of the prompt after the model's final norm (roma_exec_final), in their order. NULL: the prompt may share
     * a beginning that is computed already. */
    void (*row)(void *ctx, uint32_t position, const float *values);
    /* A token was drawn, an end-of-text one too, from these logits: vocab FP32 values, the engine's. */
    void (*token)(void *ctx, int32_t token, const float *logits);
    /* Text that no stop text can take back, in whole UTF-8 characters; len >= 1 bytes, no 0 behind them. A nonzero
     * result cancels the request. What was held back as the beginning of a stop text comes at the end, also of a
     * cancelled or failed request. */
    int (*text)(void *ctx, const char *text, size_t len);
    /* The end: the last callback, once for every request that roma_answer_submit took. */
    void (*over)(void *ctx, const roma_answer_result *r);
} roma_answer_request;

/* Takes what the first request with a form would take, so that no request does: roma_constrain_words_bytes, until
 * close. EUNSUPPORTED when the image holds no tokenizer; ENOMEM. */
int roma_answer_warm(roma_answer *a, roma_error *err);
/* Hands a request to the driver and returns at once. Everything that r points to is copied, except ctx. *ticket
 * (ticket may be NULL) is written before the first callback; no two requests of a roma_answer have the same ticket,
 * and none has 0. EUSAGE before start; EBUSY when `running` + `waiting` requests are under way, or requests with other
 * lists of adapters hold all sets; ECONTEXT when the prompt does not fit the context; EINPUT for an empty prompt or a
 * name that is not open; EUNSUPPORTED for a form that can be read in too many ways; ENOMEM. What only the driver can
 * see comes with `over`. */
int roma_answer_submit(roma_answer *a, const roma_answer_request *r, uint64_t *ticket, roma_error *err);
/* Cancels a request: it ends with ECANCEL, at the latest after the step that runs. A ticket whose request is over does
 * nothing. */
void roma_answer_cancel(roma_answer *a, uint64_t ticket);
/* Holds a request, or lets it go on, from the next step on. One that is held generates nothing, and others have its
 * place in the engine; it can be cancelled. What it computed stays in the cache as long as there is room for it. When
 * it goes on, it waits behind those that came meanwhile, and its answer is as if it had never been held. For a reader
 * who is slower than the engine. A ticket whose request is over does nothing. */
void roma_answer_hold(roma_answer *a, uint64_t ticket, bool held);
/* Number of requests that roma_answer_submit took and whose `over` has not returned. */
uint32_t roma_answer_under_way(roma_answer *a);
/* Whether this thread is in a callback of a, where nothing may wait for another step. */
bool roma_answer_is_callback(roma_answer *a);

/* ---- probabilities of tokens ---------------------------------------------------------------------- */

#define ROMA_ANSWER_TOP_MAX 20
/* A token with the logarithm of its probability, before penalties and temperature. */
typedef struct {
    int32_t id;
    float logprob;
} roma_answer_prob;
/* Of one token of an answer: its own, then the n likeliest. */
typedef struct {
    roma_answer_prob own, top[ROMA_ANSWER_TOP_MAX];
    uint32_t n;
} roma_answer_probs;
/* Fills *p from `vocab` logits with the n likeliest, at most ROMA_ANSWER_TOP_MAX; token is the one that was drawn. */
void roma_answer_probs_of(roma_answer_probs *p, const float *logits, uint32_t vocab, int32_t token, uint32_t n);
/* Writes n of these as OpenAI's chat has them, an array of objects: token, id, logprob, bytes, top_logprobs. */
void roma_answer_probs_json(roma_json *j, const char *key, const roma_tokenizer *tok, const roma_answer_probs *list,
                            size_t n);

/* ---- driving ------------------------------------------------------------------------------------ */

/* One step of the engine for all requests under way; ROMA_OK also when there is none. An error of the engine itself
 * ends all requests that run, with this error, and is returned. EUSAGE while another thread is in a step, from a
 * callback, and before start. */
int roma_answer_step(roma_answer *a, roma_error *err);
/* Drives: steps, and sleeps while nothing is under way. Returns ROMA_OK after roma_answer_end, or the error of a step.
 * Requests that are under way then stay so. */
int roma_answer_run(roma_answer *a, roma_error *err);
/* Ends roma_answer_run after the step that runs. Any thread may call this, a callback too. */
void roma_answer_end(roma_answer *a);
/* Starts a thread of the room's own that drives until roma_answer_stop. The error of a step is in the `over` of every
 * request that it ended. EUSAGE when there is such a thread, or no batch; EIO when the system refuses the thread. */
int roma_answer_spawn(roma_answer *a, roma_error *err);

/* What the driver was at when it last came to the end of a step. */
typedef struct {
    uint64_t steps;                  /* since open */
    double since_s;                  /* seconds since that end */
    double busy_s;                   /* seconds in steps, since open */
    bool sleeps;                     /* the driver waits for something to do: since_s then says nothing */
    uint32_t running, waiting, held; /* requests in the engine; those that wait for pages; those that are held */
    uint32_t pages_free;             /* page groups of the cache that no sequence holds */
    uint32_t pages_shared;           /* those that several hold */
    roma_exec_used most;             /* of the engine's arenas, so far */
} roma_answer_pulse;
/* Waits for nothing: no lock is taken, so that the numbers may be of two neighbouring steps. */
void roma_answer_pulse_get(const roma_answer *a, roma_answer_pulse *out);

/* ---- requests as lines of JSON ------------------------------------------------------------------- */

/* A request as an object on a line of a file. Its own form: prompt or messages, and if wanted system, tools, documents,
 * template_args, raw, n, temp, top_k, top_p, min_p, repeat_penalty, presence_penalty, frequency_penalty, logit_bias,
 * logprobs, seed, stop, response_format, grammar, lora and id. Or the form of OpenAI's batches: custom_id, method, url,
 * and the request as body, in the names of that interface. An optional key whose value is null is as if it were not
 * there. The list owns the texts, each with a 0 behind it. */
typedef struct {
    roma_answer_ask ask;
    roma_answer_text prompt, system, id;         /* an id that is a number: its characters */
    roma_answer_texts adapters;                  /* "NAME:FACTOR", without a 0 in them */
    roma_answer_text messages, tools, documents; /* JSON, as it stands in the line */
    roma_answer_texts args;                      /* of the chat template, NAME=JSON; has_args: the line has some */
    bool has_args;
    uint64_t line; /* of the file, from 1 */
    bool raw, id_is_number;
    bool has_adapters; /* the line names its adapters; else adapters is the usual list */
    bool seeded;       /* ask.sampling.seed was given, here or in *usual; else it is the caller's to draw */
    /* The line's own form, which was compiled once to see whether it can be: kind and text; has_form: the line has one,
     * or wants none (is_free); else ask.form is the usual one. */
    bool has_form, is_free;
    roma_constrain_kind form_kind;
    roma_answer_text form;
    bool logprobs; /* wanted of each token, with the `top` likeliest, 0 to 20 */
    uint32_t top;
    bool is_batch;                /* in OpenAI's form: id is the custom_id */
    roma_answer_text model;       /* of that form, told back */
    roma_answer_text tool_choice; /* of that form: JSON, of which only the tools can say whether it is good */
    bool one_call;                /* of that form: parallel_tool_calls is false */
    int rc;            /* of a bad line: its error's code, of which nothing counts but line, id and is_batch */
    const char *error; /* and text, with file, line and column */
} roma_answer_line;
/* The requests of a file, n lines; what stands below n is the reader's own. */
typedef struct {
    roma_answer_line *line;
    size_t n;
    /* own */
    const roma_answer_text *usual_stops;
    char *texts;
    size_t used, cap;
} roma_answer_lines;
/* Reads all lines of `size` bytes of JSON. What a line does not say is as in *usual, whose texts must outlive *out.
 * Blank lines are skipped. A bad line is one with an rc, and with its id where that could be read; EINPUT, with
 * `file`, when there is no line at all; ENOMEM. roma_answer_lines_free frees *out, after a failure too. */
int roma_answer_lines_read(roma_answer_lines *out, const char *file, const void *data, size_t size,
                           const roma_answer_line *usual, roma_error *err);
void roma_answer_lines_free(roma_answer_lines *l);

/* ---- one request of OpenAI's form, as a server gets it -------------------------------------------- */

#define ROMA_ANSWER_PARAM_MAX 64
/* A body that is being read; the reader's, for the callback of roma_answer_keys alone. */
typedef struct roma_answer_reading roma_answer_reading;
enum { ROMA_ANSWER_NOT_MINE = 1, ROMA_ANSWER_NOBODYS };
/* The caller's own keys: `key` gets each KEY of the body first. It reads the value and returns 0, or an error of its
 * own; or it returns, with nothing read, ROMA_ANSWER_NOT_MINE: it is a key of OpenAI's body or unknown; or
 * ROMA_ANSWER_NOBODYS: it is unknown, whatever OpenAI's body has. */
typedef struct {
    int (*key)(void *ctx, roma_answer_reading *r, roma_error *err);
    void *ctx;
} roma_answer_keys;
/* The JSON reader, at the KEY; the body's. */
roma_json_reader *roma_answer_reading_json(roma_answer_reading *r);
/* Reads the value that follows as the value of the key `as` of OpenAI's body. */
int roma_answer_reading_value(roma_answer_reading *r, const char *as);
/* Keeps the TEXT or NUMBER that is the token now, with a 0 behind; each token may be kept once. The list's. */
roma_answer_text roma_answer_reading_keep(roma_answer_reading *r);
/* Makes a body's texts as small as what outlives its prompt: stop texts, adapters and model stay, every other text of
 * line[0] is gone. False: no memory, and nothing changed. */
bool roma_answer_body_shrink(roma_answer_lines *l);
/* Reads a body: out->line[0] is the request, of which prompt and messages may both be missing. What the body does not
 * say is as in *usual; a null says nothing, under a name that nobody knows too. Of two limits the smaller one holds.
 * param: the key where an error was, as ASCII; "" when the error is of no one key. EINPUT, EUSAGE for what a value must
 * not be, ENOMEM, and the errors of `more`. roma_answer_lines_free frees *out, after a failure too. */
int roma_answer_body_read(roma_answer_lines *out, const void *data, size_t size, const roma_answer_line *usual,
                          const roma_answer_keys *more, char param[ROMA_ANSWER_PARAM_MAX], roma_error *err);

#ifdef __cplusplus
}
#endif
#endif
