/* Operating points over the supply; contract in sim.h. */
#include "roma/sim.h"

#include <math.h>
#include <string.h>

/* Highest clock at a supply at the corners of what the curve leaves open. */
static void clock_range(const roma_chip *c, roma_sim_supply *p) {
    static const unsigned curve[] = {ROMA_CHIP_supply_hz, ROMA_CHIP_supply_threshold_v, ROMA_CHIP_supply_alpha};
    p->low_hz = p->high_hz = roma_cost_top_hz(c, p->volts);
    for (unsigned corner = 0; corner < 8; corner++) {
        roma_chip at = *c;
        for (unsigned k = 0; k < 3; k++)
            roma_chip_put(&at, curve[k], corner >> k & 1 ? c->mark[curve[k]].high : c->mark[curve[k]].low);
        const double hz = roma_cost_top_hz(&at, p->volts);
        if (!(at.supply_threshold_v < p->volts)) p->low_hz = 0;
        if (!(at.supply_threshold_v < p->volts)) continue;
        p->low_hz = fmin(p->low_hz, hz);
        p->high_hz = fmax(p->high_hz, hz);
    }
}

static int evaluate(roma_sim *s, roma_placement *at, double volts, double hz, roma_sim_supply *out, roma_error *err) {
    const roma_chip *chip = &s->design.place.chip;
    roma_cost c;
    at->chip = *chip;
    roma_cost_at_supply(&at->chip, volts, hz);
    roma_place_derive(at);
    const int rc = roma_cost_evaluate(&c, &s->schedule, at, &s->work, err);
    *out = (roma_sim_supply){.volts = volts, .hz = hz};
    if (rc) return rc;
    out->tok_s = c.tok_s;
    out->ttft_ms = c.ttft_s * 1e3;
    out->mj_per_token = c.mj_per_token;
    out->power_w = c.power_w;
    out->static_w = c.static_w;
    out->junction_c = c.junction_c;
    clock_range(chip, out);
    return ROMA_OK;
}

/* The lowest supply of the chip whose gates reach a clock, which rises with the supply; NAN: none does. */
static double supply_for(const roma_chip *c, double hz) {
    double low = c->supply_least_v, high = c->supply_most_v;
    if (roma_cost_top_hz(c, low) >= hz) return low;
    if (!(roma_cost_top_hz(c, high) >= hz)) return NAN;
    for (int i = 0; i < 60; i++) {
        const double mid = (low + high) / 2;
        *(roma_cost_top_hz(c, mid) >= hz ? &high : &low) = mid;
    }
    return high;
}

static int all_points(roma_sim *s, roma_placement *at, roma_sim_dvfs *out, roma_error *err) {
    const roma_chip *c = &s->design.place.chip;
    int rc = evaluate(s, at, c->supply_v, c->clock_hz, &out->as_is, err);
    const double slow = supply_for(c, c->clock_hz);
    out->has_slow = !isnan(slow);
    if (!rc && out->has_slow) rc = evaluate(s, at, slow, c->clock_hz, &out->slow, err);
    for (int i = 0; !rc && i < ROMA_SIM_SUPPLIES; i++) {
        const double volts = c->supply_least_v + (c->supply_most_v - c->supply_least_v) * i / (ROMA_SIM_SUPPLIES - 1);
        rc = evaluate(s, at, volts, roma_cost_top_hz(c, volts), &out->point[i], err);
    }
    return rc;
}

static void choose(const roma_sim *s, roma_sim_dvfs *out) {
    out->fastest = ROMA_SIM_NONE;
    for (int i = 0; i < ROMA_SIM_SUPPLIES; i++) {
        const roma_sim_supply *p = &out->point[i];
        if (p->mj_per_token < out->point[out->least_energy].mj_per_token) out->least_energy = i;
        if (!(p->junction_c <= ROMA_COST_JUNCTION_C) || (s->work.max_w > 0 && p->power_w > s->work.max_w)) continue;
        if (out->fastest == ROMA_SIM_NONE || p->tok_s > out->point[out->fastest].tok_s) out->fastest = i;
    }
}

int roma_sim_supplies(roma_sim *s, roma_sim_dvfs *out, roma_error *err) {
    const roma_chip *c = &s->design.place.chip;
    roma_placement at;
    memset(out, 0, sizeof *out);
    if (c->node_nm != c->supply_nm)
        return roma_fail(
            err, ROMA_EUSAGE, "", ROMA_NOWHERE,
            "%s is built in %.4g nm, and its section [supply] is for %.4g nm: give it the curve of its own "
            "node (supply.node and what follows it)",
            c->name, c->node_nm, c->supply_nm);
    int rc = roma_place_copy(&at, &s->design.place, err);
    if (rc) return rc;
    rc = all_points(s, &at, out, err);
    roma_place_destroy(&at);
    if (!rc) choose(s, out);
    return rc;
}
