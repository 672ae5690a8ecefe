/* The whole test harness: a test is a function, a check prints what differed and counts. docs/testing.md says which
 * check is for what; tests/harness.sh shows that each of them fails when it must. */
#ifndef ROMA_TEST_H
#define ROMA_TEST_H
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int test_failures, test_checks;

/* How often a test of random cases repeats itself: n times, or ROMA_EFFORT percent of n where repeating is slow and
 * the plain build has done all of it. */
static inline uint32_t test_effort(uint32_t n) {
    const char *percent = getenv("ROMA_EFFORT");
    const uint64_t times = percent ? n * strtoull(percent, NULL, 10) / 100 : n;
    return times > 1 ? (uint32_t)times : 1;
}

/* Where a check stands. A check that no run reaches holds nothing: its loop was empty or its function never called, and
 * TEST_DONE says so and fails. CHECK(false) stands where nobody should come. The linker makes one table of all sites.
 */
typedef struct {
    const char *file, *condition;
    int line, reached;
} harness_site;
extern harness_site *__start_harness_sites[], *__stop_harness_sites[];
#define HARNESS_SITE(condition)                                                                                        \
    static harness_site site_ = {__FILE__, condition, __LINE__, 0};                                                    \
    static harness_site *at_site_ __attribute__((section("harness_sites"), used)) = &site_;                            \
    site_.reached = 1;                                                                                                 \
    test_checks++

/* For what never happens and is found apart from a check; a check prints with it. */
#define TEST_FAILED(...)                                                                                               \
    (test_failures++, fprintf(stderr, "%s:%d: %s: ", __FILE__, __LINE__, __func__), fprintf(stderr, __VA_ARGS__),      \
     fputc('\n', stderr))

/* The condition stands alone in its parentheses, so that compilers object to `=` in the place of `==`. */
#define CHECK(...)                                                                                                     \
    do {                                                                                                               \
        HARNESS_SITE(#__VA_ARGS__);                                                                                    \
        if (__VA_ARGS__) {                                                                                             \
        } else                                                                                                         \
            TEST_FAILED("not true: %s", #__VA_ARGS__);                                                                 \
    } while (0)

/* Any integer: its sign and its 64 bits, so that -1 and 2^64 - 1 differ, as do 2^63 and -2^63. */
typedef struct {
    bool negative;
    uint64_t bits;
} harness_integer;
static inline harness_integer harness_signed(int64_t v) { return (harness_integer){v < 0, (uint64_t)v}; }
static inline harness_integer harness_unsigned(uint64_t v) { return (harness_integer){false, v}; }
static inline bool harness_same(harness_integer a, harness_integer b) {
    return a.negative == b.negative && a.bits == b.bits;
}
static inline const char *harness_print(char out[24], harness_integer v) {
    snprintf(out, 24, v.negative ? "%" PRId64 : "%" PRIu64, v.bits);
    return out;
}
/* `+ 0` promotes, which leaves six types; an argument of any other, such as double, does not compile. */
/* clang-format off */
#define TEST_INTEGER(x)                                                                                                \
    _Generic((x) + 0, int: harness_signed, long: harness_signed, long long: harness_signed,                            \
             unsigned: harness_unsigned, unsigned long: harness_unsigned, unsigned long long: harness_unsigned)(x)
/* clang-format on */

/* Integers, which are compared as the numbers they are. Floating arguments are for CHECK_REAL. */
#define CHECK_EQ(got, want)                                                                                            \
    do {                                                                                                               \
        const harness_integer g_ = TEST_INTEGER(got), w_ = TEST_INTEGER(want);                                         \
        char shown_[2][24];                                                                                            \
        HARNESS_SITE("");                                                                                              \
        if (!harness_same(g_, w_))                                                                                     \
            TEST_FAILED("%s is %s, expected %s", #got, harness_print(shown_[0], g_), harness_print(shown_[1], w_));    \
    } while (0)

/* The same number, or NaN where NaN is wanted. -0 equals 0: who means bits compares bits. */
static inline bool harness_exact(double got, double want) { return got == want || (isnan(got) && isnan(want)); }
/* Within a share of what is wanted, which is never NaN: only infinity is near infinity, only 0 near 0. */
static inline bool harness_near(double got, double want, double share) {
    return got == want ||
           (isfinite(got) && isfinite(want) && share >= 0 && share < 1 && fabs(got - want) <= share * fabs(want));
}

#define CHECK_REAL(got, want)                                                                                          \
    do {                                                                                                               \
        const double g_ = (got), w_ = (want);                                                                          \
        HARNESS_SITE("");                                                                                              \
        if (!harness_exact(g_, w_)) TEST_FAILED("%s is %.17g, expected %.17g", #got, g_, w_);                          \
    } while (0)

#define CHECK_NEAR(got, want, share)                                                                                   \
    do {                                                                                                               \
        const double g_ = (got), w_ = (want), s_ = (share);                                                            \
        HARNESS_SITE("");                                                                                              \
        if (!harness_near(g_, w_, s_)) TEST_FAILED("%s is %.17g, expected %.17g within %g of it", #got, g_, w_, s_);   \
    } while (0)

/* No string at all, NULL, equals nothing, not even another one. */
#define CHECK_STR(got, want)                                                                                           \
    do {                                                                                                               \
        const char *g_ = (got), *w_ = (want);                                                                          \
        HARNESS_SITE("");                                                                                              \
        if (!g_ || !w_ || strcmp(g_, w_) != 0)                                                                         \
            TEST_FAILED("%s is \"%s\", expected \"%s\"", #got, g_ ? g_ : "(NULL)", w_ ? w_ : "(NULL)");                \
    } while (0)

/* A text that holds another one, as a message holds the words that matter. */
#define CHECK_HAS(text, part)                                                                                          \
    do {                                                                                                               \
        const char *g_ = (text), *w_ = (part);                                                                         \
        HARNESS_SITE("");                                                                                              \
        if (!g_ || !w_ || !*w_ || !strstr(g_, w_))                                                                     \
            TEST_FAILED("%s is \"%s\", without \"%s\"", #text, g_ ? g_ : "(NULL)", w_ ? w_ : "(NULL)");                \
    } while (0)

/* Bytes; what differs is named by its place. */
#define CHECK_BYTES(got, want, size)                                                                                   \
    do {                                                                                                               \
        const unsigned char *g_ = (const void *)(got), *w_ = (const void *)(want);                                     \
        const size_t size_ = (size);                                                                                   \
        size_t at_ = 0;                                                                                                \
        HARNESS_SITE("");                                                                                              \
        while (at_ < size_ && g_[at_] == w_[at_]) at_++;                                                               \
        if (at_ < size_) TEST_FAILED("%s[byte %zu] is %u, expected %u", #got, at_, g_[at_], w_[at_]);                  \
    } while (0)

/* What this machine cannot run; its checks need not be reached. */
static bool harness_skipped;
#define TEST_SKIP(reason) (harness_skipped = true, printf("skipped: %s\n", reason))

static inline int harness_done(const char *file) {
    const char *name = strrchr(file, '/');
    for (harness_site **s = __start_harness_sites; s < __stop_harness_sites && !harness_skipped; s++)
        if (!(*s)->reached && strcmp((*s)->condition, "false") != 0) {
            test_failures++;
            fprintf(stderr, "%s:%d: no run reaches this check\n", (*s)->file, (*s)->line);
        }
    printf("%-28s %7d checks, %d failed\n", name ? name + 1 : file, test_checks, test_failures);
    return test_failures || !test_checks;
}
/* Last line of main: return TEST_DONE(); a test without checks fails, and does not even link. */
#define TEST_DONE() harness_done(__FILE__)
#endif
