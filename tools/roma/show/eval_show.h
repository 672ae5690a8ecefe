/* Figures of roma eval as text and JSON. */
#ifndef TOOLS_EVAL_SHOW_H
#define TOOLS_EVAL_SHOW_H

#include "roma/eval.h"

typedef struct {
    const roma_eval_text *text;
    const roma_eval_sums *sums;
    const char *against; /* what it was compared with; NULL: nothing */
    const char *hash;    /* over all logits; NULL: not asked for */
    double seconds;
} eval_shown;

void eval_text(const eval_shown *e, roma_buf *out);
void eval_json(const eval_shown *e, roma_buf *out);

#endif
