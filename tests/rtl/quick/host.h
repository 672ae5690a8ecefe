/* FP32 arithmetic of this machine for the stand-ins beside this file; a NaN is 7FC00000. */
#ifndef ROMA_TESTS_RTL_QUICK_HOST_H
#define ROMA_TESTS_RTL_QUICK_HOST_H

#include <cmath>
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
static inline uint32_t host_from_int(uint64_t x) { return host_bits((float)(int64_t)x); }
/* near(x 2^power), held to the integers of `bits` bits without the least one; a NaN gives 0. */
static inline uint32_t host_to_int(uint32_t x, uint32_t power, uint32_t bits) {
    const double y = std::nearbyint(std::ldexp((double)host_float(x), (int32_t)power)), most = std::ldexp(1.0, (int)bits - 1) - 1;
    return y != y ? 0 : (uint32_t)(int32_t)(y > most ? most : y < -most ? -most : y);
}

#endif
