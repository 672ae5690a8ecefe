/* roma serve-sim: a chip under load. */
#include "show/load_show.h"
#include "design.h"

#include <stdlib.h>
#include <string.h>

enum { LOADS_MAX = 64 };
typedef struct {
    double v[LOADS_MAX];
    bool is_share[LOADS_MAX];
    size_t n;
} load_list;

typedef struct {
    design_options design;
    roma_serve_sim_config ask;
    const char *load, *prompt, *output, *csv, *svg;
    load_list loads;
    bool json;
} load_options;

/* ---- options ---- */

/* "50,120.5,80%": requests a second, or shares of what a full batch completes. */
static int read_loads(load_list *l, const char *text) {
    char shown[64];
    for (const char *at = text;; at++) {
        size_t n = strcspn(at, ",");
        const char *end = at + n;
        if (l->n == LOADS_MAX) return usage_error("serve-sim", "--load takes %d loads at most", LOADS_MAX);
        const bool is_share = n && end[-1] == '%';
        double *v = &l->v[l->n];
        if (!roma_real_read(at, n - is_share, v) || !(*v > 0 && *v <= 1e12))
            return usage_error("serve-sim",
                               "--load takes requests a second, or shares as 80%%, above 0 with commas between, not "
                               "'%s'",
                               roma_error_name(shown, sizeof shown, text, strlen(text)));
        if (is_share) *v /= 100;
        l->is_share[l->n++] = is_share;
        at = end;
        if (!*at) return OPTIONS_GO;
    }
}

/* "256", or "32..512": any number of these. */
static int read_lengths(const char *name, const char *text, uint32_t *least, uint32_t *most) {
    char shown[64];
    double v[2];
    if (!text) return OPTIONS_GO;
    const char *dots = strstr(text, "..");
    const size_t n = dots ? (size_t)(dots - text) : strlen(text);
    const char *second = dots ? dots + 2 : text;
    if (!roma_real_read(text, n, &v[0]) || !roma_real_read(second, dots ? strlen(second) : n, &v[1]) ||
        !(v[0] >= 1 && v[0] <= v[1] && v[1] <= ROMA_COST_PROMPT_MAX) || v[0] != (uint32_t)v[0] ||
        v[1] != (uint32_t)v[1])
        return usage_error("serve-sim", "--%s takes 1 to %d tokens, or LEAST..MOST, not '%s'", name,
                           ROMA_COST_PROMPT_MAX, roma_error_name(shown, sizeof shown, text, strlen(text)));
    *least = (uint32_t)v[0];
    *most = (uint32_t)v[1];
    return OPTIONS_GO;
}

static int settle(load_options *o) {
    static const char *const drawn[] = {"load", "requests", "prompt", "output", "seed", NULL};
    int rc = read_lengths("prompt", o->prompt, &o->ask.prompt_least, &o->ask.prompt_most);
    if (rc == OPTIONS_GO) rc = read_lengths("output", o->output, &o->ask.output_least, &o->ask.output_most);
    if (rc == OPTIONS_GO) rc = read_loads(&o->loads, o->load ? o->load : "20%,40%,60%,80%,90%,120%");
    if (rc == OPTIONS_GO && o->ask.arrivals)
        rc = options_refuse("serve-sim", drawn, "belongs to drawn requests; --arrivals has its own");
    if (rc == OPTIONS_GO && !o->ask.rank) {
        static const char *const adapters[] = {"adapters", "resident", NULL};
        rc = options_refuse("serve-sim", adapters, "asks for adapters, and --rank 0 for none");
    }
    if (rc == OPTIONS_GO && o->json && o->csv && strcmp(o->csv, "-") == 0)
        rc = usage_error("serve-sim", "--json and --csv - both want standard output");
    return rc;
}

/* ---- output ---- */

static int write_files(const roma_table *t, const load_options *o, roma_error *err) {
    roma_buf csv = {0}, svg = {0};
    int rc = ROMA_OK;
    if (o->csv) {
        roma_report_table_csv(t, &csv);
        rc = write_buf(&csv, o->csv, err);
    }
    if (rc || !o->svg) return rc;
    load_svg(t, &svg);
    return write_buf(&svg, o->svg, err);
}

static int tabulate(roma_serve_sim *s, const load_options *o, roma_table *t, roma_error *err) {
    int rc = ROMA_OK;
    load_columns(t, s);
    for (size_t i = 0; !rc && i < (s->is_drawn ? o->loads.n : 1); i++) {
        roma_serve_sim_row row;
        rc = roma_serve_sim_run(s, o->loads.v[i] * (o->loads.is_share[i] ? s->capacity : 1), &row, err);
        if (!rc) load_row(t, &row);
    }
    if (!rc && t->failed) rc = roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the rows");
    return rc;
}

static int run(load_options *o, const char *image) {
    roma_serve_sim s;
    roma_table t = {0};
    roma_buf out = {0};
    roma_error err;
    int rc = design_asked(&o->ask.design, &o->design, image, &err);
    if (!rc) rc = roma_serve_sim_open(&s, &o->ask, &err);
    if (rc) return fail("serve-sim", &err);
    rc = tabulate(&s, o, &t, &err);
    if (!rc) rc = write_files(&t, o, &err);
    if (!rc && o->json)
        load_print_json(&s, &t, o->ask.seed, &out);
    else if (!rc)
        load_print_text(&s, &t, &out);
    roma_table_destroy(&t);
    roma_serve_sim_close(&s);
    return rc ? fail("serve-sim", &err) : print_page("serve-sim", &out, 0);
}

int verb_serve_sim(int argc, char **argv) {
    static load_options o;
    const char *operand[OPERANDS_MAX] = {NULL};
    size_t n;
    o.ask = (roma_serve_sim_config){.requests = 2000,
                                    .prompt_least = 256,
                                    .prompt_most = 256,
                                    .output_least = 128,
                                    .output_most = 128,
                                    .batch = 16,
                                    .rank = ROMA_RANK_USUAL,
                                    .adapters = 1};
    const option own[] = {
        {"load", 0, OPT_TEXT, &o.load, "L,...", 0, 0,
         "requests a second, or shares of what a full batch completes, as 80% (default: 20%,40%,60%,80%,90%,120%)"},
        {"requests", 'n', OPT_COUNT, &o.ask.requests, "N", 1, ROMA_SERVE_SIM_REQUESTS_MAX,
         "requests of each load (default: 2000)"},
        {"prompt", 'p', OPT_TEXT, &o.prompt, "N|LO..HI", 0, 0, "tokens of their prompts, all or any of (default: 256)"},
        {"output", 0, OPT_TEXT, &o.output, "N|LO..HI", 0, 0, "tokens of their answers (default: 128)"},
        {"arrivals", 0, OPT_TEXT, &o.ask.arrivals, "FILE", 0, 0,
         "the requests instead: lines `seconds prompt output [adapter]`"},
        {"batch", 'b', OPT_COUNT, &o.ask.batch, "B", 1, ROMA_SERVE_SIM_BATCH_MAX,
         "sequences that run at once, as far as the SRAM holds them (default: 16)"},
        {"rank", 'r', OPT_COUNT, &o.ask.rank, "R", 0, ROMA_COST_RANK_MAX,
         "rank of the adapters (default: 16; 0: none)"},
        {"adapters", 0, OPT_COUNT, &o.ask.adapters, "N", 1, ROMA_COST_ADAPTERS_MAX,
         "distinct adapters that requests ask for (default: 1)"},
        {"resident", 0, OPT_COUNT, &o.ask.resident, "N", 1, ROMA_COST_ADAPTERS_MAX,
         "of them, those that the SRAM holds at once (default: as many as leave room for the batch)"},
        {"seed", 's', OPT_U64, &o.ask.seed, "S", 0, 0, "another seed draws other requests (default: 0)"},
        DIES_OPTION(o.design),
        KV_DESIGN_OPTION(o.design.config.kv),
        {"csv", 0, OPT_OUT, &o.csv, "FILE", 0, 0, "the rows as CSV"},
        {"svg", 0, OPT_OUT, &o.svg, "FILE", 0, 0, "times to the first token over the load"},
        {"json", 0, OPT_FLAG, &o.json, NULL, 0, 0, "one JSON object on standard output"},
        {0}};
    const option shared[] = {SHAPE_OPTIONS(o.design), CHIP_OPTIONS(o.design), {0}};
    const usage u = {
        "serve-sim",
        "[IMAGE] [options]",
        "Says what requests see of a chip under load: they arrive, wait for room in the SRAM and for their "
        "adapters, and run as a batch,\n"
        "whose steps take what roma sim says. A row for each load: time to the first token and a further "
        "one, rate, utilisation.",
        "roma serve-sim --shape llama-3.2-3b --chip roma-contract --load 50%,80%,95% --output 32..256",
        own,
        shared,
        0,
        1};
    int rc = options_parse(&u, argc, argv, operand, &n);
    if (rc == OPTIONS_GO) rc = settle(&o);
    return rc == OPTIONS_GO ? run(&o, n ? operand[0] : NULL) : rc;
}
