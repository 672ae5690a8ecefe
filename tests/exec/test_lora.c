/* Adapters in the engine: close to a double-precision forward pass; every sequence of a step with mixed sets gives what
 * it gives alone, bit for bit, on every instruction set, with any threads and chunks; memory to the byte; refusals. */
#include "adapters.h"
#include "loaded.h"
#include "exec/internal.h"

enum { POSITIONS = 40 };

static const roma_format q4_1 = {.bits = 4, .scale = ROMA_SCALE_F16, .min = ROMA_SCALE_F16, .group = 32};
static const roma_format q8_0 = {.bits = 8, .scale = ROMA_SCALE_F16, .group = 32};

static void tokens_of(int32_t *t, size_t n, uint64_t key) {
    for (size_t i = 0; i < n; i++) t[i] = (int32_t)(roma_random(key, i) % VOCAB);
}

static double distance(const double *a, const float *b) {
    double norm = 0, diff = 0;
    for (int i = 0; i < VOCAB; i++) {
        norm += a[i] * a[i];
        diff += (a[i] - (double)b[i]) * (a[i] - (double)b[i]);
    }
    return sqrt(diff / norm);
}

/* ---- values ---- */

/* The engine's logits under stacked adapters are those of double precision, as near as without any; and far from the
 * base's. */
static void test_close(uint32_t arch, roma_format f, uint32_t type, uint32_t rank, uint32_t step, int stacked) {
    static const float factors[] = {1.0f, -0.7f, 0.5f};
    loaded m;
    roma_adapter a[3];
    roma_error err = {0};
    int32_t t[POSITIONS];
    uint32_t ids[3];
    double want[VOCAB], base[VOCAB];
    load_as(&m, arch, f, 11);
    tokens_of(t, POSITIONS, 5);
    roma_exec *e = engine(&m, (roma_exec_config){.threads = 2,
                                                 .context = 64,
                                                 .adapters = 3,
                                                 .adapter_bytes = 3 << 20,
                                                 .adapter_rank = rank + 14 * step,
                                                 .adapter_stack = 3});
    ref_adapters = 0;
    ref_forward(&m.img, t, POSITIONS, base);
    for (int i = 0; i < stacked; i++) {
        adapter_random(&a[i], &m.img, type, rank, step, 0, 40 + (uint64_t)i);
        ids[i] = adapter_load(e, &a[i]);
        ref_adapter[i].adapter = &a[i];
        ref_adapter[i].factor = (double)factors[i];
    }
    adapter_set(e, 1, (uint32_t)stacked, ids, factors);
    CHECK_EQ(roma_exec_prefill(e, 0, 1, t, POSITIONS, NULL, NULL, &err), 0);
    ref_adapters = stacked;
    ref_forward(&m.img, t, POSITIONS, want);
    ref_adapters = 0;
    const float *got = roma_exec_logits(e, 0);
    const double off = distance(want, got), effect = distance(base, got);
    if (!(off < 0.06 && effect > 0.6))
        fprintf(stderr, "arch %u, type %u, rank %u, %d stacked: relative error %.4f, effect %.4f\n", arch, type, rank,
                stacked, off, effect);
    CHECK(off < 0.06 && effect > 0.6);
    for (int i = 0; i < stacked; i++) roma_adapter_close(&a[i]);
    roma_exec_destroy(e);
    unload(&m);
}

/* ---- the same bits in any company ---- */

enum { SETS = 7, SEQUENCES = 7 };

/* Of head and embedding too; of some matrices; of others; DoRA of all, head and embedding too. */
static void make_adapters(roma_adapter a[4], const roma_image *img) {
    const uint32_t layers = 1u << ROMA_W_Q | 1u << ROMA_W_K | 1u << ROMA_W_V | 1u << ROMA_W_O | 1u << ROMA_W_GATE |
                            1u << ROMA_W_UP | 1u << ROMA_W_DOWN;
    adapter_random(&a[0], img, ROMA_ADAPTER_INT8, 16, 0, layers | ADAPTER_OUTER, 1);
    adapter_random(&a[1], img, ROMA_ADAPTER_FP8, 3, 1,
                   1u << ROMA_W_Q | 1u << ROMA_W_V | 1u << ROMA_W_DOWN | 1u << ROMA_W_UP, 2);
    adapter_random(&a[2], img, ROMA_ADAPTER_F16, 21, 0, 1u << ROMA_W_K | 1u << ROMA_W_O | 1u << ROMA_W_GATE, 3);
    adapter_random_as(&a[3], img, ROMA_ADAPTER_INT8, 5, 0, layers | ADAPTER_OUTER, 4, true);
}

/* Sets 1 to 6: one adapter, another type and rank on some matrices only, two stacked either way round, nothing, DoRA
 * before another. */
static void make_sets(roma_exec *e, const roma_adapter a[4]) {
    uint32_t id[4];
    for (int i = 0; i < 4; i++) id[i] = adapter_load(e, &a[i]);
    adapter_set(e, 1, 1, &id[0], NULL);
    adapter_set(e, 2, 1, &id[1], (float[]){0.3f});
    adapter_set(e, 3, 2, (uint32_t[]){id[0], id[1]}, (float[]){1, -2});
    adapter_set(e, 4, 3, (uint32_t[]){id[1], id[2], id[0]}, (float[]){0.5f, 1, 0.25f});
    adapter_set(e, 5, 0, NULL, NULL);
    adapter_set(e, 6, 2, (uint32_t[]){id[3], id[0]}, (float[]){1, 0.5f});
}

static uint32_t set_of_sequence(uint32_t s) { return s % SETS; }

static roma_exec_config mixed_config(int threads, const char *isa) {
    return (roma_exec_config){.threads = threads,
                              .isa = isa,
                              .context = 64,
                              .sequences = SEQUENCES,
                              .rows = 64,
                              .logit_rows = 64,
                              .adapters = 4,
                              .adapter_bytes = 3 << 20,
                              .adapter_rank = 21,
                              .adapter_stack = 3,
                              .adapter_sets = SETS - 1};
}

/* Logits of every position of one sequence alone, in one-row steps. */
static void alone(roma_exec *e, const int32_t *t, uint32_t set, float *out) {
    roma_error err = {0};
    for (uint32_t p = 0; p < POSITIONS; p++) {
        const roma_exec_row row = {t[p], 0, p, set, true};
        CHECK_EQ(roma_exec_step(e, &row, 1, &err), 0);
        memcpy(out + (size_t)p * VOCAB, roma_exec_logits(e, 0), VOCAB * sizeof *out);
    }
    roma_exec_truncate(e, 0, 0);
}

/* All sequences in common steps: of each up to `chunk` rows a step, of one more and of another fewer. */
static void together(roma_exec *e, int32_t t[SEQUENCES][POSITIONS], uint32_t chunk, float *const want[SEQUENCES],
                     const char *what) {
    uint32_t done[SEQUENCES] = {0};
    roma_error err = {0};
    for (bool more = true; more;) {
        roma_exec_row rows[64];
        size_t n = 0;
        more = false;
        for (uint32_t s = 0; s < SEQUENCES; s++) {
            const uint32_t most = s == 2 ? chunk + 1 : s == 3 ? (chunk + 1) / 2 : chunk;
            for (uint32_t i = 0; i < most && done[s] < POSITIONS && n < 64; i++, n++)
                rows[n] = (roma_exec_row){t[s][done[s]], s, done[s], set_of_sequence(s), true}, done[s]++;
            more |= done[s] < POSITIONS;
        }
        CHECK_EQ(roma_exec_step(e, rows, n, &err), 0);
        for (size_t i = 0; i < n; i++) {
            const int same = memcmp(roma_exec_logits(e, i), want[rows[i].sequence] + (size_t)rows[i].position * VOCAB,
                                    VOCAB * sizeof(float)) == 0;
            if (!same)
                fprintf(stderr, "%s: sequence %u, position %u differs\n", what, rows[i].sequence, rows[i].position);
            CHECK(same);
        }
    }
    for (uint32_t s = 0; s < SEQUENCES; s++) roma_exec_truncate(e, s, 0);
}

static void test_same_bits(uint32_t arch, roma_format f) {
    static const char *const isas[] = {"scalar", "avx2", "avxvnni", "avx512", "neon"};
    const bool in_part = test_effort(100) < 100;
    loaded m;
    roma_adapter a[4];
    int32_t t[SEQUENCES][POSITIONS];
    float *want[SEQUENCES];
    load_as(&m, arch, f, 3);
    make_adapters(a, &m.img);
    for (uint32_t s = 0; s < SEQUENCES; s++) tokens_of(t[s], POSITIONS, 70 + s);
    roma_exec *e = engine(&m, mixed_config(1, "auto"));
    make_sets(e, a);
    for (uint32_t s = 0; s < SEQUENCES; s++) {
        want[s] = malloc(POSITIONS * VOCAB * sizeof(float));
        alone(e, t[s], set_of_sequence(s), want[s]);
    }
    roma_exec_destroy(e);
    for (size_t i = 0; i < sizeof isas / sizeof *isas; i++)
        for (int threads = 1; threads <= 8 && roma_kern_find(isas[i]);
             threads = threads < 3 ? threads + 1 : threads + 5) {
            if ((i == 0 || in_part) && threads != 3) continue; /* the scalar path is slow */
            e = engine(&m, mixed_config(threads, isas[i]));
            make_sets(e, a);
            for (uint32_t chunk = in_part ? 2 : 1; chunk <= 13; chunk = chunk == 1 ? 2 : chunk + 11)
                together(e, t, chunk, want, isas[i]);
            float *again = malloc(POSITIONS * VOCAB * sizeof(float));
            alone(e, t[4], set_of_sequence(4), again);
            CHECK(memcmp(again, want[4], POSITIONS * VOCAB * sizeof(float)) == 0);
            free(again);
            roma_exec_destroy(e);
        }
    for (uint32_t s = 0; s < SEQUENCES; s++) free(want[s]);
    for (int i = 0; i < 4; i++) roma_adapter_close(&a[i]);
    unload(&m);
}

/* A set without adapters is the base; so is a row under set 0 while others have adapters. Order and factor count. */
static void test_meaning(void) {
    loaded m;
    roma_adapter a[4];
    int32_t t[POSITIONS];
    roma_error err = {0};
    float *out[SETS], plain[VOCAB];
    load(&m, 3);
    tokens_of(t, POSITIONS, 1);
    make_adapters(a, &m.img);
    roma_exec *without = engine(&m, (roma_exec_config){.threads = 1, .context = 64});
    CHECK_EQ(roma_exec_prefill(without, 0, 0, t, POSITIONS, NULL, NULL, &err), 0);
    memcpy(plain, roma_exec_logits(without, 0), sizeof plain);
    roma_exec_destroy(without);
    roma_exec *e = engine(&m, mixed_config(2, "auto"));
    make_sets(e, a);
    for (uint32_t s = 0; s < SETS; s++) {
        out[s] = malloc(POSITIONS * VOCAB * sizeof(float));
        alone(e, t, s, out[s]);
        for (uint32_t o = 0; o < s; o++)
            CHECK(s == 5 && o == 0 ? memcmp(out[s], out[o], POSITIONS * VOCAB * 4) == 0
                                   : memcmp(out[s], out[o], POSITIONS * VOCAB * 4) != 0);
    }
    CHECK(memcmp(plain, out[0] + (POSITIONS - 1) * VOCAB, sizeof plain) == 0);
    for (uint32_t s = 0; s < SETS; s++) free(out[s]);
    for (int i = 0; i < 4; i++) roma_adapter_close(&a[i]);
    roma_exec_destroy(e);
    unload(&m);
}

/* ---- memory ---- */

/* The arena holds the adapters' bytes and not one more; a byte less is refused, by the sizes; what moves together still
 * computes the same. */
static void test_memory(void) {
    loaded m;
    roma_adapter a[4];
    int32_t t[POSITIONS];
    roma_error err = {0};
    uint32_t id[4], none;
    uint64_t bytes = 0;
    roma_exec_used most;
    static float want[2][POSITIONS * VOCAB], got[POSITIONS * VOCAB];
    load(&m, 8);
    tokens_of(t, POSITIONS, 2);
    for (int i = 0; i < 4; i++) {
        const uint32_t rank = i == 3 ? 8 : 2 + (uint32_t)i;
        adapter_random_as(&a[i], &m.img, ROMA_ADAPTER_INT8, rank, 0, 0, 90 + (uint64_t)i, i == 1);
        CHECK(i == 1 || a[i].data_bytes == roma_adapter_bytes(&m.img.desc, ROMA_ADAPTER_INT8, rank, 0));
        if (i < 3) bytes += a[i].data_bytes;
    }
    roma_exec_config c = {.threads = 2, .context = 64, .adapters = 4, .adapter_bytes = bytes};
    roma_exec *e = engine(&m, c);
    for (int i = 0; i < 3; i++) id[i] = adapter_load(e, &a[i]);
    CHECK_EQ(roma_exec_adapter_free(e), 0);
    roma_exec_most(e, &most);
    CHECK_EQ(most.adapters, bytes);
    CHECK_EQ(e->memory.adapters, bytes);
    CHECK_EQ(e->memory.sram, e->memory.cache + e->memory.activations + bytes);
    uint64_t touched = e->lora.arena.size;
    while (touched && !e->lora.arena.base[touched - 1]) touched--;
    CHECK(touched <= bytes && touched > bytes - a[2].data_bytes);
    for (uint32_t i = 1; i <= 2; i++) {
        adapter_set(e, i, 1, &id[i], NULL);
        alone(e, t, i, want[i - 1]);
    }
    CHECK_EQ(roma_exec_adapter_load(e, &a[0], 0, "more.lora.roma", &none, &err), ROMA_EINPUT);
    CHECK(strstr(err.text, "of SRAM kept for adapters 0.00 are free (--adapters, --rank)") != NULL);
    CHECK_EQ(roma_exec_adapter_unload(e, id[2], &err), ROMA_EUSAGE);
    CHECK(strstr(err.text, "set 2 holds adapter 2") != NULL);
    CHECK_EQ(roma_exec_adapter_unload(e, id[0], &err),
             0); /* a hole before the others: those must move for one that is larger */
    CHECK_EQ(roma_exec_adapter_unload(e, id[0], &err), ROMA_EUSAGE);
    id[0] = adapter_load(e, &a[0]);
    adapter_set(e, 2, 0, NULL, NULL);
    CHECK_EQ(roma_exec_adapter_unload(e, id[2], &err), 0);
    CHECK_EQ(roma_exec_adapter_unload(e, id[0], &err), 0);
    CHECK(a[3].data_bytes > a[2].data_bytes && a[3].data_bytes <= roma_exec_adapter_free(e));
    id[3] = adapter_load(e, &a[3]);
    adapter_set(e, 2, 1, &id[3], NULL);
    alone(e, t, 1, got);
    CHECK(memcmp(got, want[0], sizeof got) == 0);
    CHECK_EQ(roma_exec_adapter_set(e, 2, (uint32_t[]){id[1]}, (float[]){0.5f}, 1, &err), ROMA_EINPUT);
    CHECK_HAS(err.text, "a DoRA adapter must be the first");
    CHECK_EQ(roma_exec_adapter_set(e, 2, (uint32_t[]){id[1]}, (float[]){0}, 1, &err), ROMA_OK);
    roma_exec_destroy(e);

    c.adapter_bytes--;
    e = engine(&m, c);
    adapter_load(e, &a[0]);
    adapter_load(e, &a[1]);
    CHECK_EQ(roma_exec_adapter_load(e, &a[2], 0, "c", &none, &err), ROMA_EINPUT);
    roma_exec_destroy(e);
    for (int i = 0; i < 4; i++) roma_adapter_close(&a[i]);
    unload(&m);
}

/* Sets are equal where all their parts are: number, order, adapter, and the factor's bits. */
static void test_equal_sets(void) {
    const lora_set a = {.is_defined = true, .n = 3, .part = {{5, 0, 1}, {6, 1, 0.5f}, {7, 2, -1}}};
    lora_set b = a;
    CHECK(roma_exec_sets_equal(&a, &b) &&
          roma_exec_sets_equal(&(lora_set){.is_defined = true}, &(lora_set){.is_defined = true}));
    for (uint32_t i = 0; i < 3; i++) {
        b = a, b.part[i].serial++;
        CHECK(!roma_exec_sets_equal(&a, &b));
        b = a, b.part[i].factor = -b.part[i].factor;
        CHECK(!roma_exec_sets_equal(&a, &b));
        b = a, b.part[i].id = 9; /* the place that an adapter has says nothing */
        CHECK(roma_exec_sets_equal(&a, &b));
    }
    b = a, b.n = 2;
    CHECK(!roma_exec_sets_equal(&a, &b) && !roma_exec_sets_equal(&b, &a));
    b.part[2].serial++;
    lora_set c = a;
    c.n = 2;
    CHECK(roma_exec_sets_equal(&b, &c)); /* what is beyond n does not count */
    b = a, b.is_defined = false;
    CHECK(!roma_exec_sets_equal(&a, &b) && !roma_exec_sets_equal(&b, &a) && !roma_exec_sets_equal(&b, &b));
}

/* ---- refusals ---- */

static void check_load(roma_exec *e, const roma_adapter *a, unsigned flags, int rc, const char *said) {
    roma_error err = {0};
    uint32_t id;
    CHECK_EQ(roma_exec_adapter_load(e, a, flags, "x.lora.roma", &id, &err), rc);
    if (said && !strstr(err.text, said)) fprintf(stderr, "%s\n", err.text);
    CHECK(!said || strstr(err.text, said) != NULL);
}

static void test_refusals(void) {
    loaded m, other, qwen;
    roma_adapter a, wide;
    roma_error err = {0};
    load(&m, 1);
    load(&other, 2);
    load_as(&qwen, ROMA_ARCH_QWEN3, q4_1, 1);
    adapter_random(&a, &m.img, ROMA_ADAPTER_INT8, 4, 0, 0, 1);
    adapter_random(&wide, &m.img, ROMA_ADAPTER_INT8, 17, 0, 0, 1);
    roma_exec *e =
        engine(&other, (roma_exec_config){.threads = 1, .context = 64, .adapters = 2, .adapter_bytes = 1 << 20});
    check_load(e, &a, 0, ROMA_EINPUT, "--allow-base-mismatch");
    check_load(e, &a, ROMA_ADAPTER_ANY_BASE, 0, NULL); /* the same shapes */
    roma_exec_destroy(e);
    e = engine(&m, (roma_exec_config){.threads = 1, .context = 64, .adapters = 2, .adapter_bytes = 1 << 20});
    check_load(e, &wide, 0, ROMA_EINPUT, "rank 17, and there is room for rank 16 (--rank)");
    check_load(e, &a, 0, 0, NULL);
    check_load(e, &a, 0, 0, NULL);
    check_load(e, &a, 0, ROMA_EINPUT, "2 adapters are loaded, and there is room for no more (--adapters)");
    const struct {
        uint32_t set, n, ids[2];
        float factor;
        int rc;
        const char *said;
    } bad[] = {{0, 1, {0}, 1, ROMA_EUSAGE, "adapter sets are 1 to 2, not 0"},
               {3, 1, {0}, 1, ROMA_EUSAGE, "adapter sets are 1 to 2, not 3"},
               {1, 1, {2}, 1, ROMA_EINPUT, "adapter 2 is not loaded"},
               {1, 2, {0, 1}, 1, ROMA_EINPUT, "2 adapters at once, and there is room for 1"},
               {1, 1, {0}, __builtin_nanf(""), ROMA_EINPUT, "an adapter's factor must be a number up to 1000000"},
               {1, 1, {0}, 1000001, ROMA_EINPUT, "an adapter's factor must be a number up to 1000000"},
               {1, 1, {0}, -1000001, ROMA_EINPUT, "an adapter's factor must be a number up to 1000000"},
               {1, 1, {0}, __builtin_inff(), ROMA_EINPUT, "an adapter's factor must be a number up to 1000000"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CHECK_EQ(roma_exec_adapter_set(e, bad[i].set, bad[i].ids, &bad[i].factor, bad[i].n, &err), bad[i].rc);
        CHECK_HAS(err.text, bad[i].said);
    }
    CHECK_EQ(roma_exec_adapter_unload(e, 2, &err), ROMA_EUSAGE);
    CHECK_HAS(err.text, "adapter 2 is not loaded");
    const roma_exec_row row = {1, 0, 0, 1, true};
    CHECK_EQ(roma_exec_step(e, &row, 1, &err), ROMA_EINPUT);
    CHECK(strstr(err.text, "adapter set 1 is not defined") != NULL);
    adapter_set(e, 2, 1, (uint32_t[]){1}, (float[]){-1000000}); /* the last set, the last adapter, the largest factor */
    CHECK_EQ(roma_exec_step(e, &(roma_exec_row){1, 0, 0, 2, true}, 1, &err), 0);
    roma_exec_destroy(e);
    e = engine(&m, (roma_exec_config){.threads = 1, .context = 64});
    check_load(e, &a, 0, ROMA_EINPUT, "0 adapters are loaded");
    roma_exec_destroy(e);
    CHECK_EQ(roma_exec_create(&e, &m.img, &m.plan, &(roma_exec_config){.threads = 1, .adapters = 1, .adapter_stack = 9},
                              &err),
             ROMA_EUSAGE);
    CHECK_EQ(roma_exec_create(&e, &m.img, &m.plan,
                              &(roma_exec_config){.threads = 1, .adapters = 1, .adapter_rank = 513}, &err),
             ROMA_EUSAGE);
    roma_adapter_close(&a);
    roma_adapter_close(&wide);
    unload(&m);
    unload(&other);
    unload(&qwen);
}

int main(void) {
    if (test_effort(100) == 100) { /* the others have all that these have */
        test_close(ROMA_ARCH_LLAMA, q8_0, ROMA_ADAPTER_INT8, 16, 0, 1);
        test_close(ROMA_ARCH_LLAMA, q8_0, ROMA_ADAPTER_INT8, 64, 0, 3);
    }
    test_close(ROMA_ARCH_LLAMA, q8_0, ROMA_ADAPTER_F16, 5, 1, 1);
    test_close(ROMA_ARCH_QWEN2 | LOAD_ORDERED, q8_0, ROMA_ADAPTER_FP8, 7, 0, 1);
    test_close(ROMA_ARCH_QWEN3, q8_0, ROMA_ADAPTER_INT8, 8, 3, 2);
    if (test_effort(100) == 100) test_same_bits(ROMA_ARCH_LLAMA, q4_1); /* the others have all that it has */
    test_same_bits(ROMA_ARCH_QWEN2, q8_0);
    test_same_bits(ROMA_ARCH_QWEN3 | LOAD_ORDERED, q4_1);
    test_meaning();
    test_memory();
    test_equal_sets();
    test_refusals();
    return TEST_DONE();
}
