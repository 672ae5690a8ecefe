/* 1 / root mean square: docs/numerics.md 5.2. The sum is exact, so its order is free. */
#include "magnitude.h"

float roma_rms_inverse(const float *x, uint64_t n, float eps) {
    const float max = max_magnitude(x, n);
    if (!(max < NUM_HUGE)) return quiet_nan();
    float ms = 0;
    if (max >= NUM_TINY) {
        const int e = roma_exponent(max);
        const float up = roma_pow2(13 - e), down = roma_pow2(e - 13);
        int64_t sum = 0;
        for (uint64_t i = 0; i < n; i++) {
            const int64_t c = (int64_t)roma_rint(x[i] * up);
            sum += c * c;
        }
        ms = (float)sum * (1.0f / (float)n) * down * down;
    }
    return 1.0f / __builtin_sqrtf(ms + eps);
}
