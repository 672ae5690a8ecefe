/* libFuzzer target: any bytes to the HTTP front over a socket, whole and cut into pieces. Both ways the same requests
 * are handed on and the same answers come back; afterwards nothing is left of the connection.
 *
 * The first byte chooses the cuts. Paths choose the answer: /s in pieces, /l longer than is copied, any other an echo.
 */
#include "http/internal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LONG = 20000, TURNS = 64, HEARD = 1 << 20, PIECES = 100 };
static char lengthy[LONG];

static void check(bool ok) {
    if (!ok) abort();
}

static void request(void *ctx, roma_http_exchange *x, const roma_http_request *q) {
    char text[256];
    (void)ctx;
    check(q->path.len && q->path.text[0] == '/' && (q->length == 0) == (q->body == NULL));
    check(roma_http_header(q, "host").text != NULL);
    int n = roma_print(text, sizeof text, "%s %zu %08x %zu %08x %zu %08x", roma_http_method_name(q->method),
                       q->path.len, roma_crc32c(0, q->path.text, q->path.len), q->query.len,
                       q->query.text ? roma_crc32c(0, q->query.text, q->query.len) : 0, q->length,
                       roma_crc32c(0, q->body, q->length));
    if (q->path.len > 1 && q->path.text[1] == 's') {
        roma_http_begin(x, 200, "text/event-stream", NULL);
        check(roma_http_send(x, text, (size_t)n) && roma_http_send(x, text, (size_t)n));
        roma_http_finish(x);
    } else if (q->path.len > 1 && q->path.text[1] == 'l') {
        roma_http_reply(x, 200, "text/plain", NULL, lengthy, LONG);
    } else {
        roma_http_reply(x, 200, "text/plain", NULL, text, (size_t)n);
    }
}
static void over(void *ctx, roma_http_exchange *x, roma_http_why why) {
    (void)ctx, (void)x;
    check(why == ROMA_HTTP_SENT || why == ROMA_HTTP_GONE);
}

/* What came back, without what depends on the clock and on the cuts. */
typedef struct {
    uint8_t *data;
    size_t n;
} heard;

static void hear(heard *b, int fd) {
    ssize_t k;
    while (b->n < HEARD && (k = recv(fd, b->data + b->n, HEARD - b->n, MSG_DONTWAIT)) > 0) b->n += (size_t)k;
}

static void drop(heard *b, uint8_t *from, size_t n) {
    memmove(from, from + n, b->n - (size_t)(from - b->data) - n);
    b->n -= n;
}

static void clean(heard *b) {
    static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n", date[] = "\r\nDate: ";
    uint8_t *p = b->data, *end;
    while ((p = memmem(p, b->n - (size_t)(p - b->data), date, strlen(date)))) {
        end = memmem(p + 2, b->n - (size_t)(p + 2 - b->data), "\r\n", 2);
        if (!end) break;
        drop(b, p, (size_t)(end - p));
    }
    while ((p = memmem(b->data, b->n, go_on, strlen(go_on)))) drop(b, p, strlen(go_on));
}

static void turns(roma_http *h, heard *b, int fd) {
    for (int i = 0; i < TURNS; i++) {
        check(roma_http_turn(h, 0, NULL) == 0);
        hear(b, fd);
        if (!h->first) break;
    }
}

/* cuts 0: whole; else pieces whose lengths follow from it, and not many more than PIECES. */
static void talk(roma_http *h, const uint8_t *data, size_t size, unsigned cuts, heard *b) {
    int pair[2];
    b->n = 0;
    check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) == 0);
    roma_http_adopt(h, pair[1]);
    for (size_t at = 0, i = 0; at < size; i++) {
        size_t n = !cuts ? size : cuts == 1 ? 1 : 1 + (size_t)(roma_random(cuts, i) % (cuts < 128 ? 8 : 64));
        n += cuts ? size / PIECES : 0;
        if (n > size - at) n = size - at;
        ssize_t k = send(pair[0], data + at, n, MSG_NOSIGNAL);
        turns(h, b, pair[0]);
        if (k > 0)
            at += (size_t)k;
        else if (!h->counts.open)
            break; /* refused, and gone */
    }
    for (int i = 0; i < TURNS && h->first; i++) turns(h, b, pair[0]);
    shutdown(pair[0], SHUT_WR);
    for (int i = 0; i < TURNS && h->counts.open; i++) turns(h, b, pair[0]);
    hear(b, pair[0]);
    close(pair[0]);
    clean(b);
    check(h->counts.open == 0 && h->counts.exchanges == 0 && h->counts.bodies_bytes == 0 && h->extras == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static roma_http *h;
    static heard whole, cut;
    if (!h) {
        const roma_http_config c = {
            .connections = 1, .body_most = 50000, .bodies_bytes = 65536, .request = request, .over = over};
        check(roma_http_open(&h, &c, NULL) == 0);
        whole.data = malloc(HEARD);
        cut.data = malloc(HEARD);
        check(whole.data && cut.data);
        for (size_t i = 0; i < LONG; i++) lengthy[i] = (char)('a' + i % 26);
    }
    if (!size || size > 100000) return 0;
    talk(h, data + 1, size - 1, 0, &whole);
    talk(h, data + 1, size - 1, 1u + data[0], &cut);
    check(whole.n == cut.n && memcmp(whole.data, cut.data, whole.n) == 0);
    return 0;
}
