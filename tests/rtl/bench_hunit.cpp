/* The H-Units of a KV head at work: steps of some rows, layer by layer and block by block, with the senders of the
 * vector units and the distances of the network. Outputs are held against src/num, and each CACHE and ATTEND starts, is
 * busy and ends in the cycles of docs/cost-model.md 1.7 and 1.9. */
#include "Vbench_hunit.h"
#include "bench.h"

typedef Vbench_hunit M;

/* The parameters of bench_hunit.v; other ones come from outside. */
#ifndef ROMA_SHAPE
#define ROMA_SHAPE                                                                                                     \
    V = 2, VL = 8, U = 4, KV = 2, HEADS = 6, HEAD = 32, LAYERS = 2, FAR = 6, REACH = 2, MAC = 16, WIDE = 32,           \
    ROUNDS = 3, ADD = 3, MUL = 3, CONVERT = 2
#endif
enum { ROMA_SHAPE };
enum { DIV = 16, BLOCK_ROWS = 4, ROWS = 8, WEIGH = 9 * ADD + 9 * MUL + 3 * CONVERT + 5 };
enum {
    ALL = V * VL,
    LINK = 2 * ALL,
    G = HEADS / KV,
    P = U / KV,
    OUT = (ALL + KV - 1) / KV,
    PAGES = P * ROUNDS,
    OWN = (KV - 1) * P
};
enum { FROM = (KV - 1) * G * HEAD }; /* first element that the head's units give */

static unsigned up(unsigned a, unsigned b) { return (a + b - 1) / b; }
static unsigned clog2(unsigned n) {
    unsigned k = 0;
    while ((1u << k) < n) k++;
    return k;
}
static float f(uint64_t bits) { return roma_f32_from_bits((uint32_t)bits); }
typedef std::vector<float> row;

/* ---- the law ---- */

struct times {
    uint64_t start, busy, end;
};
static unsigned cross(unsigned e) { return up(2 * e, LINK); }
static const unsigned RED = clog2(HEAD), CODES = DIV + MUL + CONVERT;

static times law_cache(uint64_t start, unsigned n) {
    const unsigned wr = up(2 * (HEAD + 4), WIDE);
    const uint64_t busy = start + n * std::max(cross(2 * KV * HEAD), wr);
    return {start, busy, busy + FAR + RED + CODES + wr};
}

static times law_attend(uint64_t start, unsigned position, unsigned n) {
    const unsigned pages = up(position + n, 32), levels = clog2(pages), low = std::min(clog2(P), levels);
    uint64_t K = 0, W = 0, X1 = 0;
    for (unsigned j = 0; 32 * j < position + n; j += P) {
        unsigned X = 0, x = 0;
        for (unsigned r = 0; r < n; r++) {
            const unsigned sees = position + r + 1;
            X += x = sees <= 32 * j ? 0 : std::min(32u, sees - 32 * j);
        }
        const unsigned key = std::max(up(G * HEAD * X, MAC), up(x * (HEAD + 4), WIDE));
        K += key, W += std::max(key, G * X);
        if (!j) X1 = X;
    }
    const unsigned Q = n * cross(HEADS * HEAD) + FAR + RED + CODES, M = MUL + RED + CONVERT + MUL + 1 + 2 * REACH;
    const uint64_t busy = start + Q + K + M + WEIGH + G * X1 - 1 + W;
    const unsigned sums = MUL + 5 + CONVERT + levels * ADD + low * up(4 * HEAD, LINK),
                   quotient = CONVERT + 1 + DIV - MUL;
    return {start, busy, busy + std::max(sums, quotient) + REACH + MUL + cross(HEADS * HEAD) + FAR};
}

/* ---- what happens ---- */

struct world {
    M &m;
    bench<M> &b;
    const options &o;
    dice d;
    uint64_t now, operations, outputs;
    std::vector<row> q, k, v; /* what lies in the vector units: of each row of the step */
    std::vector<std::vector<uint8_t>> memory;
    std::vector<roma_kv_page> pages; /* of the head, by layer */
    /* of a layer: what is seen of its operations, in their order, and the outputs row by row */
    std::vector<bool> kinds;
    std::vector<uint64_t> starts, sent, told, values, ends;
    uint64_t written;
    bool between;
    std::vector<row> got;
    unsigned words;

    world(bench<M> &b, const options &o)
        : m(b.model()), b(b), o(o), d{o.seed + 40}, now(0), operations(0), outputs(0), q(ROWS, row(HEADS * HEAD)),
          k(ROWS, row(KV * HEAD)), v(k), memory(LAYERS * PAGES), pages(LAYERS * PAGES), written(0), between(true),
          words(0) {
        for (size_t i = 0; i < pages.size(); i++) {
            memory[i].assign(roma_kv_page_bytes(HEAD), 0);
            roma_kv_page_init(&pages[i], memory[i].data(), HEAD);
        }
    }
    roma_kv_page &page(unsigned layer, unsigned j) { return pages[layer * PAGES + j]; }
    int bad(const char *what, uint64_t got, uint64_t want) {
        if (!o.quiet) printf("cycle %" PRIu64 ": %s is %" PRIx64 ", wanted %" PRIx64 "\n", now, what, got, want);
        return 1;
    }

    /* A cycle; the word that the senders ask for is there at once. */
    void tick() {
        const unsigned kind = m.address >> 10, at = m.address & 0x3ff, each = up((kind ? KV : HEADS) * HEAD, ALL);
        const row *x = kind < 3 && at / each < ROWS ? &(kind == 0 ? q : kind == 1 ? k : v)[at / each] : NULL;
        for (unsigned i = 0, e = at % each * ALL; i < ALL; i++, e++)
            m.word[i] = x && e < x->size() ? roma_f32_bits((*x)[e]) : 0;
        b.tick(), now++;
        m.step[2] = 0, m.ended = 0, m.load[3] = 0;
    }
    void send_step(unsigned marks, unsigned index, uint64_t word) { /* marks: 2 go, 1 valid */
        m.step[0] = (uint32_t)word, m.step[1] = (uint32_t)(word >> 32), m.step[2] = marks << 8 | index;
        tick();
    }
    void load(unsigned unit, unsigned address, const void *eight) {
        uint32_t w[2];
        memcpy(w, eight, 8);
        m.load[0] = w[0], m.load[1] = w[1], m.load[2] = address, m.load[3] = 1u << 16 | unit;
        tick();
    }

    /* ---- values ---- */
    void draw(row &x) {
        const unsigned kind = d.below(12);
        for (float &e : x) e = f(draw_float_near(d, 127, kind == 0 ? 30 : 2));
        float *head = x.data() + d.below((uint32_t)x.size() / HEAD) * HEAD;
        if (kind == 1)
            for (unsigned i = 0; i < HEAD; i++) head[i] = 0;
        if (kind == 2 && d.below(4) == 0) head[d.below(HEAD)] = f(0x7fc00000);
        if (kind == 3) head[d.below(HEAD)] = f((27u << 23) - d.below(2));
        if (kind == 4)
            for (unsigned i = 0; i < HEAD; i++) head[i] = f(draw_float_near(d, 13, 13));
    }
    void put(unsigned layer, unsigned position, const row &key, const row &value) {
        roma_kv_page_put(&page(layer, position / 32), HEAD, position % 32, &key[(KV - 1) * HEAD],
                         &value[(KV - 1) * HEAD]);
    }
    /* Pages of the positions before this one, in the H-Units as docs/placement.md has them: position by position 32
     * keys, 32 values, 32 pairs of scales. */
    void fill(unsigned position) {
        row key(KV * HEAD), value(KV * HEAD);
        for (unsigned layer = 0; layer < LAYERS; layer++)
            for (unsigned t = 0; t < position; t++) {
                draw(key), draw(value);
                put(layer, t, key, value);
                const unsigned j = t / 32, unit = OWN + (j + layer * P / LAYERS) % P, at = t % 32;
                const unsigned base = (j / P * LAYERS + layer) * (64 * HEAD + 256) / 8;
                const roma_kv_page &of = page(layer, j);
                for (unsigned i = 0; i < HEAD; i += 8) {
                    int8_t codes[2][8];
                    for (unsigned n = i; n < i + 8; n++) {
                        codes[0][n - i] = of.k[at / 16 * 16 * HEAD + at % 16 * 4 + n / 4 * 64 + n % 4];
                        codes[1][n - i] = of.v[n / 16 * 16 * 32 + n % 16 * 4 + at / 4 * 64 + at % 4];
                    }
                    load(unit, base + (at * HEAD + i) / 8, codes[0]);
                    load(unit, base + ((32 + at) * HEAD + i) / 8, codes[1]);
                }
                const float scales[2] = {of.k_scale[at], of.v_scale[at]};
                load(unit, base + 64 * HEAD / 8 + at, scales);
            }
    }
    /* Outputs of a row at a position, by docs/numerics.md 4. */
    row attend(unsigned layer, unsigned position, const row &x) {
        const unsigned seen = position + 1, n = up(seen, 32);
        row y(HEADS * HEAD), score(32 * n), leaf(HEAD);
        std::vector<int16_t> codes(HEAD);
        for (unsigned h = (KV - 1) * G; h < HEADS; h++) {
            const float scale =
                roma_quantise_i16(&x[h * HEAD], HEAD, codes.data()) * (1.0f / __builtin_sqrtf((float)HEAD));
            for (unsigned j = 0; j < n; j++)
                roma_page_scores_c(&page(layer, j), HEAD, codes.data(), &scale, 1, &score[32 * j], 32 * n);
            const float largest = roma_largest_c(score.data(), seen);
            const int64_t sum = roma_softmax_weights_c(score.data(), seen, largest);
            const float inverse = 1.0f / ((float)sum * roma_pow2(-30));
            std::vector<roma_tree> stack(HEAD);
            for (roma_tree &t : stack) roma_tree_init(&t);
            for (unsigned j = 0; j < n; j++) {
                roma_page_values_c(&page(layer, j), HEAD, &score[32 * j], 32 * n, 1, std::min(32u, seen - 32 * j),
                                   leaf.data());
                for (unsigned i = 0; i < HEAD; i++) roma_tree_add(&stack[i], leaf[i]);
            }
            for (unsigned i = 0; i < HEAD; i++) y[h * HEAD + i] = roma_tree_sum(&stack[i]) * inverse;
        }
        return y;
    }

    /* ---- a layer of a step ---- */
    struct operation {
        bool is_query;
        unsigned block;
        times t;
    };
    /* What the law says: caches of all blocks, then their attentions, one after the other on the H-Units. */
    std::vector<operation> law(unsigned position, unsigned rows, const std::vector<uint64_t> &ready) {
        std::vector<operation> all;
        std::vector<uint64_t> cached;
        uint64_t busy = 0;
        for (unsigned i = 0; i < ready.size(); i++) {
            all.push_back(
                {false, i, law_cache(std::max(busy, ready[i]), std::min<unsigned>(BLOCK_ROWS, rows - i * BLOCK_ROWS))});
            busy = all.back().t.busy, cached.push_back(all.back().t.end);
        }
        for (unsigned i = 0; i < ready.size(); i++) {
            const unsigned n = std::min<unsigned>(BLOCK_ROWS, rows - i * BLOCK_ROWS);
            all.push_back({true, i, law_attend(std::max(busy, cached[i]), position + i * BLOCK_ROWS, n)});
            busy = all.back().t.busy;
        }
        return all;
    }
    int look(unsigned rows) {
        if (m.sends) {
            if (between) starts.push_back(now), kinds.push_back(m.sent >> 1 & 1);
            between = m.sent & 1;
            if (m.sent == 1) sent.push_back(now + 1);
        }
        if (m.writes) written = now;
        if (m.cache_tells) {
            told.push_back(now + 1);
            if (written != now) return bad("the last word that a CACHE writes", written, now);
        }
        if (m.values_end) values.push_back(now + 1);
        if (!m.att) return 0;
        if (!words) got.push_back(row(HEADS * HEAD));
        const unsigned number = (unsigned)got.size() - 1;
        if (m.att_row != number || number >= rows) return bad("a row of outputs", m.att_row, number);
        for (unsigned i = 0; i < OUT && words * OUT + i < G * HEAD; i++)
            got.back()[FROM + words * OUT + i] = f(m.outputs[i]);
        words = m.att_last ? 0 : words + 1;
        if (m.att_last && (number == rows - 1 || number % BLOCK_ROWS == BLOCK_ROWS - 1)) ends.push_back(now + 1);
        return words >= up(G * HEAD, OUT) ? bad("words of a row", words, up(G * HEAD, OUT)) : 0;
    }
    int hold_times(const std::vector<operation> &all) {
        const size_t blocks = all.size() / 2;
        if (starts.size() != all.size() || sent.size() != blocks || told.size() != blocks || values.size() != blocks ||
            ends.size() != blocks)
            return bad("operations that start or end", starts.size(), all.size());
        for (size_t i = 0; i < all.size(); i++) {
            const operation &a = all[i];
            if (kinds[i] != a.is_query) return bad("the kind of an operation", kinds[i], a.is_query);
            if (starts[i] != a.t.start) return bad("start", starts[i], a.t.start);
            const uint64_t busy = (a.is_query ? values : sent)[a.block], end = (a.is_query ? ends : told)[a.block];
            if (busy != a.t.busy) return bad(a.is_query ? "busy of ATTEND" : "busy of CACHE", busy, a.t.busy);
            if (end != a.t.end) return bad(a.is_query ? "end of ATTEND" : "end of CACHE", end, a.t.end);
        }
        operations += all.size();
        return 0;
    }
    int layer(unsigned l, unsigned position, unsigned rows) {
        std::vector<row> want;
        for (unsigned r = 0; r < rows; r++) {
            draw(q[r]), draw(k[r]), draw(v[r]);
            put(l, position + r, k[r], v[r]);
        }
        for (unsigned r = 0; r < rows; r++) want.push_back(attend(l, position + r, q[r]));
        /* queries, keys and values of the blocks end in order, sometimes far apart */
        struct event {
            uint64_t at;
            unsigned value, block;
        };
        std::vector<event> events;
        std::vector<uint64_t> ready(up(rows, BLOCK_ROWS));
        uint64_t at = now + 1;
        for (unsigned value = 0; value < 3; value++)
            for (unsigned i = 0; i < ready.size(); i++, at++) {
                at += d.below(8) ? d.below(12) : d.below(60);
                events.push_back({at, value, i});
                ready[i] = at + 1;
            }
        const std::vector<operation> all = law(position, rows, ready);
        kinds.clear(), starts.clear(), sent.clear(), told.clear(), values.clear(), ends.clear(), got.clear();
        words = 0, between = true;
        for (const uint64_t most = all.back().t.end + 20; now < most;) {
            for (const event &e : events)
                if (e.at == now) m.ended = 1u << e.value, m.ended_block = e.block & 1;
            m.eval();
            if (look(rows)) return 1;
            tick();
        }
        if (hold_times(all)) return 1;
        if (got.size() != rows) return bad("rows of outputs", got.size(), rows);
        for (unsigned r = 0; r < rows; r++)
            for (unsigned i = FROM; i < HEADS * HEAD; i++, outputs++)
                if (one_nan(got[r][i]) != one_nan(want[r][i])) {
                    if (!o.quiet)
                        printf("layer %u, position %u, element %u of head %u\n", l, position + r, i % HEAD, i / HEAD);
                    return bad("an output", one_nan(got[r][i]), one_nan(want[r][i]));
                }
        return 0;
    }
    int step(unsigned position, unsigned rows) {
        send_step(1, 0, rows | 1u << 8);
        for (unsigned r = 0; r < rows; r++) send_step(1, r + 1, position + r);
        for (unsigned i = 0; i < 60; i++) tick(); /* sequencers find their first records */
        send_step(2, 0, 0);
        for (unsigned i = 0; i < 8; i++) tick();
        for (unsigned l = 0; l < LAYERS; l++)
            if (layer(l, position, rows)) return 1;
        return 0;
    }
    /* Some steps from each beginning: an empty cache, the ends of pages, anywhere, the end of all pages. */
    int run() {
        for (unsigned n = 0; outputs < o.vectors; n++) {
            unsigned position = n == 0       ? 0
                                : n % 4 == 1 ? 32 * (1 + d.below(PAGES - 1)) - d.below(6)
                                             : d.below(32 * PAGES - 40);
            if (n % 8 == 7) position = 32 * PAGES - 5;
            fill(position);
            for (unsigned i = n == 0 ? 12 : 4; i && position < 32 * PAGES; i--) {
                const unsigned rows = std::min(32 * PAGES - position, d.below(2) ? 1 : 1 + d.below(ROWS));
                if (step(position, rows)) return 1;
                position += rows;
            }
        }
        return 0;
    }
};

static int run_more(bench<M> &b, const options &o) {
    world w(b, o);
    w.m.reset = 1;
    for (int i = 0; i < 100; i++) w.tick();
    w.m.reset = 0;
    if (w.run()) return 1;
    if (!o.quiet)
        printf("%-22s %" PRIu64 " CACHEs and ATTENDs in the law's cycles, %" PRIu64 " outputs\n", "roma_hunit_tile",
               w.operations, w.outputs);
    return 0;
}

int main(int argc, char **argv) {
    return bench_main(
        argc, argv, std::vector<block<M>>(),
        +[](M &m, int on) {
            m.reset = on != 0;
            m.step[2] = 0, m.ended = 0, m.load[3] = 0;
        },
        run_more);
}
