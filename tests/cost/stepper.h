/* A second timing model, made from docs/cost-model.md section 1 alone: queues of instances per unit kind and a clock
 * that advances one cycle at a time. Slow and simple on purpose; shares no code with the scheduler. Durations are in
 * stepper_law.h, distances and words in stepper_chip.h, several dies in stepper_dies.h. */
#ifndef ROMA_TEST_STEPPER_H
#define ROMA_TEST_STEPPER_H
#include "stepper_law.h"

enum { STEPPER_L, STEPPER_H, STEPPER_V, STEPPER_A, STEPPER_UNITS }; /* A: what adapters keep of the H-Units */

/* What an instance waits for in another one: its end; its codes and, a little later, their scale; its last row; its end
 * only when this one ends. */
typedef enum { STEPPER_END, STEPPER_CODES, STEPPER_LAST_ROW, STEPPER_SUM } stepper_wait;
typedef struct {
    uint32_t from;
    stepper_wait wait;
} stepper_read;

typedef struct {
    uint32_t op, block;
    roma_cost_part part;
    uint32_t place;
    unsigned unit;
    bool is_started, is_ended; /* is_ended: its end is known */
    bool takes[STEPPER_UNITS];
    stepper_time time;
    uint64_t start, busy, end;
    size_t first_read, n_reads; /* in reads */
} stepper_instance;

typedef struct {
    const roma_plan *p;
    const roma_chip *c;
    stepper_law law;
    stepper_row *rows;
    size_t n_rows;
    size_t *block_begin; /* rows of block b: [block_begin[b], block_begin[b + 1]) */
    uint32_t *block_stream;
    size_t n_blocks, n_streams;
    stepper_instance *all; /* in issue order */
    size_t n, cap;
    stepper_read *reads;
    size_t n_reads, cap_reads;
    uint32_t *number; /* instances by operation, block, part and place, UINT32_MAX none */
    uint64_t cycles, busy[STEPPER_UNITS];
} stepper;

static inline void *stepper_memory(size_t n, size_t size) {
    void *p = calloc(n ? n : 1, size);
    if (!p) abort();
    return p;
}

/* Base, and the two parts of each place. */
enum { STEPPER_PARTS = 1 + 2 * ROMA_COST_SET_MAX };
static inline uint32_t *stepper_number(const stepper *s, size_t op, size_t block, roma_cost_part part, uint32_t place) {
    const size_t k = part == ROMA_PART_BASE ? 0 : 2 * place + (size_t)part;
    return &s->number[(op * s->n_blocks + block) * STEPPER_PARTS + k];
}

/* ---- rows, streams, blocks: 1.1 ------------------------------------------------------------------------- */

static inline void stepper_cut_stream(stepper *s, size_t stream, size_t row, size_t end) {
    while (row < end) {
        s->block_begin[s->n_blocks] = row;
        s->block_stream[s->n_blocks++] = (uint32_t)stream;
        uint64_t rows = 1, spans = 1;
        for (row++; row < end && rows < (uint64_t)s->c->block_rows; row++, rows++) {
            spans += s->rows[row].span != s->rows[row - 1].span;
            if (spans > (uint64_t)s->c->block_spans) break;
        }
    }
}

static inline void stepper_cut(stepper *s, const roma_cost_span *spans, size_t n_spans) {
    size_t at = 0;
    for (size_t i = 0; i < n_spans; i++) s->n_rows += spans[i].rows;
    s->rows = stepper_memory(s->n_rows, sizeof *s->rows);
    s->block_begin = stepper_memory(s->n_rows + 1, sizeof *s->block_begin);
    s->block_stream = stepper_memory(s->n_rows, sizeof *s->block_stream);
    for (size_t i = 0; i < n_spans; i++)
        for (uint32_t k = 0; k < spans[i].rows; k++)
            s->rows[at++] = (stepper_row){.span = (uint32_t)i,
                                          .position = spans[i].position + k,
                                          .logits = k + spans[i].logits >= spans[i].rows,
                                          .of = &spans[i]};
    s->n_streams = stepper_min((uint64_t)s->c->streams, s->n_rows);
    for (size_t k = 0; k < s->n_streams; k++)
        stepper_cut_stream(s, k, s->n_rows * k / s->n_streams, s->n_rows * (k + 1) / s->n_streams);
    s->block_begin[s->n_blocks] = s->n_rows;
}

static inline stepper_view stepper_see(const stepper *s, const roma_op *op, size_t block) {
    stepper_view v = {.n = 0};
    for (size_t r = s->block_begin[block]; r < s->block_begin[block + 1]; r++)
        if (!op->last_rows_only || s->rows[r].logits) {
            if (v.n == sizeof v.row / sizeof *v.row) abort();
            v.row[v.n++] = &s->rows[r];
        }
    return v;
}

/* ---- what an instance reads: 1.3 ------------------------------------------------------------------------- */

static inline void stepper_wait_for(stepper *s, uint32_t instance, stepper_wait wait) {
    if (instance == UINT32_MAX) return;
    if (s->n_reads == s->cap_reads) {
        s->cap_reads = s->cap_reads * 2 + 256;
        s->reads = realloc(s->reads, s->cap_reads * sizeof *s->reads);
        if (!s->reads) abort();
    }
    s->reads[s->n_reads++] = (stepper_read){instance, wait};
}

/* The last operation before `op` that writes a value, of any kind or a LINEAR alone. */
static inline size_t stepper_writer(const stepper *s, size_t op, uint32_t value, bool is_linear) {
    while (op-- > 0)
        if (s->p->ops[op].out == value && (!is_linear || s->p->ops[op].kind == ROMA_OP_LINEAR)) return op;
    abort();
}

static inline void stepper_read_value(stepper *s, const stepper_instance *me, int k) {
    const roma_op *op = &s->p->ops[me->op];
    if (op->in[k] == ROMA_NO_VALUE) return;
    const size_t writer = stepper_writer(s, me->op, op->in[k], false);
    const bool is_split = s->p->ops[writer].kind == ROMA_OP_NORM && op->kind == ROMA_OP_LINEAR;
    stepper_wait_for(s, *stepper_number(s, writer, me->block, ROMA_PART_BASE, 0),
                     is_split ? STEPPER_CODES : STEPPER_END);
    if (roma_op_about(op->kind)->in[k] != ROMA_DATA_SUM) return;
    const size_t linear = stepper_writer(s, me->op, op->in[k], true);
    for (uint32_t i = 0; i < ROMA_COST_SET_MAX; i++)
        stepper_wait_for(s, *stepper_number(s, linear, me->block, ROMA_PART_UP, i), STEPPER_END);
}

/* An up adds to its LINEAR, to its BIAS where there is one, and to the ups before it. */
static inline void stepper_read_sums(stepper *s, const stepper_instance *me) {
    const roma_op *ops = s->p->ops;
    const uint32_t base = *stepper_number(s, me->op, me->block, ROMA_PART_BASE, 0);
    stepper_wait_for(s, base, STEPPER_SUM);
    if (me->op + 1 < s->p->n_ops && ops[me->op + 1].kind == ROMA_OP_BIAS)
        stepper_wait_for(s, *stepper_number(s, me->op + 1, me->block, ROMA_PART_BASE, 0), STEPPER_SUM);
    for (uint32_t i = 0; i < me->place; i++)
        stepper_wait_for(s, *stepper_number(s, me->op, me->block, ROMA_PART_UP, i), STEPPER_SUM);
}

static inline void stepper_find_reads(stepper *s, stepper_instance *me) {
    const roma_op *ops = s->p->ops, *op = &ops[me->op];
    me->first_read = s->n_reads;
    if (me->part == ROMA_PART_UP) {
        stepper_wait_for(s, *stepper_number(s, me->op, me->block, ROMA_PART_DOWN, me->place), STEPPER_END);
        stepper_read_sums(s, me);
    } else
        for (int k = 0; k < 2; k++) stepper_read_value(s, me, k);
    if (me->part == ROMA_PART_DOWN)
        stepper_wait_for(s, *stepper_number(s, me->op, me->block, ROMA_PART_BASE, 0), STEPPER_LAST_ROW);
    for (size_t o = 0; op->kind == ROMA_OP_ATTEND && o < s->p->n_ops; o++)
        for (size_t b = 0; ops[o].kind == ROMA_OP_CACHE && ops[o].layer == op->layer && b <= me->block; b++)
            stepper_wait_for(s, *stepper_number(s, o, b, ROMA_PART_BASE, 0), STEPPER_END);
    me->n_reads = s->n_reads - me->first_read;
}

/* ---- issue order and unit kinds: 1.2, 1.4 ---------------------------------------------------------------- */

static inline unsigned stepper_unit_of(const stepper *s, const roma_op *op, roma_cost_part part) {
    if (part != ROMA_PART_BASE) {
        if (s->c->lora_where != 0) return STEPPER_L;
        return s->law.has_share ? STEPPER_A : STEPPER_H;
    }
    if (op->kind == ROMA_OP_EMBED || op->kind == ROMA_OP_LINEAR) return STEPPER_L;
    return op->kind == ROMA_OP_CACHE || op->kind == ROMA_OP_ATTEND ? STEPPER_H : STEPPER_V;
}

/* The first block of the step that has this operation streams the matrix. */
static inline bool stepper_is_first(const stepper *s, size_t op, size_t block) {
    for (size_t b = 0; b < block; b++)
        if (*stepper_number(s, op, b, ROMA_PART_BASE, 0) != UINT32_MAX) return false;
    return true;
}

static inline void stepper_issue(stepper *s, size_t op, size_t block, roma_cost_part part, uint32_t place,
                                 const stepper_view *v) {
    const roma_op *o = &s->p->ops[op];
    if (s->n == s->cap) {
        s->cap = s->cap * 2 + 256;
        s->all = realloc(s->all, s->cap * sizeof *s->all);
        if (!s->all) abort();
    }
    stepper_instance *me = &s->all[s->n];
    *me = (stepper_instance){.op = (uint32_t)op, .block = (uint32_t)block, .part = part, .place = place};
    me->unit = stepper_unit_of(s, o, part);
    me->takes[me->unit] = true;
    if (o->kind == ROMA_OP_ATTEND && s->c->overlap == 0) me->takes[STEPPER_L] = true;
    me->time = part == ROMA_PART_BASE ? stepper_base(&s->law, op, v, stepper_is_first(s, op, block))
                                      : stepper_adapter(&s->law, o, v, part == ROMA_PART_UP, place);
    stepper_find_reads(s, me);
    *stepper_number(s, op, block, part, place) = (uint32_t)s->n++;
}

/* Downs or ups of a LINEAR on a block, of every place that has part in it. */
static inline void stepper_issue_adapters(stepper *s, size_t op, size_t block, roma_cost_part part) {
    const roma_op *o = &s->p->ops[op];
    if (o->kind != ROMA_OP_LINEAR || stepper_is_head(o) || o->adapter_slot == UINT32_MAX) return;
    const stepper_view v = stepper_see(s, o, block);
    for (uint32_t place = 0; place < ROMA_COST_SET_MAX; place++) {
        bool has_part = false;
        for (size_t i = 0; i < v.n; i++) has_part |= stepper_rank(v.row[i], place, o) > 0;
        if (has_part) stepper_issue(s, op, block, part, place, &v);
    }
}

/* The last operation of a group of LINEARs, biases included, that begins at `op`. */
static inline size_t stepper_group_end(const stepper *s, size_t op) {
    const roma_op *ops = s->p->ops;
    const uint32_t value = ops[op].in[0];
    size_t last = op;
    while (last + 1 < s->p->n_ops) {
        const roma_op *next = &ops[last + 1];
        const bool is_own_bias =
                       next->kind == ROMA_OP_BIAS && ops[last].kind == ROMA_OP_LINEAR && next->in[0] == ops[last].out,
                   is_linear = next->kind == ROMA_OP_LINEAR && next->in[0] == value;
        if (!is_own_bias && !is_linear) break;
        last++;
    }
    return last;
}

/* One operation on one block, with what the adapters add. group: where the operation's group of LINEARs is, [0, 0]
 * none. */
static inline void stepper_issue_block(stepper *s, size_t op, size_t block, const size_t group[2]) {
    const stepper_view v = stepper_see(s, &s->p->ops[op], block);
    if (!v.n) return;
    stepper_issue(s, op, block, ROMA_PART_BASE, 0, &v);
    stepper_issue_adapters(s, op, block, ROMA_PART_DOWN);
    for (size_t o = group[0]; op == group[1] && o <= group[1]; o++) stepper_issue_adapters(s, o, block, ROMA_PART_UP);
}

static inline void stepper_issue_all(stepper *s) {
    const roma_op *ops = s->p->ops;
    for (size_t begin = 0, end; begin < s->p->n_ops; begin = end) {
        end = begin;
        while (end < s->p->n_ops && ops[end].kind != ROMA_OP_ATTEND) end++;
        if (end < s->p->n_ops) end++; /* the ATTEND itself */
        for (size_t stream = 0; stream < s->n_streams; stream++) {
            size_t group[2] = {SIZE_MAX, SIZE_MAX};
            for (size_t op = begin; op < end; op++) {
                if (ops[op].kind == ROMA_OP_LINEAR && (group[1] == SIZE_MAX || op > group[1]))
                    group[0] = op, group[1] = stepper_group_end(s, op);
                for (size_t b = 0; b < s->n_blocks; b++)
                    if (s->block_stream[b] == stream) stepper_issue_block(s, op, b, group);
            }
        }
    }
}

/* ---- the clock: 1.3 ------------------------------------------------------------------------------------ */

/* When a read lets its instance start; UINT64_MAX: not known yet. */
static inline uint64_t stepper_ready(const stepper *s, const stepper_instance *me, const stepper_read *r) {
    const stepper_instance *from = &s->all[r->from];
    const uint64_t scale = from->start + from->time.scale;
    switch (r->wait) {
    case STEPPER_SUM: return 0;
    case STEPPER_LAST_ROW: return from->is_started ? from->start + from->time.last_row : UINT64_MAX;
    case STEPPER_CODES:
        if (!from->is_ended) return UINT64_MAX;
        return scale > me->time.first ? stepper_max(from->end, scale - me->time.first) : from->end;
    case STEPPER_END: break;
    }
    return from->is_ended ? from->end : UINT64_MAX;
}

/* An up on the H-Units: the vector units, which start a CACHE, know of it by its end (1.3). */
static inline bool stepper_is_up_on_h(const stepper_instance *it) {
    return it->part == ROMA_PART_UP && it->unit == STEPPER_H;
}

/* The cycle from which an instance can start; UINT64_MAX: it is not the next on all its units, or what it reads is not
 * known yet. A cycle that is known stays: nothing else can take its units before. */
static inline uint64_t stepper_opens(const stepper *s, uint32_t number, const size_t head[STEPPER_UNITS],
                                     uint32_t *const queue[STEPPER_UNITS], const uint64_t free_at[STEPPER_UNITS]) {
    const stepper_instance *me = &s->all[number];
    uint64_t at = 0;
    for (int u = 0; u < STEPPER_UNITS; u++) {
        if (me->takes[u] && queue[u][head[u]] != number) return UINT64_MAX;
        if (me->takes[u]) at = stepper_max(at, free_at[u]);
    }
    for (size_t i = 0; i < me->n_reads; i++) at = stepper_max(at, stepper_ready(s, me, &s->reads[me->first_read + i]));
    for (uint32_t i = 0; s->p->ops[me->op].kind == ROMA_OP_CACHE && i < number; i++)
        if (stepper_is_up_on_h(&s->all[i])) at = stepper_max(at, s->all[i].is_ended ? s->all[i].end : UINT64_MAX);
    return at;
}

/* Cycles from the end of what an up adds to until its own, a word a cycle behind a BIAS (1.3). */
static inline uint64_t stepper_sum(const stepper *s, const stepper_instance *me, const stepper_instance *from) {
    if (s->law.fill) return 0;
    return s->law.add + (s->p->ops[from->op].kind == ROMA_OP_BIAS ? me->time.words : 0);
}

/* Fixes the end of an instance that runs when all that it adds to have theirs; true when it did. */
static inline bool stepper_finish(stepper *s, stepper_instance *me) {
    uint64_t end = me->busy + me->time.lat;
    for (size_t i = 0; i < me->n_reads; i++) {
        const stepper_read *r = &s->reads[me->first_read + i];
        if (r->wait != STEPPER_SUM) continue;
        if (!s->all[r->from].is_ended) return false;
        end = stepper_max(end, s->all[r->from].end + stepper_sum(s, me, &s->all[r->from]));
    }
    me->end = end;
    me->is_ended = true;
    s->cycles = stepper_max(s->cycles, end);
    return true;
}

/* The clock stops at every cycle, or passes over those in which what is known lets nothing start. */
static bool stepper_every_cycle;
static inline void stepper_clock(stepper *s) {
    uint32_t *queue[STEPPER_UNITS], *const pending = stepper_memory(s->n, sizeof *pending);
    size_t len[STEPPER_UNITS] = {0}, head[STEPPER_UNITS] = {0}, left = s->n, n_pending = 0;
    uint64_t free_at[STEPPER_UNITS] = {0};
    for (int u = 0; u < STEPPER_UNITS; u++) {
        queue[u] = stepper_memory(s->n, sizeof **queue);
        for (size_t i = 0; i < s->n; i++)
            if (s->all[i].takes[u]) queue[u][len[u]++] = (uint32_t)i;
    }
    for (uint64_t now = 0, opens; left; now = stepper_every_cycle ? now + 1 : opens) {
        opens = UINT64_MAX;
        for (bool changed = true; changed;) {
            changed = false;
            for (int u = 0; u < STEPPER_UNITS; u++) {
                if (head[u] == len[u]) continue;
                const uint32_t number = queue[u][head[u]];
                stepper_instance *me = &s->all[number];
                const uint64_t at = stepper_opens(s, number, head, queue, free_at);
                if (at > now) {
                    opens = stepper_min(opens, at);
                    continue;
                }
                me->is_started = changed = true;
                me->start = now;
                me->busy = now + me->time.occ;
                for (int k = 0; k < STEPPER_UNITS; k++)
                    if (me->takes[k]) {
                        head[k]++;
                        free_at[k] = me->busy;
                        /* at work: an L-Unit that an attention holds is not */
                        if (k == (int)me->unit) s->busy[k] += me->time.occ;
                    }
                pending[n_pending++] = number;
            }
            for (size_t i = 0; i < n_pending;) {
                if (stepper_finish(s, &s->all[pending[i]])) {
                    memmove(&pending[i], &pending[i + 1], (--n_pending - i) * sizeof *pending);
                    left--;
                    changed = true;
                } else
                    i++;
            }
        }
        if (left && opens == UINT64_MAX) abort(); /* everything waits for something else */
    }
    for (int u = 0; u < STEPPER_UNITS; u++) free(queue[u]);
    free(pending);
}

/* The instance before number `i` on a unit kind that this one takes; UINT32_MAX: none. */
static inline uint32_t stepper_before(const stepper *s, size_t i, int unit) {
    if (!s->all[i].takes[unit]) return UINT32_MAX;
    while (i-- > 0)
        if (s->all[i].takes[unit]) return (uint32_t)i;
    return UINT32_MAX;
}

/* Number `i` started no earlier because of `other`: by what it reads, or by a unit that both take. */
static inline bool stepper_reads_hold(const stepper *s, size_t i, uint32_t other) {
    const stepper_instance *me = &s->all[i];
    for (size_t k = 0; k < me->n_reads; k++) {
        const stepper_read *r = &s->reads[me->first_read + k];
        if (r->from == other && r->wait != STEPPER_SUM && stepper_ready(s, me, r) == me->start) return true;
    }
    return false;
}
static inline bool stepper_unit_holds(const stepper *s, size_t i, uint32_t other) {
    if (s->p->ops[s->all[i].op].kind == ROMA_OP_CACHE && stepper_is_up_on_h(&s->all[other]) &&
        s->all[other].end == s->all[i].start)
        return true;
    for (int u = 0; u < STEPPER_UNITS; u++)
        if (stepper_before(s, i, u) == other && s->all[other].busy == s->all[i].start) return true;
    return false;
}

static inline void stepper_destroy(stepper *s) {
    free(s->rows);
    free(s->block_begin);
    free(s->block_stream);
    free(s->all);
    free(s->reads);
    free(s->number);
    memset(s, 0, sizeof *s);
}

/* Some row of the step has an adapter with a rank. */
static inline bool stepper_has_rank(const roma_plan *p, const roma_cost_span *spans, size_t n_spans) {
    for (size_t i = 0; i < n_spans; i++)
        for (uint32_t k = 0; k < spans[i].n_adapters; k++) {
            const roma_cost_adapter *a = &spans[i].adapters[k];
            if (!a->ranks && a->rank) return true;
            for (uint32_t slot = 0; a->ranks && slot < p->n_adapter_slots; slot++)
                if (a->ranks[slot]) return true;
        }
    return false;
}

/* The largest rank of an adapter on a matrix, rounded up to 16. */
static inline uint64_t stepper_most_rank(const roma_plan *p, const roma_cost_span *spans, size_t n_spans) {
    uint64_t most = 0;
    for (size_t i = 0; i < n_spans; i++)
        for (uint32_t k = 0; k < spans[i].n_adapters; k++)
            for (size_t o = 0; o < p->n_ops; o++) {
                const roma_cost_adapter *a = &spans[i].adapters[k];
                if (p->ops[o].kind != ROMA_OP_LINEAR || p->ops[o].adapter_slot == UINT32_MAX) continue;
                most = stepper_max(most, a->ranks ? a->ranks[p->ops[o].adapter_slot] : a->rank);
            }
    return stepper_div_up(most, 16) * 16;
}

static inline stepper stepper_run(const roma_placement *place, const roma_cost_span *spans, size_t n_spans) {
    const roma_plan *p = place->plan;
    const roma_chip *c = &place->chip;
    stepper s = {.p = p, .c = c};
    s.law = stepper_law_of(place, c->overlap != 0 && c->lora_where == 0 && stepper_has_rank(p, spans, n_spans));
    s.law.most_rank = stepper_most_rank(p, spans, n_spans);
    stepper_cut(&s, spans, n_spans);
    s.number = stepper_memory(p->n_ops * s.n_blocks * STEPPER_PARTS, sizeof *s.number);
    memset(s.number, 0xff, p->n_ops * s.n_blocks * STEPPER_PARTS * sizeof *s.number);
    stepper_issue_all(&s);
    stepper_clock(&s);
    return s;
}
#endif
