/* cost, inside: what its files share. Areas are mm2 of one die; none depends on the plan. */
#ifndef ROMA_COST_INT_H
#define ROMA_COST_INT_H

#include "roma/cost.h"

/* ---- area (section 3) ---- */

typedef struct {
    double lunits, storage, compute; /* of all L-Units; storage is what compute leaves of a fused one */
    double hunits, hunit_sram;       /* hunit_sram is the part of hunits that is SRAM */
    double vector, vector_sram;
    double other, die;
} roma_areas;
void roma_cost_areas(roma_areas *a, const roma_chip *c);
/* Tile pitch: sqrt(die area / tiles). */
double roma_cost_pitch_mm(const roma_chip *c);
/* At chip.node_nm over at chip.constants_nm. */
double roma_cost_logic_scale(const roma_chip *c);
double roma_cost_sram_scale(const roma_chip *c);
double roma_cost_energy_scale(const roma_chip *c);
/* The matrix unit of a grid tile, from 0; or one of the negative values. */
enum { ROMA_TILE_VECTOR = -1, ROMA_TILE_EMPTY = -2 };
int roma_cost_tile_unit(const roma_chip *c, unsigned row, unsigned column);
/* Largest distances in hops (docs/cost-model.md 1.5); each of the die's KV heads has head_units matrix units. */
typedef struct {
    uint64_t far, across, deep, reach;
} roma_distances;
roma_distances roma_cost_distances(const roma_chip *c, uint64_t head_units, uint64_t heads);

/* ---- energy (section 2) ---- */

enum { ROMA_N_EVENTS = sizeof(roma_events) / sizeof(double) };
/* mJ by event, in the order of ROMA_EVENTS; their sum. */
double roma_cost_dynamic_mj(double mj[ROMA_N_EVENTS], const roma_events *e, const roma_chip *c, double toggle);
/* W of one die by L-Units, H-Units, vector units, other; their sum. idle: between tokens. */
enum { ROMA_STATIC_L, ROMA_STATIC_H, ROMA_STATIC_V, ROMA_STATIC_OTHER, ROMA_STATIC_N };
double roma_cost_static_w(double w[ROMA_STATIC_N], const roma_chip *c, const roma_areas *a, bool idle);

/* ---- time of a workload, and all else from it (evaluate.c) ---- */

typedef struct {
    uint64_t cycles, busy[ROMA_COST_UNITS], prefill_cycles;
    roma_events events, prefill;
    double pitch_mm; /* that the events' millimetres were counted with */
} roma_timing;
/* Needs the schedule; the prefill only when asked. */
int roma_cost_time(roma_timing *t, roma_schedule *s, const roma_placement *p, const roma_workload *w, bool prefill,
                   roma_error *err);
/* Cheap. */
void roma_cost_derive(roma_cost *out, const roma_timing *t, const roma_placement *p, const roma_workload *w);
void roma_cost_price(roma_cost *out, const roma_areas *a, const roma_placement *p);

/* Whether cycles or events, millimetres aside, may depend on parameter i of the placement's chip. */
bool roma_cost_moves_time(const roma_placement *at, unsigned i);

/* Bytes of an H-Unit's SRAM that so many wrong words of its matrix unit take. */
double roma_cost_patch_bytes(const roma_chip *c, double words);

/* ---- the schedule with wrong ROM words (step.c) ---- */

/* roma_cost_step and roma_cost_prefill with repair_words wrong ROM words over the patch table in the worst matrix unit.
 * `seen`, if not NULL, gets the schedule of each chunk of a prompt, its rows beside it, in order. */
typedef void roma_cost_chunk_seen(void *ctx, const roma_schedule *s, uint32_t rows);
int roma_cost_step_repair(roma_schedule *s, const roma_placement *p, const roma_cost_span *spans, size_t n,
                          double repair_words, roma_error *err);
int roma_cost_prefill_repair(roma_schedule *s, const roma_placement *p, uint64_t position, uint32_t rows,
                             const roma_cost_adapter *adapters, uint32_t n_adapters, double repair_words,
                             roma_cost_chunk_seen *seen, void *ctx, roma_error *err);

#endif
