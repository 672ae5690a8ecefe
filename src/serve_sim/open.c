/* From a question to requests and to what the SRAM holds; contract in serve_sim.h. */
#include "serve_sim/internal.h"

#include <math.h>
#include <string.h>

static int bad(roma_error *err, const char *field, uint32_t v, uint32_t least, uint32_t most) {
    return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE, "%s must be %u to %u, not %u", field, least, most, v);
}

static int check(const roma_serve_sim_config *c, roma_error *err) {
    const struct {
        const char *field;
        uint32_t v, least, most;
    } counts[] = {{"requests", c->requests, 1, ROMA_SERVE_SIM_REQUESTS_MAX},
                  {"prompt", c->prompt_least, 1, ROMA_COST_PROMPT_MAX},
                  {"prompt", c->prompt_most, c->prompt_least, ROMA_COST_PROMPT_MAX},
                  {"output", c->output_least, 1, ROMA_COST_PROMPT_MAX},
                  {"output", c->output_most, c->output_least, ROMA_COST_PROMPT_MAX},
                  {"batch", c->batch, 1, ROMA_SERVE_SIM_BATCH_MAX},
                  {"rank", c->rank, 0, ROMA_COST_RANK_MAX},
                  {"adapters", c->adapters, 1, ROMA_COST_ADAPTERS_MAX},
                  {"resident", c->resident, 0, c->adapters}};
    for (size_t i = c->arrivals ? 5 : 0; i < sizeof counts / sizeof *counts; i++)
        if (counts[i].v < counts[i].least || counts[i].v > counts[i].most)
            return bad(err, counts[i].field, counts[i].v, counts[i].least, counts[i].most);
    return ROMA_OK;
}

/* ---- what the SRAM holds ---- */

/* Pages beside so many adapters, of one sequence and so of all: no page is shared. */
static uint32_t pages_beside(const roma_serve_sim *s, uint32_t adapters) {
    roma_workload w = s->work;
    w.adapters = adapters;
    return (uint32_t)(roma_cost_positions(&s->design.place, &w) / ROMA_PAGE);
}

/* The most adapters, of those there are, beside which `pages` fit; 1 at least. */
static uint32_t most_resident(const roma_serve_sim *s, uint32_t adapters, uint64_t pages) {
    uint32_t low = 1, high = adapters + 1;
    while (high - low > 1) {
        const uint32_t middle = low + (high - low) / 2;
        if (pages_beside(s, middle) >= pages)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static uint64_t pages_wanted(const roma_serve_sim *s) {
    uint32_t most = 0;
    for (uint32_t i = 0; i < s->n; i++)
        if (serve_sim_pages(&s->requests[i]) > most) most = serve_sim_pages(&s->requests[i]);
    return (uint64_t)most * s->batch;
}

static int hold(roma_serve_sim *s, const roma_serve_sim_config *c, roma_error *err) {
    if (c->rank) s->resident = c->resident ? c->resident : most_resident(s, c->adapters, pages_wanted(s));
    s->work.adapters = s->resident;
    s->pages = pages_beside(s, s->resident);
    if (!s->pages)
        return roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE,
                         "the SRAM holds no page of cache beside %u adapter%s of rank %u", s->resident,
                         s->resident == 1 ? "" : "s", c->rank);
    return ROMA_OK;
}

/* ---- requests ---- */

/* Leaves out what alone does not fit the chip or the model's own context. */
static int keep_fitting(roma_serve_sim *s, roma_error *err) {
    const uint64_t prompt = roma_cost_prompt(&s->design.place, &s->work), own = s->design.desc->hyper.context;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < s->n; i++) {
        const roma_serve_sim_request r = s->requests[i];
        if (serve_sim_pages(&r) <= s->pages && serve_sim_positions(&r) <= own && r.prompt <= prompt)
            s->requests[kept++] = r;
    }
    s->refused = s->n - kept;
    s->n = kept;
    return kept ? ROMA_OK
                : roma_fail(err, ROMA_EUSAGE, "", ROMA_NOWHERE,
                            "no request fits: the SRAM holds %u tokens, of a prompt %llu, and the model's own context "
                            "is %llu",
                            s->pages * ROMA_PAGE, (unsigned long long)prompt, (unsigned long long)own);
}

/* A full batch completes a request in its prompt's time and its part of so many steps. */
static int find_capacity(roma_serve_sim *s, uint32_t adapters, roma_error *err) {
    double pages = 0, seconds = 0;
    int rc = ROMA_OK;
    for (uint32_t i = 0; i < s->n; i++) pages += serve_sim_pages(&s->requests[i]);
    const double room = floor(s->pages / (pages / s->n));
    const uint32_t batch = (uint32_t)fmax(1, fmin(s->batch, room));
    const uint32_t distinct = s->resident < batch ? s->resident : batch;
    for (uint32_t i = 0; i < s->n && !rc; i++) {
        const roma_serve_sim_request *r = &s->requests[i];
        double first = 0, step = 0;
        rc = roma_serve_sim_prompt_s(s, r->prompt, &first, err);
        if (!rc && r->output > 1)
            rc = roma_serve_sim_step_s(s, batch, adapters < distinct ? adapters : distinct,
                                       r->prompt + (r->output - 2) / 2.0, &step, err);
        seconds += first + (r->output - 1) * step / batch;
    }
    s->capacity = s->n / seconds;
    return rc;
}

static int fill(roma_serve_sim *s, const roma_serve_sim_config *c, roma_error *err) {
    roma_cost cost;
    s->batch = c->batch;
    s->work = roma_cost_workload_bare();
    s->work.rank = c->rank;
    s->work.adapters = c->rank ? 1 : 0;
    s->work.activation_bytes = roma_design_activations(&s->design.plan, 0, c->batch);
    int rc = roma_cost_workload_check(&s->work, err);
    if (!rc) rc = roma_serve_sim_requests(s, c, err);
    if (!rc) rc = hold(s, c, err);
    if (!rc) rc = keep_fitting(s, err);
    if (!rc) rc = roma_cost_evaluate(&cost, &s->schedule, &s->design.place, &s->work, err);
    s->load_s = rc || !c->rank ? 0 : cost.adapter_load_s;
    return rc ? rc : find_capacity(s, c->rank ? c->adapters : 0, err);
}

int roma_serve_sim_open(roma_serve_sim *s, const roma_serve_sim_config *c, roma_error *err) {
    memset(s, 0, sizeof *s);
    int rc = check(c, err);
    if (!rc) rc = roma_design_open(&s->design, &c->design, err);
    if (rc) return rc;
    rc = fill(s, c, err);
    if (rc) roma_serve_sim_close(s);
    return rc;
}

void roma_serve_sim_close(roma_serve_sim *s) {
    roma_serve_sim_times_free(s);
    roma_schedule_destroy(&s->schedule);
    roma_free(s->requests);
    roma_design_close(&s->design);
    memset(s, 0, sizeof *s);
}
