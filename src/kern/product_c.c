/* The product of the scalar table: portable C, each row of a tile unpacked once for all rows of activations. It equals
 * roma_tile_product_c, which works element by element and is what everything is tested against. */
#include "kern.h"

typedef struct {
    int16_t *value;     /* [act][cols]: code << shift */
    int16_t *level;     /* [cols]: level - zero of a row */
    float *scale, *min; /* of a tile: [group][16] */
    int32_t *zeros;     /* likewise */
    roma_row row;
} space;

/* Lays the pieces out in scratch; their sum is what roma_kern_scratch_bytes adds per input. */
static space space_lay(const roma_format *f, uint64_t cols, size_t n_acts, void *scratch) {
    space s;
    uint64_t groups = cols / f->group;
    s.scale = scratch;
    s.min = s.scale + 16 * groups;
    s.zeros = (int32_t *)(void *)(s.min + 16 * groups);
    s.row.scale32 = (float *)(void *)(s.zeros + 16 * groups);
    s.value = (int16_t *)(void *)(s.row.scale32 + groups);
    s.level = s.value + cols * n_acts;
    s.row.scale = (uint16_t *)(s.level + cols);
    s.row.min = s.row.scale + groups;
    s.row.super_scale = s.row.min + groups;
    s.row.super_min = s.row.super_scale + groups;
    s.row.zeros = (uint8_t *)(s.row.super_min + groups);
    s.row.code = s.row.zeros + groups;
    return s;
}

static void row_levels(const roma_format *f, uint64_t cols, const space *s) {
    for (uint64_t i = 0; i < cols; i++) s->level[i] = (int16_t)(roma_level(f, s->row.code[i]) - f->zero);
}

static int32_t dot(const int16_t *a, const int16_t *b, unsigned n) {
    int32_t sum = 0;
    for (unsigned i = 0; i < n; i++) sum += a[i] * b[i];
    return sum;
}

static int32_t group_sum(const roma_act *a, uint64_t g, unsigned group) {
    int32_t sum = 0;
    for (uint64_t h = g * group / 16; h < (g + 1) * group / 16; h++) sum += a->sum16[h];
    return sum;
}

static float row_product(const roma_format *f, uint64_t cols, const space *s, const roma_act *a, const int16_t *value,
                         unsigned r) {
    roma_tree t;
    roma_tree_init(&t);
    for (uint64_t g = 0; g < cols / f->group; g++) {
        int32_t sum = dot(s->level + g * f->group, value + g * f->group, f->group);
        if (f->zeros) sum -= s->zeros[16 * g + r] * group_sum(a, g, f->group);
        float leaf = (float)sum * s->scale[16 * g + r];
        if (f->min != ROMA_SCALE_NONE) leaf = leaf + (float)group_sum(a, g, f->group) * s->min[16 * g + r];
        roma_tree_add(&t, leaf);
    }
    return a->scale * roma_tree_sum(&t);
}

void roma_product_c(const roma_format *f, uint64_t cols, const uint8_t *tiles, size_t n_tiles, const roma_act *acts,
                    size_t n_acts, float *out, size_t stride, void *scratch) {
    const space s = space_lay(f, cols, n_acts, scratch);
    roma_tile_layout l;
    roma_tile_layout_get(f, cols, &l);
    for (size_t i = 0; i < n_acts; i++)
        for (uint64_t c = 0; c < cols; c++)
            s.value[i * cols + c] = (int16_t)(acts[i].code[c] * (1 << acts[i].shift[c / 8]));
    for (size_t t = 0; t < n_tiles; t++, tiles += l.bytes) {
        roma_tile_scales(f, cols, tiles, s.scale, s.min);
        for (uint64_t g = 0; g < cols / f->group && f->zeros; g++) roma_tile_zeros(f, cols, tiles, g, s.zeros + 16 * g);
        for (unsigned r = 0; r < ROMA_TILE_ROWS; r++) {
            roma_row row = s.row;
            roma_tile_get_row(f, cols, tiles, r, &row);
            row_levels(f, cols, &s);
            for (size_t i = 0; i < n_acts; i++)
                out[i * stride + t * ROMA_TILE_ROWS + r] = row_product(f, cols, &s, &acts[i], s.value + i * cols, r);
        }
    }
}
