/* What the operations of a step cost, whatever the block: docs/cost-model.md sections 1.1, 1.5, 1.7 and 1.8. */
#include "timing.h"

/* ---- the chip's numbers ---- */

static bool has_adapters(const roma_placement *place, const roma_cost_span *spans, size_t n) {
    for (size_t i = 0; i < n; i++)
        for (uint32_t a = 0; a < spans[i].n_adapters; a++) {
            const roma_cost_adapter *x = &spans[i].adapters[a];
            if (!x->ranks && x->rank) return true;
            for (uint32_t s = 0; x->ranks && s < place->plan->n_adapter_slots; s++)
                if (x->ranks[s]) return true;
        }
    return false;
}

static void find_distances(timing_numbers *k, const roma_placement *place) {
    const uint64_t heads =
        timing_ceil_div(place->plan->desc->hyper.kv_heads, place->chip.die_split > 0 ? place->dies : 1); /* of a die */
    const roma_distances d = roma_cost_distances(&place->chip, k->head_units, heads);
    k->far = d.far * k->hop;
    k->across = d.across * k->hop;
    k->deep = d.deep * k->hop;
    k->deep_hops = d.deep;
    k->reach = d.reach * k->hop;
}

/* cache.element is an int8 code's; codes of other widths take so much more or less. */
static double position_bytes(const roma_placement *place, roma_kv_code code) {
    const double wide = (double)roma_kv_code_bytes(code, 2) / (double)roma_kv_code_bytes(ROMA_KV_CODE_INT8, 2);
    return place->plan->desc->hyper.head_dim * (place->chip.kv_bytes * wide) + place->chip.kv_scale_bytes;
}

static timing_numbers numbers_of(const roma_placement *place, bool adapters) {
    const roma_chip *c = &place->chip;
    const uint64_t units = timing_up(c->matrix_units) * (c->die_split > 0 ? place->dies : 1),
                   lanes = timing_up(c->vector_lanes), shared = c->overlap > 0 && c->lora_where <= 0 && adapters;
    timing_numbers k = {.U = units,
                        .N = timing_up(c->lunits),
                        .lanes = timing_up(c->lanes),
                        .group_rows = timing_up(c->lanes) / 8,
                        .columns = timing_up(c->grid_columns),
                        .word_cycles = timing_up(roma_chip_word_cycles(c)),
                        .hop = timing_up(c->hop_cyc),
                        .link = timing_up(c->link_bytes),
                        .vector = timing_up(c->vector_units) * lanes,
                        .add = timing_up(c->lat_add),
                        .mul = timing_up(c->lat_mul),
                        .convert = timing_up(c->lat_convert),
                        .div = timing_up(c->lat_div),
                        .exps = timing_up(c->exp_interval),
                        .divs = timing_up(c->div_interval),
                        .head_units = roma_place_page_units(place),
                        .heads_of_unit = timing_ceil_div(place->plan->desc->hyper.kv_heads, units),
                        .attend_share = shared ? 1 - c->lora_share : 1,
                        .lora_share = shared ? c->lora_share : 1,
                        .key_bytes = position_bytes(place, roma_kv_formats[place->kv].k),
                        .value_bytes = position_bytes(place, roma_kv_formats[place->kv].v),
                        .calibrated = c->fill_cyc > 0};
    if (k.calibrated) k.add = 0; /* of ups that wait for one another */
    k.leaf_units = timing_larger(1, k.N * k.lanes / (timing_up(c->leaf_group) * k.word_cycles));
    find_distances(&k, place);
    for (unsigned i = 0; i < ROMA_CHAIN_COUNT; i++) k.chain[i] = roma_cost_chain_cycles(c, (roma_cost_chain)i);
    k.lane_levels = timing_clog2(lanes);
    return k;
}

/* ---- products ---- */

double roma_cost_timing_stored_bytes(const roma_image_tensor *t) {
    roma_tile_layout lay;
    roma_tile_layout_get(&t->format, t->cols, &lay);
    return (double)t->rows * (double)lay.bytes / ROMA_TILE_ROWS;
}

static uint64_t leaf_cycles(const timing_numbers *k, const roma_image_tensor *t) {
    return k->chain[t->format.min ? ROMA_CHAIN_LEAF_MIN : t->format.zeros ? ROMA_CHAIN_LEAF_ZERO : ROMA_CHAIN_LEAF];
}

static uint64_t broadcast_cycles(const timing_numbers *k, uint64_t e) {
    return k->calibrated ? 0 : timing_ceil_div(timing_code_bytes(e), k->link);
}

/* Cycles of a row over the network and the host's link. */
static uint64_t way_out(const timing *t, const roma_image_tensor *w, bool head) {
    const timing_numbers *k = &t->k;
    const roma_chip *c = t->c;
    if (k->calibrated || (head && c->full_logits == 0)) return 0;
    const uint64_t down = timing_ceil_div(4 * timing_ceil_div(w->rows, k->columns), k->link),
                   out = head ? timing_up(4.0 * (double)w->rows * c->clock_hz / c->host_bandwidth) : 0;
    return timing_larger(timing_larger(down, timing_cross(k, w->rows)), out);
}

/* A group that reaches into another wave adds up over waves. */
static uint64_t merge_cycles(const timing_numbers *k, const roma_place_tensor *m) {
    return (timing_clog2(m->group_lunits) + (k->N % m->group_words > 0)) * k->hop;
}

/* Cycles that the last leaves of a row group wait for leaf units behind the last word. The cycles of a row group have
 * room for its leaves: an address stands as long as those that it ends are taken. */
static uint64_t leaf_queue(const timing_numbers *k, const roma_place_tensor *m, uint64_t groups, uint64_t words,
                           uint64_t group) {
    const uint64_t leaves = k->group_rows * groups, ended = m->wave_leaves < leaves ? m->wave_leaves : leaves,
                   waits = timing_ceil_div(ended, k->leaf_units) - 1;
    return waits > group - words ? waits - (group - words) : 0;
}

/* Rows of a product and its latency, from the last word read to the product in the vector units; first: from the start
 * to where the scale of the codes comes in. */
static void linear_rows(timing_op *o, const timing *t, const roma_image_tensor *w, const roma_place_tensor *m,
                        bool head) {
    const timing_numbers *k = &t->k;
    const roma_chip *c = t->c;
    const bool argmax = head && c->full_logits == 0;
    const uint64_t groups = timing_ceil_div(w->cols, w->format.group), words = m->row_words * k->word_cycles,
                   scales = c->scale_port == ROMA_SCALES_SHARED ? m->scale_words * k->word_cycles : 0,
                   group = timing_larger(words, timing_ceil_div(k->group_rows * groups, k->leaf_units)),
                   row = timing_larger(m->unit_rows / k->group_rows * group, way_out(t, w, head)),
                   sum = timing_up(c->lunit_pipeline) + merge_cycles(k, m) + leaf_cycles(k, w) +
                         timing_clog2(groups) * k->add;
    o->row = scales + row;
    o->next = timing_larger(c->hold > 0 ? row : scales + row, broadcast_cycles(k, w->cols));
    o->lat = sum + leaf_queue(k, m, groups, words, group) + k->mul + k->far + (argmax ? k->hop : 0);
    o->first = scales + words + sum;
}

/* Words of a matrix over those that an L-Unit of its die has: a matrix unit's wrong words are spread evenly. */
static double share_of_words(const roma_placement *place, const roma_place_tensor *m) {
    return m->words ? (double)m->words / (double)place->die_words[m->die] : 0;
}

static void linear(timing_op *o, const timing *t, const roma_op *op, double repair_words) {
    const roma_chip *c = t->c;
    const roma_image_tensor *w = timing_tensor(t->p, op);
    const roma_place_tensor *m = timing_place(t, op);
    linear_rows(o, t, w, m, op->layer == UINT32_MAX);
    if (c->rom_style == ROMA_ROM_DRAM) {
        o->once = timing_up(roma_cost_timing_stored_bytes(w) * c->clock_hz / (c->dram_bandwidth * c->dram_efficiency));
        o->hides = c->dram_hidden > 0;
    } else {
        o->repair = repair_words * share_of_words(t->place, m) * roma_chip_word_bits(c) / 8 / c->hunit_bandwidth;
    }
}

static void embed(timing_op *o, const timing *t, const roma_op *op) {
    const timing_numbers *k = &t->k;
    const roma_image_tensor *w = timing_tensor(t->p, op);
    const uint64_t bits = k->group_rows * roma_place_scale_bits(w),
                   scales = t->c->scale_port == ROMA_SCALES_SHARED ? timing_ceil_div(bits, 4 * k->lanes * k->N) : 0,
                   words = (roma_place_row_words(t->place, op->tensor) + scales) * k->word_cycles;
    o->row = timing_larger(
        words, timing_larger(timing_ceil_div(w->cols, k->leaf_units), timing_ceil_div(4 * w->cols, k->link)));
    o->next = o->row;
    o->lat = timing_up(t->c->lunit_pipeline) + leaf_cycles(k, w) + k->far;
}

/* ---- H and V ---- */

static void cache(timing_op *o, const timing *t) {
    const timing_numbers *k = &t->k;
    const roma_hyper *h = &t->p->desc->hyper;
    const double bytes = (double)k->heads_of_unit * (k->key_bytes + k->value_bytes);
    const uint64_t write = timing_up(bytes / t->c->hunit_bandwidth);
    o->row = timing_larger(timing_cross(k, 2 * (uint64_t)h->kv_heads * h->head_dim), write);
    o->next = o->row;
    o->lat = k->far + timing_clog2(h->head_dim) * k->hop + k->div + k->mul + k->convert + write;
}

/* Codes that several dies have parts of are exchanged: their largest first, then the codes. */
static uint64_t exchange(const timing *t) {
    return t->c->die_split > 0 && t->place->dies > 1 ? 2 * timing_up(t->c->die_latency_s * t->c->clock_hz) : 0;
}

/* Cycles of an element in the lanes and to its result. */
static void vector(timing_op *o, const timing *t, const roma_op *op) {
    const timing_numbers *k = &t->k;
    const uint64_t e = op->in[0] == ROMA_NO_VALUE ? 0 : t->p->values[op->in[0]].width;
    o->vec = timing_ceil_div(e, k->vector);
    o->bc = broadcast_cycles(k, e);
    if (op->param.order)
        o->gather = timing_larger(timing_ceil_div(e, k->vector) * timing_up(t->c->vector_lanes), timing_cross(k, e));
    switch (op->kind) {
    case ROMA_OP_ANGLES:
        o->vec = timing_ceil_div(t->p->values[op->out].width / 2, k->vector) * k->exps;
        o->lat = k->mul + k->chain[ROMA_CHAIN_SINCOS];
        break;
    case ROMA_OP_NORM:
    case ROMA_OP_QUANTISE: o->lat = k->chain[ROMA_CHAIN_CODE] + k->far + exchange(t); break;
    case ROMA_OP_HEAD_NORM: o->lat = 2 * k->mul; break;
    case ROMA_OP_ROPE: o->lat = k->chain[ROMA_CHAIN_ROTATE]; break;
    case ROMA_OP_SILU:
        o->vec *= timing_larger(k->exps, k->divs);
        o->lat = k->chain[ROMA_CHAIN_SILU];
        break;
    case ROMA_OP_RELU2: o->lat = k->chain[ROMA_CHAIN_RELU2]; break;
    case ROMA_OP_BIAS:
    case ROMA_OP_RESIDUAL: o->lat = k->add; break;
    case ROMA_OP_EMBED:
    case ROMA_OP_LINEAR:
    case ROMA_OP_CACHE:
    case ROMA_OP_ATTEND:
    case ROMA_OP_COUNT: break;
    }
}

static void op_times(timing_op *o, const timing *t, uint32_t index, double repair_words) {
    const roma_op *op = &t->p->ops[index];
    *o = (timing_op){0};
    switch (roma_op_about(op->kind)->work) {
    case ROMA_WORK_EMBED: embed(o, t, op); break;
    case ROMA_WORK_LINEAR:
        linear(o, t, op, repair_words);
        if (op->adapter_slot != UINT32_MAX) roma_cost_timing_slots(o, t, op);
        break;
    case ROMA_WORK_CACHE: cache(o, t); break;
    case ROMA_WORK_ATTEND: break; /* attend.c */
    case ROMA_WORK_VECTOR: vector(o, t, op); break;
    }
    if (t->k.calibrated) {
        o->lat = o->first = 0;
        if (!roma_op_matrix(t->p, op)) o->row = o->next = o->vec = o->bc = 0;
    }
    roma_cost_timing_count(o, t, index);
}

/* Whether two operations, in two layers, have the same times: layers are alike as a rule. */
static bool is_like(const timing *t, uint32_t a, uint32_t b) {
    const roma_op *x = &t->p->ops[a], *y = &t->p->ops[b];
    const uint32_t before = t->turns[a].group, here = t->turns[b].group;
    if (x->kind != y->kind || x->in[0] != y->in[0] || x->in[1] != y->in[1] || x->out != y->out ||
        x->param.rotated != y->param.rotated || !x->param.order != !y->param.order ||
        x->last_rows_only != y->last_rows_only ||
        (before == UINT32_MAX ? here != UINT32_MAX : before + (b - a) != here))
        return false;
    if (x->tensor == ROMA_NO_TENSOR) return true;
    const roma_image_tensor *v = timing_tensor(t->p, x), *w = timing_tensor(t->p, y);
    const roma_place_tensor *m = timing_place(t, x), *n = timing_place(t, y);
    const roma_format *f = &v->format, *g = &w->format;
    return v->rows == w->rows && v->cols == w->cols && f->bits == g->bits && f->group == g->group &&
           f->scale == g->scale && f->min == g->min && f->zero == g->zero && f->zeros == g->zeros &&
           f->super == g->super && m->words == n->words && m->die == n->die;
}

/* Times of all operations; those of a layer like the one before it are the same. */
static void find_times(timing *t, double repair_words) {
    uint32_t first[2] = {0, 0};
    for (uint32_t i = 1; i < t->p->n_ops && !first[1]; i++)
        if (t->p->ops[i].layer != UINT32_MAX && t->p->ops[i].layer != t->p->ops[i - 1].layer) first[first[0] > 0] = i;
    const uint32_t period = first[1] - first[0];
    for (uint32_t i = 0; i < t->p->n_ops; i++) {
        if (first[1] && i >= first[1] && t->p->ops[i].layer != UINT32_MAX && is_like(t, i - period, i)) {
            t->turns[i].times = t->turns[i - period].times;
        } else {
            op_times(&t->times[t->n_times], t, i, repair_words);
            t->turns[i].times = t->n_times++;
        }
    }
}

/* ---- groups of LINEARs that read one value ---- */

/* Whether operation i goes on with the group that began at `group`: another LINEAR of its value, or a BIAS of the
 * LINEAR before it. */
static bool continues(const timing *t, uint32_t group, uint32_t i) {
    const roma_op *first = &t->p->ops[group], *before = &t->p->ops[i - 1], *op = &t->p->ops[i];
    if (op->layer != first->layer) return false;
    if (op->kind == ROMA_OP_BIAS) return op->in[0] == before->out && before->kind == ROMA_OP_LINEAR;
    return op->kind == ROMA_OP_LINEAR && op->in[0] == first->in[0];
}

static void find_groups(timing *t) {
    uint32_t group = UINT32_MAX;
    for (uint32_t i = 0; i < t->p->n_ops; i++) {
        const roma_op *op = &t->p->ops[i];
        if (group == UINT32_MAX || !continues(t, group, i)) {
            if (group != UINT32_MAX) t->turns[i - 1].ends_group = true;
            group = op->kind == ROMA_OP_LINEAR && op->layer != UINT32_MAX ? i : UINT32_MAX;
        }
        t->turns[i].group = group;
    }
    for (size_t i = 0; i < t->n_spans; i++)
        if (t->spans[i].n_adapters > t->places) t->places = t->spans[i].n_adapters;
    t->most_rank = roma_cost_timing_most_rank(t);
}

/* ---- all of it ---- */

size_t roma_cost_timing_bytes(const roma_placement *p, const roma_cost_span *spans, size_t n) {
    const uint32_t streams = roma_cost_timing_streams(&p->chip, roma_cost_timing_count_rows(spans, n));
    return p->plan->n_ops * (sizeof(timing_op) + sizeof(timing_turn)) +
           roma_cost_timing_blocks(p, spans, n) * sizeof(timing_block) +
           ((size_t)streams + 2) / 2 * 2 * sizeof(uint32_t);
}

/* The first operation of each layer of a calibrated chip carries what the layer's latencies come to. */
static void fill_layers(timing *t) {
    for (size_t i = 1; i < t->p->n_ops && t->k.calibrated; i++)
        if (t->p->ops[i].layer != UINT32_MAX && t->p->ops[i].layer != t->p->ops[i - 1].layer)
            t->times[t->turns[i].times].lat = timing_up(t->c->fill_cyc);
}

void roma_cost_timing_init(timing *t, void *memory, const roma_placement *place, const roma_cost_span *spans, size_t n,
                           double repair_words) {
    const roma_plan *p = place->plan;
    const roma_chip *c = &place->chip;
    const uint32_t rows = roma_cost_timing_count_rows(spans, n);
    *t = (timing){
        .place = place, .p = p, .c = c, .spans = spans, .n_spans = n, .n_streams = roma_cost_timing_streams(c, rows)};
    t->k = numbers_of(place, has_adapters(place, spans, n));
    t->times = memory;
    t->blocks = (timing_block *)(void *)(t->times + p->n_ops);
    t->stream_block = (uint32_t *)(void *)(t->blocks + roma_cost_timing_blocks(place, spans, n));
    t->turns = (timing_turn *)(void *)(t->stream_block + t->n_streams + 1);
    roma_cost_timing_cut(t, rows);
    const double pitch = roma_cost_pitch_mm(c);
    t->tree_mm = pitch * c->grid_rows * c->grid_columns;
    t->mean_mm = pitch * (double)t->k.deep_hops / 2;
    t->unit_mm = pitch / sqrt(c->lunits);
    for (size_t i = 0; i < p->n_ops; i++) t->turns[i] = (timing_turn){.group = UINT32_MAX};
    find_groups(t);
    find_times(t, repair_words);
    fill_layers(t);
}
