/* Phase increment of a RoPE pair in turns x 2^64, rounded down: docs/numerics.md section 5. */
#include "roma/num.h"

uint64_t roma_rope_phase(double base, unsigned i, unsigned dim, double factor) {
    double turns = roma_pow_double(base, -(double)(2 * (uint64_t)i) / dim) / 6.283185307179586 / factor;
    if (!(turns >= 0 && turns < 0x1p53)) return 0;
    turns -= (double)(uint64_t)turns;
    return (uint64_t)(turns * 0x1p64);
}
