/* Names of the outputs, and the outputs as a result list. */
#include "cost_int.h"

static const roma_cost_output outputs[ROMA_COST_N] = {
#define X(field, group, unit, help) {#field, group, unit, help},
    ROMA_COST_OUTPUTS(X)
#undef X
};

const roma_cost_output *roma_cost_output_at(unsigned i) { return i < ROMA_COST_N ? &outputs[i] : NULL; }

void roma_cost_result(const roma_range v[ROMA_COST_N], const int dominant[ROMA_COST_N], roma_result *out) {
    for (unsigned i = 0; i < ROMA_COST_N; i++) {
        char source[96] = "";
        const roma_chip_parameter *p =
            dominant && dominant[i] >= 0 ? roma_chip_parameter_at((unsigned)dominant[i]) : NULL;
        if (p) roma_print(source, sizeof source, "mostly from %s.%s", p->section, p->key);
        roma_result_add(out, outputs[i].group, outputs[i].name, outputs[i].unit, v[i], source);
    }
}
