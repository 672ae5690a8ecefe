/* The vector unit and attention of every instruction set of this machine against the reference, bit by bit: lengths, edge
 * values, guarded outputs. NaNs compare as NaNs: which one is not part of the contract. */
#include "guard.h"

enum { PLAIN, LARGE, TINY, SUBNORMAL, ZERO, NOT_A_NUMBER, ENDLESS, OUTLIER, SHAPES };

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

static void check_quantise(const roma_kern *k, uint64_t cols, int shape) {
    guarded x = guarded_new(cols * 4, 4), a = guarded_new(roma_act_bytes(cols), 64), b = guarded_new(roma_act_bytes(cols), 64);
    roma_act got, want;
    fill((float *)(void *)x.data, cols, shape);
    memset(a.data, 0, roma_act_bytes(cols));
    memset(b.data, 0, roma_act_bytes(cols));
    roma_act_init(&got, a.data, cols);
    roma_act_init(&want, b.data, cols);
    k->quantise((const float *)(void *)x.data, cols, 0.37f, &got);
    roma_quantise_c((const float *)(void *)x.data, cols, 0.37f, &want);
    expect(memcmp(a.data, b.data, roma_act_bytes(cols)) == 0 && same_floats(&got.scale, &want.scale, 1), k, "quantise", cols, shape);
    guarded_free(&x);
    guarded_free(&a);
    guarded_free(&b);
}

static void check_rows(const roma_kern *k, size_t n, int shape) {
    guarded x = guarded_new(n * 4, 4), y = guarded_new(n * 4, 4), o = guarded_new(n * 4, 4);
    float *xf = (float *)(void *)x.data, *yf = (float *)(void *)y.data, *of = (float *)(void *)o.data, want[700];
    const roma_kern *c = roma_kern_get(ROMA_ISA_SCALAR);
    fill(xf, n, shape);
    fill(yf, n, PLAIN);
    c->mul(want, xf, yf, n);
    k->mul(of, xf, yf, n);
    expect(same_floats(of, want, n), k, "mul", n, shape);
    c->add(want, xf, yf, n);
    k->add(of, xf, yf, n);
    expect(same_floats(of, want, n), k, "add", n, shape);
    c->silu_mul(want, xf, yf, n);
    k->silu_mul(of, xf, yf, n);
    expect(same_floats(of, want, n), k, "silu_mul", n, shape);
    memcpy(of, xf, n * 4);
    k->silu_mul(of, of, yf, n); /* in place */
    expect(same_floats(of, want, n), k, "silu_mul in place", n, shape);
    const float a = k->rms_inverse(xf, n, 1e-5f), b = c->rms_inverse(xf, n, 1e-5f);
    expect(same_floats(&a, &b, 1), k, "rms_inverse", n, shape);
    float max = xf[0];
    for (size_t i = 1; i < n; i++) max = xf[i] > max ? xf[i] : max;
    memcpy(of, xf, n * 4);
    memcpy(want, xf, n * 4);
    const int64_t sa = k->softmax_weights(of, n, max), sb = c->softmax_weights(want, n, max);
    expect(sa == sb && same_floats(of, want, n), k, "softmax_weights", n, shape);
    guarded_free(&x);
    guarded_free(&y);
    guarded_free(&o);
}

static void check_page(const roma_kern *k, unsigned dim, unsigned n, int shape) {
    guarded page = guarded_new(roma_kv_page_bytes(dim), 64), out = guarded_new(dim * 4, 4), score = guarded_new(n * 4, 4);
    float *of = (float *)(void *)out.data, *sf = (float *)(void *)score.data, kv[2][512], want[512], weight[32];
    int16_t q[512];
    roma_kv_page p;
    for (size_t i = 0; i < roma_kv_page_bytes(dim); i++) page.data[i] = (uint8_t)random_u32(); /* slots beyond n hold anything */
    roma_kv_page_init(&p, page.data, dim);
    for (unsigned t = 0; t < n; t++) {
        fill(kv[0], dim, shape);
        fill(kv[1], dim, shape);
        roma_kv_page_put(&p, dim, t, kv[0], kv[1]);
        weight[t] = t == n / 2 ? 1.0f : (float)(random_u32() >> 8) * 0x1p-24f * (shape == TINY ? 0x1p-90f : 1.0f);
    }
    for (unsigned i = 0; i < dim; i++) q[i] = (int16_t)(shape == LARGE ? (random_u32() % 2 ? 32767 : -32767) : (int)(random_u32() % 65535) - 32767);
    const roma_kern *c = roma_kern_get(ROMA_ISA_SCALAR);
    k->page_scores(&p, dim, q, 0.003f, n, sf);
    c->page_scores(&p, dim, q, 0.003f, n, want);
    expect(same_floats(sf, want, n), k, "page_scores", n, shape);
    k->page_values(&p, dim, weight, n, of);
    c->page_values(&p, dim, weight, n, want);
    expect(same_floats(of, want, dim), k, "page_values", n, shape);
    guarded_free(&page);
    guarded_free(&out);
    guarded_free(&score);
}

static const unsigned dims[] = {16, 32, 48, 64, 80, 128, 256, 512};

static void check_sizes(const roma_kern *k, int shape) {
    for (uint64_t cols = 32; cols <= 640; cols += 32) check_quantise(k, cols, shape);
    for (size_t n = 1; n < 70; n++) check_rows(k, n, shape);
    check_rows(k, 576, shape);
    for (unsigned n = 1; n <= 32; n++) check_page(k, dims[n % 8], n, shape);
    for (int d = 0; d < 8; d++) check_page(k, dims[d], 32, shape);
}

/* A vector here is one call of an entry. */
static void check_many(const roma_kern *k) {
    for (uint64_t i = 0; i < vectors_wanted(); i++) {
        const int shape = (int)(random_u32() % SHAPES);
        check_quantise(k, 32 + 32 * (random_u32() % 6), shape);
        check_rows(k, 1 + random_u32() % 40, shape);
        check_page(k, dims[random_u32() % 4], 1 + random_u32() % 32, shape);
    }
}

int main(void) {
    for (int isa = 1; isa < ROMA_ISA_COUNT; isa++) {
        const roma_kern *k = roma_kern_get((roma_isa)isa);
        const roma_kern *avx2 = roma_kern_get(ROMA_ISA_AVX2); /* the others of x86 share its entries */
        if (!k || (avx2 && isa > ROMA_ISA_AVX2 && k->quantise == avx2->quantise)) continue;
        random_key = (uint64_t)isa + 77;
        for (int shape = 0; shape < SHAPES; shape++) check_sizes(k, shape);
        check_many(k);
        printf("%s: each entry of the vector unit and attention, at least %" PRIu64 " vectors\n", k->name, vectors_wanted());
    }
    CHECK(roma_kern_get(ROMA_ISA_SCALAR) != NULL);
    return TEST_DONE();
}
