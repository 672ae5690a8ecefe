/* Heap door, arena, growing buffer; each also with an allocator that refuses. */
#include "../test.h"
#include "scarce.h"

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static void test_alloc(void) {
    uint64_t before = roma_alloc_count();
    CHECK(roma_alloc(0) == NULL);
    CHECK(roma_alloc_array(SIZE_MAX / 2, 3) == NULL);
    CHECK(roma_alloc_array(0, 8) == NULL);
    CHECK_EQ(roma_alloc_count(), before);
    uint8_t *p = roma_alloc_array(100, 3);
    CHECK(p != NULL);
    for (int i = 0; i < 300; i++) CHECK_EQ(p[i], 0);
    CHECK_EQ(roma_alloc_count(), before + 1);
    p[0] = 42;
    p = roma_resize(p, 100000);
    CHECK_EQ(p[0], 42);
    CHECK(roma_resize(p, 0) == NULL); /* p stays ours */
    CHECK_EQ(p[0], 42);
    CHECK_EQ(roma_alloc_count(), before + 2);
    roma_free(p);
    roma_free(NULL);

    scarce_begin(1);
    before = roma_alloc_count();
    p = roma_alloc(8);
    CHECK(p != NULL);
    CHECK(roma_alloc(8) == NULL);
    CHECK(roma_alloc_array(8, 1) == NULL);
    CHECK(roma_resize(p, 16) == NULL);
    CHECK_EQ(roma_alloc_count(), before + 1);
    roma_free(p);
    roma_allocator_set(NULL);
    p = roma_alloc(8);
    CHECK(p != NULL);
    roma_free(p);
}

/* An array grows by doubling, from 16; where there is no memory, or no size for it, everything stays as it was. */
static void test_grow(void) {
    uint32_t *v = NULL;
    size_t cap = 0;
    for (uint32_t n = 0; n < 100; n++) {
        CHECK(ROMA_GROW(&v, n, &cap));
        CHECK_EQ(cap, n < 16 ? 16 : n < 32 ? 32 : n < 64 ? 64 : 128);
        v[n] = n * n;
    }
    for (uint32_t n = 0; n < 100; n++) CHECK_EQ(v[n], n * n);
    const uint32_t *const there = v;
    scarce_begin(0);
    CHECK(!ROMA_GROW(&v, 128, &cap));
    roma_allocator_set(NULL);
    CHECK(!roma_grow(&v, 128, &cap, SIZE_MAX / 256 + 1));
    size_t half = SIZE_MAX / 2 + 1;
    CHECK(!roma_grow(&v, half, &half, 1));
    CHECK(v == there);
    CHECK_EQ(cap, 128);
    CHECK_EQ(half, SIZE_MAX / 2 + 1);
    roma_free(v);
}

static void test_hex_read(void) {
    static const char text[] = "00fFaB9g7";
    uint32_t v = 1;
    CHECK_EQ(roma_hex_read(text, text + 9, 7, &v), 7);
    CHECK_EQ(v, 0x00ffab9);
    CHECK_EQ(roma_hex_read(text, text + 9, 8, &v), 7); /* g is none */
    CHECK_EQ(v, 0x00ffab9);
    CHECK_EQ(roma_hex_read(text + 3, text + 5, 4, &v), 2); /* the end comes first */
    CHECK_EQ(v, 0xfa);
    CHECK_EQ(roma_hex_read(text, text, 1, &v), 0);
    CHECK_EQ(v, 0);
    for (int c = 0; c < 256; c++) { /* neighbours of digits are none, with or without the bit of case */
        const uint8_t b = (uint8_t)c;
        CHECK_EQ(roma_hex_read(&b, &b + 1, 1, &v), b && strchr("0123456789abcdefABCDEF", b) != NULL);
    }
}

/* Columns are characters; the byte behind a line's end is column 1 of the next. */
static void test_position(void) {
    static const char text[] = "a\xc3\xa9\n\n\xe2\x82\xacx";
    static const struct {
        size_t at;
        uint64_t line, column;
    } want[] = {{0, 1, 1}, {1, 1, 2}, {3, 1, 3}, {4, 2, 1}, {5, 3, 1}, {8, 3, 2}, {9, 3, 3}};
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        uint64_t line, column;
        roma_position(text, want[i].at, &line, &column);
        CHECK_EQ(line, want[i].line);
        CHECK_EQ(column, want[i].column);
    }
    CHECK_EQ(roma_characters(text, sizeof text - 1), 6);
}

static bool all_zero(const uint8_t *p, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (p[i]) return false;
    return true;
}

static void test_arena(void) {
    roma_arena a;
    roma_error e;
    CHECK_EQ(roma_arena_create(&a, 10000, &e), ROMA_OK);
    CHECK_EQ(a.size, 12288);
    uint8_t *first = roma_arena_take(&a, 1), *second = roma_arena_take(&a, 65), *none = roma_arena_take(&a, 0);
    CHECK(first == a.base);
    CHECK((uintptr_t)first % 64 == 0);
    CHECK(second == first + 64);
    CHECK(none == second + 128);
    CHECK_EQ(a.used, roma_arena_piece(1) + roma_arena_piece(65));
    size_t rest = a.size - a.used;
    CHECK(roma_arena_take(&a, rest + 1) == NULL);
    CHECK(roma_arena_take(&a, SIZE_MAX) == NULL); /* would round up to 0 */
    CHECK(roma_arena_take(&a, SIZE_MAX - 62) == NULL);
    uint8_t *last = roma_arena_take(&a, rest - 5);
    CHECK(last != NULL);
    if (last) {
        CHECK(all_zero(last, rest));
        memset(last, 1, rest);
    }
    CHECK_EQ(a.used, a.size);
    CHECK(roma_arena_take(&a, 1) == NULL);
    roma_arena_destroy(&a);
    CHECK(a.base == NULL && a.size == 0);
    CHECK(roma_arena_take(&a, 0) == NULL);
    roma_arena_destroy(&a); /* twice is harmless */

    CHECK_EQ(roma_arena_create(&a, 0, NULL), ROMA_OK);
    CHECK_EQ(a.size, 4096);
    roma_arena_destroy(&a);
}

static void test_arena_huge(void) {
    roma_arena a;
    size_t size = ((size_t)5 << 20) + 4096;
    uint64_t before = roma_alloc_count();
    CHECK_EQ(roma_arena_create(&a, size, NULL), ROMA_OK);
    CHECK_EQ(a.size, size);
    CHECK_EQ((uintptr_t)a.base % ((size_t)2 << 20), 0);
    CHECK_EQ(roma_alloc_count(), before + 1);
    CHECK(all_zero(a.base, a.size));
    memset(a.base, 0xaa, a.size);
    roma_arena_destroy(&a);
}

/* Pages of a block that have memory. */
static size_t resident(const roma_arena *a) {
    static unsigned char in[8192];
    size_t n = 0;
    CHECK(a->size / 4096 <= sizeof in && mincore(a->base, a->size, in) == 0);
    for (size_t i = 0; i < a->size / 4096; i++) n += in[i] & 1;
    return n;
}

/* Whoever touches a block, all of it is there; more threads than huge pages too. */
static void test_arena_by(void) {
    static const size_t sizes[] = {1, 4097, (2 << 20) - 4096, 2 << 20, (2 << 20) + 1, (6 << 20) + 8192, 30 << 20};
    for (int threads = 0; threads <= 5; threads++) {
        roma_team *team = NULL;
        if (threads) CHECK_EQ(roma_team_create(&team, threads, NULL), 0);
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            roma_arena a;
            CHECK_EQ(roma_arena_create_by(&a, sizes[i], team, NULL), ROMA_OK);
            CHECK_EQ(a.size, (sizes[i] + 4095) / 4096 * 4096);
            CHECK_EQ(resident(&a), a.size / 4096);
            CHECK(all_zero(a.base, a.size));
            roma_arena_destroy(&a);
        }
        roma_arena a;
        CHECK_EQ(roma_arena_create_by(&a, SIZE_MAX / 2 + 1, team, NULL), ROMA_ENOMEM);
        roma_team_destroy(team);
    }
}

static void test_arena_refused(void) {
    roma_arena a;
    roma_error e;
    CHECK_EQ(roma_arena_create(&a, (size_t)1 << 50, &e), ROMA_ENOMEM);
    CHECK(a.base == NULL);
    CHECK(strstr(e.text, "1073741824 MiB of memory are needed") != NULL);
    CHECK(strstr(e.text, "MiB available") != NULL);
    CHECK_EQ(roma_arena_create(&a, SIZE_MAX, &e), ROMA_ENOMEM);
    CHECK_EQ(roma_arena_create(&a, SIZE_MAX - 4096, NULL), ROMA_ENOMEM);
    CHECK_EQ(roma_arena_create(&a, SIZE_MAX / 2 + 1, NULL), ROMA_ENOMEM);
    roma_arena_destroy(&a);
}

/* The host has the memory, a limit of the process forbids it. In a child, as the limit stays. */
static void test_arena_limit(void) {
    if (SANITIZED) return; /* sanitizers need their address space */
    pid_t pid = fork();
    if (pid == 0) {
        struct rlimit limit = {(rlim_t)64 << 20, (rlim_t)64 << 20};
        roma_arena a;
        roma_error e;
        setrlimit(RLIMIT_AS, &limit);
        int code = roma_arena_create(&a, (size_t)256 << 20, &e);
        _exit(code == ROMA_ENOMEM && !a.base && strstr(e.text, "limit") ? 0 : 1);
    }
    int status = -1;
    CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
    CHECK_EQ(status, 0);
}

static void test_buf(void) {
    roma_buf b = {0};
    roma_buf_append(&b, NULL, 0);
    CHECK(b.data == NULL && !b.failed);
    roma_buf_append(&b, "abc", 3);
    roma_buf_print(&b, "%d-%s", 42, "x");
    roma_buf_print(&b, "%s", "");
    CHECK_EQ(b.len, 7);
    CHECK(memcmp(b.data, "abc42-x", 7) == 0);
    roma_buf_le16(&b, 0x0102);
    roma_buf_le32(&b, 0x03040506);
    roma_buf_le64(&b, 0x0708090a0b0c0d0e);
    static const uint8_t want[] = {2, 1, 6, 5, 4, 3, 14, 13, 12, 11, 10, 9, 8, 7};
    CHECK_EQ(b.len, 7 + sizeof want);
    CHECK(memcmp(b.data + 7, want, sizeof want) == 0);
    for (int i = 0; i < 10000; i++) roma_buf_print(&b, "%08d", i);
    CHECK_EQ(b.len, 7 + sizeof want + 80000);
    CHECK(memcmp(b.data + b.len - 8, "00009999", 8) == 0);
    CHECK(!b.failed);
    roma_buf_destroy(&b);
    CHECK(b.data == NULL && b.len == 0 && b.cap == 0);
    roma_buf_destroy(&b);
}

static void test_buf_refused(void) {
    for (int allowed = 0; allowed < 4; allowed++) {
        roma_buf b = {0};
        scarce_begin(allowed);
        for (int i = 0; i < 1000; i++) roma_buf_print(&b, "%04d", i);
        scarce_left = 1000;
        size_t len = b.len;
        roma_buf_append(&b, "more", 4); /* sticks, so that no hole appears */
        roma_allocator_set(NULL);
        CHECK(b.failed);
        CHECK_EQ(b.len, len);
        CHECK(len < 4000 && (allowed == 0) == (len == 0));
        for (size_t i = 0; i + 4 <= len; i += 4) {
            char want[16];
            snprintf(want, sizeof want, "%04d", (int)(i / 4));
            CHECK(memcmp(b.data + i, want, 4) == 0);
        }
        roma_buf_destroy(&b);
        CHECK(!b.failed);
    }
    roma_buf b = {0};
    roma_buf_append(&b, "x", 1);
    roma_buf_append(&b, "x", SIZE_MAX); /* the sum overflows before anything is read */
    CHECK(b.failed);
    CHECK_EQ(b.len, 1);
    roma_buf_destroy(&b);
}

int main(void) {
    test_alloc();
    test_grow();
    test_hex_read();
    test_position();
    test_arena();
    test_arena_huge();
    test_arena_by();
    test_arena_refused();
    test_arena_limit();
    test_buf();
    test_buf_refused();
    return TEST_DONE();
}
