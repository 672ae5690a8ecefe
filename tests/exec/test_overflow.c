/* Requests whose logits overflow, among others in a batch: each ends as it does alone, with its own error or its own
 * tokens, whatever its neighbours, shared beginnings and proposals do. */
#include "loaded.h"
#include "overflowing.h"

enum { CONTEXT = 96, RUNNING = 5 };
static const int32_t special[SPECIALS] = {10, 11, 12, 13}; /* 10 is 1 modulo 3: not one that MIXED chooses */

typedef struct {
    int32_t prompt[CONTEXT], ids[CONTEXT + 1];
    uint32_t n, n_prompt, limit, id;
    roma_sampling sampling;
    uint64_t hash;
    int rc;
    bool proposals, runs;
} work;

static int on_token(void *ctx, int32_t token, const float *logits, roma_error *err) {
    work *w = ctx;
    const uint64_t h[2] = {w->hash, roma_hash64(logits, VOCAB * sizeof *logits)};
    (void)err;
    w->hash = roma_hash64(h, sizeof h);
    w->ids[w->n++] = token;
    return 0;
}

static uint32_t dice(uint64_t *state, uint32_t n) { return (uint32_t)(roma_random(3, (*state)++) % n); }

static void make_work(work *w, uint64_t *dices) {
    memset(w, 0, sizeof *w);
    w->n_prompt = 1 + dice(dices, 60);
    const uint32_t family = dice(dices, 3), same = dice(dices, 70), kind = dice(dices, 2 * SPECIALS);
    for (uint32_t k = 0; k < w->n_prompt; k++) /* few different tokens, so that pairs recur and are proposed */
        w->prompt[k] = (int32_t)(14 + roma_random(k < same ? family : 1000 + *dices, k) % 6);
    if (kind < SPECIALS) w->prompt[dice(dices, 3) ? w->n_prompt - 1 : dice(dices, w->n_prompt)] = special[kind];
    w->limit = 1 + dice(dices, 20);
    roma_sampling_default(&w->sampling);
    w->sampling.seed = *dices;
    if (dice(dices, 2)) w->sampling.temperature = 0.05f + 0.3f * (float)dice(dices, 5);
    if (dice(dices, 4) == 0) w->sampling.repeat_penalty = 1.1f;
    if (dice(dices, 4) == 0) w->sampling.top_k = 3;
    if (dice(dices, 4) == 0) w->sampling.top_p = 0.5f;
    if (dice(dices, 4) == 0) w->sampling.min_p = 0.1f;
    w->proposals = dice(dices, 4) != 0;
    memcpy(w->ids, w->prompt, sizeof w->prompt);
    w->n = w->n_prompt;
}

/* The same request in an engine of its own, a token at a time, the prompt too. */
static void alone(roma_exec *e, work *w, void *scratch) {
    const uint32_t end = w->limit < CONTEXT - w->n_prompt ? w->n_prompt + w->limit : CONTEXT;
    roma_error err;
    int32_t token;
    roma_exec_truncate(e, 0, 0);
    for (uint32_t i = 0; i < end; i++) {
        const roma_exec_row row = {w->ids[i], 0, i, 0, true};
        CHECK_EQ(roma_exec_step(e, &row, 1, &err), 0);
        if (i + 1 < w->n_prompt) continue;
        w->rc = roma_sample(&w->sampling, roma_exec_logits(e, 0), VOCAB, w->ids, w->n, 0, w->n, scratch, &token, &err);
        if (w->rc) return;
        CHECK(token >= 0 && token < VOCAB);
        on_token(w, token, roma_exec_logits(e, 0), NULL);
        if (w->n >= end) return;
    }
}

static void compare(const work *w, roma_exec *reference, void *scratch, uint32_t *failed) {
    work want = *w;
    want.n = want.n_prompt;
    want.hash = 0;
    alone(reference, &want, scratch);
    CHECK_EQ(w->rc, want.rc);
    CHECK_EQ(w->n, want.n);
    CHECK(w->hash == want.hash && memcmp(w->ids, want.ids, want.n * sizeof *want.ids) == 0);
    *failed += want.rc != 0;
}

static void test_batch(const loaded *m, const char *isa, uint32_t requests) {
    roma_exec *e = engine(
        m,
        (roma_exec_config){.threads = 2, .isa = isa, .context = CONTEXT, .sequences = 9, .rows = 32, .logit_rows = 16});
    roma_exec *reference = engine(m, (roma_exec_config){.threads = 1, .isa = isa, .context = CONTEXT});
    void *scratch = malloc(roma_sample_bytes(VOCAB));
    static work works[RUNNING];
    roma_batch *b;
    roma_error err;
    const roma_error *why;
    uint64_t dices = 1;
    uint32_t made = 0, failed = 0, shared = 0, accepted = 0;
    CHECK_EQ(roma_batch_create(&b, e, &(roma_batch_config){.running = RUNNING, .proposals = 7}, &err), 0);
    while (made < requests || !roma_batch_is_idle(b)) {
        for (work *w = works; w < works + RUNNING && made < requests; w++) {
            if (w->runs) continue;
            make_work(w, &dices);
            const roma_request r = {w->prompt, w->n_prompt, w->limit, 0, w->proposals, w->sampling, on_token,
                                    w,         NULL,        NULL,     0};
            CHECK_EQ(roma_batch_submit(b, &r, &w->id, &err), 0);
            w->runs = true;
            made++;
        }
        CHECK_EQ(roma_batch_step(b, &err), 0); /* never the batch's own error */
        for (work *w = works; w < works + RUNNING; w++) {
            const roma_request_status *s = roma_batch_poll(b, w->id, &why);
            if (!w->runs || s->state != ROMA_REQUEST_OVER) continue;
            w->rc = s->rc;
            if (s->rc) CHECK(strstr(why->text, "infinity") || strstr(why->text, "not a number"));
            shared += s->shared;
            accepted += s->accepted;
            compare(w, reference, scratch, &failed);
            roma_batch_finish(b, w->id);
            w->runs = false;
        }
    }
    printf("  %s: %u of %u requests failed, %u tokens shared, %u proposals accepted\n", isa, failed, made, shared,
           accepted);
    if (requests >= 20) /* fewer prove nothing of how often */
        CHECK(failed > requests / 6 && failed < requests / 2 && shared > 3 * requests && accepted > requests / 5);
    roma_batch_destroy(b);
    roma_exec_destroy(e);
    roma_exec_destroy(reference);
    free(scratch);
}

/* What a token's logits are, said once: otherwise the rest would test nothing. */
static void test_kinds(const loaded *m) {
    roma_exec *e = engine(m, (roma_exec_config){.threads = 1, .context = CONTEXT, .sequences = SPECIALS});
    roma_error err;
    for (uint32_t k = 0; k < SPECIALS; k++) {
        const int32_t text[3] = {20, special[k], 30};
        for (uint32_t i = 0; i < 3; i++) {
            const roma_exec_row row = {text[i], k, i, 0, true};
            CHECK_EQ(roma_exec_step(e, &row, 1, &err), 0);
            uint32_t up = 0, down = 0, nan = 0;
            const float *l = roma_exec_logits(e, 0);
            for (uint32_t t = 0; t < VOCAB; t++) {
                up += l[t] > 3.4e38f;
                down += l[t] < -3.4e38f;
                nan += l[t] != l[t];
            }
            CHECK_EQ(up, i == 1 && k == MIXED ? 67 : 0);
            CHECK_EQ(down, i != 1 ? 0 : k == MIXED ? 67 : k == NONE ? 200 : 0);
            CHECK_EQ(nan, (i == 1 && k == NOT) || (i >= 1 && k == POISON) ? 200 : 0);
        }
    }
    roma_exec_destroy(e);
}

int main(void) {
    static overflowing o;
    loaded m;
    roma_error err = {0};
    char path[64];
    snprintf(path, sizeof path, "/tmp/roma-test-overflow-%d.roma", (int)getpid());
    CHECK_EQ(overflowing_write(&o, path, VOCAB, NULL, special, &err), 0);
    CHECK_EQ(roma_image_open(&m.img, path, 0, NULL, &err), 0);
    CHECK_EQ(roma_map_plan(&m.plan, &m.img.desc, &err), 0);
    unlink(path);
    test_kinds(&m);
    test_batch(&m, "scalar", test_effort(20));
    test_batch(&m, "auto", test_effort(300));
    unload(&m);
    return TEST_DONE();
}
