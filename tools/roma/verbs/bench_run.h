/* The runs of roma bench. */
#ifndef TOOLS_BENCH_RUN_H
#define TOOLS_BENCH_RUN_H

#include "show/bench.h"

/* Fills b's rows, roofs and names from its open session, lists and configuration. */
int bench_run(bench *b, roma_error *err);
/* GB/s of one read of the roof's memory; the best of all such reads is b->read_gb_s. */
double bench_read(bench *b);
/* Row of a decode: some token of the model, with logits, and the adapters of the command line. */
roma_exec_row bench_row_of(const bench *b, uint32_t sequence, uint32_t batch, uint32_t position);
/* Fills the caches of the first `batch` sequences up to `depth`. */
int bench_fill(bench *b, uint32_t batch, uint32_t depth, roma_error *err);
/* --stability: fills b->stability, whose wanted_seconds are set, with the engine, which has started. An interruption
 * ends the run and is no error. */
int bench_stability(bench *b, roma_error *err);
/* --why: times the kernel tables with the engine, which has started. */
void bench_time_tables(bench *b);

#endif
