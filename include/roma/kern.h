/* kern - SIMD kernels beside their C reference, behind a dispatch table.
 *
 * Every entry of a table equals the reference, the function of roma/num.h of the same name, bit for bit; the scalar
 * table *is* the reference. Pointers need no alignment beyond their type, except tiles and blocks of activations: 64
 * bytes. Formats pass roma_format_check for their row; counts are 1 or more; a page's rows lie within the page.
 * Threads: tables are constant and static; entries are re-entrant; scratch belongs to one thread. */
#ifndef ROMA_KERN_H
#define ROMA_KERN_H

#include "roma/num.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Instruction sets, the better ones of a machine later; AVX512 is F, BW, VL, DQ and VNNI, NEON has the dot product. */
typedef enum {
    ROMA_ISA_SCALAR,
    ROMA_ISA_AVX2,
    ROMA_ISA_AVXVNNI,
    ROMA_ISA_AVX512,
    ROMA_ISA_NEON,
    ROMA_ISA_COUNT
} roma_isa;

/* Pages of a sequence, layer and KV head that queries walk: n of them, of which the last is seen in part where
 * positions is no multiple of ROMA_PAGE; behind them ROMA_KERN_AHEAD more, which are not read, but what a walk would
 * read of them may be fetched meanwhile. Keys are INT8, values INT8 or INT4. */
#define ROMA_KERN_AHEAD 4
typedef struct {
    const roma_kv_page *page; /* n + ROMA_KERN_AHEAD, the caller's */
    unsigned n, positions;    /* 1 or more; positions of them in 32 (n - 1) + 1 .. 32 n */
    unsigned head_dim;
    roma_kv_code v; /* what codes of values are */
} roma_kern_run;

/* Where leaves of pages go: onto the stack of docs/numerics.md 3.2, whose level l is n_q x head_dim floats from out + l
 * * level on. The first leaf is number `count` of its tree, so that it finds popcount(count) levels. A leaf is added to
 * the levels that it completes; what stands above the level that takes the sum is lost. */
typedef struct {
    float *out;
    size_t level;
    uint32_t count;
} roma_kern_tree;

/* A dispatch table. docs/numerics.md has the formula of each entry. Tables of one name differ in their variant: how a
 * kernel asks memory for what comes, and how many tiles it walks side by side, which CPU models want differently. Bits
 * never differ. */
typedef struct {
    const char *name; /* "scalar", "avx2", "avxvnni", "avx512", "neon" */
    /* "l2", "l1": into which cache one row's weights are prefetched; "zen4": l2, and fewer tiles side by side with
     * groups of 16 and 32; NULL: there is no other */
    const char *variant;
    /* A row into codes: roma_quantise_c of num.h. */
    void (*quantise)(const float *x, uint64_t cols, float factor, roma_act *a);
    /* Product of n_tiles tiles of format f, one after another, with n_acts rows of activations: out[i * stride + 16 *
     * tile + row]. scratch: roma_kern_scratch_bytes(cols, n_acts), 64-byte aligned. */
    void (*product)(const roma_format *f, uint64_t cols, const uint8_t *tiles, size_t n_tiles, const roma_act *acts,
                    size_t n_acts, float *out, size_t stride, void *scratch);
    float (*rms_inverse)(const float *x, uint64_t n, float eps);
    void (*mul)(float *out, const float *a, const float *b, uint64_t n);           /* fl(a*b); out may be a */
    void (*add)(float *out, const float *a, const float *b, uint64_t n);           /* fl(a+b); out may be a */
    void (*silu_mul)(float *out, const float *gate, const float *up, uint64_t n);  /* 5.4; out may be gate */
    void (*relu2_mul)(float *out, const float *gate, const float *up, uint64_t n); /* 5.4; out may be gate */
    /* num.h: roma_lora_product_c, roma_lora_add_c */
    void (*lora_product)(uint64_t cols, unsigned group, const uint8_t *tiles, size_t n_tiles,
                         const roma_act *const *acts, size_t n, float *out, size_t stride);
    void (*lora_add)(const roma_lora_b *b, size_t n_tiles, const int16_t *codes, size_t stride, const float *t,
                     size_t n, float *const *y);
    /* Attention over a run of pages, for n_q queries (num.h: roma_page_scores_c, roma_largest_c,
     * roma_softmax_weights_c, roma_page_values_c). run_values: scores become weights by each query's largest, max[q];
     * their sum is added to sum[q]; leaves go to the tree. What stands in score afterwards is not said, nor what comes
     * of a query one of whose scores is a NaN, but that its page's leaf is NaN. No scale of values is negative. */
    void (*run_scores)(const roma_kern_run *r, const int16_t *q, const float *q_scale, unsigned n_q, float *score,
                       size_t stride);
    float (*largest)(const float *score, uint64_t n);
    int64_t (*softmax_weights)(float *score, uint64_t n, float max);
    void (*run_values)(const roma_kern_run *r, float *score, size_t stride, const float *max, unsigned n_q,
                       int64_t *sum, roma_kern_tree to);
    void (*half_scores)(const roma_kv_page *p, unsigned head_dim, const int16_t *q, const float *q_scale, unsigned n_q,
                        float *score, size_t stride);
    void (*half_values)(const roma_kv_page *p, unsigned head_dim, const float *weight, size_t stride, unsigned n_q,
                        unsigned n, float *out);
} roma_kern;

/* Table of an instruction set; NULL when this CPU or this build lacks it. */
const roma_kern *roma_kern_get(roma_isa isa);
/* Table of the best instruction set that this CPU has; never NULL. */
const roma_kern *roma_kern_best(void);
/* Table by name, "auto" being the best; NULL when the name is unknown or the instruction set absent. A name without a
 * variant gives the first one; "avx512-l1" is NAME-VARIANT. */
const roma_kern *roma_kern_find(const char *name);
/* Variant i of k's instruction set, 0 the first; NULL beyond the last, of which there are at most ROMA_KERN_VARIANTS.
 * The first ROMA_KERN_TRIED are worth a trial where nothing is known: the third is for one CPU model. */
#define ROMA_KERN_VARIANTS 3
#define ROMA_KERN_TRIED 2
const roma_kern *roma_kern_variant(const roma_kern *k, unsigned i);
/* CPU models of whose wishes something is known; an AMD CPU's by its signature, EAX of CPUID's leaf 1. */
typedef enum { ROMA_CPU_OTHER, ROMA_CPU_ZEN4, ROMA_CPU_ZEN5 } roma_kern_cpu;
roma_kern_cpu roma_kern_amd(unsigned signature);
/* What is known of the variants of k's instruction set on a CPU, or on this one. */
typedef struct {
    const roma_kern *kern; /* the variant to begin with; never NULL */
    const char *cpu;       /* static; NULL: the model is none of those */
    bool is_sure;          /* no trial is needed */
} roma_kern_hint;
roma_kern_hint roma_kern_of(const roma_kern *k, roma_kern_cpu cpu);
roma_kern_hint roma_kern_known(const roma_kern *k);
/* Bytes of scratch for a product of rows of cols inputs with n_acts rows of activations. */
size_t roma_kern_scratch_bytes(uint64_t cols, size_t n_acts);
/* Names that roma_kern_find takes, but "auto", as compiled in, blanks between; static. */
const char *roma_kern_list(void);
/* Those of them that this CPU has, in buf, as many as cap bytes hold; returns buf. 128 bytes hold all. */
const char *roma_kern_list_here(char *buf, size_t cap);

#ifdef __cplusplus
}
#endif
#endif
