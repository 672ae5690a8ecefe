/* Relations between parameters that hold for every chip. */
#include "chip/internal.h"

#include <math.h>
#include <string.h>

typedef struct {
    const roma_chip *c;
    const uint64_t *lines;
    const char *file;
    roma_error *err;
} checker;

/* A relation of parameters a and b does not hold. The later of their lines is the one that was written with the other
 * in sight. */
static int broken(const checker *k, unsigned a, unsigned b, const char *fmt, ...) __attribute__((format(printf, 4, 5)));
static int broken(const checker *k, unsigned a, unsigned b, const char *fmt, ...) {
    char text[sizeof(((roma_error *)0)->text)];
    uint64_t line = 0;
    if (k->lines) line = k->lines[a] > k->lines[b] ? k->lines[a] : k->lines[b];
    ROMA_PRINT_ARGS(text, fmt);
    return roma_fail_line(k->err, ROMA_EINPUT, k->file, line, "%s", text);
}

/* The one of n parameters that was given last. */
static unsigned latest(const checker *k, const unsigned *involved, size_t n) {
    unsigned last = involved[0];
    for (size_t i = 1; i < n && k->lines; i++)
        if (k->lines[involved[i]] > k->lines[last]) last = involved[i];
    return last;
}

static int check_parameter(const checker *k, unsigned i) {
    const roma_chip_parameter *p = roma_chip_parameter_at(i);
    const double v = roma_chip_get(k->c, i), low = k->c->mark[i].low, high = k->c->mark[i].high;
    char key[ROMA_CHIP_KEY];
    roma_chip_name_of(i, key);
    if (!(v >= p->min && v <= p->max))
        return broken(k, i, i, "%s is %.10g, it must lie in %.10g to %.10g", key, v, p->min, p->max);
    if (!(low <= v && v <= high))
        return broken(k, i, i, "%s is %.10g, outside its range %.10g to %.10g", key, v, low, high);
    if (!(low >= p->min && high <= p->max))
        return broken(k, i, i, "%s has the range %.10g to %.10g, beyond what is possible, %.10g to %.10g", key, low,
                      high, p->min, p->max);
    if (roma_chip_is_whole(i) && v != (double)(int64_t)v)
        return broken(k, i, i, "%s is %.10g, it must be a whole number", key, v);
    if (roma_chip_is_power(i) && !roma_chip_power(v))
        return broken(k, i, i, "%s is %.10g, it must be a power of two from %.10g to %.10g", key, v, p->min, p->max);
    return ROMA_OK;
}

/* Value a must not be above value b. */
static int ordered(const checker *k, unsigned a, unsigned b, const char *why) {
    const double x = roma_chip_get(k->c, a), y = roma_chip_get(k->c, b);
    char first[ROMA_CHIP_KEY], second[ROMA_CHIP_KEY];
    if (x <= y) return ROMA_OK;
    return broken(k, a, b, "%s is %.10g, above %s, which is %.10g: %s", roma_chip_name_of(a, first), x,
                  roma_chip_name_of(b, second), y, why);
}

static int check_grid(const checker *k) {
    const roma_chip *c = k->c;
    static const unsigned involved[] = {ROMA_CHIP_grid_rows, ROMA_CHIP_grid_columns, ROMA_CHIP_matrix_units,
                                        ROMA_CHIP_vector_units};
    if (c->grid_rows * c->grid_columns == c->matrix_units + c->vector_units) return ROMA_OK;
    const unsigned last = latest(k, involved, 4);
    return broken(
        k, last, last,
        "grid.rows x grid.columns is %.10g x %.10g = %.10g, but matrix_units + vector_units is %.10g + %.10g = %.10g",
        c->grid_rows, c->grid_columns, c->grid_rows * c->grid_columns, c->matrix_units, c->vector_units,
        c->matrix_units + c->vector_units);
}

static int check_storage(const checker *k) {
    const roma_chip *c = k->c;
    const double granule = c->granularity * c->kv_bytes;
    if (c->rom_style != ROMA_ROM_DRAM && c->rom_macro_words < c->lunit_words)
        return broken(k, ROMA_CHIP_rom_macro_words, ROMA_CHIP_lunit_words,
                      "rom.macro_words is %.10g, fewer than the %.10g of lunit.words, which must fit in it",
                      c->rom_macro_words, c->lunit_words);
    if (c->rom_style != ROMA_ROM_DRAM && c->rom_depth > c->rom_macro_words)
        return broken(k, ROMA_CHIP_rom_depth, ROMA_CHIP_rom_macro_words,
                      "rom.depth is %.10g, deeper than all that an L-Unit stores, the %.10g words of rom.macro_words",
                      c->rom_depth, c->rom_macro_words);
    if (c->rom_style == ROMA_ROM_DRAM && !(c->dram_bandwidth > 0))
        return broken(k, ROMA_CHIP_rom_style, ROMA_CHIP_dram_bandwidth,
                      "rom.style is dram, but dram.bandwidth is %.10g: such a chip streams its model from there",
                      c->dram_bandwidth);
    if (c->hunit_sram_bytes < granule)
        return broken(k, ROMA_CHIP_hunit_sram_bytes, ROMA_CHIP_granularity,
                      "hunit.sram is %.10g B, less than the %.10g B of one granule of the cache (cache.granularity x "
                      "cache.element)",
                      c->hunit_sram_bytes, granule);
    return ROMA_OK;
}

/* The SRAM of an H-Unit is macros of words of 64 bits, each of which gives one word a cycle. */
static int check_ports(const checker *k) {
    const roma_chip *c = k->c;
    const double macro = 8 * c->sram_depth, macros = ceil(c->hunit_sram_bytes / macro);
    if (c->hunit_bandwidth <= 8 * macros) return ROMA_OK;
    static const unsigned involved[] = {ROMA_CHIP_hunit_bandwidth, ROMA_CHIP_hunit_sram_bytes, ROMA_CHIP_sram_depth};
    const unsigned last = latest(k, involved, 3);
    return broken(k, last, last,
                  "hunit.bandwidth is %.10g B a cycle, but hunit.sram in macros of memory.sram_depth = %.10g words of "
                  "8 B is %.10g of them, which give %.10g",
                  c->hunit_bandwidth, c->sram_depth, macros, 8 * macros);
}

/* Levels have 8 bits, or the 10 of the finer table. */
static int check_table(const checker *k) {
    const double bits = k->c->table_bits;
    if (bits == 8 || bits == 10) return ROMA_OK;
    return broken(k, ROMA_CHIP_table_bits, ROMA_CHIP_table_bits, "lunit.table_bits is %.10g, it must be 8 or 10", bits);
}

static int check_nodes(const checker *k) {
    static const unsigned nodes[] = {ROMA_CHIP_node_nm, ROMA_CHIP_constants_nm};
    for (unsigned n = 0; n < 2; n++) {
        const double v = roma_chip_get(k->c, nodes[n]);
        char key[ROMA_CHIP_KEY];
        if (!(v >= 2 && v <= 130))
            return broken(k, nodes[n], nodes[n], "%s is %.10g nm, outside the table of nodes, 2 to 130 nm",
                          roma_chip_name_of(nodes[n], key), v);
    }
    return ROMA_OK;
}

int roma_chip_check_lines(const roma_chip *c, const uint64_t *lines, const char *file, roma_error *err) {
    const checker k = {c, lines, file, err};
    static const char deeper[] = "a deeper macro is not less dense",
                      within[] = "supplies go from the lowest over the nominal to the highest";
    static const unsigned chains[][2] = {
        {ROMA_CHIP_rom_1k, ROMA_CHIP_rom_2k},   {ROMA_CHIP_rom_2k, ROMA_CHIP_rom_4k},
        {ROMA_CHIP_rom_4k, ROMA_CHIP_rom_8k},   {ROMA_CHIP_sram_1k, ROMA_CHIP_sram_2k},
        {ROMA_CHIP_sram_2k, ROMA_CHIP_sram_4k}, {ROMA_CHIP_sram_4k, ROMA_CHIP_sram_8k},
    };
    int rc = ROMA_OK;
    for (unsigned i = 0; !rc && i < ROMA_CHIP_N; i++) rc = check_parameter(&k, i);
    if (!rc) rc = ordered(&k, ROMA_CHIP_supply_least_v, ROMA_CHIP_supply_v, within);
    if (!rc) rc = ordered(&k, ROMA_CHIP_supply_v, ROMA_CHIP_supply_most_v, within);
    if (!rc)
        rc = ordered(&k, ROMA_CHIP_supply_threshold_v, ROMA_CHIP_supply_least_v, "transistors below it do not switch");
    if (!rc) rc = check_nodes(&k);
    if (!rc) rc = check_grid(&k);
    if (!rc) rc = check_storage(&k);
    if (!rc) rc = check_ports(&k);
    if (!rc) rc = check_table(&k);
    for (unsigned i = 0; !rc && i < sizeof chains / sizeof *chains; i++)
        rc = ordered(&k, chains[i][0], chains[i][1], deeper);
    if (!rc)
        rc = ordered(&k, ROMA_CHIP_block_rows, ROMA_CHIP_chunk_rows, "an operation takes no more rows than a step has");
    return rc;
}

int roma_chip_check(const roma_chip *c, const char *file, roma_error *err) {
    return roma_chip_check_lines(c, NULL, file, err);
}
