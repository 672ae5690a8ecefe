/* Instances: the rows of a block turned into cycles and events (docs/cost-model.md sections 1.4, 1.7, 1.8 and 2). */
#include "timing.h"

uint32_t roma_cost_timing_rows(const timing *t, uint32_t op, uint32_t block) {
    return t->p->ops[op].last_rows_only ? t->blocks[block].logits : t->blocks[block].rows;
}

unsigned roma_cost_timing_units(const timing *t, uint32_t op, roma_cost_part part) {
    const roma_op *o = &t->p->ops[op];
    const unsigned L = 1u << ROMA_UNIT_L, H = 1u << ROMA_UNIT_H;
    if (part != ROMA_PART_BASE) return t->c->lora_where > 0 ? L : t->c->overlap > 0 ? 1u << ROMA_UNIT_ADAPTER : H;
    if (roma_op_about(o->kind)->work == ROMA_WORK_ATTEND) return t->c->overlap > 0 ? H : H | L;
    return 1u << o->unit;
}

timing_walk roma_cost_timing_walk(const timing *t, uint32_t block) {
    const timing_block *b = &t->blocks[block];
    return (timing_walk){t, b->span, b->skip, b->rows};
}

bool roma_cost_timing_next(timing_walk *w, timing_piece *out) {
    if (!w->left) return false;
    const roma_cost_span *s = &w->t->spans[w->span];
    out->span = s;
    out->rows = s->rows - w->skip < w->left ? s->rows - w->skip : w->left;
    out->first = s->position + w->skip;
    w->left -= out->rows;
    w->skip = 0;
    w->span++;
    return true;
}

/* ---- cycles ---- */

static bool is_first_block(const timing *t, uint32_t op, uint32_t block) {
    return block == (t->p->ops[op].last_rows_only ? t->first_logits : 0);
}

static void linear_duration(const timing *t, uint32_t op, uint32_t block, uint64_t n, timing_duration *d) {
    const timing_op *o = &t->ops[op];
    const uint64_t once = is_first_block(t, op, block) ? o->once : 0, work = o->row + (n - 1) * o->next;
    d->occ = (o->hides ? timing_larger(work, once) : work + once) + timing_up((double)n * o->repair);
    d->first = o->first;
    d->pass = (n - 1) * o->next;
}

/* The largest of a row, then its codes. */
static void quantise_duration(const timing *t, const timing_op *o, uint64_t n, timing_duration *d) {
    const uint64_t R = timing_reduction(&t->k, o->vec);
    d->occ = timing_larger(n * o->vec, o->vec + R + t->k.div) + timing_larger(n * o->vec, o->bc);
}

/* The largest of a row and of its products with g, then the squares, then the codes. */
static void norm_duration(const timing *t, const timing_op *o, uint64_t n, timing_duration *d) {
    const timing_numbers *k = &t->k;
    const uint64_t R = timing_reduction(k, o->vec), squares = timing_larger(n * o->vec, o->vec + R),
                   codes = timing_larger(squares + n * o->vec, o->vec + k->mul + R + k->div);
    d->occ = codes + timing_larger(n * o->vec, o->bc);
    d->scale = squares + n * o->vec + roma_cost_chain_cycles(t->c, ROMA_CHAIN_SQUARE) + R +
               roma_cost_chain_cycles(t->c, ROMA_CHAIN_RMS) + k->mul + k->far;
}

/* A head lies in neighbouring vector units. */
static void head_norm_duration(const timing *t, const timing_op *o, uint64_t n, timing_duration *d) {
    const timing_numbers *k = &t->k;
    const uint64_t dims = t->p->desc->hyper.head_dim, lanes = timing_up(t->c->vector_lanes),
                   units = timing_ceil_div(dims, lanes),
                   r = (timing_clog2(dims < lanes ? dims : lanes) + timing_clog2(units) + units - 1) * k->hop;
    const uint64_t squares = timing_larger(n * o->vec, o->vec + r),
                   inverse = squares + o->vec + roma_cost_chain_cycles(t->c, ROMA_CHAIN_SQUARE) + r +
                             roma_cost_chain_cycles(t->c, ROMA_CHAIN_RMS);
    d->occ = timing_larger(squares + n * o->vec, inverse) + n * o->vec;
}

/* Codes that several dies made parts of go to all of them. */
static uint64_t exchanged(const timing *t, const roma_op *op, uint64_t n) {
    const double dies = t->place->dies;
    if (t->c->die_split == 0 || dies <= 1 || t->k.calibrated) return 0;
    const double bytes = (double)(timing_code_bytes(t->p->values[op->in[0]].width) * n);
    return timing_up(bytes * (dies - 1) / dies * t->c->clock_hz / t->c->die_bandwidth);
}

static void vector_duration(const timing *t, uint32_t index, uint64_t n, timing_duration *d) {
    const roma_op *op = &t->p->ops[index];
    const timing_op *o = &t->ops[index];
    if (t->k.calibrated) return;
    if (op->kind == ROMA_OP_NORM)
        norm_duration(t, o, n, d);
    else if (op->kind == ROMA_OP_QUANTISE)
        quantise_duration(t, o, n, d);
    else if (op->kind == ROMA_OP_HEAD_NORM)
        head_norm_duration(t, o, n, d);
    else
        d->occ = n * o->vec;
    if (roma_op_about(op->kind)->out == ROMA_DATA_CODES) d->lat += exchanged(t, op, n);
}

void roma_cost_timing_of(const timing *t, timing_part part, timing_duration *d) {
    const timing_op *o = &t->ops[part.op];
    const uint64_t n = roma_cost_timing_rows(t, part.op, part.block);
    *d = (timing_duration){0};
    if (part.part != ROMA_PART_BASE) {
        roma_cost_timing_adapter(t, part, d, NULL);
        return;
    }
    d->lat = o->lat;
    switch (roma_op_about(t->p->ops[part.op].kind)->work) {
    case ROMA_WORK_EMBED:
    case ROMA_WORK_CACHE: d->occ = n * o->row; break;
    case ROMA_WORK_LINEAR: linear_duration(t, part.op, part.block, n, d); break;
    case ROMA_WORK_ATTEND: roma_cost_timing_attend(t, part.op, part.block, d, NULL); break;
    case ROMA_WORK_VECTOR: vector_duration(t, part.op, n, d); break;
    }
}

/* ---- events ---- */

static double scale_bits(const roma_image_tensor *t) { return (double)(t->rows * roma_place_scale_bits(t)); }

/* Activations reach the lanes through the L-Units' buffers, and integer sums merge on their way to the leaf units. */
static void feed_events(const timing *t, const roma_image_tensor *w, const roma_place_tensor *m, double n, bool fills,
                        roma_events *e) {
    const timing_numbers *k = &t->k;
    const double units = (double)k->U, waves = (double)(m->unit_rows / k->group_rows * m->row_words);
    const double merges = n * waves * units * (double)(k->N * k->group_rows) * (1 - 1 / (double)m->group_lunits);
    e->buffer_bits += n * waves * units * (double)k->N * 32 / m->lane_bits * 67 / 8;
    if (fills) e->buffer_bits += n * units * 8 * (double)timing_code_bytes(w->cols);
    e->merge_adds += merges;
    e->wire_bit_mm += merges * t->c->merge_bits * t->unit_mm;
}

static void linear_events(const timing *t, uint32_t index, uint32_t block, double n, roma_events *e) {
    const roma_op *op = &t->p->ops[index];
    const timing_op *o = &t->ops[index];
    const roma_image_tensor *w = timing_tensor(t->p, op);
    const roma_place_tensor *m = timing_place(t, op);
    const double weights = (double)(w->rows * w->cols), groups = (double)timing_ceil_div(w->cols, w->format.group),
                 reads = t->c->hold > 0 ? 1 : n;
    const bool fills = o->group == UINT32_MAX || o->group == index;
    const uint64_t cycles = o->row + (uint64_t)(n - 1) * o->next;
    e->rom_bits += reads * (weights * m->lane_bits + scale_bits(w));
    e->lane_macs += n * weights * m->lane_bits / 4;
    e->leaves += n * (double)w->rows * groups;
    e->lunit_cycles += (double)(cycles * t->k.U * t->k.N);
    e->sram_bits += n * o->repair * 8 * t->c->hunit_bandwidth;
    if (op->layer != UINT32_MAX || t->c->full_logits > 0) e->wire_bit_mm += n * (double)w->rows * 32 * t->mean_mm;
    if (!fills && n > 1) e->wire_bit_mm += n * 8 * (double)timing_code_bytes(w->cols) * t->tree_mm;
    feed_events(t, w, m, n, fills || n > 1, e);
    if (is_first_block(t, index, block) && t->c->rom_style == ROMA_ROM_DRAM)
        e->dram_bits += 8 * roma_cost_timing_stored_bytes(w);
}

static double width_of(const roma_plan *p, uint32_t value) {
    return value == ROMA_NO_VALUE ? 0 : p->values[value].width;
}

/* Norms and biases come out of the vector units' ROM, whose bits count as SRAM's. */
static void vector_events(const timing *t, const roma_op *op, double n, roma_events *e) {
    const roma_op_info *info = roma_op_about(op->kind);
    const bool codes = info->out == ROMA_DATA_CODES, begins = op->in[0] == ROMA_NO_VALUE;
    const double read = width_of(t->p, op->in[0]), out = width_of(t->p, op->out),
                 stored = info->tensor == ROMA_TENSOR_VECTOR ? (double)timing_tensor(t->p, op)->cols : 0;
    e->vector_ops += n * (begins ? out / 2 : read) * info->vector_ops; /* ANGLES: pairs */
    e->sram_bits += n * 32 * (read + width_of(t->p, op->in[1]) + stored + (codes ? 0 : out));
    if (!codes) return;
    const double bits = n * 8 * (double)timing_code_bytes((uint64_t)read);
    e->wire_bit_mm += bits * t->tree_mm;
    if (t->c->die_split > 0) e->die_bits += bits * (t->place->dies - 1.0);
}

/* One matrix unit reads its row group; its leaf units make the row. */
static void embed_events(const timing *t, uint32_t index, double n, roma_events *e) {
    const roma_image_tensor *w = timing_tensor(t->p, &t->p->ops[index]);
    const double codes = (double)(w->cols * roma_place_lane_bits(w)), scales = scale_bits(w) / (double)w->rows;
    e->rom_bits += n * (codes + scales) * (double)t->k.group_rows;
    e->lunit_cycles += n * (double)(t->ops[index].row * t->k.N);
    e->leaves += n * (double)w->cols;
    e->wire_bit_mm += n * (double)w->cols * 32 * t->mean_mm;
}

void roma_cost_timing_events(const timing *t, timing_part part, roma_events *e) {
    const roma_op *op = &t->p->ops[part.op];
    const roma_hyper *h = &t->p->desc->hyper;
    const double n = roma_cost_timing_rows(t, part.op, part.block);
    if (part.part != ROMA_PART_BASE) {
        roma_cost_timing_adapter(t, part, NULL, e);
        return;
    }
    switch (roma_op_about(op->kind)->work) {
    case ROMA_WORK_EMBED: embed_events(t, part.op, n, e); break;
    case ROMA_WORK_LINEAR: linear_events(t, part.op, part.block, n, e); break;
    case ROMA_WORK_CACHE:
        e->sram_bits += n * 8 * h->kv_heads * (2 * h->head_dim * t->c->kv_bytes + 2 * t->c->kv_scale_bytes);
        break;
    case ROMA_WORK_ATTEND: roma_cost_timing_attend(t, part.op, part.block, NULL, e); break;
    case ROMA_WORK_VECTOR: vector_events(t, op, n, e); break;
    }
}
