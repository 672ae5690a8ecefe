/* Section 4 of docs/cost-model.md: what of a model and its adapters fits. Words and pages are the placement's. */
#include "cost_int.h"
#include "roma/adapter.h"
#include "timing.h"

/* ---- ROM ---- */

static void fit_rom(roma_cost *out, const roma_placement *p) {
    const roma_description *d = p->plan->desc;
    const roma_chip *c = &p->chip;
    out->rom_bytes = 0;
    for (size_t i = 0; i < d->n_tensors; i++)
        if (p->tensors[i].where == ROMA_PLACED_LUNITS) out->rom_bytes += roma_cost_timing_stored_bytes(&d->tensors[i]);
    out->rom_words = (double)p->rom_words;
    out->fits_rom = p->fits_rom;
    /* A streamed base model needs no room on the chip. */
    out->rom_capacity = c->rom_style == ROMA_ROM_DRAM
                            ? 0
                            : p->dies * c->matrix_units * c->lunits * c->lunit_words * roma_chip_word_bits(c) / 8;
}

/* ---- as the paper counts: codes as wide as the chip file says, a pool of bytes ---- */

static bool is_outside_layers(const roma_image_tensor *t) { return !roma_tensor_role_is_layered(t->role); }

double roma_cost_lora_bytes(const roma_plan *p, double rank, double bytes_per_weight, double bytes_per_row_scale,
                            uint32_t roles) {
    double weights = 0, scales = 0;
    if (rank <= 0) return 0;
    for (size_t i = 0; i < p->desc->n_tensors; i++) {
        const roma_image_tensor *t = &p->desc->tensors[i];
        if (t->is_vector || is_outside_layers(t) || (roles && !(roles >> t->role & 1))) continue;
        weights += rank * (double)(t->rows + t->cols);
        scales += rank + (double)t->rows; /* A has rank rows, B those of the matrix */
    }
    return weights * bytes_per_weight + scales * bytes_per_row_scale;
}

double roma_cost_tokens(double sram_bytes, double lora_bytes, double kv_bytes, double granularity) {
    const double granules = floor((sram_bytes - lora_bytes) / kv_bytes / granularity);
    return granules > 0 ? granules * granularity : 0;
}

double roma_cost_kv_bytes(const roma_plan *p, double element, double scale) {
    const roma_hyper *h = &p->desc->hyper;
    return 2.0 * h->layers * h->kv_heads * (h->head_dim * element + scale);
}

double roma_cost_tokens_paper(const roma_placement *p, double die_bytes, double lora_bytes, double kv_bytes) {
    double fewest = HUGE_VAL;
    for (uint32_t k = 0; k < p->dies; k++) {
        uint32_t first, end;
        roma_place_layers(p, k, &first, &end);
        const double share = (double)(end - first) / p->plan->desc->hyper.layers;
        if (end > first)
            fewest =
                fmin(fewest, roma_cost_tokens(die_bytes, lora_bytes * share, kv_bytes * share, p->chip.granularity));
    }
    return fewest;
}

/* ---- SRAM ---- */

/* 32 positions of a sequence in all layers. */
static double page_group_bytes(const roma_placement *p) {
    const roma_hyper *h = &p->plan->desc->hyper;
    return (double)h->layers * h->kv_heads * (double)roma_place_one_page(p);
}

static uint32_t resident(const roma_workload *w) {
    const uint32_t set = roma_cost_workload_set(w);
    return w->adapters > set ? w->adapters : set;
}

static double lora_bytes(const roma_placement *p, const roma_workload *w) {
    return resident(w) * (double)roma_adapter_bytes(p->plan->desc, ROMA_ADAPTER_INT8, w->rank, w->roles);
}

/* Wrong ROM words over the patch table lie in the H-Unit's SRAM, each with its address; the worst unit counts. */
double roma_cost_patch_bytes(const roma_chip *c, double words) {
    return fmax(0, words - c->patch_words) * (roma_chip_word_bits(c) / 8 + 4);
}

static double die_bytes(const roma_placement *p, const roma_workload *w) {
    double worst = 0;
    for (uint32_t i = 0; w->defects && i < w->defects->n; i++) worst = fmax(worst, w->defects->words[i]);
    return fmax(0, roma_chip_sram_bytes(&p->chip) - p->chip.matrix_units * roma_cost_patch_bytes(&p->chip, worst));
}

/* Bytes of the H-Units' SRAM of all dies that a pool leaves for pages: activations lie where there is room, so that no
 * H-Unit alone has to hold them. */
static double left_for_pages(const roma_placement *p, const roma_workload *w, double die, double lora) {
    return p->dies * die - lora - fmax(0, (double)w->activation_bytes - roma_chip_vector_bytes(&p->chip));
}

/* Pages that the fullest H-Unit holds, or fewer where activations lie beside them. */
static uint64_t pages_of(const roma_placement *p, const roma_workload *w) {
    const double die = die_bytes(p, w), lora = lora_bytes(p, w), left = left_for_pages(p, w, die, lora);
    const uint64_t held = roma_place_pages(p, die, lora);
    return (uint64_t)fmax(0, fmin((double)held, floor(left / page_group_bytes(p))));
}

/* Sequences share no page. */
static uint64_t positions_of(uint64_t pages, const roma_workload *w) { return pages / w->batch * ROMA_PAGE; }

uint64_t roma_cost_positions(const roma_placement *p, const roma_workload *w) {
    return positions_of(pages_of(p, w), w);
}

/* A prompt's pages beside the scores of a block of its rows. */
static bool holds_prompt(const roma_placement *p, const roma_workload *w, uint64_t prompt, double sram, double lora) {
    const uint64_t block = (uint64_t)p->chip.block_rows, rows = prompt < block ? prompt : block;
    return roma_place_holds(p, w->batch * roma_pages((uint32_t)prompt), roma_place_score_bytes(p, prompt, rows), sram,
                            lora);
}

uint64_t roma_cost_prompt(const roma_placement *p, const roma_workload *w) {
    const double sram = die_bytes(p, w), lora = lora_bytes(p, w);
    uint64_t low = 0, high = roma_cost_positions(p, w) + 1; /* `low` fit */
    while (high - low > 1) {
        const uint64_t middle = low + (high - low) / 2;
        if (holds_prompt(p, w, middle, sram, lora))
            low = middle;
        else
            high = middle;
    }
    return low;
}

static void fit_sram(roma_cost *out, const roma_placement *p, const roma_workload *w) {
    const roma_chip *c = &p->chip;
    const double one_die = die_bytes(p, w);
    out->sram_bytes = p->dies * roma_chip_sram_bytes(c);
    out->lora_bytes = lora_bytes(p, w);
    out->kv_bytes_per_token = page_group_bytes(p) / ROMA_PAGE;
    const uint64_t pages = pages_of(p, w);
    out->tokens_held = (double)(ROMA_PAGE * pages);
    out->tokens = fmin(out->tokens_held, (double)w->batch * p->plan->desc->hyper.context);
    out->tokens_paper = roma_cost_tokens_paper(
        p, one_die, resident(w) * roma_cost_lora_bytes(p->plan, w->rank, c->lora_weight_bytes, 0, w->roles),
        roma_cost_kv_bytes(p->plan, c->kv_bytes, 0));
    /* The decode step writes the position behind the context. */
    const uint64_t held = positions_of(pages, w);
    out->fits_sram = w->context < held && w->prompt <= held && holds_prompt(p, w, w->prompt, one_die, out->lora_bytes);
}

void roma_cost_fit(roma_cost *out, const roma_placement *p, const roma_workload *w) {
    fit_rom(out, p);
    fit_sram(out, p, w);
}
