/* From a request to its answers: prompts by the worker, answers by the engine, events as they come. All of this runs on
 * the network's thread. */
#include "serve/internal.h"

#include <string.h>
#include <sys/random.h>
#include <time.h>

enum { OUT_ENOUGH = 4096 }; /* bytes of events that wait before more are made */

/* ---- exchanges ---- */

exchange *roma_serve_exchange(roma_serve *s, roma_http_exchange *http) {
    static const char text[] = "no memory for the request; try again later";
    exchange *x = roma_alloc_array(1, sizeof *x);
    if (!x) {
        roma_serve_refuse(http, 503, "out_of_memory", text, false);
        return NULL;
    }
    *x = (exchange){.s = s, .http = http, .writes = &roma_serve_told_text, .began = roma_now(), .follow = s->all};
    if (s->all) s->all->prev = x;
    s->all = x;
    s->n_exchanges++;
    roma_http_set_user(http, x);
    return x;
}

static void free_choice(choice *c) {
    roma_buf *const all[] = {&c->content, &c->reasoning, &c->calls, &c->texts, &c->probs, &c->ids, &c->item};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) roma_buf_destroy(all[i]);
}

/* When nobody has it any more: neither the front nor the worker nor the driver. */
static void free_if_over(exchange *x) {
    roma_serve *s = x->s;
    if (x->http || x->with_worker || x->live) return;
    for (size_t i = 0; i < x->t.n; i++) free_choice(&x->t.choices[i]);
    for (size_t i = 0; i < x->n_prompts; i++) roma_free(x->ids[i]);
    roma_free(x->t.choices);
    roma_free(x->ids);
    roma_free(x->n_ids);
    roma_free(x->rows);
    roma_constrain_destroy(x->shape);
    roma_free(x->body);
    roma_buf_destroy(&x->out);
    roma_serve_asked_free(&x->a);
    if (x->prev) x->prev->follow = x->follow;
    if (x->follow) x->follow->prev = x->prev;
    if (s->all == x) s->all = x->follow;
    s->n_exchanges--;
    roma_free(x);
}

/* Its answers are wanted no more; slots are given back when the driver is done with them. */
static void cancel(exchange *x) {
    x->next = x->t.n;
    for (uint32_t i = 0; i < x->s->n_slots && x->live; i++)
        if (x->s->slots[i].x == x) roma_answer_cancel(x->s->answer, x->s->slots[i].ticket);
}

/* Slots whose client is gone, or whose request was answered otherwise, are given back when the driver is done. */
void roma_serve_sweep(roma_serve *s) {
    for (uint32_t i = 0; i < s->n_slots; i++) {
        slot *l = &s->slots[i];
        exchange *x = l->x;
        if (!l->in_use || !x || (x->http && !x->is_answered)) continue;
        pthread_mutex_lock(&l->lock);
        const bool over = l->is_over;
        pthread_mutex_unlock(&l->lock);
        if (!over) continue;
        roma_serve_slot_give(l);
        x->live--;
        free_if_over(x);
    }
}

void roma_serve_gone(exchange *x) {
    roma_serve *s = x->s;
    x->http = NULL;
    if (x->live && !x->is_answered) x->s->count.cancelled++;
    cancel(x);
    if (x->live)
        roma_serve_sweep(s);
    else
        free_if_over(x);
}

/* ---- answering ---- */

void roma_serve_reply(exchange *x, int status, roma_buf *b) {
    roma_buf_destroy(&x->out);
    x->out = *b;
    *b = (roma_buf){0};
    if (!x->http || x->is_answered) return;
    x->is_answered = true;
    if (x->out.failed)
        roma_http_reply(x->http, 503, NULL, "Retry-After: 1\r\n", NULL, 0);
    else
        roma_http_reply(x->http, status, "application/json", NULL, x->out.data, x->out.len);
}

/* True: all that waited was sent. */
static bool flush(exchange *x) {
    while (x->sent < x->out.len) {
        const size_t left = x->out.len - x->sent, n = left < ROMA_HTTP_SEND_MOST ? left : ROMA_HTTP_SEND_MOST;
        if (!roma_http_send(x->http, x->out.data + x->sent, n)) return false;
        x->sent += n;
    }
    x->sent = x->out.len = 0;
    return true;
}

/* The end of an exchange by an error: the answer, or the last event of one that has begun. */
static void fail(exchange *x) {
    cancel(x);
    x->s->count.failed++;
    if (!x->http || x->is_answered) return;
    if (!x->is_begun) {
        roma_serve_fail(x);
        return;
    }
    x->is_answered = true;
    if (!flush(x)) { /* no room for a last event behind what waits */
        roma_http_cut(x->http);
        return;
    }
    x->writes->fail(&x->t, &x->error, &x->out);
    if (x->out.failed || !flush(x))
        roma_http_cut(x->http);
    else
        roma_http_finish(x->http);
}

static void begin_stream(exchange *x) {
    static const char extra[] = "Cache-Control: no-cache\r\nX-Accel-Buffering: no\r\n";
    if (x->is_begun) return;
    x->is_begun = true;
    roma_http_begin(x->http, 200, x->writes->stream_type, extra);
    if (x->writes->begin) x->writes->begin(&x->t, &x->out);
}

/* ---- what an answer grows by ---- */

static void emit(exchange *x, size_t k, told_delta *d) {
    choice *c = &x->t.choices[k];
    if (!x->a.stream) return;
    begin_stream(x);
    if (d->kind == TOLD_CONTENT || d->kind == TOLD_FINISH) {
        d->probs = (const roma_answer_probs *)(void *)c->probs.data;
        d->n_probs = c->probs.len / sizeof(roma_answer_probs);
        d->ids = (const int32_t *)(void *)c->ids.data;
        d->n_ids = c->ids.len / sizeof(int32_t);
    }
    x->writes->delta(&x->t, k, d, &x->out);
    if (d->kind == TOLD_CONTENT) c->probs.len = c->ids.len = 0;
}

static void grow(exchange *x, size_t k, const char *text, size_t len) {
    choice *c = &x->t.choices[k];
    told_delta d = {.kind = TOLD_CONTENT, .text = text, .len = len};
    if (!x->a.stream || x->writes->keeps) roma_buf_append(&c->content, text, len);
    emit(x, k, &d);
}

static const char *finish_of(const slot *l) {
    return l->stop == ROMA_ANSWER_LENGTH || l->stop == ROMA_ANSWER_CONTEXT ? "length" : "stop";
}

/* The mean of the rows, of length 1. */
static void settle_rows(exchange *x, const slot *l) {
    const uint32_t width = x->s->width;
    float *out = x->rows + l->k * width;
    double square = 0;
    for (uint32_t i = 0; i < width; i++) square += l->sum[i] * l->sum[i];
    const double by = square > 0 ? 1 / __builtin_sqrt(square) : 0;
    for (uint32_t i = 0; i < width; i++) out[i] = (float)(l->sum[i] * by);
}

/* An answer came to its end, and all of it was read. */
static void over(exchange *x, slot *l) {
    roma_serve *s = x->s;
    choice *c = &x->t.choices[l->k];
    told_delta d = {.kind = TOLD_FINISH, .text = ""};
    c->is_over = true;
    c->n_prompt = l->n_prompt;
    c->n_answer = l->n_answer;
    c->n_shared = l->n_shared;
    c->first_s = l->first_s;
    c->seconds = l->seconds;
    s->count.prompt_tokens += l->n_prompt;
    s->count.shared_tokens += l->n_shared;
    s->count.answer_tokens += l->n_answer;
    s->count.seconds += l->seconds;
    if (x->rows) {
        settle_rows(x, l);
        s->count.embeddings++;
        return;
    }
    const roma_serve_set set = roma_serve_set_of(x);
    roma_serve_record_prompt(s->record, set, l->n_shared, l->n_prompt);
    if (l->n_answer) roma_serve_record_tokens(s->record, set, l->n_prompt, l->n_prompt + l->n_answer - 1);
    c->finish = finish_of(l);
    emit(x, l->k, &d);
}

/* Takes what a slot holds, as long as there is use for it. False: nothing was there. */
static bool take(exchange *x, slot *l) {
    uint8_t data[RECORD_MOST];
    record_kind kind;
    size_t len;
    choice *c = &x->t.choices[l->k];
    if (!roma_serve_slot_next(l, &kind, data, &len)) return false;
    if (kind == RECORD_TEXT) grow(x, l->k, (const char *)data, len);
    if (kind == RECORD_PROBS) roma_buf_append(&c->probs, data, len);
    if (kind == RECORD_ID) roma_buf_append(&c->ids, data, len);
    return true;
}

/* A slot whose answer is over leaves; one whose client left at once. */
static void give_back(slot *l) {
    exchange *x = l->x;
    x->live--;
    if (!x->is_answered && !l->rc) over(x, l);
    if (!x->is_answered && l->rc) {
        roma_serve_error_of(&x->error, l->rc == ROMA_ECANCEL ? ROMA_ENOMEM : l->rc, &l->err, NULL);
        roma_serve_slot_give(l);
        fail(x);
        return;
    }
    roma_serve_slot_give(l);
}

/* ---- submitting ---- */

static uint64_t drawn_seed(void) {
    uint32_t n = 0;
    if (getrandom(&n, sizeof n, 0) != (ssize_t)sizeof n) n = (uint32_t)time(NULL);
    return n;
}

static unsigned flags_of(const exchange *x) {
    return x->form == ASKED_TEXT || x->form == ASKED_EMBED || x->form == ASKED_OEMBED || x->a.raw ? ROMA_ANSWER_RAW : 0;
}

static int adapters_of(const exchange *x, roma_answer_adapter list[ROMA_EXEC_STACK_MAX],
                       char name[ROMA_EXEC_STACK_MAX][ROMA_ANSWER_NAME_MAX + 1], size_t *n, roma_error *err) {
    const roma_answer_texts *given = &x->a.q->adapters;
    *n = 0;
    if (x->adapter[0]) list[(*n)++] = (roma_answer_adapter){x->adapter, 1};
    if (given->n > ROMA_EXEC_STACK_MAX - *n)
        return roma_fail(err, ROMA_EINPUT, "", ROMA_NOWHERE, "lora: at most %d adapters add up", ROMA_EXEC_STACK_MAX);
    for (size_t i = 0; i < given->n; i++, (*n)++) {
        const int rc = roma_answer_adapter_parse(given->item[i].text, name[*n], &list[*n].factor, err);
        if (rc) return rc;
        list[*n].name = name[*n];
    }
    return ROMA_OK;
}

/* The k-th answer; ROMA_EBUSY: there is no place for it now. */
static int submit(exchange *x, size_t k, roma_error *err) {
    static roma_answer_adapter list[ROMA_EXEC_STACK_MAX]; /* the network's thread is one */
    static char name[ROMA_EXEC_STACK_MAX][ROMA_ANSWER_NAME_MAX + 1];
    roma_serve *s = x->s;
    choice *c = &x->t.choices[k];
    const size_t p = k / x->a.n, n = x->n_ids[p];
    roma_answer_request r = {.prompt = x->ids[p],
                             .n_prompt = n,
                             .continues = roma_answer_is_raw(s->answer, flags_of(x)),
                             .adapters = list,
                             .ask = x->a.q->ask,
                             .over = roma_serve_slot_over};
    int rc = adapters_of(x, list, name, &r.n_adapters, err);
    if (rc) return rc;
    slot *l = roma_serve_slot_take(s, x, k);
    if (!l)
        return roma_fail(err, ROMA_EBUSY, "", ROMA_NOWHERE, "%u requests are under way; try again later", s->n_slots);
    r.ctx = l;
    if (x->rows) {
        r.ask.limit = 1;
        r.row = roma_serve_slot_row;
    } else {
        if (!x->a.has_limit && !s->c.usual_limit) r.ask.limit = n < s->context ? s->context - (uint32_t)n : 1;
        r.ask.sampling.seed = c->seed;
        r.ask.form = x->shape;
        r.token = roma_serve_slot_token;
        r.text = roma_serve_slot_text;
    }
    rc = roma_answer_submit(s->answer, &r, &l->ticket, err);
    if (rc)
        roma_serve_slot_give(l);
    else
        x->live++;
    return rc;
}

/* As many answers as there are places for now; a list of inputs leaves places for others. */
static void submit_more(exchange *x) {
    const size_t most = x->rows ? (x->s->running + 1) / 2 : x->t.n;
    roma_error err;
    while (x->next < x->t.n && x->live < most && !x->is_answered) {
        const int rc = submit(x, x->next, &err);
        if (rc == ROMA_EBUSY && (x->next || x->live)) return; /* its turn comes */
        if (!rc) {
            x->next++;
            continue;
        }
        if (rc == ROMA_EBUSY) x->s->count.busy++;
        roma_serve_error_of(&x->error, rc, &err, NULL);
        if (rc == ROMA_EINPUT) x->error.code = "model_not_found", x->error.status = 404; /* an adapter that left */
        fail(x);
    }
}

/* ---- from the worker ---- */

static bool make_choices(exchange *x) {
    const size_t n = x->n_prompts * x->a.n;
    const roma_sampling *y = &x->a.q->ask.sampling;
    const bool embeds = x->form == ASKED_EMBED || x->form == ASKED_OEMBED;
    const uint64_t seed = x->a.q->seeded ? y->seed : drawn_seed();
    x->t.choices = roma_alloc_array(n, sizeof(choice));
    if (embeds) x->rows = roma_alloc_array(n, x->s->width * sizeof(float));
    if (!x->t.choices || (embeds && !x->rows)) return false;
    x->t.n = n;
    x->t.draws = y->temperature > 0 && y->top_k != 1;
    for (size_t k = 0; k < n; k++)
        x->t.choices[k] = (choice){.prompt = (uint32_t)(k / x->a.n), .seed = seed + k % x->a.n, .open = -1};
    return true;
}

static void name_told(exchange *x) {
    roma_serve *s = x->s;
    told *t = &x->t;
    uint8_t random[12];
    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random) memset(random, 0, sizeof random);
    roma_hex(t->id, random, sizeof random);
    t->a = &x->a;
    t->tok = roma_answer_tokenizer(s->answer);
    t->created = (int64_t)time(NULL);
    roma_print(t->model, sizeof t->model, "%s", x->adapter[0] ? x->adapter : s->name);
    roma_print(t->fingerprint, sizeof t->fingerprint, "%s", s->fingerprint);
}

/* The model that is asked for; false: it is not here. */
static bool find_model(exchange *x) {
    const roma_answer_text *m = &x->a.q->model;
    char shown[80];
    bool base = true;
    const adapter *found = m->text ? roma_serve_find(x->s, m->text, m->len, &base) : NULL;
    if (found) roma_print(x->adapter, sizeof x->adapter, "%s", found->name);
    if (found || base) return true;
    roma_error_name(shown, sizeof shown, m->text, m->len);
    roma_serve_error(&x->error, 404, "model_not_found", "model",
                     "the model '%s' does not exist; /v1/models lists those that do", shown);
    return false;
}

static bool fit_context(exchange *x) {
    const char *key = x->form == ASKED_CHAT || x->form == ASKED_OCHAT     ? "messages"
                      : x->form == ASKED_EMBED || x->form == ASKED_OEMBED ? "input"
                                                                          : "prompt";
    for (size_t i = 0; i < x->n_prompts; i++)
        if (x->n_ids[i] > x->s->context) {
            roma_serve_error(&x->error, 400, "context_length_exceeded", key,
                             "This model's maximum context length is %u tokens. However, your messages resulted in %zu "
                             "tokens. Please reduce the length of the messages.",
                             x->s->context, x->n_ids[i]);
            return false;
        }
    return true;
}

/* The prompts are made, or something was wrong with the request. */
static void prompts_made(exchange *x) {
    if (x->form != ASKED_RESPONSE) { /* which tells settings back out of it */
        roma_free(x->body);
        x->body = NULL;
    }
    roma_buf_destroy(&x->a.messages);
    roma_buf_destroy(&x->a.ids);
    if (!x->http || x->is_answered) return;
    if (x->rc) {
        fail(x);
        return;
    }
    if (!find_model(x) || !fit_context(x)) {
        fail(x);
        return;
    }
    name_told(x);
    if (!make_choices(x)) {
        roma_serve_error(&x->error, 503, "out_of_memory", NULL, "no memory for the answers; try again later");
        fail(x);
        return;
    }
    x->s->count.requests++;
    submit_more(x);
}

static uint32_t places_taken(const roma_serve *s) {
    uint32_t n = s->n_work;
    for (uint32_t i = 0; i < s->n_slots; i++) n += s->slots[i].in_use;
    return n;
}

void roma_serve_ask(exchange *x, const roma_http_request *q) {
    roma_serve *s = x->s;
    if (x->form != ASKED_EMBED && x->form != ASKED_OEMBED) x->writes = roma_serve_told_form_of(x->form);
    if (x->form == ASKED_OEMBED) x->writes = &roma_serve_told_ollama_chat;
    if (places_taken(s) >= s->n_slots) {
        s->count.busy++;
        roma_serve_error(&x->error, 429, "rate_limit_exceeded", NULL, "%u requests are under way; try again later",
                         s->n_slots);
        roma_serve_fail(x);
        return;
    }
    x->body = roma_alloc(q->length + 1);
    if (!x->body) {
        roma_serve_error(&x->error, 503, "out_of_memory", NULL, "no memory for the request; try again later");
        roma_serve_fail(x);
        return;
    }
    if (q->length) memcpy(x->body, q->body, q->length);
    x->body_len = q->length;
    roma_serve_work(x, roma_serve_make_prompts, prompts_made);
}

/* ---- sending ---- */

static void finish(exchange *x) {
    roma_buf b = {0};
    if (x->a.stream && !x->rows) {
        begin_stream(x);
        if (!x->is_ended) x->writes->end(&x->t, &x->out);
        x->is_ended = true;
        if (x->out.failed) {
            roma_http_cut(x->http);
            x->is_answered = true;
        } else if (flush(x)) {
            roma_http_finish(x->http);
            x->is_answered = true;
        }
        return;
    }
    if (!x->rows)
        x->writes->whole(&x->t, &b);
    else if (x->form == ASKED_OEMBED)
        roma_serve_told_embeddings_ollama(&x->t, x->rows, x->s->width, &b);
    else
        roma_serve_told_embeddings(&x->t, x->rows, x->s->width, &b);
    for (size_t i = 0; i < x->t.n; i++)
        b.failed |= x->t.choices[i].content.failed || x->t.choices[i].probs.failed || x->t.choices[i].ids.failed;
    roma_serve_reply(x, 200, &b);
}

/* Reads the slots of an exchange once; true: there was something. Gives back those that are over. */
static bool read_slots(exchange *x) {
    bool any = false;
    for (uint32_t i = 0; i < x->s->n_slots; i++) {
        slot *l = &x->s->slots[i];
        if (l->x != x) continue;
        while (!x->is_answered && !(x->a.stream && x->out.len > OUT_ENOUGH) && take(x, l)) any = true;
        if (!x->is_answered && roma_serve_slot_done(l)) {
            give_back(l);
            any = true;
        }
    }
    return any;
}

void roma_serve_pump(exchange *x) {
    if (!x->a.q || x->with_worker) return;
    while (!x->is_answered) {
        if (x->is_begun && !flush(x)) return; /* `room` comes */
        submit_more(x);
        if (read_slots(x)) continue;
        if (x->is_answered || x->live || x->next < x->t.n || !x->t.n) return;
        finish(x);
        if (x->is_begun && !x->is_answered) return;
    }
}

void roma_serve_woken(roma_serve *s) {
    s->is_told = false;
    roma_serve_worked(s);
    for (exchange *x = s->all, *follow; x; x = follow) {
        follow = x->follow;
        if (x->http) roma_serve_pump(x);
    }
    roma_serve_sweep(s);
}

/* ---- the end ---- */

void roma_serve_end_all(roma_serve *s) {
    s->is_ending = true;
    for (exchange *x = s->all, *follow; x; x = follow) {
        follow = x->follow;
        if (!x->http || x->is_answered) continue;
        roma_serve_error(&x->error, 503, "shutting_down", NULL, "the server ends");
        fail(x);
    }
}
