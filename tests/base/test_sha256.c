/* SHA-256: FIPS 180-4 example messages, all padding lengths, slices, hardware against portable blocks. */
#include "../test.h"
#include "base/internal.h"

static const char *digest(const void *data, size_t n) {
    static char hex[65];
    uint8_t out[32];
    roma_sha256 h;
    roma_sha256_init(&h);
    roma_sha256_update(&h, data, n);
    roma_sha256_final(&h, out);
    roma_hex(hex, out, sizeof out);
    return hex;
}

static void test_vectors(void) {
    static const char *const two = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    static const char *const four = "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
                                    "hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu";
    CHECK_STR(digest("", 0), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CHECK_STR(digest("abc", 3), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    CHECK_STR(digest(two, strlen(two)), "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    CHECK_STR(digest(four, strlen(four)), "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1");
    char *a = malloc(1000000);
    CHECK(a != NULL);
    if (!a) return;
    memset(a, 'a', 1000000);
    CHECK_STR(digest(a, 1000000), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    free(a);
}

/* The hash of the hashes of i*7 mod 256, i < n, for n = 0..299: every place at which padding can begin.
 * Expected value from Python's hashlib. */
static void test_padding(void) {
    uint8_t data[300], out[32];
    char hex[65];
    roma_sha256 all;
    roma_sha256_init(&all);
    for (size_t n = 0; n < 300; n++) {
        roma_sha256 h;
        data[n] = (uint8_t)(n * 7);
        roma_sha256_init(&h);
        roma_sha256_update(&h, data, n);
        roma_sha256_final(&h, out);
        roma_sha256_update(&all, out, sizeof out);
    }
    roma_sha256_final(&all, out);
    roma_hex(hex, out, sizeof out);
    CHECK_STR(hex, "f65f14b090e805017546322e618401d41f0710c213e013a5131eb38bbe8f367f");
}

static void test_slices(void) {
    enum { N = 5000 };
    uint8_t data[N], out[32], want[32];
    for (size_t i = 0; i < N; i++) data[i] = (uint8_t)roma_random(4, i);
    roma_sha256 h;
    roma_sha256_init(&h);
    roma_sha256_update(&h, data, N);
    CHECK_EQ(h.bytes, N);
    roma_sha256_final(&h, want);
    for (uint64_t k = 0; k < 100; k++) {
        size_t at = 0;
        roma_sha256_init(&h);
        for (uint64_t i = 0; at < N; i++) {
            size_t n = roma_random(100 + k, i) % (k < 50 ? 70 : 400);
            if (n > N - at) n = N - at;
            roma_sha256_update(&h, n ? data + at : NULL, n);
            at += n;
        }
        roma_sha256_final(&h, out);
        CHECK(memcmp(out, want, 32) == 0);
    }
}

static void test_kernels(void) {
#ifdef __x86_64__
    if (!roma_sha256_has_shani()) return;
    uint8_t data[64 * 9 + 1];
    for (uint64_t k = 0; k < 200; k++) {
        uint32_t a[8], b[8];
        for (size_t i = 0; i < sizeof data; i++) data[i] = (uint8_t)roma_random(k, i);
        for (size_t i = 0; i < 8; i++) a[i] = b[i] = (uint32_t)roma_random(~k, i);
        roma_sha256_blocks_c(a, data + (k & 1), k % 10);
        roma_sha256_blocks_shani(b, data + (k & 1), k % 10);
        CHECK(memcmp(a, b, sizeof a) == 0);
    }
#endif
}

/* The same messages through the portable blocks, which the machine at hand may never choose. */
static void test_portable(void) {
    uint8_t block[64] = "abc\x80";
    block[63] = 24;
    roma_sha256 h;
    roma_sha256_init(&h);
    roma_sha256_blocks_c(h.state, block, 1);
    CHECK_EQ(h.state[0], 0xba7816bf);
    CHECK_EQ(h.state[7], 0xf20015ad);
    roma_sha256_blocks_c(h.state, block, 0);
    CHECK_EQ(h.state[0], 0xba7816bf);
}

static int tell(void *ctx, const char *what, uint64_t done, uint64_t total) {
    uint64_t *last = ctx;
    CHECK_STR(what, "words");
    CHECK(done > last[0] && done <= total);
    last[0] = done;
    return done >= last[1];
}

/* Much data in pieces: the same sum; every piece is told, and the last one ends at the whole. */
static void test_told(void) {
    const size_t n = ((size_t)9 << 20) + 5;
    uint8_t *data = malloc(n), want[32], got[32];
    uint64_t seen[2] = {0, UINT64_MAX};
    const roma_progress p = {tell, seen};
    roma_sha256 h;
    for (size_t i = 0; i < n; i++) data[i] = (uint8_t)(i * 7 >> 3);
    roma_sha256_init(&h);
    roma_sha256_update(&h, data, n);
    roma_sha256_final(&h, want);
    roma_sha256_init(&h);
    CHECK_EQ(roma_sha256_update_told(&h, data, n, &p, "words"), 0);
    roma_sha256_final(&h, got);
    CHECK_BYTES(got, want, 32);
    CHECK_EQ(seen[0], n);
    CHECK_EQ(roma_sha256_update_told(&h, data, n, NULL, "words"), 0);
    CHECK_EQ(roma_sha256_update_told(&h, data, 0, &p, "words"), 0);
    seen[0] = 0;
    seen[1] = (uint64_t)5 << 20;
    CHECK_EQ(roma_sha256_update_told(&h, data, n, &p, "words"), ROMA_ECANCEL);
    CHECK(seen[0] >= (uint64_t)5 << 20 && seen[0] < n);
    free(data);
}

int main(void) {
    test_vectors();
    test_padding();
    test_slices();
    test_kernels();
    test_portable();
    test_told();
    return TEST_DONE();
}
