/* Bodies in chunks (RFC 9112, 7.1), without extensions and trailers: a size of 1 to 8 hexadecimal digits, CRLF, so many
 * bytes, CRLF; a size of 0 and two CRLF at the end. */
#include "http/internal.h"

enum { SIZE, SIZE_LF, DATA, DATA_CR, DATA_LF, LAST_CR, LAST_LF, OVER };

/* One byte of framing; false: it may not stand there. */
static bool step(roma_http_chunks *c, uint8_t b) {
    uint32_t digit;
    switch (c->state) {
    case SIZE:
        if (roma_hex_read(&b, &b + 1, 1, &digit) && c->digits < 8) {
            c->left = c->left * 16 + digit;
            c->digits++;
            return true;
        }
        c->state = SIZE_LF;
        return b == '\r' && c->digits;
    case SIZE_LF:
        c->state = c->left ? DATA : LAST_CR;
        c->digits = 0;
        return b == '\n';
    case DATA_CR: c->state = DATA_LF; return b == '\r';
    case DATA_LF: c->state = SIZE; return b == '\n';
    case LAST_CR: c->state = LAST_LF; return b == '\r';
    default: c->state = OVER; return b == '\n';
    }
}

roma_http_verdict roma_http_chunks_read(roma_http_chunks *c, const uint8_t *in, size_t n, size_t *used, size_t *data) {
    *used = *data = 0;
    while (*used < n && c->state != DATA && c->state != OVER) {
        if (!step(c, in[(*used)++])) return ROMA_HTTP_NOT_BAD_CHUNK;
        if (c->state != DATA) continue;
        if (c->left > c->room) return ROMA_HTTP_NOT_TOO_LARGE;
        c->room -= c->left;
    }
    if (c->state == OVER) return ROMA_HTTP_GOOD;
    if (c->state == DATA) {
        *data = n - *used < c->left ? n - *used : c->left;
        c->left -= (uint32_t)*data;
        if (!c->left) c->state = DATA_CR;
    }
    return ROMA_HTTP_MORE;
}
