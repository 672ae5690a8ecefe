/* Downs and ups of adapters, line by line: the codes of h as they reach H-Units, what leaves these, and the sums in the
 * vector units' memories. Lines name the place of an adapter; which product they belong to follows from their order,
 * which is that of the schedule. */
#include "internal.h"

/* A product of a value, or a bias. */
static bool is_of(const roma_op *ops, uint64_t k, uint32_t value) {
    return ops[k].kind == ROMA_OP_BIAS || (ops[k].kind == ROMA_OP_LINEAR && ops[k].in[0] == value);
}

cosim_instance *roma_cosim_rider(cosim *s, uint64_t number, uint64_t tag) {
    const uint32_t block = tag & 0xff, place = tag >> 8 & 15;
    const bool is_up = tag >> 15 & 1;
    if (number >= s->plan->n_ops || place >= ROMA_RTL_PLACES) return NULL;
    if (!is_up) return roma_cosim_find(s, number, block, COSIM_DOWN + place);
    /* Ups follow the last operation of a group: products of one value, with their own biases between. */
    const roma_op *ops = s->plan->ops;
    uint64_t first = number, product = tag >> 12 & 3;
    while (first && ops[first].kind == ROMA_OP_BIAS) first--;
    for (uint64_t k = first; k && is_of(ops, k - 1, ops[first].in[0]); k--)
        if (ops[k - 1].kind == ROMA_OP_LINEAR) first = k - 1;
    for (; first <= number; first++)
        if (ops[first].kind == ROMA_OP_LINEAR && !product--) return roma_cosim_find(s, first, block, COSIM_UP + place);
    return NULL;
}

/* The instance of a part that has number *n of what comes in the schedule's order, `each` a row; *n is then counted
 * from the instance's first one. place UINT32_MAX: of all adapters. */
static cosim_instance *in_order(cosim *s, roma_cost_part part, uint32_t place, uint64_t *n,
                                uint64_t (*each)(const cosim *s, const cosim_instance *x, size_t unit), size_t unit) {
    for (size_t i = 0; i < s->schedule.n; i++) {
        const roma_cost_instance *m = &s->schedule.instances[i];
        if (m->part != part || (place != UINT32_MAX && m->place != place)) continue;
        cosim_instance *x = roma_cosim_find(s, m->op, m->block, cosim_part(m->part, m->place));
        const uint64_t all = x ? x->rows * each(s, x, unit) : 0;
        if (*n < all) return x;
        *n -= all;
    }
    return NULL;
}

static uint32_t codes_of_h(const cosim *s) { return (uint32_t)(s->lora.word0 >> 16 & 15) * 16; }

static uint64_t lines_of_down(const cosim *s, const cosim_instance *x, size_t unit) {
    (void)x, (void)unit;
    return codes_of_h(s) / 4 + 1;
}

static uint64_t rows_of_unit(const cosim *s, const cosim_instance *x, size_t unit) {
    const size_t tensor = s->plan->ops[x->op].tensor;
    const int32_t tie = s->plan->desc->tensors[tensor].tie;
    (void)unit;
    return s->config->place->tensors[tie >= 0 ? (size_t)tie : tensor].unit_rows;
}

/* Elements of a row that a vector unit holds. */
static uint64_t elements_of_unit(const cosim *s, const cosim_instance *x, size_t unit) {
    const uint64_t width = s->plan->values[s->plan->ops[x->op].out].width, all = (uint64_t)s->vectors * s->lanes;
    const uint64_t rest = width % all, before = unit * s->lanes;
    return width / all * s->lanes + (rest <= before ? 0 : rest - before < s->lanes ? rest - before : s->lanes);
}

/* D cycle unit piece row bits: four codes of h, or t behind the last of them. */
void roma_cosim_down(cosim *s, const uint64_t *f) {
    uint64_t n = f[1] < s->units ? s->downs[f[1]]++ : UINT64_MAX;
    cosim_instance *x = in_order(s, ROMA_PART_DOWN, UINT32_MAX, &n, lines_of_down, f[1]);
    const uint64_t lines = lines_of_down(s, x, f[1]), line = n % lines;
    const uint32_t row = x ? x->row + (uint32_t)(n / lines) : 0;
    if (!x || f[2] != line || f[3] != row) {
        roma_cosim_stray(s, "codes of h", x ? x->op : 0, x ? x->block : 0, f[1], f[0]);
        return;
    }
    cosim_value *v = roma_cosim_value(s, x);
    const uint8_t *want = v->want + row * v->row_bytes;
    uint8_t *got = v->got + row * v->row_bytes;
    for (size_t i = 0; line + 1 < lines && i < 4; i++) {
        const size_t k = 4 * line + i;
        const uint16_t code = (uint16_t)(f[4] >> 16 * i), of_engine = k < v->width ? roma_le16(want + 2 * k) : 0;
        if (k < v->width) roma_put16(got + 2 * k, code);
        if (code != of_engine) roma_cosim_differs(s, x, 'D', f[1], row, k, "code of h", code, of_engine);
    }
    if (line + 1 == lines) {
        const size_t at = (size_t)2 * v->width;
        roma_put32(got + at, (uint32_t)f[4]);
        if (roma_le32(want + at) != f[4]) roma_cosim_differs(s, x, 'U', f[1], row, 0, "t", f[4], roma_le32(want + at));
    }
    roma_cosim_piece(s, x, f[1], true);
}

/* U cycle unit place index lane bits: of a word of rows of B, one. */
void roma_cosim_up(cosim *s, const uint64_t *f) {
    uint64_t n = f[1] < s->units ? s->ups[f[1]]++ : UINT64_MAX;
    cosim_instance *x = in_order(s, ROMA_PART_UP, UINT32_MAX, &n, rows_of_unit, f[1]);
    if (!x || f[2] != x->part - COSIM_UP) {
        roma_cosim_stray(s, "what an adapter adds", x ? x->op : 0, x ? x->block : 0, f[1], f[0]);
        return;
    }
    cosim_value *v = roma_cosim_value(s, x);
    const uint64_t rows = rows_of_unit(s, x, f[1]), element = f[1] * rows + n % rows;
    const uint32_t row = x->row + (uint32_t)(n / rows);
    if (element >= v->width) return; /* rows behind the matrix */
    const size_t at = row * v->row_bytes + 4 * element;
    const uint32_t want = roma_le32(v->want + at);
    roma_put32(v->got + at, (uint32_t)f[5]);
    if (want != (uint32_t)f[5]) roma_cosim_differs(s, x, 'U', f[1], row, element, "element", f[5], want);
    roma_cosim_piece(s, x, f[1], false);
}

/* Y cycle unit place address lane bits: a sum is written. */
void roma_cosim_sum_of(cosim *s, const uint64_t *f) {
    const bool is_there = f[1] < s->vectors && f[2] < ROMA_RTL_PLACES;
    uint64_t n = is_there ? s->added[f[1] * ROMA_RTL_PLACES + f[2]]++ : UINT64_MAX;
    cosim_instance *x = in_order(s, ROMA_PART_UP, (uint32_t)f[2], &n, elements_of_unit, f[1]);
    const roma_op *op = x ? &s->plan->ops[x->op] : NULL;
    const uint64_t at = x && f[3] >= s->address[op->out] ? f[3] - s->address[op->out] : UINT64_MAX;
    const uint64_t row = x ? at / s->stride[op->out] : 0;
    const uint64_t element = x ? (at % s->stride[op->out] * s->vectors + f[1]) * s->lanes + f[4] : 0;
    cosim_value *v = x ? roma_cosim_value(s, x) : NULL;
    if (!x || row < x->row || row >= x->row + x->rows || element >= v->width || v->seen[row * v->width + element]) {
        roma_cosim_stray(s, "a sum with an adapter", x ? x->op : 0, x ? x->block : 0, f[1], f[0]);
        return;
    }
    v->seen[row * v->width + element] = 1;
    const uint32_t want = v->sums[row * v->width + element];
    if (want != (uint32_t)f[5]) roma_cosim_differs(s, x, 'Y', f[1], (uint32_t)row, element, "sum", f[5], want);
    roma_cosim_piece(s, x, f[1], true);
}
