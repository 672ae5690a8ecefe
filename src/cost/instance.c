/* Instances: the rows of a block turned into cycles and events (docs/cost-model.md sections 1.4, 1.7, 1.8 and 2). */
#include "timing.h"

uint32_t roma_cost_timing_rows(const timing *t, uint32_t op, uint32_t block) {
    return t->p->ops[op].last_rows_only ? t->blocks[block].logits : t->blocks[block].rows;
}

unsigned roma_cost_timing_units(const timing *t, uint32_t op, bool lora) {
    const roma_op *o = &t->p->ops[op];
    const unsigned L = 1u << ROMA_UNIT_L, H = 1u << ROMA_UNIT_H;
    if (lora) return t->c->lora_where > 0 ? L : t->c->overlap > 0 ? 1u << ROMA_UNIT_ADAPTER : H;
    if (roma_op_about(o->kind)->work == ROMA_WORK_ATTEND) return t->c->overlap > 0 ? H : H | L;
    return 1u << o->unit;
}

bool roma_cost_timing_has_lora(const timing *t, uint32_t op, uint32_t block) {
    return t->ops[op].lora_weights > 0 && t->blocks[block].adapter;
}

/* Walks the pieces of a block that belong to one span. */
typedef struct {
    const timing *t;
    uint32_t span, skip, left;
} piece_walk;
typedef struct {
    const roma_cost_span *span;
    uint32_t rows;
    uint64_t first; /* position of its first row */
} piece;

static piece_walk walk(const timing *t, uint32_t block) {
    const timing_block *b = &t->blocks[block];
    return (piece_walk){t, b->span, b->skip, b->rows};
}

static bool next_piece(piece_walk *w, piece *out) {
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

/* Sum of ceil(x / P) for x = 1 .. n. */
static uint64_t ceil_sum(uint64_t n, uint64_t P) {
    const uint64_t q = n / P, r = n % P;
    return P * (q * (q + 1) / 2) + r * (q + 1);
}

/* Share of the H-Units that attention has, and what adapters have: all of them, unless both run at once. */
static double attend_share(const roma_chip *c) { return c->overlap > 0 ? 1 - c->lora_share : 1; }
static double lora_share(const roma_chip *c) { return c->overlap > 0 ? c->lora_share : 1; }

/* Section 1.8. */
static uint64_t attend_occ(const timing *t, uint32_t block, roma_events *e) {
    const roma_chip *c = t->c;
    const roma_hyper *h = &t->p->desc->hyper;
    const uint64_t U = (uint64_t)c->matrix_units, P = timing_larger(1, U / h->kv_heads),
                   heads = timing_ceil_div(h->kv_heads, U);
    const double m = 2.0 * h->head_dim * (h->heads / h->kv_heads),
                 b = 2 * h->head_dim * c->kv_bytes + 2 * c->kv_scale_bytes;
    uint64_t occ = 0;
    piece_walk w = walk(t, block);
    for (piece x; next_piece(&w, &x);) {
        const uint64_t last = x.first + x.rows; /* positions that the last row attends */
        const double rounds = (double)((ceil_sum(last, P) - ceil_sum(x.first, P)) * heads);
        const double macs = rounds * m / (c->hunit_mac * c->mac_efficiency * attend_share(c));
        const double reads = (double)(timing_ceil_div(last, P) * heads) * b /
                             (c->hunit_bandwidth * c->read_efficiency * attend_share(c));
        occ += timing_up(macs > reads ? macs : reads);
        if (!e) continue;
        const double pairs = (double)(last * (last + 1) / 2 - x.first * (x.first + 1) / 2);
        e->sram_bits += 8 * b * (double)last * h->kv_heads;
        e->hunit_macs += 2 * pairs * h->heads * h->head_dim;
        e->vector_ops += 3 * pairs * h->heads;
    }
    return occ;
}

/* Section 1.7: neighbouring pieces with the same adapter share its reads. */
static uint64_t lora_occ(const timing *t, uint32_t op, uint32_t block, roma_events *e) {
    const roma_chip *c = t->c;
    const bool serial = c->lora_where > 0;
    const double U = c->matrix_units, wide = t->ops[op].lora_weights;
    uint64_t occ = 0;
    piece_walk w = walk(t, block);
    piece x;
    for (bool more = next_piece(&w, &x); more;) {
        const roma_cost_span *s = x.span;
        double rows = x.rows;
        while ((more = next_piece(&w, &x)) && x.span->adapter == s->adapter && x.span->rank == s->rank) rows += x.rows;
        if (!s->adapter || !s->rank) continue;
        const double weights = s->rank * wide;
        const double macs = rows * weights / (U * c->hunit_mac * lora_share(c)),
                     reads = weights * c->lora_weight_bytes / (U * c->hunit_bandwidth * lora_share(c));
        const uint64_t cycles =
            serial ? timing_up(rows * weights * (8 * c->lora_weight_bytes) / (roma_chip_word_bits(c) * c->lunits * U))
                   : timing_up(macs > reads ? macs : reads);
        occ += cycles;
        if (!e) continue;
        e->sram_bits += 8 * weights * c->lora_weight_bytes;
        e->wire_bit_mm += rows * 32 * s->rank * U * t->mean_mm;
        if (serial) {
            e->lane_macs += rows * weights * c->lora_weight_bytes * 2;
            e->lunit_cycles += (double)cycles * U * c->lunits;
        } else {
            e->hunit_macs += rows * weights;
        }
    }
    return occ;
}

void roma_cost_timing_duration(const timing *t, uint32_t op, uint32_t block, bool lora, uint64_t *occ, uint64_t *lat) {
    const timing_op *o = &t->ops[op];
    if (lora) {
        *occ = lora_occ(t, op, block, NULL);
        *lat = o->lora_lat;
        return;
    }
    *lat = o->lat;
    if (roma_op_about(t->p->ops[op].kind)->work == ROMA_WORK_ATTEND) {
        *occ = attend_occ(t, block, NULL);
        return;
    }
    const uint64_t rows = roma_cost_timing_rows(t, op, block);
    const bool first = block == (t->p->ops[op].last_rows_only ? t->first_logits : 0);
    const uint64_t once = first ? o->once : 0, work = rows * o->per_row;
    *occ = (o->hides ? timing_larger(work, once) : work + once) + timing_up((double)rows * o->repair);
}

static double scale_bits(const roma_image_tensor *t) {
    return 8 * roma_cost_timing_stored_bytes(t) - (double)(t->rows * t->cols * t->format.bits);
}

static void linear_events(const timing *t, const roma_op *op, double n, uint64_t per_row, bool first, roma_events *e) {
    const roma_image_tensor *w = timing_tensor(t->p, op);
    const double weights = (double)(w->rows * w->cols), groups = (double)timing_ceil_div(w->cols, w->format.group);
    e->rom_bits += n * (weights * w->format.bits + scale_bits(w));
    e->lane_macs += n * weights * w->format.bits / 4;
    e->leaves += n * (double)w->rows * groups;
    e->lunit_cycles += n * (double)per_row * t->c->matrix_units * t->c->lunits;
    if (op->layer != UINT32_MAX || t->c->full_logits > 0) e->wire_bit_mm += n * (double)w->rows * 32 * t->mean_mm;
    if (first && t->c->rom_style == ROMA_ROM_DRAM) e->dram_bits += 8 * roma_cost_timing_stored_bytes(w);
}

static double width_of(const roma_plan *p, uint32_t value) {
    return value == ROMA_NO_VALUE ? 0 : p->values[value].width;
}

static void vector_events(const timing *t, const roma_op *op, double n, roma_events *e) {
    const roma_op_info *info = roma_op_about(op->kind);
    const bool codes = info->out == ROMA_DATA_CODES, begins = op->in[0] == ROMA_NO_VALUE;
    const double read = width_of(t->p, op->in[0]), out = width_of(t->p, op->out);
    e->vector_ops += n * (begins ? out / 2 : read) * info->vector_ops; /* ANGLES: pairs */
    e->sram_bits += n * 32 * (read + width_of(t->p, op->in[1]) + (codes ? 0 : out));
    if (codes) e->wire_bit_mm += n * 8 * (double)timing_code_bytes((uint64_t)read) * t->tree_mm;
}

static void embed_events(const timing *t, const roma_op *op, double n, uint64_t per_row, roma_events *e) {
    const roma_image_tensor *w = timing_tensor(t->p, op);
    e->rom_bits += n * 8 * roma_cost_timing_stored_bytes(w) / (double)w->rows;
    e->lunit_cycles += n * (double)per_row * t->c->matrix_units * t->c->lunits;
    e->wire_bit_mm += n * (double)w->cols * 32 * t->mean_mm;
}

void roma_cost_timing_events(const timing *t, uint32_t index, uint32_t block, bool lora, roma_events *e) {
    const roma_op *op = &t->p->ops[index];
    const roma_hyper *h = &t->p->desc->hyper;
    const double n = roma_cost_timing_rows(t, index, block);
    if (lora) {
        lora_occ(t, index, block, e);
        return;
    }
    switch (roma_op_about(op->kind)->work) {
    case ROMA_WORK_EMBED: embed_events(t, op, n, t->ops[index].per_row, e); break;
    case ROMA_WORK_LINEAR:
        linear_events(t, op, n, t->ops[index].per_row, block == (op->last_rows_only ? t->first_logits : 0), e);
        break;
    case ROMA_WORK_CACHE:
        e->sram_bits += n * 8 * h->kv_heads * (2 * h->head_dim * t->c->kv_bytes + 2 * t->c->kv_scale_bytes);
        break;
    case ROMA_WORK_ATTEND: attend_occ(t, block, e); break;
    case ROMA_WORK_VECTOR: vector_events(t, op, n, e); break;
    }
}
