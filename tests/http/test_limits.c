/* Limits: times, memory, connections, descriptors. What goes beyond them ends alone, and in time. */
#include "../base/scarce.h"
#include "../test.h"
#include "front.h"

#include <poll.h>
#include <sys/resource.h>

#define H "Host: localhost\r\n"
#define GET "GET /x HTTP/1.1\r\n" H "\r\n"

enum { HEAD_MS = 150, BODY_MS = 250, WRITE_MS = 300, IDLE_MS = 200, LATER = 400 }; /* LATER: a loaded machine's share */

static unsigned long long begin;
static void start(void) { begin = now_us(); }
static bool took(unsigned ms) {
    unsigned long long t = (now_us() - begin) / 1000;
    return t + 5 >= ms && t < ms + LATER;
}

/* ---- times ---------------------------------------------------------------------------------------- */

static void check_times(const front *f) {
    wire w = {.fd = dial(f)};
    start();
    CHECK(hears_end(&w)); /* nothing said, nothing answered */
    CHECK(took(HEAD_MS));
    wire_close(&w);

    w = (wire){.fd = dial(f)}; /* a byte now and then is not enough */
    start();
    for (const char *p = "GET / HTTP/1.1\r\nA: bbbbbbbbbbbbbbbbbbbbbbbb"; *p && say(w.fd, p, 1); p++) {
        struct pollfd q = {.fd = w.fd, .events = POLLIN};
        if (poll(&q, 1, 15)) break;
    }
    answer a = hear(&w, false);
    CHECK_EQ(a.status, 408);
    CHECK(took(HEAD_MS) && a.closes);
    answer_free(&a);
    CHECK(hears_end(&w));
    wire_close(&w);

    w = (wire){.fd = dial(f)};
    say_text(w.fd, "POST / HTTP/1.1\r\n" H "Content-Length: 100\r\n\r\nabc");
    start();
    a = hear(&w, false);
    CHECK_EQ(a.status, 408);
    CHECK_HAS(a.body, "request_timeout");
    CHECK(took(BODY_MS));
    answer_free(&a);
    wire_close(&w);

    w = (wire){.fd = dial(f)};
    say_text(w.fd, GET);
    a = hear(&w, false);
    CHECK_EQ(a.status, 200);
    answer_free(&a);
    start();
    CHECK(hears_end(&w));
    CHECK(took(IDLE_MS));
    wire_close(&w);

    w = (wire){.fd = dial(f)}; /* the second head has its own time */
    say_text(w.fd, GET);
    a = hear(&w, false);
    answer_free(&a);
    usleep(100000);
    say_text(w.fd, "GET ");
    start();
    a = hear(&w, false);
    CHECK_EQ(a.status, 408);
    CHECK(took(HEAD_MS));
    answer_free(&a);
    wire_close(&w);
}

/* Who takes nothing is let go; who takes a little stays. */
static void check_stalls(front *f) {
    static const char *const paths[] = {"/endless", "/big"};
    for (int i = 0; i < 2; i++) {
        char text[100];
        unsigned was = f->why[ROMA_HTTP_STALLED];
        wire w = {.fd = dial(f)};
        snprintf(text, sizeof text, "GET %s HTTP/1.1\r\n" H "\r\n", paths[i]);
        say_text(w.fd, text);
        start();
        CHECK(reaches(&f->why[ROMA_HTTP_STALLED], was + 1));
        CHECK(took(WRITE_MS));
        wire_close(&w);
    }
    unsigned was = f->why[ROMA_HTTP_STALLED];
    wire w = {.fd = dial(f)};
    say_text(w.fd, "GET /endless HTTP/1.1\r\n" H "\r\n");
    for (int i = 0; i < 10; i++) {
        static char some[300000];
        usleep(60000);
        CHECK(recv(w.fd, some, sizeof some, 0) > 0);
    }
    CHECK_EQ(f->why[ROMA_HTTP_STALLED], was);
    wire_close(&w);
    CHECK(reaches(&f->over, f->requests));
}

/* ---- memory ----------------------------------------------------------------------------------------- */

/* Whether a request is answered 200 within a second, when what hinders it has just gone. */
static bool becomes_good(const front *f, const char *request, size_t n) {
    int status = 0;
    for (int tries = 0; tries < 100 && status != 200; tries++) {
        if (tries) usleep(10000);
        answer a = ask(f, request, n);
        status = a.status;
        answer_free(&a);
    }
    return status == 200;
}

static void check_bodies(front *f) {
    static char whole[71000];
    wire hog[2] = {{.fd = dial(f)}, {.fd = dial(f)}};
    static char part[70000];
    for (int i = 0; i < 2; i++) {
        say_text(hog[i].fd, "POST / HTTP/1.1\r\n" H "Content-Length: 100000\r\n\r\n");
        say(hog[i].fd, part, 60000);
    }
    usleep(20000);
    char text[] = "POST / HTTP/1.1\r\n" H "Content-Length: 70000\r\n\r\n";
    wire w = {.fd = dial(f)};
    say_text(w.fd, text);
    say(w.fd, part, 70000);
    answer a = hear(&w, false);
    CHECK_EQ(a.status, 503);
    CHECK_HAS(a.body, "no_room_for_body");
    CHECK_HAS(a.head, "\r\nRetry-After: 1\r\n");
    answer_free(&a);
    wire_close(&w);
    w = (wire){.fd = dial(f)}; /* small ones need nothing of it */
    say_text(w.fd, "POST / HTTP/1.1\r\n" H "Content-Length: 15000\r\n\r\n");
    say(w.fd, part, 15000);
    a = hear(&w, false);
    CHECK_EQ(a.status, 200);
    answer_free(&a);
    wire_close(&w);
    wire_close(&hog[0]);
    wire_close(&hog[1]);
    memcpy(whole, text, sizeof text - 1);
    CHECK(becomes_good(f, whole, sizeof text - 1 + 70000)); /* what they had is there again */
}

static long resident(void) {
    char text[256];
    int fd = open("/proc/self/statm", O_RDONLY);
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    text[n > 0 ? n : 0] = 0;
    char *p = strchr(text, ' ');
    return p ? atol(p) * sysconf(_SC_PAGESIZE) : 0;
}

/* A hundred that never read hold little, and nobody else notices. */
static void check_unread(void) {
    enum { N = 100 };
    front f;
    wire slow[N];
    front_begin(&f, (roma_http_config){0});
    answer a = ask(&f, GET, strlen(GET));
    answer_free(&a);
    long before = resident();
    uint64_t allocated = roma_alloc_count();
    for (int i = 0; i < N; i++) {
        slow[i] = (wire){.fd = dial(&f)};
        say_text(slow[i].fd, "GET /endless HTTP/1.1\r\n" H "\r\n");
    }
    CHECK(reaches(&f.requests, N + 1));
    for (int i = 0; i < 200; i++) {
        start();
        a = ask(&f, GET, strlen(GET));
        CHECK_EQ(a.status, 200);
        CHECK(took(0));
        answer_free(&a);
    }
    if (!SANITIZED) CHECK(resident() - before < N * 48 * 1024);
    CHECK_EQ(roma_alloc_count(), allocated);
    unsigned long long pulled = 0;
    for (int i = 0; i < 50 && pulled != f.pulled; i++, usleep(50000)) pulled = f.pulled;
    CHECK_EQ(f.pulled, pulled); /* it came to rest */
    CHECK(pulled < N * 400000ull);
    for (int i = 0; i < N; i++) wire_close(&slow[i]);
    CHECK(reaches(&f.why[ROMA_HTTP_GONE], N));
    front_end(&f, 1000);
}

/* ---- connections and descriptors ---------------------------------------------------------------------- */

static void check_connections(void) {
    enum { MOST = 1024, MORE = MOST + 200 };
    static wire w[MORE];
    front f;
    unsigned late = 0;
    struct rlimit was, r;
    getrlimit(RLIMIT_NOFILE, &was);
    r = was;
    r.rlim_cur = r.rlim_max < 4096 ? r.rlim_max : 4096;
    setrlimit(RLIMIT_NOFILE, &r);
    if (r.rlim_cur < 4096) {
        TEST_SKIP("1,024 connections: the system gives fewer than 4,096 descriptors");
        return;
    }
    front_begin(&f, (roma_http_config){0});
    for (int i = 0; i < MOST; i++) {
        w[i] = (wire){.fd = dial(&f)};
        if (i % 100 == 0) {
            say_text(w[i].fd, GET);
            answer a = hear(&w[i], false);
            CHECK_EQ(a.status, 200);
            answer_free(&a);
        }
    }
    for (int i = MOST; i < MORE; i++) { /* more than are told in full and lingered for, too */
        start();
        w[i] = (wire){.fd = dial(&f)};
        answer a = hear(&w[i], false);
        CHECK_EQ(a.status, 503);
        late += now_us() - begin > 100000;
        CHECK(took(0) && a.whole && a.closes);
        CHECK_HAS(a.head, "\r\nRetry-After: 1\r\n");
        CHECK_HAS(a.body, "too_many_connections");
        answer_free(&a);
        CHECK(hears_end(&w[i]));
    }
    CHECK(late <= 10);                   /* the machine has other work */
    for (int i = 0; i < MOST; i += 50) { /* those who are in are served */
        say_text(w[i].fd, GET);
        answer a = hear(&w[i], false);
        CHECK_EQ(a.status, 200);
        answer_free(&a);
    }
    for (int i = 0; i < MORE; i++) wire_close(&w[i]);
    CHECK(becomes_good(&f, GET, strlen(GET)));
    front_end(&f, 1000);
    setrlimit(RLIMIT_NOFILE, &was);
}

/* Without descriptors a client hears why, and those that are served do not notice. */
static void check_descriptors(void) {
    front f;
    front_begin(&f, (roma_http_config){0});
    wire in = {.fd = dial(&f)}, w[5];
    say_text(in.fd, GET);
    answer a = hear(&in, false);
    answer_free(&a);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(roma_http_port(f.h))};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    struct rlimit was, r;
    getrlimit(RLIMIT_NOFILE, &was);
    for (int i = 0; i < 5; i++) w[i] = (wire){.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    int free_fd = dup(0);
    close(free_fd);
    r = was;
    r.rlim_cur = (rlim_t)free_fd; /* the lowest free one is beyond */
    setrlimit(RLIMIT_NOFILE, &r);
    for (int i = 0; i < 5; i++) {
        CHECK_EQ(connect(w[i].fd, (struct sockaddr *)&to, sizeof to), 0);
        a = hear(&w[i], false);
        CHECK_EQ(a.status, 503);
        CHECK_HAS(a.body, "too_many_connections");
        answer_free(&a);
        say_text(in.fd, GET);
        a = hear(&in, false);
        CHECK_EQ(a.status, 200);
        answer_free(&a);
    }
    setrlimit(RLIMIT_NOFILE, &was);
    for (int i = 0; i < 5; i++) wire_close(&w[i]);
    a = ask(&f, GET, strlen(GET));
    CHECK_EQ(a.status, 200);
    answer_free(&a);
    wire_close(&in);
    front_end(&f, 1000);
}

int main(void) {
    unsigned before = descriptors();
    front f;
    front_begin(&f, (roma_http_config){.head_ms = HEAD_MS,
                                       .body_ms = BODY_MS,
                                       .write_ms = WRITE_MS,
                                       .idle_ms = IDLE_MS,
                                       .body_most = 100000,
                                       .bodies_bytes = 131072});
    check_times(&f);
    check_stalls(&f);
    check_bodies(&f);
    front_end(&f, 1000);
    check_unread();
    check_connections();
    check_descriptors();
    CHECK_EQ(descriptors(), before);
    return TEST_DONE();
}
