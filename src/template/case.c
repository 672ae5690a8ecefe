/* Upper and lower case of characters, and which of them repr() prints as they are. */
#include "template/case.h"
#include "template/internal.h"

typedef struct {
    const tm_case_run *run;
    size_t n;
    const tm_case_more *more;
    size_t n_more;
} table;

static unsigned look(const table *t, uint32_t c, uint32_t out[3]) {
    for (size_t i = 0; i < t->n; i++) {
        const tm_case_run *r = &t->run[i];
        if (c < r->first || c > r->last || (c - r->first) % r->step) continue;
        out[0] = (uint32_t)((int32_t)c + r->delta);
        return 1;
    }
    for (size_t i = 0; i < t->n_more; i++) {
        if (t->more[i].c != c) continue;
        unsigned n = 0;
        for (; n < 3 && t->more[i].to[n]; n++) out[n] = t->more[i].to[n];
        return n;
    }
    return 0;
}

unsigned roma_template_map_case(uint32_t c, tm_case how, uint32_t out[3]) {
    const table lower = {roma_template_lower, roma_template_n_lower, roma_template_lower_more,
                         roma_template_n_lower_more},
                upper = {roma_template_upper, roma_template_n_upper, roma_template_upper_more,
                         roma_template_n_upper_more},
                title = {roma_template_title, roma_template_n_title, roma_template_title_more,
                         roma_template_n_title_more};
    if (c < 0x80) {
        const bool up = c >= 'A' && c <= 'Z', low = c >= 'a' && c <= 'z';
        if (how == TM_LOWER ? !up : !low) return 0;
        out[0] = c ^ 0x20;
        return 1;
    }
    if (how == TM_LOWER) return look(&lower, c, out);
    if (how == TM_TITLE) {
        const unsigned n = look(&title, c, out);
        if (n) return n;
    }
    return look(&upper, c, out);
}

bool roma_template_printable(uint32_t c) {
    size_t low = 0, high = roma_template_n_hidden;
    if (c >= 0x110000) return true; /* no character: left as it is */
    if (c < 0x7f) return c >= 0x20;
    while (low < high) {
        const size_t mid = (low + high) / 2;
        if (c > roma_template_hidden[mid].last)
            low = mid + 1;
        else
            high = mid;
    }
    return low == roma_template_n_hidden || c < roma_template_hidden[low].first;
}

bool roma_template_is_cased(uint32_t c) {
    uint32_t other[3];
    return roma_template_map_case(c, TM_LOWER, other) || roma_template_map_case(c, TM_UPPER, other);
}
