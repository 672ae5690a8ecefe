/* How long an instance takes: docs/cost-model.md 1.6 to 1.10 put down formula by formula, for the cycle-by-cycle model
 * of stepper.h. */
#ifndef ROMA_TEST_STEPPER_LAW_H
#define ROMA_TEST_STEPPER_LAW_H
#include "stepper_chip.h"

/* One row of a step. */
typedef struct {
    uint32_t span;
    uint64_t position;
    bool logits;
    const roma_cost_span *of;
} stepper_row;

/* What an instance sees: rows of its block, in order. */
typedef struct {
    const stepper_row *row[512];
    size_t n;
} stepper_view;

/* occ and lat of 1.3; NORM: when its scale is there; LINEAR and downs: when they need it; LINEAR: when its last row
 * begins, and occ without the stream. All from the start. */
typedef struct {
    uint64_t occ, lat, scale, first, last_row, work;
    uint64_t words; /* up, beside: J of 1.3 */
} stepper_time;

/* 1.6 */
static inline uint64_t stepper_chain(const stepper_law *l, uint64_t add, uint64_t mul, uint64_t convert,
                                     uint64_t divide, uint64_t root, uint64_t levels) {
    return add * l->add + mul * l->mul + convert * l->convert + divide * l->divide + root * l->root + levels * l->hop;
}

/* ---- 1.7: vector units, the embedding, the cache --------------------------------------------------------- */

/* n rows in another order: elements pass their unit's memory one by one, and half of them the middle of the chip. */
static inline uint64_t stepper_gathered(const stepper_law *l, uint64_t n, uint64_t e, bool gathers) {
    return gathers ? n * stepper_max(stepper_vec(l, e) * l->vector_lanes, stepper_cross(l, e)) + 2 * l->across : 0;
}

/* Largest |x|, then codes. */
static inline stepper_time stepper_quantise(const stepper_law *l, uint64_t n, uint64_t e, bool gathers) {
    const uint64_t vec = stepper_vec(l, e), largest = stepper_max(n * vec, vec + stepper_everywhere(l, e) + l->divide),
                   q2 = stepper_max(largest, stepper_gathered(l, n, e, gathers));
    return (stepper_time){.occ = q2 + stepper_max(n * vec, stepper_broadcast(l, e)),
                          .lat = stepper_chain(l, 0, 1, 1, 0, 0, 3) + l->far};
}

/* Largest |x| and |x g|, then squares, then codes. */
static inline stepper_time stepper_norm(const stepper_law *l, uint64_t n, uint64_t e, bool gathers) {
    const uint64_t vec = stepper_vec(l, e), everywhere = stepper_everywhere(l, e),
                   n2 = stepper_max(n * vec, vec + everywhere),
                   largest = stepper_max(n2 + n * vec, vec + l->mul + everywhere + l->divide),
                   n3 = stepper_max(largest, l->mul + stepper_gathered(l, n, e, gathers));
    return (stepper_time){.occ = n3 + stepper_max(n * vec, stepper_broadcast(l, e)),
                          .lat = stepper_chain(l, 0, 1, 1, 0, 0, 3) + l->far,
                          .scale = n2 + n * vec + stepper_chain(l, 0, 1, 1, 0, 0, 0) + everywhere +
                                   stepper_chain(l, 1, 1, 1, 1, 1, 0) + l->mul + l->far};
}

static inline stepper_time stepper_head_norm(const stepper_law *l, uint64_t n, uint64_t e, uint64_t d) {
    const uint64_t vec = stepper_vec(l, e), u = stepper_div_up(d, l->vector_lanes),
                   r = stepper_red(l, stepper_min(d, l->vector_lanes)) + stepper_red(l, u) + (u - 1) * l->hop,
                   h2 = stepper_max(n * vec, vec + r),
                   h3 = stepper_max(h2 + n * vec, h2 + vec + stepper_chain(l, 0, 1, 1, 0, 0, 0) + r +
                                                      stepper_chain(l, 1, 1, 1, 1, 1, 0));
    return (stepper_time){.occ = h3 + n * vec, .lat = 2 * l->mul};
}

static inline uint64_t stepper_leaf(const stepper_law *l, const roma_format *f) {
    if (f->zeros) return stepper_chain(l, 0, 2, 1, 0, 0, 1);
    return f->min ? stepper_chain(l, 1, 1, 1, 0, 0, 0) : stepper_chain(l, 0, 1, 1, 0, 0, 0);
}

static inline stepper_time stepper_embed(const stepper_law *l, uint64_t n, const roma_image_tensor *t) {
    const stepper_words w = stepper_words_of(l, t);
    const uint64_t scales = (int)l->c->scale_port == ROMA_SCALES_SHARED
                                ? stepper_div_up(l->rows * w.scale_row_bits, 4 * l->lanes * l->lunits)
                                : 0;
    const uint64_t read = (w.row_words + scales) * l->word_cycles, leaves = stepper_div_up(t->cols, l->leaves),
                   sent = stepper_div_up(4 * t->cols, l->link);
    return (stepper_time){.occ = n * stepper_max(stepper_max(read, leaves), sent),
                          .lat = l->pipeline + stepper_leaf(l, &t->format) + l->far};
}

/* Of one position: elements and scale of a key, or of a value. */
static inline double stepper_position_bytes(const stepper_law *l, bool is_value) {
    const double codes = l->p->desc->hyper.head_dim * l->c->kv_bytes;
    return (is_value && l->is_int4 ? codes / 2 : codes) + l->c->kv_scale_bytes;
}
static inline double stepper_both_bytes(const stepper_law *l) {
    return stepper_position_bytes(l, false) + stepper_position_bytes(l, true);
}
/* KV heads of a matrix unit. */
static inline uint64_t stepper_unit_heads(const stepper_law *l) {
    return stepper_div_up(l->p->desc->hyper.kv_heads, l->units);
}

static inline stepper_time stepper_cache(const stepper_law *l, uint64_t n) {
    const roma_hyper *h = &l->p->desc->hyper;
    const uint64_t write = stepper_up((double)stepper_unit_heads(l) * stepper_both_bytes(l) / l->c->hunit_bandwidth);
    return (stepper_time){.occ = n * stepper_max(stepper_cross(l, (uint64_t)2 * h->kv_heads * h->head_dim), write),
                          .lat = l->far + stepper_red(l, h->head_dim) + l->divide + l->mul + l->convert + write};
}

/* ---- 1.8: LINEAR, downs and ups ---------------------------------------------------------------------------- */

static inline bool stepper_is_head(const roma_op *op) { return op->kind == ROMA_OP_LINEAR && op->layer == UINT32_MAX; }

/* Bytes of a matrix with its scales as the image stores them: a row has a sixteenth of a tile (docs/rom-format.md,
 * "Tiles"). */
static inline double stepper_bytes(const roma_image_tensor *t) {
    static const uint64_t form[] = {0, 32, 8, 12, 12, 16, 64}, zeros[] = {0, 8, 16};
    const uint64_t supers = t->format.super ? t->cols / t->format.super : 0, sets = t->format.min ? 2 : 1;
    const uint64_t groups = t->cols / t->format.group, tile = 2 * t->cols * t->format.bits +
                                                              sets * (groups * form[t->format.scale] + supers * 32) +
                                                              groups * zeros[t->format.zeros];
    return (double)t->rows * (double)stepper_div_up(tile, 64) * 64 / 16;
}
/* Cycles in which the DRAM delivers it. */
static inline uint64_t stepper_stream(const stepper_law *l, const roma_image_tensor *t) {
    return stepper_up(stepper_bytes(t) * l->c->clock_hz / (l->c->dram_bandwidth * l->c->dram_efficiency));
}

static inline stepper_time stepper_linear(const stepper_law *l, const roma_op *op, uint64_t n, bool is_first_block) {
    const roma_image_tensor *t = &l->p->desc->tensors[op->tensor];
    const stepper_words w = stepper_words_of(l, t);
    const bool is_head = stepper_is_head(op), is_argmax = is_head && l->c->full_logits == 0;
    const uint64_t group = stepper_max(w.row_words * l->word_cycles, stepper_div_up(l->rows * w.groups, l->leaves)),
                   s = (int)l->c->scale_port == ROMA_SCALES_SHARED ? w.scale_words * l->word_cycles : 0;
    uint64_t gather = 0, out = 0;
    if (!l->fill && !is_argmax)
        gather = stepper_max(stepper_div_up(4 * stepper_div_up(t->rows, (uint64_t)l->c->grid_columns), l->link),
                             stepper_cross(l, t->rows));
    if (!l->fill && is_head && !is_argmax)
        out = stepper_up((double)(4 * t->rows) * l->c->clock_hz / l->c->host_bandwidth);
    const uint64_t row = stepper_max(stepper_max(w.unit_rows / l->rows * group, gather), out),
                   one = l->c->hold != 0 ? row : s + row;
    stepper_time x = {.last_row = (n - 1) * stepper_max(one, stepper_broadcast(l, t->cols))};
    x.occ = x.work = s + row + x.last_row;
    if ((int)l->c->rom_style == ROMA_ROM_DRAM && is_first_block)
        x.occ = l->c->dram_hidden != 0 ? stepper_max(x.occ, stepper_stream(l, t)) : x.occ + stepper_stream(l, t);
    const uint64_t merged = stepper_min(l->lunits, w.group_words),
                   ended = l->rows * stepper_min(stepper_div_up(l->lunits, w.group_words), w.groups),
                   queue = stepper_div_up(ended, l->leaves) - 1, stands = group - w.row_words * l->word_cycles,
                   leaf = stepper_red(l, merged) + (l->lunits % w.group_words ? l->hop : 0) +
                          stepper_leaf(l, &t->format) + stepper_log_up(w.groups) * l->add;
    x.lat = l->pipeline + leaf + (queue > stands ? queue - stands : 0) + l->mul + l->far + (is_argmax ? l->hop : 0);
    x.first = s + w.row_words * l->word_cycles + l->pipeline + leaf;
    return x;
}

/* Rank of a row's adapter at a place on op's matrix; 0 where there is none. */
static inline uint64_t stepper_rank(const stepper_row *row, uint32_t place, const roma_op *op) {
    if (place >= row->of->n_adapters) return 0;
    const roma_cost_adapter *a = &row->of->adapters[place];
    return a->ranks ? a->ranks[op->adapter_slot] : a->rank;
}
static inline bool stepper_same(const stepper_row *a, const stepper_row *b, uint32_t place) {
    if (place >= a->of->n_adapters || place >= b->of->n_adapters) return false;
    return a->of->adapters[place].id == b->of->adapters[place].id;
}

/* A run's multiply-adds or reads, of `wide` inputs or outputs an element of rank. */
static inline uint64_t stepper_adapter_run(const stepper_law *l, uint64_t k, uint64_t rank, uint64_t wide) {
    const double x = l->c->lora_weight_bytes, share = l->has_share ? l->c->lora_share : 1;
    if (l->c->lora_where != 0)
        return stepper_max(stepper_up((double)(k * rank * wide * 8) * x / (double)(4 * l->lanes * l->lunits)),
                           stepper_up((double)(rank * wide) * x / l->c->hunit_bandwidth));
    return stepper_max(k * stepper_up((double)(rank * wide) / (l->c->hunit_mac * share)),
                       stepper_up((double)(rank * wide) * x / (l->c->hunit_bandwidth * share)));
}

static inline stepper_time stepper_adapter(const stepper_law *l, const roma_op *op, const stepper_view *v, bool is_up,
                                           uint32_t place) {
    const roma_image_tensor *t = &l->p->desc->tensors[op->tensor];
    uint64_t c = 8, group = 256;
    const uint64_t most = l->most_rank;
    while (c * l->units < t->cols) c *= 2;
    while (t->cols % group) group /= 2;
    const uint64_t y = stepper_min(c, t->cols), groups = t->cols / group;
    stepper_time x = {0};
    for (size_t i = 0, j; i < v->n; i = j) {
        uint64_t rank = stepper_rank(v->row[i], place, op);
        if (is_up && l->c->lora_where == 0) rank = (rank + 15) / 16 * 16;
        for (j = i + 1; j < v->n && stepper_same(v->row[j], v->row[i], place); j++) {
        }
        if (rank) x.occ += stepper_adapter_run(l, j - i, rank, is_up ? stepper_words_of(l, t).unit_rows : y);
        if (rank && is_up && l->c->lora_where == 0)
            x.words += (j - i) * stepper_up((double)(16 * stepper_words_of(l, t).unit_rows) /
                                            (l->c->hunit_mac * (l->has_share ? l->c->lora_share : 1)));
    }
    if (l->fill) return x;
    if (is_up) {
        x.lat = l->mul + stepper_red(l, most) + l->convert + 2 * l->mul + l->far + l->add;
        return x;
    }
    const uint64_t root = l->mul + stepper_red(l, stepper_min(y, group)) + l->deep + l->convert +
                          stepper_log_up(groups) * l->add + stepper_div_up(4 * most * groups, l->link);
    x.lat = root + 2 * l->mul + stepper_red(l, most) + l->divide + l->mul + l->convert + l->deep;
    x.first = x.occ + root;
    return x;
}

/* ---- 1.9: ATTEND --------------------------------------------------------------------------------------------- */

/* Positions of a page at `begin` that a row at p attends, or of all on the unit that has most where they go round. */
static inline uint64_t stepper_attended(const stepper_law *l, uint64_t p, uint64_t begin) {
    if ((int)l->c->hunit_pages == ROMA_PAGES_SPREAD) return stepper_div_up(p + 1, l->head_units);
    return p + 1 < begin ? 0 : stepper_min(32, p + 1 - begin);
}

/* Adds a run's pages to the cycles of both passes. */
static inline void stepper_attend_run(const stepper_law *l, const stepper_view *v, size_t begin, size_t end,
                                      uint64_t passes[2]) {
    const roma_hyper *h = &l->p->desc->hyper;
    const roma_chip *c = l->c;
    const bool is_spread = (int)c->hunit_pages == ROMA_PAGES_SPREAD;
    const uint64_t last = v->row[end - 1]->position, d = h->head_dim, g = h->heads / h->kv_heads;
    const double share = l->has_share ? 1 - c->lora_share : 1;
    uint64_t pages_before = 0;
    for (size_t i = begin; i < end; i++) pages_before += stepper_div_up(v->row[i]->position + 1, 32);
    for (uint64_t j = 0; is_spread ? j < 1 : 32 * j <= last; j++) {
        if ((j >> (unsigned)c->page_run) % l->head_units) continue;
        uint64_t sum = 0;
        for (size_t i = begin; i < end; i++) sum += stepper_attended(l, v->row[i]->position, 32 * j);
        const double here = (double)stepper_attended(l, last, 32 * j),
                     rate = c->hunit_bandwidth * c->read_efficiency * share;
        const uint64_t macs = stepper_up((double)(g * d * sum) / (c->hunit_mac * c->mac_efficiency * share)),
                       keys = stepper_up(here * stepper_position_bytes(l, false) / rate),
                       values = stepper_up(here * stepper_position_bytes(l, true) / rate),
                       exps = stepper_up((double)(g * sum) / c->hunit_exp),
                       send = is_spread && !l->fill ? pages_before * stepper_div_up(4 * g * d, l->link) : 0;
        passes[0] += stepper_unit_heads(l) * stepper_max(macs, keys);
        passes[1] += stepper_unit_heads(l) * stepper_max(stepper_max(stepper_max(macs, values), exps), send);
    }
}

/* The weights of the first page of the first run. */
static inline uint64_t stepper_first_page(const stepper_law *l, const stepper_view *v) {
    const roma_hyper *h = &l->p->desc->hyper;
    const bool is_spread = (int)l->c->hunit_pages == ROMA_PAGES_SPREAD;
    uint64_t sum = 0;
    for (size_t i = 0; i < v->n && v->row[i]->span == v->row[0]->span; i++)
        sum += stepper_div_up(stepper_min(32, v->row[i]->position + 1), is_spread ? l->head_units : 1);
    return stepper_chain(l, 9, 9, 3, 0, 0, 5) + stepper_up((double)(h->heads / h->kv_heads * sum) / l->c->hunit_exp) -
           1 + (is_spread ? 2 * l->reach : 0);
}

static inline stepper_time stepper_attend(const stepper_law *l, const stepper_view *v) {
    const roma_hyper *h = &l->p->desc->hyper;
    const uint64_t d = h->head_dim, crossed = stepper_cross(l, h->heads * d);
    uint64_t passes[2] = {0}, pages = 0;
    for (size_t i = 0, j; i < v->n; i = j) {
        for (j = i; j < v->n && v->row[j]->span == v->row[i]->span; j++) {
        }
        stepper_attend_run(l, v, i, j, passes);
        pages = stepper_max(pages, stepper_div_up(v->row[j - 1]->position + 1, 32));
    }
    stepper_time x = {.occ = passes[0] + passes[1]};
    if (l->fill) return x;
    x.occ += v->n * crossed + l->far + stepper_red(l, d) + l->divide + l->mul + l->convert; /* Q */
    x.occ += l->mul + stepper_red(l, d) + l->convert + l->mul + l->hop + 2 * l->reach;      /* M */
    x.occ += stepper_first_page(l, v);                                                      /* E */
    const uint64_t merges = stepper_min(stepper_log_up(l->head_units), stepper_log_up(pages)),
                   sums = l->mul + 5 * l->hop + l->convert + stepper_log_up(pages) * l->add +
                          merges * stepper_div_up(4 * d, l->link),
                   turned = l->convert + l->hop + l->divide;
    x.lat = (sums + l->mul > turned ? sums : turned - l->mul) + l->reach + l->mul + crossed + l->far;
    return x;
}

/* ---- any operation ---------------------------------------------------------------------------------------------- */

static inline stepper_time stepper_vector_unit(const stepper_law *l, const roma_op *op, uint64_t n) {
    const uint64_t e = op->in[0] == ROMA_NO_VALUE ? 0 : l->p->values[op->in[0]].width, lanes = n * stepper_vec(l, e);
    const uint64_t exp = stepper_up(l->c->exp_interval), divide = stepper_up(l->c->div_interval);
    if (op->kind == ROMA_OP_QUANTISE) return stepper_quantise(l, n, e, op->param.order > 0);
    if (op->kind == ROMA_OP_NORM) return stepper_norm(l, n, e, op->param.order > 0);
    if (op->kind == ROMA_OP_HEAD_NORM) return stepper_head_norm(l, n, e, l->p->desc->hyper.head_dim);
    if (op->kind == ROMA_OP_ROPE) return (stepper_time){.occ = lanes, .lat = stepper_chain(l, 1, 1, 0, 0, 0, 0)};
    if (op->kind == ROMA_OP_RELU2) return (stepper_time){.occ = lanes, .lat = stepper_chain(l, 0, 2, 0, 0, 0, 0)};
    if (op->kind == ROMA_OP_SILU)
        return (stepper_time){.occ = lanes * stepper_max(exp, divide), .lat = stepper_chain(l, 9, 10, 2, 1, 0, 0)};
    if (op->kind == ROMA_OP_ANGLES)
        return (stepper_time){.occ = n * stepper_vec(l, l->p->values[op->out].width / 2) * exp,
                              .lat = l->mul + stepper_chain(l, 4, 6, 1, 0, 0, 0)};
    return (stepper_time){.occ = lanes, .lat = l->add}; /* BIAS, RESIDUAL */
}

/* Cycles that dies which share every vector need to exchange its codes (1.10). */
static inline uint64_t stepper_exchange(const stepper_law *l, uint64_t n, uint64_t e) {
    const double bytes = (double)(stepper_codes(e) * n * (l->dies - 1)) / (double)l->dies;
    return 2 * stepper_up(l->c->die_latency_s * l->c->clock_hz) +
           stepper_up(bytes * l->c->clock_hz / l->c->die_bandwidth);
}

/* The base part of an operation. */
static inline stepper_time stepper_base(const stepper_law *l, size_t index, const stepper_view *v,
                                        bool is_first_block) {
    const roma_op *op = &l->p->ops[index];
    stepper_time x;
    if (op->kind == ROMA_OP_LINEAR)
        x = stepper_linear(l, op, v->n, is_first_block);
    else if (op->kind == ROMA_OP_ATTEND)
        x = stepper_attend(l, v);
    else if (op->kind == ROMA_OP_EMBED)
        x = stepper_embed(l, v->n, &l->p->desc->tensors[op->tensor]);
    else if (op->kind == ROMA_OP_CACHE)
        x = stepper_cache(l, v->n);
    else
        x = stepper_vector_unit(l, op, v->n);
    if (l->is_tensor && (op->kind == ROMA_OP_NORM || op->kind == ROMA_OP_QUANTISE))
        x.lat += stepper_exchange(l, v->n, l->p->values[op->in[0]].width);
    if (l->fill) {
        const bool opens_layer = op->layer != UINT32_MAX && (index == 0 || l->p->ops[index - 1].layer != op->layer);
        x.lat = opens_layer ? l->fill : 0;
        x.scale = x.first = 0;
        if (op->kind != ROMA_OP_LINEAR && op->kind != ROMA_OP_ATTEND) x.occ = 0;
    }
    return x;
}
#endif
