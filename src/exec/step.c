/* Runs the plan's operations over the rows of a step on the team. How work is shared stands in share.c. */
#include "attend.h"

#include <assert.h>
#include <string.h>

static void run(void *ctx, int thread, int threads) {
    roma_exec *e = ctx;
    const uint8_t mask = (uint8_t)((e->n_rows == 1 ? 1 : 2) | (e->lora.n_slots ? 4 : 0));
    for (size_t i = 0; i < e->plan->n_ops; i++) {
        if (e->barrier[i] & mask) roma_team_barrier(e->team);
        if (e->plan->ops[i].last_rows_only && !e->n_logits) continue;
        roma_exec_op(e, &e->plan->ops[i], thread, threads);
    }
}

static int check_row(const roma_exec *e, const roma_exec_row *row, uint32_t expected, roma_error *err) {
    if (row->token < 0 || (uint32_t)row->token >= e->hyper->vocab)
        return roma_fail(err, ROMA_EINPUT, "", ROMA_NOWHERE, "token %d is not in the vocabulary of %u", row->token,
                         e->hyper->vocab);
    if (row->position != expected)
        return roma_fail(err, ROMA_EINPUT, "", ROMA_NOWHERE, "position %u given, the sequence continues at %u",
                         row->position, expected);
    if (row->adapters > e->cfg.adapter_sets || !e->lora.sets[row->adapters].is_defined)
        return roma_fail(err, ROMA_EINPUT, "", ROMA_NOWHERE, "adapter set %u is not defined", row->adapters);
    return ROMA_OK;
}

/* Rows of a sequence are consecutive positions. Counts them in the sequences, and the pages they need. */
static int check_rows(roma_exec *e, const roma_exec_row *rows, size_t n, roma_error *err) {
    uint64_t pages = 0;
    for (size_t i = 0; i < n; i++) {
        sequence *s = &e->sequences[rows[i].sequence];
        const uint32_t expected = s->length + s->rows;
        int rc = check_row(e, &rows[i], expected, err);
        if (rc) return rc;
        if (expected >= e->memory.context)
            return roma_fail(err, ROMA_ECONTEXT, "", ROMA_NOWHERE, "the context of %u tokens is full",
                             e->memory.context);
        const uint32_t before = s->rows ? roma_exec_pages_for(e, rows[i].sequence, expected) : 0;
        pages += roma_exec_pages_for(e, rows[i].sequence, expected + 1) - before;
        s->rows++;
    }
    if (pages > e->n_free)
        return roma_fail(err, ROMA_ECONTEXT, "", ROMA_NOWHERE, "the step needs %llu cache pages and %u are free",
                         (unsigned long long)pages, e->n_free);
    return ROMA_OK;
}

/* Checks all, then takes pages, so that a refused step changes nothing. */
static int admit(roma_exec *e, const roma_exec_row *rows, size_t n, roma_error *err) {
    size_t logits = 0;
    if (n == 0 || n > e->cfg.rows)
        return roma_fail(err, ROMA_EINPUT, "", ROMA_NOWHERE, "a step takes 1 to %u rows, not %zu", e->cfg.rows, n);
    for (size_t i = 0; i < n; i++) {
        if (rows[i].sequence >= e->cfg.sequences)
            return roma_fail(err, ROMA_EINPUT, "", ROMA_NOWHERE, "sequence %u does not exist", rows[i].sequence);
        e->sequences[rows[i].sequence].rows = 0;
        logits += rows[i].want_logits;
    }
    if (logits > e->cfg.logit_rows)
        return roma_fail(err, ROMA_EINPUT, "", ROMA_NOWHERE, "logits of %zu rows wanted, %u configured", logits,
                         e->cfg.logit_rows);
    return check_rows(e, rows, n, err);
}

int roma_exec_step(roma_exec *e, const roma_exec_row *rows, size_t n, roma_error *err) {
    int rc = admit(e, rows, n, err);
    if (rc) return rc;
    e->rows = rows;
    e->n_rows = n;
    e->n_logits = 0;
    for (size_t i = 0; i < n; i++) {
        if (!roma_exec_reserve(e, rows[i].sequence, rows[i].position + 1)) {
            assert(0 && "admit counted the pages");
            return roma_fail(err, ROMA_ECONTEXT, "", ROMA_NOWHERE, "no cache page is free");
        }
        e->sequences[rows[i].sequence].length = rows[i].position + 1;
        if (rows[i].want_logits) e->logit_row[e->n_logits++] = (uint32_t)i;
    }
    roma_exec_lora_group(e);
    e->n_row_blocks = roma_exec_blocks(e->hyper, rows, n, e->threads, e->blocks);
    roma_team_run(e->team, e->tap.fn ? roma_exec_tap_run : run, e);
    return ROMA_OK;
}

const float *roma_exec_logits(const roma_exec *e, size_t i) {
    const value_store *l = &e->values[e->plan->ops[e->plan->n_ops - 1].out];
    return i < e->n_logits ? l->f32 + i * l->stride : NULL;
}

void roma_exec_final(roma_exec *e, size_t i, float *out) {
    const roma_op *op = &e->plan->ops[e->plan->n_ops - 1];
    while (op->kind != ROMA_OP_NORM) op--; /* the head reads what the last norm gave */
    const value_store *x = &e->values[op->in[0]];
    const uint64_t n = roma_true_hidden(e->hyper);
    float *gained = e->scratch[0].gained;
    assert(i < e->n_rows && op->last_rows_only);
    const float *row = slot_f32(e, x, i), inverse = e->kern->rms_inverse(row, n, op->param.epsilon);
    e->kern->mul(gained, row, (const float *)(const void *)e->image->desc.tensors[op->tensor].data,
                 e->plan->values[op->in[0]].width);
    for (uint64_t k = 0; k < n; k++) out[k] = gained[k] * inverse;
}

int roma_exec_prefill(roma_exec *e, uint32_t seq, uint32_t adapters, const int32_t *tokens, size_t n,
                      const volatile int *cancel, const roma_progress *progress, roma_error *err) {
    roma_exec_row rows[ROMA_EXEC_ROWS_MAX];
    if (seq >= e->cfg.sequences || n == 0)
        return roma_fail(err, ROMA_EINPUT, "", ROMA_NOWHERE, "a prompt needs a sequence and at least one token");
    if (n > e->memory.context - e->sequences[seq].length)
        return roma_fail(err, ROMA_ECONTEXT, "", ROMA_NOWHERE,
                         "%zu tokens do not fit the %u that are left of the context of %u; "
                         "a larger --ctx makes room",
                         n, e->memory.context - e->sequences[seq].length, e->memory.context);
    for (size_t done = 0; done < n;) {
        if (cancel && *cancel) return roma_fail(err, ROMA_ECANCEL, "", ROMA_NOWHERE, "interrupted");
        const size_t m = n - done < e->cfg.rows ? n - done : e->cfg.rows;
        for (size_t i = 0; i < m; i++)
            rows[i] = (roma_exec_row){tokens[done + i], seq, e->sequences[seq].length + (uint32_t)i, adapters,
                                      done + i + 1 == n};
        int rc = roma_exec_step(e, rows, m, err);
        if (rc) return rc;
        done += m;
        rc = roma_progress_tell(progress, "prompt", done, n);
        if (rc) return roma_fail(err, rc, "", ROMA_NOWHERE, "interrupted");
    }
    return ROMA_OK;
}
