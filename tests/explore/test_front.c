/* The Pareto front against one found by comparing all pairs, on rows of small whole numbers, so that ties abound. */
#include "roma/explore.h"
#include "../base/scarce.h"
#include "../test.h"

enum { STRIDE = 1 + ROMA_COST_N, ROWS = 300 };

static const unsigned objective[] = {ROMA_COST_tok_s, ROMA_COST_area_mm2, ROMA_COST_mj_per_token, ROMA_COST_usd};

/* Smaller is better. */
static double loss(const roma_explored *e, size_t row, int k) {
    const double v = roma_explored_cost(e, row)[objective[k]];
    return k ? v : -v;
}

static bool beats(const roma_explored *e, size_t a, size_t b, int n) {
    bool better = false;
    for (int k = 0; k < n; k++) {
        if (loss(e, a, k) > loss(e, b, k)) return false;
        better |= loss(e, a, k) < loss(e, b, k);
    }
    return better;
}

static bool is_on(const roma_explored *e, size_t row, int n) {
    for (size_t i = 0; i < e->n; i++)
        if (beats(e, i, row, n)) return false;
    return true;
}

static void draw(roma_explored *e, uint64_t seed, unsigned values) {
    e->stride = STRIDE;
    e->n = 1 + roma_random(seed, 999) % ROWS;
    for (size_t i = 0; i < e->n; i++) {
        double *row = e->rows + i * STRIDE;
        row[0] = (double)i;
        for (int k = 0; k < 4; k++) row[1 + objective[k]] = 1 + (double)(roma_random(seed, i * 4 + (size_t)k) % values);
    }
}

/* How far a row is from the best of all four, each on a logarithmic scale over the front. */
static double distance(const roma_explored *e, const roma_front *f, size_t row) {
    double sum = 0;
    for (int k = 0; k < 4; k++) {
        double least = INFINITY, most = -INFINITY;
        for (size_t i = 0; i < e->n; i++)
            if (f->on[i]) {
                const double v = log(roma_explored_cost(e, i)[objective[k]]);
                least = fmin(least, v);
                most = fmax(most, v);
            }
        const double v = log(roma_explored_cost(e, row)[objective[k]]);
        const double from_best = k ? v - least : most - v;
        if (most > least) sum += from_best / (most - least) * (from_best / (most - least));
    }
    return sum;
}

static void check_ends(const roma_explored *e, const roma_front *f) {
    for (int k = 0; k < 4; k++)
        for (size_t i = 0; i < e->n; i++) CHECK(loss(e, f->end[k], k) <= loss(e, i, k));
    for (int k = 0; k < ROMA_FRONT_ENDS; k++) CHECK(f->on[f->end[k]]);
    const double knee = distance(e, f, f->end[ROMA_FRONT_KNEE]);
    for (size_t i = 0; i < e->n; i++)
        if (f->on[i]) CHECK(knee <= distance(e, f, i) * (1 + 1e-12));
}

static void test_random(void) {
    roma_explored e = {.rows = calloc(ROWS, STRIDE * sizeof(double))};
    roma_front f;
    roma_error err;
    for (uint64_t seed = 0; seed < 60; seed++) {
        draw(&e, seed, seed % 3 ? 5 : 40);
        CHECK_EQ(roma_front_create(&f, &e, &err), 0);
        size_t n = 0;
        for (size_t i = 0; i < e.n; i++) {
            CHECK_EQ(f.on[i], is_on(&e, i, 4));
            CHECK_EQ(f.on_plane[i], is_on(&e, i, 2));
            n += f.on[i];
        }
        CHECK_EQ(f.n, n);
        check_ends(&e, &f);
        roma_front_destroy(&f);
        CHECK(!f.on && !f.n);
        roma_front_destroy(&f);
    }
    free(e.rows);
}

static void test_names(void) {
    static const char *const names[] = {"fastest", "smallest", "least-energy", "cheapest", "knee"};
    for (int k = 0; k < ROMA_FRONT_ENDS; k++) CHECK_STR(roma_front_end_name((roma_front_end)k), names[k]);
}

static void test_scarce(void) {
    roma_explored e = {.rows = calloc(ROWS, STRIDE * sizeof(double))};
    roma_front f;
    roma_error err;
    int n = 0, rc = ROMA_ENOMEM;
    draw(&e, 1, 9);
    for (; rc && n < 20; n++) {
        scarce_begin(n);
        rc = roma_front_create(&f, &e, &err);
        roma_allocator_set(NULL);
        CHECK(rc == ROMA_OK || (rc == ROMA_ENOMEM && !f.on && !f.on_plane && !f.n));
        roma_front_destroy(&f);
    }
    CHECK_EQ(n, 5); /* after four refusals */
    free(e.rows);
}

int main(void) {
    test_random();
    test_names();
    test_scarce();
    return TEST_DONE();
}
