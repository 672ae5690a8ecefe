/* Comparisons: a chip with itself, a chip of which one constant differs, kinds of pairs, refused pairs, refusals. */
#include "roma/compare.h"
#include "../test.h"

#include <math.h>

static roma_compare_config asked(const char *a, const char *b, uint32_t n) {
    roma_compare_config c = {.work = roma_cost_workload_usual(), .drawing = {.n = n, .seed = 2, .threads = 2}};
    c.chip[0] = c.chip[1] = (roma_design_config){.shape = "llama-3.2-1b"};
    c.chip[0].chip = a;
    c.chip[1].chip = b;
    return c;
}

static void need(roma_compare *x, const roma_compare_config *c) {
    roma_error err;
    const int rc = roma_compare_open(x, c, &err);
    if (rc) TEST_FAILED("%s", err.text);
    if (rc) exit(1);
}

/* All that spreads is the same in both. */
static void test_itself(void) {
    static roma_compare x;
    const roma_compare_config c = asked("roma-contract", "roma-contract", 80);
    need(&x, &c);
    CHECK_EQ(x.pairs, 80);
    for (unsigned i = 0; i < ROMA_DRAWN_N; i++) {
        const roma_compare_quantity *q = &x.quantity[i];
        CHECK(q->value[0] == q->value[1] && q->less == 0);
        if (i == ROMA_DRAWN_junction_c)
            CHECK(q->ratio.n == 0 && isnan(q->ratio.p50.mid));
        else
            CHECK(q->ratio.p5.mid == 1 && q->ratio.p95.mid == 1);
    }
    for (unsigned i = 0; i < ROMA_CHIP_N; i++) CHECK(x.pair[i] == ROMA_PAIR_EXACT || x.pair[i] == ROMA_PAIR_SHARED);
    CHECK(x.draws[0].v[ROMA_DRAWN_usd * 80] != x.draws[0].v[ROMA_DRAWN_usd * 80 + 1]);
    roma_compare_close(&x);
}

/* A wafer of 1.5 times the cost, in value and range, makes each pair's chip 1.5 times as dear, although the cost of the
 * wafer and the yield spread; 1.5 times the cost without a range does not. */
static void test_one(void) {
    static roma_compare x;
    static const char *const ranged[] = {"yield.wafer_cost=15000 [12000 .. 24000]"},
                             *const dearer[] = {"yield.wafer_cost=22500 [18000 .. 36000]"},
                             *const exact[] = {"yield.wafer_cost=22500"};
    roma_compare_config c = asked("roma-contract", "roma-contract", 200);
    c.chip[0].set = ranged;
    c.chip[1].set = dearer;
    c.chip[0].n_set = c.chip[1].n_set = 1;
    need(&x, &c);
    CHECK(x.pair[ROMA_CHIP_wafer_usd] == ROMA_PAIR_ALIKE && x.pair[ROMA_CHIP_defects_cm2] == ROMA_PAIR_SHARED);
    CHECK_NEAR(x.quantity[ROMA_DRAWN_usd].ratio.p5.mid, 1.5, 1e-12);
    CHECK_NEAR(x.quantity[ROMA_DRAWN_usd].ratio.p95.mid, 1.5, 1e-12);
    CHECK_NEAR(x.quantity[ROMA_DRAWN_usd].value[1] / x.quantity[ROMA_DRAWN_usd].value[0], 1.5, 1e-12);
    roma_compare_close(&x);
    c.chip[1].set = exact;
    need(&x, &c);
    const roma_compare_quantity *q = &x.quantity[ROMA_DRAWN_usd];
    CHECK(x.pair[ROMA_CHIP_wafer_usd] == ROMA_PAIR_ONLY_A);
    CHECK(q->ratio.p5.mid < 1.1 && q->ratio.p95.mid > 1.45); /* 22500 over 24000 to 12000 */
    CHECK(q->less == 0 || q->ratio.p5.low < 1);
    roma_compare_close(&x);
    const roma_compare_config turned = {.chip = {c.chip[1], c.chip[0]}, .work = c.work, .drawing = c.drawing};
    need(&x, &turned);
    CHECK(x.pair[ROMA_CHIP_wafer_usd] == ROMA_PAIR_ONLY_B);
    roma_compare_close(&x);
}

/* Draws that are no chip on one side are no pair. */
static void test_refused(void) {
    static roma_compare x;
    static const char *const wide[] = {"memory.rom_1k=21.6 [21.6 .. 50]"}; /* rom_2k is 34.4 */
    roma_compare_config c = asked("roma-contract", "roma-contract", 150);
    c.chip[1].set = wide;
    c.chip[1].n_set = 1;
    need(&x, &c);
    CHECK(x.draws[0].refused == 0 && x.draws[1].refused > 10 && x.draws[1].refused < 140);
    CHECK_EQ(x.pairs, 150 - x.draws[1].refused);
    CHECK_EQ(x.quantity[ROMA_DRAWN_tok_s].ratio.n, x.pairs);
    roma_compare_close(&x);
}

static void test_refusals(void) {
    static roma_compare x;
    roma_error err;
    roma_compare_config c = asked("roma", "no-such-chip", 10);
    CHECK_EQ(roma_compare_open(&x, &c, &err), ROMA_EINPUT);
    c = asked("roma", "roma-contract", 0);
    CHECK_EQ(roma_compare_open(&x, &c, &err), ROMA_EUSAGE);
    c = asked("roma", "roma-contract", 10);
    c.work.batch = 0;
    CHECK_EQ(roma_compare_open(&x, &c, &err), ROMA_EUSAGE);
    c = asked("roma", "roma-contract", 10);
    c.chip[0].shape = c.chip[1].shape = NULL;
    CHECK_EQ(roma_compare_open(&x, &c, &err), ROMA_EUSAGE);
    CHECK(x.design[0].desc == NULL);
    roma_compare_close(&x);
}

int main(void) {
    test_itself();
    test_one();
    test_refused();
    test_refusals();
    return TEST_DONE();
}
