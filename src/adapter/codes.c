/* Codes of A and B, and where they lie ("Target data", "Values"). */
#include "adapter/internal.h"

static const struct {
    const char *name;
    unsigned bytes;
} types[] = {
#define X(name, value, text, bytes) [value] = {text, bytes},
    ROMA_ADAPTER_TYPES(X)
#undef X
};
enum { N_TYPES = sizeof types / sizeof *types };

const char *roma_adapter_type_name(uint32_t type) { return type < N_TYPES ? types[type].name : NULL; }
unsigned roma_adapter_code_bytes(uint32_t type) { return type < N_TYPES ? types[type].bytes : 0; }

uint32_t roma_adapter_type_find(const char *name) {
    for (uint32_t i = 1; i < N_TYPES; i++)
        if (strcmp(types[i].name, name) == 0) return i;
    return 0;
}

/* ---- layout ---- */

roma_format roma_adapter_format(uint64_t cols) {
    unsigned group = 256;
    while (group > ROMA_STRIPE && cols % group) group /= 2;
    return (roma_format){.bits = 8, .scale = ROMA_SCALE_F16, .group = (uint16_t)group};
}

void roma_adapter_layout_get(uint32_t type, const roma_adapter_target *t, roma_adapter_layout *out) {
    const roma_format f = roma_adapter_format(t->cols);
    roma_tile_layout tile;
    roma_tile_layout_get(&f, t->cols, &tile);
    out->a_tiles = roma_tiles(t->rank);
    out->b_tiles = roma_tiles(t->rows);
    out->a_tile_bytes = tile.bytes;
    out->b_tile_bytes = (size_t)ROMA_TILE_ROWS * ((t->rank + 1) & ~1u) * roma_adapter_code_bytes(type);
    out->a = 0;
    out->a_scale = out->a_tiles * out->a_tile_bytes;
    out->b_scale = out->a_scale + out->a_tiles * ROMA_TILE_ROWS * sizeof(float);
    out->factor = out->b_scale + out->b_tiles * ROMA_TILE_ROWS * sizeof(float);
    out->b = out->factor + (t->dora ? out->b_tiles * ROMA_TILE_ROWS * sizeof(float) : 0);
    out->bytes = (out->b + out->b_tiles * out->b_tile_bytes + ROMA_FRAME_ALIGN - 1) & ~(size_t)(ROMA_FRAME_ALIGN - 1);
}

uint64_t roma_adapter_bytes(const roma_description *base, uint32_t type, uint32_t rank, uint32_t roles) {
    uint64_t sum = 0;
    for (size_t i = 0; rank && i < base->n_tensors; i++) {
        const roma_image_tensor *t = &base->tensors[i];
        const roma_adapter_target target = {.rows = t->rows, .cols = t->cols, .rank = rank};
        roma_adapter_layout l;
        if (!roma_adapter_role(t->role) || (roles && !(roles >> t->role & 1))) continue;
        roma_adapter_layout_get(type, &target, &l);
        sum += l.bytes;
    }
    return sum;
}

/* ---- values ---- */

float roma_adapter_scale_b(uint32_t type, float max, float *factor) {
    *factor = 0;
    if (!(max > 0)) return 0;
    if (type == ROMA_ADAPTER_F16) { /* a power of two: rounding happens once, in the code */
        const int e = roma_exponent(max);
        *factor = roma_pow2(-e);
        return roma_pow2(e);
    }
    const float top = type == ROMA_ADAPTER_FP8 ? 448.0f : 127.0f;
    *factor = top / max;
    return max / top;
}

void roma_adapter_encode_b(uint32_t type, float v, uint8_t *out) {
    switch (type) {
    case ROMA_ADAPTER_F16: roma_put16(out, roma_f32_to_f16(v)); break;
    case ROMA_ADAPTER_FP8: *out = roma_f32_to_f8(v); break;
    default: *out = (uint8_t)(int8_t)roma_rint(v); break;
    }
}

static float decode_b(uint32_t type, const uint8_t *code) {
    switch (type) {
    case ROMA_ADAPTER_F16: return roma_f16_to_f32(roma_le16(code));
    case ROMA_ADAPTER_FP8: return roma_f8_to_f32(*code);
    default: return (float)(int8_t)*code;
    }
}

void roma_adapter_row_a(const roma_adapter_target *t, uint32_t row, float *out) {
    const roma_format f = roma_adapter_format(t->cols);
    roma_tile_layout l;
    roma_tile_layout_get(&f, t->cols, &l);
    roma_tile_dequant_row(&f, t->cols, t->a + row / ROMA_TILE_ROWS * l.bytes, row % ROMA_TILE_ROWS, out);
    for (uint64_t i = 0; i < t->cols; i++) out[i] = out[i] * t->a_scale[row];
}

void roma_adapter_row_b(uint32_t type, const roma_adapter_target *t, uint64_t row, float *out) {
    roma_adapter_layout l;
    roma_adapter_layout_get(type, t, &l);
    const unsigned n = roma_adapter_code_bytes(type);
    const uint8_t *tile = t->b + row / ROMA_TILE_ROWS * l.b_tile_bytes;
    for (uint32_t i = 0; i < t->rank; i++)
        out[i] = decode_b(type, tile + (i / 2 * 32 + row % ROMA_TILE_ROWS * 2 + i % 2) * n) * t->b_scale[row];
}
