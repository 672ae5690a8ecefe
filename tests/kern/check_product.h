/* The product of an instruction set against the reference: every format, edge patterns, numbers of rows and tiles. */
#ifndef ROMA_TEST_CHECK_PRODUCT_H
#define ROMA_TEST_CHECK_PRODUCT_H

#include "guard.h"

/* The instruction sets under test; each gets every case, so that the slow reference is computed once. */
typedef struct {
    const roma_kern *k[ROMA_ISA_COUNT * ROMA_KERN_VARIANTS];
    int n;
} kern_list;

/* A vector here is one row of weights times one row of activations. They are counted per kernel: one row of activations
 * or several, width (7 for level tables, 9 for fine ones), group of 16, of 32 or longer, minimum or own zero points. */
#define TABLE_WIDTH 7
#define FINE_WIDTH 9
typedef uint64_t kernel_counts[2][10][3][3];
static kernel_counts vectors;

static uint64_t *vectors_of(const roma_format *f, size_t n_acts) {
    const int width = f->level == ROMA_LEVEL_TABLE  ? TABLE_WIDTH
                      : f->level == ROMA_LEVEL_FINE ? FINE_WIDTH
                                                    : f->bits,
              kind = f->group == 16   ? 0
                     : f->group == 32 ? 1
                                      : 2;
    return &vectors[n_acts > 1][width][kind][f->zeros ? 2 : f->min != ROMA_SCALE_NONE];
}

/* Every form of weights, and its vectors, of one row of activations and of several. */
enum { FORMS = 7 * 5 * 5 * 4 + 7 * 5 * 4 };
static roma_format forms[FORMS];
static uint64_t vectors_of_form[FORMS][2];

static void count_vectors(const roma_format *f, size_t n_acts, uint64_t n) {
    *vectors_of(f, n_acts) += n;
    vectors_of_form[f - forms][n_acts > 1] += n;
}

/* Of its kernel, or where each form is asked for of the form itself. */
static bool has_vectors(const roma_format *f, size_t n_acts, uint64_t wanted) {
    return (vectors_of_each_form() ? vectors_of_form[f - forms][n_acts > 1] : *vectors_of(f, n_acts)) >= wanted;
}

#define MANY 9 /* rows of activations of the cases that make the number */

/* PATTERN_BRINK: the largest levels and activations, some of them odd: sums that reach beyond what FP32 holds, if they
 * do on their way. */
enum { PATTERN_RANDOM, PATTERN_MAX, PATTERN_MIN, PATTERN_ZERO, PATTERN_SMALL, PATTERN_BRINK, PATTERNS };

static void fill_act(roma_act *a, uint64_t cols, int pattern) {
    for (uint64_t b = 0; b < cols / 8; b++) {
        a->shift[b] = pattern == PATTERN_MAX || pattern == PATTERN_MIN ? 7
                      : pattern == PATTERN_BRINK                       ? (random_u32() % 8 ? 7 : 0)
                      : pattern == PATTERN_ZERO                        ? 0
                                                                       : (int32_t)(random_u32() % 8);
        a->mult[b] = 0x00010001u << a->shift[b];
    }
    for (uint64_t h = 0; h < cols / 16; h++) {
        a->sum16[h] = 0;
        for (uint64_t i = 16 * h; i < 16 * h + 16; i++) {
            a->code[i] = (int8_t)(pattern == PATTERN_MAX     ? 127
                                  : pattern == PATTERN_BRINK ? 127 - (int)(random_u32() % 2)
                                  : pattern == PATTERN_MIN   ? (random_u32() % 64 ? -127 : 127)
                                  : pattern == PATTERN_ZERO  ? 0
                                  : pattern == PATTERN_SMALL ? (int)(random_u32() % 3) - 1
                                                             : (int)(random_u32() % 255) - 127);
            a->sum16[h] += a->code[i] * (1 << a->shift[i / 8]);
        }
    }
    for (uint64_t g = 0; g < cols / 32; g++) a->sum32[g] = a->sum16[2 * g] + a->sum16[2 * g + 1];
    a->scale = pattern == PATTERN_SMALL ? 0x1p-120f
               : pattern == PATTERN_MIN ? -0.0f
                                        : (float)(random_u32() % 1000) * 0.01f;
}

/* Scales first, then codes: all bytes random, but FP16 regions get few infinities. */
static void fill_tile(const roma_format *f, uint64_t cols, uint8_t *tile, int pattern) {
    roma_tile_layout l;
    roma_tile_layout_get(f, cols, &l);
    for (size_t i = 0; i < l.bytes; i += 4) { /* a tile is a multiple of 64 bytes */
        const uint32_t r = random_u32();
        memcpy(tile + i, &r, 4);
    }
    if (pattern == PATTERN_MAX || pattern == PATTERN_BRINK) memset(tile, f->bits == 8 ? 0x7f : 0xff, l.scale);
    if (pattern == PATTERN_MIN) memset(tile, f->bits == 8 ? 0x80 : 0x00, l.scale);
    if (pattern == PATTERN_ZERO) memset(tile, 0, l.scale);
    const size_t halves = f->super ? l.super_scale : l.scale;
    for (size_t i = l.scale; f->scale == ROMA_SCALE_F32 && i < l.min; i += 4) {
        if (pattern == PATTERN_SMALL && random_u32() % 2) tile[i + 3] &= 0x80, tile[i + 2] &= 0x7f;
        tile[i + 3] &= 0xbf; /* no infinity: below 2 */
    }
    for (size_t i = halves; f->scale != ROMA_SCALE_F32 && i < l.zeros; i += 2) {
        if (pattern == PATTERN_SMALL && random_u32() % 2)
            tile[i + 1] &= 0x83; /* subnormal or zero */
        else if (random_u32() % 64)
            tile[i + 1] &= 0xbf;
        if (pattern == PATTERN_ZERO && random_u32() % 2) tile[i] = 0, tile[i + 1] &= 0x80;
    }
}

typedef struct {
    const roma_format *f;
    roma_tile_layout l;
    uint64_t cols;
    size_t n_tiles, n_acts, stride;
    int pattern;
    guarded tiles, codes, out, scratch;
    roma_act *acts;
    float *want; /* [row of activations][row of weights] */
} product_case;

/* The product, `step` rows of activations at a time, in a scratch that ends where the next page faults. */
static void check_product_steps(const product_case *c, const roma_kern *k, size_t step) {
    float *got = (float *)(void *)c->out.data;
    memset(c->scratch.data, 0xff, roma_kern_scratch_bytes(c->cols, c->n_acts)); /* nothing may count on its contents */
    memset(c->out.data, 0xa5, ((c->n_acts - 1) * c->stride + 16 * c->n_tiles) * 4);
    uint8_t *scratch =
        c->scratch.data + roma_kern_scratch_bytes(c->cols, c->n_acts) - roma_kern_scratch_bytes(c->cols, step);
    for (size_t i = 0; i < c->n_acts; i += step)
        k->product(c->f, c->cols, c->tiles.data, c->n_tiles, c->acts + i, step, got + i * c->stride, c->stride,
                   scratch);
    int equal = 1, kept = 1;
    for (size_t i = 0; i < c->n_acts; i++) {
        equal &= same_floats(got + i * c->stride, c->want + i * 16 * c->n_tiles, 16 * c->n_tiles);
        for (size_t x = 16 * c->n_tiles; i + 1 < c->n_acts && x < c->stride; x++)
            kept &= roma_f32_bits(got[i * c->stride + x]) == 0xa5a5a5a5u;
    }
    char name[128];
    if (!equal || !kept)
        fprintf(stderr, "%s: %s, cols %d, tiles %d, rows %d by %d, pattern %d\n", k->name,
                roma_format_print(c->f, name, sizeof name), (int)c->cols, (int)c->n_tiles, (int)c->n_acts, (int)step,
                c->pattern);
    CHECK(equal);
    CHECK(kept);
}

static void fill_case(product_case *c) {
    const size_t act_bytes = roma_act_bytes(c->cols);
    for (size_t i = 0; i < c->n_acts; i++) {
        roma_act_init(&c->acts[i], c->codes.data + i * act_bytes, c->cols);
        fill_act(&c->acts[i], c->cols, i % 4 == 3 ? PATTERN_RANDOM : c->pattern);
    }
    for (size_t t = 0; t < c->n_tiles; t++) fill_tile(c->f, c->cols, c->tiles.data + t * c->l.bytes, c->pattern);
    for (size_t i = 0; i < c->n_acts; i++)
        for (size_t t = 0; t < c->n_tiles; t++)
            roma_tile_product_c(c->f, c->cols, c->tiles.data + t * c->l.bytes, &c->acts[i],
                                c->want + (i * c->n_tiles + t) * 16);
}

/* All rows of activations at once, then, if they are few, one by one. */
static void check_product_case(const kern_list *ks, const roma_format *f, uint64_t cols, size_t n_tiles, size_t n_acts,
                               int pattern) {
    product_case c = {.f = f, .cols = cols, .n_tiles = n_tiles, .n_acts = n_acts, .pattern = pattern};
    roma_tile_layout_get(f, cols, &c.l);
    c.stride = 16 * n_tiles + random_u32() % 3 * 5;
    c.tiles = guarded_new(n_tiles * c.l.bytes, 64);
    c.codes = guarded_new(n_acts * roma_act_bytes(cols), 64);
    c.out = guarded_new(((n_acts - 1) * c.stride + 16 * n_tiles) * 4, 4);
    c.scratch = guarded_new(roma_kern_scratch_bytes(cols, n_acts), 64);
    c.acts = malloc(n_acts * sizeof *c.acts);
    c.want = malloc(n_acts * n_tiles * 16 * sizeof *c.want);
    fill_case(&c);
    const bool single = n_acts > 1 && n_acts <= MANY;
    for (int i = 0; i < ks->n; i++) {
        check_product_steps(&c, ks->k[i], n_acts);
        if (single) check_product_steps(&c, ks->k[i], 1);
    }
    count_vectors(f, n_acts, n_acts * n_tiles * 16);
    if (single) count_vectors(f, 1, n_acts * n_tiles * 16);
    free(c.acts);
    free(c.want);
    guarded_free(&c.tiles);
    guarded_free(&c.codes);
    guarded_free(&c.out);
    guarded_free(&c.scratch);
}

/* Rows enough for the kernels of many rows, over several of their blocks of inputs, the last of them not whole. */
static void check_product_many(const kern_list *k, const roma_format *f, uint64_t unit) {
    const uint64_t most = 1024 / unit;
    check_product_case(k, f, unit * (1 + random_u32() % most), 1 + random_u32() % 3, 64 + random_u32() % 5,
                       PATTERN_RANDOM);
    check_product_case(k, f, unit * most, 2, 65, PATTERN_MAX + (int)(random_u32() % (PATTERNS - PATTERN_MAX)));
}

static void check_product_format(const kern_list *k, const roma_format *f, int deep) {
    static const uint16_t many[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 17, 33};
    const uint64_t unit = f->super ? 256 : f->group < 32 ? 32 : f->group;
    check_product_case(k, f, unit * 3, 1, 1, PATTERN_RANDOM);
    check_product_case(k, f, unit * (1 + random_u32() % 7), 3, many[random_u32() % 11], PATTERN_RANDOM);
    check_product_case(k, f, unit * 2, 2, many[random_u32() % 11], PATTERN_RANDOM);
    for (int p = PATTERN_MAX; p < PATTERNS; p++) {
        check_product_case(k, f, unit * (1 + random_u32() % 4), 1, 1, p);
        check_product_case(k, f, unit * (1 + random_u32() % 4), 2, 5, p);
    }
    check_product_many(k, f, unit);
    if (!deep) return;
    for (size_t i = 0; i < sizeof many / sizeof *many; i++)
        for (uint64_t u = 1; u < 20; u += 1 + i) check_product_case(k, f, unit * u, 1 + u % 4, many[i], PATTERN_RANDOM);
    check_product_case(k, f, unit * 9, 2, 70, PATTERN_RANDOM);
}

/* One case more if the format's kernels lack vectors; false when they do not. */
static int check_product_more(const kern_list *k, const roma_format *f, uint64_t wanted) {
    if (has_vectors(f, 1, wanted) && has_vectors(f, MANY, wanted)) return 0;
    const uint64_t unit = f->super ? 256 : f->group < 32 ? 32 : f->group;
    check_product_case(k, f, unit * (1 + random_u32() % 3), 8, 2 + random_u32() % (MANY - 1), PATTERN_RANDOM);
    return 1;
}

/* FP32 scales, own zero points, fine tables; beside FP32 scales plain levels too. */
static size_t plain_formats(roma_format *list) {
    static const uint8_t widths[] = {2, 3, 4, 5, 6, 8};
    static const uint16_t groups[] = {16, 32, 64, 128, 256};
    static const int16_t fine[16] = {-511, -356, -268, -202, -145, -95, -47, 0, 41, 82, 126, 172, 225, 287, 369, 511};
    size_t n = 0;
    for (unsigned w = 0; w < 7; w++)
        for (unsigned g = 0; g < 5; g++)
            for (unsigned k = 0; k < 4; k++) {
                roma_format f = {.bits = widths[w < 6 ? w : 2],
                                 .level = w == 6 ? ROMA_LEVEL_FINE : ROMA_LEVEL_IDENTITY,
                                 .scale = k % 2 ? ROMA_SCALE_F32 : ROMA_SCALE_F16,
                                 .group = groups[g],
                                 .zero = (int16_t)(w == 6 || k < 2 ? 0 : 1)};
                if (w < 6 && k < 3) f.zeros = f.bits == 8 ? ROMA_ZEROS_S8 : ROMA_ZEROS_U4;
                if (f.bits == 8) f.zero = 0;
                if (w == 6) memcpy(f.table, fine, sizeof fine);
                if (!roma_format_check(&f, 256, NULL)) list[n++] = f;
            }
    return n;
}

/* Every valid format. */
static size_t all_formats(roma_format *list) {
    static const uint8_t widths[] = {2, 3, 4, 5, 6, 8},
                         scales[] = {ROMA_SCALE_F16, ROMA_SCALE_U4, ROMA_SCALE_U6, ROMA_SCALE_S6, ROMA_SCALE_S8};
    static const uint16_t groups[] = {16, 32, 64, 128, 256};
    static const int8_t levels[16] = {-128, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 127};
    size_t n = 0;
    for (unsigned w = 0; w < 7; w++)
        for (unsigned g = 0; g < 5; g++)
            for (unsigned s = 0; s < 5; s++)
                for (unsigned mz = 0; mz < 4; mz++) {
                    roma_format f = {
                        .bits = widths[w < 6 ? w : 2], .level = w == 6, .scale = scales[s], .group = groups[g]};
                    f.min = mz / 2 ? f.scale : ROMA_SCALE_NONE;
                    f.super = s ? 256 : 0;
                    f.zero = (int16_t)(mz % 2 == 0 ? 0 : f.bits == 8 || w == 6 ? -1 : 1 << (f.bits - 1));
                    for (int i = 0; w == 6 && i < 16; i++) f.table[i] = levels[i];
                    if (w == 6 && f.scale == ROMA_SCALE_S8)
                        for (int i = 0; i < 16; i++) f.table[i] /= 2;
                    if (!roma_format_check(&f, 256, NULL)) list[n++] = f;
                }
    return n + plain_formats(list + n);
}

/* How many counts are not 0, and the least of these. */
static uint64_t least_of(const uint64_t *v, size_t n, uint64_t *least) {
    uint64_t some = 0;
    *least = UINT64_MAX;
    for (size_t i = 0; i < n; i++) {
        some += v[i] > 0;
        if (v[i] && v[i] < *least) *least = v[i];
    }
    return some;
}

static void print_vectors(const kern_list *k) {
    uint64_t fewest, fewest_of_form;
    const uint64_t kernels = least_of(&vectors[0][0][0][0], sizeof vectors / sizeof(uint64_t), &fewest),
                   of_forms = least_of(vectors_of_form[0], 2 * FORMS, &fewest_of_form);
    for (int i = 0; i < k->n; i++)
        printf("%s%s%s: %" PRIu64 " product kernels, at least %" PRIu64 " vectors each; %" PRIu64
               " forms of weights, at least %" PRIu64 "\n",
               k->k[i]->name, k->k[i]->variant ? "-" : "", k->k[i]->variant ? k->k[i]->variant : "", kernels, fewest,
               of_forms / 2, fewest_of_form);
}

/* Every format with edge patterns; one of seven at length; then until each kernel has the number of vectors wanted. */
static void check_product(const kern_list *k, uint64_t wanted) {
    const size_t n = all_formats(forms);
    CHECK(n > 200);
    const size_t each = wanted > 1000 ? 1 : 3; /* under an emulator, every third has the edges */
    for (size_t i = 0; i < n; i += each) check_product_format(k, &forms[i], i % 7 == 0 && wanted >= 100000);
    for (int more = 1; more;) {
        more = 0;
        for (size_t i = 0; i < n; i++) more |= check_product_more(k, &forms[i], wanted);
    }
    print_vectors(k);
}

/* Emulated kernels in full where the machine has not the true ones, and a tenth of it where they are tested as well. */
static inline void check_emulated(const roma_kern *k, bool have) {
    const kern_list one = {{k}, 1};
    check_product(&one, have ? vectors_wanted() / 10 : vectors_wanted());
}

#endif
