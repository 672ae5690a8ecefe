/* A chip, a plan and a placement in whole numbers: docs/cost-model.md 1.5 and docs/placement.md, for the cycle-by-cycle
 * model of stepper.h. Shares no code with the scheduler or the placement: distances are the largest of all pairs of
 * tiles, words are counted anew. */
#ifndef ROMA_TEST_STEPPER_CHIP_H
#define ROMA_TEST_STEPPER_CHIP_H
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "roma/cost.h"

/* A chip and a plan in whole numbers, as section 1 writes them. */
typedef struct {
    const roma_plan *p;
    const roma_chip *c;
    uint64_t dies, units; /* matrix units: of all dies where they share matrices, else of one */
    uint64_t lunits, lanes, rows, word_cycles, leaves, link; /* rows: of a row group; leaves: units of a matrix unit */
    uint64_t vectors, vector_lanes;
    uint64_t add, mul, convert, divide, root, hop, pipeline, fill;
    uint64_t far, across, deep, reach;
    uint64_t head_units; /* that share a KV head */
    uint64_t most_rank;  /* of the step's adapters, in whole sixteens */
    bool is_tensor, has_share;
    bool is_int4; /* values of the cache have 4 bits */
} stepper_law;

static inline uint64_t stepper_div_up(uint64_t a, uint64_t b) { return (a + b - 1) / b; }
static inline uint64_t stepper_log_up(uint64_t x) {
    uint64_t k = 0;
    while (((uint64_t)1 << k) < x) k++;
    return k;
}
static inline uint64_t stepper_up(double x) { return (uint64_t)ceil(x); }
static inline uint64_t stepper_max(uint64_t a, uint64_t b) { return a > b ? a : b; }
static inline uint64_t stepper_min(uint64_t a, uint64_t b) { return a < b ? a : b; }

/* ---- 1.5: distances ---------------------------------------------------------------------------------- */

typedef struct {
    uint64_t row, column;
} stepper_tile;

static inline uint64_t stepper_between(stepper_tile a, stepper_tile b) {
    return stepper_max(a.row, b.row) - stepper_min(a.row, b.row) + stepper_max(a.column, b.column) -
           stepper_min(a.column, b.column);
}
static inline uint64_t stepper_farthest(stepper_tile from, const stepper_tile *to, uint64_t n) {
    uint64_t most = 0;
    for (uint64_t i = 0; i < n; i++) most = stepper_max(most, stepper_between(from, to[i]));
    return most;
}

static inline void stepper_distances(stepper_law *l) {
    const uint64_t rows = (uint64_t)l->c->grid_rows, columns = (uint64_t)l->c->grid_columns,
                   first = (rows - stepper_div_up(l->vectors, columns)) / 2 * columns;
    const uint64_t heads = l->p->desc->hyper.kv_heads / (l->is_tensor ? l->dies : 1);
    stepper_tile *const vector = calloc(rows * columns, sizeof *vector), *const matrix =
                                                                             calloc(rows * columns, sizeof *matrix);
    if (!vector || !matrix) abort();
    uint64_t n = 0;
    for (uint64_t t = 0; t < rows * columns; t++) {
        const stepper_tile at = {t / columns, t % columns};
        if (t >= first && t < first + l->vectors)
            vector[t - first] = at;
        else
            matrix[n++] = at;
    }
    for (uint64_t i = 0; i < l->vectors; i++)
        l->far = stepper_max(l->far, l->hop * stepper_farthest(vector[i], matrix, n));
    l->across = l->hop * stepper_farthest(vector[l->vectors / 2], vector, l->vectors);
    l->deep = l->hop * stepper_farthest(vector[l->vectors / 2], matrix, n);
    for (uint64_t h = 0; h < heads; h++)
        for (uint64_t i = 0, at = h * l->head_units; i < l->head_units; i++)
            l->reach = stepper_max(l->reach, l->hop * stepper_between(matrix[at % n], matrix[(at + i) % n]));
    free(vector);
    free(matrix);
}

/* has_share: adapters keep a share of the H-Units in this step (1.4). */
static inline stepper_law stepper_law_of(const roma_placement *place, bool has_share) {
    const roma_chip *c = &place->chip;
    stepper_law l = {.p = place->plan,
                     .is_int4 = place->kv == ROMA_KV_INT4,
                     .c = c,
                     .dies = place->dies,
                     .lunits = (uint64_t)c->lunits,
                     .lanes = (uint64_t)c->lanes,
                     .rows = (uint64_t)c->lanes / 8,
                     .word_cycles = c->lunit_style > 0 ? (uint64_t)c->word_cycles : 1,
                     .link = stepper_up(c->link_bytes),
                     .vectors = (uint64_t)c->vector_units,
                     .vector_lanes = (uint64_t)c->vector_lanes,
                     .add = stepper_up(c->lat_add),
                     .mul = stepper_up(c->lat_mul),
                     .convert = stepper_up(c->lat_convert),
                     .divide = stepper_up(c->lat_div),
                     .root = stepper_up(c->lat_sqrt),
                     .hop = stepper_up(c->hop_cyc),
                     .pipeline = stepper_up(c->lunit_pipeline),
                     .fill = stepper_up(c->fill_cyc),
                     .is_tensor = place->dies > 1 && (int)c->die_split == ROMA_DIES_TENSOR,
                     .has_share = has_share};
    l.units = (uint64_t)c->matrix_units * (l.is_tensor ? l.dies : 1);
    l.leaves = stepper_max(1, l.lunits * l.lanes / ((uint64_t)c->leaf_group * l.word_cycles));
    l.head_units = stepper_max(1, l.units / l.p->desc->hyper.kv_heads);
    stepper_distances(&l);
    return l;
}

static inline uint64_t stepper_red(const stepper_law *l, uint64_t k) { return stepper_log_up(k) * l->hop; }
static inline uint64_t stepper_vec(const stepper_law *l, uint64_t e) {
    return stepper_div_up(e, l->vectors * l->vector_lanes);
}
static inline uint64_t stepper_codes(uint64_t e) { return stepper_div_up(e * 67, 64); }
static inline uint64_t stepper_broadcast(const stepper_law *l, uint64_t e) {
    return l->fill ? 0 : stepper_div_up(stepper_codes(e), l->link);
}
static inline uint64_t stepper_cross(const stepper_law *l, uint64_t e) { return stepper_div_up(2 * e, l->link); }
/* R: a maximum or sum over e elements, known to all vector units. */
static inline uint64_t stepper_everywhere(const stepper_law *l, uint64_t e) {
    return (stepper_log_up(l->vector_lanes) + (stepper_vec(l, e) > 1)) * l->hop + 2 * l->across;
}
/* ---- docs/placement.md, "Weights" ---------------------------------------------------------------------- */

typedef struct {
    uint64_t code_bits, word_inputs, group_words, row_words, unit_rows, scale_words, scale_row_bits, groups;
} stepper_words;

static inline stepper_words stepper_words_of(const stepper_law *l, const roma_image_tensor *t) {
    static const uint64_t scale_bits[] = {0, 16, 4, 6, 6, 8, 32}, zero_bits[] = {0, 4, 8};
    stepper_words w = {.code_bits = t->format.bits <= 2 ? t->format.bits : t->format.bits <= 4 ? 4 : 8};
    const uint64_t supers = t->format.super ? t->cols / t->format.super : 0, sets = t->format.min ? 2 : 1;
    w.groups = stepper_div_up(t->cols, t->format.group);
    w.word_inputs = 32 / w.code_bits;
    w.row_words = stepper_div_up(t->cols * w.code_bits, 32 * l->lunits);
    if (l->c->trits != 0 && t->format.bits == 2 && t->format.zero == 1 && !t->format.min && !t->format.level &&
        !t->format.zeros) {
        w.word_inputs = 20;
        w.row_words = stepper_div_up(w.groups * stepper_div_up(t->format.group, 20), l->lunits);
    }
    w.group_words = stepper_div_up(t->format.group, w.word_inputs);
    w.unit_rows = l->rows * stepper_div_up(t->rows, l->units * l->rows);
    w.scale_row_bits =
        sets * (w.groups * scale_bits[t->format.scale] + supers * 16) + w.groups * zero_bits[t->format.zeros];
    if ((int)l->c->scale_port != ROMA_SCALES_OWN)
        w.scale_words = stepper_div_up(stepper_div_up(w.unit_rows * w.scale_row_bits, 4 * l->lanes), l->lunits);
    return w;
}
#endif
