/* Durations: docs/cost-model.md sections 1.1, 1.4 to 1.8. */
#include "timing.h"

#include <math.h>

#include "cost_int.h"

static uint64_t up(double x) { return x > 0 ? (uint64_t)ceil(x) : 0; }
static uint64_t ceil_div(uint64_t a, uint64_t b) { return (a + b - 1) / b; }

static uint64_t clog2(uint64_t x) {
    uint64_t n = 0;
    while (n < 63 && UINT64_C(1) << n < x) n++;
    return n;
}

/* ---- what an operation costs per row ---- */

/* The chip's numbers as the formulas use them. */
typedef struct {
    const roma_chip *c;
    uint64_t U, N, V, columns, word, hop, hops, R, link, vector, add, mul, convert, div;
} numbers;

static numbers numbers_of(const roma_chip *c) {
    numbers k = {.c = c, .U = up(c->matrix_units), .N = up(c->lunits), .V = up(c->vector_units), .columns = up(c->grid_columns),
                 .word = up(roma_chip_word_bits(c)), .hop = up(c->hop_cyc), .link = up(c->link_bytes), .add = up(c->lat_add),
                 .mul = up(c->lat_mul), .convert = up(c->lat_convert), .div = up(c->lat_div)};
    const uint64_t across = ceil_div(k.columns, 2), lanes = up(c->vector_lanes);
    k.hops = (across + ceil_div(up(c->grid_rows) - 1, 2)) * k.hop;
    k.R = (clog2(lanes) + clog2(k.V)) * k.hop + across * k.hop;
    k.vector = k.V * lanes;
    return k;
}

static uint64_t larger(uint64_t a, uint64_t b) { return a > b ? a : b; }
static uint64_t code_bytes(uint64_t e) { return ceil_div(e * 67, 64); } /* 8 codes of 8 bits and a 3-bit shift are 67 bits */

static const roma_image_tensor *tensor_of(const roma_plan *p, const roma_op *op) { return &p->desc->tensors[op->tensor]; }

static double stored_bytes(const roma_image_tensor *t) {
    roma_tile_layout lay;
    roma_tile_layout_get(&t->format, t->cols, &lay);
    return (double)t->rows * (double)lay.bytes / ROMA_TILE_ROWS;
}

/* Codes of all stored matrices, in bits of one matrix unit. */
static double all_code_bits(const roma_plan *p, const numbers *k) {
    double sum = 0;
    for (size_t i = 0; i < p->desc->n_tensors; i++) {
        const roma_image_tensor *t = &p->desc->tensors[i];
        if (!t->is_vector && t->tie < 0) sum += (double)(ceil_div(t->rows, k->U) * t->cols * t->format.bits);
    }
    return sum;
}

static void linear(timing_op *o, const roma_plan *p, const roma_op *op, const numbers *k, double repair_words, double code_bits) {
    const roma_chip *c = k->c;
    const roma_image_tensor *t = tensor_of(p, op);
    const uint64_t r = ceil_div(t->rows, k->U), groups = ceil_div(t->cols, t->format.group);
    const bool head = op->layer == UINT32_MAX, argmax = head && c->full_logits == 0, fill = c->fill_cyc > 0;
    const uint64_t bits = r * t->cols * t->format.bits, leaf_units = larger(1, k->N * up(c->lanes) / up(c->leaf_group));
    o->per_row = larger(ceil_div(bits, k->word * k->N), ceil_div(r * groups, leaf_units));
    if (!argmax && !fill) o->per_row = larger(o->per_row, ceil_div(ceil_div(t->rows, k->columns) * 4, k->link));
    o->lat = up(c->lunit_pipeline) + clog2(k->N) * k->hop + k->convert + k->mul + clog2(groups) * k->add + k->mul + k->hops;
    if (argmax) o->lat += clog2(k->U) * k->hop;
    o->lora_lat = 2 * k->hops + clog2(k->U) * k->hop + k->mul + k->convert;
    if (!head) o->lora_weights = (double)(t->rows + t->cols);
    if (c->rom_style == ROMA_ROM_DRAM) {
        o->once = up(stored_bytes(t) * c->clock_hz / (c->dram_bandwidth * c->dram_efficiency));
        o->hides = c->dram_hidden > 0;
    } else {
        o->repair = repair_words * ((double)bits / code_bits) * (double)k->word / 8 / c->hunit_bandwidth;
    }
}

static void vector_op(timing_op *o, const roma_plan *p, const roma_op *op, const numbers *k) {
    const roma_chip *c = k->c;
    const uint64_t e = p->values[op->in[0]].width, vec = ceil_div(e, k->vector);
    const uint64_t codes = k->R + k->div + k->mul + k->convert + k->hops;
    switch (op->kind) {
    case ROMA_OP_NORM:
    case ROMA_OP_QUANTISE:
        o->per_row = larger(2 * vec, ceil_div(code_bytes(e), k->link));
        o->lat = codes + (op->kind == ROMA_OP_NORM ? k->mul : 0);
        break;
    case ROMA_OP_HEAD_NORM:
        o->per_row = 2 * vec;
        o->lat = k->mul + clog2(tensor_of(p, op)->cols) * k->hop + up(c->lat_sqrt) + k->div + 2 * k->mul;
        break;
    case ROMA_OP_ROPE:
        o->per_row = vec * up(c->exp_interval);
        o->lat = up(c->lat_sincos) + k->mul + k->add;
        break;
    case ROMA_OP_SILU:
        o->per_row = vec * larger(up(c->exp_interval), up(c->div_interval));
        o->lat = up(c->lat_exp) + k->add + k->div + 2 * k->mul;
        break;
    default: /* BIAS, RESIDUAL */
        o->per_row = vec;
        o->lat = k->add;
    }
}

static void op_times(timing_op *o, const roma_plan *p, const roma_op *op, const numbers *k, double repair_words, double code_bits) {
    const roma_chip *c = k->c;
    const roma_hyper *h = &p->desc->hyper;
    const bool fill = c->fill_cyc > 0;
    *o = (timing_op){0};
    if (op->kind == ROMA_OP_LINEAR) {
        linear(o, p, op, k, repair_words, code_bits);
    } else if (op->kind == ROMA_OP_EMBED) {
        const roma_image_tensor *t = tensor_of(p, op);
        o->per_row = ceil_div(t->cols * t->format.bits, k->word * k->N);
        o->lat = up(c->lunit_pipeline) + k->mul + k->hops + ceil_div(t->cols * 4, k->link);
    } else if (op->kind == ROMA_OP_CACHE) {
        o->per_row = up(2 * h->head_dim * c->kv_bytes / c->hunit_bandwidth);
        o->lat = clog2(h->head_dim) * k->hop + k->div + k->mul + k->convert + k->hops;
    } else if (op->kind == ROMA_OP_ATTEND) {
        const uint64_t P = larger(1, k->U / h->kv_heads);
        o->lat = 2 * k->hops + 2 * clog2(P) * k->hop + up(c->lat_exp) + k->add + k->div + k->mul + k->convert;
    } else {
        vector_op(o, p, op, k);
    }
    if (!fill) return;
    if (op->kind != ROMA_OP_LINEAR) o->per_row = 0;
    o->lora_lat = 0;
    o->lat = 0;
}

/* ---- rows, streams, blocks ---- */

static uint32_t row_count(const roma_cost_span *spans, size_t n) {
    uint32_t rows = 0;
    for (size_t i = 0; i < n; i++) rows += spans[i].rows;
    return rows;
}

static uint32_t stream_count(const roma_chip *c, uint32_t rows) {
    const uint32_t s = (uint32_t)c->streams;
    return s < rows ? s : rows;
}

size_t timing_bytes(const roma_plan *p, const roma_chip *c, const roma_cost_span *spans, size_t n) {
    const uint32_t rows = row_count(spans, n), streams = stream_count(c, rows), block = (uint32_t)c->block_rows;
    const size_t blocks = rows / block + streams;
    return p->n_ops * sizeof(timing_op) + blocks * sizeof(timing_block) + ((size_t)streams + 2) / 2 * 2 * sizeof(uint32_t);
}

/* Describes the block of `rows` rows that begins at row *skip of span *span, and moves both on. */
static timing_block cut(const timing *t, uint32_t *span, uint32_t *skip, uint32_t rows) {
    timing_block b = {.rows = rows, .span = *span, .skip = *skip};
    for (uint32_t left = rows; left;) {
        const roma_cost_span *s = &t->spans[*span];
        const uint32_t take = s->rows - *skip < left ? s->rows - *skip : left, first_logits = s->rows - s->logits;
        if (*skip + take > first_logits) b.logits += *skip + take - (*skip > first_logits ? *skip : first_logits);
        b.adapter |= s->adapter && s->rank;
        left -= take;
        *skip += take;
        if (*skip == s->rows) ++*span, *skip = 0;
    }
    return b;
}

static void cut_blocks(timing *t, uint32_t rows) {
    const uint32_t size = (uint32_t)t->c->block_rows;
    uint32_t span = 0, skip = 0;
    t->n_blocks = 0;
    for (uint32_t s = 0; s < t->n_streams; s++) {
        const uint64_t begin = (uint64_t)rows * s / t->n_streams, end = (uint64_t)rows * (s + 1) / t->n_streams;
        t->stream_block[s] = t->n_blocks;
        for (uint64_t r = begin; r < end; r += size)
            t->blocks[t->n_blocks++] = cut(t, &span, &skip, end - r < size ? (uint32_t)(end - r) : size);
    }
    t->stream_block[t->n_streams] = t->n_blocks;
    t->first_logits = 0;
    while (t->first_logits < t->n_blocks && !t->blocks[t->first_logits].logits) t->first_logits++;
}

void timing_init(timing *t, void *memory, const roma_plan *p, const roma_chip *c, const roma_cost_span *spans, size_t n,
                 double repair_words) {
    const uint32_t rows = row_count(spans, n);
    const numbers k = numbers_of(c);
    *t = (timing){.p = p, .c = c, .spans = spans, .n_spans = n, .n_streams = stream_count(c, rows)};
    t->ops = memory;
    t->blocks = (timing_block *)(void *)(t->ops + p->n_ops);
    t->stream_block = (uint32_t *)(void *)(t->blocks + rows / (uint32_t)c->block_rows + t->n_streams);
    cut_blocks(t, rows);
    const double code_bits = repair_words > 0 ? all_code_bits(p, &k) : 1;
    for (size_t i = 0; i < p->n_ops; i++) op_times(&t->ops[i], p, &p->ops[i], &k, repair_words, code_bits);
    if (c->fill_cyc > 0) /* the first operation of each layer carries what the layer's latencies come to */
        for (size_t i = 1; i < p->n_ops; i++)
            if (p->ops[i].layer != UINT32_MAX && p->ops[i].layer != p->ops[i - 1].layer) t->ops[i].lat = up(c->fill_cyc);
    const double pitch = roma_cost_pitch_mm(c);
    t->tree_mm = pitch * c->grid_rows * c->grid_columns;
    t->mean_mm = pitch * (double)(ceil_div(k.columns, 2) + ceil_div(up(c->grid_rows) - 1, 2)) / 2;
}

/* ---- instances ---- */

uint32_t timing_rows(const timing *t, uint32_t op, uint32_t block) {
    return t->p->ops[op].last_rows_only ? t->blocks[block].logits : t->blocks[block].rows;
}

unsigned timing_units(const timing *t, uint32_t op, bool lora) {
    const roma_op *o = &t->p->ops[op];
    const unsigned L = 1u << ROMA_UNIT_L, H = 1u << ROMA_UNIT_H;
    if (lora) return t->c->lora_where > 0 ? L : H;
    if (o->kind == ROMA_OP_ATTEND) return t->c->overlap > 0 ? H : H | L;
    return 1u << o->unit;
}

bool timing_has_lora(const timing *t, uint32_t op, uint32_t block) {
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

/* Section 1.8. */
static uint64_t attend_occ(const timing *t, uint32_t block, roma_events *e) {
    const roma_chip *c = t->c;
    const roma_hyper *h = &t->p->desc->hyper;
    const uint64_t U = (uint64_t)c->matrix_units, P = larger(1, U / h->kv_heads), heads = ceil_div(h->kv_heads, U);
    const double m = 2.0 * h->head_dim * (h->heads / h->kv_heads), b = 2 * h->head_dim * c->kv_bytes + 2 * c->kv_scale_bytes;
    uint64_t occ = 0;
    piece_walk w = walk(t, block);
    for (piece x; next_piece(&w, &x);) {
        const uint64_t last = x.first + x.rows; /* positions that the last row attends */
        const double rounds = (double)((ceil_sum(last, P) - ceil_sum(x.first, P)) * heads);
        const double macs = rounds * m / (c->hunit_mac * c->mac_efficiency);
        const double reads = (double)(ceil_div(last, P) * heads) * b / (c->hunit_bandwidth * c->read_efficiency);
        occ += up(macs > reads ? macs : reads);
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
        const double macs = rows * weights / (U * c->hunit_mac), reads = weights * c->lora_weight_bytes / (U * c->hunit_bandwidth);
        const uint64_t cycles = serial ? up(rows * weights * (8 * c->lora_weight_bytes) / (roma_chip_word_bits(c) * c->lunits * U))
                                       : up(macs > reads ? macs : reads);
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

void timing_duration(const timing *t, uint32_t op, uint32_t block, bool lora, uint64_t *occ, uint64_t *lat) {
    const timing_op *o = &t->ops[op];
    if (lora) {
        *occ = lora_occ(t, op, block, NULL);
        *lat = o->lora_lat;
        return;
    }
    *lat = o->lat;
    if (t->p->ops[op].kind == ROMA_OP_ATTEND) {
        *occ = attend_occ(t, block, NULL);
        return;
    }
    const uint64_t rows = timing_rows(t, op, block);
    const bool first = block == (t->p->ops[op].last_rows_only ? t->first_logits : 0);
    const uint64_t once = first ? o->once : 0, work = rows * o->per_row;
    *occ = (o->hides ? larger(work, once) : work + once) + up((double)rows * o->repair);
}

static double scale_bits(const roma_image_tensor *t) {
    return 8 * stored_bytes(t) - (double)(t->rows * t->cols * t->format.bits);
}

static void linear_events(const timing *t, const roma_op *op, double n, uint64_t per_row, bool first, roma_events *e) {
    const roma_image_tensor *w = tensor_of(t->p, op);
    const double weights = (double)(w->rows * w->cols), groups = (double)ceil_div(w->cols, w->format.group);
    e->rom_bits += n * (weights * w->format.bits + scale_bits(w));
    e->lane_macs += n * weights * w->format.bits / 4;
    e->leaves += n * (double)w->rows * groups;
    e->lunit_cycles += n * (double)per_row * t->c->matrix_units * t->c->lunits;
    if (op->layer != UINT32_MAX || t->c->full_logits > 0) e->wire_bit_mm += n * (double)w->rows * 32 * t->mean_mm;
    if (first && t->c->rom_style == ROMA_ROM_DRAM) e->dram_bits += 8 * stored_bytes(w);
}

/* Scalar operations per element: section 2. */
static double scalar_ops(roma_op_kind k) {
    switch (k) {
    case ROMA_OP_NORM:
    case ROMA_OP_HEAD_NORM:
    case ROMA_OP_ROPE: return 4;
    case ROMA_OP_QUANTISE: return 3;
    case ROMA_OP_SILU: return 5;
    default: return 1;
    }
}

void timing_events(const timing *t, uint32_t index, uint32_t block, bool lora, roma_events *e) {
    const roma_op *op = &t->p->ops[index];
    const roma_hyper *h = &t->p->desc->hyper;
    const double n = timing_rows(t, index, block);
    if (lora) {
        lora_occ(t, index, block, e);
    } else if (op->kind == ROMA_OP_ATTEND) {
        attend_occ(t, block, e);
    } else if (op->kind == ROMA_OP_CACHE) {
        e->sram_bits += n * 8 * h->kv_heads * (2 * h->head_dim * t->c->kv_bytes + 2 * t->c->kv_scale_bytes);
    } else if (op->kind == ROMA_OP_LINEAR) {
        linear_events(t, op, n, t->ops[index].per_row, block == (op->last_rows_only ? t->first_logits : 0), e);
    } else if (op->kind == ROMA_OP_EMBED) {
        const roma_image_tensor *w = tensor_of(t->p, op);
        e->rom_bits += n * 8 * stored_bytes(w) / (double)w->rows;
        e->lunit_cycles += n * (double)t->ops[index].per_row * t->c->matrix_units * t->c->lunits;
        e->wire_bit_mm += n * (double)w->cols * 32 * t->mean_mm;
    } else {
        const double width = t->p->values[op->in[0]].width, reads = op->in[1] == ROMA_NO_VALUE ? 1 : 2;
        const bool codes = op->kind == ROMA_OP_NORM || op->kind == ROMA_OP_QUANTISE;
        e->vector_ops += n * width * scalar_ops(op->kind);
        e->sram_bits += n * 32 * width * (reads + (codes ? 0 : 1));
        if (codes) e->wire_bit_mm += n * 8 * (double)code_bytes((uint64_t)width) * t->tree_mm;
    }
}
