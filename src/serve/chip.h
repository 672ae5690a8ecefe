/* What the chip would have done with what the server does: the record behind /v1/chip and the page.
 *
 * Every figure is the chip model's (roma/cost.h), for the placement of the model that is served; at a context and a
 * number of sequences they are those of `roma sim` with the same. Totals charge each prompt and each token as if its
 * request had the chip alone, so that they do not depend on what happened to run beside it.
 *
 * Cost: a charge looks up points of a curve, of which each is evaluated once, when it is first needed (0.05 ms; for a
 * prompt 1.2 ms per 1,024 tokens). Nothing is evaluated for a token. Memory: one block from roma_alloc at open, and the
 * schedule's, which grows to the longest step. Threads: a chip belongs to one thread at a time, the server's network
 * thread; none of these functions belongs into a callback of the engine. */
#ifndef ROMA_SERVE_CHIP_H
#define ROMA_SERVE_CHIP_H

#include "roma/cost.h"
#include "roma/json.h"

typedef struct roma_serve_record roma_serve_record;

/* Adapters of a request, as the chip model has them: `stacked` of them at once, of this rank; rank 0: the base alone.
 */
typedef struct {
    uint32_t rank, stacked;
} roma_serve_set;

/* Makes the record of a placement, which is borrowed, for requests of at most `context` tokens. *c is the caller's,
 * ended by roma_serve_record_close (NULL does nothing); NULL after a failure. Errors of roma_cost_step. Where
 * H-Units do not compute with the placement's format of the cache, figures are those with int8, and say so. */
int roma_serve_record_open(roma_serve_record **c, const roma_placement *p, uint32_t context, roma_error *err);
void roma_serve_record_close(roma_serve_record *c);

/* Charges tokens [from, to) of a prompt, of which those before `from` were in the cache. The last one's logits give the
 * first token of the answer. What no memory is found for is counted and not charged (totals.uncharged_tokens). */
void roma_serve_record_prompt(roma_serve_record *c, roma_serve_set set, uint32_t from, uint32_t to);
/* Charges the decode steps of one request whose caches held `from` to `to` - 1 tokens: one further token each. */
void roma_serve_record_tokens(roma_serve_record *c, roma_serve_set set, uint32_t from, uint32_t to);

/* An adapter by name. */
typedef struct {
    const char *name;
    uint32_t rank, running; /* requests that run with it */
    uint64_t bytes;
    bool is_loaded; /* the engine has a copy */
} roma_serve_adapter_now;

/* What the server is at, as its caller sees it at the moment. */
typedef struct {
    uint32_t running;   /* requests in the engine's batch; 0: none, and the figures are those of the last one alone */
    uint64_t cached;    /* tokens that these have in the cache, together */
    roma_serve_set set; /* the largest of these requests' sets */
    uint32_t pages, pages_free, pages_shared; /* page groups of the cache: all; free; held by several sequences */
    uint64_t page_bytes, activation_bytes;    /* of one page group; of a step's rows */
    const roma_serve_adapter_now *adapters;   /* n_adapters, borrowed */
    size_t n_adapters;
    double host_tok_s; /* tokens/s of this machine at the moment, of all requests; 0: nothing runs */
    double host_s;     /* seconds since start in which the engine computed */
} roma_serve_now;

/* Appends the record as one JSON object (docs/server-page.md). out->failed when memory ends. ENOMEM. */
int roma_serve_record_json(roma_serve_record *c, const roma_serve_now *now, roma_buf *out, roma_error *err);
/* Appends one token's step behind `context` cached tokens: every instance of the schedule with its cycles. EINPUT for a
 * context that is beyond the server's; ENOMEM. */
int roma_serve_record_step_json(roma_serve_record *c, uint32_t context, roma_serve_set set, roma_buf *out,
                                roma_error *err);

/* ---- between the files of this group ---- */

enum { ROMA_SERVE_POINTS = 64, ROMA_SERVE_SETS = 8 };

/* Chip time and energy. */
typedef struct {
    double s, j;
} roma_serve_charge;

/* What steps behind, and prompts of, i * step tokens take; n_known: so many points from 0 are known. */
typedef struct {
    roma_serve_set set;
    roma_serve_charge decode[ROMA_SERVE_POINTS + 1], prompt[ROMA_SERVE_POINTS + 1];
    bool has_decode[ROMA_SERVE_POINTS + 1], has_prompt[ROMA_SERVE_POINTS + 1];
} roma_serve_curve;

struct roma_serve_record {
    const roma_placement *place; /* with the engine's format of the cache, by which bytes are counted */
    roma_placement computed;     /* with one that H-Units compute with, by which time and energy are */
    uint32_t context, step;      /* tokens of a request at most; between two points of a curve */
    roma_schedule schedule;      /* scratch */
    roma_serve_curve curve[ROMA_SERVE_SETS];
    uint32_t n_curves;
    /* Totals since open. */
    roma_serve_charge total;
    uint64_t prompt_tokens, tokens, uncharged;
    uint32_t last; /* tokens that the last request that was charged had in the cache, and its set */
    roma_serve_set last_set;
    /* The figures that were asked for last. */
    roma_workload work;
    roma_cost cost;
    bool has_cost;
};

/* The figures of a workload, kept for the next call with the same. Errors of roma_cost_step. */
int roma_serve_record_at(roma_serve_record *c, uint32_t context, uint32_t batch, roma_serve_set set, uint32_t adapters,
                         roma_error *err);

#endif
