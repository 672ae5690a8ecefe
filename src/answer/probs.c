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

/* Members of an object that is open. */
static void put_prob(roma_json *j, const roma_tokenizer *tok, const roma_answer_prob *t) {
    char bytes[ROMA_TOKEN_BYTES_MAX];
    const size_t n = roma_token_bytes(tok, t->id, true, bytes, sizeof bytes);
    roma_json_text(j, "token", bytes, n);
    roma_json_int(j, "id", t->id);
    roma_json_real(j, "logprob", (double)t->logprob);
    roma_json_open(j, "bytes", '[');
    for (size_t i = 0; i < n; i++) roma_json_int(j, NULL, (uint8_t)bytes[i]);
    roma_json_close(j, ']');
}

void roma_answer_probs_json(roma_json *j, const char *key, const roma_tokenizer *tok, const roma_answer_probs *list,
                            size_t n) {
    roma_json_open(j, key, '[');
    for (size_t i = 0; i < n; i++) {
        roma_json_open(j, NULL, '{');
        put_prob(j, tok, &list[i].own);
        roma_json_open(j, "top_logprobs", '[');
        for (uint32_t k = 0; k < list[i].n; k++) {
            roma_json_open(j, NULL, '{');
            put_prob(j, tok, &list[i].top[k]);
            roma_json_close(j, '}');
        }
        roma_json_close(j, ']');
        roma_json_close(j, '}');
    }
    roma_json_close(j, ']');
}
