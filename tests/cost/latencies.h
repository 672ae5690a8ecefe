/* Each kind of operation, done for one row in numbers that carry their depth (contract.h): how many cycles it takes.
 * Distances, reductions over vector units and cycles of the network are added by hand, as docs/cost-model.md 1.5
 * and 1.7 to 1.9 have them; nothing else of that page is needed. */
#ifndef ROMA_TESTS_COST_LATENCIES_H
#define ROMA_TESTS_COST_LATENCIES_H

#include "contract.h"
#include "random_case.h"

enum { ELEMENTS_MAX = 1024 };

/* A step and what the formulas by hand need. */
typedef struct {
    random_case r;
    const roma_chip *c; /* the placement's */
    roma_schedule s, quiet;
    uint64_t far, across, deep, reach, link, vector, hop; /* cycles, bytes a cycle, elements a cycle */
    roma_cost_adapter adapters[2];
    roma_cost_span span;
} bench;

static uint64_t bench_draws;
static real operand(uint64_t at) {
    const uint64_t u = roma_random(37, bench_draws++);
    return (real){(float)(1 + (double)(u % 1000) / 500) * (u >> 32 & 1 ? 1 : -1), at};
}
static whole code_operand(uint64_t at) { return (whole){(int64_t)(roma_random(41, bench_draws++) % 255) - 127, at}; }

static uint64_t up(double x) { return (uint64_t)ceil(x); }
static uint64_t ceil_div(uint64_t a, uint64_t b) { return (a + b - 1) / b; }
static uint64_t levels(uint64_t n) {
    uint64_t k = 0;
    while (1u << k < n) k++;
    return k;
}
static uint64_t cross(const bench *b, uint64_t e) { return ceil_div(2 * e, b->link); }
static uint64_t broadcast(const bench *b, uint64_t e) { return ceil_div(ceil_div(67 * e, 64), b->link); }

/* ---- 1.5: distances ------------------------------------------------------------------------------------ */

/* Vector units fill whole rows in the middle, matrix units all other tiles in order. */
static uint64_t vector_tile(const roma_chip *c, uint64_t v) {
    const uint64_t columns = (uint64_t)c->grid_columns, taken = ceil_div((uint64_t)c->vector_units, columns);
    return ((uint64_t)c->grid_rows - taken) / 2 * columns + v;
}
static uint64_t matrix_tile(const roma_chip *c, uint64_t u) {
    return u < vector_tile(c, 0) ? u : u + (uint64_t)c->vector_units;
}
static uint64_t apart(const bench *b, uint64_t tile, uint64_t other) {
    const int64_t columns = (int64_t)b->c->grid_columns, x = (int64_t)tile, y = (int64_t)other;
    return b->hop * (uint64_t)(llabs(x / columns - y / columns) + llabs(x % columns - y % columns));
}

static void find_distances(bench *b) {
    const roma_chip *c = b->c;
    const uint64_t units = (uint64_t)c->matrix_units, vectors = (uint64_t)c->vector_units,
                   root_tile = vector_tile(c, vectors / 2), heads = b->r.d.hyper.kv_heads,
                   head_units = units / heads ? units / heads : 1;
    b->far = b->across = b->deep = b->reach = 0;
    for (uint64_t u = 0; u < units; u++) {
        const uint64_t at = matrix_tile(c, u);
        b->deep = later(b->deep, apart(b, root_tile, at));
        for (uint64_t v = 0; v < vectors; v++) b->far = later(b->far, apart(b, vector_tile(c, v), at));
    }
    for (uint64_t v = 0; v < vectors; v++) b->across = later(b->across, apart(b, root_tile, vector_tile(c, v)));
    for (uint64_t h = 0; h < heads; h++)
        for (uint64_t u = 0; u < head_units; u++)
            b->reach = later(b->reach, apart(b, matrix_tile(c, h * head_units % units),
                                             matrix_tile(c, (h * head_units + u) % units)));
}

/* ---- vector units ---------------------------------------------------------------------------------------- */

/* Over more elements than the lanes take at once the largest or the sum so far is one more input. */
static uint64_t reduction(const bench *b, size_t n) {
    return (levels((uint64_t)b->c->vector_lanes) + (n > b->vector ? 1 : 0)) * b->hop + 2 * b->across;
}

/* Reads a vector in a pass that begins in a cycle: what the lanes take a cycle is there together. */
static void read_pass(const bench *b, real *x, size_t n, uint64_t begin) {
    for (size_t i = 0; i < n; i++) x[i] = real_after(x[i], begin + 1 + i / b->vector);
}
/* The largest magnitude of n values, known `cycles` after the last of them is there; the same of a sum. */
static real reduced(const real *x, size_t n, uint64_t cycles) {
    real max = x[0];
    for (size_t i = 1; i < n; i++) {
        if (fabsf(x[i].v) > fabsf(max.v)) max.v = x[i].v;
        max.at = later(max.at, x[i].at);
    }
    return (real){fabsf(max.v), max.at + cycles};
}
static whole summed(const whole *x, size_t n, uint64_t cycles) {
    whole all = {0, 0};
    for (size_t i = 0; i < n; i++) all = (whole){all.v + x[i].v, later(all.at, x[i].at)};
    return whole_moved(all, cycles);
}

/* Elements in another order: each passes its unit's memory, one a cycle, and half of them the middle of the chip. */
static uint64_t gathered_at(const bench *b, const real *x, size_t n, bool gathers) {
    const uint64_t port = ceil_div(n, b->vector) * (uint64_t)b->c->vector_lanes;
    return gathers ? x[0].at - 1 + later(port, cross(b, n)) + 2 * b->across : 0; /* it is read in the first cycle */
}

/* Cycles from the start of QUANTISE, or of NORM, to the last code in the matrix units; of NORM also to the scale. */
static uint64_t codes_done(const bench *b, const real *given, size_t n, real max, uint64_t begin) {
    const real r = act_reciprocal(max);
    const uint64_t vec = ceil_div(n, b->vector), start = later(begin, r.at);
    real x[ELEMENTS_MAX];
    uint64_t last = 0;
    memcpy(x, given, n * sizeof *x);
    read_pass(b, x, n, start);
    for (size_t i = 0; i < n; i += 8) {
        whole code[8];
        unsigned shift;
        act_codes(x + i, r, CONTRACT_USUAL, code, &shift);
        for (int j = 0; j < 8; j++) last = later(last, code[j].at);
    }
    return last + later(vec, broadcast(b, n)) - vec + b->far;
}
static uint64_t quantise_done(const bench *b, size_t n, bool gathers) {
    real x[ELEMENTS_MAX];
    for (size_t i = 0; i < n; i++) x[i] = operand(0);
    read_pass(b, x, n, 0);
    const uint64_t begin = later(ceil_div(n, b->vector), gathered_at(b, x, n, gathers));
    return codes_done(b, x, n, reduced(x, n, reduction(b, n)), begin);
}
static uint64_t norm_done(const bench *b, size_t n, bool gathers, uint64_t *scale) {
    real x[ELEMENTS_MAX], gained[ELEMENTS_MAX], again[ELEMENTS_MAX];
    whole squares[ELEMENTS_MAX];
    for (size_t i = 0; i < n; i++) x[i] = operand(0);
    read_pass(b, x, n, 0);
    for (size_t i = 0; i < n; i++) gained[i] = product(x[i], operand(0));
    const real max = reduced(x, n, reduction(b, n)), max_gained = reduced(gained, n, reduction(b, n));
    const uint64_t vec = ceil_div(n, b->vector), second = later(vec, max.at);
    memcpy(again, x, n * sizeof *x);
    read_pass(b, again, n, second);
    for (size_t i = 0; i < n; i++) squares[i] = rms_square(again[i], max);
    const real inverse = rms_inverse(summed(squares, n, reduction(b, n)), max, n, 1e-5f);
    *scale = product(act_scale(max_gained), inverse).at + b->far;
    return codes_done(b, gained, n, max_gained, later(second + vec, gathered_at(b, gained, n, gathers)));
}

/* A head lies in neighbouring vector units. All heads go on when the last of them has its largest, and its sum. */
static uint64_t head_norm_done(const bench *b, size_t n, size_t dim) {
    const uint64_t lanes = (uint64_t)b->c->vector_lanes, units = ceil_div(dim, lanes), vec = ceil_div(n, b->vector);
    const uint64_t head = (levels(dim < lanes ? dim : lanes) + levels(units) + units - 1) * b->hop;
    real x[ELEMENTS_MAX], max[ELEMENTS_MAX];
    whole squares[ELEMENTS_MAX];
    uint64_t second = vec, third = 0, last = 0;
    for (size_t i = 0; i < n; i++) x[i] = operand(0);
    read_pass(b, x, n, 0);
    for (size_t h = 0; h < n / dim; h++) {
        max[h] = reduced(x + h * dim, dim, head);
        second = later(second, max[h].at);
    }
    read_pass(b, x, n, second);
    for (size_t i = 0; i < n; i++) squares[i] = rms_square(x[i], max[i / dim]);
    third = second + vec;
    real inverse[ELEMENTS_MAX];
    for (size_t h = 0; h < n / dim; h++) {
        inverse[h] = rms_inverse(summed(squares + h * dim, dim, head), max[h], dim, 1e-6f);
        third = later(third, inverse[h].at);
    }
    read_pass(b, x, n, third);
    for (size_t i = 0; i < n; i++) last = later(last, head_normed(x[i], inverse[i / dim], operand(0)).at);
    return last;
}

static uint64_t angles_done(void) {
    real s, c;
    sine_cosine(turn_of(whole_of(77), UINT64_C(0x123456789abcdef1)), &s, &c);
    return later(s.at, c.at);
}
static uint64_t rope_done(void) {
    real x = operand(0), y = operand(0);
    rotate(&x, &y, operand(0), operand(0));
    return later(x.at, y.at);
}

/* ---- matrices ---------------------------------------------------------------------------------------------- */

static const roma_place_tensor *placed(const bench *b, const roma_op *op) {
    const int32_t tie = b->r.d.tensors[op->tensor].tie;
    return &b->r.place.tensors[tie >= 0 ? (uint32_t)tie : op->tensor];
}

/* A group that reaches into another wave adds up over waves. The sum over the matrix's groups of a row whose words are
 * all read in a cycle: pipeline, L-Units of a group, leaf units, tree. */
static real row_sum(const bench *b, const roma_op *op, uint64_t at) {
    const roma_image_tensor *w = &b->r.d.tensors[op->tensor];
    const uint64_t words = ceil_div(w->format.group, placed(b, op)->word_inputs), lunits = (uint64_t)b->c->lunits,
                   n = words < lunits ? words : lunits;
    real leaves[ELEMENTS_MAX];
    for (size_t g = 0; g < w->cols / w->format.group; g++) {
        whole part[512];
        for (size_t i = 0; i < n; i++) part[i] = code_operand(at + up(b->c->lunit_pipeline));
        const whole so_far = whole_of(0), wave = whole_tree(part, n, whole_sum);
        const whole sum_i = lunits % words ? whole_sum(wave, so_far) : wave, sum_z = sum_i;
        leaves[g] = w->format.zeros ? leaf_zero(sum_i, operand(0), sum_z, code_operand(0))
                    : w->format.min ? leaf_min(sum_i, operand(0), sum_z, operand(0))
                                    : leaf(sum_i, operand(0));
    }
    return real_tree(leaves, w->cols / w->format.group, sum);
}
/* Cycles from the last word to the product in the vector units: leaves that end together wait for one another, but for
 * as long as the row group's cycles, which are those of its leaves where these are more than its words, wait for them.
 */
static uint64_t linear_done(const bench *b, const roma_op *op) {
    const roma_image_tensor *w = &b->r.d.tensors[op->tensor];
    const roma_chip *c = b->c;
    const uint64_t wc = c->lunit_style > 0 ? up(c->word_cycles) : 1, n = (uint64_t)c->lunits,
                   g = (uint64_t)c->lanes / 8, groups = w->cols / w->format.group,
                   words = placed(b, op)->row_words * wc,
                   wave = ceil_div(n, ceil_div(w->format.group, placed(b, op)->word_inputs)),
                   fit = 8 * n * g / (up(c->leaf_group) * wc), units = fit ? fit : 1,
                   waits = ceil_div(g * (wave < groups ? wave : groups), units) - 1, all = ceil_div(g * groups, units),
                   counted = all > words ? all - words : 0;
    const real y = product(operand(0), row_sum(b, op, waits > counted ? waits - counted : 0));
    const bool argmax = op->layer == UINT32_MAX && c->full_logits == 0;
    return (argmax ? larger(y, operand(0)) : y).at + b->far;
}
/* Cycles from a LINEAR's start to where its first row needs the scale of its input. */
static uint64_t linear_first(const bench *b, const roma_op *op) {
    const roma_place_tensor *m = placed(b, op);
    const uint64_t wc = b->c->lunit_style > 0 ? up(b->c->word_cycles) : 1,
                   scales = b->c->scale_port == ROMA_SCALES_SHARED ? m->scale_words : 0;
    return row_sum(b, op, (scales + m->row_words) * wc).at;
}
static uint64_t embed_done(const bench *b, const roma_op *op) {
    const whole level = code_operand(up(b->c->lunit_pipeline));
    const real s = operand(0), m = operand(0);
    const roma_format *f = &b->r.d.tensors[op->tensor].format;
    if (f->zeros)
        return leaf_zero(level, s, whole_after(whole_of(1), level.at), code_operand(0)).at +
               b->far; /* a group of one */
    return (f->min ? weight_min(level, s, m) : weight_of(level, s)).at + b->far;
}

/* ---- adapters ------------------------------------------------------------------------------------------------ */

/* What a down makes, in cycles from the last byte that it reads. */
typedef struct {
    whole code;    /* of h, in every unit */
    real t;        /* the same */
    uint64_t sums; /* where the scale of its input comes in */
} down_result;

static down_result down_done(const bench *b, const roma_op *op, uint64_t rank) {
    const uint64_t cols = b->r.d.tensors[op->tensor].cols, units = (uint64_t)b->c->matrix_units;
    uint64_t group = 256, here = 8;
    while (cols % group) group /= 2;
    while (here * units < cols) here *= 2;
    if (here > cols) here = cols;
    if (here > group) here = group; /* a unit adds the integers of each of its groups */
    const uint64_t groups = cols / group, moves = b->deep + ceil_div(4 * rank * groups, b->link);
    real h[512];
    down_result d = {.code = {0, 0}};
    for (size_t j = 0; j < rank; j++) {
        whole part[ELEMENTS_MAX], sums[ELEMENTS_MAX];
        for (size_t i = 0; i < here; i++) part[i] = whole_product(code_operand(0), code_operand(0));
        const whole all = whole_tree(part, here, whole_sum);
        real leaves[ELEMENTS_MAX];
        for (size_t g = 0; g < groups; g++) {
            sums[g] = whole_moved(all, moves);
            leaves[g] = to_real(sums[g]);
        }
        h[j] = adapter_h(sums, groups, operand(0), operand(0));
        d.sums = later(d.sums, real_tree(leaves, groups, sum).at);
    }
    const real max = real_tree(h, rank, larger_magnitude), r = head_reciprocal(max, 32767);
    for (size_t j = 0; j < rank; j++) {
        const whole code = head_code(h[j], r, CONTRACT_USUAL);
        d.code = whole_after(code, d.code.at);
    }
    d.code = whole_moved(d.code, b->deep);
    d.t = real_moved(adapter_t(head_scale(max, 32767), operand(0), operand(0)), b->deep);
    return d;
}
/* The cycle in which a row's sum is there: y and t may come while B's last byte is read, in cycle `busy`. */
static uint64_t up_done(const bench *b, uint64_t rank, uint64_t busy, uint64_t t, uint64_t y) {
    whole code_b[512], c[512];
    for (size_t k = 0; k < rank; k++) {
        code_b[k] = code_operand(busy);
        c[k] = code_operand(0);
    }
    const real part = adapter_part(adapter_v(code_b, c, rank), operand(0), operand(t));
    return sum(operand(y), real_moved(part, b->far)).at;
}

/* ---- cache and attention ----------------------------------------------------------------------------------------- */

/* Codes of a head that arrives in a cycle, the last of them; its scale in *scale. */
static whole head_done(size_t dim, float top, uint64_t at, real *scale) {
    real x[512] = {{0, 0}}; /* gcc -O2 does not see that dim is above 0 */
    whole last = {0, 0};
    for (size_t i = 0; i < dim; i++) x[i] = operand(at);
    const real max = real_tree(x, dim, larger_magnitude), r = head_reciprocal(max, top);
    for (size_t i = 0; i < dim; i++) last = whole_after(head_code(x[i], r, CONTRACT_USUAL), last.at);
    *scale = head_scale(max, top);
    return last;
}

static uint64_t cache_done(const bench *b) {
    const roma_hyper *h = &b->r.d.hyper;
    const double heads = (double)ceil_div(h->kv_heads, (uint64_t)b->c->matrix_units),
                 of_value = b->r.place.kv == ROMA_KV_INT4 ? 0.5 : 1; /* bytes of a code, of a key's */
    const uint64_t write =
        up(heads * ((1 + of_value) * h->head_dim * b->c->kv_bytes + 2 * b->c->kv_scale_bytes) / b->c->hunit_bandwidth);
    real scale[2];
    const whole key = head_done(h->head_dim, 127, b->far, &scale[0]),
                value = head_done(h->head_dim, of_value < 1 ? 7 : 127, b->far, &scale[1]);
    return later(later(key.at, scale[0].at), later(value.at, scale[1].at)) + write;
}

/* The last score of the K pass, whose keys are read in a cycle, and the largest of all. */
static real score_done(const bench *b, whole q, real sq, uint64_t at, real *largest) {
    whole query[512], key[512];
    const size_t dim = b->r.d.hyper.head_dim;
    for (size_t i = 0; i < dim; i++) {
        query[i] = q;
        key[i] = code_operand(at);
    }
    const real last = score(query, key, dim, sq, operand(at));
    *largest = real_moved(larger(last, operand(0)), 2 * b->reach);
    return last;
}

/* Cycles from the start of ATTEND to what it puts into the vector units. `passes`: in which keys and values are read,
 * of which the keys take one at least. */
static uint64_t attend_done(const bench *b, uint64_t passes) {
    const roma_hyper *h = &b->r.d.hyper;
    const uint64_t pages = b->span.position / 32 + 1, units = (uint64_t)b->c->matrix_units / h->kv_heads,
                   moved = cross(b, (uint64_t)h->heads * h->head_dim);
    const uint64_t merges = levels(units) < levels(pages) ? levels(units) : levels(pages);
    real sq, largest, w[32], v_scale[32], leaves[ELEMENTS_MAX];
    whole fixed[32], v[32];
    const whole q = head_done(h->head_dim, 32767, moved + b->far, &sq);
    const real last = score_done(b, q, product(sq, operand(0)), q.at + 1, &largest);
    /* The largest weight of a page whose positions go round is known to all of its units. */
    const uint64_t around = b->c->hunit_pages > 0 ? 2 * b->reach : 0;
    const uint64_t values =
        largest.at + passes - 1 + around; /* the last page's weights are made before its values are read */
    for (int t = 0; t < 32; t++) {
        w[t] = weight(real_after((real){-fabsf(last.v), last.at}, values), (real){0, values});
        v_scale[t] = operand(values);
        fixed[t] = denominator_part(w[t]);
    }
    const page_codes c = page_weigh(w, v_scale);
    for (int t = 0; t < 32; t++) v[t] = code_operand(c.code[t].at);
    for (size_t j = 0; j < pages; j++) leaves[j] = page_leaf(&c, v);
    const real tree = real_moved(real_tree(leaves, pages, sum), merges * ceil_div(4 * (uint64_t)h->head_dim, b->link));
    const whole all = whole_sum(whole_tree(fixed, 32, whole_sum), whole_of(1)); /* and those of the pages before */
    const real inverse = denominator_inverse(whole_moved(all, b->reach));
    return product(real_moved(tree, b->reach), inverse).at + moved + b->far;
}

#endif
