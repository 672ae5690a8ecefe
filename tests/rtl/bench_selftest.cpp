/* The self-test of ROMs (docs/program-format.md, "Self-test"): every vector is random ROMs read once as they are and
 * once with one to three bits of a row of a word flipped. Signatures are held against the page's formula, each in its
 * cycle; with the flips they are the same before the L-Unit that has them, and others from there to the last. */
#include "Vbench_selftest.h"
#include "bench.h"

typedef Vbench_selftest M;

/* The sum of a row of 32 bits: byte b has inputs b, b + 4, ... of 2 bits. */
static uint32_t row_sum(uint32_t row) {
    static const uint32_t activation[8] = {31, 53, 61, 65, 67, 87, 101, 105};
    uint32_t sum = 0;
    for (unsigned i = 0; i < 16; i++)
        sum += (row >> (8 * (i % 4) + 2 * (i / 4)) & 3) * activation[i % 8] << (i < 8 ? 0 : 7);
    return sum;
}

static uint32_t sign_word(uint32_t s, const uint32_t *rows, unsigned n) {
    s = s << 1 ^ (s >> 31 ? 0x00400007u : 0);
    for (unsigned r = 0; r < n; r++) {
        const uint32_t sum = row_sum(rows[r]);
        s ^= r ? sum << (7 * r % 32) | sum >> (32 - 7 * r % 32) : sum;
    }
    return s;
}

/* What both units must tell of a ROM. */
struct signatures {
    uint32_t s[2], wide[4];
};
static signatures want(const uint32_t *rom) {
    signatures w;
    uint32_t s = ~0u;
    for (unsigned l = 0; l < 2; l++) {
        for (unsigned a = 0; a < 5; a++) s = sign_word(s, rom + 2 * (5 * l + a), 2);
        w.s[l] = s;
    }
    s = ~0u;
    for (unsigned l = 0; l < 4; l++) w.wide[l] = s = sign_word(s, rom + 4 * l, 4);
    return w;
}

/* What is due in a cycle, the c-th after `start`: signatures of the two units, and what leaves of three units for the
 * host: the first unit's signature, the same turned by a place, its complement. */
struct due {
    uint64_t sign, wide, data;
    bool tells;
};
static due due_in(unsigned c, const signatures &w) {
    due d = {};
    if (c >= 9 && (c - 9) % 7 == 0 && c <= 16) d.sign = UINT64_C(1) << 32 | w.s[(c - 9) / 7];
    if (c >= 7 && c < 11) d.wide = UINT64_C(1) << 32 | w.wide[c - 7];
    const unsigned lunit = c < 17 ? 0 : 1, unit = c - (lunit ? 17 : 10);
    d.tells = c >= 10 && unit < 3;
    if (!d.tells) return d;
    const uint32_t s = w.s[lunit], of_unit = unit == 0 ? s : unit == 1 ? s << 1 | s >> 31 : ~s;
    d.data = (uint64_t)lunit << 48 | (uint64_t)unit << 32 | of_unit;
    return d;
}

/* A self-test, watched for as long as it takes and a bit more. */
static bool run(bench<M> &b, const uint32_t *rom, const signatures &w, bool quiet) {
    M &m = b.model();
    for (int i = 0; i < 20; i++) m.rom[i] = rom[i];
    m.start = 1;
    for (unsigned c = 1; c < 26; c++) {
        b.tick();
        m.start = 0;
        const due d = due_in(c, w);
        const bool is_busy = c < 10, is_over = c == 25, busy = m.busy && m.wide_busy, idle = !m.busy && !m.wide_busy;
        if (m.sign == d.sign && m.wide_sign == d.wide && m.out_valid == d.tells && m.out_data == d.data &&
            (!is_busy || busy) && (c >= 16 || m.busy) && (!is_over || idle))
            continue;
        if (!quiet)
            printf("roma_selftest differs in cycle %u: signs %" PRIx64 ", %" PRIx64 ", wanted %" PRIx64 ", %" PRIx64
                   "; out %" PRIx64 ", wanted %" PRIx64 "; busy %d, %d\n",
                   c, (uint64_t)m.sign, (uint64_t)m.wide_sign, d.sign, d.wide, (uint64_t)m.out_data, d.data, m.busy,
                   m.wide_busy);
        return false;
    }
    return true;
}

/* Flips one to three bits of a row of a word of the unit of two L-Units; the L-Unit that has it. */
static unsigned flip(dice &d, uint32_t *rom) {
    const unsigned at = d.below(20), first = d.below(32), second = d.below(32), third = d.below(32);
    rom[at] ^= 1u << first;
    if (second != first) rom[at] ^= 1u << second;
    if (third != first && third != second) rom[at] ^= 1u << third;
    return at / 10;
}

static int all(bench<M> &b, const options &o) {
    dice d = {o.seed * 1000003};
    uint32_t rom[20];
    for (uint64_t v = 0; v < o.vectors; v += 2) {
        const bool plain = d.below(8) == 0;
        const uint32_t every = d.below(2) ? 0 : ~0u;
        for (uint32_t &row : rom) row = plain ? every : (uint32_t)d.next();
        const signatures good = want(rom);
        if (!run(b, rom, good, o.quiet)) return 1;
        const unsigned lunit = flip(d, rom);
        const signatures bad = want(rom);
        if (!run(b, rom, bad, o.quiet)) return 1;
        for (unsigned l = 0; l < 2; l++)
            if ((good.s[l] == bad.s[l]) != (l < lunit)) {
                if (!o.quiet) printf("roma_selftest: bits flipped in L-Unit %u, as L-Unit %u tells it\n", lunit, l);
                return 1;
            }
    }
    if (!o.quiet)
        printf("%-22s %" PRIu64 " ROMs, half of them with one to three bits of a row flipped\n", "roma_selftest",
               o.vectors);
    return 0;
}

int main(int argc, char **argv) {
    return bench_main(
        argc, argv, std::vector<block<M>>(), +[](M &m, int on) { m.reset = on != 0; }, all);
}
