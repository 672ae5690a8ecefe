/* An exploration opened, and what its rows stand for; contract in explore.h. */
#include "explore/internal.h"

#include <string.h>

const char *roma_explore_refusal_name(roma_explore_refusal r) {
    static const char *const names[] = {
#define X(id, name, text) name,
        ROMA_EXPLORE_REFUSALS(X)
#undef X
    };
    return names[r];
}

const char *roma_explore_refusal_text(roma_explore_refusal r) {
    static const char *const texts[] = {
#define X(id, name, text) text,
        ROMA_EXPLORE_REFUSALS(X)
#undef X
    };
    return texts[r];
}

/* ---- opening ---- */

static bool is_limit(double v) { return v >= 0 && v <= 1e300; } /* not NaN, not infinity */

static int check(const roma_explore_config *c, roma_error *err) {
    if (!c->shape == !c->image)
        return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE, "give an image or a shape, one of them");
    if (c->dies > ROMA_DESIGN_DIES_MAX)
        return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE, "dies must be 1 to %d, not %u", ROMA_DESIGN_DIES_MAX,
                         c->dies);
    const double limits[] = {c->max_mm2, c->max_w, c->min_tok_s, c->max_die_mm2, c->max_junction_c};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++)
        if (!is_limit(limits[i]))
            return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE,
                             "max_mm2, max_w, min_tok_s, max_die_mm2 and max_junction_c must be numbers above 0, or 0 "
                             "for none");
    return roma_cost_workload_check(&c->work, err);
}

/* What no chip can help. */
static int check_context(const roma_explore *x, const roma_workload *w, roma_error *err) {
    const model *m = x->m.list;
    while (!m->has_plan) m++; /* there is one */
    const uint32_t own = m->plan.desc->hyper.context;
    if (w->prompt <= own && w->context < own) return ROMA_OK;
    return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE,
                     "a prompt of %u and a step behind %u tokens do not fit: the model's own context is %u", w->prompt,
                     w->context, own);
}

static int open(roma_explore *x, const roma_explore_config *c, roma_error *err) {
    roma_chip base;
    roma_shape shape = {0};
    int rc = check(c, err);
    if (!rc) rc = roma_design_kv(&x->kv, c->kv, err);
    if (!rc) rc = roma_chip_open(&base, c->chip ? c->chip : "roma-contract", err);
    if (!rc && c->shape) rc = roma_shape_read(&shape, c->shape, err);
    /* What is not varied stays at the shape's own; its head is as its body. */
    const double own[] = {shape.bits, shape.group, 0};
    if (!rc) rc = roma_explore_space(&x->s, &base, c->shape ? own : NULL, c, err);
    if (!rc) rc = roma_explore_models(&x->m, &x->s, &shape, c, err);
    if (!rc) rc = check_context(x, &c->work, err);
    if (rc) return rc;
    roma_print(x->name, sizeof x->name, "%s", c->shape ? shape.name : x->m.image.desc.name);
    x->work = c->work;
    x->dies = c->dies ? c->dies : 1;
    x->min_context = c->min_context;
    x->max_mm2 = c->max_mm2;
    x->max_w = c->max_w;
    x->min_tok_s = c->min_tok_s;
    x->max_die_mm2 = c->max_die_mm2;
    x->max_junction_c = c->max_junction_c;
    return ROMA_OK;
}

int roma_explore_open(roma_explore **x, const roma_explore_config *c, roma_error *err) {
    *x = roma_alloc_array(1, sizeof **x);
    if (!*x) return roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the design space");
    const int rc = open(*x, c, err);
    if (!rc) return ROMA_OK;
    roma_explore_close(*x);
    *x = NULL;
    return rc;
}

void roma_explore_close(roma_explore *x) {
    if (x) roma_explore_models_close(&x->m);
    roma_free(x);
}

const unsigned *roma_explore_columns(const roma_explore *x, size_t *n) {
    *n = x->s.n_columns;
    return x->s.column;
}
bool roma_explore_is_derived(const roma_explore *x, unsigned key) { return x->s.derived[key]; }
const roma_chip *roma_explore_base(const roma_explore *x) { return &x->s.base; }
const char *roma_explore_model(const roma_explore *x) { return x->name; }

/* ---- rows ---- */

void roma_explore_values(const roma_explore *x, const double *row, double v[N_KEYS]) {
    memcpy(v, x->s.start, sizeof x->s.start);
    for (size_t k = 0; k < x->s.n_columns; k++) v[x->s.column[k]] = row[1 + k];
}

void roma_explore_chip(const roma_explore *x, const double *row, roma_chip *c) {
    double v[N_KEYS];
    roma_explore_values(x, row, v);
    roma_explore_put(&x->s, v, c);
    for (size_t k = 0; k < x->s.n_columns; k++) {
        const unsigned key = x->s.column[k];
        if (key >= ROMA_CHIP_N) continue;
        c->mark[key].quality = ROMA_CHIP_ASSUMED;
        roma_print(c->mark[key].source, sizeof c->mark[key].source, "%s by roma explore, point %.0f of seed %llu",
                   x->s.derived[key] ? "derived" : "chosen", row[0], (unsigned long long)x->s.seed);
    }
}

int roma_explore_ranges(const roma_explore *x, const double *row, roma_range out[ROMA_COST_N], roma_error *err) {
    double v[N_KEYS];
    roma_chip chip;
    roma_schedule sched = {0};
    roma_explore_values(x, row, v);
    roma_explore_put(&x->s, v, &chip);
    const model *m = roma_explore_find(&x->m, v);
    if (!m) return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE, "the row is none of this exploration");
    const roma_workload w = roma_explore_work(x, m);
    roma_placement at;
    int rc = roma_map_place(&at, &m->plan, &chip, x->dies, err);
    at.kv = x->kv;
    if (!rc) rc = roma_cost_ranges(out, NULL, &sched, &at, &w, err);
    roma_place_destroy(&at);
    roma_schedule_destroy(&sched);
    return rc;
}
