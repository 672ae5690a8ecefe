/* Whole operations through the passes of a vector unit in bench_vunit.v: rows of QUANTISE and NORM, heads of HEAD_NORM,
 * the argmax of many groups. The bench is memory and control, begins each pass as soon as what it reads is there, and
 * holds results against src/num and begins against docs/cost-model.md 1.7, in which this is a chip of one unit of eight
 * lanes whose network takes four cycles. */

enum { LANES = 8, ACROSS = 4, RED = 3, MUL = 3, SQUARE = 5, RMS = 38, DIV = 16, CODE = 8 };

/* The argmax of n logits by roma_sample: which one, whether it is a NaN, whether there is none. */
static void choose(const float *logits, uint32_t n, uint64_t *out) {
    roma_sampling greedy;
    roma_sampling_default(&greedy);
    greedy.temperature = 0, greedy.repeat_penalty = 1;
    std::vector<uint64_t> scratch(roma_sample_bytes(n) / 8 + 1);
    int32_t id = 0;
    roma_error err;
    const bool is_bad = roma_sample(&greedy, logits, n, NULL, 0, 0, 0, scratch.data(), &id, &err) != 0;
    out[1] = is_bad && strstr(err.text, "not a number");
    out[2] = is_bad && !out[1];
    if (out[1]) sscanf(err.text, "the logit of token %d", &id);
    out[0] = out[2] ? 0 : (uint32_t)id;
}

/* A deal of one operation: n rows of vec groups. */
struct passes {
    M &m;
    bench<M> &b;
    dice d;
    const bool quiet;
    unsigned n = 0, vec = 0;
    bool is_norm = false, is_heads = false;
    float epsilon = 0;
    std::vector<float> x, g, xg;
    /* what control keeps for each row, or head, in the order in which these come */
    std::vector<uint32_t> largest, factor, scale, inverse, scaled;
    unsigned t = 0, begin2 = 0, begin3 = 0, last_scaled = 0;

    passes(bench<M> &b, uint64_t seed, bool quiet) : m(b.model()), b(b), d{seed}, quiet(quiet) {}

    /* ---- operands ---- */

    void draw_row(float *row, size_t e) {
        const uint32_t kind = d.below(12);
        const int middle = kind == 0 ? 20 : kind == 1 ? 225 : 90 + (int)d.below(80);
        for (size_t i = 0; i < e; i++) row[i] = kind == 2 ? 0.0f : f(draw_float_near(d, middle, kind < 6 ? 3 : 9));
        if (kind == 4) /* each square is the largest, 2^28 */
            for (size_t i = 0; i < e; i++) row[i] = f((uint32_t)middle << 23 | 0x7fffffu | d.below(2) << 31);
        if (kind == 3) row[d.below((uint32_t)e)] = f(d.below(2) ? 0x7fc00000u : 0xff800000u);
    }
    void draw(uint32_t operation) {
        is_norm = operation == 1, is_heads = operation == 2;
        n = 1 + d.below(4), vec = 4 * (1 + d.below(is_heads ? 4 : 8));
        const size_t e = LANES * (size_t)vec;
        epsilon = d.below(2) ? 1e-5f : f(draw_float_near(d, 100, 20) & 0x7fffffffu);
        x.resize(n * e), g.resize(e), xg.assign(n * e, 0);
        for (unsigned i = 0; i < n; i++) draw_row(&x[i * e], e);
        for (float &v : g) v = f(draw_float_near(d, 126, 2));
        if (d.below(8) == 0) draw_row(g.data(), e);
        if (is_heads && d.below(2)) draw_row(&x[d.below(n * vec) * LANES], LANES);
        largest.clear(), factor.clear(), scale.clear(), inverse.clear(), scaled.clear();
    }
    template <class W> void put_group(W &port, const float *values) {
        for (int i = 0; i < LANES; i++) port[i] = roma_f32_bits(values[i]);
    }
    size_t kept(unsigned k) const { return is_heads ? k : k / vec; }
    /* The row's value is there that group k of a pass reads; until then nothing, which is a difference. */
    uint32_t of_group(const std::vector<uint32_t> &v, unsigned k) { return kept(k) < v.size() ? v[kept(k)] : 0; }

    /* ---- the three passes: what goes in in cycle t ---- */

    void first_pass() {
        m.pass_valid = t < n * vec;
        if (!m.pass_valid) return;
        m.pass_first = is_heads || t % vec == 0;
        m.pass_last = is_heads || t % vec == vec - 1;
        m.pass_norm = is_norm;
        put_group(m.pass_x, &x[t * LANES]);
        put_group(m.pass_g, &g[t % vec * LANES]);
    }
    void second_pass() {
        m.square_valid = 0;
        if (!begin2 && t >= n * vec && largest.size() >= (is_heads ? vec : 1)) begin2 = t;
        const unsigned k = t - begin2;
        if (!begin2 || k >= n * vec) return;
        m.square_valid = 1;
        m.square_first = is_heads || k % vec == 0;
        m.square_last = is_heads || k % vec == vec - 1;
        m.square_exponent = of_group(largest, k) >> 23 & 255;
        put_group(m.square_x, &x[k * LANES]);
    }
    bool may_end(unsigned after) const { return t >= after && (is_heads ? inverse.size() >= vec : factor.size() >= 1); }
    void third_pass() {
        if (!begin3 && may_end(is_norm || is_heads ? begin2 + n * vec : n * vec)) begin3 = t;
        const unsigned k = t - begin3;
        if (!begin3 || k >= n * vec) return;
        if (is_heads) {
            m.head_x = roma_f32_bits(x[k * LANES + k % LANES]);
            m.head_g = roma_f32_bits(g[k % vec * LANES + k % LANES]);
            m.head_inverse = of_group(inverse, k);
        } else {
            put_group(m.code_x, is_norm ? &xg[k * LANES] : &x[k * LANES]);
            m.code_factor = of_group(factor, k);
        }
    }
    /* What is there in cycle t: memory has it for the next cycle. */
    void collect() {
        if (m.largest_done) largest.push_back(m.largest);
        if (m.factor_done) factor.push_back(m.factor), scale.push_back(m.scale);
        if (is_norm && t >= MUL && t - MUL < n * vec)
            for (int i = 0; i < LANES; i++) xg[(t - MUL) * LANES + (unsigned)i] = f(m.product[i]);
        if (m.scaled_done) scaled.push_back(m.scaled), last_scaled = t;
        if (m.inverse_done) {
            if (is_norm && inverse.size() < scale.size()) m.inverse_scale = scale[inverse.size()];
            inverse.push_back(m.inverse);
        }
        m.rms_inverse_n = roma_f32_bits(1.0f / (float)(is_heads ? LANES : LANES * vec));
        m.rms_epsilon = roma_f32_bits(epsilon);
        if (m.sum_done) m.sum_largest = sums < largest.size() ? largest[sums] : 0, sums++;
    }
    size_t sums = 0;

    /* ---- what must come ---- */

    int differs(const char *what, unsigned row, uint64_t got, uint64_t want) {
        if (!quiet)
            printf("%s, %u rows of %u groups: %s of row %u is %" PRIx64 ", wanted %" PRIx64 "\n",
                   is_heads  ? "HEAD_NORM"
                   : is_norm ? "NORM"
                             : "QUANTISE",
                   n, vec, what, row, got, want);
        return 1;
    }
    /* Group k of the last pass, when it comes out. */
    int check_group(unsigned k, const std::vector<roma_act> &act) {
        if (is_heads) {
            const float inv = roma_rms_inverse(&x[k * LANES], LANES, epsilon);
            const uint32_t want = one_nan(x[k * LANES + k % LANES] * inv * g[k % vec * LANES + k % LANES]);
            return m.head_y != want ? differs("a value", k / vec, m.head_y, want) : 0;
        }
        uint64_t codes;
        memcpy(&codes, act[k / vec].code + k % vec * LANES, 8);
        if (m.codes != codes) return differs("a sub-group", k / vec, m.codes, codes);
        const uint64_t shift = (uint64_t)act[k / vec].shift[k % vec];
        return m.shift != shift ? differs("a shift", k / vec, m.shift, shift) : 0;
    }
    /* Begins of the passes, and the cycle after the last scale, by the law. */
    int check_begins() {
        const unsigned r = is_heads ? RED : RED + 1 + ACROSS, all = n * vec;
        unsigned two = all > vec + r ? all : vec + r, three = all > vec + r + DIV ? all : vec + r + DIV;
        if (is_norm) three = two + all > vec + MUL + r + DIV ? two + all : vec + MUL + r + DIV;
        if (is_heads) {
            const unsigned known = two + vec + SQUARE + r + RMS;
            three = two + all > known ? two + all : known;
        }
        if ((is_norm || is_heads) && begin2 != two) return differs("the second pass", 0, begin2, two);
        if (begin3 != three) return differs("the last pass", 0, begin3, three);
        const unsigned end = two + all + SQUARE + r + RMS + MUL;
        return is_norm && last_scaled + 1 != end ? differs("the scale's cycle", 0, last_scaled + 1, end) : 0;
    }
    int check_scales(const std::vector<roma_act> &act) {
        const std::vector<uint32_t> &s = is_norm ? scaled : scale;
        for (unsigned i = 0; i < n; i++) {
            if (i >= s.size()) return differs("no scale", i, 0, 0);
            if (s[i] != one_nan(act[i].scale)) return differs("the scale", i, s[i], one_nan(act[i].scale));
        }
        return 0;
    }

    /* 0, or 1 where a result or a cycle differs. */
    int run(uint32_t operation) {
        draw(operation);
        const size_t e = LANES * (size_t)vec;
        std::vector<roma_act> act(n);
        std::vector<uint64_t> memory(n * roma_act_bytes(e) / 8);
        for (unsigned i = 0; i < n && !is_heads; i++) {
            roma_act_init(&act[i], &memory[i * roma_act_bytes(e) / 8], e);
            std::vector<float> row(&x[i * e], &x[i * e] + e);
            for (size_t k = 0; k < e && is_norm; k++) row[k] *= g[k];
            roma_quantise_c(row.data(), e, is_norm ? roma_rms_inverse(&x[i * e], e, epsilon) : 1.0f, &act[i]);
        }
        const unsigned latency = is_heads ? 2 * MUL : CODE;
        int bad = 0;
        begin2 = begin3 = 0, sums = 0, m.heads = is_heads;
        for (t = 0; !bad; t++) {
            first_pass();
            if (is_norm || is_heads) second_pass();
            third_pass();
            collect();
            b.tick();
            const unsigned k = t + 1 - latency - begin3;
            if (begin3 && t + 1 >= begin3 + latency && k < n * vec) bad = check_group(k, act);
            if (begin3 && k >= n * vec && t > begin3 + n * vec + 100) break;
            if (t > 2000) bad = differs("no end", 0, t, 0);
        }
        m.pass_valid = m.square_valid = 0;
        for (int i = 0; i < 100; i++) b.tick();
        if (!bad) bad = check_begins();
        return bad || is_heads ? bad : check_scales(act);
    }

    /* Groups of eight logits, some lanes without a token, with idle cycles between groups: one choice, RED or RED + 1
     * cycles after the last group. */
    int run_keys() {
        const unsigned groups = 1 + d.below(12), first = d.below(60000);
        std::vector<float> logits(groups * LANES), real;
        std::vector<unsigned> id;
        std::vector<uint8_t> active(groups);
        const uint32_t kind = d.below(4);
        for (float &l : logits) l = f(kind == 0 ? 0xff800000u : draw_float_near(d, 127, kind == 1 ? 0 : 4));
        for (uint32_t i = d.below(8); i-- && kind < 3;)
            logits[d.below(groups * LANES)] = f(d.below(2) ? d.below(2) << 31 : draw_float(d));
        for (uint8_t &a : active) a = (uint8_t)(d.below(2) ? 255 : d.next());
        active[d.below(groups)] |= 16;
        for (unsigned i = 0; i < groups * LANES; i++)
            if (active[i / LANES] >> i % LANES & 1) real.push_back(logits[i]), id.push_back(first * LANES + i);
        uint64_t want[3];
        choose(real.data(), (uint32_t)real.size(), want);
        if (!want[2]) want[0] = id[want[0]];
        const unsigned latency = groups > 1 ? RED + 1 : RED;
        unsigned given = 0, after = 0;
        while (after < latency) {
            m.key_valid = given < groups && d.below(4) != 0;
            m.key_first = given == 0, m.key_last = given == groups - 1;
            if (m.key_valid) {
                m.key_active = active[given];
                put_group(m.logits, &logits[given * LANES]);
                m.first_id = (uint16_t)(first + given++);
            }
            b.tick();
            after += given == groups;
            if (m.key_done != (after == latency)) return differs("argmax: done", 0, m.key_done, after == latency);
        }
        m.key_valid = 0;
        const uint64_t got = m.key_none ? 0 : m.key_id;
        if (got != want[0] || m.key_nan != want[1] || m.key_none != want[2]) return differs("argmax", 0, got, want[0]);
        b.tick();
        return m.key_done ? differs("argmax: done again", 0, 1, 0) : 0;
    }
};

/* An eighth as many operations of several rows as vectors: more groups than vectors go through each pass. */
static int run_rows(bench<M> &b, const options &o) {
    passes p(b, o.seed + 77, o.quiet);
    p.m.recip_start = p.m.rms_start = p.m.pass_valid = p.m.square_valid = p.m.key_valid = 0;
    for (int i = 0; i < 100; i++) b.tick();
    for (uint64_t i = 0; i < o.vectors; i += 8)
        if (p.run(i / 8 % 3) || p.run_keys()) return 1;
    if (!o.quiet)
        printf("%-22s %" PRIu64 " operations equal src/num, and begin in the law's cycles\n", "passes", o.vectors / 8);
    return 0;
}
