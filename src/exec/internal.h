/* Insides of the engine, shared by the files of src/exec. */
#ifndef ROMA_EXEC_INTERNAL_H
#define ROMA_EXEC_INTERNAL_H

#include "roma/exec.h"

#define NO_BLOCK UINT32_MAX

/* A value's storage: FP32 rows of `stride` elements, or quantised rows. Values that a single-row step replicates per
 * thread (see step.c) have a row for every thread: those beyond the rows of a step are the host's own. */
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

/* Scratch of one thread. */
typedef struct {
    void *product;  /* of kern->product */
    float *score;   /* context, rounded up to pages */
    float *leaf;    /* head_dim: one page's weighted values */
    float *tree;    /* 32 levels x head_dim: tree of leaves, a vector at a time */
    float *gained;  /* hidden: x * g */
    int16_t *query; /* head_dim */
} thread_scratch;

struct roma_exec {
    const roma_image *image;
    const roma_plan *plan;
    const roma_hyper *hyper;
    const roma_kern *kern;
    roma_team *team;
    int threads;
    roma_exec_config cfg; /* with the defaults filled in */
    roma_exec_memory memory;
    roma_arena cache, activations, work;

    value_store *values;
    uint8_t *barrier;          /* per operation: bit 0 before it in a one-row step, bit 1 in a many-row step */
    thread_scratch scratch[64];
    float inv_sqrt_head;

    sequence *sequences;
    uint32_t *free_blocks;
    uint32_t *refs;            /* per page group: sequences that hold it */
    uint32_t n_free, n_blocks;

    /* the step that runs */
    const roma_exec_row *rows;
    size_t n_rows, n_logits;
    uint32_t *logit_row;       /* row of each wanted logit */
    float *rope;               /* n_rows x rope_dim: cos, sin of each pair */
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

/* cache.c */
uint64_t roma_exec_block_bytes(const roma_hyper *h);
void roma_exec_cache_lay(roma_exec *e);
roma_kv_page roma_exec_page(const roma_exec *e, uint32_t seq, uint32_t page, uint32_t layer, uint32_t kv_head);
/* Takes the blocks that positions below `length` need; false when there are not enough (then nothing is taken). */
bool roma_exec_reserve(roma_exec *e, uint32_t seq, uint32_t length);
/* Free page groups that the sequence takes to grow to `length`. */
uint32_t roma_exec_pages_for(const roma_exec *e, uint32_t seq, uint32_t length);

/* step.c: barriers of operation i of a plan. */
uint8_t roma_exec_barrier(const roma_plan *p, size_t i);

/* ops.c: thread's share of one operation. */
void roma_exec_op(roma_exec *e, const roma_op *op, int thread, int threads);
/* attend.c */
void roma_exec_attend(roma_exec *e, const roma_op *op, int thread, int threads);

/* Row index of a replicated value: the thread's own copy in a one-row step. */
static inline size_t row_slot(const roma_exec *e, size_t row, int thread) { return e->n_rows == 1 ? (size_t)thread : row; }
static inline float *slot_f32(const roma_exec *e, const value_store *v, size_t slot) {
    return slot < e->cfg.rows ? v->f32 + slot * v->stride : v->copies + (slot - e->cfg.rows) * v->stride;
}

#endif
