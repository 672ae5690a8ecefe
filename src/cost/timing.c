/* Durations: docs/cost-model.md sections 1.1, 1.4 to 1.8. */
#include "timing.h"

#include "cost_int.h"

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
    numbers k = {.c = c,
                 .U = timing_up(c->matrix_units),
                 .N = timing_up(c->lunits),
                 .V = timing_up(c->vector_units),
                 .columns = timing_up(c->grid_columns),
                 .word = timing_up(roma_chip_word_bits(c)),
                 .hop = timing_up(c->hop_cyc),
                 .link = timing_up(c->link_bytes),
                 .add = timing_up(c->lat_add),
                 .mul = timing_up(c->lat_mul),
                 .convert = timing_up(c->lat_convert),
                 .div = timing_up(c->lat_div)};
    const uint64_t across = timing_ceil_div(k.columns, 2), lanes = timing_up(c->vector_lanes);
    k.hops = (across + timing_ceil_div(timing_up(c->grid_rows) - 1, 2)) * k.hop;
    k.R = (clog2(lanes) + clog2(k.V)) * k.hop + across * k.hop;
    k.vector = k.V * lanes;
    return k;
}

double roma_cost_timing_stored_bytes(const roma_image_tensor *t) {
    roma_tile_layout lay;
    roma_tile_layout_get(&t->format, t->cols, &lay);
    return (double)t->rows * (double)lay.bytes / ROMA_TILE_ROWS;
}

/* Words of a matrix over those that an L-Unit of its die has: a matrix unit's wrong words are spread evenly. */
static double share_of_words(const roma_placement *place, const roma_op *op) {
    const roma_place_tensor *m = &place->tensors[op->tensor];
    return m->words ? (double)m->words / (double)place->die_words[m->die] : 0;
}

static void linear(timing_op *o, const roma_placement *place, const roma_op *op, const numbers *k,
                   double repair_words) {
    const roma_chip *c = k->c;
    const roma_image_tensor *t = timing_tensor(place->plan, op);
    const uint64_t r = timing_ceil_div(t->rows, k->U), groups = timing_ceil_div(t->cols, t->format.group);
    const bool head = op->layer == UINT32_MAX, argmax = head && c->full_logits == 0, fill = c->fill_cyc > 0;
    const uint64_t bits = r * t->cols * t->format.bits,
                   leaf_units = timing_larger(1, k->N * timing_up(c->lanes) / timing_up(c->leaf_group));
    o->per_row = timing_larger(timing_ceil_div(bits, k->word * k->N), timing_ceil_div(r * groups, leaf_units));
    if (!argmax && !fill)
        o->per_row = timing_larger(o->per_row, timing_ceil_div(timing_ceil_div(t->rows, k->columns) * 4, k->link));
    o->lat = timing_up(c->lunit_pipeline) + clog2(k->N) * k->hop + k->convert + k->mul + clog2(groups) * k->add +
             k->mul + k->hops;
    if (argmax) o->lat += clog2(k->U) * k->hop;
    o->lora_lat = 2 * k->hops + clog2(k->U) * k->hop + k->mul + k->convert;
    if (!head) o->lora_weights = (double)(t->rows + t->cols);
    if (c->rom_style == ROMA_ROM_DRAM) {
        o->once = timing_up(roma_cost_timing_stored_bytes(t) * c->clock_hz / (c->dram_bandwidth * c->dram_efficiency));
        o->hides = c->dram_hidden > 0;
    } else {
        o->repair = repair_words * share_of_words(place, op) * (double)k->word / 8 / c->hunit_bandwidth;
    }
}

static void embed(timing_op *o, const roma_image_tensor *t, const numbers *k) {
    o->per_row = timing_ceil_div(t->cols * t->format.bits, k->word * k->N);
    o->lat = timing_up(k->c->lunit_pipeline) + k->mul + k->hops + timing_ceil_div(t->cols * 4, k->link);
}

/* Codes of e elements. */
static void codes(timing_op *o, uint64_t e, const numbers *k) {
    o->per_row = timing_larger(2 * timing_ceil_div(e, k->vector), timing_ceil_div(timing_code_bytes(e), k->link));
    o->lat = k->R + k->div + k->mul + k->convert + k->hops;
}

static void cache(timing_op *o, const roma_hyper *h, const numbers *k) {
    o->per_row = timing_up(2 * h->head_dim * k->c->kv_bytes / k->c->hunit_bandwidth);
    o->lat = clog2(h->head_dim) * k->hop + k->div + k->mul + k->convert + k->hops;
}

static void attend(timing_op *o, const roma_hyper *h, const numbers *k) {
    const uint64_t P = timing_larger(1, k->U / h->kv_heads);
    o->lat = 2 * k->hops + 2 * clog2(P) * k->hop + timing_up(k->c->lat_exp) + k->add + k->div + k->mul + k->convert;
}

/* An operation that is a few vector operations on each element. */
static void elements(timing_op *o, uint64_t per_row, uint64_t lat) {
    o->per_row = per_row;
    o->lat = lat;
}

static void op_times(timing_op *o, const roma_placement *place, const roma_op *op, const numbers *k,
                     double repair_words) {
    const roma_plan *p = place->plan;
    const roma_chip *c = k->c;
    const roma_hyper *h = &p->desc->hyper;
    const uint64_t e = op->in[0] == ROMA_NO_VALUE ? 0 : p->values[op->in[0]].width, vec = timing_ceil_div(e, k->vector),
                   exps = timing_up(c->exp_interval), divs = timing_up(c->div_interval);
    *o = (timing_op){0};
    switch (op->kind) {
    case ROMA_OP_EMBED: embed(o, timing_tensor(p, op), k); break;
    case ROMA_OP_NORM:
        codes(o, e, k);
        o->lat += k->mul;
        break;
    case ROMA_OP_QUANTISE: codes(o, e, k); break;
    case ROMA_OP_LINEAR: linear(o, place, op, k, repair_words); break;
    case ROMA_OP_HEAD_NORM:
        elements(o, 2 * vec, clog2(h->head_dim) * k->hop + timing_up(c->lat_sqrt) + k->div + 3 * k->mul);
        break;
    case ROMA_OP_ANGLES:
        elements(o, timing_ceil_div(op->param.rotated / 2, k->vector) * exps, k->mul + timing_up(c->lat_sincos));
        break;
    case ROMA_OP_ROPE: elements(o, vec, k->mul + k->add); break;
    case ROMA_OP_CACHE: cache(o, h, k); break;
    case ROMA_OP_ATTEND: attend(o, h, k); break;
    case ROMA_OP_SILU:
        elements(o, vec * timing_larger(exps, divs), timing_up(c->lat_exp) + k->add + k->div + 2 * k->mul);
        break;
    case ROMA_OP_RELU2: elements(o, vec, k->add + 2 * k->mul); break;
    case ROMA_OP_BIAS:
    case ROMA_OP_RESIDUAL: elements(o, vec, k->add); break;
    case ROMA_OP_COUNT: break;
    }
    if (c->fill_cyc <= 0) return;
    if (!roma_op_matrix(p, op)) o->per_row = 0;
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

size_t roma_cost_timing_bytes(const roma_placement *p, const roma_cost_span *spans, size_t n) {
    const uint32_t rows = row_count(spans, n), streams = stream_count(&p->chip, rows),
                   block = (uint32_t)p->chip.block_rows;
    const size_t blocks = rows / block + streams;
    return p->plan->n_ops * sizeof(timing_op) + blocks * sizeof(timing_block) +
           ((size_t)streams + 2) / 2 * 2 * sizeof(uint32_t);
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

void roma_cost_timing_init(timing *t, void *memory, const roma_placement *place, const roma_cost_span *spans, size_t n,
                           double repair_words) {
    const roma_plan *p = place->plan;
    const roma_chip *c = &place->chip;
    const uint32_t rows = row_count(spans, n);
    const numbers k = numbers_of(c);
    *t = (timing){.place = place, .p = p, .c = c, .spans = spans, .n_spans = n, .n_streams = stream_count(c, rows)};
    t->ops = memory;
    t->blocks = (timing_block *)(void *)(t->ops + p->n_ops);
    t->stream_block = (uint32_t *)(void *)(t->blocks + rows / (uint32_t)c->block_rows + t->n_streams);
    cut_blocks(t, rows);
    for (size_t i = 0; i < p->n_ops; i++) op_times(&t->ops[i], place, &p->ops[i], &k, repair_words);
    if (c->fill_cyc > 0) /* the first operation of each layer carries what the layer's latencies come to */
        for (size_t i = 1; i < p->n_ops; i++)
            if (p->ops[i].layer != UINT32_MAX && p->ops[i].layer != p->ops[i - 1].layer)
                t->ops[i].lat = timing_up(c->fill_cyc);
    const double pitch = roma_cost_pitch_mm(c);
    t->tree_mm = pitch * c->grid_rows * c->grid_columns;
    t->mean_mm = pitch * (double)(timing_ceil_div(k.columns, 2) + timing_ceil_div(timing_up(c->grid_rows) - 1, 2)) / 2;
}
