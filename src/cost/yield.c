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
