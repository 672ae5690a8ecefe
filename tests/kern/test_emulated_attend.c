/* Attention and exp on AVX-512, emulated by simde, so that they are tested on machines without AVX-512 too. This file's
 * functions take the place of the library's. */
#define ROMA_SIMDE
#pragma GCC diagnostic ignored "-Wpsabi" /* vectors passed among inlined functions only */
#include "kern/attend_avx512.c"
#include "kern/vector_avx512.c"

#include "check_attend.h"

static const roma_kern emulated = {.name = "emulated", ATTEND_ENTRIES(avx512)};

static void check_exp(int shape) {
    float x[70], up[70], got[70], want[70];
    for (size_t n = 1; n <= 70; n++) {
        fill(x, n, shape);
        fill(up, n, PLAIN);
        emulated.silu_mul(got, x, up, n);
        roma_silu_mul_c(want, x, up, n);
        expect(same_floats(got, want, n), &emulated, "silu_mul", n, shape);
        const float max = roma_largest_c(x, n), found = emulated.largest(x, n);
        expect(shape == NOT_A_NUMBER || found == max, &emulated, "largest", n, shape);
        memcpy(got, x, sizeof got);
        memcpy(want, x, sizeof want);
        const int64_t a = emulated.softmax_weights(got, n, max), b = roma_softmax_weights_c(want, n, max);
        expect(a == b && same_floats(got, want, n), &emulated, "softmax_weights", n, shape);
    }
}

int main(void) {
    static const unsigned dims[] = {16, 48, 64, 128};
    random_key = 5;
    for (int shape = 0; shape < SHAPES; shape++) {
        check_exp(shape);
        for (unsigned n = 1; n <= 32; n++) check_page(&emulated, dims[n % 4], 1 + n % MOST_Q, n, shape);
    }
    return TEST_DONE();
}
