/* The table of chains (docs/cost-model.md 1.6) against the arithmetic contract: docs/numerics.md is done in numbers
 * that carry their depth (contract.h, which test_contract.c holds to src/num), and their depths are held to the table,
 * unit by unit and in cycles. */
#include "contract.h"
#include "roma/cost.h"

static uint64_t draws;
static uint64_t below(uint64_t n) { return roma_random(29, draws++) % n; }
/* Any size from 2^-span to 2^span, either sign. */
static float draw(int span) {
    const float m = (float)(1 + (double)below(1 << 23) * 0x1p-23);
    return ldexpf(below(2) ? m : -m, (int)below(2 * (uint64_t)span + 1) - span);
}
/* ---- the table -------------------------------------------------------------------------------------------------- */

static uint64_t latest(const whole *x, size_t n) {
    uint64_t at = 0;
    for (size_t i = 0; i < n; i++) at = later(at, x[i].at);
    return at;
}

static uint64_t code_depth(void) {
    whole code[8];
    unsigned shift;
    real x[8];
    for (int i = 0; i < 8; i++) x[i] = real_of(draw(2));
    act_codes(x, real_of(100), CONTRACT_USUAL, code, &shift);
    return latest(code, 8);
}
static uint64_t weigh_depth(void) {
    real w[32], v_scale[32];
    for (int t = 0; t < 32; t++) {
        w[t] = weight(real_of(-fabsf(draw(2))), real_of(0));
        v_scale[t] = real_of(draw(2));
    }
    return latest(page_weigh(w, v_scale).code, 32);
}
static uint64_t rotate_depth(void) {
    real a = real_of(3), b = real_of(4);
    rotate(&a, &b, real_of(0.6f), real_of(0.8f));
    return later(a.at, b.at);
}
static uint64_t sincos_depth(void) {
    real s, c;
    sine_cosine(whole_of((int64_t)below((uint64_t)1 << 32)), &s, &c);
    return later(s.at, c.at);
}

/* Depth of a chain's result when all its operands are there in cycle 0. */
static uint64_t measured(roma_cost_chain k) {
    const real x = real_of(draw(3)), y = real_of(draw(3)), below_0 = real_of(-fabsf(draw(3)));
    switch (k) {
    case ROMA_CHAIN_EXP: return exponential(below_0).at;
    case ROMA_CHAIN_SINCOS: return sincos_depth();
    case ROMA_CHAIN_CODE: return code_depth();
    case ROMA_CHAIN_SQUARE: return rms_square(x, real_of(1024)).at;
    case ROMA_CHAIN_RMS: return rms_inverse(whole_of(12345), real_of(1), 9, 1e-5f).at;
    case ROMA_CHAIN_LEAF: return later(leaf(whole_of(7), x).at, weight_of(whole_of(7), x).at);
    case ROMA_CHAIN_LEAF_MIN:
        return later(leaf_min(whole_of(7), x, whole_of(9), y).at, weight_min(whole_of(7), x, y).at);
    case ROMA_CHAIN_LEAF_ZERO: return leaf_zero(whole_of(7), x, whole_of(9), whole_of(3)).at;
    case ROMA_CHAIN_WEIGH: return weigh_depth();
    case ROMA_CHAIN_SILU: return silu(x, y).at;
    case ROMA_CHAIN_RELU2: return relu2(x, y).at;
    case ROMA_CHAIN_ROTATE: return rotate_depth();
    case ROMA_CHAIN_COUNT: break;
    }
    CHECK(false);
    return 0;
}

/* Units one at a time: only one of them takes a cycle. */
static void test_counts(void) {
    for (unsigned k = 0; k < ROMA_CHAIN_COUNT; k++) {
        const roma_cost_chain_info *about = roma_cost_chain_about((roma_cost_chain)k);
        const uint32_t want[] = {about->add, about->mul, about->convert, about->div, about->sqrt, about->levels};
        const depth_units one[] = {{.add = 1}, {.mul = 1}, {.convert = 1}, {.div = 1}, {.sqrt = 1}, {.level = 1}};
        for (int i = 0; i < 6; i++) {
            unit = one[i];
            if (measured((roma_cost_chain)k) != want[i])
                TEST_FAILED("%s, unit %d: %" PRIu64 ", the table has %u", about->name, i, measured((roma_cost_chain)k),
                            want[i]);
            CHECK_EQ(measured((roma_cost_chain)k), want[i]);
        }
    }
}

/* What the page says in words: with the usual 3, 3, 2 exp takes 52 and sincos 32; the sine has one sum less than the
 * cosine. */
static void test_words(void) {
    real sine, cosine;
    unit = (depth_units){.add = 3, .mul = 3, .convert = 2};
    CHECK_EQ(measured(ROMA_CHAIN_EXP), 52);
    CHECK_EQ(measured(ROMA_CHAIN_SINCOS), 32);
    sine_cosine(whole_of(0), &sine, &cosine);
    CHECK_EQ(cosine.at, 32);
    CHECK_EQ(sine.at, 29);
}

/* A fraction of a cycle is a cycle. */
static void test_cycles(void) {
    roma_chip c = {.lat_add = 3, .lat_mul = 3, .lat_convert = 2, .lat_div = 12, .lat_sqrt = 12, .hop_cyc = 1};
    for (unsigned i = 0; i < 200; i++) {
        depth_use(&c);
        for (unsigned k = 0; k < ROMA_CHAIN_COUNT; k++)
            CHECK_EQ(roma_cost_chain_cycles(&c, (roma_cost_chain)k), measured((roma_cost_chain)k));
        c.lat_add = (double)below(12);
        c.lat_mul = (double)below(24) / 2;
        c.lat_convert = (double)below(9);
        c.lat_div = (double)below(40);
        c.lat_sqrt = (double)below(40);
        c.hop_cyc = (double)below(12) / 4;
    }
}

int main(void) {
    test_counts();
    test_words();
    test_cycles();
    return TEST_DONE();
}
