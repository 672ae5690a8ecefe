/* A small adapter file, the same on every run, in 64-byte aligned memory; and how to mend its checksums after a change.
 */
#ifndef ROMA_TEST_ADAPTER_FIXTURE_H
#define ROMA_TEST_ADAPTER_FIXTURE_H
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "roma/adapter.h"
#include "small_base.h"

static inline float fx_value(uint64_t key, uint64_t i) {
    return (float)((int)(roma_random(key, i) % 20001) - 10000) * 1e-5f;
}
static inline void fx_a(void *ctx, size_t i, uint32_t row, float *out) {
    const roma_adapter *a = ctx;
    for (uint64_t k = 0; k < a->targets[i].cols; k++) out[k] = fx_value(1000 * i + row, k) * (row == 1 ? 0 : 1);
}
static inline void fx_b(void *ctx, size_t i, uint64_t row, float *out) {
    const roma_adapter *a = ctx;
    for (uint32_t k = 0; k < a->targets[i].rank; k++)
        out[k] = fx_value(77000 + 1000 * i + row, k) * (row == 3 ? 1e-4f : 1);
}

/* Three targets, not in order; ranks 3, 17, 2. */
static inline roma_adapter fx_adapter(roma_adapter_target t[3], uint32_t type) {
    t[0] = (roma_adapter_target){
        .role = ROMA_W_DOWN, .layer = 1, .rows = 64, .cols = 96, .rank = 3, .alpha = 6, .scale = 2};
    t[1] = (roma_adapter_target){
        .role = ROMA_W_Q, .layer = 0, .rows = 64, .cols = 64, .rank = 17, .alpha = 17, .scale = 1};
    t[2] = (roma_adapter_target){
        .role = ROMA_W_K, .layer = 0, .rows = 32, .cols = 64, .rank = 2, .alpha = -1, .scale = -0.5f};
    roma_adapter a = {.type = type, .name = "small", .note = "a test", .targets = t, .n_targets = 3};
    for (int i = 0; i < 32; i++) a.base_id[i] = (uint8_t)(i * 3);
    return a;
}

/* Path of a file that does not exist yet. */
static inline const char *fx_path(void) {
    static char path[64];
    snprintf(path, sizeof path, "/tmp/roma-adapter-%ld", (long)getpid());
    return path;
}

static inline uint8_t *fx_aligned(const void *data, size_t size) {
    uint8_t *p = aligned_alloc(64, (size + 127) & ~(size_t)63);
    if (!p) abort();
    memcpy(p, data, size);
    return p;
}

static inline uint8_t *fx_file(uint32_t type, size_t *size) {
    roma_adapter_target t[3];
    const roma_adapter a = fx_adapter(t, type);
    const roma_adapter_source s = {(void *)(uintptr_t)&a, fx_a, fx_b};
    roma_map m;
    if (roma_adapter_write(fx_path(), &a, &s, NULL, NULL, NULL) || roma_map_open(&m, fx_path(), NULL)) abort();
    uint8_t *p = fx_aligned(m.data, m.size);
    *size = m.size;
    roma_map_close(&m);
    unlink(fx_path());
    return p;
}

/* CRCs of sections, table and header as the bytes now are; fields that lie outside the file stay. */
static inline void fx_mend(uint8_t *p, size_t size) {
    if (size < 128) return;
    const uint32_t n = roma_le32(p + 24);
    if (n <= 64 && 128 + 32 * (size_t)n <= size) {
        for (uint32_t i = 0; i < n; i++) {
            uint8_t *e = p + 128 + 32 * i;
            const uint64_t at = roma_le64(e + 8), bytes = roma_le64(e + 16);
            if (at <= size && bytes <= size - at) roma_put32(e + 24, roma_crc32c(0, p + at, bytes));
        }
        roma_put32(p + 28, roma_crc32c(0, p + 128, 32 * n));
    }
    roma_put32(p + 84, roma_crc32c(0, p, 84));
    roma_put32(p + 124, roma_crc32c(0, p + 88, 36));
}
#endif
