/* Sections 5.1 and 5.2 of docs/cost-model.md: good dies and what they cost. */
#include "cost_int.h"

#include <math.h>

/* Term by term: each is the one before times m f q (a + k) / ((k + 1) (a + m)), which needs no gamma function and holds
 * for any a. */
double roma_cost_yield(double m, double f, unsigned s, double q, double a) {
    double term = exp(-a * log1p(m / a)), sum = term;
    for (unsigned k = 0; k < s; k++) {
        term *= m * f * q * (a + k) / ((k + 1.0) * (a + m));
        sum += term;
    }
    return fmin(sum, 1);
}

double roma_cost_gross_dies(double wafer_mm, double area_mm2) {
    const double pi = 3.14159265358979323846, r = wafer_mm / 2;
    if (!(area_mm2 > 0)) return 0;
    return fmax(0, floor(pi * r * r / area_mm2 - 2 * pi * r / sqrt(2 * area_mm2)));
}

/* CSET, "AI chips: what they are and why they matter", 2020, table 9, down to 5 nm; 3 nm as DigiTimes reported in
 * November 2022. */
double roma_cost_wafer_usd(double node) {
    static const double at[][2] = {{3, 20000}, {5, 16988}, {7, 9346},  {10, 5992}, {16, 3984},
                                   {20, 3677}, {28, 2891}, {40, 2274}, {65, 1937}, {90, 1650}};
    enum { N = sizeof at / sizeof *at };
    size_t i = 1;
    if (node <= at[0][0]) return at[0][1];
    if (node >= at[N - 1][0]) return at[N - 1][1];
    while (at[i][0] < node) i++;
    return at[i - 1][1] + (node - at[i - 1][0]) / (at[i][0] - at[i - 1][0]) * (at[i][1] - at[i - 1][1]);
}

bool roma_cost_wafer_is_odd(const roma_chip *c) {
    const double usual = roma_cost_wafer_usd(c->node_nm);
    return c->wafer_usd < usual / 2 || c->wafer_usd > 2 * usual;
}

/* Infinite when no die of that size fits the wafer, or none is good. */
static double price(double wafer_usd, double good) { return good > 0 ? wafer_usd / good : HUGE_VAL; }

void roma_cost_price(roma_cost *out, const roma_areas *a, const roma_placement *p) {
    const roma_chip *c = &p->chip;
    const double m = a->die / 100 * c->defects_cm2;
    const double f = (a->storage + a->hunit_sram + a->vector_sram) / a->die;
    out->yield = roma_cost_yield(m, 0, 0, 0, c->clustering);
    out->yield_repaired = roma_cost_yield(m, f, (unsigned)c->repairs, c->repairable, c->clustering);
    out->gross_dies = roma_cost_gross_dies(c->wafer_mm, a->die);
    out->usd = p->dies * price(c->wafer_usd, out->gross_dies * out->yield_repaired);
    out->usd_unrepaired = p->dies * price(c->wafer_usd, out->gross_dies * out->yield);
}
