/* The single door to the heap, so that a test can refuse memory and can count requests. */
#include "base/internal.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static roma_allocator current = {malloc, realloc, free};
static atomic_uint_fast64_t count;

void roma_allocator_set(const roma_allocator *a) {
    static const roma_allocator libc = {malloc, realloc, free};
    current = a ? *a : libc;
}

void roma_base_count_alloc(void) { atomic_fetch_add_explicit(&count, 1, memory_order_relaxed); }

uint64_t roma_alloc_count(void) { return atomic_load_explicit(&count, memory_order_relaxed); }

void *roma_alloc(size_t bytes) {
    void *p = bytes ? current.alloc(bytes) : NULL;
    if (p) roma_base_count_alloc();
    return p;
}

void *roma_alloc_array(size_t n, size_t size) {
    size_t bytes;
    if (__builtin_mul_overflow(n, size, &bytes)) return NULL;
    void *p = roma_alloc(bytes);
    if (p) memset(p, 0, bytes);
    return p;
}

/* bytes == 0 is refused like any other failure: p stays valid and owned by the caller. */
void *roma_resize(void *p, size_t bytes) {
    void *q = bytes ? current.resize(p, bytes) : NULL;
    if (q) roma_base_count_alloc();
    return q;
}

void roma_free(void *p) {
    if (p) current.release(p);
}
