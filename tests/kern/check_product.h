/* The product of an instruction set against the reference: every format, edge patterns, numbers of rows and tiles. */
#ifndef ROMA_TEST_CHECK_PRODUCT_H
#define ROMA_TEST_CHECK_PRODUCT_H

#include "guard.h"

/* A vector here is one row of activations times one tile: 16 results. */
static uint64_t vectors;

enum { PATTERN_RANDOM, PATTERN_MAX, PATTERN_MIN, PATTERN_ZERO, PATTERN_SMALL, PATTERNS };

static void fill_act(roma_act *a, uint64_t cols, int pattern) {
    for (uint64_t b = 0; b < cols / 8; b++) {
        a->shift[b] = pattern == PATTERN_MAX || pattern == PATTERN_MIN ? 7 : pattern == PATTERN_ZERO ? 0 : (int32_t)(random_u32() % 8);
        a->mult[b] = 0x00010001u << a->shift[b];
    }
    for (uint64_t h = 0; h < cols / 16; h++) {
        a->sum16[h] = 0;
        for (uint64_t i = 16 * h; i < 16 * h + 16; i++) {
            a->code[i] = (int8_t)(pattern == PATTERN_MAX ? 127 : pattern == PATTERN_MIN ? (random_u32() % 64 ? -127 : 127)
                                  : pattern == PATTERN_ZERO ? 0 : pattern == PATTERN_SMALL ? (int)(random_u32() % 3) - 1
                                                                                           : (int)(random_u32() % 255) - 127);
            a->sum16[h] += a->code[i] * (1 << a->shift[i / 8]);
        }
    }
    for (uint64_t g = 0; g < cols / 32; g++) a->sum32[g] = a->sum16[2 * g] + a->sum16[2 * g + 1];
    a->scale = pattern == PATTERN_SMALL ? 0x1p-120f : pattern == PATTERN_MIN ? -0.0f : (float)(random_u32() % 1000) * 0.01f;
}

/* Scales first, then codes: all bytes random, but FP16 regions get few infinities. */
static void fill_tile(const roma_format *f, uint64_t cols, uint8_t *tile, int pattern) {
    roma_tile_layout l;
    roma_tile_layout_get(f, cols, &l);
    for (size_t i = 0; i < l.bytes; i++) tile[i] = (uint8_t)random_u32();
    if (pattern == PATTERN_MAX) memset(tile, f->bits == 8 ? 0x7f : 0xff, l.scale);
    if (pattern == PATTERN_MIN) memset(tile, f->bits == 8 ? 0x80 : 0x00, l.scale);
    if (pattern == PATTERN_ZERO) memset(tile, 0, l.scale);
    const size_t halves = f->super ? l.super_scale : l.scale;
    for (size_t i = halves; i < l.bytes; i += 2) {
        if (pattern == PATTERN_SMALL && random_u32() % 2) tile[i + 1] &= 0x83; /* subnormal or zero */
        else if (random_u32() % 64) tile[i + 1] &= 0xbf;
        if (pattern == PATTERN_ZERO && random_u32() % 2) tile[i] = 0, tile[i + 1] &= 0x80;
    }
}

static void check_product_case(const roma_kern *k, const roma_format *f, uint64_t cols, size_t n_tiles, size_t n_acts, int pattern) {
    roma_tile_layout l;
    roma_tile_layout_get(f, cols, &l);
    const size_t act_bytes = roma_act_bytes(cols), stride = 16 * n_tiles + random_u32() % 3 * 5;
    guarded tiles = guarded_new(n_tiles * l.bytes, 64), codes = guarded_new(n_acts * act_bytes, 64),
            out = guarded_new(((n_acts - 1) * stride + 16 * n_tiles) * 4, 4),
            scratch = guarded_new(roma_kern_scratch_bytes(cols, n_acts), 64);
    roma_act *acts = malloc(n_acts * sizeof *acts);
    float *got = (float *)(void *)out.data, want[16];
    for (size_t i = 0; i < n_acts; i++) {
        roma_act_init(&acts[i], codes.data + i * act_bytes, cols);
        fill_act(&acts[i], cols, i % 4 == 3 ? PATTERN_RANDOM : pattern);
    }
    for (size_t t = 0; t < n_tiles; t++) fill_tile(f, cols, tiles.data + t * l.bytes, pattern);
    memset(scratch.data, 0xff, roma_kern_scratch_bytes(cols, n_acts)); /* nothing may count on its contents */
    memset(out.data, 0xa5, ((n_acts - 1) * stride + 16 * n_tiles) * 4);
    k->product(f, cols, tiles.data, n_tiles, acts, n_acts, got, stride, scratch.data);
    vectors += n_acts * n_tiles;
    int equal = 1, kept = 1;
    for (size_t i = 0; i < n_acts; i++) {
        for (size_t t = 0; t < n_tiles; t++) {
            roma_tile_product_c(f, cols, tiles.data + t * l.bytes, &acts[i], want);
            equal &= same_floats(got + i * stride + 16 * t, want, 16);
        }
        if (i + 1 < n_acts)
            for (size_t c = 16 * n_tiles; c < stride; c++) kept &= roma_f32_bits(got[i * stride + c]) == 0xa5a5a5a5u;
    }
    char name[128];
    if (!equal || !kept)
        fprintf(stderr, "%s: %s, cols %d, tiles %d, rows %d, pattern %d\n", k->name, roma_format_print(f, name, sizeof name), (int)cols,
                (int)n_tiles, (int)n_acts, pattern);
    CHECK(equal);
    CHECK(kept);
    free(acts);
    guarded_free(&tiles);
    guarded_free(&codes);
    guarded_free(&out);
    guarded_free(&scratch);
}

static void check_product_format(const roma_kern *k, const roma_format *f, int deep) {
    static const uint16_t many[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 17, 33};
    const uint64_t unit = f->super ? 256 : f->group < 32 ? 32 : f->group;
    check_product_case(k, f, unit * 3, 1, 1, PATTERN_RANDOM);
    check_product_case(k, f, unit * (1 + random_u32() % 7), 3, many[random_u32() % 11], PATTERN_RANDOM);
    check_product_case(k, f, unit * 2, 2, many[random_u32() % 11], PATTERN_RANDOM);
    for (int p = PATTERN_MAX; p < PATTERNS; p++) {
        check_product_case(k, f, unit * (1 + random_u32() % 4), 1, 1, p);
        check_product_case(k, f, unit * (1 + random_u32() % 4), 2, 5, p);
    }
    if (!deep) return;
    for (size_t i = 0; i < sizeof many / sizeof *many; i++)
        for (uint64_t u = 1; u < 20; u += 1 + i) check_product_case(k, f, unit * u, 1 + u % 4, many[i], PATTERN_RANDOM);
    check_product_case(k, f, unit * 9, 2, 70, PATTERN_RANDOM);
}

/* Every format; one of deep_every at length, another one in each pass, until enough vectors are checked. */
static void check_product_pass(const roma_kern *k, unsigned deep_every, unsigned pass) {
    static const uint8_t widths[] = {2, 3, 4, 5, 6, 8}, scales[] = {ROMA_SCALE_F16, ROMA_SCALE_U4, ROMA_SCALE_U6, ROMA_SCALE_S6, ROMA_SCALE_S8};
    static const uint16_t groups[] = {16, 32, 64, 128, 256};
    static const int8_t levels[16] = {-128, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 127};
    unsigned n = 0;
    for (unsigned w = 0; w < 7; w++)
        for (unsigned g = 0; g < 5; g++)
            for (unsigned s = 0; s < 5; s++)
                for (unsigned m = 0; m < 2; m++)
                    for (unsigned z = 0; z < 2; z++) {
                        roma_format f = {.bits = widths[w < 6 ? w : 2], .level = w == 6, .scale = scales[s], .group = groups[g]};
                        f.min = m ? f.scale : ROMA_SCALE_NONE;
                        f.super = s ? 256 : 0;
                        f.zero = (int16_t)(!z ? 0 : f.bits == 8 || w == 6 ? -1 : 1 << (f.bits - 1));
                        if (w == 6) memcpy(f.table, levels, 16);
                        if (w == 6 && f.scale == ROMA_SCALE_S8) for (int i = 0; i < 16; i++) f.table[i] /= 2;
                        if (roma_format_check(&f, 256, NULL)) continue;
                        check_product_format(k, &f, n++ % deep_every == pass % deep_every && vectors < vectors_wanted());
                    }
    CHECK(n > 200);
}

static void check_product(const roma_kern *k) {
    vectors = 0;
    for (unsigned pass = 0; !pass || vectors < vectors_wanted(); pass++) check_product_pass(k, 7, pass);
    printf("%s: %llu vectors\n", k->name, (unsigned long long)vectors);
}

#endif
