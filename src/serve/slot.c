/* Slots: rings that the driver writes and the network's thread reads. A ring that could not take what one more step may
 * give holds its request. */
#include "serve/internal.h"

#include <string.h>

/* ---- the ring, under the lock ---- */

static void put(slot *l, const void *data, size_t n) {
    const size_t cap = l->s->ring_bytes, at = (l->head + l->used) % cap, first = n < cap - at ? n : cap - at;
    memcpy(l->ring + at, data, first);
    memcpy(l->ring, (const uint8_t *)data + first, n - first);
    l->used += n;
}

static void look(const slot *l, size_t from, void *out, size_t n) {
    const size_t cap = l->s->ring_bytes, at = (l->head + from) % cap, first = n < cap - at ? n : cap - at;
    memcpy(out, l->ring + at, first);
    memcpy((uint8_t *)out + first, l->ring, n - first);
}

static void drop(slot *l, size_t n) {
    l->head = (l->head + n) % l->s->ring_bytes;
    l->used -= n;
}

static size_t room(const slot *l) { return l->s->ring_bytes - l->used; }

/* A record is its kind and length in four bytes, then its bytes. False: there is no room, which a vocabulary with
 * tokens longer than it was measured to have would bring about. */
static bool record(slot *l, record_kind kind, const void *data, size_t n) {
    const uint32_t head = (uint32_t)kind << 24 | (uint32_t)n;
    if (room(l) < sizeof head + n) return false;
    put(l, &head, sizeof head);
    put(l, data, n);
    return true;
}

static uint32_t head_of(const slot *l) {
    uint32_t head = 0;
    look(l, 0, &head, sizeof head);
    return head;
}

/* ---- the driver's side ---- */

void roma_serve_tell(roma_serve *s) {
    if (!atomic_exchange(&s->is_told, true)) roma_http_wake(s->http);
}

static void ready(slot *l) { roma_serve_tell(l->s); }

static void hold_when_full(slot *l) {
    if (l->is_held || room(l) >= l->s->step_most) return;
    l->is_held = true;
    roma_answer_hold(l->s->answer, l->ticket, true);
}

void roma_serve_slot_token(void *ctx, int32_t token, const float *logits) {
    slot *l = ctx;
    roma_answer_probs p;
    const roma_tokenizer *tok = roma_answer_tokenizer(l->s->answer);
    l->drawn++;
    if (tok && roma_token_is_eog(tok, token)) return;
    const uint32_t thought = l->thoughts.n;
    if (l->is_chat) roma_answer_thoughts_take(&l->thoughts, token);
    const bool forgets = l->content_only && l->thoughts.n > thought, probs = l->wants_probs && !forgets;
    if (!l->wants_probs && !l->wants_ids) return;
    if (probs) roma_answer_probs_of(&p, logits, l->s->vocab, token, l->top);
    pthread_mutex_lock(&l->lock);
    if (probs) record(l, RECORD_PROBS, &p, sizeof p);
    if (forgets && !thought) record(l, RECORD_FORGET, &token, sizeof token);
    if (l->wants_ids) record(l, RECORD_ID, &token, sizeof token);
    hold_when_full(l);
    pthread_mutex_unlock(&l->lock);
}

int roma_serve_slot_text(void *ctx, const char *text, size_t len) {
    enum { PIECE = 1024 };
    slot *l = ctx;
    bool fits = true;
    pthread_mutex_lock(&l->lock);
    for (size_t at = 0; at < len && fits;) {
        size_t n = len - at < PIECE ? len - at : PIECE;
        while (at + n < len && ((uint8_t)text[at + n] & 0xc0) == 0x80) n--; /* whole characters */
        fits = record(l, RECORD_TEXT, text + at, n);
        at += n;
    }
    hold_when_full(l);
    pthread_mutex_unlock(&l->lock);
    ready(l);
    return !fits;
}

void roma_serve_slot_row(void *ctx, uint32_t position, const float *values) {
    slot *l = ctx;
    (void)position;
    for (uint32_t i = 0; i < l->s->width; i++) l->sum[i] += (double)values[i];
    l->rows++;
}

void roma_serve_slot_over(void *ctx, const roma_answer_result *r) {
    slot *l = ctx;
    pthread_mutex_lock(&l->lock);
    l->rc = r->rc;
    if (r->err) l->err = *r->err;
    l->stop = r->stop;
    l->n_prompt = (uint32_t)r->n_prompt;
    l->n_answer = (uint32_t)r->n_ids;
    l->n_reasoning = l->is_chat ? l->thoughts.n : 0;
    l->n_shared = r->batch.shared;
    l->n_fed = r->batch.fed;
    l->first_s = r->first_s;
    l->seconds = r->seconds;
    l->is_over = true;
    pthread_mutex_unlock(&l->lock);
    ready(l);
}

/* ---- the network's side ---- */

slot *roma_serve_slot_take(roma_serve *s, exchange *x, size_t k) {
    for (uint32_t i = 0; i < s->n_slots; i++) {
        slot *l = &s->slots[i];
        if (l->in_use) continue;
        l->in_use = true;
        l->x = x;
        l->k = k;
        l->head = l->used = 0;
        l->rows = 0;
        l->is_held = l->is_over = false;
        l->drawn = 0;
        l->wants_probs = x->a.q->logprobs;
        l->top = x->a.q->top;
        l->wants_ids = x->a.ids_back;
        l->is_chat = x->talkers != NULL;
        l->content_only = x->form == ASKED_RESPONSE;
        if (l->is_chat) roma_answer_thoughts_begin(&l->thoughts, s->answer, x->talkers[k].parser.c.in_reasoning);
        memset(l->sum, 0, s->width * sizeof *l->sum);
        return l;
    }
    return NULL;
}

void roma_serve_slot_give(slot *l) {
    if (l->is_over) roma_serve_account(l);
    l->in_use = false;
    l->x = NULL;
}

/* Texts that follow one another, as far as they fit. */
static size_t join_texts(slot *l, uint8_t data[RECORD_MOST]) {
    size_t n = 0;
    while (l->used) {
        const uint32_t head = head_of(l);
        const size_t len = head & 0xffffff;
        if (head >> 24 != RECORD_TEXT || n + len > RECORD_MOST) break;
        look(l, sizeof head, data + n, len);
        drop(l, sizeof head + len);
        n += len;
    }
    return n;
}

bool roma_serve_slot_next(slot *l, record_kind *kind, uint8_t data[RECORD_MOST], size_t *len) {
    pthread_mutex_lock(&l->lock);
    const bool is = l->used > 0;
    if (is) {
        const uint32_t head = head_of(l);
        *kind = (record_kind)(head >> 24);
        *len = head & 0xffffff;
        if (*kind == RECORD_TEXT) {
            *len = join_texts(l, data);
        } else {
            look(l, sizeof head, data, *len);
            drop(l, sizeof head + *len);
        }
    }
    if (l->is_held && room(l) >= l->s->ring_bytes / 2 && room(l) >= l->s->step_most) {
        l->is_held = false;
        roma_answer_hold(l->s->answer, l->ticket, false);
    }
    pthread_mutex_unlock(&l->lock);
    return is;
}

bool roma_serve_slot_done(slot *l) {
    pthread_mutex_lock(&l->lock);
    const bool done = l->is_over && !l->used;
    pthread_mutex_unlock(&l->lock);
    return done;
}
