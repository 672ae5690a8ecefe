/* Formats, tiles, FP16, FP8. The places of bits are computed here from docs/rom-format.md, one code at a time, and not
 * by the library's own loops. */
#include "../test.h"
#include "roma/num.h"

static const roma_format formats[] = {
    {.bits = 2, .scale = ROMA_SCALE_U4, .min = ROMA_SCALE_U4, .group = 16, .super = 256},
    {.bits = 2, .scale = ROMA_SCALE_F16, .group = 64, .zero = 1},
    {.bits = 3, .scale = ROMA_SCALE_S6, .group = 16, .super = 256, .zero = 4},
    {.bits = 3, .scale = ROMA_SCALE_F16, .min = ROMA_SCALE_F16, .group = 128},
    {.bits = 4, .scale = ROMA_SCALE_F16, .group = 32, .zero = 8},
    {.bits = 4, .scale = ROMA_SCALE_F16, .min = ROMA_SCALE_F16, .group = 32},
    {.bits = 4, .scale = ROMA_SCALE_U6, .min = ROMA_SCALE_U6, .group = 32, .super = 256},
    {.bits = 4,
     .level = ROMA_LEVEL_TABLE,
     .scale = ROMA_SCALE_S6,
     .group = 32,
     .super = 256,
     .table = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113}},
    {.bits = 5, .scale = ROMA_SCALE_F16, .group = 32, .zero = 16},
    {.bits = 5, .scale = ROMA_SCALE_U6, .min = ROMA_SCALE_U6, .group = 256, .super = 256},
    {.bits = 6, .scale = ROMA_SCALE_S8, .group = 16, .super = 256, .zero = 32},
    {.bits = 6, .scale = ROMA_SCALE_S8, .min = ROMA_SCALE_S8, .group = 32, .super = 256},
    {.bits = 8, .scale = ROMA_SCALE_F16, .group = 32},
    {.bits = 4, .scale = ROMA_SCALE_F32, .group = 64, .zero = 8},
    {.bits = 4,
     .level = ROMA_LEVEL_FINE,
     .scale = ROMA_SCALE_F32,
     .group = 64,
     .table = {-511, -356, -268, -202, -145, -95, -47, 0, 41, 82, 126, 172, 225, 287, 369, 511}},
    {.bits = 4,
     .level = ROMA_LEVEL_FINE,
     .scale = ROMA_SCALE_F16,
     .group = 256,
     .table = {0, 1, 128, 192, 64, 96, 32, 48, 0, -1, -128, -192, -64, -96, -32, -48}},
    {.bits = 4, .scale = ROMA_SCALE_F16, .group = 128, .zeros = ROMA_ZEROS_U4},
    {.bits = 3, .scale = ROMA_SCALE_F32, .group = 32, .zero = 1, .zeros = ROMA_ZEROS_U4},
    {.bits = 8, .scale = ROMA_SCALE_F32, .group = 16, .zeros = ROMA_ZEROS_S8},
};
#define N_FORMATS (sizeof formats / sizeof *formats)

/* ---- FP16 ---- */

static double f16_value(unsigned h) {
    const unsigned e = h >> 10 & 31, m = h & 1023;
    double v = e ? 1024.0 + m : m;
    for (unsigned i = e ? e : 1; i < 25; i++) v /= 2;
    for (unsigned i = 25; i < e; i++) v *= 2;
    return h & 0x8000 ? -v : v;
}

static void test_f16(void) {
    for (unsigned h = 0; h < 65536; h++) {
        const float f = roma_f16_to_f32((uint16_t)h);
        const unsigned magnitude = h & 0x7fff;
        if (magnitude > 0x7c00) {
            CHECK(f != f);
            CHECK((roma_f32_to_f16(f) & 0x7fff) > 0x7c00);
            continue;
        }
        CHECK_EQ(roma_f32_to_f16(f), h);
        CHECK_EQ(roma_f32_bits(f) >> 31, h >> 15);
        if (magnitude == 0x7c00) continue;
        CHECK((double)f == f16_value(h));
        /* Half way to the next one: ties to even; a float's step to either side decides. */
        const double next = magnitude == 0x7bff ? 65536.0 : f16_value(magnitude + 1);
        const float half = (float)((f16_value(magnitude) + next) / 2);
        CHECK_EQ(roma_f32_to_f16(half), magnitude + (magnitude & 1));
        CHECK_EQ(roma_f32_to_f16(roma_f32_from_bits(roma_f32_bits(half) - 1)), magnitude);
        CHECK_EQ(roma_f32_to_f16(roma_f32_from_bits(roma_f32_bits(half) + 1)), magnitude + 1);
    }
    CHECK_EQ(roma_f32_to_f16(1e30f), 0x7c00);
    CHECK_EQ(roma_f32_to_f16(-1e30f), 0xfc00);
    CHECK_EQ(roma_f32_to_f16(1e-30f), 0);
    CHECK_EQ(roma_f32_to_f16(-1e-45f), 0x8000);
}

/* ---- FP8 ---- */

static void test_f8(void) {
    for (unsigned c = 0; c < 256; c++) {
        if ((c & 127) == 127) continue;
        CHECK_EQ(roma_f32_to_f8(roma_f8_to_f32((uint8_t)c)), c);
    }
    CHECK(roma_f8_to_f32(0x7e) == 448 && roma_f8_to_f32(0x01) == 0.001953125f && roma_f8_to_f32(0x38) == 1);
    for (unsigned c = 0; c < 126; c++) { /* halfway goes to the even code */
        const float lo = roma_f8_to_f32((uint8_t)c), hi = roma_f8_to_f32((uint8_t)(c + 1)), half = lo + (hi - lo) / 2;
        CHECK_EQ(roma_f32_to_f8(half), c + (c & 1));
        CHECK_EQ(roma_f32_to_f8(half - (hi - lo) / 16), c);
        CHECK_EQ(roma_f32_to_f8(half + (hi - lo) / 16), c + 1);
    }
    CHECK(roma_f32_to_f8(1e9f) == 0x7e && roma_f32_to_f8(-1e9f) == 0xfe);
    CHECK(roma_f32_to_f8(NAN) == 0x7f && roma_f32_to_f8(-NAN) == 0xff && isnan(roma_f8_to_f32(0x7f)));
}

/* ---- checks ---- */

static void expect(roma_format f, uint64_t cols, int code, const char *text) {
    roma_error err = {.text = ""};
    CHECK_EQ(roma_format_check(&f, cols, &err), code);
    if (code && !strstr(err.text, text)) {
        fprintf(stderr, "\"%s\" lacks \"%s\"\n", err.text, text);
        test_failures++;
    }
}

static void test_check(void) {
    const roma_format q4 = {.bits = 4, .scale = ROMA_SCALE_F16, .group = 128}, q6 = formats[10], iq4 = formats[7],
                      nf4 = formats[14];
    for (size_t i = 0; i < N_FORMATS; i++) expect(formats[i], 512, ROMA_OK, "");
    roma_format f = q4;
    expect(q4, 576, ROMA_EUNSUPPORTED, "use a group of 64");
    expect(q4, 48, ROMA_EUNSUPPORTED, "pad the model's width to 64");
    expect(q4, 0, ROMA_EUNSUPPORTED, "rows of 0 inputs");
    expect(q4, 1u << 25, ROMA_EUNSUPPORTED, "rows of 33554432 inputs");
    expect(q4, UINT64_MAX, ROMA_EUNSUPPORTED, "rows of");
    expect(q6, 128, ROMA_EUNSUPPORTED, "super-group of 256");
    for (unsigned bits = 0; bits < 256; bits++) {
        f.bits = (uint8_t)bits;
        const bool ok = (bits >= 2 && bits <= 6) || bits == 8;
        expect(f, 128, ok ? ROMA_OK : ROMA_EUNSUPPORTED, "code width");
    }
    f = q4, f.level = 3, expect(f, 128, ROMA_EUNSUPPORTED, "level kind 3");
    f = iq4, f.bits = 5, expect(f, 256, ROMA_EUNSUPPORTED, "needs 4-bit codes");
    f = q4, f.scale = 0, expect(f, 128, ROMA_EUNSUPPORTED, "scale form 0");
    f = q4, f.scale = 7, expect(f, 128, ROMA_EUNSUPPORTED, "scale form 7");
    f = q4, f.zeros = 3, expect(f, 128, ROMA_EUNSUPPORTED, "zero points of form 3");
    f = q4, f.zeros = ROMA_ZEROS_S8, expect(f, 128, ROMA_EUNSUPPORTED, "do not fit the codes");
    f = q4, f.zeros = ROMA_ZEROS_U4, f.bits = 5, expect(f, 128, ROMA_EUNSUPPORTED, "do not fit the codes");
    f = q4, f.zeros = ROMA_ZEROS_U4, f.min = 1, expect(f, 128, ROMA_EUNSUPPORTED, "no minimum");
    f = q4, f.zeros = ROMA_ZEROS_U4, f.zero = 114, expect(f, 128, ROMA_EUNSUPPORTED, "zero point 114");
    f = q4, f.scale = f.min = ROMA_SCALE_F32, expect(f, 128, ROMA_EUNSUPPORTED, "minimum form 6 beside FP32");
    f = iq4, f.level = ROMA_LEVEL_FINE, expect(f, 256, ROMA_EUNSUPPORTED, "beside a fine level table");
    f = nf4, f.zero = 1, expect(f, 256, ROMA_EUNSUPPORTED, "zero point 1 of a fine");
    f = nf4, f.table[3] = 512, expect(f, 256, ROMA_EUNSUPPORTED, "-511..511");
    f = nf4, f.table[3] = -512, expect(f, 256, ROMA_EUNSUPPORTED, "-511..511");
    f = iq4, f.table[3] = 128, expect(f, 256, ROMA_EUNSUPPORTED, "-128..127");
    f = q4, f.min = ROMA_SCALE_U4, expect(f, 128, ROMA_EUNSUPPORTED, "minimum form 2");
    f = q4, f.super = 256, expect(f, 256, ROMA_EUNSUPPORTED, "super-group of 256");
    f = q6, f.super = 128, expect(f, 256, ROMA_EUNSUPPORTED, "super-group of 128");
    f = q4, f.zero = 129, expect(f, 128, ROMA_EUNSUPPORTED, "zero point 129");
    f = q4, f.zero = -114, expect(f, 128, ROMA_EUNSUPPORTED, "zero point -114");
    f = q4, f.zero = -113, expect(f, 128, ROMA_OK, "");
    f = iq4, f.zero = 2, expect(f, 256, ROMA_EUNSUPPORTED, "zero point 2");
    f = q6, f.zero = -2, expect(f, 256, ROMA_EUNSUPPORTED, "8-bit scales");
    for (unsigned group = 0; group < 600; group++) {
        f = q4, f.group = (uint16_t)group;
        const bool ok = group == 16 || group == 32 || group == 64 || group == 128 || group == 256;
        expect(f, 256, ok ? ROMA_OK : ROMA_EUNSUPPORTED, "group of");
    }
}

static void test_print(void) {
    char buf[128];
    CHECK_STR(roma_format_print(&formats[5], buf, sizeof buf), "4 bit, group 32, FP16 scale + min");
    CHECK_STR(roma_format_print(&formats[10], buf, sizeof buf),
              "6 bit, group 16, signed 8-bit scale under FP16 per 256, zero point 32");
    CHECK_STR(roma_format_print(&formats[7], buf, sizeof buf),
              "4 bit by table, group 32, signed 6-bit scale under FP16 per 256");
    CHECK_STR(roma_format_print(&formats[14], buf, sizeof buf), "4 bit by fine table, group 64, FP32 scale");
    CHECK_STR(roma_format_print(&formats[16], buf, sizeof buf), "4 bit, group 128, FP16 scale, own zero points");
    CHECK_STR(roma_format_print(&formats[17], buf, sizeof buf), "3 bit, group 32, FP32 scale, own zero points + 1");
    CHECK_STR(roma_format_print(&formats[5], buf, 6), "4 bit");
}

/* ---- tiles, by the document's formulas ---- */

static unsigned plane_bits(const uint8_t *plane, unsigned w, unsigned r, unsigned i) {
    const unsigned block = i / (32 / w), rest = i % (32 / w);
    return (unsigned)plane[64 * block + 4 * r + rest % 4] >> (w * (rest / 4)) & ((1u << w) - 1);
}

static unsigned stored_scale(unsigned form, const uint8_t *p, unsigned r) {
    switch (form) {
    case ROMA_SCALE_F16: return (unsigned)(p[2 * r] | p[2 * r + 1] << 8);
    case ROMA_SCALE_S8: return p[r];
    default:;
        unsigned v = r < 8 ? p[r] & 15u : p[r - 8] >> 4;
        if (form != ROMA_SCALE_U4) v |= ((unsigned)p[8 + r % 4] >> (2 * (r / 4)) & 3u) << 4;
        return v;
    }
}

static double scale_value(unsigned form, unsigned code, unsigned super) {
    switch (form) {
    case ROMA_SCALE_F16: return f16_value(code);
    case ROMA_SCALE_S6: return ((int)code - 32) * f16_value(super);
    case ROMA_SCALE_S8: return (int8_t)code * f16_value(super);
    default: return code * f16_value(super);
    }
}

enum { COLS = 768 };
typedef struct {
    uint8_t code[COLS];
    uint16_t s[4][COLS / 16];
    float s32[COLS / 16];
    uint8_t zeros[COLS / 16];
    roma_row row;
} test_row;

static roma_row row_of(test_row *t) {
    return (roma_row){.code = t->code,
                      .scale = t->s[0],
                      .min = t->s[1],
                      .super_scale = t->s[2],
                      .super_min = t->s[3],
                      .scale32 = t->s32,
                      .zeros = t->zeros};
}

static void make_row(test_row *t, const roma_format *f, uint64_t key) {
    const unsigned max = f->scale == ROMA_SCALE_F16  ? 0xffff
                         : f->scale == ROMA_SCALE_U4 ? 15
                         : f->scale == ROMA_SCALE_S8 ? 255
                                                     : 63;
    for (unsigned i = 0; i < COLS; i++) t->code[i] = (uint8_t)(roma_random(key, i) & ((1u << f->bits) - 1));
    for (unsigned k = 0; k < 4; k++)
        for (unsigned g = 0; g < COLS / 16; g++) {
            unsigned v = (unsigned)roma_random(key, 1000 + 100 * k + g) & (k < 2 ? max : 0xffff);
            if ((k > 1 || max == 0xffff) && (v & 0x7c00) == 0x7c00) v ^= 0x4000; /* finite */
            t->s[k][g] = (uint16_t)v;
        }
    for (unsigned g = 0; g < COLS / 16; g++) {
        t->s32[g] = roma_f32_from_bits((uint32_t)roma_random(key, 2000 + g) & 0xbf7fffffu); /* finite, of any size */
        t->zeros[g] = (uint8_t)(roma_random(key, 3000 + g) & (f->zeros == ROMA_ZEROS_U4 ? 15 : 255));
    }
    t->row = row_of(t);
}

static void check_row(const roma_format *f, const uint8_t *tile, unsigned r, const test_row *want) {
    static const uint8_t low[] = {[2] = 2, [3] = 2, [4] = 4, [5] = 4, [6] = 4, [8] = 8},
                         form_bytes[] = {0, 32, 8, 12, 12, 16, 64};
    const unsigned lo = low[f->bits], hi = f->bits - lo, groups = COLS / f->group, step = form_bytes[f->scale];
    const uint8_t *scale = tile + 2 * COLS * (lo + hi), *min = scale + groups * step,
                  *super = min + (f->min ? groups * step : 0);
    const uint8_t *super_min = super + (f->super ? COLS / 256 * 32 : 0);
    const bool f32 = f->scale == ROMA_SCALE_F32;
    float row[COLS], flat[COLS];
    unsigned wrong = 0;
    roma_tile_dequant_row(f, COLS, tile, r, row);
    roma_row_dequant(f, COLS, &want->row, flat);
    for (unsigned i = 0; i < COLS; i++) {
        const unsigned g = i / f->group,
                       code = plane_bits(tile, lo, r, i) | (hi ? plane_bits(tile + 2 * COLS * lo, hi, r, i) << lo : 0);
        wrong += code != want->code[i];
        if (f32)
            wrong += roma_le32(scale + g * 64 + 4 * r) != roma_f32_bits(want->s32[g]);
        else
            wrong += stored_scale(f->scale, scale + g * step, r) != want->s[0][g];
        int zero = f->zero;
        if (f->zeros) { /* they have no minimum, and lie behind the scales */
            const unsigned z = stored_scale(f->zeros == ROMA_ZEROS_U4 ? ROMA_SCALE_U4 : ROMA_SCALE_S8,
                                            min + g * (f->zeros == ROMA_ZEROS_U4 ? 8 : 16), r);
            wrong += z != want->zeros[g];
            zero += f->zeros == ROMA_ZEROS_U4 ? (int)z : (int8_t)(uint8_t)z;
        }
        if (f->min) wrong += stored_scale(f->min, min + g * step, r) != want->s[1][g];
        const unsigned us = f->super ? stored_scale(ROMA_SCALE_F16, super + i / 256 * 32, r) : 0;
        const unsigned um = f->super && f->min ? stored_scale(ROMA_SCALE_F16, super_min + i / 256 * 32, r) : 0;
        if (f->super) wrong += us != want->s[2][i / 256];
        if (f->super && f->min) wrong += um != want->s[3][i / 256];
        /* In double the product and the sum are exact enough that one rounding at the end is the right one. */
        const int level = f->level ? f->table[code] : f->bits == 8 ? (int8_t)code : (int)code;
        double w = (f32 ? (double)want->s32[g] : scale_value(f->scale, want->s[0][g], us)) * (level - zero);
        if (f->min) w += scale_value(f->min, want->s[1][g], um);
        wrong += row[i] != (float)w || flat[i] != (float)w;
    }
    CHECK_EQ(wrong, 0);
}

static void check_back(const roma_format *f, const uint8_t *tile, unsigned r, const test_row *want) {
    static test_row got;
    memset(&got, 0, sizeof got);
    got.row = row_of(&got);
    roma_tile_get_row(f, COLS, tile, r, &got.row);
    const size_t groups = (size_t)COLS / f->group * 2, supers = f->super ? (size_t)COLS / 256 * 2 : 0;
    CHECK(memcmp(got.code, want->code, COLS) == 0);
    if (f->scale == ROMA_SCALE_F32)
        CHECK(memcmp(got.s32, want->s32, 2 * groups) == 0);
    else
        CHECK(memcmp(got.s[0], want->s[0], groups) == 0);
    CHECK(!f->zeros || memcmp(got.zeros, want->zeros, groups / 2) == 0);
    CHECK(memcmp(got.s[2], want->s[2], supers) == 0);
    CHECK(!f->min || (memcmp(got.s[1], want->s[1], groups) == 0 && memcmp(got.s[3], want->s[3], supers) == 0));
}

static void test_tiles(void) {
    static test_row rows[ROMA_TILE_ROWS];
    static float scale[COLS], min[COLS];
    for (size_t k = 0; k < N_FORMATS; k++) {
        const roma_format *f = &formats[k];
        roma_tile_layout at;
        roma_tile_layout_get(f, COLS, &at);
        CHECK_EQ(at.bytes % 64, 0);
        uint8_t *tile = calloc(1, at.bytes);
        for (unsigned r = 0; r < ROMA_TILE_ROWS; r++) {
            make_row(&rows[r], f, k * 100 + r);
            roma_tile_put_row(f, COLS, tile, r, &rows[r].row);
        }
        roma_tile_scales(f, COLS, tile, scale, f->min ? min : NULL);
        for (unsigned r = 0; r < ROMA_TILE_ROWS; r++) {
            check_row(f, tile, r, &rows[r]);
            check_back(f, tile, r, &rows[r]);
            for (unsigned g = 0; g < COLS / f->group; g++) {
                const unsigned s = g * f->group / 256;
                CHECK((double)scale[g * 16 + r] == (f->scale == ROMA_SCALE_F32
                                                        ? (double)rows[r].s32[g]
                                                        : scale_value(f->scale, rows[r].s[0][g], rows[r].s[2][s])));
                int32_t zeros[16];
                roma_tile_zeros(f, COLS, tile, g, zeros);
                CHECK_EQ(zeros[r], !f->zeros                   ? 0
                                   : f->zeros == ROMA_ZEROS_U4 ? rows[r].zeros[g]
                                                               : (int8_t)rows[r].zeros[g]);
                CHECK(!f->min || (double)min[g * 16 + r] == scale_value(f->min, rows[r].s[1][g], rows[r].s[3][s]));
            }
        }
        free(tile);
    }
}

/* The sizes that an image of a GGUF type has: never more than the source. */
static void test_sizes(void) {
    static const struct {
        unsigned format, bytes_per_256;
    } want[] = {{4, 144}, {5, 160}, {8, 176}, {12, 272}, {0, 84}, {2, 110}, {6, 144}, {10, 210}, {7, 136}};
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        roma_tile_layout at;
        roma_tile_layout_get(&formats[want[i].format], 1024, &at);
        CHECK_EQ(at.bytes, 16 * 4 * want[i].bytes_per_256);
    }
}

int main(void) {
    test_f16();
    test_f8();
    test_check();
    test_print();
    test_tiles();
    test_sizes();
    return TEST_DONE();
}
