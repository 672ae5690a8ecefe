/* All outputs of the cost model as they were last accepted, and the prefill of a prompt after a context. They show that
 * a change moves a number, not that one is right. */
#include "design.h"

static const char path[] = "tests/cost/golden.csv";

static const struct {
    const char *chip, *shape;
    uint32_t bits, prompt, context, batch, rank, adapters, chips;
    double max_w, repairs;
} configuration[] = {
    {"roma", "llama-3.2-3b", 4, 256, 0, 1, 16, 1, 1, 0, 0},
    {"roma", "llama-3.2-3b", 4, 0, 1024, 1, 16, 1, 1, 0, 0},
    {"roma", "llama-3.2-3b", 4, 4096, 4096, 1, 16, 1, 1, 0, 0},
    {"roma", "llama-3.2-3b", 4, 512, 512, 4, 16, 2, 1, 20, 0},
    {"roma", "llama-3.2-3b", 4, 100, 2048, 2, 0, 0, 1, 0, 0},
    {"roma", "llama-3.2-3b", 4, 33, 300, 1, 64, 1, 2, 0, 0},
    {"roma", "llama-3-8b", 2, 256, 1024, 1, 16, 1, 1, 0, 0},
    {"roma", "llama-3-8b", 2, 0, 0, 1, 0, 0, 3, 0, 0},
    {"roma", "llama-3.2-1b", 4, 64, 512, 3, 8, 3, 1, 0, 0},
    {"roma", "smollm2-135m", 0, 17, 100, 1, 0, 0, 1, 0, 0},
    {"roma", "qwen3-0.6b", 4, 256, 1000, 1, 16, 1, 1, 0, 0},
    {"roma-brom", "llama-3.2-3b", 4, 256, 1024, 1, 16, 1, 1, 0, 4},
    {"roma-macro", "llama-3.2-3b", 4, 256, 1024, 1, 16, 1, 1, 0, 0},
    {"roma-rom", "llama-3.2-3b", 4, 256, 1024, 1, 16, 1, 1, 0, 0},
    {"roma-sram", "llama-3.2-3b", 4, 256, 1024, 1, 16, 1, 1, 25, 0},
    {"roma-contract", "llama-3.2-3b", 4, 256, 1024, 1, 16, 1, 1, 0, 0},
    {"roma-contract", "llama-3.2-3b", 4, 1000, 2048, 5, 32, 2, 1, 0, 0},
    {"roma-contract", "llama-3-8b", 2, 64, 256, 1, 0, 0, 2, 0, 16},
    {"roma-contract", "smollm2-135m", 0, 128, 1, 1, 4, 1, 1, 0, 0},
    {"roma-contract", "qwen3-4b", 4, 0, 777, 2, 16, 1, 1, 0, 0},
};
enum { N = sizeof configuration / sizeof *configuration };

static const char header[] =
    "; Every output of the cost model, compared exactly by test_golden: case,output,value.\n"
    "; `make golden` writes this file anew. Do that only when a change of docs/cost-model.md, src/cost or a chip file "
    "is\n"
    "; meant to move these numbers, read the difference, and say in the commit why they moved.\n";

static roma_workload workload_of(size_t i) {
    return (roma_workload){.prompt = configuration[i].prompt,
                           .context = configuration[i].context,
                           .batch = configuration[i].batch,
                           .rank = configuration[i].rank,
                           .adapters = configuration[i].adapters,
                           .max_w = configuration[i].max_w,
                           .toggle = 1};
}

static void write_title(FILE *f, size_t i) {
    const roma_workload w = workload_of(i);
    fprintf(f,
            "; case %zu: %s, %s at %u bits, prompt %u, context %u, batch %u, rank %u, adapters %u, chips %u, cap %g W, "
            "%g repairs\n",
            i, configuration[i].chip, configuration[i].shape, configuration[i].bits, w.prompt, w.context, w.batch,
            w.rank, w.adapters, configuration[i].chips, w.max_w, configuration[i].repairs);
}

/* Cycles of the prompt, one row where there is none, after the context. */
static double resume_cyc(design *d, const roma_workload *w) {
    roma_error err;
    const roma_cost_adapter usual = {.rank = w->rank};
    design_need(roma_cost_prefill(&d->s, &d->place, w->context, w->prompt ? w->prompt : 1, &usual, 1, &err), &err);
    return (double)d->s.cycles;
}

static void write_case(FILE *f, size_t i) {
    design d;
    const roma_workload w = workload_of(i);
    design_open(&d, configuration[i].chip, configuration[i].shape, configuration[i].bits, 0);
    roma_chip_put(&d.place.chip, ROMA_CHIP_repairs, configuration[i].repairs);
    design_dies(&d, configuration[i].chips);
    const roma_cost c = design_cost(&d, &w);
    write_title(f, i);
    for (unsigned o = 0; o < ROMA_COST_N; o++) fprintf(f, "%zu,%s,%.10g\n", i, roma_cost_output_at(o)->name, c.v[o]);
    fprintf(f, "%zu,resume_cyc,%.10g\n", i, resume_cyc(&d, &w));
    design_close(&d);
}

static int write_all(FILE *f) {
    fputs(header, f);
    for (size_t i = 0; i < N; i++) write_case(f, i);
    return fflush(f) != 0;
}

/* Line by line; what one has beside the other is a difference. */
static void compare(FILE *made, FILE *accepted) {
    char got[256], want[256];
    while (fgets(want, sizeof want, accepted)) {
        if (!fgets(got, sizeof got, made)) got[0] = 0;
        CHECK_STR(got, want);
    }
    CHECK(!fgets(got, sizeof got, made));
}

int main(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "--write") == 0) return write_all(stdout);
    FILE *accepted = fopen(path, "r"), *made = tmpfile();
    CHECK(accepted && made && write_all(made) == 0);
    if (accepted && made) {
        rewind(made);
        compare(made, accepted);
    }
    if (test_failures) fprintf(stderr, "%s: `make golden` accepts new numbers, if they were meant to move\n", path);
    if (accepted) fclose(accepted);
    if (made) fclose(made);
    return TEST_DONE();
}
