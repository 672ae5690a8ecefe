/* Operating points over the supply: their ends and clocks, which is least and which fastest, the chip's own clock at
 * the lowest supply, ranges of the clock, chips of another node. */
#include "roma/sim.h"
#include "../test.h"

#include <math.h>

static roma_sim_dvfs points_of(const char *chip, const char *const *set, size_t n_set, double max_w, int *rc) {
    static roma_sim s;
    roma_error err;
    roma_sim_dvfs d = {.least_energy = 0};
    roma_sim_config c = {.work = roma_cost_workload_usual()};
    c.design = (roma_design_config){.shape = "llama-3.2-1b", .chip = chip, .set = set, .n_set = n_set};
    c.work.max_w = max_w;
    *rc = roma_sim_open(&s, &c, &err);
    CHECK_EQ(*rc, 0);
    if (*rc) return d;
    *rc = roma_sim_supplies(&s, &d, &err);
    roma_sim_close(&s);
    return d;
}

static void test_points(void) {
    int rc;
    const roma_sim_dvfs d = points_of("roma-contract", NULL, 0, 12, &rc);
    roma_chip c;
    CHECK_EQ(rc, 0);
    CHECK_EQ(roma_chip_open(&c, "roma-contract", NULL), 0);
    CHECK(d.point[0].volts == c.supply_least_v && fabs(d.point[ROMA_SIM_SUPPLIES - 1].volts - c.supply_most_v) < 1e-12);
    int least = 0, fastest = ROMA_SIM_NONE, over = 0;
    for (int i = 0; i < ROMA_SIM_SUPPLIES; i++) {
        const roma_sim_supply *p = &d.point[i];
        CHECK_NEAR(p->hz, roma_cost_top_hz(&c, p->volts), 1e-12);
        CHECK(p->low_hz < p->hz && p->hz < p->high_hz && p->tok_s > 0 && p->ttft_ms > 0);
        CHECK(i == 0 || (p->hz > d.point[i - 1].hz && p->power_w > d.point[i - 1].power_w));
        if (p->mj_per_token < d.point[least].mj_per_token) least = i;
        over += p->power_w > 12;
        if (p->power_w <= 12) fastest = i;
    }
    CHECK(over > 0 && over < ROMA_SIM_SUPPLIES);
    CHECK_EQ(d.least_energy, least);
    CHECK_EQ(d.fastest, fastest);
    CHECK(d.as_is.volts == c.supply_v && d.as_is.hz == c.clock_hz);
    CHECK(d.has_slow && d.slow.hz == c.clock_hz && d.slow.volts == c.supply_least_v);
    CHECK(d.slow.tok_s == d.as_is.tok_s && d.slow.mj_per_token < d.as_is.mj_per_token);
}

/* Leakage that dwarfs all else makes the slowest point the dearest: the least is inside or at the top. */
static void test_leaky(void) {
    static const char *const set[] = {"power.static_logic=5", "supply.minimum=0.35", "supply.leak_decade=100",
                                      "power.thermal_resistance=0"};
    int rc;
    const roma_sim_dvfs d = points_of("roma-contract", set, 4, 0, &rc);
    CHECK_EQ(rc, 0);
    CHECK(d.least_energy > 0);
    CHECK_EQ(d.fastest, ROMA_SIM_SUPPLIES - 1);
}

static void test_clock(void) {
    static const char *const fast[] = {"clock.frequency=8e8"}, *const faster[] = {"clock.frequency=2e9"},
                             *const hot[] = {"power.ambient=120"};
    int rc;
    roma_sim_dvfs d = points_of("roma-contract", fast, 1, 0, &rc);
    CHECK(d.has_slow && d.slow.volts > d.point[0].volts && d.slow.volts < d.as_is.volts);
    roma_chip c;
    CHECK_EQ(roma_chip_open(&c, "roma-contract", NULL), 0);
    CHECK_NEAR(roma_cost_top_hz(&c, d.slow.volts), 8e8, 1e-9);
    d = points_of("roma-contract", faster, 1, 0, &rc);
    CHECK(!rc && !d.has_slow && d.as_is.hz == 2e9);
    d = points_of("roma-contract", hot, 1, 0, &rc);
    CHECK(!rc && d.fastest == ROMA_SIM_NONE);
    d = points_of("rcw-cim", NULL, 0, 0, &rc);
    CHECK_EQ(rc, ROMA_EUSAGE);
}

/* The range is at the corners, and 0 where a threshold may lie above the supply. */
static void test_ranges(void) {
    static const char *const only[] = {"supply.clock=1e9 [5e8 .. 3e9]", "supply.threshold=0.27", "supply.alpha=1.29"},
                             *const wide[] = {"supply.threshold=0.27 [0.2 .. 0.51]"};
    int rc;
    roma_sim_dvfs d = points_of("roma-contract", only, 3, 0, &rc);
    for (int i = 0; i < ROMA_SIM_SUPPLIES; i++) {
        CHECK_NEAR(d.point[i].low_hz, d.point[i].hz / 2, 1e-12);
        CHECK_NEAR(d.point[i].high_hz, d.point[i].hz * 3, 1e-12);
    }
    d = points_of("roma-contract", wide, 1, 0, &rc);
    CHECK(!rc && d.point[0].low_hz == 0 && d.point[0].high_hz > d.point[0].hz && d.point[6].low_hz > 0);
}

int main(void) {
    test_points();
    test_leaky();
    test_clock();
    test_ranges();
    return TEST_DONE();
}
