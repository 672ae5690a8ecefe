/* Memory for checking kernels: a block that ends where the next page faults, and comparison bit by bit. */
#ifndef ROMA_TEST_GUARD_H
#define ROMA_TEST_GUARD_H

#include <sys/mman.h>
#include <unistd.h>

#include "../test.h"
#include "roma/kern.h"

typedef struct {
    uint8_t *map, *data;
    size_t pages; /* of data; one that faults lies behind them */
} guarded;

/* Maps that were given back, by their pages, each with the next one's address in its first bytes: to ask the system for
 * each anew took as long as the checks. */
enum { KEPT_PAGES = 64 };
static uint8_t *guarded_kept[KEPT_PAGES];

static uint8_t *guarded_map(size_t pages, size_t page) {
    uint8_t *map = pages < KEPT_PAGES ? guarded_kept[pages] : NULL;
    if (map) {
        memcpy(&guarded_kept[pages], map, sizeof(void *));
        return map;
    }
    map = mmap(NULL, (pages + 1) * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED || mprotect(map + pages * page, page, PROT_NONE)) abort();
    return map;
}

/* bytes zeros; the first byte after them, rounded up to align, is in a page that faults. */
static guarded guarded_new(size_t bytes, size_t align) {
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), whole = (bytes + align - 1) / align * align;
    guarded g = {.pages = (whole + page - 1) / page};
    g.map = guarded_map(g.pages, page);
    g.data = g.map + g.pages * page - whole;
    memset(g.data, 0, whole);
    return g;
}

static void guarded_free(guarded *g) {
    if (g->pages == 0 || g->pages >= KEPT_PAGES) {
        munmap(g->map, (g->pages + 1) * (size_t)sysconf(_SC_PAGESIZE));
        return;
    }
    memcpy(g->map, &guarded_kept[g->pages], sizeof(void *));
    guarded_kept[g->pages] = g->map;
}

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
