/* A fixed amount of one kernel's work on one thread, for bench/callgrind.sh and bench/neon_bound.py:
 *
 *   build/bench/count ISA FORMAT ROWS REPEATS [TILES]     FORMAT: 0, 1 ... in the order of bench/kern_formats.h
 *
 * Prints the format, the bytes of its codes and scales, and the multiply-adds of one repeat. */
#include "roma/base.h"
#include "kern_formats.h"

#include <stdio.h>
#include <stdlib.h>

#define COLS 2048

static void fill(uint8_t *tiles, size_t bytes, roma_act *acts, size_t n, uint8_t *block, const roma_kern *k) {
    static float x[COLS];
    for (size_t i = 0; i < bytes; i++) tiles[i] = (uint8_t)(roma_random(7, i) & 0xbf); /* finite FP16 everywhere */
    for (size_t i = 0; i < n; i++) {
        for (uint64_t c = 0; c < COLS; c++) x[c] = (float)(roma_random(i, c) >> 40) * 0x1p-24f - 0.5f;
        roma_act_init(&acts[i], block + i * roma_act_bytes(COLS), COLS);
        k->quantise(x, COLS, 1, &acts[i]);
    }
}

int main(int argc, char **argv) {
    const roma_kern *k = argc >= 5 ? roma_kern_find(argv[1]) : NULL;
    const size_t which = k ? strtoul(argv[2], NULL, 10) : FORMATS, n = k ? strtoul(argv[3], NULL, 10) : 0;
    const size_t n_tiles = argc > 5 ? strtoul(argv[5], NULL, 10) : 32;
    if (which >= FORMATS || !n || n > 1024 || !n_tiles || n_tiles > 1024)
        return fprintf(stderr, "usage: count ISA FORMAT ROWS REPEATS [TILES]\n"), 2;
    const roma_format *f = &formats[which].f;
    roma_tile_layout l;
    roma_tile_layout_get(f, COLS, &l);
    roma_arena arena;
    const size_t scratch = roma_kern_scratch_bytes(COLS, n),
                 all = n_tiles * l.bytes + n * (roma_act_bytes(COLS) + sizeof(roma_act) + 64 * n_tiles);
    if (roma_arena_create(&arena, all + scratch + 4096, NULL)) return 3;
    uint8_t *tiles = roma_arena_take(&arena, n_tiles * l.bytes),
            *block = roma_arena_take(&arena, n * roma_act_bytes(COLS)), *space = roma_arena_take(&arena, scratch);
    roma_act *acts = roma_arena_take(&arena, n * sizeof *acts);
    float *out = roma_arena_take(&arena, n * 64 * n_tiles);
    fill(tiles, n_tiles * l.bytes, acts, n, block, k);
    for (unsigned long i = strtoul(argv[4], NULL, 10); i; i--)
        k->product(f, COLS, tiles, n_tiles, acts, n, out, 16 * n_tiles, space);
    printf("%s|%zu|%zu\n", formats[which].name, n_tiles * l.bytes, n_tiles * 16 * COLS * n);
    roma_arena_destroy(&arena);
    return 0;
}
