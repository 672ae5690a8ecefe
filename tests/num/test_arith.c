/* The arithmetic of docs/numerics.md against independent facts: double-precision functions, sums done another way,
 * cases worked by hand. */
#include <math.h>

#include "../test.h"
#include "roma/num.h"

#define ROWS 16
#define COLS 512

static double random_unit(void) {
    static uint64_t n;
    return (double)(roma_random(11, n++) >> 11) * 0x1p-53;
}
static float random_float(float span) { return (float)((random_unit() - 0.5) * 2 * (double)span); }

static void test_functions(void) {
    double exp_error = 0, turn_error = 0, pow_error = 0, exp_double_error = 0, log_error = 0;
    for (uint32_t u = 0; u <= roma_f32_bits(87.0f); u += 997) {
        const double x = -(double)roma_f32_from_bits(u), e = fabs((double)roma_exp((float)x) - exp(x)) / exp(x);
        exp_error = e > exp_error ? e : exp_error;
    }
    for (uint64_t p = 0; p < (uint64_t)1 << 32; p += 65521) {
        float s, c;
        roma_sincos_turn((uint32_t)p, &s, &c);
        const double a = (double)p * 0x1p-32 * 6.283185307179586476925;
        const double e = fmax(fabs((double)s - sin(a)), fabs((double)c - cos(a)));
        turn_error = e > turn_error ? e : turn_error;
    }
    for (int i = 0; i < 100000; i++) {
        const double b = exp(random_unit() * 17), x = random_unit() * 3 - 1.5,
                     want = (double)powl((long double)b, (long double)x);
        const double e = fabs(roma_pow_double(b, x) - want) / want;
        pow_error = e > pow_error ? e : pow_error;
    }
    CHECK(exp_error < 0x1p-21);
    CHECK(turn_error < 0x1p-21);
    for (int i = 0; i < 100000; i++) {
        const double x = random_unit() * 1400 - 700, want = (double)expl((long double)x);
        const double back = random_unit() * 300, wide = exp(back - 150), log_want = (double)logl((long double)wide);
        exp_double_error = fmax(exp_double_error, fabs(roma_exp_double(x) - want) / want);
        log_error = fmax(log_error, fabs(roma_log_double(wide) - log_want) / fabs(log_want));
    }
    CHECK(pow_error < 1e-15);
    CHECK(exp_double_error < 1e-15 && log_error < 1e-15);
    CHECK(roma_exp_double(0) == 1 && roma_log_double(1) == 0 && isnan(roma_exp_double(NAN)));
    CHECK(roma_exp_double(-708) == 0 && roma_exp_double(709) == INFINITY && roma_exp_double(-INFINITY) == 0);
    CHECK(roma_exp(0) == 1 && roma_exp(-87.1f) == 0 && roma_exp(3) == 1 && roma_exp(-INFINITY) == 0);
    CHECK(isnan(roma_exp(NAN)));
    CHECK(roma_pow_double(10000, 0) == 1 && roma_pow_double(2, -3) == 0.125);
    float s, c;
    roma_sincos_turn(0x40000000u, &s, &c); /* a quarter */
    CHECK(s == 1 && c == 0);
    roma_sincos_turn(0x80000000u, &s, &c);
    CHECK(s == 0 && c == -1);
    CHECK(roma_rope_phase(10000, 0, 64, 1) >> 32 == 683565275); /* 2^32 / 2 pi, rounded down */
    for (unsigned i = 0; i < 64; i++) {
        const long double want = powl(500000, -(long double)i / 64) / 6.28318530717958647692528676656L * 0x1p64L / 8;
        CHECK(fabsl((long double)roma_rope_phase(500000, i, 128, 8) - want) < want * 1e-15L + 1);
    }
}

/* Level by level, as the text defines the tree. */
static float tree_naive(float *leaf, size_t n) {
    while (n > 1) {
        for (size_t i = 0; i < n / 2; i++) leaf[i] = leaf[2 * i] + leaf[2 * i + 1];
        if (n & 1) leaf[n / 2] = leaf[n - 1];
        n = (n + 1) / 2;
    }
    return leaf[0];
}

static void test_tree(void) {
    float leaf[600];
    for (size_t n = 1; n < 600; n++) {
        roma_tree t;
        roma_tree_init(&t);
        CHECK(roma_tree_sum(&t) == 0);
        for (size_t i = 0; i < n; i++) roma_tree_add(&t, leaf[i] = random_float(1) * (float)(1 << i % 20));
        const float got = roma_tree_sum(&t);
        CHECK_EQ(roma_f32_bits(got), roma_f32_bits(tree_naive(leaf, n)));
    }
}

static _Alignas(64) uint8_t act_block[8 * COLS];

static void test_quantise(void) {
    roma_act a;
    float x[COLS];
    CHECK(roma_act_bytes(COLS) <= sizeof act_block);
    roma_act_init(&a, act_block, COLS);
    for (int round = 0; round < 200; round++) {
        float max = 0;
        for (int i = 0; i < COLS; i++) {
            x[i] = random_float(1) * (i / 8 % 5 == round % 5 ? 40.0f : 1.0f) * roma_pow2(round % 100 - 50);
            max = fmaxf(max, fabsf(x[i]));
        }
        roma_quantise_c(x, COLS, 1, &a);
        for (int i = 0; i < COLS; i++) {
            const int k = a.shift[i / 8];
            CHECK(a.code[i] >= -127 && k >= 0 && k <= 7);
            /* half a step of the sub-group, and what three roundings add */
            const double value = (double)a.code[i] * (1 << k) * (double)a.scale, step = (1 << k) * (double)max / 16256;
            CHECK(fabs(value - (double)x[i]) <= step * 0.5 + fabs((double)x[i]) * 4e-7);
            CHECK(a.mult[i / 8] == (1u << k | 1u << k << 16));
        }
        for (int b = 0; b < COLS / 8; b++) { /* the smallest shift: one less would not hold the largest */
            int top = 0;
            for (int i = 0; i < 8; i++) top = abs(a.code[8 * b + i]) > top ? abs(a.code[8 * b + i]) : top;
            CHECK(a.shift[b] == 0 || top >= 63);
        }
        for (int g = 0; g < COLS / 32; g++) {
            int32_t sum = 0;
            for (int i = 32 * g; i < 32 * g + 32; i++) sum += a.code[i] * (1 << a.shift[i / 8]);
            CHECK_EQ(a.sum32[g], sum);
            CHECK_EQ(a.sum16[2 * g] + a.sum16[2 * g + 1], sum);
        }
    }
    /* By hand: max 127 gives r = 128; 127 -> v = 16256, shift 7, code 127; 1 -> v = 128, near(128 / 2) = 64 at shift 1.
     */
    memset(x, 0, sizeof x);
    x[0] = 127;
    x[8] = 1;
    x[9] = -0.5f;
    roma_quantise_c(x, COLS, 1, &a);
    CHECK(a.code[0] == 127 && a.shift[0] == 7 && a.code[8] == 64 && a.shift[1] == 1 && a.code[9] == -32 &&
          a.shift[2] == 0);
    CHECK(a.scale == 127.0f * (1.0f / 16256.0f));
    memset(x, 0, sizeof x);
    x[5] = 0x1p-101f;
    roma_quantise_c(x, COLS, 1, &a);
    CHECK(a.scale == 0 && a.code[5] == 0);
    x[7] = INFINITY;
    roma_quantise_c(x, COLS, 1, &a);
    CHECK(isnan(a.scale) && a.code[7] == 0);
    x[7] = NAN;
    roma_quantise_c(x, COLS, 1, &a);
    CHECK(isnan(a.scale));
}

static void check_product(roma_format f) {
    static _Alignas(64) uint8_t tile[ROWS * COLS * 2];
    roma_tile_layout l;
    roma_tile_layout_get(&f, COLS, &l);
    CHECK(l.bytes <= sizeof tile && roma_format_check(&f, COLS, NULL) == 0);
    for (size_t i = 0; i < l.bytes; i++) tile[i] = (uint8_t)(random_unit() * 256);
    for (size_t i = (f.super ? l.super_scale : l.scale) + 1; i < l.bytes; i += 2)
        tile[i] = (tile[i] & 0x83) | 0x20; /* near 2^-7 */
    roma_act a;
    float x[COLS], w[COLS], out[ROWS];
    roma_act_init(&a, act_block, COLS);
    for (int i = 0; i < COLS; i++) x[i] = random_float(2);
    roma_quantise_c(x, COLS, 1, &a);
    roma_tile_product_c(&f, COLS, tile, &a, out);
    for (unsigned r = 0; r < ROWS; r++) {
        double dot = 0, size = 0;
        roma_tile_dequant_row(&f, COLS, tile, r, w);
        for (int i = 0; i < COLS; i++) {
            const double value = (double)a.code[i] * (1 << a.shift[i / 8]) * (double)a.scale;
            dot += value * (double)w[i];
            size += fabs(value * (double)w[i]);
        }
        /* Leaves cancel between scale and minimum, so the bound stands on magnitudes: a few roundings of each. */
        const double zero_part = f.min ? 64.0 : 1.0;
        CHECK(fabs((double)out[r] - dot) <= size * zero_part * 0x1p-22);
    }
}

static void test_product(void) {
    check_product((roma_format){.bits = 4, .scale = ROMA_SCALE_F16, .min = ROMA_SCALE_F16, .group = 32});
    check_product((roma_format){.bits = 4, .scale = ROMA_SCALE_F16, .group = 32, .zero = 8});
    check_product((roma_format){.bits = 8, .scale = ROMA_SCALE_F16, .group = 32});
    check_product((roma_format){.bits = 6, .scale = ROMA_SCALE_S8, .group = 16, .super = 256, .zero = 32});
    check_product((roma_format){.bits = 5, .scale = ROMA_SCALE_U6, .min = ROMA_SCALE_U6, .group = 32, .super = 256});
    check_product((roma_format){.bits = 3, .scale = ROMA_SCALE_S6, .group = 16, .super = 256, .zero = 4});
    check_product((roma_format){.bits = 2, .scale = ROMA_SCALE_U4, .min = ROMA_SCALE_U4, .group = 16, .super = 256});
    check_product((roma_format){.bits = 2, .scale = ROMA_SCALE_F16, .group = 256, .zero = 1});
}

static void test_vector_unit(void) {
    float x[96], out[96], up[96];
    for (int round = 0; round < 50; round++) {
        double sum = 0;
        for (int i = 0; i < 96; i++) {
            x[i] = random_float(5) * roma_pow2(round - 25);
            up[i] = random_float(2);
            sum += (double)x[i] * (double)x[i];
        }
        const double want = 1 / sqrt(sum / 96 + 1e-5);
        CHECK(fabs((double)roma_rms_inverse(x, 96, 1e-5f) - want) < want * 3e-5);
        roma_silu_mul_c(out, x, up, 96);
        for (int i = 0; i < 96; i++) {
            const double t = (double)x[i] * (double)up[i] / (1 + exp(-(double)x[i]));
            CHECK(fabs((double)out[i] - t) <= fabs(t) * 0x1p-19 + 1e-35);
        }
    }
    roma_relu2_mul_c(out, (const float[]){3, -3, 0, -0.0f, -INFINITY, NAN, 2}, (const float[]){2, 2, 2, 2, 2, 2, -0.5f},
                     7);
    CHECK(out[0] == 18 && out[1] == 0 && out[2] == 0 && out[3] == 0 && out[4] == 0 && isnan(out[5]) && out[6] == -2);
    /* Equal values: Q = 96 * 8192^2 exactly, so the mean is exactly x^2. */
    for (int i = 0; i < 96; i++) x[i] = 4;
    CHECK(fabs((double)roma_rms_inverse(x, 96, 0) - 0.25) < 1e-7);
    memset(x, 0, sizeof x);
    CHECK(roma_rms_inverse(x, 96, 0.25f) == 2);
    float pair[2] = {3, 4};
    roma_rope(pair, 2, (const float[]){0, 1});
    CHECK(pair[0] == -4 && pair[1] == 3);
}

/* Every format: what is put comes back to within half a step, zeros and no numbers as zeros and NaN, and attention over
 * the page is that of doubles over the numbers that the codes stand for. */
static void test_format(const roma_kv_format *f) {
    enum { DIM = 48, MOST = 4 * ROMA_PAGE * DIM + 8 * ROMA_PAGE };
    static _Alignas(64) uint8_t block[MOST];
    static int8_t k_codes[2 * ROMA_PAGE * DIM], v_codes[2 * ROMA_PAGE * DIM];
    float k[ROMA_PAGE][DIM], v[ROMA_PAGE][DIM], q[DIM], score[ROMA_PAGE], out[DIM];
    double kept[2][ROMA_PAGE][DIM];
    int16_t code[DIM];
    roma_kv_page p;
    CHECK(roma_kv_bytes(f, DIM) <= MOST);
    CHECK_EQ(roma_kv_bytes(f, DIM), roma_kv_code_bytes(f->k, DIM) + roma_kv_code_bytes(f->v, DIM) + 8 * ROMA_PAGE);
    memset(block, 0xa5, sizeof block);
    roma_kv_init(f, &p, block, DIM);
    for (unsigned t = 0; t < ROMA_PAGE; t++) {
        const float size = roma_pow2((int)t * 5 - 80); /* every scale, and within a row six powers of ten */
        for (int d = 0; d < DIM; d++) {
            k[t][d] = random_float(1) * (d % 7 ? 1 : 1e-6f) * size;
            v[t][d] = random_float(3) * size;
        }
        roma_kv_put(f, &p, DIM, t, k[t], v[t]);
    }
    for (int of_values = 0; of_values < 2; of_values++)
        for (unsigned t = 0; t < ROMA_PAGE; t++) {
            const roma_kv_code form = of_values ? f->v : f->k;
            const float *x = of_values ? v[t] : k[t];
            const double scale = (double)(of_values ? p.v_scale : p.k_scale)[t];
            double largest = 0;
            for (int d = 0; d < DIM; d++) largest = fmax(largest, fabs((double)x[d]));
            const bool whole = form == ROMA_KV_CODE_INT8 || form == ROMA_KV_CODE_INT4;
            const double step = whole                      ? largest / (form == ROMA_KV_CODE_INT8 ? 254 : 14) * 1.00001
                                : form == ROMA_KV_CODE_F16 ? 0x1p-11
                                                           : 0x1p-4; /* floats: a share of the number */
            for (unsigned d = 0; d < DIM; d++) {
                const double got =
                    (double)roma_kv_value(form, roma_kv_get(form, of_values ? p.v : p.k, DIM, of_values, t, d)) * scale;
                const double less =
                    largest * (form == ROMA_KV_CODE_F16 ? 0x1p-39 : 0x1p-17); /* half of the least code */
                kept[of_values][t][d] = got;
                CHECK(fabs(got - (double)x[d]) <= (whole ? step : fmax(step * fabs((double)x[d]), less)));
            }
        }
    p.k = roma_kv_unpack(f->k, p.k, DIM, k_codes);
    p.v = roma_kv_unpack(f->v, p.v, DIM, v_codes);
    for (int d = 0; d < DIM; d++) q[d] = random_float(1);
    const float scale = roma_quantise_i16(q, DIM, code);
    (f->is_float ? roma_half_scores_c : roma_page_scores_c)(&p, DIM, code, &scale, 1, score, ROMA_PAGE);
    for (unsigned t = 0; t < ROMA_PAGE; t++) {
        double dot = 0, size = 0;
        for (int d = 0; d < DIM; d++) {
            dot += (double)code[d] * (double)scale * kept[0][t][d];
            size += fabs((double)code[d] * (double)scale * kept[0][t][d]);
        }
        CHECK(fabs((double)score[t] - dot) <= size * 1e-5);
        score[t] = (float)(t + 1) / ROMA_PAGE;
    }
    (f->is_float ? roma_half_values_c : roma_page_values_c)(&p, DIM, score, ROMA_PAGE, 1, ROMA_PAGE - 3, out);
    for (int d = 0; d < DIM; d++) {
        double want = 0, size = 0;
        for (unsigned t = 0; t < ROMA_PAGE - 3; t++) {
            want += (double)score[t] * kept[1][t][d];
            size += (double)score[t] * fabs(kept[1][t][d]);
        }
        CHECK(fabs((double)out[d] - want) <= fmax(size, 0x1p54) * 1e-3);
    }
    roma_kv_init(f, &p, block, DIM);
    memset(k[0], 0, sizeof k[0]);
    for (int d = 0; d < DIM; d++) v[0][d] = 0x1p100f;
    roma_kv_put(f, &p, DIM, 9, k[0], v[0]);
    CHECK(p.k_scale[9] == 0 && isnan(p.v_scale[9]));
    for (unsigned d = 0; d < DIM; d++)
        CHECK(!roma_kv_get(f->k, p.k, DIM, false, 9, d) && !roma_kv_get(f->v, p.v, DIM, true, 9, d));
    CHECK(roma_kv_find(f->name) == f);
    CHECK_HAS(roma_kv_names(), f->name);
}

static void test_formats(void) {
    for (int i = 0; i < ROMA_KV_COUNT; i++) test_format(&roma_kv_formats[i]);
    CHECK(roma_kv_find(NULL) == &roma_kv_formats[ROMA_KV_INT8]);
    CHECK(!roma_kv_find("int") && !roma_kv_find(""));
    /* by hand: 3 and -1.5 under 2: E = 1, so F16 has 3 * 2^13 under 2^-13, FP8 3 * 2^6 = 192 under 4 */
    float x[16] = {3, -1.5f};
    _Alignas(64) uint8_t block[4 * ROMA_PAGE * 16 + 8 * ROMA_PAGE];
    roma_kv_page p;
    roma_kv_init(&roma_kv_formats[ROMA_KV_F16], &p, block, 16);
    roma_kv_put(&roma_kv_formats[ROMA_KV_F16], &p, 16, 2, x, x);
    CHECK(p.k_scale[2] == 0x1p-13f && p.v_scale[2] == 0x1p-13f);
    CHECK_EQ(roma_le16((uint8_t *)p.k + 2 * 2), 0x7600);        /* 3 * 2^13 = 1.5 * 2^14 */
    CHECK_EQ(roma_le16((uint8_t *)p.k + 2 * (32 + 2)), 0xf200); /* -1.5 * 2^13 */
    CHECK_EQ(roma_le16((uint8_t *)p.v + 2 * (2 * 16 + 1)), 0xf200);
    roma_kv_init(&roma_kv_formats[ROMA_KV_FP8], &p, block, 16);
    roma_kv_put(&roma_kv_formats[ROMA_KV_FP8], &p, 16, 2, x, x);
    CHECK(p.k_scale[2] == 4 && p.v_scale[2] == 4);
    CHECK_EQ((uint8_t)p.k[2], 0x74); /* 1.5 * 2^7: exponent 7 + 7 = 14, mantissa 4 */
    CHECK_EQ((uint8_t)p.v[2 * 16 + 1], 0xec);
}

static void test_attention(void) {
    enum { DIM = 64 };
    static _Alignas(64) uint8_t block[2 * ROMA_PAGE * DIM + 8 * ROMA_PAGE];
    float k[ROMA_PAGE][DIM], v[ROMA_PAGE][DIM], q[DIM], score[ROMA_PAGE], out[DIM];
    int16_t code[DIM];
    roma_kv_page p;
    CHECK_EQ(roma_kv_page_bytes(DIM), sizeof block);
    roma_kv_page_init(&p, block, DIM);
    for (unsigned t = 0; t < ROMA_PAGE; t++) {
        for (int d = 0; d < DIM; d++) {
            k[t][d] = random_float(1);
            v[t][d] = random_float(3);
            q[d] = random_float(1);
        }
        roma_kv_page_put(&p, DIM, t, k[t], v[t]);
    }
    const float scale = roma_quantise_i16(q, DIM, code);
    roma_page_scores_c(&p, DIM, code, &scale, 1, score, ROMA_PAGE);
    float max = score[0];
    CHECK(roma_largest_c((const float[]){-3, -1, -2}, 3) == -1);
    for (unsigned t = 0; t < ROMA_PAGE; t++) {
        double dot = 0;
        for (int d = 0; d < DIM; d++) dot += (double)q[d] * (double)k[t][d];
        CHECK(fabs((double)score[t] - dot) < 0.06); /* 64 products with codes of 1/254 of the largest */
        max = score[t] > max ? score[t] : max;
    }
    const int64_t sum = roma_softmax_weights_c(score, ROMA_PAGE, max);
    double exact = 0;
    for (unsigned t = 0; t < ROMA_PAGE; t++) exact += (double)score[t];
    CHECK(fabs((double)sum * 0x1p-30 - exact) < 1e-6);
    roma_page_values_c(&p, DIM, score, ROMA_PAGE, 1, ROMA_PAGE, out);
    for (int d = 0; d < DIM; d++) {
        double want = 0, size = 0;
        for (unsigned t = 0; t < ROMA_PAGE; t++) {
            const double value =
                (double)p.v[d / 16 * 512 + (int)t / 4 * 64 + d % 16 * 4 + (int)t % 4] * (double)p.v_scale[t];
            want += (double)score[t] * value;
            size += (double)score[t] * fabs(value) + 3.0 * 0x1p-15;
        }
        CHECK(fabs((double)out[d] - want) < size * 1e-3);
    }
    /* A maximum that rounds up to 2^15 is held at 32767. */
    for (int d = 0; d < DIM; d++) k[0][d] = v[0][d] = 127;
    roma_kv_page_put(&p, DIM, 0, k[0], v[0]);
    p.v_scale[0] = 1;
    const float near_one = 0.99999994f;
    roma_page_values_c(&p, DIM, &near_one, ROMA_PAGE, 1, 1, out);
    CHECK(out[0] == 32767.0f * 127.0f * 0x1p-15f);
    CHECK(roma_quantise_i8((const float[]){0, -0.0f, 0x1p-120f}, 3, (int8_t[3]){1, 1, 1}) == 0);
    int8_t c8[2];
    CHECK(roma_quantise_i8((const float[]){-2, 1}, 2, c8) == 2.0f * (1.0f / 127.0f) && c8[0] == -127 &&
          c8[1] == 64); /* 63.5: even */
    CHECK(isnan(roma_quantise_i8((const float[]){NAN, 1}, 2, c8)));
}

/* The block behind a row: its five tables one after another, each from a multiple of 64 on; it is worth nothing yet. */
static void test_act_block(void) {
    for (uint64_t cols = 32; cols <= 4096; cols += 32) {
        static _Alignas(64) uint8_t block[1 << 16];
        roma_act a;
        memset(&a, 0xff, sizeof a);
        roma_act_init(&a, block, cols);
        const void *const at[] = {a.code, a.shift, a.mult, a.sum16, a.sum32, block + roma_act_bytes(cols)};
        const uint64_t bytes[] = {cols, cols / 8 * 4, cols / 8 * 4, cols / 16 * 4, cols / 32 * 4};
        CHECK(at[0] == block);
        for (int i = 0; i < 5; i++)
            CHECK_EQ((const uint8_t *)at[i + 1] - (const uint8_t *)at[i], (ptrdiff_t)((bytes[i] + 63) / 64 * 64));
        CHECK_REAL(a.scale, 0);
    }
}

int main(void) {
    test_act_block();
    test_functions();
    test_tree();
    test_quantise();
    test_product();
    test_vector_unit();
    test_attention();
    test_formats();
    return TEST_DONE();
}
