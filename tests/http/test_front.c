/* The front as clients see it when all goes well: methods, bodies of every size, keep-alive, requests sent ahead,
 * answers copied, borrowed and in pieces; and nothing allocated behind open. */
#include "../test.h"
#include "front.h"

static front f;
#define HOST "Host: localhost\r\n"

/* ---- requests ------------------------------------------------------------------------------------- */

static void check_echo(const char *request, const char *want) {
    answer a = ask(&f, request, strlen(request));
    CHECK_EQ(a.status, 200);
    CHECK(a.whole);
    CHECK_STR(a.body ? a.body : "", want);
    answer_free(&a);
}

static void check_requests(void) {
    check_echo("GET / HTTP/1.1\r\n" HOST "\r\n", "GET|/||0|00000000||");
    check_echo("GET /a%20b?c=d&e=%2F HTTP/1.1\r\n" HOST "\r\n", "GET|/a%20b|c=d&e=%2F|0|00000000||");
    check_echo("GET /a? HTTP/1.1\r\n" HOST "\r\n", "GET|/a||0|00000000||");
    check_echo("DELETE /x HTTP/1.1\r\n" HOST "\r\n", "DELETE|/x||0|00000000||");
    check_echo("POST /x HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n", "POST|/x||0|00000000||");
    check_echo("POST /x HTTP/1.1\r\nhost:LOCALHOST:8080\r\nAUTHORIZATION: Bearer  k \r\ncontent-Type:\ttext/json\r\n"
               "CONTENT-LENGTH:9\r\n\r\n123456789",
               "POST|/x||9|e3069283|Bearer  k|text/json"); /* the check value of CRC-32C */
    check_echo("PUT /x HTTP/1.1\r\n" HOST
               "Transfer-Encoding: Chunked\r\n\r\n4\r\n1234\r\n00000005\r\n56789\r\n0\r\n\r\n",
               "PUT|/x||9|e3069283||");
}

/* ---- bodies ------------------------------------------------------------------------------------------ */

static char *body;
enum { BODY_MOST = 4 << 20 };

/* One body of n bytes, by length or in chunks of `chunk` bytes, on a connection that goes on. */
static void check_body(wire *w, size_t n, size_t chunk) {
    char head[256], want[128];
    snprintf(want, sizeof want, "POST|/body||%zu|%08x||", n, roma_crc32c(0, body, n));
    if (chunk) {
        snprintf(head, sizeof head, "POST /body HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n");
        CHECK(say_text(w->fd, head));
        for (size_t i = 0; i < n; i += chunk) {
            size_t k = n - i < chunk ? n - i : chunk;
            snprintf(head, sizeof head, "%zX\r\n", k);
            CHECK(say_text(w->fd, head) && say(w->fd, body + i, k) && say_text(w->fd, "\r\n"));
        }
        CHECK(say_text(w->fd, "0\r\n\r\n"));
    } else {
        snprintf(head, sizeof head, "POST /body HTTP/1.1\r\n" HOST "Content-Length: %zu\r\n\r\n", n);
        CHECK(say_text(w->fd, head) && say(w->fd, body, n));
    }
    answer a = hear(w, false);
    CHECK_EQ(a.status, 200);
    CHECK_STR(a.body ? a.body : "", want);
    answer_free(&a);
}

static void check_bodies(void) {
    static const size_t sizes[] = {0,     1,     100,   16383, 16384, 20000, 20400,  20410,   20418,
                                   20419, 20420, 20421, 20480, 65536, 65537, 200000, 1 << 20, BODY_MOST};
    body = malloc(BODY_MOST + 1);
    for (size_t i = 0; i < BODY_MOST; i++) body[i] = (char)roma_random(2, i / 4);
    wire w = {.fd = dial(&f)};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        check_body(&w, sizes[i], 0);
        check_body(&w, sizes[i], 50000);
        if (sizes[i] <= 20480) check_body(&w, sizes[i], 7);
    }
    wire_close(&w);
    free(body);
}

static void check_continue(void) {
    wire w = {.fd = dial(&f)};
    say_text(w.fd, "POST /c HTTP/1.1\r\n" HOST "Content-Length: 9\r\nExpect: 100-Continue\r\n\r\n");
    answer a = hear(&w, false);
    CHECK_EQ(a.status, 100);
    answer_free(&a);
    say_text(w.fd, "123456789");
    a = hear(&w, false);
    CHECK_EQ(a.status, 200);
    CHECK_STR(a.body, "POST|/c||9|e3069283||");
    answer_free(&a);
    wire_close(&w);
}

/* ---- answers ------------------------------------------------------------------------------------------ */

static void check_head(void) {
    wire w = {.fd = dial(&f)};
    say_text(w.fd, "HEAD /h HTTP/1.1\r\n" HOST "\r\nHEAD /stream HTTP/1.1\r\n" HOST "\r\nHEAD /big HTTP/1.1\r\n" HOST
                   "\r\nGET /h HTTP/1.1\r\n" HOST "\r\n");
    answer a = hear(&w, true);
    CHECK_EQ(a.status, 200);
    CHECK_HAS(a.head, "\r\nContent-Length: 21\r\n");
    CHECK_HAS(a.head, "\r\nX-Test: one\r\n");
    CHECK_HAS(a.head, "\r\nX-Content-Type-Options: nosniff\r\n");
    CHECK_HAS(a.head, " GMT\r\n");
    answer_free(&a);
    a = hear(&w, true);
    CHECK_HAS(a.head, "\r\nTransfer-Encoding: chunked\r\n");
    answer_free(&a);
    a = hear(&w, true);
    CHECK_HAS(a.head, "\r\nContent-Length: 3145728\r\n");
    answer_free(&a);
    a = hear(&w, false);
    CHECK_STR(a.body, "GET|/h||0|00000000||");
    answer_free(&a);
    CHECK_EQ(w.n, 0u);
    wire_close(&w);
}

static void check_answers(void) {
    wire w = {.fd = dial(&f)};
    say_text(w.fd,
             "GET /big HTTP/1.1\r\n" HOST "\r\nGET /stream HTTP/1.1\r\n" HOST "\r\nGET /none HTTP/1.1\r\n" HOST
             "\r\nGET /last HTTP/1.1\r\n" HOST "Connection: TE, Close\r\n\r\nGET /never HTTP/1.1\r\n" HOST "\r\n");
    answer a = hear(&w, false);
    CHECK_EQ(a.len, f.big_len);
    CHECK_BYTES(a.body, f.big, a.len < f.big_len ? a.len : f.big_len);
    answer_free(&a);
    a = hear(&w, false);
    CHECK(a.chunked && a.whole && !a.closes);
    CHECK_HAS(a.head, "\r\nCache-Control: no-store\r\n");
    CHECK_STR(a.body, "onetwo");
    answer_free(&a);
    a = hear(&w, false);
    CHECK_EQ(a.status, 204);
    CHECK(!head_value(&a, "Content-Length"));
    answer_free(&a);
    a = hear(&w, false);
    CHECK_STR(a.body, "GET|/last||0|00000000||");
    CHECK(a.closes);
    answer_free(&a);
    CHECK(hears_end(&w));
    wire_close(&w);
    w = (wire){.fd = dial(&f)};
    say_text(w.fd, "GET /cut HTTP/1.1\r\n" HOST "\r\n");
    a = hear(&w, false);
    CHECK(a.status == 200 && !a.whole);
    CHECK_STR(a.body, "part");
    answer_free(&a);
    CHECK(hears_end(&w));
    wire_close(&w);
}

/* Every request a byte at a time, and cut in two at every byte. */
static void check_pieces(void) {
    static const char request[] =
        "POST /p HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n4\r\n1234\r\n5\r\n56789\r\n0\r\n\r\n";
    size_t n = sizeof request - 1;
    wire w = {.fd = dial(&f)};
    for (size_t cut = 1; cut < n; cut++) {
        say(w.fd, request, cut);
        usleep(100);
        say(w.fd, request + cut, n - cut);
        answer a = hear(&w, false);
        CHECK_STR(a.body ? a.body : "", "POST|/p||9|e3069283||");
        answer_free(&a);
    }
    for (size_t i = 0; i < n; i++) {
        say(w.fd, request + i, 1);
        usleep(100);
    }
    answer a = hear(&w, false);
    CHECK_STR(a.body ? a.body : "", "POST|/p||9|e3069283||");
    answer_free(&a);
    wire_close(&w);
}

/* Many requests in one write come back in their order. */
static void check_ahead(void) {
    enum { N = 500 };
    char *all = malloc(N * 80), want[64];
    size_t n = 0;
    wire w = {.fd = dial(&f)};
    for (int i = 0; i < N; i++)
        n += (size_t)sprintf(all + n, "POST /%d HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc", i);
    say(w.fd, all, n);
    for (int i = 0; i < N; i++) {
        answer a = hear(&w, false);
        snprintf(want, sizeof want, "POST|/%d||3|%08x||", i, roma_crc32c(0, "abc", 3));
        CHECK_STR(a.body ? a.body : "", want);
        answer_free(&a);
    }
    wire_close(&w);
    free(all);
}

int main(void) {
    front_begin(&f, (roma_http_config){0});
    uint64_t before = roma_alloc_count();
    check_requests();
    check_bodies();
    check_continue();
    check_head();
    check_answers();
    check_pieces();
    check_ahead();
    CHECK_EQ(roma_alloc_count(), before);
    CHECK_EQ(f.requests, f.over);
    front_end(&f, 1000);
    CHECK_EQ(f.rc, 0);
    return TEST_DONE();
}
