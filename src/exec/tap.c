/* The tap: hands out what every operation of a step gave, in the byte order of docs/trace-format.md. A step with a tap
 * takes a path of its own, so that one without pays nothing: a barrier stands before and after every operation, and
 * between the two thread 0 copies the result out. An adapter's part, which a LINEAR leaves to the next reader of its
 * product, is computed here once more, into rows of its own. */
#include "internal.h"

/* ---- bytes --------------------------------------------------------------------------------------- */

static uint8_t *put_floats(uint8_t *p, const float *x, size_t n) {
    for (size_t i = 0; i < n; i++, p += 4) roma_put32(p, x[i] != x[i] ? 0x7FC00000u : roma_f32_bits(x[i]));
    return p;
}

static uint8_t *put_codes(uint8_t *p, const roma_act *a, size_t width) {
    memcpy(p, a->code, width);
    p += width;
    for (size_t i = 0; i < width / ROMA_SUBGROUP; i++) *p++ = (uint8_t)a->shift[i];
    return put_floats(p, &a->scale, 1);
}

/* Of a code of the cache in a record. */
static size_t traced_bytes(roma_kv_code code) { return code == ROMA_KV_CODE_F16 ? 2 : 1; }

/* What a position holds in the cache, read back from its pages: keys or values of all KV heads, then their scales. */
static void put_position(uint8_t *p, const roma_exec *e, const roma_op *op, const roma_exec_row *row, bool keys) {
    const uint32_t dim = e->hyper->head_dim, heads = e->hyper->kv_heads, slot = row->position % ROMA_PAGE;
    const roma_kv_code code = keys ? e->kv->k : e->kv->v;
    const size_t bytes = traced_bytes(code);
    uint8_t *scales = p + bytes * dim * heads;
    for (uint32_t h = 0; h < heads; h++) {
        const roma_kv_page page = roma_exec_page(e, row->sequence, row->position / ROMA_PAGE, op->layer, h);
        for (uint32_t d = 0; d < dim; d++, p += bytes) {
            const uint16_t stored = roma_kv_get(code, keys ? page.k : page.v, dim, !keys, slot, d);
            p[0] = (uint8_t)(code == ROMA_KV_CODE_INT4 ? (stored ^ 8) - 8 : stored);
            if (bytes == 2) p[1] = (uint8_t)(stored >> 8);
        }
        scales = put_floats(scales, (keys ? page.k_scale : page.v_scale) + slot, 1);
    }
}

/* ---- records ------------------------------------------------------------------------------------- */

/* Rows of the step, all or those whose logits are wanted: [first, first + n) of that list, `row` of the step first. */
typedef struct {
    size_t first, row;
    uint32_t n;
} tap_block;

static size_t row_at(const roma_exec *e, const roma_op *op, size_t i) {
    return op->last_rows_only ? e->logit_row[i] : i;
}

/* The block that begins at place `first` of the list. */
static tap_block block_at(const roma_exec *e, const roma_op *op, size_t first) {
    const size_t all = op->last_rows_only ? e->n_logits : e->n_rows, row = row_at(e, op, first);
    tap_block b = {first, row, 1};
    while (first + b.n < all && row_at(e, op, first + b.n) == row + b.n &&
           e->rows[row + b.n].sequence == e->rows[row].sequence && e->rows[row + b.n].adapters == e->rows[row].adapters)
        b.n++;
    return b;
}

static void tell(const roma_exec *e, const roma_op *op, const tap_block *b, roma_tap_record r) {
    r.op = (size_t)(op - e->plan->ops);
    r.rows = e->rows + b->row;
    r.n = b->n;
    r.bytes = e->tap.bytes;
    e->tap.fn(e->tap.ctx, &r);
}

static size_t codes_bytes(size_t width) { return width + width / ROMA_SUBGROUP + 4; }

/* What lies in the operation's value. Rows of a step, unlike a thread's copies beyond them, are consecutive; thread 0's
 * copy in a one-row step is the row itself. */
static void tell_value(const roma_exec *e, const roma_op *op, const tap_block *b) {
    const roma_value *value = &e->plan->values[op->out];
    const value_store *v = &e->values[op->out];
    const size_t row_bytes = value->is_codes ? codes_bytes(value->width) : (size_t)4 * value->width;
    for (size_t i = 0; i < b->n; i++) {
        uint8_t *p = e->tap.bytes + i * row_bytes;
        if (value->is_codes)
            put_codes(p, &v->act[b->first + i], value->width);
        else
            put_floats(p, v->f32 + (b->first + i) * v->stride, value->width);
    }
    tell(e, op, b, (roma_tap_record){.width = value->width, .is_codes = value->is_codes, .row_bytes = row_bytes});
}

static void tell_cache(const roma_exec *e, const roma_op *op, const tap_block *b) {
    const uint32_t heads = e->hyper->kv_heads, width = heads * e->hyper->head_dim;
    for (int keys = 1; keys >= 0; keys--) {
        const size_t row_bytes = traced_bytes(keys ? e->kv->k : e->kv->v) * width + (size_t)4 * heads;
        for (size_t i = 0; i < b->n; i++) put_position(e->tap.bytes + i * row_bytes, e, op, &e->rows[b->row + i], keys);
        tell(e, op, b,
             (roma_tap_record){.part = keys ? ROMA_TAP_KEYS : ROMA_TAP_VALUES,
                               .width = width,
                               .is_codes = true,
                               .row_bytes = row_bytes});
    }
}

/* The slot of a row in a group; UINT32_MAX: none. */
static uint32_t slot_of(const lora_state *l, const lora_group *g, size_t row) {
    for (uint32_t i = g->first; i < g->first + g->n; i++)
        if (l->slots[i].row == row) return i;
    return UINT32_MAX;
}

/* The codes of h and t, as they were kept for B. */
static void tell_down(const roma_exec *e, const roma_op *op, const tap_block *b, uint32_t g, uint32_t place) {
    const uint32_t rank = e->lora.groups[g].adapter->matrix[op->adapter_slot].b.rank;
    const size_t row_bytes = (size_t)2 * rank + 4;
    for (size_t i = 0; i < b->n; i++) {
        float t;
        const int16_t *codes = roma_exec_lora_codes(e, op, slot_of(&e->lora, &e->lora.groups[g], b->row + i), &t);
        uint8_t *p = e->tap.bytes + i * row_bytes;
        for (uint32_t k = 0; k < rank; k++, p += 2) roma_put16(p, (uint16_t)codes[k]);
        put_floats(p, &t, 1);
    }
    tell(e, op, b,
         (roma_tap_record){
             .part = ROMA_TAP_DOWN, .adapter = place, .width = rank, .is_codes = true, .row_bytes = row_bytes});
}

/* What group g alone adds, to zeros below which nothing is lost: -0 + x is x, +0 too. */
static void tell_group(const roma_exec *e, const roma_op *op, const tap_block *b, uint32_t g, uint32_t place) {
    const size_t stride = e->values[op->out].stride, width = e->plan->values[op->out].width;
    roma_exec alone = *e;
    alone.lora.groups += g;
    alone.lora.n_groups = 1;
    for (size_t i = b->row * stride; i < (b->row + b->n) * stride; i++) e->tap.part[i] = -0.0f;
    roma_exec_lora_add(&alone, op, e->tap.part, stride, 0, width, b->row, b->row + b->n);
    for (size_t i = 0; i < b->n; i++)
        put_floats(e->tap.bytes + i * 4 * width, e->tap.part + (b->row + i) * stride, width);
    tell(e, op, b,
         (roma_tap_record){
             .part = ROMA_TAP_ADAPTER, .adapter = place, .width = (uint32_t)width, .row_bytes = (size_t)4 * width});
}

/* Groups stand in the order of places in the rows' sets: the k-th one that has a row is the row's k-th adapter. */
static void tell_adapters(const roma_exec *e, const roma_op *op, const tap_block *b) {
    uint32_t place = 0;
    for (uint32_t g = 0; g < e->lora.n_groups; g++) {
        if (slot_of(&e->lora, &e->lora.groups[g], b->row) == UINT32_MAX) continue;
        if (e->lora.groups[g].adapter->matrix[op->adapter_slot].b.rank) {
            tell_down(e, op, b, g, place);
            tell_group(e, op, b, g, place);
        }
        place++;
    }
}

static void tell_op(const roma_exec *e, const roma_op *op) {
    const size_t all = op->last_rows_only ? e->n_logits : e->n_rows;
    tap_block b;
    for (size_t first = 0; first < all; first += b.n) {
        b = block_at(e, op, first);
        if (op->out == ROMA_NO_VALUE)
            tell_cache(e, op, &b);
        else
            tell_value(e, op, &b);
        if (op->adapter_slot != UINT32_MAX && !op->last_rows_only) tell_adapters(e, op, &b); /* the head's are in it */
    }
}

/* ---- the step ------------------------------------------------------------------------------------ */

void roma_exec_tap_run(void *ctx, int thread, int threads) {
    roma_exec *e = ctx;
    for (size_t i = 0; i < e->plan->n_ops; i++) {
        const roma_op *op = &e->plan->ops[i];
        if (op->last_rows_only && !e->n_logits) continue;
        roma_exec_op(e, op, thread, threads);
        roma_team_barrier(e->team);
        if (thread == 0) tell_op(e, op);
        roma_team_barrier(e->team);
    }
}

/* Bytes of the largest record, floats of the largest adapter's part. */
static void room(const roma_exec *e, size_t *bytes, size_t *floats) {
    const roma_plan *p = e->plan;
    const size_t cache = (size_t)e->hyper->kv_heads * (2 * e->hyper->head_dim + 4), down = 2 * e->lora.width + 4;
    *bytes = e->cfg.rows * (cache > down ? cache : down);
    *floats = 1;
    for (size_t i = 0; i < p->n_ops; i++) {
        const roma_op *op = &p->ops[i];
        if (op->out == ROMA_NO_VALUE) continue;
        const size_t rows = op->last_rows_only ? e->cfg.logit_rows : e->cfg.rows, width = p->values[op->out].width;
        const size_t need = rows * (p->values[op->out].is_codes ? codes_bytes(width) : 4 * width);
        const size_t part = op->adapter_slot == UINT32_MAX ? 0 : e->cfg.rows * e->values[op->out].stride;
        if (need > *bytes) *bytes = need;
        if (!op->last_rows_only && part > *floats) *floats = part;
    }
}

int roma_exec_tap(roma_exec *e, roma_tap_fn fn, void *ctx, roma_error *err) {
    if (fn && !e->tap.bytes) {
        size_t bytes, floats;
        room(e, &bytes, &floats);
        e->tap.bytes = roma_alloc(bytes);
        e->tap.part = roma_alloc(floats * sizeof *e->tap.part);
        if (!e->tap.bytes || !e->tap.part) {
            roma_exec_tap_free(e);
            return roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for a tap of %zu bytes",
                             bytes + floats * sizeof *e->tap.part);
        }
    }
    if (!fn) roma_exec_tap_free(e);
    e->tap.fn = fn;
    e->tap.ctx = ctx;
    return ROMA_OK;
}

void roma_exec_tap_free(roma_exec *e) {
    roma_free(e->tap.bytes);
    roma_free(e->tap.part);
    e->tap = (tap_state){0};
}
