/* roma plan: the chip's program for a model, where a chip has the model, and how the engine shares it among threads. */
#include "design.h"
#include "show/place_show.h"
#include "show/shares.h"
#include "workload.h"

typedef struct {
    design_options design;
    roma_workload work;
    bool json, no_verify, place;
    uint32_t threads, rows, context;
} plan_options;

/* A design looks at no checksums. */
static int check_image(const char *path, roma_error *err) {
    roma_image checked;
    const int rc = image_open(&checked, path, false, 0, err);
    if (!rc) roma_image_close(&checked);
    return rc;
}

static int print(const plan_options *o, const roma_design *d, roma_buf *b, roma_error *err) {
    if (o->threads) return shares_print(&d->plan, (int)o->threads, o->rows, o->context, o->json, b, err);
    if (o->place)
        (o->json ? place_print_json : place_print_text)(&d->place, &o->work, b);
    else if (o->json)
        plan_print_json(&d->place, &o->work, b);
    else
        plan_print_text(&d->place, b);
    return ROMA_OK;
}

static int run(plan_options *o, const char *image) {
    roma_error err;
    roma_design d;
    roma_buf b = {0};
    roma_design_config asked;
    int rc = design_asked(&asked, &o->design, image, &err);
    if (!rc && asked.image && !o->no_verify) rc = check_image(asked.image, &err);
    if (!rc) rc = roma_design_open(&d, &asked, &err);
    if (rc) return fail("plan", &err);
    o->work.activation_bytes = roma_design_activations(&d.plan, 0, o->work.batch);
    rc = print(o, &d, &b, &err);
    roma_design_close(&d);
    if (!rc) return print_page("plan", &b, 0);
    roma_buf_destroy(&b);
    return fail("plan", &err);
}

int verb_plan(int argc, char **argv) {
    static plan_options o;
    const char *operand[OPERANDS_MAX] = {NULL};
    size_t n;
    o.work = roma_cost_workload_usual();
    o.work.prompt = 0;
    o.rows = ROMA_EXEC_ROWS_USUAL;
    o.context = 1024;
    const option own[] = {
        {"place", 0, OPT_FLAG, &o.place, NULL, 0, 0,
         "instead: where the chip has every matrix, vector, value and page of the cache"},
        {"rank", 'r', OPT_COUNT, &o.work.rank, "R", 0, 512, "rank of the adapters beside the cache (default: 16)"},
        {"adapters", 0, OPT_COUNT, &o.work.adapters, "N", 1, 65536, "how many of them (default: 1)"},
        KV_DESIGN_OPTION(o.design.config.kv),
        {"threads", 't', OPT_COUNT, &o.threads, "N", 1, 64,
         "instead: the work of each of N threads between two barriers, by the engine's own shares"},
        {"context", 'c', OPT_COUNT, &o.context, "N", 1, 16777216,
         "of those: positions that the last row sees (default: 1024)"},
        {"rows", 0, OPT_COUNT, &o.rows, "N", 2, ROMA_EXEC_ROWS_MAX,
         "of those: rows of the step that has more than one (default: 128)"},
        {"json", 0, OPT_FLAG, &o.json, NULL, 0, 0, "one JSON object on standard output"},
        {"no-verify", 0, OPT_FLAG, &o.no_verify, NULL, 0, 0, "skip the checksums on opening"},
        {0}};
    const option shared[] = {SHAPE_OPTIONS(o.design), CHIP_OPTIONS(o.design), DIES_OPTION(o.design), {0}};
    const usage u = {"plan",
                     "[IMAGE] [options]",
                     "Prints the operations of one step in order, each with its kind of unit, its values and its "
                     "tensor; with --place where a chip\n"
                     "has the words and pages of the model, with --threads how the engine shares the operations out.",
                     "roma plan --shape llama-3.2-3b --place",
                     own,
                     shared,
                     0,
                     1};
    static const option_need needs[] = {{"context", "threads"},     {"rows", "threads"}, {"rank", "place|json"},
                                        {"adapters", "place|json"}, {"kv", "place"},     {0}};
    static const char *const of_chips[] = {"chip", "set", "chips", "rank", "adapters", "kv", NULL};
    int rc = options_parse(&u, argc, argv, operand, &n);
    if (rc == OPTIONS_GO) rc = options_need("plan", needs);
    if (rc == OPTIONS_GO && o.threads)
        rc = options_refuse("plan", of_chips, "is of a chip; --threads shows the engine's shares, which know none");
    if (rc == OPTIONS_GO) rc = workload_settle("plan", NULL, &o.work);
    if (rc != OPTIONS_GO) return rc;
    if (o.threads && o.context < o.rows)
        return usage_error("plan", "--context %u is less than the step's --rows %u", o.context, o.rows);
    if (o.threads && o.place) return usage_error("plan", "--threads does not go with --place");
    return run(&o, n ? operand[0] : NULL);
}
