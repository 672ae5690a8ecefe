/* The largest score, softmax weights and their exact denominator: docs/numerics.md 4.3 and 4.4. */
#include "roma/num.h"

/* near(w * 2^30) for 0 <= w <= 1: from 2^22 on the product is already an integer or half of one. */
static int64_t fixed30(float w) {
    const float v = w * 0x1p30f;
    if (v != v) return 0;
    if (v >= 0x1p23f) return (int64_t)v;
    if (v >= 0x1p22f) return (int64_t)roma_rint(v - 0x1p22f) + (1 << 22); /* even, so ties fall the same way */
    return (int64_t)roma_rint(v);
}

float roma_largest_c(const float *score, uint64_t n) {
    float max = score[0];
    for (uint64_t i = 1; i < n; i++) max = score[i] > max ? score[i] : max;
    return max;
}

int64_t roma_softmax_weights_c(float *score, uint64_t n, float max) {
    int64_t sum = 0;
    for (uint64_t i = 0; i < n; i++) {
        score[i] = roma_exp(score[i] - max);
        sum += fixed30(score[i]);
    }
    return sum;
}
