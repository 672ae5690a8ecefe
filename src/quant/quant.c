/* Round to nearest: float matrices as views whose rows are quantised when they are read.
 *
 * A row depends on its own values only, so it always gives the same codes. The scale is rounded to FP16 first and codes
 * are chosen against the rounded one, which costs nothing and errs less. */
#include "roma/quant.h"

#define GROUP 32

/* NaN goes to lo: sources with one are refused elsewhere, but no conversion here may be undefined. */
static float clamp(float x, float lo, float hi) {
    if (!(x > lo)) return lo;
    return x > hi ? hi : x;
}

/* FP16 of a scale, kept finite. */
static uint16_t to_f16(float x) { return roma_f32_to_f16(clamp(x, -65504.0f, 65504.0f)); }

/* x / d to the nearest integer in lo..hi. */
static int nearest(float x, float d, float lo, float hi) { return d > 0 ? (int)roma_rint(clamp(x / d, lo, hi)) : 0; }

/* Signed bytes: the largest magnitude becomes 127. */
static uint16_t group_q8(const float *x, uint8_t *code) {
    float most = 0;
    for (int i = 0; i < GROUP; i++) {
        float a = x[i] < 0 ? -x[i] : x[i];
        if (a > most) most = a;
    }
    uint16_t scale = to_f16(most / 127.0f);
    float d = roma_f16_to_f32(scale);
    for (int i = 0; i < GROUP; i++) code[i] = (uint8_t)nearest(x[i], d, -127, 127);
    return scale;
}

/* 0..15 between the smallest and the largest value. */
static uint16_t group_q4(const float *x, uint8_t *code, uint16_t *min) {
    float lo = x[0], hi = x[0];
    for (int i = 1; i < GROUP; i++) {
        if (x[i] < lo) lo = x[i];
        if (x[i] > hi) hi = x[i];
    }
    *min = to_f16(lo);
    float m = roma_f16_to_f32(*min);
    uint16_t scale = to_f16(clamp((hi - m) / 15.0f, 0, 65504.0f));
    float d = roma_f16_to_f32(scale);
    for (int i = 0; i < GROUP; i++) code[i] = (uint8_t)nearest(x[i] - m, d, 0, 15);
    return scale;
}

/* The row's floats stand on the stack: at most 1 MiB (roma_hyper_check bounds cols by 262144), and a reader of rows
 * has no way to report that memory ran out. */
static void read_row(const roma_tensor *t, uint64_t r, const roma_row *out) {
    float x[t->cols];
    t->read_source(t, r, x);
    for (uint64_t g = 0; g < t->cols / GROUP; g++) {
        uint8_t *code = out->code + g * GROUP;
        out->scale[g] = t->format.min ? group_q4(x + g * GROUP, code, &out->min[g]) : group_q8(x + g * GROUP, code);
    }
}

static void read_floats(const roma_tensor *t, uint64_t r, float *out) {
    t->read_source(t, r, out);
    for (uint64_t g = 0; g < t->cols / GROUP; g++) {
        uint8_t code[GROUP];
        uint16_t min = 0,
                 scale = t->format.min ? group_q4(out + g * GROUP, code, &min) : group_q8(out + g * GROUP, code);
        const roma_row row = {.code = code, .scale = &scale, .min = &min};
        roma_row_dequant(&t->format, GROUP, &row, out + g * GROUP);
    }
}

int roma_quantise_model(roma_model *m, roma_quant_kind kind, roma_error *err) {
    const roma_format q8 = {.bits = 8, .scale = ROMA_SCALE_F16, .group = GROUP};
    const roma_format q4 = {.bits = 4, .scale = ROMA_SCALE_F16, .min = ROMA_SCALE_F16, .group = GROUP};
    for (size_t i = 0; i < m->n_tensors; i++) {
        roma_tensor *t = &m->tensors[i];
        if (!t->is_float || !roma_tensor_role_is_matrix(t->role)) continue;
        if (kind == ROMA_QUANT_NONE)
            return roma_fail(err, ROMA_EUSAGE, NULL, ROMA_NOWHERE,
                             "%s of layer %u is a float matrix without low-bit code; use --quant q8 or --quant q4",
                             roma_tensor_role_name(t->role), t->layer);
        if (!t->cols || t->cols % GROUP || t->cols > 262144)
            return roma_fail(err, ROMA_EUNSUPPORTED, NULL, ROMA_NOWHERE,
                             "%s of layer %u has rows of %llu; multiples of 32 can be quantised",
                             roma_tensor_role_name(t->role), t->layer, (unsigned long long)t->cols);
        t->format = kind == ROMA_QUANT_Q8 ? q8 : q4;
        t->read_source = t->read_floats;
        t->read_row = read_row;
        t->read_floats = read_floats;
        t->is_float = false;
    }
    return ROMA_OK;
}
