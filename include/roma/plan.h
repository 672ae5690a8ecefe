/* plan - the chip's program: one ordered list of operations, each placed on units of the chip.
 *
 * A plan is made by `map` once per image shape and chip and is parametric: it describes one step over `n` rows, a row
 * being (sequence, position, adapter set). Decode is a step with one row a sequence; a prefill chunk is a step with
 * many. exec runs it, cost times it, rtl builds it. Values are named buffers; an operation reads and writes values by
 * index.
 */
#ifndef ROMA_PLAN_H
#define ROMA_PLAN_H

#include "roma/chip.h"
#include "roma/image.h"

#ifdef __cplusplus
extern "C" {
#endif

/* name, text, unit, what it does */
#define ROMA_OPS(X)                                                                                                    \
    X(EMBED, "embed", ROMA_UNIT_L, "row of the embedding for each token")                                              \
    X(NORM, "norm", ROMA_UNIT_V, "codes of x * g with 1/rms in their scale")                                           \
    X(QUANTISE, "quantise", ROMA_UNIT_V, "codes of x")                                                                 \
    X(LINEAR, "linear", ROMA_UNIT_L, "ROM matrix x codes, adapter slot beside it")                                     \
    X(BIAS, "bias", ROMA_UNIT_V, "x + b")                                                                              \
    X(HEAD_NORM, "head_norm", ROMA_UNIT_V, "norm of each head")                                                        \
    X(ROPE, "rope", ROMA_UNIT_V, "rotates pairs by position")                                                          \
    X(CACHE, "cache", ROMA_UNIT_H, "8-bit keys and values into the cache")                                             \
    X(ATTEND, "attend", ROMA_UNIT_H, "softmax(q k) v over the sequence's pages")                                       \
    X(SILU, "silu", ROMA_UNIT_V, "silu(gate) * up")                                                                    \
    X(RESIDUAL, "residual", ROMA_UNIT_V, "x + y")

typedef enum { ROMA_UNIT_L, ROMA_UNIT_H, ROMA_UNIT_V } roma_unit;
typedef enum {
#define X(name, text, unit, help) ROMA_OP_##name,
    ROMA_OPS(X)
#undef X
        ROMA_OP_COUNT
} roma_op_kind;

typedef struct {
    char name[12];
    uint32_t width; /* elements per row */
    bool is_codes;  /* quantised activations, else FP32 */
} roma_value;

#define ROMA_NO_VALUE UINT32_MAX
#define ROMA_NO_TENSOR UINT32_MAX

typedef struct {
    roma_op_kind kind;
    roma_unit unit;
    uint32_t layer;        /* UINT32_MAX: outside the layers */
    uint32_t in[2], out;   /* value indices; unused ROMA_NO_VALUE */
    uint32_t tensor;       /* index in the description, or ROMA_NO_TENSOR */
    uint32_t adapter_slot; /* LINEAR: which adapter pair may ride here; UINT32_MAX none */
    bool last_rows_only;   /* runs only for rows whose logits are wanted */
} roma_op;

typedef struct {
    const roma_description *desc; /* borrowed */
    roma_chip chip;
    roma_value *values;
    size_t n_values;
    roma_op *ops;
    size_t n_ops;
    uint32_t n_adapter_slots;
    uint64_t rom_words; /* words an L-Unit needs for codes and scales, evenly spread */
    char note[256];     /* "" or one sentence: what of the model does not fit the chip */
} roma_plan;

void roma_plan_destroy(roma_plan *p); /* one that is all zero, or was destroyed, too */
/* Holds all that exec and cost rely on: every value is written before it is read, widths and shapes agree, tensors and
 * adapter slots exist, the embedding comes first and the logits last. Plans that roma_map_plan made pass. EINTERNAL
 * with the operation's number; ENOMEM. p may be damaged, but its arrays must have the lengths it says. */
int roma_plan_check(const roma_plan *p, roma_error *err);
/* The rest takes a plan that passes the check. */
void roma_plan_print(const roma_plan *p, roma_buf *out, bool json);
const char *roma_op_name(roma_op_kind k); /* "?" for no kind */
/* Multiply-adds of one row at context t. */
uint64_t roma_op_mac(const roma_plan *p, const roma_op *op, uint64_t context);

#ifdef __cplusplus
}
#endif
#endif
