/* Insides of the engine, shared by the files of src/exec. */
#ifndef ROMA_EXEC_INTERNAL_H
#define ROMA_EXEC_INTERNAL_H

#include "roma/exec.h"

#define NO_BLOCK UINT32_MAX

/* A value's storage: FP32 rows of `stride` elements, or quantised rows. Values that a single-row step replicates per
 * thread (see share.c) have a row for every thread: those beyond the rows of a step are the host's own. */
typedef struct {
    float *f32, *copies;
    size_t stride;
    roma_act *act;
} value_store;

typedef struct {
    uint32_t length;
    uint32_t rows;    /* of the step that is being checked */
    uint32_t *blocks; /* page groups in position order */
} sequence;

enum { PARTY = 8 }; /* queries that walk pages together, at most */

/* Rows of a step that attend together: `cost` positions seen in all, `before` by the blocks before. */
typedef struct {
    uint32_t row, n;
    uint64_t before, cost;
} row_block;

/* Scratch of one thread. */
typedef struct {
    void *product; /* of kern->product */
    float *score;  /* PARTY x context: see attend.c */
    float *tree; /* of PARTY x head_dim at each of the levels that a context has: tree of leaves, a vector at a time */
    float *gained;      /* hidden: x * g; or heads, packed (pack_heads) */
    float *ordered;     /* the same in the order of a matrix's columns; in plans that gather */
    int16_t *query;     /* PARTY x head_dim */
    void *unpacked;     /* 64 x head_dim: roma_kv_unpack */
    float *query_scale; /* PARTY */
    float *h;           /* LORA_BLOCK x lora.width: A x */
} thread_scratch;

/* ---- adapters: adapters.c holds them, lora.c runs them ---- */

enum { LORA_PLACES = 7, LORA_BLOCK = 32 }; /* matrices of a layer; rows that meet a matrix at once */

/* A and B of one matrix; b.rank 0: the adapter leaves this matrix alone. */
typedef struct {
    roma_lora_b b;
    const uint8_t *a;
    const float *a_scale;
    const float *factor; /* of the base's product, row by row; NULL: none */
    float scale;
} lora_matrix;

typedef struct {
    uint64_t serial; /* never given twice; 0: this place is free */
    uint64_t at, bytes;
    bool dora;           /* some matrix has factors */
    uint8_t sha256[32];  /* of its file */
    lora_matrix *matrix; /* by the plan's adapter slots, and behind them the embedding's */
} lora_adapter;

/* Two sets of equal parts do the same, whatever their numbers. */
typedef struct {
    bool is_defined;
    uint32_t n;
    struct {
        uint64_t serial;
        uint32_t id;
        float factor;
    } part[ROMA_EXEC_STACK_MAX];
} lora_set;

/* A slot is (row of the step, adapter). Slots are grouped by (position in the row's set, adapter); groups are ordered
 * by position, so that a row meets its adapters in the order of its set. */
typedef struct {
    uint32_t row;
    float factor;
} lora_slot;
typedef struct {
    const lora_adapter *adapter;
    uint32_t first, n;
} lora_group;

typedef struct {
    roma_arena arena;
    lora_adapter *adapters;
    lora_set *sets;      /* [0]: the base alone */
    uint32_t (*from)[2]; /* per operation and input: the linear whose product it is the first to read, as index + 1; 0:
                            none */
    uint64_t serials;
    uint64_t most;  /* bytes of the arena up to the end of the last adapter, at most so far */
    uint32_t width; /* of a row of A x: adapter_rank in whole tiles */
    /* the step that runs */
    lora_slot *slots;
    lora_group *groups;
    uint32_t *count; /* per adapter, while grouping */
    uint32_t n_slots, n_groups;
    int16_t *codes[LORA_PLACES]; /* [slot][width] */
    float *t[LORA_PLACES];       /* [slot] */
} lora_state;

/* tap.c: who gets what every operation gave, and room for the largest result. fn NULL: nobody. */
typedef struct {
    roma_tap_fn fn;
    void *ctx;
    uint8_t *bytes;
    float *part; /* rows x the widest value of a LINEAR that adapters may add to */
} tap_state;

struct roma_exec {
    const roma_image *image;
    const roma_plan *plan;
    const roma_hyper *hyper;
    const roma_kern *kern;
    roma_exec_choice choice;
    const roma_kv_format *kv;
    roma_team *team;
    int threads;
    roma_exec_config cfg; /* with the defaults filled in */
    roma_exec_memory memory;
    roma_arena cache, activations, work;
    lora_state lora;
    tap_state tap;

    value_store *values;
    uint8_t *barrier; /* per operation: bit 0 before it in a one-row step, bit 1 in a many-row step, bit 2 in one with
                         adapters */
    uint32_t *cuts;   /* per operation: roma_exec_cut */
    thread_scratch scratch[64];

    sequence *sequences;
    uint32_t *free_blocks;
    uint32_t *refs;                      /* per page group: sequences that hold it */
    uint32_t n_free, n_shared, n_blocks; /* n_shared: held by more than one */
    uint32_t n_most;                     /* the most that were held at once */

    /* the step that runs */
    const roma_exec_row *rows;
    size_t n_rows, n_logits;
    uint32_t *logit_row; /* row of each wanted logit */
    row_block *blocks;
    uint32_t n_row_blocks;
    struct { /* split.c: what the threads share of one row's attention, per query head and part */
        float *score, *max, *node;
        int64_t *sum;
    } split;
};

/* A walk over an arena: with arena == NULL it only counts, so that the size query and the layout cannot differ. */
typedef struct {
    roma_arena *arena;
    uint64_t bytes;
} walk;

static inline void *take(walk *w, uint64_t bytes) {
    w->bytes += roma_arena_piece(bytes);
    return w->arena ? roma_arena_take(w->arena, bytes) : NULL;
}

/* exec.c: lays the plan's values out in `values` (logits excepted) and all else in `host`. */
void roma_exec_lay(roma_exec *e, walk *values, walk *host);

/* budget.c: fills in *e's configuration and sizes. */
int roma_exec_settle(roma_exec *e, const roma_plan *plan, const roma_exec_config *cfg, roma_error *err);

/* match.c: EINPUT unless the plan's description is the image's. */
int roma_exec_match(const roma_plan *plan, const roma_image *image, roma_error *err);

/* cache.c */
uint64_t roma_exec_block_bytes(const roma_hyper *h, const roma_kv_format *f);
void roma_exec_cache_lay(roma_exec *e);
roma_kv_page roma_exec_page(const roma_exec *e, uint32_t seq, uint32_t page, uint32_t layer, uint32_t kv_head);
/* Takes the blocks that positions below `length` need; false when there are not enough (then nothing is taken). */
bool roma_exec_reserve(roma_exec *e, uint32_t seq, uint32_t length);
/* Free page groups that the sequence takes to grow to `length`. */
uint32_t roma_exec_pages_for(const roma_exec *e, uint32_t seq, uint32_t length);

/* share.c: barriers of operation i of a plan; its tiles, thread by thread: thread t of an operation has [cut[t], cut[t
 * + 1]) of the operation's threads + 1 entries. */
uint8_t roma_exec_barrier(const roma_plan *p, size_t i);
void roma_exec_cut(const roma_plan *p, int threads, uint32_t *cuts);

/* ops.c: thread's share of one operation. */
void roma_exec_op(roma_exec *e, const roma_op *op, int thread, int threads);
/* attend.c */
void roma_exec_attend(roma_exec *e, const roma_op *op, int thread, int threads);

/* tap.c: what roma_team_run calls for a step with a tap: every operation, with a barrier on either side. */
void roma_exec_tap_run(void *ctx, int thread, int threads);
void roma_exec_tap_free(roma_exec *e);

/* adapters.c */
void roma_exec_adapters_lay(roma_exec *e, walk *host);
bool roma_exec_sets_equal(const lora_set *a, const lora_set *b);

/* lora.c (docs/numerics.md section 3.4) */
void roma_exec_lora_lay(roma_exec *e, walk *host);
/* choose.c: fills choice and kern. A trial gives every variant passes in turn, forwards and backwards, so that no place
 * of the turn is anybody's, for some 20 ms. The first variant stays unless another gains 3 % in three quarters of the
 * turns and in the best of them: on a busy machine a pass says little, and the best alone is luck. */
void roma_exec_choose(roma_exec *e);
void roma_exec_trial(roma_exec *e);
void roma_exec_lora_find(roma_exec *e);  /* fills lora.from */
void roma_exec_lora_group(roma_exec *e); /* slots and groups of the step's rows */
/* Multiplies tiles [begin, end) of a product by the factors that rows' adapters have for them. */
void roma_exec_lora_factors(const roma_exec *e, const roma_op *linear, size_t begin, size_t end);
/* Steps 1 and 2 for a thread's share of the slots. */
void roma_exec_lora_product(roma_exec *e, const roma_op *linear, int thread, int threads);
/* All steps at once, in tiles [begin, end) of the head's product, which nobody else adds to. */
void roma_exec_lora_head(roma_exec *e, const roma_op *linear, int thread, size_t begin, size_t end);
/* What the adapters of row r add to its row of the embedding, x. */
void roma_exec_lora_embed(roma_exec *e, size_t r, float *x, int thread);
/* What step 2 left for a slot: the codes of h (the adapter's rank of them), and t. */
const int16_t *roma_exec_lora_codes(const roma_exec *e, const roma_op *linear, uint32_t slot, float *t);
/* Steps 3 and 4: adds to columns [from, to), whole tiles, of rows [begin, end) of y. */
void roma_exec_lora_add(const roma_exec *e, const roma_op *linear, float *y, size_t stride, size_t from, size_t to,
                        size_t begin, size_t end);
/* The linear whose adapters are to be added before op reads its input k; NULL: none. */
static inline const roma_op *lora_from(const roma_exec *e, const roma_op *op, int k) {
    const uint32_t i = e->lora.n_slots ? e->lora.from[op - e->plan->ops][k] : 0;
    return i ? &e->plan->ops[i - 1] : NULL;
}

/* Row index of a replicated value: the thread's own copy in a one-row step. */
static inline size_t row_slot(const roma_exec *e, size_t row, int thread) {
    return e->n_rows == 1 ? (size_t)thread : row;
}
static inline float *slot_f32(const roma_exec *e, const value_store *v, size_t slot) {
    return slot < e->cfg.rows ? v->f32 + slot * v->stride : v->copies + (slot - e->cfg.rows) * v->stride;
}

#endif
