/* roma fit: tokens x adapters x rank x sequences that a chip's SRAM holds, and whether its ROM holds the model. */
#include "fit.h"
#include "roma/adapter.h"
#include "roma/report.h"

#include <string.h>

typedef struct {
    design_config design;
    const char *adapters, *ranks, *sequences, *targets, *type, *svg, *csv;
    uint32_t sram_mib;
    bool json;
} fit_options;

/* ---- options ---- */

static const char *const roles_text = "q, k, v, o, gate, up, down";

static uint32_t find_role(const char *name, size_t len) {
    for (uint32_t r = 1; r < ROMA_W_END; r++) {
        const char *known = roma_tensor_role_name(r);
        if (roma_adapter_role(r) && strlen(known) == len && memcmp(known, name, len) == 0) return r;
    }
    return 0;
}

/* "q,v" or "all" */
static int read_targets(const char *text, uint32_t *roles) {
    *roles = 0;
    if (strcmp(text, "all") == 0) return OPTIONS_GO;
    for (const char *p = text;; p++) {
        const size_t len = strcspn(p, ",");
        const uint32_t role = find_role(p, len);
        if (!role) return usage_error("fit", "--targets takes all, or some of %s, separated by commas", roles_text);
        *roles |= 1u << role;
        p += len;
        if (!*p) return OPTIONS_GO;
    }
}

static int settle(fit *f, const fit_options *o) {
    int rc = options_list("fit", o->adapters ? o->adapters : "1,2,4,8", "--adapters", 0, 65536, &f->adapters);
    if (rc == OPTIONS_GO)
        rc = options_list("fit", o->ranks ? o->ranks : "8,16,32,64", "--rank", 0, ROMA_ADAPTER_RANK_MAX, &f->ranks);
    if (rc == OPTIONS_GO)
        rc = options_list("fit", o->sequences ? o->sequences : "1,8", "--sequences", 1, 256, &f->sequences);
    if (rc == OPTIONS_GO) rc = read_targets(o->targets ? o->targets : "all", &f->roles);
    f->type = o->type ? roma_adapter_type_find(o->type) : ROMA_ADAPTER_INT8;
    if (rc == OPTIONS_GO && !f->type) return usage_error("fit", "--lora-type is int8, fp8 or f16");
    return rc;
}

/* ---- output ---- */

static const char *targets_of(const fit *f, char out[64]) {
    out[0] = 0;
    for (uint32_t r = 1; r < ROMA_W_END; r++)
        if (roma_adapter_role(r) && (!f->roles || f->roles >> r & 1))
            roma_print(out + strlen(out), 64 - strlen(out), "%s%s", out[0] ? " " : "", roma_tensor_role_name(r));
    return out;
}

static void counts_row(roma_table *t, const char *what, const char *unit, double engine, double paper) {
    roma_table_row(t);
    roma_table_text(t, 0, what);
    roma_table_real(t, 1, engine);
    if (paper >= 0) roma_table_real(t, 2, paper);
    roma_table_text(t, 3, unit);
}

/* Both ways of counting, of the first case. */
static void print_counts(const fit *f, roma_buf *out) {
    const fit_point *p = &f->at;
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
               (double)(roma_exec_sram(m, f->limit.vector_bytes) - m->cache - m->adapters), -1);
    counts_row(&t, "a token of cache", "B", fit_token(p), fit_token_paper(f));
    counts_row(&t, "tokens of a sequence", "tokens", m->context, (double)p->tokens_paper);
    roma_report_table_text(&t, out);
    roma_table_destroy(&t);
}

static void print_text(const fit *f, const roma_table *table, roma_buf *out) {
    const roma_cost *c = &f->rom;
    char targets[64], need[32], has[32];
    roma_buf_print(out, "%s on chip %s: %.4g MiB of SRAM%s", f->d->desc->name, f->d->chip.name,
                   (double)f->limit.sram_bytes / 1048576, f->limit.vector_bytes ? "" : " for everything\n");
    if (f->limit.vector_bytes)
        roma_buf_print(out, ", and %.4g for activations\n", (double)f->limit.vector_bytes / 1048576);
    if (c->rom_capacity > 0)
        roma_buf_print(
            out, "ROM: the model takes %s of %s and %s\n", roma_report_si(need, sizeof need, c->rom_bytes, "B"),
            roma_report_si(has, sizeof has, c->rom_capacity, "B"), c->fits_rom > 0 ? "fits" : "does not fit");
    roma_buf_print(out,
                   "adapters: %s on %s; engine: codes, every scale and padding; paper: codes alone, as wide as the "
                   "chip file says\n\n",
                   roma_adapter_type_name(f->type), targets_of(f, targets));
    print_counts(f, out);
    if (fit_is_model(f, &f->at)) roma_buf_print(out, "the model's own context, not the SRAM, ends a sequence\n");
    roma_buf_print(out, "\n");
    roma_report_table_text(table, out);
}

static void print_json(const fit *f, const roma_table *table, roma_buf *out) {
    const fit_point *p = &f->at;
    const roma_exec_memory *m = &p->engine;
    roma_json j = {.out = out};
    char targets[64];
    roma_json_open(&j, NULL, '{');
    roma_json_string(&j, "model", f->d->desc->name);
    roma_json_string(&j, "chip", f->d->chip.name);
    roma_json_int(&j, "adapters", p->adapters);
    roma_json_int(&j, "rank", p->rank);
    roma_json_int(&j, "sequences", p->sequences);
    roma_json_string(&j, "targets", targets_of(f, targets));
    roma_json_string(&j, "lora_type", roma_adapter_type_name(f->type));
    roma_json_int(&j, "tokens", m->context);
    roma_json_int(&j, "tokens_paper", (int64_t)p->tokens_paper);
    roma_json_int(&j, "all_tokens", (int64_t)m->pages * ROMA_PAGE);
    roma_json_string(&j, "limited_by", fit_is_model(f, p) ? "model" : "sram");
    roma_json_real(&j, "kv_bytes_per_token", fit_token(p));
    roma_json_real(&j, "kv_bytes_per_token_paper", fit_token_paper(f));
    roma_json_int(&j, "page_bytes", (int64_t)m->page_group);
    roma_json_int(&j, "lora_bytes", (int64_t)p->lora_bytes);
    roma_json_int(&j, "lora_bytes_paper", (int64_t)p->lora_paper);
    roma_json_int(&j, "activation_bytes", (int64_t)m->activations);
    roma_json_int(&j, "sram_bytes", (int64_t)f->limit.sram_bytes);
    roma_json_int(&j, "vector_bytes", (int64_t)f->limit.vector_bytes);
    roma_json_int(&j, "rom_bytes", (int64_t)f->rom.rom_bytes);
    roma_json_int(&j, "rom_capacity", (int64_t)f->rom.rom_capacity);
    roma_json_bool(&j, "fits_rom", f->rom.fits_rom > 0);
    roma_report_table_json(table, &j, "rows");
    roma_json_close(&j, '}');
    roma_buf_append(out, "\n", 1);
}

static int draw(const fit *f, const char *path, roma_error *err) {
    roma_table t = {0};
    roma_buf b = {0};
    size_t y[NUMBERS_MAX + 1];
    int rc = fit_curves(f, &t, err);
    for (size_t i = 0; i <= f->adapters.n; i++) y[i] = i + 1;
    if (!rc) roma_report_curves_svg(&t, 0, y, f->adapters.n + 1, (roma_axes){false, false}, &b);
    roma_table_destroy(&t);
    return rc ? rc : write_buf(&b, path, err);
}

static int report(const fit *f, const fit_options *o, roma_error *err) {
    roma_table t = {0};
    roma_buf out = {0}, csv = {0};
    int rc = fit_table(f, &t, err);
    if (!rc && o->csv) {
        roma_report_table_csv(&t, &csv);
        rc = write_buf(&csv, o->csv, err);
    }
    if (!rc && o->svg) rc = draw(f, o->svg, err);
    if (!rc) (o->json ? print_json : print_text)(f, &t, &out);
    roma_table_destroy(&t);
    return rc ? rc : print_buf("fit", &out, 0);
}

static int run(fit *f, const fit_options *o, const char *image) {
    static const roma_workload one = {.batch = 1, .chips = 1, .toggle = 1};
    design d;
    roma_error err;
    if (design_open(&d, &o->design, image, &err)) return fail("fit", &err);
    f->d = &d;
    sram_limit(&f->limit, o->sram_mib, o->sram_mib && !o->design.chip ? NULL : &d.chip);
    roma_cost_fit(&f->rom, &d.plan, &d.chip, &one);
    int rc = fit_count(f, o->adapters ? f->adapters.v[0] : 1, o->ranks ? f->ranks.v[0] : 16,
                       o->sequences ? f->sequences.v[0] : 1, &f->at, &err);
    if (!rc) rc = report(f, o, &err);
    design_close(&d);
    return rc < 0 ? fail("fit", &err) : rc;
}

int verb_fit(int argc, char **argv) {
    static fit_options o;
    static fit f;
    const char *operand[OPERANDS_MAX] = {NULL};
    size_t n;
    const option own[] = {
        {"adapters", 0, OPT_TEXT, &o.adapters, "N,...", 0, 0, "adapters held at once (default: 1,2,4,8)"},
        {"rank", 'r', OPT_TEXT, &o.ranks, "R,...", 0, 0, "their rank (default: 8,16,32,64)"},
        {"sequences", 's', OPT_TEXT, &o.sequences, "S,...", 0, 0, "sequences that share the cache (default: 1,8)"},
        {"targets", 0, OPT_TEXT, &o.targets, "LIST", 0, 0, "linears with adapters: all (default), or such as q,v"},
        {"lora-type", 0, OPT_TEXT, &o.type, "TYPE", 0, 0, "how their matrix B is stored: int8 (default), fp8, f16"},
        {"rows", 0, OPT_COUNT, &f.rows, "N", 1, ROMA_EXEC_ROWS_MAX,
         "rows of a step, whose activations count (default: 128)"},
        {"sram-mib", 0, OPT_COUNT, &o.sram_mib, "M", 1, 16777216,
         "SRAM for all of it, as run counts it (default: the chip's)"},
        {"csv", 0, OPT_OUT, &o.csv, "FILE", 0, 0, "the table as CSV"},
        {"svg", 0, OPT_OUT, &o.svg, "FILE", 0, 0, "tokens over the rank, a curve for each number of adapters"},
        {"json", 0, OPT_FLAG, &o.json, NULL, 0, 0, "one JSON object on standard output"},
        {0}};
    const option shared[] = {SHAPE_OPTIONS(o.design), CHIP_OPTIONS(o.design), {0}};
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
    if (rc == OPTIONS_GO) rc = settle(&f, &o);
    if (rc != OPTIONS_GO) return rc;
    if (o.json && o.csv && strcmp(o.csv, "-") == 0)
        return usage_error("fit", "--json and --csv - both want standard output");
    return run(&f, &o, n ? operand[0] : NULL);
}
