/* Rows of ROMA's kin: the same model with other chip files. */
#include "study/internal.h"

#include <math.h>
#include <string.h>

static const roma_design *model_of(study *x, const char *chip) {
    static const char *const pairs[][2] = {{"rcw-cim", "llama-2-7b"},
                                           {"tom", "bitnet-2b"},
                                           {"taalas-hc1", "llama-3-8b"},
                                           {"primal", "llama-13b"},
                                           {"bitrom", "bitnet-2b"}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        if (strcmp(pairs[i][0], chip) == 0) return roma_study_case(x, chip, pairs[i][1], 0);
    return NULL;
}

/* One output without adapters; a: which, b: scale. */
static double output(study *x, const study_row *r) {
    const roma_workload w = roma_cost_workload_bare();
    const roma_design *d = model_of(x, r->chip);
    roma_cost cost;
    return d && roma_study_evaluate(x, &cost, &d->place, &w) ? cost.v[(int)r->a] * r->b : NAN;
}

/* Power with gating off (a = 0) or on. */
static double power(study *x, const study_row *r) {
    const roma_workload w = roma_cost_workload_bare();
    const roma_design *d = model_of(x, r->chip);
    roma_cost cost;
    if (!d) return NAN;
    roma_chip c = d->place.chip;
    c.rom_gated = r->a;
    return roma_study_evaluate(x, &cost, roma_study_on(x, d, &c), &w) ? cost.power_w : NAN;
}

/* Compute alone: the same lanes with the weights at hand. */
static double compute_ms(study *x, const study_row *r) {
    const roma_design *d = model_of(x, r->chip);
    if (!d) return NAN;
    roma_chip c = d->place.chip;
    c.rom_style = ROMA_ROM_SRAM;
    c.overlap = 1;
    const uint64_t cycles = roma_study_lunit_cycles(x, roma_study_on(x, d, &c), 1, 1);
    return x->rc ? NAN : 1e3 * (double)cycles / c.clock_hz;
}

static double tera_ops(study *x, const study_row *r) {
    const roma_design *d = model_of(x, r->chip);
    return d ? 2e-12 * d->place.chip.matrix_units * d->place.chip.lunits * d->place.chip.lanes * d->place.chip.clock_hz
             : NAN;
}

/* Stored bits of an L-Unit over the area of its storage, times a. */
static double density(study *x, const study_row *r) {
    const roma_design *d = model_of(x, r->chip);
    if (!d) return NAN;
    const roma_chip *c = &d->place.chip;
    return r->a * c->rom_macro_words * roma_chip_word_bits(c) / roma_cost_storage_um2(c, (int)c->rom_style);
}

static double mm2_beside(study *x, const study_row *r) {
    const roma_workload w = roma_cost_workload_bare();
    const roma_design *d = model_of(x, r->chip);
    roma_cost cost;
    return d && roma_study_evaluate(x, &cost, &d->place, &w) ? cost.area_mm2 - cost.area_storage - cost.area_sram : NAN;
}

/* Multiply-adds a second, in 10^12, that a stated rate of a tokens/s implies. */
static double implied_macs(study *x, const study_row *r) {
    const roma_design *d = model_of(x, r->chip);
    double weights, bytes;
    if (!d) return NAN;
    roma_design_size(d, &weights, &bytes);
    return 1e-12 * r->a * weights;
}

/* mm2 of all weights at a bits, as macros of the deepest kind. */
static double rom_area(study *x, const study_row *r) {
    const roma_design *d = model_of(x, r->chip);
    double weights = 0;
    if (!d) return NAN;
    for (size_t i = 0; i < d->desc->n_tensors; i++) {
        const roma_image_tensor *t = &d->desc->tensors[i];
        if (!t->is_vector && t->tie < 0) weights += (double)(t->rows * t->cols);
    }
    return weights * r->a / roma_cost_rom_density(&d->place.chip, d->place.chip.rom_depth) * 1e-6;
}

/* MB of adapters of rank a on Q and V only. */
static double qv_adapter_mb(study *x, const study_row *r) {
    const roma_design *d = model_of(x, r->chip);
    double weights = 0;
    if (!d) return NAN;
    for (size_t i = 0; i < d->desc->n_tensors; i++) {
        const roma_image_tensor *t = &d->desc->tensors[i];
        if (t->role == ROMA_W_Q || t->role == ROMA_W_V) weights += r->a * (double)(t->rows + t->cols);
    }
    return weights * d->place.chip.lora_weight_bytes * 1e-6;
}

#define RCW "arXiv 2604.27384, abstract"
#define BIT "arXiv 2509.08542, abstract and figures"
#define TOM "arXiv 2602.20662, public readings of it"
#define PRIMAL "arXiv 2601.13628, abstract"
#define HC1 "vendor's statements as quoted by the press"

/* clang-format off */
const study_row roma_study_kin[] = {
    {"rcw.tops", "RCW-CIM peak rate, 4 bit", "TOPS", 3.28, ROMA_STUDY_INFERRED, TEST_WITHIN, tera_ops, "rcw-cim", 0, 0, NULL,
     "16,384 multiply-adds are from it", RCW},
    {"rcw.ms", "RCW-CIM compute of a token", "ms", 4.2, ROMA_STUDY_INDEPENDENT, TEST_WITHIN, compute_ms, "rcw-cim", 0, 0, NULL,
     "Llama-2 7B, 4 bit; printed as prefill", RCW},
    {"rcw.rate", "RCW-CIM decode", "tokens/s", 26.87, ROMA_STUDY_INDEPENDENT, TEST_WITHIN, output, "rcw-cim", ROMA_COST_tok_s, 1, NULL,
     "two DDR5-6400 channels less refresh and gaps", RCW},
    {"bitrom.density", "BitROM density", "kB/mm2", 4967, ROMA_STUDY_CALIBRATED, TEST_WITHIN, density, "bitrom", 125, 0, "rom.cell_efficiency",
     "4 bits in a cell of 0.096 um2", BIT},
    {"bitrom.ratio", "BitROM over 3,984 kbit/mm2", "", 10, ROMA_STUDY_INDEPENDENT, TEST_WITHIN, density, "bitrom", 1e3 / 3984, 0, NULL,
     "another group's 65 nm ROM in memory", BIT},
    {"tom.density", "TOM density, 70 % zero bits", "MB/mm2", 15.0, ROMA_STUDY_CALIBRATED, TEST_WITHIN, density, "tom", 0.125, 0,
     "technology.placement", "1024 x 128 bits", TOM},
    {"tom.area", "TOM total area", "mm2", 56.9, ROMA_STUDY_IDENTITY, TEST_WITHIN, output, "tom", ROMA_COST_area_mm2, 1, NULL,
     "SRAM and compute are from its split", TOM},
    {"tom.rom", "TOM area of ROM, 58 %", "mm2", 0.58 * 56.9, ROMA_STUDY_CONSEQUENCE, TEST_UNMATCHED, output, "tom", ROMA_COST_area_storage, 1,
     NULL, "521 MB at its own peak density are more", TOM},
    {"tom.sram", "TOM area of SRAM, 24 %", "mm2", 0.24 * 56.9, ROMA_STUDY_IDENTITY, TEST_WITHIN, output, "tom", ROMA_COST_area_sram, 1, NULL,
     "its size is from it", TOM},
    {"tom.compute", "TOM area of compute, 18 %", "mm2", 0.18 * 56.9, ROMA_STUDY_IDENTITY, TEST_WITHIN, mm2_beside, "tom", 0, 0, NULL,
     "lane and other areas are from it", TOM},
    {"tom.ungated", "TOM power, no ROM gating", "W", 25.813, ROMA_STUDY_IDENTITY, TEST_WITHIN, power, "tom", 0, 0, "power.static_rom", "", TOM},
    {"tom.gated", "TOM power, ROM gated", "W", 5.33, ROMA_STUDY_IDENTITY, TEST_WITHIN, power, "tom", 1, 0, "energy.factor", "", TOM},
    {"tom.mac", "TOM multiply-adds, 3,306 tokens/s", "T/s", NAN, ROMA_STUDY_CONSEQUENCE, TEST_WITHIN, implied_macs, "tom", 3306, 0, NULL,
     "no clock and no lanes: the rate has no inputs", TOM},
    {"primal.speed", "PRIMAL rate over an H100's", "", 1.5, ROMA_STUDY_CONSEQUENCE, TEST_UNMATCHED, NULL, "primal", 0, 0, NULL,
     "no clock, arrays or power: the rate has no inputs", PRIMAL},
    {"primal.adapter", "PRIMAL adapter, rank 8 on Q, V", "MB", NAN, ROMA_STUDY_CONSEQUENCE, TEST_WITHIN, qv_adapter_mb, "primal", 8, 0, NULL,
     "what its SRAM must hold of Llama 13B", PRIMAL},
    {"hc1.3bit", "HC1 ROM alone, 3 bit", "mm2", 815, ROMA_STUDY_CONSEQUENCE, TEST_AT_MOST, rom_area, "taalas-hc1", 3, 0, NULL,
     "at most the die: a band, no test", HC1},
    {"hc1.6bit", "HC1 ROM alone, 6 bit", "mm2", 815, ROMA_STUDY_CONSEQUENCE, TEST_AT_LEAST, rom_area, "taalas-hc1", 6, 0, NULL,
     "at least the die: a band, no test", HC1},
    {"hc1.mac", "HC1 multiply-adds, 16,960 tokens/s", "T/s", NAN, ROMA_STUDY_CONSEQUENCE, TEST_WITHIN, implied_macs, "taalas-hc1", 16960, 0,
     NULL, "no clock: the rate has no inputs", HC1},
    {0}};
/* clang-format on */
