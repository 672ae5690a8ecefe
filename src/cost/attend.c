/* Attention in two passes over the pages: docs/cost-model.md section 1.9. */
#include "timing.h"

/* One run: rows at positions [first, last) of a sequence. */
typedef struct {
    uint64_t rows, first, last;
} run;

/* What a page costs the unit that has it, and a run. */
typedef struct {
    uint64_t key, value;
} passes;

/* Sum of min(32, max(0, v)) for v = 1 .. n. */
static uint64_t page_sum(int64_t n) {
    if (n <= 0) return 0;
    const uint64_t u = (uint64_t)n;
    return u <= ROMA_PAGE ? u * (u + 1) / 2 : ROMA_PAGE * (ROMA_PAGE + 1) / 2 + ROMA_PAGE * (u - ROMA_PAGE);
}

/* Sum of ceil(x / P) for x = 1 .. n. */
static uint64_t ceil_sum(uint64_t n, uint64_t P) {
    const uint64_t q = n / P, r = n % P;
    return P * (q * (q + 1) / 2) + r * (q + 1);
}

/* Pages below page n that lie on the unit of page 0. */
static uint64_t first_unit_pages(uint64_t n, uint64_t P, unsigned bits) {
    const uint64_t size = UINT64_C(1) << bits, turn = size * P;
    return n / turn * size + (n % turn < size ? n % turn : size);
}

/* Cycles in which bytes leave the H-Unit's SRAM for attention. */
static uint64_t read_cycles(const timing *t, double bytes) {
    return timing_up(bytes / (t->c->hunit_bandwidth * t->c->read_efficiency * t->k.attend_share));
}

/* Both passes over X attended positions, of the last row x; `send` cycles of the network. */
static passes page_passes(const timing *t, uint64_t X, uint64_t x, uint64_t send) {
    const roma_chip *c = t->c;
    const roma_hyper *h = &t->p->desc->hyper;
    const double G = h->heads / h->kv_heads, d = h->head_dim;
    const uint64_t macs = timing_up(G * d * (double)X / (c->hunit_mac * c->mac_efficiency * t->k.attend_share)),
                   exps = timing_up(G * (double)X / c->hunit_exp), keys = read_cycles(t, (double)x * t->k.key_bytes),
                   values = read_cycles(t, (double)x * t->k.value_bytes);
    return (passes){timing_larger(macs, keys), timing_larger(timing_larger(macs, values), timing_larger(exps, send))};
}

static void add(passes *sum, passes x, uint64_t times) {
    sum->key += x.key * times;
    sum->value += x.value * times;
}

/* Pages that every row of the run attends whole cost the same; the few at its end are looked at one by one. */
static passes whole_pages(const timing *t, const run *r) {
    const uint64_t P = t->k.head_units, full = (r->first + 1) / ROMA_PAGE, end = timing_ceil_div(r->last, ROMA_PAGE);
    const unsigned bits = (unsigned)t->c->page_run;
    passes sum = {0, 0};
    const uint64_t alike = first_unit_pages(full, P, bits);
    if (alike) add(&sum, page_passes(t, ROMA_PAGE * r->rows, ROMA_PAGE, 0), alike);
    for (uint64_t j = full; j < end; j++) {
        if ((j >> bits) % P) continue;
        const int64_t low = (int64_t)r->first - (int64_t)(ROMA_PAGE * j),
                      high = (int64_t)r->last - ROMA_PAGE * (int64_t)j;
        const uint64_t x = high < ROMA_PAGE ? (uint64_t)high : ROMA_PAGE;
        add(&sum, page_passes(t, page_sum(high) - page_sum(low), x, 0), 1);
    }
    return sum;
}

static passes spread_pages(const timing *t, const run *r) {
    const roma_hyper *h = &t->p->desc->hyper;
    const uint64_t P = t->k.head_units, G = h->heads / h->kv_heads;
    const uint64_t page = timing_ceil_div(4 * G * h->head_dim, t->k.link),
                   pages = ceil_sum(r->last, ROMA_PAGE) - ceil_sum(r->first, ROMA_PAGE);
    return page_passes(t, ceil_sum(r->last, P) - ceil_sum(r->first, P), timing_ceil_div(r->last, P),
                       t->k.calibrated ? 0 : pages * page);
}

static void count(const timing *t, const run *r, roma_events *e) {
    const roma_hyper *h = &t->p->desc->hyper;
    const double bytes = t->k.key_bytes + t->k.value_bytes, last = (double)r->last, first = (double)r->first,
                 pairs = last * (last + 1) / 2 - first * (first + 1) / 2;
    e->sram_bits += 8 * bytes * last * h->kv_heads + 2 * 32 * pairs * h->heads; /* scores are written and read */
    e->hunit_macs += 2 * pairs * h->heads * h->head_dim;
    e->vector_ops += 3 * pairs * h->heads;
}

/* Cycles until a run's first page has its weights: no product with its values starts before all of them are codes. */
static uint64_t first_weights(const timing *t, const run *r) {
    const roma_hyper *h = &t->p->desc->hyper;
    const uint64_t G = h->heads / h->kv_heads, P = t->k.head_units, page = ROMA_PAGE;
    const bool spread = t->c->hunit_pages == ROMA_PAGES_SPREAD;
    const uint64_t low = r->first < page ? r->first : page, high = r->last < page ? r->last : page;
    const uint64_t X = spread
                           ? ceil_sum(high, P) - ceil_sum(low, P) + (r->rows - (high - low)) * timing_ceil_div(page, P)
                           : page_sum((int64_t)r->last) - page_sum((int64_t)r->first);
    return t->k.chain[ROMA_CHAIN_WEIGH] + timing_up((double)(G * X) / t->c->hunit_exp) - 1 +
           (spread ? 2 * t->k.reach : 0);
}

static void latencies(const timing *t, uint64_t rows, uint64_t last, timing_duration *d) {
    const timing_numbers *k = &t->k;
    const roma_hyper *h = &t->p->desc->hyper;
    const uint64_t dims = timing_clog2(h->head_dim) * k->hop, q = timing_cross(k, (uint64_t)h->heads * h->head_dim);
    const uint64_t levels = timing_clog2(timing_ceil_div(last, ROMA_PAGE)), units = timing_clog2(k->head_units);
    const uint64_t query = rows * q + k->far + dims + k->div + k->mul + k->convert,
                   largest = dims + k->convert + 2 * k->mul + k->hop + 2 * k->reach;
    const uint64_t sums = k->mul + 5 * k->hop + k->convert + levels * k->add +
                          (units < levels ? units : levels) * timing_ceil_div(4 * (uint64_t)h->head_dim, k->link),
                   denominator = timing_larger(k->convert + k->hop + k->div, k->mul) - k->mul;
    d->occ += query + largest;
    d->lat = timing_larger(sums, denominator) + k->reach + k->mul + q + k->far;
}

void roma_cost_timing_attend(const timing *t, uint32_t block, timing_duration *d, roma_events *e) {
    timing_walk w = roma_cost_timing_walk(t, block);
    uint64_t rows = 0, last = 0;
    for (timing_piece x; roma_cost_timing_next(&w, &x);) {
        const run r = {x.rows, x.first, x.first + x.rows};
        rows += r.rows;
        if (r.last > last) last = r.last;
        if (e) count(t, &r, e);
        if (rows == r.rows && !t->k.calibrated) d->occ += first_weights(t, &r);
        const passes p = t->c->hunit_pages == ROMA_PAGES_SPREAD ? spread_pages(t, &r) : whole_pages(t, &r);
        d->occ += t->k.heads_of_unit * (p.key + p.value);
    }
    if (!t->k.calibrated) latencies(t, rows, last, d);
}
