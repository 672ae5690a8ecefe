/* roof's own: one read and one loop of products for each instruction set. */
#ifndef ROOF_INTERNAL_H
#define ROOF_INTERNAL_H

#include "roma/roof.h"

/* Products of a round. */
enum {
    ROMA_ROOF_CHAINS = 12,
    ROMA_ROOF_MAC_128 = ROMA_ROOF_CHAINS * 16,
    ROMA_ROOF_MAC_256 = ROMA_ROOF_CHAINS * 32,
    ROMA_ROOF_MAC_512 = ROMA_ROOF_CHAINS * 64
};
uint64_t roma_roof_read_avx2(const uint8_t *p, size_t bytes);
void roma_roof_mac_avx2(uint64_t rounds);
void roma_roof_mac_avxvnni(uint64_t rounds);
void roma_roof_mac_avx512(uint64_t rounds);
void roma_roof_mac_neon(uint64_t rounds);

#endif
