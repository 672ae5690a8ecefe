/* docs/numerics.md, sections 2 to 5.8, in numbers that carry their depth: written from the page alone. Where the work
 * is cut is where the chip waits or moves data (docs/cost-model.md 1.7 to 1.9): callers bring what a reduction over
 * units yields, and say when an operand is read. */
#ifndef ROMA_TESTS_COST_CONTRACT_H
#define ROMA_TESTS_COST_CONTRACT_H

#include "depth.h"

static const float contract_tiny = 0x1p-100f, contract_huge = 0x1p100f;
/* What a largest magnitude makes of what it scales: choices by comparisons with constants. */
typedef enum { CONTRACT_USUAL, CONTRACT_ZERO, CONTRACT_NAN } contract_case;
static inline contract_case contract_case_of(real max) {
    return max.v < contract_tiny ? CONTRACT_ZERO : !(max.v < contract_huge) ? CONTRACT_NAN : CONTRACT_USUAL;
}
static inline real contract_special(contract_case is, real usual) {
    return is == CONTRACT_USUAL ? usual : (real){is == CONTRACT_ZERO ? 0 : NAN, usual.at};
}

/* ---- 1: a weight, also what 5.8 takes from a table -------------------------------------------------------- */

static inline real weight_of(whole level, real s) { return product(to_real(level), s); }
static inline real weight_min(whole level, real s, real m) { return sum(weight_of(level, s), m); }

/* ---- 2: a row of activations ---------------------------------------------------------------------------- */

static inline real act_reciprocal(real max) { return quotient(real_of(16256), max); }
static inline real act_scale(real max) {
    return contract_special(contract_case_of(max), product(max, real_of((float)(1.0 / 16256))));
}
/* Eight neighbours. A reciprocal of no use (`is`) makes codes and shift 0. */
static inline void act_codes(const real *x, real reciprocal, contract_case is, whole *code, unsigned *shift) {
    real v[8];
    for (int i = 0; i < 8; i++) v[i] = product(x[i], reciprocal);
    const real a = real_tree(v, 8, larger_magnitude);
    unsigned k = 0;
    while (k < 7 && !(fabsf(a.v) < ldexpf(127.5f, (int)k))) k++;
    *shift = is == CONTRACT_USUAL ? k : 0;
    for (int i = 0; i < 8; i++) {
        code[i] = near(scaled(real_after(v[i], a.at), -(int)k));
        if (is != CONTRACT_USUAL) code[i].v = 0;
    }
}

/* ---- 3: products ------------------------------------------------------------------------------------------ */

/* 3.1 behind the sums I and Z of a group. */
static inline real leaf(whole sum_i, real s) { return product(to_real(sum_i), s); }
static inline real leaf_zero(whole sum_level, real s, whole sum_z, whole z) {
    return leaf(whole_sum(sum_level, whole_product(z, sum_z)), s); /* a difference is a sum */
}
static inline real leaf_min(whole sum_i, real s, whole sum_z, real m) {
    return sum(leaf(sum_i, s), product(to_real(sum_z), m));
}
/* 3.2, 3.3 */
static inline real row_result(const real *leaves, size_t n, real scale) {
    return product(scale, real_tree(leaves, n, sum));
}
/* 3.4: h from the leaves of a row of A. */
static inline real adapter_h(const whole *sums, size_t groups, real scale, real scale_a) {
    real *leaves = malloc(groups * sizeof *leaves);
    if (!leaves) exit(1);
    for (size_t g = 0; g < groups; g++) leaves[g] = to_real(sums[g]); /* scales of 1 */
    const real a = row_result(leaves, groups, scale);
    free(leaves);
    return product(a, scale_a);
}
static inline real adapter_t(real sh, real scale, real factor) { return product(sh, product(scale, factor)); }
/* The products of a row of B in int8, and their sum. */
static inline real adapter_v(const whole *code_b, const whole *c, size_t rank) {
    whole p[512] = {{0, 0}};
    for (size_t k = 0; k < rank; k++) p[k] = whole_product(code_b[k], c[k]);
    return to_real(whole_tree(p, rank, whole_sum));
}
/* B in FP8 or FP16, which no chip has: one sum after the other. */
static inline real adapter_v_float(const real *value_b, const whole *c, size_t rank) {
    real v = real_of(0);
    for (size_t k = 0; k < rank; k++) v = sum(v, product(value_b[k], to_real(c[k])));
    return v;
}
static inline real adapter_part(real v, real scale_b, real t) { return product(product(v, scale_b), t); }

/* ---- 4: attention ------------------------------------------------------------------------------------------ */

/* Codes of a head: top is 127 in the cache, 32767 for a query and for h. */
static inline real head_reciprocal(real max, float top) { return quotient(real_of(top), max); }
static inline whole head_code(real x, real reciprocal, contract_case is) {
    const whole code = near(product(x, reciprocal));
    return is == CONTRACT_USUAL ? code : (whole){0, code.at};
}
static inline real head_scale(real max, float top) {
    return contract_special(contract_case_of(max), product(max, real_of(1 / top)));
}
/* Step 2 for one position; scale: sq * d. */
static inline real score(const whole *q, const whole *k, size_t dim, real scale, real k_scale) {
    whole p[512] = {{0, 0}};
    for (size_t i = 0; i < dim; i++) p[i] = whole_product(q[i], k[i]);
    return product(to_real(whole_tree(p, dim, whole_sum)), product(scale, k_scale));
}

/* 5.1 */
static inline real exponential(real x) {
    const float given = x.v;
    if (x.v > 0) x.v = 0;
    const bool is_none = !(x.v >= -87);
    if (is_none) x.v = 0;
    const whole n = near(product(x, real_of(1.44269504f))); /* FP32 nearest to log2(e) */
    const real whole_n = to_real(n);
    const real r = sum(sum(x, negative(product(whole_n, real_of(0.693359375f)))),
                       negative(product(whole_n, real_of(-2.12194440e-4f))));
    static const float c[] = {1.0f / 720, 1.0f / 120, 1.0f / 24, 1.0f / 6, 1.0f / 2, 1, 1};
    real p = real_of(c[0]);
    for (int i = 1; i < 7; i++) p = sum(product(p, r), real_of(c[i]));
    p = scaled(p, (int)n.v);
    return is_none ? (real){given < -87 ? 0 : given, p.at} : p;
}

/* Step 3. */
static inline real weight(real score_t, real largest) { return exponential(sum(score_t, negative(largest))); }
/* Step 4, before and behind the sum. */
static inline whole denominator_part(real w) { return near(scaled(w, 30)); }
static inline real denominator_inverse(whole all) { return quotient(real_of(1), scaled(to_real(all), -30)); }
/* Step 5 of one page of 32 positions: codes of the weights, and what all of them share. */
typedef struct {
    whole code[32];
    contract_case is;
    int e;
} page_codes;
static inline page_codes page_weigh(const real *w, const real *v_scale) {
    page_codes c;
    real u[32];
    for (int t = 0; t < 32; t++) u[t] = product(w[t], v_scale[t]);
    const real max = real_tree(u, 32, larger_magnitude);
    c.is = contract_case_of(max);
    c.e = c.is == CONTRACT_USUAL ? exponent_of(max) : 0;
    for (int t = 0; t < 32; t++) {
        c.code[t] = near(scaled(real_after(u[t], max.at), 14 - c.e));
        if (c.code[t].v > 32767) c.code[t].v = 32767;
    }
    return c;
}
static inline real page_leaf(const page_codes *c, const whole *v) {
    whole p[32];
    for (int t = 0; t < 32; t++) p[t] = whole_product(c->code[t], v[t]);
    return contract_special(c->is, scaled(to_real(whole_tree(p, 32, whole_sum)), c->e - 14));
}

/* ---- 5: vector unit ------------------------------------------------------------------------------------------ */

/* 5.2 before and behind the sum of the n squares of values whose largest magnitude is max. */
static inline whole rms_square(real x, real max) {
    const bool usual = contract_case_of(max) == CONTRACT_USUAL;
    const whole c = near(scaled(real_after(x, max.at), usual ? 13 - exponent_of(max) : 0));
    const whole square = whole_product(c, c);
    return usual ? square : (whole){0, square.at};
}
static inline real rms_inverse(whole squares, real max, size_t n, float eps) {
    const contract_case is = contract_case_of(max);
    const int e = is == CONTRACT_USUAL ? exponent_of(max) : 0;
    const real mean = product(to_real(squares), real_of(1.0f / (float)n)), ms = scaled(scaled(mean, e - 13), e - 13);
    const real inverse = quotient(real_of(1), root(sum(ms, real_of(eps))));
    return is == CONTRACT_NAN ? (real){NAN, inverse.at} : inverse;
}
/* 5.3 */
static inline real head_normed(real x, real inverse, real g) { return product(product(x, inverse), g); }
/* 5.4 */
static inline real silu(real g, real up) {
    const real e = exponential((real){-fabsf(g.v), g.at}), below = sum(real_of(1), e);
    const real t = quotient(g.v >= 0 ? real_of(1) : e, below);
    return product(product(g, t), up);
}
static inline real relu2(real g, real up) {
    const real r = g.v < 0 ? (real){0, g.at} : g;
    return product(product(r, r), up);
}
/* 5.5 */
static inline void rotate(real *a, real *b, real sine, real cosine) {
    const real x = *a, y = *b;
    *a = sum(product(x, cosine), negative(product(y, sine)));
    *b = sum(product(x, sine), product(y, cosine));
}
/* The turn of a pair: the upper half of a product of integers mod 2^64. */
static inline whole turn_of(whole position, uint64_t increment) {
    const uint64_t phase = (uint64_t)position.v * increment;
    return (whole){(int64_t)(phase >> 32), position.at + unit.mul};
}
/* 5.6. turn - q 2^30 are the lower 30 bits with the uppermost as their sign: no sum. */
static inline void sine_cosine(whole turn, real *sine, real *cosine) {
    const uint32_t u = (uint32_t)turn.v, q = (uint32_t)(((uint64_t)u + (1u << 29)) >> 30) % 4;
    const int64_t low = (int64_t)(u % (1u << 30)) - (u >> 29 & 1 ? (int64_t)1 << 30 : 0);
    const real z = scaled(to_real((whole){low, turn.at}), -32);
    const real y = product(z, real_of(6.28318548f)), y2 = product(y, y);
    static const float odd[] = {-1.0f / 5040, 1.0f / 120, -1.0f / 6};
    static const float even[] = {1.0f / 40320, -1.0f / 720, 1.0f / 24, -1.0f / 2, 1};
    real p = real_of(odd[0]), c = real_of(even[0]);
    for (int i = 1; i < 3; i++) p = sum(product(p, y2), real_of(odd[i]));
    for (int i = 1; i < 5; i++) c = sum(product(c, y2), real_of(even[i]));
    const real s = sum(y, product(y, product(y2, p)));
    *sine = q == 0 ? s : q == 1 ? c : q == 2 ? negative(s) : negative(c);
    *cosine = q == 0 ? c : q == 1 ? negative(s) : q == 2 ? negative(c) : s;
}

#endif
