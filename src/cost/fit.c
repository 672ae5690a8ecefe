/* Section 4 of docs/cost-model.md: what of a model and its adapters fits. */
#include "cost_int.h"

#include <math.h>

static bool is_outside_layers(const roma_image_tensor *t) { return t->role == ROMA_W_EMBED || t->role == ROMA_W_HEAD; }

/* Whether embedding and head are one table. Such a table is stored once, on the last die with the head; that die sends
 * the chosen token's embedding row back to die 0 instead of the token's id. */
static bool is_tied(const roma_description *d) {
    const roma_image_tensor *head = roma_description_find(d, ROMA_W_HEAD, 0);
    return !head || head->tie >= 0;
}

typedef struct {
    const roma_description *d;
    const roma_chip *c;
    uint32_t chips;
    bool tied;
} placing;

static bool is_stored(const placing *pl, const roma_image_tensor *t) {
    if (t->is_vector || t->tie >= 0) return false;
    return t->role != ROMA_W_EMBED || pl->tied || pl->c->rom_embedding != 0;
}

static double row_bits(const roma_image_tensor *t) {
    roma_tile_layout lay;
    roma_tile_layout_get(&t->format, t->cols, &lay);
    return (double)lay.bytes * 8 / ROMA_TILE_ROWS;
}

/* Layers [first, end) live on die k of n. */
static void die_layers(const roma_description *d, uint32_t k, uint32_t n, uint64_t *first, uint64_t *end) {
    *first = (uint64_t)d->hyper.layers * k / n;
    *end = (uint64_t)d->hyper.layers * (k + 1) / n;
}

static bool is_on_die(const placing *pl, const roma_image_tensor *t, uint32_t k) {
    uint64_t first, end;
    if (t->role == ROMA_W_HEAD || (t->role == ROMA_W_EMBED && pl->tied)) return k == pl->chips - 1;
    if (t->role == ROMA_W_EMBED) return k == 0;
    die_layers(pl->d, k, pl->chips, &first, &end);
    return t->layer >= first && t->layer < end;
}

/* Every row lives inside one matrix unit, cut anywhere over its L-Units. */
static double matrix_words(const roma_image_tensor *t, const roma_chip *c) {
    const double r = ceil((double)t->rows / c->matrix_units);
    return ceil(r * row_bits(t) / (roma_chip_word_bits(c) * c->lunits));
}

static double die_words(const placing *pl, uint32_t k) {
    double words = 0;
    for (size_t i = 0; i < pl->d->n_tensors; i++) {
        const roma_image_tensor *t = &pl->d->tensors[i];
        if (is_stored(pl, t) && is_on_die(pl, t, k)) words += matrix_words(t, pl->c);
    }
    return words;
}

static void fit_rom(roma_cost *out, const roma_description *d, const roma_chip *c, uint32_t chips) {
    const placing pl = {d, c, chips, is_tied(d)};
    out->rom_bytes = out->rom_words = 0;
    for (size_t i = 0; i < d->n_tensors; i++)
        if (is_stored(&pl, &d->tensors[i])) out->rom_bytes += (double)d->tensors[i].rows * row_bits(&d->tensors[i]) / 8;
    for (uint32_t k = 0; k < chips; k++) out->rom_words = fmax(out->rom_words, die_words(&pl, k));
    /* A streamed base model needs no room on the chip. */
    const bool streamed = c->rom_style == ROMA_ROM_DRAM;
    out->rom_capacity =
        streamed ? 0 : chips * c->matrix_units * c->lunits * c->lunit_words * roma_chip_word_bits(c) / 8;
    out->fits_rom = streamed || out->rom_words <= c->lunit_words;
}

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

/* Each die holds the adapters and the cache of its own layers; the one with the most of them decides. */
static double tokens(const roma_description *d, const roma_chip *c, uint32_t chips, double lora, double kv) {
    double fewest = HUGE_VAL;
    for (uint32_t k = 0; k < chips; k++) {
        uint64_t first, end;
        die_layers(d, k, chips, &first, &end);
        const double share = (double)(end - first) / d->hyper.layers;
        if (end > first)
            fewest = fmin(fewest, roma_cost_tokens(roma_chip_sram_bytes(c), lora * share, kv * share, c->granularity));
    }
    return fewest;
}

double roma_cost_kv_bytes(const roma_plan *p, double element, double scale) {
    const roma_hyper *h = &p->desc->hyper;
    return 2.0 * h->layers * h->kv_heads * (h->head_dim * element + scale);
}

static void fit_sram(roma_cost *out, const roma_plan *p, const roma_chip *c, const roma_workload *w) {
    const double adapters = w->rank && !w->adapters ? 1 : w->adapters;
    const double row_scale = c->kv_scale_bytes > 0 ? 4 : 0; /* adapters have scales where the cache has */
    out->sram_bytes = w->chips * roma_chip_sram_bytes(c);
    out->lora_bytes = adapters * roma_cost_lora_bytes(p, w->rank, c->lora_weight_bytes, row_scale, 0);
    out->kv_bytes_per_token = roma_cost_kv_bytes(p, c->kv_bytes, c->kv_scale_bytes);
    out->tokens = tokens(p->desc, c, w->chips, out->lora_bytes, out->kv_bytes_per_token);
    out->tokens_paper =
        tokens(p->desc, c, w->chips, adapters * roma_cost_lora_bytes(p, w->rank, c->lora_weight_bytes, 0, 0),
               roma_cost_kv_bytes(p, c->kv_bytes, 0));
    const double wanted = w->batch * ceil(w->context / c->granularity) * c->granularity;
    out->fits_sram = wanted <= out->tokens && (out->lora_bytes <= out->sram_bytes);
}

void roma_cost_fit(roma_cost *out, const roma_plan *p, const roma_chip *c, const roma_workload *w) {
    fit_rom(out, p->desc, c, w->chips);
    fit_sram(out, p, c, w);
}
