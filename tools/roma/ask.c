/* What is asked of an answer; contract in ask.h. */
#include "ask.h"

#include <string.h>

int ask_options_check(ask_options *o, roma_error *err) {
    for (size_t i = 0; i < o->stop.n; i++) o->stops[i] = (roma_answer_text){o->stop.item[i], strlen(o->stop.item[i])};
    o->ask.stops = (roma_answer_texts){o->stops, o->stop.n};
    return roma_answer_ask_check(&o->ask, err);
}
