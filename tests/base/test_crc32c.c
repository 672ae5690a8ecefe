/* CRC-32C: RFC 3720 vectors, every kernel against the bit-at-a-time definition, slices, joining. */
#include "../test.h"
#include "base/internal.h"

enum { BIG = 200000 };

/* The definition, one bit at a time; shares nothing with src/. */
static uint32_t reference(uint32_t crc, const void *data, size_t n) {
    const uint8_t *p = data;
    crc = ~crc;
    while (n--) {
        crc ^= *p++;
        for (int i = 0; i < 8; i++) crc = crc & 1 ? crc >> 1 ^ 0x82f63b78u : crc >> 1;
    }
    return ~crc;
}

static uint32_t portable(uint32_t crc, const void *p, size_t n) { return ~roma_crc32c_raw_c(~crc, p, n); }

typedef uint32_t crc_fn(uint32_t crc, const void *p, size_t n);

static void test_vectors(crc_fn *crc) {
    /* RFC 3720 B.4, whose bytes stand in transmission order; the last is an iSCSI SCSI Read (10) command. */
    static const uint8_t read10[48] = {
        0x01, 0xc0, [16] = 0x14, [22] = 0x04, [27] = 0x14, [31] = 0x18, 0x28, [40] = 0x02};
    uint8_t b[32];
    memset(b, 0, sizeof b);
    CHECK_EQ(crc(0, b, 32), 0x8a9136aa);
    memset(b, 0xff, sizeof b);
    CHECK_EQ(crc(0, b, 32), 0x62a8ab43);
    for (int i = 0; i < 32; i++) b[i] = (uint8_t)i;
    CHECK_EQ(crc(0, b, 32), 0x46dd794e);
    for (int i = 0; i < 32; i++) b[i] = (uint8_t)(31 - i);
    CHECK_EQ(crc(0, b, 32), 0x113fdb5c);
    CHECK_EQ(crc(0, read10, 48), 0xd9963a56);
    CHECK_EQ(crc(0, "123456789", 9), 0xe3069283);
    CHECK_EQ(crc(0, "", 0), 0);
    CHECK_EQ(crc(0x12345678, NULL, 0), 0x12345678);
}

static void test_against_reference(crc_fn *crc, const uint8_t *data) {
    for (size_t n = 0; n < 80; n++)
        for (size_t at = 0; at < 8; at++) CHECK_EQ(crc(0, data + at, n), reference(0, data + at, n));
    /* around the sizes at which the hardware kernel changes its stride */
    static const size_t edges[] = {3 * 1024, 6 * 1024, 3 * 16384, 6 * 16384, 3 * 16384 + 3 * 1024};
    for (size_t i = 0; i < sizeof edges / sizeof *edges; i++)
        for (size_t d = 0; d < 20; d++) {
            size_t n = edges[i] + d - 10;
            CHECK_EQ(crc(7, data + 1, n), reference(7, data + 1, n));
        }
    for (uint64_t k = 0; k < 100; k++) {
        size_t n = roma_random(1, k) % (BIG - 8), at = roma_random(2, k) % 8;
        CHECK_EQ(crc((uint32_t)k, data + at, n), reference((uint32_t)k, data + at, n));
    }
}

static void test_slices(const uint8_t *data) {
    uint32_t whole = reference(0, data, BIG);
    for (uint64_t k = 0; k < 30; k++) {
        uint32_t crc = 0;
        size_t at = 0;
        for (uint64_t i = 0; at < BIG; i++) {
            size_t n = roma_random(k, i) % (k < 10 ? 50 : 20000);
            if (n > BIG - at) n = BIG - at;
            crc = roma_crc32c(crc, data + at, n);
            at += n;
        }
        CHECK_EQ(crc, whole);
    }
}

static void test_join(const uint8_t *data) {
    uint32_t whole = reference(0, data, BIG);
    for (uint64_t k = 0; k < 200; k++) {
        size_t cut = k == 0 ? 0 : k == 1 ? BIG : k < 40 ? (size_t)k : roma_random(3, k) % (BIG + 1);
        uint32_t a = roma_crc32c(0, data, cut), b = roma_crc32c(0, data + cut, BIG - cut);
        CHECK_EQ(roma_crc32c_join(a, b, BIG - cut), whole);
    }
    /* pieces of threads: joined from left to right */
    for (int threads = 1; threads <= 9; threads++) {
        uint32_t crc = 0;
        for (int t = 0; t < threads; t++) {
            size_t from, to;
            roma_share(BIG, t, threads, &from, &to);
            crc = roma_crc32c_join(crc, roma_crc32c(0, data + from, to - from), to - from);
        }
        CHECK_EQ(crc, whole);
    }
    /* lengths no buffer has: two steps of n bytes are one of 2n; b_len 0 changes nothing */
    for (uint64_t n = 1; n < (uint64_t)1 << 62; n = n * 3 + 1)
        CHECK_EQ(roma_crc32c_join(roma_crc32c_join(whole, 0, n), 0, n), roma_crc32c_join(whole, 0, 2 * n));
    CHECK_EQ(roma_crc32c_join(whole, 0, 0), whole);
}

int main(void) {
    uint8_t *data = malloc(BIG);
    if (!data) return 1;
    for (size_t i = 0; i < BIG; i++) data[i] = (uint8_t)roma_random(9, i);
    test_vectors(reference);
    test_vectors(portable);
    test_vectors(roma_crc32c); /* the hardware kernel where there is one */
    test_against_reference(portable, data);
    test_against_reference(roma_crc32c, data);
    test_slices(data);
    test_join(data);
    free(data);
    return TEST_DONE();
}
