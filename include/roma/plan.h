/* plan - the chip's program: one ordered list of operations, each for one kind of unit.
 *
 * `map` makes a plan once for each shape of an image. A plan knows no chip (roma/place.h says where a chip has its
 * words) and is parametric: one plan describes every step, over any number of rows, a row being (token, sequence,
 * position, adapter set). Decode is a step with one row a sequence; a piece of a prompt is a step with many rows of
 * one. exec runs plans; cost times a plan where a placement has it. Values are named buffers, one row of them for each
 * row of the step; an operation reads and writes values by index.
 *
 * Threads: a plan is read-only once it was made, and any number of threads may read it; functions are re-entrant. */
#ifndef ROMA_PLAN_H
#define ROMA_PLAN_H

#include "roma/image.h"
#include "roma/json.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Every kind of operation and all that is known of it: the one list. What follows from it is derived: names, units,
 * shapes and kinds of values (roma_plan_check), sharing and barriers (exec), who adds an adapter's product (exec),
 * formulas of energy (cost). Columns are members of roma_op_info; docs/extending.md says how a row is added.
 *
 * name, text, unit, sharing, input 0, input 1, output, tensor, work, vector operations an element, what it does. An
 * operation without inputs knows the token and the position of a row. */
/* clang-format off */
#define ROMA_OPS(X)                                                                                                    \
    X(EMBED, "embed", L, ROWS, NONE, NONE, FP32, MATRIX, EMBED, 0, "row of the embedding for each token")              \
    X(NORM, "norm", V, ROWS, FP32, NONE, CODES, VECTOR, VECTOR, 4, "codes of x * g with 1/rms in their scale")         \
    X(QUANTISE, "quantise", V, ROWS, FP32, NONE, CODES, NONE, VECTOR, 3, "codes of x")                                 \
    X(LINEAR, "linear", L, TILES, CODES, NONE, FP32, MATRIX, LINEAR, 0, "ROM matrix x codes, adapter slot beside it")  \
    X(BIAS, "bias", V, TILES, FP32, NONE, IN_PLACE, VECTOR, VECTOR, 1, "x + b")                                        \
    X(HEAD_NORM, "head_norm", V, HEADS, SUM, NONE, IN_PLACE, VECTOR, VECTOR, 4, "norm of each head")                   \
    X(ANGLES, "angles", V, ROWS, NONE, NONE, FP32, NONE, VECTOR, 17, "cos and sin of each pair at the row's position") \
    X(ROPE, "rope", V, HEADS, SUM, FP32, IN_PLACE, NONE, VECTOR, 3, "rotates pairs by the position's angles")          \
    X(CACHE, "cache", H, HEADS, FP32, SUM, PAGES, NONE, CACHE, 0, "8-bit keys and values into the cache")              \
    X(ATTEND, "attend", H, ATTEND, FP32, PAGES, FP32, NONE, ATTEND, 0, "softmax(q k) v over the sequence's pages")     \
    X(SILU, "silu", V, TILES, SUM, SUM, IN_PLACE, NONE, VECTOR, 5, "silu(gate) * up")                                  \
    X(RESIDUAL, "residual", V, ROWS, FP32, SUM, IN_PLACE, NONE, VECTOR, 1, "x + y")                                    \
    X(RELU2, "relu2", V, TILES, SUM, SUM, IN_PLACE, NONE, VECTOR, 3, "relu(gate)^2 * up")
/* clang-format on */

typedef enum { ROMA_UNIT_L, ROMA_UNIT_H, ROMA_UNIT_V } roma_unit; /* kinds of units */
/* How rows are shared among threads: dealt out, or done by each thread in its own copy when there is one; tiles of 16
 * columns; (head, row) pairs; query heads and pages. src/exec/share.c says more. */
typedef enum { ROMA_SHARE_ROWS, ROMA_SHARE_TILES, ROMA_SHARE_HEADS, ROMA_SHARE_ATTEND } roma_sharing;
/* What an input or output of an operation is. SUM, inputs only: FP32 of a matrix product, to which the operation first
 * adds what adapters add. PAGES: the cache of the operation's layer, which is no value. IN_PLACE, output only: input
 * 0, overwritten. */
typedef enum {
    ROMA_DATA_NONE,
    ROMA_DATA_FP32,
    ROMA_DATA_SUM,
    ROMA_DATA_CODES,
    ROMA_DATA_PAGES,
    ROMA_DATA_IN_PLACE
} roma_data;
/* which kind of tensor an operation has */
typedef enum { ROMA_TENSOR_NONE, ROMA_TENSOR_VECTOR, ROMA_TENSOR_MATRIX } roma_op_tensor;
/* Which formulas of docs/cost-model.md count an operation's events. */
typedef enum { ROMA_WORK_EMBED, ROMA_WORK_LINEAR, ROMA_WORK_CACHE, ROMA_WORK_ATTEND, ROMA_WORK_VECTOR } roma_work;

typedef enum {
#define X(name, ...) ROMA_OP_##name,
    ROMA_OPS(X)
#undef X
        ROMA_OP_COUNT
} roma_op_kind;

/* A row of ROMA_OPS: all that is known of a kind of operation. */
typedef struct {
    const char *name, *help;
    roma_unit unit;
    roma_sharing sharing;
    roma_data in[2], out;
    roma_op_tensor tensor;
    roma_work work;
    uint32_t vector_ops; /* operations for an element of input 0 (ANGLES: for a pair); 0 unless work is VECTOR */
} roma_op_info;
/* The row of a kind, static; k < ROMA_OP_COUNT. */
const roma_op_info *roma_op_about(roma_op_kind k);

/* A value: the buffer of one kind of intermediate result. */
typedef struct {
    char name[12];
    uint32_t width; /* elements of a row */
    bool is_codes;  /* 8-bit codes with shifts and a scale (roma_act), else FP32 */
} roma_value;

/* What operations have beside values and a tensor: all that exec and cost need to know of a kind's variants, so that an
 * architecture is a lowering (src/map) and not another engine. A kind that lacks a parameter has 0 there. What the
 * engine cannot do yet is refused by roma_plan_check, never ignored.
 *
 * name, type, the kinds that have it, what it is */
#define ROMA_OP_BIT(kind) (1u << ROMA_OP_##kind)
#define ROMA_PARAMETERS(X)                                                                                             \
    X(epsilon, float, ROMA_OP_BIT(NORM) | ROMA_OP_BIT(HEAD_NORM), "added to the mean of squares, 0 to 1")              \
    X(rotated, uint32_t, ROMA_OP_BIT(ROPE) | ROMA_OP_BIT(ANGLES),                                                      \
      "elements of a head, from the first, that are rotated: the model's")                                             \
    X(gain, float, ROMA_OP_BIT(ANGLES), "factor of cos and sin: the model's; 0, none")                                 \
    X(base, uint32_t, ROMA_OP_BIT(ROPE) | ROMA_OP_BIT(ANGLES), "which of the model's RoPE bases; 0, the only one")     \
    X(packed, uint32_t, ROMA_OP_BIT(QUANTISE),                                                                         \
      "elements of each head that are read, one head behind the other, zeros behind the last; 0, the whole row")       \
    X(order, uint32_t, ROMA_OP_BIT(NORM) | ROMA_OP_BIT(QUANTISE),                                                      \
      "number of the description's order in which elements are gathered before they become codes; 0, as they lie")     \
    X(scale, float, ROMA_OP_BIT(ATTEND), "factor of scores, > 0")                                                      \
    X(cap, float, ROMA_OP_BIT(ATTEND), "soft cap of scores; 0, none")                                                  \
    X(window, uint32_t, ROMA_OP_BIT(ATTEND), "last positions that a row sees; 0, all")
/* One operation of a plan. */
typedef struct {
#define X(name, type, kinds, help) type name;
    ROMA_PARAMETERS(X)
#undef X
} roma_parameters;

/* Rank of the adapters in a plan's slots where nobody says otherwise: the paper's. */
#define ROMA_RANK_USUAL 16

#define ROMA_NO_VALUE UINT32_MAX
#define ROMA_NO_TENSOR UINT32_MAX

typedef struct {
    roma_op_kind kind;
    roma_unit unit;
    uint32_t layer;        /* layer of the model, from 0; UINT32_MAX: outside the layers */
    uint32_t in[2], out;   /* indices of values; ROMA_NO_VALUE where the kind has none */
    uint32_t tensor;       /* index in the description's tensors; ROMA_NO_TENSOR where the kind has none */
    uint32_t adapter_slot; /* LINEAR: number of the slot in which an adapter pair may ride here; UINT32_MAX: none */
    bool last_rows_only;   /* runs for the rows alone whose logits are wanted */
    roma_parameters param;
} roma_op;

/* A plan. It owns its arrays; the description is borrowed and must outlive the plan. */
typedef struct {
    const roma_description *desc;
    roma_value *values;
    size_t n_values;
    roma_op *ops;
    size_t n_ops;
    uint32_t n_adapter_slots; /* slots of its LINEARs are 0 to this - 1 */
} roma_plan;

/* Frees a plan's arrays; one that is all zero, or was destroyed, may be destroyed again. */
void roma_plan_destroy(roma_plan *p);
/* Checks all that exec and cost rely on: every operation is what ROMA_OPS says of its kind and has the tensor, the
 * layer and the width that belong to it; every value that an operation reads was written before, by what belongs
 * there, in the same layer, but for the residual and the angles, which all layers read; each half of a layer is added
 * to the residual once, in order; the angles and the embedding come first, once each, in either order, and the logits
 * last; every ROPE rotates as much of a head as its angles are for; parameters are in their ranges, and none asks for
 * what the engine cannot do.
 *
 * A plan that passes computes the model with these parameters and its gated units' function, so that two plans of one
 * description differ in nothing but the order of operations that do not depend on one another and in which value holds
 * what. Plans that roma_map_plan made pass. EINTERNAL with the operation's number and name and what is wrong; ENOMEM.
 * *p may be damaged, but its arrays must have the lengths that it states.
 *
 * The functions below take a plan that passes this check. */
int roma_plan_check(const roma_plan *p, roma_error *err);
/* Appends the plan as a table, a line for each operation. */
void roma_plan_print(const roma_plan *p, roma_buf *out);
/* Writes members adapter_slots and ops of an object that is open in j. */
void roma_plan_json(const roma_plan *p, roma_json *j);
/* Tells the chip's order of issue. A plan falls into segments, each up to and with an operation that reads the cache;
 * a segment is issued stream by stream, one operation after the other, over the stream's blocks of rows: blocks
 * [first[s], first[s + 1]) of stream s < streams. Calls fn until it returns other than 0; returns what fn returned
 * last. */
int roma_plan_issue(const roma_plan *p, uint32_t streams, const uint32_t *first,
                    int (*fn)(void *ctx, uint32_t op, uint32_t block), void *ctx);
/* Name of a kind, static; "?" for no kind. */
const char *roma_op_name(roma_op_kind k);
/* The matrix that op multiplies rows by and whose product adapters may add to, the description's; NULL when op is no
 * product. */
const roma_image_tensor *roma_op_matrix(const roma_plan *p, const roma_op *op);
/* Multiply-adds of op for one row that sees `context` positions; adapters not counted. */
uint64_t roma_op_mac(const roma_plan *p, const roma_op *op, uint64_t context);

#ifdef __cplusplus
}
#endif
#endif
