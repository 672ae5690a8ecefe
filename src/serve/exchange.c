/* Exchanges: from a request of HTTP until nobody has it any more, and how it is answered. All of this runs on the
 * network's thread. */
#include "serve/internal.h"

/* ---- exchanges ---- */

exchange *roma_serve_exchange(roma_serve *s, roma_http_exchange *http) {
    static const char text[] = "no memory for the request; try again later";
    exchange *x = roma_alloc_array(1, sizeof *x);
    if (!x) {
        roma_serve_refuse(http, 503, "out_of_memory", text, false);
        return NULL;
    }
    *x = (exchange){.s = s, .http = http, .writes = &roma_serve_told_text, .began = roma_now(), .follow = s->all};
    if (s->all) s->all->prev = x;
    s->all = x;
    s->n_exchanges++;
    roma_http_set_user(http, x);
    return x;
}

static void free_choice(choice *c) {
    roma_buf *const all[] = {&c->content, &c->reasoning, &c->calls, &c->texts, &c->probs, &c->ids, &c->item};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) roma_buf_destroy(all[i]);
}

/* When nobody has it any more: neither the front nor the worker nor the driver. */
static void free_if_over(exchange *x) {
    roma_serve *s = x->s;
    if (x->http || x->with_worker || x->live) return;
    for (size_t i = 0; i < x->t.n; i++) free_choice(&x->t.choices[i]);
    for (size_t i = 0; i < x->n_prompts; i++) roma_free(x->ids[i]);
    roma_free(x->t.choices);
    roma_free(x->ids);
    roma_free(x->n_ids);
    roma_free(x->rows);
    roma_serve_tools_free(x);
    roma_constrain_destroy(x->shape);
    roma_free(x->body);
    roma_buf_destroy(&x->out);
    roma_serve_asked_free(&x->a);
    if (x->prev) x->prev->follow = x->follow;
    if (x->follow) x->follow->prev = x->prev;
    if (s->all == x) s->all = x->follow;
    s->n_exchanges--;
    roma_free(x);
}

/* Its answers are wanted no more; slots are given back when the driver is done with them. */
static void cancel(exchange *x) {
    x->next = x->t.n;
    for (uint32_t i = 0; i < x->s->n_slots && x->live; i++)
        if (x->s->slots[i].x == x) roma_answer_cancel(x->s->answer, x->s->slots[i].ticket);
}

/* Slots whose client is gone, or whose request was answered otherwise, are given back when the driver is done. */
void roma_serve_sweep(roma_serve *s) {
    for (uint32_t i = 0; i < s->n_slots; i++) {
        slot *l = &s->slots[i];
        exchange *x = l->x;
        if (!l->in_use || !x || (x->http && !x->is_answered && !x->is_ended)) continue;
        pthread_mutex_lock(&l->lock);
        const bool over = l->is_over;
        pthread_mutex_unlock(&l->lock);
        if (!over) continue;
        roma_serve_slot_give(l);
        x->live--;
        free_if_over(x);
    }
}

void roma_serve_gone(exchange *x) {
    roma_serve *s = x->s;
    x->http = NULL;
    if (x->live && !x->is_answered) x->s->count.cancelled++;
    cancel(x);
    if (x->live)
        roma_serve_sweep(s);
    else
        free_if_over(x);
}

/* ---- answering ---- */

void roma_serve_reply(exchange *x, int status, roma_buf *b) {
    roma_buf_destroy(&x->out);
    x->out = *b;
    *b = (roma_buf){0};
    if (!x->http || x->is_answered) return;
    x->is_answered = true;
    if (x->out.failed)
        roma_http_reply(x->http, 503, NULL, "Retry-After: 1\r\n", NULL, 0);
    else
        roma_http_reply(x->http, status, "application/json", NULL, x->out.data, x->out.len);
}

/* True: all that waited was sent. */
bool roma_serve_flush(exchange *x) {
    while (x->sent < x->out.len) {
        const size_t left = x->out.len - x->sent, n = left < ROMA_HTTP_SEND_MOST ? left : ROMA_HTTP_SEND_MOST;
        if (!roma_http_send(x->http, x->out.data + x->sent, n)) return false;
        x->sent += n;
    }
    x->sent = x->out.len = 0;
    return true;
}

/* The end of an exchange by an error: the answer, or the last event of one that has begun. */
void roma_serve_give_up(exchange *x) {
    cancel(x);
    x->s->count.failed++;
    if (!x->http || x->is_answered || x->is_ended) return;
    if (!x->is_begun) {
        roma_serve_fail(x);
        return;
    }
    x->writes->fail(&x->t, &x->error, &x->out);
    x->is_ended = true;
    roma_serve_end_stream(x);
}

void roma_serve_end_stream(exchange *x) {
    if (x->out.failed)
        roma_http_cut(x->http);
    else if (roma_serve_flush(x))
        roma_http_finish(x->http);
    else
        return; /* `room` comes */
    x->is_answered = true;
}

void roma_serve_begin(exchange *x) {
    static const char extra[] = "Cache-Control: no-cache\r\nX-Accel-Buffering: no\r\n";
    if (x->is_begun) return;
    x->is_begun = true;
    roma_http_begin(x->http, 200, x->writes->stream_type, extra);
    if (x->writes->begin) x->writes->begin(&x->t, &x->out);
}
