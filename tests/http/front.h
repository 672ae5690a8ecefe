/* A server for tests, on a thread of its own, and a client that can cut, wait and stop as it likes. */
#ifndef TEST_FRONT_H
#define TEST_FRONT_H

#include "http/internal.h"

#include <fcntl.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

/* ---- the server ----------------------------------------------------------------------------------- */

/* What the test server did; only its thread writes, tests read with atomics. */
typedef struct {
    roma_http *h;
    pthread_t thread;
    int rc;
    atomic_uint requests, over, rooms, ended, woken;
    atomic_uint why[8];
    atomic_ullong over_us;              /* when `over` came last, microseconds */
    atomic_ullong pulled;               /* bytes that streams could send */
    _Atomic(roma_http_exchange *) held; /* of /hold: stays unanswered */
    char *big;                          /* [big_len], for /big */
    size_t big_len;
} front;

static inline unsigned long long now_us(void) { return (unsigned long long)(roma_now() * 1e6); }

/* Pieces of a stream that never ends, as many as there is room for. */
static inline void front_pour(front *f, roma_http_exchange *x) {
    static char piece[4000];
    memset(piece, 'x', sizeof piece);
    while (roma_http_send(x, piece, sizeof piece)) atomic_fetch_add(&f->pulled, sizeof piece);
}

/* Tells what came back as text: method, path, query, length and a sum of the body, and of two headers. */
static inline void front_echo(roma_http_exchange *x, const roma_http_request *q) {
    char text[ROMA_HTTP_COPIED_MOST];
    roma_http_text a = roma_http_header(q, "authorization"), t = roma_http_header(q, "content-type");
    uint32_t sum = roma_crc32c(0, q->body, q->length);
    int n = roma_print(text, sizeof text, "%s|%.*s|%.*s|%zu|%08x|%.*s|%.*s", roma_http_method_name(q->method),
                       (int)q->path.len, q->path.text, (int)q->query.len, q->query.text ? q->query.text : "", q->length,
                       sum, (int)a.len, a.text ? a.text : "", (int)t.len, t.text ? t.text : "");
    roma_http_reply(x, 200, "text/plain", "X-Test: one\r\n", text, (size_t)n);
}

static inline void front_request(void *ctx, roma_http_exchange *x, const roma_http_request *q) {
    front *f = ctx;
    atomic_fetch_add(&f->requests, 1);
    roma_http_set_user(x, f);
    if (roma_http_is(q->path, "/hold")) {
        atomic_store(&f->held, x);
    } else if (roma_http_is(q->path, "/big")) {
        roma_http_reply(x, 200, "application/octet-stream", NULL, f->big, f->big_len);
    } else if (roma_http_is(q->path, "/none")) {
        roma_http_reply(x, 204, NULL, NULL, NULL, 0);
    } else if (roma_http_is(q->path, "/cut")) {
        roma_http_begin(x, 200, "text/plain", NULL);
        roma_http_send(x, "part", 4);
        roma_http_cut(x);
    } else if (roma_http_is(q->path, "/stream")) {
        roma_http_begin(x, 200, "text/event-stream", "Cache-Control: no-store\r\n");
        roma_http_send(x, "one", 3);
        roma_http_send(x, "", 0);
        roma_http_send(x, "two", 3);
        roma_http_finish(x);
    } else if (roma_http_is(q->path, "/endless")) {
        roma_http_begin(x, 200, "text/event-stream", NULL);
        front_pour(f, x);
    } else {
        front_echo(x, q);
    }
}

static inline void front_room(void *ctx, roma_http_exchange *x) {
    front *f = ctx;
    atomic_fetch_add(&f->rooms, 1);
    front_pour(f, x);
}

static inline void front_over(void *ctx, roma_http_exchange *x, roma_http_why why) {
    front *f = ctx;
    if (roma_http_user(x) != f) abort();
    if (atomic_load(&f->held) == x) atomic_store(&f->held, NULL);
    atomic_store(&f->over_us, now_us());
    atomic_fetch_add(&f->why[why], 1);
    atomic_fetch_add(&f->over, 1);
}

static inline void front_woken(void *ctx) { atomic_fetch_add(&((front *)ctx)->woken, 1); }
static inline void front_ending(void *ctx) { atomic_fetch_add(&((front *)ctx)->ended, 1); }

static inline void *front_thread(void *ctx) {
    front *f = ctx;
    f->rc = roma_http_run(f->h, NULL);
    return NULL;
}

/* Begins a server with this configuration, whose callbacks are filled in unless they are there. */
static inline void front_begin(front *f, roma_http_config c) {
    roma_error err;
    memset(f, 0, sizeof *f);
    f->big_len = 3 << 20;
    f->big = malloc(f->big_len);
    if (!f->big) abort();
    for (size_t i = 0; i < f->big_len; i++) f->big[i] = (char)roma_random(1, i / 8);
    if (!c.ctx) c.ctx = f;
    if (!c.request) c.request = front_request;
    if (!c.over) c.over = front_over;
    if (!c.room) c.room = front_room;
    if (!c.ending) c.ending = front_ending;
    if (!c.woken) c.woken = front_woken;
    if (roma_http_open(&f->h, &c, &err)) {
        fprintf(stderr, "front: %s\n", err.text);
        abort();
    }
    if (pthread_create(&f->thread, NULL, front_thread, f)) abort();
}

/* Descriptors that this process has open. */
static inline unsigned descriptors(void) {
    unsigned n = 0;
    for (int fd = 0; fd < 8192; fd++) n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

static inline void front_end(front *f, uint32_t grace_ms) {
    roma_http_end(f->h, grace_ms);
    pthread_join(f->thread, NULL);
    roma_http_close(f->h);
    free(f->big);
}

/* Waits until a count is at least n; false: it is not within three seconds. */
static inline bool reaches(atomic_uint *count, unsigned n) {
    for (int i = 0; i < 3000; i++, usleep(1000))
        if (atomic_load(count) >= n) return true;
    return false;
}

/* ---- the client ----------------------------------------------------------------------------------- */

static inline int dial(const front *f) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(roma_http_port(f->h))};
    struct timeval patience = {.tv_sec = 5};
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    if (connect(fd, (struct sockaddr *)&a, sizeof a)) {
        close(fd);
        return -1;
    }
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    return fd;
}

/* As a client that is gone without a word: the next thing that the server hears is a reset. */
static inline void reset(int fd) {
    struct linger now = {.l_onoff = 1};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(fd);
}

static inline bool say(int fd, const void *data, size_t n) {
    const char *p = data;
    while (n) {
        ssize_t k = send(fd, p, n, MSG_NOSIGNAL);
        if (k <= 0) return false;
        p += k;
        n -= (size_t)k;
    }
    return true;
}
static inline bool say_text(int fd, const char *text) { return say(fd, text, strlen(text)); }

/* An answer as it was read: status 0: none came, -1: what came is no answer. */
typedef struct {
    int status;
    char head[8192];
    char *body; /* owned, with a 0 behind */
    size_t len;
    bool chunked, whole, closes;
} answer;

/* Bytes that were read beyond an answer, of one connection. */
typedef struct {
    int fd;
    char *data;
    size_t n, cap;
    bool eof;
} wire;

static inline bool wire_more(wire *w) {
    if (w->n == w->cap) {
        w->cap = w->cap ? 2 * w->cap : 16384;
        w->data = realloc(w->data, w->cap);
        if (!w->data) abort();
    }
    ssize_t k = recv(w->fd, w->data + w->n, w->cap - w->n, 0);
    if (k <= 0)
        w->eof = true;
    else
        w->n += (size_t)k;
    return k > 0;
}
static inline void wire_drop(wire *w, size_t n) {
    memmove(w->data, w->data + n, w->n - n);
    w->n -= n;
}
static inline void wire_close(wire *w) {
    close(w->fd);
    free(w->data);
    *w = (wire){.fd = -1};
}
static inline void answer_free(answer *a) {
    free(a->body);
    *a = (answer){0};
}

static inline const char *head_value(const answer *a, const char *name) {
    char line[128];
    snprintf(line, sizeof line, "\r\n%s: ", name);
    const char *p = strstr(a->head, line);
    return p ? p + strlen(line) : NULL;
}

/* Reads one chunked body out of the wire. */
static inline bool read_chunked(wire *w, answer *a) {
    for (;;) {
        char *end;
        while (!w->n || !(end = memmem(w->data, w->n, "\r\n", 2)))
            if (!wire_more(w)) return false;
        size_t size = strtoul(w->data, NULL, 16), from = (size_t)(end - w->data) + 2;
        while (w->n < from + size + 2)
            if (!wire_more(w)) return false;
        a->body = realloc(a->body, a->len + size + 1);
        if (!a->body) abort();
        memcpy(a->body + a->len, w->data + from, size);
        a->len += size;
        a->body[a->len] = 0;
        if (memcmp(w->data + from + size, "\r\n", 2) != 0) return false;
        wire_drop(w, from + size + 2);
        if (!size) return true;
    }
}

/* Reads the next answer; to_head: it answers HEAD. What is not there in five seconds is not there. */
static inline answer hear(wire *w, bool to_head) {
    answer a = {0};
    char *end = NULL;
    while (!w->n || !(end = memmem(w->data, w->n, "\r\n\r\n", 4)))
        if (!wire_more(w)) {
            a.status = w->n ? -1 : 0;
            return a;
        }
    size_t head = (size_t)(end - w->data) + 4;
    if (head >= sizeof a.head || memcmp(w->data, "HTTP/1.1 ", 9) != 0) {
        a.status = -1;
        return a;
    }
    memcpy(a.head, w->data, head);
    a.status = atoi(a.head + 9);
    wire_drop(w, head);
    const char *length = head_value(&a, "Content-Length"), *close_ = head_value(&a, "Connection");
    a.chunked = head_value(&a, "Transfer-Encoding") != NULL;
    a.closes = close_ && strncmp(close_, "close", 5) == 0;
    a.body = calloc(1, 1);
    if (to_head || a.status == 204 || a.status == 304 || a.status == 100) {
        a.whole = true;
    } else if (a.chunked) {
        a.whole = read_chunked(w, &a);
    } else if (length) {
        size_t n = strtoul(length, NULL, 10);
        while (w->n < n && wire_more(w)) {
        }
        a.len = w->n < n ? w->n : n;
        a.whole = a.len == n;
        a.body = realloc(a.body, a.len + 1);
        if (!a.body) abort();
        memcpy(a.body, w->data, a.len);
        a.body[a.len] = 0;
        wire_drop(w, a.len);
    }
    return a;
}

/* Whether the server closes without another byte. */
static inline bool hears_end(wire *w) {
    while (!w->eof && !w->n) wire_more(w);
    return w->eof && !w->n;
}

/* A connection, a request, an answer, and the connection's end. */
static inline answer ask(const front *f, const void *request, size_t n) {
    wire w = {.fd = dial(f)};
    answer a = {0};
    if (w.fd < 0) return a;
    say(w.fd, request, n);
    a = hear(&w, n >= 5 && memcmp(request, "HEAD ", 5) == 0);
    wire_close(&w);
    return a;
}

#endif
