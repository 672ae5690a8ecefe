/* Knobs as text: what is refused, in which words, and that drawn values are those of the knobs. */
#include "roma/explore.h"
#include "../test.h"

static int open_with(roma_explore **x, const char *const *set, size_t n, bool only, roma_error *err) {
    const roma_explore_config c = {
        .shape = "llama-3.2-1b", .set = set, .n_set = n, .only = only, .work = roma_cost_workload_usual()};
    return roma_explore_open(x, &c, err);
}

static void test_refused(void) {
    static const struct {
        const char *knob, *says;
    } v[] = {
        {"lunit.lanes", "write KEY=LO..HI"},
        {"", "write KEY=LO..HI"},
        {"lunit.lanez=8", "did you mean lunit.lanes?"},
        {"lanes=8", "it belongs to [lunit] and [vector]"},
        {"nothing.like=8", "nothing"},
        {"model.bitz=3", "did you mean model.bits?"},
        {"model.nothing=3", "there are model.bits, model.group and model.head_bits"},
        {"model.bits=9", "a whole number from 1 to 8, not '9'"},
        {"model.bits=2.5", "a whole number from 1 to 8, not '2.5'"},
        {"model.bits=", "a whole number from 1 to 8, not ''"},
        {"model.bits=0", "from 1 to 8"},
        {"model.head_bits=9", "from 1 to 8"},
        {"model.head_bits=0", "from 1 to 8"},
        {"model.group=15", "from 16 to 256"},
        {"model.group=257", "from 16 to 256"},
        {"lunit.lanes=0..64", "lunit.lanes"},
        {"lunit.lanes=9..15", "no power of two"},
        {"model.bits=2..4", "list the values, as model.bits=2,3,4"},
        {"model.group=32..64", "list the values, as model.group=32,64,128"},
        {"rom.style=rom..brom", "list the names, as rom.style=rom,brom"},
        {"schedule.lora=beside..serial", "list the names, as schedule.lora=A,B"},
        {"lunit.lanes=16..8", "the range's low end 16 is above its high end 8"},
        {"lunit.lanes=8..", "lunit.lanes"},
        {"lunit.lanes=..8", "lunit.lanes"},
        {"lunit.lanes=8,,16", "lunit.lanes"},
        {"lunit.lanes=8,", "lunit.lanes"},
        {"lunit.lanes=0", "lunit.lanes"},
        {"lunit.lanes=1e99", "lunit.lanes"},
        {"clock.frequency=nan", "clock.frequency"},
        {"rom.style=paper", "rom.style"},
        {"lunit.lanes=1111111111111111111111111111111111111111", "no value"},
        {"clock.frequency=1e9\n", "clock.frequency"},
    };
    for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
        roma_explore *x = (roma_explore *)&x;
        roma_error err = {0};
        CHECK_EQ(open_with(&x, &v[i].knob, 1, true, &err), err.code);
        CHECK(err.code == ROMA_EUSAGE || err.code == ROMA_EINPUT);
        CHECK_HAS(err.text, v[i].says);
        CHECK(!x && !strchr(err.text, '\n'));
        CHECK_EQ(open_with(&x, &v[i].knob, 1, true, NULL), err.code);
    }
}

static void test_many(void) {
    const char *const twice[] = {"lunit.lanes=8", "lunit.lanes=8..16"};
    char list[400] = "network.link=1";
    const char *const one[] = {list};
    roma_explore *x;
    roma_error err = {0};
    CHECK_EQ(open_with(&x, twice, 2, true, &err), ROMA_EUSAGE);
    CHECK_HAS(err.text, "lunit.lanes is set twice");
    for (int i = 0; i < 63; i++) strcat(list, ",2");
    CHECK_EQ(open_with(&x, one, 1, true, &err), 0);
    roma_explore_close(x);
    strcat(list, ",3");
    CHECK_EQ(open_with(&x, one, 1, true, &err), ROMA_EUSAGE);
    CHECK_HAS(err.text, "at most 64 values");
}

static void test_model_keys(void) {
    const char *const set[] = {"model.bits=3"};
    const roma_explore_config neither = {.set = set, .n_set = 1, .work = roma_cost_workload_usual()},
                              both = {.shape = "llama-3.2-1b", .image = "x", .work = roma_cost_workload_usual()};
    roma_explore *x;
    roma_error err = {0};
    CHECK_EQ(roma_explore_open(&x, &neither, &err), ROMA_EUSAGE);
    CHECK_EQ(roma_explore_open(&x, &both, &err), ROMA_EUSAGE);
    const char *const none[] = {"model.group=48"};
    CHECK_EQ(open_with(&x, none, 1, true, &err),
             ROMA_EUNSUPPORTED); /* the only format of the space, and no tile has it */
    CHECK_HAS(err.text, "group");
    const char *const some[] = {"model.group=48,64"};
    CHECK_EQ(open_with(&x, some, 1, true, &err), 0);
    roma_explore_close(x);
}

/* The values of knobs over the first points, all of which are feasible. */
static void test_values(void) {
    static const char *const set[] = {"clock.frequency=2e8..1e9", "network.link=100..200",  "rom.depth=512,1024,2048",
                                      "hunit.exp=3..3",           "schedule.streams=1,2,4", "host.bandwidth=1e8..1e10"};
    static const unsigned key[] = {ROMA_CHIP_clock_hz,  ROMA_CHIP_link_bytes, ROMA_CHIP_rom_depth,
                                   ROMA_CHIP_hunit_exp, ROMA_CHIP_streams,    ROMA_CHIP_host_bandwidth};
    roma_explore *x;
    roma_explored e;
    roma_error err = {0};
    unsigned depths = 0, below[2] = {0};
    CHECK_EQ(open_with(&x, set, 6, true, &err), 0);
    const roma_explore_share share = {.points = 400, .size = 1, .threads = 1};
    CHECK_EQ(roma_explore_run(x, &share, &e, &err), 0);
    CHECK_EQ(e.n, 400);
    for (size_t i = 0; i < e.n; i++) {
        double v[ROMA_EXPLORE_KEYS];
        char text[32];
        double back;
        roma_explore_values(x, roma_explored_row(&e, i), v);
        CHECK(v[key[0]] >= 2e8 && v[key[0]] <= 1e9);
        snprintf(text, sizeof text, "%.3g", v[key[0]]); /* three digits, to be written down by hand */
        CHECK(roma_real_read(text, strlen(text), &back) && back == v[key[0]]);
        CHECK(v[key[1]] >= 100 && v[key[1]] <= 200);
        CHECK(v[key[2]] == 512 || v[key[2]] == 1024 || v[key[2]] == 2048);
        CHECK(v[key[3]] == 3 && (v[key[4]] == 1 || v[key[4]] == 2 || v[key[4]] == 4));
        CHECK(v[key[5]] >= 1e8 && v[key[5]] <= 1e10);
        depths |= 1u << (int)log2(v[key[2]] / 512);
        below[0] += v[key[0]] < (2e8 + 1e9) / 2;
        below[1] += v[key[5]] < 1e9;
    }
    CHECK_EQ(depths, 7);
    CHECK_NEAR(below[0], 200,
               0.02); /* even in the value, where the range's end is less than eight times its beginning */
    CHECK_NEAR(below[1], 200, 0.02); /* else in its logarithm */
    roma_explored_destroy(&e);
    roma_explore_close(x);
}

static void test_names(void) {
    char name[ROMA_EXPLORE_NAME], choice[ROMA_EXPLORE_CHOICE];
    CHECK_STR(roma_explore_key_name(ROMA_CHIP_lanes, name), "lunit.lanes");
    CHECK_STR(roma_explore_key_name(ROMA_EXPLORE_BITS, name), "model.bits");
    CHECK_STR(roma_explore_key_name(ROMA_EXPLORE_GROUP, name), "model.group");
    CHECK_STR(roma_explore_key_name(ROMA_EXPLORE_HEAD_BITS, name), "model.head_bits");
    CHECK_STR(roma_explore_choice(ROMA_CHIP_rom_style, ROMA_ROM_SRAM, choice), "sram");
    CHECK_STR(roma_explore_choice(ROMA_CHIP_rom_style, ROMA_ROM_BROM, choice), "brom");
    CHECK_STR(roma_explore_choice(ROMA_CHIP_rom_style, ROMA_ROM_DRAM, choice), "dram");
    CHECK_STR(roma_explore_choice(ROMA_CHIP_overlap, 1, choice), "on");
    CHECK(!roma_explore_choice(ROMA_CHIP_lanes, 8, choice) && !roma_explore_choice(ROMA_EXPLORE_BITS, 3, choice));
}

int main(void) {
    test_refused();
    test_many();
    test_model_keys();
    test_values();
    test_names();
    return TEST_DONE();
}
