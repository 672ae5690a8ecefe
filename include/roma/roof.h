/* roof - what this host could do at best: bytes read from memory and 8-bit multiply-adds a second.
 *
 * A speed is a share of one of these roofs. They are measured, not looked up, because a shared machine gives another
 * one every second: measure them beside the work, on a team of as many threads. Thread rule: a call works on the whole
 * team and belongs to the thread that may run it.
 */
#ifndef ROMA_ROOF_H
#define ROMA_ROOF_H

#include "roma/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A GiB in huge pages, filled by the team, to be read; the caller owns it. NULL when there is no memory for it. */
uint8_t *roma_roof_memory_create(roma_team *team);
void roma_roof_memory_destroy(uint8_t *memory); /* NULL does nothing */
/* GB/s of one read of that GiB by all threads of the team; 0 where memory is NULL. The bandwidth of a moment is the
 * best of five. */
double roma_roof_read_gb_s(roma_team *team, const uint8_t *memory);
/* GMAC/s of 8-bit products by all threads of the team, the best of fifty short loops with operands in registers:
 * vpdpbusd or sdot, and vpmaddubsw with 16-bit sums for "avx2". isa is the name of a kernel table that runs here
 * (roma/kern.h); one without such products, and an unknown name, gives 0. */
double roma_roof_int8_gmac_s(roma_team *team, const char *isa);
/* The CPU's own name for itself in buf, "unknown" where it has none; returns buf. */
const char *roma_roof_cpu(char *buf, size_t cap);

/* A block of memory and the team function that reads it once, for who measures pieces. base is aligned to 4096 bytes,
 * bytes a multiple of 4096. */
typedef struct {
    const uint8_t *base;
    size_t bytes;
    uint64_t sink[64]; /* of each thread: what its reads add up to, so that they happen */
} roma_roof_block;
void roma_roof_read_run(void *block, int thread, int threads);

#ifdef __cplusplus
}
#endif
#endif
