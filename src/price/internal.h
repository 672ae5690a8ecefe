/* Shared by the files of the price room. */
#ifndef PRICE_INTERNAL_H
#define PRICE_INTERNAL_H

#include "roma/price.h"

/* What the chip model says and money depends on: field, name. Its ranges are those of the chip. */
#define PRICE_INPUTS(X)                                                                                                \
    X(die_mm2, "area_mm2")                                                                                             \
    X(yield, "yield_repaired")                                                                                         \
    X(tok_s, "tok_s")                                                                                                  \
    X(ttft_s, "ttft_s")                                                                                                \
    X(mj_per_token, "mj_per_token")                                                                                    \
    X(prefill_mj, "prefill_mj")                                                                                        \
    X(static_w, "static_w")                                                                                            \
    X(wafer_usd, "yield.wafer_cost")

enum {
#define X(field, name) PRICE_IN_##field,
    PRICE_INPUTS(X)
#undef X
        PRICE_INPUTS_N,
    PRICE_CASE_N = PRICE_INPUTS_N + ROMA_PRICE_N
};
/* Everything that moves: the inputs, then the prices. */
typedef union {
    struct {
#define X(field, name) double field;
        PRICE_INPUTS(X)
#undef X
#define X(field, key, unit, min, max, help) double price_##field;
        ROMA_PRICE_PARAMETERS(X)
#undef X
    };
    double v[PRICE_CASE_N];
} price_case;
/* What does not move. */
typedef struct {
    double dies, wafer_mm, dram_gb, prompt, output, volume;
} price_fixed;

/* formula.c: docs/price.md. */
void roma_price_evaluate(roma_priced *out, const price_case *x, const price_fixed *f);

/* corners.c: each output at `at[1]`, and at the corner of at[0] (low) and at[2] (high) that makes it smallest and
 * largest; name[i] is what moves. */
void roma_price_corners(roma_range out[ROMA_PRICED_N], const char *dominant[ROMA_PRICED_N], const price_case at[3],
                        const char *const name[PRICE_CASE_N], const price_fixed *f);

#endif
