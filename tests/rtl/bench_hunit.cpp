/* The H-Units of a chip at work: steps of some rows, layer by layer and block by block, with the senders of the vector units and the distances of
 * the network, against src/num; each CACHE and ATTEND starts, is busy and ends in the cycles of docs/cost-model.md 1.7 and 1.9. */
#include "Vbench_hunit.h"
#include "bench.h"

#include <deque>

typedef Vbench_hunit M;

enum { ADD = 3, MUL = 3, CONVERT = 2, DIV = 16, BLOCK_ROWS = 4, ROWS = 8 };
enum { WEIGH = 9 * ADD + 9 * MUL + 3 * CONVERT + 5, CODES = DIV + MUL + CONVERT };

/* A shape of bench_hunit.v. */
struct shape {
    unsigned V, VL, U, KV, heads, d, layers, far, reach, mac, wide, rounds, link;
    unsigned all() const { return V * VL; }
    unsigned G() const { return heads / KV; }
    unsigned P() const { return U / KV; }
    unsigned out() const { return all() / KV; }
};
static const shape shapes[] = {{2, 8, 4, 2, 6, 16, 2, 6, 2, 8, 16, 3, 32}};

static unsigned up(unsigned a, unsigned b) { return (a + b - 1) / b; }
static int clog2(unsigned n) {
    int k = 0;
    while ((1u << k) < n) k++;
    return k;
}
static float f(uint64_t bits) { return roma_f32_from_bits((uint32_t)bits); }

struct world {
    M &m;
    bench<M> &b;
    const options &o;
    const unsigned which;
    const shape &s;
    dice d;
    uint64_t now;
    /* what lies in the vector units: of a row of the step, queries, keys, values */
    std::vector<std::vector<float>> q, k, v;
    std::vector<std::vector<uint8_t>> memory; /* pages by layer, head, page */
    std::vector<roma_kv_page> page;
    uint64_t outputs, operations;

    world(bench<M> &b, const options &o, unsigned which)
        : m(b.model()), b(b), o(o), which(which), s(shapes[which]), d{o.seed + 40 + which}, now(0), outputs(0), operations(0) {
        const unsigned pages = s.P() * s.rounds;
        memory.resize(s.layers * s.KV * pages);
        page.resize(memory.size());
        for (size_t i = 0; i < page.size(); i++) {
            memory[i].assign(roma_kv_page_bytes(s.d), 0);
            roma_kv_page_init(&page[i], memory[i].data(), s.d);
        }
        q.assign(ROWS, std::vector<float>(s.heads * s.d)), k.assign(ROWS, std::vector<float>(s.KV * s.d));
        v = k;
    }
    roma_kv_page &page_of(unsigned layer, unsigned head, unsigned j) {
        return page[(layer * s.KV + head) * s.P() * s.rounds + j];
    }
    int bad(const char *what, uint64_t got, uint64_t want) {
        if (!o.quiet) printf("H-Units of shape %u, cycle %" PRIu64 ": %s is %" PRIx64 " (%" PRIu64 "), wanted %" PRIx64 " (%" PRIu64 ")\n", which, now, what, got, got, want, want);
        return 1;
    }

    unsigned address() const { return m.address; }
    bool is(unsigned bit) const { return bit != 0; }
    /* A cycle: the word that the senders ask for is there at once. */
    void tick() {
        const unsigned a = address(), kind = a >> 10, at = a & 0x3ff, of = kind == 0 ? s.heads : s.KV, words = up(of * s.d, s.all());
        const std::vector<float> *row = NULL;
        if (kind < 3 && at / words < ROWS) row = &(kind == 0 ? q : kind == 1 ? k : v)[at / words];
        for (unsigned i = 0; i < s.all(); i++) {
            const unsigned e = at % words * s.all() + i;
            m.word[i] = row && e < row->size() ? roma_f32_bits((*row)[e]) : 0;
        }
        b.tick(), now++;
        m.step[2] = 0, m.ended = 0;
    }
    void send_step(bool go, bool valid, unsigned index, uint64_t word) {
        m.step[0] = (uint32_t)word, m.step[1] = (uint32_t)(word >> 32);
        m.step[2] = (uint32_t)go << 9 | (uint32_t)valid << 8 | index;
    }

    /* ---- values ---- */
    void draw(std::vector<float> &x) {
        const unsigned kind = d.below(12);
        for (unsigned i = 0; i < x.size(); i++) x[i] = f(draw_float_near(d, 127, kind == 0 ? 30 : 2));
        float *head = x.data() + d.below((uint32_t)x.size() / s.d) * s.d;
        if (kind == 1)
            for (unsigned i = 0; i < s.d; i++) head[i] = 0;
        if (kind == 2) head[d.below(s.d)] = f(0x7fc00000);
        if (kind == 3) head[d.below(s.d)] = f((27u << 23) - d.below(2));
        if (kind == 4)
            for (unsigned i = 0; i < s.d; i++) head[i] = f(draw_float_near(d, 13, 13));
    }
    /* Outputs of a row at a position, by docs/numerics.md 4. */
    std::vector<float> attend(unsigned layer, unsigned position, const std::vector<float> &row) {
        const unsigned seen = position + 1, pages = up(seen, 32);
        std::vector<float> y(s.heads * s.d), score(32 * pages);
        std::vector<int16_t> codes(s.d);
        for (unsigned h = 0; h < s.heads; h++) {
            const unsigned head = h / s.G();
            const float scale = roma_quantise_i16(&row[h * s.d], s.d, codes.data()) * (1.0f / __builtin_sqrtf((float)s.d));
            for (unsigned j = 0; j < pages; j++)
                roma_page_scores_c(&page_of(layer, head, j), s.d, codes.data(), &scale, 1, &score[32 * j], 32 * pages);
            const float most = roma_largest_c(score.data(), seen);
            const int64_t sum = roma_softmax_weights_c(score.data(), seen, most);
            const float inverse = 1.0f / ((float)sum * roma_pow2(-30));
            std::vector<roma_tree> stack(s.d);
            for (roma_tree &t : stack) roma_tree_init(&t);
            std::vector<float> leaf(s.d);
            for (unsigned j = 0; j < pages; j++) {
                roma_page_values_c(&page_of(layer, head, j), s.d, &score[32 * j], 32 * pages, 1, std::min(32u, seen - 32 * j), leaf.data());
                for (unsigned i = 0; i < s.d; i++) roma_tree_add(&stack[i], leaf[i]);
            }
            for (unsigned i = 0; i < s.d; i++) y[h * s.d + i] = roma_tree_sum(&stack[i]) * inverse;
        }
        return y;
    }

    /* ---- the law ---- */
    unsigned cross(unsigned e) const { return up(2 * e, s.link); }
    struct times {
        uint64_t start, busy, end;
    };
    times cache(uint64_t ready, unsigned n) const {
        const unsigned wr = up(2 * (s.d + 4), s.wide);
        const uint64_t busy = ready + n * std::max(cross(2 * s.KV * s.d), wr);
        return {ready, busy, busy + s.far + (unsigned)clog2(s.d) + CODES + wr};
    }
    times law(uint64_t ready, unsigned position, unsigned n) const {
        const unsigned red = (unsigned)clog2(s.d), G = s.G(), P = s.P(), pages = up(position + n, 32);
        uint64_t K = 0, W = 0, X1 = 0;
        for (unsigned j = 0; 32 * j < position + n; j += P) {
            unsigned X = 0, x = 0;
            for (unsigned r = 0; r < n; r++) {
                const unsigned sees = position + r + 1;
                x = sees <= 32 * j ? 0 : std::min(32u, sees - 32 * j);
                X += x;
            }
            const unsigned key = std::max(up(G * s.d * X, s.mac), up(x * (s.d + 4), s.wide));
            K += key, W += std::max(key, G * X);
            if (!j) X1 = X;
        }
        const unsigned Q = n * cross(s.heads * s.d) + s.far + red + CODES, M = MUL + red + CONVERT + MUL + 1 + 2 * s.reach;
        const uint64_t E = WEIGH + G * X1 - 1, busy = ready + Q + K + M + E + W;
        const unsigned levels = (unsigned)clog2(pages), low = std::min((unsigned)clog2(P), levels);
        const unsigned lat = std::max(MUL + 5 + CONVERT + levels * ADD + low * up(4 * s.d, s.link), (unsigned)(CONVERT + 1 + DIV - MUL)) + s.reach + MUL + cross(s.heads * s.d) + s.far;
        return {ready, busy, busy + lat};
    }

    /* What is seen of one operation after the other: words that leave, what is written, last values, outputs. */
    struct seen {
        times t;
        bool is_query;
    };
    std::vector<seen> ops;
    std::vector<uint64_t> starts, busies, cache_writes, cache_told, attend_busy, attend_end;
    std::vector<std::vector<float>> got; /* outputs row by row */
    unsigned filled;
    bool sending;
    int collect() {
        const unsigned att = m.att, last = m.att_last;
        if (!att) return 0;
        if (!filled) got.push_back(std::vector<float>(s.heads * s.d));
        for (unsigned i = 0; i < s.out(); i++) got.back()[(s.KV - 1) * s.G() * s.d + filled * s.out() + i] = f(m.outputs[i]);
        filled++;
        if (last) filled = 0;
        return 0;
    }

    /* A step: rows from a position on. The linears of a layer end as they come; each CACHE and ATTEND is looked at. */
    int step(unsigned position, unsigned rows) {
        send_step(false, true, 0, rows | 1u << 8), tick();
        for (unsigned r = 0; r < rows; r++) send_step(false, true, r + 1, position + r), tick();
        for (unsigned i = 0; i < 60; i++) tick(); /* sequencers find their first records */
        send_step(true, false, 0, 0), tick();
        for (unsigned i = 0; i < 8; i++) tick();
        for (unsigned l = 0; l < s.layers; l++)
            if (layer(l, position, rows)) return 1;
        return 0;
    }
    int layer(unsigned l, unsigned position, unsigned rows) {
        const unsigned blocks = up(rows, BLOCK_ROWS);
        std::vector<std::vector<float>> want;
        for (unsigned r = 0; r < rows; r++) {
            draw(q[r]), draw(k[r]), draw(v[r]);
            for (unsigned h = 0; h < s.KV; h++)
                roma_kv_page_put(&page_of(l, h, (position + r) / 32), s.d, (position + r) % 32, &k[r][h * s.d], &v[r][h * s.d]);
        }
        for (unsigned r = 0; r < rows; r++) want.push_back(attend(l, position + r, q[r]));
        /* linears end: q, k, v of the blocks in order, sometimes far apart */
        std::vector<std::pair<uint64_t, unsigned>> events;
        std::vector<uint64_t> ready(blocks);
        uint64_t t = now + 1;
        for (unsigned e = 0; e < 3; e++)
            for (unsigned i = 0; i < blocks; i++) {
                t += d.below(8) ? d.below(12) : d.below(60);
                events.push_back({t, e << 4 | i});
                ready[i] = t + 1, t++;
            }
        const uint64_t from = now;
        got.clear(), filled = 0;
        size_t next = 0, at = 0;
        struct op {
            bool is_query;
            unsigned block;
            times t;
        };
        std::vector<op> all; /* as they are issued */
        uint64_t busy = 0;
        std::vector<uint64_t> cached(blocks);
        for (unsigned i = 0; i < blocks; i++) {
            const unsigned n = std::min<unsigned>(BLOCK_ROWS, rows - i * BLOCK_ROWS);
            const times c = cache(std::max(busy, ready[i]), n);
            all.push_back({false, i, c});
            busy = c.busy, cached[i] = c.end;
        }
        for (unsigned i = 0; i < blocks; i++) {
            const unsigned n = std::min<unsigned>(BLOCK_ROWS, rows - i * BLOCK_ROWS);
            const times c = law(std::max(busy, cached[i]), position + i * BLOCK_ROWS, n);
            all.push_back({true, i, c});
            busy = c.busy;
        }
        /* what is seen, in the order of issue */
        std::vector<uint64_t> start, ends, told, value_end, output_end;
        uint64_t last_write = 0;
        bool between = true;
        std::vector<bool> kinds;
        const unsigned queries = (unsigned)which;
        (void)queries, (void)at;
        for (const uint64_t most = all.back().t.end + 40; now < most;) {
            if (next < events.size() && events[next].first == now) {
                m.ended = 1u << (events[next].second >> 4) & 7;
                m.ended_block = events[next].second & 1;
                next++;
            }
            m.eval();
            const unsigned sent = m.sent;
            if (is(m.sends)) {
                if (between) start.push_back(now), kinds.push_back(sent >> 1 & 1);
                between = sent & 1;
                if (between && !(sent >> 1 & 1)) ends.push_back(now + 1); /* a CACHE's busy */
            }
            if (getenv("HDEBUG") && (is(m.sends) || m.ended)) printf("%d: sends %d sent %d address %x ended %x\n", (int)now, m.sends, m.sent, m.address, m.ended);
            if (is(m.writes)) last_write = now;
            if (is(m.cache_tells)) {
                told.push_back(now + 1);
                if (last_write != now) return bad("the last word that a CACHE writes", last_write, now);
            }
            if (is(m.values_end)) value_end.push_back(now + 1);
            const size_t before = got.size();
            if (collect()) return 1;
            if (got.size() && !filled && (before != got.size() || m.att_last)) {
                const size_t row = got.size() - 1;
                if (m.att_last && (row == rows - 1 || row % BLOCK_ROWS == BLOCK_ROWS - 1)) output_end.push_back(now + 1);
            }
            tick();
        }
        (void)from;
        if (getenv("HDEBUG")) printf("cache told %zu start %zu ends %zu writes %d\n", told.size(), start.size(), ends.size(), (int)last_write);
        if (start.size() != all.size()) return bad("operations that start", start.size(), all.size());
        if (told.size() != blocks || value_end.size() != blocks || output_end.size() != blocks)
            return bad("operations that end", told.size() * 100 + value_end.size() * 10 + output_end.size(), blocks * 111);
        for (size_t i = 0; i < all.size(); i++) {
            const times c = all[i].t;
            const unsigned block = all[i].block;
            if (kinds[i] != all[i].is_query) return bad("the kind of an operation", kinds[i], all[i].is_query);
            now = c.start;
            if (start[i] != c.start) return bad("an operation's start", start[i], c.start);
            const uint64_t its_busy = all[i].is_query ? value_end[block] : ends[block], its_end = all[i].is_query ? output_end[block] : told[block];
            if (its_busy != c.busy) return bad(all[i].is_query ? "busy of ATTEND" : "busy of CACHE", its_busy - c.start, c.busy - c.start);
            if (its_end != c.end) return bad(all[i].is_query ? "end of ATTEND" : "end of CACHE", its_end - c.busy, c.end - c.busy);
            operations++;
        }
        now = all.back().t.end + 40;
        if (got.size() != rows) return bad("rows of outputs", got.size(), rows);
        for (unsigned r = 0; r < rows; r++)
            for (unsigned i = (s.KV - 1) * s.G() * s.d; i < s.heads * s.d; i++) {
                if (one_nan(got[r][i]) != one_nan(want[r][i])) {
                    if (!o.quiet) printf("layer %u, position %u + row %u, element %u of %u rows\n", l, position, r, i, rows);
                    return bad("an output", one_nan(got[r][i]), one_nan(want[r][i]));
                }
                outputs++;
            }
        return 0;
    }
    /* A sequence: prompts in steps of some rows, then single ones, as far as pages go; and again. */
    int run() {
        const unsigned most = 32 * s.P() * s.rounds;
        while (outputs < o.vectors) {
            unsigned position = 0;
            /* the first pages without looking: their content is drawn by steps, so begin anywhere below what is there */
            while (position < most && (outputs < o.vectors || position < 40)) {
                const unsigned rows = std::min(most - position, d.below(3) ? 1 : 1 + d.below(ROWS));
                if (step(position, rows)) return 1;
                position += rows;
            }
        }
        return 0;
    }
};

static int run_more(bench<M> &b, const options &o) {
    b.model().reset = 1;
    for (int i = 0; i < 200; i++) b.tick();
    b.model().reset = 0;
    world w(b, o, 0);
    const int bad = w.run();
    if (!bad && !o.quiet) printf("roma_hunit_tile        %" PRIu64 " operations in the law's cycles, %" PRIu64 " outputs\n", w.operations, w.outputs);
    return bad;
}

int main(int argc, char **argv) {
    const std::vector<block<M>> blocks;
    return bench_main(
        argc, argv, blocks,
        +[](M &m, int on) {
            m.reset = on != 0;
            m.step[2] = 0, m.ended = 0;
        },
        run_more);
}
