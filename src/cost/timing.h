/* Durations and events of one step (docs/cost-model.md sections 1.4 to 1.8 and 2), shared by the scheduler and the
 * legality check. */
#ifndef COST_TIMING_H
#define COST_TIMING_H

#include "roma/cost.h"

#include <math.h>

/* Some consecutive rows of one stream. */
typedef struct {
    uint32_t rows, logits; /* rows, and how many of them want logits */
    uint32_t span, skip;   /* first row: row `skip` of span `span` */
    bool adapter;          /* any row has one */
} timing_block;

/* What of an operation does not depend on the block. */
typedef struct {
    uint64_t per_row, once, lat; /* occ = rows x per_row + once; once only in the first block of the step */
    uint64_t lora_lat;
    double lora_weights; /* (rows + cols) of a LINEAR that may have an adapter, else 0 */
    double repair;       /* words read from SRAM per row */
    bool hides;          /* dram: once runs beside the rows */
} timing_op;

typedef struct {
    const roma_placement *place;
    const roma_plan *p; /* the placement's plan and chip */
    const roma_chip *c;
    const roma_cost_span *spans;
    size_t n_spans;
    timing_op *ops; /* [p->n_ops] */
    timing_block *blocks;
    uint32_t n_blocks, n_streams, first_logits; /* first block that wants logits; n_blocks: none */
    uint32_t *stream_block;                     /* [n_streams + 1] first block of each stream */
    double tree_mm, mean_mm;                    /* wire to reach every tile; mean distance of a tile */
} timing;

/* Bytes that roma_cost_timing_init carves; memory must be as large and 8-byte aligned. */
size_t roma_cost_timing_bytes(const roma_placement *p, const roma_cost_span *spans, size_t n);
void roma_cost_timing_init(timing *t, void *memory, const roma_placement *p, const roma_cost_span *spans, size_t n,
                           double repair_words);
/* Rows that the operation sees in the block; 0: no instance. */
uint32_t roma_cost_timing_rows(const timing *t, uint32_t op, uint32_t block);
/* Unit kinds of a part as bits 1 << kind. */
unsigned roma_cost_timing_units(const timing *t, uint32_t op, bool lora);
bool roma_cost_timing_has_lora(const timing *t, uint32_t op, uint32_t block);
void roma_cost_timing_duration(const timing *t, uint32_t op, uint32_t block, bool lora, uint64_t *occ, uint64_t *lat);
void roma_cost_timing_events(const timing *t, uint32_t op, uint32_t block, bool lora, roma_events *e);

static inline uint64_t timing_up(double x) { return x > 0 ? (uint64_t)ceil(x) : 0; }
static inline uint64_t timing_ceil_div(uint64_t a, uint64_t b) { return (a + b - 1) / b; }
static inline uint64_t timing_larger(uint64_t a, uint64_t b) { return a > b ? a : b; }
/* 8 codes of 8 bits and a 3-bit shift are 67 bits. */
static inline uint64_t timing_code_bytes(uint64_t e) { return timing_ceil_div(e * 67, 64); }
static inline const roma_image_tensor *timing_tensor(const roma_plan *p, const roma_op *op) {
    return &p->desc->tensors[op->tensor];
}
double roma_cost_timing_stored_bytes(const roma_image_tensor *t); /* codes and scales of a matrix */

#endif
