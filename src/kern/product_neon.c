/* Products on NEON with the dot product of ARMv8.2: docs/numerics.md section 3. sdot sums four products of signed bytes per lane, one
 * of its operands from any lane of a register: 16 activations come in one load, and codes of every width are signed bytes as they are.
 * Two sdots per sub-group of eight inputs and four rows, then a multiply-add by 2^shift. */
#define SIGNED_OFFSET 0
#include "unpack_neon.h"
#include "vector.h"

#define CLASSES 1
ALWAYS_INLINE int class_of(unsigned bits) { return (void)bits, 0; }

static void pack(job *j, int class, bool one_row) {
    (void)class, (void)one_row;
    pack_records(j, PACK_FACTOR);
}
ALWAYS_INLINE size_t record_bytes(int class) { return (void)class, sizeof(record); }
ALWAYS_INLINE const int32_t *record_bias(const void *rec, size_t i, int class) { return (void)class, ((const record *)rec)[i].bias; }
ALWAYS_INLINE const float *record_z(const void *rec, size_t i, int class) { return (void)class, ((const record *)rec)[i].z; }

#define DOT(sum, w, acts, lane) vdotq_laneq_s32(sum, vreinterpretq_s8_s32(w), acts, lane)
#define SUBGROUP(sum, w0, w1, b) \
    vmlaq_lane_s32(sum, DOT(DOT(vdupq_n_s32(0), w0, acts, 2 * (b)), w1, acts, 2 * (b) + 1), factors, b)

/* Integer of half stripe i of a row on top of sum. */
ALWAYS_INLINE ints half_stripe(const void *rec, size_t row, const ints *w, int i, int class, ints sum) {
    const record *r = (const record *)rec + row;
    (void)class;
    const int8x16_t acts = vreinterpretq_s8_s32(vld1q_s32(r->code + 4 * i));
    const int32x2_t factors = vreinterpret_s32_u32(vld1_u32(r->shift + 2 * i));
    w += 4 * i;
    sum.lo = SUBGROUP(sum.lo, w[0].lo, w[1].lo, 0);
    sum.hi = SUBGROUP(sum.hi, w[0].hi, w[1].hi, 0);
    sum.lo = SUBGROUP(sum.lo, w[2].lo, w[3].lo, 1);
    sum.hi = SUBGROUP(sum.hi, w[2].hi, w[3].hi, 1);
    return sum;
}

ALWAYS_INLINE void row_sums(const job *j, const uint8_t *tile, unsigned bits, uint64_t s, unsigned h, ints sum[2]) {
    const record *r = (const record *)j->records + s;
    ints w[8];
    unpack(bits, j, tile + s * lo_bytes(bits) + 32 * h, tile + j->l.plane_hi + s * hi_bytes(bits) + 32 * h, w);
    for (int i = 0; i < 2; i++) sum[i] = half_stripe(r, 0, w, i, 0, set_ints(r->bias[i]));
}

ALWAYS_INLINE void arrange(const ints v[8], int class, ints w[16]) {
    (void)class;
    memcpy(w, v, 8 * sizeof *w);
}

#include "half.h"

const roma_kern roma_kern_table_neon = {.name = "neon", .product = product, .lora_add = roma_lora_add_neon, VECTOR_ENTRIES(neon), ATTEND_ENTRIES(neon)};
