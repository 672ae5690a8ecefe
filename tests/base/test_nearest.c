/* Names that were meant: slips counted by plain recursion over short words, and the rules about length. */
#include "roma/base.h"
#include "../test.h"

static unsigned least(unsigned a, unsigned b) { return a < b ? a : b; }

/* Letters added, left out or changed, and neighbours swapped, none of them touched again. */
static unsigned slips(const char *a, size_t n, const char *b, size_t m) {
    if (!n || !m) return (unsigned)(n + m);
    unsigned best = slips(a, n - 1, b, m - 1) + (a[n - 1] != b[m - 1]);
    best = least(best, slips(a, n - 1, b, m) + 1);
    best = least(best, slips(a, n, b, m - 1) + 1);
    if (n > 1 && m > 1 && a[n - 1] == b[m - 2] && a[n - 2] == b[m - 1])
        best = least(best, slips(a, n - 2, b, m - 2) + 1);
    return best;
}

static void draw(char word[8], uint64_t key, uint64_t i) {
    const uint64_t r = roma_random(key, i);
    const size_t n = 1 + r % 6;
    for (size_t k = 0; k < n; k++) word[k] = (char)('a' + (r >> (8 + 2 * k)) % 3);
    word[n] = 0;
}

static void test_random(void) {
    unsigned meant = 0;
    for (uint64_t i = 0; i < 4000; i++) {
        char a[8], b[8];
        draw(a, 1, i);
        draw(b, 2, i);
        const size_t n = strlen(a), m = strlen(b);
        const unsigned d = slips(a, n, b, m), most = n < 4 ? 1 : 2;
        const bool begins = n >= 3 && m > n && strncmp(a, b, n) == 0;
        const unsigned want = begins ? 1 : d <= most ? d : UINT32_MAX;
        CHECK_EQ(roma_slips(a, n, b), want);
        meant += want != UINT32_MAX;
    }
    CHECK(meant > 400);
}

static void test_rules(void) {
    CHECK_EQ(roma_slips("lanes", 5, "lanes"), 0);
    CHECK_EQ(roma_slips("lnaes", 5, "lanes"), 1);
    CHECK_EQ(roma_slips("", 0, "x"), 1);
    CHECK_EQ(roma_slips("frequ", 5, "frequency"), 1);
    CHECK_EQ(roma_slips("fr", 2, "frequency"), UINT32_MAX);
    CHECK_EQ(roma_slips("lanesxyz", 5, "lanes"), 0); /* n letters and no more */
    CHECK_EQ(roma_slips("la\0es", 5, "lanes"), 1);
    char word[40], name[41] = "";
    for (size_t n = 30; n < 40; n++) { /* what is too long for anybody's finger */
        memset(word, 'a', n);
        memset(name, 'a', n);
        name[n] = 'b';
        name[n + 1] = 0;
        CHECK_EQ(roma_slips(word, n, name), 1); /* a beginning, of any length */
        name[n - 1] = 'c';
        CHECK_EQ(roma_slips(word, n, name), n < 31 ? 2 : UINT32_MAX);
    }
}

static void test_list(void) {
    static const char *const names[] = {"threads", "context", "rank", "rows", "set"};
    CHECK_STR(roma_nearest("treads", names, 5), "threads");
    CHECK_STR(roma_nearest("rosw", names, 5), "rows");
    CHECK_STR(roma_nearest("con", names, 5), "context");
    CHECK_STR(roma_nearest("st", names, 5), "set");
    CHECK(!roma_nearest("nothing", names, 5) && !roma_nearest("rank", names, 0));
    static const char *const twins[] = {"bats", "cats"};
    CHECK(roma_nearest("rats", twins, 2) == twins[0]); /* the first of equals */
    CHECK(roma_nearest("cats", twins, 2) == twins[1]);
}

int main(void) {
    test_random();
    test_rules();
    test_list();
    return TEST_DONE();
}
