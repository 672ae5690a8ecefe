/* Words: which L-Unit holds which code, and what every tensor takes (docs/placement.md, "Weights" and "Vectors"). */
#include "place_int.h"

static uint64_t ceil_div(uint64_t a, uint64_t b) { return (a + b - 1) / b; }

/* Bits of scales and minima of one row, as the image stores them, without a tile's padding. */
static uint64_t scale_bits(const roma_image_tensor *t) {
    roma_tile_layout lay;
    roma_tile_layout_get(&t->format, t->cols, &lay);
    const uint64_t supers = t->format.super ? t->cols / t->format.super : 0;
    const uint64_t super_min = t->format.min ? supers * 2 * ROMA_TILE_ROWS : 0;
    return (lay.super_min + super_min - lay.scale) * 8 / ROMA_TILE_ROWS;
}

/* A lane takes 2, 4 or 8 bits at a time; codes of other widths lie in the next wider one. */
static uint32_t lane_bits(unsigned bits) { return bits <= 2 ? 2 : bits <= 4 ? 4 : 8; }

static roma_place_tensor matrix(const roma_image_tensor *t, const place_numbers *k) {
    roma_place_tensor m = {.where = ROMA_PLACED_LUNITS, .lane_bits = lane_bits(t->format.bits)};
    const uint64_t group_rows = k->group_rows, groups = ceil_div(t->rows, k->U * group_rows);
    m.unit_rows = groups * group_rows;
    m.units = (uint32_t)ceil_div(t->rows, m.unit_rows);
    m.row_words = ceil_div(t->cols * m.lane_bits / PLACE_ROW_BITS, k->N);
    m.scale_words = ceil_div(ceil_div(m.unit_rows * scale_bits(t), k->word_bits), k->N);
    m.words = m.scale_words + groups * m.row_words;
    return m;
}

/* ---- dies ---- */

void roma_place_layers(const roma_placement *p, uint32_t die, uint32_t *first, uint32_t *end) {
    const uint64_t layers = p->plan->desc->hyper.layers;
    *first = (uint32_t)(layers * die / p->dies);
    *end = (uint32_t)(layers * (die + 1) / p->dies);
}

/* The first die whose end is beyond the layer. */
uint32_t roma_place_layer_die(const roma_placement *p, uint32_t layer) {
    return (uint32_t)((((uint64_t)layer + 1) * p->dies - 1) / p->plan->desc->hyper.layers);
}

/* The first die has an embedding of its own, the last one final norm and head. A table that is both is stored once,
 * with the head; that die sends the chosen token's row back to die 0 instead of its number. */
static uint32_t die_of(const roma_placement *p, const roma_image_tensor *t, bool tied) {
    if (roma_tensor_role_is_layered(t->role)) return roma_place_layer_die(p, t->layer);
    return t->role == ROMA_W_EMBED && !tied ? 0 : p->dies - 1;
}

/* Whether embedding and head are one table. */
static bool is_tied(const roma_description *d) {
    const roma_image_tensor *head = roma_description_find(d, ROMA_W_HEAD, 0);
    return !head || head->tie >= 0;
}

static bool is_stored(const roma_placement *p, const roma_image_tensor *t, bool tied) {
    return t->tie < 0 && (t->role != ROMA_W_EMBED || tied || p->chip.rom_embedding != 0);
}

/* ---- all tensors ---- */

static uint64_t vector_words(uint64_t elements, const place_numbers *k) {
    return ceil_div(elements, k->V * k->vector_lanes);
}

uint64_t roma_place_rope_words(const roma_placement *p) {
    const place_numbers k = place_numbers_of(&p->chip);
    return vector_words(p->plan->desc->hyper.rope_dim / 2, &k);
}

static void place_tensor(roma_placement *p, size_t i, bool tied, const place_numbers *k) {
    const roma_image_tensor *t = &p->plan->desc->tensors[i];
    roma_place_tensor *at = &p->tensors[i];
    *at = (roma_place_tensor){.where = ROMA_PLACED_NOWHERE};
    if (!is_stored(p, t, tied)) return;
    if (t->is_vector)
        *at = (roma_place_tensor){.where = ROMA_PLACED_VECTORS, .words = vector_words(t->cols, k)};
    else
        *at = matrix(t, k);
    at->die = die_of(p, t, tied);
    uint64_t *end = t->is_vector ? &p->die_vector_words[at->die] : &p->die_words[at->die];
    at->base = *end;
    *end += at->words;
}

static void write_note(roma_placement *p) {
    const double has = p->chip.lunit_words;
    p->fits_rom = p->chip.rom_style == ROMA_ROM_DRAM || (double)p->rom_words <= has;
    p->note[0] = 0;
    if (p->fits_rom) return;
    char dies[48] = "";
    if (p->dies > 1) roma_print(dies, sizeof dies, " of the fullest of %u dies", p->dies);
    roma_print(p->note, sizeof p->note,
               "the model needs %llu ROM words in an L-Unit%s and chip %.40s has %.0f: it does not fit that chip",
               (unsigned long long)p->rom_words, dies, p->chip.name, has);
}

void roma_place_derive(roma_placement *p) {
    const roma_description *d = p->plan->desc;
    const place_numbers k = place_numbers_of(&p->chip);
    const bool tied = is_tied(d);
    for (uint32_t die = 0; die < p->dies; die++) {
        uint32_t first, end;
        roma_place_layers(p, die, &first, &end);
        p->die_words[die] = 0;
        p->die_vector_words[die] = first < end ? roma_place_rope_words(p) : 0;
    }
    for (size_t i = 0; i < d->n_tensors; i++) place_tensor(p, i, tied, &k);
    p->rom_words = p->vector_words = 0;
    for (uint32_t die = 0; die < p->dies; die++) {
        if (p->die_words[die] > p->rom_words) p->rom_words = p->die_words[die];
        if (p->die_vector_words[die] > p->vector_words) p->vector_words = p->die_vector_words[die];
    }
    write_note(p);
}

/* ---- one code ---- */

roma_place_code roma_place_code_at(const roma_placement *p, size_t tensor, uint64_t row, uint64_t input) {
    const roma_place_tensor *m = &p->tensors[tensor];
    const place_numbers k = place_numbers_of(&p->chip);
    const uint64_t per_word = PLACE_ROW_BITS / m->lane_bits, unit = row / m->unit_rows, inside = row % m->unit_rows;
    const uint64_t word = input / per_word, x = input % per_word;
    return (roma_place_code){
        .unit = (uint32_t)unit,
        .lunit = (uint32_t)(word % k.N),
        .address = m->base + m->scale_words + inside / k.group_rows * m->row_words + word / k.N,
        .bit = (uint32_t)(inside % k.group_rows * PLACE_ROW_BITS + x % 4 * 8 + x / 4 * m->lane_bits),
    };
}

/* ---- what the words hold ---- */

enum { BLOCK = 64, ROW_BYTES = 4 };

/* The `width`-bit field of one row and input in a plane of the image's tiles. */
static uint32_t field(const uint8_t *plane, unsigned width, uint64_t row, uint64_t input) {
    const uint64_t per_block = PLACE_ROW_BITS / width, x = input % per_block;
    const uint8_t byte = plane[BLOCK * (input / per_block) + ROW_BYTES * (row % ROMA_TILE_ROWS) + x % 4];
    return (uint32_t)byte >> (width * (x / 4)) & ((1u << width) - 1);
}

/* Codes of two planes are joined, and lie in the word as those of one plane of lane_bits would. */
static uint32_t joined(const roma_image_tensor *t, const uint8_t *tile, uint32_t bits, uint64_t row, uint64_t word) {
    roma_tile_layout lay;
    roma_tile_layout_get(&t->format, t->cols, &lay);
    const unsigned low = (unsigned)(lay.plane_hi * 8 / (ROMA_TILE_ROWS * t->cols)), high = t->format.bits - low;
    const uint32_t per_word = PLACE_ROW_BITS / bits;
    uint32_t out = 0;
    for (uint32_t x = 0; x < per_word; x++) {
        const uint64_t input = word * per_word + x;
        const uint32_t code = field(tile, low, row, input) | field(tile + lay.plane_hi, high, row, input) << low;
        out |= code << (x % 4 * 8 + x / 4 * bits);
    }
    return out;
}

uint32_t roma_place_bits(const roma_placement *p, size_t tensor, uint64_t row, uint64_t word) {
    const roma_image_tensor *t = &p->plan->desc->tensors[tensor];
    const uint32_t bits = p->tensors[tensor].lane_bits;
    if (row >= t->rows || word >= t->cols * bits / PLACE_ROW_BITS) return 0;
    const uint8_t *tile = t->data + row / ROMA_TILE_ROWS * t->tile_bytes;
    if (t->format.bits != bits) return joined(t, tile, bits, row, word);
    return roma_le32(tile + BLOCK * word + ROW_BYTES * (row % ROMA_TILE_ROWS));
}
