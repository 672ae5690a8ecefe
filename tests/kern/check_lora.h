/* The LoRA kernel of an instruction set against the reference: types of B, ranks, numbers of tiles and rows, edge values. */
#ifndef ROMA_TEST_CHECK_LORA_H
#define ROMA_TEST_CHECK_LORA_H

#include "guard.h"

enum { LORA_RANDOM, LORA_MAX, LORA_MIN, LORA_ZERO, LORA_NAN, LORA_PATTERNS };

static uint8_t lora_code(unsigned type, int pattern, size_t byte) {
    const uint8_t any = (uint8_t)random_u32();
    if (pattern == LORA_ZERO) return 0;
    if (type == ROMA_B_INT8) return pattern == LORA_MAX ? 127 : pattern == LORA_MIN ? 0x80 : any;
    if (type == ROMA_B_F8) return pattern == LORA_MAX ? 0x7e : pattern == LORA_MIN ? (any & 0x87) : (any & 0x7f) == 0x7f ? 0x80 : any; /* MIN: subnormals */
    return byte % 2 == 0 ? any : pattern == LORA_MAX ? 0x7b : pattern == LORA_MIN ? (any & 0x83) : (any & 0x7c) == 0x7c ? (any & 0xbb) : any;
}

static float lora_float(int pattern) {
    const float u = (float)(random_u32() >> 8) * 0x1p-23f - 1.0f;
    if (pattern == LORA_NAN && random_u32() % 3 == 0) return roma_f32_from_bits(0x7fc00000u);
    return pattern == LORA_ZERO ? -0.0f : pattern == LORA_MAX ? u * 0x1p60f : pattern == LORA_MIN ? u * 0x1p-130f : u;
}

/* Inputs beyond an odd rank are zero in B and in the codes. */
static void check_lora_case(const roma_kern *k, unsigned type, unsigned rank, size_t n_tiles, size_t n, int pattern) {
    const size_t even = (rank + 1) & ~1u, stride = even + random_u32() % 3 * 2, bytes = roma_lora_tile_bytes(type, rank), size = type == ROMA_B_F16 ? 2 : 1;
    guarded b = guarded_new(n_tiles * bytes, 1), scale = guarded_new(n_tiles * 64, 4), codes = guarded_new(((n - 1) * stride + even) * 2, 4), t = guarded_new(n * 4, 4);
    guarded y[40];
    float *want = malloc(n * n_tiles * 64), *got[40], *ref[40];
    int16_t *c = (int16_t *)(void *)codes.data;
    for (size_t i = 0; i < n_tiles * bytes; i++)
        b.data[i] = even > rank && i % bytes / size / 32 == rank / 2 && i / size % 2 ? 0 : lora_code(type, pattern, i);
    for (size_t i = 0; i < n_tiles * 16; i++) ((float *)(void *)scale.data)[i] = lora_float(pattern == LORA_NAN ? LORA_RANDOM : pattern);
    for (size_t i = 0; i < n; i++) {
        ((float *)(void *)t.data)[i] = lora_float(pattern);
        for (size_t j = 0; j < even; j++)
            c[i * stride + j] = (int16_t)(j == rank ? 0 : pattern == LORA_MAX ? 32767 : pattern == LORA_MIN && random_u32() % 9 ? -32767 : (int)(random_u32() % 65535) - 32767);
        y[i] = guarded_new(n_tiles * 64, 4);
        got[i] = (float *)(void *)y[i].data;
        ref[i] = want + i * n_tiles * 16;
        for (size_t r = 0; r < n_tiles * 16; r++) got[i][r] = ref[i][r] = lora_float(r % 5 ? LORA_RANDOM : pattern);
    }
    const roma_lora_b lb = {type, rank, b.data, (const float *)(const void *)scale.data};
    k->lora_add(&lb, n_tiles, c, stride, (const float *)(const void *)t.data, n, got);
    roma_lora_add_c(&lb, n_tiles, c, stride, (const float *)(const void *)t.data, n, ref);
    for (size_t i = 0; i < n; i++) {
        const int same = same_floats(got[i], ref[i], n_tiles * 16);
        if (!same) fprintf(stderr, "%s: lora_add differs, type %u, rank %u, %zu tiles, row %zu of %zu, pattern %d\n", k->name, type, rank, n_tiles, i, n, pattern);
        CHECK(same);
        guarded_free(&y[i]);
    }
    free(want);
    guarded_free(&b);
    guarded_free(&scale);
    guarded_free(&codes);
    guarded_free(&t);
}

/* A vector here is 16 results of one row of activations. */
static void check_lora(const roma_kern *k, uint64_t vectors) {
    static const unsigned ranks[] = {1, 2, 3, 4, 7, 8, 12, 16, 17, 31, 32, 64, 100, 511, 512};
    for (unsigned type = ROMA_B_INT8; type <= ROMA_B_F16; type++) {
        for (size_t r = 0; r < sizeof ranks / sizeof *ranks; r++)
            for (int pattern = 0; pattern < LORA_PATTERNS; pattern++) check_lora_case(k, type, ranks[r], 1 + r % 3, 1 + (r * 5 + (size_t)pattern) % 19, pattern);
        for (size_t n = 1; n <= 40; n++) check_lora_case(k, type, 16, 2, n, LORA_RANDOM);
    }
    for (uint64_t done = 0; done < vectors;) {
        const size_t tiles = 1 + random_u32() % 4, n = 1 + random_u32() % 24;
        check_lora_case(k, 1 + random_u32() % 3, 1 + random_u32() % 40, tiles, n, (int)(random_u32() % LORA_PATTERNS));
        done += tiles * n;
    }
}

#endif
