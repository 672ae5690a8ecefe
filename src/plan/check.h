/* What the checks of a plan share: a walk over its operations that knows what every value holds. */
#ifndef ROMA_PLAN_CHECK_H
#define ROMA_PLAN_CHECK_H

#include "roma/plan.h"

/* What a value holds after the operations so far. */
typedef struct {
    uint32_t layer; /* of the operation that wrote it */
    uint8_t what;   /* role of the tensor that made it, or one of flow.c's; 0: nothing was written */
    uint8_t steps;  /* bias, norm and rotation that a product has had, as bits of flow.c */
    uint32_t order; /* of codes: of their columns, as roma_parameters has it */
    bool is_tiled;  /* each thread has its tiles of it */
    bool owes;      /* adapters have not been added yet */
    bool is_last;   /* rows whose logits are wanted, and no others */
} held;

typedef struct {
    const roma_plan *p;
    const roma_op *op;
    const roma_op_info *info; /* of op */
    held *values;
    uint32_t slots;      /* adapter slots so far */
    uint32_t turn;       /* halves of layers that the residual has */
    uint32_t cached;     /* layers whose keys and values are in the cache */
    uint32_t beginnings; /* kinds that read no value and were seen, as bits 1 << kind */
    bool has_begun;      /* an operation that reads a value was seen */
    bool is_tail;        /* an operation for the last rows was seen */
} walk;

/* Whether an input or output is a value of the plan, as roma_op's in and out name them. */
static inline bool is_value(roma_data d) { return d != ROMA_DATA_NONE && d != ROMA_DATA_PAGES; }

static inline const roma_image_tensor *walk_tensor(const walk *w) { return &w->p->desc->tensors[w->op->tensor]; }

/* parameters.c: NULL, or what is wrong with the operation's parameters. */
const char *roma_plan_check_parameters(const walk *w);
/* The parameters that the operation has, each after a blank: those that are not 0 as text, all as members of j. */
void roma_plan_print_parameters(const roma_op *op, roma_buf *out);
void roma_plan_parameters_json(const roma_op *op, roma_json *j);

/* flow.c: NULL, or what is wrong with what the operation reads; check.c has seen to its indices, kinds and shapes. */
const char *roma_plan_check_flow(const walk *w);
/* Takes note of what the operation writes. */
void roma_plan_note_flow(walk *w);

#endif
