/* Small things: hex, UTF-8, table hash, counter-based random numbers, the clock. */
#include "roma/base.h"

#include <stdatomic.h>
#include <string.h>
#include <time.h>

void roma_hex(char *out, const uint8_t *bytes, size_t n) {
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < n; i++) {
        out[2 * i] = digits[bytes[i] >> 4];
        out[2 * i + 1] = digits[bytes[i] & 15];
    }
    out[2 * n] = 0;
}

size_t roma_hex_read(const void *at, const void *end, unsigned digits, uint32_t *out) {
    const char *p = at;
    *out = 0;
    for (unsigned i = 0; i < digits; i++) {
        const char c = p + i < (const char *)end ? p[i] : 0;
        const int v = c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : -1;
        if (v < 0) return i;
        *out = *out << 4 | (uint32_t)v;
    }
    return digits;
}

size_t roma_utf8(const void *s, size_t n) {
    const uint8_t *p = s;
    if (!n || p[0] < 0x80) return n ? 1 : 0;
    const size_t len = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    if (p[0] < 0xc2 || p[0] > 0xf4 || len > n) return 0;
    for (size_t i = 1; i < len; i++)
        if ((p[i] & 0xc0) != 0x80) return 0;
    /* overlong forms, surrogates, past U+10FFFF */
    if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f)) return 0;
    if ((p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f)) return 0;
    return len;
}

size_t roma_characters(const void *s, size_t n) {
    const uint8_t *p = s;
    size_t count = 0;
    for (size_t i = 0; i < n; i++) count += (p[i] & 0xc0) != 0x80;
    return count;
}

void roma_position(const char *text, size_t at, uint64_t *line, uint64_t *column) {
    size_t begin = 0; /* of the line */
    *line = 1;
    for (size_t i = 0; i < at; i++)
        if (text[i] == '\n') ++*line, begin = i + 1;
    *column = 1 + roma_characters(text + begin, at - begin);
}

/* Both halves of the 128-bit product: every input bit reaches every output bit. */
static inline uint64_t fold(uint64_t a, uint64_t b) {
    unsigned __int128 p = (unsigned __int128)a * b;
    return (uint64_t)p ^ (uint64_t)(p >> 64);
}

uint64_t roma_hash64(const void *data, size_t n) {
    const uint64_t k0 = 0x9e3779b97f4a7c15, k1 = 0xc2b2ae3d27d4eb4f;
    const uint8_t *p = data;
    uint64_t h = n * k1 + k0;
    for (; n >= 8; p += 8, n -= 8) h = fold(h ^ roma_le64(p), k0) + k1;
    uint64_t tail = 0;
    for (size_t i = 0; i < n; i++) tail |= (uint64_t)p[i] << (8 * i);
    return fold(fold(h ^ tail, k0) ^ k1, k0 ^ k1);
}

static inline uint64_t mix(uint64_t z) {
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

/* The key is mixed first: neighbouring keys would otherwise give one sequence, shifted by a step. */
uint64_t roma_random(uint64_t key, uint64_t counter) { return mix(mix(key) + (counter + 1) * 0x9e3779b97f4a7c15); }

/* Nanoseconds, the largest that any thread has seen: the clock of a machine that was moved or put to sleep has been
 * known to step back. */
double roma_now(void) {
    static _Atomic int64_t last;
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    const int64_t now = (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
    int64_t seen = atomic_load(&last);
    while (seen < now && !atomic_compare_exchange_weak(&last, &seen, now)) {
    }
    return 1e-9 * (double)(seen < now ? now : seen);
}
