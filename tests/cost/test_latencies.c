/* Latencies of a step's instances against the arithmetic contract: one row on random chips and models, whose operations
 * are done once more in numbers that carry their depth (latencies.h). The cycles in which attention reads its pages are
 * those of the same step on a chip whose units take no time. */
#include "latencies.h"

/* ---- a step --------------------------------------------------------------------------------------------------------
 */

static void need(int rc, const roma_error *err) {
    char text[700];
    if (!rc) return;
    fprintf(stderr, "%s\n", roma_error_format(err, text, sizeof text));
    exit(1);
}

/* Units of which one alone takes a cycle, all others none; then all of them. A divider is no faster than a multiplier,
 * so that the scale of a query is there before its codes have been multiplied. */
static void choose_units(roma_chip *c, unsigned kind) {
    double *unit_of[] = {&c->lat_add, &c->lat_mul, &c->lat_convert, &c->lat_div, &c->lat_sqrt, &c->hop_cyc};
    if (kind < 6)
        for (unsigned i = 0; i < 6; i++) *unit_of[i] = i == kind;
    else
        c->lat_div = fmax(c->lat_div, ceil(c->lat_mul));
}

static void open_bench(bench *b, unsigned kind) {
    roma_error err;
    memset(b, 0, sizeof *b);
    if (!random_make(&b->r, kind)) exit(1);
    roma_chip chip = b->r.place.chip;
    const roma_kv kv = b->r.place.kv;
    roma_place_destroy(&b->r.place);
    chip.fill_cyc = 0;
    choose_units(&chip, kind % 20);
    need(roma_map_place(&b->r.place, &b->r.plan, &chip, 1, &err), &err);
    b->r.place.kv = kv;
    b->c = &b->r.place.chip;
    b->link = up(chip.link_bytes);
    b->vector = (uint64_t)(chip.vector_units * chip.vector_lanes);
    b->hop = up(chip.hop_cyc);
    find_distances(b);
    depth_use(&chip);
    for (uint32_t i = 0; i < 2; i++)
        b->adapters[i] = (roma_cost_adapter){.id = i, .rank = (uint32_t)random_range(&b->r, 1, 40)};
    b->span = (roma_cost_span){random_below(&b->r, 300), 1, 1, kind % 3, b->adapters};
    need(roma_cost_step(&b->s, &b->r.place, &b->span, 1, &err), &err);
    roma_chip *c = &b->r.place.chip;
    c->lat_add = c->lat_mul = c->lat_convert = c->lat_div = c->lat_sqrt = c->hop_cyc = 0;
    need(roma_cost_step(&b->quiet, &b->r.place, &b->span, 1, &err), &err);
    roma_place_derive(&b->r.place);
    *c = chip;
}

/* The cycle from which the unit kind of instance i is free for it. */
static uint64_t unit_free(const bench *b, size_t i) {
    const roma_cost_instance *s = b->s.instances;
    uint64_t at = 0;
    for (size_t j = 0; j < i; j++) {
        const bool is_both = b->r.plan.ops[s[j].op].kind == ROMA_OP_ATTEND && b->c->overlap == 0;
        if (s[j].unit == s[i].unit || (is_both && s[i].unit == ROMA_UNIT_L)) at = later(at, s[j].busy);
    }
    return at;
}
/* The last instance before i that wrote a value: of parts other than BASE, those that add to it. */
static const roma_cost_instance *writer(const bench *b, size_t i, uint32_t value, bool ups) {
    while (i-- > 0) {
        const roma_cost_instance *s = &b->s.instances[i];
        if (b->r.plan.ops[s->op].out == value && s->part != ROMA_PART_DOWN && (ups || s->part == ROMA_PART_BASE))
            return s;
    }
    CHECK(false);
    return b->s.instances;
}

/* When a LINEAR or a down starts: codes are there, and their scale once it is needed. */
static void check_start(const bench *b, size_t i, uint64_t first) {
    const roma_cost_instance *s = &b->s.instances[i];
    const uint32_t in = b->r.plan.ops[s->op].in[0];
    const roma_cost_instance *before = writer(b, i, in, false);
    uint64_t start = later(before->end, unit_free(b, i)), scale = 0;
    if (b->r.plan.ops[before->op].kind == ROMA_OP_NORM) {
        norm_done(b, b->r.plan.values[in].width, b->r.plan.ops[before->op].param.order > 0, &scale);
        if (before->start + scale > first) start = later(start, before->start + scale - first);
    }
    if (s->part == ROMA_PART_DOWN) start = later(start, writer(b, i, b->r.plan.ops[s->op].out, false)->start);
    CHECK_EQ(s->start, start);
}

/* Behind a BIAS sums have waited for it together, and are read again as an up of rank 16 makes them: when they are
 * there. 0: there is no BIAS. */
static uint64_t bias_read(const bench *b, size_t i, uint64_t rank) {
    const roma_op *op = &b->r.plan.ops[b->s.instances[i].op];
    const roma_cost_instance *bias = writer(b, i, op->out, false);
    const double share = b->c->overlap > 0 && rank ? b->c->lora_share : 1;
    if (b->r.plan.ops[bias->op].kind != ROMA_OP_BIAS) return 0;
    if (b->c->lora_where > 0) return bias->end;
    return bias->end + up(16 * (double)b->r.place.tensors[op->tensor].unit_rows / (b->c->hunit_mac * share));
}

static void check_adapter(const bench *b, size_t i) {
    const roma_cost_instance *s = &b->s.instances[i];
    const roma_op *op = &b->r.plan.ops[s->op];
    /* trees are as deep as the step's largest rank in sixteens asks, so that no place overtakes another */
    uint64_t rank = 0;
    for (uint32_t k = 0; k < b->span.n_adapters; k++) rank = later(rank, b->adapters[k].rank);
    rank = (rank + 15) / 16 * 16;
    const down_result d = down_done(b, op, rank);
    if (s->part == ROMA_PART_DOWN) {
        CHECK_EQ(s->end - s->busy, d.code.at);
        check_start(b, i, s->busy - s->start + d.sums);
        return;
    }
    size_t down = i;
    while (down-- > 0)
        if (b->s.instances[down].op == s->op && b->s.instances[down].place == s->place &&
            b->s.instances[down].part == ROMA_PART_DOWN)
            break;
    const uint64_t t = b->s.instances[down].busy + d.t.at;
    CHECK_EQ(s->end, up_done(b, rank, s->busy, t, later(writer(b, i, op->out, true)->end, bias_read(b, i, rank))));
}

static uint64_t width_of(const bench *b, uint32_t value) { return b->r.plan.values[value].width; }

/* All that takes its cycles from several passes is held from its start, all else from its last operand. */
static void check_base(const bench *b, size_t i) {
    const roma_cost_instance *s = &b->s.instances[i], *quiet = &b->quiet.instances[i];
    const roma_op *op = &b->r.plan.ops[s->op];
    const uint64_t all = s->end - s->start, lat = s->end - s->busy;
    const roma_hyper *h = &b->r.d.hyper;
    uint64_t scale;
    switch (op->kind) {
    case ROMA_OP_ANGLES: CHECK_EQ(lat, angles_done()); break;
    case ROMA_OP_EMBED: CHECK_EQ(lat, embed_done(b, op)); break;
    case ROMA_OP_NORM: CHECK_EQ(all, norm_done(b, width_of(b, op->in[0]), op->param.order > 0, &scale)); break;
    case ROMA_OP_QUANTISE: CHECK_EQ(all, quantise_done(b, width_of(b, op->in[0]), op->param.order > 0)); break;
    case ROMA_OP_LINEAR:
        CHECK_EQ(lat, linear_done(b, op));
        check_start(b, i, linear_first(b, op));
        break;
    case ROMA_OP_BIAS:
    case ROMA_OP_RESIDUAL: CHECK_EQ(lat, sum(operand(0), operand(0)).at); break;
    case ROMA_OP_HEAD_NORM: CHECK_EQ(all, head_norm_done(b, width_of(b, op->in[0]), h->head_dim)); break;
    case ROMA_OP_ROPE: CHECK_EQ(lat, rope_done()); break;
    case ROMA_OP_CACHE: CHECK_EQ(lat, cache_done(b)); break;
    case ROMA_OP_ATTEND:
        CHECK_EQ(all, attend_done(b, quiet->busy - quiet->start - cross(b, (uint64_t)h->heads * h->head_dim)));
        break;
    case ROMA_OP_SILU: CHECK_EQ(lat, silu(operand(0), operand(0)).at); break;
    case ROMA_OP_RELU2: CHECK_EQ(lat, relu2(operand(0), operand(0)).at); break;
    case ROMA_OP_COUNT: CHECK(false); break;
    }
}

int main(void) {
    static bench b;
    for (unsigned kind = 0; kind < test_effort(400); kind++) {
        open_bench(&b, kind);
        const int before = test_failures;
        for (size_t i = 0; i < b.s.n; i++)
            if (b.s.instances[i].part == ROMA_PART_BASE)
                check_base(&b, i);
            else
                check_adapter(&b, i);
        if (test_failures > before) fprintf(stderr, "  in case %u\n", kind);
        roma_schedule_destroy(&b.s);
        roma_schedule_destroy(&b.quiet);
        random_done(&b.r);
    }
    return TEST_DONE();
}
