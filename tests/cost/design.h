/* A chip, a model's shape and their plan, for the tests of cost. */
#ifndef ROMA_TESTS_COST_DESIGN_H
#define ROMA_TESTS_COST_DESIGN_H

#include "../test.h"
#include "roma/cost.h"
#include "roma/map.h"

typedef struct {
    roma_description desc;
    roma_plan plan;
    roma_placement place; /* its chip may be changed: design_cost derives the rest anew */
    roma_schedule s;
} design;

/* Ends the test program when the design cannot be made: nothing after it would mean anything. */
static inline void design_need(int rc, const roma_error *err) {
    char text[700];
    if (!rc) return;
    fprintf(stderr, "%s\n", roma_error_format(err, text, sizeof text));
    exit(1);
}

static inline void design_open(design *d, const char *chip, const char *shape, uint32_t bits, uint32_t head_bits) {
    roma_chip c;
    roma_error err;
    memset(d, 0, sizeof *d);
    design_need(roma_chip_open(&c, chip, &err), &err);
    design_need(roma_shape_describe(&d->desc, shape, &(roma_shape_format){bits, bits ? 128 : 0, head_bits}, &err),
                &err);
    design_need(roma_map_plan(&d->plan, &d->desc, &err), &err);
    design_need(roma_map_place(&d->place, &d->plan, &c, 1, &err), &err);
}

/* The same on so many dies. */
static inline void design_dies(design *d, uint32_t dies) {
    const roma_placement old = d->place;
    roma_error err;
    design_need(roma_map_place(&d->place, &d->plan, &old.chip, dies, &err), &err);
    roma_place_destroy(&(roma_placement){
        .tensors = old.tensors, .die_words = old.die_words, .die_vector_words = old.die_vector_words});
}

static inline void design_close(design *d) {
    roma_schedule_destroy(&d->s);
    roma_place_destroy(&d->place);
    roma_plan_destroy(&d->plan);
    roma_shape_destroy(&d->desc);
}

static inline roma_cost design_cost(design *d, const roma_workload *w) {
    roma_cost out;
    roma_error err;
    roma_place_derive(&d->place);
    design_need(roma_cost_evaluate(&out, &d->s, &d->place, w, &err), &err);
    return out;
}

#endif
