/* Who leaves, when, and how soon that is known; how a server ends, is woken, and fails to begin. */
#include "../base/scarce.h"
#include "../test.h"
#include "front.h"

#include <signal.h>

#define H "Host: localhost\r\n"
#define HOLD "GET /hold HTTP/1.1\r\n" H "\r\n"

enum { SOON_US = 200000 };

/* ---- clients that leave ----------------------------------------------------------------------------- */

static void end_of_sending(int fd) { shutdown(fd, SHUT_WR); }
static void end(int fd) { close(fd); }

/* A client leaves while its answer is computed: `over` comes at once, though nothing is being written. */
static void check_held(front *f, void (*leave)(int fd), bool is_open_still) {
    for (int i = 0; i < 20; i++) {
        unsigned over = f->over, gone = f->why[ROMA_HTTP_GONE], requests = f->requests;
        int fd = dial(f);
        say_text(fd, HOLD);
        CHECK(reaches(&f->requests, requests + 1));
        unsigned long long left = now_us();
        leave(fd);
        CHECK(reaches(&f->over, over + 1));
        CHECK(f->over_us - left < SOON_US);
        CHECK_EQ(f->why[ROMA_HTTP_GONE], gone + 1);
        if (is_open_still) close(fd);
    }
}

/* A client leaves behind every byte of a request, of every kind. */
static void check_phases(front *f) {
    static const char *const requests[] = {"GET /x HTTP/1.1\r\n" H "\r\n",
                                           "POST /x HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\nabcde",
                                           "POST /x HTTP/1.1\r\n" H
                                           "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
                                           "GET /endless HTTP/1.1\r\n" H "\r\n",
                                           "GET /big HTTP/1.1\r\n" H "\r\n",
                                           "nonsense\r\n"};
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++)
        for (size_t n = 0; n <= strlen(requests[i]); n++) {
            int fd = dial(f);
            say(fd, requests[i], n);
            if (n % 3 == 0)
                reset(fd);
            else if (n % 3 == 1)
                close(fd);
            else {
                shutdown(fd, SHUT_WR);
                char some[4096];
                while (recv(fd, some, sizeof some, 0) > 0 && strstr(requests[i], "endless") == NULL) {
                }
                close(fd);
            }
        }
    answer a = ask(f, "GET /x HTTP/1.1\r\n" H "\r\n", strlen("GET /x HTTP/1.1\r\n" H "\r\n"));
    CHECK_EQ(a.status, 200);
    answer_free(&a);
    CHECK(reaches(&f->over, f->requests));
}

/* An answer that is complete at once is delivered to who only ended his sending. */
static void check_half(const front *f) {
    wire w = {.fd = dial(f)};
    say_text(w.fd, "GET /big HTTP/1.1\r\n" H "\r\n");
    shutdown(w.fd, SHUT_WR);
    answer a = hear(&w, false);
    CHECK_EQ(a.status, 200);
    CHECK(a.whole && a.len == f->big_len);
    answer_free(&a);
    CHECK(hears_end(&w));
    wire_close(&w);
}

/* What is not read while an exchange is held is no sign of life, and not lost either. */
static void check_ahead(front *f) {
    unsigned over = f->over, requests = f->requests;
    int fd = dial(f);
    say_text(fd, HOLD HOLD "junk");
    CHECK(reaches(&f->requests, requests + 1));
    close(fd);
    CHECK(reaches(&f->over, over + 1));
    CHECK_EQ(f->requests, requests + 1);
}

/* ---- ends --------------------------------------------------------------------------------------------- */

static front *signalled;
static void on_signal(int s) {
    (void)s;
    roma_http_end(signalled->h, 10000);
}

/* A server that is asked to end: idle clients go at once, those under way are waited for, no longer than was said. */
static void check_end(void) {
    front f;
    front_begin(&f, (roma_http_config){0});
    wire idle = {.fd = dial(&f)}, part = {.fd = dial(&f)}, held = {.fd = dial(&f)};
    say_text(part.fd, "POST / HTTP/1.1\r\n" H "Content-Length: 5\r\n\r\n");
    say_text(held.fd, HOLD);
    CHECK(reaches(&f.requests, 1));
    usleep(20000);
    unsigned long long begin = now_us();
    roma_http_end(f.h, 300);
    CHECK(hears_end(&idle));
    answer a = hear(&part, false);
    CHECK_EQ(a.status, 503);
    CHECK_HAS(a.body, "server_ends");
    answer_free(&a);
    CHECK_EQ(dial(&f), -1);
    CHECK(now_us() - begin < 290000);
    pthread_join(f.thread, NULL);
    CHECK(now_us() - begin >= 295000 && now_us() - begin < 800000);
    CHECK_EQ(f.why[ROMA_HTTP_ENDED], 1u);
    CHECK_EQ(f.ended, 1u);
    CHECK(hears_end(&held));
    wire_close(&idle);
    wire_close(&part);
    wire_close(&held);
    roma_http_close(f.h);
    free(f.big);

    front_begin(&f, (roma_http_config){0}); /* by a signal, and a second one that will not wait */
    held = (wire){.fd = dial(&f)};
    say_text(held.fd, HOLD);
    CHECK(reaches(&f.requests, 1));
    signalled = &f;
    signal(SIGUSR1, on_signal);
    raise(SIGUSR1);
    CHECK(reaches(&f.ended, 1));
    usleep(20000);
    CHECK_EQ(f.over, 0u);
    begin = now_us();
    front_end(&f, 0);
    CHECK(now_us() - begin < 500000);
    CHECK_EQ(f.over, 1u);
    wire_close(&held);
}

/* Serve's way: streams get their last words when the end is announced. */
static void last_words(void *ctx) {
    front *f = ctx;
    atomic_fetch_add(&f->ended, 1);
    roma_http_exchange *x = f->held;
    roma_http_reply(x, 200, "text/plain", NULL, "bye", 3);
}

static void check_last_words(void) {
    front f;
    front_begin(&f, (roma_http_config){.ending = last_words});
    wire w = {.fd = dial(&f)};
    say_text(w.fd, HOLD);
    CHECK(reaches(&f.requests, 1));
    unsigned long long begin = now_us();
    roma_http_end(f.h, 0); /* even then */
    answer a = hear(&w, false);
    CHECK_STR(a.body ? a.body : "", "bye");
    CHECK(a.closes && a.whole);
    answer_free(&a);
    CHECK(hears_end(&w));
    wire_close(&w);
    front_end(&f, 0);
    CHECK(now_us() - begin < 1000000);
    CHECK_EQ(f.why[ROMA_HTTP_SENT], 1u);
    roma_http_close(NULL);
}

/* ---- other threads -------------------------------------------------------------------------------------- */

enum { WAKERS = 4, WAKES = 2000 };
static void *waker(void *ctx) {
    for (int i = 0; i < WAKES; i++) roma_http_wake(((front *)ctx)->h);
    return NULL;
}

static void check_wake(void) {
    front f;
    pthread_t t[WAKERS];
    front_begin(&f, (roma_http_config){0});
    for (int i = 0; i < WAKERS; i++) pthread_create(&t[i], NULL, waker, &f);
    for (int i = 0; i < WAKERS; i++) pthread_join(t[i], NULL);
    CHECK(reaches(&f.woken, 1) && f.woken <= WAKERS * WAKES);
    usleep(20000);
    for (int i = 0; i < 20; i++) { /* none is lost */
        unsigned was = f.woken;
        roma_http_wake(f.h);
        CHECK(reaches(&f.woken, was + 1));
    }
    front_end(&f, 0);
}

/* ---- beginnings ---------------------------------------------------------------------------------------- */

static void check_open_fails(roma_http_config c, int code, const char *word) {
    roma_http *h;
    roma_error err;
    c.request = front_request;
    c.over = front_over;
    CHECK_EQ(roma_http_open(&h, &c, &err), code);
    CHECK(!h);
    CHECK_HAS(err.text, word);
}

/* Some sandboxes let a socket have any address. */
static bool binds_anywhere(void) {
    struct sockaddr_in a = {.sin_family = AF_INET};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    inet_pton(AF_INET, "192.0.2.1", &a.sin_addr);
    bool does = bind(fd, (struct sockaddr *)&a, sizeof a) == 0;
    close(fd);
    return does;
}

static void check_open(void) {
    const char *bad[] = {"localhost"}, *far[] = {"192.0.2.1"}, *name[] = {"a b"}, *port[] = {"a:80"},
               *page[] = {"https://a/"}, *both[] = {"127.0.0.1", "::1"}, *all[] = {"0.0.0.0"};
    roma_error err;
    check_open_fails((roma_http_config){.addresses = bad, .n_addresses = 1}, ROMA_EUSAGE, "'localhost' is no address");
    if (!binds_anywhere())
        check_open_fails((roma_http_config){.addresses = far, .n_addresses = 1}, ROMA_EUSAGE,
                         "no address of this host");
    check_open_fails((roma_http_config){.hosts = name, .n_hosts = 1}, ROMA_EUSAGE, "'a b' is no host name");
    check_open_fails((roma_http_config){.hosts = port, .n_hosts = 1}, ROMA_EUSAGE, "no host name");
    check_open_fails((roma_http_config){.origins = page, .n_origins = 1}, ROMA_EUSAGE, "no origin");
    check_open_fails((roma_http_config){.connections = 65537}, ROMA_EUSAGE, "too many");
    check_open_fails((roma_http_config){.body_most = UINT64_MAX}, ROMA_EUSAGE, "1 GiB");
    check_open_fails((roma_http_config){.bodies_bytes = 1000}, ROMA_EUSAGE, "do not hold one");
    check_open_fails((roma_http_config){.addresses = both, .n_addresses = 17}, ROMA_EUSAGE, "at most");
    roma_http_config c = {.request = front_request, .over = front_over, .addresses = both, .n_addresses = 1};
    roma_http *h;
    uint64_t bodies;
    CHECK_EQ(roma_http_open(&h, &c, &err), 0);
    CHECK(roma_http_port(h) > 0);
    CHECK(roma_http_bytes(h, &bodies) > (uint64_t)1024 * 36864 + bodies && bodies == (uint64_t)64 << 20);
    check_open_fails((roma_http_config){.addresses = both, .n_addresses = 1, .port = roma_http_port(h)}, ROMA_EBUSY,
                     "taken by another program");
    roma_http_close(h);
    c.addresses = all;
    CHECK_EQ(roma_http_open(&h, &c, &err), 0);
    roma_http_close(h);
    for (int i = 0; i < 100; i++) { /* without memory */
        scarce_begin(i);
        int rc = roma_http_open(&h, &c, &err);
        CHECK(rc == 0 || rc == ROMA_ENOMEM);
        roma_http_close(h);
        CHECK_EQ(scarce_outstanding, 0);
        roma_allocator_set(NULL);
        if (!rc) break;
        CHECK(!h && i < 99);
    }
}

/* ---- pages of other origins ------------------------------------------------------------------------------ */

static void check_origins(void) {
    static const char *const origins[] = {"https://chat.example.org"}, *const any[] = {"*"};
    front f;
    front_begin(&f, (roma_http_config){.origins = origins, .n_origins = 1});
    wire w = {.fd = dial(&f)};
    say_text(w.fd, "OPTIONS /v1/x HTTP/1.1\r\n" H
                   "Origin: https://chat.example.org\r\nAccess-Control-Request-Method: POST\r\n\r\n"
                   "POST /x HTTP/1.1\r\n" H "Origin: https://chat.example.org\r\nContent-Length: 1\r\n\r\na"
                   "POST /x HTTP/1.1\r\n" H "Origin: http://localhost:1\r\nContent-Length: 1\r\n\r\na");
    answer a = hear(&w, false);
    CHECK_EQ(a.status, 204);
    CHECK_HAS(a.head, "\r\nAccess-Control-Allow-Origin: https://chat.example.org\r\nVary: Origin\r\n");
    CHECK_HAS(a.head, "\r\nAccess-Control-Allow-Headers: *, Authorization\r\n");
    answer_free(&a);
    a = hear(&w, false);
    CHECK_EQ(a.status, 200);
    CHECK_HAS(a.head, "\r\nAccess-Control-Allow-Origin: https://chat.example.org\r\n");
    answer_free(&a);
    a = hear(&w, false);
    CHECK_EQ(a.status, 200);
    CHECK(!strstr(a.head, "Access-Control"));
    answer_free(&a);
    say_text(w.fd, "GET /x HTTP/1.1\r\n" H "Origin: https://chat.example.org.evil\r\n\r\n");
    a = hear(&w, false);
    CHECK_EQ(a.status, 403);
    answer_free(&a);
    wire_close(&w);
    front_end(&f, 0);
    front_begin(&f, (roma_http_config){.origins = any, .n_origins = 1, .hosts = any, .n_hosts = 1});
    a = ask(&f, "GET /x HTTP/1.1\r\nHost: any.example\r\nOrigin: null\r\n\r\n",
            strlen("GET /x HTTP/1.1\r\nHost: any.example\r\nOrigin: null\r\n\r\n"));
    CHECK_EQ(a.status, 200);
    CHECK_HAS(a.head, "\r\nAccess-Control-Allow-Origin: *\r\n");
    answer_free(&a);
    front_end(&f, 0);
}

/* A server on all addresses answers under every number, and under no name beside its own. */
static void check_numbers(void) {
    static const char *const all[] = {"0.0.0.0"};
    static const struct {
        const char *host;
        int status;
    } cases[] = {{"192.168.1.10:8080", 200}, {"[2001:db8::1]", 200}, {"localhost", 200}, {"evil.example", 403},
                 {"127.0.0.1.nip.io", 403},  {"1.2.3", 403},         {"[]", 403},        {"[:::]", 403}};
    front f;
    front_begin(&f, (roma_http_config){.addresses = all, .n_addresses = 1});
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[100];
        snprintf(text, sizeof text, "GET /x HTTP/1.1\r\nHost: %s\r\n\r\n", cases[i].host);
        answer a = ask(&f, text, strlen(text));
        CHECK_EQ(a.status, cases[i].status);
        answer_free(&a);
    }
    front_end(&f, 0);
}

/* ---- words --------------------------------------------------------------------------------------------- */

static roma_http_text text_of(const char *s) { return (roma_http_text){s, strlen(s)}; }

static void check_words(void) {
    char out[8], date[40];
    roma_http_text q = text_of("a=1&bc=2%20x&b=3&d=&e");
    CHECK_EQ(roma_http_query(q, "b").len, 1u);
    CHECK(roma_http_is(roma_http_query(q, "b"), "3") && roma_http_is(roma_http_query(q, "bc"), "2%20x"));
    CHECK(roma_http_is(roma_http_query(q, "d"), "") && !roma_http_query(q, "e").text && !roma_http_query(q, "c").text);
    CHECK(!roma_http_query((roma_http_text){0}, "a").text);
    CHECK_EQ(roma_http_unescape(out, sizeof out, text_of("a%2Fb+%7e")), 5u);
    CHECK_STR(out, "a/b+~");
    CHECK_EQ(roma_http_unescape(out, sizeof out, text_of("1234567")), 7u);
    CHECK(roma_http_unescape(out, sizeof out, text_of("12345678")) == SIZE_MAX);
    CHECK(roma_http_unescape(out, sizeof out, text_of("a%00")) == SIZE_MAX);
    CHECK(roma_http_unescape(out, sizeof out, text_of("a%4")) == SIZE_MAX);
    CHECK(roma_http_unescape(out, 0, text_of("")) == SIZE_MAX);
    CHECK_STR(roma_http_why_text(ROMA_HTTP_GONE), "the client left");
    for (uint64_t t = 0; t < UINT64_C(8000000000); t += 86399 * 37) { /* to the year 2223, against libc */
        struct tm tm;
        time_t at = (time_t)t;
        char want[40];
        strftime(want, sizeof want, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&at, &tm));
        roma_http_date(date, t);
        CHECK_STR(date, want);
    }
}

int main(void) {
    unsigned before = descriptors();
    front f;
    front_begin(&f, (roma_http_config){0});
    check_held(&f, end, false);
    check_held(&f, reset, false);
    check_held(&f, end_of_sending, true);
    check_half(&f);
    check_ahead(&f);
    check_phases(&f);
    front_end(&f, 1000);
    CHECK_EQ(f.over, f.requests);
    check_end();
    check_last_words();
    check_wake();
    check_open();
    check_origins();
    check_numbers();
    check_words();
    CHECK_EQ(descriptors(), before);
    return TEST_DONE();
}
