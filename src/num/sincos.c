/* sin and cos of a turn: docs/numerics.md 5.6. */
#include "roma/num.h"

static int32_t to_signed(uint32_t u) { return u < 0x80000000u ? (int32_t)u : -(int32_t)(~u) - 1; }

void roma_sincos_turn(uint32_t phase, float *s, float *c) {
    const uint32_t q = (phase + (1u << 29)) >> 30 & 3; /* a carry out of bit 31 is a whole turn */
    const float z = (float)to_signed(phase - (q << 30)) * 0x1p-32f;
    const float y = z * 6.28318548f, y2 = y * y;
    float p = -1.0f / 5040.0f;
    p = p * y2 + 1.0f / 120.0f;
    p = p * y2 + -1.0f / 6.0f;
    const float sine = y + y * (y2 * p);
    float k = 1.0f / 40320.0f;
    k = k * y2 + -1.0f / 720.0f;
    k = k * y2 + 1.0f / 24.0f;
    k = k * y2 + -0.5f;
    k = k * y2 + 1.0f;
    *s = q == 0 ? sine : q == 1 ? k : q == 2 ? -sine : -k;
    *c = q == 0 ? k : q == 1 ? -sine : q == 2 ? -k : sine;
}
