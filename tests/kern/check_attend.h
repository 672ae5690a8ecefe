/* Values at the edges of the vector unit, and a page of the cache against the reference. NaNs compare as NaNs: which
 * one is not part of the contract. */
#ifndef ROMA_TEST_CHECK_ATTEND_H
#define ROMA_TEST_CHECK_ATTEND_H

#include "guard.h"

enum { PLAIN, LARGE, TINY, SUBNORMAL, ZERO, NOT_A_NUMBER, ENDLESS, OUTLIER, SHAPES };
enum { MOST_Q = 9 }; /* queries of a page */

static float value(int shape, size_t i) {
    const float u = (float)(random_u32() >> 8) * 0x1p-23f - 1.0f;
    switch (shape) {
    case LARGE: return u * 0x1p99f;
    case TINY: return u * 0x1p-100f;
    case SUBNORMAL: return u * 0x1p-130f;
    case ZERO: return i % 2 ? 0.0f : -0.0f;
    case NOT_A_NUMBER: return i % 7 == 3 ? roma_f32_from_bits(0x7fc00000u) : u;
    case ENDLESS: return i % 11 == 5 ? __builtin_inff() : u;
    case OUTLIER: return i % 37 == 9 ? u * 3000.0f : u;
    default: return u * 4.0f;
    }
}

static void fill(float *x, size_t n, int shape) {
    for (size_t i = 0; i < n; i++) x[i] = value(shape, i);
}

static void expect(int equal, const roma_kern *k, const char *what, size_t n, int shape) {
    if (!equal) fprintf(stderr, "%s: %s differs, n %zu, shape %d\n", k->name, what, n, shape);
    CHECK(equal);
}

static void fill_queries(int16_t *q, float *scale, unsigned dim, unsigned n_q, int shape) {
    for (unsigned i = 0; i < n_q * dim; i++)
        q[i] = (int16_t)(shape == LARGE ? (random_u32() % 2 ? 32767 : -32767) : (int)(random_u32() % 65535) - 32767);
    for (unsigned i = 0; i < n_q; i++) scale[i] = 0.003f * (float)(i + 1);
}

/* ---- a page of F16 ---- */

/* n_q queries against the page; out has room between the queries' scores that must stay as it is. */
static void check_half_scores(const roma_kern *k, const roma_kv_page *p, unsigned dim, unsigned n_q, int shape) {
    enum { STRIDE = 40 };
    const size_t n = (n_q - 1) * STRIDE + ROMA_PAGE;
    guarded score = guarded_new(n * 4, 4), query = guarded_new(n_q * dim * 2, 2);
    float *sf = (float *)(void *)score.data, want[MOST_Q * STRIDE], scale[MOST_Q];
    int16_t *q = (int16_t *)(void *)query.data;
    fill_queries(q, scale, dim, n_q, shape);
    for (size_t i = 0; i < n; i++) sf[i] = want[i] = -7.0f;
    k->half_scores(p, dim, q, scale, n_q, sf, STRIDE);
    roma_half_scores_c(p, dim, q, scale, n_q, want, STRIDE);
    expect(same_floats(sf, want, n), k, "half_scores", dim, shape);
    guarded_free(&score);
    guarded_free(&query);
}

static void check_half_values(const roma_kern *k, const roma_kv_page *p, unsigned dim, unsigned n_q, unsigned n,
                              int shape) {
    enum { STRIDE = 35 };
    guarded out = guarded_new(n_q * dim * 4, 4), weight = guarded_new(((n_q - 1) * STRIDE + n) * 4, 4);
    float *of = (float *)(void *)out.data, *w = (float *)(void *)weight.data;
    static float want[MOST_Q * 512];
    for (size_t i = 0; i < (n_q - 1) * STRIDE + n; i++)
        w[i] = (float)(random_u32() >> 8) * 0x1p-24f * (shape == TINY ? 0x1p-90f : 1.0f);
    for (unsigned i = 0; i < n_q; i++) {
        float *one = w + i * STRIDE;
        for (unsigned t = n; t < STRIDE && i + 1 < n_q; t++)
            one[t] = roma_f32_from_bits(random_u32()); /* not to be looked at */
        if (i == 1)
            memset(one, 0, n * 4); /* one with nothing to sum beside others */
        else
            one[n / 2] = 1.0f;
        if (i == 2 && shape == NOT_A_NUMBER) one[n - 1] = roma_f32_from_bits(0x7fc00000u);
    }
    roma_half_values_c(p, dim, w, STRIDE, n_q, n, want);
    k->half_values(p, dim, w, STRIDE, n_q, n, of);
    expect(same_floats(of, want, n_q * dim), k, "half_values", n, shape);
    guarded_free(&out);
    guarded_free(&weight);
}

/* ---- a run of pages of integers ---- */

enum { MOST_PAGES = 3 };

/* The pages of a run, each in memory of its own, and the memory's end behind the last; pages that are only asked for
 * are the first one. */
typedef struct {
    guarded page[MOST_PAGES];
    roma_kv_page at[MOST_PAGES + ROMA_KERN_AHEAD];
    roma_kern_run run;
} test_run;

static void make_run(test_run *r, const roma_kv_format *f, unsigned dim, unsigned positions, int shape) {
    const unsigned n = (positions + ROMA_PAGE - 1) / ROMA_PAGE;
    const size_t bytes = roma_kv_bytes(f, dim);
    float x[2][512];
    for (unsigned i = 0; i < n; i++) {
        r->page[i] = guarded_new(bytes, 64);
        for (size_t b = 0; b < bytes; b++) r->page[i].data[b] = (uint8_t)random_u32(); /* slots beyond hold anything */
        roma_kv_init(f, &r->at[i], r->page[i].data, dim);
        for (unsigned t = 0; t < ROMA_PAGE && i * ROMA_PAGE + t < positions; t++) {
            fill(x[0], dim, shape);
            fill(x[1], dim, shape);
            roma_kv_put(f, &r->at[i], dim, t, x[0], x[1]);
        }
    }
    for (unsigned i = 0; i < ROMA_KERN_AHEAD; i++) r->at[n + i] = r->at[0];
    r->run = (roma_kern_run){r->at, n, positions, dim, f->v};
}

/* Room between the queries' scores must stay as it is. */
static void check_run_scores(const roma_kern *k, const test_run *r, unsigned n_q, int shape) {
    const unsigned dim = r->run.head_dim, stride = MOST_PAGES * ROMA_PAGE + 8;
    const size_t n = (n_q - 1) * stride + r->run.n * ROMA_PAGE;
    guarded score = guarded_new(n * 4, 4), query = guarded_new(n_q * dim * 2, 2);
    float *sf = (float *)(void *)score.data, scale[MOST_Q];
    static float want[MOST_Q * (MOST_PAGES * ROMA_PAGE + 8)];
    int16_t *q = (int16_t *)(void *)query.data;
    fill_queries(q, scale, dim, n_q, shape);
    for (size_t i = 0; i < n; i++) sf[i] = want[i] = -7.0f;
    k->run_scores(&r->run, q, scale, n_q, sf, stride);
    for (unsigned i = 0; i < r->run.n; i++)
        roma_page_scores_c(r->at + i, dim, q, scale, n_q, want + i * ROMA_PAGE, stride);
    expect(same_floats(sf, want, n), k, "run_scores", dim, shape);
    guarded_free(&score);
    guarded_free(&query);
}

/* Scores of a query: near one another; some or all too far from the largest for a weight, or one that is no number. */
static void fill_scores(float *score, unsigned n, unsigned query, int shape) {
    const float far = query == 1 ? 4000.0f : query == 3 ? 90.0f : query == 4 ? 70.0f : 9.0f;
    for (unsigned t = 0; t < n; t++) score[t] = ((float)(random_u32() >> 8) * 0x1p-24f - 1.0f) * far;
    if (query != 4) score[random_u32() % n] = 0.5f;
    if (query == 4) score[0] = 2.0f; /* a page of it alone: the rest has weights of 2^-100 and less */
    if (query == 2 && shape == NOT_A_NUMBER) score[n - 1] = roma_f32_from_bits(0x7fc00000u);
    if (query == 2 && shape == ENDLESS) score[n - 1] = -__builtin_inff();
}

/* Sums of weights, and the stack of partial sums behind `count` leaves. */
static void check_run_values(const roma_kern *k, const test_run *r, unsigned n_q, int shape) {
    enum { LEVELS = 5 };
    const unsigned dim = r->run.head_dim, stride = r->run.n * ROMA_PAGE + 3, n = r->run.positions;
    const uint32_t count = random_u32() % 12;
    const size_t level = n_q * dim + 3, scores = (n_q - 1) * stride + n;
    guarded out = guarded_new(LEVELS * level * 4, 4), score = guarded_new(scores * 4, 4);
    float *of = (float *)(void *)out.data, *sf = (float *)(void *)score.data, max[MOST_Q];
    static float want[LEVELS][MOST_Q * 512 + 3], leaf[MOST_Q * 512], w[MOST_Q * (MOST_PAGES * ROMA_PAGE + 3)];
    int8_t *unpacked = malloc(64 * dim);
    int64_t sum[MOST_Q], sum_c[MOST_Q];
    fill(of, LEVELS * level, PLAIN);
    for (unsigned l = 0; l < LEVELS; l++) memcpy(want[l], of + l * level, level * 4);
    for (size_t i = 0; i < scores; i++) sf[i] = roma_f32_from_bits(random_u32()); /* not to be looked at */
    for (unsigned q = 0; q < n_q; q++) {
        fill_scores(sf + q * stride, n, q, shape);
        max[q] = roma_largest_c(sf + q * stride, n);
        sum[q] = sum_c[q] = (int64_t)q << 33;
    }
    memcpy(w, sf, scores * 4);
    for (unsigned q = 0; q < n_q; q++) sum_c[q] += roma_softmax_weights_c(w + q * stride, n, max[q]);
    unsigned top = (unsigned)__builtin_popcount(count);
    for (unsigned i = 0; i < r->run.n; i++, top++) {
        roma_kv_page p = r->at[i];
        const unsigned left = n - i * ROMA_PAGE;
        p.v = roma_kv_unpack(r->run.v, p.v, dim, unpacked);
        roma_page_values_c(&p, dim, w + i * ROMA_PAGE, stride, n_q, left < ROMA_PAGE ? left : ROMA_PAGE, leaf);
        for (uint32_t c = count + i; c & 1; c >>= 1, top--)
            for (size_t x = 0; x < n_q * dim; x++) leaf[x] = want[top - 1][x] + leaf[x];
        memcpy(want[top], leaf, n_q * dim * 4);
    }
    k->run_values(&r->run, sf, stride, max, n_q, sum, (roma_kern_tree){of, level, count});
    for (unsigned l = 0; l < top; l++)
        expect(same_floats(of + l * level, want[l], n_q * dim), k, "run_values", n, shape);
    for (unsigned q = 0; q < n_q; q++) /* with a NaN among scores the sum is not said */
        expect(sum[q] == sum_c[q] || (q == 2 && shape == NOT_A_NUMBER), k, "sum of weights", n, shape);
    free(unpacked);
    guarded_free(&out);
    guarded_free(&score);
}

static void check_run(const roma_kern *k, roma_kv kv, unsigned dim, unsigned n_q, unsigned positions, int shape) {
    test_run r;
    make_run(&r, &roma_kv_formats[kv], dim, positions, shape);
    check_run_scores(k, &r, n_q, shape);
    check_run_values(k, &r, n_q, shape);
    for (unsigned i = 0; i < r.run.n; i++) guarded_free(&r.page[i]);
}

/* ---- all of it ---- */

/* n positions of a page of floating point. The kernels see codes of F16, those of FP8 unpacked, as exec does it. */
static void check_half(const roma_kern *k, roma_kv kv, unsigned dim, unsigned n_q, unsigned n, int shape) {
    const roma_kv_format *f = &roma_kv_formats[kv];
    const size_t bytes = roma_kv_bytes(f, dim);
    guarded page = guarded_new(bytes, 64);
    static _Alignas(64) uint8_t unpacked[2][ROMA_PAGE * 512 * 2];
    float x[2][512];
    roma_kv_page p;
    for (size_t i = 0; i < bytes; i++) page.data[i] = (uint8_t)random_u32(); /* slots beyond n hold anything */
    roma_kv_init(f, &p, page.data, dim);
    for (unsigned t = 0; t < n; t++) {
        fill(x[0], dim, shape);
        fill(x[1], dim, shape);
        roma_kv_put(f, &p, dim, t, x[0], x[1]);
    }
    p.k = roma_kv_unpack(f->k, p.k, dim, unpacked[0]);
    p.v = roma_kv_unpack(f->v, p.v, dim, unpacked[1]);
    check_half_scores(k, &p, dim, n_q, shape);
    check_half_values(k, &p, dim, n_q, n, shape);
    guarded_free(&page);
}

/* n positions of a page, or of the last page of a run, in each format. */
static void check_page(const roma_kern *k, unsigned dim, unsigned n_q, unsigned n, int shape) {
    check_run(k, ROMA_KV_INT8, dim, n_q, random_u32() % MOST_PAGES * ROMA_PAGE + n, shape);
    check_half(k, ROMA_KV_F16, dim, n_q, n, shape);
    /* The others meet the same kernels with fewer values: one of eight pages, unless each form is asked for. */
    if (!vectors_of_each_form() && n % 8) return;
    check_half(k, ROMA_KV_FP8, dim, n_q, n, shape);
    check_run(k, ROMA_KV_INT4, dim, n_q, random_u32() % MOST_PAGES * ROMA_PAGE + n, shape);
}

#endif
