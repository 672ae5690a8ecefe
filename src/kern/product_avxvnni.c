/* Products on AVX2 with VNNI: docs/numerics.md section 3. vpdpbusd sums four products of an unsigned code and an
 * activation in 32 bits, so every format multiplies alike: two per sub-group of eight inputs, then its shift. Signed
 * levels get 128 added.
 *
 * The instruction exists as AVX-VNNI, for CPUs without AVX-512, and as the VL form of AVX-512 VNNI; this source is
 * compiled for the one its flags allow. The library has the first, the tests run both, and an emulation. */
#define SIGNED_OFFSET 128
#define PACK_AS PACK_SHIFT
#define FINE_OFFSET 512
#include "unpack_avx2.h"
#include "vector.h"
#include "one_class.h"

#if defined(__AVXVNNI__) && !defined(ROMA_SIMDE)
#define dpbusd(sum, codes, acts) _mm256_dpbusd_avx_epi32(sum, codes, acts)
#else
#define dpbusd(sum, codes, acts) _mm256_dpbusd_epi32(sum, codes, acts)
#endif

ALWAYS_INLINE int rows_of(int class) { return (void)class, 4; }
ALWAYS_INLINE __m256i row_integer(unsigned bits, __m256i sum) { return (void)bits, sum; }

/* sum + the product of a sub-group's codes w and activations a, shifted. */
ALWAYS_INLINE __m256i add_subgroup(__m256i sum, __m256i w0, __m256i w1, const __m256i a[2], __m256i shift) {
    return _mm256_add_epi32(sum, _mm256_sllv_epi32(dpbusd(dpbusd(_mm256_setzero_si256(), w0, a[0]), w1, a[1]), shift));
}

/* The same of fine levels, w their low and high parts. */
ALWAYS_INLINE __m256i add_fine(__m256i sum, const __m256i w[4], const __m256i a[2], __m256i shift) {
    const __m256i low = dpbusd(dpbusd(_mm256_setzero_si256(), w[0], a[0]), w[1], a[1]),
                  high = dpbusd(dpbusd(_mm256_setzero_si256(), w[2], a[0]), w[3], a[1]);
    return _mm256_add_epi32(sum, _mm256_sllv_epi32(_mm256_add_epi32(low, _mm256_slli_epi32(high, FINE_SHIFT)), shift));
}

/* The integers of a stripe, added to those of both halves of the tile: inputs 0..15 to first, 16..31 to second. */
ALWAYS_INLINE void row_stripe(const job *j, const record *r, const uint8_t *tile, unsigned bits, uint64_t s,
                              __m256i *first, __m256i *second) {
    const uint8_t *lo = tile + s * lo_bytes(bits), *hi = tile + j->l.plane_hi + s * hi_bytes(bits);
    for (int b = 0; b < 4; b++) {
        const __m256i a[2] = {keep(broadcast(&r->code[2 * b])), keep(broadcast(&r->code[2 * b + 1]))},
                      shift = keep(broadcast(&r->shift[b]));
        __m256i *sum = b < 2 ? first : second;
        for (int h = 0; h < 2; h++) {
            __m256i w[2];
            unpack_subgroup(bits, j, lo + 32 * h, hi + 32 * h, b, w);
            if (bits == FINE) {
                const __m256i parts[4] = {fine_part(j, 0, w[0]), fine_part(j, 0, w[1]), fine_part(j, 1, w[0]),
                                          fine_part(j, 1, w[1])};
                sum[h] = add_fine(sum[h], parts, a, shift);
            } else
                sum[h] = add_subgroup(sum[h], w[0], w[1], a, shift);
        }
    }
}

/* sum[2 * r + h] += integer of half stripe i of row r and half h of the tile. */
ALWAYS_INLINE void half_stripes(const void *rec, size_t row, int rows, const __m256i w[2][16], int i, int class,
                                __m256i sum[SUMS]) {
    for (int b = 2 * i; b < 2 * i + 2; b++) {
        const __m256i v[4] = {keep(w[0][2 * b]), keep(w[0][2 * b + 1]), keep(w[1][2 * b]), keep(w[1][2 * b + 1])};
        for (int r = 0; r < rows; r++) {
            const record *at = (const record *)rec + row + r;
            const __m256i a[2] = {keep(broadcast(&at->code[2 * b])), keep(broadcast(&at->code[2 * b + 1]))},
                          shift = keep(broadcast(&at->shift[b]));
            for (int h = 0; h < 2; h++) {
                const __m256i parts[4] = {v[2 * h], v[2 * h + 1], w[h][8 + 2 * b], w[h][8 + 2 * b + 1]};
                sum[2 * r + h] = class == FINE_CODES ? add_fine(sum[2 * r + h], parts, a, shift)
                                                     : add_subgroup(sum[2 * r + h], parts[0], parts[1], a, shift);
            }
        }
    }
}

ALWAYS_INLINE void arrange(const job *j, unsigned bits, const __m256i v[8], __m256i w[16]) {
    for (int i = 0; i < 8; i++) {
        w[i] = bits == FINE ? fine_part(j, 0, v[i]) : v[i];
        w[8 + i] = bits == FINE ? fine_part(j, 1, v[i]) : v[i];
    }
}

#include "half.h"

PRODUCT(FAR)
#ifndef ROMA_SIMDE
PRODUCT(NEAR)
#endif
TABLES(avxvnni, FAR, NEAR, avx2, avx2)
