/* Lowers a model description to a plan: the LLaMA decoder step, layer by layer. */
#include "roma/map.h"

#include <assert.h>
#include <string.h>

/* The values of a step. Those with the same life keep one buffer through all layers. */
enum { X, XN, Q, K, V, O, ON, Y, G, U, GN, L, N_VALUES };

typedef struct {
    roma_plan *p;
    const roma_description *d;
    size_t cap;
    uint32_t layer;
} builder;

static uint32_t tensor_index(const builder *b, uint32_t role, uint32_t layer) {
    const roma_image_tensor *t = roma_description_find(b->d, role, layer == UINT32_MAX ? 0 : layer);
    return t ? (uint32_t)(t - b->d->tensors) : ROMA_NO_TENSOR;
}

static roma_op *emit(builder *b, roma_op_kind kind, uint32_t in0, uint32_t in1, uint32_t out) {
    assert(b->p->n_ops < b->cap);
    roma_op *op = &b->p->ops[b->p->n_ops++];
    *op = (roma_op){kind, roma_op_about(kind)->unit, b->layer, {in0, in1}, out, ROMA_NO_TENSOR, UINT32_MAX, false};
    return op;
}

static void emit_weights(builder *b, roma_op_kind kind, uint32_t role, uint32_t in, uint32_t out) {
    emit(b, kind, in, ROMA_NO_VALUE, out)->tensor = tensor_index(b, role, b->layer);
}

static void emit_linear(builder *b, uint32_t role, uint32_t bias_role, uint32_t in, uint32_t out) {
    roma_op *op = emit(b, ROMA_OP_LINEAR, in, ROMA_NO_VALUE, out);
    op->tensor = tensor_index(b, role, b->layer);
    op->adapter_slot = b->p->n_adapter_slots++;
    if (bias_role && tensor_index(b, bias_role, b->layer) != ROMA_NO_TENSOR)
        emit_weights(b, ROMA_OP_BIAS, bias_role, out, out);
}

static void emit_attention(builder *b) {
    emit_weights(b, ROMA_OP_NORM, ROMA_W_ATTN_NORM, X, XN);
    emit_linear(b, ROMA_W_Q, ROMA_W_Q_BIAS, XN, Q);
    emit_linear(b, ROMA_W_K, ROMA_W_K_BIAS, XN, K);
    emit_linear(b, ROMA_W_V, ROMA_W_V_BIAS, XN, V);
    if (tensor_index(b, ROMA_W_Q_NORM, b->layer) != ROMA_NO_TENSOR) {
        emit_weights(b, ROMA_OP_HEAD_NORM, ROMA_W_Q_NORM, Q, Q);
        emit_weights(b, ROMA_OP_HEAD_NORM, ROMA_W_K_NORM, K, K);
    }
    emit(b, ROMA_OP_ROPE, Q, ROMA_NO_VALUE, Q);
    emit(b, ROMA_OP_ROPE, K, ROMA_NO_VALUE, K);
    emit(b, ROMA_OP_CACHE, K, V, ROMA_NO_VALUE);
    emit(b, ROMA_OP_ATTEND, Q, ROMA_NO_VALUE, O);
    emit(b, ROMA_OP_QUANTISE, O, ROMA_NO_VALUE, ON);
    emit_linear(b, ROMA_W_O, 0, ON, Y);
    emit(b, ROMA_OP_RESIDUAL, X, Y, X);
}

static void emit_ffn(builder *b) {
    emit_weights(b, ROMA_OP_NORM, ROMA_W_FFN_NORM, X, XN);
    emit_linear(b, ROMA_W_GATE, 0, XN, G);
    emit_linear(b, ROMA_W_UP, 0, XN, U);
    emit(b, ROMA_OP_SILU, G, U, G);
    emit(b, ROMA_OP_QUANTISE, G, ROMA_NO_VALUE, GN);
    emit_linear(b, ROMA_W_DOWN, 0, GN, Y);
    emit(b, ROMA_OP_RESIDUAL, X, Y, X);
}

static void set_values(roma_plan *p, const roma_hyper *h) {
    const uint32_t q = h->heads * h->head_dim, kv = h->kv_heads * h->head_dim;
    const roma_value values[N_VALUES] = {
        [X] = {"x", h->hidden, false}, [XN] = {"xn", h->hidden, true}, [Q] = {"q", q, false},
        [K] = {"k", kv, false},        [V] = {"v", kv, false},         [O] = {"o", q, false},
        [ON] = {"on", q, true},        [Y] = {"y", h->hidden, false},  [G] = {"g", h->ffn, false},
        [U] = {"u", h->ffn, false},    [GN] = {"gn", h->ffn, true},    [L] = {"logits", h->vocab, false},
    };
    memcpy(p->values, values, sizeof values);
    p->n_values = N_VALUES;
}

/* ROM words an L-Unit needs: every code and scale bit of every stored matrix, spread evenly. */
static void place(roma_plan *p) {
    const roma_chip *c = &p->chip;
    uint64_t bytes = 0;
    for (size_t i = 0; i < p->desc->n_tensors; i++) {
        const roma_image_tensor *t = &p->desc->tensors[i];
        roma_tile_layout lay;
        if (t->is_vector || t->tie >= 0) continue;
        roma_tile_layout_get(&t->format, t->cols, &lay);
        bytes += lay.bytes * ((t->rows + ROMA_TILE_ROWS - 1) / ROMA_TILE_ROWS);
    }
    const double units = c->matrix_units * c->lunits, word = roma_chip_word_bits(c) / 8;
    p->rom_words = (uint64_t)((double)bytes / (units * word)) + 1;
    if ((double)p->rom_words > c->lunit_words)
        roma_print(p->note, sizeof p->note,
                   "the model needs %llu ROM words an L-Unit and chip %s has %.0f: it runs here, "
                   "but does not fit that chip",
                   (unsigned long long)p->rom_words, c->name, c->lunit_words);
}

int roma_map_plan(roma_plan *p, const roma_description *desc, const roma_chip *chip, roma_error *err) {
    memset(p, 0, sizeof *p);
    p->desc = desc;
    p->chip = *chip;
    builder b = {p, desc, 4 + (size_t)desc->hyper.layers * 24, UINT32_MAX};
    p->ops = roma_alloc_array(b.cap, sizeof *p->ops);
    p->values = roma_alloc_array(N_VALUES, sizeof *p->values);
    if (!p->ops || !p->values) {
        roma_plan_destroy(p);
        return roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the plan");
    }
    set_values(p, &desc->hyper);
    emit_weights(&b, ROMA_OP_EMBED, ROMA_W_EMBED, ROMA_NO_VALUE, X);
    for (b.layer = 0; b.layer < desc->hyper.layers; b.layer++) {
        emit_attention(&b);
        emit_ffn(&b);
    }
    b.layer = UINT32_MAX;
    emit_weights(&b, ROMA_OP_NORM, ROMA_W_FINAL_NORM, X, XN);
    emit_linear(&b, ROMA_W_HEAD, 0, XN, L);
    roma_op *head = &p->ops[p->n_ops - 1];
    if (head->tensor == ROMA_NO_TENSOR) head->tensor = tensor_index(&b, ROMA_W_EMBED, UINT32_MAX); /* tied */
    head[-1].last_rows_only = head->last_rows_only = true;
    place(p);
    int rc = roma_plan_check(p, err);
    if (rc) roma_plan_destroy(p);
    return rc;
}
