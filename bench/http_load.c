/* A client that holds an HTTP server under load: so many streams at once, each with the next request of a plan as soon
 * as its last one is over. Answers are read as server-sent events of OpenAI's form; what came and when is written
 * afterwards, so that the client takes little of the processors that it shares with the server.
 *
 * usage: build/bench/http-load PORT STREAMS PLAN OUT [SECONDS]
 *
 * PLAN has a request a line: a path, a blank, a body of JSON. With SECONDS the plan is begun again until they are over,
 * and what runs then comes to its end. OUT gets a line of JSON for each request, in the order of their ends: its line
 * of the plan, status, times in seconds since the start (first: of the first text), events with text, text, ids, whole:
 * the last event was [DONE]; error, where one came. One line on standard output: requests, seconds, the client's own
 * CPU seconds. */
#include "roma/base.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { STREAMS_MOST = 1024, LINE_MOST = 1 << 20, OTHER_MOST = 2000 };

typedef struct {
    char *text; /* owned: head and body as they are sent */
    size_t len;
} request;

/* Where the reader of an answer is: its head, a chunk's size, a chunk, the line end behind one, a body of no chunks. */
typedef enum { AT_HEAD, AT_SIZE, AT_CHUNK, AT_CHUNK_END, AT_PLAIN, AT_END } place;

typedef struct {
    int fd;
    size_t number; /* of the plan */
    double begin, first;
    place at;
    int status;
    uint64_t left;                     /* of a chunk */
    size_t events, completion, cached; /* as the server counts them, 0 where it does not */
    bool whole, is_error;
    roma_buf line, data, text, ids,
        other; /* line: of head or chunk sizes; data: of the body; other: what is no event */
} stream;

typedef struct {
    request *plan;
    size_t n_plan, next, over;
    double began, until; /* until 0: the plan once */
    uint16_t port;
    int poll;
    FILE *out;
    stream streams[STREAMS_MOST];
} client;

static void die(const char *what) {
    fprintf(stderr, "http-load: %s: %s\n", what, errno ? strerror(errno) : "malformed");
    exit(1);
}

/* ---- the plan ---- */

static void add_request(client *c, char *line, size_t len, uint16_t port) {
    char *blank = memchr(line, ' ', len);
    if (!blank) die("a line of the plan is no path and body");
    const size_t path = (size_t)(blank - line), body = len - path - 1;
    roma_buf b = {0};
    roma_buf_print(&b, "POST %.*s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nContent-Type: application/json\r\n", (int)path,
                   line, (unsigned)port);
    roma_buf_print(&b, "Connection: close\r\nContent-Length: %zu\r\n\r\n", body);
    roma_buf_append(&b, blank + 1, body);
    c->plan = realloc(c->plan, (c->n_plan + 1) * sizeof *c->plan);
    if (!c->plan || b.failed) die("memory");
    c->plan[c->n_plan++] = (request){(char *)b.data, b.len};
}

static void read_plan(client *c, const char *path) {
    FILE *f = fopen(path, "r");
    char *line = NULL;
    size_t room = 0;
    if (!f) die(path);
    for (ssize_t n; (n = getline(&line, &room, f)) > 0;)
        add_request(c, line, (size_t)n - (line[n - 1] == '\n'), c->port);
    free(line);
    fclose(f);
    errno = 0;
    if (!c->n_plan) die("no request in the plan");
}

/* ---- events ---- */

/* What stands behind a key, or NULL. */
static const char *behind(const char *data, size_t len, const char *key) {
    const char *p = memmem(data, len, key, strlen(key));
    return p ? p + strlen(key) : NULL;
}

/* The characters of a JSON string up to its closing quote, still escaped. */
static size_t string_len(const char *p, const char *end) {
    const char *q = p;
    while (q < end && *q != '"') q += *q == '\\' && q + 1 < end ? 2 : 1;
    return (size_t)(q - p);
}

static size_t count_of(const char *data, size_t len, const char *key) {
    const char *p = behind(data, len, key);
    return p ? strtoul(p, NULL, 10) : 0; /* the caller has put a 0 behind data */
}

static void event(stream *s, const char *data, size_t len, double now) {
    const char *end = data + len, *p = behind(data, len, "\"content\":\"");
    if (len == 6 && memcmp(data, "[DONE]", 6) == 0) s->whole = true;
    if (behind(data, len, "\"error\":{")) {
        s->is_error = true;
        roma_buf_append(&s->other, data, len < OTHER_MOST ? len : OTHER_MOST);
    }
    if (!p) p = behind(data, len, "\"text\":\"");
    if (p) {
        const size_t n = string_len(p, end);
        if (n && !s->events++) s->first = now;
        roma_buf_append(&s->text, p, n);
    }
    if ((p = behind(data, len, "\"token_ids\":[")) && *p != ']') {
        const char *close = memchr(p, ']', (size_t)(end - p));
        if (s->ids.len) roma_buf_append(&s->ids, ",", 1);
        roma_buf_append(&s->ids, p, close ? (size_t)(close - p) : 0);
    }
    if (behind(data, len, "\"completion_tokens\":")) {
        s->completion = count_of(data, len, "\"completion_tokens\":");
        s->cached = count_of(data, len, "\"cached_tokens\":");
    }
}

/* Whole lines of the body; what is no event is kept as it is, as far as there is room. */
static void lines(stream *s, double now) {
    size_t at = 0;
    for (uint8_t *end; (end = memchr(s->data.data + at, '\n', s->data.len - at));
         at = (size_t)(end - s->data.data) + 1) {
        const char *line = (const char *)s->data.data + at;
        const size_t n = (size_t)((char *)end - line);
        *end = 0;
        if (n > 6 && memcmp(line, "data: ", 6) == 0)
            event(s, line + 6, n - 6, now);
        else if (n && s->other.len < OTHER_MOST)
            roma_buf_append(&s->other, line, n < OTHER_MOST ? n : OTHER_MOST);
    }
    memmove(s->data.data, s->data.data + at, s->data.len - at);
    s->data.len -= at;
    if (s->data.len > LINE_MOST) die("an event is longer than a MiB");
}

/* ---- HTTP ---- */

static void head_line(stream *s, const char *line, bool *chunked) {
    if (strncmp(line, "HTTP/1.1 ", 9) == 0) s->status = atoi(line + 9);
    if (strncasecmp(line, "transfer-encoding: chunked", 26) == 0) *chunked = true;
}

/* A line of head or chunk sizes is whole. */
static void framing(stream *s) {
    roma_buf_append(&s->line, "", 1);
    char *line = (char *)s->line.data;
    s->line.len = 0;
    line[strcspn(line, "\r\n")] = 0;
    if (s->at == AT_HEAD) {
        bool chunked = s->left != 0;
        head_line(s, line, &chunked);
        s->left = chunked;
        if (!*line) s->at = chunked ? AT_SIZE : AT_PLAIN;
    } else if (s->at == AT_SIZE) {
        s->left = strtoul(line, NULL, 16);
        s->at = s->left ? AT_CHUNK : AT_END;
    } else {
        s->at = AT_SIZE;
    }
}

static void take(stream *s, const char *p, size_t n, double now) {
    while (n && s->at != AT_END) {
        size_t k = n;
        if (s->at == AT_CHUNK || s->at == AT_PLAIN) {
            if (s->at == AT_CHUNK && s->left < k) k = (size_t)s->left;
            roma_buf_append(&s->data, p, k);
            if (s->at == AT_CHUNK && !(s->left -= k)) s->at = AT_CHUNK_END;
        } else {
            const char *end = memchr(p, '\n', n);
            if (end) k = (size_t)(end - p) + 1;
            roma_buf_append(&s->line, p, k);
            if (s->line.len > LINE_MOST) die("a line of a head is longer than a MiB");
            if (end) framing(s);
        }
        p += k;
        n -= k;
    }
    if (s->data.len) lines(s, now);
}

/* ---- streams ---- */

static bool begin(client *c, stream *s) {
    const double now = roma_now();
    if (c->until > 0 ? now >= c->until : c->next == c->n_plan) return false;
    struct sockaddr_in a = {
        .sin_family = AF_INET, .sin_port = htons(c->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    s->number = c->next++ % c->n_plan;
    s->begin = now;
    s->first = 0;
    s->at = AT_HEAD;
    s->left = 0;
    s->status = 0;
    s->events = s->completion = s->cached = 0;
    s->whole = s->is_error = false;
    s->line.len = s->data.len = s->text.len = s->ids.len = s->other.len = 0;
    s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (s->fd < 0 || connect(s->fd, (struct sockaddr *)&a, sizeof a)) die("connect");
    const int one = 1;
    setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    const request *r = &c->plan[s->number];
    for (size_t at = 0; at < r->len;) {
        const ssize_t n = send(s->fd, r->text + at, r->len - at, MSG_NOSIGNAL);
        if (n <= 0) break; /* refused before it was read: the answer says why */
        at += (size_t)n;
    }
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = s};
    if (epoll_ctl(c->poll, EPOLL_CTL_ADD, s->fd, &e)) die("epoll_ctl");
    return true;
}

/* A text that came as JSON goes out as it is; a text of anybody else is escaped. */
static void put_escaped(FILE *out, const roma_buf *b) {
    for (size_t i = 0; i < b->len; i++) {
        const uint8_t ch = b->data[i];
        if (ch == '"' || ch == '\\' || ch < 0x20 || ch > 0x7e)
            fprintf(out, "\\u%04x", ch);
        else
            fputc(ch, out);
    }
}

static void end(client *c, stream *s) {
    const double now = roma_now();
    close(s->fd);
    roma_buf_append(&s->data, "\n", 1); /* a body of one line without an end */
    lines(s, now);
    fprintf(c->out,
            "{\"request\":%zu,\"status\":%d,\"begin\":%.6f,\"first\":%.6f,\"end\":%.6f,\"events\":%zu,\"completion_"
            "tokens\":%zu,",
            s->number, s->status, s->begin - c->began, s->first > 0 ? s->first - c->began : 0, now - c->began,
            s->events, s->completion);
    fprintf(c->out, "\"cached_tokens\":%zu,\"whole\":%s,\"text\":\"%.*s\",\"ids\":[%.*s]", s->cached,
            s->whole ? "true" : "false", (int)s->text.len, s->text.len ? (char *)s->text.data : "", (int)s->ids.len,
            s->ids.len ? (char *)s->ids.data : "");
    if (s->is_error || s->status != 200) {
        fputs(",\"error\":\"", c->out);
        put_escaped(c->out, &s->other);
        fputc('"', c->out);
    }
    fputs("}\n", c->out);
    c->over++;
}

/* True: the answer is over. */
static bool hear(stream *s) {
    static char piece[65536];
    const ssize_t n = recv(s->fd, piece, sizeof piece, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return false;
    if (n > 0) take(s, piece, (size_t)n, roma_now());
    return n <= 0 || s->at == AT_END;
}

static void load(client *c, size_t n) {
    struct epoll_event ready[64];
    size_t open = 0;
    for (size_t i = 0; i < n; i++) open += begin(c, &c->streams[i]);
    while (open) {
        const int k = epoll_wait(c->poll, ready, 64, -1);
        if (k < 0 && errno != EINTR) die("epoll_wait");
        for (int i = 0; i < k; i++) {
            stream *s = ready[i].data.ptr;
            if (!hear(s)) continue;
            end(c, s);
            open -= !begin(c, s);
        }
    }
}

int main(int argc, char **argv) {
    static client c;
    if (argc < 5 || argc > 6) die("usage: http-load PORT STREAMS PLAN OUT [SECONDS]");
    const unsigned long n = strtoul(argv[2], NULL, 10);
    c.port = (uint16_t)strtoul(argv[1], NULL, 10);
    if (!c.port || !n || n > STREAMS_MOST) die("PORT or STREAMS");
    read_plan(&c, argv[3]);
    c.poll = epoll_create1(EPOLL_CLOEXEC);
    c.out = fopen(argv[4], "w");
    if (c.poll < 0 || !c.out) die(argv[4]);
    c.began = roma_now();
    if (argc == 6) c.until = c.began + strtod(argv[5], NULL);
    load(&c, n);
    const double seconds = roma_now() - c.began;
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    if (fclose(c.out)) die(argv[4]);
    printf("{\"requests\":%zu,\"seconds\":%.6f,\"cpu_s\":%.6f}\n", c.over, seconds,
           (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6);
    return 0;
}
