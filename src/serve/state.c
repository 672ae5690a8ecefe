/* What the server and its chip are at: /health, /metrics, /v1/chip. Nothing here waits for a step. */
#include "serve/internal.h"

#include <string.h>
#include <time.h>

/* A driver that has something to do and came to no step's end for so long is stuck. */
#define STUCK_S 60.0

static uint32_t slots_used(const roma_serve *s) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->n_slots; i++) n += s->slots[i].in_use;
    return n;
}

void roma_serve_health(exchange *x, const roma_http_request *q) {
    const roma_serve *s = x->s;
    roma_answer_pulse p;
    roma_buf b = {0};
    roma_json j = {.out = &b};
    (void)q;
    roma_answer_pulse_get(s->answer, &p);
    const bool stuck = !p.sleeps && p.steps && p.since_s > STUCK_S;
    roma_json_open(&j, NULL, '{');
    roma_json_string(&j, "status", stuck ? "stuck" : "ok");
    roma_json_string(&j, "model", s->name);
    roma_json_open(&j, "decode", '{');
    roma_json_string(&j, "state", p.sleeps ? "idle" : "busy");
    roma_json_uint(&j, "steps", p.steps);
    if (p.sleeps || !p.steps)
        roma_json_null(&j, "since_step_ms");
    else
        roma_json_real(&j, "since_step_ms", p.since_s * 1e3);
    roma_json_close(&j, '}');
    roma_json_uint(&j, "running", p.running);
    roma_json_uint(&j, "waiting", slots_used(s) - (p.running < slots_used(s) ? p.running : slots_used(s)));
    roma_json_uint(&j, "held", p.held);
    roma_json_real(&j, "uptime_s", (double)(time(NULL) - (time_t)s->started));
    roma_json_close(&j, '}');
    roma_serve_reply(x, stuck ? 503 : 200, &b);
}

/* ---- metrics ---- */

static void metric(roma_buf *b, const char *name, const char *kind, const char *help, double v) {
    roma_buf_print(b, "# HELP roma_%s %s\n# TYPE roma_%s %s\nroma_%s %.15g\n", name, help, name, kind, name, v);
}

static void put_requests(roma_buf *b, const roma_serve *s) {
    metric(b, "requests_total", "counter", "Requests for answers and embeddings that were begun.",
           (double)s->count.requests);
    metric(b, "requests_failed_total", "counter", "Requests that ended with an error.", (double)s->count.failed);
    metric(b, "requests_cancelled_total", "counter", "Requests whose client left.", (double)s->count.cancelled);
    metric(b, "requests_refused_total", "counter", "Requests answered 429 because the queue was full.",
           (double)s->count.busy);
    metric(b, "prompt_tokens_total", "counter", "Tokens of prompts.", (double)s->count.prompt_tokens);
    metric(b, "prompt_tokens_cached_total", "counter", "Tokens of prompts that the cache held already.",
           (double)s->count.shared_tokens);
    metric(b, "answer_tokens_total", "counter", "Tokens of answers.", (double)s->count.answer_tokens);
    metric(b, "answer_seconds_total", "counter", "Seconds from submit to the end, over all answers.", s->count.seconds);
}

static void put_engine(roma_buf *b, const roma_serve *s) {
    roma_answer_pulse p;
    const roma_exec_memory *m = roma_exec_memory_of(roma_answer_engine(s->answer));
    roma_answer_pulse_get(s->answer, &p);
    metric(b, "steps_total", "counter", "Steps of the engine.", (double)p.steps);
    metric(b, "decode_idle", "gauge", "1 while the driver has nothing to do.", p.sleeps);
    metric(b, "decode_since_step_seconds", "gauge",
           "Seconds since the driver last came to a step's end; 0 while it is idle.",
           p.sleeps || !p.steps ? 0 : p.since_s);
    metric(b, "running", "gauge", "Requests in the engine.", p.running);
    metric(b, "held", "gauge", "Requests that wait for a slow reader.", p.held);
    metric(b, "slots_used", "gauge", "Answers under way, running or waiting.", slots_used(s));
    metric(b, "cache_pages", "gauge", "Page groups of the cache.", m->pages);
    metric(b, "cache_pages_free", "gauge", "Page groups that no sequence holds.", p.pages_free);
    metric(b, "context_tokens", "gauge", "Tokens that a request may have.", s->context);
}

/* What each arena of the engine was computed to take, and the most that was in use of it. */
static void put_arenas(roma_buf *b, const roma_serve *s) {
    const roma_exec_memory *m = roma_exec_memory_of(roma_answer_engine(s->answer));
    roma_answer_pulse p;
    roma_answer_pulse_get(s->answer, &p);
    const struct {
        const char *name, *most_name;
        uint64_t bytes, most;
    } all[] = {{"arena_cache_bytes", "arena_cache_most_bytes", m->cache, p.most.cache},
               {"arena_adapters_bytes", "arena_adapters_most_bytes", m->adapters, p.most.adapters},
               {"arena_activations_bytes", "arena_activations_most_bytes", m->activations, p.most.activations},
               {"arena_work_bytes", "arena_work_most_bytes", m->work, p.most.work}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        metric(b, all[i].name, "gauge", "Bytes of this arena of the engine.", (double)all[i].bytes);
        metric(b, all[i].most_name, "gauge", "The most bytes of it that were in use, as of the last step.",
               (double)all[i].most);
    }
}

static void put_front(roma_buf *b, const roma_serve *s) {
    roma_http_counts c;
    roma_heap_state h;
    roma_http_look(s->http, &c);
    roma_heap_look(s->heap, &h);
    metric(b, "http_connections_total", "counter", "Connections that were taken.", (double)c.accepted);
    metric(b, "http_connections_refused_total", "counter", "Connections answered 503 for want of room.",
           (double)c.refused);
    metric(b, "http_bad_requests_total", "counter", "Requests that the front refused.", (double)c.bad);
    metric(b, "http_gone_total", "counter", "Exchanges whose client left.", (double)c.gone);
    metric(b, "http_timeouts_total", "counter", "Connections closed for their slowness.", (double)c.timeouts);
    metric(b, "http_open", "gauge", "Open connections.", c.open);
    metric(b, "http_received_bytes_total", "counter", "Bytes received.", (double)c.bytes_in);
    metric(b, "http_sent_bytes_total", "counter", "Bytes sent.", (double)c.bytes_out);
    metric(b, "heap_bytes", "gauge", "Bytes of the requests' heap.", (double)h.size);
    metric(b, "heap_used_bytes", "gauge", "Bytes of it in use.", (double)h.used);
    metric(b, "heap_most_bytes", "gauge", "The most that was in use.", (double)h.most);
    metric(b, "heap_refused_total", "counter", "Times that the heap had no room.", (double)h.refused);
    metric(b, "heap_outside_total", "counter", "Calls that went to the system's allocator since the start.",
           (double)h.outside);
}

void roma_serve_metrics(exchange *x, const roma_http_request *q) {
    roma_serve *s = x->s;
    roma_buf b = {0};
    (void)q;
    put_requests(&b, s);
    put_engine(&b, s);
    put_arenas(&b, s);
    put_front(&b, s);
    roma_buf_destroy(&x->out);
    x->out = b;
    x->is_answered = true;
    if (b.failed)
        roma_http_reply(x->http, 503, NULL, NULL, NULL, 0);
    else
        roma_http_reply(x->http, 200, "text/plain; version=0.0.4; charset=utf-8", NULL, x->out.data, x->out.len);
}

/* ---- the chip ---- */

static bool query_u32(const roma_http_request *q, const char *name, uint32_t max, uint32_t *out) {
    const roma_http_text t = roma_http_query(q->query, name);
    uint64_t v;
    if (!t.text) return true;
    if (!roma_json_to_u64(t.text, t.len, &v) || v > max) return false;
    *out = (uint32_t)v;
    return true;
}

/* Adapters of an exchange's answers as the chip model has them: ranks rounded up to one. */
static roma_serve_set set_of(const exchange *x) {
    roma_serve_set set = {0};
    for (size_t i = 0; i < ROMA_SERVE_ADAPTERS_MAX && x->adapter[0]; i++) {
        const adapter *a = &x->s->adapters[i];
        if (a->state == ADAPTER_FREE || strcmp(a->name, x->adapter) != 0) continue;
        set = (roma_serve_set){a->rank, 1};
    }
    if (x->a.q && x->a.q->adapters.n) set.stacked += (uint32_t)x->a.q->adapters.n;
    return set;
}

void roma_serve_account(const slot *l) {
    roma_serve *s = l->s;
    const uint32_t drawn = l->drawn, read = !drawn && l->n_fed < l->n_prompt ? l->n_fed : l->n_prompt;
    s->count.prompt_tokens += l->n_prompt;
    s->count.shared_tokens += l->n_shared;
    s->count.answer_tokens += l->n_answer;
    s->count.seconds += l->seconds;
    if (l->x->rows) return;
    const roma_serve_set set = set_of(l->x);
    roma_serve_record_prompt(s->record, set, l->n_shared, read);
    if (drawn) roma_serve_record_tokens(s->record, set, l->n_prompt, l->n_prompt + drawn - 1);
}

/* Whether an answer grows at the moment: its prompt is read, and nothing holds it. */
static bool generates(slot *l) {
    if (!l->in_use || !l->x || l->x->rows) return false;
    pthread_mutex_lock(&l->lock);
    const bool is = l->drawn && !l->is_held && !l->is_over;
    pthread_mutex_unlock(&l->lock);
    return is;
}

/* What runs at the moment. */
static void look_at_slots(const roma_serve *s, roma_serve_now *now, uint32_t running[]) {
    for (uint32_t i = 0; i < s->n_slots; i++) {
        slot *l = &s->slots[i];
        if (!generates(l)) continue;
        const roma_serve_set set = set_of(l->x);
        const choice *c = &l->x->t.choices[l->k];
        now->running++;
        now->cached += l->x->n_ids[c->prompt] + l->drawn - 1; /* the last token is fed by the next step */
        if (set.rank * set.stacked > now->set.rank * now->set.stacked) now->set = set;
        for (size_t k = 0; k < ROMA_SERVE_ADAPTERS_MAX; k++)
            running[k] += s->adapters[k].state == ADAPTER_READY && strcmp(s->adapters[k].name, l->x->adapter) == 0;
    }
}

static void look_at_adapters(roma_serve *s, roma_serve_now *now, roma_serve_adapter_now *list,
                             const uint32_t running[]) {
    for (size_t k = 0; k < ROMA_SERVE_ADAPTERS_MAX; k++) {
        const adapter *a = &s->adapters[k];
        if (a->state == ADAPTER_READY)
            list[now->n_adapters++] = (roma_serve_adapter_now){a->name, a->rank, running[k], a->bytes,
                                                               roma_answer_adapter_is_loaded(s->answer, a->name)};
    }
    now->adapters = list;
}

/* Tokens/s since a look that is at least half a second past, all answers together; 0 while nothing runs. */
static double host_rate(roma_serve *s, uint32_t running) {
    uint64_t tokens = s->count.answer_tokens;
    const double now = roma_now(), past = now - s->looked.at;
    for (uint32_t i = 0; i < s->n_slots; i++)
        if (s->slots[i].in_use) tokens += s->slots[i].drawn;
    if (past >= 0.5) {
        const bool counts = past < 5 && tokens > s->looked.tokens;
        s->looked.rate = counts ? (double)(tokens - s->looked.tokens) / past : 0;
        s->looked.at = now;
        s->looked.tokens = tokens;
    }
    return running ? s->looked.rate : 0;
}

static int chip_json(roma_serve *s, roma_buf *b, roma_error *err) {
    static roma_serve_adapter_now list[ROMA_SERVE_ADAPTERS_MAX]; /* the network's thread is one */
    uint32_t running[ROMA_SERVE_ADAPTERS_MAX] = {0};
    const roma_exec_memory *m = roma_exec_memory_of(roma_answer_engine(s->answer));
    roma_answer_pulse p;
    roma_answer_pulse_get(s->answer, &p);
    roma_serve_now now = {.pages = m->pages,
                          .pages_free = p.steps ? p.pages_free : m->pages,
                          .page_bytes = m->page_group,
                          .pages_shared = p.pages_shared,
                          .activation_bytes = m->activations,
                          .host_s = p.busy_s};
    look_at_slots(s, &now, running);
    now.host_tok_s = host_rate(s, now.running);
    look_at_adapters(s, &now, list, running);
    return roma_serve_record_json(s->record, &now, b, err);
}

static void reply_chip(exchange *x, int rc, const roma_error *err, roma_buf *b) {
    if (!rc) {
        roma_serve_reply(x, 200, b);
        return;
    }
    roma_buf_destroy(b);
    roma_serve_error_of(&x->error, rc, err, "context");
    roma_serve_fail(x);
}

void roma_serve_chip(exchange *x, const roma_http_request *q) {
    roma_buf b = {0};
    roma_error err;
    (void)q;
    reply_chip(x, chip_json(x->s, &b, &err), &err, &b);
}

void roma_serve_chip_step(exchange *x, const roma_http_request *q) {
    roma_buf b = {0};
    roma_error err;
    uint32_t context = 0;
    roma_serve_set set = {.stacked = 1};
    const bool are_numbers = query_u32(q, "context", UINT32_MAX, &context) &&
                             query_u32(q, "rank", UINT32_MAX, &set.rank) &&
                             query_u32(q, "stacked", UINT32_MAX, &set.stacked);
    const int rc =
        are_numbers ? roma_serve_record_step_json(x->s->record, context, set, &b, &err)
                    : roma_fail(&err, ROMA_EINPUT, "", ROMA_NOWHERE, "context, rank and stacked must be whole numbers");
    reply_chip(x, rc, &err, &b);
}
