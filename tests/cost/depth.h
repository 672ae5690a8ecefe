/* Numbers that carry their depth: a value and the cycle from which it can be used. The units of a chip make them, each
 * in its own number of cycles, and what takes several operands begins when the last of them is there. So the depth of a
 * result is the longest chain of units before it (docs/cost-model.md 1.6), found by doing the work. */
#ifndef ROMA_TESTS_COST_DEPTH_H
#define ROMA_TESTS_COST_DEPTH_H

#include <math.h>

#include "../test.h"
#include "roma/chip.h"

typedef struct {
    float v;
    uint64_t at;
} real;
typedef struct {
    int64_t v;
    uint64_t at;
} whole;

/* Cycles of a unit. `level` is a level of a tree: a comparison or an integer sum. */
typedef struct {
    uint64_t add, mul, convert, div, sqrt, level;
} depth_units;
static depth_units unit;

/* The units of a chip from here on; a fraction of a cycle is a cycle. */
static inline void depth_use(const roma_chip *c) {
    unit = (depth_units){(uint64_t)ceil(c->lat_add), (uint64_t)ceil(c->lat_mul),  (uint64_t)ceil(c->lat_convert),
                         (uint64_t)ceil(c->lat_div), (uint64_t)ceil(c->lat_sqrt), (uint64_t)ceil(c->hop_cyc)};
}

static inline uint64_t later(uint64_t a, uint64_t b) { return a > b ? a : b; }
static inline real real_of(float v) { return (real){v, 0}; }
static inline whole whole_of(int64_t v) { return (whole){v, 0}; }
/* The same number, not before a cycle. */
static inline real real_after(real x, uint64_t at) { return (real){x.v, later(x.at, at)}; }
static inline whole whole_after(whole x, uint64_t at) { return (whole){x.v, later(x.at, at)}; }
/* The same number, so many cycles later. */
static inline real real_moved(real x, uint64_t cycles) { return (real){x.v, x.at + cycles}; }
static inline whole whole_moved(whole x, uint64_t cycles) { return (whole){x.v, x.at + cycles}; }

/* ---- units ------------------------------------------------------------------------------------------ */

static inline real sum(real a, real b) { return (real){a.v + b.v, later(a.at, b.at) + unit.add}; }
static inline real product(real a, real b) { return (real){a.v * b.v, later(a.at, b.at) + unit.mul}; }
static inline real quotient(real a, real b) { return (real){a.v / b.v, later(a.at, b.at) + unit.div}; }
static inline real root(real a) { return (real){sqrtf(a.v), a.at + unit.sqrt}; }
static inline real to_real(whole a) { return (real){(float)a.v, a.at + unit.convert}; }
/* The nearest integer, ties to even; 0 for NaN and for what no integer of the contract is. */
static inline whole near(real a) {
    return (whole){fabsf(a.v) < 0x1p62f ? llrint((double)a.v) : 0, a.at + unit.convert};
}
static inline whole whole_product(whole a, whole b) { return (whole){a.v * b.v, later(a.at, b.at) + unit.mul}; }
static inline whole whole_sum(whole a, whole b) { return (whole){a.v + b.v, later(a.at, b.at) + unit.level}; }
static inline real larger(real a, real b) { return (real){b.v > a.v ? b.v : a.v, later(a.at, b.at) + unit.level}; }

static inline uint32_t magnitude_bits(float v) {
    uint32_t u;
    memcpy(&u, &v, 4);
    return u & 0x7fffffffu;
}
/* The larger magnitude, with its sign gone; magnitudes compare as integers. */
static inline real larger_magnitude(real a, real b) {
    return (real){fabsf(magnitude_bits(b.v) > magnitude_bits(a.v) ? b.v : a.v), later(a.at, b.at) + unit.level};
}

/* ---- what no unit does ------------------------------------------------------------------------------ */

static inline real scaled(real a, int exponent) { return (real){ldexpf(a.v, exponent), a.at}; }
static inline real negative(real a) { return (real){-a.v, a.at}; }
static inline int exponent_of(real a) { return ilogbf(a.v); }

/* ---- trees: adjacent pairs, level by level, an odd last one moving up --------------------------------- */

#define DEPTH_TREE(name, type)                                                                                         \
    static inline type name(const type *x, size_t n, type (*pair)(type, type)) {                                       \
        type *level = calloc(n + 1, sizeof *level), result;                                                            \
        if (!level) exit(1);                                                                                           \
        memcpy(level, x, n * sizeof *level);                                                                           \
        for (; n > 1; n = (n + 1) / 2) {                                                                               \
            for (size_t i = 0; i < n / 2; i++) level[i] = pair(level[2 * i], level[2 * i + 1]);                        \
            if (n % 2) level[n / 2] = level[n - 1];                                                                    \
        }                                                                                                              \
        result = level[0];                                                                                             \
        free(level);                                                                                                   \
        return result;                                                                                                 \
    }
DEPTH_TREE(real_tree, real)
DEPTH_TREE(whole_tree, whole)

#endif
