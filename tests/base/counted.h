/* For the tests of how much memory is asked for: an allocator that counts bytes. */
#ifndef ROMA_TEST_COUNTED_H
#define ROMA_TEST_COUNTED_H
#include "roma/base.h"

#include <stdlib.h>
#include <string.h>

static size_t counted_held, counted_most; /* bytes: now, and the most since the last begin */
static inline void *counted_alloc(size_t n) {
    size_t *p = malloc(n + 16);
    if (!p) return NULL;
    *p = n;
    counted_held += n;
    if (counted_held > counted_most) counted_most = counted_held;
    return (char *)p + 16;
}
static inline void counted_free(void *p) {
    if (!p) return;
    size_t *q = (size_t *)(void *)((char *)p - 16);
    counted_held -= *q;
    free(q);
}
static inline void *counted_resize(void *p, size_t n) { /* as bad as can be: old and new at once */
    void *q = counted_alloc(n);
    if (!q) return NULL;
    const size_t had = p ? *(size_t *)(void *)((char *)p - 16) : 0;
    if (had) memcpy(q, p, had < n ? had : n);
    counted_free(p);
    return q;
}

/* From here on bytes are counted; roma_allocator_set(NULL) ends that, when all of them were given back. */
static inline void counted_begin(void) {
    static const roma_allocator counted = {counted_alloc, counted_resize, counted_free};
    counted_held = counted_most = 0;
    roma_allocator_set(&counted);
}
#endif
