/* The runs of roma bench: the roofs first, then per number of threads every prompt and every batch.
 *
 * On a shared machine the bandwidth swings within a second. So reads of memory stand between the steps of a decode, and
 * its share is taken from neighbours: the best of a run's steps against the best of its reads, which are as long. */
#include "bench_run.h"
#include "roma/roof.h"

#include <string.h>

enum { REPEATS = 3, WARM = 16, READS = 5 };

static void count_work(bench *b) {
    const roma_plan *p = roma_answer_plan(b->s.a);
    const roma_hyper *h = &p->desc->hyper;
    const roma_kv_format *f = roma_kv_find(b->config.answer.kv); /* the engine refuses an unknown name */
    for (size_t i = 0; i < p->n_ops; i++) {
        const roma_image_tensor *matrix = roma_op_matrix(p, &p->ops[i]);
        if (!matrix) continue;
        bench_work *w = p->ops[i].last_rows_only ? &b->head : &b->body;
        w->bytes += (double)matrix->bytes;
        w->mac += (double)roma_op_mac(p, &p->ops[i], 1);
    }
    b->position =
        (double)h->layers * h->kv_heads * (double)roma_kv_bytes(f ? f : roma_kv_formats, h->head_dim) / ROMA_PAGE;
}

/* One step of n rows, `wanted` of them with logits, whose sequences hold `positions` afterwards, all together. */
static void count_step(const bench *b, bench_work *w, uint32_t n, uint32_t wanted, double positions) {
    w->bytes += b->body.bytes + (wanted ? b->head.bytes : 0) + positions * b->position;
    w->mac += n * b->body.mac + wanted * b->head.mac;
}

static int32_t some_token(const bench *b, uint64_t i) {
    return (int32_t)(roma_random(1, i) % roma_answer_image(b->s.a)->desc.hyper.vocab);
}

/* All sequences run with the adapters of the command line; with --spread each with one of them, in turn. */
static uint32_t set_of(const bench *b, uint32_t sequence) {
    return b->spread ? b->sets[sequence % b->config.lora.n] : b->s.set;
}

roma_exec_row bench_row_of(const bench *b, uint32_t sequence, uint32_t batch, uint32_t position) {
    return (roma_exec_row){some_token(b, (uint64_t)position * batch + sequence), sequence, position,
                           set_of(b, sequence), true};
}

static int step(bench *b, const roma_exec_row *rows, uint32_t n, roma_error *err) {
    const int rc = roma_exec_step(roma_answer_engine(b->s.a), rows, n, err);
    if (rc) return rc;
    return interrupted ? roma_fail(err, ROMA_ECANCEL, "", ROMA_NOWHERE, "interrupted") : ROMA_OK;
}

static int prefill(bench *b, uint32_t sequence, uint32_t n, bench_work *w, roma_error *err) {
    roma_exec_row rows[ROMA_EXEC_ROWS_MAX];
    const uint32_t most = roma_exec_memory_of(roma_answer_engine(b->s.a))->rows;
    roma_exec_truncate(roma_answer_engine(b->s.a), sequence, 0);
    for (uint32_t at = 0, m; at < n; at += m) {
        m = n - at < most ? n - at : most;
        for (uint32_t i = 0; i < m; i++)
            rows[i] = (roma_exec_row){some_token(b, at + i), sequence, at + i, set_of(b, sequence), at + i + 1 == n};
        const int rc = step(b, rows, m, err);
        if (rc) return rc;
        count_step(b, w, m, at + m == n, at + m);
    }
    return ROMA_OK;
}

double bench_read(bench *b) {
    const double rate = roma_roof_read_gb_s(b->roof_team, b->roof_memory);
    if (rate > b->read_gb_s) b->read_gb_s = rate;
    return rate;
}

/* What a run took: the time of its steps, and the best rates of a step and of the reads between. */
typedef struct {
    double seconds, step_gb_s, read_gb_s;
    bench_work work;
} run_time;

static int decode(bench *b, const bench_row *r, uint32_t n, run_time *t, roma_error *err) {
    roma_exec_row rows[ROMA_EXEC_ROWS_MAX];
    for (uint32_t i = 0; i < n; i++) {
        bench_work w = {0};
        if (i % ((n + READS - 1) / READS) == 0) {
            const double read = bench_read(b);
            if (read > t->read_gb_s) t->read_gb_s = read;
        }
        for (uint32_t s = 0; s < r->batch; s++) rows[s] = bench_row_of(b, s, r->batch, r->depth + i);
        const double began = roma_now();
        const int rc = step(b, rows, r->batch, err);
        const double seconds = roma_now() - began;
        if (rc) return rc;
        count_step(b, &w, r->batch, r->batch, (double)r->batch * (r->depth + i + 1));
        const double rate = roma_rate(w.bytes, seconds) / 1e9;
        if (rate > t->step_gb_s) t->step_gb_s = rate;
        t->seconds += seconds;
        t->work.bytes += w.bytes;
        t->work.mac += w.mac;
    }
    return ROMA_OK;
}

int bench_fill(bench *b, uint32_t batch, uint32_t depth, roma_error *err) {
    bench_work none = {0};
    int rc = ROMA_OK;
    for (uint32_t s = 0; s < batch && depth && !rc; s++) rc = prefill(b, s, depth, &none, err);
    return rc;
}

static double middle(const double v[REPEATS]) {
    const double low = v[0] < v[1] ? v[0] : v[1], high = v[0] < v[1] ? v[1] : v[0];
    return v[2] < low ? low : v[2] > high ? high : v[2];
}

static int run_once(bench *b, const bench_row *r, uint32_t n, run_time *t, roma_error *err) {
    for (uint32_t s = 0; s < r->batch && !r->prefill; s++) roma_exec_truncate(roma_answer_engine(b->s.a), s, r->depth);
    if (!r->prefill) return decode(b, r, n, t, err);
    const double began = roma_now();
    const int rc = prefill(b, 0, n, &t->work, err);
    t->seconds = roma_now() - began;
    return rc;
}

static void asked_to_stop(void) {}

/* Best of three after one short run that warms up. From the first row on there is something to show: an interruption
 * ends the steps and not the program. */
static int measure(bench *b, bench_row r, roma_error *err) {
    double share[REPEATS];
    int rc = r.prefill ? ROMA_OK : bench_fill(b, r.batch, r.depth, err);
    for (int i = 0; i <= REPEATS && !rc; i++) {
        run_time t = {0};
        rc = run_once(b, &r, i || r.tokens < WARM ? r.tokens : WARM, &t, err);
        if (!i) continue;
        if (i == 1 || t.seconds < r.seconds) r.seconds = t.seconds;
        share[i - 1] = t.read_gb_s > 0 ? t.step_gb_s / t.read_gb_s : 0;
        r.work = t.work;
    }
    if (rc) return rc;
    r.share = middle(share);
    b->rows[b->n_rows++] = r;
    interrupt_tell(asked_to_stop);
    note("%-8s %5u tokens, batch %3u, depth %u, %2d threads: %9.1f tok/s", r.prefill ? "prefill" : "decode", r.tokens,
         r.batch, r.depth, r.threads, roma_rate((double)r.tokens * r.batch, r.seconds));
    return ROMA_OK;
}
_Static_assert(REPEATS == 3, "middle is that of three");

static uint32_t most(const number_list *l, uint32_t at_least) {
    uint32_t m = at_least;
    for (size_t i = 0; i < l->n; i++)
        if (l->v[i] > m) m = l->v[i];
    return m;
}

/* Each adapter of --lora as a set of its own. */
static int load_each(bench *b, roma_error *err) {
    int rc = ROMA_OK;
    for (size_t i = 0; i < b->config.lora.n && !rc; i++) {
        lora_list one;
        rc = loras_open(&one, b->s.a, b->config.any_base, &b->config.lora.item[i], 1, err);
        if (!rc) rc = roma_answer_adapters_load(b->s.a, one.item, one.n, &b->sets[i], err);
    }
    return rc;
}

/* All tests with one number of threads. */
static int run_threads(bench *b, uint32_t threads, roma_error *err) {
    session_config c = b->config;
    roma_answer_config *a = &c.answer;
    a->threads = threads;
    a->sequences = a->logit_rows = most(&b->batches, 1);
    a->context = most(&b->prompts, b->decode + most(&b->depths, 0));
    a->rows = roma_exec_rows(a->rows, a->sequences);
    a->sets = b->spread ? (uint32_t)c.lora.n : 1;
    int rc = session_start(&b->s, &c, err);
    if (!rc && b->spread) rc = load_each(b, err);
    if (rc) return rc;
    b->isa = roma_exec_isa(roma_answer_engine(b->s.a));
    if (b->why) {
        bench_time_tables(b);
        return interrupted ? roma_fail(err, ROMA_ECANCEL, "", ROMA_NOWHERE, "interrupted") : ROMA_OK;
    }
    if (b->stability.wanted_seconds) return bench_stability(b, err);
    const int t = roma_exec_threads(roma_answer_engine(b->s.a));
    for (size_t i = 0; i < b->prompts.n && !rc; i++)
        rc = measure(b, (bench_row){.prefill = true, .tokens = b->prompts.v[i], .batch = 1, .threads = t}, err);
    for (size_t i = 0; i < b->batches.n && b->decode; i++)
        for (size_t d = 0; d < b->depths.n && !rc; d++)
            rc = measure(
                b, (bench_row){.tokens = b->decode, .batch = b->batches.v[i], .depth = b->depths.v[d], .threads = t},
                err);
    roma_answer_stop(b->s.a);
    return rc;
}

/* On a shared machine they swing, and the highest one counts. */
static void measure_roofs(bench *b, const char *isa) {
    for (int i = 0; i < READS; i++) bench_read(b);
    const double mac = roma_roof_int8_gmac_s(b->roof_team, isa);
    if (mac > b->int8_gmac_s) b->int8_gmac_s = mac;
}

/* The machine's roofs, not the run's: two threads at least, and where the kernels are scalar the products of the best
 * instruction set here. */
int bench_run(bench *b, roma_error *err) {
    const char *name = b->config.answer.isa ? b->config.answer.isa : "auto";
    const roma_kern *k = roma_kern_find(strcmp(name, "scalar") == 0 ? "auto" : name);
    const char *isa = k ? k->name : ""; /* the engine refuses an unknown name */
    count_work(b);
    b->roof_threads = (int)most(&b->threads, 2);
    roma_roof_cpu(b->cpu, sizeof b->cpu);
    int rc = roma_team_create(&b->roof_team, b->roof_threads, err);
    if (rc) return rc;
    b->roof_memory = roma_roof_memory_create(b->roof_team);
    measure_roofs(b, isa);
    for (size_t i = 0; i < b->threads.n && !rc; i++) rc = run_threads(b, b->threads.v[i], err);
    if (!rc && !interrupted) measure_roofs(b, isa);
    b->interrupted = rc && interrupted && b->n_rows;
    if (b->interrupted) rc = ROMA_OK;
    roma_roof_memory_destroy(b->roof_memory);
    roma_team_destroy(b->roof_team);
    return rc;
}
