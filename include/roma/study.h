/* study - the numbers that the paper of ROMA and those of its kin print, held against the model. docs/paper.md has the
 * reading.
 *
 * A line is one number of a paper beside the model's, which is computed from chips and plans: no model value is a
 * literal. Only lines of kind `independent` are evidence; the other kinds say how a number entered the chip files.
 * Thread rule: a study is read-only once it was made.
 */
#ifndef ROMA_STUDY_H
#define ROMA_STUDY_H

#include "roma/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How a number of a paper came into the chip files. */
#define ROMA_STUDY_KINDS(X)                                                                                            \
    X(IDENTITY, "identity", "as many constants as numbers: it had to agree")                                           \
    X(INFERRED, "inferred", "a whole-number constant is from it")                                                      \
    X(CALIBRATED, "calibrated", "a real constant is from it")                                                          \
    X(CONSEQUENCE, "consequence", "follows from other rows, or has no inputs")                                         \
    X(INDEPENDENT, "independent", "nothing was chosen by it: these rows alone are evidence")                           \
    X(INPUT, "input", "stands in the chip file as it is")                                                              \
    X(STRUCTURAL, "structural", "a count of the structure")
typedef enum {
#define X(name, text, help) ROMA_STUDY_##name,
    ROMA_STUDY_KINDS(X)
#undef X
        ROMA_STUDY_KINDS_N
} roma_study_kind;
/* Text of a kind, and what it means, static. */
const char *roma_study_kind_name(roma_study_kind k);
const char *roma_study_kind_about(roma_study_kind k);

typedef enum {
    ROMA_STUDY_NO_VERDICT, /* no evidence, and nothing amiss */
    ROMA_STUDY_HOLDS,      /* independent, and the model agrees */
    ROMA_STUDY_FAILS,      /* independent, and it does not */
    ROMA_STUDY_DRIFTS,     /* was fitted, and no longer agrees */
    ROMA_STUDY_NOT_REPRODUCED
} roma_study_verdict;

/* One number of a paper beside the model's. Texts are static. */
typedef struct {
    const char *id, *quantity, *unit;
    double paper, model; /* the paper's number and the model's; NAN: none is printed; no mechanism gives it */
    double error;        /* model/paper - 1; NAN where that says nothing */
    roma_study_kind kind;
    roma_study_verdict verdict;
    const char *parameter; /* of the chip, calibrated on this line; NULL: none */
    const char *source;
    char remark[200];
} roma_study_line;

/* A contradiction among the papers' own numbers, or between them and what fits. */
typedef struct {
    const char *id, *text, *unit; /* static */
    double left, right;           /* the two numbers that should agree, or be ordered */
} roma_study_note;

enum { ROMA_STUDY_LINES = 96, ROMA_STUDY_NOTES = 16 };
/* A study: plain memory of its caller, which needs no end. */
typedef struct {
    roma_study_line lines[ROMA_STUDY_LINES];
    size_t n_lines;
    roma_study_note notes[ROMA_STUDY_NOTES];
    size_t n_notes;
    double decode_calibrated, decode_contract; /* tokens/s at an empty cache of chips roma and roma-contract */
} roma_study;

/* Checks an override: KEY=V is for ROMA and its variants, CHIP:KEY=V for that chip alone. EUSAGE when CHIP is not
 * built in. Keys and values are checked by roma_study_run. */
int roma_study_check_set(const char *item, roma_error *err);
/* Computes every line with the built-in chips under n_set overrides: seconds of one CPU. Errors of
 * roma_study_check_set, roma_chip_set and roma_chip_check; ENOMEM. *out is then incomplete. */
int roma_study_run(roma_study *out, const char *const *set, size_t n_set, roma_error *err);
/* Whether no independent line fails and no fitted one drifts. */
bool roma_study_holds(const roma_study *s);

#ifdef __cplusplus
}
#endif
#endif
