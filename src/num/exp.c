/* exp of a number that is not positive: docs/numerics.md 5.1. */
#include "roma/num.h"

float roma_exp(float x) {
    if (x > 0) x = 0;
    if (x < -87.0f) return 0;
    if (x != x) return x;
    const float n = roma_rint(x * 1.44269504f);
    const float r = (x - n * 0.693359375f) - n * -2.12194440e-4f;
    float p = 1.0f / 720.0f;
    p = p * r + 1.0f / 120.0f;
    p = p * r + 1.0f / 24.0f;
    p = p * r + 1.0f / 6.0f;
    p = p * r + 0.5f;
    p = p * r + 1.0f;
    p = p * r + 1.0f;
    return p * roma_pow2((int)n);
}
