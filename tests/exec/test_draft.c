/* Lookup proposals: what they are, and that they never lose more than they may. Times are made up here. */
#include <math.h>

#include "exec/draft.h"
#include "../test.h"

enum { CONTEXT = 4096, ROWS = 32, MOST = 15 };

typedef struct {
    roma_arena arena;
    draft d;
    draft_cost cost;
    int32_t ids[CONTEXT];
    uint32_t n;
} bench;

static bench *begin(double slope) {
    static bench b;
    memset(&b, 0, sizeof b);
    CHECK_EQ(roma_arena_create(&b.arena, 1 << 20, NULL), 0);
    walk w = {&b.arena, 0};
    roma_draft_lay(&b.d, &w, CONTEXT);
    roma_draft_cost_lay(&b.cost, &w, ROWS);
    for (uint32_t r = 1; r <= ROWS; r++) roma_draft_cost_seen(&b.cost, r, 0.001 * (1 + slope * (r - 1)));
    roma_draft_begin(&b.d, false);
    return &b;
}

static uint32_t propose(bench *b, int32_t *out) {
    draft_load load = {1, 1, 1};
    const uint32_t k = roma_draft_propose(&b->d, &b->cost, &load, b->ids, b->n, MOST, out);
    CHECK_EQ(load.rows, 1 + k);
    return k;
}

/* Generates what `next` says, with proposals; returns the time in tokens' worth. */
static double generate(bench *b, uint32_t tokens, int32_t (*next)(const bench *b)) {
    double time = 0;
    const uint32_t end = b->n + tokens;
    while (b->n < end) {
        int32_t out[MOST];
        const uint32_t k = propose(b, out);
        uint32_t hits = 0;
        for (;; hits++) {
            const int32_t token = next(b);
            b->ids[b->n++] = token;
            if (hits == k || b->n == end || token != out[hits]) break;
        }
        const double cost = roma_draft_cost_of(&b->cost, 1 + k);
        time += cost;
        if (k)
            roma_draft_learn(&b->d, k, hits, cost - 1);
        else
            roma_draft_idle(&b->d);
    }
    return time;
}

/* What begins knows nothing: every place of the index is empty again, whatever was in it. */
static void test_begin(void) {
    bench *b = begin(0.1);
    for (uint32_t i = 0; i <= b->d.mask; i++) b->d.head[i] = 7;
    b->d.indexed = 9;
    roma_draft_begin(&b->d, true);
    for (uint32_t i = 0; i <= b->d.mask; i++) CHECK_EQ(b->d.head[i], 0);
    CHECK(b->d.indexed == 1 && b->d.doubtful);
    roma_arena_destroy(&b->arena);
}

static void test_lookup(void) {
    bench *b = begin(0.1);
    const int32_t text[] = {5, 1, 2, 3, 4, 9, 8, 1, 2, 7, 7, 5, 1, 2};
    int32_t out[MOST] = {0};
    memcpy(b->ids, text, sizeof text);
    b->n = sizeof text / sizeof *text;
    CHECK(propose(b, out) >= 2); /* 5 1 2 agrees longer than the later 1 2 */
    CHECK(out[0] == 3 && out[1] == 4);
    roma_arena_destroy(&b->arena);

    b = begin(0.1);
    for (b->n = 0; b->n < 40; b->n++)
        b->ids[b->n] = (int32_t)(b->n % 3); /* ends with 0; a repetition goes on past the end */
    const uint32_t k = propose(b, out);
    CHECK(k > 3);
    for (uint32_t i = 0; i < k; i++) CHECK_EQ(out[i], (int32_t)((40 + i) % 3));
    roma_arena_destroy(&b->arena);

    b = begin(0.1);
    for (b->n = 0; b->n < 40; b->n++) b->ids[b->n] = (int32_t)b->n;
    CHECK_EQ(propose(b, out), 0); /* nothing recurs */
    b->n = 1;
    CHECK_EQ(propose(b, out), 0);
    b->n = 2;
    CHECK_EQ(propose(b, out), 0);
    roma_arena_destroy(&b->arena);
}

/* Proposals after so many tokens that stood 100 places before as well, where nothing has been learned. */
static uint32_t first_proposals(double slope, uint32_t agreed, bool doubtful) {
    int32_t out[MOST];
    bench *b = begin(slope);
    roma_draft_begin(&b->d, doubtful);
    for (b->n = 0; b->n < 200; b->n++) b->ids[b->n] = (int32_t)b->n;
    for (uint32_t i = 0; i < agreed; i++) b->ids[b->n - 1 - i] = b->ids[b->n - 101 - i];
    const uint32_t k = propose(b, out);
    for (uint32_t i = 0; i < k; i++) CHECK_EQ(out[i], 100 + (int32_t)i);
    roma_arena_destroy(&b->arena);
    return k;
}

/* Before anything is known, 2 tokens that agree are believed to go on with 30 %, 3 or 4 with 50 %, 5 to 9 with 80 %,
 * and more with 94 %; under a temperature half as many count. As many are proposed as make tokens per time largest, if
 * that gains 3 %, and if the three tokens' worth of time in the bank pay for all of them. */
static void test_trust(void) {
    static const double slopes[] = {0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.48, 0.6, 0.75, 0.9};
    for (uint32_t agreed = 1; agreed <= 30; agreed++)
        for (size_t i = 0; i < 2 * sizeof slopes / sizeof *slopes; i++) {
            const uint32_t counted = i % 2 ? agreed / 2 : agreed;
            const double slope = slopes[i / 2], p = counted < 3 ? 0.3 : counted < 5 ? 0.5 : counted < 10 ? 0.8 : 0.94;
            double best = 1.03, tokens = 1, chance = 1;
            uint32_t want = 0;
            for (uint32_t k = 1; k <= MOST && agreed > 1; k++) {
                tokens += chance *= p;
                if (slope * k > 3 || tokens / (1 + slope * k) <= best) continue;
                best = tokens / (1 + slope * k);
                want = k;
            }
            CHECK_EQ(first_proposals(slope, agreed, i % 2), want);
        }
}

/* What is learned: each step's proposals count as they are, all before it nine tenths; of those rejected only the first
 * was a try. The bank gains what was accepted and a hundredth of each token, pays what was lost, and holds 16. Idle
 * steps lead back to the beginning by a hundredth each. */
static void test_learning(void) {
    bench *b = begin(0.3);
    draft *d = &b->d;
    double hit = 1.6, tried = 2, bank = 3;
    d->class = 2;
    for (uint32_t i = 0; i < 60; i++) {
        const uint32_t proposed = 1 + i % 7, accepted = i % (proposed + 1);
        const double lost = 0.3 * proposed;
        roma_draft_learn(d, proposed, accepted, lost);
        hit = 0.9 * hit + accepted;
        tried = 0.9 * tried + accepted + (accepted < proposed);
        bank = fmin(16, bank + accepted - lost + 0.01 * (accepted + 1));
        CHECK_NEAR((double)d->hit[2], hit, 1e-4);
        CHECK_NEAR((double)d->tried[2], tried, 1e-4);
        CHECK_NEAR((double)d->bank, bank, 1e-4);
    }
    CHECK_EQ(d->class, 2);
    CHECK_REAL(d->bank, 16); /* more was accepted than paid for */
    for (uint32_t i = 0; i < 100; i++) {
        roma_draft_idle(d);
        hit += 0.01 * (1.6 - hit);
        tried += 0.01 * (2 - tried);
    }
    CHECK_NEAR((double)d->hit[2], hit, 1e-4);
    CHECK_NEAR((double)d->tried[2], tried, 1e-4);
    CHECK_REAL(d->bank, 16);
    roma_draft_learn(d, 5, 0, 5);
    CHECK_NEAR((double)d->bank, 11.01, 1e-6);
    for (uint32_t i = 0; i < 100; i++) roma_draft_idle(d);
    CHECK_NEAR((double)d->bank, 12.01, 1e-4);
    roma_arena_destroy(&b->arena);
}

/* Pairs recur all the time and never go on as before. */
static int32_t deceive(const bench *b) { return b->n % 3 == 2 ? 1000 + (int32_t)b->n : (int32_t)(b->n % 3); }
static int32_t scramble(const bench *b) { return (int32_t)(roma_random(3, b->n) % 12); }
static int32_t quote(const bench *b) { return b->ids[b->n - 400]; }

static void test_bounds(void) {
    int32_t (*const hard[])(const bench *) = {deceive, scramble};
    for (int h = 0; h < 2; h++)
        for (double slope = 0.05; slope <= 1; slope += 0.19) {
            bench *b = begin(slope);
            for (b->n = 0; b->n < 100; b->n++) b->ids[b->n] = hard[h](b);
            const double time = generate(b, 2000, hard[h]);
            if (time > 2000 * 1.01 + 3.1)
                fprintf(stderr, "hard text %d, slope %.2f: %.1f for 2000 tokens\n", h, slope, time);
            CHECK(time <= 2000 * 1.01 + 3.1);
            roma_arena_destroy(&b->arena);
        }
}

static void test_gain(void) {
    const struct { double slope, rate; } want[] = {{0.05, 6}, {0.27, 2.5}, {0.5, 1.6}, {1, 0.99}};
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        bench *b = begin(want[i].slope);
        for (b->n = 0; b->n < 400; b->n++) b->ids[b->n] = (int32_t)(roma_random(4, b->n) % 5000);
        const double rate = 300 / generate(b, 300, quote);
        if (rate < want[i].rate) fprintf(stderr, "slope %.2f: %.2f\n", want[i].slope, rate);
        CHECK(rate >= want[i].rate);
        roma_arena_destroy(&b->arena);
    }
}

/* A text that begins to quote is noticed, also after a long time in which nothing held. */
static void test_recovery(void) {
    bench *b = begin(0.27);
    for (b->n = 0; b->n < 500; b->n++) b->ids[b->n] = deceive(b);
    generate(b, 1500, deceive);
    for (uint32_t i = 0; i < 400; i++) b->ids[b->n++] = (int32_t)(roma_random(8, i) % 5000);
    CHECK(300 / generate(b, 300, quote) > 1.8);
    roma_arena_destroy(&b->arena);
}

/* Times as they are seen: half of the way to a smaller one, a tenth of it to a larger one, which counts as twice the
 * old at most. A number of rows that was never seen costs, beside the first row, 2 and a quarter more for each, times
 * how the seen ones compare with that. */
static void test_times(void) {
    bench *b = begin(0.3);
    draft_cost *c = &b->cost;
    double t = c->time[8], one = c->time[1];
    CHECK_NEAR(t, 0.0031, 1e-9);
    roma_draft_cost_seen(c, 8, 0.0011);
    CHECK_NEAR(c->time[8], t = 0.0021, 1e-9);
    roma_draft_cost_seen(c, 8, 0.0031);
    CHECK_NEAR(c->time[8], t = 0.0022, 1e-9);
    roma_draft_cost_seen(c, 8, 100);
    CHECK_NEAR(c->time[8], t = 0.00242, 1e-9);
    CHECK_NEAR(roma_draft_cost_of(c, 8), t / one, 1e-9);
    c->time[8] = one / 2; /* never less than one row */
    CHECK_REAL(roma_draft_cost_of(c, 8), 1);
    roma_arena_destroy(&b->arena);

    static const struct { double time, scale; } seen[] = {{1.3, 0.1}, {3.25, 0.75}, {100, 2}, {0.5, 0.02}};
    for (int i = 0; i < 4; i++) { /* 5 rows: 3 beside the first */
        b = begin(0.3);
        c = &b->cost;
        memset(c->time, 0, (ROWS + 1) * sizeof *c->time);
        c->seen = false;
        c->scale = 1;
        CHECK_REAL(roma_draft_cost_of(c, 1), 1);
        CHECK_REAL(roma_draft_cost_of(c, 2), 3.25);
        CHECK_REAL(roma_draft_cost_of(c, 9), 5);
        roma_draft_cost_seen(c, 5, 1); /* alone it says nothing */
        CHECK_REAL(roma_draft_cost_of(c, 9), 5);
        roma_draft_cost_seen(c, 1, 1);
        c->time[5] = 0;
        roma_draft_cost_seen(c, 5, seen[i].time);
        CHECK_NEAR(roma_draft_cost_of(c, 9), 1 + 4 * seen[i].scale, 1e-9);
        roma_draft_cost_seen(c, 2, 1 + 2.25 * 0.5); /* later ones count a fifth */
        CHECK_NEAR(roma_draft_cost_of(c, 9), 1 + 4 * (0.8 * seen[i].scale + 0.2 * 0.5), 1e-9);
        roma_arena_destroy(&b->arena);
    }
}

/* One slow measurement does not spoil the figures. */
static void test_cost(void) {
    bench *b = begin(0.3);
    const double before = roma_draft_cost_of(&b->cost, 8);
    roma_draft_cost_seen(&b->cost, 8, 1);
    CHECK(roma_draft_cost_of(&b->cost, 8) < before * 1.2);
    for (int i = 0; i < 10; i++) roma_draft_cost_seen(&b->cost, 8, 0.0031);
    CHECK(roma_draft_cost_of(&b->cost, 8) < before * 1.02);
    roma_arena_destroy(&b->arena);
}

int main(void) {
    test_begin();
    test_lookup();
    test_trust();
    test_learning();
    test_bounds();
    test_gain();
    test_recovery();
    test_times();
    test_cost();
    return TEST_DONE();
}
