/* SHA-256 (FIPS 180-4): streaming, the portable block function, and the choice of block function. */
#include "base/internal.h"

#include <stdatomic.h>
#include <string.h>
#ifdef __x86_64__
#include <cpuid.h>
#endif

const uint32_t roma_sha256_k[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static inline uint32_t rotr(uint32_t x, int n) { return x >> n | x << (32 - n); }

static inline uint32_t be32(const uint8_t *p) {
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | (uint32_t)p[3];
}

static void put_be32(uint8_t *p, uint32_t v) {
    p[0] = (uint8_t)(v >> 24);
    p[1] = (uint8_t)(v >> 16);
    p[2] = (uint8_t)(v >> 8);
    p[3] = (uint8_t)v;
}

/* One round of section 6.2.2, step 3. Instead of moving the eight variables along, the caller renames them:
 * only d and h change, and they are the next round's e and a. */
static inline void turn(uint32_t a, uint32_t b, uint32_t c, uint32_t *d, uint32_t e, uint32_t f, uint32_t g,
                        uint32_t *h, uint32_t kw) {
    uint32_t t1 = *h + (rotr(e, 6) ^ rotr(e, 11) ^ rotr(e, 25)) + (g ^ (e & (f ^ g))) + kw;
    *d += t1;
    *h = t1 + (rotr(a, 2) ^ rotr(a, 13) ^ rotr(a, 22)) + ((a & b) | (c & (a | b)));
}

static void block_c(uint32_t state[8], const uint8_t *p) {
    uint32_t w[64];
    for (int t = 0; t < 16; t++) w[t] = be32(p + 4 * t);
    for (int t = 16; t < 64; t++) {
        uint32_t x = w[t - 15], y = w[t - 2];
        w[t] = w[t - 16] + (rotr(x, 7) ^ rotr(x, 18) ^ x >> 3) + w[t - 7] + (rotr(y, 17) ^ rotr(y, 19) ^ y >> 10);
    }
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
    uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
    for (int t = 0; t < 64; t += 8) {
        const uint32_t *k = roma_sha256_k + t, *v = w + t;
        turn(a, b, c, &d, e, f, g, &h, k[0] + v[0]);
        turn(h, a, b, &c, d, e, f, &g, k[1] + v[1]);
        turn(g, h, a, &b, c, d, e, &f, k[2] + v[2]);
        turn(f, g, h, &a, b, c, d, &e, k[3] + v[3]);
        turn(e, f, g, &h, a, b, c, &d, k[4] + v[4]);
        turn(d, e, f, &g, h, a, b, &c, k[5] + v[5]);
        turn(c, d, e, &f, g, h, a, &b, k[6] + v[6]);
        turn(b, c, d, &e, f, g, h, &a, k[7] + v[7]);
    }
    const uint32_t after[8] = {a, b, c, d, e, f, g, h};
    for (int i = 0; i < 8; i++) state[i] += after[i];
}

void roma_sha256_blocks_c(uint32_t state[8], const uint8_t *p, size_t n) {
    for (; n; n--, p += 64) block_c(state, p);
}

/* __builtin_cpu_supports does not know SHA in every compiler we build with. cpuid is slow under a
 * hypervisor, so the answer is kept; two threads that ask at once store the same one. */
bool roma_sha256_has_shani(void) {
#ifdef __x86_64__
    static atomic_int known; /* 0 not asked, 1 no, 2 yes */
    int k = atomic_load_explicit(&known, memory_order_relaxed);
    if (!k) {
        unsigned a, b = 0, c, d;
        bool sha = __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b >> 29 & 1);
        k = sha && __builtin_cpu_supports("sse4.1") && __builtin_cpu_supports("ssse3") ? 2 : 1;
        atomic_store_explicit(&known, k, memory_order_relaxed);
    }
    return k == 2;
#else
    return false;
#endif
}

static void blocks(uint32_t state[8], const uint8_t *p, size_t n) {
#ifdef __x86_64__
    if (roma_sha256_has_shani()) {
        roma_sha256_blocks_shani(state, p, n);
        return;
    }
#endif
    roma_sha256_blocks_c(state, p, n);
}

void roma_sha256_init(roma_sha256 *h) {
    *h = (roma_sha256){
        .state = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19}};
}

void roma_sha256_update(roma_sha256 *h, const void *data, size_t n) {
    const uint8_t *p = data;
    size_t held = h->bytes % 64;
    if (!n) return;
    h->bytes += n;
    if (held) {
        size_t take = n < 64 - held ? n : 64 - held;
        memcpy(h->block + held, p, take);
        p += take;
        n -= take;
        if (held + take < 64) return;
        blocks(h->state, h->block, 1);
    }
    if (n >= 64) blocks(h->state, p, n / 64);
    memcpy(h->block, p + n / 64 * 64, n % 64);
}

int roma_sha256_update_told(roma_sha256 *h, const void *data, uint64_t n, const roma_progress *progress,
                            const char *what) {
    const uint64_t piece = (uint64_t)4 << 20;
    int rc = ROMA_OK;
    for (uint64_t at = 0; at < n && !rc; at += piece) {
        const uint64_t step = n - at < piece ? n - at : piece;
        roma_sha256_update(h, (const uint8_t *)data + at, (size_t)step);
        rc = roma_progress_tell(progress, what, at + step, n);
    }
    return rc;
}

void roma_sha256_final(roma_sha256 *h, uint8_t out[32]) {
    uint64_t bits = h->bytes * 8;
    uint8_t pad[72] = {0x80};
    size_t zeros = (119 - h->bytes % 64) % 64; /* so that 8 bytes of length end a block */
    put_be32(pad + 1 + zeros, (uint32_t)(bits >> 32));
    put_be32(pad + 5 + zeros, (uint32_t)bits);
    roma_sha256_update(h, pad, 9 + zeros);
    for (int i = 0; i < 8; i++) put_be32(out + 4 * i, h->state[i]);
}
