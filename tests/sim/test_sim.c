/* Simulations: figures and views against the calls of cost that they are made of, and what is refused. */
#include <math.h>
#include <unistd.h>

#include "roma/sim.h"
#include "../base/scarce.h"
#include "../exec/random_model.h"
#include "../test.h"

static roma_sim_config asked(const char *shape) {
    roma_sim_config c = {.design = {.shape = shape}, .work = roma_cost_workload_usual()};
    return c;
}

static void open_sim(roma_sim *s, const roma_sim_config *c) {
    roma_error err = {0};
    CHECK_EQ(roma_sim_open(s, c, &err), 0);
    if (err.code) fprintf(stderr, "%s\n", err.text);
}

static void test_figures(void) {
    roma_sim s;
    roma_sim_figures f, plain;
    roma_cost cost;
    roma_error err;
    const roma_sim_config c = asked("llama-3.2-3b");
    open_sim(&s, &c);
    CHECK_EQ(roma_sim_evaluate(&s, true, &f, &err), 0);
    CHECK_EQ(roma_sim_evaluate(&s, false, &plain, &err), 0);
    CHECK_EQ(roma_cost_evaluate(&cost, &s.schedule, &s.design.place, &c.work, &err), 0);
    CHECK_BYTES(f.cost.v, cost.v, sizeof cost.v);
    bool wide = false;
    for (int k = 0; k < ROMA_COST_N; k++) {
        CHECK(f.range[k].mid == cost.v[k] && f.range[k].low <= cost.v[k] && f.range[k].high >= cost.v[k]);
        CHECK(plain.range[k].low == cost.v[k] && plain.range[k].high == cost.v[k] && plain.dominant[k] == -1);
        CHECK((f.dominant[k] >= 0) <= (f.range[k].low < f.range[k].high));
        wide |= f.range[k].low < f.range[k].high && f.dominant[k] >= 0;
    }
    CHECK(wide);
    roma_sim_close(&s);
    CHECK(!s.design.desc && !s.schedule.instances);
    roma_sim_close(&s);
}

/* Cycles of one decode step of n sequences. */
static double step(roma_sim *s, uint64_t context, uint32_t n) {
    roma_error err;
    roma_cost_span span[4];
    const roma_cost_adapter usual = {.rank = 16};
    for (uint32_t i = 0; i < n; i++) span[i] = (roma_cost_span){context, 1, 1, 1, &usual};
    CHECK_EQ(roma_cost_step(&s->schedule, &s->design.place, span, n, &err), 0);
    return (double)s->schedule.cycles;
}

static void test_latency(void) {
    enum { PROMPT = 63, OUTPUT = 21 }; /* the third step has a page more than the second */
    roma_sim s;
    roma_sim_request r;
    roma_error err;
    const roma_sim_config c = asked("llama-3.2-1b");
    open_sim(&s, &c);
    const double clock = s.design.place.chip.clock_hz;
    double us[OUTPUT - 1], all = 0;
    CHECK_EQ(roma_cost_prefill(&s.schedule, &s.design.place, 0, PROMPT, &(roma_cost_adapter){.rank = 16}, 1, &err), 0);
    const double first = (double)s.schedule.cycles / clock;
    for (int i = 0; i < OUTPUT - 1; i++) all += us[i] = step(&s, PROMPT + (uint64_t)i, 1) / clock * 1e6;
    CHECK_EQ(roma_sim_latency(&s, PROMPT, OUTPUT, &r, &err), 0);
    CHECK(r.prompt == PROMPT && r.output == OUTPUT);
    CHECK_REAL(r.ttft_ms, first * 1e3);
    CHECK_NEAR(r.tok_s, OUTPUT / (first + all * 1e-6), 1e-12);
    /* steps take longer with a longer cache, so they are sorted: the nearest rank of 20 at 0.5 is the tenth */
    CHECK_REAL(r.p50_us, us[9]);
    CHECK_REAL(r.p99_us, us[19]);
    CHECK_EQ(roma_sim_latency(&s, PROMPT, 1, &r, &err), 0);
    CHECK(r.p50_us == 0 && r.p99_us == 0);
    CHECK_NEAR(r.tok_s, 1 / first, 1e-12);
    CHECK_EQ(roma_sim_latency(&s, PROMPT, 2, &r, &err), 0);
    CHECK(r.p50_us == us[0] && r.p99_us == us[0]);
    CHECK_EQ(roma_sim_latency(&s, PROMPT, 3, &r, &err), 0);
    CHECK(r.p50_us == us[0] && r.p99_us == us[1] && us[0] < us[1]);
    roma_sim_close(&s);
}

static void test_curve(void) {
    roma_sim s;
    roma_sim_point p[ROMA_SIM_POINTS];
    roma_cost cost;
    roma_error err;
    roma_sim_config c = asked("llama-3.2-3b");
    c.work.batch = 2;
    open_sim(&s, &c);
    CHECK_EQ(roma_sim_curve(&s, 1600, p, &err), 0);
    for (uint32_t i = 0; i < ROMA_SIM_POINTS; i++) {
        roma_workload w = c.work;
        w.prompt = w.context = 100 * i;
        CHECK_EQ(p[i].context, w.context);
        CHECK_EQ(roma_cost_evaluate(&cost, &s.schedule, &s.design.place, &w, &err), 0);
        CHECK(p[i].tok_s == cost.tok_s && p[i].mj_per_token == cost.mj_per_token && p[i].power_w == cost.power_w);
        CHECK_REAL(p[i].ttft_ms, cost.ttft_s * 1e3);
    }
    roma_sim_close(&s);
}

/* One capacity: what the SRAM holds for each sequence, or the model's own context. Points of a curve are marked by it,
 * requests beyond it refused. */
static void test_capacity(void) {
    static const struct {
        const char *shape;
        uint32_t batch, adapters;
        bool is_model;
    } v[] = {{"llama-3.2-3b", 1, 1, false},
             {"llama-3.2-3b", 3, 2, false},
             {"smollm2-135m", 1, 1, true},
             {"llama-3.2-3b", 1, 11, false}};
    for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
        roma_sim s;
        roma_sim_point p[ROMA_SIM_POINTS];
        roma_sim_request r;
        roma_sim_figures f;
        roma_error err = {0};
        roma_buf said = {0};
        roma_sim_config c = asked(v[i].shape);
        c.design.chip = "roma-contract";
        c.work.batch = v[i].batch;
        c.work.adapters = v[i].adapters;
        open_sim(&s, &c);
        const uint32_t all = (uint32_t)roma_sim_capacity(&s);
        CHECK_EQ(all, v[i].is_model ? 8192 : roma_cost_positions(&s.design.place, &s.work));
        CHECK(v[i].adapters < 11 ? all % ROMA_PAGE == 0 && all > 0 : all == 0);
        CHECK_EQ(roma_sim_curve(&s, 9600, p, &err), 0);
        for (int k = 0; k < ROMA_SIM_POINTS; k++) CHECK_EQ(p[k].fits, p[k].context + 1 <= all);
        const uint32_t prompt = (uint32_t)roma_sim_prompt(&s);
        CHECK(prompt <= all && (prompt == all) == (v[i].is_model || !all));
        if (all) CHECK_EQ(roma_sim_latency(&s, prompt, all - prompt + 1, &r, &err), 0);
        if (prompt < all) {
            CHECK_EQ(roma_sim_latency(&s, prompt + 1, 1, &r, &err), ROMA_EUSAGE);
            CHECK_HAS(err.text, "scores of a block");
        }
        CHECK_EQ(roma_sim_latency(&s, all + 1, 1, &r, &err), ROMA_EUSAGE);
        CHECK_EQ(roma_sim_latency(&s, 1, all + 1, &r, &err), ROMA_EUSAGE);
        CHECK_HAS(err.text, v[i].is_model ? "the model's own context has" : "the SRAM holds");
        for (uint32_t context = all - (all > 0); context <= all; context++) {
            s.work.prompt = 0;
            s.work.context = context;
            said.len = 0;
            CHECK_EQ(roma_sim_evaluate(&s, false, &f, &err), 0);
            roma_sim_misfits(&s, &f.cost, &said);
            CHECK_EQ(said.len > 0, context >= all);
        }
        roma_buf_destroy(&said);
        roma_sim_close(&s);
    }
}

/* A chip that would burn, or that no scanner prints, is told of. */
static void test_hazards(void) {
    static const struct {
        const char *set;
        uint32_t dies;
        const char *says;
    } v[] = {{"clock.frequency=5e8", 1, ""},
             {"clock.frequency=1e11", 1, "the junction is at"},
             {"hunit.sram=9437184", 1, "a die of"},
             {"hunit.sram=9437184", 4, "a die of"}};
    for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
        roma_sim s;
        roma_sim_figures f;
        roma_error err = {0};
        roma_buf said = {0};
        roma_sim_config c = asked("llama-3.2-3b");
        c.design.chip = "roma-contract";
        c.design.set = &v[i].set;
        c.design.n_set = 1;
        c.design.dies = v[i].dies;
        open_sim(&s, &c);
        CHECK_EQ(roma_sim_evaluate(&s, false, &f, &err), 0);
        roma_sim_hazards(&s, &f.cost, &said);
        roma_buf_append(&said, "", 1);
        const bool is_beyond = f.cost.junction_c > 105 || f.cost.area_mm2 / v[i].dies > 858;
        CHECK_EQ(said.len > 1, is_beyond);
        CHECK_EQ(is_beyond, v[i].says[0] != 0);
        if (is_beyond) CHECK_HAS((const char *)said.data, v[i].says);
        roma_buf_destroy(&said);
        roma_sim_close(&s);
    }
}

static void check_roofs(roma_sim *s, uint32_t prompt, uint32_t context, uint32_t batch, const char *what) {
    roma_sim_figures f;
    roma_sim_roofline r;
    roma_error err = {0};
    s->work.prompt = prompt;
    s->work.context = context;
    s->work.batch = batch;
    CHECK_EQ(roma_sim_evaluate(s, false, &f, &err), 0);
    roma_sim_roofs(s, &f.cost, &r);
    const roma_sim_work *points[] = {&r.decode, &r.prefill};
    for (int i = 0; i < 1 + (prompt > 0); i++) {
        const double roof = fmin(r.lunits.mac_s, r.lunits.byte_s * points[i]->mac_per_byte);
        const bool is_under = points[i]->mac_s > 0 && points[i]->mac_s <= roof * (1 + 1e-9);
        CHECK(is_under);
        if (!is_under) fprintf(stderr, "%s: %g above its roof %g\n", what, points[i]->mac_s, roof);
    }
}

/* No point lies above its roof, whatever the shape and the chip. */
static void test_under_roofs(void) {
    static const char *const shapes[] = {"llama-3.2-1b",
                                         "llama-3.2-3b",
                                         "llama-3-8b",
                                         "qwen3-0.6b",
                                         "smollm2-135m",
                                         "bitnet-2b",
                                         "layers=2,hidden=64,heads=2,ffn=64,vocab=32",
                                         "layers=1,hidden=4096,heads=32,ffn=32,vocab=200000",
                                         "layers=3,hidden=1056,heads=11,head=96,ffn=2080,vocab=1001"};
    static const char *const sets[] = {"lunit.leaf_group=16", "lunit.lanes=64",      "vector.lanes=4096",
                                       "hunit.mac=4096",      "clock.frequency=2e9", "schedule.block_rows=1",
                                       "lunit.hold=on",       "lunit.style=serial",  "rom.scale_port=shared"};
    static const roma_shape_format formats[] = {{0}, {2, 32, 0}, {3, 32, 8}, {4, 16, 2}, {5, 32, 4}, {8, 32, 0}};
    const char *name;
    unsigned n = 0;
    for (unsigned k = 0; roma_chip_builtin(k, &name); k++)
        for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++, n++) {
            roma_sim s;
            char what[160];
            roma_sim_config c = asked(shapes[i]);
            c.design.chip = name;
            c.design.format = formats[n % 6];
            c.design.dies = 1 + n % 3;
            c.design.set = &sets[n % 9];
            c.design.n_set = n % 4 > 0;
            c.work.rank = n % 2 ? 16 : 0;
            c.work.adapters = n % 2;
            snprintf(what, sizeof what, "%.90s on %.40s, format %u", shapes[i], name, n % 6);
            open_sim(&s, &c);
            if (!s.design.desc) continue; /* this chip cannot have that setting */
            check_roofs(&s, 0, 0, 1, what);
            check_roofs(&s, 1, 0, 2, what);
            check_roofs(&s, 40, 100, 9, what);
            check_roofs(&s, 700, 0, 64, what);
            roma_sim_close(&s);
        }
    CHECK(n > 80);
}

/* The roof is the peak that a lane's multiplier has, four bits a cycle; a prompt multiplies the head once. */
static void test_roofline(void) {
    roma_sim s;
    roma_sim_figures f;
    roma_sim_roofline r;
    roma_error err = {0};
    roma_sim_config c = asked("llama-3.2-3b");
    c.design.chip = "roma-contract";
    open_sim(&s, &c);
    CHECK_EQ(roma_sim_evaluate(&s, false, &f, &err), 0);
    roma_sim_roofs(&s, &f.cost, &r);
    const double body = 28 * (2.0 * 3072 * 3072 + 2.0 * 3072 * 1024 + 3.0 * 3072 * 8192), head = 3072.0 * 128256;
    CHECK_REAL(r.lunits.mac_s, 256.0 * 64 * 16 * 5e8);
    CHECK_REAL(r.lunits.mac_s, roma_sim_peak(&s.design.place.chip, 4));
    CHECK_REAL(r.lunits.byte_s, 256.0 * 64 * 8 * 5e8);
    CHECK_REAL(r.decode.mac_per_byte, 2);
    CHECK_NEAR(r.decode.mac_s, (body + head) * f.cost.tok_s, 1e-12);
    CHECK_REAL(r.prefill.mac_per_byte, 2);
    CHECK_NEAR(r.prefill.mac_s, (256 * body + head) / f.cost.ttft_s, 1e-12);
    roma_sim_close(&s);
    c.design.format = (roma_shape_format){4, 128, 8};
    open_sim(&s, &c);
    CHECK_EQ(roma_sim_evaluate(&s, false, &f, &err), 0);
    roma_sim_roofs(&s, &f.cost, &r);
    CHECK_NEAR(r.decode.mac_per_byte, (body + head) / (body / 2 + head), 1e-12); /* its own: the head is wider */
    CHECK_NEAR(r.prefill.mac_per_byte, (256 * body + head) / (128 * body + head), 1e-12);
    roma_sim_close(&s);
    c.design.format = (roma_shape_format){3, 128, 3}; /* 3 bits are stored as 4; 256 rows are 8 blocks */
    const char *const set[] = {"lunit.hold=on", "lunit.style=serial"};
    c.design.set = set;
    c.design.n_set = 2;
    open_sim(&s, &c);
    CHECK_EQ(roma_sim_evaluate(&s, false, &f, &err), 0);
    roma_sim_roofs(&s, &f.cost, &r);
    CHECK_REAL(r.lunits.mac_s, 256.0 * 64 * 16 * 5e8 / s.design.place.chip.word_cycles);
    CHECK_REAL(r.decode.mac_per_byte, 2);
    CHECK_NEAR(r.prefill.mac_per_byte, (256 * body + head) / (4 * body + head / 2), 1e-12);
    roma_sim_close(&s);
}

/* The timeline has the prefill's chunks one after the other, and the decode step behind them. */
static void test_timeline(void) {
    roma_sim s;
    roma_timeline t = {0};
    roma_error err;
    roma_sim_config c = asked("llama-3.2-1b");
    open_sim(&s, &c);
    const uint32_t chunk = (uint32_t)s.design.place.chip.chunk_rows;
    s.work.prompt = 2 * chunk + 1;
    CHECK_EQ(roma_sim_timeline(&s, &t, &err), 0);
    uint64_t end = 0, late = 0;
    for (size_t i = 0; i < t.n; i++) end = t.spans[i].end_cyc > end ? t.spans[i].end_cyc : end;
    CHECK_EQ(
        roma_cost_prefill(&s.schedule, &s.design.place, 0, s.work.prompt, &(roma_cost_adapter){.rank = 16}, 1, &err),
        0);
    const uint64_t prefill = s.schedule.cycles;
    CHECK_EQ(end, prefill + (uint64_t)step(&s, s.work.prompt, 1));
    for (size_t i = 0; i < t.n; i++) late += t.spans[i].start_cyc >= prefill;
    CHECK(late > 100 && late < t.n / 2);
    roma_timeline_destroy(&t);
    roma_sim_close(&s);
}

static void test_path(void) {
    roma_sim s;
    uint64_t cycles[ROMA_OP_COUNT + 1], sum = 0;
    roma_error err;
    roma_sim_config c = asked("llama-3.2-3b");
    c.work.batch = 3;
    c.work.context = 512;
    open_sim(&s, &c);
    CHECK_EQ(roma_sim_path(&s, cycles, &err), 0);
    for (int i = 0; i <= ROMA_OP_COUNT; i++) sum += cycles[i];
    CHECK_EQ(sum, s.schedule.cycles);
    CHECK_REAL((double)sum, step(&s, 512, 3));
    CHECK(cycles[ROMA_OP_LINEAR] > cycles[ROMA_OP_EMBED]);
    roma_sim_close(&s);
}

/* Sequences take the distinct adapters in turn, so that fewer of them are read less often. */
static void test_adapters(void) {
    roma_sim s;
    roma_error err;
    uint64_t cycles[ROMA_OP_COUNT + 1], one, four;
    roma_sim_config c = asked("llama-3.2-3b");
    c.work.batch = 4;
    open_sim(&s, &c);
    CHECK_EQ(roma_sim_path(&s, cycles, &err), 0);
    one = s.schedule.cycles;
    s.work.adapters = 4;
    CHECK_EQ(roma_sim_path(&s, cycles, &err), 0);
    four = s.schedule.cycles;
    s.work.rank = 0;
    CHECK_EQ(roma_sim_path(&s, cycles, &err), 0);
    CHECK_EQ(cycles[ROMA_OP_COUNT], 0);
    CHECK(s.schedule.cycles <= one && one <= four);
    roma_sim_close(&s);
}

/* Numbers that nobody can mean are refused, and leave nothing. */
static void test_numbers(void) {
    static const uint32_t bad[][2] = {{0, 1}, {1, 0}, {1048577, 1}, {1, 1048577}, {UINT32_MAX, UINT32_MAX}};
    roma_sim s;
    roma_sim_request r;
    roma_error err = {0};
    roma_sim_config c = asked("llama-3.2-1b");
    open_sim(&s, &c);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CHECK_EQ(roma_sim_latency(&s, bad[i][0], bad[i][1], &r, &err), ROMA_EUSAGE);
        CHECK_HAS(err.text, "1 to 1048576");
    }
    roma_sim_close(&s);
    c.work.batch = 0;
    CHECK_EQ(roma_sim_open(&s, &c, &err), ROMA_EUSAGE);
    CHECK_HAS(err.text, "batch");
    CHECK(!s.design.desc);
    c = asked("llama-3.2-1b");
    c.design.dies = 1025;
    CHECK_EQ(roma_sim_open(&s, &c, &err), ROMA_EUSAGE);
    CHECK_HAS(err.text, "dies must be 1 to 1024");
    c.design.dies = 4;
    open_sim(&s, &c);
    CHECK_EQ(s.design.place.dies, 4);
    roma_sim_close(&s);
}

/* Memory that ends anywhere is said so by every call. */
static void test_scarce(void) {
    const roma_sim_config c = asked("llama-3.2-1b");
    for (int call = 0; call < 5; call++) {
        int rc = ROMA_ENOMEM, n = 0;
        for (; rc == ROMA_ENOMEM && n < 4000; n += 1 + n / 8) {
            roma_sim s;
            roma_sim_figures f;
            roma_sim_request r;
            roma_sim_point p[ROMA_SIM_POINTS];
            roma_timeline t = {0};
            uint64_t cycles[ROMA_OP_COUNT + 1];
            roma_error err = {0};
            open_sim(&s, &c);
            scarce_begin(n);
            rc = call == 0   ? roma_sim_evaluate(&s, true, &f, &err)
                 : call == 1 ? roma_sim_latency(&s, 10, 3, &r, &err)
                 : call == 2 ? roma_sim_curve(&s, 64, p, &err)
                 : call == 3 ? roma_sim_timeline(&s, &t, &err)
                             : roma_sim_path(&s, cycles, &err);
            roma_allocator_set(NULL);
            CHECK(rc == err.code && (rc == ROMA_OK || rc == ROMA_ENOMEM));
            roma_timeline_destroy(&t);
            roma_sim_close(&s);
        }
        CHECK(rc == ROMA_OK && n > 1);
    }
}

static char path[64];

static void write_file(const char *text) {
    FILE *f = fopen(path, "w");
    CHECK(f && fputs(text, f) >= 0 && fclose(f) == 0);
}

static void test_defects(void) {
    roma_sim s;
    roma_sim_figures with, without;
    roma_error err = {0};
    roma_sim_config c = asked("llama-3.2-3b");
    open_sim(&s, &c);
    CHECK_EQ(roma_sim_evaluate(&s, false, &without, &err), 0);
    roma_sim_close(&s);
    c.defects = path;
    write_file("1 1 5000\n");
    open_sim(&s, &c);
    CHECK(s.work.defects == &s.defects && s.defects.n == 256);
    CHECK_EQ(roma_sim_evaluate(&s, false, &with, &err), 0);
    CHECK(with.cost.tok_s < without.cost.tok_s);
    roma_sim_close(&s);
    write_file("1 1 many\n");
    CHECK_EQ(roma_sim_open(&s, &c, &err), ROMA_EINPUT);
    CHECK_STR(err.file, path);
    CHECK(!s.design.desc);
    unlink(path);
    CHECK_EQ(roma_sim_open(&s, &c, &err), ROMA_EINPUT);
}

static void test_toggles(void) {
    random_model *m = calloc(1, sizeof *m);
    roma_sim s;
    roma_error err = {0};
    roma_sim_config c = asked("llama-3.2-3b");
    c.toggles = true;
    CHECK_EQ(roma_sim_open(&s, &c, &err), ROMA_EUSAGE);
    CHECK_HAS(err.text, "a shape has none");
    CHECK(!s.design.desc);
    random_model_init(m, ROMA_ARCH_LLAMA,
                      (roma_format){.bits = 4, .scale = ROMA_SCALE_F16, .min = ROMA_SCALE_F16, .group = 32}, 3);
    CHECK_EQ(random_model_write(m, path, &err), 0);
    free(m);
    c.design = (roma_design_config){.image = path};
    CHECK_EQ(roma_sim_open(&s, &c, &err), ROMA_EUSAGE); /* so small a model has a word an L-Unit */
    CHECK_HAS(err.text, "on chip roma none reads two");
    c.design.chip = "mini";
    open_sim(&s, &c);
    CHECK(s.work.toggle < 1 || s.work.toggle > 1);
    CHECK_REAL(s.work.toggle, roma_map_toggles(&s.design.place));
    CHECK_NEAR(s.work.toggle, 1, 0.05); /* random bits */
    roma_sim_close(&s);
    static const char *const trits = "lunit.trits=on";
    c.design.set = &trits;
    c.design.n_set = 1;
    CHECK_EQ(roma_sim_open(&s, &c, &err), ROMA_EUSAGE);
    CHECK_HAS(err.text, "no image has trits");
    c.design = (roma_design_config){0};
    CHECK_EQ(roma_sim_open(&s, &c, NULL), ROMA_EUSAGE);
    unlink(path);
}

int main(void) {
    snprintf(path, sizeof path, "/tmp/roma-test-sim-%d", (int)getpid());
    test_figures();
    test_latency();
    test_curve();
    test_capacity();
    test_hazards();
    test_roofline();
    test_under_roofs();
    test_timeline();
    test_path();
    test_adapters();
    test_numbers();
    test_scarce();
    test_defects();
    test_toggles();
    return TEST_DONE();
}
