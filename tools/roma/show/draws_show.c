/* Draws as JSON and as a page; contract in draws_show.h. */
#include "draws_show.h"

#include <math.h>

static const struct {
    const char *name, *text;
} misfit[ROMA_MISFITS] = {
#define X(id, name, text) {name, text},
    ROMA_COST_MISFITS(X)
#undef X
};

bool draws_has(const roma_workload *w, unsigned quantity) {
    if (quantity == ROMA_DRAWN_ttft_ms || quantity == ROMA_DRAWN_prefill_mj) return w->prompt > 0;
    return quantity != ROMA_DRAWN_tok_s_capped || w->max_w > 0;
}

/* ---- counts ---- */

void draws_counts_json(const roma_cost_draws *d, uint64_t seed, roma_json *j) {
    roma_json_uint(j, "draws", d->n);
    roma_json_uint(j, "seed", seed);
    roma_json_uint(j, "refused", d->refused);
    roma_json_string(j, "refusal", d->refusal);
    roma_json_open(j, "misfits", '{');
    for (int i = 0; i < ROMA_MISFITS; i++) roma_json_uint(j, misfit[i].name, d->misfits[i]);
    roma_json_close(j, '}');
}

void draws_counts_text(const roma_cost_draws *d, const char *whose, roma_buf *out) {
    if (d->refused)
        roma_buf_print(out, "%u of %u draws%s are no chip and do not count, the first because %s\n", d->refused, d->n,
                       whose, d->refusal);
    for (int i = 0; i < ROMA_MISFITS; i++)
        if (d->misfits[i])
            roma_buf_print(out, "%u of %u draws%s cannot work, and count all the same: %s\n", d->misfits[i], d->n,
                           whose, misfit[i].text);
}

void draws_units(const char *key, roma_json *j) {
    char name[64];
    static const char *const counts[] = {"draws", "seed", "refused"};
    for (size_t i = 0; i < 3; i++) {
        roma_print(name, sizeof name, "%s.%s", key, counts[i]);
        roma_json_string(j, name, i == 1 ? "" : "draws");
    }
    for (int i = 0; i < ROMA_MISFITS; i++) {
        roma_print(name, sizeof name, "%s.misfits.%s", key, misfit[i].name);
        roma_json_string(j, name, "draws");
    }
}

/* ---- one quantity ---- */

typedef struct {
    double own, below; /* the chip's own value; the share of the draws that is smaller */
    roma_cost_percentiles at;
} spread;

static spread spread_of(draws_shown *d, const roma_cost *c, unsigned i) {
    const roma_cost_drawn *q = roma_cost_drawn_at(i);
    double *v = d->draws.v + (size_t)i * d->draws.n;
    spread s = {.own = c->v[q->output] * q->factor};
    size_t smaller = 0;
    for (size_t k = 0; k < d->draws.n; k++) smaller += v[k] < s.own;
    roma_cost_percentiles_of(&s.at, v, d->draws.n);
    s.below = s.at.n ? (double)smaller / (double)s.at.n : NAN;
    return s;
}

void draws_json(draws_shown *d, const roma_cost *c, roma_json *j) {
    roma_json_open(j, "mc", '{');
    for (unsigned i = 0; i < ROMA_DRAWN_N; i++) {
        if (!draws_has(d->work, i)) continue;
        const spread s = spread_of(d, c, i);
        const roma_range at[] = {s.at.p5, s.at.p50, s.at.p95};
        static const char *const names[][3] = {
            {"p5", "p5_low", "p5_high"}, {"p50", "p50_low", "p50_high"}, {"p95", "p95_low", "p95_high"}};
        roma_json_open(j, roma_cost_drawn_at(i)->name, '{');
        for (int k = 0; k < 3; k++) roma_json_digits(j, names[k][0], at[k].mid, 0);
        for (int k = 0; k < 3; k++) {
            roma_json_digits(j, names[k][1], at[k].low, 0);
            roma_json_digits(j, names[k][2], at[k].high, 0);
        }
        roma_json_digits(j, "value", s.own, 0);
        roma_json_digits(j, "below", s.below, 0);
        roma_json_string(j, "unit", roma_cost_drawn_at(i)->unit);
        roma_json_close(j, '}');
    }
    roma_json_close(j, '}');
    roma_json_open(j, "mc_draws", '{');
    draws_counts_json(&d->draws, d->seed, j);
    roma_json_close(j, '}');
}

/* Half of the widest interval of the three percentiles, in percent of its percentile. */
static double doubt(const roma_cost_percentiles *p) {
    const roma_range at[] = {p->p5, p->p50, p->p95};
    double most = 0;
    for (int k = 0; k < 3; k++)
        if (at[k].low < at[k].high) most = fmax(most, 50 * (at[k].high - at[k].low) / fabs(at[k].mid));
    return most;
}

void draws_text(draws_shown *d, const roma_cost *c, roma_buf *out) {
    static const char *const names[] = {"quantity", "unit", "chip", "p5", "p50", "p95", "below", "known_to"};
    roma_table t = {0};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        roma_table_column(&t, names[i], i < 6 ? "" : "%", i < 6 ? 4 : 2);
    roma_print(t.title, sizeof t.title, "%u draws of seed %llu from the ranges of the chip's constants", d->draws.n,
               (unsigned long long)d->seed);
    for (unsigned i = 0; i < ROMA_DRAWN_N; i++) {
        if (!draws_has(d->work, i)) continue;
        const spread s = spread_of(d, c, i);
        const double cells[] = {s.own, s.at.p5.mid, s.at.p50.mid, s.at.p95.mid, 100 * s.below, doubt(&s.at)};
        roma_table_row(&t);
        roma_table_text(&t, 0, roma_cost_drawn_at(i)->name);
        roma_table_text(&t, 1, roma_cost_drawn_at(i)->unit);
        for (size_t k = 0; k < sizeof cells / sizeof *cells; k++) roma_table_real(&t, 2 + k, cells[k]);
    }
    roma_buf_print(out, "\n");
    roma_report_table_text(&t, out);
    out->failed |= t.failed;
    roma_table_destroy(&t);
    draws_counts_text(&d->draws, "", out);
    roma_buf_print(out,
                   "below: draws with less than the chip's own value; known_to: what so few draws leave open of the "
                   "percentiles, in 95 of 100 cases.\n");
}
