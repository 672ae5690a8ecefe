/* What is asked of an answer; contract in ask.h. */
#include "ask.h"

#include <string.h>

int ask_check(const ask *a, roma_error *err) {
    for (size_t i = 0; i < a->stops.n; i++)
        if (!a->stops.item[i].len)
            return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE, "a stop text must not be empty");
    return roma_sampling_check(&a->sampling, err);
}

void ask_default(ask_options *o) {
    memset(o, 0, sizeof *o);
    roma_sampling_default(&o->ask.sampling);
    o->ask.limit = 512;
}

int ask_options_check(ask_options *o, roma_error *err) {
    for (size_t i = 0; i < o->stop.n; i++) o->stops[i] = (piece){o->stop.item[i], strlen(o->stop.item[i])};
    o->ask.stops = (pieces){o->stops, o->stop.n};
    return ask_check(&o->ask, err);
}
