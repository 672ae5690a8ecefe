/* The Pareto front: rate up; area, energy and cost down. */
#include "roma/explore.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *roma_front_end_name(roma_front_end k) {
    static const char *const names[ROMA_FRONT_ENDS] = {"fastest", "smallest", "least-energy", "cheapest", "knee"};
    return names[k];
}

enum { N_OBJECTIVES = 4 };
/* Each smaller the better. */
typedef struct {
    double v[N_OBJECTIVES];
    size_t row;
} candidate;

static candidate candidate_of(const roma_explored *e, size_t row) {
    const double *c = roma_explored_cost(e, row);
    return (candidate){{-c[ROMA_COST_tok_s], c[ROMA_COST_area_mm2], c[ROMA_COST_mj_per_token], c[ROMA_COST_usd]}, row};
}

static int by_objectives(const void *a, const void *b) {
    const candidate *p = a, *q = b;
    for (int i = 0; i < N_OBJECTIVES; i++)
        if (p->v[i] != q->v[i]) return p->v[i] < q->v[i] ? -1 : 1;
    return p->row < q->row ? -1 : p->row > q->row;
}

static bool dominates(const candidate *p, const candidate *q, int n) {
    bool better = false;
    for (int i = 0; i < n; i++) {
        if (p->v[i] > q->v[i]) return false;
        better |= p->v[i] < q->v[i];
    }
    return better;
}

/* Of sorted candidates: none is dominated by a later one. The front of the first n objectives gathers at the beginning
 * of kept. */
static size_t filter(const candidate *all, size_t n_all, int n, candidate *kept, bool *on) {
    size_t k = 0;
    for (size_t i = 0; i < n_all; i++) {
        bool beaten = false;
        for (size_t j = k; j-- > 0 && !beaten;) beaten = dominates(&kept[j], &all[i], n);
        if (beaten) continue;
        kept[k++] = all[i];
        on[all[i].row] = true;
    }
    return k;
}

/* Distance to the best of every objective, each on a logarithmic scale from the front's best to its worst. */
static size_t knee(const candidate *kept, size_t n) {
    double low[N_OBJECTIVES], high[N_OBJECTIVES], best = INFINITY;
    size_t found = 0;
    for (int o = 0; o < N_OBJECTIVES; o++) {
        low[o] = INFINITY, high[o] = -INFINITY;
        for (size_t i = 0; i < n; i++) {
            const double v = log(fabs(kept[i].v[o])) * (o ? 1 : -1);
            low[o] = fmin(low[o], v);
            high[o] = fmax(high[o], v);
        }
    }
    for (size_t i = 0; i < n; i++) {
        double sum = 0;
        for (int o = 0; o < N_OBJECTIVES; o++) {
            const double v = log(fabs(kept[i].v[o])) * (o ? 1 : -1),
                         part = high[o] > low[o] ? (v - low[o]) / (high[o] - low[o]) : 0;
            sum += part * part;
        }
        if (sum < best) best = sum, found = i;
    }
    return kept[found].row;
}

static void find_ends(roma_front *f, const candidate *kept) {
    for (int o = 0; o < N_OBJECTIVES; o++) {
        size_t best = 0;
        for (size_t i = 1; i < f->n; i++)
            if (kept[i].v[o] < kept[best].v[o]) best = i;
        f->end[o] = kept[best].row;
    }
    f->end[ROMA_FRONT_KNEE] = knee(kept, f->n);
}

int roma_front_create(roma_front *f, const roma_explored *e, roma_error *err) {
    memset(f, 0, sizeof *f);
    candidate *all = roma_alloc_array(e->n, sizeof *all), *kept = roma_alloc_array(e->n, sizeof *kept);
    f->on = roma_alloc_array(e->n, sizeof *f->on);
    f->on_plane = roma_alloc_array(e->n, sizeof *f->on_plane);
    const bool ok = all && kept && f->on && f->on_plane;
    for (size_t i = 0; i < e->n && ok; i++) all[i] = candidate_of(e, i);
    if (ok) {
        qsort(all, e->n, sizeof *all, by_objectives);
        filter(all, e->n, 2, kept, f->on_plane);
        f->n = filter(all, e->n, N_OBJECTIVES, kept, f->on);
        find_ends(f, kept);
    }
    roma_free(all);
    roma_free(kept);
    if (!ok) roma_front_destroy(f);
    return ok ? ROMA_OK : roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the front of %zu points", e->n);
}

void roma_front_destroy(roma_front *f) {
    roma_free(f->on);
    roma_free(f->on_plane);
    memset(f, 0, sizeof *f);
}
