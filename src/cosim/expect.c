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

static int make_value(cosim_value *v, size_t rows, size_t cap, roma_error *err) {
    v->row_bytes = v->cap = cap;
    v->want = roma_alloc_array(rows, cap);
    v->got = roma_alloc_array(rows, cap);
    v->seen = roma_alloc_array(rows, cap);
    return v->want && v->got && v->seen ? ROMA_OK : no_memory(err);
}

/* What adapters make of a LINEAR, place by place. */
static int make_riders(cosim_value *v, size_t rows, uint32_t width, roma_error *err) {
    int rc = ROMA_OK;
    for (uint32_t i = 0; !rc && i < ROMA_RTL_PLACES; i++) {
        cosim_value *up = &v[COSIM_UP + i];
        v[COSIM_DOWN + i].is_codes = true;
        rc = make_value(&v[COSIM_DOWN + i], rows, 2 * ROMA_RTL_RANK_MAX + 4, err);
        if (!rc) rc = make_value(up, rows, (size_t)4 * width, err);
        up->width = width;
        if (!rc && !(up->sums = roma_alloc_array(rows, up->cap))) rc = no_memory(err);
    }
    return rc;
}

/* Gates have no adapters of the head. */
static bool may_ride(const cosim *s, const roma_op *op) {
    return s->config->n_adapters && op->adapter_slot != UINT32_MAX && !op->last_rows_only;
}

static int make_values(cosim *s, roma_error *err) {
    const roma_plan *p = s->plan;
    int rc = ROMA_OK;
    s->value = roma_alloc_array(p->n_ops * COSIM_PARTS, sizeof *s->value);
    if (!s->value) return no_memory(err);
    for (size_t i = 0; !rc && i < p->n_ops; i++) {
        cosim_value *v = &s->value[i * COSIM_PARTS];
        const roma_op *op = &p->ops[i];
        const bool none = op->out == ROMA_NO_VALUE;
        const size_t rows = op->last_rows_only ? 1 : number(s->config->place->chip.chunk_rows);
        v->width = none ? 0 : p->values[op->out].width;
        v->is_codes = none || p->values[op->out].is_codes;
        rc = make_value(v, rows, row_bytes(p, op), err);
        if (!rc && may_ride(s, op)) rc = make_riders(v, rows, v->width, err);
    }
    return rc;
}

static int make_counts(cosim *s, roma_error *err) {
    s->ends = roma_alloc_array(s->units, sizeof *s->ends);
    s->scales = roma_alloc_array(s->units, sizeof *s->scales);
    s->downs = roma_alloc_array(s->units, sizeof *s->downs);
    s->ups = roma_alloc_array(s->units, sizeof *s->ups);
    s->added = roma_alloc_array((size_t)s->vectors * ROMA_RTL_PLACES, sizeof *s->added);
    return s->ends && s->scales && s->downs && s->ups && s->added ? ROMA_OK : no_memory(err);
}

static size_t instances(const cosim *s) { return s->plan->n_ops * s->blocks_max * COSIM_PARTS; }
static size_t tiles(const cosim *s) { return (size_t)s->units + s->vectors; }

int roma_cosim_open(cosim *s, const roma_cosim_config *c, roma_error *err) {
    const roma_chip *chip = &c->place->chip;
    s->config = c, s->plan = c->place->plan;
    s->units = number(chip->matrix_units), s->vectors = number(chip->vector_units);
    s->lanes = number(chip->vector_lanes), s->block_rows = number(chip->block_rows);
    s->blocks_max = (number(chip->chunk_rows) + s->block_rows - 1) / s->block_rows;
    s->instance = roma_alloc_array(instances(s), sizeof *s->instance);
    s->seen_read = roma_alloc_array(instances(s) * tiles(s), 2 * sizeof *s->seen_read);
    if (!s->instance || !s->seen_read) return no_memory(err);
    int rc = make_counts(s, err);
    if (!rc) rc = read_addresses(s, err);
    return rc ? rc : make_values(s, err);
}

void roma_cosim_close(cosim *s) {
    for (size_t i = 0; s->value && i < s->plan->n_ops * COSIM_PARTS; i++) {
        roma_free(s->value[i].want);
        roma_free(s->value[i].got);
        roma_free(s->value[i].seen);
        roma_free(s->value[i].sums);
    }
    roma_free(s->value);
    roma_free(s->instance);
    roma_free(s->seen_read);
    roma_free(s->scales);
    roma_free(s->ends);
    roma_free(s->downs);
    roma_free(s->ups);
    roma_free(s->added);
    roma_free(s->address);
    roma_free(s->stride);
    roma_schedule_destroy(&s->schedule);
}

/* ---- a step ---- */

static uint32_t part_of(const roma_tap_record *r) {
    return r->part == ROMA_TAP_DOWN      ? COSIM_DOWN + r->adapter
           : r->part == ROMA_TAP_ADAPTER ? COSIM_UP + r->adapter
                                         : COSIM_BASE;
}

static void take(void *ctx, const roma_tap_record *r) {
    cosim *s = ctx;
    cosim_value *v = &s->value[r->op * COSIM_PARTS + part_of(r)];
    const size_t first = r->n == v->rows ? 0 : r->rows->position - s->position;
    if (part_of(r) >= COSIM_DOWN) v->rows = s->rows, v->row_bytes = r->row_bytes;
    if (r->part == ROMA_TAP_DOWN) v->width = r->width;
    for (uint32_t i = 0; i < r->n; i++)
        memcpy(v->want + (first + i) * v->row_bytes + (r->part == ROMA_TAP_VALUES) * r->row_bytes,
               r->bytes + i * r->row_bytes, r->row_bytes);
}

static int step_engine(cosim *s, const int32_t *tokens, roma_error *err) {
    const roma_cosim_config *c = s->config;
    roma_exec_row *rows = roma_alloc_array(s->rows, sizeof *rows);
    if (!rows) return no_memory(err);
    for (uint32_t i = 0; i < s->rows; i++)
        rows[i] = (roma_exec_row){.token = tokens[i],
                                  .position = s->position + i,
                                  .adapters = s->set->set,
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

/* What each up leaves in its value: the product, with its bias, and what adapters add to it so far, each sum rounded.
 */
static void add_up(cosim *s) {
    for (size_t i = 0; i < s->plan->n_ops; i++) {
        const roma_op *op = &s->plan->ops[i];
        if (!may_ride(s, op)) continue;
        size_t next = i + 1; /* writes the value again */
        while (next < s->plan->n_ops && s->plan->ops[next].out != op->out) next++;
        const bool biased = next < s->plan->n_ops && s->plan->ops[next].kind == ROMA_OP_BIAS;
        const cosim_value *y = &s->value[(biased ? next : i) * COSIM_PARTS];
        const size_t n = (size_t)s->rows * y->width;
        const uint32_t *before = NULL;
        for (cosim_value *up = &s->value[i * COSIM_PARTS + COSIM_UP]; up < &s->value[(i + 1) * COSIM_PARTS]; up++) {
            for (size_t e = 0; up->rows && e < n; e++) {
                const float x = roma_f32_from_bits(before ? before[e] : roma_le32(y->want + 4 * e));
                const float sum = x + roma_f32_from_bits(roma_le32(up->want + 4 * e));
                up->sums[e] = sum != sum ? 0x7fc00000u : roma_f32_bits(sum);
            }
            if (up->rows) before = up->sums;
        }
    }
}

/* Pieces of a result: elements; sub-groups of codes, their end and scales at every matrix unit; eight bytes of pages.
 * Of a down four codes of h, and t, at every matrix unit; of an up elements as they leave matrix units, and the sums.
 */
static uint64_t pieces(const cosim *s, const cosim_instance *x) {
    const cosim_value *v = &s->value[x->op * COSIM_PARTS + x->part];
    const roma_hyper *h = &s->plan->desc->hyper;
    const uint64_t rows = x->rows;
    if (x->part >= COSIM_UP) return 2 * rows * v->width;
    if (x->part >= COSIM_DOWN) return rows * s->units * (s->lora.word0 >> 16 & 15) * 4 + rows * s->units;
    if (s->plan->ops[x->op].out == ROMA_NO_VALUE) return rows * h->kv_heads * (2 * h->head_dim / 8 + 1);
    return v->is_codes ? rows * (v->width / 8 + s->units) + s->units : rows * v->width;
}

static int step_model(cosim *s, roma_error *err) {
    const roma_cosim_config *c = s->config;
    const roma_cost_span span = {.position = s->position,
                                 .rows = s->rows,
                                 .logits = s->logits,
                                 .n_adapters = s->lora.n,
                                 .adapters = s->lora.model};
    const int rc = roma_cost_step(&s->schedule, c->place, &span, 1, err);
    if (rc) return rc;
    for (size_t i = 0; i < s->schedule.n; i++) {
        const roma_cost_instance *m = &s->schedule.instances[i];
        const uint32_t part = cosim_part(m->part, m->place);
        cosim_instance *x = &s->instance[(m->op * s->blocks_max + m->block) * COSIM_PARTS + part];
        const cosim_value *v = &s->value[m->op * COSIM_PARTS + part];
        const bool last = s->plan->ops[m->op].last_rows_only;
        x->op = m->op, x->part = part, x->block = m->block, x->order = (uint32_t)i;
        x->row = last ? 0 : m->block * s->block_rows;
        x->rows = last ? 1 : s->rows - x->row < s->block_rows ? s->rows - x->row : s->block_rows;
        x->model = (roma_cosim_times){m->start, m->busy, m->end, 0};
        x->rtl = (roma_cosim_times){UINT64_MAX, 0, 0, 0};
        x->left = pieces(s, x);
        x->model.crc = roma_crc32c(0, v->want + x->row * v->row_bytes, x->rows * v->row_bytes);
    }
    return ROMA_OK;
}

int roma_cosim_expect(cosim *s, const int32_t *tokens, uint32_t n, bool logits, roma_error *err) {
    s->rows = n, s->tokens = tokens, s->logits = logits, s->token_came = false, s->end = 0;
    s->blocks = (n + s->block_rows - 1) / s->block_rows;
    memset(s->instance, 0, instances(s) * sizeof *s->instance);
    memset(s->seen_read, 0xff, instances(s) * tiles(s) * 2 * sizeof *s->seen_read);
    memset(s->ends, 0, s->units * sizeof *s->ends);
    memset(s->scales, 0, s->units * sizeof *s->scales);
    memset(s->downs, 0, s->units * sizeof *s->downs);
    memset(s->ups, 0, s->units * sizeof *s->ups);
    memset(s->added, 0, (size_t)s->vectors * ROMA_RTL_PLACES * sizeof *s->added);
    for (size_t i = 0; i < s->plan->n_ops * COSIM_PARTS; i++) {
        cosim_value *v = &s->value[i];
        const uint32_t rows = s->plan->ops[i / COSIM_PARTS].last_rows_only ? 1 : n;
        if (v->cap) memset(v->seen, 0, rows * v->cap), memset(v->got, 0, rows * v->cap);
        v->rows = i % COSIM_PARTS ? 0 : rows;
    }
    int rc = step_engine(s, tokens, err);
    if (!rc) add_up(s);
    return rc ? rc : step_model(s, err);
}
