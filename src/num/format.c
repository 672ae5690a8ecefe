/* Weight formats: what is allowed, how they are named, and where their parts lie in a tile
 * (docs/numerics.md section 1, docs/rom-format.md "Tiles"). */
#include "roma/num.h"

#include <assert.h>

/* Longest row of a matrix; keeps every size of a tile far from overflow. */
#define COLS_MAX ((uint64_t)1 << 24)

static int bad(roma_error *err, int code, const char *text, long long value) {
    return roma_fail(err, code, NULL, ROMA_NOWHERE, text, value);
}

static bool is_two_level(unsigned form) { return form >= ROMA_SCALE_U4 && form <= ROMA_SCALE_S8; }

/* Smallest and largest level - zero. */
static void level_range(const roma_format *f, int *lo, int *hi) {
    if (f->level != ROMA_LEVEL_IDENTITY) {
        *lo = *hi = f->table[0];
        for (int i = 1; i < 16; i++) {
            if (f->table[i] < *lo) *lo = f->table[i];
            if (f->table[i] > *hi) *hi = f->table[i];
        }
    } else {
        *lo = f->bits == 8 ? -128 : 0;
        *hi = f->bits == 8 ? 127 : (1 << f->bits) - 1;
    }
    *lo -= f->zero;
    *hi -= f->zero;
}

/* What a stored zero point may take off the smallest level and add to the largest one. */
static void own_zeros(const roma_format *f, int *lo, int *hi) {
    if (f->zeros == ROMA_ZEROS_U4) *lo -= 15;
    if (f->zeros == ROMA_ZEROS_S8) *lo -= 127, *hi += 128;
}

/* Fine tables and own zero points: with plain scales alone. */
static int check_plain(const roma_format *f, roma_error *err) {
    if (f->zeros > ROMA_ZEROS_S8) return bad(err, ROMA_EUNSUPPORTED, "zero points of form %lld are unknown", f->zeros);
    if (f->zeros && (f->level != ROMA_LEVEL_IDENTITY || (f->zeros == ROMA_ZEROS_U4 ? f->bits > 4 : f->bits != 8)))
        return bad(err, ROMA_EUNSUPPORTED, "zero points of form %lld do not fit the codes", f->zeros);
    const bool plain = !f->min && (f->scale == ROMA_SCALE_F16 || f->scale == ROMA_SCALE_F32);
    if ((f->zeros || f->level == ROMA_LEVEL_FINE) && !plain)
        return bad(err, ROMA_EUNSUPPORTED,
                   "scale form %lld beside a fine level table or own zero points; "
                   "they need FP16 or FP32 scales and no minimum",
                   f->scale);
    return ROMA_OK;
}

static bool table_exceeds(const roma_format *f, int lo, int hi) {
    for (int i = 0; i < 16; i++)
        if (f->table[i] < lo || f->table[i] > hi) return true;
    return false;
}

static int check_levels(const roma_format *f, roma_error *err) {
    switch (f->bits) {
    case 2:
    case 3:
    case 4:
    case 5:
    case 6:
    case 8: break;
    default: return bad(err, ROMA_EUNSUPPORTED, "code width of %lld bits; supported are 2, 3, 4, 5, 6 and 8", f->bits);
    }
    if (f->level > ROMA_LEVEL_FINE) return bad(err, ROMA_EUNSUPPORTED, "level kind %lld is unknown", f->level);
    if (f->level != ROMA_LEVEL_IDENTITY && f->bits != 4)
        return bad(err, ROMA_EUNSUPPORTED, "a level table needs 4-bit codes, not %lld-bit ones", f->bits);
    if (f->level == ROMA_LEVEL_FINE && f->zero)
        return bad(err, ROMA_EUNSUPPORTED, "zero point %lld of a fine level table; it has none", f->zero);
    int lo, hi, limit = f->level == ROMA_LEVEL_FINE ? ROMA_FINE_MAX : 128;
    level_range(f, &lo, &hi);
    if (f->zeros == ROMA_ZEROS_S8) limit = 255;
    if (f->level == ROMA_LEVEL_TABLE && (table_exceeds(f, -128, 127)))
        return bad(err, ROMA_EUNSUPPORTED, "a level table with levels out of -128..%lld", 127);
    own_zeros(f, &lo, &hi);
    if (f->level == ROMA_LEVEL_FINE && (lo < -limit || hi > limit))
        return bad(err, ROMA_EUNSUPPORTED, "a fine level table with levels out of -511..%lld", limit);
    if (lo < -limit || hi > limit)
        return bad(err, ROMA_EUNSUPPORTED, "zero point %lld takes levels out of -128..128", f->zero);
    /* 7 bits of scale x 11 of FP16 leave 6 for the level, or the product would round. */
    if (f->scale == ROMA_SCALE_S8 && (lo < -64 || hi > 64))
        return bad(err, ROMA_EUNSUPPORTED, "8-bit scales need levels in -64..64; %lld-bit codes exceed them", f->bits);
    return ROMA_OK;
}

static int check_scales(const roma_format *f, roma_error *err) {
    if (f->scale == ROMA_SCALE_NONE || f->scale > ROMA_SCALE_F32)
        return bad(err, ROMA_EUNSUPPORTED, "scale form %lld is unknown", f->scale);
    if (f->min != ROMA_SCALE_NONE && f->scale == ROMA_SCALE_F32)
        return bad(err, ROMA_EUNSUPPORTED, "minimum form %lld beside FP32 scales, which have none", f->min);
    if (f->min != ROMA_SCALE_NONE && f->min != f->scale)
        return bad(err, ROMA_EUNSUPPORTED, "minimum form %lld; it must be none or the scale's own form", f->min);
    switch (f->group) {
    case 16:
    case 32:
    case 64:
    case 128:
    case 256: break;
    default: return bad(err, ROMA_EUNSUPPORTED, "group of %lld; supported are 16, 32, 64, 128 and 256", f->group);
    }
    if (f->super != (is_two_level(f->scale) ? 256 : 0))
        return bad(err, ROMA_EUNSUPPORTED, "super-group of %lld; integer scales need 256, FP16 and FP32 scales 0",
                   f->super);
    return ROMA_OK;
}

static int check_cols(const roma_format *f, uint64_t cols, roma_error *err) {
    if (!cols || cols > COLS_MAX)
        return roma_fail(err, ROMA_EUNSUPPORTED, NULL, ROMA_NOWHERE, "rows of %llu inputs; supported are 32 to %llu",
                         (unsigned long long)cols, (unsigned long long)COLS_MAX);
    if (cols % ROMA_STRIPE)
        return roma_fail(err, ROMA_EUNSUPPORTED, NULL, ROMA_NOWHERE,
                         "rows of %llu inputs are no multiple of 32; pad the model's width to %llu",
                         (unsigned long long)cols, (unsigned long long)(cols / ROMA_STRIPE + 1) * ROMA_STRIPE);
    if (f->super && cols % f->super)
        return roma_fail(err, ROMA_EUNSUPPORTED, NULL, ROMA_NOWHERE,
                         "rows of %llu inputs are no multiple of the super-group of 256; use a format with FP16 scales "
                         "per 32",
                         (unsigned long long)cols);
    if (cols % f->group) {
        unsigned fits = f->group;
        while (cols % fits) fits /= 2;
        return roma_fail(err, ROMA_EUNSUPPORTED, NULL, ROMA_NOWHERE,
                         "rows of %llu inputs are no multiple of the group of %u; use a group of %u",
                         (unsigned long long)cols, f->group, fits);
    }
    return ROMA_OK;
}

int roma_format_check(const roma_format *f, uint64_t cols, roma_error *err) {
    int code = check_levels(f, err);
    if (!code) code = check_scales(f, err);
    if (!code) code = check_plain(f, err);
    if (!code) code = check_cols(f, cols, err);
    return code;
}

const char *roma_format_print(const roma_format *f, char *buf, size_t cap) {
    static const char *const forms[] = {"no", "FP16", "4-bit", "6-bit", "signed 6-bit", "signed 8-bit", "FP32"};
    static const char *const levels[] = {"", " by table", " by fine table"};
    char zero[40] = "";
    if (f->zeros)
        roma_print(zero, sizeof zero, f->zero ? ", own zero points + %d" : ", own zero points", f->zero);
    else if (f->zero)
        roma_print(zero, sizeof zero, ", zero point %d", f->zero);
    roma_print(buf, cap, "%u bit%s, group %u, %s scale%s%s%s", f->bits,
               f->level <= ROMA_LEVEL_FINE ? levels[f->level] : " by unknown levels", f->group,
               f->scale <= ROMA_SCALE_F32 ? forms[f->scale] : "unknown", f->min ? " + min" : "",
               f->super ? " under FP16 per 256" : "", zero);
    return buf;
}

/* Bytes of a plane of n-bit codes: 16 rows. */
static size_t plane_bytes(unsigned n, uint64_t cols) { return (size_t)cols * n * ROMA_TILE_ROWS / 8; }

/* Bytes per group of 16 scales. */
static size_t scale_bytes(unsigned form) {
    switch (form) {
    case ROMA_SCALE_F16: return 32;
    case ROMA_SCALE_U4: return 8;
    case ROMA_SCALE_U6:
    case ROMA_SCALE_S6: return 12;
    case ROMA_SCALE_S8: return 16;
    case ROMA_SCALE_F32: return 64;
    default: return 0;
    }
}

void roma_tile_layout_get(const roma_format *f, uint64_t cols, roma_tile_layout *out) {
    static const uint8_t low[] = {[1] = 1, [2] = 2, [3] = 2, [4] = 4, [5] = 4, [6] = 4, [8] = 8};
    assert(f->bits <= 8 && low[f->bits]);
    size_t groups = (size_t)cols / f->group, supers = f->super ? (size_t)cols / f->super : 0;
    out->plane_lo = 0;
    out->plane_hi = plane_bytes(low[f->bits], cols);
    out->scale = out->plane_hi + plane_bytes(f->bits - (unsigned)low[f->bits], cols);
    out->min = out->scale + groups * scale_bytes(f->scale);
    out->super_scale = out->min + groups * scale_bytes(f->min);
    out->super_min = out->super_scale + supers * 32;
    out->zeros = out->super_min + (f->min ? supers * 32 : 0);
    out->used = out->zeros + groups * (f->zeros == ROMA_ZEROS_U4 ? 8 : f->zeros ? 16 : 0);
    out->bytes = (out->used + 63) & ~(size_t)63;
}
