/* The block of memory behind one row of quantised activations. */
#include "roma/num.h"

static size_t piece(uint64_t bytes) { return (size_t)((bytes + 63) & ~(uint64_t)63); }

size_t roma_act_bytes(uint64_t cols) {
    return piece(cols) + 2 * piece(cols / 8 * 4) + piece(cols / 16 * 4) + piece(cols / 32 * 4);
}

static void *take(uint8_t **at, uint64_t bytes) {
    void *const p = *at;
    *at += piece(bytes);
    return p;
}

void roma_act_init(roma_act *a, void *block, uint64_t cols) {
    uint8_t *at = block;
    a->code = take(&at, cols);
    a->shift = take(&at, cols / 8 * 4);
    a->mult = take(&at, cols / 8 * 4);
    a->sum16 = take(&at, cols / 16 * 4);
    a->sum32 = take(&at, cols / 32 * 4);
    a->scale = 0;
}
