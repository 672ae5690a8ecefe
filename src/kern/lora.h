/* B (A x) of an adapter: docs/numerics.md section 3.4. Lanes are output rows, so that no sum crosses them. The file that includes
 * this one says how codes become numbers on its instruction set:
 *
 *   LANES, ints, floats                 lanes and the operations on them
 *   pairs, load_pairs, dot_pairs        two int8 codes of each row as 16 bits; their product with two inputs, added
 *   load_values                         the same codes as FP32: [0] of the even inputs, [1] of the odd
 *
 * A block of B is loaded once for as many rows of activations as have their sums in registers. */
#ifndef ROMA_KERN_LORA_H
#define ROMA_KERN_LORA_H

#include "product.h"

enum { LORA_ROWS = 8 };

typedef struct {
    const roma_lora_b *b;
    const uint8_t *tile; /* of these lanes */
    const float *scale;
    size_t at;           /* their first output row */
    const int16_t *codes;
    size_t stride;
    const float *t;
    float *const *y;
} lora_job;

ALWAYS_INLINE int32_t two_inputs(const int16_t *c) {
    int32_t both;
    memcpy(&both, c, 4);
    return both;
}

ALWAYS_INLINE void sum_ints(const lora_job *j, unsigned n, floats v[LORA_ROWS]) {
    ints sum[LORA_ROWS];
    for (unsigned i = 0; i < n; i++) sum[i] = set_ints(0);
    for (unsigned k = 0; k < j->b->rank; k += 2) {
        const pairs w = load_pairs(j->tile + 16 * k);
        for (unsigned i = 0; i < n; i++) sum[i] = dot_pairs(sum[i], w, two_inputs(j->codes + i * j->stride + k));
    }
    for (unsigned i = 0; i < n; i++) v[i] = to_floats(sum[i]);
}

ALWAYS_INLINE void sum_floats(const lora_job *j, unsigned type, unsigned n, floats v[LORA_ROWS]) {
    for (unsigned i = 0; i < n; i++) v[i] = set_floats(0);
    for (unsigned k = 0; k < j->b->rank; k += 2) {
        floats w[2];
        load_values(type, j->tile + (type == ROMA_B_F16 ? 32 : 16) * k, w);
        for (unsigned i = 0; i < n; i++) {
            const int16_t *c = j->codes + i * j->stride + k;
            v[i] = add(v[i], mul(w[0], set_floats((float)c[0])));
            v[i] = add(v[i], mul(w[1], set_floats((float)c[1])));
        }
    }
}

ALWAYS_INLINE void add_rows_n(const lora_job *j, unsigned type, unsigned n) {
    floats v[LORA_ROWS];
    if (type == ROMA_B_INT8) sum_ints(j, n, v);
    else sum_floats(j, type, n, v);
    const floats scale = load_row(j->scale);
    for (unsigned i = 0; i < n; i++) {
        float *y = j->y[i] + j->at;
        store_row(y, add(load_row(y), mul(mul(v[i], scale), set_floats(j->t[i]))));
    }
}

ALWAYS_INLINE void add_rows_any(lora_job j, unsigned type, size_t n) {
    for (; n >= LORA_ROWS; n -= LORA_ROWS) {
        add_rows_n(&j, type, LORA_ROWS);
        j.codes += LORA_ROWS * j.stride;
        j.t += LORA_ROWS;
        j.y += LORA_ROWS;
    }
    for (unsigned m = LORA_ROWS / 2; m; m /= 2)
        if (n & m) {
            if (m == 4) add_rows_n(&j, type, 4);
            else if (m == 2) add_rows_n(&j, type, 2);
            else add_rows_n(&j, type, 1);
            j.codes += m * j.stride;
            j.t += m;
            j.y += m;
        }
}

ALWAYS_INLINE void add_tiles(const roma_lora_b *b, unsigned type, size_t n_tiles, const int16_t *codes, size_t stride, const float *t, size_t n,
                             float *const *y) {
    const size_t bytes = roma_lora_tile_bytes(type, b->rank), size = type == ROMA_B_F16 ? 2 : 1;
    for (size_t r = 0; r < n_tiles * ROMA_TILE_ROWS; r += LANES)
        add_rows_any((lora_job){b, b->tiles + r / ROMA_TILE_ROWS * bytes + r % ROMA_TILE_ROWS * 2 * size, b->scale + r, r, codes, stride, t, y},
                     type, n);
}

static void lora_add(const roma_lora_b *b, size_t n_tiles, const int16_t *codes, size_t stride, const float *t, size_t n, float *const *y) {
    switch (b->type) {
    case ROMA_B_F8: add_tiles(b, ROMA_B_F8, n_tiles, codes, stride, t, n, y); break;
    case ROMA_B_F16: add_tiles(b, ROMA_B_F16, n_tiles, codes, stride, t, n, y); break;
    default: add_tiles(b, ROMA_B_INT8, n_tiles, codes, stride, t, n, y); break;
    }
}

#endif
