/* Checked arithmetic, little-endian access, bounded reader. */
#include "../test.h"
#include "roma/base.h"

static void test_arithmetic(void) {
    uint64_t v = 7;
    CHECK(roma_add(UINT64_MAX - 1, 1, &v) && v == UINT64_MAX);
    v = 7;
    CHECK(!roma_add(UINT64_MAX, 1, &v) && v == 7);
    CHECK(roma_mul(1ull << 32, (1ull << 32) - 1, &v) && v == 0xffffffff00000000);
    v = 7;
    CHECK(!roma_mul(1ull << 32, 1ull << 32, &v) && v == 7);
    CHECK(roma_round_up(0, 64, &v) && v == 0);
    CHECK(roma_round_up(1, 64, &v) && v == 64);
    CHECK(roma_round_up(64, 64, &v) && v == 64);
    CHECK(roma_round_up(65, 1, &v) && v == 65);
    CHECK(roma_round_up(UINT64_MAX - 63, 64, &v) && v == UINT64_MAX - 63);
    v = 7;
    CHECK(!roma_round_up(UINT64_MAX - 62, 64, &v) && v == 7);
    CHECK_EQ(roma_arena_piece(0), 0);
    CHECK_EQ(roma_arena_piece(64), 64);
    CHECK_EQ(roma_arena_piece(65), 128);
}

static void test_little_endian(void) {
    uint8_t b[10] = {0xfe, 0x81, 0x92, 0xa3, 0xb4, 0xc5, 0xd6, 0xe7, 0xf8, 0xfd};
    CHECK_EQ(roma_le16(b + 1), 0x9281);
    CHECK_EQ(roma_le32(b + 1), 0xb4a39281);
    CHECK(roma_le64(b + 1) == 0xf8e7d6c5b4a39281);
    uint8_t c[10] = {0};
    roma_put64(c + 1, 0xf8e7d6c5b4a39281);
    CHECK(memcmp(b + 1, c + 1, 8) == 0 && c[0] == 0 && c[9] == 0);
    roma_put32(c, 0x11223344);
    CHECK(c[0] == 0x44 && c[3] == 0x11 && c[4] == 0xb4);
    roma_put16(c + 8, 0x5566);
    CHECK(c[8] == 0x66 && c[9] == 0x55);
}

static void test_values(void) {
    roma_buf b = {0};
    roma_buf_append(&b, "\x7f", 1);
    roma_buf_le16(&b, 0xabcd);
    roma_buf_le32(&b, 0xdeadbeef);
    roma_buf_le64(&b, 0x0123456789abcdef);
    roma_buf_le32(&b, 0xc0490fdb); /* -pi */
    roma_buf_le64(&b, 0x4005bf0a8b145769);
    roma_buf_append(&b, "tail", 4);
    roma_reader r;
    roma_reader_init(&r, b.data, b.len, 1000);
    CHECK_EQ(roma_read_u8(&r), 0x7f);
    const uint8_t *half = roma_read_bytes(&r, 2);
    CHECK(half && half[0] == 0xcd && half[1] == 0xab);
    CHECK_EQ(roma_read_u32(&r), 0xdeadbeef);
    CHECK_EQ(roma_read_u64(&r), 0x0123456789abcdef);
    CHECK(roma_read_f32(&r) == -3.14159274101257324f);
    CHECK_EQ(roma_read_u64(&r), 0x4005bf0a8b145769);
    CHECK_EQ(roma_reader_left(&r), 4);
    const uint8_t *tail = roma_read_bytes(&r, 4);
    CHECK(tail && memcmp(tail, "tail", 4) == 0);
    CHECK(!r.failed && roma_reader_left(&r) == 0);
    CHECK(roma_read_bytes(&r, 0) == b.data + b.len);
    CHECK_EQ(r.origin + r.pos, 1000 + b.len);
    roma_buf_destroy(&b);
}

/* Every reading function at every distance from the end: succeeds when enough is left, and otherwise
 * fails, stays where it was and keeps failing. */
static void test_bounds(void) {
    static const uint64_t widths[] = {1, 4, 8, 4, 5};
    for (size_t fn = 0; fn < 5; fn++)
        for (uint64_t size = 0; size < 10; size++) {
            uint8_t *data = malloc(size + !size); /* on the heap, for the address sanitizer's sake */
            if (!data) return;
            memset(data, 0xff, size);
            roma_reader r;
            roma_reader_init(&r, data, size, 0);
            bool zero;
            switch (fn) {
            case 0: zero = roma_read_u8(&r) == 0; break;
            case 1: zero = roma_read_u32(&r) == 0; break;
            case 2: zero = roma_read_u64(&r) == 0; break;
            case 3: zero = roma_read_f32(&r) == 0; break;
            default: zero = roma_read_bytes(&r, 5) == NULL; break;
            }
            bool enough = size >= widths[fn];
            CHECK_EQ(zero, !enough);
            CHECK_EQ(r.failed, !enough);
            CHECK_EQ(r.pos, enough ? widths[fn] : 0);
            if (!enough) {
                CHECK_EQ(roma_read_u8(&r), 0);
                CHECK(roma_read_bytes(&r, 0) == NULL);
                CHECK_EQ(r.pos, 0);
            }
            free(data);
        }
    uint8_t data[4] = {1, 2, 3, 4};
    roma_reader r;
    roma_reader_init(&r, data, 4, 0);
    roma_read_bytes(&r, 2);
    CHECK(roma_read_bytes(&r, UINT64_MAX) == NULL); /* pos + n would wrap */
    CHECK(r.failed && r.pos == 2);
    roma_reader_init(&r, data, 4, 0);
    roma_read_bytes(&r, 2);
    CHECK(roma_read_bytes(&r, UINT64_MAX - 1) == NULL);
}

static void test_empty(void) {
    roma_reader r;
    roma_reader_init(&r, NULL, 0, 0);
    CHECK(roma_read_bytes(&r, 0) != NULL);
    CHECK(!r.failed);
    CHECK_EQ(roma_read_u8(&r), 0);
    CHECK(r.failed);
}

int main(void) {
    test_arithmetic();
    test_little_endian();
    test_values();
    test_bounds();
    test_empty();
    return TEST_DONE();
}
