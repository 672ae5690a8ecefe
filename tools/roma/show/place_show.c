/* Placements and plans as text and JSON; contract in place_show.h. */
#include "show/place_show.h"

void fit_json(const roma_placement *p, const roma_workload *w, roma_json *j) {
    roma_cost c;
    roma_cost_fit(&c, p, w);
    roma_json_uint(j, "rom_words", p->rom_words);
    roma_json_bool(j, "fits_rom", p->fits_rom);
    roma_json_bool(j, "fits_sram", c.fits_sram > 0);
    roma_json_uint(j, "tokens", (uint64_t)c.tokens);
    roma_json_uint(j, "tokens_paper", (uint64_t)c.tokens_paper);
    roma_json_string(j, "limited_by", c.tokens_held > c.tokens ? "model" : "sram");
}

void fit_units(roma_json *j) {
    roma_json_string(j, "rom_words", "words");
    roma_json_string(j, "tokens", "tokens");
    roma_json_string(j, "tokens_paper", "tokens");
}

static void head(const roma_placement *p, roma_buf *out) {
    roma_buf_print(out, "%s on chip %s, %u die%s: %llu of %.0f ROM words in every L-Unit%s\n", p->plan->desc->name,
                   p->chip.name, p->dies, p->dies == 1 ? "" : "s", (unsigned long long)p->rom_words,
                   p->chip.lunit_words, p->dies == 1 ? "" : " of the fullest die");
    if (p->note[0]) roma_buf_print(out, "note: %s\n", p->note);
}

static void head_json(const roma_placement *p, const roma_workload *w, roma_json *j) {
    roma_json_string(j, "model", p->plan->desc->name);
    roma_json_string(j, "chip", p->chip.name);
    roma_json_uint(j, "dies", p->dies);
    roma_json_real(j, "lunit_words", p->chip.lunit_words);
    roma_json_string(j, "note", p->note);
    fit_json(p, w, j);
}

void plan_print_text(const roma_placement *p, roma_buf *out) {
    head(p, out);
    roma_plan_print(p->plan, out);
}

void plan_print_json(const roma_placement *p, const roma_workload *w, roma_buf *out) {
    roma_json j = {.out = out};
    roma_json_open(&j, NULL, '{');
    head_json(p, w, &j);
    roma_plan_json(p->plan, &j);
    roma_json_close(&j, '}');
    roma_buf_append(out, "\n", 1);
}

void place_print_text(const roma_placement *p, const roma_workload *w, roma_buf *out) {
    roma_cost c;
    roma_cost_fit(&c, p, w);
    head(p, out);
    roma_buf_print(out, "cache of %.0f tokens beside %u adapter%s of rank %u; as the paper counts %.0f\n", c.tokens,
                   w->rank ? w->adapters : 0, w->rank && w->adapters == 1 ? "" : "s", w->rank, c.tokens_paper);
    roma_place_print(p, out);
}

void place_print_json(const roma_placement *p, const roma_workload *w, roma_buf *out) {
    roma_json j = {.out = out};
    roma_json_open(&j, NULL, '{');
    head_json(p, w, &j);
    roma_place_json(p, &j);
    roma_json_close(&j, '}');
    roma_buf_append(out, "\n", 1);
}
