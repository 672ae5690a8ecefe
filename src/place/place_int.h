/* What the files of the placement share: the chip's counts as whole numbers. */
#ifndef ROMA_PLACE_INT_H
#define ROMA_PLACE_INT_H

#include "roma/place.h"

enum { PLACE_ROW_BITS = 32, PLACE_TRITS = 20 }; /* of a row in a word: four bytes of the image, or of five trits */

typedef struct {
    uint64_t U, N, V;                             /* matrix units of all dies that share a matrix, L-Units of each,
                                                     vector units of a die */
    uint64_t group_rows, word_bits, vector_lanes; /* rows and bits of an L-Unit's word; elements of a vector unit's */
    bool trits;
} place_numbers;

/* Whether every die has a part of every matrix and head. */
static inline bool place_is_tensor(const roma_placement *p) { return p->chip.die_split > 0; }

static inline place_numbers place_numbers_of(const roma_placement *p) {
    const roma_chip *c = &p->chip;
    const uint64_t word_bits = (uint64_t)roma_chip_word_bits(c);
    return (place_numbers){.U = (uint64_t)c->matrix_units * (place_is_tensor(p) ? p->dies : 1),
                           .N = (uint64_t)c->lunits,
                           .V = (uint64_t)c->vector_units,
                           .group_rows = word_bits / PLACE_ROW_BITS,
                           .word_bits = word_bits,
                           .vector_lanes = (uint64_t)c->vector_lanes,
                           .trits = c->trits > 0};
}

#endif
