/* Models whose gated unit is a squared ReLU: a plan says so, and the engine follows with the same bits on every
 * instruction set and thread count, near the textbook's result. */
#include "loaded.h"

enum { TOKENS = 40 };

/* The gated units of the plan become what BitNet's are. */
static void make_relu2(roma_plan *p) {
    roma_error err = {0};
    for (size_t i = 0; i < p->n_ops; i++)
        if (p->ops[i].kind == ROMA_OP_SILU) p->ops[i].kind = ROMA_OP_RELU2;
    CHECK_EQ(roma_plan_check(p, &err), 0);
}

static void run(const loaded *m, roma_isa isa, int threads, uint32_t rows, const int32_t *t, float *out) {
    roma_error err = {0};
    roma_exec *e =
        engine(m, (roma_exec_config){.threads = threads, .context = 64, .rows = rows, .isa = roma_kern_get(isa)->name});
    CHECK_EQ(roma_exec_prefill(e, 0, 0, t, TOKENS, NULL, NULL, &err), 0);
    memcpy(out, roma_exec_logits(e, 0), VOCAB * sizeof *out);
    roma_exec_destroy(e);
}

int main(void) {
    loaded m;
    int32_t t[TOKENS];
    float silu[VOCAB], first[VOCAB], again[VOCAB];
    double want[VOCAB], norm = 0, diff = 0;
    for (size_t i = 0; i < TOKENS; i++) t[i] = (int32_t)(roma_random(5, i) % VOCAB);
    load(&m, 11);
    run(&m, ROMA_ISA_SCALAR, 1, 16, t, silu);
    make_relu2(&m.plan);
    run(&m, ROMA_ISA_SCALAR, 1, 16, t, first);
    CHECK(memcmp(silu, first, sizeof first) != 0);
    for (int isa = 0; isa < ROMA_ISA_COUNT; isa++)
        for (int threads = 1; threads <= 3 && roma_kern_get((roma_isa)isa); threads++) {
            run(&m, (roma_isa)isa, threads, threads == 2 ? 1 : 7, t, again);
            CHECK_BYTES(again, first, sizeof first);
        }
    ref_relu2 = true;
    ref_forward(&m.img, t, TOKENS, want);
    for (int i = 0; i < VOCAB; i++) {
        norm += want[i] * want[i];
        diff += (want[i] - (double)first[i]) * (want[i] - (double)first[i]);
    }
    CHECK(norm > 0 && sqrt(diff / norm) < 0.05);
    unload(&m);
    return TEST_DONE();
}
