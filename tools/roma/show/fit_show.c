/* Answers of roma fit as tables, text and JSON. */
#include "show/fit_show.h"
#include "show/echo.h"
#include "show/place_show.h"
#include "roma/adapter.h"

/* ---- tables ---- */

static void add_row(roma_table *t, const roma_fit_point *p) {
    const double v[] = {p->adapters,
                        p->rank,
                        p->sequences,
                        (double)p->lora_bytes / 1048576,
                        p->engine.context,
                        (double)p->tokens_paper,
                        (double)p->engine.pages * ROMA_PAGE};
    roma_table_row(t);
    for (size_t i = 0; i < sizeof v / sizeof *v; i++) roma_table_real(t, i, v[i]);
}

int fit_table(const fit_result *f, roma_table *out, roma_error *err) {
    static const char *const names[][2] = {{"adapters", ""},        {"rank", ""},         {"sequences", ""},
                                           {"lora", "MiB"},         {"tokens", "tokens"}, {"tokens_paper", "tokens"},
                                           {"all_tokens", "tokens"}};
    roma_print(out->title, sizeof out->title, "tokens of each sequence");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        roma_table_column(out, names[i][0], names[i][1], i == 3 ? 4 : 9);
    for (size_t s = 0; s < f->sequences.n; s++)
        for (size_t a = 0; a < f->adapters.n; a++)
            for (size_t r = 0; r < f->ranks.n; r++) {
                roma_fit_point p;
                const int rc = roma_fit_count(&f->fit, f->adapters.v[a], f->ranks.v[r], f->sequences.v[s], &p, err);
                if (rc) return rc;
                add_row(out, &p);
            }
    return ROMA_OK;
}

enum { STEPS = 16 };

/* Ranks 0 to twice the largest asked for, at most what adapters may have. */
static uint32_t curve_rank(const fit_result *f, uint32_t step) {
    uint32_t largest = 8;
    for (size_t i = 0; i < f->ranks.n; i++)
        if (f->ranks.v[i] > largest) largest = f->ranks.v[i];
    const uint32_t end = 2 * largest < ROMA_ADAPTER_RANK_MAX ? 2 * largest : ROMA_ADAPTER_RANK_MAX;
    return end * step / STEPS;
}

int fit_curves(const fit_result *f, roma_table *out, roma_error *err) {
    char name[32];
    roma_print(out->title, sizeof out->title, "%.30s in %.4g MiB of SRAM, %u sequence%s", f->fit.design->desc->name,
               (double)f->fit.sram_bytes / 1048576, f->sequences.v[0], f->sequences.v[0] == 1 ? "" : "s");
    roma_table_column(out, "rank", "", 5);
    for (size_t a = 0; a < f->adapters.n; a++) {
        roma_print(name, sizeof name, "%u adapter%s", f->adapters.v[a], f->adapters.v[a] == 1 ? "" : "s");
        roma_table_column(out, name, "tokens", 9);
    }
    roma_print(name, sizeof name, "%u, the paper's count", f->adapters.v[0]);
    roma_table_column(out, name, "tokens", 9);
    for (uint32_t step = 0; step <= STEPS; step++) {
        roma_fit_point p = {0};
        roma_table_row(out);
        roma_table_real(out, 0, curve_rank(f, step));
        for (size_t i = f->adapters.n; i-- > 0;) { /* the first last: its paper's count is kept */
            const int rc = roma_fit_count(&f->fit, f->adapters.v[i], curve_rank(f, step), f->sequences.v[0], &p, err);
            if (rc) return rc;
            roma_table_real(out, 1 + i, p.engine.context);
        }
        roma_table_real(out, 1 + f->adapters.n, (double)p.tokens_paper);
    }
    return ROMA_OK;
}

/* ---- text and JSON ---- */

static void counts_row(roma_table *t, const char *what, const char *unit, double engine, double paper) {
    roma_table_row(t);
    roma_table_text(t, 0, what);
    roma_table_real(t, 1, engine);
    if (paper >= 0) roma_table_real(t, 2, paper);
    roma_table_text(t, 3, unit);
}

/* Both ways of counting, of the first case. */
static void print_counts(const fit_result *f, roma_buf *out) {
    const roma_fit_point *p = &f->at;
    const roma_exec_memory *m = &p->engine;
    roma_table t = {0};
    roma_print(t.title, sizeof t.title, "%u adapter%s of rank %u, %u sequence%s", p->adapters,
               p->adapters == 1 ? "" : "s", p->rank, p->sequences, p->sequences == 1 ? "" : "s");
    roma_table_column(&t, "what", "", 0);
    roma_table_column(&t, "engine", "", 10);
    roma_table_column(&t, "paper", "", 10);
    roma_table_column(&t, "unit", "", 0);
    counts_row(&t, "adapters", "B", (double)p->lora_bytes, p->lora_paper);
    counts_row(&t, "activations", "B", (double)m->activations, -1);
    counts_row(&t, "of them beside cache", "B",
               (double)(roma_exec_sram(m, f->fit.vector_bytes) - m->cache - m->adapters), -1);
    counts_row(&t, "a token of cache", "B", p->token_bytes, p->token_bytes_paper);
    counts_row(&t, "tokens of a sequence", "tokens", m->context, (double)p->tokens_paper);
    roma_report_table_text(&t, out);
    roma_table_destroy(&t);
}

void fit_print_text(const fit_result *f, const roma_table *table, roma_buf *out) {
    const roma_cost *c = &f->rom;
    const roma_exec_memory *m = &f->at.engine;
    const roma_placement *place = &f->fit.design->place;
    char targets[TARGETS_TEXT], need[32];
    roma_buf_print(out, "%s on chip %s: %.4g MiB of SRAM%s", f->fit.design->desc->name, f->fit.design->place.chip.name,
                   (double)f->fit.sram_bytes / 1048576, f->fit.vector_bytes ? "" : " for everything\n");
    if (f->fit.vector_bytes) roma_buf_print(out, ", and %.4g for activations\n", (double)f->fit.vector_bytes / 1048576);
    if (c->rom_capacity > 0)
        roma_buf_print(out, "ROM: %s of codes and scales take %llu of the %.0f words of an L-Unit%s%s\n",
                       roma_report_si(need, sizeof need, c->rom_bytes, "B"), (unsigned long long)place->rom_words,
                       place->chip.lunit_words, place->note[0] ? ": " : " and fit", place->note);
    roma_buf_print(out,
                   "adapters: %s on %s; engine: codes, every scale and padding; paper: codes alone, as wide as the "
                   "chip file says\n\n",
                   roma_adapter_type_name(f->fit.type), targets_text(f->fit.roles, targets));
    print_counts(f, out);
    if (!f->at.fits) roma_buf_print(out, "does not fit: no page of cache for each sequence beside the adapters\n");
    if (f->at.is_model) roma_buf_print(out, "the model's own context, not the SRAM, ends a sequence\n");
    if (f->at.is_spilt && f->fit.vector_bytes)
        roma_buf_print(out, "activations of %u rows that the vector units cannot hold lie beside the cache\n", m->rows);
    roma_buf_print(out, "\n");
    roma_report_table_text(table, out);
    roma_buf_print(out, "\n"
                        "  sequences     that share the cache, each with tokens of its own\n"
                        "  lora          SRAM of the adapters; what is left is cache\n"
                        "  tokens        that each sequence can have: every scale and page counted\n"
                        "  tokens_paper  the same as the paper counts: codes alone\n"
                        "  all_tokens    of all sequences together\n");
}

static void json_units(const roma_table *table, roma_json *j) {
    roma_json_open(j, "units", '{');
    fit_units(j);
    roma_json_string(j, "adapters", "adapters");
    roma_json_string(j, "rank", "");
    roma_json_string(j, "sequences", "sequences");
    roma_json_string(j, "rom_capacity", "B");
    roma_json_string(j, "rows_of_a_step", "rows");
    roma_report_table_units(table, j, "rows");
    roma_json_close(j, '}');
}

void fit_print_json(const fit_result *f, const roma_table *table, roma_buf *out) {
    const roma_fit_point *p = &f->at;
    const roma_exec_memory *m = &p->engine;
    roma_json j = {.out = out};
    char targets[TARGETS_TEXT];
    roma_json_open(&j, NULL, '{');
    roma_json_string(&j, "model", f->fit.design->desc->name);
    roma_json_string(&j, "chip", f->fit.design->place.chip.name);
    roma_json_int(&j, "adapters", p->adapters);
    roma_json_int(&j, "rank", p->rank);
    roma_json_int(&j, "sequences", p->sequences);
    roma_json_string(&j, "targets", targets_text(f->fit.roles, targets));
    roma_json_string(&j, "lora_type", roma_adapter_type_name(f->fit.type));
    roma_json_int(&j, "tokens", m->context);
    roma_json_int(&j, "tokens_paper", (int64_t)p->tokens_paper);
    roma_json_int(&j, "all_tokens", (int64_t)m->pages * ROMA_PAGE);
    roma_json_string(&j, "limited_by", p->is_model ? "model" : "sram");
    roma_json_string(&j, "kv", roma_kv_formats[f->fit.design->place.kv].name);
    roma_json_real(&j, "kv_bytes_per_token", p->token_bytes);
    roma_json_real(&j, "kv_bytes_per_token_paper", p->token_bytes_paper);
    roma_json_int(&j, "page_bytes", (int64_t)m->page_group);
    roma_json_int(&j, "lora_bytes", (int64_t)p->lora_bytes);
    roma_json_int(&j, "lora_bytes_paper", (int64_t)p->lora_paper);
    roma_json_int(&j, "activation_bytes", (int64_t)m->activations);
    roma_json_int(&j, "sram_bytes", (int64_t)f->fit.sram_bytes);
    roma_json_int(&j, "vector_bytes", (int64_t)f->fit.vector_bytes);
    roma_json_int(&j, "rom_bytes", (int64_t)f->rom.rom_bytes);
    roma_json_int(&j, "rom_capacity", (int64_t)f->rom.rom_capacity);
    roma_json_uint(&j, "rom_words", f->fit.design->place.rom_words);
    roma_json_bool(&j, "fits_rom", f->fit.design->place.fits_rom);
    roma_json_bool(&j, "fits_sram", f->at.fits);
    roma_json_string(&j, "note", f->fit.design->place.note);
    roma_json_int(&j, "rows_of_a_step", m->rows);
    roma_json_bool(&j, "activations_beside_cache", f->at.is_spilt);
    roma_report_table_json(table, &j, "rows");
    json_units(table, &j);
    roma_json_close(&j, '}');
    roma_buf_append(out, "\n", 1);
}
