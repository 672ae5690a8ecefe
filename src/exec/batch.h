/* Insides of a batch, shared by batch.c, admit.c and verify.c. */
#ifndef ROMA_EXEC_BATCH_H
#define ROMA_EXEC_BATCH_H

#include "draft.h"

#define NO_LANE UINT32_MAX
enum { SAMPLERS_MAX = 4 }; /* threads that sample at once: each has scratch of 20 bytes a token of the vocabulary */

typedef struct {
    roma_request r;
    roma_request_status status;
    roma_error err;
    uint64_t order;             /* of submission */
    uint32_t lane, end;         /* end: tokens at most, prompt included */
    uint32_t first_row, n_rows; /* in the step that runs */
    size_t first_logit;
    bool is_sampled; /* from its first logits in the step that runs, ahead of its turn: rc, token */
    int sampled_rc;
    int32_t sampled;
} request;

/* A sequence of the engine: running (request set), kept as a prefix (length > 0), or empty. */
typedef struct {
    request *request;
    int32_t *ids; /* of a running one n, more than the engine holds by what is still to be fed */
    uint32_t n;
    lora_set adapters; /* under which all of it was computed; not defined: under more than one */
    uint64_t used;     /* clock of the last use, for eviction */
    draft draft;
} lane;

struct roma_batch {
    roma_exec *e;
    roma_batch_config cfg;
    roma_arena arena;
    lane *lanes;
    request *requests;                     /* running + waiting places */
    request **active;                      /* running ones in the order of admission */
    uint32_t n_places, n_active, n_decode; /* n_decode: generating ones in the step that runs */
    uint32_t n_rows;                       /* of the last step */
    uint64_t clock;
    roma_exec_row *rows;
    int32_t *proposal;
    uint32_t n_samplers;
    void *scratch[SAMPLERS_MAX]; /* sampling */
    float *final;                /* one row for a request's `row` */
    draft_cost cost;
};

/* admit.c */
void roma_batch_admit(roma_batch *b);
void roma_batch_mark(roma_batch *b); /* before a step: sequences whose set is no longer what it was */
void roma_batch_retire(roma_batch *b, request *q, int rc); /* a running request is over; its sequence is kept */
/* An empty sequence with pages for `length` positions, for which kept ones make room; NO_LANE when running requests
 * leave too few. */
uint32_t roma_batch_room(roma_batch *b, uint32_t length);
/* A sequence that roma_batch_room gave, filled, is a kept prefix now. */
void roma_batch_keep(roma_batch *b, uint32_t lane, const int32_t *ids, uint32_t n, const lora_set *set);
/* verify.c */
void roma_batch_sample(roma_batch *b); /* after a step: what several requests draw first, by several threads */
uint32_t roma_batch_gather(roma_batch *b, bool *only_decode);
void roma_batch_take(roma_batch *b, request *q); /* tokens out of the step's logits */

#endif
