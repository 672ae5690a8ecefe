/* The program of a chip in gates (docs/program-format.md): records of a plan's operations with the addresses that a
 * placement gives them. Records are first made for every operation; layers that differ in their addresses alone are
 * then rolled into a loop. */
#include "internal.h"

#include <string.h>

enum { HEADER = 3, RECORD = 5, FORMAT = 5, END = 0, LOOP = 1, TURN = 2, FIRST_KIND = 3, PAGES = 254, NOTHING = 255 };
enum { FORMATS_MAX = 512 };

typedef struct {
    uint64_t w[RECORD];
} record;

typedef struct {
    const roma_placement *p;
    roma_error *err;
    record *records; /* [n_ops + 3]: all operations, two of a loop, the end */
    size_t n;
    roma_format formats[FORMATS_MAX];
    uint32_t n_formats;
    uint32_t *address; /* of each value */
    uint64_t *scales;  /* of each tensor, in the matrix unit's own ROM */
    uint32_t value_words, code_words;
} maker;

/* ---- fields ---- */

/* Puts a number into bits [high:low] of a word; EUNSUPPORTED where there is no room. */
static int put(maker *m, uint64_t *word, unsigned high, unsigned low, uint64_t value, const char *what) {
    if (high - low < 63 && value >> (high - low + 1))
        return roma_fail(m->err, ROMA_EUNSUPPORTED, "", ROMA_NOWHERE,
                         "%s is %llu, which the chip's program has no room for: at most %llu", what,
                         (unsigned long long)value, (unsigned long long)((UINT64_C(1) << (high - low + 1)) - 1));
    *word |= value << low;
    return ROMA_OK;
}

static uint64_t pair_of(float high, float low) { return (uint64_t)roma_f32_bits(high) << 32 | roma_f32_bits(low); }

/* ---- values, formats, scales ---- */

/* Addresses that a row of so many elements takes of every vector unit. */
static uint64_t row_addresses(const roma_placement *p, uint64_t elements) {
    const uint64_t all = (uint64_t)p->chip.vector_units * (uint64_t)p->chip.vector_lanes;
    return (elements + all - 1) / all;
}

static int place_values(maker *m, uint32_t rows) {
    const roma_plan *plan = m->p->plan;
    uint64_t next[2] = {0, 0};
    for (size_t i = 0; i < plan->n_values; i++) {
        const roma_value *v = &plan->values[i];
        const uint64_t words = row_addresses(m->p, v->width);
        if (words > 0xffff || next[v->is_codes] + words * rows > 0x10000)
            return roma_fail(
                m->err, ROMA_EUNSUPPORTED, "", ROMA_NOWHERE,
                "vector memory: the values of %u rows take more than 65536 addresses of a unit: fewer rows a step "
                "(schedule.chunk_rows) or more vector.lanes",
                rows);
        m->address[i] = (uint32_t)next[v->is_codes];
        next[v->is_codes] += words * rows;
    }
    m->value_words = (uint32_t)next[0], m->code_words = (uint32_t)next[1];
    return ROMA_OK;
}

/* Scales lie in the order of the tensor table (docs/placement.md), as own_words counts them. */
static void place_scales(maker *m) {
    uint64_t next = 0;
    for (size_t i = 0; i < m->p->plan->desc->n_tensors; i++) {
        m->scales[i] = next;
        if (m->p->tensors[i].where == ROMA_PLACED_LUNITS) next += m->p->tensors[i].own_words;
    }
}

static bool same_format(const roma_format *a, const roma_format *b) {
    return a->bits == b->bits && a->level == b->level && a->scale == b->scale && a->min == b->min &&
           a->group == b->group && a->super == b->super && a->zero == b->zero && a->zeros == b->zeros &&
           memcmp(a->table, b->table, sizeof a->table) == 0;
}

static int number_format(maker *m, const roma_format *f, uint64_t *number) {
    for (*number = 0; *number < m->n_formats; ++*number)
        if (same_format(f, &m->formats[*number])) return ROMA_OK;
    if (m->n_formats == FORMATS_MAX)
        return roma_fail(m->err, ROMA_EUNSUPPORTED, "", ROMA_NOWHERE, "the model has more than %d formats of matrices",
                         FORMATS_MAX);
    m->formats[m->n_formats++] = *f;
    return ROMA_OK;
}

/* ---- records ---- */

static uint64_t value_or(uint32_t value, bool is_pages) {
    return is_pages ? PAGES : value == ROMA_NO_VALUE ? NOTHING : value;
}

/* The adapter slot of a product of a layer, and of its bias; UINT32_MAX: none. */
static uint32_t slot_of(const roma_plan *plan, const roma_op *op) {
    if (op->layer == UINT32_MAX) return UINT32_MAX;
    if (op->kind == ROMA_OP_BIAS && op > plan->ops && op[-1].kind == ROMA_OP_LINEAR && op[-1].out == op->in[0]) op--;
    return op->kind == ROMA_OP_LINEAR ? op->adapter_slot : UINT32_MAX;
}

/* Where products of one value stand, with nothing between them but their own biases (docs/cost-model.md 1.2): the
 * number of each in its group; whether a bias of it follows; and at the group's last operation that its adapters'
 * second halves follow. */
static uint64_t group_bits(const roma_plan *plan, size_t i) {
    const roma_op *ops = plan->ops, *op = &ops[i];
    uint64_t number = 0;
    size_t first = i;
    if (slot_of(plan, op) == UINT32_MAX) return 0;
    if (op->kind == ROMA_OP_BIAS) first--;
    const uint32_t value = ops[first].in[0], layer = op->layer;
    while (first > 0 && ops[first - 1].layer == layer && slot_of(plan, &ops[first - 1]) != UINT32_MAX) {
        first--;
        if (ops[first].kind == ROMA_OP_BIAS) continue;
        if (ops[first].in[0] != value) break;
        number++;
    }
    const roma_op *next = i + 1 < plan->n_ops ? op + 1 : NULL;
    const bool has_bias = next && next->kind == ROMA_OP_BIAS && slot_of(plan, next) != UINT32_MAX;
    const bool goes_on =
        has_bias || (next && next->kind == ROMA_OP_LINEAR && next->layer == layer && next->in[0] == value);
    return (uint64_t)!goes_on << 3 | (uint64_t)has_bias << 2 | number;
}

/* What every record has: words 0 and 1. */
static int put_head(maker *m, record *r, const roma_op *op) {
    const roma_op_info *info = roma_op_about(op->kind);
    const uint32_t value[3] = {op->in[0], op->in[1], op->out};
    const roma_data data[3] = {info->in[0], info->in[1], info->out};
    const bool is_head = op->kind == ROMA_OP_LINEAR && op->layer == UINT32_MAX && !(int)m->p->chip.full_logits;
    int rc = put(m, &r->w[0], 63, 59, FIRST_KIND + (uint64_t)op->kind, "a kind of operation");
    r->w[0] |= (uint64_t)op->last_rows_only << 58 | (uint64_t)is_head << 57;
    for (unsigned i = 0; !rc && i < 3; i++) {
        rc = put(m, &r->w[0], 47 - 8 * i, 40 - 8 * i, value_or(value[i], data[i] == ROMA_DATA_PAGES), "a value");
        if (!rc && value[i] != ROMA_NO_VALUE)
            rc = put(m, &r->w[1], 63 - 16 * i, 48 - 16 * i, m->address[value[i]], "the address of a value");
    }
    if (!rc) rc = put(m, &r->w[0], 23, 0, op->layer == UINT32_MAX ? 0xffffff : op->layer, "a layer");
    const uint32_t slot = slot_of(m->p->plan, op);
    return rc ? rc : put(m, &r->w[1], 15, 0, slot == UINT32_MAX ? 0xffff : slot, "an adapter slot");
}

/* What a unit needs of a matrix's format, level tables apart. */
static uint64_t format_bits(const roma_format *f) {
    const uint64_t bits = f->bits == 3  ? 4
                          : f->bits > 4 ? 8
                                        : f->bits,
                   zero = (uint64_t)(f->zero + (bits == 8 ? 128 : 0));
    uint64_t group = 0;
    while (8u << group < f->group) group++;
    return (bits == 2   ? 0u
            : bits == 4 ? 1u
                        : 2u)
               << 18 |
           (uint64_t)(f->min != 0) << 17 | (uint64_t)(f->level == ROMA_LEVEL_TABLE) << 16 | (zero & 511) << 7 |
           group << 4;
}

static int put_matrix(maker *m, record *r, size_t tensor) {
    const roma_image_tensor *t = &m->p->plan->desc->tensors[tensor];
    const size_t data = t->tie >= 0 ? (size_t)t->tie : tensor;
    const roma_place_tensor *at = &m->p->tensors[data];
    const uint64_t rows = (uint64_t)m->p->chip.lanes / 8, groups = t->cols / t->format.group;
    uint64_t number;
    int rc = number_format(m, &t->format, &number);
    if (!rc) rc = put(m, &r->w[0], 56, 48, number, "a format");
    if (!rc) rc = put(m, &r->w[2], 63, 40, t->rows, "rows of a matrix");
    if (!rc) rc = put(m, &r->w[2], 39, 20, t->cols, "columns of a matrix");
    r->w[2] |= format_bits(&t->format);
    if (!rc) rc = put(m, &r->w[3], 63, 32, at->base, "an address in the L-Units");
    if (!rc) rc = put(m, &r->w[3], 31, 0, m->scales[data], "an address of scales");
    if (!rc) rc = put(m, &r->w[4], 63, 48, at->unit_rows / rows, "row groups of a matrix unit");
    if (!rc) rc = put(m, &r->w[4], 47, 32, at->row_words, "addresses of a row group");
    if (!rc) rc = put(m, &r->w[4], 31, 16, groups, "groups of a row");
    return rc ? rc : put(m, &r->w[4], 15, 0, at->own_words / (at->unit_rows / rows), "scale words of a row group");
}

static int put_vector(maker *m, record *r, const roma_op *op) {
    const roma_plan *plan = m->p->plan;
    const uint32_t head_dim = plan->desc->hyper.head_dim;
    const uint64_t elements = op->kind == ROMA_OP_ANGLES ? op->param.rotated / 2 : plan->values[op->in[0]].width;
    int rc = put(m, &r->w[2], 39, 20, elements, "elements of a value");
    if (!rc && op->layer != UINT32_MAX) rc = put(m, &r->w[2], 19, 10, head_dim, "elements of a head");
    if (!rc) rc = put(m, &r->w[2], 9, 0, op->param.rotated, "rotated elements of a head");
    if (!rc && op->tensor != ROMA_NO_TENSOR)
        rc = put(m, &r->w[3], 63, 32, m->p->tensors[op->tensor].base, "an address in the vector units");
    if (op->kind == ROMA_OP_NORM) r->w[4] = pair_of(1.0f / (float)elements, op->param.epsilon);
    if (op->kind == ROMA_OP_HEAD_NORM) r->w[4] = pair_of(1.0f / (float)head_dim, op->param.epsilon);
    if (op->kind == ROMA_OP_ATTEND) r->w[4] = pair_of(op->param.scale, 0);
    return rc;
}

static int make_records(maker *m) {
    const roma_plan *plan = m->p->plan;
    int rc = ROMA_OK;
    for (size_t i = 0; !rc && i < plan->n_ops; i++) {
        const roma_op *op = &plan->ops[i];
        record *r = &m->records[m->n++];
        rc = put_head(m, r, op);
        if (!rc && roma_op_about(op->kind)->tensor == ROMA_TENSOR_MATRIX)
            rc = put_matrix(m, r, op->tensor);
        else if (!rc)
            rc = put_vector(m, r, op);
        r->w[2] |= group_bits(plan, i);
    }
    return rc;
}

/* ---- the loop ---- */

/* What a turn adds; found in the first two layers. */
typedef struct {
    uint64_t slots, lunit_words, scale_words, vector_words;
} step_of_turn;

static roma_op_tensor tensor_of(const record *r) {
    return roma_op_about((roma_op_kind)((r->w[0] >> 59) - FIRST_KIND))->tensor;
}
static bool has_matrix(const record *r) { return tensor_of(r) == ROMA_TENSOR_MATRIX; }
static bool has_vector(const record *r) { return tensor_of(r) == ROMA_TENSOR_VECTOR; }

/* The record of layer 0 as turn `turn` of a loop reads it. */
static record turned(const record *first, const step_of_turn *s, uint64_t turn) {
    record r = *first;
    r.w[0] += turn;
    if ((r.w[1] & 0xffff) != 0xffff) r.w[1] += turn * s->slots;
    if (has_matrix(first)) r.w[3] += (turn * s->lunit_words << 32) + turn * s->scale_words;
    if (has_vector(first)) r.w[3] += turn * s->vector_words << 32;
    return r;
}

/* Differences between two layers, each by the first record that has them. */
static step_of_turn differences(const record *a, const record *b, size_t body) {
    step_of_turn s = {0, 0, 0, 0};
    bool slots = false, matrix = false, vector = false;
    for (size_t i = 0; i < body; i++) {
        const uint64_t address = (b[i].w[3] >> 32) - (a[i].w[3] >> 32);
        if (!slots && (a[i].w[1] & 0xffff) != 0xffff) slots = true, s.slots = (b[i].w[1] - a[i].w[1]) & 0xffff;
        if (!matrix && has_matrix(&a[i]))
            matrix = true, s.lunit_words = address, s.scale_words = (b[i].w[3] - a[i].w[3]) & 0xffffffff;
        if (!vector && has_vector(&a[i])) vector = true, s.vector_words = address;
    }
    return s;
}

/* Rolls layers into a loop where each is the first one turned. */
static void roll(maker *m) {
    const roma_plan *plan = m->p->plan;
    const size_t layers = plan->desc->hyper.layers;
    size_t first = 0, body = 0;
    while (first < m->n && plan->ops[first].layer != 0) first++;
    while (first + body < m->n && plan->ops[first + body].layer == 0) body++;
    if (layers < 2 || first + layers * body > m->n) return;
    record *a = m->records + first;
    const step_of_turn s = differences(a, a + body, body);
    if ((s.lunit_words | s.scale_words | s.vector_words) >> 32) return;
    for (size_t i = body; i < layers * body; i++) {
        const record want = turned(&a[i % body], &s, i / body);
        if (memcmp(&want, &a[i], sizeof want) != 0) return;
    }
    const record loop = {{(uint64_t)LOOP << 59, s.slots, (uint64_t)layers << 40, s.lunit_words << 32 | s.scale_words,
                          s.vector_words << 32}};
    const record turn = {{(uint64_t)TURN << 59, 0, 0, 0, 0}};
    const size_t behind = m->n - first - layers * body;
    record *rest = a + layers * body;
    memmove(a + 1, a, body * sizeof *a);
    a[0] = loop, a[body + 1] = turn;
    memmove(a + body + 2, rest, behind * sizeof *a);
    m->n = first + body + 2 + behind;
}

/* ---- words ---- */

static uint64_t levels_of(const roma_format *f, unsigned first) {
    uint64_t word = 0;
    for (unsigned i = 0; f->level == ROMA_LEVEL_TABLE && i < 4; i++)
        word |= (uint64_t)(uint16_t)f->table[first + i] << 16 * i;
    return word;
}

static void write_words(const maker *m, const uint8_t base_id[32], roma_rtl_program *out) {
    const roma_plan *plan = m->p->plan;
    uint64_t *w = out->word;
    *w = (uint64_t)roma_le32((const uint8_t *)"ROMA") | (uint64_t)roma_le32((const uint8_t *)"PROG") << 32;
    w[1] = UINT64_C(1) << 48 | (uint64_t)out->values << 32 | (uint64_t)out->formats << 16 | out->records;
    w[2] = (uint64_t)roma_le32(base_id) | (uint64_t)roma_le32(base_id + 4) << 32;
    w += HEADER;
    for (size_t i = 0; i < plan->n_values; i++)
        *w++ = (uint64_t)plan->values[i].width << 40 | (uint64_t)plan->values[i].is_codes << 39 |
               row_addresses(m->p, plan->values[i].width) << 20 | m->address[i];
    for (size_t i = 0; i < m->n_formats; i++, w += FORMAT) {
        const roma_format *f = &m->formats[i];
        w[0] = (uint64_t)(f->bits == 3  ? 4
                          : f->bits > 4 ? 8
                                        : f->bits)
                   << 56 |
               (uint64_t)f->group << 40 | (uint64_t)(uint16_t)f->zero << 24 | (uint64_t)f->scale << 16 |
               (uint64_t)f->min << 8 | (f->level == ROMA_LEVEL_TABLE);
        for (unsigned k = 0; k < 4; k++) w[1 + k] = levels_of(f, 4 * k);
    }
    memcpy(w, m->records, m->n * sizeof *m->records);
}

static int finish(const maker *m, const uint8_t base_id[32], roma_rtl_program *out) {
    *out = (roma_rtl_program){.values = (uint32_t)m->p->plan->n_values,
                              .formats = m->n_formats,
                              .records = (uint32_t)m->n,
                              .value_words = m->value_words,
                              .code_words = m->code_words};
    out->words = HEADER + out->values + FORMAT * (size_t)out->formats + RECORD * m->n;
    out->word = roma_alloc_array(out->words, sizeof *out->word);
    if (!out->word) return roma_fail(m->err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the chip's program");
    write_words(m, base_id, out);
    return ROMA_OK;
}

int roma_rtl_program_make(roma_rtl_program *out, const roma_placement *p, uint32_t rows, const uint8_t base_id[32],
                          roma_error *err) {
    maker m = {.p = p, .err = err};
    m.records = roma_alloc_array(p->plan->n_ops + 3, sizeof *m.records);
    m.address = roma_alloc_array(p->plan->n_values + 1, sizeof *m.address);
    m.scales = roma_alloc_array(p->plan->desc->n_tensors + 1, sizeof *m.scales);
    int rc = m.records && m.address && m.scales
                 ? place_values(&m, rows)
                 : roma_fail(err, ROMA_ENOMEM, "", ROMA_NOWHERE, "no memory for the chip's program");
    if (!rc) {
        place_scales(&m);
        rc = make_records(&m);
    }
    if (!rc) {
        roll(&m);
        m.records[m.n++] = (record){{(uint64_t)END << 59}};
        rc = finish(&m, base_id, out);
    }
    roma_free(m.records);
    roma_free(m.address);
    roma_free(m.scales);
    return rc;
}

void roma_rtl_program_destroy(roma_rtl_program *p) {
    roma_free(p->word);
    *p = (roma_rtl_program){0};
}
