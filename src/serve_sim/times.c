/* Times of steps and prompts out of the chip model. A table keeps them, since a run asks for the same ones again and
 * again; between two contexts that are whole pages a step's time is taken from the line between them. */
#include "serve_sim/internal.h"

#include <math.h>
#include <string.h>

typedef struct {
    uint64_t key; /* 0: free */
    double seconds;
} slot;
typedef struct {
    slot *slots; /* [size], size a power of two, half of them free */
    size_t n, size;
} table;

enum { FIRST_SIZE = 1 << 12 };
/* Of a step, and of a prompt; bits that differ. */
#define STEP_KEY(batch, adapters, page)                                                                                \
    ((uint64_t)1 << 63 | (uint64_t)(batch) << 43 | (uint64_t)(adapters) << 27 | (uint64_t)(page))
#define PROMPT_KEY(n) ((uint64_t)1 << 62 | (n))

static slot *find(const table *t, uint64_t key) {
    size_t i = (size_t)((key * 0x9e3779b97f4a7c15u) >> 32) & (t->size - 1);
    while (t->slots[i].key && t->slots[i].key != key) i = (i + 1) & (t->size - 1);
    return &t->slots[i];
}

static int grow(table *t, roma_error *err) {
    table big = {.size = t->size ? 2 * t->size : FIRST_SIZE, .n = t->n};
    big.slots = roma_alloc_array(big.size, sizeof *big.slots);
    if (!big.slots) return roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the times of steps");
    for (size_t i = 0; i < t->size; i++)
        if (t->slots[i].key) *find(&big, t->slots[i].key) = t->slots[i];
    roma_free(t->slots);
    *t = big;
    return ROMA_OK;
}

/* *seconds: of the key, or NULL and *to where it goes. */
static int look_up(roma_serve_sim *s, uint64_t key, slot **out, roma_error *err) {
    table *t = s->times;
    int rc = ROMA_OK;
    if (!t && !(t = s->times = roma_alloc_array(1, sizeof *t)))
        return roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the times of steps");
    if (2 * t->n >= t->size) rc = grow(t, err);
    if (!rc) *out = find(t, key);
    return rc;
}

static void keep(roma_serve_sim *s, slot *at, uint64_t key, double seconds) {
    *at = (slot){key, seconds};
    ((table *)s->times)->n++;
}

void roma_serve_sim_times_free(roma_serve_sim *s) {
    table *t = s->times;
    if (t) roma_free(t->slots);
    roma_free(t);
    s->times = NULL;
}

int roma_serve_sim_prompt_s(roma_serve_sim *s, uint32_t n, double *out, roma_error *err) {
    slot *at;
    *out = 0;
    if (!n) return ROMA_OK;
    int rc = look_up(s, PROMPT_KEY(n), &at, err);
    if (!rc && !at->key) {
        roma_workload w = s->work;
        roma_cost cost;
        w.prompt = n;
        rc = roma_cost_evaluate(&cost, &s->schedule, &s->design.place, &w, err);
        if (!rc) keep(s, at, PROMPT_KEY(n), cost.ttft_s);
    }
    if (!rc) *out = at->seconds;
    return rc;
}

/* At a context of whole pages. */
static int step_at(roma_serve_sim *s, uint32_t batch, uint32_t adapters, uint32_t page, double *out, roma_error *err) {
    const uint64_t key = STEP_KEY(batch, adapters, page);
    slot *at;
    int rc = look_up(s, key, &at, err);
    if (!rc && !at->key) {
        roma_workload w = s->work;
        uint64_t cycles;
        w.batch = batch;
        w.adapters = adapters;
        w.context = page * ROMA_PAGE;
        rc = roma_cost_decode(&cycles, &s->schedule, &s->design.place, &w, err);
        if (!rc) keep(s, at, key, (double)cycles / s->design.place.chip.clock_hz);
    }
    if (!rc) *out = at->seconds;
    return rc;
}

int roma_serve_sim_step_s(roma_serve_sim *s, uint32_t batch, uint32_t adapters, double context, double *out,
                          roma_error *err) {
    const uint32_t page = (uint32_t)(context / ROMA_PAGE);
    double low = 0, high = 0;
    int rc = step_at(s, batch, adapters, page, &low, err);
    if (!rc) rc = step_at(s, batch, adapters, page + 1, &high, err);
    *out = low + (high - low) * (context / ROMA_PAGE - page);
    return rc;
}
