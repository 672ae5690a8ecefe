/* Vectors for the attention unit of an H-Unit: products, codes of heads and denominators alone, and whole attentions
 * through every block, in the order and at the cycles of docs/cost-model.md 1.9. Each score, maximum, sum, code, leaf,
 * tree and output is held against src/num. */
#include "Vbench_attend.h"
#include "bench.h"

#include <deque>

typedef Vbench_attend M;

enum { ADD = 3, MUL = 3, CONVERT = 2, DIV = 16, EXP = 8 * MUL + 8 * ADD + 2 * CONVERT };
enum { LANES = 16, MOST_HEAD = 8 * LANES, QUERIES = 8, SLOTS = 32, BEATS = 4, TAKE = LANES / BEATS };

static float f(uint64_t bits) { return roma_f32_from_bits((uint32_t)bits); }
static int clog2(unsigned n) {
    int k = 0;
    while ((1u << k) < n) k++;
    return k;
}
static const char *drawn; /* what the bench is at, for the message of a difference */

static int differs(bool quiet, const char *what, uint64_t got, uint64_t want) {
    if (!quiet) printf("%s: %s is %" PRIx64 ", wanted %" PRIx64 "\n", drawn, what, got, want);
    return 1;
}

/* ---- products ---- */

static void draw_product(dice &d, uint64_t *in) {
    static const uint64_t ends[] = {0x7fff, 0x8001, 0, 1, 0xffff, 0x8000, 0x5555, 0xaaaa};
    in[0] = d.below(2) ? d.next() & 0xffff : ends[d.below(8)];
    in[1] = d.below(2) ? d.next() & 0xff : ends[d.below(8)] >> 8;
}
static void want_product(const uint64_t *in, uint64_t *out) {
    const int32_t y = (int16_t)in[0] * (int8_t)in[1];
    out[0] = (uint32_t)y & 0xffffff;
}
static void want_products(const uint64_t *in, uint64_t *out) {
    for (int i = 0; i < 5; i++) want_product(in, out + i);
}
static void put_product(M &m, const uint64_t *in) { m.mul_a = in[0] & 0xffff, m.mul_b = in[1] & 0xff; }
static void get_product(M &m, uint64_t *out) { out[0] = m.mul_y; }
static void get_products(M &m, uint64_t *out) {
    for (int i = 0; i < 5; i++) {
        const int at = 24 * i, low = at % 32;
        uint64_t w = m.mul_all[at / 32];
        if (low > 8) w |= (uint64_t)m.mul_all[at / 32 + 1] << 32;
        out[i] = w >> low & 0xffffff;
    }
}

/* ---- rows of a head ---- */

/* Values of one of the kinds in which a quantiser or an attention goes wrong: plain, wide, all at the ends, a maximum
 * below 2^-100 or just there, at 2^100 and just below, NaN, infinity, zeros,
 * halves of a code, scales little above 2^-100. */
enum row_kind {
    PLAIN,
    WIDE,
    ENDS,
    SAME,
    TINY,
    LEAST,
    HUGE_ROW,
    MOST,
    NAN_ROW,
    INFINITE,
    ZEROS,
    TIES,
    SMALL,
    ROW_KINDS
};
static void draw_row(dice &d, unsigned kind, int middle, unsigned n, float *x) {
    const uint32_t sign = (uint32_t)d.next() & 0x80000000u, end = draw_float_near(d, middle, 0) & 0x7fffffff;
    for (unsigned i = 0; i < n; i++) x[i] = f(draw_float_near(d, middle, kind == WIDE ? 30 : 2));
    float *one = x + d.below(n);
    switch (kind) {
    case ENDS:
        for (unsigned i = 0; i < n; i++) x[i] = f(end | ((uint32_t)d.next() & 0x80000000u));
        break;
    case SAME:
        for (unsigned i = 0; i < n; i++) x[i] = f(end | sign);
        break;
    case TINY:
        for (unsigned i = 0; i < n; i++) x[i] = f(draw_float_near(d, 13, 13));
        break;
    case LEAST:
        for (unsigned i = 0; i < n; i++) x[i] = f(draw_float_near(d, 13, 13));
        *one = f((27u << 23) - d.below(2) | sign);
        break;
    case SMALL: /* products of weights and scales about 2^-100 */
        for (unsigned i = 0; i < n; i++) x[i] = f(draw_float_near(d, 35, 6));
        break;
    case HUGE_ROW: *one = f(draw_float_near(d, 240, 13)); break;
    case MOST: *one = f((227u << 23) - d.below(2) | sign); break;
    case NAN_ROW: *one = f(0x7f800001u | ((uint32_t)d.next() & 0x807fffffu)); break;
    case INFINITE: *one = f(0x7f800000u | sign); break;
    case ZEROS:
        for (unsigned i = 0; i < n; i++) x[i] = f(sign);
        break;
    case TIES:
        for (unsigned i = 0; i < n; i++) x[i] = (float)((int)d.below(255) - 127) * 0.5f;
        *one = d.below(2) ? 127.0f : 32767.0f;
        break;
    default: break;
    }
}

/* A head's codes and scale from the units of int8 and int16 codes, beat after beat, head after head. A vector is the
 * kind of its row, the exponent of its values and what the dice begin with. */
struct heads {
    static const int words_of_vector = 3;
    M &m;
    bench<M> &b;
    int unit; /* 0: int8, heads of 32; 1: int16, heads of 128; two lanes each */
    unsigned n, lanes, beats;
    uint64_t now;
    struct due {
        uint64_t at;
        std::vector<int16_t> codes;
        uint32_t scale;
    };
    std::deque<due> wait;

    heads(bench<M> &b, int unit)
        : m(b.model()), b(b), unit(unit), n(unit ? 128 : 32), lanes(2), beats(n / lanes), now(0) {}

    int latency() const { return clog2(n) + DIV + MUL + CONVERT; }
    int64_t code(unsigned lane) const {
        if (unit == 0) return (int8_t)(m.head8_codes >> (8 * lane) & 255);
        return (int16_t)(m.head16_codes >> (16 * lane) & 0xffff);
    }
    int step(bool quiet) {
        b.tick();
        now++;
        const bool done = m.head_done >> unit & 1;
        const bool is_due = !wait.empty() && wait.front().at == now;
        if (done != is_due) return differs(quiet, "a head's done", done, is_due);
        if (!is_due) return 0;
        for (unsigned i = 0; i < lanes; i++)
            if (code(i) != wait.front().codes[i])
                return differs(quiet, "a code", (uint64_t)code(i), (uint64_t)wait.front().codes[i]);
        const uint32_t scale = one_nan(f(m.head_scale >> (32 * unit)));
        if (scale != wait.front().scale) return differs(quiet, "a head's scale", scale, wait.front().scale);
        wait.pop_front();
        return 0;
    }
    int give(const words &v, bool quiet) {
        dice d = {v[2]};
        std::vector<float> x(n);
        std::vector<int16_t> wide(n);
        std::vector<int8_t> narrow(n);
        draw_row(d, (unsigned)v[0], (int)v[1], n, x.data());
        float scale = unit ? roma_quantise_i16(x.data(), n, wide.data()) : roma_quantise_i8(x.data(), n, narrow.data());
        if (unit) scale *= 1.0f / __builtin_sqrtf((float)n);
        for (unsigned i = 0; i < n && !unit; i++) wide[i] = narrow[i];
        for (unsigned k = 0; k < beats; k++) {
            m.head_x = roma_f32_bits(x[2 * k]) | (uint64_t)roma_f32_bits(x[2 * k + 1]) << 32;
            m.head_valid = 1 << unit & 3;
            m.head_last = k == beats - 1 ? 3 : 0;
            const auto from = wide.begin() + k * lanes;
            wait.push_back({now + beats - k - 1 + (uint64_t)latency() + k, std::vector<int16_t>(from, from + lanes),
                            one_nan(scale)});
            if (step(quiet)) return 1;
        }
        m.head_valid = 0;
        return 0;
    }
    int run(const options &o) {
        dice d = {o.seed + 10 + (uint64_t)unit};
        const std::vector<words> corners = read_corners("roma_head_code", words_of_vector);
        for (uint64_t i = 0; i < o.vectors; i++) {
            const words v = i < corners.size() ? corners[i] : words{d.below(ROW_KINDS), 60 + d.below(130), d.next()};
            if (give(v, o.quiet)) return 1;
            for (unsigned idle = d.below(8) ? 0 : d.below(40); idle--;)
                if (step(o.quiet)) return 1;
        }
        while (!wait.empty())
            if (step(o.quiet)) return 1;
        if (!o.quiet)
            printf("%-22s latency %3d, interval %2d, %" PRIu64 " heads of %u, int%d\n", "roma_head_code", latency(),
                   beats, o.vectors, n, unit ? 16 : 8);
        return 0;
    }
};

/* ---- denominators ---- */

/* Passes of eight queries: a line is their eight sums, each of which comes in some parts. */
static int run_sums(bench<M> &b, const options &o) {
    M &m = b.model();
    dice d = {o.seed + 20};
    const std::vector<words> corners = read_corners("roma_denominator", QUERIES);
    for (uint64_t pass = 0; pass * QUERIES < o.vectors; pass++) {
        words sum(QUERIES);
        for (uint64_t &s : sum) s = d.next() >> (1 + d.below(60));
        if (pass < corners.size()) sum = corners[pass];
        m.sum_clear = 1;
        b.tick();
        m.sum_clear = 0;
        words left = sum;
        for (int part = 0; part < 3; part++)
            for (unsigned q = 0; q < QUERIES; q++) {
                m.sum_valid = 1, m.sum_query = q & 7;
                m.sum_amount = part == 2 ? left[q] : d.next() % (left[q] + 1);
                left[q] -= m.sum_amount;
                b.tick();
            }
        m.sum_valid = 0;
        for (unsigned t = 0, q = 0; q < QUERIES; t++) { /* a quotient every 4 cycles */
            m.sum_start = t % 4 == 1 && t / 4 < QUERIES;
            m.sum_which = t / 4 & 7;
            b.tick();
            const bool is_due = t + 1 == 4 * q + 1 + CONVERT + DIV;
            if ((m.sum_done != 0) != is_due) return differs(o.quiet, "done of 1/D", m.sum_done, is_due);
            if (!is_due) continue;
            const uint32_t want = one_nan(1.0f / ((float)(int64_t)sum[q] * roma_pow2(-30)));
            if (m.sum_inverse != want) return differs(o.quiet, "1/D", m.sum_inverse, want);
            q++;
        }
    }
    if (!o.quiet)
        printf("%-22s latency %3d, interval  4, %" PRIu64 " vectors\n", "roma_denominator", CONVERT + DIV, o.vectors);
    return 0;
}

/* ---- whole attentions ---- */

/* What a vector says: head_dim, G, rows, the first row's position, kinds of queries, keys
 * and values, one row in how many is of that kind, the exponent of queries, and the dice. */
enum { V_HEAD, V_G, V_ROWS, V_POSITION, V_QUERY, V_KEY, V_VALUE, V_ONE_IN, V_MIDDLE, V_DICE, V_WORDS };

struct counts {
    uint64_t attentions, scores, weights, leaves, outputs, operations;
};

struct attention {
    M &m;
    bench<M> &b;
    const bool quiet;
    counts &n;
    /* shape */
    unsigned d, G, rows, queries, positions, parts, pages;
    /* operands, and what src/num makes of them */
    std::vector<std::vector<int16_t>> q;
    std::vector<float> q_scale, largest, own, inverse;
    std::vector<float> other;     /* the largest score that another H-Unit found, and what it summed */
    std::vector<uint64_t> amount; /* empty: there is no other unit */
    std::vector<std::vector<float>> score, weight;
    std::vector<std::vector<uint8_t>> memory;
    std::vector<roma_kv_page> page;
    std::vector<int64_t> sum;
    std::vector<bool> is_nan; /* a query that has a NaN among its scores: all its outputs are NaN */
    std::vector<std::vector<std::vector<float>>> leaf; /* of query and page */
    std::vector<std::vector<float>> tree;
    uint64_t now;

    /* a query's page in the second pass */
    struct item {
        unsigned query, page, count;
        uint8_t exponent;
        std::vector<uint16_t> code;
    };
    std::vector<item> items;
    std::vector<size_t> page_end; /* items of pages 0 .. j */

    attention(bench<M> &b, bool quiet, counts &n) : m(b.model()), b(b), quiet(quiet), n(n), now(0) {}

    unsigned seen(unsigned query) const { return positions - rows + query / G + 1; }
    unsigned count(unsigned query, unsigned j) const {
        const unsigned s = seen(query);
        return s <= 32 * j ? 0 : std::min(32u, s - 32 * j);
    }

    void draw(const words &v) {
        dice r = {v[V_DICE]};
        d = (unsigned)v[V_HEAD], G = (unsigned)v[V_G], rows = (unsigned)v[V_ROWS];
        queries = rows * G, positions = (unsigned)v[V_POSITION] + rows;
        parts = d / LANES, pages = (positions + 31) / 32;
        const auto kind = [&](unsigned k) { return r.below((uint32_t)v[V_ONE_IN]) ? PLAIN : (unsigned)v[k]; };
        std::vector<float> x(d), y(d);
        q.assign(queries, std::vector<int16_t>(d));
        q_scale.assign(queries, 0);
        for (unsigned i = 0; i < queries; i++) {
            draw_row(r, kind(V_QUERY), (int)v[V_MIDDLE], d, x.data());
            q_scale[i] = roma_quantise_i16(x.data(), d, q[i].data()) * (1.0f / __builtin_sqrtf((float)d));
        }
        memory.assign(pages, std::vector<uint8_t>(roma_kv_page_bytes(d), 0xa5));
        page.resize(pages);
        for (unsigned j = 0; j < pages; j++) roma_kv_page_init(&page[j], memory[j].data(), d);
        for (unsigned t = 0; t < 32 * pages; t++) { /* what lies behind the last position must not matter */
            draw_row(r, t < positions ? kind(V_KEY) : r.below(ROW_KINDS), 127, d, x.data());
            draw_row(r, t < positions ? kind(V_VALUE) : r.below(ROW_KINDS), 127, d, y.data());
            roma_kv_page_put(&page[t / 32], d, t % 32, x.data(), y.data());
        }
        other.clear(), amount.clear();
        for (unsigned i = 0, alone = r.below(2); i < queries && !alone; i++) {
            other.push_back(f(draw_float_near(r, 124, 8)));
            amount.push_back(r.next() >> (26 + r.below(38)));
        }
    }

    void compute() {
        score.assign(queries, std::vector<float>(32 * pages));
        largest.assign(queries, 0), own = largest, sum.assign(queries, 0), inverse.assign(queries, 0),
                                    is_nan.assign(queries, false);
        leaf.assign(queries, {}), tree.assign(queries, {});
        for (unsigned i = 0; i < queries; i++) {
            const unsigned s = seen(i);
            for (unsigned j = 0; j < pages; j++)
                roma_page_scores_c(&page[j], d, q[i].data(), &q_scale[i], 1, &score[i][32 * j], 32 * pages);
            for (unsigned t = 0; t < s; t++) is_nan[i] = is_nan[i] || score[i][t] != score[i][t];
            largest[i] = roma_largest_c(score[i].data(), s);
            own[i] = largest[i];
            if (!other.empty() && other[i] > largest[i]) largest[i] = other[i];
        }
        weight = score;
        for (unsigned i = 0; i < queries; i++) {
            const unsigned s = seen(i);
            sum[i] = roma_softmax_weights_c(weight[i].data(), s, largest[i]);
            if (!amount.empty()) sum[i] += (int64_t)amount[i];
            inverse[i] = 1.0f / ((float)sum[i] * roma_pow2(-30));
            std::vector<roma_tree> stack(d);
            for (roma_tree &t : stack) roma_tree_init(&t);
            for (unsigned j = 0; count(i, j); j++) {
                leaf[i].push_back(std::vector<float>(d));
                roma_page_values_c(&page[j], d, &weight[i][32 * j], 32 * pages, 1, count(i, j), leaf[i][j].data());
                for (unsigned k = 0; k < d; k++) roma_tree_add(&stack[k], leaf[i][j][k]);
            }
            tree[i].resize(d);
            for (unsigned k = 0; k < d; k++) tree[i][k] = roma_tree_sum(&stack[k]);
        }
        items.clear(), page_end.clear();
        for (unsigned j = 0; j < pages; j++) {
            for (unsigned i = 0; i < queries; i++)
                if (count(i, j)) items.push_back(weigh(i, j));
            page_end.push_back(items.size());
        }
    }
    /* The codes of a page by the formulas of docs/numerics.md 4, step 5. */
    item weigh(unsigned i, unsigned j) const {
        item it = {i, j, count(i, j), 0, {}};
        std::vector<float> u(it.count);
        uint32_t most = 0;
        for (unsigned t = 0; t < it.count; t++) {
            u[t] = weight[i][32 * j + t] * page[j].v_scale[t];
            most = std::max(most, roma_f32_bits(u[t]) & 0x7fffffff);
        }
        it.exponent = (uint8_t)(most >> 23);
        it.code.assign(it.count, 0);
        if (it.exponent < 27 || it.exponent >= 227) return it;
        for (unsigned t = 0; t < it.count; t++)
            it.code[t] = (uint16_t)std::min(32767.0f, roma_rint(u[t] * roma_pow2(14 - it.exponent + 127)));
        return it;
    }

    int8_t key(unsigned t, unsigned k) const {
        return page[t / 32].k[t % 32 / 16 * 16 * d + t % 16 * 4 + k / 4 * 64 + k % 4];
    }
    int8_t value(unsigned t, unsigned k) const {
        return page[t / 32].v[k / 16 * 16 * 32 + k % 16 * 4 + t % 32 / 4 * 64 + t % 4];
    }
    void put_b(uint32_t i, int8_t code) {
        m.mac_b[i / 4] = (m.mac_b[i / 4] & ~(255u << (8 * (i % 4)))) | (uint32_t)(uint8_t)code << (8 * (i % 4));
    }
    void idle() {
        m.clear = m.key_valid = m.weigh_valid = m.divide = m.value_valid = 0;
        m.is_value = m.tree_valid = 0;
    }
    int bad(const char *what, uint64_t got, uint64_t want) {
        static char text[120];
        snprintf(text, sizeof text, "attention of %u rows x %u queries, %u positions, head %u, cycle %" PRIu64, rows, G,
                 positions, d, now);
        drawn = text;
        return differs(quiet, what, got, want);
    }
    int hold(const char *what, float got, float want) {
        return one_nan(got) == one_nan(want) ? 0 : bad(what, one_nan(got), one_nan(want));
    }

    /* First pass: a score every cycle, or every d / LANES of them; positions outside, so that a key is read once. Then
     * the maxima are there. */
    int keys() {
        const unsigned red = (unsigned)clog2(MOST_HEAD);
        const uint64_t latency = MUL + red + CONVERT + MUL;
        struct due {
            uint64_t at;
            unsigned query, t;
        };
        std::deque<due> wait;
        idle();
        m.clear = 1;
        b.tick();
        now = 0;
        unsigned t = 0, i = 0, part = 0;
        uint64_t first = 0, end = 0;
        while (t < positions || !wait.empty()) {
            idle();
            if (t < positions) {
                for (unsigned k = 0; k < LANES; k++) put_b(k, key(t, part * LANES + k));
                for (unsigned k = 0; k < LANES; k++) memcpy((char *)&m.mac_a[0] + 2 * k, &q[i][part * LANES + k], 2);
                m.key_valid = 1, m.key_last = part == parts - 1, m.key_query = i & 7;
                m.q_scale = roma_f32_bits(q_scale[i]), m.k_scale = roma_f32_bits(page[t / 32].k_scale[t % 32]);
                if (part == parts - 1) wait.push_back({now + latency, i, t});
                part = (part + 1) % parts;
                if (!part) do
                        if (++i == queries) i = 0, t++;
                    while (t < positions && seen(i) <= t);
                end = now + 1;
                n.operations++;
            }
            b.tick(), now++;
            const bool is_due = !wait.empty() && wait.front().at == now;
            if ((m.score_done != 0) != is_due) return bad("done of a score", m.score_done, is_due);
            if (!is_due) continue;
            const due w = wait.front();
            wait.pop_front();
            if (m.score_query != w.query) return bad("the query of a score", m.score_query, w.query);
            if (hold("a score", f(m.score), score[w.query][w.t])) return 1;
            n.scores++;
        }
        uint64_t macs = 0; /* K of the law: ceil(G d X / mac) a page */
        for (unsigned j = 0; j < pages; j++)
            for (unsigned k = 0; k < queries; k++) macs += (uint64_t)count(k, j) * d / LANES;
        if (end - first != macs) return bad("cycles of the keys, K", end - first, macs);
        idle();
        b.tick(), now++; /* the last hop, and M: written with the last score, read from now on */
        if (now != end + latency) return bad("cycles to the largest, M", now + 1 - end, latency + 1);
        for (unsigned k = 0; k < queries; k++)
            if (!is_nan[k] && f(m.largest[k]) != own[k])
                return bad("a largest score", m.largest[k], roma_f32_bits(own[k]));
        return 0;
    }

    /* Second pass. */
    struct operand {
        uint64_t at;
        size_t item;
        unsigned part, t;
    };
    int second() {
        size_t given = 0, readied = 0, read = 0, released = 0;
        unsigned at = 0, part = 0, t = 0;
        uint64_t next_last = 0; /* beats of a page leave before the next page ends */
        std::deque<std::pair<uint64_t, float>> scales;
        std::deque<operand> operands;
        struct leaf_due {
            uint64_t at;
            size_t item;
            unsigned part, beat;
        };
        std::deque<leaf_due> leaves, soon;
        const uint64_t start = now + 1; /* the first score is read */
        uint64_t first_value = 0, last_value = 0, stalls = 0, sums_at = 0;
        const unsigned levels = (unsigned)clog2(pages), rows_of_tree = queries * parts * BEATS;
        std::vector<int> answered(rows_of_tree, 0);
        unsigned left = rows_of_tree, divided = 0, inverted = 0;
        uint64_t last_leaf = 0, divide_from = 0;
        for (const uint64_t most = now + 40 * items.size() * (parts + 1) + 2000;;) {
            if (now > most) return bad("cycles", now, most);
            idle();
            /* weights: a score every cycle, while there is a slot for its page */
            if (now >= start && given < items.size() && (at || given - released < SLOTS)) {
                const item &it = items[given];
                m.weigh_valid = 1, m.weigh_last = at == it.count - 1;
                m.weigh_slot = given % SLOTS, m.weigh_at = at & 31;
                m.weigh_score = roma_f32_bits(score[it.query][32 * it.page + at]);
                m.weigh_query = it.query & 7, m.weigh_largest = roma_f32_bits(largest[it.query]);
                scales.push_back({now + ADD + EXP, page[it.page].v_scale[at]});
                if (++at == it.count) at = 0, given++;
                if (given == items.size()) sums_at = now + ADD + EXP + CONVERT + 1;
            }
            if (!scales.empty() && scales.front().first == now) {
                m.v_scale = roma_f32_bits(scales.front().second);
                scales.pop_front();
            }
            /* values: page after page, once all queries' weights of it are there */
            if (m.ready) {
                if (m.ready_slot != readied % SLOTS) return bad("a slot that is ready", m.ready_slot, readied % SLOTS);
                readied++;
            }
            const bool is_there = read < items.size() && page_end[items[read].page] <= readied;
            if (is_there && t == items[read].count - 1 && now < next_last) {
                stalls++;
            } else if (is_there) {
                const item &it = items[read];
                m.value_valid = 1, m.value_first = t == 0, m.value_last = t == it.count - 1;
                m.get_slot = read % SLOTS, m.get_at = t & 31;
                operands.push_back({now + 1 + CONVERT, read, part, t});
                if (++t == it.count) {
                    for (unsigned k = 0; k < BEATS; k++) {
                        const uint64_t when = now + 1 + CONVERT + MUL + 2 + k + CONVERT;
                        leaves.push_back({when, read, part, k}), soon.push_back({when - 1, read, part, k});
                    }
                    t = 0;
                    next_last = now + BEATS;
                    if (++part == parts) part = 0, read++;
                }
            }
            if (!operands.empty() && operands.front().at == now) {
                const operand o = operands.front();
                operands.pop_front();
                const item &it = items[o.item];
                if (it.exponent >= 27 && it.exponent < 227 && !is_nan[it.query] && m.code != it.code[o.t])
                    return bad("a code of a page", m.code, it.code[o.t]);
                if (!o.part) n.weights++;
                if (!first_value) first_value = now;
                last_value = now;
                m.is_value = 1;
                for (unsigned k = 0; k < LANES; k++) put_b(k, value(32 * it.page + o.t, o.part * LANES + k));
                if (o.part == parts - 1 && o.t == it.count - 1) released = o.item + 1;
            }
            if (!soon.empty() && soon.front().at == now) {
                const leaf_due w = soon.front();
                soon.pop_front();
                const item &it = items[w.item];
                if (m.leaf_soon != 1u << w.beat) return bad("a beat of leaves to come", m.leaf_soon, 1u << w.beat);
                m.tree_valid = 1, m.tree_page = it.page & 7, m.tree_last = count(it.query, it.page + 1) == 0;
                m.tree_row = ((it.query * parts + w.part) * BEATS + w.beat) & 255;
            } else if (m.leaf_soon) {
                return bad("leaves to come that nobody waits for", m.leaf_soon, 0);
            }
            m.tree_levels = levels & 3;
            /* denominators, when all weights are there */
            if (sums_at && now >= sums_at && !divide_from) {
                for (unsigned k = 0; k < queries; k++) {
                    const uint64_t got = (uint64_t)m.sums[2 * k] | (uint64_t)m.sums[2 * k + 1] << 32;
                    const uint64_t of_own = (uint64_t)sum[k] - (amount.empty() ? 0 : amount[k]);
                    if (!is_nan[k] && got != of_own) return bad("a denominator", got, of_own);
                }
                divide_from = now;
            }
            if (divide_from && divided < queries) {
                m.divide_sum = (uint64_t)sum[divided];
                m.divide = (now - divide_from) % 4 == 1;
                if (m.divide) divided++;
            }
            b.tick(), now++;
            if (m.inverse_done) {
                if (inverted == queries) return bad("a quotient that nobody waits for", 1, 0);
                if (!is_nan[inverted] && hold("1/D", f(m.inverse), inverse[inverted])) return 1;
                inverted++;
            }
            const bool is_due = !leaves.empty() && leaves.front().at == now;
            if ((m.leaf_done != 0) != is_due) return bad("done of leaves", m.leaf_done, is_due);
            if (is_due) {
                const leaf_due w = leaves.front();
                leaves.pop_front();
                const item &it = items[w.item];
                if (m.leaf_beat != 1u << w.beat) return bad("a beat of leaves", m.leaf_beat, 1u << w.beat);
                for (unsigned k = 0; k < TAKE; k++)
                    if (!is_nan[it.query] &&
                        hold("a leaf", f(m.leaves[k]), leaf[it.query][it.page][w.part * LANES + w.beat * TAKE + k]))
                        return 1;
                n.leaves += TAKE;
                last_leaf = now;
            }
            if (m.tree_done) {
                const unsigned row = m.tree_done_row;
                if (row >= rows_of_tree || answered[row]++) return bad("a row of the tree", row, rows_of_tree);
                const unsigned i = row / BEATS / parts, from = row / BEATS % parts * LANES + row % BEATS * TAKE;
                for (unsigned k = 0; k < TAKE; k++)
                    if (hold("a tree", f(m.tree_y[k]), is_nan[i] ? f(0x7fc00000) : tree[i][from + k])) return 1;
                left--;
                if (!left && now != last_leaf + levels * ADD)
                    return bad("the tree's cycles", now - last_leaf, levels * ADD);
            }
            if (!left && inverted == queries) break;
        }
        return law(start, first_value, last_value, stalls) || outputs();
    }

    /* E and W of docs/cost-model.md 1.9, to which only pages of fewer positions than BEATS add. */
    int law(uint64_t start, uint64_t first_value, uint64_t last_value, uint64_t stalls) {
        uint64_t X1 = 0, W = 0;
        for (unsigned i = 0; i < queries; i++) X1 += count(i, 0);
        for (const item &it : items) W += (uint64_t)it.count * parts;
        const uint64_t weigh = 9 * ADD + 9 * MUL + 3 * CONVERT + 5;
        if (first_value - start != weigh + X1 - 1)
            return bad("cycles to the first value, E", first_value - start, weigh + X1 - 1);
        if (last_value + 1 - first_value != W + stalls)
            return bad("cycles of the values, W", last_value + 1 - first_value, W + stalls);
        return 0;
    }

    /* The last product, and what comes out. */
    int outputs() {
        const unsigned all = queries * d;
        for (unsigned at = 0; at < all + MUL; at++) {
            m.product_x = at < all ? roma_f32_bits(tree[at / d][at % d]) : 0;
            m.product_inverse = at < all ? roma_f32_bits(inverse[at / d]) : 0;
            b.tick();
            if (at + 1 < MUL || at + 1 - MUL >= all) continue;
            const unsigned of = at + 1 - MUL;
            if (hold("an output", f(m.product_y), tree[of / d][of % d] * inverse[of / d])) return 1;
            n.outputs++;
        }
        n.attentions++;
        return 0;
    }
    int run(const words &v) {
        draw(v);
        compute();
        return keys() || second();
    }
};

static words draw_attention(dice &d) {
    words v(V_WORDS);
    v[V_HEAD] = LANES << d.below(d.below(2) ? 2 : 4);
    v[V_G] = 1 + d.below(4);
    v[V_ROWS] = d.below(2) ? 1 : 1 + d.below(8 / (uint32_t)v[V_G]);
    v[V_POSITION] = d.below(4) ? d.below(201 - (uint32_t)v[V_ROWS]) : 32 * d.below(6) + d.below(3);
    const uint32_t theme = d.below(4);
    v[V_QUERY] = theme ? d.below(4) : d.below(ROW_KINDS);
    v[V_KEY] = theme ? d.below(4) : d.below(ROW_KINDS);
    v[V_VALUE] = theme ? d.below(4) : d.below(ROW_KINDS);
    v[V_ONE_IN] = theme ? 1 + d.below(3) : 20 + d.below(200);
    v[V_MIDDLE] = 120 + d.below(12);
    v[V_DICE] = d.next();
    return v;
}

/* Attentions until each of their blocks has had as many vectors as are asked for. */
static int run_attentions(bench<M> &b, const options &o) {
    dice d = {o.seed + 30};
    counts n = {};
    b.model().reset = 1; /* as long as the longest way through the unit */
    for (int k = 0; k < 80; k++) b.tick();
    b.model().reset = 0;
    for (const words &v : read_corners("roma_attend", V_WORDS))
        if (attention(b, o.quiet, n).run(v)) return 1;
    const counts corners = n;
    while (n.weights - corners.weights < o.vectors || n.leaves - corners.leaves < o.vectors)
        if (attention(b, o.quiet, n).run(draw_attention(d))) return 1;
    if (!o.quiet)
        printf("%-22s %" PRIu64 " attentions: %" PRIu64 " scores, %" PRIu64 " weights, %" PRIu64 " leaves, %" PRIu64
               " outputs; K, M, E, W as the law has them\n",
               "roma_attend", n.attentions, n.scores, n.weights, n.leaves, n.outputs);
    return 0;
}

static void head_clock(M &m, int on) { m.head_clk = on != 0; }
static int run_more(bench<M> &b, const options &o) {
    drawn = "alone";
    b.use_clock(head_clock);
    for (int unit = 0; unit < 2; unit++)
        if (heads(b, unit).run(o)) return 1;
    if (run_sums(b, o)) return 1;
    b.use_clock(NULL);
    return run_attentions(b, o);
}

int main(int argc, char **argv) {
    const std::vector<block<M>> blocks = {
        {"roma_int_mul", 2, 1, 3, 1, draw_product, put_product, NULL, NULL, get_product, want_product, head_clock},
        {"roma_int_mul", 2, 5, 4, 1, draw_product, put_product, NULL, NULL, get_products, want_products, head_clock},
    };
    return bench_main(
        argc, argv, blocks,
        +[](M &m, int on) {
            m.reset = on != 0;
            m.head_valid = m.sum_valid = m.sum_start = m.sum_clear = m.clear = m.key_valid = 0;
            m.weigh_valid = m.divide = m.value_valid = m.tree_valid = 0;
        },
        run_more);
}
