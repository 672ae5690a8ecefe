/* roma_answer_carry against texts put together anew: what it gives spells the prompt, begins with what was known as far
 * as both can, and keeps everything behind. */
#include "tiny.h"

enum { LONG = 512 };

static roma_answer *a;

static size_t spell(const int32_t *ids, size_t n, char *out) {
    size_t len = 0;
    for (size_t i = 0; i < n; i++)
        len += roma_token_bytes(roma_answer_tokenizer(a), ids[i], true, out + len, ROMA_TOKEN_BYTES_MAX);
    return len;
}

/* The tokens of a text, some of them split into those of their parts. */
static size_t split(const char *text, uint64_t seed, int32_t *out) {
    const size_t len = strlen(text);
    size_t n = 0;
    for (size_t i = 0; i < len;) {
        size_t part = 1 + (size_t)(roma_random(seed, i) % 6), m = 0;
        if (part > len - i) part = len - i;
        CHECK_EQ(
            roma_tokenize(roma_answer_tokenizer(a), text + i, part, ROMA_TEXT_CONTINUE, out + n, LONG - n, &m, NULL),
            0);
        n += m;
        i += part;
    }
    return n;
}

static size_t whole(const char *text, int32_t *out) {
    size_t n = 0;
    CHECK_EQ(roma_tokenize(roma_answer_tokenizer(a), text, strlen(text), ROMA_TEXT_CONTINUE | ROMA_TEXT_SPECIAL, out,
                           LONG, &n, NULL),
             0);
    return n;
}

/* Carries `known` into the prompt of a text; *n ids, the test's. */
static int32_t *carried(const int32_t *known, size_t n_known, const char *text, size_t *n) {
    int32_t *ids = roma_alloc_array(LONG, sizeof *ids);
    CHECK(ids != NULL);
    *n = whole(text, ids);
    CHECK_EQ(roma_answer_carry(a, known, n_known, &ids, n, NULL), 0);
    return ids;
}

static void check_one(const int32_t *known, size_t n_known, const char *text, size_t same) {
    static char one[LONG * 64], other[LONG * 64];
    int32_t plain[LONG];
    size_t n;
    int32_t *ids = carried(known, n_known, text, &n);
    const size_t n_plain = whole(text, plain);
    CHECK_EQ(spell(ids, n, one), spell(plain, n_plain, other));
    CHECK(memcmp(one, other, spell(plain, n_plain, other)) == 0);
    CHECK(same <= n && memcmp(ids, known, same * sizeof *ids) == 0);
    roma_free(ids);
}

static void test_random(void) {
    static const char text[] = "Once upon a time there was a dog named Milo, who loved his red ball very much.";
    char longer[256];
    int32_t known[LONG];
    for (uint64_t seed = 0; seed < 200; seed++) {
        const size_t n = split(text, seed, known);
        snprintf(longer, sizeof longer, "%s<|im_end|>\n<|im_start|>user\nAnd then?", text);
        check_one(known, n, text, n);
        check_one(known, n, longer, n); /* what follows is a control token: both end there */
        check_one(known, 0, text, 0);
        check_one(known, n, "Twice upon a time", 0);
    }
}

/* Of a text that goes on within a word the last tokens may belong together: what is known holds up to a common end. */
static void test_within(void) {
    int32_t known[LONG];
    const size_t n = whole("Once upon a ti", known);
    check_one(known, n, "Once upon a time", 0);
    check_one(known, n, "On", 0);
    const int32_t control[] = {roma_tokenizer_vocab(roma_answer_tokenizer(a))->eos};
    check_one(control, 1, "Once", 0);
}

int main(void) {
    tiny_make();
    a = tiny_open((roma_answer_config){.threads = 1});
    if (a) {
        test_random();
        test_within();
    }
    roma_answer_close(a);
    tiny_remove();
    return TEST_DONE();
}
