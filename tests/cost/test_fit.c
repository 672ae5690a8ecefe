/* What fits: published counts of tokens, and the bytes behind them. */
#include "design.h"

#include <math.h>

enum { MIB = 1 << 20 };

/* Tokens beside an adapter of that rank in so many MiB, as the paper counts. */
static double paper_tokens(const design *d, double mib, double rank) {
    return roma_cost_tokens(mib * MIB, roma_cost_lora_bytes(&d->plan, rank, 1, 0, 0), 57344, 32);
}

static void test_paper(void) {
    design d;
    design_open(&d, "roma", "llama-3.2-3b", 4, 4);
    CHECK_REAL(roma_cost_lora_bytes(&d.plan, 1, 1, 0, 0), 1519616);
    CHECK_REAL(roma_cost_lora_bytes(&d.plan, 16, 1, 0, 0), 16 * 1519616);
    CHECK_REAL(roma_cost_lora_bytes(&d.plan, 16, 0.5, 0, 0), 8 * 1519616);
    CHECK_REAL(roma_cost_lora_bytes(&d.plan, 0, 1, 4, 0), 0);
    CHECK_REAL(roma_cost_lora_bytes(&d.plan, 8, 1, 0, 1u << ROMA_W_Q | 1u << ROMA_W_V), 8 * 28 * (6144 + 4096));
    CHECK_REAL(roma_cost_kv_bytes(&d.plan, 1, 0), 57344);
    CHECK_REAL(paper_tokens(&d, 64, 16), 736);
    CHECK_REAL(paper_tokens(&d, 64, 64), 0);
    CHECK_REAL(paper_tokens(&d, 256, 32), 3808); /* the paper's label says rank 16, which gives the next */
    CHECK_REAL(paper_tokens(&d, 256, 16), 4256);
    CHECK_REAL(paper_tokens(&d, 128, 16), 1888);
    CHECK_REAL(paper_tokens(&d, 288, 16), 4832);
    CHECK_REAL(roma_cost_tokens(288.0 * MIB, 16 * 1519616, 57344, 1), 4842);
    CHECK_REAL(paper_tokens(&d, 288, 64), 3552);
    CHECK_REAL(roma_cost_tokens(10, 20, 1, 1), 0); /* adapters alone do not fit */
    design_close(&d);
}

/* The engine's bytes: a page is 32 keys and values of 8 bit with an FP32 scale each; an adapter of rank 16 has for each
 * linear a tile of A (codes, an FP16 scale a group of 256, 16 FP32 scales) and B (codes and an FP32 scale a row). */
static double engine_lora(double rank_16_adapters) {
    const double cols = 6 * 3072 + 8192, rows = 3 * 3072 + 2 * 1024 + 2 * 8192;
    return rank_16_adapters * 28 * (16 * cols + cols / 256 * 32 + 7 * 64 + rows * (16 + 4));
}

static void test_outputs(void) {
    design d;
    design_open(&d, "roma", "llama-3.2-3b", 4, 4);
    roma_workload w = {.context = 4607, .batch = 1, .rank = 16, .adapters = 1, .toggle = 1};
    roma_cost c = design_cost(&d, &w);
    CHECK_REAL(c.kv_bytes_per_token, 57344 + 28 * 2 * 8 * 4);
    CHECK_REAL(c.lora_bytes, engine_lora(1));
    CHECK_REAL(c.sram_bytes, 288 * MIB);
    /* Positions go round 32 H-Units a head: an H-Unit has one of 32 positions, 28 x 2 x 132 bytes each, and the scores
     * of three query heads for it in one layer at a time. */
    CHECK_REAL(c.tokens, 32 * floor((1179648 - engine_lora(1) / 256) / (28 * 2 * 132 + 12)));
    CHECK(c.tokens == 4608 && c.tokens_paper == 4832 && c.fits_sram == 1);
    /* Values of 4 bits: as many more as they leave bytes for. */
    d.place.kv = ROMA_KV_INT4;
    c = design_cost(&d, &w);
    CHECK_REAL(c.kv_bytes_per_token, 28 * 8 * (128 + 64 + 8));
    CHECK_REAL(c.tokens, 32 * floor((1179648 - engine_lora(1) / 256) / (28 * (132 + 68) + 12)));
    CHECK(c.tokens_paper == 4832 && c.area_mm2 > 0); /* the paper's count knows no format */
    /* Floats are counted, and no time is told for them. */
    d.place.kv = ROMA_KV_F16;
    roma_error err;
    CHECK_EQ(roma_cost_evaluate(&c, &d.s, &d.place, &w, &err), ROMA_EINPUT);
    CHECK_HAS(err.text, "no f16");
    roma_cost_fit(&c, &d.place, &w);
    CHECK_REAL(c.kv_bytes_per_token, 28 * 8 * (512 + 8));
    CHECK(!roma_place_computes(&d.place));
    CHECK_EQ(roma_place_computed(&d.place).kv, ROMA_KV_INT8);
    d.place.kv = ROMA_KV_INT8;
    CHECK(roma_place_computes(&d.place));
    w.context++; /* this step writes a position that no page has */
    CHECK(design_cost(&d, &w).fits_sram == 0);
    /* What the chip file says of its cache is the paper's count. */
    roma_chip_put(&d.place.chip, ROMA_CHIP_kv_bytes, 2);
    roma_chip_put(&d.place.chip, ROMA_CHIP_kv_scale_bytes, 4);
    c = design_cost(&d, &w);
    CHECK(c.tokens == 4608 && c.tokens_paper == 2400);
    /* Each sequence of a batch takes whole pages, and at most the model's own context. */
    w = (roma_workload){.context = 33, .batch = 70, .toggle = 1};
    CHECK(design_cost(&d, &w).fits_sram == 1); /* 70 x 64 = 4480 */
    w.batch = 100;
    CHECK(design_cost(&d, &w).fits_sram == 0); /* 6400, though 3300 tokens are fewer than fit */
    w = (roma_workload){.batch = 1, .rank = 512, .adapters = 1, .toggle = 1};
    CHECK(design_cost(&d, &w).fits_sram == 0); /* no context, yet adapters too large */
    /* Eleven adapters leave no page to the first position. */
    w = (roma_workload){.batch = 1, .rank = 16, .adapters = 11, .toggle = 1};
    c = design_cost(&d, &w);
    CHECK(c.tokens == 0 && c.fits_sram == 0);
    design_close(&d);
    design_open(&d, "roma", "smollm2-135m", 0, 0); /* 8,192 positions a sequence, whatever the SRAM holds */
    w = (roma_workload){.batch = 1, .toggle = 1};
    CHECK_REAL(design_cost(&d, &w).tokens, 8192);
    w.batch = 3;
    CHECK(design_cost(&d, &w).tokens > 8192);
    design_close(&d);
}

/* Bytes of the fullest of the 32 H-Units of a KV head of Llama 3.2 3B, by counting: pages of 8,448 bytes, of which
 * those of layer l begin on unit l * 32 / 28, and scores of three query heads for `rows` rows of one sequence. */
static double fullest_bytes(uint64_t pages, uint64_t positions, uint64_t rows) {
    uint64_t held[32] = {0}, scored[32] = {0}, most = 0, scores = 0;
    for (uint64_t l = 0; l < 28; l++)
        for (uint64_t j = 0; j < pages; j++) held[(j + l * 32 / 28) % 32]++;
    for (uint64_t q = 0; q < positions; q++) scored[q / 32 % 32]++;
    for (int u = 0; u < 32; u++) {
        most = held[u] > most ? held[u] : most;
        scores = scored[u] > scores ? scored[u] : scores;
    }
    return (double)(most * 8448 + 4 * 3 * rows * scores);
}

/* One count: a workload fits where its prompt, and the positions up to the one that its step writes, are no more than
 * roma_cost_positions says for each of its sequences; a prompt needs room for the scores of a block of its rows, 32 of
 * them, as well. */
static void test_positions(void) {
    design d;
    design_open(&d, "roma-contract", "llama-3.2-3b", 4, 4);
    roma_workload w = {.batch = 1, .rank = 16, .adapters = 1, .toggle = 1};
    const uint64_t tokens = roma_cost_positions(&d.place, &w);
    CHECK(tokens > 4000 && tokens < 5000 && tokens % ROMA_PAGE == 0);
    CHECK_REAL(design_cost(&d, &w).tokens, (double)tokens);
    w.context = (uint32_t)tokens - 1;
    CHECK(design_cost(&d, &w).fits_sram == 1);
    w.context = 0;
    w.prompt = (uint32_t)tokens;
    CHECK(design_cost(&d, &w).fits_sram == 0); /* 12 x 32 rows x 160 positions are eight pages */
    w.prompt -= 8 * 32;
    CHECK(design_cost(&d, &w).fits_sram == 1);
    w.prompt = (uint32_t)tokens;
    d.place.chip.block_rows = 1;
    CHECK(design_cost(&d, &w).fits_sram == 1);
    d.place.chip.block_rows = 32;
    w.prompt++;
    CHECK(design_cost(&d, &w).fits_sram == 0);
    w.prompt = 8000;
    CHECK(design_cost(&d, &w).fits_sram == 0);
    for (uint32_t batch = 1; batch < 400; batch += 7)
        for (uint32_t adapters = 0; adapters < 12; adapters += 3) {
            w = (roma_workload){.batch = batch, .rank = adapters ? 16 : 0, .adapters = adapters, .toggle = 1};
            roma_cost c = {0};
            const uint64_t each = roma_cost_positions(&d.place, &w);
            const uint32_t contexts[] = {0, (uint32_t)each - (each > 0), (uint32_t)each, (uint32_t)each + 1, 3000};
            for (size_t i = 0; i < 5; i++) {
                w.context = contexts[i];
                w.prompt = 0;
                roma_cost_fit(&c, &d.place, &w);
                CHECK(c.fits_sram == (w.context < each));
                w.context = 0;
                w.prompt = contexts[i];
                roma_cost_fit(&c, &d.place, &w);
                const uint64_t block = w.prompt < 32 ? w.prompt : 32, pages = batch * ((w.prompt + 31) / 32);
                const double most = fullest_bytes(pages, w.prompt, block) * 256 + engine_lora(adapters);
                CHECK_EQ(c.fits_sram > 0, each > 0 && w.prompt <= roma_cost_prompt(&d.place, &w));
                CHECK(c.fits_sram == (each > 0 && w.prompt <= each && most <= c.sram_bytes));
            }
            CHECK(each * batch <= (uint64_t)c.tokens_held && (each + ROMA_PAGE) * batch > (uint64_t)c.tokens_held);
        }
    design_close(&d);
}

/* Activations within the vector units' SRAM take nothing; each page's worth of bytes beyond takes a page, wherever
 * there is room, until nothing fits. */
static void test_activations(void) {
    design d;
    design_open(&d, "roma-contract", "llama-3.2-3b", 4, 4);
    roma_workload w = {.batch = 1, .rank = 16, .adapters = 1, .toggle = 1};
    const double vector = 16.0 * 1048576, page = 28.0 * 8 * 8448, room = 288.0 * 1048576 - engine_lora(1);
    const uint64_t alone = roma_cost_positions(&d.place, &w), pages = (uint64_t)(room / page);
    w.activation_bytes = (uint64_t)vector;
    CHECK_EQ(roma_cost_positions(&d.place, &w), alone);
    for (uint64_t n = alone / 32 + 1; n-- > 0;) {
        w.activation_bytes = (uint64_t)(vector + room - (double)n * page);
        CHECK_EQ(roma_cost_positions(&d.place, &w), n * 32 < alone ? n * 32 : alone);
        w.activation_bytes++;
        CHECK_EQ(roma_cost_positions(&d.place, &w), n ? (n - 1) * 32 : 0);
    }
    CHECK(pages >= alone / 32 && design_cost(&d, &w).tokens == 0 && design_cost(&d, &w).fits_sram == 0);
    w.activation_bytes = (uint64_t)(vector + room - 100 * page);
    w.context = 3199;
    CHECK(design_cost(&d, &w).fits_sram == 1 && roma_cost_prompt(&d.place, &w) == 3200);
    w.context = 3200;
    CHECK(design_cost(&d, &w).fits_sram == 0);
    design_close(&d);
}

static void test_rom(void) {
    design d;
    const roma_workload w = {.batch = 1, .toggle = 1};
    /* 3B: 2,818,572,288 weights of the layers and the tied head of 128,256 x 3,072, at 4 bits and an FP16 scale per
     * 128. */
    design_open(&d, "roma", "llama-3.2-3b", 4, 4);
    roma_cost c = design_cost(&d, &w);
    CHECK_NEAR(c.rom_bytes, (2818572288.0 + 128256.0 * 3072) * 4.125 / 8, 1e-12);
    CHECK_NEAR(c.rom_bytes, 1.66e9, 3e-3);
    CHECK(c.fits_rom == 1);
    CHECK(c.rom_words >= c.rom_bytes / 16384 / 8 && c.rom_words < 1.01 * c.rom_bytes / 16384 / 8);
    CHECK_NEAR(c.rom_capacity, 1.86e9, 1e-3);
    design_close(&d);
    /* 8B at 2 bits: layers and head are 1.857 GiB and fit; with the untied embedding it is more than there is. */
    design_open(&d, "roma", "llama-3-8b", 2, 2);
    roma_chip_put(&d.place.chip, ROMA_CHIP_rom_embedding, 0);
    c = design_cost(&d, &w);
    CHECK_NEAR(c.rom_bytes, (6979321856.0 + 128256.0 * 4096) * 2.125 / 8, 1e-12);
    CHECK_NEAR(c.rom_bytes / 1073741824, 1.857, 5e-4);
    roma_chip_put(&d.place.chip, ROMA_CHIP_rom_embedding, 1);
    c = design_cost(&d, &w);
    CHECK_NEAR(c.rom_bytes, (6979321856.0 + 2 * 128256.0 * 4096) * 2.125 / 8, 1e-12);
    CHECK(c.fits_rom == 0);
    /* Streamed: nothing has to fit. */
    roma_chip_put(&d.place.chip, ROMA_CHIP_rom_style, ROMA_ROM_DRAM);
    roma_chip_put(&d.place.chip, ROMA_CHIP_dram_bandwidth, 1e11);
    c = design_cost(&d, &w);
    CHECK(c.fits_rom == 1 && c.rom_capacity == 0);
    design_close(&d);
}

/* Words of an L-Unit by hand: a layer's q has 12 rows in each matrix unit, 36 words of codes and 1.125 of scales, which
 * take 2; the head 502 rows, 1,506 words and 47.06. */
static void test_words(void) {
    design d;
    const roma_workload w = {.batch = 1, .toggle = 1};
    design_open(&d, "roma", "llama-3.2-3b", 4, 4);
    CHECK_REAL(design_cost(&d, &w).rom_words, 28 * (2 * 38 + 2 * 13 + 3 * 99) + 1506 + 48);
    design_close(&d);
}

/* Two dies: fourteen layers each, the tied table on the last. */
static void test_dies(void) {
    design d;
    roma_workload w = {.context = 100, .batch = 1, .rank = 16, .adapters = 2, .toggle = 1};
    design_open(&d, "roma", "llama-3.2-3b", 4, 4);
    const roma_cost one = design_cost(&d, &w);
    design_dies(&d, 2);
    const roma_cost two = design_cost(&d, &w);
    CHECK_REAL(two.rom_words, (one.rom_words - 1554) / 2 + 1554);
    CHECK(two.rom_capacity == 2 * one.rom_capacity && two.rom_bytes == one.rom_bytes &&
          two.sram_bytes == 2 * one.sram_bytes);
    CHECK_REAL(one.lora_bytes, engine_lora(2));
    CHECK_REAL(two.tokens, 32 * floor((1179648 - engine_lora(1) / 256) / (14 * 2 * 132 + 12)));
    CHECK_REAL(two.tokens_paper, floor((288 * MIB - 2 * 16 * 1519616 / 2) / 28672 / 32) * 32);
    CHECK(two.decode_cyc > one.decode_cyc && two.area_mm2 == 2 * one.area_mm2);
    const double crossing =
        (d.place.chip.die_latency_s + 3072 * 4 / d.place.chip.die_bandwidth) * d.place.chip.clock_hz;
    CHECK_REAL(two.decode_cyc, one.decode_cyc + ceil(crossing));
    CHECK_NEAR(two.use_lunit, one.use_lunit * one.decode_cyc / (2 * two.decode_cyc), 1e-12);
    /* Three dies have 9, 9 and 10 layers: the last decides. */
    design_dies(&d, 3);
    CHECK_REAL(design_cost(&d, &w).tokens,
               32 * floor((1179648 - engine_lora(2) * 10 / 28 / 256) / (10 * 2 * 132 + 12)));
    design_dies(&d, 60); /* more dies than layers */
    CHECK(isfinite(design_cost(&d, &w).tokens));
    design_close(&d);
}

int main(void) {
    test_paper();
    test_outputs();
    test_positions();
    test_activations();
    test_rom();
    test_words();
    test_dies();
    return TEST_DONE();
}
