/* Block floating point of activations: docs/numerics.md section 2. */
#include "magnitude.h"

static void zero_codes(uint64_t cols, roma_act *a) {
    memset(a->code, 0, cols);
    memset(a->shift, 0, cols / 8 * sizeof *a->shift);
    for (uint64_t b = 0; b < cols / 8; b++) a->mult[b] = 0x00010001u;
    memset(a->sum16, 0, cols / 16 * sizeof *a->sum16);
    memset(a->sum32, 0, cols / 32 * sizeof *a->sum32);
}

/* One sub-group; returns the sum of its values. */
static int32_t subgroup(const float *x, float r, int8_t *code, int32_t *shift) {
    float v[ROMA_SUBGROUP];
    for (int i = 0; i < ROMA_SUBGROUP; i++) v[i] = x[i] * r;
    const float a = max_magnitude(v, ROMA_SUBGROUP);
    int k = 0;
    while (k < 7 && !(a < 127.5f * roma_pow2(k))) k++;
    int32_t sum = 0;
    for (int i = 0; i < ROMA_SUBGROUP; i++) {
        code[i] = (int8_t)roma_rint(v[i] * roma_pow2(-k));
        sum += code[i] * (1 << k);
    }
    *shift = k;
    return sum;
}

void roma_quantise_c(const float *x, uint64_t cols, float factor, roma_act *a) {
    const float max = max_magnitude(x, cols);
    if (!(max >= NUM_TINY && max < NUM_HUGE)) {
        zero_codes(cols, a);
        a->scale = max < NUM_TINY ? 0.0f * factor : quiet_nan();
        return;
    }
    const float r = 16256.0f / max;
    for (uint64_t h = 0; h < cols / 16; h++) {
        int32_t sum = 0;
        for (uint64_t b = 2 * h; b < 2 * h + 2; b++) {
            sum += subgroup(x + 8 * b, r, a->code + 8 * b, &a->shift[b]);
            a->mult[b] = 0x00010001u << a->shift[b];
        }
        a->sum16[h] = sum;
    }
    for (uint64_t g = 0; g < cols / 32; g++) a->sum32[g] = a->sum16[2 * g] + a->sum16[2 * g + 1];
    a->scale = max * (float)(1.0 / 16256.0) * factor;
}
