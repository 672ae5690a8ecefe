/* Whether a plan is one that exec can run and cost can time: every rule that they rely on is held here, so that a
 * damaged plan is refused before anything follows its numbers. */
#include "roma/plan.h"

#include <string.h>

/* What a kind of operation reads and writes. */
enum { OUT = 1, IN_CODES = 2, OUT_CODES = 4, IN_PLACE = 8, VECTOR = 16, MATRIX = 32, LAYERED = 64 };
static const struct {
    uint8_t inputs, flags;
} forms[] = {
    [ROMA_OP_EMBED] = {0, OUT | MATRIX},           [ROMA_OP_NORM] = {1, OUT | OUT_CODES | VECTOR},
    [ROMA_OP_QUANTISE] = {1, OUT | OUT_CODES},     [ROMA_OP_LINEAR] = {1, OUT | IN_CODES | MATRIX},
    [ROMA_OP_BIAS] = {1, OUT | IN_PLACE | VECTOR}, [ROMA_OP_HEAD_NORM] = {1, OUT | IN_PLACE | VECTOR},
    [ROMA_OP_ROPE] = {1, OUT | IN_PLACE},          [ROMA_OP_CACHE] = {2, LAYERED},
    [ROMA_OP_ATTEND] = {1, OUT | LAYERED},         [ROMA_OP_SILU] = {2, OUT | IN_PLACE},
    [ROMA_OP_RESIDUAL] = {2, OUT | IN_PLACE},
};
_Static_assert(sizeof forms / sizeof *forms == ROMA_OP_COUNT, "every kind has a form");

enum { WRITTEN = 1, PRODUCT = 2 }; /* PRODUCT: last written by a matrix, or by a bias after it */

typedef struct {
    const roma_plan *p;
    const roma_op *op;
    uint8_t *state; /* per value */
    uint32_t slots; /* adapter slots so far */
    bool is_tail;   /* an operation for the last rows was seen */
} walk;

static bool has(const walk *w, unsigned flag) { return forms[w->op->kind].flags & flag; }
static uint32_t width(const walk *w, uint32_t value) { return w->p->values[value].width; }
static const roma_image_tensor *tensor(const walk *w) { return &w->p->desc->tensors[w->op->tensor]; }
static uint32_t residual(const walk *w) { return w->p->ops[0].out; }
static uint32_t logits(const walk *w) { return w->p->ops[w->p->n_ops - 1].out; }

static const char *check_kind(const walk *w) {
    static const roma_unit units[] = {
#define X(name, text, unit, help) unit,
        ROMA_OPS(X)
#undef X
    };
    if ((unsigned)w->op->kind >= ROMA_OP_COUNT) return "is of no known kind";
    return w->op->unit == units[w->op->kind] ? NULL : "is on another unit than its kind";
}

static const char *check_values(const walk *w) {
    const roma_op *op = w->op;
    const unsigned inputs = forms[op->kind].inputs;
    for (unsigned k = 0; k < 2; k++) {
        if (k >= inputs && op->in[k] != ROMA_NO_VALUE) return "has an input too many";
        if (k >= inputs) continue;
        if (op->in[k] >= w->p->n_values || !(w->state[op->in[k]] & WRITTEN)) return "reads a value that nothing wrote";
        if (w->p->values[op->in[k]].is_codes != has(w, IN_CODES)) return "reads another kind of value";
        if (op->in[k] == logits(w)) return "reads the logits";
    }
    if (!has(w, OUT)) return op->out == ROMA_NO_VALUE ? NULL : "writes a value and should not";
    if (op->out >= w->p->n_values) return "writes an unknown value";
    if (w->p->values[op->out].is_codes != has(w, OUT_CODES)) return "writes another kind of value";
    return has(w, IN_PLACE) && op->out != op->in[0] ? "does not work in place" : NULL;
}

static const char *check_tensor(const walk *w) {
    const roma_op *op = w->op;
    const roma_hyper *h = &w->p->desc->hyper;
    const bool in_layer = op->layer != UINT32_MAX;
    if ((in_layer && op->layer >= h->layers) || (has(w, LAYERED) && !in_layer)) return "is in no layer of the model";
    if (!has(w, VECTOR | MATRIX)) return op->tensor == ROMA_NO_TENSOR ? NULL : "has a tensor and should not";
    if (op->tensor >= w->p->desc->n_tensors || tensor(w)->is_vector != has(w, VECTOR)) return "lacks its tensor";
    return roma_tensor_role_is_layered(tensor(w)->role) == in_layer && (!in_layer || tensor(w)->layer == op->layer)
               ? NULL
               : "has the tensor of another layer";
}

/* Widths that the operation's tensor, and the model's heads, ask of its values. */
static bool shape_agrees(const walk *w) {
    const roma_op *op = w->op;
    const roma_hyper *h = &w->p->desc->hyper;
    const uint64_t kv = (uint64_t)h->kv_heads * h->head_dim, q = (uint64_t)h->heads * h->head_dim;
    const uint32_t in = forms[op->kind].inputs ? width(w, op->in[0]) : 0, out = has(w, OUT) ? width(w, op->out) : 0;
    switch (op->kind) {
    case ROMA_OP_EMBED: return out == h->hidden && out == tensor(w)->cols && tensor(w)->rows == h->vocab;
    case ROMA_OP_NORM: return in == h->hidden && in == tensor(w)->cols && out == in;
    case ROMA_OP_LINEAR: return in == tensor(w)->cols && out == tensor(w)->rows;
    case ROMA_OP_BIAS: return in == tensor(w)->cols;
    case ROMA_OP_HEAD_NORM: return tensor(w)->cols == h->head_dim && in % h->head_dim == 0;
    case ROMA_OP_QUANTISE: return in == out && in % 32 == 0;
    case ROMA_OP_ROPE: return in % h->head_dim == 0;
    case ROMA_OP_CACHE: return in == kv && width(w, op->in[1]) == kv;
    case ROMA_OP_ATTEND: return in == q && out == q;
    case ROMA_OP_RESIDUAL: return in == h->hidden && width(w, op->in[1]) == in;
    case ROMA_OP_SILU: return in == width(w, op->in[1]);
    default: return false;
    }
}

/* The residual begins as the embedding, is normed and added to, and nothing else touches it. */
static const char *check_residual(const walk *w) {
    const roma_op *op = w->op;
    const bool is_first = op == w->p->ops, reads = op->kind == ROMA_OP_NORM || op->kind == ROMA_OP_RESIDUAL;
    if (is_first != (op->kind == ROMA_OP_EMBED)) return "stands where the embedding should, or should not";
    for (unsigned k = 0; k < forms[op->kind].inputs; k++)
        if ((op->in[k] == residual(w)) != (reads && k == 0)) return "reads the residual, or does not, against its kind";
    return has(w, OUT) && (op->out == residual(w)) != (is_first || op->kind == ROMA_OP_RESIDUAL)
               ? "writes the residual, or does not, against its kind"
               : NULL;
}

/* Only the end of the plan is for the rows whose logits are wanted; its last operation makes the logits. */
static const char *check_tail(const walk *w) {
    const roma_op *op = w->op, *last = &w->p->ops[w->p->n_ops - 1];
    if (op->last_rows_only ? op->kind != ROMA_OP_NORM && op->kind != ROMA_OP_LINEAR : w->is_tail)
        return "is, or is not, for the last rows alone";
    if (has(w, OUT) && (op->out == logits(w)) != (op == last)) return "writes the logits, or does not, out of place";
    if (op == last &&
        (op->kind != ROMA_OP_LINEAR || !op->last_rows_only || width(w, op->out) != w->p->desc->hyper.vocab))
        return "does not make the logits";
    return NULL;
}

static const char *check_sharing(const walk *w) {
    const roma_op *op = w->op;
    if (op->adapter_slot != UINT32_MAX &&
        (op->kind != ROMA_OP_LINEAR || op->adapter_slot != w->slots || w->slots >= w->p->n_adapter_slots))
        return "has an adapter slot that is not its own";
    if (op->kind == ROMA_OP_BIAS || op->kind == ROMA_OP_SILU)
        for (unsigned k = 0; k < forms[op->kind].inputs; k++)
            if (!(w->state[op->in[k]] & PRODUCT)) return "works on what no matrix made";
    return NULL;
}

static const char *check_op(const walk *w) {
    const char *what = check_kind(w);
    if (!what) what = check_values(w);
    if (!what) what = check_tensor(w);
    if (!what) what = shape_agrees(w) ? NULL : "has shapes that do not agree";
    if (!what) what = check_residual(w);
    if (!what) what = check_tail(w);
    return what ? what : check_sharing(w);
}

static void note_op(walk *w) {
    const bool is_product = w->op->kind == ROMA_OP_LINEAR || w->op->kind == ROMA_OP_BIAS;
    if (has(w, OUT)) w->state[w->op->out] = is_product ? WRITTEN | PRODUCT : WRITTEN;
    w->slots += w->op->adapter_slot != UINT32_MAX;
    w->is_tail |= w->op->last_rows_only;
}

static int bad(roma_error *err, const char *what) {
    return roma_fail(err, ROMA_EINTERNAL, "", ROMA_NOWHERE, "the plan %s", what);
}

int roma_plan_check(const roma_plan *p, roma_error *err) {
    if (!p->desc || !p->ops || !p->values || !p->n_ops || !p->n_values) return bad(err, "is empty");
    for (size_t i = 0; i < p->n_values; i++)
        if (!p->values[i].width || !memchr(p->values[i].name, 0, sizeof p->values[i].name))
            return bad(err, "has a value without width or name");
    walk w = {.p = p, .state = roma_alloc_array(p->n_values, 1)};
    int rc = w.state ? ROMA_OK : roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory to check the plan");
    for (size_t i = 0; i < p->n_ops && !rc; i++) {
        w.op = &p->ops[i];
        const char *what = check_op(&w);
        if (what)
            rc = roma_fail(err, ROMA_EINTERNAL, "", ROMA_NOWHERE, "plan operation %zu (%s) %s", i,
                           roma_op_name(w.op->kind), what);
        else
            note_op(&w);
    }
    if (!rc && w.slots != p->n_adapter_slots) rc = bad(err, "has another number of adapter slots than it says");
    roma_free(w.state);
    return rc;
}
