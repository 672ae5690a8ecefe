/* A chip in gates as text: what `roma rtl --chip --image` writes, file by file. Part of room rtl. */
#ifndef ROMA_RTL_CHIP_H
#define ROMA_RTL_CHIP_H

#include "net.h"

/* What every file of a chip is made of. */
typedef struct {
    const roma_placement *place;
    const roma_rtl_styles *styles;
    roma_rtl_program program;
    rtl_net net;
    uint32_t *tiles; /* owned: tiles of the matrix units, then of the vector units */
    uint32_t units, vectors, root, kv_heads, head_units; /* head_units: H-Units of a KV head */
    uint32_t far, across, deep, reach, span;
    uint32_t leaf_units, first_record;
} rtl_chip;

/* Bits of a number up to `most`; 1 at least. */
static inline uint32_t bits_for(uint64_t most) {
    uint32_t n = 1;
    while (most >> n) n++;
    return n;
}

/* What tiles have for adapters (docs/program-format.md, "Adapters"); powers of two but for slots and entries. */
typedef struct {
    uint32_t slots, entries; /* adapter slots of the plan; entries of a directory */
    uint32_t scales;         /* words of scale_B in an H-Unit */
    uint32_t columns;        /* of A on a unit, at most */
    uint32_t leaves;         /* sums and leaves of A that reach the root in a cycle, at most */
    uint32_t depth;          /* words of ups that may wait for a product */
} rtl_lora_sizes;
rtl_lora_sizes roma_rtl_lora_sizes(const roma_placement *p);

/* Refuses, by the parameter's or the format's name, what is not built in gates (docs/hardware.md, "What is built").
 * EUNSUPPORTED. */
int roma_rtl_chip_check(const roma_placement *p, roma_error *err);
/* Makes program and network. Errors of roma_rtl_chip_check, roma_rtl_program_make, roma_rtl_net_route. */
int roma_rtl_chip_make(rtl_chip *c, const roma_placement *p, const roma_rtl_styles *styles, const uint8_t base_id[32],
                       roma_error *err);
/* Refuses a chip whose tiles are too far apart, one whose vector units have no room for a step's values, and one whose
 * codes of a block's next row do not come while a row is multiplied. EUNSUPPORTED. */
int roma_rtl_chip_check_ways(const rtl_chip *c, roma_error *err);
int roma_rtl_chip_check_vectors(const rtl_chip *c, roma_error *err);
int roma_rtl_chip_check_rows(const rtl_chip *c, roma_error *err);
void roma_rtl_chip_destroy(rtl_chip *c);

/* Widths of the addresses of an L-Unit's ROM and of a matrix unit's ROM of scales. */
uint32_t roma_rtl_chip_lunit_address(const rtl_chip *c);
uint32_t roma_rtl_chip_scale_address(const rtl_chip *c);
/* Verilog of the memories beside a matrix core and of the L-Units that read them. */
void roma_rtl_chip_lunits(const rtl_chip *c, uint32_t unit, roma_buf *out);
/* How an L-Unit is written that has another style than all; NULL: as all are. */
const struct roma_rtl_other *roma_rtl_chip_other(const rtl_chip *c, uint32_t unit, uint32_t lunit);
/* Verilog of a tile's module and of the top. */
void roma_rtl_chip_tile(const rtl_chip *c, uint32_t tile, roma_buf *out);
void roma_rtl_chip_top(const rtl_chip *c, roma_buf *out);
/* The top beside probes of rtl/cosim, for a simulation. */
void roma_rtl_chip_bench(const rtl_chip *c, roma_buf *out);
/* Statements inside the cores of a kind that plant faults. */
void roma_rtl_chip_faults(const rtl_chip *c, bool is_matrix, roma_buf *out);
/* Lines of the files that $readmemh loads: the program; scales of a matrix unit; vectors and RoPE increments of a
 * vector unit. */
void roma_rtl_chip_program(const rtl_chip *c, roma_buf *out);
void roma_rtl_chip_scales(const rtl_chip *c, uint32_t unit, roma_buf *out);
void roma_rtl_chip_vectors(const rtl_chip *c, uint32_t unit, roma_buf *out);
void roma_rtl_chip_increments(const rtl_chip *c, uint32_t unit, roma_buf *out);
/* All words of an L-Unit. */
typedef struct {
    const rtl_chip *chip;
    uint32_t unit, lunit;
} rtl_chip_lunit;
roma_rtl_words roma_rtl_chip_lunit_words(const rtl_chip_lunit *l);

/* Signatures of the self-test (docs/program-format.md): those of a matrix unit, lunits of them. */
void roma_rtl_chip_signatures(const rtl_chip *c, uint32_t unit, uint32_t *out);

#endif
