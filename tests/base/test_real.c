/* Numbers as text against the C library, whose locale is C here. Under a comma locale: tests/cli. */
#include "../test.h"
#include "roma/base.h"

#include <math.h>

static double random_double(uint64_t i) {
    const uint64_t bits = roma_random(11, i);
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

static void test_print(void) {
    char want[64], got[ROMA_REAL_CAP];
    for (uint64_t i = 0; i < 20000; i++) {
        const double v = i % 2 ? random_double(i) : (double)(int64_t)(roma_random(12, i) % 2000001 - 1000000) / 1000;
        double back;
        if (!isfinite(v)) continue;
        for (int d = 1; d <= 17; d += 4) {
            snprintf(want, sizeof want, "%.*g", d, v);
            CHECK_STR(roma_real_print(got, v, d), want);
        }
        roma_real_print(got, v, 0);
        CHECK(strtod(got, NULL) == v);
        CHECK(roma_real_read(got, strlen(got), &back) && memcmp(&back, &v, sizeof v) == 0);
    }
    CHECK_STR(roma_real_print(got, 0.1, 0), "0.1");
    CHECK_STR(roma_real_print(got, -0.0, 0), "-0");
    CHECK_STR(roma_real_print(got, -(double)INFINITY, 0), "-inf");
    CHECK_STR(roma_real_print(got, -(double)NAN, 9), "nan");
    roma_print(got, sizeof got, "%.1f|%s", 0.5, "a");
    CHECK_STR(got, "0.5|a");
}

static void reads(const char *text) {
    const double want = strtod(text, NULL);
    double got = -1;
    const bool is = roma_real_read(text, strlen(text), &got);
    if (isfinite(want) != is || (is && memcmp(&got, &want, sizeof got) != 0))
        fprintf(stderr, "%.60s...: %d %a, expected %a\n", text, is, got, want);
    CHECK(isfinite(want) == is && (!is || memcmp(&got, &want, sizeof got) == 0));
}

/* Texts of many digits around the middle between two doubles, where the last digit decides. */
static void test_read(void) {
    static const char *const few[] = {"0",
                                      "-0",
                                      "00012.50",
                                      ".5",
                                      "5.",
                                      "1e400",
                                      "-1e400",
                                      "1e-400",
                                      "0e999999999999999999999",
                                      "1e-999999999999999999999",
                                      "4.9e-324",
                                      "2.4703282292062327e-324",
                                      "2.4703282292062328e-324",
                                      "1.7976931348623157e308",
                                      "1.7976931348623158e308",
                                      "1.7976931348623159e308",
                                      "9007199254740993",
                                      "+1E+2"};
    for (size_t i = 0; i < sizeof few / sizeof *few; i++) reads(few[i]);
    static char text[4000];
    for (uint64_t i = 0; i < 3000; i++) {
        const double a = fabs(random_double(i)), b = nextafter(a, 0);
        if (!isfinite(a) || a >= 0x1p1000 || a < 0x1p-1000) continue;
        snprintf(text, sizeof text, "%.800Le", ((long double)a + (long double)b) / 2); /* the exact middle */
        reads(text);
        char *point = strchr(text, 'e');
        char tail[16];
        snprintf(tail, sizeof tail, "%s", point);
        memset(point, '0', 400);
        snprintf(point + 400, sizeof tail + 1, "%s%s", i % 2 ? "1" : "0", tail);
        reads(text);
    }
    memset(text, '0', 2000);
    memcpy(text + 1500, "7e-1490", 8);
    reads(text);
    text[1] = '.';
    memcpy(text + 1500, "7e+1490", 8);
    reads(text);
    memset(text, '9', 1000);
    memcpy(text + 1000, "e-800", 6);
    reads(text);
}

static void test_refused(void) {
    static const char *const bad[] = {"",    "-",   ".",     "e5",  "1e",  "1e+",   "1 ",  " 1", "0x10", "nan",
                                      "inf", "1,5", "1.2.3", "--1", "+-1", "1e5.0", "1_0", "1f", "1e400"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        double v = 7;
        CHECK(!roma_real_read(bad[i], strlen(bad[i]), &v) && v == 7);
    }
    double v;
    CHECK(roma_real_read("12345", 2, &v) && v == 12); /* a piece of a text: no 0 ends it */
    CHECK(!roma_real_read("1\0002", 3, &v));
}

int main(void) {
    test_print();
    test_read();
    test_refused();
    return TEST_DONE();
}
