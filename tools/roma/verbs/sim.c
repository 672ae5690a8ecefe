/* roma sim: what a chip would do with a model. */
#include "show/sim_show.h"
#include "design.h"
#include "workload.h"

#include <string.h>

typedef struct {
    design_options design;
    roma_workload work;
    const char *targets, *defects, *mix, *trace, *instances, *floorplan, *by, *roofline, *energy, *curve, *csv, *max_w;
    uint32_t curve_to, threads;
    roma_cost_drawing mc;
    bool json, path, no_ranges, toggles, dvfs;
} sim_options;

/* ---- pictures and files ---- */

static bool ends_with(const char *text, const char *end) {
    const size_t n = strlen(text), m = strlen(end);
    return n > m && strcmp(text + n - m, end) == 0;
}

static int write_instances(roma_sim *s, const char *path, roma_error *err) {
    roma_table t = {0};
    roma_buf b = {0};
    const int rc = sim_instances(s, &t, err);
    if (!rc) roma_report_table_csv(&t, &b);
    roma_table_destroy(&t);
    return rc ? rc : write_buf(&b, path, err);
}

static int draw_curve(const roma_sim *s, const sim_options *o, const roma_table *t, roma_error *err) {
    roma_buf b = {0};
    roma_mark mark = {.at = (double)roma_sim_capacity(s)};
    roma_print(mark.name, sizeof mark.name, "capacity: %.0f tokens of each sequence", mark.at);
    if (ends_with(o->curve, ".csv"))
        roma_report_table_csv(t, &b);
    else
        roma_report_marked_curves_svg(t, 0, (const size_t[]){1}, 1, (roma_axes){false, false}, &mark, &b);
    return write_buf(&b, o->curve, err);
}

static int draw_floorplan(roma_sim *s, const sim_options *o, const roma_cost *cost, roma_error *err) {
    static const char *const names[] = {"area", "power", "utilisation"};
    roma_floorplan f;
    roma_buf b = {0};
    int by = -1;
    for (int i = 0; i < 3; i++)
        if (strcmp(o->by, names[i]) == 0) by = i;
    if (by < 0) return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE, "--floorplan-by takes area, power or utilisation");
    int rc = roma_cost_floorplan(&f, &s->design.place, cost, err);
    if (rc) return rc;
    roma_report_floorplan_svg(&f, (roma_floor_colour)by, &b);
    roma_floorplan_destroy(&f);
    return write_buf(&b, o->floorplan, err);
}

static int draw_trace(roma_sim *s, const sim_options *o, roma_error *err) {
    roma_timeline t = {0};
    roma_buf b = {0};
    char process[192];
    roma_print(process, sizeof process, "%.60s on %.60s", s->design.desc->name, s->design.place.chip.name);
    int rc = roma_sim_timeline(s, &t, err);
    /* a name ends as what it holds: browsers take 4 MB of compressed trace, which are some 64 MB */
    if (!rc && ends_with(o->trace, ".json"))
        rc = roma_report_trace_plain(&t, process, 64 << 20, &b, err);
    else if (!rc)
        rc = roma_report_trace(&t, process, 4 << 20, &b, err);
    roma_timeline_destroy(&t);
    if (!rc) return write_buf(&b, o->trace, err);
    roma_buf_destroy(&b);
    return rc;
}

static int draw(roma_sim *s, const sim_options *o, const sim_shown *v, roma_error *err) {
    int rc = ROMA_OK;
    if (o->floorplan) rc = draw_floorplan(s, o, v->cost, err);
    if (!rc && o->roofline) {
        roma_buf b = {0};
        sim_roofline(s, v->cost, &b);
        rc = write_buf(&b, o->roofline, err);
    }
    if (!rc && o->energy) {
        roma_buf b = {0};
        sim_energy(s, v->cost, &b);
        rc = write_buf(&b, o->energy, err);
    }
    if (!rc && o->curve) rc = draw_curve(s, o, &v->table[SIM_CURVE], err);
    if (!rc && o->trace) rc = draw_trace(s, o, err);
    if (!rc && o->csv) {
        roma_buf csv = {0};
        roma_report_list_csv(&v->list, &csv);
        rc = write_buf(&csv, o->csv, err);
    }
    if (!rc && o->instances) rc = write_instances(s, o->instances, err);
    return rc;
}

static int draw_chips(const roma_sim *s, const sim_options *o, draws_shown *mc, roma_error *err) {
    roma_cost_drawing d = o->mc;
    workload_drawing(&d, o->threads);
    *mc = (draws_shown){.work = &s->work, .seed = d.seed};
    const int rc = d.n ? roma_cost_draw(&mc->draws, &s->design.place, &s->work, &d, err) : ROMA_OK;
    progress_end();
    return rc;
}

/* What is refused comes before the first file is written. */
static int tabulate(roma_sim *s, const sim_options *o, sim_shown *v, roma_error *err) {
    int rc = ROMA_OK;
    if (o->mix) rc = sim_mixes(s, o->mix, o->json, &v->table[SIM_MIXES], err);
    if (!rc && o->path) rc = sim_path(s, &v->table[SIM_PATH], err);
    if (!rc && o->curve) rc = sim_curve(s, o->curve_to, &v->table[SIM_CURVE], err);
    return rc ? rc : draw_chips(s, o, v->mc, err);
}

static int print(const sim_options *o, const sim_shown *v) {
    roma_buf out = {0}, hazards = {0};
    roma_sim_hazards(v->s, v->cost, &hazards);
    roma_buf_append(&hazards, "", 1);
    if (!o->json && !hazards.failed) warn("sim", v->s->design.place.chip.name, (const char *)hazards.data);
    roma_buf_destroy(&hazards);
    (o->json ? sim_print_json : sim_print_text)(v, &out);
    return print_page("sim", &out, 0);
}

static int simulate(roma_sim *s, const sim_options *o, roma_error *err) {
    roma_sim_figures f;
    draws_shown mc = {.seed = 0};
    roma_sim_dvfs dvfs;
    sim_shown v = {.s = s, .cost = &f.cost, .defects = o->defects, .mc = &mc};
    int rc = roma_sim_evaluate(s, !o->no_ranges, &f, err);
    if (!rc && o->dvfs) rc = roma_sim_supplies(s, &dvfs, err);
    if (o->dvfs) v.dvfs = &dvfs;
    if (!rc) roma_sim_result(s, &f, &v.list);
    if (!rc) rc = tabulate(s, o, &v, err);
    if (!rc) rc = draw(s, o, &v, err);
    if (!rc) rc = print(o, &v);
    roma_result_destroy(&v.list);
    roma_cost_draws_destroy(&mc.draws);
    for (int i = 0; i < SIM_TABLES; i++) roma_table_destroy(&v.table[i]);
    return rc;
}

static int run(const sim_options *o, const char *image) {
    roma_sim s;
    roma_error err;
    roma_sim_config c = {.work = o->work, .defects = o->defects, .toggles = o->toggles};
    int rc = design_asked(&c.design, &o->design, image, &err);
    if (!rc && o->toggles && !c.design.image)
        rc = roma_fail(&err, ROMA_EUSAGE, "", ROMA_NOWHERE, "--toggles counts the bits of an image; a shape has none");
    if (!rc) rc = roma_sim_open(&s, &c, &err);
    if (rc) return fail("sim", &err);
    rc = simulate(&s, o, &err);
    roma_sim_close(&s);
    return rc < 0 ? fail("sim", &err) : rc;
}

int verb_sim(int argc, char **argv) {
    static sim_options o;
    const char *operand[OPERANDS_MAX] = {NULL};
    size_t n;
    o.work = roma_cost_workload_usual();
    o.by = "power";
    o.curve_to = 4096;
    const option own[] = {
        WORKLOAD_OPTIONS(o.work, o.targets),
        DIES_OPTION(o.design),
        KV_DESIGN_OPTION(o.design.config.kv),
        DRAWS_OPTIONS(o.mc, o.threads, "draw N chips from the ranges: percentiles of what these do"),
        {"max-w", 0, OPT_TEXT, &o.max_w, "W", 0, 0, "power cap: also the rate under it"},
        {"defects", 0, OPT_TEXT, &o.defects, "MAP", 0, 0, "wrong ROM words by matrix unit: the rate after repair"},
        {"toggles", 0, OPT_FLAG, &o.toggles, NULL, 0, 0,
         "count the image's own bit toggles for the energy of ROM reads"},
        {"mix", 0, OPT_TEXT, &o.mix, "P:O,...", 0, 0, "latency of requests of P prompt and O output tokens: p50, p99"},
        {"dvfs", 0, OPT_FLAG, &o.dvfs, NULL, 0, 0,
         "rate, energy and heat over supply and clock: which is least, which is fastest within --max-w"},
        {"path", 0, OPT_FLAG, &o.path, NULL, 0, 0, "cycles of the decode step along its critical path"},
        {"trace", 0, OPT_OUT, &o.trace, "FILE", 0, 0,
         "trace of the prefill and a decode step, for ui.perfetto.dev (.json.gz, or plain .json)"},
        {"instances", 0, OPT_OUT, &o.instances, "FILE", 0, 0,
         "the decode step instance by instance: start, busy, end (CSV)"},
        {"floorplan", 0, OPT_OUT, &o.floorplan, "FILE", 0, 0, "floorplan (SVG)"},
        {"floorplan-by", 0, OPT_TEXT, &o.by, "area|power|utilisation", 0, 0, "its colour (default: power)"},
        {"roofline", 0, OPT_OUT, &o.roofline, "FILE", 0, 0, "roofline beside a GPU with HBM (SVG)"},
        {"energy", 0, OPT_OUT, &o.energy, "FILE", 0, 0, "where the energy of a token goes (SVG)"},
        {"curve", 0, OPT_OUT, &o.curve, "FILE", 0, 0,
         "decode rate over the context, and where the cache ends (SVG; as .csv with power, energy, time to first "
         "token)"},
        {"curve-to", 0, OPT_COUNT, &o.curve_to, "N", 16, 1048576, "its last context (default: 4096)"},
        {"no-ranges", 0, OPT_FLAG, &o.no_ranges, NULL, 0, 0, "only the middle values: faster"},
        {"csv", 0, OPT_OUT, &o.csv, "FILE", 0, 0, "the figures as CSV"},
        {"json", 0, OPT_FLAG, &o.json, NULL, 0, 0, "one JSON object on standard output"},
        {0}};
    const option shared[] = {SHAPE_OPTIONS(o.design), CHIP_OPTIONS(o.design), {0}};
    const usage u = {"sim",
                     "[IMAGE] [options]",
                     "Says what a chip would do with a model: time, energy, power, area, what fits, yield and cost, "
                     "each with the range that the\n"
                     "uncertainty of the chip's constants leaves, and the constant that moves it most. The model is an "
                     "image or a shape.",
                     "roma sim --shape llama-3.2-3b --context 1024 --trace step.json.gz",
                     own,
                     shared,
                     0,
                     1};
    int rc = options_parse(&u, argc, argv, operand, &n);
    static const option_need needs[] = {
        {"floorplan-by", "floorplan"}, {"curve-to", "curve"}, {"seed", "mc"}, {"threads", "mc"}, {0}};
    if (rc == OPTIONS_GO) rc = options_need("sim", needs);
    if (rc == OPTIONS_GO) rc = workload_settle("sim", o.targets, &o.work);
    if (rc == OPTIONS_GO) rc = workload_limit("sim", "max-w", o.max_w, &o.work.max_w);
    if (rc != OPTIONS_GO) return rc;
    return run(&o, n ? operand[0] : NULL);
}
