/* Draws of a chip's ranges: the triangle by its moments and shares, counted things, what is exact, pairs of chips. */
#include "roma/chip.h"
#include "../test.h"

#include <math.h>

static roma_chip opened(const char *name) {
    roma_chip c;
    CHECK_EQ(roma_chip_open(&c, name, NULL), 0);
    return c;
}

/* Without ranges, which take their time. */
static roma_chip exact(const char *name) {
    roma_chip c = opened(name);
    for (unsigned i = 0; i < ROMA_CHIP_N; i++) roma_chip_put(&c, i, roma_chip_get(&c, i));
    return c;
}

static void set_range(roma_chip *c, unsigned i, double low, double value, double high) {
    roma_chip_put(c, i, value);
    c->mark[i].low = low;
    c->mark[i].high = high;
}

/* Mean and variance of a triangle are (a + b + m)/3 and (a2 + b2 + m2 - ab - am - bm)/18; (m - a)/(b - a) of it lies
 * below its top. */
static void test_triangle(void) {
    enum { N = 20000 };
    static const double range[][3] = {{8, 25, 60}, {0, 0, 1}, {3, 9, 9}, {-20, 5, 45}, {1e-7, 1e-6, 5e-6}};
    roma_chip c = exact("roma"), out;
    for (size_t k = 0; k < sizeof range / sizeof *range; k++) {
        const double a = range[k][0], m = range[k][1], b = range[k][2], width = b - a;
        double sum = 0, squares = 0, below = 0, least = b, most = a;
        set_range(&c, ROMA_CHIP_ambient_c, a, m, b);
        for (uint64_t n = 0; n < N; n++) {
            roma_chip_draw(&out, &c, 7, n);
            const double v = out.ambient_c;
            CHECK(v >= a && v <= b && out.mark[ROMA_CHIP_ambient_c].low == v);
            sum += v / N;
            squares += v * v / N;
            below += v < m;
            least = fmin(least, v);
            most = fmax(most, v);
        }
        const double variance = (a * a + b * b + m * m - a * b - a * m - b * m) / 18, off = 4 / sqrt(N);
        CHECK(fabs(sum - (a + b + m) / 3) < off * sqrt(variance));
        CHECK(fabs((squares - sum * sum) / variance - 1) < 2 * off);
        CHECK(fabs(below / N - (m - a) / width) < off / 2);
        CHECK(least < a + 0.03 * width && most > b - 0.03 * width);
    }
}

/* Each of 1, 2, 3, of which 1 is the value: the triangle from 0.5 to 3.5 has 7/15, 6/15 and 2/15 of them. */
static void test_counts(void) {
    enum { N = 30000 };
    roma_chip c = exact("roma"), out;
    double share[3] = {0}, powers[7] = {0};
    set_range(&c, ROMA_CHIP_lat_add, 1, 1, 3);
    set_range(&c, ROMA_CHIP_repairs, 2, 4, 9);
    set_range(&c, ROMA_CHIP_lanes, 8, 16, 64);
    for (uint64_t n = 0; n < N; n++) {
        roma_chip_draw(&out, &c, 1, n);
        CHECK(out.lat_add >= 1 && out.lat_add <= 3 && out.lat_add == floor(out.lat_add));
        CHECK(out.repairs >= 2 && out.repairs <= 9 && out.repairs == floor(out.repairs));
        CHECK(out.lanes == 8 || out.lanes == 16 || out.lanes == 32 || out.lanes == 64);
        share[(int)out.lat_add - 1] += 1.0 / N;
        powers[(int)log2(out.lanes)] += 1.0 / N;
    }
    CHECK(fabs(share[0] - 7.0 / 15) < 0.012 && fabs(share[1] - 6.0 / 15) < 0.012 && fabs(share[2] - 2.0 / 15) < 0.01);
    for (int k = 3; k < 7; k++) CHECK(powers[k] > 0.05);
    CHECK(powers[4] > powers[3] && powers[4] > powers[5] && powers[5] > powers[6]);
}

/* The same number gives the same chip, others give others; what is exact stays, and so do choices. */
static void test_draws(void) {
    roma_chip c = opened("roma-contract"), a, b;
    unsigned moved = 0, ranged = 0;
    roma_chip_draw(&a, &c, 3, 11);
    roma_chip_draw(&b, &c, 3, 11);
    for (unsigned i = 0; i < ROMA_CHIP_N; i++) {
        CHECK(roma_chip_get(&a, i) == roma_chip_get(&b, i));
        ranged += c.mark[i].low < c.mark[i].high;
        moved += roma_chip_get(&a, i) != roma_chip_get(&c, i);
        CHECK(c.mark[i].low < c.mark[i].high || roma_chip_get(&a, i) == roma_chip_get(&c, i));
    }
    CHECK(ranged > 30 && moved == ranged);
    CHECK_STR(a.name, c.name);
    roma_chip_draw(&b, &c, 3, 12);
    CHECK(a.e_rom_fj != b.e_rom_fj);
    roma_chip_draw(&b, &c, 4, 11);
    CHECK(a.e_rom_fj != b.e_rom_fj);
}

/* Chips with the same range of a parameter draw the same value; with another one, of the same share. */
static void test_pairs(void) {
    roma_chip c = opened("roma-contract"), d = opened("roma-better"), a, b;
    set_range(&c, ROMA_CHIP_s_logic, 0, 0, 1);
    set_range(&d, ROMA_CHIP_s_logic, 0, 0, 100);
    for (uint64_t n = 0; n < 50; n++) {
        roma_chip_draw(&a, &c, 9, n);
        roma_chip_draw(&b, &d, 9, n);
        CHECK(a.e_rom_fj == b.e_rom_fj && a.ambient_c == b.ambient_c);
        CHECK(fabs(b.s_logic / a.s_logic - 100) < 1e-9);
    }
}

int main(void) {
    test_triangle();
    test_counts();
    test_draws();
    test_pairs();
    return TEST_DONE();
}
