/* Which functions multiply with more than one row: one for each form that they know when they are compiled. A part of
 * product_avx512.c. */
#ifndef ROMA_KERN_FORMS_AVX512_H
#define ROMA_KERN_FORMS_AVX512_H

#include "many_avx512.h"

/* ---- one function for each form ---------------------------------------------------------------- */

/* Width, kind of unit, what leaves have beside scales, how integers are summed; and before them the tree's name. Of the
 * formats that models come in the first rows unpack codes where they multiply them; of those that models come in most
 * few rows do without a panel. */
/* clang-format off */
#define KEPT(X)                                                                                                        \
    X(16, 2, 0, 1, 1) X(32, 2, 1, 1, 1) X(more, 2, 2, 1, 1) X(more, 2, 2, 0, 1) X(16, 3, 0, 0, 1)                      \
    X(32, 3, 1, 1, 1) X(more, 3, 2, 1, 1) X(more, 3, 2, 0, 1) X(32, 4, 1, 0, 1) X(32, 4, 1, 1, 1)                      \
    X(more, 4, 2, 0, 1) X(more, 4, 2, 1, 1) X(halves, 4, 3, 0, 1) X(halves, 4, 3, 1, 1) X(more, 4, 2, 2, 1)            \
    X(halves, 4, 3, 2, 1) X(32, 5, 1, 0, 1) X(32, 5, 1, 1, 1) X(16, 6, 0, 0, 1) X(32, 6, 1, 0, 1)                      \
    X(more, 6, 2, 0, 0) X(fours, 7, 1, 0, 0) X(more, 7, 2, 0, 0) X(fours, 8, 1, 0, 0) X(more, 8, 2, 0, 0)              \
    X(fine, 9, 2, 0, 2)
/* clang-format on */
#define KEPT_FN(tree, width, kind, extra, mode)                                                                        \
    static void kept_##width##_##kind##_##extra##_##mode(const many_job *k, panel *p, uint64_t c, size_t g) {          \
        many_group_##tree(k, p, c, g, ROWS, (form){width, kind, extra, mode, true, PAIR});                             \
    }
#define KEPT_ENTRY(tree, width, kind, extra, mode)                                                                     \
    [width][kind][extra][mode] = kept_##width##_##kind##_##extra##_##mode,
KEPT(KEPT_FN)
static const panel_fn kept_table[10][4][3][MODES] = {KEPT(KEPT_ENTRY)};

/* clang-format off */
#define FEW(X, rows)                                                                                                   \
    X(rows, 16, 2, 0, 1, 1) X(rows, more, 2, 2, 0, 1) X(rows, 16, 3, 0, 0, 1) X(rows, 32, 4, 1, 0, 1)                  \
    X(rows, 32, 4, 1, 1, 1) X(rows, more, 4, 2, 0, 1) X(rows, more, 4, 2, 2, 1) X(rows, 32, 5, 1, 1, 1)                \
    X(rows, 16, 6, 0, 0, 1) X(rows, 32, 7, 1, 0, 0) X(rows, 32, 8, 1, 0, 0) X(rows, fine, 9, 2, 0, 3)
/* clang-format on */
#define FEW_FN(rows, tree, width, kind, extra, mode)                                                                   \
    static void few_##rows##_##width##_##kind##_##extra##_##mode(const many_job *k, panel *p, uint64_t c, size_t g) {  \
        many_group_##tree(k, p, c, g, rows, (form){width, kind, extra, mode, false, PAIR});                            \
    }
#define FEW_ENTRY(rows, tree, width, kind, extra, mode)                                                                \
    [width][kind][extra][mode][rows] = few_##rows##_##width##_##kind##_##extra##_##mode,
FEW(FEW_FN, 1)
FEW(FEW_FN, 2)
FEW(FEW_FN, 3)
FEW(FEW_FN, 4)
static const panel_fn few_table[10][4][3][MODES][ROWS + 1] = {FEW(FEW_ENTRY, 1) FEW(FEW_ENTRY, 2) FEW(FEW_ENTRY, 3)
                                                                  FEW(FEW_ENTRY, 4)};

/* Groups whose codes are unpacked: all forms that there can be. */
/* clang-format off */
#define GROUPS(X)                                                                                                      \
    X(16, 0, 0, 0) X(16, 0, 1, 0) X(16, 0, 2, 0) X(fours, 1, 0, 0) X(32, 1, 1, 0) X(32, 1, 2, 0)                       \
    X(more, 2, 0, 0) X(more, 2, 1, 0) X(more, 2, 2, 0) X(16, 0, 0, 1) X(16, 0, 1, 1) X(32, 1, 0, 1)                    \
    X(32, 1, 1, 1) X(more, 2, 0, 1) X(more, 2, 1, 1) X(halves, 3, 0, 1) X(halves, 3, 1, 1) X(fine, 0, 0, 2)            \
    X(fine, 1, 0, 2) X(fine, 2, 0, 2)
/* clang-format on */
#define GROUPS_FN(tree, kind, extra, mode)                                                                             \
    static void groups_##kind##_##extra##_##mode(const many_job *k, panel *p, uint64_t c, size_t g) {                  \
        for (; g < k->groups - (k->rest != NULL); g++)                                                                 \
            many_group_##tree(k, p, c, g, ROWS, (form){UNPACKED, kind, extra, mode, false, PAIR});                     \
    }
#define GROUPS_ENTRY(tree, kind, extra, mode) [kind][extra][mode] = groups_##kind##_##extra##_##mode,
GROUPS(GROUPS_FN)
static const panel_fn groups_table[4][3][MODES] = {GROUPS(GROUPS_ENTRY)};

/* The same at two panels side by side, with half as many loads of activations, of the forms that models come in most.
 * Units of 16 and 32 then keep a sum in memory more, which vector units of 512 bits are not kept waiting by; where an
 * operation of 512 bits takes two cycles they lose 2 to 6 %, larger ones gain up to 5 (docs/performance-log.md). */
/* clang-format off */
#define WIDES(X)                                                                                                       \
    X(16, 0, 0, 1) X(16, 0, 1, 1) X(32, 1, 0, 0) X(32, 1, 0, 1) X(32, 1, 1, 1) X(more, 2, 0, 0) X(more, 2, 0, 1)       \
    X(more, 2, 1, 1) X(halves, 3, 0, 1)
/* clang-format on */
#define WIDES_FN(tree, kind, extra, mode)                                                                              \
    static void wide_##kind##_##extra##_##mode(const many_job *k, panel *p, uint64_t c, size_t g) {                    \
        for (; g < k->groups - (k->rest != NULL); g++)                                                                 \
            many_group_##tree(k, p, c, g, ROWS, (form){UNPACKED, kind, extra, mode, false, WIDE});                     \
    }
#define WIDES_ENTRY(tree, kind, extra, mode) [kind][extra][mode] = wide_##kind##_##extra##_##mode,
WIDES(WIDES_FN)
static const panel_fn wide_table[4][3][MODES] = {WIDES(WIDES_ENTRY)};

/* Less than four rows behind them, of the forms that models come in most. */
/* clang-format off */
#define RESTS(X, rows)                                                                                                 \
    X(rows, 16, 0, 0, 1) X(rows, 16, 0, 1, 1) X(rows, 32, 1, 0, 1) X(rows, 32, 1, 1, 1) X(rows, more, 2, 0, 1)         \
    X(rows, 32, 1, 0, 0) X(rows, fine, 2, 0, 2)
/* clang-format on */
#define REST_FN(rows, tree, kind, extra, mode)                                                                         \
    static void rest_##rows##_##kind##_##extra##_##mode(const many_job *k, panel *p, uint64_t c, size_t g) {           \
        many_group_##tree(k, p, c, g, rows, (form){UNPACKED, kind, extra, mode, false, PAIR});                         \
    }
#define REST_ENTRY(rows, tree, kind, extra, mode) [kind][extra][mode][rows] = rest_##rows##_##kind##_##extra##_##mode,
RESTS(REST_FN, 1)
RESTS(REST_FN, 2)
RESTS(REST_FN, 3)
static const panel_fn rest_table[4][3][MODES][ROWS] = {RESTS(REST_ENTRY, 1) RESTS(REST_ENTRY, 2) RESTS(REST_ENTRY, 3)};

static void many_tiles(const many_job *k, const tile_pair *pairs, size_t n) {
    panel p[WIDE / PAIR];
    for (uint64_t c = 0; c < k->chunks; c++) {
        for (size_t i = 0; i < n; i++) {
            open_panel(k, &pairs[i], c, &p[i]);
            p[i].beside = i;
            if (k->first)
                k->first(k, &p[i], c, 0);
            else
                fill_panel(k, &p[i]);
        }
        const size_t from = k->first != NULL;
        if (k->wide && n == WIDE / PAIR) k->wide(k, p, c, from);
        for (size_t i = 0; i < n; i++) {
            if (k->others && !(k->wide && n == WIDE / PAIR)) k->others(k, &p[i], c, from);
            if (k->rest) k->rest(k, &p[i], c, k->groups - 1);
        }
    }
}

/* ---- a format's functions ----------------------------------------------------------------------- */

/* The largest magnitude of a level that is no fine one. */
static int largest_level(const roma_format *f) {
    int lo = f->bits == 8 ? -128 : 0, hi = f->bits == 8 ? 127 : (1 << f->bits) - 1;
    if (f->level == ROMA_LEVEL_TABLE) lo = -128, hi = 127;
    if (f->zeros == ROMA_ZEROS_U4) lo -= 15;
    const int a = f->zero - lo, b = hi - f->zero;
    return a > b ? a : b;
}

/* Whether FP32 holds every sum of a group (see the top). */
static bool is_exact(const roma_format *f) {
    return !f->zeros && f->level != ROMA_LEVEL_FINE && largest_level(f) * f->group <= EXACT_BOUND;
}

static many_job many_init(job *j, bool is_halved) {
    const roma_format *f = j->f;
    const bool fine = f->level == ROMA_LEVEL_FINE, nibbles = f->zeros == ROMA_ZEROS_U4,
               ints = fine || f->zeros == ROMA_ZEROS_S8;
    const int most = ints ? 0 : largest_level(f) * f->group;
    const bool whole = !ints && most <= EXACT_BOUND,
               halves = !ints && !whole && most <= 2 * EXACT_BOUND && j->kind == GROUP_MORE;
    return (many_job){.j = j,
                      .kind = j->kind == GROUP_16   ? UNIT_16
                              : j->kind == GROUP_32 ? UNIT_32
                              : halves              ? UNIT_HALVES
                                                    : UNIT_MORE,
                      .mode = fine              ? MANY_FINE
                              : whole || halves ? MANY_EXACT
                                                : MANY_INTS,
                      .has_sums = extra_of(f) != ALONE && !nibbles,
                      .has_adds = nibbles,
                      .is_halved = is_halved,
                      .groups = (j->n_acts + ROWS - 1) / ROWS,
                      .chunks = (j->stripes + CHUNK - 1) / CHUNK,
                      .lines = j->records};
}

/* Up to so many rows, two groups, each group unpacks codes for itself; of fine levels with one less. Measured on Zen 4.
 */
enum { FEW_ROWS = 2 * ROWS };

/* Functions for so many rows each, where the format has them. */
static const panel_fn *few_fns(const many_job *k) {
    return few_table[width_of(k->j->f)][k->kind][extra_of(k->j->f)][k->mode == MANY_FINE ? MANY_PARTS : k->mode];
}

static void choose_fns(many_job *k) {
    const size_t n = k->j->n_acts, left = n % ROWS;
    const unsigned extra = k->has_adds ? ALONE : extra_of(k->j->f);
    const panel_fn *few = few_fns(k);
    k->last = ROWS;
    if (n <= FEW_ROWS - (k->mode == MANY_FINE) && few[1]) {
        k->last = n - (k->groups - 1) * ROWS;
        k->first = few[n < ROWS ? n : ROWS];
        k->rest = k->groups > 1 ? few[k->last] : NULL;
        if (k->mode == MANY_FINE) k->mode = MANY_PARTS;
        return;
    }
    k->first = kept_table[width_of(k->j->f)][k->kind][extra_of(k->j->f)][k->mode];
    k->others = groups_table[k->kind][extra][k->mode];
    if (k->groups > 2 && (!k->is_halved || k->kind == UNIT_MORE || k->kind == UNIT_HALVES))
        k->wide = wide_table[k->kind][extra][k->mode];
    k->rest = n > ROWS && left ? rest_table[k->kind][extra][k->mode][left] : NULL;
    if (k->rest) k->last = left;
}

static void multiply_many(many_job *k, const uint8_t *tiles, size_t n_tiles) {
    job *j = k->j;
    choose_fns(k);
    if (k->mode == MANY_FINE) fine_init(j, 8, 0);
    if (k->mode == MANY_PARTS) fine_init(j, FINE_SHIFT, 512);
    k->offset = j->offset + (k->has_adds ? 15 : 0);
    k->z = (float *)(k->lines + all_rows(k) * j->stripes);
    k->stack = (void *)(k->z + (k->has_sums ? k->chunks * k->groups * 2 * CHUNK * ROWS : 0));
    pack_many(k);
    k->pairs = k->wide ? WIDE / PAIR : 1;
    k->ahead = k->pairs * PAIR * j->l.bytes;
    for (size_t t = 0; t < n_tiles;) {
        tile_pair pairs[WIDE / PAIR];
        size_t n = 0;
        for (; n < k->pairs && t < n_tiles; n++, t += PAIR) {
            const size_t beside = t + 1 < n_tiles ? t + 1 : t;
            pairs[n] = (tile_pair){{tiles + t * j->l.bytes, tiles + beside * j->l.bytes},
                                   {j->out + t * ROMA_TILE_ROWS, j->out + beside * ROMA_TILE_ROWS}};
        }
        many_tiles(k, pairs, n);
    }
}

#endif
