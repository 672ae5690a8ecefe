/* Squared ReLU of the gate times up: docs/numerics.md 5.4. */
#include "roma/num.h"

void roma_relu2_mul_c(float *out, const float *gate, const float *up, uint64_t n) {
    for (uint64_t i = 0; i < n; i++) {
        const float r = gate[i] < 0 ? 0 : gate[i];
        out[i] = r * r * up[i];
    }
}
