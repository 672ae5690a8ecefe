/* What an answer grows by: records of its slot, told in its protocol. All of this runs on the network's thread. */
#include "serve/internal.h"

static void emit(exchange *x, size_t k, told_delta *d) {
    choice *c = &x->t.choices[k];
    if (!x->a.stream) return;
    roma_serve_begin(x);
    if (d->kind == TOLD_CONTENT || d->kind == TOLD_FINISH) {
        d->n_probs = c->probs.len / sizeof(roma_answer_probs) - c->n_told;
        if (d->n_probs) d->probs = (const roma_answer_probs *)(void *)c->probs.data + c->n_told;
        d->ids = (const int32_t *)(void *)c->ids.data;
        d->n_ids = c->ids.len / sizeof(int32_t);
    }
    x->writes->delta(&x->t, k, d, &x->out);
    if (d->kind != TOLD_CONTENT) return;
    c->ids.len = 0;
    if (x->writes->keeps)
        c->n_told += d->n_probs;
    else
        c->probs.len = 0;
}

void roma_serve_grow(exchange *x, size_t k, const told_delta *d) {
    choice *c = &x->t.choices[k];
    told_delta more = *d;
    if (!x->a.stream || x->writes->keeps) {
        if (d->kind == TOLD_CONTENT) roma_buf_append(&c->content, d->text, d->len);
        if (d->kind == TOLD_REASONING) roma_buf_append(&c->reasoning, d->text, d->len);
    }
    emit(x, k, &more);
}

static const char *finish_of(const slot *l) {
    return l->stop == ROMA_ANSWER_LENGTH || l->stop == ROMA_ANSWER_CONTEXT ? "length" : "stop";
}

/* The mean of the rows, of length 1. */
static void settle_rows(exchange *x, const slot *l) {
    const uint32_t width = x->s->width;
    float *out = x->rows + l->k * width;
    double square = 0;
    for (uint32_t i = 0; i < width; i++) square += l->sum[i] * l->sum[i];
    const double by = square > 0 ? 1 / __builtin_sqrt(square) : 0;
    for (uint32_t i = 0; i < width; i++) out[i] = (float)(l->sum[i] * by);
}

/* An answer came to its end, and all of it was read. */
static void over(exchange *x, slot *l) {
    roma_serve *s = x->s;
    choice *c = &x->t.choices[l->k];
    told_delta d = {.kind = TOLD_FINISH, .text = ""};
    c->is_over = true;
    c->n_prompt = l->n_prompt;
    c->n_answer = l->n_answer;
    c->n_reasoning = l->n_reasoning;
    c->n_shared = l->n_shared;
    c->first_s = l->first_s;
    c->seconds = l->seconds;
    if (x->rows) {
        settle_rows(x, l);
        s->count.embeddings++;
        return;
    }
    c->finish = finish_of(l);
    roma_serve_text_end(x, l->k);
    emit(x, l->k, &d);
}

/* Takes what a slot holds, as long as there is use for it. False: nothing was there. */
bool roma_serve_take(exchange *x, slot *l) {
    uint8_t data[RECORD_MOST];
    record_kind kind;
    size_t len;
    choice *c = &x->t.choices[l->k];
    if (!roma_serve_slot_next(l, &kind, data, &len)) return false;
    if (kind == RECORD_TEXT) roma_serve_text(x, l->k, (const char *)data, len);
    if (kind == RECORD_PROBS) roma_buf_append(&c->probs, data, len);
    if (kind == RECORD_FORGET) c->probs.len = 0;
    if (kind == RECORD_ID) roma_buf_append(&c->ids, data, len);
    return true;
}

/* A slot whose answer is over leaves; one whose client left at once. */
void roma_serve_give_back(slot *l) {
    exchange *x = l->x;
    x->live--;
    if (!x->is_answered && !l->rc) over(x, l);
    if (!x->is_answered && l->rc) {
        roma_serve_error_of(&x->error, l->rc == ROMA_ECANCEL ? ROMA_ENOMEM : l->rc, &l->err, NULL);
        roma_serve_slot_give(l);
        roma_serve_give_up(x);
        return;
    }
    roma_serve_slot_give(l);
}
