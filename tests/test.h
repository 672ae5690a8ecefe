/* The whole test harness: a test is a function, a check prints what differed and counts. */
#ifndef ROMA_TEST_H
#define ROMA_TEST_H
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int test_failures, test_checks;

#define CHECK(cond)                                                                                                    \
    do {                                                                                                               \
        test_checks++;                                                                                                 \
        if (!(cond)) {                                                                                                 \
            test_failures++;                                                                                           \
            fprintf(stderr, "%s:%d: %s: not true: %s\n", __FILE__, __LINE__, __func__, #cond);                         \
        }                                                                                                              \
    } while (0)

#define CHECK_EQ(got, want)                                                                                            \
    do {                                                                                                               \
        long long g_ = (long long)(got), w_ = (long long)(want);                                                       \
        test_checks++;                                                                                                 \
        if (g_ != w_) {                                                                                                \
            test_failures++;                                                                                           \
            fprintf(stderr, "%s:%d: %s: %s is %lld, expected %lld\n", __FILE__, __LINE__, __func__, #got, g_, w_);     \
        }                                                                                                              \
    } while (0)

#define CHECK_STR(got, want)                                                                                           \
    do {                                                                                                               \
        const char *g_ = (got), *w_ = (want);                                                                          \
        test_checks++;                                                                                                 \
        if (strcmp(g_, w_) != 0) {                                                                                     \
            test_failures++;                                                                                           \
            fprintf(stderr, "%s:%d: %s: \"%s\", expected \"%s\"\n", __FILE__, __LINE__, __func__, g_, w_);             \
        }                                                                                                              \
    } while (0)

/* Last line of main: return TEST_DONE(); a test without checks fails. */
#define TEST_DONE()                                                                                                    \
    (printf("%-28s %7d checks, %d failed\n", strrchr(__FILE__, '/') ? strrchr(__FILE__, '/') + 1 : __FILE__,           \
            test_checks, test_failures),                                                                               \
     test_failures || !test_checks)
#endif
