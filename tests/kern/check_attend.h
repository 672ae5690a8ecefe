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

/* n_q queries against the page, of F16 or of int8; out has room between the queries' scores that must stay as it is. */
static void check_scores(const roma_kern *k, bool half, const roma_kv_page *p, unsigned dim, unsigned n_q, int shape) {
    enum { STRIDE = 40 };
    const size_t n = (n_q - 1) * STRIDE + ROMA_PAGE;
    guarded score = guarded_new(n * 4, 4), query = guarded_new(n_q * dim * 2, 2);
    float *sf = (float *)(void *)score.data, want[MOST_Q * STRIDE], scale[MOST_Q];
    int16_t *q = (int16_t *)(void *)query.data;
    for (unsigned i = 0; i < n_q * dim; i++)
        q[i] = (int16_t)(shape == LARGE ? (random_u32() % 2 ? 32767 : -32767) : (int)(random_u32() % 65535) - 32767);
    for (unsigned i = 0; i < n_q; i++) scale[i] = 0.003f * (float)(i + 1);
    for (size_t i = 0; i < n; i++) sf[i] = want[i] = -7.0f;
    if (half)
        k->half_scores(p, dim, q, scale, n_q, sf, STRIDE);
    else
        k->page_scores(p, p->k, dim, q, scale, n_q, sf, STRIDE);
    (half ? roma_half_scores_c : roma_page_scores_c)(p, dim, q, scale, n_q, want, STRIDE);
    expect(same_floats(sf, want, n), k, half ? "half_scores" : "page_scores", dim, shape);
    guarded_free(&score);
    guarded_free(&query);
}

/* The leaf, and behind it what a stack of partial sums makes of it. */
static void check_values(const roma_kern *k, bool half, const roma_kv_page *p, unsigned dim, unsigned n_q, unsigned n,
                         int shape) {
    enum { STRIDE = 35, LEVELS = 4 };
    const unsigned merges = half ? 0 : random_u32() % LEVELS;
    const size_t level = n_q * dim + 3;
    guarded out = guarded_new((merges * level + n_q * dim) * 4, 4),
            weight = guarded_new(((n_q - 1) * STRIDE + n) * 4, 4);
    float *of = (float *)(void *)out.data, *w = (float *)(void *)weight.data;
    static float want[MOST_Q * 512];
    if (merges) fill(of, merges * level, PLAIN);
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
    (half ? roma_half_values_c : roma_page_values_c)(p, dim, w, STRIDE, n_q, n, want);
    for (unsigned m = merges; m-- > 0;)
        for (size_t i = 0; i < n_q * dim; i++) want[i] = of[m * level + i] + want[i];
    if (half)
        k->half_values(p, dim, w, STRIDE, n_q, n, of);
    else
        k->page_values(p, p->v, dim, w, STRIDE, n_q, n, (roma_kern_leaf){of, merges, level});
    expect(same_floats(of, want, n_q * dim), k, half ? "half_values" : "page_values", n, shape);
    guarded_free(&out);
    guarded_free(&weight);
}

/* A page of any format. The kernels see codes of int8 or of F16: of the other formats unpacked, as exec does it. */
static void check_form(const roma_kern *k, roma_kv kv, unsigned dim, unsigned n_q, unsigned n, int shape) {
    const roma_kv_format *f = &roma_kv_formats[kv];
    const size_t bytes = roma_kv_bytes(f, dim);
    guarded page = guarded_new(bytes, 64);
    float x[2][512];
    roma_kv_page p;
    for (size_t i = 0; i < bytes; i++) page.data[i] = (uint8_t)random_u32(); /* slots beyond n hold anything */
    roma_kv_init(f, &p, page.data, dim);
    for (unsigned t = 0; t < n; t++) {
        fill(x[0], dim, shape);
        fill(x[1], dim, shape);
        roma_kv_put(f, &p, dim, t, x[0], x[1]);
    }
    static _Alignas(64) uint8_t unpacked[2][ROMA_PAGE * 512 * 2];
    p.k = roma_kv_unpack(f->k, p.k, dim, unpacked[0]);
    p.v = roma_kv_unpack(f->v, p.v, dim, unpacked[1]);
    check_scores(k, f->is_float, &p, dim, n_q, shape);
    check_values(k, f->is_float, &p, dim, n_q, n, shape);
    guarded_free(&page);
}

static void check_page(const roma_kern *k, unsigned dim, unsigned n_q, unsigned n, int shape) {
    check_form(k, ROMA_KV_INT8, dim, n_q, n, shape);
    check_form(k, ROMA_KV_F16, dim, n_q, n, shape);
    /* The others meet the same kernels with fewer values: one of eight pages, unless each form is asked for. */
    if (!vectors_of_each_form() && n % 8) return;
    check_form(k, ROMA_KV_FP8, dim, n_q, n, shape);
    check_form(k, ROMA_KV_INT4, dim, n_q, n, shape);
}

#endif
