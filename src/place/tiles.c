/* Tiles of a die: which unit lies where (docs/cost-model.md 1.5). */
#include "roma/place.h"

/* Vector units fill whole rows in the middle, so that matrix units lie on both sides. */
static uint64_t first_vector_tile(const roma_chip *c) {
    const uint64_t columns = (uint64_t)c->grid_columns, rows = (uint64_t)c->grid_rows;
    const uint64_t taken = ((uint64_t)c->vector_units + columns - 1) / columns;
    return taken < rows ? (rows - taken) / 2 * columns : 0;
}

uint64_t roma_place_vector_tile(const roma_chip *c, uint64_t unit) { return first_vector_tile(c) + unit; }

uint64_t roma_place_matrix_tile(const roma_chip *c, uint64_t unit) {
    return unit < first_vector_tile(c) ? unit : unit + (uint64_t)c->vector_units;
}
