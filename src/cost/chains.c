/* Chains of units: what the contract's longest way through each part of an operation takes (docs/cost-model.md 1.6). */
#include "timing.h"

static const roma_cost_chain_info chains[] = {
#define X(name, text, add, mul, convert, div, sqrt, levels) {text, add, mul, convert, div, sqrt, levels},
    ROMA_COST_CHAINS(X)
#undef X
};

const roma_cost_chain_info *roma_cost_chain_about(roma_cost_chain k) { return &chains[k]; }

uint64_t roma_cost_chain_cycles(const roma_chip *c, roma_cost_chain k) {
    const roma_cost_chain_info *i = &chains[k];
    return i->add * timing_up(c->lat_add) + i->mul * timing_up(c->lat_mul) + i->convert * timing_up(c->lat_convert) +
           i->div * timing_up(c->lat_div) + i->sqrt * timing_up(c->lat_sqrt) + i->levels * timing_up(c->hop_cyc);
}
