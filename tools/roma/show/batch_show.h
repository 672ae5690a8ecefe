/* Answers of run --jsonl as lines of JSON: in roma's own form, or in that of OpenAI's batches. */
#ifndef TOOLS_BATCH_SHOW_H
#define TOOLS_BATCH_SHOW_H

#include "reply.h"

enum { PROBS_TOP_MAX = 20 };
/* A token with the logarithm of its probability, before penalties and temperature. */
typedef struct {
    int32_t id;
    float logprob;
} token_prob;
/* Of one token of an answer: its own, then the n likeliest. */
typedef struct {
    token_prob own, top[PROBS_TOP_MAX];
    uint32_t n;
} token_probs;
/* n likeliest, at most PROBS_TOP_MAX, of `vocab` logits; token is the one that was drawn. */
void token_probs_of(token_probs *p, const float *logits, uint32_t vocab, int32_t token, uint32_t n);

/* An answer, or with rc the error that a request ended with. */
typedef struct {
    const roma_answer_line *line;
    const roma_tokenizer *tok;
    const reply *r;           /* NULL: there is none */
    const token_probs *probs; /* of the answer's tokens; NULL: not asked for */
    const char *error;        /* of rc */
    int rc;
    bool hash, draws; /* a hash of the logits; a seed that mattered */
} batch_answer;
/* One line. */
void batch_answer_json(const batch_answer *b, roma_buf *out);

#endif
