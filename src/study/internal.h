/* What the files of study share: a row is one number of a paper and a function that computes the model's. */
#ifndef ROMA_STUDY_INTERNAL_H
#define ROMA_STUDY_INTERNAL_H

#include "roma/cost.h"
#include "roma/design.h"
#include "roma/study.h"

/* How the model is held against the paper. */
typedef enum {
    TEST_WITHIN,    /* within 5 % */
    TEST_AT_MOST,   /* not above */
    TEST_AT_LEAST,  /* not below */
    TEST_FACTOR,    /* 0.3 to 3 times */
    TEST_UNMATCHED, /* not reproducible, and said so */
} study_test;

typedef struct study study;
typedef struct study_row {
    const char *id, *quantity, *unit;
    double paper; /* NAN: none is printed */
    roma_study_kind kind;
    study_test test;
    double (*model)(study *x, const struct study_row *r); /* NULL: the model has no mechanism for it */
    const char *chip;                                     /* what the function takes */
    double a, b;                                          /* and its numbers: lengths, ranks, styles */
    const char *parameter;                                /* of the chip, calibrated on this row */
    const char *remark, *source;
} study_row;

extern const study_row roma_study_rows[], roma_study_kin[]; /* a row without id ends each */

enum { CASES_MAX = 24, OUTPUTS_MAX = 4096 };

/* A chip with a model. */
typedef struct {
    char chip[24], shape[24];
    uint32_t bits;
    roma_design d;
} study_case;

struct study {
    roma_study *out;
    const char *const *set; /* KEY=V of ROMA and its variants, CHIP:KEY=V of one chip */
    size_t n_set;
    study_case cases[CASES_MAX];
    size_t n_cases;
    roma_schedule s;
    roma_placement changed; /* roma_study_on's */
    roma_error err;
    int rc;             /* the first failure; everything is NAN from then on */
    double *decode_sum; /* [OUTPUTS_MAX + 1]: cycles of the decode steps at contexts below i */
    uint32_t best_outputs;
};

/* model.c: everything returns NAN, or NULL, once x->rc is set. */
/* bits 0: the shape's own */
const roma_design *roma_study_case(study *x, const char *chip, const char *shape, uint32_t bits);
const roma_chip *roma_study_chip(study *x, const char *chip); /* with the 3B model at 4 bit */
/* The design's model on another chip: holds until the next call. */
const roma_placement *roma_study_on(study *x, const roma_design *d, const roma_chip *c);
bool roma_study_evaluate(study *x, roma_cost *out, const roma_placement *p, const roma_workload *w);
uint64_t roma_study_lunit_cycles(study *x, const roma_placement *p, uint32_t rows, uint32_t logits);
double roma_study_best_outputs(study *x); /* outputs of a request that fit the paper's table of rates best */
double roma_study_prefill_cycles(study *x, uint32_t prompt);
/* after roma_study_best_outputs */
double roma_study_rate(study *x, uint32_t prompt, double prefill, uint32_t n);
void roma_study_close(study *x);

/* notes.c */
void roma_study_take_notes(study *x);

/* The paper's table of end-to-end rates, tokens/s at prompts of 256, 512, 1K, 2K. */
#define PAPER_RATE_256 20078
#define PAPER_RATE_512 18703
#define PAPER_RATE_1K 12840
#define PAPER_RATE_2K 8533

#endif
