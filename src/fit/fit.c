/* Counts what fits; contract in fit.h. The engine's sizes come from the engine, the adapter's from its format, the
 * paper's from the chip model: nothing is counted here a second time. */
#include "roma/fit.h"

#include <math.h>
#include <string.h>

void roma_fit_limit(roma_fit *f, uint64_t limit_bytes, bool chip) {
    const roma_chip *c = &f->design->place.chip;
    f->is_chip = chip;
    f->sram_bytes =
        roma_exec_limit(limit_bytes, chip ? (uint64_t)(f->design->place.dies * roma_chip_sram_bytes(c)) : 0);
    f->vector_bytes = chip ? (uint64_t)roma_chip_vector_bytes(c) : 0;
}

roma_fit roma_fit_usual(const roma_design *d) {
    roma_fit f = {.design = d, .type = ROMA_ADAPTER_INT8};
    roma_fit_limit(&f, 0, true);
    return f;
}

static double die_bytes(const roma_fit *f) { return (double)f->sram_bytes / f->design->place.dies; }

/* The paper's count: 8-bit codes, whole granules, and as many for each sequence. */
static void count_paper(const roma_fit *f, roma_fit_point *p) {
    const roma_chip *c = &f->design->place.chip;
    const roma_plan *plan = &f->design->plan;
    p->lora_paper = p->adapters * roma_cost_lora_bytes(plan, p->rank, c->lora_weight_bytes, 0, f->roles);
    p->token_bytes_paper = roma_cost_kv_bytes(plan, c->kv_bytes, 0);
    const double all = roma_cost_tokens_paper(&f->design->place, die_bytes(f), p->lora_paper, p->token_bytes_paper);
    p->tokens_paper = (uint64_t)(floor(all / c->granularity / p->sequences) * c->granularity);
}

int roma_fit_count(const roma_fit *f, uint32_t adapters, uint32_t rank, uint32_t sequences, roma_fit_point *out,
                   roma_error *err) {
    *out = (roma_fit_point){.adapters = adapters, .rank = rank, .sequences = sequences};
    if (adapters > ROMA_COST_ADAPTERS_MAX || rank > ROMA_ADAPTER_RANK_MAX || !sequences)
        return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE,
                         "adapters must be 0 to %d, their rank 0 to %d, and sequences at least 1",
                         ROMA_COST_ADAPTERS_MAX, ROMA_ADAPTER_RANK_MAX);
    out->lora_bytes = adapters * roma_adapter_bytes(f->design->desc, f->type, rank, f->roles);
    roma_exec_config c = {.threads = 1,
                          .sequences = sequences,
                          .kv = roma_kv_formats[f->design->place.kv].name,
                          .rows = roma_exec_rows(f->rows, sequences),
                          .logit_rows = sequences,
                          .sram_bytes = f->sram_bytes,
                          .vector_bytes = f->vector_bytes,
                          .adapter_bytes = out->lora_bytes,
                          .is_placed = f->is_chip};
    if (f->is_chip) c.pages_held = roma_place_pages(&f->design->place, die_bytes(f), (double)out->lora_bytes);
    count_paper(f, out);
    const int rc = roma_exec_fit(&f->design->plan, &c, &out->engine, err);
    if (rc) return rc;
    out->fits = out->engine.context > 0;
    out->is_spilt = roma_exec_sram(&out->engine, f->vector_bytes) > out->engine.cache + out->engine.adapters;
    out->token_bytes = (double)out->engine.page_group / ROMA_PAGE;
    out->is_model = (uint64_t)(out->engine.pages / sequences) * ROMA_PAGE > f->design->desc->hyper.context;
    return ROMA_OK;
}

void roma_fit_rom(const roma_fit *f, roma_cost *out) {
    const roma_workload one = roma_cost_workload_bare();
    memset(out, 0, sizeof *out);
    roma_cost_fit(out, &f->design->place, &one);
}

/* ---- roles as text ---- */

static uint32_t find_role(const char *name, size_t len) {
    for (uint32_t r = 1; r < ROMA_W_END; r++) {
        const char *known = roma_tensor_role_name(r);
        if (roma_adapter_role(r) && strlen(known) == len && memcmp(known, name, len) == 0) return r;
    }
    return 0;
}

int roma_fit_roles(const char *text, uint32_t *roles, roma_error *err) {
    *roles = 0;
    if (strcmp(text, "all") == 0) return ROMA_OK;
    for (const char *p = text;; p++) {
        const size_t len = strcspn(p, ",");
        const uint32_t role = find_role(p, len);
        if (!role)
            return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE,
                             "takes all, or some of q, k, v, o, gate, up, down, separated by commas");
        *roles |= 1u << role;
        p += len;
        if (!*p) return ROMA_OK;
    }
}
