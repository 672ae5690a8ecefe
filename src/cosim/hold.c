/* An instance is held against the model: sentences for differences, cycles of each unit, and its end. */
#include "internal.h"

#include <string.h>

/* ---- what there is ---- */

cosim_instance *roma_cosim_find(cosim *s, uint64_t op, uint64_t block, uint32_t part) {
    if (op >= s->plan->n_ops || block >= s->blocks_max) return NULL;
    cosim_instance *x = &s->instance[(op * s->blocks_max + block) * COSIM_PARTS + part];
    return x->rows ? x : NULL;
}

cosim_value *roma_cosim_value(cosim *s, const cosim_instance *x) { return &s->value[x->op * COSIM_PARTS + x->part]; }

uint64_t *roma_cosim_reads(cosim *s, const cosim_instance *x, size_t tile) {
    return s->seen_read + 2 * ((size_t)(x - s->instance) * (s->units + s->vectors) + tile);
}

/* ---- words for a reader ---- */

static const char *unit_word(char kind) {
    switch (kind) {
    case 'V':
    case 'C':
    case 'Y': return "vector unit";
    case 'P':
    case 'A':
    case 'D':
    case 'U': return "H-Unit of matrix unit";
    default: return "matrix unit";
    }
}

void roma_cosim_words(const cosim *s, const cosim_instance *x, roma_buf *b) {
    const roma_op *op = &s->plan->ops[x->op];
    const bool is_up = x->part >= COSIM_UP;
    const char *name = x->part == COSIM_BASE ? roma_op_name(op->kind) : is_up ? "up of linear" : "down of linear";
    roma_buf_print(b, "step %u, operation %u (%s", s->step, x->op, name);
    if (op->tensor != ROMA_NO_TENSOR)
        roma_buf_print(b, " %s", roma_tensor_role_name(s->plan->desc->tensors[op->tensor].role));
    if (op->layer != UINT32_MAX) roma_buf_print(b, ", layer %u", op->layer);
    if (x->part) roma_buf_print(b, ", adapter %u", x->part - (is_up ? COSIM_UP : COSIM_DOWN));
    if (s->blocks > 1) roma_buf_print(b, ", block %u", x->block);
    roma_buf_print(b, ")");
}

void roma_cosim_stray(cosim *s, const char *what, uint64_t number, uint64_t block, uint64_t unit, uint64_t cycle) {
    roma_buf b = {0};
    roma_buf_print(&b, "step %u: %s of operation %llu, block %llu, unit %llu in cycle %llu, which has none there",
                   s->step, what, (unsigned long long)number, (unsigned long long)block, (unsigned long long)unit,
                   (unsigned long long)cycle);
    roma_cosim_say(s, NULL, &b);
    s->report->mismatches++;
}

void roma_cosim_differs(cosim *s, cosim_instance *x, char kind, size_t unit, uint32_t row, size_t element,
                        const char *what, uint64_t rtl, uint64_t want) {
    const int digits = strchr("VLUY", kind) ? 8 : kind == 'D' ? 4 : 2;
    roma_buf b = {0};
    roma_cosim_words(s, x, &b);
    roma_buf_print(&b, ": ");
    const bool is_late = s->cycle >= x->model.end;
    if (is_late ? roma_cosim_missing(s, x, false, &b) : roma_cosim_idle(s, x, &b)) roma_buf_print(&b, "; ");
    if (kind == 'V')
        roma_cosim_maker(s, x, row, element, (uint32_t)unit, &b);
    else
        roma_buf_print(&b, "%s %zu", unit_word(kind), unit);
    roma_buf_print(&b, ", row %u, %s %zu: %0*llX in cycle %llu, the engine has %0*llX (the model ends in %llu)", row,
                   what, element, digits, (unsigned long long)rtl, (unsigned long long)s->cycle, digits,
                   (unsigned long long)want, (unsigned long long)x->model.end);
    s->report->mismatches += x->done && !x->differs; /* it retired without */
    roma_cosim_say(s, x, &b);
    if (!x->done && !s->config->all) roma_cosim_retire(s, x);
}

/* ---- cycles ---- */

void roma_cosim_hold(cosim *s, cosim_instance *x, const char *what, char kind, size_t unit, uint64_t rtl,
                     uint64_t model) {
    if (rtl == model) return;
    roma_buf b = {0};
    roma_cosim_words(s, x, &b);
    roma_buf_print(&b, ": %s of %s %zu in cycle %llu, in the model %llu", what, unit_word(kind), unit,
                   (unsigned long long)rtl, (unsigned long long)model);
    roma_cosim_say(s, x, &b);
}

static void reads_nothing(cosim *s, cosim_instance *x, char kind, size_t unit) {
    roma_buf b = {0};
    roma_cosim_words(s, x, &b);
    roma_buf_print(&b, ": %s %zu reads nothing, in the model from cycle %llu on", unit_word(kind), unit,
                   (unsigned long long)x->model.start);
    roma_cosim_say(s, x, &b);
}

/* How the units of an instance are held: all of a kind, each by itself; or the first of all and the last of all. */
typedef struct {
    char all; /* who reads, when every one of the kind does; 0: some */
    bool together;
    char first, last; /* together: who reads first, and last */
    char writer;
} holding;

/* H-Units have unlike parts of attentions, and rows of the embedding lie in several units. */
static holding holding_of(const cosim *s, const cosim_instance *x) {
    const roma_op *op = &s->plan->ops[x->op];
    if (x->part != COSIM_BASE) return (holding){.all = 'A', .writer = x->part < COSIM_UP ? 'D' : 'Y'};
    const char writer = roma_op_about(op->kind)->out == ROMA_DATA_CODES ? 'L' : op->out == ROMA_NO_VALUE ? 'P' : 'V';
    if (op->kind == ROMA_OP_EMBED) return (holding){.together = true, .first = 'L', .last = 'L', .writer = writer};
    if (op->unit == ROMA_UNIT_H) return (holding){.together = true, .first = 'V', .last = 'P', .writer = writer};
    return (holding){.all = op->unit == ROMA_UNIT_V ? 'V' : 'L', .writer = writer};
}

void roma_cosim_check_times(cosim *s, cosim_instance *x, size_t last_writer) {
    const holding h = holding_of(s, x);
    uint64_t busy = 0;
    for (size_t t = 0; t < (size_t)s->units + s->vectors; t++) {
        const uint64_t *r = roma_cosim_reads(s, x, t);
        const char kind = t >= s->units ? 'V' : h.all == 'A' ? 'A' : 'L';
        const size_t unit = t < s->units ? t : t - s->units;
        if (r[0] == UINT64_MAX) {
            if (kind == h.all) reads_nothing(s, x, kind, unit);
            continue;
        }
        if (!h.together) roma_cosim_hold(s, x, "start", kind, unit, r[0], x->model.start);
        if (!h.together) roma_cosim_hold(s, x, "busy", kind, unit, r[1], x->model.busy);
        if (r[0] < x->rtl.start) x->rtl.start = r[0];
        if (r[1] > busy) busy = r[1];
    }
    x->rtl.busy = busy;
    if (h.together || x->rtl.start == UINT64_MAX) {
        roma_cosim_hold(s, x, "start", h.together ? h.first : h.all, 0, x->rtl.start, x->model.start);
        roma_cosim_hold(s, x, "busy", h.together ? h.last : h.all, 0, busy, x->model.busy);
    }
    roma_cosim_hold(s, x, "end, a write,", h.writer, last_writer, x->rtl.end, x->model.end);
}

/* ---- the end of an instance ---- */

/* Kinds that wait inside for a reduction, or for what they made themselves (docs/cost-model.md 1.7, 1.9): between their
 * start and their last read lie cycles that are no padding. */
static bool waits(roma_op_kind kind) {
    return kind == ROMA_OP_NORM || kind == ROMA_OP_QUANTISE || kind == ROMA_OP_HEAD_NORM || kind == ROMA_OP_ATTEND;
}

void roma_cosim_retire(cosim *s, cosim_instance *x) {
    const cosim_value *v = roma_cosim_value(s, x);
    const roma_op_kind kind = s->plan->ops[x->op].kind;
    const bool is_up = x->part >= COSIM_UP;
    roma_cosim_sum *sum = &s->report->of[x->part == COSIM_BASE ? (int)kind : is_up ? ROMA_COSIM_UPS : ROMA_COSIM_DOWNS];
    x->done = true;
    x->rtl.crc = roma_crc32c(0, v->got + x->row * v->row_bytes, x->rows * v->row_bytes);
    s->report->mismatches += x->differs;
    sum->instances++;
    sum->cycles_model += x->model.end - x->model.start;
    if (x->rtl.start != UINT64_MAX && x->rtl.end != UINT64_MAX && x->rtl.end > x->rtl.start)
        sum->cycles_rtl += x->rtl.end - x->rtl.start;
    if (x->rtl.end != UINT64_MAX && x->rtl.end > s->end) s->end = x->rtl.end;
    if (!waits(kind) && x->rtl.busy > x->rtl.start + x->reads)
        sum->padding_cyc += x->rtl.busy - x->rtl.start - x->reads;
    const roma_cosim_record r = {
        .step = s->step,
        .order = x->order,
        .op = x->op,
        .block = x->block,
        .part = x->part == COSIM_BASE ? ROMA_PART_BASE
                : is_up               ? ROMA_PART_UP
                                      : ROMA_PART_DOWN,
        .place = x->part == COSIM_BASE ? 0 : x->part - (is_up ? COSIM_UP : COSIM_DOWN),
        .reads = x->reads,
        .rtl = x->rtl,
        .model = x->model,
        .differs = x->differs,
        .difference = x->first,
    };
    if (s->record) s->record(s->ctx, &r);
}

void roma_cosim_piece(cosim *s, cosim_instance *x, size_t writer, bool ends) {
    if (ends && s->cycle + 1 > x->rtl.end) x->rtl.end = s->cycle + 1;
    if (!x->left || --x->left || x->done) return;
    roma_cosim_check_times(s, x, writer);
    roma_cosim_retire(s, x);
}
