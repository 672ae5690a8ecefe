/* Vectors for the L-Units, the sums of groups, leaves; and rows of whole tiles through a slice of a matrix unit,
 * against roma_tile_product_c. */
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

static void draw_group(dice &d, uint64_t *in) { in[0] = draw_codes(d), in[1] = draw_shift(d), in[2] = d.next() & 511; }
static void want_group(const uint64_t *in, uint64_t *out) {
    int64_t z = 0;
    for (int i = 0; i < 8; i++) z += signed_byte(in[0], i) * (1 << in[1]);
    const int64_t zero = in[2] < 256 ? (int64_t)in[2] : (int64_t)in[2] - 512;
    out[0] = (uint64_t)z & 0x7fffff;
    out[1] = (uint64_t)(-zero * z) & 0xffffffff;
}
static void put_group(M &m, const uint64_t *in) {
    m.group_codes = in[0], m.group_shift = in[1] & 7, m.group_zero = in[2] & 511;
}
static void start_group(M &m, int on) { m.group_valid = m.group_first = m.group_last = on != 0; }
static int done_group(M &m) { return m.group_done; }
static void get_group(M &m, uint64_t *out) { out[0] = m.group_z, out[1] = m.group_offset; }

static void draw_merge(dice &d, uint64_t *in) {
    for (int i = 0; i < 4; i++) in[i] = d.below(3) ? d.next() & 0x1ffffff : d.below(2) ? 0xffffff : 0x1000000;
    in[4] = d.next() >> 33;
}
static void want_merge(const uint64_t *in, uint64_t *out) {
    int64_t sum = (int64_t)in[4];
    for (int i = 0; i < 4; i++) sum += in[i] < 0x1000000 ? (int64_t)in[i] : (int64_t)in[i] - 0x2000000;
    out[0] = (uint64_t)sum & 0x7fffffff;
    out[1] = (uint64_t)sum & 0x7ffffff;
}
static void put_merge(M &m, const uint64_t *in) {
    for (int w = 0; w < 4; w++) m.merge_sums[w] = 0;
    for (int b = 0; b < 100; b++) m.merge_sums[b / 32] |= (uint32_t)(in[b / 25] >> (b % 25) & 1) << (b % 32);
    m.merge_offset = in[4] & 0x7fffffff;
}
static void start_merge(M &m, int on) { m.merge_start = on != 0; }
static int done_merge(M &m) { return m.merge_done && m.merge4_done; }
static void get_merge(M &m, uint64_t *out) { out[0] = m.merge_total, out[1] = m.merge4_total; }

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
    out[1] = one_nan(plain);
}
static void put_leaf(M &m, const uint64_t *in) {
    m.leaf_sum = (uint32_t)in[0], m.leaf_scale = (uint32_t)in[1], m.leaf_z = in[2] & 0x7fffff,
    m.leaf_minimum = (uint32_t)in[3];
}
static void get_leaf(M &m, uint64_t *out) { out[0] = m.leaf_y, out[1] = m.leaf_plain_y; }

/* ---- a slice of a matrix unit: tiles of random formats, row group after row group without a pause ---- */

struct slice {
    M &m;
    bench<M> &b;
    dice d;
    roma_format format;
    uint64_t cols;
    std::vector<uint8_t> tile;
    std::vector<uint64_t> block;
    roma_act act;
    std::vector<float> scale, minimum;
    std::vector<uint32_t> z, offset;
    roma_tile_layout at;

    slice(bench<M> &b, uint64_t seed) : m(b.model()), b(b), d{seed}, format(), cols(0), act(), at() {}

    void draw() {
        static const uint8_t widths[] = {2, 4, 8};
        format.bits = widths[d.below(3)];
        format.scale = ROMA_SCALE_F16;
        format.min = d.below(2) ? ROMA_SCALE_F16 : ROMA_SCALE_NONE;
        do format.group = (uint16_t)(32 << d.below(4));
        while (format.group * format.bits < 128);
        format.zero = (int16_t)(format.bits == 8 ? 0 : d.below(1u << format.bits));
        cols = format.group * (uint64_t)(1 + d.below(12));
        roma_tile_layout_get(&format, cols, &at);
        tile.assign(at.bytes, 0);
        const bool extreme = d.below(4) == 0, is_zero = d.below(8) == 0; /* of leaves of -0 the sum is -0 */
        for (size_t i = at.plane_lo; i < at.plane_lo + 16 * cols * format.bits / 8; i++)
            tile[i] = extreme ? (format.bits == 8 ? 0x7f : 0xff) : (uint8_t)d.next();
        for (size_t g = 0; g < cols / format.group; g++)
            for (size_t r = 0; r < 16; r++) {
                put_half(at.scale + 32 * g + 2 * r, is_zero);
                if (format.min) put_half(at.min + 32 * g + 2 * r, is_zero);
            }
        std::vector<float> x(cols);
        for (uint64_t i = 0; i < cols; i++) x[i] = is_zero ? 0.0f : extreme ? 3.0f : f(draw_float_near(d, 120, 6));
        block.assign(roma_act_bytes(cols) / 8 + 8, 0);
        roma_act_init(&act, (void *)(((uintptr_t)block.data() + 63) & ~(uintptr_t)63), cols);
        roma_quantise_c(x.data(), cols, 1, &act);
        scale.assign(cols / format.group * 16, 0);
        minimum = scale;
        roma_tile_scales(&format, cols, tile.data(), scale.data(), format.min ? minimum.data() : NULL);
    }
    void put_half(size_t i, bool is_negative) {
        const uint16_t h = roma_f32_to_f16(f(draw_float_near(d, 118, 4) | (is_negative ? 0x80000000u : 0)));
        tile[i] = (uint8_t)h, tile[i + 1] = (uint8_t)(h >> 8);
    }
    uint64_t codes(uint64_t first) {
        uint64_t w = 0;
        for (uint64_t i = 0; i < 8; i++) w |= (uint64_t)(uint8_t)act.code[(first + i) % cols] << (8 * i);
        return w;
    }

    /* Z and the zero point's part of every group, as the codes pass by. */
    void sum_groups() {
        z.clear(), offset.clear();
        const uint64_t per = format.group / 8u, n = cols / 8;
        b.use_clock(clock_group);
        for (uint64_t t = 0; z.size() < n / per; t++) {
            m.group_valid = t < n;
            m.group_first = t % per == 0;
            m.group_last = t % per == per - 1;
            m.group_codes = t < n ? codes(8 * t) : 0;
            m.group_shift = t < n ? (uint8_t)act.shift[t] & 7 : 0;
            m.group_zero = (format.bits == 8 ? format.zero + 128 : format.zero) & 511;
            b.tick();
            if (m.group_done) z.push_back(m.group_z), offset.push_back(m.group_offset & 0x7fffffff);
            if (t > 10 * n + 100) break; /* a fault */
        }
        m.group_valid = 0;
        b.use_clock(NULL);
    }

    /* The words that wave w of row group g reads: four of 64 bits, 4 w being the first of the row group. */
    void put_wave(uint64_t g, uint64_t w) {
        const unsigned inputs = 32u / format.bits;
        for (unsigned k = 0; k < 4; k++) {
            const uint64_t index = 4 * w + k, first = index * inputs;
            memcpy(&m.wave_words[2 * k], tile.data() + at.plane_lo + 64 * index + 8 * g, 8);
            const uint64_t low = codes(first), high = codes(first + 8);
            memcpy(&m.wave_codes[4 * k], &low, 8);
            memcpy(&m.wave_codes[4 * k + 2], &high, 8);
        }
        m.wave_shifts = 0;
        for (unsigned k = 0; k < 4; k++) {
            const uint64_t first = (4 * w + k) * inputs;
            const uint32_t low = (uint32_t)act.shift[first / 8],
                           high = (uint32_t)act.shift[(first / 8 + 1) % (cols / 8)];
            m.wave_shifts |= (low | high << 3) << (6 * k);
        }
    }

    /* 16 rows; 0, or 1 where one differs. */
    int run(bool quiet) {
        draw();
        sum_groups();
        float want[16];
        roma_tile_product_c(&format, cols, tile.data(), &act, want);
        const uint64_t groups = cols / format.group, waves = cols * format.bits / 128, per = waves / groups;
        uint64_t given = 0, leaf = 0, row = 0;
        m.bits = format.bits == 2 ? 0 : format.bits == 4 ? 1 : 2;
        m.tree_levels = 0;
        while ((1u << m.tree_levels) < groups) m.tree_levels++;
        for (uint64_t t = 0; row < 8; t++) {
            m.wave_valid = given < 8 * waves;
            if (m.wave_valid) {
                const uint64_t w = given % waves, group = w / per;
                put_wave(given / waves, w);
                m.wave_first = w % per == 0;
                m.wave_last = w % per == per - 1;
                m.wave_offset = group < offset.size() ? offset[group] : 0;
                given++;
            }
            b.tick();
            if (m.wave_done) {
                const uint64_t group = leaf % groups, r = leaf / groups * 2 % 16;
                m.wave_row_last = group == groups - 1;
                m.wave_z = z[group];
                for (unsigned k = 0; k < 2; k++) {
                    m.wave_scales = (m.wave_scales & ~(UINT64_C(0xffffffff) << (32 * k))) |
                                    (uint64_t)roma_f32_bits(scale[group * 16 + r + k]) << (32 * k);
                    m.wave_minima = (m.wave_minima & ~(UINT64_C(0xffffffff) << (32 * k))) |
                                    (uint64_t)roma_f32_bits(minimum[group * 16 + r + k]) << (32 * k);
                }
                leaf++;
            }
            const unsigned v = format.min ? 1 : 0;
            if (m.tree_done >> v & 1) {
                for (unsigned k = 0; k < 2; k++) {
                    const float y = act.scale * f(m.tree_y[2 * k + v]);
                    if (one_nan(y) != one_nan(want[2 * row + k]))
                        return differs(quiet, 2 * row + k, y, want[2 * row + k]);
                }
                row++;
            }
            if (t > 8 * waves + 200) return differs(quiet, 2 * row, 0, 0);
        }
        m.wave_valid = 0;
        for (int i = 0; i < 40; i++) b.tick();
        return 0;
    }
    int differs(bool quiet, uint64_t row, float got, float want) {
        char name[80];
        if (!quiet)
            printf("row %d of a tile of %s, %d inputs: %g, wanted %g\n", (int)row,
                   roma_format_print(&format, name, sizeof name), (int)cols, (double)got, (double)want);
        return 1;
    }
};

/* As many rows as vectors. */
static int run_slices(bench<M> &b, const options &o) {
    slice s(b, o.seed + 77);
    for (uint64_t rows = 0; rows < o.vectors; rows += 16)
        if (s.run(o.quiet)) return 1;
    if (!o.quiet)
        printf("%-22s %" PRIu64 " rows of tiles of 2, 4 and 8 bit equal roma_tile_product_c\n", "slice", o.vectors);
    return 0;
}

int main(int argc, char **argv) {
    const std::vector<block<M>> blocks = {
        {"roma_lunit", 5, 2, 2, 1, draw_lunit, put_lunit, NULL, NULL, get_lunit, want_lunit, clock_lunit},
        {"roma_lunit", 5, 5, 4, 1, draw_lunit, put_lunit, NULL, NULL, get_all, want_all, clock_all},
        {"roma_lunit", 5, 1, 10, 8, draw_lunit, put_lunit, start_serial, done_serial, get_serial, want_serial,
         clock_serial},
        {"roma_lunit_table", 6, 2, 2, 1, draw_table, put_table, NULL, NULL, get_table, want_table, clock_table},
        {"roma_group_sum", 3, 2, 4, 1, draw_group, put_group, start_group, done_group, get_group, want_group,
         clock_group},
        {"roma_merge", 5, 2, 3, 1, draw_merge, put_merge, start_merge, done_merge, get_merge, want_merge, clock_merge},
        {"roma_leaf", 4, 2, 8, 1, draw_leaf, put_leaf, NULL, NULL, get_leaf, want_leaf, clock_leaf},
    };
    return bench_main(
        argc, argv, blocks, +[](M &m, int on) { m.reset = on != 0, m.wave_valid = 0; }, run_slices);
}
