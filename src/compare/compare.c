/* Two chips, pair by pair; contract in compare.h. */
#include "roma/compare.h"

#include <math.h>
#include <string.h>

static roma_pair pair_of(const roma_chip *a, const roma_chip *b, unsigned i) {
    const roma_chip_mark *m = &a->mark[i], *n = &b->mark[i];
    const bool in_a = m->low < m->high, in_b = n->low < n->high;
    if (!in_a || !in_b) return in_a ? ROMA_PAIR_ONLY_A : in_b ? ROMA_PAIR_ONLY_B : ROMA_PAIR_EXACT;
    const bool same = m->low == n->low && m->high == n->high && roma_chip_get(a, i) == roma_chip_get(b, i);
    return same ? ROMA_PAIR_SHARED : ROMA_PAIR_ALIKE;
}

/* 0 C is no nothing: a ratio to it says nothing. */
static bool has_ratio(const roma_cost_drawn *q) { return strcmp(q->unit, "C") != 0; }

static void compare(roma_compare *x, unsigned i, double *ratio) {
    const roma_cost_drawn *q = roma_cost_drawn_at(i);
    const uint32_t n = x->draws[0].n;
    const double *a = x->draws[0].v + (size_t)i * n, *b = x->draws[1].v + (size_t)i * n;
    roma_compare_quantity *out = &x->quantity[i];
    uint32_t less = 0;
    x->pairs = 0;
    for (uint32_t k = 0; k < n; k++) {
        ratio[k] = has_ratio(q) ? b[k] / a[k] : NAN;
        less += b[k] < a[k];
        x->pairs += !isnan(a[k]) && !isnan(b[k]);
    }
    for (int k = 0; k < 2; k++) out->value[k] = x->cost[k].v[q->output] * q->factor;
    out->less = x->pairs ? (double)less / x->pairs : NAN;
    roma_cost_percentiles_of(&out->ratio, ratio, n);
}

static int compare_all(roma_compare *x, roma_error *err) {
    double *ratio = roma_alloc_array(x->draws[0].n, sizeof *ratio);
    if (!ratio) return roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for %u draws", x->draws[0].n);
    for (unsigned i = 0; i < ROMA_DRAWN_N; i++) compare(x, i, ratio);
    roma_free(ratio);
    return ROMA_OK;
}

static int evaluate(roma_compare *x, int k, const roma_cost_drawing *d, roma_error *err) {
    roma_schedule s = {0};
    int rc = roma_cost_evaluate(&x->cost[k], &s, &x->design[k].place, &x->work, err);
    roma_schedule_destroy(&s);
    return rc ? rc : roma_cost_draw(&x->draws[k], &x->design[k].place, &x->work, d, err);
}

static int open(roma_compare *x, const roma_compare_config *c, roma_error *err) {
    int rc = roma_cost_workload_check(&c->work, err);
    for (int k = 0; !rc && k < 2; k++) rc = roma_design_open(&x->design[k], &c->chip[k], err);
    if (rc) return rc;
    x->work = c->work;
    x->work.activation_bytes = roma_design_activations(&x->design[0].plan, 0, c->work.batch);
    for (int k = 0; !rc && k < 2; k++) rc = evaluate(x, k, &c->drawing, err);
    for (unsigned i = 0; i < ROMA_CHIP_N; i++)
        x->pair[i] = pair_of(&x->design[0].place.chip, &x->design[1].place.chip, i);
    return rc ? rc : compare_all(x, err);
}

int roma_compare_open(roma_compare *x, const roma_compare_config *c, roma_error *err) {
    memset(x, 0, sizeof *x);
    const int rc = open(x, c, err);
    if (rc) roma_compare_close(x);
    return rc;
}

void roma_compare_close(roma_compare *x) {
    for (int k = 0; k < 2; k++) {
        roma_cost_draws_destroy(&x->draws[k]);
        roma_design_close(&x->design[k]);
    }
    memset(x, 0, sizeof *x);
}
