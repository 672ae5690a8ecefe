/* How many bits flip between the ROM words that an L-Unit reads one after the other (docs/cost-model.md section 2). */
#include "roma/map.h"

typedef struct {
    const roma_placement *p;
    size_t tensor;
    uint64_t lunits, group_rows, flips, bits;
} counter;

/* One row's share of the words of all L-Units of its matrix unit: wave after wave, then the first wave of the next row
 * group. */
static void count_row(counter *c, uint64_t row, bool is_last) {
    const uint64_t words = c->p->tensors[c->tensor].row_words * c->lunits;
    for (uint64_t w = 0; w < words; w++) {
        const bool ends = w + c->lunits >= words;
        if (ends && is_last) return;
        const uint32_t next = ends ? roma_place_bits(c->p, c->tensor, row + c->group_rows, w + c->lunits - words)
                                   : roma_place_bits(c->p, c->tensor, row, w + c->lunits);
        c->flips += (uint64_t)__builtin_popcount(roma_place_bits(c->p, c->tensor, row, w) ^ next);
        c->bits += 32;
    }
}

static void count_matrix(counter *c) {
    const roma_place_tensor *m = &c->p->tensors[c->tensor];
    const uint64_t rows = c->p->plan->desc->tensors[c->tensor].rows;
    for (uint64_t row = 0; row < rows; row++) count_row(c, row, row % m->unit_rows + c->group_rows >= m->unit_rows);
}

double roma_map_toggles(const roma_placement *p) {
    counter c = {
        .p = p, .lunits = (uint64_t)p->chip.lunits, .group_rows = (uint64_t)roma_chip_word_bits(&p->chip) / 32};
    for (size_t i = 0; i < p->plan->n_ops; i++) {
        const roma_image_tensor *t = roma_op_matrix(p->plan, &p->plan->ops[i]);
        c.tensor = p->plan->ops[i].tensor;
        if (t && t->data && p->tensors[c.tensor].where == ROMA_PLACED_LUNITS) count_matrix(&c);
    }
    return c.bits ? (double)c.flips / (0.5 * (double)c.bits) : 0;
}
