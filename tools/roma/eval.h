/* roma eval: what its options say, and what its windows add up to. */
#ifndef TOOLS_EVAL_H
#define TOOLS_EVAL_H

#include "ranks.h"
#include "tool.h"
#include "roma/ref.h"

typedef struct {
    session_config session;
    const char *text, *ids, *dump, *dump_against, *against; /* against: an image, or "fp32" */
    uint32_t ctx, windows;
    bool all, hash, json;
} eval_options;

/* Sums over scored positions; doubles alone, so that ranks can send them. */
typedef struct {
    double scored, nll;                       /* negative log likelihood of the next token */
    double nll_against, kl, kl_squared, same; /* with --against */
} eval_sums;

typedef struct {
    const eval_options *o;
    ranks ranks;
    session s, other;
    roma_ref *fp32;
    roma_outfile dump, dump_against; /* open when asked for */
    roma_sha256 hash;
    int32_t *ids;
    size_t n_ids;
    uint32_t vocab, ctx, windows, from; /* positions from..ctx-2 of a window are scored */
    uint32_t window;                    /* the one at work, and this rank's */
    size_t first_window, end_window;
    eval_sums sums;
} eval;

/* Opens images, text and files, cuts the windows and gives this rank its own. */
int eval_open(eval *e, roma_error *err);
void eval_close(eval *e); /* dumps that were not committed are gone then */
/* This rank's windows, and at rank 0 the sums of all. */
int eval_run(eval *e, roma_error *err);

#endif
