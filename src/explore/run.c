/* Evaluates points, on threads and by shares. */
#include "explore/internal.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>

/* ---- one point ---- */

static bool has_context(const roma_placement *p, const roma_workload *w, uint32_t least) {
    return least <= p->plan->desc->hyper.context && least <= roma_cost_positions(p, w);
}

static roma_explore_refusal judge(const roma_cost *c, const roma_placement *p, const roma_workload *w,
                                  const roma_explore *x) {
    if (c->fits_rom == 0) return ROMA_EXPLORE_ROM;
    if (c->fits_sram == 0) return ROMA_EXPLORE_SRAM;
    if (x->min_context && !has_context(p, w, x->min_context)) return ROMA_EXPLORE_CONTEXT;
    if (x->max_mm2 > 0 && !(c->area_mm2 <= x->max_mm2)) return ROMA_EXPLORE_AREA;
    if (x->max_w > 0 && !(c->power_w <= x->max_w)) return ROMA_EXPLORE_POWER;
    if (!(c->tok_s >= x->min_tok_s)) return ROMA_EXPLORE_RATE;
    if (x->max_die_mm2 > 0 && !(c->area_mm2 / x->dies <= x->max_die_mm2)) return ROMA_EXPLORE_DIE;
    if (x->max_junction_c > 0 && !(c->junction_c <= x->max_junction_c)) return ROMA_EXPLORE_JUNCTION;
    return isfinite(c->usd) && isfinite(c->usd_unrepaired) ? ROMA_EXPLORE_NONE : ROMA_EXPLORE_WAFER;
}

/* The chip of v, as large as the placement needs, when it holds together. */
static bool chip_of(const space *s, const roma_placement *needs, double v[N_KEYS], roma_chip *chip) {
    roma_error unsaid;
    roma_explore_derive_words(s, needs, v);
    roma_explore_put(s, v, chip);
    return roma_chip_check(chip, "", &unsaid) == ROMA_OK;
}

/* The placement says how many words the ROMs need, which does not depend on how many they have. */
static int evaluate(const roma_explore *x, const model *m, roma_schedule *sched, double v[N_KEYS], roma_cost *cost,
                    roma_explore_refusal *why, roma_error *err) {
    roma_chip chip;
    const roma_workload w = roma_explore_work(x, m);
    roma_placement at = {.rom_words = (uint64_t)v[ROMA_CHIP_rom_depth], .buffer_inputs = 1};
    *why = ROMA_EXPLORE_CHIP;
    if (!chip_of(&x->s, &at, v, &chip)) return ROMA_OK;
    int rc = roma_map_place(&at, &m->plan, &chip, x->dies, err);
    at.kv = x->kv;
    if (!rc && chip_of(&x->s, &at, v, &at.chip)) {
        roma_place_derive(&at);
        rc = roma_cost_evaluate(cost, sched, &at, &w, err);
        if (!rc) *why = judge(cost, &at, &w, x);
    }
    roma_place_destroy(&at);
    return rc;
}

/* ---- all points of a share ---- */

typedef struct {
    const roma_explore *x;
    const roma_explore_share *share;
    roma_explored *e;
    uint64_t first;
    size_t n;
    uint8_t *why;
    atomic_size_t next, done;
    atomic_int rc;
    roma_error err; /* of the thread that set rc */
} crew;

static int point(crew *w, size_t i, roma_schedule *sched, roma_error *err) {
    const space *s = &w->x->s;
    double v[N_KEYS], *row = w->e->rows + i * w->e->stride;
    roma_cost cost = {0};
    roma_explore_refusal why = ROMA_EXPLORE_NONE;
    roma_explore_draw(s, w->first + i, v);
    const model *m = roma_explore_find(&w->x->m, v);
    int rc = ROMA_OK;
    if (!m)
        why = ROMA_EXPLORE_FORMAT;
    else if (!roma_explore_derive(s, v))
        why = ROMA_EXPLORE_GRID;
    else
        rc = evaluate(w->x, m, sched, v, &cost, &why, err);
    w->why[i] = (uint8_t)why;
    *row++ = (double)(w->first + i);
    for (size_t k = 0; k < s->n_columns; k++) *row++ = v[s->column[k]];
    memcpy(row, cost.v, sizeof cost.v);
    return rc;
}

static void stop(crew *w, int rc, const roma_error *err) {
    int none = 0;
    if (atomic_compare_exchange_strong(&w->rc, &none, rc)) w->err = *err;
}

static int tell(const crew *w, size_t done, roma_error *err) {
    const int rc = roma_progress_tell(w->share->progress, "points", done < w->n ? done : w->n, w->n);
    return rc ? roma_fail(err, rc, "", ROMA_NOWHERE, "interrupted") : ROMA_OK;
}

static void member(void *ctx, int thread, int threads) {
    enum { BLOCK = 8 };
    crew *w = ctx;
    roma_schedule sched = {0};
    roma_error err;
    (void)threads;
    for (size_t i; !atomic_load(&w->rc) && (i = atomic_fetch_add(&w->next, BLOCK)) < w->n;) {
        int rc = ROMA_OK;
        for (size_t k = i; k < w->n && k < i + BLOCK && !rc; k++) rc = point(w, k, &sched, &err);
        const size_t done = atomic_fetch_add(&w->done, BLOCK) + BLOCK;
        if (!rc && thread == 0) rc = tell(w, done, &err);
        if (rc) stop(w, rc, &err);
    }
    roma_schedule_destroy(&sched);
}

/* Keeps the rows of feasible points and counts the others. */
static void compact(crew *w) {
    roma_explored *e = w->e;
    for (size_t i = 0; i < w->n; i++) {
        if (w->why[i] != ROMA_EXPLORE_NONE) {
            e->refused[w->why[i]]++;
            continue;
        }
        if (e->n != i) memcpy(e->rows + e->n * e->stride, e->rows + i * e->stride, e->stride * sizeof *e->rows);
        e->n++;
    }
}

static int work(crew *w, roma_error *err) {
    roma_team *team;
    int rc = roma_team_create(&team, w->share->threads, err);
    if (rc) return rc;
    roma_team_run(team, member, w);
    roma_team_destroy(team);
    if (w->rc && err) *err = w->err;
    return w->rc ? w->rc : tell(w, w->n, err); /* who cancels while the last points are evaluated is heard too */
}

int roma_explore_run(const roma_explore *x, const roma_explore_share *share, roma_explored *e, roma_error *err) {
    size_t begin, end;
    memset(e, 0, sizeof *e);
    if (share->size < 1 || share->rank < 0 || share->rank >= share->size)
        return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE, "there is no share %d of %d", share->rank, share->size);
    e->stride = 1 + x->s.n_columns + ROMA_COST_N;
    roma_share(share->points, share->rank, share->size, &begin, &end);
    crew w = {.x = x, .share = share, .e = e, .first = begin, .n = end - begin};
    e->rows = roma_alloc_array(w.n + 1, e->stride * sizeof *e->rows);
    w.why = roma_alloc_array(w.n + 1, 1);
    int rc = e->rows && w.why ? work(&w, err)
                              : roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for %u points", share->points);
    if (!rc) compact(&w);
    roma_free(w.why);
    return rc;
}

void roma_explored_destroy(roma_explored *e) {
    roma_free(e->rows);
    memset(e, 0, sizeof *e);
}
