/* roma compare: two chips with one model, over paired draws of what is uncertain. */
#include "show/compare_show.h"
#include "design.h"
#include "workload.h"

#include <string.h>

typedef struct {
    design_options design; /* .set has the overrides of both chips */
    text_list set[2];
    roma_workload work;
    const char *targets, *max_w;
    roma_cost_drawing mc;
    uint32_t threads;
    bool json;
} compare_options;

/* A:KEY=V and B:KEY=V are one chip's, KEY=V is both's. */
static void share_sets(compare_options *o) {
    for (size_t i = 0; i < o->design.set.n; i++) {
        const char *item = o->design.set.item[i];
        for (int k = 0; k < 2; k++) {
            const bool named = (item[0] == 'A' || item[0] == 'B') && item[1] == ':';
            if (!named || item[0] == "AB"[k]) o->set[k].item[o->set[k].n++] = item + (named ? 2 : 0);
        }
    }
}

static int run(compare_options *o, const char *const chips[2]) {
    static roma_compare x;
    roma_error err;
    roma_buf out = {0};
    roma_compare_config c = {.work = o->work, .drawing = o->mc};
    int rc = design_asked(&c.chip[0], &o->design, NULL, &err);
    if (rc) return fail("compare", &err);
    c.chip[1] = c.chip[0];
    for (int k = 0; k < 2; k++) {
        c.chip[k].chip = chips[k];
        c.chip[k].set = o->set[k].item;
        c.chip[k].n_set = o->set[k].n;
    }
    rc = roma_compare_open(&x, &c, &err);
    progress_end();
    if (rc) return fail("compare", &err);
    (o->json ? compare_print_json : compare_print_text)(&x, o->mc.seed, &out);
    roma_compare_close(&x);
    return print_page("compare", &out, 0);
}

int verb_compare(int argc, char **argv) {
    static compare_options o;
    const char *operand[OPERANDS_MAX] = {NULL};
    size_t n;
    o.work = roma_cost_workload_usual();
    const option own[] = {
        {"set", 0, OPT_TEXTS, &o.design.set, "[A:|B:]KEY=V", 0, 0,
         "override a parameter of both chips, or of one, as B:lunit.lanes=32; may be repeated"},
        DRAWS_OPTIONS(o.mc, o.threads, "pairs of chips that are drawn from the ranges (default: 2000)"),
        {"max-w", 0, OPT_TEXT, &o.max_w, "W", 0, 0, "power cap: also the rate under it"},
        DIES_OPTION(o.design),
        KV_DESIGN_OPTION(o.design.config.kv),
        {"json", 0, OPT_FLAG, &o.json, NULL, 0, 0, "one JSON object on standard output"},
        {0}};
    const option shared[] = {SHAPE_OPTIONS(o.design), WORKLOAD_OPTIONS(o.work, o.targets), {0}};
    const usage u = {"compare",
                     "CHIP_A CHIP_B --shape SHAPE|IMAGE [options]",
                     "Says what two chips do with a model, and how sure their ratio is: pairs of chips are drawn from "
                     "the ranges of their constants,\nwhat both have in common once for both.",
                     "roma compare roma-contract roma-better --shape llama-3.2-3b --context 1024",
                     own,
                     shared,
                     2,
                     2};
    int rc = options_parse(&u, argc, argv, operand, &n);
    if (rc == OPTIONS_GO && !o.design.config.shape)
        return usage_error("compare", "give the model: --shape SHAPE, or --shape IMAGE");
    if (rc == OPTIONS_GO) rc = workload_settle("compare", o.targets, &o.work);
    if (rc == OPTIONS_GO) rc = workload_limit("compare", "max-w", o.max_w, &o.work.max_w);
    if (rc != OPTIONS_GO) return rc;
    if (!o.mc.n) o.mc.n = 2000;
    workload_drawing(&o.mc, o.threads);
    share_sets(&o);
    return run(&o, operand);
}
