/* chip - the chip description: one parameter table makes the structure, the parser, the checks and the printed page.
 *
 * A .chip file has sections and lines
 *      [section]
 *      key = value [low .. high]  # quality: source
 * with `;` comment lines. `[exact]` in place of a range says that the number has none. `like = NAME` as the first
 * statement takes every parameter that the file does not give from another chip. A number without range, quality or
 * source is an error. Qualities: stated (by the paper), derived (arithmetic that closes), calibrated (fitted to a
 * number of the paper), assumed (free: chosen by us), measured (by us, with a command). docs/chip-format.md has the
 * grammar.
 *
 * A roma_chip is plain memory of its caller: it owns nothing, and may be copied. Threads: functions are re-entrant.
 * Indices i of parameters are below ROMA_CHIP_N. */
#ifndef ROMA_CHIP_H
#define ROMA_CHIP_H

#include "roma/json.h"

#ifdef __cplusplus
extern "C" {
#endif

/* field, section, key, unit, min, max, sentence. Every value is a finite double. Unit "1" is a whole number, unit "2^n"
 * a power of two, whose range is clipped to such; a unit with `|` is a choice among names, stored as their index.
 * docs/cost-model.md has the formula each one enters. */
#define ROMA_CHIP_PARAMETERS(X)                                                                                        \
    X(node_nm, "technology", "node", "nm", 1, 1000, "process node the chip is built in")                               \
    X(constants_nm, "technology", "constants_node", "nm", 1, 1000,                                                     \
      "node that the areas and energies below are given for")                                                          \
    X(placement, "technology", "placement", "share", 0.1, 1, "share of a placed block that its logic cells cover")     \
    X(logic_rom_um2, "technology", "logic_rom", "um2", 1e-4, 100,                                                      \
      "logic ROM: cell area per bit x log2(bits of a block)")                                                          \
    X(clock_hz, "clock", "frequency", "Hz", 1e6, 1e11, "clock of every unit")                                          \
    X(grid_rows, "grid", "rows", "1", 1, 1024, "rows of the mesh, the vector units' row included")                     \
    X(grid_columns, "grid", "columns", "1", 1, 1024, "columns of the mesh")                                            \
    X(matrix_units, "grid", "matrix_units", "1", 1, 65536, "matrix units, each of L-Units and one H-Unit")             \
    X(vector_units, "grid", "vector_units", "1", 1, 65536, "vector units")                                             \
    X(lunits, "lunit", "per_matrix_unit", "2^n", 1, 65536, "L-Units of a matrix unit")                                 \
    X(lanes, "lunit", "lanes", "2^n", 8, 128,                                                                          \
      "4-bit multiply-adds of an L-Unit per cycle; its ROM word is 4 bits a lane")                                     \
    X(lunit_words, "lunit", "words", "1", 1, 1e9, "ROM words of an L-Unit")                                            \
    X(lunit_pipeline, "lunit", "pipeline", "cycle", 0, 1000, "ROM read to sum of a word")                              \
    X(lunit_style, "lunit", "style", "parallel|serial", 0, 1,                                                          \
      "a lane multiplies whole codes, or a bit of them a cycle")                                                       \
    X(word_cycles, "lunit", "word_cycles", "1", 1, 64,                                                                 \
      "cycles that a bit-serial L-Unit takes for a word; a parallel one takes 1")                                      \
    X(lane_um2, "lunit", "lane_area", "um2", 0, 1e6, "cells of one 4-bit lane with its share of adders and registers") \
    X(serial_um2, "lunit", "serial_area", "um2", 0, 1e6, "the same of a lane of the serial style")                     \
    X(lunit_fixed_um2, "lunit", "fixed_area", "um2", 0, 1e7,                                                           \
      "cells of an L-Unit beside its lanes and ROM: address and control")                                              \
    X(table, "lunit", "table", "off|on", 0, 1, "lanes turn 4-bit codes into levels of a table of 16 (NF4 and others)") \
    X(table_bits, "lunit", "table_bits", "1", 8, 10, "bits of a level of the table")                                   \
    X(table_um2, "lunit", "table_area", "um2", 0, 1e6, "cells of the multiplexer of a lane, per bit of a level")       \
    X(trits, "lunit", "trits", "off|on", 0, 1, "ternary codes are stored five to a byte, and decoded into lanes")      \
    X(trit_um2, "lunit", "trit_area", "um2", 0, 1e6, "cells of the decoder of a byte of a word")                       \
    X(hold, "lunit", "hold", "off|on", 0, 1, "a word that was read is kept for all rows of a block")                   \
    X(buffer_inputs, "lunit", "buffer", "1", 1, 1e9, "inputs whose codes an L-Unit holds")                             \
    X(buffer_um2, "lunit", "buffer_area", "um2", 0, 1e3, "cells of a bit of these buffers and of held sums")           \
    X(merge_um2, "lunit", "merge_area", "um2", 0, 1e6,                                                                 \
      "cells of one sum of the tree that merges neighbouring L-Units")                                                 \
    X(merge_bits, "lunit", "merge_bits", "1", 0, 64, "bits of such a sum, for the wires that it goes over")            \
    X(track_share, "lunit", "track_share", "share", 0, 4, "wiring of the compute part per unit of its device area")    \
    X(leaf_group, "lunit", "leaf_group", "1", 1, 65536, "weight group at which scale products keep up with the lanes") \
    X(leaf_um2, "lunit", "leaf_area", "um2", 0, 1e6, "cells of one leaf: FP32 products and sums of a group")           \
    X(rom_style, "rom", "style", "sram|rom|brom|fused|logic|cell|dram", 0, 6, "how the base model is stored")          \
    X(rom_macro_words, "rom", "macro_words", "1", 1, 1e9,                                                              \
      "words of an L-Unit's storage as laid out, at least lunit.words")                                                \
    X(rom_depth, "rom", "depth", "1", 16, 65536, "words of one ROM macro or logic block")                              \
    X(rom_placement, "rom", "placement", "ratio", 0.1, 10, "area of a placed ROM over its compiled macros")            \
    X(rom_transistors, "rom", "transistors", "ratio", 0, 4, "B-ROM: transistors per bit, the plain ROM having one")    \
    X(rom_tracks, "rom", "tracks", "ratio", 0, 4, "B-ROM: wiring area per bit over the area of a plain ROM bit")       \
    X(rom_zero_bits, "rom", "zero_bits", "share", 0, 1, "share of stored bits that are zero")                          \
    X(cell_um2, "rom", "cell_area", "um2", 1e-6, 100, "cell style: area of a storage cell")                            \
    X(cell_bits, "rom", "cell_bits", "bit", 0.1, 64, "cell style: bits that a cell holds")                             \
    X(cell_efficiency, "rom", "cell_efficiency", "share", 0.01, 1, "cell style: share of the array that is cells")     \
    X(rom_gated, "rom", "gated", "off|on", 0, 1, "ROM banks that are not being read lose their supply")                \
    X(rom_embedding, "rom", "embedding", "outside|inside", 0, 1, "where an untied embedding table lives")              \
    X(patch_words, "rom", "patch_words", "1", 0, 65536, "wrong ROM words a matrix unit can patch without cost")        \
    X(scale_port, "rom", "scale_port", "own|shared|free", 0, 2,                                                        \
      "scales lie in a ROM of their own beside the leaf units, in the L-Units' words, or there and are not read")      \
    X(scale_words, "rom", "scale_words", "1", 0, 1e9, "words of a matrix unit's own ROM of scales")                    \
    X(scale_bits, "rom", "scale_bits", "1", 0, 1e6, "bits of such a word")                                             \
    X(rom_1k, "memory", "rom_1k", "Mbit/mm2", 0.01, 1e5, "ROM macro, 1024 words of 64")                                \
    X(rom_2k, "memory", "rom_2k", "Mbit/mm2", 0.01, 1e5, "ROM macro, 2048 words of 64")                                \
    X(rom_4k, "memory", "rom_4k", "Mbit/mm2", 0.01, 1e5, "ROM macro, 4096 words of 64")                                \
    X(rom_8k, "memory", "rom_8k", "Mbit/mm2", 0.01, 1e5, "ROM macro, 8192 words of 64")                                \
    X(sram_1k, "memory", "sram_1k", "Mbit/mm2", 0.01, 1e5, "SRAM macro, 1024 words of 64")                             \
    X(sram_2k, "memory", "sram_2k", "Mbit/mm2", 0.01, 1e5, "SRAM macro, 2048 words of 64")                             \
    X(sram_4k, "memory", "sram_4k", "Mbit/mm2", 0.01, 1e5, "SRAM macro, 4096 words of 64")                             \
    X(sram_8k, "memory", "sram_8k", "Mbit/mm2", 0.01, 1e5, "SRAM macro, 8192 words of 64")                             \
    X(sram_depth, "memory", "sram_depth", "1", 16, 65536, "words of the SRAM macros of H-Units and vector units")      \
    X(sram_placement, "memory", "sram_placement", "ratio", 0.1, 10,                                                    \
      "area of a base-model SRAM as placed over its macros")                                                           \
    X(hunit_sram_bytes, "hunit", "sram", "B", 1, 1e12, "SRAM of an H-Unit, for adapters and cache")                    \
    X(hunit_pages, "hunit", "pages", "whole|spread", 0, 1,                                                             \
      "a page of the cache lies in one H-Unit, or its positions go round the H-Units of its head")                     \
    X(page_run, "hunit", "page_run", "1", 0, 20, "2^this neighbouring pages lie in one H-Unit")                        \
    X(hunit_mac, "hunit", "mac", "1", 1, 1e6, "multiply-adds of an H-Unit per cycle")                                  \
    X(hunit_bandwidth, "hunit", "bandwidth", "B/cycle", 1, 1e6, "bytes an H-Unit reads from its SRAM per cycle")       \
    X(mac_efficiency, "hunit", "mac_efficiency", "share", 0.01, 1,                                                     \
      "share of the multiply-adds that attention reaches")                                                             \
    X(read_efficiency, "hunit", "read_efficiency", "share", 0.01, 1, "share of the bandwidth that attention reaches")  \
    X(hunit_exp, "hunit", "exp", "1", 1, 65536, "exponentials of an H-Unit per cycle")                                 \
    X(hunit_exp_um2, "hunit", "exp_area", "um2", 0, 1e7, "area of one exponential unit, placed")                       \
    X(lora_share, "hunit", "lora_share", "share", 0.01, 0.9,                                                           \
      "share of an H-Unit that adapters keep where attention overlaps")                                                \
    X(hunit_mac_um2, "hunit", "mac_area", "um2", 0, 1e6, "area of one multiply-add, placed, control included")         \
    X(vector_sram_bytes, "vector", "sram", "B", 1, 1e12, "SRAM of a vector unit")                                      \
    X(vector_rom_words, "vector", "rom_words", "1", 0, 1e9,                                                            \
      "words of a vector unit's ROM of norms, biases and RoPE increments, an FP32 value a lane")                       \
    X(vector_lanes, "vector", "lanes", "1", 1, 65536, "elements of a vector unit per cycle")                           \
    X(vector_lane_um2, "vector", "lane_area", "um2", 0, 1e7, "area of a vector lane, placed")                          \
    X(lat_add, "vector", "add", "cycle", 0, 1000, "latency of an FP32 sum")                                            \
    X(lat_mul, "vector", "mul", "cycle", 0, 1000, "latency of an FP32 product")                                        \
    X(lat_convert, "vector", "convert", "cycle", 0, 1000, "latency of FP32 to integer code or back")                   \
    X(lat_div, "vector", "div", "cycle", 0, 1000, "latency of an FP32 quotient")                                       \
    X(lat_sqrt, "vector", "sqrt", "cycle", 0, 1000, "latency of a square root")                                        \
    X(div_interval, "vector", "div_interval", "cycle", 1, 1000, "cycles between two quotients or roots of a lane")     \
    X(exp_interval, "vector", "exp_interval", "cycle", 1, 1000, "cycles between two exponentials or sines of a lane")  \
    X(hop_cyc, "network", "hop", "cycle", 0, 1000, "cycles of one hop of the mesh, and of one level of a merge tree")  \
    X(link_bytes, "network", "link", "B/cycle", 1, 1e6, "bytes a column of the mesh moves per cycle")                  \
    X(tile_um2, "network", "tile_area", "um2", 0, 1e6,                                                                 \
      "router, wiring, control of a grid tile, per byte a cycle of link")                                              \
    X(other_mm2, "network", "other_area", "mm2", 0, 1e5, "pads, host link, clock and global control")                  \
    X(fill_cyc, "schedule", "fill", "cycle", 0, 1e6,                                                                   \
      "cycles of a layer that stand for every latency; 0: the latencies")                                              \
    X(overlap, "schedule", "attention_overlap", "off|on", 0, 1, "attention may run while L-Units work on other rows")  \
    X(streams, "schedule", "streams", "1", 1, 64, "parts of a step's rows that are interleaved at every attention")    \
    X(block_rows, "schedule", "block_rows", "1", 1, 65536, "rows that an operation takes at a time")                   \
    X(block_spans, "schedule", "block_spans", "1", 1, 65536, "sequences that a block has rows of")                     \
    X(chunk_rows, "schedule", "chunk_rows", "1", 1, 1e6, "rows of a prefill step")                                     \
    X(full_logits, "schedule", "full_logits", "off|on", 0, 1,                                                          \
      "all logits leave the matrix units instead of the running argmax")                                               \
    X(lora_where, "schedule", "lora", "beside|serial", 0, 1,                                                           \
      "adapters run in H-Units beside the base, or in L-Units after it")                                               \
    X(die_split, "schedule", "dies", "pipeline|tensor", 0, 1,                                                          \
      "several dies have layers each, or all of them a part of every matrix and head")                                 \
    X(granularity, "cache", "granularity", "1", 1, 65536, "positions that the cache grows by")                         \
    X(kv_bytes, "cache", "element", "B", 0.25, 8, "bytes of a cached key or value element")                            \
    X(kv_scale_bytes, "cache", "scale", "B", 0, 64, "bytes of scale per position, head and key or value")              \
    X(lora_weight_bytes, "cache", "lora_element", "B", 0.25, 8, "bytes of an adapter weight")                          \
    X(host_bandwidth, "host", "bandwidth", "B/s", 1, 1e15, "host link, which adapters are loaded over")                \
    X(die_bandwidth, "host", "die_bandwidth", "B/s", 1, 1e15, "link between the dies of a layer pipeline")             \
    X(die_latency_s, "host", "die_latency", "s", 0, 1, "latency of that link")                                         \
    X(dram_bandwidth, "dram", "bandwidth", "B/s", 0, 1e15, "DRAM that a dram-style base model is streamed from")       \
    X(dram_efficiency, "dram", "efficiency", "share", 0.01, 1, "share of that bandwidth reached")                      \
    X(dram_hidden, "dram", "hidden", "off|on", 0, 1, "weight update is hidden behind compute")                         \
    X(e_rom_fj, "energy", "rom_bit", "fJ", 0, 1e6, "read of one ROM bit, its share of decoder and bit line")           \
    X(e_logic_rom_fj, "energy", "logic_rom_bit", "fJ", 0, 1e6,                                                         \
      "read of one bit of a logic ROM block of 1024 words, in order")                                                  \
    X(e_mac_fj, "energy", "lane_mac", "fJ", 0, 1e6, "one 4-bit x 8-bit multiply-add with its adder tree")              \
    X(e_buffer_fj, "energy", "buffer_bit", "fJ", 0, 1e6, "one bit of activations into or out of an L-Unit's buffer")   \
    X(e_merge_fj, "energy", "merge_add", "fJ", 0, 1e6, "one sum of the tree that merges neighbouring L-Units")         \
    X(e_leaf_pj, "energy", "leaf", "pJ", 0, 1e6, "one leaf: FP32 products and sum of a group")                         \
    X(e_sram_fj, "energy", "sram_bit", "fJ", 0, 1e7, "read or write of one SRAM bit")                                  \
    X(e_hmac_fj, "energy", "hunit_mac", "fJ", 0, 1e6, "one multiply-add of an H-Unit")                                 \
    X(e_vector_pj, "energy", "vector_op", "pJ", 0, 1e6, "one scalar operation of a vector lane")                       \
    X(e_wire_fj, "energy", "wire", "fJ/bit/mm", 0, 1e6, "moving one bit one millimetre")                               \
    X(e_clock_fj, "energy", "clock", "fJ", 0, 1e9, "clock and control of a lane in a cycle its L-Unit works")          \
    X(e_dram_pj, "energy", "dram_bit", "pJ", 0, 1e6, "read of one DRAM bit")                                           \
    X(e_die_pj, "energy", "die_bit", "pJ", 0, 1e6, "one bit from die to die")                                          \
    X(e_factor, "energy", "factor", "ratio", 0.01, 100, "calibration: measured over modelled dynamic energy")          \
    X(s_logic, "power", "static_logic", "W/mm2", 0, 100, "leakage of logic")                                           \
    X(s_sram, "power", "static_sram", "W/mm2", 0, 100, "leakage of SRAM")                                              \
    X(s_rom, "power", "static_rom", "W/mm2", 0, 100, "leakage of ROM with its periphery, or idle clocking of it")      \
    X(gate_residual, "power", "gate_residual", "share", 0, 1, "share of a leakage that gating leaves")                 \
    X(idle_gated, "power", "idle_gated", "off|on", 0, 1, "the logic of all units loses its supply between tokens")     \
    X(thermal_k_w, "power", "thermal_resistance", "K/W", 0, 1000, "junction to ambient")                               \
    X(ambient_c, "power", "ambient", "C", -60, 150, "ambient temperature")                                             \
    X(supply_nm, "supply", "node", "nm", 1, 1000,                                                                      \
      "node that this section is for; it counts for operating points (sim --dvfs)")                                    \
    X(supply_v, "supply", "nominal", "V", 0.1, 5, "supply that energies, leakages and areas are given at")             \
    X(supply_least_v, "supply", "minimum", "V", 0.1, 5, "lowest supply at which ROM, SRAM and flip-flops work")        \
    X(supply_most_v, "supply", "maximum", "V", 0.1, 5, "highest supply that they last at")                             \
    X(supply_hz, "supply", "clock", "Hz", 1e6, 1e11, "highest clock of the gates at the nominal supply")               \
    X(supply_threshold_v, "supply", "threshold", "V", 0, 4.9, "alpha-power law: threshold of the transistors")         \
    X(supply_alpha, "supply", "alpha", "ratio", 1, 3, "alpha-power law: exponent of the drive current")                \
    X(supply_decade_v, "supply", "leak_decade", "V", 0.05, 1000,                                                       \
      "rise of the supply that makes leakage currents tenfold")                                                        \
    X(defects_cm2, "yield", "defects", "1/cm2", 0, 100, "killer defects per area")                                     \
    X(clustering, "yield", "clustering", "ratio", 0.05, 1e6, "shape of the negative binomial; large is Poisson")       \
    X(repairable, "yield", "repair_success", "share", 0, 1,                                                            \
      "probability that a defect in a memory array can be repaired")                                                   \
    X(repairs, "yield", "repairs", "1", 0, 64, "defects that can be repaired on a die")                                \
    X(wafer_mm, "yield", "wafer_diameter", "mm", 25, 1000, "wafer")                                                    \
    X(wafer_usd, "yield", "wafer_cost", "USD", 0, 1e7, "processed wafer")

enum {
#define X(field, section, key, unit, min, max, help) ROMA_CHIP_##field,
    ROMA_CHIP_PARAMETERS(X)
#undef X
        ROMA_CHIP_N
};
/* Values of the choices rom.style, hunit.pages, rom.scale_port and schedule.dies. */
enum { ROMA_ROM_SRAM, ROMA_ROM_ROM, ROMA_ROM_BROM, ROMA_ROM_FUSED, ROMA_ROM_LOGIC, ROMA_ROM_CELL, ROMA_ROM_DRAM };
enum { ROMA_PAGES_WHOLE, ROMA_PAGES_SPREAD };
enum { ROMA_SCALES_OWN, ROMA_SCALES_SHARED, ROMA_SCALES_FREE };
enum { ROMA_DIES_PIPELINE, ROMA_DIES_TENSOR };

/* How good a number is: name, text. */
#define ROMA_CHIP_QUALITIES(X)                                                                                         \
    X(STATED, "stated")                                                                                                \
    X(DERIVED, "derived")                                                                                              \
    X(CALIBRATED, "calibrated")                                                                                        \
    X(ASSUMED, "assumed")                                                                                              \
    X(MEASURED, "measured")
typedef enum {
#define X(name, text) ROMA_CHIP_##name,
    ROMA_CHIP_QUALITIES(X)
#undef X
} roma_chip_quality;

/* What stands beside a number: its range, quality and source. */
typedef struct {
    double low, high; /* low <= value <= high; equal when exact */
    roma_chip_quality quality;
    char source[240];
} roma_chip_mark;

/* A chip: a member for each parameter, in the parameter's unit, and its mark. */
typedef struct {
    char name[64];   /* the file's or the built-in chip's */
    char title[128]; /* `title = TEXT`, or "" */
#define X(field, section, key, unit, min, max, help) double field;
    ROMA_CHIP_PARAMETERS(X)
#undef X
    roma_chip_mark mark[ROMA_CHIP_N];
} roma_chip;

/* A parameter's row of the table; texts are static. */
typedef struct {
    const char *section, *key, *unit, *help;
    double min, max;
} roma_chip_parameter;
/* The row of parameter i; NULL past the last. */
const roma_chip_parameter *roma_chip_parameter_at(unsigned i);
/* The unit of parameter i, static; "" where it is a plain number or a choice. */
const char *roma_chip_unit(unsigned i);
/* Moves the bounds of a range of parameter i inward to values that the parameter may have: powers of two between the
 * table's bounds for unit "2^n", else the same. *low > *high: there is none. */
void roma_chip_clip(unsigned i, double *low, double *high);
/* Index of the parameter "section.key", or -1. */
int roma_chip_find(const char *name);
/* The value of parameter i. */
double roma_chip_get(const roma_chip *c, unsigned i);
/* Sets the value of parameter i and an exact range; nothing is checked. */
void roma_chip_put(roma_chip *c, unsigned i, double value);

/* Reads len bytes of a .chip file's text, its `like` chip first; every parameter must then have a value. file: its
 * path, beside which `like` looks. EINPUT with the line and a hint; what roma_chip_check refuses; EIO, ENOMEM. */
int roma_chip_read(roma_chip *c, const char *text, size_t len, const char *file, roma_error *err);
/* Opens a chip by name: a file of that path, else the built-in chip of that name; NULL is the built-in "roma". Errors
 * of roma_chip_read; EINPUT for neither, with what may have been meant. */
int roma_chip_open(roma_chip *c, const char *name_or_path, roma_error *err);
/* Overrides a parameter: "section.key=value" with a number or a choice's name, or "value [low .. high]"; exact without
 * a range. The parameter's mark says that it was set. EUSAGE. The parameter alone is checked, since a chip may need
 * several changes before it is consistent again: roma_chip_check follows the last one. */
int roma_chip_set(roma_chip *c, const char *assignment, roma_error *err);
/* Reads one value of parameter i as roma_chip_set does, and checks its range. EUSAGE. */
int roma_chip_parse(unsigned i, const char *text, double *value, roma_error *err);
/* Checks relations between parameters: grid = units, macro words >= words, low <= value <= high, and the like. EINPUT;
 * file is the chip's name in messages. */
int roma_chip_check(const roma_chip *c, const char *file, roma_error *err);

/* Makes draw `number` of a seed: each parameter of c that has a range gets a value out of it, exact, by a triangle
 * whose top is c's own value (docs/cost-model.md 6.1); the others stay. Where in its range a value lies depends on
 * seed, number and the parameter's name alone, so that draws of two chips are paired. Nothing is checked:
 * roma_chip_check says whether the values hold together. */
void roma_chip_draw(roma_chip *out, const roma_chip *c, uint64_t seed, uint64_t number);

/* Appends a table of keys, values, ranges, units, qualities and sources. */
void roma_chip_print(const roma_chip *c, roma_buf *out);
/* Writes members name, title and section.key of every parameter of an object that is open in j. */
void roma_chip_json(const roma_chip *c, roma_json *j);
/* Writes the unit of every parameter that is a number, "" for a plain one, as members "PREFIXsection.key" of an object
 * that is open in j. */
void roma_chip_units(roma_json *j, const char *prefix);
/* Appends a complete .chip file that reads back to the same values. */
void roma_chip_write(const roma_chip *c, roma_buf *out);
/* Appends the parameter table as Markdown: what docs/chip-format.md shows. */
void roma_chip_document(roma_buf *out);

/* Text of the i-th chip that is compiled in, in the order of their names, static, and its name in *name; NULL past the
 * last. */
const char *roma_chip_builtin(unsigned i, const char **name);

/* Bits of a word of an L-Unit's ROM. */
static inline double roma_chip_word_bits(const roma_chip *c) { return 4 * c->lanes; }
/* Cycles that an L-Unit takes for a word. */
static inline double roma_chip_word_cycles(const roma_chip *c) { return c->lunit_style > 0 ? c->word_cycles : 1; }
/* Bytes of SRAM for adapters and cache of all H-Units of a die, and of that in which its vector units hold
 * activations. */
static inline double roma_chip_sram_bytes(const roma_chip *c) { return c->matrix_units * c->hunit_sram_bytes; }
static inline double roma_chip_vector_bytes(const roma_chip *c) { return c->vector_units * c->vector_sram_bytes; }

#ifdef __cplusplus
}
#endif
#endif
