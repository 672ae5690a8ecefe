/* libFuzzer target: any bytes as a body in chunks (src/http/chunk.c alone, in memory). The first byte chooses how the
 * bytes are cut, the second how much may come, 16 bytes each. A second decoder, which has all bytes before it, says
 * what the body is, and both ways must agree with that. */
#include "http/internal.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool ok) {
    if (!ok) abort();
}

enum { ROOM = 4096 };
typedef struct {
    roma_http_verdict verdict;
    size_t used, n; /* of the input, when it is good; of data */
    uint8_t data[ROOM];
} body;

/* step 0: whole. As src/http/advance.c calls it: again behind the data of each chunk. */
static void decode(body *b, const uint8_t *in, size_t size, uint64_t room, unsigned step) {
    roma_http_chunks c = {.room = room};
    *b = (body){.verdict = ROMA_HTTP_MORE};
    for (size_t end = 0, i = 0; end < size && b->verdict == ROMA_HTTP_MORE; i++) {
        end += !step ? size : step == 1 ? 1 : 1 + (size_t)(roma_random(step, i) % (step < 128 ? 8 : 64));
        if (end > size) end = size;
        while (b->used < end && b->verdict == ROMA_HTTP_MORE) {
            size_t framing, data;
            b->verdict = roma_http_chunks_read(&c, in + b->used, end - b->used, &framing, &data);
            check(framing + data <= end - b->used && data <= ROOM - b->n);
            memcpy(b->data + b->n, in + b->used + framing, data);
            b->n += data;
            b->used += framing + data;
        }
    }
}

static int hex(uint8_t c) {
    const char *digits = "0123456789abcdef", *p = c ? strchr(digits, c >= 'A' && c <= 'F' ? c + 32 : c) : NULL;
    return p ? (int)(p - digits) : -1;
}

/* CRLF at in[*at], which moves behind it. */
static roma_http_verdict line_end(const uint8_t *in, size_t size, size_t *at) {
    for (const char *p = "\r\n"; *p; p++) {
        if (*at == size) return ROMA_HTTP_MORE;
        if (in[(*at)++] != (uint8_t)*p) return ROMA_HTTP_NOT_BAD_CHUNK;
    }
    return ROMA_HTTP_GOOD;
}

static roma_http_verdict plainly(body *b, const uint8_t *in, size_t size, uint64_t room) {
    for (*b = (body){0};;) {
        uint64_t length = 0;
        size_t digits = 0;
        while (b->used < size && digits < 8 && hex(in[b->used]) >= 0)
            length = length * 16 + (uint64_t)hex(in[b->used++]), digits++;
        if (b->used == size) return ROMA_HTTP_MORE;
        if (!digits) return ROMA_HTTP_NOT_BAD_CHUNK;
        roma_http_verdict v = line_end(in, size, &b->used);
        if (v != ROMA_HTTP_GOOD) return v;
        if (!length) return line_end(in, size, &b->used);
        if (length > room - b->n) return ROMA_HTTP_NOT_TOO_LARGE;
        const size_t there = size - b->used < length ? size - b->used : (size_t)length;
        memcpy(b->data + b->n, in + b->used, there);
        b->n += there;
        b->used += there;
        if (there < length) return ROMA_HTTP_MORE;
        v = line_end(in, size, &b->used);
        if (v != ROMA_HTTP_GOOD) return v;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static body want, got;
    if (size < 3) return 0;
    const uint64_t room = 16 * (uint64_t)data[1];
    const roma_http_verdict v = plainly(&want, data + 2, size - 2, room);
    want.verdict = v;
    for (unsigned step = 0; step < 2; step++) {
        decode(&got, data + 2, size - 2, room, step * (1u + data[0]));
        check(got.verdict == want.verdict && got.n == want.n && memcmp(got.data, want.data, got.n) == 0);
        check(got.verdict != ROMA_HTTP_GOOD || got.used == want.used);
    }
    return 0;
}
