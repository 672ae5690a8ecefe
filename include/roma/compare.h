/* compare - two chips with one model and one workload: what each does, and the ratio over draws of what is uncertain.
 *
 * Draws are pairs (docs/cost-model.md 6.4): what both chips have the same range of is drawn once for both, what they
 * have ranges of their own of lies at the same share of each. Threads: a comparison is read-only once it is open. */
#ifndef ROMA_COMPARE_H
#define ROMA_COMPARE_H

#include "roma/cost.h"
#include "roma/design.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A question; its texts are the caller's, needed during roma_compare_open alone. */
typedef struct {
    roma_design_config chip[2]; /* one model; A and B differ in their chips and overrides */
    roma_workload work;         /* of both; .activation_bytes are set by the model, .defects are none */
    roma_cost_drawing drawing;  /* .n 1 or more */
} roma_compare_config;

/* A drawn quantity (roma_cost_drawn_at) of A and of B. */
typedef struct {
    double value[2];             /* at the chips' own values */
    roma_cost_percentiles ratio; /* B's over A's, of the pairs that have one; none of temperatures in C */
    double less;                 /* share of the pairs in which B's is smaller; NaN where there is no pair */
} roma_compare_quantity;

/* How a parameter is drawn: not at all, once for both, at the same share of two ranges, for one chip alone. */
typedef enum {
    ROMA_PAIR_EXACT,
    ROMA_PAIR_SHARED,
    ROMA_PAIR_ALIKE,
    ROMA_PAIR_ONLY_A,
    ROMA_PAIR_ONLY_B,
    ROMA_PAIRS
} roma_pair;

/* An open comparison, the caller's; it must not move while it is open. */
typedef struct {
    roma_design design[2];
    roma_workload work;
    roma_cost cost[2];        /* at the chips' own values */
    roma_cost_draws draws[2]; /* draw n of A and draw n of B are a pair */
    roma_compare_quantity quantity[ROMA_DRAWN_N];
    roma_pair pair[ROMA_CHIP_N]; /* of each parameter */
    uint32_t pairs;              /* draws that are chips on both sides */
} roma_compare;

/* Opens a comparison and computes all of it. Errors of roma_cost_workload_check, roma_design_open, roma_cost_evaluate
 * and roma_cost_draw. After an error *x is empty; roma_compare_close ends it, and may be called again. */
int roma_compare_open(roma_compare *x, const roma_compare_config *c, roma_error *err);
void roma_compare_close(roma_compare *x);

#ifdef __cplusplus
}
#endif
#endif
