/* The face's records of the chip model. */
#include "face.h"
#include "roma/design.h"
#include "roma/explore.h"
#include "roma/fit.h"
#include "roma/sim.h"

#include <string.h>

_Static_assert(sizeof(roma_figures) == sizeof(size_t) + ROMA_COST_N * sizeof(double), "figures are the cost's outputs");

static void give_figures(const double v[ROMA_COST_N], roma_figures *out) {
    roma_figures f = {.size = sizeof f};
#define X(field, group, unit, help) f.field = v[ROMA_COST_##field];
    ROMA_COST_OUTPUTS(X)
#undef X
    roma_face_give(out, &f, sizeof f);
}

static roma_design_config design_of(const roma_chip_design *d, const char *kv) {
    return (roma_design_config){.shape = d->shape,
                                .image = d->image,
                                .format = {d->bits, d->group, d->head_bits},
                                .chip = d->chip,
                                .set = d->set,
                                .n_set = d->n_set,
                                .dies = d->dies,
                                .kv = kv};
}

/* ---- a simulation ---- */

static int simulate(const roma_sim_spec *given, roma_figures *value, roma_figures *low, roma_figures *high,
                    roma_error *err) {
    roma_sim_spec own;
    int rc = roma_face_take(&own, sizeof own, given, err);
    if (rc) return rc;
    roma_sim_config c = {.design = design_of(&own.design, own.kv), .work = roma_cost_workload_bare()};
    c.work.prompt = own.prompt;
    c.work.context = own.context;
    c.work.batch = own.batch ? own.batch : 1;
    c.work.rank = own.rank;
    c.work.adapters = own.rank && !own.adapters ? 1 : own.adapters;
    c.work.max_w = own.max_w;
    roma_sim *s = roma_alloc_array(1, sizeof *s);
    roma_sim_figures *f = roma_alloc_array(1, sizeof *f);
    if (!s || !f) rc = roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the figures");
    if (!rc) rc = roma_sim_open(s, &c, err);
    if (!rc) {
        rc = roma_sim_evaluate(s, low || high, f, err);
        roma_sim_close(s);
    }
    double v[3][ROMA_COST_N];
    for (unsigned i = 0; i < ROMA_COST_N && !rc; i++) {
        v[0][i] = f->cost.v[i];
        v[1][i] = f->range[i].low;
        v[2][i] = f->range[i].high;
    }
    if (!rc) give_figures(v[0], value);
    if (!rc && low) give_figures(v[1], low);
    if (!rc && high) give_figures(v[2], high);
    roma_free(f);
    roma_free(s);
    return rc;
}

int roma_simulate(const roma_sim_spec *s, roma_figures *value, roma_figures *low, roma_figures *high) {
    roma_error err;
    return roma_face_end(simulate(s, value, low, high, &err), &err);
}

/* ---- what fits ---- */

static int count(const roma_fit_spec *own, const roma_design *d, roma_fit_record *out, roma_error *err) {
    roma_fit f = roma_fit_usual(d);
    roma_fit_point p;
    roma_cost rom;
    const roma_placement *place = &d->place;
    f.rows = own->rows;
    roma_fit_limit(&f, own->sram_bytes, !own->sram_bytes || own->design.chip);
    const uint32_t rank = own->adapters && !own->rank ? ROMA_RANK_USUAL : own->rank;
    const int rc = roma_fit_count(&f, own->adapters, rank, own->sequences ? own->sequences : 1, &p, err);
    if (rc) return rc;
    roma_fit_rom(&f, &rom);
    *out = (roma_fit_record){.size = sizeof *out,
                             .tokens = p.engine.context,
                             .tokens_paper = p.tokens_paper,
                             .page_bytes = p.engine.page_group,
                             .lora_bytes = p.lora_bytes,
                             .activation_bytes = p.engine.activations,
                             .sram_bytes = f.sram_bytes,
                             .vector_bytes = f.vector_bytes,
                             .kv_bytes_per_token = p.token_bytes,
                             .kv_bytes_per_token_paper = p.token_bytes_paper,
                             .lora_bytes_paper = p.lora_paper,
                             .rom_bytes = rom.rom_bytes,
                             .rom_capacity = rom.rom_capacity,
                             .rom_words = (double)place->rom_words,
                             .fits_rom = place->fits_rom,
                             .fits_sram = p.fits,
                             .is_model_limit = p.is_model};
    return ROMA_OK;
}

static int fit(const roma_fit_spec *given, roma_fit_record *out, roma_error *err) {
    roma_fit_spec own;
    roma_fit_record record;
    int rc = roma_face_take(&own, sizeof own, given, err);
    if (rc) return rc;
    const roma_design_config c = design_of(&own.design, own.kv);
    roma_design *d = roma_alloc_array(1, sizeof *d);
    if (!d) return roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the design");
    rc = roma_design_open(d, &c, err);
    if (!rc) {
        rc = count(&own, d, &record, err);
        roma_design_close(d);
    }
    if (!rc) roma_face_give(out, &record, sizeof record);
    roma_free(d);
    return rc;
}

int roma_fit_tokens(const roma_fit_spec *s, roma_fit_record *out) {
    roma_error err;
    return roma_face_end(fit(s, out, &err), &err);
}

/* ---- an exploration ---- */

enum { THREADS = 64, POINTS = 1000 };

/* What every point has in common, and room for what it has alone. */
typedef struct {
    const roma_explore *x;
    const unsigned *column;
    size_t n;
    char (*name)[ROMA_EXPLORE_NAME], (*word)[ROMA_EXPLORE_CHOICE];
    const char **keys, **words;
} columns;

static int columns_create(columns *c, const roma_explore *x, roma_error *err) {
    memset(c, 0, sizeof *c);
    c->x = x;
    c->column = roma_explore_columns(x, &c->n);
    c->name = roma_alloc_array(c->n, sizeof *c->name);
    c->word = roma_alloc_array(c->n, sizeof *c->word);
    c->keys = roma_alloc_array(c->n, sizeof *c->keys);
    c->words = roma_alloc_array(c->n, sizeof *c->words);
    if (!c->name || !c->word || !c->keys || !c->words)
        return roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the points");
    for (size_t i = 0; i < c->n; i++) c->keys[i] = roma_explore_key_name(c->column[i], c->name[i]);
    return ROMA_OK;
}

static void columns_destroy(columns *c) {
    roma_free(c->name);
    roma_free(c->word);
    roma_free(c->keys);
    roma_free(c->words);
}

static int tell(const roma_explore_spec *s, const columns *c, const roma_explored *e, size_t i, bool pareto) {
    const double *row = roma_explored_row(e, i);
    roma_figures f = {.size = sizeof f};
    give_figures(roma_explored_cost(e, i), &f);
    for (size_t k = 0; k < c->n; k++) c->words[k] = roma_explore_choice(c->column[k], row[1 + k], c->word[k]);
    const roma_explored_point p = {.size = sizeof p,
                                   .point = (uint32_t)row[0],
                                   .pareto = pareto,
                                   .figures = &f,
                                   .keys = c->keys,
                                   .values = row + 1,
                                   .words = c->words,
                                   .n_values = c->n};
    return s->point(s->ctx, &p);
}

static int tell_all(const roma_explore_spec *s, const roma_explore *x, const roma_explored *e, roma_error *err) {
    columns c;
    roma_front f = {0};
    int rc = columns_create(&c, x, err);
    if (!rc && e->n) rc = roma_front_create(&f, e, err);
    for (size_t i = 0; i < e->n && !rc; i++)
        if (tell(s, &c, e, i, f.on[i]))
            rc = roma_fail(err, ROMA_ECANCEL, "", ROMA_NOWHERE, "the callback ended the exploration");
    roma_front_destroy(&f);
    columns_destroy(&c);
    return rc;
}

static int run(const roma_explore_spec *s, const roma_explore *x, roma_error *err) {
    roma_explored e = {0};
    const int cpus = roma_cpu_count() < THREADS ? roma_cpu_count() : THREADS;
    const roma_explore_share all = {
        .points = s->points ? s->points : POINTS, .size = 1, .threads = s->threads ? (int)s->threads : cpus};
    int rc = roma_explore_run(x, &all, &e, err);
    if (!rc) rc = tell_all(s, x, &e, err);
    roma_explored_destroy(&e);
    return rc;
}

static int check(const roma_explore_spec *s, roma_error *err) {
    const roma_chip_design *d = &s->design;
    if (!d->shape == !d->image)
        return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE,
                         "an exploration needs a shape or an image, one of the two");
    if (d->bits || d->group || d->head_bits)
        return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE,
                         "an exploration takes formats as knobs: model.bits, model.group and model.head_bits in set");
    if (s->threads > THREADS) return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE, "threads are at most 64");
    if (!s->point) return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE, "an exploration needs a callback for points");
    return ROMA_OK;
}

/* 0 is the usual one, and below 0 there is none, which the room calls 0. */
static double limit(double given, double usual) { return given < 0 ? 0 : given == 0 ? usual : given; }

static int explore(const roma_explore_spec *given, roma_error *err) {
    roma_explore_spec s;
    roma_explore *x;
    int rc = roma_face_take(&s, sizeof s, given, err);
    if (!rc) rc = check(&s, err);
    if (rc) return rc;
    roma_explore_config c = {.shape = s.design.shape,
                             .image = s.design.image,
                             .chip = s.design.chip,
                             .set = s.design.set,
                             .n_set = s.design.n_set,
                             .dies = s.design.dies,
                             .kv = s.kv,
                             .only = s.only_set != 0,
                             .seed = s.seed,
                             .work = roma_cost_workload_bare(),
                             .min_context = s.min_context,
                             .max_mm2 = s.max_mm2,
                             .max_w = s.max_w,
                             .min_tok_s = s.min_tok_s,
                             .max_die_mm2 = limit(s.max_die_mm2, ROMA_COST_DIE_MM2),
                             .max_junction_c = limit(s.max_junction_c, ROMA_COST_JUNCTION_C)};
    c.work.prompt = s.prompt;
    c.work.context = s.context;
    c.work.batch = s.batch ? s.batch : 1;
    c.work.rank = s.rank;
    c.work.adapters = s.rank && !s.adapters ? 1 : s.adapters;
    rc = roma_explore_open(&x, &c, err);
    if (!rc) rc = run(&s, x, err);
    if (x) roma_explore_close(x);
    return rc;
}

int roma_explore_points(const roma_explore_spec *s) {
    roma_error err;
    return roma_face_end(explore(s, &err), &err);
}
