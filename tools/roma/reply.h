/* One answer as a terminal gets it: printed while it grows, stopped by a signal. Used by run and chat. */
#ifndef TOOLS_REPLY_H
#define TOOLS_REPLY_H

#include "tool.h"

typedef struct {
    const session *s;
    bool silent, hashes; /* print nothing; hash the logits */
    roma_buf text;
    int32_t *ids; /* of the answer, owned */
    size_t n, n_prompt;
    roma_sha256 hash; /* over all logits sampled from */
    roma_answer_result result;
    bool is_over;
    int rc;
    roma_error err;
} reply;

/* Runs q, whose callbacks are the reply's, until it is over, fails, or SIGINT comes (ECANCEL). *r, all zero but for s,
 * silent and hashes, is to be destroyed after a failure too. */
int reply_run(reply *r, roma_answer_request q, roma_error *err);
/* eos, stop, length, context, or interrupted. */
const char *reply_stop(const reply *r);
double reply_decode_s(const reply *r); /* from the first token to the last */
void reply_destroy(reply *r);

/* Callbacks and their part of *r, also for the requests of --jsonl, which are run by other means. */
void reply_token(void *ctx, int32_t token, const float *logits);
int reply_text(void *ctx, const char *text, size_t len);
void reply_over(void *ctx, const roma_answer_result *result);
/* A request whose callbacks these are. */
roma_answer_request reply_request(reply *r, const roma_answer_ask *ask, const int32_t *ids, size_t n, unsigned flags,
                                  const lora_list *l);

#endif
