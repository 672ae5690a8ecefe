/* Dispatch: the table per instruction set, and the scalar table: portable C, mostly the reference itself. */
#include "kern.h"
#include "runs.h"

#ifdef __x86_64__
#include <cpuid.h>
#elif defined(__aarch64__)
#include <sys/auxv.h>
#endif

static void mul_c(float *out, const float *a, const float *b, uint64_t n) {
    for (uint64_t i = 0; i < n; i++) out[i] = a[i] * b[i];
}

static void add_c(float *out, const float *a, const float *b, uint64_t n) {
    for (uint64_t i = 0; i < n; i++) out[i] = a[i] + b[i];
}

static void page_scores(const roma_kv_page *p, const int8_t *ahead, unsigned head_dim, const int16_t *q,
                        const float *q_scale, unsigned n_q, float *score, size_t stride) {
    (void)ahead;
    roma_page_scores_c(p, head_dim, q, q_scale, n_q, score, stride);
}

static void page_values(const roma_kv_page *p, const int8_t *ahead, unsigned head_dim, const float *weight,
                        size_t stride, unsigned n_q, unsigned n, page_leaf to) {
    float *leaf = to.out + to.merges * to.level;
    (void)ahead;
    roma_page_values_c(p, head_dim, weight, stride, n_q, n, leaf);
    for (; to.merges > 0; to.merges--, leaf -= to.level)
        add_c(leaf - to.level, leaf - to.level, leaf, (uint64_t)n_q * head_dim);
}

static void run_scores_c(const roma_kern_run *r, const int16_t *q, const float *q_scale, unsigned n_q, float *score,
                         size_t stride) {
    run_scores(r, q, q_scale, n_q, score, stride);
}

static void run_values_c(const roma_kern_run *r, float *score, size_t stride, const float *max, unsigned n_q,
                         int64_t *sum, roma_kern_tree to) {
    run_values(r, score, stride, max, n_q, sum, &to, roma_softmax_weights_c);
}

static const roma_kern table_scalar = {
    .name = "scalar",
    .quantise = roma_quantise_c,
    .product = roma_product_c,
    .rms_inverse = roma_rms_inverse,
    .mul = mul_c,
    .add = add_c,
    .silu_mul = roma_silu_mul_c,
    .relu2_mul = roma_relu2_mul_c,
    .lora_product = roma_lora_product_c,
    .lora_add = roma_lora_add_c,
    .run_scores = run_scores_c,
    .largest = roma_largest_c,
    .softmax_weights = roma_softmax_weights_c,
    .run_values = run_values_c,
    .half_scores = roma_half_scores_c,
    .half_values = roma_half_values_c,
};

#ifdef __x86_64__
/* The compiler's run-time test covers both the CPU and what the system saves of its registers; AVX-VNNI is too new for
 * it and needs nothing that AVX2 does not. Every CPU with AVX2 has F16C. */
static bool has_avxvnni(void) {
    unsigned a, b, c, d;
    return __builtin_cpu_supports("avx2") && __get_cpuid_count(7, 0, &a, &b, &c, &d) && a >= 1 &&
           __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a >> 4 & 1);
}

static bool has_avx512(void) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vnni");
}
#endif

const roma_kern *roma_kern_get(roma_isa isa) {
    switch (isa) {
    case ROMA_ISA_SCALAR: return &table_scalar;
#ifdef __x86_64__
    case ROMA_ISA_AVX2: return __builtin_cpu_supports("avx2") ? &roma_kern_table_avx2 : NULL;
    case ROMA_ISA_AVXVNNI: return has_avxvnni() ? &roma_kern_table_avxvnni : NULL;
    case ROMA_ISA_AVX512: return has_avx512() ? &roma_kern_table_avx512 : NULL;
#elif defined(__aarch64__)
    case ROMA_ISA_NEON: return getauxval(AT_HWCAP) >> 20 & 1 ? &roma_kern_table_neon : NULL; /* HWCAP_ASIMDDP */
#endif
    default: return NULL;
    }
}

const roma_kern *roma_kern_best(void) {
    for (int isa = ROMA_ISA_COUNT - 1; isa > 0; isa--) {
        const roma_kern *k = roma_kern_get((roma_isa)isa);
        if (k) return k;
    }
    return &table_scalar;
}

const roma_kern *roma_kern_variant(const roma_kern *k, unsigned i) {
#ifdef __x86_64__
    static const roma_kern *const tables[][ROMA_KERN_VARIANTS] = {
        {&roma_kern_table_avx2, &roma_kern_table_avx2_near},
        {&roma_kern_table_avxvnni, &roma_kern_table_avxvnni_near},
        {&roma_kern_table_avx512, &roma_kern_table_avx512_near, &roma_kern_table_avx512_zen4}};
    for (size_t t = 0; t < sizeof tables / sizeof *tables; t++)
        for (unsigned v = 0; v < ROMA_KERN_VARIANTS; v++)
            if (k == tables[t][v]) return i < ROMA_KERN_VARIANTS ? tables[t][i] : NULL;
#endif
    return i ? NULL : k;
}

/* name is that of k, or NAME-VARIANT. */
static bool is_called(const roma_kern *k, const char *name, bool with_variant) {
    const size_t n = strlen(k->name);
    if (!with_variant) return !strcmp(name, k->name);
    return k->variant && !strncmp(name, k->name, n) && name[n] == '-' && !strcmp(name + n + 1, k->variant);
}

const roma_kern *roma_kern_find(const char *name) {
    if (!strcmp(name, "auto")) return roma_kern_best();
    for (int isa = 0; isa < ROMA_ISA_COUNT; isa++) {
        const roma_kern *k = roma_kern_get((roma_isa)isa), *v;
        if (k && is_called(k, name, false)) return k;
        for (unsigned i = 0; k && (v = roma_kern_variant(k, i)) != NULL; i++)
            if (is_called(v, name, true)) return v;
    }
    return NULL;
}

/* Family 19h is Zen 3 and Zen 4, whose models are 10h to 1Fh (Genoa) and 60h to AFh (Raphael, Phoenix, MI300, Bergamo);
 * family 1Ah is Zen 5. */
roma_kern_cpu roma_kern_amd(unsigned signature) {
    const unsigned base = signature >> 8 & 15, family = base == 15 ? base + (signature >> 20 & 255) : base,
                   model = (signature >> 4 & 15) | (signature >> 12 & 0xf0);
    if (family == 0x1a) return ROMA_CPU_ZEN5;
    const bool is_zen4 = family == 0x19 && ((model >= 0x10 && model < 0x20) || (model >= 0x60 && model < 0xb0));
    return is_zen4 ? ROMA_CPU_ZEN4 : ROMA_CPU_OTHER;
}

#ifdef __x86_64__
static roma_kern_cpu this_cpu(void) {
    unsigned a, b, c, d;
    return __builtin_cpu_is("amd") && __get_cpuid(1, &a, &b, &c, &d) ? roma_kern_amd(a) : ROMA_CPU_OTHER;
}
#else
static roma_kern_cpu this_cpu(void) { return ROMA_CPU_OTHER; }
#endif

roma_kern_hint roma_kern_known(const roma_kern *k) { return roma_kern_of(k, this_cpu()); }

/* Zen 4: both ways to prefetch were measured. Zen 5: with kernels of before, so that a trial may have another opinion.
 */
roma_kern_hint roma_kern_of(const roma_kern *k, roma_kern_cpu cpu) {
    const roma_kern *first = roma_kern_variant(k, 0), *own = roma_kern_variant(k, 2);
    if (!k->variant) return (roma_kern_hint){k, NULL, true};
    switch (cpu) {
    case ROMA_CPU_ZEN4: return (roma_kern_hint){own ? own : first, "Zen 4", true};
    case ROMA_CPU_ZEN5: return (roma_kern_hint){roma_kern_variant(k, 1), "Zen 5", false};
    case ROMA_CPU_OTHER: break;
    }
    return (roma_kern_hint){first, NULL, false};
}

/* Activation records of 64 bytes per stripe (128 for 8-bit weights on AVX2), and the stack of partial sums of one
 * block of rows. many_avx512.h takes 72 bytes per stripe, its stack has one level less than the blocks of 8 stripes
 * have bits, 256 bytes a row. */
size_t roma_kern_scratch_bytes(uint64_t cols, size_t n_acts) {
    return (size_t)(cols / ROMA_STRIPE) * n_acts * 128 + 34 * (size_t)32 * 128 +
           16 * (size_t)cols; /* the last: product_c.c */
}

#ifdef __x86_64__
const char *roma_kern_list(void) {
    return "scalar avx2 avx2-l1 avx2-l2 avxvnni avxvnni-l1 avxvnni-l2 avx512 avx512-l1 avx512-l2 avx512-zen4";
}
#elif defined(__aarch64__)
const char *roma_kern_list(void) { return "scalar neon"; }
#else
const char *roma_kern_list(void) { return "scalar"; }
#endif

const char *roma_kern_list_here(char *buf, size_t cap) {
    char name[16];
    buf[0] = 0;
    for (const char *p = roma_kern_list(); *p; p += strspn(p, " ")) {
        const size_t n = strcspn(p, " "), used = strlen(buf);
        roma_print(name, sizeof name, "%.*s", (int)n, p);
        if (roma_kern_find(name) && used + n + 1 < cap)
            roma_print(buf + used, cap - used, "%s%s", used ? " " : "", name);
        p += n;
    }
    return buf;
}
