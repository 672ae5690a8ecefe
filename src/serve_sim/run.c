/* A load's row out of what happened to its requests. */
#include "serve_sim/internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int ascending(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Nearest rank of n sorted values; 0 of none. */
static double percentile(const double *sorted, size_t n, double p) {
    const double rank = ceil(p * (double)n);
    return n ? sorted[rank > 1 ? (size_t)rank - 1 : 0] : 0;
}

/* ms: [s->n], scratch. */
static void add_latencies(roma_serve_sim_row *out, const roma_serve_sim *s, const serve_sim_record *r, double *ms) {
    const uint32_t first = s->n / 10;
    size_t n = 0;
    double wait = 0;
    for (uint32_t i = first; i < s->n; i++) {
        wait += r[i].start - r[i].arrival;
        ms[n++] = 1e3 * (r[i].first - r[i].arrival);
    }
    qsort(ms, n, sizeof *ms, ascending);
    out->wait_mean_ms = 1e3 * wait / (double)n;
    out->ttft_p50_ms = percentile(ms, n, 0.5);
    out->ttft_p99_ms = percentile(ms, n, 0.99);
    n = 0;
    for (uint32_t i = first; i < s->n; i++)
        if (s->requests[i].output > 1) ms[n++] = 1e3 * (r[i].end - r[i].first) / (s->requests[i].output - 1);
    qsort(ms, n, sizeof *ms, ascending);
    out->tpot_p50_ms = percentile(ms, n, 0.5);
    out->tpot_p99_ms = percentile(ms, n, 0.99);
}

/* Where each request was when the last one came. */
static void add_counts(roma_serve_sim_row *out, const roma_serve_sim *s, const serve_sim_record *r, double at) {
    out->arrived = s->n;
    for (uint32_t i = 0; i < s->n; i++) {
        out->finished += r[i].end <= at;
        out->running += r[i].end > at && r[i].admitted <= at;
        out->waiting += r[i].admitted > at;
    }
}

static void make_row(roma_serve_sim_row *out, const roma_serve_sim *s, double load, const serve_sim_record *r,
                     const serve_sim_counts *c, double *ms) {
    const double window = c->end - c->begin;
    memset(out, 0, sizeof *out);
    out->load = s->is_drawn ? load : (window > 0 ? (s->n - 1 - s->n / 10) / window : 0);
    out->offered = out->load / s->capacity;
    if (window > 0) {
        out->tok_s = c->tokens / window;
        out->req_s = c->finished / window;
        out->utilisation = c->busy_s / window;
    }
    out->batch_mean = c->steps > 0 ? c->rows / c->steps : 0;
    out->running_max = c->running_max;
    out->adapter_loads = c->loads;
    add_latencies(out, s, r, ms);
    add_counts(out, s, r, c->end);
}

int roma_serve_sim_run(roma_serve_sim *s, double load, roma_serve_sim_row *out, roma_error *err) {
    serve_sim_counts counts = {0};
    if (s->is_drawn && !(load > 0 && load <= 1e12))
        return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE, "a load is above 0 requests a second, 1e12 at most");
    serve_sim_record *records = roma_alloc_array(s->n, sizeof *records);
    double *ms = roma_alloc_array(s->n, sizeof *ms);
    int rc = ROMA_OK;
    if (!records || !ms) rc = roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for %u requests", s->n);
    if (!rc) rc = roma_serve_sim_loop(s, load, records, &counts, err);
    if (!rc) make_row(out, s, load, records, &counts, ms);
    roma_free(records);
    roma_free(ms);
    return rc;
}
