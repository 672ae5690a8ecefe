/* Pieces of the results of operations, line by line (rtl/cosim), held against the engine's. */
#include "internal.h"

/* W cycle unit number block address lane bits */
void roma_cosim_write(cosim *s, const uint64_t *f) {
    cosim_instance *x = roma_cosim_find(s, f[2], f[3], COSIM_BASE);
    const roma_op *op = x ? &s->plan->ops[x->op] : NULL;
    if (!x || op->out == ROMA_NO_VALUE || s->value[x->op * COSIM_PARTS].is_codes || f[4] < s->address[op->out]) {
        roma_cosim_stray(s, "a write", f[2], f[3], f[1], f[0]);
        return;
    }
    cosim_value *v = roma_cosim_value(s, x);
    const uint64_t at = f[4] - s->address[op->out], row = at / s->stride[op->out];
    const uint64_t element = (at % s->stride[op->out] * s->vectors + f[1]) * s->lanes + f[5];
    if (row < x->row || row >= x->row + x->rows || element >= v->width) {
        roma_cosim_stray(s, "a write beyond the value", f[2], f[3], f[1], f[0]);
        return;
    }
    const size_t place = row * v->row_bytes + 4 * element;
    const uint32_t want = roma_le32(v->want + place);
    roma_put32(v->got + place, (uint32_t)f[6]);
    if (want != (uint32_t)f[6]) roma_cosim_differs(s, x, 'V', f[1], (uint32_t)row, element, "element", f[6], want);
    if (v->seen[place]) return;
    v->seen[place] = 1;
    roma_cosim_piece(s, x, f[1], true);
}

/* C cycle unit number block address group shift codes */
void roma_cosim_codes(cosim *s, const uint64_t *f) {
    cosim_instance *x = roma_cosim_find(s, f[2], f[3], COSIM_BASE);
    const roma_op *op = x ? &s->plan->ops[x->op] : NULL;
    if (!x || op->out == ROMA_NO_VALUE || !s->value[x->op * COSIM_PARTS].is_codes || f[4] < s->address[op->out]) {
        roma_cosim_stray(s, "codes", f[2], f[3], f[1], f[0]);
        return;
    }
    cosim_value *v = roma_cosim_value(s, x);
    const uint64_t at = f[4] - s->address[op->out];
    const uint64_t group = (at % s->stride[op->out] * s->vectors + f[1]) * (s->lanes / 8) + f[5];
    const uint64_t row = op->last_rows_only ? at / s->stride[op->out] - (s->rows - 1) : at / s->stride[op->out];
    if (group >= v->width / 8) return; /* lanes behind the row's end */
    if (row < x->row || row >= x->row + x->rows) {
        roma_cosim_stray(s, "codes of a row", f[2], f[3], f[1], f[0]);
        return;
    }
    uint8_t *got = v->got + row * v->row_bytes;
    const uint8_t *want = v->want + row * v->row_bytes;
    for (size_t i = 0; i < 8; i++) {
        const size_t e = 8 * group + i;
        got[e] = (uint8_t)(f[7] >> 8 * i);
        if (got[e] != want[e]) roma_cosim_differs(s, x, 'C', f[1], (uint32_t)row, e, "code", got[e], want[e]);
    }
    got[v->width + group] = (uint8_t)f[6];
    if (f[6] != want[v->width + group])
        roma_cosim_differs(s, x, 'C', f[1], (uint32_t)row, group, "shift", f[6], want[v->width + group]);
    roma_cosim_piece(s, x, f[1], false);
}

/* The instance and row of the k-th scale of a step: scales come in the order of the plan, block by block, row by row.
 */
static cosim_instance *of_scale(cosim *s, uint32_t k, uint32_t *row) {
    for (size_t op = 0; op < s->plan->n_ops; op++)
        for (uint32_t b = 0;
             s->value[op * COSIM_PARTS].is_codes && s->plan->ops[op].out != ROMA_NO_VALUE && b < s->blocks_max; b++) {
            cosim_instance *x = &s->instance[(op * s->blocks_max + b) * COSIM_PARTS];
            *row = x->row + k;
            if (k < x->rows) return x;
            k -= x->rows;
        }
    return NULL;
}

/* S cycle unit row bits */
void roma_cosim_scale(cosim *s, const uint64_t *f) {
    uint32_t row;
    cosim_instance *x = f[1] < s->units ? of_scale(s, s->scales[f[1]]++, &row) : NULL;
    const uint32_t step_row = x && s->plan->ops[x->op].last_rows_only ? s->rows - 1 : row;
    if (!x || f[2] != step_row) {
        roma_cosim_stray(s, "a scale", x ? x->op : 0, x ? x->block : 0, f[1], f[0]);
        return;
    }
    cosim_value *v = roma_cosim_value(s, x);
    const size_t at = row * v->row_bytes + v->width + v->width / 8;
    const uint32_t want = roma_le32(v->want + at);
    roma_put32(v->got + at, (uint32_t)f[3]);
    if (want != (uint32_t)f[3]) roma_cosim_differs(s, x, 'L', f[1], row, 0, "scale", f[3], want);
    /* The codes' end is the operation's; the scale has a cycle of its own in the law, which LINEARs' starts show. */
    roma_cosim_piece(s, x, f[1], false);
}

/* E cycle unit: the last codes of an operation and block have come. They come in the order of the plan. */
void roma_cosim_codes_end(cosim *s, const uint64_t *f) {
    uint32_t k = f[1] < s->units ? s->ends[f[1]]++ : UINT32_MAX;
    for (size_t i = 0; i < s->plan->n_ops * s->blocks_max; i++) {
        cosim_instance *x = &s->instance[i * COSIM_PARTS];
        if (!x->rows || !s->value[x->op * COSIM_PARTS].is_codes || s->plan->ops[x->op].out == ROMA_NO_VALUE || k--)
            continue;
        roma_cosim_piece(s, x, f[1], true);
        return;
    }
    roma_cosim_stray(s, "an end of codes", 0, 0, f[1], f[0]);
}

/* K cycle unit address part bits: eight bytes of a page (docs/placement.md). The address says whose they are. */
void roma_cosim_page(cosim *s, const uint64_t *f) {
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
    cosim_instance *x = row < s->rows ? roma_cosim_find(s, op, row / s->block_rows, COSIM_BASE) : NULL;
    if (!x || head >= h->kv_heads) {
        roma_cosim_stray(s, "a write of a page", op, row / s->block_rows, f[1], f[0]);
        return;
    }
    cosim_value *v = &s->value[op * COSIM_PARTS];
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
            roma_cosim_differs(s, x, 'P', f[1], (uint32_t)row, is_pair ? head : in_head,
                               is_pair ? "byte of the scales of head" : "code", bytes[i], want);
    }
    roma_cosim_piece(s, x, f[1], true);
}

static cosim_instance *head(cosim *s) {
    const size_t op = s->plan->n_ops - 1;
    return roma_cosim_find(s, op, s->blocks - 1, COSIM_BASE);
}

/* L cycle unit id bits */
void roma_cosim_logit(cosim *s, const uint64_t *f) {
    cosim_instance *x = head(s);
    cosim_value *v = &s->value[(s->plan->n_ops - 1) * COSIM_PARTS];
    if (!x || f[2] >= v->width) {
        roma_cosim_stray(s, "a logit", s->plan->n_ops - 1, 0, f[1], f[0]);
        return;
    }
    const uint32_t want = roma_le32(v->want + 4 * f[2]);
    roma_put32(v->got + 4 * f[2], (uint32_t)f[3]);
    if (want != (uint32_t)f[3]) roma_cosim_differs(s, x, 'L', f[1], s->rows - 1, f[2], "logit", f[3], want);
    if (!v->seen[4 * f[2]] && x->left) x->left--;
    v->seen[4 * f[2]] = 1;
}

/* B cycle: the largest logit is known. */
void roma_cosim_best(cosim *s, const uint64_t *f) {
    cosim_instance *x = head(s);
    if (!x || x->done) return;
    x->rtl.end = f[0] + 1;
    if (x->left) {
        roma_buf b = {0};
        roma_cosim_words(s, x, &b);
        roma_buf_print(&b, ": the choice is made in cycle %llu with %llu logits missing", (unsigned long long)f[0],
                       (unsigned long long)x->left);
        roma_cosim_say(s, x, &b);
    }
    roma_cosim_check_times(s, x, 0);
    roma_cosim_retire(s, x);
}

/* T cycle data */
void roma_cosim_token(cosim *s, const uint64_t *f) {
    s->token_came = true;
    if (!s->logits || (f[1] & 0xffffff) == (uint32_t)s->token) return;
    roma_buf b = {0};
    roma_buf_print(&b, "step %u: the chip's token is %llu in cycle %llu, the engine's %d", s->step,
                   (unsigned long long)(f[1] & 0xffffff), (unsigned long long)f[0], s->token);
    roma_cosim_say(s, NULL, &b);
    s->report->mismatches++;
}
