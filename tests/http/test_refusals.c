/* What is no request by the rules of docs/server-http.md gets its status, its code and the connection's end, and the
 * server goes on. Expectations are written from the page: a table by hand, and every byte at every kind of place. */
#include "../test.h"
#include "front.h"

static front f;
static unsigned cases, passed;
enum { BODY = 100000, BODIES = 131072 }; /* what this server takes */

static void check_refused(answer *a, wire *w, const char *code) {
    char want[64];
    snprintf(want, sizeof want, "\"code\":\"%s\"}}\n", code);
    CHECK(a->whole && a->closes);
    CHECK_HAS(a->head, "\r\nContent-Type: application/json\r\n");
    CHECK_HAS(a->body ? a->body : "", want);
    CHECK(a->body && strncmp(a->body, "{\"error\":{\"message\":\"", 21) == 0 && strstr(a->body, "\",\"param\":null,"));
    CHECK(a->body &&
          strstr(a->body, a->status >= 500 ? "\"type\":\"server_error\"" : "\"type\":\"invalid_request_error\""));
    CHECK((head_value(a, "Retry-After") != NULL) == (a->status == 503));
    CHECK((head_value(a, "Allow") != NULL) == (a->status == 405));
    CHECK(hears_end(w));
}

/* One request of n bytes; status 200: handed on, else refused with that code. */
static void check_case(const char *request, size_t n, int status, const char *code) {
    wire w = {.fd = dial(&f)};
    cases++;
    say(w.fd, request, n);
    answer a = hear(&w, false);
    if (a.status != status) fprintf(stderr, "%.*s\n", (int)n, request);
    CHECK_EQ(a.status, status);
    if (status == 200)
        passed++;
    else
        check_refused(&a, &w, code);
    answer_free(&a);
    wire_close(&w);
}

typedef struct {
    int status;
    const char *code, *text;
} row;
#define ROWS(rows)                                                                                                     \
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)                                                            \
    check_case(rows[i].text, strlen(rows[i].text), rows[i].status, rows[i].code)

#define H "Host: localhost\r\n"
#define GET "GET / HTTP/1.1\r\n"
#define POST "POST / HTTP/1.1\r\n" H
#define CHUNKED POST "Transfer-Encoding: chunked\r\n\r\n"
#define LINE 400, "bad_request_line"
#define HEAD 400, "bad_head"
#define HEADER 400, "bad_header"
#define AGAIN 400, "repeated_header"
#define NAME 400, "bad_host"
#define LENGTH 400, "bad_length"
#define CODING 400, "bad_transfer_encoding"
#define TWO 400, "two_lengths"
#define UNEXPECTED 400, "unexpected_body"
#define CHUNK 400, "bad_chunk"
#define METHOD 501, "unknown_method"
#define VERSION 505, "unsupported_version"
#define FOREIGN 403, "host_not_allowed"
#define ORIGIN 403, "origin_not_allowed"
#define FINE 200, ""

/* ---- by hand -------------------------------------------------------------------------------------- */

/* clang-format off */
static const row lines[] = {
    {FINE, GET H "\r\n"}, {FINE, "GET /a/b?c=d&e HTTP/1.1\r\n" H "\r\n"}, {FINE, "GET /%41%ff%00 HTTP/1.1\r\n" H "\r\n"},
    {FINE, "GET /-._~!$&'()*+,;=:@/? HTTP/1.1\r\n" H "\r\n"}, {FINE, "GET //a/../b HTTP/1.1\r\n" H "\r\n"},
    {LINE, "GET / HTTP/1.1 \r\n" H "\r\n"}, {LINE, "GET  / HTTP/1.1\r\n" H "\r\n"}, {LINE, "GET /  HTTP/1.1\r\n" H "\r\n"},
    {LINE, " GET / HTTP/1.1\r\n" H "\r\n"}, {LINE, "GET /\r\n" H "\r\n"}, {LINE, "GET\r\n" H "\r\n"}, {LINE, "/ HTTP/1.1\r\n\r\n"},
    {LINE, "GET / / HTTP/1.1\r\n\r\n"}, {LINE, "GET / HTTP/1.1 HTTP/1.1\r\n\r\n"}, {LINE, "GET\t/\tHTTP/1.1\r\n" H "\r\n"},
    {LINE, "GET /\tHTTP/1.1\r\n" H "\r\n"}, {LINE, "GET a HTTP/1.1\r\n" H "\r\n"}, {LINE, "GET * HTTP/1.1\r\n" H "\r\n"},
    {LINE, "GET http://localhost/ HTTP/1.1\r\n" H "\r\n"}, {LINE, "CONNECT localhost:80 HTTP/1.1\r\n" H "\r\n"},
    {LINE, "OPTIONS * HTTP/1.1\r\n" H "\r\n"}, {LINE, "GET ?a HTTP/1.1\r\n" H "\r\n"}, {LINE, "GET /a#b HTTP/1.1\r\n" H "\r\n"},
    {LINE, "GET /a% HTTP/1.1\r\n" H "\r\n"}, {LINE, "GET /a%4 HTTP/1.1\r\n" H "\r\n"}, {LINE, "GET /a%4g HTTP/1.1\r\n" H "\r\n"},
    {LINE, "GET /a?b=%zz HTTP/1.1\r\n" H "\r\n"}, {LINE, "GET /a\\b HTTP/1.1\r\n" H "\r\n"}, {LINE, "GET /\"a\" HTTP/1.1\r\n" H "\r\n"},
    {LINE, "GET /<a> HTTP/1.1\r\n" H "\r\n"}, {LINE, "GET /{a} HTTP/1.1\r\n" H "\r\n"}, {LINE, "GET /a|b HTTP/1.1\r\n" H "\r\n"},
    {LINE, "GET /a^b HTTP/1.1\r\n" H "\r\n"}, {LINE, "GET /a`b HTTP/1.1\r\n" H "\r\n"}, {LINE, "GET /[a] HTTP/1.1\r\n" H "\r\n"},
    {LINE, "GET /\xc3\xa4 HTTP/1.1\r\n" H "\r\n"}, {LINE, "G\xc3\xa4T / HTTP/1.1\r\n" H "\r\n"}, {LINE, "G(T / HTTP/1.1\r\n" H "\r\n"},
    {LINE, "GET / HTTP/1.1HTTP\r\n" H "\r\n"}, {LINE, "GET / http/1.1\r\n" H "\r\n"}, {LINE, "GET / HTTP/11\r\n" H "\r\n"},
    {LINE, "GET / HTTP/1,1\r\n" H "\r\n"}, {LINE, "GET / HTTP/1.\r\n" H "\r\n"}, {LINE, "GET / HTTP/.1\r\n" H "\r\n"},
    {LINE, "GET / HTTP/1.10\r\n" H "\r\n"}, {LINE, "GET / HTTP/01.1\r\n" H "\r\n"}, {LINE, "GET / HTTP/-1.1\r\n" H "\r\n"},
    {LINE, "GET / HTTPS/1.1\r\n" H "\r\n"}, {LINE, "GET / XTTP/1.1\r\n" H "\r\n"}, {LINE, "GET / HTTP /1.1\r\n" H "\r\n"},
    {LINE, "HTTP/1.1 200 OK\r\n" H "\r\n"}, {LINE, "{\"model\":\"x\"}\r\n\r\n"}, {HEAD, "\x16\x03\x01\x02\xff"}, {LINE, "\x80"},
    {VERSION, "GET / HTTP/1.0\r\n\r\n"}, {VERSION, "GET / HTTP/0.9\r\n" H "\r\n"}, {VERSION, "GET / HTTP/2.0\r\n" H "\r\n"},
    {LINE, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"}, {VERSION, "GET / HTTP/1.2\r\n" H "\r\n"}, {VERSION, "GET / HTTP/9.9\r\n" H "\r\n"},
    {METHOD, "get / HTTP/1.1\r\n" H "\r\n"}, {METHOD, "Get / HTTP/1.1\r\n" H "\r\n"}, {METHOD, "TRACE / HTTP/1.1\r\n" H "\r\n"},
    {METHOD, "CONNECT / HTTP/1.1\r\n" H "\r\n"}, {METHOD, "PROPFIND / HTTP/1.1\r\n" H "\r\n"}, {METHOD, "GE / HTTP/1.1\r\n" H "\r\n"},
    {METHOD, "GETT / HTTP/1.1\r\n" H "\r\n"}, {METHOD, "!#$%&'*+-.^_`|~ / HTTP/1.1\r\n" H "\r\n"},
    {LINE, "\r\nGET / HTTP/1.1\r\n" H "\r\n"}, {HEAD, "\nGET / HTTP/1.1\r\n" H "\r\n"}, {HEAD, "GET / HTTP/1.1\n" H "\r\n"},
    {HEAD, "GET / HTTP/1.1\rHost: localhost\r\n\r\n"}, {HEAD, "GET / HTTP/1.1\r\r\n" H "\r\n"}, {HEAD, "\r\rGET / HTTP/1.1\r\n"},
    {405, "method_not_allowed", "OPTIONS / HTTP/1.1\r\n" H "\r\n"},
    {405, "method_not_allowed", "OPTIONS / HTTP/1.1\r\n" H "Origin: http://localhost\r\nAccess-Control-Request-Method: POST\r\n\r\n"},
};
static const row headers[] = {
    {FINE, GET H "A:\r\n\r\n"}, {FINE, GET H "A: \t b \t \r\n\r\n"}, {FINE, GET H "A: b\xc3\xa4\xff\r\n\r\n"}, {FINE, GET H "A: b: c\tD\r\n\r\n"},
    {FINE, GET H "A: b\r\nA: c\r\n\r\n"}, {FINE, GET H "!#$%&'*+-.^_`|~0: b\r\n\r\n"}, {FINE, GET H "Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\n\r\n"},
    {FINE, GET H "Connection: keep-alive\r\n\r\n"}, {FINE, GET H "Connection: ,\r\nConnection:\r\n\r\n"}, {FINE, GET H "TE: trailers\r\n\r\n"},
    {FINE, GET H "Content-Encoding: Identity\r\n\r\n"}, {FINE, GET H "Expect: 100-Continue\r\n\r\n"}, {FINE, GET H "Keep-Alive: timeout=5\r\n\r\n"},
    {HEADER, GET H ": b\r\n\r\n"}, {HEADER, GET H "A\r\n\r\n"}, {HEADER, GET H "A b\r\n\r\n"}, {HEADER, GET H "A : b\r\n\r\n"}, {HEADER, GET H "A\t: b\r\n\r\n"},
    {HEADER, GET H " A: b\r\n\r\n"}, {HEADER, GET H "A: b\r\n c\r\n\r\n"}, {HEADER, GET H "A: b\r\n\tc\r\n\r\n"}, {HEADER, GET H " \r\n\r\n"},
    {HEADER, GET " " H "\r\n"}, {HEADER, GET H "A(: b\r\n\r\n"}, {HEADER, GET H "A,B: c\r\n\r\n"}, {HEADER, GET H "A/B: c\r\n\r\n"}, {HEADER, GET H "A[]: c\r\n\r\n"},
    {HEADER, GET H "\"A\": c\r\n\r\n"}, {HEADER, GET H "A\xc3\xa4: c\r\n\r\n"}, {HEADER, GET H "Content-Length : 0\r\n\r\n"}, {HEADER, POST "Transfer-Encoding : chunked\r\n\r\n"},
    {HEADER, GET H "Connection: a b\r\n\r\n"}, {HEADER, GET H "Connection: close;x\r\n\r\n"}, {HEADER, GET H "Connection: \"close\"\r\n\r\n"},
    {HEAD, GET H "A: b\n\r\n"}, {HEAD, GET H "A: b\rC: d\r\n\r\n"}, {HEAD, GET H "A: b\r\r\n\r\n"}, {HEAD, GET H "\n"}, {HEAD, GET H "A: b\r\n\n"},
    {HEAD, GET H "A: b\n\n"}, {HEAD, GET H "A: b\x7f\r\n\r\n"}, {HEAD, GET H "A: b\x01\r\n\r\n"}, {HEAD, GET H "A: b\x1b[0m\r\n\r\n"}, {HEAD, GET H "\x0b" "A: b\r\n\r\n"},
    {HEAD, GET H "A\x0c: b\r\n\r\n"},
    {AGAIN, GET H "Authorization: a\r\nAuthorization: a\r\n\r\n"}, {AGAIN, GET H "Content-Type: a\r\ncontent-type: b\r\n\r\n"}, {AGAIN, GET H "Origin: http://localhost\r\nOrigin: http://localhost\r\n\r\n"},
    {AGAIN, POST "Expect: 100-continue\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n"},
    {417, "expectation_failed", POST "Expect: 200-ok\r\nContent-Length: 1\r\n\r\n"}, {417, "expectation_failed", GET H "Expect:\r\n\r\n"},
    {417, "expectation_failed", GET H "Expect: 100-continue, x\r\n\r\n"}, {417, "expectation_failed", GET H "Expect: 100-continues\r\n\r\n"},
    {415, "unsupported_content_encoding", POST "Content-Encoding: gzip\r\nContent-Length: 1\r\n\r\n"}, {415, "unsupported_content_encoding", POST "Content-Encoding: br\r\nContent-Length: 1\r\n\r\n"},
    {415, "unsupported_content_encoding", POST "Content-Encoding: identity, gzip\r\nContent-Length: 1\r\n\r\n"}, {415, "unsupported_content_encoding", POST "Content-Encoding:\r\nContent-Length: 1\r\n\r\n"},
    {CHUNK, POST "Trailer: X\r\nTransfer-Encoding: chunked\r\n\r\n"}, {CHUNK, GET H "Trailer:\r\n\r\n"},
};
static const row lengths[] = {
    {FINE, POST "Content-Length: 0\r\n\r\n"}, {FINE, POST "Content-Length: 3\r\n\r\nabc"}, {FINE, POST "Content-Length: 0000000003\r\n\r\nabc"},
    {FINE, POST "Content-Length:3\r\n\r\nabc"}, {FINE, POST "Content-Length: 3\t\r\n\r\nabc"}, {FINE, "DELETE / HTTP/1.1\r\n" H "\r\n"},
    {FINE, "DELETE / HTTP/1.1\r\n" H "Content-Length: 1\r\n\r\na"}, {FINE, GET H "Content-Length: 0\r\n\r\n"}, {FINE, "PATCH / HTTP/1.1\r\n" H "Content-Length: 1\r\n\r\na"},
    {LENGTH, POST "Content-Length:\r\n\r\n"}, {LENGTH, POST "Content-Length: -1\r\n\r\n"}, {LENGTH, POST "Content-Length: +3\r\n\r\nabc"}, {LENGTH, POST "Content-Length: 3a\r\n\r\nabc"},
    {LENGTH, POST "Content-Length: a\r\n\r\n"}, {LENGTH, POST "Content-Length: 0x3\r\n\r\nabc"}, {LENGTH, POST "Content-Length: 3,3\r\n\r\nabc"}, {LENGTH, POST "Content-Length: 3, 3\r\n\r\nabc"},
    {LENGTH, POST "Content-Length: 3 3\r\n\r\nabc"}, {LENGTH, POST "Content-Length: 3;\r\n\r\nabc"}, {LENGTH, POST "Content-Length: 3.0\r\n\r\nabc"}, {LENGTH, POST "Content-Length: 1e1\r\n\r\nabc"},
    {LENGTH, POST "Content-Length: \"3\"\r\n\r\nabc"}, {LENGTH, POST "Content-Length: '3'\r\n\r\nabc"}, {LENGTH, POST "Content-Length: 00000000003\r\n\r\nabc"},
    {LENGTH, POST "Content-Length: 18446744073709551616\r\n\r\n"}, {LENGTH, POST "Content-Length: 18446744073709551619\r\n\r\nabc"}, {LENGTH, POST "Content-Length: 99999999999999999999\r\n\r\n"},
    {LENGTH, POST "Content-Length: \xef\xbc\x93\r\n\r\n"}, {LENGTH, POST "Content-Length: \xd9\xa3\r\n\r\n"},
    {AGAIN, POST "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc"}, {AGAIN, POST "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc"}, {AGAIN, POST "Content-Length: 3\r\nCONTENT-LENGTH: 0\r\n\r\nabc"},
    {TWO, POST "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"}, {TWO, POST "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n"},
    {TWO, POST "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n0\r\n\r\n"}, {TWO, GET H "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n"},
    {411, "length_required", POST "\r\n"}, {411, "length_required", "PUT / HTTP/1.1\r\n" H "\r\n"}, {411, "length_required", "PATCH / HTTP/1.1\r\n" H "\r\n"}, {411, "length_required", POST "\r\nabc"},
    {UNEXPECTED, GET H "Content-Length: 3\r\n\r\nabc"}, {UNEXPECTED, GET H "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"}, {UNEXPECTED, "OPTIONS / HTTP/1.1\r\n" H "Content-Length: 3\r\n\r\nabc"},
    {413, "request_too_large", POST "Content-Length: 100001\r\n\r\n"}, {413, "request_too_large", POST "Content-Length: 4294967296\r\n\r\n"}, {413, "request_too_large", POST "Content-Length: 9999999999\r\n\r\n"},
    {413, "request_too_large", POST "Content-Length: 100001\r\nExpect: 100-continue\r\n\r\n"},
};
static const row chunks[] = {
    {FINE, CHUNKED "0\r\n\r\n"}, {FINE, CHUNKED "3\r\nabc\r\n0\r\n\r\n"}, {FINE, CHUNKED "00000003\r\nabc\r\n00000000\r\n\r\n"}, {FINE, CHUNKED "a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n"},
    {FINE, POST "Transfer-Encoding: CHUNKED\r\n\r\n0\r\n\r\n"}, {FINE, POST "transfer-encoding:chunked \r\n\r\n0\r\n\r\n"},
    {CODING, POST "Transfer-Encoding: gzip\r\n\r\n"}, {CODING, POST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"}, {CODING, POST "Transfer-Encoding: chunked, gzip\r\n\r\n"},
    {CODING, POST "Transfer-Encoding: chunked, chunked\r\n\r\n"}, {CODING, POST "Transfer-Encoding: identity\r\n\r\n"}, {CODING, POST "Transfer-Encoding:\r\n\r\n"}, {CODING, POST "Transfer-Encoding: xchunked\r\n\r\n"},
    {CODING, POST "Transfer-Encoding: chunkedx\r\n\r\n"}, {CODING, POST "Transfer-Encoding: chunked;q=1\r\n\r\n"}, {CODING, POST "Transfer-Encoding: \"chunked\"\r\n\r\n"}, {CODING, POST "Transfer-Encoding: ,chunked\r\n\r\n"},
    {CODING, POST "Transfer-Encoding: chunked,\r\n\r\n"}, {CODING, POST "Transfer-Encoding: chun\tked\r\n\r\n"}, {CODING, POST "Transfer-Encoding: chunk\r\n\r\n"}, {CODING, POST "Transfer-Encoding: c\xc4\xabhunked\r\n\r\n"},
    {AGAIN, POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"}, {AGAIN, POST "Transfer-Encoding: chunked\r\ntransfer-encoding: identity\r\n\r\n"},
    {CHUNK, CHUNKED "\r\n"}, {CHUNK, CHUNKED "\n"}, {CHUNK, CHUNKED "g\r\n"}, {CHUNK, CHUNKED "-1\r\n"}, {CHUNK, CHUNKED "-2\r\nab\r\n"}, {CHUNK, CHUNKED "+3\r\nabc\r\n"}, {CHUNK, CHUNKED "0x3\r\nabc\r\n"},
    {CHUNK, CHUNKED " 3\r\nabc\r\n"}, {CHUNK, CHUNKED "3 \r\nabc\r\n"}, {CHUNK, CHUNKED "3;a=b\r\nabc\r\n"}, {CHUNK, CHUNKED "3;\r\nabc\r\n"}, {CHUNK, CHUNKED "3\nabc\r\n"}, {CHUNK, CHUNKED "3\rabc\r\n"},
    {CHUNK, CHUNKED "3\r\r\nabc\r\n"}, {CHUNK, CHUNKED "3\r\nabcd\r\n"}, {CHUNK, CHUNKED "3\r\nabc\n0\r\n\r\n"}, {CHUNK, CHUNKED "3\r\nabc0\r\n\r\n"}, {CHUNK, CHUNKED "3\r\nabc\r0\r\n\r\n"},
    {CHUNK, CHUNKED "000000003\r\nabc\r\n"}, {CHUNK, CHUNKED "100000000\r\n"}, {CHUNK, CHUNKED "0000000000000000\r\n\r\n"}, {CHUNK, CHUNKED "0\r\nX: y\r\n\r\n"}, {CHUNK, CHUNKED "0\r\n0\r\n\r\n"},
    {CHUNK, CHUNKED "0\r\n\n"}, {CHUNK, CHUNKED "0\n\n"}, {CHUNK, CHUNKED "0\r\n\r\r"}, {CHUNK, CHUNKED "3\r\nabc\r\n\r\n"}, {CHUNK, CHUNKED "abc"  "z"}, {CHUNK, CHUNKED "1.0\r\n"}, {CHUNK, CHUNKED "\xef\xbc\x93\r\n"},
    {413, "request_too_large", CHUNKED "186a1\r\n"}, {413, "request_too_large", CHUNKED "FFFFFFFF\r\n"}, {413, "request_too_large", CHUNKED "7fffffff\r\n"}, {413, "request_too_large", CHUNKED "3\r\nabc\r\n1869e\r\n"},
};
static const row hosts[] = {
    {FINE, GET "Host: LocalHost\r\n\r\n"}, {FINE, GET "Host: localhost:1\r\n\r\n"}, {FINE, GET "Host: localhost:65535\r\n\r\n"}, {FINE, GET "Host: 127.0.0.1\r\n\r\n"}, {FINE, GET "Host: 127.0.0.1:8080\r\n\r\n"},
    {FINE, GET "Host: [::1]\r\n\r\n"}, {FINE, GET "Host: [::1]:8080\r\n\r\n"}, {FINE, GET "Host: chat.Example.org:443\r\n\r\n"}, {FINE, GET "hOsT:localhost \r\n\r\n"}, {FINE, GET "Host: [2001:db8::1]\r\n\r\n"},
    {NAME, GET "\r\n"}, {NAME, GET "A: b\r\n\r\n"}, {NAME, GET "Host:\r\n\r\n"}, {NAME, GET "Host: \r\n\r\n"}, {NAME, GET H H "\r\n"}, {NAME, GET H "Host: evil.example\r\n\r\n"}, {NAME, GET H "HOST: localhost\r\n\r\n"},
    {NAME, GET "Host: localhost:\r\n\r\n"}, {NAME, GET "Host: localhost:65536\r\n\r\n"}, {NAME, GET "Host: localhost:99999\r\n\r\n"}, {NAME, GET "Host: localhost:8080x\r\n\r\n"}, {NAME, GET "Host: localhost:-1\r\n\r\n"},
    {NAME, GET "Host: localhost:000080\r\n\r\n"}, {NAME, GET "Host: localhost:80:80\r\n\r\n"}, {NAME, GET "Host: :80\r\n\r\n"}, {NAME, GET "Host: localhost, localhost\r\n\r\n"}, {NAME, GET "Host: localhost localhost\r\n\r\n"},
    {NAME, GET "Host: user@localhost\r\n\r\n"}, {NAME, GET "Host: localhost/\r\n\r\n"}, {NAME, GET "Host: http://localhost\r\n\r\n"}, {NAME, GET "Host: local%68ost\r\n\r\n"}, {NAME, GET "Host: [::1\r\n\r\n"},
    {NAME, GET "Host: ::1\r\n\r\n"}, {NAME, GET "Host: [::1]x\r\n\r\n"}, {NAME, GET "Host: [::1]:\r\n\r\n"}, {NAME, GET "Host: [::1%25lo]\r\n\r\n"}, {NAME, GET "Host: [v1.a]\r\n\r\n"}, {NAME, GET "Host: lo\xc3\xa4\r\n\r\n"},
    {FOREIGN, GET "Host: evil.example\r\n\r\n"}, {FOREIGN, GET "Host: evil.example:8080\r\n\r\n"}, {FOREIGN, GET "Host: localhost.evil.example\r\n\r\n"}, {FOREIGN, GET "Host: evil-localhost\r\n\r\n"},
    {FOREIGN, GET "Host: localhost.\r\n\r\n"}, {FOREIGN, GET "Host: localhos\r\n\r\n"}, {FOREIGN, GET "Host: 127.0.0.1.nip.io\r\n\r\n"}, {FOREIGN, GET "Host: 127.0.0.2\r\n\r\n"}, {FOREIGN, GET "Host: 127.1\r\n\r\n"},
    {FOREIGN, GET "Host: 2130706433\r\n\r\n"}, {FOREIGN, GET "Host: 0x7f.1\r\n\r\n"}, {FOREIGN, GET "Host: 0.0.0.0\r\n\r\n"}, {FOREIGN, GET "Host: [::]\r\n\r\n"}, {FOREIGN, GET "Host: [::ffff:127.0.0.1]\r\n\r\n"},
    {FOREIGN, GET "Host: [0:0:0:0:0:0:0:1]\r\n\r\n"}, {FOREIGN, GET "Host: []\r\n\r\n"}, {FOREIGN, GET "Host: 192.168.1.10:8080\r\n\r\n"}, {FOREIGN, GET "Host: chat.example.org.evil\r\n\r\n"}, {NAME, GET "Host: *\r\n\r\n"},
};
static const row origins[] = {
    {FINE, GET H "Origin: http://localhost\r\n\r\n"}, {FINE, GET H "Origin: http://localhost:3000\r\n\r\n"}, {FINE, GET H "Origin: https://127.0.0.1:8443\r\n\r\n"}, {FINE, GET H "Origin: http://[::1]:8080\r\n\r\n"},
    {FINE, GET H "Origin: https://chat.example.org\r\n\r\n"},
    {ORIGIN, GET H "Origin: https://evil.example\r\n\r\n"}, {ORIGIN, GET H "Origin: http://localhost.evil.example\r\n\r\n"}, {ORIGIN, GET H "Origin: null\r\n\r\n"}, {ORIGIN, GET H "Origin:\r\n\r\n"}, {ORIGIN, GET H "Origin: *\r\n\r\n"},
    {ORIGIN, GET H "Origin: localhost\r\n\r\n"}, {ORIGIN, GET H "Origin: file://\r\n\r\n"}, {ORIGIN, GET H "Origin: ftp://localhost\r\n\r\n"}, {ORIGIN, GET H "Origin: http://\r\n\r\n"}, {ORIGIN, GET H "Origin: http:localhost\r\n\r\n"},
    {ORIGIN, GET H "Origin: http://localhost/\r\n\r\n"}, {ORIGIN, GET H "Origin: http://localhost:99999\r\n\r\n"}, {ORIGIN, GET H "Origin: http://user@localhost\r\n\r\n"}, {ORIGIN, GET H "Origin: http://localhost http://evil.example\r\n\r\n"},
    {ORIGIN, GET H "Origin: HTTP://localhost\r\n\r\n"}, {ORIGIN, GET H "Origin: chrome-extension://abc\r\n\r\n"}, {ORIGIN, POST "Origin: http://evil.example\r\nContent-Length: 3\r\n\r\nabc"},
    {ORIGIN, "OPTIONS / HTTP/1.1\r\n" H "Origin: https://evil.example\r\nAccess-Control-Request-Method: POST\r\n\r\n"},
};
/* clang-format on */

static void check_nul(void) {
    static const char in_line[] = "GET /\0 HTTP/1.1\r\n" H "\r\n", in_name[] = GET H "A\0: b\r\n\r\n",
                      in_value[] = GET H "A: b\0\r\n\r\n", in_host[] = GET "Host: localhost\0.evil\r\n\r\n",
                      in_length[] = POST "Content-Length: 3\0\r\n\r\nabc", in_chunk[] = CHUNKED "3\0\r\nabc\r\n",
                      at_first[] = "\0";
    check_case(in_line, sizeof in_line - 1, HEAD);
    check_case(in_name, sizeof in_name - 1, HEAD);
    check_case(in_value, sizeof in_value - 1, HEAD);
    check_case(in_host, sizeof in_host - 1, HEAD);
    check_case(in_length, sizeof in_length - 1, HEAD);
    check_case(in_chunk, sizeof in_chunk - 1, CHUNK);
    check_case(at_first, 1, HEAD);
}

/* ---- every byte at every kind of place ------------------------------------------------------------- */

static bool is_alnum(int c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
static bool is_control(int c) { return (c < 0x20 && c != '\t') || c == 0x7f; }
static bool among(int c, const char *set) { return c && strchr(set, c); }

/* Control bytes end a head wherever they are; CR and LF are controls here, as nothing fits behind them. */
static void check_byte(const char *before, int c, const char *behind, bool is_good, int status, const char *code) {
    char text[256];
    size_t n = strlen(before), m = strlen(behind);
    memcpy(text, before, n);
    text[n] = (char)c;
    memcpy(text + n + 1, behind, m);
    if (is_control(c))
        check_case(text, n + 1 + m, HEAD);
    else if (is_good)
        check_case(text, n + 1 + m, FINE);
    else
        check_case(text, n + 1 + m, status, code);
}

static void check_bytes(void) {
    for (int c = 0; c < 256; c++) {
        bool is_token = is_alnum(c) || among(c, "!#$%&'*+-.^_`|~");
        if (is_token)
            check_byte("G", c, "T / HTTP/1.1\r\n" H "\r\n", c == 'E', METHOD);
        else
            check_byte("G", c, "T / HTTP/1.1\r\n" H "\r\n", false, LINE);
        check_byte("GET /", c, " HTTP/1.1\r\n" H "\r\n", is_alnum(c) || among(c, "-._~!$&'()*+,;=:@/?"), LINE);
        check_byte("GET /?", c, " HTTP/1.1\r\n" H "\r\n", is_alnum(c) || among(c, "-._~!$&'()*+,;=:@/?"), LINE);
        if (c >= '0' && c <= '9')
            check_byte("GET / HTTP/1.", c, "\r\n" H "\r\n", c == '1', VERSION);
        else
            check_byte("GET / HTTP/1.", c, "\r\n" H "\r\n", false, LINE);
        check_byte(GET H "A", c, ": b\r\n\r\n", is_token || c == ':', HEADER);
        check_byte(GET H "A: b", c, "c\r\n\r\n", true, 0, "");
    }
}

/* ---- sizes ------------------------------------------------------------------------------------------- */

static char long_text[BODY + 4096];

static void check_line_of(size_t n, bool is_good) {
    size_t rest = strlen("GET / HTTP/1.1");
    memset(long_text, 'a', n);
    memcpy(long_text, "GET /", 5);
    memcpy(long_text + n - (rest - 5), " HTTP/1.1\r\n" H "\r\n", strlen(" HTTP/1.1\r\n" H "\r\n"));
    if (is_good)
        check_case(long_text, n + strlen("\r\n" H "\r\n"), FINE);
    else
        check_case(long_text, n + strlen("\r\n" H "\r\n"), 414, "request_line_too_long");
}

/* A head of `lines` headers beside Host; with n > 0 the last one makes the head n bytes long. */
static void check_head_of(int count, size_t n, bool is_good) {
    size_t at = (size_t)sprintf(long_text, GET H);
    for (int i = 0; i < count; i++) at += (size_t)sprintf(long_text + at, "A%d: b\r\n", i);
    if (n) {
        at -= 2;
        memset(long_text + at, 'c', n - at);
        memcpy(long_text + n - 4, "\r\n\r\n", 4);
        at = n;
    } else {
        at += (size_t)sprintf(long_text + at, "\r\n");
    }
    if (is_good)
        check_case(long_text, at, FINE);
    else
        check_case(long_text, at, 431, "head_too_large");
}

static void check_body_of(size_t n, bool is_chunked, bool is_good) {
    size_t at = (size_t)(is_chunked ? sprintf(long_text, CHUNKED "%zx\r\n", n)
                                    : sprintf(long_text, POST "Content-Length: %zu\r\n\r\n", n));
    memset(long_text + at, 'a', n);
    at += n + (is_chunked ? (size_t)sprintf(long_text + at + n, "\r\n0\r\n\r\n") : 0);
    if (is_good)
        check_case(long_text, at, FINE);
    else
        check_case(long_text, at, 413, "request_too_large");
}

static void check_sizes(void) {
    check_line_of(4096, true);
    check_line_of(4097, false);
    check_line_of(60000, false);
    check_head_of(63, 0, true);
    check_head_of(64, 0, false);
    check_head_of(500, 0, false);
    check_head_of(1, 16384, true);
    check_head_of(1, 16385, false);
    check_head_of(1, 16386, false);
    check_head_of(1, 60000, false);
    check_body_of(BODY, false, true);
    check_body_of(BODY + 1, false, false);
    check_body_of(BODY, true, true);
    check_body_of(BODY + 1, true, false);
}

/* ---- what has no body may not say one, and HEAD hears none --------------------------------------------- */

static void check_head_method(void) {
    wire w = {.fd = dial(&f)};
    say_text(w.fd, "HEAD / HTTP/1.1\r\nHost: evil.example\r\n\r\n");
    answer a = hear(&w, true);
    CHECK_EQ(a.status, 403);
    CHECK(head_value(&a, "Content-Length") && a.closes);
    answer_free(&a);
    CHECK(hears_end(&w));
    wire_close(&w);
}

/* Behind a refusal nothing of the connection is taken for a request. */
static void check_smuggled(void) {
    unsigned before = f.requests;
    wire w = {.fd = dial(&f)};
    say_text(w.fd, POST "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\n" H
                        "\r\n");
    answer a = hear(&w, false);
    CHECK_EQ(a.status, 400);
    answer_free(&a);
    CHECK(hears_end(&w));
    wire_close(&w);
    CHECK_EQ(f.requests, before);
}

/* The parser alone: the first fault is the same however the head was cut. */
static void check_cuts(const row *rows, size_t n) {
    for (size_t i = 0; i < n; i++) {
        const uint8_t *text = (const uint8_t *)rows[i].text;
        size_t len = strlen(rows[i].text);
        roma_http_head whole = {0}, bytes = {0};
        roma_http_verdict want = roma_http_head_read(&whole, text, len), got = ROMA_HTTP_MORE;
        for (size_t k = 1; k <= len && got == ROMA_HTTP_MORE; k++) got = roma_http_head_read(&bytes, text, k);
        CHECK_EQ(got, want);
        CHECK(memcmp(&whole, &bytes, sizeof whole) == 0);
        for (size_t cut = 1; cut < len; cut++) {
            roma_http_head two = {0};
            got = roma_http_head_read(&two, text, cut);
            if (got == ROMA_HTTP_MORE) got = roma_http_head_read(&two, text, len);
            CHECK_EQ(got, want);
        }
    }
}
#define CUTS(rows) check_cuts(rows, sizeof rows / sizeof *rows)

int main(void) {
    static const char *const names[] = {"chat.example.org", "2001:DB8::1"};
    front_begin(&f, (roma_http_config){.hosts = names, .n_hosts = 2, .body_most = BODY, .bodies_bytes = BODIES});
    ROWS(lines);
    ROWS(headers);
    ROWS(lengths);
    ROWS(chunks);
    ROWS(hosts);
    ROWS(origins);
    check_nul();
    check_sizes();
    check_bytes();
    check_head_method();
    check_smuggled();
    CHECK(cases > 300);
    CHECK(reaches(&f.over, passed));
    CHECK_EQ(f.requests, passed);
    front_end(&f, 1000);
    CUTS(lines);
    CUTS(headers);
    CUTS(lengths);
    CUTS(hosts);
    CUTS(origins);
    printf("%u requests, of which %u were good\n", cases, passed);
    return TEST_DONE();
}
