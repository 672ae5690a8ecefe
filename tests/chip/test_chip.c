/* Chip description: the shipped file, and every way a line can be wrong. */
#include "roma/chip.h"
#include "../test.h"

static char text[16384];

static void load_default(void) {
    snprintf(text, sizeof text, "%s", roma_chip_default());
}

/* Replaces the first `from` of the default text. */
static void replace(const char *from, const char *to) {
    load_default();
    char *at = strstr(text, from);
    CHECK(at != NULL);
    if (!at) return;
    char rest[16384];
    snprintf(rest, sizeof rest, "%s", at + strlen(from));
    snprintf(at, sizeof text - (size_t)(at - text), "%s%s", to, rest);
}

static void expect_refused(const char *from, const char *to, const char *said) {
    roma_chip c;
    roma_error err = {0};
    replace(from, to);
    CHECK_EQ(roma_chip_read(&c, text, strlen(text), "x.chip", &err), ROMA_EINPUT);
    if (!strstr(err.text, said)) fprintf(stderr, "said: %s\nwanted: %s\n", err.text, said);
    CHECK(strstr(err.text, said) != NULL);
    CHECK(err.line > 0);
}

static void test_default(void) {
    roma_chip c;
    roma_error err = {0};
    load_default();
    CHECK_EQ(roma_chip_read(&c, text, strlen(text), "chips/roma.chip", &err), 0);
    CHECK_STR(c.name, "roma");
    CHECK(c.clock_hz == 5e8 && c.matrix_units == 256 && c.lunits == 64);
    /* facts of the paper that must close: 16,384 L-Units of 22.5 k um2 are 368.6 mm2; 288 MiB of SRAM */
    CHECK_EQ(c.matrix_units * c.lunits, 16384);
    CHECK_EQ(c.matrix_units * c.lunits * c.lunit_area_um2 / 1e4, 36864);
    CHECK_EQ(c.matrix_units * c.hunit_sram_bytes, 288 << 20);
    CHECK(c.clock_hz_source.quality == ROMA_CHIP_STATED && strstr(c.clock_hz_source.text, "500 MHz"));
    roma_buf b = {0};
    roma_chip_print(&c, &b, false);
    CHECK(!b.failed && b.len > 1000);
    roma_buf_destroy(&b);
}

static void test_refusals(void) {
    expect_refused("clock.frequency", "clock.frequencies", "unknown parameter clock.frequencies");
    expect_refused("= 5e8", "= fast", "clock.frequency is not a number");
    expect_refused("= 5e8", "= 1e400", "clock.frequency is not a number");
    expect_refused("= 5e8", "= nan", "clock.frequency is not a number");
    expect_refused("= 5e8", "= 5", "must lie in");
    expect_refused("= 256 ", "= 256.5 ", "must be a whole number");
    expect_refused("# stated: 500 MHz", "", "a number needs its source");
    expect_refused("# stated: 500 MHz", "# heard: 500 MHz", "a number needs its source");
    expect_refused("# stated: 500 MHz", "# stated:", "a number needs its source");
    expect_refused("clock.frequency      = 5e8        # stated: 500 MHz\n", "", "clock.frequency is missing");
    expect_refused("technology.node ", "chip.area = 5 # stated: x\ntechnology.node ", "given twice");
    expect_refused("technology.node ", "nonsense\ntechnology.node ", "expected `key = value");
}

int main(void) {
    test_default();
    test_refusals();
    return TEST_DONE();
}
