/* What the machine could do at best: bytes read from memory and 8-bit multiply-adds a second. Shared by roma bench and
 * bench/. */
#ifndef TOOLS_ROOF_H
#define TOOLS_ROOF_H

#include "roma/base.h"

/* A GiB in huge pages, to be read; NULL when there is no memory for it. */
uint8_t *roof_memory_create(roma_team *team);
void roof_memory_destroy(uint8_t *memory);
/* One read of it by all threads of the team, GB/s; 0 of NULL. The bandwidth of a moment is the best of five. */
double roof_read_gb_s(roma_team *team, const uint8_t *memory);
/* Best of fifty short loops of independent 8-bit products, operands in registers, by all threads of the team, GMAC/s:
 * vpdpbusd or sdot, and vpmaddubsw with 16-bit sums for "avx2". isa is a name of roma_kern; a machine without such
 * products gives 0. */
double roof_int8_gmac_s(roma_team *team, const char *isa);
/* The CPU's own name for itself, "unknown" where it has none. */
const char *roof_cpu(char *buf, size_t cap);

/* A team function: all threads read the block once. base is aligned to 4096, bytes a multiple of it. */
typedef struct {
    const uint8_t *base;
    size_t bytes;
    uint64_t sink[64]; /* so that the reads happen */
} roof_block;
void roof_read_run(void *block, int thread, int threads);

/* One instruction set each: a read, and rounds of products, of which a round has so many. */
enum {
    ROOF_CHAINS = 12,
    ROOF_MAC_256 = ROOF_CHAINS * 32,
    ROOF_MAC_512 = ROOF_CHAINS * 64,
    ROOF_MAC_128 = ROOF_CHAINS * 16
};
uint64_t roof_read_avx2(const uint8_t *p, size_t bytes);
void roof_mac_avx2(uint64_t rounds);
void roof_mac_avxvnni(uint64_t rounds);
void roof_mac_avx512(uint64_t rounds);
void roof_mac_neon(uint64_t rounds);

#endif
