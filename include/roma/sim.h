/* sim - what a chip would do with a model: time, energy, power, area, what fits, yield and cost, and views of them.
 *
 * A simulation is a design with a workload; roma/cost.h has the outputs and docs/cost-model.md their formulas.
 * Threads: one thread at a time uses a simulation, which has scratch. Errors of the functions below roma_sim_open are
 * those of roma_cost_step: ENOMEM. */
#ifndef ROMA_SIM_H
#define ROMA_SIM_H

#include "roma/cost.h"
#include "roma/design.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A question; its texts are the caller's, needed during roma_sim_open alone. */
typedef struct {
    roma_design_config design;
    roma_workload work;  /* .activation_bytes are set by the model, .defects and .toggle by what follows */
    const char *defects; /* path of a defect map (roma_defects_read); NULL: none */
    bool toggles;        /* count the image's own bit toggles for the energy of ROM reads */
} roma_sim_config;

/* An open simulation, the caller's; it must not move while it is open. */
typedef struct {
    roma_design design;
    roma_workload work;
    roma_defects defects;
    roma_schedule schedule; /* scratch, which holds the last step */
} roma_sim;

/* Opens a simulation. EUSAGE for toggles of a shape, which has no bits; errors of roma_cost_workload_check,
 * roma_design_open, roma_map_open (of the defect map) and roma_defects_read. *s is then empty. roma_sim_close ends it;
 * one that is all zero, or was closed, may be closed again. */
int roma_sim_open(roma_sim *s, const roma_sim_config *c, roma_error *err);
void roma_sim_close(roma_sim *s);

/* All outputs at the chip's values, and over its ranges. */
typedef struct {
    roma_cost cost;
    roma_range range[ROMA_COST_N]; /* equal ends where no ranges were asked for */
    int dominant[ROMA_COST_N];     /* index of the chip's parameter that moves an output most, or -1 */
} roma_sim_figures;
/* Computes all outputs, and with `ranges` their ranges. */
int roma_sim_evaluate(roma_sim *s, bool ranges, roma_sim_figures *out, roma_error *err);

/* Tokens that each sequence of the workload can have: what the SRAM holds of it (roma_cost_positions), or the model's
 * own context where that is less. */
uint64_t roma_sim_capacity(const roma_sim *s);
/* The longest prompt of each sequence: roma_cost_prompt, or the model's own context where that is less. */
uint64_t roma_sim_prompt(const roma_sim *s);
/* Appends a line for each thing that does not fit: the workload's sequences the SRAM, or the model's own context. That
 * the model does not fit the ROM is the placement's note. */
void roma_sim_misfits(const roma_sim *s, const roma_cost *c, roma_buf *out);
/* Appends a line for each thing that a chip should not be: a die that no scanner prints at once, a junction too hot to
 * last (ROMA_COST_DIE_MM2, ROMA_COST_JUNCTION_C), a wafer at another node's price (roma_cost_wafer_is_odd). */
void roma_sim_hazards(const roma_sim *s, const roma_cost *c, roma_buf *out);

/* The outputs as an empty list of results gets them, which says what is amiss where one, or an end of its range, means
 * a chip that cannot work: a junction or a die beyond these limits, a model or sequences that do not fit, no good die.
 * list->failed when memory ends. */
void roma_sim_result(const roma_sim *s, const roma_sim_figures *f, roma_result *list);

/* Latency of one request alone: the prefill gives the first token, a decode step each further one. */
typedef struct {
    uint32_t prompt, output; /* tokens */
    double ttft_ms;          /* time to the first token */
    double p50_us, p99_us;   /* time per further token, by nearest rank; 0 where there is none */
    double tok_s;            /* rate of the outputs, end to end */
} roma_sim_request;
/* Latency of one request alone with so many tokens of prompt and output. EUSAGE: tokens are none, more than
 * ROMA_COST_PROMPT_MAX, together more than the capacity has positions for (the last one is not cached), or a prompt
 * longer than roma_sim_prompt. */
int roma_sim_latency(roma_sim *s, uint32_t prompt, uint32_t output, roma_sim_request *out, roma_error *err);

/* A point of a curve: a context, also as so many tokens of prompt. */
typedef struct {
    uint32_t context;
    double tok_s, mj_per_token, power_w, ttft_ms;
    bool fits; /* the step's position, context, and those before it are within the capacity */
} roma_sim_point;
enum { ROMA_SIM_POINTS = 17 };
/* Points at contexts from 0 to max, evenly. */
int roma_sim_curve(roma_sim *s, uint32_t max, roma_sim_point out[ROMA_SIM_POINTS], roma_error *err);

/* An operating point: a supply, and a clock that the gates reach there. */
typedef struct {
    double volts, hz;
    double low_hz, high_hz; /* what the ranges of the curve leave of the gates' highest clock at this supply */
    double tok_s, ttft_ms, mj_per_token, power_w, static_w, junction_c; /* ttft_ms 0 without a prompt */
} roma_sim_supply;
/* Points of a chip over its supply: `point`, from the lowest supply to the highest in even steps, each at the highest
 * clock; as_is, the chip's own clock at the nominal supply; slow, the same clock at the lowest supply whose gates reach
 * it, but none below supply.minimum. NONE: there is no such point. */
enum { ROMA_SIM_SUPPLIES = 19, ROMA_SIM_NONE = -1 };
typedef struct {
    roma_sim_supply point[ROMA_SIM_SUPPLIES], as_is, slow;
    bool has_slow;    /* false: no supply of the chip reaches its own clock */
    int least_energy; /* index of the point with the fewest mJ a token */
    int fastest;      /* of those within the workload's cap of power and ROMA_COST_JUNCTION_C the one of most tokens a
                         second, or NONE */
} roma_sim_dvfs;
/* Computes these points. EUSAGE where the chip is built in another node than its section supply is for. */
int roma_sim_supplies(roma_sim *s, roma_sim_dvfs *out, roma_error *err);

/* What the L-Units of one die multiply at most, MAC/s, with codes that are stored in so many bits: a word a cycle, or
 * in lunit.word_cycles where the style is serial. */
double roma_sim_peak(const roma_chip *c, double bits);
/* What a machine can do, MAC/s and B/s of what it multiplies with; and what a workload did: MAC/s, at an intensity. */
typedef struct {
    double mac_s, byte_s;
} roma_sim_roof;
typedef struct {
    double mac_per_byte, mac_s;
} roma_sim_work;
/* The roofline of all dies. lunits: the peak with the model's narrowest codes, over the port that these pass: that of
 * the L-Units' ROM, or the DRAM of a streamed model. Bytes are those of the codes, which are read again for every row,
 * with lunit.hold for every block of rows; those of a streamed model are its stored ones, once a step. A prompt
 * multiplies the head for its last row alone. prefill is all 0 without a prompt. */
typedef struct {
    roma_sim_roof lunits, hunits;
    roma_sim_work decode, prefill;
} roma_sim_roofline;
/* *c is roma_sim_evaluate's cost. */
void roma_sim_roofs(const roma_sim *s, const roma_cost *c, roma_sim_roofline *out);

/* Appends a prefill of the workload's prompt, and a decode step behind it, to a timeline. */
int roma_sim_timeline(roma_sim *s, roma_timeline *out, roma_error *err);
/* Cycles of the workload's decode step along its critical path, by kind of operation (roma_cost_critical_path); their
 * sum is s->schedule.cycles. */
int roma_sim_path(roma_sim *s, uint64_t cycles[ROMA_OP_COUNT + 1], roma_error *err);

#ifdef __cplusplus
}
#endif
#endif
