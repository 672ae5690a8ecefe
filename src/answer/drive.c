/* Requests from any thread, one driver: submit and cancel leave word under the lock, the driver takes it before a step,
 * and what it calls back is called without the lock. */
#include "answer/internal.h"

#include <string.h>

enum { PLACE_BITS = 21 }; /* of a ticket; above them requests are counted */

/* ---- submit ---- */

static uint64_t longest_stop(const roma_answer_ask *k, uint64_t *all) {
    uint64_t most = 0;
    *all = 0;
    for (size_t i = 0; i < k->stops.n; i++) {
        *all += k->stops.item[i].len;
        if (k->stops.item[i].len > most) most = k->stops.item[i].len;
    }
    return most;
}

/* A job with all that its request points to, and with room for its answer; NULL: no memory. */
static job *make_job(roma_answer *a, const roma_answer_request *r) {
    enum { SLACK = 256 }; /* a longer piece of text is looked at in parts */
    const uint32_t context = roma_exec_memory_of(a->exec)->context;
    const size_t left = context - r->n_prompt + 1, answer = r->ask.limit < left ? r->ask.limit : left;
    uint64_t stops;
    const uint64_t longest = longest_stop(&r->ask, &stops), held = longest ? longest + SLACK : 0;
    const size_t at_bias = r->ask.stops.n * sizeof(roma_answer_text), n_ids = r->n_prompt + answer,
                 at_ids = at_bias + r->ask.sampling.n_bias * sizeof(roma_logit_bias);
    job *j = roma_alloc_array(1, sizeof *j + at_ids + n_ids * sizeof(int32_t) + stops + held);
    if (!j) return NULL;
    roma_answer_text *stop = (void *)(j + 1);
    roma_logit_bias *bias = (void *)((uint8_t *)stop + at_bias);
    int32_t *ids = (void *)((uint8_t *)stop + at_ids);
    char *text = (void *)(ids + n_ids);
    *j = (job){.a = a, .r = *r, .ids = ids, .n = r->n_prompt, .context = context};
    if (r->n_prompt) memcpy(ids, r->prompt, r->n_prompt * sizeof *ids);
    for (size_t i = 0; i < r->ask.stops.n; i++) {
        const roma_answer_text *s = &r->ask.stops.item[i];
        stop[i] = (roma_answer_text){memcpy(text, s->text, s->len), s->len};
        text += s->len;
    }
    if (r->ask.sampling.n_bias) memcpy(bias, r->ask.sampling.bias, r->ask.sampling.n_bias * sizeof *bias);
    j->r.prompt = ids;
    j->r.ask.stops.item = stop;
    j->r.ask.sampling.bias = bias;
    j->r.adapters = NULL;
    j->longest_stop = longest;
    j->held = text;
    j->held_cap = held;
    return j;
}

static void free_job(job *j) {
    roma_constrain_state_destroy(j->form);
    roma_free(j);
}

/* The vocabulary for forms. Two threads that first ask at once make two, of which one stays. */
static int find_words(roma_answer *a, bool marks, const roma_constrain_words **out, roma_error *err) {
    roma_constrain_words *own = NULL, **const kept = &a->words[marks];
    pthread_mutex_lock(&a->lock);
    *out = *kept;
    pthread_mutex_unlock(&a->lock);
    if (*out) return ROMA_OK;
    const int rc =
        roma_constrain_words_create(&own, a->tok, a->image.desc.hyper.vocab, a->marks, marks ? a->n_marks : 0, err);
    if (rc) return rc;
    pthread_mutex_lock(&a->lock);
    if (!*kept) *kept = own, own = NULL;
    *out = *kept;
    pthread_mutex_unlock(&a->lock);
    roma_constrain_words_destroy(own);
    return ROMA_OK;
}

int roma_answer_warm(roma_answer *a, roma_error *err) {
    const roma_constrain_words *w;
    if (!a->tok)
        return roma_fail(err, ROMA_EUNSUPPORTED, "", ROMA_NOWHERE,
                         "the image holds no tokenizer, so there are no forms");
    const int rc = find_words(a, false, &w, err);
    return rc || !a->n_marks ? rc : find_words(a, true, &w, err);
}

static int begin_form(job *j, roma_error *err) {
    const roma_constrain_words *w;
    if (!j->r.ask.form) return ROMA_OK;
    const int rc = find_words(j->a, j->r.marks && j->a->n_marks, &w, err);
    return rc ? rc : roma_constrain_state_create(&j->form, j->r.ask.form, w, j->detok.first, err);
}

static int check(const roma_answer *a, const roma_answer_request *r, roma_error *err) {
    if (!a->batch) return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE, "requests can come once this is started");
    if (!a->tok && (r->text || r->ask.stops.n || r->ask.form))
        return roma_fail(err, ROMA_EUNSUPPORTED, "", ROMA_NOWHERE,
                         "the image holds no tokenizer, so it cannot answer in text");
    const uint32_t context = roma_exec_memory_of(a->exec)->context;
    if (!r->n_prompt) return roma_fail(err, ROMA_EINPUT, "", ROMA_NOWHERE, "the prompt is empty");
    if (r->n_prompt > context)
        return roma_fail(err, ROMA_ECONTEXT, "", ROMA_NOWHERE, "the prompt's %zu tokens do not fit the context of %u",
                         r->n_prompt, context);
    return roma_answer_ask_check(&r->ask, err);
}

/* Something is to be done: an idle driver wakes. The caller holds the lock. */
static void tell(roma_answer *a) {
    a->news++;
    pthread_cond_broadcast(&a->changed);
}

static void to_inbox(job *j) {
    roma_answer *a = j->a;
    j->next = NULL;
    *a->inbox_end = j;
    a->inbox_end = &j->next;
    tell(a);
}

/* A parked request stands at the inbox's end again: to go on, or to end. The caller holds the lock. */
static void unpark(job *j) {
    job **link = &j->a->parked;
    if (!j->is_parked) return;
    while (*link != j) link = &(*link)->next;
    *link = j->next;
    j->is_parked = false;
    j->a->n_parked--;
    to_inbox(j);
}

/* The caller holds the lock. */
static int enter(roma_answer *a, job *j, const roma_answer_request *r, roma_error *err) {
    if (a->closes) return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE, "this is being closed");
    while (j->place < a->n_places && a->places[j->place]) j->place++;
    if (j->place == a->n_places)
        return roma_fail(err, ROMA_EBUSY, "", ROMA_NOWHERE, "%u requests are under way; try again later", a->n_places);
    const int rc = roma_answer_mix_find(a, r->adapters, r->n_adapters, &j->mix, err);
    if (rc) return rc;
    j->ticket = ++a->serial << PLACE_BITS | j->place;
    a->places[j->place] = j;
    a->under_way++;
    to_inbox(j);
    return ROMA_OK;
}

int roma_answer_submit(roma_answer *a, const roma_answer_request *r, uint64_t *ticket, roma_error *err) {
    int rc = check(a, r, err);
    if (rc) return rc;
    job *j = make_job(a, r);
    if (!j) return roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the answer");
    roma_answer_grow_begin(j);
    rc = begin_form(j, err);
    if (rc) {
        free_job(j);
        return rc;
    }
    pthread_mutex_lock(&a->lock);
    rc = enter(a, j, r, err);
    if (!rc && ticket) *ticket = j->ticket;
    pthread_mutex_unlock(&a->lock);
    if (rc) free_job(j);
    return rc;
}

/* Takes the lock; the job of a ticket, NULL: it is over. */
static job *lock_job(roma_answer *a, uint64_t ticket) {
    const uint64_t place = ticket & ((1u << PLACE_BITS) - 1);
    pthread_mutex_lock(&a->lock);
    job *j = place < a->n_places ? a->places[place] : NULL;
    return j && j->ticket == ticket ? j : NULL;
}

void roma_answer_cancel(roma_answer *a, uint64_t ticket) {
    job *j = lock_job(a, ticket);
    if (j) j->is_cancelled = true;
    if (j) unpark(j);
    if (j) tell(a);
    pthread_mutex_unlock(&a->lock);
}

void roma_answer_hold(roma_answer *a, uint64_t ticket, bool held) {
    job *j = lock_job(a, ticket);
    if (j) j->is_held = held;
    if (j && !held) unpark(j);
    pthread_mutex_unlock(&a->lock);
}

uint32_t roma_answer_under_way(roma_answer *a) {
    pthread_mutex_lock(&a->lock);
    const uint32_t n = a->under_way;
    pthread_mutex_unlock(&a->lock);
    return n;
}

/* ---- who has the engine ---- */

bool roma_answer_is_callback(roma_answer *a) {
    pthread_mutex_lock(&a->lock);
    const bool is = a->is_stepping && pthread_equal(a->stepper, pthread_self());
    pthread_mutex_unlock(&a->lock);
    return is;
}

int roma_answer_guest_enter(roma_answer *a, roma_error *err) {
    if (!a->exec) return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE, "this needs an engine: it is not started");
    if (roma_answer_is_callback(a))
        return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE, "this cannot be called from a callback");
    pthread_mutex_lock(&a->lock);
    a->guests++;
    while (a->is_stepping) pthread_cond_wait(&a->changed, &a->lock);
    return ROMA_OK;
}

void roma_answer_guest_leave(roma_answer *a) {
    a->guests--;
    tell(a);
    pthread_mutex_unlock(&a->lock);
}

/* Returns with the lock and the engine, or with neither. */
static int begin_step(roma_answer *a, roma_error *err) {
    if (!a->batch) return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE, "there is no batch: this is not started");
    pthread_mutex_lock(&a->lock);
    while (a->guests && !a->is_stepping) pthread_cond_wait(&a->changed, &a->lock);
    if (a->is_stepping) {
        pthread_mutex_unlock(&a->lock);
        return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE, "a step runs already: one thread at a time drives");
    }
    a->is_stepping = true;
    a->stepper = pthread_self();
    a->seen = a->news;
    return ROMA_OK;
}

static void end_step(roma_answer *a) {
    pthread_mutex_lock(&a->lock);
    a->is_stepping = false;
    pthread_cond_broadcast(&a->changed);
    pthread_mutex_unlock(&a->lock);
}

/* ---- a step ---- */

static int to_batch(job *j, bool *waits) {
    roma_answer *a = j->a;
    const int rc = roma_answer_mix_define(a, j->mix, waits, &j->err);
    const uint32_t answer = (uint32_t)(j->n - j->r.n_prompt); /* of one that was parked */
    const roma_request q = {.prompt = j->ids,
                            .n_prompt = (uint32_t)j->n,
                            .n_answer = answer,
                            .limit = j->r.ask.limit - answer,
                            .adapters = roma_answer_mix_set(a, j->mix),
                            .proposals = a->drafts,
                            .sampling = j->r.ask.sampling,
                            .token = roma_answer_grow_take,
                            .ctx = j,
                            .row = j->r.row ? roma_answer_grow_row : NULL,
                            .mask = j->form ? roma_answer_grow_mask : NULL};
    return rc ? rc : roma_batch_submit(a->batch, &q, &j->id, &j->err);
}

/* Requests go from the inbox to the batch in the order they came; one that must wait for room for its adapters keeps
 * those behind it waiting, but for cancelled ones, which leave wherever they are. The caller holds the lock. */
static void take_inbox(roma_answer *a) {
    bool blocked = false;
    job **link = &a->inbox;
    for (job *j; (j = *link) != NULL;) {
        bool waits = blocked;
        if (j->is_cancelled)
            j->rc = roma_fail(&j->err, ROMA_ECANCEL, "", ROMA_NOWHERE, "interrupted");
        else if (!blocked)
            j->rc = to_batch(j, &waits);
        if (!j->is_cancelled && waits && (blocked || j->rc)) {
            j->rc = ROMA_OK;
            blocked = true;
            link = &j->next;
            continue;
        }
        j->is_in_batch = !j->rc;
        if (j->is_in_batch && j->mix) j->mix->running++;
        a->active[a->n_active++] = j;
        *link = j->next;
    }
    a->inbox_end = link;
}

/* A request that is held and has begun to answer leaves the batch, so that others have its place. What it computed
 * stays as a prefix while there is room; when it goes on, prompt and answer so far are the prompt, and the draws, keyed
 * by position, are the same. */
static void park(job *j) {
    roma_answer *a = j->a;
    const roma_request_status *s = roma_batch_poll(a->batch, j->id, NULL);
    if (!j->before.state) j->before.shared = s->shared;
    j->before.state = s->state;
    j->before.drafted += s->drafted;
    j->before.accepted += s->accepted;
    roma_batch_cancel(a->batch, j->id);
    roma_batch_finish(a->batch, j->id);
    j->is_in_batch = false;
    if (j->mix) j->mix->running--;
    j->is_parked = true;
    j->next = a->parked;
    a->parked = j;
    a->n_parked++;
}

/* Requests in the batch that were cancelled or held since; the caller holds the lock. */
static void see_wishes(roma_answer *a) {
    uint32_t left = 0;
    for (uint32_t i = 0; i < a->n_active; i++) {
        job *j = a->active[i];
        const bool generates =
            j->is_in_batch && roma_batch_poll(a->batch, j->id, NULL)->state == ROMA_REQUEST_GENERATES;
        if (j->is_in_batch && j->is_cancelled) roma_batch_cancel(a->batch, j->id);
        if (generates && j->is_held && !j->is_cancelled)
            park(j);
        else
            a->active[left++] = j;
    }
    a->n_active = left;
    a->pulse.held = a->n_parked;
}

/* What the batch says of a request, with what was before it was parked; s NULL: it is not in the batch. */
static roma_request_status status_of(const job *j, const roma_request_status *s) {
    roma_request_status all = s ? *s : j->before;
    if (!s || !j->before.state) return all;
    all.shared = j->before.shared;
    all.drafted += j->before.drafted;
    all.accepted += j->before.accepted;
    return all;
}

/* The job is over: its place is free before its last callback, which may submit another request. */
static void finish(job *j, int rc, const roma_error *err, const roma_request_status *s) {
    roma_answer *a = j->a;
    if (!rc && j->is_refused && j->stop == ROMA_ANSWER_NONE)
        rc = roma_fail(&j->err, ROMA_ECANCEL, "", ROMA_NOWHERE, "interrupted"), err = &j->err;
    if (rc) j->stop = ROMA_ANSWER_NONE;
    if (rc) roma_answer_grow_let_go(j);
    const roma_answer_result r = {.rc = rc,
                                  .err = rc ? err : NULL,
                                  .stop = j->stop,
                                  .ids = j->ids + j->r.n_prompt,
                                  .n_ids = j->n - j->r.n_prompt,
                                  .n_prompt = j->r.n_prompt,
                                  .drawn = j->drawn,
                                  .batch = status_of(j, s),
                                  .first_s = j->first_s,
                                  .seconds = roma_now() - j->began};
    pthread_mutex_lock(&a->lock);
    a->places[j->place] = NULL;
    if (j->mix) j->mix->under_way--;
    if (j->mix && j->is_in_batch) j->mix->running--;
    pthread_mutex_unlock(&a->lock);
    if (j->r.over) j->r.over(j->r.ctx, &r);
    pthread_mutex_lock(&a->lock);
    a->under_way--;
    pthread_mutex_unlock(&a->lock);
    free_job(j);
}

/* After a step: who is over leaves, who reads a prompt is told how far. failed: the engine's error, which ends all that
 * run.
 */
static uint32_t sweep(roma_answer *a, const roma_error *failed) {
    uint32_t left = 0, before = a->n_active;
    for (uint32_t i = 0; i < a->n_active; i++) {
        job *j = a->active[i];
        const roma_error *why;
        if (!j->is_in_batch) {
            finish(j, j->rc, &j->err, NULL);
            continue;
        }
        const roma_request_status *s = roma_batch_poll(a->batch, j->id, &why);
        const bool is_over = s->state == ROMA_REQUEST_OVER;
        if (!is_over && (!failed || s->state == ROMA_REQUEST_WAITING)) {
            a->active[left++] = j;
            if (s->state == ROMA_REQUEST_PROMPT && j->r.prompt_read && j->n == j->r.n_prompt)
                j->r.prompt_read(j->r.ctx, s->fed, j->r.n_prompt);
            continue;
        }
        if (!is_over) roma_batch_cancel(a->batch, j->id);
        const roma_request_status last = *s;
        j->err = is_over ? *why : *failed;
        roma_batch_finish(a->batch, j->id);
        finish(j, is_over ? last.rc : failed->code, &j->err, &last);
    }
    a->n_active = left;
    return before - left;
}

/* What roma_answer_pulse_get tells, after a step that began then. */
static void beat(roma_answer *a, double began) {
    const double now = roma_now();
    uint32_t n[ROMA_REQUEST_OVER + 1] = {0};
    roma_exec_used most;
    for (uint32_t i = 0; i < a->n_active; i++) n[roma_batch_poll(a->batch, a->active[i]->id, NULL)->state]++;
    a->pulse.running = n[ROMA_REQUEST_PROMPT] + n[ROMA_REQUEST_GENERATES];
    a->pulse.waiting = n[ROMA_REQUEST_WAITING];
    a->pulse.pages_free = roma_exec_pages_free(a->exec);
    a->pulse.pages_shared = roma_exec_pages_shared(a->exec);
    roma_exec_most(a->exec, &most);
    a->pulse.cache = most.cache;
    a->pulse.adapters = most.adapters;
    a->pulse.activations = most.activations;
    a->pulse.work = most.work;
    a->pulse.steps++;
    a->pulse.busy_us += (uint64_t)((now - began) * 1e6);
    a->pulse.at_us = (uint64_t)(now * 1e6);
}

void roma_answer_pulse_get(const roma_answer *a, roma_answer_pulse *out) {
    const double since = roma_now() - (double)a->pulse.at_us * 1e-6;
    *out = (roma_answer_pulse){.steps = a->pulse.steps,
                               .sleeps = a->pulse.sleeps,
                               .since_s = since > 0 ? since : 0,
                               .busy_s = (double)a->pulse.busy_us * 1e-6,
                               .running = a->pulse.running,
                               .waiting = a->pulse.waiting,
                               .held = a->pulse.held,
                               .pages_free = a->pulse.pages_free,
                               .pages_shared = a->pulse.pages_shared,
                               .most = {a->pulse.cache, a->pulse.adapters, a->pulse.activations, a->pulse.work}};
}

int roma_answer_step(roma_answer *a, roma_error *err) {
    roma_error own;
    int rc = begin_step(a, err);
    if (rc) return rc;
    take_inbox(a);
    see_wishes(a);
    pthread_mutex_unlock(&a->lock);
    const double began = roma_now();
    rc = roma_batch_step(a->batch, &own);
    const uint32_t gone = sweep(a, rc ? &own : NULL);
    a->is_idle = !rc && !gone && !roma_batch_rows(a->batch);
    beat(a, began);
    end_step(a);
    if (rc && err) *err = own;
    return rc;
}

/* ---- running ---- */

int roma_answer_run(roma_answer *a, roma_error *err) {
    for (;;) {
        pthread_mutex_lock(&a->lock);
        while (!a->ends && (!a->under_way || (a->is_idle && a->seen == a->news))) {
            a->pulse.sleeps = true;
            pthread_cond_wait(&a->changed, &a->lock);
        }
        a->pulse.sleeps = false;
        const bool ends = a->ends;
        a->ends = false;
        pthread_mutex_unlock(&a->lock);
        const int rc = ends ? ROMA_OK : roma_answer_step(a, err);
        if (ends || rc) return rc;
    }
}

void roma_answer_end(roma_answer *a) {
    pthread_mutex_lock(&a->lock);
    a->ends = true;
    pthread_cond_broadcast(&a->changed);
    pthread_mutex_unlock(&a->lock);
}

static void *drive(void *ctx) {
    while (roma_answer_run(ctx, NULL)) {
    } /* an error is in the result of every request that it ended */
    return NULL;
}

int roma_answer_spawn(roma_answer *a, roma_error *err) {
    if (!a->batch || a->has_thread)
        return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE,
                         a->batch ? "there is a driver already" : "this is not started");
    if (pthread_create(&a->thread, NULL, drive, a))
        return roma_fail(err, ROMA_EIO, "", ROMA_NOWHERE, "no thread can be had for the engine");
    a->has_thread = true;
    return ROMA_OK;
}

static void cancel_all(roma_answer *a) {
    pthread_mutex_lock(&a->lock);
    a->closes = true;
    for (uint32_t i = 0; i < a->n_places; i++)
        if (a->places[i]) {
            a->places[i]->is_cancelled = true;
            unpark(a->places[i]);
        }
    pthread_mutex_unlock(&a->lock);
    while (roma_answer_under_way(a) && roma_answer_step(a, NULL) != ROMA_EUSAGE) {
    }
}

void roma_answer_stop(roma_answer *a) {
    if (a->has_thread) {
        roma_answer_end(a);
        pthread_join(a->thread, NULL);
        a->has_thread = false;
    }
    if (a->batch) cancel_all(a);
    roma_batch_destroy(a->batch);
    roma_exec_destroy(a->exec);
    roma_arena_destroy(&a->arena);
    roma_free(a->places);
    roma_free(a->active);
    roma_answer_adapters_forget(a);
    a->batch = NULL;
    a->exec = NULL;
    a->places = a->active = NULL;
    a->n_places = 0;
    a->closes = a->ends = false;
}
