/* libFuzzer target: any bytes as the head of a request (src/http/head.c alone, in memory). The first byte chooses how
 * the bytes are cut: whole and in pieces give the same head. What is taken is what docs/server-http.md takes, by a
 * second look at the lines. */
#include "http/internal.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok) {
    if (!ok) abort();
}

typedef struct {
    const char *at;
    size_t n;
} text;

static text part(const uint8_t *in, size_t from, size_t to) { return (text){(const char *)in + from, to - from}; }
static bool is(text a, const char *word) { return a.n == strlen(word) && strncasecmp(a.at, word, a.n) == 0; }

/* step 0: whole */
static roma_http_verdict read_cut(roma_http_head *h, const uint8_t *in, size_t n, unsigned step) {
    roma_http_verdict v = ROMA_HTTP_MORE;
    *h = (roma_http_head){0};
    for (size_t at = 0, i = 0; at < n && v == ROMA_HTTP_MORE; i++) {
        at += !step ? n : step == 1 ? 1 : 1 + (size_t)(roma_random(step, i) % (step < 128 ? 8 : 64));
        v = roma_http_head_read(h, in, at < n ? at : n);
    }
    return v;
}

/* The request line: its method, target and version, one blank each. */
static void check_first(const roma_http_head *h, text line) {
    char all[4200];
    const text path = {line.at + h->path, h->path_len}, query = {line.at + h->query, h->query_len};
    check(line.n <= 4096 && path.n && *path.at == '/' && !memchr(path.at, '?', path.n));
    const int n = roma_print(all, sizeof all, "%s %.*s%s%.*s HTTP/1.1", roma_http_method_name(h->method), (int)path.n,
                             path.at, h->query ? "?" : "", h->query ? (int)query.n : 0, h->query ? query.at : "");
    check((size_t)n == line.n && memcmp(all, line.at, line.n) == 0);
}

/* "close" among the words between commas. */
static bool says_close(text value) {
    for (size_t i = 0, n; i <= value.n; i += n + 1) {
        const char *comma = memchr(value.at + i, ',', value.n - i);
        n = comma ? (size_t)(comma - value.at) - i : value.n - i;
        text word = {value.at + i, n};
        while (word.n && strchr(" \t", word.at[0])) word.at++, word.n--;
        while (word.n && strchr(" \t", word.at[word.n - 1])) word.n--;
        if (is(word, "close")) return true;
    }
    return false;
}

typedef struct {
    unsigned seen;
    bool close;
    uint64_t length;
} sums;

/* A header against its line. */
static void check_header(const uint8_t *in, roma_http_place p, size_t from, size_t to, sums *s) {
    static const char *const once[] = {"host",         "content-length", "transfer-encoding", "expect", "authorization",
                                       "content-type", "origin"};
    const text name = part(in, p.name, (size_t)p.name + p.name_len),
               value = part(in, p.value, (size_t)p.value + p.value_len);
    check(p.name == from && name.n && name.at[name.n] == ':' && p.value > p.name + p.name_len);
    check((size_t)p.value + p.value_len <= to && !memchr(name.at, ' ', name.n));
    for (size_t i = from + name.n + 1; i < to; i++)
        check((i >= p.value && i < (size_t)p.value + p.value_len) || in[i] == ' ' || in[i] == '\t');
    for (unsigned k = 0; k < sizeof once / sizeof *once; k++)
        if (is(name, once[k])) {
            check(!(s->seen & 1u << k));
            s->seen |= 1u << k;
        }
    if (is(name, "content-length"))
        for (size_t i = 0; i < value.n; i++) s->length = s->length * 10 + (uint64_t)(value.at[i] - '0');
    check(!is(name, "content-length") || (value.n >= 1 && value.n <= 10));
    check(!is(name, "transfer-encoding") || is(value, "chunked"));
    check(!is(name, "content-encoding") || is(value, "identity"));
    check(!is(name, "expect") || is(value, "100-continue"));
    check(!is(name, "trailer"));
    if (is(name, "connection")) s->close |= says_close(value);
}

static void check_taken(const roma_http_head *h, const uint8_t *in) {
    const size_t n = h->scanned;
    size_t from = 0, lines = 0;
    sums s = {0};
    check(n <= 16384);
    for (size_t i = 0; i < n; i++) check(in[i] >= 0x20 ? in[i] != 0x7f : in[i] && strchr("\t\r\n", in[i]));
    for (const uint8_t *end; (end = memmem(in + from, n - from, "\r\n", 2)) && end != in + from; lines++) {
        const size_t to = (size_t)(end - in);
        check(!memchr(in + from, '\n', to - from) && !memchr(in + from, '\r', to - from));
        if (!lines)
            check_first(h, part(in, from, to));
        else
            check_header(in, h->header[lines - 1], from, to, &s);
        from = to + 2;
    }
    check(from + 2 == n && lines == h->n_headers + 1u && lines <= 65);
    check(s.seen == h->seen && s.close == h->close && s.length == h->length);
    const roma_http_verdict whole = roma_http_head_check(h);
    if (whole != ROMA_HTTP_GOOD) return;
    const bool has_length = s.seen & ROMA_HTTP_HAS_LENGTH, has_chunks = s.seen & ROMA_HTTP_HAS_CODING;
    check((s.seen & ROMA_HTTP_HAS_HOST) && !(has_length && has_chunks));
    if (h->method == ROMA_HTTP_GET || h->method == ROMA_HTTP_HEAD) check(!has_chunks && !h->length);
    if (h->method == ROMA_HTTP_POST || h->method == ROMA_HTTP_PUT) check(has_length || has_chunks);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    roma_http_head whole, cut;
    if (size < 2) return 0;
    const uint8_t *in = data + 1;
    const roma_http_verdict v = read_cut(&whole, in, size - 1, 0);
    check(read_cut(&cut, in, size - 1, 1u + data[0]) == v && memcmp(&whole, &cut, sizeof whole) == 0);
    if (v == ROMA_HTTP_GOOD) check_taken(&whole, in);
    return 0;
}
