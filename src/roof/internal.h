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

/* The loop of products: DECLARE, STEP and KEEP, of the file that has it, make, add to and keep sum i. The sums are
 * independent, which hides the latency, and written as instructions, as a compiler would fold or spill them. */
#define ROOF_SUMS(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11)
#define ROOF_LOOP(DECLARE, STEP, KEEP, rounds)                                                                         \
    ROOF_SUMS(DECLARE)                                                                                                 \
    for (uint64_t n = 0; n < (rounds); n++) {                                                                          \
        ROOF_SUMS(STEP)                                                                                                \
    }                                                                                                                  \
    ROOF_SUMS(KEEP)

uint64_t roma_roof_read_avx2(const uint8_t *p, size_t bytes);
void roma_roof_mac_avx2(uint64_t rounds);
void roma_roof_mac_avxvnni(uint64_t rounds);
void roma_roof_mac_avx512(uint64_t rounds);
void roma_roof_mac_neon(uint64_t rounds);

#endif
