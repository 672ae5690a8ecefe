/* Ranges: ordered, exact where nothing varies, right where one parameter varies; names, list and floorplan. */
#include "design.h"

#include "cost/cost_int.h"

#include <math.h>

static const roma_workload usual = {.prompt = 96, .context = 256, .batch = 2, .rank = 16, .adapters = 2, .toggle = 1};

static void ranges_of(design *d, const roma_workload *w, roma_range v[ROMA_COST_N], int dominant[ROMA_COST_N]) {
    roma_error err;
    design_need(roma_cost_ranges(v, dominant, &d->s, &d->place, w, &err), &err);
}

static void make_exact(roma_chip *c) {
    for (unsigned i = 0; i < ROMA_CHIP_N; i++) roma_chip_put(c, i, roma_chip_get(c, i));
}

static void test_exact(void) {
    design d;
    roma_range v[ROMA_COST_N];
    int dominant[ROMA_COST_N];
    design_open(&d, "roma", "llama-3.2-3b", 4, 4);
    make_exact(&d.place.chip);
    const roma_cost c = design_cost(&d, &usual);
    ranges_of(&d, &usual, v, dominant);
    for (unsigned o = 0; o < ROMA_COST_N; o++)
        CHECK(v[o].low == c.v[o] && v[o].mid == c.v[o] && v[o].high == c.v[o] && dominant[o] == -1);
    design_close(&d);
}

/* Of every builtin chip: low <= mid <= high, mid is the evaluation, a range has a dominant parameter. */
static void test_all_chips(void) {
    const char *name;
    for (unsigned i = 0; roma_chip_builtin(i, &name); i++) {
        design d;
        roma_range v[ROMA_COST_N];
        int dominant[ROMA_COST_N];
        design_open(&d, name, i % 2 ? "smollm2-135m" : "llama-3.2-1b", 0, 0);
        const roma_cost c = design_cost(&d, &usual);
        ranges_of(&d, &usual, v, dominant);
        for (unsigned o = 0; o < ROMA_COST_N; o++) {
            if (!(v[o].low <= v[o].mid && v[o].mid <= v[o].high))
                fprintf(stderr, "%s: %s\n", name, roma_cost_output_at(o)->name);
            CHECK(v[o].low <= v[o].mid && v[o].mid <= v[o].high);
            CHECK(v[o].mid == c.v[o]);
            CHECK((v[o].low < v[o].high) == (dominant[o] >= 0));
            if (dominant[o] >= 0) CHECK(d.place.chip.mark[dominant[o]].low < d.place.chip.mark[dominant[o]].high);
        }
        CHECK(d.s.n > 0 && (double)d.s.cycles <= c.decode_cyc);
        design_close(&d);
    }
}

/* With one parameter alone the range is its three evaluations: this also proves that time is kept only where it may be.
 */
static void test_one_at_a_time(void) {
    design d;
    design_open(&d, "roma", "llama-3.2-3b", 4, 4);
    const roma_chip ranged = d.place.chip;
    for (unsigned i = 0; i < ROMA_CHIP_N; i++) {
        const roma_chip_mark mark = ranged.mark[i];
        if (mark.low == mark.high) continue;
        roma_range v[ROMA_COST_N];
        int dominant[ROMA_COST_N];
        const double value = roma_chip_get(&ranged, i);
        make_exact(&d.place.chip);
        const roma_cost mid = design_cost(&d, &usual);
        roma_chip_put(&d.place.chip, i, mark.low);
        const roma_cost low = design_cost(&d, &usual);
        roma_chip_put(&d.place.chip, i, mark.high);
        const roma_cost high = design_cost(&d, &usual);
        roma_chip_put(&d.place.chip, i, value);
        d.place.chip.mark[i] = mark;
        ranges_of(&d, &usual, v, dominant);
        for (unsigned o = 0; o < ROMA_COST_N; o++) {
            const double least = fmin(mid.v[o], fmin(low.v[o], high.v[o])),
                         most = fmax(mid.v[o], fmax(low.v[o], high.v[o]));
            CHECK_NEAR(v[o].low, least, 1e-9);
            CHECK_NEAR(v[o].high, most, 1e-9);
            CHECK(dominant[o] == -1 || dominant[o] == (int)i);
        }
    }
    design_close(&d);
}

/* Two that pull one way multiply; the wider one dominates. */
static void test_two(void) {
    design d;
    roma_range v[ROMA_COST_N];
    int dominant[ROMA_COST_N];
    design_open(&d, "roma", "llama-3.2-3b", 4, 4);
    make_exact(&d.place.chip);
    const roma_cost c = design_cost(&d, &usual);
    const double factor = d.place.chip.e_factor, rom = d.place.chip.e_rom_fj;
    d.place.chip.mark[ROMA_CHIP_e_factor].low = factor / 2;
    d.place.chip.mark[ROMA_CHIP_e_factor].high = factor * 2;
    d.place.chip.mark[ROMA_CHIP_e_rom_fj].low = rom / 4;
    d.place.chip.mark[ROMA_CHIP_e_rom_fj].high = rom * 4;
    ranges_of(&d, &usual, v, dominant);
    CHECK_NEAR(v[ROMA_COST_mj_rom].low, c.mj_rom / 8, 1e-12);
    CHECK_NEAR(v[ROMA_COST_mj_rom].high, c.mj_rom * 8, 1e-12);
    CHECK_EQ(dominant[ROMA_COST_mj_rom], ROMA_CHIP_e_rom_fj);
    CHECK_EQ(dominant[ROMA_COST_mj_mac], ROMA_CHIP_e_factor);
    CHECK_EQ(dominant[ROMA_COST_area_mm2], -1);
    roma_result list = {0};
    roma_cost_result(v, dominant, &list);
    CHECK(!list.failed && list.n == ROMA_COST_N);
    CHECK_STR(roma_result_find(&list, "energy", "mj_rom")->source, "mostly from energy.rom_bit");
    CHECK_STR(roma_result_find(&list, "area", "area_mm2")->source, "");
    CHECK_STR(roma_result_find(&list, "area", "area_mm2")->unit, "mm2");
    CHECK(roma_result_find(&list, "energy", "mj_rom")->v.high == v[ROMA_COST_mj_rom].high);
    roma_result_destroy(&list);
    roma_cost_result(v, NULL, &list);
    CHECK(list.n == ROMA_COST_N);
    roma_result_destroy(&list);
    design_close(&d);
}

static void test_names(void) {
    static const char *const groups[] = {"time", "energy", "power", "area", "fit", "cost"};
    for (unsigned o = 0; o < ROMA_COST_N; o++) {
        const roma_cost_output *p = roma_cost_output_at(o);
        bool known = false;
        for (size_t g = 0; g < sizeof groups / sizeof *groups; g++) known |= strcmp(p->group, groups[g]) == 0;
        CHECK(known && p->help[0]);
    }
    CHECK_STR(roma_cost_output_at(ROMA_COST_tok_s)->name, "tok_s");
    CHECK(roma_cost_output_at(ROMA_COST_N) == NULL);
}

/* Tiles of one die add up to its area and, with what has no tile, to its power. */
static void test_floorplan(void) {
    design d;
    roma_floorplan f;
    roma_error err;
    design_open(&d, "roma", "llama-3.2-3b", 4, 4);
    const roma_workload w = usual;
    const roma_cost c = design_cost(&d, &w);
    design_need(roma_cost_floorplan(&f, &d.place, &c, &err), &err);
    double area = f.other_mm2, power = 0;
    unsigned vectors = 0;
    for (uint32_t i = 0; i < f.rows * f.columns; i++) {
        area += f.cells[i].area_mm2;
        power += f.cells[i].power_w;
        vectors += strcmp(f.cells[i].label, "vector") == 0;
    }
    CHECK(f.rows == 17 && f.columns == 16 && vectors == 16);
    for (unsigned k = 0; k < 16; k++) CHECK_STR(f.cells[8 * 16 + k].label, "vector");
    CHECK_STR(f.cells[0].label, "matrix");
    CHECK(f.cells[0].utilisation == c.use_lunit && f.cells[8 * 16].utilisation == c.use_vector);
    CHECK_NEAR(area, c.area_mm2, 1e-9);
    const double pads = d.place.chip.other_mm2 * d.place.chip.s_logic + c.mj_dram * 1e-3 * c.tok_s;
    CHECK_NEAR(power, c.power_w - pads, 1e-9);
    roma_floorplan_destroy(&f);
    /* A grid with more tiles than units has empty ones. */
    roma_chip_put(&d.place.chip, ROMA_CHIP_grid_rows, 18);
    design_need(roma_cost_floorplan(&f, &d.place, &c, &err), &err);
    CHECK_STR(f.cells[17 * 16].label, "other");
    CHECK_EQ(roma_cost_tile_unit(&d.place.chip, 17, 0), ROMA_TILE_EMPTY);
    roma_floorplan_destroy(&f);
    design_close(&d);
}

int main(void) {
    test_exact();
    test_all_chips();
    test_one_at_a_time();
    test_two();
    test_names();
    test_floorplan();
    return TEST_DONE();
}
