/* Answers of run --jsonl as lines of JSON: in roma's own form, or in that of OpenAI's batches. */
#ifndef TOOLS_BATCH_SHOW_H
#define TOOLS_BATCH_SHOW_H

#include "reply.h"

/* An answer, or with rc the error that a request ended with. */
typedef struct {
    const roma_answer_line *line;
    const roma_tokenizer *tok;
    const reply *r;                 /* NULL: there is none */
    const roma_answer_probs *probs; /* of the answer's tokens; NULL: not asked for */
    const roma_calls_form *form;    /* the model's */
    const roma_calls_tools *tools; /* of a line in OpenAI's form: the answer is parsed; NULL: it is told as it stands */
    uint32_t n_reasoning;          /* tokens of the answer that are reasoning */
    bool thinks;                   /* the answer begins within reasoning */
    uint32_t most;                 /* calls at most; 0: ROMA_CALLS_MOST */
    const char *error;             /* of rc */
    int rc;
    bool hash, draws; /* a hash of the logits; a seed that mattered */
} batch_answer;
/* One line. */
void batch_answer_json(const batch_answer *b, roma_buf *out);

#endif
