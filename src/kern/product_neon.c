/* Products on NEON with the dot product of ARMv8.2: docs/numerics.md section 3. sdot sums four products of signed bytes
 * per lane, one of its operands from any lane of a register: 16 activations come in one load, and codes of every width
 * are signed bytes as they are. Two sdots per sub-group of eight inputs and four rows, then a multiply-add by 2^shift.
 */
#define SIGNED_OFFSET 0
#include "unpack_neon.h"
#include "vector.h"
#include "walk.h"

/* Every width of code is multiplied alike, and the two parts of fine levels as codes of their own. */
#define FINE_SHIFT 4
enum { CODES, FINE_CODES };
#define CLASSES 2
ALWAYS_INLINE int class_of(const roma_format *f) { return width_of(f) == FINE ? FINE_CODES : CODES; }
ALWAYS_INLINE bool class_has(int class, unsigned bits) { return (class == FINE_CODES) == (bits == FINE); }
ALWAYS_INLINE bool bias_first(int class) { return (void)class, false; }
ALWAYS_INLINE floats sum_value(ints sum, int class) { return (void)class, to_floats(sum); }
ALWAYS_INLINE int walk_class(int rows, unsigned bits, unsigned kind, unsigned extra) {
    return (void)rows, (void)kind, (void)extra, bits == FINE ? FINE_CODES : CODES;
}
ALWAYS_INLINE void init_fine(job *j, bool one_row) {
    (void)one_row;
    fine_init(j, FINE_SHIFT, 0);
}

static void pack(job *j, int class, size_t rows) {
    (void)class, (void)rows;
    pack_records(j, PACK_FACTOR);
}
ALWAYS_INLINE size_t record_bytes(int class) { return (void)class, sizeof(record); }
ALWAYS_INLINE const int32_t *record_bias(const void *rec, size_t i, int class) {
    return (void)class, ((const record *)rec)[i].bias;
}
ALWAYS_INLINE const float *record_z(const void *rec, size_t i, int class) {
    return (void)class, ((const record *)rec)[i].z;
}

/* A few rows one after the other, where that is quicker than codes that pass through memory for all of them: three of
 * plain codes, two of those that have more to unpack, one where groups of 16 have their scales unpacked anew as well.
 */
#define FEW_IS_ONE
enum { FEW = 1 };
ALWAYS_INLINE size_t few_rows(const job *j, unsigned bits) {
    return j->kind == GROUP_16 ? 1 : !j->ints && (bits == 2 || bits == 4 || bits == 8) ? 3 : 2;
}

#define DOT(sum, w, acts, lane) vdotq_laneq_s32(sum, vreinterpretq_s8_s32(w), acts, lane)
#define SUBGROUP(sum, w0, w1, b)                                                                                       \
    vmlaq_lane_s32(sum, DOT(DOT(vdupq_n_s32(0), w0, acts, 2 * (b)), w1, acts, 2 * (b) + 1), factors, b)

ALWAYS_INLINE int rows_of(int class) { return (void)class, 2; }
ALWAYS_INLINE ints row_integer(unsigned bits, ints sum) { return (void)bits, sum; }

/* Low and high parts of fine levels of a sub-group b. */
#define FINE_GROUP(sum, w, at, b)                                                                                      \
    vmlaq_lane_s32(sum,                                                                                                \
                   vaddq_s32(DOT(DOT(vdupq_n_s32(0), w[0].at, acts, 2 * (b)), w[1].at, acts, 2 * (b) + 1),             \
                             vshlq_n_s32(DOT(DOT(vdupq_n_s32(0), w[8].at, acts, 2 * (b)), w[9].at, acts, 2 * (b) + 1), \
                                         FINE_SHIFT)),                                                                 \
                   factors, b)

/* The same of fine levels: w holds low parts, then high ones. */
ALWAYS_INLINE ints fine_half_stripe(const record *r, const ints *w, int i, ints sum) {
    const int8x16_t acts = vreinterpretq_s8_s32(vld1q_s32(r->code + 4 * i));
    const int32x2_t factors = vreinterpret_s32_u32(vld1_u32(r->shift + 2 * i));
    w += 4 * i;
    sum.lo = FINE_GROUP(sum.lo, w, lo, 0);
    sum.hi = FINE_GROUP(sum.hi, w, hi, 0);
    w += 2;
    sum.lo = FINE_GROUP(sum.lo, w, lo, 1);
    sum.hi = FINE_GROUP(sum.hi, w, hi, 1);
    return sum;
}

/* Integer of half stripe i of a row on top of sum. */
ALWAYS_INLINE ints half_stripe(const record *r, const ints *w, int i, ints sum) {
    const int8x16_t acts = vreinterpretq_s8_s32(vld1q_s32(r->code + 4 * i));
    const int32x2_t factors = vreinterpret_s32_u32(vld1_u32(r->shift + 2 * i));
    w += 4 * i;
    sum.lo = SUBGROUP(sum.lo, w[0].lo, w[1].lo, 0);
    sum.hi = SUBGROUP(sum.hi, w[0].hi, w[1].hi, 0);
    sum.lo = SUBGROUP(sum.lo, w[2].lo, w[3].lo, 1);
    sum.hi = SUBGROUP(sum.hi, w[2].hi, w[3].hi, 1);
    return sum;
}

ALWAYS_INLINE void arrange(const job *j, unsigned bits, const ints v[8], ints w[16]) {
    for (int i = 0; i < 8; i++) {
        w[i] = bits == FINE ? fine_part(j, 0, v[i]) : v[i];
        w[8 + i] = bits == FINE ? fine_part(j, 1, v[i]) : v[i];
    }
}

/* The integers of a stripe, added to those of both halves of the tile: inputs 0..15 to first, 16..31 to second. */
ALWAYS_INLINE void row_stripe(const walk *k, const void *rec, uint64_t s, ints first[SUMS], ints second[SUMS]) {
    const job *j = k->j;
    const record *r = rec;
    const uint8_t *tile = k->tile;
    const unsigned bits = k->bits;
    for (int h = 0; h < 2; h++) {
        ints v[8], w[16];
        unpack(bits, j, tile + s * lo_bytes(bits) + 32 * h, tile + j->l.plane_hi + s * hi_bytes(bits) + 32 * h, v);
        arrange(j, bits, v, w);
        first[h] = bits == FINE ? fine_half_stripe(r, w, 0, first[h]) : half_stripe(r, w, 0, first[h]);
        second[h] = bits == FINE ? fine_half_stripe(r, w, 1, second[h]) : half_stripe(r, w, 1, second[h]);
    }
}

/* sum[2 * r + h] += integer of half stripe i of row r and half h of the tile. */
ALWAYS_INLINE void half_stripes(const void *rec, size_t row, int rows, const ints w[2][16], int i, int class,
                                ints sum[SUMS]) {
    for (int x = 0; x < 2 * rows; x++) {
        const record *r = (const record *)rec + row + x / 2;
        sum[x] = class == FINE_CODES ? fine_half_stripe(r, w[x % 2], i, sum[x]) : half_stripe(r, w[x % 2], i, sum[x]);
    }
}

#include "half.h"

PRODUCT(FAR)
const roma_kern roma_kern_table_neon = {
    .name = "neon", .product = product_FAR, LORA_ENTRIES(neon), VECTOR_ENTRIES(neon), ATTEND_ENTRIES(neon)};
