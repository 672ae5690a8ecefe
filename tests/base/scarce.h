/* For the tests of refusal: an allocator that runs out, and whether a sanitizer needs the address space. */
#ifndef ROMA_TEST_SCARCE_H
#define ROMA_TEST_SCARCE_H
#include "roma/base.h"

#include <stdatomic.h>
#include <stdlib.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

static atomic_int scarce_left;        /* calls that still succeed */
static bool scarce_once;              /* those after the first refused one succeed too */
static atomic_int scarce_outstanding; /* pieces taken and not given back since the last begin */
static inline bool scarce_refuses(void) { return scarce_once ? scarce_left-- == 0 : scarce_left-- <= 0; }
static inline void *scarce_alloc(size_t n) {
    void *p = scarce_refuses() ? NULL : malloc(n);
    scarce_outstanding += p != NULL;
    return p;
}
static inline void *scarce_resize(void *p, size_t n) {
    void *q = scarce_refuses() ? NULL : realloc(p, n);
    scarce_outstanding += !p && q;
    return q;
}
static inline void scarce_release(void *p) {
    scarce_outstanding -= p != NULL;
    free(p);
}

/* From here on n calls succeed; roma_allocator_set(NULL) ends the scarcity. */
static inline void scarce_begin(int n) {
    static const roma_allocator scarce = {scarce_alloc, scarce_resize, scarce_release};
    scarce_left = n;
    scarce_once = false;
    scarce_outstanding = 0;
    roma_allocator_set(&scarce);
}
/* From here on call number n fails, the first being 0, and all others succeed. */
static inline void scarce_begin_once(int n) {
    scarce_begin(n);
    scarce_once = true;
}
#endif
