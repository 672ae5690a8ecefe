/* Which variant of the instruction set's kernels an engine takes: the one that was named; else the one that is known
 * for the CPU's model; else the one that decodes fastest here, by a trial on the engine's own weights, in their own
 * formats and with its own threads.
 *
 * A trial reads weights that no pass before it has read, so that memory is asked and not a cache. What it multiplies
 * them with, and what comes out, nobody looks at. */
#include "internal.h"

#include <string.h>

static const double TRIAL = 0.02;     /* seconds, of all passes of a trial together */
static const double GAIN = 1.03;      /* what another variant must gain over the first */
enum { TURNS = 8 };                   /* that a trial needs at least to say so */
static const double PASS = 2 << 20;   /* bytes of a pass, at least: short, so that a busy machine leaves some alone */
static const double LARGE = 64 << 20; /* weights that no cache holds */

/* One pass: the linear operations [first, end) of the plan on a table, each with one row. */
typedef struct {
    roma_exec *e;
    const roma_kern *kern;
    size_t first, end;
} pass;

/* Of an operation, the weights that a trial may read; NULL: none. */
static const roma_image_tensor *weights_of(const roma_exec *e, size_t op) {
    const roma_op *o = &e->plan->ops[op];
    return o->kind == ROMA_OP_LINEAR && !o->last_rows_only ? &e->image->desc.tensors[o->tensor] : NULL;
}

static void pass_run(void *ctx, int thread, int threads) {
    const pass *p = ctx;
    const roma_exec *e = p->e;
    for (size_t i = p->first; i < p->end; i++) {
        const roma_image_tensor *t = weights_of(e, i);
        const uint32_t *cut = e->cuts + i * ((size_t)threads + 1) + thread;
        if (!t || cut[0] == cut[1]) continue;
        const value_store *in = &e->values[e->plan->ops[i].in[0]], *out = &e->values[e->plan->ops[i].out];
        p->kern->product(&t->format, t->cols, t->data + cut[0] * t->tile_bytes, cut[1] - cut[0], in->act, 1,
                         out->f32 + (size_t)cut[0] * ROMA_TILE_ROWS, out->stride, e->scratch[thread].product);
    }
}

static double body_bytes(const roma_exec *e) {
    double sum = 0;
    for (size_t i = 0; i < e->plan->n_ops; i++) sum += weights_of(e, i) ? (double)weights_of(e, i)->bytes : 0;
    return sum;
}

/* Seconds of a pass from operation *at on, which moves behind it; *bytes it read. It begins anew where the plan ends.
 */
static double run_pass(roma_exec *e, const roma_kern *k, size_t *at, double *bytes) {
    pass p = {.e = e, .kern = k, .first = *at < e->plan->n_ops ? *at : 0};
    *bytes = 0;
    for (p.end = p.first; p.end < e->plan->n_ops && *bytes < PASS; p.end++)
        if (weights_of(e, p.end)) *bytes += (double)weights_of(e, p.end)->bytes;
    *at = p.end;
    const double began = roma_now();
    roma_team_run(e->team, pass_run, &p);
    return roma_now() - began;
}

double roma_exec_try(roma_exec *e, const roma_kern *k, size_t *at, double seconds) {
    double best = 0, spent = 0;
    if (body_bytes(e) <= 0) return 0;
    do {
        double bytes;
        const double took = run_pass(e, k, at, &bytes), rate = roma_rate(bytes, took) / 1e9;
        spent += took;
        if (rate > best) best = rate;
    } while (spent < seconds);
    return best;
}

/* Variants that a trial tries. */
static unsigned tried(const roma_kern *k) {
    unsigned n = 0;
    while (n < ROMA_KERN_TRIED && roma_kern_variant(k, n)) n++;
    return n;
}

/* One pass of each variant: its rate, and in how many turns it gained over variant `first`. */
static void turn(roma_exec *e, unsigned first, bool backwards, size_t *at, unsigned wins[ROMA_KERN_TRIED]) {
    roma_exec_choice *c = &e->choice;
    double rate[ROMA_KERN_TRIED];
    const unsigned n = tried(c->kern);
    for (unsigned i = 0; i < n; i++) {
        const unsigned v = backwards ? n - 1 - i : i;
        rate[v] = roma_exec_try(e, roma_kern_variant(c->kern, v), at, 0);
        if (rate[v] > c->gb_s[v]) c->gb_s[v] = rate[v];
    }
    for (unsigned v = 0; v < n; v++) wins[v] += rate[v] > GAIN * rate[first];
}

void roma_exec_trial(roma_exec *e) {
    roma_exec_choice *c = &e->choice;
    const double began = roma_now();
    size_t at = 0;
    const unsigned first = c->kern == roma_kern_variant(c->kern, 1);
    unsigned best = first, turns = 0, wins[ROMA_KERN_TRIED] = {0};
    for (; roma_now() - began < TRIAL; turns++) turn(e, first, turns % 2 != 0, &at, wins);
    for (unsigned v = 0; v < tried(c->kern) && turns >= TURNS; v++)
        if (4 * wins[v] >= 3 * turns && c->gb_s[v] > GAIN * c->gb_s[first] && c->gb_s[v] > c->gb_s[best]) best = v;
    c->kern = e->kern = roma_kern_variant(c->kern, best);
    c->why = ROMA_CHOICE_MEASURED;
    c->seconds = roma_now() - began;
}

void roma_exec_choose(roma_exec *e) {
    roma_exec_choice *c = &e->choice;
    *c = (roma_exec_choice){.kern = e->kern};
    const char *asked = e->cfg.isa ? e->cfg.isa : "auto";
    const roma_kern_hint hint = roma_kern_known(c->kern);
    if (!roma_kern_variant(c->kern, 1)) {
        c->why = ROMA_CHOICE_ONLY;
    } else if (strcmp(asked, "auto") != 0 && strcmp(asked, c->kern->name) != 0) {
        c->why = ROMA_CHOICE_ASKED;
    } else {
        c->kern = hint.kern;
        c->cpu = hint.cpu;
        c->why = hint.is_sure ? ROMA_CHOICE_KNOWN : ROMA_CHOICE_SMALL;
        if (!hint.is_sure && body_bytes(e) >= LARGE) roma_exec_trial(e);
    }
    e->kern = c->kern;
}
