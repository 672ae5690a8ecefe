/* roma explore: points of a design space, drawn, evaluated, and shown. docs/explore.md has the knobs and what follows
 * from them. */
#ifndef TOOLS_EXPLORE_H
#define TOOLS_EXPLORE_H

#include "design.h"
#include "ranks.h"

/* A key is a parameter of the chip, or one of the model after them. */
enum { KEY_BITS = ROMA_CHIP_N, KEY_GROUP, KEY_HEAD_BITS, N_KEYS };
enum { LIST_MAX = 64, KNOBS_MAX = N_KEYS, KEY_CAP = 64, VALUE_CAP = 40 };

typedef struct {
    const char *shape, *image; /* one of the two */
    const char *chip, *csv, *svg, *best, *max_mm2_text, *max_w_text, *min_tok_s_text;
    text_list set;
    uint32_t points, threads, min_context;
    uint64_t seed;
    bool only, json;
    double max_mm2, max_w, min_tok_s; /* 0: no such constraint */
    roma_workload work;
} explore_options;

/* ---- explore_knob.c: what is varied ---- */

typedef struct {
    unsigned key;
    double low, high;      /* a range, when n is 0 */
    double list[LIST_MAX]; /* else these */
    size_t n;
} knob;
/* Parses KEY=V, KEY=A,B,C or KEY=LO..HI. */
int knob_parse(knob *k, const char *item, bool has_model_keys, roma_error *err);
/* Its value for u in [0, 1). */
double knob_at(const knob *k, double u);
const char *key_name(unsigned key, char out[KEY_CAP]);
/* The value as --set takes it; NULL for a number, which prints itself. */
const char *key_choice(unsigned key, double v, char out[VALUE_CAP]);
bool key_is_whole(unsigned key);

/* ---- explore_space.c: points ---- */

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

/* model: bits, group, head bits (0: as the body) of the shape itself, NULL for an image. */
int space_create(space *s, const roma_chip *base, const double model[3], const explore_options *o, roma_error *err);
/* Point number i: the same whoever asks. */
void space_draw(const space *s, uint64_t i, double x[N_KEYS]);
/* What follows from the drawn values; false when the mesh has no such grid. */
bool space_derive(const space *s, double x[N_KEYS]);
/* The same from the words that an L-Unit needs. */
void space_derive_words(const space *s, double words, double x[N_KEYS]);
/* The base chip with the recorded values of x. */
void space_chip(const space *s, const double x[N_KEYS], roma_chip *c);

/* ---- explore_run.c: points evaluated ---- */

/* name, what it says of the points that were refused */
#define EXPLORE_REFUSALS(X)                                                                                            \
    X(NONE, "none", "")                                                                                                \
    X(FORMAT, "format", "the model has no such bits and group")                                                        \
    X(GRID, "grid", "units do not fill the rows of the mesh")                                                          \
    X(CHIP, "chip", "parameters contradict each other")                                                                \
    X(ROM, "rom", "the base model does not fit the ROM")                                                               \
    X(SRAM, "sram", "adapters and context do not fit the SRAM")                                                        \
    X(CONTEXT, "context", "less context than --min-context")                                                           \
    X(AREA, "area", "larger than --max-mm2")                                                                           \
    X(POWER, "power", "more power than --max-w")                                                                       \
    X(RATE, "rate", "slower than --min-tok-s")                                                                         \
    X(WAFER, "wafer", "no good die comes out of a wafer")
typedef enum {
#define X(id, name, text) REFUSED_##id,
    EXPLORE_REFUSALS(X)
#undef X
        N_REFUSALS
} refusal;
extern const char *const refusal_name[N_REFUSALS], *const refusal_text[N_REFUSALS];

/* A model of given format on the base chip: its plan holds for every chip, for nothing in it depends on one. */
typedef struct {
    roma_description shape;
    roma_plan plan;
    double format[3];
    bool has_shape, has_plan;
} explore_model;
typedef struct {
    roma_image image;
    bool has_image;
    explore_model *list;
    size_t n;
} explore_models;
/* Every format that the space has; EINPUT when none of them exists. */
int models_open(explore_models *m, const space *s, const explore_options *o, roma_error *err);
void models_close(explore_models *m);
const explore_model *models_find(const explore_models *m, const double x[N_KEYS]);

/* Feasible points as rows of doubles: number, recorded values, outputs. */
typedef struct {
    double *rows;
    size_t n, stride;
    uint64_t refused[N_REFUSALS];
} explored;
int explore_run(explored *e, const space *s, const explore_models *m, const explore_options *o, const ranks *r,
                roma_error *err);
void explored_destroy(explored *e);
static inline const double *explored_row(const explored *e, size_t i) { return e->rows + i * e->stride; }
static inline const double *explored_cost(const explored *e, size_t i) {
    return explored_row(e, i) + e->stride - ROMA_COST_N;
}
/* All keys' values of a row. */
void explored_values(const explored *e, const space *s, size_t i, double x[N_KEYS]);

/* ---- explore_front.c ---- */

enum { FASTEST, SMALLEST, LEAST_ENERGY, CHEAPEST, KNEE, N_NOTABLE };
extern const char *const notable_name[N_NOTABLE];
typedef struct {
    bool *on, *on_plane;          /* of all four objectives; of tok_s and mm2 alone */
    size_t n, notable[N_NOTABLE]; /* rows */
} front;
int front_create(front *f, const explored *e, roma_error *err);
void front_destroy(front *f);

/* ---- explore_show.c, explore_files.c ---- */

typedef struct {
    const explore_options *o;
    const space *s;
    const explore_models *m;
    const explored *e;
    const front *f;
} explore_result;
/* Every row, or those of the front, with all values and outputs. */
void show_rows(const explore_result *r, bool front_only, roma_table *t);
int show_text(const explore_result *r, roma_buf *out, roma_error *err);
int show_json(const explore_result *r, roma_buf *out, roma_error *err);
void show_refused(const explored *e, roma_buf *out);       /* "12 rom (...), 3 area (...)" */
int write_files(const explore_result *r, roma_error *err); /* --csv, --svg, --best */
enum { BEST_PATH = 4096 };
int best_path(const explore_options *o, int k, char out[BEST_PATH], roma_error *err); /* of a notable chip's file */

#endif
