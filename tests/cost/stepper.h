/* A second timing model, made from docs/cost-model.md section 1 alone: queues of instances per unit kind and a clock
 * that advances one cycle at a time. Slow and simple on purpose; shares no code with the scheduler. */
#ifndef ROMA_TEST_STEPPER_H
#define ROMA_TEST_STEPPER_H
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "roma/cost.h"

enum { STEPPER_L, STEPPER_H, STEPPER_V, STEPPER_A, STEPPER_UNITS }; /* A: what adapters keep of the H-Units */

typedef struct {
    uint32_t span;
    uint64_t position;
    bool logits;
    uint32_t adapter, rank;
} stepper_row;

typedef struct {
    uint32_t op, block;
    unsigned unit;
    bool lora, started;
    bool takes[STEPPER_UNITS];
    uint64_t occ, lat, start, busy, end;
    size_t first_read, n_reads; /* in reads */
} stepper_instance;

typedef struct {
    const roma_plan *p;
    const roma_chip *c;
    stepper_row *rows;
    size_t n_rows;
    size_t *block_begin; /* rows of block b: [block_begin[b], block_begin[b + 1]) */
    uint32_t *block_stream;
    size_t n_blocks, n_streams;
    stepper_instance *all; /* in issue order */
    size_t n, cap;
    uint32_t *reads;
    size_t n_reads, cap_reads;
    uint32_t *base, *part; /* [op * n_blocks + block]: its instances, UINT32_MAX none */
    uint64_t cycles, busy[STEPPER_UNITS];
} stepper;

/* What an instance sees: rows of its block, in order. */
typedef struct {
    const stepper_row *row[512];
    size_t n;
} stepper_view;

static inline uint64_t stepper_div_up(uint64_t a, uint64_t b) { return (a + b - 1) / b; }
static inline uint64_t stepper_log_up(double x) {
    uint64_t k = 0;
    for (double power = 1; power < x; power *= 2) k++;
    return k;
}
static inline uint64_t stepper_whole(double x) { return (uint64_t)x; }
static inline uint64_t stepper_max(uint64_t a, uint64_t b) { return a > b ? a : b; }

/* ---- durations: 1.5 to 1.8 ------------------------------------------------------------------------ */

static inline uint64_t stepper_red(const roma_chip *c, double k) {
    return stepper_log_up(k) * stepper_whole(c->hop_cyc);
}
static inline uint64_t stepper_hops(const roma_chip *c) {
    return (stepper_whole(ceil(c->grid_columns / 2)) + stepper_whole(ceil((c->grid_rows - 1) / 2))) *
           stepper_whole(c->hop_cyc);
}
static inline uint64_t stepper_vec(const roma_chip *c, uint64_t e) {
    return stepper_div_up(e, stepper_whole(c->vector_units) * stepper_whole(c->vector_lanes));
}
static inline uint64_t stepper_broadcast(const roma_chip *c, uint64_t e) {
    return stepper_whole(ceil((double)stepper_div_up(e * 67, 64) / c->link_bytes));
}
static inline uint64_t stepper_vector_reduction(const roma_chip *c) {
    const uint64_t levels = stepper_log_up(c->vector_lanes) + stepper_log_up(c->vector_units);
    return levels * stepper_whole(c->hop_cyc) + stepper_whole(ceil(c->grid_columns / 2)) * stepper_whole(c->hop_cyc);
}
static inline uint64_t stepper_groups(const roma_image_tensor *t) { return stepper_div_up(t->cols, t->format.group); }

/* Bytes of a matrix with its scales as the image stores them: a row has a sixteenth of a tile (docs/rom-format.md,
 * "Tiles"). */
static inline double stepper_bytes(const roma_image_tensor *t) {
    static const uint64_t form[] = {0, 32, 8, 12, 12, 16};
    const uint64_t supers = t->format.super ? t->cols / t->format.super : 0, sets = t->format.min ? 2 : 1;
    const uint64_t tile =
        2 * t->cols * t->format.bits + sets * (t->cols / t->format.group * form[t->format.scale] + supers * 32);
    return (double)t->rows * (double)stepper_div_up(tile, 64) * 64 / 16;
}
static inline bool stepper_is_head(const roma_op *op) { return op->kind == ROMA_OP_LINEAR && op->layer == UINT32_MAX; }

static inline uint64_t stepper_linear_occ(const roma_chip *c, const roma_op *op, const roma_image_tensor *t, uint64_t n,
                                          bool first) {
    const uint64_t units = stepper_whole(c->matrix_units), lunits = stepper_whole(c->lunits),
                   lanes = stepper_whole(c->lanes);
    const uint64_t r = stepper_div_up(t->rows, units);
    const uint64_t waves = stepper_div_up(r * t->cols * t->format.bits, 4 * lanes * lunits);
    const uint64_t leaves =
        stepper_div_up(r * stepper_groups(t), stepper_max(1, lunits * lanes / stepper_whole(c->leaf_group)));
    uint64_t gather =
        stepper_whole(ceil((double)(stepper_div_up(t->rows, stepper_whole(c->grid_columns)) * 4) / c->link_bytes));
    if ((stepper_is_head(op) && c->full_logits == 0) || c->fill_cyc > 0) gather = 0;
    const uint64_t work = n * stepper_max(stepper_max(waves, leaves), gather);
    if (c->rom_style != ROMA_ROM_DRAM) return work;
    const uint64_t stream =
        first ? stepper_whole(ceil(stepper_bytes(t) * c->clock_hz / (c->dram_bandwidth * c->dram_efficiency))) : 0;
    return c->dram_hidden != 0 ? stepper_max(work, stream) : work + stream;
}

static inline uint64_t stepper_adapter_occ(const roma_chip *c, const roma_image_tensor *t, const stepper_view *v) {
    const double share = c->overlap != 0 ? c->lora_share : 1;
    uint64_t occ = 0;
    for (size_t i = 0, j; i < v->n; i = j) {
        for (j = i; j < v->n && v->row[j]->adapter == v->row[i]->adapter; j++) {
        }
        if (!v->row[i]->adapter) continue;
        const double k = (double)(j - i), w = (double)(v->row[i]->rank * (t->rows + t->cols));
        if (c->lora_where != 0)
            occ +=
                stepper_whole(ceil(k * w * (8 * c->lora_weight_bytes) / (4 * c->lanes * c->lunits * c->matrix_units)));
        else
            occ += stepper_whole(ceil(fmax(k * w / (c->matrix_units * c->hunit_mac * share),
                                           w * c->lora_weight_bytes / (c->matrix_units * c->hunit_bandwidth * share))));
    }
    return occ;
}

static inline uint64_t stepper_heads_over(const roma_chip *c, const roma_hyper *h) {
    return stepper_max(1, stepper_whole(c->matrix_units) / h->kv_heads);
}

static inline uint64_t stepper_attend_occ(const roma_chip *c, const roma_hyper *h, const stepper_view *v) {
    const uint64_t spread = stepper_heads_over(c, h),
                   each = stepper_div_up(h->kv_heads, stepper_whole(c->matrix_units));
    const double m = 2.0 * h->head_dim * (h->heads / h->kv_heads),
                 b = 2 * h->head_dim * c->kv_bytes + 2 * c->kv_scale_bytes;
    uint64_t occ = 0;
    for (size_t i = 0, j; i < v->n; i = j) {
        uint64_t sum = 0, last = 0;
        for (j = i; j < v->n && v->row[j]->span == v->row[i]->span; j++) {
            last = stepper_div_up(v->row[j]->position + 1, spread) * each;
            sum += last;
        }
        const double share = c->overlap != 0 ? 1 - c->lora_share : 1;
        occ += stepper_whole(ceil(fmax((double)sum * m / (c->hunit_mac * c->mac_efficiency * share),
                                       (double)last * b / (c->hunit_bandwidth * c->read_efficiency * share))));
    }
    return occ;
}

static inline uint64_t stepper_occ(const stepper *s, const roma_op *op, bool lora, const stepper_view *v, bool first) {
    const roma_chip *c = s->c;
    const roma_hyper *h = &s->p->desc->hyper;
    const roma_image_tensor *t = op->tensor == ROMA_NO_TENSOR ? NULL : &s->p->desc->tensors[op->tensor];
    const uint64_t e = op->in[0] == ROMA_NO_VALUE ? 0 : s->p->values[op->in[0]].width, n = v->n;
    if (op->kind == ROMA_OP_LINEAR) return lora ? stepper_adapter_occ(c, t, v) : stepper_linear_occ(c, op, t, n, first);
    if (op->kind == ROMA_OP_ATTEND) return stepper_attend_occ(c, h, v);
    if (c->fill_cyc > 0) return 0;
    switch (op->kind) {
    case ROMA_OP_EMBED:
        return n * stepper_div_up(t->cols * t->format.bits, 4 * stepper_whole(c->lanes) * stepper_whole(c->lunits));
    case ROMA_OP_NORM:
    case ROMA_OP_QUANTISE: return n * stepper_max(2 * stepper_vec(c, e), stepper_broadcast(c, e));
    case ROMA_OP_BIAS:
    case ROMA_OP_RELU2:
    case ROMA_OP_RESIDUAL: return n * stepper_vec(c, e);
    case ROMA_OP_HEAD_NORM: return n * 2 * stepper_vec(c, e);
    case ROMA_OP_ROPE: return n * stepper_vec(c, e);
    case ROMA_OP_ANGLES: return n * stepper_vec(c, h->rope_dim / 2) * stepper_whole(c->exp_interval);
    case ROMA_OP_SILU:
        return n * stepper_vec(c, e) * stepper_max(stepper_whole(c->exp_interval), stepper_whole(c->div_interval));
    case ROMA_OP_CACHE: return n * stepper_whole(ceil(2 * h->head_dim * c->kv_bytes / c->hunit_bandwidth));
    default: return 0;
    }
}

static inline uint64_t stepper_lat(const stepper *s, size_t index, bool lora) {
    const roma_chip *c = s->c;
    const roma_op *op = &s->p->ops[index];
    const roma_hyper *h = &s->p->desc->hyper;
    const roma_image_tensor *t = op->tensor == ROMA_NO_TENSOR ? NULL : &s->p->desc->tensors[op->tensor];
    if (c->fill_cyc > 0) {
        const bool opens_layer = op->layer != UINT32_MAX && (index == 0 || s->p->ops[index - 1].layer != op->layer);
        return opens_layer ? stepper_whole(c->fill_cyc) : 0;
    }
    const uint64_t add = stepper_whole(c->lat_add), mul = stepper_whole(c->lat_mul),
                   convert = stepper_whole(c->lat_convert), exp_ = stepper_whole(c->lat_exp),
                   div_ = stepper_whole(c->lat_div), root = stepper_whole(c->lat_sqrt),
                   pipeline = stepper_whole(c->lunit_pipeline), hop = stepper_whole(c->hop_cyc), hops = stepper_hops(c);
    switch (op->kind) {
    case ROMA_OP_EMBED: return pipeline + mul + hops + stepper_whole(ceil((double)(t->cols * 4) / c->link_bytes));
    case ROMA_OP_NORM: return mul + stepper_vector_reduction(c) + div_ + mul + convert + hops;
    case ROMA_OP_QUANTISE: return stepper_vector_reduction(c) + div_ + mul + convert + hops;
    case ROMA_OP_LINEAR:
        if (lora) return 2 * hops + stepper_red(c, c->matrix_units) + mul + convert;
        return pipeline + stepper_red(c, c->lunits) + convert + mul + stepper_log_up((double)stepper_groups(t)) * add +
               mul + hops + (stepper_is_head(op) && c->full_logits == 0 ? stepper_red(c, c->matrix_units) : 0);
    case ROMA_OP_BIAS:
    case ROMA_OP_RESIDUAL: return add;
    case ROMA_OP_HEAD_NORM: return mul + stepper_log_up((double)t->cols) * hop + root + div_ + 2 * mul;
    case ROMA_OP_ROPE: return mul + add;
    case ROMA_OP_ANGLES: return mul + stepper_whole(c->lat_sincos);
    case ROMA_OP_RELU2: return add + 2 * mul;
    case ROMA_OP_SILU: return exp_ + add + div_ + 2 * mul;
    case ROMA_OP_CACHE: return stepper_log_up(h->head_dim) * hop + div_ + mul + convert + hops;
    case ROMA_OP_ATTEND:
        return hops + 2 * stepper_red(c, (double)stepper_heads_over(c, h)) + exp_ + add + div_ + mul + convert + hops;
    default: return 0;
    }
}

/* ---- rows, streams, blocks, issue order: 1.1, 1.2, 1.4 ----------------------------------------------- */

static inline void *stepper_memory(size_t n, size_t size) {
    void *p = calloc(n ? n : 1, size);
    if (!p) abort();
    return p;
}

static inline void stepper_cut(stepper *s, const roma_cost_span *spans, size_t n_spans) {
    for (size_t i = 0; i < n_spans; i++) s->n_rows += spans[i].rows;
    s->rows = stepper_memory(s->n_rows, sizeof *s->rows);
    s->block_begin = stepper_memory(s->n_rows + 1, sizeof *s->block_begin);
    s->block_stream = stepper_memory(s->n_rows, sizeof *s->block_stream);
    size_t at = 0;
    for (size_t i = 0; i < n_spans; i++)
        for (uint32_t k = 0; k < spans[i].rows; k++)
            s->rows[at++] = (stepper_row){.span = (uint32_t)i,
                                          .position = spans[i].position + k,
                                          .adapter = spans[i].adapter,
                                          .rank = spans[i].rank,
                                          .logits = k + spans[i].logits >= spans[i].rows};
    s->n_streams = stepper_whole(s->c->streams) < s->n_rows ? stepper_whole(s->c->streams) : s->n_rows;
    for (size_t k = 0; k < s->n_streams; k++) {
        const size_t end = s->n_rows * (k + 1) / s->n_streams;
        for (size_t row = s->n_rows * k / s->n_streams; row < end; row += stepper_whole(s->c->block_rows)) {
            s->block_begin[s->n_blocks] = row;
            s->block_stream[s->n_blocks++] = (uint32_t)k;
        }
    }
    s->block_begin[s->n_blocks] = s->n_rows;
}

static inline stepper_view stepper_see(const stepper *s, const roma_op *op, size_t block) {
    stepper_view v = {.n = 0};
    for (size_t r = s->block_begin[block]; r < s->block_begin[block + 1]; r++)
        if (!op->last_rows_only || s->rows[r].logits) {
            if (v.n == sizeof v.row / sizeof *v.row) abort();
            v.row[v.n++] = &s->rows[r];
        }
    return v;
}

static inline void stepper_reads(stepper *s, uint32_t instance) {
    if (s->n_reads == s->cap_reads) {
        s->cap_reads = s->cap_reads * 2 + 256;
        s->reads = realloc(s->reads, s->cap_reads * sizeof *s->reads);
        if (!s->reads) abort();
    }
    s->reads[s->n_reads++] = instance;
}

static inline void stepper_find_reads(stepper *s, stepper_instance *me) {
    const roma_op *ops = s->p->ops, *op = &ops[me->op];
    me->first_read = s->n_reads;
    for (int k = 0; k < 2; k++) {
        if (op->in[k] == ROMA_NO_VALUE) continue;
        size_t w = me->op;
        while (w > 0 && ops[w - 1].out != op->in[k]) w--;
        if (w == 0) abort();
        const size_t at = (w - 1) * s->n_blocks + me->block;
        if (s->base[at] != UINT32_MAX) stepper_reads(s, s->base[at]);
        if (s->part[at] != UINT32_MAX) stepper_reads(s, s->part[at]);
    }
    for (size_t o = 0; op->kind == ROMA_OP_ATTEND && o < s->p->n_ops; o++)
        for (size_t b = 0; ops[o].kind == ROMA_OP_CACHE && ops[o].layer == op->layer && b <= me->block; b++)
            stepper_reads(s, s->base[o * s->n_blocks + b]);
    me->n_reads = s->n_reads - me->first_read;
}

static inline void stepper_issue(stepper *s, size_t op, size_t block, bool lora, const stepper_view *v) {
    const roma_op *o = &s->p->ops[op];
    if (s->n == s->cap) {
        s->cap = s->cap * 2 + 256;
        s->all = realloc(s->all, s->cap * sizeof *s->all);
        if (!s->all) abort();
    }
    stepper_instance *me = &s->all[s->n];
    *me = (stepper_instance){.op = (uint32_t)op, .block = (uint32_t)block, .lora = lora, .unit = ROMA_UNIT_V};
    if (o->kind == ROMA_OP_EMBED || (o->kind == ROMA_OP_LINEAR && (!lora || s->c->lora_where != 0)))
        me->unit = ROMA_UNIT_L;
    else if (lora && s->c->overlap != 0)
        me->unit = STEPPER_A;
    else if (o->kind == ROMA_OP_CACHE || o->kind == ROMA_OP_ATTEND || lora)
        me->unit = ROMA_UNIT_H;
    me->takes[me->unit] = true;
    if (o->kind == ROMA_OP_ATTEND && s->c->overlap == 0) me->takes[ROMA_UNIT_L] = true;
    bool first = true; /* the first block of the step that has this operation streams the matrix */
    for (size_t b = 0; b < block; b++) first = first && s->base[op * s->n_blocks + b] == UINT32_MAX;
    me->occ = stepper_occ(s, o, lora, v, first);
    me->lat = stepper_lat(s, op, lora);
    stepper_find_reads(s, me);
    (lora ? s->part : s->base)[op * s->n_blocks + block] = (uint32_t)s->n++;
}

static inline void stepper_issue_all(stepper *s) {
    const roma_op *ops = s->p->ops;
    for (size_t begin = 0, end; begin < s->p->n_ops; begin = end) {
        end = begin;
        while (end < s->p->n_ops && ops[end].kind != ROMA_OP_ATTEND) end++;
        if (end < s->p->n_ops) end++; /* the ATTEND itself */
        for (size_t stream = 0; stream < s->n_streams; stream++)
            for (size_t op = begin; op < end; op++)
                for (size_t b = 0; b < s->n_blocks; b++) {
                    if (s->block_stream[b] != stream) continue;
                    const stepper_view v = stepper_see(s, &ops[op], b);
                    bool adapters = false;
                    for (size_t i = 0; i < v.n; i++) adapters = adapters || v.row[i]->adapter;
                    if (!v.n) continue;
                    stepper_issue(s, op, b, false, &v);
                    if (ops[op].kind == ROMA_OP_LINEAR && !stepper_is_head(&ops[op]) && adapters)
                        stepper_issue(s, op, b, true, &v);
                }
    }
}

/* ---- the clock: 1.3 ------------------------------------------------------------------------------------ */

static inline bool stepper_can_start(const stepper *s, const stepper_instance *me, uint32_t number,
                                     const size_t head[STEPPER_UNITS], uint32_t *const queue[STEPPER_UNITS],
                                     const uint64_t free_at[STEPPER_UNITS], uint64_t now) {
    for (int u = 0; u < STEPPER_UNITS; u++)
        if (me->takes[u] && (queue[u][head[u]] != number || free_at[u] > now)) return false;
    for (size_t i = 0; i < me->n_reads; i++) {
        const stepper_instance *r = &s->all[s->reads[me->first_read + i]];
        if (!r->started || r->end > now) return false;
    }
    return true;
}

static inline void stepper_clock(stepper *s) {
    uint32_t *queue[STEPPER_UNITS];
    size_t len[STEPPER_UNITS] = {0}, head[STEPPER_UNITS] = {0}, left = s->n;
    uint64_t free_at[STEPPER_UNITS] = {0};
    for (int u = 0; u < STEPPER_UNITS; u++) {
        queue[u] = stepper_memory(s->n, sizeof **queue);
        for (size_t i = 0; i < s->n; i++)
            if (s->all[i].takes[u]) queue[u][len[u]++] = (uint32_t)i;
    }
    for (uint64_t now = 0; left; now++)
        for (bool changed = true; changed;) {
            changed = false;
            for (int u = 0; u < STEPPER_UNITS; u++) {
                if (head[u] == len[u]) continue;
                const uint32_t number = queue[u][head[u]];
                stepper_instance *me = &s->all[number];
                if (!stepper_can_start(s, me, number, head, queue, free_at, now)) continue;
                me->started = changed = true;
                me->start = now;
                me->busy = now + me->occ;
                me->end = me->busy + me->lat;
                for (int k = 0; k < STEPPER_UNITS; k++)
                    if (me->takes[k]) {
                        head[k]++;
                        free_at[k] = me->busy;
                        s->busy[k] += me->occ;
                    }
                s->cycles = stepper_max(s->cycles, me->end);
                left--;
            }
        }
    for (int u = 0; u < STEPPER_UNITS; u++) free(queue[u]);
}

static inline void stepper_destroy(stepper *s) {
    free(s->rows);
    free(s->block_begin);
    free(s->block_stream);
    free(s->all);
    free(s->reads);
    free(s->base);
    free(s->part);
    memset(s, 0, sizeof *s);
}

static inline stepper stepper_run(const roma_placement *place, const roma_cost_span *spans, size_t n_spans) {
    const roma_plan *p = place->plan;
    const roma_chip *c = &place->chip;
    stepper s = {.p = p, .c = c};
    stepper_cut(&s, spans, n_spans);
    s.base = stepper_memory(p->n_ops * s.n_blocks, sizeof *s.base);
    s.part = stepper_memory(p->n_ops * s.n_blocks, sizeof *s.part);
    memset(s.base, 0xff, p->n_ops * s.n_blocks * sizeof *s.base);
    memset(s.part, 0xff, p->n_ops * s.n_blocks * sizeof *s.part);
    stepper_issue_all(&s);
    stepper_clock(&s);
    return s;
}
#endif
