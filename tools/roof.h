/* What the machine could do at best: bytes read from memory and 8-bit multiply-adds a second. Shared by bench and tools around it. */
#ifndef TOOLS_ROOF_H
#define TOOLS_ROOF_H

#include "roma/base.h"

/* Best of five reads of a buffer of 1 GiB in huge pages by all threads of the team, GB/s; 0 when there is no memory for it. */
double roof_read_gb_s(roma_team *team);
/* 8-bit multiply-adds with the best instruction this CPU has, operands in registers, GMAC/s. */
double roof_int8_gmac_s(roma_team *team);

/* One instruction set each: sum of a buffer (so that the reads happen), and n rounds of products. */
enum { ROOF_MAC_AVX2 = 12 * 32, ROOF_MAC_AVX512 = 16 * 64 }; /* multiply-adds of a round */
uint64_t roof_read_avx2(const uint8_t *p, size_t bytes);
uint64_t roof_read_avx512(const uint8_t *p, size_t bytes);
int roof_mac_avx2(uint64_t rounds);
int roof_mac_avx512(uint64_t rounds);

#endif
