/* The engine on random models: close to a double-precision forward pass, and the same bits whatever the threads, the
 * instruction set, the chunking or the company in a step. */
#include "loaded.h"

static const roma_format q4_1 = {.bits = 4, .scale = ROMA_SCALE_F16, .min = ROMA_SCALE_F16, .group = 32};
static const roma_format q8_0 = {.bits = 8, .scale = ROMA_SCALE_F16, .group = 32};
static const roma_format q6_k = {.bits = 6, .scale = ROMA_SCALE_S8, .group = 16, .super = 256, .zero = 32};
static const roma_format ternary = {.bits = 2, .scale = ROMA_SCALE_F16, .group = 256, .zero = 1};

static void tokens_of(int32_t *t, size_t n) {
    for (size_t i = 0; i < n; i++) t[i] = (int32_t)(roma_random(5, i) % 200);
}

static void test_close(uint32_t arch, roma_format f, double limit) {
    loaded m;
    int32_t t[80];
    double want[200], norm = 0, diff = 0;
    roma_error err = {0};
    load_as(&m, arch, f, 11);
    tokens_of(t, 80);
    roma_exec *e = engine(&m, (roma_exec_config){.threads = 2, .context = 256});
    CHECK_EQ(roma_exec_prefill(e, 0, 0, t, 80, NULL, NULL, &err), 0);
    ref_forward(&m.img, t, 80, want);
    const float *got = roma_exec_logits(e, 0);
    for (int i = 0; i < 200; i++) {
        norm += want[i] * want[i];
        diff += (want[i] - (double)got[i]) * (want[i] - (double)got[i]);
    }
    if (!(sqrt(diff / norm) < limit))
        fprintf(stderr, "arch %u, %u bit: relative error %.4f\n", arch, f.bits, sqrt(diff / norm));
    CHECK(sqrt(diff / norm) < limit && norm > 0);
    roma_exec_destroy(e);
    unload(&m);
}

/* Hash over the logits of every position of n tokens, fed in chunks of `chunk`. */
static void hash_run(roma_exec *e, uint32_t seq, const int32_t *t, size_t n, size_t chunk, uint8_t out[32]) {
    roma_sha256 h;
    roma_error err = {0};
    roma_sha256_init(&h);
    for (size_t done = 0; done < n;) {
        roma_exec_row rows[64];
        const size_t c = n - done < chunk ? n - done : chunk;
        for (size_t i = 0; i < c; i++) rows[i] = (roma_exec_row){t[done + i], seq, (uint32_t)(done + i), 0, true};
        CHECK_EQ(roma_exec_step(e, rows, c, &err), 0);
        for (size_t i = 0; i < c; i++) roma_sha256_update(&h, roma_exec_logits(e, i), 200 * sizeof(float));
        done += c;
    }
    roma_sha256_final(&h, out);
}

static void test_same_bits(uint32_t arch, roma_format f, size_t n) {
    loaded m;
    int32_t t[640];
    uint8_t first[32], got[32];
    load_as(&m, arch, f, 3);
    tokens_of(t, n);
    bool have_first = false;
    static const char *const isas[] = {"scalar", "avx2", "avx512"};
    const bool in_part = test_effort(100) < 100;
    for (int i = 0; i < 3; i++) {
        if (!roma_kern_find(isas[i])) continue;
        for (int threads = in_part ? 2 : 1; threads <= 8; threads = threads < 3 ? threads + 1 : threads + 5) {
            for (int chunk = 64; chunk; chunk = chunk == 64 ? 7 : chunk == 7 ? 1 : 0) {
                if (i == 0 && (threads != 3 || chunk != 7)) continue; /* the scalar path is slow */
                roma_exec *e =
                    engine(&m, (roma_exec_config){
                                   .threads = threads, .isa = isas[i], .context = 640, .rows = 64, .logit_rows = 64});
                hash_run(e, 0, t, n, (size_t)chunk, have_first ? got : first);
                if (have_first) {
                    if (memcmp(first, got, 32))
                        fprintf(stderr, "differs: arch %u, %u bit, %s, %d threads, chunks of %d\n", arch, f.bits,
                                isas[i], threads, chunk);
                    CHECK(memcmp(first, got, 32) == 0);
                }
                have_first = true;
                roma_exec_destroy(e);
            }
        }
    }
    unload(&m);
}

/* Two sequences in mixed steps give what each gives alone; truncation and reuse of pages too. */
static void test_company(void) {
    loaded m;
    int32_t a[70], b[70];
    roma_error err = {0};
    load_as(&m, ROMA_ARCH_LLAMA, q4_1, 9);
    tokens_of(a, 70);
    for (int i = 0; i < 70; i++) b[i] = (a[i] * 7 + 3) % 200;
    roma_exec *e =
        engine(&m, (roma_exec_config){.threads = 2, .context = 96, .sequences = 2, .rows = 16, .logit_rows = 16});
    static float alone[2][200];
    for (int s = 0; s < 2; s++) {
        CHECK_EQ(roma_exec_prefill(e, 0, 0, s ? b : a, 70, NULL, NULL, &err), 0);
        memcpy(alone[s], roma_exec_logits(e, 0), sizeof alone[s]);
        roma_exec_truncate(e, 0, 0);
        CHECK_EQ(roma_exec_length(e, 0), 0);
    }
    for (uint32_t i = 0; i < 70; i++) {
        const roma_exec_row rows[2] = {{b[i], 1, i, 0, true}, {a[i], 0, i, 0, true}};
        CHECK_EQ(roma_exec_step(e, rows, 2, &err), 0);
    }
    CHECK(memcmp(alone[1], roma_exec_logits(e, 0), sizeof alone[1]) == 0);
    CHECK(memcmp(alone[0], roma_exec_logits(e, 1), sizeof alone[0]) == 0);
    roma_exec_truncate(e, 0, 33);
    CHECK_EQ(roma_exec_prefill(e, 0, 0, a + 33, 37, NULL, NULL, &err), 0);
    CHECK(memcmp(alone[0], roma_exec_logits(e, 0), sizeof alone[0]) == 0);
    roma_exec_destroy(e);
    unload(&m);
}

static int stop_at_16(void *ctx, const char *what, uint64_t done, uint64_t total) {
    (void)ctx;
    CHECK_STR(what, "prompt");
    CHECK(done % 8 == 0 && total == 20);
    return done == 16;
}

static void test_refusals(void) {
    loaded m;
    roma_error err = {0};
    roma_exec *e;
    load_as(&m, ROMA_ARCH_LLAMA, q4_1, 1);
    e = engine(&m, (roma_exec_config){.threads = 1, .context = 64, .rows = 8});
    const struct {
        roma_exec_row row;
        const char *said;
    } bad[] = {
        {{200, 0, 0, 0, false}, "token 200 is not in the vocabulary"},
        {{-1, 0, 0, 0, false}, "token -1"},
        {{0, 1, 0, 0, false}, "sequence 1 does not exist"},
        {{0, 0, 1, 0, false}, "position 1 given"},
        {{0, 0, 0, 1, false}, "adapter set 1 is not defined"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CHECK_EQ(roma_exec_step(e, &bad[i].row, 1, &err), ROMA_EINPUT);
        CHECK(strstr(err.text, bad[i].said) != NULL);
        CHECK_EQ(roma_exec_length(e, 0), 0);
    }
    int32_t t[65] = {0};
    roma_exec_row nine[9];
    for (uint32_t i = 0; i < 9; i++) nine[i] = (roma_exec_row){1, 0, i, 0, false};
    CHECK_EQ(roma_exec_step(e, nine, 9, &err), ROMA_EINPUT);
    CHECK_HAS(err.text, "a step takes 1 to 8 rows, not 9");
    CHECK_EQ(roma_exec_step(e, nine, 0, &err), ROMA_EINPUT);
    CHECK_HAS(err.text, "a step takes 1 to 8 rows, not 0");
    nine[0].want_logits = nine[7].want_logits = true;
    CHECK_EQ(roma_exec_step(e, nine, 8, &err), ROMA_EINPUT);
    CHECK_HAS(err.text, "logits of 2 rows wanted, 1 configured");
    CHECK_EQ(roma_exec_prefill(e, 1, 0, t, 1, NULL, NULL, &err), ROMA_EINPUT);
    CHECK_HAS(err.text, "a prompt needs a sequence and at least one token");
    CHECK_EQ(roma_exec_prefill(e, 0, 0, t, 0, NULL, NULL, &err), ROMA_EINPUT);
    CHECK_HAS(err.text, "a prompt needs a sequence and at least one token");
    CHECK_EQ(roma_exec_prefill(e, 0, 0, t, 65, NULL, NULL, &err), ROMA_ECONTEXT);
    CHECK_EQ(roma_exec_length(e, 0), 0);
    CHECK_EQ(roma_exec_prefill(e, 0, 0, t, 40, NULL, NULL, &err), 0);
    CHECK_EQ(roma_exec_prefill(e, 0, 0, t, 25, NULL, NULL, &err), ROMA_ECONTEXT);
    CHECK_HAS(err.text, "25 tokens do not fit the 24 that are left of the context of 64");
    roma_exec_truncate(e, 0, 0);
    CHECK_EQ(roma_exec_prefill(e, 0, 0, t, 64, NULL, NULL, &err), 0);
    const roma_exec_row more = {0, 0, 64, 0, true};
    CHECK_EQ(roma_exec_step(e, &more, 1, &err), ROMA_ECONTEXT);
    CHECK_HAS(err.text, "the context of 64 tokens is full");
    volatile int cancel = 1;
    roma_exec_truncate(e, 0, 0);
    CHECK_EQ(roma_exec_prefill(e, 0, 0, t, 20, &cancel, NULL, &err), ROMA_ECANCEL);
    CHECK_EQ(roma_exec_length(e, 0), 0);
    const roma_progress two_chunks = {stop_at_16, NULL}; /* what is done is kept */
    CHECK_EQ(roma_exec_prefill(e, 0, 0, t, 20, NULL, &two_chunks, &err), ROMA_ECANCEL);
    CHECK_EQ(roma_exec_length(e, 0), 16);
    roma_exec_destroy(e);

    roma_exec_config cfg = {.threads = 1, .context = 4096};
    CHECK_EQ(roma_exec_create(&e, &m.img, &m.plan, &cfg, &err), ROMA_EUSAGE); /* beyond the model's own context */
    cfg.context = 1024;
    cfg.sram_bytes = 1000;
    CHECK_EQ(roma_exec_create(&e, &m.img, &m.plan, &cfg, &err), ROMA_EINPUT);
    CHECK(strstr(err.text, "no token fits") != NULL);
    cfg = (roma_exec_config){.threads = 1, .isa = "mmx"};
    CHECK_EQ(roma_exec_create(&e, &m.img, &m.plan, &cfg, &err), ROMA_EUSAGE);
    cfg = (roma_exec_config){.threads = 1, .context = 2048, .sequences = 60000};
    CHECK_EQ(roma_exec_create(&e, &m.img, &m.plan, &cfg, &err), ROMA_ENOMEM); /* not for want of logits */
    cfg.rows = 512;
    cfg.logit_rows = 1;
    CHECK_EQ(roma_exec_create(&e, &m.img, &m.plan, &cfg, &err), ROMA_ENOMEM); /* 60,000 caches of 2,048 tokens */
    CHECK(e == NULL);
    unload(&m);
}

int main(void) {
    test_close(ROMA_ARCH_LLAMA, q8_0, 0.06);
    test_close(ROMA_ARCH_LLAMA, q4_1, 0.06);
    test_close(ROMA_ARCH_QWEN2, q6_k, 0.06);
    test_close(ROMA_ARCH_QWEN3, q4_1, 0.06);
    test_close(ROMA_ARCH_LLAMA, ternary, 0.06);
    test_close(ROMA_ARCH_LLAMA | LOAD_ORDERED, q4_1, 0.06);
    test_close(ROMA_ARCH_QWEN2 | LOAD_ORDERED, q8_0, 0.06);
    test_same_bits(ROMA_ARCH_LLAMA | LOAD_ORDERED, q4_1, 70);
    test_same_bits(ROMA_ARCH_LLAMA, q4_1, test_effort(620)); /* past 19 pages */
    test_same_bits(ROMA_ARCH_QWEN3, q6_k, 70);
    test_same_bits(ROMA_ARCH_QWEN2, ternary, 70);
    test_company();
    test_refusals();
    return TEST_DONE();
}
