/* Evaluates the points of roma explore, on threads and over ranks. */
#include "explore.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>

const char *const refusal_name[N_REFUSALS] = {
#define X(id, name, text) name,
    EXPLORE_REFUSALS(X)
#undef X
};
const char *const refusal_text[N_REFUSALS] = {
#define X(id, name, text) text,
    EXPLORE_REFUSALS(X)
#undef X
};

/* ---- models ---- */

static int open_format(explore_model *m, const space *s, const explore_options *o, roma_error *err) {
    const roma_shape_format f = {(uint32_t)m->format[0], (uint32_t)m->format[1], (uint32_t)m->format[2]};
    int rc = roma_shape_describe(&m->shape, o->shape, &f, err);
    m->has_shape = !rc;
    if (!rc) rc = roma_map_plan(&m->plan, &m->shape, &s->base, err);
    m->has_plan = !rc;
    return rc;
}

static int open_image(explore_models *m, const space *s, const explore_options *o, roma_error *err) {
    int rc = image_open(&m->image, o->image, true, 1, err);
    if (rc) return rc;
    m->has_image = true;
    rc = roma_map_plan(&m->list[0].plan, &m->image.desc, &s->base, err);
    m->list[0].has_plan = !rc;
    return rc;
}

/* Values of a key over the space, one when it is not varied. */
static size_t values_of(const space *s, unsigned key, const double **list) {
    for (size_t i = 0; i < s->n_knobs; i++)
        if (s->knobs[i].key == key) {
            *list = s->knobs[i].list;
            return s->knobs[i].n;
        }
    *list = &s->start[key];
    return 1;
}

int models_open(explore_models *m, const space *s, const explore_options *o, roma_error *err) {
    const double *list[3];
    size_t n[3], there = 0;
    memset(m, 0, sizeof *m);
    for (unsigned i = 0; i < 3; i++) n[i] = values_of(s, KEY_BITS + i, &list[i]);
    m->list = roma_alloc_array(n[0] * n[1] * n[2], sizeof *m->list);
    if (!m->list) return roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the plans");
    m->n = n[0] * n[1] * n[2];
    if (o->image) return open_image(m, s, o, err);
    for (size_t i = 0; i < m->n; i++) {
        const double format[] = {list[0][i % n[0]], list[1][i / n[0] % n[1]], list[2][i / n[0] / n[1]]};
        memcpy(m->list[i].format, format, sizeof format);
        const int rc = open_format(&m->list[i], s, o, err);
        if (rc == ROMA_ENOMEM) return rc;
        there += !rc;
        if (rc && i + 1 == m->n && !there) return rc;
    }
    return ROMA_OK;
}

void models_close(explore_models *m) {
    for (size_t i = 0; i < m->n; i++) {
        if (m->list[i].has_plan) roma_plan_destroy(&m->list[i].plan);
        if (m->list[i].has_shape) roma_shape_destroy(&m->list[i].shape);
    }
    if (m->has_image) roma_image_close(&m->image);
    roma_free(m->list);
    memset(m, 0, sizeof *m);
}

const explore_model *models_find(const explore_models *m, const double x[N_KEYS]) {
    for (size_t i = 0; i < m->n; i++)
        if (m->has_image || memcmp(m->list[i].format, x + KEY_BITS, sizeof m->list[i].format) == 0)
            return m->list[i].has_plan ? &m->list[i] : NULL;
    return NULL;
}

/* ---- one point ---- */

static refusal judge(const roma_cost *c, const explore_options *o) {
    if (c->fits_rom == 0) return REFUSED_ROM;
    if (c->fits_sram == 0 || c->tokens < o->work.prompt) return REFUSED_SRAM;
    if (c->tokens / o->work.batch < o->min_context) return REFUSED_CONTEXT;
    if (o->max_mm2 > 0 && !(c->area_mm2 <= o->max_mm2)) return REFUSED_AREA;
    if (o->max_w > 0 && !(c->power_w <= o->max_w)) return REFUSED_POWER;
    if (!(c->tok_s >= o->min_tok_s)) return REFUSED_RATE;
    return isfinite(c->usd) && isfinite(c->usd_unrepaired) ? REFUSED_NONE : REFUSED_WAFER;
}

/* The chip of x when it holds together. */
static bool chip_of(const space *s, double words, double x[N_KEYS], roma_chip *chip) {
    roma_error unsaid;
    space_derive_words(s, words, x);
    space_chip(s, x, chip);
    return roma_chip_check(chip, "", &unsaid) == ROMA_OK;
}

/* A first evaluation, without prefill, says how many words an L-Unit needs. */
static int evaluate(const space *s, const explore_model *m, const explore_options *o, roma_schedule *sched,
                    double x[N_KEYS], roma_cost *cost, refusal *why, roma_error *err) {
    roma_chip chip;
    roma_workload first = o->work;
    first.prompt = 0;
    first.batch = 1;
    *why = REFUSED_CHIP;
    if (!chip_of(s, 1, x, &chip)) return ROMA_OK;
    if (s->derived[ROMA_CHIP_lunit_words]) {
        int rc = roma_cost_evaluate(cost, sched, &m->plan, &chip, &first, err);
        if (rc) return rc;
    }
    if (!chip_of(s, cost->rom_words, x, &chip)) return ROMA_OK;
    int rc = roma_cost_evaluate(cost, sched, &m->plan, &chip, &o->work, err);
    if (!rc) *why = judge(cost, o);
    return rc;
}

/* ---- all points ---- */

typedef struct {
    explored *e;
    const space *s;
    const explore_models *m;
    const explore_options *o;
    uint64_t first;
    size_t n;
    uint8_t *why;
    atomic_size_t next, done;
    atomic_int rc;
    roma_error err; /* of the thread that set rc */
} crew;

static int point(crew *w, size_t i, roma_schedule *sched, roma_error *err) {
    double x[N_KEYS], *row = w->e->rows + i * w->e->stride;
    roma_cost cost = {0};
    refusal why = REFUSED_NONE;
    space_draw(w->s, w->first + i, x);
    const explore_model *m = models_find(w->m, x);
    int rc = ROMA_OK;
    if (!m)
        why = REFUSED_FORMAT;
    else if (!space_derive(w->s, x))
        why = REFUSED_GRID;
    else
        rc = evaluate(w->s, m, w->o, sched, x, &cost, &why, err);
    w->why[i] = (uint8_t)why;
    *row++ = (double)(w->first + i);
    for (size_t k = 0; k < w->s->n_columns; k++) *row++ = x[w->s->column[k]];
    memcpy(row, cost.v, sizeof cost.v);
    return rc;
}

static void stop(crew *w, int rc, const roma_error *err) {
    int none = 0;
    if (atomic_compare_exchange_strong(&w->rc, &none, rc)) w->err = *err;
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
        if (!rc && thread == 0 && roma_progress_tell(&progress, "points", done < w->n ? done : w->n, w->n))
            rc = roma_fail(&err, ROMA_ECANCEL, "", ROMA_NOWHERE, "interrupted");
        if (rc) stop(w, rc, &err);
    }
    roma_schedule_destroy(&sched);
}

/* Keeps the rows of feasible points and counts the others. */
static void compact(crew *w) {
    explored *e = w->e;
    for (size_t i = 0; i < w->n; i++) {
        if (w->why[i] != REFUSED_NONE) {
            e->refused[w->why[i]]++;
            continue;
        }
        if (e->n != i) memcpy(e->rows + e->n * e->stride, e->rows + i * e->stride, e->stride * sizeof *e->rows);
        e->n++;
    }
}

static int work(crew *w, roma_error *err) {
    roma_team *team;
    int rc = roma_team_create(&team, (int)w->o->threads, err);
    if (rc) return rc;
    roma_team_run(team, member, w);
    roma_team_destroy(team);
    progress_end();
    if (!w->rc && interrupted) return roma_fail(err, ROMA_ECANCEL, "", ROMA_NOWHERE, "interrupted");
    if (w->rc && err) *err = w->err;
    return w->rc;
}

int explore_run(explored *e, const space *s, const explore_models *m, const explore_options *o, const ranks *r,
                roma_error *err) {
    size_t begin, end;
    memset(e, 0, sizeof *e);
    e->stride = 1 + s->n_columns + ROMA_COST_N;
    roma_share(o->points, r->rank, r->size, &begin, &end);
    crew w = {.e = e, .s = s, .m = m, .o = o, .first = begin, .n = end - begin};
    e->rows = roma_alloc_array(w.n + 1, e->stride * sizeof *e->rows);
    w.why = roma_alloc_array(w.n + 1, 1);
    int rc = e->rows && w.why ? work(&w, err)
                              : roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for %u points", o->points);
    if (!rc) compact(&w);
    roma_free(w.why);
    size_t n = e->n * e->stride;
    if (!rc) rc = ranks_gather(r, &e->rows, &n, err);
    e->n = n / e->stride;
    if (!rc) ranks_sum(r, e->refused, N_REFUSALS);
    return rc;
}

void explored_destroy(explored *e) {
    roma_free(e->rows);
    memset(e, 0, sizeof *e);
}

void explored_values(const explored *e, const space *s, size_t i, double x[N_KEYS]) {
    memcpy(x, s->start, sizeof s->start);
    for (size_t k = 0; k < s->n_columns; k++) x[s->column[k]] = explored_row(e, i)[1 + k];
}
