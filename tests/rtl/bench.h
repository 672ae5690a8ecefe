/* The bench of a family of blocks: a Verilator model of tests/rtl/bench_*.v, whose blocks get vectors at their
 * intervals, the corners of tests/rtl/corners first and random ones after, and are held against src/num after their
 * latencies.
 *
 * A block is described once: how its operands are drawn, put, and its results read and computed. The bench stops at the
 * first difference, names it, and measures latency and interval of each block. One process, one thread. */
#ifndef ROMA_TESTS_RTL_BENCH_H
#define ROMA_TESTS_RTL_BENCH_H

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "roma/chip.h"
#include "roma/num.h"
#include "verilated.h"

/* splitmix64 */
struct dice {
    uint64_t state;
    uint64_t next() {
        uint64_t z = state += 0x9e3779b97f4a7c15u;
        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
        z = (z ^ z >> 27) * 0x94d049bb133111ebu;
        return z ^ z >> 31;
    }
    /* 0 to n - 1 */
    uint32_t below(uint32_t n) { return (uint32_t)((next() >> 32) * n >> 32); }
};

/* FP32 bits of one of the classes in which implementations go wrong: any bits, subnormals, the ends of the exponent,
 * mantissas of few ones or few zeros, what is not finite, small integers and halves. */
uint32_t draw_float(dice &d);
/* The same with an exponent field of `middle` +- `spread`, held to 0 to 254. */
uint32_t draw_float_near(dice &d, int middle, int spread);
/* Of all NaNs one. */
uint32_t one_nan(float f);

typedef std::vector<uint64_t> words;

template <class M> struct block {
    const char *name; /* the module's, and its file of corners */
    int n_in, n_out;  /* words of 64 bits of a vector and of a result */
    int latency, interval;
    void (*draw)(dice &d, uint64_t *in);
    void (*put)(M &m, const uint64_t *in);
    void (*start)(M &m, int on); /* tells that operands are there; NULL: a block that takes operands in every cycle */
    int (*done)(M &m);           /* tells that a result is there; NULL with start */
    void (*get)(M &m, uint64_t *out);
    void (*want)(const uint64_t *in, uint64_t *out);
    void (*clock)(M &m,
                  int on); /* of the block alone, so that others cost nothing; NULL: clk, which all others share */
};

struct options {
    uint64_t vectors; /* of each block, corners included */
    uint64_t seed;    /* of the vectors and of the registers' first contents */
    int fault;        /* +fault=, 0: none */
    bool quiet;
};

/* Vectors of tests/rtl/corners/NAME.txt: a line of hexadecimal words each. */
std::vector<words> read_corners(const char *name, int n_in);
void print_words(const char *label, const uint64_t *w, int n);

template <class M> class bench {
  public:
    bench(const options &o, const std::vector<block<M>> &blocks, void (*reset)(M &, int))
        : o(o), context(new VerilatedContext), clock(NULL) {
        const std::string fault = "+fault=" + std::to_string(o.fault),
                          seed = "+verilator+seed+" + std::to_string(o.seed % 1000000 + 1);
        const char *argv[] = {"bench", fault.c_str(), seed.c_str(), "+verilator+rand+reset+2"};
        context->commandArgs(4, argv);
        m.reset(new M(context.get()));
        m->eval();
        if (reset) reset(*m, 1);
        settle(100);
        for (const block<M> &b : blocks)
            if ((clock = b.clock) != NULL) settle(100);
        clock = NULL;
        if (reset) reset(*m, 0);
    }

    /* 0, or 1 at the first difference, which it prints. */
    int run(const std::vector<block<M>> &blocks) {
        int bad = 0;
        for (const block<M> &b : blocks)
            if (b.start) b.start(*m, 0);
        for (const block<M> &b : blocks)
            if (!bad) bad = compare(b);
        if (!bad && !o.fault)
            for (const block<M> &b : blocks) bad |= measure(b);
        clock = NULL;
        return bad;
    }

    M &model() { return *m; }
    /* What tick() drives from here on, as in block. */
    void use_clock(void (*of)(M &, int)) { clock = of; }
    /* A cycle: operands pass hold.v at the falling edge, results are there after the rising one. */
    void tick() {
        set_clock(0);
        m->eval();
        set_clock(1);
        m->eval();
    }

  private:
    options o;
    std::unique_ptr<VerilatedContext> context;
    std::unique_ptr<M> m;
    void (*clock)(M &, int);
    words got, wanted;

    void set_clock(int on) {
        if (clock)
            clock(*m, on);
        else
            m->clk = on != 0;
    }

    void settle(int n) {
        while (n--) tick();
    }

    int differs(const block<M> &b, const uint64_t *in) {
        b.get(*m, got.data());
        b.want(in, wanted.data());
        const bool missing = b.done && !b.done(*m);
        if (got == wanted && !missing) return 0;
        if (o.quiet) return 1;
        printf("%s differs%s\n", b.name, missing ? " (no result when one is due)" : "");
        print_words("operands", in, b.n_in);
        print_words("result  ", got.data(), b.n_out);
        print_words("wanted  ", wanted.data(), b.n_out);
        return 1;
    }

    /* Vector number k enters in cycle k * interval, its result is due `latency` cycles later; those that are under way
     * wait in a ring. */
    int compare(const block<M> &b) {
        dice d = {o.seed * 1000003 + (uint64_t)strlen(b.name)};
        const std::vector<words> corners = read_corners(b.name, b.n_in);
        const uint64_t n_in = (uint64_t)b.n_in, interval = (uint64_t)b.interval, latency = (uint64_t)b.latency;
        const uint64_t places = latency / interval + 2;
        words ring(n_in * places);
        got.assign((size_t)b.n_out, 0);
        wanted = got;
        clock = b.clock;
        uint64_t given = 0, taken = 0;
        for (uint64_t t = 0; taken < o.vectors; t++) {
            const bool give = given < o.vectors && t == given * interval;
            if (give) {
                uint64_t *in = &ring[given % places * n_in];
                if (given < corners.size())
                    std::copy(corners[given].begin(), corners[given].end(), in);
                else
                    b.draw(d, in);
                given++;
                b.put(*m, in);
            }
            if (b.start) b.start(*m, give);
            tick();
            if (t + 1 == taken * interval + latency) {
                if (differs(b, &ring[taken % places * n_in])) return 1;
                taken++;
            } else if (b.done && b.done(*m)) {
                if (!o.quiet) printf("%s says done when nothing is due\n", b.name);
                return 1;
            }
        }
        if (b.start) b.start(*m, 0);
        return 0;
    }

    /* Cycles from operands to the result, and the least number of cycles between two starts that keeps results right.
     */
    int measure(const block<M> &b) {
        dice d = {7};
        words first((size_t)b.n_in), second((size_t)b.n_in), before((size_t)b.n_out), after((size_t)b.n_out);
        got.assign((size_t)b.n_out, 0);
        clock = b.clock;
        do {
            b.draw(d, first.data());
            b.draw(d, second.data());
            b.want(first.data(), before.data());
            b.want(second.data(), after.data());
        } while (before == after);
        feed(b, first, 1);
        feed(b, second, 0);
        int latency = 0;
        for (bool there = false; !there && latency < 1000;) {
            tick();
            if (b.start) b.start(*m, 0);
            latency++;
            b.get(*m, got.data());
            there = got == after && (!b.done || b.done(*m));
        }
        const int interval = b.start ? measured_interval(b) : 1;
        printf("%-22s latency %3d, interval %2d, %" PRIu64 " vectors\n", b.name, latency, interval, o.vectors);
        if (latency == b.latency && interval == b.interval) return 0;
        printf("%s: the law says latency %d, interval %d\n", b.name, b.latency, b.interval);
        return 1;
    }
    void feed(const block<M> &b, const words &in, int wait) {
        b.put(*m, in.data());
        if (b.start) b.start(*m, 1);
        if (!wait) return;
        tick();
        if (b.start) b.start(*m, 0);
        settle(2 * b.latency + 8);
    }
    int measured_interval(const block<M> &b) {
        for (int k = 1; k < b.interval; k++) {
            settle(2 * b.latency);
            block<M> hasty = b;
            hasty.interval = k;
            const options mine = o;
            o.quiet = true;
            o.vectors = 8;
            const int bad = compare(hasty);
            o = mine;
            if (!bad) return k;
        }
        return b.interval;
    }
};

template <class M>
int run_once(const options &o, const std::vector<block<M>> &blocks, void (*reset)(M &, int),
             int (*more)(bench<M> &, const options &)) {
    bench<M> b(o, blocks, reset);
    return b.run(blocks) || (more && more(b, o));
}

/* The rest of main: bench [--vectors N] [--faults FIRST-LAST] [--block NAME]. `reset` holds the blocks with a start in
 * reset, `more` is what a family tries beyond its blocks; 0, or 1 at the first difference. Half of the vectors are
 * tried at each of two seeds; with a fault first a few, which are enough for most faults. */
template <class M>
int bench_main(int argc, char **argv, std::vector<block<M>> blocks, void (*reset)(M &, int) = NULL,
               int (*more)(bench<M> &, const options &) = NULL) {
    options o = {10000, 1, 0, false};
    int first = 0, last = -1;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (!strcmp(argv[i], "--vectors")) o.vectors = strtoull(argv[i + 1], NULL, 10);
        if (!strcmp(argv[i], "--faults")) sscanf(argv[i + 1], "%d-%d", &first, &last);
        if (strcmp(argv[i], "--block")) continue;
        const char *name = argv[i + 1];
        blocks.erase(
            std::remove_if(blocks.begin(), blocks.end(), [=](const block<M> &b) { return strcmp(b.name, name) != 0; }),
            blocks.end());
        more = NULL;
    }
    o.vectors = (o.vectors + 1) / 2;
    const uint64_t all = o.vectors;
    for (o.fault = first, o.quiet = true; first > 0 && o.fault <= last; o.fault++) {
        o.vectors = 300;
        int killed = run_once(o, blocks, reset, more);
        o.vectors = all;
        if (!killed) killed = run_once(o, blocks, reset, more);
        printf("fault %d %s\n", o.fault, killed ? "killed" : "survived");
    }
    o.fault = 0, o.quiet = false;
    if (first == 0)
        for (o.seed = 1; o.seed <= 2; o.seed++)
            if (run_once(o, blocks, reset, more)) return 1;
    return 0;
}

#endif
