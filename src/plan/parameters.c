/* Parameters of operations: their checks, and how they print. */
#include "check.h"

static bool is_none(double v) { return v >= 0 && v <= 0; }

/* Parameters that other kinds have and this one lacks are 0. */
static const char *check_foreign(const roma_op *op) {
#define X(name, type, kinds, help)                                                                                     \
    if (!((kinds) >> op->kind & 1) && !is_none((double)op->param.name))                                                \
        return "has a parameter that its kind lacks: " #name;
    ROMA_PARAMETERS(X)
#undef X
    return NULL;
}

/* has_epsilon(op) and so on: whether the operation's kind has the parameter. */
#define X(name, type, kinds, help)                                                                                     \
    static bool has_##name(const roma_op *op) { return (kinds) >> op->kind & 1; }
ROMA_PARAMETERS(X)
#undef X

/* Whether the operation's order is one that is gathered, of as many elements as its codes have. */
static bool is_order(const walk *w) {
    const roma_op *op = w->op;
    const roma_description *d = w->p->desc;
    if (op->param.order > d->n_orders || op->out >= w->p->n_values) return false;
    const roma_order *o = &d->orders[op->param.order - 1];
    return !o->folded && o->cols == w->p->values[op->out].width;
}

const char *roma_plan_check_parameters(const walk *w) {
    const roma_op *op = w->op;
    const roma_parameters *a = &op->param;
    const char *foreign = check_foreign(op);
    if (foreign) return foreign;
    if (has_epsilon(op) && !(a->epsilon > 0 && a->epsilon < 1)) return "has an epsilon that is not between 0 and 1";
    if (has_rotated(op) && a->rotated != w->p->desc->hyper.rope_dim)
        return "is for another width of a head than the model has phases for";
    if (has_packed(op) && a->packed && a->packed != roma_hyper_packed(&w->p->desc->hyper))
        return "takes other elements of a head than the model has";
    if (has_order(op) && a->order && !is_order(w)) return "gathers in no order of the description for such a value";
    if (has_gain(op) && roma_f32_bits(a->gain) != roma_f32_bits(w->p->desc->hyper.rope_gain))
        return "has another factor of cos and sin than the model";
    if (has_base(op) && a->base) return "asks for another RoPE base than the first, which the engine lacks";
    if (has_scale(op) && !(a->scale > 0 && a->scale <= 0x1.fffffep127f))
        return "has a scale of scores that is no positive number";
    if (has_cap(op) && !is_none((double)a->cap)) return "asks for a soft cap of scores, which the engine lacks";
    if (has_window(op) && a->window) return "asks for a window of attention, which the engine lacks";
    return NULL;
}

void roma_plan_print_parameters(const roma_op *op, roma_buf *out) {
#define X(name, type, kinds, help)                                                                                     \
    if (op->param.name > 0) roma_buf_print(out, "  " #name " %g", (double)op->param.name);
    ROMA_PARAMETERS(X)
#undef X
}

void roma_plan_parameters_json(const roma_op *op, roma_json *j) {
#define X(name, type, kinds, help)                                                                                     \
    if ((kinds) >> op->kind & 1) roma_json_real(j, #name, (double)op->param.name);
    ROMA_PARAMETERS(X)
#undef X
}
