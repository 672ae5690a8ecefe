/* CRC-32C with the SSE4.2 instruction. It takes 3 cycles and can start every cycle, so three runs of one
 * block advance side by side and are joined by multiplication (see crc32c.c for the algebra). */
#include "base/internal.h"

#ifdef __x86_64__
#include <nmmintrin.h>
#include <string.h>

static inline uint64_t step(uint64_t reg, const uint8_t *p) {
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return _mm_crc32_u64(reg, v);
}

/* Three runs of `run` bytes, a multiple of 64; once and twice are x^(8 run) and x^(16 run). The next three runs are
 * asked for meanwhile, into the second-level cache, since each run is too short for the hardware to follow (28 GB/s
 * from the cache; 6 to 8 from memory without, 10 with; docs/performance-log.md). What lies past the end is asked for in
 * vain. */
static inline uint32_t triple(uint32_t reg, const uint8_t *p, size_t run, uint32_t once, uint32_t twice) {
    uint64_t a = reg, b = 0, c = 0;
    for (const uint8_t *end = p + run; p != end; p += 64) {
        for (size_t i = 3; i < 6; i++) _mm_prefetch((const char *)p + i * run, _MM_HINT_T1);
        for (size_t i = 0; i < 64; i += 8) {
            a = step(a, p + i);
            b = step(b, p + run + i);
            c = step(c, p + 2 * run + i);
        }
    }
    return roma_crc32c_mul((uint32_t)a, twice) ^ roma_crc32c_mul((uint32_t)b, once) ^ (uint32_t)c;
}

uint32_t roma_crc32c_raw_sse42(uint32_t reg, const uint8_t *p, size_t n) {
    for (; n >= 3 * 16384; p += 3 * 16384, n -= 3 * 16384) reg = triple(reg, p, 16384, 0xbf455269, 0xe2ea32dc);
    for (; n >= 3 * 1024; p += 3 * 1024, n -= 3 * 1024) reg = triple(reg, p, 1024, 0xe4172b16, 0x0d65762a);
    uint64_t r = reg;
    for (; n >= 8; p += 8, n -= 8) r = step(r, p);
    reg = (uint32_t)r;
    for (; n; p++, n--) reg = _mm_crc32_u8(reg, *p);
    return reg;
}
#endif
