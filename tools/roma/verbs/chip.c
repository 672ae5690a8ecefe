/* roma chip: a chip on one page, or every parameter with its source. */
#include "design.h"
#include "roma/report.h"

#include <string.h>

static void list_chips(bool as_json, roma_buf *b) {
    const char *name, *text;
    roma_json j = {.out = b};
    if (as_json) {
        roma_json_open(&j, NULL, '{');
        roma_json_open(&j, "chips", '[');
    }
    for (unsigned i = 0; (text = roma_chip_builtin(i, &name)); i++) {
        roma_chip c;
        if (roma_chip_open(&c, name, NULL) != ROMA_OK) continue;
        if (!as_json) {
            roma_buf_print(b, "%-16s %s\n", c.name, c.title);
            continue;
        }
        roma_json_open(&j, NULL, '{');
        roma_json_string(&j, "name", c.name);
        roma_json_string(&j, "title", c.title);
        roma_json_close(&j, '}');
    }
    if (as_json) {
        roma_json_close(&j, ']');
        roma_json_close(&j, '}');
        roma_buf_append(b, "\n", 1);
    }
}

static void peak(const roma_chip *c, roma_buf *b) {
    const double L = c->matrix_units * c->lunits, word = roma_chip_word_bits(c) / 8;
    roma_buf_print(b, "%s: %s\n\n", c->name, c->title[0] ? c->title : "a chip description");
    roma_buf_print(b,
                   "  %.4g nm, %.4g MHz, %.0f x %.0f tiles: %.0f matrix units, each of %.0f L-Units and an H-Unit, and "
                   "%.0f vector units\n",
                   c->node_nm, c->clock_hz / 1e6, c->grid_rows, c->grid_columns, c->matrix_units, c->lunits,
                   c->vector_units);
    roma_buf_print(b, "  L-Units: %.4g TMAC/s at 4 bit, %.4g at 2 bit; base model read at %.4g TB/s, %s style\n",
                   L * c->lanes * c->clock_hz / 1e12, 2 * L * c->lanes * c->clock_hz / 1e12,
                   L * word * c->clock_hz / 1e12,
                   (const char *[]){"sram", "rom", "brom", "fused", "logic", "cell", "dram"}[(int)c->rom_style]);
    roma_buf_print(b, "  H-Units: %.4g TMAC/s, SRAM read at %.4g TB/s; vector units: %.4g G elements/s\n",
                   c->matrix_units * c->hunit_mac * c->clock_hz / 1e12,
                   c->matrix_units * c->hunit_bandwidth * c->clock_hz / 1e12,
                   c->vector_units * c->vector_lanes * c->clock_hz / 1e9);
    roma_buf_print(b, "  capacity: %.4g GB of base model; SRAM %.4g + %.4g MiB\n\n", L * c->lunit_words * word / 1e9,
                   roma_chip_sram_bytes(c) / 1048576, roma_chip_vector_bytes(c) / 1048576);
}

/* One L-Unit in every style; with the other reading of the paper's areas beside it, when this is the paper's chip or
 * built on it. */
static void styles(const roma_chip *c, roma_buf *b) {
    static const char *const names[] = {"sram", "rom", "brom", "fused", "logic", "cell"};
    roma_table t = {0};
    roma_chip other;
    const bool both = strcmp(c->name, "roma") == 0 && roma_chip_open(&other, "roma-macro", NULL) == ROMA_OK;
    roma_print(t.title, sizeof t.title, "one L-Unit by storage style");
    roma_table_column(&t, "style", "", 4);
    roma_table_column(&t, "storage", "um2", 4);
    roma_table_column(&t, "lunit", "um2", 4);
    if (both) roma_table_column(&t, "other_reading", "um2", 4);
    for (int i = 0; i < 6; i++) {
        roma_table_row(&t);
        roma_table_text(&t, 0, names[i]);
        roma_table_real(&t, 1, roma_cost_storage_um2(c, i));
        roma_table_real(&t, 2, roma_cost_lunit_um2(c, i));
        if (both) roma_table_real(&t, 3, roma_cost_lunit_um2(&other, i));
    }
    roma_report_table_text(&t, b);
    roma_table_destroy(&t);
}

/* Whole-chip figures need a model: the one the paper measures. */
static int page(const roma_chip *c, const char *shape, roma_buf *b, roma_error *err) {
    roma_description d;
    roma_plan p;
    roma_schedule s = {0};
    roma_range range[ROMA_COST_N];
    int dominant[ROMA_COST_N];
    roma_result list = {0}, shown = {0};
    const roma_workload w = roma_cost_workload_usual();
    int rc = roma_shape_describe(&d, shape, &(roma_shape_format){0}, err);
    if (rc) return rc;
    rc = roma_map_plan(&p, &d, c, err);
    if (!rc) {
        rc = roma_cost_ranges(range, dominant, &s, &p, c, &w, err);
        roma_plan_destroy(&p);
    }
    roma_schedule_destroy(&s);
    roma_shape_destroy(&d);
    if (rc) return rc;
    roma_cost_result(range, dominant, &list);
    static const char *const keep[] = {"area_mm2",   "area_lunits", "area_hunits",    "area_vector",
                                       "area_other", "tok_s",       "ttft_s",         "mj_per_token",
                                       "power_w",    "junction_c",  "yield_repaired", "usd"};
    for (size_t i = 0; i < list.n; i++)
        for (size_t k = 0; k < sizeof keep / sizeof *keep; k++)
            if (strcmp(list.items[i].name, keep[k]) == 0)
                roma_result_add(&shown, list.items[i].group, list.items[i].name, list.items[i].unit, list.items[i].v,
                                list.items[i].source);
    peak(c, b);
    styles(c, b);
    roma_buf_print(b, "\nwith %s, empty cache, one adapter of rank %u, prompt of %u (`roma sim` has the rest):\n",
                   shape, w.rank, w.prompt);
    roma_report_list_text(&shown, b);
    roma_result_destroy(&list);
    roma_result_destroy(&shown);
    return ROMA_OK;
}

typedef struct {
    design_options design;
    bool json, all, list, write, document;
} chip_options;

static int show(const chip_options *o, roma_error *err) {
    roma_chip chip;
    roma_buf b = {0};
    int rc = ROMA_OK;
    if (o->list) {
        list_chips(o->json, &b);
    } else if (o->document) {
        roma_chip_document(&b);
    } else if (!(rc = roma_design_chip(&chip, o->design.config.chip, o->design.set.item, o->design.set.n, err))) {
        if (o->write)
            roma_chip_write(&chip, &b);
        else if (o->json || o->all)
            roma_chip_print(&chip, &b, o->json);
        else
            rc = page(&chip, o->design.config.shape ? o->design.config.shape : "llama-3.2-3b", &b, err);
    }
    if (!rc) return print_buf("chip", &b, 0);
    roma_buf_destroy(&b);
    return fail("chip", err);
}

int verb_chip(int argc, char **argv) {
    static chip_options o;
    const char *operand[OPERANDS_MAX] = {NULL};
    size_t n;
    const option own[] = {
        {"all", 'a', OPT_FLAG, &o.all, NULL, 0, 0, "every parameter with its range, unit, quality and source"},
        {"json", 0, OPT_FLAG, &o.json, NULL, 0, 0, "the parameters, or with --list the chips, as one JSON object"},
        {"write", 0, OPT_FLAG, &o.write, NULL, 0, 0, "the whole chip as a file that loads again"},
        {"list", 0, OPT_FLAG, &o.list, NULL, 0, 0, "the built-in chips"},
        {"document", 0, OPT_FLAG, &o.document, NULL, 0, 0, "what each parameter means, as Markdown"},
        {"shape", 0, OPT_TEXT, &o.design.config.shape, "NAME", 0, 0,
         "model of the page's figures (default: llama-3.2-3b)"},
        {"set", 0, OPT_TEXTS, &o.design.set, "KEY=V", 0, 0, "override a parameter, as lunit.lanes=32; may be repeated"},
        {0}};
    const usage u = {"chip",
                     "[NAME|FILE] [options]",
                     "Checks a chip description, a file or the name of a built-in one, and describes it on one page. "
                     "Without one: roma,\n"
                     "the chip of the paper.",
                     "roma chip roma-contract",
                     own,
                     NULL,
                     0,
                     1};
    const int rc = options_parse(&u, argc, argv, operand, &n);
    if (rc != OPTIONS_GO) return rc;
    if (o.json && (o.write || o.document)) return usage_error("chip", "--json does not go with --write or --document");
    roma_error err;
    o.design.config.chip = n ? operand[0] : NULL;
    return show(&o, &err);
}
