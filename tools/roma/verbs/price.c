/* roma price: masks, NRE, dies, a million tokens, break-even. */
#include "show/price_show.h"
#include "design.h"
#include "workload.h"

#include <string.h>

typedef struct {
    design_options design;
    roma_price_config ask;
    text_list set;
    const char *volume, *csv;
    bool json, list, no_ranges;
} price_options;

static int print(const roma_price *p, const price_options *o) {
    roma_result list = {0};
    roma_buf out = {0}, doubts = {0}, csv = {0};
    roma_error err;
    int rc = ROMA_OK;
    roma_price_result(p, &list);
    out.failed = list.failed;
    if (list.n == ROMA_PRICED_N && o->csv) {
        roma_report_list_csv(&list, &csv);
        rc = write_buf(&csv, o->csv, &err);
    }
    if (list.n == ROMA_PRICED_N) (o->json ? price_print_json : price_print_text)(p, &list, &out);
    roma_result_destroy(&list);
    roma_price_doubts(p, &doubts);
    roma_buf_append(&doubts, "", 1);
    if (!o->json && !doubts.failed) warn("price", p->design.place.chip.name, (const char *)doubts.data);
    roma_buf_destroy(&doubts);
    if (!rc) return print_page("price", &out, 0);
    roma_buf_destroy(&out);
    return fail("price", &err);
}

/* The prices alone: of the chip's node and style, with what the command line changes. */
static int print_prices(const roma_price_config *c) {
    roma_chip chip;
    roma_prices p;
    roma_error err;
    roma_buf out = {0};
    int rc = roma_design_chip(&chip, &c->design, &err);
    if (!rc) rc = roma_prices_open(&p, &chip, c, &err);
    if (rc) return fail("price", &err);
    price_print_list(&p, &out);
    return print_buf("price", &out, 0);
}

static int run(price_options *o, const char *image) {
    roma_price p;
    roma_error err;
    roma_price_config *c = &o->ask;
    int rc = ROMA_OK;
    c->set = o->set.item;
    c->n_set = o->set.n;
    c->ranges = !o->no_ranges;
    if (o->list) {
        c->design = o->design.config;
        c->design.set = o->design.set.item;
        c->design.n_set = o->design.set.n;
        return print_prices(c);
    }
    rc = design_asked(&c->design, &o->design, image, &err);
    if (!rc) rc = roma_price_open(&p, c, &err);
    if (rc) return fail("price", &err);
    rc = print(&p, o);
    roma_price_close(&p);
    return rc;
}

int verb_price(int argc, char **argv) {
    static price_options o;
    const char *operand[OPERANDS_MAX] = {NULL};
    size_t n;
    o.ask = (roma_price_config){.prompt = 256, .output = 256, .batch = 1, .rank = ROMA_RANK_USUAL, .volume = 1e5};
    static const char *const of_an_answer[] = {"shape",     "bits", "group", "head-bits", "prompt", "output",
                                               "batch",     "rank", "chips", "kv",        "volume", "against",
                                               "no-ranges", "csv",  "json",  NULL};
    const option own[] = {
        {"prompt", 'p', OPT_COUNT, &o.ask.prompt, "N", 0, ROMA_COST_PROMPT_MAX,
         "tokens of a request's prompt (default: 256)"},
        {"output", 0, OPT_COUNT, &o.ask.output, "N", 1, ROMA_COST_PROMPT_MAX, "tokens of its answer (default: 256)"},
        {"batch", 'b', OPT_COUNT, &o.ask.batch, "B", 1, ROMA_COST_BATCH_MAX, "sequences decoded together (default: 1)"},
        {"rank", 'r', OPT_COUNT, &o.ask.rank, "R", 0, ROMA_COST_RANK_MAX, "rank of the adapter (default: 16; 0: none)"},
        DIES_OPTION(o.design),
        KV_DESIGN_OPTION(o.design.config.kv),
        {"against", 0, OPT_TEXT, &o.ask.against, "NAME|FILE", 0, 0,
         "the alternative is this chip, for the same model and requests (default: renting)"},
        {"volume", 0, OPT_TEXT, &o.volume, "N", 0, 0, "chips that share masks and design (default: 100000)"},
        {"price", 0, OPT_TEXTS, &o.set, "KEY=V", 0, 0,
         "override a price, as rent.output=0.1 or \"mask.set=9e6 [7e6 .. 1e7]\"; may be repeated"},
        {"prices", 0, OPT_TEXT, &o.ask.prices, "FILE", 0, 0, "override prices by a file, as --list prints one"},
        {"list", 0, OPT_FLAG, &o.list, NULL, 0, 0, "print the prices with ranges and sources, and nothing else"},
        {"no-ranges", 0, OPT_FLAG, &o.no_ranges, NULL, 0, 0, "only the middle values: faster"},
        {"csv", 0, OPT_OUT, &o.csv, "FILE", 0, 0, "the figures as CSV"},
        {"json", 0, OPT_FLAG, &o.json, NULL, 0, 0, "one JSON object on standard output"},
        {0}};
    const option shared[] = {SHAPE_OPTIONS(o.design), CHIP_OPTIONS(o.design), {0}};
    const usage u = {"price",
                     "[IMAGE] [options]",
                     "Says what a chip for a model costs: masks and those that another model changes, design, dies, "
                     "test, package, a million tokens,\n"
                     "and from how many chips on it is cheaper than renting, each with the range that the chip's "
                     "constants and the prices leave.",
                     "roma price --shape llama-3.2-3b --chip roma-contract --volume 1e6 --price rent.output=0.1",
                     own,
                     shared,
                     0,
                     1};
    int rc = options_parse(&u, argc, argv, operand, &n);
    if (rc == OPTIONS_GO) rc = workload_limit("price", "volume", o.volume, &o.ask.volume);
    if (rc == OPTIONS_GO && o.list)
        rc = options_refuse("price", of_an_answer, "belongs to an answer; --list prints prices alone");
    if (rc != OPTIONS_GO) return rc;
    if (o.list && n) return usage_error("price", "--list takes no image: prices follow --chip alone");
    if (o.json && o.csv && strcmp(o.csv, "-") == 0)
        return usage_error("price", "--json and --csv - both want standard output");
    return run(&o, n ? operand[0] : NULL);
}
