/* One tile times one row of activations: docs/numerics.md section 3, element by element from the bytes of the tile.
 * It reads the layout on its own, so that the tests may hold it against roma_tile_get_row. */
#include "roma/num.h"

/* One instance for each number of bits, which is f->bits: the compiler then divides and shifts by constants. */
#define FOR_BITS static inline __attribute__((always_inline))

/* Fields of `bits` bits, input-minor inside blocks of 64 bytes: byte [row * 4 + input % 4], field (input / 4) % fields.
 */
FOR_BITS unsigned plane_field(const uint8_t *plane, unsigned bits, unsigned r, uint64_t input) {
    const uint64_t fields = 8 / bits, block = input / (4 * fields), field = input / 4 % fields;
    return (unsigned)plane[64 * block + 4 * r + input % 4] >> (field * bits) & ((1u << bits) - 1);
}

FOR_BITS int level_at(const roma_format *f, unsigned bits, const roma_tile_layout *l, const uint8_t *tile, unsigned r,
                      uint64_t input) {
    const uint8_t *lo = tile + l->plane_lo, *hi = tile + l->plane_hi;
    switch (bits) {
    case 2: return (int)plane_field(lo, 2, r, input);
    case 3: return (int)(plane_field(lo, 2, r, input) | plane_field(hi, 1, r, input) << 2);
    case 5: return (int)(plane_field(lo, 4, r, input) | plane_field(hi, 1, r, input) << 4);
    case 6: return (int)(plane_field(lo, 4, r, input) | plane_field(hi, 2, r, input) << 4);
    case 8: return (int8_t)plane_field(lo, 8, r, input);
    default: break;
    }
    const unsigned code = plane_field(lo, 4, r, input);
    return f->level != ROMA_LEVEL_IDENTITY ? f->table[code] : (int)code;
}

/* The integer of row r in a group's 16 integers. */
static int group_integer(unsigned form, const uint8_t *p, unsigned r) {
    if (form == ROMA_SCALE_S8) return (int8_t)p[r];
    const int low = p[r % 8] >> (r / 8 * 4) & 15;
    if (form == ROMA_SCALE_U4) return low;
    const int six = low | (p[8 + r % 4] >> (r / 4 * 2) & 3) << 4;
    return form == ROMA_SCALE_S6 ? six - 32 : six;
}

static float group_value(const roma_format *f, unsigned form, const uint8_t *region, const uint8_t *super,
                         uint64_t group, unsigned r) {
    if (form == ROMA_SCALE_F32) return roma_f32_from_bits(roma_le32(region + 64 * group + 4 * r));
    if (form == ROMA_SCALE_F16) return roma_f16_to_f32(roma_le16(region + 32 * group + 2 * r));
    const size_t bytes = form == ROMA_SCALE_U4 ? 8 : form == ROMA_SCALE_S8 ? 16 : 12;
    const uint8_t *s = super + 32 * (group * f->group / f->super) + 2 * r;
    return (float)group_integer(form, region + bytes * group, r) * roma_f16_to_f32(roma_le16(s));
}

/* Zero point of a row in a group: the tensor's and the own one. */
static int zero_of(const roma_format *f, const roma_tile_layout *l, const uint8_t *tile, uint64_t group, unsigned r) {
    if (f->zeros == ROMA_ZEROS_U4) return f->zero + group_integer(ROMA_SCALE_U4, tile + l->zeros + 8 * group, r);
    if (f->zeros == ROMA_ZEROS_S8) return f->zero + group_integer(ROMA_SCALE_S8, tile + l->zeros + 16 * group, r);
    return f->zero;
}

/* The leaves of a group, of all 16 rows. */
FOR_BITS void leaves_of(const roma_format *f, unsigned bits, const roma_tile_layout *l, const uint8_t *tile,
                        const roma_act *a, uint64_t group, float out[ROMA_TILE_ROWS]) {
    int32_t dot[ROMA_TILE_ROWS] = {0}, zero[ROMA_TILE_ROWS], sum = 0;
    for (unsigned r = 0; r < ROMA_TILE_ROWS; r++) zero[r] = zero_of(f, l, tile, group, r);
    for (uint64_t i = group * f->group; i < (group + 1) * f->group; i++) {
        const int32_t value = a->code[i] * (1 << a->shift[i / 8]);
        for (unsigned r = 0; r < ROMA_TILE_ROWS; r++) dot[r] += (level_at(f, bits, l, tile, r, i) - zero[r]) * value;
        sum += value;
    }
    for (unsigned r = 0; r < ROMA_TILE_ROWS; r++) {
        out[r] = (float)dot[r] * group_value(f, f->scale, tile + l->scale, tile + l->super_scale, group, r);
        if (f->min != ROMA_SCALE_NONE)
            out[r] = out[r] + (float)sum * group_value(f, f->min, tile + l->min, tile + l->super_min, group, r);
    }
}

static void leaves(const roma_format *f, const roma_tile_layout *l, const uint8_t *tile, const roma_act *a,
                   uint64_t group, float out[ROMA_TILE_ROWS]) {
    switch (f->bits) {
    case 2: leaves_of(f, 2, l, tile, a, group, out); break;
    case 3: leaves_of(f, 3, l, tile, a, group, out); break;
    case 5: leaves_of(f, 5, l, tile, a, group, out); break;
    case 6: leaves_of(f, 6, l, tile, a, group, out); break;
    case 8: leaves_of(f, 8, l, tile, a, group, out); break;
    default: leaves_of(f, 4, l, tile, a, group, out); break;
    }
}

void roma_tile_product_c(const roma_format *f, uint64_t cols, const uint8_t *tile, const roma_act *a, float out[16]) {
    roma_tile_layout l;
    roma_tree t[ROMA_TILE_ROWS];
    float leaf[ROMA_TILE_ROWS];
    roma_tile_layout_get(f, cols, &l);
    for (unsigned r = 0; r < ROMA_TILE_ROWS; r++) roma_tree_init(&t[r]);
    for (uint64_t g = 0; g < cols / f->group; g++) {
        leaves(f, &l, tile, a, g, leaf);
        for (unsigned r = 0; r < ROMA_TILE_ROWS; r++) roma_tree_add(&t[r], leaf[r]);
    }
    for (unsigned r = 0; r < ROMA_TILE_ROWS; r++) out[r] = a->scale * roma_tree_sum(&t[r]);
}
