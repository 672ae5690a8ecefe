/* Supply and clock (docs/cost-model.md section 7). */
#include "cost_int.h"

#include <math.h>

/* Gates are as fast as their current, (V - threshold)^alpha, moves the charge of the supply (Sakurai and Newton 1990).
 */
static double speed(const roma_chip *c, double volts) {
    return pow(volts - c->supply_threshold_v, c->supply_alpha) / volts;
}

double roma_cost_top_hz(const roma_chip *c, double volts) {
    return c->supply_hz * speed(c, volts) / speed(c, c->supply_v);
}

static void scale(roma_chip *c, const unsigned *which, size_t n, double factor) {
    for (size_t i = 0; i < n; i++) roma_chip_put(c, which[i], roma_chip_get(c, which[i]) * factor);
}

void roma_cost_at_supply(roma_chip *c, double volts, double hz) {
    static const unsigned switched[] = {ROMA_CHIP_e_rom_fj,    ROMA_CHIP_e_logic_rom_fj, ROMA_CHIP_e_mac_fj,
                                        ROMA_CHIP_e_buffer_fj, ROMA_CHIP_e_merge_fj,     ROMA_CHIP_e_leaf_pj,
                                        ROMA_CHIP_e_sram_fj,   ROMA_CHIP_e_hmac_fj,      ROMA_CHIP_e_vector_pj,
                                        ROMA_CHIP_e_wire_fj,   ROMA_CHIP_e_clock_fj},
                          leaks[] = {ROMA_CHIP_s_logic, ROMA_CHIP_s_sram, ROMA_CHIP_s_rom};
    const double ratio = volts / c->supply_v, rise = (volts - c->supply_v) / c->supply_decade_v;
    scale(c, switched, sizeof switched / sizeof *switched, ratio * ratio);
    scale(c, leaks, sizeof leaks / sizeof *leaks, ratio * pow(10, rise));
    roma_chip_put(c, ROMA_CHIP_clock_hz, hz);
}
