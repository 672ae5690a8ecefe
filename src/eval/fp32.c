/* Windows of two sets of weights in FP32: each window whole, its scored positions shared by the team. */
#include "eval/internal.h"

#include "roma/num.h"

/* Positions whose logits are there at a time: two rows of a vocabulary each. */
enum { ROWS = 64 };

typedef struct {
    const roma_eval_text *t;
    roma_ref *side[2]; /* model, other */
    const roma_progress *progress;
    uint32_t vocab, window, part; /* part: sides of the window that are done */
    roma_eval_position p[ROWS];
    size_t n; /* of them */
} fp32;

static int after_layer(void *ctx, uint32_t layer, uint32_t layers, const float *x, uint32_t n) {
    const fp32 *e = ctx;
    (void)x, (void)n;
    return roma_progress_tell(e->progress, "windows", ((uint64_t)2 * e->window + e->part) * (layers + 1) + layer,
                              (uint64_t)2 * e->t->windows * (layers + 1));
}

static void score(void *ctx, int thread, int threads) {
    fp32 *e = ctx;
    size_t from, to;
    roma_share(e->n, thread, threads, &from, &to);
    for (size_t i = from; i < to; i++) roma_eval_score(&e->p[i], e->vocab);
}

static int check_finite(const fp32 *e, const roma_eval_position *p, roma_error *err) {
    if (p->bad == e->vocab && p->bad_other == e->vocab) return ROMA_OK;
    return roma_fail(err, ROMA_EINPUT, p->bad < e->vocab ? "model" : "other", ROMA_NOWHERE,
                     "a logit of window %u is infinite or no number: the numbers in the weights are so large that the "
                     "arithmetic overflows on this text",
                     e->window);
}

/* Positions at to at + n - 1, of a window whose tokens are ids. */
static int take(fp32 *e, roma_team *team, const int32_t *ids, uint32_t at, uint32_t n, roma_eval_sums *sums,
                roma_error *err) {
    const float *const model = roma_ref_logits(e->side[0], at, n), *const other = roma_ref_logits(e->side[1], at, n);
    for (e->n = 0; e->n < n; e->n++) {
        const size_t next = at + e->n + 1, row = e->n * e->vocab;
        e->p[e->n] = (roma_eval_position){
            .logits = model + row, .other = other + row, .next = next < e->t->ctx ? ids[next] : -1};
    }
    roma_team_run(team, score, e);
    for (size_t i = 0; i < e->n; i++) {
        const int rc = check_finite(e, &e->p[i], err);
        if (rc) return rc;
        roma_eval_add(sums, &e->p[i].s);
    }
    return ROMA_OK;
}

static int one_window(fp32 *e, roma_team *team, int32_t *ids, roma_eval_sums *sums, roma_error *err) {
    const roma_eval_text *t = e->t;
    const uint32_t from = t->is_whole ? 0 : t->ctx / 2, last = t->is_whole ? t->ctx : t->ctx - 1;
    int rc = ROMA_OK;
    memcpy(ids, t->ids + (size_t)e->window * t->ctx, t->ctx * sizeof *ids);
    if (t->begin >= 0) ids[0] = t->begin;
    for (e->part = 0; e->part < 2 && !rc; e->part++)
        rc = roma_ref_forward(e->side[e->part], ids, last, after_layer, e, err);
    for (uint32_t at = from; at < last && !rc; at += ROWS)
        rc = take(e, team, ids, at, last - at < ROWS ? last - at : ROWS, sums, err);
    return rc;
}

int roma_eval_fp32(const roma_ref_weights *model, const roma_ref_weights *other, const roma_eval_text *t,
                   roma_team *team, const roma_progress *progress, roma_eval_sums *sums, roma_error *err) {
    fp32 *e = roma_alloc_array(1, sizeof *e);
    int32_t *ids = roma_alloc_array(t->ctx, sizeof *ids);
    *sums = (roma_eval_sums){0};
    int rc = e && ids ? ROMA_OK : roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for a window");
    if (!rc && model->hyper->vocab != other->hyper->vocab)
        rc = roma_fail(err, ROMA_EINPUT, "other", ROMA_NOWHERE, "a vocabulary of %u cannot be compared with one of %u",
                       other->hyper->vocab, model->hyper->vocab);
    if (!rc) {
        *e = (fp32){.t = t, .progress = progress, .vocab = model->hyper->vocab};
        rc = roma_ref_create(&e->side[0], model, team, t->ctx, ROWS, err);
        if (!rc) rc = roma_ref_create(&e->side[1], other, team, t->ctx, ROWS, err);
        for (; e->window < t->windows && !rc; e->window++) rc = one_window(e, team, ids, sums, err);
        for (int i = 0; i < 2; i++) roma_ref_destroy(e->side[i]);
    }
    roma_free(ids);
    roma_free(e);
    return rc;
}
