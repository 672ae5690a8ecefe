/* Vectors for FP32 add, multiply and conversions. The reference is this machine's IEEE arithmetic, which is that of
 * src/num. */
#include "Vbench_fp.h"
#include "bench.h"

typedef Vbench_fp M;

static float f(uint64_t bits) { return roma_f32_from_bits((uint32_t)bits); }

/* ---- sums: near cancellations, ties, and what the sticky bit decides ---- */

static void draw_sum(dice &d, uint64_t *in) {
    in[0] = draw_float(d);
    in[1] = draw_float(d);
    const int e = (int)(in[0] >> 23 & 255);
    switch (d.below(4)) {
    case 0: in[1] = draw_float_near(d, e, 1); break;
    case 1: in[1] = draw_float_near(d, e + (d.below(2) ? 25 : -25), 3); break;
    case 2: in[1] = (in[0] ^ 0x80000000u) + d.below(5) - 2u; break;
    default: break;
    }
    in[1] &= 0xffffffffu;
    if (d.below(2)) std::swap(in[0], in[1]);
}
static void want_sum(const uint64_t *in, uint64_t *out) { out[0] = one_nan(f(in[0]) + f(in[1])); }
static void want_sums(const uint64_t *in, uint64_t *out) {
    for (int i = 0; i < 7; i++) want_sum(in, out + i);
}

/* ---- products: small ones, large ones, ties ---- */

/* Mantissas whose product is above 2^47 by less than 2^24, so that half of the least subnormal is missed by what is
 * lost far below. */
static void just_above_half(dice &d, uint64_t *in) {
    const uint64_t a = 0x800001u + d.below(0x7fffff), b = ((UINT64_C(1) << 47) + a - 1) / a;
    const uint64_t e = 2 + d.below(99);
    in[0] = e << 23 | (a & 0x7fffff);
    in[1] = (103 - e + d.below(2)) << 23 | (b & 0x7fffff);
}
static void draw_product(dice &d, uint64_t *in) {
    in[0] = draw_float(d);
    in[1] = draw_float(d);
    const int e = (int)(in[0] >> 23 & 255);
    switch (d.below(5)) {
    case 3: just_above_half(d, in); break;
    case 0: in[1] = draw_float_near(d, 127 - e, 26); break; /* about the smallest normal number */
    case 1: in[1] = draw_float_near(d, 381 - e, 2); break;  /* about the largest */
    case 2:                                                 /* a product of 25 bits: half way between two numbers */
        in[0] = draw_float_near(d, 127, 3) & ~0xfffu;
        in[1] = draw_float_near(d, 127, 3) & ~0x7ffu;
        break;
    default: break;
    }
    if (d.below(2)) std::swap(in[0], in[1]);
}
static void want_product(const uint64_t *in, uint64_t *out) { out[0] = one_nan(f(in[0]) * f(in[1])); }
static void want_products(const uint64_t *in, uint64_t *out) {
    for (int i = 0; i < 7; i++) want_product(in, out + i);
}

/* ---- conversions ---- */

static void draw_int(dice &d, uint64_t *in) {
    in[0] = d.next() >> d.below(64);
    if (d.below(2)) in[0] &= ~UINT64_C(0) << d.below(40);
    if (d.below(3) == 0) in[0] |= d.below(4); /* what only the sticky bit sees */
    if (d.below(2)) in[0] = 0 - in[0];
}
static void want_int(const uint64_t *in, uint64_t *out) { out[0] = roma_f32_bits((float)(int32_t)(uint32_t)in[0]); }
static void want_ints(const uint64_t *in, uint64_t *out) {
    for (int i = 0; i < 5; i++) want_int(in, out + i);
}
static void want_long(const uint64_t *in, uint64_t *out) { out[0] = roma_f32_bits((float)(int64_t)in[0]); }

static void draw_near(dice &d, uint64_t *in) {
    in[0] = draw_float(d);
    in[1] = d.below(3) ? 0 : (256 + d.below(407)) % 512; /* -256 to 150 */
    if (d.below(2)) {                                    /* results of 0 to 33 bits */
        const int scale = in[1] < 256 ? (int)in[1] : (int)in[1] - 512;
        in[0] = draw_float_near(d, 127 + 15 - scale, 17);
    }
}
/* near(x * 2^scale) in double precision, where a product by a power of two and the sum with 1.5 * 2^52 are exact
 * enough. */
static uint64_t near_held(const uint64_t *in, unsigned width) {
    const double most = (double)((UINT64_C(1) << (width - 1)) - 1);
    const int scale = in[1] < 256 ? (int)in[1] : (int)in[1] - 512;
    double x = f(in[0]);
    if (x != x) return 0;
    uint64_t power_bits = (uint64_t)(scale + 1023) << 52;
    double power;
    memcpy(&power, &power_bits, 8);
    x *= power;
    x = x > most + 1 ? most + 1 : x < -most - 1 ? -most - 1 : x;
    const double big = 6755399441055744.0;
    volatile double sum = x + big;
    double near = sum - big;
    near = near > most ? most : near < -most ? -most : near;
    return (uint64_t)(int64_t)near & ((UINT64_C(1) << width) - 1);
}
static void want_near(const uint64_t *in, uint64_t *out) {
    out[0] = near_held(in, 32);
    out[1] = near_held(in, 16);
    out[2] = near_held(in, 8);
}
static void want_nears(const uint64_t *in, uint64_t *out) {
    for (int i = 0; i < 5; i++) out[i] = near_held(in, 32);
}

static void draw_half(dice &d, uint64_t *in) { in[0] = d.next() & 0xffff; }
static void want_half(const uint64_t *in, uint64_t *out) { out[0] = one_nan(roma_f16_to_f32((uint16_t)in[0])); }

/* ---- ports ---- */

static void put_sum(M &m, const uint64_t *in) { m.add_a = (uint32_t)in[0], m.add_b = (uint32_t)in[1]; }
static void put_product(M &m, const uint64_t *in) { m.mul_a = (uint32_t)in[0], m.mul_b = (uint32_t)in[1]; }
static void put_int(M &m, const uint64_t *in) { m.i2f_x = (uint32_t)in[0]; }
static void put_long(M &m, const uint64_t *in) { m.i64_x = in[0]; }
static void put_near(M &m, const uint64_t *in) { m.f2i_x = (uint32_t)in[0], m.f2i_scale = in[1] & 511; }
static void put_half(M &m, const uint64_t *in) { m.half_x = (uint16_t)in[0]; }

/* The clock of a block; the others share clk. */
static void clock_add(M &m, int on) { m.add_clk = on != 0; }
static void clock_mul(M &m, int on) { m.mul_clk = on != 0; }
static void clock_i2f(M &m, int on) { m.i2f_clk = on != 0; }
static void clock_f2i(M &m, int on) { m.f2i_clk = on != 0; }
static void clock_add_all(M &m, int on) { m.add_all_clk = on != 0; }
static void clock_mul_all(M &m, int on) { m.mul_all_clk = on != 0; }
static void clock_i2f_all(M &m, int on) { m.i2f_all_clk = on != 0; }
static void clock_f2i_all(M &m, int on) { m.f2i_all_clk = on != 0; }

static void get_sum(M &m, uint64_t *out) { out[0] = m.add_y; }
static void get_product(M &m, uint64_t *out) { out[0] = m.mul_y; }
static void get_int(M &m, uint64_t *out) { out[0] = m.i2f_y; }
static void get_long(M &m, uint64_t *out) { out[0] = m.i64_y; }
static void get_near(M &m, uint64_t *out) { out[0] = m.f2i_y, out[1] = m.f2i_short, out[2] = m.f2i_byte; }
static void get_half(M &m, uint64_t *out) { out[0] = m.half_y; }
static void get_sums(M &m, uint64_t *out) {
    for (int i = 0; i < 7; i++) out[i] = m.add_all[i];
}
static void get_products(M &m, uint64_t *out) {
    for (int i = 0; i < 7; i++) out[i] = m.mul_all[i];
}
static void get_ints(M &m, uint64_t *out) {
    for (int i = 0; i < 5; i++) out[i] = m.i2f_all[i];
}
static void get_nears(M &m, uint64_t *out) {
    for (int i = 0; i < 5; i++) out[i] = m.f2i_all[i];
}

int main(int argc, char **argv) {
    const std::vector<block<M>> blocks = {
        {"roma_fp_add", 2, 1, 3, 1, draw_sum, put_sum, NULL, NULL, get_sum, want_sum, clock_add},
        {"roma_fp_add", 2, 7, 6, 1, draw_sum, put_sum, NULL, NULL, get_sums, want_sums, clock_add_all},
        {"roma_fp_mul", 2, 1, 3, 1, draw_product, put_product, NULL, NULL, get_product, want_product, clock_mul},
        {"roma_fp_mul", 2, 7, 6, 1, draw_product, put_product, NULL, NULL, get_products, want_products, clock_mul_all},
        {"roma_int_to_fp", 1, 1, 2, 1, draw_int, put_int, NULL, NULL, get_int, want_int, clock_i2f},
        {"roma_int_to_fp", 1, 5, 4, 1, draw_int, put_int, NULL, NULL, get_ints, want_ints, clock_i2f_all},
        {"roma_int_to_fp", 1, 1, 2, 1, draw_int, put_long, NULL, NULL, get_long, want_long},
        {"roma_fp_to_int", 2, 3, 2, 1, draw_near, put_near, NULL, NULL, get_near, want_near, clock_f2i},
        {"roma_fp_to_int", 2, 5, 4, 1, draw_near, put_near, NULL, NULL, get_nears, want_nears, clock_f2i_all},
        {"roma_half_to_fp", 1, 1, 1, 1, draw_half, put_half, NULL, NULL, get_half, want_half},
    };
    return bench_main(argc, argv, blocks);
}
