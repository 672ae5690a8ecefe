/* More work never takes less: a longer prompt, a deeper context, one sequence more, a higher rank, on random chips of
 * one die or several. Streams are left out: a row more cuts a step elsewhere. The stepper follows the page; what is
 * held here the page does not say, so a law that rewards a token more is found though all who follow it agree. */
#include "random_case.h"
#include "../test.h"

enum { CASES = 150 };
static random_case r;

/* The outputs that a kind of work may not make smaller. */
typedef struct {
    const char *what;
    uint32_t field; /* offset of the number in the workload */
    uint32_t steps[12];
    bool prompt, decode;
} grown;

#define OF(field) (uint32_t) offsetof(roma_workload, field)
static const grown kinds[] = {
    {"prompt", OF(prompt), {1, 2, 7, 8, 9, 15, 16, 17, 31, 33, 48, 49}, true, false},
    {"context", OF(context), {0, 1, 31, 32, 33, 63, 64, 65, 127, 128, 129, 300}, false, true},
    {"batch", OF(batch), {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, false, true},
    {"rank", OF(rank), {0, 1, 2, 8, 15, 16, 17, 24, 31, 32, 33, 64}, true, true},
};

/* Time and energy of a prompt or a step of the workload: each no less than the one before. */
static bool no_less(const grown *k, const roma_cost *less, const roma_cost *more) {
    if (k->prompt && !(less->ttft_s <= more->ttft_s && less->prefill_mj <= more->prefill_mj * (1 + 1e-12)))
        return false;
    return !k->decode || less->decode_cyc <= more->decode_cyc;
}

static void grow(const grown *k, roma_schedule *s, roma_workload w) {
    roma_cost last, now;
    uint32_t *at = (uint32_t *)(void *)((char *)&w + k->field);
    for (size_t i = 0; i < sizeof k->steps / sizeof *k->steps; i++, last = now) {
        roma_error err;
        *at = k->steps[i];
        CHECK_EQ(roma_cost_evaluate(&now, s, &r.place, &w, &err), 0);
        const bool held = i == 0 || no_less(k, &last, &now);
        CHECK(held);
        if (held) continue;
        fprintf(stderr, "  case %llu: %s %u after %u: prompt %.17g s after %.17g, decode %.0f cycles after %.0f;",
                (unsigned long long)r.seed, k->what, k->steps[i], k->steps[i - 1], now.ttft_s, last.ttft_s,
                now.decode_cyc, last.decode_cyc);
        random_print_chip(&r, stderr);
        return;
    }
}

int main(void) {
    roma_schedule s = {0};
    unsigned many = 0;
    for (uint64_t seed = 1; seed <= test_effort(CASES) && test_failures < 5; seed++) {
        CHECK(random_make(&r, 70000 + seed));
        r.place.chip.streams = 1;
        const roma_workload w = {.prompt = 20, .context = 40, .batch = 1, .rank = 8, .adapters = 1, .toggle = 1};
        for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) grow(&kinds[k], &s, w);
        many += r.place.dies > 1 && (int)r.place.chip.die_split == ROMA_DIES_PIPELINE;
        random_done(&r);
    }
    CHECK(test_failures || many > 10 || test_effort(CASES) < CASES);
    roma_schedule_destroy(&s);
    return TEST_DONE();
}
