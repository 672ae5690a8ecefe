/* Section 2 of docs/cost-model.md: joules from events, leakage from areas. */
#include "cost_int.h"

/* fJ of one ROM bit by how it is stored. A logic ROM's whole multiplexer tree switches, so a bit costs its block's
 * depth. */
static double rom_bit_fj(const roma_chip *c) {
    switch ((int)c->rom_style) {
    case ROMA_ROM_SRAM:
    case ROMA_ROM_DRAM: return c->e_sram_fj;
    case ROMA_ROM_LOGIC: return c->e_logic_rom_fj * c->rom_depth / 1024;
    default: return c->e_rom_fj;
    }
}

double roma_cost_dynamic_mj(double mj[ROMA_N_EVENTS], const roma_events *e, const roma_chip *c, double toggle) {
    const double fj = 1e-12, pj = 1e-9, on_chip = c->e_factor * roma_cost_energy_scale(c);
    const double all[ROMA_N_EVENTS] = {
        on_chip * e->rom_bits * rom_bit_fj(c) * toggle * fj,
        on_chip * e->lane_macs * c->e_mac_fj * fj,
        on_chip * e->buffer_bits * c->e_buffer_fj * fj,
        on_chip * e->merge_adds * c->e_merge_fj * fj,
        on_chip * e->leaves * c->e_leaf_pj * pj,
        on_chip * e->lunit_cycles * c->lanes * c->e_clock_fj * fj,
        on_chip * e->sram_bits * c->e_sram_fj * fj,
        on_chip * e->hunit_macs * c->e_hmac_fj * fj,
        on_chip * e->vector_ops * c->e_vector_pj * pj,
        on_chip * e->wire_bit_mm * c->e_wire_fj * fj,
        c->e_factor * e->dram_bits * c->e_dram_pj * pj, /* DRAM is not built in the chip's node, nor is a link */
        c->e_factor * e->die_bits * c->e_die_pj * pj,
    };
    double sum = 0;
    for (int i = 0; i < ROMA_N_EVENTS; i++) sum += mj[i] = all[i];
    return sum;
}

/* Share of the storage's leakage that gating leaves: one bank of each L-Unit is awake. SRAM would forget. */
static double storage_w_mm2(const roma_chip *c) {
    if (c->rom_style == ROMA_ROM_SRAM || c->rom_style == ROMA_ROM_DRAM) return c->s_sram;
    if (c->rom_gated == 0) return c->s_rom;
    const double awake = c->rom_depth < c->rom_macro_words ? c->rom_depth / c->rom_macro_words : 1;
    return c->s_rom * (c->gate_residual + (1 - c->gate_residual) * awake);
}

double roma_cost_static_w(double w[ROMA_STATIC_N], const roma_chip *c, const roma_areas *a, bool idle) {
    const double logic = c->s_logic * (idle && c->idle_gated != 0 ? c->gate_residual : 1);
    w[ROMA_STATIC_L] = logic * a->compute + storage_w_mm2(c) * a->storage;
    w[ROMA_STATIC_H] = logic * (a->hunits - a->hunit_sram) + c->s_sram * a->hunit_sram;
    w[ROMA_STATIC_V] = logic * (a->vector - a->vector_sram) + c->s_sram * a->vector_sram;
    w[ROMA_STATIC_OTHER] = logic * a->other;
    return w[ROMA_STATIC_L] + w[ROMA_STATIC_H] + w[ROMA_STATIC_V] + w[ROMA_STATIC_OTHER];
}
