/* What is asked of an answer; contract in ask.h. */
#include "ask.h"
#include "tool.h"

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

int ask_form_read(ask_options *o, roma_error *err) {
    const char *path = o->schema ? o->schema : o->grammar;
    roma_buf text = {0};
    if (o->schema && o->grammar)
        return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE, "give --json-schema or --grammar, not both");
    if (!path) return ROMA_OK;
    int rc = read_all(&text, path, err);
    if (!rc)
        rc = roma_constrain_create(&o->form, o->schema ? ROMA_CONSTRAIN_SCHEMA : ROMA_CONSTRAIN_GRAMMAR,
                                   (const char *)text.data, text.len, path, err);
    roma_buf_destroy(&text);
    o->ask.form = o->form;
    return rc;
}

void ask_form_free(ask_options *o) {
    roma_constrain_destroy(o->form);
    o->form = NULL;
}
