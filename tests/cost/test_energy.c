/* Energy: every coefficient enters once, and the closed forms of leakage, gating, cap and junction by hand. */
#include "design.h"

#include "cost/cost_int.h"

#include <math.h>

static const roma_workload usual = {.prompt = 128, .context = 256, .batch = 2, .rank = 16, .adapters = 2, .toggle = 1};

/* Doubling an energy doubles its output and moves no other part. */
static void test_coefficients(void) {
    static const struct {
        unsigned parameter, output;
    } pair[] = {{ROMA_CHIP_e_rom_fj, ROMA_COST_mj_rom},       {ROMA_CHIP_e_mac_fj, ROMA_COST_mj_mac},
                {ROMA_CHIP_e_buffer_fj, ROMA_COST_mj_feed},   {ROMA_CHIP_e_merge_fj, ROMA_COST_mj_merge},
                {ROMA_CHIP_e_leaf_pj, ROMA_COST_mj_leaf},     {ROMA_CHIP_e_clock_fj, ROMA_COST_mj_clock},
                {ROMA_CHIP_e_sram_fj, ROMA_COST_mj_sram},     {ROMA_CHIP_e_hmac_fj, ROMA_COST_mj_hmac},
                {ROMA_CHIP_e_vector_pj, ROMA_COST_mj_vector}, {ROMA_CHIP_e_wire_fj, ROMA_COST_mj_wire},
                {ROMA_CHIP_e_dram_pj, ROMA_COST_mj_dram},     {ROMA_CHIP_e_die_pj, ROMA_COST_mj_die}};
    design d;
    design_open(&d, "roma-contract", "llama-3.2-3b", 4, 4);
    const roma_chip base = d.place.chip;
    const roma_cost before = design_cost(&d, &usual);
    for (size_t i = 0; i < sizeof pair / sizeof *pair; i++) {
        d.place.chip = base;
        roma_chip_put(&d.place.chip, pair[i].parameter, 2 * roma_chip_get(&base, pair[i].parameter));
        const roma_cost after = design_cost(&d, &usual);
        for (unsigned o = ROMA_COST_mj_rom; o <= ROMA_COST_mj_static; o++)
            if (o == pair[i].output)
                CHECK_NEAR(after.v[o], 2 * before.v[o], 1e-12);
            else
                CHECK(after.v[o] == before.v[o]);
        CHECK_NEAR(after.mj_per_token - before.mj_per_token, before.v[pair[i].output], 1e-6);
        CHECK(before.v[pair[i].output] > 0 || pair[i].output == ROMA_COST_mj_dram ||
              pair[i].output == ROMA_COST_mj_die);
    }
    design_close(&d);
}

/* What one event of each kind costs, in mJ. */
static void test_units(void) {
    design d;
    double mj[ROMA_N_EVENTS];
    design_open(&d, "roma", "llama-3.2-3b", 4, 4);
    roma_chip *c = &d.place.chip;
    roma_chip_put(c, ROMA_CHIP_e_factor, 2);
    roma_events one;
    for (size_t i = 0; i < ROMA_N_EVENTS; i++) ((double *)(void *)&one)[i] = 1;
    const double want[ROMA_N_EVENTS] = {
        c->e_rom_fj * 1e-12 * 0.8, c->e_mac_fj * 1e-12,  c->e_buffer_fj * 1e-12,
        c->e_merge_fj * 1e-12,     c->e_leaf_pj * 1e-9,  c->lanes * c->e_clock_fj * 1e-12,
        c->e_sram_fj * 1e-12,      c->e_hmac_fj * 1e-12, c->e_vector_pj * 1e-9,
        c->e_wire_fj * 1e-12,      c->e_dram_pj * 1e-9,  c->e_die_pj * 1e-9};
    double sum = roma_cost_dynamic_mj(mj, &one, c, 0.8), parts = 0;
    for (int i = 0; i < ROMA_N_EVENTS; i++) {
        CHECK_NEAR(mj[i], 2 * want[i], 1e-12);
        parts += mj[i];
    }
    CHECK_NEAR(sum, parts, 1e-12);
    roma_chip_put(c, ROMA_CHIP_rom_style, ROMA_ROM_SRAM);
    roma_cost_dynamic_mj(mj, &one, c, 1);
    CHECK_NEAR(mj[0], 2e-12 * c->e_sram_fj, 1e-12);
    roma_chip_put(c, ROMA_CHIP_rom_style, ROMA_ROM_LOGIC);
    roma_chip_put(c, ROMA_CHIP_rom_depth, 256);
    roma_cost_dynamic_mj(mj, &one, c, 1);
    CHECK_NEAR(mj[0], 2e-12 * c->e_logic_rom_fj / 4, 1e-12);
    /* A node moves everything that is on the chip. */
    roma_chip_put(c, ROMA_CHIP_constants_nm, 7);
    roma_chip_put(c, ROMA_CHIP_node_nm, 5);
    roma_cost_dynamic_mj(mj, &one, c, 1);
    CHECK_NEAR(mj[1], 2 * 0.7 * want[1], 1e-12);
    for (int i = ROMA_N_EVENTS - 2; i < ROMA_N_EVENTS; i++) CHECK_NEAR(mj[i], 2 * want[i], 1e-12); /* off the die */
    design_close(&d);
}

static void test_parts(void) {
    design d;
    design_open(&d, "roma", "llama-3.2-3b", 4, 4);
    const roma_cost c = design_cost(&d, &usual);
    const double parts = c.mj_rom + c.mj_mac + c.mj_feed + c.mj_merge + c.mj_leaf + c.mj_clock + c.mj_sram + c.mj_hmac +
                         c.mj_vector + c.mj_wire + c.mj_dram + c.mj_die;
    CHECK_NEAR(c.mj_per_token, parts + c.mj_static, 1e-12);
    CHECK_NEAR(c.power_w, c.mj_per_token * 1e-3 * c.tok_s, 1e-12);
    CHECK_NEAR(c.mj_static, c.static_w / c.tok_s * 1e3, 1e-12);
    CHECK_NEAR(c.tok_s, 2 * d.place.chip.clock_hz / c.decode_cyc, 1e-12);
    CHECK_NEAR(c.w_mm2, c.power_w / c.area_mm2, 1e-12);
    CHECK_NEAR(c.junction_c, d.place.chip.ambient_c + d.place.chip.thermal_k_w * c.power_w, 1e-12);
    CHECK(c.prefill_mj > c.static_w * c.ttft_s * 1e3);
    CHECK_NEAR(c.prefill_tok_s, 128 / c.ttft_s, 1e-12);
    CHECK_NEAR(
        c.adapter_load_s,
        roma_cost_lora_bytes(&d.plan, 16, d.place.chip.lora_weight_bytes, d.place.chip.kv_scale_bytes > 0 ? 4 : 0, 0) /
            d.place.chip.host_bandwidth,
        1e-12);
    CHECK_NEAR(c.adapter_load_tokens, c.adapter_load_s * d.place.chip.clock_hz / c.decode_cyc, 1e-12);
    design_close(&d);
}

static void test_static(void) {
    design d;
    roma_areas a;
    double w[ROMA_STATIC_N];
    design_open(&d, "roma", "llama-3.2-3b", 4, 4);
    roma_chip *c = &d.place.chip;
    roma_chip_put(c, ROMA_CHIP_s_logic, 0.02);
    roma_chip_put(c, ROMA_CHIP_s_sram, 0.03);
    roma_chip_put(c, ROMA_CHIP_s_rom, 0.05);
    roma_chip_put(c, ROMA_CHIP_rom_gated, 0);
    roma_chip_put(c, ROMA_CHIP_gate_residual, 0.1);
    roma_chip_put(c, ROMA_CHIP_rom_macro_words, 16000);
    roma_chip_put(c, ROMA_CHIP_rom_depth, 4000);
    roma_cost_areas(&a, c);
    const double sram = a.hunit_sram + a.vector_sram, logic = a.compute + a.hunits + a.vector - sram + a.other;
    CHECK_NEAR(roma_cost_static_w(w, c, &a, false), 0.02 * logic + 0.03 * sram + 0.05 * a.storage, 1e-12);
    CHECK_NEAR(roma_cost_static_w(w, c, &a, true), 0.02 * logic + 0.03 * sram + 0.05 * a.storage, 1e-12);
    /* A quarter of the banks is awake, the rest leaks a tenth: 0.325. */
    roma_chip_put(c, ROMA_CHIP_rom_gated, 1);
    CHECK_NEAR(roma_cost_static_w(w, c, &a, false), 0.02 * logic + 0.03 * sram + 0.05 * 0.325 * a.storage, 1e-12);
    roma_chip_put(c, ROMA_CHIP_idle_gated, 1);
    CHECK_NEAR(roma_cost_static_w(w, c, &a, true), 0.002 * logic + 0.03 * sram + 0.05 * 0.325 * a.storage, 1e-12);
    CHECK_NEAR(w[0] + w[1] + w[2] + w[3], roma_cost_static_w(w, c, &a, true), 1e-12);
    /* SRAM storage leaks as SRAM and cannot be gated. */
    roma_chip_put(c, ROMA_CHIP_rom_style, ROMA_ROM_SRAM);
    roma_cost_areas(&a, c);
    roma_cost_static_w(w, c, &a, false);
    CHECK_NEAR(w[ROMA_STATIC_L], 0.02 * a.compute + 0.03 * a.storage, 1e-12);
    design_close(&d);
}

static void test_rates(void) {
    design d;
    design_open(&d, "roma", "llama-3.2-3b", 4, 4);
    roma_chip_put(&d.place.chip, ROMA_CHIP_idle_gated, 1);
    roma_chip_put(&d.place.chip, ROMA_CHIP_gate_residual, 0);
    roma_workload w = usual;
    const roma_cost c = design_cost(&d, &w);
    roma_areas a;
    double kinds[ROMA_STATIC_N];
    roma_cost_areas(&a, &d.place.chip);
    const double idle = roma_cost_static_w(kinds, &d.place.chip, &a, true), t = 1 / c.tok_s,
                 dynamic = c.mj_per_token - c.mj_static;
    CHECK(idle < c.static_w);
    CHECK_NEAR(c.mj_at_5, c.mj_per_token + 1e3 * idle * (0.2 - t), 1e-12);
    CHECK_NEAR(c.mj_at_20, c.mj_per_token + 1e3 * idle * (0.05 - t), 1e-12);
    CHECK_NEAR(c.mj_at_100, c.mj_per_token + 1e3 * idle * (0.01 - t), 1e-12);
    CHECK(c.tok_s_capped == c.tok_s);
    w.max_w = c.power_w * 1.01;
    CHECK(design_cost(&d, &w).tok_s_capped == c.tok_s);
    w.max_w = (c.power_w + c.static_w) / 2;
    CHECK_NEAR(design_cost(&d, &w).tok_s_capped, (w.max_w - c.static_w) / (dynamic * 1e-3), 1e-12);
    CHECK_NEAR(design_cost(&d, &w).tok_s_capped, c.tok_s / 2, 1e-9);
    w.max_w = c.static_w * 0.9;
    CHECK(design_cost(&d, &w).tok_s_capped == 0);
    w.max_w = 0;
    w.toggle = 0.5;
    CHECK_NEAR(design_cost(&d, &w).mj_rom, c.mj_rom / 2, 1e-12);
    design_close(&d);
}

/* K dies leak K times, and each carries its share of the power. */
static void test_dies(void) {
    design d;
    design_open(&d, "roma", "llama-3.2-3b", 4, 4);
    roma_workload w = usual;
    const roma_cost one = design_cost(&d, &w);
    design_dies(&d, 4);
    const roma_cost four = design_cost(&d, &w);
    CHECK_NEAR(four.static_w, 4 * one.static_w, 1e-12);
    CHECK_NEAR(four.junction_c, d.place.chip.ambient_c + d.place.chip.thermal_k_w * four.power_w / 4, 1e-12);
    CHECK(four.ttft_s > one.ttft_s && four.mj_mac == one.mj_mac);
    roma_cost none;
    roma_error err;
    roma_placement nowhere;
    CHECK_EQ(roma_map_place(&nowhere, &d.plan, &d.place.chip, 0, &err), ROMA_EINPUT);
    CHECK(!nowhere.tensors);
    w.batch = 0;
    CHECK_EQ(roma_cost_evaluate(&none, &d.s, &d.place, &w, &err), ROMA_EINPUT);
    design_close(&d);
}

int main(void) {
    test_coefficients();
    test_units();
    test_parts();
    test_static();
    test_rates();
    test_dies();
    return TEST_DONE();
}
