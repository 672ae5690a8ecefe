/* RoPE on one head: docs/numerics.md 5.5. */
#include "roma/num.h"

void roma_rope(float *head, unsigned rope_dim, const float *cs) {
    for (unsigned i = 0; i + 1 < rope_dim; i += 2) {
        const float a = head[i], b = head[i + 1], c = cs[i], s = cs[i + 1];
        head[i] = a * c - b * s;
        head[i + 1] = a * s + b * c;
    }
}
