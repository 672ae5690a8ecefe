/* The face's engine: an answer room with a driver of its own, at least as many pages as its running requests need, and
 * callers who may wait. */
#include "face.h"
#include "roma/answer.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

struct roma_engine {
    roma_answer *a;
    pid_t pid; /* whose threads compute: a forked child has none of them */
};

enum { WAITING = 64, RUNNING = 1 };

int roma_face_here(pid_t pid, roma_error *err) {
    return pid == getpid()
               ? ROMA_OK
               : roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE,
                           "the engine belongs to the process that this one was forked from: open one here");
}

/* ---- open ---- */

static int start(roma_answer *a, roma_answer_config *c, roma_error *err) {
    int rc = roma_answer_fit(a, c, UINT64_MAX, err);
    if (!rc) rc = roma_answer_start(a, c, err);
    return rc ? rc : roma_answer_spawn(a, err);
}

static int open_engine(roma_engine **out, const char *image, const roma_engine_config *given, roma_error *err) {
    roma_engine_config own;
    int rc = roma_face_take(&own, sizeof own, given, err);
    if (!rc && !image) rc = roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE, "an engine needs the path of an image");
    if (rc) return rc;
    roma_answer_config c = {.image = image,
                            .chip = own.chip,
                            .chip_is_limit = own.chip != NULL,
                            .chat_template = own.chat_template,
                            .no_verify = own.no_verify != 0,
                            .threads = own.threads,
                            .isa = own.isa,
                            .kv = own.kv,
                            .context = own.context,
                            .running = own.running ? own.running : RUNNING,
                            .waiting = own.waiting ? own.waiting : WAITING,
                            .no_proposals = own.no_speculation != 0,
                            .sram_bytes = own.sram_bytes,
                            .adapters = own.adapters,
                            .rank = own.rank};
    roma_engine *e = roma_alloc_array(1, sizeof *e);
    if (!e) return roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the engine");
    e->pid = getpid();
    rc = roma_answer_open(&e->a, &c, err);
    if (!rc) rc = start(e->a, &c, err);
    if (rc)
        roma_engine_close(e);
    else
        *out = e;
    return rc;
}

int roma_engine_open(roma_engine **e, const char *image, const roma_engine_config *c) {
    roma_error err;
    *e = NULL;
    return roma_face_end(open_engine(e, image, c, &err), &err);
}

void roma_engine_close(roma_engine *e) {
    if (!e || roma_face_here(e->pid, NULL)) return;
    roma_answer_close(e->a);
    roma_free(e);
}

const char *roma_engine_name(const roma_engine *e) { return roma_answer_image(e->a)->desc.name; }
uint32_t roma_engine_vocab(const roma_engine *e) { return roma_answer_image(e->a)->desc.hyper.vocab; }
uint32_t roma_engine_hidden(const roma_engine *e) { return roma_true_hidden(&roma_answer_image(e->a)->desc.hyper); }
int roma_engine_speaks(const roma_engine *e) { return roma_answer_tokenizer(e->a) != NULL; }
uint32_t roma_engine_context(const roma_engine *e) { return roma_exec_memory_of(roma_answer_engine(e->a))->context; }

/* ---- adapters ---- */

int roma_engine_adapter_open(roma_engine *e, const char *name, const char *file, int any_base) {
    roma_error err;
    int rc = roma_face_here(e->pid, &err);
    if (!rc) rc = roma_answer_adapter_open(e->a, name, file, any_base ? ROMA_ADAPTER_ANY_BASE : 0, &err);
    return roma_face_end(rc, &err);
}

int roma_engine_adapter_close(roma_engine *e, const char *name) {
    roma_error err;
    int rc = roma_face_here(e->pid, &err);
    if (!rc) rc = roma_answer_adapter_close(e->a, name, &err);
    return roma_face_end(rc, &err);
}

/* ---- prompts ---- */

static int role_of(const char *name, roma_role *out, roma_error *err) {
    static const char *const names[] = {"system", "user", "assistant"};
    static const roma_role roles[] = {ROMA_ROLE_SYSTEM, ROMA_ROLE_USER, ROMA_ROLE_ASSISTANT};
    char shown[64];
    for (unsigned i = 0; name && i < 3; i++)
        if (strcmp(name, names[i]) == 0) {
            *out = roles[i];
            return ROMA_OK;
        }
    return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE, "a turn's role is system, user or assistant, not '%s'",
                     name ? roma_error_name(shown, sizeof shown, name, strlen(name)) : "");
}

static int messages_of(const roma_query *q, roma_message *m, roma_error *err) {
    int rc = ROMA_OK;
    for (size_t i = 0; i < q->n_turns && !rc; i++) {
        const roma_turn *t = &q->turns[i];
        if (!t->text) return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE, "a turn has no text");
        m[i].text = t->text;
        m[i].len = t->len ? t->len : strlen(t->text);
        rc = role_of(t->role, &m[i].role, err);
    }
    return rc;
}

static roma_answer_text text_of(const char *s) { return (roma_answer_text){s, s ? strlen(s) : 0}; }

static unsigned flags_of(const roma_query *q) {
    return (q->is_raw ? ROMA_ANSWER_RAW : 0u) | (q->is_raw && q->has_special ? ROMA_ANSWER_SPECIAL : 0u);
}

/* From roma_alloc. */
static int prompt_of(const roma_engine *e, const roma_query *q, int32_t **ids, size_t *n, roma_error *err) {
    *ids = NULL;
    if (!q->n_turns == !q->messages)
        return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE,
                         "a request needs turns, messages or token ids, one of them");
    roma_message *m = roma_alloc_array(q->n_turns + 1, sizeof *m);
    roma_answer_text *args = roma_alloc_array(q->n_template_args + 1, sizeof *args);
    int rc =
        m && args ? messages_of(q, m, err) : roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the prompt");
    for (size_t i = 0; i < q->n_template_args && !rc; i++) args[i] = text_of(q->template_args[i]);
    const roma_answer_dialog d = {.messages = m,
                                  .n = q->n_turns,
                                  .json = text_of(q->messages),
                                  .tools = text_of(q->tools),
                                  .documents = text_of(q->documents),
                                  .args = {args, q->n_template_args},
                                  .flags = flags_of(q)};
    if (!rc) rc = roma_answer_dialog_prompt(e->a, &d, ids, n, NULL, err);
    roma_free(m);
    roma_free(args);
    return rc;
}

/* ---- requests ---- */

/* What the callbacks need of a request. */
typedef struct {
    void *ctx;
    int (*text)(void *ctx, const char *text, size_t len);
    void (*token)(void *ctx, int32_t token, const float *logits);
    void (*over)(void *ctx, const roma_answered *r);
    float *logits, *rows; /* the caller's arrays; logits NULL once they are filled */
    uint32_t vocab, hidden;
} caller;

static int on_text(void *ctx, const char *text, size_t len) {
    const caller *c = ctx;
    return c->text(c->ctx, text, len);
}
static void on_token(void *ctx, int32_t token, const float *logits) {
    caller *c = ctx;
    if (c->logits) memcpy(c->logits, logits, c->vocab * sizeof *logits);
    c->logits = NULL;
    if (c->token) c->token(c->ctx, token, logits);
}
static void on_row(void *ctx, uint32_t position, const float *values) {
    const caller *c = ctx;
    memcpy(c->rows + (size_t)position * c->hidden, values, c->hidden * sizeof *values);
}
static void on_over(void *ctx, const roma_answer_result *r) {
    caller *c = ctx;
    char message[1024] = "";
    if (r->rc) roma_error_format(r->err, message, sizeof message);
    const roma_answered out = {.size = sizeof out,
                               .code = r->rc,
                               .message = message,
                               .stop = r->rc ? "" : roma_answer_stop_name(r->stop),
                               .ids = r->ids,
                               .n_ids = r->n_ids,
                               .prompt_tokens = r->n_prompt,
                               .shared_tokens = r->batch.shared,
                               .drafted = r->batch.drafted,
                               .accepted = r->batch.accepted,
                               .first_s = r->first_s,
                               .seconds = r->seconds};
    if (c->over) c->over(c->ctx, &out);
    roma_free(c);
}

static roma_answer_ask ask_of(const roma_query *q, const roma_answer_text *stops) {
    roma_answer_ask k;
    roma_answer_ask_default(&k);
    if (q->limit) k.limit = q->limit;
    k.sampling.temperature = q->temperature;
    k.sampling.top_k = q->top_k;
    if (q->top_p > 0 || q->top_p < 0) k.sampling.top_p = q->top_p;
    k.sampling.min_p = q->min_p;
    if (q->repeat_penalty > 0 || q->repeat_penalty < 0) k.sampling.repeat_penalty = q->repeat_penalty;
    k.sampling.seed = q->seed;
    k.stops = (roma_answer_texts){stops, q->n_stops};
    return k;
}

static int list_of(const roma_engine_adapter *adapters, size_t n, roma_answer_adapter list[ROMA_EXEC_STACK_MAX],
                   roma_error *err) {
    if (n > ROMA_EXEC_STACK_MAX)
        return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE, "%zu adapters at once; at most %d add up", n,
                         ROMA_EXEC_STACK_MAX);
    for (size_t i = 0; i < n; i++) list[i] = (roma_answer_adapter){adapters[i].name, adapters[i].factor};
    return ROMA_OK;
}

static int submit_ids(roma_engine *e, const roma_query *q, const int32_t *ids, size_t n, roma_answer_text *stops,
                      uint64_t *ticket, roma_error *err) {
    roma_answer_adapter list[ROMA_EXEC_STACK_MAX];
    const int bad = list_of(q->adapters, q->n_adapters, list, err);
    if (bad) return bad;
    for (size_t i = 0; i < q->n_stops; i++) stops[i] = (roma_answer_text){q->stops[i], strlen(q->stops[i])};
    caller *c = roma_alloc_array(1, sizeof *c);
    if (!c) return roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the request");
    *c = (caller){q->ctx,
                  q->text,
                  q->token,
                  q->over,
                  q->prompt_logits,
                  q->prompt_rows,
                  roma_engine_vocab(e),
                  roma_engine_hidden(e)};
    const roma_answer_request r = {.prompt = ids,
                                   .n_prompt = n,
                                   .continues = q->ids ? q->is_raw != 0 : roma_answer_is_raw(e->a, flags_of(q)),
                                   .adapters = list,
                                   .n_adapters = q->n_adapters,
                                   .ask = ask_of(q, stops),
                                   .ctx = c,
                                   .text = q->text ? on_text : NULL,
                                   .row = q->prompt_rows ? on_row : NULL,
                                   .token = q->token || q->prompt_logits ? on_token : NULL,
                                   .over = on_over};
    const int rc = roma_answer_submit(e->a, &r, ticket, err);
    if (rc) roma_free(c);
    return rc;
}

static int submit(roma_engine *e, const roma_query *q, uint64_t *ticket, roma_error *err) {
    int32_t *ids = NULL;
    size_t n = q->n_ids;
    const int away = roma_face_here(e->pid, err);
    if (away) return away;
    if (q->prompt_rows && !q->ids)
        return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE, "rows of a prompt are of one in token ids");
    int rc = q->ids ? ROMA_OK : prompt_of(e, q, &ids, &n, err);
    roma_answer_text *stops = rc || !q->n_stops ? NULL : roma_alloc_array(q->n_stops, sizeof *stops);
    if (!rc && q->n_stops && !stops) rc = roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the request");
    if (!rc) rc = submit_ids(e, q, q->ids ? q->ids : ids, n, stops, ticket, err);
    roma_free(stops);
    roma_free(ids);
    return rc;
}

int roma_engine_submit(roma_engine *e, const roma_query *r, uint64_t *ticket) {
    roma_query q;
    roma_error err;
    int rc = roma_face_take(&q, sizeof q, r, &err);
    if (!rc) rc = submit(e, &q, ticket, &err);
    return roma_face_end(rc, &err);
}

void roma_engine_cancel(roma_engine *e, uint64_t ticket) {
    if (!roma_face_here(e->pid, NULL)) roma_answer_cancel(e->a, ticket);
}

/* ---- waiting ---- */

typedef struct {
    pthread_mutex_t lock;
    pthread_cond_t ended;
    bool is_over;
    int rc;
    roma_error err;
    roma_query q; /* whose callbacks are called too */
} waiter;

static int wait_text(void *ctx, const char *text, size_t len) {
    const waiter *w = ctx;
    return w->q.text ? w->q.text(w->q.ctx, text, len) : 0;
}
static void wait_token(void *ctx, int32_t token, const float *logits) {
    const waiter *w = ctx;
    w->q.token(w->q.ctx, token, logits);
}
static void wait_over(void *ctx, const roma_answered *r) {
    waiter *w = ctx;
    if (w->q.over) w->q.over(w->q.ctx, r);
    pthread_mutex_lock(&w->lock);
    w->is_over = true;
    w->rc = r->code;
    if (r->code) roma_fail(&w->err, r->code, "", ROMA_NOWHERE, "%s", r->message);
    pthread_cond_signal(&w->ended);
    pthread_mutex_unlock(&w->lock);
}

static int wait_for(roma_engine *e, waiter *w, roma_error *err) {
    roma_query q = w->q;
    q.ctx = w;
    q.text = w->q.text ? wait_text : NULL;
    q.token = w->q.token ? wait_token : NULL;
    q.over = wait_over;
    if (roma_answer_is_callback(e->a))
        return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE, "this waits for an answer: no callback may call it");
    if (pthread_mutex_init(&w->lock, NULL)) return roma_fail(err, ROMA_EIO, "", ROMA_NOWHERE, "no lock can be had");
    if (pthread_cond_init(&w->ended, NULL)) {
        pthread_mutex_destroy(&w->lock);
        return roma_fail(err, ROMA_EIO, "", ROMA_NOWHERE, "no condition variable can be had");
    }
    int rc = submit(e, &q, NULL, err);
    if (!rc) {
        pthread_mutex_lock(&w->lock);
        while (!w->is_over) pthread_cond_wait(&w->ended, &w->lock);
        pthread_mutex_unlock(&w->lock);
        rc = w->rc;
        if (rc) *err = w->err;
    }
    pthread_cond_destroy(&w->ended);
    pthread_mutex_destroy(&w->lock);
    return rc;
}

static int answer(roma_engine *e, const char *prompt, waiter *w, roma_error *err) {
    const size_t before = w->q.turns ? w->q.n_turns : 0;
    roma_turn *turns = roma_alloc_array(before + 1, sizeof *turns);
    if (!turns) return roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the prompt");
    if (before) memcpy(turns, w->q.turns, before * sizeof *turns);
    turns[before] = (roma_turn){"user", prompt, 0};
    w->q.turns = turns;
    w->q.n_turns = before + 1;
    const int rc = wait_for(e, w, err);
    roma_free(turns);
    return rc;
}

int roma_engine_answer(roma_engine *e, const char *prompt, const roma_query *how,
                       int (*text)(void *ctx, const char *text, size_t len), void *ctx) {
    waiter w = {.is_over = false};
    roma_error err;
    int rc = roma_face_take(&w.q, sizeof w.q, how, &err);
    w.q.ids = NULL;
    w.q.ctx = ctx;
    w.q.text = text;
    if (!rc) rc = answer(e, prompt, &w, &err);
    return roma_face_end(rc, &err);
}

int roma_engine_logits(roma_engine *e, const int32_t *ids, size_t n, const roma_engine_adapter *adapters,
                       size_t n_adapters, float *logits) {
    waiter w = {.q = {.ids = ids,
                      .n_ids = n,
                      .limit = 1,
                      .adapters = adapters,
                      .n_adapters = n_adapters,
                      .prompt_logits = logits}};
    roma_error err;
    return roma_face_end(wait_for(e, &w, &err), &err);
}

int roma_engine_rows(roma_engine *e, const int32_t *ids, size_t n, const roma_engine_adapter *adapters,
                     size_t n_adapters, float *rows) {
    waiter w = {
        .q = {.ids = ids, .n_ids = n, .limit = 1, .adapters = adapters, .n_adapters = n_adapters, .prompt_rows = rows}};
    roma_error err;
    return roma_face_end(wait_for(e, &w, &err), &err);
}

/* ---- tokens ---- */

int roma_engine_tokens(const roma_engine *e, const roma_query *r, int32_t *ids, size_t cap, size_t *n) {
    roma_query q;
    roma_error err;
    int32_t *all = NULL;
    *n = 0;
    int rc = roma_face_take(&q, sizeof q, r, &err);
    if (!rc) rc = prompt_of(e, &q, &all, n, &err);
    if (!rc && *n && cap) memcpy(ids, all, (*n < cap ? *n : cap) * sizeof *ids);
    roma_free(all);
    return roma_face_end(rc, &err);
}

static size_t token_bytes(const roma_engine *e, int32_t id, bool special, char *text, size_t cap) {
    const roma_tokenizer *t = roma_answer_tokenizer(e->a);
    const bool is = t && id >= 0 && (uint32_t)id < roma_tokenizer_vocab(t)->n_tokens;
    return is ? roma_token_bytes(t, id, special, text, cap) : 0;
}
size_t roma_engine_token_text(const roma_engine *e, int32_t id, char *text, size_t cap) {
    return token_bytes(e, id, false, text, cap);
}
size_t roma_engine_token_name(const roma_engine *e, int32_t id, char *text, size_t cap) {
    return token_bytes(e, id, true, text, cap);
}

/* ---- the cache in a file ---- */

int roma_engine_cache_save(roma_engine *e, const char *file, const int32_t *ids, size_t n,
                           const roma_engine_adapter *adapters, size_t n_adapters, const char *text, size_t text_len,
                           size_t *held) {
    roma_answer_adapter list[ROMA_EXEC_STACK_MAX];
    uint32_t saved = 0;
    roma_error err;
    int rc = roma_face_here(e->pid, &err);
    if (!rc) rc = list_of(adapters, n_adapters, list, &err);
    if (!rc)
        rc = roma_answer_cache_save(e->a, file, ids, n, list, n_adapters, (roma_answer_text){text, text ? text_len : 0},
                                    &saved, &err);
    if (held) *held = saved;
    return roma_face_end(rc, &err);
}

int roma_engine_cache_load(roma_engine *e, const char *file, const roma_engine_adapter *adapters, size_t n_adapters,
                           void *ctx, void (*loaded)(void *ctx, const roma_cache *c)) {
    roma_answer_adapter list[ROMA_EXEC_STACK_MAX];
    roma_saved saved = {0};
    roma_error err;
    int rc = roma_face_here(e->pid, &err);
    if (!rc) rc = list_of(adapters, n_adapters, list, &err);
    if (!rc) rc = roma_answer_cache_load(e->a, file, list, n_adapters, &saved, &err);
    const roma_cache c = {.size = sizeof c,
                          .ids = saved.ids,
                          .n_ids = saved.n_ids,
                          .text = saved.text ? saved.text : "",
                          .text_len = saved.n_text};
    if (!rc && loaded) loaded(ctx, &c);
    roma_saved_free(&saved);
    return roma_face_end(rc, &err);
}
