/* The single door to the heap, so that a test can refuse memory and can count requests. */
#include "base/internal.h"

#include <assert.h>
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

/* The heap that gives, and the one whose pieces are known: they differ once a heap no longer gives. */
static _Atomic(roma_heap *) giving, known;

void roma_heap_install(roma_heap *h) {
    assert(!h || !atomic_load(&known) || atomic_load(&known) == h);
    if (h) atomic_store(&known, h);
    atomic_store(&giving, h);
}

void roma_base_forget_heap(const roma_heap *h) {
    assert(atomic_load(&giving) != h);
    if (atomic_load(&known) == h) atomic_store(&known, NULL);
}

/* The heap that a piece came from; NULL: the allocator. */
static roma_heap *origin_of(const void *p) {
    roma_heap *h = atomic_load_explicit(&known, memory_order_acquire);
    return h && p && roma_heap_holds(h, p) ? h : NULL;
}

void *roma_alloc(size_t bytes) {
    roma_heap *h = atomic_load_explicit(&giving, memory_order_acquire);
    void *p = !bytes ? NULL : h ? roma_heap_alloc(h, bytes) : current.alloc(bytes);
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
    if (!p || !bytes) return bytes ? roma_alloc(bytes) : NULL;
    roma_heap *h = origin_of(p), *now = atomic_load_explicit(&giving, memory_order_acquire);
    if (!h && now) roma_heap_went_outside(now);
    void *q = h ? roma_heap_resize(h, p, bytes) : current.resize(p, bytes);
    if (q) roma_base_count_alloc();
    return q;
}

bool roma_grow(void *array, size_t n, size_t *cap, size_t bytes) {
    if (n < *cap) return true;
    const size_t more = *cap ? 2 * *cap : 16;
    void *p;
    memcpy(&p, array, sizeof p); /* whatever the items' type is */
    if (more < *cap || more > SIZE_MAX / bytes || !(p = roma_resize(p, more * bytes))) return false;
    memcpy(array, &p, sizeof p);
    *cap = more;
    return true;
}

void roma_free(void *p) {
    roma_heap *h = origin_of(p);
    if (h)
        roma_heap_free(h, p);
    else if (p)
        current.release(p);
}
