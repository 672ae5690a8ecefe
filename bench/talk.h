/* A client of HTTP servers, for bench/serve_load.c and bench/http_load.c: many conversations of one thread, each of
 * which may read, not read, or leave when it likes. An answer is taken out of its framing, and what a stream of
 * OpenAI's form says is collected from its events. */
#ifndef ROMA_BENCH_TALK_H
#define ROMA_BENCH_TALK_H

#include "roma/json.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

/* A request whose answer is known. */
typedef struct {
    const char *model, *body, *text, *ids; /* ids: "1,2,3" */
} job;

typedef enum { TALK_FREE, TALK_WRITES, TALK_READS, TALK_OVER, TALK_BROKEN } talk_state;
typedef struct {
    talk_state state;
    int fd;
    bool deaf; /* never reads */
    roma_buf out;
    size_t said;
    /* the answer */
    roma_buf in; /* what is not understood yet */
    int status;
    bool in_body, chunked, whole, closes, retry;
    size_t left;   /* bytes of a body, or of the chunk under way */
    roma_buf body; /* of a stream: the event under way */
    bool events;   /* is a stream */
    /* of a stream's events */
    roma_buf text, ids;          /* ids: "1,2,3" */
    roma_buf trouble;            /* the first event with an error */
    unsigned tokens, texts;      /* ids, and events with text, that came */
    uint64_t completed, cached;  /* completion_tokens and cached_tokens, as the server counts them */
    bool finished, failed, done; /* a finish_reason; an error, or what is no JSON; [DONE] */
    /* Times: of the request; of the answer's head and its first text, 0 while there is none; of the end; when this
     * client is gone, 0: never. */
    double began, first, first_text, ended, leaves;
    const job *j;
} talk;

static inline void talk_bytes(roma_buf *b, const void *p, size_t n) {
    roma_buf_append(b, p, n);
    if (b->failed) abort();
}
static inline void talk_drop(roma_buf *b, size_t n) {
    memmove(b->data, b->data + n, b->len - n);
    b->len -= n;
}

static inline void talk_end(talk *t) {
    if (t->fd >= 0) close(t->fd);
    roma_buf_destroy(&t->out);
    roma_buf_destroy(&t->in);
    roma_buf_destroy(&t->body);
    roma_buf_destroy(&t->text);
    roma_buf_destroy(&t->ids);
    roma_buf_destroy(&t->trouble);
    *t = (talk){.fd = -1};
}

static inline int talk_dial(uint16_t port, int receives) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
    int one = 1;
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    if (receives) setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receives, sizeof receives);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(fd, (struct sockaddr *)&a, sizeof a)) {
        close(fd);
        return -1;
    }
    fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

/* Begins a request on a new connection, or on the one that t has. */
static inline bool talk_begin(talk *t, uint16_t port, const char *method, const char *path, const char *body,
                              size_t n) {
    int fd = t->state == TALK_OVER && !t->closes ? t->fd : -1;
    if (fd >= 0) t->fd = -1;
    bool deaf = t->deaf;
    double leaves = t->leaves;
    const job *j = t->j;
    talk_end(t);
    *t = (talk){.fd = fd >= 0 ? fd : talk_dial(port, deaf ? 4096 : 0), .deaf = deaf, .leaves = leaves, .j = j};
    t->began = roma_now();
    if (t->fd < 0) {
        t->state = TALK_BROKEN;
        return false;
    }
    roma_buf_print(&t->out, "%s %s HTTP/1.1\r\nHost: localhost\r\n", method, path);
    if (body) roma_buf_print(&t->out, "Content-Type: application/json\r\nContent-Length: %zu\r\n", n);
    roma_buf_print(&t->out, "\r\n");
    if (body) talk_bytes(&t->out, body, n);
    t->state = TALK_WRITES;
    return true;
}
static inline bool talk_job(talk *t, uint16_t port, const job *j) {
    t->j = j;
    return talk_begin(t, port, "POST", "/v1/chat/completions", j->body, strlen(j->body));
}

/* ---- what comes back ------------------------------------------------------------------------------- */

typedef enum { TALK_OTHER, TALK_TEXT, TALK_IDS, TALK_FINISH, TALK_ERROR, TALK_COMPLETED, TALK_CACHED } talk_key;

static inline talk_key talk_key_of(const roma_json_reader *r) {
    static const struct {
        const char *name;
        talk_key key;
    } keys[] = {{"content", TALK_TEXT},         {"text", TALK_TEXT},   {"token_ids", TALK_IDS},
                {"finish_reason", TALK_FINISH}, {"error", TALK_ERROR}, {"completion_tokens", TALK_COMPLETED},
                {"cached_tokens", TALK_CACHED}};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (roma_json_is(r, keys[i].name)) return keys[i].key;
    return TALK_OTHER;
}

static inline void talk_text(talk *t, const roma_json_reader *r) {
    if (r->len && !t->texts++) t->first_text = roma_now();
    talk_bytes(&t->text, r->text, r->len);
}
static inline void talk_id(talk *t, const roma_json_reader *r) {
    if (t->ids.len) talk_bytes(&t->ids, ",", 1);
    talk_bytes(&t->ids, r->text, r->len);
    t->tokens++;
}

/* One event's JSON, whose values are known by their keys wherever they stand. */
static inline void talk_event(talk *t, const uint8_t *data, size_t n) {
    static const roma_json_source from = {0};
    roma_json_reader r;
    roma_error err;
    talk_key key = TALK_OTHER;
    bool fails = false;
    int rc = roma_json_read_begin(&r, data, n, &from, &err);
    while (!rc && !(rc = roma_json_read_next(&r, &err)) && r.kind != ROMA_JSON_DONE) {
        if (r.kind == ROMA_JSON_KEY) {
            key = talk_key_of(&r);
            continue;
        }
        if (key == TALK_IDS && r.kind == ROMA_JSON_ARRAY) continue;
        if (key == TALK_IDS && r.kind == ROMA_JSON_NUMBER) {
            talk_id(t, &r);
            continue;
        }
        fails = fails || (key == TALK_ERROR && r.kind != ROMA_JSON_NULL);
        if (key == TALK_TEXT && r.kind == ROMA_JSON_TEXT) talk_text(t, &r);
        if (key == TALK_FINISH && r.kind == ROMA_JSON_TEXT) t->finished = true;
        if (key == TALK_COMPLETED && r.kind == ROMA_JSON_NUMBER) (void)roma_json_to_u64(r.text, r.len, &t->completed);
        if (key == TALK_CACHED && r.kind == ROMA_JSON_NUMBER) (void)roma_json_to_u64(r.text, r.len, &t->cached);
        key = TALK_OTHER;
    }
    roma_json_read_end(&r);
    if (!rc && !fails) return;
    t->failed = true;
    if (!t->trouble.len) talk_bytes(&t->trouble, data, n);
}

/* Takes whole events out of a stream's bytes. */
static inline void talk_events(talk *t) {
    uint8_t *end;
    while (t->body.len && (end = memmem(t->body.data, t->body.len, "\n\n", 2))) {
        const size_t n = (size_t)(end - t->body.data);
        const bool is_data = n > 6 && memcmp(t->body.data, "data: ", 6) == 0;
        if (is_data && n == 12 && memcmp(t->body.data + 6, "[DONE]", 6) == 0)
            t->done = true;
        else if (is_data)
            talk_event(t, t->body.data + 6, n - 6);
        talk_drop(&t->body, n + 2);
    }
}

/* What stands behind a header's name, ": " and the value's beginning, which are given in small letters; NULL: there is
 * no such header among the n bytes of a head. */
static inline const char *talk_header(const roma_buf *head, size_t n, const char *begin) {
    const size_t len = strlen(begin);
    for (const char *p = (const char *)head->data, *end = p + n;
         (p = memmem(p, (size_t)(end - p), "\r\n", 2)) != NULL;) {
        p += 2;
        if ((size_t)(end - p) >= len && strncasecmp(p, begin, len) == 0) return p + len;
    }
    return NULL;
}

static inline bool talk_head(talk *t) {
    uint8_t *end = t->in.len ? memmem(t->in.data, t->in.len, "\r\n\r\n", 4) : NULL;
    if (!end) return false;
    const size_t n = (size_t)(end - t->in.data) + 4;
    if (n < 16 || memcmp(t->in.data, "HTTP/1.1 ", 9) != 0) {
        t->state = TALK_BROKEN;
        return false;
    }
    const char *length = talk_header(&t->in, n, "content-length: ");
    t->status = atoi((char *)t->in.data + 9);
    t->chunked = talk_header(&t->in, n, "transfer-encoding: chunked\r\n");
    t->events = talk_header(&t->in, n, "content-type: text/event-stream");
    t->closes = talk_header(&t->in, n, "connection: close\r\n");
    t->retry = talk_header(&t->in, n, "retry-after: ");
    t->left = length ? strtoul(length, NULL, 10) : 0;
    t->in_body = true;
    t->first = roma_now();
    talk_drop(&t->in, n);
    return true;
}

/* Takes the next chunk's size; false: not all of it is there, or it was the last chunk. */
static inline bool talk_chunk(talk *t) {
    uint8_t *end = t->in.len ? memmem(t->in.data, t->in.len, "\r\n", 2) : NULL;
    if (!end) return false;
    size_t n = strtoul((char *)t->in.data, NULL, 16), used = (size_t)(end - t->in.data) + 2;
    if (!n && t->in.len < used + 2) return false;
    talk_drop(&t->in, n ? used : used + 2);
    t->left = n ? n + 2 : 0; /* with its line's end */
    t->whole = !n;
    return n != 0;
}

static inline void talk_understand(talk *t) {
    if (!t->in_body && !talk_head(t)) return;
    for (;;) {
        if (t->chunked && !t->left && !talk_chunk(t)) break;
        size_t n = t->in.len < t->left ? t->in.len : t->left;
        size_t end = t->chunked ? 2 : 0, data = t->left - n < end ? (t->left > end ? t->left - end : 0) : n;
        talk_bytes(&t->body, t->in.data, data);
        talk_drop(&t->in, n);
        t->left -= n;
        if (!t->chunked || t->left) break;
    }
    if (t->events) talk_events(t);
    if (!t->chunked && !t->left) t->whole = true;
    if (!t->whole) return;
    t->state = TALK_OVER;
    t->ended = roma_now();
}

/* ---- one turn --------------------------------------------------------------------------------------- */

static inline short talk_wants(const talk *t) {
    if (t->state == TALK_WRITES) return POLLOUT;
    if (t->state != TALK_READS) return 0;
    return t->deaf ? POLLRDHUP : POLLIN;
}

static inline void talk_turn(talk *t, short events) {
    static char some[65536];
    ssize_t k;
    if (t->state == TALK_WRITES && (events & (POLLOUT | POLLERR | POLLHUP))) {
        k = send(t->fd, t->out.data + t->said, t->out.len - t->said, MSG_NOSIGNAL);
        if (k > 0) t->said += (size_t)k;
        if (t->said == t->out.len || (k < 0 && errno != EAGAIN)) t->state = TALK_READS; /* a refusal may be there */
    } else if (t->state == TALK_READS && t->deaf && (events & (POLLRDHUP | POLLERR | POLLHUP))) {
        t->state = TALK_BROKEN;
        t->ended = roma_now();
    } else if (t->state == TALK_READS && !t->deaf && events) {
        k = recv(t->fd, some, sizeof some, 0);
        if (k > 0) {
            talk_bytes(&t->in, some, (size_t)k);
            talk_understand(t);
        } else if (k == 0 || errno != EAGAIN) {
            t->state = TALK_BROKEN;
            t->ended = roma_now();
        }
    }
}

/* Lets n talks go on for up to ms milliseconds: returns as soon as one of them did something. */
static inline void talk_all(talk *t, size_t n, int ms) {
    static struct pollfd p[4096];
    static size_t who[4096];
    size_t m = 0;
    double now = roma_now();
    for (size_t i = 0; i < n && m < 4096; i++) {
        if (t[i].leaves > 0 && t[i].leaves <= now && t[i].state != TALK_FREE) {
            talk_end(&t[i]);
            continue;
        }
        if (t[i].state != TALK_WRITES && t[i].state != TALK_READS) continue;
        p[m] = (struct pollfd){.fd = t[i].fd, .events = talk_wants(&t[i])};
        who[m++] = i;
    }
    if (poll(p, (nfds_t)m, ms) <= 0) return;
    for (size_t i = 0; i < m; i++)
        if (p[i].revents) talk_turn(&t[who[i]], p[i].revents);
}

/* One request from its beginning to its end, within ten seconds. */
static inline bool talk_once(talk *t, uint16_t port, const char *method, const char *path, const char *body) {
    talk_end(t);
    if (!talk_begin(t, port, method, path, body, body ? strlen(body) : 0)) return false;
    while (t->state < TALK_OVER && roma_now() < t->began + 10) talk_all(t, 1, 100);
    return t->state == TALK_OVER;
}

#endif
