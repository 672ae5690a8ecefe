/* CRC-32C (Castagnoli; RFC 3720 appendix B.4): portable kernel, choice of kernel, joining of pieces.
 *
 * The register is a polynomial over GF(2) in reflected order: bit 31 is x^0. A zero byte after the data
 * multiplies it by x^8 modulo the polynomial, which is all that joining needs. */
#include "base/internal.h"

#define POLY 0x82f63b78u

/* table[k][b]: register after byte b and k zero bytes, for slicing by eight. It is linear in b, so the
 * eight single bits span it; the compiler writes the rest out, and there is nothing to initialise. */
#define T1(b, c0, c1, c2, c3, c4, c5, c6, c7)                                                                          \
    (((b)&1 ? c0 : 0) ^ ((b)&2 ? c1 : 0) ^ ((b)&4 ? c2 : 0) ^ ((b)&8 ? c3 : 0) ^ ((b)&16 ? c4 : 0) ^                   \
     ((b)&32 ? c5 : 0) ^ ((b)&64 ? c6 : 0) ^ ((b)&128 ? c7 : 0))
#define T4(b, ...) T1(b, __VA_ARGS__), T1((b) + 1, __VA_ARGS__), T1((b) + 2, __VA_ARGS__), T1((b) + 3, __VA_ARGS__)
#define T16(b, ...) T4(b, __VA_ARGS__), T4((b) + 4, __VA_ARGS__), T4((b) + 8, __VA_ARGS__), T4((b) + 12, __VA_ARGS__)
#define T64(b, ...)                                                                                                    \
    T16(b, __VA_ARGS__), T16((b) + 16, __VA_ARGS__), T16((b) + 32, __VA_ARGS__), T16((b) + 48, __VA_ARGS__)
#define T256(...) T64(0, __VA_ARGS__), T64(64, __VA_ARGS__), T64(128, __VA_ARGS__), T64(192, __VA_ARGS__)

static const uint32_t table[8][256] = {
    {T256(0xf26b8303, 0xe13b70f7, 0xc79a971f, 0x8ad958cf, 0x105ec76f, 0x20bd8ede, 0x417b1dbc, 0x82f63b78)},
    {T256(0x13a29877, 0x274530ee, 0x4e8a61dc, 0x9d14c3b8, 0x3fc5f181, 0x7f8be302, 0xff17c604, 0xfbc3faf9)},
    {T256(0xa541927e, 0x4f6f520d, 0x9edea41a, 0x38513ec5, 0x70a27d8a, 0xe144fb14, 0xc76580d9, 0x8b277743)},
    {T256(0xdd45aab8, 0xbf672381, 0x7b2231f3, 0xf64463e6, 0xe964b13d, 0xd725148b, 0xaba65fe7, 0x52a0c93f)},
    {T256(0x38116fac, 0x7022df58, 0xe045beb0, 0xc5670b91, 0x8f2261d3, 0x1ba8b557, 0x37516aae, 0x6ea2d55c)},
    {T256(0xef306b19, 0xdb8ca0c3, 0xb2f53777, 0x6006181f, 0xc00c303e, 0x85f4168d, 0x0e045beb, 0x1c08b7d6)},
    {T256(0x68032cc8, 0xd0065990, 0xa5e0c5d1, 0x4e2dfd53, 0x9c5bfaa6, 0x3d5b83bd, 0x7ab7077a, 0xf56e0ef4)},
    {T256(0x493c7d27, 0x9278fa4e, 0x211d826d, 0x423b04da, 0x847609b4, 0x0d006599, 0x1a00cb32, 0x34019664)},
};

uint32_t roma_crc32c_raw_c(uint32_t reg, const uint8_t *p, size_t n) {
    for (; n >= 8; p += 8, n -= 8) {
        uint32_t lo = reg ^ roma_le32(p), hi = roma_le32(p + 4);
        reg = table[7][lo & 255] ^ table[6][lo >> 8 & 255] ^ table[5][lo >> 16 & 255] ^ table[4][lo >> 24] ^
              table[3][hi & 255] ^ table[2][hi >> 8 & 255] ^ table[1][hi >> 16 & 255] ^ table[0][hi >> 24];
    }
    for (; n; p++, n--) reg = reg >> 8 ^ table[0][(reg ^ *p) & 255];
    return reg;
}

uint32_t roma_crc32c(uint32_t crc, const void *data, size_t n) {
#ifdef __x86_64__
    if (__builtin_cpu_supports("sse4.2")) return ~roma_crc32c_raw_sse42(~crc, data, n);
#endif
    return ~roma_crc32c_raw_c(~crc, data, n);
}

/* Schoolbook product from x^31 down to x^0 of a; masks instead of branches, as the bits are random. */
uint32_t roma_crc32c_mul(uint32_t a, uint32_t b) {
    uint32_t r = 0;
    for (int i = 31; i >= 0; i--) {
        r ^= b & (0u - (a >> i & 1));
        b = b >> 1 ^ (POLY & (0u - (b & 1)));
    }
    return r;
}

/* The inversions at both ends cancel: crc(AB) = crc(A) x^(8 |B|) + crc(B). */
uint32_t roma_crc32c_join(uint32_t a, uint32_t b, uint64_t b_len) {
    uint32_t square = 0x00800000; /* x^8, then its 2^k-th powers */
    for (; b_len; b_len >>= 1) {
        if (b_len & 1) a = roma_crc32c_mul(a, square);
        square = roma_crc32c_mul(square, square);
    }
    return a ^ b;
}
