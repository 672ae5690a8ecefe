/* Runs the requests of a JSON-lines file through the engine's continuous batch. What a request answers does not depend
 * on its neighbours: the engine's promise, and the draws are keyed by seed and position. Results are printed in input
 * order. */
#include "batch.h"
#include "json_read.h"

#include <string.h>

typedef struct {
    ask ask;
    const char *prompt, *system, *id;
    size_t prompt_len;
    text_list lora; /* adapters; when the line names none, the command line's */
    bool raw, done, own_lora;
    uint32_t set;
    double id_number;
    int32_t *ids;
    size_t n_ids;
    reply reply;
    uint32_t ticket;
    int rc;
    roma_error err;
} request;

typedef struct {
    const batch_options *o;
    session *s;
    request *requests;
    size_t n, next, printed;
    request **under_way; /* handed over, at most places */
    size_t n_under_way, places;
} batch;

enum { PREFIXES = 8 };

/* ---- reading ---- */

static int number(const json_value *v, const char *key, double *out, roma_error *err) {
    if (v->kind != JSON_NUMBER) return roma_fail(err, ROMA_EINPUT, "", ROMA_NOWHERE, "%s must be a number", key);
    *out = v->number;
    return ROMA_OK;
}

static int whole(const json_value *v, const char *key, uint64_t max, uint64_t *out, roma_error *err) {
    if (v->kind != JSON_NUMBER || v->whole > max)
        return roma_fail(err, ROMA_EINPUT, "", ROMA_NOWHERE, "%s must be a whole number, at most %llu", key,
                         (unsigned long long)max);
    *out = v->whole;
    return ROMA_OK;
}

static int text(const json_value *v, const char *key, const char **out, roma_error *err) {
    if (v->kind != JSON_TEXT) return roma_fail(err, ROMA_EINPUT, "", ROMA_NOWHERE, "%s must be a text", key);
    *out = v->text;
    return ROMA_OK;
}

static int texts(const json_value *v, const char *key, text_list *out, roma_error *err) {
    out->n = 0;
    if (v->kind == JSON_TEXT) {
        out->item[out->n++] = v->text;
        return ROMA_OK;
    }
    if (v->kind != JSON_TEXTS)
        return roma_fail(err, ROMA_EINPUT, "", ROMA_NOWHERE, "%s must be a text or an array of texts", key);
    for (size_t i = 0; i < v->n_items; i++) out->item[out->n++] = v->item[i];
    return ROMA_OK;
}

static int member(void *ctx, const char *key, const json_value *v, roma_error *err) {
    static const char *const keys[] = {"prompt", "system",         "raw",  "n",    "temp", "top_k", "top_p",
                                       "min_p",  "repeat_penalty", "seed", "stop", "lora", "id"};
    request *q = ctx;
    roma_sampling *s = &q->ask.sampling;
    double d = 0;
    uint64_t w = 0;
    int rc = ROMA_OK;
    if (strcmp(key, "prompt") == 0) {
        rc = text(v, key, &q->prompt, err);
        q->prompt_len = v->len;
    } else if (strcmp(key, "system") == 0) {
        rc = text(v, key, &q->system, err);
    } else if (strcmp(key, "raw") == 0) {
        if (v->kind != JSON_BOOL) return roma_fail(err, ROMA_EINPUT, "", ROMA_NOWHERE, "raw must be true or false");
        q->raw = v->number > 0;
    } else if (strcmp(key, "stop") == 0) {
        rc = texts(v, key, &q->ask.stops, err);
    } else if (strcmp(key, "lora") == 0) {
        rc = texts(v, key, &q->lora, err);
        q->own_lora = true;
    } else if (strcmp(key, "id") == 0) {
        if (v->kind == JSON_NUMBER)
            q->id_number = v->number;
        else
            rc = text(v, key, &q->id, err);
    } else if (strcmp(key, "n") == 0) {
        if (!(rc = whole(v, key, 1u << 24, &w, err))) q->ask.limit = (uint32_t)w;
        if (!rc && !w) rc = roma_fail(err, ROMA_EINPUT, "", ROMA_NOWHERE, "n must be at least 1");
    } else if (strcmp(key, "top_k") == 0) {
        if (!(rc = whole(v, key, 1u << 24, &w, err))) s->top_k = (uint32_t)w;
    } else if (strcmp(key, "seed") == 0) {
        if (!(rc = whole(v, key, UINT64_MAX - 1, &w, err))) s->seed = w;
    } else if (strcmp(key, "temp") == 0) {
        if (!(rc = number(v, key, &d, err))) s->temperature = (float)d;
    } else if (strcmp(key, "top_p") == 0) {
        if (!(rc = number(v, key, &d, err))) s->top_p = (float)d;
    } else if (strcmp(key, "min_p") == 0) {
        if (!(rc = number(v, key, &d, err))) s->min_p = (float)d;
    } else if (strcmp(key, "repeat_penalty") == 0) {
        if (!(rc = number(v, key, &d, err))) s->repeat_penalty = (float)d;
    } else {
        char shown[64];
        const char *near = nearest_name(key, keys, sizeof keys / sizeof *keys);
        roma_error_name(shown, sizeof shown, key, strlen(key));
        rc = roma_fail(err, ROMA_EINPUT, "", ROMA_NOWHERE, near ? "unknown key %s, did you mean %s?" : "unknown key %s",
                       shown, near);
    }
    return rc;
}

/* One request per line; blank lines are skipped. Any bad line refuses the file before anything runs. */
static int read_requests(batch *b, roma_buf *file, roma_error *err) {
    size_t lines = 1, at = 0;
    for (size_t i = 0; i < file->len; i++) lines += file->data[i] == '\n';
    b->requests = roma_alloc_array(lines, sizeof *b->requests);
    if (!b->requests) return roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for %zu requests", lines);
    for (size_t line = 1; at < file->len; line++) {
        char *p = (char *)file->data + at, *end = memchr(p, '\n', file->len - at);
        const size_t len = end ? (size_t)(end - p) : file->len - at;
        at += len + 1;
        if (len == strspn(p, " \t\r") || (len && strspn(p, " \t\r") > len)) continue;
        request *q = &b->requests[b->n];
        *q = (request){.ask = *b->o->ask, .system = b->o->system, .raw = b->o->raw, .id_number = -1};
        roma_error e;
        int rc = json_read_object(p, len, member, q, &e);
        if (!rc && !q->prompt) rc = roma_fail(&e, ROMA_EINPUT, "", ROMA_NOWHERE, "a prompt is missing");
        if (!rc) rc = ask_check(&q->ask, &e);
        q->set = b->s->set;
        if (!rc && q->own_lora)
            rc = loras_add(&b->s->loras, &b->s->image, b->o->session->any_base, q->lora.item, q->lora.n, &q->set, &e);
        char said[512]; /* an adapter's file is named too */
        if (rc) return roma_fail_line(err, rc, b->o->path, line, "%s", roma_error_format(&e, said, sizeof said));
        b->n++;
    }
    return b->n ? ROMA_OK : roma_fail(err, ROMA_EINPUT, b->o->path, ROMA_NOWHERE, "there is no request in it");
}

/* ---- writing ---- */

static int print_result(batch *b, request *q) {
    roma_buf out = {0};
    roma_json j = {.out = &out};
    roma_json_open(&j, NULL, '{');
    if (q->id)
        roma_json_string(&j, "id", q->id);
    else if (q->id_number >= 0)
        roma_json_real(&j, "id", q->id_number);
    if (q->rc) {
        char line[1024];
        roma_json_string(&j, "error", roma_error_format(&q->err, line, sizeof line));
    } else {
        roma_json_text(&j, "text", (const char *)q->reply.text.data, q->reply.text.len);
        roma_json_open(&j, "ids", '[');
        for (size_t i = q->reply.n_prompt; i < q->reply.n; i++) roma_json_int(&j, NULL, q->reply.ids[i]);
        roma_json_close(&j, ']');
        roma_json_int(&j, "prompt_tokens", (int64_t)q->reply.n_prompt);
        roma_json_string(&j, "stop", q->reply.stop);
        if (b->o->hash) {
            uint8_t sum[32];
            roma_sha256_final(&q->reply.hash, sum);
            roma_json_hex(&j, "hash", sum, sizeof sum);
        }
    }
    roma_json_close(&j, '}');
    roma_buf_append(&out, "\n", 1);
    return print_buf("run", &out, 0);
}

/* ---- running ---- */

static void finish_request(batch *b, request *q) {
    q->done = true;
    for (; b->printed < b->n && b->requests[b->printed].done; b->printed++) {
        print_result(b, &b->requests[b->printed]);
        reply_destroy(&b->requests[b->printed].reply);
    }
    roma_progress_tell(&progress, "requests", b->printed, b->n);
}

/* Hands over the next request; one that cannot run is over at once. */
static void submit_next(batch *b) {
    request *q = &b->requests[b->next++];
    if (!q->rc)
        q->rc = reply_begin(&q->reply, b->s, &q->ask, q->ids, q->n_ids, is_raw(b->s, q->raw), b->o->hash, &q->err);
    if (q->reply.ids) q->ids = NULL; /* the reply owns them */
    q->reply.set = q->set;
    if (!q->rc) q->rc = reply_submit(&q->reply, &q->ticket, &q->err);
    if (q->rc)
        finish_request(b, q);
    else
        b->under_way[b->n_under_way++] = q;
}

static int step(batch *b, roma_error *err) {
    const int rc = roma_batch_step(b->s->batch, err);
    size_t left = 0;
    for (size_t i = 0; i < b->n_under_way && !rc; i++) {
        request *q = b->under_way[i];
        const roma_error *why;
        const roma_request_status *s = roma_batch_poll(b->s->batch, q->ticket, &why);
        if (s->state != ROMA_REQUEST_OVER) {
            b->under_way[left++] = q;
            continue;
        }
        if ((q->rc = s->rc) != 0) q->err = *why;
        roma_batch_finish(b->s->batch, q->ticket);
        finish_request(b, q);
    }
    if (!rc) b->n_under_way = left;
    return rc;
}

/* The context that the longest request needs, so that the cache is not larger than the work. */
static uint32_t context_needed(const batch *b) {
    uint64_t most = 1;
    for (size_t i = 0; i < b->n; i++)
        if (b->requests[i].n_ids + b->requests[i].ask.limit + 1 > most)
            most = b->requests[i].n_ids + b->requests[i].ask.limit + 1;
    return most < UINT32_MAX ? (uint32_t)most : UINT32_MAX;
}

/* Pages for as many full requests as run at once, or what --sram-mib allows; the scheduler makes do. Prefixes live in
 * what is not used. */
static int start(batch *b, roma_error *err) {
    session_config c = *b->o->session;
    roma_exec_memory m;
    const uint32_t running = b->n < b->o->batch ? (uint32_t)b->n : b->o->batch;
    c.rows = session_rows(c.rows, running);
    const roma_exec_config one = session_exec_config(b->s, &c);
    int rc = roma_exec_bytes(&b->s->plan, &(roma_exec_config){.threads = one.threads, .context = one.context}, &m, err);
    const uint32_t context = m.context;
    if (!rc) rc = roma_exec_fit(&b->s->plan, &one, &m, err);
    if (rc) return rc;
    c.context = context_needed(b) < context ? context_needed(b) : context;
    c.sequences = 2 * running + PREFIXES;
    c.pages = running * ((c.context + ROMA_PAGE - 1) / ROMA_PAGE);
    if (m.pages && c.pages > m.pages) c.pages = m.pages;
    b->under_way = roma_alloc_array(2 * (size_t)running, sizeof(request *));
    if (!b->under_way) return roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the batch");
    b->places = 2 * running;
    return session_batch(b->s, &c, running, err);
}

int batch_run(const batch_options *o, session *s) {
    batch b = {.o = o, .s = s};
    roma_buf file = {0};
    roma_error err;
    int exit_code = 0;
    int rc = read_all(&file, o->path, &err);
    if (!rc) rc = read_requests(&b, &file, &err);
    for (size_t i = 0; i < b.n && !rc; i++) {
        request *q = &b.requests[i];
        q->rc = prompt_ids(s, q->prompt, q->prompt_len, q->system, q->raw, o->special, &q->ids, &q->n_ids, &q->err);
    }
    if (!rc) rc = start(&b, &err);
    interrupt_catch(INTERRUPT_ASKS);
    while (!rc && b.printed < b.n) {
        while (b.next < b.n && b.n_under_way < b.places) submit_next(&b);
        rc = interrupted ? roma_fail(&err, ROMA_ECANCEL, "", ROMA_NOWHERE, "interrupted") : step(&b, &err);
    }
    progress_end();
    if (rc) exit_code = fail("run", &err);
    for (size_t i = 0; i < b.n; i++) {
        if (!exit_code && b.requests[i].rc) exit_code = roma_error_exit(b.requests[i].rc);
        roma_free(b.requests[i].ids);
        reply_destroy(&b.requests[i].reply);
    }
    roma_free(b.requests);
    roma_free(b.under_way);
    roma_buf_destroy(&file);
    return finish("run", exit_code);
}
