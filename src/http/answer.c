/* Answers: heads, pieces, what the front answers itself, and their way to the socket. */
#include "http/internal.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>

enum { END = 5, FRAME = 8 }; /* bytes of the last chunk, and of the framing of any other */

void roma_http_set_user(roma_http_exchange *x, void *user) { x->user = user; }
void *roma_http_user(const roma_http_exchange *x) { return x->user; }

void roma_http_put(roma_http_exchange *x, const void *data, size_t n) {
    if (x->out_at && x->out_at == x->out_len) x->out_at = x->out_len = 0;
    if (n > ROMA_HTTP_OUT - x->out_len) {
        memmove(x->out, x->out + x->out_at, x->out_len - x->out_at);
        x->out_len -= x->out_at;
        x->out_at = 0;
    }
    assert(n <= ROMA_HTTP_OUT - x->out_len);
    memcpy(x->out + x->out_len, data, n);
    x->out_len += (uint32_t)n;
}

static void put_text(roma_http_exchange *x, const char *text) { roma_http_put(x, text, strlen(text)); }

/* ---- heads -------------------------------------------------------------------------------------- */

static const char *date_now(roma_http *h) {
    uint64_t now = (uint64_t)time(NULL);
    if (now != h->date_of) roma_http_date(h->date, h->date_of = now);
    return h->date;
}

/* Whether further lines are whole header lines. */
static bool are_lines(const char *extra) {
    size_t n = strlen(extra);
    if (n > ROMA_HTTP_EXTRA_MOST || (n && (n < 2 || extra[n - 2] != '\r' || extra[n - 1] != '\n'))) return false;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)extra[i];
        if (c == '\r'   ? extra[i + 1] != '\n'
            : c == '\n' ? !i || extra[i - 1] != '\r'
                        : (c < 0x20 && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

/* Everything of a head but what says how long the body is, and the empty line. */
static void put_head(roma_http_exchange *x, int status, const char *type, const char *extra) {
    char line[128];
    assert(status >= 200 && status <= 599 && !x->begun);
    assert(!extra || are_lines(extra));
    assert(!type || strlen(type) <= 256);
    if (x->h->is_ending) x->close = true;
    x->begun = true;
    x->no_body = status == 204 || status == 304 || (x->state == ROMA_HTTP_HELD && x->q.method == ROMA_HTTP_HEAD);
    roma_print(line, sizeof line, "HTTP/1.1 %d %s\r\nDate: %s\r\n", status, roma_http_reason(status), date_now(x->h));
    put_text(x, line);
    if (type) {
        put_text(x, "Content-Type: ");
        put_text(x, type);
        put_text(x, "\r\n");
    }
    put_text(x, "X-Content-Type-Options: nosniff\r\n");
    if (x->allow) {
        put_text(x, "Access-Control-Allow-Origin: ");
        put_text(x, x->allow);
        put_text(x, x->allow[0] == '*' ? "\r\n" : "\r\nVary: Origin\r\n");
    }
    if (x->close) put_text(x, "Connection: close\r\n");
    if (extra) put_text(x, extra);
}

static void put_length(roma_http_exchange *x, int status, size_t len) {
    char line[64];
    roma_print(line, sizeof line, "Content-Length: %zu\r\n", len);
    put_text(x, status == 204 || status == 304 ? "\r\n" : line);
    if (status != 204 && status != 304) put_text(x, "\r\n");
}

void roma_http_reply(roma_http_exchange *x, int status, const char *type, const char *extra, const void *body,
                     size_t len) {
    assert(x->state == ROMA_HTTP_HELD && !x->cut);
    put_head(x, status, type, extra);
    put_length(x, status, len);
    x->answered = true;
    if (x->no_body) len = 0;
    if (len && len <= ROMA_HTTP_COPIED_MOST) {
        roma_http_put(x, body, len);
    } else {
        x->rest = body;
        x->rest_len = len;
    }
    roma_http_push(x);
}

void roma_http_begin(roma_http_exchange *x, int status, const char *type, const char *extra) {
    assert(x->state == ROMA_HTTP_HELD && !x->cut);
    put_head(x, status, type, extra);
    x->chunked = true;
    put_text(x, "Transfer-Encoding: chunked\r\n\r\n");
    roma_http_push(x);
}

/* Bytes that one roma_http_send may have now. */
static size_t room_for(const roma_http_exchange *x) {
    size_t used = x->out_len - x->out_at;
    if (!x->chunked || x->answered || x->cut || used + END + FRAME >= ROMA_HTTP_OUT) return 0;
    size_t room = ROMA_HTTP_OUT - used - END - FRAME;
    return room < ROMA_HTTP_SEND_MOST ? room : ROMA_HTTP_SEND_MOST;
}

bool roma_http_send(roma_http_exchange *x, const void *data, size_t len) {
    char frame[16];
    assert(x->chunked && !x->answered && !x->cut && len <= ROMA_HTTP_SEND_MOST);
    if (!len || x->no_body) return true;
    if (len > room_for(x)) {
        x->wants_room = true;
        return false;
    }
    roma_print(frame, sizeof frame, "%zx\r\n", len);
    put_text(x, frame);
    roma_http_put(x, data, len);
    put_text(x, "\r\n");
    roma_http_push(x);
    return true;
}

void roma_http_finish(roma_http_exchange *x) {
    assert(x->chunked && !x->answered && !x->cut);
    if (!x->no_body) put_text(x, "0\r\n\r\n");
    x->answered = true;
    x->wants_room = false;
    roma_http_push(x);
}

void roma_http_cut(roma_http_exchange *x) {
    assert(x->state == ROMA_HTTP_HELD && !x->answered);
    x->cut = true;
    roma_http_push(x);
}

/* ---- what the front answers itself ---------------------------------------------------------------- */

/* A refusal's body; returns its length. */
static int refusal_body(char body[512], int *status, roma_http_verdict v) {
    const char *code, *sentence;
    *status = roma_http_refusal(v, &code, &sentence);
    return roma_print(body, 512, "{\"error\":{\"message\":\"%s\",\"type\":\"%s\",\"param\":null,\"code\":\"%s\"}}\n",
                      sentence, *status >= 500 ? "server_error" : "invalid_request_error", code);
}

void roma_http_refuse(roma_http_exchange *x, roma_http_verdict v) {
    char body[512];
    int status, n = refusal_body(body, &status, v);
    roma_http_body_drop(x);
    x->close = true;
    put_head(x, status, "application/json",
             status == 503   ? "Retry-After: 1\r\n"
             : status == 405 ? "Allow: GET, HEAD, POST, DELETE\r\n"
                             : NULL);
    put_length(x, status, (size_t)n);
    if (!x->head.is_begun || x->head.method != ROMA_HTTP_HEAD) roma_http_put(x, body, (size_t)n);
    x->state = ROMA_HTTP_CLOSING;
    x->h->counts.bad++;
    roma_http_due(x, x->h->c.write_ms);
}

void roma_http_turn_away(int fd) {
    char body[512], all[1024];
    int status, n = refusal_body(body, &status, ROMA_HTTP_NOT_FULL);
    int len = roma_print(all, sizeof all,
                         "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nConnection: close\r\nRetry-After: 1\r\n"
                         "Content-Length: %d\r\n\r\n%s",
                         status, roma_http_reason(status), n, body);
    (void)send(fd, all, (size_t)len, MSG_NOSIGNAL | MSG_DONTWAIT);
    (void)shutdown(fd, SHUT_WR);
}

/* ---- to the socket ---------------------------------------------------------------------------------- */

static ssize_t write_some(roma_http_exchange *x) {
    struct iovec v[2] = {{x->out + x->out_at, x->out_len - x->out_at}, {(void *)(uintptr_t)x->rest, x->rest_len}};
    struct msghdr m = {.msg_iov = v, .msg_iovlen = x->rest_len ? 2 : 1};
    ssize_t n;
    do n = sendmsg(x->fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    return n;
}

static void took(roma_http_exchange *x, size_t n) {
    size_t out = x->out_len - x->out_at < n ? x->out_len - x->out_at : n;
    x->h->counts.bytes_out += n;
    x->out_at += (uint32_t)out;
    if (n > out) {
        x->rest += n - out;
        x->rest_len -= n - out;
    }
    if (x->out_at == x->out_len) x->out_at = x->out_len = 0;
}

bool roma_http_flush(roma_http_exchange *x) {
    if (roma_http_is_flushed(x)) return true;
    bool is_patient = x->state == ROMA_HTTP_HELD || x->state == ROMA_HTTP_CLOSING; /* who reads has another patience */
    ssize_t n = x->writable ? write_some(x) : 0;
    if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK) return false;
    if (n < 0) x->writable = false;
    if (n > 0) took(x, (size_t)n);
    if (is_patient && (n > 0 || !x->due)) roma_http_due(x, roma_http_is_flushed(x) ? 0 : x->h->c.write_ms);
    if (x->writable && !roma_http_is_flushed(x)) roma_http_push(x);
    return true;
}
