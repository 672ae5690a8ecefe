/* The worker: a thread for what may take long, such as the prompt of a body of megabytes, or an adapter that is opened.
 * It has one exchange at a time, in the order they came. */
#include "serve/internal.h"

#include <string.h>

/* ---- the lists ---- */

void roma_serve_work(exchange *x, void (*work)(exchange *), void (*after)(exchange *)) {
    roma_serve *s = x->s;
    x->work = work;
    x->after = after;
    x->with_worker = true;
    x->next_work = NULL;
    pthread_mutex_lock(&s->lock);
    *s->work_end = x;
    s->work_end = &x->next_work;
    pthread_cond_signal(&s->changed);
    pthread_mutex_unlock(&s->lock);
    s->n_work++;
}

static exchange *next_of(roma_serve *s) {
    pthread_mutex_lock(&s->lock);
    while (!s->work && !s->worker_ends) pthread_cond_wait(&s->changed, &s->lock);
    exchange *x = s->worker_ends ? NULL : s->work;
    if (x) s->work = x->next_work;
    if (!s->work) s->work_end = &s->work;
    pthread_mutex_unlock(&s->lock);
    return x;
}

static void *works(void *ctx) {
    roma_serve *s = ctx;
    for (exchange *x; (x = next_of(s)) != NULL;) {
        x->work(x);
        pthread_mutex_lock(&s->lock);
        x->next_work = NULL;
        *s->done_end = x;
        s->done_end = &x->next_work;
        pthread_mutex_unlock(&s->lock);
        roma_serve_tell(s);
    }
    return NULL;
}

void roma_serve_worked(roma_serve *s) {
    pthread_mutex_lock(&s->lock);
    exchange *x = s->done;
    s->done = NULL;
    s->done_end = &s->done;
    pthread_mutex_unlock(&s->lock);
    for (exchange *next; x; x = next) {
        next = x->next_work;
        x->with_worker = false;
        s->n_work--;
        x->after(x);
        if (!x->http) roma_serve_gone(x);
    }
}

int roma_serve_work_start(roma_serve *s, roma_error *err) {
    s->work_end = &s->work;
    s->done_end = &s->done;
    if (pthread_create(&s->worker, NULL, works, s))
        return roma_fail(err, ROMA_EIO, "", ROMA_NOWHERE, "no thread can be had for the server");
    s->has_worker = true;
    return ROMA_OK;
}

void roma_serve_work_stop(roma_serve *s) {
    if (!s->has_worker) return;
    pthread_mutex_lock(&s->lock);
    s->worker_ends = true;
    pthread_cond_signal(&s->changed);
    pthread_mutex_unlock(&s->lock);
    pthread_join(s->worker, NULL);
    s->has_worker = false;
    for (exchange *x = s->work, *next; x; x = next) { /* what it did not come to */
        next = x->next_work;
        x->with_worker = false;
        s->n_work--;
        if (!x->http) roma_serve_gone(x);
    }
    s->work = NULL;
}

/* ---- prompts, on the worker ---- */

static int of_ids(const exchange *x, const asked_prompt *p, int32_t **ids, size_t *n, roma_error *err) {
    const int32_t *from = (const int32_t *)(const void *)x->a.ids.data + p->first_id;
    if (!p->n_ids) return roma_fail(err, ROMA_EINPUT, "", ROMA_NOWHERE, "the prompt is empty");
    for (size_t i = 0; i < p->n_ids; i++)
        if ((uint32_t)from[i] >= x->s->vocab)
            return roma_fail(err, ROMA_EINPUT, "", ROMA_NOWHERE, "token %d is not in the vocabulary of %u", from[i],
                             x->s->vocab);
    *ids = roma_alloc_array(p->n_ids, sizeof **ids);
    if (!*ids) return roma_serve_asked_no_memory(err);
    memcpy(*ids, from, p->n_ids * sizeof **ids);
    *n = p->n_ids;
    return ROMA_OK;
}

/* Text as it stands. */
static int of_text(const exchange *x, roma_answer_text t, int32_t **ids, size_t *n, roma_error *err) {
    const roma_message m = {ROMA_ROLE_USER, t.text, t.len};
    const roma_answer_dialog d = {.messages = &m, .n = 1, .flags = ROMA_ANSWER_RAW};
    return roma_answer_dialog_prompt(x->s->answer, &d, ids, n, NULL, err);
}

/* A conversation through the template. */
static int of_dialog(exchange *x, int32_t **ids, size_t *n, roma_error *err) {
    const asked *a = &x->a;
    static const roma_answer_text thinks[2] = {{"enable_thinking=false", 21}, {"enable_thinking=true", 20}};
    roma_answer_dialog d = {.documents = a->q->documents, .args = a->q->args};
    roma_message m[2];
    roma_buf rendered = {0};
    int rc = roma_serve_read_tools(x, err);
    if (!rc && a->messages.len) rc = roma_serve_tool_messages(x, err);
    if (rc) return rc;
    if (x->shows_tools) d.tools = (roma_answer_text){x->tools.json, x->tools.len};
    if (a->think >= 0) d.args = (roma_answer_texts){&thinks[a->think], 1};
    if (a->messages.len)
        d.json = (roma_answer_text){(const char *)a->messages.data, a->messages.len};
    else {
        if (a->system.text) m[d.n++] = (roma_message){ROMA_ROLE_SYSTEM, a->system.text, a->system.len};
        m[d.n++] = (roma_message){ROMA_ROLE_USER, asked_prompt_at(a, 0)->text.text, asked_prompt_at(a, 0)->text.len};
        d.messages = m;
    }
    rc = roma_answer_dialog_prompt(x->s->answer, &d, ids, n, &rendered, err);
    if (!rc && rendered.failed) rc = roma_serve_asked_no_memory(err);
    if (!rc) rc = roma_serve_tool_prompt(x, &rendered, err);
    if (rc) {
        roma_free(*ids);
        *ids = NULL;
    }
    roma_buf_destroy(&rendered);
    return rc;
}

static int one_prompt(exchange *x, size_t i, roma_error *err) {
    const asked_prompt *p = i < asked_prompts(&x->a) ? asked_prompt_at(&x->a, i) : NULL;
    if (x->a.messages.len || (x->form == ASKED_OTEXT && !x->a.raw)) return of_dialog(x, &x->ids[i], &x->n_ids[i], err);
    return p->is_ids ? of_ids(x, p, &x->ids[i], &x->n_ids[i], err) : of_text(x, p->text, &x->ids[i], &x->n_ids[i], err);
}

/* A bias of a token that there is not would do nothing. */
static int check_bias(exchange *x, roma_error *err) {
    const roma_sampling *y = &x->a.q->ask.sampling;
    for (size_t i = 0; i < y->n_bias; i++)
        if ((uint32_t)y->bias[i].id >= x->s->vocab) {
            roma_print(x->a.param, sizeof x->a.param, "logit_bias");
            return roma_fail(err, ROMA_EINPUT, "", ROMA_NOWHERE, "logit_bias: token %d is not in the vocabulary of %u",
                             y->bias[i].id, x->s->vocab);
        }
    return ROMA_OK;
}

/* The form that answers must keep. */
static int make_shape(exchange *x, roma_error *err) {
    static const roma_constrain_kind kinds[] = {[ASKED_OBJECT] = ROMA_CONSTRAIN_JSON,
                                                [ASKED_SCHEMA] = ROMA_CONSTRAIN_SCHEMA,
                                                [ASKED_GRAMMAR] = ROMA_CONSTRAIN_GRAMMAR};
    const char *key = x->form == ASKED_RESPONSE                          ? "text"
                      : x->a.shape == ASKED_GRAMMAR                      ? "grammar"
                      : x->form == ASKED_OCHAT || x->form == ASKED_OTEXT ? "format"
                                                                         : "response_format";
    if (x->a.shape == ASKED_ANY) return ROMA_OK;
    const int rc = roma_constrain_create(&x->shape, kinds[x->a.shape], x->a.schema.text, x->a.schema.len, NULL, err);
    if (rc) roma_print(x->a.param, sizeof x->a.param, "%s", key);
    return rc;
}

void roma_serve_make_prompts(exchange *x) {
    roma_error err;
    const roma_answer_line usual = {.ask = x->s->usual};
    int rc = roma_serve_asked_read(&x->a, x->form, (const char *)x->body, x->body_len, &usual, &err);
    if (!rc) rc = check_bias(x, &err);
    if (!rc) rc = make_shape(x, &err);
    if (!rc) {
        const size_t n = x->a.messages.len ? 1 : asked_prompts(&x->a);
        x->ids = roma_alloc_array(n, sizeof *x->ids);
        x->n_ids = roma_alloc_array(n, sizeof *x->n_ids);
        if (!x->ids || !x->n_ids) rc = roma_serve_asked_no_memory(&err);
        for (; !rc && x->n_prompts < n; x->n_prompts++) rc = one_prompt(x, x->n_prompts, &err);
        if (rc && !x->a.param[0]) roma_print(x->a.param, sizeof x->a.param, "%s", roma_serve_asked_prompt_key(x->form));
    }
    x->rc = rc;
    if (rc) roma_serve_error_of(&x->error, rc, &err, x->a.param);
}
