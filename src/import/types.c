/* ggml's tensor types: block sizes of all that are in use, and for those that import, the weight format
 * (docs/numerics.md section 1) and the row readers. The table is in docs/import.md. */
#include "gguf.h"

#define G32 .scale = ROMA_SCALE_F16, .group = 32
#define TERNARY .bits = 2, .scale = ROMA_SCALE_F16, .group = 256, .zero = 1
#define IQ4_LEVELS {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113}

static void floats_f32(const uint8_t *src, uint64_t cols, float *out) {
    for (uint64_t i = 0; i < cols; i++) out[i] = roma_f32_from_bits(roma_le32(src + 4 * i));
}

static void floats_f16(const uint8_t *src, uint64_t cols, float *out) {
    for (uint64_t i = 0; i < cols; i++) out[i] = roma_f16_to_f32(roma_le16(src + 2 * i));
}

static void floats_bf16(const uint8_t *src, uint64_t cols, float *out) {
    for (uint64_t i = 0; i < cols; i++) out[i] = roma_f32_from_bits((uint32_t)roma_le16(src + 2 * i) << 16);
}

static const import_type types[] = {
    [0] = {.name = "F32", .block = 1, .bytes = 4, .floats = floats_f32},
    [1] = {.name = "F16", .block = 1, .bytes = 2, .floats = floats_f16},
    [2] = {.name = "Q4_0", .block = 32, .bytes = 18, .format = {.bits = 4, G32, .zero = 8}, .row = import_row_q4_0, .n_f16 = 1},
    [3] = {.name = "Q4_1", .block = 32, .bytes = 20, .format = {.bits = 4, G32, .min = ROMA_SCALE_F16}, .row = import_row_q4_1,
           .n_f16 = 2, .f16_at = {0, 2}},
    [6] = {.name = "Q5_0", .block = 32, .bytes = 22, .format = {.bits = 5, G32, .zero = 16}, .row = import_row_q5_0, .n_f16 = 1},
    [7] = {.name = "Q5_1", .block = 32, .bytes = 24, .format = {.bits = 5, G32, .min = ROMA_SCALE_F16}, .row = import_row_q5_1,
           .n_f16 = 2, .f16_at = {0, 2}},
    [8] = {.name = "Q8_0", .block = 32, .bytes = 34, .format = {.bits = 8, G32}, .row = import_row_q8_0, .n_f16 = 1},
    [9] = {.name = "Q8_1", .block = 32, .bytes = 36},
    [10] = {.name = "Q2_K", .block = 256, .bytes = 84, .row = import_row_q2_k, .n_f16 = 2, .f16_at = {80, 82},
            .format = {.bits = 2, .scale = ROMA_SCALE_U4, .min = ROMA_SCALE_U4, .group = 16, .super = 256}},
    [11] = {.name = "Q3_K", .block = 256, .bytes = 110, .row = import_row_q3_k, .n_f16 = 1, .f16_at = {108},
            .format = {.bits = 3, .scale = ROMA_SCALE_S6, .group = 16, .super = 256, .zero = 4}},
    [12] = {.name = "Q4_K", .block = 256, .bytes = 144, .row = import_row_q4_k, .n_f16 = 2, .f16_at = {0, 2},
            .format = {.bits = 4, .scale = ROMA_SCALE_U6, .min = ROMA_SCALE_U6, .group = 32, .super = 256}},
    [13] = {.name = "Q5_K", .block = 256, .bytes = 176, .row = import_row_q5_k, .n_f16 = 2, .f16_at = {0, 2},
            .format = {.bits = 5, .scale = ROMA_SCALE_U6, .min = ROMA_SCALE_U6, .group = 32, .super = 256}},
    [14] = {.name = "Q6_K", .block = 256, .bytes = 210, .row = import_row_q6_k, .n_f16 = 1, .f16_at = {208},
            .format = {.bits = 6, .scale = ROMA_SCALE_S8, .group = 16, .super = 256, .zero = 32}},
    [15] = {.name = "Q8_K", .block = 256, .bytes = 292},
    [16] = {.name = "IQ2_XXS", .block = 256, .bytes = 66},
    [17] = {.name = "IQ2_XS", .block = 256, .bytes = 74},
    [18] = {.name = "IQ3_XXS", .block = 256, .bytes = 98},
    [19] = {.name = "IQ1_S", .block = 256, .bytes = 50},
    [20] = {.name = "IQ4_NL", .block = 32, .bytes = 18, .row = import_row_q4_0, .n_f16 = 1,
            .format = {.bits = 4, .level = ROMA_LEVEL_TABLE, G32, .table = IQ4_LEVELS}},
    [21] = {.name = "IQ3_S", .block = 256, .bytes = 110},
    [22] = {.name = "IQ2_S", .block = 256, .bytes = 82},
    [23] = {.name = "IQ4_XS", .block = 256, .bytes = 136},
    [24] = {.name = "I8", .block = 1, .bytes = 1},
    [25] = {.name = "I16", .block = 1, .bytes = 2},
    [26] = {.name = "I32", .block = 1, .bytes = 4},
    [27] = {.name = "I64", .block = 1, .bytes = 8},
    [28] = {.name = "F64", .block = 1, .bytes = 8},
    [29] = {.name = "IQ1_M", .block = 256, .bytes = 56},
    [30] = {.name = "BF16", .block = 1, .bytes = 2, .floats = floats_bf16},
    [34] = {.name = "TQ1_0", .block = 256, .bytes = 54, .format = {TERNARY}, .row = import_row_tq1_0, .n_f16 = 1, .f16_at = {52}},
    [35] = {.name = "TQ2_0", .block = 256, .bytes = 66, .format = {TERNARY}, .row = import_row_tq2_0, .n_f16 = 1, .f16_at = {64}},
    [39] = {.name = "MXFP4", .block = 32, .bytes = 17},
    [40] = {.name = "NVFP4", .block = 64, .bytes = 36},
    [41] = {.name = "Q1_0", .block = 128, .bytes = 18},
};

const import_type *import_type_get(uint32_t type) {
    return type < sizeof types / sizeof types[0] && types[type].block ? &types[type] : NULL;
}

/* ---- rows of a model's tensor ------------------------------------------------------------------------- */

static const uint8_t *source_row(const roma_tensor *t, uint64_t r) {
    const uint64_t row = t->rope_halves ? roma_rope_source_row(r, t->head_dim, t->rope_dim) : r;
    return t->data + row * t->row_bytes;
}

void import_read_row(const roma_tensor *t, uint64_t r, const roma_row *out) {
    types[t->source_type].row(source_row(t, r), t->cols, out);
}

/* One block at a time through the codes: what is dequantised is what read_row gives. */
static void dequant_row(const import_type *type, const uint8_t *src, uint64_t cols, float *out) {
    uint8_t code[256];
    uint16_t scale[16], min[16], super_scale, super_min;
    const roma_row row = {code, scale, min, &super_scale, &super_min};
    for (uint64_t i = 0; i < cols; i += type->block, src += type->bytes) {
        type->row(src, type->block, &row);
        roma_row_dequant(&type->format, type->block, &row, out + i);
    }
}

/* A vector whose elements are paired by halves: element by element. */
static void permuted_vector(const roma_tensor *t, const import_type *type, float *out) {
    for (uint64_t i = 0; i < t->cols; i++)
        type->floats(t->data + roma_rope_source_row(i, t->head_dim, t->rope_dim) * type->bytes, 1, out + i);
}

void import_read_floats(const roma_tensor *t, uint64_t r, float *out) {
    const import_type *type = &types[t->source_type];
    if (!roma_tensor_role_is_matrix(t->role) && t->rope_halves)
        permuted_vector(t, type, out);
    else if (type->floats)
        type->floats(source_row(t, r), t->cols, out);
    else
        dequant_row(type, source_row(t, r), t->cols, out);
}

/* ---- values that would poison every token ------------------------------------------------------------- */

static bool bad_f16(const uint8_t *p) { return (roma_le16(p) & 0x7c00) == 0x7c00; }

static int64_t bad_float(const import_type *type, const uint8_t *row, uint64_t cols) {
    const uint32_t mask = type->bytes == 4 ? 0x7f800000 : type->floats == floats_f16 ? 0x7c00 : 0x7f80;
    for (uint64_t i = 0; i < cols; i++) {
        const uint8_t *p = row + i * type->bytes;
        const uint32_t bits = type->bytes == 4 ? roma_le32(p) : roma_le16(p);
        if ((bits & mask) == mask) return (int64_t)(i * type->bytes);
    }
    return -1;
}

int64_t import_find_bad_value(const import_type *type, const uint8_t *row, uint64_t cols) {
    if (type->floats) return bad_float(type, row, cols);
    for (uint64_t b = 0; b < cols / type->block; b++)
        for (unsigned i = 0; i < type->n_f16; i++) {
            const uint64_t at = b * type->bytes + type->f16_at[i];
            if (bad_f16(row + at)) return (int64_t)at;
        }
    return -1;
}
