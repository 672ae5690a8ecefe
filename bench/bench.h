/* Denominators of bench/kern_bench.c: what the machine can read and multiply. */
#ifndef ROMA_BENCH_H
#define ROMA_BENCH_H

#include "roma/base.h"
#include "roma/kern.h"

typedef struct {
    const uint8_t *base;
    size_t bytes;
} bench_read;

void bench_cpu_print(void);
void bench_read_run(void *ctx, int thread, int threads); /* reads the block once, shared among the threads */
extern const double bench_peak_macs;                     /* products of one thread in one run of the loop below */
roma_team_fn bench_peak_fn(const char *isa);             /* register-only loop of the instruction set's int8 product */

#endif
