/* Products of a matrix unit and rows of its embedding against roma_tile_product_c and roma_tile_dequant_row: one after
 * the other as a controller would start them, each with the addresses, formats and durations of docs/placement.md and
 * docs/cost-model.md 1.8, which are computed here anew. Results must come in the cycle that the law says. */
#include "Vbench_matrix.h"
#include "bench.h"

typedef Vbench_matrix M;

static float f(uint64_t bits) { return roma_f32_from_bits((uint32_t)bits); }
static uint64_t ceil_div(uint64_t a, uint64_t b) { return (a + b - 1) / b; }
static unsigned clog2(uint64_t n) {
    unsigned k = 0;
    while ((UINT64_C(1) << k) < n) k++;
    return k;
}

/* The two units of bench_matrix.v. */
struct shape {
    unsigned N, rows, wide, fill, inputs;
    bool minimum;
    unsigned leaf_units() const { return rows * wide; }
};
static const shape shapes[2] = {{4, 2, 1, 4, 128, true}, {16, 1, 2, 2, 32, false}};
enum { ADD = 3, MUL = 3, LEAF = 5, LUNIT = 3 };

/* What a corner says, and what is drawn. */
enum { BITS, TABLE, GROUP, MINIMUM, ZERO, GROUPS, ROW_GROUPS, KIND, LOOKUP, WORDS };
enum { RANDOM, LARGEST, MINUS_ZERO, NO_NUMBERS, KINDS };

static void draw_case(dice &d, uint64_t *in) {
    static const uint8_t widths[] = {2, 4, 4, 8};
    in[BITS] = widths[d.below(4)];
    in[TABLE] = in[BITS] == 4 && d.below(4) == 0;
    do in[GROUP] = 16u << d.below(5);
    while (in[GROUP] * in[BITS] < 64);
    in[MINIMUM] = d.below(2);
    in[ZERO] = in[BITS] == 8 || in[TABLE] ? 0 : d.below(1u << in[BITS]);
    do in[GROUPS] = 1 + d.below(d.below(3) ? 8 : 32);
    while (in[GROUPS] * in[GROUP] > 512 || in[GROUPS] * in[GROUP] % 32);
    in[ROW_GROUPS] = 1 + d.below(8);
    in[KIND] = d.below(3) ? (uint64_t)RANDOM : d.below(KINDS);
    in[LOOKUP] = d.below(8) == 0;
}

/* A product or a lookup on its way. */
struct job {
    roma_format format;
    uint64_t cols, groups, row_words, each, reads, cycles, merge, turns, row_groups, lookup_row;
    bool is_lookup;
    uint64_t address, scale_address;
    uint64_t passes[3]; /* cycles from its last address to the last sums of groups at leaf units, to leaves, to rows */
    uint64_t first, last, end; /* cycles of the first and the last address, and of the last result */
    std::vector<float> want;
    words in; /* the case */
};

class unit_bench {
  public:
    unit_bench(bench<M> &b, unsigned which, uint64_t seed, bool quiet)
        : m(b.model()), b(b), which(which), s(shapes[which]), d{seed}, quiet(quiet), rom(2048 * 16),
          scale_rom(2048 * 4) {
        memset(&act, 0, sizeof act);
    }

    /* 0, or 1 where something differs; prints it. */
    int run(const words &in) {
        make(in.data());
        now.in = in;
        place();
        const bool is_new = d.below(3) || is_stale();
        if (is_new) fill(in.data());
        start(is_new);
        return wrong.size() ? say() : 0;
    }
    /* What is still under way comes. */
    int finish() {
        while (!jobs.empty() && wrong.empty()) step();
        return wrong.size() ? say() : 0;
    }

  private:
    M &m;
    bench<M> &b;
    const unsigned which;
    const shape s;
    dice d;
    const bool quiet;
    std::vector<uint32_t> rom, scale_rom;
    uint64_t next_address = 0, next_scale = 0;
    job now;
    std::vector<uint8_t> tile;
    std::vector<uint64_t> block;
    roma_act act;
    unsigned row = 0; /* of activations */
    struct {
        uint64_t cols, bits, group, base, z, last, done;
    } held[2] = {};
    std::deque<job> jobs;
    struct late_scale {
        uint64_t at;
        unsigned row;
        uint32_t bits;
    };
    std::deque<late_scale> scales;
    uint64_t before[3] = {};             /* passes of the product before */
    uint64_t t = 1000, last_address = 0; /* the cycle now, and that of the last address so far */
    uint64_t given = 0;                  /* results of the first job */
    uint32_t word_at = 0, scale_at = 0;  /* addresses of the cycle before */
    struct sums {
        bool is_real;
        std::vector<int64_t> sum;
    };
    std::deque<sums> under_way{2}; /* in the L-Units */
    std::string wrong;
    words at_fault; /* its case */

    bool is_stale() const {
        return held[row].cols != now.cols || held[row].bits != now.format.bits || held[row].group != now.format.group;
    }

    void put_half(size_t i, uint64_t kind) {
        float x = f(draw_float_near(d, 118, 4));
        if (kind == MINUS_ZERO && x > 0) x = -x;
        if (kind == NO_NUMBERS && d.below(8) == 0) x = d.below(2) ? f(0x7f800000) : f(0x7fc00000);
        const uint16_t h = roma_f32_to_f16(x);
        tile[i] = (uint8_t)h, tile[i + 1] = (uint8_t)(h >> 8);
    }

    /* The tile, its activations if they are new, and the law's numbers. */
    void make(const uint64_t *in) {
        roma_format &q = now.format = {};
        const bool with_min = in[MINIMUM] && s.minimum;
        q.bits = (uint8_t)in[BITS], q.level = in[TABLE] ? ROMA_LEVEL_TABLE : ROMA_LEVEL_IDENTITY;
        q.scale = ROMA_SCALE_F16, q.min = with_min ? ROMA_SCALE_F16 : ROMA_SCALE_NONE;
        q.group = (uint16_t)in[GROUP], q.zero = (int16_t)in[ZERO];
        for (int i = 0; i < 16; i++) q.table[i] = (int8_t)(in[KIND] == LARGEST ? (i % 2 ? 127 : -128) : d.next());
        now.cols = in[GROUPS] * in[GROUP], now.groups = in[GROUPS];
        roma_tile_layout at;
        roma_tile_layout_get(&q, now.cols, &at);
        tile.assign(at.bytes, 0);
        for (size_t i = at.plane_lo; i < at.plane_lo + 16 * now.cols * q.bits / 8; i++)
            tile[i] = in[KIND] == LARGEST ? (q.bits == 8 ? 0x80 : 0xff) : (uint8_t)d.next();
        for (size_t i = 0; i < 16 * now.groups; i++) {
            put_half(at.scale + 2 * i, in[KIND]);
            if (with_min) put_half(at.min + 2 * i, in[KIND]);
        }
        const uint64_t words = now.cols * q.bits / 32, p = in[GROUP] * in[BITS] / 32, m_lunits = p < s.N ? p : s.N;
        now.is_lookup = in[LOOKUP] && words % s.N == 0;
        now.row_words = ceil_div(words, s.N);
        now.merge = clog2(m_lunits), now.turns = p > s.N ? p / s.N : 1;
        now.row_groups = now.is_lookup ? 1 : in[ROW_GROUPS] * s.rows > 16 ? 16 / s.rows : in[ROW_GROUPS];
        now.lookup_row = d.below(s.rows);
        now.each = std::max(now.row_words, ceil_div(s.rows * now.groups, s.leaf_units()));
        now.reads = now.cycles = now.row_groups * now.each;
        if (d.below(8) == 0) now.cycles += d.below(20);
        now.passes[0] = LUNIT + now.merge + (now.turns > 1);
        if (now.is_lookup) {
            now.reads = now.cycles = now.cols / s.leaf_units();
            now.passes[0] = LUNIT;
        }
        now.passes[1] = now.passes[0] + LEAF + (with_min ? ADD : 0);
        now.passes[2] = now.passes[1] + (now.is_lookup ? 0 : clog2(now.groups) * ADD);
    }

    void make_row(uint64_t kind) {
        std::vector<float> x(now.cols);
        for (float &v : x) v = kind == LARGEST ? 3.0f : kind == MINUS_ZERO ? 0.0f : f(draw_float_near(d, 120, 6));
        if (kind == NO_NUMBERS && d.below(2)) x[0] = 3e38f;
        block.assign(roma_act_bytes(now.cols) / 8 + 8, 0);
        roma_act_init(&act, (void *)(((uintptr_t)block.data() + 63) & ~(uintptr_t)63), now.cols);
        roma_quantise_c(x.data(), now.cols, 1, &act);
    }

    /* Words and scales into the ROMs, somewhere. */
    void place() {
        roma_tile_layout at;
        roma_tile_layout_get(&now.format, now.cols, &at);
        const uint64_t words = now.cols * now.format.bits / 32, bytes = 4 * s.rows;
        const uint64_t ending = ceil_div(now.groups, s.N >> now.merge);
        now.address = next_address = next_address + now.row_groups * now.row_words > 2000 ? 0 : next_address;
        now.scale_address = next_scale = next_scale + now.row_groups * ending > 2000 ? 0 : next_scale;
        uint8_t *to = (uint8_t *)&rom[s.N * s.rows * next_address], *scales = (uint8_t *)&scale_rom[4 * next_scale];
        for (uint64_t g = 0; g < now.row_groups; g++) {
            for (uint64_t k = 0; k < now.row_words * s.N; k++, to += bytes)
                if (k < words)
                    memcpy(to, &tile[at.plane_lo + 64 * k + bytes * g], bytes);
                else
                    memset(to, 0, bytes);
            for (uint64_t i = 0; i < ending; i++, scales += 16) {
                memset(scales, 0, 16);
                for (uint64_t x = 0, slot = i * (s.N >> now.merge);
                     slot < now.groups && x < (s.N >> now.merge) * s.rows; x++) {
                    const uint64_t from = 32 * (slot + x / s.rows) + 2 * (g * s.rows + x % s.rows);
                    if (slot + x / s.rows >= now.groups) break;
                    if (now.format.min) {
                        memcpy(scales + 4 * x, &tile[at.scale + from], 2);
                        memcpy(scales + 4 * x + 2, &tile[at.min + from], 2);
                    } else {
                        memcpy(scales + 2 * x, &tile[at.scale + from], 2);
                    }
                }
            }
        }
        next_address += now.row_groups * now.row_words;
        next_scale += now.row_groups * ending;
    }

    /* The activations go into the other row, as soon as nobody reads it. Their last part is put, but the cycle is not
     * over: a product may start with it. */
    void fill(const uint64_t *in) {
        const roma_format &q = now.format;
        make_row(in[KIND]);
        row ^= 1;
        while (t < held[row].last + LUNIT - 1 + clog2(s.N)) step();
        held[row].cols = now.cols, held[row].bits = q.bits, held[row].group = q.group;
        const uint64_t own = ceil_div(now.cols * q.bits / 32, s.N) * (32u / q.bits), places = ceil_div(own, 16),
                       parts = ceil_div(now.cols / 8, s.fill);
        held[row].base = d.below((uint32_t)(s.inputs / 16 - places + 1));
        held[row].z = d.below((uint32_t)(32 - now.groups + 1)) / s.fill * s.fill;
        const uint32_t at[] = {row, clog2(q.bits) - 1, (uint32_t)held[row].base, clog2(q.group / 8u),
                               (uint32_t)held[row].z};
        for (int i = 0; i < 5; i++) m.fill_at[i] = at[i];
        for (uint64_t i = 0; i < parts; i += m.fill != 0) {
            if (i) step();
            m.fill = i + 1 == parts || d.below(16) ? (uint8_t)(1u << which) : 0;
            put_part(i);
        }
    }
    void put_part(uint64_t i) {
        m.fill_at[5] = (uint32_t)i;
        m.fill_shifts = 0;
        for (uint64_t k = 0; k < s.fill; k++) {
            const uint64_t sub = i * s.fill + k;
            m.fill_codes[2 * k] = m.fill_codes[2 * k + 1] = 0;
            if (sub >= now.cols / 8) continue;
            memcpy(&m.fill_codes[2 * k], act.code + 8 * sub, 8);
            m.fill_shifts |= (uint16_t)(act.shift[sub] << (3 * k));
        }
    }

    void start(bool is_new) {
        const roma_format &q = now.format;
        uint64_t wait = 0;
        for (int i = 0; i < 3; i++)
            if (before[i] > now.passes[i]) wait = std::max(wait, before[i] - now.passes[i]);
        if (now.is_lookup)
            wait = std::max(wait, before[2] + MUL - std::min(before[2], now.passes[2])); /* kept in order */
        while (t < last_address + wait) step();
        now.want = now.is_lookup ? lookup() : product();
        const uint32_t op[] = {row,
                               (uint32_t)held[row].base,
                               (uint32_t)held[row].z,
                               clog2(q.bits) - 1,
                               (uint32_t)(q.bits == 8 ? q.zero + 128 : q.zero) & 511,
                               (uint32_t)now.address,
                               (uint32_t)now.scale_address,
                               (uint32_t)now.row_words - 1,
                               (uint32_t)now.reads - 1,
                               (uint32_t)now.cycles - 1,
                               (uint32_t)now.merge,
                               (uint32_t)now.turns - 1,
                               (uint32_t)now.groups - 1,
                               clog2(now.groups),
                               q.min != 0,
                               now.is_lookup,
                               (uint32_t)now.lookup_row};
        for (int i = 0; i < 17; i++) m.op[i] = op[i];
        m.start = (uint8_t)(1u << which);
        now.first = t + 1;
        now.last = last_address = held[row].last = t + now.cycles;
        now.end = now.last + now.passes[2] + (now.is_lookup ? 0 : MUL);
        memcpy(before, now.passes, sizeof before);
        if (is_new) send_scale();
        held[row].done =
            now.is_lookup ? held[row].done : now.end - MUL + 1; /* behind the last result that reads its scale */
        jobs.push_back(now);
        step();
    }
    /* The scale comes as late as the first row allows, where the law says when that is. */
    void send_scale() {
        const bool is_known = !now.is_lookup && now.reads == now.cycles;
        const uint64_t early = std::max(now.first, held[row].done), late = now.first + now.each + now.passes[2] - 1;
        scales.push_back({is_known ? late : early, row, roma_f32_bits(act.scale)});
    }

    std::vector<float> product() const {
        std::vector<float> y(16);
        roma_tile_product_c(&now.format, now.cols, tile.data(), &act, y.data());
        y.resize(now.row_groups * s.rows);
        return y;
    }
    /* The elements of a row in the order in which they come. */
    std::vector<float> lookup() const {
        std::vector<float> x(now.cols), y;
        roma_tile_dequant_row(&now.format, now.cols, tile.data(), (unsigned)now.lookup_row, x.data());
        const uint64_t inputs = 32u / now.format.bits;
        for (uint64_t a = 0; a < now.row_words; a++)
            for (uint64_t i = 0; i < inputs; i++)
                for (uint64_t n = 0; n < s.N; n++) y.push_back(x[(a * s.N + n) * inputs + i]);
        return y;
    }

    /* A cycle: memories answer, results are looked at. */
    void step() {
        multiply();
        for (int i = 0; i < 4; i++) m.scale_word[i] = scale_rom[4 * scale_at + (uint32_t)i];
        m.scale_valid = 0;
        if (scales.size() && scales.front().at <= t) {
            m.scale_valid = (uint8_t)(1u << which), m.scale_row = scales.front().row ? 3 : 0,
            m.scale = scales.front().bits;
            scales.pop_front();
        }
        if (wrong.empty()) {
            at_fault = jobs.empty() ? words() : jobs.front().in;
            check_reading();
            check_results();
        }
        word_at = m.address >> (11 * which) & 2047, scale_at = m.scale_address >> (11 * which) & 2047;
        b.tick();
        m.start = m.fill = 0;
        t++;
    }
    /* The L-Units: sums of the words of the address of the cycle before, two cycles later. */
    void multiply() {
        const roma_format *q = NULL;
        for (const job &j : jobs)
            if (j.first < t && t <= j.last + 1) q = &j.format;
        std::vector<int64_t> sum;
        for (unsigned n = 0; q && n < s.N; n++) {
            uint8_t codes[16], word[8];
            uint32_t shifts;
            if (which) {
                memcpy(codes, &m.other_codes[4 * n], 16);
                shifts = (uint32_t)((m.other_shifts[6 * n / 32] | (uint64_t)m.other_shifts[std::min(6 * n / 32 + 1, 2u)]
                                                                      << 32) >>
                                    (6 * n % 32));
            } else {
                memcpy(codes, &m.mini_codes[4 * n], 16);
                shifts = m.mini_shifts >> (6 * n);
            }
            memcpy(word, (uint8_t *)&rom[s.N * s.rows * word_at] + 4 * s.rows * n, 4 * s.rows);
            for (unsigned r = 0; r < s.rows; r++) sum.push_back(word_sum(*q, word + 4 * r, (int8_t *)codes, shifts));
        }
        m.word = rom[s.N * s.rows * word_at] | (uint64_t)rom[s.N * s.rows * word_at + 1] << 32;
        under_way.push_back({q ? q->level != ROMA_LEVEL_TABLE : false, sum});
        put_sums(under_way.front().sum);
        m.is_real = under_way.front().is_real;
        under_way.pop_front();
    }
    int64_t word_sum(const roma_format &q, const uint8_t *word, const int8_t *act, uint32_t shifts) const {
        int64_t sum = 0;
        for (unsigned i = 0; i < 32u / q.bits; i++) {
            const unsigned byte = word[i % 4], code = byte >> (i / 4 * q.bits) & ((1u << q.bits) - 1);
            const int64_t level = q.bits == 8                   ? (int8_t)byte + 128
                                  : q.level == ROMA_LEVEL_TABLE ? q.table[code]
                                                                : (int64_t)code;
            sum += level * act[i] * (1 << (shifts >> (3 * (i / 8)) & 7));
        }
        return sum;
    }
    void put_sums(const std::vector<int64_t> &sum) {
        const unsigned width = which ? 28 : 26;
        uint32_t out[14] = {};
        for (unsigned i = 0; i < sum.size() * width; i++)
            out[i / 32] |= (uint32_t)(sum[i / width] >> (i % width) & 1) << (i % 32);
        for (int i = 0; i < (which ? 14 : 7); i++) which ? m.other_sums[i] = out[i] : m.mini_sums[i] = out[i];
    }
    void check_reading() {
        const bool reading = m.reading >> which & 1, last = m.last >> which & 1;
        bool may = false, must = false, ends = false;
        for (const job &j : jobs)
            if (j.first <= t && t <= j.last)
                may = true, must = j.reads == j.cycles || j.reads == 1 || t == j.first || t == j.last,
                ends = t == j.last;
        if ((reading && !may) || (must && !reading) || last != ends) wrong = "an address is read in a wrong cycle";
    }
    void check_results() {
        const bool is_result = m.result >> which & 1, is_element = m.element >> which & 1;
        if (!jobs.empty() && t > jobs.front().end + 2) wrong = "no result";
        if (!is_result && !is_element) return;
        if (jobs.empty() || jobs.front().is_lookup != is_element || is_result == is_element) {
            wrong = "a result that nobody waits for";
            return;
        }
        const job &j = jobs.front();
        const uint64_t n = is_element ? s.leaf_units() : s.rows;
        for (uint64_t i = 0; i < n && given < j.want.size(); i++, given++) {
            const uint32_t got = is_element ? m.elements[2 * which + i] : m.results[2 * which + i];
            if (one_nan(f(got)) != one_nan(j.want[given]))
                wrong = "number " + std::to_string(given) + " is " + std::to_string(f(got)) + ", not " +
                        std::to_string(j.want[given]);
        }
        const bool is_last = (is_element ? m.element_last : m.result_last) >> which & 1;
        if (is_last != (given == j.want.size())) wrong = "the last result is told wrongly";
        if (given < j.want.size()) return;
        if (t != j.end)
            wrong = "the last result comes in cycle " + std::to_string(t - j.last) +
                    " after the last address, the law says " + std::to_string(j.end - j.last);
        given = 0;
        jobs.pop_front();
    }
    int say() {
        if (quiet) return 1;
        printf("roma_matrix_unit %u: %s\n  bits, table, group, minimum, zero, groups, row groups, kind, lookup\n",
               which, wrong.c_str());
        print_words("case    ", at_fault.data(), (int)at_fault.size());
        return 1;
    }
};

static int run_units(bench<M> &b, const options &o) {
    const std::vector<words> corners = read_corners("roma_matrix_unit", WORDS);
    for (unsigned which = 0; which < 2; which++) {
        unit_bench u(b, which, o.seed + 77 + which, o.quiet);
        dice d{o.seed + which};
        uint64_t products = 0;
        for (uint64_t rows = 0; rows < o.vectors; products++) {
            words in(WORDS);
            if (products < corners.size())
                in = corners[products];
            else
                draw_case(d, in.data());
            if (u.run(in)) return 1;
            rows += in[ROW_GROUPS] * shapes[which].rows;
        }
        if (u.finish()) return 1;
        if (!o.quiet)
            printf("%-22s unit %u: %" PRIu64 " products, cycle by cycle\n", "roma_matrix_unit", which, products);
    }
    return 0;
}

int main(int argc, char **argv) {
    return bench_main<M>(
        argc, argv, {}, +[](M &m, int on) { m.reset = on != 0, m.start = m.fill = m.scale_valid = 0; }, run_units);
}
