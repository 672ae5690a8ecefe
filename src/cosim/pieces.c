/* Pieces of the results of operations, line by line (rtl/cosim), held against the engine's. */
#include "internal.h"

/* The element of an operation's value that lies in a lane of its row's addresses. Angles lie beside all elements that
 * they turn: every head of an address has its copy, and pairs that are not rotated have angles that nobody reads. */
static uint64_t element_of(const cosim *s, const roma_op *op, uint64_t element) {
    return op->kind == ROMA_OP_ANGLES ? element % s->plan->desc->hyper.head_dim : element;
}

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
    const uint64_t element = element_of(s, op, (at % s->stride[op->out] * s->vectors + f[1]) * s->lanes + f[5]);
    const bool is_there = row >= x->row && row < x->row + x->rows;
    if (is_there && op->kind == ROMA_OP_ANGLES && element >= v->width) return;
    if (!is_there || element >= v->width) {
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
    v->seen[row * v->row_bytes + 8 * group] = 1;
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
        roma_cosim_hold(s, x, "end of codes", 'L', f[1], f[0] + 1, x->model.end);
        roma_cosim_piece(s, x, f[1], true);
        if (x->differs && !x->done && !s->config->all) roma_cosim_retire(s, x);
        return;
    }
    roma_cosim_stray(s, "an end of codes", 0, 0, f[1], f[0]);
}

/* H-Units write pages operation by operation, block by block. */
static cosim_instance *next_cache(cosim *s) {
    for (size_t i = 0; i < s->plan->n_ops * s->blocks_max; i++) {
        cosim_instance *x = &s->instance[i * COSIM_PARTS];
        if (x->rows && !x->done && s->plan->ops[x->op].kind == ROMA_OP_CACHE) return x;
    }
    return NULL;
}

/* Where eight bytes of a page belong (docs/placement.md). */
typedef struct {
    uint32_t layer, head;
    uint64_t position;
    bool is_pair;   /* of scales; else of a key or a value */
    uint64_t at[8]; /* bytes of the row's result */
} place_in_page;

static place_in_page place_of(const cosim *s, uint64_t unit, uint64_t address, uint64_t part) {
    const roma_hyper *h = &s->plan->desc->hyper;
    const uint32_t wide = (uint32_t)s->config->place->chip.hunit_bandwidth, key = h->head_dim / wide, pairs = wide / 8;
    const uint32_t page_words = 64 * key + 32 / pairs, units = s->units / h->kv_heads, layers = h->layers;
    const uint64_t slot = address / page_words, word = address % page_words;
    place_in_page p = {.layer = (uint32_t)(slot % layers), .head = (uint32_t)unit / units, .is_pair = word >= 64 * key};
    const uint32_t own = (uint32_t)unit % units, turned = p.layer * units / layers % units;
    const uint64_t page = slot / layers * units + (own + units - turned) % units;
    p.position = page * 32 + (p.is_pair ? (word - 64 * key) * pairs + part : word % (32 * key) / key);
    const uint64_t width = (uint64_t)h->kv_heads * h->head_dim, half = width + 4 * h->kv_heads;
    for (uint64_t i = 0; i < 8; i++)
        p.at[i] = p.is_pair ? (i >= 4) * half + width + 4 * p.head + i % 4
                            : (word >= 32 * key) * half + (uint64_t)p.head * h->head_dim +
                                  word % (32 * key) % key * wide + 8 * part + i;
    return p;
}

/* K cycle unit address part bits: eight bytes of a page. The address says whose they are. */
void roma_cosim_page(cosim *s, const uint64_t *f) {
    cosim_instance *x = next_cache(s);
    const place_in_page p = place_of(s, f[1], f[2], f[3]);
    const uint64_t row = p.position - s->position;
    if (!x) {
        roma_cosim_stray(s, "a write of a page", s->plan->n_ops, 0, f[1], f[0]);
        return;
    }
    if (p.layer != s->plan->ops[x->op].layer || row < x->row || row >= x->row + x->rows ||
        p.head >= s->plan->desc->hyper.kv_heads) {
        if (roma_cosim_hangs(s, f[0])) return;
        roma_buf b = {0};
        roma_cosim_words(s, x, &b);
        roma_buf_print(&b, ": H-Unit of matrix unit %llu: a write of a page of layer %u, position %llu, in cycle %llu",
                       (unsigned long long)f[1], p.layer, (unsigned long long)p.position, (unsigned long long)f[0]);
        roma_cosim_say(s, x, &b);
        if (!s->config->all) roma_cosim_retire(s, x);
        return;
    }
    cosim_value *v = roma_cosim_value(s, x);
    uint8_t bytes[8];
    roma_put64(bytes, f[4]);
    for (size_t i = 0; i < 8; i++) {
        const size_t at = row * v->row_bytes + p.at[i];
        v->got[at] = bytes[i], v->seen[at] = 1;
        if (v->want[at] != bytes[i])
            roma_cosim_differs(s, x, 'P', f[1], (uint32_t)row, p.is_pair ? p.head : p.at[i] % (v->row_bytes / 2),
                               p.is_pair ? "byte of the scales of head" : "code", bytes[i], v->want[at]);
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

/* A number that is larger for the logit that docs/numerics.md 5.9 prefers. */
static uint32_t order_of(uint32_t bits) {
    if ((bits & 0x7fffffff) > 0x7f800000) return UINT32_MAX;
    return bits > 0x80000000 ? ~bits : bits | 0x80000000;
}

/* M cycle unit id: a unit's own choice among its rows. */
void roma_cosim_choice(cosim *s, const uint64_t *f) {
    cosim_instance *x = head(s);
    const cosim_value *v = &s->value[(s->plan->n_ops - 1) * COSIM_PARTS];
    uint32_t best = UINT32_MAX;
    if (!x) return;
    for (uint32_t id = 0; id < v->width; id++)
        if (roma_cosim_row_unit(s, x, id) == f[1] &&
            (best == UINT32_MAX || order_of(roma_le32(v->want + 4 * id)) > order_of(roma_le32(v->want + 4 * best))))
            best = id;
    if (best == UINT32_MAX || best == f[2]) return;
    roma_buf b = {0};
    roma_cosim_words(s, x, &b);
    roma_buf_print(&b, ": matrix unit %llu chooses row %llu in cycle %llu, the engine row %u of these",
                   (unsigned long long)f[1], (unsigned long long)f[2], (unsigned long long)f[0], best);
    roma_cosim_say(s, x, &b);
    if (!x->done && !s->config->all) roma_cosim_retire(s, x);
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
    const uint64_t token = f[1] & 0xffffff;
    cosim_instance *x = head(s);
    if (!s->logits || token == (uint32_t)s->token) return;
    roma_buf b = {0};
    if (x) roma_cosim_words(s, x, &b);
    roma_buf_print(&b, ": the chip's token is %llu in cycle %llu", (unsigned long long)token, (unsigned long long)f[0]);
    if (x) roma_buf_print(&b, ", of matrix unit %u", roma_cosim_row_unit(s, x, token));
    roma_buf_print(&b, ", the engine's %d", s->token);
    if (x) roma_buf_print(&b, ", of matrix unit %u", roma_cosim_row_unit(s, x, (uint64_t)s->token));
    roma_cosim_say(s, NULL, &b);
    s->report->mismatches++;
}
