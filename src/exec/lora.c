/* Adapters in a step: docs/numerics.md section 3.4. A x is computed beside the base's product, its slots shared out
 * among the threads; B (A x) is added by the thread that reads the product next, after the barrier that stands between
 * them anyway. */
#include "internal.h"

#include <assert.h>
#include <string.h>

void roma_exec_lora_lay(roma_exec *e, walk *w) {
    lora_state *l = &e->lora;
    const uint64_t slots = e->cfg.adapters ? (uint64_t)e->cfg.rows * e->cfg.adapter_stack : 0;
    l->from = take(w, e->plan->n_ops * sizeof *l->from);
    l->slots = take(w, slots * sizeof *l->slots);
    l->groups = take(w, slots * sizeof *l->groups);
    l->count = take(w, (uint64_t)e->cfg.adapters * sizeof *l->count);
    for (int p = 0; p < LORA_PLACES; p++) {
        l->codes[p] = take(w, slots * l->width * sizeof *l->codes[p]);
        l->t[p] = take(w, slots * sizeof *l->t[p]);
    }
}

/* Finds the operation that must add B (A x) to a LINEAR's product: the first one whose kind does so with this input. A
 * BIAS before it rewrites the product in place and leaves the addition to that reader. */
static void find_reader(roma_exec *e, uint32_t linear) {
    const uint32_t value = e->plan->ops[linear].out;
    for (uint32_t i = linear + 1; i < e->plan->n_ops; i++) {
        const roma_op *op = &e->plan->ops[i];
        for (int k = 0; k < 2; k++)
            if (op->in[k] == value && roma_op_about(op->kind)->in[k] == ROMA_DATA_SUM) {
                e->lora.from[i][k] = linear + 1;
                return;
            }
    }
}

void roma_exec_lora_find(roma_exec *e) {
    for (uint32_t i = 0; i < e->plan->n_ops; i++)
        if (e->plan->ops[i].adapter_slot != UINT32_MAX) find_reader(e, i);
}

/* Number of the buffer that holds A x (codes and scale) of this matrix. Each of a layer's seven matrices has its own,
 * because in a one-row step one thread may start the next matrix while another still adds the previous one. */
static int place_of(const roma_exec *e, const roma_op *linear) {
    switch (e->plan->desc->tensors[linear->tensor].role) {
    case ROMA_W_Q: return 0;
    case ROMA_W_K: return 1;
    case ROMA_W_V: return 2;
    case ROMA_W_O: return 3;
    case ROMA_W_GATE: return 4;
    case ROMA_W_UP: return 5;
    default: return 6;
    }
}

const int16_t *roma_exec_lora_codes(const roma_exec *e, const roma_op *linear, uint32_t slot, float *t) {
    const int place = place_of(e, linear);
    *t = e->lora.t[place][slot];
    return e->lora.codes[place] + (size_t)slot * e->lora.width;
}

/* ---- rows by adapter ---- */

static const lora_set *set_of(const roma_exec *e, size_t row) { return &e->lora.sets[e->rows[row].adapters]; }

/* Groups and slots of the adapters that stand at place `p` of their rows' sets; rows ascend within a group. */
static void group_place(roma_exec *e, uint32_t p) {
    lora_state *l = &e->lora;
    memset(l->count, 0, e->cfg.adapters * sizeof *l->count);
    for (size_t r = 0; r < e->n_rows; r++)
        if (set_of(e, r)->n > p) l->count[set_of(e, r)->part[p].id]++;
    for (uint32_t a = 0; a < e->cfg.adapters; a++) {
        if (!l->count[a]) continue;
        l->groups[l->n_groups++] = (lora_group){&l->adapters[a], l->n_slots, l->count[a]};
        l->count[a] = l->n_slots;
        l->n_slots = l->groups[l->n_groups - 1].first + l->groups[l->n_groups - 1].n;
    }
    for (size_t r = 0; r < e->n_rows; r++)
        if (set_of(e, r)->n > p)
            l->slots[l->count[set_of(e, r)->part[p].id]++] = (lora_slot){(uint32_t)r, set_of(e, r)->part[p].factor};
}

void roma_exec_lora_group(roma_exec *e) {
    uint32_t most = 0;
    e->lora.n_slots = e->lora.n_groups = 0;
    for (size_t r = 0; r < e->n_rows; r++) most = set_of(e, r)->n > most ? set_of(e, r)->n : most;
    for (uint32_t p = 0; p < most; p++) group_place(e, p);
}

/* ---- factors of the base's product ---- */

void roma_exec_lora_factors(const roma_exec *e, const roma_op *linear, size_t begin, size_t end) {
    const lora_state *l = &e->lora;
    const value_store *y = &e->values[linear->out];
    const size_t n = linear->last_rows_only ? e->n_logits : e->n_rows, from = begin * ROMA_TILE_ROWS,
                 width = (end - begin) * ROMA_TILE_ROWS;
    for (size_t i = 0; i < n && begin < end; i++) { /* of a row's adapters the first alone may have factors */
        const lora_set *set = set_of(e, linear->last_rows_only ? e->logit_row[i] : i);
        const float *factor = set->n ? l->adapters[set->part[0].id].matrix[linear->adapter_slot].factor : NULL;
        float *at = y->f32 + i * y->stride + from;
        if (factor) e->kern->mul(at, at, factor + from, width);
    }
}

/* ---- A x ---- */

/* int16 codes of slot's h, with the 0 that follows an odd rank, and t. */
static void keep(const roma_exec *e, int place, const lora_matrix *m, uint32_t slot, float *h) {
    const lora_state *l = &e->lora;
    int16_t *codes = l->codes[place] + (size_t)slot * l->width;
    e->kern->mul(h, h, m->a_scale, m->b.rank);
    const float scale = roma_quantise_i16(h, m->b.rank, codes);
    if (m->b.rank % 2) codes[m->b.rank] = 0;
    l->t[place][slot] = scale * (m->scale * l->slots[slot].factor);
}

/* Slots [first, first + n) of one group, at most LORA_BLOCK. */
static void product_block(const roma_exec *e, const roma_op *linear, const lora_matrix *m, uint32_t first, uint32_t n,
                          int thread) {
    const lora_state *l = &e->lora;
    const thread_scratch *s = &e->scratch[thread];
    const uint64_t cols = e->plan->values[linear->in[0]].width;
    const roma_act *acts[LORA_BLOCK];
    for (uint32_t i = 0; i < n; i++)
        acts[i] = &e->values[linear->in[0]].act[row_slot(e, l->slots[first + i].row, thread)];
    e->kern->lora_product(cols, roma_adapter_format(cols).group, m->a, roma_tiles(m->b.rank), acts, n, s->h, l->width);
    for (uint32_t i = 0; i < n; i++) keep(e, place_of(e, linear), m, first + i, s->h + (size_t)i * l->width);
}

/* Part of [begin, end) that lies in the group. */
static void clip(const lora_group *g, size_t begin, size_t end, uint32_t *from, uint32_t *to) {
    *from = g->first > begin ? g->first : (uint32_t)begin;
    *to = g->first + g->n < end ? g->first + g->n : (uint32_t)end;
}

/* Which thread begins changes from matrix to matrix, so that a lone slot does not always meet the same one. */
void roma_exec_lora_product(roma_exec *e, const roma_op *linear, int thread, int threads) {
    const lora_state *l = &e->lora;
    size_t begin, end;
    roma_share(l->n_slots, (int)(((uint32_t)thread + linear->adapter_slot) % (uint32_t)threads), threads, &begin, &end);
    for (uint32_t g = 0; g < l->n_groups; g++) {
        const lora_matrix *m = &l->groups[g].adapter->matrix[linear->adapter_slot];
        uint32_t from, to;
        clip(&l->groups[g], begin, end, &from, &to);
        for (; m->b.rank && from < to; from += LORA_BLOCK)
            product_block(e, linear, m, from, to - from < LORA_BLOCK ? to - from : LORA_BLOCK, thread);
    }
}

/* ---- B (A x) ---- */

/* Slots of the group whose rows are [begin, end). */
static void find_rows(const lora_state *l, const lora_group *g, size_t begin, size_t end, uint32_t *from,
                      uint32_t *to) {
    *from = g->first;
    *to = g->first + g->n;
    while (*from < *to && l->slots[*from].row < begin) ++*from;
    while (*from < *to && l->slots[*to - 1].row >= end) --*to;
}

void roma_exec_lora_add(const roma_exec *e, const roma_op *linear, float *y, size_t stride, size_t from, size_t to,
                        size_t begin, size_t end) {
    const lora_state *l = &e->lora;
    const int place = place_of(e, linear);
    assert(from % ROMA_TILE_ROWS == 0 && to % ROMA_TILE_ROWS == 0);
    for (uint32_t g = 0; g < l->n_groups; g++) {
        roma_lora_b b = l->groups[g].adapter->matrix[linear->adapter_slot].b;
        uint32_t slot, last;
        if (!b.rank) continue;
        b.tiles += from / ROMA_TILE_ROWS * roma_lora_tile_bytes(b.type, b.rank);
        b.scale += from;
        find_rows(l, &l->groups[g], begin, end, &slot, &last);
        while (slot < last) {
            float *rows[LORA_BLOCK];
            const uint32_t n = last - slot < LORA_BLOCK ? last - slot : LORA_BLOCK;
            for (uint32_t i = 0; i < n; i++) rows[i] = y + l->slots[slot + i].row * stride + from;
            e->kern->lora_add(&b, (to - from) / ROMA_TILE_ROWS, l->codes[place] + (size_t)slot * l->width, l->width,
                              l->t[place] + slot, n, rows);
            slot += n;
        }
    }
}

/* ---- where no other operation reads the product: the head, and the embedding ---- */

/* int16 codes of h, behind h in the thread's room; *t: their scale, the target's and the request's. */
static const int16_t *codes_of(const roma_exec *e, const lora_matrix *m, float *h, float factor, float *t) {
    int16_t *codes = (int16_t *)(void *)(h + e->lora.width);
    e->kern->mul(h, h, m->a_scale, m->b.rank);
    const float scale = roma_quantise_i16(h, m->b.rank, codes);
    if (m->b.rank % 2) codes[m->b.rank] = 0;
    *t = scale * (m->scale * factor);
    return codes;
}

/* Logits of one row: number i of those that are wanted. */
static void head_row(roma_exec *e, const roma_op *linear, const lora_matrix *m, float factor, size_t i, int thread,
                     size_t begin, size_t end) {
    const value_store *out = &e->values[linear->out];
    const uint64_t cols = e->plan->values[linear->in[0]].width;
    const roma_act *act = &e->values[linear->in[0]].act[row_slot(e, i, thread)];
    float *h = e->scratch[thread].h, *y = out->f32 + i * out->stride + begin * ROMA_TILE_ROWS, t;
    roma_lora_b b = m->b;
    b.tiles += begin * roma_lora_tile_bytes(b.type, b.rank);
    b.scale += begin * ROMA_TILE_ROWS;
    e->kern->lora_product(cols, roma_adapter_format(cols).group, m->a, roma_tiles(b.rank), &act, 1, h, e->lora.width);
    const int16_t *codes = codes_of(e, m, h, factor, &t);
    e->kern->lora_add(&b, end - begin, codes, e->lora.width, &t, 1, &y);
}

void roma_exec_lora_head(roma_exec *e, const roma_op *linear, int thread, size_t begin, size_t end) {
    const lora_state *l = &e->lora;
    for (uint32_t g = 0; g < l->n_groups && begin < end; g++) {
        const lora_matrix *m = &l->groups[g].adapter->matrix[linear->adapter_slot];
        for (uint32_t s = 0; m->b.rank && s < l->groups[g].n; s++) {
            const lora_slot *slot = &l->slots[l->groups[g].first + s];
            for (size_t i = 0; i < e->n_logits; i++)
                if (e->logit_row[i] == slot->row) head_row(e, linear, m, slot->factor, i, thread, begin, end);
        }
    }
}

void roma_exec_lora_embed(roma_exec *e, size_t r, float *x, int thread) {
    const lora_set *set = set_of(e, r);
    const uint64_t id = (uint64_t)e->rows[r].token,
                   cols = ((uint64_t)e->hyper->vocab + ROMA_STRIPE - 1) / ROMA_STRIPE * ROMA_STRIPE;
    for (uint32_t p = 0; p < set->n; p++) {
        const lora_matrix *m = &e->lora.adapters[set->part[p].id].matrix[e->plan->n_adapter_slots];
        const roma_format f = roma_adapter_format(cols);
        float *h = e->scratch[thread].h, t;
        roma_tile_layout at;
        if (!m->b.rank) continue;
        roma_tile_layout_get(&f, cols, &at);
        for (unsigned k = 0; k < m->b.rank; k++) {
            const uint8_t *tile = m->a + k / ROMA_TILE_ROWS * at.bytes;
            h[k] = (float)(int8_t)tile[64 * (id / 4) + 4 * (k % ROMA_TILE_ROWS) + id % 4];
        }
        if (m->factor) e->kern->mul(x, x, m->factor, e->hyper->hidden);
        const int16_t *codes = codes_of(e, m, h, set->part[p].factor, &t);
        e->kern->lora_add(&m->b, e->hyper->hidden / ROMA_TILE_ROWS, codes, e->lora.width, &t, 1, &x);
    }
}
