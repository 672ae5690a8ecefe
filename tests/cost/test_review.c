/* What a chip architect found wrong in the first timing law, each defect by its number there: a law that has it again
 * fails here. All on Llama 3.2 3B at 4 bits on roma-contract: 256 matrix units of 64 L-Units of 16 lanes. */
#include "design.h"

#include <math.h>

static void open_3b(design *d, uint32_t group) {
    roma_chip c;
    roma_error err;
    memset(d, 0, sizeof *d);
    design_need(roma_chip_open(&c, "roma-contract", &err), &err);
    design_need(roma_shape_describe(&d->desc, "llama-3.2-3b", &(roma_shape_format){4, group, 4}, &err), &err);
    design_need(roma_map_plan(&d->plan, &d->desc, &err), &err);
    design_need(roma_map_place(&d->place, &d->plan, &c, 1, &err), &err);
}

static void put(design *d, unsigned key, double v) { roma_chip_put(&d->place.chip, key, v); }

static roma_cost cost_at(design *d, uint32_t context, uint32_t rank) {
    const roma_workload w = {.context = context, .batch = 1, .rank = rank, .adapters = 1, .toggle = 1};
    return design_cost(d, &w);
}

/* Cycles that instances of the last decode step keep their unit: those of one kind of operation, or of adapters. */
static uint64_t taken(const design *d, roma_op_kind kind, bool adapters) {
    uint64_t sum = 0;
    for (size_t i = 0; i < d->s.n; i++) {
        const roma_cost_instance *x = &d->s.instances[i];
        if (d->plan.ops[x->op].kind == kind && (x->part != ROMA_PART_BASE) == adapters) sum += x->busy - x->start;
    }
    return sum;
}

/* D1: somebody reads the scales. By hand, addresses of codes and, in the L-Units' own words, of scales of groups of 16
 * and of 128: q and o 36 + 9 or 2, k and v 12 + 3 or 1, gate, up and down 96 + 24 or 3, the head 1,506 + 377 or 48. */
static void test_scales(void) {
    static const struct {
        uint32_t group;
        uint64_t shared;
    } v[] = {{16, 28 * (2 * 45 + 2 * 15 + 3 * 120) + 1883}, {128, 28 * (2 * 38 + 2 * 13 + 3 * 99) + 1554}};
    const uint64_t codes = 28 * (2 * 36 + 2 * 12 + 3 * 96) + 1506;
    for (int i = 0; i < 2; i++) {
        design d;
        open_3b(&d, v[i].group);
        put(&d, ROMA_CHIP_leaf_group, 16);
        put(&d, ROMA_CHIP_scale_bits, 1024);
        for (int port = ROMA_SCALES_OWN; port <= ROMA_SCALES_FREE; port++) {
            put(&d, ROMA_CHIP_scale_port, port);
            put(&d, ROMA_CHIP_lunit_words, 20000);
            put(&d, ROMA_CHIP_rom_macro_words, 32768);
            CHECK_REAL(cost_at(&d, 0, 0).fits_rom, 1);
            CHECK_EQ(d.place.rom_words, port == ROMA_SCALES_OWN ? codes : v[i].shared);
            /* A word a cycle and no more: those of the L-Units' port, which reads what it has but where it is free. */
            CHECK_EQ(taken(&d, ROMA_OP_LINEAR, false), port == ROMA_SCALES_SHARED ? v[i].shared : codes);
            CHECK_EQ(d.place.scale_words > 0, port == ROMA_SCALES_OWN);
        }
        design_close(&d);
    }
}

/* D6: adapters in the L-Units come out of the H-Units' SRAM: 256 x 1,519,616 bytes at 256 x 64 a cycle. */
static void test_serial(void) {
    design d;
    open_3b(&d, 128);
    put(&d, ROMA_CHIP_lora_where, 1);
    const double without = cost_at(&d, 0, 0).decode_cyc, with = cost_at(&d, 0, 256).decode_cyc;
    CHECK(taken(&d, ROMA_OP_LINEAR, true) >= 23744);
    CHECK(with >= without + 23744);
    design_close(&d);
}

/* D7: no logic, and nothing else, is deeper than its contents. */
static void test_depth(void) {
    roma_chip c;
    roma_error err = {0};
    design_need(roma_chip_open(&c, "roma-better", &err), &err);
    CHECK_EQ((int)c.rom_style, ROMA_ROM_LOGIC);
    roma_chip_put(&c, ROMA_CHIP_rom_depth, c.rom_macro_words);
    CHECK_EQ(roma_chip_check(&c, "x", &err), 0);
    const double deeper[] = {c.rom_macro_words + 1, 65536};
    for (int i = 0; i < 2; i++) {
        roma_chip_put(&c, ROMA_CHIP_rom_depth, deeper[i]);
        CHECK_EQ(roma_chip_check(&c, "x", &err), ROMA_EINPUT);
        CHECK_HAS(err.text, "deeper than all that an L-Unit stores");
    }
}

/* D9: wrong words lie in the SRAM, 8 bytes and 4 of address each, where they take room, time and energy. */
static void test_defects(void) {
    static const struct {
        const char *map;
        double words;
    } v[] = {{"0 0 20000\n", 20000}, {"0 0 90000\n3 5 2\n", 90000}};
    design d;
    open_3b(&d, 128);
    roma_error err = {0};
    roma_cost before = cost_at(&d, 0, 16);
    CHECK_REAL(before.tokens, 4608);
    for (int i = 0; i < 2; i++) {
        roma_defects map = {0};
        roma_workload w = {.batch = 1, .rank = 16, .adapters = 1, .toggle = 1, .defects = &map};
        design_need(roma_defects_read(&map, &d.place.chip, v[i].map, strlen(v[i].map), "map", &err), &err);
        const roma_cost c = design_cost(&d, &w);
        const double over = v[i].words - d.place.chip.patch_words, sram = 1179648 - 12 * over;
        CHECK(c.tokens < before.tokens && c.tok_s < before.tok_s && c.mj_sram > before.mj_sram);
        CHECK(c.mj_per_token > before.mj_per_token);
        /* The largest count that the rest holds, and no more. */
        const double lora = c.lora_bytes;
        CHECK_REAL(c.tokens, 32.0 * (double)roma_place_pages(&d.place, 256 * sram, lora));
        before = c;
        roma_defects_destroy(&map);
    }
    static const char *const too_many[] = {"0 0 100000\n", "; a comment\n0 0 900000\n"};
    for (unsigned i = 0; i < 2; i++) {
        roma_defects map = {0};
        CHECK_EQ(roma_defects_read(&map, &d.place.chip, too_many[i], strlen(too_many[i]), "map", &err), ROMA_EINPUT);
        CHECK_HAS(err.text, "bytes of SRAM, and the H-Unit beside them has 1179648");
        CHECK(err.line == i + 1 && !map.words);
    }
    design_close(&d);
}

/* D10: L-Units that wait for attention are not at work: the longer the context, the less they are. */
static void test_use(void) {
    static const uint32_t contexts[] = {0, 1024, 4000, 32768, 131071};
    design d;
    open_3b(&d, 128);
    CHECK(d.place.chip.overlap == 0);
    double last = 1;
    for (size_t i = 0; i < 5; i++) {
        const roma_cost c = cost_at(&d, contexts[i], 16);
        const uint64_t work = taken(&d, ROMA_OP_LINEAR, false) + taken(&d, ROMA_OP_EMBED, false);
        CHECK_REAL(c.use_lunit, (double)work / c.decode_cyc);
        CHECK(c.use_lunit < last && c.use_lunit < 0.3);
        last = c.use_lunit;
    }
    CHECK(last < 0.03);
    design_close(&d);
}

/* D11: adapters of rank 0 keep no share of an H-Unit. */
static void test_share(void) {
    static const uint32_t none[256];
    design d;
    open_3b(&d, 128);
    const double off = cost_at(&d, 4096, 0).decode_cyc;
    const uint64_t attend = taken(&d, ROMA_OP_ATTEND, false);
    put(&d, ROMA_CHIP_overlap, 1);
    CHECK(cost_at(&d, 4096, 0).decode_cyc <= off);
    CHECK_EQ(taken(&d, ROMA_OP_ATTEND, false), attend);
    /* Neither do sets whose ranks are all 0, one by one or together. */
    const roma_cost_adapter nothing[] = {{.id = 1}, {.id = 2, .rank = 8, .ranks = none}};
    const roma_cost_span span = {.position = 4096, .rows = 1, .logits = 1, .n_adapters = 2, .adapters = nothing};
    roma_error err;
    CHECK(d.plan.n_adapter_slots <= 256);
    CHECK_EQ(roma_cost_step(&d.s, &d.place, &span, 1, &err), 0);
    CHECK_EQ(taken(&d, ROMA_OP_ATTEND, false), attend);
    CHECK(taken(&d, ROMA_OP_LINEAR, true) == 0);
    cost_at(&d, 4096, 1); /* one of rank 1 does */
    CHECK(taken(&d, ROMA_OP_ATTEND, false) > attend);
    design_close(&d);
}

/* D12: logits leave over the host's link: 128,256 of 4 bytes at 1e9 bytes a second are 256,512 cycles of 500 MHz. */
static void test_logits(void) {
    design d;
    open_3b(&d, 128);
    CHECK(d.place.chip.host_bandwidth == 1e9 && d.place.chip.clock_hz == 5e8);
    const double argmax = cost_at(&d, 0, 16).decode_cyc;
    put(&d, ROMA_CHIP_full_logits, 1);
    const double all = cost_at(&d, 0, 16).decode_cyc;
    const roma_cost_instance *head = &d.s.instances[d.s.n - 1];
    CHECK_EQ(head->busy - head->start, 256512);
    CHECK(all > argmax + 256512 - 1506 - 16 && all < argmax + 256512);
    put(&d, ROMA_CHIP_host_bandwidth,
        1e15); /* the network remains: half of the logits pass its middle, 8 bytes a pair */
    CHECK(cost_at(&d, 0, 16).decode_cyc >= argmax - 8);
    design_close(&d);
}

/* D13: few sequences of a batch share a block, whatever block_rows is for prompts, and the others fill their waits. */
static void test_batch(void) {
    design d;
    open_3b(&d, 128);
    put(&d, ROMA_CHIP_hunit_sram_bytes, 1e9); /* so that all of it fits */
    CHECK_REAL(d.place.chip.block_spans, 4);
    double rate[2][34], one;
    for (int k = 0; k < 2; k++) {
        put(&d, ROMA_CHIP_block_rows, k ? 1 : 32);
        for (uint32_t batch = 28; batch < 34; batch++) {
            const roma_workload w = {.context = 64, .batch = batch, .rank = 16, .adapters = 1, .toggle = 1};
            rate[k][batch] = design_cost(&d, &w).tok_s;
        }
    }
    for (uint32_t batch = 28; batch < 34; batch++) CHECK(rate[0][batch] >= rate[1][batch]);
    /* No kink where 32 rows are full: 17,479 cycles for the 32nd sequence, 5,619 for the next one. */
    double least = HUGE_VAL, most = 0;
    for (uint32_t batch = 28; batch < 33; batch++) {
        const double next = (batch + 1) / rate[0][batch + 1] - batch / rate[0][batch];
        least = fmin(least, next);
        most = fmax(most, next);
    }
    CHECK(most < 1.8 * least);
    one = cost_at(&d, 64, 16).tok_s;
    CHECK(rate[0][32] > 2 * one);
    design_close(&d);
}

int main(void) {
    test_scales();
    test_serial();
    test_depth();
    test_defects();
    test_use();
    test_share();
    test_logits();
    test_batch();
    return TEST_DONE();
}
