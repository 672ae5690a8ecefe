/* What the files of explore share: knobs, the space they span, and the models of its formats. */
#ifndef ROMA_EXPLORE_INTERNAL_H
#define ROMA_EXPLORE_INTERNAL_H

#include "roma/design.h"
#include "roma/explore.h"

enum { KEY_BITS = ROMA_EXPLORE_BITS, KEY_GROUP = ROMA_EXPLORE_GROUP, N_KEYS = ROMA_EXPLORE_KEYS };
enum { LIST_MAX = 64, KNOBS_MAX = N_KEYS + 1 }; /* a knob for each key, and one that is being read */

/* ---- knob.c: what is varied ---- */

typedef struct {
    unsigned key;
    double low, high;      /* a range, when n is 0 */
    double list[LIST_MAX]; /* else these */
    size_t n;
} knob;
/* Parses KEY=V, KEY=A,B,C or KEY=LO..HI. */
int roma_explore_knob(knob *k, const char *item, bool has_model_keys, roma_error *err);
/* The knob's value for u in [0, 1). */
double roma_explore_knob_at(const knob *k, double u);

/* ---- space.c: points ---- */

typedef struct {
    roma_chip base;
    knob knobs[KNOBS_MAX];
    size_t n_knobs;
    unsigned prime[KNOBS_MAX];           /* base of each one's sequence; 0 for a fixed one */
    bool given[N_KEYS], derived[N_KEYS]; /* by a knob; from others */
    bool streams_follow, grid_follows;
    unsigned column[N_KEYS]; /* keys that a point records: given or derived, in order of the table */
    size_t n_columns;
    double start[N_KEYS]; /* where no knob says otherwise */
    uint64_t seed;
} space;

/* own: bits, group, head bits (0: as the body) of the shape itself, NULL for an image. */
int roma_explore_space(space *s, const roma_chip *base, const double own[3], const roma_explore_config *c,
                       roma_error *err);
/* Point number i: the same whoever asks. */
void roma_explore_draw(const space *s, uint64_t i, double x[N_KEYS]);
/* What follows from the drawn values; false when the mesh has no such grid. */
bool roma_explore_derive(const space *s, double x[N_KEYS]);
/* The same from what the model needs of the ROMs and buffers. */
void roma_explore_derive_words(const space *s, const roma_placement *p, double x[N_KEYS]);
/* The base chip with the recorded values of x. */
void roma_explore_put(const space *s, const double x[N_KEYS], roma_chip *c);

/* ---- models.c: the model in each format of the space ---- */

/* A plan holds for every chip, for nothing in it depends on one. */
typedef struct {
    roma_description shape;
    roma_plan plan;
    double format[3];
    uint64_t activation_bytes; /* of the workload's step */
    bool has_shape, has_plan;
} model;
typedef struct {
    roma_image image;
    bool has_image;
    model *list;
    size_t n;
} models;
/* The shape, or the configuration's image, in every format that the space has; the last refusal when none of these
 * exists. */
int roma_explore_models(models *m, const space *s, const roma_shape *shape, const roma_explore_config *c,
                        roma_error *err);
void roma_explore_models_close(models *m);
const model *roma_explore_find(const models *m, const double x[N_KEYS]); /* NULL: there is no such format */

/* ---- explore.c ---- */

struct roma_explore {
    space s;
    models m;
    char name[128];
    roma_workload work;
    uint32_t dies, min_context;
    roma_kv kv;
    double max_mm2, max_w, min_tok_s, max_die_mm2, max_junction_c;
};

/* The workload with what follows from the model. */
static inline roma_workload roma_explore_work(const roma_explore *x, const model *m) {
    roma_workload w = x->work;
    w.activation_bytes = m->activation_bytes;
    return w;
}

#endif
