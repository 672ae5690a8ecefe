/* Vectors for the blocks of a vector unit: reductions, quantiser, 1/rms, gates, rotation, argmax; and whole rows
 * through its passes (vunit_rows.h). */
#include "Vbench_vunit.h"
#include "bench.h"
#include "roma/exec.h"

typedef Vbench_vunit M;

static float f(uint64_t bits) { return roma_f32_from_bits((uint32_t)bits); }
template <class W> void put_words(W &port, const uint64_t *in, int n) {
    for (int i = 0; i < n; i++) port[i] = (uint32_t)in[i];
}
#include "vunit_rows.h"

/* ---- what a largest magnitude makes of a row ---- */

/* A magnitude, often about 2^-100 or 2^100. */
static uint64_t draw_magnitude(dice &d) {
    const uint32_t k = d.below(6);
    return (k == 0 ? draw_float_near(d, 27, 1) : k == 1 ? draw_float_near(d, 227, 1) : draw_float(d)) & 0x7fffffffu;
}
static bool has_codes(uint64_t largest) { return f(largest) >= 0x1p-100f && f(largest) < 0x1p100f; }

static void draw_reciprocal(dice &d, uint64_t *in) { in[0] = draw_magnitude(d); }
static void want_reciprocal(const uint64_t *in, uint64_t *out) {
    float x[32] = {f(in[0])};
    alignas(64) uint64_t block[64];
    roma_act act;
    roma_act_init(&act, block, 32);
    roma_quantise_c(x, 32, 1, &act);
    out[0] = has_codes(in[0]) ? roma_f32_bits(16256.0f / x[0]) : 0;
    out[1] = one_nan(act.scale);
}

/* ---- codes: eight values, the row's largest magnitude ---- */

static uint64_t draw_value(dice &d, uint64_t largest) {
    const float max = f(largest);
    const int e = (int)(largest >> 23);
    uint32_t x = draw_float_near(d, e - (int)d.below(d.below(2) ? 4 : 20), 1);
    const float k = (float)(1 << d.below(8));
    /* about a bound between two shifts, or a tie of a code */
    const uint32_t kind = d.below(4);
    if (kind < 2) {
        const float v = kind ? 127.5f : (float)d.below(127) + 0.5f;
        x = roma_f32_bits(v * k * (max / 16256.0f)) + d.below(5) - 2u;
        if (d.below(2)) x |= 0x80000000u;
    }
    return x;
}
static void draw_code(dice &d, uint64_t *in) {
    do in[8] = draw_magnitude(d);
    while (d.below(16) && !has_codes(in[8]));
    const bool is_small = d.below(3) == 0;
    for (int i = 0; i < 8; i++) {
        in[i] = has_codes(in[8]) ? draw_value(d, in[8]) : draw_float(d);
        if ((in[i] & 0x7fffffffu) > in[8]) in[i] = (in[i] & 0x80000000u) | in[8];
        if (is_small && in[i] >> 23 & 255) in[i] = in[i] - ((in[i] >> 23 & 255) / 12 << 23);
    }
    if (d.below(8) == 0) in[d.below(8)] = in[8];
}
static void want_code(const uint64_t *in, uint64_t *out) {
    float x[32] = {0};
    alignas(64) uint64_t block[64];
    for (int i = 0; i < 8; i++) x[i] = f(in[i]);
    x[8] = f(in[8]);
    roma_act act;
    roma_act_init(&act, block, 32);
    roma_quantise_c(x, 32, 1, &act);
    memcpy(&out[0], act.code, 8);
    out[1] = (uint64_t)act.shift[0];
}

/* ---- squares, 1/rms ---- */

static void draw_square(dice &d, uint64_t *in) {
    in[1] = 27 + d.below(200);
    in[0] = draw_float_near(d, (int)in[1] - (int)d.below(d.below(2) ? 2 : 16), 0);
    if (d.below(4) == 0) { /* a tie */
        const uint32_t c = d.below(1 << 14);
        in[0] = roma_f32_bits(((float)c + 0.5f) * 0x1p-13f) + (d.below(3) - 1u) + ((uint32_t)(in[1] - 127) << 23);
    }
    if ((in[0] >> 23 & 255) > in[1]) in[0] = in[1] << 23 | 0x7fffff;
}
static void want_square(const uint64_t *in, uint64_t *out) {
    const float c = roma_rint(f(in[0]) * roma_pow2(140 - (int)in[1]));
    out[0] = (uint64_t)((int64_t)c * (int64_t)c);
}

/* Sum of squares, largest magnitude, number of values, epsilon. */
static void draw_rms(dice &d, uint64_t *in) {
    in[1] = draw_magnitude(d);
    if (d.below(4)) in[1] = (27 + d.below(200)) << 23 | (in[1] & 0x7fffff);
    in[2] = 1 + (d.below(2) ? d.below(64) : d.below(1 << 18));
    const uint64_t least = (uint64_t)1 << 26, most = in[2] << 28;
    in[0] = d.below(8) ? least + d.next() % (most - least + 1) : d.below(2) ? least : most;
    in[3] = d.below(2) ? roma_f32_bits(1e-5f) : draw_float_near(d, 77, 49) & 0x7fffffff;
    if (in[3] < 0x0d800000) in[3] = 0x0d800000;
}
static void want_rms(const uint64_t *in, uint64_t *out) {
    const float max = f(in[1]), eps = f(in[3]);
    float ms = 0;
    if (max >= 0x1p-100f && max < 0x1p100f) {
        const float down = roma_pow2(roma_exponent(max) - 13);
        ms = (float)(int64_t)in[0] * (1.0f / (float)in[2]) * down * down;
    }
    out[0] = max < 0x1p100f ? one_nan(1.0f / __builtin_sqrtf(ms + eps)) : 0x7fc00000u;
}

/* ---- gates, products, pairs ---- */

static void draw_silu(dice &d, uint64_t *in) {
    in[0] = d.below(3) ? draw_float_near(d, 127, 7) : draw_float(d);
    in[1] = d.below(3) ? draw_float_near(d, 127, 20) : draw_float(d);
}
static void want_silu(const uint64_t *in, uint64_t *out) {
    const float gate = f(in[0]), up = f(in[1]);
    float y;
    roma_silu_mul_c(&y, &gate, &up, 1);
    out[0] = one_nan(y);
}
static void want_relu2(const uint64_t *in, uint64_t *out) {
    const float gate = f(in[0]), up = f(in[1]);
    float y;
    roma_relu2_mul_c(&y, &gate, &up, 1);
    out[0] = one_nan(y);
}
template <int N> void draw_operands(dice &d, uint64_t *in) {
    for (int i = 0; i < N; i++) in[i] = d.below(3) ? draw_float_near(d, 127, 20) : draw_float(d);
}
static void want_three(const uint64_t *in, uint64_t *out) { out[0] = one_nan(f(in[0]) * f(in[1]) * f(in[2])); }
static void want_pair(const uint64_t *in, uint64_t *out) {
    float head[2] = {f(in[0]), f(in[1])};
    const float cs[2] = {f(in[2]), f(in[3])};
    roma_rope(head, 2, cs);
    out[0] = one_nan(head[0]);
    out[1] = one_nan(head[1]);
}

/* ---- trees ---- */

static void draw_lanes(dice &d, uint64_t *in) {
    const uint64_t like = d.next() & 0x7fffffff;
    const int shift = (int)d.below(31);
    for (int i = 0; i < 8; i++) in[i] = (d.below(2) ? like ^ (d.next() & 0x7fffffff) >> shift : d.next() & 0x7fffffff);
    if (d.below(8) == 0)
        for (int i = 0; i < 8; i++) in[i] = 0x7fffffff;
}
static void reduce(const uint64_t *in, int n, uint64_t *out) {
    out[0] = out[1] = 0;
    for (int i = 0; i < n; i++) out[1] += in[i], out[0] = in[i] > out[0] ? in[i] : out[0];
}
static void want_eight(const uint64_t *in, uint64_t *out) { reduce(in, 8, out); }
static void want_five(const uint64_t *in, uint64_t *out) { reduce(in, 5, out); }

/* Eight logits, and an eighth of the first one's id. */
static void draw_choice(dice &d, uint64_t *in) {
    const uint32_t like = draw_float(d), kind = d.below(4);
    for (int i = 0; i < 8; i++) {
        in[i] = d.below(2) ? like : d.below(2) ? like ^ 0x80000000u : draw_float(d);
        if (kind < 3 && f(in[i]) != f(in[i])) in[i] = 0xff800000u;
        if (kind == 0) in[i] = d.below(12) ? 0xff800000u : in[i] & 0x80000000u;
    }
    in[8] = d.next() & 0xffff;
}
static void want_choice(const uint64_t *in, uint64_t *out) {
    float logits[8];
    for (int i = 0; i < 8; i++) logits[i] = f(in[i]);
    choose(logits, 8, out);
    if (!out[2]) out[0] += in[8] * 8;
}

/* ---- ports ---- */

static void put_reciprocal(M &m, const uint64_t *in) { m.recip_largest = (uint32_t)in[0]; }
static void start_reciprocal(M &m, int on) { m.recip_start = on != 0; }
static int done_reciprocal(M &m) { return m.factor_done; }
static void get_reciprocal(M &m, uint64_t *out) { out[0] = m.factor, out[1] = m.scale; }
static void put_code(M &m, const uint64_t *in) {
    put_words(m.code_x, in, 8);
    m.code_factor = has_codes(in[8]) ? roma_f32_bits(16256.0f / f(in[8])) : 0;
}
static void get_code(M &m, uint64_t *out) { out[0] = m.codes, out[1] = m.shift; }
static void put_square(M &m, const uint64_t *in) { m.square_x[0] = (uint32_t)in[0], m.square_exponent = in[1] & 255; }
static void get_square(M &m, uint64_t *out) { out[0] = m.square_y; }
static void get_slow_square(M &m, uint64_t *out) { out[0] = m.square_slow_y; }
static void put_rms(M &m, const uint64_t *in) {
    m.rms_squares = in[0], m.rms_largest = (uint32_t)in[1], m.rms_inverse_n = roma_f32_bits(1.0f / (float)in[2]);
    m.rms_epsilon = (uint32_t)in[3];
}
static void start_rms(M &m, int on) { m.rms_start = on != 0; }
static int done_rms(M &m) { return m.inverse_done; }
static void get_rms(M &m, uint64_t *out) { out[0] = m.inverse; }
static void put_silu(M &m, const uint64_t *in) { m.gate = (uint32_t)in[0], m.up = (uint32_t)in[1]; }
static void start_silu(M &m, int on) { m.silu_start = on != 0; }
static int done_silu(M &m) { return m.silu_done; }
static void get_silu(M &m, uint64_t *out) { out[0] = m.silu_y; }
static void get_relu2(M &m, uint64_t *out) { out[0] = m.relu2_y; }
static void put_three(M &m, const uint64_t *in) { put_silu(m, in), m.third = (uint32_t)in[2]; }
static void get_three(M &m, uint64_t *out) { out[0] = m.mul3_y; }
static void put_pair(M &m, const uint64_t *in) {
    m.pair_a = (uint32_t)in[0], m.pair_b = (uint32_t)in[1], m.cosine = (uint32_t)in[2], m.sine = (uint32_t)in[3];
}
static void get_pair(M &m, uint64_t *out) { out[0] = m.rotate_a, out[1] = m.rotate_b; }
static void put_lanes(M &m, const uint64_t *in) {
    for (int w = 0; w < 8; w++) m.lanes[w] = 0;
    for (int b = 0; b < 8 * 31; b++) m.lanes[b / 32] |= (uint32_t)(in[b / 31] >> b % 31 & 1) << b % 32;
}
static void get_eight(M &m, uint64_t *out) { out[0] = m.largest_of8, out[1] = m.sum_of8; }
static void get_five(M &m, uint64_t *out) { out[0] = m.largest_of5, out[1] = m.sum_of5; }
static void put_choice(M &m, const uint64_t *in) {
    put_words(m.logits, in, 8), m.first_id = in[8] & 0xffff, m.key_active = 255;
}
static void start_choice(M &m, int on) { m.key_valid = m.key_first = m.key_last = on != 0; }
static int done_choice(M &m) { return m.key_done; }
static void get_choice(M &m, uint64_t *out) {
    out[1] = m.key_nan, out[2] = m.key_none, out[0] = m.key_none ? 0 : m.key_id;
}

/* With other latencies of sum, product, conversion and hop. */
static int done_other_reciprocal(M &m) { return m.other_recip_done; }
static int done_other_rms(M &m) { return m.other_rms_done; }
static int done_other_silu(M &m) { return m.other_silu_done; }
static void get_other_reciprocal(M &m, uint64_t *out) { out[0] = m.other_factor, out[1] = m.other_scale; }
static void get_other_rms(M &m, uint64_t *out) { out[0] = m.other_rms_y; }
static void get_other_silu(M &m, uint64_t *out) { out[0] = m.other_silu_y; }
static void get_other_code(M &m, uint64_t *out) { out[0] = m.other_codes, out[1] = m.other_shift; }
static void get_other_relu2(M &m, uint64_t *out) { out[0] = m.other_relu2_y; }
static void get_other_pair(M &m, uint64_t *out) { out[0] = m.other_rotate_a, out[1] = m.other_rotate_b; }

static void clock_silu(M &m, int on) { m.silu_clk = on != 0; }
static void clock_lane(M &m, int on) { m.lane_clk = on != 0; }
static void clock_other(M &m, int on) { m.other_clk = on != 0; }

/* `which` is the name, or that of the instance with other latencies. */
#define ITERATIVE(name, which, n_in, n_out, latency, interval, clock)                                                  \
    {                                                                                                                  \
        "roma_" #name, n_in, n_out, latency, interval, draw_##name, put_##name, start_##name, done_##which,            \
            get_##which, want_##name, clock                                                                            \
    }
#define STREAM(name, n_in, n_out, latency, draw, put, get, want, clock)                                                \
    { name, n_in, n_out, latency, 1, draw, put, NULL, NULL, get, want, clock }

int main(int argc, char **argv) {
    const std::vector<block<M>> blocks = {
        ITERATIVE(reciprocal, reciprocal, 1, 2, 16, 4, NULL),
        ITERATIVE(rms, rms, 4, 1, 38, 1, NULL),
        ITERATIVE(silu, silu, 2, 1, 77, 1, clock_silu),
        STREAM("roma_code", 9, 2, 8, draw_code, put_code, get_code, want_code, NULL),
        STREAM("roma_square", 2, 1, 5, draw_square, put_square, get_square, want_square, NULL),
        STREAM("roma_square", 2, 1, 8, draw_square, put_square, get_slow_square, want_square, NULL),
        ITERATIVE(reciprocal, other_reciprocal, 1, 2, 16, 12, clock_other),
        ITERATIVE(rms, other_rms, 4, 1, 39, 12, clock_other),
        ITERATIVE(silu, other_silu, 2, 1, 78, 1, clock_other),
        STREAM("roma_code", 9, 2, 11, draw_code, put_code, get_other_code, want_code, clock_other),
        STREAM("roma_relu2", 2, 1, 4, draw_silu, put_silu, get_other_relu2, want_relu2, clock_other),
        STREAM("roma_rotate", 4, 2, 6, draw_operands<4>, put_pair, get_other_pair, want_pair, clock_other),
        STREAM("roma_relu2", 2, 1, 6, draw_silu, put_silu, get_relu2, want_relu2, clock_lane),
        STREAM("roma_fp_mul3", 3, 1, 6, draw_operands<3>, put_three, get_three, want_three, clock_lane),
        STREAM("roma_rotate", 4, 2, 6, draw_operands<4>, put_pair, get_pair, want_pair, clock_lane),
        STREAM("roma_reduce", 8, 2, 3, draw_lanes, put_lanes, get_eight, want_eight, clock_lane),
        STREAM("roma_reduce", 8, 2, 6, draw_lanes, put_lanes, get_five, want_five, clock_lane),
        ITERATIVE(choice, choice, 9, 3, 3, 1, NULL),
    };
    return bench_main(
        argc, argv, blocks, +[](M &m, int on) { m.reset = on != 0; }, run_rows);
}
