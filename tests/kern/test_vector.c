/* The vector unit and attention of every instruction set of this machine against the reference, bit by bit: lengths,
 * edge values, guarded outputs. NaNs compare as NaNs: which one is not part of the contract. */
#include "check_attend.h"

static void check_quantise(const roma_kern *k, uint64_t cols, int shape) {
    guarded x = guarded_new(cols * 4, 4), a = guarded_new(roma_act_bytes(cols), 64),
            b = guarded_new(roma_act_bytes(cols), 64);
    roma_act got, want;
    fill((float *)(void *)x.data, cols, shape);
    memset(a.data, 0, roma_act_bytes(cols));
    memset(b.data, 0, roma_act_bytes(cols));
    roma_act_init(&got, a.data, cols);
    roma_act_init(&want, b.data, cols);
    k->quantise((const float *)(void *)x.data, cols, 0.37f, &got);
    roma_quantise_c((const float *)(void *)x.data, cols, 0.37f, &want);
    expect(memcmp(a.data, b.data, roma_act_bytes(cols)) == 0 && same_floats(&got.scale, &want.scale, 1), k, "quantise",
           cols, shape);
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
    c->relu2_mul(want, xf, yf, n);
    k->relu2_mul(of, xf, yf, n);
    expect(same_floats(of, want, n), k, "relu2_mul", n, shape);
    memcpy(of, xf, n * 4);
    k->relu2_mul(of, of, yf, n); /* in place */
    expect(same_floats(of, want, n), k, "relu2_mul in place", n, shape);
    const float a = k->rms_inverse(xf, n, 1e-5f), b = c->rms_inverse(xf, n, 1e-5f);
    expect(same_floats(&a, &b, 1), k, "rms_inverse", n, shape);
    float max = xf[0];
    for (size_t i = 1; i < n; i++) max = xf[i] > max ? xf[i] : max;
    const float largest = k->largest(xf, n);
    expect(shape == NOT_A_NUMBER || same_floats(&largest, &max, 1) || largest == max, k, "largest", n, shape);
    memcpy(of, xf, n * 4);
    memcpy(want, xf, n * 4);
    const int64_t sa = k->softmax_weights(of, n, max), sb = c->softmax_weights(want, n, max);
    expect(sa == sb && same_floats(of, want, n), k, "softmax_weights", n, shape);
    guarded_free(&x);
    guarded_free(&y);
    guarded_free(&o);
}

static const unsigned dims[] = {16, 32, 48, 64, 80, 128, 256, 512};

static void check_sizes(const roma_kern *k, int shape) {
    for (uint64_t cols = 32; cols <= 640; cols += 32) check_quantise(k, cols, shape);
    for (size_t n = 1; n < 70; n++) check_rows(k, n, shape);
    check_rows(k, 576, shape);
    for (unsigned n = 1; n <= 32; n++) check_page(k, dims[n % 8], 1 + n % MOST_Q, n, shape);
    for (int d = 0; d < 8; d++)
        for (unsigned q = 1; q <= MOST_Q; q++) check_page(k, dims[d], q, 32, shape);
}

/* A vector here is one call of an entry. */
static void check_many(const roma_kern *k) {
    for (uint64_t i = 0; i < vectors_wanted(); i++) {
        const int shape = (int)(random_u32() % SHAPES);
        check_quantise(k, 32 + 32 * (random_u32() % 6), shape);
        check_rows(k, 1 + random_u32() % 40, shape);
        check_page(k, dims[random_u32() % 4], 1 + random_u32() % MOST_Q, 1 + random_u32() % 32, shape);
    }
}

int main(void) {
    for (int isa = 1; isa < ROMA_ISA_COUNT; isa++) {
        const roma_kern *k = roma_kern_get((roma_isa)isa);
        const roma_kern *avx2 = roma_kern_get(ROMA_ISA_AVX2); /* the others of x86 share its entries */
        if (!k || (avx2 && isa > ROMA_ISA_AVX2 && k->run_scores == avx2->run_scores)) continue;
        random_key = (uint64_t)isa + 77;
        for (int shape = 0; shape < SHAPES; shape++) check_sizes(k, shape);
        check_many(k);
        printf("%s: each entry of the vector unit, and attention with %s, at least %" PRIu64 " vectors\n", k->name,
               vectors_of_each_form() ? "each format of the cache" : "int8 and f16", vectors_wanted());
    }
    CHECK(roma_kern_get(ROMA_ISA_SCALAR) != NULL);
    return TEST_DONE();
}
