/* The errand: a prompt in chunks, then token after token, each step on the simulated chip and beside it on engine and
 * chip model. */
#include "internal.h"

#include <string.h>
#include <time.h>

/* Cycles that the chip may take beyond the model's: what has not come by then never comes. */
enum { PATIENCE = 512 };

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* What the host writes for a step (rtl/roma_root.v), and so many cycles. */
static int send_step(const cosim *s, cosim_child *child, const int32_t *tokens, roma_error *err) {
    roma_buf b = {0};
    roma_buf_print(&b, "0 0 %x\n", s->rows | (unsigned)s->logits << 8);
    for (uint32_t i = 0; i < s->rows; i++)
        roma_buf_print(&b, "0 %x %x%08x\n", i + 1, (unsigned)tokens[i], s->position + i);
    roma_buf_print(&b, "1 0 0\nf0 0 %llx\n", (unsigned long long)(s->schedule.cycles + PATIENCE));
    const int rc = b.failed ? roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for a step")
                            : roma_cosim_child_send(child, b.data, b.len, err);
    roma_buf_destroy(&b);
    return rc;
}

static int step(cosim *s, cosim_child *child, const int32_t *tokens, uint32_t n, bool logits, roma_error *err) {
    int rc = roma_cosim_expect(s, tokens, n, logits, err);
    if (!rc) rc = send_step(s, child, tokens, err);
    while (!rc) {
        char *line = roma_cosim_child_line(child);
        if (!line) return roma_fail(err, ROMA_EIO, "", ROMA_NOWHERE, "the simulation ended by itself");
        if (line[0] == '.') break;
        rc = roma_cosim_line(s, line, err);
        if (!rc && s->report->mismatches && !s->config->all) return ROMA_OK;
    }
    if (!rc) roma_cosim_step_end(s);
    s->report->cycles_rtl += s->end;
    s->report->cycles_model += s->schedule.cycles;
    s->position += n;
    s->step++;
    return rc;
}

static bool goes_on(const cosim *s) { return s->config->all || !s->report->mismatches; }

static int run(cosim *s, cosim_child *child, roma_error *err) {
    const roma_cosim_config *c = s->config;
    const uint32_t most = (uint32_t)c->place->chip.chunk_rows, chunk = c->chunk ? c->chunk : most;
    int rc = ROMA_OK;
    for (size_t at = 0; !rc && at < c->n_prompt && goes_on(s);) {
        const uint32_t n = c->n_prompt - at < chunk ? (uint32_t)(c->n_prompt - at) : chunk;
        rc = step(s, child, c->prompt + at, n, at + n == c->n_prompt, err);
        at += n;
    }
    if (!rc && goes_on(s)) s->report->tokens = 1;
    while (!rc && s->report->tokens && s->report->tokens < c->tokens && goes_on(s)) {
        const int32_t token = s->token;
        if (c->progress && c->progress->fn &&
            c->progress->fn(c->progress->ctx, "simulating", s->report->tokens, c->tokens))
            return roma_fail(err, ROMA_ECANCEL, "", ROMA_NOWHERE, "interrupted");
        rc = step(s, child, &token, 1, true, err);
        if (!rc && goes_on(s)) s->report->tokens++;
    }
    return rc;
}

int roma_cosim_run(const roma_cosim_config *c, roma_cosim_report *out,
                   void (*record)(void *ctx, const roma_cosim_record *r), void *ctx, roma_error *err) {
    cosim_build b;
    cosim s = {.report = out, .record = record, .ctx = ctx};
    cosim_child *child = roma_alloc(sizeof *child);
    *out = (roma_cosim_report){0};
    if (!child) return roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for a simulation");
    child->pid = 0;
    int rc = roma_cosim_build(&b, c, err);
    out->build_seconds = b.seconds;
    if (!rc) rc = roma_cosim_open(&s, c, err);
    char *const argv[] = {b.sim, NULL};
    if (!rc) rc = roma_cosim_child_start(child, b.folder, argv, err);
    const double begin = now();
    if (!rc) rc = run(&s, child, err);
    out->seconds = now() - begin;
    roma_cosim_child_end(child);
    roma_free(child);
    if (s.config) roma_exec_tap(c->engine, NULL, NULL, NULL);
    if (s.config) roma_cosim_close(&s);
    roma_cosim_build_end(&b);
    return rc;
}
