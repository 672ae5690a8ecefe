/* A connection's way from state to state (internal.h). */
#include "http/internal.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { STEPS = 4 }; /* of a connection in its turn: a short request and its answer */

void roma_http_push(roma_http_exchange *x) {
    roma_http *h = x->h;
    if (x->pushed) return;
    x->pushed = true;
    x->next = NULL;
    *h->last = x;
    h->last = &x->next;
}

void roma_http_due(roma_http_exchange *x, uint32_t ms) {
    x->due = ms ? x->h->now + ms : 0;
    if (x->due && x->due < x->h->next_due) x->h->next_due = x->due;
}

/* ---- ends --------------------------------------------------------------------------------------- */

/* Tells the caller, once, and takes back what the exchange had. */
static void tell_over(roma_http_exchange *x, roma_http_why why) {
    roma_http *h = x->h;
    if (x->state != ROMA_HTTP_HELD) return;
    if (why == ROMA_HTTP_GONE) h->counts.gone++;
    h->c.over(h->c.ctx, x, why);
    h->counts.exchanges--;
    roma_http_body_drop(x);
    x->rest = NULL;
    x->rest_len = 0;
    x->wants_room = x->cut = false;
    x->user = NULL;
}

/* Gives the socket and the slot back. x may still be pushed: an advance of what is free does nothing. */
static void release(roma_http_exchange *x) {
    roma_http *h = x->h;
    roma_http_body_drop(x);
    close(x->fd);
    x->fd = -1;
    x->state = ROMA_HTTP_FREE;
    x->due = 0;
    x->next_free = h->free;
    h->free = x;
    h->counts.open--;
    h->extras -= x->extra;
}

void roma_http_drop(roma_http_exchange *x, roma_http_why why) {
    bool is_stalled = why == ROMA_HTTP_STALLED && !roma_http_is_flushed(x);
    tell_over(x, why);
    if (is_stalled) { /* what the system holds for the client goes at once */
        struct linger now = {.l_onoff = 1};
        (void)setsockopt(x->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    }
    release(x);
}

/* What is written is followed by the end; the client gets a moment to see that. */
static void linger(roma_http_exchange *x) {
    (void)shutdown(x->fd, SHUT_WR);
    x->state = ROMA_HTTP_LINGERS;
    roma_http_due(x, x->h->is_ending ? ROMA_HTTP_LINGER / 5 : ROMA_HTTP_LINGER);
}

void roma_http_late(roma_http_exchange *x) {
    x->due = 0;
    if (x->state != ROMA_HTTP_LINGERS && (x->state != ROMA_HTTP_HEAD_ || x->in_len)) x->h->counts.timeouts++;
    if ((x->state == ROMA_HTTP_HEAD_ && x->in_len) || x->state == ROMA_HTTP_BODY) {
        roma_http_refuse(x, ROMA_HTTP_NOT_SLOW);
        roma_http_push(x);
    } else {
        roma_http_drop(x, ROMA_HTTP_STALLED);
    }
}

void roma_http_wind_up(roma_http_exchange *x) {
    if (x->state == ROMA_HTTP_HELD)
        x->close = true;
    else if (x->state == ROMA_HTTP_HEAD_ && !x->in_len)
        release(x);
    else if (x->state == ROMA_HTTP_HEAD_ || x->state == ROMA_HTTP_BODY) {
        roma_http_refuse(x, ROMA_HTTP_NOT_ENDING);
        roma_http_push(x);
    } else if (x->state == ROMA_HTTP_LINGERS)
        roma_http_due(x, ROMA_HTTP_LINGER / 5);
}

/* ---- reading -------------------------------------------------------------------------------------- */

/* Reads up to n bytes; 0: none came. */
static size_t take(roma_http_exchange *x, void *to, size_t n) {
    if (!x->readable || !n) return 0;
    ssize_t got;
    do got = recv(x->fd, to, n, MSG_DONTWAIT);
    while (got < 0 && errno == EINTR);
    if (got > 0) {
        /* Less than there was room for: that is all, and the next bytes are an edge. An end that came already is none.
         */
        if ((size_t)got < n && !x->hup) x->readable = false;
        x->h->counts.bytes_in += (uint64_t)got;
        return (size_t)got;
    }
    x->readable = false;
    if (!got)
        x->eof = true;
    else if (errno != EAGAIN && errno != EWOULDBLOCK)
        x->dead = true;
    return 0;
}

static roma_http_text piece(const roma_http_exchange *x, size_t at, size_t n) {
    return (roma_http_text){(const char *)x->in + at, n};
}

/* A request is complete: the caller has it until `over`. */
static void hand_on(roma_http_exchange *x, const uint8_t *body, size_t n) {
    const roma_http_head *d = &x->head;
    x->q = (roma_http_request){
        .method = d->method, .path = piece(x, d->path, d->path_len), .body = n ? body : NULL, .length = n, .own = x};
    if (d->query) x->q.query = piece(x, d->query, d->query_len);
    x->state = ROMA_HTTP_HELD;
    x->begun = x->chunked = x->answered = x->cut = x->wants_room = false;
    roma_http_due(x, 0);
    x->h->counts.requests++;
    x->h->counts.exchanges++;
    x->h->c.request(x->h->c.ctx, x, &x->q);
}

/* Everything about a complete head that can be wrong; GOOD: a body may come, if there is one. */
static roma_http_verdict judge(roma_http_exchange *x) {
    roma_http_head *d = &x->head;
    roma_http_verdict v = roma_http_head_check(d);
    if (v != ROMA_HTTP_GOOD) return v;
    const roma_http_place *host = &d->header[d->host], *origin = &d->header[d->origin];
    v = roma_http_guard_host(&x->h->guard, (const char *)x->in + host->value, host->value_len);
    if (v != ROMA_HTTP_GOOD) return v;
    if (d->seen & ROMA_HTTP_HAS_ORIGIN) {
        v = roma_http_guard_origin(&x->h->guard, (const char *)x->in + origin->value, origin->value_len, &x->allow);
        if (v != ROMA_HTTP_GOOD) return v;
    }
    if (d->method == ROMA_HTTP_OPTIONS && !x->allow) return ROMA_HTTP_NOT_NO_OPTIONS;
    return d->length > x->h->c.body_most ? ROMA_HTTP_NOT_TOO_LARGE : ROMA_HTTP_GOOD;
}

/* Bytes behind the head are the body's first. */
static void begin_body(roma_http_exchange *x) {
    static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
    const roma_http_head *d = &x->head;
    bool is_chunked = d->seen & ROMA_HTTP_HAS_CODING;
    x->state = ROMA_HTTP_BODY;
    x->body_at = d->scanned;
    x->want = d->length;
    x->got = 0;
    x->chunks = (roma_http_chunks){.room = x->h->c.body_most};
    x->in_area = is_chunked || d->length > (uint64_t)(ROMA_HTTP_IN - d->scanned);
    roma_http_due(x, x->h->c.body_ms);
    if ((d->seen & ROMA_HTTP_HAS_CONTINUE) && (is_chunked || d->length) && x->in_len == x->body_at)
        roma_http_put(x, go_on, sizeof go_on - 1);
}

/* Who listed origins gets preflights answered. */
static void preflight(roma_http_exchange *x) {
    begin_body(x);
    x->state = ROMA_HTTP_HELD; /* for roma_http_reply alone: nobody is told */
    x->q = (roma_http_request){.method = ROMA_HTTP_OPTIONS};
    roma_http_reply(x, 204, NULL,
                    "Access-Control-Allow-Methods: GET, HEAD, POST, DELETE\r\n"
                    "Access-Control-Allow-Headers: *, Authorization\r\nAccess-Control-Max-Age: 600\r\n",
                    NULL, 0);
    x->state = ROMA_HTTP_CLOSING;
}

static void read_head(roma_http_exchange *x) {
    size_t before = x->in_len;
    if (x->head.scanned == x->in_len) x->in_len += (uint32_t)take(x, x->in + x->in_len, ROMA_HTTP_IN - x->in_len);
    if (!before && x->in_len && !x->fresh) roma_http_due(x, x->h->c.head_ms);
    roma_http_verdict v = roma_http_head_read(&x->head, x->in, x->in_len);
    if (v == ROMA_HTTP_MORE) return;
    if (v == ROMA_HTTP_GOOD) v = judge(x);
    if (v != ROMA_HTTP_GOOD) {
        roma_http_refuse(x, v);
        return;
    }
    x->fresh = false;
    x->close = x->head.close;
    if (x->head.method == ROMA_HTTP_OPTIONS)
        preflight(x);
    else
        begin_body(x);
}

/* ---- bodies --------------------------------------------------------------------------------------- */

/* A body that fits behind its head. */
static roma_http_verdict read_beside(roma_http_exchange *x) {
    uint64_t end = x->body_at + x->want;
    if (x->in_len < end) x->in_len += (uint32_t)take(x, x->in + x->in_len, ROMA_HTTP_IN - x->in_len);
    if (x->in_len < end) return ROMA_HTTP_MORE;
    hand_on(x, x->in + x->body_at, (size_t)x->want);
    return ROMA_HTTP_GOOD;
}

/* A body of known length in its area: what came with the head is copied, the rest read into place. */
static roma_http_verdict read_long(roma_http_exchange *x) {
    uint64_t came = x->in_len - x->body_at;
    uint64_t next = came ? came : x->want - x->got < ROMA_HTTP_GRAIN ? x->want - x->got : ROMA_HTTP_GRAIN;
    if (!roma_http_body_grow(x, x->got + next)) return ROMA_HTTP_NOT_NO_MEMORY;
    if (came)
        memcpy(x->area, x->in + x->body_at, (size_t)came);
    else
        came = take(x, x->area + x->got, (size_t)next);
    x->in_len = x->body_at;
    x->got += came;
    if (x->got < x->want) return ROMA_HTTP_MORE;
    hand_on(x, x->area, (size_t)x->want);
    return ROMA_HTTP_GOOD;
}

/* Decodes n bytes at `at`; *used: how many belonged to this body. */
static roma_http_verdict decode(roma_http_exchange *x, const uint8_t *at, size_t n, size_t *used) {
    roma_http_verdict v = ROMA_HTTP_MORE;
    for (*used = 0; *used < n && v == ROMA_HTTP_MORE;) {
        size_t framing, data;
        v = roma_http_chunks_read(&x->chunks, at + *used, n - *used, &framing, &data);
        if (v != ROMA_HTTP_GOOD && v != ROMA_HTTP_MORE) return v;
        if (data && !roma_http_body_grow(x, x->got + data)) return ROMA_HTTP_NOT_NO_MEMORY;
        if (data) memcpy(x->area + x->got, at + *used + framing, data);
        x->got += data;
        *used += framing + data;
    }
    return v;
}

static roma_http_verdict read_chunks(roma_http_exchange *x) {
    size_t used;
    if (x->in_len == x->body_at) x->in_len += (uint32_t)take(x, x->in + x->in_len, ROMA_HTTP_IN - x->in_len);
    roma_http_verdict v = decode(x, x->in + x->body_at, x->in_len - x->body_at, &used);
    memmove(x->in + x->body_at, x->in + x->body_at + used, x->in_len - x->body_at - used);
    x->in_len -= (uint32_t)used;
    if (v == ROMA_HTTP_GOOD) hand_on(x, x->area, (size_t)x->got);
    return v;
}

static void read_body(roma_http_exchange *x) {
    roma_http_verdict v = !x->in_area                           ? read_beside(x)
                          : x->head.seen & ROMA_HTTP_HAS_CODING ? read_chunks(x)
                                                                : read_long(x);
    if (v != ROMA_HTTP_GOOD && v != ROMA_HTTP_MORE) roma_http_refuse(x, v);
}

/* ---- one step of a connection ------------------------------------------------------------------------ */

/* The answer is gone: the connection's next request, or its end. */
static void next_request(roma_http_exchange *x) {
    uint32_t used = x->body_at + (x->in_area ? 0 : (uint32_t)x->want);
    memmove(x->in, x->in + used, x->in_len - used);
    x->in_len -= used;
    x->head = (roma_http_head){0};
    x->allow = NULL;
    x->begun = false;
    x->state = ROMA_HTTP_HEAD_;
    roma_http_due(x, x->in_len ? x->h->c.head_ms : x->h->c.idle_ms);
}

static void after_answer(roma_http_exchange *x) {
    tell_over(x, ROMA_HTTP_SENT);
    if (x->eof)
        release(x);
    else if (x->close)
        linger(x);
    else
        next_request(x);
}

static void held(roma_http_exchange *x) {
    roma_http *h = x->h;
    if (x->cut) {
        x->close = true;
        tell_over(x, ROMA_HTTP_CUT);
        x->state = ROMA_HTTP_CLOSING;
        roma_http_due(x, h->c.write_ms);
    } else if (x->answered) {
        if (roma_http_is_flushed(x)) after_answer(x);
    } else if (x->hup) {
        roma_http_drop(x, ROMA_HTTP_GONE);
    } else if (x->wants_room && roma_http_is_flushed(x)) {
        x->wants_room = false;
        if (h->c.room) h->c.room(h->c.ctx, x);
    }
}

static void throw_away(roma_http_exchange *x) {
    (void)take(x, x->in, ROMA_HTTP_IN);
    if (x->eof || x->dead)
        release(x);
    else if (x->readable)
        roma_http_push(x);
}

/* One step; whether the next one can follow at once. */
static bool step(roma_http_exchange *x) {
    if (x->dead || !roma_http_flush(x)) {
        roma_http_drop(x, ROMA_HTTP_GONE);
        return false;
    }
    roma_http_state was = x->state;
    switch (was) {
    case ROMA_HTTP_FREE: return false;
    case ROMA_HTTP_HEAD_: read_head(x); break;
    case ROMA_HTTP_BODY: read_body(x); break;
    case ROMA_HTTP_HELD: held(x); break;
    case ROMA_HTTP_CLOSING:
        if (roma_http_is_flushed(x)) after_answer(x);
        break;
    case ROMA_HTTP_LINGERS: throw_away(x); break;
    }
    if (x->state != was) return true;
    if (was != ROMA_HTTP_HEAD_ && was != ROMA_HTTP_BODY) return false;
    if (x->dead || x->eof) release(x);
    return x->readable;
}

void roma_http_advance(roma_http_exchange *x) {
    for (int i = 0; i < STEPS; i++)
        if (x->state == ROMA_HTTP_FREE || !step(x)) return;
    roma_http_push(x); /* others have their turn */
}
