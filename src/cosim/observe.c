/* What the bench saw (the lines of rtl/cosim), taken piece by piece and held against engine and model. */
#include "internal.h"

#include <string.h>

enum { FIELDS = 8 };

/* ---- words for a reader ---- */

static const char *unit_word(char kind) {
    return kind == 'V' || kind == 'C' ? "vector unit" : kind == 'P' ? "H-Unit of matrix unit" : "matrix unit";
}

/* "operation 3 LINEAR q of layer 0" and, of several blocks, which. */
static void op_words(const cosim *s, const cosim_instance *x, roma_buf *b) {
    const roma_op *op = &s->plan->ops[x->op];
    roma_buf_print(b, "step %u, operation %u (%s", s->step, x->op, roma_op_name(op->kind));
    if (op->tensor != ROMA_NO_TENSOR)
        roma_buf_print(b, " %s", roma_tensor_role_name(s->plan->desc->tensors[op->tensor].role));
    if (op->layer != UINT32_MAX) roma_buf_print(b, ", layer %u", op->layer);
    if (s->blocks > 1) roma_buf_print(b, ", block %u", x->block);
    roma_buf_print(b, ")");
}

/* Keeps the first sentence of all, and of an operation. */
static void say(cosim *s, cosim_instance *x, roma_buf *b) {
    if (!s->report->first[0] && !b->failed)
        roma_print(s->report->first, sizeof s->report->first, "%.*s", (int)b->len, (const char *)b->data);
    if (x && !x->first[0]) roma_print(x->first, sizeof x->first, "%.*s", (int)b->len, (const char *)b->data);
    if (x) x->differs = true;
    roma_buf_destroy(b);
}

/* ---- the end of an instance ---- */

/* Kinds that wait inside for a reduction, or for what they made themselves (docs/cost-model.md 1.7, 1.9): between their
 * start and their last read lie cycles that are no padding. */
static bool waits(roma_op_kind kind) {
    return kind == ROMA_OP_NORM || kind == ROMA_OP_QUANTISE || kind == ROMA_OP_HEAD_NORM || kind == ROMA_OP_ATTEND;
}

static void retire(cosim *s, cosim_instance *x) {
    const cosim_value *v = &s->value[x->op];
    roma_cosim_sum *sum = &s->report->of[s->plan->ops[x->op].kind];
    x->done = true;
    x->rtl.crc = roma_crc32c(0, v->got + x->row * v->row_bytes, x->rows * v->row_bytes);
    s->report->mismatches += x->differs;
    sum->instances++;
    sum->cycles_model += x->model.end - x->model.start;
    if (x->rtl.start != UINT64_MAX && x->rtl.end != UINT64_MAX && x->rtl.end > x->rtl.start)
        sum->cycles_rtl += x->rtl.end - x->rtl.start;
    if (x->rtl.end != UINT64_MAX && x->rtl.end > s->end) s->end = x->rtl.end;
    if (!waits(s->plan->ops[x->op].kind) && x->rtl.busy > x->rtl.start + x->reads)
        sum->padding_cyc += x->rtl.busy - x->rtl.start - x->reads;
    const roma_cosim_record r = {s->step, x->order, x->op, x->block, x->reads, x->rtl, x->model, x->differs, x->first};
    if (s->record) s->record(s->ctx, &r);
}

static cosim_instance *find(cosim *s, uint64_t number, uint64_t block) {
    if (number >= s->plan->n_ops || block >= s->blocks_max) return NULL;
    cosim_instance *x = &s->instance[number * s->blocks_max + block];
    return x->rows ? x : NULL;
}

static uint64_t *reads_of(cosim *s, const cosim_instance *x, size_t tile) {
    const size_t at = (size_t)(x - s->instance) * (s->units + s->vectors) + tile;
    return s->seen_read + 2 * at;
}

static void hold_time(cosim *s, cosim_instance *x, const char *what, char kind, size_t unit, uint64_t rtl,
                      uint64_t model) {
    if (rtl == model) return;
    roma_buf b = {0};
    op_words(s, x, &b);
    roma_buf_print(&b, ": %s of %s %zu in cycle %llu, in the model %llu", what, unit_word(kind), unit,
                   (unsigned long long)rtl, (unsigned long long)model);
    say(s, x, &b);
}

static void reads_nothing(cosim *s, cosim_instance *x, char kind, size_t unit) {
    roma_buf b = {0};
    op_words(s, x, &b);
    roma_buf_print(&b, ": %s %zu reads nothing, in the model from cycle %llu on", unit_word(kind), unit,
                   (unsigned long long)x->model.start);
    say(s, x, &b);
}

/* Every unit that took part began and ended its reads where the model says; with H-Units, whose parts differ, and the
 * embedding, whose rows lie in several units, the first of all and the last of all. */
static void check_times(cosim *s, cosim_instance *x, size_t last_writer) {
    const bool is_h = s->plan->ops[x->op].unit == ROMA_UNIT_H, is_embed = s->plan->ops[x->op].kind == ROMA_OP_EMBED;
    const char all = s->plan->ops[x->op].unit == ROMA_UNIT_V      ? 'V'
                     : s->plan->ops[x->op].kind == ROMA_OP_LINEAR ? 'L'
                                                                  : 0; /* all units of which kind take part */
    uint64_t busy = 0;
    for (size_t t = 0; t < (size_t)s->units + s->vectors; t++) {
        const uint64_t *r = reads_of(s, x, t);
        const char kind = t < s->units ? 'L' : 'V';
        const size_t unit = t < s->units ? t : t - s->units;
        if (r[0] == UINT64_MAX) {
            if (kind == all) reads_nothing(s, x, kind, unit);
            continue;
        }
        if (!is_h && !is_embed) hold_time(s, x, "start", kind, unit, r[0], x->model.start);
        if (!is_h && !is_embed) hold_time(s, x, "busy", kind, unit, r[1], x->model.busy);
        if (r[0] < x->rtl.start) x->rtl.start = r[0];
        if (r[1] > busy) busy = r[1];
    }
    x->rtl.busy = busy;
    if (is_h || is_embed || x->rtl.start == UINT64_MAX) {
        hold_time(s, x, "start", is_embed ? 'L' : 'V', 0, x->rtl.start, x->model.start);
        hold_time(s, x, "busy", is_embed ? 'L' : 'P', 0, busy, x->model.busy);
    }
    hold_time(s, x, "end, a write,", s->value[x->op].is_codes ? 'L' : 'V', last_writer, x->rtl.end, x->model.end);
}

static void piece(cosim *s, cosim_instance *x, size_t writer, uint64_t cycle) {
    if (cycle + 1 > x->rtl.end) x->rtl.end = cycle + 1;
    if (x->left && --x->left == 0 && !x->done) {
        check_times(s, x, writer);
        retire(s, x);
    }
}

static void value_differs(cosim *s, cosim_instance *x, char kind, size_t unit, uint32_t row, size_t element,
                          const char *what, uint64_t rtl, uint64_t want, uint64_t cycle) {
    roma_buf b = {0};
    op_words(s, x, &b);
    roma_buf_print(&b, ": %s %zu, row %u, %s %zu: %0*llX in cycle %llu, the engine has %0*llX (the model ends in %llu)",
                   unit_word(kind), unit, row, what, element, (kind == 'V' || kind == 'L') ? 8 : 2,
                   (unsigned long long)rtl, (unsigned long long)cycle, (kind == 'V' || kind == 'L') ? 8 : 2,
                   (unsigned long long)want, (unsigned long long)x->model.end);
    say(s, x, &b);
    if (!x->done && !s->config->all) retire(s, x);
}

/* ---- lines ---- */

static int is_none(roma_error *err) {
    return roma_fail(err, ROMA_EINTERNAL, "", ROMA_NOWHERE, "the simulation says what no probe says");
}

static void stray(cosim *s, const char *what, uint64_t number, uint64_t block, uint64_t unit, uint64_t cycle) {
    roma_buf b = {0};
    roma_buf_print(&b, "step %u: %s of operation %llu, block %llu, unit %llu in cycle %llu, which has none there",
                   s->step, what, (unsigned long long)number, (unsigned long long)block, (unsigned long long)unit,
                   (unsigned long long)cycle);
    say(s, NULL, &b);
    s->report->mismatches++;
}

/* R cycle kind unit number block from */
static void take_reads(cosim *s, char kind, const uint64_t *f) {
    cosim_instance *x = find(s, f[2], f[3]);
    if (!x) {
        stray(s, "a read", f[2], f[3], f[1], f[0]);
        return;
    }
    uint64_t *r = reads_of(s, x, (size_t)f[1] + (kind == 'V' || kind == 'S' ? s->units : 0));
    if (r[0] == UINT64_MAX) r[0] = f[4], r[1] = 0;
    if (f[0] > r[1]) r[1] = f[0];
    if (f[1] == 0 || s->plan->ops[x->op].kind == ROMA_OP_EMBED) x->reads += f[0] - f[4];
}

/* W cycle unit number block address lane bits */
static void take_write(cosim *s, const uint64_t *f) {
    cosim_instance *x = find(s, f[2], f[3]);
    const roma_op *op = x ? &s->plan->ops[x->op] : NULL;
    if (!x || op->out == ROMA_NO_VALUE || s->value[x->op].is_codes || f[4] < s->address[op->out]) {
        stray(s, "a write", f[2], f[3], f[1], f[0]);
        return;
    }
    cosim_value *v = &s->value[x->op];
    const uint64_t at = f[4] - s->address[op->out], row = at / s->stride[op->out];
    const uint64_t element = (at % s->stride[op->out] * s->vectors + f[1]) * s->lanes + f[5];
    if (row < x->row || row >= x->row + x->rows || element >= v->width) {
        stray(s, "a write beyond the value", f[2], f[3], f[1], f[0]);
        return;
    }
    const size_t place = row * v->row_bytes + 4 * element;
    const uint32_t want = roma_le32(v->want + place);
    roma_put32(v->got + place, (uint32_t)f[6]);
    if (want != (uint32_t)f[6]) value_differs(s, x, 'V', f[1], (uint32_t)row, element, "element", f[6], want, f[0]);
    if (v->seen[place]) return;
    v->seen[place] = 1;
    piece(s, x, f[1], f[0]);
}

/* A piece that says nothing of the operation's end: codes are written on the way to matrix units. */
static void part_of_codes(cosim *s, cosim_instance *x, size_t unit) {
    if (!x->left || --x->left || x->done) return;
    check_times(s, x, unit);
    retire(s, x);
}

/* C cycle unit number block address group shift codes */
static void take_codes(cosim *s, const uint64_t *f) {
    cosim_instance *x = find(s, f[2], f[3]);
    const roma_op *op = x ? &s->plan->ops[x->op] : NULL;
    if (!x || op->out == ROMA_NO_VALUE || !s->value[x->op].is_codes || f[4] < s->address[op->out]) {
        stray(s, "codes", f[2], f[3], f[1], f[0]);
        return;
    }
    cosim_value *v = &s->value[x->op];
    const uint64_t at = f[4] - s->address[op->out];
    const uint64_t group = (at % s->stride[op->out] * s->vectors + f[1]) * (s->lanes / 8) + f[5];
    const uint64_t row = op->last_rows_only ? at / s->stride[op->out] - (s->rows - 1) : at / s->stride[op->out];
    if (group >= v->width / 8) return; /* lanes behind the row's end */
    if (row < x->row || row >= x->row + x->rows) {
        stray(s, "codes of a row", f[2], f[3], f[1], f[0]);
        return;
    }
    uint8_t *got = v->got + row * v->row_bytes;
    const uint8_t *want = v->want + row * v->row_bytes;
    for (size_t i = 0; i < 8; i++) {
        const size_t e = 8 * group + i;
        got[e] = (uint8_t)(f[7] >> 8 * i);
        if (got[e] != want[e]) value_differs(s, x, 'C', f[1], (uint32_t)row, e, "code", got[e], want[e], f[0]);
    }
    got[v->width + group] = (uint8_t)f[6];
    if (f[6] != want[v->width + group])
        value_differs(s, x, 'C', f[1], (uint32_t)row, group, "shift", f[6], want[v->width + group], f[0]);
    part_of_codes(s, x, f[1]);
}

/* The instance and row of the k-th scale of a step: scales come in the order of the plan, block by block, row by row.
 */
static cosim_instance *of_scale(cosim *s, uint32_t k, uint32_t *row) {
    for (size_t op = 0; op < s->plan->n_ops; op++)
        for (uint32_t b = 0; s->value[op].is_codes && s->plan->ops[op].out != ROMA_NO_VALUE && b < s->blocks_max; b++) {
            cosim_instance *x = &s->instance[op * s->blocks_max + b];
            *row = x->row + k;
            if (k < x->rows) return x;
            k -= x->rows;
        }
    return NULL;
}

/* S cycle unit row bits */
static void take_scale(cosim *s, const uint64_t *f) {
    uint32_t row;
    cosim_instance *x = f[1] < s->units ? of_scale(s, s->scales[f[1]]++, &row) : NULL;
    const uint32_t step_row = x && s->plan->ops[x->op].last_rows_only ? s->rows - 1 : row;
    if (!x || f[2] != step_row) {
        stray(s, "a scale", x ? x->op : 0, x ? x->block : 0, f[1], f[0]);
        return;
    }
    cosim_value *v = &s->value[x->op];
    const size_t at = row * v->row_bytes + v->width + v->width / 8;
    const uint32_t want = roma_le32(v->want + at);
    roma_put32(v->got + at, (uint32_t)f[3]);
    if (want != (uint32_t)f[3]) value_differs(s, x, 'L', f[1], row, 0, "scale", f[3], want, f[0]);
    /* The codes' end is the operation's; the scale has a cycle of its own in the law, which LINEARs' starts show. */
    part_of_codes(s, x, f[1]);
}

/* E cycle unit: the last codes of an operation and block have come. They come in the order of the plan. */
static void take_codes_end(cosim *s, const uint64_t *f) {
    uint32_t k = f[1] < s->units ? s->ends[f[1]]++ : UINT32_MAX;
    for (size_t i = 0; i < s->plan->n_ops * s->blocks_max; i++) {
        cosim_instance *x = &s->instance[i];
        if (!x->rows || !s->value[x->op].is_codes || s->plan->ops[x->op].out == ROMA_NO_VALUE || k--) continue;
        piece(s, x, f[1], f[0]);
        return;
    }
    stray(s, "an end of codes", 0, 0, f[1], f[0]);
}

/* K cycle unit address part bits: eight bytes of a page (docs/placement.md). The address says whose they are. */
static void take_page(cosim *s, const uint64_t *f) {
    const roma_hyper *h = &s->plan->desc->hyper;
    const roma_chip *chip = &s->config->place->chip;
    const uint32_t wide = (uint32_t)chip->hunit_bandwidth, key = h->head_dim / wide, pairs = wide / 8;
    const uint32_t page_words = 64 * key + 32 / pairs, units = s->units / h->kv_heads, layers = h->layers;
    const uint64_t slot = f[2] / page_words, word = f[2] % page_words;
    const uint32_t layer = (uint32_t)(slot % layers), head = (uint32_t)f[1] / units, own = (uint32_t)f[1] % units;
    const uint32_t turned = layer * units / layers % units;
    const uint64_t page = slot / layers * units + (own + units - turned) % units;
    const bool is_pair = word >= 64 * key;
    const uint64_t place = is_pair ? (word - 64 * key) * pairs + f[3] : word % (32 * key) / key;
    const uint64_t row = page * 32 + place - s->position;
    size_t op = 0;
    while (op < s->plan->n_ops && (s->plan->ops[op].kind != ROMA_OP_CACHE || s->plan->ops[op].layer != layer)) op++;
    cosim_instance *x = row < s->rows ? find(s, op, row / s->block_rows) : NULL;
    if (!x || head >= h->kv_heads) {
        stray(s, "a write of a page", op, row / s->block_rows, f[1], f[0]);
        return;
    }
    cosim_value *v = &s->value[op];
    uint8_t *got = v->got + row * v->row_bytes, bytes[8];
    const size_t half = v->row_bytes / 2, width = (size_t)h->kv_heads * h->head_dim;
    roma_put64(bytes, f[4]);
    for (size_t i = 0; i < 8; i++) {
        const size_t in_head = word % (32 * key) % key * wide + 8 * f[3] + i;
        const size_t at = is_pair ? (i >= 4) * half + width + 4 * head + i % 4
                                  : (word >= 32 * key) * half + (size_t)head * h->head_dim + in_head;
        const uint8_t want = v->want[row * v->row_bytes + at];
        got[at] = bytes[i];
        if (want != bytes[i])
            value_differs(s, x, 'P', f[1], (uint32_t)row, is_pair ? head : in_head,
                          is_pair ? "byte of the scales of head" : "code", bytes[i], want, f[0]);
    }
    piece(s, x, f[1], f[0]);
}

static cosim_instance *head(cosim *s) {
    const size_t op = s->plan->n_ops - 1;
    return find(s, op, s->blocks - 1);
}

/* L cycle unit id bits */
static void take_logit(cosim *s, const uint64_t *f) {
    cosim_instance *x = head(s);
    cosim_value *v = &s->value[s->plan->n_ops - 1];
    if (!x || f[2] >= v->width) {
        stray(s, "a logit", s->plan->n_ops - 1, 0, f[1], f[0]);
        return;
    }
    const uint32_t want = roma_le32(v->want + 4 * f[2]);
    roma_put32(v->got + 4 * f[2], (uint32_t)f[3]);
    if (want != (uint32_t)f[3]) value_differs(s, x, 'L', f[1], s->rows - 1, f[2], "logit", f[3], want, f[0]);
    if (!v->seen[4 * f[2]] && x->left) x->left--;
    v->seen[4 * f[2]] = 1;
}

/* B cycle: the largest logit is known. */
static void take_best(cosim *s, const uint64_t *f) {
    cosim_instance *x = head(s);
    if (!x || x->done) return;
    x->rtl.end = f[0] + 1;
    if (x->left) {
        roma_buf b = {0};
        op_words(s, x, &b);
        roma_buf_print(&b, ": the choice is made in cycle %llu with %llu logits missing", (unsigned long long)f[0],
                       (unsigned long long)x->left);
        say(s, x, &b);
    }
    check_times(s, x, 0);
    retire(s, x);
}

/* T cycle data */
static void take_token(cosim *s, const uint64_t *f) {
    s->token_came = true;
    if (!s->logits || (f[1] & 0xffffff) == (uint32_t)s->token) return;
    roma_buf b = {0};
    roma_buf_print(&b, "step %u: the chip's token is %llu in cycle %llu, the engine's %d", s->step,
                   (unsigned long long)(f[1] & 0xffffff), (unsigned long long)f[0], s->token);
    say(s, NULL, &b);
    s->report->mismatches++;
}

/* Hexadecimal fields behind the first letter; a letter that stands alone in second place of an R line is its kind. */
static size_t fields(const char *line, uint64_t out[FIELDS]) {
    size_t n = 0;
    while (*line == ' ' && n < FIELDS) {
        uint64_t v = 0;
        for (line++; *line && *line != ' '; line++) {
            const char c = *line;
            if (c >= '0' && c <= '9')
                v = v << 4 | (uint64_t)(c - '0');
            else if (c >= 'a' && c <= 'f')
                v = v << 4 | (uint64_t)(c - 'a' + 10);
            else
                return 0; /* x and z too: a value that is none */
        }
        out[n++] = v;
    }
    return *line ? 0 : n;
}

int roma_cosim_line(cosim *s, char *line, roma_error *err) {
    uint64_t f[FIELDS];
    char kind = 0;
    if (line[0] == 'R') {
        char *at = strchr(line + 2, ' ');
        if (!at || !at[1] || at[2] != ' ') return is_none(err);
        kind = at[1];
        memmove(at, at + 2, strlen(at + 2) + 1);
    }
    const size_t n = fields(line + 1, f);
    if (n) s->cycle = f[0];
    switch (line[0]) {
    case 'R': return n == 5 ? (take_reads(s, kind, f), ROMA_OK) : is_none(err);
    case 'W': return n == 7 ? (take_write(s, f), ROMA_OK) : is_none(err);
    case 'C': return n == 8 ? (take_codes(s, f), ROMA_OK) : is_none(err);
    case 'E': return n == 2 ? (take_codes_end(s, f), ROMA_OK) : is_none(err);
    case 'K': return n == 5 ? (take_page(s, f), ROMA_OK) : is_none(err);
    case 'S': return n == 4 ? (take_scale(s, f), ROMA_OK) : is_none(err);
    case 'L': return n == 4 ? (take_logit(s, f), ROMA_OK) : is_none(err);
    case 'B': return n == 1 ? (take_best(s, f), ROMA_OK) : is_none(err);
    case 'T': return n == 2 ? (take_token(s, f), ROMA_OK) : is_none(err);
    default: return is_none(err);
    }
}

void roma_cosim_step_end(cosim *s) {
    for (size_t i = 0; i < s->schedule.n; i++) {
        const roma_cost_instance *m = &s->schedule.instances[i];
        cosim_instance *x = m->part == ROMA_PART_BASE ? find(s, m->op, m->block) : NULL;
        if (!x || x->done) continue;
        uint64_t first = UINT64_MAX;
        for (size_t t = 0; t < (size_t)s->units + s->vectors; t++) {
            const uint64_t *r = reads_of(s, x, t);
            if (r[0] < first) first = r[0];
        }
        roma_buf b = {0};
        op_words(s, x, &b);
        if (first == UINT64_MAX)
            roma_buf_print(&b, " never starts, in the model in cycle %llu", (unsigned long long)x->model.start);
        else
            roma_buf_print(
                &b, " starts in cycle %llu (in the model %llu) and never ends: %llu pieces of its result are missing",
                (unsigned long long)first, (unsigned long long)x->model.start, (unsigned long long)x->left);
        say(s, x, &b);
        x->rtl.start = first, x->rtl.end = UINT64_MAX;
        retire(s, x);
        if (!s->config->all) return;
    }
    if (s->logits && !s->token_came && !s->report->mismatches) {
        roma_print(s->report->first, sizeof s->report->first, "step %u: no token comes, the engine's is %d", s->step,
                   s->token);
        s->report->mismatches++;
    }
}
