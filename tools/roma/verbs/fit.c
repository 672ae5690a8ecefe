/* roma fit: tokens x adapters x rank x sequences that a chip's SRAM holds, and whether its ROM holds the model. */
#include "show/fit_show.h"
#include "design.h"

#include <string.h>

typedef struct {
    design_options design;
    const char *adapters, *ranks, *sequences, *targets, *type, *svg, *csv, *isa;
    uint32_t sram_mib;
    bool json;
} fit_options;

/* ---- options ---- */

static int settle(fit_result *f, const fit_options *o) {
    roma_error err;
    int rc = options_list("fit", o->adapters ? o->adapters : "1,2,4,8", "--adapters", 0, 65536, &f->adapters);
    if (rc == OPTIONS_GO)
        rc = options_list("fit", o->ranks ? o->ranks : "8,16,32,64", "--rank", 0, ROMA_ADAPTER_RANK_MAX, &f->ranks);
    if (rc == OPTIONS_GO)
        rc = options_list("fit", o->sequences ? o->sequences : "1,8", "--sequences", 1, 256, &f->sequences);
    if (rc == OPTIONS_GO && o->targets && roma_fit_roles(o->targets, &f->fit.roles, &err))
        return usage_error("fit", "--targets %s", err.text);
    f->fit.type = o->type ? roma_adapter_type_find(o->type) : ROMA_ADAPTER_INT8;
    if (rc == OPTIONS_GO && !f->fit.type)
        return usage_error("fit", "--lora-type is int8, fp8 or f16, not '%s'", o->type);
    return rc;
}

/* ---- output ---- */

static int draw(const fit_result *f, const char *path, roma_error *err) {
    roma_table t = {0};
    roma_buf b = {0};
    size_t y[NUMBERS_MAX + 1];
    int rc = fit_curves(f, &t, err);
    for (size_t i = 0; i <= f->adapters.n; i++) y[i] = i + 1;
    if (!rc) roma_report_curves_svg(&t, 0, y, f->adapters.n + 1, (roma_axes){false, false}, &b);
    roma_table_destroy(&t);
    return rc ? rc : write_buf(&b, path, err);
}

static int report(const fit_result *f, const fit_options *o, roma_error *err) {
    roma_table t = {0};
    roma_buf out = {0}, csv = {0};
    int rc = fit_table(f, &t, err);
    if (!rc && o->csv) {
        roma_report_table_csv(&t, &csv);
        rc = write_buf(&csv, o->csv, err);
    }
    if (!rc && o->svg) rc = draw(f, o->svg, err);
    if (!rc) (o->json ? fit_print_json : fit_print_text)(f, &t, &out);
    roma_table_destroy(&t);
    return rc ? rc : print_page("fit", &out, 0);
}

/* A chip that nobody named is no limit beside --sram-mib. */
static void set_limit(roma_fit *f, const fit_options *o) {
    roma_fit_limit(f, (uint64_t)o->sram_mib << 20, !o->sram_mib || o->design.config.chip);
}

static int run(fit_result *f, const fit_options *o, const char *image) {
    roma_design d;
    roma_error err;
    if (design_open(&d, &o->design, image, &err)) return fail("fit", &err);
    f->fit.design = &d;
    set_limit(&f->fit, o);
    roma_fit_rom(&f->fit, &f->rom);
    int rc = roma_fit_count(&f->fit, o->adapters ? f->adapters.v[0] : 1, o->ranks ? f->ranks.v[0] : ROMA_RANK_USUAL,
                            o->sequences ? f->sequences.v[0] : 1, &f->at, &err);
    if (!rc) rc = report(f, o, &err);
    roma_design_close(&d);
    return rc < 0 ? fail("fit", &err) : rc;
}

int verb_fit(int argc, char **argv) {
    static fit_options o;
    static fit_result f;
    const char *operand[OPERANDS_MAX] = {NULL};
    size_t n;
    const option own[] = {
        {"adapters", 0, OPT_TEXT, &o.adapters, "N,...", 0, 0, "adapters held at once (default: 1,2,4,8)"},
        {"rank", 'r', OPT_TEXT, &o.ranks, "R,...", 0, 0, "their rank (default: 8,16,32,64)"},
        {"sequences", 's', OPT_TEXT, &o.sequences, "S,...", 0, 0, "sequences that share the cache (default: 1,8)"},
        {"targets", 0, OPT_TEXT, &o.targets, "LIST", 0, 0, "linears with adapters: all (default), or such as q,v"},
        {"lora-type", 0, OPT_TEXT, &o.type, "int8|fp8|f16", 0, 0, "how their matrix B is stored (default: int8)"},
        KV_DESIGN_OPTION(o.design.config.kv),
        {"rows", 0, OPT_COUNT, &f.fit.rows, "N", 1, ROMA_EXEC_ROWS_MAX,
         "rows of a step, whose activations count (default: 128)"},
        {"sram-mib", 0, OPT_COUNT, &o.sram_mib, "M", 1, 16777216,
         "SRAM for all of it, as run counts it (default: the chip's)"},
        {"csv", 0, OPT_OUT, &o.csv, "FILE", 0, 0, "the table as CSV"},
        {"svg", 0, OPT_OUT, &o.svg, "FILE", 0, 0, "tokens over the rank, a curve for each number of adapters"},
        {"json", 0, OPT_FLAG, &o.json, NULL, 0, 0, "one JSON object on standard output"},
        {"isa", 0, OPT_TEXT, &o.isa, "NAME", 0, 0, NULL},
        {0}};
    const option shared[] = {SHAPE_OPTIONS(o.design), CHIP_OPTIONS(o.design), DIES_OPTION(o.design), {0}};
    const usage u = {"fit",
                     "[IMAGE] [options]",
                     "Says how many tokens, adapters and sequences a chip's SRAM holds: as the engine then allows, "
                     "every scale and page counted,\n"
                     "and as the paper counts, codes alone. Lists make a table; the first value given of each is the "
                     "case shown in full\n(one adapter of rank 16, one sequence, where none is given).",
                     "roma fit --shape llama-3.2-3b --rank 16,32,64 --adapters 1,4",
                     own,
                     shared,
                     0,
                     1};
    int rc = options_parse(&u, argc, argv, operand, &n);
    if (rc == OPTIONS_GO && o.isa)
        return usage_error("fit", "--isa is of engines: what fits is the same for each instruction set");
    if (rc == OPTIONS_GO) rc = settle(&f, &o);
    if (rc != OPTIONS_GO) return rc;
    if (o.json && o.csv && strcmp(o.csv, "-") == 0)
        return usage_error("fit", "--json and --csv - both want standard output");
    return run(&f, &o, n ? operand[0] : NULL);
}
