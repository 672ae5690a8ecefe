/* Chip descriptions: the shipped ones and the facts in them, writing and reading back, setting, checking, printing. */
#include "roma/chip.h"
#include "../test.h"

static roma_chip opened(const char *name) {
    roma_chip c;
    roma_error err = {0};
    CHECK_EQ(roma_chip_open(&c, name, &err), 0);
    if (err.code)
        fprintf(stderr, "%s: %s: line %llu: %s\n", name ? name : "roma", err.file, (unsigned long long)err.line,
                err.text);
    return c;
}

/* Not one memcmp: padding between fields is nobody's. */
static void check_same(const roma_chip *a, const roma_chip *b) {
    CHECK_STR(a->name, b->name);
    CHECK_STR(a->title, b->title);
    for (unsigned i = 0; i < ROMA_CHIP_N; i++) {
        const double v[] = {roma_chip_get(a, i), a->mark[i].low, a->mark[i].high};
        const double w[] = {roma_chip_get(b, i), b->mark[i].low, b->mark[i].high};
        CHECK(memcmp(v, w, sizeof v) == 0);
        CHECK(a->mark[i].quality == b->mark[i].quality);
        CHECK_STR(a->mark[i].source, b->mark[i].source);
    }
}

static void round_trip(const roma_chip *c) {
    roma_buf b = {0};
    roma_chip back;
    roma_error err = {0};
    char file[80];
    snprintf(file, sizeof file, "/nowhere/%s.chip", c->name);
    roma_chip_write(c, &b);
    CHECK(!b.failed && b.len > 5000);
    CHECK_EQ(roma_chip_read(&back, (const char *)b.data, b.len, file, &err), 0);
    if (err.code) fprintf(stderr, "line %llu: %s\n", (unsigned long long)err.line, err.text);
    check_same(c, &back);
    roma_buf_destroy(&b);
}

static void test_shipped(void) {
    const char *name, *last = "";
    unsigned n = 0;
    for (; roma_chip_builtin(n, &name); n++) {
        CHECK(strcmp(last, name) < 0);
        last = name;
        const roma_chip c = opened(name);
        CHECK_STR(c.name, name);
        CHECK(c.title[0] != 0);
        CHECK_EQ(roma_chip_check(&c, name, NULL), 0);
        for (unsigned i = 0; i < ROMA_CHIP_N; i++) CHECK(c.mark[i].source[0] && !strstr(c.mark[i].source, "/work"));
        round_trip(&c);
        /* the file is what was compiled in */
        char path[96];
        snprintf(path, sizeof path, "chips/%s.chip", name);
        roma_chip file;
        CHECK_EQ(roma_chip_open(&file, path, NULL), 0);
        check_same(&c, &file);
    }
    CHECK(n >= 6);
    CHECK(name == NULL);
    CHECK(roma_chip_builtin(n + 7, &name) == NULL);
}

/* Numbers of the paper that close, and the two readings of an L-Unit. */
static void test_facts(void) {
    const roma_chip c = opened(NULL);
    CHECK_STR(c.name, "roma");
    CHECK(c.clock_hz == 5e8 && c.mark[ROMA_CHIP_clock_hz].quality == ROMA_CHIP_STATED);
    CHECK_REAL(c.matrix_units * c.lunits, 16384);
    CHECK_REAL(c.matrix_units * c.hunit_sram_bytes, 288 << 20);
    CHECK_REAL(c.vector_units * c.vector_sram_bytes, 16 << 20);
    CHECK_REAL(roma_chip_word_bits(&c), 64);
    /* 1.86 GB */
    CHECK(c.lunit_words * 16384 * 8 > 1.855e9 && c.lunit_words * 16384 * 8 < 1.865e9);
    /* bars of the L-Unit: SRAM 59.7, ROM 36.7, B-ROM 26.0 k um2, a word of 64 bits, 16,384 of them, compute beside */
    const roma_chip reading[] = {c, opened("roma-macro")};
    for (int r = 0; r < 2; r++) {
        const roma_chip *k = &reading[r];
        const double compute = k->lanes * k->lane_um2 + k->lunit_fixed_um2, mbit = k->rom_macro_words * 64 / 1e6;
        const double rom = mbit / k->rom_8k * 1e6 * k->rom_placement,
                     sram = mbit / k->sram_8k * 1e6 * k->sram_placement;
        CHECK(sram + compute > 59.0e3 && sram + compute < 60.4e3);
        CHECK(rom + compute > 36.2e3 && rom + compute < 37.2e3);
        CHECK(rom * k->rom_tracks + compute > 25.7e3 && rom * k->rom_tracks + compute < 26.3e3);
    }
    CHECK_REAL(opened("roma-sram").rom_style, ROMA_ROM_SRAM);
    CHECK_REAL(opened("roma-rom").rom_style, ROMA_ROM_ROM);
    CHECK_REAL(opened("roma-brom").rom_style, ROMA_ROM_BROM);
    CHECK_REAL(c.rom_style, ROMA_ROM_FUSED);
}

static void test_contract_is_free_of_fits(void) {
    const roma_chip c = opened("roma-contract"), fitted = opened("roma");
    unsigned fits = 0;
    for (unsigned i = 0; i < ROMA_CHIP_N; i++) {
        const roma_chip_parameter *p = roma_chip_parameter_at(i);
        if (c.mark[i].quality == ROMA_CHIP_CALIBRATED)
            fprintf(stderr, "%s.%s is calibrated in roma-contract\n", p->section, p->key);
        CHECK(c.mark[i].quality != ROMA_CHIP_CALIBRATED);
        fits += fitted.mark[i].quality == ROMA_CHIP_CALIBRATED;
    }
    CHECK(fits >= 8);
    CHECK(c.fill_cyc == 0 && c.mac_efficiency == 1 && c.read_efficiency == 1 && c.e_factor == 1 &&
          c.kv_scale_bytes == 4);
}

static void test_table(void) {
    CHECK(roma_chip_parameter_at(ROMA_CHIP_N) == NULL);
    roma_chip c = opened(NULL);
    for (unsigned i = 0; i < ROMA_CHIP_N; i++) {
        const roma_chip_parameter *p = roma_chip_parameter_at(i);
        char name[128];
        snprintf(name, sizeof name, "%s.%s", p->section, p->key);
        CHECK_EQ(roma_chip_find(name), i); /* names are unique, fields are in their places */
        roma_chip_put(&c, i, 1000 + i);
        CHECK(roma_chip_get(&c, i) == 1000 + i && c.mark[i].low == 1000 + i && c.mark[i].high == 1000 + i);
    }
    CHECK(c.node_nm == 1000 && c.wafer_usd == 1000 + ROMA_CHIP_N - 1);
    CHECK_EQ(roma_chip_find("grid"), -1);
    CHECK_EQ(roma_chip_find("rows"), -1);
    CHECK_EQ(roma_chip_find("grid.row"), -1);
    CHECK_EQ(roma_chip_find("grid.rows "), -1);
    CHECK_EQ(roma_chip_find(""), -1);
}

static void test_set(void) {
    roma_chip c = opened(NULL);
    CHECK_EQ(roma_chip_set(&c, "lunit.lanes=32", NULL), 0);
    CHECK(c.lanes == 32 && c.mark[ROMA_CHIP_lanes].low == 32 && c.mark[ROMA_CHIP_lanes].high == 32);
    CHECK(c.mark[ROMA_CHIP_lanes].quality == ROMA_CHIP_ASSUMED);
    CHECK_STR(c.mark[ROMA_CHIP_lanes].source, "set on the command line");
    CHECK_EQ(roma_chip_set(&c, " energy.rom_bit = 9.5 [ 4 .. 1e1 ] ", NULL), 0);
    CHECK(c.e_rom_fj == 9.5 && c.mark[ROMA_CHIP_e_rom_fj].low == 4 && c.mark[ROMA_CHIP_e_rom_fj].high == 10);
    CHECK_EQ(roma_chip_set(&c, "energy.rom_bit=7 [exact]", NULL), 0);
    CHECK(c.mark[ROMA_CHIP_e_rom_fj].low == 7);
    CHECK_EQ(roma_chip_set(&c, "rom.style=dram", NULL), 0);
    CHECK(c.rom_style == ROMA_ROM_DRAM);
    CHECK_EQ(roma_chip_set(&c, "rom.gated=on", NULL), 0);
    CHECK(c.rom_gated == 1);
    roma_chip_put(&c, ROMA_CHIP_dram_bandwidth, 1e11);
    round_trip(&c);
    /* two changes make one consistent chip: the first alone is let through, and found by the check */
    roma_error err = {0};
    c = opened(NULL);
    CHECK_EQ(roma_chip_set(&c, "grid.rows=9", NULL), 0);
    CHECK_EQ(roma_chip_check(&c, "", &err), ROMA_EINPUT);
    CHECK(strstr(err.text, "9 x 16 = 144") && strstr(err.text, "256 + 16 = 272"));
    CHECK_EQ(roma_chip_set(&c, "grid.matrix_units=128", NULL), 0);
    CHECK_EQ(roma_chip_check(&c, "", &err), 0);
}

/* Ranges of powers of two are clipped to those. */
static void test_powers(void) {
    static const struct {
        const char *text;
        double low, high;
    } good[] = {{"lunit.lanes=16 [4 .. 200]", 8, 128},
                {"lunit.lanes=16 [12 .. 40]", 16, 32},
                {"lunit.lanes=8 [1 .. 8]", 8, 8},
                {"lunit.per_matrix_unit=1 [1 .. 1e9]", 1, 65536},
                {"lunit.per_matrix_unit=64 [33 .. 64]", 64, 64}};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        roma_chip c = opened(NULL);
        CHECK_EQ(roma_chip_set(&c, good[i].text, NULL), 0);
        const roma_chip_mark *m = &c.mark[strstr(good[i].text, "lanes") ? ROMA_CHIP_lanes : ROMA_CHIP_lunits];
        CHECK(m->low == good[i].low && m->high == good[i].high);
        CHECK_EQ(roma_chip_check(&c, "x", NULL), 0);
    }
    roma_chip c = opened(NULL);
    roma_error err = {0};
    roma_chip_put(&c, ROMA_CHIP_lunits, 6);
    CHECK_EQ(roma_chip_check(&c, "x", &err), ROMA_EINPUT);
    CHECK_HAS(err.text, "lunit.per_matrix_unit is 6, it must be a power of two from 1 to 65536");
    double low = 33, high = 63;
    roma_chip_clip(ROMA_CHIP_lanes, &low, &high);
    CHECK(low > high); /* none */
    low = 0.3, high = 0.7;
    roma_chip_clip(ROMA_CHIP_placement, &low, &high);
    CHECK(low == 0.3 && high == 0.7);
}

static void test_set_refused(void) {
    static const struct {
        const char *text, *said;
    } bad[] = {
        {"lunit.lanes", "write section.key=value"},
        {"", "write section.key=value"},
        {"lunit.lane=3", "did you mean lunit.lanes?"},
        {"lanes=3", "it belongs to [lunit] and [vector]"},
        {"matrix_units=3", "it belongs to [grid]"},
        {"grid.hop=3", "it belongs to [network]"},
        {"grid.=3", "its keys are rows, columns"},
        {"qqqqqqqq.qqqqqqqq=3", "`roma chip --all` lists them"},
        {"lunit.lanes=", "has no value"},
        {"lunit.lanes=0", "must lie in 8 to 128 and be a power of two"},
        {"lunit.lanes=16.5", "whole number"},
        {"lunit.lanes=24", "24 must be a power of two from 8 to 128"},
        {"lunit.lanes=256", "must lie in 8 to 128"},
        {"lunit.per_matrix_unit=48", "48 must be a power of two from 1 to 65536"},
        {"lunit.lanes=many", "'many' is not a decimal number"},
        {"lunit.lanes=16 [20 .. 30]", "below its range"},
        {"lunit.lanes=16 [2 .. 3]", "above its range"},
        {"lunit.lanes=16 [0 .. 30]", "must lie in 8 to 128 and be a power of two"},
        {"lunit.lanes=16 [", "not closed"},
        {"lunit.lanes=16 # stated: paper", "is not a decimal number"},
        {"rom.style=3", "there are sram, rom, brom, fused, logic, cell, dram"},
        {"rom.style=flash [exact]", "no choice 'flash'"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        roma_chip c = opened(NULL), before = c;
        roma_error err = {0};
        CHECK_EQ(roma_chip_set(&c, bad[i].text, &err), ROMA_EUSAGE);
        if (!strstr(err.text, bad[i].said)) fprintf(stderr, "%s: said: %s\n", bad[i].text, err.text);
        CHECK(strstr(err.text, bad[i].said) != NULL);
        check_same(&c, &before);
    }
}

static void test_parse(void) {
    double v = 0;
    CHECK(roma_chip_parse(ROMA_CHIP_clock_hz, "1.25e9", &v, NULL) == 0 && v == 1.25e9);
    CHECK(roma_chip_parse(ROMA_CHIP_clock_hz, " 2e9\t", &v, NULL) == 0 && v == 2e9);
    CHECK(roma_chip_parse(ROMA_CHIP_rom_style, "logic", &v, NULL) == 0 && v == ROMA_ROM_LOGIC);
    CHECK(roma_chip_parse(ROMA_CHIP_rom_embedding, "outside", &v, NULL) == 0 && v == 0);
    CHECK(roma_chip_parse(ROMA_CHIP_repairs, "-0", &v, NULL) == 0 && v == 0 && 1 / v > 0);
    v = 77;
    static const char *const bad[] = {"",   " ",   "1e400", "nan", "inf",         "0x10",
                                      "1e", "1,5", "1 2",   "-5",  "5e8 [exact]", "--5"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK(roma_chip_parse(ROMA_CHIP_clock_hz, bad[i], &v, NULL) == ROMA_EUSAGE && v == 77);
    CHECK_EQ(roma_chip_parse(ROMA_CHIP_N, "1", &v, NULL), ROMA_EUSAGE);
    CHECK_EQ(roma_chip_parse(ROMA_CHIP_defects_cm2, "0.15", &v, NULL), 0); /* 1/cm2 is no count */
}

/* Chips made by a program, not a file. */
static void test_check(void) {
    static const struct {
        unsigned parameter;
        double value;
        const char *said;
    } bad[] = {
        {ROMA_CHIP_clock_hz, 5, "clock.frequency is 5, it must lie in 1000000 to"},
        {ROMA_CHIP_lanes, 16.5, "it must be a whole number"},
        {ROMA_CHIP_rom_style, 2.5, "it must be a whole number"},
        {ROMA_CHIP_rom_style, 7, "it must lie in 0 to 6"},
        {ROMA_CHIP_grid_rows, 18, "18 x 16 = 288, but matrix_units + vector_units is 256 + 16 = 272"},
        {ROMA_CHIP_lunit_words, 20000, "rom.macro_words is 16384, fewer than the 20000 of lunit.words"},
        {ROMA_CHIP_rom_style, ROMA_ROM_DRAM, "dram.bandwidth is 0"},
        {ROMA_CHIP_hunit_sram_bytes, 16, "hunit.sram is 16 B, less than the 32 B"},
        {ROMA_CHIP_rom_2k, 50, "memory.rom_2k is 50, above memory.rom_4k, which is 47.1"},
        {ROMA_CHIP_sram_8k, 20, "memory.sram_4k is 23.6, above memory.sram_8k, which is 20"},
        {ROMA_CHIP_chunk_rows, 8, "schedule.block_rows is 32, above schedule.chunk_rows, which is 8"},
        {ROMA_CHIP_node_nm, 180, "technology.node is 180 nm, outside the table of nodes"},
        {ROMA_CHIP_constants_nm, 1, "technology.constants_node is 1 nm"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        roma_chip c = opened(NULL);
        roma_error err = {0};
        roma_chip_put(&c, bad[i].parameter, bad[i].value);
        CHECK_EQ(roma_chip_check(&c, "x", &err), ROMA_EINPUT);
        if (!strstr(err.text, bad[i].said)) fprintf(stderr, "said: %s\nwanted: %s\n", err.text, bad[i].said);
        CHECK(strstr(err.text, bad[i].said) != NULL);
        CHECK_EQ(err.line, 0);
    }
    roma_chip c = opened(NULL);
    c.mark[ROMA_CHIP_lanes].high = 8;
    CHECK_EQ(roma_chip_check(&c, "x", NULL), ROMA_EINPUT);
    c = opened(NULL);
    c.mark[ROMA_CHIP_lane_um2].low = -5;
    CHECK_EQ(roma_chip_check(&c, "x", NULL), ROMA_EINPUT);
    c = opened(NULL);
    c.clock_hz = 0.0 / (c.repairs * 0);
    CHECK_EQ(roma_chip_check(&c, "x", NULL), ROMA_EINPUT);
    c = opened(NULL); /* with DRAM the macro need not hold the words */
    roma_chip_put(&c, ROMA_CHIP_rom_style, ROMA_ROM_DRAM);
    roma_chip_put(&c, ROMA_CHIP_dram_bandwidth, 1e11);
    roma_chip_put(&c, ROMA_CHIP_rom_macro_words, 16);
    CHECK_EQ(roma_chip_check(&c, "x", NULL), 0);
}

static void test_print(void) {
    roma_chip c = opened(NULL);
    roma_buf b = {0};
    CHECK_EQ(roma_chip_set(&c, "energy.lane_mac=45 [25 .. 80]", NULL), 0);
    roma_chip_print(&c, &b);
    roma_buf_append(&b, "", 1);
    CHECK(!b.failed);
    const char *text = (const char *)b.data;
    CHECK(strstr(text, "[memory]") && strstr(text, "57.8") && strstr(text, "Mbit/mm2") && strstr(text, "fused"));
    CHECK(strstr(text, "[25 .. 80]") && strstr(text, "set on the command line") && strstr(text, "stated"));
    roma_buf_destroy(&b);
    snprintf(c.title, sizeof c.title, "a \"title\" with \\ and \x01");
    roma_json j = {.out = &b};
    roma_json_open(&j, NULL, '{');
    roma_chip_json(&c, &j);
    roma_json_close(&j, '}');
    roma_buf_append(&b, "", 1);
    text = (const char *)b.data;
    CHECK(strncmp(text, "{\"name\":\"roma\",\"title\":\"a \\\"title\\\" with \\\\ and \\u0001\",\"technology.node\":7,",
                  70) == 0);
    CHECK(strstr(text, "\"rom.style\":\"fused\"") && strstr(text, "\"rom.gated\":\"off\"") &&
          strstr(text, "\"clock.frequency\":5e8"));
    CHECK(strstr(text, "\"yield.wafer_cost\":9346}") != NULL);
    roma_buf_destroy(&b);
}

/* Every double must come back: awkward ones in a parameter of wide bounds. */
static void test_numbers(void) {
    static const double odd[] = {0,    1.0 / 3,  0.1,      2.0 / 3 * 1e5,      1e5, 99999.999999999985,
                                 1e-5, 4.9e-324, 1.5e-310, 12345.678901234567, 100, 65536,
                                 1e4};
    roma_chip c = opened(NULL);
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        roma_chip_put(&c, ROMA_CHIP_other_mm2, odd[i]);
        round_trip(&c);
    }
    for (unsigned i = 0; i < 300; i++) {
        roma_chip_put(&c, ROMA_CHIP_die_latency_s, (double)(roma_random(3, i) >> 11) * 0x1p-53);
        roma_chip_put(&c, ROMA_CHIP_host_bandwidth, 1 + (double)(roma_random(4, i) >> 15));
        round_trip(&c);
    }
}

int main(void) {
    test_shipped();
    test_facts();
    test_contract_is_free_of_fits();
    test_table();
    test_set();
    test_set_refused();
    test_powers();
    test_parse();
    test_check();
    test_print();
    test_numbers();
    return TEST_DONE();
}
