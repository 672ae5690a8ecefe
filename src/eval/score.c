/* One position: likelihood of the next token, divergence of two rows of logits. */
#include "eval/internal.h"

#include "roma/num.h"

static uint32_t find_infinite(const float *x, uint32_t n) {
    uint32_t i = 0;
    while (i < n && x[i] - x[i] == 0) i++;
    return i;
}

static uint32_t top(const float *x, uint32_t n) {
    uint32_t best = 0;
    for (uint32_t i = 1; i < n; i++)
        if (x[i] > x[best]) best = i;
    return best;
}

void roma_eval_score(roma_eval_position *p, uint32_t vocab) {
    p->s = (roma_eval_sums){0};
    p->bad = find_infinite(p->logits, vocab);
    p->bad_other = p->other ? find_infinite(p->other, vocab) : vocab;
    if (p->bad < vocab || p->bad_other < vocab || p->next < 0) return;
    const double norm = roma_log_sum_exp(p->logits, vocab);
    p->s.scored = 1;
    p->s.nll = norm - (double)p->logits[p->next];
    if (!p->other) return;
    const double other_norm = roma_log_sum_exp(p->other, vocab);
    p->s.nll_against = other_norm - (double)p->other[p->next];
    p->s.kl = roma_divergence(p->other, other_norm, p->logits, norm, vocab);
    p->s.kl_squared = p->s.kl * p->s.kl;
    p->s.same = top(p->other, vocab) == top(p->logits, vocab);
}
