/* What energy is charged for, by operation: docs/cost-model.md section 2. */
#include "timing.h"

static double scale_bits(const roma_image_tensor *t) { return (double)(t->rows * roma_place_scale_bits(t)); }

static double code_bits(uint64_t e) { return 8 * (double)timing_code_bytes(e); }

/* Activations reach the lanes through the L-Units' buffers, and integer sums merge on their way to the leaf units. */
static void feed(timing_op *o, const timing *t, const roma_image_tensor *w, const roma_place_tensor *m, bool fills) {
    const timing_numbers *k = &t->k;
    const double units = (double)k->U, waves = (double)(m->unit_rows / k->group_rows * m->row_words);
    const double filled = units * code_bits(w->cols);
    o->each.merge_adds = waves * units * (double)(k->N * k->group_rows) * (1 - 1 / (double)m->group_lunits);
    o->each.wire_bit_mm += o->each.merge_adds * t->c->merge_bits * t->unit_mm;
    o->each.buffer_bits = waves * units * (double)k->N * m->word_inputs * 67 / 8 + (fills ? filled : 0);
    o->again_buffer_bits = fills ? 0 : filled;
    o->again_wire = fills ? 0 : code_bits(w->cols) * t->tree_mm;
}

/* Whether no LINEAR before this one reads the codes that it reads. */
static bool is_first_reader(const roma_plan *p, uint32_t index) {
    const uint32_t value = p->ops[index].in[0];
    for (uint32_t i = index; i-- > 0 && p->ops[i].out != value;)
        if (p->ops[i].kind == ROMA_OP_LINEAR && p->ops[i].in[0] == value) return false;
    return true;
}

static void linear(timing_op *o, const timing *t, uint32_t index) {
    const roma_op *op = &t->p->ops[index];
    const roma_chip *c = t->c;
    const roma_image_tensor *w = timing_tensor(t->p, op);
    const roma_place_tensor *m = timing_place(t, op);
    const double weights = (double)(w->rows * w->cols), stored = weights * 32 / m->word_inputs + scale_bits(w),
                 lunits = (double)(t->k.U * t->k.N);
    if (c->hold > 0)
        o->block_rom_bits = stored;
    else
        o->each.rom_bits = stored;
    o->each.lane_macs = weights * m->lane_bits / 4;
    o->each.leaves = (double)(w->rows * timing_ceil_div(w->cols, w->format.group));
    o->each.lunit_cycles = (double)o->next * lunits;
    o->block_lunit_cycles = ((double)o->row - (double)o->next) * lunits;
    o->each.sram_bits = o->repair * 8 * c->hunit_bandwidth;
    if (op->layer != UINT32_MAX || c->full_logits > 0) o->each.wire_bit_mm = (double)w->rows * 32 * t->mean_mm;
    feed(o, t, w, m, is_first_reader(t->p, index));
    if (c->rom_style == ROMA_ROM_DRAM) o->first_dram_bits = 8 * roma_cost_timing_stored_bytes(w);
}

static double width_of(const roma_plan *p, uint32_t value) {
    return value == ROMA_NO_VALUE ? 0 : p->values[value].width;
}

/* Norms and biases come out of the vector units' ROM, whose bits count as SRAM's. */
static void vector(timing_op *o, const timing *t, const roma_op *op) {
    const roma_op_info *info = roma_op_about(op->kind);
    const bool codes = info->out == ROMA_DATA_CODES, begins = op->in[0] == ROMA_NO_VALUE;
    const double read = width_of(t->p, op->in[0]), out = width_of(t->p, op->out),
                 stored = info->tensor == ROMA_TENSOR_VECTOR ? (double)timing_tensor(t->p, op)->cols : 0;
    o->each.vector_ops = (begins ? out / 2 : read) * info->vector_ops; /* ANGLES: pairs */
    o->each.sram_bits = 32 * (read + width_of(t->p, op->in[1]) + stored + (codes ? 0 : out));
    if (!codes) return;
    if (op->param.order) { /* written, read again, and its number in the order */
        o->each.sram_bits += read * (64 + roma_place_order_bits((uint64_t)read));
        o->each.wire_bit_mm += read * 32 * t->mean_mm;
    }
    const double bits = code_bits((uint64_t)read);
    o->each.wire_bit_mm += bits * t->tree_mm;
    if (t->c->die_split > 0) o->each.die_bits = bits * (t->place->dies - 1.0);
}

/* One matrix unit reads its row group; its leaf units make the row. */
static void embed(timing_op *o, const timing *t, const roma_op *op) {
    const roma_image_tensor *w = timing_tensor(t->p, op);
    const double codes = (double)w->cols * 32 / roma_place_word_inputs(t->place, w),
                 scales = scale_bits(w) / (double)w->rows;
    o->each.rom_bits = (codes + scales) * (double)t->k.group_rows;
    o->each.lunit_cycles = (double)(o->row * t->k.N);
    o->each.leaves = (double)w->cols;
    o->each.wire_bit_mm = (double)w->cols * 32 * t->mean_mm;
}

static void cache(timing_op *o, const timing *t) {
    o->each.sram_bits = 8.0 * t->p->desc->hyper.kv_heads * (t->k.key_bytes + t->k.value_bytes);
}

void roma_cost_timing_count(timing_op *o, const timing *t, uint32_t index) {
    const roma_op *op = &t->p->ops[index];
    switch (roma_op_about(op->kind)->work) {
    case ROMA_WORK_EMBED: embed(o, t, op); break;
    case ROMA_WORK_LINEAR: linear(o, t, index); break;
    case ROMA_WORK_CACHE: cache(o, t); break;
    case ROMA_WORK_ATTEND: break; /* attend.c */
    case ROMA_WORK_VECTOR: vector(o, t, op); break;
    }
}
