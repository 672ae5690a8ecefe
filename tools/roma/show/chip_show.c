/* A chip on one page; contract in chip_show.h. */
#include "show/chip_show.h"
#include "show/place_show.h"
#include "show/sim_show.h"
#include "tool.h"

#include <string.h>

void chip_list(bool as_json, roma_buf *b) {
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
                   roma_sim_peak(c, 4) / 1e12, roma_sim_peak(c, 2) / 1e12, L * word * c->clock_hz / 1e12,
                   (const char *[]){"sram", "rom", "brom", "fused", "logic", "cell", "dram"}[(int)c->rom_style]);
    roma_buf_print(b, "  H-Units: %.4g TMAC/s, SRAM read at %.4g TB/s; vector units: %.4g G elements/s\n",
                   c->matrix_units * c->hunit_mac * c->clock_hz / 1e12,
                   c->matrix_units * c->hunit_bandwidth * c->clock_hz / 1e12,
                   c->vector_units * c->vector_lanes * c->clock_hz / 1e9);
    roma_buf_print(b, "  capacity: %.4g GiB of base model; SRAM %.4g + %.4g MiB\n\n",
                   L * c->lunit_words * word / 1073741824, roma_chip_sram_bytes(c) / 1048576,
                   roma_chip_vector_bytes(c) / 1048576);
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

void chip_page(const roma_sim *s, const roma_sim_figures *f, roma_buf *b) {
    static const unsigned keep[] = {ROMA_COST_area_mm2,       ROMA_COST_area_lunits,  ROMA_COST_area_hunits,
                                    ROMA_COST_area_vector,    ROMA_COST_area_other,   ROMA_COST_tok_s,
                                    ROMA_COST_ttft_s,         ROMA_COST_mj_per_token, ROMA_COST_power_w,
                                    ROMA_COST_junction_c,     ROMA_COST_rom_words,    ROMA_COST_tokens,
                                    ROMA_COST_yield_repaired, ROMA_COST_usd};
    roma_result list = {0};
    size_t n = 0;
    roma_sim_result(s, f, &list);
    for (size_t i = 0; i < list.n; i++) /* those that are kept, moved together */
        for (size_t k = 0; k < sizeof keep / sizeof *keep; k++)
            if (i == keep[k]) list.items[n++] = list.items[i];
    list.n = n;
    peak(&s->design.place.chip, b);
    styles(&s->design.place.chip, b);
    roma_buf_print(b, "\nwith %s, empty cache, one adapter of rank %u, prompt of %u (`roma sim` has the rest):\n",
                   s->design.desc->name, s->work.rank, s->work.prompt);
    if (s->design.place.note[0]) roma_buf_print(b, "note: %s\n", s->design.place.note);
    roma_report_list_text(&list, b);
    sim_names(&list, b);
    roma_result_destroy(&list);
}

void chip_json_print(const roma_sim *s, const char *warnings, roma_buf *b) {
    roma_json j = {.out = b};
    roma_workload work = s->work;
    work.prompt = 0; /* whether the model can make a step at all */
    roma_json_open(&j, NULL, '{');
    roma_chip_json(&s->design.place.chip, &j);
    roma_json_string(&j, "model", s->design.desc->name);
    roma_json_string(&j, "note", s->design.place.note);
    fit_json(&s->design.place, &work, &j);
    warn_json(&j, warnings);
    roma_json_open(&j, "units", '{');
    roma_chip_units(&j, "");
    fit_units(&j);
    roma_json_close(&j, '}');
    roma_json_close(&j, '}');
    roma_buf_append(b, "\n", 1);
}
