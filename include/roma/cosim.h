/* cosim - the emitted chip run beside engine and chip model: Verilog of a placement with an image's weights, simulated
 * by Verilator, held operation by operation against the values of the engine's tap and the cycles of the schedule.
 *
 * Values and times are what a bench sees at the ports of the chip's memories and units (rtl/cosim): an operation starts
 * in the cycle in which its first operand is read, is busy until the one after the last operand is read, and ends in
 * the one after the last bit of its result is written. Threads: functions are re-entrant; an engine belongs to one
 * call at a time. */
#ifndef ROMA_COSIM_H
#define ROMA_COSIM_H

#include "roma/cost.h"
#include "roma/exec.h"
#include "roma/rtl.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The adapters of all rows from a position on, until the next set begins; loaded between two steps where they are not
 * on the chip yet. */
typedef struct {
    uint32_t position;        /* of the first row that has them */
    uint32_t set;             /* the engine's set of these rows, the same adapters */
    const uint32_t *adapters; /* [n]: which of the run's, in the order in which they are added */
    const float *factors;     /* [n], none of them 0 */
    uint32_t n;               /* 0: the base alone */
} roma_cosim_set;

/* What is run. All that it points to is the caller's. */
typedef struct {
    const roma_image *image;
    const roma_placement *place;         /* of the image's plan */
    roma_exec *engine;                   /* of the same plan, its sequence 0 empty, with rows for a chunk */
    const roma_adapter *const *adapters; /* [n_adapters] of all sets */
    uint32_t n_adapters;
    const roma_cosim_set *sets;    /* [n_sets], by position; the first one from 0 on */
    size_t n_sets;                 /* 1 or more */
    const int32_t *prompt;         /* token ids */
    size_t n_prompt;               /* 1 or more */
    uint32_t tokens;               /* to generate, greedily; 1 or more */
    uint32_t chunk;                /* rows of a step of the prompt; 0: the chip's chunk_rows */
    const roma_rtl_styles *styles; /* of L-Units and their ROMs; NULL: arrays, so that images of a shape share a chip */
    const char *rtl;               /* folder of the blocks, with the bench in its folder cosim */
    const char *cache;             /* folder that keeps simulators by what they were made of; made when missing */
    const char *vcd;               /* waveform to write, or NULL */
    const char *fault;             /* fault to plant (docs/hardware.md), or NULL */
    bool quick;                    /* FP32 sums and products by stand-ins that compute with the host's */
    bool all;                      /* go on after a difference */
    const roma_progress *progress; /* or NULL */
} roma_cosim_config;

/* What one side says of an operation on a block of rows. Cycles of the step; UINT64_MAX: not seen. */
typedef struct {
    uint64_t start, busy, end;
    /* CRC-32C of the result, as in docs/trace-format.md, of this block's rows; of a down of the codes of h, 16 bits
     * each, and t; of an up of what it adds */
    uint32_t crc;
} roma_cosim_times;
typedef struct {
    uint32_t step, order; /* number of the step, and of the record in it, in the order of issue */
    uint32_t op, block;   /* of the plan; of the step's rows */
    roma_cost_part part;  /* of the operation: itself, or an adapter's down or up */
    uint32_t place;       /* of the adapter in its set */
    uint64_t reads;       /* cycles in which the gates read operands */
    roma_cosim_times rtl, model;
    bool differs;
    const char *difference; /* the first one, a sentence; empty: there is none, or it is of no operation */
} roma_cosim_record;

/* Sums of one kind of operation; behind the kinds of the plan stand adapters' downs and ups. */
enum { ROMA_COSIM_DOWNS = ROMA_OP_COUNT, ROMA_COSIM_UPS, ROMA_COSIM_SUMS };
typedef struct {
    uint64_t instances, cycles_rtl, cycles_model; /* from start to end */
    uint64_t padding_cyc;                         /* of these without an operand read, where the law has no wait */
} roma_cosim_sum;
typedef struct {
    uint64_t tokens, mismatches, cycles_rtl, cycles_model;
    double seconds, build_seconds; /* of the simulation; of making the simulator, 0 when one was kept */
    roma_cosim_sum of[ROMA_COSIM_SUMS];
    char first[400]; /* the first difference, a sentence; empty: there is none */
} roma_cosim_report;

/* Runs the chip and fills *out. record (may be NULL) gets every record in the order in which operations end. A
 * difference is no error: mismatches counts the records that differ, and unless c->all the run ends with the first.
 * EUNSUPPORTED for what is not built in gates; EIO, with the package's name, when Verilator is missing, or Yosys for a
 * netlist, and for what the system refuses; EINPUT for what needs the source tree around the folder of the blocks and
 * has none; EINTERNAL, with the log's name, when the simulator or a netlist cannot be made; ECANCEL; errors of
 * roma_rtl_chip_emit, roma_exec_step and roma_cost_step. */
int roma_cosim_run(const roma_cosim_config *c, roma_cosim_report *out,
                   void (*record)(void *ctx, const roma_cosim_record *r), void *ctx, roma_error *err);

#ifdef __cplusplus
}
#endif
#endif
