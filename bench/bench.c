/* Denominators: see bench.h. */
#include "bench.h"

#include <immintrin.h>

static volatile uint64_t sink;

void bench_cpu_print(void) {
    FILE *f = fopen("/proc/cpuinfo", "r");
    char line[256];
    while (f && fgets(line, sizeof line, f))
        if (!strncmp(line, "model name", 10)) {
            printf("CPU %s", strchr(line, ':') ? strchr(line, ':') + 2 : line);
            break;
        }
    if (f) fclose(f);
}

__attribute__((target("avx2"))) void bench_read_run(void *ctx, int thread, int threads) {
    const bench_read *r = ctx;
    size_t begin, end;
    roma_share(r->bytes / 4096, thread, threads, &begin, &end);
    __m256i a = _mm256_setzero_si256(), b = a, c = a, d = a;
    for (const uint8_t *p = r->base + begin * 4096; p < r->base + end * 4096; p += 128) {
        _mm_prefetch((const char *)p + 4096, _MM_HINT_T0);
        _mm_prefetch((const char *)p + 4096 + 64, _MM_HINT_T0);
        a = _mm256_xor_si256(a, _mm256_load_si256((const void *)p));
        b = _mm256_xor_si256(b, _mm256_load_si256((const void *)(p + 32)));
        c = _mm256_xor_si256(c, _mm256_load_si256((const void *)(p + 64)));
        d = _mm256_xor_si256(d, _mm256_load_si256((const void *)(p + 96)));
    }
    a = _mm256_xor_si256(_mm256_xor_si256(a, b), _mm256_xor_si256(c, d));
    sink += (uint64_t)_mm256_extract_epi64(a, 0);
}

#define ROUNDS (1 << 17)
#define SUMS(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11)
const double bench_peak_macs = (double)ROUNDS * 12 * 64;

/* Twelve independent sums hide the latency. Written as instructions: a compiler would fold or spill them. */
__attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni"))) static void peak_avx512(void *ctx, int thread, int threads) {
    (void)ctx, (void)thread, (void)threads;
#define DECLARE(i) __m512i s##i = _mm512_setzero_si512();
#define STEP(i) __asm__ volatile("vpdpbusd %2, %1, %0" : "+v"(s##i) : "v"(u), "v"(w));
#define FOLD(i) all = _mm512_xor_si512(all, s##i);
    const __m512i u = _mm512_set1_epi8(3), w = _mm512_set1_epi8(5);
    __m512i all = u;
    SUMS(DECLARE)
    for (int n = 0; n < ROUNDS; n++) { SUMS(STEP) }
    SUMS(FOLD)
    sink += (uint64_t)_mm512_reduce_add_epi64(all);
#undef DECLARE
#undef STEP
#undef FOLD
}

/* vpmaddubsw with 16-bit sums, 32 products per instruction. */
__attribute__((target("avx2"))) static void peak_avx2(void *ctx, int thread, int threads) {
    (void)ctx, (void)thread, (void)threads;
#define DECLARE(i) __m256i s##i = _mm256_setzero_si256(), t##i;
#define STEP(i) __asm__ volatile("vpmaddubsw %3, %2, %1\n\tvpaddw %1, %0, %0" : "+x"(s##i), "=x"(t##i) : "x"(u), "x"(w));
#define FOLD(i) all = _mm256_xor_si256(all, s##i);
    const __m256i u = _mm256_set1_epi8(3), w = _mm256_set1_epi8(5);
    __m256i all = u;
    SUMS(DECLARE)
    for (int n = 0; n < 2 * ROUNDS; n++) { SUMS(STEP) }
    SUMS(FOLD)
    sink += (uint64_t)_mm256_extract_epi64(all, 0);
}

roma_team_fn bench_peak_fn(const char *isa) { return !strcmp(isa, "avx512") ? peak_avx512 : peak_avx2; }
