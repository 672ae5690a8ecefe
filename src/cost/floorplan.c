/* Area and power of each tile of one die. */
#include "cost_int.h"

#include <math.h>

/* One cell of each kind, by 0 matrix, 1 vector, 2 empty. */
static void make_cells(roma_floor_cell cell[3], const roma_chip *c, const roma_cost *cost) {
    roma_areas a;
    double leak[ROMA_STATIC_N];
    roma_cost_areas(&a, c);
    roma_cost_static_w(leak, c, &a, false);
    const double tiles = c->grid_rows * c->grid_columns, tile_mm2 = (a.other - c->other_mm2) / tiles;
    const double w = 1e-3 * cost->tok_s * a.die / cost->area_mm2; /* of one die, by mJ a token */
    const double tile_w = cost->mj_wire * w / tiles + (a.other > 0 ? leak[ROMA_STATIC_OTHER] * tile_mm2 / a.other : 0);
    const double matrix_mj = cost->mj_rom + cost->mj_mac + cost->mj_feed + cost->mj_merge + cost->mj_leaf +
                             cost->mj_clock + cost->mj_sram + cost->mj_hmac;
    const double matrix_w = matrix_mj * w + leak[ROMA_STATIC_L] + leak[ROMA_STATIC_H];
    const double vector_w = cost->mj_vector * w + leak[ROMA_STATIC_V];
    cell[0] = (roma_floor_cell){"matrix", tile_mm2 + (a.lunits + a.hunits) / c->matrix_units,
                                tile_w + matrix_w / c->matrix_units, fmin(1, cost->use_lunit)};
    cell[1] = (roma_floor_cell){"vector", tile_mm2 + a.vector / c->vector_units, tile_w + vector_w / c->vector_units,
                                fmin(1, cost->use_vector)};
    cell[2] = (roma_floor_cell){"other", tile_mm2, tile_w, 0};
}

int roma_cost_floorplan(roma_floorplan *f, const roma_placement *p, const roma_cost *cost, roma_error *err) {
    const roma_chip *c = &p->chip;
    roma_floor_cell cell[3];
    const uint32_t rows = (uint32_t)c->grid_rows, columns = (uint32_t)c->grid_columns;
    if (roma_floorplan_create(f, rows, columns))
        return roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for a floorplan of %u x %u tiles", rows,
                         columns);
    make_cells(cell, c, cost);
    for (uint32_t i = 0; i < rows * columns; i++) {
        const int unit = roma_cost_tile_unit(c, i / columns, i % columns);
        f->cells[i] = cell[unit >= 0 ? 0 : unit == ROMA_TILE_VECTOR ? 1 : 2];
    }
    roma_print(f->title, sizeof f->title, "%.40s: one die%s, %llu of %.0f ROM words", c->name,
               p->dies > 1 ? ", the fullest" : "", (unsigned long long)p->rom_words, c->lunit_words);
    f->other_mm2 = c->other_mm2;
    return ROMA_OK;
}
