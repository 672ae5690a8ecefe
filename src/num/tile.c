/* Tiles: rows in, rows, scales and weights out (docs/rom-format.md "Tiles").
 *
 * Planes are walked in stripes of 32 inputs, the smallest piece that is whole in every plane. Each plane's
 * block is 64 bytes and gives row r its four bytes at 4r. */
#include "roma/num.h"

#define ROW_BYTES 4
#define BLOCK 64

/* ---- planes: bits [from, from + width) of the codes of one stripe ------------------------------- */

static inline __attribute__((always_inline)) void put_plane(unsigned width, unsigned from, uint8_t *plane,
                                                            const uint8_t *code) {
    unsigned fields = 8 / width, per_block = 4 * fields;
    uint8_t mask = (uint8_t)((1u << width) - 1);
    for (unsigned b = 0; b < ROMA_STRIPE / per_block; b++, plane += BLOCK, code += per_block)
        for (unsigned k = 0; k < fields; k++)
            for (unsigned j = 0; j < ROW_BYTES; j++)
                plane[j] |= (uint8_t)((code[4 * k + j] >> from & mask) << (k * width));
}

static inline __attribute__((always_inline)) void get_plane(unsigned width, unsigned from, const uint8_t *plane,
                                                            uint8_t *code) {
    unsigned fields = 8 / width, per_block = 4 * fields;
    uint8_t mask = (uint8_t)((1u << width) - 1);
    for (unsigned b = 0; b < ROMA_STRIPE / per_block; b++, plane += BLOCK, code += per_block)
        for (unsigned k = 0; k < fields; k++)
            for (unsigned j = 0; j < ROW_BYTES; j++)
                code[4 * k + j] |= (uint8_t)((plane[j] >> (k * width) & mask) << from);
}

/* Bytes of a plane per stripe. */
static size_t stripe_bytes(unsigned width) { return (size_t)width * BLOCK; }

/* One call per width, so that the compiler sees constants. */
static void put_stripe(unsigned bits, uint8_t *lo, uint8_t *hi, const uint8_t *code) {
    switch (bits) {
    case 2: put_plane(2, 0, lo, code); break;
    case 3:
        put_plane(2, 0, lo, code);
        put_plane(1, 2, hi, code);
        break;
    case 4: put_plane(4, 0, lo, code); break;
    case 5:
        put_plane(4, 0, lo, code);
        put_plane(1, 4, hi, code);
        break;
    case 6:
        put_plane(4, 0, lo, code);
        put_plane(2, 4, hi, code);
        break;
    default: put_plane(8, 0, lo, code); break;
    }
}

static void get_stripe(unsigned bits, const uint8_t *lo, const uint8_t *hi, uint8_t *code) {
    memset(code, 0, ROMA_STRIPE);
    switch (bits) {
    case 2: get_plane(2, 0, lo, code); break;
    case 3:
        get_plane(2, 0, lo, code);
        get_plane(1, 2, hi, code);
        break;
    case 4: get_plane(4, 0, lo, code); break;
    case 5:
        get_plane(4, 0, lo, code);
        get_plane(1, 4, hi, code);
        break;
    case 6:
        get_plane(4, 0, lo, code);
        get_plane(2, 4, hi, code);
        break;
    default: get_plane(8, 0, lo, code); break;
    }
}

static unsigned low_width(unsigned bits) { return bits <= 3 ? 2 : bits == 8 ? 8 : 4; }

/* ---- scales: 16 codes of a group ---------------------------------------------------------------- */

static size_t form_bytes(unsigned form) {
    static const uint8_t bytes[] = {0, 32, 8, 12, 12, 16, 64};
    return bytes[form];
}

static void put_scale(unsigned form, uint8_t *at, unsigned r, uint16_t code) {
    switch (form) {
    case ROMA_SCALE_F16: roma_put16(at + 2 * r, code); break;
    case ROMA_SCALE_S8: at[r] = (uint8_t)code; break;
    case ROMA_SCALE_U6:
    case ROMA_SCALE_S6: /* upper two bits; the low nibbles lie as U4's */
        at[8 + r % 4] |= (uint8_t)((code >> 4 & 3) << (r / 4 * 2));
        /* fall through */
    default: at[r % 8] |= (uint8_t)((code & 15) << (r / 8 * 4)); break;
    }
}

static uint16_t get_scale(unsigned form, const uint8_t *at, unsigned r) {
    unsigned low;
    switch (form) {
    case ROMA_SCALE_F16: return roma_le16(at + 2 * r);
    case ROMA_SCALE_S8: return at[r];
    default: low = (unsigned)at[r % 8] >> (r / 8 * 4) & 15u; break;
    }
    if (form == ROMA_SCALE_U4) return (uint16_t)low;
    return (uint16_t)(low | ((unsigned)at[8 + r % 4] >> (r / 4 * 2) & 3u) << 4);
}

/* FP32 of a stored code under its super-group's FP16; exact. */
static float scale_value(unsigned form, uint16_t code, uint16_t super) {
    switch (form) {
    case ROMA_SCALE_F16: return roma_f16_to_f32(code);
    case ROMA_SCALE_S6: return (float)((int)code - 32) * roma_f16_to_f32(super);
    case ROMA_SCALE_S8: return (float)(int8_t)code * roma_f16_to_f32(super);
    default: return (float)code * roma_f16_to_f32(super);
    }
}

static void put_scales(unsigned form, uint8_t *at, unsigned r, const uint16_t *code, size_t n) {
    for (size_t g = 0; g < n; g++) put_scale(form, at + g * form_bytes(form), r, code[g]);
}

static void get_scales(unsigned form, const uint8_t *at, unsigned r, uint16_t *code, size_t n) {
    for (size_t g = 0; g < n; g++) code[g] = get_scale(form, at + g * form_bytes(form), r);
}

/* FP32 scales of row r. */
static void put_f32(uint8_t *at, unsigned r, const float *scale, size_t n) {
    for (size_t g = 0; g < n; g++) roma_put32(at + 64 * g + 4 * r, roma_f32_bits(scale[g]));
}

static void get_f32(const uint8_t *at, unsigned r, float *scale, size_t n) {
    for (size_t g = 0; g < n && scale; g++) scale[g] = roma_f32_from_bits(roma_le32(at + 64 * g + 4 * r));
}

/* Own zero points lie as integer scales of their width do. */
static unsigned zeros_form(const roma_format *f) { return f->zeros == ROMA_ZEROS_U4 ? ROMA_SCALE_U4 : ROMA_SCALE_S8; }

static int zero_value(const roma_format *f, unsigned code) {
    return f->zeros == ROMA_ZEROS_S8 ? (int8_t)(uint8_t)code : (int)code;
}

static void put_zeros(const roma_format *f, uint8_t *at, unsigned r, const uint8_t *zeros, size_t n) {
    const size_t bytes = form_bytes(zeros_form(f));
    for (size_t g = 0; g < n && f->zeros; g++) put_scale(zeros_form(f), at + g * bytes, r, zeros[g]);
}

static void get_zeros(const roma_format *f, const uint8_t *at, unsigned r, uint8_t *zeros, size_t n) {
    const size_t bytes = form_bytes(zeros_form(f));
    for (size_t g = 0; g < n && f->zeros && zeros; g++) zeros[g] = (uint8_t)get_scale(zeros_form(f), at + g * bytes, r);
}

/* ---- rows ----------------------------------------------------------------------------------------- */

void roma_tile_put_row(const roma_format *f, uint64_t cols, uint8_t *tile, unsigned r, const roma_row *row) {
    roma_tile_layout at;
    roma_tile_layout_get(f, cols, &at);
    unsigned low = low_width(f->bits);
    uint8_t *lo = tile + at.plane_lo + ROW_BYTES * r, *hi = tile + at.plane_hi + ROW_BYTES * r;
    for (size_t s = 0; s < cols / ROMA_STRIPE; s++)
        put_stripe(f->bits, lo + s * stripe_bytes(low), hi + s * stripe_bytes(f->bits - low),
                   row->code + s * ROMA_STRIPE);
    size_t groups = cols / f->group, supers = f->super ? cols / f->super : 0;
    put_zeros(f, tile + at.zeros, r, row->zeros, groups);
    if (f->scale == ROMA_SCALE_F32) {
        put_f32(tile + at.scale, r, row->scale32, groups);
        return;
    }
    put_scales(f->scale, tile + at.scale, r, row->scale, groups);
    put_scales(ROMA_SCALE_F16, tile + at.super_scale, r, row->super_scale, supers);
    if (!f->min) return;
    put_scales(f->min, tile + at.min, r, row->min, groups);
    put_scales(ROMA_SCALE_F16, tile + at.super_min, r, row->super_min, supers);
}

void roma_tile_get_row(const roma_format *f, uint64_t cols, const uint8_t *tile, unsigned r, roma_row *row) {
    roma_tile_layout at;
    roma_tile_layout_get(f, cols, &at);
    unsigned low = low_width(f->bits);
    const uint8_t *lo = tile + at.plane_lo + ROW_BYTES * r, *hi = tile + at.plane_hi + ROW_BYTES * r;
    for (size_t s = 0; s < cols / ROMA_STRIPE; s++)
        get_stripe(f->bits, lo + s * stripe_bytes(low), hi + s * stripe_bytes(f->bits - low),
                   row->code + s * ROMA_STRIPE);
    size_t groups = cols / f->group, supers = f->super ? cols / f->super : 0;
    get_zeros(f, tile + at.zeros, r, row->zeros, groups);
    if (f->scale == ROMA_SCALE_F32) {
        get_f32(tile + at.scale, r, row->scale32, groups);
        return;
    }
    get_scales(f->scale, tile + at.scale, r, row->scale, groups);
    get_scales(ROMA_SCALE_F16, tile + at.super_scale, r, row->super_scale, supers);
    if (!f->min) return;
    get_scales(f->min, tile + at.min, r, row->min, groups);
    get_scales(ROMA_SCALE_F16, tile + at.super_min, r, row->super_min, supers);
}

/* ---- values --------------------------------------------------------------------------------------- */

/* One scale or minimum of a tile: region holds the forms, supers the FP16 of the super-groups. */
static float tile_scale(const roma_format *f, const uint8_t *region, const uint8_t *supers, size_t g, unsigned r) {
    if (f->scale == ROMA_SCALE_F32) return roma_f32_from_bits(roma_le32(region + 64 * g + 4 * r));
    uint16_t super = f->super ? roma_le16(supers + g * f->group / f->super * 32 + 2 * r) : 0;
    return scale_value(f->scale, get_scale(f->scale, region + g * form_bytes(f->scale), r), super);
}

void roma_tile_scales(const roma_format *f, uint64_t cols, const uint8_t *tile, float *scale, float *min) {
    roma_tile_layout at;
    roma_tile_layout_get(f, cols, &at);
    for (size_t g = 0; g < cols / f->group; g++)
        for (unsigned r = 0; r < ROMA_TILE_ROWS; r++) {
            scale[g * ROMA_TILE_ROWS + r] = tile_scale(f, tile + at.scale, tile + at.super_scale, g, r);
            if (min) min[g * ROMA_TILE_ROWS + r] = f->min ? tile_scale(f, tile + at.min, tile + at.super_min, g, r) : 0;
        }
}

void roma_tile_zeros(const roma_format *f, uint64_t cols, const uint8_t *tile, uint64_t g,
                     int32_t out[ROMA_TILE_ROWS]) {
    roma_tile_layout at;
    roma_tile_layout_get(f, cols, &at);
    const uint8_t *p = tile + at.zeros + g * form_bytes(zeros_form(f));
    for (unsigned r = 0; r < ROMA_TILE_ROWS; r++) out[r] = f->zeros ? zero_value(f, get_scale(zeros_form(f), p, r)) : 0;
}

/* n codes (within one group) to weights: one product and one addition, of which one rounds. */
static void dequant(const roma_format *f, const uint8_t *code, unsigned n, float scale, float min, int zero,
                    float *out) {
    for (unsigned i = 0; i < n; i++) {
        float w = scale * (float)(roma_level(f, code[i]) - zero);
        out[i] = f->min ? w + min : w;
    }
}

void roma_tile_dequant_row(const roma_format *f, uint64_t cols, const uint8_t *tile, unsigned r, float *out) {
    roma_tile_layout at;
    roma_tile_layout_get(f, cols, &at);
    unsigned low = low_width(f->bits), n = f->group < ROMA_STRIPE ? f->group : ROMA_STRIPE;
    const uint8_t *lo = tile + at.plane_lo + ROW_BYTES * r, *hi = tile + at.plane_hi + ROW_BYTES * r;
    uint8_t code[ROMA_STRIPE];
    for (size_t s = 0; s < cols / ROMA_STRIPE; s++) {
        get_stripe(f->bits, lo + s * stripe_bytes(low), hi + s * stripe_bytes(f->bits - low), code);
        for (unsigned i = 0; i < ROMA_STRIPE; i += n) {
            size_t g = (s * ROMA_STRIPE + i) / f->group;
            float scale = tile_scale(f, tile + at.scale, tile + at.super_scale, g, r);
            float min = f->min ? tile_scale(f, tile + at.min, tile + at.super_min, g, r) : 0;
            const uint8_t *zeros = tile + at.zeros + g * form_bytes(zeros_form(f));
            const int zero = f->zeros ? f->zero + zero_value(f, get_scale(zeros_form(f), zeros, r)) : f->zero;
            dequant(f, code + i, n, scale, min, zero, out + s * ROMA_STRIPE + i);
        }
    }
}

void roma_row_dequant(const roma_format *f, uint64_t cols, const roma_row *row, float *out) {
    for (size_t g = 0; g < cols / f->group; g++) {
        size_t s = f->super ? g * f->group / f->super : 0;
        float scale = f->scale == ROMA_SCALE_F32
                          ? row->scale32[g]
                          : scale_value(f->scale, row->scale[g], f->super ? row->super_scale[s] : 0);
        const int zero = f->zeros ? f->zero + zero_value(f, row->zeros[g]) : f->zero;
        float min = f->min ? scale_value(f->min, row->min[g], f->super ? row->super_min[s] : 0) : 0;
        dequant(f, row->code + g * f->group, f->group, scale, min, zero, out + g * f->group);
    }
}
