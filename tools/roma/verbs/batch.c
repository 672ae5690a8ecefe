/* Runs the requests of a JSON-lines file through the engine's continuous batch. What a request answers does not depend
 * on its neighbours: the engine's promise, and the draws are keyed by seed and position. Results are printed in input
 * order. */
#include "batch.h"
#include "requests.h"

#include <string.h>

/* A request under way. A reply and an error are large: they are there only while they are needed. */
typedef struct {
    const request *q;
    uint32_t set, ticket; /* of adapters; of the engine's batch */
    int32_t *ids;
    size_t n_ids;
    reply *reply;
    roma_error *err; /* NULL after a failure: memory for it was missing as well */
    int rc;
    bool done;
} job;

typedef struct {
    const batch_options *o;
    session *s;
    job *jobs;
    size_t n, next, printed;
    job **under_way; /* handed over, at most places */
    size_t n_under_way, places;
    bool refused; /* by standard output: what is left would be for nobody */
} batch;

enum { PREFIXES = 8 };

/* ---- reading ---- */

/* The adapters of a line are opened when all lines are known to be good. */
static int take_adapters(batch *b, job *j, roma_error *err) {
    const request *q = j->q;
    const char *lora[TEXTS_MAX];
    char said[512]; /* an adapter's file is named too */
    roma_error why;
    j->set = b->s->set;
    if (!q->own_lora) return ROMA_OK;
    for (size_t i = 0; i < q->lora.n; i++) lora[i] = q->lora.item[i].text;
    const int rc = loras_add(&b->s->loras, &b->s->image, b->o->session->any_base, lora, q->lora.n, &j->set, &why);
    return rc ? roma_fail_line(err, rc, b->o->path, q->line, "%s", roma_error_format(&why, said, sizeof said)) : rc;
}

static int read_jobs(batch *b, requests *all, const roma_buf *file, roma_error *err) {
    const char *system = b->o->system;
    const request usual = {.ask = *b->o->ask, .system = {system, system ? strlen(system) : 0}, .raw = b->o->raw};
    int rc = requests_read(all, b->o->path, file->data, file->len, &usual, err);
    if (rc) return rc;
    b->jobs = roma_alloc_array(all->n, sizeof *b->jobs);
    if (!b->jobs) return roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for %zu requests", all->n);
    b->n = all->n;
    for (size_t i = 0; i < b->n && !rc; i++) {
        b->jobs[i].q = &all->request[i];
        rc = take_adapters(b, &b->jobs[i], err);
    }
    return rc;
}

/* ---- the end of a job ---- */

static void fail_job(job *j, int rc, const roma_error *why) {
    j->rc = rc;
    j->err = roma_alloc_array(1, sizeof *j->err);
    if (j->err) *j->err = *why;
}

static void free_job(job *j) {
    if (j->reply) reply_destroy(j->reply);
    roma_free(j->reply);
    roma_free(j->err);
    roma_free(j->ids);
    j->reply = NULL;
    j->err = NULL;
    j->ids = NULL;
}

/* ---- writing ---- */

/* Returns the exit code. */
static int print_result(const batch *b, const job *done) {
    const request *q = done->q;
    const reply *r = done->reply;
    roma_buf out = {0};
    roma_json j = {.out = &out};
    roma_json_open(&j, NULL, '{');
    if (q->id_is_number)
        roma_json_number(&j, "id", q->id.text, q->id.len);
    else if (q->id.text)
        roma_json_text(&j, "id", q->id.text, q->id.len);
    if (done->rc) {
        char line[1024];
        roma_json_string(&j, "error",
                         done->err ? roma_error_format(done->err, line, sizeof line) : roma_error_text(done->rc));
    } else {
        roma_json_text(&j, "text", (const char *)r->text.data, r->text.len);
        roma_json_open(&j, "ids", '[');
        for (size_t i = r->n_prompt; i < r->n; i++) roma_json_int(&j, NULL, r->ids[i]);
        roma_json_close(&j, ']');
        roma_json_int(&j, "prompt_tokens", (int64_t)r->n_prompt);
        roma_json_string(&j, "stop", r->stop);
        if (b->o->hash) {
            uint8_t sum[32];
            roma_sha256 hash = r->hash;
            roma_sha256_final(&hash, sum);
            roma_json_hex(&j, "hash", sum, sizeof sum);
        }
    }
    roma_json_close(&j, '}');
    roma_buf_append(&out, "\n", 1);
    return print_buf("run", &out, 0);
}

/* ---- running ---- */

static void finish_job(batch *b, job *j) {
    j->done = true;
    for (; b->printed < b->n && b->jobs[b->printed].done && !b->refused; b->printed++) {
        if (print_result(b, &b->jobs[b->printed])) b->refused = true;
        free_job(&b->jobs[b->printed]);
    }
    roma_progress_tell(&progress, "requests", b->printed, b->n);
}

static int submit(batch *b, job *j, roma_error *err) {
    const request *q = j->q;
    j->reply = roma_alloc_array(1, sizeof *j->reply);
    if (!j->reply) return roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the answer");
    int rc = reply_begin(j->reply, b->s, &q->ask, j->ids, j->n_ids, is_raw(b->s, q->raw), b->o->hash, err);
    if (j->reply->ids) j->ids = NULL; /* the reply owns them */
    j->reply->set = j->set;
    return rc ? rc : reply_submit(j->reply, &j->ticket, err);
}

/* Hands over the next request; one that cannot run is over at once. */
static void submit_next(batch *b) {
    job *j = &b->jobs[b->next++];
    roma_error err;
    const int rc = j->rc ? 0 : submit(b, j, &err);
    if (rc) fail_job(j, rc, &err);
    if (j->rc)
        finish_job(b, j);
    else
        b->under_way[b->n_under_way++] = j;
}

static int step(batch *b, roma_error *err) {
    const int rc = roma_batch_step(b->s->batch, err);
    size_t left = 0;
    for (size_t i = 0; i < b->n_under_way && !rc; i++) {
        job *j = b->under_way[i];
        const roma_error *why;
        const roma_request_status *s = roma_batch_poll(b->s->batch, j->ticket, &why);
        if (s->state != ROMA_REQUEST_OVER) {
            b->under_way[left++] = j;
            continue;
        }
        if (s->rc) fail_job(j, s->rc, why);
        roma_batch_finish(b->s->batch, j->ticket);
        finish_job(b, j);
    }
    if (!rc) b->n_under_way = left;
    return rc;
}

/* The context that the longest request needs, so that the cache is not larger than the work. */
static uint32_t context_needed(const batch *b) {
    uint64_t most = 1;
    for (size_t i = 0; i < b->n; i++)
        if (b->jobs[i].n_ids + b->jobs[i].q->ask.limit + 1 > most)
            most = b->jobs[i].n_ids + b->jobs[i].q->ask.limit + 1;
    return most < UINT32_MAX ? (uint32_t)most : UINT32_MAX;
}

/* Pages for as many full requests as run at once, or what --sram-mib allows; the scheduler makes do. Prefixes live in
 * what is not used. */
static int start(batch *b, roma_error *err) {
    session_config c = *b->o->session;
    roma_exec_memory m;
    const uint32_t running = b->n < b->o->batch ? (uint32_t)b->n : b->o->batch;
    c.rows = roma_exec_rows(c.rows, running);
    const roma_exec_config one = session_exec_config(b->s, &c);
    int rc = roma_exec_bytes(&b->s->plan, &(roma_exec_config){.threads = one.threads, .context = one.context}, &m, err);
    const uint32_t context = m.context;
    if (!rc) rc = roma_exec_fit(&b->s->plan, &one, &m, err);
    if (rc) return rc;
    c.context = context_needed(b) < context ? context_needed(b) : context;
    c.sequences = 2 * running + PREFIXES;
    c.pages = running * ((c.context + ROMA_PAGE - 1) / ROMA_PAGE);
    if (m.pages && c.pages > m.pages) c.pages = m.pages;
    b->under_way = roma_alloc_array(2 * (size_t)running, sizeof(job *));
    if (!b->under_way) return roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the batch");
    b->places = 2 * running;
    return session_batch(b->s, &c, running, err);
}

int batch_run(const batch_options *o, session *s) {
    batch b = {.o = o, .s = s};
    requests all = {0};
    roma_buf file = {0};
    roma_error err;
    int exit_code = 0;
    int rc = read_all(&file, o->path, &err);
    if (!rc) rc = read_jobs(&b, &all, &file, &err);
    roma_buf_destroy(&file);
    for (size_t i = 0; i < b.n && !rc; i++) {
        job *j = &b.jobs[i];
        const int bad = prompt_ids(s, j->q->prompt, j->q->system, j->q->raw, o->special, &j->ids, &j->n_ids, &err);
        if (bad) fail_job(j, bad, &err);
    }
    if (!rc) rc = start(&b, &err);
    interrupt_catch(INTERRUPT_ASKS);
    while (!rc && !b.refused && b.printed < b.n) {
        while (b.next < b.n && b.n_under_way < b.places && !b.refused) submit_next(&b);
        if (b.refused) break;
        if (interrupted) interrupt_seen();
        rc = interrupted ? roma_fail(&err, ROMA_ECANCEL, "", ROMA_NOWHERE, "interrupted") : step(&b, &err);
    }
    progress_end();
    if (rc) exit_code = fail("run", &err);
    for (size_t i = 0; i < b.n; i++) {
        if (!exit_code && b.jobs[i].rc) exit_code = roma_error_exit(b.jobs[i].rc);
        free_job(&b.jobs[i]);
    }
    roma_free(b.jobs);
    roma_free(b.under_way);
    requests_free(&all);
    return finish("run", exit_code);
}
