/* Explorations: shares and threads give the same rows, a row is its chip's own evaluation, refusals come for their
 * reasons, and everything is given back. */
#include <pthread.h>
#include <unistd.h>

#include "roma/explore.h"
#include "roma/map.h"
#include "../base/scarce.h"
#include "../exec/random_model.h"
#include "../test.h"

static const char shape[] = "llama-3.2-3b";

static roma_explore *open_space(roma_explore_config c) {
    roma_explore *x;
    roma_error err = {0};
    if (!c.shape && !c.image) c.shape = shape;
    if (!c.work.batch) c.work = roma_cost_workload_usual();
    CHECK_EQ(roma_explore_open(&x, &c, &err), 0);
    return x;
}

static roma_explored run(const roma_explore *x, uint32_t points, int rank, int size, int threads) {
    const roma_explore_share share = {.points = points, .rank = rank, .size = size, .threads = threads};
    roma_explored e;
    roma_error err = {0};
    CHECK_EQ(roma_explore_run(x, &share, &e, &err), 0);
    return e;
}

static void test_shares(void) {
    roma_explore *x = open_space((roma_explore_config){.seed = 5});
    const uint32_t points = (uint32_t)test_effort(250);
    roma_explored all = run(x, points, 0, 1, 1);
    CHECK(all.n > 20 && all.n < points);
    for (int size = 1; size <= 4; size++) {
        size_t at = 0;
        uint64_t refused[ROMA_EXPLORE_REFUSALS_N] = {0};
        for (int rank = 0; rank < size; rank++) {
            roma_explored part = run(x, points, rank, size, 3);
            CHECK_EQ(part.stride, all.stride);
            CHECK(at + part.n <= all.n);
            CHECK_BYTES(part.rows, all.rows + at * all.stride, part.n * part.stride * sizeof(double));
            at += part.n;
            for (int k = 0; k < ROMA_EXPLORE_REFUSALS_N; k++) refused[k] += part.refused[k];
            roma_explored_destroy(&part);
        }
        CHECK_EQ(at, all.n);
        CHECK_BYTES(refused, all.refused, sizeof refused);
    }
    uint64_t sum = all.n;
    for (int k = 0; k < ROMA_EXPLORE_REFUSALS_N; k++) sum += all.refused[k];
    CHECK_EQ(sum, points);
    size_t serial = 0; /* lanes of both kinds are among the usual knobs */
    for (size_t i = 0; i < all.n; i++) {
        double v[ROMA_EXPLORE_KEYS];
        roma_explore_values(x, roma_explored_row(&all, i), v);
        serial += v[ROMA_CHIP_lunit_style] > 0;
    }
    CHECK(serial > all.n / 4 && serial < all.n * 3 / 4);
    CHECK_EQ(all.refused[ROMA_EXPLORE_NONE], 0);
    CHECK_EQ(all.refused[ROMA_EXPLORE_GRID], 0); /* the usual grids are powers of two, which fill their rows */
    roma_explored fewer = run(x, points * 2 / 5, 0, 1, 2); /* a point is its number */
    CHECK(fewer.n && fewer.n < all.n);
    CHECK_BYTES(fewer.rows, all.rows, fewer.n * fewer.stride * sizeof(double));
    roma_explored_destroy(&fewer);
    roma_explored none = run(x, 2, 2, 3, 1); /* two points among three: the last has none */
    CHECK_EQ(none.n, 0);
    roma_explored_destroy(&none);
    roma_explored_destroy(&all);
    roma_explore_close(x);
}

/* The model and the chip of a row, evaluated anew. */
static void check_row(const roma_explore *x, const double *row, const double *cost) {
    double v[ROMA_EXPLORE_KEYS];
    roma_chip c;
    roma_description d;
    roma_plan p;
    roma_placement at;
    roma_cost again;
    roma_schedule s = {0};
    roma_error err = {0};
    roma_range range[ROMA_COST_N];
    const roma_workload w = roma_cost_workload_usual();
    roma_explore_values(x, row, v);
    const roma_shape_format f = {(uint32_t)v[ROMA_EXPLORE_BITS], (uint32_t)v[ROMA_EXPLORE_GROUP],
                                 (uint32_t)v[ROMA_EXPLORE_HEAD_BITS]};
    roma_explore_chip(x, row, &c);
    CHECK_EQ(roma_chip_check(&c, "", &err), 0);
    CHECK_EQ(roma_shape_describe(&d, shape, &f, &err), 0);
    CHECK_EQ(roma_map_plan(&p, &d, &err), 0);
    CHECK_EQ(roma_map_place(&at, &p, &c, 1, &err), 0);
    CHECK_EQ(roma_cost_evaluate(&again, &s, &at, &w, &err), 0);
    CHECK_BYTES(again.v, cost, sizeof again.v);
    CHECK_EQ(roma_explore_ranges(x, row, range, &err), 0);
    for (int k = 0; k < ROMA_COST_N; k++)
        CHECK(range[k].mid == cost[k] && range[k].low <= cost[k] && range[k].high >= cost[k]);
    roma_schedule_destroy(&s);
    roma_place_destroy(&at);
    roma_plan_destroy(&p);
    roma_shape_destroy(&d);
}

static void test_rows(void) {
    const char *const set[] = {"model.bits=3,4", "model.head_bits=4,8"};
    roma_explore *x = open_space((roma_explore_config){.set = set, .n_set = 2});
    roma_explored e = run(x, 60, 0, 1, 2);
    size_t n;
    const unsigned *keys = roma_explore_columns(x, &n);
    CHECK_EQ(e.stride, 1 + n + ROMA_COST_N);
    for (size_t i = 0; i + 1 < n; i++) CHECK(keys[i] < keys[i + 1]);
    CHECK(e.n > 5);
    for (size_t i = 0; i < e.n; i++) {
        const double *row = roma_explored_row(&e, i);
        CHECK(i == 0 || row[0] > row[-(ptrdiff_t)e.stride]);
        if (i % 4 == 0) check_row(x, row, roma_explored_cost(&e, i));
    }
    roma_explored_destroy(&e);
    roma_explore_close(x);
}

/* What follows from what was drawn. */
static void test_derived(void) {
    const char *const set[] = {"grid.rows=9,17"};
    roma_explore *x = open_space((roma_explore_config){.set = set, .n_set = 1});
    roma_explored e = run(x, 300, 0, 1, 2);
    const roma_chip *base = roma_explore_base(x);
    size_t small = 0;
    CHECK(e.n > 0);
    CHECK_STR(base->name, "roma-contract");
    CHECK_STR(roma_explore_model(x), shape);
    CHECK(roma_explore_is_derived(x, ROMA_CHIP_matrix_units) && roma_explore_is_derived(x, ROMA_CHIP_lunit_words) &&
          roma_explore_is_derived(x, ROMA_CHIP_wafer_usd) && !roma_explore_is_derived(x, ROMA_CHIP_lanes) &&
          !roma_explore_is_derived(x, ROMA_CHIP_grid_rows));
    for (size_t i = 0; i < e.n; i++) {
        roma_chip c;
        char point[64];
        roma_explore_chip(x, roma_explored_row(&e, i), &c);
        CHECK(c.grid_rows * c.grid_columns == c.matrix_units + c.vector_units && c.vector_units == c.grid_columns);
        CHECK_REAL(c.lunit_words, roma_explored_cost(&e, i)[ROMA_COST_rom_words]);
        CHECK(c.rom_macro_words >= c.lunit_words);
        CHECK(c.overlap == 1 || c.streams == 1);
        /* macros of the base chip's 8,192 words give 64 B a cycle from 512 KiB on */
        CHECK_REAL(c.sram_depth, c.hunit_sram_bytes < 524288 ? base->sram_depth / 2 : base->sram_depth);
        small += c.hunit_sram_bytes < 524288;
        snprintf(point, sizeof point, "point %.0f of seed 0", roma_explored_row(&e, i)[0]);
        CHECK_HAS(c.mark[ROMA_CHIP_lanes].source, point);
        CHECK_HAS(c.mark[ROMA_CHIP_lanes].source, "chosen");
        CHECK_HAS(c.mark[ROMA_CHIP_lunit_words].source, "derived");
        CHECK_REAL(c.hop_cyc, base->hop_cyc);
        CHECK_STR(c.mark[ROMA_CHIP_hop_cyc].source, base->mark[ROMA_CHIP_hop_cyc].source);
    }
    CHECK(small > 0 && small < e.n);
    roma_explored_destroy(&e);
    roma_explore_close(x);
}

/* Published USD of a wafer by node, and in between along a line; the base chip's own price is for its own node. */
static double wafer(double node) {
    static const double at[][2] = {{3, 20000}, {5, 16988}, {7, 9346}, {10, 5992}, {16, 3984}, {20, 3677}, {28, 2891}};
    if (node <= 3) return 20000;
    for (size_t i = 1; i < 7; i++)
        if (node <= at[i][0]) {
            const double part = (node - at[i - 1][0]) / (at[i][0] - at[i - 1][0]);
            return at[i - 1][1] * (1 - part) + at[i][1] * part;
        }
    return 2891;
}

static void test_wafers(void) {
    const char *const set[] = {"technology.node=1,2,3,4,5,6,7,8,10,12,16,28", "lunit.lanes=16"};
    unsigned nodes = 0;
    roma_explore *x = open_space((roma_explore_config){.set = set, .n_set = 2, .only = true});
    roma_explored e = run(x, 200, 0, 1, 2);
    const roma_chip *base = roma_explore_base(x);
    for (size_t i = 0; i < e.n; i++) {
        double v[ROMA_EXPLORE_KEYS];
        roma_explore_values(x, roma_explored_row(&e, i), v);
        const double node = v[ROMA_CHIP_node_nm], usd = base->wafer_usd * wafer(node) / wafer(base->node_nm);
        CHECK(fabs(v[ROMA_CHIP_wafer_usd] - usd) <= 0.5 + 1e-6);
        nodes |= 1u << (int)node;
    }
    CHECK(__builtin_popcount(nodes) >= 10); /* the largest may not come out of a wafer */
    roma_explored_destroy(&e);
    roma_explore_close(x);
}

/* The prompt must fit too. */
static void test_prompt(void) {
    roma_explore_config c = {.work = roma_cost_workload_usual()};
    c.work.prompt = 3000;
    roma_explore *x = open_space(c), *y = open_space((roma_explore_config){0});
    roma_explored e = run(x, 150, 0, 1, 2), all = run(y, 150, 0, 1, 2);
    CHECK(e.n > 0 && e.n < all.n && e.refused[ROMA_EXPLORE_SRAM] > all.refused[ROMA_EXPLORE_SRAM]);
    for (size_t i = 0; i < e.n; i++) CHECK(roma_explored_cost(&e, i)[ROMA_COST_tokens] >= 3000);
    roma_explored_destroy(&e);
    roma_explored_destroy(&all);
    roma_explore_close(x);
    roma_explore_close(y);
}

static void test_seed(void) {
    roma_explore *a = open_space((roma_explore_config){.seed = 1}), *b = open_space((roma_explore_config){.seed = 2});
    roma_explored x = run(a, 100, 0, 1, 1), y = run(b, 100, 0, 1, 1);
    CHECK(x.n != y.n || memcmp(x.rows, y.rows, x.n * x.stride * sizeof(double)) != 0);
    roma_explored_destroy(&x);
    roma_explored_destroy(&y);
    roma_explore_close(a);
    roma_explore_close(b);
}

/* Every feasible point keeps a constraint, and a constraint refuses exactly those that do not keep it. */
static void test_constraints(void) {
    roma_explore *free_space = open_space((roma_explore_config){0});
    roma_explored all = run(free_space, 200, 0, 1, 2);
    const struct {
        roma_explore_config c;
        roma_explore_refusal why;
        unsigned output;
        double sign, limit;
    } v[] = {{{.max_mm2 = 400}, ROMA_EXPLORE_AREA, ROMA_COST_area_mm2, 1, 400},
             {{.max_w = 30}, ROMA_EXPLORE_POWER, ROMA_COST_power_w, 1, 30},
             {{.min_tok_s = 20000}, ROMA_EXPLORE_RATE, ROMA_COST_tok_s, -1, 20000},
             {{.min_context = 4000}, ROMA_EXPLORE_CONTEXT, ROMA_COST_tokens, -1, 4000}};
    for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
        roma_explore *x = open_space(v[i].c);
        roma_explored e = run(x, 200, 0, 1, 2);
        size_t keep = 0;
        for (size_t k = 0; k < all.n; k++) {
            if (v[i].sign * roma_explored_cost(&all, k)[v[i].output] > v[i].sign * v[i].limit) continue;
            CHECK(keep < e.n && roma_explored_row(&e, keep)[0] == roma_explored_row(&all, k)[0]);
            keep++;
        }
        CHECK_EQ(e.n, keep);
        CHECK(keep > 0 && keep < all.n);
        CHECK_EQ(e.refused[v[i].why], all.n - keep);
        roma_explored_destroy(&e);
        roma_explore_close(x);
    }
    roma_explored_destroy(&all);
    roma_explore_close(free_space);
}

static void test_refusals(void) {
    static const struct {
        const char *set[2]; /* one knob or two */
        roma_explore_refusal why;
    } v[] = {{{"model.group=48,64"}, ROMA_EXPLORE_FORMAT},
             {{"grid.columns=7,8"}, ROMA_EXPLORE_GRID},
             {{"rom.macro_words=1..100"}, ROMA_EXPLORE_CHIP},
             {{"hunit.sram=1000..2000"}, ROMA_EXPLORE_CHIP}, /* one macro, which does not give the bandwidth */
             {{"lunit.words=1100..1200"}, ROMA_EXPLORE_ROM},
             {{"lunit.buffer=1"}, ROMA_EXPLORE_ROM},
             {{"hunit.sram=1000..2000", "hunit.bandwidth=8"}, ROMA_EXPLORE_SRAM},
             {{"network.other_area=9e4"}, ROMA_EXPLORE_WAFER}};
    for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
        roma_explore *x = open_space((roma_explore_config){.set = v[i].set, .n_set = v[i].set[1] ? 2 : 1});
        roma_explored e = run(x, 60, 0, 1, 2);
        CHECK(e.refused[v[i].why] > 0);
        roma_explored_destroy(&e);
        roma_explore_close(x);
    }
    CHECK_STR(roma_explore_refusal_name(ROMA_EXPLORE_SRAM), "sram");
    CHECK_HAS(roma_explore_refusal_text(ROMA_EXPLORE_WAFER), "wafer");
}

/* D7 of a review of the first law: no point is offered whose macros are deeper than what they store. */
static void test_depth(void) {
    static const char *const set[] = {"rom.style=logic,brom", "rom.depth=64..65536"};
    roma_explore *x = open_space((roma_explore_config){.set = set, .n_set = 2});
    roma_explored e = run(x, 300, 0, 1, 2);
    CHECK(e.n > 20 && e.refused[ROMA_EXPLORE_CHIP] > 20);
    for (size_t i = 0; i < e.n; i++) {
        double v[ROMA_EXPLORE_KEYS];
        roma_explore_values(x, roma_explored_row(&e, i), v);
        CHECK(v[ROMA_CHIP_rom_depth] <= v[ROMA_CHIP_rom_macro_words]);
    }
    roma_explored_destroy(&e);
    roma_explore_close(x);
}

/* ---- an image ---- */

static char image[64];

static void test_image(void) {
    random_model *m = calloc(1, sizeof *m);
    roma_error err = {0};
    roma_explore *x;
    const char *const bits[] = {"model.bits=3"};
    random_model_init(m, ROMA_ARCH_LLAMA,
                      (roma_format){.bits = 4, .scale = ROMA_SCALE_F16, .min = ROMA_SCALE_F16, .group = 32}, 3);
    CHECK_EQ(random_model_write(m, image, &err), 0);
    free(m);
    x = open_space((roma_explore_config){.image = image});
    CHECK_STR(roma_explore_model(x), "random");
    size_t n;
    const unsigned *keys = roma_explore_columns(x, &n);
    for (size_t i = 0; i < n; i++) CHECK(keys[i] < ROMA_CHIP_N);
    roma_explored e = run(x, 100, 0, 1, 2);
    CHECK(e.n > 0);
    CHECK_EQ(e.refused[ROMA_EXPLORE_FORMAT], 0);
    roma_explored_destroy(&e);
    roma_explore_close(x);
    const roma_explore_config own = {.image = image, .set = bits, .n_set = 1, .work = roma_cost_workload_usual()};
    CHECK_EQ(roma_explore_open(&x, &own, &err), ROMA_EUSAGE);
    CHECK_HAS(err.text, "an image has its own format");
    const roma_explore_config gone = {.image = "/nowhere/x.roma", .work = roma_cost_workload_usual()};
    CHECK_EQ(roma_explore_open(&x, &gone, &err), ROMA_EINPUT);
    CHECK_STR(err.file, "/nowhere/x.roma");
    const roma_explore_config chip = {.image = image, .chip = "no-such", .work = roma_cost_workload_usual()};
    CHECK_EQ(roma_explore_open(&x, &chip, &err), ROMA_EINPUT);
    CHECK(!x);
    unlink(image);
}

/* ---- numbers that nobody can mean ---- */

static void test_config(void) {
    const roma_explore_config good = {.shape = shape, .work = roma_cost_workload_usual()};
    roma_explore_config bad[8];
    for (int i = 0; i < 8; i++) bad[i] = good;
    bad[0].work.batch = 0;
    bad[1].work.toggle = 0;
    bad[2].max_mm2 = NAN;
    bad[3].max_w = -1;
    bad[4].min_tok_s = INFINITY;
    bad[5].dies = 1025;
    bad[6].shape = NULL;
    bad[7].work.context = UINT32_MAX;
    for (int i = 0; i < 8; i++) {
        roma_explore *x;
        roma_error err = {0};
        CHECK_EQ(roma_explore_open(&x, &bad[i], &err), ROMA_EUSAGE);
        CHECK(!x && err.text[0]);
    }
}

static void test_bad_shares(void) {
    static const roma_explore_share bad[] = {
        {.points = 9, .size = 0, .threads = 1},
        {.points = 9, .size = -1, .threads = 1},
        {.points = 9, .rank = -1, .size = 1, .threads = 1},
        {.points = 9, .rank = 2, .size = 2, .threads = 1},
        {.points = 9, .size = 1, .threads = 0},
        {.points = 9, .size = 1, .threads = 65},
    };
    roma_explore *x = open_space((roma_explore_config){0});
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        roma_explored e;
        roma_error err = {0};
        CHECK_EQ(roma_explore_run(x, &bad[i], &e, &err), ROMA_EUSAGE);
        CHECK(err.text[0] && e.n == 0);
        roma_explored_destroy(&e);
    }
    roma_explored e = run(x, 0, 0, 1, 1);
    CHECK_EQ(e.n, 0);
    roma_explored_destroy(&e);
    roma_explore_close(x);
}

/* A knob for every key there is, fixed at the base's value, and then one more. */
static void test_all_keys(void) {
    static char text[ROMA_EXPLORE_KEYS + 1][128];
    const char *set[ROMA_EXPLORE_KEYS + 1];
    roma_chip base;
    roma_explore *x;
    roma_error err = {0};
    CHECK_EQ(roma_chip_open(&base, "roma-contract", &err), 0);
    for (unsigned i = 0; i <= ROMA_EXPLORE_KEYS; i++) {
        char name[ROMA_EXPLORE_NAME], choice[ROMA_EXPLORE_CHOICE], number[ROMA_REAL_CAP];
        const unsigned key = i < ROMA_EXPLORE_KEYS ? i : 0;
        static const double model[] = {4, 128, 4};
        const double v = key < ROMA_CHIP_N ? roma_chip_get(&base, key) : model[key - ROMA_CHIP_N];
        const char *word = roma_explore_choice(key, v, choice);
        snprintf(text[i], sizeof text[i], "%s=%s", roma_explore_key_name(key, name),
                 word ? word : roma_real_print(number, v, 0));
        set[i] = text[i];
    }
    roma_explore_config c = {
        .shape = shape, .set = set, .n_set = ROMA_EXPLORE_KEYS, .work = roma_cost_workload_usual()};
    CHECK_EQ(roma_explore_open(&x, &c, &err), 0);
    if (err.code) fprintf(stderr, "%s\n", err.text);
    roma_explored e = run(x, 3, 0, 1, 1);
    CHECK(e.n == 3 || e.n == 0); /* all the same chip */
    roma_explored_destroy(&e);
    roma_explore_close(x);
    c.n_set++;
    CHECK_EQ(roma_explore_open(&x, &c, &err), ROMA_EUSAGE);
    CHECK_HAS(err.text, "set twice");
}

/* The same format named again and again is one plan, and drawn as often as it is named. */
static void test_repeats(void) {
    char bits[300] = "model.bits=4", group[300] = "model.group=64", head[300] = "model.head_bits=8";
    for (int i = 0; i < 63; i++) strcat(bits, i % 3 ? ",4" : ",3"), strcat(group, ",64"), strcat(head, ",8");
    const char *const set[] = {bits, group, head};
    roma_explore *x = open_space((roma_explore_config){.set = set, .n_set = 3});
    roma_explored e = run(x, 80, 0, 1, 2);
    CHECK_EQ(e.refused[ROMA_EXPLORE_FORMAT], 0);
    CHECK(e.n > 5);
    roma_explored_destroy(&e);
    roma_explore_close(x);
}

/* ---- ends ---- */

static pthread_t caller;

static int cancel_at(void *ctx, const char *what, uint64_t done, uint64_t total) {
    CHECK(pthread_equal(pthread_self(), caller));
    CHECK_STR(what, "points");
    CHECK(done <= total && total == 100);
    return done >= *(const uint64_t *)ctx;
}

static void test_cancel(void) {
    roma_explore *x = open_space((roma_explore_config){0});
    static const uint64_t at[] = {1, 50, 100, 101};
    caller = pthread_self();
    for (size_t i = 0; i < 4; i++) {
        uint64_t end = at[i];
        const roma_progress p = {cancel_at, &end};
        const roma_explore_share share = {.points = 100, .size = 1, .threads = 2, .progress = &p};
        roma_explored e;
        roma_error err = {0};
        CHECK_EQ(roma_explore_run(x, &share, &e, &err), end > 100 ? ROMA_OK : ROMA_ECANCEL);
        CHECK_EQ(err.code, end > 100 ? ROMA_OK : ROMA_ECANCEL);
        roma_explored_destroy(&e);
        CHECK(!e.rows && !e.n);
        CHECK_EQ(roma_explore_run(x, &share, &e, NULL), end > 100 ? ROMA_OK : ROMA_ECANCEL);
        roma_explored_destroy(&e);
    }
    roma_explore_close(x);
    roma_explore_close(NULL);
}

/* Memory that ends anywhere is said so, and leaves nothing behind. */
static void test_scarce(void) {
    const char *const set[] = {"lunit.lanes=16,32"};
    const roma_explore_config c = {
        .shape = "llama-3.2-1b", .set = set, .n_set = 1, .only = true, .work = roma_cost_workload_usual()};
    const roma_explore_share share = {.points = 3, .size = 1, .threads = 1};
    int rc = ROMA_ENOMEM, n = 0;
    for (; rc == ROMA_ENOMEM && n < 400; n++) {
        roma_explore *x;
        roma_explored e = {0};
        roma_error err = {0};
        scarce_begin(n);
        rc = roma_explore_open(&x, &c, &err);
        if (!rc) {
            rc = roma_explore_run(x, &share, &e, &err);
            roma_explored_destroy(&e);
        }
        roma_explore_close(x);
        roma_allocator_set(NULL);
        CHECK_EQ(rc, err.code);
    }
    CHECK(rc == ROMA_OK && n > 8);
}

int main(void) {
    snprintf(image, sizeof image, "/tmp/roma-test-explore-%d.roma", (int)getpid());
    test_shares();
    test_rows();
    test_derived();
    test_wafers();
    test_prompt();
    test_seed();
    test_constraints();
    test_refusals();
    test_depth();
    test_image();
    test_config();
    test_bad_shares();
    test_all_keys();
    test_repeats();
    test_cancel();
    test_scarce();
    return TEST_DONE();
}
