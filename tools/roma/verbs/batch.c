/* Runs the requests of a JSON-lines file through the engine's continuous batch. What a request answers does not depend
 * on its neighbours: the engine's promise, and the draws are keyed by seed and position. Results are printed in input
 * order. */
#include "batch.h"
#include "ask.h"
#include "reply.h"
#include "show/batch_show.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A request under way. What it grows to is large: it is there only while it is needed. */
typedef struct batch batch;
typedef struct {
    batch *b;
    const roma_answer_line *q;
    int32_t *ids;
    size_t n_ids;
    reply *reply;         /* NULL after a failure: memory for it was missing as well */
    roma_constrain *form; /* of the line alone */
    roma_calls_choice choice;
    roma_buf probs;         /* roma_answer_probs of the answer's tokens, where they were asked for */
    roma_calls_tools tools; /* of a line in OpenAI's form that has some: its answer is parsed */
    bool thinks;            /* the answer begins within reasoning */
    int rc;
    bool done;
} job;

struct batch {
    const batch_options *o;
    session *s;
    roma_answer_lines lines;
    job *jobs;
    size_t n, next, printed;
    uint32_t under_way, places;
    uint64_t longest;         /* prompt and limit */
    uint64_t prompts, tokens; /* tokens of prompts and of answers that are over */
    bool refused;             /* by standard output: what is left would be for nobody */
};

/* ---- reading ---- */

/* The adapters that a line names, or else the command line's. */
static int adapters_of(const batch *b, const roma_answer_line *q, lora_list *l, roma_error *err) {
    const char *lora[TEXTS_MAX];
    if (!q->has_adapters) {
        loras_copy(l, &b->s->loras);
        return ROMA_OK;
    }
    for (size_t i = 0; i < q->adapters.n; i++) lora[i] = q->adapters.item[i].text;
    return loras_open(l, b->s->a, b->o->session->any_base, lora, q->adapters.n, err);
}

/* ---- a job ---- */

static bool has_reply(job *j) {
    if (!j->reply) j->reply = roma_alloc_array(1, sizeof *j->reply);
    return j->reply != NULL;
}

/* A job that cannot run: its line gets the error, and the others go on. */
static void fail_job(job *j, int rc, const roma_error *why) {
    j->rc = rc;
    if (has_reply(j)) j->reply->err = *why;
}

static void free_job(job *j) {
    if (j->reply) reply_destroy(j->reply);
    roma_free(j->reply);
    roma_free(j->ids);
    roma_buf_destroy(&j->probs);
    roma_constrain_destroy(j->form);
    roma_calls_tools_free(&j->tools);
    j->form = NULL;
    j->reply = NULL;
    j->ids = NULL;
}

static int open_adapters(batch *b, const roma_answer_line *q, uint32_t *longest, roma_error *err) {
    lora_list l;
    char said[512]; /* an adapter's file is named too */
    roma_error why;
    const int rc = adapters_of(b, q, &l, &why);
    if (!rc && l.n > *longest) *longest = (uint32_t)l.n;
    return rc ? roma_fail_line(err, rc, b->o->path, q->line, "%s", roma_error_format(&why, said, sizeof said)) : rc;
}

/* Whether an adapter of the line is what standard output writes: a line of errors would spoil the adapter. */
static bool names_output(const roma_answer_line *q) {
    char name[ROMA_ANSWER_NAME_MAX + 1];
    struct stat out, file;
    float factor;
    if (fstat(STDOUT_FILENO, &out)) return false;
    for (size_t i = 0; i < q->adapters.n; i++)
        if (!roma_answer_adapter_parse(q->adapters.item[i].text, name, &factor, NULL) && !stat(name, &file) &&
            file.st_dev == out.st_dev && file.st_ino == out.st_ino)
            return true;
    return false;
}

/* A job of a line: its adapters opened, a seed drawn where none is given. An error that all requests end with. */
static int read_job(batch *b, job *j, roma_answer_line *q, roma_error *all) {
    roma_error err;
    *j = (job){.b = b, .q = q, .rc = q->rc};
    if (q->rc) return ROMA_OK;
    if (!q->seeded && ask_draws(&q->ask.sampling)) q->ask.sampling.seed = seed_drawn();
    const int rc = open_adapters(b, q, &b->o->session->answer.stack, &err);
    if (rc && names_output(q)) {
        *all = err;
        return rc;
    }
    if (rc) fail_job(j, rc, &err);
    return ROMA_OK;
}

static int read_jobs(batch *b, const roma_buf *file, roma_error *err) {
    const char *system = b->o->system;
    const roma_answer_line usual = {
        .ask = *b->o->ask, .system = {system, system ? strlen(system) : 0}, .raw = b->o->raw, .seeded = b->o->seeded};
    int rc = roma_answer_lines_read(&b->lines, b->o->path, file->data, file->len, &usual, err);
    if (rc) return rc;
    b->jobs = roma_alloc_array(b->lines.n, sizeof *b->jobs);
    if (!b->jobs) return roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for %zu requests", b->lines.n);
    b->n = b->lines.n;
    for (size_t i = 0; i < b->n && !rc; i++) rc = read_job(b, &b->jobs[i], &b->lines.line[i], err);
    return rc;
}

/* ---- writing ---- */

static uint32_t reasoning_of(const job *done) {
    roma_answer_thoughts t;
    roma_answer_thoughts_begin(&t, done->b->s->a, done->thinks);
    for (size_t i = 0; i < done->reply->n; i++) roma_answer_thoughts_take(&t, done->reply->ids[i]);
    return t.n;
}

/* Returns the exit code. */
static int print_result(const batch *b, const job *done) {
    char line[1024];
    roma_buf out = {0};
    batch_answer a = {.line = done->q,
                      .tok = roma_answer_tokenizer(b->s->a),
                      .r = done->reply,
                      .probs = done->q->logprobs ? (const roma_answer_probs *)(void *)done->probs.data : NULL,
                      .form = roma_answer_calls(b->s->a),
                      .tools = done->tools.n ? &done->tools : NULL,
                      .thinks = done->thinks,
                      .most = done->q->one_call ? 1 : 0,
                      .error = done->q->error,
                      .rc = done->rc,
                      .hash = b->o->hash,
                      .draws = ask_draws(&done->q->ask.sampling)};
    if (a.tools && a.r && !a.rc) a.n_reasoning = reasoning_of(done);
    if (!a.error && a.rc) a.error = a.r ? roma_error_format(&a.r->err, line, sizeof line) : roma_error_text(a.rc);
    batch_answer_json(&a, &out);
    return print_buf("run", &out, 0);
}

/* ---- running ---- */

static void finish_job(batch *b, job *j) {
    j->done = true;
    for (; b->printed < b->n && b->jobs[b->printed].done && !b->refused; b->printed++) {
        progress_end(); /* a terminal has both in one line */
        if (print_result(b, &b->jobs[b->printed])) b->refused = true;
        free_job(&b->jobs[b->printed]);
    }
    roma_progress_tell(&progress, "requests", b->printed, b->n);
}

static void on_over(void *ctx, const roma_answer_result *result) {
    job *j = ctx;
    reply_over(j->reply, result);
    j->b->prompts += j->reply->n_prompt;
    j->b->tokens += j->reply->n;
    j->rc = j->reply->rc;
    if (!j->rc && j->probs.failed) {
        roma_fail(&j->reply->err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the probabilities");
        j->rc = ROMA_ENOMEM;
    }
    j->b->under_way--;
    finish_job(j->b, j);
}
static void on_token(void *ctx, int32_t token, const float *logits) {
    job *j = ctx;
    reply_token(j->reply, token, logits);
    if (!j->q->logprobs) return;
    roma_answer_probs p;
    roma_answer_probs_of(&p, logits, roma_answer_image(j->b->s->a)->desc.hyper.vocab, token, j->q->top);
    roma_buf_append(&j->probs, &p, sizeof p);
}
static int on_text(void *ctx, const char *text, size_t len) {
    const job *j = ctx;
    return reply_text(j->reply, text, len);
}

static bool must_call(const job *j) {
    return j->choice.kind == ROMA_CALLS_CHOICE_REQUIRED || j->choice.kind == ROMA_CALLS_CHOICE_NAMED;
}

/* The grammar of nothing but calls. */
static int make_calls_form(job *j, roma_error *err) {
    roma_buf grammar = {0};
    if (j->q->ask.form || j->q->has_form)
        return roma_fail(err, ROMA_EINPUT, "", ROMA_NOWHERE,
                         "an answer cannot be a call of a tool and of another form too");
    int rc = roma_calls_grammar(roma_answer_calls(j->b->s->a), &j->tools, &j->choice, !j->q->one_call, j->thinks,
                                &grammar, err);
    if (!rc) rc = roma_constrain_create_written(&j->form, &grammar, err);
    roma_buf_destroy(&grammar);
    return rc;
}

static int submit(batch *b, job *j, roma_error *err) {
    lora_list l;
    if (!has_reply(j)) return roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the answer");
    *j->reply = (reply){.s = b->s, .silent = true, .hashes = b->o->hash};
    int rc = session_fits(b->s, j->n_ids, err);
    if (!rc) rc = adapters_of(b, j->q, &l, err);
    if (!rc && must_call(j))
        rc = make_calls_form(j, err);
    else if (!rc && j->q->has_form)
        rc = roma_constrain_create(&j->form, j->q->form_kind, j->q->form.text, j->q->form.len, NULL, err);
    if (rc) return rc;
    roma_answer_ask ask = j->q->ask;
    if (j->form) ask.form = j->form;
    roma_answer_request q = reply_request(j->reply, &ask, j->ids, j->n_ids, j->q->raw ? ROMA_ANSWER_RAW : 0, &l);
    q.ctx = j;
    q.token = on_token;
    q.text = on_text;
    q.over = on_over;
    q.marks = j->tools.n > 0;
    rc = roma_answer_submit(b->s->a, &q, NULL, err);
    roma_free(j->ids);
    j->ids = NULL;
    return rc;
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
        b->under_way++;
}

/* What a line gives the chat template, or else the command line. */
static roma_answer_dialog dialog_of(const batch *b, const roma_answer_line *q) {
    roma_answer_dialog d = b->s->dialog;
    d.flags = (q->raw ? ROMA_ANSWER_RAW : 0u) | (b->o->special ? ROMA_ANSWER_SPECIAL : 0u);
    d.json = q->messages;
    if (q->tools.text) d.tools = q->tools;
    if (q->documents.text) d.documents = q->documents;
    if (q->has_args) d.args = q->args;
    return d;
}

/* Whether the prompt's end opens reasoning, by its last tokens. */
static bool thinks(const batch *b, const job *j) {
    enum { LAST = 16 };
    char text[LAST * ROMA_CALLS_MARK_MAX];
    size_t n = 0;
    for (size_t i = j->n_ids > LAST ? j->n_ids - LAST : 0; i < j->n_ids; i++) {
        const size_t len = roma_token_bytes(roma_answer_tokenizer(b->s->a), j->ids[i], true, text + n, sizeof text - n);
        n += len < sizeof text - n ? len : sizeof text - n;
    }
    return roma_calls_form_thinks(roma_answer_calls(b->s->a), text, n);
}

/* The tools of a line in OpenAI's form, and which of them is to be called; none where none may be. */
static int read_tools(job *j, roma_answer_text tools, roma_error *err) {
    const roma_answer_line *q = j->q;
    int rc = tools.text ? roma_calls_tools_read(&j->tools, tools.text, tools.len, err) : ROMA_OK;
    if (!rc && q->tool_choice.text)
        rc = roma_calls_choice_read(&j->choice, &j->tools, q->tool_choice.text, q->tool_choice.len, err);
    if (j->choice.kind == ROMA_CALLS_CHOICE_OFF) roma_calls_tools_free(&j->tools);
    return rc;
}

/* The prompt of a line in OpenAI's form: tools and messages as the model's template takes them. Tools of the command
 * line alone reach the template as they are: they need not be functions, and nothing says which may be called. */
static int tools_prompt(const batch *b, job *j, roma_answer_dialog d, roma_error *err) {
    const roma_answer_line *q = j->q;
    roma_buf messages = {0};
    const bool reads = q->tools.text || q->tool_choice.text;
    int rc = reads ? read_tools(j, d.tools, err) : ROMA_OK;
    if (!rc && q->messages.text) {
        rc = roma_calls_messages(roma_answer_calls(b->s->a), q->messages.text, q->messages.len, &messages, err);
        d.json = (roma_answer_text){(const char *)messages.data, messages.len};
    }
    if (reads) d.tools = j->tools.n ? (roma_answer_text){j->tools.json, j->tools.len} : (roma_answer_text){NULL, 0};
    if (!rc) rc = session_prompt(b->s, q->prompt, q->system, &d, &j->ids, &j->n_ids, err);
    roma_buf_destroy(&messages);
    if (!rc) j->thinks = thinks(b, j) && !q->has_form && !b->o->ask->form;
    return rc;
}

/* Ids of all prompts; one that has none fails when its turn comes. */
static void read_prompts(batch *b) {
    for (size_t i = 0; i < b->n; i++) {
        job *j = &b->jobs[i];
        roma_error err;
        if (j->rc) continue;
        const roma_answer_dialog d = dialog_of(b, j->q);
        const int bad = j->q->is_batch ? tools_prompt(b, j, d, &err)
                                       : session_prompt(b->s, j->q->prompt, j->q->system, &d, &j->ids, &j->n_ids, &err);
        if (bad) fail_job(j, bad, &err);
        const uint64_t length = (uint64_t)j->n_ids + j->q->ask.limit;
        if (length > b->longest) b->longest = length;
    }
}

/* Whether the engine can take a line's adapters. */
static void try_adapters(batch *b, job *j) {
    lora_list l;
    roma_error err;
    if (j->rc || !j->q->has_adapters) return;
    int rc = adapters_of(b, j->q, &l, &err);
    if (!rc) rc = roma_answer_adapters_load(b->s->a, l.item, l.n, NULL, &err);
    if (rc) fail_job(j, rc, &err);
}

/* An engine for the longest request, and a look at whether it can take every line's adapters. */
static int start(batch *b, roma_error *err) {
    session_config c = *b->o->session;
    c.answer.running = b->n < b->o->batch ? (uint32_t)b->n : b->o->batch;
    c.answer.sets = 0;
    b->places = 2 * c.answer.running;
    int rc = roma_answer_fit(b->s->a, &c.answer, b->longest, err);
    if (!rc) rc = session_start(b->s, &c, err);
    for (size_t i = 0; i < b->n && !rc; i++) try_adapters(b, &b->jobs[i]);
    return rc;
}

/* The one line behind the answers, which a terminal sees. */
static void stat_line(const batch *b, double seconds) {
    note("%zu requests, %llu tokens, %.1f tok/s; prompts %llu tokens", b->n, (unsigned long long)b->tokens,
         roma_rate((double)b->tokens, seconds), (unsigned long long)b->prompts);
}

int batch_run(const batch_options *o, session *s) {
    batch b = {.o = o, .s = s};
    roma_buf file = {0};
    roma_error err;
    int exit_code = 0;
    const double began = roma_now();
    int rc = read_all(&file, o->path, &err);
    if (!rc) rc = read_jobs(&b, &file, &err);
    roma_buf_destroy(&file);
    if (!rc) read_prompts(&b);
    if (!rc) rc = start(&b, &err);
    interrupt_catch(INTERRUPT_ASKS);
    while (!rc && !b.refused && b.printed < b.n) {
        while (b.next < b.n && b.under_way < b.places && !b.refused) submit_next(&b);
        if (b.refused) break;
        if (interrupted) interrupt_seen();
        rc =
            interrupted ? roma_fail(&err, ROMA_ECANCEL, "", ROMA_NOWHERE, "interrupted") : roma_answer_step(s->a, &err);
    }
    b.refused = true; /* what is under way ends unprinted */
    roma_answer_stop(s->a);
    progress_end();
    if (rc) exit_code = fail("run", &err);
    size_t failed = 0;
    for (size_t i = 0; i < b.n; i++) {
        failed += b.jobs[i].rc != 0;
        if (!exit_code && b.jobs[i].rc) exit_code = roma_error_exit(b.jobs[i].rc);
        free_job(&b.jobs[i]);
    }
    if (!rc && !o->session->quiet) stat_line(&b, roma_now() - began);
    if (!rc && failed && !ferror(stdout))
        print_to(stderr, "roma run: %zu of %zu requests failed; their lines say why\n", failed, b.n);
    roma_free(b.jobs);
    roma_answer_lines_free(&b.lines);
    return finish("run", exit_code);
}
