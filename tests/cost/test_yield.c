/* Good dies: published-like vectors, limits, and the integral that the closed form stands for. */
#include "design.h"

#include <math.h>

static const double POISSON = 1e6; /* clustering so weak that it is none */

/* Both tables were computed apart from this program, to three digits: Poisson, Murphy, negative binomial 3 and 2,
 * Seeds. */
static void test_plain(void) {
    static const struct {
        double area_mm2, d0, poisson, nb3, nb2, seeds;
    } v[] = {
        {100, 0.1, 0.905, 0.906, 0.907, 0.909}, {300, 0.1, 0.741, 0.751, 0.756, 0.769},
        {500, 0.1, 0.607, 0.630, 0.640, 0.667}, {500, 0.05, 0.779, 0.787, 0.790, 0.800},
        {500, 0.2, 0.368, 0.422, 0.444, 0.500}, {800, 0.1, 0.449, 0.492, 0.510, 0.556},
    };
    for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
        const double m = v[i].area_mm2 / 100 * v[i].d0;
        CHECK(fabs(roma_cost_yield(m, 0, 0, 0, POISSON) - v[i].poisson) <= 5e-4);
        CHECK(fabs(roma_cost_yield(m, 0, 0, 0, 3) - v[i].nb3) <= 5e-4);
        CHECK(fabs(roma_cost_yield(m, 0, 0, 0, 2) - v[i].nb2) <= 5e-4);
        CHECK(fabs(roma_cost_yield(m, 0, 0, 0, 1) - v[i].seeds) <= 5e-4); /* Seeds is a = 1 */
    }
}

/* 500 mm2, 0.1 defects per cm2, each repaired with probability 0.95; for 0, 1, 2 and 4 repairs. */
static void test_repair(void) {
    static const unsigned repairs[4] = {0, 1, 2, 4};
    static const struct {
        double f, poisson[4], nb3[4];
    } v[] = {
        {0.5, {0.607, 0.751, 0.768, 0.769}, {0.630, 0.758, 0.775, 0.778}},
        {0.7, {0.607, 0.808, 0.842, 0.846}, {0.630, 0.809, 0.843, 0.849}},
        {0.8, {0.607, 0.837, 0.881, 0.887}, {0.630, 0.835, 0.879, 0.889}},
        {0.9, {0.607, 0.866, 0.921, 0.930}, {0.630, 0.860, 0.917, 0.930}},
    };
    for (size_t i = 0; i < sizeof v / sizeof *v; i++)
        for (int k = 0; k < 4; k++) {
            CHECK(fabs(roma_cost_yield(0.5, v[i].f, repairs[k], 0.95, POISSON) - v[i].poisson[k]) <= 5e-4);
            CHECK(fabs(roma_cost_yield(0.5, v[i].f, repairs[k], 0.95, 3) - v[i].nb3[k]) <= 5e-4);
        }
}

/* E over g ~ Gamma(a, 1/a) of exp(-m(1-f)g) sum Poisson(k; mfg) q^k, by the midpoint rule over g. */
static double integral(double m, double f, unsigned s, double q, double a) {
    const int steps = 400000;
    const double top = 60, h = top / steps;
    double sum = 0;
    for (int i = 0; i < steps; i++) {
        const double g = (i + 0.5) * h, weight = exp(a * log(a) + (a - 1) * log(g) - a * g - lgamma(a));
        double term = 1, inner = 1;
        for (unsigned k = 1; k <= s; k++) inner += term *= m * f * g * q / k;
        sum += weight * exp(-m * g) * inner * h;
    }
    return sum;
}

static void test_integral(void) {
    for (unsigned s = 0; s <= 8; s += 2)
        for (int i = 0; i < 4; i++) {
            const double m = 0.3 + 0.9 * i, a = 1.5 + i, q = 1 - 0.1 * i;
            CHECK_NEAR(roma_cost_yield(m, 0.8, s, q, a), integral(m, 0.8, s, q, a), 1e-6);
        }
}

static void test_limits(void) {
    CHECK(roma_cost_yield(0, 0.8, 4, 0.9, 2) == 1);
    CHECK_NEAR(roma_cost_yield(2, 1, 64, 1, 3), 1, 1e-6); /* all of it can be repaired */
    CHECK_NEAR(roma_cost_yield(2, 0, 64, 1, 3), roma_cost_yield(2, 0, 0, 0, 3), 1e-15);
    for (unsigned s = 1; s <= 64; s++) {
        CHECK(roma_cost_yield(3, 0.9, s, 0.9, 0.05) >= roma_cost_yield(3, 0.9, s - 1, 0.9, 0.05));
        CHECK(roma_cost_yield(3, 0.9, s, 0.9, 1e6) <= 1);
    }
}

static void test_gross_dies(void) {
    /* pi 150^2 / 500 = 141.37, less pi 300 / sqrt(1000) = 29.80 */
    CHECK_REAL(roma_cost_gross_dies(300, 500), 111);
    CHECK_REAL(roma_cost_gross_dies(300, 100), 640); /* 706.86 - 66.64 */
    CHECK_REAL(roma_cost_gross_dies(300, 80000), 0);
    CHECK_REAL(roma_cost_gross_dies(300, 0), 0);
}

static void test_price(void) {
    design d;
    design_open(&d, "roma", "llama-3.2-3b", 4, 4);
    roma_chip *c = &d.place.chip;
    roma_chip_put(c, ROMA_CHIP_repairs, 2);
    roma_chip_put(c, ROMA_CHIP_wafer_usd, 9000);
    const roma_workload w = {.batch = 1, .toggle = 1};
    roma_cost one = design_cost(&d, &w);
    CHECK(one.yield_repaired > one.yield && one.usd < one.usd_unrepaired);
    CHECK_NEAR(one.yield, pow(1 + one.area_mm2 / 100 * c->defects_cm2 / c->clustering, -c->clustering), 1e-12);
    CHECK_NEAR(one.usd_unrepaired, 9000 / (one.gross_dies * one.yield), 1e-12);
    design_dies(&d, 3);
    roma_cost three = design_cost(&d, &w);
    CHECK_NEAR(three.usd, 3 * one.usd, 1e-12);
    CHECK(three.yield == one.yield && three.gross_dies == one.gross_dies);
    roma_chip_put(c, ROMA_CHIP_other_mm2, 9e4);
    CHECK(isinf(design_cost(&d, &w).usd));
    design_close(&d);
}

int main(void) {
    test_plain();
    test_repair();
    test_integral();
    test_limits();
    test_gross_dies();
    test_price();
    return TEST_DONE();
}
