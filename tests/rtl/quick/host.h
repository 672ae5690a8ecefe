/* FP32 arithmetic of this machine for the stand-ins beside this file; a NaN is 7FC00000. */
#ifndef ROMA_TESTS_RTL_QUICK_HOST_H
#define ROMA_TESTS_RTL_QUICK_HOST_H

#include <cstdint>
#include <cstring>

static inline float host_float(uint32_t u) {
    float f;
    memcpy(&f, &u, 4);
    return f;
}
static inline uint32_t host_bits(float f) {
    uint32_t u;
    memcpy(&u, &f, 4);
    return f != f ? 0x7fc00000u : u;
}
static inline uint32_t host_product(uint32_t a, uint32_t b) { return host_bits(host_float(a) * host_float(b)); }
static inline uint32_t host_sum(uint32_t a, uint32_t b) { return host_bits(host_float(a) + host_float(b)); }

#endif
