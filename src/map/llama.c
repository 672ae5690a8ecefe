/* The lowering of the LLaMA family: Llama, Qwen2 (biases), Qwen3 (norms of heads). */
#include "build.h"

/* The values of a step. Those with the same life keep one buffer through all layers. */
enum { X, XN, Q, K, V, O, ON, Y, G, U, GN, L, A, N_VALUES };

static const uint32_t attention[] = {ROMA_W_Q, ROMA_W_K, ROMA_W_V}, gated[] = {ROMA_W_GATE, ROMA_W_UP};

/* Different orders among the columns of n products of the builder's layer. */
static uint32_t count_orders(const builder *b, const uint32_t *products, uint32_t n) {
    uint32_t different = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t k = 0;
        while (roma_map_gather(b, products[k]) != roma_map_gather(b, products[i])) k++;
        different += k == i;
    }
    return different;
}

/* Copies of codes that some half of a layer needs beside the first. */
static uint32_t count_copies(builder *b) {
    uint32_t most = 1;
    for (b->layer = 0; b->d->n_orders && b->layer < b->d->hyper.layers; b->layer++) {
        const uint32_t a = count_orders(b, attention, 3), f = count_orders(b, gated, 2), n = a > f ? a : f;
        if (n > most) most = n;
    }
    b->layer = UINT32_MAX;
    return most - 1;
}

static void add_values(builder *b) {
    const roma_hyper *h = &b->d->hyper;
    const uint32_t q = h->heads * h->head_dim, kv = h->kv_heads * h->head_dim, copies = count_copies(b);
    roma_value values[N_VALUES + 2] = {
        [X] = {"x", h->hidden, false},
        [XN] = {"xn", h->hidden, true},
        [Q] = {"q", q, false},
        [K] = {"k", kv, false},
        [V] = {"v", kv, false},
        [O] = {"o", q, false},
        [ON] = {"on", roma_hyper_attended(h), true},
        [Y] = {"y", h->hidden, false},
        [G] = {"g", h->ffn, false},
        [U] = {"u", h->ffn, false},
        [GN] = {"gn", h->ffn, true},
        [L] = {"logits", h->vocab, false},
        [A] = {"angles", h->rope_dim, false},
    };
    b->more = h->rope_dim ? N_VALUES : A;
    for (uint32_t i = 0; i < copies; i++) {
        values[b->more + i] = values[XN];
        values[b->more + i].name[2] = (char)('2' + i);
    }
    roma_map_values(b, values, b->more + copies);
}

/* ANGLES or ROPE where the model rotates at all, else NULL. */
static roma_op *add_rotation(builder *b, roma_op_kind kind, uint32_t value, uint32_t angles, uint32_t out) {
    const uint32_t rotated = b->d->hyper.rope_dim;
    roma_op *op = rotated ? roma_map_op(b, kind, value, angles, out) : NULL;
    if (op) op->param.rotated = rotated;
    return op;
}

/* QUANTISE in the order of the columns that read it. */
static roma_op *add_quantise(builder *b, uint32_t role, uint32_t in, uint32_t out) {
    roma_op *op = roma_map_op(b, ROMA_OP_QUANTISE, in, ROMA_NO_VALUE, out);
    op->param.order = roma_map_gather(b, role);
    return op;
}

static void add_attention(builder *b) {
    uint32_t codes[3];
    roma_map_norms(b, ROMA_W_ATTN_NORM, attention, 3, X, XN, codes);
    roma_map_linear(b, ROMA_W_Q, ROMA_W_Q_BIAS, codes[0], Q);
    roma_map_linear(b, ROMA_W_K, ROMA_W_K_BIAS, codes[1], K);
    roma_map_linear(b, ROMA_W_V, ROMA_W_V_BIAS, codes[2], V);
    if (roma_map_has(b, ROMA_W_Q_NORM)) roma_map_norm(b, ROMA_OP_HEAD_NORM, ROMA_W_Q_NORM, Q, Q);
    if (roma_map_has(b, ROMA_W_K_NORM)) roma_map_norm(b, ROMA_OP_HEAD_NORM, ROMA_W_K_NORM, K, K);
    add_rotation(b, ROMA_OP_ROPE, Q, A, Q);
    add_rotation(b, ROMA_OP_ROPE, K, A, K);
    roma_map_op(b, ROMA_OP_CACHE, K, V, ROMA_NO_VALUE);
    roma_map_op(b, ROMA_OP_ATTEND, Q, ROMA_NO_VALUE, O)->param.scale =
        1.0f / __builtin_sqrtf((float)roma_true_head(&b->d->hyper));
    add_quantise(b, ROMA_W_O, O, ON)->param.packed = roma_hyper_packed(&b->d->hyper);
    roma_map_linear(b, ROMA_W_O, ROMA_W_O_BIAS, ON, Y);
    roma_map_op(b, ROMA_OP_RESIDUAL, X, Y, X);
}

static void add_ffn(builder *b) {
    uint32_t codes[2];
    roma_map_norms(b, ROMA_W_FFN_NORM, gated, 2, X, XN, codes);
    roma_map_linear(b, ROMA_W_GATE, ROMA_W_GATE_BIAS, codes[0], G);
    roma_map_linear(b, ROMA_W_UP, ROMA_W_UP_BIAS, codes[1], U);
    roma_map_op(b, ROMA_OP_SILU, G, U, G);
    add_quantise(b, ROMA_W_DOWN, G, GN);
    roma_map_linear(b, ROMA_W_DOWN, ROMA_W_DOWN_BIAS, GN, Y);
    roma_map_op(b, ROMA_OP_RESIDUAL, X, Y, X);
}

void roma_map_llama(builder *b) {
    add_values(b);
    roma_op *angles = add_rotation(b, ROMA_OP_ANGLES, ROMA_NO_VALUE, ROMA_NO_VALUE, A);
    if (angles) angles->param.gain = b->d->hyper.rope_gain;
    roma_map_tensor_op(b, ROMA_OP_EMBED, ROMA_W_EMBED, ROMA_NO_VALUE, X);
    for (b->layer = 0; b->layer < b->d->hyper.layers; b->layer++) {
        add_attention(b);
        add_ffn(b);
    }
    b->layer = UINT32_MAX;
    roma_map_head(b, ROMA_W_FINAL_NORM, X, XN, L);
}
