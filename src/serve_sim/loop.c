/* The events of a run: one chip, which makes one step or one chunk of a prompt at a time (docs/serve-sim.md). */
#include "serve_sim/internal.h"

#include <math.h>
#include <string.h>

/* A sequence that has its pages. */
typedef struct {
    uint32_t request, read, given; /* its number; tokens of its prompt that are read; tokens of its answer */
    uint32_t held;                 /* where its adapter lies */
} sequence;
/* A place for an adapter. */
typedef struct {
    uint32_t adapter, users; /* UINT32_MAX: none yet; sequences that use it */
    double used, ready;      /* since when nobody does; when it is loaded */
} place;

typedef struct {
    roma_serve_sim *s;
    double load, now, link_free; /* requests a second; since when the host link is */
    serve_sim_record *records;
    serve_sim_counts *counts;
    sequence *running; /* [n], in order of admission */
    place *places;     /* [resident] */
    uint32_t n, next;  /* the first request that has no pages yet */
    uint32_t pages;    /* free */
    bool step_next;    /* a chunk was the last thing done */
} loop;

static const roma_serve_sim_request *request_of(const loop *l, const sequence *q) {
    return &l->s->requests[q->request];
}

static double arrival_of(const loop *l, uint32_t i) {
    return l->s->requests[i].arrival / (l->s->is_drawn ? l->load : 1);
}

/* ---- admission ---- */

/* The place that has the adapter, else the one that was longest without a user; NULL: all are in use. */
static place *find_place(const loop *l, uint32_t adapter) {
    place *oldest = NULL;
    for (uint32_t i = 0; i < l->s->resident; i++) {
        place *p = &l->places[i];
        if (p->adapter == adapter) return p;
        if (!p->users && (!oldest || p->used < oldest->used)) oldest = p;
    }
    return oldest;
}

static void take_place(loop *l, place *p, uint32_t adapter) {
    p->users++;
    if (p->adapter == adapter) return;
    p->adapter = adapter;
    p->ready = l->link_free = fmax(l->now, l->link_free) + l->s->load_s;
    l->counts->loads++;
}

/* In order of arrival; the first that finds no room keeps those behind it waiting. */
static void admit(loop *l) {
    for (; l->next < l->s->n && l->n < l->s->batch && arrival_of(l, l->next) <= l->now; l->next++) {
        const roma_serve_sim_request *r = &l->s->requests[l->next];
        place *p = l->s->resident ? find_place(l, r->adapter) : NULL;
        if (serve_sim_pages(r) > l->pages || (l->s->resident && !p)) break;
        if (p) take_place(l, p, r->adapter);
        l->pages -= serve_sim_pages(r);
        l->records[l->next].admitted = l->now;
        l->running[l->n++] = (sequence){.request = l->next, .held = p ? (uint32_t)(p - l->places) : 0};
        if (l->n > l->counts->running_max) l->counts->running_max = l->n;
    }
}

static void leave(loop *l, uint32_t at) {
    const sequence q = l->running[at];
    l->records[q.request].end = l->now;
    if (l->now > l->counts->begin && l->now <= l->counts->end) l->counts->finished++;
    l->pages += serve_sim_pages(request_of(l, &q));
    if (l->s->resident) {
        l->places[q.held].users--;
        l->places[q.held].used = l->now;
    }
    memmove(&l->running[at], &l->running[at + 1], (--l->n - at) * sizeof *l->running);
}

/* ---- work ---- */

static void work(loop *l, double seconds) {
    const double from = fmax(l->now, l->counts->begin), to = fmin(l->now + seconds, l->counts->end);
    l->counts->busy_s += fmax(0, to - from);
    l->now += seconds;
}

static void give_token(loop *l, sequence *q) {
    if (!q->given) l->records[q->request].first = l->now;
    q->given++;
    if (l->now > l->counts->begin && l->now <= l->counts->end) l->counts->tokens++;
}

/* A chunk takes what the prompt's time grows by. */
static int read_chunk(loop *l, uint32_t at, roma_error *err) {
    sequence *q = &l->running[at];
    const roma_serve_sim_request *r = request_of(l, q);
    const uint32_t chunk = (uint32_t)l->s->design.place.chip.chunk_rows, left = r->prompt - q->read;
    const uint32_t to = q->read + (left < chunk ? left : chunk);
    double before, after;
    int rc = roma_serve_sim_prompt_s(l->s, q->read, &before, err);
    if (!rc) rc = roma_serve_sim_prompt_s(l->s, to, &after, err);
    if (rc) return rc;
    if (!q->read) l->records[q->request].start = l->now;
    work(l, fmax(0, after - before));
    q->read = to;
    if (to == r->prompt) give_token(l, q);
    if (q->given == r->output) leave(l, at);
    return ROMA_OK;
}

static bool decodes(const loop *l, const sequence *q) { return q->read == request_of(l, q)->prompt; }

/* Adapters of the sequences that decode, each once. */
static uint32_t distinct(const loop *l) {
    uint32_t n = 0;
    for (uint32_t i = 0; l->s->resident && i < l->n; i++) {
        bool seen = !decodes(l, &l->running[i]);
        for (uint32_t k = 0; k < i && !seen; k++)
            seen = decodes(l, &l->running[k]) && l->running[k].held == l->running[i].held;
        n += !seen;
    }
    return n;
}

static int step(loop *l, uint32_t batch, roma_error *err) {
    double context = 0, seconds;
    for (uint32_t i = 0; i < l->n; i++)
        if (decodes(l, &l->running[i])) context += l->running[i].read + l->running[i].given - 1;
    int rc = roma_serve_sim_step_s(l->s, batch, distinct(l), context / batch, &seconds, err);
    if (rc) return rc;
    work(l, seconds);
    l->counts->steps++;
    l->counts->rows += batch;
    for (uint32_t i = l->n; i-- > 0;) {
        sequence *q = &l->running[i];
        if (!decodes(l, q)) continue;
        give_token(l, q);
        if (q->given == request_of(l, q)->output) leave(l, i);
    }
    return ROMA_OK;
}

/* ---- turns ---- */

/* Of the sequences whose prompt is not read: the first whose adapter is there, or UINT32_MAX; *ready: when the first of
 * those that wait for theirs comes. */
static uint32_t first_prompt(const loop *l, double *ready) {
    *ready = HUGE_VAL;
    for (uint32_t i = 0; i < l->n; i++) {
        if (decodes(l, &l->running[i])) continue;
        const double at = l->s->resident ? l->places[l->running[i].held].ready : 0;
        if (at <= l->now) return i;
        *ready = fmin(*ready, at);
    }
    return UINT32_MAX;
}

/* One chunk or one step, by turns where both are wanted; or the wait for what comes next. */
static int turn(loop *l, roma_error *err) {
    double ready;
    uint32_t batch = 0;
    admit(l);
    const uint32_t prompt = first_prompt(l, &ready);
    for (uint32_t i = 0; i < l->n; i++) batch += decodes(l, &l->running[i]);
    if (prompt != UINT32_MAX && !(batch && l->step_next)) {
        l->step_next = true;
        return read_chunk(l, prompt, err);
    }
    l->step_next = false;
    if (batch) return step(l, batch, err);
    /* nothing runs but what waits for an adapter; who has no place for its own waits for these */
    const double arrival = l->next < l->s->n ? arrival_of(l, l->next) : HUGE_VAL;
    l->now = arrival > l->now ? fmin(ready, arrival) : ready;
    return ROMA_OK;
}

int roma_serve_sim_loop(roma_serve_sim *s, double load, serve_sim_record *records, serve_sim_counts *counts,
                        roma_error *err) {
    loop l = {.s = s, .load = load, .records = records, .counts = counts, .pages = s->pages};
    int rc = ROMA_OK;
    l.running = roma_alloc_array(s->batch, sizeof *l.running);
    l.places = roma_alloc_array((size_t)s->resident + 1, sizeof *l.places);
    if (!l.running || !l.places) rc = roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for a batch");
    for (uint32_t i = 0; !rc && i < s->resident; i++) l.places[i].adapter = UINT32_MAX;
    for (uint32_t i = 0; i < s->n; i++) records[i].arrival = arrival_of(&l, i);
    counts->begin = records[s->n / 10].arrival;
    counts->end = records[s->n - 1].arrival;
    while (!rc && (l.n || l.next < s->n)) rc = turn(&l, err);
    roma_free(l.running);
    roma_free(l.places);
    return rc;
}
