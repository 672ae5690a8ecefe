/* rtl - from an image on a chip to hardware: what a ROM holds, as Verilog and as a list of words, and a second reader
 * that holds the written files against the image.
 *
 * A ROM is a module `roma_rom(input clk, input [A-1:0] addr, output [W-1:0] word)` whose word comes one cycle after the
 * address; docs/rom-emission.md has the files of each style. Its words are those of docs/placement.md: W is 4 bits for
 * each of lunit.lanes lanes, a row group is lanes / 8 rows. Threads: every function is re-entrant; nothing is kept. */
#ifndef ROMA_RTL_H
#define ROMA_RTL_H

#include "roma/adapter.h"
#include "roma/place.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- styles --------------------------------------------------------------------------------------- */

/* How a ROM is written: an array that the simulator loads from rom.hex, a case of literals (logic), the paper's B-ROM:
 * for each group of four addresses and each bit a device selects one of sixteen candidate lines; and fused: a B-ROM and
 * the L-Unit that reads it in one block, roma_fused. */
#define ROMA_RTL_STYLES(X) X(ARRAY, "array") X(CASE, "case") X(BROM, "brom") X(FUSED, "fused")
typedef enum {
#define X(name, text) ROMA_RTL_##name,
    ROMA_RTL_STYLES(X)
#undef X
} roma_rtl_style;
/* Word for a style, static. */
const char *roma_rtl_style_name(roma_rtl_style style);
/* The style of a word: EUSAGE for one that is none. */
int roma_rtl_style_find(const char *name, roma_rtl_style *style, roma_error *err);
/* The style of a chip's rom.style: EUNSUPPORTED for a chip whose weights lie in no such ROM. */
int roma_rtl_style_of(const roma_chip *chip, roma_rtl_style *style, roma_error *err);

/* ---- which words ------------------------------------------------------------------------------------ */

enum { ROMA_RTL_WORD_PIECES = 16 }; /* of 32 bits, in the widest word */
#define ROMA_RTL_WORDS_MAX (UINT64_C(1) << 30)

/* Words to write, whatever they are: `word` fills width / 32 pieces, the lowest bits first. */
typedef struct {
    uint32_t width;     /* bits: a multiple of 32, up to 32 * ROMA_RTL_WORD_PIECES */
    uint32_t lane_bits; /* of a code: 2, 4 or 8; 0: a port says it. Style fused alone asks */
    uint64_t words;     /* 1 to ROMA_RTL_WORDS_MAX */
    const char *name;   /* of the module and, of an array, of its file; NULL: roma_rom and rom.hex */
    const void *ctx;
    void (*word)(const void *ctx, uint64_t address, uint32_t *out);
    uint32_t latency; /* of the L-Unit behind the word, 0: 2; style fused alone asks */
} roma_rtl_words;

/* A piece of a matrix that becomes one ROM: row groups from row `first` on, in each the words k of a row with k mod
 * lunits = lunit, ascending. Rows beyond `last` or the matrix, and words beyond a row, are zero. */
typedef struct {
    const roma_placement *place; /* borrowed; its description has weights */
    size_t tensor;               /* the one that has the data: a tied tensor's table */
    uint64_t first, last;        /* rows, both counted */
    bool placed;                 /* of one placed L-Unit; else the rows as on a chip with one unit of one L-Unit */
    uint32_t unit, lunit, units, lunits;
    uint64_t address; /* placed: of its first word in the L-Unit */
} roma_rtl_part;
/* Rows [first, last] of a tensor. EUSAGE for a vector, for rows that are not there, more words than a ROM may have, and
 * a tensor that the chip has nowhere. */
int roma_rtl_part_rows(roma_rtl_part *part, const roma_placement *p, size_t tensor, uint64_t first, uint64_t last,
                       roma_error *err);
/* All codes that L-Unit `lunit` of matrix unit `unit` has of a tensor; scales in the same L-Unit are left out. Errors
 * as above, and EUSAGE for a unit that is not there. */
int roma_rtl_part_lunit(roma_rtl_part *part, const roma_placement *p, size_t tensor, uint32_t unit, uint32_t lunit,
                        roma_error *err);
/* The words of a part, which must stay where it is. */
roma_rtl_words roma_rtl_part_words(const roma_rtl_part *part);

/* ---- writing ---------------------------------------------------------------------------------------- */

/* What was written. */
typedef struct {
    roma_rtl_style style;
    uint32_t width, address_bits; /* W and A */
    uint64_t words;
    uint64_t ones;    /* bits that are 1: transistors of a plain mask ROM */
    uint64_t devices; /* select devices of a B-ROM: (group, bit) pairs that are not four zeros; else 0 */
    uint32_t lines;   /* candidate lines that a B-ROM's devices select; else 0 */
} roma_rtl_counts;

/* Where text goes: 0, or an error that ends the writing. */
typedef struct {
    int (*write)(void *ctx, const void *text, size_t n, roma_error *err);
    void *ctx;
} roma_rtl_sink;
/* Writes rom.v, and of an array rom.hex too (hex NULL: not). ENOMEM, ECANCEL when progress says so, errors of the sink.
 */
int roma_rtl_verilog(const roma_rtl_words *w, roma_rtl_style style, const roma_rtl_sink *v, const roma_rtl_sink *hex,
                     const roma_progress *progress, roma_rtl_counts *out, roma_error *err);
/* Writes a part as a folder: rom.v, rom.hex of an array, manifest.json; whole or not at all (roma_outdir). sha256: the
 * image's. Errors of roma_rtl_verilog and roma_outdir. */
int roma_rtl_emit(const char *folder, const roma_rtl_part *part, roma_rtl_style style, const uint8_t sha256[32],
                  const roma_progress *progress, roma_rtl_counts *out, roma_error *err);
/* Names of the files of a style, NULL behind the last; static. */
const char *const *roma_rtl_files(roma_rtl_style style);

/* ---- the program ------------------------------------------------------------------------------------ */

/* A program: words of docs/program-format.md. */
typedef struct {
    uint64_t *word; /* owned; roma_rtl_program_destroy */
    size_t words;
    uint32_t values, formats, records;
    uint32_t value_words, code_words; /* addresses that the values take of a vector unit's two memories */
} roma_rtl_program;
/* Writes the program of a plan where its placement has it, with room for `rows` rows a step. base_id: the image's.
 * EUNSUPPORTED, by name, for what no field holds; ENOMEM. */
int roma_rtl_program_make(roma_rtl_program *out, const roma_placement *p, uint32_t rows, const uint8_t base_id[32],
                          roma_error *err);
void roma_rtl_program_destroy(roma_rtl_program *p);

/* ---- a whole chip ------------------------------------------------------------------------------------- */

/* How the L-Units of a chip are written: their ROMs in one style, and some in another. is_netlist: a module
 * lunit_UNIT_LUNIT with the ports of roma_lunit takes the L-Unit's place; its file is the caller's. */
enum { ROMA_RTL_OTHERS_MAX = 64 };
typedef struct {
    roma_rtl_style style;
    struct roma_rtl_other {
        uint32_t unit, lunit;
        roma_rtl_style style;
        bool is_netlist;
    } other[ROMA_RTL_OTHERS_MAX];
    size_t others;
} roma_rtl_styles;
/* Reads words with commas between: a style, which is that of all; UNIT.LUNIT=STYLE or UNIT.LUNIT=netlist, of one
 * L-Unit. What no word says stays. EUSAGE. */
int roma_rtl_styles_read(roma_rtl_styles *styles, const char *text, roma_error *err);

/* Writes a chip as a folder: roma_chip.v, a file for each tile, the ROMs of all L-Units in styles, and what memories
 * hold (docs/program-format.md); whole or not at all. What is not built in gates is refused by name: EUNSUPPORTED.
 * EUSAGE for a style of an L-Unit that is not there. Errors of roma_outdir, ENOMEM, ECANCEL. *counts, which may be
 * NULL: sums over all ROMs, the style being that of most. */
int roma_rtl_chip_emit(const char *folder, const roma_placement *p, const roma_rtl_styles *styles,
                       const uint8_t base_id[32], const uint8_t sha256[32], const roma_progress *progress,
                       roma_rtl_counts *counts, roma_error *err);

/* ---- adapters on a chip in gates ------------------------------------------------------------------------ */

enum {
    ROMA_RTL_PLACES = 2,             /* adapters of a set that ride together */
    ROMA_RTL_RANK_MAX = 32,          /* of an adapter, on any matrix */
    ROMA_RTL_RESIDENT = 4,           /* adapters that are on the chip at the same time */
    ROMA_RTL_ALL_UNITS = 0xffff,     /* unit of a write that every H-Unit takes */
    ROMA_RTL_THE_ROOT = 0xfffe,      /* unit of a write that the root alone takes */
    ROMA_RTL_STEP_WORDS_MAX = 2 * 16 /* words of a step that name its adapters */
};
/* A word that the host writes while no adapter that the write concerns is at work: host_what 2, host_address {unit 16,
 * address 32}, host_data (docs/program-format.md, "Adapters"). */
typedef struct {
    uint16_t unit;
    uint32_t address;
    uint64_t data;
} roma_rtl_write;
/* A word of a step: host_what 0, host_address `index`. */
typedef struct {
    uint8_t index;
    uint64_t data;
} roma_rtl_step_word;

/* What a chip's H-Units have of adapters. Made by roma_rtl_lora_init, ended by roma_rtl_lora_destroy; one thread. */
typedef struct {
    const roma_placement *place; /* borrowed */
    uint32_t *op;                /* [slots], owned: the LINEAR of each adapter slot of the plan */
    uint32_t slots;
    uint32_t top;                               /* first byte of every H-Unit's SRAM that adapters have */
    uint32_t next_scale;                        /* of scales of B, in words of an H-Unit's own memory of them */
    uint32_t resident;                          /* adapters that were loaded */
    const roma_adapter *has[ROMA_RTL_RESIDENT]; /* borrowed */
    uint16_t rank[ROMA_RTL_RESIDENT];           /* the largest, rounded up to 16 */
} roma_rtl_lora;
/* An empty chip. EUNSUPPORTED, by the parameter's name, for a chip whose H-Units take no adapters; ENOMEM. */
int roma_rtl_lora_init(roma_rtl_lora *l, const roma_placement *p, roma_error *err);
void roma_rtl_lora_destroy(roma_rtl_lora *l);
/* Gives an adapter that passed roma_adapter_check a place, from the end of every H-Unit's SRAM down, and says what the
 * host writes: *writes is the caller's, ended by roma_free. *number names the adapter in roma_rtl_lora_step. The
 * adapter must stay open. EUNSUPPORTED: codes of B other than int8, a rank above ROMA_RTL_RANK_MAX; EINPUT: more
 * adapters than ROMA_RTL_RESIDENT, no room in the SRAM; ENOMEM. */
int roma_rtl_lora_load(roma_rtl_lora *l, const roma_adapter *a, uint32_t *number, roma_rtl_write **writes, size_t *n,
                       roma_error *err);
/* What a step with n adapters (by number, in the order of the set, with their factors) has beside its rows: bits for
 * word 0, and *words words (at most ROMA_RTL_STEP_WORDS_MAX) in out. n 0: none, and word 0 has no such bits.
 * EUNSUPPORTED for more than ROMA_RTL_PLACES adapters. */
int roma_rtl_lora_step(const roma_rtl_lora *l, const uint32_t *number, const float *factor, size_t n, uint64_t *word0,
                       roma_rtl_step_word *out, size_t *words, roma_error *err);

/* A fault that the bench of a chip can plant in one unit (docs/hardware.md): a signal is held at a value, or bits of a
 * memory's word are turned. Texts are static. */
typedef struct {
    const char *name, *what; /* what: a sentence without its point */
    bool is_matrix;          /* of a matrix unit, else of a vector unit */
    bool is_turned;
    uint32_t unit;
    const char *signal, *value; /* Verilog: below the unit's tile; held, or turned */
} roma_rtl_fault;
/* The i-th fault; NULL past the last. */
const roma_rtl_fault *roma_rtl_fault_at(unsigned i);
/* Whether a fault that lies in a unit can be planted where L-Units have such styles: it turns bits of arrays alone.
 * NULL: all are arrays. */
bool roma_rtl_fault_fits(const roma_rtl_fault *f, uint32_t unit, const roma_rtl_styles *styles);

/* ---- the second reader -------------------------------------------------------------------------------- */

/* Written files in memory, the caller's; size 0: there is none. */
typedef struct {
    const char *manifest, *verilog, *hex;
    size_t manifest_bytes, verilog_bytes, hex_bytes;
} roma_rtl_texts;
/* What was read: counts by the reader's own count. differs: the files are not the image's, address says at which word,
 * or is ROMA_NOWHERE where no word is concerned. */
typedef struct {
    roma_rtl_counts counts;
    bool differs;
    uint64_t address;
} roma_rtl_report;
/* Reads the files again, by docs/rom-emission.md and without anything that wrote them, and holds every word against the
 * image, padding against zero, and what the manifest says against both. EDAMAGED with differs: the files say something
 * else than the image, and err says where. EINPUT: no manifest of a ROM; EUNSUPPORTED; ENOMEM; ECANCEL. */
int roma_rtl_check(const roma_rtl_texts *t, const roma_image *image, const roma_progress *progress,
                   roma_rtl_report *out, roma_error *err);
/* The same of a folder; errors of roma_map_open too. */
int roma_rtl_verify(const char *folder, const roma_image *image, const roma_progress *progress, roma_rtl_report *out,
                    roma_error *err);

#ifdef __cplusplus
}
#endif
#endif
