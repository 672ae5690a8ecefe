/* What fits: the engine's count is the most that an engine then takes, the paper's is the paper's. */
#include "roma/fit.h"
#include "../test.h"

static roma_design d;

static void open_design(const char *shape, const char *chip) {
    const roma_design_config c = {.shape = shape, .chip = chip};
    roma_error err;
    roma_design_close(&d);
    CHECK_EQ(roma_design_open(&d, &c, &err), 0);
}

static roma_fit_point count(const roma_fit *f, uint32_t adapters, uint32_t rank, uint32_t sequences) {
    roma_fit_point p;
    roma_error err = {0};
    CHECK_EQ(roma_fit_count(f, adapters, rank, sequences, &p, &err), 0);
    if (err.code) fprintf(stderr, "%s\n", err.text);
    CHECK(p.adapters == adapters && p.rank == rank && p.sequences == sequences);
    return p;
}

/* arXiv 2503.12988, figure of SRAM size against tokens: 8-bit cache, rank-16 adapters on seven linears, Llama 3.2 3B.
 */
static void test_paper(void) {
    static const struct {
        uint32_t mib, rank;
        uint64_t tokens;
    } v[] = {{64, 16, 736}, {64, 64, 0}, {256, 32, 3808}};
    open_design("llama-3.2-3b", NULL);
    roma_fit f = roma_fit_usual(&d);
    CHECK_EQ(f.sram_bytes, 288u << 20);
    for (size_t i = 0; i < sizeof v / sizeof *v; i++) {
        f.sram_bytes = (uint64_t)v[i].mib << 20;
        const roma_fit_point p = count(&f, 1, v[i].rank, 1);
        CHECK_EQ(p.tokens_paper, v[i].tokens);
    }
    const roma_fit_point p = count(&f, 1, 16, 1);
    /* weights of A and B at a byte each; keys and values of 8 heads of 128 in 28 layers */
    const double layer = 2.0 * (3072 + 3072) + 2.0 * (3072 + 1024) + 3.0 * (3072 + 8192);
    CHECK_REAL(p.lora_paper, 28 * 16 * layer);
    CHECK_REAL(p.token_bytes_paper, 28 * 2 * 8 * 128);
    CHECK((double)p.lora_bytes > p.lora_paper && p.token_bytes > p.token_bytes_paper); /* scales too */
}

/* Of a context that an engine is asked for, with the same limits. */
static int takes(const roma_fit *f, const roma_fit_point *p, uint32_t context) {
    const roma_exec_config c = {
        .threads = 1,
        .context = context,
        .sequences = p->sequences,
        .rows = p->engine.rows,
        .logit_rows = 1,
        .sram_bytes = f->sram_bytes,
        .vector_bytes = f->vector_bytes,
        .adapter_bytes = p->lora_bytes,
        .is_placed = f->is_chip,
        .pages_held = f->is_chip ? roma_place_pages(&d.place, (double)f->sram_bytes, (double)p->lora_bytes) : 0};
    roma_exec_memory m;
    return roma_exec_bytes(&d.plan, &c, &m, NULL);
}

static void test_engine(void) {
    static const char *const shapes[] = {"llama-3.2-1b", "llama-3.2-3b", "qwen3-0.6b", "llama-2-7b"};
    for (size_t s = 0; s < 8; s++) {
        open_design(shapes[s / 2], "roma-contract");
        roma_fit f = roma_fit_usual(&d);
        if (s % 2) roma_fit_limit(&f, 200u << 20, false); /* a host's SRAM, which no H-Unit cuts */
        CHECK(f.is_chip == !(s % 2) && (f.vector_bytes > 0) == f.is_chip);
        for (uint32_t adapters = 0; adapters <= 4; adapters += 2)
            for (uint32_t sequences = 1; sequences <= 9; sequences += 4) {
                const roma_fit_point p = count(&f, adapters, 16, sequences);
                CHECK_REAL(p.token_bytes * ROMA_PAGE, (double)p.engine.page_group);
                if (p.engine.context) CHECK_EQ(takes(&f, &p, p.engine.context), 0);
                if (p.engine.context < d.desc->hyper.context)
                    CHECK_EQ(takes(&f, &p, p.engine.context + ROMA_PAGE), ROMA_EINPUT);
            }
    }
}

/* More of anything leaves fewer tokens, or as many. */
static void test_order(void) {
    open_design("llama-3.2-1b", NULL);
    roma_fit f = roma_fit_usual(&d);
    const roma_fit_point one = count(&f, 1, 16, 1), more = count(&f, 3, 16, 1), wide = count(&f, 1, 48, 1);
    CHECK(more.engine.context < one.engine.context && wide.engine.context < one.engine.context);
    CHECK(more.lora_bytes == 3 * one.lora_bytes && more.lora_paper == 3 * one.lora_paper);
    f.rows = 512;
    CHECK(count(&f, 1, 16, 1).engine.activations > one.engine.activations);
    f.rows = 0;
    f.roles = 1u << ROMA_W_Q | 1u << ROMA_W_V;
    const roma_fit_point some = count(&f, 1, 16, 1);
    CHECK(some.lora_bytes < one.lora_bytes && some.lora_paper < one.lora_paper);
    CHECK_REAL(some.lora_paper, 16.0 * 16 * (2048 + 2048 + 2048 + 512)); /* 16 layers */
    f.type = ROMA_ADAPTER_F16;
    CHECK(count(&f, 1, 16, 1).lora_bytes > some.lora_bytes);
}

static void test_limits(void) {
    open_design("smollm2-135m", NULL); /* 8192 tokens, and room for more */
    roma_fit f = roma_fit_usual(&d);
    const roma_fit_point p = count(&f, 1, 16, 1);
    CHECK(p.is_model && p.engine.context == 8192);
    f.sram_bytes = 64 << 20;
    CHECK(!count(&f, 1, 16, 1).is_model);
    roma_fit_point out;
    roma_error err = {0};
    CHECK_EQ(roma_fit_count(&f, 1, 16, 600, &out, &err), ROMA_EUSAGE); /* no step has 600 rows */
    CHECK_HAS(err.text, "rows");
}

static void test_numbers(void) {
    static const uint32_t bad[][3] = {{65537, 16, 1}, {1, 513, 1}, {1, 16, 0}, {UINT32_MAX, UINT32_MAX, 1}};
    const roma_fit f = roma_fit_usual(&d);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        roma_fit_point p;
        roma_error err = {0};
        CHECK_EQ(roma_fit_count(&f, bad[i][0], bad[i][1], bad[i][2], &p, &err), ROMA_EUSAGE);
        CHECK_HAS(err.text, "at least 1");
    }
    const roma_fit_point none = count(&f, 65536, 512, 1);
    CHECK(none.engine.context == 0 && !none.fits);
}

static void test_rom(void) {
    roma_cost c;
    open_design("llama-3.2-3b", NULL);
    roma_fit f = roma_fit_usual(&d);
    roma_fit_rom(&f, &c);
    CHECK(c.fits_rom == 1 && c.rom_bytes > 1.6e9 && c.rom_bytes < c.rom_capacity);
    open_design("llama-3-8b", NULL);
    f = roma_fit_usual(&d);
    roma_fit_rom(&f, &c);
    CHECK(c.fits_rom == 0 && c.rom_bytes > c.rom_capacity);
}

/* What is said to fit has a page for each sequence beside the adapters: the adapters alone are not enough. */
static void test_fits(void) {
    open_design("llama-3.2-3b", "roma-contract");
    const roma_fit f = roma_fit_usual(&d);
    for (uint32_t adapters = 0; adapters < 14; adapters++)
        for (uint32_t sequences = 1; sequences <= 128; sequences *= 2) {
            const roma_fit_point p = count(&f, adapters, 16, sequences);
            CHECK(p.fits == (p.engine.context > 0) && p.fits == (p.engine.pages >= sequences));
        }
    CHECK(count(&f, 10, 16, 1).fits && !count(&f, 11, 16, 1).fits && !count(&f, 10, 16, 128).fits);
}

static void test_roles(void) {
    static const struct {
        const char *text;
        uint32_t roles;
    } good[] = {{"all", 0},
                {"q", 1u << ROMA_W_Q},
                {"v,q", 1u << ROMA_W_Q | 1u << ROMA_W_V},
                {"q,q", 1u << ROMA_W_Q},
                {"q,k,v,o,gate,up,down", 1u << ROMA_W_Q | 1u << ROMA_W_K | 1u << ROMA_W_V | 1u << ROMA_W_O |
                                             1u << ROMA_W_GATE | 1u << ROMA_W_UP | 1u << ROMA_W_DOWN}};
    static const char *const bad[] = {"", "q,", ",q", "q v", "embed", "head", "all,q", "qq", "Q"};
    uint32_t roles;
    roma_error err;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        CHECK_EQ(roma_fit_roles(good[i].text, &roles, &err), 0);
        CHECK_EQ(roles, good[i].roles);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CHECK_EQ(roma_fit_roles(bad[i], &roles, &err), ROMA_EUSAGE);
        CHECK_HAS(err.text, "q, k, v, o, gate, up, down");
    }
}

int main(void) {
    test_paper();
    test_engine();
    test_order();
    test_limits();
    test_numbers();
    test_rom();
    test_fits();
    test_roles();
    roma_design_close(&d);
    return TEST_DONE();
}
