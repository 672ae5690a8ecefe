/* Products on AVX2 with VNNI: docs/numerics.md section 3. vpdpbusd sums four products of an unsigned code and an activation in 32
 * bits, so every format multiplies alike: two per sub-group of eight inputs, then its shift. Signed levels get 128 added.
 *
 * The instruction exists as AVX-VNNI, for CPUs without AVX-512, and as the VL form of AVX-512 VNNI; this source is compiled for the
 * one its flags allow. The library has the first, the tests run both, and an emulation. */
#define SIGNED_OFFSET 128
#include "unpack_avx2.h"
#include "vector.h"

#if defined(__AVXVNNI__) && !defined(ROMA_SIMDE)
#define dpbusd(sum, codes, acts) _mm256_dpbusd_avx_epi32(sum, codes, acts)
#else
#define dpbusd(sum, codes, acts) _mm256_dpbusd_epi32(sum, codes, acts)
#endif

#define CLASSES 1
ALWAYS_INLINE int class_of(unsigned bits) { return (void)bits, 0; }

static void pack(job *j, int class, bool one_row) {
    (void)class, (void)one_row;
    pack_records(j, PACK_SHIFT);
}
ALWAYS_INLINE size_t record_bytes(int class) { return (void)class, sizeof(record); }
ALWAYS_INLINE const int32_t *record_bias(const void *rec, size_t i, int class) { return (void)class, ((const record *)rec)[i].bias; }
ALWAYS_INLINE const float *record_z(const void *rec, size_t i, int class) { return (void)class, ((const record *)rec)[i].z; }

/* Integer of half stripe i of a row on top of sum. */
ALWAYS_INLINE __m256i half_stripe(const void *rec, size_t row, const __m256i *w, int i, int class, __m256i sum) {
    const record *r = (const record *)rec + row;
    (void)class;
    for (int b = 2 * i; b < 2 * i + 2; b++) {
        const __m256i p = dpbusd(dpbusd(_mm256_setzero_si256(), w[2 * b], _mm256_set1_epi32(r->code[2 * b])), w[2 * b + 1],
                                 _mm256_set1_epi32(r->code[2 * b + 1]));
        sum = _mm256_add_epi32(sum, _mm256_sllv_epi32(p, _mm256_set1_epi32((int)r->shift[b])));
    }
    return sum;
}

ALWAYS_INLINE void row_sums(const job *j, const uint8_t *tile, unsigned bits, uint64_t s, unsigned h, __m256i sum[2]) {
    const record *r = (const record *)j->records + s;
    __m256i w[8];
    unpack(bits, j, tile + s * lo_bytes(bits) + 32 * h, tile + j->l.plane_hi + s * hi_bytes(bits) + 32 * h, w);
    for (int i = 0; i < 2; i++) sum[i] = half_stripe(r, 0, w, i, 0, _mm256_set1_epi32(r->bias[i]));
}

ALWAYS_INLINE void arrange(const __m256i v[8], int class, __m256i w[16]) {
    (void)class;
    memcpy(w, v, 8 * sizeof *w);
}

#include "half.h"

const roma_kern roma_kern_table_avxvnni = {.name = "avxvnni", .product = product, .lora_add = roma_lora_add_avx2, VECTOR_ENTRIES(avx2), ATTEND_ENTRIES(avx2)};
