/* Draws of outputs: a quantity that is linear in one range against the triangle's own quantiles, threads, refused chips
 * and chips that cannot work, percentiles against counting, refusals. */
#include "design.h"

#include "cost/cost_int.h"

#include <math.h>

static const roma_workload usual = {.prompt = 96, .context = 256, .batch = 2, .rank = 16, .adapters = 2, .toggle = 1};

static void make_exact(roma_chip *c) {
    for (unsigned i = 0; i < ROMA_CHIP_N; i++) roma_chip_put(c, i, roma_chip_get(c, i));
}

static void set_range(roma_chip *c, unsigned i, double low, double high) {
    c->mark[i].low = low;
    c->mark[i].high = high;
}

static roma_cost_draws drawn(const design *d, uint32_t n, int threads) {
    roma_cost_draws out;
    roma_error err;
    design_need(roma_cost_draw(&out, &d->place, &usual, &(roma_cost_drawing){n, 5, threads, NULL}, &err), &err);
    return out;
}

static const double *row(const roma_cost_draws *d, unsigned quantity) { return d->v + (size_t)quantity * d->n; }

/* USD are linear in what a wafer costs: the percentiles are the triangle's. */
static void test_linear(void) {
    design d;
    design_open(&d, "roma-contract", "llama-3.2-3b", 0, 0);
    make_exact(&d.place.chip);
    const roma_cost own = design_cost(&d, &usual);
    const double low = 5000, mode = d.place.chip.wafer_usd, high = 20000, a_usd = own.usd / mode;
    set_range(&d.place.chip, ROMA_CHIP_wafer_usd, low, high);
    roma_cost_draws x = drawn(&d, 20000, 2);
    const double *v = row(&x, ROMA_DRAWN_usd);
    for (uint32_t i = 0; i < x.n; i += 997) {
        roma_chip c;
        roma_chip_draw(&c, &d.place.chip, 5, i);
        CHECK_NEAR(v[i], c.wafer_usd * a_usd, 1e-12);
    }
    CHECK(row(&x, ROMA_DRAWN_area_mm2)[17] == own.area_mm2 && row(&x, ROMA_DRAWN_ttft_ms)[18] == own.ttft_s * 1e3);
    roma_cost_percentiles p;
    roma_cost_percentiles_of(&p, x.v + (size_t)ROMA_DRAWN_usd * x.n, x.n);
    CHECK_EQ(p.n, x.n);
    /* F(v) = (v - low)2 / ((high - low) (mode - low)) below the top, 1 - (high - v)2 / ((high - low) (high - mode))
     * above */
    const double width = high - low, p5 = low + sqrt(0.05 * width * (mode - low)),
                 p50 = high - sqrt(0.5 * width * (high - mode)), p95 = high - sqrt(0.05 * width * (high - mode));
    CHECK(p.p5.low <= p5 * a_usd && p5 * a_usd <= p.p5.high && p.p5.high - p.p5.low < 0.03 * p.p5.mid);
    CHECK(p.p50.low <= p50 * a_usd && p50 * a_usd <= p.p50.high && p.p50.high - p.p50.low < 0.03 * p.p50.mid);
    CHECK(p.p95.low <= p95 * a_usd && p95 * a_usd <= p.p95.high && p.p95.high - p.p95.low < 0.03 * p.p95.mid);
    roma_cost_draws_destroy(&x);
    design_close(&d);
}

/* Each draw is the evaluation of its chip, whether or not a range moves time, on several dies too; the number of
 * threads changes nothing. */
static void test_each(void) {
    static const struct {
        const char *chip;
        uint32_t dies;
    } cases[] = {{"roma-contract", 1}, {"roma", 1}, {"roma-contract", 3}, {"mini", 1}};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        design d;
        design_open(&d, cases[k].chip, "smollm2-135m", 0, 0);
        design_dies(&d, cases[k].dies);
        roma_cost_draws one = drawn(&d, 70, 1), more = drawn(&d, 70, 3);
        CHECK_EQ(one.refused, 0);
        CHECK_BYTES((const uint8_t *)more.v, (const uint8_t *)one.v, 70 * ROMA_DRAWN_N * sizeof(double));
        CHECK_BYTES((const uint8_t *)more.misfits, (const uint8_t *)one.misfits, sizeof one.misfits);
        const roma_chip base = d.place.chip;
        for (uint32_t i = 0; i < 70; i += 9) {
            roma_chip_draw(&d.place.chip, &base, 5, i);
            const roma_cost c = design_cost(&d, &usual);
            for (unsigned q = 0; q < ROMA_DRAWN_N; q++) {
                const roma_cost_drawn *what = roma_cost_drawn_at(q);
                CHECK_NEAR(row(&one, q)[i], c.v[what->output] * what->factor, 1e-12);
            }
        }
        roma_cost_draws_destroy(&one);
        roma_cost_draws_destroy(&more);
        design_close(&d);
    }
    CHECK(roma_cost_drawn_at(ROMA_DRAWN_N) == NULL);
    CHECK_STR(roma_cost_drawn_at(ROMA_DRAWN_junction_c)->unit, "C");
}

/* rom_1k reaches above rom_2k in some draws: these are no chips. Others are too hot, or do not fit. */
static void test_refused(void) {
    design d;
    design_open(&d, "roma-contract", "llama-3.2-3b", 0, 0);
    make_exact(&d.place.chip);
    roma_chip *c = &d.place.chip;
    set_range(c, ROMA_CHIP_rom_1k, c->rom_1k, 2 * c->rom_2k);
    set_range(c, ROMA_CHIP_thermal_k_w, 0, 20);
    set_range(c, ROMA_CHIP_lunit_words, 8000, c->lunit_words);
    const double most = 105 - c->ambient_c, need = (double)d.place.rom_words;
    roma_cost_draws x = drawn(&d, 400, 2);
    uint32_t refused = 0, hot = 0, full = 0;
    for (uint32_t i = 0; i < x.n; i++) {
        roma_chip at;
        roma_chip_draw(&at, c, 5, i);
        const bool is_chip = at.rom_1k <= at.rom_2k;
        refused += !is_chip;
        CHECK(isnan(row(&x, ROMA_DRAWN_tok_s)[i]) == !is_chip);
        hot += is_chip && at.thermal_k_w * row(&x, ROMA_DRAWN_power_w)[i] > most;
        full += is_chip && at.lunit_words < need;
    }
    CHECK(refused > 20 && refused < 380 && hot > 5 && full > 5);
    CHECK_EQ(x.refused, refused);
    CHECK_EQ(x.misfits[ROMA_MISFIT_JUNCTION], hot);
    CHECK_EQ(x.misfits[ROMA_MISFIT_ROM], full);
    CHECK_EQ(x.misfits[ROMA_MISFIT_SRAM], 0);
    CHECK(strstr(x.refusal, "memory.rom_1k") && strstr(x.refusal, "memory.rom_2k"));
    roma_cost_draws_destroy(&x);
    CHECK(x.v == NULL);
    design_close(&d);
}

/* Against counting: so many values are no larger than the percentile, and one less are not as many. */
static void test_percentiles(void) {
    double v[1000], all[1000];
    roma_cost_percentiles p;
    for (size_t n = 1; n <= 1000; n += n < 60 ? 1 : 47) {
        for (size_t i = 0; i < n; i++) all[i] = v[i] = floor((double)(roma_random(n, i) % 400)) / 4;
        roma_cost_percentiles_of(&p, v, n);
        const roma_range got[] = {p.p5, p.p50, p.p95};
        const double share[] = {0.05, 0.5, 0.95};
        for (int k = 0; k < 3; k++) {
            size_t below = 0, upto = 0;
            for (size_t i = 0; i < n; i++) below += all[i] < got[k].mid, upto += all[i] <= got[k].mid;
            CHECK((double)upto >= share[k] * (double)n - 1e-9 && (double)below < share[k] * (double)n + 1e-9);
            CHECK(got[k].low <= got[k].mid && got[k].mid <= got[k].high);
        }
    }
    /* ranks of 100 values: 50 -+ 9.8 are 40 and 61, 5 -+ 4.27 none and 11 */
    for (int i = 0; i < 100; i++) v[i] = 100 - i;
    roma_cost_percentiles_of(&p, v, 100);
    CHECK(p.p5.mid == 5 && p.p50.mid == 50 && p.p95.mid == 95);
    CHECK(p.p50.low == 40 && p.p50.high == 61 && isinf(p.p5.low) && p.p5.high == 11 && isinf(p.p95.high));
    double odd[] = {3, NAN, INFINITY, 1, NAN};
    roma_cost_percentiles_of(&p, odd, 5);
    CHECK(p.n == 3 && p.p5.mid == 1 && p.p50.mid == 3 && isinf(p.p95.mid));
    roma_cost_percentiles_of(&p, odd + 3, 2);
    CHECK(p.n == 0 && isnan(p.p50.mid));
}

/* The interval holds the true percentile in 95 of 100 cases. */
static void test_intervals(void) {
    enum { TIMES = 2000, N = 300 };
    double v[N];
    int held[3] = {0};
    roma_cost_percentiles p;
    for (uint64_t k = 0; k < TIMES; k++) {
        for (uint64_t i = 0; i < N; i++) v[i] = (double)(roma_random(k + 77, i) >> 11) * 0x1p-53;
        roma_cost_percentiles_of(&p, v, N);
        held[0] += p.p5.low <= 0.05 && 0.05 < p.p5.high;
        held[1] += p.p50.low <= 0.5 && 0.5 < p.p50.high;
        held[2] += p.p95.low <= 0.95 && 0.95 < p.p95.high;
    }
    for (int k = 0; k < 3; k++) CHECK(held[k] > 0.94 * TIMES && held[k] < 0.985 * TIMES);
}

static int give_up(void *ctx, const char *what, uint64_t done, uint64_t total) {
    (void)what, (void)done, (void)total;
    return ++*(int *)ctx == 3;
}

static void test_refusals(void) {
    design d;
    roma_cost_draws x;
    roma_error err;
    int told = 0;
    design_open(&d, "roma-contract", "smollm2-135m", 0, 0);
    CHECK_EQ(roma_cost_draw(&x, &d.place, &usual, &(roma_cost_drawing){0, 0, 1, NULL}, &err), ROMA_EUSAGE);
    roma_cost_draws_destroy(&x);
    CHECK_EQ(roma_cost_draw(&x, &d.place, &usual, &(roma_cost_drawing){1000001, 0, 1, NULL}, &err), ROMA_EUSAGE);
    roma_cost_draws_destroy(&x);
    CHECK_EQ(roma_cost_draw(&x, &d.place, &usual, &(roma_cost_drawing){5, 0, 65, NULL}, &err), ROMA_EUSAGE);
    roma_cost_draws_destroy(&x);
    const roma_progress p = {give_up, &told};
    CHECK_EQ(roma_cost_draw(&x, &d.place, &usual, &(roma_cost_drawing){20000, 0, 2, &p}, &err), ROMA_ECANCEL);
    roma_cost_draws_destroy(&x);
    design_close(&d);
}

int main(void) {
    test_linear();
    test_each();
    test_refused();
    test_percentiles();
    test_intervals();
    test_refusals();
    return TEST_DONE();
}
