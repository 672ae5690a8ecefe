/* Insides of answer: what open.c opens, adapters.c names, grow.c lets grow and drive.c runs. */
#ifndef ROMA_ANSWER_INTERNAL_H
#define ROMA_ANSWER_INTERNAL_H

#include "roma/answer.h"
#include "roma/template.h"

#include <pthread.h>

enum { ROMA_ANSWER_PIECE = 3 * (ROMA_TOKEN_BYTES_MAX + 4) }; /* of text that one token can give */

typedef struct {
    char *name;
    roma_adapter adapter;
    unsigned flags; /* of roma_adapter_check */
    bool is_loaded;
    uint32_t id;   /* in the engine, once it is loaded */
    uint64_t used; /* clock of the last use */
} named;

/* A list of adapters in use: set `place in a->mixes` + 1 of the engine, once it is defined there. */
typedef struct {
    uint32_t n;
    named *part[ROMA_EXEC_STACK_MAX];
    float factor[ROMA_EXEC_STACK_MAX];
    uint32_t under_way; /* requests that have it */
    uint32_t running;   /* of them those in the batch, for which it must stay as it is */
    bool is_defined;
    uint64_t used;
} mix;

/* A request under way: one block, its arrays behind it. */
typedef struct job job;
struct job {
    roma_answer *a;
    roma_answer_request r; /* its pointers lead into the block */
    uint64_t ticket;
    uint32_t place, id; /* in a->places; in the batch */
    mix *mix;           /* NULL: the base alone */
    bool is_cancelled;  /* by any thread, under the lock */
    bool is_held;       /* so too */
    bool is_parked;     /* out of the batch while it is held: in a->parked */
    bool is_refused;    /* by the text callback */
    bool is_in_batch;
    job *next; /* in the inbox, or among the parked */
    int32_t *ids;
    size_t n; /* ids, prompt and answer */
    uint32_t context;
    roma_detok detok;
    roma_constrain_state *form; /* NULL: the answer is free */
    char *held;                 /* text that may still become a stop text */
    size_t n_held, held_cap, longest_stop;
    roma_answer_stop_kind stop;
    size_t drawn;
    roma_request_status before; /* of what it did before it was parked */
    double began, first_s;
    int rc; /* of a failure outside the batch */
    roma_error err;
};

struct roma_answer {
    roma_image image;
    roma_plan plan;
    roma_placement place; /* on the chip that was named */
    bool has_image, has_plan;
    roma_tokenizer *tok;
    roma_template *chat_template; /* interpreted; NULL: the kind, by name */
    roma_template_kind template_kind;
    char template_note[512]; /* why the model's own is not used; "" when it is */
    roma_calls_form calls;
    int32_t *marks; /* control tokens that are part of that form's marks */
    size_t n_marks;
    roma_template_date date;
    bool has_date; /* given, not the clock's */

    /* Once started. */
    roma_exec *exec;
    roma_batch *batch;
    roma_batch_config batch_config;
    uint32_t adapters_max; /* loaded at once */
    roma_arena arena;
    char *piece; /* one token's text, the driver's */
    job **active;
    uint32_t n_active; /* in the batch, in the order they came */
    bool drafts;

    /* Under the lock. */
    pthread_mutex_t lock;
    pthread_cond_t changed; /* something to do, a step over, the end */
    bool has_lock;
    named **adapters;
    size_t n_adapters;
    mix *mixes;
    uint32_t n_mixes;
    uint64_t clock;
    job **places;
    uint32_t n_places, under_way;
    uint64_t serial;
    roma_constrain_words *words[2]; /* for forms, without and with marks; NULL until one is asked for */
    job *inbox, **inbox_end, *parked;
    uint32_t n_parked;
    bool is_stepping, ends, closes;
    pthread_t stepper;
    uint32_t guests;     /* who want the engine between two steps */
    uint64_t news, seen; /* counts what may give an idle driver something to do; as of the last step's beginning */
    bool is_idle;        /* the last step had nothing to do */
    bool has_thread;
    pthread_t thread;

    struct { /* of the driver, for anybody to read without the lock */
        _Atomic uint64_t steps, at_us, busy_us;
        _Atomic uint64_t cache, adapters, activations, work; /* roma_exec_used */
        _Atomic uint32_t running, waiting, held, pages_free, pages_shared;
        _Atomic bool sleeps;
    } pulse;
};

/* adapters.c; the caller holds the lock */
/* The mix of a list, of whose requests the caller counts one more; *m NULL for an empty list. */
int roma_answer_mix_find(roma_answer *a, const roma_answer_adapter *list, size_t n, mix **m, roma_error *err);
/* Makes the engine know it. The caller owns the engine too. *waits: running requests keep the room that it needs. */
int roma_answer_mix_define(roma_answer *a, mix *m, bool *waits, roma_error *err);
void roma_answer_adapters_forget(roma_answer *a); /* the engine is gone */
void roma_answer_adapters_free(roma_answer *a);
static inline uint32_t roma_answer_mix_set(const roma_answer *a, const mix *m) {
    return m ? (uint32_t)(m - a->mixes) + 1 : 0;
}

/* drive.c: from outside the driver, the engine between two steps, and the lock. EUSAGE from a callback. */
int roma_answer_guest_enter(roma_answer *a, roma_error *err);
void roma_answer_guest_leave(roma_answer *a);

/* prompt.c: the template that a configuration names, or the model's own. EUSAGE for a name that is no template's and no
 * file's, and for what is no date; errors of roma_template_create for a file. */
int roma_answer_choose_template(roma_answer *a, const roma_answer_config *c, roma_error *err);

/* prompt.c: the form of calls of the template that was chosen, and its tokens. ENOMEM. */
int roma_answer_find_calls(roma_answer *a, roma_error *err);
/* tools.c: whether a conversation has tools, calls or results that the template does not write; its messages as JSON,
 * with all of that told in them, appended to *out. Errors of roma_calls_tools_read and roma_calls_messages_plain. */
bool roma_answer_must_tell(const roma_answer *a, const roma_answer_dialog *d);
int roma_answer_tell(const roma_answer *a, const roma_answer_dialog *d, roma_buf *out, roma_error *err);

/* grow.c */
void roma_answer_grow_begin(job *j);
int roma_answer_grow_take(void *ctx, int32_t token, const float *logits, roma_error *err); /* a roma_request's token */
int roma_answer_grow_mask(void *ctx, const uint64_t **mask, roma_error *err);              /* its mask */
void roma_answer_grow_row(void *ctx, uint32_t position, const float *values);
void roma_answer_grow_let_go(job *j); /* what is held back, of one that came to no end */

#endif
