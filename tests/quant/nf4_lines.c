/* Our NF4 for tests/reference/nf4_codes.py. Standard input: how many weights (u64, a multiple of 64), an offset (FP32;
 * NaN: our own), a map of 256 (all zero: our own), the weights. Standard output: a code each, absmax, the offset, the
 * codes of the absmax, their FP32 scales. All little-endian. */
#include <stdio.h>
#include <stdlib.h>

#include "roma/quant.h"

static void take(void *to, size_t size, size_t n) {
    if (fread(to, size, n, stdin) != n) exit(1);
}

static void *room(size_t size, size_t n) {
    void *p = calloc(n, size);
    if (!p) exit(1);
    return p;
}

int main(void) {
    uint64_t n;
    float offset, map[256];
    bool own = true;
    take(&n, sizeof n, 1);
    take(&offset, sizeof offset, 1);
    take(map, sizeof *map, 256);
    for (int i = 0; i < 256; i++) own = own && map[i] == 0;
    if (own) roma_nf4_map(map);
    const uint64_t blocks = n / 64, nested = (blocks + ROMA_NF4_NESTED - 1) / ROMA_NF4_NESTED;
    float *x = room(sizeof *x, n), *absmax = room(sizeof *absmax, blocks), *scale = room(sizeof *scale, nested);
    uint8_t *code = room(1, n), *code8 = room(1, blocks);
    take(x, sizeof *x, n);
    for (uint64_t b = 0; b < blocks; b++) absmax[b] = roma_nf4_codes(x + 64 * b, 64, code + 64 * b);
    if (offset != offset) offset = roma_nf4_offset(absmax, blocks);
    roma_nf4_nest(absmax, blocks, offset, map, code8, scale);
    fwrite(code, 1, n, stdout);
    fwrite(absmax, sizeof *absmax, blocks, stdout);
    fwrite(&offset, sizeof offset, 1, stdout);
    fwrite(code8, 1, blocks, stdout);
    fwrite(scale, sizeof *scale, nested, stdout);
    free(x), free(absmax), free(scale), free(code), free(code8);
    return fflush(stdout) != 0;
}
