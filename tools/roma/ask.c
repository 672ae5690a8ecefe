/* What is asked of an answer; contract in ask.h. */
#include "ask.h"

#include <string.h>
#include <sys/random.h>

bool ask_draws(const roma_sampling *s) { return s->temperature > 0 && s->top_k != 1; }

uint64_t seed_drawn(void) {
    uint32_t n;
    if (getrandom(&n, sizeof n, 0) == (ssize_t)sizeof n) return n;
    const double now = roma_now();
    return roma_hash64(&now, sizeof now) & UINT32_MAX;
}

int ask_options_check(ask_options *o, roma_error *err) {
    for (size_t i = 0; i < o->stop.n; i++) o->stops[i] = (roma_answer_text){o->stop.item[i], strlen(o->stop.item[i])};
    o->ask.stops = (roma_answer_texts){o->stops, o->stop.n};
    o->ask.sampling.seed = o->seed.given || !ask_draws(&o->ask.sampling) ? o->seed.value : seed_drawn();
    return roma_answer_ask_check(&o->ask, err);
}
