/* The lowering of the LLaMA family: Llama, Qwen2 (biases), Qwen3 (norms of heads). */
#include "build.h"

/* The values of a step. Those with the same life keep one buffer through all layers. */
enum { X, XN, Q, K, V, O, ON, Y, G, U, GN, L, A, N_VALUES };

static void add_values(builder *b) {
    const roma_hyper *h = &b->d->hyper;
    const uint32_t q = h->heads * h->head_dim, kv = h->kv_heads * h->head_dim;
    const roma_value values[N_VALUES] = {
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
    roma_map_values(b, values, h->rope_dim ? N_VALUES : A);
}

/* ANGLES or ROPE where the model rotates at all, else NULL. */
static roma_op *add_rotation(builder *b, roma_op_kind kind, uint32_t value, uint32_t angles, uint32_t out) {
    const uint32_t rotated = b->d->hyper.rope_dim;
    roma_op *op = rotated ? roma_map_op(b, kind, value, angles, out) : NULL;
    if (op) op->param.rotated = rotated;
    return op;
}

static void add_attention(builder *b) {
    roma_map_norm(b, ROMA_OP_NORM, ROMA_W_ATTN_NORM, X, XN);
    roma_map_linear(b, ROMA_W_Q, ROMA_W_Q_BIAS, XN, Q);
    roma_map_linear(b, ROMA_W_K, ROMA_W_K_BIAS, XN, K);
    roma_map_linear(b, ROMA_W_V, ROMA_W_V_BIAS, XN, V);
    if (roma_map_has(b, ROMA_W_Q_NORM)) roma_map_norm(b, ROMA_OP_HEAD_NORM, ROMA_W_Q_NORM, Q, Q);
    if (roma_map_has(b, ROMA_W_K_NORM)) roma_map_norm(b, ROMA_OP_HEAD_NORM, ROMA_W_K_NORM, K, K);
    add_rotation(b, ROMA_OP_ROPE, Q, A, Q);
    add_rotation(b, ROMA_OP_ROPE, K, A, K);
    roma_map_op(b, ROMA_OP_CACHE, K, V, ROMA_NO_VALUE);
    roma_map_op(b, ROMA_OP_ATTEND, Q, ROMA_NO_VALUE, O)->param.scale =
        1.0f / __builtin_sqrtf((float)roma_true_head(&b->d->hyper));
    roma_map_op(b, ROMA_OP_QUANTISE, O, ROMA_NO_VALUE, ON)->param.packed = roma_hyper_packed(&b->d->hyper);
    roma_map_linear(b, ROMA_W_O, ROMA_W_O_BIAS, ON, Y);
    roma_map_op(b, ROMA_OP_RESIDUAL, X, Y, X);
}

static void add_ffn(builder *b) {
    roma_map_norm(b, ROMA_OP_NORM, ROMA_W_FFN_NORM, X, XN);
    roma_map_linear(b, ROMA_W_GATE, ROMA_W_GATE_BIAS, XN, G);
    roma_map_linear(b, ROMA_W_UP, ROMA_W_UP_BIAS, XN, U);
    roma_map_op(b, ROMA_OP_SILU, G, U, G);
    roma_map_op(b, ROMA_OP_QUANTISE, G, ROMA_NO_VALUE, GN);
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
