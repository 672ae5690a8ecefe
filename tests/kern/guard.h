/* Memory for checking kernels: a block that ends where the next page faults, and comparison bit by bit. */
#ifndef ROMA_TEST_GUARD_H
#define ROMA_TEST_GUARD_H

#include <sys/mman.h>
#include <unistd.h>

#include "../test.h"
#include "roma/kern.h"

typedef struct {
    uint8_t *map, *data;
    size_t map_bytes;
} guarded;

/* bytes bytes; the first byte after them, rounded up to align, is in a page that faults. */
static guarded guarded_new(size_t bytes, size_t align) {
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), whole = (bytes + align - 1) / align * align,
                 body = (whole + page - 1) / page * page;
    guarded g = {.map_bytes = body + page};
    g.map = mmap(NULL, g.map_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (g.map == MAP_FAILED || mprotect(g.map + body, page, PROT_NONE)) abort();
    g.data = g.map + body - whole;
    return g;
}

static void guarded_free(guarded *g) { munmap(g->map, g->map_bytes); }

/* Equal bits, or both NaN. */
static int same_floats(const float *a, const float *b, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (roma_f32_bits(a[i]) != roma_f32_bits(b[i]) && !(a[i] != a[i] && b[i] != b[i])) return 0;
    return 1;
}

/* Vectors to check per kernel. ROMA_VECTORS overrides: fewer under an emulator, more when one wants to be sure. */
static uint64_t vectors_wanted(void) {
    const char *n = getenv("ROMA_VECTORS");
    return n ? strtoull(n, NULL, 10) : 100000;
}

/* Whether that many for each form of weights, of B and of the cache, where a kernel has several: make vectors. */
static inline bool vectors_of_each_form(void) { return getenv("ROMA_VECTORS_EACH") != NULL; }

static uint64_t random_key;
static uint32_t random_u32(void) {
    static uint64_t counter;
    return (uint32_t)(roma_random(random_key, counter++) >> 32);
}

#endif
