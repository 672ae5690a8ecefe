/* The network thread: events, what follows from them, and times. */
#include "http/internal.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { EVENTS = 128 };

static uint64_t clock_ms(void) { return (uint64_t)(roma_now() * 1000); }

/* ---- from other threads --------------------------------------------------------------------------- */

static void ring(roma_http *h) {
    int was = errno; /* a signal handler's caller may look at it */
    uint64_t one = 1;
    ssize_t n = write(h->event, &one, sizeof one); /* fails when it is full: then it is rung already */
    (void)n;
    errno = was;
}

void roma_http_wake(roma_http *h) {
    if (!atomic_exchange(&h->wake, 1)) ring(h);
}

void roma_http_end(roma_http *h, uint32_t grace_ms) {
    atomic_store(&h->grace, (long long)grace_ms);
    ring(h);
}

/* ---- events --------------------------------------------------------------------------------------- */

static void connection_event(roma_http_exchange *x, uint32_t events) {
    if (x->state == ROMA_HTTP_FREE) return;
    if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP)) x->readable = true;
    if (events & EPOLLOUT) x->writable = true;
    if (events & EPOLLRDHUP) x->hup = true;
    if (events & (EPOLLERR | EPOLLHUP)) x->dead = true;
    roma_http_push(x);
}

static void event(roma_http *h, const struct epoll_event *e) {
    const char *p = e->data.ptr, *listeners = (const char *)h->listener;
    if (p == (const char *)h) {
        uint64_t n;
        ssize_t got = read(h->event, &n, sizeof n);
        (void)got;
    } else if (p >= listeners && p < listeners + sizeof h->listener) {
        if (h->listening) roma_http_accept(h, *(const int *)(const void *)p);
    } else {
        connection_event(e->data.ptr, e->events);
    }
}

/* ---- times ---------------------------------------------------------------------------------------- */

/* The end begins: listeners go, who asks for nothing goes, who is served may finish. */
static void begin_end(roma_http *h) {
    h->is_ending = true;
    roma_http_unlisten(h);
    for (uint32_t i = 0; i < h->slots; i++)
        if (h->x[i].state != ROMA_HTTP_FREE) roma_http_wind_up(&h->x[i]);
    if (h->c.ending) h->c.ending(h->c.ctx);
}

static void look_at_end(roma_http *h) {
    long long grace = atomic_exchange(&h->grace, -1);
    if (grace < 0) return;
    uint64_t ends = h->now + (uint64_t)grace;
    if (!h->is_ending || ends < h->ends) h->ends = ends;
    if (h->ends < h->next_due) h->next_due = h->ends;
    if (!h->is_ending) begin_end(h);
}

static void resume_listening(roma_http *h) {
    struct epoll_event e = {.events = EPOLLIN};
    for (size_t i = 0; i < h->listeners; i++) {
        e.data.ptr = &h->listener[i];
        (void)epoll_ctl(h->poll, EPOLL_CTL_MOD, h->listener[i], &e);
    }
    h->paused = false;
}

/* Ends what is late and finds out when something is late next. */
static void look_at_times(roma_http *h) {
    if (h->now < h->next_due) return;
    h->next_due = UINT64_MAX;
    if (h->paused && h->now >= h->resume) resume_listening(h);
    if (h->paused) h->next_due = h->resume;
    if (h->is_ending && h->ends < h->next_due) h->next_due = h->ends;
    for (uint32_t i = 0; i < h->slots; i++) {
        roma_http_exchange *x = &h->x[i];
        if (x->due && x->due <= h->now) roma_http_late(x);
        if (x->due && x->due < h->next_due) h->next_due = x->due;
    }
}

/* How long nothing can happen by itself. */
static int patience(const roma_http *h, int most_ms) {
    if (h->first) return 0;
    if (h->next_due == UINT64_MAX) return most_ms;
    uint64_t left = h->next_due > h->now ? h->next_due - h->now : 0;
    if (most_ms >= 0 && left > (uint64_t)most_ms) return most_ms;
    return left > 60000 ? 60000 : (int)left;
}

/* ---- the loop --------------------------------------------------------------------------------------- */

/* Advances what was pushed so far; what is pushed meanwhile has its turn after the next look at the sockets. */
static void advance_all(roma_http *h) {
    roma_http_exchange *x = h->first;
    h->first = NULL;
    h->last = &h->first;
    while (x) {
        roma_http_exchange *next = x->next;
        x->pushed = false;
        roma_http_advance(x);
        x = next;
    }
}

int roma_http_turn(roma_http *h, int most_ms, roma_error *err) {
    struct epoll_event e[EVENTS];
    h->now = clock_ms();
    int n = epoll_wait(h->poll, e, EVENTS, patience(h, most_ms));
    if (n < 0 && errno != EINTR) return roma_fail_errno(err, NULL, "waiting for connections");
    h->now = clock_ms();
    for (int i = 0; i < n; i++) event(h, &e[i]);
    look_at_end(h);
    if (atomic_exchange(&h->wake, 0) && h->c.woken) h->c.woken(h->c.ctx);
    advance_all(h);
    look_at_times(h);
    return ROMA_OK;
}

/* Whether nothing is left to be done: every answer is with the system. */
static bool is_over(const roma_http *h) { return h->is_ending && (!h->counts.open || h->now >= h->ends); }

int roma_http_run(roma_http *h, roma_error *err) {
    int rc = ROMA_OK;
    while (!rc && !is_over(h)) rc = roma_http_turn(h, -1, err);
    for (uint32_t i = 0; i < h->slots; i++)
        if (h->x[i].state != ROMA_HTTP_FREE) roma_http_drop(&h->x[i], ROMA_HTTP_ENDED);
    return rc;
}
