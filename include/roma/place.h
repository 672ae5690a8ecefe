/* place - where a model lies on a chip: which L-Unit holds which word of which matrix, which H-Unit which page of the
 * cache, which vector unit which element of a vector. docs/placement.md is the law and this room its one reader: every
 * number of ROM words and of tokens in the project is a placement's.
 *
 * roma_map_place makes a placement of a plan and a chip. A placement carries its chip, so that what takes a placement
 * takes no chip beside it. A plan knows no chip: exec runs plans and never sees a placement.
 *
 * Threads: functions that take a const placement may run at the same time in any number of threads; none keeps what it
 * is given. A word of ROM has 4 bits for each of lunit.lanes lanes (docs/placement.md); words are counted from 0. */
#ifndef ROMA_PLACE_H
#define ROMA_PLACE_H

#include "roma/chip.h"
#include "roma/json.h"
#include "roma/plan.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum { ROMA_PLACED_NOWHERE, ROMA_PLACED_LUNITS, ROMA_PLACED_VECTORS } roma_placed;

/* Where one tensor of the description lies. NOWHERE: a table that is another tensor's (tie), or an embedding outside
 * the chip. LUNITS: words [base, base + words) of every L-Unit of its die, of which the first `scale_words` hold
 * scales and minima. VECTORS: words [base, base + words) of every vector unit of its die. */
typedef struct {
    roma_placed where;
    uint32_t die;
    uint64_t base, words;
    /* LUNITS only. Rows [u * unit_rows, (u + 1) * unit_rows) lie in matrix unit u; `units` matrix units have at least
     * one row of the matrix, the others store zeros. A row group is lunit.lanes / 8 rows and takes row_words addresses.
     */
    uint64_t scale_words, row_words, unit_rows;
    uint32_t units;
    uint32_t lane_bits;           /* bits of a code as lanes take it: 1, 2, 4 or 8 */
    uint32_t word_inputs;         /* inputs whose codes a row has in a word: 32 / lane_bits; 20 of trits */
    uint64_t group_words;         /* words that a group's codes take of a row, the last in part; 1 or more */
    uint64_t group_lunits;        /* neighbouring L-Units whose sums are one group's */
    uint64_t wave_leaves;         /* leaves that one address ends at most, of all rows of a row group */
    uint64_t own_words, own_bits; /* rom.scale_port own: words of the matrix unit's ROM of scales, bits of a word */
} roma_place_tensor;

/* A model on a chip. plan, chip and dies are given; the rest follows from these three. */
typedef struct {
    const roma_plan *plan; /* borrowed: the plan and its description outlive the placement */
    roma_chip chip;        /* passes roma_chip_check; who changes a member calls roma_place_derive */
    uint32_t dies;         /* dies that share the layers as a pipeline, 1 or more */
    roma_kv kv;            /* format of the cache's pages; roma_map_place sets INT8, and a caller may set another */
    /* The rest follows from these. */
    roma_place_tensor *tensors; /* [plan->desc->n_tensors], owned */
    uint64_t *die_words;        /* [dies], owned: words that an L-Unit of the die needs */
    uint64_t *die_vector_words; /* [dies], owned: words that a vector unit of the die needs */
    uint64_t rom_words;         /* words of an L-Unit of the fullest die, to be held against lunit.words */
    uint64_t vector_words;      /* words of a vector unit of the die that needs most */
    uint64_t scale_words;       /* words of a matrix unit's own ROM of scales on the fullest die, and bits of the widest
                                   matrix's; 0 unless rom.scale_port is own */
    uint64_t scale_bits;
    uint64_t buffer_inputs; /* inputs whose codes an L-Unit meets in the value that needs most */
    bool fits_rom;          /* the chip has all of these, lunit.table where the model has level tables; of a streamed
                               model (rom.style dram) its words and scales do not count */
    const char *lacks;      /* key of what the chip has too little of, static; NULL exactly where fits_rom */
    char note[240];         /* "" exactly where fits_rom; else one sentence: what does not fit */
} roma_placement;

/* Takes memory for a placement whose plan, chip and dies are set, and derives the rest. ENOMEM; *p is then empty.
 * roma_map_place is the usual way to a placement. roma_place_destroy ends it. */
int roma_place_create(roma_placement *p, roma_error *err);
/* Computes everything that follows from plan, chip and dies anew. Cannot fail. */
void roma_place_derive(roma_placement *p);
/* Copies a placement, with memory of the copy's own, for a caller that changes its chip; the plan is borrowed by both.
 * ENOMEM. roma_place_destroy ends it. */
int roma_place_copy(roma_placement *out, const roma_placement *p, roma_error *err);
/* Frees a placement; one that is all zero, or was destroyed, may be destroyed again. */
void roma_place_destroy(roma_placement *p);

/* ---- words ------------------------------------------------------------------------------------------ */

/* Where one code lies: matrix unit of the tensor's die, L-Unit of the matrix unit, address (word) in that L-Unit,
 * lowest bit in the word; of trits the lowest bit of the byte that has five of them. */
typedef struct {
    uint32_t unit, lunit;
    uint64_t address;
    uint32_t bit;
} roma_place_code;
/* Place of the code of row < rows and input < cols of a tensor that lies in L-Units. */
roma_place_code roma_place_code_at(const roma_placement *p, size_t tensor, uint64_t row, uint64_t input);
/* The 32 bits that row `row` has in word `word` of its row group, as the ROM holds them: word `word` is at L-Unit
 * word mod N, address base + scale_words + group * row_words + floor(word / N). 0 beyond the rows of the matrix or the
 * words of a row, and of trits, which no image has five to a byte. The tensor lies in L-Units and has data. */
uint32_t roma_place_bits(const roma_placement *p, size_t tensor, uint64_t row, uint64_t word);

/* Addresses that a row group of a matrix takes, or would take if it were stored. */
uint64_t roma_place_row_words(const roma_placement *p, size_t tensor);
/* Inputs whose codes a row of a matrix has in the 32 bits of a word: whole lanes, or trits (lunit.trits). A stored code
 * takes 32 over this bits. */
uint32_t roma_place_word_inputs(const roma_placement *p, const roma_image_tensor *t);
/* Whether the chip stores a matrix's codes five to a byte. */
bool roma_place_is_trits(const roma_placement *p, const roma_image_tensor *t);
/* Bits of an element's number in an order of cols columns: 16, or 32 where these do not do. */
uint32_t roma_place_order_bits(uint64_t cols);
/* Words of a vector unit of a die that orders take: those of matrices of the die that are gathered, each once. */
uint64_t roma_place_order_words(const roma_placement *p, uint32_t die);
/* Bits of scales and minima of one row of a matrix, as the image stores them, without its tiles' padding. */
uint64_t roma_place_scale_bits(const roma_image_tensor *t);

/* ---- dies, vectors, pages ----------------------------------------------------------------------------- */

/* Layers [*first, *end) of the model live on this die < dies. */
void roma_place_layers(const roma_placement *p, uint32_t die, uint32_t *first, uint32_t *end);
/* The die that `layer` of the model lives on. */
uint32_t roma_place_layer_die(const roma_placement *p, uint32_t layer);
/* Words that the RoPE increments take of every vector unit of a die that has layers, from address 0. */
uint64_t roma_place_rope_words(const roma_placement *p);
/* The vector unit that holds and computes element e of any vector or FP32 value. */
uint32_t roma_place_vector_unit(const roma_placement *p, uint64_t e);
/* Matrix units whose H-Units share the pages of one KV head: max(1, floor(matrix units / KV heads)). */
uint32_t roma_place_page_units(const roma_placement *p);
/* With hunit.pages = whole: the matrix unit, of the layer's die, whose H-Unit holds page `page` of a layer and KV
 * head. Pages are counted over the whole cache, whichever sequence has them. */
uint32_t roma_place_page_unit(const roma_placement *p, uint32_t layer, uint32_t kv_head, uint64_t page);
/* Bytes of a page of one layer and KV head, in the placement's format. */
uint64_t roma_place_one_page(const roma_placement *p);
/* Whether H-Units compute with the placement's format. They multiply integers and add them up: of f16 and fp8, which
 * ask for FP32 sums, a chip's bytes are counted and nothing else. */
bool roma_place_computes(const roma_placement *p);
/* The placement as it is where H-Units compute with its format, else with INT8. It shares all memory with p, which
 * outlives it, and is not destroyed. */
roma_placement roma_place_computed(const roma_placement *p);
/* Bytes of the fullest H-Unit of a die that `pages` pages of every layer and KV head take. */
double roma_place_page_bytes(const roma_placement *p, uint32_t die, uint64_t pages);
/* Bytes of the fullest H-Unit that the scores of `rows` rows take, of a sequence of so many positions. */
double roma_place_score_bytes(const roma_placement *p, uint64_t positions, uint64_t rows);
/* Whether the fullest H-Unit of every die holds `pages` pages of every layer and KV head, score_bytes and an even share
 * of the adapters. sram_bytes: of the H-Units of one die together; lora_bytes: of the resident adapters of all layers.
 */
bool roma_place_holds(const roma_placement *p, uint64_t pages, double score_bytes, double sram_bytes,
                      double lora_bytes);
/* The most pages for which roma_place_holds is true with the scores of one row over all of them; 0 also where the
 * adapters alone are too many. */
uint64_t roma_place_pages(const roma_placement *p, double sram_bytes, double lora_bytes);

/* ---- tiles ------------------------------------------------------------------------------------------- */

/* The tile of a unit of a chip whose tiles are rows x columns: row * columns + column. Vector units fill whole rows in
 * the middle, matrix units all other tiles in order. */
uint64_t roma_place_vector_tile(const roma_chip *c, uint64_t unit);
uint64_t roma_place_matrix_tile(const roma_chip *c, uint64_t unit);

/* ---- what it says -------------------------------------------------------------------------------------- */

/* Says where every tensor and value and the pages lie: as a table appended to *out, or as members of an object that is
 * open in j. */
void roma_place_print(const roma_placement *p, roma_buf *out);
void roma_place_json(const roma_placement *p, roma_json *j);

#ifdef __cplusplus
}
#endif
#endif
