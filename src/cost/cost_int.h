/* cost, inside: what its files share. Areas are mm2 of one die unless a name says otherwise; none depends on the plan. */
#ifndef ROMA_COST_INT_H
#define ROMA_COST_INT_H

#include "roma/cost.h"

/* Whole-die areas, docs/cost-model.md section 3. */
typedef struct {
    double lunits, storage, compute; /* of all L-Units; compute is what storage leaves, 0 when fused */
    double hunits, hunit_sram;       /* hunit_sram is the part of hunits that is SRAM */
    double vector, vector_sram;
    double other;
    double die;
} roma_areas;
void roma_cost_areas(roma_areas *a, const roma_chip *c);
/* Tile pitch: sqrt(die area / tiles). */
double roma_cost_pitch_mm(const roma_chip *c);
/* Energy at chip.node_nm over energy at chip.constants_nm. */
double roma_cost_energy_scale(const roma_chip *c);

/* roma_cost_step and roma_cost_prefill with repair_words wrong ROM words over the patch table in the worst matrix unit (step.c). */
int roma_cost_step_repair(roma_schedule *s, const roma_plan *p, const roma_chip *c, const roma_cost_span *spans, size_t n,
                          double repair_words, roma_error *err);
int roma_cost_prefill_repair(roma_schedule *s, const roma_plan *p, const roma_chip *c, uint64_t position, uint32_t rows, uint32_t rank,
                             double repair_words, roma_error *err);

#endif
