/* explore - many chips for one model: points of a design space, drawn, evaluated and judged. docs/explore.md has the
 * knobs, what follows from them, and the sequence.
 *
 * An exploration is opened once, then run over its points, or over a share of them, so that processes can each take
 * one. A point is known by its number: the same values whoever draws the point. Results are rows of doubles, which
 * their caller may join. Threads: an open exploration is read-only and may be used by any number of threads. */
#ifndef ROMA_EXPLORE_H
#define ROMA_EXPLORE_H

#include "roma/cost.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- keys and their values ------------------------------------------------------------------------ */

/* A key is a parameter of the chip, by its index in the chip's table, or one of the model behind them. A value is a
 * double; that of a choice is the index of its name. */
enum {
    ROMA_EXPLORE_BITS = ROMA_CHIP_N, /* of the model's codes */
    ROMA_EXPLORE_GROUP,              /* weights per scale */
    ROMA_EXPLORE_HEAD_BITS,          /* of the head, or of the tied embedding; 0: as the other matrices */
    ROMA_EXPLORE_KEYS
};
enum { ROMA_EXPLORE_NAME = 64, ROMA_EXPLORE_CHOICE = 40 };
/* Writes "section.key" of the chip file, or "model.bits", to out; returns out. */
const char *roma_explore_key_name(unsigned key, char out[ROMA_EXPLORE_NAME]);
/* Writes the name of the choice that value v of a key is, as a knob's text has it, to out; returns out, or NULL where
 * the key's values are numbers. */
const char *roma_explore_choice(unsigned key, double v, char out[ROMA_EXPLORE_CHOICE]);

/* ---- an exploration -------------------------------------------------------------------------------- */

/* What is explored; texts are the caller's, needed during roma_explore_open alone. */
typedef struct {
    const char *shape, *image; /* the model, one of the two: a shape (roma_shape_read), or the path of an image */
    const char *chip; /* the base chip, a file or a built-in name, that all else is taken from; NULL: roma-contract */
    /* Knobs, n_set texts: KEY=LO..HI, KEY=A,B,C, or KEY=V, which fixes it. model.* keys go with a shape. */
    const char *const *set;
    size_t n_set;
    bool only;     /* vary nothing but what set names; else the knobs of docs/explore.md too */
    uint64_t seed; /* another seed draws other points */
    roma_workload work;
    uint32_t dies;  /* of a layer pipeline, at most ROMA_DESIGN_DIES_MAX; 0: one */
    const char *kv; /* name of the cache's format (roma_kv_names); NULL: "int8" */
    /* Constraints; 0: none. */
    uint32_t min_context;               /* tokens of each sequence that the cache must hold */
    double max_mm2, max_w, min_tok_s;   /* mm2 of all dies, W, tokens/s */
    double max_die_mm2, max_junction_c; /* mm2 of one die, C; usually ROMA_COST_DIE_MM2 and ROMA_COST_JUNCTION_C */
} roma_explore_config;

typedef struct roma_explore roma_explore;
/* Opens an exploration. *x is the caller's, ended by roma_explore_close; NULL after an error. EUSAGE and EINPUT for a
 * workload, a format of the cache, a constraint, a knob, a chip or a model that is none, and for a workload beyond the
 * model's own context; the error of roma_shape_lay_out where the model has no format of the space; ENOMEM. */
int roma_explore_open(roma_explore **x, const roma_explore_config *c, roma_error *err);
void roma_explore_close(roma_explore *x); /* NULL does nothing */

/* The keys that every point records, in the order of the table; *n of them, owned by x. */
const unsigned *roma_explore_columns(const roma_explore *x, size_t *n);
/* Whether a key's value follows from others; else it was drawn, or is the base chip's. */
bool roma_explore_is_derived(const roma_explore *x, unsigned key);
/* The base chip, owned by x. */
const roma_chip *roma_explore_base(const roma_explore *x);
/* The model's name, owned by x: the image's, or the shape's. */
const char *roma_explore_model(const roma_explore *x);

/* ---- points ------------------------------------------------------------------------------------------ */

/* Why a point is not feasible: the first of these that holds. NONE: it is. */
#define ROMA_EXPLORE_REFUSALS(X)                                                                                       \
    X(NONE, "none", "")                                                                                                \
    X(FORMAT, "format", "the model has no such bits and group")                                                        \
    X(GRID, "grid", "units do not fill the rows of the mesh")                                                          \
    X(CHIP, "chip", "parameters contradict each other")                                                                \
    X(ROM, "rom", "the base model does not fit the ROM")                                                               \
    X(SRAM, "sram", "adapters and context do not fit the SRAM")                                                        \
    X(CONTEXT, "context", "less context than min_context")                                                             \
    X(AREA, "area", "larger than max_mm2")                                                                             \
    X(POWER, "power", "more power than max_w")                                                                         \
    X(RATE, "rate", "slower than min_tok_s")                                                                           \
    X(DIE, "die", "a die larger than max_die_mm2")                                                                     \
    X(JUNCTION, "junction", "a junction hotter than max_junction_c")                                                   \
    X(WAFER, "wafer", "no good die comes out of a wafer")
typedef enum {
#define X(id, name, text) ROMA_EXPLORE_##id,
    ROMA_EXPLORE_REFUSALS(X)
#undef X
        ROMA_EXPLORE_REFUSALS_N
} roma_explore_refusal;
/* Name and sentence of a refusal, static. */
const char *roma_explore_refusal_name(roma_explore_refusal r);
const char *roma_explore_refusal_text(roma_explore_refusal r);

/* Feasible points, ascending: rows of `stride` doubles each, which are the point's number, the value of each column,
 * and the ROMA_COST_N outputs. Rows are from roma_alloc: a caller that joins those of several shares may replace them.
 */
typedef struct {
    double *rows;
    size_t n, stride;
    uint64_t refused[ROMA_EXPLORE_REFUSALS_N]; /* points by reason */
} roma_explored;
static inline const double *roma_explored_row(const roma_explored *e, size_t i) { return e->rows + i * e->stride; }
static inline const double *roma_explored_cost(const roma_explored *e, size_t i) {
    return roma_explored_row(e, i) + e->stride - ROMA_COST_N;
}

/* A share of the points [0, points): that of process `rank` of `size`, on so many threads (1..64). */
typedef struct {
    uint32_t points;
    int rank, size, threads;
    const roma_progress *progress; /* told from the calling thread alone; NULL: nobody */
} roma_explore_share;
/* Evaluates a share of the points. *e is the caller's, ended by roma_explored_destroy, after an error too. EUSAGE:
 * there is no such share, or no such number of threads; ECANCEL when progress says so; ENOMEM; errors of
 * roma_cost_evaluate. */
int roma_explore_run(const roma_explore *x, const roma_explore_share *share, roma_explored *e, roma_error *err);
void roma_explored_destroy(roma_explored *e);

/* Values of all keys of a row: those that the row records, and the base chip's. */
void roma_explore_values(const roma_explore *x, const double *row, double v[ROMA_EXPLORE_KEYS]);
/* The chip of a row: the base chip with the recorded values, each with a mark that says whether explore chose or
 * derived the value. */
void roma_explore_chip(const roma_explore *x, const double *row, roma_chip *c);
/* Each output of a row over what is uncertain of its chip. Errors of roma_cost_ranges. */
int roma_explore_ranges(const roma_explore *x, const double *row, roma_range out[ROMA_COST_N], roma_error *err);

/* ---- the Pareto front --------------------------------------------------------------------------------- */

/* The front is the rows that no other row beats: none is at least as good in rate, area, energy and cost at once, and
 * better in one of these four. The ends of the front: */
typedef enum {
    ROMA_FRONT_FASTEST,
    ROMA_FRONT_SMALLEST,
    ROMA_FRONT_LEAST_ENERGY,
    ROMA_FRONT_CHEAPEST,
    ROMA_FRONT_KNEE, /* nearest to the best of all four, each on a logarithmic scale over the front */
    ROMA_FRONT_ENDS
} roma_front_end;
/* "fastest", ...; static. */
const char *roma_front_end_name(roma_front_end k);
/* The front of an exploration's rows. */
typedef struct {
    bool *on;                    /* [rows], owned: whether the row is on the front */
    bool *on_plane;              /* [rows], owned: whether it is on the front of rate and area alone */
    size_t n;                    /* rows on the front */
    size_t end[ROMA_FRONT_ENDS]; /* index of the row that is this end */
} roma_front;
/* Finds the front of *e, which has a row or more. *f is the caller's, ended by roma_front_destroy. ENOMEM; *f is then
 * empty. */
int roma_front_create(roma_front *f, const roma_explored *e, roma_error *err);
void roma_front_destroy(roma_front *f);

#ifdef __cplusplus
}
#endif
#endif
