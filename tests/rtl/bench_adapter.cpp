/* Adapters, step by step as docs/numerics.md 3.4 has them: downs of every unit of a chip through one H-Unit, the
 * network between, the root, the up of one unit; against roma_lora_product_c, roma_quantise_i16 and roma_lora_add_c.
 * Every result must come in the cycle that the law says. */
#include "Vbench_adapter.h"
#include "bench.h"

typedef Vbench_adapter M;

enum { LANES = 32, MUL = 3, ADD = 3, CONVERT = 2, DIV = 16, RANK_MAX = 32, TOGETHER = 16 };

static float f(uint64_t bits) { return roma_f32_from_bits((uint32_t)bits); }
static unsigned clog2(uint64_t n) {
    unsigned k = 0;
    while ((UINT64_C(1) << k) < n) k++;
    return k;
}
static uint64_t ceil_div(uint64_t a, uint64_t b) { return (a + b - 1) / b; }
static void unit_clock(M &m, int on) { m.unit_clk = on != 0; }

/* What a corner says, and what is drawn. */
enum { UNITS, COLS, RANK, ROWS, RUNS, KIND, WORDS };
enum { RANDOM, LARGEST, ZERO, HUGE_H, NO_NUMBER, KINDS };

/* Columns of A on a unit, inputs of its groups, and whether the blocks are built for such a shape. */
struct shape {
    uint64_t c, group, groups;
    explicit shape(const uint64_t *in) {
        const uint64_t even = ceil_div(in[COLS], in[UNITS]);
        c = UINT64_C(1) << clog2(even > 8 ? even : 8);
        group = 256;
        while (in[COLS] % group) group /= 2;
        groups = in[COLS] / group;
    }
    /* leaves that reach the root for a value of h */
    uint64_t values(const uint64_t *in) const { return c > group ? ceil_div(in[COLS], c) : groups; }
    bool is_built(const uint64_t *in) const {
        return c <= 256 && c <= in[COLS] && values(in) <= 4 && in[COLS] <= 1024 && (c <= group || c / group <= 8);
    }
};

static void draw_case(dice &d, uint64_t *in) {
    do {
        in[UNITS] = 1u << d.below(4);
        in[COLS] = 32 * (1 + d.below(24));
    } while (!shape(in).is_built(in));
    in[RANK] = 1 + d.below(RANK_MAX);
    in[ROWS] = 2 * (1 + d.below(8));
    in[RUNS] = 1 + d.below(2);
    in[KIND] = d.below(2) ? (uint64_t)RANDOM : d.below(KINDS);
}

class adapter_bench {
  public:
    adapter_bench(bench<M> &b, uint64_t seed, bool quiet) : m(b.model()), b(b), d{seed}, quiet(quiet) {
        b.use_clock(unit_clock); /* in reset, which the bench gave the root's clock alone */
        m.reset = 1;
        for (int i = 0; i < 40; i++) b.tick();
        m.reset = 0;
        b.use_clock(NULL);
    }

    int run(const words &in_) {
        in = in_.data();
        const shape s(in);
        draw();
        b.use_clock(unit_clock);
        for (uint64_t u = 0; u < in[UNITS] && wrong.empty(); u++)
            if (u * s.c < in[COLS]) down(s, u);
        b.use_clock(NULL);
        if (wrong.empty()) root(s);
        b.use_clock(unit_clock);
        if (wrong.empty()) up();
        b.use_clock(NULL);
        if (wrong.empty()) return 0;
        if (quiet) return 1;
        printf("adapter: %s\n", wrong.c_str());
        print_words("units, columns, rank, rows, runs, kind", in, WORDS);
        return 1;
    }

  private:
    M &m;
    bench<M> &b;
    dice d;
    const bool quiet;
    const uint64_t *in = NULL;
    std::vector<int8_t> a_code, b_code;
    std::vector<float> a_scale, b_scale;
    float target = 0, factor = 0;
    std::vector<std::vector<uint64_t>> block;
    std::vector<roma_act> act;
    std::vector<std::vector<uint32_t>> leaf; /* of each run: rank after rank, value after value */
    std::vector<std::vector<int16_t>> code;
    std::vector<float> t;
    std::vector<int8_t> memory; /* words of LANES codes */
    std::vector<std::vector<int32_t>> under_way;
    uint32_t word = 0;
    std::string wrong;

    int8_t draw_code() {
        if (in[KIND] == ZERO) return 0;
        return in[KIND] == LARGEST ? (int8_t)(d.below(8) ? 127 : -127) : (int8_t)((int)d.below(255) - 127);
    }
    float draw_scale() { return f(draw_float_near(d, in[KIND] == HUGE_H ? 193 : 110, 5) & 0x7fffffff); }

    void draw() {
        a_code.resize(in[RANK] * in[COLS]), b_code.resize(in[ROWS] * in[RANK]);
        a_scale.assign(RANK_MAX, 0), b_scale.assign(ceil_div(in[ROWS], 16) * 16, 0);
        for (int8_t &x : a_code) x = draw_code();
        for (int8_t &x : b_code) x = draw_code();
        for (uint64_t j = 0; j < in[RANK]; j++) a_scale[j] = d.below(8) ? draw_scale() : 0;
        for (uint64_t r = 0; r < in[ROWS]; r++) b_scale[r] = draw_scale();
        target = f(draw_float_near(d, 127, 3)), factor = f(draw_float_near(d, 127, 2));
        block.assign(in[RUNS], {}), act.resize(in[RUNS]);
        leaf.assign(in[RUNS], {}), code.assign(in[RUNS], {}), t.assign(in[RUNS], 0);
        for (uint64_t k = 0; k < in[RUNS]; k++) {
            std::vector<float> x(in[COLS]);
            for (float &v : x) v = in[KIND] == LARGEST ? 3.0f : f(draw_float_near(d, 120, 6));
            if (in[KIND] == NO_NUMBER) x[d.below((uint32_t)in[COLS])] = 3e38f;
            if (in[KIND] == HUGE_H)
                for (float &v : x) v *= 1e10f;
            block[k].assign(roma_act_bytes(in[COLS]) / 8 + 8, 0);
            roma_act_init(&act[k], (void *)(((uintptr_t)block[k].data() + 63) & ~(uintptr_t)63), in[COLS]);
            roma_quantise_c(x.data(), in[COLS], 1, &act[k]);
        }
    }

    /* A cycle of the unit: the word that was asked for in the one before meets its operands, products come MUL later.
     */
    void step() {
        m.eval();
        std::vector<int32_t> now(LANES);
        for (unsigned l = 0; l < LANES; l++)
            now[l] = memory.size() > word * LANES + l
                         ? (int32_t)memory[word * LANES + l] * (int16_t)(m.operands[l / 2] >> (16 * (l % 2)) & 0xffff)
                         : 0;
        under_way.push_back(now);
        for (int i = 0; i < 24; i++) m.products[i] = 0;
        if (under_way.size() > MUL) {
            const std::vector<int32_t> p = under_way.front();
            for (unsigned i = 0; i < 24 * LANES; i++)
                m.products[i / 32] |= (uint32_t)(p[i / 24] >> (i % 24) & 1) << (i % 32);
            under_way.erase(under_way.begin());
        }
        word = m.address;
        b.tick();
        m.fill = m.start = m.code_valid = 0;
    }
    void start(std::vector<uint32_t> op) {
        for (size_t i = 0; i < 12; i++) m.op[i] = op[i];
        m.start = 1;
        step();
    }

    /* The columns of unit u: activations come with those of all others, then its words. */
    void down(const shape &s, uint64_t u) {
        m.own_first = (uint16_t)(u * s.c / 8), m.own_count = (uint16_t)(s.c / 8);
        for (uint64_t k = 0; k < in[RUNS]; k++)
            for (uint64_t i = 0; i < in[COLS] / 32; i++) {
                m.fill = 1, m.run_in = k != 0, m.fill_index = (uint16_t)i, m.fill_shifts = 0;
                memcpy(&m.fill_codes[0], act[k].code + 32 * i, 32);
                for (unsigned j = 0; j < 4; j++) m.fill_shifts |= (uint16_t)(act[k].shift[4 * i + j] << (3 * j));
                step();
            }
        const uint64_t wide = std::min<uint64_t>(std::min<uint64_t>(s.c, LANES), s.group);
        const unsigned width = clog2(wide);
        const uint64_t rows = LANES >> width, words = s.c >> width, blocks = ceil_div(in[RANK], rows);
        memory.assign(blocks * words * LANES, 0);
        for (uint64_t i = 0; i < memory.size(); i++) {
            const uint64_t l = i % LANES, w = i / LANES % words, j = i / LANES / words * rows + (l >> width),
                           at = u * s.c + (w << width) + (l & ((1u << width) - 1));
            if (j < in[RANK] && at < in[COLS]) memory[i] = a_code[j * in[COLS] + at];
        }
        const bool is_float = s.c > s.group;
        const uint64_t per = is_float ? s.group >> width : words, columns = std::min(s.c, in[COLS] - u * s.c) / 8;
        const unsigned levels = width + clog2(per);
        start({0, 0, 0, (uint32_t)blocks - 1, (uint32_t)words - 1, 0, (uint32_t)in[RUNS] - 1, (uint32_t)columns, width,
               levels, is_float ? (uint32_t)per - 1 : 0, is_float ? clog2(s.c / s.group) : 0});
        const uint64_t cycles = in[RUNS] * blocks * words;
        if (cycles != in[RUNS] * ceil_div(in[RANK] * s.c, LANES)) wrong = "a down takes more cycles than the law says";
        const uint64_t end = cycles - 1 + MUL + levels + (is_float ? CONVERT + clog2(s.c / s.group) * ADD : 0);
        const uint64_t values = s.values(in), mine = is_float ? u : u * s.c / s.group;
        std::vector<uint64_t> seen(in[RUNS], 0);
        uint64_t k = 0;
        /* cycle 0 has the first word and its operands */
        for (uint64_t c = 0; c <= end; c++, step()) {
            m.eval();
            if (m.reading != (c < cycles) || m.last != (c == cycles - 1)) wrong = "a word is read in a wrong cycle";
            if (!m.down_valid) continue;
            if (k >= in[RUNS]) return void(wrong = "a sum of a run that is not there");
            leaf[k].resize(blocks * rows * values, 0);
            for (uint64_t i = 0; i < rows && seen[k] < blocks * rows; i++, seen[k]++) {
                uint32_t &sum = leaf[k][seen[k] * values + mine];
                sum = is_float ? m.down_sums[i] : sum + m.down_sums[i];
            }
            if ((seen[k] == blocks * rows) != m.down_last) wrong = "the last sum is told wrongly";
            if (m.down_last && k == in[RUNS] - 1 && c != end)
                wrong = "the last sum comes in cycle " + std::to_string(c) + ", the law says " + std::to_string(end);
            if (m.down_last) k++;
        }
        if (seen[in[RUNS] - 1] != blocks * rows) wrong = "sums are missing";
    }

    void root(const shape &s) {
        const uint64_t values = s.values(in), levels = clog2(values), most = 4u >> levels,
                       at_once = 1 + d.below((uint32_t)most);
        const uint64_t convert = s.c > s.group ? 0 : CONVERT;
        m.root_levels = (uint8_t)levels, m.root_float = s.c > s.group, m.root_ranks = (uint8_t)at_once;
        const uint64_t link = ceil_div(4 * in[RANK] * s.groups, 64);
        m.rank_levels = (uint8_t)(clog2(in[RANK]) + d.below(6 - clog2(in[RANK])));
        m.target = roma_f32_bits(target), m.factor = roma_f32_bits(factor);
        for (int i = 0; i < RANK_MAX; i++) m.a_scales[i] = roma_f32_bits(a_scale[(size_t)i]);
        std::vector<uint64_t> there, due;
        uint64_t given = 0, run = 0, done = 0, taken = 0, next_take = 0;
        std::vector<uint64_t> scaled(in[RUNS]);
        for (uint64_t &c : scaled) c = d.below(2) ? 0 : d.below(100);
        for (uint64_t c = 0; done < in[RUNS] && c < 600; c++) {
            m.root_valid = run < in[RUNS] && d.below(8) != 0;
            m.link = (uint8_t)(m.root_valid ? link : 1 + d.below(200)); /* of the values that come with it, no others */
            for (int i = 0; i < 4; i++) m.root_leaves[i] = 0;
            m.root_last = 0, m.root_tag = (uint8_t)(run + 5);
            if (m.root_valid) {
                for (uint64_t i = 0; i < at_once && given + i < in[RANK]; i++)
                    for (uint64_t v = 0; v < values; v++)
                        m.root_leaves[(i << levels) + v] = leaf[run][(given + i) * values + v];
                given += at_once;
                m.root_last = given >= in[RANK];
                if (m.root_last) there.push_back(c + convert + levels * ADD + link), given = 0, run++;
            }
            m.root_ready = 0;
            m.eval();
            m.root_ready = taken < in[RUNS] && m.take_tag == taken + 5 && c >= scaled[taken];
            m.root_scale = m.root_ready ? roma_f32_bits(act[taken].scale) : (uint32_t)d.next();
            m.eval();
            const bool takes = taken < there.size() && c >= std::max(std::max(there[taken], scaled[taken]), next_take);
            if (m.take != takes) return void(wrong = "a row of h is made in a wrong cycle");
            if (takes) due.push_back(c + 2 * MUL + m.rank_levels + DIV + MUL + CONVERT), taken++, next_take = c + 1;
            if (m.root_done) {
                if (done >= due.size() || due[done] != c) return void(wrong = "codes of h come in a wrong cycle");
                if (m.done_tag != done + 5) return void(wrong = "codes of h are told to be another row's");
                check_codes(done++);
            } else if (done < due.size() && due[done] == c) {
                return void(wrong = "codes of h do not come");
            }
            b.tick();
        }
        m.root_valid = 0;
        for (int i = 0; i < 4; i++) b.tick();
        if (done < in[RUNS]) wrong = "codes of h are missing";
    }
    void check_codes(uint64_t k) {
        const roma_format format = {8, 0, ROMA_SCALE_F16, 0, (uint16_t)shape(in).group, 0, 0, 0, {0}};
        roma_tile_layout at;
        roma_tile_layout_get(&format, in[COLS], &at);
        std::vector<uint8_t> tile(RANK_MAX / 16 * at.bytes, 0);
        for (uint64_t j = 0; j < in[RANK]; j++)
            for (uint64_t i = 0; i < in[COLS]; i++)
                tile[j / 16 * at.bytes + i / 4 * 64 + j % 16 * 4 + i % 4] = (uint8_t)a_code[j * in[COLS] + i];
        float h[RANK_MAX];
        const roma_act *const acts[] = {&act[k]};
        roma_lora_product_c(in[COLS], format.group, tile.data(), RANK_MAX / 16, acts, 1, h, RANK_MAX);
        for (uint64_t j = 0; j < in[RANK]; j++) h[j] = h[j] * a_scale[j];
        code[k].assign(RANK_MAX, 0);
        const float sh = roma_quantise_i16(h, (unsigned)in[RANK], code[k].data());
        t[k] = sh * (target * factor);
        for (uint64_t j = 0; j < RANK_MAX; j++) {
            const int16_t got = (int16_t)(m.root_codes[j / 2] >> (16 * (j % 2)) & 0xffff);
            if (got != code[k][j])
                wrong = "code " + std::to_string(j) + " of h is " + std::to_string(got) + ", not " +
                        std::to_string(code[k][j]);
        }
        if (one_nan(f(m.root_t)) != one_nan(t[k]))
            wrong = "t is " + std::to_string(f(m.root_t)) + ", not " + std::to_string(t[k]);
    }

    void up() {
        const uint32_t from = 2 * d.below(32);
        for (uint64_t k = 0; k < in[RUNS]; k++) {
            m.code_valid = 1, m.code_at = (uint8_t)(from + k), m.t = roma_f32_bits(t[k]);
            for (size_t i = 0; i < RANK_MAX / 2; i++)
                m.codes[i] = (uint16_t)code[k][2 * i] | (uint32_t)(uint16_t)code[k][2 * i + 1] << 16;
            step();
        }
        const uint64_t rows = LANES / TOGETHER, words = ceil_div(in[RANK], TOGETHER), blocks = ceil_div(in[ROWS], rows);
        memory.assign(blocks * words * LANES, 0);
        for (uint64_t i = 0; i < memory.size(); i++) {
            const uint64_t l = i % LANES, k = i / LANES % words * TOGETHER + l % TOGETHER,
                           r = i / LANES / words * rows + l / TOGETHER;
            if (r < in[ROWS] && k < in[RANK]) memory[i] = b_code[r * in[RANK] + k];
        }
        const uint64_t cycles = in[RUNS] * blocks * words;
        if (cycles != in[RUNS] * ceil_div(TOGETHER * words * in[ROWS], LANES))
            wrong = "an up takes more cycles than the law says";
        const unsigned levels = 4 + clog2(words) + d.below(2 - clog2(words)), scale = d.below(64);
        start(
            {1, 0, scale, (uint32_t)blocks - 1, (uint32_t)words - 1, from, (uint32_t)in[RUNS] - 1, 0, 4, levels, 0, 0});
        const uint64_t end = cycles - 1 + MUL + levels + CONVERT + 2 * MUL;
        std::vector<std::vector<float>> got(in[RUNS]);
        uint64_t k = 0;
        for (uint64_t c = 0; c <= end; c++, step()) {
            m.eval();
            if (m.reading != (c < cycles) || m.last != (c == cycles - 1)) wrong = "a word is read in a wrong cycle";
            const uint64_t at = (m.scale_address - scale) * rows;
            m.scales = 0;
            for (uint32_t i = 0; i < rows && at + i < in[ROWS]; i++)
                m.scales |= (uint64_t)roma_f32_bits(b_scale[at + i]) << 32 * i;
            m.eval();
            if (!m.up_valid) continue;
            if (k >= in[RUNS]) return void(wrong = "an up of a run that is not there");
            for (uint64_t i = 0; i < rows && got[k].size() < in[ROWS]; i++)
                got[k].push_back(f(m.ups >> 32 * i & 0xffffffff));
            if ((got[k].size() == in[ROWS]) != m.up_last) wrong = "the last up is told wrongly";
            if (m.up_last && k == in[RUNS] - 1 && c != end)
                wrong = "the last up comes in cycle " + std::to_string(c) + ", the law says " + std::to_string(end);
            if (m.up_from != from + k) wrong = "an up is told to be another row's";
            if (m.up_last) k++;
        }
        for (k = 0; k < in[RUNS] && wrong.empty(); k++) check_ups(k, got[k]);
    }
    void check_ups(uint64_t k, const std::vector<float> &got) {
        const uint64_t tiles = ceil_div(in[ROWS], 16);
        std::vector<uint8_t> bytes(tiles * roma_lora_tile_bytes(ROMA_B_INT8, (unsigned)in[RANK]), 0);
        for (uint64_t r = 0; r < in[ROWS]; r++)
            for (uint64_t j = 0; j < in[RANK]; j++)
                bytes[r / 16 * roma_lora_tile_bytes(ROMA_B_INT8, (unsigned)in[RANK]) + 32 * (j / 2) + 2 * (r % 16) +
                      j % 2] = (uint8_t)b_code[r * in[RANK] + j];
        const roma_lora_b lora = {ROMA_B_INT8, (unsigned)in[RANK], bytes.data(), b_scale.data()};
        std::vector<float> y(16 * tiles), had;
        for (float &v : y) v = f(draw_float_near(d, 127, 8));
        had = y;
        float *rows[] = {y.data()};
        roma_lora_add_c(&lora, tiles, code[k].data(), RANK_MAX, &t[k], 1, rows);
        if (got.size() < in[ROWS]) return void(wrong = "ups are missing");
        for (uint64_t r = 0; r < in[ROWS]; r++)
            if (one_nan(had[r] + got[r]) != one_nan(y[r]))
                wrong = "row " + std::to_string(r) + " becomes " + std::to_string(had[r] + got[r]) + ", not " +
                        std::to_string(y[r]);
    }
};

static int run_adapters(bench<M> &b, const options &o) {
    const std::vector<words> corners = read_corners("roma_adapter", WORDS);
    adapter_bench a(b, o.seed + 77, o.quiet);
    dice d{o.seed};
    uint64_t n = 0, rows = 0, ranks = 0;
    for (; rows < o.vectors; n++) {
        words in(WORDS);
        if (n < corners.size())
            in = corners[n];
        else
            draw_case(d, in.data());
        if (a.run(in)) return 1;
        rows += in[ROWS] * in[RUNS], ranks += in[RANK] * in[RUNS];
    }
    if (!o.quiet)
        printf("%-22s %" PRIu64 " adapters: %" PRIu64 " values of h, %" PRIu64 " rows, cycle by cycle\n",
               "roma_adapter", n, ranks, rows);
    return 0;
}

int main(int argc, char **argv) {
    return bench_main<M>(
        argc, argv, {}, +[](M &m, int on) { m.reset = on != 0, m.start = m.fill = m.code_valid = m.root_valid = 0; },
        run_adapters);
}
