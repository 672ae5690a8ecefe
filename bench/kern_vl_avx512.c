/* bench/kern_bench.c for the AVX-VNNI products as AVX-512 VL encodes the same instruction, for a machine that has
 * AVX-512 and not AVX-VNNI. The Makefile keeps the sixteen upper registers from the compiler, which AVX-VNNI has not.
 * "avxvnni", or "avxvnni-l1", is the only name; the peak is AVX-512's: where a core does a 512-bit operation as two of
 * 256 bits, the two peaks are one. This file's tables take the place of the library's. */
#include "kern/product_avxvnni.c"

static const roma_kern *find(const char *name) {
    if (!roma_kern_get(ROMA_ISA_AVX512)) return NULL;
    return !strcmp(name, "avxvnni-l1")                         ? &roma_kern_table_avxvnni_near
           : !strcmp(name, "avxvnni") || !strcmp(name, "auto") ? &roma_kern_table_avxvnni
                                                               : NULL;
}
#define BENCH_FIND(name) find(name)
#define BENCH_PEAK(k) "avx512"
#include "kern_bench.c"
