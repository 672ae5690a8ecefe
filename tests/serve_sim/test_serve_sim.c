/* A chip under load against what is known without a simulation: M/D/1 queues, what the chip model says of one request
 * and of a full batch, LRU, room in the SRAM, conservation. tests/cli/test_serve_sim.py is a second simulation. */
#include "serve_sim/internal.h"
#include "roma/sim.h"
#include "../test.h"

#include <stddef.h>

static roma_serve_sim_config usual(void) {
    return (roma_serve_sim_config){.design = {.shape = "llama-3.2-1b", .chip = "roma-contract"},
                                   .requests = 2000,
                                   .prompt_least = 64,
                                   .prompt_most = 64,
                                   .output_least = 8,
                                   .output_most = 8,
                                   .batch = 1,
                                   .adapters = 1};
}

static roma_serve_sim s;
static void opened(const roma_serve_sim_config *c) {
    roma_error err = {0};
    roma_serve_sim_close(&s);
    CHECK_EQ(roma_serve_sim_open(&s, c, &err), 0);
    if (err.code) fprintf(stderr, "%s\n", err.text);
}

static roma_serve_sim_row run(double load) {
    roma_serve_sim_row r = {0};
    roma_error err = {0};
    CHECK_EQ(roma_serve_sim_run(&s, load, &r, &err), 0);
    CHECK(r.arrived == s.n && r.finished + r.running + r.waiting == r.arrived);
    return r;
}

/* One server, one length of service, Poisson arrivals: Pollaczek and Khinchine. */
static void test_queue(void) {
    static const double rho[] = {0.3, 0.5, 0.7, 0.85};
    roma_serve_sim_config c = usual();
    c.requests = 100000;
    opened(&c);
    const double service_ms = 1e3 / s.capacity;
    for (size_t i = 0; i < sizeof rho / sizeof *rho; i++) {
        const roma_serve_sim_row r = run(rho[i] * s.capacity);
        CHECK_NEAR(r.wait_mean_ms, rho[i] * service_ms / (2 * (1 - rho[i])), 0.04);
        CHECK_NEAR(r.utilisation, rho[i], 0.015);
        CHECK_NEAR(r.tok_s, 8 * rho[i] * s.capacity, 0.015);
        CHECK(r.running_max == 1 && r.batch_mean == 1);
    }
    const roma_serve_sim_row over = run(2 * s.capacity);
    CHECK_NEAR(over.req_s, s.capacity, 1e-3);
    CHECK(over.utilisation > 1 - 1e-9 && over.waiting > 0.4 * s.n);
}

/* Alone, a request takes what roma sim says of it. */
static void test_alone(void) {
    roma_serve_sim_config c = usual();
    roma_sim_config ask = {.design = c.design, .work = roma_cost_workload_bare()};
    static roma_sim sim;
    roma_sim_request alone;
    roma_error err;
    c.prompt_least = c.prompt_most = 600; /* three chunks */
    c.output_least = c.output_most = 200;
    CHECK_EQ(roma_sim_open(&sim, &ask, &err), 0);
    CHECK_EQ(roma_sim_latency(&sim, 600, 200, &alone, &err), 0);
    opened(&c);
    const roma_serve_sim_row r = run(1e-3 * s.capacity);
    CHECK_NEAR(r.ttft_p50_ms, alone.ttft_ms, 1e-9);
    CHECK_NEAR(r.ttft_p50_ms + 199 * r.tpot_p50_ms, 200e3 / alone.tok_s, 1e-3);
    CHECK_NEAR(s.capacity, alone.tok_s / 200, 1e-3);
    roma_sim_close(&sim);
}

/* In saturation a batch makes tokens as roma_cost_evaluate says. */
static void test_saturation(void) {
    roma_serve_sim_config c = usual();
    roma_cost cost;
    roma_error err;
    c.requests = 2000;
    c.batch = 6;
    c.prompt_least = c.prompt_most = 1;
    c.output_least = c.output_most = 500;
    opened(&c);
    const roma_serve_sim_row r = run(3 * s.capacity);
    roma_workload w = s.work;
    w.batch = 6;
    w.context = 250;
    CHECK_EQ(roma_cost_evaluate(&cost, &s.schedule, &s.design.place, &w, &err), 0);
    CHECK_NEAR(r.tok_s, cost.tok_s, 0.02);
    CHECK_NEAR(r.req_s, s.capacity, 0.02);
    CHECK(r.running_max == 6 && r.batch_mean > 5.8);
}

/* Sequences of unlike contexts take about as long as those of their mean, and no less. */
static void test_steps(void) {
    static const uint32_t at[][4] = {{10, 500, 900, 40}, {0, 0, 0, 1000}, {300, 310, 290, 305}};
    static const double off[] = {0.03, 0.09, 1e-4};
    roma_serve_sim_config c = usual();
    roma_error err;
    opened(&c);
    for (size_t i = 0; i < 3; i++) {
        roma_cost_span spans[4] = {{0}};
        double mean = 0, seconds;
        for (size_t k = 0; k < 4; k++) {
            spans[k] = (roma_cost_span){.position = at[i][k], .rows = 1, .logits = 1};
            mean += at[i][k] / 4.0;
        }
        CHECK_EQ(roma_cost_step(&s.schedule, &s.design.place, spans, 4, &err), 0);
        const double exact = (double)s.schedule.cycles / s.design.place.chip.clock_hz;
        CHECK_EQ(roma_serve_sim_step_s(&s, 4, 0, mean, &seconds, &err), 0);
        CHECK(seconds >= exact * (1 - 1e-9) && seconds <= exact * (1 + off[i]));
    }
}

/* Adapters that are asked for alike: a share of resident / adapters is there. */
static void test_adapters(void) {
    roma_serve_sim_config c = usual();
    c.rank = 16;
    c.adapters = 10;
    c.resident = 4;
    c.requests = 20000;
    c.output_least = c.output_most = 1;
    opened(&c);
    const roma_serve_sim_row r = run(0.01 / s.load_s);
    CHECK_NEAR(r.adapter_loads, 20000 * 0.6, 0.03);
    CHECK(r.ttft_p99_ms > 1e3 * s.load_s);
    c.resident = 10;
    opened(&c);
    const roma_serve_sim_row all = run(0.01 / s.load_s);
    CHECK(all.adapter_loads == 10 && all.ttft_p99_ms < 1e3 * s.load_s);
    c.resident = 1; /* one place: no two sequences of unlike adapters at once */
    c.batch = 8;
    opened(&c);
    CHECK(run(2 / s.load_s).adapter_loads > 20000 * 0.6);
    CHECK_NEAR(run(5 / s.load_s).req_s, 1 / (0.9 * s.load_s), 0.2); /* the link is the limit, but a tenth hits */
    c.resident = 0;
    c.batch = 16;
    c.prompt_least = c.prompt_most = 1000;
    opened(&c);
    CHECK(s.resident >= 1 && s.resident <= 10);
}

/* Pages are what bounds those that run. */
static void test_room(void) {
    roma_serve_sim_config c = usual();
    c.batch = 1000;
    c.requests = 300;
    c.prompt_least = c.prompt_most = 500;
    c.output_least = c.output_most = 13; /* 512 positions, 16 pages */
    opened(&c);
    const roma_serve_sim_row r = run(100 * s.capacity);
    CHECK(s.pages / 16 < 300 && r.running_max == s.pages / 16);
    c.output_least = c.output_most = 14; /* a page more */
    opened(&c);
    CHECK(run(100 * s.capacity).running_max == s.pages / 17);
}

static void test_draws(void) {
    roma_serve_sim_config c = usual();
    c.batch = 4;
    c.prompt_most = 200;
    c.output_most = 40;
    opened(&c);
    const roma_serve_sim_row a = run(0.8 * s.capacity), again = run(0.8 * s.capacity);
    double prompts = 0, outputs = 0;
    for (uint32_t i = 0; i < s.n; i++) {
        CHECK(s.requests[i].prompt >= 64 && s.requests[i].prompt <= 200 && s.requests[i].output >= 8);
        prompts += s.requests[i].prompt;
        outputs += s.requests[i].output;
    }
    CHECK_NEAR(prompts / s.n, 132, 0.03);
    CHECK_NEAR(outputs / s.n, 24, 0.03);
    CHECK_NEAR(s.requests[s.n - 1].arrival, s.n, 0.06);
    CHECK(memcmp(&a, &again, sizeof a) == 0);
    c.seed = 1;
    opened(&c);
    const roma_serve_sim_row other = run(0.8 * s.capacity);
    CHECK(other.ttft_p99_ms != a.ttft_p99_ms);
}

static void test_refused(void) {
    static const struct {
        const char *field;
        size_t at;
        uint32_t v;
        const char *says;
    } bad[] = {
        {"requests", offsetof(roma_serve_sim_config, requests), 0, "requests must be 1 to 1000000, not 0"},
        {"prompt", offsetof(roma_serve_sim_config, prompt_least), 65, "prompt must be 65 to 1048576, not 64"},
        {"output", offsetof(roma_serve_sim_config, output_most), 7, "output must be 8 to 1048576, not 7"},
        {"batch", offsetof(roma_serve_sim_config, batch), 1025, "batch must be 1 to 1024, not 1025"},
        {"resident", offsetof(roma_serve_sim_config, resident), 2, "resident must be 0 to 1, not 2"},
    };
    roma_error err;
    roma_serve_sim_row r;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        roma_serve_sim_config c = usual();
        memcpy((char *)&c + bad[i].at, &bad[i].v, sizeof bad[i].v);
        roma_serve_sim_close(&s);
        CHECK_EQ(roma_serve_sim_open(&s, &c, &err), ROMA_EUSAGE);
        CHECK_HAS(err.text, bad[i].says);
    }
    roma_serve_sim_config c = usual();
    c.prompt_least = c.prompt_most = 100000;
    CHECK_EQ(roma_serve_sim_open(&s, &c, &err), ROMA_EUSAGE);
    CHECK_HAS(err.text, "no request fits");
    c = usual();
    c.rank = 16;
    c.adapters = c.resident = 1000;
    CHECK_EQ(roma_serve_sim_open(&s, &c, &err), ROMA_EUSAGE);
    CHECK_HAS(err.text, "the SRAM holds no page of cache beside 1000 adapters of rank 16");
    c = usual();
    opened(&c);
    CHECK_EQ(roma_serve_sim_run(&s, 0, &r, &err), ROMA_EUSAGE);
    CHECK_EQ(roma_serve_sim_run(&s, NAN, &r, &err), ROMA_EUSAGE);
}

int main(void) {
    test_queue();
    test_alone();
    test_saturation();
    test_steps();
    test_adapters();
    test_room();
    test_draws();
    test_refused();
    roma_serve_sim_close(&s);
    return TEST_DONE();
}
