/* eval's own: what is made of the logits of one position. */
#ifndef EVAL_INTERNAL_H
#define EVAL_INTERNAL_H

#include "roma/eval.h"

typedef struct {
    const float *logits, *other; /* other NULL: nothing to compare with */
    int32_t next;                /* the token that follows, -1: nothing is predicted */
    uint32_t bad, bad_other;     /* the first logit that is infinite or no number; the vocabulary's size when none is */
    roma_eval_sums s;
} roma_eval_position;

/* Fills bad, bad_other and s; s stays zero where a logit is bad or nothing is predicted. Re-entrant. */
void roma_eval_score(roma_eval_position *p, uint32_t vocab);

#endif
