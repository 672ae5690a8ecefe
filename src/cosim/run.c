/* The errand: a prompt in chunks, then token after token, each step on the simulated chip and beside it on engine and
 * chip model. */
#include "internal.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

/* Cycles that the chip may take beyond the model's: what has not come by then never comes. Cycles that pass between two
 * looks at that. */
enum { PATIENCE = 512, STRETCH = 256 };

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- faults ---- */

/* NAME[:STEP[:FROM[:TO]]], in decimal: steps from 1, 0 for every one. "none" is a simulator with faults, none planted.
 */
static int find_fault(cosim *s, roma_error *err) {
    const char *text = s->config->fault;
    if (!text || strcmp(text, "none") == 0) return ROMA_OK;
    const size_t len = strcspn(text, ":");
    const char *names[128];
    size_t n = 0;
    for (const roma_rtl_fault *f; n < 127 && (f = roma_rtl_fault_at((unsigned)n)); n++) {
        names[n] = f->name;
        if (strlen(f->name) == len && memcmp(f->name, text, len) == 0) s->fault = (uint32_t)n + 1;
    }
    if (!s->fault) {
        char given[32] = "", shown[64];
        if (len < sizeof given) memcpy(given, text, len);
        const char *near = roma_nearest(given, names, n);
        roma_error_name(shown, sizeof shown, text, len);
        return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE,
                         "there is no fault '%s'%s%s%s; `roma cosim --faults` lists them", shown,
                         near ? ", did you mean '" : "", near ? near : "", near ? "'" : "");
    }
    const roma_rtl_fault *f = roma_rtl_fault_at(s->fault - 1);
    const uint32_t units = (uint32_t)s->config->place->chip.matrix_units;
    if (!roma_rtl_fault_fits(f, f->unit < units ? f->unit : units - 1, s->config->styles))
        return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE,
                         "--fault %s turns a bit of an array; give it without a --style of its L-Unit", f->name);
    uint64_t v[3] = {0, 0, UINT32_MAX};
    for (size_t i = 0; text += strcspn(text, ":"), *text; i++) {
        const size_t digits = strcspn(++text, ":");
        if (i == 3 || !roma_json_to_u64(text, digits, &v[i]) || v[i] > UINT32_MAX)
            return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE,
                             "--fault takes NAME[:STEP[:FROM[:TO]]], whole numbers");
    }
    s->fault_step = (uint32_t)v[0], s->fault_from = (uint32_t)v[1], s->fault_to = (uint32_t)v[2];
    return ROMA_OK;
}

/* Words of the simulator's command line that plant the fault. */
static void plant(const cosim *s, char words[4][40]) {
    const uint32_t to = s->fault_to < INT32_MAX ? s->fault_to : INT32_MAX;
    roma_print(words[0], sizeof words[0], "+fault=%u", s->fault);
    roma_print(words[1], sizeof words[1], "+fault_step=%u", s->fault_step);
    roma_print(words[2], sizeof words[2], "+fault_from=%u", s->fault_from);
    roma_print(words[3], sizeof words[3], "+fault_to=%u", to);
}

/* ---- steps ---- */

/* Sends commands, and keeps these for a run with a waveform; takes *b. */
static int send(cosim *s, cosim_child *child, roma_buf *b, roma_error *err) {
    roma_buf_append(&s->sent, b->data, b->len);
    const int rc = b->failed || s->sent.failed ? roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for a step")
                                               : roma_cosim_child_send(child, b->data, b->len, err);
    roma_buf_destroy(b);
    return rc;
}

/* What the host writes for a step (rtl/roma_root.v). */
static int send_step(cosim *s, cosim_child *child, const int32_t *tokens, roma_error *err) {
    roma_buf b = {0};
    roma_buf_print(&b, "h 0 0 %llx\n", (unsigned long long)(s->rows | (uint64_t)s->logits << 8 | s->lora.word0));
    for (size_t i = 0; i < s->lora.words; i++)
        roma_buf_print(&b, "h 0 %x %llx\n", s->lora.word[i].index, (unsigned long long)s->lora.word[i].data);
    for (uint32_t i = 0; i < s->rows; i++)
        roma_buf_print(&b, "h 0 %x %x%08x\n", i + 1, (unsigned)tokens[i], s->position + i);
    roma_buf_print(&b, "h 1 0 0\n");
    return send(s, child, &b, err);
}

/* Takes the lines of some cycles. A difference ends them, unless all are wanted. */
static int pass(cosim *s, cosim_child *child, uint64_t cycles, roma_error *err) {
    roma_buf b = {0};
    roma_buf_print(&b, "c %llx\n", (unsigned long long)cycles);
    s->stretches++;
    for (int rc = send(s, child, &b, err); !rc;) {
        char *line = roma_cosim_child_line(child);
        if (!line) return roma_fail(err, ROMA_EIO, "", ROMA_NOWHERE, "the simulation ended by itself");
        if (line[0] == '.') return ROMA_OK;
        rc = roma_cosim_line(s, line, err);
        if (rc || (s->report->mismatches && !s->config->all)) return rc;
    }
    return ROMA_EIO;
}

static int step(cosim *s, cosim_child *child, const int32_t *tokens, uint32_t n, bool logits, roma_error *err) {
    roma_buf load = {0};
    int rc = roma_cosim_lora_take(s, &load, err);
    roma_buf_append(&s->sent, load.data, load.len);
    if (!rc) rc = roma_cosim_child_send(child, load.data, load.len, err);
    roma_buf_destroy(&load);
    if (!rc) rc = roma_cosim_expect(s, tokens, n, logits, err);
    if (!rc) rc = send_step(s, child, tokens, err);
    const uint64_t end = s->schedule.cycles + PATIENCE;
    for (uint64_t at = 0; !rc && at < end; at += STRETCH) {
        rc = pass(s, child, end - at < STRETCH ? end - at : STRETCH, err);
        if (!rc && at > PATIENCE && !s->report->mismatches) roma_cosim_hangs(s, at - PATIENCE);
        if (!rc && s->report->mismatches && !s->config->all) return ROMA_OK;
    }
    if (!rc) roma_cosim_step_end(s);
    s->report->cycles_rtl += s->end;
    s->report->cycles_model += s->schedule.cycles;
    s->position += n;
    s->step++;
    return rc;
}

/* Rows until another set of adapters begins, `most` at most: those of a step have one. */
static uint32_t rows_at(const cosim *s, size_t most) {
    for (size_t i = 0; i < s->config->n_sets; i++) {
        const uint32_t from = s->config->sets[i].position;
        if (from > s->position) return from - s->position < most ? from - s->position : (uint32_t)most;
    }
    return (uint32_t)most;
}

static bool goes_on(const cosim *s) { return s->config->all || !s->report->mismatches; }

static int run(cosim *s, cosim_child *child, roma_error *err) {
    const roma_cosim_config *c = s->config;
    const uint32_t most = (uint32_t)c->place->chip.chunk_rows, chunk = c->chunk ? c->chunk : most;
    int rc = roma_cosim_lora_open(s, err);
    for (size_t at = 0; !rc && at < c->n_prompt && goes_on(s);) {
        const uint32_t n = rows_at(s, c->n_prompt - at < chunk ? c->n_prompt - at : chunk);
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

/* ---- the waveform ---- */

/* Cycles before and after a difference that a waveform has. */
enum { BEFORE = 100, AFTER = 20 };

/* Runs the same steps once more and has a waveform written: around the first difference, or all of the last step where
 * there is none. */
static int write_waves(cosim *s, const cosim_build *b, cosim_child *child, char *const argv[], roma_error *err) {
    const bool differs = s->report->mismatches;
    const uint64_t from = !differs || s->cycle < BEFORE ? 0 : s->cycle - BEFORE,
                   to = differs ? s->cycle + AFTER : UINT32_MAX;
    char folder[4096] = "", head[9000];
    int rc = ROMA_OK;
    if (s->config->vcd[0] != '/' && !getcwd(folder, sizeof folder))
        rc = roma_fail_errno(err, s->config->vcd, "the working folder has no name");
    const uint32_t step = differs ? s->step + 1 : s->step;
    const int n = roma_print(head, sizeof head, "t %x %llx %llx %s%s%s\n", step, (unsigned long long)from,
                             (unsigned long long)to, folder, folder[0] ? "/" : "", s->config->vcd);
    if (!rc) rc = roma_cosim_child_start(child, b->folder, argv, err);
    if (!rc) rc = roma_cosim_child_send(child, head, (size_t)n, err);
    if (!rc) rc = roma_cosim_child_send(child, s->sent.data, s->sent.len, err);
    for (size_t left = s->stretches; !rc && left;) {
        const char *line = roma_cosim_child_line(child);
        if (!line) return roma_fail(err, ROMA_EIO, s->config->vcd, ROMA_NOWHERE, "the waveform cannot be written");
        left -= line[0] == '.';
    }
    roma_cosim_child_end(child, rc != ROMA_OK);
    return rc;
}

int roma_cosim_run(const roma_cosim_config *c, roma_cosim_report *out,
                   void (*record)(void *ctx, const roma_cosim_record *r), void *ctx, roma_error *err) {
    cosim_build b = {.seconds = 0};
    cosim s = {.report = out, .record = record, .ctx = ctx};
    cosim_child *child = roma_alloc(sizeof *child);
    *out = (roma_cosim_report){0};
    if (!child) return roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for a simulation");
    child->pid = 0;
    s.config = c;
    int rc = c->chunk > (uint32_t)c->place->chip.chunk_rows
                 ? roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE, "--chunk %u: the chip's chunk_rows are %u", c->chunk,
                             (uint32_t)c->place->chip.chunk_rows)
                 : find_fault(&s, err);
    if (!rc) rc = roma_cosim_build(&b, c, err);
    out->build_seconds = b.seconds;
    if (!rc) rc = roma_cosim_open(&s, c, err);
    char words[4][40];
    char *const argv[] = {b.sim, words[0], words[1], words[2], words[3], NULL};
    plant(&s, words);
    if (!rc) rc = roma_cosim_child_start(child, b.folder, argv, err);
    const double begin = now();
    if (!rc) rc = run(&s, child, err);
    out->seconds = now() - begin;
    roma_cosim_child_end(child, true);
    if (!rc && c->vcd) rc = write_waves(&s, &b, child, argv, err);
    roma_cosim_child_end(child, true);
    roma_free(child);
    roma_buf_destroy(&s.sent);
    if (s.plan) roma_exec_tap(c->engine, NULL, NULL, NULL);
    if (s.plan) roma_cosim_close(&s);
    roma_cosim_lora_close(&s);
    roma_cosim_build_end(&b);
    return rc;
}
