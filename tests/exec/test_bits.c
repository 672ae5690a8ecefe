/* The bits of the engine as they were last accepted: a hash over the logits of small random models, which no change may
 * move. That the values are right is for test_exec, that other threads and instruction sets give the same for others;
 * this says within a second that something moved. */
#include "adapters.h"
#include "loaded.h"

static const roma_format q4_1 = {.bits = 4, .scale = ROMA_SCALE_F16, .min = ROMA_SCALE_F16, .group = 32};
static const roma_format q6_k = {.bits = 6, .scale = ROMA_SCALE_S8, .group = 16, .super = 256, .zero = 32};
static const roma_format ternary = {.bits = 2, .scale = ROMA_SCALE_F16, .group = 256, .zero = 1};

/* A prompt of 75 rows in chunks of 40, nine single rows, a fork that goes its own way, and a step of both together. */
static void run(roma_exec *e, uint32_t set, roma_sha256 *h) {
    roma_error err = {0};
    int32_t t[96];
    for (int i = 0; i < 96; i++) t[i] = (int32_t)(roma_random(77, (uint64_t)i) % VOCAB);
    CHECK_EQ(roma_exec_prefill(e, 0, set, t, 75, NULL, NULL, &err), 0);
    roma_sha256_update(h, roma_exec_logits(e, 0), VOCAB * sizeof(float));
    for (uint32_t i = 75; i < 84; i++) {
        CHECK_EQ(roma_exec_step(e, &(roma_exec_row){t[i], 0, i, set, true}, 1, &err), 0);
        roma_sha256_update(h, roma_exec_logits(e, 0), VOCAB * sizeof(float));
    }
    CHECK_EQ(roma_exec_fork(e, 1, 0, 70, &err), 0);
    const roma_exec_row rows[] = {{t[1], 1, 70, 0, false}, {t[84], 0, 84, set, true}, {t[2], 1, 71, set, true}};
    CHECK_EQ(roma_exec_step(e, rows, 3, &err), 0);
    roma_sha256_update(h, roma_exec_logits(e, 0), VOCAB * sizeof(float));
    roma_sha256_update(h, roma_exec_logits(e, 1), VOCAB * sizeof(float));
    roma_exec_truncate(e, 0, 60);
    CHECK_EQ(roma_exec_step(e, &(roma_exec_row){t[90], 0, 60, set, true}, 1, &err), 0);
    roma_sha256_update(h, roma_exec_logits(e, 0), VOCAB * sizeof(float));
}

static void check(uint32_t arch, roma_format f, int threads, uint32_t rank, const char *want) {
    loaded m;
    roma_adapter a = {0};
    roma_sha256 h;
    uint8_t hash[32];
    char hex[17];
    load_as(&m, arch, f, 21);
    roma_exec *e = engine(&m, (roma_exec_config){.threads = threads,
                                                 .context = 128,
                                                 .sequences = 2,
                                                 .rows = 40,
                                                 .logit_rows = 3,
                                                 .adapters = rank ? 1 : 0,
                                                 .adapter_bytes = rank ? 1 << 20 : 0});
    if (rank) {
        adapter_random(&a, &m.img, 1, rank, 0, 0, 5);
        const uint32_t id = adapter_load(e, &a);
        adapter_set(e, 1, 1, &id, (float[]){0.75f});
    }
    roma_sha256_init(&h);
    run(e, rank ? 1 : 0, &h);
    roma_sha256_final(&h, hash);
    for (int i = 0; i < 8; i++) snprintf(hex + 2 * i, 3, "%02x", hash[i]);
    CHECK_STR(hex, want);
    roma_exec_destroy(e);
    if (rank) roma_adapter_close(&a);
    unload(&m);
}

int main(void) {
    check(ROMA_ARCH_LLAMA, q4_1, 1, 0, "30fde678c7dc2539");
    check(ROMA_ARCH_LLAMA, q4_1, 3, 7, "d348bb64d520b06c");
    check(ROMA_ARCH_QWEN2, q6_k, 2, 0, "b9e946b27adf780f");
    check(ROMA_ARCH_QWEN2, q4_1, 1, 16, "0a05088dbedab199");
    check(ROMA_ARCH_QWEN3, ternary, 2, 0, "827599e935aefc01");
    return TEST_DONE();
}
