/* roma explore: many chips for a model, and which of them are worth looking at. docs/explore.md describes it. */
#include "show/explore_show.h"
#include "design.h"
#include "ranks.h"
#include "workload.h"

#include <string.h>
#include <sys/stat.h>

/* 1: there is no feasible point, which is told as one line. */
static int none_feasible(const explore_options *o, const roma_explored *e) {
    roma_buf b = {0};
    show_refused(e, &b);
    fflush(stdout);
    fprintf(stderr, "roma explore: none of %u points is feasible: %.*s\n", o->points, (int)b.len, (const char *)b.data);
    roma_buf_destroy(&b);
    return 1;
}

static int show(const explore_result *r, roma_error *err) {
    roma_buf b = {0};
    int rc = r->e->n ? write_files(r, err) : ROMA_OK;
    if (!rc && r->o->json)
        rc = show_json(r, &b, err);
    else if (!rc && r->e->n && !(r->o->csv && strcmp(r->o->csv, "-") == 0))
        rc = show_text(r, &b, err);
    if (rc) {
        roma_buf_destroy(&b);
        return fail("explore", err);
    }
    const int code = print_page("explore", &b, 0);
    return code || r->e->n ? code : none_feasible(r->o, r->e);
}

/* The points of all ranks, at rank 0. */
static int evaluate(const roma_explore *x, const explore_options *o, const ranks *rk, roma_explored *e,
                    roma_error *err) {
    const roma_explore_share share = {
        .points = o->points, .rank = rk->rank, .size = rk->size, .threads = (int)o->threads, .progress = &progress};
    int rc = roma_explore_run(x, &share, e, err);
    size_t n = e->n * e->stride;
    progress_end();
    if (!rc) rc = ranks_gather(rk, &e->rows, &n, err);
    if (rc) return rc;
    e->n = n / e->stride;
    ranks_sum(rk, e->refused, ROMA_EXPLORE_REFUSALS_N);
    return ROMA_OK;
}

/* Ends the ranks: all of them together, unless the points of one failed, for which the others would wait. */
static int run(const explore_options *o, const roma_explore *x, const ranks *rk) {
    roma_explored e;
    roma_front f = {0};
    roma_error err;
    const explore_result r = {o, x, &e, &f};
    int code = 0, rc = evaluate(x, o, rk, &e, &err);
    const bool together = !rc;
    if (!rc && rk->rank == 0 && e.n) rc = roma_front_create(&f, &e, &err);
    if (rc)
        code = fail("explore", &err);
    else if (rk->rank == 0)
        code = show(&r, &err);
    roma_front_destroy(&f);
    roma_explored_destroy(&e);
    return ranks_end(rk, code, together);
}

static int explore(const explore_options *o, const ranks *rk) {
    roma_explore *x;
    roma_error err;
    const int rc = roma_explore_open(&x, &o->config, &err);
    const int code = rc ? ranks_end(rk, fail("explore", &err), true) : run(o, x, rk);
    roma_explore_close(x);
    return code;
}

/* ---- options ---- */

static int limit(const char *name, const char *text, double *out) { return workload_limit("explore", name, text, out); }

/* One that holds unless it is lifted, by 0 or "none". */
static int lifted(const char *name, const char *text, double usual, double *out) {
    *out = usual;
    if (text && (strcmp(text, "none") == 0 || (roma_real_read(text, strlen(text), out) && *out == 0))) {
        *out = 0;
        return OPTIONS_GO;
    }
    return limit(name, text, out);
}

/* The files in a folder that is there; one that is made later holds none. */
static int announce_best(const explore_options *o) {
    char path[BEST_PATH];
    roma_error err;
    struct stat st;
    int rc = OPTIONS_GO;
    if (stat(o->best, &st) == 0 && !S_ISDIR(st.st_mode)) {
        roma_fail(&err, ROMA_EUSAGE, o->best, ROMA_NOWHERE, "--best takes a folder, and this is none");
        return fail("explore", &err);
    }
    for (roma_front_end k = 0; stat(o->best, &st) == 0 && k < ROMA_FRONT_ENDS && rc == OPTIONS_GO; k++)
        rc = best_path(o, k, path, &err) ? fail("explore", &err) : options_output("explore", path);
    return rc;
}

static int settle(explore_options *o, const char *operand, const ranks *rk) {
    roma_explore_config *c = &o->config;
    if (!c->shape == !operand) return usage_error("explore", "give --shape SHAPE or an image, one of them");
    if (operand)
        c->image = operand;
    else
        roma_design_name(c->shape, &c->shape, &c->image);
    c->set = o->set.item;
    c->n_set = o->set.n;
    int rc = workload_settle("explore", o->targets, &c->work);
    if (rc == OPTIONS_GO) rc = limit("max-mm2", o->max_mm2, &c->max_mm2);
    if (rc == OPTIONS_GO) rc = limit("max-w", o->max_w, &c->max_w);
    if (rc == OPTIONS_GO) rc = limit("min-tok-s", o->min_tok_s, &c->min_tok_s);
    if (rc == OPTIONS_GO) rc = lifted("max-die", o->max_die, ROMA_COST_DIE_MM2, &c->max_die_mm2);
    if (rc == OPTIONS_GO) rc = lifted("max-junction", o->max_junction, ROMA_COST_JUNCTION_C, &c->max_junction_c);
    if (rc == OPTIONS_GO && o->json && o->csv && strcmp(o->csv, "-") == 0)
        return usage_error("explore", "--json and --csv - both want standard output");
    if (rc == OPTIONS_GO && c->only && !c->n_set && o->points != 1)
        return usage_error("explore",
                           "--only varies what --set names, which is missing; --points 1 is the chip itself");
    if (!o->points) o->points = 10000;
    if (!o->threads) o->threads = (uint32_t)(roma_cpu_count() > rk->size ? roma_cpu_count() / rk->size : 1);
    if (o->threads > 64) o->threads = 64;
    return rc == OPTIONS_GO && o->best ? announce_best(o) : rc;
}

static int parse(explore_options *o, int argc, char **argv, const ranks *rk) {
    const char *operand[OPERANDS_MAX] = {NULL};
    size_t n;
    const option own[] = {
        SHAPE_OPTION(o->config.shape),
        {"chip", 0, OPT_TEXT, &o->config.chip, "NAME|FILE", 0, 0,
         "chip that all else is taken from (default: roma-contract)"},
        {"points", 'n', OPT_COUNT, &o->points, "N", 1, 1000000, "points of the design space (default: 10000)"},
        {"seed", 's', OPT_U64, &o->config.seed, "S", 0, 0, "another seed draws other points (default: 0)"},
        {"set", 0, OPT_TEXTS, &o->set, "KEY=...", 0, 0,
         "vary a parameter over LO..HI or A,B,C, or fix it at V; may be repeated"},
        {"only", 0, OPT_FLAG, &o->config.only, NULL, 0, 0, "vary nothing but what --set names"},
        {"max-mm2", 0, OPT_TEXT, &o->max_mm2, "A", 0, 0, "refuse chips larger than A mm2"},
        {"max-w", 0, OPT_TEXT, &o->max_w, "W", 0, 0, "refuse chips of more than W watts while decoding"},
        {"min-context", 0, OPT_COUNT, &o->config.min_context, "N", 1, 16777216,
         "refuse chips with cache for fewer than N tokens a sequence"},
        {"min-tok-s", 0, OPT_TEXT, &o->min_tok_s, "T", 0, 0, "refuse chips that decode less than T tokens a second"},
        {"max-die", 0, OPT_TEXT, &o->max_die, "MM2", 0, 0,
         "refuse dies larger than MM2 mm2 (default: 858, what a scanner prints at once; 0 or none: no limit)"},
        {"max-junction", 0, OPT_TEXT, &o->max_junction, "C", 0, 0,
         "refuse junctions hotter than C degrees C while decoding (default: 105; 0 or none: no limit)"},
        KV_DESIGN_OPTION(o->config.kv),
        {"csv", 0, OPT_OUT, &o->csv, "FILE", 0, 0, "every feasible point; - is standard output"},
        {"svg", 0, OPT_OUT, &o->svg, "FILE", 0, 0, "picture of rate, area and energy"},
        {"best", 0, OPT_TEXT, &o->best, "DIR", 0, 0, "the ends of the front as chip files"},
        {"threads", 't', OPT_COUNT, &o->threads, "N", 1, 64, "threads (default: all CPUs)"},
        {"json", 0, OPT_FLAG, &o->json, NULL, 0, 0, "one JSON object on standard output"},
        {0}};
    const option shared[] = {WORKLOAD_OPTIONS(o->config.work, o->targets), DIES_OPTION(*o), {0}};
    const usage u = {"explore",
                     "--shape SHAPE|IMAGE [options]",
                     "Draws chips from a design space, evaluates a model on each, and finds those that no other one "
                     "beats in rate, area, energy\n"
                     "and cost at once.",
                     "roma explore --shape llama-3.2-3b --max-mm2 400 --set model.bits=4 --svg front.svg",
                     own,
                     shared,
                     0,
                     1};
    const int rc = options_parse(&u, argc, argv, operand, &n);
    return rc == OPTIONS_GO ? settle(o, n ? operand[0] : NULL, rk) : rc;
}

int verb_explore(int argc, char **argv) {
    const ranks rk = ranks_begin();
    explore_options o = {.config.work = roma_cost_workload_usual()};
    const int rc = parse(&o, argc, argv, &rk);
    if (rc != OPTIONS_GO) return ranks_end(&rk, rc, true);
    return explore(&o, &rk);
}
