/* Products on AVX2: docs/numerics.md section 3, eight rows in eight lanes, a tile as two halves.
 *
 * vpmaddubsw sums two products of an unsigned code and an activation in 16 bits; codes of up to 6 bits leave room to
 * add two of those before vpmaddwd widens them, and its factor, 2^shift, applies the shift for nothing. Codes of up to
 * 5 bits leave room for four: with several rows of activations two sub-groups, interleaved by pairs of inputs, share
 * one vpmaddwd with a factor each. Signed levels (8 bits, tables) have no room: one row gives their sign to the
 * activation, several rows have them widened to meet the shifted activations in 16 bits. */
#define SIGNED_OFFSET 0
#include "unpack_avx2.h"
#include "vector.h"
#include "walk.h"

#define add_products(sum, w, a) _mm256_add_epi32(sum, _mm256_madd_epi16(w, a))
enum { CODES_5, CODES_6, LEVELS }; /* unsigned of up to 5 bits, of 6 bits, signed */
#include "wide_avx2.h"

#define CLASSES 3
ALWAYS_INLINE int class_of_width(unsigned bits) {
    return is_signed(bits) || bits == FINE ? LEVELS : bits == 6 ? CODES_6 : CODES_5;
}
ALWAYS_INLINE int class_of(const roma_format *f) { return class_of_width(width_of(f)); }
ALWAYS_INLINE bool class_has(int class, unsigned bits) { return class == class_of_width(bits); }
ALWAYS_INLINE bool bias_first(int class) { return (void)class, false; }
ALWAYS_INLINE floats sum_value(ints sum, int class) { return (void)class, to_floats(sum); }

/* Of a few rows levels are widened, of one they give their sign away. */
ALWAYS_INLINE int walk_class(int rows, unsigned bits, unsigned kind, unsigned extra) {
    return (void)kind, (void)extra, rows > 1 ? class_of_width(bits) : CODES_5;
}

/* Codes have sums in 16 bits beside those in 32. */
ALWAYS_INLINE int rows_of(int class) { return class == LEVELS ? 4 : 2; }

/* Fine levels: several rows have them in 16 bits, one row in two parts of four and six bits, unsigned. */
ALWAYS_INLINE void init_fine(job *j, bool one_row) { fine_init(j, one_row ? 4 : 8, one_row ? 512 : 0); }

/* ---- records: in order for one row, interleaved by pairs for several, or shifted and wide ----------- */

/* Sub-groups A, B interleaved by pairs of inputs, (a0 a1 b0 b1) (a2 a3 b2 b3) ..., under one factor for both. */
static inline void pack_pairs(void *rec, const roma_act *a, uint64_t s) {
    record *r = rec;
    const __m256i order =
        _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 1, 8, 9, 2, 3, 10, 11, 4, 5, 12, 13, 6, 7, 14, 15));
    const __m256i code = _mm256_load_si256((const __m256i *)(const void *)(a->code + 32 * s));
    _mm256_store_si256((__m256i *)rec, _mm256_shuffle_epi8(code, order));
    for (uint64_t h = 0; h < 2; h++)
        r->shift[h] = (a->mult[4 * s + 2 * h] & 0xffffu) | (a->mult[4 * s + 2 * h + 1] & 0xffff0000u);
}

/* In order, the factors of every other sub-group 16 times larger: see two_bits. */
static inline void pack_two_bits(void *rec, const roma_act *a, uint64_t s) {
    record *r = rec;
    pack_mult(rec, a, s);
    r->shift[0] *= 16;
    r->shift[2] *= 16;
}

static void pack(job *j, int class, size_t rows) {
    if (class == LEVELS && rows != 1)
        pack_each(j, sizeof(wide_record), pack_wide);
    else if (rows && width_of(j->f) == 2)
        pack_each(j, sizeof(record), pack_two_bits);
    else if (rows)
        pack_records(j, PACK_MULT);
    else
        pack_each(j, sizeof(record), pack_pairs);
}
/* ---- one row, or a few ------------------------------------------------------------------------------ */

/* Four fields of two bits with one shift instead of three: those of the second sub-group stay at bit 4 and are 16 times
 * too large, which is what the factors of the first make up for, and row_integer for both. 48 * 127 * 4 fits in 16
 * bits. */
ALWAYS_INLINE void two_bits(const uint8_t *lo, int b, __m256i w[2]) {
    const __m256i p = plane(lo + 64 * (b / 2));
    w[0] = _mm256_and_si256(p, _mm256_set1_epi8(b % 2 ? 48 : 3));
    w[1] = _mm256_and_si256(shift_right_16(p, 2), _mm256_set1_epi8(b % 2 ? 48 : 3));
}
ALWAYS_INLINE __m256i row_integer(unsigned bits, __m256i sum) { return bits == 2 ? _mm256_srai_epi32(sum, 4) : sum; }

/* |level| <= 128 and |activation| <= 127: two products fit in 16 bits, four do not. */
ALWAYS_INLINE __m256i signed_four(__m256i w, __m256i act, __m256i factor) {
    return _mm256_madd_epi16(_mm256_maddubs_epi16(_mm256_abs_epi8(w), _mm256_sign_epi8(act, w)), factor);
}

/* Products of codes of up to 6 bits with activations, under their factor. */
ALWAYS_INLINE __m256i unsigned_eight(__m256i w0, __m256i w1, __m256i a, __m256i c, __m256i factor) {
    return _mm256_madd_epi16(_mm256_add_epi16(_mm256_maddubs_epi16(w0, a), _mm256_maddubs_epi16(w1, c)), factor);
}

ALWAYS_INLINE void code_rows(const walk *k, const record *r, int b, const __m256i w[2][2], __m256i sum[SUMS]) {
    for (int i = 0; i < k->rows; i++) {
        const __m256i a = keep(broadcast(&r[i].code[2 * b])), c = keep(broadcast(&r[i].code[2 * b + 1])),
                      f = keep(broadcast(&r[i].shift[b]));
        for (int h = 0; h < 2; h++) {
            const __m256i w0 = w[h][0], w1 = w[h][1],
                          v = is_signed(k->bits) ? _mm256_add_epi32(signed_four(w0, a, f), signed_four(w1, c, f))
                              : k->bits == FINE
                                  ? _mm256_add_epi32(
                                        unsigned_eight(fine_part(k->j, 0, w0), fine_part(k->j, 0, w1), a, c, f),
                                        unsigned_eight(fine_part(k->j, 1, w0), fine_part(k->j, 1, w1), a, c,
                                                       shift_left_16(f, 4)))
                                  : unsigned_eight(w0, w1, a, c, f);
            sum[2 * i + h] = keep(_mm256_add_epi32(sum[2 * i + h], v));
        }
    }
}

/* The integers of a stripe, added to those of the rows: inputs 0..15 to first, 16..31 to second. */
ALWAYS_INLINE void row_stripe(const walk *k, const void *rec, uint64_t s, __m256i first[SUMS], __m256i second[SUMS]) {
    const unsigned bits = k->bits;
    const uint8_t *lo = k->tile + s * lo_bytes(bits), *hi = k->tile + k->j->l.plane_hi + s * hi_bytes(bits);
    for (int b = 0; b < 4; b++) {
        __m256i w[2][2];
        for (int h = 0; h < 2; h++) {
            if (bits == 2)
                two_bits(lo + 32 * h, b, w[h]);
            else
                unpack_subgroup(bits, k->j, lo + 32 * h, hi + 32 * h, b, w[h]);
            if (k->rows > 1)
                for (int i = 0; i < 2; i++) w[h][i] = keep(w[h][i]);
        }
        if (k->class == LEVELS)
            wide_rows(k, rec, b, w, b < 2 ? first : second);
        else
            code_rows(k, rec, b, w, b < 2 ? first : second);
    }
}

/* ---- several rows ---------------------------------------------------------------------------------- */

/* sum[2 * r + h] += integer of half stripe i of row r and half h of the tile; w holds interleaved codes, or widened
 * levels. */
ALWAYS_INLINE void half_stripes(const void *rec, size_t row, int rows, const __m256i w[2][16], int i, int class,
                                __m256i sum[SUMS]) {
    if (class == LEVELS) {
        for (int p = 8 * i; p < 8 * i + 8; p++) add_wide(rec, row, rows, p, keep(w[0][p]), keep(w[1][p]), sum);
        return;
    }
    __m256i v16[4];
    for (int p = 0; p < 4; p++) {
        const __m256i w0 = keep(w[0][4 * i + p]), w1 = keep(w[1][4 * i + p]);
        for (int r = 0; r < rows; r++) {
            const record *at = (const record *)rec + row + r;
            const __m256i a = keep(broadcast(&at->code[4 * i + p])),
                          v[2] = {_mm256_maddubs_epi16(w0, a), _mm256_maddubs_epi16(w1, a)};
            const bool fresh = p == 0 || (class == CODES_6 && p == 2), full = p == 3 || (class == CODES_6 && p == 1);
            for (int h = 0; h < 2; h++) {
                v16[2 * r + h] = fresh ? v[h] : keep(_mm256_add_epi16(v16[2 * r + h], v[h]));
                if (full)
                    sum[2 * r + h] = keep(
                        _mm256_add_epi32(sum[2 * r + h], _mm256_madd_epi16(v16[2 * r + h], broadcast(&at->shift[i]))));
            }
        }
    }
}

/* Codes of a stripe in the order of the records: interleaved by pairs, or widened to (even, odd). */
ALWAYS_INLINE void arrange(const job *j, unsigned bits, const __m256i v[8], __m256i w[16]) {
    if (bits == FINE || is_signed(bits)) {
        for (int i = 0; i < 8; i++) widen(j, bits, v[i], w + 2 * i);
        return;
    }
    for (int i = 0; i < 8; i += 4)
        for (int b = 0; b < 2; b++) {
            w[i + 2 * b] = _mm256_blend_epi16(v[i + b], _mm256_slli_epi32(v[i + b + 2], 16), 0xaa);
            w[i + 2 * b + 1] = _mm256_blend_epi16(_mm256_srli_epi32(v[i + b], 16), v[i + b + 2], 0xaa);
        }
}

#include "half.h"

PRODUCT(FAR)
#ifndef ROMA_ONE_SET
PRODUCT(NEAR)
#endif
TABLES(avx2, FAR, NEAR, avx2, avx2)
