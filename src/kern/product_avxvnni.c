/* Products on AVX2 with VNNI: docs/numerics.md section 3. vpdpbusd sums four products of an unsigned code and an
 * activation in 32 bits: two per sub-group of eight inputs. Signed levels get 128 added. Integers of several rows are
 * summed in FP32 where that is exact, as on AVX-512 (product_avx512.c has the reasons): the products start from the
 * bits of 1.5 * 2^(23 + shift), which are subtracted again, so that nothing is shifted, converted or made zero.
 * Elsewhere there is a shift for each sub-group. Several rows have fine levels in 16 bits, and activations with their
 * shift done.
 *
 * The instruction exists as AVX-VNNI, for CPUs without AVX-512, and as the VL form of AVX-512 VNNI; this source is
 * compiled for the one its flags allow. The library has the first, the tests run both, and an emulation. */
#define SIGNED_OFFSET 128
#include "unpack_avx2.h"
#include "vector.h"

#if defined(__AVXVNNI__) && !defined(ROMA_SIMDE)
#define dpbusd(sum, codes, acts) _mm256_dpbusd_avx_epi32(sum, codes, acts)
#define add_products(sum, w, a) _mm256_dpwssd_avx_epi32(sum, w, a)
#else
#define dpbusd(sum, codes, acts) _mm256_dpbusd_epi32(sum, codes, acts)
#define add_products(sum, w, a) _mm256_dpwssd_epi32(sum, w, a)
#endif

enum { CODES, EXACT, LEVELS }; /* summed in int32, in FP32; fine levels */
#define CLASSES 3
#include "wide_avx2.h"

enum { FINE_SHIFT = 4 }; /* one row has fine levels in two parts: bits of the lower one */
ALWAYS_INLINE void init_fine(job *j, bool one_row) { fine_init(j, one_row ? FINE_SHIFT : 8, one_row ? 512 : 0); }

/* Whether FP32 holds every sum of a group: max|level - zero| * 127 * 2^7 * group <= 2^24. Sums begin with the zero
 * points' share, so that each input's part in them is -zero or level - zero times its activation at any time. */
static bool is_exact(const roma_format *f) {
    if (f->zeros || f->bits == 8 || f->level != ROMA_LEVEL_IDENTITY) return false;
    const int above = (1 << f->bits) - 1 - f->zero, most = above > f->zero ? above : f->zero;
    return most * f->group <= (1 << 24) / (127 << 7);
}
static int class_of(const roma_format *f) { return f->level == ROMA_LEVEL_FINE ? LEVELS : is_exact(f) ? EXACT : CODES; }
ALWAYS_INLINE bool class_has(int class, unsigned bits) {
    return (class == LEVELS) == (bits == FINE) && !(class == EXACT && is_signed(bits));
}
ALWAYS_INLINE bool bias_first(int class) { return class == EXACT; }
/* What formats are mostly; the others have no functions for a few rows. */
ALWAYS_INLINE int walk_class(int rows, unsigned bits, unsigned kind, unsigned extra) {
    return rows == 1                                                                  ? CODES
           : bits == FINE                                                             ? LEVELS
           : is_signed(bits) || extra == OWN_ZEROS || (bits == 6 && kind != GROUP_16) ? CODES
                                                                                      : EXACT;
}
ALWAYS_INLINE int rows_of(int class) { return (void)class, 4; }
ALWAYS_INLINE __m256i row_integer(unsigned bits, __m256i sum) { return (void)bits, sum; }

ALWAYS_INLINE __m256i add_floats(__m256i a, __m256i b) {
    return _mm256_castps_si256(_mm256_add_ps(_mm256_castsi256_ps(a), _mm256_castsi256_ps(b)));
}
ALWAYS_INLINE __m256 sum_value(__m256i sum, int class) {
    return class == EXACT ? _mm256_castsi256_ps(sum) : _mm256_cvtepi32_ps(sum);
}

/* ---- records ---------------------------------------------------------------------------------------- */

/* EXACT: instead of shifts what products start from; each stripe has the bias of its group, in FP32. */
static void pack_exact(job *j) {
    pack_records(j, PACK_SHIFT);
    for (size_t first = 0, n; first < j->n_acts; first += n) {
        n = j->n_acts - first < BLOCK_ACTS ? j->n_acts - first : BLOCK_ACTS;
        for (size_t i = 0; i < n; i++) {
            float bias[2] = {0, 0};
            for (uint64_t s = j->stripes; s-- > 0;) {
                record *r = (record *)j->records + first * j->stripes + s * n + i;
                for (int h = 0; h < 2; h++) {
                    if (((s + 1) & (j->span - 1)) == 0) bias[h] = (float)r->bias[h];
                    r->bias[h] = (int32_t)roma_f32_bits(bias[h]);
                }
                for (int b = 0; b < 4; b++) r->shift[b] = 0x4b400000 + (r->shift[b] << 23);
            }
        }
    }
}

static void pack(job *j, int class, size_t rows) {
    if (class == LEVELS && rows != 1)
        pack_each(j, sizeof(wide_record), pack_wide);
    else if (class == EXACT && rows != 1)
        pack_exact(j);
    else
        pack_records(j, PACK_SHIFT);
}

/* ---- products --------------------------------------------------------------------------------------- */

/* sum + the product of a sub-group's codes w and activations a, shifted. */
ALWAYS_INLINE __m256i add_subgroup(__m256i sum, __m256i w0, __m256i w1, const __m256i a[2], __m256i shift, int class) {
    if (class == EXACT) {
        const __m256 p = _mm256_castsi256_ps(dpbusd(dpbusd(shift, w0, a[0]), w1, a[1]));
        return keep(add_floats(sum, _mm256_castps_si256(_mm256_sub_ps(p, _mm256_castsi256_ps(shift)))));
    }
    return _mm256_add_epi32(sum, _mm256_sllv_epi32(dpbusd(dpbusd(_mm256_setzero_si256(), w0, a[0]), w1, a[1]), shift));
}

/* The same of fine levels by their low and high parts. */
ALWAYS_INLINE __m256i add_fine(const job *j, __m256i sum, __m256i w0, __m256i w1, const __m256i a[2], __m256i shift) {
    const __m256i zero = _mm256_setzero_si256(),
                  low = dpbusd(dpbusd(zero, fine_part(j, 0, w0), a[0]), fine_part(j, 0, w1), a[1]),
                  high = dpbusd(dpbusd(zero, fine_part(j, 1, w0), a[0]), fine_part(j, 1, w1), a[1]);
    return _mm256_add_epi32(sum, _mm256_sllv_epi32(_mm256_add_epi32(low, _mm256_slli_epi32(high, FINE_SHIFT)), shift));
}

/* sum[2 * r + h] += sub-group b of row r, of codes w0[h] and w1[h] in half h of the tile. */
ALWAYS_INLINE void subgroup_rows(const record *r, int rows, int b, const __m256i w0[2], const __m256i w1[2], int class,
                                 __m256i sum[SUMS]) {
    for (int i = 0; i < rows; i++) {
        const __m256i a[2] = {keep(broadcast(&r[i].code[2 * b])), keep(broadcast(&r[i].code[2 * b + 1]))},
                      shift = keep(broadcast(&r[i].shift[b]));
        for (int h = 0; h < 2; h++) sum[2 * i + h] = add_subgroup(sum[2 * i + h], w0[h], w1[h], a, shift, class);
    }
}

/* The integers of a stripe, added to those of the rows: inputs 0..15 to first, 16..31 to second. */
ALWAYS_INLINE void row_stripe(const walk *k, const void *rec, uint64_t s, __m256i first[SUMS], __m256i second[SUMS]) {
    const uint8_t *lo = k->tile + s * lo_bytes(k->bits), *hi = k->tile + k->j->l.plane_hi + s * hi_bytes(k->bits);
    for (int b = 0; b < 4; b++) {
        __m256i w[2][2], *sum = b < 2 ? first : second;
        for (int h = 0; h < 2; h++) unpack_subgroup(k->bits, k->j, lo + 32 * h, hi + 32 * h, b, w[h]);
        if (k->class == LEVELS)
            wide_rows(k, rec, b, w, sum);
        else if (k->bits == FINE) {
            const record *r = rec;
            const __m256i a[2] = {keep(broadcast(&r->code[2 * b])), keep(broadcast(&r->code[2 * b + 1]))};
            for (int h = 0; h < 2; h++) sum[h] = add_fine(k->j, sum[h], w[h][0], w[h][1], a, broadcast(&r->shift[b]));
        } else {
            const __m256i w0[2] = {w[0][0], w[1][0]}, w1[2] = {w[0][1], w[1][1]};
            subgroup_rows(rec, k->rows, b, w0, w1, k->class, sum);
        }
    }
}

/* sum[2 * r + h] += integer of half stripe i of row r and half h of the tile. */
ALWAYS_INLINE void half_stripes(const void *rec, size_t row, int rows, const __m256i w[2][16], int i, int class,
                                __m256i sum[SUMS]) {
    if (class == LEVELS) {
        for (int p = 8 * i; p < 8 * i + 8; p++) add_wide(rec, row, rows, p, keep(w[0][p]), keep(w[1][p]), sum);
        return;
    }
    for (int b = 2 * i; b < 2 * i + 2; b++) {
        const __m256i w0[2] = {keep(w[0][2 * b]), keep(w[1][2 * b])},
                      w1[2] = {keep(w[0][2 * b + 1]), keep(w[1][2 * b + 1])};
        subgroup_rows((const record *)rec + row, rows, b, w0, w1, class, sum);
    }
}

ALWAYS_INLINE void arrange(const job *j, unsigned bits, const __m256i v[8], __m256i w[16]) {
    for (int i = 0; i < 8; i++)
        if (bits == FINE)
            widen(j, bits, v[i], w + 2 * i);
        else
            w[i] = v[i];
}

#include "half.h"

PRODUCT(FAR)
#ifndef ROMA_ONE_SET
PRODUCT(NEAR)
#endif
TABLES(avxvnni, FAR, NEAR, avx2, avx2)
