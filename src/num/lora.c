/* B (A x) of an adapter onto a product: docs/numerics.md section 3.4, steps 3 and 4, element by element. */
#include "roma/num.h"

static float value_of(unsigned type, const uint8_t *code) {
    return type == ROMA_B_F16 ? roma_f16_to_f32(roma_le16(code)) : roma_f8_to_f32(*code);
}

static float row_value(const roma_lora_b *b, const uint8_t *tile, unsigned row, const int16_t *c) {
    const size_t size = b->type == ROMA_B_F16 ? 2 : 1;
    int32_t sum = 0;
    float v = 0;
    for (unsigned k = 0; k < b->rank; k++) {
        const uint8_t *code = tile + (k / 2 * 32 + row * 2 + k % 2) * size;
        if (b->type == ROMA_B_INT8) sum += (int8_t)*code * c[k];
        else v = v + value_of(b->type, code) * (float)c[k];
    }
    return b->type == ROMA_B_INT8 ? (float)sum : v;
}

void roma_lora_add_c(const roma_lora_b *b, size_t n_tiles, const int16_t *codes, size_t stride, const float *t, size_t n, float *const *y) {
    const size_t bytes = roma_lora_tile_bytes(b->type, b->rank);
    for (size_t r = 0; r < n_tiles * ROMA_TILE_ROWS; r++)
        for (size_t i = 0; i < n; i++) {
            const float v = row_value(b, b->tiles + r / ROMA_TILE_ROWS * bytes, r % ROMA_TILE_ROWS, codes + i * stride);
            y[i][r] = y[i][r] + v * b->scale[r] * t[i];
        }
}
