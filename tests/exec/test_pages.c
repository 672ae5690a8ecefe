/* Pages: sharing and copying give the same bits as computing; forgetting leaves no trace; counts end at zero. */
#include "exec/internal.h"
#include "loaded.h"

static void tokens_of(int32_t *t, size_t n, uint64_t key) {
    for (size_t i = 0; i < n; i++) t[i] = (int32_t)(roma_random(key, i) % VOCAB);
}

/* Every page group is free or held as often as counted, and nothing but held positions is nonzero once all is
 * forgotten. */
static void check_counts(const roma_exec *e) {
    uint32_t held[256] = {0}, free_pages = 0, shared = 0;
    for (uint32_t s = 0; s < e->cfg.sequences; s++)
        for (uint32_t i = 0; i < (e->sequences[s].length + ROMA_PAGE - 1) / ROMA_PAGE; i++)
            held[e->sequences[s].blocks[i]]++;
    for (uint32_t i = 0; i < e->n_blocks; i++) {
        CHECK_EQ(e->refs[i], held[i]);
        free_pages += !held[i];
        shared += held[i] > 1;
    }
    CHECK_EQ(free_pages, e->n_free);
    CHECK_EQ(shared, roma_exec_pages_shared(e));
}

static void check_zero(const roma_exec *e) {
    bool zero = true;
    for (size_t i = 0; i < e->memory.cache; i++) zero &= !e->cache.base[i];
    CHECK(zero);
    CHECK_EQ(e->n_free, e->n_blocks);
    CHECK_EQ(roma_exec_pages_shared(e), 0);
}

/* Logits of the last of n tokens, computed in a sequence of their own. */
static void alone(const loaded *m, const int32_t *t, uint32_t n, float *out) {
    roma_exec *e = engine(m, (roma_exec_config){.threads = 1, .context = 256});
    roma_error err = {0};
    CHECK_EQ(roma_exec_prefill(e, 0, 0, t, n, NULL, NULL, &err), 0);
    memcpy(out, roma_exec_logits(e, 0), VOCAB * sizeof *out);
    roma_exec_destroy(e);
}

static void check_logits(const loaded *m, const roma_exec *e, const int32_t *t, uint32_t n) {
    float want[VOCAB];
    alone(m, t, n, want);
    CHECK(memcmp(want, roma_exec_logits(e, 0), sizeof want) == 0);
}

static void test_fork(const loaded *m) {
    int32_t a[128], b[128];
    roma_error err = {0};
    roma_exec *e = engine(m, (roma_exec_config){.threads = 2, .context = 128, .sequences = 3, .pages = 8});
    tokens_of(a, 128, 1);
    for (uint32_t length = 31; length <= 65; length += length == 33 ? 31 : 1) {
        memcpy(b, a, length * sizeof *b);
        tokens_of(b + length, 128 - length, 2);
        CHECK_EQ(roma_exec_prefill(e, 0, 0, a, 90, NULL, NULL, &err), 0);
        CHECK_EQ(roma_exec_pages_free(e), 5);
        CHECK_EQ(roma_exec_fork(e, 1, 0, length, &err), 0);
        CHECK_EQ(roma_exec_pages_free(e), 5 - (length % ROMA_PAGE != 0));
        check_counts(e);
        CHECK_EQ(roma_exec_prefill(e, 1, 0, b + length, 100 - length, NULL, NULL, &err), 0);
        check_logits(m, e, b, 100);
        CHECK_EQ(roma_exec_prefill(e, 0, 0, a + 90, 6, NULL, NULL, &err), 0); /* the source is as it was */
        check_logits(m, e, a, 96);
        check_counts(e);
        roma_exec_truncate(e, 0, 0);
        roma_exec_truncate(e, 1, 0);
        check_zero(e);
    }
    roma_exec_destroy(e);
}

/* A sequence cut inside a shared page gets its own copy before it writes. */
static void test_cut(const loaded *m) {
    int32_t a[128], b[128];
    roma_error err = {0};
    roma_exec *e = engine(m, (roma_exec_config){.threads = 1, .context = 128, .sequences = 3, .pages = 5});
    tokens_of(a, 128, 1);
    memcpy(b, a, sizeof b);
    tokens_of(b + 50, 78, 3);
    CHECK_EQ(roma_exec_prefill(e, 0, 0, a, 64, NULL, NULL, &err), 0);
    CHECK_EQ(roma_exec_fork(e, 1, 0, 64, &err), 0);
    CHECK_EQ(roma_exec_pages_free(e), 3);
    roma_exec_truncate(e, 0, 50);
    CHECK_EQ(roma_exec_prefill(e, 0, 0, b + 50, 10, NULL, NULL, &err), 0);
    CHECK_EQ(roma_exec_pages_free(e), 2);
    check_logits(m, e, b, 60);
    check_counts(e);
    CHECK_EQ(roma_exec_prefill(e, 1, 0, a + 64, 30, NULL, NULL, &err), 0);
    check_logits(m, e, a, 94);
    CHECK_EQ(roma_exec_pages_free(e), 1);
    CHECK_EQ(roma_exec_fork(e, 2, 1, 33, &err), 0);
    CHECK_EQ(roma_exec_pages_free(e), 0);
    roma_exec_truncate(e, 2, 32);
    CHECK_EQ(roma_exec_prefill(e, 2, 0, a + 32, 32, NULL, NULL, &err), 0);
    check_logits(m, e, a, 64);

    /* no page left: refused, and nothing changed */
    CHECK_EQ(roma_exec_prefill(e, 2, 0, a + 64, 1, NULL, NULL, &err), ROMA_ECONTEXT);
    CHECK_EQ(roma_exec_length(e, 2), 64);
    CHECK_EQ(roma_exec_fork(e, 2, 1, 33, &err), ROMA_EINPUT); /* not empty */
    roma_exec_truncate(e, 2, 0);
    CHECK_EQ(roma_exec_fork(e, 2, 1, 95, &err), ROMA_EINPUT);            /* longer than the source */
    static const uint32_t wrong[][2] = {{3, 0}, {2, 3}, {2, 2}, {0, 1}}; /* none such, none such, itself, not empty */
    for (int i = 0; i < 4; i++) {
        CHECK_EQ(roma_exec_fork(e, wrong[i][0], wrong[i][1], 32, &err), ROMA_EINPUT);
        CHECK_HAS(err.text, "a fork goes from a sequence of that length to an empty one");
    }
    CHECK_EQ(roma_exec_prefill(e, 2, 0, b, 32, NULL, NULL, &err), 0); /* the last page */
    CHECK_EQ(roma_exec_pages_free(e), 0);
    roma_exec_truncate(e, 0, 0);
    roma_exec_truncate(e, 2, 0);
    CHECK_EQ(roma_exec_prefill(e, 2, 0, b, 32 * roma_exec_pages_free(e), NULL, NULL, &err), 0);
    CHECK_EQ(roma_exec_fork(e, 0, 1, 33, &err), ROMA_ECONTEXT); /* 32 need no page of their own, 33 do */
    CHECK_HAS(err.text, "no cache page is free");
    CHECK_EQ(roma_exec_length(e, 0), 0);
    CHECK_EQ(roma_exec_fork(e, 0, 1, 32, &err), 0);
    check_counts(e);
    roma_exec_truncate(e, 0, 0);
    check_counts(e);
    for (uint32_t s = 0; s < 3; s++) roma_exec_truncate(e, s, 0);
    check_zero(e);
    roma_exec_destroy(e);
}

/* Rejected rows leave the whole arena as if they had never been. */
static void test_trace(const loaded *m) {
    int32_t t[200], wrong[16];
    roma_error err = {0};
    const roma_exec_config cfg = {.threads = 2, .context = 256, .sequences = 2, .rows = 32, .logit_rows = 32};
    roma_exec *drafts = engine(m, cfg), *plain = engine(m, cfg);
    tokens_of(t, 200, 4);
    for (uint32_t at = 0, round = 0; at < 180; round++) {
        roma_exec_row rows[32];
        const uint32_t good = 1 + (uint32_t)(roma_random(5, round) % 4), bad = (uint32_t)(roma_random(6, round) % 16);
        tokens_of(wrong, 16, 100 + round);
        for (uint32_t i = 0; i < good; i++) rows[i] = (roma_exec_row){t[at + i], 0, at + i, 0, true};
        CHECK_EQ(roma_exec_step(plain, rows, good, &err), 0);
        for (uint32_t i = 0; i < bad; i++) rows[good + i] = (roma_exec_row){wrong[i], 0, at + good + i, 0, true};
        CHECK_EQ(roma_exec_step(drafts, rows, good + bad, &err), 0);
        at += good;
        roma_exec_truncate(drafts, 0, at);
        CHECK(memcmp(plain->cache.base, drafts->cache.base, plain->memory.cache) == 0);
        CHECK(memcmp(roma_exec_logits(plain, good - 1), roma_exec_logits(drafts, good - 1), VOCAB * sizeof(float)) ==
              0);
    }
    roma_exec_truncate(drafts, 0, 0);
    check_zero(drafts);
    roma_exec_destroy(drafts);
    roma_exec_destroy(plain);
}

/* Pages of memory that this process has mapped. */
static long mapped(void) {
    FILE *f = fopen("/proc/self/statm", "r");
    long pages = 0;
    if (!f) return 0;
    CHECK_EQ(fscanf(f, "%ld", &pages), 1);
    fclose(f);
    return pages;
}

/* Arenas are no heap, so that a leak checker does not see them: engines that come and go leave nothing mapped. */
static void test_given_back(const loaded *m) {
    const roma_exec_config cfg = {
        .threads = 2, .context = 512, .sequences = 8, .adapters = 2, .adapter_bytes = 4 << 20, .rows = 256};
    const long least = (long)sysconf(_SC_PAGESIZE);
    uint64_t own = UINT64_MAX;
    roma_exec *e = engine(m, cfg);
    const roma_exec_memory *mem = roma_exec_memory_of(e);
    const uint64_t parts[] = {mem->cache, mem->adapters, mem->activations, mem->work};
    for (int i = 0; i < 4; i++) own = parts[i] < own ? parts[i] : own;
    CHECK(own > 100 * (uint64_t)least); /* so that eight times the smallest arena stand out */
    roma_exec_destroy(e);
    const long before = mapped();
    for (int i = 0; i < 8; i++) roma_exec_destroy(engine(m, cfg));
    CHECK((uint64_t)(mapped() - before) * (uint64_t)least < 4 * own);
}

int main(void) {
    loaded m;
    load(&m, 7);
    test_given_back(&m);
    test_fork(&m);
    test_cut(&m);
    test_trace(&m);
    unload(&m);
    return TEST_DONE();
}
