/* Numbers of the cost model as they were last accepted. They show that a change moves a number, not that one is right.
 */
#include "design.h"

static const char path[] = "tests/cost/golden.csv";

static const struct {
    const char *chip, *shape;
    uint32_t bits, prompt, context, batch, rank, adapters, chips;
} configuration[] = {
    {"roma", "llama-3.2-3b", 4, 256, 0, 1, 16, 1, 1},
    {"roma", "llama-3.2-3b", 4, 0, 1024, 1, 16, 1, 1},
    {"roma", "llama-3.2-3b", 4, 4096, 4096, 1, 16, 1, 1},
    {"roma", "llama-3.2-3b", 4, 512, 512, 4, 16, 2, 1},
    {"roma", "llama-3.2-3b", 4, 100, 2048, 2, 0, 0, 1},
    {"roma", "llama-3.2-3b", 4, 33, 300, 1, 64, 1, 2},
    {"roma", "llama-3-8b", 2, 256, 1024, 1, 16, 1, 1},
    {"roma", "llama-3-8b", 2, 0, 0, 1, 0, 0, 3},
    {"roma", "llama-3.2-1b", 4, 64, 512, 3, 8, 3, 1},
    {"roma", "smollm2-135m", 0, 17, 100, 1, 0, 0, 1},
    {"roma", "qwen3-0.6b", 4, 256, 1000, 1, 16, 1, 1},
    {"roma-brom", "llama-3.2-3b", 4, 256, 1024, 1, 16, 1, 1},
    {"roma-macro", "llama-3.2-3b", 4, 256, 1024, 1, 16, 1, 1},
    {"roma-rom", "llama-3.2-3b", 4, 256, 1024, 1, 16, 1, 1},
    {"roma-sram", "llama-3.2-3b", 4, 256, 1024, 1, 16, 1, 1},
    {"roma-contract", "llama-3.2-3b", 4, 256, 1024, 1, 16, 1, 1},
    {"roma-contract", "llama-3.2-3b", 4, 1000, 2048, 5, 32, 2, 1},
    {"roma-contract", "llama-3-8b", 2, 64, 256, 1, 0, 0, 2},
    {"roma-contract", "smollm2-135m", 0, 128, 1, 1, 4, 1, 1},
    {"roma-contract", "qwen3-4b", 4, 0, 777, 2, 16, 1, 1},
};
enum { N = sizeof configuration / sizeof *configuration };

static const char header[] =
    "; Cycles, energies and areas of the cost model, compared exactly by test_golden.\n"
    "; `make golden` writes this file anew. Do that only when a change of docs/cost-model.md, src/cost or a chip file "
    "is\n"
    "; meant to move these numbers, read the difference, and say in the commit why they moved.\n"
    "chip,shape,bits,prompt,context,batch,rank,adapters,chips,decode_cyc,prefill_ns,token_pj,static_pj,prefill_pj,die_"
    "mm2,lunits_mm2,lunit_um2\n";

static void line_of(char *out, size_t cap, size_t i) {
    design d;
    design_open(&d, configuration[i].chip, configuration[i].shape, configuration[i].bits, 0);
    const roma_workload w = {.prompt = configuration[i].prompt,
                             .context = configuration[i].context,
                             .batch = configuration[i].batch,
                             .rank = configuration[i].rank,
                             .adapters = configuration[i].adapters,
                             .chips = configuration[i].chips,
                             .toggle = 1};
    const roma_cost c = design_cost(&d, &w);
    snprintf(out, cap, "%s,%s,%u,%u,%u,%u,%u,%u,%u,%.10g,%.10g,%.10g,%.10g,%.10g,%.10g,%.10g,%.10g\n",
             configuration[i].chip, configuration[i].shape, configuration[i].bits, w.prompt, w.context, w.batch, w.rank,
             w.adapters, w.chips, c.decode_cyc, c.ttft_s * 1e9, c.mj_per_token * 1e9, c.mj_static * 1e9,
             c.prefill_mj * 1e9, c.area_mm2, c.area_lunits, c.lunit_um2);
    design_close(&d);
}

static int write_all(void) {
    char line[512];
    fputs(header, stdout);
    for (size_t i = 0; i < N; i++) {
        line_of(line, sizeof line, i);
        fputs(line, stdout);
    }
    return fflush(stdout) != 0;
}

static void compare(FILE *f) {
    char line[512], want[512];
    size_t i = 0;
    while (fgets(want, sizeof want, f)) {
        if (want[0] == ';' || strncmp(want, "chip,", 5) == 0) continue;
        CHECK(i < N);
        if (i == N) return;
        line_of(line, sizeof line, i++);
        CHECK_STR(line, want);
    }
    CHECK_EQ(i, N);
}

int main(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "--write") == 0) return write_all();
    FILE *f = fopen(path, "r");
    CHECK(f != NULL);
    if (f) {
        compare(f);
        fclose(f);
    }
    if (test_failures) fprintf(stderr, "%s: `make golden` accepts new numbers, if they were meant to move\n", path);
    return TEST_DONE();
}
