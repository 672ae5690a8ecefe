/* Outputs over chips that are drawn from a chip's ranges (docs/cost-model.md section 6). */
#include "cost_int.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static const roma_cost_drawn drawn[ROMA_DRAWN_N] = {
#define X(name, unit, output, factor) {#name, unit, ROMA_COST_##output, factor},
    ROMA_COST_DRAWN(X)
#undef X
};

const roma_cost_drawn *roma_cost_drawn_at(unsigned i) { return i < ROMA_DRAWN_N ? &drawn[i] : NULL; }

/* ---- one draw ---- */

typedef struct {
    const roma_placement *p;
    const roma_workload *w;
    const roma_cost_drawing *d;
    roma_cost_draws *out;
    bool one_time; /* no range moves time: it is the same for every draw */
    atomic_uint misfits[ROMA_MISFITS];
    atomic_size_t next, done;
    atomic_int rc;
    roma_error err; /* of the thread that set rc */
} crew;

/* What a thread has of its own. */
typedef struct {
    roma_placement at;
    roma_schedule s;
    roma_timing t;
    bool has_time;
} bench;

/* *why: of a chip that is refused, for which *out is nothing. */
static int evaluate(const crew *w, bench *b, size_t number, roma_cost *out, bool *refused, roma_error *why) {
    *refused = true;
    roma_chip_draw(&b->at.chip, &w->p->chip, w->d->seed, number);
    if (roma_chip_check(&b->at.chip, "", why)) return ROMA_OK;
    roma_place_derive(&b->at);
    if (!b->has_time) {
        const int rc = roma_cost_time(&b->t, &b->s, &b->at, w->w, true, why);
        if (rc) return rc == ROMA_EINPUT ? ROMA_OK : rc;
    }
    *refused = false;
    roma_cost_derive(out, &b->t, &b->at, w->w);
    return ROMA_OK;
}

static void judge(crew *w, const roma_cost *c) {
    const bool holds[ROMA_MISFITS] = {[ROMA_MISFIT_ROM] = c->fits_rom > 0,
                                      [ROMA_MISFIT_SRAM] = c->fits_sram > 0,
                                      [ROMA_MISFIT_DIE] = c->area_mm2 / w->p->dies <= ROMA_COST_DIE_MM2,
                                      [ROMA_MISFIT_JUNCTION] = c->junction_c <= ROMA_COST_JUNCTION_C,
                                      [ROMA_MISFIT_WAFER] = isfinite(c->usd)};
    for (int i = 0; i < ROMA_MISFITS; i++)
        if (!holds[i]) atomic_fetch_add(&w->misfits[i], 1);
}

static int draw(crew *w, bench *b, size_t number, roma_error *err) {
    roma_cost cost;
    bool refused;
    const int rc = evaluate(w, b, number, &cost, &refused, err);
    for (unsigned i = 0; i < ROMA_DRAWN_N; i++)
        w->out->v[i * w->d->n + number] = rc || refused ? NAN : cost.v[drawn[i].output] * drawn[i].factor;
    if (!rc && !refused) judge(w, &cost);
    return rc;
}

/* ---- all of them ---- */

static void stop(crew *w, int rc, const roma_error *err) {
    int none = 0;
    if (atomic_compare_exchange_strong(&w->rc, &none, rc)) w->err = *err;
}

static int tell(const crew *w, size_t done, roma_error *err) {
    const int rc = roma_progress_tell(w->d->progress, "draws", done < w->d->n ? done : w->d->n, w->d->n);
    return rc ? roma_fail(err, rc, "", ROMA_NOWHERE, "interrupted") : ROMA_OK;
}

static int member_draws(crew *w, bench *b, int thread, roma_error *err) {
    enum { BLOCK = 16 };
    int rc = roma_place_copy(&b->at, w->p, err);
    /* of the chip itself: that of a thread's first draw would depend on which one that is */
    if (!rc && w->one_time) rc = roma_cost_time(&b->t, &b->s, w->p, w->w, true, err);
    b->has_time = w->one_time;
    for (size_t i; !rc && !atomic_load(&w->rc) && (i = atomic_fetch_add(&w->next, BLOCK)) < w->d->n;) {
        for (size_t k = i; k < w->d->n && k < i + BLOCK && !rc; k++) rc = draw(w, b, k, err);
        const size_t done = atomic_fetch_add(&w->done, BLOCK) + BLOCK;
        if (!rc && thread == 0) rc = tell(w, done, err);
    }
    return rc;
}

static void member(void *ctx, int thread, int threads) {
    bench b = {.has_time = false};
    roma_error err;
    (void)threads;
    const int rc = member_draws(ctx, &b, thread, &err);
    if (rc) stop(ctx, rc, &err);
    roma_schedule_destroy(&b.s);
    roma_place_destroy(&b.at);
}

/* Counts the refused draws, and asks the first of them why. */
static void count_refused(crew *w) {
    roma_cost_draws *out = w->out;
    size_t first = out->n;
    for (size_t i = out->n; i-- > 0;)
        if (isnan(out->v[i])) first = i, out->refused++;
    if (first == out->n) return;
    bench b = {.has_time = false};
    roma_cost cost;
    roma_error why;
    bool refused;
    if (!roma_place_copy(&b.at, w->p, &why) && !evaluate(w, &b, first, &cost, &refused, &why))
        roma_print(out->refusal, sizeof out->refusal, "%s", why.text);
    roma_schedule_destroy(&b.s);
    roma_place_destroy(&b.at);
}

static int work(crew *w, roma_error *err) {
    roma_team *team;
    int rc = roma_team_create(&team, w->d->threads, err);
    if (rc) return rc;
    roma_team_run(team, member, w);
    roma_team_destroy(team);
    if (w->rc && err) *err = w->err;
    rc = w->rc ? w->rc : tell(w, w->d->n, err);
    if (rc) return rc;
    for (int i = 0; i < ROMA_MISFITS; i++) w->out->misfits[i] = w->misfits[i];
    count_refused(w);
    return ROMA_OK;
}

int roma_cost_draw(roma_cost_draws *out, const roma_placement *p, const roma_workload *w, const roma_cost_drawing *d,
                   roma_error *err) {
    memset(out, 0, sizeof *out);
    if (d->n < 1 || d->n > ROMA_COST_DRAWS_MAX)
        return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE, "there are 1 to %d draws, not %u", ROMA_COST_DRAWS_MAX,
                         d->n);
    out->n = d->n;
    out->v = roma_alloc_array((size_t)ROMA_DRAWN_N * d->n, sizeof *out->v);
    if (!out->v) return roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for %u draws", d->n);
    crew c = {.p = p, .w = w, .d = d, .out = out, .one_time = true};
    for (unsigned i = 0; i < ROMA_CHIP_N; i++)
        c.one_time &= !(p->chip.mark[i].low < p->chip.mark[i].high && roma_cost_moves_time(p, i));
    return work(&c, err);
}

void roma_cost_draws_destroy(roma_cost_draws *d) {
    roma_free(d->v);
    memset(d, 0, sizeof *d);
}

/* ---- percentiles ---- */

static int ascending(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    if (isnan(x) || isnan(y)) return isnan(x) - isnan(y);
    return (x > y) - (x < y);
}

/* The number of values below the p-quantile of the distribution is binomial: mean n p, and within 1.96 of its
 * deviations in 95 of 100 cases. */
static roma_range rank_of(const double *sorted, size_t n, double p) {
    const double at = (double)n * p, off = 1.96 * sqrt(at * (1 - p));
    const double low = floor(at - off), high = ceil(at + off) + 1;
    return (roma_range){.low = low >= 1 ? sorted[(size_t)low - 1] : -INFINITY,
                        .mid = sorted[(size_t)fmax(ceil(at), 1) - 1],
                        .high = high <= (double)n ? sorted[(size_t)high - 1] : INFINITY};
}

void roma_cost_percentiles_of(roma_cost_percentiles *out, double *v, size_t n) {
    const roma_range none = {NAN, NAN, NAN};
    qsort(v, n, sizeof *v, ascending);
    while (n && isnan(v[n - 1])) n--;
    *out = (roma_cost_percentiles){n, none, none, none};
    if (!n) return;
    out->p5 = rank_of(v, n, 0.05);
    out->p50 = rank_of(v, n, 0.5);
    out->p95 = rank_of(v, n, 0.95);
}
