/* One answer as it grows: sampling, text out of tokens, and every reason to stop. Used by run, its batches and chat. */
#ifndef TOOLS_REPLY_H
#define TOOLS_REPLY_H

#include "ask.h"
#include "tool.h"

typedef struct {
    const ask *ask;
    const session *s;
    int32_t *ids; /* prompt, then the answer; owned */
    size_t n_prompt, n, cap;
    uint32_t context;
    roma_detok detok;
    roma_buf text;    /* so far; cut before a stop text */
    size_t shown;     /* bytes of text that no stop text can take back */
    const char *stop; /* why it ended: eos, stop, length, context; NULL while it goes on */
    bool hashes;
    roma_sha256 hash;           /* over all logits sampled from */
    size_t drawn;               /* tokens drawn, an end-of-text one too */
    double first_s, decode_s;   /* to the first token, and from there to the last */
    uint32_t set;               /* of adapters; the session's unless it is changed before the reply is submitted */
    roma_request_status status; /* when it is over */
} reply;

/* Takes ids (n_prompt of them, from roma_alloc) over. continues: the answer goes on in the prompt's text, so that its
 * first blank is text too. */
int reply_begin(reply *r, const session *s, const ask *a, int32_t *ids, size_t n_prompt, bool continues, bool hashes,
                roma_error *err);
/* Hands it to the session's batch, which appends tokens until r->stop is set. r stays where it is until the request is
 * over. */
int reply_submit(reply *r, uint32_t *id, roma_error *err);
/* Runs it as the batch's only request until it is over, it fails or SIGINT comes (ECANCEL); show, after each step that
 * drew tokens. */
typedef void (*reply_show)(void *ctx, const reply *r);
int reply_run(reply *r, reply_show show, void *ctx, roma_error *err);
void reply_destroy(reply *r);

#endif
