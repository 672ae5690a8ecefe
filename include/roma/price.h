/* price - what a chip costs: masks, design, dies, test and package, a million tokens, and from how many chips on it is
 * worth its masks. docs/price.md has every formula.
 *
 * Prices are parameters beside the chip's, each with a range, a quality and a source as a chip's have; money is US
 * dollars. Threads: functions are re-entrant; a price belongs to one thread. */
#ifndef ROMA_PRICE_H
#define ROMA_PRICE_H

#include "roma/cost.h"
#include "roma/design.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- the prices ---- */

/* field, key, unit, least, most, sentence */
#define ROMA_PRICE_PARAMETERS(X)                                                                                       \
    X(mask_set, "mask.set", "USD", 0, 1e9, "a set of masks for one die")                                               \
    X(mask_count, "mask.count", "1", 1, 1000, "masks of a set")                                                        \
    X(mask_changed, "mask.changed", "1", 0, 1000, "of them, those that another model changes; the whole set at most")  \
    X(mask_ratio, "mask.ratio", "ratio", 0.1, 10, "price of a mask that a model changes over the mean of its set")     \
    X(nre_design, "nre.design", "USD", 0, 1e10, "design, verification and first test program, without masks")          \
    X(nre_model, "nre.model", "USD", 0, 1e9, "another model's data preparation, test program and qualification")       \
    X(scribe, "wafer.scribe", "mm", 0, 1, "scribe lane between two dies")                                              \
    X(edge, "wafer.edge", "mm", 0, 10, "edge of the wafer that has no dies")                                           \
    X(sort_s, "test.sort", "s", 0, 10000, "tester time of a die on the wafer")                                         \
    X(final_s, "test.final", "s", 0, 10000, "tester time of a packaged chip")                                          \
    X(tester, "test.tester", "USD/s", 0, 10, "tester, with what handles wafers and packages")                          \
    X(coverage, "test.coverage", "share", 0, 1, "bad dies that the test on the wafer finds")                           \
    X(package, "package.base", "USD", 0, 1e5, "a package, whatever lies in it")                                        \
    X(package_area, "package.area", "USD/mm2", 0, 100, "substrate and assembly of silicon in it")                      \
    X(package_yield, "package.yield", "share", 0.01, 1, "dies that survive their assembly")                            \
    X(board, "board.chip", "USD", 0, 1e6, "board, supply, cooling and host link of a chip")                            \
    X(dram, "board.dram", "USD/GB", 0, 1e5, "memory that a streamed model lies in")                                    \
    X(years, "use.years", "years", 0.01, 100, "time after which chip and model are worth nothing")                     \
    X(busy, "use.busy", "share", 1e-9, 1, "share of that time in which the chip works")                                \
    X(kwh, "use.kwh", "USD", 0, 10, "a kilowatt-hour")                                                                 \
    X(overhead, "use.overhead", "ratio", 1, 10, "energy from the grid over the chip's: supplies, cooling")             \
    X(rent_out, "rent.output", "USD", 0, 1e6, "the alternative: a million generated tokens, rented")                   \
    X(rent_in, "rent.input", "USD", 0, 1e6, "the alternative: a million tokens of prompt, rented")

enum {
#define X(field, key, unit, min, max, help) ROMA_PRICE_##field,
    ROMA_PRICE_PARAMETERS(X)
#undef X
        ROMA_PRICE_N
};
/* A row of ROMA_PRICE_PARAMETERS; texts are static. */
typedef struct {
    const char *key, *unit, *help;
    double min, max;
} roma_price_parameter;
/* The row of parameter i; NULL past the last. */
const roma_price_parameter *roma_price_parameter_at(unsigned i);

/* A value for each parameter, and where it is from. */
typedef struct {
    double value[ROMA_PRICE_N];
    roma_chip_mark mark[ROMA_PRICE_N];
} roma_prices;
/* The usual prices: those of masks and design by the chip's node, masks that a model changes by its rom.style. */
void roma_prices_usual(roma_prices *p, const roma_chip *c);
/* Overrides a price: "key=value", exact, or "key=value [low .. high]". EUSAGE. */
int roma_prices_set(roma_prices *p, const char *assignment, roma_error *err);
/* Overrides prices by len bytes of text, a line `key = value [low .. high]  # quality: source` each, `;` beginning a
 * comment; value and source are needed, `[exact]` stands for no range. EINPUT with file and line. */
int roma_prices_read(roma_prices *p, const char *text, size_t len, const char *file, roma_error *err);

/* ---- what comes of them ---- */

/* field, group, unit, sentence */
#define ROMA_PRICE_OUTPUTS(X)                                                                                          \
    X(masks, "nre", "masks", "masks of all dies of the first product")                                                 \
    X(masks_changed, "nre", "masks", "of them, those that another model changes")                                      \
    X(mask_usd, "nre", "USD", "masks of the first product")                                                            \
    X(design_usd, "nre", "USD", "its design")                                                                          \
    X(nre_usd, "nre", "USD", "both: what is spent before the first chip")                                              \
    X(respin_usd, "nre", "USD", "the same chip with another model: masks, preparation, qualification")                 \
    X(gross_dies, "chip", "", "whole dies of a wafer, scribe lanes and edge taken off")                                \
    X(yield, "chip", "share", "good dies, repairs included")                                                           \
    X(escapes, "chip", "share", "bad dies among those that pass the wafer's test")                                     \
    X(silicon_usd, "chip", "USD", "dies of a good chip, lost ones included")                                           \
    X(test_usd, "chip", "USD", "tester time of a good chip")                                                           \
    X(package_usd, "chip", "USD", "package of a good chip")                                                            \
    X(usd_per_chip, "chip", "USD", "a good chip, packaged and tested, without NRE")                                    \
    X(board_usd, "chip", "USD", "what it needs around it")                                                             \
    X(served_tok_s, "tokens", "tokens/s", "generated tokens while it works, prompts' time included")                   \
    X(mtokens_life, "tokens", "M", "million tokens that it generates in its life")                                     \
    X(kwh_per_mtoken, "tokens", "kWh", "energy from the grid of a million, idle leakage included")                     \
    X(usd_chip, "tokens", "USD", "of a million tokens: chip and board")                                                \
    X(usd_nre, "tokens", "USD", "of a million tokens: its share of the NRE")                                           \
    X(usd_power, "tokens", "USD", "of a million tokens: energy")                                                       \
    X(usd_per_mtoken, "tokens", "USD", "all of it")                                                                    \
    X(rent_usd_per_mtoken, "rent", "USD", "the same million, prompts included, rented")                                \
    X(gain_usd, "rent", "USD", "what a chip gains over renting in its life, NRE aside")                                \
    X(break_even_chips, "rent", "chips", "chips from which on the whole is cheaper than renting; none: never")         \
    X(break_even_respin, "rent", "chips", "the same for another model on the chip that is there")

enum {
#define X(field, group, unit, help) ROMA_PRICED_##field,
    ROMA_PRICE_OUTPUTS(X)
#undef X
        ROMA_PRICED_N
};
typedef union {
    __extension__ struct { /* anonymous: C++ has that as an extension */
#define X(field, group, unit, help) double field;
        ROMA_PRICE_OUTPUTS(X)
#undef X
    };
    double v[ROMA_PRICED_N];
} roma_priced;
/* Help of output i, static; NULL past the last. */
const char *roma_price_output_help(unsigned i);

/* A question. Texts are the caller's, needed during roma_price_open alone. */
typedef struct {
    roma_design_config design;
    uint32_t prompt, output; /* tokens of a request, 1 or more of output */
    uint32_t batch, rank;    /* sequences decoded together; rank of the adapter of each, 0: none */
    double volume;           /* chips that share the NRE, 1 or more */
    const char *prices;      /* path of a file of prices; NULL: none */
    const char *const *set;  /* overrides after it; n_set of them */
    size_t n_set;
    /* a chip that is the alternative, its model and requests the same, its NRE shared by as many chips, with these
     * prices but its own of masks and design; NULL: renting */
    const char *against;
    bool ranges; /* the ends too; false: they equal the middle */
} roma_price_config;

/* The usual prices of a chip, then the question's file, then its overrides in their order. Errors of roma_map_open,
 * roma_prices_read and roma_prices_set. */
int roma_prices_open(roma_prices *p, const roma_chip *chip, const roma_price_config *c, roma_error *err);

/* An answer, the caller's; it must not move while it is open. */
typedef struct roma_price {
    roma_design design;
    struct roma_price *against; /* that of the other chip, owned; NULL: none */
    roma_prices prices;
    roma_workload work; /* decode steps at the middle of an answer */
    uint32_t output;
    double volume;
    roma_cost cost; /* of that workload */
    roma_range range[ROMA_PRICED_N];
    const char *dominant[ROMA_PRICED_N]; /* what moves it most, "test.sort", or an output of the chip model; NULL */
} roma_price;
/* Opens and answers. EUSAGE: no token of output, a volume below 1, a price of rent beside a chip; else errors of
 * roma_cost_workload_check, roma_design_open, roma_prices_open and roma_cost_step. *p is then empty. roma_price_close
 * ends it; one that is all zero, or was closed, may be closed again. */
int roma_price_open(roma_price *p, const roma_price_config *c, roma_error *err);
void roma_price_close(roma_price *p);
/* Appends every output to an empty list; list->failed when memory ends. */
void roma_price_result(const roma_price *p, roma_result *list);
/* Appends a line for each thing that makes the answer doubtful: a model or requests that do not fit, a die that no
 * scanner prints, a wafer's price that is not its node's. */
void roma_price_doubts(const roma_price *p, roma_buf *out);

#ifdef __cplusplus
}
#endif
#endif
