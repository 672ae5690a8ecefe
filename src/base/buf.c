/* Growing byte buffer. The first failure sticks: what is there stays a valid beginning, without holes. */
#include "roma/base.h"

#include <string.h>

/* Makes room for n more bytes, or sets failed. */
static bool reserve(roma_buf *b, size_t n) {
    if (b->failed) return false;
    if (n <= b->cap - b->len) return true;
    size_t need, cap = b->cap < 32 ? 64 : b->cap;
    uint8_t *data = NULL;
    if (!__builtin_add_overflow(b->len, n, &need)) {
        while (cap < need)
            if (__builtin_mul_overflow(cap, (size_t)2, &cap)) cap = need;
        data = roma_resize(b->data, cap);
    }
    if (!data) {
        b->failed = true;
        return false;
    }
    b->data = data;
    b->cap = cap;
    return true;
}

void roma_buf_append(roma_buf *b, const void *data, size_t n) {
    if (!n || !reserve(b, n)) return;
    memcpy(b->data + b->len, data, n);
    b->len += n;
}

void roma_buf_print(roma_buf *b, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    int n = roma_vprint(NULL, 0, fmt, args);
    va_end(args);
    if (n < 0) b->failed = true;
    if (n <= 0 || !reserve(b, (size_t)n + 1)) return;
    va_start(args, fmt);
    roma_vprint((char *)b->data + b->len, (size_t)n + 1, fmt, args);
    va_end(args);
    b->len += (size_t)n;
}

void roma_buf_le16(roma_buf *b, uint16_t v) {
    uint8_t bytes[2];
    roma_put16(bytes, v);
    roma_buf_append(b, bytes, sizeof bytes);
}

void roma_buf_le32(roma_buf *b, uint32_t v) {
    uint8_t bytes[4];
    roma_put32(bytes, v);
    roma_buf_append(b, bytes, sizeof bytes);
}

void roma_buf_le64(roma_buf *b, uint64_t v) {
    uint8_t bytes[8];
    roma_put64(bytes, v);
    roma_buf_append(b, bytes, sizeof bytes);
}

void roma_buf_destroy(roma_buf *b) {
    roma_free(b->data);
    *b = (roma_buf){0};
}
