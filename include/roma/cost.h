/* cost - placement to cycles, joules, mm2, yield. docs/cost-model.md has every formula; this room computes no values
 * of the model.
 *
 * A placement is a plan on a chip, so that no function takes either beside it; what depends on the chip alone takes
 * the chip. A schedule is made from closed formulas: operations issue in order for each kind of unit, and one starts
 * when what it reads is there and its units are free. There is no arbitration and no back-pressure.
 *
 * Threads: functions are re-entrant; a schedule belongs to one thread at a time. Preconditions: placements come from
 * roma_map_place, chips pass roma_chip_check, indices of operations and outputs are within their lists. Units: cycles
 * of the chip's clock, and those that names end in. */
#ifndef ROMA_COST_H
#define ROMA_COST_H

#include "roma/place.h"
#include "roma/result.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- time -------------------------------------------------------------------------------------- */

/* An adapter of a set. */
typedef struct {
    uint32_t id;           /* neighbouring rows of a block with the same one at the same place share its reads */
    uint32_t rank;         /* on every matrix of the layers; 0: it does nothing */
    const uint32_t *ranks; /* borrowed; if not NULL, its rank on each of the plan's adapter slots instead */
} roma_cost_adapter;

/* Consecutive rows of one sequence in a step, all with the same set of adapters. */
typedef struct {
    uint64_t position;                 /* of the first row: tokens cached before it */
    uint32_t rows;                     /* 1 or more */
    uint32_t logits;                   /* so many of the last rows want logits */
    uint32_t n_adapters;               /* of the set, ROMA_COST_SET_MAX at most */
    const roma_cost_adapter *adapters; /* [n_adapters], borrowed, in the set's order */
} roma_cost_span;
enum { ROMA_COST_SET_MAX = 8 };

/* Chains of units (docs/cost-model.md 1.6): how many of each kind lie on the longest way from an operand to the result.
 *
 * name, text, add, mul, convert, div, sqrt, levels */
#define ROMA_COST_CHAINS(X)                                                                                            \
    X(EXP, "exp", 8, 8, 2, 0, 0, 0)                                                                                    \
    X(SINCOS, "sincos", 4, 6, 1, 0, 0, 0)                                                                              \
    X(CODE, "code", 0, 1, 1, 0, 0, 3)                                                                                  \
    X(SQUARE, "square", 0, 1, 1, 0, 0, 0)                                                                              \
    X(RMS, "rms", 1, 1, 1, 1, 1, 0)                                                                                    \
    X(LEAF, "leaf", 0, 1, 1, 0, 0, 0)                                                                                  \
    X(LEAF_MIN, "leaf_min", 1, 1, 1, 0, 0, 0)                                                                          \
    X(LEAF_ZERO, "leaf_zero", 0, 2, 1, 0, 0, 1)                                                                        \
    X(WEIGH, "weigh", 9, 9, 3, 0, 0, 5)                                                                                \
    X(SILU, "silu", 9, 10, 2, 1, 0, 0)                                                                                 \
    X(RELU2, "relu2", 0, 2, 0, 0, 0, 0)                                                                                \
    X(ROTATE, "rotate", 1, 1, 0, 0, 0, 0)
typedef enum {
#define X(name, ...) ROMA_CHAIN_##name,
    ROMA_COST_CHAINS(X)
#undef X
        ROMA_CHAIN_COUNT
} roma_cost_chain;
/* A row of ROMA_COST_CHAINS; texts are static. */
typedef struct {
    const char *name;
    uint32_t add, mul, convert, div, sqrt, levels;
} roma_cost_chain_info;
/* The row of a chain, static; k < ROMA_CHAIN_COUNT. */
const roma_cost_chain_info *roma_cost_chain_about(roma_cost_chain k);
/* Cycles of a chain with the units of a chip. */
uint64_t roma_cost_chain_cycles(const roma_chip *c, roma_cost_chain k);

/* Unit kinds of a schedule: those of the plan, and the part of the H-Units that adapters keep where attention overlaps.
 */
enum { ROMA_UNIT_ADAPTER = 3, ROMA_COST_UNITS };

/* What an instance does of its operation: all of it or, beside a LINEAR, an adapter's A or B. */
typedef enum { ROMA_PART_BASE, ROMA_PART_DOWN, ROMA_PART_UP } roma_cost_part;
/* One operation on one block of rows. */
typedef struct {
    uint32_t op, block;        /* index in the plan; number of the block in the step */
    roma_cost_part part;       /* of the operation */
    uint32_t place;            /* DOWN and UP: of the adapter in its rows' sets */
    unsigned unit;             /* kind of unit that the instance takes: a roma_unit, or ROMA_UNIT_ADAPTER */
    uint64_t start, busy, end; /* its units are taken in [start, busy); its result is there at end */
    /* index of the instance that this one waited for longest, the earliest where several end then; UINT32_MAX: none */
    uint32_t binding;
    uint32_t sum; /* UP: index of the instance whose sum its own waited for, and so its end; UINT32_MAX: none */
} roma_cost_instance;

/* Counts of what the energy is charged for. */
#define ROMA_EVENTS(X)                                                                                                 \
    X(rom_bits, "ROM bits read, scales included")                                                                      \
    X(lane_macs, "4-bit multiply-adds (a b-bit weight counts b/4)")                                                    \
    X(buffer_bits, "bits of activations into and out of L-Units' buffers")                                             \
    X(merge_adds, "sums of the trees that merge L-Units")                                                              \
    X(leaves, "scale products and sums of groups")                                                                     \
    X(lunit_cycles, "cycles that L-Units work")                                                                        \
    X(sram_bits, "SRAM bits read and written")                                                                         \
    X(hunit_macs, "multiply-adds of H-Units")                                                                          \
    X(vector_ops, "scalar operations of vector lanes")                                                                 \
    X(wire_bit_mm, "bits moved x millimetres")                                                                         \
    X(dram_bits, "DRAM bits read")                                                                                     \
    X(die_bits, "bits from die to die")
/* The instances of a step, in issue order. The caller owns a schedule and ends it with roma_schedule_destroy; all zero
 * is an empty one, and one that was used may be used again and keeps its memory. */
typedef struct {
#define X(name, help) double name;
    ROMA_EVENTS(X)
#undef X
} roma_events;

typedef struct {
    roma_cost_instance *instances;
    size_t n, cap;
    uint64_t cycles;                /* end of the last instance */
    uint64_t busy[ROMA_COST_UNITS]; /* cycles in which each kind of unit is at work: L-Units that
                                       wait for an attention are not */
    roma_events events;
    uint64_t *scratch; /* the schedule's own memory, kept between steps */
    size_t scratch_cap;
} roma_schedule;
/* Frees a schedule and leaves an empty one. */
void roma_schedule_destroy(roma_schedule *s);

/* Instances of a step at most: 2 GB of them. */
enum { ROMA_COST_INSTANCES_MAX = 1 << 25 };
/* Schedules one step over n spans, which have one row or more in all. ENOMEM; EINPUT for a step without a row, or of
 * more instances than that, and for a cache with which H-Units do not compute (roma_place_computes). */
int roma_cost_step(roma_schedule *s, const roma_placement *p, const roma_cost_span *spans, size_t n, roma_error *err);
/* Schedules the prefill of rows [position, position + rows) of one sequence in chunks of the chip's chunk_rows, with
 * logits for the last row and this set of adapters. s->cycles are those of all chunks, one after the other; events and
 * busy are sums too; the instances kept are those of the last chunk. Errors as roma_cost_step. */
int roma_cost_prefill(roma_schedule *s, const roma_placement *p, uint64_t position, uint32_t rows,
                      const roma_cost_adapter *adapters, uint32_t n_adapters, roma_error *err);
/* Checks a schedule of these spans against every resource rule of docs/cost-model.md, without the scheduler's code.
 * EINTERNAL names the first instance that starts too early and the rule; ENOMEM. */
int roma_cost_legal(const roma_schedule *s, const roma_placement *p, const roma_cost_span *spans, size_t n,
                    roma_error *err);
/* Cycles along the critical path, by kind of operation; their sum is s->cycles. cycles[ROMA_OP_COUNT] is the adapters'
 * share. */
void roma_cost_critical_path(const roma_schedule *s, const roma_plan *p, uint64_t cycles[ROMA_OP_COUNT + 1]);
/* Appends a schedule to a timeline, `offset_cyc` cycles later, a track for each kind of unit. out->failed when memory
 * ends. */
void roma_cost_timeline(const roma_schedule *s, const roma_placement *p, uint64_t offset_cyc, roma_timeline *out);

/* ---- everything --------------------------------------------------------------------------------- */

/* Wrong ROM words by matrix unit, from a text of lines `row column words` (docs/cost-model.md). */
typedef struct {
    uint32_t *words; /* [matrix units], owned */
    uint32_t n;
} roma_defects;
/* Reads a defect map of len bytes of text for a chip. *d is the caller's, ended by roma_defects_destroy. EINPUT with
 * file and line; ENOMEM. */
int roma_defects_read(roma_defects *d, const roma_chip *c, const char *text, size_t len, const char *file,
                      roma_error *err);
/* Frees a defect map and leaves an empty one. */
void roma_defects_destroy(roma_defects *d);

/* What the model's outputs are asked for. */
typedef struct {
    uint32_t prompt;   /* tokens of the prefill; 0: none */
    uint32_t context;  /* tokens cached before the decode step */
    uint32_t batch;    /* sequences of the decode step, 1 or more */
    uint32_t rank;     /* of the adapters; 0: none */
    uint32_t adapters; /* distinct ones that are resident and, as far as the sets have room, in the step; 1 or more when
                          rank > 0 */
    uint32_t stacked;  /* adapters in each sequence's set, ROMA_COST_SET_MAX at most; 0: one when rank > 0 */
    uint32_t roles;    /* matrices that they are on (bit r: role r); 0: all of the layers */
    uint64_t activation_bytes; /* of a step's rows, as the engine keeps them (roma_design_activations): what the vector
                                  units' SRAM does not hold of these lies beside the cache; 0: not counted */
    double max_w;              /* cap of power, W; 0: none */
    double toggle;             /* measured toggles of a ROM bit read over the 0.5 of random data; 1: not measured */
    const roma_defects *defects; /* borrowed; may be NULL */
} roma_workload;
enum {
    ROMA_COST_PROMPT_MAX = 1048576,
    ROMA_COST_CONTEXT_MAX = 16777216,
    ROMA_COST_BATCH_MAX = 65536,
    ROMA_COST_RANK_MAX = 4096,
    ROMA_COST_ADAPTERS_MAX = 65536
};
/* Holds a workload to what the calls below rely on: counts within these limits, at least one sequence, an adapter where
 * there is a rank, a cap that is none or above 0, toggles above 0. EUSAGE names the field. */
int roma_cost_workload_check(const roma_workload *w, roma_error *err);
/* What a chip should not be beyond: silicon's usual junction temperature, C; the field that a scanner prints at once,
 * 26 x 33 mm, mm2 of a die. */
#define ROMA_COST_JUNCTION_C 105.0
#define ROMA_COST_DIE_MM2 858.0
/* Adapters in each sequence's set. */
uint32_t roma_cost_workload_set(const roma_workload *w);
/* What is asked where nobody says more: a prompt of 256, an empty cache, one sequence, one adapter of ROMA_RANK_USUAL,
 * one die. */
roma_workload roma_cost_workload_usual(void);
/* A decode step of one sequence, its cache empty, without prompt and adapters, on one die. */
roma_workload roma_cost_workload_bare(void);

/* Cycles of the workload's decode step on all dies of the placement. *s keeps the schedule of the first party. Errors
 * as roma_cost_step. */
int roma_cost_decode(uint64_t *cycles, roma_schedule *s, const roma_placement *p, const roma_workload *w,
                     roma_error *err);
/* Schedules rows [done, done + rows) of the workload's prompt as one step on one die. Errors as roma_cost_step. */
int roma_cost_chunk(roma_schedule *s, const roma_placement *p, const roma_workload *w, uint32_t done, uint32_t rows,
                    roma_error *err);

/* Every output of the model, the one list: field, group, unit, sentence. */
#define ROMA_COST_OUTPUTS(X)                                                                                           \
    X(decode_cyc, "time", "cycle", "decode step, all dies")                                                            \
    X(tok_s, "time", "tokens/s", "decode rate of all sequences of the batch")                                          \
    X(ttft_s, "time", "s", "time to first token: prefill of the prompt")                                               \
    X(prefill_tok_s, "time", "tokens/s", "prefill rate")                                                               \
    X(use_lunit, "time", "share", "L-Units at work in the decode step")                                                \
    X(use_hunit, "time", "share", "H-Units at work in the decode step")                                                \
    X(use_vector, "time", "share", "vector units at work in the decode step")                                          \
    X(adapter_load_s, "time", "s", "one adapter over the host link")                                                   \
    X(adapter_load_tokens, "time", "tokens", "decode steps in that time")                                              \
    X(mj_per_token, "energy", "mJ", "energy of a token at full rate")                                                  \
    X(mj_rom, "energy", "mJ", "of it ROM reads")                                                                       \
    X(mj_mac, "energy", "mJ", "of it low-bit multiply-adds")                                                           \
    X(mj_feed, "energy", "mJ", "of it activations into L-Units' buffers and out of them")                              \
    X(mj_merge, "energy", "mJ", "of it sums that merge L-Units")                                                       \
    X(mj_leaf, "energy", "mJ", "of it scale products")                                                                 \
    X(mj_clock, "energy", "mJ", "of it clock and control of L-Units")                                                  \
    X(mj_sram, "energy", "mJ", "of it SRAM")                                                                           \
    X(mj_hmac, "energy", "mJ", "of it H-Unit multiply-adds")                                                           \
    X(mj_vector, "energy", "mJ", "of it vector units")                                                                 \
    X(mj_wire, "energy", "mJ", "of it the mesh")                                                                       \
    X(mj_dram, "energy", "mJ", "of it DRAM")                                                                           \
    X(mj_die, "energy", "mJ", "of it links between dies")                                                              \
    X(mj_static, "energy", "mJ", "of it leakage")                                                                      \
    X(mj_at_5, "energy", "mJ", "energy of a token at 5 tokens/s")                                                      \
    X(mj_at_20, "energy", "mJ", "energy of a token at 20 tokens/s")                                                    \
    X(mj_at_100, "energy", "mJ", "energy of a token at 100 tokens/s")                                                  \
    X(prefill_mj, "energy", "mJ", "energy of the prompt's prefill")                                                    \
    X(power_w, "power", "W", "power while decoding at full rate")                                                      \
    X(static_w, "power", "W", "of it leakage")                                                                         \
    X(tok_s_capped, "power", "tokens/s", "decode rate under the power cap")                                            \
    X(w_mm2, "power", "W/mm2", "power density at full rate")                                                           \
    X(junction_c, "power", "C", "junction temperature at full rate")                                                   \
    X(area_mm2, "area", "mm2", "all dies")                                                                             \
    X(area_lunits, "area", "mm2", "of it L-Units")                                                                     \
    X(area_storage, "area", "mm2", "of them base-model storage alone (all of it when fused)")                          \
    X(area_hunits, "area", "mm2", "of it H-Units")                                                                     \
    X(area_vector, "area", "mm2", "of it vector units")                                                                \
    X(area_other, "area", "mm2", "of it mesh, pads, control")                                                          \
    X(area_sram, "area", "mm2", "SRAM in H-Units and vector units")                                                    \
    X(lunit_um2, "area", "um2", "one L-Unit")                                                                          \
    X(rom_bytes, "fit", "B", "base model as its image has it: codes, scales, head, embedding where it is stored")      \
    X(rom_capacity, "fit", "B", "ROM of all dies")                                                                     \
    X(rom_words, "fit", "words", "words of the fullest L-Unit")                                                        \
    X(fits_rom, "fit", "", "1: every L-Unit holds its words")                                                          \
    X(sram_bytes, "fit", "B", "SRAM of the H-Units of all dies")                                                       \
    X(lora_bytes, "fit", "B", "resident adapters")                                                                     \
    X(kv_bytes_per_token, "fit", "B", "cache of a token, scales included")                                             \
    X(tokens, "fit", "tokens", "cache of all sequences beside the adapters, every scale and page counted")             \
    X(tokens_held, "fit", "tokens", "the same where the model's own context were no limit")                            \
    X(tokens_paper, "fit", "tokens", "as the paper counts: codes only")                                                \
    X(fits_sram, "fit", "", "1: each sequence's prompt, and its step at position context, fit")                        \
    X(yield, "cost", "share", "good dies without repair")                                                              \
    X(yield_repaired, "cost", "share", "good dies with the chip's repairs")                                            \
    X(gross_dies, "cost", "", "dies of a wafer")                                                                       \
    X(usd, "cost", "USD", "good dies of one chip, repairs included")                                                   \
    X(usd_unrepaired, "cost", "USD", "the same without repair")

enum {
#define X(field, group, unit, help) ROMA_COST_##field,
    ROMA_COST_OUTPUTS(X)
#undef X
        ROMA_COST_N
};
typedef union {
    __extension__ struct { /* anonymous: C++ has that as an extension */
#define X(field, group, unit, help) double field;
        ROMA_COST_OUTPUTS(X)
#undef X
    };
    double v[ROMA_COST_N];
} roma_cost;
/* A row of ROMA_COST_OUTPUTS; texts are static. */
typedef struct {
    const char *name, *group, *unit, *help;
} roma_cost_output;
/* The i-th output, static; NULL past the last. */
const roma_cost_output *roma_cost_output_at(unsigned i);

/* Every output at the chip's own values. *w passes roma_cost_workload_check. *s is scratch and keeps the schedule of
 * the last decode step. Errors as roma_cost_step. */
int roma_cost_evaluate(roma_cost *out, roma_schedule *s, const roma_placement *p, const roma_workload *w,
                       roma_error *err);
/* The outputs of group "fit" alone, which need no schedule; the other members of *out stay as they are. */
void roma_cost_fit(roma_cost *out, const roma_placement *p, const roma_workload *w);
/* The most positions that each of the workload's sequences can have in the SRAM beside its adapters and activations,
 * whatever its prompt and context: a multiple of 32. The one count of what fits: a sequence of n positions fits where n
 * is no more, and fits_sram is 1 where context + 1 positions do and the prompt is no longer than roma_cost_prompt. The
 * model's own context is no limit here. */
uint64_t roma_cost_positions(const roma_placement *p, const roma_workload *w);
/* The longest prompt that each of the workload's sequences can have, whatever its prompt and context: no more than
 * roma_cost_positions, because the scores of a block of a prompt's rows take room beside its pages. */
uint64_t roma_cost_prompt(const roma_placement *p, const roma_workload *w);
/* Each output at the corner of the chip's ranges that makes it smallest and largest: directions one parameter at a
 * time, then all together. dominant[o] (dominant may be NULL): index of the chip's parameter that moves output o most,
 * or -1. *s is scratch. Errors as roma_cost_step. */
int roma_cost_ranges(roma_range out[ROMA_COST_N], int dominant[ROMA_COST_N], roma_schedule *s, const roma_placement *p,
                     const roma_workload *w, roma_error *err);
/* Appends every output with its range, unit and dominant parameter to a list of results; out->failed when memory ends.
 */
void roma_cost_result(const roma_range v[ROMA_COST_N], const int dominant[ROMA_COST_N], roma_result *out);
/* Floorplan of one die of the placement, ended by roma_floorplan_destroy; *cost is roma_cost_evaluate's. ENOMEM. */
int roma_cost_floorplan(roma_floorplan *f, const roma_placement *p, const roma_cost *cost, roma_error *err);

/* ---- draws: outputs over chips drawn from the ranges (docs/cost-model.md section 6) -------------- */

/* What is kept of a draw: name, unit, output, factor to that unit. */
#define ROMA_COST_DRAWN(X)                                                                                             \
    X(tok_s, "tokens/s", tok_s, 1)                                                                                     \
    X(ttft_ms, "ms", ttft_s, 1e3)                                                                                      \
    X(mj_per_token, "mJ", mj_per_token, 1)                                                                             \
    X(prefill_mj, "mJ", prefill_mj, 1)                                                                                 \
    X(power_w, "W", power_w, 1)                                                                                        \
    X(static_w, "W", static_w, 1)                                                                                      \
    X(tok_s_capped, "tokens/s", tok_s_capped, 1)                                                                       \
    X(junction_c, "C", junction_c, 1)                                                                                  \
    X(area_mm2, "mm2", area_mm2, 1)                                                                                    \
    X(tokens, "tokens", tokens, 1)                                                                                     \
    X(yield, "share", yield_repaired, 1)                                                                               \
    X(usd, "USD", usd, 1)
enum {
#define X(name, unit, output, factor) ROMA_DRAWN_##name,
    ROMA_COST_DRAWN(X)
#undef X
        ROMA_DRAWN_N
};
/* A row of ROMA_COST_DRAWN; texts are static. */
typedef struct {
    const char *name, *unit;
    unsigned output;
    double factor;
} roma_cost_drawn;
/* The i-th, static; NULL past the last. */
const roma_cost_drawn *roma_cost_drawn_at(unsigned i);

/* Why a drawn chip that holds together cannot work all the same; a draw may have several. id, name, sentence */
#define ROMA_COST_MISFITS(X)                                                                                           \
    X(ROM, "rom", "the base model does not fit the ROM")                                                               \
    X(SRAM, "sram", "adapters and context do not fit the SRAM")                                                        \
    X(DIE, "die", "a die larger than scanners print")                                                                  \
    X(JUNCTION, "junction", "a junction too hot to last")                                                              \
    X(WAFER, "wafer", "no good die comes out of a wafer")
enum {
#define X(id, name, text) ROMA_MISFIT_##id,
    ROMA_COST_MISFITS(X)
#undef X
        ROMA_MISFITS
};

enum { ROMA_COST_DRAWS_MAX = 1000000 };
/* Draws [0, n) of a seed, on so many threads, which change no result. */
typedef struct {
    uint32_t n; /* 1 to ROMA_COST_DRAWS_MAX */
    uint64_t seed;
    int threads;                   /* 1 to 64 */
    const roma_progress *progress; /* told from the calling thread alone; NULL: nobody */
} roma_cost_drawing;
/* What came of them. */
typedef struct {
    uint32_t n;
    uint32_t refused;  /* draws whose values do not hold together (roma_chip_check), or give a step that is none */
    char refusal[200]; /* why the first of these; "" where there is none */
    uint32_t misfits[ROMA_MISFITS]; /* draws that cannot work, by reason; their values count all the same */
    double *v; /* [ROMA_DRAWN_N][n], owned: each drawn quantity by number of the draw; NaN of a refused draw */
} roma_cost_draws;
/* Evaluates the workload on draws of the placement's chip. *out is the caller's, ended by roma_cost_draws_destroy,
 * after an error too. EUSAGE: no such number of draws or threads; ECANCEL when progress says so; ENOMEM. */
int roma_cost_draw(roma_cost_draws *out, const roma_placement *p, const roma_workload *w, const roma_cost_drawing *d,
                   roma_error *err);
void roma_cost_draws_destroy(roma_cost_draws *d);

/* Percentiles of n values, by nearest rank: the mid of each. Its ends hold the percentile of infinitely many draws in
 * 95 of 100 cases, whatever the distribution, being values of ranks; infinite where n is too small for such a rank. */
typedef struct {
    size_t n; /* values that are numbers: the others are left out */
    roma_range p5, p50, p95;
} roma_cost_percentiles;
/* Sorts v, those that are no numbers behind the others. All is NaN where none is a number. */
void roma_cost_percentiles_of(roma_cost_percentiles *out, double *v, size_t n);

/* ---- supply and clock (docs/cost-model.md section 7) ------------------------------------------------ */

/* Highest clock of the chip's gates at a supply above supply.threshold, Hz. */
double roma_cost_top_hz(const roma_chip *c, double volts);
/* Turns a chip into what it is at another supply and clock: its energies but those of DRAM and links between dies, its
 * leakages, its clock. Nothing is checked. */
void roma_cost_at_supply(roma_chip *c, double volts, double hz);

/* ---- closed forms that stand alone (docs/cost-model.md) ------------------------------------------- */

/* Area in um2 of one L-Unit: of its storage in a style (index of rom.style) alone, and of the whole (fused when the
 * style says so). docs/cost-model.md section 3. */
double roma_cost_storage_um2(const roma_chip *c, int style);
double roma_cost_lunit_um2(const roma_chip *c, int style);
/* Density of a macro of `depth` words of 64 bits, Mbit/mm2, ROM's and SRAM's: the chip's memory parameters,
 * interpolated. */
double roma_cost_rom_density(const roma_chip *c, double depth);
double roma_cost_sram_density(const roma_chip *c, double depth);
/* Share of good dies, 0 to 1 (docs/cost-model.md 5.1). m: area x density of defects; f: share of the area that can be
 * repaired; s: repairs at most, each of which succeeds with probability q; a: clustering of defects. */
double roma_cost_yield(double m, double f, unsigned s, double q, double a);
/* Dies of area_mm2 on a wafer of wafer_mm (docs/cost-model.md 5.2). */
double roma_cost_gross_dies(double wafer_mm, double area_mm2);
/* USD of a processed 300 mm wafer of a node, nm (docs/cost-model.md 5.2); and whether a chip's yield.wafer_cost is less
 * than half or more than twice as much, as when another node was set and not its price. */
double roma_cost_wafer_usd(double node);
bool roma_cost_wafer_is_odd(const roma_chip *c);
/* Tokens that sram_bytes hold beside lora_bytes as the paper counts, in multiples of the granularity: a pool of bytes,
 * kv_bytes each token. */
double roma_cost_tokens(double sram_bytes, double lora_bytes, double kv_bytes, double granularity);
/* The same where each die has die_bytes for the adapters and the cache of its own layers: the fullest one's. */
double roma_cost_tokens_paper(const roma_placement *p, double die_bytes, double lora_bytes, double kv_bytes);
/* Bytes of an adapter of this rank, with weights and row scales of so many bytes, on the matrices of the layers whose
 * roles are in `roles` (bit r: role r; 0: all). */
double roma_cost_lora_bytes(const roma_plan *p, double rank, double bytes_per_weight, double bytes_per_row_scale,
                            uint32_t roles);
/* Bytes of cache of a token in all layers, with elements and scales of so many bytes. */
double roma_cost_kv_bytes(const roma_plan *p, double bytes_per_element, double bytes_per_scale);

#ifdef __cplusplus
}
#endif
#endif
