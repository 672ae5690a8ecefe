/* The two roofs, measured on a team; the loops are in roof_avx2.c and roof_avx512.c. */
#include "roof.h"

#include <string.h>
#include <sys/mman.h>

enum { BUFFER = 1 << 30, ROUNDS = 1 << 20, REPEATS = 5 };

typedef struct {
    uint8_t *buffer;
    bool fill;
    uint64_t sink[64];
} job;

static uint64_t read_any(const uint8_t *p, size_t bytes) {
    uint64_t s = 0, v;
    for (size_t i = 0; i < bytes; i += sizeof v) {
        memcpy(&v, p + i, sizeof v);
        s ^= v;
    }
    return s;
}

static uint64_t read_best(const uint8_t *p, size_t bytes) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vnni")) return roof_read_avx512(p, bytes);
    if (__builtin_cpu_supports("avx2")) return roof_read_avx2(p, bytes);
#endif
    return read_any(p, bytes);
}

static void read_share(void *ctx, int thread, int threads) {
    job *j = ctx;
    size_t from, to;
    roma_share(BUFFER / 4096, thread, threads, &from, &to);
    if (j->fill)
        memset(j->buffer + from * 4096, thread + 1, (to - from) * 4096);
    else
        j->sink[thread] = read_best(j->buffer + from * 4096, (to - from) * 4096);
}

double roof_read_gb_s(roma_team *team) {
    job j = {.fill = true};
    double best = 0;
    void *p = mmap(NULL, BUFFER, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) return 0;
    j.buffer = p;
    madvise(p, BUFFER, MADV_HUGEPAGE);
    roma_team_run(team, read_share, &j);
    j.fill = false;
    for (int i = 0; i < REPEATS; i++) {
        const double began = roma_now();
        roma_team_run(team, read_share, &j);
        const double rate = BUFFER / (roma_now() - began) / 1e9;
        if (rate > best) best = rate;
    }
    munmap(p, BUFFER);
    return best;
}

/* Returns the multiply-adds of a round. */
static int mac_best(uint64_t rounds, uint64_t *sink) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vnni")) {
        *sink = (uint64_t)roof_mac_avx512(rounds);
        return ROOF_MAC_AVX512;
    }
    if (__builtin_cpu_supports("avx2")) {
        *sink = (uint64_t)roof_mac_avx2(rounds);
        return ROOF_MAC_AVX2;
    }
#endif
    volatile int8_t a = 3, b = 5;
    int32_t s = 0;
    for (uint64_t i = 0; i < rounds; i++) s += a * b;
    *sink = (uint64_t)s;
    return 1;
}

static void mac_share(void *ctx, int thread, int threads) {
    job *j = ctx;
    (void)threads;
    mac_best(ROUNDS, &j->sink[thread]);
}

double roof_int8_gmac_s(roma_team *team) {
    job j = {0};
    double best = 0;
    const int threads = roma_team_threads(team), each = mac_best(1, &j.sink[0]);
    for (int i = 0; i < REPEATS; i++) {
        const double began = roma_now();
        roma_team_run(team, mac_share, &j);
        const double rate = (double)ROUNDS * each * threads / (roma_now() - began) / 1e9;
        if (rate > best) best = rate;
    }
    return best;
}
