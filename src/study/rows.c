/* Rows of ROMA (arXiv 2503.12988). Sources: the paper's tables and figures as far as public readings
 * have them. */
#include "study/internal.h"

#include <math.h>

/* ---- functions of the rows ---- */

static const double mebi = 1048576;

static const roma_design *three_b(study *x, const char *chip) { return roma_study_case(x, chip, "llama-3.2-3b", 4); }

/* One output of the model at the default workload; a: which, b: scale. */
static double output(study *x, const study_row *r) {
    const roma_workload w = roma_cost_workload_usual();
    const roma_design *d = three_b(x, r->chip);
    roma_cost cost;
    return d && roma_study_evaluate(x, &cost, &d->place, &w) ? cost.v[(int)r->a] * r->b : NAN;
}

static double hunit_share(study *x, const study_row *r) {
    const roma_workload w = roma_cost_workload_usual();
    const roma_design *d = three_b(x, r->chip);
    roma_cost cost;
    return d && roma_study_evaluate(x, &cost, &d->place, &w) ? 100 * cost.area_hunits / cost.area_mm2 : NAN;
}

static double lunit_area(study *x, const study_row *r) {
    const roma_chip *c = roma_study_chip(x, r->chip);
    return c ? roma_cost_lunit_um2(c, (int)r->a) * 1e-3 : NAN;
}

/* Dynamic power of an L-Unit that works all the time, over the same of chip roma-sram. */
static double lunit_w(study *x, const char *chip) {
    const roma_design *d = three_b(x, chip);
    const roma_workload w = roma_cost_workload_bare();
    roma_cost cost;
    if (!d) return NAN;
    roma_chip c = d->place.chip;
    c.overlap = 1; /* or attention would count as work of the L-Units */
    if (!roma_study_evaluate(x, &cost, roma_study_on(x, d, &c), &w)) return NAN;
    const double seconds = cost.use_lunit * cost.decode_cyc / c.clock_hz;
    return 1e-3 * (cost.mj_rom + cost.mj_mac + cost.mj_feed + cost.mj_merge + cost.mj_leaf + cost.mj_clock) / seconds /
           (c.matrix_units * c.lunits);
}
static double power_ratio(study *x, const study_row *r) { return lunit_w(x, r->chip) / lunit_w(x, "roma-sram"); }

static double density(study *x, const study_row *r) {
    const roma_chip *c = roma_study_chip(x, r->chip);
    if (!c) return NAN;
    return r->b != 0 ? roma_cost_sram_density(c, r->a) : roma_cost_rom_density(c, r->a);
}

/* SRAM less ROM of one L-Unit as compiled macros. */
static double macro_difference(study *x, const study_row *r) {
    const roma_chip *c = roma_study_chip(x, r->chip);
    return c ? (roma_cost_storage_um2(c, ROMA_ROM_SRAM) - roma_cost_storage_um2(c, ROMA_ROM_ROM)) * 1e-3 : NAN;
}

/* SRAM of all H-Units over an area of a mm2. */
static double sram_over(study *x, const study_row *r) {
    const roma_chip *c = roma_study_chip(x, r->chip);
    return c ? c->matrix_units * c->hunit_sram_bytes * 8 / roma_cost_sram_density(c, c->sram_depth) * 1e-6 / r->a : NAN;
}

static double ttft_ms(study *x, const study_row *r) {
    const roma_chip *c = roma_study_chip(x, "roma");
    return c ? 1e3 * roma_study_prefill_cycles(x, (uint32_t)r->a) / c->clock_hz : NAN;
}

/* us of the L-Units for one more prompt token. */
static double slope_us(study *x, const study_row *r) {
    const roma_design *d = three_b(x, r->chip);
    if (!d) return NAN;
    roma_chip c = d->place.chip;
    c.overlap = 1; /* attention apart */
    const roma_placement *p = roma_study_on(x, d, &c);
    const uint64_t two = roma_study_lunit_cycles(x, p, 2, 0), one = roma_study_lunit_cycles(x, p, 1, 0);
    return x->rc ? NAN : 1e6 * (double)(two - one) / c.clock_hz;
}

static double decode_rate(study *x, const study_row *r) {
    const roma_design *d = three_b(x, r->chip);
    roma_workload w = roma_cost_workload_usual();
    roma_cost cost;
    w.prompt = 0;
    w.context = (uint32_t)r->a;
    return d && roma_study_evaluate(x, &cost, &d->place, &w) ? cost.tok_s : NAN;
}

static double end_to_end(study *x, const study_row *r) {
    const uint32_t prompt = (uint32_t)r->a;
    const double n = roma_study_best_outputs(x), prefill = roma_study_prefill_cycles(x, prompt);
    return x->rc ? NAN : roma_study_rate(x, prompt, prefill, (uint32_t)n);
}
static double outputs(study *x, const study_row *r) { return r->a * roma_study_best_outputs(x); }

static double uncalibrated_mj(study *x, const study_row *r, double *static_mj) {
    const roma_design *d = three_b(x, r->chip);
    const roma_workload w = roma_cost_workload_usual();
    roma_cost cost;
    if (!d) return NAN;
    roma_chip c = d->place.chip;
    c.e_factor = 1;
    if (!roma_study_evaluate(x, &cost, roma_study_on(x, d, &c), &w)) return NAN;
    *static_mj = cost.mj_static;
    return cost.mj_per_token - cost.mj_static;
}
static double dynamic_mj(study *x, const study_row *r) {
    double leak;
    return uncalibrated_mj(x, r, &leak);
}
/* What the uncalibrated dynamic energy must be multiplied with for the paper's a W at b tokens/s. */
static double factor(study *x, const study_row *r) {
    double leak = NAN;
    const double mj = uncalibrated_mj(x, r, &leak);
    return (1e3 * r->a / r->b - leak) / mj;
}

/* Cache beside one adapter of rank b in a MiB of SRAM. */
static double tokens(study *x, const study_row *r) {
    const roma_design *d = three_b(x, r->chip);
    roma_workload w = roma_cost_workload_usual();
    roma_cost cost;
    if (!d) return NAN;
    roma_chip c = d->place.chip;
    c.hunit_sram_bytes = r->a * mebi / c.matrix_units;
    w.prompt = 0;
    w.rank = (uint32_t)r->b;
    return roma_study_evaluate(x, &cost, roma_study_on(x, d, &c), &w) ? cost.tokens_paper : NAN;
}

/* H-Units over which the positions of a head are spread: the cache grows by one position on each. */
static double spread(study *x, const study_row *r) {
    const roma_design *d = three_b(x, r->chip);
    return d ? fmax(1, floor(d->place.chip.matrix_units / d->desc->hyper.kv_heads)) : NAN;
}
/* The same capacity counted on one H-Unit: its share of the adapter, then whole positions. */
static double tokens_by_hunit(study *x, const study_row *r) {
    const roma_design *d = three_b(x, r->chip);
    const double P = spread(x, r);
    if (!d) return NAN;
    const roma_hyper *h = &d->desc->hyper;
    const double U = d->place.chip.matrix_units,
                 adapter = roma_cost_lora_bytes(&d->plan, r->b, d->place.chip.lora_weight_bytes, 0, 0) / U;
    const double position = 2.0 * h->layers * h->kv_heads * h->head_dim * d->place.chip.kv_bytes * P / U;
    return fmax(0, floor((r->a * mebi / U - adapter) / position)) * P;
}

static double transistors(study *x, const study_row *r) {
    const roma_chip *c = roma_study_chip(x, r->chip);
    return c ? c->rom_transistors : NAN;
}

/* Mean of ROMA's rates over another platform's (a: 0 CPU, 1 GPU), from the paper's own table. */
static double own_speedup(study *x, const study_row *r) {
    static const double rates[3][4] = {{6.8, 6.4, 5.3, 3.1},
                                       {219, 215.6, 212.2, 205.8},
                                       {PAPER_RATE_256, PAPER_RATE_512, PAPER_RATE_1K, PAPER_RATE_2K}};
    double sum = 0;
    for (int i = 0; i < 4; i++) sum += rates[2][i] / rates[(int)r->a][i];
    return x->rc ? NAN : sum / 4;
}

/* ---- the rows ---- */

#define BAR "L-Unit area and power figure"
#define MACRO "macro density figure, 64 bits wide"
#define CAPACITY "figure of SRAM size against tokens"
#define TABLE "table of rates against CPU and GPU"
#define TTFT "evaluation text, rank-16 adapters"

/* clang-format off */
const study_row roma_study_rows[] = {
    {"1.sram", "L-Unit area, SRAM", "k um2", 59.7, ROMA_STUDY_IDENTITY, TEST_WITHIN, lunit_area, "roma", ROMA_ROM_SRAM, 0,
     "memory.sram_placement", "compute near 10 k um2", BAR},
    {"1.rom", "L-Unit area, ROM", "k um2", 36.7, ROMA_STUDY_IDENTITY, TEST_WITHIN, lunit_area, "roma", ROMA_ROM_ROM, 0, "rom.placement", "",
     BAR},
    {"1.brom", "L-Unit area, B-ROM", "k um2", 26.0, ROMA_STUDY_IDENTITY, TEST_WITHIN, lunit_area, "roma", ROMA_ROM_BROM, 0, "lunit.lane_area",
     "B-ROM is 0.60 of ROM", BAR},
    {"1.fused", "L-Unit area, fused", "k um2", 22.5, ROMA_STUDY_IDENTITY, TEST_WITHIN, lunit_area, "roma", ROMA_ROM_FUSED, 0,
     "lunit.track_share", "", BAR},
    {"1m.sram", "as 1.sram, macro reading", "k um2", 59.7, ROMA_STUDY_IDENTITY, TEST_WITHIN, lunit_area, "roma-macro", ROMA_ROM_SRAM, 0, NULL,
     "macros as compiled, compute near 18.7 k um2", BAR},
    {"1m.rom", "as 1.rom, macro reading", "k um2", 36.7, ROMA_STUDY_IDENTITY, TEST_WITHIN, lunit_area, "roma-macro", ROMA_ROM_ROM, 0, NULL, "",
     BAR},
    {"1m.brom", "as 1.brom, macro reading", "k um2", 26.0, ROMA_STUDY_IDENTITY, TEST_WITHIN, lunit_area, "roma-macro", ROMA_ROM_BROM, 0, NULL,
     "B-ROM is 0.40 of ROM, against the text's 0.60", BAR},
    {"1m.fused", "as 1.fused, macro reading", "k um2", 22.5, ROMA_STUDY_IDENTITY, TEST_WITHIN, lunit_area, "roma-macro", ROMA_ROM_FUSED, 0,
     NULL, "devices bound it, not wiring", BAR},
    {"2.rom", "L-Unit power, ROM / SRAM", "", 11.4 / 19.2, ROMA_STUDY_CONSEQUENCE, TEST_UNMATCHED, power_ratio, "roma-rom", 0, 0, NULL,
     "public energies, none fitted to it", BAR},
    {"2.brom", "L-Unit power, B-ROM / ROM", "", 6.9 / 11.4, ROMA_STUDY_IDENTITY, TEST_UNMATCHED, NULL, NULL, 0, 0, NULL,
     "no mechanism: both read a ROM bit alike", BAR},
    {"2.fused", "L-Unit power, fused / B-ROM", "", 6.8 / 6.9, ROMA_STUDY_IDENTITY, TEST_UNMATCHED, NULL, NULL, 0, 0, NULL,
     "no mechanism: both read a ROM bit alike", BAR},
    {"3", "L-Units on the chip", "mm2", 368.7, ROMA_STUDY_INFERRED, TEST_WITHIN, output, "roma", ROMA_COST_area_lunits, 1, NULL,
     "their number is from it: 16,387 +- 40", "area shares, 73.2 %"},
    {"4", "total area", "mm2", 503.7, ROMA_STUDY_IDENTITY, TEST_WITHIN, output, "roma", ROMA_COST_area_mm2, 1, NULL,
     "the parts are from its shares", "headline table"},
    {"4.h", "H-Units' share", "%", 20.6, ROMA_STUDY_IDENTITY, TEST_WITHIN, hunit_share, "roma", 0, 0, NULL,
     "the share that closes the sum; 16.6 is printed", "100 less the other shares"},
    {"5.rom.1k", "ROM macro, 1K words", "Mbit/mm2", 21.6, ROMA_STUDY_INPUT, TEST_WITHIN, density, "roma", 1024, 0, NULL, "", MACRO},
    {"5.rom.2k", "ROM macro, 2K words", "Mbit/mm2", 34.4, ROMA_STUDY_INPUT, TEST_WITHIN, density, "roma", 2048, 0, NULL, "", MACRO},
    {"5.rom.4k", "ROM macro, 4K words", "Mbit/mm2", 47.1, ROMA_STUDY_INPUT, TEST_WITHIN, density, "roma", 4096, 0, NULL, "", MACRO},
    {"5.rom.8k", "ROM macro, 8K words", "Mbit/mm2", 57.8, ROMA_STUDY_INPUT, TEST_WITHIN, density, "roma", 8192, 0, NULL, "", MACRO},
    {"5.sram.1k", "SRAM macro, 1K words", "Mbit/mm2", 13.1, ROMA_STUDY_INPUT, TEST_WITHIN, density, "roma", 1024, 1, NULL, "", MACRO},
    {"5.sram.2k", "SRAM macro, 2K words", "Mbit/mm2", 21.9, ROMA_STUDY_INPUT, TEST_WITHIN, density, "roma", 2048, 1, NULL, "", MACRO},
    {"5.sram.4k", "SRAM macro, 4K words", "Mbit/mm2", 23.6, ROMA_STUDY_INPUT, TEST_WITHIN, density, "roma", 4096, 1, NULL, "", MACRO},
    {"5.sram.8k", "SRAM macro, 8K words", "Mbit/mm2", 25.7, ROMA_STUDY_INPUT, TEST_WITHIN, density, "roma", 8192, 1, NULL, "", MACRO},
    {"5a", "SRAM bar less ROM bar", "k um2", 59.7 - 36.7, ROMA_STUDY_INDEPENDENT, TEST_WITHIN, macro_difference, "roma-macro", 0, 0, NULL,
     "from row 5: 1 Mibit in the deepest macros", BAR},
    {"5b", "SRAM / H-Unit area, 20.6 %", "", 1, ROMA_STUDY_INDEPENDENT, TEST_AT_MOST, sram_over, "roma", 103.8, 0, NULL,
     "at most 1: the share that closes the sum holds the SRAM", "area shares, SRAM of 288 MiB"},
    {"5b.printed", "SRAM / H-Unit area, 16.6 %", "", 1, ROMA_STUDY_CONSEQUENCE, TEST_UNMATCHED, sram_over, "roma", 83.6, 0, NULL,
     "at most 1: the printed share cannot hold it", "area shares, SRAM of 288 MiB"},
    {"6", "time to first token, 256", "ms", 5.6, ROMA_STUDY_INFERRED, TEST_WITHIN, ttft_ms, "roma", 256, 0, NULL,
     "16 lanes agree with it", TTFT},
    {"6.4k", "time to first token, 4K", "ms", 140.2, ROMA_STUDY_CALIBRATED, TEST_WITHIN, ttft_ms, "roma", 4096, 0, "hunit.mac_efficiency", "",
     TTFT},
    {"6a", "slope of it, short prompts", "us/token", 21.05, ROMA_STUDY_INDEPENDENT, TEST_WITHIN, slope_us, "roma", 0, 0, NULL,
     "L-Units alone; paper: line of the parabola through both", TTFT},
    {"7", "decode, empty cache", "tokens/s", 31800, ROMA_STUDY_CALIBRATED, TEST_WITHIN, decode_rate, "roma", 0, 0, "schedule.fill", "",
     "evaluation text"},
    {"7.1k", "decode, 1K of cache", "tokens/s", 24600, ROMA_STUDY_CALIBRATED, TEST_WITHIN, decode_rate, "roma", 1024, 0,
     "hunit.read_efficiency", "", "evaluation text"},
    {"8.256", "end to end, prompt 256", "tokens/s", PAPER_RATE_256, ROMA_STUDY_CONSEQUENCE, TEST_UNMATCHED, end_to_end, "roma", 256, 0, NULL,
     "output length unpublished", TABLE},
    {"8.512", "end to end, prompt 512", "tokens/s", PAPER_RATE_512, ROMA_STUDY_CONSEQUENCE, TEST_UNMATCHED, end_to_end, "roma", 512, 0, NULL,
     "", TABLE},
    {"8.1k", "end to end, prompt 1K", "tokens/s", PAPER_RATE_1K, ROMA_STUDY_CONSEQUENCE, TEST_UNMATCHED, end_to_end, "roma", 1024, 0, NULL, "",
     TABLE},
    {"8.2k", "end to end, prompt 2K", "tokens/s", PAPER_RATE_2K, ROMA_STUDY_CONSEQUENCE, TEST_UNMATCHED, end_to_end, "roma", 2048, 0, NULL, "",
     TABLE},
    {"8.outputs", "outputs that fit them best", "tokens", NAN, ROMA_STUDY_CONSEQUENCE, TEST_UNMATCHED, outputs, "roma", 1, 0, NULL,
     "least largest error, one length for all four", TABLE},
    {"9", "power, decode", "W", 33.1, ROMA_STUDY_IDENTITY, TEST_WITHIN, output, "roma", ROMA_COST_power_w, 1, "energy.factor", "",
     "headline table"},
    {"9.energy", "energy of a token", "mJ", 33.1 / 31.8, ROMA_STUDY_IDENTITY, TEST_WITHIN, output, "roma", ROMA_COST_mj_per_token, 1, NULL,
     "follows from 7 and 9; the text says about 1", "33.1 W at 31.8K tokens/s"},
    {"9.dynamic", "dynamic energy, uncalibrated", "mJ", NAN, ROMA_STUDY_CONSEQUENCE, TEST_WITHIN, dynamic_mj, "roma", 0, 0, NULL,
     "public energies per event", "the paper has none by parts"},
    {"9.factor", "factor that row 9 needs", "", 1, ROMA_STUDY_CONSEQUENCE, TEST_FACTOR, factor, "roma", 33.1, 31800, NULL,
     "fails outside 0.3 to 3", "33.1 W at 31.8K tokens/s"},
    {"10", "tokens, 64 MiB, rank 16", "tokens", 736, ROMA_STUDY_INFERRED, TEST_WITHIN, tokens, "roma", 64, 16, NULL,
     "8-bit cache, adapters on seven linears", CAPACITY},
    {"10.r64", "tokens, 64 MiB, rank 64", "tokens", 0, ROMA_STUDY_INFERRED, TEST_WITHIN, tokens, "roma", 64, 64, NULL, "", CAPACITY},
    {"10.hunit", "the same, counted per H-Unit", "tokens", 736, ROMA_STUDY_INFERRED, TEST_WITHIN, tokens_by_hunit, "roma", 64, 16, NULL, "",
     CAPACITY},
    {"10.step", "step of the token counts", "tokens", 32, ROMA_STUDY_INDEPENDENT, TEST_WITHIN, spread, "roma", 0, 0, NULL,
     "one position on each H-Unit of a key-value head", "common divisor of 736, 1600, 3808"},
    {"11", "tokens, 256 MiB, rank 32", "tokens", 3808, ROMA_STUDY_INFERRED, TEST_WITHIN, tokens, "roma", 256, 32, NULL,
     "by relabelling: the label says rank 16", CAPACITY},
    {"11.r16", "tokens, 256 MiB, rank 16", "tokens", 3808, ROMA_STUDY_CONSEQUENCE, TEST_UNMATCHED, tokens, "roma", 256, 16, NULL, "as labelled",
     CAPACITY},
    {"11.128", "tokens, 128 MiB, rank 16", "tokens", 1600, ROMA_STUDY_CONSEQUENCE, TEST_UNMATCHED, tokens, "roma", 128, 16, NULL,
     "as labelled; no rank gives it", CAPACITY},
    {"12", "B-ROM transistors per bit", "", 0.25, ROMA_STUDY_STRUCTURAL, TEST_WITHIN, transistors, "roma", 0, 0, NULL,
     "one selects a group of four addresses", "B-ROM section"},
    {"13.cpu", "speed-up over CPU", "", 2785, ROMA_STUDY_CONSEQUENCE, TEST_WITHIN, own_speedup, NULL, 0, 0, NULL,
     "the paper against its own table", TABLE},
    {"13.gpu", "speed-up over GPU", "", 70.5, ROMA_STUDY_CONSEQUENCE, TEST_WITHIN, own_speedup, NULL, 1, 0, NULL,
     "the paper against its own table", TABLE},
    {0}};
/* clang-format on */
