/* Windows one after the other: all sides step by step, positions scored by the engine's team, sums in order of
 * position. */
#include "eval/internal.h"

#include "roma/ref.h"

typedef struct {
    const roma_eval_config *c;
    const roma_eval_text *t;
    roma_ref *ref; /* NULL: no FP32 */
    uint32_t vocab, rows, first, end, window;
    uint32_t from, last; /* positions from..last-1 of a window give logits */
    double part;         /* of a window that FP32 takes */
} run;

typedef struct {
    roma_eval_position p[ROMA_EXEC_ROWS_MAX];
    size_t n;
    uint32_t vocab, first; /* first: where in the window p[0] stands */
} step;

/* ---- positions of a step ---- */

static void run_score(void *ctx, int thread, int threads) {
    step *s = ctx;
    size_t from, to;
    roma_share(s->n, thread, threads, &from, &to);
    for (size_t i = from; i < to; i++) roma_eval_score(&s->p[i], s->vocab);
}

static int check_finite(const run *r, const step *s, size_t i, roma_error *err) {
    const roma_eval_position *p = &s->p[i];
    const bool is_own = p->bad < s->vocab;
    if (!is_own && p->bad_other == s->vocab) return ROMA_OK;
    const float logit = is_own ? p->logits[p->bad] : p->other[p->bad_other];
    const char *other = r->c->against_fp32 ? "fp32" : r->c->against.file;
    return roma_fail(err, ROMA_EINPUT, is_own ? r->c->model.file : other, ROMA_NOWHERE,
                     "the logit of token %u is %s at position %zu of window %u: the numbers in the weights or adapters "
                     "are so large that the arithmetic overflows on this text",
                     is_own ? p->bad : p->bad_other, logit != logit ? "not a number" : "infinite", s->first + i,
                     r->window);
}

/* Of the rows that wanted logits. */
static int take_step(const run *r, step *s, roma_eval_sums *sums, roma_error *err) {
    const roma_eval_config *c = r->c;
    roma_team_run(roma_exec_team(c->model.exec), run_score, s);
    for (size_t i = 0; i < s->n; i++) {
        int rc = check_finite(r, s, i, err);
        if (!rc && c->logits) rc = c->logits(c->logits_ctx, s->p[i].logits, s->p[i].other, r->vocab, err);
        if (rc) return rc;
        roma_eval_add(sums, &s->p[i].s);
    }
    return ROMA_OK;
}

/* ---- windows ---- */

/* part: of the window at work that is done. */
static int tell(const run *r, double part) {
    return roma_progress_tell(r->c->progress, "windows", (uint64_t)(1000 * ((double)(r->window - r->first) + part)),
                              (uint64_t)1000 * (r->end - r->first));
}

static int after_layer(void *ctx, uint32_t layer, uint32_t layers, const float *x, uint32_t n) {
    const run *r = ctx;
    (void)x, (void)n;
    return tell(r, r->part * layer / layers);
}

static const int32_t *window_ids(const run *r) { return r->t->ids + (size_t)r->window * r->t->ctx; }
static int32_t token_at(const run *r, uint32_t at) { return at || r->t->begin < 0 ? window_ids(r)[at] : r->t->begin; }

/* The other side's logits of row i among those of this step that wanted them. */
static const float *other_logits(const run *r, const float *exact, size_t i) {
    if (exact) return exact + i * r->vocab;
    return r->c->against.exec ? roma_exec_logits(r->c->against.exec, i) : NULL;
}

static int step_side(const roma_eval_model *m, roma_exec_row *rows, uint32_t n, roma_error *err) {
    for (uint32_t i = 0; i < n; i++) rows[i].adapters = m->set;
    return roma_exec_step(m->exec, rows, n, err);
}

static int one_step(const run *r, uint32_t at, uint32_t n, roma_eval_sums *sums, roma_error *err) {
    roma_exec_row rows[ROMA_EXEC_ROWS_MAX];
    const uint32_t first = at < r->from ? r->from : at;
    step s = {.vocab = r->vocab, .first = first};
    for (uint32_t i = 0; i < n; i++) rows[i] = (roma_exec_row){token_at(r, at + i), 0, at + i, 0, at + i >= r->from};
    int rc = step_side(&r->c->model, rows, n, err);
    if (!rc && r->c->against.exec) rc = step_side(&r->c->against, rows, n, err);
    if (rc || at + n <= r->from) return rc;
    const float *exact = r->ref ? roma_ref_logits(r->ref, first, at + n - first) : NULL;
    for (; s.n < at + n - first; s.n++) {
        const size_t next = first + s.n + 1;
        s.p[s.n] = (roma_eval_position){.logits = roma_exec_logits(r->c->model.exec, s.n),
                                        .other = other_logits(r, exact, s.n),
                                        .next = next < r->t->ctx ? window_ids(r)[next] : -1};
    }
    return take_step(r, &s, sums, err);
}

static int forward(run *r, roma_error *err) {
    int32_t *ids = roma_alloc_array(r->last, sizeof *ids);
    if (!ids) return roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for a window");
    for (uint32_t i = 0; i < r->last; i++) ids[i] = token_at(r, i);
    const int rc = roma_ref_forward(r->ref, ids, r->last, after_layer, r, err);
    roma_free(ids);
    return rc;
}

static int one_window(run *r, roma_eval_sums *sums, roma_error *err) {
    roma_exec_truncate(r->c->model.exec, 0, 0);
    if (r->c->against.exec) roma_exec_truncate(r->c->against.exec, 0, 0);
    int rc = r->ref ? forward(r, err) : ROMA_OK;
    for (uint32_t at = 0; at < r->last && !rc; at += r->rows) {
        const uint32_t n = r->last - at < r->rows ? r->last - at : r->rows;
        rc = one_step(r, at, n, sums, err);
        if (!rc && tell(r, r->part + (1 - r->part) * (at + n) / r->last))
            rc = roma_fail(err, ROMA_ECANCEL, "", ROMA_NOWHERE, "interrupted");
    }
    return rc;
}

/* ---- what a run needs ---- */

static int other_vocab(const run *r, const char *file, uint32_t vocab, roma_error *err) {
    return roma_fail(err, ROMA_EINPUT, file, ROMA_NOWHERE, "a vocabulary of %u cannot be compared with one of %u",
                     vocab, r->vocab);
}

/* An engine that takes part: its context, and the rows that all engines can step. */
static int check_model(run *r, const roma_eval_model *m, roma_error *err) {
    const roma_exec_memory *has = roma_exec_memory_of(m->exec);
    const uint32_t vocab = m->image->desc.hyper.vocab;
    if (vocab != r->vocab) return other_vocab(r, m->file, vocab, err);
    if (has->context < r->last)
        return roma_fail(err, ROMA_EUSAGE, m->file, ROMA_NOWHERE,
                         "a context of %u tokens is too short for windows of %u", has->context, r->t->ctx);
    if (has->rows < r->rows) r->rows = has->rows;
    if (has->logit_rows < r->rows) r->rows = has->logit_rows;
    return ROMA_OK;
}

/* The evaluator in FP32, where one is compared with. */
static int make_ref(run *r, roma_error *err) {
    const roma_eval_config *c = r->c;
    if (!c->against_fp32 && !c->against_model) return ROMA_OK;
    const roma_ref_weights w =
        c->against_model ? roma_ref_model(c->against_model, ROMA_REF_SOURCE) : roma_ref_image(c->model.image);
    if (w.hyper->vocab != r->vocab) return other_vocab(r, c->against.file, w.hyper->vocab, err);
    r->part = 0.9; /* FP32 is most of a window's time */
    return roma_ref_create(&r->ref, &w, roma_exec_team(c->model.exec), r->t->ctx, r->rows, err);
}

int roma_eval_run(const roma_eval_config *c, const roma_eval_text *t, uint32_t first, uint32_t end,
                  roma_eval_sums *sums, roma_error *err) {
    run r = {.c = c, .t = t, .first = first, .end = end, .rows = ROMA_EXEC_ROWS_MAX};
    r.vocab = c->model.image->desc.hyper.vocab;
    r.from = t->is_whole ? 0 : t->ctx / 2;
    r.last = t->is_whole ? t->ctx : t->ctx - 1;
    int rc = check_model(&r, &c->model, err);
    if (!rc && c->against.exec) rc = check_model(&r, &c->against, err);
    if (!rc) rc = make_ref(&r, err);
    for (r.window = first; r.window < end && !rc; r.window++) {
        sums[r.window - first] = (roma_eval_sums){0};
        rc = one_window(&r, &sums[r.window - first], err);
    }
    roma_ref_destroy(r.ref);
    return rc;
}
