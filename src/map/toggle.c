/* How many bits flip between the ROM words that an L-Unit reads one after the other (docs/cost-model.md section 2). */
#include "roma/map.h"

/* The 64-bit words of a matrix in reading order: the code planes of its tiles, one tile after the other. */
static uint64_t word_at(const roma_image_tensor *t, size_t plane_words, uint64_t i) {
    const uint8_t *at = t->data + i / plane_words * t->tile_bytes + i % plane_words * 8;
    return roma_le64(at);
}

static void count_matrix(const roma_image_tensor *t, uint64_t units, uint64_t stride, uint64_t *flips, uint64_t *bits) {
    const size_t plane_words = (size_t)ROMA_TILE_ROWS * t->cols * t->format.bits / 64;
    const uint64_t tiles = roma_tiles(t->rows), words = tiles * plane_words;
    for (uint64_t u = 0; u < units; u++) /* each matrix unit has its own share, dealt over its L-Units */
        for (uint64_t i = words * u / units, end = words * (u + 1) / units; i + stride < end; i++) {
            *flips += (uint64_t)__builtin_popcountll(word_at(t, plane_words, i) ^ word_at(t, plane_words, i + stride));
            *bits += 64;
        }
}

double roma_map_toggles(const roma_plan *p) {
    const roma_chip *c = &p->chip;
    const double per_cycle = c->lunits * roma_chip_word_bits(c) / 64;
    const uint64_t units = (uint64_t)c->matrix_units, stride = per_cycle < 1 ? 1 : (uint64_t)per_cycle;
    uint64_t flips = 0, bits = 0;
    for (size_t i = 0; i < p->n_ops; i++) {
        const roma_image_tensor *t = roma_op_matrix(p, &p->ops[i]);
        if (t && t->data) count_matrix(t, units, stride, &flips, &bits);
    }
    return bits ? (double)flips / (0.5 * (double)bits) : 1;
}
