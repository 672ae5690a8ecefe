/* Downs and ups: an adapter's A and B beside a product. docs/cost-model.md sections 1.2 and 1.8. */
#include "timing.h"

/* Rank of the adapter at a place of a set on an operation's matrix; 0: none. */
static uint32_t rank_at(const roma_cost_span *s, uint32_t place, const roma_op *op) {
    if (place >= s->n_adapters || op->adapter_slot == UINT32_MAX) return 0;
    const roma_cost_adapter *a = &s->adapters[place];
    return a->ranks ? a->ranks[op->adapter_slot] : a->rank;
}

bool roma_cost_timing_has_part(const timing *t, uint32_t op, uint32_t block, uint32_t place) {
    timing_walk w = roma_cost_timing_walk(t, block);
    if (t->turns[op].group == UINT32_MAX) return false;
    for (timing_piece x; roma_cost_timing_next(&w, &x);)
        if (rank_at(x.span, place, &t->p->ops[op])) return true;
    return false;
}

/* Neighbouring rows with one adapter at a place. */
typedef struct {
    uint64_t rows, rank;
} run;

static uint32_t id_at(const roma_cost_span *s, uint32_t place) {
    return place < s->n_adapters ? s->adapters[place].id : 0;
}

static uint64_t sixteens(uint64_t rank) { return timing_ceil_div(rank, 16) * 16; }

uint64_t roma_cost_timing_most_rank(const timing *t) {
    uint64_t most = 0;
    for (size_t s = 0; s < t->n_spans; s++)
        for (uint32_t i = 0; i < t->spans[s].n_adapters; i++)
            for (size_t o = 0; o < t->p->n_ops; o++)
                if (t->p->ops[o].kind == ROMA_OP_LINEAR)
                    most = timing_larger(most, rank_at(&t->spans[s], i, &t->p->ops[o]));
    return sixteens(most);
}

/* Column i of A is on unit floor(i / c), c a power of two; rows of B lie as the base's. The leaves of A's groups go to
 * the root. */
void roma_cost_timing_slots(timing_op *o, const timing *t, const roma_op *op) {
    const timing_numbers *k = &t->k;
    const uint64_t cols = timing_tensor(t->p, op)->cols, even = timing_ceil_div(cols, k->U);
    const uint64_t columns = UINT64_C(1) << timing_clog2(even > 8 ? even : 8);
    uint64_t group = 256;
    while (cols % group) group /= 2;
    o->down_columns = columns < cols ? columns : cols;
    o->up_rows = timing_place(t, op)->unit_rows;
    o->down_groups = cols / group;
    const uint64_t merged = o->down_columns < group ? o->down_columns : group;
    o->down_sums =
        timing_clog2(merged) * k->hop + k->deep + k->mul + k->convert + timing_clog2(o->down_groups) * k->add;
}

/* Beside the L-Units a row of activations meets whole words of codes, those of an up in words of 16 columns. */
static uint64_t run_cycles(const timing *t, const run *r, uint64_t here, bool down) {
    const roma_chip *c = t->c;
    const bool serial = c->lora_where > 0;
    const double rank = (double)(down || serial ? r->rank : sixteens(r->rank)), weights = rank * (double)here;
    const double l = serial ? 1 : t->k.lora_share;
    const uint64_t work = serial ? timing_up((double)r->rows * weights * 8 * c->lora_weight_bytes /
                                             (4 * c->lanes * c->lunits))
                                 : r->rows * timing_up(weights / (c->hunit_mac * l)),
                   reads = timing_up(weights * c->lora_weight_bytes / (c->hunit_bandwidth * l));
    return timing_larger(work, reads);
}

/* Cycles in which the sums of a run's up are added that have waited together: as many rows a cycle as an up of rank 16
 * makes. */
static uint64_t sums_of(const timing *t, const run *r, uint64_t here) {
    return r->rows * timing_up(16 * (double)here / (t->c->hunit_mac * t->k.lora_share));
}

static void count(const timing *t, const run *r, uint64_t all, uint64_t cycles, bool down, roma_events *e) {
    const double weights = (double)(r->rank * all), rows = (double)r->rows, x = t->c->lora_weight_bytes;
    e->sram_bits += 8 * weights * x;
    if (down) e->wire_bit_mm += rows * 32 * (double)(r->rank * t->k.U) * t->mean_mm;
    if (t->c->lora_where > 0) {
        e->lane_macs += rows * weights * x * 2;
        e->lunit_cycles += (double)(cycles * t->k.U * t->k.N);
    } else {
        e->hunit_macs += rows * weights;
    }
}

/* The root makes h and its codes, which go to every unit. */
static void down_latency(const timing *t, const timing_op *o, uint64_t rank, timing_duration *d) {
    const timing_numbers *k = &t->k;
    const uint64_t sums = o->down_sums + timing_ceil_div(4 * rank * o->down_groups, k->link);
    d->lat = sums + 2 * k->mul + timing_clog2(rank) * k->hop + k->div + k->mul + k->convert + k->deep;
    d->first = d->occ + sums;
}

static void up_latency(const timing *t, uint64_t rank, timing_duration *d) {
    const timing_numbers *k = &t->k;
    d->lat = timing_clog2(rank) * k->hop + k->convert + 3 * k->mul + k->far + k->add;
}

void roma_cost_timing_adapter(const timing *t, timing_part part, timing_duration *d, roma_events *e) {
    const roma_op *op = &t->p->ops[part.op];
    const timing_op *o = timing_times(t, part.op);
    const roma_image_tensor *w = timing_tensor(t->p, op);
    const bool down = part.part == ROMA_PART_DOWN;
    const uint64_t here = down ? o->down_columns : o->up_rows, all = down ? w->cols : w->rows;
    timing_walk walk = roma_cost_timing_walk(t, part.block);
    timing_piece x;
    for (bool more = roma_cost_timing_next(&walk, &x); more;) {
        const uint32_t id = id_at(x.span, part.place);
        run r = {x.rows, rank_at(x.span, part.place, op)};
        while ((more = roma_cost_timing_next(&walk, &x)) && id_at(x.span, part.place) == id &&
               rank_at(x.span, part.place, op) == r.rank)
            r.rows += x.rows;
        if (!r.rank) continue;
        const uint64_t cycles = run_cycles(t, &r, here, down);
        d->occ += cycles;
        if (!down && t->c->lora_where <= 0) d->queue += sums_of(t, &r, here);
        if (e) count(t, &r, all, cycles, down, e);
    }
    if (t->k.calibrated) d->queue = 0;
    if (t->k.calibrated) return;
    if (down)
        down_latency(t, o, t->most_rank, d);
    else
        up_latency(t, t->most_rank, d);
}
