/* The windows of roma eval: both sides step by step, positions scored by the team, sums in order of position and
 * window. */
#include "eval.h"

#include <string.h>

enum { PER_WINDOW = sizeof(eval_sums) / sizeof(double) };

/* log of the sum of exp, less nothing: the normaliser of a row of finite logits. */
static double log_sum(const float *x, uint32_t n) {
    float max = x[0];
    double sum = 0;
    for (uint32_t i = 1; i < n; i++)
        if (x[i] > max) max = x[i];
    for (uint32_t i = 0; i < n; i++) sum += roma_exp_double((double)x[i] - (double)max);
    return (double)max + roma_log_double(sum);
}

/* The first logit that is infinite or no number, n when there is none. */
static uint32_t find_infinite(const float *x, uint32_t n) {
    uint32_t i = 0;
    while (i < n && x[i] - x[i] == 0) i++;
    return i;
}

static uint32_t top(const float *x, uint32_t n) {
    uint32_t best = 0;
    for (uint32_t i = 1; i < n; i++)
        if (x[i] > x[best]) best = i;
    return best;
}

/* KL(reference || ours) of one position. */
static double divergence(const float *ref, double ref_log, const float *ours, double ours_log, uint32_t n) {
    double kl = 0;
    for (uint32_t i = 0; i < n; i++) {
        const double p = (double)ref[i] - ref_log;
        kl += roma_exp_double(p) * (p - ((double)ours[i] - ours_log));
    }
    return kl;
}

static int dump(roma_outfile *f, const float *x, uint32_t n, roma_error *err) {
    uint8_t le[4096];
    int rc = ROMA_OK;
    for (uint32_t i = 0; f->buf && i < n && !rc;) {
        size_t m = 0;
        for (; m < sizeof le && i < n; m += 4) roma_put32(le + m, roma_f32_bits(x[i++]));
        rc = roma_outfile_write(f, le, m, err);
    }
    return rc;
}

static void add(eval_sums *to, const eval_sums *s) {
    to->scored += s->scored;
    to->nll += s->nll;
    to->nll_against += s->nll_against;
    to->kl += s->kl;
    to->kl_squared += s->kl_squared;
    to->same += s->same;
}

/* ---- positions of a step ---- */

typedef struct {
    const float *ours, *ref; /* logits; ref NULL: nothing to compare with */
    int32_t next;            /* the token that follows, -1: not scored */
    uint32_t bad, bad_ref;   /* find_infinite */
    eval_sums s;
} position;

typedef struct {
    position p[ROMA_EXEC_ROWS_MAX];
    size_t n;
    uint32_t vocab, first; /* first: where in the window p[0] stands */
} step;

static void score(position *p, uint32_t vocab) {
    p->bad = find_infinite(p->ours, vocab);
    p->bad_ref = p->ref ? find_infinite(p->ref, vocab) : vocab;
    if (p->bad < vocab || p->bad_ref < vocab || p->next < 0) return;
    const double norm = log_sum(p->ours, vocab);
    p->s = (eval_sums){.scored = 1, .nll = norm - (double)p->ours[p->next]};
    if (!p->ref) return;
    const double ref_norm = log_sum(p->ref, vocab), kl = divergence(p->ref, ref_norm, p->ours, norm, vocab);
    p->s.nll_against = ref_norm - (double)p->ref[p->next];
    p->s.kl = kl;
    p->s.kl_squared = kl * kl;
    p->s.same = top(p->ref, vocab) == top(p->ours, vocab);
}

static void run_score(void *ctx, int thread, int threads) {
    step *st = ctx;
    size_t from, to;
    roma_share(st->n, thread, threads, &from, &to);
    for (size_t i = from; i < to; i++) score(&st->p[i], st->vocab);
}

/* Perplexity and divergence are defined for finite logits alone. */
static int check_finite(const eval *e, const step *st, size_t i, roma_error *err) {
    const position *p = &st->p[i];
    const bool is_ours = p->bad < st->vocab;
    if (!is_ours && p->bad_ref == st->vocab) return ROMA_OK;
    const float logit = is_ours ? p->ours[p->bad] : p->ref[p->bad_ref];
    return roma_fail(err, ROMA_EINPUT, is_ours ? e->o->session.image : e->o->against, ROMA_NOWHERE,
                     "the logit of token %u is %s at position %zu of window %u: the numbers in the weights or adapters "
                     "are so large that the arithmetic overflows on this text",
                     is_ours ? p->bad : p->bad_ref, logit != logit ? "not a number" : "infinite", st->first + i,
                     e->window);
}

/* Of the rows that wanted logits. */
static int take_step(eval *e, step *st, eval_sums *sums, roma_error *err) {
    roma_team_run(roma_exec_team(e->s.exec), run_score, st);
    for (size_t i = 0; i < st->n; i++) {
        const position *p = &st->p[i];
        int rc = check_finite(e, st, i, err);
        if (rc) return rc;
        if (e->o->hash) roma_sha256_update(&e->hash, p->ours, e->vocab * sizeof *p->ours);
        rc = dump(&e->dump, p->ours, e->vocab, err);
        if (!rc) rc = dump(&e->dump_against, p->ref, e->vocab, err);
        if (rc) return rc;
        add(sums, &p->s);
    }
    return ROMA_OK;
}

/* ---- windows ---- */

/* Progress in 1000 parts a window: FP32 takes most of it where it runs. */
static int tell(const eval *e, double part) {
    const size_t mine = e->end_window - e->first_window;
    return roma_progress_tell(&progress, "windows", (uint64_t)(1000 * ((double)(e->window - e->first_window) + part)),
                              1000 * mine);
}

static int after_layer(void *ctx, uint32_t layer, uint32_t layers, const float *x, uint32_t n) {
    (void)x, (void)n;
    return tell(ctx, 0.9 * layer / layers);
}

static int32_t token_at(const eval *e, uint32_t at) {
    const roma_vocab *v = e->s.image.has_vocab && !e->o->ids ? &e->s.image.vocab : NULL;
    return at == 0 && v && v->add_bos && v->bos >= 0 ? v->bos : e->ids[(size_t)e->window * e->ctx + at];
}

/* The other side's logits of row i among those of this step that wanted them. */
static const float *other_logits(const eval *e, const float *exact, size_t i) {
    if (exact) return exact + i * e->vocab;
    return e->other.exec ? roma_exec_logits(e->other.exec, i) : NULL;
}

static int step_side(const session *s, roma_exec_row *rows, uint32_t n, roma_error *err) {
    for (uint32_t i = 0; i < n; i++) rows[i].adapters = s->set;
    return roma_exec_step(s->exec, rows, n, err);
}

static int one_step(eval *e, uint32_t at, uint32_t n, eval_sums *sums, roma_error *err) {
    roma_exec_row rows[ROMA_EXEC_ROWS_MAX];
    step st = {.vocab = e->vocab};
    for (uint32_t i = 0; i < n; i++) rows[i] = (roma_exec_row){token_at(e, at + i), 0, at + i, 0, at + i >= e->from};
    int rc = step_side(&e->s, rows, n, err);
    if (!rc && e->other.exec) rc = step_side(&e->other, rows, n, err);
    if (rc || at + n <= e->from) return rc;
    const uint32_t first = at < e->from ? e->from : at;
    st.first = first;
    const float *exact = e->fp32 ? roma_ref_logits(e->fp32, first, at + n - first) : NULL;
    for (; st.n < at + n - first; st.n++) {
        const size_t next = first + st.n + 1;
        st.p[st.n] = (position){.ours = roma_exec_logits(e->s.exec, st.n),
                                .ref = other_logits(e, exact, st.n),
                                .next = next < e->ctx ? e->ids[(size_t)e->window * e->ctx + next] : -1};
    }
    return take_step(e, &st, sums, err);
}

static int forward(eval *e, uint32_t n, roma_error *err) {
    int32_t *ids = roma_alloc_array(n, sizeof *ids);
    if (!ids) return roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for a window");
    for (uint32_t i = 0; i < n; i++) ids[i] = token_at(e, i);
    const int rc = roma_ref_forward(e->fp32, ids, n, after_layer, e, err);
    roma_free(ids);
    return rc;
}

static int one_window(eval *e, eval_sums *sums, roma_error *err) {
    const uint32_t last = e->o->all ? e->ctx : e->ctx - 1; /* positions below it give logits */
    const uint32_t rows = roma_exec_memory_of(e->s.exec)->rows;
    const double begin = e->fp32 ? 0.9 : 0;
    roma_exec_truncate(e->s.exec, 0, 0);
    if (e->other.exec) roma_exec_truncate(e->other.exec, 0, 0);
    int rc = e->fp32 ? forward(e, last, err) : ROMA_OK;
    for (uint32_t at = 0; at < last && !rc; at += rows) {
        const uint32_t n = last - at < rows ? last - at : rows;
        rc = one_step(e, at, n, sums, err);
        if (!rc && tell(e, begin + (1 - begin) * (at + n) / last))
            rc = roma_fail(err, ROMA_ECANCEL, "", ROMA_NOWHERE, "interrupted");
    }
    return rc;
}

int eval_run(eval *e, roma_error *err) {
    size_t mine = e->end_window - e->first_window, n = mine * PER_WINDOW;
    eval_sums *all = roma_alloc_array(mine + 1, sizeof *all);
    int rc = all ? ROMA_OK : roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for %zu windows", mine);
    for (size_t w = 0; w < mine && !rc; w++) {
        e->window = (uint32_t)(e->first_window + w);
        rc = one_window(e, &all[w], err);
    }
    progress_end();
    double *values = (double *)all;
    if (!rc) rc = ranks_gather(&e->ranks, &values, &n, err);
    for (size_t i = 0; i + PER_WINDOW <= n && !rc; i += PER_WINDOW) {
        eval_sums w;
        memcpy(&w, values + i, sizeof w);
        add(&e->sums, &w);
    }
    roma_free(values);
    return rc;
}
