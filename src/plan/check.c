/* Whether a plan is one that exec can run and cost can time: every rule that they rely on is held here and in flow.c,
 * so that a damaged plan is refused before anything follows its numbers. */
#include "check.h"

#include <string.h>

static uint32_t width(const walk *w, uint32_t value) { return w->p->values[value].width; }
static bool is_codes(const walk *w, uint32_t value) { return w->p->values[value].is_codes; }
static uint32_t logits(const walk *w) { return w->p->ops[w->p->n_ops - 1].out; }

static const char *check_input(const walk *w, unsigned k) {
    const uint32_t in = w->op->in[k];
    if (!is_value(w->info->in[k])) return in == ROMA_NO_VALUE ? NULL : "has an input too many";
    if (in >= w->p->n_values || !w->values[in].what) return "reads a value that nothing wrote";
    if (is_codes(w, in) != (w->info->in[k] == ROMA_DATA_CODES)) return "reads another kind of value";
    return in == logits(w) ? "reads the logits" : NULL;
}

static const char *check_output(const walk *w) {
    const roma_op *op = w->op;
    if (!is_value(w->info->out)) return op->out == ROMA_NO_VALUE ? NULL : "writes a value and should not";
    if (op->out >= w->p->n_values) return "writes an unknown value";
    if (is_codes(w, op->out) != (w->info->out == ROMA_DATA_CODES)) return "writes another kind of value";
    return w->info->out == ROMA_DATA_IN_PLACE && op->out != op->in[0] ? "does not work in place" : NULL;
}

static const char *check_tensor(const walk *w) {
    const roma_op *op = w->op;
    const bool in_layer = op->layer != UINT32_MAX, is_vector = w->info->tensor == ROMA_TENSOR_VECTOR;
    uint64_t rows, cols;
    if (in_layer && op->layer >= w->p->desc->hyper.layers) return "is in no layer of the model";
    if (w->info->tensor == ROMA_TENSOR_NONE) return op->tensor == ROMA_NO_TENSOR ? NULL : "has a tensor and should not";
    if (op->tensor >= w->p->desc->n_tensors || walk_tensor(w)->is_vector != is_vector) return "lacks its tensor";
    const roma_image_tensor *t = walk_tensor(w);
    if (roma_tensor_role_is_layered(t->role) != in_layer || (in_layer && t->layer != op->layer))
        return "has the tensor of another layer";
    return roma_hyper_shape(&w->p->desc->hyper, t->role, &rows, &cols) && t->rows == rows && t->cols == cols
               ? NULL
               : "has a tensor of another shape than the model's";
}

/* Values of an operation are as wide as one another, and as its vector; a matrix goes from its columns to its rows;
 * angles are as wide as what they rotate of a head. */
static bool shape_agrees(const walk *w) {
    const roma_op *op = w->op;
    const roma_image_tensor *t = w->info->tensor == ROMA_TENSOR_NONE ? NULL : walk_tensor(w);
    if (op->in[0] == ROMA_NO_VALUE) return width(w, op->out) == (t ? t->cols : op->param.rotated);
    const uint32_t in = width(w, op->in[0]);
    if (op->param.packed)
        return in == w->p->desc->hyper.heads * w->p->desc->hyper.head_dim &&
               width(w, op->out) == roma_hyper_attended(&w->p->desc->hyper);
    if (t && !t->is_vector) return in == t->cols && width(w, op->out) == t->rows;
    if (op->in[1] != ROMA_NO_VALUE && width(w, op->in[1]) != (op->param.rotated ? op->param.rotated : in)) return false;
    if (op->out != ROMA_NO_VALUE && width(w, op->out) != in) return false;
    return !t || t->cols == (w->info->sharing == ROMA_SHARE_HEADS ? w->p->desc->hyper.head_dim : in);
}

/* Only the end of the plan is for the rows whose logits are wanted; its last operation makes the logits. NORM takes
 * these rows out of the residual, and what reads them must be for them too. */
static const char *check_tail(const walk *w) {
    const roma_op *op = w->op, *last = &w->p->ops[w->p->n_ops - 1];
    const bool gathers = w->info->tensor == ROMA_TENSOR_VECTOR && w->info->out == ROMA_DATA_CODES,
               follows = w->info->work == ROMA_WORK_LINEAR;
    const bool reads_last = op->in[0] != ROMA_NO_VALUE && w->values[op->in[0]].is_last;
    if (op->last_rows_only ? !gathers && !follows : w->is_tail) return "is, or is not, for the last rows alone";
    if (!gathers && reads_last != op->last_rows_only) return "reads the last rows alone, or does not, against its kind";
    if (op->out != ROMA_NO_VALUE && (op->out == logits(w)) != (op == last)) return "writes the logits out of place";
    if (op == last && (!follows || !op->last_rows_only || width(w, op->out) != w->p->desc->hyper.vocab))
        return "does not make the logits";
    return NULL;
}

static const char *check_op(walk *w) {
    const roma_op *op = w->op;
    if ((unsigned)op->kind >= ROMA_OP_COUNT) return "is of no known kind";
    w->info = roma_op_about(op->kind);
    if (op->unit != w->info->unit) return "is on another unit than its kind";
    const char *what = roma_plan_check_parameters(w);
    if (!what) what = check_input(w, 0);
    if (!what) what = check_input(w, 1);
    if (!what) what = check_output(w);
    if (!what) what = check_tensor(w);
    if (!what) what = shape_agrees(w) ? NULL : "has shapes that do not agree";
    if (!what) what = roma_plan_check_flow(w);
    if (!what) what = check_tail(w);
    if (what || op->adapter_slot == UINT32_MAX) return what;
    return w->info->work == ROMA_WORK_LINEAR && op->adapter_slot == w->slots && w->slots < w->p->n_adapter_slots
               ? NULL
               : "has an adapter slot that is not its own";
}

static void note_op(walk *w) {
    roma_plan_note_flow(w);
    w->slots += w->op->adapter_slot != UINT32_MAX;
    w->is_tail |= w->op->last_rows_only;
}

static int bad(roma_error *err, const char *what) {
    return roma_fail(err, ROMA_EINTERNAL, "", ROMA_NOWHERE, "the plan %s", what);
}

static int check_values(const roma_plan *p, roma_error *err) {
    if (!p->desc || !p->ops || !p->values || !p->n_ops || !p->n_values) return bad(err, "is empty");
    for (size_t i = 0; i < p->n_values; i++) {
        const roma_value *v = &p->values[i];
        if (!v->width || !memchr(v->name, 0, sizeof v->name)) return bad(err, "has a value without width or name");
        if (v->is_codes && v->width % 32) return bad(err, "has codes whose width is no multiple of 32");
    }
    return ROMA_OK;
}

int roma_plan_check(const roma_plan *p, roma_error *err) {
    int rc = check_values(p, err);
    if (rc) return rc;
    walk w = {.p = p, .values = roma_alloc_array(p->n_values, sizeof *w.values)};
    if (!w.values) return roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory to check the plan");
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
    roma_free(w.values);
    return rc;
}
