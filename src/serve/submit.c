/* From a body to requests of the engine: prompts by the worker, then as many answers as there are places for. All of
 * this runs on the network's thread. */
#include "serve/internal.h"

#include <string.h>
#include <sys/random.h>
#include <time.h>

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
                             .marks = x->talkers != NULL,
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
void roma_serve_submit_more(exchange *x) {
    const size_t most = x->rows ? (x->s->running + 1) / 2 : x->t.n;
    roma_error err;
    while (x->next < x->t.n && x->live < most && !x->is_answered && !x->is_ended) {
        const int rc = submit(x, x->next, &err);
        if (rc == ROMA_EBUSY && (x->next || x->live)) return; /* its turn comes */
        if (!rc) {
            x->next++;
            continue;
        }
        if (rc == ROMA_EBUSY) x->s->count.busy++;
        const bool of_adapters = rc == ROMA_EINPUT || rc == ROMA_EUSAGE;
        roma_serve_error_of(&x->error, rc, &err, !of_adapters ? NULL : x->a.q->adapters.n ? "lora" : "model");
        if (rc == ROMA_EINPUT) x->error.code = "model_not_found", x->error.status = 404; /* an adapter that left */
        roma_serve_give_up(x);
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
    const char *key = roma_serve_asked_prompt_key(x->form);
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

/* A text in the body, or none, moves to the end of *to, which is large enough. */
static void move_text(roma_answer_text *t, roma_buf *to) {
    if (!t->text) return;
    roma_buf_append(to, t->text, t->len);
    t->text = (const char *)to->data + to->len - t->len;
}

/* What waits and runs needs little of its body: what responses tell back goes to a buffer of its own, and the rest
 * goes.
 */
static bool shrink(exchange *x) {
    asked *a = &x->a;
    roma_answer_text *kept[] = {&a->tools, &a->choice, &a->schema, &a->system};
    roma_buf *b = &a->told_back;
    size_t n = 1;
    for (size_t i = 0; i < 4; i++) n += x->form == ASKED_RESPONSE && kept[i]->text ? kept[i]->len : 0;
    b->data = roma_alloc(n);
    b->cap = b->data ? n : 0;
    for (size_t i = 0; i < 4 && b->data; i++)
        if (x->form == ASKED_RESPONSE)
            move_text(kept[i], b);
        else
            *kept[i] = (roma_answer_text){0};
    roma_free(x->body);
    x->body = NULL;
    roma_buf_destroy(&a->messages);
    roma_buf_destroy(&a->ids);
    roma_buf_destroy(&a->prompts);
    return b->data && roma_answer_body_shrink(&a->lines);
}

/* The prompts are made, or something was wrong with the request. */
static void prompts_made(exchange *x) {
    if (!x->rc && !shrink(x)) {
        x->rc = ROMA_ENOMEM;
        roma_serve_error(&x->error, 503, "out_of_memory", NULL, "no memory for the request; try again later");
    }
    if (!x->http || x->is_answered) return;
    if (x->rc) {
        roma_serve_give_up(x);
        return;
    }
    if (!find_model(x) || !fit_context(x)) {
        roma_serve_give_up(x);
        return;
    }
    name_told(x);
    if (!make_choices(x) || !roma_serve_talkers(x)) {
        roma_serve_error(&x->error, 503, "out_of_memory", NULL, "no memory for the answers; try again later");
        roma_serve_give_up(x);
        return;
    }
    x->s->count.requests++;
    roma_serve_submit_more(x);
}

static uint32_t places_taken(const roma_serve *s) {
    uint32_t n = s->n_work;
    for (uint32_t i = 0; i < s->n_slots; i++) n += s->slots[i].in_use;
    return n;
}

void roma_serve_ask(exchange *x, const roma_http_request *q) {
    roma_serve *s = x->s;
    if (x->form != ASKED_EMBED && x->form != ASKED_OEMBED) x->writes = roma_serve_told_form_of(x->form);
    if (x->form == ASKED_OEMBED) x->writes = &roma_serve_told_ollama;
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
