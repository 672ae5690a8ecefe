/* Round to nearest. A row depends on its own values only. Scale and minimum are rounded to FP16 first and codes are
 * chosen against the rounded ones, which costs nothing and errs less.
 *
 * Codes of 2 to 4 bits: of four ranges, from the whole one of the group inwards, each with its codes and the line that
 * fits them best (least squares), the one with the least sum of squared errors. Sums are FP32 in eight parts, so that
 * all compilers give the same bits. Eight bits: the largest magnitude becomes 127, where a search finds nothing. */
#include "quant/internal.h"

enum { LANES = 8, RANGES = 4 };

/* NaN goes to lo: sources with one are refused elsewhere, but no conversion here may be undefined. */
static inline float clamp(float x, float lo, float hi) {
    const float y = x > lo ? x : lo;
    return y < hi ? y : hi;
}

/* FP16 of a scale, kept finite. */
static uint16_t to_f16(float x) { return roma_f32_to_f16(clamp(x, -65504.0f, 65504.0f)); }

/* ---- 8 bits ---- */

static uint16_t group_q8(const float *x, unsigned n, uint8_t *code) {
    float most = 0;
    for (unsigned i = 0; i < n; i++) {
        const float a = x[i] < 0 ? -x[i] : x[i];
        if (a > most) most = a;
    }
    const uint16_t scale = to_f16(most / 127.0f);
    const float d = roma_f16_to_f32(scale);
    for (unsigned i = 0; i < n; i++) code[i] = d > 0 ? (uint8_t)(int)roma_rint(clamp(x[i] / d, -127, 127)) : 0;
    return scale;
}

/* ---- 2 to 4 bits ---- */

/* Weights of a group as scale * code + min. */
typedef struct {
    uint16_t scale, min;
    float d, m, inverse; /* these in FP32; 1/d, or 0 */
} line;

static line line_of(float scale, float min) {
    line l = {.scale = to_f16(clamp(scale, 0, 65504.0f)), .min = to_f16(min)};
    l.d = roma_f16_to_f32(l.scale);
    l.m = roma_f16_to_f32(l.min);
    l.inverse = l.d > 0 ? 1 / l.d : 0;
    return l;
}

static inline float code_of(float x, float min, float inverse, float top) {
    return roma_rint(clamp((x - min) * inverse, 0, top));
}

static float add_up(const float part[LANES]) {
    return ((part[0] + part[4]) + (part[2] + part[6])) + ((part[1] + part[5]) + (part[3] + part[7]));
}

/* Sum of squared errors of a line. */
static float error_of(const float *x, unsigned n, const line *l, float top) {
    float sum[LANES] = {0};
    for (unsigned i = 0; i < n; i += LANES)
        for (unsigned k = 0; k < LANES; k++) {
            const float e = l->d * code_of(x[i + k], l->m, l->inverse, top) + l->m - x[i + k];
            sum[k] += e * e;
        }
    return add_up(sum);
}

/* The line that fits best the codes that a range gives; sum_x: of the weights less `low`, the group's smallest one. */
static line fit(const float *x, unsigned n, float low, float sum_x, float min, float step, float top) {
    float c[LANES] = {0}, cc[LANES] = {0}, cx[LANES] = {0};
    const float inverse = 1 / step;
    for (unsigned i = 0; i < n; i += LANES)
        for (unsigned k = 0; k < LANES; k++) {
            const float code = code_of(x[i + k], min, inverse, top);
            c[k] += code;
            cc[k] += code * code;
            cx[k] += code * (x[i + k] - low);
        }
    const float sum_c = add_up(c), sum_cx = add_up(cx), count = (float)n;
    const float scale = (count * sum_cx - sum_c * sum_x) / (count * add_up(cc) - sum_c * sum_c);
    return line_of(scale, (sum_x - scale * sum_c) / count + low);
}

/* A range whose codes are all alike, or one of NaN or infinity, gives a line that is never better. */
static line find_line(const float *x, unsigned n, float top) {
    float lo[LANES], hi[LANES], sum[LANES] = {0};
    for (unsigned k = 0; k < LANES; k++) lo[k] = hi[k] = x[k];
    for (unsigned i = LANES; i < n; i += LANES)
        for (unsigned k = 0; k < LANES; k++) {
            lo[k] = x[i + k] < lo[k] ? x[i + k] : lo[k];
            hi[k] = x[i + k] > hi[k] ? x[i + k] : hi[k];
        }
    for (unsigned k = 1; k < LANES; k++) {
        lo[0] = lo[k] < lo[0] ? lo[k] : lo[0];
        hi[0] = hi[k] > hi[0] ? hi[k] : hi[0];
    }
    for (unsigned i = 0; i < n; i += LANES)
        for (unsigned k = 0; k < LANES; k++) sum[k] += x[i + k] - lo[0];
    const float width = hi[0] - lo[0], sum_x = add_up(sum);
    line best = line_of(0, lo[0]);
    best = line_of((hi[0] - best.m) / top, lo[0]);
    float least = error_of(x, n, &best, top);
    for (int k = 0; k < RANGES && width > 0; k++) {
        const float cut = (float)k * 0.2f / top; /* of the width, on either side */
        const line l = fit(x, n, lo[0], sum_x, lo[0] + cut * width, (1 - 2 * cut) * width / top, top);
        const float error = error_of(x, n, &l, top);
        if (error < least) best = l, least = error;
    }
    return best;
}

static void group_line(const float *x, unsigned n, float top, uint8_t *code, uint16_t *scale, uint16_t *min) {
    const line l = find_line(x, n, top);
    *scale = l.scale;
    *min = l.min;
    for (unsigned i = 0; i < n; i++) code[i] = (uint8_t)(int)code_of(x[i], l.m, l.inverse, top);
}

/* The row's floats stand on the stack: at most 1 MiB (roma_hyper_check bounds cols by 262144), and a reader of rows
 * has no way to report that memory ran out. */
void roma_quant_rtn_row(const roma_tensor *t, uint64_t r, const roma_row *out) {
    float x[t->cols];
    const unsigned n = t->format.group;
    const float top = (float)((1u << t->format.bits) - 1);
    t->read_source(t, r, x);
    for (uint64_t g = 0; g < t->cols / n; g++) {
        uint8_t *code = out->code + g * n;
        if (t->format.bits == 8)
            out->scale[g] = group_q8(x + g * n, n, code);
        else
            group_line(x + g * n, n, top, code, &out->scale[g], &out->min[g]);
    }
}
