/* What the bench saw: the lines of rtl/cosim. */
#include "internal.h"

#include <string.h>

enum { FIELDS = 8 };

static int is_none(roma_error *err) {
    return roma_fail(err, ROMA_EINTERNAL, "", ROMA_NOWHERE, "the simulation says what no probe says");
}

/* R cycle kind unit number block from */
static void take_reads(cosim *s, char kind, const uint64_t *f) {
    const bool is_rider = kind == 'A';
    cosim_instance *x = is_rider ? roma_cosim_rider(s, f[2], f[3]) : roma_cosim_find(s, f[2], f[3], COSIM_BASE);
    const bool is_vector = kind == 'V' || kind == 'S';
    if (!x || f[1] >= (is_vector ? s->vectors : s->units)) {
        roma_cosim_stray(s, is_rider ? "a read for an adapter" : "a read", f[2], f[3] & 0xff, f[1], f[0]);
        return;
    }
    uint64_t *r = roma_cosim_reads(s, x, (size_t)f[1] + (is_vector ? s->units : 0));
    if (r[0] == UINT64_MAX) {
        r[0] = f[4], r[1] = 0;
        const bool is_product = kind == 'L' && s->plan->ops[x->op].kind == ROMA_OP_LINEAR;
        if (kind == 'V' || is_product) roma_cosim_hold(s, x, "start", kind, f[1], f[4], x->model.start);
        if (x->differs && !s->config->all) roma_cosim_retire(s, x);
    }
    if (f[0] > r[1]) r[1] = f[0];
    if (f[1] == 0 || s->plan->ops[x->op].kind == ROMA_OP_EMBED) x->reads += f[0] - f[4];
}

/* Hexadecimal fields behind the first letter; a letter that stands alone in second place of an R line is its kind. */
static size_t fields(const char *line, uint64_t out[FIELDS]) {
    size_t n = 0;
    while (*line == ' ' && n < FIELDS) {
        uint64_t v = 0;
        for (line++; *line && *line != ' '; line++) {
            const char c = *line;
            if (c >= '0' && c <= '9')
                v = v << 4 | (uint64_t)(c - '0');
            else if (c >= 'a' && c <= 'f')
                v = v << 4 | (uint64_t)(c - 'a' + 10);
            else
                return 0; /* x and z too: a value that is none */
        }
        out[n++] = v;
    }
    return *line ? 0 : n;
}

int roma_cosim_line(cosim *s, char *line, roma_error *err) {
    uint64_t f[FIELDS];
    char kind = 0;
    if (line[0] == 'R') {
        char *at = strchr(line + 2, ' ');
        if (!at || !at[1] || at[2] != ' ') return is_none(err);
        kind = at[1];
        memmove(at, at + 2, strlen(at + 2) + 1);
    }
    const size_t n = fields(line + 1, f);
    if (n) s->cycle = f[0];
    switch (line[0]) {
    case 'R': return n == 5 ? (take_reads(s, kind, f), ROMA_OK) : is_none(err);
    case 'W': return n == 7 ? (roma_cosim_write(s, f), ROMA_OK) : is_none(err);
    case 'C': return n == 8 ? (roma_cosim_codes(s, f), ROMA_OK) : is_none(err);
    case 'E': return n == 2 ? (roma_cosim_codes_end(s, f), ROMA_OK) : is_none(err);
    case 'K': return n == 5 ? (roma_cosim_page(s, f), ROMA_OK) : is_none(err);
    case 'S': return n == 4 ? (roma_cosim_scale(s, f), ROMA_OK) : is_none(err);
    case 'L': return n == 4 ? (roma_cosim_logit(s, f), ROMA_OK) : is_none(err);
    case 'M': return n == 3 ? (roma_cosim_choice(s, f), ROMA_OK) : is_none(err);
    case 'B': return n == 1 ? (roma_cosim_best(s, f), ROMA_OK) : is_none(err);
    case 'T': return n == 2 ? (roma_cosim_token(s, f), ROMA_OK) : is_none(err);
    case 'D': return n == 5 ? (roma_cosim_down(s, f), ROMA_OK) : is_none(err);
    case 'U': return n == 6 ? (roma_cosim_up(s, f), ROMA_OK) : is_none(err);
    case 'Y': return n == 6 ? (roma_cosim_sum_of(s, f), ROMA_OK) : is_none(err);
    default: return is_none(err);
    }
}
