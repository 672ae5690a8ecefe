/* SiLU of the gate times up: docs/numerics.md 5.4. */
#include "roma/num.h"

void roma_silu_mul_c(float *out, const float *gate, const float *up, uint64_t n) {
    for (uint64_t i = 0; i < n; i++) {
        const float g = gate[i], e = roma_exp(roma_f32_from_bits(roma_f32_bits(g) | 0x80000000u));
        const float t = (g >= 0 ? 1.0f : e) / (1.0f + e);
        out[i] = g * t * up[i];
    }
}
