/* Logarithms of probabilities of an answer's tokens, as the model has them: before penalties and temperature. */
#include "roma/answer.h"

#include <math.h>

static void insert(roma_answer_probs *p, uint32_t most, roma_answer_prob t) {
    uint32_t i = p->n < most ? p->n++ : most;
    if (i == most && (!most || t.logprob <= p->top[most - 1].logprob)) return;
    if (i == most) i--;
    for (; i && p->top[i - 1].logprob < t.logprob; i--) p->top[i] = p->top[i - 1];
    p->top[i] = t;
}

void roma_answer_probs_of(roma_answer_probs *p, const float *logits, uint32_t vocab, int32_t token, uint32_t n) {
    double best = (double)logits[0], sum = 0;
    *p = (roma_answer_probs){.own = {token, 0}};
    for (uint32_t i = 1; i < vocab; i++) best = (double)logits[i] > best ? (double)logits[i] : best;
    for (uint32_t i = 0; i < vocab; i++) sum += exp((double)logits[i] - best);
    const double all = best + log(sum);
    for (uint32_t i = 0; i < vocab; i++) insert(p, n, (roma_answer_prob){(int32_t)i, logits[i]});
    for (uint32_t i = 0; i < p->n; i++) p->top[i].logprob = (float)((double)p->top[i].logprob - all);
    p->own.logprob = (float)((double)logits[token] - all);
}
