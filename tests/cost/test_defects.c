/* Defect maps: what is read, what is refused and where, and what repair costs. */
#include "design.h"

static const char *const file = "test.map";

static roma_chip chip_of(void) {
    roma_chip c;
    roma_error err;
    design_need(roma_chip_open(&c, "roma", &err), &err);
    return c;
}

static void test_good(void) {
    const roma_chip c = chip_of();
    roma_defects d;
    roma_error err;
    static const char text[] = "; wrong words\n\n0 0 3\r\n  0\t1   2 ; two\n   ; nothing\n7 15 1\n9 0 4\n16 15 5";
    CHECK_EQ(roma_defects_read(&d, &c, text, strlen(text), file, &err), 0);
    CHECK_EQ(d.n, 256);
    CHECK_EQ(d.words[0], 3);
    CHECK_EQ(d.words[1], 2);
    CHECK_EQ(d.words[127], 1);
    CHECK_EQ(d.words[128], 4); /* row 8 is the vector units' */
    CHECK_EQ(d.words[255], 5);
    uint64_t sum = 0;
    for (uint32_t i = 0; i < d.n; i++) sum += d.words[i];
    CHECK_EQ(sum, 15);
    roma_defects_destroy(&d);
    CHECK(d.words == NULL);
    CHECK_EQ(roma_defects_read(&d, &c, "", 0, file, &err), 0);
    roma_defects_destroy(&d);
}

static void test_bad(void) {
    static const struct {
        const char *text, *hint;
        uint64_t line;
    } bad[] = {
        {"0 0 1\n0 1\n", "2 of three numbers", 2},
        {"0\n", "row column words", 1},
        {"\n\n0 0 1 1\n", "more than three", 3},
        {"0 0 x\n", "not a whole number", 1},
        {"0 -1 1\n", "not a whole number", 1},
        {"0 0 1.5\n", "not a whole number", 1},
        {"0 0 +1\n", "not a whole number", 1},
        {"0 0 4294967296\n", "below 2^32", 1},
        {"0 0 99999999999999999999999999\n", "below 2^32", 1},
        {"17 0 1\n", "rows are 0 to 16", 1},
        {"; a\n0 16 1\n", "columns are 0 to 15", 2},
        {"8 3 1\n", "only matrix units have ROM", 1},
        {"0 0 0\n", "needs no line", 1},
        {"0 0 4000000000\n", "more than a matrix unit has", 1},
        {"0 0 1\n0 1 1\n0 0 2\n", "given twice", 3},
        {"row column words\n", "not a whole number", 1},
        {"0,0,1\n", "not a whole number", 1},
    };
    const roma_chip c = chip_of();
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        roma_defects d;
        roma_error err;
        CHECK_EQ(roma_defects_read(&d, &c, bad[i].text, strlen(bad[i].text), file, &err), ROMA_EINPUT);
        CHECK_EQ(err.line, bad[i].line);
        CHECK_STR(err.file, file);
        if (!strstr(err.text, bad[i].hint)) fprintf(stderr, "%s\n", err.text);
        CHECK(strstr(err.text, bad[i].hint) != NULL);
        CHECK(d.words == NULL);
    }
}

/* Bytes that are no text are refused, never echoed. */
static void test_bytes(void) {
    const roma_chip c = chip_of();
    roma_defects d;
    roma_error err;
    static const char nul[] = "0 0 \0"
                              "1\n",
                      high[] = "0 0 1\xff\n";
    CHECK_EQ(roma_defects_read(&d, &c, nul, sizeof nul - 1, file, &err), ROMA_EINPUT);
    CHECK_EQ(roma_defects_read(&d, &c, high, sizeof high - 1, file, &err), ROMA_EINPUT);
    CHECK(!strchr(err.text, '\xff'));
    for (unsigned i = 0; i < 20000; i++) { /* any bytes are read or refused */
        char text[32];
        for (unsigned k = 0; k < sizeof text; k++) text[k] = "0123456789 \n\t;x-"[roma_random(i, k) % 16];
        if (!roma_defects_read(&d, &c, text, sizeof text, file, NULL)) roma_defects_destroy(&d);
        test_checks++;
    }
}

/* Words within the patch table are free; every one over it of the worst unit costs cycles, those of better units do
 * not. */
static void test_cost(void) {
    design d;
    design_open(&d, "roma", "llama-3.2-3b", 4, 4);
    roma_chip_put(&d.place.chip, ROMA_CHIP_patch_words, 16);
    uint32_t words[256] = {0};
    const roma_defects map = {words, 256};
    roma_workload w = {.prompt = 64, .context = 64, .batch = 1, .toggle = 1};
    const roma_cost clean = design_cost(&d, &w);
    w.defects = &map;
    words[7] = 16;
    CHECK(design_cost(&d, &w).decode_cyc == clean.decode_cyc);
    words[7] = 4016;
    const roma_cost hit = design_cost(&d, &w);
    /* 4,000 reads of 8 bytes spread over the plan's matrices: each is rounded up alone */
    const double least = 4000 * 8 / d.place.chip.hunit_bandwidth, matrices = 28 * 7 + 2;
    CHECK(hit.decode_cyc >= clean.decode_cyc + 0.9 * least && hit.decode_cyc <= clean.decode_cyc + least + matrices);
    CHECK(hit.ttft_s > clean.ttft_s);
    words[8] = 4000;
    CHECK(design_cost(&d, &w).decode_cyc == hit.decode_cyc);
    design_close(&d);
}

int main(void) {
    test_good();
    test_bad();
    test_bytes();
    test_cost();
    return TEST_DONE();
}
