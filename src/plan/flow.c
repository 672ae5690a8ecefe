/* What each value of a plan holds, operation after operation: a plan is right when every operation reads what belongs
 * there. Two tables say what belongs where; a role or a kind that they lack is refused wherever it stands. */
#include "check.h"

/* What a value holds is the role of the tensor that made it, or what an operation without tensor makes. */
enum { RESIDUAL = ROMA_W_EMBED, ATTENDED = ROMA_W_END, GATED, ANGLES };
#define BIT(what) (1u << (what))
/* A product's steps, in their order; READ is after all of them. */
enum { BIASED = 1, NORMED = 2, ROTATED = 4, READ = 8 };

/* Operations with a tensor: which kind has a tensor of that role, what it reads, and in which half of a layer. */
static const struct {
    uint8_t kind, reads, half;
} of_role[ROMA_W_END] = {
    [ROMA_W_EMBED] = {ROMA_OP_EMBED, 0, 0},
    [ROMA_W_ATTN_NORM] = {ROMA_OP_NORM, RESIDUAL, 0},
    [ROMA_W_Q] = {ROMA_OP_LINEAR, ROMA_W_ATTN_NORM, 0},
    [ROMA_W_K] = {ROMA_OP_LINEAR, ROMA_W_ATTN_NORM, 0},
    [ROMA_W_V] = {ROMA_OP_LINEAR, ROMA_W_ATTN_NORM, 0},
    [ROMA_W_Q_BIAS] = {ROMA_OP_BIAS, ROMA_W_Q, 0},
    [ROMA_W_K_BIAS] = {ROMA_OP_BIAS, ROMA_W_K, 0},
    [ROMA_W_V_BIAS] = {ROMA_OP_BIAS, ROMA_W_V, 0},
    [ROMA_W_Q_NORM] = {ROMA_OP_HEAD_NORM, ROMA_W_Q, 0},
    [ROMA_W_K_NORM] = {ROMA_OP_HEAD_NORM, ROMA_W_K, 0},
    [ROMA_W_O] = {ROMA_OP_LINEAR, ATTENDED, 0},
    [ROMA_W_O_BIAS] = {ROMA_OP_BIAS, ROMA_W_O, 0},
    [ROMA_W_FFN_NORM] = {ROMA_OP_NORM, RESIDUAL, 1},
    [ROMA_W_GATE] = {ROMA_OP_LINEAR, ROMA_W_FFN_NORM, 1},
    [ROMA_W_UP] = {ROMA_OP_LINEAR, ROMA_W_FFN_NORM, 1},
    [ROMA_W_DOWN] = {ROMA_OP_LINEAR, GATED, 1},
    [ROMA_W_GATE_BIAS] = {ROMA_OP_BIAS, ROMA_W_GATE, 1},
    [ROMA_W_UP_BIAS] = {ROMA_OP_BIAS, ROMA_W_UP, 1},
    [ROMA_W_DOWN_BIAS] = {ROMA_OP_BIAS, ROMA_W_DOWN, 1},
    [ROMA_W_FINAL_NORM] = {ROMA_OP_NORM, RESIDUAL, 0},
    [ROMA_W_HEAD] = {ROMA_OP_LINEAR, ROMA_W_FINAL_NORM, 0},
};

/* Operations without tensor: what each input may hold (none: of_role says it) and what comes out (0: what input 0
 * holds). Of all operations: the step that they are of a product. */
static const struct {
    uint32_t reads[2];
    uint8_t makes, step;
} of_kind[] = {
    [ROMA_OP_EMBED] = {{0, 0}, 0, READ},
    [ROMA_OP_NORM] = {{0, 0}, 0, READ},
    [ROMA_OP_QUANTISE] = {{BIT(ATTENDED) | BIT(GATED), 0}, 0, READ},
    [ROMA_OP_LINEAR] = {{0, 0}, 0, READ},
    [ROMA_OP_BIAS] = {{0, 0}, 0, BIASED},
    [ROMA_OP_HEAD_NORM] = {{0, 0}, 0, NORMED},
    [ROMA_OP_ANGLES] = {{0, 0}, ANGLES, READ},
    [ROMA_OP_ROPE] = {{BIT(ROMA_W_Q) | BIT(ROMA_W_K), BIT(ANGLES)}, 0, ROTATED},
    [ROMA_OP_CACHE] = {{BIT(ROMA_W_K), BIT(ROMA_W_V)}, 0, READ},
    [ROMA_OP_ATTEND] = {{BIT(ROMA_W_Q), 0}, ATTENDED, READ},
    [ROMA_OP_SILU] = {{BIT(ROMA_W_GATE), BIT(ROMA_W_UP)}, GATED, READ},
    [ROMA_OP_RELU2] = {{BIT(ROMA_W_GATE), BIT(ROMA_W_UP)}, GATED, READ},
    [ROMA_OP_RESIDUAL] = {{BIT(RESIDUAL), BIT(ROMA_W_O) | BIT(ROMA_W_DOWN)}, RESIDUAL, READ},
};
_Static_assert(sizeof of_kind / sizeof *of_kind == ROMA_OP_COUNT, "every kind has its row");

static const held *input(const walk *w, unsigned k) { return &w->values[w->op->in[k]]; }
static bool has_value(const walk *w, unsigned k) { return is_value(w->info->in[k]); }

static bool has_role(const walk *w, uint32_t role, uint32_t layer) {
    return roma_description_find(w->p->desc, role, layer) != NULL;
}

/* The embedding is the head of a model that has no other. */
static uint32_t role_of(const walk *w) {
    const uint32_t role = walk_tensor(w)->role;
    const bool is_tied = role == ROMA_W_EMBED && w->info->work == ROMA_WORK_LINEAR && !has_role(w, ROMA_W_HEAD, 0);
    return is_tied ? ROMA_W_HEAD : role;
}

static uint32_t may_read(const walk *w, unsigned k) {
    return w->info->tensor == ROMA_TENSOR_NONE ? of_kind[w->op->kind].reads[k] : BIT(of_role[role_of(w)].reads);
}

/* Steps that the model wants for a product of this layer. */
static unsigned wanted_steps(const walk *w, const held *v) {
    const bool rotates = w->p->desc->hyper.rope_dim && of_kind[ROMA_OP_ROPE].reads[0] & BIT(v->what);
    unsigned steps = rotates ? ROTATED : 0;
    for (uint32_t role = 1; role < ROMA_W_END; role++)
        if (of_role[role].reads == v->what && of_kind[of_role[role].kind].step != READ && has_role(w, role, v->layer))
            steps |= of_kind[of_role[role].kind].step;
    return steps;
}

static const char *check_input(const walk *w, unsigned k) {
    const held *v = input(w, k);
    if (!(may_read(w, k) & BIT(v->what))) return "reads what does not belong there";
    if (!(BIT(v->what) & (BIT(RESIDUAL) | BIT(ANGLES))) && v->layer != w->op->layer)
        return "reads what another layer made";
    if (w->info->in[k] == ROMA_DATA_CODES && v->order != roma_description_gather(w->p->desc, walk_tensor(w)))
        return "reads codes in another order than its matrix's columns";
    if (v->steps != (wanted_steps(w, v) & (of_kind[w->op->kind].step - 1u)))
        return "comes too early or too late: bias, norm and rotation of a product have an order";
    if (w->info->sharing == ROMA_SHARE_TILES && w->info->in[k] != ROMA_DATA_CODES && !v->is_tiled)
        return "works on what no matrix made";
    if (v->owes && w->info->in[k] != ROMA_DATA_SUM && w->info->sharing != ROMA_SHARE_TILES)
        return "reads a product before adapters were added";
    return NULL;
}

/* Operations that read no value stand before all layers, each kind once. */
static const char *check_beginning(const walk *w) {
    if (w->info->in[0] != ROMA_DATA_NONE) return NULL;
    if (w->op->layer != UINT32_MAX) return "is in a layer and serves all of them";
    if (w->has_begun) return "comes after the first layer has begun";
    return w->beginnings >> w->op->kind & 1 ? "stands there twice" : NULL;
}

/* The residual is normed and added to in turn: attention of layer 0, feed-forward of layer 0, attention of layer 1. */
static bool is_its_turn(const walk *w) {
    if (!has_value(w, 0) || input(w, 0)->what != RESIDUAL) return true;
    const uint32_t layer = w->op->layer == UINT32_MAX ? w->p->desc->hyper.layers : w->op->layer;
    const uint32_t role = w->info->tensor == ROMA_TENSOR_NONE ? input(w, 1)->what : role_of(w);
    return w->turn == 2 * layer + of_role[role].half;
}

const char *roma_plan_check_flow(const walk *w) {
    if (w->info->tensor != ROMA_TENSOR_NONE && of_role[role_of(w)].kind != w->op->kind)
        return "has a tensor of another operation";
    const char *what = check_beginning(w);
    for (unsigned k = 0; k < 2 && !what; k++)
        if (has_value(w, k)) what = check_input(w, k);
    if (what) return what;
    if (w->op->kind == ROMA_OP_QUANTISE &&
        w->op->param.packed != (input(w, 0)->what == ATTENDED ? roma_hyper_packed(&w->p->desc->hyper) : 0))
        return "takes other elements of a head than the model has";
    if (!is_its_turn(w)) return "meets the residual out of turn";
    if (w->info->in[1] == ROMA_DATA_PAGES && w->op->layer >= w->cached) return "reads a cache that nothing wrote";
    return w->info->out == ROMA_DATA_PAGES && w->op->layer != w->cached ? "writes the cache of a layer out of turn"
                                                                        : NULL;
}

void roma_plan_note_flow(walk *w) {
    const roma_op *op = w->op;
    const bool in_place = w->info->out == ROMA_DATA_IN_PLACE, has_tensor = w->info->tensor != ROMA_TENSOR_NONE;
    const uint8_t step = of_kind[op->kind].step;
    held out = {.layer = op->layer, .what = of_kind[op->kind].makes, .is_last = op->last_rows_only};
    for (unsigned k = 0; k < 2; k++)
        if (w->info->in[k] == ROMA_DATA_SUM) w->values[op->in[k]].owes = false;
    if (has_tensor && !in_place) out.what = (uint8_t)role_of(w);
    if (!out.what && has_value(w, 0)) out.what = input(w, 0)->what;
    if (step != READ) out.steps = input(w, 0)->steps | step;
    out.order = op->param.order;
    out.is_tiled = w->info->sharing == ROMA_SHARE_TILES;
    out.owes = op->adapter_slot != UINT32_MAX || (in_place && input(w, 0)->owes);
    if (w->info->in[0] == ROMA_DATA_NONE)
        w->beginnings |= BIT(op->kind);
    else
        w->has_begun = true;
    w->turn += in_place && input(w, 0)->what == RESIDUAL;
    w->cached += w->info->out == ROMA_DATA_PAGES;
    if (op->out != ROMA_NO_VALUE) w->values[op->out] = out;
}
