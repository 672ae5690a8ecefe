/* The two roofs, measured on a team; the loops are in roof_*.c. */
#include "roof/internal.h"

#include <string.h>
#include <sys/mman.h>

enum { BUFFER = 1 << 30, LOOPS = 50, ROUNDS = 1 << 17 };

/* ---- memory ---- */

static uint64_t read_any(const uint8_t *p, size_t bytes) {
    uint64_t s[8] = {0}, v[8];
    for (size_t i = 0; i < bytes; i += sizeof v) {
        memcpy(v, p + i, sizeof v);
        for (int k = 0; k < 8; k++) s[k] ^= v[k];
    }
    return s[0] ^ s[1] ^ s[2] ^ s[3] ^ s[4] ^ s[5] ^ s[6] ^ s[7];
}

void roma_roof_read_run(void *block, int thread, int threads) {
    roma_roof_block *b = block;
    size_t from, to;
    roma_share(b->bytes / 4096, thread, threads, &from, &to);
    const uint8_t *p = b->base + from * 4096;
#ifdef __x86_64__
    if (__builtin_cpu_supports("avx2")) {
        b->sink[thread] = roma_roof_read_avx2(p, (to - from) * 4096);
        return;
    }
#endif
    b->sink[thread] = read_any(p, (to - from) * 4096);
}

static void fill_run(void *base, int thread, int threads) {
    size_t from, to;
    roma_share(BUFFER / 4096, thread, threads, &from, &to);
    memset((uint8_t *)base + from * 4096, thread + 1, (to - from) * 4096);
}

uint8_t *roma_roof_memory_create(roma_team *team) {
    void *p = mmap(NULL, BUFFER, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) return NULL;
    madvise(p, BUFFER, MADV_HUGEPAGE);
    roma_team_run(team, fill_run, p);
    return p;
}

void roma_roof_memory_destroy(uint8_t *memory) {
    if (memory) munmap(memory, BUFFER);
}

double roma_roof_read_gb_s(roma_team *team, const uint8_t *memory) {
    roma_roof_block b = {.base = memory, .bytes = BUFFER};
    if (!memory) return 0;
    const double began = roma_now();
    roma_team_run(team, roma_roof_read_run, &b);
    return roma_rate(BUFFER, roma_now() - began) / 1e9;
}

/* ---- products ---- */

typedef struct {
    const char *isa;
    void (*run)(uint64_t rounds);
    double each; /* products of a round */
} loop;

static const loop loops[] = {
#if defined(__x86_64__)
    {"avx2", roma_roof_mac_avx2, ROMA_ROOF_MAC_256},
    {"avxvnni", roma_roof_mac_avxvnni, ROMA_ROOF_MAC_256},
    {"avx512", roma_roof_mac_avx512, ROMA_ROOF_MAC_512},
#elif defined(__aarch64__)
    {"neon", roma_roof_mac_neon, ROMA_ROOF_MAC_128},
#endif
    {NULL, NULL, 0},
};

static void mac_run(void *ctx, int thread, int threads) {
    const loop *l = ctx;
    (void)thread, (void)threads;
    l->run(ROUNDS);
}

double roma_roof_int8_gmac_s(roma_team *team, const char *isa) {
    double best = 0;
    const loop *l = loops;
    while (l->isa && strcmp(l->isa, isa) != 0) l++;
    for (int i = 0; i < LOOPS && l->isa; i++) {
        loop own = *l;
        const double began = roma_now();
        roma_team_run(team, mac_run, &own);
        const double rate = roma_rate(ROUNDS * l->each * roma_team_threads(team), roma_now() - began) / 1e9;
        if (rate > best) best = rate;
    }
    return best;
}

/* ---- name ---- */

const char *roma_roof_cpu(char *buf, size_t cap) {
    char line[256];
    FILE *f = fopen("/proc/cpuinfo", "r");
    roma_print(buf, cap, "unknown");
    while (f && fgets(line, sizeof line, f)) {
        char *colon = strchr(line, ':');
        if (!colon || strncmp(line, "model name", 10) != 0) continue;
        colon[1 + strcspn(colon + 1, "\n")] = 0;
        roma_print(buf, cap, "%s", colon + 1 + strspn(colon + 1, " "));
        break;
    }
    if (f) fclose(f);
    return buf;
}
