/* Error records: codes, places, cutting, formatting, names from outside. */
#include "../test.h"
#include "roma/base.h"

#include <errno.h>

static void test_codes(void) {
    CHECK_EQ(ROMA_OK, 0);
    CHECK_EQ(roma_error_exit(ROMA_OK), 0);
    CHECK_EQ(roma_error_exit(ROMA_EINPUT), 2);
    CHECK_EQ(roma_error_exit(ROMA_EIO), 3);
    CHECK_EQ(roma_error_exit(ROMA_ECANCEL), 130);
    CHECK_EQ(roma_error_exit(-12345), 3);
    CHECK_STR(roma_error_text(ROMA_EDAMAGED), "damaged file");
    CHECK_STR(roma_error_text(99), "unknown error");
}

static void test_fail(void) {
    roma_error e;
    char buf[1024];
    CHECK_EQ(roma_fail(NULL, ROMA_EINPUT, "f", 0, "x"), ROMA_EINPUT);
    CHECK_EQ(roma_fail_line(NULL, ROMA_EINPUT, "f", 1, "x"), ROMA_EINPUT);

    CHECK_EQ(roma_fail(&e, ROMA_EINPUT, "a.gguf", 12, "tensor %d is %s", 3, "bent"), ROMA_EINPUT);
    CHECK_EQ(e.code, ROMA_EINPUT);
    CHECK_EQ(e.offset, 12);
    CHECK_EQ(e.line, 0);
    CHECK_STR(e.text, "tensor 3 is bent");
    CHECK_STR(roma_error_format(&e, buf, sizeof buf), "a.gguf: at byte 12: tensor 3 is bent");

    CHECK_EQ(roma_fail_line(&e, ROMA_EUSAGE, "a.chip", 7, "no such parameter"), ROMA_EUSAGE);
    CHECK(e.offset == ROMA_NOWHERE);
    CHECK_STR(roma_error_format(&e, buf, sizeof buf), "a.chip: line 7: no such parameter");

    roma_fail(&e, ROMA_ECONTEXT, NULL, ROMA_NOWHERE, "at 4096 tokens");
    CHECK_STR(e.file, "");
    CHECK_STR(roma_error_format(&e, buf, sizeof buf), "at 4096 tokens");
    roma_fail(&e, ROMA_EINTERNAL, "x", ROMA_NOWHERE, "%s", "");
    CHECK_STR(roma_error_format(&e, buf, sizeof buf), "x: internal fault");
}

/* A caller adds words to the error it got: the arguments then lie inside the record. */
static void test_wrap(void) {
    roma_error e;
    roma_fail(&e, ROMA_EDAMAGED, "inner.roma", 5, "bad sum");
    roma_fail(&e, ROMA_EDAMAGED, e.file, e.offset, "tensor 1: %s", e.text);
    CHECK_STR(e.file, "inner.roma");
    CHECK_STR(e.text, "tensor 1: bad sum");
}

static void test_cut(void) {
    roma_error e;
    char path[1000], text[1000], buf[2000];
    memset(path, 'p', sizeof path);
    memcpy(path + sizeof path - 6, "/end.", 6);
    memset(text, 't', sizeof text - 1);
    text[sizeof text - 1] = 0;
    roma_fail(&e, ROMA_EIO, path, ROMA_NOWHERE, "%s", text);
    CHECK_EQ(strlen(e.file), sizeof e.file - 1);
    CHECK(memcmp(e.file, "...ppp", 6) == 0);
    CHECK_STR(e.file + sizeof e.file - 6, "/end.");
    CHECK_EQ(strlen(e.text), sizeof e.text - 1);
    CHECK_STR(e.text + sizeof e.text - 5, "t...");

    /* exactly full is not cut */
    path[255] = 0;
    text[511] = 0;
    roma_fail(&e, ROMA_EIO, path, ROMA_NOWHERE, "%s", text);
    CHECK_STR(e.file, path);
    CHECK_STR(e.text, text);

    CHECK_EQ(strlen(roma_error_format(&e, buf, 10)), 9);
    buf[0] = 'x';
    roma_error_format(&e, buf, 0);
    CHECK_EQ(buf[0], 'x');
    roma_fail(&e, ROMA_EIO, "a\nb\x1b[31m\x7f", ROMA_NOWHERE, "t");
    CHECK_STR(roma_error_format(&e, buf, sizeof buf), "a?b?[31m?: t");
}

static void test_errno(void) {
    roma_error e;
    errno = ENOENT;
    CHECK_EQ(roma_fail_errno(&e, "f", "cannot open"), ROMA_EIO);
    CHECK_STR(e.text, "cannot open: No such file or directory");
    CHECK(e.offset == ROMA_NOWHERE);
    errno = ENOMEM;
    CHECK_EQ(roma_fail_errno(&e, "f", "cannot map"), ROMA_ENOMEM);
    CHECK_EQ(e.code, ROMA_ENOMEM);
    errno = EPERM;
    CHECK_EQ(roma_fail_errno(NULL, "f", "x"), ROMA_EIO);
}

static void test_name(void) {
    char buf[64];
    CHECK_STR(roma_error_name(buf, sizeof buf, "blk.0.attn_q", 12), "blk.0.attn_q");
    CHECK_STR(roma_error_name(buf, sizeof buf, "a\0b\n\xff~ ", 7), "a\\x00b\\x0a\\xff~ ");
    CHECK_STR(roma_error_name(buf, sizeof buf, NULL, 0), "");
    CHECK_STR(roma_error_name(buf, 9, "12345678", 8), "12345678");
    CHECK_STR(roma_error_name(buf, 9, "123456789", 9), "12345...");
    CHECK_STR(roma_error_name(buf, 9, "1234\n", 5), "1234\\x0a");
    CHECK_STR(roma_error_name(buf, 9, "1234\n6", 6), "1234...");
    CHECK_STR(roma_error_name(buf, 9, "\n\n\n", 3), "\\x0a...");
    CHECK_STR(roma_error_name(buf, 3, "abcdef", 6), "..");
    CHECK_STR(roma_error_name(buf, 1, "abcdef", 6), "");
    /* whatever the sizes: ends within cap, and only printable characters */
    for (uint64_t k = 0; k < 2000; k++) {
        char foreign[40];
        size_t n = roma_random(1, k) % sizeof foreign, cap = 1 + roma_random(2, k) % 60;
        for (size_t i = 0; i < n; i++) foreign[i] = (char)roma_random(3 + k, i);
        memset(buf, 'Z', sizeof buf);
        roma_error_name(buf, cap, foreign, n);
        size_t len = strnlen(buf, sizeof buf);
        CHECK(len < cap);
        for (size_t i = 0; i < len; i++) CHECK(buf[i] >= 0x20 && buf[i] < 0x7f);
        for (size_t i = cap; i < sizeof buf; i++) CHECK(buf[i] == 'Z');
    }
}

int main(void) {
    test_codes();
    test_fail();
    test_wrap();
    test_cut();
    test_errno();
    test_name();
    return TEST_DONE();
}
