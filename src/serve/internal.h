/* Insides of serve. Three threads meet here: the network's (flow.c, routes.c, and whatever they call), the worker
 * (work.c), and the answer's driver, which writes slots (slot.c). */
#ifndef ROMA_SERVE_INTERNAL_H
#define ROMA_SERVE_INTERNAL_H

#include "roma/calls.h"
#include "roma/serve.h"
#include "serve/chip.h"
#include "serve/write.h"

#include <pthread.h>
#include <stdatomic.h>

typedef struct exchange exchange;

/* ---- slots: from the driver to the network ---- */

enum { RING_BYTES = 16384, RECORD_MOST = 4096 };
/* FORGET: the probabilities so far are those of a mark that begins reasoning. */
typedef enum { RECORD_TEXT, RECORD_PROBS, RECORD_ID, RECORD_FORGET } record_kind;

/* One answer under way: what it grew by and nobody read yet, in a ring that was taken at the start. */
typedef struct {
    roma_serve *s;
    /* The network's; what the driver reads is set before submit. */
    bool in_use, wants_probs, wants_ids, is_chat;
    bool content_only; /* probabilities of reasoning are not wanted */
    uint32_t top;
    exchange *x; /* NULL: nobody waits for it any more */
    size_t k;    /* which of its answers */
    uint64_t ticket;
    double *sum; /* of an embedding's rows, the driver's until it is over; NULL for others */
    uint64_t rows;
    _Atomic uint32_t drawn;        /* tokens, as the driver goes */
    roma_answer_thoughts thoughts; /* of a conversation's answer; the driver's */
    /* Under the lock. */
    pthread_mutex_t lock;
    uint8_t *ring;
    size_t head, used;
    bool is_held, is_over;
    int rc;
    roma_error err;
    roma_answer_stop_kind stop;
    uint32_t n_prompt, n_answer, n_reasoning, n_shared, n_fed;
    double first_s, seconds;
} slot;

/* ---- adapters ---- */

typedef enum { ADAPTER_FREE, ADAPTER_LOADING, ADAPTER_READY, ADAPTER_LEAVING } adapter_state;
/* The network's; the worker changes nothing here. */
typedef struct {
    char name[ROMA_SERVE_NAME_MAX + 1];
    adapter_state state;
    bool from_folder;
    uint32_t rank;
    uint64_t bytes;
    int64_t loaded; /* seconds since 1970 */
} adapter;

/* ---- exchanges ---- */

/* What takes an answer of a conversation apart. */
typedef struct {
    exchange *x;
    size_t k;
    roma_calls_parser parser;
} talker;

/* A request of HTTP and what becomes of it. The network's, but while the worker has it. */
struct exchange {
    roma_serve *s;
    roma_http_exchange *http; /* NULL: the client left, or everything was sent */
    asked_form form;
    bool is_asked; /* a is read */
    uint8_t *body; /* a copy, until the prompts are made */
    size_t body_len;
    asked a;
    told t;
    const told_form *writes;
    int32_t **ids; /* of each prompt */
    size_t *n_ids, n_prompts;
    char adapter[ROMA_SERVE_NAME_MAX + 1]; /* the model's; "": the base */
    size_t next, live;                     /* answers: the next one to submit, those under way */
    bool with_worker, is_answered;         /* handed to the front in full */
    bool is_begun, is_ended;               /* of a stream: its first bytes, its last event are written */
    roma_calls_tools tools;                /* of the request */
    roma_calls_choice choice;
    bool shows_tools, thinks; /* the template was given tools; the prompt ends within reasoning */
    talker *talkers;          /* of each answer, and what they hold; NULL: text is content */
    char *talker_held;
    roma_constrain *shape; /* the form of its answers; NULL: they are free */
    float *rows;           /* of embeddings */
    roma_buf out;          /* to be sent, from `sent` on */
    size_t sent;
    told_error error;
    int rc;
    void (*work)(exchange *x);  /* on the worker */
    void (*after)(exchange *x); /* then on the network's thread */
    size_t adapter_at;          /* of an adapter that is loaded or closed */
    exchange *next_work;        /* in the worker's lists */
    exchange *prev, *follow;    /* of all */
    double began;
};

struct roma_serve {
    roma_serve_config c;
    roma_answer *answer;
    roma_http *http;
    roma_heap *heap;
    roma_answer_ask usual;
    char name[ROMA_SERVE_NAME_MAX + 1], fingerprint[24], folder[4096];
    uint8_t (*keys)[32]; /* SHA-256 of each */
    size_t n_keys;
    uint32_t context, vocab, width;
    int64_t started;
    bool is_ending;

    roma_arena arena;
    slot *slots;
    uint32_t n_slots, running;
    size_t ring_bytes, step_most; /* bytes that one step may put into a ring */
    _Atomic bool is_told;         /* the front was woken and has not looked yet */

    adapter *adapters;
    exchange *all; /* list */
    uint32_t n_exchanges;

    pthread_t worker;
    pthread_mutex_t lock; /* of the two lists below */
    pthread_cond_t changed;
    bool has_lock, has_worker, worker_ends;
    exchange *work, **work_end, *done, **done_end;
    uint32_t n_work;

    roma_serve_record *record; /* what the chip would have done */

    struct {
        double at, rate;
        uint64_t tokens;
    } looked; /* when /v1/chip was asked for, for the rate since then */

    struct {
        uint64_t requests, failed, cancelled, prompt_tokens, shared_tokens, answer_tokens, embeddings, busy, held;
        double seconds;
    } count;
};

/* slot.c */
slot *roma_serve_slot_take(roma_serve *s, exchange *x, size_t k);
void roma_serve_slot_give(slot *l);
/* What the driver calls. */
void roma_serve_slot_token(void *ctx, int32_t token, const float *logits);
int roma_serve_slot_text(void *ctx, const char *text, size_t len);
void roma_serve_slot_row(void *ctx, uint32_t position, const float *values);
void roma_serve_slot_over(void *ctx, const roma_answer_result *r);
/* The next record of at most RECORD_MOST bytes; texts that stand together are one. False: there is none now. */
bool roma_serve_slot_next(slot *l, record_kind *kind, uint8_t data[RECORD_MOST], size_t *len);
/* Nothing is to be read any more, and the answer is over. */
bool roma_serve_slot_done(slot *l);
void roma_serve_tell(roma_serve *s); /* wakes the network's thread, once until it looks */

/* work.c */
int roma_serve_work_start(roma_serve *s, roma_error *err);
void roma_serve_work_stop(roma_serve *s);
void roma_serve_work(exchange *x, void (*work)(exchange *), void (*after)(exchange *));
void roma_serve_worked(roma_serve *s);     /* calls `after` of what the worker has done */
void roma_serve_make_prompts(exchange *x); /* a task: reads the body, makes prompts */

/* submit.c */
void roma_serve_ask(exchange *x, const roma_http_request *q); /* a body that asks for answers */
void roma_serve_submit_more(exchange *x);                     /* as many of its answers as there are places for now */

/* exchange.c */
exchange *roma_serve_exchange(roma_serve *s, roma_http_exchange *http); /* NULL: no memory; answered then */
void roma_serve_gone(exchange *x);                                      /* the front is done with it */
/* Slots whose client is gone, or whose request was answered otherwise, are given back when the driver is done. */
void roma_serve_sweep(roma_serve *s);
/* The end by x->error: the answer, or the last event of one that has begun. */
void roma_serve_give_up(exchange *x);
void roma_serve_begin(exchange *x);      /* a stream, once */
bool roma_serve_flush(exchange *x);      /* true: all that waited was sent */
void roma_serve_end_stream(exchange *x); /* whose last event is written: once all of it is sent */

/* tools.c; on the worker: reads tools and the choice among them; messages as the template takes them; what the rendered
 * prompt says. Errors with the name of the field in x->a.param. */
int roma_serve_read_tools(exchange *x, roma_error *err);
int roma_serve_tool_messages(exchange *x, roma_error *err);
int roma_serve_tool_prompt(exchange *x, const roma_buf *rendered, roma_error *err);
/* On the network's thread: what takes answers apart, false: no memory; more of an answer's text; its end, where its
 * finish is known. */
bool roma_serve_talkers(exchange *x);
void roma_serve_text(exchange *x, size_t k, const char *text, size_t len);
void roma_serve_text_end(exchange *x, size_t k);
void roma_serve_tools_free(exchange *x);

/* grow.c */
void roma_serve_grow(exchange *x, size_t k, const told_delta *d); /* more of an answer */
bool roma_serve_take(exchange *x, slot *l);                       /* one record of a slot; false: there is none now */
void roma_serve_give_back(slot *l);                               /* of an answer that is over, and read */

/* flow.c */
void roma_serve_pump(exchange *x); /* as far as there is something to send, and room */
void roma_serve_woken(roma_serve *s);
void roma_serve_end_all(roma_serve *s);

/* error.c: what a client is told of an error */
void roma_serve_error_of(told_error *e, int rc, const roma_error *err, const char *param);
void roma_serve_error(told_error *e, int status, const char *code, const char *param, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
/* Answers with it; x is answered then. */
void roma_serve_fail(exchange *x);
/* The same where there is no exchange. */
void roma_serve_refuse(roma_http_exchange *http, int status, const char *code, const char *text, bool ollama);

/* routes.c */
void roma_serve_request(void *ctx, roma_http_exchange *http, const roma_http_request *q);
/* A body of JSON, in one piece; takes *b over. */
void roma_serve_reply(exchange *x, int status, roma_buf *b);

/* models.c */
void roma_serve_models(exchange *x, const roma_http_request *q);
void roma_serve_model(exchange *x, const roma_http_request *q);
void roma_serve_tags(exchange *x, const roma_http_request *q);
void roma_serve_show(exchange *x, const roma_http_request *q);
void roma_serve_version(exchange *x, const roma_http_request *q);
/* The adapter of a name, or NULL with *base: it is the base's. */
adapter *roma_serve_find(roma_serve *s, const char *name, size_t len, bool *base);

/* adapters.c */
void roma_serve_adapters(exchange *x, const roma_http_request *q);
void roma_serve_adapter_load(exchange *x, const roma_http_request *q);
void roma_serve_adapter_unload(exchange *x, const roma_http_request *q);
int roma_serve_adapter_note(roma_serve *s, const char *name, bool from_folder, roma_error *err);

/* state.c */
void roma_serve_health(exchange *x, const roma_http_request *q);
void roma_serve_metrics(exchange *x, const roma_http_request *q);
void roma_serve_chip(exchange *x, const roma_http_request *q);
void roma_serve_chip_step(exchange *x, const roma_http_request *q);
void roma_serve_account(const slot *l); /* of an answer that is over, or was cancelled: its tokens, and the chip's */

#endif
