/* What the memories of a chip hold when it is made (docs/program-format.md): lines of hexadecimal digits. */
#include "chip.h"

#include <string.h>

static void print_hex(roma_buf *out, const uint32_t *piece, uint32_t bits) {
    static const char digits[] = "0123456789abcdef";
    for (uint32_t i = (bits + 3) / 4; i > 0; i--)
        roma_buf_append(out, &digits[piece[(i - 1) / 8] >> ((i - 1) % 8 * 4) & 15], 1);
    roma_buf_append(out, "\n", 1);
}

void roma_rtl_chip_program(const rtl_chip *c, roma_buf *out) {
    for (size_t i = 0; i < c->program.words; i++)
        roma_buf_print(out, "%016llx\n", (unsigned long long)c->program.word[i]);
}

/* ---- L-Units ---- */

static void lunit_word(const void *ctx, uint64_t address, uint32_t *out) {
    const rtl_chip_lunit *l = ctx;
    const roma_placement *p = l->chip->place;
    const uint64_t g = (uint64_t)p->chip.lanes / 8;
    for (size_t i = 0; i < p->plan->desc->n_tensors; i++) {
        const roma_place_tensor *at = &p->tensors[i];
        if (at->where != ROMA_PLACED_LUNITS || address < at->base || address >= at->base + at->words) continue;
        const uint64_t k = address - at->base, row = l->unit * at->unit_rows + k / at->row_words * g;
        for (uint64_t r = 0; r < g; r++)
            out[r] = roma_place_bits(p, i, row + r, k % at->row_words * (uint64_t)p->chip.lunits + l->lunit);
        return;
    }
}

roma_rtl_words roma_rtl_chip_lunit_words(const rtl_chip_lunit *l) {
    return (roma_rtl_words){.width = (uint32_t)roma_chip_word_bits(&l->chip->place->chip),
                            .lane_bits = 0,
                            .latency = (uint32_t)l->chip->place->chip.lunit_pipeline - 1,
                            .words = l->chip->place->rom_words,
                            .ctx = l,
                            .word = lunit_word};
}

/* ---- scales ---- */

typedef struct {
    uint8_t *code;
    uint16_t *scale, *min;
    uint32_t *word; /* of scale_bits bits */
} scratch;

/* Puts 16 bits at a bit of a word; fields are whole halves of pieces. */
static void put16(uint32_t *word, uint64_t bit, uint16_t v) { word[bit / 32] |= (uint32_t)v << bit % 32; }

/* The leaves of one row in all scale words of its row group: group by group, row by row. */
static void put_row(const rtl_chip *c, size_t tensor, uint64_t row, uint64_t of_group, uint32_t *words, uint64_t pieces,
                    scratch *s) {
    const roma_placement *p = c->place;
    const roma_image_tensor *t = &p->plan->desc->tensors[tensor];
    const roma_place_tensor *at = &p->tensors[tensor];
    const uint64_t g = (uint64_t)p->chip.lanes / 8, n = (uint64_t)p->chip.lunits, bits = t->format.min ? 32 : 16;
    const uint64_t a_word = at->group_words < n ? n / at->group_words : 1;
    if (row >= t->rows) return;
    roma_row r = {.code = s->code, .scale = s->scale, .min = s->min};
    roma_tile_get_row(&t->format, t->cols, t->data + row / ROMA_TILE_ROWS * t->tile_bytes,
                      (unsigned)(row % ROMA_TILE_ROWS), &r);
    for (uint64_t k = 0; k < t->cols / t->format.group; k++) {
        uint32_t *word = words + k / a_word * pieces;
        const uint64_t bit = (k % a_word * g + of_group) * bits;
        put16(word, bit, s->scale[k]);
        if (t->format.min) put16(word, bit + 16, s->min[k]);
    }
}

static void print_row_group(const rtl_chip *c, size_t tensor, uint64_t first, uint64_t words, scratch *s,
                            roma_buf *out) {
    const uint64_t g = (uint64_t)c->place->chip.lanes / 8, bits = (uint64_t)c->place->chip.scale_bits,
                   pieces = (bits + 31) / 32;
    memset(s->word, 0, words * pieces * sizeof *s->word);
    for (uint64_t r = 0; r < g; r++) put_row(c, tensor, first + r, r, s->word, pieces, s);
    for (uint64_t w = 0; w < words; w++) print_hex(out, s->word + w * pieces, (uint32_t)bits);
}

static void print_scales(const rtl_chip *c, size_t tensor, uint32_t unit, roma_buf *out) {
    const roma_place_tensor *at = &c->place->tensors[tensor];
    const roma_image_tensor *t = &c->place->plan->desc->tensors[tensor];
    const uint64_t g = (uint64_t)c->place->chip.lanes / 8, groups = at->unit_rows / g, words = at->own_words / groups;
    const uint64_t pieces = ((uint64_t)c->place->chip.scale_bits + 31) / 32;
    scratch s = {.code = roma_alloc_array(t->cols, 1),
                 .scale = roma_alloc_array(t->cols, sizeof *s.scale),
                 .min = roma_alloc_array(t->cols, sizeof *s.min),
                 .word = roma_alloc_array(words * pieces, sizeof *s.word)};
    if (!s.code || !s.scale || !s.min || !s.word) out->failed = true;
    for (uint64_t q = 0; !out->failed && q < groups; q++)
        print_row_group(c, tensor, unit * at->unit_rows + q * g, words, &s, out);
    roma_free(s.code);
    roma_free(s.scale);
    roma_free(s.min);
    roma_free(s.word);
}

void roma_rtl_chip_scales(const rtl_chip *c, uint32_t unit, roma_buf *out) {
    for (size_t i = 0; i < c->place->plan->desc->n_tensors; i++)
        if (c->place->tensors[i].where == ROMA_PLACED_LUNITS) print_scales(c, i, unit, out);
}

/* ---- vectors ---- */

static void put_vector(const rtl_chip *c, size_t tensor, uint32_t unit, uint32_t *words) {
    const roma_image_tensor *t = &c->place->plan->desc->tensors[tensor];
    const uint64_t lanes = (uint64_t)c->place->chip.vector_lanes;
    for (uint64_t e = 0; e < t->cols; e++)
        if (e / lanes % c->vectors == unit)
            words[(c->place->tensors[tensor].base + e / (c->vectors * lanes)) * lanes + e % lanes] =
                roma_le32(t->data + 4 * e);
}

void roma_rtl_chip_vectors(const rtl_chip *c, uint32_t unit, roma_buf *out) {
    const uint64_t lanes = (uint64_t)c->place->chip.vector_lanes;
    uint32_t *words = roma_alloc_array(c->place->vector_words * lanes, sizeof *words);
    if (!words) out->failed = true;
    for (size_t i = 0; words && i < c->place->plan->desc->n_tensors; i++)
        if (c->place->tensors[i].where == ROMA_PLACED_VECTORS) put_vector(c, i, unit, words);
    for (uint64_t a = 0; words && a < c->place->vector_words; a++)
        print_hex(out, words + a * lanes, (uint32_t)(32 * lanes));
    roma_free(words);
}

/* The increments of the pairs of a head that lie in the unit's lanes, in the order of their elements: lanes / 2 for
 * each of its addresses. */
void roma_rtl_chip_increments(const rtl_chip *c, uint32_t unit, roma_buf *out) {
    const roma_hyper *h = &c->place->plan->desc->hyper;
    const uint64_t lanes = (uint64_t)c->place->chip.vector_lanes, all = c->vectors * lanes;
    const uint64_t addresses = h->head_dim > all ? h->head_dim / all : 1;
    for (uint64_t a = 0; a < addresses; a++)
        for (uint64_t l = 0; l < lanes; l += 2) {
            const uint64_t pair = (a * all + unit * lanes + l) % h->head_dim / 2;
            roma_buf_print(out, "%016llx\n", pair < h->rope_dim / 2 ? (unsigned long long)h->rope_phase[pair] : 0);
        }
}
