/* Adapters swapped under sequences that run: 16 sequences, each of whose tokens comes under an adapter of its own
 * choice, more than 10,000 swaps in all; every token's logits are those of the sequence alone. And who may share a
 * prefix with whom. */
#include "adapters.h"
#include "exec/batch.h"
#include "loaded.h"

enum { SEQUENCES = 16, TOKENS = 720, ADAPTERS = 5, SWAPS_WANTED = 10000 };

static int32_t token_of(uint32_t s, uint32_t p) { return (int32_t)(roma_random(900 + s, p) % VOCAB); }

/* Adapters of sequence s at position p: none, one, or two with a factor. Sets last a token on the mean a little longer
 * than one. */
static uint32_t choice(uint32_t s, uint32_t p, uint32_t ids[2], float factors[2], const uint32_t loaded_ids[ADAPTERS]) {
    const uint64_t r = roma_random(s, p / (1 + p % 3 / 2));
    ids[0] = loaded_ids[r % ADAPTERS];
    ids[1] = loaded_ids[(r >> 8) % ADAPTERS];
    factors[0] = 1;
    factors[1] = (float)((int)(r >> 16 & 7) - 4) * 0.25f;
    return (uint32_t)(r >> 24) % 8 == 0 ? 0 : 1 + ((r >> 28) % 3 == 0);
}

/* Defines `set` for the token; whether that changed it. */
static bool define(roma_exec *e, uint32_t set, uint32_t s, uint32_t p, const uint32_t loaded_ids[ADAPTERS]) {
    uint32_t ids[2];
    float factors[2];
    const uint32_t n = choice(s, p, ids, factors, loaded_ids);
    const lora_set before = e->lora.sets[set];
    adapter_set(e, set, n, ids, factors);
    return !roma_exec_sets_equal(&before, &e->lora.sets[set]);
}

static roma_exec *make(const loaded *m, uint32_t sequences, int threads, const roma_adapter *a,
                       uint32_t ids[ADAPTERS]) {
    roma_exec *e = engine(m, (roma_exec_config){.threads = threads,
                                                .context = TOKENS,
                                                .sequences = sequences,
                                                .rows = 32,
                                                .adapters = ADAPTERS,
                                                .adapter_bytes = 1 << 20,
                                                .adapter_rank = 9,
                                                .adapter_stack = 2,
                                                .adapter_sets = sequences});
    for (int i = 0; i < ADAPTERS; i++) ids[i] = adapter_load(e, &a[i]);
    return e;
}

static void test_swaps(const loaded *m, const roma_adapter a[ADAPTERS]) {
    static uint64_t want[SEQUENCES][TOKENS];
    uint32_t ids[ADAPTERS];
    const uint32_t tokens = test_effort(TOKENS);
    unsigned swaps = 0, wrong = 0;
    roma_error err = {0};
    roma_exec *e = make(m, 1, 1, a, ids);
    for (uint32_t s = 0; s < SEQUENCES; s++) {
        for (uint32_t p = 0; p < tokens; p++) {
            define(e, 1, s, p, ids);
            CHECK_EQ(roma_exec_step(e, &(roma_exec_row){token_of(s, p), 0, p, 1, true}, 1, &err), 0);
            want[s][p] = roma_hash64(roma_exec_logits(e, 0), VOCAB * sizeof(float));
        }
        roma_exec_truncate(e, 0, 0);
    }
    roma_exec_destroy(e);
    e = make(m, SEQUENCES, 3, a, ids);
    for (uint32_t p = 0; p < tokens; p++) {
        roma_exec_row rows[SEQUENCES];
        for (uint32_t s = 0; s < SEQUENCES; s++) {
            swaps += define(e, s + 1, s, p, ids);
            rows[s] = (roma_exec_row){token_of(s, p), s, p, s + 1, true};
        }
        CHECK_EQ(roma_exec_step(e, rows, SEQUENCES, &err), 0);
        for (uint32_t s = 0; s < SEQUENCES; s++)
            wrong += roma_hash64(roma_exec_logits(e, s), VOCAB * sizeof(float)) != want[s][p];
    }
    CHECK_EQ(wrong, 0);
    CHECK(swaps >= test_effort(SWAPS_WANTED));
    printf("  %u swaps under %d sequences\n", swaps, SEQUENCES);
    roma_exec_destroy(e);
}

/* ---- prefixes ---- */

static int on_token(void *ctx, int32_t token, const float *logits, roma_error *err) {
    (void)token, (void)err;
    *(uint64_t *)ctx = *(uint64_t *)ctx * 31 + roma_hash64(logits, VOCAB * sizeof *logits);
    return 0;
}

/* Runs one request to its end under `set`; returns the prompt tokens that it took over. */
static uint32_t ask(roma_batch *b, const int32_t *prompt, uint32_t set, uint64_t *hash) {
    const roma_request r = {prompt,   80,   5,    set,  false, {.top_p = 1, .repeat_penalty = 1},
                            on_token, hash, NULL, NULL, 0};
    roma_error err = {0};
    uint32_t id;
    *hash = 0;
    CHECK_EQ(roma_batch_submit(b, &r, &id, &err), 0);
    while (!roma_batch_is_idle(b)) CHECK_EQ(roma_batch_step(b, &err), 0);
    const uint32_t shared = roma_batch_poll(b, id, NULL)->shared;
    CHECK_EQ(roma_batch_poll(b, id, NULL)->rc, 0);
    roma_batch_finish(b, id);
    return shared;
}

/* A prefix is shared under the same adapters with the same factors, whatever their set's number; never after the set
 * has changed, and not with what another adapter in the same place computed. */
static void test_prefixes(const loaded *m, const roma_adapter a[ADAPTERS]) {
    uint32_t ids[ADAPTERS], again;
    int32_t prompt[80];
    uint64_t hash[4], other;
    roma_error err = {0};
    roma_batch *b;
    roma_exec *e = make(m, 8, 2, a, ids);
    for (uint32_t i = 0; i < 80; i++) prompt[i] = token_of(3, i);
    CHECK_EQ(roma_batch_create(&b, e, &(roma_batch_config){.running = 2}, &err), 0);
    adapter_set(e, 1, 1, &ids[0], NULL);
    adapter_set(e, 2, 1, &ids[1], NULL);
    adapter_set(e, 3, 1, &ids[0], NULL);
    adapter_set(e, 4, 1, &ids[0], (float[]){0.5f});
    CHECK_EQ(ask(b, prompt, 0, &hash[0]), 0);
    CHECK_EQ(ask(b, prompt, 1, &hash[1]), 0);
    CHECK_EQ(ask(b, prompt, 2, &hash[2]), 0);
    CHECK_EQ(ask(b, prompt, 4, &hash[3]), 0);
    CHECK_EQ(ask(b, prompt, 0, &other), 79);
    CHECK(other == hash[0]);
    CHECK_EQ(ask(b, prompt, 3, &other), 79); /* the same adapter by another number */
    CHECK(other == hash[1] && hash[0] != hash[1] && hash[1] != hash[2] && hash[1] != hash[3]);
    adapter_set(e, 1, 1, &ids[1], NULL);
    CHECK_EQ(ask(b, prompt, 1, &other), 79); /* set 1 is now what set 2 is */
    CHECK(other == hash[2]);
    adapter_set(e, 1, 1, &ids[2], NULL);
    CHECK_EQ(ask(b, prompt, 1, &other), 0);
    roma_batch_clear(b);

    adapter_set(e, 1, 1, &ids[2], NULL);
    CHECK_EQ(ask(b, prompt, 1, &other), 0);
    adapter_set(e, 1, 0, NULL, NULL);
    CHECK_EQ(roma_exec_adapter_unload(e, ids[2], &err), 0); /* another takes its place */
    CHECK_EQ(roma_exec_adapter_load(e, &a[3], 0, "", &again, &err), 0);
    CHECK_EQ(again, ids[2]);
    adapter_set(e, 1, 1, &again, NULL);
    CHECK_EQ(ask(b, prompt, 1, &other), 0);
    roma_batch_destroy(b);
    roma_exec_destroy(e);
}

/* A set that changes under a running request: what it leaves is nobody's prefix, neither under the old adapters nor
 * under the new. */
static void test_changed(const loaded *m, const roma_adapter a[ADAPTERS]) {
    uint32_t ids[ADAPTERS], id;
    int32_t prompt[80];
    uint64_t hash = 0;
    roma_error err = {0};
    roma_batch *b;
    roma_exec *e = make(m, 8, 2, a, ids);
    for (uint32_t i = 0; i < 80; i++) prompt[i] = token_of(3, i);
    CHECK_EQ(roma_batch_create(&b, e, &(roma_batch_config){.running = 2}, &err), 0);
    adapter_set(e, 1, 1, &ids[0], NULL);
    adapter_set(e, 2, 1, &ids[0], NULL);
    adapter_set(e, 3, 1, &ids[1], NULL);
    const roma_request r = {prompt, 80, 5, 1, false, {.top_p = 1, .repeat_penalty = 1}, on_token, &hash, NULL, NULL, 0};
    CHECK_EQ(roma_batch_submit(b, &r, &id, &err), 0);
    CHECK_EQ(roma_batch_step(b, &err), 0); /* 32 rows of the prompt */
    adapter_set(e, 1, 1, &ids[1], NULL);
    while (!roma_batch_is_idle(b)) CHECK_EQ(roma_batch_step(b, &err), 0);
    CHECK_EQ(ask(b, prompt, 2, &hash), 0);
    CHECK_EQ(ask(b, prompt, 3, &hash), 0);
    CHECK_EQ(ask(b, prompt, 1, &hash), 79); /* from the request before */
    roma_batch_destroy(b);
    roma_exec_destroy(e);
}

int main(void) {
    loaded m;
    roma_adapter a[ADAPTERS];
    load(&m, 12);
    for (uint32_t i = 0; i < ADAPTERS; i++)
        adapter_random(&a[i], &m.img, 1 + i % 3, 1 + 2 * i, 0, i == 3 ? 1u << ROMA_W_O | 1u << ROMA_W_UP : 0, i);
    test_swaps(&m, a);
    test_prefixes(&m, a);
    test_changed(&m, a);
    for (int i = 0; i < ADAPTERS; i++) roma_adapter_close(&a[i]);
    unload(&m);
    return TEST_DONE();
}
