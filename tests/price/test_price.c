/* Prices: formulas by hand, what is read and refused, how many masks a style changes. tests/cli/test_price.py has every
 * figure a second time, out of docs/price.md. */
#include "price/internal.h"
#include "../test.h"

/* Two dies of 100 mm2 on a wafer of 100 mm, numbers that a pencil can follow. */
static price_case pencil(void) {
    return (price_case){{.die_mm2 = 100,
                         .yield = 0.5,
                         .tok_s = 200,
                         .ttft_s = 0.05,
                         .mj_per_token = 3,
                         .prefill_mj = 20,
                         .static_w = 0.1,
                         .wafer_usd = 1000,
                         .price_mask_set = 6e6,
                         .price_mask_count = 60,
                         .price_mask_changed = 3,
                         .price_mask_ratio = 2,
                         .price_nre_design = 1e6,
                         .price_nre_model = 1e5,
                         .price_coverage = 0.9,
                         .price_sort_s = 11,
                         .price_final_s = 20,
                         .price_tester = 0.1,
                         .price_package = 2,
                         .price_package_area = 0.01,
                         .price_package_yield = 1,
                         .price_board = 5,
                         .price_dram = 2,
                         .price_years = 2,
                         .price_busy = 0.5,
                         .price_kwh = 0.36,
                         .price_overhead = 2,
                         .price_rent_out = 50,
                         .price_rent_in = 5}};
}

static void test_formulas(void) {
    const price_fixed f = {.dies = 2, .wafer_mm = 100, .dram_gb = 3, .prompt = 40, .output = 10, .volume = 1000};
    const price_case x = pencil();
    roma_priced o;
    roma_price_evaluate(&o, &x, &f);
    /* a model's masks are a tenth of a set: 3 of 60 at twice the mean */
    CHECK_REAL(o.masks, 63);
    CHECK_REAL(o.masks_changed, 6);
    CHECK_REAL(o.nre_usd, 6e6 * 1.1 + 1e6);
    CHECK_REAL(o.respin_usd, 6e6 * 0.2 + 1e5);
    /* pi 2500/100 - pi 100/sqrt(200) = 78.5 - 22.2 */
    CHECK_REAL(o.gross_dies, 56);
    const double pass = 0.55, q = (0.5 / 0.55) * (0.5 / 0.55);
    CHECK(fabs(o.escapes - 0.05 / 0.55) < 1e-12);
    CHECK(fabs(o.silicon_usd - 2 * 1000 / (56 * pass) / q) < 1e-9);
    CHECK(fabs(o.test_usd - 0.1 * (2 * 20 + 20) / q) < 1e-9);
    CHECK(fabs(o.package_usd - 4 / q) < 1e-9);
    CHECK_REAL(o.board_usd, 11);
    /* 5 ms of prompt and 5 ms of decode a token */
    CHECK(fabs(o.served_tok_s - 100) < 1e-9);
    CHECK(fabs(o.mtokens_life - 100 * 365.25 * 86400 / 1e6) < 1e-6);
    /* 3 mJ, 2 of the prompt, 0.1 W for as long as it works: 1 mJ */
    CHECK(fabs(o.kwh_per_mtoken - 6e-3 * 1e6 / 3.6e6 * 2) < 1e-15);
    CHECK(fabs(o.rent_usd_per_mtoken - 70) < 1e-9);
    CHECK(fabs(o.gain_usd - (o.mtokens_life * (70 - o.usd_power) - o.usd_per_chip - 11)) < 1e-6);
    CHECK(o.break_even_chips * o.gain_usd >= o.nre_usd && (o.break_even_chips - 1) * o.gain_usd < o.nre_usd);
}

static void test_ends(void) {
    const price_fixed f = {.dies = 1, .wafer_mm = 100, .prompt = 0, .output = 1, .volume = 1};
    price_case x = pencil();
    roma_priced o;
    x.yield = 0;
    x.price_coverage = 1;
    roma_price_evaluate(&o, &x, &f);
    CHECK(isinf(o.usd_per_chip) && isinf(o.usd_per_mtoken) && isinf(o.break_even_chips) && o.escapes == 0);
    x = pencil();
    x.die_mm2 = 1e5;
    roma_price_evaluate(&o, &x, &f);
    CHECK(o.gross_dies == 0 && isinf(o.silicon_usd));
    x = pencil();
    x.price_mask_changed = 0;
    roma_price_evaluate(&o, &x, &f);
    CHECK(o.respin_usd == 0 && o.masks_changed == 0 && o.break_even_respin == 1);
    x.price_mask_changed = 1000; /* no more than there are */
    roma_price_evaluate(&o, &x, &f);
    CHECK(o.masks_changed == 60 && o.respin_usd == 6e6 + 1e5);
}

/* A product of two that fall and rise by turns has its ends in corners that no single direction finds. */
static void test_corners(void) {
    const price_fixed f = {.dies = 1, .wafer_mm = 300, .prompt = 0, .output = 1, .volume = 1};
    price_case at[3] = {pencil(), pencil(), pencil()};
    const char *name[PRICE_CASE_N] = {"die"}, *dominant[ROMA_PRICED_N];
    roma_range r[ROMA_PRICED_N];
    at[0].price_mask_count = at[0].price_mask_changed = 40; /* of which the smaller counts */
    at[1].price_mask_count = at[1].price_mask_changed = 50;
    at[2].price_mask_count = at[2].price_mask_changed = 60;
    roma_price_corners(r, dominant, at, name, &f);
    CHECK(r[ROMA_PRICED_masks_changed].low == 40 && r[ROMA_PRICED_masks_changed].high == 60);
    CHECK(r[ROMA_PRICED_board_usd].low == r[ROMA_PRICED_board_usd].high && !dominant[ROMA_PRICED_board_usd]);
}

static void test_usual(void) {
    static const struct {
        int style;
        double changed;
    } v[] = {{ROMA_ROM_SRAM, 0},  {ROMA_ROM_ROM, 1},  {ROMA_ROM_BROM, 2}, {ROMA_ROM_FUSED, 2},
             {ROMA_ROM_LOGIC, 0}, {ROMA_ROM_CELL, 3}, {ROMA_ROM_DRAM, 0}};
    static roma_chip c;
    roma_prices p;
    roma_error err;
    CHECK_EQ(roma_chip_open(&c, NULL, &err), 0);
    for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
        c.rom_style = v[i].style;
        roma_prices_usual(&p, &c);
        CHECK(p.value[ROMA_PRICE_mask_changed] ==
              (v[i].style == ROMA_ROM_LOGIC ? p.value[ROMA_PRICE_mask_count] : v[i].changed));
    }
    for (double nm = 2; nm < 200; nm *= 1.1) { /* every value within its range and its bounds, and said from where */
        c.node_nm = nm;
        roma_prices_usual(&p, &c);
        for (unsigned i = 0; i < ROMA_PRICE_N; i++) {
            const roma_price_parameter *q = roma_price_parameter_at(i);
            CHECK(p.mark[i].low <= p.value[i] && p.value[i] <= p.mark[i].high && p.mark[i].source[0]);
            CHECK(q->min <= p.mark[i].low && p.mark[i].high <= q->max);
        }
    }
    CHECK(!roma_price_parameter_at(ROMA_PRICE_N) && !roma_price_output_help(ROMA_PRICED_N));
}

static void test_read(void) {
    static const char text[] = "use.kwh = 0.5 [0.4 .. 0.6] # measured: a bill\n; no\n\n mask.set=5 [exact]# stated: x";
    static const char *const bad[] = {
        "use.kwh",        "=1",      "use.kwh=", "use.kwh=1x", "use.kwh=-1", "use.kwh=1 [0 .. 0.5]", "use.kwh=1 [",
        "use.kwh=1 [..]", "usekwh=1"};
    roma_prices p = {0};
    roma_error err;
    CHECK_EQ(roma_prices_read(&p, text, sizeof text - 1, "f", &err), 0);
    CHECK(p.value[ROMA_PRICE_kwh] == 0.5 && p.mark[ROMA_PRICE_kwh].low == 0.4 && p.value[ROMA_PRICE_mask_set] == 5);
    CHECK_STR(p.mark[ROMA_PRICE_kwh].source, "a bill");
    CHECK_EQ(roma_prices_read(&p, "", 0, "f", &err), 0);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CHECK_EQ(roma_prices_set(&p, bad[i], &err), ROMA_EUSAGE);
        CHECK_EQ(roma_prices_read(&p, bad[i], strlen(bad[i]), "f", &err), ROMA_EINPUT);
    }
    CHECK(p.value[ROMA_PRICE_kwh] == 0.5);
}

int main(void) {
    test_formulas();
    test_ends();
    test_corners();
    test_usual();
    test_read();
    return TEST_DONE();
}
