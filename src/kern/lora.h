/* Adapters: docs/numerics.md section 3.4. Lanes are output rows, so that no sum crosses them. The file that includes
 * this one says how codes become numbers on its instruction set:
 *
 *   LANES, ints, floats                 lanes and the operations on them
 *   fours, load_fours                   four codes of A of each lane, as its products want them
 *   stripe_sum                          adds the products of a stripe of A and 32 activations
 *   pairs, load_pairs, dot_pairs        two int8 codes of each row as 16 bits; their product with two inputs, added
 *   load_values                         the same codes as FP32: [0] of the even inputs, [1] of the odd
 *
 * A is read as it lies, and so are the activations: it is too small for records of them to pay. What is loaded of A or
 * B serves as many rows of activations as have their sums in registers. */
#ifndef ROMA_KERN_LORA_H
#define ROMA_KERN_LORA_H

#include "product.h"

enum { LORA_A_ROWS = 4 };

/* ---- A x ---- */

enum { TREE_MAX = 14 }; /* levels over 262144 / 32 leaves */
enum {
    AHEAD = 4096
}; /* bytes: one row of activations is bound by memory. What is asked for past the end does no harm. */

typedef struct {
    floats part[TREE_MAX][LORA_A_ROWS];
    uint64_t leaves;
} lora_tree;

/* Adds a leaf for each row: carries as an addition of 1 to the number of leaves does. */
ALWAYS_INLINE void push_leaves(lora_tree *t, unsigned n, const ints *sum) {
    const int top = __builtin_popcountll(t->leaves), carry = __builtin_ctzll(~t->leaves);
    for (unsigned i = 0; i < n; i++) {
        floats v = to_floats(sum[i]);
        for (int l = 0; l < carry; l++) v = add(t->part[top - 1 - l][i], v);
        t->part[top - carry][i] = v;
    }
    t->leaves++;
}

ALWAYS_INLINE floats tree_top(const lora_tree *t, unsigned i) {
    int top = __builtin_popcountll(t->leaves) - 1;
    floats v = t->part[top][i];
    while (top) v = add(t->part[--top][i], v);
    return v;
}

/* `lanes` of a tile times n rows. */
ALWAYS_INLINE void product_lanes(uint64_t cols, unsigned group, const uint8_t *lanes, const roma_act *const *acts,
                                 unsigned n, float *out, size_t stride) {
    lora_tree t = {.leaves = 0};
    ints sum[LORA_A_ROWS];
    for (uint64_t c = 0; c < cols;) {
        for (unsigned i = 0; i < n; i++) sum[i] = set_ints(0);
        for (const uint64_t end = c + group; c < end; c += ROMA_STRIPE) {
            fours w[8];
            for (int k = 0; k < 8; k++) {
                w[k] = load_fours(lanes + c * ROMA_TILE_ROWS + 64 * k);
                if (n == 1) prefetch(lanes + c * ROMA_TILE_ROWS + 64 * k + AHEAD);
            }
            for (unsigned i = 0; i < n; i++) sum[i] = stripe_sum(sum[i], w, acts[i], c);
        }
        push_leaves(&t, n, sum);
    }
    for (unsigned i = 0; i < n; i++) store_row(out + i * stride, mul(set_floats(acts[i]->scale), tree_top(&t, i)));
}

static void lora_product(uint64_t cols, unsigned group, const uint8_t *tiles, size_t n_tiles,
                         const roma_act *const *acts, size_t n, float *out, size_t stride) {
    const roma_format f = {.bits = 8, .scale = ROMA_SCALE_F16, .group = (uint16_t)group};
    roma_tile_layout l;
    roma_tile_layout_get(&f, cols, &l);
    for (size_t r = 0; r < n_tiles * ROMA_TILE_ROWS; r += LANES) {
        const uint8_t *lanes = tiles + r / ROMA_TILE_ROWS * l.bytes + r % ROMA_TILE_ROWS * 4;
        size_t i = 0;
        for (; i + LORA_A_ROWS <= n; i += LORA_A_ROWS)
            product_lanes(cols, group, lanes, acts + i, LORA_A_ROWS, out + i * stride + r, stride);
        for (; i < n; i++) product_lanes(cols, group, lanes, acts + i, 1, out + i * stride + r, stride);
    }
}

/* ---- B (A x) ---- */

enum { LORA_SUMS = 8 }; /* of a block: lanes of output rows times rows of activations */

typedef struct {
    const roma_lora_b *b;
    size_t tile_bytes;
    const int16_t *codes;
    size_t stride;
    const float *t;
    float *const *y;
} lora_job;

ALWAYS_INLINE const uint8_t *lanes_at(const lora_job *j, unsigned type, size_t row) {
    return j->b->tiles + row / ROMA_TILE_ROWS * j->tile_bytes + row % ROMA_TILE_ROWS * (type == ROMA_B_F16 ? 4 : 2);
}

ALWAYS_INLINE int32_t two_inputs(const int16_t *c) {
    int32_t both;
    memcpy(&both, c, 4);
    return both;
}

/* Sums of `lanes` x n: lanes of output rows from `row` on times the first n rows of activations. */
ALWAYS_INLINE void sum_ints(const lora_job *j, size_t row, unsigned lanes, unsigned n, floats v[LORA_SUMS]) {
    ints sum[LORA_SUMS];
    for (unsigned i = 0; i < lanes * n; i++) sum[i] = set_ints(0);
#pragma GCC unroll 4
    for (unsigned k = 0; k < j->b->rank; k += 2)
        for (unsigned l = 0; l < lanes; l++) {
            const uint8_t *at = lanes_at(j, ROMA_B_INT8, row + l * LANES) + 16 * k;
            const pairs w = load_pairs(at);
            if (n == 1) prefetch(at + AHEAD);
            for (unsigned i = 0; i < n; i++)
                sum[l * n + i] = dot_pairs(sum[l * n + i], w, two_inputs(j->codes + i * j->stride + k));
        }
    for (unsigned i = 0; i < lanes * n; i++) v[i] = to_floats(sum[i]);
}

ALWAYS_INLINE void sum_floats(const lora_job *j, unsigned type, size_t row, unsigned lanes, unsigned n,
                              floats v[LORA_SUMS]) {
    for (unsigned i = 0; i < lanes * n; i++) v[i] = set_floats(0);
    for (unsigned k = 0; k < j->b->rank; k += 2)
        for (unsigned l = 0; l < lanes; l++) {
            floats w[2];
            load_values(type, lanes_at(j, type, row + l * LANES) + (type == ROMA_B_F16 ? 32 : 16) * k, w);
            for (unsigned i = 0; i < n; i++) {
                const int16_t *c = j->codes + i * j->stride + k;
                v[l * n + i] = add(v[l * n + i], mul(w[0], set_floats((float)c[0])));
                v[l * n + i] = add(v[l * n + i], mul(w[1], set_floats((float)c[1])));
            }
        }
}

ALWAYS_INLINE void add_block(const lora_job *j, unsigned type, size_t row, unsigned lanes, unsigned n) {
    floats v[LORA_SUMS];
    if (type == ROMA_B_INT8)
        sum_ints(j, row, lanes, n, v);
    else
        sum_floats(j, type, row, lanes, n, v);
    for (unsigned l = 0; l < lanes; l++, row += LANES) {
        const floats scale = load_row(j->b->scale + row);
        for (unsigned i = 0; i < n; i++) {
            float *y = j->y[i] + row;
            store_row(y, add(load_row(y), mul(mul(v[l * n + i], scale), set_floats(j->t[i]))));
        }
    }
}

/* Many rows of activations share what is loaded of B; of the last few each takes several lanes at once instead. */
ALWAYS_INLINE void add_tiles(const roma_lora_b *b, unsigned type, size_t n_tiles, const int16_t *codes, size_t stride,
                             const float *t, size_t n, float *const *y) {
    const size_t rows = n_tiles * ROMA_TILE_ROWS, blocked = n - n % LORA_SUMS,
                 bytes = roma_lora_tile_bytes(type, b->rank);
    for (size_t r = 0; r < rows && blocked; r += LANES)
        for (size_t i = 0; i < blocked; i += LORA_SUMS) {
            const lora_job j = {b, bytes, codes + i * stride, stride, t + i, y + i};
            add_block(&j, type, r, 1, LORA_SUMS);
        }
    for (size_t i = blocked; i < n; i++) {
        const lora_job j = {b, bytes, codes + i * stride, stride, t + i, y + i};
        size_t r = 0;
        for (; r + 4 * LANES <= rows; r += 4 * LANES) add_block(&j, type, r, 4, 1);
        for (; r < rows; r += LANES) add_block(&j, type, r, 1, 1);
    }
}

static void lora_add(const roma_lora_b *b, size_t n_tiles, const int16_t *codes, size_t stride, const float *t,
                     size_t n, float *const *y) {
    switch (b->type) {
    case ROMA_B_F8: add_tiles(b, ROMA_B_F8, n_tiles, codes, stride, t, n, y); break;
    case ROMA_B_F16: add_tiles(b, ROMA_B_F16, n_tiles, codes, stride, t, n, y); break;
    default: add_tiles(b, ROMA_B_INT8, n_tiles, codes, stride, t, n, y); break;
    }
}

#endif
