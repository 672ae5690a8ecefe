/* Fuzzes the chip room: any text is refused with a line and a sentence, or read, and then what is written of it reads
 * back the same. A first byte of 1 makes the rest an assignment, as of --set.
 */
#include "roma/chip.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define REQUIRE(x)                                                                                                     \
    do {                                                                                                               \
        if (!(x)) abort();                                                                                             \
    } while (0)

static const char *const quiet = "/nowhere/fuzz.chip"; /* nothing stands beside it */

static void check_same(const roma_chip *a, const roma_chip *b) {
    for (unsigned i = 0; i < ROMA_CHIP_N; i++) {
        const double v[] = {roma_chip_get(a, i), a->mark[i].low, a->mark[i].high};
        const double w[] = {roma_chip_get(b, i), b->mark[i].low, b->mark[i].high};
        REQUIRE(memcmp(v, w, sizeof v) == 0 && a->mark[i].quality == b->mark[i].quality);
        REQUIRE(strcmp(a->mark[i].source, b->mark[i].source) == 0);
    }
    REQUIRE(strcmp(a->title, b->title) == 0);
}

static void round_trip(const roma_chip *c) {
    static roma_chip back;
    roma_buf b = {0};
    roma_chip_write(c, &b);
    REQUIRE(!b.failed && roma_chip_read(&back, (const char *)b.data, b.len, quiet, NULL) == 0);
    check_same(c, &back);
    b.len = 0;
    roma_json j = {.out = &b};
    roma_chip_print(c, &b);
    roma_json_open(&j, NULL, '{');
    roma_chip_json(c, &j);
    roma_json_close(&j, '}');
    roma_buf_destroy(&b);
}

static void assign(const uint8_t *data, size_t size) {
    static roma_chip c;
    roma_error err = {0};
    char text[512];
    if (size >= sizeof text) return;
    memcpy(text, data, size);
    text[size] = 0;
    REQUIRE(roma_chip_open(&c, "roma", NULL) == 0);
    const int rc = roma_chip_set(&c, text, &err);
    REQUIRE(rc == 0 || (rc == ROMA_EUSAGE && err.text[0] && !strchr(err.text, '\n')));
    if (!rc && roma_chip_check(&c, quiet, NULL) == 0) round_trip(&c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static roma_chip c;
    roma_error err = {0};
    if (size && data[0] == 1) {
        assign(data + 1, size - 1);
        return 0;
    }
    const int rc = roma_chip_read(&c, (const char *)data, size, quiet, &err);
    if (rc == 0) {
        REQUIRE(roma_chip_check(&c, quiet, NULL) == 0);
        round_trip(&c);
    } else {
        REQUIRE(rc == ROMA_EINPUT && err.line > 0 && err.text[0] && !strchr(err.text, '\n'));
    }
    return 0;
}
