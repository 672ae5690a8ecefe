/* Vectors for quotient, root, exp, sine and cosine of a turn, phase of a position. */
#include "Vbench_vec.h"
#include "bench.h"

typedef Vbench_vec M;

static float f(uint64_t bits) { return roma_f32_from_bits((uint32_t)bits); }

/* ---- quotients: subnormal and huge ones, near ties, equal operands ---- */

static void draw_quotient(dice &d, uint64_t *in) {
    in[0] = draw_float(d);
    in[1] = draw_float(d);
    const int e = (int)(in[0] >> 23 & 255);
    switch (d.below(5)) {
    case 0: in[1] = draw_float_near(d, e + 127 - (int)d.below(27), 2); break; /* about the smallest normal number */
    case 1: in[1] = draw_float_near(d, e - 127, 2); break;                    /* about the largest */
    case 2: in[1] = in[0] + d.below(5) - 2u; break;
    case 3: { /* a product of short numbers, divided by one of them: exact, or one place off, often subnormal */
        const float b = f(draw_float_near(d, 127, 60) & ~0xfffu), q = f(draw_float_near(d, 20, 30) & ~0x7ffu);
        in[0] = roma_f32_bits(b * q) + d.below(3) - 1u;
        in[1] = roma_f32_bits(b);
        break;
    }
    default: break;
    }
    in[0] &= 0xffffffffu;
    in[1] &= 0xffffffffu;
}
static void want_quotient(const uint64_t *in, uint64_t *out) { out[0] = one_nan(f(in[0]) / f(in[1])); }

/* ---- roots: all, squares, and one place beside them ---- */

static void draw_root(dice &d, uint64_t *in) {
    in[0] = draw_float(d);
    if (d.below(4)) in[0] &= 0x7fffffff;
    if (d.below(3) == 0) {
        const float q = f(draw_float_near(d, 127, 60) & ~0x7ffu);
        in[0] = roma_f32_bits(q * q) + d.below(3) - 1u;
    }
}
static void want_root(const uint64_t *in, uint64_t *out) { out[0] = one_nan(__builtin_sqrtf(f(in[0]))); }

/* ---- exp, sine and cosine, phase ---- */

static void draw_exp(dice &d, uint64_t *in) {
    in[0] = draw_float(d);
    if (d.below(4)) in[0] = draw_float_near(d, 127, 8) | 0x80000000u;
    if (d.below(4) == 0) in[0] = roma_f32_bits(-87.0f) + d.below(5) - 2u;
    if (d.below(4) == 0) { /* about a tie of x log2 e */
        const float n = -0.5f - (float)d.below(126);
        in[0] = roma_f32_bits(n * 0.6931472f) + d.below(5) - 2u;
    }
}
static void want_exp(const uint64_t *in, uint64_t *out) { out[0] = one_nan(roma_exp(f(in[0]))); }

static void draw_turn(dice &d, uint64_t *in) {
    in[0] = d.next() & 0xffffffffu;
    if (d.below(2))
        in[0] = ((uint64_t)d.below(8) << 29) + (d.next() >> (32 + d.below(32))) - (d.next() >> (32 + d.below(32)));
    in[0] &= 0xffffffffu;
}
static void want_turn(const uint64_t *in, uint64_t *out) {
    float s, c;
    roma_sincos_turn((uint32_t)in[0], &s, &c);
    out[0] = roma_f32_bits(s);
    out[1] = roma_f32_bits(c);
}

static void draw_phase(dice &d, uint64_t *in) {
    in[0] = d.next() >> (44 + d.below(20));
    in[1] = d.next() >> d.below(64);
    in[2] = d.next() >> (32 + d.below(32));
    if (d.below(4) == 0) in[1] = ~in[1];
}
static void want_phase(const uint64_t *in, uint64_t *out) {
    out[0] = in[0] * in[1] >> 32;
    out[1] = in[2] * in[1] >> 32;
}

/* ---- ports ---- */

static void put_quotient(M &m, const uint64_t *in) { m.div_a = (uint32_t)in[0], m.div_b = (uint32_t)in[1]; }
static void put_root(M &m, const uint64_t *in) { m.sqrt_x = (uint32_t)in[0]; }
static void put_exp(M &m, const uint64_t *in) { m.exp_x = (uint32_t)in[0]; }
static void put_turn(M &m, const uint64_t *in) { m.turn = (uint32_t)in[0]; }
static void put_phase(M &m, const uint64_t *in) {
    m.position = in[0] & 0xfffff, m.increment = in[1], m.long_position = (uint32_t)in[2];
}
static void start_quotient(M &m, int on) { m.div_start = on != 0; }
static void start_root(M &m, int on) { m.sqrt_start = on != 0; }
template <int I> int done_quotient(M &m) { return m.div_done >> I & 1; }
template <int I> int done_root(M &m) { return m.sqrt_done >> I & 1; }
template <int I> void get_quotient(M &m, uint64_t *out) { out[0] = m.div_y[I]; }
template <int I> void get_root(M &m, uint64_t *out) { out[0] = m.sqrt_y[I]; }
/* Clocks at rest stay up. */
template <int I> void clock_quotient(M &m, int on) { m.div_clk = (m.div_clk & ~(1 << I)) | on << I; }
template <int I> void clock_root(M &m, int on) { m.sqrt_clk = (m.sqrt_clk & ~(1 << I)) | on << I; }
static void clock_exp(M &m, int on) { m.exp_clk = on != 0; }
static void clock_turn(M &m, int on) { m.turn_clk = on != 0; }
static void get_exp(M &m, uint64_t *out) { out[0] = m.exp_y; }
static void get_turn(M &m, uint64_t *out) { out[0] = m.sine, out[1] = m.cosine; }
static void get_phase(M &m, uint64_t *out) { out[0] = m.phase_turn, out[1] = m.long_turn; }

/* One of the six intervals. */
template <int I> block<M> quotient(int interval) {
    return {"roma_fp_div",
            2,
            1,
            16,
            interval,
            draw_quotient,
            put_quotient,
            start_quotient,
            done_quotient<I>,
            get_quotient<I>,
            want_quotient,
            clock_quotient<I>};
}
template <int I> block<M> root(int interval) {
    return {"roma_fp_sqrt", 1,           1,         14,           interval, draw_root, put_root, start_root,
            done_root<I>,   get_root<I>, want_root, clock_root<I>};
}

int main(int argc, char **argv) {
    const std::vector<block<M>> blocks = {
        quotient<0>(1),
        quotient<1>(2),
        quotient<2>(3),
        quotient<3>(4),
        quotient<4>(6),
        quotient<5>(12),
        root<0>(1),
        root<1>(2),
        root<2>(3),
        root<3>(4),
        root<4>(6),
        root<5>(12),
        {"roma_exp", 1, 1, 52, 1, draw_exp, put_exp, NULL, NULL, get_exp, want_exp, clock_exp},
        {"roma_sincos", 1, 2, 32, 1, draw_turn, put_turn, NULL, NULL, get_turn, want_turn, clock_turn},
        {"roma_phase", 3, 2, 3, 1, draw_phase, put_phase, NULL, NULL, get_phase, want_phase},
    };
    return bench_main(
        argc, argv, blocks, +[](M &m, int on) { m.reset = on != 0; });
}
