/* Durations and events of one step (docs/cost-model.md sections 1.1, 1.4 to 1.9 and 2), shared by the scheduler and the
 * legality check. */
#ifndef COST_TIMING_H
#define COST_TIMING_H

#include "cost_int.h"

#include <math.h>

/* Some consecutive rows of one stream. */
typedef struct {
    uint32_t rows, logits; /* rows, and how many of them want logits */
    uint32_t span, skip;   /* first row: row `skip` of span `span` */
} timing_block;

/* The chip's numbers as the formulas use them, whole cycles. */
typedef struct {
    uint64_t U, N, lanes, group_rows, columns, word_cycles, hop, link, vector, add, mul, convert, div, exps, divs;
    uint64_t far, across, deep, reach; /* distances in cycles */
    uint64_t lane_levels;              /* of a tree over the lanes of a vector unit */
    uint64_t chain[ROMA_CHAIN_COUNT];  /* cycles of each chain */
    uint64_t deep_hops;
    uint64_t leaf_units;                /* F */
    uint64_t head_units, heads_of_unit; /* P and h of attention */
    double attend_share, lora_share;    /* a and l */
    double key_bytes, value_bytes;      /* of a position, head and key or value, the scale among them */
    bool calibrated;                    /* schedule.fill > 0 */
} timing_numbers;

/* An operation in its turn. */
typedef struct {
    uint32_t times;  /* index of its timing_op: layers that are alike share them */
    uint32_t group;  /* LINEAR of a layer, and its BIAS: first operation of the group; else UINT32_MAX */
    bool ends_group; /* the group's ups follow */
} timing_turn;

/* What of an operation does not depend on the block. */
typedef struct {
    uint64_t lat;
    uint64_t row, next; /* L, CACHE: cycles of the first row, and of each further one */
    uint64_t once;      /* dram: cycles of the first block of the step */
    uint64_t vec, bc;   /* V: cycles of the lanes and of the broadcast for a row */
    uint64_t gather;    /* V: cycles of a row whose elements are gathered in another order; 0: as they lie */
    uint64_t first;     /* LINEAR: cycles after start at which the scale of its input is needed */
    double repair;      /* words read from SRAM per row */
    bool hides;         /* dram: once runs beside the rows */
    /* LINEAR with a slot: columns of A and rows of B that the fullest unit has, cycles of A's sums to the root without
     * the leaves' way, groups of A */
    uint64_t down_columns, up_rows, down_sums, down_groups;
    /* Events: of every row; beside them once for a block, for each row of a block of several, for the step's first
     * block.
     */
    roma_events each;
    double block_rom_bits, block_lunit_cycles, again_buffer_bits, again_wire, first_dram_bits;
} timing_op;

typedef struct {
    const roma_placement *place;
    const roma_plan *p; /* the placement's plan and chip */
    const roma_chip *c;
    const roma_cost_span *spans;
    size_t n_spans;
    timing_numbers k;
    timing_op *times;   /* [n_times], of [p->n_ops] */
    timing_turn *turns; /* [p->n_ops] */
    uint32_t n_times;
    timing_block *blocks;
    uint32_t n_blocks, n_streams, first_logits; /* first block that wants logits; n_blocks: none */
    uint32_t *stream_block;                     /* [n_streams + 1] first block of each stream */
    uint32_t places;                            /* most adapters of a set */
    uint64_t most_rank;                         /* largest rank of any of them on any matrix, in whole sixteens */
    double tree_mm, mean_mm, unit_mm;           /* wire to reach every tile; mean distance of a tile; of two L-Units */
} timing;

/* One part of an operation: `place` counts for DOWN and UP. */
typedef struct {
    uint32_t op, block;
    roma_cost_part part;
    uint32_t place;
} timing_part;

/* Cycles of an instance. */
typedef struct {
    uint64_t occ, lat;
    uint64_t scale; /* NORM: after start, the scale of its codes is there */
    uint64_t first; /* LINEAR, down: cycles after start at which the scale of its input is needed */
    uint64_t pass;  /* LINEAR: after start, the codes of the last row pass */
    uint64_t queue; /* up: cycles in which its sums are read when all of them wait for a BIAS */
} timing_duration;

/* Bytes that roma_cost_timing_init carves; memory must be as large and 8-byte aligned. */
size_t roma_cost_timing_bytes(const roma_placement *p, const roma_cost_span *spans, size_t n);
void roma_cost_timing_init(timing *t, void *memory, const roma_placement *p, const roma_cost_span *spans, size_t n,
                           double repair_words);
/* Rows of a step, the streams they make, and the cut of t's rows into blocks (blocks.c). */
uint32_t roma_cost_timing_count_rows(const roma_cost_span *spans, size_t n);
uint32_t roma_cost_timing_streams(const roma_chip *c, uint32_t rows);
void roma_cost_timing_cut(timing *t, uint32_t rows);
/* Blocks of the step at most, without an init. */
size_t roma_cost_timing_blocks(const roma_placement *p, const roma_cost_span *spans, size_t n);
/* Rows that the operation sees in the block; 0: no instance. */
uint32_t roma_cost_timing_rows(const timing *t, uint32_t op, uint32_t block);
/* Whether the adapters at this place of the rows' sets have part in a LINEAR of the block. */
bool roma_cost_timing_has_part(const timing *t, uint32_t op, uint32_t block, uint32_t place);
/* Unit kinds of a part as bits 1 << kind. */
unsigned roma_cost_timing_units(const timing *t, uint32_t op, roma_cost_part part);
/* Duration of an instance; e, unless NULL: its events are added there. */
void roma_cost_timing_of(const timing *t, timing_part part, timing_duration *d, roma_events *e);

/* ceil(x), 0 below 0; without a call, since every instance asks. */
static inline uint64_t timing_up(double x) {
    const uint64_t whole = x > 0 ? (uint64_t)x : 0;
    return whole + ((double)whole < x);
}
static inline uint64_t timing_ceil_div(uint64_t a, uint64_t b) { return (a + b - 1) / b; }
static inline uint64_t timing_larger(uint64_t a, uint64_t b) { return a > b ? a : b; }
static inline uint64_t timing_clog2(uint64_t x) { return x > 1 ? 64 - (uint64_t)__builtin_clzll(x - 1) : 0; }
/* 8 codes of 8 bits and a 3-bit shift are 67 bits. */
static inline uint64_t timing_code_bytes(uint64_t e) { return timing_ceil_div(e * 67, 64); }
/* R: a maximum or sum over elements that the lanes take in `vec` cycles, known to all vector units. */
static inline uint64_t timing_reduction(const timing_numbers *k, uint64_t vec) {
    return (k->lane_levels + (vec > 1)) * k->hop + 2 * k->across;
}
/* Half of e FP32 values pass the busiest link of the middle. */
static inline uint64_t timing_cross(const timing_numbers *k, uint64_t e) { return timing_ceil_div(2 * e, k->link); }
static inline const roma_image_tensor *timing_tensor(const roma_plan *p, const roma_op *op) {
    return &p->desc->tensors[op->tensor];
}
/* Where the words of an operation's matrix lie. */
static inline const roma_place_tensor *timing_place(const timing *t, const roma_op *op) {
    const int32_t tie = timing_tensor(t->p, op)->tie;
    return &t->place->tensors[tie >= 0 ? (uint32_t)tie : op->tensor];
}
static inline const timing_op *timing_times(const timing *t, uint32_t op) { return &t->times[t->turns[op].times]; }
double roma_cost_timing_stored_bytes(const roma_image_tensor *t); /* codes and scales of a matrix */

/* ---- instances of adapters and attention (adapters.c, attend.c) ---- */

/* Walks the pieces of a block that belong to one span. */
typedef struct {
    const roma_cost_span *span;
    uint32_t rows;
    uint64_t first; /* position of its first row */
} timing_piece;
typedef struct {
    const timing *t;
    uint32_t span, skip, left;
} timing_walk;
timing_walk roma_cost_timing_walk(const timing *t, uint32_t block);
bool roma_cost_timing_next(timing_walk *w, timing_piece *out);
/* The largest rank of the step's adapters on any matrix, rounded up to 16: that of the trees and ways of all of them.
 */
uint64_t roma_cost_timing_most_rank(const timing *t);
/* The same of a down or an up, and of ATTEND; *d is zero before. */
void roma_cost_timing_adapter(const timing *t, timing_part part, timing_duration *d, roma_events *e);
void roma_cost_timing_attend(const timing *t, uint32_t block, timing_duration *d, roma_events *e);
/* What timing.c leaves to these files: o's members of adapters (adapters.c) and of events (events.c). */
void roma_cost_timing_slots(timing_op *o, const timing *t, const roma_op *op);
void roma_cost_timing_count(timing_op *o, const timing *t, uint32_t index);

#endif
