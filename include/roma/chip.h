/* chip - the chip description: one parameter table makes the struct, the parser, the checks and the printed page.
 *
 * A .chip file is lines `key = value  # quality: source`, with `;` comment lines. A number without a quality and a source
 * is an error. Qualities: stated (by the paper), derived (arithmetic that closes), assumed (free: chosen by us).
 */
#ifndef ROMA_CHIP_H
#define ROMA_CHIP_H

#include "roma/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* field, key, unit, min, max, sentence. Every value is a finite double; counts are whole (unit "1"). */
#define ROMA_CHIP_PARAMETERS(X)                                                                                     \
    X(node_nm, "technology.node", "nm", 1, 1000, "process node")                                                   \
    X(clock_hz, "clock.frequency", "Hz", 1e6, 1e11, "clock of every unit")                                          \
    X(matrix_units, "grid.matrix_units", "1", 1, 65536, "matrix units, each of L-Units and one H-Unit")             \
    X(vector_units, "grid.vector_units", "1", 1, 65536, "vector units")                                             \
    X(grid_rows, "grid.rows", "1", 1, 1024, "rows of the mesh")                                                     \
    X(grid_columns, "grid.columns", "1", 1, 1024, "columns of the mesh")                                            \
    X(lunits, "lunit.per_matrix_unit", "1", 1, 65536, "L-Units of a matrix unit")                                   \
    X(word_bits, "lunit.word", "bit", 8, 4096, "ROM word an L-Unit reads per cycle")                                \
    X(lunit_words, "lunit.words", "1", 1, 1e9, "ROM words of an L-Unit")                                            \
    X(hunit_sram_bytes, "hunit.sram", "B", 1, 1e12, "SRAM of an H-Unit, for adapters and cache")                    \
    X(hunit_mac, "hunit.mac", "MAC/cycle", 1, 1e6, "multiply-adds of an H-Unit per cycle")                          \
    X(hunit_bandwidth, "hunit.bandwidth", "B/cycle", 1, 1e6, "bytes an H-Unit reads from its SRAM per cycle")       \
    X(vector_sram_bytes, "vector.sram", "B", 1, 1e12, "SRAM of a vector unit")                                      \
    X(cache_granularity, "cache.granularity", "1", 1, 65536, "positions that the cache grows by")                   \
    X(area_mm2, "chip.area", "mm2", 1e-3, 1e6, "die area")                                                          \
    X(power_w, "chip.power", "W", 1e-6, 1e6, "power while decoding")                                                \
    X(lunit_area_um2, "lunit.area", "um2", 1, 1e9, "area of an L-Unit, ROM and compute in the fused cell")          \
    X(rom_bytes, "chip.rom", "B", 1, 1e15, "ROM of the chip")

typedef enum { ROMA_CHIP_STATED, ROMA_CHIP_DERIVED, ROMA_CHIP_ASSUMED } roma_chip_quality;
typedef struct {
    roma_chip_quality quality;
    char text[160];
} roma_chip_source;

typedef struct {
    char name[64];
#define X(field, key, unit, min, max, help) double field;
    ROMA_CHIP_PARAMETERS(X)
#undef X
#define X(field, key, unit, min, max, help) roma_chip_source field##_source;
    ROMA_CHIP_PARAMETERS(X)
#undef X
} roma_chip;

/* Reads a .chip file; every parameter must occur exactly once. Errors name the line. */
int roma_chip_load(roma_chip *c, const char *path, roma_error *err);
int roma_chip_read(roma_chip *c, const char *text, size_t len, const char *file, roma_error *err);
/* Table of keys, values, units and sources; or one JSON object. */
void roma_chip_print(const roma_chip *c, roma_buf *out, bool json);
/* The paper's chip, compiled in, equal to chips/roma.chip. */
const char *roma_chip_default(void);

#ifdef __cplusplus
}
#endif
#endif
