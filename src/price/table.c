/* The usual prices: value, range, quality and source of each, some of them by the chip's node or its ROM's style. */
#include "price/internal.h"

#include <math.h>
#include <string.h>

static const roma_price_parameter parameters[ROMA_PRICE_N] = {
#define X(field, key, unit, min, max, help) {key, unit, help, min, max},
    ROMA_PRICE_PARAMETERS(X)
#undef X
};

const roma_price_parameter *roma_price_parameter_at(unsigned i) { return i < ROMA_PRICE_N ? &parameters[i] : NULL; }

const char *roma_price_output_help(unsigned i) {
    static const char *const help[ROMA_PRICED_N] = {
#define X(field, group, unit, text) text,
        ROMA_PRICE_OUTPUTS(X)
#undef X
    };
    return i < ROMA_PRICED_N ? help[i] : NULL;
}

static void put(roma_prices *p, unsigned i, double value, double low, double high, roma_chip_quality q,
                const char *source) {
    p->value[i] = fmin(fmax(value, parameters[i].min), parameters[i].max);
    p->mark[i] =
        (roma_chip_mark){.low = fmax(low, parameters[i].min), .high = fmin(high, parameters[i].max), .quality = q};
    roma_print(p->mark[i].source, sizeof p->mark[i].source, "%s", source);
}

/* ---- by node ---- */

/* nm; masks of a set and its price, USD; design of a chip, USD */
enum { NODES = 9 };
static const double node_nm[NODES] = {130, 65, 40, 28, 16, 10, 7, 5, 3};
static const double masks_of[NODES] = {25, 28, 33, 38, 50, 60, 65, 70, 80};
static const double set_usd[NODES] = {1.5e5, 5e5, 1e6, 1.5e6, 4e6, 7e6, 1e7, 1.5e7, 3e7};
static const double design_usd[NODES] = {1e7, 2.85e7, 3.77e7, 5.13e7, 1.063e8, 1.744e8, 2.978e8, 5.422e8, 6.5e8};

/* To three digits: more would only seem to be known. */
static double rounded(double v) {
    const double unit = pow(10, floor(log10(v)) - 2);
    return floor(v / unit + 0.5) * unit;
}

/* log-log between the rows; the outermost rows beyond them. */
static double at_node(const double table[NODES], double nm) {
    int i = 0;
    if (nm >= node_nm[0]) return table[0];
    if (nm <= node_nm[NODES - 1]) return table[NODES - 1];
    while (nm < node_nm[i + 1]) i++;
    return table[i] * pow(table[i + 1] / table[i], log(nm / node_nm[i]) / log(node_nm[i + 1] / node_nm[i]));
}

static void put_by_node(roma_prices *p, double nm) {
    const double count = floor(at_node(masks_of, nm) + 0.5), set = rounded(at_node(set_usd, nm)),
                 all = rounded(at_node(design_usd, nm));
    put(p, ROMA_PRICE_mask_count, count, floor(0.85 * count), ceil(1.35 * count), ROMA_CHIP_ASSUMED,
        "by node: 70 at 5 nm (HNLPU, arXiv 2508.16151), 60 to 70 at 7 and 89 at 4 nm in market reports, 30 to 35 at 28 "
        "(semiconductorx.com)");
    put(p, ROMA_PRICE_mask_set, set, 0.6 * set, 2 * set, ROMA_CHIP_ASSUMED,
        "by node: at 7 nm 150,000 USD a mask and more than 10 M a set (chipfoundryservices.com); at 5 nm 15 to 30 M "
        "are what HNLPU's re-spin implies; others between them");
    put(p, ROMA_PRICE_nre_design, 0.15 * all, 0.05 * all, 0.5 * all, ROMA_CHIP_ASSUMED,
        "by node: 0.15 [0.05 .. 0.5] of IBS's systems on chip (298 M USD at 7 nm, SemiEngineering 2018): arrays of one "
        "cell and no software are far below them (SemiEngineering 2023)");
}

/* ---- by the ROM's style ---- */

static void put_by_style(roma_prices *p, int style) {
    const double all = p->value[ROMA_PRICE_mask_count];
    double value = 1, low = 1, high = 2, model = 1e6;
    const char *why =
        "a bit is a transistor that is there or not, or a contact: one layer (docs/mask-rom.md); a second "
        "where scales lie in another layer";
    switch (style) {
    case ROMA_ROM_SRAM:
    case ROMA_ROM_DRAM:
        value = low = high = 0;
        why = "the model is loaded, not made";
        break;
    case ROMA_ROM_BROM:
    case ROMA_ROM_FUSED:
        value = 2;
        high = 4;
        why = "which of sixteen lines a select transistor meets: contacts and the metal under them, up to four layers "
              "of lines (docs/mask-rom.md); Taalas says two";
        break;
    case ROMA_ROM_CELL:
        value = 3;
        high = 3;
        why = "a cell's two weights are vias of three levels (BitROM, arXiv 2509.08542); one where a cell is a bit";
        break;
    case ROMA_ROM_LOGIC:
        value = all;
        low = floor(0.3 * all);
        high = p->mark[ROMA_PRICE_mask_count].high;
        model = 5e6;
        why = "other contents are other gates in other places: every layer; a third where gates stay and only metal "
              "changes";
        break;
    default: break;
    }
    put(p, ROMA_PRICE_mask_changed, value, low, high, ROMA_CHIP_ASSUMED, why);
    put(p, ROMA_PRICE_nre_model, model, 0.3 * model, 3 * model, ROMA_CHIP_ASSUMED,
        style == ROMA_ROM_LOGIC ? "placement, routing and sign-off again, mask data, test vectors, qualification"
                                : "mask data, test vectors, qualification lots; a few engineers for two months");
}

/* ---- the others ---- */

void roma_prices_usual(roma_prices *p, const roma_chip *c) {
    static const struct {
        unsigned i;
        double value, low, high;
        const char *source;
    } usual[] = {
        {ROMA_PRICE_mask_ratio, 1, 0.5, 3,
         "the programmed layer is among the finest; HNLPU's are above all that need EUV"},
        {ROMA_PRICE_scribe, 0.1, 0.05, 0.2, "lanes of 50 to 200 um"},
        {ROMA_PRICE_edge, 3, 2, 5, "usual edge exclusion of a 300 mm wafer"},
        {ROMA_PRICE_sort_s, 5, 1, 30,
         "all words of the ROMs are read by the chip itself in less than 0.1 s; the rest "
         "is contact, SRAM and logic patterns"},
        {ROMA_PRICE_final_s, 10, 2, 60, "the same, at two temperatures and with a run of the model"},
        {ROMA_PRICE_tester, 0.05, 0.02, 0.15, "a few cents a second of digital testers, prober or handler included"},
        {ROMA_PRICE_coverage, 0.98, 0.9, 0.999, "a ROM's contents are known, so that most faults show"},
        {ROMA_PRICE_package, 5, 2, 15, "flip chip in a ball grid"},
        {ROMA_PRICE_package_area, 0.03, 0.01, 0.1, "organic substrate and bumps; interposers are above it"},
        {ROMA_PRICE_package_yield, 0.995, 0.97, 0.999, "flip chip assembly"},
        {ROMA_PRICE_board, 15, 5, 60, "a share of a board with a regulator and a host link"},
        {ROMA_PRICE_dram, 4, 2, 12,
         "DDR5 and LPDDR5 of 2024 to 2026, 2 to 4 USD a gigabyte before the shortage, three times "
         "that in it"},
        {ROMA_PRICE_years, 3, 1, 5,
         "models of a size are surpassed in about a year; machines are written off in three "
         "to five"},
        {ROMA_PRICE_busy, 0.3, 0.05, 0.7, "requests come by day; roma serve-sim says which waits a share means"},
        {ROMA_PRICE_kwh, 0.083, 0.05, 0.3, "US industry 2024, 8.2 cents (EIA); households in Europe at the upper end"},
        {ROMA_PRICE_overhead, 1.4, 1.1, 1.8,
         "data centres' mean of 1.56 (Uptime Institute 2024), large ones below 1.2, "
         "and the board's regulator"},
        {ROMA_PRICE_rent_out, 0.34, 0.06, 0.6,
         "Llama 3.2 3B in 2026: 0.34 (wavespeed.ai), 0.60 (docs.venice.ai) a "
         "million tokens of output"},
        {ROMA_PRICE_rent_in, 0.05, 0.02, 0.15,
         "Llama 3.2 3B in 2026: 0.05 (wavespeed.ai), 0.15 (docs.venice.ai) a "
         "million tokens of input"},
    };
    memset(p, 0, sizeof *p);
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
        put(p, usual[i].i, usual[i].value, usual[i].low, usual[i].high, ROMA_CHIP_ASSUMED, usual[i].source);
    p->mark[ROMA_PRICE_rent_out].quality = p->mark[ROMA_PRICE_rent_in].quality = ROMA_CHIP_STATED;
    put_by_node(p, c->node_nm);
    put_by_style(p, (int)c->rom_style);
}
