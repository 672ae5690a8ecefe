/* The paper's numbers beside the model's: what `roma paper` is made of.
 *
 * A row is one number of a paper and a function that computes the model's from chips and plans: no model value is a
 * literal. Only rows of kind `independent` are evidence; the other kinds say how a number entered the chip files.
 * docs/paper.md has the reading. */
#ifndef TOOLS_PAPER_H
#define TOOLS_PAPER_H

#include "design.h"
#include "roma/report.h"

#define PAPER_KINDS(X)                                                                                                 \
    X(IDENTITY, "identity")       /* as many constants as numbers */                                                   \
    X(INFERRED, "inferred")       /* a whole-number constant is from it */                                             \
    X(CALIBRATED, "calibrated")   /* a real constant is from it */                                                     \
    X(CONSEQUENCE, "consequence") /* follows from other rows */                                                        \
    X(INDEPENDENT, "independent") /* nothing was chosen by it */                                                       \
    X(INPUT, "input")             /* stands in the chip file as it is */                                               \
    X(STRUCTURAL, "structural")   /* a count of the structure */
typedef enum {
#define X(name, text) PAPER_##name,
    PAPER_KINDS(X)
#undef X
} paper_kind;

/* How the model is held against the paper. */
typedef enum {
    PAPER_WITHIN,    /* within 5 % */
    PAPER_AT_MOST,   /* not above */
    PAPER_AT_LEAST,  /* not below */
    PAPER_FACTOR,    /* 0.3 to 3 times */
    PAPER_UNMATCHED, /* not reproducible, and said so */
} paper_test;

typedef struct paper paper;
typedef struct paper_row {
    const char *id, *quantity, *unit;
    double paper; /* NAN: none is printed */
    paper_kind kind;
    paper_test test;
    double (*model)(paper *x, const struct paper_row *r); /* NULL: the model has no mechanism for it */
    const char *chip;                                     /* what the function takes */
    double a, b;                                          /* and its numbers: lengths, ranks, styles */
    const char *parameter;                                /* of the chip, calibrated on this row */
    const char *remark, *source;
} paper_row;

extern const paper_row paper_roma_rows[], paper_kin_rows[]; /* a row without id ends each */

typedef enum { PAPER_NO_VERDICT, PAPER_HOLDS, PAPER_FAILS, PAPER_DRIFTS, PAPER_NOT_REPRODUCED } paper_verdict;
typedef struct {
    const paper_row *row;
    double model, error; /* error: model/paper - 1 */
    paper_verdict verdict;
    char remark[200];
} paper_line;

/* A contradiction among the papers' own numbers, or between them and what fits. */
typedef struct {
    char id[24], text[200];
    double left, right; /* the two numbers that should agree, or be ordered */
    char unit[16];
} paper_note;

enum { PAPER_LINES_MAX = 96, PAPER_NOTES_MAX = 16, PAPER_CASES_MAX = 24, PAPER_OUTPUTS_MAX = 4096 };

/* A chip with a model. */
typedef struct {
    char chip[24], shape[24];
    uint32_t bits;
    design d;
} paper_case;

struct paper {
    text_list set; /* KEY=V of ROMA and its variants, CHIP:KEY=V of one chip */
    paper_case cases[PAPER_CASES_MAX];
    size_t n_cases;
    roma_schedule s;
    roma_error err;
    int rc;             /* the first failure; everything is NAN from then on */
    double *decode_sum; /* [PAPER_OUTPUTS_MAX + 1]: cycles of the decode steps at contexts below i */
    uint32_t best_outputs;
    paper_line lines[PAPER_LINES_MAX];
    size_t n_lines;
    paper_note notes[PAPER_NOTES_MAX];
    size_t n_notes;
    double decode[2]; /* tokens/s of roma and roma-contract */
};

/* paper_model.c: everything returns NAN, or NULL, once x->rc is set. */
const design *paper_case_of(paper *x, const char *chip, const char *shape, uint32_t bits); /* bits 0: the shape's own */
const roma_chip *paper_chip(paper *x, const char *chip); /* with the 3B model at 4 bit */
bool paper_evaluate(paper *x, roma_cost *out, const design *d, const roma_chip *c, const roma_workload *w);
uint64_t paper_lunit_cycles(paper *x, const design *d, const roma_chip *c, uint32_t rows, uint32_t logits);
double paper_best_outputs(paper *x); /* outputs of a request that fit the paper's table of rates best */
double paper_prefill_cycles(paper *x, uint32_t prompt);
double paper_rate(paper *x, uint32_t prompt, double prefill, uint32_t n); /* after paper_best_outputs */
void paper_close(paper *x);

/* paper_notes.c */
void paper_take_notes(paper *x);

/* paper_print.c */
const char *paper_kind_text(paper_kind k);
void paper_print_text(const paper *x, roma_buf *out);
void paper_print_json(const paper *x, roma_buf *out);
void paper_print_csv(const paper *x, roma_buf *out);
void paper_print_markdown(const paper *x, roma_buf *out);

/* The paper's table of end-to-end rates, tokens/s at prompts of 256, 512, 1K, 2K. */
#define PAPER_RATE_256 20078
#define PAPER_RATE_512 18703
#define PAPER_RATE_1K 12840
#define PAPER_RATE_2K 8533

#endif
