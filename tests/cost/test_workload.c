/* Workloads: what is asked where nobody says more, and each field's limits. */
#include "roma/cost.h"
#include "../test.h"

static void test_usual(void) {
    const roma_workload usual = roma_cost_workload_usual(), bare = roma_cost_workload_bare();
    CHECK(usual.prompt == 256 && usual.context == 0 && usual.batch == 1 && usual.rank == ROMA_RANK_USUAL &&
          usual.adapters == 1 && usual.max_w == 0 && usual.toggle == 1 && !usual.defects);
    CHECK(bare.prompt == 0 && bare.context == 0 && bare.batch == 1 && bare.rank == 0 && bare.adapters == 0 &&
          bare.max_w == 0 && bare.toggle == 1 && !bare.defects);
    CHECK_EQ(roma_cost_workload_check(&usual, NULL), 0);
    CHECK_EQ(roma_cost_workload_check(&bare, NULL), 0);
}

static void check(roma_workload w, const char *field) {
    roma_error err = {0};
    CHECK_EQ(roma_cost_workload_check(&w, &err), field ? ROMA_EUSAGE : ROMA_OK);
    if (field) CHECK_EQ(strncmp(err.text, field, strlen(field)), 0);
}

static void test_limits(void) {
    static const struct {
        size_t at;
        uint32_t least, most;
        const char *field;
    } v[] = {{offsetof(roma_workload, prompt), 0, 1048576, "prompt must be 0 to 1048576"},
             {offsetof(roma_workload, context), 0, 16777216, "context must be 0 to 16777216"},
             {offsetof(roma_workload, batch), 1, 65536, "batch must be 1 to 65536"},
             {offsetof(roma_workload, rank), 0, 4096, "rank must be 0 to 4096"},
             {offsetof(roma_workload, adapters), 1, 65536, "adapters must be 1 to 65536"},
             {offsetof(roma_workload, stacked), 0, 8, "stacked must be 0 to 8"}};
    for (size_t i = 0; i < sizeof v / sizeof *v; i++)
        for (int k = 0; k < 5; k++) {
            roma_workload w = roma_cost_workload_usual();
            const uint32_t values[] = {v[i].least, v[i].most, v[i].most + 1, UINT32_MAX, v[i].least - 1};
            memcpy((char *)&w + v[i].at, &values[k], sizeof values[k]);
            check(w, k < 2 ? NULL : v[i].field);
        }
    roma_workload w = roma_cost_workload_usual();
    w.rank = w.adapters = 0;
    check(w, NULL);
    w.adapters = 7; /* of rank 0, which are none */
    check(w, NULL);
    CHECK_EQ(roma_cost_workload_set(&w), 0);
    w.rank = 1;
    CHECK_EQ(roma_cost_workload_set(&w), 1);
    w.stacked = 5;
    CHECK_EQ(roma_cost_workload_set(&w), 5);
}

static void test_reals(void) {
    static const double caps[] = {0, 1e-9, 30, -1e-9, NAN, INFINITY}, toggles[] = {1, 0.01, 2, 0, NAN, INFINITY};
    for (int k = 0; k < 6; k++) {
        roma_workload w = roma_cost_workload_usual();
        w.max_w = caps[k];
        check(w, k < 3 ? NULL : "max_w");
        w.max_w = 0;
        w.toggle = toggles[k];
        check(w, k < 3 ? NULL : "toggle");
    }
}

int main(void) {
    test_usual();
    test_limits();
    test_reals();
    return TEST_DONE();
}
