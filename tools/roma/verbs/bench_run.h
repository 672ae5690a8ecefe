/* The runs of roma bench. */
#ifndef TOOLS_BENCH_RUN_H
#define TOOLS_BENCH_RUN_H

#include "show/bench.h"

/* Fills b's rows, roofs and names from its open session, lists and configuration. */
int bench_run(bench *b, roma_error *err);

#endif
