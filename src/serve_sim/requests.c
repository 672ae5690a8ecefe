/* Requests: drawn, or read from a file. */
#include "serve_sim/internal.h"

#include <math.h>
#include <string.h>

/* ---- drawn ---- */

/* splitmix64 */
static uint64_t next(uint64_t *state) {
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static double share(uint64_t *state) { return (double)(next(state) >> 11) * 0x1p-53; } /* [0, 1) */

static uint32_t between(uint64_t *state, uint32_t least, uint32_t most) {
    return least + (uint32_t)(share(state) * ((double)most - least + 1));
}

/* Poisson arrivals: exponential gaps. A request takes as many draws whatever is asked, so that the same requests come
 * at the same times with other lengths. */
static void draw(roma_serve_sim *s, const roma_serve_sim_config *c) {
    uint64_t state = c->seed;
    double at = 0;
    for (s->n = 0; s->n < c->requests; s->n++) {
        at += -log1p(-share(&state));
        roma_serve_sim_request *r = &s->requests[s->n];
        r->arrival = at;
        r->prompt = between(&state, c->prompt_least, c->prompt_most);
        r->output = between(&state, c->output_least, c->output_most);
        r->adapter = between(&state, 0, c->rank ? c->adapters - 1 : 0);
    }
}

/* ---- from a file ---- */

typedef struct {
    const char *file;
    uint64_t line;
    roma_error *err;
} place;

#define BAD(at, ...) roma_fail_line((at)->err, ROMA_EINPUT, (at)->file, (at)->line, __VA_ARGS__)

enum { FIELDS = 4, SECONDS = 0, PROMPT, OUTPUT, ADAPTER, LEAST_FIELDS = 3 };

static bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }

/* *n numbers of a line. */
static int numbers(double v[FIELDS], int *n, const char *s, const char *e, const place *at) {
    char shown[48];
    for (*n = 0;; ++*n) {
        while (s < e && is_blank(*s)) s++;
        if (s == e || *s == ';') return ROMA_OK;
        const char *begin = s;
        while (s < e && !is_blank(*s)) s++;
        if (*n == FIELDS) return BAD(at, "more than four numbers; a line is `seconds prompt output [adapter]`");
        if (!roma_real_read(begin, (size_t)(s - begin), &v[*n]))
            return BAD(at, "%s is not a number; a line is `seconds prompt output [adapter]`",
                       roma_error_name(shown, sizeof shown, begin, (size_t)(s - begin)));
    }
}

static bool is_count(double v, double least, double most) { return v >= least && v <= most && v == floor(v); }

static int add(roma_serve_sim *s, size_t *cap, const double v[FIELDS], const roma_serve_sim_config *c,
               const place *at) {
    const uint32_t adapters = c->rank ? c->adapters : 1;
    const double before = s->n ? s->requests[s->n - 1].arrival : 0;
    if (!(v[SECONDS] >= before && v[SECONDS] <= 1e12))
        return BAD(at, "seconds must be %.10g to 1e12: lines are in order of arrival, from 0 on", before);
    if (!is_count(v[PROMPT], 1, ROMA_COST_PROMPT_MAX) || !is_count(v[OUTPUT], 1, ROMA_COST_PROMPT_MAX))
        return BAD(at, "prompt and output must be whole numbers of 1 to %d tokens", ROMA_COST_PROMPT_MAX);
    if (!is_count(v[ADAPTER], 0, adapters - 1))
        return BAD(at, "the adapter must be a whole number of 0 to %u, less than --adapters", adapters - 1);
    if (s->n == ROMA_SERVE_SIM_REQUESTS_MAX) return BAD(at, "more than %d requests", ROMA_SERVE_SIM_REQUESTS_MAX);
    if (!ROMA_GROW(&s->requests, s->n, cap))
        return roma_fail(at->err, ROMA_ENOMEM, at->file, ROMA_NOWHERE, "no memory for the requests");
    s->requests[s->n++] =
        (roma_serve_sim_request){v[SECONDS], (uint32_t)v[PROMPT], (uint32_t)v[OUTPUT], (uint32_t)v[ADAPTER]};
    return ROMA_OK;
}

static int read_text(roma_serve_sim *s, const char *text, size_t len, const roma_serve_sim_config *c, roma_error *err) {
    place at = {c->arrivals, 0, err};
    size_t cap = 0;
    int rc = ROMA_OK;
    for (const char *b = len ? text : "", *end = b + len; b < end && !rc;) {
        const char *e = memchr(b, '\n', (size_t)(end - b));
        double v[FIELDS] = {0};
        int n;
        if (!e) e = end;
        at.line++;
        rc = numbers(v, &n, b, e, &at);
        if (!rc && n && n < LEAST_FIELDS) rc = BAD(&at, "%d of three numbers: `seconds prompt output [adapter]`", n);
        if (!rc && n) rc = add(s, &cap, v, c, &at);
        b = e < end ? e + 1 : end;
    }
    if (!rc && !s->n) rc = roma_fail(err, ROMA_EINPUT, c->arrivals, ROMA_NOWHERE, "the file has no request");
    return rc;
}

int roma_serve_sim_requests(roma_serve_sim *s, const roma_serve_sim_config *c, roma_error *err) {
    s->is_drawn = !c->arrivals;
    if (s->is_drawn) {
        s->requests = roma_alloc_array(c->requests, sizeof *s->requests);
        if (!s->requests) return roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the requests");
        draw(s, c);
        return ROMA_OK;
    }
    roma_map m;
    int rc = roma_map_open(&m, c->arrivals, err);
    if (rc) return rc;
    rc = read_text(s, (const char *)m.data, (size_t)m.size, c, err);
    roma_map_close(&m);
    return rc;
}
