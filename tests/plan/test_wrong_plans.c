/* roma_plan_check against wrong plans: ten that stand for what can go wrong, and every field of every operation spoiled
 * with every value that it can take, on plans of all architectures. What passes means the same (neighbours that do not
 * depend on one another, test_order) or is what a lowering decides: the scale of scores, the gated unit's function. */
#include "roma/map.h"
#include "../cost/random_case.h"
#include "../test.h"

static size_t spoiled;

/* Refused, by the number and name of an operation, or as a whole for adapter slots that are too few. */
static bool is_refused(const roma_plan *p) {
    roma_error err = {0};
    char want[48];
    spoiled++;
    if (roma_plan_check(p, &err) != ROMA_EINTERNAL) return false;
    if (strstr(err.text, "another number of adapter slots")) return true;
    unsigned i = UINT32_MAX;
    if (sscanf(err.text, "plan operation %u (", &i) != 1 || i >= p->n_ops) return false;
    snprintf(want, sizeof want, "plan operation %u (%s) ", i, roma_op_name(p->ops[i].kind));
    return !strncmp(err.text, want, strlen(want)) && strlen(err.text) > strlen(want);
}

/* ---- ten ----------------------------------------------------------------------------------------- */

static size_t find(const roma_plan *p, roma_op_kind kind, uint32_t layer) {
    size_t i = 0;
    while (i < p->n_ops && (p->ops[i].kind != kind || p->ops[i].layer != layer)) i++;
    CHECK(i < p->n_ops);
    return i;
}

static uint32_t value(const roma_plan *p, const char *name) {
    for (uint32_t i = 0; i < p->n_values; i++)
        if (!strcmp(p->values[i].name, name)) return i;
    CHECK(false);
    return 0;
}

/* One field of operation i is set for one check, whose message names the operation and says what is wrong. */
#define WRONG(i, field, v, said)                                                                                       \
    do {                                                                                                               \
        const size_t at_ = (i);                                                                                        \
        const roma_op own_ = p.ops[at_];                                                                               \
        char where_[48];                                                                                               \
        p.ops[at_].field = (v);                                                                                        \
        CHECK_EQ(roma_plan_check(&p, &err), ROMA_EINTERNAL);                                                           \
        snprintf(where_, sizeof where_, "plan operation %zu (%s) ", at_, roma_op_name(own_.kind));                     \
        CHECK_HAS(err.text, where_);                                                                                   \
        CHECK_HAS(err.text, said);                                                                                     \
        p.ops[at_] = own_;                                                                                             \
    } while (0)

/* Llama 2 7B: 32 layers, as many KV heads as heads, so that q, k, v, o, x and y are all as wide. */
static void test_ten(void) {
    roma_description d;
    roma_plan p;
    roma_error err = {0};
    CHECK_EQ(roma_shape_describe(&d, "llama-2-7b", &(roma_shape_format){0}, &err), 0);
    CHECK_EQ(roma_map_plan(&p, &d, &err), 0);
    const size_t attend = find(&p, ROMA_OP_ATTEND, 3), cache = find(&p, ROMA_OP_CACHE, 3);
    WRONG(attend, in[0], value(&p, "k"), "does not belong");
    WRONG(cache, in[1], value(&p, "q"), "does not belong");
    WRONG(find(&p, ROMA_OP_RESIDUAL, 0), in[1], value(&p, "u"), "nothing wrote");
    WRONG(find(&p, ROMA_OP_RESIDUAL, 1), in[1], value(&p, "u"), "shapes");
    WRONG(find(&p, ROMA_OP_SILU, 5), in[1], value(&p, "y"), "shapes");
    WRONG(attend, layer, 77, "no layer");
    WRONG(find(&p, ROMA_OP_QUANTISE, 9), layer, 77, "no layer");
    WRONG(find(&p, ROMA_OP_LINEAR, 9), unit, ROMA_UNIT_V, "unit");
    WRONG(find(&p, ROMA_OP_ATTEND, 0), layer, 1, "another layer");
    WRONG(find(&p, ROMA_OP_LINEAR, 2), adapter_slot, 100000, "slot");
    WRONG(find(&p, ROMA_OP_ROPE, 2), out, value(&p, "x"), "in place");
    WRONG(find(&p, ROMA_OP_ROPE, 2), in[0], value(&p, "xn"), "kind");
    WRONG(find(&p, ROMA_OP_LINEAR, 2), in[0], value(&p, "x"), "kind");
    WRONG(find(&p, ROMA_OP_LINEAR, 2), out, value(&p, "on"), "kind");
    WRONG(p.n_ops - 1, last_rows_only, false, "last rows");
    WRONG(find(&p, ROMA_OP_NORM, 0), param.epsilon, 0, "epsilon");
    WRONG(attend, param.window, 4096, "window of attention, which the engine lacks");
    WRONG(attend, param.cap, 50, "soft cap of scores, which the engine lacks");
    WRONG(attend, param.scale, 0, "scale");
    WRONG(find(&p, ROMA_OP_ROPE, 0), param.base, 1, "base");
    WRONG(find(&p, ROMA_OP_ROPE, 0), param.rotated, 64, "width of a head");
    WRONG(0, param.rotated, 64, "width of a head");
    WRONG(0, param.base, 1, "base");
    WRONG(0, layer, 0, "is in a layer");
    WRONG(0, out, value(&p, "o"), "shapes");
    WRONG(find(&p, ROMA_OP_ROPE, 7), in[1], ROMA_NO_VALUE, "nothing wrote");
    WRONG(find(&p, ROMA_OP_ROPE, 7), in[1], value(&p, "q"), "shapes");
    WRONG(cache, param.window, 1, "its kind lacks: window");
    const roma_op own = p.ops[cache]; /* ATTEND before CACHE */
    p.ops[cache] = p.ops[attend];
    p.ops[attend] = own;
    CHECK_EQ(roma_plan_check(&p, &err), ROMA_EINTERNAL);
    CHECK_HAS(err.text, "(attend) reads a cache that nothing wrote");
    roma_plan_destroy(&p);
    roma_shape_destroy(&d);
}

/* ---- what begins a step -------------------------------------------------------------------------- */

/* Operation `from` stands at place `to` for one check, which says what of which operation is wrong, or nothing. */
static void moved(roma_plan *p, size_t from, size_t to, const char *said) {
    const roma_op own = p->ops[from];
    roma_error err = {0};
    const int step = from < to ? 1 : -1;
    for (size_t i = from; i != to; i += (size_t)step) p->ops[i] = p->ops[i + (size_t)step];
    p->ops[to] = own;
    CHECK_EQ(roma_plan_check(p, &err), said ? ROMA_EINTERNAL : 0);
    if (said) CHECK_HAS(err.text, said);
    for (size_t i = to; i != from; i -= (size_t)step) p->ops[i] = p->ops[i - (size_t)step];
    p->ops[from] = own;
}

/* Operation 1 is another one for one check. */
static void second_is(roma_plan *p, roma_op other, const char *said) {
    const roma_op own = p->ops[1];
    roma_error err = {0};
    p->ops[1] = other;
    CHECK_EQ(roma_plan_check(p, &err), ROMA_EINTERNAL);
    CHECK_HAS(err.text, said);
    p->ops[1] = own;
}

/* Angles and embedding are there before all layers, in either order, once each. */
static void test_beginning(void) {
    roma_description d;
    roma_plan p;
    roma_error err = {0};
    CHECK_EQ(roma_shape_describe(&d, "smollm2-135m", &(roma_shape_format){0}, &err), 0);
    CHECK_EQ(roma_map_plan(&p, &d, &err), 0);
    CHECK(p.ops[0].kind == ROMA_OP_ANGLES && p.ops[1].kind == ROMA_OP_EMBED);
    const size_t rope = find(&p, ROMA_OP_ROPE, 0);
    char late[64], early[64];
    snprintf(late, sizeof late, "plan operation %zu (rope) reads a value that nothing wrote", rope - 1);
    snprintf(early, sizeof early, "plan operation %zu (angles) comes after the first layer", rope - 1);
    moved(&p, 0, 1, NULL);
    moved(&p, 0, p.n_ops - 2, late);
    moved(&p, 0, rope, late); /* just behind the first that reads it */
    moved(&p, 0, rope - 1, early);
    moved(&p, 0, 2, "plan operation 2 (angles) comes after the first layer");
    moved(&p, 1, 2, "plan operation 1 (norm) reads a value that nothing wrote");
    second_is(&p, p.ops[0], "plan operation 1 (angles) stands there twice");
    second_is(&p, p.ops[2], "plan operation 1 (norm) reads a value that nothing wrote"); /* no embedding */
    const roma_op angles = p.ops[0];
    p.ops[0] = p.ops[1];
    second_is(&p, p.ops[0], "plan operation 1 (embed) stands there twice");
    p.ops[0] = angles;
    roma_op *all = p.ops; /* no angles */
    snprintf(late, sizeof late, "plan operation %zu (rope) reads a value that nothing wrote", rope - 1);
    p.ops++, p.n_ops--;
    CHECK_EQ(roma_plan_check(&p, &err), ROMA_EINTERNAL);
    CHECK_HAS(err.text, late);
    p.ops = all, p.n_ops++;
    roma_plan_destroy(&p);
    roma_shape_destroy(&d);
}

/* A model that rotates nothing has neither angles nor a ROPE. */
static void test_no_rotation(void) {
    roma_description d;
    roma_plan p, still;
    roma_error err = {0};
    CHECK_EQ(roma_shape_describe(&d, "qwen3-0.6b", &(roma_shape_format){0}, &err), 0);
    CHECK_EQ(roma_map_plan(&p, &d, &err), 0);
    const uint32_t rotated = d.hyper.rope_dim;
    d.hyper.rope_dim = 0;
    CHECK_EQ(roma_plan_check(&p, &err), ROMA_EINTERNAL);
    CHECK_HAS(err.text, "plan operation 0 (angles) is for another width");
    CHECK_EQ(roma_map_plan(&still, &d, &err), 0);
    CHECK_EQ(still.n_ops, p.n_ops - 1 - 2 * d.hyper.layers);
    for (size_t i = 0; i < still.n_ops; i++)
        CHECK(still.ops[i].kind != ROMA_OP_ANGLES && still.ops[i].kind != ROMA_OP_ROPE);
    d.hyper.rope_dim = rotated;
    CHECK_EQ(roma_plan_check(&still, &err), ROMA_EINTERNAL);
    CHECK_HAS(err.text, "(cache) comes too early or too late");
    roma_plan_destroy(&still);
    roma_plan_destroy(&p);
    roma_shape_destroy(&d);
}

/* ---- every field of every operation -------------------------------------------------------------- */

/* The field takes every value below `end`, and two that are none; only its own passes. */
#define SPOIL(field, type, end)                                                                                        \
    do {                                                                                                               \
        for (uint64_t v_ = 0; v_ < (end) + 2; v_++) {                                                                  \
            const uint64_t x_ = v_ == (end) ? UINT32_MAX : v_ > (end) ? 100000 : v_;                                   \
            if (x_ == (uint64_t)own.field) continue;                                                                   \
            op->field = (type)x_;                                                                                      \
            CHECK(is_refused(p));                                                                                      \
        }                                                                                                              \
        *op = own;                                                                                                     \
    } while (0)

static void spoil_op(roma_plan *p, roma_op *op) {
    const roma_op own = *op;
    for (uint32_t k = 0; k <= ROMA_OP_COUNT; k++) { /* SiLU and squared ReLU are another model's each */
        const bool gates = own.kind == ROMA_OP_SILU || own.kind == ROMA_OP_RELU2;
        op->kind = (roma_op_kind)k;
        if (op->kind != own.kind) CHECK(is_refused(p) != (gates && (k == ROMA_OP_SILU || k == ROMA_OP_RELU2)));
    }
    *op = own;
    SPOIL(unit, roma_unit, 4);
    SPOIL(layer, uint32_t, p->desc->hyper.layers + 1);
    SPOIL(in[0], uint32_t, p->n_values + 1);
    SPOIL(in[1], uint32_t, p->n_values + 1);
    SPOIL(out, uint32_t, p->n_values + 1);
    SPOIL(tensor, uint32_t, p->desc->n_tensors + 1);
    SPOIL(adapter_slot, uint32_t, p->n_adapter_slots + 1);
    op->last_rows_only = !own.last_rows_only;
    CHECK(is_refused(p));
    *op = own;
}

/* Each parameter with values that are wrong for the operation: out of range, what the engine lacks, another kind's.
 * Another scale of scores is another model, which a lowering may ask for. */
static void spoil_parameters(roma_plan *p, roma_op *op) {
    static const float wrong[] = {-1, 1, 3, INFINITY, NAN};
    const roma_op own = *op;
    for (unsigned k = 0; k < 5; k++) {
#define WRONG_float wrong[k]
#define WRONG_uint32_t (k + 1)
#define X(name, type, kinds, help)                                                                                     \
    op->param.name = WRONG_##type;                                                                                     \
    if (memcmp(&op->param, &own.param, sizeof own.param) != 0) /* the operation's own order may be drawn */            \
        CHECK(is_refused(p) != (own.kind == ROMA_OP_ATTEND && op->param.scale >= 1 && op->param.scale < 4));           \
    *op = own;
        ROMA_PARAMETERS(X)
#undef X
    }
}

static bool reads(const roma_op *op, uint32_t v) { return v != ROMA_NO_VALUE && (op->in[0] == v || op->in[1] == v); }

/* Whether two neighbours may change places: neither writes what the other reads or writes, and adapter slots stay in
 * their order. The cache is what CACHE writes and ATTEND reads. */
static bool is_free(const roma_op *a, const roma_op *b) {
    if (reads(a, b->out) || reads(b, a->out) || (a->out == b->out && a->out != ROMA_NO_VALUE)) return false;
    if (a->kind == ROMA_OP_CACHE && b->kind == ROMA_OP_ATTEND) return false;
    return a->adapter_slot == UINT32_MAX || b->adapter_slot == UINT32_MAX;
}

/* Operations that do not depend on one another may stand in either order: the one thing that passes. */
static void test_order(roma_plan *p) {
    for (size_t i = 0; i + 1 < p->n_ops; i++) {
        const roma_op a = p->ops[i], b = p->ops[i + 1];
        p->ops[i] = b;
        p->ops[i + 1] = a;
        roma_error err;
        if (is_free(&a, &b))
            CHECK_EQ(roma_plan_check(p, &err), 0);
        else
            CHECK(is_refused(p));
        p->ops[i] = a; /* said twice, in the other's place */
        p->ops[i + 1] = a;
        CHECK(is_refused(p));
        p->ops[i + 1] = b;
    }
}

/* Without operation i. */
static void test_lacking(roma_plan *p) {
    for (size_t i = 0; i < p->n_ops; i++) {
        const roma_op own = p->ops[i];
        memmove(&p->ops[i], &p->ops[i + 1], (p->n_ops - i - 1) * sizeof own);
        p->n_ops--;
        CHECK(is_refused(p));
        memmove(&p->ops[i + 1], &p->ops[i], (p->n_ops - i) * sizeof own);
        p->n_ops++;
        p->ops[i] = own;
    }
}

static void spoil_plan(roma_plan *p) {
    roma_error err;
    for (size_t i = 0; i < p->n_ops; i++) {
        spoil_op(p, &p->ops[i]);
        spoil_parameters(p, &p->ops[i]);
    }
    test_order(p);
    test_lacking(p);
    CHECK_EQ(roma_plan_check(p, &err), 0);
}

/* A model whose widths are all alike, so that no shape gives a wrong plan away. */
static void test_square(uint32_t arch, bool biased, bool tied, bool ordered) {
    static random_case r;
    roma_error err;
    memset(&r, 0, sizeof r);
    roma_hyper *h = &r.d.hyper;
    *h = (roma_hyper){.arch = arch,
                      .layers = 2,
                      .hidden = 64,
                      .ffn = 64,
                      .heads = 1,
                      .kv_heads = 1,
                      .head_dim = 64,
                      .rope_dim = 64,
                      .vocab = 64,
                      .context = 64,
                      .rms_eps = 1e-5f};
    r.d.tensors = r.tensors;
    for (uint32_t role = 1; role < ROMA_W_END; role++)
        for (uint32_t l = 0; l < (roma_tensor_role_is_layered(role) ? h->layers : 1); l++) {
            roma_image_tensor t = {.role = role, .layer = l, .tie = -1, .is_vector = !roma_tensor_role_is_matrix(role)};
            if (!roma_hyper_shape(h, role, &t.rows, &t.cols)) continue;
            if (!roma_hyper_required(h, role) && (role == ROMA_W_HEAD ? tied : !biased)) continue;
            if (!t.is_vector) t.format = (roma_format){.bits = 4, .scale = ROMA_SCALE_F16, .group = 32, .zero = 8};
            r.tensors[r.d.n_tensors++] = t;
        }
    r.seed = ordered ? 3 : 0;
    random_orders(&r);
    CHECK_EQ(r.d.n_orders > 3, ordered);
    CHECK_EQ(roma_map_plan(&r.plan, &r.d, &err), 0);
    spoil_plan(&r.plan);
    roma_plan_destroy(&r.plan);
}

/* ---- right ones ---------------------------------------------------------------------------------- */

static void test_right(void) {
    static random_case r;
    roma_error err;
    for (unsigned i = 0; roma_shape_name(i); i++) {
        roma_description d;
        roma_plan p;
        CHECK_EQ(roma_shape_describe(&d, roma_shape_name(i), &(roma_shape_format){0}, &err), 0);
        CHECK_EQ(roma_map_plan(&p, &d, &err), 0);
        CHECK_EQ(roma_plan_check(&p, &err), 0);
        roma_plan_destroy(&p);
        roma_shape_destroy(&d);
    }
    for (uint64_t seed = 1; seed <= 300; seed++) {
        CHECK(random_make(&r, seed));
        if (seed <= 6) spoil_plan(&r.plan);
        random_done(&r);
    }
}

int main(void) {
    test_ten();
    test_beginning();
    test_no_rotation();
    for (uint32_t arch = ROMA_ARCH_LLAMA; arch <= ROMA_ARCH_QWEN3; arch++)
        for (unsigned k = 0; k < 8; k++) test_square(arch, k & 1, k & 2, k & 4);
    test_right();
    CHECK(spoiled >= 10000);
    return TEST_DONE();
}
