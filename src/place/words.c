/* Words: which L-Unit holds which code, and what every tensor takes (docs/placement.md, "Weights" and "Vectors"). */
#include "place_int.h"

static uint64_t ceil_div(uint64_t a, uint64_t b) { return (a + b - 1) / b; }

uint64_t roma_place_scale_bits(const roma_image_tensor *t) {
    roma_tile_layout lay;
    roma_tile_layout_get(&t->format, t->cols, &lay);
    return (lay.used - lay.scale) * 8 / ROMA_TILE_ROWS;
}

/* A lane takes 1, 2, 4 or 8 bits at a time; codes of other widths lie in the next wider one. */
static uint32_t lane_bits(const roma_format *f) { return f->bits <= 2 ? f->bits : f->bits <= 4 ? 4 : 8; }

/* Codes 0, 1 and 2 for -1, 0 and 1. */
static bool is_ternary(const roma_format *f) {
    return f->bits == 2 && f->zero == 1 && !f->min && !f->zeros && f->level == ROMA_LEVEL_IDENTITY;
}

static uint32_t word_inputs(const place_numbers *k, const roma_format *f) {
    return k->trits && is_ternary(f) ? PLACE_TRITS : PLACE_ROW_BITS / lane_bits(f);
}

uint32_t roma_place_word_inputs(const roma_placement *p, const roma_image_tensor *t) {
    const place_numbers k = place_numbers_of(p);
    return word_inputs(&k, &t->format);
}

bool roma_place_is_trits(const roma_placement *p, const roma_image_tensor *t) {
    return roma_place_word_inputs(p, t) == PLACE_TRITS;
}

/* Where the unit's scales lie: before its codes, or in a ROM beside the leaf units that is as wide as the leaves that
 * one address ends. */
static void place_scales(roma_place_tensor *m, const roma_image_tensor *t, const place_numbers *k, bool own) {
    const uint64_t bits = roma_place_scale_bits(t), groups = t->cols / t->format.group, ended = m->wave_leaves;
    if (!own) {
        m->scale_words = ceil_div(ceil_div(m->unit_rows * bits, k->word_bits), k->N);
        return;
    }
    m->own_bits = ceil_div(ended * bits, groups);
    m->own_words = m->unit_rows / k->group_rows * (groups < m->row_words ? groups : m->row_words);
}

/* Words that a row's codes take over all L-Units. A group of trits begins a word. */
static uint64_t code_words(const roma_image_tensor *t, const place_numbers *k) {
    const uint64_t inputs = word_inputs(k, &t->format);
    return inputs == PLACE_TRITS ? t->cols / t->format.group * ceil_div(t->format.group, inputs)
                                 : ceil_div(t->cols, inputs);
}

static uint64_t row_words(const roma_image_tensor *t, const place_numbers *k) {
    return ceil_div(code_words(t, k), k->N);
}

uint64_t roma_place_row_words(const roma_placement *p, size_t tensor) {
    const place_numbers k = place_numbers_of(p);
    return row_words(&p->plan->desc->tensors[tensor], &k);
}

static roma_place_tensor matrix(const roma_image_tensor *t, const place_numbers *k, bool own) {
    const uint32_t inputs = word_inputs(k, &t->format);
    roma_place_tensor m = {.where = ROMA_PLACED_LUNITS, .lane_bits = lane_bits(&t->format), .word_inputs = inputs};
    const uint64_t group_rows = k->group_rows, groups = ceil_div(t->rows, k->U * group_rows);
    m.unit_rows = groups * group_rows;
    m.units = (uint32_t)ceil_div(t->rows, m.unit_rows);
    m.row_words = row_words(t, k);
    m.group_words = ceil_div(t->format.group, inputs);
    m.group_lunits = m.group_words > k->N ? k->N : m.group_words;
    m.wave_leaves = group_rows * ceil_div(k->N, m.group_words);
    place_scales(&m, t, k, own);
    m.words = m.scale_words + groups * m.row_words;
    return m;
}

/* ---- dies ---- */

void roma_place_layers(const roma_placement *p, uint32_t die, uint32_t *first, uint32_t *end) {
    const uint64_t layers = p->plan->desc->hyper.layers;
    if (place_is_tensor(p)) {
        *first = 0;
        *end = (uint32_t)layers;
        return;
    }
    *first = (uint32_t)(layers * die / p->dies);
    *end = (uint32_t)(layers * (die + 1) / p->dies);
}

/* The first die whose end is beyond the layer. */
uint32_t roma_place_layer_die(const roma_placement *p, uint32_t layer) {
    if (place_is_tensor(p)) return 0;
    return (uint32_t)((((uint64_t)layer + 1) * p->dies - 1) / p->plan->desc->hyper.layers);
}

/* The first die has an embedding of its own, the last one final norm and head. A table that is both is stored once,
 * with the head; that die sends the chosen token's row back to die 0 instead of its number. */
static uint32_t die_of(const roma_placement *p, const roma_image_tensor *t, bool tied) {
    if (roma_tensor_role_is_layered(t->role)) return roma_place_layer_die(p, t->layer);
    return place_is_tensor(p) || (t->role == ROMA_W_EMBED && !tied) ? 0 : p->dies - 1;
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
    const place_numbers k = place_numbers_of(p);
    return vector_words(p->plan->desc->hyper.rope_dim / 2, &k);
}

uint32_t roma_place_order_bits(uint64_t cols) { return cols > 65536 ? 32 : 16; }

uint64_t roma_place_order_words(const roma_placement *p, uint32_t die) {
    const roma_description *d = p->plan->desc;
    const place_numbers k = place_numbers_of(p);
    uint64_t words = 0;
    for (size_t i = 0; i < d->n_tensors; i++) {
        const roma_image_tensor *t = &d->tensors[i];
        size_t before = i;
        if (!roma_description_gather(d, t) || p->tensors[i].die != die) continue;
        for (size_t b = 0; b < i; b++)
            if (d->tensors[b].order == t->order && p->tensors[b].die == die) before = b;
        if (before == i) words += vector_words(ceil_div(t->cols * roma_place_order_bits(t->cols), 32), &k);
    }
    return words;
}

static void place_tensor(roma_placement *p, size_t i, bool tied, const place_numbers *k) {
    const roma_image_tensor *t = &p->plan->desc->tensors[i];
    roma_place_tensor *at = &p->tensors[i];
    *at = (roma_place_tensor){.where = ROMA_PLACED_NOWHERE};
    if (!is_stored(p, t, tied)) return;
    if (t->is_vector)
        *at = (roma_place_tensor){.where = ROMA_PLACED_VECTORS, .words = vector_words(t->cols, k)};
    else
        *at = matrix(t, k, p->chip.scale_port <= ROMA_SCALES_OWN);
    at->die = die_of(p, t, tied);
    uint64_t *end = t->is_vector ? &p->die_vector_words[at->die] : &p->die_words[at->die];
    at->base = *end;
    *end += at->words;
}

/* ---- what the chip must have ---- */

/* The tensor whose words a tensor's codes are: its table's where it is tied. */
static size_t stored_tensor(const roma_placement *p, uint32_t tensor) {
    const int32_t tie = p->plan->desc->tensors[tensor].tie;
    return tie >= 0 ? (size_t)tie : tensor;
}

/* Inputs whose codes an L-Unit meets in one value: LINEARs that read as many inputs a word share them. */
static uint64_t value_inputs(const roma_placement *p, uint32_t value) {
    uint64_t addresses[PLACE_ROW_BITS + 1] = {0}, sum = 0; /* by the inputs of a word */
    for (size_t i = 0; i < p->plan->n_ops; i++) {
        const roma_op *op = &p->plan->ops[i];
        if (!roma_op_matrix(p->plan, op) || op->in[0] != value) continue;
        const roma_place_tensor *m = &p->tensors[stored_tensor(p, op->tensor)];
        if (m->row_words > addresses[m->word_inputs]) addresses[m->word_inputs] = m->row_words;
    }
    for (unsigned n = 1; n <= PLACE_ROW_BITS; n++) sum += addresses[n] * n;
    return sum;
}

/* Bits that a level of any of the model's tables has: 8, or 10 of a fine one; 0: there are none. */
static unsigned table_bits(const roma_description *d) {
    unsigned bits = 0;
    for (size_t i = 0; i < d->n_tensors; i++) {
        if (d->tensors[i].is_vector || d->tensors[i].format.level == ROMA_LEVEL_IDENTITY) continue;
        if (d->tensors[i].format.level == ROMA_LEVEL_FINE) return 10;
        bits = 8;
    }
    return bits;
}

static void count_needs(roma_placement *p) {
    const roma_plan *plan = p->plan;
    p->rom_words = p->vector_words = p->scale_words = p->scale_bits = p->buffer_inputs = 0;
    for (uint32_t die = 0; die < p->dies; die++) {
        const uint32_t at = place_is_tensor(p) ? 0 : die;
        uint64_t own = 0;
        for (size_t i = 0; i < plan->desc->n_tensors; i++)
            if (p->tensors[i].where == ROMA_PLACED_LUNITS && p->tensors[i].die == at) own += p->tensors[i].own_words;
        p->die_words[die] = p->die_words[at];
        p->die_vector_words[die] = p->die_vector_words[at];
        if (p->die_words[die] > p->rom_words) p->rom_words = p->die_words[die];
        if (p->die_vector_words[die] > p->vector_words) p->vector_words = p->die_vector_words[die];
        if (own > p->scale_words) p->scale_words = own;
    }
    for (size_t i = 0; i < plan->desc->n_tensors; i++)
        if (p->tensors[i].own_bits > p->scale_bits) p->scale_bits = p->tensors[i].own_bits;
    for (uint32_t v = 0; v < plan->n_values; v++) {
        const uint64_t inputs = plan->values[v].is_codes ? value_inputs(p, v) : 0;
        if (inputs > p->buffer_inputs) p->buffer_inputs = inputs;
    }
}

/* Level tables, which nothing else takes the place of. */
static void judge_table(roma_placement *p, unsigned bits) {
    const roma_chip *c = &p->chip;
    if (!bits || (c->table > 0 && bits <= c->table_bits)) return;
    p->fits_rom = false;
    p->lacks = c->table > 0 ? "lunit.table_bits" : "lunit.table";
    if (c->table > 0)
        roma_print(p->note, sizeof p->note,
                   "the model's tables have levels of %u bits, and those of chip %.40s have %.0f (lunit.table_bits)",
                   bits, c->name, c->table_bits);
    else
        roma_print(p->note, sizeof p->note,
                   "the model's codes are numbers of levels in a table, and chip %.40s has none (lunit.table)",
                   c->name);
}

/* The first thing that the model needs and the chip has not. */
static void judge(roma_placement *p) {
    const roma_chip *c = &p->chip;
    const bool streamed = c->rom_style == ROMA_ROM_DRAM;
    char dies[48] = "";
    if (p->dies > 1) roma_print(dies, sizeof dies, " of the fullest of %u dies", p->dies);
    const struct {
        const char *what, *key;
        uint64_t need;
        double has;
        bool counts;
    } needs[] = {
        {"ROM words in an L-Unit", "lunit.words", p->rom_words, c->lunit_words, !streamed},
        {"words in a matrix unit's ROM of scales", "rom.scale_words", p->scale_words, c->scale_words, !streamed},
        {"bits in a word of the ROM of scales", "rom.scale_bits", p->scale_bits, c->scale_bits, !streamed},
        {"inputs in an L-Unit's buffer", "lunit.buffer", p->buffer_inputs, c->buffer_inputs, true},
        {"ROM words in a vector unit", "vector.rom_words", p->vector_words, c->vector_rom_words, true},
    };
    p->fits_rom = true;
    p->lacks = NULL;
    p->note[0] = 0;
    for (size_t i = 0; i < sizeof needs / sizeof *needs && p->fits_rom; i++) {
        if (!needs[i].counts || (double)needs[i].need <= needs[i].has) continue;
        p->fits_rom = false;
        p->lacks = needs[i].key;
        roma_print(p->note, sizeof p->note,
                   "the model needs %llu %s%s and chip %.40s has %.0f (%s): it does not fit that chip",
                   (unsigned long long)needs[i].need, needs[i].what, dies, c->name, needs[i].has, needs[i].key);
    }
    if (p->fits_rom) judge_table(p, table_bits(p->plan->desc));
}

void roma_place_derive(roma_placement *p) {
    const roma_description *d = p->plan->desc;
    const place_numbers k = place_numbers_of(p);
    const bool tied = is_tied(d);
    for (uint32_t die = 0; die < p->dies; die++) {
        uint32_t first, end;
        roma_place_layers(p, die, &first, &end);
        p->die_words[die] = 0;
        p->die_vector_words[die] = first < end ? roma_place_rope_words(p) : 0;
    }
    for (size_t i = 0; i < d->n_tensors; i++) place_tensor(p, i, tied, &k);
    for (uint32_t die = 0; die < p->dies && d->n_orders; die++)
        p->die_vector_words[die] += roma_place_order_words(p, die);
    count_needs(p);
    judge(p);
}

/* ---- one code ---- */

roma_place_code roma_place_code_at(const roma_placement *p, size_t tensor, uint64_t row, uint64_t input) {
    const roma_place_tensor *m = &p->tensors[tensor];
    const place_numbers k = place_numbers_of(p);
    const uint64_t unit = row / m->unit_rows, inside = row % m->unit_rows;
    const bool is_trits = m->word_inputs == PLACE_TRITS;
    const uint64_t group = p->plan->desc->tensors[tensor].format.group, of_group = is_trits ? input % group : input;
    const uint64_t word = of_group / m->word_inputs + (is_trits ? input / group * m->group_words : 0),
                   x = of_group % m->word_inputs, bit = is_trits ? x / 5 * 8 : x % 4 * 8 + x / 4 * m->lane_bits;
    return (roma_place_code){
        .unit = (uint32_t)unit,
        .lunit = (uint32_t)(word % k.N),
        .address = m->base + m->scale_words + inside / k.group_rows * m->row_words + word / k.N,
        .bit = (uint32_t)(inside % k.group_rows * PLACE_ROW_BITS + bit),
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
    if (row >= t->rows || word >= t->cols * bits / PLACE_ROW_BITS || roma_place_is_trits(p, t)) return 0;
    const uint8_t *tile = t->data + row / ROMA_TILE_ROWS * t->tile_bytes;
    if (t->format.bits != bits) return joined(t, tile, bits, row, word);
    return roma_le32(tile + BLOCK * word + ROW_BYTES * (row % ROMA_TILE_ROWS));
}
