/* The builder that lowerings share. */
#include "build.h"

#include <string.h>

static uint32_t tensor_index(const builder *b, uint32_t role) {
    const roma_image_tensor *t = roma_description_find(b->d, role, b->layer == UINT32_MAX ? 0 : b->layer);
    return t ? (uint32_t)(t - b->d->tensors) : ROMA_NO_TENSOR;
}

bool roma_map_has(const builder *b, uint32_t role) { return tensor_index(b, role) != ROMA_NO_TENSOR; }

uint32_t roma_map_gather(const builder *b, uint32_t role) {
    const uint32_t i = tensor_index(b, role);
    return i == ROMA_NO_TENSOR ? 0 : roma_description_gather(b->d, &b->d->tensors[i]);
}

void roma_map_values(builder *b, const roma_value *values, size_t n) {
    b->p->values = roma_alloc_array(n, sizeof *values);
    b->failed |= !b->p->values;
    if (b->failed) return;
    memcpy(b->p->values, values, n * sizeof *values);
    b->p->n_values = n;
}

roma_op *roma_map_op(builder *b, roma_op_kind kind, uint32_t in0, uint32_t in1, uint32_t out) {
    b->failed |= !ROMA_GROW(&b->p->ops, b->p->n_ops, &b->cap);
    roma_op *op = b->failed ? &b->lost : &b->p->ops[b->p->n_ops++];
    *op = (roma_op){.kind = kind,
                    .unit = roma_op_about(kind)->unit,
                    .layer = b->layer,
                    .in = {in0, in1},
                    .out = out,
                    .tensor = ROMA_NO_TENSOR,
                    .adapter_slot = UINT32_MAX};
    return op;
}

roma_op *roma_map_tensor_op(builder *b, roma_op_kind kind, uint32_t role, uint32_t in, uint32_t out) {
    roma_op *op = roma_map_op(b, kind, in, ROMA_NO_VALUE, out);
    op->tensor = tensor_index(b, role);
    return op;
}

void roma_map_linear(builder *b, uint32_t role, uint32_t bias_role, uint32_t in, uint32_t out) {
    roma_map_tensor_op(b, ROMA_OP_LINEAR, role, in, out)->adapter_slot = b->p->n_adapter_slots++;
    if (bias_role && roma_map_has(b, bias_role)) roma_map_tensor_op(b, ROMA_OP_BIAS, bias_role, out, out);
}

roma_op *roma_map_norm(builder *b, roma_op_kind kind, uint32_t role, uint32_t in, uint32_t out) {
    roma_op *op = roma_map_tensor_op(b, kind, role, in, out);
    op->param.epsilon = b->d->hyper.rms_eps;
    return op;
}

void roma_map_norms(builder *b, uint32_t norm_role, const uint32_t *products, uint32_t n, uint32_t in, uint32_t first,
                    uint32_t *codes) {
    uint32_t order[3], made = 0;
    for (uint32_t i = 0, k; i < n; i++) {
        order[i] = roma_map_gather(b, products[i]);
        for (k = 0; order[k] != order[i];) k++;
        codes[i] = k < i ? codes[k] : made ? b->more + made - 1 : first;
        if (k < i) continue;
        roma_map_norm(b, ROMA_OP_NORM, norm_role, in, codes[i])->param.order = order[i];
        made++;
    }
}

void roma_map_head(builder *b, uint32_t norm_role, uint32_t in, uint32_t codes, uint32_t logits) {
    const uint32_t role = roma_map_has(b, ROMA_W_HEAD) ? ROMA_W_HEAD : ROMA_W_EMBED; /* tied */
    roma_map_norm(b, ROMA_OP_NORM, norm_role, in, codes)->last_rows_only = true;
    roma_op *head = roma_map_tensor_op(b, ROMA_OP_LINEAR, role, codes, logits);
    head->adapter_slot = b->p->n_adapter_slots++;
    head->last_rows_only = true;
}
