/* Perplexity and divergence: sums against the same ones made here from logits, with libm; windows that others evaluate;
 * what begins a window; FP32 and an engine of another model as the other side; refusals; figures worked out by hand. */
#include "roma/eval.h"
#include "roma/ref.h"
#include "../exec/loaded.h"
#include "../exec/overflowing.h"

enum { CTX = 24, TOKENS = 5 * CTX + 7, WINDOWS = 5 };

static int32_t ids[TOKENS];
static loaded one, two;

static roma_eval_text text_of(uint32_t ctx) {
    return (roma_eval_text){.ids = ids, .n = TOKENS, .begin = -1, .ctx = ctx};
}

static roma_eval_model model(const loaded *m, roma_exec *e) { return (roma_eval_model){e, &m->img, 0, "own.roma"}; }

static roma_exec *engine_of(const loaded *m, int threads, uint32_t rows, uint32_t logit_rows) {
    return engine(m, (roma_exec_config){.threads = threads, .context = 64, .rows = rows, .logit_rows = logit_rows});
}

/* ---- sums made here ---- */

static double log_sum(const float *x) {
    double max = -INFINITY, sum = 0;
    for (int i = 0; i < VOCAB; i++) max = fmax(max, (double)x[i]);
    for (int i = 0; i < VOCAB; i++) sum += exp((double)x[i] - max);
    return max + log(sum);
}

static int top(const float *x) {
    int best = 0;
    for (int i = 1; i < VOCAB; i++)
        if (x[i] > x[best]) best = i;
    return best;
}

static void add_position(roma_eval_sums *s, const float *x, const float *other, int32_t next) {
    const double norm = log_sum(x);
    double kl = 0;
    s->scored++;
    s->nll += norm - (double)x[next];
    if (!other) return;
    const double other_norm = log_sum(other);
    for (int i = 0; i < VOCAB; i++) {
        const double p = (double)other[i] - other_norm;
        kl += exp(p) * (p - (double)x[i] + norm);
    }
    s->nll_against += other_norm - (double)other[next];
    s->kl += kl;
    s->kl_squared += kl * kl;
    s->same += top(x) == top(other);
}

/* Logits of positions 0..n-1 of a window, one row a step. */
static void window_logits(roma_exec *e, const int32_t *window, int32_t begin, uint32_t n, float *out) {
    roma_exec_truncate(e, 0, 0);
    for (uint32_t i = 0; i < n; i++) {
        const roma_exec_row row = {i || begin < 0 ? window[i] : begin, 0, i, 0, true};
        CHECK_EQ(roma_exec_step(e, &row, 1, NULL), 0);
        memcpy(out + i * VOCAB, roma_exec_logits(e, 0), VOCAB * sizeof *out);
    }
}

static void check_sums(const roma_eval_sums *got, const roma_eval_sums *want) {
    CHECK_REAL(got->scored, want->scored);
    CHECK_NEAR(got->nll, want->nll, 1e-12);
    CHECK_NEAR(got->nll_against, want->nll_against, 1e-12);
    CHECK_NEAR(got->kl, want->kl, 1e-9);
    CHECK_NEAR(got->kl_squared, want->kl_squared, 1e-9);
    CHECK_REAL(got->same, want->same);
}

/* ---- runs ---- */

typedef struct {
    uint32_t calls;
    bool has_other;
    float last[VOCAB];
    int fail;
} seen;

static int see(void *ctx, const float *logits, const float *other, uint32_t vocab, roma_error *err) {
    seen *s = ctx;
    s->calls++;
    s->has_other = other;
    memcpy(s->last, logits, sizeof s->last);
    CHECK_EQ(vocab, VOCAB);
    return s->fail && s->calls == 3 ? roma_fail(err, s->fail, "", ROMA_NOWHERE, "no more") : ROMA_OK;
}

static void test_alone(void) {
    static float logits[CTX * VOCAB];
    roma_exec *e = engine_of(&one, 2, 5, 4);
    roma_eval_text t = text_of(CTX);
    roma_eval_sums got[WINDOWS];
    seen s = {0};
    const roma_eval_config c = {.model = model(&one, e), .logits = see, .logits_ctx = &s};
    CHECK_EQ(roma_eval_cut(&t, VOCAB, "", NULL), 0);
    CHECK_EQ(t.windows, WINDOWS);
    t.begin = 7;
    CHECK_EQ(roma_eval_run(&c, &t, 0, t.windows, got, NULL), 0);
    CHECK_EQ(s.calls, WINDOWS * (CTX / 2 - 1));
    CHECK(!s.has_other);
    for (int w = 0; w < WINDOWS; w++) {
        roma_eval_sums want = {0};
        window_logits(e, ids + w * CTX, 7, CTX - 1, logits);
        for (int i = CTX / 2; i < CTX - 1; i++) add_position(&want, logits + i * VOCAB, NULL, ids[w * CTX + i + 1]);
        check_sums(&got[w], &want);
    }
    CHECK_BYTES(s.last, logits + (CTX - 2) * VOCAB, sizeof s.last);
    roma_exec_destroy(e);
}

/* Another model, whose engine steps other rows. */
static void test_other(void) {
    static float a[CTX * VOCAB], b[CTX * VOCAB];
    roma_exec *e = engine_of(&one, 1, 16, 16), *other = engine_of(&two, 2, 7, 3);
    roma_eval_text t = text_of(CTX);
    roma_eval_sums got, want = {0};
    const roma_eval_config c = {.model = model(&one, e), .against = model(&two, other)};
    CHECK_EQ(roma_eval_cut(&t, VOCAB, "", NULL), 0);
    CHECK_EQ(roma_eval_run(&c, &t, 2, 3, &got, NULL), 0);
    window_logits(e, ids + 2 * CTX, -1, CTX - 1, a);
    window_logits(other, ids + 2 * CTX, -1, CTX - 1, b);
    for (int i = CTX / 2; i < CTX - 1; i++) add_position(&want, a + i * VOCAB, b + i * VOCAB, ids[2 * CTX + i + 1]);
    check_sums(&got, &want);
    CHECK(got.kl > 0.01);
    roma_exec_destroy(other);
    roma_exec_destroy(e);
}

/* The same weights in an engine of its own predict the same; in FP32 nearly. */
static void test_same(void) {
    static float a[TOKENS * VOCAB];
    roma_exec *e = engine(&one, (roma_exec_config){.threads = 1, .context = 256, .rows = 32, .logit_rows = 32});
    roma_exec *twin = engine(&one, (roma_exec_config){.threads = 2, .context = 256, .rows = 9, .logit_rows = 9});
    roma_eval_text t = text_of(0);
    roma_eval_sums got, want = {0};
    roma_ref *ref;
    t.is_whole = true;
    CHECK_EQ(roma_eval_cut(&t, VOCAB, "", NULL), 0);
    CHECK_EQ(t.ctx, TOKENS);
    CHECK_EQ(t.windows, 1);
    const roma_eval_config same = {.model = model(&one, e), .against = model(&one, twin)};
    CHECK_EQ(roma_eval_run(&same, &t, 0, 1, &got, NULL), 0);
    CHECK_REAL(got.scored, TOKENS - 1);
    CHECK(got.kl == 0 && got.kl_squared == 0 && got.same == TOKENS - 1 && got.nll == got.nll_against);

    seen s = {0};
    const roma_eval_config fp32 = {.model = model(&one, e), .against_fp32 = true, .logits = see, .logits_ctx = &s};
    CHECK_EQ(roma_eval_run(&fp32, &t, 0, 1, &got, NULL), 0);
    CHECK(s.has_other);
    CHECK_EQ(s.calls, TOKENS); /* the last position predicts nothing, and has logits */
    CHECK_EQ(
        roma_ref_create(&ref, (roma_ref_weights[]){roma_ref_image(&one.img)}, roma_exec_team(e), TOKENS, TOKENS, NULL),
        0);
    CHECK_EQ(roma_ref_forward(ref, ids, TOKENS, NULL, NULL, NULL), 0);
    window_logits(e, ids, -1, TOKENS, a);
    const float *exact = roma_ref_logits(ref, 0, TOKENS);
    for (int i = 0; i < TOKENS - 1; i++) add_position(&want, a + i * VOCAB, exact + i * VOCAB, ids[i + 1]);
    check_sums(&got, &want);
    CHECK(got.kl > 0 && got.kl / got.scored < 1e-3);
    roma_ref_destroy(ref);
    roma_exec_destroy(twin);
    roma_exec_destroy(e);
}

/* However windows are shared out, and with whatever threads and rows: the same bits in every sum. */
static void test_shares(void) {
    roma_eval_text t = text_of(CTX);
    roma_eval_sums all[WINDOWS], part[WINDOWS];
    CHECK_EQ(roma_eval_cut(&t, VOCAB, "", NULL), 0);
    for (int threads = 1; threads <= 3; threads++) {
        roma_exec *e = engine_of(&one, threads, (uint32_t)(3 * threads), (uint32_t)(2 * threads));
        const roma_eval_config c = {.model = model(&one, e), .against_fp32 = true};
        if (threads == 1) CHECK_EQ(roma_eval_run(&c, &t, 0, WINDOWS, all, NULL), 0);
        CHECK_EQ(roma_eval_run(&c, &t, 3, WINDOWS, part + 3, NULL), 0);
        CHECK_EQ(roma_eval_run(&c, &t, 0, 3, part, NULL), 0);
        CHECK_EQ(roma_eval_run(&c, &t, 2, 2, NULL, NULL), 0); /* a process without windows */
        CHECK_BYTES(part, all, sizeof all);
        roma_exec_destroy(e);
    }
}

/* ---- what a text may be ---- */

static void test_cut(void) {
    roma_error err;
    roma_eval_text t = text_of(CTX);
    t.windows = 3;
    CHECK_EQ(roma_eval_cut(&t, VOCAB, "f", &err), 0);
    CHECK_EQ(t.windows, 3);
    t = text_of(TOKENS);
    CHECK_EQ(roma_eval_cut(&t, VOCAB, "f", &err), 0);
    CHECK_EQ(t.windows, 1);
    t = text_of(TOKENS + 1);
    CHECK_EQ(roma_eval_cut(&t, VOCAB, "f", &err), ROMA_EINPUT);
    CHECK_HAS(err.text, "127 tokens do not fill a window of 128");
    CHECK_STR(err.file, "f");
    for (int whole = 0; whole < 2; whole++) {
        t = (roma_eval_text){.begin = -1, .is_whole = whole, .ctx = CTX};
        CHECK_EQ(roma_eval_cut(&t, VOCAB, "f", &err), ROMA_EINPUT);
        CHECK_HAS(err.text, "no tokens");
    }
    t = text_of(CTX);
    ids[TOKENS - 1] = VOCAB;
    CHECK_EQ(roma_eval_cut(&t, VOCAB, "f", &err), ROMA_EINPUT);
    CHECK_HAS(err.text, "token 126 is 200, not in the vocabulary of 200");
    ids[TOKENS - 1] = -1;
    CHECK_EQ(roma_eval_cut(&t, VOCAB, "f", &err), ROMA_EINPUT);
    ids[TOKENS - 1] = VOCAB - 1;
    CHECK_EQ(roma_eval_cut(&t, VOCAB, "f", &err), ROMA_OK);
}

/* ---- refusals ---- */

static void test_infinite(void) {
    static const int32_t special[SPECIALS] = {10, 11, 12, 13};
    char path[64];
    overflowing *o = calloc(1, sizeof *o);
    loaded m;
    roma_error err;
    roma_eval_sums sums;
    int32_t bad[16];
    snprintf(path, sizeof path, "/tmp/roma-test-eval-%d", (int)getpid());
    CHECK_EQ(overflowing_write(o, path, VOCAB, NULL, special, NULL), 0);
    CHECK_EQ(roma_image_open(&m.img, path, 0, NULL, NULL), 0);
    CHECK_EQ(roma_map_plan(&m.plan, &m.img.desc, NULL), 0);
    unlink(path);
    free(o);
    roma_exec *e = engine_of(&m, 1, 8, 8), *fine = engine_of(&one, 1, 8, 8);
    for (int i = 0; i < 16; i++) bad[i] = 30 + i;
    roma_eval_text t = {.ids = bad, .n = 16, .begin = -1, .ctx = 16};
    CHECK_EQ(roma_eval_cut(&t, VOCAB, "", NULL), 0);
    const roma_eval_config own = {.model = model(&m, e)};
    const roma_eval_config other = {.model = model(&one, fine), .against = {e, &m.img, 0, "other.roma"}};
    CHECK_EQ(roma_eval_run(&own, &t, 0, 1, &sums, &err), 0);
    bad[3] = special[MIXED]; /* in the first half, whose positions are not scored */
    CHECK_EQ(roma_eval_run(&own, &t, 0, 1, &sums, &err), 0);
    bad[10] = special[MIXED];
    CHECK_EQ(roma_eval_run(&own, &t, 0, 1, &sums, &err), ROMA_EINPUT);
    CHECK_HAS(err.text, "the logit of token 0 is infinite at position 10 of window 0");
    CHECK_STR(err.file, "own.roma");
    CHECK_EQ(roma_eval_run(&other, &t, 0, 1, &sums, &err), ROMA_EINPUT);
    CHECK_STR(err.file, "other.roma");
    bad[10] = special[NOT];
    CHECK_EQ(roma_eval_run(&own, &t, 0, 1, &sums, &err), ROMA_EINPUT);
    CHECK_HAS(err.text, "is not a number at position 10");
    roma_exec_destroy(e);
    roma_exec_destroy(fine);
    unload(&m);
}

static int stop(void *ctx, const char *what, uint64_t done, uint64_t total) {
    uint64_t *left = ctx;
    CHECK_STR(what, "windows");
    CHECK(done <= total && total == 1000 * WINDOWS);
    return (*left)-- == 0;
}

static void test_refused(void) {
    roma_error err;
    roma_eval_text t = text_of(CTX), wide = text_of(100);
    roma_eval_sums sums[WINDOWS];
    roma_exec *e = engine_of(&one, 1, 8, 8);
    CHECK_EQ(roma_eval_cut(&t, VOCAB, "", NULL), 0);
    CHECK_EQ(roma_eval_cut(&wide, VOCAB, "", NULL), 0);
    roma_eval_config c = {.model = model(&one, e)};
    CHECK_EQ(roma_eval_run(&c, &wide, 0, 1, sums, &err), ROMA_EUSAGE);
    CHECK_HAS(err.text, "a context of 64 tokens is too short for windows of 100");
    roma_image small = one.img;
    small.desc.hyper.vocab = 100;
    c.against = (roma_eval_model){e, &small, 0, "small.roma"};
    CHECK_EQ(roma_eval_run(&c, &t, 0, 1, sums, &err), ROMA_EINPUT);
    CHECK_HAS(err.text, "a vocabulary of 100 cannot be compared with one of 200");
    c.against.exec = NULL;
    for (uint64_t after = 0; after < 8; after += 3) {
        uint64_t left = after;
        c.progress = &(roma_progress){stop, &left};
        c.against_fp32 = after > 0; /* then some calls come from inside the evaluator */
        CHECK_EQ(roma_eval_run(&c, &t, 0, WINDOWS, sums, &err), ROMA_ECANCEL);
    }
    seen s = {.fail = ROMA_EIO};
    c = (roma_eval_config){.model = model(&one, e), .logits = see, .logits_ctx = &s};
    CHECK_EQ(roma_eval_run(&c, &t, 0, WINDOWS, sums, &err), ROMA_EIO);
    CHECK_STR(err.text, "no more");
    CHECK_EQ(s.calls, 3);
    roma_exec_destroy(e);
}

/* ---- figures ---- */

static void test_figures(void) {
    roma_eval_figures f;
    roma_eval_sums s = {.scored = 1, .nll = log(8), .nll_against = log(2), .kl = 0.5, .kl_squared = 0.25, .same = 1};
    const roma_eval_sums more = {.scored = 3, .nll = 3 * log(8), .nll_against = log(8), .kl = 1.5, .kl_squared = 2.25};
    roma_eval_figures_get(&(roma_eval_sums){0}, true, &f);
    CHECK(isnan(f.perplexity) && isnan(f.kl_mean) && isnan(f.kl_error) && isnan(f.top1) && isnan(f.perplexity_against));
    roma_eval_figures_get(&s, true, &f);
    CHECK_REAL(f.kl_error, 0); /* one position has no spread */
    roma_eval_add(&s, &more);
    roma_eval_figures_get(&s, false, &f);
    CHECK_NEAR(f.perplexity, 8.0, 1e-14);
    CHECK(isnan(f.kl_mean) && isnan(f.kl_error) && isnan(f.top1) && isnan(f.perplexity_against));
    roma_eval_figures_get(&s, true, &f);
    CHECK_NEAR(f.perplexity_against, 2.0, 1e-14); /* log 2 + log 8 over four positions */
    CHECK_REAL(f.kl_mean, 0.5);
    CHECK_REAL(f.top1, 0.25);
    /* squares add up to 2.5: variance 2.5 / 4 - 1/4 of the positions, by n / (n - 1), over n */
    CHECK_NEAR(f.kl_error, sqrt(0.375 * 4 / 3 / 4), 1e-14);
}

int main(void) {
    for (int i = 0; i < TOKENS; i++) ids[i] = (int32_t)(roma_random(9, (uint64_t)i) % VOCAB);
    load(&one, 11);
    load_as(&two, ROMA_ARCH_QWEN2, (roma_format){.bits = 8, .scale = ROMA_SCALE_F16, .group = 32}, 4);
    test_alone();
    test_other();
    test_same();
    test_shares();
    test_cut();
    test_infinite();
    test_refused();
    test_figures();
    unload(&one);
    unload(&two);
    return TEST_DONE();
}
