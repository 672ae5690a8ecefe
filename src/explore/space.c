/* The points of an exploration: knobs, the sequence, and what follows from a point's values. docs/explore.md is the
 * contract. */
#include "explore/internal.h"

#include <math.h>
#include <string.h>

/* Grids are powers of two with one row of vector units. */
static const char *const usual[] = {
    "grid.matrix_units=64,128,256,512",
    "grid.columns=8,16,32",
    "lunit.per_matrix_unit=32,64,128",
    "lunit.lanes=8,16,32",
    "lunit.leaf_group=32,64,128",
    "rom.style=rom,brom,fused,logic",
    "rom.depth=512,1024,2048,4096,8192,16384",
    "hunit.sram=262144,524288,1179648,2097152,4194304",
    "clock.frequency=2.5e8..1e9",
    "schedule.attention_overlap=off,on",
    "schedule.streams=1,2,4",
    "network.link=64,128,256,512",
    "technology.node=7,5,3",
    "model.bits=2,3,4",
    "model.group=32,64,128",
    "lunit.style=parallel,serial",
};
enum { N_USUAL = sizeof usual / sizeof *usual };

/* ---- making the space ---- */

static int add_set(space *s, const roma_explore_config *c, bool has_model_keys, roma_error *err) {
    char name[ROMA_EXPLORE_NAME];
    for (size_t i = 0; i < c->n_set; i++) {
        knob *k = &s->knobs[s->n_knobs];
        int rc = roma_explore_knob(k, c->set[i], has_model_keys, err);
        if (rc) return rc;
        if (s->given[k->key])
            return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE, "%s is set twice",
                             roma_explore_key_name(k->key, name));
        s->given[k->key] = true;
        s->n_knobs++;
    }
    return ROMA_OK;
}

/* Rows of the mesh that were asked for decide how many matrix units there are. */
static bool is_wanted(const space *s, unsigned key, bool rows_given) {
    return !s->given[key] && !(rows_given && key == ROMA_CHIP_matrix_units);
}

static int add_usual(space *s, bool has_model_keys, roma_error *err) {
    const bool rows_given = s->given[ROMA_CHIP_grid_rows];
    s->streams_follow = !s->given[ROMA_CHIP_streams];
    for (size_t i = 0; i < N_USUAL; i++) {
        if (!has_model_keys && strncmp(usual[i], "model.", 6) == 0) continue;
        knob *k = &s->knobs[s->n_knobs];
        int rc = roma_explore_knob(k, usual[i], true, err);
        if (rc) return rc;
        if (!is_wanted(s, k->key, rows_given)) continue;
        s->given[k->key] = true;
        s->n_knobs++;
    }
    return ROMA_OK;
}

/* What follows from the placement unless it was given. */
static const struct {
    unsigned key;
    size_t need; /* a member of the placement */
} sizes[] = {
    {ROMA_CHIP_lunit_words, offsetof(roma_placement, rom_words)},
    {ROMA_CHIP_scale_words, offsetof(roma_placement, scale_words)},
    {ROMA_CHIP_scale_bits, offsetof(roma_placement, scale_bits)},
    {ROMA_CHIP_buffer_inputs, offsetof(roma_placement, buffer_inputs)},
    {ROMA_CHIP_vector_rom_words, offsetof(roma_placement, vector_words)},
};
enum { N_SIZES = sizeof sizes / sizeof *sizes };

static void find_derived(space *s) {
    static const unsigned grid[] = {ROMA_CHIP_grid_rows, ROMA_CHIP_grid_columns, ROMA_CHIP_matrix_units,
                                    ROMA_CHIP_vector_units};
    for (size_t i = 0; i < 4; i++) s->grid_follows |= s->given[grid[i]];
    for (size_t i = 0; i < 4 && s->grid_follows; i++) s->derived[grid[i]] = !s->given[grid[i]];
    for (size_t i = 0; i < N_SIZES; i++) s->derived[sizes[i].key] = !s->given[sizes[i].key];
    s->derived[ROMA_CHIP_rom_macro_words] = !s->given[ROMA_CHIP_rom_macro_words];
    s->derived[ROMA_CHIP_sram_depth] = (s->given[ROMA_CHIP_hunit_sram_bytes] || s->given[ROMA_CHIP_hunit_bandwidth]) &&
                                       !s->given[ROMA_CHIP_sram_depth];
    s->derived[ROMA_CHIP_wafer_usd] = s->given[ROMA_CHIP_node_nm] && !s->given[ROMA_CHIP_wafer_usd];
}

static unsigned next_prime(unsigned p) {
    for (bool prime = false; !prime;) {
        prime = true;
        p++;
        for (unsigned d = 2; d * d <= p && prime; d++) prime = p % d != 0;
    }
    return p;
}

int roma_explore_space(space *s, const roma_chip *base, const double own[3], const roma_explore_config *c,
                       roma_error *err) {
    memset(s, 0, sizeof *s);
    s->base = *base;
    s->seed = c->seed;
    int rc = add_set(s, c, own != NULL, err);
    if (!rc && !c->only) rc = add_usual(s, own != NULL, err);
    if (rc) return rc;
    find_derived(s);
    for (unsigned i = 0; i < ROMA_CHIP_N; i++) s->start[i] = roma_chip_get(base, i);
    for (unsigned i = 0; i < 3 && own; i++) s->start[KEY_BITS + i] = own[i];
    for (unsigned i = 0; i < N_KEYS; i++)
        if (s->given[i] || s->derived[i] || (own && (i == KEY_BITS || i == KEY_GROUP))) s->column[s->n_columns++] = i;
    unsigned p = 1;
    for (size_t i = 0; i < s->n_knobs; i++)
        if (s->knobs[i].n != 1) s->prime[i] = p = next_prime(p);
    return ROMA_OK;
}

/* ---- the sequence: Halton's, each digit permuted at random by (seed, knob, place) ---- */

enum { PRIME_MAX = 1024 }; /* the 107th prime is 587 */

static unsigned permuted(unsigned digit, unsigned base, uint64_t key) {
    uint16_t p[PRIME_MAX];
    for (unsigned i = 0; i < base; i++) p[i] = (uint16_t)i;
    for (unsigned i = base - 1; i > 0; i--) {
        const unsigned j = (unsigned)(roma_random(key, i) % (i + 1));
        const uint16_t t = p[i];
        p[i] = p[j];
        p[j] = t;
    }
    return p[digit];
}

static double radical(uint64_t i, unsigned base, uint64_t key) {
    double u = 0, scale = 1;
    for (uint64_t place = 0; scale > 0x1p-32; place++) {
        scale /= base;
        u += scale * permuted((unsigned)(i % base), base, roma_random(key, place));
        i /= base;
    }
    return u < 1 ? u : 0;
}

void roma_explore_draw(const space *s, uint64_t i, double x[N_KEYS]) {
    memcpy(x, s->start, sizeof s->start);
    for (size_t k = 0; k < s->n_knobs; k++)
        x[s->knobs[k].key] = roma_explore_knob_at(
            &s->knobs[k], s->prime[k] ? radical(i, s->prime[k], roma_random(s->seed, s->prime[k])) : 0);
}

/* ---- what follows ---- */

/* Missing ones of columns x rows = matrix units + vector units, the latter in one row. */
static bool derive_grid(const space *s, double x[N_KEYS]) {
    const double columns = x[ROMA_CHIP_grid_columns];
    if (s->derived[ROMA_CHIP_vector_units]) x[ROMA_CHIP_vector_units] = columns;
    if (!s->derived[ROMA_CHIP_grid_rows]) {
        if (s->derived[ROMA_CHIP_matrix_units])
            x[ROMA_CHIP_matrix_units] = x[ROMA_CHIP_grid_rows] * columns - x[ROMA_CHIP_vector_units];
    } else {
        x[ROMA_CHIP_grid_rows] = (x[ROMA_CHIP_matrix_units] + x[ROMA_CHIP_vector_units]) / columns;
    }
    return x[ROMA_CHIP_matrix_units] >= 1 && floor(x[ROMA_CHIP_grid_rows]) == x[ROMA_CHIP_grid_rows] &&
           x[ROMA_CHIP_grid_rows] * columns == x[ROMA_CHIP_matrix_units] + x[ROMA_CHIP_vector_units];
}

/* The base chip's SRAM macros, halved until those of an H-Unit, with a word of 8 bytes a cycle each, give its
 * bandwidth. */
static double sram_depth(const double x[N_KEYS]) {
    const double least = roma_chip_parameter_at(ROMA_CHIP_sram_depth)->min;
    double depth = x[ROMA_CHIP_sram_depth];
    while (8 * ceil(x[ROMA_CHIP_hunit_sram_bytes] / (8 * depth)) < x[ROMA_CHIP_hunit_bandwidth] && depth >= 2 * least)
        depth = floor(depth / 2);
    return depth;
}

bool roma_explore_derive(const space *s, double x[N_KEYS]) {
    if (s->derived[ROMA_CHIP_sram_depth]) x[ROMA_CHIP_sram_depth] = sram_depth(x);
    if (s->streams_follow && s->given[ROMA_CHIP_streams] && x[ROMA_CHIP_overlap] == 0) x[ROMA_CHIP_streams] = 1;
    if (s->derived[ROMA_CHIP_wafer_usd])
        x[ROMA_CHIP_wafer_usd] = floor(
            s->base.wafer_usd * roma_cost_wafer_usd(x[ROMA_CHIP_node_nm]) / roma_cost_wafer_usd(s->base.node_nm) + 0.5);
    return !s->grid_follows || derive_grid(s, x);
}

static bool is_of_macros(double style) {
    return style == ROMA_ROM_SRAM || style == ROMA_ROM_ROM || style == ROMA_ROM_BROM || style == ROMA_ROM_FUSED;
}

void roma_explore_derive_words(const space *s, const roma_placement *p, double x[N_KEYS]) {
    for (size_t i = 0; i < N_SIZES; i++) {
        const uint64_t need = *(const uint64_t *)(const void *)((const char *)p + sizes[i].need);
        const double least = roma_chip_parameter_at(sizes[i].key)->min;
        if (s->derived[sizes[i].key]) x[sizes[i].key] = fmax((double)need, least);
    }
    if (!s->derived[ROMA_CHIP_rom_macro_words]) return;
    const double depth = x[ROMA_CHIP_rom_depth], need = x[ROMA_CHIP_lunit_words];
    x[ROMA_CHIP_rom_macro_words] = is_of_macros(x[ROMA_CHIP_rom_style]) ? ceil(need / depth) * depth : need;
}

void roma_explore_put(const space *s, const double x[N_KEYS], roma_chip *c) {
    *c = s->base;
    for (size_t i = 0; i < s->n_columns; i++)
        if (s->column[i] < ROMA_CHIP_N) roma_chip_put(c, s->column[i], x[s->column[i]]);
}
