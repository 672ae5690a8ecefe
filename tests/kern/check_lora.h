/* The LoRA kernel of an instruction set against the reference: types of B, ranks, numbers of tiles and rows, edge
 * values. */
#ifndef ROMA_TEST_CHECK_LORA_H
#define ROMA_TEST_CHECK_LORA_H

#include "check_product.h"

enum { LORA_RANDOM, LORA_MAX, LORA_MIN, LORA_ZERO, LORA_NAN, LORA_PATTERNS };

static uint8_t lora_code(unsigned type, int pattern, size_t byte) {
    const uint8_t any = (uint8_t)random_u32();
    if (pattern == LORA_ZERO) return 0;
    if (type == ROMA_B_INT8) return pattern == LORA_MAX ? 127 : pattern == LORA_MIN ? 0x80 : any;
    if (type == ROMA_B_F8)
        return pattern == LORA_MAX    ? 0x7e
               : pattern == LORA_MIN  ? (any & 0x87)
               : (any & 0x7f) == 0x7f ? 0x80
                                      : any; /* MIN: subnormals */
    return byte % 2 == 0          ? any
           : pattern == LORA_MAX  ? 0x7b
           : pattern == LORA_MIN  ? (any & 0x83)
           : (any & 0x7c) == 0x7c ? (any & 0xbb)
                                  : any;
}

static float lora_float(int pattern) {
    const float u = (float)(random_u32() >> 8) * 0x1p-23f - 1.0f;
    if (pattern == LORA_NAN && random_u32() % 3 == 0) return roma_f32_from_bits(0x7fc00000u);
    return pattern == LORA_ZERO ? -0.0f : pattern == LORA_MAX ? u * 0x1p60f : pattern == LORA_MIN ? u * 0x1p-130f : u;
}

/* Inputs beyond an odd rank are zero in B and in the codes. */
static void check_lora_case(const roma_kern *k, unsigned type, unsigned rank, size_t n_tiles, size_t n, int pattern) {
    const size_t even = (rank + 1) & ~1u, stride = even + random_u32() % 3 * 2,
                 bytes = roma_lora_tile_bytes(type, rank), size = type == ROMA_B_F16 ? 2 : 1;
    guarded b = guarded_new(n_tiles * bytes, 1), scale = guarded_new(n_tiles * 64, 4),
            codes = guarded_new(((n - 1) * stride + even) * 2, 4), t = guarded_new(n * 4, 4);
    guarded y[40];
    float *want = malloc(n * n_tiles * 64), *got[40], *ref[40];
    int16_t *c = (int16_t *)(void *)codes.data;
    for (size_t i = 0; i < n_tiles * bytes; i++)
        b.data[i] = even > rank && i % bytes / size / 32 == rank / 2 && i / size % 2 ? 0 : lora_code(type, pattern, i);
    for (size_t i = 0; i < n_tiles * 16; i++)
        ((float *)(void *)scale.data)[i] = lora_float(pattern == LORA_NAN ? LORA_RANDOM : pattern);
    for (size_t i = 0; i < n; i++) {
        ((float *)(void *)t.data)[i] = lora_float(pattern);
        for (size_t j = 0; j < even; j++)
            c[i * stride + j] =
                (int16_t)(j == rank                                 ? 0
                          : pattern == LORA_MAX                     ? 32767
                          : pattern == LORA_MIN && random_u32() % 9 ? -32767
                                                                    : (int)(random_u32() % 65535) - 32767);
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
        if (!same)
            fprintf(stderr, "%s: lora_add differs, type %u, rank %u, %zu tiles, row %zu of %zu, pattern %d\n", k->name,
                    type, rank, n_tiles, i, n, pattern);
        CHECK(same);
        guarded_free(&y[i]);
    }
    free(want);
    guarded_free(&b);
    guarded_free(&scale);
    guarded_free(&codes);
    guarded_free(&t);
}

/* A x: tiles as adapters have them, every scale 1; against the product of any matrix, too. */
static void check_a_case(const roma_kern *k, uint64_t cols, size_t n_tiles, size_t n, int pattern) {
    const unsigned group = cols % 256 == 0 ? 256 : cols % 128 == 0 ? 128 : cols % 64 == 0 ? 64 : 32;
    const roma_format f = {.bits = 8, .scale = ROMA_SCALE_F16, .group = (uint16_t)group};
    roma_tile_layout l;
    roma_tile_layout_get(&f, cols, &l);
    const size_t stride = 16 * n_tiles + random_u32() % 3 * 5, bytes = roma_act_bytes(cols);
    guarded tiles = guarded_new(n_tiles * l.bytes, 64), codes = guarded_new(n * bytes, 64),
            out = guarded_new(((n - 1) * stride + 16 * n_tiles) * 4, 4);
    roma_act acts[40];
    const roma_act *at[40];
    float *got = (float *)(void *)out.data, want[40 * (16 * 4 + 10)], tile[16];
    for (size_t i = 0; i < n_tiles; i++) {
        fill_tile(&f, cols, tiles.data + i * l.bytes, pattern);
        for (size_t s = l.scale; s < l.bytes; s += 2) roma_put16(tiles.data + i * l.bytes + s, 0x3c00);
    }
    for (size_t i = 0; i < n; i++) {
        roma_act_init(&acts[i], codes.data + i * bytes, cols);
        fill_act(&acts[i], cols, i % 4 == 3 ? PATTERN_RANDOM : pattern);
        at[n - 1 - i] = &acts[i]; /* in any order */
    }
    k->lora_product(cols, group, tiles.data, n_tiles, at, n, got, stride);
    roma_lora_product_c(cols, group, tiles.data, n_tiles, at, n, want, stride);
    for (size_t i = 0; i < n; i++) {
        const int same = same_floats(got + i * stride, want + i * stride, 16 * n_tiles);
        if (!same)
            fprintf(stderr, "%s: lora_product differs, %u columns, %zu tiles, row %zu of %zu, pattern %d\n", k->name,
                    (unsigned)cols, n_tiles, i, n, pattern);
        CHECK(same);
    }
    roma_tile_product_c(&f, cols, tiles.data, at[0], tile);
    CHECK(same_floats(want, tile, 16));
    guarded_free(&tiles);
    guarded_free(&codes);
    guarded_free(&out);
}

static void check_a(const roma_kern *k, uint64_t wanted) {
    for (uint64_t cols = 32; cols <= 4096; cols += cols < 640 ? 32 : 352)
        for (int pattern = 0; pattern < PATTERNS; pattern++)
            check_a_case(k, cols, 1 + (size_t)pattern % 3, 1 + (cols / 32 + (size_t)pattern) % 9, pattern);
    for (uint64_t done = 0; done < wanted;) {
        const size_t tiles = 1 + random_u32() % 4, n = 1 + random_u32() % 40;
        check_a_case(k, 32 + 32 * (random_u32() % 24), tiles, n, (int)(random_u32() % PATTERNS));
        done += tiles * n;
    }
}

/* A vector here is 16 results of one row of activations. */
static void check_lora(const roma_kern *k, uint64_t wanted) {
    check_a(k, wanted);
    static const unsigned ranks[] = {1, 2, 3, 4, 7, 8, 12, 16, 17, 31, 32, 64, 100, 511, 512};
    for (unsigned type = ROMA_B_INT8; type <= ROMA_B_F16; type++) {
        for (size_t r = 0; r < sizeof ranks / sizeof *ranks; r++)
            for (int pattern = 0; pattern < LORA_PATTERNS; pattern++)
                check_lora_case(k, type, ranks[r], 1 + r % 3, 1 + (r * 5 + (size_t)pattern) % 19, pattern);
        for (size_t n = 1; n <= 40; n++) check_lora_case(k, type, 16, 2, n, LORA_RANDOM);
    }
    const unsigned types = vectors_of_each_form() ? ROMA_B_F16 : 1; /* each alone, or one for all of them */
    for (uint64_t done = 0; done < types * wanted;) {
        const size_t tiles = 1 + random_u32() % 4, n = 1 + random_u32() % 24;
        const unsigned type = types > 1 ? 1 + (unsigned)(done / wanted) : 1 + random_u32() % 3;
        check_lora_case(k, type, 1 + random_u32() % 40, tiles, n, (int)(random_u32() % LORA_PATTERNS));
        done += tiles * n;
    }
}

#endif
