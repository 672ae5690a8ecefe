/* Instances: the rows of a block turned into cycles and events (docs/cost-model.md sections 1.4, 1.7 and 1.8). */
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
    const timing_op *o = timing_times(t, op);
    const uint64_t once = is_first_block(t, op, block) ? o->once : 0, work = o->row + (n - 1) * o->next;
    d->occ = (o->hides ? timing_larger(work, once) : work + once) + timing_up((double)n * o->repair);
    d->first = o->first;
    d->pass = (n - 1) * o->next;
}

/* When n rows stand in another order: each element passes its unit's port, and half of them the middle. */
static uint64_t gathered(const timing *t, const timing_op *o, uint64_t n) {
    return o->gather ? n * o->gather + 2 * t->k.across : 0;
}

/* The largest of a row, beside it the gather, then its codes. */
static void quantise_duration(const timing *t, const timing_op *o, uint64_t n, timing_duration *d) {
    const uint64_t R = timing_reduction(&t->k, o->vec), largest = timing_larger(n * o->vec, o->vec + R + t->k.div);
    d->occ = timing_larger(largest, gathered(t, o, n)) + timing_larger(n * o->vec, o->bc);
}

/* The largest of a row and of its products with g, then the squares, then the codes. */
static void norm_duration(const timing *t, const timing_op *o, uint64_t n, timing_duration *d) {
    const timing_numbers *k = &t->k;
    const uint64_t R = timing_reduction(k, o->vec), squares = timing_larger(n * o->vec, o->vec + R),
                   largest = timing_larger(squares + n * o->vec, o->vec + k->mul + R + k->div),
                   codes = timing_larger(largest, k->mul + gathered(t, o, n));
    d->occ = codes + timing_larger(n * o->vec, o->bc);
    d->scale = squares + n * o->vec + k->chain[ROMA_CHAIN_SQUARE] + R + k->chain[ROMA_CHAIN_RMS] + k->mul + k->far;
}

/* A head lies in neighbouring vector units. */
static void head_norm_duration(const timing *t, const timing_op *o, uint64_t n, timing_duration *d) {
    const timing_numbers *k = &t->k;
    const uint64_t dims = t->p->desc->hyper.head_dim, lanes = timing_up(t->c->vector_lanes),
                   units = timing_ceil_div(dims, lanes),
                   r = (timing_clog2(dims < lanes ? dims : lanes) + timing_clog2(units) + units - 1) * k->hop;
    const uint64_t squares = timing_larger(n * o->vec, o->vec + r),
                   inverse = squares + o->vec + k->chain[ROMA_CHAIN_SQUARE] + r + k->chain[ROMA_CHAIN_RMS];
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
    const timing_op *o = timing_times(t, index);
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

/* Section 2: n rows of a block. */
static void add_events(const timing *t, const timing_part *part, double n, roma_events *e) {
    const timing_op *o = timing_times(t, part->op);
    const double *each = (const double *)(const void *)&o->each;
    double *sum = (double *)(void *)e;
    for (size_t i = 0; i < ROMA_N_EVENTS; i++) sum[i] += n * each[i];
    e->rom_bits += o->block_rom_bits;
    e->lunit_cycles += o->block_lunit_cycles;
    if (n > 1) {
        e->buffer_bits += n * o->again_buffer_bits;
        e->wire_bit_mm += n * o->again_wire;
    }
    if (is_first_block(t, part->op, part->block)) e->dram_bits += o->first_dram_bits;
}

void roma_cost_timing_of(const timing *t, timing_part part, timing_duration *d, roma_events *e) {
    const timing_op *o = timing_times(t, part.op);
    const uint64_t n = roma_cost_timing_rows(t, part.op, part.block);
    *d = (timing_duration){0};
    if (part.part != ROMA_PART_BASE) {
        roma_cost_timing_adapter(t, part, d, e);
        return;
    }
    d->lat = o->lat;
    switch (roma_op_about(t->p->ops[part.op].kind)->work) {
    case ROMA_WORK_EMBED:
    case ROMA_WORK_CACHE: d->occ = n * o->row; break;
    case ROMA_WORK_LINEAR: linear_duration(t, part.op, part.block, n, d); break;
    case ROMA_WORK_ATTEND: roma_cost_timing_attend(t, part.block, d, e); break;
    case ROMA_WORK_VECTOR: vector_duration(t, part.op, n, d); break;
    }
    if (e) add_events(t, &part, (double)n, e);
}
