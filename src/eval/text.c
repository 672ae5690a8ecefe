/* How a text is cut, and what sums say. */
#include "roma/eval.h"

#include <math.h>

int roma_eval_cut(roma_eval_text *t, uint32_t vocab, const char *file, roma_error *err) {
    for (size_t i = 0; i < t->n; i++)
        if (t->ids[i] < 0 || (uint32_t)t->ids[i] >= vocab)
            return roma_fail(err, ROMA_EINPUT, file, ROMA_NOWHERE, "token %zu is %d, not in the vocabulary of %u", i,
                             t->ids[i], vocab);
    if (t->n > UINT32_MAX) return roma_fail(err, ROMA_EINPUT, file, ROMA_NOWHERE, "the text is too long");
    if (t->is_whole) t->ctx = (uint32_t)t->n;
    const uint32_t fit = t->ctx ? (uint32_t)t->n / t->ctx : 0;
    if (!t->n) return roma_fail(err, ROMA_EINPUT, file, ROMA_NOWHERE, "there are no tokens to evaluate");
    if (!fit)
        return roma_fail(err, ROMA_EINPUT, file, ROMA_NOWHERE,
                         "%zu tokens do not fill a window of %u; smaller windows would be", t->n, t->ctx);
    if (!t->windows || t->windows > fit) t->windows = fit;
    return ROMA_OK;
}

void roma_eval_add(roma_eval_sums *to, const roma_eval_sums *s) {
    to->scored += s->scored;
    to->nll += s->nll;
    to->nll_against += s->nll_against;
    to->kl += s->kl;
    to->kl_squared += s->kl_squared;
    to->same += s->same;
}

static double mean_error(const roma_eval_sums *s) {
    const double n = s->scored, mean = s->kl / n, variance = (s->kl_squared / n - mean * mean) * n / (n - 1);
    return n > 1 && variance > 0 ? sqrt(variance / n) : 0;
}

void roma_eval_figures_get(const roma_eval_sums *s, bool compared, roma_eval_figures *out) {
    const bool any = s->scored > 0, both = any && compared;
    *out = (roma_eval_figures){.perplexity = any ? roma_exp_double(s->nll / s->scored) : (double)NAN,
                               .perplexity_against = both ? roma_exp_double(s->nll_against / s->scored) : (double)NAN,
                               .kl_mean = both ? s->kl / s->scored : (double)NAN,
                               .kl_error = both ? mean_error(s) : (double)NAN,
                               .top1 = both ? s->same / s->scored : (double)NAN};
}
