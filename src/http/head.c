/* Heads of requests, strictly: docs/server-http.md, "What is accepted". The bytes are looked at once, in their order,
 * so that the first fault of a head decides, however the head was cut on its way. */
#include "http/internal.h"

#include <string.h>

static bool is_digit(uint8_t c) { return c >= '0' && c <= '9'; }
static bool is_letter(uint8_t c) { return (c | 32) >= 'a' && (c | 32) <= 'z'; }

/* RFC 9110, 5.6.2 */
static bool is_token(uint8_t c) { return is_letter(c) || is_digit(c) || (c && strchr("!#$%&'*+-.^_`|~", c)); }

/* RFC 3986: what may stand in a path or query. */
static bool is_target(const uint8_t *p, size_t n) {
    uint32_t byte;
    for (size_t i = 0; i < n; i++) {
        if (p[i] == '%' ? roma_hex_read(p + i + 1, p + n, 2, &byte) < 2
                        : !(is_letter(p[i]) || is_digit(p[i]) || (p[i] && strchr("-._~!$&'()*+,;=:@/?", p[i]))))
            return false;
        if (p[i] == '%') i += 2;
    }
    return true;
}

static bool method_of(const uint8_t *p, size_t n, roma_http_method *out) {
    for (int m = ROMA_HTTP_GET; m <= ROMA_HTTP_OPTIONS; m++) {
        const char *name = roma_http_method_name((roma_http_method)m);
        if (strlen(name) == n && memcmp(name, p, n) == 0) {
            *out = (roma_http_method)m;
            return true;
        }
    }
    return false;
}

/* "HTTP/1.1" alone is spoken. */
static roma_http_verdict version_of(const uint8_t *p, size_t n) {
    if (n != 8 || memcmp(p, "HTTP/", 5) != 0 || !is_digit(p[5]) || p[6] != '.' || !is_digit(p[7]))
        return ROMA_HTTP_NOT_NO_LINE;
    return p[5] == '1' && p[7] == '1' ? ROMA_HTTP_GOOD : ROMA_HTTP_NOT_VERSION;
}

/* The request line is the line of n bytes at `in`, where the head begins. */
static roma_http_verdict request_line(roma_http_head *h, const uint8_t *in, size_t n) {
    const uint8_t *a = memchr(in, ' ', n);
    const uint8_t *b = a ? memchr(a + 1, ' ', n - (size_t)(a + 1 - in)) : NULL;
    if (!b || a == in || b == a + 1) return ROMA_HTTP_NOT_NO_LINE;
    for (const uint8_t *p = in; p < a; p++)
        if (!is_token(*p)) return ROMA_HTTP_NOT_NO_LINE;
    size_t target = (size_t)(b - a - 1);
    if (a[1] != '/' || !is_target(a + 1, target)) return ROMA_HTTP_NOT_NO_LINE;
    roma_http_verdict v = version_of(b + 1, n - (size_t)(b + 1 - in));
    if (v != ROMA_HTTP_GOOD) return v;
    if (!method_of(in, (size_t)(a - in), &h->method)) return ROMA_HTTP_NOT_NO_METHOD;
    const uint8_t *mark = memchr(a + 1, '?', target);
    h->path = (uint16_t)(a + 1 - in);
    h->path_len = (uint16_t)(mark ? (size_t)(mark - a - 1) : target);
    if (mark) {
        h->query = (uint16_t)(mark + 1 - in);
        h->query_len = (uint16_t)(b - mark - 1);
    }
    h->is_begun = true;
    return ROMA_HTTP_GOOD;
}

static roma_http_verdict length_of(roma_http_head *h, const uint8_t *p, size_t n) {
    if (n < 1 || n > 10) return ROMA_HTTP_NOT_BAD_LENGTH;
    for (size_t i = 0; i < n; i++) {
        if (!is_digit(p[i])) return ROMA_HTTP_NOT_BAD_LENGTH;
        h->length = h->length * 10 + (uint64_t)(p[i] - '0');
    }
    return ROMA_HTTP_GOOD;
}

/* Connection is a list; of its words only "close" asks for something that the front does. */
static roma_http_verdict connection_of(roma_http_head *h, const uint8_t *p, size_t n) {
    for (size_t i = 0; i <= n;) {
        const uint8_t *comma = memchr(p + i, ',', n - i);
        size_t end = comma ? (size_t)(comma - p) : n, from = i, to = end;
        while (from < to && (p[from] == ' ' || p[from] == '\t')) from++;
        while (to > from && (p[to - 1] == ' ' || p[to - 1] == '\t')) to--;
        for (size_t k = from; k < to; k++)
            if (!is_token(p[k])) return ROMA_HTTP_NOT_BAD_HEADER;
        if (roma_http_same(p + from, to - from, "close")) h->close = true;
        i = end + 1;
    }
    return ROMA_HTTP_GOOD;
}

/* A header that the front knows; n bytes of value at p. */
static roma_http_verdict meaning(roma_http_head *h, const uint8_t *name, size_t name_len, const uint8_t *p, size_t n) {
    static const struct {
        const char *name;
        unsigned once; /* its bit in seen; 0: may repeat */
    } known[] = {{"host", ROMA_HTTP_HAS_HOST},
                 {"content-length", ROMA_HTTP_HAS_LENGTH},
                 {"transfer-encoding", ROMA_HTTP_HAS_CODING},
                 {"expect", ROMA_HTTP_HAS_CONTINUE},
                 {"authorization", ROMA_HTTP_HAS_AUTHORIZATION},
                 {"content-type", ROMA_HTTP_HAS_TYPE},
                 {"origin", ROMA_HTTP_HAS_ORIGIN},
                 {"connection", 0},
                 {"content-encoding", 0},
                 {"trailer", 0}};
    size_t k = 0;
    while (k < sizeof known / sizeof *known && !roma_http_same(name, name_len, known[k].name)) k++;
    if (k == sizeof known / sizeof *known) return ROMA_HTTP_GOOD;
    unsigned bit = known[k].once;
    if (h->seen & bit) return bit == ROMA_HTTP_HAS_HOST ? ROMA_HTTP_NOT_BAD_HOST : ROMA_HTTP_NOT_REPEATED;
    h->seen = (uint16_t)(h->seen | bit);
    switch (bit) {
    case ROMA_HTTP_HAS_HOST: h->host = h->n_headers; return n ? ROMA_HTTP_GOOD : ROMA_HTTP_NOT_BAD_HOST;
    case ROMA_HTTP_HAS_LENGTH: return length_of(h, p, n);
    case ROMA_HTTP_HAS_CODING: return roma_http_same(p, n, "chunked") ? ROMA_HTTP_GOOD : ROMA_HTTP_NOT_BAD_CODING;
    case ROMA_HTTP_HAS_CONTINUE: return roma_http_same(p, n, "100-continue") ? ROMA_HTTP_GOOD : ROMA_HTTP_NOT_EXPECTS;
    case ROMA_HTTP_HAS_ORIGIN: h->origin = h->n_headers; return ROMA_HTTP_GOOD;
    case 0: break;
    default: return ROMA_HTTP_GOOD;
    }
    if (known[k].name[0] == 't') return ROMA_HTTP_NOT_BAD_CHUNK; /* trailers are announced */
    if (known[k].name[3] == 't') return roma_http_same(p, n, "identity") ? ROMA_HTTP_GOOD : ROMA_HTTP_NOT_CODED;
    return connection_of(h, p, n);
}

static roma_http_verdict header_line(roma_http_head *h, const uint8_t *in, size_t from, size_t to) {
    size_t colon = from;
    while (colon < to && is_token(in[colon])) colon++;
    if (colon == from || colon == to || in[colon] != ':') return ROMA_HTTP_NOT_BAD_HEADER;
    size_t a = colon + 1, b = to;
    while (a < b && (in[a] == ' ' || in[a] == '\t')) a++;
    while (b > a && (in[b - 1] == ' ' || in[b - 1] == '\t')) b--;
    if (h->n_headers == ROMA_HTTP_HEADERS_MOST) return ROMA_HTTP_NOT_LONG_HEAD;
    h->header[h->n_headers] = (roma_http_place){.name = (uint16_t)from,
                                                .name_len = (uint16_t)(colon - from),
                                                .value = (uint16_t)a,
                                                .value_len = (uint16_t)(b - a)};
    roma_http_verdict v = meaning(h, in + from, colon - from, in + a, b - a);
    h->n_headers++;
    return v;
}

/* One byte that is no line's end. */
static roma_http_verdict byte(const roma_http_head *h, const uint8_t *in, size_t at) {
    uint8_t c = in[at];
    if (at && in[at - 1] == '\r') return ROMA_HTTP_NOT_BAD_HEAD; /* a CR alone */
    if (!h->is_begun && (c == '\t' || c >= 0x80)) return ROMA_HTTP_NOT_NO_LINE;
    if ((c < 0x20 && c != '\t' && c != '\r') || c == 0x7f) return ROMA_HTTP_NOT_BAD_HEAD;
    if (!h->is_begun && c != '\r' && at - h->line >= ROMA_HTTP_LINE_MOST) return ROMA_HTTP_NOT_LONG_LINE;
    return ROMA_HTTP_MORE;
}

roma_http_verdict roma_http_head_read(roma_http_head *h, const uint8_t *in, size_t n) {
    while (h->scanned < n) {
        size_t at = h->scanned;
        if (at >= ROMA_HTTP_HEAD_MOST) return ROMA_HTTP_NOT_LONG_HEAD;
        roma_http_verdict v;
        if (in[at] != '\n') {
            v = byte(h, in, at);
        } else if (at == h->line || in[at - 1] != '\r') {
            v = ROMA_HTTP_NOT_BAD_HEAD; /* an LF alone */
        } else if (!h->is_begun) {
            v = request_line(h, in, at - 1);
            h->line = (uint16_t)(at + 1);
        } else {
            bool is_last = at - 1 == h->line;
            v = is_last ? ROMA_HTTP_GOOD : header_line(h, in, h->line, at - 1);
            h->line = (uint16_t)(at + 1);
            if (is_last) {
                h->scanned++;
                return v;
            }
        }
        if (v != ROMA_HTTP_MORE && v != ROMA_HTTP_GOOD) return v;
        h->scanned++;
    }
    return ROMA_HTTP_MORE;
}

roma_http_verdict roma_http_head_check(const roma_http_head *h) {
    bool has_length = h->seen & ROMA_HTTP_HAS_LENGTH, has_chunks = h->seen & ROMA_HTTP_HAS_CODING;
    if (!(h->seen & ROMA_HTTP_HAS_HOST)) return ROMA_HTTP_NOT_BAD_HOST;
    if (has_length && has_chunks) return ROMA_HTTP_NOT_TWO_LENGTHS;
    switch (h->method) {
    case ROMA_HTTP_POST:
    case ROMA_HTTP_PUT:
    case ROMA_HTTP_PATCH: return has_length || has_chunks ? ROMA_HTTP_GOOD : ROMA_HTTP_NOT_NO_LENGTH;
    case ROMA_HTTP_GET:
    case ROMA_HTTP_HEAD:
    case ROMA_HTTP_OPTIONS: return has_chunks || h->length ? ROMA_HTTP_NOT_NO_BODY_HERE : ROMA_HTTP_GOOD;
    case ROMA_HTTP_DELETE: break;
    }
    return ROMA_HTTP_GOOD;
}
