/* Files of roma explore: all points as CSV, the picture, the best chips. */
#include "show/explore_show.h"
#include "print.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int write_csv(const explore_result *r, roma_error *err) {
    roma_table t = {0};
    roma_buf b = {0};
    show_rows(r, false, &t);
    roma_report_table_csv(&t, &b);
    b.failed |= t.failed;
    roma_table_destroy(&t);
    return write_buf(&b, r->o->csv, err);
}

/* ---- picture ---- */

enum { SHOWN_MAX = 4000 }; /* beside the front: a browser draws no more of them well */

static int by_size(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* What 98 % of the points do not exceed: a few bad ones would take the whole scale of colours. */
static double usual_energy(const roma_explored *e) {
    double *mj = roma_alloc_array(e->n, sizeof *mj), usual = 0;
    if (!mj) return 0;
    for (size_t i = 0; i < e->n; i++) mj[i] = roma_explored_cost(e, i)[ROMA_COST_mj_per_token];
    qsort(mj, e->n, sizeof *mj, by_size);
    usual = mj[(e->n - 1) * 98 / 100];
    roma_free(mj);
    return usual;
}

static void picture_row(const explore_result *r, size_t i, roma_table *t) {
    static const unsigned outputs[] = {ROMA_COST_area_mm2, ROMA_COST_tok_s,  ROMA_COST_mj_per_token, ROMA_COST_usd,
                                       ROMA_COST_power_w,  ROMA_COST_ttft_s, ROMA_COST_tokens};
    static const unsigned keys[] = {ROMA_CHIP_rom_style, ROMA_CHIP_node_nm, ROMA_CHIP_clock_hz, ROMA_EXPLORE_BITS,
                                    ROMA_EXPLORE_GROUP};
    double x[ROMA_EXPLORE_KEYS];
    char name[ROMA_EXPLORE_CHOICE];
    size_t c = 0;
    roma_explore_values(r->x, roma_explored_row(r->e, i), x);
    roma_table_row(t);
    for (size_t k = 0; k < sizeof outputs / sizeof *outputs; k++)
        roma_table_real(t, c++, roma_explored_cost(r->e, i)[outputs[k]]);
    roma_table_bool(t, c++, r->f->on_plane[i]);
    roma_table_real(t, c++, roma_explored_row(r->e, i)[0]);
    for (size_t k = 0; k < sizeof keys / sizeof *keys; k++, c++) {
        const char *choice = roma_explore_choice(keys[k], x[keys[k]], name);
        if (choice)
            roma_table_text(t, c, choice);
        else if (keys[k] < ROMA_CHIP_N || r->o->config.shape)
            roma_table_real(t, c, x[keys[k]]);
    }
}

static void picture_columns(roma_table *t) {
    static const char *const columns[][2] = {
        {"area", "mm2"},    {"decode rate", "tokens/s"}, {"energy", "mJ/token"},    {"cost", "USD"},
        {"power", "W"},     {"first token", "s"},        {"context", "tokens"},     {"front", ""},
        {"point", ""},      {"rom.style", ""},           {"technology.node", "nm"}, {"clock", "Hz"},
        {"model.bits", ""}, {"model.group", ""}};
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) roma_table_column(t, columns[i][0], columns[i][1], 4);
}

static int write_svg(const explore_result *r, roma_error *err) {
    roma_table t = {0};
    roma_buf b = {0};
    const size_t step = r->e->n / SHOWN_MAX + 1;
    const double usual = usual_energy(r->e);
    roma_print(t.title, sizeof t.title, "%.40s on %.20s, %zu feasible points",
               r->o->config.shape ? roma_explore_model(r->x) : r->o->config.image, roma_explore_base(r->x)->name,
               r->e->n);
    picture_columns(&t);
    for (size_t i = 0; i < r->e->n; i++)
        if (r->f->on_plane[i] || (i % step == 0 && roma_explored_cost(r->e, i)[ROMA_COST_mj_per_token] <= usual))
            picture_row(r, i, &t);
    roma_report_scatter_svg(&t, 0, 1, 2, 7, (roma_axes){true, true}, &b);
    b.failed |= t.failed;
    roma_table_destroy(&t);
    return write_buf(&b, r->o->svg, err);
}

/* ---- chips ---- */

/* "knee: --shape NAME --bits 4 --group 128": what to give beside the chip. */
static void set_title(const explore_result *r, const char *what, const double x[ROMA_EXPLORE_KEYS], roma_chip *c) {
    char head[24] = "";
    if (x[ROMA_EXPLORE_HEAD_BITS] > 0) roma_print(head, sizeof head, " --head-bits %.0f", x[ROMA_EXPLORE_HEAD_BITS]);
    char shape[sizeof c->title], rest[64];
    if (!r->o->config.shape) {
        roma_print(c->title, sizeof c->title, "%s: %.60s", what, roma_explore_model(r->x));
        return;
    }
    roma_error_name(shape, sizeof shape, r->o->config.shape, strlen(r->o->config.shape));
    roma_print(rest, sizeof rest, "--bits %.0f --group %.0f%s", x[ROMA_EXPLORE_BITS], x[ROMA_EXPLORE_GROUP], head);
    if (roma_print(c->title, sizeof c->title, "%s: --shape %s %s", what, shape, rest) >= (int)sizeof c->title)
        roma_print(c->title, sizeof c->title, "%s: %s, with the shape that was explored", what, rest);
}

int best_path(const explore_options *o, roma_front_end k, char out[BEST_PATH], roma_error *err) {
    if (roma_print(out, BEST_PATH, "%s/%s.chip", o->best, roma_front_end_name(k)) < BEST_PATH) return ROMA_OK;
    return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE, "--best: the path is too long");
}

static int write_chip(const explore_result *r, roma_front_end k, roma_error *err) {
    char path[BEST_PATH];
    double x[ROMA_EXPLORE_KEYS];
    roma_chip c;
    roma_buf b = {0};
    const int rc = best_path(r->o, k, path, err);
    if (rc) return rc;
    const double *row = roma_explored_row(r->e, r->f->end[k]);
    roma_explore_values(r->x, row, x);
    roma_explore_chip(r->x, row, &c);
    set_title(r, roma_front_end_name(k), x, &c);
    roma_chip_write(&c, &b);
    return write_buf(&b, path, err);
}

/* Takes away a folder that this run made, and what it wrote there. */
static void take_back(const explore_result *r) {
    char path[BEST_PATH];
    for (roma_front_end k = 0; k < ROMA_FRONT_ENDS; k++)
        if (!best_path(r->o, k, path, NULL)) remove(path);
    remove(r->o->best);
}

/* A folder that is new appears with all its chips or not at all; in one that was there each file is whole. */
static int write_best(const explore_result *r, roma_error *err) {
    int rc = ROMA_OK;
    const bool is_new = mkdir(r->o->best, 0777) == 0;
    if (!is_new && errno != EEXIST) return roma_fail_errno(err, r->o->best, "cannot make the folder");
    for (roma_front_end k = 0; k < ROMA_FRONT_ENDS && !rc; k++) rc = write_chip(r, k, err);
    if (rc && is_new) take_back(r);
    return rc;
}

int write_files(const explore_result *r, roma_error *err) {
    int rc = ROMA_OK;
    if (r->o->csv) rc = write_csv(r, err);
    if (!rc && r->o->svg) rc = write_svg(r, err);
    if (!rc && r->o->best) rc = write_best(r, err);
    return rc;
}
