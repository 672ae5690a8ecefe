/* One function per operation of the plan: each does a thread's share. How work is shared stands in share.c. */
#include "internal.h"

#include <assert.h>
#include <string.h>

static const roma_image_tensor *tensor_of(const roma_exec *e, const roma_op *op) {
    return &e->image->desc.tensors[op->tensor];
}
static const float *vector_of(const roma_exec *e, const roma_op *op) {
    return (const float *)(const void *)tensor_of(e, op)->data;
}

/* Rows that a thread handles in a row operation: all of them (the one) when rows are replicated. */
static void row_share(const roma_exec *e, size_t n, int thread, int threads, size_t *begin, size_t *end) {
    if (e->n_rows == 1) {
        *begin = 0;
        *end = n;
    } else
        roma_share(n, thread, threads, begin, end);
}

static void op_embed(roma_exec *e, const roma_op *op, int thread, int threads) {
    const roma_image_tensor *t = tensor_of(e, op);
    const value_store *x = &e->values[op->out];
    size_t begin, end;
    row_share(e, e->n_rows, thread, threads, &begin, &end);
    for (size_t r = begin; r < end; r++) {
        const uint64_t id = (uint64_t)e->rows[r].token;
        roma_tile_dequant_row(&t->format, t->cols, t->data + id / ROMA_TILE_ROWS * t->tile_bytes,
                              (unsigned)(id % ROMA_TILE_ROWS), slot_f32(e, x, row_slot(e, r, thread)));
        if (e->lora.n_slots) roma_exec_lora_embed(e, r, slot_f32(e, x, row_slot(e, r, thread)), thread);
    }
}

/* cos and sin of every pair at every row's position, once for all heads and layers. */
static void op_angles(roma_exec *e, const roma_op *op, int thread, int threads) {
    size_t begin, end;
    row_share(e, e->n_rows, thread, threads, &begin, &end);
    for (size_t r = begin; r < end; r++) {
        float *cs = slot_f32(e, &e->values[op->out], row_slot(e, r, thread));
        for (uint32_t i = 0; i < op->param.rotated / 2; i++, cs += 2) {
            const uint64_t phase = (uint64_t)e->rows[r].position * e->hyper->rope_phase[i];
            roma_sincos_turn((uint32_t)(phase >> 32), &cs[1], &cs[0]);
            if (!(op->param.gain > 0)) continue;
            cs[0] *= op->param.gain;
            cs[1] *= op->param.gain;
        }
    }
}

/* x in the order in which the columns want it (docs/numerics.md, section 2). */
static const float *in_order(const roma_exec *e, const roma_op *op, const float *x, uint64_t n, int thread) {
    if (!op->param.order) return x;
    const uint32_t *from = e->image->desc.orders[op->param.order - 1].from;
    float *out = e->scratch[thread].ordered;
    for (uint64_t i = 0; i < n; i++) out[i] = x[from[i]];
    return out;
}

static void op_norm(roma_exec *e, const roma_op *op, int thread, int threads) {
    const float *g = vector_of(e, op);
    const value_store *x = &e->values[op->in[0]], *out = &e->values[op->out];
    const uint64_t n = e->plan->values[op->in[0]].width;
    float *gained = e->scratch[thread].gained;
    size_t begin, end;
    row_share(e, op->last_rows_only ? e->n_logits : e->n_rows, thread, threads, &begin, &end);
    for (size_t i = begin; i < end; i++) {
        const size_t row = op->last_rows_only ? e->logit_row[i] : i;
        const float *xr = slot_f32(e, x, row_slot(e, row, thread));
        const float inverse = e->kern->rms_inverse(xr, roma_true_hidden(e->hyper), op->param.epsilon);
        e->kern->mul(gained, xr, g, n);
        e->kern->quantise(in_order(e, op, gained, n, thread), n, inverse, &out->act[row_slot(e, i, thread)]);
    }
}

/* Of each head the elements that are the model's, one head behind the other, and zeros up to the width of codes. */
static const float *pack_heads(const roma_exec *e, const roma_op *op, const float *x, uint64_t n, int thread) {
    const uint32_t dim = e->hyper->head_dim, keep = op->param.packed;
    float *out = e->scratch[thread].gained;
    for (uint32_t h = 0; h < e->hyper->heads; h++) memcpy(out + h * keep, x + h * dim, keep * sizeof *out);
    memset(out + e->hyper->heads * keep, 0, (n - e->hyper->heads * keep) * sizeof *out);
    return out;
}

static void op_quantise(roma_exec *e, const roma_op *op, int thread, int threads) {
    const value_store *x = &e->values[op->in[0]], *out = &e->values[op->out];
    const uint64_t n = e->plan->values[op->out].width;
    size_t begin, end;
    row_share(e, e->n_rows, thread, threads, &begin, &end);
    for (size_t r = begin; r < end; r++) {
        const float *xr = x->f32 + r * x->stride;
        if (op->param.packed) xr = pack_heads(e, op, xr, n, thread);
        e->kern->quantise(in_order(e, op, xr, n, thread), n, 1.0f, &out->act[row_slot(e, r, thread)]);
    }
}

/* Tiles of a thread: share.c. */
static void tile_share(const roma_exec *e, const roma_op *op, int thread, size_t *begin, size_t *end) {
    const uint32_t *cut = e->cuts + (size_t)(op - e->plan->ops) * ((size_t)e->threads + 1);
    *begin = cut[thread];
    *end = cut[thread + 1];
}

static void op_linear(roma_exec *e, const roma_op *op, int thread, int threads) {
    const roma_image_tensor *t = tensor_of(e, op);
    const value_store *in = &e->values[op->in[0]], *out = &e->values[op->out];
    const size_t n = op->last_rows_only ? e->n_logits : e->n_rows;
    size_t begin, end;
    tile_share(e, op, thread, &begin, &end);
    if (begin < end)
        e->kern->product(&t->format, t->cols, t->data + begin * t->tile_bytes, end - begin,
                         &in->act[row_slot(e, 0, thread)], n, out->f32 + begin * ROMA_TILE_ROWS, out->stride,
                         e->scratch[thread].product);
    if (!e->lora.n_slots || op->adapter_slot == UINT32_MAX) return;
    roma_exec_lora_factors(e, op, begin, end);
    if (op->last_rows_only)
        roma_exec_lora_head(e, op, thread, begin, end);
    else
        roma_exec_lora_product(e, op, thread, threads);
}

/* Columns of a value that a thread owns after a linear: whole tiles, clipped to the width. */
static void column_share(const roma_exec *e, const roma_op *op, int thread, size_t *begin, size_t *end) {
    const uint64_t width = e->plan->values[op->in[0]].width;
    tile_share(e, op, thread, begin, end);
    *begin *= ROMA_TILE_ROWS;
    *end = *end * ROMA_TILE_ROWS < width ? *end * ROMA_TILE_ROWS : width;
}

static void op_bias(roma_exec *e, const roma_op *op, int thread) {
    const value_store *y = &e->values[op->out];
    const float *b = vector_of(e, op);
    size_t begin, end;
    column_share(e, op, thread, &begin, &end);
    for (size_t r = 0; r < e->n_rows && begin < end; r++) {
        float *yr = y->f32 + r * y->stride + begin;
        e->kern->add(yr, yr, b + begin, end - begin);
    }
}

/* Columns [begin, end) of all rows of input k get what adapters add to them. */
static void add_columns(const roma_exec *e, const roma_op *op, int k, size_t begin, size_t end) {
    const roma_op *linear = lora_from(e, op, k);
    const value_store *v = &e->values[op->in[k]];
    if (linear && begin < end) roma_exec_lora_add(e, linear, v->f32, v->stride, begin, end, 0, e->n_rows);
}

/* A function of gate and up, column by column. */
typedef void (*gated_fn)(float *out, const float *gate, const float *up, uint64_t n);
static void op_gated(roma_exec *e, const roma_op *op, int thread, gated_fn fn) {
    const value_store *g = &e->values[op->in[0]], *u = &e->values[op->in[1]];
    size_t begin, end;
    column_share(e, op, thread, &begin, &end);
    for (int k = 0; k < 2; k++) add_columns(e, op, k, begin, end);
    for (size_t r = 0; r < e->n_rows && begin < end; r++) {
        float *gr = g->f32 + r * g->stride + begin;
        fn(gr, gr, u->f32 + r * u->stride + begin, end - begin);
    }
}

static void op_residual(roma_exec *e, const roma_op *op, int thread, int threads) {
    const value_store *x = &e->values[op->in[0]], *y = &e->values[op->in[1]];
    const roma_op *linear = lora_from(e, op, 1);
    const size_t width = e->plan->values[op->in[0]].width;
    size_t begin, end;
    row_share(e, e->n_rows, thread, threads, &begin, &end);
    if (e->n_rows == 1 && linear) { /* all threads read this row: each adds in a copy */
        float *own = e->scratch[thread].gained, *xr = slot_f32(e, x, row_slot(e, 0, thread));
        memcpy(own, y->f32, width * sizeof *own);
        roma_exec_lora_add(e, linear, own, width, 0, width, 0, 1);
        e->kern->add(xr, xr, own, width);
        return;
    }
    if (linear) roma_exec_lora_add(e, linear, y->f32, y->stride, 0, width, begin, end);
    for (size_t r = begin; r < end; r++) {
        float *xr = slot_f32(e, x, row_slot(e, r, thread));
        e->kern->add(xr, xr, y->f32 + r * y->stride, width);
    }
}

/* Items [begin, end) of heads x rows, head-major, get what adapters add to input k: the rest of a head's rows, whole
 * heads, the first rows of another head. */
static void add_heads(const roma_exec *e, const roma_op *op, int k, size_t begin, size_t end) {
    const roma_op *linear = lora_from(e, op, k);
    const value_store *v = &e->values[op->in[k]];
    const size_t dim = e->hyper->head_dim, rows = e->n_rows;
    while (linear && begin < end) {
        const size_t head = begin / rows, row = begin % rows, whole = row ? 0 : (end - begin) / rows;
        const size_t heads = whole ? whole : 1, left = rows - row < end - begin ? rows - row : end - begin,
                     n = whole ? rows : left;
        roma_exec_lora_add(e, linear, v->f32, v->stride, head * dim, (head + heads) * dim, row, row + n);
        begin += heads * n;
    }
}

/* Operations on heads: item i is head i / n_rows of row i % n_rows, so that one thread owns a head from the norm to
 * the attention. fn gets the head's elements, and where the row lies in values that are dealt out by rows. */
typedef void (*head_fn)(roma_exec *e, const roma_op *op, size_t slot, float *head);
static void for_heads(roma_exec *e, const roma_op *op, int thread, int threads, head_fn fn) {
    const value_store *v = &e->values[op->in[0]];
    const uint32_t dim = e->hyper->head_dim;
    size_t begin, end;
    roma_share(e->plan->values[op->in[0]].width / dim * e->n_rows, thread, threads, &begin, &end);
    add_heads(e, op, 0, begin, end);
    for (size_t i = begin; i < end; i++) {
        const size_t row = i % e->n_rows;
        fn(e, op, row_slot(e, row, thread), v->f32 + row * v->stride + i / e->n_rows * dim);
    }
}

static void head_norm(roma_exec *e, const roma_op *op, size_t slot, float *head) {
    (void)slot;
    const uint32_t dim = e->hyper->head_dim;
    const float inverse = e->kern->rms_inverse(head, roma_true_head(e->hyper), op->param.epsilon),
                *g = vector_of(e, op);
    for (uint32_t i = 0; i < dim; i++) head[i] = head[i] * inverse * g[i];
}

static void head_rope(roma_exec *e, const roma_op *op, size_t slot, float *head) {
    roma_rope(head, op->param.rotated, slot_f32(e, &e->values[op->in[1]], slot));
}

static void op_cache(roma_exec *e, const roma_op *op, int thread, int threads) {
    const value_store *k = &e->values[op->in[0]], *v = &e->values[op->in[1]];
    const uint32_t dim = e->hyper->head_dim;
    size_t begin, end;
    roma_share(e->hyper->kv_heads * e->n_rows, thread, threads, &begin, &end);
    add_heads(e, op, 1, begin, end);
    for (size_t i = begin; i < end; i++) {
        const size_t row = i % e->n_rows, head = i / e->n_rows;
        const roma_exec_row *r = &e->rows[row];
        const roma_kv_page p = roma_exec_page(e, r->sequence, r->position / ROMA_PAGE, op->layer, (uint32_t)head);
        roma_kv_put(e->kv, &p, dim, r->position % ROMA_PAGE, k->f32 + row * k->stride + head * dim,
                    v->f32 + row * v->stride + head * dim);
    }
}

void roma_exec_op(roma_exec *e, const roma_op *op, int thread, int threads) {
    switch (op->kind) {
    case ROMA_OP_EMBED: op_embed(e, op, thread, threads); break;
    case ROMA_OP_ANGLES: op_angles(e, op, thread, threads); break;
    case ROMA_OP_NORM: op_norm(e, op, thread, threads); break;
    case ROMA_OP_QUANTISE: op_quantise(e, op, thread, threads); break;
    case ROMA_OP_LINEAR: op_linear(e, op, thread, threads); break;
    case ROMA_OP_BIAS: op_bias(e, op, thread); break;
    case ROMA_OP_HEAD_NORM: for_heads(e, op, thread, threads, head_norm); break;
    case ROMA_OP_ROPE: for_heads(e, op, thread, threads, head_rope); break;
    case ROMA_OP_CACHE: op_cache(e, op, thread, threads); break;
    case ROMA_OP_ATTEND: roma_exec_attend(e, op, thread, threads); break;
    case ROMA_OP_SILU: op_gated(e, op, thread, e->kern->silu_mul); break;
    case ROMA_OP_RELU2: op_gated(e, op, thread, e->kern->relu2_mul); break;
    case ROMA_OP_RESIDUAL: op_residual(e, op, thread, threads); break;
    case ROMA_OP_COUNT: assert(0); break;
    }
}
