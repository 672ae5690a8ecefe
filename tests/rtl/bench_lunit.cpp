/* Vectors for the L-Units, the sums of groups and leaves. */
#include "Vbench_lunit.h"
#include "bench.h"

typedef Vbench_lunit M;

static float f(uint64_t bits) { return roma_f32_from_bits((uint32_t)bits); }

/* A byte, often at an end. */
static uint64_t draw_byte(dice &d) {
    static const uint8_t ends[] = {0x7f, 0x81, 0, 1, 0xff};
    return d.below(3) ? d.next() & 255 : ends[d.below(5)];
}
/* Eight signed bytes, -127 to 127. */
static uint64_t draw_codes(dice &d) {
    static const uint64_t all[] = {0x7f7f7f7f7f7f7f7f, 0x8181818181818181, 0, 0x817f817f817f817f};
    if (d.below(8) == 0) return all[d.below(4)];
    uint64_t codes = 0;
    for (int i = 0; i < 8; i++) {
        const uint64_t c = draw_byte(d);
        codes |= (c == 0x80 ? 0x81 : c) << (8 * i);
    }
    return codes;
}
static uint64_t draw_word(dice &d) {
    const uint32_t k = d.below(8);
    return k == 0 ? ~UINT64_C(0) : k == 1 ? 0x8080808080808080 : k == 2 ? 0x7f7f7f7f7f7f7f7f : d.next();
}
static uint64_t draw_shift(dice &d) { return d.below(4) ? d.below(8) : 7; }
static int32_t signed_byte(uint64_t codes, int i) { return (int8_t)(codes >> (8 * i) & 255); }

/* ---- clocks ---- */

static void clock_lunit(M &m, int on) { m.lunit_clk = on != 0; }
static void clock_all(M &m, int on) { m.all_clk = on != 0; }
static void clock_serial(M &m, int on) { m.serial_clk = on != 0; }
static void clock_table(M &m, int on) { m.table_clk = on != 0; }
static void clock_group(M &m, int on) { m.group_clk = on != 0; }
static void clock_zero(M &m, int on) { m.zero_clk = on != 0; }
static void clock_merge(M &m, int on) { m.merge_clk = on != 0; }
static void clock_leaf(M &m, int on) { m.leaf_clk = on != 0; }

/* ---- the L-Units: bits, word, codes 0 to 7, codes 8 to 15, shifts ---- */

static void draw_lunit(dice &d, uint64_t *in) {
    in[0] = d.below(3);
    in[1] = draw_word(d);
    in[2] = draw_codes(d);
    in[3] = draw_codes(d);
    in[4] = draw_shift(d) | draw_shift(d) << 3;
}
/* Row r's sum, input by input as docs/rom-format.md has them. */
static uint64_t lunit_sum(const uint64_t *in, unsigned r) {
    const unsigned bits = 2u << in[0], inputs = 32 / bits;
    int64_t sum = 0;
    for (unsigned i = 0; i < inputs; i++) {
        const uint64_t byte = in[1] >> (32 * r + 8 * (i % 4)) & 255;
        int64_t code = (int64_t)(byte >> (i / 4 * bits) & ((1u << bits) - 1));
        if (bits == 8) code = (int8_t)byte + 128;
        sum += code * (signed_byte(in[2 + i / 8], (int)i % 8) * (1 << (in[4] >> (3 * (i / 8)) & 7)));
    }
    return (uint64_t)sum & 0x1ffffff;
}
static uint64_t lunit_sums(const uint64_t *in) { return lunit_sum(in, 0) | lunit_sum(in, 1) << 25; }
static void want_lunit(const uint64_t *in, uint64_t *out) { out[0] = lunit_sums(in), out[1] = lunit_sum(in, 0); }
static void want_serial(const uint64_t *in, uint64_t *out) { out[0] = lunit_sums(in); }
static void want_all(const uint64_t *in, uint64_t *out) {
    for (int i = 0; i < 5; i++) out[i] = lunit_sums(in);
}
static void put_lunit(M &m, const uint64_t *in) {
    m.bits = in[0] & 3, m.word = in[1], m.shifts = in[4] & 63;
    for (int i = 0; i < 4; i++) m.codes[i] = (uint32_t)(in[2 + i / 2] >> (32 * (i % 2)));
}
static void get_lunit(M &m, uint64_t *out) { out[0] = m.sums, out[1] = m.sums_8lanes; }
static void get_all(M &m, uint64_t *out) {
    for (int i = 0; i < 5; i++) {
        const int at = 50 * i;
        out[i] = 0;
        for (int b = 0; b < 50; b++) out[i] |= (uint64_t)(m.sums_all[(at + b) / 32] >> ((at + b) % 32) & 1) << b;
    }
}
static void get_serial(M &m, uint64_t *out) { out[0] = m.serial_sums; }
static void start_serial(M &m, int on) { m.serial_start = on != 0; }
static int done_serial(M &m) { return m.serial_done; }

/* Level table: three words of levels, word, codes, shift. */
static void draw_table(dice &d, uint64_t *in) {
    for (int i = 0; i < 2; i++) in[i] = d.below(4) ? d.next() : d.below(2) ? 0x8080808080808080 : 0x7f7f7f7f7f7f7f7f;
    in[2] = d.next() & 0xffffffff;
    if (d.below(4) == 0)
        in[0] = in[1] = 0x0802008020080200 * (1 + d.below(2)), in[2] = d.below(2) ? 0xffffffff : 0x80200802;
    in[3] = draw_word(d);
    in[4] = draw_codes(d);
    in[5] = draw_shift(d);
}
static int64_t level_at(const uint64_t *in, unsigned width, unsigned code) {
    int64_t v = 0;
    for (unsigned b = 0; b < width; b++)
        v |= (int64_t)(in[(width * code + b) / 64] >> ((width * code + b) % 64) & 1) << b;
    return v >> (width - 1) ? v - (INT64_C(1) << width) : v;
}
static uint64_t table_sum(const uint64_t *in, unsigned width, unsigned r) {
    int64_t sum = 0;
    for (unsigned i = 0; i < 8; i++) {
        const unsigned code = (unsigned)(in[3] >> (32 * r + 8 * (i % 4) + 4 * (i / 4)) & 15);
        sum += level_at(in, width, code) * signed_byte(in[4], (int)i) * (1 << in[5]);
    }
    return (uint64_t)sum & ((UINT64_C(1) << (width + 18)) - 1);
}
static void want_table(const uint64_t *in, uint64_t *out) {
    out[0] = table_sum(in, 8, 0) | table_sum(in, 8, 1) << 26;
    out[1] = table_sum(in, 10, 0) | table_sum(in, 10, 1) << 28;
}
static void put_table(M &m, const uint64_t *in) {
    for (int i = 0; i < 5; i++) m.levels[i] = (uint32_t)(in[i / 2] >> (32 * (i % 2)));
    m.word = in[3], m.shifts = in[5] & 7;
    for (int i = 0; i < 2; i++) m.codes[i] = (uint32_t)(in[4] >> (32 * i));
}
static void get_table(M &m, uint64_t *out) { out[0] = m.table8_sums, out[1] = m.table10_sums; }

/* ---- sums of groups ---- */

/* Size of a group, four sub-groups, their shifts. */
static void draw_group(dice &d, uint64_t *in) {
    in[0] = 1 + d.below(2);
    for (int i = 1; i < 5; i++) in[i] = draw_codes(d);
    in[5] = 0;
    for (int i = 0; i < 4; i++) in[5] |= draw_shift(d) << (3 * i);
}
static void want_group(const uint64_t *in, uint64_t *out) {
    const unsigned per = 1u << in[0];
    out[0] = out[1] = 0;
    for (unsigned s = 0; s < 4; s++) {
        int64_t z = 0;
        for (int i = 0; i < 8; i++) z += signed_byte(in[1 + s], i) * (1 << (in[5] >> (3 * s) & 7));
        out[s / per] += (uint64_t)z;
    }
    for (int g = 0; g < 2; g++) out[g] &= 0x7fffff;
}
static void put_group(M &m, const uint64_t *in) {
    m.group_size = in[0] & 7, m.group_shifts = in[5] & 0xfff;
    for (int i = 0; i < 8; i++) m.group_codes[i] = (uint32_t)(in[1 + i / 2] >> (32 * (i % 2)));
}
static void start_group(M &m, int on) { m.group_valid = on != 0; }
static int done_group(M &m) { return m.group_done; }
static void get_group(M &m, uint64_t *out) {
    const uint64_t low = m.group_z[0] | (uint64_t)m.group_z[1] << 32;
    out[0] = low & 0x7fffff;
    out[1] = low >> 23 & 0x7fffff;
}

static void draw_zero(dice &d, uint64_t *in) {
    in[0] = ((uint64_t)((int64_t)d.next() >> (41 + d.below(23)))) & 0x7fffff;
    in[1] = d.below(8) ? d.next() & 511 : 256;
}
static void want_zero(const uint64_t *in, uint64_t *out) {
    const int64_t z = in[0] < 0x400000 ? (int64_t)in[0] : (int64_t)in[0] - 0x800000,
                  zero = in[1] < 256 ? (int64_t)in[1] : (int64_t)in[1] - 512;
    out[0] = (uint64_t)(-zero * z) & 0xffffffff;
}
static void put_zero(M &m, const uint64_t *in) { m.zero_z = in[0] & 0x7fffff, m.zero = in[1] & 511; }
static void get_zero(M &m, uint64_t *out) { out[0] = m.zero_offset; }

/* Sums of four L-Units of two rows, two offsets; once merged by fours, once by twos. */
static void draw_merge(dice &d, uint64_t *in) {
    for (int i = 0; i < 8; i++) in[i] = d.below(3) ? d.next() & 0x1ffffff : d.below(2) ? 0xffffff : 0x1000000;
    in[8] = d.next() >> 33, in[9] = d.next() >> 33;
}
static int64_t merged(const uint64_t *in, unsigned first, unsigned n, unsigned r, uint64_t offset) {
    int64_t sum = (int64_t)offset;
    for (unsigned i = first; i < first + n; i++) {
        const uint64_t w = in[2 * i + r];
        sum += w < 0x1000000 ? (int64_t)w : (int64_t)w - 0x2000000;
    }
    return sum;
}
static void want_fours(const uint64_t *in, uint64_t *out) {
    for (unsigned r = 0; r < 2; r++) {
        const int64_t sum = merged(in, 0, 4, r, in[8]);
        out[r] = (uint64_t)sum & 0x7fffffff, out[2 + r] = (uint64_t)sum & 0x7ffffff;
    }
}
static void want_twos(const uint64_t *in, uint64_t *out) {
    for (unsigned k = 0; k < 4; k++) out[k] = (uint64_t)merged(in, k / 2 * 2, 2, k % 2, in[8 + k / 2]) & 0x7fffffff;
}
static uint64_t slice(const uint32_t *w, unsigned at, unsigned n) {
    uint64_t v = 0;
    for (unsigned b = 0; b < n; b++) v |= (uint64_t)(w[(at + b) / 32] >> ((at + b) % 32) & 1) << b;
    return v;
}
static void put_merge(M &m, const uint64_t *in) {
    for (int w = 0; w < 7; w++) m.merge_sums[w] = 0;
    for (int b = 0; b < 200; b++) m.merge_sums[b / 32] |= (uint32_t)(in[b / 25] >> (b % 25) & 1) << (b % 32);
    m.merge_offset = (in[8] & 0x7fffffff) | (in[9] & 0x7fffffff) << 31;
}
static void put_fours(M &m, const uint64_t *in) { put_merge(m, in), m.merge_levels = 2, m.merge_over = 0; }
static void put_over(M &m, const uint64_t *in) { put_merge(m, in), m.merge_levels = 2, m.merge_over = 1; }
static void put_twos(M &m, const uint64_t *in) { put_merge(m, in), m.merge_levels = 1, m.merge_over = 0; }
static void start_merge(M &m, int on) { m.merge_valid = on != 0; }
static int done_merge(M &m) { return m.merge_done && m.merge4_done; }
static void get_fours(M &m, uint64_t *out) {
    for (unsigned r = 0; r < 2; r++)
        out[r] = slice(m.merge_totals, 31 * r, 31), out[2 + r] = slice(m.merge4_totals, 27 * r, 27);
}
static void get_twos(M &m, uint64_t *out) {
    for (unsigned k = 0; k < 4; k++) out[k] = slice(m.merge_totals, 31 * k, 31);
}

static void draw_leaf(dice &d, uint64_t *in) {
    in[0] = ((uint64_t)((int64_t)d.next() >> (33 + d.below(31)))) & 0xffffffff;
    in[1] = d.below(8) ? roma_f32_bits(roma_f16_to_f32((uint16_t)d.next())) : draw_float(d);
    in[2] = ((uint64_t)((int64_t)d.next() >> (41 + d.below(23)))) & 0x7fffff;
    in[3] = d.below(8) ? roma_f32_bits(roma_f16_to_f32((uint16_t)d.next())) : draw_float(d);
}
static void want_leaf(const uint64_t *in, uint64_t *out) {
    const float plain = (float)(int32_t)(uint32_t)in[0] * f(in[1]);
    const int32_t z = (int32_t)(in[2] < 0x400000 ? in[2] : in[2] - 0x800000);
    const float low = (float)z * f(in[3]);
    out[0] = one_nan(plain + low);
    out[1] = out[2] = one_nan(plain);
}
static void put_leaf(M &m, const uint64_t *in) {
    m.leaf_sum = (uint32_t)in[0], m.leaf_scale = (uint32_t)in[1], m.leaf_z = in[2] & 0x7fffff,
    m.leaf_minimum = (uint32_t)in[3];
}
static void get_leaf(M &m, uint64_t *out) { out[0] = m.leaf_y, out[1] = m.leaf_plain_y, out[2] = m.leaf_product; }

int main(int argc, char **argv) {
    const std::vector<block<M>> blocks = {
        {"roma_lunit", 5, 2, 2, 1, draw_lunit, put_lunit, NULL, NULL, get_lunit, want_lunit, clock_lunit},
        {"roma_lunit", 5, 5, 4, 1, draw_lunit, put_lunit, NULL, NULL, get_all, want_all, clock_all},
        {"roma_lunit", 5, 1, 10, 8, draw_lunit, put_lunit, start_serial, done_serial, get_serial, want_serial,
         clock_serial},
        {"roma_lunit_table", 6, 2, 2, 1, draw_table, put_table, NULL, NULL, get_table, want_table, clock_table},
        {"roma_group_sum", 6, 2, 2, 1, draw_group, put_group, start_group, done_group, get_group, want_group,
         clock_group},
        {"roma_zero", 2, 1, 2, 1, draw_zero, put_zero, NULL, NULL, get_zero, want_zero, clock_zero},
        {"roma_merge", 10, 4, 2, 1, draw_merge, put_fours, start_merge, done_merge, get_fours, want_fours, clock_merge},
        {"roma_merge", 10, 4, 3, 1, draw_merge, put_over, start_merge, done_merge, get_fours, want_fours, clock_merge},
        {"roma_merge", 10, 4, 1, 1, draw_merge, put_twos, start_merge, done_merge, get_twos, want_twos, clock_merge},
        {"roma_leaf", 4, 3, 8, 1, draw_leaf, put_leaf, NULL, NULL, get_leaf, want_leaf, clock_leaf},
    };
    return bench_main(
        argc, argv, blocks, +[](M &m, int on) { m.reset = on != 0; });
}
