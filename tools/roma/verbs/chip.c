/* roma chip: a chip on one page, or every parameter with its source. */
#include "design.h"
#include "show/chip_show.h"

typedef struct {
    design_options design;
    bool json, all, list, write, document;
} chip_options;

/* What needs a model: the one the paper measures, where none is named. */
static int with_model(const roma_chip *chip, const chip_options *o, roma_buf *b, roma_error *err) {
    roma_sim s;
    roma_sim_figures f;
    roma_buf hazards = {0};
    roma_sim_config c = {.design = {.made = chip, .format = o->design.config.format, .dies = o->design.config.dies},
                         .work = roma_cost_workload_usual()};
    const char *model = o->design.config.shape ? o->design.config.shape : "llama-3.2-3b";
    roma_design_name(model, &c.design.shape, &c.design.image);
    int rc = roma_sim_open(&s, &c, err);
    if (rc) return rc;
    rc = roma_sim_evaluate(&s, !o->json, &f, err);
    if (!rc) roma_sim_hazards(&s, &f.cost, &hazards);
    roma_buf_append(&hazards, "", 1);
    const char *warnings = hazards.failed ? "" : (const char *)hazards.data;
    if (!rc && o->json)
        chip_json_print(&s, warnings, b);
    else if (!rc)
        chip_page(&s, &f, b);
    if (!rc && !o->json) warn("chip", chip->name, warnings);
    roma_buf_destroy(&hazards);
    roma_sim_close(&s);
    return rc;
}

static int show(const chip_options *o, roma_error *err) {
    const roma_design_config asked = {
        .chip = o->design.config.chip, .set = o->design.set.item, .n_set = o->design.set.n};
    roma_chip chip;
    roma_buf b = {0};
    int rc = ROMA_OK;
    if (o->list) {
        chip_list(o->json, &b);
    } else if (o->document) {
        roma_chip_document(&b);
    } else if (!(rc = roma_design_chip(&chip, &asked, err))) {
        if (o->write)
            roma_chip_write(&chip, &b);
        else if (o->all && !o->json)
            roma_chip_print(&chip, &b);
        else
            rc = with_model(&chip, o, &b, err);
    }
    if (!rc) return o->write || o->document ? print_buf("chip", &b, 0) : print_page("chip", &b, 0);
    roma_buf_destroy(&b);
    return fail("chip", err);
}

int verb_chip(int argc, char **argv) {
    static chip_options o;
    const char *operand[OPERANDS_MAX] = {NULL};
    size_t n;
    const option own[] = {
        {"all", 'a', OPT_FLAG, &o.all, NULL, 0, 0, "every parameter with its range, unit, quality and source"},
        {"json", 0, OPT_FLAG, &o.json, NULL, 0, 0,
         "the parameters and what of the model fits, or with --list the chips, as one JSON object"},
        {"write", 0, OPT_FLAG, &o.write, NULL, 0, 0, "the whole chip as a file that loads again"},
        {"list", 0, OPT_FLAG, &o.list, NULL, 0, 0, "the built-in chips"},
        {"document", 0, OPT_FLAG, &o.document, NULL, 0, 0, "what each parameter means, as Markdown"},
        {"set", 0, OPT_TEXTS, &o.design.set, "KEY=V", 0, 0, "override a parameter, as lunit.lanes=32; may be repeated"},
        {0}};
    const option shared[] = {SHAPE_OPTIONS(o.design), DIES_OPTION(o.design), {0}};
    const usage u = {"chip",
                     "[NAME|FILE] [options]",
                     "Checks a chip description, a file or the name of a built-in one, and describes it on one page. "
                     "Without one: roma,\n"
                     "the chip of the paper.",
                     "roma chip roma-contract",
                     own,
                     shared,
                     0,
                     1};
    const int rc = options_parse(&u, argc, argv, operand, &n);
    if (rc != OPTIONS_GO) return rc;
    static const option_need needs[] = {{"bits", "shape"}, {"group", "shape"}, {"head-bits", "shape"}, {0}};
    static const char *const of_one[] = {"all", "write", "set", "shape", "bits", "group", "head-bits", "chips", NULL};
    static const char *const of_a_page[] = {"shape", "bits", "group", "head-bits", "chips", NULL};
    int wrong = options_need("chip", needs);
    if (wrong == OPTIONS_GO && (o.list || o.document))
        wrong = options_refuse("chip", of_one, "is of one chip; --list and --document are of all");
    if (wrong == OPTIONS_GO && (o.all || o.write))
        wrong = options_refuse("chip", of_a_page, "is of a model on the chip; --all and --write have the chip alone");
    if (wrong != OPTIONS_GO) return wrong;
    if (n && (o.list || o.document))
        return usage_error("chip", "--list and --document are of all chips and take no name");
    if (o.all + o.write + o.list + o.document + (o.json && !o.list) > 1)
        return usage_error("chip", "give one of --all, --write, --list, --document and --json, which are pages of "
                                   "their own; --json goes with --list too");
    roma_error err;
    o.design.config.chip = n ? operand[0] : NULL;
    return show(&o, &err);
}
