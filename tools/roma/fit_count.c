/* Counting for `roma fit`; contract in fit.h. The engine's sizes come from the engine, the adapter's from its format,
 * the paper's from the chip model: nothing is counted here a second time. */
#include "fit.h"
#include "roma/adapter.h"

#include <math.h>
#include <string.h>

/* The paper's count: 8-bit codes, whole granules, and as many for each sequence. */
static void count_paper(const fit *f, fit_point *p) {
    const roma_chip *c = &f->d->chip;
    p->lora_paper = p->adapters * roma_cost_lora_bytes(&f->d->plan, p->rank, c->lora_weight_bytes, 0, f->roles);
    const double all = roma_cost_tokens((double)f->limit.sram_bytes, p->lora_paper, fit_token_paper(f), c->granularity);
    p->tokens_paper = (uint64_t)(floor(all / c->granularity / p->sequences) * c->granularity);
}

int fit_count(const fit *f, uint32_t adapters, uint32_t rank, uint32_t sequences, fit_point *out, roma_error *err) {
    roma_exec_config c = f->limit;
    *out = (fit_point){.adapters = adapters, .rank = rank, .sequences = sequences};
    out->lora_bytes = adapters * roma_adapter_bytes(f->d->desc, f->type, rank, f->roles);
    c.threads = 1;
    c.sequences = sequences;
    c.rows = session_rows(f->rows, sequences);
    c.logit_rows = 1;
    c.adapter_bytes = out->lora_bytes;
    count_paper(f, out);
    return roma_exec_fit(&f->d->plan, &c, &out->engine, err);
}

double fit_token(const fit_point *p) { return (double)p->engine.page_group / ROMA_PAGE; }
double fit_token_paper(const fit *f) { return roma_cost_kv_bytes(&f->d->plan, f->d->chip.kv_bytes, 0); }

bool fit_is_model(const fit *f, const fit_point *p) {
    return (uint64_t)(p->engine.pages / p->sequences) * ROMA_PAGE > f->d->desc->hyper.context;
}

static void add_row(roma_table *t, const fit_point *p) {
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

int fit_table(const fit *f, roma_table *out, roma_error *err) {
    static const char *const names[][2] = {{"adapters", ""},        {"rank", ""},         {"sequences", ""},
                                           {"lora", "MiB"},         {"tokens", "tokens"}, {"tokens_paper", "tokens"},
                                           {"all_tokens", "tokens"}};
    roma_print(out->title, sizeof out->title, "tokens of each sequence");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        roma_table_column(out, names[i][0], names[i][1], i == 3 ? 4 : 9);
    for (size_t s = 0; s < f->sequences.n; s++)
        for (size_t a = 0; a < f->adapters.n; a++)
            for (size_t r = 0; r < f->ranks.n; r++) {
                fit_point p;
                const int rc = fit_count(f, f->adapters.v[a], f->ranks.v[r], f->sequences.v[s], &p, err);
                if (rc) return rc;
                add_row(out, &p);
            }
    return ROMA_OK;
}

enum { STEPS = 16 };

/* Ranks 0 to twice the largest asked for, at most what adapters may have. */
static uint32_t curve_rank(const fit *f, uint32_t step) {
    uint32_t largest = 8;
    for (size_t i = 0; i < f->ranks.n; i++)
        if (f->ranks.v[i] > largest) largest = f->ranks.v[i];
    const uint32_t end = 2 * largest < ROMA_ADAPTER_RANK_MAX ? 2 * largest : ROMA_ADAPTER_RANK_MAX;
    return end * step / STEPS;
}

int fit_curves(const fit *f, roma_table *out, roma_error *err) {
    char name[32];
    roma_print(out->title, sizeof out->title, "%.30s in %.4g MiB of SRAM, %u sequence%s", f->d->desc->name,
               (double)f->limit.sram_bytes / 1048576, f->sequences.v[0], f->sequences.v[0] == 1 ? "" : "s");
    roma_table_column(out, "rank", "", 5);
    for (size_t a = 0; a < f->adapters.n; a++) {
        roma_print(name, sizeof name, "%u adapter%s", f->adapters.v[a], f->adapters.v[a] == 1 ? "" : "s");
        roma_table_column(out, name, "tokens", 9);
    }
    roma_print(name, sizeof name, "%u, the paper's count", f->adapters.v[0]);
    roma_table_column(out, name, "tokens", 9);
    for (uint32_t step = 0; step <= STEPS; step++) {
        fit_point p = {0};
        roma_table_row(out);
        roma_table_real(out, 0, curve_rank(f, step));
        for (size_t i = f->adapters.n; i-- > 0;) { /* the first last: its paper's count is kept */
            const int rc = fit_count(f, f->adapters.v[i], curve_rank(f, step), f->sequences.v[0], &p, err);
            if (rc) return rc;
            roma_table_real(out, 1 + i, p.engine.context);
        }
        roma_table_real(out, 1 + f->adapters.n, (double)p.tokens_paper);
    }
    return ROMA_OK;
}
