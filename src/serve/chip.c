/* Charges: time and energy of the chip for prompts and tokens, from curves over the context; contract in chip.h. */
#include "serve/chip.h"

#include "roma/design.h"

#include <string.h>

/* Prompts up to this are evaluated as they are; longer ones lie on the curve. */
enum { EXACT = 1024 };

int roma_serve_record_at(roma_serve_record *c, uint32_t context, uint32_t batch, roma_serve_set set, uint32_t adapters,
                         roma_error *err) {
    roma_workload w = roma_cost_workload_usual();
    w.context = context;
    w.batch = batch;
    w.rank = set.rank;
    w.stacked = set.rank ? set.stacked : 0;
    w.adapters = set.rank ? (adapters > set.stacked ? adapters : set.stacked) : 0;
    w.activation_bytes = roma_design_activations(c->place->plan, 0, batch);
    if (c->has_cost && c->work.context == w.context && c->work.batch == w.batch && c->work.rank == w.rank &&
        c->work.stacked == w.stacked && c->work.adapters == w.adapters)
        return ROMA_OK;
    roma_cost cost;
    int rc = roma_cost_workload_check(&w, err);
    if (!rc) rc = roma_cost_evaluate(&cost, &c->schedule, &c->computed, &w, err);
    if (rc) return rc;
    c->work = w;
    c->cost = cost;
    c->has_cost = true;
    return ROMA_OK;
}

int roma_serve_record_open(roma_serve_record **out, const roma_placement *p, uint32_t context, roma_error *err) {
    roma_serve_record *c = *out = roma_alloc(sizeof *c);
    if (!c) return roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the record of the chip");
    memset(c, 0, sizeof *c);
    c->place = p;
    c->computed = roma_place_computed(p);
    c->context = context;
    c->step = (context / ROMA_SERVE_POINTS + ROMA_PAGE) / ROMA_PAGE * ROMA_PAGE; /* the last point is beyond context */
    const int rc = roma_serve_record_at(c, 0, 1, (roma_serve_set){0}, 0, err);
    /* Memory of later steps comes from the heap that is installed by then, and does not grow where this came from. */
    roma_schedule_destroy(&c->schedule);
    if (!rc) return ROMA_OK;
    roma_serve_record_close(c);
    *out = NULL;
    return rc;
}

void roma_serve_record_close(roma_serve_record *c) {
    if (!c) return;
    roma_schedule_destroy(&c->schedule);
    roma_free(c);
}

/* ---- curves ---- */

/* The curve of a set; beyond ROMA_SERVE_SETS kinds the last one that was begun, of whatever set. */
static roma_serve_curve *curve_of(roma_serve_record *c, roma_serve_set set) {
    for (uint32_t i = 0; i < c->n_curves; i++)
        if (c->curve[i].set.rank == set.rank && (!set.rank || c->curve[i].set.stacked == set.stacked))
            return &c->curve[i];
    if (c->n_curves == ROMA_SERVE_SETS) return &c->curve[ROMA_SERVE_SETS - 1];
    c->curve[c->n_curves].set = set;
    return &c->curve[c->n_curves++];
}

static roma_workload alone(const roma_serve_curve *v) {
    roma_workload w = roma_cost_workload_bare();
    w.rank = v->set.rank;
    w.stacked = w.adapters = v->set.rank ? v->set.stacked : 0;
    return w;
}

static bool evaluate(roma_serve_record *c, const roma_workload *w, roma_cost *out) {
    roma_error err;
    return !roma_cost_evaluate(out, &c->schedule, &c->computed, w, &err);
}

static bool decode_point(roma_serve_record *c, roma_serve_curve *v, uint32_t i) {
    if (v->has_decode[i]) return true;
    roma_workload w = alone(v);
    roma_cost cost;
    w.context = i * c->step;
    if (!evaluate(c, &w, &cost)) return false;
    v->decode[i] = (roma_serve_charge){1 / cost.tok_s, cost.mj_per_token * 1e-3};
    return v->has_decode[i] = true;
}

/* A prompt of n tokens from an empty cache. */
static bool prompt_exact(roma_serve_record *c, const roma_serve_curve *v, uint32_t n, roma_serve_charge *out) {
    roma_workload w = alone(v);
    roma_cost cost;
    *out = (roma_serve_charge){0};
    w.prompt = n;
    if (!n) return true;
    if (!evaluate(c, &w, &cost)) return false;
    *out = (roma_serve_charge){cost.ttft_s, cost.prefill_mj * 1e-3};
    return true;
}

static bool prompt_point(roma_serve_record *c, roma_serve_curve *v, uint32_t i) {
    if (!v->has_prompt[i]) v->has_prompt[i] = prompt_exact(c, v, i * c->step, &v->prompt[i]);
    return v->has_prompt[i];
}

/* Between two points, at x of the way. */
static roma_serve_charge between(const roma_serve_charge *at, double x) {
    return (roma_serve_charge){at[0].s + x * (at[1].s - at[0].s), at[0].j + x * (at[1].j - at[0].j)};
}

static bool prompt_of(roma_serve_record *c, roma_serve_curve *v, uint32_t n, roma_serve_charge *out) {
    if (n <= EXACT) return prompt_exact(c, v, n, out);
    const uint32_t i = n / c->step;
    if (!prompt_point(c, v, i) || !prompt_point(c, v, i + 1)) return false;
    *out = between(&v->prompt[i], (double)(n % c->step) / c->step);
    return true;
}

/* ---- charges ---- */

/* Contexts beyond what was announced count as the last one that was. */
static uint32_t within(const roma_serve_record *c, uint32_t n) { return n < c->context ? n : c->context; }

void roma_serve_record_prompt(roma_serve_record *c, roma_serve_set set, uint32_t from, uint32_t to) {
    roma_serve_curve *v = curve_of(c, set);
    roma_serve_charge all, before;
    from = within(c, from);
    to = within(c, to);
    if (from >= to) return;
    c->prompt_tokens += to - from;
    c->last = to;
    c->last_set = set;
    if (!prompt_of(c, v, to, &all) || !prompt_of(c, v, from, &before)) {
        c->uncharged += to - from;
        return;
    }
    c->total.s += all.s - before.s;
    c->total.j += all.j - before.j;
}

void roma_serve_record_tokens(roma_serve_record *c, roma_serve_set set, uint32_t from, uint32_t to) {
    roma_serve_curve *v = curve_of(c, set);
    to = within(c, to);
    if (from < to) c->last = to;
    if (from < to) c->last_set = set;
    while (from < to) {
        const uint32_t i = from / c->step, end = (i + 1) * c->step < to ? (i + 1) * c->step : to, n = end - from;
        c->tokens += n;
        if (decode_point(c, v, i) && decode_point(c, v, i + 1)) {
            /* the middle of a straight piece is its mean */
            const double middle = ((double)from + end - 1) / 2 - (double)i * c->step;
            const roma_serve_charge mean = between(&v->decode[i], middle / c->step);
            c->total.s += n * mean.s;
            c->total.j += n * mean.j;
        } else
            c->uncharged += n;
        from = end;
    }
}
