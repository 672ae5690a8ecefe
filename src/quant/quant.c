/* Float matrices as views whose rows are quantised when they are read: which method takes which matrix. */
#include "quant/internal.h"

#include <stdarg.h>

int roma_quant_bad(const roma_tensor *t, int code, roma_error *err, const char *fmt, ...) {
    char text[200];
    ROMA_PRINT_ARGS(text, fmt);
    return roma_fail(err, code, NULL, ROMA_NOWHERE, "%s of layer %u %s", roma_tensor_role_name(t->role), t->layer,
                     text);
}

const char *roma_quant_print(const roma_quant_form *f, char *buf, size_t cap) {
    switch (f->method) {
    case ROMA_QUANT_NONE: roma_print(buf, cap, "none"); break;
    case ROMA_QUANT_RTN:
        roma_print(buf, cap, "rtn, %u bits, FP16 scale%s for %u weights", f->bits, f->bits == 8 ? "" : " and minimum",
                   f->group);
        break;
    case ROMA_QUANT_NF4:
        roma_print(buf, cap, "nf4, absmax of %u weights in 8 bits, these in blocks of %u", f->group, ROMA_NF4_NESTED);
        break;
    }
    return buf;
}

/* The row's codes stand on the stack: at most 256 KiB (roma_hyper_check bounds cols by 262144). */
static void read_floats(const roma_tensor *t, uint64_t r, float *out) {
    uint8_t code[t->cols];
    uint16_t words[2][t->cols / 32];
    float scale32[t->cols / 32];
    const roma_row row = {.code = code, .scale = words[0], .min = words[1], .scale32 = scale32};
    t->read_row(t, r, &row);
    roma_row_dequant(&t->format, t->cols, &row, out);
}

static int check_form(const roma_quant_form *f, roma_error *err) {
    const bool rtn = f->method == ROMA_QUANT_RTN;
    const bool bits = rtn ? f->bits == 2 || f->bits == 3 || f->bits == 4 || f->bits == 8 : f->bits == 4;
    if (f->method == ROMA_QUANT_NONE) return ROMA_OK;
    if (!bits)
        return roma_fail(err, ROMA_EUSAGE, NULL, ROMA_NOWHERE, "%s has codes of %s bits, not %u",
                         rtn ? "round to nearest" : "NF4", rtn ? "2, 3, 4 or 8" : "4", f->bits);
    if (f->group != 32 && f->group != 64 && f->group != 128)
        return roma_fail(err, ROMA_EUSAGE, NULL, ROMA_NOWHERE, "a scale is for 32, 64 or 128 weights, not %u",
                         f->group);
    return ROMA_OK;
}

static int take(roma_tensor *t, const roma_quant_form *f, int levels, roma_error *err) {
    if (f->method == ROMA_QUANT_NONE)
        return roma_quant_bad(t, ROMA_EUSAGE, err,
                              "is a float matrix without low-bit code; use --quant q8, --quant q4 or --method");
    if (!t->cols || t->cols % f->group || t->cols > 262144)
        return roma_quant_bad(t, ROMA_EUNSUPPORTED, err, "has rows of %llu, no multiple of the %u weights of a scale%s",
                              (unsigned long long)t->cols, f->group,
                              f->group > 32 && t->cols && t->cols % 32 == 0 ? "; use --group 32" : "");
    if (f->method == ROMA_QUANT_NF4) {
        const int rc = roma_quant_nf4_take(t, f->group, levels, err);
        if (rc) return rc;
    } else {
        t->format = (roma_format){.bits = (uint8_t)f->bits,
                                  .scale = ROMA_SCALE_F16,
                                  .min = f->bits == 8 ? ROMA_SCALE_NONE : ROMA_SCALE_F16,
                                  .group = (uint16_t)f->group};
        t->read_row = roma_quant_rtn_row;
    }
    t->read_source = t->read_floats;
    t->read_floats = read_floats;
    t->is_float = false;
    return ROMA_OK;
}

int roma_quantise_model(roma_model *m, const roma_quant *q, roma_error *err) {
    int rc = check_form(&q->layers, err);
    if (!rc) rc = check_form(&q->ends, err);
    for (size_t i = 0; i < m->n_tensors && !rc; i++) {
        roma_tensor *t = &m->tensors[i];
        if (!t->is_float || !roma_tensor_role_is_matrix(t->role)) continue;
        rc = take(t, roma_tensor_role_is_layered(t->role) ? &q->layers : &q->ends, q->levels, err);
    }
    return rc;
}
