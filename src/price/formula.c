/* The formulas of docs/price.md, in its order. */
#include "price/internal.h"

#include <math.h>

#define YEAR_S (365.25 * 24 * 3600)

static void masks(roma_priced *out, const price_case *x, const price_fixed *f) {
    const double changed = fmin(x->price_mask_changed, x->price_mask_count);
    /* what the masks of one die that a model changes cost, over a whole set */
    const double share = fmin(1, changed * x->price_mask_ratio / x->price_mask_count);
    out->masks = x->price_mask_count + (f->dies - 1) * changed;
    out->masks_changed = f->dies * changed;
    out->mask_usd = x->price_mask_set * (1 + (f->dies - 1) * share);
    out->design_usd = x->price_nre_design;
    out->nre_usd = out->design_usd + out->mask_usd;
    out->respin_usd = changed > 0 ? x->price_mask_set * f->dies * share + x->price_nre_model : 0;
}

/* x dollars over a share that may be none: infinite then. */
static double over(double usd, double share) { return share > 0 ? usd / share : HUGE_VAL; }

static void chips(roma_priced *out, const price_case *x, const price_fixed *f) {
    const double side = sqrt(x->die_mm2) + x->price_scribe;
    const double pass = x->yield + (1 - x->yield) * (1 - x->price_coverage);
    out->gross_dies = roma_cost_gross_dies(f->wafer_mm - 2 * x->price_edge, side * side);
    out->yield = x->yield;
    out->escapes = pass > 0 ? 1 - x->yield / pass : 0;
    const double chip_yield = pow((1 - out->escapes) * x->price_package_yield, f->dies);
    const double die = over(x->wafer_usd, out->gross_dies * pass);
    const double tests = f->dies * over(x->price_sort_s, pass) + x->price_final_s;
    out->silicon_usd = over(f->dies * die, chip_yield);
    out->test_usd = over(tests * x->price_tester, chip_yield);
    out->package_usd = over(x->price_package + x->price_package_area * f->dies * x->die_mm2, chip_yield);
    out->usd_per_chip = out->silicon_usd + out->test_usd + out->package_usd;
    out->board_usd = x->price_board + x->price_dram * f->dram_gb;
}

static void tokens(roma_priced *out, const price_case *x, const price_fixed *f) {
    out->served_tok_s = 1 / (x->ttft_s / f->output + 1 / x->tok_s);
    out->mtokens_life = 1e-6 * out->served_tok_s * x->price_busy * x->price_years * YEAR_S;
    const double idle_w = x->static_w * (1 / x->price_busy - 1); /* for each second of work */
    const double joule = 1e-3 * (x->mj_per_token + x->prefill_mj / f->output) + idle_w / out->served_tok_s;
    out->kwh_per_mtoken = 1e6 * joule / 3.6e6 * x->price_overhead;
    out->usd_chip = (out->usd_per_chip + out->board_usd) / out->mtokens_life;
    out->usd_nre = out->nre_usd / f->volume / out->mtokens_life;
    out->usd_power = out->kwh_per_mtoken * x->price_kwh;
    out->usd_per_mtoken = out->usd_chip + out->usd_nre + out->usd_power;
}

/* Chips whose gains pay for what was spent before the first of them. */
static double even(double spent, double gain) { return gain > 0 ? fmax(1, ceil(spent / gain)) : HUGE_VAL; }

static void rent(roma_priced *out, const price_case *x, const price_fixed *f) {
    out->rent_usd_per_mtoken = x->price_rent_out + x->price_rent_in * f->prompt / f->output;
    out->gain_usd =
        out->mtokens_life * (out->rent_usd_per_mtoken - out->usd_power) - out->usd_per_chip - out->board_usd;
    out->break_even_chips = even(out->nre_usd, out->gain_usd);
    out->break_even_respin = even(out->respin_usd, out->gain_usd);
}

void roma_price_evaluate(roma_priced *out, const price_case *x, const price_fixed *f) {
    masks(out, x, f);
    chips(out, x, f);
    tokens(out, x, f);
    rent(out, x, f);
}
