/* Adapters: docs/numerics.md section 3.4, element by element. */
#include "roma/num.h"

/* ---- A x ---- */

/* The scales in the tile are 1, so that a leaf is its integer; tree and result are those of any matrix. */
static float row_product(uint64_t cols, unsigned group, const uint8_t *tile, const roma_act *a, unsigned row) {
    roma_tree t;
    roma_tree_init(&t);
    for (uint64_t g = 0; g < cols; g += group) {
        int32_t sum = 0;
        for (uint64_t i = g; i < g + group; i++)
            sum += (int8_t)tile[i / 4 * 64 + row * 4 + i % 4] * (a->code[i] * (1 << a->shift[i / 8]));
        roma_tree_add(&t, (float)sum);
    }
    return a->scale * roma_tree_sum(&t);
}

void roma_lora_product_c(uint64_t cols, unsigned group, const uint8_t *tiles, size_t n_tiles,
                         const roma_act *const *acts, size_t n, float *out, size_t stride) {
    const roma_format f = {.bits = 8, .scale = ROMA_SCALE_F16, .group = (uint16_t)group};
    roma_tile_layout l;
    roma_tile_layout_get(&f, cols, &l);
    for (size_t r = 0; r < n_tiles * ROMA_TILE_ROWS; r++)
        for (size_t i = 0; i < n; i++)
            out[i * stride + r] =
                row_product(cols, group, tiles + r / ROMA_TILE_ROWS * l.bytes, acts[i], r % ROMA_TILE_ROWS);
}

/* ---- B (A x) onto a product, steps 3 and 4 ---- */

static float value_of(unsigned type, const uint8_t *code) {
    return type == ROMA_B_F16 ? roma_f16_to_f32(roma_le16(code)) : roma_f8_to_f32(*code);
}

static float row_value(const roma_lora_b *b, const uint8_t *tile, unsigned row, const int16_t *c) {
    const size_t size = b->type == ROMA_B_F16 ? 2 : 1;
    int32_t sum = 0;
    float v = 0;
    for (unsigned k = 0; k < b->rank; k++) {
        const uint8_t *code = tile + (k / 2 * 32 + row * 2 + k % 2) * size;
        if (b->type == ROMA_B_INT8)
            sum += (int8_t)*code * c[k];
        else
            v = v + value_of(b->type, code) * (float)c[k];
    }
    return b->type == ROMA_B_INT8 ? (float)sum : v;
}

void roma_lora_add_c(const roma_lora_b *b, size_t n_tiles, const int16_t *codes, size_t stride, const float *t,
                     size_t n, float *const *y) {
    const size_t bytes = roma_lora_tile_bytes(b->type, b->rank);
    for (size_t r = 0; r < n_tiles * ROMA_TILE_ROWS; r++)
        for (size_t i = 0; i < n; i++) {
            const float v = row_value(b, b->tiles + r / ROMA_TILE_ROWS * bytes, r % ROMA_TILE_ROWS, codes + i * stride);
            y[i][r] = y[i][r] + v * b->scale[r] * t[i];
        }
}
