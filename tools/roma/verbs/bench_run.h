/* The runs of roma bench. */
#ifndef TOOLS_BENCH_RUN_H
#define TOOLS_BENCH_RUN_H

#include "show/bench.h"

/* Fills b's rows, roofs and names from its open session, lists and configuration. */
int bench_run(bench *b, roma_error *err);
/* GB/s of one read of the roof's memory; the best of all such reads is b->read_gb_s. */
double bench_read(bench *b);
/* --why: times the kernel tables with the engine, which has started. */
void bench_time_tables(bench *b);

#endif
