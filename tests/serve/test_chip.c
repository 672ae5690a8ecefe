/* The record of the chip: figures against those of `roma sim`, totals against every token evaluated on its own, the
 * map of the SRAM against the placement, a token's step against the schedule. */
#include "../base/scarce.h"
#include "../test.h"
#include "roma/sim.h"
#include "serve/chip.h"

#include <math.h>
#include <string.h>

/* ---- reading what was written ---- */

/* The number behind "KEY": the n-th time (from 0) that the key comes in the text; NAN: it does not. */
static double number(const roma_buf *b, const char *key, int n) {
    char quoted[64];
    roma_print(quoted, sizeof quoted, "\"%s\":", key);
    const char *at = (const char *)b->data;
    for (; at && (at = strstr(at, quoted)); n--) {
        at += strlen(quoted);
        if (n) continue;
        double v;
        return roma_real_read(at, strspn(at, "0123456789.eE+-"), &v) ? v : NAN;
    }
    return NAN;
}

/* Holds the text to the one strict reader and ends it with a 0. */
static void whole(roma_buf *b) {
    roma_json_reader r;
    roma_error err = {0};
    CHECK_EQ(roma_json_read_begin(&r, b->data, b->len, NULL, &err), 0);
    while (!roma_json_read_next(&r, &err) && r.kind != ROMA_JSON_DONE) {
    }
    CHECK_STR(err.text, "");
    roma_json_read_end(&r);
    roma_buf_append(b, "", 1);
}

static void open_both(roma_sim *s, roma_serve_record **c, const char *shape, const char *chip, roma_workload work) {
    roma_error err = {0};
    const roma_sim_config config = {.design = {.shape = shape, .chip = chip}, .work = work};
    CHECK_EQ(roma_sim_open(s, &config, &err), 0);
    CHECK_EQ(roma_serve_record_open(c, &s->design.place, 4096, &err), 0);
}

/* ---- figures ---- */

/* Nine digits, as they are printed. */
#define SAME(key, n, want) CHECK_NEAR(number(&out, key, n), want, 1e-8)

static void check_figures(const char *shape, const char *chip, uint32_t context, uint32_t batch, uint32_t rank,
                          uint32_t stacked, uint32_t resident) {
    roma_sim s;
    roma_serve_record *c;
    roma_sim_figures f;
    roma_error err;
    roma_buf out = {0};
    roma_workload w = roma_cost_workload_usual();
    w.context = context, w.batch = batch, w.rank = rank, w.stacked = stacked, w.adapters = rank ? resident : 0;
    open_both(&s, &c, shape, chip, w);
    roma_serve_adapter_now adapters[4];
    for (uint32_t i = 0; i < resident; i++) adapters[i] = (roma_serve_adapter_now){"a\"<b", rank, 1, 1000 + i, true};
    const roma_serve_now now = {.running = batch,
                                .cached = (uint64_t)context * batch + batch - 1,
                                .set = {rank, stacked},
                                .pages = 100,
                                .pages_free = 60,
                                .pages_shared = 3,
                                .page_bytes = 5000,
                                .activation_bytes = 77,
                                .adapters = adapters,
                                .n_adapters = resident,
                                .host_tok_s = 12.5,
                                .host_s = 3};
    CHECK_EQ(roma_sim_evaluate(&s, false, &f, &err), 0);
    CHECK_EQ(roma_serve_record_json(c, &now, &out, &err), 0);
    whole(&out);
    SAME("tok_s", 0, f.cost.tok_s);
    SAME("cycles", 0, f.cost.decode_cyc);
    SAME("ttft_ms", 0, f.cost.ttft_s * 1e3);
    SAME("mj_per_token", 0, f.cost.mj_per_token);
    SAME("power_w", 0, f.cost.power_w);
    SAME("junction_c", 0, f.cost.junction_c);
    SAME("area_mm2", 0, f.cost.area_mm2);
    SAME("rom_bits", 0, f.cost.rom_capacity * 8);
    SAME("capacity_tokens", 0, (double)roma_sim_capacity(&s));
    SAME("utilisation", 0, f.cost.use_lunit);
    SAME("utilisation", 1, f.cost.use_hunit);
    CHECK(number(&out, "context", 0) == context && number(&out, "batch", 0) == batch);
    CHECK(number(&out, "used", 0) == 40 && number(&out, "tok_s", 1) == 12.5);
    roma_buf_destroy(&out);
    roma_serve_record_close(c);
    roma_sim_close(&s);
}

static void test_figures(void) {
    check_figures("llama-3.2-3b", "roma", 1024, 1, 16, 1, 1);
    check_figures("llama-3.2-3b", "roma", 0, 1, 0, 0, 0);
    check_figures("llama-3.2-3b", "roma-better", 777, 8, 8, 2, 4);
    check_figures("llama-3.2-1b", "roma-contract", 4000, 3, 0, 0, 0);
}

/* When nothing runs the figures are those of the last request alone, before the first those of an empty cache. */
static void test_idle(void) {
    roma_sim s;
    roma_serve_record *c;
    roma_error err;
    const roma_serve_set set = {8, 1};
    const struct {
        uint32_t running, context, batch, rank;
    } looks[] = {{0, 0, 1, 0}, {2, 300, 2, 0}, {0, 0, 1, 0}, {0, 99, 1, 8}, {1, 300, 1, 0}, {0, 99, 1, 8}};
    open_both(&s, &c, "llama-3.2-1b", NULL, roma_cost_workload_usual());
    for (size_t i = 0; i < sizeof looks / sizeof *looks; i++) {
        roma_buf out = {0};
        roma_serve_now now = {
            .running = looks[i].running, .cached = 300 * looks[i].running, .pages = 10, .pages_free = 4};
        if (i == 3) roma_serve_record_prompt(c, set, 0, 90);
        if (i == 3) roma_serve_record_tokens(c, set, 90, 99);
        CHECK_EQ(roma_serve_record_json(c, &now, &out, &err), 0);
        whole(&out);
        CHECK(number(&out, "context", 0) == looks[i].context && number(&out, "batch", 0) == looks[i].batch);
        CHECK(number(&out, "running", 0) == looks[i].running && number(&out, "rank", 0) == looks[i].rank);
        roma_buf_destroy(&out);
    }
    roma_serve_record_close(c);
    roma_sim_close(&s);
}

/* ---- totals ---- */

static roma_cost alone(roma_sim *s, roma_serve_set set, uint32_t prompt, uint32_t context) {
    roma_cost cost;
    roma_error err;
    roma_workload w = roma_cost_workload_bare();
    w.prompt = prompt, w.context = context, w.rank = set.rank, w.stacked = w.adapters = set.rank ? set.stacked : 0;
    CHECK_EQ(roma_cost_evaluate(&cost, &s->schedule, &s->design.place, &w, &err), 0);
    return cost;
}

static roma_buf record(roma_serve_record *c) {
    roma_error err;
    roma_buf out = {0};
    CHECK_EQ(roma_serve_record_json(c, &(roma_serve_now){0}, &out, &err), 0);
    whole(&out);
    return out;
}

/* A conversation of two turns, with another adapter in the second, token by token. */
static void test_totals(void) {
    const roma_serve_set base = {0}, two = {16, 2};
    roma_sim s;
    roma_serve_record *c;
    double seconds = 0, joules = 0;
    open_both(&s, &c, "llama-3.2-1b", "roma-better", roma_cost_workload_usual());
    for (uint32_t k = 300; k < 900; k++) {
        const roma_cost cost = alone(&s, base, 0, k);
        seconds += 1 / cost.tok_s, joules += cost.mj_per_token * 1e-3;
    }
    for (uint32_t k = 2500; k < 2600; k++) {
        const roma_cost cost = alone(&s, two, 0, k);
        seconds += 1 / cost.tok_s, joules += cost.mj_per_token * 1e-3;
    }
    roma_cost p[3] = {alone(&s, base, 300, 0), alone(&s, two, 2500, 0), alone(&s, two, 900, 0)};
    seconds += p[0].ttft_s + p[1].ttft_s - p[2].ttft_s;
    joules += (p[0].prefill_mj + p[1].prefill_mj - p[2].prefill_mj) * 1e-3;
    roma_serve_record_prompt(c, base, 0, 300);
    roma_serve_record_tokens(c, base, 300, 640);
    roma_serve_record_tokens(c, base, 640, 900);
    roma_serve_record_prompt(c, two, 900, 2500);
    roma_serve_record_tokens(c, two, 2500, 2600);
    roma_serve_record_tokens(c, two, 2600, 2600);
    roma_serve_record_prompt(c, two, 5, 5);
    roma_buf out = record(c);
    CHECK(number(&out, "tokens", 0) == 700 && number(&out, "prompt_tokens", 0) == 1900);
    CHECK(number(&out, "uncharged_tokens", 0) == 0);
    CHECK_NEAR(number(&out, "chip_seconds", 0), seconds, 0.01);
    CHECK_NEAR(number(&out, "joules", 0), joules, 0.01);
    roma_buf_destroy(&out);
    roma_serve_record_close(c);
    roma_sim_close(&s);
}

/* The shortest requests are exact; numbers beyond what was announced, and more kinds of sets than there are curves,
 * are charged like their neighbours. */
static void test_edges(void) {
    roma_sim s;
    roma_serve_record *c;
    open_both(&s, &c, "llama-3.2-1b", NULL, roma_cost_workload_usual());
    const roma_cost cost = alone(&s, (roma_serve_set){0}, 7, 0);
    roma_serve_record_prompt(c, (roma_serve_set){0}, 0, 7);
    roma_buf out = record(c);
    CHECK_NEAR(number(&out, "chip_seconds", 0), cost.ttft_s, 1e-8);
    CHECK_NEAR(number(&out, "joules", 0), cost.prefill_mj * 1e-3, 1e-8);
    roma_buf_destroy(&out);
    roma_serve_record_tokens(c, (roma_serve_set){0}, 4090, 5000);
    roma_serve_record_prompt(c, (roma_serve_set){0}, 4000, 5000);
    for (uint32_t rank = 1; rank <= ROMA_SERVE_SETS + 3; rank++)
        roma_serve_record_tokens(c, (roma_serve_set){rank, 1}, 0, 2);
    out = record(c);
    CHECK(number(&out, "tokens", 0) == 6 + 2 * (ROMA_SERVE_SETS + 3) && number(&out, "prompt_tokens", 0) == 7 + 96);
    CHECK(number(&out, "chip_seconds", 0) > cost.ttft_s && number(&out, "uncharged_tokens", 0) == 0);
    roma_buf_destroy(&out);
    roma_serve_record_close(c);
    roma_serve_record_close(NULL);
    roma_sim_close(&s);
}

/* ---- SRAM ---- */

/* The fullest H-Unit of the map is the placement's, whichever way a chip places pages. */
static void check_map(const char *chip, const char *set, uint32_t used) {
    roma_sim s;
    roma_serve_record *c;
    roma_error err = {0};
    roma_buf out = {0};
    const roma_sim_config config = {
        .design = {.shape = "llama-3.2-3b", .chip = chip, .set = &set, .n_set = set != NULL},
        .work = roma_cost_workload_usual()};
    CHECK_EQ(roma_sim_open(&s, &config, &err), 0);
    CHECK_EQ(roma_serve_record_open(&c, &s.design.place, 4096, &err), 0);
    CHECK_EQ(roma_serve_record_json(c, &(roma_serve_now){.pages = 200, .pages_free = 200 - used}, &out, &err), 0);
    whole(&out);
    const char *at = strstr((const char *)out.data, "\"hunits\":[");
    CHECK(at != NULL);
    at += strlen("\"hunits\":[");
    double most = 0, sum = 0, v;
    uint32_t n = 0;
    for (size_t len; (len = strspn(at, "0123456789.eE+-")) > 0; at += len + (at[len] == ',')) {
        CHECK(roma_real_read(at, len, &v));
        most = fmax(most, v), sum += v, n++;
    }
    const roma_hyper *h = &s.design.desc->hyper;
    CHECK_EQ(n, (uint32_t)s.design.place.chip.matrix_units);
    CHECK_REAL(most, roma_place_page_bytes(&s.design.place, 0, used));
    if (s.design.place.chip.hunit_pages != ROMA_PAGES_SPREAD)
        CHECK_REAL(sum, (double)used * h->layers * h->kv_heads * (double)roma_kv_page_bytes(h->head_dim));
    roma_buf_destroy(&out);
    roma_serve_record_close(c);
    roma_sim_close(&s);
}

static void test_map(void) {
    for (uint32_t used = 0; used <= 200; used += 37) {
        check_map("roma", NULL, used);
        check_map("roma", "hunit.pages=whole", used);
        check_map("roma-better", NULL, used);
    }
}

/* ---- a token's step ---- */

static size_t count(const roma_buf *b, const char *part) {
    size_t n = 0;
    for (const char *at = (const char *)b->data; (at = strstr(at, part)); at++) n++;
    return n;
}

static void test_step(void) {
    roma_sim s;
    roma_serve_record *c;
    roma_error err = {0};
    roma_buf out = {0};
    roma_workload w = roma_cost_workload_usual();
    uint64_t cycles;
    w.context = 500;
    open_both(&s, &c, "llama-3.2-1b", NULL, w);
    CHECK_EQ(roma_serve_record_step_json(c, 500, (roma_serve_set){16, 1}, &out, &err), 0);
    whole(&out);
    CHECK_EQ(roma_cost_decode(&cycles, &s.schedule, &s.design.place, &w, &err), 0);
    CHECK(number(&out, "cycles", 0) == (double)cycles);
    char last[64];
    const roma_cost_instance *x = &s.schedule.instances[s.schedule.n - 1];
    roma_print(last, sizeof last, ",%u,%llu,%llu,%llu]]}", x->unit, (unsigned long long)x->start,
               (unsigned long long)x->busy, (unsigned long long)x->end);
    CHECK_HAS((const char *)out.data, last);
    CHECK_EQ(count(&out, "],["), s.schedule.n - 1);
    CHECK_HAS((const char *)out.data, "[\"linear\",\"q\",0,\"base\",0,");
    roma_buf_destroy(&out);
    out = (roma_buf){0};
    CHECK_EQ(roma_serve_record_step_json(c, 4097, (roma_serve_set){0}, &out, &err), ROMA_EINPUT);
    CHECK_HAS(err.text, "4097");
    roma_buf_destroy(&out);
    roma_serve_record_close(c);
    roma_sim_close(&s);
}

/* ---- memory that ends ---- */

/* Whichever allocation fails: ENOMEM or, of charges, tokens that are counted and not charged; nothing is lost. */
static void test_scarce(void) {
    roma_sim s;
    roma_error err = {0};
    const roma_sim_config config = {.design = {.shape = "llama-3.2-1b"}, .work = roma_cost_workload_usual()};
    const roma_serve_set set = {16, 1};
    const roma_serve_now now = {.running = 3, .cached = 300, .set = set, .pages = 9, .pages_free = 3};
    CHECK_EQ(roma_sim_open(&s, &config, &err), 0);
    int n = 0, refused = 0;
    for (bool is_whole = false; !is_whole && n < 1000; n++) {
        roma_serve_record *c;
        roma_buf out = {0}, step = {0};
        scarce_begin(n);
        int rc = roma_serve_record_open(&c, &s.design.place, 4096, &err);
        CHECK((c == NULL) == (rc != 0) && (!rc || rc == ROMA_ENOMEM));
        if (!rc) {
            roma_serve_record_prompt(c, set, 0, 200);
            roma_serve_record_tokens(c, set, 200, 300);
            const uint64_t uncharged = c->uncharged;
            CHECK(c->prompt_tokens == 200 && c->tokens == 100 && uncharged <= 300);
            CHECK((uncharged == 300) == (c->total.s <= 0));
            rc = roma_serve_record_json(c, &now, &out, &err);
            const int other = roma_serve_record_step_json(c, 77, set, &step, &err);
            CHECK((!rc || rc == ROMA_ENOMEM) && (!other || other == ROMA_ENOMEM));
            refused += rc || other;
            is_whole = !rc && !other && !uncharged;
        }
        roma_buf_destroy(&out);
        roma_buf_destroy(&step);
        roma_serve_record_close(c);
        CHECK_EQ(scarce_outstanding, 0);
        roma_allocator_set(NULL);
    }
    CHECK(n > 10 && n < 1000 && refused > 5);
    roma_sim_close(&s);
}

int main(void) {
    test_figures();
    test_idle();
    test_totals();
    test_edges();
    test_map();
    test_step();
    test_scarce();
    return TEST_DONE();
}
