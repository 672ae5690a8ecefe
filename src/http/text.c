/* Words and pieces of requests. */
#include "http/internal.h"

#include <string.h>

const char *roma_http_method_name(roma_http_method m) {
    static const char *const names[] = {
#define X(name) #name,
        ROMA_HTTP_METHODS(X)
#undef X
    };
    return names[m];
}

const char *roma_http_why_text(roma_http_why w) {
    static const char *const texts[] = {
#define X(id, text) text,
        ROMA_HTTP_WHYS(X)
#undef X
    };
    return texts[w];
}

bool roma_http_is(roma_http_text t, const char *other) {
    return t.text && strlen(other) == t.len && memcmp(t.text, other, t.len) == 0;
}

roma_http_text roma_http_header(const roma_http_request *q, const char *name) {
    const roma_http_exchange *x = q->own;
    const char *in = (const char *)x->in;
    for (size_t i = 0; i < x->head.n_headers; i++) {
        const roma_http_place *p = &x->head.header[i];
        if (roma_http_same(in + p->name, p->name_len, name)) return (roma_http_text){in + p->value, p->value_len};
    }
    return (roma_http_text){0};
}

size_t roma_http_unescape(char *out, size_t cap, roma_http_text t) {
    size_t n = 0;
    for (size_t i = 0; i < t.len; i++) {
        char c = t.text[i];
        if (c == '%') {
            uint32_t byte;
            if (roma_hex_read(t.text + i + 1, t.text + t.len, 2, &byte) < 2) return SIZE_MAX;
            c = (char)byte;
            i += 2;
        }
        if (!c || n + 1 >= cap) return SIZE_MAX;
        out[n++] = c;
    }
    if (!cap) return SIZE_MAX;
    out[n] = 0;
    return n;
}

roma_http_text roma_http_query(roma_http_text query, const char *name) {
    size_t n = strlen(name);
    for (size_t i = 0; query.text && i < query.len;) {
        const char *p = query.text + i, *end = memchr(p, '&', query.len - i);
        size_t len = end ? (size_t)(end - p) : query.len - i;
        if (len > n && p[n] == '=' && memcmp(p, name, n) == 0) return (roma_http_text){p + n + 1, len - n - 1};
        i += len + 1;
    }
    return (roma_http_text){0};
}
