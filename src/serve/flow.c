/* Answers as they flow: what slots hold is told as long as there is room, and the end of each request. All of this runs
 * on the network's thread. */
#include "serve/internal.h"

enum { OUT_ENOUGH = 4096 }; /* bytes of events that wait before more are made */

/* ---- sending ---- */

static void finish(exchange *x) {
    roma_buf b = {0};
    if (x->a.stream && !x->rows) {
        roma_serve_begin(x);
        x->writes->end(&x->t, &x->out);
        x->is_ended = true;
        roma_serve_end_stream(x);
        return;
    }
    if (!x->rows)
        x->writes->whole(&x->t, &b);
    else if (x->form == ASKED_OEMBED)
        roma_serve_told_embeddings_ollama(&x->t, x->rows, x->s->width, &b);
    else
        roma_serve_told_embeddings(&x->t, x->rows, x->s->width, &b);
    for (size_t i = 0; i < x->t.n; i++)
        b.failed |= x->t.choices[i].content.failed || x->t.choices[i].probs.failed || x->t.choices[i].ids.failed;
    roma_serve_reply(x, 200, &b);
}

/* What more its answers would say is not wanted. */
static bool is_over(const exchange *x) { return x->is_answered || x->is_ended; }

/* Reads the slots of an exchange once; true: there was something. Gives back those that are over. */
static bool read_slots(exchange *x) {
    bool any = false;
    for (uint32_t i = 0; i < x->s->n_slots; i++) {
        slot *l = &x->s->slots[i];
        if (l->x != x) continue;
        while (!is_over(x) && !(x->a.stream && x->out.len > OUT_ENOUGH) && roma_serve_take(x, l)) any = true;
        if (!is_over(x) && roma_serve_slot_done(l)) {
            roma_serve_give_back(l);
            any = true;
        }
    }
    return any;
}

void roma_serve_pump(exchange *x) {
    if (x->with_worker || !x->a.q) return;
    while (!is_over(x)) {
        if (x->is_begun && !roma_serve_flush(x)) return; /* `room` comes */
        roma_serve_submit_more(x);
        if (read_slots(x)) continue;
        if (is_over(x) || x->live || x->next < x->t.n || !x->t.n) return;
        finish(x);
    }
    if (!x->is_answered) roma_serve_end_stream(x);
}

void roma_serve_woken(roma_serve *s) {
    s->is_told = false;
    roma_serve_worked(s);
    for (exchange *x = s->all, *follow; x; x = follow) {
        follow = x->follow;
        if (x->http) roma_serve_pump(x);
    }
    roma_serve_sweep(s);
}

/* ---- the end ---- */

void roma_serve_end_all(roma_serve *s) {
    s->is_ending = true;
    for (exchange *x = s->all, *follow; x; x = follow) {
        follow = x->follow;
        if (!x->http || x->is_answered) continue;
        if (x->with_worker) { /* whose x->error is the worker's */
            x->is_answered = true;
            roma_serve_refuse(x->http, 503, "shutting_down", "the server ends",
                              x->writes->error != roma_serve_told_error_json);
            continue;
        }
        roma_serve_error(&x->error, 503, "shutting_down", NULL, "the server ends");
        roma_serve_give_up(x);
    }
}
