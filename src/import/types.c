/* ggml's tensor types: block sizes of all that are in use, and for those that import, the weight format
 * (docs/numerics.md section 1) and the row readers. The table is in docs/import.md. */
#include <string.h>
#include "gguf.h"

#define F16_32 .scale = ROMA_SCALE_F16, .group = 32
#define F16_32_MIN F16_32, .min = ROMA_SCALE_F16
#define K(form, n) .scale = (form), .group = (n), .super = 256
#define K_MIN(form, n) K(form, n), .min = (form)
/* known, so that such a file can be inspected and refused by name */
#define SIZE_ONLY(n, elements, size)                                                                                   \
    { .name = (n), .block = (elements), .bytes = (size) }
#define TERNARY .bits = 2, .scale = ROMA_SCALE_F16, .group = 256, .zero = 1

static void floats_f32(const uint8_t *src, uint64_t cols, float *out) {
    for (uint64_t i = 0; i < cols; i++) out[i] = roma_f32_from_bits(roma_le32(src + 4 * i));
}

static void floats_f16(const uint8_t *src, uint64_t cols, float *out) {
    for (uint64_t i = 0; i < cols; i++) out[i] = roma_f16_to_f32(roma_le16(src + 2 * i));
}

static void floats_bf16(const uint8_t *src, uint64_t cols, float *out) {
    for (uint64_t i = 0; i < cols; i++) out[i] = roma_f32_from_bits((uint32_t)roma_le16(src + 2 * i) << 16);
}

/* Rounded to FP32, as PyTorch does where it loads a tensor into one of FP32. */
static void floats_f64(const uint8_t *src, uint64_t cols, float *out) {
    for (uint64_t i = 0; i < cols; i++) {
        const uint64_t bits = roma_le64(src + 8 * i);
        double x;
        memcpy(&x, &bits, sizeof x);
        out[i] = (float)x;
    }
}

/* name, elements and bytes of a block, format, readers of codes and of floats, FP16 scales of a block and where */
/* clang-format off */
static const import_type types[] = {
    [0] = {"F32", 1, 4, .floats = floats_f32},
    [1] = {"F16", 1, 2, .floats = floats_f16},
    [2] = {"Q4_0", 32, 18, {.bits = 4, F16_32, .zero = 8}, roma_import_row_q4_0, NULL, 1, {0}},
    [3] = {"Q4_1", 32, 20, {.bits = 4, F16_32_MIN}, roma_import_row_q4_1, NULL, 2, {0, 2}},
    [6] = {"Q5_0", 32, 22, {.bits = 5, F16_32, .zero = 16}, roma_import_row_q5_0, NULL, 1, {0}},
    [7] = {"Q5_1", 32, 24, {.bits = 5, F16_32_MIN}, roma_import_row_q5_1, NULL, 2, {0, 2}},
    [8] = {"Q8_0", 32, 34, {.bits = 8, F16_32}, roma_import_row_q8_0, NULL, 1, {0}},
    [9] = SIZE_ONLY("Q8_1", 32, 36),
    [10] = {"Q2_K", 256, 84, {.bits = 2, K_MIN(ROMA_SCALE_U4, 16)}, roma_import_row_q2_k, NULL, 2, {80, 82}},
    [11] = {"Q3_K", 256, 110, {.bits = 3, K(ROMA_SCALE_S6, 16), .zero = 4}, roma_import_row_q3_k, NULL, 1, {108}},
    [12] = {"Q4_K", 256, 144, {.bits = 4, K_MIN(ROMA_SCALE_U6, 32)}, roma_import_row_q4_k, NULL, 2, {0, 2}},
    [13] = {"Q5_K", 256, 176, {.bits = 5, K_MIN(ROMA_SCALE_U6, 32)}, roma_import_row_q5_k, NULL, 2, {0, 2}},
    [14] = {"Q6_K", 256, 210, {.bits = 6, K(ROMA_SCALE_S8, 16), .zero = 32}, roma_import_row_q6_k, NULL, 1, {208}},
    [15] = SIZE_ONLY("Q8_K", 256, 292),
    [16] = SIZE_ONLY("IQ2_XXS", 256, 66),
    [17] = SIZE_ONLY("IQ2_XS", 256, 74),
    [18] = SIZE_ONLY("IQ3_XXS", 256, 98),
    [19] = SIZE_ONLY("IQ1_S", 256, 50),
    [20] = {"IQ4_NL", 32, 18,
            {.bits = 4, .level = ROMA_LEVEL_TABLE, F16_32,
             .table = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113}},
            roma_import_row_q4_0, NULL, 1, {0}},
    [21] = SIZE_ONLY("IQ3_S", 256, 110),
    [22] = SIZE_ONLY("IQ2_S", 256, 82),
    [23] = SIZE_ONLY("IQ4_XS", 256, 136),
    [24] = SIZE_ONLY("I8", 1, 1),
    [25] = SIZE_ONLY("I16", 1, 2),
    [26] = SIZE_ONLY("I32", 1, 4),
    [27] = SIZE_ONLY("I64", 1, 8),
    [28] = {"F64", 1, 8, .floats = floats_f64},
    [29] = SIZE_ONLY("IQ1_M", 256, 56),
    [30] = {"BF16", 1, 2, .floats = floats_bf16},
    [34] = {"TQ1_0", 256, 54, {TERNARY}, roma_import_row_tq1_0, NULL, 1, {52}},
    [35] = {"TQ2_0", 256, 66, {TERNARY}, roma_import_row_tq2_0, NULL, 1, {64}},
    [39] = SIZE_ONLY("MXFP4", 32, 17),
    [40] = SIZE_ONLY("NVFP4", 64, 36),
    [41] = SIZE_ONLY("Q1_0", 128, 18),
};
/* clang-format on */

const import_type *roma_import_type_get(uint32_t type) {
    return type < sizeof types / sizeof types[0] && types[type].block ? &types[type] : NULL;
}

/* ---- rows of a model's tensor ------------------------------------------------------------------------- */

/* NULL: a row of zeros. */
static const uint8_t *source_row(const roma_tensor *t, uint64_t r) {
    uint64_t row;
    return roma_tensor_source_row(t, r, &row) ? t->data + row * t->row_bytes : NULL;
}

void roma_import_read_row(const roma_tensor *t, uint64_t r, const roma_row *out) {
    const uint8_t *src = source_row(t, r);
    const roma_format *f = &t->format;
    if (src) {
        types[t->source_type].row(src, t->cols, out);
        return;
    }
    memset(out->code, 0, t->cols);
    memset(out->scale, 0, t->cols / f->group * sizeof *out->scale);
    if (f->min) memset(out->min, 0, t->cols / f->group * sizeof *out->min);
    if (f->super) memset(out->super_scale, 0, t->cols / f->super * sizeof *out->super_scale);
    if (f->super && f->min) memset(out->super_min, 0, t->cols / f->super * sizeof *out->super_min);
}

/* One block at a time through the codes: what is dequantised is what read_row gives. */
static void dequant_row(const import_type *type, const uint8_t *src, uint64_t cols, float *out) {
    uint8_t code[256];
    uint16_t scale[16], min[16], super_scale, super_min;
    const roma_row row = {code, scale, min, &super_scale, &super_min, NULL, NULL};
    for (uint64_t i = 0; i < cols; i += type->block, src += type->bytes) {
        type->row(src, type->block, &row);
        roma_row_dequant(&type->format, type->block, &row, out + i);
    }
}

/* A vector of heads, or in another order: element by element. */
static void vector_of_heads(const roma_tensor *t, const import_type *type, float *out) {
    uint64_t from;
    for (uint64_t i = 0; i < t->cols; i++)
        if (roma_tensor_source_row(t, i, &from))
            type->floats(t->data + from * type->bytes, 1, out + i);
        else
            out[i] = 0;
}

static void gather(const roma_order *order, uint64_t cols, float *row) {
    float was[cols]; /* at most 1 MiB */
    memcpy(was, row, cols * sizeof *was);
    for (uint64_t i = 0; i < cols; i++) row[i] = was[order->from[i]];
}

void roma_import_read_floats(const roma_tensor *t, uint64_t r, float *out) {
    const import_type *type = &types[t->source_type];
    if (!roma_tensor_role_is_matrix(t->role) && (t->true_head || t->row_from)) {
        vector_of_heads(t, type, out);
        return;
    }
    const uint8_t *src = source_row(t, r);
    const uint64_t n = !src ? 0 : t->true_cols ? t->true_cols : t->cols;
    if (type->floats && n)
        type->floats(src, n, out);
    else if (n)
        dequant_row(type, src, n, out);
    for (uint64_t i = n; i < t->cols; i++) out[i] = 0;
    if (t->order) gather(t->order, t->cols, out);
}

/* ---- values that would poison every token ------------------------------------------------------------- */

static bool bad_f16(const uint8_t *p) { return (roma_le16(p) & 0x7c00) == 0x7c00; }

/* Of an F64 what no FP32 holds is infinite. */
static int64_t bad_double(const uint8_t *row, uint64_t cols) {
    for (uint64_t i = 0; i < cols; i++) {
        float is;
        floats_f64(row + 8 * i, 1, &is);
        if (!(is - is == 0)) return (int64_t)(8 * i);
    }
    return -1;
}

static int64_t bad_float(const import_type *type, const uint8_t *row, uint64_t cols) {
    const uint32_t mask = type->bytes == 4 ? 0x7f800000 : type->floats == floats_f16 ? 0x7c00 : 0x7f80;
    for (uint64_t i = 0; i < cols; i++) {
        const uint8_t *p = row + i * type->bytes;
        const uint32_t bits = type->bytes == 4 ? roma_le32(p) : roma_le16(p);
        if ((bits & mask) == mask) return (int64_t)(i * type->bytes);
    }
    return -1;
}

int64_t roma_import_find_bad_value(const import_type *type, const uint8_t *row, uint64_t cols) {
    if (type->floats == floats_f64) return bad_double(row, cols);
    if (type->floats) return bad_float(type, row, cols);
    for (uint64_t b = 0; b < cols / type->block; b++)
        for (unsigned i = 0; i < type->n_f16; i++) {
            const uint64_t at = b * type->bytes + type->f16_at[i];
            if (bad_f16(row + at)) return (int64_t)at;
        }
    return -1;
}
