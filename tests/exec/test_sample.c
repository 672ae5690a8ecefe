/* Sampling against hand-worked distributions. */
#include "roma/exec.h"
#include "../test.h"

static uint64_t scratch[1 << 12];

static int32_t pick(const roma_sampling *s, const float *l, uint32_t n, uint64_t position) {
    int32_t token = -1;
    roma_error err = {0};
    CHECK_EQ(roma_sample(s, l, n, NULL, 0, position, scratch, &token, &err), 0);
    return token;
}

static void count(const roma_sampling *s, const float *l, uint32_t n, unsigned counts[], unsigned draws) {
    memset(counts, 0, n * sizeof *counts);
    for (unsigned i = 0; i < draws; i++) counts[pick(s, l, n, i)]++;
}

static void test_greedy(void) {
    roma_sampling s;
    roma_sampling_default(&s);
    const float l[] = {1, 7, 7, -3};
    CHECK_EQ(pick(&s, l, 4, 0), 1); /* ties to the lowest id */

    float bad[] = {1, 0, 2};
    bad[1] = roma_f32_from_bits(0x7fc00000);
    int32_t t;
    roma_error err = {0};
    CHECK_EQ(roma_sample(&s, bad, 3, NULL, 0, 0, scratch, &t, &err), ROMA_EINTERNAL);
}

static void test_distribution(void) {
    /* probabilities 0.5, 0.3, 0.15, 0.05 as logits ln p + 3, in shuffled ids */
    const float l[] = {3 - 1.8971200f, 3 - 0.6931472f, 3 - 2.9957323f, 3 - 1.2039728f};
    const double p[] = {0.15, 0.5, 0.05, 0.3};
    unsigned counts[4];
    roma_sampling s;
    roma_sampling_default(&s);
    s.temperature = 1;
    s.seed = 42;
    count(&s, l, 4, counts, 20000);
    for (int i = 0; i < 4; i++) CHECK(counts[i] > 20000 * p[i] * 0.93 - 20 && counts[i] < 20000 * p[i] * 1.07 + 20);
    s.top_k = 2; /* 0.5 and 0.3 remain: 5/8, 3/8 */
    count(&s, l, 4, counts, 20000);
    CHECK(counts[0] == 0 && counts[2] == 0 && counts[1] > 12100 && counts[1] < 12900);
    s.top_k = 0;
    s.top_p = 0.75f; /* 0.5 + 0.3 reach it */
    count(&s, l, 4, counts, 20000);
    CHECK(counts[0] == 0 && counts[2] == 0 && counts[1] > 12100 && counts[1] < 12900);
    s.top_p = 1;
    s.min_p = 0.2f; /* of 0.5: 0.1; the 0.05 goes */
    count(&s, l, 4, counts, 20000);
    CHECK(counts[2] == 0 && counts[0] > 0);
    s.min_p = 0;
    s.temperature = 0.01f;
    count(&s, l, 4, counts, 100);
    CHECK_EQ(counts[1], 100);
}

static void test_keyed(void) {
    float l[64];
    for (int i = 0; i < 64; i++) l[i] = (float)(i % 7) * 0.3f;
    roma_sampling s;
    roma_sampling_default(&s);
    s.temperature = 1;
    unsigned same = 0, other = 0;
    for (uint64_t i = 0; i < 200; i++) {
        s.seed = 1;
        const int32_t a = pick(&s, l, 64, i), b = pick(&s, l, 64, i);
        s.seed = 2;
        same += a == b;
        other += a == pick(&s, l, 64, i);
    }
    CHECK_EQ(same, 200);
    CHECK(other < 40);
}

static void test_penalty(void) {
    const float l[] = {2, 1.5f, -1};
    const int32_t recent[] = {0, 0, 2};
    roma_sampling s;
    roma_sampling_default(&s);
    s.repeat_penalty = 2; /* 2 -> 1: token 1 wins; applied once though it occurs twice */
    int32_t t;
    roma_error err = {0};
    CHECK_EQ(roma_sample(&s, l, 3, recent, 3, 0, scratch, &t, &err), 0);
    CHECK_EQ(t, 1);
    s.repeat_penalty = 1.2f; /* 1.667 still wins */
    CHECK_EQ(roma_sample(&s, l, 3, recent, 3, 0, scratch, &t, &err), 0);
    CHECK_EQ(t, 0);
}

static void test_check(void) {
    roma_sampling s;
    roma_error err = {0};
    const float nan = roma_f32_from_bits(0x7fc00000);
    roma_sampling_default(&s);
    CHECK_EQ(roma_sampling_check(&s, &err), 0);
    s.temperature = nan;
    CHECK_EQ(roma_sampling_check(&s, &err), ROMA_EUSAGE);
    roma_sampling_default(&s);
    s.top_p = 0;
    CHECK_EQ(roma_sampling_check(&s, &err), ROMA_EUSAGE);
    roma_sampling_default(&s);
    s.min_p = 1;
    CHECK_EQ(roma_sampling_check(&s, &err), ROMA_EUSAGE);
    roma_sampling_default(&s);
    s.repeat_penalty = 0;
    CHECK_EQ(roma_sampling_check(&s, &err), ROMA_EUSAGE);
}

int main(void) {
    test_greedy();
    test_distribution();
    test_keyed();
    test_penalty();
    test_check();
    return TEST_DONE();
}
