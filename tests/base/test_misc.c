/* Hex, table hash, random numbers, clock, progress. */
#include "../test.h"
#include "roma/base.h"

static void test_hex(void) {
    char out[9];
    memset(out, 'Z', sizeof out);
    roma_hex(out, (const uint8_t *)"\x00\x9f\xe5", 3);
    CHECK_STR(out, "009fe5");
    CHECK_EQ(out[7], 'Z');
    roma_hex(out, NULL, 0);
    CHECK_STR(out, "");
}

/* Not the hash's values but what a table needs: length and every bit count, no alignment, few collisions. */
static void test_hash(void) {
    enum { N = 20000 };
    uint8_t zero[64] = {0}, data[80];
    for (size_t n = 0; n < 64; n++)
        for (size_t m = 0; m < n; m++) CHECK(roma_hash64(zero, n) != roma_hash64(zero, m));
    for (size_t i = 0; i < sizeof data; i++) data[i] = (uint8_t)roma_random(1, i);
    for (size_t n = 1; n < 64; n++) {
        uint64_t h = roma_hash64(data, n);
        uint8_t copy[80];
        memcpy(copy + 3, data, n);
        CHECK(roma_hash64(copy + 3, n) == h);
        int least = 64, most = 0;
        for (size_t bit = 0; bit < 8 * n; bit++) {
            copy[3 + bit / 8] ^= (uint8_t)(1 << bit % 8);
            int moved = __builtin_popcountll(roma_hash64(copy + 3, n) ^ h);
            copy[3 + bit / 8] ^= (uint8_t)(1 << bit % 8);
            least = moved < least ? moved : least;
            most = moved > most ? moved : most;
        }
        CHECK(least >= 10 && most <= 54);
    }
    static uint32_t bucket[N];
    uint32_t most = 0;
    for (uint32_t i = 0; i < N; i++) { /* short similar keys, as a vocabulary has */
        char key[16];
        int n = snprintf(key, sizeof key, "tok%u", i);
        uint32_t *b = &bucket[roma_hash64(key, (size_t)n) % N];
        most = ++*b > most ? *b : most;
    }
    CHECK(most < 12); /* 20000 balls in 20000 bins: 8 is usual */
}

static void test_random(void) {
    /* With key 0 these are SplitMix64's first outputs from seed 0, as published with it. */
    CHECK(roma_random(0, 0) == 0xe220a8397b1dcdaf);
    CHECK(roma_random(0, 1) == 0x6e789e6aa1b965f4);
    CHECK(roma_random(0, 2) == 0x06c45d188009454f);
    CHECK(roma_random(0, 3) == 0xf88bb8a8724c81ec);
    /* no key's sequence is a neighbour's, shifted: not for small steps, and not for the generator's own */
    for (uint64_t key = 0; key < 50; key++)
        for (uint64_t c = 0; c < 50; c++) {
            CHECK(roma_random(key, c + 1) != roma_random(key + 1, c));
            CHECK(roma_random(key, c + 1) != roma_random(key + 0x9e3779b97f4a7c15, c));
        }
    int ones[64] = {0};
    for (uint64_t c = 0; c < 10000; c++)
        for (int b = 0; b < 64; b++) ones[b] += (int)(roma_random(5, c) >> b & 1);
    for (int b = 0; b < 64; b++) CHECK(ones[b] > 4700 && ones[b] < 5300); /* six sigma */
}

static void test_clock(void) {
    double a = roma_now(), b = roma_now();
    CHECK(a > 0 && b >= a && b - a < 60);
}

static int record(void *ctx, const char *what, uint64_t done, uint64_t total) {
    CHECK_STR(what, "packing");
    *(uint64_t *)ctx = done;
    return done == total;
}

static void test_progress(void) {
    uint64_t seen = 0;
    roma_progress p = {record, &seen};
    CHECK_EQ(roma_progress_tell(&p, "packing", 1, 2), ROMA_OK);
    CHECK_EQ(seen, 1);
    CHECK_EQ(roma_progress_tell(&p, "packing", 2, 2), ROMA_ECANCEL);
    CHECK_EQ(roma_progress_tell(NULL, "packing", 1, 2), ROMA_OK);
    CHECK_EQ(roma_progress_tell(&(roma_progress){0}, "packing", 1, 2), ROMA_OK);
}

static int smaller(const void *a, const void *b, void *calls) {
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    ++*(unsigned *)calls;
    return (x > y) - (x < y);
}

/* Every length from nothing on, values that come again and values in order both ways: ascending, and none lost. */
static void test_sort(void) {
    uint32_t a[200];
    for (uint32_t n = 0; n <= 200; n++)
        for (int shape = 0; shape < 4; shape++) {
            unsigned calls = 0;
            uint64_t sum = 0, sorted = 0;
            for (uint32_t i = 0; i < n; i++) {
                a[i] = shape == 0   ? (uint32_t)roma_random(n, i)
                       : shape == 1 ? (uint32_t)roma_random(n, i) % 7
                       : shape == 2 ? i
                                    : n - i;
                sum += (uint64_t)a[i] * a[i] + a[i];
            }
            roma_sort(a, n, sizeof *a, smaller, &calls);
            for (uint32_t i = 0; i < n; i++) sorted += (uint64_t)a[i] * a[i] + a[i];
            for (uint32_t i = 1; i < n; i++) CHECK(a[i - 1] <= a[i]);
            CHECK(sum == sorted && calls <= 20 * n);
        }
}

int main(void) {
    test_sort();
    test_hex();
    test_hash();
    test_random();
    test_clock();
    test_progress();
    return TEST_DONE();
}
