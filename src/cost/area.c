/* Section 3 of docs/cost-model.md: densities, nodes, L-Units, the whole die. */
#include "cost_int.h"

#include <math.h>

/* ---- nodes ---- */

enum { NODES = 5 };
static const double node_nm[NODES] = {16, 10, 7, 5, 3};
static const double logic_mtr[NODES] = {28.9, 52.5, 91.2, 138.2, 215.6};
static const double sram_cell[NODES] = {0.074, 0.042, 0.027, 0.021, 0.0199};
static const double energy[NODES] = {1.23, 1.06, 1, 0.7, 0.5};

/* log-log between the rows; the outermost two rows' slope beyond them. */
static double at_node(const double table[NODES], double nm) {
    int i = 0;
    while (i < NODES - 2 && nm < node_nm[i + 1]) i++;
    const double t = log(nm / node_nm[i]) / log(node_nm[i + 1] / node_nm[i]);
    return table[i] * pow(table[i + 1] / table[i], t);
}

/* Exactly 1 for a chip that is built in its constants' node, however far that is from the table. */
static double ratio(const double table[NODES], const roma_chip *c) {
    return c->node_nm == c->constants_nm ? 1 : at_node(table, c->node_nm) / at_node(table, c->constants_nm);
}

double roma_cost_logic_scale(const roma_chip *c) { return 1 / ratio(logic_mtr, c); }
double roma_cost_sram_scale(const roma_chip *c) { return ratio(sram_cell, c); }
double roma_cost_energy_scale(const roma_chip *c) { return ratio(energy, c); }

/* ---- memories: bits over Mbit/mm2 are um2 ---- */

static double density(const double macro[4], double depth) {
    const double x = log2(depth) - 10;
    if (x >= 3) return macro[3];
    if (x < 0) return fmax(macro[0] + x * (macro[1] - macro[0]), macro[0] / 4);
    const int i = (int)x;
    return macro[i] + (x - i) * (macro[i + 1] - macro[i]);
}

double roma_cost_rom_density(const roma_chip *c, double depth) {
    const double macro[4] = {c->rom_1k, c->rom_2k, c->rom_4k, c->rom_8k};
    return density(macro, depth) / roma_cost_sram_scale(c);
}

double roma_cost_sram_density(const roma_chip *c, double depth) {
    const double macro[4] = {c->sram_1k, c->sram_2k, c->sram_4k, c->sram_8k};
    return density(macro, depth) / roma_cost_sram_scale(c);
}

/* Area of a logic ROM whose bits are zero with that share, over one of random bits: measured on synthesised blocks. */
static double zero_ratio(double zero) {
    static const double share[] = {0.5, 0.65, 0.75, 0.85, 0.95, 1}, r[] = {1, 1, 0.93, 0.72, 0.38, 0};
    const double z = fmax(zero, 1 - zero);
    int i = 0;
    while (i < 4 && z > share[i + 1]) i++;
    return r[i] + (z - share[i]) / (share[i + 1] - share[i]) * (r[i + 1] - r[i]);
}

/* ---- L-Unit ---- */

static double storage_bits(const roma_chip *c) { return c->rom_macro_words * roma_chip_word_bits(c); }

static double plain_rom_um2(const roma_chip *c) {
    return storage_bits(c) / roma_cost_rom_density(c, c->rom_depth) * c->rom_placement;
}

static double sram_um2(const roma_chip *c, double bits) {
    return bits / roma_cost_sram_density(c, c->rom_depth) * c->sram_placement;
}

/* Bits in blocks of so many words and bits a word. */
static double logic_rom_um2(const roma_chip *c, double bits, double words, double width) {
    const double per_bit = c->logic_rom_um2 / log2(words * width);
    return bits * per_bit * zero_ratio(c->rom_zero_bits) / c->placement * roma_cost_logic_scale(c);
}

/* Bits of activations and of held sums that an L-Unit keeps: two rows of codes, 67 bits for 8 inputs; where a word is
 * held, two blocks of them and a sum for each row of the block. */
static double buffer_bits(const roma_chip *c) {
    const double rows = c->hold > 0 ? c->block_rows : 1, sums = c->hold > 0 ? c->block_rows * c->lanes / 8 * 32 : 0;
    return 2 * rows * c->buffer_inputs * 67 / 8 + sums;
}

/* A byte of a word, two lanes, has five trits where four codes of 2 bits would be. */
static double lanes_um2(const roma_chip *c) {
    const double lane = c->lunit_style > 0 ? c->serial_um2 : c->lane_um2;
    const double trits = c->trits > 0 ? lane / 4 + c->trit_um2 / 2 : 0;
    return c->lanes * (lane + trits + (c->table > 0 ? c->table_bits * c->table_um2 : 0));
}

/* Cells of an L-Unit beside its ROM, and its share of what a matrix unit has once: leaf units, which keep up with the
 * lanes at leaf_group, and the tree that merges neighbouring L-Units. */
static double compute_um2(const roma_chip *c) {
    const double leaves = fmax(1, floor(c->lunits * c->lanes / (c->leaf_group * roma_chip_word_cycles(c)))) / c->lunits;
    const double merges = c->lanes / 8 * (c->lunits - 1) / c->lunits;
    return (lanes_um2(c) + c->lunit_fixed_um2 + c->leaf_um2 * leaves + c->merge_um2 * merges +
            c->buffer_um2 * buffer_bits(c)) /
           c->placement * roma_cost_logic_scale(c);
}

/* Devices lie side by side and so does wiring, but wiring lies over devices: the larger sum sets the area. */
static double fused_um2(const roma_chip *c) {
    const double rom = plain_rom_um2(c), compute = compute_um2(c);
    return fmax(rom * c->rom_transistors + compute, rom * c->rom_tracks + compute * c->track_share);
}

double roma_cost_storage_um2(const roma_chip *c, int style) {
    switch (style) {
    case ROMA_ROM_SRAM: return sram_um2(c, storage_bits(c));
    case ROMA_ROM_BROM: return plain_rom_um2(c) * fmax(c->rom_transistors, c->rom_tracks);
    case ROMA_ROM_FUSED: return fused_um2(c);
    case ROMA_ROM_LOGIC: return logic_rom_um2(c, storage_bits(c), c->rom_depth, roma_chip_word_bits(c));
    case ROMA_ROM_CELL:
        return storage_bits(c) / c->cell_bits * c->cell_um2 / c->cell_efficiency * roma_cost_sram_scale(c);
    case ROMA_ROM_DRAM: return sram_um2(c, 4 * roma_chip_word_bits(c));
    default: return plain_rom_um2(c);
    }
}

double roma_cost_lunit_um2(const roma_chip *c, int style) {
    return roma_cost_storage_um2(c, style) + (style == ROMA_ROM_FUSED ? 0 : compute_um2(c));
}

/* ---- the other ROMs ---- */

/* The ROM of scales of a matrix unit: as the base model is stored, cells and fused ones as plain ROM. */
static double scale_rom_um2(const roma_chip *c) {
    const double bits = c->scale_words * c->scale_bits;
    if (c->scale_port > ROMA_SCALES_OWN || bits <= 0) return 0;
    switch ((int)c->rom_style) {
    case ROMA_ROM_SRAM:
    case ROMA_ROM_DRAM: return bits / roma_cost_sram_density(c, c->scale_words) * c->sram_placement;
    case ROMA_ROM_LOGIC: return logic_rom_um2(c, bits, fmax(2, c->scale_words), c->scale_bits);
    default: return bits / roma_cost_rom_density(c, c->scale_words) * c->rom_placement;
    }
}

/* The ROM of a vector unit, in macros of 1,024 words at least. */
static double vector_rom_um2(const roma_chip *c) {
    return c->vector_rom_words * c->vector_lanes * 32 / roma_cost_rom_density(c, fmax(1024, c->vector_rom_words));
}

/* ---- the die ---- */

void roma_cost_areas(roma_areas *a, const roma_chip *c) {
    const double um2 = 1e-6, logic = roma_cost_logic_scale(c), sram = roma_cost_sram_density(c, c->sram_depth);
    const double lunits = c->matrix_units * c->lunits;
    a->lunits = (lunits * roma_cost_lunit_um2(c, (int)c->rom_style) + c->matrix_units * scale_rom_um2(c)) * um2;
    a->compute = lunits * compute_um2(c) * um2;
    a->storage = a->lunits - a->compute;
    a->hunit_sram = c->matrix_units * c->hunit_sram_bytes * 8 / sram * um2;
    a->hunits = a->hunit_sram +
                c->matrix_units * (c->hunit_mac * c->hunit_mac_um2 + c->hunit_exp * c->hunit_exp_um2) * logic * um2;
    a->vector_sram = c->vector_units * c->vector_sram_bytes * 8 / sram * um2;
    a->vector =
        a->vector_sram + c->vector_units * (vector_rom_um2(c) + c->vector_lanes * c->vector_lane_um2 * logic) * um2;
    a->other = c->grid_rows * c->grid_columns * c->tile_um2 * c->link_bytes / c->placement * logic * um2 + c->other_mm2;
    a->die = a->lunits + a->hunits + a->vector + a->other;
}

double roma_cost_pitch_mm(const roma_chip *c) {
    roma_areas a;
    roma_cost_areas(&a, c);
    return sqrt(a.die / (c->grid_rows * c->grid_columns));
}
