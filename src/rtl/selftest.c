/* The signatures that a chip's self-test gives (docs/program-format.md, "Self-test"). */
#include "chip.h"

/* What a row of 32 bits adds up to with the activations of the test, byte by byte: byte b has the inputs b, b + 4,
 * b + 8, b + 12, of 2 bits each; the last two have the shift 7. */
typedef struct {
    uint32_t of_byte[4][256];
} row_sums;

static void make_sums(row_sums *s) {
    static const uint32_t activation[8] = {31, 53, 61, 65, 67, 87, 101, 105};
    for (uint32_t b = 0; b < 4; b++)
        for (uint32_t v = 0; v < 256; v++)
            s->of_byte[b][v] = (v & 3) * activation[b] + (v >> 2 & 3) * activation[b + 4] +
                               (((v >> 4 & 3) * activation[b] + (v >> 6) * activation[b + 4]) << 7);
}

static uint32_t sign(const row_sums *s, uint32_t signature, const uint32_t *row, uint32_t rows) {
    signature = signature << 1 ^ (signature >> 31 ? UINT32_C(0x00400007) : 0);
    for (uint32_t r = 0; r < rows; r++) {
        uint32_t sum = 0;
        for (uint32_t b = 0; b < 4; b++) sum += s->of_byte[b][row[r] >> 8 * b & 255];
        const uint32_t turn = 7 * r % 32;
        signature ^= turn ? sum << turn | sum >> (32 - turn) : sum;
    }
    return signature;
}

void roma_rtl_chip_signatures(const rtl_chip *c, uint32_t unit, uint32_t *out) {
    row_sums sums;
    uint32_t signature = UINT32_MAX, word[ROMA_RTL_WORD_PIECES];
    make_sums(&sums);
    for (uint32_t l = 0; l < (uint32_t)c->place->chip.lunits; l++) {
        const rtl_chip_lunit of = {c, unit, l};
        const roma_rtl_words w = roma_rtl_chip_lunit_words(&of);
        for (uint64_t a = 0; a < w.words; a++) {
            w.word(w.ctx, a, word);
            signature = sign(&sums, signature, word, w.width / 32);
        }
        out[l] = signature;
    }
}
