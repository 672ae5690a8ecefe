/* What engine and chip model say of a step: the tap's values, row by row, and the schedule's cycles. */
#include "internal.h"

#include <string.h>

enum { HEADER = 3 }; /* words of a program before its values (docs/program-format.md) */

static int no_memory(roma_error *err) {
    return roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the records of a step");
}

static uint32_t number(double v) { return (uint32_t)v; }

static int read_addresses(cosim *s, roma_error *err) {
    roma_rtl_program program;
    const roma_cosim_config *c = s->config;
    int rc = roma_rtl_program_make(&program, c->place, number(c->place->chip.chunk_rows), c->image->base_id, err);
    if (rc) return rc;
    s->address = roma_alloc_array(program.values + 1, sizeof *s->address);
    s->stride = roma_alloc_array(program.values + 1, sizeof *s->stride);
    if (!s->address || !s->stride) rc = no_memory(err);
    for (uint32_t i = 0; !rc && i < program.values; i++) {
        s->address[i] = (uint32_t)(program.word[HEADER + i] & 0xfffff);
        s->stride[i] = (uint32_t)(program.word[HEADER + i] >> 20 & 0xffff);
    }
    roma_rtl_program_destroy(&program);
    return rc;
}

static size_t row_bytes(const roma_plan *p, const roma_op *op) {
    if (op->out == ROMA_NO_VALUE) {
        const roma_hyper *h = &p->desc->hyper;
        return 2 * (size_t)h->kv_heads * (h->head_dim + 4);
    }
    const roma_value *v = &p->values[op->out];
    return v->is_codes ? (size_t)v->width + v->width / 8 + 4 : (size_t)4 * v->width;
}

static int make_values(cosim *s, roma_error *err) {
    const roma_plan *p = s->plan;
    s->value = roma_alloc_array(p->n_ops, sizeof *s->value);
    if (!s->value) return no_memory(err);
    for (size_t i = 0; i < p->n_ops; i++) {
        cosim_value *v = &s->value[i];
        const roma_op *op = &p->ops[i];
        const bool none = op->out == ROMA_NO_VALUE;
        v->row_bytes = row_bytes(p, op);
        v->width = none ? 0 : p->values[op->out].width;
        v->is_codes = none || p->values[op->out].is_codes;
        const size_t rows = op->last_rows_only ? 1 : number(s->config->place->chip.chunk_rows);
        v->want = roma_alloc_array(rows, v->row_bytes);
        v->got = roma_alloc_array(rows, v->row_bytes);
        v->seen = roma_alloc_array(rows, v->row_bytes);
        if (!v->want || !v->got || !v->seen) return no_memory(err);
    }
    return ROMA_OK;
}

int roma_cosim_open(cosim *s, const roma_cosim_config *c, roma_error *err) {
    const roma_chip *chip = &c->place->chip;
    s->config = c, s->plan = c->place->plan;
    s->units = number(chip->matrix_units), s->vectors = number(chip->vector_units);
    s->lanes = number(chip->vector_lanes), s->block_rows = number(chip->block_rows);
    s->blocks_max = (number(chip->chunk_rows) + s->block_rows - 1) / s->block_rows;
    const size_t n = s->plan->n_ops * s->blocks_max, tiles = (size_t)s->units + s->vectors;
    s->instance = roma_alloc_array(n, sizeof *s->instance);
    s->seen_read = roma_alloc_array(n * tiles, 2 * sizeof *s->seen_read);
    s->ends = roma_alloc_array(s->units, sizeof *s->ends);
    s->scales = roma_alloc_array(s->units, sizeof *s->scales);
    if (!s->instance || !s->seen_read || !s->ends || !s->scales) return no_memory(err);
    const int rc = read_addresses(s, err);
    return rc ? rc : make_values(s, err);
}

void roma_cosim_close(cosim *s) {
    for (size_t i = 0; s->value && i < s->plan->n_ops; i++) {
        roma_free(s->value[i].want);
        roma_free(s->value[i].got);
        roma_free(s->value[i].seen);
    }
    roma_free(s->value);
    roma_free(s->instance);
    roma_free(s->seen_read);
    roma_free(s->ends);
    roma_free(s->scales);
    roma_free(s->address);
    roma_free(s->stride);
    roma_schedule_destroy(&s->schedule);
}

/* ---- a step ---- */

static void take(void *ctx, const roma_tap_record *r) {
    cosim *s = ctx;
    cosim_value *v = &s->value[r->op];
    const size_t half = v->row_bytes / 2, first = r->n == v->rows ? 0 : r->rows->position - s->position;
    for (uint32_t i = 0; i < r->n; i++) {
        uint8_t *to = v->want + (first + i) * v->row_bytes;
        if (r->part == ROMA_TAP_RESULT) memcpy(to, r->bytes + i * r->row_bytes, v->row_bytes);
        if (r->part == ROMA_TAP_KEYS) memcpy(to, r->bytes + i * r->row_bytes, half);
        if (r->part == ROMA_TAP_VALUES) memcpy(to + half, r->bytes + i * r->row_bytes, half);
    }
}

static int step_engine(cosim *s, const int32_t *tokens, roma_error *err) {
    const roma_cosim_config *c = s->config;
    roma_exec_row *rows = roma_alloc_array(s->rows, sizeof *rows);
    if (!rows) return no_memory(err);
    for (uint32_t i = 0; i < s->rows; i++)
        rows[i] = (roma_exec_row){.token = tokens[i],
                                  .position = s->position + i,
                                  .adapters = c->set,
                                  .want_logits = s->logits && i + 1 == s->rows};
    int rc = roma_exec_tap(c->engine, take, s, err);
    if (!rc) rc = roma_exec_step(c->engine, rows, s->rows, err);
    roma_free(rows);
    if (rc || !s->logits) return rc;
    const uint32_t vocab = s->plan->desc->hyper.vocab;
    roma_sampling greedy;
    roma_sampling_default(&greedy);
    void *scratch = roma_alloc(roma_sample_bytes(vocab));
    if (!scratch) return no_memory(err);
    rc = roma_sample(&greedy, roma_exec_logits(c->engine, 0), vocab, NULL, 0, 0, s->position, scratch, &s->token, err);
    roma_free(scratch);
    return rc;
}

/* Pieces of the result of an operation: elements; sub-groups of codes, their end and scales at every matrix unit; eight
 * bytes of pages. */
static uint64_t pieces(const cosim *s, uint32_t op, uint32_t rows) {
    const cosim_value *v = &s->value[op];
    const roma_hyper *h = &s->plan->desc->hyper;
    if (s->plan->ops[op].out == ROMA_NO_VALUE) return (uint64_t)rows * h->kv_heads * (2 * h->head_dim / 8 + 1);
    return v->is_codes ? (uint64_t)rows * (v->width / 8 + s->units) + s->units : (uint64_t)rows * v->width;
}

static int step_model(cosim *s, roma_error *err) {
    const roma_cosim_config *c = s->config;
    const roma_cost_span span = {.position = s->position,
                                 .rows = s->rows,
                                 .logits = s->logits,
                                 .n_adapters = c->n_adapters,
                                 .adapters = s->lora.model};
    const int rc = roma_cost_step(&s->schedule, c->place, &span, 1, err);
    if (rc) return rc;
    uint32_t order = 0;
    for (size_t i = 0; i < s->schedule.n; i++) {
        const roma_cost_instance *m = &s->schedule.instances[i];
        if (m->part != ROMA_PART_BASE) continue;
        cosim_instance *x = &s->instance[m->op * s->blocks_max + m->block];
        const bool last = s->plan->ops[m->op].last_rows_only;
        x->op = m->op, x->block = m->block, x->order = order++;
        x->row = last ? 0 : m->block * s->block_rows;
        x->rows = last ? 1 : s->rows - x->row < s->block_rows ? s->rows - x->row : s->block_rows;
        x->model = (roma_cosim_times){m->start, m->busy, m->end, 0};
        x->rtl = (roma_cosim_times){UINT64_MAX, 0, 0, 0};
        const cosim_value *v = &s->value[m->op];
        x->left = pieces(s, m->op, x->rows);
        x->model.crc = roma_crc32c(0, v->want + x->row * v->row_bytes, x->rows * v->row_bytes);
    }
    return ROMA_OK;
}

int roma_cosim_expect(cosim *s, const int32_t *tokens, uint32_t n, bool logits, roma_error *err) {
    const size_t all = s->plan->n_ops * s->blocks_max, tiles = (size_t)s->units + s->vectors;
    s->rows = n, s->logits = logits, s->token_came = false, s->end = 0;
    s->blocks = (n + s->block_rows - 1) / s->block_rows;
    memset(s->instance, 0, all * sizeof *s->instance);
    memset(s->seen_read, 0xff, all * tiles * 2 * sizeof *s->seen_read);
    memset(s->ends, 0, s->units * sizeof *s->ends);
    memset(s->scales, 0, s->units * sizeof *s->scales);
    for (size_t i = 0; i < s->plan->n_ops; i++) {
        cosim_value *v = &s->value[i];
        v->rows = s->plan->ops[i].last_rows_only ? 1 : n;
        memset(v->seen, 0, v->rows * v->row_bytes);
        memset(v->got, 0, v->rows * v->row_bytes);
    }
    const int rc = step_engine(s, tokens, err);
    return rc ? rc : step_model(s, err);
}
