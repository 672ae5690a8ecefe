/* Sampling against hand-worked distributions. */
#include "roma/exec.h"
#include "../test.h"

static uint64_t scratch[1 << 12];

static int32_t pick(const roma_sampling *s, const float *l, uint32_t n, uint64_t position) {
    int32_t token = -1;
    roma_error err = {0};
    CHECK_EQ(roma_sample(s, l, n, NULL, 0, 0, position, scratch, &token, &err), 0);
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
    CHECK_EQ(roma_sample(&s, bad, 3, NULL, 0, 0, 0, scratch, &t, &err), ROMA_EINPUT);
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
    CHECK_EQ(roma_sample(&s, l, 3, recent, 3, 0, 0, scratch, &t, &err), 0);
    CHECK_EQ(t, 1);
    s.repeat_penalty = 1.2f; /* 1.667 still wins */
    CHECK_EQ(roma_sample(&s, l, 3, recent, 3, 0, 0, scratch, &t, &err), 0);
    CHECK_EQ(t, 0);
}

/* Presence once, frequency each time, of the answer's tokens alone; then biases. */
static void test_answer_penalties(void) {
    const float l[] = {2, 1.5f, 1, 0};
    const int32_t recent[] = {1, 1, 0, 0, 2}; /* the last three are the answer's */
    const roma_logit_bias ban[] = {{0, -100}, {1, -100}, {9, 100}, {-1, 100}}, lift[] = {{3, 1.9f}, {3, 0.2f}};
    const struct {
        float presence, frequency;
        const roma_logit_bias *bias;
        size_t n_bias, n_answer;
        int32_t want;
    } cases[] = {{0, 0, NULL, 0, 3, 0},       {0.4f, 0, NULL, 0, 3, 0},    {0.6f, 0, NULL, 0, 3, 1},
                 {0, 0.2f, NULL, 0, 3, 0},    {0, 0.3f, NULL, 0, 3, 1},    {2, 2, NULL, 0, 0, 0},
                 {2, 0.1f, NULL, 0, 5, 3},    {0, -2, NULL, 0, 1, 2},      {-2, 0, NULL, 0, 1, 2},
                 {0, 0, ban, 4, 0, 2},        {0, 0, lift, 2, 0, 3},       {0, 0, lift, 1, 0, 0},
                 {0.3f, 0.1f, NULL, 0, 3, 0}, {0.3f, 0.15f, NULL, 0, 3, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        roma_sampling s;
        int32_t t = -1;
        roma_sampling_default(&s);
        s.presence_penalty = cases[i].presence;
        s.frequency_penalty = cases[i].frequency;
        s.bias = cases[i].bias;
        s.n_bias = cases[i].n_bias;
        CHECK_EQ(roma_sampling_check(&s, NULL), 0);
        CHECK_EQ(roma_sample(&s, l, 4, recent, 5, cases[i].n_answer, 0, scratch, &t, NULL), 0);
        if (t != cases[i].want) TEST_FAILED("case %zu: token %d, expected %d", i, t, cases[i].want);
    }
}

/* top-p 0 keeps the best alone, min-p 1 the best and its equals. */
static void test_ends(void) {
    const float l[] = {1, 3, 2.9f, 3};
    roma_sampling s;
    roma_sampling_default(&s);
    s.temperature = 10;
    s.top_p = 0;
    for (uint64_t i = 0; i < 100; i++) CHECK_EQ(pick(&s, l, 4, i), 1);
    s.top_p = 1;
    s.min_p = 1;
    unsigned other = 0;
    for (uint64_t i = 0; i < 100; i++) {
        const int32_t t = pick(&s, l, 4, i);
        CHECK(t == 1 || t == 3);
        other += t == 3;
    }
    CHECK(other > 20 && other < 80);
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
    s.top_p = -0.01f;
    CHECK_EQ(roma_sampling_check(&s, &err), ROMA_EUSAGE);
    roma_sampling_default(&s);
    s.min_p = 1.01f;
    CHECK_EQ(roma_sampling_check(&s, &err), ROMA_EUSAGE);
    roma_sampling_default(&s);
    s.presence_penalty = 2.1f;
    CHECK_EQ(roma_sampling_check(&s, &err), ROMA_EUSAGE);
    roma_sampling_default(&s);
    s.frequency_penalty = nan;
    CHECK_EQ(roma_sampling_check(&s, &err), ROMA_EUSAGE);
    roma_sampling_default(&s);
    s.bias = &(roma_logit_bias){0, nan};
    s.n_bias = 1;
    CHECK_EQ(roma_sampling_check(&s, &err), ROMA_EUSAGE);
    roma_sampling_default(&s);
    s.repeat_penalty = 0;
    CHECK_EQ(roma_sampling_check(&s, &err), ROMA_EUSAGE);
}

/* What the mask leaves out is as if its logit were -infinity, also where it is no number or favoured by a bias. */
static void test_mask(void) {
    const float nan = roma_f32_from_bits(0x7fc00000), l[] = {9, nan, 2, 1}, worst = roma_f32_from_bits(0xff800000),
                out[] = {1, worst, 1, 1};
    const uint64_t both = 0xc, none = 0, one = 2;
    const roma_logit_bias up = {0, 100};
    const int32_t recent[] = {2};
    roma_error err = {0};
    int32_t t = -1;
    roma_sampling s;
    roma_sampling_default(&s);
    s.bias = &up;
    s.n_bias = 1;
    s.mask = &both;
    CHECK_EQ(pick(&s, l, 4, 0), 2);
    s.repeat_penalty = 3;
    CHECK_EQ(roma_sample(&s, l, 4, recent, 1, 0, 0, scratch, &t, &err), 0);
    CHECK_EQ(t, 3);
    s.temperature = 100;
    unsigned third = 0;
    for (uint64_t i = 0; i < 100; i++) {
        const int32_t drawn = pick(&s, l, 4, i);
        CHECK(drawn == 2 || drawn == 3);
        third += drawn == 3;
    }
    CHECK(third > 20 && third < 80);
    s.mask = &none;
    CHECK_EQ(roma_sample(&s, l, 4, NULL, 0, 0, 0, scratch, &t, &err), ROMA_EINPUT);
    CHECK_HAS(err.text, "may follow");
    s.mask = &one;
    CHECK_EQ(roma_sample(&s, l, 4, NULL, 0, 0, 0, scratch, &t, &err), ROMA_EINPUT);
    CHECK_HAS(err.text, "not a number");
    CHECK_EQ(roma_sample(&s, out, 4, NULL, 0, 0, 0, scratch, &t, &err), ROMA_EINPUT);
}

/* ---- logits that are not finite, and samplings at the edge of what is allowed ---- */

#define INF (1.0f / 0.0f)
#define NAN_F roma_f32_from_bits(0x7fc00000)
#define MAX 3.4028235e38f

/* The tokens that may be chosen, worked out without the sampler: bit i for token i; 0: an error. */
static uint32_t allowed(const float *l, uint32_t n, const roma_sampling *s) {
    float best = -INF;
    uint32_t set = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (l[i] != l[i]) return 0;
        if (l[i] > best) best = l[i];
    }
    for (uint32_t i = 0; i < n && best > -INF; i++) {
        const double below = l[i] == best ? 0 : (double)best - (double)l[i];
        if (below <= 19.01 * (double)s->temperature) set |= 1u << i;
    }
    return set;
}

static void check_pick(const roma_sampling *s, const float *l, uint32_t n, const int32_t *recent, size_t n_recent,
                       uint32_t set) {
    struct {
        uint64_t before[32], used[64], after[32];
    } mem;
    for (uint64_t position = 0; position < 8; position++) {
        int32_t token = -77;
        roma_error err = {0};
        memset(&mem, 0xa5, sizeof mem);
        const int rc = roma_sample(s, l, n, recent, n_recent, 0, position, mem.used, &token, &err);
        CHECK_EQ(rc, set ? ROMA_OK : ROMA_EINPUT);
        if (rc) CHECK(token == -77 && err.text[0]);
        if (!rc) CHECK(token >= 0 && (uint32_t)token < n && (set >> token & 1));
        for (int i = 0; i < 32; i++)
            if (mem.before[i] != 0xa5a5a5a5a5a5a5a5u || mem.after[i] != 0xa5a5a5a5a5a5a5a5u) CHECK(false);
    }
}

/* Every row of up to four logits out of ten values, under every combination of samplings at their limits. */
static void test_not_finite(void) {
    static const float value[] = {0, -0.0f, 1, -1, 1e-45f, MAX, -MAX, INF, -INF, 0};
    static const float temperature[] = {0, 1e-45f, 1e-30f, 0.7f, 100}, top_p[] = {1e-45f, 0.5f, 1},
                       min_p[] = {0, 1e-45f, 0.99999994f};
    static const uint32_t top_k[] = {0, 1, 2, UINT32_MAX};
    float l[4];
    for (uint32_t n = 1; n <= 4; n++)
        for (uint32_t code = 0; code < 10u * (n > 1 ? 10 : 1) * (n > 2 ? 10 : 1) * (n > 3 ? 10 : 1); code++)
            for (uint32_t k = code % 7; k<180; k += n> 2 ? 37 : 1) {
                for (uint32_t i = 0, c = code; i < n; i++, c /= 10) l[i] = c % 10 == 9 ? NAN_F : value[c % 10];
                const roma_sampling s = {.temperature = temperature[k % 5],
                                         .top_k = top_k[k / 5 % 4],
                                         .top_p = top_p[k / 20 % 3],
                                         .min_p = min_p[k / 60],
                                         .repeat_penalty = 1,
                                         .seed = k};
                CHECK_EQ(roma_sampling_check(&s, NULL), 0);
                check_pick(&s, l, n, NULL, 0, allowed(l, n, &s));
            }
}

/* Infinite logits are equally likely, whatever the temperature; the others are not drawn. */
static void test_infinite_share(void) {
    const float l[] = {INF, 3, -INF, INF, MAX, INF};
    unsigned counts[6];
    roma_sampling s;
    roma_sampling_default(&s);
    CHECK_EQ(pick(&s, l, 6, 0), 0);
    s.temperature = 0.3f;
    count(&s, l, 6, counts, 6000);
    CHECK(counts[1] == 0 && counts[2] == 0 && counts[4] == 0);
    for (int i = 0; i < 6; i++)
        if (l[i] > MAX) CHECK(counts[i] > 1800 && counts[i] < 2200);
    s.top_k = 2;
    count(&s, l, 6, counts, 100);
    CHECK(counts[0] > 20 && counts[3] > 20 && counts[0] + counts[3] == 100);
    s.top_k = 0;
    s.top_p = 0.3f;
    count(&s, l, 6, counts, 50);
    CHECK_EQ(counts[0], 50);
}

/* A penalty that leaves FP32's range stops at its end; ids that are none of the vocabulary do nothing. */
static void test_penalty_overflow(void) {
    static const float penalty[] = {0.1f, 0.5f, 1, 2, 10};
    static const float value[] = {MAX, -MAX, INF, -INF, 1, -1};
    const int32_t recent[] = {0, 1, 1, -1, INT32_MIN, INT32_MAX, 2};
    for (int p = 0; p < 5; p++)
        for (int a = 0; a < 6; a++)
            for (int t = 0; t < 3; t++) {
                const float one[] = {value[a]}, two[] = {value[a], value[a]};
                const roma_sampling s = {.temperature = (float)t, .top_p = 1, .repeat_penalty = penalty[p], .seed = 1};
                check_pick(&s, one, 1, recent, 7, value[a] > -INF);
                check_pick(&s, two, 2, recent, 7, value[a] > -INF ? 3 : 0);
            }
    const float up[] = {MAX / 2, MAX}; /* times ten, both are the largest number: a tie */
    const roma_sampling s = {.top_p = 1, .repeat_penalty = 0.1f, .seed = 1};
    int32_t token;
    CHECK_EQ(roma_sample(&s, up, 2, recent, 3, 0, 0, scratch, &token, NULL), 0);
    CHECK_EQ(token, 0);
    const float mixed[] = {MAX, INF};
    CHECK_EQ(roma_sample(&s, mixed, 2, recent, 3, 0, 0, scratch, &token, NULL), 0);
    CHECK_EQ(token, 1);
}

/* ---- a second computation ---- */

enum { MANY = 1100 }; /* some blocks, and the ends between them */
static const float *second_logits;

/* Falling logits, rising ids among equals. */
static int second_before(const void *a, const void *b) {
    const int i = *(const int *)a, j = *(const int *)b;
    const float l = second_logits[i], m = second_logits[j];
    return l != m ? (l < m ? 1 : -1) : (i > j) - (i < j);
}

static int32_t second_draw(const roma_sampling *s, const float *l, int n, uint64_t position) {
    static int id[MANY];
    static float weight[MANY];
    for (int i = 0; i < n; i++) id[i] = i;
    second_logits = l;
    qsort(id, (size_t)n, sizeof *id, second_before);
    if (s->temperature <= 0) return id[0];
    const float best = l[id[0]];
    int kept = 0, m = 0;
    float all = 0, sum = 0, run = 0;
    while (kept < n && (!s->top_k || kept < (int)s->top_k)) {
        const float x = l[id[kept]], w = x == best ? 1 : roma_exp((x - best) / s->temperature);
        if (x != best && !(best - x < 19 * s->temperature)) break;
        if (kept && w < s->min_p) break;
        weight[kept++] = w;
        all += w;
    }
    do sum += weight[m++];
    while (m < kept && sum < s->top_p * all);
    const float u = (float)(roma_random(s->seed, position) >> 40) * roma_pow2(-24) * sum;
    for (int i = 0; i < m; i++)
        if (u < (run += weight[i])) return id[i];
    return id[m - 1];
}

/* Logits of many sizes, close to each other, equal, 0 and -0, infinite; and the first that is no number is named. */
static void test_second(void) {
    static float l[MANY];
    static const float temperatures[] = {0, 0.05f, 0.7f, 1, 3, 100}, shares[] = {1, 0.9f, 0.3f};
    for (uint32_t round = 0; round < test_effort(4000); round++) {
        uint64_t at = 0;
        const uint64_t key = round + 100;
        const int n = 1 + (int)(roma_random(key, at++) % (round % 4 ? MANY : 70));
        const int kind = (int)(round % 5), nan = round % 11 ? n : (int)(roma_random(key, at++) % (uint64_t)n);
        for (int i = 0; i < n; i++) {
            const uint64_t r = roma_random(key, at++);
            l[i] = (float)(r >> 40) * roma_pow2(-19) - (kind == 1 ? 40 : 12);
            if (kind == 2) l[i] = (float)(r % 7) - 3;
            if (kind == 3 && r % 5 == 0) l[i] = r & 8 ? -0.0f : 0;
            if (kind == 4 && r % 50 == 0) l[i] = r & 64 ? -INF : r & 128 && round % 2 ? INF : MAX;
            if (i >= nan && (i == nan || r % 3 == 0)) l[i] = NAN_F;
        }
        const roma_sampling s = {.temperature = temperatures[round % 6],
                                 .top_k = round % 3 ? 0 : round % 40,
                                 .top_p = shares[round / 6 % 3],
                                 .min_p = round / 18 % 3 ? 0 : 0.02f,
                                 .repeat_penalty = 1,
                                 .seed = round};
        int32_t token = -1;
        roma_error err;
        const int rc = roma_sample(&s, l, (uint32_t)n, NULL, 0, 0, round, scratch, &token, &err);
        CHECK_EQ(rc, nan < n ? ROMA_EINPUT : 0);
        char word[32];
        snprintf(word, sizeof word, "token %d is not a number", nan);
        if (nan < n)
            CHECK_HAS(err.text, word);
        else
            CHECK_EQ(token, second_draw(&s, l, n, round));
    }
}

int main(void) {
    test_second();
    test_greedy();
    test_distribution();
    test_keyed();
    test_penalty();
    test_answer_penalties();
    test_ends();
    test_check();
    test_mask();
    test_not_finite();
    test_infinite_share();
    test_penalty_overflow();
    return TEST_DONE();
}
