/* roma bench: tokens a second of prefill and decode, beside what the machine's memory and multipliers could do at best. */
#include "roof.h"
#include "tool.h"

#include <stdlib.h>
#include <string.h>

enum { LIST_MAX = 16, REPEATS = 3, ROWS_MAX = 4 * LIST_MAX * LIST_MAX };

typedef struct {
    uint32_t v[LIST_MAX];
    size_t n;
} number_list;

typedef struct {
    const char *test;
    uint32_t tokens, batch;
    int threads;
    double tok_s, gb_s, gmac_s;
} row;

typedef struct {
    session s;
    session_config config;
    number_list prompts, batches, threads;
    uint32_t decode;
    row rows[ROWS_MAX];
    size_t n_rows;
    double read_gb_s, int8_gmac_s;
    double bytes, mac; /* of one token: weights read in a one-row step, multiply-adds */
} bench;

static int parse_list(const char *text, const char *name, uint32_t max, number_list *out) {
    out->n = 0;
    for (const char *p = text;; p++) {
        char *end;
        const unsigned long v = strtoul(p, &end, 10);
        if (*p < '0' || *p > '9' || v < 1 || v > max || out->n == LIST_MAX || (*end && *end != ','))
            return usage_error("bench", "%s takes up to %d whole numbers from 1 to %u, separated by commas", name, LIST_MAX, max);
        out->v[out->n++] = (uint32_t)v;
        p = end;
        if (!*p) return OPTIONS_GO;
    }
}

static void count_work(bench *b) {
    const roma_plan *p = &b->s.plan;
    for (size_t i = 0; i < p->n_ops; i++) {
        if (p->ops[i].kind != ROMA_OP_LINEAR) continue;
        b->bytes += (double)p->desc->tensors[p->ops[i].tensor].bytes;
        b->mac += (double)roma_op_mac(p, &p->ops[i], 1);
    }
}

static int32_t some_token(const bench *b, uint64_t i) { return (int32_t)(roma_random(1, i) % b->s.image.desc.hyper.vocab); }

static int prefill(bench *b, uint32_t n, double *seconds, roma_error *err) {
    roma_exec_row rows[ROMA_EXEC_ROWS_MAX];
    const uint32_t step = roma_exec_memory_of(b->s.exec)->rows;
    roma_exec_truncate(b->s.exec, 0, 0);
    const double began = roma_now();
    for (uint32_t at = 0; at < n; at += step) {
        const uint32_t m = n - at < step ? n - at : step;
        for (uint32_t i = 0; i < m; i++) rows[i] = (roma_exec_row){some_token(b, at + i), 0, at + i, 0, at + i + 1 == n};
        const int rc = roma_exec_step(b->s.exec, rows, m, err);
        if (rc) return rc;
        if (interrupted) return roma_fail(err, ROMA_ECANCEL, "", ROMA_NOWHERE, "interrupted");
    }
    *seconds = roma_now() - began;
    return ROMA_OK;
}

static int decode(bench *b, uint32_t n, uint32_t batch, double *seconds, roma_error *err) {
    roma_exec_row rows[ROMA_EXEC_ROWS_MAX];
    for (uint32_t s = 0; s < batch; s++) roma_exec_truncate(b->s.exec, s, 0);
    const double began = roma_now();
    for (uint32_t at = 0; at < n; at++) {
        for (uint32_t s = 0; s < batch; s++) rows[s] = (roma_exec_row){some_token(b, at * batch + s), s, at, 0, true};
        const int rc = roma_exec_step(b->s.exec, rows, batch, err);
        if (rc) return rc;
        if (interrupted) return roma_fail(err, ROMA_ECANCEL, "", ROMA_NOWHERE, "interrupted");
    }
    *seconds = roma_now() - began;
    return ROMA_OK;
}

/* Best of three after one short run that warms up. */
static int measure(bench *b, bool is_prefill, uint32_t tokens, uint32_t batch, roma_error *err) {
    double best = 0, seconds = 0;
    for (int i = 0; i <= REPEATS; i++) {
        const uint32_t n = i || tokens < 16 ? tokens : 16;
        const int rc = is_prefill ? prefill(b, n, &seconds, err) : decode(b, n, batch, &seconds, err);
        if (rc) return rc;
        if (i == 1 || (i && seconds < best)) best = seconds;
    }
    const double steps = is_prefill ? (double)tokens / roma_exec_memory_of(b->s.exec)->rows : tokens;
    const double all = (double)tokens * batch;
    row *r = &b->rows[b->n_rows++];
    *r = (row){is_prefill ? "prefill" : "decode", tokens, batch, roma_exec_threads(b->s.exec), all / best,
               b->bytes * (steps < 1 ? 1 : steps) / best / 1e9, b->mac * all / best / 1e9};
    note("%-8s %5u tokens, batch %3u, %2d threads: %9.1f tok/s", r->test, tokens, batch, r->threads, r->tok_s);
    return ROMA_OK;
}

static uint32_t most(const number_list *l, uint32_t at_least) {
    uint32_t m = at_least;
    for (size_t i = 0; i < l->n; i++)
        if (l->v[i] > m) m = l->v[i];
    return m;
}

/* All tests with one number of threads. */
static int run_threads(bench *b, uint32_t threads, roma_error *err) {
    session_config c = b->config;
    c.threads = threads;
    c.sequences = c.logit_rows = most(&b->batches, 1);
    c.context = most(&b->prompts, b->decode);
    if (!c.rows) c.rows = c.sequences > 128 ? c.sequences : 128;
    if (c.rows < c.sequences) c.rows = c.sequences;
    int rc = session_start(&b->s, &c, err);
    if (rc) return rc;
    const double read = roof_read_gb_s(roma_exec_team(b->s.exec)), mac = roof_int8_gmac_s(roma_exec_team(b->s.exec));
    if (read > b->read_gb_s) b->read_gb_s = read;
    if (mac > b->int8_gmac_s) b->int8_gmac_s = mac;
    for (size_t i = 0; i < b->prompts.n && !rc; i++) rc = measure(b, true, b->prompts.v[i], 1, err);
    for (size_t i = 0; i < b->batches.n && !rc && b->decode; i++) rc = measure(b, false, b->decode, b->batches.v[i], err);
    roma_exec_destroy(b->s.exec);
    b->s.exec = NULL;
    roma_arena_destroy(&b->s.answer);
    return rc;
}

static int report(const bench *b, bool as_json) {
    roma_buf out = {0};
    json j = {&out, false};
    if (as_json) {
        json_open(&j, NULL, '{');
        json_open(&j, "rows", '[');
    } else {
        roma_buf_print(&out, "%-8s %7s %6s %8s %11s %8s %9s\n", "test", "tokens", "batch", "threads", "tok/s", "GB/s", "GMAC/s");
    }
    for (size_t i = 0; i < b->n_rows; i++) {
        const row *r = &b->rows[i];
        if (!as_json) {
            roma_buf_print(&out, "%-8s %7u %6u %8d %11.1f %8.1f %9.1f\n", r->test, r->tokens, r->batch, r->threads, r->tok_s, r->gb_s, r->gmac_s);
            continue;
        }
        json_open(&j, NULL, '{');
        json_string(&j, "test", r->test);
        json_int(&j, "tokens", r->tokens);
        json_int(&j, "batch", r->batch);
        json_int(&j, "threads", r->threads);
        json_real(&j, "tok_s", r->tok_s);
        json_real(&j, "gb_s", r->gb_s);
        json_real(&j, "gmac_s", r->gmac_s);
        json_close(&j, '}');
    }
    if (as_json) {
        json_close(&j, ']');
        json_real(&j, "read_gb_s", b->read_gb_s);
        json_real(&j, "int8_gmac_s", b->int8_gmac_s);
        json_close(&j, '}');
        roma_buf_append(&out, "\n", 1);
    } else {
        roma_buf_print(&out, "at best: %.1f GB/s read, %.1f GMAC/s of 8-bit products\n", b->read_gb_s, b->int8_gmac_s);
    }
    return print_buf("bench", &out, 0);
}

int verb_bench(int argc, char **argv) {
    static bench b;
    const char *prompts = "128,512", *batches = "1", *threads = NULL, *operand[OPERANDS_MAX];
    bool as_json = false;
    size_t n;
    b.decode = 64;
    const option own[] = {{"prompt", 'p', OPT_TEXT, &prompts, "N,...", 0, 0, "prompt lengths to prefill (default: 128,512)"},
                          {"n", 'n', OPT_COUNT, &b.decode, "N", 0, 16777216, "tokens to decode (default: 64; 0: none)"},
                          {"batch", 'b', OPT_TEXT, &batches, "N,...", 0, 0, "sequences decoded together (default: 1)"},
                          {"threads", 't', OPT_TEXT, &threads, "N,...", 0, 0, "threads (default: all CPUs)"},
                          {"json", 0, OPT_FLAG, &as_json, NULL, 0, 0, "one JSON object on standard output"},
                          {"isa", 0, OPT_TEXT, &b.config.isa, "NAME", 0, 0, "instruction set: scalar, avx2, avx512 (default: the best here)"},
                          {"no-verify", 0, OPT_FLAG, &b.config.no_verify, NULL, 0, 0, "skip the checksums on opening"},
                          {"rows", 0, OPT_COUNT, &b.config.rows, "N", 1, ROMA_EXEC_ROWS_MAX, NULL},
                          {0}};
    const usage u = {"bench", "IMAGE [options]",
                     "Measures prefill and decode, best of three, with the bytes of weights and the multiply-adds a second they amount\n"
                     "to, beside the best that this machine's memory and 8-bit multipliers do.",
                     "roma bench model.roma -p 128,512 -n 64 -t 1,2", own, NULL, 1, 1};
    int rc = options_parse(&u, argc, argv, operand, &n);
    if (rc == OPTIONS_GO) rc = parse_list(prompts, "--prompt", 1u << 24, &b.prompts);
    if (rc == OPTIONS_GO) rc = parse_list(batches, "--batch", ROMA_EXEC_ROWS_MAX, &b.batches);
    if (rc == OPTIONS_GO && threads) rc = parse_list(threads, "--threads", 64, &b.threads);
    if (rc != OPTIONS_GO) return rc;
    if (!threads) b.threads = (number_list){{(uint32_t)roma_cpu_count()}, 1};
    roma_error err;
    b.config.image = operand[0];
    interrupt_catch(false);
    if (session_open(&b.s, &b.config, &err)) return fail("bench", &err);
    count_work(&b);
    rc = 0;
    for (size_t i = 0; i < b.threads.n && !rc; i++) rc = run_threads(&b, b.threads.v[i], &err);
    const int exit_code = rc ? fail("bench", &err) : report(&b, as_json);
    session_close(&b.s);
    return exit_code;
}
