/* Words for the reader of a difference: the unit that makes an element, what has not come, and which difference is the
 * first. */
#include "internal.h"

/* ---- who makes what ---- */

uint32_t roma_cosim_row_unit(const cosim *s, const cosim_instance *x, uint64_t row) {
    const size_t tensor = s->plan->ops[x->op].tensor;
    const int32_t tie = s->plan->desc->tensors[tensor].tie;
    const uint64_t rows = s->config->place->tensors[tie < 0 ? tensor : (size_t)tie].unit_rows;
    return rows ? (uint32_t)(row / rows) : 0;
}

void roma_cosim_maker(const cosim *s, const cosim_instance *x, uint32_t row, uint64_t element, uint32_t writer,
                      roma_buf *b) {
    const roma_op *op = &s->plan->ops[x->op];
    const roma_hyper *h = &s->plan->desc->hyper;
    const uint32_t units = s->units / h->kv_heads;
    if (op->kind == ROMA_OP_LINEAR || op->kind == ROMA_OP_EMBED) {
        const uint64_t of = op->kind == ROMA_OP_EMBED ? (uint64_t)s->tokens[row] : element;
        roma_buf_print(b, "matrix unit %u, written by ", roma_cosim_row_unit(s, x, of));
    } else if (op->kind == ROMA_OP_ATTEND) {
        const uint32_t head = (uint32_t)(element / h->head_dim / (h->heads / h->kv_heads));
        roma_buf_print(b, "H-Units of matrix units %u to %u, written by ", head * units, (head + 1) * units - 1);
    }
    roma_buf_print(b, "vector unit %u", writer);
}

/* ---- what has not come ---- */

bool roma_cosim_idle(cosim *s, const cosim_instance *x, roma_buf *b) {
    const bool is_linear = s->plan->ops[x->op].kind == ROMA_OP_LINEAR;
    if (x->part != COSIM_BASE || s->plan->ops[x->op].kind == ROMA_OP_EMBED) return false;
    const size_t from = is_linear ? 0 : s->units, end = is_linear ? s->units : s->units + s->vectors;
    size_t some = end, none = end;
    for (size_t t = from; t < end; t++) {
        if (roma_cosim_reads(s, x, t)[0] != UINT64_MAX)
            some = t;
        else if (none == end)
            none = t;
    }
    if (some == end || none == end) return false;
    roma_buf_print(b, "%s %zu reads nothing", is_linear ? "matrix unit" : "vector unit", none - from);
    return true;
}

/* The first element without a value; codes by groups of eight, each made by the vector unit that has them. */
static bool no_element(cosim *s, const cosim_instance *x, roma_buf *b) {
    const cosim_value *v = roma_cosim_value(s, x);
    const uint32_t step = v->is_codes ? 8 : 1, bytes = v->is_codes ? 1 : 4;
    for (uint32_t row = x->row; row < x->row + x->rows; row++)
        for (uint32_t e = 0; e < v->width; e += step) {
            if (v->seen[row * v->row_bytes + (size_t)bytes * e]) continue;
            roma_cosim_maker(s, x, row, e, e / s->lanes % s->vectors, b);
            roma_buf_print(b, ", row %u, %s %u has not come", row, v->is_codes ? "code" : "element", e);
            return true;
        }
    return false;
}

/* Pages: the first code of a key or value that is not written. */
static bool no_page(cosim *s, const cosim_instance *x, roma_buf *b) {
    const cosim_value *v = roma_cosim_value(s, x);
    const roma_hyper *h = &s->plan->desc->hyper;
    const size_t width = (size_t)h->kv_heads * h->head_dim;
    for (uint32_t row = x->row; row < x->row + x->rows; row++)
        for (size_t e = 0; e < v->row_bytes; e++) {
            if (v->seen[row * v->row_bytes + e]) continue;
            const size_t at = e % (v->row_bytes / 2);
            const uint32_t head = (uint32_t)(at < width ? at / h->head_dim : (at - width) / 4);
            const uint32_t unit =
                roma_place_page_unit(s->config->place, s->plan->ops[x->op].layer, head, (s->position + row) / 32);
            roma_buf_print(b, "H-Unit of matrix unit %u, row %u, head %u is not written", unit, row, head);
            return true;
        }
    return false;
}

/* The first matrix unit to which fewer have come than to others, or than there are of the plan up to an operation. */
static bool behind(const cosim *s, const uint32_t *came, uint32_t wanted, const char *what, roma_buf *b) {
    for (uint32_t u = 0; u < s->units; u++) {
        if (came[u] >= wanted) continue;
        roma_buf_print(b, "matrix unit %u, %s has not come", u, what);
        return true;
    }
    return false;
}

static uint32_t most(const cosim *s, const uint32_t *came) {
    uint32_t n = 0;
    for (uint32_t u = 0; u < s->units; u++)
        if (came[u] > n) n = came[u];
    return n;
}

/* Ends of codes and scales that units have when an operation is over. */
static void wanted_codes(const cosim *s, const cosim_instance *x, uint32_t *ends, uint32_t *scales) {
    *ends = *scales = 0;
    for (const cosim_instance *y = s->instance; y <= x; y++)
        if (y->rows && y->part == COSIM_BASE && s->value[y->op * COSIM_PARTS].is_codes &&
            s->plan->ops[y->op].out != ROMA_NO_VALUE)
            ++*ends, *scales += y->rows;
}

bool roma_cosim_missing(cosim *s, const cosim_instance *x, bool is_over, roma_buf *b) {
    const cosim_value *v = roma_cosim_value(s, x);
    uint32_t ends, scales;
    if (x->part != COSIM_BASE)
        roma_buf_print(b, x->part < COSIM_UP ? "codes of h have not come" : "sums have not come");
    if (x->part != COSIM_BASE) return true;
    if (roma_cosim_idle(s, x, b)) return true;
    if (s->plan->ops[x->op].out == ROMA_NO_VALUE) return no_page(s, x, b);
    if (no_element(s, x, b)) return true;
    if (!v->is_codes) roma_buf_print(b, "the choice has not come");
    if (!v->is_codes) return true;
    wanted_codes(s, x, &ends, &scales);
    if (behind(s, s->ends, ends, "the end of its codes", b)) return true;
    return (is_over || most(s, s->scales) >= scales) && behind(s, s->scales, scales, "the scale", b);
}

/* ---- the first difference of all, and of an operation ---- */

static cosim_instance *overdue(cosim *s, uint64_t cycle, uint64_t before) {
    for (size_t i = 0; i < s->schedule.n; i++) {
        const roma_cost_instance *m = &s->schedule.instances[i];
        cosim_instance *x = roma_cosim_find(s, m->op, m->block, cosim_part(m->part, m->place));
        roma_buf b = {0};
        if (!x || x->done || m->end > cycle || m->end >= before) continue;
        const bool is_missing = roma_cosim_missing(s, x, false, &b);
        roma_buf_destroy(&b);
        if (is_missing) return x;
    }
    return NULL;
}

static void never_ends(cosim *s, cosim_instance *x, bool is_over) {
    uint64_t first = UINT64_MAX;
    for (size_t t = 0; t < (size_t)s->units + s->vectors; t++) {
        const uint64_t *r = roma_cosim_reads(s, x, t);
        if (r[0] < first) first = r[0];
    }
    roma_buf b = {0};
    roma_cosim_words(s, x, &b);
    roma_buf_print(&b, ": ");
    if (first == UINT64_MAX)
        roma_buf_print(&b, "never starts, in the model in cycle %llu", (unsigned long long)x->model.start);
    else if (roma_cosim_missing(s, x, is_over, &b))
        roma_buf_print(&b, "; it never ends: %llu pieces are missing in cycle %llu (the model ends in %llu)",
                       (unsigned long long)x->left, (unsigned long long)s->cycle, (unsigned long long)x->model.end);
    else
        roma_buf_print(&b, "it never ends (in the model in cycle %llu)", (unsigned long long)x->model.end);
    roma_cosim_say(s, x, &b);
    x->rtl.start = first, x->rtl.end = UINT64_MAX;
    roma_cosim_retire(s, x);
}

void roma_cosim_say(cosim *s, cosim_instance *x, roma_buf *b) {
    if (!s->report->first[0] && !s->says) {
        s->says = true;
        cosim_instance *y = overdue(s, s->cycle, x ? x->model.end : UINT64_MAX);
        if (y && y != x) never_ends(s, y, false);
        s->says = false;
    }
    if (!s->report->first[0] && !b->failed)
        roma_print(s->report->first, sizeof s->report->first, "%.*s", (int)b->len, (const char *)b->data);
    if (x && !x->first[0]) roma_print(x->first, sizeof x->first, "%.*s", (int)b->len, (const char *)b->data);
    if (x) x->differs = true;
    roma_buf_destroy(b);
}

bool roma_cosim_hangs(cosim *s, uint64_t cycle) {
    cosim_instance *x = overdue(s, cycle, UINT64_MAX);
    if (x) never_ends(s, x, false);
    return x;
}

void roma_cosim_step_end(cosim *s) {
    for (size_t i = 0; i < s->schedule.n; i++) {
        const roma_cost_instance *m = &s->schedule.instances[i];
        cosim_instance *x = roma_cosim_find(s, m->op, m->block, cosim_part(m->part, m->place));
        if (!x || x->done) continue;
        never_ends(s, x, true);
        if (!s->config->all) return;
    }
    if (s->logits && !s->token_came && !s->report->mismatches) {
        roma_print(s->report->first, sizeof s->report->first, "step %u: no token comes, the engine's is %d", s->step,
                   s->token);
        s->report->mismatches++;
    }
}
