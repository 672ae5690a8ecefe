/* Plain symmetric codes of one head: int8 for the cache, int4 for its values, int16 for a query (docs/numerics.md
 * section 4). */
#include "magnitude.h"

/* 0 when there are no codes to compute; *scale is then final. */
static float reciprocal(const float *x, unsigned n, float top, float top_inverse, float *scale) {
    const float max = max_magnitude(x, n);
    if (max < NUM_TINY)
        *scale = 0;
    else if (!(max < NUM_HUGE))
        *scale = quiet_nan();
    else {
        *scale = max * top_inverse;
        return top / max;
    }
    return 0;
}

float roma_quantise_i8(const float *x, unsigned n, int8_t *code) {
    float scale;
    const float r = reciprocal(x, n, 127.0f, 1.0f / 127.0f, &scale);
    for (unsigned i = 0; i < n; i++) code[i] = (int8_t)(r > 0 ? roma_rint(x[i] * r) : 0);
    return scale;
}

float roma_quantise_i4(const float *x, unsigned n, int8_t *code) {
    float scale;
    const float r = reciprocal(x, n, 7.0f, 1.0f / 7.0f, &scale);
    for (unsigned i = 0; i < n; i++) code[i] = (int8_t)(r > 0 ? roma_rint(x[i] * r) : 0);
    return scale;
}

float roma_quantise_i16(const float *x, unsigned n, int16_t *code) {
    float scale;
    const float r = reciprocal(x, n, 32767.0f, 1.0f / 32767.0f, &scale);
    for (unsigned i = 0; i < n; i++) code[i] = (int16_t)(r > 0 ? roma_rint(x[i] * r) : 0);
    return scale;
}
