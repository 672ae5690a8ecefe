/* What the product kernels of every instruction set share: the job, and activations repacked as records.
 *
 * A product runs over stripes of 32 inputs. Everything a stripe needs of one activation row lies in one cache line,
 * its record; records of a block of rows lie together, so that the inner loop walks memory once, in order.
 *
 * Kernels multiply unsigned codes u with level = u - offset: a stripe's integer starts from bias = -offset * sum(A).
 */
#ifndef ROMA_KERN_PRODUCT_H
#define ROMA_KERN_PRODUCT_H

#include "kern.h"

/* Emulated, prefetches are nothing; and where addresses are watched, what differs in them alone is watched once: the
 * second set of one row's functions takes a minute to compile. */
#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define ROMA_ONE_SET
#endif
#endif
#ifdef ROMA_SIMDE
#define ROMA_ONE_SET
#endif

#ifdef ROMA_SIMDE
#define ALWAYS_INLINE static inline /* emulated kernels need no speed, and inlined they take minutes to compile */
#else
#define ALWAYS_INLINE static inline __attribute__((always_inline))
#endif
#define NOINLINE __attribute__((noinline))

#define BLOCK_ACTS 32 /* activation rows of a block: their records and partial sums of a stripe stay in L1 */
#define CHUNK 8       /* stripes of a super-group */
#define SUMS 8        /* integers of the most rows that half.h takes at a time, four, and of both halves of a tile */

typedef struct {
    int32_t code[8];   /* four codes each */
    uint32_t shift[4]; /* 0..7; NEON: 2^shift; AVX2: 2^shift in both halves */
    int32_t bias[2];   /* of the group: of each half for groups of 16, else [0] in the group's last stripe */
    float z[2];        /* sum of the group, in the same places */
} record;

#define WIDE_RECORD 128 /* bytes of the largest record: that of signed levels on AVX2 */

enum { GROUP_16, GROUP_32, GROUP_MORE };

typedef struct {
    const roma_format *f;
    roma_tile_layout l;
    uint64_t stripes;
    size_t n_acts, stride;
    const roma_act *acts;
    float *out;
    unsigned kind; /* GROUP_* */
    unsigned span; /* stripes per group, a power of two; 1 for GROUP_16 */
    unsigned log_span;
    unsigned chunk_mask; /* groups per super-group - 1 */
    int32_t offset;      /* of unsigned codes: level = code - offset */
    bool ints;           /* integer scales under a super-group: expanded to FP32 a chunk at a time */
    uint8_t table[16];   /* level table, plus the offset of signed levels */
    uint8_t fine[2][16]; /* fine level table in two parts: fine_init */
    void *records;
    void *stack;                                   /* partial sums [level][row of the block][tile] */
    _Alignas(64) float super[2][16];               /* [scale, min][row]: of the super-group, where it is not expanded */
    _Alignas(64) float chunk[2][2][2 * CHUNK][16]; /* [tile][scale, min][group of the super-group][row] */
} job;

ALWAYS_INLINE void job_init(job *j, const roma_format *f, uint64_t cols, const roma_act *acts, size_t n_acts,
                            float *out, size_t stride, void *scratch, int32_t signed_offset) {
    j->f = f;
    roma_tile_layout_get(f, cols, &j->l);
    j->stripes = cols / ROMA_STRIPE;
    j->n_acts = n_acts;
    j->stride = stride;
    j->acts = acts;
    j->out = out;
    j->kind = f->group == 16 ? GROUP_16 : f->group == 32 ? GROUP_32 : GROUP_MORE;
    j->span = f->group == 16 ? 1 : f->group / 32u;
    j->log_span = (unsigned)__builtin_ctz(j->span);
    j->chunk_mask = 256u / f->group - 1;
    j->offset = f->zero + (f->bits == 8 || f->level == ROMA_LEVEL_TABLE ? signed_offset : 0);
    j->ints = f->super != 0;
    for (int i = 0; i < 16; i++) j->table[i] = (uint8_t)(f->table[i] + signed_offset);
    j->records = scratch;
    j->stack = (uint8_t *)scratch + j->stripes * n_acts * WIDE_RECORD;
}

/* Levels of a fine table as high << shift | low; the high parts are signed, or with an offset of 512 no more. */
ALWAYS_INLINE void fine_init(job *j, int shift, int32_t offset) {
    j->offset = offset;
    for (int i = 0; i < 16; i++) {
        j->fine[0][i] = (uint8_t)((j->f->table[i] + 512) & ((1 << shift) - 1));
        j->fine[1][i] = (uint8_t)(((j->f->table[i] + 512) >> shift) - ((512 - offset) >> shift));
    }
}

/* What a leaf has beside its scale: nothing, a minimum, a zero point of its own. */
enum { ALONE, WITH_MIN, OWN_ZEROS };
ALWAYS_INLINE unsigned extra_of(const roma_format *f) { return f->min ? WITH_MIN : f->zeros ? OWN_ZEROS : ALONE; }

/* Widths of their own: 4-bit codes with a level table. */
#define TABLE 7
#define FINE 9
ALWAYS_INLINE unsigned width_of(const roma_format *f) {
    return f->level == ROMA_LEVEL_TABLE ? TABLE : f->level == ROMA_LEVEL_FINE ? FINE : f->bits;
}
ALWAYS_INLINE bool is_signed(unsigned width) { return width == 8 || width == TABLE; }
/* Bytes of a stripe in the lower and the upper plane. */
ALWAYS_INLINE size_t lo_bytes(unsigned bits) { return bits == 8 ? 512 : bits >= 4 ? 256 : 128; }
ALWAYS_INLINE size_t hi_bytes(unsigned bits) { return bits == 6 ? 128 : bits == 3 || bits == 5 ? 64 : 0; }

/* Bytes of a group's scales. */
ALWAYS_INLINE size_t group_bytes(unsigned form) {
    return form == ROMA_SCALE_F32   ? 64
           : form == ROMA_SCALE_F16 ? 32
           : form == ROMA_SCALE_S8  ? 16
           : form == ROMA_SCALE_U4  ? 8
                                    : 12;
}

/* Bias and group sums of stripe s; sum runs over the stripes of a group, so that its last stripe has them of the group.
 */
ALWAYS_INLINE void record_sums(const job *j, const roma_act *a, uint64_t s, int32_t *sum, int32_t bias[2], float z[2]) {
    if (j->kind == GROUP_16) {
        for (int h = 0; h < 2; h++) {
            bias[h] = -j->offset * a->sum16[2 * s + (unsigned)h];
            z[h] = (float)a->sum16[2 * s + (unsigned)h];
        }
        return;
    }
    *sum = (s & (j->span - 1) ? *sum : 0) + a->sum32[s];
    bias[0] = -j->offset * *sum;
    z[0] = (float)*sum;
    bias[1] = 0;
    z[1] = 0;
}

/* Writes the codes and shifts of stripe s of a row into a record. */
typedef void (*pack_fn)(void *rec, const roma_act *a, uint64_t s);

/* Records of rows in blocks: [block][stripe][row of the block]. Every kind of record ends in bias and z. */
ALWAYS_INLINE void pack_each(job *j, size_t size, pack_fn codes) {
    for (size_t first = 0; first < j->n_acts; first += BLOCK_ACTS) {
        const size_t n = j->n_acts - first < BLOCK_ACTS ? j->n_acts - first : BLOCK_ACTS;
        for (size_t i = 0; i < n; i++) {
            const roma_act *a = &j->acts[first + i];
            int32_t sum = 0;
            for (uint64_t s = 0; s < j->stripes; s++) {
                uint8_t *r = (uint8_t *)j->records + (first * j->stripes + s * n + i) * size;
                codes(r, a, s);
                record_sums(j, a, s, &sum, (int32_t *)(void *)(r + size - 16), (float *)(void *)(r + size - 8));
            }
        }
    }
}

/* Codes as they come, with shifts, with factors 2^shift or with those twice. */
enum { PACK_SHIFT, PACK_FACTOR, PACK_MULT };

ALWAYS_INLINE void pack_order(record *r, const roma_act *a, uint64_t s, int order) {
    memcpy(r->code, a->code + 32 * s, 32);
    memcpy(r->shift, order == PACK_SHIFT ? (const void *)(a->shift + 4 * s) : a->mult + 4 * s, 16);
    for (int b = 0; order == PACK_FACTOR && b < 4; b++) r->shift[b] &= 0xffffu;
}
ALWAYS_INLINE void pack_shift(void *r, const roma_act *a, uint64_t s) { pack_order(r, a, s, PACK_SHIFT); }
ALWAYS_INLINE void pack_factor(void *r, const roma_act *a, uint64_t s) { pack_order(r, a, s, PACK_FACTOR); }
ALWAYS_INLINE void pack_mult(void *r, const roma_act *a, uint64_t s) { pack_order(r, a, s, PACK_MULT); }

ALWAYS_INLINE void pack_records(job *j, int order) {
    pack_each(j, sizeof(record), order == PACK_SHIFT ? pack_shift : order == PACK_FACTOR ? pack_factor : pack_mult);
}

/* One row of activations has a function of its own for the formats that models come in. Any other format takes the path
 * of several rows, so that compilers need not build all of them. */
typedef void (*one_row_fn)(job *j, const uint8_t *tiles, size_t n_tiles);

/* The tables of an instruction set: roma_kern_table_ISA, whose product_<far> prefetches into the second-level cache,
 * and roma_kern_table_ISA_near, whose product_<near> prefetches into the first. lora, attend: whose entries it takes.
 * Of one set, one product serves both. */
#ifdef ROMA_ONE_SET
#define PRODUCT_NEAR(far, near) product_##far
#else
#define PRODUCT_NEAR(far, near) product_##near
#endif
#define TABLE_OF(isa, variant_, product_, lora, attend)                                                                \
    {                                                                                                                  \
        .name = #isa, .variant = variant_, .product = product_, LORA_ENTRIES(lora), VECTOR_ENTRIES(avx2),              \
        ATTEND_ENTRIES(attend)                                                                                         \
    }
#define TABLES(isa, far, near, lora, attend)                                                                           \
    const roma_kern roma_kern_table_##isa = TABLE_OF(isa, "l2", product_##far, lora, attend);                          \
    const roma_kern roma_kern_table_##isa##_near = TABLE_OF(isa, "l1", PRODUCT_NEAR(far, near), lora, attend);

#endif
