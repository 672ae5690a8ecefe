/* Supply and clock: the alpha-power law by hand, what is scaled and what is not, energy of a step at another supply. */
#include "design.h"

#include <math.h>

static void test_law(void) {
    roma_chip c;
    roma_error err;
    design_need(roma_chip_open(&c, "roma-contract", &err), &err);
    CHECK_NEAR(roma_cost_top_hz(&c, c.supply_v), c.supply_hz, 1e-12);
    roma_chip_put(&c, ROMA_CHIP_supply_v, 1);
    roma_chip_put(&c, ROMA_CHIP_supply_threshold_v, 0.5);
    roma_chip_put(&c, ROMA_CHIP_supply_alpha, 2);
    roma_chip_put(&c, ROMA_CHIP_supply_hz, 8e8);
    /* (0.25 / 0.5)2 / 0.75 is a third; (0.75 / 0.5)2 / 1.25 is 1.8 */
    CHECK_NEAR(roma_cost_top_hz(&c, 0.75), 8e8 / 3, 1e-12);
    CHECK_NEAR(roma_cost_top_hz(&c, 1.25), 8e8 * 1.8, 1e-12);
    /* Without a threshold and with an exponent of 1 the supply does nothing. */
    roma_chip_put(&c, ROMA_CHIP_supply_threshold_v, 0);
    roma_chip_put(&c, ROMA_CHIP_supply_alpha, 1);
    CHECK_NEAR(roma_cost_top_hz(&c, 0.6), 8e8, 1e-12);
}

static bool starts(const char *text, const char *with) { return strncmp(text, with, strlen(with)) == 0; }

/* At 1.5 times the supply, a decade of leakage higher: every energy of the chip 2.25 times, every leakage 15 times. */
static void test_scaled(void) {
    roma_chip c, at;
    roma_error err;
    design_need(roma_chip_open(&c, "roma-contract", &err), &err);
    roma_chip_put(&c, ROMA_CHIP_supply_v, 0.8);
    roma_chip_put(&c, ROMA_CHIP_supply_decade_v, 0.4);
    at = c;
    roma_cost_at_supply(&at, 1.2, 7e8);
    for (unsigned i = 0; i < ROMA_CHIP_N; i++) {
        const roma_chip_parameter *p = roma_chip_parameter_at(i);
        const bool is_energy = starts(p->section, "energy") && !starts(p->key, "dram") && !starts(p->key, "die") &&
                               !starts(p->key, "factor");
        const double by = is_energy ? 2.25 : starts(p->key, "static_") ? 15 : 1;
        if (i == ROMA_CHIP_clock_hz)
            CHECK(at.clock_hz == 7e8);
        else
            CHECK_NEAR(roma_chip_get(&at, i), roma_chip_get(&c, i) * by, 1e-12);
    }
}

/* A step at another supply: its dynamic energy goes with the square, cycles stay, time goes with the clock. */
static void test_step(void) {
    static const roma_workload w = {.prompt = 64, .context = 500, .batch = 1, .rank = 16, .adapters = 1, .toggle = 1};
    design d;
    design_open(&d, "roma-contract", "llama-3.2-1b", 0, 0);
    const roma_cost own = design_cost(&d, &w);
    const double v0 = d.place.chip.supply_v, hz = d.place.chip.clock_hz;
    roma_cost_at_supply(&d.place.chip, v0 / 2, hz / 4);
    const roma_cost low = design_cost(&d, &w);
    CHECK(low.decode_cyc == own.decode_cyc && low.area_mm2 == own.area_mm2);
    CHECK_NEAR(low.tok_s, own.tok_s / 4, 1e-12);
    CHECK_NEAR(low.ttft_s, own.ttft_s * 4, 1e-12);
    CHECK_NEAR(low.mj_per_token - low.mj_static, (own.mj_per_token - own.mj_static) / 4, 1e-9);
    CHECK_NEAR(low.static_w, own.static_w / 2 * pow(10, -v0 / 2 / d.place.chip.supply_decade_v), 1e-12);
    design_close(&d);
}

int main(void) {
    test_law();
    test_scaled();
    test_step();
    return TEST_DONE();
}
