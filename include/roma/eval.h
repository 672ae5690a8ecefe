/* eval - how well a model predicts a text, and how far its predictions are from another's: perplexity, mean KL
 * divergence, how often the most likely token is the same.
 *
 * The text is token ids, cut into windows of ctx tokens. Positions ctx/2 to ctx-2 of a window are scored: each predicts
 * the token after it, as llama.cpp's perplexity tool does it. Sums are double and in order of position, exp and log are
 * num's, so a figure is the same on every machine, with any number of threads. Windows are independent of each other:
 * several processes may take some each, and sums that are added in order of window give the same bits, whichever
 * process made which. Threads: one thread at a time uses an engine, as roma/exec.h says. A call empties sequence 0 of
 * its engines; calls on different engines share nothing.
 */
#ifndef ROMA_EVAL_H
#define ROMA_EVAL_H

#include "roma/exec.h"
#include "roma/ref.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- the text ---- */

typedef struct {
    const int32_t *ids; /* n of them, the caller's, needed as long as the text is */
    size_t n;
    int32_t
        begin; /* the token that takes the place of each window's first, where a model's settings add one; -1: none */
    bool is_whole; /* one window of everything, whose positions are all scored; its last one has nothing to predict */
    uint32_t ctx;  /* tokens of a window, 2 or more; of a whole text roma_eval_cut sets it */
    uint32_t windows; /* the first so many, 0: all; roma_eval_cut sets how many there are */
} roma_eval_text;
/* Decides ctx and windows of a text. EINPUT, with file as the text's name, when the text fills no window, or has a
 * token that is not in the vocabulary. */
int roma_eval_cut(roma_eval_text *t, uint32_t vocab, const char *file, roma_error *err);

/* ---- sums ---- */

/* Over scored positions. All members are double, so that processes can exchange them as an array of ROMA_EVAL_SUMS. */
typedef struct {
    double scored, nll;                       /* how many; negative log likelihood of the next token, nats */
    double nll_against, kl, kl_squared, same; /* 0 where nothing is compared; kl: KL(other || model) a position, nats */
} roma_eval_sums;
enum { ROMA_EVAL_SUMS = sizeof(roma_eval_sums) / sizeof(double) };
/* Adds sums to sums, member by member. */
void roma_eval_add(roma_eval_sums *to, const roma_eval_sums *s);

/* What sums say. A figure is NaN where the sums do not give one: all figures without a scored position, the last four
 * without a comparison. */
typedef struct {
    double perplexity;
    double perplexity_against, kl_mean, kl_error, top1; /* kl_error: standard error of the mean; top1: share, 0 to 1 */
} roma_eval_figures;
/* Figures that the sums give; `compared`: something was compared. */
void roma_eval_figures_get(const roma_eval_sums *s, bool compared, roma_eval_figures *out);

/* ---- a run ---- */

/* A model of a run: an engine with context for a window and a sequence at least, the engine's image, the adapter set
 * of its rows, and its name in messages. */
typedef struct {
    roma_exec *exec;
    const roma_image *image;
    uint32_t set;
    const char *file;
} roma_eval_model;

/* The logits of one scored position, vocab values; other: those compared with, or NULL. Nonzero ends the run with that
 * code; the function then fills err. */
typedef int (*roma_eval_logits_fn)(void *ctx, const float *logits, const float *other, uint32_t vocab, roma_error *err);

/* A run: what is evaluated, what with, whom to tell. */
typedef struct {
    roma_eval_model model;
    roma_eval_model against;         /* what to compare with; exec NULL: nothing, unless against_fp32 */
    bool against_fp32;               /* the model's own weights evaluated by roma/ref.h, without adapters */
    const roma_model *against_model; /* those of a model file, evaluated likewise; NULL: not. Its name: against.file */
    roma_eval_logits_fn logits;      /* may be NULL; called in order of window and position */
    void *logits_ctx;
    const roma_progress *progress; /* may be NULL; thousandths of the run's windows */
} roma_eval_config;

/* Evaluates windows first to end - 1 of a text that was cut: sums[i] are those of window first + i. EINPUT when
 * vocabularies differ, or a logit is infinite or no number, for which none of this is defined; EUSAGE when an engine's
 * context is shorter than a window; ENOMEM; ECANCEL when progress says so. */
int roma_eval_run(const roma_eval_config *c, const roma_eval_text *t, uint32_t first, uint32_t end,
                  roma_eval_sums *sums, roma_error *err);

/* The same of two sets of weights in FP32, without an engine (roma/ref.h), over all windows of a text that was cut:
 * *sums are those of `model`, compared with `other`. Both must outlive the call. EINPUT as above, with names "model"
 * and "other"; ENOMEM; ECANCEL when progress, which may be NULL, says so. */
int roma_eval_fp32(const roma_ref_weights *model, const roma_ref_weights *other, const roma_eval_text *t,
                   roma_team *team, const roma_progress *progress, roma_eval_sums *sums, roma_error *err);

#ifdef __cplusplus
}
#endif
#endif
