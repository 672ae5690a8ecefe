/* Pages of the cache and elements of vectors: which H-Unit and which vector unit has them, and how many pages fit
 * (docs/placement.md, "Vectors" and "Cache and adapters"). */
#include "place_int.h"

static uint64_t ceil_div(uint64_t a, uint64_t b) { return (a + b - 1) / b; }

uint32_t roma_place_vector_unit(const roma_placement *p, uint64_t e) {
    const place_numbers k = place_numbers_of(p);
    return (uint32_t)(e / k.vector_lanes % k.V);
}

uint32_t roma_place_page_units(const roma_placement *p) {
    const uint64_t P = place_numbers_of(p).U / p->plan->desc->hyper.kv_heads;
    return P ? (uint32_t)P : 1;
}

/* KV heads that one matrix unit serves: more than one only where there are fewer units than heads. */
static uint64_t heads_of_unit(const roma_placement *p) {
    return ceil_div(p->plan->desc->hyper.kv_heads, place_numbers_of(p).U);
}

/* 2^this neighbouring pages lie in one H-Unit. */
static unsigned run_bits(const roma_placement *p) { return (unsigned)p->chip.page_run; }

uint32_t roma_place_page_unit(const roma_placement *p, uint32_t layer, uint32_t kv_head, uint64_t page) {
    const uint64_t P = roma_place_page_units(p);
    uint32_t first, end;
    roma_place_layers(p, roma_place_layer_die(p, layer), &first, &end);
    const uint64_t offset = (layer - first) * P / (end - first);
    return (uint32_t)((kv_head * P + ((page >> run_bits(p)) + offset) % P) % place_numbers_of(p).U);
}

/* Layers l of n whose first page is on one of the units [0, x): floor(l P / n) < x. */
static uint64_t starts_before(uint64_t x, uint64_t n, uint64_t P) { return x >= P ? n : ceil_div(x * n, P); }

/* Layers whose first page is on one of the m <= P units that end with unit x, going round. */
static uint64_t starts_in(uint64_t x, uint64_t m, uint64_t n, uint64_t P) {
    if (m > x) return starts_before(x + 1, n, P) + n - starts_before(P + x + 1 - m, n, P);
    return starts_before(x + 1, n, P) - starts_before(x + 1 - m, n, P);
}

/* Runs of pages on the fullest of the P units of a KV head, `runs` in each of n layers. Only units on which some layer
 * begins need a look: any other unit holds no more than the one before it does. */
static uint64_t fullest_runs(uint64_t runs, uint64_t n, uint64_t P) {
    uint64_t most = 0;
    for (uint64_t l = 0; l < n; l++) {
        const uint64_t here = starts_in(l * P / n, runs % P, n, P);
        if (here > most) most = here;
    }
    return n * (runs / P) + most;
}

/* The last run may be shorter: then the fullest unit is the fullest by whole runs, or by that one beside them. */
static uint64_t fullest_whole(uint64_t pages, uint64_t n, uint64_t P, unsigned bits) {
    const uint64_t size = UINT64_C(1) << bits, runs = pages >> bits, rest = pages & (size - 1);
    uint64_t most = fullest_runs(runs, n, P) * size;
    for (uint64_t l = 0; l < n && rest; l++) { /* unit x that has the rest of layer l */
        const uint64_t x = (l * P / n + runs) % P;
        const uint64_t whole = n * (runs / P) + starts_in(x, runs % P, n, P), begun = starts_in(x, runs % P + 1, n, P);
        const uint64_t with_rest = whole * size + (begun - starts_in(x, runs % P, n, P)) * rest;
        if (with_rest > most) most = with_rest;
    }
    return most;
}

uint64_t roma_place_one_page(const roma_placement *p) {
    return roma_kv_bytes(&roma_kv_formats[p->kv], p->plan->desc->hyper.head_dim);
}

bool roma_place_computes(const roma_placement *p) { return !roma_kv_formats[p->kv].is_float; }

roma_placement roma_place_computed(const roma_placement *p) {
    roma_placement out = *p;
    if (!roma_place_computes(p)) out.kv = ROMA_KV_INT8;
    return out;
}

double roma_place_page_bytes(const roma_placement *p, uint32_t die, uint64_t pages) {
    const uint64_t P = roma_place_page_units(p);
    const double page = (double)roma_place_one_page(p), heads = (double)heads_of_unit(p);
    uint32_t first, end;
    roma_place_layers(p, die, &first, &end);
    if (first == end) return 0;
    if (p->chip.hunit_pages == ROMA_PAGES_SPREAD)
        return heads * (end - first) * (double)ceil_div(pages * ROMA_PAGE, P) * page / ROMA_PAGE;
    return heads * (double)fullest_whole(pages, end - first, P, run_bits(p)) * page;
}

double roma_place_score_bytes(const roma_placement *p, uint64_t positions, uint64_t rows) {
    const roma_hyper *h = &p->plan->desc->hyper;
    const uint64_t P = roma_place_page_units(p), run = (uint64_t)ROMA_PAGE << run_bits(p), turn = run * P;
    uint64_t most = positions / turn * run + (positions % turn < run ? positions % turn : run);
    if (p->chip.hunit_pages == ROMA_PAGES_SPREAD) most = ceil_div(positions, P);
    return 4.0 * (double)(h->heads / h->kv_heads * heads_of_unit(p)) * (double)rows * (double)most;
}

/* Adapters lie evenly over the H-Units of their layers' die. Whole bytes, so that the comparison is exact. */
static bool die_holds(const roma_placement *p, uint32_t die, uint64_t pages, double score_bytes, double sram_bytes,
                      double lora_bytes) {
    uint32_t first, end;
    roma_place_layers(p, die, &first, &end);
    const double adapters =
        lora_bytes * (end - first) / p->plan->desc->hyper.layers / (place_is_tensor(p) ? p->dies : 1);
    return first == end ||
           (roma_place_page_bytes(p, die, pages) + score_bytes) * p->chip.matrix_units + adapters <= sram_bytes;
}

bool roma_place_holds(const roma_placement *p, uint64_t pages, double score_bytes, double sram_bytes,
                      double lora_bytes) {
    for (uint32_t die = 0; die < p->dies; die++)
        if (!die_holds(p, die, pages, score_bytes, sram_bytes, lora_bytes)) return false;
    return true;
}

static bool holds_one(const roma_placement *p, uint64_t pages, double sram_bytes, double lora_bytes) {
    return roma_place_holds(p, pages, roma_place_score_bytes(p, pages * ROMA_PAGE, 1), sram_bytes, lora_bytes);
}

uint64_t roma_place_pages(const roma_placement *p, double sram_bytes, double lora_bytes) {
    uint64_t low = 0, high = 1; /* `low` fit */
    if (!holds_one(p, 0, sram_bytes, lora_bytes)) return 0;
    while (high < UINT64_C(1) << 40 && holds_one(p, high, sram_bytes, lora_bytes)) low = high, high *= 2;
    while (high - low > 1) {
        const uint64_t middle = low + (high - low) / 2;
        if (holds_one(p, middle, sram_bytes, lora_bytes))
            low = middle;
        else
            high = middle;
    }
    return low;
}
